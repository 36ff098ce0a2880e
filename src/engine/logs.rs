//! What the service said lately: the same lines that go to standard error and the log file, kept for the console.
//!
//! Whoever writes the log puts its lines into a [`LogRing`]; the engine reads them there. A ring holds the last [`KEPT`] lines and no
//! more, each of bounded length, so that a service that complains for months needs no more memory than one that just began.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Lines that are kept.
pub const KEPT: usize = 2000;
/// Longest words of a line, in bytes; the rest is cut off. With [`KEPT`] this bounds the memory of the ring and the size of a reply.
pub const MAX_LINE_BYTES: usize = 2048;
/// Stands where words were cut off.
const CUT: char = '…';

/// The log file of a data folder.
pub fn file_of(data: &Path) -> PathBuf {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    data.join("log").join("guida.log")
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRequest {
    /// Only later ones than this number; 0 for all.
    pub after: u64,
}

/// Lines, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LogReply {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Where the log file lies, when there is one.
    pub file: Option<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Ascending from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Which part says it.
    pub target: String,
    /// The words, with fields.
    pub message: String,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something does not work.
    Error,
    /// Something works otherwise than wished.
    Warn,
    /// For the record.
    Info,
    /// For those who build it.
    Debug,
}

/// The latest lines; shared by whoever writes the log and by the engine.
#[derive(Debug, Default)]
pub struct LogRing {
    kept: Mutex<Kept>,
    file: OnceLock<String>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    /// Number of the last line.
    last: u64,
}

impl LogRing {
    /// Adds a line and returns it as it was kept: in one piece, without control characters, cut at [`MAX_LINE_BYTES`].
    pub fn push(&self, level: LogLevel, target: &str, message: &str) -> LogLine {
        let (target, message) = (plain(target), plain(message));
        let mut kept = self.kept();
        kept.last += 1;
        let line = LogLine { number: kept.last, at: Timestamp::now(), level, target, message };
        if kept.lines.len() == KEPT {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line.clone());
        line
    }

    /// The lines after this number, oldest first.
    pub fn read(&self, request: LogRequest) -> LogReply {
        let kept = self.kept();
        let from = kept.lines.partition_point(|line| line.number <= request.after);
        LogReply { lines: kept.lines.range(from..).cloned().collect(), file: self.file.get().cloned() }
    }

    /// Says where the log file lies. Once; a second word changes nothing.
    pub fn set_file(&self, path: String) {
        let _ = self.file.set(path);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes from a model file or a stick may hold anything; a line of the log is one line and moves no cursor.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(MAX_LINE_BYTES));
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if plain.len() + c.len_utf8() > MAX_LINE_BYTES - CUT.len_utf8() {
            plain.push(CUT);
            break;
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(ring: &LogRing, after: u64) -> Vec<u64> {
        ring.read(LogRequest { after }).lines.iter().map(|line| line.number).collect()
    }

    #[test]
    fn the_latest_lines_are_kept_and_only_news_are_given() {
        let ring = LogRing::default();
        assert!(numbers(&ring, 0).is_empty());
        for n in 1..=KEPT as u64 + 3 {
            assert_eq!(ring.push(LogLevel::Info, "guida", &n.to_string()).number, n);
        }
        let last = KEPT as u64 + 3;
        assert_eq!(numbers(&ring, 0), (4..=last).collect::<Vec<_>>());
        assert_eq!(numbers(&ring, last - 2), [last - 1, last]);
        assert!(numbers(&ring, last).is_empty() && numbers(&ring, u64::MAX).is_empty());
        assert_eq!(ring.read(LogRequest { after: last - 1 }).lines[0].message, last.to_string());
    }

    #[test]
    fn a_line_stays_one_line_of_bounded_length() {
        let ring = LogRing::default();
        let line = ring.push(LogLevel::Warn, "a\nb", "x\u{1b}[31m\r\n红\u{9b}y");
        assert_eq!((line.target.as_str(), line.message.as_str()), ("a b", "x [31m  红 y"));
        let long = ring.push(LogLevel::Warn, "t", &"柜".repeat(MAX_LINE_BYTES)).message;
        assert!(long.len() <= MAX_LINE_BYTES && long.ends_with('…') && long.starts_with("柜柜"));
        let fits = "x".repeat(MAX_LINE_BYTES - CUT.len_utf8());
        assert_eq!(ring.push(LogLevel::Warn, "t", &fits).message, fits);
    }

    #[test]
    fn the_file_is_told_once_it_is_known() {
        let ring = LogRing::default();
        assert_eq!(ring.read(LogRequest { after: 0 }).file, None);
        ring.set_file("/a/guida.log".into());
        assert_eq!(ring.read(LogRequest { after: 0 }).file.as_deref(), Some("/a/guida.log"));
    }
}
