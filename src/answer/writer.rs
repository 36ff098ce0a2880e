//! From the generator's events to progress and checked text.

use super::cache::{AnswerCache, Key};
use super::prose::{Aigc, Progress, ProseDone, ProseEvent, Stage};
use super::routing::Role;
use super::structured::{Object, Structured};
use crate::error::{ErrorBody, Result};
use crate::guard::{Checked, SentenceGate, without_reasoning};
use crate::inference::{FinishReason, GenerateEvent, GenerateStats, Generation, Generator, ModelId};
use crate::prompt;
use crate::types::AIGC_LABEL;
use sha2::{Digest, Sha256};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// While the model writes, progress is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// A speed is told from this long on: the first pieces say nothing.
const SPEED_AFTER: Duration = Duration::from_millis(100);

/// Turns the generator's events into checked prose. A send that fails means that the reader has gone; the generation is
/// cancelled by the flag the reader's `Prose` set when it was dropped, and the loop runs to its end.
pub(super) struct Writer {
    task: Task,
    progress: Progress,
    pace: Pace,
    /// When the progress of writing was told.
    told: Option<Instant>,
    /// Card numbers.
    left_out: Vec<u32>,
    /// Everything that the model said, where a JSON object is wanted: it can only be checked as a whole.
    raw: String,
    text: String,
    struck: Vec<String>,
    sender: Sender<ProseEvent>,
}

/// What there is to write, by whom, and for whom else.
pub(super) struct Task {
    pub(super) gate: SentenceGate,
    /// Number in the prompt and on the card, in the order of the prompt.
    pub(super) numbers: Vec<(u32, u32)>,
    /// Whether a JSON object is wanted.
    pub(super) structured: bool,
    /// Whether the prompt ends inside a reasoning block.
    pub(super) opens_thinking: bool,
    pub(super) model: ModelId,
    pub(super) role: Role,
    pub(super) knowledge: String,
    /// As the generator expected it, in milliseconds.
    pub(super) expected_wait_ms: u64,
    /// Asked once more at the end which model it holds. Weak: an answer under way must not keep a model that was let go.
    pub(super) generator: Weak<dyn Generator>,
    /// Where the finished answer is kept.
    pub(super) store: Option<(Arc<AnswerCache>, Key)>,
}

impl Writer {
    /// A writer that tells `sender`.
    pub(super) fn new(mut task: Task, sender: Sender<ProseEvent>) -> Writer {
        // An object is taken out of its reasoning before it is checked.
        if task.opens_thinking && !task.structured {
            task.gate = task.gate.thinking();
        }
        Writer {
            progress: Progress { expected_wait_ms: task.expected_wait_ms, ..Progress::default() },
            task,
            pace: Pace::default(),
            told: None,
            left_out: Vec::new(),
            raw: String::new(),
            text: String::new(),
            struck: Vec::new(),
            sender,
        }
    }

    /// Follows a generation to its end.
    pub(super) fn run(&mut self, generation: &Generation) {
        for event in &generation.events {
            match event {
                GenerateEvent::Queued { ahead } => {
                    self.tell(|progress| (progress.stage, progress.ahead) = (Stage::Queued, ahead));
                }
                GenerateEvent::Started { prompt_tokens, left_out } => {
                    let (inside, shown) = left_out.iter().filter_map(|at| self.task.numbers.get(*at).copied()).unzip();
                    let inside: Vec<u32> = inside;
                    self.task.gate.leave_out(&inside);
                    self.left_out = shown;
                    self.left_out.sort_unstable();
                    self.read(0, prompt_tokens);
                }
                GenerateEvent::Prefill { done, total } => self.read(done, total),
                GenerateEvent::Token(piece) => {
                    if self.task.structured {
                        self.raw.push_str(&piece);
                    } else {
                        let checked = self.task.gate.push(&piece);
                        self.take(checked);
                    }
                    self.wrote();
                }
                GenerateEvent::Done(stats) => {
                    self.sign(generation);
                    match self.end(&stats) {
                        Ok(structured) => {
                            let done = self.done(stats, structured);
                            self.keep(&done);
                            self.send(ProseEvent::Done(Box::new(done)));
                        }
                        Err(error) => self.send(ProseEvent::Error(ErrorBody::from(&error))),
                    }
                }
                GenerateEvent::Failed(error) => {
                    let checked = self.task.gate.finish();
                    self.take(checked);
                    self.send(ProseEvent::Error(ErrorBody::from(&error)));
                }
            }
        }
    }

    /// Names the model that wrote. Another may have taken the place of the one that was asked, while the request waited: its words
    /// bear its name, and are not kept as the other's.
    fn sign(&mut self, generation: &Generation) {
        if let Some(author) = generation.model().filter(|author| *author != self.task.model) {
            self.task.store = None;
            self.task.model = author;
        }
    }

    /// What is still to be checked at the end; the object, where one is wanted and there is one.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE` when the model ended by itself and wrote no such object.
    fn end(&mut self, stats: &GenerateStats) -> Result<Option<Structured>> {
        if !self.task.structured {
            let checked = self.task.gate.finish();
            self.take(checked);
            return Ok(None);
        }
        let reply = without_reasoning(&std::mem::take(&mut self.raw), self.task.opens_thinking);
        let object = match Object::read(&reply) {
            Err(error) if stats.finish == FinishReason::Stop => return Err(error),
            // Cut off in the middle: the end says why.
            Err(_) => return Ok(None),
            Ok(object) => object,
        };
        let (structured, checked) = object.check(&mut self.task.gate, &self.task.numbers);
        self.take(checked);
        Ok(Some(structured))
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
        let stage = if self.task.gate.is_thinking() { Stage::Thinking } else { Stage::Writing };
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
        let same =
            || self.task.generator.upgrade().is_some_and(|generator| generator.status().model == self.task.model);
        if whole
            && same()
            && let Some((cache, key)) = self.task.store.take()
        {
            cache.store(key, done.clone());
        }
    }

    fn done(&mut self, stats: GenerateStats, structured: Option<Structured>) -> ProseDone {
        let speed = |tokens: u32, ms: f64| if ms > 0.0 { f64::from(tokens) * 1e3 / ms } else { 0.0 };
        let id: String = Sha256::digest(format!("{}\n{}\n{}", self.task.knowledge, self.task.model.sha256, self.text))
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        ProseDone {
            label: AIGC_LABEL.into(),
            cited: self.task.gate.cited().to_vec(),
            left_out: std::mem::take(&mut self.left_out),
            prefill_tokens_per_second: speed(stats.prompt_tokens.saturating_sub(stats.cached_tokens), stats.prefill_ms),
            decode_tokens_per_second: speed(stats.generated_tokens, stats.decode_ms),
            stats,
            cached: false,
            structured,
            role: self.task.role,
            model: self.task.model.clone(),
            prompt: prompt::VERSION.into(),
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
}
