//! Secrets (C3 of JR/T 0171): passwords, one-time codes, card security codes, card expiry, track data. They are dropped.

use super::fold::Folded;
use super::numbers::currency_after;
use super::redact::{PiiKind, Scan};
use super::rules::{CODE_CUES, CUE_REACH, CVV_CUES, EXPIRY_CUES, NOT_SECRET_CUES, PASSWORD_CUES, UNITS};
use std::ops::Range;

/// Cue words with the length of what they announce.
const SECRETS: [(&[&str], std::ops::RangeInclusive<usize>); 3] =
    [(PASSWORD_CUES, 4..=20), (CODE_CUES, 4..=8), (CVV_CUES, 3..=4)];
/// Characters that join a cue directly to its secret; then digits written in Chinese and letters count too.
const LINKS: &str = "是为:= \"'“”(「就叫";
/// Longest secret that is found among other words, not right behind its cue.
const MAX_DISTANT: usize = 8;
/// Between a secret and the cue that follows it: `888888是密码`.
const REACH_BACK: usize = 6;
/// Digits of magnetic track 2 after its `=`.
const MIN_TRACK: usize = 7;

/// Finds and takes them all.
pub(super) fn find(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    for at in 0..folded.len() {
        for (cues, lengths) in SECRETS {
            for cue in cues.iter().filter(|cue| folded.starts_with(at, cue)) {
                let end = at + cue.chars().count();
                let secret = following(folded, end, &lengths).or_else(|| preceding(folded, at, &lengths));
                if let Some(range) = secret {
                    scan.take(PiiKind::Secret, range, String::new());
                }
            }
        }
        if let Some(cue) = EXPIRY_CUES.iter().find(|cue| folded.starts_with(at, cue))
            && let Some(range) = expiry(folded, at + cue.chars().count())
        {
            scan.take(PiiKind::Secret, range, String::new());
        }
        if folded.at(at) == Some('=')
            && let Some(range) = track(folded, at)
        {
            scan.take(PiiKind::Secret, range, String::new());
        }
    }
}

/// The secret after a cue that ends at `end`.
fn following(folded: &Folded, end: usize, lengths: &std::ops::RangeInclusive<usize>) -> Option<Range<usize>> {
    let reach = folded.after(end, CUE_REACH + 1).chars().count();
    let linked = folded.slice(end..folded.len()).iter().take_while(|&&c| LINKS.contains(c)).count();
    let direct = end + linked;
    if linked > 0
        && let Some(range) = spelled(folded, direct)
    {
        return Some(range);
    }
    let mut at = end;
    while at < end + reach {
        let range = printed(folded, at, end);
        if range.is_empty() {
            at += 1;
            continue;
        }
        at = range.end;
        let has_digit = folded.slice(range.clone()).iter().any(char::is_ascii_digit);
        let pure = folded.slice(range.clone()).iter().all(char::is_ascii_digit);
        // Only right behind a link a secret may have letters or be as long as a card or telephone number.
        let plain = pure && range.len() <= MAX_DISTANT;
        if lengths.contains(&range.len()) && has_digit && (plain || range.start == direct) && !is_other(folded, &range)
        {
            return Some(range);
        }
    }
    None
}

/// The run of printable ASCII at `at` that could be a secret; nothing when `at` is inside one.
fn printed(folded: &Folded, at: usize, from: usize) -> Range<usize> {
    let part = |c: char| c.is_ascii_alphanumeric() || "@#$%&*!_+.-".contains(c);
    let inside = at > from && folded.previous(at).is_some_and(part);
    let len = folded.slice(at..folded.len()).iter().take_while(|&&c| part(c)).count();
    let starts = folded.at(at).is_some_and(|c| c.is_ascii_alphanumeric());
    if !starts || inside && !folded.previous(at).is_some_and(|c| "-.".contains(c)) {
        return at..at;
    }
    // A closing mark is not part of it.
    let tail = folded.slice(at..at + len).iter().rev().take_while(|&&c| ".-!".contains(c)).count();
    at..at + len - tail
}

/// Digits in Chinese right behind a link: `密码是一二三四五六`.
fn spelled(folded: &Folded, at: usize) -> Option<Range<usize>> {
    let digits = |c: char| "零〇一二三四五六七八九幺".contains(c);
    let len = folded.slice(at..folded.len()).iter().take_while(|&&c| digits(c)).count();
    (len >= 4).then_some(at..at + len)
}

/// The digits before a cue at `at`: `888888是取款密码`.
fn preceding(folded: &Folded, at: usize, lengths: &std::ops::RangeInclusive<usize>) -> Option<Range<usize>> {
    let window = folded.slice(at.saturating_sub(REACH_BACK)..at);
    let last = window.iter().rposition(char::is_ascii_digit)?;
    let between = window.get(last + 1..)?;
    let says =
        matches!(between.first(), Some('是' | '为' | '就' | '(')) && !between.iter().any(|c| matches!(c, ',' | '，'));
    let end = at - between.len();
    let len = folded.slice(0..end).iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let range = end - len..end;
    (says && lengths.contains(&len) && !is_other(folded, &range)).then_some(range)
}

/// Whether the run is something that is never a secret: an amount, a count, a date, a hotline, a code, a number called
/// something else.
fn is_other(folded: &Folded, range: &Range<usize>) -> bool {
    let text = folded.string(range.clone());
    let counted = UNITS.iter().any(|unit| folded.starts_with(range.end, unit))
        || folded.at(range.end) == Some('位')
        || currency_after(folded, range.end);
    // Public telephone numbers of five digits begin so; no secret has five.
    let hotline = text.len() == 5
        && text.bytes().all(|b| b.is_ascii_digit())
        && ["12", "95", "96"].iter().any(|head| text.starts_with(head));
    let called = folded.cue_distance(range.start, NOT_SECRET_CUES, 2).is_some();
    let letters = text.chars().take_while(char::is_ascii_uppercase).count();
    let form = letters > 0 && text.get(letters..).is_some_and(|rest| rest.starts_with('-'));
    let part = folded.previous(range.start).is_some_and(|c| matches!(c, '〔' | '-' | '/' | ',' | '¥') && c != ',')
        || folded.at(range.end) == Some('〕')
        || folded.at(range.end) == Some('/');
    let date = text.starts_with("20") && text.matches(['-', '.']).count() == 2;
    counted || hotline || called || form || part || date
}

/// `05/28` or `0528` after the cue of a card's expiry; a year, a date or a term of years is none.
fn expiry(folded: &Folded, end: usize) -> Option<Range<usize>> {
    let skipped = folded.slice(end..folded.len()).iter().take(CUE_REACH).take_while(|c| !c.is_ascii_digit()).count();
    if !folded.slice(end..end + skipped).iter().all(|&c| LINKS.contains(c) || "至到限".contains(c)) {
        return None;
    }
    let at = end + skipped;
    let part = |c: &char| c.is_ascii_digit() || matches!(c, '/' | '-');
    let run = folded.slice(at..folded.len()).iter().take_while(|c| part(c)).collect::<String>();
    let (month, year) = match run.split_once(['/', '-']) {
        Some((month, year)) => (month, year),
        None => run.split_at_checked(2)?,
    };
    let is_month = month.len() == 2 && month.parse::<u8>().is_ok_and(|m| (1..=12).contains(&m));
    let is_year = year.len() == 2 && year.bytes().all(|b| b.is_ascii_digit());
    let range = at..at + run.len();
    (is_month && is_year && !is_other(folded, &range)).then_some(range)
}

/// Track 2 of a card: the number, `=`, and the rest.
fn track(folded: &Folded, equals: usize) -> Option<Range<usize>> {
    let before = folded.slice(0..equals).iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let after = folded.slice(equals + 1..folded.len()).iter().take_while(|c| c.is_ascii_digit()).count();
    ((13..=19).contains(&before) && after >= MIN_TRACK).then_some(equals - before..equals + 1 + after)
}
