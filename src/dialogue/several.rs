//! Several questions in one: ATM一天最多取多少 超了柜台能取不 asks twice, 二类户和三类户一天各能转多少 asks of two things.
//!
//! Each of them is written out in full, with what was said for all of them, so that it can be asked by itself. A question that is cut in
//! the wrong place is answered worse than one that is left whole: only where two clauses ask something, each with words of its own, or where two
//! things are named beside a word that compares, is anything cut.

use super::clauses::{Clause, join, split};
use super::reading::{follow, tells};
use super::words::names_matter;
use std::ops::Range;

/// More questions in one are left whole: that is a story, or a list.
const MAX_PARTS: usize = 3;
/// A shorter question goes on from the first one even where it names a matter: 身份证过期三个月能取钱吗,还能转账吗.
const MAX_SHORT_CHARS: usize = 8;
/// A clause of these characters only asks whether what was said before is right: 行吗, 对不对.
const TAG: &str = "行成对是好中可以吗不吧么没能得合适规有违算数嘛呗否";
/// A tag is not longer, in characters.
const MAX_TAG_CHARS: usize = 5;
/// Words between two things that are compared.
const BETWEEN: [&str; 4] = ["跟", "和", "与", "同"];
/// Words that compare what stands before them. What they ask of each thing is asked of both.
const COMPARING: [&str; 14] = [
    "有什么区别",
    "有什么不同",
    "有啥区别",
    "有啥不同",
    "是不是一样",
    "差在哪",
    "一样不",
    "一样吗",
    "一样么",
    "分别",
    "各自",
    "各",
    "哪个",
    "哪种",
];
/// A thing that is compared is not longer, in characters.
const MAX_THING_CHARS: usize = 14;

/// One of several questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// In full, so that it can be asked by itself.
    pub text: String,
    /// Its own words, as the card names it.
    pub said: String,
    /// It asks of one of two things that are compared.
    pub compared: bool,
}

/// The questions in one that was read in full; empty where it is one.
pub fn several(question: &str) -> Vec<Part> {
    let clauses = split(question);
    let parts = asked_in_turn(&clauses);
    if parts.is_empty() { compared(&clauses) } else { parts }
}

/// The clauses that ask, each with what was said up to it.
fn asked_in_turn(clauses: &[Clause]) -> Vec<Part> {
    let mut groups: Vec<Vec<Clause>> = Vec::new();
    let mut told: Vec<Clause> = Vec::new();
    for clause in clauses {
        let tag = is_tag(&clause.folded);
        match groups.last_mut() {
            // 行吗 belongs to what was said before it.
            Some(last) if tag && told.is_empty() => last.push(clause.clone()),
            _ if clause.asks || tag => {
                told.push(clause.clone());
                groups.push(std::mem::take(&mut told));
            }
            _ => told.push(clause.clone()),
        }
    }
    // What is said after the last question belongs to it.
    if let Some(last) = groups.last_mut() {
        let asking = last.pop();
        last.append(&mut told);
        last.extend(asking);
    }
    if !(2..=MAX_PARTS).contains(&groups.len()) {
        return Vec::new();
    }
    let mut parts: Vec<Part> = Vec::new();
    let shared = groups.first().map(|first| statements(first)).unwrap_or_default();
    for group in &groups {
        let said = join(group, ",");
        let text = match parts.first() {
            None => said.clone(),
            Some(_) if said.chars().count() > MAX_SHORT_CHARS && names_matter(&said) && tells(&said) => {
                with(&shared, group)
            }
            Some(first) => follow(&first.text, &said),
        };
        parts.push(Part { text, said, compared: false });
    }
    parts
}

fn is_tag(folded: &str) -> bool {
    let bare: Vec<char> = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    bare.len() <= MAX_TAG_CHARS && bare.iter().all(|c| TAG.contains(*c))
}

/// What a group of clauses says before it asks.
fn statements(group: &[Clause]) -> Vec<Clause> {
    group.iter().filter(|clause| !clause.asks).cloned().collect()
}

fn with(shared: &[Clause], group: &[Clause]) -> String {
    let clauses: Vec<Clause> = shared.iter().chain(group).cloned().collect();
    join(&clauses, ",")
}

/// Two things beside a word that compares, each with what is asked of both.
fn compared(clauses: &[Clause]) -> Vec<Part> {
    let Some((at, things)) = clauses.iter().enumerate().find_map(|(at, clause)| Some((at, pair(clause)?))) else {
        return Vec::new();
    };
    let Some(clause) = clauses.get(at) else { return Vec::new() };
    let behind = clause.shown.get(things.1.end..).unwrap_or_default();
    let rest: Vec<&str> =
        std::iter::once(behind).chain(clauses.iter().skip(at + 1).map(|clause| clause.shown.as_str())).collect();
    let rest = rest.join(",");
    let Some(word) = COMPARING.iter().find(|word| rest.contains(**word)) else { return Vec::new() };
    let asked = rest.replacen(word, "", 1);
    let before = join(clauses.get(..at).unwrap_or_default(), ",");
    let one = |thing: Range<usize>| {
        let thing = clause.shown.get(thing).unwrap_or_default().trim();
        let text: Vec<&str> =
            [before.as_str(), thing, asked.trim_matches(',')].into_iter().filter(|t| !t.is_empty()).collect();
        Part { text: text.join(","), said: thing.to_owned(), compared: true }
    };
    vec![one(things.0), one(things.1)]
}

/// Where two things stand that a clause names side by side.
fn pair(clause: &Clause) -> Option<(Range<usize>, Range<usize>)> {
    let text = &clause.folded;
    let (place, word) = BETWEEN.iter().filter_map(|word| Some((text.find(word)?, *word))).min()?;
    let from = place + word.len();
    let behind = text.get(from..)?;
    let comparing = COMPARING.iter().filter_map(|word| behind.find(word)).min().unwrap_or(behind.len());
    // Things of a kind end alike: 二类户 and 三类户.
    let alike = text.get(..place).and_then(|thing| thing.trim_end().chars().next_back()).and_then(|last| {
        let at = behind.get(..comparing)?.rfind(last)?;
        Some(at + last.len_utf8())
    });
    let end = alike.unwrap_or(comparing);
    let fits = |range: &Range<usize>| {
        text.get(range.clone()).is_some_and(|thing| (1..=MAX_THING_CHARS).contains(&thing.trim().chars().count()))
    };
    let things = (0..place, from..from + end);
    (fits(&things.0) && fits(&things.1)).then_some(things)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(question: &str) -> Vec<String> {
        several(question).into_iter().map(|part| part.text).collect()
    }

    #[test]
    fn clauses_that_ask_in_turn_are_asked_in_full() {
        assert_eq!(texts("ATM一天最多取多少 超了柜台能取不"), ["ATM一天最多取多少", "ATM一天最多取,超了柜台能取不"]);
        assert_eq!(
            texts("个人和单位谁能挂失,多少钱,几天"),
            ["个人和单位谁能挂失", "个人和单位谁能挂失,多少钱", "个人和单位谁能挂失,几天"]
        );
    }

    #[test]
    fn a_short_question_goes_on_and_a_longer_one_names_its_own_matter() {
        assert_eq!(
            texts("身份证过期三个月能取钱吗,还能转账吗"),
            ["身份证过期三个月能取钱吗", "身份证过期三个月能取钱,还能转账吗"]
        );
        assert_eq!(
            texts("存折口头挂失有效期几天,保管箱钥匙丢了怎么办"),
            ["存折口头挂失有效期几天", "保管箱钥匙丢了怎么办"]
        );
    }

    #[test]
    fn one_question_is_left_whole() {
        for question in [
            "卡丢了怎么办",
            "我先把他卡停了再说 行吧",
            "客户上午存3万下午又取3万,一加六万,这是不是就够大额了",
            "证件过期半年,卡还能取钱吗",
        ] {
            assert!(several(question).is_empty(), "{question}");
        }
    }

    #[test]
    fn things_that_are_compared_are_asked_one_by_one() {
        assert_eq!(texts("二类户和三类户一天各能转多少"), ["二类户,一天能转多少", "三类户,一天能转多少"]);
    }
}
