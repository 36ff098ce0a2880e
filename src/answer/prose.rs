//! Prose below the card, as it reaches its reader: events on the way, a summary at the end.

use super::routing::Role;
use super::structured::Structured;
use crate::error::ErrorBody;
use crate::inference::{GenerateStats, ModelId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Producer named in the implicit label.
const PRODUCER: &str = "Guida";

/// What the running prose yields; the event names of the API's stream are the variant names in lower case.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ProseEvent {
    /// How far it is: for the progress line.
    Progress(Progress),
    /// A piece of checked text.
    Token {
        /// Append it.
        text: String,
    },
    /// The end.
    Done(Box<ProseDone>),
    /// The end, too soon; what was shown stays, marked as interrupted.
    Error(ErrorBody),
}

/// What the model is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waiting behind others.
    #[default]
    Queued,
    /// Processing the prompt.
    Reading,
    /// Reasoning, which is not shown.
    Thinking,
    /// Writing the answer.
    Writing,
}

/// How far the prose is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What the model is doing.
    pub stage: Stage,
    /// Requests ahead in the queue.
    pub ahead: usize,
    /// How long the first word was expected to take when the question was put, in milliseconds; 0 when nothing is known.
    pub expected_wait_ms: u64,
    /// Prompt tokens processed.
    pub prefill_done: u32,
    /// Prompt tokens in all, 0 while queued.
    pub prefill_total: u32,
    /// Pieces of text written, reasoning included: tokens, but for characters that take several.
    pub written: u32,
    /// Speed of reading or writing so far; `None` until it can be told.
    pub tokens_per_second: Option<f64>,
}

/// Summary at the end of the prose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProseDone {
    /// All text, after checks.
    pub text: String,
    /// The label that must accompany the text.
    pub label: Cow<'static, str>,
    /// Sentences struck because a number, date or clause address in them stands in no cited clause.
    pub struck: Vec<String>,
    /// Card numbers that the text cites.
    pub cited: Vec<u32>,
    /// Card numbers of clauses that did not fit the model's window and so were not read by it.
    pub left_out: Vec<u32>,
    /// Prefill speed, tokens per second, of the tokens that the prompt cache did not hold.
    pub prefill_tokens_per_second: f64,
    /// Writing speed, tokens per second.
    pub decode_tokens_per_second: f64,
    /// Figures.
    pub stats: GenerateStats,
    /// The same as an object, where that was asked for and the model got to the end of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured: Option<Structured>,
    /// Whether the text was written, and checked, for an earlier question; the figures are those of that time.
    pub cached: bool,
    /// What the model that wrote is for.
    pub role: Role,
    /// The model that wrote.
    pub model: ModelId,
    /// Version of the prompt it was given.
    pub prompt: Cow<'static, str>,
    /// Implicit label (人工智能生成合成内容标识办法).
    #[serde(rename = "AIGC")]
    pub aigc: Aigc,
}

/// Implicit label of generated content; field names are fixed by GB 45438-2025.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Aigc {
    /// "1": generated.
    pub label: Cow<'static, str>,
    /// Who made the content.
    pub content_producer: String,
    /// Id of this content.
    #[serde(rename = "ProduceID")]
    pub produce_id: String,
    /// Reserved for the producer.
    pub reserved_code1: String,
    /// Who passes the content on.
    pub content_propagator: String,
    /// Id given by who passes it on.
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    /// Reserved for who passes it on.
    pub reserved_code2: String,
}

impl Aigc {
    /// The label of a content with this id.
    pub(super) fn new(id: &str) -> Aigc {
        Aigc {
            label: "1".into(),
            content_producer: PRODUCER.to_owned(),
            produce_id: id.to_owned(),
            reserved_code1: String::new(),
            content_propagator: PRODUCER.to_owned(),
            propagate_id: id.to_owned(),
            reserved_code2: String::new(),
        }
    }
}

/// Prose on its way. Dropping it stops the model.
#[derive(Debug)]
pub struct Prose {
    events: Receiver<ProseEvent>,
    cancel: Arc<AtomicBool>,
}

/// What [`Prose::next`] found.
#[derive(Debug)]
pub enum ProseStep {
    /// Something happened.
    Event(ProseEvent),
    /// Nothing within the wait.
    Idle,
    /// The end was reported before.
    Finished,
}

impl Prose {
    /// Couples a channel of events with the flag that stops their producer.
    pub fn from_events(events: Receiver<ProseEvent>, cancel: Arc<AtomicBool>) -> Prose {
        Prose { events, cancel }
    }

    /// Prose that was written before: all of it, at once.
    pub(super) fn stored(done: &ProseDone) -> Prose {
        let (sender, events) = channel();
        let tokens = (!done.text.is_empty()).then(|| ProseEvent::Token { text: done.text.clone() });
        let done = ProseEvent::Done(Box::new(ProseDone { cached: true, ..done.clone() }));
        for event in tokens.into_iter().chain([done]) {
            // Cannot fail: the receiver is held below.
            let _ = sender.send(event);
        }
        Prose { events, cancel: Arc::new(AtomicBool::new(false)) }
    }

    /// The next step, within `wait`.
    pub fn next(&mut self, wait: Duration) -> ProseStep {
        match self.events.recv_timeout(wait) {
            Ok(event) => ProseStep::Event(event),
            Err(RecvTimeoutError::Timeout) => ProseStep::Idle,
            Err(RecvTimeoutError::Disconnected) => ProseStep::Finished,
        }
    }

    /// The flag that stops the writing; what was written so far still ends with `Done`.
    pub fn canceller(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }
}

impl Drop for Prose {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Release);
    }
}
