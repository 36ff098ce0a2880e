//! Knowledge packs on a USB stick: what stands on one, who may sign it, and how its bytes come over.
//!
//! The layout (lower-case ASCII; everything else on the stick is ignored):
//!
//! ```text
//! kbpack/root/0001.json(.sig) …      the whole chain of trust roots
//! kbpack/beacon.json(.sig)           the latest epoch and number, and when that was said
//! kbpack/packs/<seq>/manifest.json(.sig)
//! kbpack/blob/ab/<sha256>.000 …      zstd parts, named by the SHA-256 of all parts of a source together
//! kbpack/out/<branch>/receipt.json(.sig)   what a branch says of itself
//! ```
//!
//! A pack's journey: `source` reads metadata from the stick within limits; `json` turns it into [`manifest`]'s plain data;
//! `verify` holds it against the `trust` root and makes a `VerifiedManifest` of it, without which nothing of the pack is
//! used; `delta` turns its parts into files. `publish` is the other end: head office builds and signs there, with `seal`ed keys.
//!
//! The rules are those of The Update Framework (roles, thresholds, rotation, no way back); verifying is pure and knows no clock.

pub mod delta;
pub mod hash;
pub mod hex;
pub mod json;
pub mod keys;
pub mod limits;
pub mod manifest;
pub mod publish;
pub mod receipt;
pub mod seal;
pub mod signature;
pub mod source;
pub mod trust;
pub mod vault;
pub mod verify;
