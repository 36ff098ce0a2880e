//! An encoder that turns texts into vectors.

use super::sequences::{Sequences, States};
use super::workers::{Setup, Source, Workers};
use crate::error::{Code, Error, Result};
use crate::inference::families::habits;
use crate::inference::models::{ModelInfo, Pooling, identify, identify_bytes, read_info, read_info_of};
use crate::inference::settings::EmbedderSettings;
use crate::inference::{EmbedKind, Embedder, LateInteraction, ModelId, QuestionTokens, bundled, no_vector};
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::token::LlamaToken;
use std::path::Path;

/// Texts that one worker is given at a time: some batches of long ones, one of short ones.
const TEXTS_AT_A_TIME: usize = 16;
/// Bytes between two pieces of a text at most: a space, or characters that the vocabulary does not have.
const MAX_GAP: usize = 16;
/// Shortest window that leaves room for a text between its opening and closing token.
const MIN_WINDOW_TOKENS: u32 = 8;

/// An encoder in threads of this process, for a trusted model file.
#[derive(Debug)]
pub struct LlamaEmbedder {
    model: ModelId,
    dimension: usize,
    query_prefix: String,
    document_prefix: String,
    /// With it the workers give the states of all tokens, and their mean is taken here.
    late: Option<LateInteraction>,
    workers: Workers,
}

impl LlamaEmbedder {
    /// Checks and loads an encoder.
    ///
    /// # Errors
    /// `MODEL_LOAD`, `MODEL_UNSUITABLE` when the model makes no vectors of texts, `CONFIG`.
    pub fn load(path: &Path, settings: EmbedderSettings) -> Result<LlamaEmbedder> {
        let info = read_info(path)?;
        let identified = || identify(path, &info);
        LlamaEmbedder::start(&Source::File(path.to_owned()), &info, settings, identified)
    }

    /// Loads the encoder that is part of the program; no file is read or written.
    ///
    /// # Errors
    /// `MODEL_LOAD` when memory does not suffice, `CONFIG`.
    pub fn bundled(settings: EmbedderSettings) -> Result<LlamaEmbedder> {
        let info = read_info_of(bundled::ENCODER, bundled::ENCODER_NAME)?;
        let identified = || Ok(identify_bytes(bundled::ENCODER, &info));
        LlamaEmbedder::start(&Source::Memory(bundled::ENCODER, bundled::ENCODER_NAME), &info, settings, identified)
    }

    fn start(
        source: &Source,
        info: &ModelInfo,
        settings: EmbedderSettings,
        identify: impl FnOnce() -> Result<ModelId> + Send,
    ) -> Result<LlamaEmbedder> {
        if settings.window_tokens < MIN_WINDOW_TOKENS || settings.threads == Some(0) {
            let message = format!("向量模型的窗口至少 {MIN_WINDOW_TOKENS} 个词元,线程至少 1 个");
            return Err(Error::new(Code::Config, message, "请改正向量模型的设置"));
        }
        info.require_embedder()?;
        let habits = habits(info);
        let pooling = settings.pooling.or(info.pooling).unwrap_or(habits.pooling);
        let late = info.late.clone().filter(|_| pooling == Pooling::Mean);
        let pooling = match pooling {
            _ if late.is_some() => LlamaPoolingType::None,
            Pooling::Cls => LlamaPoolingType::Cls,
            Pooling::Last => LlamaPoolingType::Last,
            Pooling::Mean | Pooling::Rank => LlamaPoolingType::Mean,
        };
        let setup =
            Setup { pooling, window: settings.window_tokens, threads: settings.threads, workers: settings.workers };
        // The checksum of a large file takes as long as loading it.
        let (model, workers) = std::thread::scope(|scope| {
            let model = scope.spawn(identify);
            let workers = Workers::start(source, setup);
            (model.join(), workers)
        });
        let workers = workers?;
        let failed = |_| Error::new(Code::Internal, "计算模型校验值的线程中断", "请把本条信息报给软件维护方");
        Ok(LlamaEmbedder {
            model: model.map_err(failed)??,
            dimension: usize::try_from(workers.model().n_embd_out()).unwrap_or(0),
            query_prefix: settings.query_prefix.unwrap_or_else(|| habits.query_prefix.into()),
            document_prefix: settings.document_prefix.unwrap_or_else(|| habits.document_prefix.into()),
            late,
            workers,
        })
    }

    /// Has texts computed by the workers, some at a time, with the prefix of their kind.
    fn map<O: Send + 'static>(
        &self,
        kind: EmbedKind,
        texts: &[&str],
        compute: impl Fn(&mut Sequences<'_>, &[Vec<LlamaToken>]) -> Result<Vec<O>> + Clone + Send + 'static,
    ) -> Result<Vec<O>> {
        let prefix = match kind {
            EmbedKind::Query => &self.query_prefix,
            EmbedKind::Document => &self.document_prefix,
        };
        let whole = |text: &&str| [prefix.as_str(), text].concat();
        let pieces: Vec<Vec<String>> =
            texts.chunks(TEXTS_AT_A_TIME).map(|piece| piece.iter().map(whole).collect()).collect();
        let done = self.workers.map(pieces, move |sequences, texts| {
            let tokens = texts.iter().map(|text| sequences.tokens(text)).collect::<Result<Vec<_>>>()?;
            compute(sequences, &tokens)
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    /// The states of every token of every text.
    fn states<O: Send + 'static>(
        &self,
        kind: EmbedKind,
        texts: &[&str],
        make: impl Fn(&States) -> O + Clone + Send + 'static,
    ) -> Result<Vec<(Vec<f32>, O)>> {
        self.map(kind, texts, move |sequences, tokens| {
            let states = sequences.states(tokens)?;
            states.iter().map(|states| Ok((unit(&states.mean())?, make(states)))).collect()
        })
    }
}

impl Embedder for LlamaEmbedder {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, kind: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        if self.late.is_some() {
            let encoded = self.states(kind, texts, |_| ())?;
            return Ok(encoded.into_iter().map(|(vector, ())| vector).collect());
        }
        self.map(kind, texts, |sequences, tokens| {
            sequences.outputs(tokens)?.iter().map(|raw| unit(raw)).collect::<Result<Vec<_>>>()
        })
    }

    fn late(&self) -> Option<&LateInteraction> {
        self.late.as_ref()
    }

    fn encode_question(&self, text: &str) -> Result<(Vec<f32>, Option<QuestionTokens>)> {
        let Some(late) = self.late.clone() else {
            return Ok((self.embed(EmbedKind::Query, &[text])?.pop().ok_or_else(no_vector)?, None));
        };
        let encoded = self.states(EmbedKind::Query, &[text], move |states| late.of_question(states.of_text()))?;
        encoded.into_iter().next().map(|(vector, tokens)| (vector, Some(tokens))).ok_or_else(no_vector)
    }

    fn token_ends(&self, text: &str) -> Vec<usize> {
        if self.late.is_none() {
            return Vec::new();
        }
        let vocab = self.workers.model().vocab();
        let whole = [self.document_prefix.as_str(), text].concat();
        let tokens = vocab.tokenize(whole.as_bytes(), true, false);
        let own = tokens.into_iter().filter(|token| !vocab.is_control(*token));
        let found = ends(&whole, own.map(|token| vocab.token_to_piece(token, false, None)));
        found.into_iter().map(|end| end.saturating_sub(self.document_prefix.len())).collect()
    }

    fn encode_clauses(&self, texts: &[&str]) -> Result<Vec<(Vec<f32>, Vec<i8>)>> {
        let Some(late) = self.late.clone() else {
            let vectors = self.embed(EmbedKind::Document, texts)?;
            return Ok(vectors.into_iter().map(|vector| (vector, Vec::new())).collect());
        };
        self.states(EmbedKind::Document, texts, move |states| late.of_clause(states.of_text()))
    }
}

/// Where the pieces of a text end, in bytes. A piece that is not there (an unknown character) ends where the one before it does.
fn ends(text: &str, pieces: impl Iterator<Item = Vec<u8>>) -> Vec<usize> {
    let mut at = 0;
    let next = |piece: Vec<u8>| {
        let piece = String::from_utf8_lossy(&piece);
        let piece = piece.trim_start();
        let found = text.get(at..).and_then(|rest| rest.find(piece)).filter(|gap| *gap <= MAX_GAP);
        at = found.map_or(at, |gap| at + gap + piece.len());
        at
    };
    pieces.map(next).collect()
}

/// The vector at length 1.
fn unit(raw: &[f32]) -> Result<Vec<f32>> {
    let norm = raw.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return Err(Error::new(
            Code::ModelUnavailable,
            "向量模型给出了没有方向的向量",
            "模型文件可能已损坏,请核对校验值",
        ));
    }
    Ok(raw.iter().map(|x| (f64::from(*x) / norm) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::{ends, unit};

    #[test]
    fn pieces_end_where_their_characters_stand() {
        let pieces = [" 挂失", "手续", "费", "<unk>", "十元", " 以", "上"].map(|piece| piece.as_bytes().to_vec());
        let text = "挂失手续费𠮷十元 以上";
        let found = ends(text, pieces.into_iter());
        let words: Vec<&str> = found.iter().scan(0, |from, to| text.get(std::mem::replace(from, *to)..*to)).collect();
        assert_eq!(words, ["挂失", "手续", "费", "", "𠮷十元", " 以", "上"]);
    }

    #[test]
    fn vectors_without_direction_are_refused() {
        assert_eq!(unit(&[3.0, 4.0]).expect("unit"), [0.6, 0.8]);
        for raw in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 0.0]] {
            assert!(unit(&raw).is_err());
        }
    }
}
