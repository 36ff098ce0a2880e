//! Having a model write from a card: what it is told, and what becomes of what it says.
//!
//! A [`Draft`] is the request with everything that belongs to it: which clause stands where in the prompt, what each bears out,
//! and the key under which the finished answer is kept. [`write`] hands it to a generator and starts a [`Writer`], which turns the
//! generator's events into progress and checked text.

use super::Ask;
use super::cache::{AnswerCache, Key, KeyMaker};
use super::outcome::{Card, Citation};
use super::prose::{Aigc, Progress, Prose, ProseDone, ProseEvent, Stage};
use super::routing::Role;
use crate::error::{Code, Error, ErrorBody, Result};
use crate::guard::{Checked, Evidence, SentenceGate};
use crate::inference::{
    Block, Constraint, FinishReason, GenerateEvent, GenerateRequest, GenerateStats, Generation, Generator,
    GeneratorStatus, ModelId, Prompt,
};
use crate::prompt::{self, PromptClause, Standing};
use crate::store::{BasisRow, Knowledge};
use crate::types::{AIGC_LABEL, Date, Level};
use sha2::{Digest, Sha256};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Longest prose in tokens: about 400 characters, twice the card's first screen.
const MAX_TOKENS: u32 = 400;
/// Longest time from the start of prefill: a colleague on the phone takes 30 s to 2 min.
const MAX_TIME_MS: u64 = 60_000;
/// Greedy decoding: the same evidence gives the same words.
const TEMPERATURE: f32 = 0.0;
/// While the model writes, progress is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// A speed is told from this long on: the first pieces say nothing.
const SPEED_AFTER: Duration = Duration::from_millis(100);

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
        let clauses: Vec<PromptClause<'_>> =
            card.citations.iter().map(|c| prompt_clause(c, standing(knowledge, &basis, c))).collect();
        let conclusion = Some(card.conclusion.as_str()).filter(|c| !c.is_empty());
        let parts = prompt::build(ask.question, &clauses, conclusion);
        let cited = parts.evidence.iter().filter_map(|placed| card.citations.get(placed.given));
        let evidence = cited.zip(1..).map(|(c, n)| Evidence { n, shown: c.n, text: evidence_text(c) }).collect();
        let blocks = parts
            .evidence
            .into_iter()
            .map(|placed| Block { text: placed.text, rank: u32::try_from(placed.given).unwrap_or(u32::MAX) });
        let scope = &ask.scope;
        let constraint = match u32::try_from(card.citations.len()) {
            Ok(0) | Err(_) => Constraint::Free,
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
    let gate = SentenceGate::new(&draft.evidence, &draft.question);
    let (sender, events) = channel();
    let cancel = generation.canceller();
    let mut writer = Writer {
        gate: if generator.opens_thinking() { gate.thinking() } else { gate },
        numbers: draft.evidence.iter().map(|evidence| (evidence.n, evidence.shown)).collect(),
        model: status.model,
        role,
        knowledge: draft.knowledge.clone(),
        generator: Arc::downgrade(generator),
        store,
        progress: Progress { expected_wait_ms: status.expected_wait_ms, ..Progress::default() },
        pace: Pace::default(),
        told: None,
        left_out: Vec::new(),
        text: String::new(),
        struck: Vec::new(),
        sender,
    };
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

fn prompt_clause(c: &Citation, standing: Standing) -> PromptClause<'_> {
    PromptClause {
        id: c.id,
        standing,
        document: &c.document,
        doc_no: &c.doc_no,
        clause: &c.clause,
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
    /// Number in the prompt and on the card, in the order of the prompt.
    numbers: Vec<(u32, u32)>,
    model: ModelId,
    role: Role,
    knowledge: String,
    /// Asked once more at the end which model it holds. Weak: an answer under way must not keep a model that was let go.
    generator: Weak<dyn Generator>,
    store: Option<(Arc<AnswerCache>, Key)>,
    progress: Progress,
    pace: Pace,
    /// When the progress of writing was told.
    told: Option<Instant>,
    /// Card numbers.
    left_out: Vec<u32>,
    text: String,
    struck: Vec<String>,
    sender: Sender<ProseEvent>,
}

impl Writer {
    fn run(&mut self, generation: &Generation) {
        for event in &generation.events {
            match event {
                GenerateEvent::Queued { ahead } => {
                    self.tell(|progress| (progress.stage, progress.ahead) = (Stage::Queued, ahead));
                }
                GenerateEvent::Started { prompt_tokens, left_out } => {
                    let (inside, shown) = left_out.iter().filter_map(|at| self.numbers.get(*at).copied()).unzip();
                    let inside: Vec<u32> = inside;
                    self.gate.leave_out(&inside);
                    self.left_out = shown;
                    self.left_out.sort_unstable();
                    self.read(0, prompt_tokens);
                }
                GenerateEvent::Prefill { done, total } => self.read(done, total),
                GenerateEvent::Token(piece) => {
                    let checked = self.gate.push(&piece);
                    self.take(checked);
                    self.wrote();
                }
                GenerateEvent::Done(stats) => {
                    let checked = self.gate.finish();
                    self.take(checked);
                    let done = self.done(stats);
                    self.keep(&done);
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

    fn tell(&mut self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress);
        self.send(ProseEvent::Progress(self.progress.clone()));
    }

    fn read(&mut self, done: u32, total: u32) {
        let speed = self.pace.at(Instant::now(), Stage::Reading, done);
        self.tell(|progress| {
            progress.stage = Stage::Reading;
            progress.ahead = 0;
            progress.tokens_per_second = speed;
            (progress.prefill_done, progress.prefill_total) = (done, total);
        });
    }

    /// A token came; the reader hears of it now and then.
    fn wrote(&mut self) {
        let now = Instant::now();
        let written = self.progress.written + 1;
        self.progress.written = written;
        let speed = self.pace.at(now, Stage::Writing, written);
        let stage = if self.gate.is_thinking() { Stage::Thinking } else { Stage::Writing };
        let due = self.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY);
        if due || stage != self.progress.stage {
            self.told = Some(now);
            self.tell(|progress| (progress.stage, progress.tokens_per_second) = (stage, speed));
        }
    }

    fn take(&mut self, checked: Vec<Checked>) {
        for sentence in checked {
            match sentence {
                Checked::Kept(text) => {
                    self.text.push_str(text.as_str());
                    self.send(ProseEvent::Token { text: text.as_str().to_owned() });
                }
                Checked::Struck(sentence, reason) => self.struck.push(format!("{}({reason})", sentence.trim())),
                // What was sent cannot be called back; the text of the end, which takes its place, is without it.
                Checked::Withdrawn => {
                    self.text.clear();
                    self.struck.clear();
                }
            }
        }
    }

    /// Keeps an answer for the next one who asks, if it is whole and by the model that its key names. One that ended at
    /// its greatest length would end there again.
    fn keep(&mut self, done: &ProseDone) {
        let whole = matches!(done.stats.finish, FinishReason::Stop | FinishReason::Length);
        let same = || self.generator.upgrade().is_some_and(|generator| generator.status().model == self.model);
        if whole
            && same()
            && let Some((cache, key)) = self.store.take()
        {
            cache.store(key, done.clone());
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
            left_out: std::mem::take(&mut self.left_out),
            prefill_tokens_per_second: speed(stats.prompt_tokens.saturating_sub(stats.cached_tokens), stats.prefill_ms),
            decode_tokens_per_second: speed(stats.generated_tokens, stats.decode_ms),
            stats,
            cached: false,
            role: self.role,
            model: self.model.clone(),
            prompt: prompt::VERSION,
            aigc: Aigc::new(&id),
            text: std::mem::take(&mut self.text),
            struck: std::mem::take(&mut self.struck),
        }
    }
}

/// Speed of a stage, by the time between its events.
#[derive(Debug, Default)]
struct Pace {
    /// The stage, when it was first heard of, and how far it was then.
    begun: Option<(Stage, Instant, u32)>,
}

impl Pace {
    /// Tokens per second since the stage began, `count` of which are done now.
    fn at(&mut self, now: Instant, stage: Stage, count: u32) -> Option<f64> {
        let begun = self.begun.filter(|(known, ..)| *known == stage).unwrap_or((stage, now, count));
        self.begun = Some(begun);
        let (_, since, before) = begun;
        let passed = now.saturating_duration_since(since);
        (passed >= SPEED_AFTER).then(|| f64::from(count.saturating_sub(before)) / passed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_that_of_the_stage_and_told_once_it_means_something() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        // 200 of the tokens were there before anything was processed: the prompt cache's.
        assert_eq!(pace.at(at(0), Stage::Reading, 200), None);
        assert_eq!(pace.at(at(50), Stage::Reading, 250), None);
        assert_eq!(pace.at(at(500), Stage::Reading, 300), Some(200.0));
        assert_eq!(pace.at(at(600), Stage::Writing, 1), None);
        assert_eq!(pace.at(at(2600), Stage::Writing, 21), Some(10.0));
    }

    #[test]
    fn a_full_queue_says_how_long_the_wait_is_if_that_is_known() {
        let status = |expected_wait_ms| GeneratorStatus {
            model: ModelId { name: "m".into(), sha256: String::new() },
            ready: true,
            failure: None,
            queued: 8,
            running: 4,
            slots: 4,
            expected_wait_ms,
            cache: crate::inference::CacheFigures::default(),
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
