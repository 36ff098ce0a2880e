//! What a branch would do with a stick, done at head office before the stick leaves: the chain from the root that branches hold, the
//! beacon, the manifest, every part, and every source decoded.

use super::parts;
use super::{decode, unpack};
use crate::error::{Code, Error, Result};
use crate::pack::keys::{SignedRole, SoftwareVerifier};
use crate::pack::manifest::{
    MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES, Manifest, PackFile, PackSource, Serial,
};
use crate::pack::source::{Stick, names};
use crate::pack::trust::TrustedRoot;
use crate::pack::verify::{self, Checked, Receiver, VerifiedManifest};
use crate::pack::{delta, hex, json, limits};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// From which root the branch starts.
#[derive(Debug)]
pub enum Trust<'a> {
    /// The root on the stick with this fingerprint, which a person knows.
    Fingerprint(&'a str),
    /// Bytes of a root and its signatures, from a file that a person keeps.
    Root(&'a [u8], &'a [u8]),
}

/// What to rehearse.
#[derive(Debug)]
pub struct Rehearsing<'a> {
    /// Where trust begins.
    pub trust: Trust<'a>,
    /// The branch; the first that the pack is for when absent.
    pub branch: Option<&'a str>,
    /// Its channel; the pack's when absent.
    pub channel: Option<&'a str>,
    /// The pack; the latest when absent.
    pub seq: Option<u64>,
    /// Version of the program.
    pub app_version: &'a str,
    /// Version of its tables.
    pub schema_version: i64,
    /// SHA-256 of its tables.
    pub schema_sha256: &'a str,
    /// Older files against which patches are decoded, beside those that older packs on the stick hold.
    pub bases: &'a [PathBuf],
    /// An empty folder for temporary files.
    pub work: &'a Path,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Rehearsal {
    /// Version of the root by which the pack is judged.
    pub root_version: u64,
    /// Its fingerprint.
    pub root_fingerprint: String,
    /// The pack.
    #[serde(flatten)]
    pub serial: Serial,
    /// The short code for people.
    pub spoken: String,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// The branch for which it was rehearsed.
    pub branch: String,
    /// The pack that the beacon names.
    pub beacon: Serial,
    /// The files.
    pub files: Vec<RehearsedFile>,
}

/// A file that was decoded.
#[derive(Debug, Serialize)]
pub struct RehearsedFile {
    /// Its role.
    pub role: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its ways.
    pub sources: Vec<RehearsedSource>,
}

/// A way to a file.
#[derive(Debug, Serialize)]
pub struct RehearsedSource {
    /// `full` or `zpatch`.
    pub kind: &'static str,
    /// Compressed bytes; all were read.
    pub size: u64,
    /// Whether it was decoded and the file came out; a patch is not when its base is not here.
    pub decoded: bool,
}

/// Goes through a stick as a branch does.
///
/// # Errors
/// Exactly those that the branch would see.
pub fn rehearse(stick: &Stick, rehearsing: &Rehearsing<'_>, progress: &mut dyn FnMut(&str)) -> Result<Rehearsal> {
    let root = walk(stick, &rehearsing.trust)?;
    let signed = |path: &str, cap| -> Result<(Vec<u8>, Vec<u8>)> {
        Ok((stick.read(path, cap)?, stick.read(&names::signatures(path), MAX_SIGNATURES_BYTES)?))
    };
    let (bytes, signatures) = signed(names::BEACON, MAX_BEACON_BYTES)?;
    let beacon = verify::check_beacon(&root, &bytes, &signatures, &SoftwareVerifier)?;
    let (branch, verified) = newest(stick, rehearsing, &root)?;
    if beacon.serial() == verified.serial() && beacon.beacon().manifest_sha256 != verified.sha256() {
        let message = "信标指向的清单与 U 盘上同号的清单不同";
        return Err(Error::new(Code::PackEquivocation, message, "用 guida pack beacon 重新公布,并查明哪一份是真的"));
    }
    let mut bases = hashed(rehearsing.bases)?;
    older(stick, &root, &verified, rehearsing.work, &mut bases)?;
    let mut files = Vec::new();
    for file in &verified.manifest().files {
        progress(&file.role);
        files.push(decode_all(stick, file, &bases)?);
    }
    Ok(Rehearsal {
        root_version: root.root().version,
        root_fingerprint: root.fingerprint(),
        serial: verified.serial(),
        spoken: verify::spoken_code(verified.serial(), verified.sha256()),
        manifest_sha256: verified.sha256().to_owned(),
        branch,
        beacon: beacon.serial(),
        files,
    })
}

/// The newest root on the stick, from the one that is trusted.
fn walk(stick: &Stick, trust: &Trust<'_>) -> Result<TrustedRoot> {
    let read = |version: u64| -> Result<(Vec<u8>, Vec<u8>)> {
        let path = names::root(version);
        Ok((stick.read(&path, MAX_ROOT_BYTES)?, stick.read(&names::signatures(&path), MAX_SIGNATURES_BYTES)?))
    };
    let versions = stick.root_versions()?;
    let mut root = match trust {
        Trust::Root(bytes, signatures) => TrustedRoot::first(bytes, signatures, &SoftwareVerifier)?,
        Trust::Fingerprint(fingerprint) => {
            let mut found = None;
            for version in &versions {
                let bytes = stick.read(&names::root(*version), MAX_ROOT_BYTES)?;
                if hex::sha256(&bytes) == fingerprint.to_ascii_lowercase() {
                    found = Some(*version);
                }
            }
            let Some(version) = found else {
                let message = format!("没有一版信任根的指纹是 {fingerprint}");
                return Err(Error::new(Code::TrustMissing, message, "核对指纹;用 guida pack inspect 查看各版的指纹"));
            };
            let (bytes, signatures) = read(version)?;
            TrustedRoot::first(&bytes, &signatures, &SoftwareVerifier)?
        }
    };
    for version in versions.into_iter().filter(|version| *version > root.root().version).collect::<Vec<_>>() {
        let (bytes, signatures) = read(version)?;
        root = root.next(&bytes, &signatures, &SoftwareVerifier)?;
    }
    Ok(root)
}

/// The pack that the branch would take, and the branch.
fn newest(stick: &Stick, rehearsing: &Rehearsing<'_>, root: &TrustedRoot) -> Result<(String, VerifiedManifest)> {
    let mut too_old = None;
    for seq in stick.sequences()?.into_iter().rev().filter(|seq| rehearsing.seq.is_none_or(|asked| asked == *seq)) {
        let path = names::manifest(seq);
        let bytes = stick.read(&path, MAX_MANIFEST_BYTES)?;
        let signatures = stick.read(&names::signatures(&path), MAX_SIGNATURES_BYTES)?;
        // For the words of the receiver only; whether any of it is true is seen below.
        let said: Option<Manifest> = json::parse(&bytes, "清单").ok();
        let first = said.as_ref().and_then(|m| m.audience.first()).map(|to| to.trim_end_matches('*').to_owned());
        let branch = rehearsing.branch.map_or_else(|| first.unwrap_or_default(), str::to_owned);
        let receiver = Receiver {
            branch: &branch,
            channel: rehearsing.channel.or(said.as_ref().map(|m| m.channel.as_str())).unwrap_or_default(),
            app_version: rehearsing.app_version,
            schema_version: rehearsing.schema_version,
            schema_sha256: rehearsing.schema_sha256,
            max_seen: None,
        };
        match verify::check_manifest(root, &bytes, &signatures, &receiver, &SoftwareVerifier) {
            Ok(Checked::New(verified) | Checked::Already(verified)) => return Ok((branch, verified)),
            Err(e) if e.code() == Code::PackRollback => too_old = too_old.or(Some(e)),
            Err(e) => return Err(e),
        }
    }
    Err(too_old.unwrap_or_else(|| {
        Error::new(Code::PackIncomplete, "这里没有这个知识包", "先用 guida pack build 制作,或改正 --seq")
    }))
}

/// Files by their SHA-256.
fn hashed(files: &[PathBuf]) -> Result<Vec<(String, PathBuf)>> {
    files.iter().map(|path| Ok((delta::hash_file(path)?.sha256, path.clone()))).collect()
}

/// Unpacks what the patches of a pack refer to, as far as older packs on the stick hold it whole and their signatures still count.
fn older(
    stick: &Stick,
    root: &TrustedRoot,
    pack: &VerifiedManifest,
    work: &Path,
    bases: &mut Vec<(String, PathBuf)>,
) -> Result<()> {
    let sources = pack.manifest().files.iter().flat_map(|file| &file.sources);
    let wanted: BTreeSet<&str> = sources.filter_map(|source| source.base().map(|(sha256, _)| sha256)).collect();
    for seq in stick.sequences()?.into_iter().filter(|seq| *seq != pack.serial().seq) {
        let path = names::manifest(seq);
        if !stick.has(&path)? || !stick.has(&names::signatures(&path))? {
            continue;
        }
        let bytes = stick.read(&path, MAX_MANIFEST_BYTES)?;
        let signatures = stick.read(&names::signatures(&path), MAX_SIGNATURES_BYTES)?;
        if root.judge(SignedRole::Publish, "清单", &bytes, &signatures, &SoftwareVerifier).is_err() {
            continue;
        }
        let manifest: Manifest = json::parse(&bytes, "清单")?;
        limits::check(&manifest)?;
        for file in manifest.files.iter().filter(|file| wanted.contains(file.raw.sha256.as_str())) {
            if bases.iter().any(|(sha256, _)| *sha256 == file.raw.sha256) {
                continue;
            }
            let to = work.join(format!("older-{}", bases.len()));
            match unpack(stick, file, &to) {
                Ok(()) => bases.push((file.raw.sha256.clone(), to)),
                // An older pack whose parts were tidied away is no fault of this one.
                Err(e) if matches!(e.code(), Code::PackIncomplete | Code::PackNeedBase) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}

fn decode_all(stick: &Stick, file: &PackFile, bases: &[(String, PathBuf)]) -> Result<RehearsedFile> {
    let mut sources = Vec::new();
    for source in &file.sources {
        let size = source.parts().size;
        let (kind, base, can) = match source {
            PackSource::Full { .. } => ("full", None, true),
            PackSource::Zpatch { base_sha256, .. } => {
                let base = bases.iter().find(|(sha256, _)| sha256 == base_sha256).map(|(_, path)| path.as_path());
                ("zpatch", base, base.is_some())
            }
        };
        if can {
            decode(stick, source, base, &file.raw, &mut io::sink())?;
        } else {
            parts::check(stick, source.parts())?;
        }
        sources.push(RehearsedSource { kind, size, decoded: can });
    }
    Ok(RehearsedFile { role: file.role.clone(), size: file.raw.size, sources })
}
