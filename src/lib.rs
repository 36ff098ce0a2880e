//! Guida.

pub mod answer;
pub mod engine;
pub mod error;
pub mod http;
pub mod inference;
pub mod text;
pub mod types;
