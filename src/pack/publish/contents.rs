//! What lies on a stick, for people: nothing here is a proof, [`super::rehearse`] is.

use super::roots::chain;
use super::sign::{self, Policy, Standing, standing};
use crate::error::{Code, Error, Result};
use crate::pack::keys::{Alg, PublicKey, SignedRole};
use crate::pack::manifest::{
    Beacon, MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES, Manifest, PackSource, Root,
    Serial, Totals,
};
use crate::pack::receipt::{self, MAX_RECEIPT_BYTES, Receipt};
use crate::pack::source::{Stick, names};
use crate::pack::trust::TrustedRoot;
use crate::pack::{hex, json, verify};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything on a stick.
#[derive(Debug, Serialize)]
pub struct Contents {
    /// The trust roots, oldest first.
    pub roots: Vec<RootSummary>,
    /// The packs, oldest first.
    pub packs: Vec<PackSummary>,
    /// The beacon.
    pub beacon: Option<BeaconSummary>,
    /// What branches left, by branch.
    pub receipts: Vec<ReceiptSummary>,
}

/// A trust root.
#[derive(Debug, Serialize)]
pub struct RootSummary {
    /// SHA-256 of its bytes: what people compare.
    pub fingerprint: String,
    /// What it says.
    #[serde(flatten)]
    pub root: Root,
    /// Who has signed it.
    pub signatures: Standing,
}

/// A pack.
#[derive(Debug, Serialize)]
pub struct PackSummary {
    /// Its place in the order.
    #[serde(flatten)]
    pub serial: Serial,
    /// The short code for people.
    pub spoken: String,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// The bank.
    pub bank_id: String,
    /// Who may import it.
    pub audience: Vec<String>,
    /// Its channel.
    pub channel: String,
    /// When it was made.
    pub issued_at: String,
    /// When it grows old.
    pub stale_after: Option<String>,
    /// Oldest program that can use it.
    pub app_min: String,
    /// Version of its tables.
    pub schema_version: i64,
    /// Its files.
    pub files: Vec<FileSummary>,
    /// Number of golden questions.
    pub golden: usize,
    /// Sums.
    pub totals: Totals,
    /// What is new.
    pub changelog: Vec<String>,
    /// Who has signed it.
    pub signatures: Standing,
}

/// A file of a pack.
#[derive(Debug, Serialize)]
pub struct FileSummary {
    /// Its role.
    pub role: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// The ways to get it.
    pub sources: Vec<SourceSummary>,
}

/// A way to get a file.
#[derive(Debug, Serialize)]
pub struct SourceSummary {
    /// `full` or `zpatch`.
    pub kind: &'static str,
    /// The file that a patch refers to.
    pub base_sha256: Option<String>,
    /// Compressed bytes.
    pub size: u64,
    /// Number of parts.
    pub parts: usize,
    /// Whether every part is there with its length; their content is not looked at.
    pub present: bool,
}

/// The beacon.
#[derive(Debug, Serialize)]
pub struct BeaconSummary {
    /// What it says.
    #[serde(flatten)]
    pub beacon: Beacon,
    /// Who has signed it.
    pub signatures: Standing,
}

/// What a branch left.
#[derive(Debug, Serialize)]
pub struct ReceiptSummary {
    /// The folder that it lies in.
    pub branch: String,
    /// Whether a known box signed it: `verified`, `unknown` (nobody told us the box's key), `refused` or `unreadable`.
    pub state: &'static str,
    /// What it says; to be believed only when it is verified.
    pub receipt: Option<Receipt>,
    /// The short code of the pack that it names, when that pack lies on this stick.
    pub spoken: Option<String>,
    /// Why it is refused or unreadable.
    pub fault: Option<String>,
}

/// Reads what is on a stick. `devices` are the public keys (hex) of boxes by branch.
///
/// # Errors
/// Those of reading the stick, and `PACK_PARSE` and the like for files that head office itself wrote.
pub fn contents(stick: &Stick, devices: &BTreeMap<String, String>) -> Result<Contents> {
    let mut plain = Vec::new();
    let mut roots: Vec<RootSummary> = Vec::new();
    for version in stick.root_versions()? {
        let path = names::root(version);
        let bytes = stick.read(&path, MAX_ROOT_BYTES)?;
        let root: Root = json::parse(&bytes, "信任根")?;
        let signatures = collected(stick, &path)?;
        let policies = root_policies(&root, plain.last());
        let standing = standing(SignedRole::Root, &bytes, &signatures, &policies);
        plain.push(root.clone());
        roots.push(RootSummary { fingerprint: hex::sha256(&bytes), root, signatures: standing });
    }
    // Without a sound chain everything counts as unsigned.
    let trusted = chain(stick).ok().and_then(|chain| chain.trusted);
    let mut packs = Vec::new();
    for listed in listed(stick, trusted.as_ref())? {
        packs.push(summary(stick, listed)?);
    }
    let beacon = if stick.has(names::BEACON)? {
        let bytes = stick.read(names::BEACON, MAX_BEACON_BYTES)?;
        let signatures = collected(stick, names::BEACON)?;
        let by = |root: &TrustedRoot| Policy::of(root.root(), SignedRole::Beacon);
        let policies: Vec<Policy> = trusted.iter().filter_map(by).collect();
        let signatures = standing(SignedRole::Beacon, &bytes, &signatures, &policies);
        Some(BeaconSummary { beacon: json::parse(&bytes, "信标")?, signatures })
    } else {
        None
    };
    let mut receipts = Vec::new();
    for branch in stick.branches()? {
        receipts.extend(receipt(stick, branch, devices, &packs));
    }
    Ok(Contents { roots, packs, beacon, receipts })
}

/// A pack on a stick as its manifest tells it.
#[derive(Debug)]
pub struct Listed {
    /// The manifest; to be believed only when the signatures are complete.
    pub manifest: Manifest,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// Who has signed it, by the newest root.
    pub signatures: Standing,
    /// Its signatures were complete by some root of the chain: branches may have it, whoever has left since.
    pub issued: bool,
}

/// The packs on a stick by their numbers; their signatures are counted by the word of `root`.
///
/// # Errors
/// Those of reading the stick; `PACK_PARSE` and `PACK_LIMIT`.
pub fn listed(stick: &Stick, root: Option<&TrustedRoot>) -> Result<Vec<Listed>> {
    let role = SignedRole::Publish;
    let policies: Vec<Policy> = root.iter().filter_map(|root| Policy::of(root.root(), role)).collect();
    let mut earlier = Vec::new();
    for version in 1..root.map_or(1, |root| root.root().version) {
        let earlier_root: Root = json::parse(&stick.read(&names::root(version), MAX_ROOT_BYTES)?, "信任根")?;
        earlier.extend(Policy::of(&earlier_root, role));
    }
    let mut packs = Vec::new();
    for seq in stick.sequences()? {
        let path = names::manifest(seq);
        if !stick.has(&path)? {
            continue;
        }
        let bytes = stick.read(&path, MAX_MANIFEST_BYTES)?;
        let made = collected(stick, &path)?;
        let signatures = standing(role, &bytes, &made, &policies);
        let met = |policy: &Policy| standing(role, &bytes, &made, std::slice::from_ref(policy)).complete;
        let issued = signatures.complete || earlier.iter().any(met);
        let manifest = json::parse(&bytes, "清单")?;
        packs.push(Listed { manifest, manifest_sha256: hex::sha256(&bytes), signatures, issued });
    }
    Ok(packs)
}

/// Whose signatures a root needs: its own keys', and those of the root before it.
pub fn root_policies(root: &Root, before: Option<&Root>) -> Vec<Policy> {
    before.into_iter().chain([root]).filter_map(|root| Policy::of(root, SignedRole::Root)).collect()
}

fn collected(stick: &Stick, path: &str) -> Result<Vec<crate::pack::manifest::Signature>> {
    let beside = names::signatures(path);
    if stick.has(&beside)? { sign::read(&stick.read(&beside, MAX_SIGNATURES_BYTES)?) } else { Ok(Vec::new()) }
}

fn summary(stick: &Stick, pack: Listed) -> Result<PackSummary> {
    let Listed { manifest, manifest_sha256, signatures, .. } = pack;
    let serial = Serial { epoch: manifest.epoch, seq: manifest.seq };
    let mut files = Vec::new();
    for file in &manifest.files {
        let sources = file.sources.iter().map(|source| self::source(stick, source)).collect::<Result<Vec<_>>>()?;
        files.push(FileSummary {
            role: file.role.clone(),
            size: file.raw.size,
            sha256: file.raw.sha256.clone(),
            sources,
        });
    }
    Ok(PackSummary {
        spoken: verify::spoken_code(serial, &manifest_sha256),
        serial,
        manifest_sha256,
        bank_id: manifest.bank_id,
        audience: manifest.audience,
        channel: manifest.channel,
        issued_at: manifest.issued_at,
        stale_after: manifest.stale_after,
        app_min: manifest.app_min,
        schema_version: manifest.schema_version,
        files,
        golden: manifest.golden.len(),
        totals: manifest.totals,
        changelog: manifest.changelog,
        signatures,
    })
}

fn source(stick: &Stick, source: &PackSource) -> Result<SourceSummary> {
    let parts = source.parts();
    let mut present = true;
    for (index, piece) in parts.pieces.iter().enumerate() {
        match stick.part(&parts.sha256, index) {
            Ok(part) => present &= part.length() == piece.size,
            Err(e) if e.code() == Code::PackIncomplete => present = false,
            Err(e) => return Err(e),
        }
    }
    let (kind, base_sha256) = match source {
        PackSource::Full { .. } => ("full", None),
        PackSource::Zpatch { base_sha256, .. } => ("zpatch", Some(base_sha256.clone())),
    };
    Ok(SourceSummary { kind, base_sha256, size: parts.size, parts: parts.pieces.len(), present })
}

/// `None` when the branch left something else than a receipt.
fn receipt(
    stick: &Stick,
    branch: String,
    devices: &BTreeMap<String, String>,
    packs: &[PackSummary],
) -> Option<ReceiptSummary> {
    let path = names::receipt(&branch);
    if matches!(stick.has(&path), Ok(false)) {
        return None;
    }
    let read = stick.read(&path, MAX_RECEIPT_BYTES);
    let outcome = read.and_then(|bytes| judge(stick, &branch, &path, &bytes, devices));
    let (state, receipt, fault) = match outcome {
        Ok((state, receipt)) => (state, Some(receipt), None),
        Err(e) if e.code() == Code::PackSig => ("refused", None, Some(e.to_string())),
        Err(e) => ("unreadable", None, Some(e.to_string())),
    };
    let named = |pack: &&PackSummary, receipt: &Receipt| {
        let begins = receipt.gid.rsplit('-').next().is_some_and(|start| pack.manifest_sha256.starts_with(start));
        pack.serial == receipt.serial() && begins
    };
    let pack = receipt.as_ref().and_then(|receipt| packs.iter().find(|pack| named(pack, receipt)));
    let spoken = pack.map(|pack| pack.spoken.clone());
    Some(ReceiptSummary { branch, state, receipt, spoken, fault })
}

fn judge(
    stick: &Stick,
    branch: &str,
    path: &str,
    bytes: &[u8],
    devices: &BTreeMap<String, String>,
) -> Result<(&'static str, Receipt)> {
    let said = receipt::read(bytes)?;
    let refused = |why: String| Error::new(Code::PackSig, why, "与网点核对;不要采信这份回执");
    if said.branch != branch {
        return Err(refused(format!("{branch} 的文件夹里放着 {} 的回执", said.branch.escape_debug())));
    }
    let device = devices.get(branch).unwrap_or(&said.device);
    let raw = hex::decode(device).unwrap_or_default();
    let alg = if raw.len() == 32 { Alg::Ed25519 } else { Alg::Sm2 };
    let Some(key) = PublicKey::from_bytes(alg, &raw) else {
        return Err(refused(format!("{branch} 的设备公钥不对")));
    };
    let signatures = stick.read(&names::signatures(path), MAX_SIGNATURES_BYTES)?;
    let receipt = receipt::verify(bytes, &signatures, &key)?;
    Ok((if devices.contains_key(branch) { "verified" } else { "unknown" }, receipt))
}
