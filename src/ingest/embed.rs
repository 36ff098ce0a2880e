//! The vectors of a build: every passage through the encoder, written in the order of the clauses.

use super::build::Phase;
use crate::error::{Code, Error, Result};
use crate::inference::{Embedder, LateInteraction};
use crate::store::{Earlier, Encoded, KnowledgeWriter, PassageKind, Quantised, TokenVectors};
use crate::text::passage;
use crate::types::ClauseId;

/// Passages handed to the encoder at a time: enough to keep many workers busy, few enough that progress is seen.
const HANDED_AT_A_TIME: usize = 256;

/// Passages of clauses up to which the vectors of their tokens are kept: about 3 KB each, so 300 MB at most. In larger knowledge they are
/// made for the first few clauses of a question when it is asked.
const MAX_WITH_TOKENS: usize = 100_000;

/// The passages of a build, in the order of the clauses.
#[derive(Debug, Default)]
pub struct Passages(Vec<Passage>);

#[derive(Debug)]
struct Passage {
    clause: ClauseId,
    kind: PassageKind,
    text: String,
}

impl Passages {
    /// Adds those of a clause: its text in pieces, then each of its questions.
    pub fn add<'q>(
        &mut self,
        clause: ClauseId,
        (title, heading, text): (&str, &str, &str),
        questions: impl Iterator<Item = &'q str>,
    ) {
        let texts = passage::of_clause(title, heading, text).into_iter().map(|text| (PassageKind::Clause, text));
        let asked = questions.map(|question| (PassageKind::Question, passage::spoken(question)));
        self.0.extend(texts.chain(asked).map(|(kind, text)| Passage { clause, kind, text }));
    }

    /// Encodes the passages that have no vector of the same encoder in an earlier file, and writes the vectors of all.
    ///
    /// # Errors
    /// The encoder's errors, `KB_BUILD`.
    pub fn embed(
        &self,
        writer: &mut KnowledgeWriter,
        embedder: &dyn Embedder,
        earlier: &Earlier,
        progress: &mut dyn FnMut(Phase, usize, usize),
    ) -> Result<()> {
        let model = embedder.model();
        let clauses = self.0.iter().filter(|passage| passage.kind == PassageKind::Clause).count();
        let tokens = embedder.late().filter(|_| clauses <= MAX_WITH_TOKENS).map(LateInteraction::dimension);
        writer.begin_vectors(&model.name, &model.sha256, embedder.dimension())?;
        if let Some(length) = tokens {
            writer.begin_tokens(length)?;
        }
        let length = tokens.unwrap_or(0);
        let (sha256, dimension) = (model.sha256.as_str(), embedder.dimension());
        let known = |passage: &Passage| {
            let tokens = tokens.filter(|_| passage.kind == PassageKind::Clause);
            earlier.encoded(sha256, dimension, tokens, &passage.text).cloned()
        };
        let mut vectors: Vec<Option<Encoded>> = self.0.iter().map(known).collect();
        // Texts of like length share batches: a batch of short ones is filled by many, a long one has it alone.
        let missing = self.0.iter().enumerate().zip(&vectors).filter(|(_, vector)| vector.is_none());
        let mut order: Vec<(usize, &Passage)> = missing.map(|(passage, _)| passage).collect();
        order.sort_by_key(|(index, passage)| (std::cmp::Reverse(passage.text.len()), *index));
        let mut done = self.0.len() - order.len();
        for part in order.chunks(HANDED_AT_A_TIME) {
            progress(Phase::Embedding, done, self.0.len());
            let texts: Vec<&str> = part.iter().map(|(_, passage)| passage.text.as_str()).collect();
            for ((vector, tokens), (index, _)) in embedder.encode_clauses(&texts)?.into_iter().zip(part) {
                let tokens = TokenVectors::of(&tokens, length).unwrap_or_default();
                if let Some(place) = vectors.get_mut(*index) {
                    *place = Some(Encoded { vector: Quantised::of(&vector), tokens });
                }
            }
            done += part.len();
        }
        progress(Phase::Embedding, self.0.len(), self.0.len());
        for (passage, encoded) in self.0.iter().zip(vectors) {
            let Encoded { vector, tokens: of_tokens } = encoded
                .ok_or_else(|| Error::new(Code::ModelUnavailable, "编码模型少给了向量", "请换用完好的模型文件"))?;
            let id = writer.add_passage(passage.clause, passage.kind, &passage.text, &vector)?;
            if tokens.is_some() && passage.kind == PassageKind::Clause {
                writer.add_tokens(id, &of_tokens)?;
            }
        }
        Ok(())
    }
}
