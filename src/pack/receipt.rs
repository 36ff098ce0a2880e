//! What a branch says of itself, signed by its device key, so that head office sees which branch runs what.

use super::keys::{SecretKey, SignedRole};
use super::manifest::Signatures;
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};

/// `fmt` of a receipt.
pub const RECEIPT_FMT: &str = "guida-receipt/1";

/// What a branch runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_FMT`].
    pub fmt: String,
    /// The bank.
    pub bank_id: String,
    /// The branch.
    pub branch: String,
    /// Its device key, hex.
    pub device: String,
    /// Name of the generation in use.
    pub gid: String,
    /// Identity of its knowledge.
    pub generation: String,
    /// Epoch of its pack.
    pub epoch: u64,
    /// Number of its pack.
    pub seq: u64,
    /// Version of the trust root.
    pub root_version: u64,
    /// The box's clock, RFC 3339 in UTC.
    pub clock: String,
    /// The clock minus the latest signed time, in seconds; below zero the clock is wrong.
    pub clock_offset_s: i64,
    /// Room left on the disk in bytes.
    pub free_bytes: u64,
    /// Version of the program.
    pub app_version: String,
}

impl Receipt {
    /// The bytes of the receipt and of its signature file.
    ///
    /// # Errors
    /// `KEY_FILE` when the key cannot sign.
    pub fn signed(&self, key: &SecretKey) -> Result<(Vec<u8>, Vec<u8>)> {
        let unwritable = |e: serde_json::Error| {
            Error::new(Code::Internal, "回执无法写成 JSON", "请把本条信息报给软件维护方").because(e)
        };
        let bytes = serde_json::to_vec_pretty(self).map_err(unwritable)?;
        let signatures = Signatures { signatures: vec![key.sign(SignedRole::Receipt, &bytes)?] };
        Ok((bytes, serde_json::to_vec_pretty(&signatures).map_err(unwritable)?))
    }
}
