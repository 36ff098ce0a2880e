//! The beacon: which pack is the latest, said anew from time to time, so that an old stick is recognised as old.

use super::sign;
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::manifest::{BEACON_FMT, Beacon, MAX_MANIFEST_BYTES, Manifest};
use crate::pack::receipt::to_bytes;
use crate::pack::source::{Stick, names};
use crate::pack::{json, manifest::MAX_SIGNATURES_BYTES};

/// Writes the beacon for the pack with this number and drops the signatures of the old one; returns it.
///
/// # Errors
/// `PACK_BUILD` when the pack has no signature yet: a beacon must not point to what no branch takes; those of the stick.
pub fn announce(stick: &Stick, seq: u64, issued_at: &str) -> Result<Beacon> {
    let path = names::manifest(seq);
    let bytes = stick.read(&path, MAX_MANIFEST_BYTES)?;
    let manifest: Manifest = json::parse(&bytes, "清单")?;
    let beside = names::signatures(&path);
    let signed = stick.has(&beside)? && !sign::read(&stick.read(&beside, MAX_SIGNATURES_BYTES)?)?.is_empty();
    if !signed {
        let message = format!("第 {seq} 号知识包还没有签名,不能作为最新包公布");
        return Err(Error::new(Code::PackBuild, message, "先用 guida pack sign 签好知识包"));
    }
    let beacon = Beacon {
        fmt: BEACON_FMT.into(),
        bank_id: manifest.bank_id,
        epoch: manifest.epoch,
        seq: manifest.seq,
        manifest_sha256: hex::sha256(&bytes),
        issued_at: issued_at.into(),
    };
    // In between, the stick has a beacon with too few signatures, never a wrong one.
    stick.leave(&names::signatures(names::BEACON), &sign::none()?)?;
    stick.leave(names::BEACON, &to_bytes(&beacon)?)?;
    Ok(beacon)
}
