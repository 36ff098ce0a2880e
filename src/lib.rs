//! Guida.

pub mod answer;
pub mod engine;
pub mod error;
pub mod inference;
pub mod ingest;
pub mod text;
pub mod types;
