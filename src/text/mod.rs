//! Chinese text: documents as blocks, their legal structure, normalisation and tokens.

pub mod document;
