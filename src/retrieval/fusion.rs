//! One ranking of all evidence: for every clause that the words, the meaning or the curated questions put forward, a weighted
//! sum of what each says of it.
//!
//! What counts are the scores themselves, which tell a clear winner from the first of many equals. They are measured by what is usual
//! for this question, knowledge and encoder (shares of the best, standard deviations above the mean, likeness beyond that of any two
//! questions), so that the weights fit every encoder and every bank. Every clause that one ranking puts forward is looked up in the others, so
//! that no score is missing. (Ranks, as in reciprocal rank fusion, added nothing beside the scores: features of ranks got weights near zero.)

use super::Signals;
use super::lexical::Scored;
use crate::store::{Knowledge, Nearest};
use crate::types::ClauseId;
use serde::Serialize;
use std::collections::HashMap;

/// Number of features of a clause.
pub const FEATURES: usize = 6;

/// Weights of [`Evidence::features`], in their order.
type Weights = [f64; FEATURES];

/// Where token vectors were compared: the order of the first clauses. All three sets are fitted listwise (`training/guida_train/fusion.py`) on
/// questions over documents that the encoder has not learned from, twice, on those of the sample rulebook with and without its curated questions, and on 22
/// topics of `assets/eval/teller`.
const WITH_TOKENS: Weights = [7.42, 9.00, 6.06, 0.77, 3.76, 2.28];
/// With an encoder, before tokens are compared or without.
const WITH_ENCODER: Weights = [7.89, 17.52, 6.02, 1.31, 0.0, 2.62];
/// Words alone.
const BY_WORDS: Weights = [11.41, 0.0, 0.0, 4.60, 0.0, 3.32];

/// Likeness to a curated question up to which it says nothing: questions of one bank are all a little alike, and one that is merely like
/// another must not draw it to its own clause.
const UNLIKE: f32 = 0.5;
/// What it adds to the log-likelihood of a clause that a question goes on about its document, set on 125 follow-ups of `assets/eval/teller`.
const CITED_BEFORE: f64 = 1.5;
/// Standard deviations, and log-odds, are counted in tens, so that all features are of one size.
pub(super) const TEN: f64 = 10.0;

/// How a clause's tokens meet the question's, see [`crate::inference::LateInteraction`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Answers {
    /// Log-odds that the clause answers, as the encoder learnt them.
    pub log_odds: f32,
    /// About the best cosine of the token of the question that the clause meets worst.
    pub weakest: f32,
}

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
    /// The same in standard deviations above the mean of all clauses.
    pub standing: f32,
    /// Cosine of the question and the nearest question that the clause is known to answer; `None` also where there is no such question.
    pub question: Option<f32>,
    /// Likeness of the two, from 0 (no more than questions usually are) to 1 (equal).
    pub known: f32,
    /// The same, lent by the clause of a later version that says nearly the same, see [`super::versions`]; it helps to find this clause and
    /// says nothing of whether it answers.
    #[serde(skip)]
    pub lent: f32,
    /// Share of the pairs of characters in the document's title that the question has too.
    pub title: f32,
    /// Whether it states a quantity of the kind that the question asks for, see [`super::wanted`].
    pub stated: bool,
    /// Token by token; `None` where that was not compared.
    pub answers: Option<Answers>,
    /// Whether its document was cited for the question before.
    pub cited_before: bool,
}

impl Evidence {
    /// The numbers that are weighed.
    pub fn features(&self) -> [f64; FEATURES] {
        [
            self.lexical,
            f64::from(self.standing) / TEN,
            f64::from(self.known.max(self.lent)),
            f64::from(self.title),
            f64::from(self.answers.map_or(0.0, |answers| answers.log_odds)) / TEN,
            f64::from(u8::from(self.stated)),
        ]
    }

    fn sum(&self, weights: &Weights) -> f64 {
        let weighed: f64 = self.features().iter().zip(weights).map(|(x, w)| x * w).sum();
        weighed + if self.cited_before { CITED_BEFORE } else { 0.0 }
    }
}

/// The evidence on every clause among `lexical` or `dense`, in no order. `text` is the question's normalised text.
pub fn gather(
    knowledge: &Knowledge,
    text: &str,
    signals: Signals,
    lexical: &[Scored],
    dense: &Nearest,
) -> Vec<Evidence> {
    let mut titles: HashMap<i64, f32> = HashMap::new();
    let mut all: HashMap<ClauseId, Evidence> = HashMap::with_capacity(lexical.len() + dense.clauses.len());
    let mut of = |clause: ClauseId| {
        let title = knowledge
            .version_of(clause)
            .filter(|_| signals.words)
            .map_or(0.0, |version| *titles.entry(version.document).or_insert_with(|| shared(&version.title_key, text)));
        Evidence {
            clause,
            lexical: 0.0,
            text: None,
            standing: 0.0,
            question: None,
            known: 0.0,
            lent: 0.0,
            title,
            stated: false,
            answers: None,
            cited_before: false,
        }
    };
    let best = lexical.iter().map(|s| s.score).fold(f64::MIN_POSITIVE, f64::max);
    for scored in lexical {
        all.entry(scored.clause).or_insert_with(|| of(scored.clause)).lexical = scored.score / best;
    }
    for near in &dense.clauses {
        let evidence = all.entry(near.clause).or_insert_with(|| of(near.clause));
        evidence.text = near.text;
        evidence.standing = near.text.map_or(0.0, |cosine| dense.background.standard(cosine));
        evidence.question = near.question.filter(|_| signals.curated);
        evidence.known = evidence.question.map_or(0.0, |cosine| known(dense.likeness(cosine)));
    }
    all.into_values().collect()
}

/// Likeness beyond [`UNLIKE`], from 0 to 1.
fn known(likeness: f32) -> f32 {
    ((likeness - UNLIKE) / (1.0 - UNLIKE)).clamp(0.0, 1.0)
}

/// Share of the pairs of neighbouring characters in `title` that `text` has too.
fn shared(title: &str, text: &str) -> f32 {
    let title: Vec<char> = title.chars().collect();
    let pairs = title.windows(2).map(|pair| pair.iter().collect::<String>());
    let found = pairs.clone().filter(|pair| text.contains(pair.as_str())).count();
    found as f32 / title.len().saturating_sub(1).max(1) as f32
}

/// The evidence by its weighted sums, best first, ties by clause.
pub fn order(evidence: &mut [Evidence], encoded: bool) {
    let weights = if encoded { &WITH_ENCODER } else { &BY_WORDS };
    evidence.sort_by(|a, b| b.sum(weights).total_cmp(&a.sum(weights)).then(a.clause.cmp(&b.clause)));
}

/// Puts the first clauses, those that were compared by their tokens, in the order of all that is known now; `evidence` is in that of
/// [`order`]. Every clause gets a score: how likely it is the one that answers, as a share of the first one's likelihood, above 0 and at most 1.
pub fn fuse(evidence: Vec<Evidence>, encoded: bool) -> Vec<(Evidence, f64)> {
    let before = if encoded { &WITH_ENCODER } else { &BY_WORDS };
    let compared = evidence.iter().take_while(|e| e.answers.is_some()).count();
    let (first, rest) = evidence.split_at(compared);
    let mut fused: Vec<(Evidence, f64)> = first.iter().map(|e| (*e, e.sum(&WITH_TOKENS))).collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.clause.cmp(&b.0.clause)));
    // The others follow at their distance from the last one compared, as it was before.
    let last = fused.last().map(|(_, sum)| *sum).zip(first.last().map(|e| e.sum(before)));
    let shift = last.map_or(0.0, |(now, then)| now - then);
    fused.extend(rest.iter().map(|e| (*e, e.sum(before) + shift)));
    let best = fused.first().map_or(0.0, |(_, sum)| *sum);
    for (_, sum) in &mut fused {
        *sum = (*sum - best).exp().min(1.0);
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
