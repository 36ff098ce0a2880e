//! Printing to standard output: a closed pipe is a reader who has seen enough, not a fault.

use crate::error::{Code, Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints text without what a terminal would act on: a title or a word of head office that came on a stick must neither move the cursor
/// nor turn the direction of the line that a person is about to say yes to.
///
/// # Errors
/// `IO` when standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    write(&harmless(text))
}

/// The text without control characters, but for ends of lines and tabs, and without marks of direction (UAX #9).
fn harmless(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

fn write(text: &str) -> Result<()> {
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
    // JSON writes control characters as numbers, and whoever reads it wants the rest as it is.
    write(&(text + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_left_out() {
        assert_eq!(harmless("现金\t20万\n\x1b[2J\u{9b}31m\u{202e}确认\r"), "现金\t20万\n[2J31m确认");
    }
}
