//! One ranking of all evidence: for every clause that the words, the meaning or the curated questions put forward, a weighted
//! sum of what each says of it.
//!
//! Rank shares `60 / (60 + rank)` are those of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009); beside them
//! stand the scores themselves, which tell a clear winner from the first of many equals, and how often the clause and its
//! document have been asked for before.

use super::Signals;
use super::lexical::Scored;
use crate::store::{Knowledge, Near};
use crate::types::ClauseId;
use serde::Serialize;
use std::collections::HashMap;

/// The constant of reciprocal rank fusion; the paper found 60 good over many collections.
const K: f64 = 60.0;

/// Number of features of a clause.
pub const FEATURES: usize = 9;

/// Weights of [`Evidence::features`], in their order, where an encoder takes part.
const WITH_ENCODER: [f64; FEATURES] = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
/// The same for words alone.
const BY_WORDS: [f64; FEATURES] = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

/// What is known of one clause in view of a question; `None` where it is not in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// The clause.
    #[serde(skip)]
    pub clause: ClauseId,
    /// Rank among the words' clauses, from 1, and BM25 in shares of the best.
    pub lexical: Option<(usize, f64)>,
    /// Rank among the encoder's clauses, from 1, and cosine of the question and the clause's nearest passage.
    pub text: Option<(usize, f32)>,
    /// Rank by the curated questions nearest to the question, from 1, and their cosine.
    pub question: Option<(usize, f32)>,
    /// `ln(1 + curated questions of the clause)`.
    pub asked: f32,
    /// `ln(1 + 100 × curated questions of its version / (its clauses + 20))`.
    pub document: f32,
    /// Share of the pairs of characters in the document's title that the question has too.
    pub title: f32,
}

impl Evidence {
    /// The numbers that are weighed.
    pub fn features(&self) -> [f64; FEATURES] {
        let share = |rank: usize| K / (K + rank as f64);
        let (lexical, text, question) = (self.lexical, self.text, self.question);
        [
            lexical.map_or(0.0, |(_, score)| score),
            lexical.map_or(0.0, |(rank, _)| share(rank)),
            text.map_or(0.0, |(_, cosine)| f64::from(cosine)),
            text.map_or(0.0, |(rank, _)| share(rank)),
            question.map_or(0.0, |(_, cosine)| f64::from(cosine)),
            question.map_or(0.0, |(rank, _)| share(rank)),
            f64::from(self.asked),
            f64::from(self.document),
            f64::from(self.title),
        ]
    }

    fn sum(&self, weights: &[f64; FEATURES]) -> f64 {
        self.features().iter().zip(weights).map(|(x, w)| x * w).sum()
    }
}

/// The evidence on every clause that is in a ranking. `lexical` is best first; `text` is the question's normalised text.
pub fn gather(
    knowledge: &Knowledge,
    text: &str,
    signals: Signals,
    lexical: &[Scored],
    dense: &[Near],
) -> Vec<Evidence> {
    let mut titles: HashMap<i64, f32> = HashMap::new();
    let mut start = |clause: ClauseId| {
        let mut evidence =
            Evidence { clause, lexical: None, text: None, question: None, asked: 0.0, document: 0.0, title: 0.0 };
        let Some(version) = knowledge.version_of(clause) else { return evidence };
        if signals.curated {
            evidence.asked = (knowledge.curated_count(clause) as f32).ln_1p();
            let share = knowledge.curated_of_version(clause) as f32 / (version.clause_count as f32 + 20.0);
            evidence.document = (100.0 * share).ln_1p();
        }
        if signals.words {
            evidence.title = *titles.entry(version.document).or_insert_with(|| shared(&version.title_key, text));
        }
        evidence
    };
    let mut all: Vec<Evidence> = Vec::with_capacity(lexical.len() + dense.len());
    let mut places: HashMap<ClauseId, usize> = HashMap::new();
    let best = lexical.first().map_or(1.0, |s| s.score).max(f64::MIN_POSITIVE);
    for (rank, scored) in (1..).zip(lexical) {
        places.insert(scored.clause, all.len());
        all.push(Evidence { lexical: Some((rank, scored.score / best)), ..start(scored.clause) });
    }
    let texts = ranked(dense, |near| near.text);
    let questions = ranked(dense, |near| near.question.filter(|_| signals.curated));
    let mut place = |clause: ClauseId, all: &mut Vec<Evidence>| {
        *places.entry(clause).or_insert_with(|| {
            all.push(start(clause));
            all.len() - 1
        })
    };
    for (clause, rank, cosine) in texts {
        let at = place(clause, &mut all);
        if let Some(evidence) = all.get_mut(at) {
            evidence.text = Some((rank, cosine));
        }
    }
    for (clause, rank, cosine) in questions {
        let at = place(clause, &mut all);
        if let Some(evidence) = all.get_mut(at) {
            evidence.question = Some((rank, cosine));
        }
    }
    all
}

/// Clauses with a cosine of one kind and their rank by it, from 1.
fn ranked(dense: &[Near], cosine: impl Fn(&Near) -> Option<f32>) -> Vec<(ClauseId, usize, f32)> {
    let mut found: Vec<(ClauseId, f32)> = dense.iter().filter_map(|n| Some((n.clause, cosine(n)?))).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.into_iter().zip(1..).map(|((clause, cosine), rank)| (clause, rank, cosine)).collect()
}

/// Share of the pairs of neighbouring characters in `title` that `text` has too.
fn shared(title: &str, text: &str) -> f32 {
    let title: Vec<char> = title.chars().collect();
    let pairs = title.windows(2).map(|pair| pair.iter().collect::<String>());
    let found = pairs.clone().filter(|pair| text.contains(pair.as_str())).count();
    found as f32 / title.len().saturating_sub(1).max(1) as f32
}

/// The evidence in the order of its weighted sums, best first, ties by clause, each with its score: how likely it is the clause
/// that answers, as a share of the first one's likelihood, above 0 and at most 1.
pub fn fuse(evidence: Vec<Evidence>, encoded: bool) -> Vec<(Evidence, f64)> {
    let weights = if encoded { &WITH_ENCODER } else { &BY_WORDS };
    let mut fused: Vec<(Evidence, f64)> = evidence.into_iter().map(|e| (e, e.sum(weights))).collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.clause.cmp(&b.0.clause)));
    let best = fused.first().map_or(0.0, |(_, sum)| *sum);
    for (_, sum) in &mut fused {
        *sum = (*sum - best).exp();
    }
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_recognised_in_part() {
        assert_eq!(shared("票据法", "票据丢了"), 0.5);
        assert_eq!(shared("票", "票据丢了"), 0.0);
    }
}
