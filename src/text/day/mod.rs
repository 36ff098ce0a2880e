//! The day whose rule a question asks for: 25年11月那笔没登用途算违规吗 is judged by the rule of November 2025, 改之前怎么规定 by the
//! version before the present one. 去年开的户今天能销吗 asks for today's rule: the past belongs to the account.
//!
//! A wrong day is worse than none: where it is open which of the two is meant, there is no day.

mod read;
#[cfg(test)]
mod tests;
mod words;

use crate::text::normalize::simplify;
use crate::types::Date;
use read::{Form, Period, periods};
use std::borrow::Cow;
use std::ops::Range;
use words::{Words, has};

/// Behind a time: what held then is asked.
const WHILE: &str = "的时候";

/// The time whose rule is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoken {
    /// A period of the calendar; its last day counts. It lies in the past unless the question names a future day outright.
    Day {
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
        /// Where it stands, in bytes of the question.
        place: Range<usize>,
    },
    /// The version before the present one.
    Before {
        /// Where it stands, in bytes of the question.
        place: Range<usize>,
    },
    /// The version after the present one.
    After {
        /// Where it stands, in bytes of the question.
        place: Range<usize>,
    },
}

impl Spoken {
    /// Where it stands, in bytes of the question.
    pub fn place(&self) -> &Range<usize> {
        match self {
            Spoken::Day { place, .. } | Spoken::Before { place } | Spoken::After { place } => place,
        }
    }
}

/// The time whose rule a question asks for; `None` for today's.
pub fn spoken(question: &str, today: Date) -> Option<Spoken> {
    let simple = in_place(question);
    let text = simple.as_ref();
    if has(text, words::NOW) || has(text, words::COMPARED) {
        return None;
    }
    let titles = bracketed(text);
    let outside = |place: &Range<usize>| !titles.iter().any(|title| title.contains(&place.start));
    let mut found: Vec<Period> = periods(text, today).into_iter().filter(|p| outside(&p.place)).collect();
    found.dedup_by(|a, b| (a.from, a.to) == (b.from, b.to));
    // 说要到下月才停: what a story looks forward to is no second time.
    if found.iter().any(|period| period.to < today) {
        found.retain(|period| period.form != Form::Near || period.from <= today);
    }
    if found.len() > 1 || found.iter().any(|period| period.form == Form::Open) {
        return None;
    }
    let old = words::old_version(text).filter(outside);
    let day = |period: Period| Spoken::Day { from: period.from, to: period.to, place: period.place };
    match found.pop() {
        Some(period) if period.from > today => from_then_on(text, period).map(day),
        Some(period) if period.to < today => {
            let meant =
                !has(text, words::OWN_TIME) && (old.is_some() || Asked::new(text, &period).judges_by_that_day());
            meant.then(|| day(period))
        }
        // The present year or month says nothing of a day.
        _ => match old {
            Some(place) => without(text, &place, words::OWN_TIME).then_some(Spoken::Before { place }),
            None => {
                let place = words::new_version(text).filter(outside)?;
                without(text, &place, words::OWN_TIME).then_some(Spoken::After { place })
            }
        },
    }
}

/// A past time that a question mentions, whatever it asks for: 去年开的户今天能销吗. Its place in bytes.
pub fn mentioned(question: &str, today: Date) -> Option<Range<usize>> {
    let simple = in_place(question);
    let text = simple.as_ref();
    let titles = bracketed(text);
    let outside = |place: &Range<usize>| !titles.iter().any(|title| title.contains(&place.start));
    let past = |period: &Period| period.to < today && matches!(period.form, Form::Year | Form::YearsAgo);
    let found = periods(text, today).into_iter().filter(past).map(|period| period.place).find(outside);
    found.or_else(|| words::old_version(text).filter(outside))
}

/// A question without the words that speak of the time: rules have none of them, and they would only blur what is looked for.
pub fn matter(question: &str, spoken: &Spoken) -> String {
    let simple = in_place(question);
    let text = simple.as_ref();
    let mut cut = vec![words::with_rule(text, spoken.place().clone())];
    cut.extend(words::places(text, words::THEN).map(|place| words::with_rule(text, place)));
    cut.extend(words::old_version(text).map(|place| words::with_rule(text, place)));
    cut.extend(words::places(text, words::DEED).chain(words::places(text, words::LOOKING_BACK)));
    cut.sort_by_key(|place| place.start);
    let mut out = String::with_capacity(question.len());
    let mut at = 0;
    for place in cut {
        // One time may have been found twice.
        if place.start < at || place.end == at {
            continue;
        }
        out.push_str(question.get(at..place.start).unwrap_or_default());
        // A mark, so that no words meet that stood apart.
        out.push(',');
        at = place.end;
    }
    out.push_str(question.get(at..).unwrap_or_default());
    out
}

/// A question in simplified characters; as it came where these are not equally long, so that places in it are places in the question.
fn in_place(question: &str) -> Cow<'_, str> {
    let simple = simplify(question);
    if simple.len() == question.len() { Cow::Owned(simple) } else { Cow::Borrowed(question) }
}

/// Titles and document numbers: their years are names.
fn bracketed(text: &str) -> Vec<Range<usize>> {
    let pair = |open: char, close: char| {
        text.match_indices(open).filter_map(move |(at, _)| {
            let end = text.get(at..)?.find(close)? + at;
            Some(at..end)
        })
    };
    pair('《', '》').chain(pair('〔', '〕')).collect()
}

/// Whether a text has none of these words but at a place.
fn without(text: &str, place: &Range<usize>, words: Words) -> bool {
    let parts = [text.get(..place.start), text.get(place.end..)];
    !parts.into_iter().flatten().any(|part| has(part, words))
}

/// 从明年起, 下个月开始: the first day of the period, where a rule is asked for.
fn from_then_on(text: &str, period: Period) -> Option<Period> {
    let behind = text.get(period.place.end..)?;
    let word = ["起", "开始"].into_iter().find(|word| behind.starts_with(word))?;
    let asked = has(text, words::CONTENT) && !has(text, words::FACTS) && !has(text, words::HABITS);
    let begin = text.get(..period.place.start)?;
    let from = ["从", "自"].into_iter().find(|word| begin.ends_with(word)).map_or(0, str::len);
    let place = period.place.start - from..period.place.end + word.len();
    asked.then_some(Period { to: period.from, place, ..period })
}

/// A question with the one past period that it names.
struct Asked<'a> {
    text: &'a str,
    before: &'a str,
    behind: &'a str,
    form: Form,
}

impl<'a> Asked<'a> {
    fn new(text: &'a str, period: &Period) -> Asked<'a> {
        let before = text.get(..period.place.start).unwrap_or_default();
        let behind = text.get(period.place.end..).unwrap_or_default();
        Asked { text, before, behind, form: period.form }
    }

    /// Whether it asks what held on that day, and not what holds today for something that began then.
    fn judges_by_that_day(&self) -> bool {
        let since = self.before.ends_with(['从', '自', '打']) || self.behind.starts_with(['起', '到']);
        !since && (self.names_rule_of_then() || self.asks_of_then() || self.judges_deed() || self.all_in_that_time())
    }

    /// 照那会儿的规矩, 合当时的规定, 按去年的标准.
    fn names_rule_of_then(&self) -> bool {
        let rule = |behind: &str| {
            let behind = behind.strip_prefix('的').unwrap_or(behind);
            let behind = behind.strip_prefix(['老', '旧']).unwrap_or(behind);
            // 办法院 is no rule.
            words::RULES.split(' ').any(|word| behind.starts_with(word)) && !behind.starts_with("办法院")
        };
        rule(self.behind) || words::places(self.text, words::THEN).any(|place| rule(self.tail(place.end)))
    }

    /// 当时要不要, 那会儿收多少.
    fn asks_of_then(&self) -> bool {
        if has(self.text, words::MENDING) || self.text.contains('补') {
            return false;
        }
        let here = self.text.len() - self.behind.len();
        // 2024年的时候; elsewhere 的时候 is of no time in particular.
        let while_then = self.behind.starts_with(WHILE).then(|| here..here + WHILE.len());
        words::places(self.text, words::THEN).chain(while_then).any(|place| {
            let tail = self.tail(place.end);
            // 去年那会儿 sets the time of all that follows.
            let sets = place.start == here && !tail.starts_with([',', '，']);
            let event = ["没", "未", "忘", "已", "都没", "就没"].iter().any(|word| tail.starts_with(word));
            let holding = has(self.text, words::HOLDINGS) && has(self.text, words::ABLE);
            let asked = if place.start == here { self.text } else { self.segment(place.start) };
            !(event || sets && holding) && asks(asked)
        })
    }

    /// 那笔没登用途算违规吗, 去年收的工本费对不对.
    fn judges_deed(&self) -> bool {
        let done = has(self.text, words::DONE) && !has(self.text, words::MADE);
        if has(self.text, words::JUDGED) && (done || has(self.text, words::THAT_DEED)) {
            return true;
        }
        if has(self.text, words::RIGHT) && (has(self.text, words::DEED) || has(self.text, words::TAKEN)) {
            return true;
        }
        let later = has(self.text, words::LATER) || has(self.text, words::ABLE) || has(self.text, words::MENDING);
        has(self.text, words::MOMENTARY) && has(self.text, words::CONTENT) && !later && !self.text.contains('补')
    }

    /// 前年短信费是3块还是2块: nothing but the rule stands beside the time.
    fn all_in_that_time(&self) -> bool {
        let leads = words::stripped(self.before);
        if self.form == Form::Near
            || !leads.is_empty()
            || !(has(self.text, words::CONTENT) || self.asks_whether_needed())
        {
            return false;
        }
        // 2023年新开的公户: the first rules of that account are meant.
        let fresh =
            ["新开的", "新办的", "新签的", "新立的"].iter().find_map(|w| self.behind.trim_start().strip_prefix(w));
        let rest = fresh.unwrap_or(self.behind);
        let facts = has(rest, words::FACTS) || has(rest, words::RECORDS) || completed(rest);
        if facts || has(rest, words::MENDING) || rest.contains('补') || has(rest, words::EARLY) {
            return false;
        }
        if fresh.is_some() {
            return has(rest, words::AMOUNTS);
        }
        !has(rest, words::ABLE) && !self.names_thing()
    }

    /// 去年取8万要登记用途吗. What was begun then and ends today has another word in it: 的, 了, 过期.
    fn asks_whether_needed(&self) -> bool {
        let end = self.behind.trim_end_matches(|c: char| !c.is_alphanumeric());
        self.behind.contains('要') && end.ends_with(['吗', '么', '不']) && !completed(self.behind)
    }

    /// Whether 的 makes a thing of that time the subject: 去年开的户, but not 去年收费的标准.
    fn names_thing(&self) -> bool {
        self.behind.match_indices('的').any(|(at, de)| {
            let tail = self.behind.get(at + de.len()..).unwrap_or_default();
            !words::RULES.split(' ').any(|word| tail.starts_with(word)) && !tail.is_empty()
        })
    }

    fn tail(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    /// The part of the question between marks that a place belongs to.
    fn segment(&self, at: usize) -> &'a str {
        let mark = |c: char| ",，。;；、 \u{3000}".contains(c);
        let start = self.text.get(..at).and_then(|t| t.rfind(mark)).map_or(0, |i| i + 1);
        let start = (start..=at).find(|i| self.text.is_char_boundary(*i)).unwrap_or(at);
        let end = self.text.get(at..).and_then(|t| t.find(mark)).map_or(self.text.len(), |i| at + i);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// 认不认, 拒不拒, 受不受理, 有没有.
fn says_both_ways(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(3).any(|w| matches!(w, [one, '不' | '没', other] if one == other))
}

/// Whether something was done: 了, but not that of 办得了 and 办不了.
fn completed(text: &str) -> bool {
    text.match_indices('了').any(|(at, _)| !text.get(..at).is_some_and(|before| before.ends_with(['得', '不'])))
}

/// Whether a text asks for what a rule says.
fn asks(text: &str) -> bool {
    let end = text.trim_end_matches(['?', '？', '。', '!', '！', ' ']);
    has(text, words::CONTENT)
        || says_both_ways(text)
        || has(text, words::JUDGED)
        || end.ends_with(['吗', '么', '不', '没', '嘛', '否'])
}
