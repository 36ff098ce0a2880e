//! What an earlier knowledge file had, for a new one that is to resemble it.
//!
//! A branch gets new knowledge as the difference to what it has. Ids are in every row, in the packed terms of a clause and in the word
//! index; were they given out anew, one article more in an early law would change all that follows. So a build that names an
//! earlier file gives what stays the ids that it had. On the laws with a fiftieth of the documents amended (`benches/pack_import`)
//! the difference is then 2.5% of the whole, else 28%.

use super::connection::{corrupt, open_read};
use super::knowledge::Knowledge;
use super::rows::Version;
use super::tokens::TokenVectors;
use super::vectors::{Encoded, Quantised};
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// Ids and vectors of an earlier file.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Documents by the key of their title.
    pub(super) documents: HashMap<String, i64>,
    /// Terms.
    pub(super) terms: HashMap<Box<str>, u32>,
    versions: Vec<Version>,
    encoder: Option<(String, usize)>,
    encoded: HashMap<i64, Encoded>,
}

/// The fingerprint of the text of a passage: the first 8 bytes of its SHA-256. Among a million passages two texts share one with a
/// probability of 1 in 37 million.
pub(super) fn fingerprint(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | i64::from(*byte))
}

impl Earlier {
    /// Reads a file.
    ///
    /// # Errors
    /// `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA`.
    pub fn read(path: &Path) -> Result<Earlier> {
        let knowledge = Knowledge::open(path)?;
        let connection = open_read(path)?;
        let length = knowledge.embedder().and_then(|e| e.token_dimension);
        let failed = |e| corrupt(path, e);
        let mut earlier = Earlier {
            versions: knowledge.versions().to_vec(),
            encoder: knowledge.embedder().map(|e| (e.sha256.clone(), e.dimension)),
            ..Earlier::default()
        };
        connection
            .prepare("SELECT title_key, id FROM documents")
            .and_then(|mut s| s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect())
            .map(|documents| earlier.documents = documents)
            .map_err(failed)?;
        connection
            .prepare("SELECT term, id FROM terms")
            .and_then(|mut s| {
                let pair = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?.into_boxed_str(), r.get(1)?));
                s.query_map([], pair)?.collect()
            })
            .map(|terms| earlier.terms = terms)
            .map_err(failed)?;
        connection
            .prepare(
                "SELECT p.fingerprint, p.scale, p.vector, t.vectors FROM passages p LEFT JOIN tokens t ON t.passage_id = p.id
                 ORDER BY t.vectors IS NOT NULL",
            )
            .and_then(|mut s| {
                s.query_map([], |r| {
                    let signed = |blob: &[u8]| blob.iter().map(|byte| byte.cast_signed()).collect::<Vec<i8>>();
                    let vector = Quantised { scale: r.get::<_, f64>(1)? as f32, values: signed(r.get_ref(2)?.as_blob()?) };
                    let tokens = r.get_ref(3)?.as_blob_or_null()?.zip(length).and_then(|(blob, length)| TokenVectors::stored(blob, length));
                    let tokens = tokens.unwrap_or_default();
                    Ok((r.get(0)?, Encoded { vector, tokens }))
                })?
                .collect()
            })
            .map(|encoded| earlier.encoded = encoded)
            .map_err(failed)?;
        Ok(earlier)
    }

    /// All versions, ordered by their first clause.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// What this encoder made of a passage with exactly this text: its vector, with those of its tokens (of this length) if `tokens`.
    pub fn encoded(
        &self,
        encoder_sha256: &str,
        dimension: usize,
        tokens: Option<usize>,
        text: &str,
    ) -> Option<&Encoded> {
        self.encoder.as_ref().filter(|(sha256, width)| sha256 == encoder_sha256 && *width == dimension)?;
        let known = self.encoded.get(&fingerprint(text)).filter(|known| known.vector.values.len() == dimension)?;
        tokens.is_none_or(|length| !known.tokens.is_empty() && known.tokens.dimension() == length).then_some(known)
    }
}
