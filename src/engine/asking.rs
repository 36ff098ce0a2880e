//! A question on its way from the door to the answerer: checked, with the day and the clearance by which it is answered. Answers
//! and traces come the same way.

use super::request::AskRequest;
use super::{check_field, standing};
use crate::answer::Ask;
use crate::answer::outcome::Card;
use crate::clock::{BoxClock, Reading};
use crate::error::{Code, Error, Result};
use crate::guard::{GuardedQuestion, check_question};
use crate::retrieval::scope::Scope;
use crate::types::Classification;

/// Most titles that a conversation may carry along.
const MAX_RECENT_DOCUMENTS: usize = 10;

/// A question that may be answered.
pub(super) struct Asking<'a> {
    request: &'a AskRequest,
    question: GuardedQuestion,
    clearance: Classification,
    reading: Reading,
}

impl<'a> Asking<'a> {
    /// Checks everything that came in.
    ///
    /// # Errors
    /// The guard's, `BAD_PARAMETER`.
    pub(super) fn check(clock: &BoxClock, clearance: Classification, request: &'a AskRequest) -> Result<Asking<'a>> {
        let question = check_question(&request.question)?;
        check_field("追问选项", request.choice.as_deref())?;
        if request.recent_documents.len() > MAX_RECENT_DOCUMENTS {
            return Err(Error::new(
                Code::BadParameter,
                format!("recent_documents 有 {} 项,最多 {MAX_RECENT_DOCUMENTS} 项", request.recent_documents.len()),
                "只带最近引用的文档",
            ));
        }
        for title in &request.recent_documents {
            check_field("recent_documents", Some(title))?;
        }
        Ok(Asking { request, question, clearance, reading: clock.read() })
    }

    /// The question as the answerer takes it.
    pub(super) fn ask(&self) -> Ask<'_> {
        let request = self.request;
        Ask {
            question: &self.question,
            scope: Scope {
                as_of: request.as_of.unwrap_or(self.reading.day),
                clearance: self.clearance,
                levels: request.levels.clone(),
                all_versions: false,
            },
            choice: request.choice.as_deref(),
            recent_documents: &request.recent_documents,
            prose: request.prose,
            structured: request.structured,
        }
    }

    /// Adds to its card what only the door knows.
    pub(super) fn finish(&self, card: &mut Card) {
        // A day that the person named does not rest on the clock.
        if self.request.as_of.is_none() {
            card.notices.extend(standing::doubtful_day(&self.reading));
        }
    }
}
