//! The laws after a year of amendments: a folder of laws is copied, and a fiftieth of its documents changed on the way.
//!
//! What changes is drawn from a fixed seed, so that the same laws give the same changed laws. A changed document has a tenth of its
//! articles reworded, one article more and one less, its later articles numbered anew, and a line more in its history; of every
//! fourth the old text stays beside the new one, as where both are still asked for. A few documents are new. New words are those
//! of other laws.

use std::collections::HashMap;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

/// One in so many documents changes.
const ONE_IN: usize = 50;
/// One in so many articles of a changed document is reworded, at least one.
const REWORDED_ONE_IN: usize = 10;
/// The old text of one in so many changed documents stays.
const OLD_STAYS_ONE_IN: usize = 4;
/// Documents that are new.
const NEW_DOCUMENTS: usize = 3;
/// Articles of a new document.
const NEW_ARTICLES: usize = 40;
/// A document with fewer articles is not amended.
const LEAST_ARTICLES: usize = 8;
/// Articles are numbered up to here.
const MOST_ARTICLES: usize = 2000;
const SEED: u64 = 20_260_101;

/// What was changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Amended {
    pub documents: usize,
    pub changed: usize,
    pub kept_beside: usize,
    pub new: usize,
    pub reworded: usize,
    pub added: usize,
    pub removed: usize,
}

/// Copies the laws under `source` to `out`, with a year's amendments.
pub fn amend(source: &Path, out: &Path) -> Result<Amended> {
    let mut files = Vec::new();
    collect(source, &mut files)?;
    files.sort();
    let texts: Vec<String> = files.iter().map(fs::read_to_string).collect::<Result<_>>()?;
    let numerals = Numerals::new();
    let laws: Vec<Option<Law>> = texts.iter().map(|text| Law::read(text, &numerals)).collect();
    let pool: Vec<&str> = laws.iter().flatten().flat_map(|law| &law.articles).flat_map(|a| sentences(a)).collect();
    if pool.is_empty() {
        return Err(Error::other(format!("{} holds no laws", source.display())));
    }
    let mut chance = Chance(SEED);
    let mut done = Amended { documents: files.len(), ..Amended::default() };
    let mut changed: HashMap<usize, String> = HashMap::new();
    // One in each of as many equal stretches of the list.
    for stretch in 0..files.len().div_ceil(ONE_IN) {
        let (from, until) = (stretch * ONE_IN, ((stretch + 1) * ONE_IN).min(files.len()));
        let candidates: Vec<usize> = (from..until).filter(|at| laws[*at].is_some()).collect();
        let Some(&at) = candidates.get(chance.below(candidates.len().max(1))) else { continue };
        let Some(mut law) = laws[at].clone() else { continue };
        law.amend(&mut chance, &pool, &mut done);
        changed.insert(at, law.write(&numerals));
    }
    for (at, file) in files.iter().enumerate() {
        let relative = file.strip_prefix(source).map_err(Error::other)?;
        let place = out.join(relative);
        fs::create_dir_all(place.parent().unwrap_or(out))?;
        match changed.get(&at) {
            None => fs::write(&place, &texts[at])?,
            Some(text) => {
                done.changed += 1;
                if done.changed.is_multiple_of(OLD_STAYS_ONE_IN) {
                    done.kept_beside += 1;
                    fs::write(&place, &texts[at])?;
                    fs::write(place.with_extension("2026.md"), text)?;
                } else {
                    fs::write(&place, text)?;
                }
            }
        }
    }
    for number in 1..=NEW_DOCUMENTS {
        let articles = (0..NEW_ARTICLES).map(|_| new_article(&mut chance, &pool)).collect();
        let opening = format!(
            "# 服务便利化规定第{}号\n\n2026年1月1日 国务院公布\n\n<!-- INFO END -->\n\n",
            numerals.write(number)
        );
        let law = Law { opening, headings: HashMap::new(), articles };
        let place = out.join(format!("行政法规/服务便利化规定{number}(2026-01-01).md"));
        fs::create_dir_all(place.parent().unwrap_or(out))?;
        fs::write(place, law.write(&numerals))?;
        done.new += 1;
    }
    Ok(done)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// A law whose articles are numbered from one without gap.
#[derive(Clone)]
struct Law {
    /// Everything before the first article.
    opening: String,
    /// Headings that stand before an article, by its place.
    headings: HashMap<usize, String>,
    /// The articles without their numbers.
    articles: Vec<String>,
}

impl Law {
    fn read(text: &str, numerals: &Numerals) -> Option<Law> {
        let mut law = Law { opening: String::new(), headings: HashMap::new(), articles: Vec::new() };
        for line in text.split_inclusive('\n') {
            if let Some((number, rest)) = numerals.article(line) {
                if number != law.articles.len() + 1 {
                    return None;
                }
                law.articles.push(rest.to_owned());
            } else if law.articles.is_empty() {
                law.opening.push_str(line);
            } else if line.starts_with('#') || law.headings.contains_key(&law.articles.len()) {
                law.headings.entry(law.articles.len()).or_default().push_str(line);
            } else if let Some(article) = law.articles.last_mut() {
                article.push_str(line);
            }
        }
        let named = law.opening.contains("<!-- INFO END -->");
        (named && law.articles.len() >= LEAST_ARTICLES).then_some(law)
    }

    fn amend(&mut self, chance: &mut Chance, pool: &[&str], done: &mut Amended) {
        let count = self.articles.len();
        for turn in 0..(count / REWORDED_ONE_IN).max(1) {
            let at = chance.below(count);
            let old = &self.articles[at];
            self.articles[at] = match turn % 3 {
                0 => format!("{}{}\n\n", old.trim_end(), chance.of(pool)),
                1 => old.replacen("应当", "应当依法及时", 1) + &format!("{}\n\n", chance.of(pool)),
                _ => {
                    let all = sentences(old);
                    let gone = chance.of(&all).to_owned();
                    old.replacen(&gone, chance.of(pool), 1)
                }
            };
            done.reworded += 1;
        }
        // The last article, which says from when the law applies, stays the last; headings keep their place.
        let gone = 1 + chance.below(count - 2);
        self.articles.remove(gone);
        done.removed += 1;
        let added = 1 + chance.below(count - 2);
        self.articles.insert(added, new_article(chance, pool));
        done.added += 1;
        let line = "2026年1月1日 第十四届全国人民代表大会常务委员会第二十次会议修正\n\n<!-- INFO END -->";
        self.opening = self.opening.replacen("<!-- INFO END -->", line, 1);
    }

    fn write(&self, numerals: &Numerals) -> String {
        let mut out = self.opening.clone();
        for (at, article) in self.articles.iter().enumerate() {
            if let Some(heading) = self.headings.get(&at) {
                out.push_str(heading);
            }
            out.push_str(&format!("第{}条 {article}", numerals.write(at + 1)));
        }
        out
    }
}

fn new_article(chance: &mut Chance, pool: &[&str]) -> String {
    let parts: Vec<&str> = (0..2 + chance.below(2)).map(|_| chance.of(pool)).collect();
    format!("{}\n\n", parts.concat())
}

/// The whole sentences of an article; all of it when it has none.
fn sentences(article: &str) -> Vec<&str> {
    let all: Vec<&str> = article.split_inclusive(['。', '\n']).map(str::trim).filter(|s| s.ends_with('。')).collect();
    if all.is_empty() { vec![article.trim()] } else { all }
}

/// Numbers as laws write them.
struct Numerals(Vec<String>, HashMap<String, usize>);

impl Numerals {
    fn new() -> Numerals {
        let written: Vec<String> = (0..MOST_ARTICLES).map(chinese).collect();
        let read = written.iter().enumerate().map(|(number, text)| (text.clone(), number)).collect();
        Numerals(written, read)
    }

    fn write(&self, number: usize) -> &str {
        self.0.get(number).map_or("", String::as_str)
    }

    /// The number of the article that a line begins, and what follows it.
    fn article<'l>(&self, line: &'l str) -> Option<(usize, &'l str)> {
        let (number, rest) = line.strip_prefix('第')?.split_once('条')?;
        let said = rest.strip_prefix([' ', '\u{3000}'])?;
        Some((*self.1.get(number)?, said))
    }
}

fn chinese(number: usize) -> String {
    const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let mut out = String::new();
    let mut zero = false;
    for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = number / unit % 10;
        if digit == 0 {
            zero = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut zero) {
            out.push_str(DIGITS[0]);
        }
        if !(unit == 10 && digit == 1 && out.is_empty()) {
            out.push_str(DIGITS[digit]);
        }
        out.push_str(name);
    }
    out
}

/// Numbers that look drawn and are always the same (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}
