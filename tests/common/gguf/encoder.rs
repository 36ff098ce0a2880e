//! Encoders, and rerankers made of them.

use super::file::{Gguf, Random};
use super::{HEADS, LAYERS, TOKEN_WIDTH, WIDTH, distinct};
use std::path::Path;

/// A BERT encoder to make.
#[derive(Debug, Clone)]
pub struct EncoderSpec<'a> {
    /// `general.name`.
    pub name: &'a str,
    /// The characters of its vocabulary.
    pub characters: &'a str,
    /// Width of the hidden state, a multiple of [`HEADS`].
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Positions.
    pub window: usize,
    /// A vocabulary of unigram pieces (every character, and every two of `characters` that stand together), instead of
    /// WordPiece, which takes every Han character for a word.
    pub pieces: bool,
    /// A reranker: one score for a pair of texts instead of a vector.
    pub rank: bool,
    /// What it compares tokens with; `None` leaves it out.
    pub late: Option<LateArrays>,
}

impl<'a> EncoderSpec<'a> {
    /// The smallest encoder: [`WIDTH`] dimensions, [`LAYERS`] layers, a window of 128 tokens.
    pub fn tiny(characters: &'a str) -> EncoderSpec<'a> {
        EncoderSpec {
            name: "tiny-encoder",
            characters,
            width: WIDTH,
            layers: LAYERS,
            window: 128,
            pieces: false,
            rank: false,
            late: None,
        }
    }

    /// The same with arrays to compare tokens with.
    pub fn comparing(characters: &'a str) -> EncoderSpec<'a> {
        EncoderSpec { late: Some(LateArrays::tiny()), ..EncoderSpec::tiny(characters) }
    }
}

/// The arrays by which an encoder compares a question with a clause token by token (`guida.late.*`).
#[derive(Debug, Clone)]
pub struct LateArrays {
    /// Rows of as many numbers as the hidden state is wide; each gives one number of a token's vector.
    pub projection: Vec<f32>,
    /// A weight for each number of the hidden state, and a bias.
    pub gate: Vec<f32>,
    /// Weights of the mean, of the weakest and of the cosine, bias, and sharpness of the soft minimum.
    pub head: Vec<f32>,
}

impl LateArrays {
    /// Vectors of [`TOKEN_WIDTH`] numbers for states of [`WIDTH`]. The projection is random, which keeps equal tokens equal and
    /// others apart; all tokens weigh about the same.
    pub fn tiny() -> LateArrays {
        let mut random = Random(20_260_105);
        LateArrays {
            projection: random.values(TOKEN_WIDTH * WIDTH, 1.0),
            gate: random.values(WIDTH + 1, 0.02),
            head: vec![5.0, 1.0, 2.0, -3.0, 8.0],
        }
    }

    fn put(&self, file: &mut Gguf) {
        file.f32s("guida.late.projection", &self.projection);
        file.f32s("guida.late.gate", &self.gate);
        file.f32s("guida.late.head", &self.head);
    }
}

/// Writes the smallest BERT encoder, see [`EncoderSpec::tiny`].
pub fn write_encoder_model(path: &Path, characters: &str) {
    write_encoder(path, &EncoderSpec::tiny(characters));
}

/// Writes an encoder, see [`encoder_file`].
pub fn write_encoder(path: &Path, spec: &EncoderSpec<'_>) {
    encoder_file(spec).write(path);
}

/// A BERT encoder with mean pooling. Its WordPiece vocabulary has one token per distinct character of `characters`,
/// per ASCII letter and per digit; other characters are `[UNK]`. The layers change little, so texts that share characters
/// have similar vectors. A reranker has random weights at its end as well: its scores mean nothing, and are always the same.
pub fn encoder_file(spec: &EncoderSpec<'_>) -> Gguf {
    let (width, inner) = (spec.width, 2 * spec.width);
    let mut file = Gguf::default();
    file.text("general.architecture", "bert");
    file.text("general.name", spec.name);
    for (key, value) in [
        ("context_length", spec.window as u32),
        ("embedding_length", width as u32),
        ("block_count", spec.layers as u32),
        ("feed_forward_length", inner as u32),
        ("attention.head_count", HEADS as u32),
        ("pooling_type", if spec.rank { 4 } else { 1 }),
    ] {
        file.u32(&format!("bert.{key}"), value);
    }
    file.f32("bert.attention.layer_norm_epsilon", 1e-12);
    file.bool("bert.attention.causal", false);
    if let Some(late) = &spec.late {
        late.put(&mut file);
    }

    let mut tokens: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from).into();
    let ascii: String = ('a'..='z').chain('0'..='9').collect();
    // A word's first piece starts with "▁"; every Chinese character is a word of its own.
    tokens
        .extend(distinct(&[spec.characters, &ascii].concat()).filter(|c| !c.is_whitespace()).map(|c| format!("▁{c}")));
    tokens.extend(ascii.chars().map(String::from));
    let kinds: Vec<i32> = (0..tokens.len()).map(|n| if n < 5 { 3 } else { 1 }).collect();
    if spec.pieces {
        unigram(&mut file, spec.characters, &mut tokens);
    } else {
        word_pieces(&mut file, &tokens, &kinds);
    }
    file.u32("tokenizer.ggml.token_type_count", 1);
    let mut random = Random(20_260_102);
    file.tensor("token_embd.weight", &[width, tokens.len()], random.values(width * tokens.len(), 1.0));
    file.tensor("position_embd.weight", &[width, spec.window], random.values(width * spec.window, 0.02));
    file.tensor("token_types.weight", &[width, 1], vec![0.0; width]);
    let mut norms = vec!["token_embd_norm".to_owned()];
    for layer in 0..spec.layers {
        let mut matrix = |name: &str, columns: usize, rows: usize| {
            let name = format!("blk.{layer}.{name}");
            file.tensor(&format!("{name}.weight"), &[columns, rows], random.values(columns * rows, 0.03));
            file.tensor(&format!("{name}.bias"), &[rows], vec![0.0; rows]);
        };
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
            matrix(name, width, width);
        }
        matrix("ffn_up", width, inner);
        matrix("ffn_down", inner, width);
        norms.extend(["attn_output_norm", "layer_output_norm"].map(|name| format!("blk.{layer}.{name}")));
    }
    if spec.rank {
        file.tensor("cls.weight", &[width, width], random.values(width * width, 0.2));
        file.tensor("cls.bias", &[width], vec![0.0; width]);
        file.tensor("cls.output.weight", &[width, 1], random.values(width, 1.0));
        file.tensor("cls.output.bias", &[1], vec![0.0]);
    }
    for name in norms {
        file.tensor(&format!("{name}.weight"), &[width], vec![1.0; width]);
        file.tensor(&format!("{name}.bias"), &[width], vec![0.0; width]);
    }
    file
}

/// A WordPiece vocabulary.
fn word_pieces(file: &mut Gguf, tokens: &[String], kinds: &[i32]) {
    file.text("tokenizer.ggml.model", "bert");
    file.texts("tokenizer.ggml.tokens", tokens.iter().map(String::as_str));
    file.i32s("tokenizer.ggml.token_type", kinds);
    for (key, id) in [("padding", 0), ("unknown", 1), ("bos", 2), ("cls", 2), ("eos", 3), ("seperator", 3), ("mask", 4)]
    {
        file.u32(&format!("tokenizer.ggml.{key}_token_id"), id);
    }
}

/// A unigram vocabulary, which replaces `tokens`: the log probability of two characters together is above that of the two.
fn unigram(file: &mut Gguf, characters: &str, tokens: &mut Vec<String>) {
    const MARKERS: [(&str, i32); 4] = [("<s>", 3), ("<pad>", 3), ("</s>", 3), ("<unk>", 2)];
    let singles: Vec<char> = distinct(characters).chain(['▁']).collect();
    let known: Vec<char> = characters.chars().collect();
    let pairs: std::collections::BTreeSet<String> = known.windows(2).map(|pair| pair.iter().collect()).collect();
    *tokens = MARKERS.iter().map(|(text, _)| (*text).to_owned()).collect();
    tokens.extend(singles.iter().map(char::to_string));
    let scores: Vec<f32> = (0..tokens.len() + pairs.len())
        .map(|n| {
            if n < MARKERS.len() {
                0.0
            } else if n < tokens.len() {
                -5.0
            } else {
                -6.0
            }
        })
        .collect();
    tokens.extend(pairs);
    let kinds: Vec<i32> = (0..tokens.len()).map(|n| MARKERS.get(n).map_or(1, |(_, kind)| *kind)).collect();
    file.text("tokenizer.ggml.model", "t5");
    file.texts("tokenizer.ggml.tokens", tokens.iter().map(String::as_str));
    file.f32s("tokenizer.ggml.scores", &scores);
    file.i32s("tokenizer.ggml.token_type", &kinds);
    for (key, id) in [("bos", 0), ("padding", 1), ("eos", 2), ("unknown", 3)] {
        file.u32(&format!("tokenizer.ggml.{key}_token_id"), id);
    }
    for (key, value) in [("add_bos_token", true), ("add_eos_token", true), ("add_space_prefix", false)] {
        file.bool(&format!("tokenizer.ggml.{key}"), value);
    }
    file.bool("tokenizer.ggml.remove_extra_whitespaces", false);
}
