//! How people ask for a clause: questions of our own over the public laws, which come with the program, and those that a language model
//! wrote for a bank's rules ([`super::enrich`]).
//!
//! Each was written from one text and stands in the file with a fingerprint of that text's words. It counts for exactly
//! those words: when a law is amended, the questions of the articles that changed fall away by themselves, and a bank's own rule
//! that happens to have the same title never gets them. They say how a clause is found, not what answers a question: an equal
//! question proves nothing, unlike a curated one.

use crate::error::{Code, Error, Result};
use crate::text::normalize::title_key;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

/// Lines of title, article, fingerprint and question with tabs between them; `#` starts a comment. The fingerprint is the first
/// [`FINGERPRINT_BYTES`] bytes, in hexadecimal digits, of SHA-256 over the article's text without white space.
const BUNDLED: &str = include_str!("../../assets/everyday.tsv");
/// Enough to tell the articles of one title apart.
const FINGERPRINT_BYTES: usize = 4;

/// Everyday questions by the title and the text they were written from.
#[derive(Debug, Default)]
pub struct Everyday(HashMap<String, HashMap<String, Vec<String>>>);

impl Everyday {
    /// The questions that come with the program.
    pub fn bundled() -> Everyday {
        let mut out = Everyday::default();
        out.add(BUNDLED);
        out
    }

    /// No questions.
    pub fn none() -> Everyday {
        Everyday::default()
    }

    /// Takes the questions of a file in, too; fields behind the fourth tell where a question comes from.
    ///
    /// # Errors
    /// `IO` when it cannot be read, `KB_BUILD` for a line with less than four fields.
    pub fn read(&mut self, file: &Path) -> Result<()> {
        let text = std::fs::read_to_string(file).map_err(|e| unusable("打不开", file, e))?;
        if let Some(line) = self.add(&text) {
            return Err(Error::new(
                Code::KbBuild,
                format!("问法文件 {} 第 {line} 行不完整", file.display()),
                "每行应是标题、条号、指纹、问法四栏,以制表符分隔;请改正或删去这一行",
            ));
        }
        Ok(())
    }

    /// Takes lines in; the number of the first one, from 1, that has less than four fields.
    fn add(&mut self, text: &str) -> Option<usize> {
        let mut broken = None;
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.starts_with('#') && !l.trim().is_empty()) {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next(), fields.next()) {
                (Some(title), Some(_), Some(print), Some(question)) => {
                    let texts = self.0.entry(title_key(title)).or_default();
                    texts.entry(print.to_owned()).or_default().push(question.to_owned());
                }
                _ => broken = broken.or(Some(number + 1)),
            }
        }
        broken
    }

    /// The questions written from this text.
    pub fn of(&self, title_key: &str, text: &str) -> &[String] {
        self.0.get(title_key).and_then(|texts| texts.get(&fingerprint(text))).map_or(&[], Vec::as_slice)
    }
}

/// A file of questions that cannot be used.
pub(super) fn unusable(how: &str, file: &Path, cause: std::io::Error) -> Error {
    let (why, hint) = match cause.kind() {
        ErrorKind::InvalidData => ("内容不是 UTF-8 编码的文字", "请用 UTF-8 编码另存后再试"),
        ErrorKind::NotFound => ("没有这个文件", "请检查路径是否写对"),
        ErrorKind::IsADirectory => ("这是一个目录", "请给出文件的路径"),
        _ => ("没有读写权限,或磁盘出错", "请检查权限和磁盘"),
    };
    Error::new(Code::Io, format!("问法文件 {} {how}:{why}", file.display()), hint).because(cause)
}

/// What names the words of a text.
pub(super) fn fingerprint(text: &str) -> String {
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
        let lines =
            format!("# 题\n某法\t第一条\t{print}\t存不存随我吗\n某法\t第一条\t{print}\t能随便取吗\t某模型\n坏行\n");
        let mut everyday = Everyday::none();
        assert_eq!(everyday.add(&lines), Some(4), "the broken line is named");
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
