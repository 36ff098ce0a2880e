//! Files of curated questions: among the documents, and named on the command line.

use super::encoding::decode;
use super::readers::MAX_FILE_BYTES;
use crate::error::{Code, Error, Result};
use crate::text::questions::{Question, parse};
use std::path::Path;

/// Files with this ending hold questions for clauses, in the line format of [`crate::text::questions`].
pub const CURATED_SUFFIX: &str = ".curated.jsonl";

/// Curated questions with the file they come from.
#[derive(Debug)]
pub struct Curated {
    /// The file, as the report names it.
    pub source: String,
    /// Its lines.
    pub questions: Vec<Question>,
}

impl Curated {
    /// Reads a file that was named by hand; unlike one in a folder of documents it may not be wrong.
    ///
    /// # Errors
    /// As [`read`], naming the file.
    pub fn read(path: &Path) -> Result<Curated> {
        let source = path.display().to_string();
        let questions = read(path).map_err(|e| match e.code() {
            Code::QuestionsFile => Error::new(e.code(), format!("{source}:{}", e.message()), e.hint()),
            _ => e,
        })?;
        Ok(Curated { source, questions })
    }
}

/// Reads a file of curated questions.
///
/// # Errors
/// `DOCUMENT_UNREADABLE`, `DOCUMENT_TOO_LARGE` or `QUESTIONS_FILE`.
pub(super) fn read(path: &Path) -> Result<Vec<Question>> {
    parse(&text_of("问法文件", path)?)
}

/// The text of a file that stands beside the documents; `what` is its kind in messages.
///
/// # Errors
/// `DOCUMENT_UNREADABLE` or `DOCUMENT_TOO_LARGE`.
pub(super) fn text_of(what: &str, path: &Path) -> Result<String> {
    let unreadable = |e: std::io::Error| {
        Error::new(Code::DocumentUnreadable, format!("{what} {} 打不开:{e}", path.display()), "检查读取权限").because(e)
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(Error::new(
            Code::DocumentTooLarge,
            format!("{what} {} 有 {size} 字节,上限 {MAX_FILE_BYTES}", path.display()),
            "拆成几个文件",
        ));
    }
    decode(&std::fs::read(path).map_err(unreadable)?)
}
