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

use super::cpus::default_threads;
use super::models::ModelInfo;
use super::settings::{GeneratorSettings, KvType};
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
    let context = u32::try_from(context_tokens(info, settings)).unwrap_or(u32::MAX);
    let wanted = u64::from(settings.cells(context));
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
    // One row of scores a slot, and one for the sequence that moves keys and values.
    let rows = u64::from(settings.slots.max(1)) + 1;
    let output = product(&[rows, info.shape.vocabulary, FLOAT]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::models::{Shape, Weights, read_info_of};

    /// Qwen2 of 1.5 thousand million weights in Q4_K_M: 28 layers, 1,536 wide, 12 heads, 2 for keys, 8,960 inside, 151,936 tokens.
    pub(super) fn small() -> ModelInfo {
        let bundled = read_info_of(crate::inference::bundled::ENCODER, "any").expect("bundled");
        let shape = Shape {
            layers: 28,
            width: 1536,
            heads: 12,
            kv_heads: 2,
            key_length: 128,
            value_length: 128,
            feed_forward: 8960,
            vocabulary: 151_936,
            experts: 0,
        };
        let weights = Weights { bytes: 980_000_000, repackable: 620_000_000, tied_repackable: 0 };
        ModelInfo { name: "small".into(), context_tokens: Some(32_768), shape, weights, ..bundled }
    }

    pub(super) fn settings() -> GeneratorSettings {
        GeneratorSettings { slots: 1, threads: Some(1), cache_mb: 0, ..GeneratorSettings::new("small.gguf") }
    }

    #[test]
    fn the_memory_of_a_model_is_the_sum_of_its_parts() {
        let footprint = predict(&small(), &settings());
        // Most weights are rearranged, so the file is read: one copy of each.
        assert_eq!((footprint.weights, footprint.repacked, footprint.mapped), (360_000_000, 620_000_000, 0));
        // 28 layers, 4,096 tokens, 2 heads, 128 + 128 numbers of 2 bytes: the 112 MiB that llama.cpp reports.
        assert_eq!(footprint.kv, 112 * MIB);
        // 512 rows of 5 x 1,536 + 3 x 8,960 floats, a mask of 512 x 4,096 x 2 bytes (the 71.5 MiB that llama.cpp reports), and 512 rows
        // of 8,960 numbers in blocks of 256 that take 292 bytes.
        assert_eq!(footprint.compute, 70_778_880 + 4_194_304 + 5_232_640);
        assert_eq!(footprint.output, 2 * 151_936 * 4);
        assert_eq!(footprint.process, 14 * MIB + 151_936 * 380);
        assert_eq!(footprint.total, 980_000_000 + 117_440_512 + 80_205_824 + 1_215_488 + 72_415_744);
        assert_eq!(footprint.needed(), footprint.total);
    }

    #[test]
    fn settings_change_what_they_should() {
        let info = small();
        let base = predict(&info, &settings());
        let with = |change: fn(GeneratorSettings) -> GeneratorSettings| predict(&info, &change(settings()));
        assert_eq!(with(|s| GeneratorSettings { kv_type: KvType::Q8_0, ..s }).kv, 112 * MIB / 64 * 34);
        // Two thousand tokens a slot, twice a whole context.
        assert_eq!(with(|s| GeneratorSettings { slots: 4, ..s }).kv, 2 * base.kv);
        assert_eq!(with(|s| GeneratorSettings { slots: 4, kv_tokens: Some(4000), ..s }).kv, base.kv);
        assert_eq!(with(|s| GeneratorSettings { context_tokens: 1 << 20, ..s }).kv, 8 * base.kv, "trained on 32,768");
        assert_eq!(with(|s| GeneratorSettings { cache_mb: 7, ..s }).total, base.total + 7 * MIB);
        let mapped = with(|s| GeneratorSettings { repack: false, ..s });
        assert_eq!((mapped.weights, mapped.repacked, mapped.mapped), (980_000_000, 0, 980_000_000));
        assert!(mapped.private() < base.private() && mapped.address_space() == base.address_space());
        // Without flash attention all scores stand in memory: 512 x 4,096 for each of 12 heads.
        let scores = 512 * 4096 * 12 * 4;
        let plain = with(|s| GeneratorSettings { flash_attention: false, ..s });
        assert!(plain.compute > scores && plain.compute < scores + scores / 2);
    }

    #[test]
    fn few_rearranged_weights_are_mapped_and_can_be_taken_back() {
        let info = ModelInfo { weights: Weights { bytes: 1000, repackable: 400, tied_repackable: 100 }, ..small() };
        let footprint = predict(&info, &settings());
        assert_eq!((footprint.weights, footprint.repacked, footprint.reclaimable), (1000, 500, 400));
        assert_eq!(footprint.needed(), footprint.total - 400);
    }

    #[test]
    fn absurd_headers_saturate() {
        let shape = Shape { layers: u64::MAX, width: u64::MAX, heads: u64::MAX, ..small().shape };
        assert_eq!(predict(&ModelInfo { shape, ..small() }, &settings()).total, u64::MAX);
        let shape = Shape::default();
        assert!(predict(&ModelInfo { shape, ..small() }, &settings()).total > 980_000_000);
    }
}
