//! What a model file's header says about its size: the shape of its network, its quantisation, and the bytes of its weights.

use super::gguf::{Header, Tensor, Value, block_size};
use std::collections::HashMap;

/// The token table, which is also the output matrix of a model without one of its own.
const TOKEN_TABLE: &str = "token_embd.weight";
/// The output matrix.
const OUTPUT: &str = "output.weight";

/// The numbers that fix how much memory a network takes. What the header does not say is 0, unless llama.cpp has a rule for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Layers.
    pub layers: u64,
    /// Length of the hidden state.
    pub width: u64,
    /// Attention heads.
    pub heads: u64,
    /// Heads that have keys and values of their own (fewer in grouped attention).
    pub kv_heads: u64,
    /// Length of one head's key.
    pub key_length: u64,
    /// Length of one head's value.
    pub value_length: u64,
    /// Length of the feed-forward layer's inside; with experts, of all that work on one token together.
    pub feed_forward: u64,
    /// Tokens of the vocabulary.
    pub vocabulary: u64,
    /// Experts of a mixture; 0 for a dense network.
    pub experts: u64,
}

impl Shape {
    pub(super) fn of(header: &Header, architecture: &str) -> Shape {
        let own = |key: &str| header.entries.get(&format!("{architecture}.{key}")).and_then(Value::as_u64);
        let width = own("embedding_length").unwrap_or(0);
        let heads = own("attention.head_count").unwrap_or(0);
        // llama.cpp's own rules for what is not stated: as many heads for keys as for questions, of equal share.
        let per_head = width.checked_div(heads).unwrap_or(0);
        let token_table = header.tensors.iter().find(|t| t.name == TOKEN_TABLE).map(|t| t.rows);
        let tokens = match header.entries.get("tokenizer.ggml.tokens") {
            Some(Value::Array(items)) => Some(*items),
            _ => None,
        };
        let active = own("expert_used_count").unwrap_or(1).max(1);
        let inside = match own("expert_feed_forward_length") {
            Some(inside) => inside.saturating_mul(active).max(own("feed_forward_length").unwrap_or(0)),
            None => own("feed_forward_length").unwrap_or(0).saturating_mul(active),
        };
        Shape {
            layers: own("block_count").unwrap_or(0),
            width,
            heads,
            kv_heads: own("attention.head_count_kv").unwrap_or(heads),
            key_length: own("attention.key_length").unwrap_or(per_head),
            value_length: own("attention.value_length").unwrap_or(per_head),
            feed_forward: inside,
            vocabulary: token_table.or(tokens).unwrap_or(0),
            experts: own("expert_count").unwrap_or(0),
        }
    }
}

/// The bytes of a model's weights, as a process that loads them has to count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weights {
    /// All tensors of the file.
    pub bytes: u64,
    /// Those of them that ggml's kernels rearrange in memory of their own when rearranging is on.
    pub repackable: u64,
    /// The token table when it is the output matrix as well and is rearranged as such: it is in memory in both forms.
    pub tied_repackable: u64,
}

impl Weights {
    pub(super) fn of(tensors: &[Tensor], kernels: Kernels) -> Weights {
        let sum = |wanted: &dyn Fn(&Tensor) -> bool| {
            tensors.iter().filter(|t| wanted(t)).fold(0u64, |sum, t| sum.saturating_add(t.bytes))
        };
        let tied = !tensors.iter().any(|t| t.name == OUTPUT);
        Weights {
            bytes: sum(&|_| true),
            // Rows of the token table are looked up, not multiplied with: llama.cpp leaves it as it is.
            repackable: sum(&|t| t.name != TOKEN_TABLE && kernels.rearrange(t)),
            tied_repackable: sum(&|t| tied && t.name == TOKEN_TABLE && kernels.rearrange(t)),
        }
    }
}

/// Instructions that ggml's kernels were built for, as far as the choice of a rearrangement depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernels {
    /// x86-64: AVX2.
    pub avx2: bool,
    /// x86-64: AVX-512.
    pub avx512: bool,
    /// arm64: dot products of bytes.
    pub dotprod: bool,
    /// arm64: products of byte matrices.
    pub i8mm: bool,
}

impl Kernels {
    /// Those of this build (llama-cpp-sys-2's defaults: Haswell on x86-64, ARMv8.0 on arm64).
    pub const BUILT: Kernels =
        Kernels { avx2: cfg!(target_arch = "x86_64"), avx512: false, dotprod: false, i8mm: false };

    /// Whether ggml rearranges this tensor: `ggml_repack_get_optimal_repack_type` in `ggml-cpu/repack.cpp`, by type and rows.
    fn rearrange(self, tensor: &Tensor) -> bool {
        let by = |n: u64| tensor.rows.is_multiple_of(n);
        let fits = match tensor.kind {
            // Q4_0
            2 => (self.avx2 && by(8)) || ((self.dotprod || self.i8mm) && by(4)),
            // Q8_0
            8 => (self.dotprod || self.i8mm) && by(4),
            // Q2_K
            10 => self.avx512 && by(8),
            // Q4_K
            12 => (self.avx2 || self.dotprod || self.i8mm) && by(8),
            // Q5_K, Q6_K
            13 | 14 => (self.dotprod || self.i8mm) && by(8),
            // IQ4_NL, MXFP4
            20 | 39 => (self.avx2 && by(8)) || (self.dotprod && by(4)),
            _ => false,
        };
        // Matrices, and stacks of them for experts.
        fits && (2..=3).contains(&tensor.dimensions)
    }
}

/// The element type that holds most of the weights.
pub(super) fn main_type(tensors: &[Tensor]) -> Option<u32> {
    let mut bytes: HashMap<u32, u64> = HashMap::new();
    for tensor in tensors {
        let (block, size) = block_size(tensor.kind).unwrap_or((1, 1));
        let share = bytes.entry(tensor.kind).or_default();
        *share = share.saturating_add((tensor.elements / block).saturating_mul(size));
    }
    bytes.into_iter().max_by_key(|(kind, bytes)| (*bytes, *kind)).map(|(kind, _)| kind)
}

/// What people call the quantisation: by `general.file_type` (`llama_ftype` in `llama.h`), else by the type of most weights.
pub(super) fn quantization(file_type: Option<u64>, main: u32) -> String {
    let by_file = file_type.and_then(|n| {
        Some(match n {
            0 => "F32",
            1 => "F16",
            2 => "Q4_0",
            3 => "Q4_1",
            7 => "Q8_0",
            8 => "Q5_0",
            9 => "Q5_1",
            10 => "Q2_K",
            11 => "Q3_K_S",
            12 => "Q3_K_M",
            13 => "Q3_K_L",
            14 => "Q4_K_S",
            15 => "Q4_K_M",
            16 => "Q5_K_S",
            17 => "Q5_K_M",
            18 => "Q6_K",
            19 => "IQ2_XXS",
            20 => "IQ2_XS",
            21 => "Q2_K_S",
            22 => "IQ3_XS",
            23 => "IQ3_XXS",
            24 => "IQ1_S",
            25 => "IQ4_NL",
            26 => "IQ3_S",
            27 => "IQ3_M",
            28 => "IQ2_S",
            29 => "IQ2_M",
            30 => "IQ4_XS",
            31 => "IQ1_M",
            32 => "BF16",
            36 => "TQ1_0",
            37 => "TQ2_0",
            38 => "MXFP4",
            _ => return None,
        })
    });
    let name = by_file.or_else(|| type_name(main));
    name.map_or_else(|| format!("类型 {main}"), str::to_owned)
}

/// ggml's name of an element type.
fn type_name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        29 => "IQ1_M",
        30 => "BF16",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, kind: u32, columns: u64, rows: u64) -> Tensor {
        let (block, size) = block_size(kind).expect("known");
        let elements = columns * rows;
        let dimensions = if rows > 1 { 2 } else { 1 };
        Tensor { name: name.into(), kind, elements, dimensions, rows, bytes: elements / block * size }
    }

    #[test]
    fn what_is_rearranged_depends_on_type_rows_and_use() {
        let avx2 = Kernels { avx2: true, avx512: false, dotprod: false, i8mm: false };
        let tensors = [
            tensor("token_embd.weight", 12, 256, 64),
            tensor("blk.0.attn_q.weight", 12, 256, 16),
            tensor("blk.0.attn_v.weight", 14, 256, 16),
            tensor("blk.0.odd.weight", 12, 256, 15),
            tensor("blk.0.attn_norm.weight", 0, 256, 1),
        ];
        let weights = Weights::of(&tensors, avx2);
        assert_eq!(weights.bytes, 64 * 144 + 16 * 144 + 16 * 210 + 15 * 144 + 1024);
        assert_eq!(weights.repackable, 16 * 144);
        assert_eq!(weights.tied_repackable, 64 * 144);
        let neon = Kernels { avx2: false, dotprod: true, ..avx2 };
        assert_eq!(Weights::of(&tensors, neon).repackable, 16 * 144 + 16 * 210);
        let own = [&tensors[..], &[tensor("output.weight", 2, 256, 64)]].concat();
        let weights = Weights::of(&own, avx2);
        assert_eq!((weights.tied_repackable, weights.repackable), (0, 16 * 144 + 64 * 8 * 18));
    }

    #[test]
    fn a_quantisation_has_the_name_people_use() {
        assert_eq!(quantization(Some(15), 12), "Q4_K_M");
        assert_eq!(quantization(None, 2), "Q4_0");
        assert_eq!(quantization(Some(1024), 99), "类型 99");
    }
}
