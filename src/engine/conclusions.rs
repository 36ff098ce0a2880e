//! Asking questions with rules through the door, as a teller would, and judging the conclusions that come back, or all that were considered.

use super::asking::Asking;
use super::reply::Reply;
use super::request::{Actor, AskRequest, Request};
use super::{Engine, policy};
use crate::answer::outcome::Card;
use crate::error::{Code, Error, Result};
use crate::eval::candidates::Considered;
use crate::eval::conclusions::{Part, Said, Turn, read};
use crate::retrieval::Ranked;
use crate::retrieval::conclusions::Candidate;
use crate::store::Knowledge;
use crate::text::address;
use crate::types::Date;
use std::path::PathBuf;

pub use crate::eval::calibration::Bin;
pub use crate::eval::conclusions::{ConclusionFigures, KindTally, Outcome, Tally};

/// Asks all questions of these files and folders, dialogues turn by turn. A question that the door turns away counts as refused.
///
/// # Errors
/// `QUESTIONS_FILE`; `KB_CORRUPT` when the knowledge no longer reads.
pub fn sit(
    engine: &Engine,
    actor: &Actor,
    questions: &[PathBuf],
    as_of: Date,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(ConclusionFigures, Vec<Outcome>)> {
    let lines = read(questions)?;
    let total = lines.iter().map(|line| line.turns.len()).sum();
    let mut outcomes = Vec::with_capacity(total);
    for line in &lines {
        let mut session = None;
        for turn in &line.turns {
            progress(outcomes.len(), total);
            let card = match ask(engine, actor, &turn.question, as_of, session.take()) {
                Ok((card, id)) => {
                    session = Some(id);
                    Ok(card)
                }
                Err(e) if e.code() == Code::KbCorrupt => return Err(e),
                Err(e) => Err(e.code()),
            };
            outcomes.push(line.judge(turn, said(&card))?);
        }
    }
    progress(total, total);
    Ok((ConclusionFigures::of(&outcomes), outcomes))
}

/// What was considered as the conclusion of every single question, each asked by itself; dialogues are left out, and questions that
/// the door turns away.
///
/// # Errors
/// As [`sit`].
pub fn considered(
    engine: &Engine,
    actor: &Actor,
    questions: &[PathBuf],
    as_of: Date,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Considered>> {
    let lines = read(questions)?;
    let answerer = engine.seat.answerer();
    let retriever = answerer.retriever();
    let mut all = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        progress(number, lines.len());
        let single = |turn: &&Turn| matches!(turn.part, Part::Answerable | Part::Unanswerable);
        let Some(turn) = line.turns.first().filter(single) else { continue };
        let ask = AskRequest { question: turn.question.clone(), as_of: Some(as_of), ..AskRequest::default() };
        policy::authorise(actor, &Request::Ask(ask.clone()))?;
        let asking = Asking::by_itself(engine.clock(), retriever, actor, &ask);
        let ranked = match asking.and_then(|asking| asking.weigh(&answerer)) {
            Ok(weighed) => weighed.ranked,
            Err(e) if e.code() == Code::KbCorrupt => return Err(e),
            Err(_) => continue,
        };
        all.push(marked(retriever.knowledge(), &line.topic, turn, &ranked)?);
    }
    progress(lines.len(), lines.len());
    Ok(all)
}

fn marked(knowledge: &Knowledge, topic: &str, turn: &Turn, ranked: &Ranked) -> Result<Considered> {
    let is_right = |candidate: &Candidate| {
        let version = knowledge.version_of(candidate.clause);
        let (Some(version), Some(clause)) = (version, knowledge.clause(candidate.clause)?) else { return Ok(false) };
        turn.is_right(&candidate.text, &format!("《{}》{}", version.row.title, address::print(&clause.address)))
    };
    Considered::new((&turn.id, topic.to_owned(), turn.rule.is_some()), ranked, is_right)
}

/// Asks one question of a session, and tells the session's id: the only place that knows how a conversation travels.
fn ask(engine: &Engine, actor: &Actor, question: &str, as_of: Date, session: Option<String>) -> Result<(Card, String)> {
    let ask = AskRequest { question: question.to_owned(), as_of: Some(as_of), session, ..AskRequest::default() };
    match engine.handle(actor, Request::Ask(ask))? {
        Reply::Answer(answer) => Ok((answer.card, answer.session)),
        _ => Err(Error::new(Code::Internal, "提问没有得到答案", "请把本条信息报给软件维护方")),
    }
}

fn said(card: &std::result::Result<Card, Code>) -> Said {
    match card {
        Ok(card) => Said {
            conclusion: card.conclusion.clone(),
            source: card.conclusion_source.clone(),
            refused: card.refused,
            confidence: card.conclusion_confidence,
            failure: None,
        },
        Err(code) => Said { refused: true, failure: Some(code.as_str().to_owned()), ..Said::default() },
    }
}
