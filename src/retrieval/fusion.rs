//! One ranking of several signals, by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): a clause's score is
//! the sum over the rankings of `1 / (60 + rank)`.

use super::lexical::Scored;
use crate::store::Near;
use crate::types::ClauseId;
use std::collections::HashMap;

/// The constant of the method; the paper found 60 good over many collections.
const K: f64 = 60.0;

/// What the rankings say of one clause; `None` where it is not in a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The clause.
    pub clause: ClauseId,
    /// Rank among the words' clauses, from 1, and BM25.
    pub lexical: Option<(usize, f64)>,
    /// Rank among the encoder's clauses, from 1.
    pub dense_rank: Option<usize>,
    /// Cosine of the question and the clause's nearest passage.
    pub text: Option<f32>,
    /// Cosine of the question and the clause's nearest curated question.
    pub question: Option<f32>,
}

/// The signals of every clause that is in a ranking; each ranking is best first.
pub fn gather(lexical: &[Scored], dense: &[Near]) -> Vec<Evidence> {
    let mut signals: Vec<Evidence> = Vec::with_capacity(lexical.len() + dense.len());
    let mut places: HashMap<ClauseId, usize> = HashMap::new();
    for (rank, scored) in (1..).zip(lexical) {
        places.insert(scored.clause, signals.len());
        let lexical = Some((rank, scored.score));
        signals.push(Evidence { clause: scored.clause, lexical, dense_rank: None, text: None, question: None });
    }
    for (rank, near) in (1..).zip(dense) {
        let dense = Evidence {
            clause: near.clause,
            lexical: None,
            dense_rank: Some(rank),
            text: near.text,
            question: near.question,
        };
        match places.get(&near.clause).and_then(|place| signals.get_mut(*place)) {
            Some(known) => *known = Evidence { lexical: known.lexical, ..dense },
            None => signals.push(dense),
        }
    }
    signals
}

/// Clauses with their fused score, best first, ties by id.
pub fn fuse(signals: &[Evidence]) -> Vec<(ClauseId, f64)> {
    let share = |rank: usize| 1.0 / (K + rank as f64);
    let score = |s: &Evidence| s.lexical.map_or(0.0, |(rank, _)| share(rank)) + s.dense_rank.map_or(0.0, share);
    let mut fused: Vec<(ClauseId, f64)> = signals.iter().map(|s| (s.clause, score(s))).collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_that_both_rankings_like_wins() {
        let words = [1, 2, 3].map(|id| Scored { clause: ClauseId(id), score: 4.0 - id as f64 });
        let near = [4, 2].map(|id| Near { clause: ClauseId(id), text: Some(0.5), question: None });
        let signals = gather(&words, &near);
        assert_eq!(signals[1].lexical, Some((2, 2.0)));
        assert_eq!((signals[1].dense_rank, signals[1].text), (Some(2), Some(0.5)));
        let fused = fuse(&signals);
        assert_eq!(fused[0].0, ClauseId(2));
        assert_eq!(fused.len(), 4);
        assert!((fused[0].1 - 2.0 / 62.0).abs() < 1e-12);
    }
}
