//! Which clauses a change touches that is not carried out word by word, and whether a text has a change already.

use super::consolidate;
use crate::text::clause;
use crate::text::legal::{Change, ParsedClause, What};
use crate::text::normalize::fold;
use crate::text::numeral;
use crate::text::quantity;
use crate::text::table;
use crate::types::ClauseAddress;
use std::ops::Range;

/// Most clauses that one new value may concern; a name that more of them have says too little.
const MAX_VALUED: usize = 6;
/// Share of the pairs of characters of a name that a row of a table has, with its column names, for the name to be its.
const ROW_SHARE: f64 = 0.7;

/// Share of the pairs of characters of a name that a sentence with the old value has, for the name to be its.
const SENTENCE_SHARE: f64 = 0.4;

/// A clause by its place, with the part that is meant, in bytes; `None` for the whole.
pub(super) type Place = (usize, Option<Range<usize>>);

/// The clauses that a change touches.
pub(super) fn places(clauses: &[ParsedClause], change: &Change) -> Vec<Place> {
    match (&change.address, &change.what) {
        (Some(address), What::Value { subject, old }) => {
            let Some(at) = consolidate::find(clauses, address) else { return Vec::new() };
            let within = clauses.get(at).map(|clause| valued(clause, subject, old.as_deref())).unwrap_or_default();
            if within.is_empty() { vec![(at, part(clauses, at, address))] } else { with(at, within) }
        }
        (Some(address), What::RowDeleted(name)) => {
            let Some(at) = consolidate::find(clauses, address) else { return Vec::new() };
            let within = clauses.get(at).map(|clause| rows(clause, name)).unwrap_or_default();
            if within.is_empty() { vec![(at, part(clauses, at, address))] } else { with(at, within) }
        }
        (None, What::RowDeleted(name)) => {
            let found = clauses.iter().enumerate().flat_map(|(at, clause)| with(at, rows(clause, name)));
            found.collect()
        }
        (Some(address), _) => {
            consolidate::find(clauses, address).map(|at| vec![(at, part(clauses, at, address))]).unwrap_or_default()
        }
        (None, What::Words(old, _)) => {
            let has = |(_, clause): &(usize, &ParsedClause)| clause.text.contains(old.as_str());
            clauses.iter().enumerate().filter(has).map(|(at, _)| (at, None)).collect()
        }
        (None, What::Value { subject, old }) => {
            let found = clauses.iter().enumerate().map(|(at, clause)| (at, valued(clause, subject, old.as_deref())));
            let found: Vec<Place> = found.flat_map(|(at, within)| with(at, within)).collect();
            match (found.len(), old) {
                (0, Some(old)) => by_old_value(clauses, subject, old),
                (1..=MAX_VALUED, _) => found,
                _ => Vec::new(),
            }
        }
        (None, What::Suspended) => (0..clauses.len()).map(|at| (at, None)).collect(),
        (None, _) => Vec::new(),
    }
}

fn with(at: usize, within: Vec<Range<usize>>) -> Vec<Place> {
    within.into_iter().map(|range| (at, Some(range))).collect()
}

/// The part at an address, where it is less than the whole clause.
fn part(clauses: &[ParsedClause], at: usize, address: &ClauseAddress) -> Option<Range<usize>> {
    let text = clauses.get(at)?.text.as_str();
    clause::part(text, address).filter(|range| *range != (0..text.len()))
}

/// The sentences and rows of a clause that state a value of what is named so, the old value where that is known.
fn valued(clause: &ParsedClause, subject: &str, old: Option<&str>) -> Vec<Range<usize>> {
    let subject = squeezed(subject);
    let states = |text: &str| {
        let found = quantity::find(&fold(text));
        match old {
            None => !found.is_empty(),
            Some(old) => quantity::find(&fold(old))
                .iter()
                .any(|old| found.iter().any(|of| of.measure.compares(old.measure) && (of.span == old.span))),
        }
    };
    let text = clause.text.as_str();
    let ranges = clause::sentences(text);
    let of = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
    let named = |range: &&Range<usize>| squeezed(of(range)).contains(&subject) && states(of(range));
    let exact: Vec<Range<usize>> = ranges.iter().filter(named).cloned().collect();
    if !exact.is_empty() {
        return exact;
    }
    let header: String = text.lines().find(|line| table::is_row(line)).map(squeezed).unwrap_or_default();
    let rows = ranges.iter().filter(|range| table::is_row(of(range)) && states(of(range)));
    let fits = |range: &&Range<usize>| {
        let row = squeezed(of(range));
        shared(&subject, &format!("{row}|{header}")) >= ROW_SHARE
            && shared(&subject, &row) > 0.0
            && leads(&subject, &row)
    };
    rows.filter(fits).cloned().collect()
}

/// The only sentence that states the old value and has most of the words of the name: 取款凭证的保管期限 for 取款凭证由后台保管,保管期限为10年.
fn by_old_value(clauses: &[ParsedClause], subject: &str, old: &str) -> Vec<Place> {
    let subject = squeezed(subject);
    let old = squeezed(old);
    // 5元 is not the end of 15元.
    let states = |said: &str| {
        said.match_indices(&old)
            .any(|(at, _)| !said.get(..at).is_some_and(|before| before.ends_with(numeral::is_numeral)))
    };
    let mut found: Vec<Place> = Vec::new();
    for (at, clause) in clauses.iter().enumerate() {
        for range in clause::sentences(&clause.text) {
            let said = squeezed(clause.text.get(range.clone()).unwrap_or_default());
            if !old.is_empty() && states(&said) && shared(&subject, &said) >= SENTENCE_SHARE {
                found.push((at, Some(range)));
            }
        }
    }
    if found.len() == 1 { found } else { Vec::new() }
}

/// The rows of a clause with a cell of that name.
fn rows(clause: &ParsedClause, name: &str) -> Vec<Range<usize>> {
    let name = squeezed(name);
    let is_named = |range: &Range<usize>| {
        let row = clause.text.get(range.clone()).unwrap_or_default();
        table::is_row(row) && squeezed(row).split('|').any(|cell| cell == name)
    };
    clause::sentences(&clause.text).into_iter().filter(is_named).collect()
}

/// Whether a row names what the subject begins with: 铁雀卡 is not 铜雀卡.
fn leads(subject: &str, row: &str) -> bool {
    let first: String = subject.chars().take(2).collect();
    row.contains(&first)
}

fn squeezed(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric() || *c == '|').collect()
}

/// The share of the pairs of characters of `subject` that a text has.
pub(super) fn shared(subject: &str, text: &str) -> f64 {
    let chars: Vec<char> = subject.chars().collect();
    let pairs: Vec<String> = chars.windows(2).map(|pair| pair.iter().collect()).collect();
    let met = pairs.iter().filter(|pair| text.contains(pair.as_str())).count();
    if pairs.is_empty() { 0.0 } else { met as f64 / pairs.len() as f64 }
}

/// Whether a text has changes already: most of those whose words can be looked for are there.
pub(super) fn is_carried_out(clauses: &[ParsedClause], changes: &[Change]) -> bool {
    let told: Vec<bool> = changes.iter().filter_map(|change| is_in(clauses, change)).collect();
    let there = told.iter().filter(|there| **there).count();
    there > 0 && 2 * there > told.len()
}

/// Whether one change is in the text; `None` where that cannot be told.
fn is_in(clauses: &[ParsedClause], change: &Change) -> Option<bool> {
    let bare = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    let at = change.address.as_ref().and_then(|address| consolidate::find(clauses, address));
    let has = |new: &str| {
        at.and_then(|at| clauses.get(at))
            .is_some_and(|c| bare(&format!("{}{}", c.address.label, c.text)).contains(&bare(new)))
    };
    let anywhere =
        |new: &str| clauses.iter().any(|c| bare(&format!("{}{}", c.address.label, c.text)).contains(&bare(new)));
    match &change.what {
        What::Replaced(new) | What::Added(new) => Some(has(new) || anywhere(new)),
        What::Words(old, new) if !new.is_empty() => {
            let text = |words: &str| if change.address.is_some() { has(words) } else { anywhere(words) };
            Some(text(new) && !text(old) || text(new) && new.contains(old.as_str()))
        }
        _ => None,
    }
}
