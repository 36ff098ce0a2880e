//! Guida.

pub mod answer;
pub mod engine;
pub mod error;
pub mod guard;
pub mod inference;
pub mod prompt;
pub mod store;
pub mod text;
pub mod types;
