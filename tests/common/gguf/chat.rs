//! Chat models.

use super::file::{BYTE, CONTROL, Gguf, NORMAL, Random, UNKNOWN, byte_letter};
use super::{HEADS, LAYERS, WIDTH, distinct};
use std::path::Path;

/// Width of the feed-forward layer.
const INNER: usize = 128;
/// Vocabulary of the chat model beside bytes and markers: what its replies are made of.
const REPLY_CHARACTERS: &str = "客户凭有效身份证件办理存款取款挂失转账须经授权人核实后登记的业务柜员应当审核原件并留存复印不得代签。,;:在个月内到期开立变更撤销账本行定期活";
/// The chat model's template, in the ChatML shape.
pub const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// What kind of layers a chat model has, and the name of its architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Llama,
    /// Queries, keys and values have biases.
    Qwen2,
    /// Queries and keys are normalised.
    Qwen3,
}

impl Family {
    /// `general.architecture`.
    pub fn name(self) -> &'static str {
        match self {
            Family::Llama => "llama",
            Family::Qwen2 => "qwen2",
            Family::Qwen3 => "qwen3",
        }
    }
}

/// A chat model to make.
#[derive(Debug, Clone)]
pub struct ChatSpec {
    /// Its family.
    pub family: Family,
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
        ChatSpec {
            family: Family::Llama,
            context: 16_384,
            template: Some(CHATML.into()),
            byte_pair: false,
            ends_at_once: false,
        }
    }
}

/// Writes a chat model, see [`chat_file`].
pub fn write_chat_model(path: &Path, spec: &ChatSpec) {
    chat_file(spec).write(path);
}

/// A chat model of two layers. Its vocabulary has all bytes, so any text can be tokenised: with
/// SentencePiece a character of [`REPLY_CHARACTERS`] is one token and others are one token per byte; with byte pairs
/// every byte is a token. Replies are made of [`REPLY_CHARACTERS`] either way, one per token.
pub fn chat_file(spec: &ChatSpec) -> Gguf {
    let family = spec.family.name();
    let mut file = Gguf::default();
    file.text("general.architecture", family);
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
        file.u32(&format!("{family}.{key}"), value);
    }
    file.f32(&format!("{family}.attention.layer_norm_rms_epsilon"), 1e-5);

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
        match spec.family {
            Family::Llama => {}
            Family::Qwen2 => {
                for name in ["attn_q", "attn_k", "attn_v"] {
                    file.tensor(&format!("blk.{layer}.{name}.bias"), &[WIDTH], random.values(WIDTH, 0.35));
                }
            }
            Family::Qwen3 => {
                for name in ["attn_q_norm", "attn_k_norm"] {
                    file.tensor(&format!("blk.{layer}.{name}.weight"), &[WIDTH / HEADS], vec![1.0; WIDTH / HEADS]);
                }
            }
        }
    }
    file
}

/// A reranker as Qwen3-Reranker is one: it reads question and clause in a template, and its scores are those of "yes" and
/// "no" behind the last token.
pub fn judge_file() -> Gguf {
    let mut file = chat_file(&ChatSpec { family: Family::Qwen3, byte_pair: true, ..ChatSpec::default() });
    file.u32("qwen3.pooling_type", 4);
    file.texts("qwen3.classifier.output_labels", ["yes", "no"].into_iter());
    file.tensor("cls.output.weight", &[WIDTH, 2], Random(20_260_104).values(2 * WIDTH, 1.0));
    file
}

/// A row of the output matrix that looks at dimension 0 alone.
fn constant_row(weight: f32) -> Vec<f32> {
    let mut row = vec![0.0; WIDTH];
    row[0] = weight;
    row
}

/// Writes a LoRA adapter for the llama model of [`ChatSpec::default`] that changes what every layer looks for.
pub fn write_adapter(path: &Path) {
    const RANK: usize = 4;
    let mut file = Gguf::default();
    file.text("general.architecture", "llama");
    file.text("general.type", "adapter");
    file.text("adapter.type", "lora");
    file.f32("adapter.lora.alpha", RANK as f32);
    let mut random = Random(20_260_103);
    for layer in 0..LAYERS {
        let name = format!("blk.{layer}.attn_q.weight");
        file.tensor(&format!("{name}.lora_a"), &[WIDTH, RANK], random.values(WIDTH * RANK, 1.0));
        file.tensor(&format!("{name}.lora_b"), &[RANK, WIDTH], random.values(RANK * WIDTH, 1.0));
    }
    file.write(path);
}
