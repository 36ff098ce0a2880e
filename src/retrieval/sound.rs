//! Words that were typed in the letters of their sound: `guashi`, `挂shi`.
//!
//! What is meant is told by the knowledge itself: pairs of neighbouring characters that its clauses and the list of spoken words have, by
//! their syllables. Letters become the characters whose pairs are the most frequent.
//!
//! A wrong character of the same sound (挂矢) is left as it is: it costs 0.6 points of recall@10 on the sample rulebook, 3.0 on 28 real rules in
//! everyday speech. Putting those right whose pairs the knowledge does not have changed half of all everyday questions, which are full of words that
//! rules do not use, and cost 3 points of the questions without a slip.

use crate::error::Result;
use crate::store::Knowledge;
use crate::text::normalize::is_han;
use crate::text::thesaurus::Thesaurus;
use crate::text::{passage, syllables};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Most letters of one word that are read as syllables; a longer run is no word.
const MAX_LETTERS: usize = 24;
/// Ways to cut letters into syllables that are tried (xian: xian, xi'an).
const MAX_CUTS: usize = 16;
/// Letters of a syllable at most (zhuang).
const MAX_SYLLABLE: usize = 6;
/// What a spoken word counts like: so many clauses.
const SPOKEN_CLAUSES: u32 = 3;
/// What a new word costs against going on with the same one, in units of ln(clauses).
const NEW_WORD: f64 = 3.0;

/// A question in one spelling ([`passage::spoken`]), with the characters that were meant where it was typed by sound, and whether it was. `sounds` are made when the first
/// question in letters comes.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn spoken(
    sounds: &OnceLock<Sounds>,
    knowledge: &Knowledge,
    thesaurus: &Thesaurus,
    question: &str,
) -> Result<(String, bool)> {
    let typed = passage::spoken(question);
    if !has_letters(&typed) {
        return Ok((typed, false));
    }
    let sounds = match sounds.get() {
        Some(sounds) => sounds,
        None => {
            let made = Sounds::of(knowledge, thesaurus.words())?;
            sounds.get_or_init(|| made)
        }
    };
    let known = |word: &str| knowledge.term_stats(&[word]).is_ok_and(|found| found.iter().any(Option::is_some));
    Ok(sounds.restore(&typed, known).map_or((typed, false), |restored| (restored, true)))
}

/// Whether a text has letters that may stand for characters: two of them together.
fn has_letters(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_lowercase))
}

/// A pair of characters and how many clauses have it.
#[derive(Debug, Clone, Copy)]
struct Pair {
    first: char,
    second: char,
    clauses: u32,
}

/// The known pairs of characters by their syllables.
#[derive(Debug, Default)]
pub struct Sounds {
    pairs: HashMap<(u16, u16), Vec<Pair>>,
    numbers: HashMap<Cow<'static, str>, u16>,
}

impl Sounds {
    /// Those of the knowledge and of `spoken` words.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    fn of<'a>(knowledge: &Knowledge, spoken: impl Iterator<Item = &'a str>) -> Result<Sounds> {
        let mut counts: HashMap<(char, char), u32> = HashMap::new();
        knowledge.for_each_term(|term, clauses| {
            let mut chars = term.chars();
            if let (Some(first), Some(second), None) = (chars.next(), chars.next(), chars.next())
                && is_han(first)
                && is_han(second)
            {
                *counts.entry((first, second)).or_default() += clauses;
            }
        })?;
        for word in spoken {
            for (first, second) in word.chars().zip(word.chars().skip(1)).filter(|(a, b)| is_han(*a) && is_han(*b)) {
                *counts.entry((first, second)).or_default() += SPOKEN_CLAUSES;
            }
        }
        Ok(Sounds::from_counts(counts))
    }

    fn from_counts(counts: HashMap<(char, char), u32>) -> Sounds {
        let mut sounds = Sounds::default();
        let mut read: HashMap<char, Vec<u16>> = HashMap::new();
        for ((first, second), clauses) in counts {
            let mut numbers = |c: char| read.entry(c).or_insert_with(|| sounds.numbers_of(c)).clone();
            let (before, after) = (numbers(first), numbers(second));
            for a in &before {
                for b in &after {
                    sounds.pairs.entry((*a, *b)).or_default().push(Pair { first, second, clauses });
                }
            }
        }
        for pairs in sounds.pairs.values_mut() {
            pairs.sort_by(|a, b| b.clauses.cmp(&a.clauses).then((a.first, a.second).cmp(&(b.first, b.second))));
        }
        sounds
    }

    fn numbers_of(&mut self, c: char) -> Vec<u16> {
        let mut found = Vec::new();
        for reading in syllables::readings(c) {
            let next = u16::try_from(self.numbers.len()).unwrap_or(u16::MAX);
            let number = *self.numbers.entry(reading).or_insert(next);
            if !found.contains(&number) {
                found.push(number);
            }
        }
        found
    }

    /// A question in the form of [`crate::text::passage::spoken`] with the characters that were meant; `None` when nothing in it was typed by its
    /// sound. `is_word` tells words in letters that the knowledge has (atm): they stay.
    fn restore(&self, text: &str, is_word: impl Fn(&str) -> bool) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut changed = false;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if !c.is_ascii_lowercase() {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
            // Words in letters that follow each other may be one word of the knowledge: gua shi.
            let run = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == ' ').len();
            let (letters, behind) = rest.split_at(run);
            let typed = letters.trim_end();
            let before = out.chars().next_back().filter(|c| is_han(*c));
            let after = behind.chars().next().filter(|c| is_han(*c) && typed.len() == letters.len());
            let words: Vec<&str> = typed.split(' ').collect();
            // Words that the knowledge has stay, and part the others.
            let mut at = 0;
            while at < words.len() {
                let stays = words.get(at).is_some_and(|word| is_word(word));
                let run = words.iter().skip(at).take_while(|word| is_word(word) == stays).count();
                let part = words.get(at..at + run).unwrap_or_default();
                let (first, last) = (at == 0, at + run == words.len());
                let read =
                    if stays { None } else { self.characters(part, before.filter(|_| first), after.filter(|_| last)) };
                changed |= read.is_some();
                out.push_str(if first { "" } else { " " });
                out.push_str(&read.unwrap_or_else(|| part.join(" ")));
                at += run;
            }
            out.push_str(letters.get(typed.len()..).unwrap_or_default());
            rest = behind;
        }
        changed.then_some(out)
    }

    /// The characters that words in letters stand for, in view of the characters around them.
    fn characters(&self, words: &[&str], before: Option<char>, after: Option<char>) -> Option<String> {
        if words.iter().map(|word| word.len()).sum::<usize>() > MAX_LETTERS {
            return None;
        }
        let mut cuts: Vec<Vec<u16>> = vec![Vec::new()];
        for word in words {
            let mut of_word = Vec::new();
            self.cut(word, &mut Vec::new(), &mut of_word);
            cuts = cuts.iter().flat_map(|cut| of_word.iter().map(|more| [cut.as_slice(), more].concat())).collect();
            cuts.truncate(MAX_CUTS);
        }
        let read = cuts.iter().filter_map(|cut| self.best(cut, before, after));
        read.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, text)| text)
    }

    /// All ways to cut a word into known syllables, those with long ones first.
    fn cut(&self, word: &str, begun: &mut Vec<u16>, found: &mut Vec<Vec<u16>>) {
        if word.is_empty() {
            found.push(begun.clone());
            return;
        }
        for end in (1..=word.len().min(MAX_SYLLABLE)).rev() {
            if found.len() >= MAX_CUTS {
                return;
            }
            let (syllable, rest) = word.split_at(end);
            if let Some(number) = self.numbers.get(syllable) {
                begun.push(*number);
                self.cut(rest, begun, found);
                begun.pop();
            }
        }
    }

    /// The best reading of syllables with its score: words of two and more characters whose pairs are all known.
    fn best(&self, syllables: &[u16], before: Option<char>, after: Option<char>) -> Option<(f64, String)> {
        // Readings up to here that may end here, and those whose last character still needs the next.
        let mut ended: Option<(f64, String)> = Some((0.0, String::new()));
        let mut going: HashMap<char, (f64, String)> = HashMap::new();
        let mut last: Option<u16> = None;
        for (at, number) in syllables.iter().enumerate() {
            let mut next: HashMap<char, (f64, String)> = HashMap::new();
            if let Some(last) = last {
                for pair in self.pairs_of(last, *number) {
                    if let Some((score, text)) = going.get(&pair.first) {
                        offer(&mut next, pair.second, score + worth(pair), text);
                    }
                }
            }
            // The character in front makes a word with the first one.
            if let (0, Some(before)) = (at, before) {
                for reading in syllables::readings(before).filter_map(|r| self.numbers.get(&r)) {
                    for pair in self.pairs_of(*reading, *number).filter(|pair| pair.first == before) {
                        offer(&mut next, pair.second, worth(pair), "");
                    }
                }
            }
            let ready = ended.take();
            ended = next.values().max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1))).cloned();
            // A new word begins: its first character is open until the next one is read.
            if let (Some((score, text)), Some(follows)) = (ready, syllables.get(at + 1)) {
                for pair in self.pairs_of(*number, *follows) {
                    let begun = score - if text.is_empty() { 0.0 } else { NEW_WORD };
                    offer(&mut next, pair.first, begun, &text);
                }
            }
            going = next;
            last = Some(*number);
        }
        // The character behind makes a word with the last one.
        if let (Some(after), Some(last)) = (after, last) {
            let single = syllables.len() == 1;
            for reading in syllables::readings(after).filter_map(|r| self.numbers.get(&r)) {
                for pair in self.pairs_of(last, *reading).filter(|pair| pair.second == after) {
                    let (score, text) = match going.get(&pair.first) {
                        Some((score, text)) => (*score, text.clone()),
                        None if single => (0.0, pair.first.to_string()),
                        None => continue,
                    };
                    if ended.as_ref().is_none_or(|(best, _)| score + worth(pair) > *best) {
                        ended = Some((score + worth(pair), text));
                    }
                }
            }
        }
        ended
    }

    fn pairs_of(&self, first: u16, second: u16) -> impl Iterator<Item = &Pair> {
        self.pairs.get(&(first, second)).into_iter().flatten()
    }
}

/// Keeps a reading that ends with a character if it is better than the one held: `before` and the character.
fn offer(readings: &mut HashMap<char, (f64, String)>, c: char, score: f64, before: &str) {
    let held = readings.entry(c).or_insert((f64::NEG_INFINITY, String::new()));
    if score > held.0 {
        *held = (score, format!("{before}{c}"));
    }
}

fn worth(pair: &Pair) -> f64 {
    f64::from(pair.clauses).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sounds() -> Sounds {
        let pairs = [
            ("挂失", 40),
            ("失止", 3),
            ("止付", 9),
            ("失费", 4),
            ("手续", 50),
            ("续费", 30),
            ("存单", 20),
            ("银行", 90),
            ("行卡", 60),
            ("身份", 70),
            ("份证", 65),
            ("过期", 12),
            ("瓜是", 1),
            ("假币", 8),
            ("取现", 15),
            ("西安", 2),
            ("限额", 30),
        ];
        let split = |word: &str| (word.chars().next().unwrap(), word.chars().nth(1).unwrap());
        Sounds::from_counts(pairs.iter().map(|(word, clauses)| (split(word), *clauses)).collect())
    }

    fn restored(text: &str) -> Option<String> {
        sounds().restore(text, |word| word == "atm" || word == "pos")
    }

    #[test]
    fn letters_become_the_words_that_the_rules_use() {
        for (typed, meant) in [
            ("guashi", "挂失"),
            ("gua shi fei", "挂失费"),
            ("cundan guashi", "存单挂失"),
            ("挂shi要钱吗", "挂失要钱吗"),
            ("存单gua失", "存单挂失"),
            ("shenfenzheng过期", "身份证过期"),
            ("yinhangkaguashi怎么办", "银行卡挂失怎么办"),
            ("atm cundan guashi", "atm 存单挂失"),
        ] {
            assert_eq!(restored(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn words_in_letters_stay() {
        for typed in ["atm取现", "pos机", "vip", "ukey坏了", "app上挂失", "挂失", "a", "取5万"] {
            assert_eq!(restored(typed), None, "{typed}");
        }
    }
}
