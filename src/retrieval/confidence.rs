//! How likely the ranking answers the question: the basis of refusing.

use super::lexical::{QueryTerm, Scored};
use serde::Serialize;

/// Below this the answer is a refusal.
pub const THRESHOLD: f64 = 0.5;

/// The evidence for an answer, as numbers from 0 to about 1, whatever the size of the knowledge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Features {
    /// Share of the question's weight in the best clause.
    pub coverage: f64,
    /// The same over words of two or more characters.
    pub word_coverage: f64,
    /// Score of the best clause, as a share of the weight of the question's own terms.
    pub strength: f64,
    /// How far the tenth clause falls behind the best one.
    pub margin: f64,
    /// Share of the question's words that occur anywhere in the knowledge.
    pub known: f64,
}

/// Rank whose distance to the first is the margin.
const MARGIN_RANK: usize = 9;

/// Measures a ranking, best first.
pub fn features(terms: &[QueryTerm], ranking: &[Scored]) -> Features {
    let Some(best) = ranking.first() else { return Features::default() };
    let said = || terms.iter().filter(|t| !t.added);
    let weight: f64 = said().map(|t| t.weight).sum();
    let known: f64 = said().filter(|t| t.id.is_some()).map(|t| t.weight).sum();
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let behind = ranking.get(MARGIN_RANK).map_or(0.0, |s| s.score);
    Features {
        coverage: best.coverage,
        word_coverage: best.word_coverage,
        strength: share(best.score, weight),
        margin: share(best.score - behind, best.score),
        known: share(known, weight),
    }
}

/// Probability that the question is answered by the first clauses.
pub fn estimate(f: &Features) -> f64 {
    f.coverage
}
