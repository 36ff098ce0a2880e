//! One reply under way: how far its prompt is read, what it has written, and when it must end.

use super::raw::{Sequence, Token};
use super::sampler::{Chooser, Utf8Stream};
use crate::inference::prefix::NodeId;
use crate::inference::{FinishReason, GenerateStats};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A prompt cut where prompts begin to differ.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// All tokens.
    pub(super) tokens: Vec<Token>,
    /// Where each part that others may share ends; the tail is behind the last one.
    pub(super) ends: Vec<usize>,
}

impl Script {
    /// Tokens of part `level`.
    pub(super) fn part(&self, level: usize) -> &[Token] {
        let begin = level.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(level).copied().unwrap_or(begin);
        self.tokens.get(begin..end).unwrap_or_default()
    }
}

/// A reply under way.
pub(super) struct Slot {
    /// Number of the request; 0 for a prompt that is only read ahead.
    pub(super) id: u64,
    pub(super) sequence: Sequence,
    pub(super) script: Script,
    pub(super) arrived_ms: f64,
    pub(super) cancel: Arc<AtomicBool>,
    /// Longest time from the first step on that computes some of it.
    pub(super) max_time: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) chooser: Chooser,
    /// Most tokens to write.
    pub(super) limit: usize,
    /// Parts that the reply rests on, from the opening.
    pub(super) path: Vec<NodeId>,
    /// Of these, the ones that it computes itself and that are not finished, in order.
    pub(super) computing: Vec<NodeId>,
    /// Tokens of the prompt that the sequence has.
    pub(super) done: usize,
    /// Tokens that it may read: the end of the last part that is its own to compute.
    pub(super) mine: usize,
    /// Tokens taken from the cache.
    pub(super) cached: usize,
    /// Tokens of the prompt that this reply alone holds.
    pub(super) private: usize,
    /// The token to be computed next, once the prompt is read.
    pub(super) pending: Option<Token>,
    pub(super) written: usize,
    pub(super) text: Utf8Stream,
    pub(super) started: Instant,
    pub(super) first_word: Option<Instant>,
}

impl Slot {
    /// Tokens of the prompt.
    pub(super) fn total(&self) -> usize {
        self.script.tokens.len()
    }

    /// Whether the prompt is still being read.
    pub(super) fn reading(&self) -> bool {
        self.pending.is_none()
    }

    /// Whether nobody waits for it: it only fills the cache.
    pub(super) fn ahead_of_need(&self) -> bool {
        self.id == 0
    }

    /// Tokens of the context that it needs for itself, to its end.
    pub(super) fn reserved(&self) -> usize {
        self.private + self.limit
    }

    /// Why it must end now, if it must.
    pub(super) fn interrupted(&self) -> Option<FinishReason> {
        if self.cancel.load(Ordering::Acquire) {
            return Some(FinishReason::Cancelled);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(FinishReason::Time)
    }

    /// Figures at its end.
    pub(super) fn stats(&self, finish: FinishReason) -> GenerateStats {
        let now = Instant::now();
        let milliseconds = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
        GenerateStats {
            prompt_tokens: count(self.total()),
            cached_tokens: count(self.cached),
            generated_tokens: count(self.written),
            prefill_ms: milliseconds(self.started, self.first_word.unwrap_or(now)),
            decode_ms: self.first_word.map_or(0.0, |first| milliseconds(first, now)),
            finish,
        }
    }
}

/// A count for the figures.
pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
