//! How people ask about the public laws: questions of our own that come with the program.
//!
//! Each was written from one article and stands in the file with a fingerprint of that article's words. It counts for exactly
//! those words: when a law is amended, the questions of the articles that changed fall away by themselves, and a bank's own rule
//! that happens to have the same title never gets them. They say how a clause is found, not what answers a question: an equal
//! question proves nothing, unlike a curated one.

use crate::text::normalize::title_key;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Lines of title, article, fingerprint and question with tabs between them; `#` starts a comment. The fingerprint is the first
/// [`FINGERPRINT_BYTES`] bytes, in hexadecimal digits, of SHA-256 over the article's text without white space.
const BUNDLED: &str = include_str!("../../assets/everyday.tsv");
/// Enough to tell the articles of one title apart.
const FINGERPRINT_BYTES: usize = 4;

/// Everyday questions by the title and the text they were written from.
#[derive(Debug, Default)]
pub struct Everyday(HashMap<String, HashMap<String, Vec<&'static str>>>);

impl Everyday {
    /// The questions that come with the program.
    pub fn bundled() -> Everyday {
        Everyday::parse(BUNDLED)
    }

    /// No questions.
    pub fn none() -> Everyday {
        Everyday::default()
    }

    fn parse(text: &'static str) -> Everyday {
        let mut out = Everyday::default();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let mut fields = line.split('\t');
            if let (Some(title), Some(_), Some(print), Some(question)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            {
                out.0.entry(title_key(title)).or_default().entry(print.to_owned()).or_default().push(question);
            }
        }
        out
    }

    /// The questions written from this text.
    pub fn of(&self, title_key: &str, text: &str) -> &[&'static str] {
        self.0.get(title_key).and_then(|texts| texts.get(&fingerprint(text))).map_or(&[], Vec::as_slice)
    }
}

fn fingerprint(text: &str) -> String {
    let bare: String = text.split_whitespace().collect();
    Sha256::digest(bare.as_bytes()).iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_counts_for_the_words_it_was_written_from() {
        let print = fingerprint("存款自愿。\n取款自由。");
        assert_eq!(print, fingerprint("存款自愿。 取款自由。"));
        let line = format!("# 题\n某法\t第一条\t{print}\t存不存随我吗\n某法\t第一条\t{print}\t能随便取吗\n坏行\n");
        let everyday = Everyday::parse(line.leak());
        assert_eq!(everyday.of("某法", "存款自愿。取款自由。"), ["存不存随我吗", "能随便取吗"]);
        assert!(everyday.of("某法", "存款自愿。取款须预约。").is_empty());
        assert!(everyday.of("他法", "存款自愿。取款自由。").is_empty());
    }

    #[test]
    fn every_bundled_line_is_whole() {
        for line in BUNDLED.lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!(fields.len() == 4 && fields[2].len() == 2 * FINGERPRINT_BYTES, "{line}");
            assert!(fields.iter().all(|f| !f.trim().is_empty()), "{line}");
        }
    }
}
