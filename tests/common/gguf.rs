//! Tiny GGUF models made at test time: real files for the real llama.cpp, the same bytes every time.
//!
//! The weights are random numbers from a fixed seed, so the text that a chat model writes means nothing; what is tested
//! is everything around it.
//!
//! - `chat`: models that write, of the families llama, qwen2 and qwen3; and a reranker made of one, as Qwen3-Reranker is.
//! - `encoder`: BERT encoders, and rerankers made of them.
//! - `file`: the container.
#![allow(dead_code, unused_imports)] // Every test file uses a part.

#[path = "gguf/chat.rs"]
mod chat;
#[path = "gguf/encoder.rs"]
mod encoder;
#[path = "gguf/file.rs"]
mod file;

pub use chat::{CHATML, ChatSpec, Family, chat_file, judge_file, write_adapter, write_chat_model};
pub use encoder::{EncoderSpec, LateArrays, encoder_file, write_encoder, write_encoder_model};
pub use file::{Declared, Gguf, text_bytes};

/// Width of the hidden state, heads, and layers of the smallest models.
pub const WIDTH: usize = 64;
pub const HEADS: usize = 4;
pub const LAYERS: usize = 2;
/// Numbers of a token's vector, where an encoder compares tokens.
pub const TOKEN_WIDTH: usize = 16;

/// The characters of a text, each once, in order.
fn distinct(text: &str) -> impl Iterator<Item = char> {
    let mut seen = std::collections::BTreeSet::new();
    text.chars().filter(move |c| seen.insert(*c)).collect::<Vec<_>>().into_iter()
}
