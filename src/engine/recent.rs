//! The latest questions with what became of them, in memory only and masked, so that whoever is called about a refusal can see it.

use crate::answer::AnswerReply;
use crate::error::Result;
use crate::types::GenerationId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Questions that are kept.
pub const KEPT: usize = 200;

/// A question that was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecentQuestion {
    /// Ascending.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// In the teller's words, personal data masked; empty when the guard turned it away.
    pub question: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How sure the search was, 0 to 1.
    pub confidence: f64,
    /// Time to the card, in milliseconds.
    pub card_ms: f64,
    /// What answered.
    pub generation: GenerationId,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Answered with evidence.
    Answered,
    /// Refused: nothing in the rules answers.
    Refused,
    /// Turned away with this error.
    Failed {
        /// Its stable code.
        code: String,
    },
}

impl Outcome {
    /// What a reply is.
    pub(super) fn of(reply: &Result<AnswerReply>) -> Outcome {
        match reply {
            Ok(reply) if reply.card.refused => Outcome::Refused,
            Ok(_) => Outcome::Answered,
            Err(error) => Outcome::Failed { code: error.code().as_str().to_owned() },
        }
    }
}

/// The latest questions, at most [`KEPT`].
#[derive(Debug, Default)]
pub(super) struct Recent {
    asked: u64,
    kept: VecDeque<RecentQuestion>,
}

impl Recent {
    /// Keeps a question under the next number; the oldest goes when there are too many.
    pub(super) fn keep(&mut self, question: RecentQuestion) {
        self.asked += 1;
        self.kept.truncate(KEPT - 1);
        self.kept.push_front(RecentQuestion { number: self.asked, ..question });
    }

    /// The latest first.
    pub(super) fn questions(&self) -> Vec<RecentQuestion> {
        self.kept.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_in_order() {
        let mut recent = Recent::default();
        let question = |n: usize| RecentQuestion {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            question: format!("第{n}问"),
            outcome: Outcome::Answered,
            confidence: 1.0,
            card_ms: 1.0,
            generation: GenerationId("g".into()),
        };
        for n in 1..=KEPT + 3 {
            recent.keep(question(n));
        }
        let kept = recent.questions();
        assert_eq!(kept.len(), KEPT);
        assert_eq!((kept[0].number, kept[0].question.as_str()), (KEPT as u64 + 3, "第203问"));
        assert_eq!(kept[KEPT - 1].number, 4);
        assert!(kept.is_sorted_by(|a, b| a.number > b.number));
    }
}
