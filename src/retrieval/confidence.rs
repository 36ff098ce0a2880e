//! How likely the ranking answers the question: the basis of refusing.

use super::lexical::{QueryTerm, Scored};

/// Below this the answer is a refusal.
pub const THRESHOLD: f64 = 0.5;

/// The evidence for an answer, as numbers between about 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Share of the question's weight in the best clause.
    pub coverage: f64,
}

/// Measures the ranking.
pub fn features(_terms: &[QueryTerm], ranking: &[Scored]) -> Features {
    let coverage = ranking.first().map_or(0.0, |s| s.coverage);
    Features { coverage }
}

/// Probability that the question is answered by the first clauses.
pub fn estimate(terms: &[QueryTerm], ranking: &[Scored]) -> f64 {
    features(terms, ranking).coverage
}
