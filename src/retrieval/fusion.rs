//! One ranking of all evidence: for every clause that the words, the meaning or the curated questions put forward, a weighted
//! sum of what each says of it.
//!
//! What counts are the scores themselves, which tell a clear winner from the first of many equals, and how often the clause and its
//! document have been asked for before. Every clause that one ranking puts forward is looked up in the others, so that no score is
//! missing. (Ranks, as in reciprocal rank fusion, added nothing beside the scores: features of ranks got weights near zero.)

use super::Signals;
use super::lexical::Scored;
use crate::store::{Knowledge, Near};
use crate::types::ClauseId;
use serde::Serialize;
use std::collections::HashMap;

/// Number of features of a clause.
pub const FEATURES: usize = 6;

/// Weights of [`Evidence::features`], in their order, where an encoder takes part. Fitted listwise on the dev questions with the
/// encoders of a five-fold cross-validation (`training/guida_train/fusion.py`). Recall@10 / @100 of each fold with weights fitted on
/// the others: 0.753 / 0.916, and fitted on all 0.754 / 0.917; without BM25 0.720 / 0.901, without
/// the passages' cosine 0.722 / 0.905, without either count of questions 0.743 / 0.91.
const WITH_ENCODER: [f64; FEATURES] = [4.688, 10.330, 0.090, 0.482, 0.637, 0.523];
/// The same for words alone: 0.713 / 0.891; lexical by itself 0.671 / 0.859.
const BY_WORDS: [f64; FEATURES] = [9.353, 0.0, 0.0, 0.517, 0.691, 0.816];

/// What is known of one clause in view of a question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// The clause.
    #[serde(skip)]
    pub clause: ClauseId,
    /// BM25 in shares of the best clause's; 0 where words take no part.
    pub lexical: f64,
    /// Cosine of the question and the clause's nearest passage; `None` without an encoder.
    pub text: Option<f32>,
    /// Cosine of the question and the nearest question that the clause is known to answer; `None` also where there is no such question.
    pub question: Option<f32>,
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
        let cosine = |cosine: Option<f32>| f64::from(cosine.unwrap_or(0.0));
        [
            self.lexical,
            cosine(self.text),
            cosine(self.question),
            f64::from(self.asked),
            f64::from(self.document),
            f64::from(self.title),
        ]
    }

    fn sum(&self, weights: &[f64; FEATURES]) -> f64 {
        self.features().iter().zip(weights).map(|(x, w)| x * w).sum()
    }
}

/// The evidence on every clause among `lexical` or `dense`, in no order. `text` is the question's normalised text.
pub fn gather(
    knowledge: &Knowledge,
    text: &str,
    signals: Signals,
    lexical: &[Scored],
    dense: &[Near],
) -> Vec<Evidence> {
    let mut titles: HashMap<i64, f32> = HashMap::new();
    let mut all: HashMap<ClauseId, Evidence> = HashMap::with_capacity(lexical.len() + dense.len());
    let mut of = |clause: ClauseId| {
        let mut evidence =
            Evidence { clause, lexical: 0.0, text: None, question: None, asked: 0.0, document: 0.0, title: 0.0 };
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
    let best = lexical.iter().map(|s| s.score).fold(f64::MIN_POSITIVE, f64::max);
    for scored in lexical {
        all.entry(scored.clause).or_insert_with(|| of(scored.clause)).lexical = scored.score / best;
    }
    for near in dense {
        let evidence = all.entry(near.clause).or_insert_with(|| of(near.clause));
        evidence.text = near.text;
        evidence.question = near.question.filter(|_| signals.curated);
    }
    all.into_values().collect()
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
