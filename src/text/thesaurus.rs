//! 口语 → 术语: what tellers say and what rules write.

use super::normalize::fold;
use std::collections::HashMap;

/// The bundled thesaurus: one entry a line, the spoken word, a tab, and its terms separated by spaces; `#` starts a comment.
const BUNDLED: &str = include_str!("../../assets/thesaurus.tsv");

/// Spoken words with the terms that rules use for them.
#[derive(Debug, Default)]
pub struct Thesaurus {
    entries: HashMap<String, Vec<String>>,
    longest: usize,
}

impl Thesaurus {
    /// The bundled thesaurus.
    pub fn bundled() -> Thesaurus {
        Thesaurus::parse(BUNDLED)
    }

    /// Reads a thesaurus; lines without a tab are passed over.
    pub fn parse(text: &str) -> Thesaurus {
        Thesaurus::of(text.lines().filter(|l| !l.starts_with('#')).filter_map(|line| line.split_once('\t')))
    }

    /// A thesaurus of these words, each with its terms separated by spaces.
    pub fn of<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Thesaurus {
        let mut out = Thesaurus::default();
        for (spoken, terms) in entries {
            // As the question is spelled when its words are looked for.
            let spoken = fold(spoken);
            let terms: Vec<String> = terms.split_whitespace().map(fold).collect();
            if !spoken.is_empty() && !terms.is_empty() {
                out.longest = out.longest.max(spoken.chars().count());
                out.entries.entry(spoken).or_default().extend(terms);
            }
        }
        out
    }

    /// Number of spoken words.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All spoken words, in no order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The spoken words of a text with their terms; of overlapping words the longest at each position counts.
    pub fn matches<'a, 't>(&'a self, text: &'t str) -> Vec<(&'t str, &'a [String])> {
        let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(&start) = chars.get(at) {
            let longest = self.longest.min(chars.len() - at);
            let matched = (1..=longest).rev().find_map(|length| {
                let end = chars.get(at + length).copied().unwrap_or(text.len());
                let word = text.get(start..end)?;
                Some((length, word, self.entries.get(word)?))
            });
            match matched {
                Some((length, word, terms)) => {
                    found.push((word, terms.as_slice()));
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_counts() {
        let thesaurus = Thesaurus::parse("# 卡\n卡丢了\t挂失\n卡\t银行卡\n没了\t死亡 已故\n");
        let found = thesaurus.matches("老人没了,卡丢了");
        assert_eq!(found.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["没了", "卡丢了"]);
        assert_eq!(found[0].1, ["死亡", "已故"]);
        assert_eq!(thesaurus.matches("卡")[0].1, ["银行卡"]);
        assert_eq!(Thesaurus::parse("ＡＴＭ機\tCRS 自助设备\n").matches("atm机吞卡")[0].1, ["crs", "自助设备"]);
        assert!(thesaurus.matches("").is_empty());
    }
}
