//! The sticks that are plugged in and what lies on them. Nothing here is verified: that is the import's business.

use crate::error::ErrorBody;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was looked for and found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SticksReply {
    /// Sticks, those with packs first.
    pub sticks: Vec<Stick>,
    /// The folders that were looked into.
    pub searched: Vec<String>,
}

/// A mounted stick, or a folder that stands for one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stick {
    /// Where it is mounted; the source of an import.
    pub path: String,
    /// Name of its file system or folder, for people.
    pub label: String,
    /// The packs on it by what they say of themselves, latest first; not verified.
    pub packs: Vec<StickPack>,
    /// It cannot be written: receipts wait for another one.
    pub read_only: bool,
    /// Why it cannot be read.
    pub problem: Option<ErrorBody>,
}

/// A pack, by what it says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StickPack {
    /// Name of the pack.
    pub name: String,
    /// When it says head office made it.
    pub issued_at: Option<Timestamp>,
    /// Bytes of its parts on the stick.
    pub bytes: u64,
    /// It is what is in use here, by its name.
    pub in_use: bool,
}
