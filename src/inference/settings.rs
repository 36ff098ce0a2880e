//! What can be set about a model, with the defaults and their reasons.

use super::models::Pooling;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Context of the generator in tokens: a system prompt, five clauses of some 400 characters, the question and a reply
/// of 512 tokens take under 3,000; Llama-2-13B has no more than this.
pub const DEFAULT_CONTEXT_TOKENS: u32 = 4096;
/// Smallest context that holds a prompt and a reply at all.
pub const MIN_CONTEXT_TOKENS: u32 = 256;
/// Most tokens that are computed in one step. While replies are being written the scheduler takes fewer, so that a long
/// prompt does not hold them up.
pub const DEFAULT_BATCH_TOKENS: u32 = 512;
/// Replies that are written at the same time.
pub const DEFAULT_SLOTS: u32 = 4;
/// Most slots: beyond, each reply is too slow to be read.
pub const MAX_SLOTS: u32 = 32;
/// Memory of the prompt cache's host store, in MiB: some ten prompts of a small model.
pub const DEFAULT_CACHE_MB: u64 = 256;
/// Tokens that each slot has on average when the settings name no number: a prompt of five clauses and its reply take some 1,500.
const TOKENS_PER_SLOT: u32 = 2048;
/// One in so many parts of the machine's memory goes to the prompt cache where nobody says otherwise, within these limits in MiB.
const CACHE_SHARE: u64 = 16;
const CACHE_LIMITS_MB: std::ops::RangeInclusive<u64> = 64..=4096;
/// How long a generation may run past its own limit, or say nothing, before its process is killed, in milliseconds: longer than
/// one step takes on the slowest supported machine (64 tokens of a 13B model on two busy cores: half a minute and more).
pub const DEFAULT_GRACE_MS: u64 = 120_000;
/// Silence over work that is never taken for a hang, in milliseconds: other programs may hold the processors for so long.
const DEFAULT_PATIENCE_MS: u64 = 10_000;
/// Longest text for the encoder, in tokens, unless the model's own window is shorter: clauses are mostly below it,
/// and the cost of attention grows with its square.
pub const DEFAULT_WINDOW_TOKENS: u32 = 512;

/// Element type of the attention's keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvType {
    /// Two bytes a number.
    F16,
    /// 34 bytes for 32 numbers; needs flash attention.
    Q8_0,
}

/// A LoRA adapter on top of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adapter {
    /// Its GGUF file.
    pub path: PathBuf,
    /// Factor of its weights, 1 as trained.
    pub scale: f32,
}

/// Settings of the generator process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorSettings {
    /// The GGUF file; for a model in several files, the first.
    pub model: PathBuf,
    /// A LoRA adapter.
    pub adapter: Option<Adapter>,
    /// Longest prompt and reply together in tokens, lowered to what the model was trained on.
    pub context_tokens: u32,
    /// Replies that are written at the same time, 1 to [`MAX_SLOTS`].
    pub slots: u32,
    /// Tokens whose keys and values are held for all slots together and for the prompt cache; `None` is 2,048 a slot, which prompts of five clauses and their
    /// replies do not fill, and at least one whole context.
    pub kv_tokens: Option<u32>,
    /// Type of keys and values.
    pub kv_type: KvType,
    /// Attention without the matrix of all scores.
    pub flash_attention: bool,
    /// Most tokens per step (llama.cpp's batch and micro-batch).
    pub batch_tokens: u32,
    /// Threads that compute; `None` is [`default_threads`].
    pub threads: Option<u32>,
    /// Whether each thread stays on a physical core of its own.
    pub pin_threads: bool,
    /// Whether memory is spread over the nodes of a NUMA machine.
    pub numa: bool,
    /// Whether the weights are mapped from the file; otherwise they are read into memory.
    pub map_weights: bool,
    /// Whether the weights are locked in memory, so that they are never swapped out.
    pub lock_weights: bool,
    /// Whether weights are rearranged in memory for faster prompts, which for mapped weights costs their size again.
    pub repack: bool,
    /// Most memory of the prompt cache's host store, in MiB; 0 keeps nothing there.
    pub cache_mb: u64,
    /// Where the host store is kept across restarts; `None` forgets it.
    pub cache_file: Option<PathBuf>,
    /// Upper limit on the process's private memory in MiB (`RLIMIT_DATA`; the mapped model file does not count).
    pub memory_limit_mb: Option<u64>,
    /// How long a generation may overrun its limit before the process counts as hung, in milliseconds; no silence is longer, either.
    pub grace_ms: u64,
    /// Silence over work that is never taken for a hang, in milliseconds, however quick the steps so far.
    pub patience_ms: u64,
}

impl GeneratorSettings {
    /// The defaults for a model file.
    pub fn new(model: impl Into<PathBuf>) -> GeneratorSettings {
        GeneratorSettings {
            model: model.into(),
            adapter: None,
            context_tokens: DEFAULT_CONTEXT_TOKENS,
            slots: DEFAULT_SLOTS,
            kv_tokens: None,
            kv_type: KvType::F16,
            flash_attention: true,
            batch_tokens: DEFAULT_BATCH_TOKENS,
            threads: None,
            pin_threads: false,
            numa: false,
            map_weights: true,
            lock_weights: false,
            repack: true,
            cache_mb: DEFAULT_CACHE_MB,
            cache_file: None,
            memory_limit_mb: None,
            grace_ms: DEFAULT_GRACE_MS,
            patience_ms: DEFAULT_PATIENCE_MS,
        }
    }
}

/// Memory of the prompt cache for the size of this machine, in MiB: a branch box of 16 GB keeps 1 GB, some fifty prompts of a small
/// model. Where the model leaves less, the fit check takes it back.
pub fn default_cache_mb() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    memory_mb(&text)
        .map_or(DEFAULT_CACHE_MB, |mb| (mb / CACHE_SHARE).clamp(*CACHE_LIMITS_MB.start(), *CACHE_LIMITS_MB.end()))
}

/// `MemTotal` of `/proc/meminfo` (`proc(5)`), in MiB.
fn memory_mb(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib >> 10)
}

impl GeneratorSettings {
    /// Tokens whose keys and values are held, for a context of so many tokens a reply: never fewer than one whole context.
    pub fn cells(&self, context_tokens: u32) -> u32 {
        let usual = self.slots.saturating_mul(TOKENS_PER_SLOT.min(context_tokens));
        self.kv_tokens.unwrap_or(usual).max(context_tokens)
    }
}

/// Settings of the embedder. What is `None` follows the model: its header, then the habits of its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderSettings {
    /// Threads that compute one text; `None` is [`default_threads`].
    pub threads: Option<u32>,
    /// Texts that are encoded at the same time, each by `threads` threads. One is right for questions, which come one by
    /// one; for a whole collection several workers of one thread each lose no time at barriers.
    pub workers: u32,
    /// Longest text in tokens; what is longer is represented by its beginning.
    pub window_tokens: u32,
    /// Put before every question.
    pub query_prefix: Option<String>,
    /// Put before every clause.
    pub document_prefix: Option<String>,
    /// How one vector is made of many.
    pub pooling: Option<Pooling>,
}

impl Default for EmbedderSettings {
    fn default() -> EmbedderSettings {
        EmbedderSettings {
            threads: None,
            workers: 1,
            window_tokens: DEFAULT_WINDOW_TOKENS,
            query_prefix: None,
            document_prefix: None,
            pooling: None,
        }
    }
}

impl EmbedderSettings {
    /// Settings for encoding a whole collection with `threads` threads in all; `None` is every processor that this process may
    /// use, for nothing else waits meanwhile and workers of one thread need no barriers.
    pub fn for_many(threads: Option<u32>) -> EmbedderSettings {
        let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
        let workers = threads.unwrap_or_else(|| u32::try_from(processors).unwrap_or(1));
        EmbedderSettings { threads: Some(1), workers, ..EmbedderSettings::default() }
    }
}
