//! From a request to a slot: what is asked becomes tokens, waits for its turn, and gets room.

use super::engine::{Engine, Report};
use super::prompt::{Assembled, assemble};
use super::raw::Sequence;
use super::sampler::{Chooser, Utf8Stream};
use super::slot::{Script, Slot, count};
use crate::error::Result;
use crate::inference::protocol::never_started;
use crate::inference::scheduler::{Claim, order};
use crate::inference::{GenerateEvent, GenerateRequest, Prompt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The reply reserves at most this share of the context (one in so many), so that asking for a long reply does not push
/// out all the evidence. The reply still grows to `max_tokens` where the prompt leaves room.
const REPLY_SHARE: usize = 4;
/// Longest time to read one prompt ahead of need.
const READ_AHEAD_LIMIT: Duration = Duration::from_secs(120);

/// A request that has no slot yet.
pub(super) struct Waiting {
    pub(super) id: u64,
    chooser: Chooser,
    max_tokens: usize,
    max_time: Duration,
    pub(super) script: Script,
    left_out: Vec<usize>,
    arrived_ms: f64,
    cancel: Arc<AtomicBool>,
    /// Its place as last reported.
    ahead: Option<usize>,
}

impl Engine<'_> {
    /// Takes in a request. What is wrong with it is reported as its end.
    ///
    /// # Errors
    /// Whatever `report` returns.
    pub fn submit(
        &mut self,
        id: u64,
        request: GenerateRequest,
        cancel: Arc<AtomicBool>,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let context = self.model.context_tokens() as usize;
        let reserve = (request.max_tokens as usize).clamp(1, context / REPLY_SHARE);
        let prompt = assemble(&self.tokenizer, self.model.template(), &request.prompt, context - reserve);
        match prompt.and_then(|prompt| Ok((prompt, Chooser::new(self.model.model(), &request)?))) {
            Ok((prompt, chooser)) => {
                let (script, left_out) = self.script(prompt);
                self.waiting.push(Waiting {
                    id,
                    chooser,
                    max_tokens: request.max_tokens as usize,
                    max_time: Duration::from_millis(request.max_time_ms),
                    script,
                    left_out,
                    arrived_ms: self.now_ms(),
                    cancel,
                    ahead: None,
                });
                Ok(())
            }
            Err(error) => report(id, GenerateEvent::Failed(error)),
        }
    }

    /// Reads a prompt without its question while nobody asks, so that the cache has it. False when the cache has no room for more.
    ///
    /// # Errors
    /// What is wrong with the prompt.
    pub fn read_ahead(&mut self, prompt: &Prompt) -> Result<bool> {
        if !self.cacheable || self.tree.is_full() {
            return Ok(false);
        }
        let context = self.model.context_tokens() as usize;
        let prompt = assemble(&self.tokenizer, self.model.template(), prompt, context - context / REPLY_SHARE)?;
        let (mut script, _) = self.script(prompt);
        script.tokens.truncate(script.ends.last().copied().unwrap_or(0));
        if self.unread(&script) == 0 {
            return Ok(true);
        }
        self.waiting.push(Waiting {
            id: 0,
            chooser: Chooser::greedy(),
            max_tokens: 0,
            max_time: READ_AHEAD_LIMIT,
            script,
            left_out: Vec::new(),
            arrived_ms: self.now_ms(),
            cancel: Arc::default(),
            ahead: None,
        });
        Ok(true)
    }

    fn script(&self, prompt: Assembled) -> (Script, Vec<usize>) {
        let mut script = Script::default();
        for part in prompt.parts {
            script.tokens.extend(part.iter().map(|token| token.0));
            script.ends.push(script.tokens.len());
        }
        script.tokens.extend(prompt.tail.iter().map(|token| token.0));
        if !self.cacheable {
            script.ends.clear();
        }
        (script, prompt.left_out)
    }

    /// Ends waiting requests that nobody wants any more, and prompts read ahead of need when somebody asks.
    pub(super) fn drop_unwanted(&mut self, report: &mut Report<'_>) -> Result<()> {
        let asked = self.waiting.iter().any(|waiting| waiting.id != 0);
        let (gone, kept): (Vec<Waiting>, Vec<Waiting>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.cancel.load(Ordering::Acquire) || (asked && waiting.id == 0));
        self.waiting = kept;
        for waiting in gone.iter().filter(|waiting| waiting.id != 0) {
            report(waiting.id, GenerateEvent::Done(never_started()))?;
        }
        if asked {
            for slot in self.slots.iter().flatten().filter(|slot| slot.ahead_of_need()) {
                slot.cancel.store(true, Ordering::Release);
            }
        }
        Ok(())
    }

    /// Gives free slots to those whose turn it is, and tells the others their place.
    pub(super) fn admit(&mut self, report: &mut Report<'_>) -> Result<()> {
        while let Some(free) = self.slots.iter().position(Option::is_none) {
            let claims: Vec<Claim> = self
                .waiting
                .iter()
                .map(|waiting| Claim { arrived_ms: waiting.arrived_ms, unread: self.unread(&waiting.script) })
                .collect();
            let Some(next) = order(&claims, &self.pace).first().copied() else { break };
            if next >= self.waiting.len() {
                break;
            }
            let waiting = self.waiting.remove(next);
            let total = waiting.script.tokens.len();
            let context = self.model.context_tokens() as usize;
            let limit = waiting.max_tokens.min(context.saturating_sub(total));
            if !self.make_room(&waiting.script, limit) {
                self.waiting.insert(next, waiting);
                break;
            }
            let started = Instant::now();
            let mut slot = Slot {
                id: waiting.id,
                sequence: Sequence::try_from(free).unwrap_or(Sequence::MAX),
                private: total,
                script: waiting.script,
                arrived_ms: waiting.arrived_ms,
                cancel: waiting.cancel,
                max_time: waiting.max_time,
                deadline: None,
                chooser: waiting.chooser,
                limit,
                path: Vec::new(),
                computing: Vec::new(),
                done: 0,
                mine: 0,
                cached: 0,
                pending: None,
                written: 0,
                text: Utf8Stream::default(),
                started,
                first_word: None,
            };
            self.advance(&mut slot, false);
            if slot.id != 0 {
                match slot.cached {
                    0 => self.figures.misses += 1,
                    _ => self.figures.hits += 1,
                }
                let left_out = waiting.left_out;
                report(slot.id, GenerateEvent::Started { prompt_tokens: count(total), left_out })?;
            }
            if let Some(place) = self.slots.get_mut(free) {
                *place = Some(slot);
            }
        }
        self.tell_places(report)
    }

    /// Tells those who wait how many are before them, when that has changed.
    fn tell_places(&mut self, report: &mut Report<'_>) -> Result<()> {
        let running = self.running();
        for (place, waiting) in self.waiting.iter_mut().enumerate().filter(|(_, waiting)| waiting.id != 0) {
            let ahead = running + place;
            if waiting.ahead.replace(ahead) != Some(ahead) {
                report(waiting.id, GenerateEvent::Queued { ahead })?;
            }
        }
        Ok(())
    }
}
