//! Whether the confidence means what it says: of the questions answered with confidence 0.8, four of five should be answered right.
//! And what it is good for: how many questions of either kind each threshold would refuse, and how right the other answers are.

use super::metrics::{Asked, share};
use serde::Serialize;

/// Bins of the confidence.
const BINS: usize = 10;
/// Thresholds of the risk-coverage curve are the multiples of one part of so many, without 0 and 1.
const THRESHOLDS: u32 = 20;
/// A ranking answers when a relevant clause is among so many: as many as a card cites.
pub const ANSWERS_WITHIN: usize = 5;

/// The questions whose confidence is in one tenth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// Least confidence of the bin.
    pub from: f64,
    /// Questions in it.
    pub questions: usize,
    /// Their mean confidence; 0 when there are none.
    pub confidence: f64,
    /// Share of them that are answered right; 0 when there are none.
    pub answered: f64,
}

/// All bins, by rising confidence; a question is answered right when the first clauses answer it.
pub fn bins(asked: &[Asked]) -> Vec<Bin> {
    tenths(&asked.iter().map(|a| (a.confidence, answers(a))).collect::<Vec<_>>())
}

/// All bins over confidences, each with whether the answer was right.
pub fn tenths(answers: &[(f64, bool)]) -> Vec<Bin> {
    let bin = |number: usize| {
        let inside: Vec<&(f64, bool)> =
            answers.iter().filter(|(c, _)| ((c * BINS as f64) as usize).min(BINS - 1) == number).collect();
        let mean = |sum: f64| if inside.is_empty() { 0.0 } else { sum / inside.len() as f64 };
        Bin {
            from: number as f64 / BINS as f64,
            questions: inside.len(),
            confidence: mean(inside.iter().map(|(confidence, _)| confidence).sum()),
            answered: mean(inside.iter().filter(|(_, right)| *right).count() as f64),
        }
    };
    (0..BINS).map(bin).collect()
}

fn answers(asked: &Asked) -> bool {
    asked.ranks.iter().flatten().any(|rank| *rank < ANSWERS_WITHIN)
}

/// Expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015): mean distance of confidence and share over all questions.
pub fn error(bins: &[Bin]) -> f64 {
    let questions: usize = bins.iter().map(|b| b.questions).sum();
    let sum: f64 = bins.iter().map(|b| b.questions as f64 * (b.confidence - b.answered).abs()).sum();
    if questions == 0 { 0.0 } else { sum / questions as f64 }
}

/// What one threshold of the confidence would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RiskPoint {
    /// Questions with a lower confidence are refused.
    pub threshold: f64,
    /// Of the answerable questions, the share refused; `null` when there are none.
    pub answerable_refused: Option<f64>,
    /// Of the unanswerable questions, the share refused; `null` when there are none.
    pub unanswerable_refused: Option<f64>,
    /// Questions that are answered, answerable or not.
    pub answered: usize,
    /// Of the answers, the share with a relevant clause among the first [`ANSWERS_WITHIN`]; `null` when all questions are refused.
    /// An answer to an unanswerable question is never right.
    pub answered_right: Option<f64>,
}

/// Computes the risk-coverage curve (El-Yaniv and Wiener, JMLR 2010) for the thresholds 0.05, 0.10 … 0.95.
pub fn risk_coverage(asked: &[Asked]) -> Vec<RiskPoint> {
    let count = |wanted: &dyn Fn(&Asked) -> bool| asked.iter().filter(|a| wanted(a)).count();
    let answerable = count(&Asked::answerable);
    let point = |threshold: f64| {
        let refused = |kind: bool| count(&|a| a.confidence < threshold && a.answerable() == kind);
        let answered = count(&|a| a.confidence >= threshold);
        RiskPoint {
            threshold,
            answerable_refused: share(refused(true), answerable),
            unanswerable_refused: share(refused(false), asked.len() - answerable),
            answered,
            answered_right: share(count(&|a| a.confidence >= threshold && answers(a)), answered),
        }
    };
    (1..THRESHOLDS).map(|step| point(f64::from(step) / f64::from(THRESHOLDS))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(confidence: f64, rank: Option<usize>) -> Asked {
        Asked {
            id: String::new(),
            register: None,
            ranks: vec![rank],
            refused: false,
            confidence,
            features: Default::default(),
            took_ms: 0.0,
        }
    }

    #[test]
    fn each_question_is_in_one_bin() {
        let bins = bins(&[asked(1.0, Some(4)), asked(0.95, Some(5)), asked(0.05, None), asked(0.0, Some(0))]);
        assert_eq!(bins.iter().map(|b| b.questions).collect::<Vec<_>>(), [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!((bins[9].answered, bins[0].answered), (0.5, 0.5));
        // |0.975 - 0.5| and |0.025 - 0.5|, two questions each.
        assert!((error(&bins) - 0.475).abs() < 1e-12);
        assert_eq!(error(&super::bins(&[])), 0.0);
    }

    #[test]
    fn a_threshold_refuses_what_is_below_it() {
        let nothing = |confidence| Asked { ranks: Vec::new(), ..asked(confidence, None) };
        let curve = risk_coverage(&[
            asked(0.9, Some(4)),
            asked(0.15, Some(0)),
            asked(0.9, Some(5)),
            asked(0.1, None),
            nothing(0.8),
            nothing(0.05),
        ]);
        let thresholds: Vec<String> = curve.iter().map(|p| format!("{:.2}", p.threshold)).collect();
        assert_eq!((thresholds.len(), thresholds[0].as_str(), thresholds[18].as_str()), (19, "0.05", "0.95"));
        let at = |point: usize| {
            let p = &curve[point];
            (p.answerable_refused, p.unanswerable_refused, p.answered, p.answered_right)
        };
        // Nothing is below 0.05, and a confidence of 0.15 is not below 0.15.
        assert_eq!(at(0), (Some(0.0), Some(0.0), 6, Some(2.0 / 6.0)));
        assert_eq!(at(2), (Some(0.25), Some(0.5), 4, Some(0.5)));
        assert_eq!(at(16), (Some(0.5), Some(1.0), 2, Some(0.5)));
        assert_eq!(at(18), (Some(1.0), Some(1.0), 0, None));
    }

    #[test]
    fn shares_of_no_questions_are_none() {
        let point = risk_coverage(&[asked(0.5, Some(0))]).remove(0);
        assert_eq!((point.answerable_refused, point.unanswerable_refused), (Some(0.0), None));
        assert_eq!(risk_coverage(&[]).len(), 19);
    }
}
