//! What the service said lately: the same lines that go to standard error and the log file, kept for the console.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Lines that are kept.
pub const KEPT: usize = 2000;

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
