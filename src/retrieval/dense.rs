//! Nearest clauses by meaning: the question's vector against those of the clauses' passages and curated questions.

use super::scope::Admitted;
use crate::error::Result;
use crate::inference::{Embedder, QuestionTokens};
use crate::store::{Knowledge, Nearest};
use crate::types::ClauseId;

/// What the encoder says of a question.
#[derive(Debug, Default)]
pub struct Meaning {
    /// The clauses near to it.
    pub nearest: Nearest,
    /// Its tokens, for [`super::late`]; `None` with an encoder that gives none.
    pub tokens: Option<QuestionTokens>,
}

/// The `limit` nearest clauses that may answer, and those of `also`, nearest first. `text` is a question in the form of
/// [`crate::text::passage::spoken`].
///
/// # Errors
/// `KB_CORRUPT`, `KB_MODEL`, or the encoder's errors.
pub fn search(
    knowledge: &Knowledge,
    embedder: &dyn Embedder,
    admitted: &Admitted<'_>,
    text: &str,
    limit: usize,
    also: &[ClauseId],
) -> Result<Meaning> {
    let (vector, tokens) = embedder.encode_question(text)?;
    Ok(Meaning { nearest: knowledge.nearest(&vector, admitted.ranges(), limit, also)?, tokens })
}
