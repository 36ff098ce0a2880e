//! The chain of trust roots: the first is trusted by a person who compares its fingerprint, each later one by the one before it.

use crate::error::{Code, Error, Result};
use crate::pack::keys::{SignedRole, Verifier};
use crate::pack::manifest::{MAX_ROOT_BYTES, ROOT_FMT, Root};
use crate::pack::signature::{KeyRing, Tally};
use crate::pack::{hex, json, limits};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A trust root that was verified. Only [`TrustedRoot::first`] and [`TrustedRoot::next`] make one.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    root: Root,
    ring: KeyRing,
    /// What this root and those before it, as far as they were walked, have revoked.
    revoked: BTreeSet<String>,
    bytes: Vec<u8>,
    signatures: Vec<u8>,
    /// Whose signatures it bears, by its own rules.
    tally: Tally,
}

/// What every version of the format says.
#[derive(Deserialize)]
struct Head {
    fmt: String,
}

impl TrustedRoot {
    /// Takes the root that a box begins with: signed as it asks for itself. That alone proves nothing; a person must compare
    /// [`TrustedRoot::fingerprint`] with what head office says.
    ///
    /// # Errors
    /// `PACK_LIMIT`, `PACK_PARSE`, `PACK_UNSUPPORTED`, `PACK_SIG`, `PACK_THRESHOLD`.
    pub fn first(bytes: &[u8], signatures: &[u8], verifier: &dyn Verifier) -> Result<TrustedRoot> {
        let (root, ring) = read(bytes)?;
        let tally = ring.judge(SignedRole::Root, "信任根", bytes, signatures, verifier)?;
        let revoked = root.revoked.iter().cloned().collect();
        Ok(TrustedRoot { root, ring, revoked, bytes: bytes.to_vec(), signatures: signatures.to_vec(), tally })
    }

    /// Takes the root after this one.
    ///
    /// # Errors
    /// As for [`TrustedRoot::first`], `PACK_SIG` or `PACK_THRESHOLD` also when this root's keys did not sign; `PACK_ROOTGAP` when its
    /// number is not the next, `PACK_AUDIENCE` when it is another bank's, `PACK_ROLLBACK` when its epoch is lower.
    pub fn next(&self, bytes: &[u8], signatures: &[u8], verifier: &dyn Verifier) -> Result<TrustedRoot> {
        capped(bytes)?;
        // The bytes before what they say: nothing of a root is read that the trusted one does not vouch for.
        self.judge(SignedRole::Root, "信任根", bytes, signatures, verifier)?;
        let (root, ring) = read(bytes)?;
        if self.root.version.checked_add(1) != Some(root.version) {
            let message =
                format!("信任根的轮换不连续:本机是第 {} 版,U 盘上接着的是第 {} 版", self.root.version, root.version);
            return Err(Error::new(Code::PackRootGap, message, "请总行重新制作含全部信任根的 U 盘"));
        }
        if root.bank_id != self.root.bank_id {
            let (theirs, ours) = (limits::shown(&root.bank_id), limits::shown(&self.root.bank_id));
            let message = format!("信任根是 {theirs} 的,本机属于 {ours}");
            return Err(Error::new(Code::PackAudience, message, "核对 U 盘是否拿错"));
        }
        if root.epoch < self.root.epoch {
            let message = format!("新信任根的纪元 {} 低于本机的 {}", root.epoch, self.root.epoch);
            return Err(Error::new(Code::PackRollback, message, "上报总行核实"));
        }
        if ring.named().any(|id| self.revoked.contains(id)) {
            return Err(json::refused("新信任根重新使用了一个已吊销的密钥"));
        }
        let tally = ring.judge(SignedRole::Root, "信任根", bytes, signatures, verifier)?;
        let revoked = self.revoked.iter().chain(&root.revoked).cloned().collect();
        Ok(TrustedRoot { root, ring, revoked, bytes: bytes.to_vec(), signatures: signatures.to_vec(), tally })
    }

    /// What it says.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The exact bytes of its signature file.
    pub fn signatures(&self) -> &[u8] {
        &self.signatures
    }

    /// The SHA-256 of its bytes, in hex: what people compare.
    pub fn fingerprint(&self) -> String {
        hex::sha256(&self.bytes)
    }

    /// Whose signatures it bears.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The people behind these signatures, as the root names them; nobody for a key without a name.
    pub fn holders(&self, tally: &Tally) -> Vec<&str> {
        let holder = |id: &String| self.root.keys.get(id).map(|key| key.holder.as_str());
        tally.signers.iter().filter_map(holder).filter(|holder| !holder.is_empty()).collect()
    }

    /// Returns who made the role when `signatures` over `bytes` do so by this root.
    pub(super) fn judge(
        &self,
        role: SignedRole,
        what: &str,
        bytes: &[u8],
        signatures: &[u8],
        verifier: &dyn Verifier,
    ) -> Result<Tally> {
        self.ring.judge(role, what, bytes, signatures, verifier)
    }
}

fn capped(bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 > MAX_ROOT_BYTES {
        return Err(json::too_long("信任根", MAX_ROOT_BYTES));
    }
    Ok(())
}

/// Reads a root and finds it without contradiction; nobody has signed it yet.
fn read(bytes: &[u8]) -> Result<(Root, KeyRing)> {
    capped(bytes)?;
    let head: Head = json::parse(bytes, "信任根")?;
    if head.fmt != ROOT_FMT {
        let message = format!("信任根的格式 {} 不是本版本认识的", limits::shown(&head.fmt));
        return Err(Error::new(Code::PackUnsupported, message, "先升级程序"));
    }
    let root: Root = json::parse(bytes, "信任根")?;
    if root.version == 0 || root.epoch == 0 {
        return Err(json::refused("信任根的版本和纪元从 1 起"));
    }
    limits::name(&root.bank_id, "信任根的 bank_id")?;
    limits::instant(&root.issued_at, "信任根的 issued_at")?;
    let ring = KeyRing::of(&root)?;
    Ok((root, ring))
}
