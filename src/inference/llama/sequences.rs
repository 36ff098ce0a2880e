//! Several texts through an encoder in one batch, each as a sequence of its own.
//!
//! A batch never holds more than `n_ubatch` tokens: an encoder that is given more fails an assertion in llama.cpp, which
//! would end the process.

use super::{computation_failed, forget, new_context, signed};
use crate::error::{Code, Error, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use std::num::NonZeroU32;

/// Tokens that are gathered in a batch; a longer text has one of its own. Attention is computed over the whole batch and
/// masked, so that a larger one costs more than it saves. The sample rulebook (4,108 passages) with four layers of 256 takes
/// 30.5 s of one core with 128 tokens, 30.0 s with 256, 30.7 s with 512, 34.7 s with 1,024, 35.7 s with 2,048.
const BATCH_TOKENS: usize = 256;
/// Sequences per batch; below llama.cpp's limit of 256.
const BATCH_SEQUENCES: u32 = 64;
/// Characters of a text that are looked at per token of the window; tokens of real text are shorter than this.
const MAX_CHARS_PER_TOKEN: usize = 16;

/// A model's context for encoding.
pub(super) struct Sequences<'m> {
    model: &'m LlamaModel,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// Longest text in tokens; never more than the batch holds, nor than the model's table of positions.
    window: usize,
}

impl<'m> Sequences<'m> {
    /// A context for texts of at most `window` tokens, whose outputs are pooled.
    ///
    /// # Errors
    /// `MODEL_LOAD`.
    pub(super) fn new(
        model: &'m LlamaModel,
        pooling: LlamaPoolingType,
        window: u32,
        threads: u32,
    ) -> Result<Sequences<'m>> {
        let trained = model.n_ctx_train();
        let window = if trained == 0 { window } else { window.min(trained) };
        let capacity = window.max(u32::try_from(BATCH_TOKENS).unwrap_or(u32::MAX));
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(capacity))
            .with_n_batch(capacity)
            .with_n_ubatch(capacity)
            .with_n_seq_max(BATCH_SEQUENCES)
            .with_kv_unified(true)
            .with_embeddings(true)
            .with_pooling_type(pooling)
            .with_n_threads(signed(threads))
            .with_n_threads_batch(signed(threads));
        Ok(Sequences {
            model,
            context: new_context(model, params)?,
            batch: LlamaBatch::new(capacity as usize, 1),
            window: window as usize,
        })
    }

    /// The vocabulary.
    pub(super) fn vocab(&self) -> LlamaVocab<'m> {
        self.model.vocab()
    }

    /// Longest sequence, in tokens.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// The beginning of a text that can matter within the window.
    pub(super) fn bounded<'t>(&self, text: &'t str) -> &'t str {
        text.char_indices().nth(self.window * MAX_CHARS_PER_TOKEN).map_or(text, |(at, _)| text.split_at(at).0)
    }

    /// The tokens of a text within the window; the closing token stays when the text is cut.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` for an empty text in a vocabulary without any marker.
    pub(super) fn tokens(&self, text: &str) -> Result<Vec<LlamaToken>> {
        let vocab = self.vocab();
        let mut tokens = vocab.tokenize(self.bounded(text).as_bytes(), true, false);
        let closing = tokens.last().copied().filter(|last| vocab.is_control(*last));
        if tokens.len() > self.window {
            tokens.truncate(self.window);
            if let (Some(closing), Some(last)) = (closing, tokens.last_mut()) {
                *last = closing;
            }
        }
        if tokens.is_empty() {
            // An empty text in a vocabulary without opening and closing tokens: its end is all that can be encoded.
            let end = [vocab.eos(), vocab.bos()].into_iter().find(|token| token.0 >= 0);
            tokens.push(end.ok_or_else(|| Error::new(Code::ModelUnavailable, "空文本不能编码", "请提供文本"))?);
        }
        Ok(tokens)
    }

    /// The pooled output of every sequence, in order. Each has 1 to [`Sequences::window`] tokens.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` when llama.cpp refused.
    pub(super) fn outputs(&mut self, sequences: &[Vec<LlamaToken>]) -> Result<Vec<Vec<f32>>> {
        let mut outputs = Vec::with_capacity(sequences.len());
        let mut rest = sequences;
        while !rest.is_empty() {
            let (group, left) = rest.split_at(fitting(rest));
            self.run(group, &mut outputs)?;
            rest = left;
        }
        Ok(outputs)
    }

    /// The states of all tokens of every sequence, in order, for a context that does not pool. Each has 1 to [`Sequences::window`]
    /// tokens.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` when llama.cpp refused.
    pub(super) fn states(&mut self, sequences: &[Vec<LlamaToken>]) -> Result<Vec<States>> {
        let vocab = self.vocab();
        let mut all = Vec::with_capacity(sequences.len());
        let mut rest = sequences;
        while !rest.is_empty() {
            let (group, left) = rest.split_at(fitting(rest));
            self.compute(group)?;
            let mut at = 0i32;
            for tokens in group {
                let mut states = States::default();
                for token in tokens {
                    let state = self.context.embeddings_ith(at).map_err(computation_failed)?;
                    states.rows.push((state.to_vec(), !vocab.is_control(*token)));
                    at += 1;
                }
                all.push(states);
            }
            rest = left;
        }
        Ok(all)
    }

    /// Encodes one batch and adds its pooled outputs.
    fn run(&mut self, group: &[Vec<LlamaToken>], outputs: &mut Vec<Vec<f32>>) -> Result<()> {
        self.compute(group)?;
        for (sequence, _) in (0i32..).zip(group) {
            outputs.push(self.context.embeddings_seq_ith(sequence).map_err(computation_failed)?.to_vec());
        }
        Ok(())
    }

    /// Computes one batch.
    fn compute(&mut self, group: &[Vec<LlamaToken>]) -> Result<()> {
        self.batch.clear();
        for (sequence, tokens) in (0i32..).zip(group) {
            for (position, token) in (0i32..).zip(tokens) {
                // Every token counts in the pooling, so every token is an output.
                self.batch.add(*token, position, &[sequence], true).map_err(computation_failed)?;
            }
        }
        // Decoders with pooling keep what they have seen; encoders have no such memory.
        forget(&mut self.context)?;
        self.context.decode(&mut self.batch).map_err(computation_failed)
    }
}

/// The states of a text's tokens, in order, each with whether it is of the text itself and no marker around it.
#[derive(Debug, Default)]
pub(super) struct States {
    rows: Vec<(Vec<f32>, bool)>,
}

impl States {
    /// Their mean, markers included.
    pub(super) fn mean(&self) -> Vec<f32> {
        let mut sum = self.rows.first().map_or_else(Vec::new, |(state, _)| vec![0.0; state.len()]);
        for (state, _) in &self.rows {
            sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
        }
        let count = self.rows.len().max(1) as f32;
        sum.iter().map(|x| x / count).collect()
    }

    /// Those of the text itself.
    pub(super) fn of_text(&self) -> impl Iterator<Item = &[f32]> + Clone {
        self.rows.iter().filter(|(_, own)| *own).map(|(state, _)| state.as_slice())
    }
}

/// How many sequences, from the first, make up a batch: at least one.
fn fitting(sequences: &[Vec<LlamaToken>]) -> usize {
    let mut tokens = 0;
    let fit = sequences.iter().take(BATCH_SEQUENCES as usize).take_while(|sequence| {
        tokens += sequence.len();
        tokens <= BATCH_TOKENS
    });
    fit.count().max(1)
}
