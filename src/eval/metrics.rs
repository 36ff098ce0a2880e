//! The figures of an evaluation.

use super::calibration::{self, RiskPoint};
use serde::Serialize;
use std::collections::BTreeMap;

/// What became of one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// Id of the question.
    pub id: String,
    /// Register of the question, where its line names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
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
    /// Whether the knowledge answers it.
    pub fn answerable(&self) -> bool {
        !self.ranks.is_empty()
    }

    /// Share of the relevant clauses among the first `k`.
    pub fn recall(&self, k: usize) -> f64 {
        let found = self.ranks.iter().flatten().filter(|rank| **rank < k).count();
        found as f64 / self.ranks.len() as f64
    }

    fn refusal(&self) -> f64 {
        if self.refused { 1.0 } else { 0.0 }
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
    /// How well the confidence tells answerable from unanswerable questions, see [`auc`].
    pub auc: Option<f64>,
    /// The same by register, in the order of their names, questions without one last; empty when no question names a register.
    pub registers: Vec<RegisterFigures>,
    /// What other thresholds would refuse, see [`calibration::risk_coverage`].
    pub risk_coverage: Vec<RiskPoint>,
}

impl Figures {
    /// Computes all figures.
    pub fn of(asked: &[Asked]) -> Figures {
        let all: Vec<&Asked> = asked.iter().collect();
        let mean = |value: &dyn Fn(&Asked) -> f64| mean(&all, value).unwrap_or(0.0);
        let answerable = asked.iter().filter(|a| a.answerable()).count();
        let refused = asked.iter().filter(|a| a.refused).count();
        let rightly = asked.iter().filter(|a| a.refused && !a.answerable()).count();
        let mut times: Vec<f64> = asked.iter().map(|a| a.took_ms).collect();
        times.sort_by(f64::total_cmp);
        Figures {
            questions: asked.len(),
            answerable,
            recall_at_1: mean(&|a| a.recall(1)),
            recall_at_3: mean(&|a| a.recall(3)),
            recall_at_5: mean(&|a| a.recall(5)),
            recall_at_10: mean(&|a| a.recall(10)),
            recall_at_20: mean(&|a| a.recall(20)),
            recall_at_100: mean(&|a| a.recall(100)),
            mrr: mean(&Asked::reciprocal_rank),
            ndcg_at_10: mean(&|a| a.ndcg(10)),
            refusal_precision: share(rightly, refused),
            refusal_recall: share(rightly, asked.len() - answerable),
            wrong_refusals: mean(&Asked::refusal),
            p50_ms: percentile(&times, 0.50),
            p95_ms: percentile(&times, 0.95),
            p99_ms: percentile(&times, 0.99),
            auc: auc(&all),
            registers: by_register(&all),
            risk_coverage: calibration::risk_coverage(asked),
        }
    }
}

/// The figures of the questions in one register.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegisterFigures {
    /// The register; `null` for the questions that name none.
    pub register: Option<String>,
    /// Its questions.
    pub questions: usize,
    /// Those that the knowledge answers.
    pub answerable: usize,
    /// Mean over them of the share of relevant clauses ranked first; `null` when there are none.
    pub recall_at_1: Option<f64>,
    /// ... among the first 3.
    pub recall_at_3: Option<f64>,
    /// ... among the first 10.
    pub recall_at_10: Option<f64>,
    /// Of the answerable questions, the share that was refused; `null` when there are none.
    pub wrong_refusals: Option<f64>,
    /// Of the unanswerable questions, the share that was refused; `null` when there are none.
    pub refusal_recall: Option<f64>,
    /// How well the confidence tells the two apart, see [`auc`].
    pub auc: Option<f64>,
}

impl RegisterFigures {
    fn of(register: Option<&str>, asked: &[&Asked]) -> RegisterFigures {
        let answerable = asked.iter().filter(|a| a.answerable()).count();
        let rightly = asked.iter().filter(|a| a.refused && !a.answerable()).count();
        RegisterFigures {
            register: register.map(str::to_owned),
            questions: asked.len(),
            answerable,
            recall_at_1: mean(asked, &|a| a.recall(1)),
            recall_at_3: mean(asked, &|a| a.recall(3)),
            recall_at_10: mean(asked, &|a| a.recall(10)),
            wrong_refusals: mean(asked, &Asked::refusal),
            refusal_recall: share(rightly, asked.len() - answerable),
            auc: auc(asked),
        }
    }

    /// Returns the name that tables show.
    pub fn label(&self) -> &str {
        self.register.as_deref().unwrap_or("(未注明)")
    }
}

fn by_register(asked: &[&Asked]) -> Vec<RegisterFigures> {
    let mut groups: BTreeMap<Option<&str>, Vec<&Asked>> = BTreeMap::new();
    for question in asked {
        groups.entry(question.register.as_deref()).or_default().push(question);
    }
    let unnamed = groups.remove(&None).filter(|_| !groups.is_empty());
    let groups = groups.into_iter().chain(unnamed.map(|group| (None, group)));
    groups.map(|(register, group)| RegisterFigures::of(register, &group)).collect()
}

/// Computes the area under the ROC curve of the confidence: the chance that an answerable question has a higher confidence than an
/// unanswerable one, where equal ones count half (the Mann-Whitney statistic: Hanley and McNeil, Radiology 1982). `None` when there
/// are no questions of either kind.
pub fn auc(asked: &[&Asked]) -> Option<f64> {
    let side = |answerable: bool| asked.iter().filter(move |a| a.answerable() == answerable).map(|a| a.confidence);
    let mut unanswerable: Vec<f64> = side(false).collect();
    unanswerable.sort_by(f64::total_cmp);
    let beaten = |confidence: f64| {
        let below = unanswerable.partition_point(|other| *other < confidence);
        let not_above = unanswerable.partition_point(|other| *other <= confidence);
        (below + not_above) as f64 / 2.0
    };
    let pairs = side(true).count() * unanswerable.len();
    (pairs > 0).then(|| side(true).map(beaten).sum::<f64>() / pairs as f64)
}

/// Computes the mean over the answerable questions; `None` when there are none.
fn mean(asked: &[&Asked], value: &dyn Fn(&Asked) -> f64) -> Option<f64> {
    let values: Vec<f64> = asked.iter().filter(|a| a.answerable()).map(|a| value(a)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Computes a share; `None` of nothing.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
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
            register: None,
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

    fn spoken(register: Option<&str>, confidence: f64, ranks: &[Option<usize>]) -> Asked {
        Asked { register: register.map(str::to_owned), confidence, ..asked(ranks, confidence < 0.5) }
    }

    #[test]
    fn auc_counts_pairs_in_the_right_order_and_ties_by_half() {
        let answerable = [0.9, 0.5, 0.2].map(|confidence| spoken(None, confidence, &[None]));
        let unanswerable = [0.5, 0.1].map(|confidence| spoken(None, confidence, &[]));
        let all: Vec<&Asked> = answerable.iter().chain(&unanswerable).collect();
        // 0.9 is above both, 0.5 beside one and above the other, 0.2 above one: 4.5 of 6 pairs.
        assert_eq!(auc(&all), Some(0.75));
        assert_eq!(auc(&answerable.iter().collect::<Vec<_>>()), None);
        assert_eq!(auc(&unanswerable.iter().collect::<Vec<_>>()), None);
    }

    #[test]
    fn each_register_has_its_own_figures() {
        let figures = Figures::of(&[
            spoken(None, 0.9, &[Some(0)]),
            spoken(Some("formal"), 0.9, &[Some(2)]),
            spoken(Some("formal"), 0.4, &[Some(0), None]),
            spoken(Some("formal"), 0.3, &[]),
            spoken(Some("everyday"), 0.6, &[]),
        ]);
        let [everyday, formal, unnamed] = figures.registers.as_slice() else {
            panic!("{:?}", figures.registers);
        };
        assert_eq!((everyday.label(), formal.label(), unnamed.label()), ("everyday", "formal", "(未注明)"));
        assert_eq!((formal.questions, formal.answerable), (3, 2));
        assert_eq!((formal.recall_at_1, formal.recall_at_3, formal.recall_at_10), (Some(0.25), Some(0.75), Some(0.75)));
        assert_eq!((formal.wrong_refusals, formal.refusal_recall, formal.auc), (Some(0.5), Some(1.0), Some(1.0)));
        assert_eq!((everyday.recall_at_1, everyday.wrong_refusals), (None, None));
        assert_eq!((everyday.refusal_recall, everyday.auc), (Some(0.0), None));
        assert_eq!((unnamed.questions, unnamed.refusal_recall), (1, None));
    }

    #[test]
    fn without_registers_there_is_nothing_to_list() {
        assert!(Figures::of(&[spoken(None, 0.9, &[Some(0)])]).registers.is_empty());
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(percentile(&values, 0.5), 2.0);
        assert_eq!(percentile(&values, 0.95), 4.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
