//! What the signed files say, as plain data. Nothing here is trusted: [`super::verify`] decides that.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use crate::types::Serial;

/// `fmt` of a manifest.
pub const MANIFEST_FMT: &str = "guida-pack/1";
/// `fmt` of a trust root.
pub const ROOT_FMT: &str = "guida-root/1";
/// `fmt` of a beacon.
pub const BEACON_FMT: &str = "guida-beacon/1";
/// Largest trust root, in bytes.
pub const MAX_ROOT_BYTES: u64 = 64 << 10;
/// Largest manifest, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// Largest beacon, in bytes.
pub const MAX_BEACON_BYTES: u64 = 64 << 10;
/// Largest signature file, in bytes.
pub const MAX_SIGNATURES_BYTES: u64 = 64 << 10;
/// The role of the one knowledge file of a pack.
pub const KNOWLEDGE_ROLE: &str = "knowledge";
/// Before the file name of a model: `model/qwen2-1.5b.gguf`.
pub const MODEL_ROLE: &str = "model/";

/// What a pack brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_FMT`].
    pub fmt: String,
    /// The bank, as in the trust root.
    pub bank_id: String,
    /// Branches that may import it: `*`, a branch, or the beginning of branches with `*` behind it (`11*`).
    pub audience: Vec<String>,
    /// `stable`, `pilot`, …: only boxes on this channel import it.
    pub channel: String,
    /// Epoch, see [`Serial`].
    pub epoch: u64,
    /// Number, see [`Serial`].
    pub seq: u64,
    /// Knowledge before this number must not answer any more: no box goes back behind it.
    pub min_seq: u64,
    /// Oldest trust root by which it may be verified.
    pub root_ver_min: u64,
    /// When it was made, RFC 3339 in UTC.
    pub issued_at: String,
    /// From then on boxes say that their knowledge is old; they go on answering.
    pub stale_after: Option<String>,
    /// Oldest program that can use it, `0.1.0`.
    pub app_min: String,
    /// Newest program that can use it.
    pub app_max: Option<String>,
    /// `PRAGMA user_version` of the knowledge file.
    pub schema_version: i64,
    /// SHA-256 over the tables, see `store::schema_sha256`.
    pub schema_sha256: String,
    /// The files.
    pub files: Vec<PackFile>,
    /// The encoders that the knowledge needs.
    #[serde(default)]
    pub models: Vec<PackModel>,
    /// Questions that the knowledge must answer before it is put to use.
    #[serde(default)]
    pub golden: Vec<Golden>,
    /// Sums for people.
    pub totals: Totals,
    /// What is new, in words for people.
    #[serde(default)]
    pub changelog: Vec<String>,
}

/// One file of a pack and the ways to get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackFile {
    /// [`KNOWLEDGE_ROLE`], or [`MODEL_ROLE`] with a name.
    pub role: String,
    /// What comes out, whatever the way.
    pub raw: Raw,
    /// The ways.
    pub sources: Vec<PackSource>,
}

/// The bytes that a file must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
    /// SM3, hex.
    pub sm3: String,
}

/// A way to get a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PackSource {
    /// One zstd stream.
    Full {
        /// Base-2 logarithm of the window.
        window_log: u32,
        /// The compressed bytes.
        parts: Parts,
    },
    /// One zstd stream that refers to an older file.
    Zpatch {
        /// SHA-256 of that file, hex.
        base_sha256: String,
        /// Length of that file in bytes.
        base_size: u64,
        /// Base-2 logarithm of the window.
        window_log: u32,
        /// The compressed bytes.
        parts: Parts,
    },
}

/// Compressed bytes in one or more files `blob/ab/<sha256>.000`, `.001`, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// SHA-256 of all parts one after the other, hex; their name.
    pub sha256: String,
    /// Length of all parts together in bytes.
    pub size: u64,
    /// Each part.
    pub pieces: Vec<Piece>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Length in bytes, at most 1 GiB.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// An encoder that the knowledge needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackModel {
    /// Name.
    pub id: String,
    /// Length of its vectors.
    pub dim: u64,
    /// SHA-256 of its file, hex.
    pub sha256: String,
}

/// A question with the clause that must answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Golden {
    /// The question.
    pub question: String,
    /// Title of the document.
    pub document: String,
    /// Address of the clause, `第五条`.
    pub clause: String,
    /// The clause must be among the first so many; 1 when absent.
    #[serde(default)]
    pub within: Option<u32>,
}

/// Sums for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Titles.
    pub documents: u64,
    /// Clauses.
    pub clauses: u64,
    /// Curated questions.
    pub curated: u64,
}

/// Who may sign what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// [`ROOT_FMT`].
    pub fmt: String,
    /// The bank.
    pub bank_id: String,
    /// From 1, without gap.
    pub version: u64,
    /// Least epoch of packs that may still be imported.
    pub epoch: u64,
    /// When it was made, RFC 3339 in UTC.
    pub issued_at: String,
    /// Keys by their id.
    pub keys: BTreeMap<String, RootKey>,
    /// What the keys may do: `root`, `publish`, `beacon`.
    pub roles: BTreeMap<String, RolePolicy>,
    /// Keys that must never be believed again, by their id.
    #[serde(default)]
    pub revoked: Vec<String>,
    /// To whom feedback is encrypted (age recipients).
    #[serde(default)]
    pub recipients: Vec<String>,
}

/// A public key. Its id is the SHA-256 (hex) of `alg`, a colon and the raw public bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootKey {
    /// `ed25519` or `sm2`.
    pub alg: String,
    /// Hex: 32 bytes for Ed25519; 65 bytes (uncompressed point) for SM2.
    pub public: String,
    /// Who holds it, for people.
    #[serde(default)]
    pub holder: String,
}

/// Whose signatures make a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolePolicy {
    /// Ids of the keys.
    pub keyids: Vec<String>,
    /// Least number of different keys by algorithm; all must be met: `{"ed25519": 2, "sm2": 1}`.
    pub require: BTreeMap<String, u32>,
}

/// The latest pack, said anew from time to time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beacon {
    /// [`BEACON_FMT`].
    pub fmt: String,
    /// The bank.
    pub bank_id: String,
    /// Epoch of the latest pack.
    pub epoch: u64,
    /// Number of the latest pack.
    pub seq: u64,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
    /// When this was said, RFC 3339 in UTC.
    pub issued_at: String,
}

/// Detached signatures over the exact bytes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatures {
    /// The signatures.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Id of the key.
    pub keyid: String,
    /// Hex: 64 bytes for Ed25519; for SM2 `r` and `s`, 32 bytes each.
    pub sig: String,
}

impl PackSource {
    /// The compressed bytes.
    pub fn parts(&self) -> &Parts {
        match self {
            PackSource::Full { parts, .. } | PackSource::Zpatch { parts, .. } => parts,
        }
    }

    /// Hash and length of the older file that it refers to.
    pub fn base(&self) -> Option<(&str, u64)> {
        match self {
            PackSource::Full { .. } => None,
            PackSource::Zpatch { base_sha256, base_size, .. } => Some((base_sha256, *base_size)),
        }
    }
}
