//! Makes a GGUF model of a real shape with random weights, so that speed and memory can be measured where no real model
//! may be had.
//!
//! `cargo bench --profile release --bench make_model -- --shape qwen2-1.5b --out FILE [--type q4_k_m] [--corpus FOLDER]`
//!
//! The file has the layers, widths, tensor types, vocabulary size and kind of tokenizer of the model it is named after.
//! The tokenizer works: characters and frequent words of the corpus (the sample rulebook, unless another is named) are
//! tokens. What the model writes is words of that vocabulary in a senseless order, the same for the same prompt.

#[path = "../tests/common/gguf/file.rs"]
mod file;
#[path = "support/shapes.rs"]
mod shapes;
#[path = "support/vocabulary.rs"]
mod vocabulary;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use shapes::{Mix, SHAPES, Shape};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use vocabulary::Corpus;

/// The corpus when none is named.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/knowledge");

fn main() -> ExitCode {
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn make() -> Result<(), String> {
    let (mut shape, mut out, mut mix, mut corpus) = (None, None, None, PathBuf::from(CORPUS));
    // cargo itself passes `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--shape" => shape = Some(Shape::named(&value).ok_or_else(|| format!("no shape is called {value}"))?),
            "--out" => out = Some(PathBuf::from(value)),
            "--type" => mix = Some(Mix::named(&value).ok_or_else(|| format!("no type is called {value}"))?),
            "--corpus" => corpus = PathBuf::from(value),
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    let (Some(shape), Some(out)) = (shape, out) else {
        // Part of `make bench`, which names nothing to make.
        let names: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        println!("make_model: nothing to make; --shape {} --out FILE makes a model", names.join("|"));
        return Ok(());
    };
    let corpus = Corpus::read(&corpus)?;
    let begun = Instant::now();
    let made = shapes::write(shape, mix.unwrap_or(shape.mix), &corpus, &out).map_err(|e| format!("{e}"))?;
    println!("{}: {} parameters, {} bytes in {:.1?}", out.display(), made.parameters, made.bytes, begun.elapsed());
    for (kind, count, bytes) in &made.types {
        println!("  {kind:<5} {count:>4} tensors {bytes:>12} bytes");
    }
    println!("  {:.2} characters a token on the corpus", characters_per_token(&out, &corpus.text)?);
    Ok(())
}

/// What llama.cpp's own tokenizer makes of a text with the vocabulary in the file.
fn characters_per_token(model: &Path, text: &str) -> Result<f64, String> {
    let mut backend = LlamaBackend::init().map_err(|e| e.to_string())?;
    backend.void_logs();
    let parameters = LlamaModelParams::default().with_vocab_only(true);
    let model = LlamaModel::load_from_file(&backend, model, &parameters).map_err(|e| e.to_string())?;
    let tokens = model.vocab().tokenize(text.as_bytes(), false, false);
    Ok(text.chars().count() as f64 / tokens.len() as f64)
}
