//! Dates as rules write them, and when a text begins to apply.

use super::model::ParsedClause;
use crate::text::numeral;
use crate::types::Date;
use jiff::ToSpan;

/// How many clauses from the end are searched for `自…起施行` and `…同时废止`: the closing provisions.
pub(super) const CLOSING_CLAUSES: usize = 6;

/// Years that a rule can carry; a number outside is no year.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2199;

/// Reads a whole string as a date: `2024-11-08`, `2024/11/8`, `2024.11.8`, `2024年11月8日`, `二〇二四年十一月八日`.
pub(super) fn parse(text: &str) -> Option<Date> {
    let (date, len) = leading(text.trim())?;
    (len == text.trim().len()).then_some(date)
}

/// Reads the date that `text` begins with, and its length in bytes.
pub(super) fn leading(text: &str) -> Option<(Date, usize)> {
    let mut at = 0;
    let mut part = |signs: &[char]| {
        let rest = text.get(at..)?.trim_start_matches(' ');
        let (n, len) = numeral::leading(rest)?;
        let after = rest.get(len..)?.trim_start_matches(' ');
        if signs.is_empty() {
            at = text.len() - rest.len() + len;
            return Some((n, ' '));
        }
        let sign = after.chars().next().filter(|c| signs.contains(c))?;
        at = text.len() - after.len() + sign.len_utf8();
        Some((n, sign))
    };
    let (year, sign) = part(&['年', '-', '/', '.', '．'])?;
    let (month, day) =
        if sign == '年' { (part(&['月'])?.0, part(&['日', '号'])?.0) } else { (part(&[sign])?.0, part(&[])?.0) };
    let date = Date::new(
        i16::try_from(year).ok().filter(|_| YEARS.contains(&year))?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    Some((date.ok()?, at))
}

/// Every date in a text with its byte offset, in reading order.
pub(super) fn all(text: &str) -> Vec<(usize, Date)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if numeral::is_numeral(c)
            && let Some((date, len)) = text.get(at..).and_then(leading)
        {
            found.push((at, date));
            at += len;
        } else if numeral::is_numeral(c) {
            // A longer number must not be read from its middle.
            let run = text.get(at..).map_or(1, |rest| rest.find(|c| !numeral::is_numeral(c)).unwrap_or(rest.len()));
            at += run.max(1);
        } else {
            at += c.len_utf8();
        }
    }
    found
}

/// Words of beginning to apply.
const APPLIES: [&str; 5] = ["施行", "实施", "执行", "生效", "试行"];

/// Words for the day of publication.
const PUBLISHED: [&str; 7] = ["公布", "发布", "印发", "颁布", "通过", "公告", "批准"];

/// The first day in force that a text states in its closing provisions: `自2025年1月1日起施行`, `自公布之日起施行`,
/// `自发布之日起30日后施行`. The latter two need the day of publication.
pub(super) fn effective(clauses: &[ParsedClause], published: Option<Date>) -> Option<Date> {
    let sentences =
        |clause: &ParsedClause| -> Vec<String> { clause.text.split(['。', '；', '\n']).map(str::to_owned).collect() };
    clauses
        .iter()
        .rev()
        .take(CLOSING_CLAUSES)
        .find_map(|clause| sentences(clause).iter().find_map(|sentence| stated(sentence, published)))
}

/// What one sentence says about the beginning of the text it stands in.
pub(super) fn stated(sentence: &str, published: Option<Date>) -> Option<Date> {
    let sentence = sentence.trim();
    // Another text, or one article of this one, may begin on another day.
    let subject = sentence.split('自').next().unwrap_or_default();
    let other = subject.contains('《') && !subject.contains('本') || subject.trim_start().starts_with('第');
    if other || !APPLIES.iter().any(|word| sentence.contains(word)) {
        return None;
    }
    sentence.match_indices('自').find_map(|(at, word)| {
        let rest = sentence.get(at + word.len()..)?;
        if let Some((date, len)) = leading(rest) {
            let after = rest.get(len..)?.trim_start();
            let after = after.strip_prefix('起').or_else(|| after.strip_prefix("以后")).unwrap_or(after);
            return applies_next(after).then_some(date);
        }
        let word = PUBLISHED.iter().find(|word| rest.starts_with(**word))?;
        let after = rest.get(word.len()..)?.strip_prefix("之日")?;
        let after = after.strip_prefix('起').unwrap_or(after).trim_start_matches(['满', '第', ' ']);
        if applies_next(after) {
            return published;
        }
        let (n, len) = numeral::leading(after)?;
        let unit = after.get(len..)?;
        let n = i64::from(n.min(10_000));
        let (span, unit_len) = if unit.starts_with("个月") {
            (n.months(), "个月".len())
        } else if unit.starts_with(['日', '天']) {
            (n.days(), "日".len())
        } else {
            return None;
        };
        let after = unit.get(unit_len..)?.trim_start_matches(['后', '起']);
        applies_next(after).then(|| published?.checked_add(span).ok()).flatten()
    })
}

/// Whether `施行` follows at once, but for adverbs.
fn applies_next(text: &str) -> bool {
    let text = ["，", "正式", "开始", "在全国", "统一"].iter().fold(text, |text, word| text.trim_start_matches(*word));
    APPLIES.iter().any(|word| text.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn dates_in_every_form() {
        for text in [
            "2024-11-08",
            "2024/11/8",
            "2024.11.8",
            "2024年11月8日",
            "２０２４年１１月８日",
            "二〇二四年十一月八日",
            "2024 年 11 月 8 日",
        ] {
            assert_eq!(parse(text), day("2024-11-08"), "{text}");
        }
        for text in ["", "2024", "2024-13-01", "2023-02-29", "11月8日", "1.2.3", "2024年11月"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(all("2003年12月27日通过，2015年8月29日修正").len(), 2);
    }

    #[test]
    fn beginnings() {
        let published = day("2025-03-01");
        for (sentence, expected) in [
            ("本办法自2025年4月1日起施行", "2025-04-01"),
            ("本法自1995年7月1日起施行", "1995-07-01"),
            ("本规定自公布之日起施行", "2025-03-01"),
            ("自发布之日起30日后施行", "2025-03-31"),
            ("本办法自印发之日起三个月后施行", "2025-06-01"),
            ("本通知自2025年4月1日起正式实施", "2025-04-01"),
        ] {
            assert_eq!(stated(sentence, published), day(expected), "{sentence}");
        }
        for sentence in ["第十条自2027年1月1日起施行", "自处罚决定生效之日起执行", "《甲办法》自2020年1月1日起施行"]
        {
            assert_eq!(stated(sentence, published), None, "{sentence}");
        }
    }
}
