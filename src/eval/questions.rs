//! Questions with known answers, one JSON object a line.

use crate::error::{Code, Error, Result};
use crate::types::ClauseAddress;
use serde::Deserialize;
use std::path::Path;

/// Largest questions file, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Where a clause stands, independent of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Key of the title, see [`crate::text::normalize::title_key`].
    pub title_key: String,
    /// Address down to the 条, or a label.
    pub address: ClauseAddress,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// The words.
    pub question: String,
    /// The written answer, if any.
    pub answer: Option<String>,
    /// The clauses that answer it; empty when nothing does and the right answer is a refusal.
    pub relevant: Vec<Place>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    question: String,
    #[serde(default)]
    answer: Option<String>,
    relevant: Vec<Relevant>,
}

#[derive(Deserialize)]
struct Relevant {
    document: String,
    clause: String,
}

/// Reads a questions file.
///
/// # Errors
/// `QUESTIONS_FILE` naming the line.
pub fn read(path: &Path) -> Result<Vec<Question>> {
    let failed = |what: String| {
        Error::new(
            Code::QuestionsFile,
            format!("问题文件 {} {what}", path.display()),
            r#"每行一个 JSON:{"id","question","answer","relevant":[{"document","clause"}]}"#,
        )
    };
    let size = std::fs::metadata(path).map_err(|e| failed(format!("打不开:{e}")))?.len();
    if size > MAX_FILE_BYTES {
        return Err(failed(format!("有 {size} 字节,超过上限 {MAX_FILE_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| failed(format!("读不出来:{e}")))?;
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let line: Line =
            serde_json::from_str(line).map_err(|e| failed(format!("第 {} 行格式不对:{e}", number + 1)))?;
        out.push(Question {
            id: line.id,
            question: line.question,
            answer: line.answer,
            relevant: line.relevant.iter().map(|r| Place::parse(&r.document, &r.clause)).collect(),
        });
    }
    if out.is_empty() {
        return Err(failed("里没有问题".into()));
    }
    Ok(out)
}
