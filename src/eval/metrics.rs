//! The figures of an evaluation.

use serde::Serialize;

/// What became of one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// Id of the question.
    pub id: String,
    /// For each relevant clause its rank from 0, `None` when it is not among the first 100.
    pub ranks: Vec<Option<usize>>,
    /// Whether Guida refused.
    pub refused: bool,
    /// Its confidence.
    pub confidence: f64,
    /// What the confidence rests on.
    pub features: crate::retrieval::confidence::Features,
    /// Time to rank, milliseconds.
    pub took_ms: f64,
}

impl Asked {
    fn answerable(&self) -> bool {
        !self.ranks.is_empty()
    }

    /// Share of the relevant clauses among the first `k`.
    pub fn recall(&self, k: usize) -> f64 {
        let found = self.ranks.iter().flatten().filter(|rank| **rank < k).count();
        found as f64 / self.ranks.len() as f64
    }

    fn reciprocal_rank(&self) -> f64 {
        self.ranks.iter().flatten().min().map_or(0.0, |rank| 1.0 / (*rank as f64 + 1.0))
    }

    /// Binary gains, ideal ranking of all relevant clauses (Järvelin and Kekäläinen, TOIS 2002).
    fn ndcg(&self, k: usize) -> f64 {
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let found: f64 = self.ranks.iter().flatten().filter(|r| **r < k).map(|r| gain(*r)).sum();
        let ideal: f64 = (0..self.ranks.len().min(k)).map(gain).sum();
        found / ideal
    }
}

/// Means over all answerable questions; recall of a question with several relevant clauses is the mean over them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// All questions.
    pub questions: usize,
    /// Questions that the knowledge answers.
    pub answerable: usize,
    /// Share of relevant clauses ranked first.
    pub recall_at_1: f64,
    /// ... among the first 3.
    pub recall_at_3: f64,
    /// ... among the first 5.
    pub recall_at_5: f64,
    /// ... among the first 10.
    pub recall_at_10: f64,
    /// ... among the first 20.
    pub recall_at_20: f64,
    /// ... among the first 100.
    pub recall_at_100: f64,
    /// Mean reciprocal rank of the first relevant clause.
    pub mrr: f64,
    /// Normalised discounted cumulative gain of the first 10.
    pub ndcg_at_10: f64,
    /// Of the refusals, the share that was right; `null` when nothing was refused.
    pub refusal_precision: Option<f64>,
    /// Of the unanswerable questions, the share that was refused; `null` when there are none.
    pub refusal_recall: Option<f64>,
    /// Of the answerable questions, the share that was refused.
    pub wrong_refusals: f64,
    /// Median time to rank, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

impl Figures {
    /// Computes all figures.
    pub fn of(asked: &[Asked]) -> Figures {
        let answerable: Vec<&Asked> = asked.iter().filter(|a| a.answerable()).collect();
        let mean = |value: &dyn Fn(&Asked) -> f64| {
            let sum: f64 = answerable.iter().map(|a| value(a)).sum();
            if answerable.is_empty() { 0.0 } else { sum / answerable.len() as f64 }
        };
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let refused = asked.iter().filter(|a| a.refused).count();
        let rightly = asked.iter().filter(|a| a.refused && !a.answerable()).count();
        let mut times: Vec<f64> = asked.iter().map(|a| a.took_ms).collect();
        times.sort_by(f64::total_cmp);
        Figures {
            questions: asked.len(),
            answerable: answerable.len(),
            recall_at_1: mean(&|a| a.recall(1)),
            recall_at_3: mean(&|a| a.recall(3)),
            recall_at_5: mean(&|a| a.recall(5)),
            recall_at_10: mean(&|a| a.recall(10)),
            recall_at_20: mean(&|a| a.recall(20)),
            recall_at_100: mean(&|a| a.recall(100)),
            mrr: mean(&Asked::reciprocal_rank),
            ndcg_at_10: mean(&|a| a.ndcg(10)),
            refusal_precision: share(rightly, refused),
            refusal_recall: share(rightly, asked.len() - answerable.len()),
            wrong_refusals: mean(&|a| if a.refused { 1.0 } else { 0.0 }),
            p50_ms: percentile(&times, 0.50),
            p95_ms: percentile(&times, 0.95),
            p99_ms: percentile(&times, 0.99),
        }
    }
}

/// Nearest-rank percentile of ascending values; 0 for none.
pub fn percentile(ascending: &[f64], share: f64) -> f64 {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(ranks: &[Option<usize>], refused: bool) -> Asked {
        Asked {
            id: String::new(),
            ranks: ranks.to_vec(),
            refused,
            confidence: 0.0,
            features: Default::default(),
            took_ms: 1.0,
        }
    }

    #[test]
    fn recall_is_the_mean_over_a_questions_clauses() {
        let figures = Figures::of(&[asked(&[Some(0), Some(4)], false), asked(&[None], true), asked(&[], true)]);
        assert_eq!(figures.recall_at_1, 0.25);
        assert_eq!(figures.recall_at_5, 0.5);
        assert_eq!(figures.mrr, 0.5);
        assert_eq!(figures.refusal_precision, Some(0.5));
        assert_eq!(figures.refusal_recall, Some(1.0));
        assert_eq!(figures.wrong_refusals, 0.5);
    }

    #[test]
    fn ndcg_of_a_perfect_ranking_is_one() {
        assert!((asked(&[Some(1), Some(0)], false).ndcg(10) - 1.0).abs() < 1e-12);
        assert_eq!(asked(&[Some(10)], false).ndcg(10), 0.0);
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(percentile(&values, 0.5), 2.0);
        assert_eq!(percentile(&values, 0.95), 4.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
