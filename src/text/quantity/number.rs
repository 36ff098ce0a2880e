//! The number in front of a unit: digits with thousands and a point, Chinese numerals, 万 and w, 几 and 来, parts of a whole.

use super::{Bound, unit};
use crate::text::numeral;

/// How a number was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Large or round enough to be a quantity without a unit.
    pub(super) bare: bool,
    /// 几, 来 and 多 inside it.
    pub(super) bound: Bound,
    /// What the last place is worth: 十几万 goes up to 10万 further.
    pub(super) place: f64,
    /// A part of a whole, which has no unit.
    pub(super) share: bool,
    /// The second of two neighbouring digits: 三五天.
    pub(super) up_to: Option<f64>,
}

/// What the leading digit of a value is worth: 5 for 5, 50,000: 10,000.
pub(super) fn place_of(value: f64) -> f64 {
    if value < 1.0 { 1.0 } else { 10f64.powf(value.log10().floor()) }
}

/// The number that begins at a place: value, end, and how it was written.
pub(super) fn number(text: &str, start: usize) -> Option<(f64, usize, Written)> {
    let rest = text.get(start..)?;
    let mut written = Written { bare: false, bound: Bound::Exactly, place: 0.0, share: false, up_to: None };
    if let Some((value, length)) = fraction(rest) {
        return Some((value, start + length, Written { share: true, ..written }));
    }
    let first = rest.chars().next()?;
    if first == '半' {
        let unit = ["年", "个月", "个小时", "小时", "天", "个钟头", "日"];
        let known = unit.iter().any(|unit| rest.get('半'.len_utf8()..).is_some_and(|r| r.starts_with(unit)));
        return known.then(|| (0.5, start + '半'.len_utf8(), written));
    }
    if let Some((value, length)) =
        [("俩", 2.0), ("仨", 3.0)].iter().find(|(word, _)| rest.starts_with(word)).map(|(w, v)| (*v, w.len()))
    {
        return Some((value, start + length, written));
    }
    if let Some((low, high, length)) = neighbours(rest) {
        return Some((low, start + length, Written { up_to: Some(high), bare: low >= 10.0, ..written }));
    }
    let (mut value, mut end, arabic) = if first.is_ascii_digit() { arabic(rest)? } else { chinese(rest)? };
    let mut large = false;
    // 1 万元.
    let spaced =
        |end: usize| rest.get(end..).and_then(|r| r.strip_prefix(' ')).is_some_and(|r| r.starts_with(['万', '亿']));
    end += usize::from(arabic && spaced(end));
    // 十几万, 三十来万, 一百多块: in front of 万 and 亿, or of the unit.
    let after = |end: usize| rest.get(end..).unwrap_or_default();
    for (word, bound) in [("几", Bound::Over), ("来", Bound::About), ("多", Bound::Over)] {
        let worth = value >= 10.0 || word == "多";
        if worth && after(end).starts_with(word) && !after(end).starts_with("多少") && !after(end).starts_with("来取")
        {
            written.bound = bound;
            written.place = if word == "几" { 10.0 } else { place_of(value) };
            end += word.len();
            break;
        }
    }
    for (word, factor) in
        [("亿", 1e8), ("千万", 1e7), ("百万", 1e6), ("万", 1e4), ("w", 1e4), ("千", 1e3), ("k", 1e3), ("百", 1e2)]
    {
        let alone = factor < 1e4 && !arabic;
        if after(end).starts_with(word)
            && !alone
            && !after(end + word.len()).starts_with(|c: char| c.is_ascii_alphabetic())
        {
            value *= factor;
            written.place *= factor;
            end += word.len();
            large = true;
            // 1万2 is 12,000, 1万2千 too; 两万五 is read with its numeral.
            let more = after(end);
            if let Some(digit) = more.chars().next().and_then(|c| c.to_digit(10)).filter(|_| arabic && factor >= 1e3) {
                let next = more.get(1..).unwrap_or_default();
                if !next.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                    value += f64::from(digit) * factor / 10.0;
                    end += 1;
                    end += ["千", "百"].iter().find(|unit| next.starts_with(**unit)).map_or(0, |unit| unit.len());
                }
            }
            break;
        }
    }
    written.bare = large || value >= 1_000.0 || (!arabic && value >= 100.0);
    Some((value, start + end, written))
}

/// Digits with thousands and a point: 200,000 and 1.5.
fn arabic(rest: &str) -> Option<(f64, usize, bool)> {
    let bytes = rest.as_bytes();
    let mut digits = String::new();
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let three = || {
            bytes.get(at + 1..at + 4).is_some_and(|next| next.iter().all(u8::is_ascii_digit))
                && !bytes.get(at + 4).is_some_and(u8::is_ascii_digit)
        };
        match b {
            b'0'..=b'9' => digits.push(b as char),
            b',' if three() => {}
            b'.' if !digits.contains('.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => digits.push('.'),
            _ => break,
        }
        at += 1;
    }
    Some((digits.parse().ok()?, at, true))
}

/// A Chinese numeral, a 亿 in it too.
fn chinese(rest: &str) -> Option<(f64, usize, bool)> {
    let (value, length) = numeral::leading(rest)?;
    // 一些, 一样, 一下, 十分 are no numbers; 万一 is none either.
    let word = rest.get(length..).unwrap_or_default();
    let idle = value == 1
        && ["些", "样", "下", "直", "定", "般", "起", "切", "律", "旦", "并", "致"].iter().any(|c| word.starts_with(c));
    (!idle && !rest.starts_with('万')).then_some((f64::from(value), length, false))
}

/// Two neighbouring digits, which are a guess: 三五天, 两三个, 四五十万.
fn neighbours(rest: &str) -> Option<(f64, f64, usize)> {
    let mut chars = rest.chars();
    let (low, high) = (chars.next()?, chars.next()?);
    let value = |c: char| numeral::parse(&c.to_string()).filter(|n| (1..10).contains(n) && !c.is_ascii_digit());
    let (first, second) = (value(low)?, value(high)?);
    let mut length = low.len_utf8() + high.len_utf8();
    let mut factor = 1.0;
    for c in chars {
        factor *= match c {
            '十' => 10.0,
            '百' => 100.0,
            '千' => 1_000.0,
            '万' => 10_000.0,
            _ => break,
        };
        length += c.len_utf8();
    }
    let apart = second > first && second - first <= 2;
    let counted = factor > 1.0 || unit(rest.get(length..)?).is_some();
    (apart && counted).then(|| (f64::from(first) * factor, f64::from(second) * factor, length))
}

/// 三分之一, 百分之五, 千分之一, 一半, 5%, 1‰.
fn fraction(rest: &str) -> Option<(f64, usize)> {
    if rest.starts_with("一半") || rest.starts_with("半数") {
        return Some((0.5, "一半".len()));
    }
    for (word, whole) in [("百分之", 100.0), ("千分之", 1_000.0), ("万分之", 10_000.0)] {
        if let Some(part) = rest.strip_prefix(word) {
            let (value, length) = part_of(part)?;
            return Some((value / whole, word.len() + length));
        }
    }
    let (whole, length) = part_of(rest)?;
    let tail = rest.get(length..)?;
    if let Some(part) = tail.strip_prefix("分之") {
        let (value, more) = part_of(part)?;
        return (whole > 0.0).then(|| (value / whole, length + "分之".len() + more));
    }
    for (sign, of) in [("%", 100.0), ("‰", 1_000.0)] {
        if tail.starts_with(sign) {
            return Some((whole / of, length + sign.len()));
        }
    }
    None
}

fn part_of(text: &str) -> Option<(f64, usize)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return arabic(text).map(|(value, length, _)| (value, length));
    }
    numeral::leading(text).map(|(value, length)| (f64::from(value), length))
}
