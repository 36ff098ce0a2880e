//! Asking every question of a file through the door, as a teller would, and marking what comes back.

use super::Engine;
use super::reply::Reply as DoorReply;
use super::request::{Actor, AskRequest, Request};
use crate::answer::AnswerReply;
use crate::answer::outcome::{Card, Citation};
use crate::answer::prose::{Prose, ProseDone, ProseEvent, ProseStep};
use crate::error::{Code, Error, ErrorBody, Result};
use crate::eval::answers::{Given, Reply, judge};
use crate::eval::questions;
use crate::eval::report::{self, Subject};
use crate::text::normalize::title_key;
use crate::text::questions::Place;
use crate::types::Date;
use std::path::Path;
use std::time::{Duration, Instant};

pub use crate::eval::answers::{AnswerFigures, Judged};
pub use crate::eval::report::Report;

/// Longest wait for the next event of the prose before looking again.
const POLL: Duration = Duration::from_millis(200);

/// What to ask.
#[derive(Debug)]
pub struct Exam<'a> {
    /// Questions with answers.
    pub questions: &'a Path,
    /// The day whose rules are asked for.
    pub as_of: Date,
    /// Whether a model writes, too.
    pub prose: bool,
    /// Name of the report without its ending.
    pub name: &'a str,
}

/// Asks all questions, one after the other. A question that the door turns away counts as refused, with the error's code.
///
/// # Errors
/// `QUESTIONS_FILE`; `KB_CORRUPT` when the knowledge no longer reads.
pub fn sit(
    engine: &Engine,
    actor: &Actor,
    exam: &Exam<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(AnswerFigures, Vec<Judged>, Report)> {
    let questions = questions::read(exam.questions)?;
    let mut judged = Vec::with_capacity(questions.len());
    for (number, question) in questions.iter().enumerate() {
        progress(number, questions.len());
        let ask = AskRequest {
            question: question.question.clone(),
            as_of: Some(exam.as_of),
            prose: exam.prose,
            ..AskRequest::default()
        };
        judged.push(judge(question, &reply(engine, actor, ask)?));
    }
    progress(questions.len(), questions.len());
    let status = engine.status(&engine.seat.answerer())?;
    let subject = Subject {
        generation: status.generation.0,
        questions: exam.questions.display().to_string(),
        as_of: exam.as_of.to_string(),
        encoder: status.embedder.map(|model| model.name),
        model: status.generator.filter(|_| exam.prose).map(|generator| generator.model.name),
    };
    let figures = AnswerFigures::of(&judged);
    let report = report::answers(exam.name, &subject, &figures, &judged);
    Ok((figures, judged, report))
}

fn reply(engine: &Engine, actor: &Actor, ask: AskRequest) -> Result<Reply> {
    let started = Instant::now();
    let passed = || started.elapsed().as_secs_f64() * 1e3;
    let answered = engine.handle(actor, Request::Ask(ask));
    let card_ms = passed();
    let turned_away = |failure| Reply { card: None, quoted: Vec::new(), card_ms, prose: None, failure };
    let AnswerReply { card, prose, prose_unavailable, .. } = match answered {
        Ok(DoorReply::Answer(answer)) => *answer,
        Ok(_) => return Ok(turned_away(Some(Code::Internal.as_str().to_owned()))),
        Err(e) if e.code() == Code::KbCorrupt => return Err(e),
        Err(e) => return Ok(turned_away(Some(e.code().as_str().to_owned()))),
    };
    if card.refused {
        return Ok(turned_away(None));
    }
    let written = match (prose, prose_unavailable) {
        (Some(prose), _) => Some(finish(prose)),
        (None, Some(why)) => Some(Err(why)),
        (None, None) => None,
    };
    let failure = written.as_ref().and_then(|w| w.as_ref().err()).map(|why| why.code.to_string());
    let prose = written.and_then(std::result::Result::ok).map(|done| Given {
        cited: card.citations.iter().filter(|c| done.cited.contains(&c.n)).map(place).collect(),
        text: done.text,
        took_ms: passed(),
    });
    Ok(Reply {
        quoted: card.citations.iter().map(quoted).collect(),
        card: Some(Given { text: shown(&card), cited: card.citations.iter().map(place).collect(), took_ms: card_ms }),
        card_ms,
        prose,
        failure,
    })
}

/// Waits for the end of the prose.
fn finish(mut prose: Prose) -> std::result::Result<ProseDone, ErrorBody> {
    loop {
        match prose.next(POLL) {
            ProseStep::Event(ProseEvent::Done(done)) => return Ok(*done),
            ProseStep::Event(ProseEvent::Error(why)) => return Err(why),
            ProseStep::Event(_) | ProseStep::Idle => {}
            ProseStep::Finished => {
                return Err(ErrorBody::from(&Error::new(Code::ModelDied, "说明意外中断", "再问一次")));
            }
        }
    }
}

/// What a teller reads first: the conclusion and the first clause.
fn shown(card: &Card) -> String {
    let clause = card.citations.first().map_or("", |c| c.text.as_str());
    if clause.contains(card.conclusion.as_str()) {
        return clause.to_owned();
    }
    format!("{}\n{clause}", card.conclusion)
}

fn place(c: &Citation) -> Place {
    Place { title_key: title_key(&c.document), address: c.address.clone() }
}

fn quoted(c: &Citation) -> String {
    let day = |d: Option<Date>| d.map_or_else(String::new, |d| d.to_string());
    let (from, to) = (day(c.effective_from), day(c.effective_to));
    format!("{} {} {} {} {from} {to}\n{}", c.document, c.doc_no, c.clause, c.heading, c.text)
}
