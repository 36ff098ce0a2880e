//! Names that a document shortens, and terms that it defines: index text for the clauses that use one form only.
//!
//! A rule says once `中国人民银行分支机构（以下简称人民银行分支机构）` and the short form ever after. Whoever asks with the full name
//! would not find those clauses, nor with the short name the few that have the full one. `announced` finds where a short form is
//! given, `long_form` how far its long form reaches (with `marks` and `words`), and `defined` reads short definitions. Only sure
//! pairs are taken: a wrong one would lead questions to clauses that have nothing to do with them.
//!
//! [`Abbreviations::missing`] is index text only. It is never shown and nothing is quoted from it.

mod announced;
mod defined;
mod long_form;
mod marks;
mod words;

use crate::text::legal::ParsedClause;
use crate::text::normalize::is_han;
use long_form::bare_str;

/// Up to this many Han characters a short form counts only between words that end and begin others: 银行 in 商业银行 is no use of it.
const AMBIGUOUS_CHARS: usize = 2;
/// Characters after which a word begins.
const BEFORE_A_WORD: &str = "的和与及或在向由对经于至到该各本为将从是使给被";
/// Characters before which a word has ended.
const AFTER_A_WORD: &str = "应可不的或和与及在对为办是须要将由按向以从有无未均也等之内外";

/// A name or term and what a document calls it from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    long: String,
    short: String,
}

/// The short forms and terms of one version of a document.
#[derive(Debug, Default)]
pub struct Abbreviations(Vec<Pair>);

impl Abbreviations {
    /// Collects them from the clauses of a version. A short form that stands for two different things is left out.
    pub fn of(clauses: &[ParsedClause]) -> Abbreviations {
        let mut found: Vec<(Pair, bool)> = Vec::new();
        for clause in clauses {
            for pair in announced::pairs(&clause.text).into_iter().chain(defined::pairs(&clause.text)) {
                match found.iter_mut().find(|(known, _)| known.short == pair.short) {
                    None => found.push((pair, true)),
                    // The same name with other words before it: the name is what both have.
                    Some((known, _)) if bare_str(&known.long).ends_with(&bare_str(&pair.long)) => {
                        known.long = pair.long
                    }
                    Some((known, _)) if bare_str(&pair.long).ends_with(&bare_str(&known.long)) => {}
                    Some((_, unambiguous)) => *unambiguous = false,
                }
            }
        }
        Abbreviations(found.into_iter().filter_map(|(pair, unambiguous)| unambiguous.then_some(pair)).collect())
    }

    /// The other form of every name and term that a clause uses in one form only, in the order in which the document names them.
    pub fn missing<'a>(&'a self, title: &str, clause: &ParsedClause) -> Vec<&'a str> {
        let texts = [clause.heading.as_str(), clause.text.as_str()];
        let has = |form: &str| texts.iter().any(|text| text.contains(form));
        let indexed = |form: &str| title.contains(form) || has(form);
        let mut missing: Vec<&str> = Vec::new();
        for Pair { long, short } in &self.0 {
            let other = if !indexed(long) && texts.iter().any(|text| self.uses(text, short)) {
                long
            } else if has(long) && !indexed(short) && !bare_str(long).contains(&bare_str(short)) {
                short
            } else {
                continue;
            };
            if !missing.contains(&other.as_str()) {
                missing.push(other);
            }
        }
        missing
    }

    /// Whether a text uses a form by itself: not within a longer form (汇票 in 银行汇票), nor within another word.
    fn uses(&self, text: &str, form: &str) -> bool {
        let longer: Vec<&str> = self
            .0
            .iter()
            .flat_map(|pair| [pair.long.as_str(), pair.short.as_str()])
            .filter(|other| other.len() > form.len() && other.contains(form) && text.contains(other))
            .collect();
        text.match_indices(form).any(|(at, _)| {
            let end = at + form.len();
            let within =
                |other: &&str| text.match_indices(*other).any(|(from, _)| from <= at && end <= from + other.len());
            !longer.iter().any(within) && is_word(text, at, end)
        })
    }
}

/// Whether what stands from `at` to `end` is a word of its own.
fn is_word(text: &str, at: usize, end: usize) -> bool {
    let form = text.get(at..end).unwrap_or_default();
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(end..).and_then(|after| after.chars().next());
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if letter(form.chars().next()) && letter(before) || letter(form.chars().next_back()) && letter(after) {
        return false;
    }
    let short = form.chars().count() <= AMBIGUOUS_CHARS && form.chars().all(is_han);
    let ends = |c: Option<char>, marks: &str| c.is_none_or(|c| !is_han(c) || marks.contains(c));
    !short || ends(before, BEFORE_A_WORD) && ends(after, AFTER_A_WORD)
}

#[cfg(test)]
mod tests;
