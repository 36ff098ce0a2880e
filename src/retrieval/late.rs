//! The first clauses compared with the question token by token, see [`crate::inference::LateInteraction`].

use super::fusion::{Answers, Evidence};
use crate::error::Result;
use crate::inference::{Embedder, LateInteraction, QuestionTokens};
use crate::store::{Clause, Knowledge};
use crate::text::clause::sentences;
use crate::text::normalize::normalize;
use crate::text::passage;
use crate::text::quantity::Quantity;
use crate::text::table;
use crate::types::ClauseId;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clauses that are compared where the file keeps the vectors of their tokens: 40 take a millisecond.
const COMPARED: usize = 40;
/// Clauses whose tokens are made when the question is asked, where the file is too large to keep them: each takes about 15 ms of a core.
const MADE: usize = 4;
/// Questions that make tokens at a time; further ones do without, so that their cards do not wait.
const MAKING: usize = 2;
/// Clauses whose tokens stay in memory once they are made, about 6 KB each.
const HELD: usize = 4_000;

/// What a tier weighs that has the amount asked about (1000元以下的,由支行行长审批), in log-odds.
const TIER: f32 = 3.0;

/// The token vectors of a clause's passages.
type Passages = Arc<Vec<Vec<i8>>>;

/// Compares tokens, and holds what it made for it.
#[derive(Debug, Default)]
pub struct Comparison {
    held: Mutex<HashMap<ClauseId, Passages>>,
    making: AtomicUsize,
}

/// A place among those who make tokens, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Comparison {
    /// Compares the first clauses of `evidence`, best first, and puts down what was found; an encoder without token vectors leaves it as it
    /// is. False when there was no time for it, because others were at it.
    ///
    /// # Errors
    /// `KB_CORRUPT`, or the encoder's errors.
    pub fn run(
        &self,
        knowledge: &Knowledge,
        embedder: &dyn Embedder,
        question: Option<&QuestionTokens>,
        evidence: &mut [Evidence],
    ) -> Result<bool> {
        let (Some(late), Some(question)) = (embedder.late(), question) else { return Ok(true) };
        if keeps_tokens(knowledge, late) {
            for seen in evidence.iter_mut().take(COMPARED) {
                let passages = knowledge.tokens(seen.clause)?.unwrap_or_default();
                seen.answers = best(late, question, seen.text, &passages);
            }
            return Ok(true);
        }
        let Some(_place) = self.place() else { return Ok(false) };
        for seen in evidence.iter_mut().take(MADE) {
            seen.answers = best(late, question, seen.text, &self.made(knowledge, embedder, seen.clause)?);
        }
        Ok(true)
    }

    /// The sentences of a clause with the vectors of their tokens; `None` where these are not at hand.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn sentences(
        &self,
        knowledge: &Knowledge,
        embedder: &dyn Embedder,
        (title, clause): (&str, &Clause),
    ) -> Result<Option<Sentences>> {
        let Some(late) = embedder.late() else { return Ok(None) };
        let vectors = if keeps_tokens(knowledge, late) {
            knowledge.tokens(clause.id)?.map(Arc::new)
        } else {
            self.held().get(&clause.id).map(Arc::clone)
        };
        let Some(vectors) = vectors else { return Ok(None) };
        let passages = passage::of_clause(title, &clause.heading, &clause.text);
        let ends: Vec<Vec<usize>> = passages.iter().map(|text| embedder.token_ends(text)).collect();
        let cut = |passage: usize, bytes: Range<usize>| {
            let ends = ends.get(passage)?;
            let first = ends.partition_point(|token| *token <= bytes.start);
            let last = ends.partition_point(|token| *token < bytes.end) + 1;
            let vectors = vectors.get(passage)?;
            let from = first.checked_mul(late.dimension())?;
            vectors.get(from..(last * late.dimension()).min(vectors.len())).map(<[i8]>::to_vec)
        };
        // Sentences stand in the passages in the order of the clause.
        let (mut passage, mut from) = (0, 0);
        let mut found = Sentences { head: Vec::new(), parts: Vec::new() };
        let row = table::lone_row(clause.text.trim());
        let ranges = sentences(&clause.text);
        let last = ranges.last().cloned();
        for range in ranges {
            let said = match &row {
                // A row under its header is encoded as it is said.
                Some(row) if Some(&range) == last.as_ref() => normalize(row),
                _ => normalize(clause.text.get(range.clone()).unwrap_or_default()),
            };
            let place = (passage..passages.len()).find_map(|n| {
                let start = if n == passage { from } else { 0 };
                let at = passages.get(n)?.get(start..)?.find(said.trim())? + start;
                Some((n, at, at + said.trim().len()))
            });
            let tokens = place.and_then(|(n, start, end)| {
                if found.head.is_empty() {
                    found.head = cut(n, 0..start).unwrap_or_default();
                }
                (passage, from) = (n, end);
                cut(n, start..end)
            });
            found.parts.push((range, tokens.unwrap_or_default()));
        }
        Ok(Some(found))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ClauseId, Passages>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> Option<Place<'_>> {
        let place = Place(&self.making);
        (self.making.fetch_add(1, Ordering::AcqRel) < MAKING).then_some(place)
    }

    /// The vectors of a clause's tokens, made now unless they were made before.
    fn made(&self, knowledge: &Knowledge, embedder: &dyn Embedder, id: ClauseId) -> Result<Passages> {
        if let Some(known) = self.held().get(&id) {
            return Ok(Arc::clone(known));
        }
        let (Some(version), Some(clause)) = (knowledge.version_of(id), knowledge.clause(id)?) else {
            return Ok(Passages::default());
        };
        let passages = passage::of_clause(&version.row.title, &clause.heading, &clause.text);
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let encoded = embedder.encode_clauses(&texts)?;
        let made: Passages = Arc::new(encoded.into_iter().map(|(_, tokens)| tokens).collect());
        let mut held = self.held();
        if held.len() >= HELD {
            held.clear();
        }
        held.insert(id, Arc::clone(&made));
        Ok(made)
    }
}

/// The sentences of a clause.
#[derive(Debug, Default)]
pub struct Sentences {
    /// The vectors of the tokens of title and chapter path.
    pub head: Vec<i8>,
    /// Each sentence in bytes of the clause's text, with the vectors of its tokens; none where it was not found again.
    pub parts: Vec<(Range<usize>, Vec<i8>)>,
}

/// Whether the file has the vectors that this head compares.
fn keeps_tokens(knowledge: &Knowledge, late: &LateInteraction) -> bool {
    knowledge.embedder().and_then(|e| e.token_dimension) == Some(late.dimension())
}

/// What the quantities of a question and of a sentence say of each other, in log-odds: a tier that has the amount speaks for its sentence, one
/// that has not against it.
pub fn agreement(asked: &[Quantity], stated: &[Quantity]) -> f32 {
    let bounded = |of: &Quantity| of.span.low != of.span.high;
    let compared = |said: &Quantity| {
        let tiers: Vec<&Quantity> =
            stated.iter().filter(|of| of.measure.compares(said.measure) && bounded(of)).collect();
        match tiers.as_slice() {
            [] => 0.0,
            tiers if tiers.iter().any(|of| said.span.within(&of.span)) => TIER,
            tiers if tiers.iter().any(|of| said.span.meets(&of.span)) => 0.0,
            _ => -TIER,
        }
    };
    asked.iter().map(compared).sum()
}

/// What the passage that answers best says; `cosine` is that of the clause.
fn best(
    late: &LateInteraction,
    question: &QuestionTokens,
    cosine: Option<f32>,
    passages: &[Vec<i8>],
) -> Option<Answers> {
    let found = passages.iter().filter_map(|tokens| late.compare(question, tokens));
    let judged =
        found.map(|found| Answers { log_odds: late.log_odds(found, cosine.unwrap_or(0.0)), weakest: found.weakest });
    judged.max_by(|a, b| a.log_odds.total_cmp(&b.log_odds))
}
