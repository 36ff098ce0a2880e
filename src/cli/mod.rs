//! The command line: arguments in, engine requests out, answers printed for people or as JSON.

pub mod args;
pub mod eval;
pub mod kb;
mod output;
