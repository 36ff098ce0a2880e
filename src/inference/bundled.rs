//! The encoder that is part of the program.

use super::ModelId;
use super::models::{identify_bytes, read_info_of};
use crate::error::Result;

/// `guida-embed-zh`: a small Chinese encoder made by this project, as a GGUF file. Its SHA-256 is its identity: knowledge
/// says by it which encoder made its vectors.
pub(super) const ENCODER: &[u8] = include_bytes!("../../assets/models/guida-embed-zh.gguf");

/// What it is called where its header names no other name.
pub(super) const ENCODER_NAME: &str = "guida-embed-zh";

/// Name and SHA-256 of the bundled encoder, without loading it.
///
/// # Errors
/// `MODEL_LOAD` when its header does not read, which a whole program never says.
pub fn bundled_encoder() -> Result<ModelId> {
    Ok(identify_bytes(ENCODER, &read_info_of(ENCODER, ENCODER_NAME)?))
}
