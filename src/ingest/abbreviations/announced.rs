//! Short forms that a text announces: `某某某某机构（以下简称某机构）`, `以下统称“X”`, `（下称X）`.

use super::Pair;
use super::long_form::{bare_str, long_form};
use super::marks::{self, QUOTES};
use crate::text::normalize::is_han;
use std::ops::RangeInclusive;

/// Letters of a short form.
const SHORT_CHARS: RangeInclusive<usize> = 2..=20;
/// Longest short form with its marks, in characters.
const MAX_SHORT: usize = 40;
/// Up to this many letters a short form that begins with a number is a count (四省), not a name.
const MAX_COUNT_CHARS: usize = 3;

/// What announces a short form, and whether it gathers several things under one name.
const VERBS: [(&str, bool); 6] =
    [("简称", false), ("统称", true), ("合称", true), ("并称", true), ("总称", true), ("称", false)];

/// What short forms begin with that say nothing outside their document, or nothing that a question would.
const VAGUE: [char; 10] = ['本', '我', '该', '其', '此', '前', '下', '上', '各', '以'];
const PARTIES: [&str; 3] = ["甲方", "乙方", "丙方"];

/// The pairs of a clause's text whose long form is certain.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    // Most clauses announce nothing.
    if !text.contains("下称") && !VERBS.iter().any(|(verb, _)| verb.len() > 3 && text.contains(verb)) {
        return Vec::new();
    }
    let text: Vec<char> = text.chars().collect();
    (0..text.len()).filter_map(|at| pair(&text, at)).collect()
}

/// The pair that is announced by the 下 of 以下简称 or 下称 at `at`.
fn pair(text: &[char], at: usize) -> Option<Pair> {
    if text.get(at) != Some(&'下') {
        return None;
    }
    let before = |at: usize| at.checked_sub(1).and_then(|at| text.get(at));
    let from = if before(at) == Some(&'以') { at - 1 } else { at };
    // Without 以 it could be the end of another word.
    if from == at && !before(at).is_some_and(|c| matches!(c, '（' | '(' | '，' | ',')) {
        return None;
    }
    let rest = text.get(at + 1..)?;
    let evenly = usize::from(rest.first() == Some(&'均'));
    let (verb, gathers) = VERBS.iter().find(|(verb, _)| is_at(rest, evenly, verb))?;
    let mut short_at = at + 1 + evenly + verb.chars().count();
    if text.get(short_at) == Some(&'为') {
        short_at += 1;
    }
    while text.get(short_at).is_some_and(|c| matches!(c, '：' | ':' | ' ' | '　')) {
        short_at += 1;
    }
    let (short, after) = short_form(text, short_at)?;
    let end = match marks::bracket_around(text, from) {
        Some(open) => Some(open).filter(|_| after != '。')?,
        None => {
            // In the open sentence: `X，以下简称Y。`
            let comma = from.checked_sub(1).filter(|at| matches!(text.get(*at), Some('，' | ',')))?;
            Some(comma).filter(|_| !matches!(after, '）' | ')'))?
        }
    };
    let long = long_form(text, end, &short, *gathers)?;
    Some(Pair { long, short })
}

/// The short form that begins at `at`, and the mark behind it. `None` when several are given, or what is given is none.
fn short_form(text: &[char], at: usize) -> Option<(String, char)> {
    let rest = text.get(at..)?;
    let first = *rest.first()?;
    let (short, after) = match QUOTES.iter().find(|(open, _)| *open == first) {
        Some((_, close)) => {
            let inside = rest.get(1..)?;
            let end = inside.iter().take(MAX_SHORT).position(|c| c == close)?;
            (inside.get(..end)?, *inside.get(end + 1)?)
        }
        None => {
            let end = unquoted(rest)?;
            (rest.get(..end)?, *rest.get(end)?)
        }
    };
    let short: String = short.iter().collect::<String>().trim().to_owned();
    let ends = matches!(after, '）' | ')' | '，' | ',' | '；' | ';' | '。');
    (ends && is_short_form(&short)).then_some((short, after))
}

/// Where a short form without quotation marks ends.
fn unquoted(rest: &[char]) -> Option<usize> {
    let mut depth = 0i32;
    for (at, c) in rest.iter().enumerate().take(MAX_SHORT) {
        match c {
            '\n' => return None,
            '《' => depth += 1,
            '》' => depth -= 1,
            _ if depth == 0 && !(c.is_alphanumeric() || *c == ' ') => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_short_form(short: &str) -> bool {
    let letters = bare_str(short);
    let count = letters.chars().count();
    let numeral = |c: char| "一二三四五六七八九十两".contains(c);
    let numbered = letters.starts_with(is_han) && short.ends_with(|c| numeral(c) || c.is_ascii_digit());
    SHORT_CHARS.contains(&count)
        && letters.chars().any(char::is_alphabetic)
        && short.matches('《').count() == short.matches('》').count()
        && short.matches('《').count() <= 1
        && !short.starts_with(VAGUE)
        && !PARTIES.iter().any(|party| short.starts_with(party))
        && !numbered
        && !(count <= MAX_COUNT_CHARS && letters.starts_with(numeral))
}

fn is_at(text: &[char], at: usize, word: &str) -> bool {
    let mut chars = text.iter().skip(at);
    word.chars().all(|c| chars.next() == Some(&c))
}
