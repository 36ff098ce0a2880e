//! The card for a question that does not say what it is about.

use super::Ask;
use super::outcome::{Card, Refusal, Timings};
use crate::types::GenerationId;

/// Why there is no answer.
const INCOMPLETE: &str = "这句话没有说明是哪件事,请补上业务,或接着上一问问";
/// What to do.
const ASK_AGAIN: &str = "把业务和条件写全再问一次,例如:身份证过期半年,卡还能取钱吗";

/// Asks back; nothing was searched.
pub(super) fn card(ask: &Ask<'_>, generation: GenerationId) -> Card {
    Card {
        question: ask.question.text().to_owned(),
        as_of: ask.scope.as_of,
        refused: true,
        conclusion: String::new(),
        conclusion_source: String::new(),
        citations: Vec::new(),
        steps: Vec::new(),
        materials: Vec::new(),
        risk: Vec::new(),
        escalation: String::new(),
        script: String::new(),
        clarify: None,
        refusal: Some(Refusal {
            reason: INCOMPLETE.to_owned(),
            documents_searched: 0,
            clauses_searched: 0,
            terms: Vec::new(),
            ask: ASK_AGAIN.to_owned(),
            nearest: Vec::new(),
            incomplete: true,
        }),
        notices: ask.question.notices().to_vec(),
        conclusion_confidence: 0.0,
        confidence: 0.0,
        timings: Timings::default(),
        generation,
        read_as: None,
        asked: None,
    }
}
