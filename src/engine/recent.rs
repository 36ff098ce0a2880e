//! The latest questions with what became of them, in memory only and masked, so that whoever is called about a refusal can see it.

use crate::types::GenerationId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
