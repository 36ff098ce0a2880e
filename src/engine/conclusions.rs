//! Asking questions with rules through the door, as a teller would, and judging the conclusions that come back.

use super::Engine;
use super::reply::Reply;
use super::request::{Actor, AskRequest, Request};
use crate::answer::outcome::Card;
use crate::error::{Code, Error, Result};
use crate::eval::conclusions::{Said, read};
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
            confidence: card.confidence,
            failure: None,
        },
        Err(code) => Said { refused: true, failure: Some(code.as_str().to_owned()), ..Said::default() },
    }
}
