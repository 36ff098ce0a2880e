//! Quantities of a question, and one put in the place of another.

use super::clauses::Clause;
use crate::text::quantity::{self, Measure, Quantity, Span};

/// What a number of tenths may be.
const TENTHS: &str = "一二两三四五六七八九";
/// Characters that make a word of 成 in front of them.
const WORD_OF: &str = "年功本立员交为长果人品效熟";

/// The quantities of a folded text, tenths of a whole (六成) among them.
pub(super) fn find(folded: &str) -> Vec<Quantity> {
    let mut found = quantity::find(folded);
    for (at, _) in folded.match_indices('成') {
        let (before, behind) = (folded.get(..at).unwrap_or_default(), folded.get(at..).unwrap_or_default());
        let number = before.chars().next_back().filter(|c| TENTHS.contains(*c) || c.is_ascii_digit());
        let word = behind.chars().nth(1).is_some_and(|c| WORD_OF.contains(c));
        let Some(number) = number.filter(|_| !word) else { continue };
        let place = at - number.len_utf8()..at + '成'.len_utf8();
        found.retain(|other| other.place.end <= place.start || other.place.start >= place.end);
        let tenths = number.to_digit(10).or_else(|| match TENTHS.chars().position(|c| c == number) {
            Some(index) if index >= 2 => u32::try_from(index).ok(),
            Some(index) => u32::try_from(index + 1).ok(),
            None => None,
        });
        let span = Span::exactly(f64::from(tenths.unwrap_or_default()) / 10.0);
        found.push(Quantity { measure: Measure::Share, span, place });
    }
    found.retain(|found| !is_masked(folded, found));
    found.sort_by_key(|found| found.place.start);
    found
}

/// What the guard left of a number (139****9000) counts nothing.
fn is_masked(folded: &str, found: &Quantity) -> bool {
    folded.get(..found.place.start).is_some_and(|before| before.ends_with('*'))
        || folded.get(found.place.end..).is_some_and(|behind| behind.starts_with('*'))
}

/// Puts a quantity in the place of the latest one of the same measure.
pub(super) fn exchange_quantity(earlier: &mut [Clause], new: &Quantity, words: &str) -> bool {
    for before in earlier.iter_mut().rev() {
        let old = find(&before.folded).into_iter().rev().find(|old| same_sort(old.measure, new.measure));
        if let Some(old) = old {
            let old = without_last(&before.folded, old);
            let currency = currency(before.shown.get(old.place.clone()).unwrap_or_default(), old.measure, new.measure);
            if let Some(changed) = before.replaced(old.place, &format!("{words}{currency}")) {
                *before = Clause { asks: before.asks, ..changed };
                return true;
            }
        }
    }
    false
}

/// 最近半年 is read as 近半年: the word stays whole.
fn without_last(text: &str, found: Quantity) -> Quantity {
    let start = found.place.start;
    let near = text.get(..start).is_some_and(|before| before.ends_with('最'))
        && text.get(start..).is_some_and(|behind| behind.starts_with('近'));
    let start = if near { start + '近'.len_utf8() } else { start };
    Quantity { place: start..found.place.end, ..found }
}

/// Whether one of them may stand where the other stood.
fn same_sort(old: Measure, new: Measure) -> bool {
    let amount = |measure| matches!(measure, Measure::Money(_) | Measure::Number);
    let time = |measure| matches!(measure, Measure::Days | Measure::WorkDays | Measure::Hours);
    old == new || amount(old) && amount(new) || time(old) && time(new)
}

/// The currency that a bare number takes over.
fn currency(old: &str, was: Measure, is: Measure) -> &str {
    if !matches!((was, is), (Measure::Money(_), Measure::Number)) {
        return "";
    }
    let digit = |c: char| c.is_ascii_digit() || "零〇一二两三四五六七八九十百千万亿半几多.,kw".contains(c);
    old.trim_start_matches(|c| !digit(c)).trim_start_matches(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_are_shares() {
        for (text, value) in [("剩六成", 0.6), ("还剩两成", 0.2), ("一成的", 0.1), ("剩8成", 0.8)] {
            let found = find(text);
            assert!(found.len() == 1 && found[0].measure == Measure::Share, "{text}: {found:?}");
            assert!((found[0].span.low - value).abs() < 1e-9, "{text}: {found:?}");
        }
        assert!(find("手机139****9000和138****8000").is_empty());
        for text in ["未成年", "行得成吗", "一成功", "三成年人"] {
            assert!(find(text).iter().all(|found| found.measure != Measure::Share), "{text}");
        }
    }
}
