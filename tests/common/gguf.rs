//! Tiny GGUF models made at test time: real files for the real llama.cpp, the same bytes every time.
//!
//! The weights are random numbers from a fixed seed, so the text that the chat model writes means nothing; what is tested
//! is everything around it.
#![allow(dead_code)] // Every test file uses a part.

#[path = "gguf/file.rs"]
mod file;

pub use file::Gguf;
use file::{BYTE, CONTROL, NORMAL, Random, UNKNOWN, byte_letter};
use std::path::Path;

/// Width of the hidden state and of the feed-forward layer, heads, and layers of the smallest models.
pub const WIDTH: usize = 64;
const INNER: usize = 128;
pub const HEADS: usize = 4;
pub const LAYERS: usize = 2;
/// Vocabulary of the chat model beside bytes and markers: what its replies are made of.
const REPLY_CHARACTERS: &str = "客户凭有效身份证件办理存款取款挂失转账须经授权人核实后登记的业务柜员应当审核原件并留存复印不得代签。,;:在个月内到期开立变更撤销账本行定期活";
/// The chat model's template, in the ChatML shape.
pub const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// A chat model to make.
#[derive(Debug, Clone)]
pub struct ChatSpec {
    /// Context length in the metadata, in tokens.
    pub context: u32,
    /// Chat template; `None` leaves it out.
    pub template: Option<String>,
    /// Byte-pair vocabulary as Qwen has (every byte is a token, no merges), instead of SentencePiece as Llama 2 has.
    pub byte_pair: bool,
    /// Whether the model ends every reply at once; otherwise it never ends one.
    pub ends_at_once: bool,
}

impl Default for ChatSpec {
    fn default() -> ChatSpec {
        ChatSpec { context: 16_384, template: Some(CHATML.into()), byte_pair: false, ends_at_once: false }
    }
}

/// Writes a llama-architecture chat model of two layers. Its vocabulary has all bytes, so any text can be tokenised: with
/// SentencePiece a character of [`REPLY_CHARACTERS`] is one token and others are one token per byte; with byte pairs
/// every byte is a token. Replies are made of [`REPLY_CHARACTERS`] either way, one per token.
pub fn write_chat_model(path: &Path, spec: &ChatSpec) {
    let mut file = Gguf::default();
    file.text("general.architecture", "llama");
    file.text("general.name", "tiny-chat");
    file.text("general.license", "CC0-1.0");
    for (key, value) in [
        ("context_length", spec.context),
        ("embedding_length", WIDTH as u32),
        ("block_count", LAYERS as u32),
        ("feed_forward_length", INNER as u32),
        ("attention.head_count", HEADS as u32),
        ("attention.head_count_kv", HEADS as u32),
        ("rope.dimension_count", (WIDTH / HEADS) as u32),
    ] {
        file.u32(&format!("llama.{key}"), value);
    }
    file.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);

    let mut tokens: Vec<(String, i32)> =
        vec![("<unk>".into(), UNKNOWN), ("<s>".into(), CONTROL), ("</s>".into(), CONTROL)];
    if spec.byte_pair {
        tokens.extend((0..=255u8).map(|byte| (byte_letter(byte).to_string(), BYTE)));
    } else {
        tokens.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), BYTE)));
    }
    tokens.extend([("<|im_start|>".into(), CONTROL), ("<|im_end|>".into(), CONTROL)]);
    // ASCII would be in a byte-pair vocabulary twice.
    tokens.extend(distinct(REPLY_CHARACTERS).filter(|c| !c.is_ascii()).map(|c| match spec.byte_pair {
        true => (c.to_string().bytes().map(byte_letter).collect(), NORMAL),
        false => (c.to_string(), NORMAL),
    }));
    let replies: Vec<bool> = tokens.iter().map(|(_, kind)| *kind == NORMAL).collect();
    if spec.byte_pair {
        tokens.iter_mut().filter(|(_, kind)| *kind == BYTE).for_each(|(_, kind)| *kind = NORMAL);
        file.text("tokenizer.ggml.pre", "qwen2");
        file.texts("tokenizer.ggml.merges", ["Ā Ā"].into_iter());
    } else {
        tokens.push(("▁".into(), NORMAL));
    }
    file.text("tokenizer.ggml.model", if spec.byte_pair { "gpt2" } else { "llama" });
    file.texts("tokenizer.ggml.tokens", tokens.iter().map(|(text, _)| text.as_str()));
    file.f32s("tokenizer.ggml.scores", &vec![0.0; tokens.len()]);
    file.i32s("tokenizer.ggml.token_type", &tokens.iter().map(|(_, kind)| *kind).collect::<Vec<_>>());
    file.u32("tokenizer.ggml.bos_token_id", 1);
    file.u32("tokenizer.ggml.eos_token_id", 2);
    file.u32("tokenizer.ggml.unknown_token_id", 0);
    file.bool("tokenizer.ggml.add_bos_token", true);
    if let Some(template) = &spec.template {
        file.text("tokenizer.chat_template", template);
    }

    let mut random = Random(20_260_101);
    // Dimension 0 is large and positive in every token, hence in every hidden state: a row of the output matrix that looks
    // at it alone has a constant score. Replies are made of the normal tokens.
    let embedding = tokens.iter().flat_map(|_| random.row(WIDTH, 1.0, 4.0)).collect();
    let output = tokens
        .iter()
        .enumerate()
        .flat_map(|(n, (text, _))| match text.as_str() {
            "</s>" => constant_row(if spec.ends_at_once { 100.0 } else { -100.0 }),
            _ if replies.get(n) == Some(&true) => random.row(WIDTH, 1.0, 0.0),
            _ => constant_row(-100.0),
        })
        .collect();
    file.tensor("token_embd.weight", &[WIDTH, tokens.len()], embedding);
    file.tensor("output.weight", &[WIDTH, tokens.len()], output);
    file.tensor("output_norm.weight", &[WIDTH], vec![1.0; WIDTH]);
    for layer in 0..LAYERS {
        let mut matrix = |name: &str, columns: usize, rows: usize| {
            let mut values = random.values(columns * rows, 0.35);
            if matches!(name, "attn_output" | "ffn_down") {
                // Nothing is added to dimension 0 on the way up.
                values[..columns].fill(0.0);
            }
            file.tensor(&format!("blk.{layer}.{name}.weight"), &[columns, rows], values);
        };
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
            matrix(name, WIDTH, WIDTH);
        }
        matrix("ffn_gate", WIDTH, INNER);
        matrix("ffn_up", WIDTH, INNER);
        matrix("ffn_down", INNER, WIDTH);
        for name in ["attn_norm", "ffn_norm"] {
            file.tensor(&format!("blk.{layer}.{name}.weight"), &[WIDTH], vec![1.0; WIDTH]);
        }
    }
    file.write(path);
}

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
        }
    }
}

/// Writes the smallest BERT encoder, see [`EncoderSpec::tiny`].
pub fn write_encoder_model(path: &Path, characters: &str) {
    write_encoder(path, &EncoderSpec::tiny(characters));
}

/// Writes a BERT encoder with mean pooling. Its WordPiece vocabulary has one token per distinct character of `characters`,
/// per ASCII letter and per digit; other characters are `[UNK]`. The layers change little, so texts that share characters
/// have similar vectors. A reranker has random weights at its end as well: its scores mean nothing, and are always the same.
pub fn write_encoder(path: &Path, spec: &EncoderSpec<'_>) {
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
    file.write(path);
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

/// The characters of a text, each once, in order.
fn distinct(text: &str) -> impl Iterator<Item = char> {
    let mut seen = std::collections::BTreeSet::new();
    text.chars().filter(move |c| seen.insert(*c)).collect::<Vec<_>>().into_iter()
}

/// A row of the output matrix that looks at dimension 0 alone.
fn constant_row(weight: f32) -> Vec<f32> {
    let mut row = vec![0.0; WIDTH];
    row[0] = weight;
    row
}
