//! The questions file of an evaluation.

use crate::error::{Code, Error, Result};
use crate::text::questions::{Question, parse};
use std::path::Path;

/// Largest questions file, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Reads a questions file.
///
/// # Errors
/// `QUESTIONS_FILE` when it cannot be read, is empty or has a wrong line.
pub fn read(path: &Path) -> Result<Vec<Question>> {
    let failed =
        |what: String| Error::new(Code::QuestionsFile, format!("问题文件 {} {what}", path.display()), "检查路径和内容");
    let size = std::fs::metadata(path).map_err(|e| failed(format!("打不开:{e}")))?.len();
    if size > MAX_FILE_BYTES {
        return Err(failed(format!("有 {size} 字节,超过上限 {MAX_FILE_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| failed(format!("读不出来:{e}")))?;
    let questions = parse(&text)?;
    if questions.is_empty() {
        return Err(failed("里没有问题".into()));
    }
    Ok(questions)
}
