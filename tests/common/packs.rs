//! A bank with keys, its packs on sticks, and branches that import them; real files throughout.
//!
//! - `bank`: [`Bank`] holds the keys and the chain of trust roots, and signs whatever it is given, wrong things as well.
//! - `pack`: [`Pack`] is a right pack that a test changes before it is signed and written.
//! - `usb`: [`Usb`] is the folder of a stick, with the faults of the matrix by name.
//! - `branch`: [`Branch`] is a data folder that imports, and is looked at afterwards.
//!
//! Packs are put together here, not by the program's own office, so that the format is written down twice.
#![allow(dead_code, unused_imports)] // Every test file uses a part.

#[path = "packs/bank.rs"]
mod bank;
#[path = "packs/branch.rs"]
mod branch;
#[path = "packs/pack.rs"]
mod pack;
#[path = "packs/usb.rs"]
mod usb;

use guida::disk::{Disk, RealDisk};
use std::path::Path;
use tempfile::TempDir;

pub use bank::{Bank, sign};
pub use branch::{BRANCH, Branch, Happens, Imported, OnceCopied, Seen};
pub use pack::{Pack, compressed, golden, hex, knowledge, raw};
pub use usb::Usb;

/// A folder in memory where there is one: an import syncs some fifty times.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    // In a container it may hold a few megabytes only.
    let roomy = RealDisk.free_bytes(memory).is_ok_and(|free| free >= 512 << 20);
    if roomy { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// When everything of these tests was made, unless they say otherwise.
pub const ISSUED: &str = "2026-11-01T08:00:00Z";
