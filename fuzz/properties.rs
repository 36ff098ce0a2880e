//! What must hold for any bytes at all: every refusal has a code of packs, and what passes keeps the promises that the rest of the
//! program relies on. Shared by the fuzz targets and `tests/pack_corpus.rs`.

#![allow(dead_code)]

use crate::bank;
use guida::error::{Error, Result};
use guida::pack::delta;
use guida::pack::hash::RawHasher;
use guida::pack::hex;
use guida::pack::keys::{PublicKey, SignedRole, SoftwareVerifier, Verifier};
use guida::pack::limits::window_log_max;
use guida::pack::manifest::{Manifest, PackSource, Parts, Piece, Raw, Root, Signature, Signatures};
use guida::pack::signature::{MAX_SIGNATURES, parse_signatures};
use guida::pack::trust::TrustedRoot;
use guida::pack::verify::{Checked, check_manifest};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::LazyLock;
use tempfile::NamedTempFile;

/// Texts of which every how many-th length is held against real signatures.
const SELDOM: usize = 16;

/// Believes everything, so that what lies behind the signatures is reached.
struct Credulous;

impl Verifier for Credulous {
    fn verify(&self, _: &PublicKey, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

static TRUSTED: LazyLock<TrustedRoot> = LazyLock::new(bank::plain_trust);
static SIGNED: LazyLock<bank::Signed> = LazyLock::new(|| bank::pack(&bank::manifest(1, 1)));

/// Signatures that only [`Credulous`] believes.
fn signatures_of<'a>(keyids: impl Iterator<Item = &'a String>) -> Vec<u8> {
    let sig = "00".repeat(64);
    let signatures = keyids.take(MAX_SIGNATURES).map(|id| Signature { keyid: id.clone(), sig: sig.clone() }).collect();
    serde_json::to_vec(&Signatures { signatures }).unwrap()
}

/// A refusal is one of packs, in words.
fn refused_well(error: &Error) {
    assert!(error.code().as_str().starts_with("PACK_"), "{error}");
    assert!(!error.message().is_empty() && !error.hint().is_empty(), "{error}");
    // What a stick says of itself does not flood the screen or move its cursor.
    assert!(error.message().len() < 2000 && !error.message().chars().any(char::is_control), "{error}");
}

/// Any bytes as a manifest.
pub fn manifest(bytes: &[u8]) {
    let branch = bank::Branch::that_saw(1, 1, &bank::digest(0));
    let receiver = branch.receiver();
    let publishers = TRUSTED.root().roles["publish"].keyids.clone();
    let believed = check_manifest(&TRUSTED, bytes, &signatures_of(publishers.iter()), &receiver, &Credulous);
    match believed {
        Err(error) => refused_well(&error),
        Ok(Checked::Already(_)) => panic!("nobody finds a digest"),
        Ok(Checked::New(verified)) => {
            assert!(verified.serial() > receiver.max_seen.as_ref().unwrap().serial);
            assert_eq!(verified.serial().epoch, TRUSTED.root().epoch);
            assert!(verified.gid().bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-'));
            sound(verified.manifest());
            // Reading again what was read gives the same.
            let again = serde_json::to_vec(verified.manifest()).unwrap();
            let again = check_manifest(&TRUSTED, &again, &signatures_of(publishers.iter()), &receiver, &Credulous);
            let Ok(Checked::New(again)) = again else { panic!("{again:?}") };
            assert_eq!(again.manifest(), verified.manifest());
        }
    }
    // With real signatures only the bytes that were signed pass. That costs most of the time, so it is asked of few.
    if bytes != SIGNED.bytes && !bytes.len().is_multiple_of(SELDOM) {
        return;
    }
    let truly =
        check_manifest(&TRUSTED, bytes, &SIGNED.signatures, &bank::Branch::default().receiver(), &SoftwareVerifier);
    assert_eq!(truly.is_ok(), bytes == SIGNED.bytes);
    assert!(truly.is_ok() || bank::code(truly.as_ref()) == "PACK_SIG" || bytes.len() > 4 << 20);
}

/// What the import builds on without looking again.
fn sound(manifest: &Manifest) {
    let mut names = BTreeSet::new();
    for file in &manifest.files {
        assert!(file.role == "knowledge" || file.role.starts_with("model/"));
        assert!(!file.role.contains("..") || !file.role.contains("/.."), "{}", file.role);
        assert!(file.role.bytes().filter(|b| *b == b'/').count() <= 1 && !file.role.contains(['\\', '\0']));
        assert!(names.insert(file.role.to_lowercase()), "{} stands twice", file.role);
        for source in &file.sources {
            let (PackSource::Full { window_log, parts } | PackSource::Zpatch { window_log, parts, .. }) = source;
            assert!(*window_log <= 31);
            assert_eq!(parts.pieces.iter().map(|piece| piece.size).sum::<u64>(), parts.size);
            assert!(parts.pieces.iter().chain([&whole(parts)]).all(|piece| hex::is_digest(&piece.sha256)));
        }
    }
    assert!(names.contains("knowledge"));
}

fn whole(parts: &Parts) -> Piece {
    Piece { size: parts.size, sha256: parts.sha256.clone() }
}

/// Any bytes as a trust root: the first one, and the one after a trusted one.
pub fn root(bytes: &[u8]) {
    let named: Vec<String> = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|root| Some(root.get("keys")?.as_object()?.keys().take(MAX_SIGNATURES - 5).cloned().collect()))
        .unwrap_or_default();
    judged(TrustedRoot::first(bytes, &signatures_of(named.iter()), &Credulous), 0);
    let both = signatures_of(TRUSTED.root().roles["root"].keyids.iter().chain(&named));
    judged(TRUSTED.next(bytes, &both, &Credulous), TRUSTED.root().version);
    // Nobody gets in without signatures, or with those of another file.
    if !bytes.len().is_multiple_of(SELDOM) {
        return;
    }
    for signatures in [&b"{\"signatures\":[]}"[..], TRUSTED.signatures()] {
        let found = TRUSTED.next(bytes, signatures, &SoftwareVerifier);
        assert!(found.is_err());
        found.as_ref().err().into_iter().for_each(refused_well);
    }
}

fn judged(found: Result<TrustedRoot>, before: u64) {
    let trusted = match found {
        Err(error) => return refused_well(&error),
        Ok(trusted) => trusted,
    };
    let root: &Root = trusted.root();
    assert!(root.version >= 1 && (before == 0 || root.version == before + 1) && root.epoch >= 1);
    for role in ["root", "publish", "beacon"] {
        let policy = &root.roles[role];
        let least: u32 = policy.require.values().sum();
        assert!(least >= 1 && policy.keyids.len() as u32 >= least);
        assert!(policy.keyids.iter().all(|id| root.keys.contains_key(id) && !root.revoked.contains(id)));
    }
    // No key stands under two ids.
    let keys: BTreeSet<(&str, &str)> = root.keys.values().map(|key| (key.alg.as_str(), key.public.as_str())).collect();
    assert_eq!(keys.len(), root.keys.len());
    // Believed by the credulous alone: no real signature was in it.
    assert!(TrustedRoot::first(trusted.bytes(), trusted.signatures(), &SoftwareVerifier).is_err());
}

/// Any bytes as the signatures of a manifest.
pub fn signatures(bytes: &[u8]) {
    let receiver = bank::Branch::default();
    let found = check_manifest(&TRUSTED, &SIGNED.bytes, bytes, &receiver.receiver(), &SoftwareVerifier);
    match found {
        Err(error) => refused_well(&error),
        Ok(_) => {
            // Only then: two people have really signed.
            let given = parse_signatures(bytes, "清单").unwrap();
            let real =
                bank::publishers().iter().map(|key| key.sign(SignedRole::Publish, &SIGNED.bytes).unwrap()).collect();
            let real = Signatures { signatures: real };
            let count = real.signatures.iter().filter(|entry| given.signatures.contains(entry)).count();
            assert!(count >= 2, "{count} signatures were enough");
        }
    }
}

/// What every stream of [`zstd_part`] should give: text that repeats, and text that does not.
pub fn content() -> Vec<u8> {
    let mut content = "第五条 客户申请挂失的,应当出示有效身份证件。\n".repeat(40).into_bytes();
    content.extend((0_u64..64).flat_map(|n| bank::digest(n).into_bytes()));
    content
}

/// The older file that a patch refers to.
pub fn older() -> Vec<u8> {
    let mut older = content();
    older.drain(700..900);
    older.extend(b"older");
    older
}

fn hashed(bytes: &[u8]) -> Raw {
    let mut hasher = RawHasher::new();
    hasher.update(bytes);
    hasher.finish()
}

static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(content);
static RAW: LazyLock<Raw> = LazyLock::new(|| hashed(&CONTENT));
static OLDER: LazyLock<(NamedTempFile, Raw)> = LazyLock::new(|| {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&older()).unwrap();
    (file, hashed(&older()))
});

/// Any bytes as a zstd stream: the first says whether it is a patch (bit 0) and how much smaller the window is than it may be.
pub fn zstd_part(bytes: &[u8]) {
    let Some((&how, stream)) = bytes.split_first() else { return };
    let parts = Parts { sha256: bank::digest(0), size: stream.len() as u64, pieces: Vec::new() };
    let (older, base) = &*OLDER;
    let base_size = if how & 1 == 1 { base.size } else { 0 };
    let window_log = window_log_max(RAW.size, base_size).saturating_sub(u32::from(how >> 1));
    let source = if how & 1 == 1 {
        PackSource::Zpatch { base_sha256: base.sha256.clone(), base_size, window_log, parts }
    } else {
        PackSource::Full { window_log, parts }
    };
    let (mut out, mut told) = (Vec::new(), 0);
    let mut reader = stream;
    let mut progress = |done| {
        assert!(done > told && done <= RAW.size, "{done} after {told}");
        told = done;
    };
    let found = delta::decode(&source, Some(older.path()), &RAW, &mut reader, &mut out, &mut progress);
    assert!(out.len() as u64 <= RAW.size);
    assert_eq!(out.len() as u64, told);
    match found {
        Ok(()) => assert!(out == *CONTENT),
        Err(error) => refused_well(&error),
    }
}
