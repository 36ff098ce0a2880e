//! Whether the quantities that a guide states stand in the rules that it rests on: 90日 rests on 九十日, not on 60日.

use super::clause;
use super::legal::GuideScene;
use super::normalize::{fold, is_han};
use super::numeral;
use super::quantity::{self, Measure, Quantity};
use super::table;
use std::collections::HashSet;

/// Two values are one when they differ by no more than this share: figures are read as binary fractions.
const SAME_SHARE: f64 = 1e-9;
/// Up to this many things or persons are words (一次, 双人, 两位), no figures of a rule.
const FEW: f64 = 2.0;
/// Pairs of characters that a sentence of another clause shares with the guide's line for both to be about one thing: a guide names one of the
/// clauses that it rests on, and takes a number from the next one. 11 of the 105 scenes of the sample rulebook do; one shares no more than these.
const SHARED_PAIRS: usize = 3;
/// Words of an estimate, which no rule has to state.
const ESTIMATES: [&str; 5] = ["大约", "约", "大概", "一般", "左右"];

/// The texts that a guide rests on.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'g> {
    /// The clauses that it names.
    pub named: &'g [&'g str],
    /// The other clauses of their documents.
    pub others: &'g [&'g str],
}

/// The quantities of a scene's outcomes, steps and words for the customer that its grounds do not state, as they are written there; none for a
/// scene that names no clause.
pub fn of_scene(scene: &GuideScene, grounds: Grounds<'_>) -> Vec<String> {
    if grounds.named.is_empty() {
        return Vec::new();
    }
    let choices = scene.clarify.iter().flat_map(|clarify| &clarify.choices).map(|choice| choice.conclusion.as_str());
    let said = [scene.conclusion.as_str(), scene.script.as_str()].into_iter().chain(choices);
    let mut found: Vec<String> = Vec::new();
    for line in said.chain(scene.steps.iter().map(String::as_str)) {
        for words in unstated(line, grounds) {
            if !found.contains(&words) {
                found.push(words);
            }
        }
    }
    found
}

/// The quantities of one line that its grounds do not state.
pub fn unstated(line: &str, grounds: Grounds<'_>) -> Vec<String> {
    let said = counted(line);
    let of = |quantity: &Quantity| said.get(quantity.place.clone()).unwrap_or_default().trim().to_owned();
    let open: Vec<Quantity> = quantity::find(&said)
        .into_iter()
        .filter(|quantity| tells(quantity) && !is_estimate(&said, quantity))
        .filter(|quantity| !grounds.named.iter().any(|text| states(&counted(text), quantity)))
        .collect();
    if open.is_empty() {
        return Vec::new();
    }
    let about = pairs(&said);
    let alike: Vec<String> = grounds
        .others
        .iter()
        .flat_map(|text| clause::sentences(text).into_iter().filter_map(|range| Some((*text, text.get(range)?))))
        .filter(|(text, sentence)| {
            // A row says what it is about in the names of its columns and in what opens its table.
            let whole = if table::is_row(sentence) { *text } else { *sentence };
            pairs(&fold(whole)).intersection(&about).count() >= SHARED_PAIRS
        })
        .map(|(_, sentence)| counted(sentence))
        .collect();
    open.iter().filter(|quantity| !alike.iter().any(|text| states(text, quantity))).map(of).collect()
}

/// A text in one spelling in which the 13th day counts like 13 days: 第13日起失效. 第二天 is only a word.
fn counted(text: &str) -> String {
    let text = fold(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let behind = text.get(at + c.len_utf8()..).unwrap_or_default();
        let number = if c == '第' { numeral::leading(behind) } else { None };
        let number = number.filter(|(number, _)| f64::from(*number) > FEW);
        let unit = number.and_then(|(_, len)| behind.get(len..)).and_then(|rest| rest.chars().next());
        if !unit.is_some_and(|unit| matches!(unit, '日' | '天' | '年' | '次')) {
            out.push(c);
        }
    }
    out
}

/// Whether a quantity says something that a rule would have to say. Bare numbers count lines and name forms.
fn tells(of: &Quantity) -> bool {
    match of.measure {
        Measure::Number => false,
        Measure::Count(_) => values(of).any(|value| value > FEW),
        _ => true,
    }
}

fn is_estimate(said: &str, of: &Quantity) -> bool {
    let before = said.get(..of.place.start).unwrap_or_default();
    let words = said.get(of.place.clone()).unwrap_or_default();
    ESTIMATES.iter().any(|word| before.ends_with(word) || words.contains(word))
}

/// The bounds of a quantity that are numbers.
fn values(of: &Quantity) -> impl Iterator<Item = f64> {
    [of.span.low, of.span.high].into_iter().filter(|value| value.is_finite())
}

/// Whether a text, in one spelling, states all values of a quantity.
fn states(text: &str, of: &Quantity) -> bool {
    let stated = quantity::find(text);
    let same = |one: f64, other: f64| (one - other).abs() <= SAME_SHARE * one.abs().max(1.0);
    let has = |value: f64| {
        stated.iter().any(|other| compares(other.measure, of.measure) && values(other).any(|other| same(value, other)))
    };
    values(of).all(has)
}

/// Whether two measures are of one kind; persons are counted by many words.
fn compares(a: Measure, b: Measure) -> bool {
    let person = |measure: Measure| matches!(measure, Measure::Count('人' | '名' | '位'));
    a.compares(b) || person(a) && person(b)
}

/// The pairs of characters of a text that stand side by side in it.
fn pairs(text: &str) -> HashSet<(char, char)> {
    let chars: Vec<char> = text.chars().collect();
    let two = chars.windows(2).filter_map(|pair| match pair {
        [a, b] if is_han(*a) && is_han(*b) => Some((*a, *b)),
        _ => None,
    });
    two.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_decide_not_spellings() {
        let named = ["证件过期超过九十日的,单笔支取不超过5万元,由3人以上复核。"];
        let others = ["手机号码变更后24小时内,非柜面转出日累计限额为1万元。"];
        let open = |line: &str| unstated(line, Grounds { named: &named, others: &others }).join("|");
        for (line, expected) in [
            ("90日内可以取", ""),
            ("三个月内可以取", ""),
            ("60日内可以取", "60日内"),
            ("50,000元以内当场办", ""),
            ("6万元以内当场办", "6万元以内"),
            ("由两名柜员、三位主管复核", ""),
            ("由五位主管复核", "五位"),
            ("变更号码后24小时内非柜面转出1万元", ""),
            ("24小时内不能改密", "24小时内"),
            ("大约20分钟", ""),
            ("填3号表", ""),
            ("第90日起失效", ""),
            ("第91日起失效", "91日"),
            ("第二天来取", ""),
        ] {
            assert_eq!(open(line), expected, "{line}");
        }
    }
}
