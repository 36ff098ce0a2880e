//! Whether a model fits the memory that is free, told before it is loaded: a process that runs out of memory halfway takes minutes
//! to fail, and may push the evidence cards out of memory first.
//!
//! - This file computes what the generator process will need ([`predict`]) from the model's header and the settings. The formulas
//!   follow how llama.cpp allocates; its constants were measured on models of 1.5 and 13 thousand million weights.
//! - `room` reads how much memory the process may have ([`Room`]).
//! - `advice` compares the two ([`check`]), and finds the settings that come closest to the wanted ones and fit.

mod advice;
mod room;

pub use advice::{Advice, Keep, advise, amount, check, flags, recommend};
pub use room::{Limit, Room};

use super::models::ModelInfo;
use super::settings::{GeneratorSettings, KvType, default_threads};
use serde::Serialize;

/// A mebibyte.
pub const MIB: u64 = 1 << 20;
/// Bytes of a 32-bit float, the type of all intermediate results.
const FLOAT: u64 = 4;
/// llama.cpp rounds the length of its key and value store up to a multiple of this.
const KV_STEP: u64 = 256;
/// Side of the tiles in ggml's flash attention (`GGML_FA_TILE_Q` and `GGML_FA_TILE_KV`).
const TILE: u64 = 64;
/// Memory of the program itself beside any model: code, sockets, ggml's tables and graphs (measured: 12 MiB).
const PROGRAM_BYTES: u64 = 14 * MIB;
/// Memory of one token of the vocabulary: its text, score and type, the way back from text to token, and the merges (measured:
/// 380 bytes with Qwen2's byte pairs).
const VOCABULARY_BYTES: u64 = 380;
/// Rows of a layer's width that stand in memory at the same time at the peak, and rows of its inside (measured: ggml's allocator on
/// dense networks and on mixtures of experts, to the byte).
const WIDTH_ROWS: u64 = 5;
const INSIDE_ROWS: u64 = 3;
/// Writable memory that thread stacks and the C library set aside without using it: for each thread, and beside.
const SET_ASIDE_PER_THREAD: u64 = 8 * MIB;
const SET_ASIDE: u64 = 48 * MIB;
/// Address space that is reserved without being writable: for each thread, and beside.
const RESERVED_PER_THREAD: u64 = 64 * MIB;
const RESERVED: u64 = 128 * MIB;

/// Memory of a generator process in bytes, by use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// Weights as they stand in the file: all of them when the file is mapped, those that are not rearranged when it is read.
    pub weights: u64,
    /// Weights that were rearranged for the kernels, which are private memory.
    pub repacked: u64,
    /// Keys and values of all tokens that are held.
    pub kv: u64,
    /// Intermediate results of one batch.
    pub compute: u64,
    /// The prompt cache's host store when it is full.
    pub cache: u64,
    /// Scores of the tokens that are asked for.
    pub output: u64,
    /// The program, the vocabulary.
    pub process: u64,
    /// The sum: the most that is resident at one time.
    pub total: u64,
    /// Of `total`, what the system can take back without loss: pages of the mapped file behind weights that were rearranged.
    pub reclaimable: u64,
    /// Of `total`, the mapped file, which is not private memory.
    pub mapped: u64,
    /// Writable memory on top that is set aside and not used.
    pub set_aside: u64,
    /// Address space on top of both that is only reserved.
    pub reserved: u64,
}

impl Footprint {
    /// What must be free: everything but pages that can be taken back.
    pub fn needed(&self) -> u64 {
        self.total.saturating_sub(self.reclaimable)
    }

    /// Private memory, which `RLIMIT_DATA` counts.
    pub fn private(&self) -> u64 {
        self.total.saturating_sub(self.mapped).saturating_add(self.set_aside)
    }

    /// Address space, which `RLIMIT_AS` counts.
    pub fn address_space(&self) -> u64 {
        self.total.saturating_add(self.set_aside).saturating_add(self.reserved)
    }
}

/// Whether the weights are mapped from the file, not read into memory. When most weights are rearranged, a mapped file would be in
/// memory twice while it is loaded (llama.cpp keeps the pages behind rearranged weights mapped), so that it is read then.
pub fn maps(info: &ModelInfo, settings: &GeneratorSettings) -> bool {
    settings.map_weights && !(settings.repack && info.weights.repackable > info.weights.bytes / 2)
}

/// Tokens of one reply's context: what was asked for, at most what the model was trained on.
pub fn context_tokens(info: &ModelInfo, settings: &GeneratorSettings) -> u64 {
    let trained = info.context_tokens.filter(|n| *n > 0).unwrap_or(u32::MAX);
    u64::from(settings.context_tokens.min(trained))
}

/// Tokens whose keys and values are held.
fn kv_tokens(info: &ModelInfo, settings: &GeneratorSettings) -> u64 {
    let wanted = match settings.kv_tokens {
        Some(tokens) => u64::from(tokens),
        None => context_tokens(info, settings).saturating_mul(u64::from(settings.slots.max(1))),
    };
    wanted.checked_next_multiple_of(KV_STEP).unwrap_or(u64::MAX)
}

/// Computes the memory of a generator process with this model and these settings.
pub fn predict(info: &ModelInfo, settings: &GeneratorSettings) -> Footprint {
    let (weights, repacked, reclaimable) = weights(info, settings);
    let mapped = if maps(info, settings) { weights } else { 0 };
    let tokens = kv_tokens(info, settings);
    let kv = kv(info, settings, tokens);
    let compute = compute(info, settings, tokens);
    let cache = settings.cache_mb.saturating_mul(MIB);
    let slots = u64::from(settings.slots.max(1));
    let output = product(&[slots, info.shape.vocabulary, FLOAT]);
    let process = PROGRAM_BYTES.saturating_add(product(&[info.shape.vocabulary, VOCABULARY_BYTES]));
    let parts = [weights, repacked, kv, compute, cache, output, process];
    let total = parts.into_iter().fold(0, u64::saturating_add);
    let threads = threads(settings);
    let set_aside = SET_ASIDE.saturating_add(product(&[threads, SET_ASIDE_PER_THREAD]));
    let reserved = RESERVED.saturating_add(product(&[threads, RESERVED_PER_THREAD]));
    Footprint {
        set_aside,
        weights,
        repacked,
        kv,
        compute,
        cache,
        output,
        process,
        total,
        reclaimable,
        mapped,
        reserved,
    }
}

/// (weights, rearranged weights, what of the first is reclaimable), see [`Footprint`]. From `llama_model_loader::load_all_data`:
/// a mapped file is read ahead as a whole; rearranged tensors go into a buffer of their own.
fn weights(info: &ModelInfo, settings: &GeneratorSettings) -> (u64, u64, u64) {
    let of = &info.weights;
    let repackable = if settings.repack { of.repackable } else { 0 };
    let tied_repackable = if settings.repack { of.tied_repackable } else { 0 };
    let repacked = repackable.saturating_add(tied_repackable);
    if maps(info, settings) {
        return (of.bytes, repacked, repackable);
    }
    (of.bytes.saturating_sub(repackable), repacked, 0)
}

/// Keys and values: one of each per layer, token and head that has its own.
fn kv(info: &ModelInfo, settings: &GeneratorSettings, tokens: u64) -> u64 {
    let shape = &info.shape;
    let numbers = product(&[shape.layers, tokens, shape.kv_heads, shape.key_length.saturating_add(shape.value_length)]);
    match settings.kv_type {
        KvType::F16 => numbers.saturating_mul(2),
        // 34 bytes for 32 numbers.
        KvType::Q8_0 => (numbers / 32).saturating_mul(34),
    }
}

/// Intermediate results: ggml lays out one layer's tensors so that those which do not live at the same time share memory. The peak
/// is in the feed-forward part, or in the attention when that holds the matrix of all scores. Beside it stand the mask and the
/// kernels' work buffer.
fn compute(info: &ModelInfo, settings: &GeneratorSettings, tokens: u64) -> u64 {
    let shape = &info.shape;
    let batch = u64::from(settings.batch_tokens.max(1)).min(tokens);
    let row = |floats: u64| product(&[batch, floats, FLOAT]);
    let inside = shape.feed_forward.saturating_mul(INSIDE_ROWS);
    let feed_forward = row(shape.width.saturating_mul(WIDTH_ROWS).saturating_add(inside));
    let queries = shape.heads.saturating_mul(shape.key_length);
    let heads = shape.key_length.saturating_add(shape.value_length);
    let of_heads = shape.heads.saturating_add(shape.kv_heads).saturating_mul(heads);
    let (attention, mask) = match settings.flash_attention {
        true => (0, product(&[batch, tokens, 2])),
        false => {
            let scores = product(&[batch, tokens, shape.heads, FLOAT]);
            // The residual and its normalised copy, queries, keys, values and the result.
            let rows = row(shape.width.saturating_mul(2).saturating_add(of_heads));
            (scores.saturating_add(rows), product(&[batch, tokens, FLOAT]))
        }
    };
    // Inputs of a product are converted to the weights' kind of blocks: at most 292 bytes for 256 numbers (Q8_K).
    let converted = row(shape.feed_forward.max(queries).max(shape.width)) / FLOAT / 256 * 292;
    let tile = product(&[2 * TILE, heads]).saturating_add(2 * TILE * TILE);
    let tiles = product(&[threads(settings), tile, FLOAT]);
    attention.max(feed_forward).saturating_add(mask).saturating_add(converted.max(tiles))
}

fn threads(settings: &GeneratorSettings) -> u64 {
    u64::from(settings.threads.unwrap_or_else(default_threads))
}

/// A product of figures that a hostile file may have made huge.
fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor))
}
