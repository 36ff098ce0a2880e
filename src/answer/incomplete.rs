//! The card for a question that does not say what it is about.

use super::outcome::{Card, Refusal};
use super::{Ask, card};
use crate::types::GenerationId;

/// Why there is no answer.
const INCOMPLETE: &str = "这句话没有说明是哪件事,请补上业务,或接着上一问问";
/// What to do.
const ASK_AGAIN: &str = "把业务和条件写全再问一次,例如:身份证过期半年,卡还能取钱吗";

/// Asks back; nothing was searched.
pub(super) fn ask_back(ask: &Ask<'_>, generation: GenerationId) -> Card {
    Card {
        refused: true,
        refusal: Some(Refusal {
            reason: INCOMPLETE.to_owned(),
            documents_searched: 0,
            clauses_searched: 0,
            terms: Vec::new(),
            ask: ASK_AGAIN.to_owned(),
            nearest: Vec::new(),
            incomplete: true,
        }),
        ..card::empty(ask, generation)
    }
}
