//! Questions as they really arrive: mistyped, in traditional characters, in full width, wrapped in courtesy.
//!
//! A perturbed question means what the original means, so what retrieval loses by it is its own fault. What is changed depends
//! on the kind and the question's id alone: the same file gives the same questions everywhere.

use super::metrics::Figures;
use crate::text::normalize::is_han;
use crate::text::questions::Question;
use crate::text::thesaurus::Thesaurus;
use crate::text::{filler, syllables};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};

const TYPOS: &str = include_str!("../../assets/eval/typos.txt");
const TRADITIONAL: &str = include_str!("../../assets/eval/traditional.txt");

/// One slip of the fingers in about so many characters.
const CHARS_PER_TYPO: usize = 12;
/// Of ten slips so many are a wrong character; of the others, half leave one out and half swap two.
const SUBSTITUTIONS_OF_TEN: usize = 6;
/// Said before a question.
const OPENINGS: [&str; 8] = ["请问", "那个", "麻烦问下", "你好,", "请问一下", "想问下", "那个请问", "您好麻烦问一下,"];
/// Said after it.
const ENDINGS: [&str; 6] = ["啊", "呢", "哈", "吧", "呀", "谢谢"];

/// A way to change a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Perturbation {
    /// Characters of the same sound or look, dropped and swapped characters.
    Typos,
    /// Traditional characters.
    Traditional,
    /// Letters, digits and marks in full width, with wide spaces.
    Fullwidth,
    /// Courtesy in front and a particle at the end.
    Particles,
    /// One character replaced by another of the same sound, as input methods offer it.
    SameSound,
    /// One word in the letters of its sound.
    Letters,
}

impl Perturbation {
    /// Every way.
    pub const ALL: [Perturbation; 6] = [
        Perturbation::Typos,
        Perturbation::Traditional,
        Perturbation::Fullwidth,
        Perturbation::Particles,
        Perturbation::SameSound,
        Perturbation::Letters,
    ];

    /// How tables call it.
    pub fn label(self) -> &'static str {
        match self {
            Perturbation::Typos => "错别字",
            Perturbation::Traditional => "繁体字",
            Perturbation::Fullwidth => "全角",
            Perturbation::Particles => "语气词",
            Perturbation::SameSound => "同音字",
            Perturbation::Letters => "拼音词",
        }
    }

    /// The questions, each changed in this way.
    pub fn apply(self, questions: &[Question]) -> Vec<Question> {
        let table = match self {
            Perturbation::Typos => confusions(TYPOS),
            Perturbation::Traditional => variants(TRADITIONAL),
            Perturbation::SameSound => same_sounds(),
            Perturbation::Fullwidth | Perturbation::Particles | Perturbation::Letters => HashMap::new(),
        };
        let words = Thesaurus::bundled();
        let change = |question: &Question| {
            let mut dice = Dice::new(self, &question.id);
            let text = &question.question;
            let question_text = match self {
                Perturbation::Typos => mistype(text, &table, &mut dice),
                Perturbation::Traditional => write_traditional(text, &table, &mut dice),
                Perturbation::Fullwidth => widen(text),
                Perturbation::Particles => be_polite(text, &mut dice),
                Perturbation::SameSound => write_another(text, &table, &mut dice),
                Perturbation::Letters => write_letters(text, &words, &mut dice),
            };
            Question { question: question_text, ..question.clone() }
        };
        questions.iter().map(change).collect()
    }
}

/// The figures on changed questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Perturbed {
    /// The way.
    pub kind: Perturbation,
    /// All figures.
    pub figures: Figures,
}

type Table = HashMap<char, Vec<char>>;

fn groups(text: &str) -> impl Iterator<Item = Vec<char>> {
    text.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace).map(|group| group.chars().collect())
}

/// For each character the others of its groups.
fn confusions(text: &str) -> Table {
    let mut table = Table::new();
    for group in groups(text) {
        for &c in &group {
            table.entry(c).or_default().extend(group.iter().filter(|other| **other != c));
        }
    }
    table
}

/// For the first character of each group the rest of it.
fn variants(text: &str) -> Table {
    groups(text).filter_map(|group| group.split_first().map(|(first, rest)| (*first, rest.to_vec()))).collect()
}

/// One slip in each stretch of a text, so that none undoes another.
fn mistype(text: &str, table: &Table, dice: &mut Dice) -> String {
    let chars: Vec<char> = text.chars().collect();
    let slips = (chars.len() / CHARS_PER_TYPO).max(1);
    let stretches = chars.chunks(chars.len().div_ceil(slips).max(1));
    stretches.flat_map(|stretch| slip(stretch.to_vec(), table, dice)).collect()
}

fn slip(mut chars: Vec<char>, table: &Table, dice: &mut Dice) -> Vec<char> {
    let places = |wanted: &dyn Fn(char) -> bool| -> Vec<usize> {
        chars.iter().enumerate().filter(|(_, c)| wanted(**c)).map(|(at, _)| at).collect()
    };
    let confusable = dice.pick(&places(&|c| table.contains_key(&c))).copied();
    let any = dice.pick(&places(&is_han)).copied();
    match (confusable, any) {
        (Some(at), _) if dice.below(10) < SUBSTITUTIONS_OF_TEN => {
            let wrong = chars.get(at).and_then(|c| table.get(c)).and_then(|others| dice.pick(others));
            if let (Some(place), Some(wrong)) = (chars.get_mut(at), wrong) {
                *place = *wrong;
            }
        }
        // The last character has no neighbour to swap with.
        (_, Some(at)) if dice.below(2) == 0 || at + 1 == chars.len() => {
            chars.remove(at);
        }
        (_, Some(at)) => chars.swap(at, at + 1),
        (_, None) => {}
    }
    chars
}

fn write_traditional(text: &str, table: &Table, dice: &mut Dice) -> String {
    // A writer keeps to one form of a character; the draw comes first so that it is the same for every text.
    let taste = dice.below(usize::MAX);
    let write = |c: char| {
        let forms = table.get(&c).map_or(&[][..], Vec::as_slice);
        forms.get(taste % forms.len().max(1)).copied().unwrap_or(c)
    };
    text.chars().map(write).collect()
}

/// For each of the characters in the tables those with a reading in common.
fn same_sounds() -> Table {
    let common: BTreeSet<char> =
        groups(TYPOS).chain(groups(TRADITIONAL).map(|group| group.into_iter().take(1).collect())).flatten().collect();
    let mut by_sound: HashMap<String, Vec<char>> = HashMap::new();
    for &c in &common {
        // The first reading is the usual one.
        if let Some(sound) = syllables::readings(c).next() {
            by_sound.entry(sound.into_owned()).or_default().push(c);
        }
    }
    let others = |c: char, all: &[char]| all.iter().copied().filter(|other| *other != c).collect();
    by_sound.values().filter(|all| all.len() > 1).flat_map(|all| all.iter().map(|c| (*c, others(*c, all)))).collect()
}

/// Another character of the same sound for one that says something.
fn write_another(text: &str, table: &Table, dice: &mut Dice) -> String {
    let filler: HashSet<usize> = filler::places(text).collect();
    let mut chars: Vec<char> = text.chars().collect();
    let places = chars.iter().enumerate().filter(|(at, c)| !filler.contains(at) && table.contains_key(c));
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    if let Some(place) = dice.pick(&places).and_then(|at| chars.get_mut(*at))
        && let Some(other) = table.get(place).and_then(|others| dice.pick(others))
    {
        *place = *other;
    }
    chars.into_iter().collect()
}

/// Letters for one of the spoken words, else for two characters that say something.
fn write_letters(text: &str, words: &Thesaurus, dice: &mut Dice) -> String {
    let chars: Vec<char> = text.chars().collect();
    let filler: HashSet<usize> = filler::places(text).collect();
    let han = |word: &str| word.chars().count() > 1 && word.chars().all(is_han);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (word, _) in words.matches(text).into_iter().filter(|(word, _)| han(word)) {
        spans.extend(text.find(word).map(|at| (text[..at].chars().count(), word.chars().count())));
    }
    if spans.is_empty() {
        let says = |at: usize| !filler.contains(&at) && chars.get(at).is_some_and(|c| is_han(*c));
        spans.extend((0..chars.len()).filter(|at| says(*at) && says(at + 1)).map(|at| (at, 2)));
    }
    let Some(&(start, length)) = dice.pick(&spans) else { return text.to_owned() };
    let letters = |(at, c): (usize, &char)| match syllables::readings(*c).next() {
        Some(sound) if (start..start + length).contains(&at) => sound.into_owned(),
        _ => c.to_string(),
    };
    chars.iter().enumerate().map(letters).collect()
}

/// U+FF01 to U+FF5E are the printable ASCII characters in the same order.
fn widen(text: &str) -> String {
    let mut out = String::from('\u{3000}');
    for c in text.chars() {
        match c {
            ' ' => out.push('\u{3000}'),
            '!'..='~' => out.push(char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c)),
            c => out.push(c),
        }
        if matches!(c, ',' | '，' | '。' | '、' | ';' | '；') {
            out.push('\u{3000}');
        }
    }
    out.push('\u{3000}');
    out
}

fn be_polite(text: &str, dice: &mut Dice) -> String {
    let opening = dice.pick(&OPENINGS).copied().unwrap_or_default();
    let ending = dice.pick(&ENDINGS).copied().unwrap_or_default();
    let body = text.trim_end_matches(['?', '？', '。', '!', '！']);
    let mark = text.get(body.len()..).unwrap_or_default();
    format!("{opening}{body}{ending}{mark}")
}

/// Random numbers that depend on a question only: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) from a hash of kind and id.
struct Dice(u64);

impl Dice {
    fn new(kind: Perturbation, id: &str) -> Dice {
        let digest = Sha256::digest(format!("{kind:?}\n{id}"));
        Dice(digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let at = self.below(from.len());
        from.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::normalize::{fold_question, normalize, simplify};

    fn question(text: &str) -> Vec<Question> {
        (0..20)
            .map(|n| Question {
                line: n,
                id: format!("q{n}"),
                question: text.into(),
                answer: None,
                relevant: Vec::new(),
                rests_on: Vec::new(),
                register: None,
            })
            .collect()
    }

    fn changed(kind: Perturbation, text: &str) -> Vec<String> {
        kind.apply(&question(text)).into_iter().map(|q| q.question).collect()
    }

    #[test]
    fn the_same_question_is_always_changed_in_the_same_way() {
        for kind in Perturbation::ALL {
            let text = "客户说账户被冻结了,银行卡ATM取2000元取不了怎么办?";
            let once = changed(kind, text);
            assert_eq!(once, changed(kind, text));
            assert!(once.iter().all(|q| q != text), "{kind:?}: {once:?}");
        }
    }

    #[test]
    fn a_typo_touches_one_character_in_twelve() {
        let text = "存款人死亡后账户里的钱怎么取";
        let mistyped = changed(Perturbation::Typos, text);
        assert!(mistyped.iter().collect::<std::collections::HashSet<_>>().len() > 5, "{mistyped:?}");
        for typed in mistyped {
            let kept = text.chars().filter(|c| typed.contains(*c)).count();
            assert!(kept >= text.chars().count() - 1, "{typed}");
        }
    }

    #[test]
    fn width_and_script_are_undone_by_normalising() {
        let text = "ATM取2000元,能 取吗?";
        assert_eq!(normalize(&changed(Perturbation::Fullwidth, text)[0]), "atm取2000元,能取吗?");
        let text = "账户里的钱被冻结了怎么办";
        for traditional in changed(Perturbation::Traditional, text) {
            assert!(traditional.contains('錢') && traditional.contains('凍'), "{traditional}");
            assert_eq!(simplify(&normalize(&traditional)), text, "{traditional}");
        }
    }

    #[test]
    fn courtesy_stands_around_the_question() {
        for polite in changed(Perturbation::Particles, "卡丢了怎么办？") {
            assert!(polite.contains("卡丢了怎么办") && polite.ends_with('？'), "{polite}");
            assert!(fold_question(&polite).chars().count() > 7, "{polite}");
        }
    }

    #[test]
    fn a_word_is_typed_by_its_sound() {
        for typed in changed(Perturbation::SameSound, "收到假币怎么处理") {
            let differs = typed.chars().zip("收到假币怎么处理".chars()).filter(|(a, b)| a != b).count();
            assert_eq!(differs, 1, "{typed}");
            assert!(typed.contains("怎么"), "{typed}");
        }
        for typed in changed(Perturbation::Letters, "银行卡挂失要多少钱") {
            assert!(typed.contains(|c: char| c.is_ascii_lowercase()) && typed.contains(is_han), "{typed}");
        }
    }

    #[test]
    fn the_tables_are_well_formed() {
        assert!(groups(TYPOS).all(|g| g.len() > 1) && groups(TYPOS).count() >= 150);
        for group in groups(TRADITIONAL) {
            assert!(group.len() > 1 && group.iter().all(|c| is_han(*c)), "{group:?}");
        }
        assert!(groups(TRADITIONAL).count() >= 800);
    }
}
