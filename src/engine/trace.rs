//! Why an answer came out as it did: what the guard made of the question, what was weighed, what the model was given to read.

use crate::answer::outcome::Card;
use crate::types::{Bilingual, ClauseId};
use serde::{Deserialize, Serialize};

/// Most candidates that are told.
pub const MAX_CANDIDATES: usize = 20;

/// A card with everything that led to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TraceReply {
    /// As a teller gets it.
    pub card: Card,
    /// What the guard did.
    pub guard: GuardTrace,
    /// The words that were looked for, weightiest first.
    pub terms: Vec<TermTrace>,
    /// Clauses that took part, best first, at most [`MAX_CANDIDATES`].
    pub candidates: Vec<CandidateTrace>,
    /// How sure the search is that these answer, 0 to 1.
    pub confidence: f64,
    /// Below this the answer is a refusal.
    pub threshold: f64,
    /// What the confidence rests on, the strongest effect first.
    pub factors: Vec<FactorTrace>,
    /// In words: why it was answered or refused, and what could be done (a document that is missing, another wording).
    pub reasons: Vec<Bilingual>,
    /// Steps with their times in milliseconds, in order.
    pub steps: Vec<StepTrace>,
    /// What a model would be given to read; `None` when no model is loaded or nothing was found.
    pub prompt: Option<String>,
}

/// What the guard made of the question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuardTrace {
    /// The question as it is understood: personal data masked, forms of characters unified.
    pub understood: String,
    /// What was changed or noticed, in words.
    pub remarks: Vec<Bilingual>,
}

/// A word that was looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TermTrace {
    /// The word.
    pub term: String,
    /// Its weight.
    pub weight: f64,
    /// In how many clauses it stands; 0 when the knowledge does not know it.
    pub clauses: u64,
    /// It was not asked but means the same as something that was.
    pub synonym: bool,
}

/// A clause that took part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandidateTrace {
    /// Which.
    pub id: ClauseId,
    /// Title.
    pub document: String,
    /// Printed label.
    pub clause: String,
    /// It stands on the card.
    pub on_card: bool,
    /// The share of the best one's likelihood, 0 to 1.
    pub score: f64,
    /// Score by words; 0 when it has none of them.
    pub words: f64,
    /// Nearness by meaning, -1 to 1; `None` without an encoder.
    pub meaning: Option<f64>,
    /// Score by answered questions; 0 when none is like it.
    pub curated: f64,
}

/// Something that made the search surer or less sure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactorTrace {
    /// What.
    pub name: Bilingual,
    /// Its value.
    pub value: f64,
    /// How much it adds (in log-odds); negative speaks for a refusal.
    pub effect: f64,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepTrace {
    /// What.
    pub name: Bilingual,
    /// Milliseconds.
    pub ms: f64,
}
