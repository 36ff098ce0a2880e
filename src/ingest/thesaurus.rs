//! A bank's own 口语 → 术语 list among the documents.

use super::curated::text_of;
use crate::error::{Code, Error, Result};
use std::path::Path;

/// Files with this ending hold spoken words and their terms, in the format of [`crate::text::thesaurus::Thesaurus::parse`].
pub const THESAURUS_SUFFIX: &str = ".thesaurus.tsv";

/// Reads such a file: pairs of a spoken word and its terms.
///
/// # Errors
/// `DOCUMENT_UNREADABLE`, also for a line that is neither blank nor a comment nor two fields with a tab between them;
/// `DOCUMENT_TOO_LARGE`.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let text = text_of("口语词表", path)?;
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
        match line.split_once('\t').map(|(spoken, terms)| (spoken.trim(), terms.trim())) {
            Some((spoken, terms)) if !spoken.is_empty() && !terms.is_empty() => {
                entries.push((spoken.to_owned(), terms.to_owned()));
            }
            _ => {
                return Err(Error::new(
                    Code::DocumentUnreadable,
                    format!("口语词表 {} 读不了:第 {number} 行不是「口语、制表符、术语」", path.display()),
                    "改正该行,多个术语之间用空格分开;改好以前这份词表不起作用",
                ));
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named_and_comments_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.thesaurus.tsv");
        std::fs::write(&path, "# 词表\n\n卡丢了\t挂失 补卡\n").unwrap();
        assert_eq!(read(&path).unwrap(), [("卡丢了".to_owned(), "挂失 补卡".to_owned())]);
        for wrong in ["卡丢了 挂失", "卡丢了\t", "\t挂失"] {
            std::fs::write(&path, format!("卡丢了\t挂失\n{wrong}\n")).unwrap();
            let refused = read(&path).unwrap_err();
            assert_eq!(refused.code(), Code::DocumentUnreadable);
            assert!(refused.message().contains("第 2 行"), "{refused}");
        }
    }
}
