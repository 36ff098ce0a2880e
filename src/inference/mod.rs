//! Language models behind small traits; everything else in Guida works without any.
//!
//! - [`Embedder`] turns texts into vectors for dense retrieval; [`Reranker`] reads the first clauses again.
//! - [`Generator`] writes prose below the evidence card, streamed and cancellable.
//!
//! A model file is first read by [`models`], which checks its header without llama.cpp (a damaged file can end the
//! process that loads it). `llama` is the only user of llama.cpp. The embedder ([`LlamaEmbedder`]) runs inside
//! Guida on the bundled model or a trusted file (what its authors ask for stands in `families`); the generator runs in a sandboxed child process of the same binary, which
//! [`ChildGenerator`] starts, watches and restarts over the frames of `protocol`. `template` renders the model's own
//! chat template.

mod bench;
mod bundled;
mod cachefile;
mod child;
mod cpus;
mod disk;
mod families;
pub mod fit;
mod gguf;
mod late;
mod llama;
pub mod models;
mod plausible;
mod prefix;
mod protocol;
mod registry;
mod scheduler;
#[doc(hidden)]
pub mod scripted;
mod settings;
mod shape;
mod template;

pub use bench::{Measured, Workload, machine_load, measure, tune, tuning_of};
pub use bundled::bundled_encoder;
pub use child::{ChildGenerator, GENERATOR_SUBCOMMAND, Held, QUEUE_LIMIT, run_child};
pub use cpus::default_threads;
pub use fit::{
    Advice, Footprint, Keep, Room, advise, amount, check as check_fit, flags as fit_flags, predict as predict_memory,
    recommend,
};
pub use late::{LateInteraction, Match, QuestionTokens};
pub use llama::{LlamaEmbedder, LlamaReranker};
pub use models::{ModelInfo, read_info, require_unaltered};
pub use registry::{
    Choice, CpuBox, Entry, Intake, Listed, Listing, ModelRole, Profile, ProfileStore, RegisterSeal, Registry, Tuning,
};
pub use settings::{Adapter, EmbedderSettings, GeneratorSettings, KvType, MAX_SLOTS, default_cache_mb};

use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Identity of a model file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelId {
    /// `general.name` of the GGUF, or the file name.
    pub name: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

/// Which side of retrieval a text is on; encoders may prefix the two differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedKind {
    /// A teller's question.
    Query,
    /// A clause.
    Document,
}

/// Turns texts into unit-length vectors.
pub trait Embedder: Send + Sync {
    /// The model; stored in the knowledge it embeds.
    fn model(&self) -> &ModelId;
    /// Length of every vector.
    fn dimension(&self) -> usize;
    /// One L2-normalised vector of [`Embedder::dimension`] floats per text, in order. A text longer than the
    /// encoder's window is represented by its beginning.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` when the encoder failed.
    fn embed(&self, kind: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>>;

    /// What it compares tokens with; `None` for an encoder that gives a text one vector and nothing else.
    fn late(&self) -> Option<&LateInteraction> {
        None
    }

    /// The vector of a question and its tokens, which an encoder without [`Embedder::late`] leaves out.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    fn encode_question(&self, text: &str) -> Result<(Vec<f32>, Option<QuestionTokens>)> {
        let vector = self.embed(EmbedKind::Query, &[text])?.pop().ok_or_else(no_vector)?;
        Ok((vector, None))
    }

    /// Where in a text the tokens end that [`Embedder::encode_clauses`] gives vectors of, in bytes; empty without [`Embedder::late`].
    fn token_ends(&self, _text: &str) -> Vec<usize> {
        Vec::new()
    }

    /// The vectors of clauses in order, each with those of its tokens (one signed byte a number, [`LateInteraction::dimension`] a
    /// token), which an encoder without [`Embedder::late`] leaves empty.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    fn encode_clauses(&self, texts: &[&str]) -> Result<Vec<(Vec<f32>, Vec<i8>)>> {
        let vectors = self.embed(EmbedKind::Document, texts)?;
        Ok(vectors.into_iter().map(|vector| (vector, Vec::new())).collect())
    }
}

/// An encoder gave fewer vectors than it was given texts.
fn no_vector() -> Error {
    Error::new(Code::ModelUnavailable, "向量模型没有返回向量", "重启服务;如仍出现请换用完好的模型文件")
}

/// Judges how well clauses answer a question. It reads the two together, which is finer than comparing vectors, and slow.
pub trait Reranker: Send + Sync {
    /// The model.
    fn model(&self) -> &ModelId;
    /// One score per document, in order; larger answers better, and only scores of one call compare.
    ///
    /// # Errors
    /// `TIMEOUT` when `limit` was reached before the last document was begun, `MODEL_UNAVAILABLE` when the reranker failed.
    fn rerank(&self, query: &str, documents: &[&str], limit: Duration) -> Result<Vec<f32>>;
}

/// A block of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its text.
    pub text: String,
    /// Its importance, 0 first: what does not fit the context is left out from the highest rank down.
    pub rank: u32,
}

/// A prompt in parts. The user message is `head`, the `evidence` blocks, and `tail`, joined by blank lines.
/// Blocks that do not fit the context are left out whole, the least important first, and reported. Everything before `tail`
/// is kept by the prompt cache block by block: equal openings are computed once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The system message: rules of answering; the same for every question, so that it can be cached.
    pub system: String,
    /// Opening of the user message.
    pub head: String,
    /// Evidence blocks in the order in which they are read.
    pub evidence: Vec<Block>,
    /// End of the user message: the question.
    pub tail: String,
}

/// What the reply is held to while it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Nothing.
    #[default]
    Free,
    /// Text in which brackets hold numbers from 1 to this one and nothing else.
    Citations(u32),
    /// A JSON object `{"conclusion": text, "reasons": [{"text": text, "cite": number}]}` with numbers from 1 to this one.
    Json(u32),
}

/// One request to write prose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// What to answer from.
    pub prompt: Prompt,
    /// Most tokens to write.
    pub max_tokens: u32,
    /// Most wall-clock time from start of prefill, in milliseconds.
    pub max_time_ms: u64,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seed of the sampler when `temperature` is above 0.
    pub seed: u32,
    /// What the reply is held to.
    pub constraint: Constraint,
}

/// Why the prose ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model said it was done.
    Stop,
    /// `max_tokens` or the end of the context was reached.
    Length,
    /// `max_time_ms` was reached.
    Time,
    /// The reader asked to stop, or went away.
    Cancelled,
}

/// Figures of one generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GenerateStats {
    /// Tokens in the prompt.
    pub prompt_tokens: u32,
    /// Of these, tokens that the prompt cache held, so that they were not processed again.
    pub cached_tokens: u32,
    /// Tokens written.
    pub generated_tokens: u32,
    /// Time to process the prompt, milliseconds.
    pub prefill_ms: f64,
    /// Time to write, milliseconds.
    pub decode_ms: f64,
    /// Why it ended.
    pub finish: FinishReason,
}

/// What a running generation reports, in this order: `Queued`* `Started` `Prefill`* `Token`* then `Done` or `Failed`.
#[derive(Debug)]
pub enum GenerateEvent {
    /// Waiting behind `ahead` other requests.
    Queued {
        /// Requests ahead of this one.
        ahead: usize,
    },
    /// The prompt was assembled.
    Started {
        /// Tokens in the prompt.
        prompt_tokens: u32,
        /// Indices of the evidence blocks that did not fit.
        left_out: Vec<usize>,
    },
    /// Prompt processing progress, in tokens.
    Prefill {
        /// Tokens processed.
        done: u32,
        /// Tokens in the prompt.
        total: u32,
    },
    /// A piece of text, always whole UTF-8 characters.
    Token(String),
    /// The end, with figures.
    Done(GenerateStats),
    /// The end, with the reason.
    Failed(Error),
}

/// A running generation. Dropping it cancels the work.
#[derive(Debug)]
pub struct Generation {
    /// Events as they happen; the channel closes after `Done` or `Failed`.
    pub events: Receiver<GenerateEvent>,
    cancel: Arc<AtomicBool>,
    author: Author,
}

/// The model that writes a reply: filled in when a process takes the request; its checksum follows when that is known.
#[derive(Debug, Clone, Default)]
struct Author(Arc<Mutex<Option<Named>>>);

/// A model's name, and where its checksum will stand.
type Named = (String, Arc<OnceLock<String>>);

impl Author {
    /// The model of this name, whose checksum will stand in `digest`.
    fn is(&self, name: &str, digest: &Arc<OnceLock<String>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), Arc::clone(digest)));
    }
}

impl Generation {
    /// Couples a channel of events with the flag that the producer watches.
    pub fn new(events: Receiver<GenerateEvent>, cancel: Arc<AtomicBool>) -> Generation {
        Generation { events, cancel, author: Author::default() }
    }

    /// The model that writes this reply, once that is settled: models may be exchanged while a request waits. `None` before, and
    /// from generators that hold one model only.
    pub fn model(&self) -> Option<ModelId> {
        let author = self.author.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, digest) = author.as_ref()?;
        Some(ModelId { name: name.clone(), sha256: digest.get().cloned().unwrap_or_default() })
    }

    /// Asks the generation to stop; it still ends with `Done` (finish `Cancelled`).
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Release);
    }

    /// A handle that can cancel from another thread.
    pub fn canceller(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// What the prompt cache did since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFigures {
    /// Prompts that began with something the cache held.
    pub hits: u64,
    /// Prompts that did not.
    pub misses: u64,
    /// Prompt tokens that were taken from the cache.
    pub reused_tokens: u64,
    /// Prompt tokens that were processed.
    pub prefilled_tokens: u64,
    /// Tokens held ready beside the running replies.
    pub resident_tokens: u64,
    /// Tokens held in the host store, in memory.
    pub stored_tokens: u64,
    /// Bytes of the host store.
    pub stored_bytes: u64,
    /// Tokens that the cache file holds for the next start.
    pub filed_tokens: u64,
}

/// State of the generator, for health pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorStatus {
    /// The model, once its file has been read.
    pub model: ModelId,
    /// Whether a request would start now (the child process is up and the model loaded).
    pub ready: bool,
    /// Why not ready: stable code and message of the last failure.
    pub failure: Option<String>,
    /// Requests waiting or running.
    pub queued: usize,
    /// Requests being computed.
    pub running: usize,
    /// Requests that can be computed at the same time.
    pub slots: usize,
    /// How long a further request would wait for its first word, as far as the last ones tell, in milliseconds.
    pub expected_wait_ms: u64,
    /// The prompt cache.
    pub cache: CacheFigures,
    /// Why the model that was to take over last did not.
    pub swap_failure: Option<String>,
    /// How often the process was restarted.
    pub restarts: u64,
    /// Size of the context in tokens.
    pub context_tokens: u32,
}

/// Writes prose from clauses.
pub trait Generator: Send + Sync {
    /// Starts a generation; returns at once.
    ///
    /// # Errors
    /// `BUSY` when the queue is full, `MODEL_UNAVAILABLE` while the model is down.
    fn start(&self, request: GenerateRequest) -> Result<Generation>;
    /// Names prompts that are likely to be asked: in idle moments all but their questions is read ahead of need, in this order.
    /// Replaces an earlier list.
    fn warm(&self, _prompts: Vec<Prompt>) {}
    /// How the generator is doing.
    fn status(&self) -> GeneratorStatus;
    /// The processes of its own that it works in; none when it works in this one.
    fn pids(&self) -> Vec<u32> {
        Vec::new()
    }
    /// Whether the model's chat template ends a prompt inside a reasoning block, so that a reply begins with reasoning that no
    /// tag opens.
    fn opens_thinking(&self) -> bool {
        false
    }
    /// Waits until the generator is ready or has failed, at most `limit`; for one-shot commands.
    ///
    /// # Errors
    /// The failure, or `TIMEOUT`.
    fn wait_ready(&self, limit: Duration) -> Result<()>;
}
