//! What an answer is worth: its words against a written answer, its citations against the relevant clauses, its numbers against
//! the clauses it quotes.

use super::metrics::percentile;
use super::overlap::{bleu, meteor, tokens};
use crate::text::normalize::normalize;
use crate::text::numeral;
use crate::text::questions::{Place, Question};
use serde::Serialize;
use std::collections::BTreeSet;

/// An answer, by the card or by the model below it.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its words.
    pub text: String,
    /// The clauses it cites.
    pub cited: Vec<Place>,
    /// Time until it was complete, milliseconds.
    pub took_ms: f64,
}

/// What came back for one question.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The card's conclusion with its first clause; `None` for a refusal.
    pub card: Option<Given>,
    /// Title, address, dates and words of the clauses on the card.
    pub quoted: Vec<String>,
    /// Time until the card was complete, or the question turned away, milliseconds.
    pub card_ms: f64,
    /// The model's prose, if one wrote.
    pub prose: Option<Given>,
    /// Why there is no card or no prose, by its stable code, when an error was the reason.
    pub failure: Option<String>,
}

/// The marks of one answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marks {
    /// The written answer, named as in LeCoQA's files; empty when there is none.
    pub exp_ans: String,
    /// The answer given.
    pub gen_ans: String,
    /// Against the written answer, if there is one; see [`bleu`].
    pub bleu: Option<f64>,
    /// As well; see [`meteor`].
    pub meteor: Option<f64>,
    /// Share of the cited clauses that are relevant; `None` when nothing is cited or nothing relevant.
    pub precision: Option<f64>,
    /// Share of the relevant clauses that are cited; `None` when nothing is relevant.
    pub recall: Option<f64>,
    /// Numbers of the answer that stand neither in a quoted clause nor in the question.
    pub unsupported: Vec<String>,
    /// Time, milliseconds.
    pub took_ms: f64,
}

/// One question with its marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Its id.
    pub id: String,
    /// Whether a clause answers it.
    pub answerable: bool,
    /// Whether it was refused.
    pub refused: bool,
    /// Code of the error, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The card; absent for a refusal.
    pub card: Option<Marks>,
    /// The prose; absent without model.
    pub prose: Option<Marks>,
    /// Time of the card, milliseconds.
    pub card_ms: f64,
}

/// Marks one reply.
pub fn judge(question: &Question, reply: &Reply) -> Judged {
    let mut supported: BTreeSet<String> = numbers(&question.question);
    supported.extend(reply.quoted.iter().flat_map(|text| numbers(text)));
    let mark = |given: &Given| {
        let written = question.answer.as_deref().map(tokens);
        let text = tokens(&given.text);
        let relevant = |place: &&Place| question.relevant.iter().any(|r| r.matches(place));
        let found = question.relevant.iter().filter(|r| given.cited.iter().any(|c| r.matches(c))).count();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let precision = share(given.cited.iter().filter(relevant).count(), given.cited.len());
        Marks {
            exp_ans: question.answer.clone().unwrap_or_default(),
            gen_ans: given.text.clone(),
            bleu: written.as_ref().map(|w| bleu(w, &text)),
            meteor: written.as_ref().map(|w| meteor(w, &text)),
            precision: precision.filter(|_| !question.relevant.is_empty()),
            recall: share(found, question.relevant.len()),
            unsupported: numbers(&given.text).difference(&supported).cloned().collect(),
            took_ms: given.took_ms,
        }
    };
    Judged {
        id: question.id.clone(),
        answerable: !question.relevant.is_empty(),
        refused: reply.card.is_none(),
        failure: reply.failure.clone(),
        card: reply.card.as_ref().map(mark),
        prose: reply.prose.as_ref().map(mark),
        card_ms: reply.card_ms,
    }
}

/// The numbers of a text in one spelling: `5万`, `五万` and `50,000` are all 50000. Citation marks like `[1]` and list numbers are no
/// numbers of the matter; a lone Chinese digit is a word more often than a number (一般, 三方) and counts only before a unit.
fn numbers(text: &str) -> BTreeSet<String> {
    let text: Vec<char> = normalize(text).chars().collect();
    let mut out = BTreeSet::new();
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let run = |belongs: &dyn Fn(char) -> bool| text.iter().skip(at).take_while(|c| belongs(**c)).count();
        let arabic = run(&|c| c.is_ascii_digit() || matches!(c, '.' | ','));
        let chinese = run(&numeral::is_numeral);
        let length = if c.is_ascii_digit() { arabic } else { chinese };
        let word: String = text.iter().skip(at).take(length).collect();
        let before = at.checked_sub(1).and_then(|b| text.get(b));
        let after: String = text.iter().skip(at + length).take(2).collect();
        at += length.max(1);
        if length == 0 || before == Some(&'[') && after.starts_with(']') {
            continue;
        }
        if c.is_ascii_digit() {
            out.insert(scaled(word.trim_end_matches(['.', ',']), &after));
        } else if length > 1 || after.starts_with(UNITS) {
            // Characters that only look like a number (万一) have no value.
            out.extend(numeral::parse(&word).map(|value| value.to_string()));
        }
    }
    out
}

/// What makes a single Chinese digit before it a number.
const UNITS: [char; 24] = [
    '年', '月', '日', '天', '元', '倍', '条', '款', '项', '次', '份', '张', '人', '笔', '级', '周', '岁', '户', '折',
    '成', '小', '个', '名', '%',
];

/// `value` in plain digits, times the 万 or 亿 after it.
fn scaled(value: &str, after: &str) -> String {
    let plain = value.replace(',', "");
    let factor = match after.chars().next() {
        Some('万') => 1e4,
        Some('亿') => 1e8,
        _ => return plain,
    };
    plain.parse::<f64>().map_or(plain, |value| (value * factor).to_string())
}

/// The means over one kind of answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worth {
    /// Answers.
    pub answers: usize,
    /// Those whose question has a written answer: BLEU and METEOR are means over them.
    pub compared: usize,
    /// Mean BLEU.
    pub bleu: f64,
    /// Mean METEOR.
    pub meteor: f64,
    /// Mean over answers that cite something to a question that something answers.
    pub citation_precision: f64,
    /// Mean over answers to such questions.
    pub citation_recall: f64,
    /// Numbers that no quoted clause has.
    pub unsupported_numbers: usize,
    /// Answers with such a number.
    pub answers_with_unsupported: usize,
    /// Median time, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
}

impl Worth {
    fn of(marks: &[&Marks]) -> Worth {
        let mean = |values: Vec<f64>| {
            if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
        };
        let over = |value: &dyn Fn(&Marks) -> Option<f64>| mean(marks.iter().filter_map(|m| value(m)).collect());
        let mut times: Vec<f64> = marks.iter().map(|m| m.took_ms).collect();
        times.sort_by(f64::total_cmp);
        Worth {
            answers: marks.len(),
            compared: marks.iter().filter(|m| m.bleu.is_some()).count(),
            bleu: over(&|m| m.bleu),
            meteor: over(&|m| m.meteor),
            citation_precision: over(&|m| m.precision),
            citation_recall: over(&|m| m.recall),
            unsupported_numbers: marks.iter().map(|m| m.unsupported.len()).sum(),
            answers_with_unsupported: marks.iter().filter(|m| !m.unsupported.is_empty()).count(),
            p50_ms: percentile(&times, 0.5),
            p95_ms: percentile(&times, 0.95),
        }
    }
}

/// The figures of all answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerFigures {
    /// Questions asked.
    pub questions: usize,
    /// Those that a clause answers.
    pub answerable: usize,
    /// Refused although a clause answers.
    pub wrong_refusals: usize,
    /// Refused, and nothing answers.
    pub right_refusals: usize,
    /// Questions whose card or prose an error prevented.
    pub failures: usize,
    /// The cards.
    pub card: Worth,
    /// The model's prose; absent without model.
    pub prose: Option<Worth>,
}

impl AnswerFigures {
    /// Computes all figures.
    pub fn of(judged: &[Judged]) -> AnswerFigures {
        let refused = |answerable: bool| judged.iter().filter(|j| j.refused && j.answerable == answerable).count();
        let prose: Vec<&Marks> = judged.iter().filter_map(|j| j.prose.as_ref()).collect();
        AnswerFigures {
            questions: judged.len(),
            answerable: judged.iter().filter(|j| j.answerable).count(),
            wrong_refusals: refused(true),
            right_refusals: refused(false),
            failures: judged.iter().filter(|j| j.failure.is_some()).count(),
            card: Worth::of(&judged.iter().filter_map(|j| j.card.as_ref()).collect::<Vec<_>>()),
            prose: (!prose.is_empty()).then(|| Worth::of(&prose)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(answer: Option<&str>, clauses: &[&str]) -> Question {
        Question {
            line: 1,
            id: "1".into(),
            question: "取5万元要几天?".into(),
            answer: answer.map(str::to_owned),
            relevant: clauses.iter().map(|c| Place::parse("某法", c)).collect(),
            rests_on: vec![None; clauses.len()],
            register: None,
        }
    }

    fn reply(text: &str, cited: &[&str]) -> Reply {
        let cited = cited.iter().map(|c| Place::parse("某法", c)).collect();
        Reply {
            card: Some(Given { text: text.into(), cited, took_ms: 2.0 }),
            quoted: vec!["第二条 应当在三日内办理,手续费百分之二。".into()],
            card_ms: 2.0,
            prose: None,
            failure: None,
        }
    }

    #[test]
    fn citations_are_held_against_the_relevant_clauses() {
        let judged =
            judge(&question(Some("三日"), &["第二条", "第三条"]), &reply("三日", &["第二条", "第九条", "第十条"]));
        let marks = judged.card.unwrap();
        assert_eq!((marks.precision, marks.recall), (Some(1.0 / 3.0), Some(0.5)));
        // Two tokens: both characters, one pair; triples and quadruples smoothed. See overlap for the formula.
        assert!(marks.bleu.unwrap() > 0.0 && marks.unsupported.is_empty());
    }

    #[test]
    fn without_a_written_answer_only_citations_count() {
        let judged = judge(&question(None, &["第二条"]), &reply("三日", &["第二条"]));
        let figures = AnswerFigures::of(&[judged]);
        assert_eq!((figures.card.answers, figures.card.compared), (1, 0));
        assert_eq!((figures.card.citation_precision, figures.card.bleu), (1.0, 0.0));
    }

    #[test]
    fn numbers_that_nobody_stated_are_counted() {
        let text = "[1] 取五万元应当在3日内办理,一般收2%,十五天内有效,50,000元以上另行预约,一个工作日。";
        let judged = judge(&question(None, &["第二条"]), &reply(text, &[]));
        assert_eq!(judged.card.unwrap().unsupported, ["1", "15"]);
        assert_eq!(numbers("5万 五万 50,000 1.5亿").into_iter().collect::<Vec<_>>(), ["150000000", "50000"]);
    }

    #[test]
    fn refusals_are_right_or_wrong() {
        let none = Reply { card: None, ..reply("", &[]) };
        let judged = [judge(&question(None, &[]), &none), judge(&question(None, &["第一条"]), &none)];
        let figures = AnswerFigures::of(&judged);
        assert_eq!((figures.right_refusals, figures.wrong_refusals, figures.card.answers), (1, 1, 0));
    }
}
