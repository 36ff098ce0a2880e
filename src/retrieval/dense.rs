//! Nearest clauses by meaning, through sqlite-vec.

use super::scope::Admitted;
use crate::error::{Code, Error, Result};
use crate::inference::{EmbedKind, Embedder};
use crate::store::Knowledge;
use crate::types::ClauseId;

/// Neighbours asked of the vector table per clause wanted: some belong to versions that may not answer.
const OVERSAMPLING: usize = 2;

/// The `limit` nearest clauses that may answer, nearest first.
///
/// # Errors
/// `KB_CORRUPT`, or the encoder's errors.
pub fn search(
    knowledge: &Knowledge,
    embedder: &dyn Embedder,
    admitted: &Admitted<'_>,
    text: &str,
    limit: usize,
) -> Result<Vec<ClauseId>> {
    let vector = embedder.embed(EmbedKind::Query, &[text])?.pop().ok_or_else(|| {
        Error::new(Code::ModelUnavailable, "编码模型没有返回向量", "重启服务;如仍出现请换用完好的模型文件")
    })?;
    let near = knowledge.nearest(&vector, limit * OVERSAMPLING)?;
    Ok(near.into_iter().map(|(clause, _)| clause).filter(|c| admitted.clause(*c)).take(limit).collect())
}
