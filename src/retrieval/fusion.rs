//! Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): a clause's score is the sum over the rankings of
//! `1 / (60 + rank)`.

use crate::types::ClauseId;
use std::collections::HashMap;

/// The constant of the method; the paper found 60 good over many collections.
const K: f64 = 60.0;

/// Fuses rankings, each best first; returns clauses with their fused score, best first, ties by id.
pub fn fuse(rankings: &[&[ClauseId]]) -> Vec<(ClauseId, f64)> {
    let mut scores: HashMap<ClauseId, f64> = HashMap::new();
    for ranking in rankings {
        for (rank, clause) in ranking.iter().enumerate() {
            *scores.entry(*clause).or_default() += 1.0 / (K + rank as f64 + 1.0);
        }
    }
    let mut fused: Vec<(ClauseId, f64)> = scores.into_iter().collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_that_both_rankings_like_wins() {
        let a = [ClauseId(1), ClauseId(2), ClauseId(3)];
        let b = [ClauseId(4), ClauseId(2)];
        let fused = fuse(&[&a, &b]);
        assert_eq!(fused[0].0, ClauseId(2));
        assert_eq!(fused.len(), 4);
        assert!((fused[0].1 - 2.0 / 62.0).abs() < 1e-12);
    }
}
