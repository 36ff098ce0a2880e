//! Guida.

pub mod answer;
pub mod app;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod error;
pub mod eval;
pub mod guard;
pub mod http;
pub mod inference;
pub mod ingest;
pub mod prompt;
pub mod retrieval;
pub mod store;
pub mod text;
pub mod types;
