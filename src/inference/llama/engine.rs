//! Many replies in one context: continuous batching over slots, with the prompt cache under it.
//!
//! Every step computes the next token of each reply that is being written, in one batch, and as many prompt tokens of newcomers as
//! the [`scheduler`](crate::inference::scheduler) allows, in another. All sequences share one memory, so that a part of a prompt that several
//! replies begin with is computed once and held once (`memory` has that half; `admission` lets requests in). Between two steps replies are admitted,
//! stopped and finished; nothing here waits for anything.

use super::admission::Waiting;
use super::flight::InFlight;
use super::generate::ChatModel;
use super::prompt::Tokenizer;
use super::raw::{Batch, Computed, Context, Sequence};
use super::slot::{Slot, count};
use crate::error::{Code, Error, Result};
use crate::inference::cachefile::CacheFile;
use crate::inference::prefix::Tree;
use crate::inference::scheduler::{Claim, Pace, order};
use crate::inference::{CacheFigures, FinishReason, GenerateEvent};
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;
use std::time::Instant;

/// Where events go: the number of the request, and what happened. An error ends the engine: nobody listens any more.
pub type Report<'r> = dyn FnMut(u64, GenerateEvent) -> Result<()> + 'r;

/// What a slot put into the batch.
struct Share {
    slot: usize,
    tokens: usize,
    /// The place whose scores give its next token.
    scored: Option<usize>,
}

/// A context that writes for many.
pub struct Engine<'m> {
    pub(super) model: &'m ChatModel,
    pub(super) context: Context<'m>,
    batch: Batch,
    pub(super) tokenizer: Tokenizer<'m>,
    in_flight: &'static InFlight,
    pub(super) slots: Vec<Option<Slot>>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) tree: Tree,
    /// Sequences that hold nothing.
    pub(super) holders: Vec<Sequence>,
    pub(super) cacheable: bool,
    pub(super) file: Option<CacheFile>,
    pub(super) figures: CacheFigures,
    pub(super) pace: Pace,
    began: Instant,
}

impl<'m> Engine<'m> {
    /// Makes the context and takes in what the cache file holds.
    ///
    /// # Errors
    /// `MODEL_LOAD` when memory is short.
    pub(super) fn new(model: &'m ChatModel, in_flight: &'static InFlight) -> Result<Engine<'m>> {
        let context = model.context(&in_flight.abandon)?;
        let slots = model.slots();
        let mut engine = Engine {
            model,
            context,
            batch: Batch::new(model.batch_tokens()),
            tokenizer: model.tokenizer(),
            in_flight,
            slots: (0..slots).map(|_| None).collect(),
            waiting: Vec::new(),
            tree: Tree::new(model.cache_bytes()),
            holders: super::memory::holders(slots),
            cacheable: model.cacheable(),
            file: None,
            figures: CacheFigures::default(),
            pace: Pace::default(),
            began: Instant::now(),
        };
        engine.open_file();
        Ok(engine)
    }

    /// Computes an everyday text: a model that fails on that is known before a teller asks, and the weights are in memory
    /// when one does. Returns the milliseconds that a token took.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn warm_up(&mut self) -> Result<f64> {
        let tokens = self.tokenizer.text("你好,请用 1 句话说明 ID card 的用途。\n");
        self.batch.clear();
        let last = tokens.len().min(self.batch.room()).saturating_sub(1);
        for (at, token) in tokens.iter().take(last + 1).enumerate() {
            self.batch.add(token.0, at, 0, at == last);
        }
        self.context.decode(&self.batch)?;
        self.context.scores(last)?;
        self.context.forget(0, 0)?;
        // Once more: the first time the weights may have come from the disk.
        let started = Instant::now();
        self.context.decode(&self.batch)?;
        let token_ms = started.elapsed().as_secs_f64() * 1e3 / (last + 1) as f64;
        self.context.forget(0, 0)?;
        Ok(token_ms)
    }

    /// Milliseconds since the engine was made.
    pub(super) fn now_ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }

    /// Whether a reply is being computed or waits for it.
    pub fn busy(&self) -> bool {
        !self.waiting.is_empty() || self.slots.iter().any(Option::is_some)
    }

    /// Replies that hold a slot.
    pub fn running(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| !slot.ahead_of_need()).count()
    }

    /// How long a further request would wait for its first word, in milliseconds.
    pub fn wait_ms(&self) -> u64 {
        let reading: usize = self.slots.iter().flatten().map(|slot| slot.total() - slot.done).sum();
        let unread: usize = self.waiting.iter().map(|waiting| self.unread(&waiting.script)).sum();
        let free = self.slots.len() - self.running().min(self.slots.len());
        self.pace.wait_ms(reading + unread, self.waiting.len(), free, self.slots.len())
    }

    /// The prompt cache.
    pub fn figures(&self) -> CacheFigures {
        let mut figures = self.figures;
        self.tree.count(&mut figures);
        figures
    }

    /// One step: admits, has every reply that is being written go on by one word, then reads on in the prompts. False when there
    /// was nothing to do.
    ///
    /// The two are computed apart: attention on the CPU works in tiles of 64 tokens, and a tile that holds words of several replies
    /// has to look at the memory of all of them. Together, a step with seven writers took a quarter longer.
    ///
    /// # Errors
    /// Whatever `report` returns. A computation that fails ends the replies that were part of it, not the engine.
    pub fn step(&mut self, report: &mut Report<'_>) -> Result<bool> {
        self.drop_unwanted(report)?;
        self.admit(report)?;
        self.end_interrupted(report)?;
        let writers = self.next_words();
        let writing = writers.len();
        self.compute(writers, report)?;
        let readers = self.next_prompts(writing);
        if writing == 0 && readers.is_empty() {
            return self.give_way(report);
        }
        self.compute(readers, report)?;
        Ok(true)
    }

    /// Computes what is in the batch and takes what it means for the slots that share it.
    fn compute(&mut self, shares: Vec<Share>, report: &mut Report<'_>) -> Result<()> {
        if shares.is_empty() {
            return Ok(());
        }
        let flags = shares.iter().filter_map(|share| self.slots.get(share.slot)?.as_ref());
        self.in_flight.set(flags.map(|slot| Arc::clone(&slot.cancel)).collect());
        let started = Instant::now();
        let computed = self.context.decode(&self.batch);
        let took = started.elapsed();
        self.in_flight.set(Vec::new());
        match computed {
            Ok(Computed::Done) => self.pace.stepped(self.batch.len(), took),
            // Nobody wants any of it: the next step ends them all.
            Ok(Computed::Aborted) => return Ok(()),
            Err(error) => {
                tracing::error!("a step failed: {error}");
                for share in shares {
                    self.finish(share.slot, Err(repeated(&error)), report)?;
                }
                return Ok(());
            }
        }
        for share in shares {
            self.take(&share, report)?;
        }
        Ok(())
    }

    fn end_interrupted(&mut self, report: &mut Report<'_>) -> Result<()> {
        for at in 0..self.slots.len() {
            let ended = self.slots.get(at).and_then(Option::as_ref).and_then(Slot::interrupted);
            if let Some(finish) = ended {
                self.finish(at, Ok(finish), report)?;
            }
        }
        Ok(())
    }

    /// Puts the next word of every reply that is being written into the batch.
    fn next_words(&mut self) -> Vec<Share> {
        self.batch.clear();
        let mut shares = Vec::new();
        for (at, slot) in self.slots.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?))) {
            let Some(token) = slot.pending else { continue };
            let position = slot.total() + slot.written - 1;
            if let Some(place) = self.batch.add(token, position, slot.sequence, true) {
                shares.push(Share { slot: at, tokens: 1, scored: Some(place) });
            }
        }
        shares
    }

    /// Puts tokens of the prompts that are being read into the batch, as many as may keep `writing` replies waiting.
    fn next_prompts(&mut self, writing: usize) -> Vec<Share> {
        self.batch.clear();
        let mut shares = Vec::new();
        let mut budget = self.pace.step_tokens(writing, self.model.batch_tokens() as usize);
        let readers: Vec<(usize, Claim)> = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(at, slot)| Some((at, slot.as_ref().filter(|slot| slot.reading())?)))
            .map(|(at, slot)| (at, Claim { arrived_ms: slot.arrived_ms, unread: slot.total() - slot.done }))
            .collect();
        let claims: Vec<Claim> = readers.iter().map(|(_, claim)| *claim).collect();
        for next in order(&claims, &self.pace) {
            let Some((at, _)) = readers.get(next) else { continue };
            let Some(mut slot) = self.slots.get_mut(*at).and_then(Option::take) else { continue };
            let (tokens, scored) = self.read(&mut slot, budget);
            budget -= tokens.min(budget);
            if tokens > 0 {
                shares.push(Share { slot: *at, tokens, scored });
            }
            if let Some(place) = self.slots.get_mut(*at) {
                *place = Some(slot);
            }
        }
        shares
    }

    /// Puts up to `budget` prompt tokens of a slot into the batch: how many, and the place of the last one of the prompt.
    fn read(&mut self, slot: &mut Slot, budget: usize) -> (usize, Option<usize>) {
        let (mut added, mut scored) = (0, None);
        loop {
            let at = slot.done + added;
            if at == slot.mine {
                self.advance(slot, added > 0);
            }
            // What the cache gave moved `done` on.
            let at = slot.done + added;
            let most = slot.mine.saturating_sub(at).min(budget - added).min(self.batch.room());
            if most == 0 {
                return (added, scored);
            }
            for position in at..at + most {
                let Some(token) = slot.script.tokens.get(position) else { return (added, scored) };
                let last = position + 1 == slot.total() && !slot.ahead_of_need();
                let place = self.batch.add(*token, position, slot.sequence, last);
                scored = place.filter(|_| last);
                added += 1;
            }
        }
    }

    /// Takes what a computed batch means for one slot.
    fn take(&mut self, share: &Share, report: &mut Report<'_>) -> Result<()> {
        let Some(mut slot) = self.slots.get_mut(share.slot).and_then(Option::take) else { return Ok(()) };
        if slot.deadline.is_none() {
            slot.deadline = Instant::now().checked_add(slot.max_time);
        }
        if slot.reading() {
            slot.done += share.tokens;
            self.figures.prefilled_tokens += share.tokens as u64;
            self.publish(&mut slot);
            if !slot.ahead_of_need() {
                let (done, total) = (count(slot.done), count(slot.total()));
                report(slot.id, GenerateEvent::Prefill { done, total })?;
            }
        }
        let mut end = (slot.ahead_of_need() && slot.done == slot.total()).then_some(Ok(FinishReason::Stop));
        if let Some(scored) = share.scored {
            end = match self.write(&mut slot, scored, report)? {
                Ok(None) => None,
                Ok(Some(finish)) => Some(Ok(finish)),
                Err(error) => Some(Err(error)),
            };
        }
        if let Some(place) = self.slots.get_mut(share.slot) {
            *place = Some(slot);
        }
        match end {
            Some(end) => self.finish(share.slot, end, report),
            None => Ok(()),
        }
    }

    /// Chooses and reports the next token of a reply; says whether that was the last.
    fn write(
        &mut self,
        slot: &mut Slot,
        scored: usize,
        report: &mut Report<'_>,
    ) -> Result<Result<Option<FinishReason>>> {
        slot.first_word.get_or_insert_with(Instant::now);
        if slot.written >= slot.limit {
            return Ok(Ok(Some(FinishReason::Length)));
        }
        let vocab = self.model.model().vocab();
        let scores = match self.context.scores(scored) {
            Ok(scores) => scores,
            Err(error) => return Ok(Err(error)),
        };
        let token = slot.chooser.choose(scores, |token| vocab.is_eog(token));
        if vocab.is_eog(token) {
            return Ok(Ok(Some(FinishReason::Stop)));
        }
        slot.written += 1;
        slot.pending = Some(token.0);
        let piece = slot.text.push(&vocab.token_to_piece(LlamaToken(token.0), false, None));
        if !piece.is_empty() {
            report(slot.id, GenerateEvent::Token(piece))?;
        }
        Ok(Ok((slot.written >= slot.limit).then_some(FinishReason::Length)))
    }

    /// Ends a reply and frees what it alone held.
    fn finish(&mut self, at: usize, end: Result<FinishReason>, report: &mut Report<'_>) -> Result<()> {
        let Some(slot) = self.slots.get_mut(at).and_then(Option::take) else { return Ok(()) };
        self.release(&slot);
        if slot.ahead_of_need() {
            return Ok(());
        }
        self.figures.reused_tokens += slot.cached as u64;
        match end {
            Ok(finish) => {
                if let Some(first) = slot.first_word {
                    self.pace.replied(first.elapsed());
                }
                report(slot.id, GenerateEvent::Done(slot.stats(finish)))
            }
            Err(error) => report(slot.id, GenerateEvent::Failed(error)),
        }
    }

    /// Nothing could be computed. Rooms are reserved before a reply begins, so replies never block each other; should they ever,
    /// the last one gives way instead of all of them waiting for good. False when there is simply nothing to do.
    fn give_way(&mut self, report: &mut Report<'_>) -> Result<bool> {
        let slots = self.slots.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?.arrived_ms)));
        let Some((newest, _)) = slots.max_by(|a, b| a.1.total_cmp(&b.1)) else { return Ok(false) };
        tracing::error!("no reply can go on; the newest gives way");
        let error = Error::new(Code::ModelUnavailable, "模型的上下文没有空位", "请稍后再试");
        self.finish(newest, Err(error), report).map(|()| true)
    }
}

/// The same error for one more reply.
fn repeated(error: &Error) -> Error {
    Error::new(error.code(), error.message(), error.hint())
}
