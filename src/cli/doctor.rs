//! `guida doctor`: what every check found, the gravest first, and what to do.

use super::args::DoctorArgs;
use super::output::{print, print_json};
use crate::engine::doctor::{self, CheckState, DoctorReply};
use crate::error::Result;
use crate::types::Bilingual;
use std::process::ExitCode;

/// The exit code when a check has failed: as for a fault of the machine. Warnings are none.
pub const EXIT_FAILED: u8 = 1;

/// Looks at a box, with or without a running service.
///
/// # Errors
/// `IO` when the result cannot be printed.
pub fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let reply = doctor::of_folder(&args.data.data, args.listen);
    match args.json {
        true => print_json(&reply)?,
        false => print(&text(&reply, args.english))?,
    }
    Ok(if reply.count(CheckState::Fail) > 0 { ExitCode::from(EXIT_FAILED) } else { ExitCode::SUCCESS })
}

fn mark(state: CheckState, english: bool) -> &'static str {
    match (state, english) {
        (CheckState::Fail, false) => "[不正常]",
        (CheckState::Warn, false) => "[要留意]",
        (CheckState::Skipped, false) => "[没有查]",
        (CheckState::Ok, false) => "[正常]",
        (CheckState::Fail, true) => "[FAIL]",
        (CheckState::Warn, true) => "[WARN]",
        (CheckState::Skipped, true) => "[SKIP]",
        (CheckState::Ok, true) => "[OK]",
    }
}

fn text(reply: &DoctorReply, english: bool) -> String {
    let said = |words: &Bilingual| if english { words.en.clone() } else { words.zh.clone() };
    let (colon, advice) = if english { (": ", "  do: ") } else { (":", "  处理:") };
    let mut text = String::new();
    for check in &reply.checks {
        text += &format!("{} {}{colon}{}\n", mark(check.state, english), said(&check.title), said(&check.found));
        if !check.remedy.zh.is_empty() {
            text += &format!("{advice}{}\n", said(&check.remedy));
        }
    }
    let [failed, warned, skipped, fine] =
        [CheckState::Fail, CheckState::Warn, CheckState::Skipped, CheckState::Ok].map(|state| reply.count(state));
    let seconds = reply.took_ms / 1e3;
    text += &match english {
        true => format!("{failed} failed, {warned} warnings, {skipped} skipped, {fine} fine; {seconds:.1} s\n"),
        false => {
            format!("不正常 {failed} 项,要留意 {warned} 项,没有查 {skipped} 项,正常 {fine} 项;用时 {seconds:.1} 秒\n")
        }
    };
    text
}
