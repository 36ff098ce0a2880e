//! Having a model write from a card: what it is told, and what becomes of what it says.
//!
//! A [`Draft`] is the request with everything that belongs to it: which clause stands where in the prompt, what each bears out,
//! and the key under which the finished answer is kept. [`write`] hands it to a generator and starts a [`Writer`].

use super::Ask;
use super::cache::{AnswerCache, Key, KeyMaker};
use super::outcome::{Card, Citation};
use super::prose::Prose;
use super::routing::Role;
use super::writer::{Task, Writer};
use crate::error::{Code, Error, Result};
use crate::guard::{Evidence, SentenceGate};
use crate::inference::{Block, Constraint, GenerateRequest, Generator, GeneratorStatus, Prompt};
use crate::prompt::{self, Form, PromptClause, Standing};
use crate::store::{BasisRow, Knowledge};
use crate::types::{Date, Level};
use std::sync::Arc;
use std::sync::mpsc::channel;

/// Longest prose in tokens: about 400 characters, twice the card's first screen.
const MAX_TOKENS: u32 = 400;
/// Longest time from the start of prefill: a colleague on the phone takes 30 s to 2 min.
const MAX_TIME_MS: u64 = 60_000;
/// Greedy decoding: the same evidence gives the same words.
const TEMPERATURE: f32 = 0.0;

/// What a model is to write, and from what.
pub(super) struct Draft {
    request: GenerateRequest,
    /// In the order of the prompt.
    evidence: Vec<Evidence>,
    question: String,
    knowledge: String,
    /// Everything that the answer depends on, but for the model.
    circumstances: String,
}

impl Draft {
    /// What to write for a card.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub(super) fn new(knowledge: &Knowledge, ask: &Ask<'_>, card: &Card) -> Result<Draft> {
        let scene = card.citations.iter().find(|c| c.level == Level::Guide);
        let basis = scene.map_or(Ok(Vec::new()), |scene| knowledge.basis(scene.id))?;
        let addresses: Vec<String> = card.citations.iter().map(address).collect();
        let cited = card.citations.iter().zip(&addresses);
        let clauses: Vec<PromptClause<'_>> =
            cited.map(|(c, address)| prompt_clause(c, address, standing(knowledge, &basis, c))).collect();
        let conclusion = Some(card.conclusion.as_str()).filter(|c| !c.is_empty());
        let form = if ask.structured { Form::Json } else { Form::Text };
        let parts = prompt::build(ask.question, &clauses, conclusion, form);
        let cited = parts.evidence.iter().filter_map(|placed| card.citations.get(placed.given));
        let evidence = cited.zip(1..).map(|(c, n)| Evidence { n, shown: c.n, text: evidence_text(c) }).collect();
        let blocks = parts
            .evidence
            .into_iter()
            .map(|placed| Block { text: placed.text, rank: u32::try_from(placed.given).unwrap_or(u32::MAX) });
        let scope = &ask.scope;
        let constraint = match u32::try_from(card.citations.len()) {
            Ok(0) | Err(_) => Constraint::Free,
            Ok(clauses) if ask.structured => Constraint::Json(clauses),
            Ok(clauses) => Constraint::Citations(clauses),
        };
        Ok(Draft {
            request: GenerateRequest {
                prompt: Prompt { system: parts.system, head: parts.head, evidence: blocks.collect(), tail: parts.tail },
                max_tokens: MAX_TOKENS,
                max_time_ms: MAX_TIME_MS,
                temperature: TEMPERATURE,
                seed: 0,
                constraint,
            },
            evidence,
            question: ask.question.text().to_owned(),
            knowledge: card.generation.0.clone(),
            circumstances: format!("{}\n{:?}\n{:?}", scope.as_of, scope.clearance, ask.choice),
        })
    }

    /// The prompt.
    pub(super) fn into_prompt(self) -> Prompt {
        self.request.prompt
    }

    /// The key of this answer by this model, `None` while the model's checksum is not known.
    ///
    /// Levels and recently cited documents take part by what they change: the clauses and their numbers. Day, clearance
    /// and choice take part by themselves too, and so does the context's length, which decides what is left out.
    pub(super) fn key(&self, status: &GeneratorStatus) -> Option<Key> {
        if status.model.sha256.is_empty() {
            return None;
        }
        let request = &self.request;
        let settings = (request.max_tokens, request.max_time_ms, request.temperature.to_bits(), request.seed);
        let mut key = KeyMaker::default()
            .part(prompt::VERSION)
            .part(&status.model.name)
            .part(&status.model.sha256)
            .part(&format!("{} {settings:?} {:?}", status.context_tokens, request.constraint))
            .part(&self.knowledge)
            .part(&self.circumstances)
            .part(&self.question)
            .part(&request.prompt.system)
            .part(&request.prompt.head)
            .part(&request.prompt.tail);
        for (block, evidence) in request.prompt.evidence.iter().zip(&self.evidence) {
            key = key.part(&format!("{} {}", block.rank, evidence.shown)).part(&block.text).part(&evidence.text);
        }
        Some(key.key())
    }
}

/// Hands a draft to a model whose state was `status` just now. The finished prose is put into the cache under the key that was
/// made of it.
///
/// # Errors
/// `BUSY`, with the expected wait, or `MODEL_UNAVAILABLE` from the generator, `INTERNAL` when no thread can be started.
pub(super) fn write(
    generator: &Arc<dyn Generator>,
    role: Role,
    status: GeneratorStatus,
    draft: &Draft,
    store: Option<(Arc<AnswerCache>, Key)>,
) -> Result<Prose> {
    let generation = generator.start(draft.request.clone()).map_err(|error| with_wait(error, &status))?;
    let (sender, events) = channel();
    let cancel = generation.canceller();
    let task = Task {
        gate: SentenceGate::new(&draft.evidence, &draft.question),
        numbers: draft.evidence.iter().map(|evidence| (evidence.n, evidence.shown)).collect(),
        structured: matches!(draft.request.constraint, Constraint::Json(_)),
        opens_thinking: generator.opens_thinking(),
        model: status.model,
        role,
        knowledge: draft.knowledge.clone(),
        expected_wait_ms: status.expected_wait_ms,
        generator: Arc::downgrade(generator),
        store,
    };
    let mut writer = Writer::new(task, sender);
    std::thread::Builder::new().name("prose".into()).spawn(move || writer.run(&generation)).map_err(|e| {
        Error::new(Code::Internal, format!("无法启动生成线程:{e}"), "稍后重试;结论和原文条款不受影响").because(e)
    })?;
    Ok(Prose::from_events(events, cancel))
}

/// A refusal for want of room says how long the wait is, where the generator knows.
fn with_wait(error: Error, status: &GeneratorStatus) -> Error {
    if error.code() != Code::Busy || error.retry_after_seconds().is_some() || status.expected_wait_ms == 0 {
        return error;
    }
    let seconds = status.expected_wait_ms.div_ceil(1000);
    Error::new(Code::Busy, format!("{},预计还要等 {seconds} 秒", error.message()), error.hint()).retry_after(seconds)
}

/// What a clause is to the card's scene, which rests on `basis`.
fn standing(knowledge: &Knowledge, basis: &[BasisRow], c: &Citation) -> Standing {
    let document = knowledge.version_of(c.id).map(|version| version.document);
    let rests_on = |row: &BasisRow| {
        let (a, b) = (&row.address, &c.address);
        Some(row.document) == document && (a.article, a.insert) == (b.article, b.insert)
    };
    match c.level {
        Level::Guide => Standing::Scene,
        _ if basis.iter().any(rests_on) => Standing::Basis,
        _ => Standing::Rule,
    }
}

/// The address of a citation; of words that no longer hold with what says so.
fn address(c: &Citation) -> String {
    if c.is_outdated() { format!("{}({})", c.clause, c.marks().join(";")) } else { c.clause.clone() }
}

fn prompt_clause<'c>(c: &'c Citation, address: &'c str, standing: Standing) -> PromptClause<'c> {
    PromptClause {
        id: c.id,
        standing,
        document: &c.document,
        doc_no: &c.doc_no,
        clause: address,
        effective_from: c.effective_from,
        text: &c.text,
    }
}

/// Everything of a citation that prose may repeat.
fn evidence_text(c: &Citation) -> String {
    let day = |d: Option<Date>| d.map(|d| d.to_string()).unwrap_or_default();
    format!(
        "《{}》\n{}\n{}\n{}\n{}\n{}\n{}",
        c.document,
        c.doc_no,
        address(c),
        c.heading,
        day(c.effective_from),
        day(c.effective_to),
        c.text
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{CacheFigures, ModelId};

    #[test]
    fn a_full_queue_says_how_long_the_wait_is_if_that_is_known() {
        let status = |expected_wait_ms| GeneratorStatus {
            swap_failure: None,
            model: ModelId { name: "m".into(), sha256: String::new() },
            ready: true,
            failure: None,
            queued: 8,
            running: 4,
            slots: 4,
            expected_wait_ms,
            cache: CacheFigures::default(),
            restarts: 0,
            context_tokens: 4096,
        };
        let busy = || Error::new(Code::Busy, "满了", "稍后");
        let told = with_wait(busy(), &status(41_200));
        assert_eq!((told.retry_after_seconds(), told.message()), (Some(42), "满了,预计还要等 42 秒"));
        assert_eq!(with_wait(busy(), &status(0)).retry_after_seconds(), None);
        assert_eq!(with_wait(busy().retry_after(7), &status(41_200)).retry_after_seconds(), Some(7));
        let other = with_wait(Error::new(Code::ModelUnavailable, "没有", ""), &status(41_200));
        assert_eq!(other.retry_after_seconds(), None);
    }
}
