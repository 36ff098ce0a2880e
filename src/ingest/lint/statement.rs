//! What clauses state in figures and names of approvers, each with the words around it: `口头挂失的有效期为` 5 days.

use super::synonyms;
use crate::text::clause::sentences;
use crate::text::normalize::{fold, is_han};
use crate::text::numeral;
use crate::text::quantity::{self, Measure, Quantity};
use std::collections::BTreeMap;
use std::ops::Range;

/// Weight of words in the part of the sentence that holds the value, between two commas.
const IN_PART: f64 = 1.0;
/// Weight of words in the parts right beside it.
const BESIDE: f64 = 0.7;
/// Weight of words elsewhere in the sentence.
const IN_SENTENCE: f64 = 0.5;
/// Stands in the text for a value, the first one; the next has the next character. From the private area, so that no text has it.
const MARK: u32 = 0xE000;
/// Values of one sentence that are read; a sentence with more is a table or a list of rates.
const MAX_VALUES: usize = 12;
/// How many times as large a value may be as another of the same thing.
const TOO_FAR: f64 = 60.0;
/// Words of approval; who stands before them approves.
const APPROVES: [&str; 8] = ["审批", "批准", "授权", "同意", "复核", "审核", "核准", "审定"];
/// Words before the one who approves.
const BY: [char; 3] = ['经', '由', '报'];
/// Words that begin with one of these and name somebody or something.
const NOT_BY: [&str; 5] = ["经理", "经办", "经营", "报告", "报表"];
/// How those who approve are called at the end.
const ROLES: [&str; 19] = [
    "主管",
    "行长",
    "负责人",
    "经理",
    "部",
    "岗",
    "主任",
    "总行",
    "分行",
    "支行",
    "中心",
    "总监",
    "委员会",
    "董事长",
    "室",
    "处",
    "科",
    "领导",
    "机关",
];
/// Longest part of a sentence, before the word of approval, that is nothing but who approves, in characters.
const MAX_ALONE_CHARS: usize = 10;
/// Longest name of who approves, in characters.
const MAX_ROLE_CHARS: usize = 16;

/// What is compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Money of one currency.
    Money(&'static str),
    /// Days, working days and hours.
    Time,
    /// Age.
    Age,
    /// Things of one measure word.
    Count(char),
    /// A part of a whole.
    Share,
    /// Who approves.
    Approver,
}

impl Kind {
    /// As the report calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Kind::Money(_) => "金额",
            Kind::Time => "期限",
            Kind::Age => "年龄",
            Kind::Count(_) => "数量",
            Kind::Share => "比例",
            Kind::Approver => "审批人",
        }
    }
}

/// A value: a number in its unit, or a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Its number; of time in days.
    Number(f64),
    /// In working days.
    WorkDays(f64),
    /// A name.
    Name(String),
}

impl Value {
    fn size(&self) -> Option<f64> {
        match self {
            Value::Number(n) | Value::WorkDays(n) => Some(*n),
            Value::Name(_) => None,
        }
    }

    fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Name(a), Value::Name(b)) => a.ends_with(b.as_str()) || b.ends_with(a.as_str()),
            (a, b) => a == b,
        }
    }
}

/// On which side a value bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// Exactly, or on both.
    None,
    /// At most.
    Above,
    /// At least.
    Below,
}

impl Bound {
    fn of(low: f64, high: f64) -> Bound {
        match (low.is_finite(), high.is_finite()) {
            (false, true) => Bound::Above,
            (true, false) => Bound::Below,
            _ => Bound::None,
        }
    }
}

/// What a sentence says in one place.
struct Said {
    place: Range<usize>,
    kind: Kind,
    values: Vec<Value>,
    bound: Bound,
}

/// A value that a clause states.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// The document, by its place in the list of those compared.
    pub(super) document: usize,
    /// The clause in it.
    pub(super) clause: usize,
    /// What is compared.
    pub(super) kind: Kind,
    /// The ends of the interval, or the names.
    pub(super) values: Vec<Value>,
    /// On which side they bound.
    pub(super) bound: Bound,
    /// The value as the rule prints it, but for width and spaces.
    pub(super) said: String,
    /// The sentence, folded.
    pub(super) sentence: String,
    /// The words around the value with their weights, in order.
    pub(super) words: Vec<(u64, f64)>,
}

impl Statement {
    /// Whether what one bounds is what the other does not: 5万元以下 and 10万元以上 are two cases of one rule. Time has no cases: 满90日 ends 90日内.
    pub(super) fn opposes(&self, other: &Statement) -> bool {
        let bounds = matches!((self.bound, other.bound), (Bound::Above, Bound::Below) | (Bound::Below, Bound::Above));
        bounds && self.kind != Kind::Time
    }

    /// Whether the values are so far from each other that they cannot be of one thing: 1日 and 10年.
    pub(super) fn is_far_from(&self, other: &Statement) -> bool {
        let size = |s: &Statement| s.values.iter().filter_map(Value::size).fold(0.0, f64::max);
        let (one, other) = (size(self), size(other));
        one > 0.0 && other > 0.0 && one.max(other) / one.min(other) > TOO_FAR
    }

    /// Whether both state one value in common.
    pub(super) fn agrees(&self, other: &Statement) -> bool {
        self.values.iter().any(|value| other.values.iter().any(|theirs| value.same(theirs)))
    }
}

/// What the text of a clause states.
pub(super) fn read(document: usize, clause: usize, text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    for range in sentences(text) {
        let sentence = unspaced(&fold(text.get(range).unwrap_or_default()));
        // 二〇〇六年 is a year, not six of them.
        let whole = |quantity: &Quantity| {
            !sentence.get(..quantity.place.start).is_some_and(|before| before.ends_with(numeral::is_numeral))
        };
        let mut values: Vec<Said> = quantity::find(&sentence).into_iter().filter(whole).filter_map(value).collect();
        values.extend(approvers(&sentence));
        values.sort_by_key(|said| said.place.start);
        if values.is_empty() || values.len() > MAX_VALUES {
            continue;
        }
        let marked = marked(&sentence, &values);
        for (at, Said { place, kind, values, bound }) in values.into_iter().enumerate() {
            found.push(Statement {
                document,
                clause,
                kind,
                values,
                bound,
                said: sentence.get(place).unwrap_or_default().to_owned(),
                sentence: sentence.clone(),
                words: around(&marked, mark(at)),
            });
        }
    }
    found
}

/// Without the spaces that some set around figures: 2006 年 2 月 21 日 is a day.
fn unspaced(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut chars = sentence.chars().peekable();
    while let Some(c) = chars.next() {
        let between = out.chars().next_back().is_some_and(is_han) || chars.peek().is_some_and(|next| is_han(*next));
        if c != ' ' || !between {
            out.push(c);
        }
    }
    out
}

/// The place of a quantity, what it is compared with, and the ends of its interval.
fn value(quantity: Quantity) -> Option<Said> {
    let (kind, scale, working) = match quantity.measure {
        Measure::Money(currency) => (Kind::Money(currency), 1.0, false),
        Measure::Days => (Kind::Time, 1.0, false),
        Measure::WorkDays => (Kind::Time, 1.0, true),
        Measure::Hours => (Kind::Time, 1.0 / 24.0, false),
        Measure::Age => (Kind::Age, 1.0, false),
        Measure::Count('名' | '位' | '人') => (Kind::Count('人'), 1.0, false),
        Measure::Count('枚' | '张') => (Kind::Count('张'), 1.0, false),
        Measure::Count(unit) => (Kind::Count(unit), 1.0, false),
        Measure::Share => (Kind::Share, 1.0, false),
        Measure::Number => return None,
    };
    let ends = [quantity.span.low, quantity.span.high];
    let mut values: Vec<Value> = ends
        .into_iter()
        .filter(|end| end.is_finite())
        .map(|end| if working { Value::WorkDays(end) } else { Value::Number(end * scale) })
        .collect();
    values.dedup();
    let bound = Bound::of(quantity.span.low, quantity.span.high);
    (!values.is_empty()).then_some(Said { place: quantity.place, kind, values, bound })
}

/// Who approves: `经会计主管审批`, `报分行运营管理部审批`.
fn approvers(sentence: &str) -> Vec<Said> {
    let mut found: Vec<Said> = Vec::new();
    for verb in APPROVES {
        for (at, _) in sentence.match_indices(verb) {
            let before = sentence.get(..at).unwrap_or_default();
            let near =
                before.char_indices().rev().take(MAX_ROLE_CHARS + 1).take_while(|(_, c)| is_han(*c) || *c == '、');
            let near: Vec<(usize, char)> = near.collect();
            let by = near.iter().find(|(start, _)| {
                let rest = before.get(*start..).unwrap_or_default();
                rest.starts_with(BY) && !NOT_BY.iter().any(|word| rest.starts_with(word))
            });
            let by = by.map(|(start, by)| (*start, start + by.len_utf8()));
            // 会计主管当场审批: a short part of its own.
            let alone = near.last().filter(|_| near.len() <= MAX_ALONE_CHARS).map(|(start, _)| (*start, *start));
            let Some((start, from)) = by.or(alone) else { continue };
            let names = before.get(from..).unwrap_or_default();
            let names =
                ["书面", "双人", "当场", "逐级", "事先", "面谈后"].iter().fold(names, |n, w| n.trim_end_matches(w));
            let values: Vec<Value> = names
                .split(['、', '和', '或', '及'])
                .filter(|name| ROLES.iter().any(|role| name.ends_with(role)))
                .map(|name| Value::Name(name.trim_start_matches("网点").trim_start_matches("本行").to_owned()))
                .collect();
            let place = start..at + verb.len();
            if !values.is_empty() && !found.iter().any(|known| known.place.start == place.start) {
                found.push(Said { place, kind: Kind::Approver, values, bound: Bound::None });
            }
        }
    }
    found
}

fn mark(at: usize) -> char {
    u32::try_from(at).ok().and_then(|at| char::from_u32(MARK + at)).unwrap_or('\u{E000}')
}

/// The sentence with a mark in place of each value, in the words that stand for their synonyms.
fn marked(sentence: &str, values: &[Said]) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut from = 0;
    for (at, Said { place, .. }) in values.iter().enumerate() {
        // One inside another: the approval that a sum needs.
        if place.start < from {
            out.push(mark(at));
            continue;
        }
        out.push_str(sentence.get(from..place.start).unwrap_or_default());
        out.push(mark(at));
        from = place.end;
    }
    out.push_str(sentence.get(from..).unwrap_or_default());
    synonyms::unify(&out)
}

/// The words around a mark, the near ones with more weight.
fn around(marked: &str, mark: char) -> Vec<(u64, f64)> {
    let parts: Vec<&str> = marked.split([',', ':', ';', '。']).collect();
    let home = parts.iter().position(|part| part.contains(mark)).unwrap_or_default();
    let mut words: BTreeMap<u64, f64> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        let weight = match at.abs_diff(home) {
            0 => IN_PART,
            1 => BESIDE,
            _ => IN_SENTENCE,
        };
        for word in grams(part) {
            let known = words.entry(word).or_default();
            *known = known.max(weight);
        }
    }
    words.into_iter().collect()
}

/// The words of a text as they are compared.
pub(super) fn words(text: &str) -> impl Iterator<Item = u64> {
    grams(&synonyms::unify(&fold(text))).into_iter()
}

/// Pairs of Han characters, and words in other letters.
fn grams(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let (mut last, mut latin) = (None, 0u64);
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() {
            latin = latin.wrapping_mul(131).wrapping_add(u64::from(u32::from(c)) + 1);
        } else if latin > 0 {
            found.push(latin | 1 << 63);
            latin = 0;
        }
        let han = is_han(c).then_some(c);
        if let (Some(a), Some(b)) = (last, han) {
            found.push(u64::from(u32::from(a)) << 21 | u64::from(u32::from(b)));
        }
        last = han;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(Kind, Vec<Value>)> {
        read(0, 0, text).into_iter().map(|statement| (statement.kind, statement.values)).collect()
    }

    #[test]
    fn values_are_read_in_one_unit() {
        let number = |n: f64| vec![Value::Number(n)];
        assert_eq!(
            said("保存 10 年；延长至3个工作日。"),
            [(Kind::Time, number(3600.0)), (Kind::Time, vec![Value::WorkDays(3.0)])]
        );
        assert_eq!(
            said("5万元（含）以下的，24小时内报告。"),
            [(Kind::Money("CNY"), number(50_000.0)), (Kind::Time, number(1.0))]
        );
        assert_eq!(
            said("千分之五的手续费，不少于两人。"),
            [(Kind::Share, number(0.005)), (Kind::Count('人'), number(2.0))]
        );
        assert!(said("自 2006 年 2 月 21 日起施行，二〇〇六年三月印发，依照第五条。").is_empty());
    }

    #[test]
    fn who_approves_is_a_value() {
        let names = |names: &[&str]| names.iter().map(|name| Value::Name((*name).to_owned())).collect::<Vec<_>>();
        for (text, expected) in [
            ("经会计主管和网点负责人双人审批后支付。", names(&["会计主管", "负责人"])),
            ("超过的报分行运营管理部审批。", names(&["分行运营管理部"])),
            ("提高至5万元以内的，会计主管当场审批。", names(&["会计主管"])),
            ("由总经理批准。", names(&["总经理"])),
        ] {
            let found: Vec<Vec<Value>> =
                said(text).into_iter().filter(|(kind, _)| *kind == Kind::Approver).map(|(_, values)| values).collect();
            assert_eq!(found, [expected], "{text}");
        }
        assert!(said("资料经审核后归档。").is_empty());
    }

    #[test]
    fn words_near_a_value_weigh_more() {
        let statements = read(0, 0, "口头挂失有效期为5日，逾期自动失效，须另行申请。");
        let weight = |word: &str| {
            let wanted = words(word).next().unwrap();
            statements[0].words.iter().find(|(word, _)| *word == wanted).map(|(_, weight)| *weight)
        };
        assert_eq!((weight("挂失"), weight("失效"), weight("申请")), (Some(IN_PART), Some(BESIDE), Some(IN_SENTENCE)));
    }
}
