//! Reading periods of the calendar as tellers say them: 去年6月, 25年11月, 二五年底, 半年前, 上个月, 2025-11-03.

use crate::text::numeral;
use crate::types::Date;
use jiff::{Span, ToSpan};
use std::ops::Range;

/// Full years that a question can mean.
const YEARS: std::ops::RangeInclusive<u32> = 1990..=2099;
/// Years written with two digits: below are lengths of time (5年), above none that rules of a bank are of.
const SHORT_YEARS: std::ops::RangeInclusive<u32> = 10..=49;
/// Century of a year with two digits.
const CENTURY: u32 = 2000;
/// Longest time back that is believed.
const MOST_AGO: u32 = 40;

/// How a period was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A year or a part of it: 去年, 2025年11月, 二五年底.
    Year,
    /// A number of years back: 两年前, 半年前.
    YearsAgo,
    /// Shorter: 三个月前, 上个月, 昨天.
    Near,
    /// Without an end: 2024年以来.
    Open,
}

/// A period in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Bytes of the question.
    pub place: Range<usize>,
    /// How it was said.
    pub form: Form,
}

/// Years by their distance from this one, longest words first.
const NAMED_YEARS: [(&str, i16); 6] =
    [("大前年", -3), ("前年", -2), ("去年", -1), ("今年", 0), ("明年", 1), ("后年", 2)];
/// Characters behind which 前年 is the end of one word and the beginning of another: 以前|年费, 目前|年利率.
const PARTS_BEFORE: [char; 14] = ['以', '之', '目', '提', '期', '生', '此', '日', '月', '天', '年', '当', '眼', '周'];
/// Characters in front of which it is the same.
const PARTS_BEHIND: [char; 8] = ['费', '审', '检', '利', '化', '报', '金', '龄'];

/// Parts of a year with their first and last month, longest words first; the last day is that of the last month.
const PARTS: [(&str, i8, i8); 37] = [
    ("第一季度", 1, 3),
    ("第二季度", 4, 6),
    ("第三季度", 7, 9),
    ("第四季度", 10, 12),
    ("一季度", 1, 3),
    ("二季度", 4, 6),
    ("三季度", 7, 9),
    ("四季度", 10, 12),
    ("第1季度", 1, 3),
    ("第2季度", 4, 6),
    ("第3季度", 7, 9),
    ("第4季度", 10, 12),
    ("1季度", 1, 3),
    ("2季度", 4, 6),
    ("3季度", 7, 9),
    ("4季度", 10, 12),
    ("上半年", 1, 6),
    ("下半年", 7, 12),
    ("年初", 1, 1),
    ("年底", 12, 12),
    ("年末", 12, 12),
    ("岁末", 12, 12),
    ("年中", 6, 6),
    ("春天", 3, 5),
    ("春上", 3, 5),
    ("春里", 3, 5),
    ("夏天", 6, 8),
    ("夏里", 6, 8),
    ("秋天", 9, 11),
    ("秋里", 9, 11),
    ("冬天", 12, 12),
    ("冬里", 12, 12),
    ("开春", 3, 3),
    ("初", 1, 1),
    ("底", 12, 12),
    ("末", 12, 12),
    ("全年", 1, 12),
];
/// Holidays on fixed days.
const HOLIDAYS: [(&str, i8, i8); 4] = [("元旦", 1, 1), ("五一", 5, 1), ("国庆节", 10, 1), ("国庆", 10, 1)];

/// Words for recent times, longest first.
const RECENT: [(&str, Recent); 19] = [
    ("上上个月", Recent::Month(-2)),
    ("上个月", Recent::Month(-1)),
    ("上月", Recent::Month(-1)),
    ("下个月", Recent::Month(1)),
    ("下月", Recent::Month(1)),
    ("上个星期", Recent::Week(-1)),
    ("上个礼拜", Recent::Week(-1)),
    ("上星期", Recent::Week(-1)),
    ("上礼拜", Recent::Week(-1)),
    ("上周", Recent::Week(-1)),
    ("大前天", Recent::Day(-3)),
    ("前天", Recent::Day(-2)),
    ("昨天", Recent::Day(-1)),
    ("昨日", Recent::Day(-1)),
    ("昨儿个", Recent::Day(-1)),
    ("昨儿", Recent::Day(-1)),
    ("下个星期", Recent::Week(1)),
    ("下周", Recent::Week(1)),
    ("明天", Recent::Day(1)),
];

#[derive(Debug, Clone, Copy)]
enum Recent {
    Month(i32),
    Week(i32),
    Day(i32),
}

/// Words in front of which a length of time counts to something else: 提前三天, 到期三天前, 满两年前.
const COUNTED_TO: [char; 7] = ['提', '期', '满', '届', '第', '大', '后'];
/// Words in front of which 25年 is a length of time.
const LENGTH_BEFORE: [&str; 14] =
    ["存", "满", "干", "住", "用", "过", "第", "近", "款", "贷", "定期", "期限", "保存", "保管"];
/// Words behind which it is one.
const LENGTH_BEHIND: [&str; 8] = ["期", "内", "多", "来", "以内", "之内", "以上", "的定期"];

/// Every period in a text, in reading order.
pub(super) fn periods(text: &str, today: Date) -> Vec<Period> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(period) = read(text, at, today) {
            at = period.place.end.max(at + c.len_utf8());
            found.push(period);
        } else if numeral::is_numeral(c) {
            // A longer number must not be read from its middle.
            let run = text.get(at..).map_or(1, |rest| rest.find(|c| !numeral::is_numeral(c)).unwrap_or(rest.len()));
            at += run.max(c.len_utf8());
        } else {
            at += c.len_utf8();
        }
    }
    found
}

fn read(text: &str, at: usize, today: Date) -> Option<Period> {
    ago(text, at, today).or_else(|| recent(text, at, today)).or_else(|| of_year(text, at, today))
}

/// 三个月前, 半年前, 两年前, 十天以前.
fn ago(text: &str, at: usize, today: Date) -> Option<Period> {
    let (before, rest) = text.split_at_checked(at)?;
    if before.ends_with(COUNTED_TO) {
        return None;
    }
    let (n, half, mut end) = match rest.strip_prefix('半') {
        Some(_) => (0, true, '半'.len_utf8()),
        None => {
            let (n, length) = numeral::leading(rest)?;
            (n, false, length)
        }
    };
    if n > MOST_AGO {
        return None;
    }
    let n = i32::try_from(n).ok()?;
    const UNITS: [(&str, Unit); 10] = [
        ("个星期", Unit::Weeks),
        ("个礼拜", Unit::Weeks),
        ("星期", Unit::Weeks),
        ("礼拜", Unit::Weeks),
        ("周", Unit::Weeks),
        ("个半月", Unit::MonthsAndHalf),
        ("个月", Unit::Months),
        ("年", Unit::Years),
        ("天", Unit::Days),
        ("日", Unit::Days),
    ];
    let (word, unit) = UNITS.iter().find(|(word, _)| rest.get(end..).is_some_and(|r| r.starts_with(word)))?;
    end += word.len();
    let mut span = match (unit, half) {
        (Unit::Years, true) => 6.months(),
        (Unit::Months, true) => 15.days(),
        (_, true) => return None,
        (Unit::Years, _) => n.years(),
        (Unit::Months, _) => n.months(),
        (Unit::MonthsAndHalf, _) => n.months().days(15),
        (Unit::Weeks, _) => n.weeks(),
        (Unit::Days, _) => n.days(),
    };
    if matches!(unit, Unit::Years) && !half && rest.get(end..)?.starts_with('半') {
        span = n.years().months(6);
        end += '半'.len_utf8();
    }
    let behind = rest.get(end..)?;
    let word = ["以前", "之前", "前"].iter().find(|word| behind.starts_with(**word))?;
    end += word.len();
    let day = back(today, span)?;
    let form = if matches!(unit, Unit::Years) { Form::YearsAgo } else { Form::Near };
    Some(Period { from: day, to: day, place: at..at + end, form })
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    Years,
    Months,
    MonthsAndHalf,
    Weeks,
    Days,
}

fn back(today: Date, span: Span) -> Option<Date> {
    today.checked_sub(span).ok()
}

/// 上个月, 上周, 昨天.
fn recent(text: &str, at: usize, today: Date) -> Option<Period> {
    let (before, rest) = text.split_at_checked(at)?;
    // 5万以上月..., 网上周...
    if before.ends_with(['以', '面', '网', '线', '之', '提', '目']) {
        return None;
    }
    let (word, which) = RECENT.iter().find(|(word, _)| rest.starts_with(word))?;
    let mut end = word.len();
    let (from, to) = match which {
        Recent::Month(n) => {
            let first = today.first_of_month().checked_add(n.months()).ok()?;
            let (from, to, length) = in_month(rest.get(end..)?, first).unwrap_or((first, first.last_of_month(), 0));
            end += length;
            (from, to)
        }
        Recent::Week(n) => {
            let monday = today.checked_sub(i32::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
            let from = monday.checked_add(n.weeks()).ok()?;
            (from, from.checked_add(6.days()).ok()?)
        }
        Recent::Day(n) => {
            let day = today.checked_add(n.days()).ok()?;
            (day, day)
        }
    };
    Some(Period { from, to, place: at..at + end, form: Form::Near })
}

/// 去年6月, 25年11月3日, 二〇二五年底, 2025-11-03.
fn of_year(text: &str, at: usize, today: Date) -> Option<Period> {
    let (year, mut end) = named_year(text, at, today).or_else(|| written_year(text, at))?;
    let rest = text.get(at..)?;
    let (mut from, mut to) = (Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?);
    let blank = |end: usize| rest.get(end..).map_or(0, |r| r.len() - r.trim_start_matches(' ').len());
    let inner = end + blank(end);
    if let Some((first, last, length)) = part_of(rest.get(inner..)?, year, rest.get(..end)?) {
        (from, to) = (first, last);
        end = inner + length;
    }
    let mut form = Form::Year;
    let behind = rest.get(end..)?;
    if let Some(word) = ["以前", "之前", "前"].iter().find(|word| behind.starts_with(**word)) {
        // 2024年6月以前 is the time up to the day before.
        to = from.checked_sub(1.day()).ok()?;
        from = to;
        end += word.len();
    } else if ["以来", "至今", "以后", "之后", "后", "到现在"].iter().any(|word| behind.starts_with(word)) {
        form = Form::Open;
    }
    Some(Period { from, to, place: at..at + end, form })
}

fn named_year(text: &str, at: usize, today: Date) -> Option<(i16, usize)> {
    let (before, rest) = text.split_at_checked(at)?;
    let (word, distance) = NAMED_YEARS.iter().find(|(word, _)| rest.starts_with(word))?;
    let behind = rest.get(word.len()..)?;
    let parted = *word == "前年" && (before.ends_with(PARTS_BEFORE) || behind.starts_with(PARTS_BEHIND));
    if parted || before.ends_with(['过', '失']) {
        return None;
    }
    Some((today.year() + distance, word.len()))
}

fn written_year(text: &str, at: usize) -> Option<(i16, usize)> {
    let (before, rest) = text.split_at_checked(at)?;
    if before.ends_with(|c: char| numeral::is_numeral(c) || c.is_ascii_alphanumeric() || "-.〔[(第".contains(c)) {
        return None;
    }
    let (n, mut end) = numeral::leading(rest)?;
    let digits = rest.get(..end)?.chars().count();
    let behind = rest.get(end..)?;
    let full = digits == 4 && YEARS.contains(&n);
    if full && behind.starts_with(['-', '/', '.']) {
        // 2025-11, 2025.11.3: the month must follow.
        let (month, _) = numeral::leading(behind.get(1..)?)?;
        return (1..=12).contains(&month).then_some((i16::try_from(n).ok()?, end));
    }
    let spaced = behind.len() - behind.trim_start_matches(' ').len();
    let behind = behind.get(spaced..)?.strip_prefix('年')?;
    end += spaced + '年'.len_utf8();
    if full {
        return Some((i16::try_from(n).ok()?, end));
    }
    // 二五年 is a year, 二十五年 a length of time.
    let written = rest.get(..end)?;
    let by_digits = digits == 2 && !written.contains(['十', '拾', '百', '廿', '卅', '两']);
    let dated = behind.starts_with(numeral::is_numeral);
    let length = !dated && LENGTH_BEFORE.iter().any(|word| before.ends_with(word))
        || LENGTH_BEHIND.iter().any(|word| behind.starts_with(word));
    (by_digits && SHORT_YEARS.contains(&n) && !length).then_some((i16::try_from(CENTURY + n).ok()?, end))
}

/// The part of a year that a text begins with: first day, last day, bytes. `year_word` is how the year itself was said.
fn part_of(text: &str, year: i16, year_word: &str) -> Option<(Date, Date, usize)> {
    if let Some((word, month, day)) = HOLIDAYS.iter().find(|(word, ..)| text.starts_with(word)) {
        let date = Date::new(year, *month, *day).ok()?;
        return Some((date, date, word.len()));
    }
    let mark = text.chars().next().filter(|c| "-/.".contains(*c)).map_or(0, char::len_utf8);
    if let Some((n, length)) = numeral::leading(text.get(mark..)?)
        && let Ok(month) = i8::try_from(n)
        && (1..=12).contains(&month)
    {
        let first = Date::new(year, month, 1).ok()?;
        let mut end = mark + length;
        let behind = text.get(end..)?;
        let trimmed = behind.trim_start_matches(' ');
        if mark > 0 && !year_word.ends_with('年') {
            let day = behind.strip_prefix(['-', '/', '.']).and_then(numeral::leading);
            return Some(match day.and_then(|(d, l)| Some((on(first, d)?, l))) {
                Some((day, length)) => (day, day, end + 1 + length),
                None => (first, first.last_of_month(), end),
            });
        }
        if mark == 0 && trimmed.starts_with('月') {
            end += behind.len() - trimmed.len() + '月'.len_utf8();
            let (from, to, length) = in_month(text.get(end..)?, first).unwrap_or((first, first.last_of_month(), 0));
            return Some((from, to, end + length));
        }
    }
    let (word, first, last) = PARTS.iter().find(|(word, ..)| text.starts_with(word))?;
    let single = word.chars().count() == 1;
    // 去年底 and 二五年底, but not 去年末班车.
    if single && *word != "底" && text.get(word.len()..)?.starts_with(['班', '级', '次', '始']) {
        return None;
    }
    let (first, last) = (Date::new(year, *first, 1).ok()?, Date::new(year, *last, 1).ok()?);
    Some((first, last.last_of_month(), word.len()))
}

/// The part of a month that a text begins with: 3日, 5号, 底, 中旬, 初.
fn in_month(text: &str, first: Date) -> Option<(Date, Date, usize)> {
    let part = text.strip_prefix('份').unwrap_or(text);
    let skipped = text.len() - part.len();
    let blanks = part.len() - part.trim_start_matches(' ').len();
    if let Some((n, length)) = part.get(blanks..).and_then(numeral::leading)
        && let Some(behind) = part.get(blanks + length..)
        && let Some(tail) = behind.trim_start_matches(' ').strip_prefix(['日', '号'])
    {
        let day = on(first, n)?;
        return Some((day, day, text.len() - tail.len()));
    }
    let day = |n: i8| Date::new(first.year(), first.month(), n).ok();
    let (word, from, to) = if let Some(word) = ["上旬", "初"].into_iter().find(|w| part.starts_with(w)) {
        (word, 1, 10)
    } else if part.starts_with("中旬") {
        ("中旬", 11, 20)
    } else if let Some(word) = ["下旬", "月底", "月末", "底", "末"].into_iter().find(|w| part.starts_with(w)) {
        (word, 21, first.last_of_month().day())
    } else {
        return (skipped > 0).then_some((first, first.last_of_month(), skipped));
    };
    Some((day(from)?, day(to)?, skipped + word.len()))
}

fn on(first: Date, day: u32) -> Option<Date> {
    Date::new(first.year(), first.month(), i8::try_from(day).ok()?).ok()
}
