//! Printing to standard output: a closed pipe is a reader who has seen enough, not a fault.

use crate::error::{Code, Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints text as is.
///
/// # Errors
/// `IO` when standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(Code::Io, format!("输出失败:{e}"), "检查输出的去向(磁盘空间、管道)").because(e))
        }
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON.
///
/// # Errors
/// `IO`, or `INTERNAL` when the value has no JSON form.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::new(Code::Internal, "结果无法转成 JSON", "请把本条信息报给软件维护方").because(e))?;
    print(&(text + "\n"))
}
