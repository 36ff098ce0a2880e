//! The modules of Guida that read bytes from a stick, compiled without the rest of it.

#[path = "../../src/disk/mod.rs"]
pub mod disk;
#[path = "../../src/error.rs"]
pub mod error;
pub mod pack;
#[path = "../../src/types.rs"]
pub mod types;
