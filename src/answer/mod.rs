//! From a guarded question to the evidence card and, below it, prose.

pub mod outcome;
pub mod prose;
