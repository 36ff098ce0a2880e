//! The encoder that comes with the program: llama.cpp computes from the file what PyTorch computed from the weights.

use guida::inference::{EmbedKind, Embedder, EmbedderSettings, LlamaEmbedder};
use serde::Deserialize;

/// Largest size of the file.
const MAX_BYTES: u64 = 40 << 20;
/// Least cosine between the two computations.
const MIN_COSINE: f32 = 0.999;

/// A line of the fixture, written by `training/guida_train/parity.py`.
#[derive(Deserialize)]
struct Line {
    text: String,
    /// Four hexadecimal digits for each component, as a whole number of 16 bits; the length does not matter.
    vector: String,
}

fn components(digits: &str) -> Vec<f32> {
    let number = |at: usize| u16::from_str_radix(&digits[at..at + 4], 16).unwrap().cast_signed();
    (0..digits.len()).step_by(4).map(|at| f32::from(number(at))).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn llama_cpp_and_pytorch_agree() {
    let file = std::path::Path::new("assets/models/guida-embed-zh.gguf");
    assert!(file.metadata().unwrap().len() <= MAX_BYTES);
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).unwrap();
    let lines: Vec<Line> =
        include_str!("fixtures/encoder-parity.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 200);
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let vectors = embedder.embed(EmbedKind::Query, &texts).unwrap();
    for (line, vector) in lines.iter().zip(&vectors) {
        let agreed = cosine(vector, &components(&line.vector));
        assert!(agreed >= MIN_COSINE, "{}: {agreed}", line.text);
    }
}

#[test]
fn the_bundled_encoder_compares_tokens() {
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).unwrap();
    assert!(embedder.late().is_some());
}

#[test]
fn what_means_the_same_is_nearer_than_what_does_not() {
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).unwrap();
    let vector = |text: &str| embedder.embed(EmbedKind::Query, &[text]).unwrap().remove(0);
    let near = |a: &str, b: &str, other: &str| {
        let (a, b, other) = (vector(a), vector(b), vector(other));
        assert!(cosine(&a, &b) > cosine(&a, &other));
    };
    near("卡丢了", "银行卡挂失", "贷款提前还款");
    near("人没了存款怎么取", "存款人死亡后继承人支取存款", "存款人开立账户");
    near("房东不退押金", "租赁合同终止后返还押金", "劳动合同的解除");
}
