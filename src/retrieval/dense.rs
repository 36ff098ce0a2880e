//! Nearest clauses by meaning: the question's vector against those of the clauses' passages and curated questions.

use super::scope::Admitted;
use crate::error::{Code, Error, Result};
use crate::inference::{EmbedKind, Embedder};
use crate::store::{Knowledge, Near};
use crate::types::ClauseId;

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
) -> Result<Vec<Near>> {
    let vector = embedder.embed(EmbedKind::Query, &[text])?.pop().ok_or_else(|| {
        Error::new(Code::ModelUnavailable, "编码模型没有返回向量", "重启服务;如仍出现请换用完好的模型文件")
    })?;
    knowledge.nearest(&vector, admitted.ranges(), limit, also)
}
