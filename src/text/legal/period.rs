//! How long a document applies: `有效期5年`, `有效期至…`, `试行期一年`, `至…止`, `…自行失效`, as it says of itself.

use super::field::{self, Field};
use super::model::ParsedClause;
use super::sentence::has_division;
use super::{date, line};
use crate::text::numeral;
use crate::types::Date;
use jiff::ToSpan;

/// What the text says about its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// First day no longer in force.
    pub(super) until: Option<Date>,
    /// The sentence that says so.
    pub(super) sentence: String,
}

/// What documents call themselves.
const SELF: [&str; 17] = [
    "本办法",
    "本规定",
    "本细则",
    "本通知",
    "本公告",
    "本制度",
    "本规程",
    "本指引",
    "本意见",
    "本方案",
    "本标准",
    "本决定",
    "本规则",
    "本文件",
    "本政策",
    "本活动",
    "本优惠",
];

/// Words before the last day of a period.
const UP_TO: [&str; 10] = [
    "有效期至",
    "有效期限至",
    "有效期截至",
    "有效期到",
    "有效期为至",
    "有效至",
    "暂行至",
    "试行至",
    "执行至",
    "实施至",
];
/// Words before the length of a period, longest first.
const LASTING: [&str; 19] = [
    "有效期限为",
    "有效期限",
    "有效期为",
    "有效期",
    "试行期限为",
    "试行期限",
    "试行期为",
    "试行期",
    "暂定执行",
    "暂定试行",
    "暂行期",
    "暂定",
    "暂行",
    "试行",
    "执行期限为",
    "执行期限",
    "执行期为",
    "执行期",
    "为期",
];
/// Words behind the day on which a text ends.
const ENDS: [&str; 9] =
    ["自行失效", "自动失效", "自行废止", "自动废止", "失效", "废止", "停止执行", "终止执行", "停止使用"];
/// What is ended where it is not the text itself.
const OTHERS: [&str; 9] = ["《", "下列", "以下", "上述", "以上", "如下", "原", "旧", "第"];
/// Words that point to other texts.
const POINTS: [&str; 5] = ["下列", "以下", "上述", "以上", "如下"];
/// Words that speak of a period, whether it can be read or not.
const SPEAKS: [&str; 6] = ["有效期", "试行期", "自行失效", "自动失效", "自行废止", "暂定执行"];

/// Finds the end that a document states for itself; `first` is its first day in force. The sentence without a day: it speaks of an end
/// that cannot be read.
pub(super) fn end(clauses: &[ParsedClause], first: Option<Date>) -> Option<End> {
    let mut doubt: Option<End> = None;
    for clause in clauses {
        // 本办法自…起施行。有效期5年。 is one statement in two sentences.
        let mut about_self = false;
        for sentence in line::unwrapped(&clause.text).split(['。', '；', '\n']).map(str::trim) {
            let bare = line::mark(sentence).and_then(|(_, _, len)| sentence.get(len..)).unwrap_or(sentence).trim();
            let names_self = SELF.iter().any(|word| bare.contains(word)) && !bare.contains("所称");
            let found = match field::of_line(bare) {
                Some((Field::Period, value)) => of_field(value, first),
                Some((Field::Expires, value)) => date::leading(value).and_then(|(day, _)| day.tomorrow().ok()),
                _ if names_self || about_self => stated(bare, first),
                _ => None,
            };
            let sentence = bare.to_owned();
            if found.is_some() {
                return Some(End { until: found, sentence });
            }
            if SELF.iter().any(|word| bare.starts_with(word)) && SPEAKS.iter().any(|word| set_off(bare, word)) {
                doubt.get_or_insert(End { until: None, sentence });
            }
            about_self = names_self && ["施行", "执行", "实施", "试行"].iter().any(|word| bare.contains(word));
        }
    }
    doubt
}

/// The end that a field states: `2024年1月1日至2024年3月31日`, `5年`, `至2024年3月31日`.
pub(super) fn of_field(value: &str, first: Option<Date>) -> Option<Date> {
    match date::all(value).pop() {
        Some((_, last)) => last.tomorrow().ok(),
        None => after(value, first),
    }
}

/// Whether a word stands at the beginning of a statement, not behind the thing whose period it is (`身份证有效期`).
fn set_off(sentence: &str, word: &str) -> bool {
    sentence.match_indices(word).any(|(at, _)| stands_apart(sentence.get(..at).unwrap_or_default()))
}

fn stands_apart(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty()
        || before.ends_with(['，', ',', '、', '；', '（', '(', '起', '日', '行'])
        || SELF.iter().any(|word| before.ends_with(word))
        || before.strip_suffix('的').is_some_and(|before| SELF.iter().any(|word| before.ends_with(word)))
}

/// The end that a sentence states about the text it stands in.
fn stated(sentence: &str, first: Option<Date>) -> Option<Date> {
    let at_word = |words: &[&str]| -> Vec<usize> {
        let mut ends: Vec<usize> = words
            .iter()
            .flat_map(|word| sentence.match_indices(word).map(|(at, word)| (at, at + word.len())))
            .filter(|&(at, _)| stands_apart(sentence.get(..at).unwrap_or_default()))
            .map(|(_, end)| end)
            .collect();
        // The longest word comes last: what follows it is the value.
        ends.sort_unstable();
        ends.reverse();
        ends
    };
    for at in at_word(&UP_TO) {
        if let Some((day, _)) = sentence.get(at..).map(str::trim_start).and_then(date::leading) {
            return day.tomorrow().ok();
        }
    }
    for (at, day) in date::all(sentence) {
        let (_, len) = date::leading(sentence.get(at..)?)?;
        let after = sentence.get(at + len..)?.trim_start();
        let before = sentence.get(..at)?.trim_end();
        if after.starts_with('止') || before.ends_with('至') && !after.is_empty() && lasts(before) {
            return day.tomorrow().ok();
        }
        let quoted = before.contains('《') && !before.contains('本');
        let named = after.trim_start_matches(['起', '后', '，']);
        // 自…起停止执行《…》 is about another text, 本办法第二条自…起停止执行 about a part of this one.
        let object = ENDS.iter().filter_map(|word| named.strip_prefix(word)).min_by_key(|rest| rest.len());
        let other = object.is_some_and(|rest| OTHERS.iter().any(|word| rest.trim_start().starts_with(word)))
            || POINTS.iter().any(|word| before.contains(word));
        let part = has_division(before);
        if !quoted && !other && !part && !before.contains('《') && object.is_some() {
            return if after.starts_with('后') { day.tomorrow().ok() } else { Some(day) };
        }
    }
    at_word(&LASTING).into_iter().find_map(|at| after(sentence.get(at..)?, first))
}

/// `自2024年1月1日起至`: a beginning before 至.
fn lasts(before: &str) -> bool {
    before.contains('自') && !date::all(before).is_empty()
}

/// The first day after a length of time that begins on `first`.
fn after(text: &str, first: Option<Date>) -> Option<Date> {
    let text = text.trim_start_matches([' ', '为', '：', ':', '自', '限']);
    let (n, len) = numeral::leading(text)?;
    let unit = text.get(len..)?.trim_start();
    let n = i64::from(n.min(1_000));
    let span = if unit.starts_with('年') && !unit.trim_start_matches('年').starts_with(numeral::is_numeral) {
        n.years()
    } else if unit.starts_with("个月") {
        n.months()
    } else if unit.starts_with(['日', '天']) {
        n.days()
    } else {
        return None;
    };
    first?.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    fn end_of(text: &str) -> Option<String> {
        let clause = ParsedClause {
            address: address::labelled("第二条"),
            heading: String::new(),
            text: text.to_owned(),
            ask_variants: Vec::new(),
            guide: None,
        };
        end(&[clause], Some("2019-01-01".parse().unwrap()))
            .map(|end| end.until.map_or("?".to_owned(), |day| day.to_string()))
    }

    #[test]
    fn periods_of_every_wording() {
        for (text, expected) in [
            ("本办法自2019年1月1日起施行，有效期至2023年12月31日。", "2024-01-01"),
            ("本办法自2019年1月1日起施行,有效期五年。", "2024-01-01"),
            ("本办法自2019年1月1日起施行。有效期为5年。", "2024-01-01"),
            ("本办法自2019年1月1日起试行，试行期两年。", "2021-01-01"),
            ("本规定自2019年1月1日起试行一年。", "2020-01-01"),
            ("本办法自2019年1月1日起施行,暂定执行一年。", "2020-01-01"),
            ("本办法自2019年1月1日起施行,2023年12月31日废止。", "2023-12-31"),
            ("本办法自2019年1月1日起施行,至2024年12月31日止。", "2025-01-01"),
            ("本通知执行至2020年6月30日。", "2020-07-01"),
            ("本通知自2019年1月1日至2019年12月31日执行。", "2020-01-01"),
            ("本通知自印发之日起施行，2021年1月1日起自行失效。", "2021-01-01"),
            ("活动时间：2019年1月1日至2019年3月31日", "2019-04-01"),
            ("三、有效期：6个月", "2019-07-01"),
            ("本办法自公布之日起施行，有效期届满后另行通知。", "?"),
        ] {
            assert_eq!(end_of(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "身份证有效期至2023年12月31日的，应当更换。",
            "本办法所称有效期为5年的证件，是指居民身份证。",
            "客户应当提交有效期五年以上的证件。",
            "《甲办法》自2019年1月1日起废止。",
            "本通知自印发之日起执行。自2019年8月1日起停止执行《甲办法》第二条。",
            "本通知自印发之日起执行。下列制度自2019年8月1日起废止：",
            "本办法第二条自2019年8月1日起停止执行。",
            "本办法自2019年1月1日起施行。",
            "本通知发布前已签的协议，证书有效期为3年。",
        ] {
            assert_eq!(end_of(text), None, "{text}");
        }
    }
}
