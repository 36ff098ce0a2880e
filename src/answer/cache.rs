//! Answers that were written and checked before, for the next one who asks the same.
//!
//! Writing takes a branch computer half a minute, and at a counter the same questions come again. Prose is decoded greedily, so
//! the same prompt to the same model gives the same words: what was written once, and passed the gate, is given again at once.
//! The [`Key`] digests everything that the words depend on; whoever makes it leaves nothing out. Nothing but masked text is held,
//! in memory only, and the answer longest unused goes first.

use super::prose::ProseDone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most answers held: what a branch's tellers ask in a day.
const MAX_ENTRIES: usize = 2_000;
/// Most bytes held; an answer takes about 3 KB.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Counted for an answer beside its texts: its figures, names and places in the two maps.
const ENTRY_BYTES: usize = 600;

/// Digest of everything that an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// Takes what a [`Key`] is made of, part by part.
#[derive(Debug, Default)]
pub(super) struct KeyMaker(Sha256);

impl KeyMaker {
    /// One more part. Its length goes first, so that no two lists of parts read alike.
    pub(super) fn part(mut self, part: &str) -> KeyMaker {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The key.
    pub(super) fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}

/// What the cache did since the start, for status and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerCacheFigures {
    /// Answers given from it.
    pub hits: u64,
    /// Answers that had to be written.
    pub misses: u64,
    /// Answers held.
    pub entries: u64,
    /// Bytes held.
    pub bytes: u64,
}

/// The answers, shared by all who ask.
#[derive(Debug)]
pub(super) struct AnswerCache {
    held: Mutex<Held>,
    max_entries: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Held {
    answers: HashMap<Key, Entry>,
    /// Keys by the time of last use.
    by_use: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<ProseDone>,
    bytes: usize,
    used: u64,
}

impl Default for AnswerCache {
    fn default() -> AnswerCache {
        AnswerCache::bounded(MAX_ENTRIES, MAX_BYTES)
    }
}

impl AnswerCache {
    /// A cache within these bounds; 0 of either holds nothing.
    pub(super) fn bounded(max_entries: usize, max_bytes: usize) -> AnswerCache {
        AnswerCache { held: Mutex::new(Held::default()), max_entries, max_bytes }
    }

    /// The answer under this key, which counts as used now, and as a hit.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<ProseDone>> {
        let mut held = self.lock();
        let now = held.tick();
        let entry = held.answers.get_mut(key)?;
        let before = std::mem::replace(&mut entry.used, now);
        let answer = Arc::clone(&entry.answer);
        held.by_use.remove(&before);
        held.by_use.insert(now, *key);
        held.hits += 1;
        Some(answer)
    }

    /// Counts an answer that had to be written.
    pub(super) fn missed(&self) {
        self.lock().misses += 1;
    }

    /// Holds an answer; what was unused for longest makes room. One that is larger than the whole cache is not held.
    pub(super) fn store(&self, key: Key, answer: ProseDone) {
        let bytes = size(&answer);
        if bytes > self.max_bytes || self.max_entries == 0 {
            return;
        }
        let mut held = self.lock();
        held.remove(&key);
        while held.answers.len() >= self.max_entries || held.bytes + bytes > self.max_bytes {
            let Some(oldest) = held.by_use.values().next().copied() else { break };
            held.remove(&oldest);
        }
        let used = held.tick();
        held.bytes += bytes;
        held.by_use.insert(used, key);
        held.answers.insert(key, Entry { answer: Arc::new(answer), bytes, used });
    }

    /// What it did and holds.
    pub(super) fn figures(&self) -> AnswerCacheFigures {
        let held = self.lock();
        AnswerCacheFigures {
            hits: held.hits,
            misses: held.misses,
            entries: held.answers.len() as u64,
            bytes: held.bytes as u64,
        }
    }

    /// Locks even after a panic elsewhere: a lost answer is written again.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.answers.remove(key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

/// Bytes that an answer is counted with.
fn size(answer: &ProseDone) -> usize {
    let struck: usize = answer.struck.iter().map(String::len).sum();
    // An object repeats the text part by part.
    let object = answer.structured.as_ref().map_or(0, |object| answer.text.len() + 50 * object.reasons.len());
    let names = answer.model.name.len() + answer.model.sha256.len();
    ENTRY_BYTES + answer.text.len() + object + struck + names + 4 * (answer.cited.len() + answer.left_out.len())
}

#[cfg(test)]
mod tests {
    use super::super::prose::{Aigc, ProseDone};
    use super::super::routing::Role;
    use super::*;
    use crate::inference::{FinishReason, GenerateStats, ModelId};
    use crate::types::AIGC_LABEL;

    fn key(parts: &[&str]) -> Key {
        parts.iter().fold(KeyMaker::default(), |maker, part| maker.part(part)).key()
    }

    fn answer(text: &str) -> ProseDone {
        let stats = GenerateStats {
            prompt_tokens: 1,
            cached_tokens: 0,
            generated_tokens: 1,
            prefill_ms: 1.0,
            decode_ms: 1.0,
            finish: FinishReason::Stop,
        };
        ProseDone {
            text: text.to_owned(),
            label: AIGC_LABEL.into(),
            struck: Vec::new(),
            cited: vec![1],
            left_out: Vec::new(),
            prefill_tokens_per_second: 1.0,
            decode_tokens_per_second: 1.0,
            stats,
            structured: None,
            cached: false,
            role: Role::Large,
            model: ModelId { name: "m".into(), sha256: "0".repeat(64) },
            prompt: "p".into(),
            aigc: Aigc::new("id"),
        }
    }

    #[test]
    fn any_difference_is_another_key() {
        let all = [key(&["问", "", "g"]), key(&["问", "g", ""]), key(&["问g", "", ""]), key(&["问", "g"]), key(&[])];
        for (n, one) in all.iter().enumerate() {
            assert!(all[n + 1..].iter().all(|other| other != one));
        }
        assert_eq!(key(&["问", "g"]), all[3]);
    }

    #[test]
    fn what_was_stored_is_found_and_counted() {
        let cache = AnswerCache::default();
        assert!(cache.find(&key(&["甲"])).is_none());
        cache.missed();
        cache.store(key(&["甲"]), answer("能。"));
        assert_eq!(cache.find(&key(&["甲"])).map(|a| a.text.clone()), Some("能。".to_owned()));
        cache.store(key(&["甲"]), answer("不能。"));
        assert_eq!(cache.find(&key(&["甲"])).map(|a| a.text.clone()), Some("不能。".to_owned()));
        let figures = cache.figures();
        assert_eq!((figures.hits, figures.misses, figures.entries), (2, 1, 1));
        assert_eq!(figures.bytes as usize, size(&answer("不能。")));
    }

    #[test]
    fn the_longest_unused_goes_first_by_number_and_by_bytes() {
        let one = size(&answer("一"));
        for cache in [AnswerCache::bounded(2, usize::MAX), AnswerCache::bounded(9, 2 * one + 1)] {
            cache.store(key(&["甲"]), answer("一"));
            cache.store(key(&["乙"]), answer("二"));
            assert!(cache.find(&key(&["甲"])).is_some());
            cache.store(key(&["丙"]), answer("三"));
            let there = ["甲", "乙", "丙"].map(|k| cache.find(&key(&[k])).is_some());
            assert_eq!(there, [true, false, true]);
            assert_eq!((cache.figures().entries, cache.figures().bytes as usize), (2, 2 * one));
        }
        let cache = AnswerCache::bounded(9, 2 * one);
        cache.store(key(&["甲"]), answer("一"));
        cache.store(key(&["乙"]), answer(&"长".repeat(one)));
        assert!(cache.find(&key(&["甲"])).is_some() && cache.find(&key(&["乙"])).is_none());
        AnswerCache::bounded(0, usize::MAX).store(key(&["甲"]), answer("一"));
    }
}
