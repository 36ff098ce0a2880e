//! Questions whose conclusions are judged: their lines, what became of each, and the figures.
//!
//! A line is `{"id", "question", "refuse": true|false, "kind": [name]}` with a [`super::rule`], or in place of the question `turns`,
//! each a question with its rule. A line with `refuse` has no rule: the right answer is none.

use super::calibration::{self, Bin};
use super::candidates;
use super::judge::{self, Verdict};
use super::metrics::share;
use super::rule::{Rule, Written};
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Ending of the questions files that are taken from a folder.
const ENDING: &str = "jsonl";

/// What part a question has in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A clause answers it.
    Answerable,
    /// Nothing answers it.
    Unanswerable,
    /// It opens a dialogue.
    FirstTurn,
    /// It goes on in a dialogue.
    FollowUp,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its id; in a dialogue with its number.
    pub id: String,
    /// The words.
    pub question: String,
    /// Its part.
    pub part: Part,
    /// What its conclusion is judged by; `None` when nothing answers it.
    pub rule: Option<Rule>,
}

/// One line: a single question or a dialogue.
#[derive(Debug, Clone)]
pub struct Line {
    /// See [`candidates::topic`].
    pub topic: String,
    /// What kinds of question it is.
    pub kinds: Vec<String>,
    /// The questions, in the order in which they are asked.
    pub turns: Vec<Turn>,
}

/// What was said to a question.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The first line of the card.
    pub conclusion: String,
    /// Where it stands: title and address.
    pub source: String,
    /// Whether the question was refused.
    pub refused: bool,
    /// Probability that the card gives for its conclusion.
    pub confidence: f64,
    /// Code of the error that turned the question away.
    pub failure: Option<String>,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// The words.
    pub question: String,
    /// What the conclusion is worth.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// The conclusion.
    pub conclusion: String,
    /// Where it stands.
    pub conclusion_source: String,
    /// Whether the question was refused.
    pub refused: bool,
    /// Confidence of the card.
    pub confidence: f64,
    #[serde(skip)]
    kinds: Vec<String>,
    #[serde(skip)]
    part: Part,
}

#[derive(Deserialize)]
struct WrittenLine {
    id: String,
    question: Option<String>,
    turns: Option<Vec<WrittenTurn>>,
    #[serde(default)]
    refuse: bool,
    #[serde(default)]
    kind: Vec<String>,
    #[serde(flatten)]
    rule: Written,
}

#[derive(Deserialize)]
struct WrittenTurn {
    question: String,
    #[serde(flatten)]
    rule: Written,
}

/// Reads questions files; of a folder all that end in `.jsonl`, by name.
///
/// # Errors
/// `QUESTIONS_FILE` naming file and line.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for file in files(paths)? {
        let text = std::fs::read_to_string(&file).map_err(|e| unreadable(&file, &e))?;
        for (number, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            lines.push(line(text, &file).map_err(|e| {
                let place = format!("问题文件 {} 第 {} 行", file.display(), number + 1);
                Error::new(Code::QuestionsFile, format!("{place}:{}", e.message()), e.hint())
            })?);
        }
    }
    if lines.is_empty() {
        return Err(Error::new(Code::QuestionsFile, "问题文件里没有问题", "检查 --questions 的路径和内容"));
    }
    Ok(lines)
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = entries.map_err(|e| unreadable(path, &e))?;
        let mut inside: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        inside.retain(|file| file.extension().is_some_and(|ending| ending == ENDING));
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    Error::new(Code::QuestionsFile, format!("问题文件 {} 读不出来:{e}", path.display()), "检查路径、权限和编码(UTF-8)")
}

fn line(text: &str, file: &Path) -> Result<Line> {
    let written: WrittenLine = serde_json::from_str(text).map_err(|e| {
        Error::new(
            Code::QuestionsFile,
            format!("格式不对:{e}"),
            r#"每行一个 JSON:{"id","question" 或 "turns","refuse","kind","clauses","must","must_not","polarity","asks","about"(可不写)}"#,
        )
    })?;
    let named = |id: &str, e: Error| Error::new(Code::QuestionsFile, format!("({id}){}", e.message()), e.hint());
    let rule = |id: &str, written: Written| Rule::new(written).map_err(|e| named(id, e));
    let WrittenLine { id, question, turns, refuse, kind: kinds, rule: of_line } = written;
    let topic = candidates::topic(&id, file);
    let turns = match (question, turns) {
        (None, Some(turns)) if !turns.is_empty() => {
            let turn = |(place, turn): (usize, WrittenTurn)| {
                let id = format!("{id}.{}", place + 1);
                let part = if place == 0 { Part::FirstTurn } else { Part::FollowUp };
                Ok(Turn { rule: Some(rule(&id, turn.rule)?), id, question: turn.question, part })
            };
            turns.into_iter().enumerate().map(turn).collect::<Result<_>>()?
        }
        (Some(question), None) if refuse => vec![Turn { id, question, part: Part::Unanswerable, rule: None }],
        (Some(question), None) => {
            vec![Turn { rule: Some(rule(&id, of_line)?), id, question, part: Part::Answerable }]
        }
        _ => {
            let e = Error::new(Code::QuestionsFile, "要么写 question,要么写 turns", "补上问题,或去掉其中一个");
            return Err(named(&id, e));
        }
    };
    Ok(Line { topic, kinds, turns })
}

impl Turn {
    /// Whether this, taken from there, would have been the right conclusion; see [`judge::verdict`].
    ///
    /// # Errors
    /// As there.
    pub fn is_right(&self, conclusion: &str, source: &str) -> Result<bool> {
        let Some(rule) = &self.rule else { return Ok(false) };
        Ok(judge::verdict(rule, conclusion, source)?.0 == Verdict::Right)
    }
}

impl Line {
    /// Judges what was said to one of its questions.
    ///
    /// # Errors
    /// `QUESTIONS_FILE`, see [`judge::verdict`].
    pub fn judge(&self, turn: &Turn, said: Said) -> Result<Outcome> {
        let (verdict, why) = match &turn.rule {
            _ if said.refused => (Verdict::Refused, said.failure.unwrap_or_else(|| "拒答".to_owned())),
            Some(rule) => judge::verdict(rule, &said.conclusion, &said.source)?,
            None => judge::unanswerable(&said.conclusion),
        };
        Ok(Outcome {
            id: turn.id.clone(),
            question: turn.question.clone(),
            verdict,
            why,
            conclusion: said.conclusion,
            conclusion_source: said.source,
            refused: said.refused,
            confidence: said.confidence,
            kinds: self.kinds.clone(),
            part: turn.part,
        })
    }
}

/// Questions by what their conclusions are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Answered right.
    pub right: usize,
    /// Answered without what decides.
    pub incomplete: usize,
    /// Answered wrong.
    pub wrong: usize,
    /// Refused though a clause answers.
    pub refused_wrongly: usize,
    /// Answered though no clause answers.
    pub answered_wrongly: usize,
    /// Refused, and no clause answers.
    pub refused_rightly: usize,
}

impl Tally {
    /// Counts outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Tally {
        let mut tally = Tally::default();
        for outcome in outcomes {
            *match outcome.verdict {
                Verdict::Right => &mut tally.right,
                Verdict::Incomplete => &mut tally.incomplete,
                Verdict::Wrong => &mut tally.wrong,
                Verdict::Answered => &mut tally.answered_wrongly,
                Verdict::Refused if outcome.part == Part::Unanswerable => &mut tally.refused_rightly,
                Verdict::Refused => &mut tally.refused_wrongly,
            } += 1;
        }
        tally
    }

    /// All of them.
    pub fn questions(&self) -> usize {
        self.answerable() + self.unanswerable()
    }

    /// Those that a clause answers.
    pub fn answerable(&self) -> usize {
        self.right + self.incomplete + self.wrong + self.refused_wrongly
    }

    /// Those that no clause answers.
    pub fn unanswerable(&self) -> usize {
        self.answered_wrongly + self.refused_rightly
    }
}

/// The questions of one kind; a question of several kinds counts in each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindTally {
    /// Name of the kind.
    pub kind: String,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// The figures of all conclusions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConclusionFigures {
    /// Single questions.
    pub single: Tally,
    /// First questions of dialogues.
    pub first_turns: Tally,
    /// Later questions of dialogues.
    pub follow_ups: Tally,
    /// Single questions by kind, the most frequent first.
    pub kinds: Vec<KindTally>,
    /// Share right of the concluded answers, dialogues included, by tenths of the confidence.
    pub reliability: Vec<Bin>,
    /// Of all concluded answers; `null` when there are none.
    pub concluded_right: Option<f64>,
}

impl ConclusionFigures {
    /// Computes all figures.
    pub fn of(outcomes: &[Outcome]) -> ConclusionFigures {
        let part = |parts: &[Part]| Tally::of(outcomes.iter().filter(|o| parts.contains(&o.part)));
        let concluded: Vec<(f64, bool)> = outcomes
            .iter()
            .filter(|o| o.verdict != Verdict::Refused && o.confidence > 0.0)
            .map(|o| (o.confidence, o.verdict == Verdict::Right))
            .collect();
        ConclusionFigures {
            single: part(&[Part::Answerable, Part::Unanswerable]),
            first_turns: part(&[Part::FirstTurn]),
            follow_ups: part(&[Part::FollowUp]),
            kinds: kinds(outcomes),
            concluded_right: share(concluded.iter().filter(|(_, right)| *right).count(), concluded.len()),
            reliability: calibration::tenths(&concluded),
        }
    }
}

fn kinds(outcomes: &[Outcome]) -> Vec<KindTally> {
    let mut by_kind: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|o| matches!(o.part, Part::Answerable | Part::Unanswerable)) {
        for kind in &outcome.kinds {
            by_kind.entry(kind).or_default().push(outcome);
        }
    }
    let row = |(kind, outcomes): (&str, Vec<&Outcome>)| KindTally { kind: kind.into(), tally: Tally::of(outcomes) };
    let mut kinds: Vec<KindTally> = by_kind.into_iter().map(row).collect();
    kinds.sort_by_key(|row| std::cmp::Reverse(row.tally.questions()));
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLE: &str = r#"{"id":"a","question":"挂失几天","kind":["deadline","number"],"must":[["5日"]]}"#;
    const REFUSED: &str = r#"{"id":"b","question":"几点关门","kind":["near-miss"],"refuse":true,"must":[]}"#;
    const DIALOGUE: &str = r#"{"id":"c","kind":["multi-turn"],"turns":[{"question":"挂失","must":[]},
                              {"question":"几天","must":[["5日"]]}]}"#;

    fn line(text: &str) -> Result<Line> {
        super::line(text, Path::new("teller/a.jsonl"))
    }

    fn said(conclusion: &str, confidence: f64) -> Said {
        Said { conclusion: conclusion.into(), confidence, ..Said::default() }
    }

    #[test]
    fn each_question_is_counted_in_its_part() {
        let lines = [SINGLE, REFUSED, DIALOGUE].map(|text| line(text).unwrap());
        let refusal = Said { refused: true, ..Said::default() };
        let answers = [said("五天内", 0.9), refusal, said("可以", 0.3), said("收费10元", 0.95)];
        let turns = lines.iter().flat_map(|line| line.turns.iter().map(move |turn| (line, turn)));
        let outcomes: Vec<Outcome> =
            turns.zip(answers).map(|((line, turn), said)| line.judge(turn, said).unwrap()).collect();
        assert_eq!(outcomes.iter().map(|o| o.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c.1", "c.2"]);
        let figures = ConclusionFigures::of(&outcomes);
        assert_eq!((figures.single.answerable(), figures.single.right, figures.single.refused_rightly), (1, 1, 1));
        assert_eq!((figures.first_turns.right, figures.follow_ups.wrong), (1, 1));
        assert_eq!(
            figures.kinds.iter().map(|k| k.kind.as_str()).collect::<Vec<_>>(),
            ["deadline", "near-miss", "number"]
        );
        assert_eq!(figures.concluded_right, Some(2.0 / 3.0));
        assert_eq!((figures.reliability[9].questions, figures.reliability[9].answered), (2, 0.5));
    }

    #[test]
    fn a_conclusion_is_right_by_the_rule_and_never_where_nothing_answers() {
        let turn = |text| line(text).unwrap().turns.remove(0);
        assert!(turn(SINGLE).is_right("五天内", "").unwrap());
        assert!(!turn(SINGLE).is_right("十天内", "").unwrap());
        assert!(!turn(REFUSED).is_right("五天内", "").unwrap());
    }

    #[test]
    fn a_wrong_line_is_named() {
        for wrong in [
            r#"{"id":"a","question":"挂失","must":[["("]]}"#,
            r#"{"id":"a","must":[]}"#,
            r#"{"id":"a","turns":[]}"#,
            r#"{"id":"a","question":"挂失"}"#,
        ] {
            let e = line(wrong).unwrap_err();
            assert!(e.code() == Code::QuestionsFile && e.message().starts_with("(a)"), "{e}");
        }
        assert!(line(r#"{"id":"a","question":"挂失","must":[],"asks":"why"}"#).unwrap_err().message().contains("why"));
        assert!(line("{").is_err());
    }
}
