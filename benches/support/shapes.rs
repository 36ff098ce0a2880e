//! Shapes of real models, and files of these shapes with random weights, written tensor by tensor.
//!
//! Weights are drawn from pools of quantised Gaussian numbers, block by block, which is as fast as the disk. Their spread is
//! chosen so that a model behaves like one: activations neither vanish nor overflow, attention looks at few tokens, so that
//! what is written depends on all that was read.

use crate::file::{ALIGNMENT, Declared, F32, Gguf, Random};
use crate::vocabulary::{Corpus, Voice};
use llama_cpp_sys_2::{GGML_TYPE_Q4_0, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K, ggml_quantize_chunk};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Weights that are drawn together; the block of the K types, and a multiple of every other block.
const BLOCK: usize = 256;
/// Blocks in a pool: rows of six blocks from it practically never repeat.
const POOL_BLOCKS: usize = 4096;
/// Spread of the rows of the output matrix for words, marks and what is never written: the largest of 2,000 scores with
/// spread 1 is about 3.5, which a score with spread 2 exceeds once in 25 times; the last one never is the largest.
const WORD_SPREAD: f32 = 0.05;
const MARK_SPREAD: f32 = 0.1;
const SILENT_SPREAD: f32 = 0.002;

/// How the weights are quantised, by the recipes of llama.cpp's quantiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    Q4_0,
    Q4KM,
}

impl Mix {
    pub fn named(name: &str) -> Option<Mix> {
        match name {
            "q4_0" => Some(Mix::Q4_0),
            "q4_k_m" => Some(Mix::Q4KM),
            _ => None,
        }
    }

    /// The type of a matrix in one of `layers` layers.
    fn of(self, name: &str, layer: usize, layers: usize) -> Type {
        // Some layers of two matrices have more bits in this recipe: the first and the last eighth, and every third between.
        let more = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
        match self {
            Mix::Q4_0 => Q4_0,
            Mix::Q4KM if matches!(name, "attn_v" | "ffn_down") && more => Q6_K,
            Mix::Q4KM => Q4_K,
        }
    }

    fn file_type(self) -> u32 {
        match self {
            Mix::Q4_0 => 2,
            Mix::Q4KM => 15,
        }
    }
}

/// An element type: its name, ggml's number, and the bytes of [`BLOCK`] weights.
type Type = (&'static str, u32, usize);
const Q4_0: Type = ("Q4_0", GGML_TYPE_Q4_0, 144);
const Q4_K: Type = ("Q4_K", GGML_TYPE_Q4_K, 144);
const Q6_K: Type = ("Q6_K", GGML_TYPE_Q6_K, 210);
const PLAIN: Type = ("F32", F32, 4 * BLOCK);

/// What a model of a family and size is made of.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    /// The quantisation when none is asked for.
    pub mix: Mix,
    architecture: &'static str,
    layers: usize,
    width: usize,
    heads: usize,
    kv_heads: usize,
    inner: usize,
    vocabulary: usize,
    context: u32,
    /// Whether the embeddings are the output matrix too.
    tied: bool,
    rope_base: f32,
    epsilon: f32,
}

/// Figures of the models' own configuration files.
pub const SHAPES: [Shape; 3] = [
    Shape {
        name: "qwen2-1.5b",
        mix: Mix::Q4KM,
        architecture: "qwen2",
        layers: 28,
        width: 1536,
        heads: 12,
        kv_heads: 2,
        inner: 8960,
        vocabulary: 151_936,
        context: 32_768,
        tied: true,
        rope_base: 1e6,
        epsilon: 1e-6,
    },
    Shape {
        name: "qwen2-7b",
        mix: Mix::Q4KM,
        architecture: "qwen2",
        layers: 28,
        width: 3584,
        heads: 28,
        kv_heads: 4,
        inner: 18_944,
        vocabulary: 152_064,
        context: 32_768,
        tied: false,
        rope_base: 1e6,
        epsilon: 1e-6,
    },
    Shape {
        name: "llama2-13b",
        mix: Mix::Q4_0,
        architecture: "llama",
        layers: 40,
        width: 5120,
        heads: 40,
        kv_heads: 40,
        inner: 13_824,
        vocabulary: 32_000,
        context: 4096,
        tied: false,
        rope_base: 1e4,
        epsilon: 1e-5,
    },
];

impl Shape {
    pub fn named(name: &str) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| shape.name == name)
    }

    fn describe(&self, mix: Mix, file: &mut Gguf) {
        file.text("general.architecture", self.architecture);
        file.text("general.type", "model");
        file.text("general.name", &format!("{}-random", self.name));
        file.text("general.license", "CC0-1.0");
        file.u32("general.file_type", mix.file_type());
        file.u32("general.quantization_version", 2);
        for (key, value) in [
            ("context_length", self.context),
            ("embedding_length", self.width as u32),
            ("block_count", self.layers as u32),
            ("feed_forward_length", self.inner as u32),
            ("attention.head_count", self.heads as u32),
            ("attention.head_count_kv", self.kv_heads as u32),
            ("rope.dimension_count", (self.width / self.heads) as u32),
        ] {
            file.u32(&format!("{}.{key}", self.architecture), value);
        }
        file.f32(&format!("{}.rope.freq_base", self.architecture), self.rope_base);
        file.f32(&format!("{}.attention.layer_norm_rms_epsilon", self.architecture), self.epsilon);
    }

    /// Every tensor in the order of the file.
    fn plan(&self, mix: Mix, voices: &[Voice]) -> Vec<Planned> {
        let (width, kv) = (self.width, self.width / self.heads * self.kv_heads);
        let vector = |name: String, length: usize, value: f32| Planned {
            declared: Declared { name, shape: vec![length as u64], kind: F32, offset: 0 },
            element: PLAIN,
            weights: Weights::Constant(value),
        };
        let matrix = |name: String, columns: usize, rows: usize, element: Type, weights: Weights| Planned {
            declared: Declared { name, shape: vec![columns as u64, rows as u64], kind: element.1, offset: 0 },
            element,
            weights,
        };
        let spoken = || Weights::Voices(voices.to_vec());
        let mut plan = vec![match self.tied {
            true => matrix("token_embd.weight".into(), width, voices.len(), Q6_K, spoken()),
            false => {
                let element = mix.of("token_embd", 0, self.layers);
                matrix("token_embd.weight".into(), width, voices.len(), element, Weights::Spread(1.0))
            }
        }];
        for layer in 0..self.layers {
            // Inputs are normalised, so a matrix of spread s / sqrt(columns) gives outputs of spread s.
            let parts = [
                ("attn_q", width, width, 1.4),
                ("attn_k", width, kv, 1.4),
                ("attn_v", width, kv, 1.0),
                ("attn_output", width, width, 0.4),
                ("ffn_gate", width, self.inner, 1.0),
                ("ffn_up", width, self.inner, 1.0),
                ("ffn_down", self.inner, width, 1.5),
            ];
            plan.push(vector(format!("blk.{layer}.attn_norm.weight"), width, 1.0));
            for (name, columns, rows, spread) in parts {
                let element = mix.of(name, layer, self.layers);
                let weights = Weights::Spread(spread / (columns as f32).sqrt());
                plan.push(matrix(format!("blk.{layer}.{name}.weight"), columns, rows, element, weights));
                if self.architecture == "qwen2" && matches!(name, "attn_q" | "attn_k" | "attn_v") {
                    plan.push(vector(format!("blk.{layer}.{name}.bias"), rows, 0.0));
                }
            }
            plan.push(vector(format!("blk.{layer}.ffn_norm.weight"), width, 1.0));
        }
        plan.push(vector("output_norm.weight".into(), width, 1.0));
        if !self.tied {
            plan.push(matrix("output.weight".into(), width, voices.len(), Q6_K, spoken()));
        }
        let mut offset = 0;
        for planned in &mut plan {
            planned.declared.offset = offset;
            offset = (offset + planned.bytes()).next_multiple_of(ALIGNMENT as u64);
        }
        plan
    }
}

/// Where a tensor's weights come from.
enum Weights {
    Constant(f32),
    /// Gaussian numbers of this standard deviation.
    Spread(f32),
    /// A row for each token, by its part in replies.
    Voices(Vec<Voice>),
}

struct Planned {
    declared: Declared,
    element: Type,
    weights: Weights,
}

impl Planned {
    fn elements(&self) -> u64 {
        self.declared.shape.iter().product()
    }

    fn bytes(&self) -> u64 {
        self.elements() * self.element.2 as u64 / BLOCK as u64
    }
}

/// What was written.
pub struct Made {
    pub parameters: u64,
    pub bytes: u64,
    /// Element types with the number of tensors and their bytes.
    pub types: Vec<(&'static str, usize, u64)>,
}

/// Writes a model of a shape to `out`.
pub fn write(shape: &Shape, mix: Mix, corpus: &Corpus, out: &Path) -> Result<Made> {
    let mut header = Gguf::default();
    shape.describe(mix, &mut header);
    let voices = match shape.architecture {
        "llama" => corpus.sentence_piece(&mut header, shape.vocabulary),
        _ => corpus.byte_pair(&mut header, shape.vocabulary),
    };
    let plan = shape.plan(mix, &voices);
    let declared: Vec<Declared> = plan.iter().map(|planned| planned.declared.clone()).collect();
    let header = header.header(&declared);

    let part = out.with_extension("part");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    file.write_all(&header)?;
    let mut made = Made { parameters: 0, bytes: header.len() as u64, types: vec![] };
    let mut pools = Pools::default();
    for planned in &plan {
        pools.write(planned, &mut file)?;
        let bytes = planned.bytes();
        let padded = bytes.next_multiple_of(ALIGNMENT as u64);
        file.write_all(&vec![0; (padded - bytes) as usize])?;
        made.parameters += planned.elements();
        made.bytes += padded;
        match made.types.iter_mut().find(|(name, ..)| *name == planned.element.0) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + bytes),
            None => made.types.push((planned.element.0, 1, bytes)),
        }
    }
    file.into_inner()?.sync_all()?;
    std::fs::rename(part, out)?;
    Ok(made)
}

/// Pools of quantised blocks by type and spread, and the numbers that draw from them.
#[derive(Default)]
struct Pools {
    blocks: BTreeMap<(u32, u32), Vec<u8>>,
    drawn: u64,
}

impl Pools {
    fn write(&mut self, planned: &Planned, out: &mut impl Write) -> Result<()> {
        let blocks = |count: u64| count as usize / BLOCK;
        match &planned.weights {
            Weights::Constant(value) => (0..planned.elements()).try_for_each(|_| out.write_all(&value.to_le_bytes())),
            Weights::Spread(spread) => self.draw(planned.element, *spread, blocks(planned.elements()), out),
            Weights::Voices(voices) => voices.iter().try_for_each(|voice| {
                let spread = match voice {
                    Voice::Silent => SILENT_SPREAD,
                    Voice::Word => WORD_SPREAD,
                    Voice::Mark => MARK_SPREAD,
                };
                let row = blocks(planned.declared.shape.first().copied().unwrap_or(0));
                self.draw(planned.element, spread, row, out)
            }),
        }
    }

    /// Writes blocks of a type and spread, chosen at random from the pool.
    fn draw(&mut self, element: Type, spread: f32, count: usize, out: &mut impl Write) -> Result<()> {
        let pool = self.blocks.entry((element.1, spread.to_bits())).or_insert_with(|| pool(element, spread));
        for _ in 0..count {
            // Knuth's MMIX generator; its upper bits choose.
            self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (self.drawn >> 33) as usize % POOL_BLOCKS * element.2;
            out.write_all(&pool[at..at + element.2])?;
        }
        Ok(())
    }
}

/// Gaussian numbers (Box and Muller 1958), quantised by ggml.
fn pool(element: Type, spread: f32) -> Vec<u8> {
    let mut random = Random(20_260_103 ^ u64::from(spread.to_bits()));
    let mut uniform = || (random.next() + 1.0) / 2.0;
    let values: Vec<f32> = (0..POOL_BLOCKS * BLOCK)
        .map(|_| spread * (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f32::consts::TAU * uniform()).cos())
        .collect();
    let mut blocks = vec![0u8; POOL_BLOCKS * element.2];
    // SAFETY: `values` holds POOL_BLOCKS rows of BLOCK numbers, `blocks` room for as many quantised rows, and no importance
    // matrix is asked for by these types.
    let written = unsafe {
        ggml_quantize_chunk(
            element.1,
            values.as_ptr(),
            blocks.as_mut_ptr().cast(),
            0,
            POOL_BLOCKS as i64,
            BLOCK as i64,
            std::ptr::null(),
        )
    };
    assert_eq!(written, blocks.len(), "{}", element.0);
    blocks
}
