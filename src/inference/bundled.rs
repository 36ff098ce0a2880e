//! The encoder that is part of the program.

/// `guida-embed-zh`: a small Chinese encoder made by this project, as a GGUF file. Its SHA-256 is its identity: knowledge
/// says by it which encoder made its vectors.
pub(super) const ENCODER: &[u8] = include_bytes!("../../assets/models/guida-embed-zh.gguf");

/// What it is called where its header names no other name.
pub(super) const ENCODER_NAME: &str = "guida-embed-zh";
