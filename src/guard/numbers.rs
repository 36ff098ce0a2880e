//! Personal data written in digits: identity numbers, cards, accounts, telephones.
//!
//! Digits are read in groups. Groups with a blank or hyphen between them may be one number (`6222 0212 …`), so every run
//! of neighbouring groups is a candidate, unless a date, an amount, a form code or a public hotline stands in it.

use super::checksum::{is_date, is_id15, is_id18, luhn};
use super::codes;
use super::fold::Folded;
use super::redact::{PiiKind, Scan, stars};
use super::rules::{
    ACCOUNT_CUES, AMOUNT_CUES, CARD_CUES, CARD_PREFIXES, CUE_REACH, CURRENCIES, DIAL_CUES, DIRECT_REACH, HOTLINES,
    ID_CUES, PHONE_CUES, SERIAL_CUES, SERIAL_NUMBER_CUES, TAIWAN_CUES, UNITS,
};
use std::ops::Range;

/// Longest number looked for: an account of 32 digits.
const MAX_DIGITS: usize = 32;
/// Characters that may stand between two groups of one number.
const MAX_GAP: usize = 3;

/// What stands between a group and the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Something else, or the end of the text.
    Apart,
    /// Blanks and hyphens.
    Blank,
    /// A dot or a bracket, as telephone numbers have.
    Mark,
}

struct Group {
    range: Range<usize>,
    digits: Vec<char>,
    gap: Gap,
    /// Part of a date, an amount or a code: in no number.
    barred: bool,
}

/// Neighbouring groups read as one number.
struct Candidate {
    range: Range<usize>,
    digits: Vec<char>,
    lengths: Vec<usize>,
    marked: bool,
}

/// Finds and takes them all.
pub(super) fn find(scan: &mut Scan<'_>) {
    let mut groups = groups(scan.folded);
    bar(scan.folded, &mut groups);
    each(scan, &groups, id18);
    codes::credit_codes(scan);
    codes::permits(scan);
    for rule in [card, mobile, landline, id15, taiwan, account] {
        each(scan, &groups, rule);
    }
}

/// What a rule makes of a candidate: the kind, the characters taken, the mask.
type Verdict = Option<(PiiKind, Range<usize>, String)>;

fn each(scan: &mut Scan<'_>, groups: &[Group], rule: fn(&Folded, &Candidate) -> Verdict) {
    for start in 0..groups.len() {
        let mut candidate = Candidate { range: 0..0, digits: Vec::new(), lengths: Vec::new(), marked: false };
        let mut longest: Verdict = None;
        let mut last_gap = None;
        for group in groups.iter().skip(start) {
            if group.barred || candidate.digits.len() + group.digits.len() > MAX_DIGITS {
                break;
            }
            if candidate.lengths.is_empty() {
                candidate.range.start = group.range.start;
            }
            candidate.marked |= last_gap == Some(Gap::Mark);
            candidate.range.end = group.range.end;
            candidate.digits.extend(&group.digits);
            candidate.lengths.push(group.digits.len());
            if scan.is_free(&candidate.range) {
                longest = rule(scan.folded, &candidate).or(longest);
            }
            last_gap = Some(group.gap);
            if group.gap == Gap::Apart {
                break;
            }
        }
        if let Some((kind, range, mask)) = longest {
            scan.take(kind, range, mask);
        }
    }
}

fn groups(folded: &Folded) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        let len = folded.slice(at..folded.len()).iter().take_while(|c| c.is_ascii_digit()).count();
        if len > 0 {
            let range = at..at + len;
            if let Some(previous) = found.last_mut() {
                previous.gap = gap(folded.slice(previous.range.end..at));
            }
            found.push(Group { digits: folded.slice(range.clone()).to_vec(), range, gap: Gap::Apart, barred: false });
        }
        at += len.max(1);
    }
    found
}

pub(super) fn gap(between: &[char]) -> Gap {
    let mark = between.iter().any(|c| matches!(c, '.' | ')'));
    match between.iter().all(|c| matches!(c, ' ' | '-' | '.' | ')')) && between.len() <= MAX_GAP {
        false => Gap::Apart,
        true if mark => Gap::Mark,
        true => Gap::Blank,
    }
}

/// Bars the groups that are dates, amounts, codes or public hotlines.
fn bar(folded: &Folded, groups: &mut [Group]) {
    let lengths: Vec<usize> = groups.iter().map(|g| g.digits.len()).collect();
    let length = |n: usize| lengths.get(n).copied().unwrap_or(0);
    let mut barred = vec![false; groups.len()];
    for (n, group) in groups.iter().enumerate() {
        let next = groups.get(n + 1);
        let between = next.map(|next| folded.slice(group.range.end..next.range.start)).unwrap_or_default();
        let after =
            groups.get(n + 2).zip(next).map(|(a, b)| folded.slice(b.range.end..a.range.start)).unwrap_or_default();
        let mut mark = |count: usize| barred.iter_mut().skip(n).take(count).for_each(|b| *b = true);
        // 2026-01-01, 2026.1.1, 2026/1/1, 2026 01 01; a number that goes on without a break is none.
        let year = group.digits.starts_with(&['1', '9']) || group.digits.starts_with(&['2', '0']);
        if year && length(n) == 4 && between == after && between.len() == 1 && length(n + 1) <= 2 && length(n + 2) <= 2
        {
            let date = format!("{:0>4}{:0>2}{:0>2}", text(group), text_at(groups, n + 1), text_at(groups, n + 2));
            if is_date(&date.chars().collect::<Vec<_>>()) {
                mark(3);
            }
        }
        // 10:30, 05/28 of a time or a rate.
        if matches!(between, [':'] | ['/']) && length(n) <= 2 && length(n + 1) <= 2 {
            mark(2);
        }
        // 1,380,000 and 1234.56; a dotted telephone has four digits or a further dot behind the dot.
        if *between == [','] && length(n) <= 3 && length(n + 1) == 3 {
            mark(2);
        }
        if *between == ['.'] && *after != ['.'] && length(n + 1) <= 2 {
            mark(2);
        }
        let long = length(n) >= 10;
        let currency = currency_after(folded, group.range.end);
        let unit = !long && UNITS.iter().any(|unit| starts_spaced(folded, group.range.end, unit));
        let sign = folded.previous(group.range.start).is_some_and(|c| matches!(c, '¥' | '$' | '€' | '£' | '<' | '>'));
        let amount = folded.cue_distance(group.range.start, AMOUNT_CUES, 2).is_some() && length(n) < 16;
        if currency || unit || sign || amount || is_code(folded, group) || is_hotline(folded, groups, n) {
            mark(1);
        }
        if toll_free(groups, n) {
            mark(3);
        }
    }
    for (group, barred) in groups.iter_mut().zip(barred) {
        group.barred = barred;
    }
}

fn text(group: &Group) -> String {
    group.digits.iter().collect()
}

fn text_at(groups: &[Group], n: usize) -> String {
    groups.get(n).map(text).unwrap_or_default()
}

fn starts_spaced(folded: &Folded, at: usize, word: &str) -> bool {
    folded.starts_with(at, word) || folded.at(at) == Some(' ') && folded.starts_with(at + 1, word)
}

/// A currency word at `at`; 元旦 is a holiday.
pub(super) fn currency_after(folded: &Folded, at: usize) -> bool {
    CURRENCIES.iter().any(|word| starts_spaced(folded, at, word)) && !starts_spaced(folded, at, "元旦")
}

/// `YY-0103`, `V2`, `GB45438`: letters, perhaps a hyphen, and up to six digits.
fn is_code(folded: &Folded, group: &Group) -> bool {
    let before = match folded.previous(group.range.start) {
        Some('-') => folded.previous(group.range.start - 1),
        other => other,
    };
    group.digits.len() <= 6 && before.is_some_and(|c| c.is_ascii_uppercase())
}

fn is_hotline(folded: &Folded, groups: &[Group], n: usize) -> bool {
    let Some(group) = groups.get(n) else { return false };
    let alone = group.gap != Gap::Blank && folded.previous(group.range.start).is_none_or(|c| c != '-' && c != ' ');
    let number = text(group);
    HOTLINES.contains(&number.as_str()) && alone || number.starts_with("95") && matches!(number.len(), 5 | 6) && alone
}

/// `400-810-0000`, `800 8100 000`: the group `n` and its two followers.
fn toll_free(groups: &[Group], n: usize) -> bool {
    let Some([first, second, third]) = groups.get(n..n + 3) else { return false };
    let whole = second.digits.len() + third.digits.len() == 7 && third.gap != Gap::Blank;
    matches!(text(first).as_str(), "400" | "800") && whole && first.gap == Gap::Blank && second.gap == Gap::Blank
}

/// Whether the number is written alone or in the groups people use: equal ones, the last perhaps shorter or longer.
/// A group that is long enough by itself takes no other in.
fn grouped_evenly(candidate: &Candidate) -> bool {
    match candidate.lengths.as_slice() {
        [_] => true,
        [first, middle @ .., last] => {
            (3..10).contains(first) && middle.iter().all(|n| n == first) && *last <= 7
                || candidate.lengths.iter().all(|&n| n == 1)
        }
        [] => false,
    }
}

pub(super) fn has_cue(folded: &Folded, range: &Range<usize>, cues: &[&str]) -> bool {
    folded.cue_distance(range.start, cues, CUE_REACH).is_some() || {
        // After the number only the words up to the next number speak of it.
        let after = folded.after(range.end, CUE_REACH);
        let own: &str = after.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        cues.iter().any(|cue| own.contains(cue))
    }
}

/// Whether the nearest cue says serial number, time or version.
fn is_serial(folded: &Folded, range: &Range<usize>, own: &[&str]) -> bool {
    let serial = folded.cue_distance(range.start, SERIAL_CUES, CUE_REACH);
    let cue = folded.cue_distance(range.start, own, CUE_REACH);
    serial.is_some_and(|serial| cue.is_none_or(|cue| serial < cue))
}

/// A date or a moment written without separators: 8, 12 or 14 digits.
fn is_moment(digits: &[char]) -> bool {
    matches!(digits.len(), 8 | 12 | 14) && digits.get(..8).is_some_and(is_date)
}

fn id18(folded: &Folded, c: &Candidate) -> Verdict {
    let mut digits = c.digits.clone();
    let mut range = c.range.clone();
    if digits.len() == 17 {
        let x = (range.end..range.end + 2).find(|&at| folded.at(at) == Some('X'))?;
        if x > range.end && !matches!(folded.at(range.end), Some(' ' | '-')) {
            return None;
        }
        digits.push('X');
        range.end = x + 1;
    }
    let shaped = digits.len() == 18 && digits.get(6..14).is_some_and(is_date) && has_cue(folded, &range, ID_CUES);
    (is_id18(&digits) || shaped).then(|| (PiiKind::IdCard, range, stars(&digits, 3, 4)))
}

fn id15(folded: &Folded, c: &Candidate) -> Verdict {
    let plausible = is_id15(&c.digits) && !c.marked && !is_serial(folded, &c.range, ID_CUES);
    plausible.then(|| (PiiKind::IdCard, c.range.clone(), stars(&c.digits, 3, 4)))
}

fn mobile(folded: &Folded, c: &Candidate) -> Verdict {
    // +86, 0086 or a leading 0 may be written together with the number.
    let prefix = c.digits.len().checked_sub(11)?;
    let (lead, digits) = c.digits.split_at(prefix);
    let lead: String = lead.iter().collect();
    let shaped = digits.first() == Some(&'1') && digits.get(1).is_some_and(|d| ('3'..='9').contains(d));
    if !shaped || !matches!(lead.as_str(), "" | "0" | "86" | "086" | "0086") {
        return None;
    }
    // `86 138…`: the prefix is a group of its own, found again from the next group on.
    if prefix > 0 && c.lengths.first().is_some_and(|&first| first == prefix) {
        return None;
    }
    let mut lengths = c.lengths.clone();
    if let Some(first) = lengths.first_mut() {
        *first = first.saturating_sub(prefix);
    }
    let usual = matches!(lengths.as_slice(), [11] | [3, 4, 4] | [3, 8] | [7, 4] | [3, 3, 5] | [5, 6])
        || lengths.iter().all(|&n| n == 1);
    let called = !c.marked && has_cue(folded, &c.range, PHONE_CUES);
    let start = c.range.start + prefix;
    (usual || called).then(|| (PiiKind::Mobile, start..c.range.end, stars(digits, 3, 4)))
}

fn landline(folded: &Folded, c: &Candidate) -> Verdict {
    let area = match c.digits.as_slice() {
        ['0', '1', '0', ..] | ['0', '2', '0'..='9', ..] => 3,
        ['0', '3'..='9', ..] => 4,
        _ => return None,
    };
    let local = c.digits.get(area..)?;
    let count = if area == 3 { local.len() == 8 } else { matches!(local.len(), 7 | 8) };
    let usual = match c.lengths.as_slice() {
        [_] => !is_serial(folded, &c.range, PHONE_CUES),
        [first, rest @ ..] => *first == area && rest.len() <= 2,
        [] => false,
    };
    let public = local.starts_with(&['9', '5']) || local.starts_with(&['0']) || local.starts_with(&['1']);
    let digits: String = c.digits.get(..area)?.iter().collect();
    let mask = format!("{digits}-{}", stars(local, 0, 2));
    // `(010)62345678` goes with its bracket.
    let bracket = c.marked && folded.previous(c.range.start) == Some('(');
    let range = c.range.start - usize::from(bracket)..c.range.end;
    (count && usual && !public).then_some((PiiKind::Landline, range, mask))
}

fn card(folded: &Folded, c: &Candidate) -> Verdict {
    let text: String = c.digits.iter().collect();
    if !(13..=19).contains(&text.len()) || c.marked {
        return None;
    }
    let issued = CARD_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) && grouped_evenly(c);
    let called = has_cue(folded, &c.range, CARD_CUES) && !is_serial(folded, &c.range, CARD_CUES);
    let near = folded.cue_distance(c.range.start, &["卡"], CUE_REACH).is_some();
    let checked = luhn(&c.digits);
    // A serial number passes Luhn's check one time in ten; an old identity number may stand beside a card.
    let numbered = folded.cue_distance(c.range.start, SERIAL_NUMBER_CUES, DIRECT_REACH).is_some();
    let identity = is_id15(&c.digits) && folded.cue_distance(c.range.start, ID_CUES, DIRECT_REACH).is_some();
    if numbered && !called || identity {
        return None;
    }
    let is_card =
        checked && (issued || near && grouped_evenly(c)) || called && grouped_evenly(c) && !is_moment(&c.digits);
    is_card.then(|| (PiiKind::BankCard, c.range.clone(), stars(&c.digits, 6, 4)))
}

fn taiwan(folded: &Folded, c: &Candidate) -> Verdict {
    let direct = folded.cue_distance(c.range.start, TAIWAN_CUES, DIRECT_REACH).is_some();
    let called = c.digits.len() == 8 && c.lengths.len() == 1 && has_cue(folded, &c.range, TAIWAN_CUES);
    let is_permit = called && (direct || !is_date(&c.digits));
    is_permit.then(|| (PiiKind::Permit, c.range.clone(), stars(&c.digits, 1, 3)))
}

fn account(folded: &Folded, c: &Candidate) -> Verdict {
    let direct = folded.cue_distance(c.range.start, ACCOUNT_CUES, DIRECT_REACH).is_some();
    let shaped = (10..=MAX_DIGITS).contains(&c.digits.len()) && !c.marked && grouped_evenly(c);
    let called = has_cue(folded, &c.range, ACCOUNT_CUES) && !is_serial(folded, &c.range, ACCOUNT_CUES);
    let dialled = folded.cue_distance(c.range.start, DIAL_CUES, DIRECT_REACH).is_some();
    let hotline = c.digits.len() == 10 && matches!(c.digits.as_slice(), ['4' | '8', '0', '0', ..]);
    let is_account = shaped && called && !(hotline && dialled) && (direct || !is_moment(&c.digits) && !hotline);
    is_account.then(|| (PiiKind::Account, c.range.clone(), stars(&c.digits, 0, 4)))
}
