//! The command line: arguments in, engine requests out, answers printed for people or as JSON.
//!
//! [`args`] is what clap reads; [`crate::app`] opens files and models and calls one function here per command.

pub mod args;
pub mod ask;
mod backup;
pub mod branch;
pub mod chat;
pub mod doctor;
pub mod eval;
pub mod kb;
pub mod model;
mod output;
pub mod pack;
mod passphrase;
pub mod settings;
pub mod show;

use crate::error::{Code, Error, Result};
use crate::types::Date;

/// Prints a line to standard output.
///
/// # Errors
/// `IO`.
pub fn announce(line: &str) -> Result<()> {
    output::print(&format!("{line}\n"))
}

/// Reads `--as-of`; today when absent.
///
/// # Errors
/// `BAD_PARAMETER`.
pub fn parse_day(text: Option<&str>) -> Result<Date> {
    match text {
        None => Ok(crate::clock::today()),
        Some(text) => text.parse().map_err(|e| {
            let hint = "写成 2026-01-31 这样的形式,并且确有这一天";
            Error::new(Code::BadParameter, format!("日期 {text} 看不懂"), hint).because(e)
        }),
    }
}
