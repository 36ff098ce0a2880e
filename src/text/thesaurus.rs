//! 口语 → 术语: what tellers say and what rules write.

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
        let mut out = Thesaurus::default();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let Some((spoken, terms)) = line.split_once('\t') else { continue };
            let terms: Vec<String> = terms.split_whitespace().map(str::to_owned).collect();
            if !spoken.is_empty() && !terms.is_empty() {
                out.longest = out.longest.max(spoken.chars().count());
                out.entries.entry(spoken.to_owned()).or_default().extend(terms);
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

    /// The terms for the spoken words in a text; of overlapping words the longest at each position counts. In order of
    /// appearance, without repeats.
    pub fn expand<'a>(&'a self, text: &str) -> Vec<&'a str> {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let mut found: Vec<&str> = Vec::new();
        let mut at = 0;
        while let Some(&(start, _)) = chars.get(at) {
            let matched = (1..=self.longest).rev().find_map(|length| {
                let end = chars.get(at + length).map_or(text.len(), |(end, _)| *end);
                let fits = at + length <= chars.len();
                text.get(start..end).filter(|_| fits).and_then(|word| Some((length, self.entries.get(word)?)))
            });
            match matched {
                Some((length, terms)) => {
                    for term in terms {
                        if !found.contains(&term.as_str()) {
                            found.push(term);
                        }
                    }
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
        assert_eq!(thesaurus.expand("老人没了,卡丢了"), ["死亡", "已故", "挂失"]);
        assert_eq!(thesaurus.expand("卡"), ["银行卡"]);
        assert!(thesaurus.expand("").is_empty());
    }
}
