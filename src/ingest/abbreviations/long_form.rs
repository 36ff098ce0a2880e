//! How far a long form reaches back from the place where its short form is announced.
//!
//! A title ends at its 《. Otherwise the run of Han characters before the brackets is read for places where a name may begin: at
//! its own beginning, when a mark of a sentence stands there, and behind words that are in no name. The last of them from which
//! on the words still have all characters of the short form, in order, is the beginning. What fits nowhere has no long form.

use super::marks::{self, Edge, QUOTES};
use super::words::{self, Kind};
use crate::text::normalize::is_han;

/// Longest long form that is no title, in characters.
const MAX_CHARS: usize = 40;
/// Lengths of a long form that has not all characters of its short form: longer ones are seldom one name.
const UNLIKE_CHARS: std::ops::RangeInclusive<usize> = 4..=24;
/// As [`UNLIKE_CHARS`], when the short form is of letters (`智能卡`: IC卡).
const UNLIKE_LATIN_CHARS: std::ops::RangeInclusive<usize> = 3..=24;
/// Longest run of Han characters and titles that is looked at.
const MAX_RUN: usize = 90;
/// Longest name in quotation marks.
const MAX_QUOTED: usize = 40;

/// What the names of institutions and systems end with: they are names though they have nothing of their short form.
const NAME_ENDS: [&str; 12] =
    ["系统", "数据库", "平台", "公司", "中心", "委员会", "协会", "交易所", "清算所", "银行", "部队", "局"];

/// The long form that ends right before `end`, for `short`. `gathers` when the announcement gathers several things under one name
/// (统称, 合称).
pub(super) fn long_form(text: &[char], end: usize, short: &str, gathers: bool) -> Option<String> {
    let end = before_brackets(text, end);
    let last = *text.get(end.checked_sub(1)?)?;
    if let Some((open, _)) = QUOTES.iter().find(|(open, close)| *close == last && open != close) {
        return quoted(text, end, *open, short);
    }
    if last == '》' && (!short.starts_with('《') || short.ends_with('》')) {
        return titled(text, end, short).filter(|_| !gathers);
    }
    let from = run_before(text, end);
    let run = text.get(from..end)?;
    let starts = starts(text, from, run);
    let holds = |start: &&Start| {
        let name = bare(run.get(start.at..).unwrap_or_default());
        carries(&name, short) && longer(&name, short)
    };
    match starts.iter().rfind(holds) {
        Some(start) => alike(text, from, run, *start, short, gathers),
        None => unlike(run, *starts.last()?, short, gathers),
    }
}

/// Where a long form may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    /// Place in the run.
    at: usize,
    before: Before,
    /// Where the words before a joining word end.
    item_end: usize,
}

/// What stands before a possible beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Edge(Edge),
    Word(Kind),
}

/// The places where a name may begin, in order.
fn starts(text: &[char], from: usize, run: &[char]) -> Vec<Start> {
    let mut found = vec![Start { at: 0, before: Before::Edge(marks::edge(text, from)), item_end: 0 }];
    let mut at = 0;
    while at < run.len() {
        if run.get(at) == Some(&'《') {
            at = past_title(run, at);
            continue;
        }
        if let Some((kind, length)) = words::before_name(run, at) {
            // 甲公司（以下简称甲）和乙公司: the bracket says where the first of the two names ends.
            let apart = kind == Kind::Join && at == 0 && marks::follows_short_form(text, from);
            let kind = if apart { Kind::Break } else { kind };
            found.push(Start { at: at + length, before: Before::Word(kind), item_end: at });
            at += length;
            continue;
        }
        if words::name_starts(run, at) && found.last().is_none_or(|start| start.at != at) {
            found.push(Start { at, before: Before::Word(Kind::Break), item_end: at });
        }
        at += 1;
    }
    let mut all = Vec::with_capacity(found.len());
    for start in found {
        all.push(start);
        let mut next = start;
        while start.before != Before::Edge(Edge::Unknown)
            && let Some(length) = words::opener(run, next.at)
        {
            next.at += length;
            all.push(next);
        }
    }
    all.sort_by_key(|start| start.at);
    all
}

/// The long form at a place from which on the words have the characters of the short form.
fn alike(text: &[char], from: usize, run: &[char], start: Start, short: &str, gathers: bool) -> Option<String> {
    let chars = run.get(start.at..)?;
    let name: String = chars.iter().collect();
    let joined = || places(chars).any(|at| words::before_name(chars, at).is_some_and(|(kind, _)| kind == Kind::Join));
    let whole = start.before == Before::Edge(Edge::Phrase) && start.at == 0 && same_start(chars, short);
    let sure = match start.before {
        Before::Edge(Edge::Unknown) => false,
        // One of several things: of which one the bracket speaks is known only of names that stand by themselves.
        Before::Edge(Edge::List) | Before::Word(Kind::Join) => {
            let previous = match start.before {
                Before::Word(_) => run.get(..start.item_end)?,
                Before::Edge(_) => {
                    let comma = from.checked_sub(1)?;
                    text.get(run_before(text, comma)..comma)?
                }
            };
            !gathers
                && (same_start(chars, short) || words::is_proper(chars))
                && !carries(&bare(previous), short)
                && !joined()
        }
        _ => !(gathers && joined() && !name.contains("及其")),
    };
    let broken = places(chars).skip(1).any(|at| words::breaks_a_name(chars, at, short).is_some());
    let fits = bare(chars).chars().count() <= MAX_CHARS && !words::is_no_name(&name, short);
    (sure && !broken && fits && (whole || !name.contains('的'))).then_some(name)
}

/// The long form at the last place where one may begin, when it has not all characters of the short form: then there must be no
/// doubt about its bounds.
fn unlike(run: &[char], start: Start, short: &str, gathers: bool) -> Option<String> {
    let chars = run.get(start.at..)?;
    let name: String = chars.iter().collect();
    let whole = start.before == Before::Edge(Edge::Phrase) && start.at == 0;
    let latin = !bare_str(short).starts_with(is_han);
    let bounded = match start.before {
        Before::Edge(Edge::Phrase) | Before::Word(Kind::Break) if gathers => whole && name.contains("及其"),
        Before::Edge(Edge::Phrase) => whole || latin || NAME_ENDS.iter().any(|end| name.ends_with(end)),
        Before::Word(Kind::Break) => latin || NAME_ENDS.iter().any(|end| name.ends_with(end)),
        _ => false,
    };
    let mixed = |at: usize| words::before_name(chars, at).is_some() && !starts_with_and_its(chars, at);
    let lengths = if latin { UNLIKE_LATIN_CHARS } else { UNLIKE_CHARS };
    let fits = lengths.contains(&chars.len())
        && (latin || chars.len() >= bare_str(short).chars().count())
        && !name.contains('《')
        && !places(chars).any(mixed)
        && !words::is_no_name(&name, short);
    (bounded && fits).then_some(name)
}

fn starts_with_and_its(chars: &[char], at: usize) -> bool {
    chars.get(at..at + 2) == Some(&['及', '其'])
}

/// A title right before the announcement, unless the title before it could be meant as well.
fn titled(text: &[char], end: usize, short: &str) -> Option<String> {
    let open = marks::title_before(text, end)?;
    let joint = open.checked_sub(1).and_then(|at| text.get(at));
    let before = open - usize::from(joint.is_some_and(|c| matches!(c, '、' | '和' | '与' | '及' | '或')));
    if let Some(other) = marks::title_before(text, before)
        && carries(&bare(text.get(other..before)?), short)
    {
        return None;
    }
    let title = text.get(open..end)?;
    longer(&bare(title), short).then(|| title.iter().collect())
}

/// A name in quotation marks right before the announcement.
fn quoted(text: &[char], end: usize, open: char, short: &str) -> Option<String> {
    let reach = end.saturating_sub(MAX_QUOTED);
    let open = reach + text.get(reach..end)?.iter().rposition(|c| *c == open)?;
    let name = text.get(open + 1..end - 1)?;
    let plain = name.iter().all(|c| is_han(*c) || matches!(c, '《' | '》'));
    let fits = plain && carries(&bare(name), short) && longer(&bare(name), short);
    fits.then(|| name.iter().collect())
}

/// `end` before the brackets that close there, two at most: `某中心（某某所）（以下简称…`.
fn before_brackets(text: &[char], mut end: usize) -> usize {
    for _ in 0..2 {
        end = marks::group_before(text, end).unwrap_or(end);
    }
    end
}

/// Where the run of Han characters and titles begins that ends before `end`.
fn run_before(text: &[char], end: usize) -> usize {
    let mut from = end;
    while end - from < MAX_RUN {
        let Some(at) = from.checked_sub(1) else { break };
        match (text.get(at), marks::title_before(text, from)) {
            (_, Some(open)) => from = open,
            (Some(c), None) if is_han(*c) => from = at,
            _ => break,
        }
    }
    from
}

/// The places of a run that are in no title.
fn places(run: &[char]) -> impl Iterator<Item = usize> {
    let mut depth = 0i32;
    run.iter().enumerate().filter_map(move |(at, c)| {
        depth += match c {
            '《' => 1,
            '》' => -1,
            _ => 0,
        };
        (depth == 0 && *c != '》').then_some(at)
    })
}

fn past_title(run: &[char], open: usize) -> usize {
    let inside = places(run.get(open..).unwrap_or_default()).next();
    inside.map_or(run.len(), |after| open + after)
}

fn same_start(name: &[char], short: &str) -> bool {
    name.first().is_some_and(|c| short.starts_with(*c))
}

/// Letters and digits only.
pub(super) fn bare(text: &[char]) -> String {
    text.iter().filter(|c| c.is_alphanumeric()).collect()
}

/// As [`bare`].
pub(super) fn bare_str(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether `name` has the letters of `short`, in their order.
fn carries(name: &str, short: &str) -> bool {
    let mut name = name.chars();
    short.chars().filter(|c| c.is_alphanumeric()).all(|c| name.any(|n| n == c))
}

fn longer(name: &str, short: &str) -> bool {
    name.chars().count() > bare_str(short).chars().count()
}
