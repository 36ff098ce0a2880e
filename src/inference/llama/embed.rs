//! An encoder that turns texts into vectors. One thread owns model and context; callers send it their texts.
//!
//! Several texts share one batch, each as a sequence of its own. A batch never holds more than `n_ubatch` tokens: an
//! encoder that is given more fails an assertion in llama.cpp, which would end the process.

use super::{computation_failed, forget, load_model, new_context, signed};
use crate::error::{Code, Error, Result};
use crate::inference::models::{Pooling, identify, read_info};
use crate::inference::settings::{EmbedderSettings, default_threads};
use crate::inference::{EmbedKind, Embedder, ModelId};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Callers that may wait for the encoder before further ones are held up at the door.
const QUEUE: usize = 32;
/// Tokens per batch where the window is shorter: attention is computed over the whole batch, so larger is no faster.
const BATCH_TOKENS: u32 = 512;
/// Sequences per batch; below llama.cpp's limit of 256.
const BATCH_SEQUENCES: u32 = 64;
/// Shortest window that leaves room for a text between its opening and closing token.
const MIN_WINDOW_TOKENS: u32 = 8;
/// Characters of a text that are looked at per token of the window; tokens of real text are shorter than this.
const MAX_CHARS_PER_TOKEN: usize = 16;

/// An encoder in a thread of this process, for a trusted model file.
#[derive(Debug)]
pub struct LlamaEmbedder {
    model: ModelId,
    dimension: usize,
    settings: EmbedderSettings,
    commands: Option<SyncSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// Texts to encode and where to send the vectors.
struct Command {
    texts: Vec<String>,
    reply: Sender<Result<Vec<Vec<f32>>>>,
}

impl LlamaEmbedder {
    /// Checks and loads an encoder.
    ///
    /// # Errors
    /// `MODEL_LOAD`, `MODEL_UNSUITABLE` when the model makes no vectors of texts, `CONFIG`.
    pub fn load(path: &Path, settings: EmbedderSettings) -> Result<LlamaEmbedder> {
        if settings.window_tokens < MIN_WINDOW_TOKENS || settings.threads == Some(0) {
            let message = format!("向量模型的窗口至少 {MIN_WINDOW_TOKENS} 个词元,线程至少 1 个");
            return Err(Error::new(Code::Config, message, "请改正设置文件中的向量模型一节"));
        }
        let info = read_info(path)?;
        info.require_embedder()?;
        let model = identify(path, &info)?;
        let pooling = match info.pooling {
            Some(Pooling::Cls) => LlamaPoolingType::Cls,
            Some(Pooling::Last) => LlamaPoolingType::Last,
            Some(Pooling::Mean | Pooling::Rank) | None => LlamaPoolingType::Mean,
        };
        let (ready_tx, ready) = channel();
        let (commands, received) = sync_channel(QUEUE);
        let owned: PathBuf = path.to_owned();
        let threads = settings.threads.unwrap_or_else(default_threads);
        let window = settings.window_tokens;
        let thread = std::thread::Builder::new()
            .name("embedder".into())
            .spawn(move || match load_model(&owned) {
                Ok(model) => match Encoder::new(&model, pooling, window, threads) {
                    Ok(encoder) => {
                        let _ = ready_tx.send(Ok(model.n_embd_out()));
                        encoder.serve(&received);
                    }
                    Err(error) => drop(ready_tx.send(Err(error))),
                },
                Err(error) => drop(ready_tx.send(Err(error))),
            })
            .map_err(|cause| {
                Error::new(Code::Internal, format!("无法启动向量线程:{cause}"), "请检查系统的线程数限制").because(cause)
            })?;
        let dimension = ready.recv().unwrap_or_else(|_| Err(stopped()))?;
        let dimension = usize::try_from(dimension).unwrap_or(0);
        Ok(LlamaEmbedder { model, dimension, settings, commands: Some(commands), thread: Some(thread) })
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
        let prefix = match kind {
            EmbedKind::Query => &self.settings.query_prefix,
            EmbedKind::Document => &self.settings.document_prefix,
        };
        let texts = texts.iter().map(|text| [prefix.as_str(), text].concat()).collect();
        let (reply, vectors) = channel();
        let commands = self.commands.as_ref().ok_or_else(stopped)?;
        commands.send(Command { texts, reply }).map_err(|_| stopped())?;
        vectors.recv().unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for LlamaEmbedder {
    fn drop(&mut self) {
        // The closed channel ends the thread.
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stopped() -> Error {
    Error::new(Code::ModelUnavailable, "向量模型的线程已经停止", "请重启程序;检索会改用关键词")
}

/// Model and context, owned by the encoder's thread.
struct Encoder<'m> {
    model: &'m LlamaModel,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// Longest text in tokens; never more than the batch, nor than the model's table of positions.
    window: usize,
    batch_tokens: usize,
}

impl<'m> Encoder<'m> {
    fn new(model: &'m LlamaModel, pooling: LlamaPoolingType, window: u32, threads: u32) -> Result<Encoder<'m>> {
        let trained = model.n_ctx_train();
        let window = if trained == 0 { window } else { window.min(trained) };
        let batch_tokens = window.max(BATCH_TOKENS);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(batch_tokens))
            .with_n_batch(batch_tokens)
            .with_n_ubatch(batch_tokens)
            .with_n_seq_max(BATCH_SEQUENCES)
            .with_kv_unified(true)
            .with_embeddings(true)
            .with_pooling_type(pooling)
            .with_n_threads(signed(threads))
            .with_n_threads_batch(signed(threads));
        Ok(Encoder {
            model,
            context: new_context(model, params)?,
            batch: LlamaBatch::new(batch_tokens as usize, 1),
            window: window as usize,
            batch_tokens: batch_tokens as usize,
        })
    }

    fn serve(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            // A caller that went away needs no vectors.
            let _ = command.reply.send(self.encode(&command.texts));
        }
    }

    fn encode(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut group: Vec<Vec<LlamaToken>> = Vec::new();
        let mut tokens = 0;
        for text in texts {
            let sequence = self.tokens(text)?;
            if tokens + sequence.len() > self.batch_tokens || group.len() == BATCH_SEQUENCES as usize {
                self.run(&group, &mut vectors)?;
                group.clear();
                tokens = 0;
            }
            tokens += sequence.len();
            group.push(sequence);
        }
        self.run(&group, &mut vectors)?;
        Ok(vectors)
    }

    /// The tokens of a text within the window; the closing token stays when the text is cut.
    fn tokens(&self, text: &str) -> Result<Vec<LlamaToken>> {
        let text =
            text.char_indices().nth(self.window * MAX_CHARS_PER_TOKEN).map_or(text, |(at, _)| text.split_at(at).0);
        let vocab = self.model.vocab();
        let mut tokens = vocab.tokenize(text.as_bytes(), true, false);
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

    /// Encodes one batch of at most `batch_tokens` tokens.
    fn run(&mut self, group: &[Vec<LlamaToken>], vectors: &mut Vec<Vec<f32>>) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        self.batch.clear();
        for (sequence, tokens) in (0i32..).zip(group) {
            for (position, token) in (0i32..).zip(tokens) {
                // Every token counts in the pooling, so every token is an output.
                self.batch.add(*token, position, &[sequence], true).map_err(computation_failed)?;
            }
        }
        // Decoders with pooling keep what they have seen; encoders have no such memory.
        forget(&mut self.context)?;
        self.context.decode(&mut self.batch).map_err(computation_failed)?;
        for (sequence, _) in (0i32..).zip(group) {
            let raw = self.context.embeddings_seq_ith(sequence).map_err(computation_failed)?;
            vectors.push(unit(raw)?);
        }
        Ok(())
    }
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
    use super::unit;

    #[test]
    fn vectors_without_direction_are_refused() {
        assert_eq!(unit(&[3.0, 4.0]).expect("unit"), [0.6, 0.8]);
        for raw in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 0.0]] {
            assert!(unit(&raw).is_err());
        }
    }
}
