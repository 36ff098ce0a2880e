//! Whether the confidence means what it says: of the questions answered with confidence 0.8, four of five should be answered right.

use super::metrics::Asked;
use serde::Serialize;

/// Bins of the confidence.
const BINS: usize = 10;
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
    /// Share of them that the first clauses answer; 0 when there are none.
    pub answered: f64,
}

/// All bins, by rising confidence.
pub fn bins(asked: &[Asked]) -> Vec<Bin> {
    let bin = |number: usize| {
        let inside: Vec<&Asked> =
            asked.iter().filter(|a| ((a.confidence * BINS as f64) as usize).min(BINS - 1) == number).collect();
        let mean = |sum: f64| if inside.is_empty() { 0.0 } else { sum / inside.len() as f64 };
        Bin {
            from: number as f64 / BINS as f64,
            questions: inside.len(),
            confidence: mean(inside.iter().map(|a| a.confidence).sum()),
            answered: mean(inside.iter().filter(|a| answers(a)).count() as f64),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(confidence: f64, rank: Option<usize>) -> Asked {
        Asked {
            id: String::new(),
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
}
