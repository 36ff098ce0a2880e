//! Prose below the card: what a model writes from the card's clauses, checked sentence by sentence while it streams.

use super::outcome::{Card, Citation};
use crate::error::{Error, ErrorBody, Result};
use crate::guard::{Checked, Evidence, GuardedQuestion, SentenceGate};
use crate::inference::{
    Block, Constraint, GenerateEvent, GenerateRequest, GenerateStats, Generation, Generator, ModelId, Prompt,
};
use crate::prompt::{self, PromptClause};
use crate::types::AIGC_LABEL;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Longest prose in tokens: about 400 characters, twice the card's first screen.
const MAX_TOKENS: u32 = 400;
/// Longest time from the start of prefill: a colleague on the phone takes 30 s to 2 min.
const MAX_TIME_MS: u64 = 60_000;
/// Greedy decoding: the same evidence gives the same words.
const TEMPERATURE: f32 = 0.0;
/// Producer named in the implicit label.
const PRODUCER: &str = "Guida";

/// What the running prose yields; the event names of the API's stream are the variant names in lower case.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ProseEvent {
    /// Waiting or reading: for the progress line.
    Progress {
        /// Requests ahead in the queue.
        ahead: usize,
        /// Prompt tokens processed.
        prefill_done: u32,
        /// Prompt tokens in all, 0 while queued.
        prefill_total: u32,
    },
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

/// Summary at the end of the prose.
#[derive(Debug, Clone, Serialize)]
pub struct ProseDone {
    /// All text, after checks.
    pub text: String,
    /// The label that must accompany the text.
    pub label: &'static str,
    /// Sentences struck because a number, date or clause address in them stands in no cited clause.
    pub struck: Vec<String>,
    /// Card numbers that the text cites.
    pub cited: Vec<u32>,
    /// Card numbers of clauses that did not fit the model's window and so were not read by it.
    pub left_out: Vec<u32>,
    /// Prefill speed, tokens per second.
    pub prefill_tokens_per_second: f64,
    /// Writing speed, tokens per second.
    pub decode_tokens_per_second: f64,
    /// Figures.
    pub stats: GenerateStats,
    /// The model that wrote.
    pub model: ModelId,
    /// Version of the prompt it was given.
    pub prompt: &'static str,
    /// Implicit label (人工智能生成合成内容标识办法).
    #[serde(rename = "AIGC")]
    pub aigc: Aigc,
}

/// Implicit label of generated content; field names are fixed by GB 45438-2025.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Aigc {
    /// "1": generated.
    pub label: &'static str,
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

/// Asks the model to write from the card.
///
/// # Errors
/// `BUSY` or `MODEL_UNAVAILABLE` from the generator, `INTERNAL` when no thread can be started.
pub fn start(generator: &dyn Generator, question: &GuardedQuestion, card: &Card) -> Result<Prose> {
    let clauses: Vec<PromptClause<'_>> = card.citations.iter().map(prompt_clause).collect();
    let parts = prompt::build(question, &clauses, Some(card.conclusion.as_str()).filter(|c| !c.is_empty()));
    let generation = generator.start(GenerateRequest {
        prompt: Prompt {
            system: parts.system,
            head: parts.head,
            evidence: (0u32..).zip(parts.evidence).map(|(rank, text)| Block { text, rank }).collect(),
            tail: parts.tail,
        },
        max_tokens: MAX_TOKENS,
        max_time_ms: MAX_TIME_MS,
        temperature: TEMPERATURE,
        seed: 0,
        constraint: Constraint::Free,
    })?;
    let evidence: Vec<Evidence> = card.citations.iter().map(|c| Evidence { n: c.n, text: evidence_text(c) }).collect();
    let (sender, events) = channel();
    let cancel = generation.canceller();
    let mut writer = Writer {
        gate: SentenceGate::new(&evidence, question.text()),
        numbers: card.citations.iter().map(|c| c.n).collect(),
        model: generator.status().model,
        knowledge: card.generation.0.clone(),
        left_out: Vec::new(),
        text: String::new(),
        struck: Vec::new(),
        sender,
    };
    std::thread::Builder::new().name("prose".into()).spawn(move || writer.run(&generation)).map_err(|e| {
        Error::new(crate::error::Code::Internal, format!("无法启动生成线程:{e}"), "稍后重试;结论和原文条款不受影响")
            .because(e)
    })?;
    Ok(Prose { events, cancel })
}

fn prompt_clause(c: &Citation) -> PromptClause<'_> {
    PromptClause {
        n: c.n,
        document: &c.document,
        doc_no: &c.doc_no,
        clause: &c.clause,
        effective_from: c.effective_from,
        text: &c.text,
    }
}

/// Everything of a citation that prose may repeat.
fn evidence_text(c: &Citation) -> String {
    let day = |d: Option<crate::types::Date>| d.map(|d| d.to_string()).unwrap_or_default();
    format!(
        "《{}》\n{}\n{}\n{}\n{}\n{}\n{}",
        c.document,
        c.doc_no,
        c.clause,
        c.heading,
        day(c.effective_from),
        day(c.effective_to),
        c.text
    )
}

/// Turns the generator's events into checked prose. A send that fails means that the reader has gone; the generation is
/// cancelled by the flag the reader's `Prose` set when it was dropped, and the loop runs to its end.
struct Writer {
    gate: SentenceGate,
    numbers: Vec<u32>,
    model: ModelId,
    knowledge: String,
    left_out: Vec<usize>,
    text: String,
    struck: Vec<String>,
    sender: Sender<ProseEvent>,
}

impl Writer {
    fn run(&mut self, generation: &Generation) {
        for event in &generation.events {
            match event {
                GenerateEvent::Queued { ahead } => self.progress(ahead, 0, 0),
                GenerateEvent::Started { prompt_tokens, left_out } => {
                    self.left_out = left_out;
                    self.progress(0, 0, prompt_tokens);
                }
                GenerateEvent::Prefill { done, total } => self.progress(0, done, total),
                GenerateEvent::Token(piece) => {
                    let checked = self.gate.push(&piece);
                    self.take(checked);
                }
                GenerateEvent::Done(stats) => {
                    let checked = self.gate.finish();
                    self.take(checked);
                    let done = self.done(stats);
                    self.send(ProseEvent::Done(Box::new(done)));
                }
                GenerateEvent::Failed(error) => {
                    let checked = self.gate.finish();
                    self.take(checked);
                    self.send(ProseEvent::Error(ErrorBody::from(&error)));
                }
            }
        }
    }

    fn send(&self, event: ProseEvent) {
        // Nobody listens any more: see the type's comment.
        let _ = self.sender.send(event);
    }

    fn progress(&self, ahead: usize, prefill_done: u32, prefill_total: u32) {
        self.send(ProseEvent::Progress { ahead, prefill_done, prefill_total });
    }

    fn take(&mut self, checked: Vec<Checked>) {
        for sentence in checked {
            match sentence {
                Checked::Kept(text) => {
                    self.text.push_str(text.as_str());
                    self.send(ProseEvent::Token { text: text.as_str().to_owned() });
                }
                Checked::Struck(sentence, reason) => self.struck.push(format!("{}({reason})", sentence.trim())),
            }
        }
    }

    fn done(&mut self, stats: GenerateStats) -> ProseDone {
        let speed = |tokens: u32, ms: f64| if ms > 0.0 { f64::from(tokens) * 1e3 / ms } else { 0.0 };
        let id: String = Sha256::digest(format!("{}\n{}\n{}", self.knowledge, self.model.sha256, self.text))
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        ProseDone {
            label: AIGC_LABEL,
            cited: self.gate.cited().to_vec(),
            left_out: self.left_out.iter().filter_map(|at| self.numbers.get(*at).copied()).collect(),
            prefill_tokens_per_second: speed(stats.prompt_tokens, stats.prefill_ms),
            decode_tokens_per_second: speed(stats.generated_tokens, stats.decode_ms),
            stats,
            model: self.model.clone(),
            prompt: prompt::VERSION,
            aigc: Aigc {
                label: "1",
                content_producer: PRODUCER.to_owned(),
                produce_id: id.clone(),
                reserved_code1: String::new(),
                content_propagator: PRODUCER.to_owned(),
                propagate_id: id,
                reserved_code2: String::new(),
            },
            text: std::mem::take(&mut self.text),
            struck: std::mem::take(&mut self.struck),
        }
    }
}
