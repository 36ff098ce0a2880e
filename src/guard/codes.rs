//! Personal data written in letters and digits: credit codes, passports, travel permits.

use super::checksum::{is_credit_code, is_date};
use super::fold::Folded;
use super::numbers::{Gap, currency_after, gap, has_cue};
use super::redact::{PiiKind, Scan, stars};
use super::rules::{CREDIT_CODE_CUES, DIRECT_REACH, PASSPORT_CUES};
use std::ops::Range;

/// Most groups a passport number is written in.
const MAX_PERMIT_GROUPS: usize = 4;

/// Unified social credit codes: 18 capitals and digits, perhaps in groups.
pub(super) fn credit_codes(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    let tokens = tokens(folded);
    for start in 0..tokens.len() {
        let mut code: Vec<char> = Vec::new();
        let mut previous: Option<usize> = None;
        for token in tokens.iter().skip(start) {
            if previous.is_some_and(|end| gap(folded.slice(end..token.start)) != Gap::Blank) {
                break;
            }
            code.extend(folded.slice(token.clone()));
            previous = Some(token.end);
            if code.len() >= 18 {
                break;
            }
        }
        let (Some(first), Some(end)) = (tokens.get(start), previous) else { continue };
        let range = first.start..end;
        let digits = code.iter().filter(|c| c.is_ascii_digit()).count();
        let called = digits >= 8 && has_cue(folded, &range, CREDIT_CODE_CUES);
        // 15 digits: the registration number before the code was introduced.
        let old = code.len() == 15 && digits == 15 && called;
        if old || code.len() == 18 && (is_credit_code(&code) || called) {
            scan.take(PiiKind::CreditCode, range, stars(&code, 4, 4));
        }
    }
}

/// Maximal runs of capitals and digits.
fn tokens(folded: &Folded) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        let len = folded.slice(at..folded.len()).iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        if len > 0 {
            found.push(at..at + len);
        }
        at += len.max(1);
    }
    found
}

/// Passports, travel permits and permanent residence cards: letters, then digits.
pub(super) fn permits(scan: &mut Scan<'_>) {
    let folded = scan.folded;
    let tokens = tokens(folded);
    for n in 0..tokens.len() {
        let (mut range, mut id) = (0..0, Vec::new());
        // `E 12345678`, `E1234 5678`: digits in groups, up to the first that makes a number.
        for token in tokens.iter().skip(n).take(MAX_PERMIT_GROUPS) {
            let first = id.is_empty();
            let digits = folded.slice(token.clone()).iter().all(char::is_ascii_digit);
            let joined = digits && gap(folded.slice(range.end..token.start)) == Gap::Blank;
            if !first && !joined {
                break;
            }
            range = if first { token.clone() } else { range.start..token.end };
            id.extend(folded.slice(token.clone()));
            if is_permit(folded, &range, &id) {
                scan.take(PiiKind::Permit, range, stars(&id, 1, 3));
                break;
            }
        }
    }
}

fn is_permit(folded: &Folded, range: &Range<usize>, id: &[char]) -> bool {
    let letters = id.iter().take_while(|c| c.is_ascii_uppercase()).count();
    let (head, digits) = id.split_at(letters);
    if letters > 3 || digits.is_empty() || !digits.iter().all(char::is_ascii_digit) {
        return false;
    }
    let called = has_cue(folded, range, PASSPORT_CUES);
    let direct = folded.cue_distance(range.start, PASSPORT_CUES, DIRECT_REACH + 2).is_some();
    let known = match (head, digits.len()) {
        (['E' | 'G'], 8) | (['E', _], 7) | (['S' | 'D' | 'P', 'E'], 7) => true,
        (['H' | 'M'], 8 | 10) | ([_, _, _], 12) => true,
        ([], 7..=9) => direct && !is_date(digits),
        ([_] | [_, _], 6..=9) => called,
        _ => false,
    };
    known && !currency_after(folded, range.end)
}
