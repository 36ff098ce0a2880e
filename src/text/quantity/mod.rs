//! Quantities as tellers type them and rules print them: one value whatever the spelling (20w, 20万, 二十万, 200,000元), with its bounds
//! (超过, 不到, 以上, 左右, 5万至20万) as an interval.

mod number;
mod spelling;

pub use spelling::one_spelling;

use number::{number, place_of};
use std::ops::Range;

/// What is counted, and in which unit its value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Money in units of a currency, by its ISO 4217 code; `CNY` where none is named.
    Money(&'static str),
    /// A bare number: perhaps money, perhaps anything.
    Number,
    /// Calendar time, in days: a month counts 30, a year twelve months.
    Days,
    /// 工作日.
    WorkDays,
    /// Hours, minutes among them.
    Hours,
    /// Age in years.
    Age,
    /// Things, by their measure word (张, 次, 人).
    Count(char),
    /// A part of a whole, from 0 to 1.
    Share,
}

impl Measure {
    /// Whether values of the two can be compared; a bare number may be money.
    pub fn compares(self, other: Measure) -> bool {
        match (self, other) {
            (Measure::Money(_) | Measure::Number, Measure::Number) | (Measure::Number, Measure::Money("CNY")) => true,
            (one, other) => one == other,
        }
    }
}

/// A quantity in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// What is counted.
    pub measure: Measure,
    /// The values that are meant.
    pub span: Span,
    /// Where it stands, in bytes, with the words that bound it.
    pub place: Range<usize>,
}

/// An interval of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Smallest value, minus infinity without one.
    pub low: f64,
    /// Largest value, infinity without one.
    pub high: f64,
    /// Whether the smallest value itself belongs to it.
    pub low_in: bool,
    /// Whether the largest value itself belongs to it.
    pub high_in: bool,
}

impl Span {
    /// One value.
    pub fn exactly(value: f64) -> Span {
        Span { low: value, high: value, low_in: true, high_in: true }
    }

    fn above(value: f64, low_in: bool) -> Span {
        Span { low: value, high: f64::INFINITY, low_in, high_in: true }
    }

    fn below(value: f64, high_in: bool) -> Span {
        Span { low: f64::NEG_INFINITY, high: value, low_in: true, high_in }
    }

    /// Whether both have a value in common.
    pub fn meets(&self, other: &Span) -> bool {
        let before = |a: &Span, b: &Span| a.high < b.low || a.high == b.low && !(a.high_in && b.low_in);
        !before(self, other) && !before(other, self)
    }

    /// Whether all values of this one belong to the other.
    pub fn within(&self, other: &Span) -> bool {
        let low = self.low > other.low || self.low == other.low && (other.low_in || !self.low_in);
        let high = self.high < other.high || self.high == other.high && (other.high_in || !self.high_in);
        low && high
    }
}

/// How the words around a number bound it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Exactly,
    /// More than, or from, with the number itself or without.
    Above(bool),
    /// Less than, or up to.
    Below(bool),
    /// A little more: 五万多, 十几万.
    Over,
    /// About: 左右, 三十来万.
    About,
}

/// Words in front of a number, longest first.
const BEFORE: [(&str, Bound); 37] = [
    ("不得超过", Bound::Below(true)),
    ("最多不超过", Bound::Below(true)),
    ("不超过", Bound::Below(true)),
    ("没超过", Bound::Below(true)),
    ("未超过", Bound::Below(true)),
    ("不少于", Bound::Above(true)),
    ("不低于", Bound::Above(true)),
    ("不多于", Bound::Below(true)),
    ("不高于", Bound::Below(true)),
    ("大于等于", Bound::Above(true)),
    ("小于等于", Bound::Below(true)),
    ("最少", Bound::Above(true)),
    ("至少", Bound::Above(true)),
    ("起码", Bound::Above(true)),
    ("最多", Bound::Below(true)),
    ("至多", Bound::Below(true)),
    ("顶多", Bound::Below(true)),
    ("超过", Bound::Above(false)),
    ("超出", Bound::Above(false)),
    ("大于", Bound::Above(false)),
    ("高于", Bound::Above(false)),
    ("多于", Bound::Above(false)),
    ("不止", Bound::Above(false)),
    ("不到", Bound::Below(false)),
    ("不满", Bound::Below(false)),
    ("未满", Bound::Below(false)),
    ("没满", Bound::Below(false)),
    ("不足", Bound::Below(false)),
    ("低于", Bound::Below(false)),
    ("少于", Bound::Below(false)),
    ("小于", Bound::Below(false)),
    ("将近", Bound::About),
    ("近", Bound::Below(true)),
    ("已满", Bound::Above(true)),
    ("年满", Bound::Above(true)),
    ("满", Bound::Above(true)),
    ("大概", Bound::About),
];
/// Words behind a quantity, longest first.
const BEHIND: [(&str, Bound); 20] = [
    ("以上(不含)", Bound::Above(false)),
    ("以下(不含)", Bound::Below(false)),
    ("以上(含)", Bound::Above(true)),
    ("以下(含)", Bound::Below(true)),
    ("(含)以上", Bound::Above(true)),
    ("(含)以下", Bound::Below(true)),
    ("(不含)以上", Bound::Above(false)),
    ("(不含)以下", Bound::Below(false)),
    ("及以上", Bound::Above(true)),
    ("及以下", Bound::Below(true)),
    ("或以上", Bound::Above(true)),
    ("或以下", Bound::Below(true)),
    ("以上", Bound::Above(true)),
    ("以下", Bound::Below(true)),
    ("以内", Bound::Below(true)),
    ("之内", Bound::Below(true)),
    ("左右", Bound::About),
    ("上下", Bound::About),
    ("出头", Bound::Over),
    ("开外", Bound::Above(false)),
];
/// Currencies as they are called.
const CURRENCIES: [(&str, &str); 18] = [
    ("人民币元", "CNY"),
    ("元人民币", "CNY"),
    ("美元", "USD"),
    ("美金", "USD"),
    ("美刀", "USD"),
    ("刀", "USD"),
    ("欧元", "EUR"),
    ("英镑", "GBP"),
    ("港币", "HKD"),
    ("港元", "HKD"),
    ("日元", "JPY"),
    ("块钱", "CNY"),
    ("元钱", "CNY"),
    ("大洋", "CNY"),
    ("元整", "CNY"),
    ("元", "CNY"),
    ("块", "CNY"),
    ("圆", "CNY"),
];
/// Measure words of things.
const COUNTED: &str = "张枚次人名份位笔户本套页倍遍道支把级";
/// Words of time with their length, longest first.
const TIMES: [(&str, Measure, f64); 22] = [
    ("个工作日", Measure::WorkDays, 1.0),
    ("工作日", Measure::WorkDays, 1.0),
    ("个小时", Measure::Hours, 1.0),
    ("小时", Measure::Hours, 1.0),
    ("个钟头", Measure::Hours, 1.0),
    ("钟头", Measure::Hours, 1.0),
    ("个星期", Measure::Days, 7.0),
    ("星期", Measure::Days, 7.0),
    ("个礼拜", Measure::Days, 7.0),
    ("礼拜", Measure::Days, 7.0),
    ("个季度", Measure::Days, 90.0),
    ("个月", Measure::Days, 30.0),
    ("月", Measure::Days, 30.0),
    ("周岁", Measure::Age, 1.0),
    ("岁", Measure::Age, 1.0),
    ("周年", Measure::Days, 360.0),
    ("周", Measure::Days, 7.0),
    ("年", Measure::Days, 360.0),
    ("日", Measure::Days, 1.0),
    ("天", Measure::Days, 1.0),
    ("分钟", Measure::Hours, 1.0 / 60.0),
    ("宿", Measure::Days, 1.0),
];
/// Distance from a number that is called 左右.
const ABOUT: f64 = 0.1;

/// The quantities of a normalised, simplified text, in order. Days of the calendar (3月5日, 2024年), numbers of clauses (第五条) and of forms are none.
pub fn find(text: &str) -> Vec<Quantity> {
    let mut found: Vec<Quantity> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = rest.chars().next().map_or(1, char::len_utf8);
        match quantity(text, at) {
            Some(quantity) => {
                at = quantity.place.end.max(at + step);
                join(&mut found, quantity, text);
            }
            None => at += step,
        }
    }
    found
}

/// Words between what is still wanting and what it is wanting to: 还差三天满16岁.
const WANTING: [&str; 5] = ["", "才", "就", "到", "才到"];

/// Whether a character is a measure word of things.
pub fn is_counted(c: char) -> bool {
    COUNTED.contains(c)
}

/// Adds a quantity; what is wanting to it goes (还差三天满16岁 is less than 16), a length of time right behind another one belongs to it (三个月零十天), and two bounds make an interval (5万元以上20万元以下).
fn join(found: &mut Vec<Quantity>, next: Quantity, text: &str) {
    let short = |last: &Quantity| {
        let before = text.get(..last.place.start).unwrap_or_default();
        let between = text.get(last.place.end..next.place.start).unwrap_or_default();
        before.ends_with('差') && WANTING.contains(&between)
    };
    if found.last().is_some_and(short) {
        found.pop();
        found.push(Quantity { span: Span::below(next.span.low, false), ..next });
        return;
    }
    if let Some(last) = found.last_mut()
        && last.measure == next.measure
        && let Some(between) = text.get(last.place.end..next.place.start)
    {
        let exact = |span: &Span| span.low == span.high;
        let time = matches!(last.measure, Measure::Days | Measure::Hours);
        if time && matches!(between, "" | "零" | "又") && exact(&last.span) && next.span.low < last.span.low {
            last.span.low += next.span.low;
            last.span.high += next.span.high;
            last.place.end = next.place.end;
            return;
        }
        let bounded = last.span.high == f64::INFINITY && next.span.low == f64::NEG_INFINITY;
        if bounded && matches!(between, "" | "、" | ",") && last.span.low < next.span.high {
            last.span.high = next.span.high;
            last.span.high_in = next.span.high_in;
            last.place.end = next.place.end;
            return;
        }
    }
    found.push(next);
}

/// The quantity that begins at a place, with the bounding word in front of it.
fn quantity(text: &str, start: usize) -> Option<Quantity> {
    let rest = text.get(start..)?;
    let (front, number_at) = match BEFORE.iter().find(|(word, _)| rest.starts_with(word)) {
        Some((word, bound)) => (Some(*bound), start + word.len()),
        None => (None, start),
    };
    if number_at == start
        && text.get(..start).is_some_and(|before| {
            before.ends_with(|c: char| c == '第' || c.is_ascii_alphanumeric() || c == '-' || c == '.')
        })
    {
        return None;
    }
    let (first, mut end, mut loose) = number(text, number_at)?;
    let mut second = loose.up_to.map(|high| (high, true));
    // 20至50万, 5万到20万, 3-5天.
    let tail = text.get(end..)?;
    if let Some(mark) = ["至", "到", "-", "~", "—"].iter().find(|mark| tail.starts_with(**mark)) {
        let more = text.get(end + mark.len()..)?;
        let skipped = ["不满", "不足", "不超过", "不到"]
            .iter()
            .find(|word| more.starts_with(**word))
            .map_or(0, |word| word.len());
        if let Some((value, behind, other)) = number(text, end + mark.len() + skipped) {
            second = Some((value, skipped == 0));
            loose.bare |= other.bare;
            end = behind;
        }
    }
    // 5 个工作日, as documents space it.
    let spaced = text.get(end..)?.strip_prefix(' ').filter(|behind| unit(behind).is_some());
    end += usize::from(spaced.is_some());
    let unit = unit(text.get(end..)?);
    let (measure, scale, length) = match unit.filter(|_| !loose.share) {
        Some(unit) => unit,
        None if loose.share => (Measure::Share, 1.0, 0),
        None if loose.bare => (Measure::Number, 1.0, 0),
        None => return None,
    };
    end += length;
    // A day of the calendar or a year of it.
    if measure == Measure::Days && is_calendar(text, number_at, end, first) {
        return None;
    }
    let mut value = first;
    // 20至50万 says 20万, 三到五天 days.
    if let Some((high, _)) = second
        && value < high
        && high >= 10_000.0
        && value < 10_000.0
        && text.get(number_at..).is_some_and(|t| t.contains('万') || t.contains('w'))
    {
        value *= 10_000.0;
    }
    let tail = text.get(end..)?;
    let mut behind = BEHIND.iter().find(|(word, _)| tail.starts_with(word)).map(|(word, bound)| (*bound, word.len()));
    // 一年半, 三个半月 reads its half in front of the unit already.
    if behind.is_none() && tail.starts_with('半') && matches!(measure, Measure::Days | Measure::Hours) {
        value += 0.5;
        end += '半'.len_utf8();
        let tail = text.get(end..)?;
        behind = BEHIND.iter().find(|(word, _)| tail.starts_with(word)).map(|(word, bound)| (*bound, word.len()));
    }
    if behind.is_none()
        && tail.starts_with('内')
        && matches!(measure, Measure::Days | Measure::WorkDays | Measure::Hours)
    {
        behind = Some((Bound::Below(true), '内'.len_utf8()));
    }
    if behind.is_none() && !loose.share && tail.starts_with('多') && !tail.starts_with("多少") {
        behind = Some((Bound::Over, '多'.len_utf8()));
    }
    let bound = front.or(behind.map(|(bound, _)| bound)).unwrap_or(loose.bound);
    end += behind.map_or(0, |(_, length)| length);
    let span = match (second, bound) {
        (Some((high, high_in)), _) => Span { low: value * scale, high: high * scale, low_in: true, high_in },
        (None, Bound::Exactly) => Span::exactly(value * scale),
        (None, Bound::Above(own)) => Span::above(value * scale, own),
        (None, Bound::Below(own)) => Span::below(value * scale, own),
        (None, Bound::Over) => Span {
            low: value * scale,
            high: (value + loose.place.max(place_of(value))) * scale,
            low_in: false,
            high_in: false,
        },
        (None, Bound::About) => Span {
            low: value * scale * (1.0 - ABOUT),
            high: value * scale * (1.0 + ABOUT),
            low_in: true,
            high_in: true,
        },
    };
    (span.low <= span.high).then_some(Quantity { measure, span, place: start..end })
}

/// The unit that a text begins with: measure, what one of it is worth, length in bytes.
fn unit(text: &str) -> Option<(Measure, f64, usize)> {
    if let Some((word, code)) = CURRENCIES.iter().find(|(word, _)| text.starts_with(word)) {
        return Some((Measure::Money(code), 1.0, word.len()));
    }
    if let Some((word, measure, scale)) = TIMES.iter().find(|(word, ..)| text.starts_with(word)) {
        return Some((*measure, *scale, word.len()));
    }
    let bare = text.strip_prefix('个').unwrap_or(text);
    let first = bare.chars().next()?;
    COUNTED.contains(first).then(|| (Measure::Count(first), 1.0, text.len() - bare.len() + first.len_utf8()))
}

/// Words before a number of years that says how long: 保存10年.
const LASTING: [&str; 16] = [
    "保存",
    "保管",
    "留存",
    "保留",
    "存档",
    "至少",
    "不少于",
    "不低于",
    "不超过",
    "超过",
    "满",
    "最长",
    "长达",
    "期限为",
    "后",
    "近",
];

/// Whether a number of years, months or days names a day: 2024年, 3月5日, 11月.
fn is_calendar(text: &str, start: usize, end: usize, value: f64) -> bool {
    let said = text.get(start..end).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    let before = text.get(..start).unwrap_or_default();
    // 25年 is 2025 as people write it, 二十五年 is a time.
    let short = said.starts_with(|c: char| c.is_ascii_digit())
        && (10.0..50.0).contains(&value)
        && !LASTING.iter().any(|word| before.ends_with(word))
        && !behind.starts_with(['前', '内', '以', '多', '后']);
    let year = said.ends_with('年') && (value >= 1900.0 || short || behind.starts_with(|c: char| c.is_ascii_digit()));
    let month = said.ends_with('月') && !["个月", "俩月", "仨月", "半月"].iter().any(|length| said.ends_with(length));
    let day = said.ends_with('日') && (before.ends_with('月') && !before.ends_with("个月"));
    year || month || day
}

#[cfg(test)]
mod tests;
