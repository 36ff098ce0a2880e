//! Head office's side: packs onto a stick, signatures from several people, trust roots, and looking at what is there.
//!
//! A pack is built in the order in which it may be cut short without harm: parts first, named by their content; then every source is read
//! back and decoded; then the manifest. It has no signature yet, so no branch takes it. The people who sign may sit at other machines: a
//! signature is over the exact bytes of `manifest.json`, and [`sign`] collects them. `roots` makes and rotates the trust roots, `contents`
//! lists a stick, `rehearsal` does what a branch would.

mod beacon;
mod contents;
mod parts;
mod rehearsal;
mod roots;
pub mod sign;

pub use beacon::announce;
pub use contents::{
    BeaconSummary, Contents, FileSummary, Listed, PackSummary, ReceiptSummary, RootSummary, SourceSummary, contents,
    listed, root_policies,
};
pub use rehearsal::{Rehearsal, RehearsedFile, RehearsedSource, Rehearsing, Trust, rehearse};
pub use roots::{Chain, Change, FirstRoot, ROLES, Requirements, RoleKey, chain, first_root, next_root, write_root};

use super::delta::{self, MAX_PATCH_BYTES};
use super::limits::{self, MAX_PIECE_BYTES};
use super::manifest::{MAX_MANIFEST_BYTES, MAX_SIGNATURES_BYTES, Manifest, PackFile, PackSource, Raw, Serial};
use super::receipt::to_bytes;
use super::signature::parse_signatures;
use super::source::{Stick, names};
use super::{hex, json, verify};
use crate::error::{Code, Error, Result};
use parts::{PartsReader, PartsWriter};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How hard zstd tries. Higher is smaller and slower; decoding takes the same time for all.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// For whole files.
    pub full: i32,
    /// For patches. Measured on the amended laws (114 MB): 9 gives 4.1% of the whole file, 12 gives 2.6% in 5 s, 15 gives 2.5% in ten
    /// times that; 16 and above lose matches far back and give more.
    pub patch: i32,
}

impl Default for Levels {
    fn default() -> Levels {
        Levels { full: 15, patch: 12 }
    }
}

/// A file to bring.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// `knowledge` or `model/NAME`.
    pub role: String,
    /// Where it is.
    pub path: PathBuf,
    /// Older files from which branches may come, for patches.
    pub bases: Vec<PathBuf>,
}

/// What to publish.
#[derive(Debug)]
pub struct Publication {
    /// Everything that the manifest shall say, without the files.
    pub manifest: Manifest,
    /// The files.
    pub files: Vec<SourceFile>,
    /// Files of earlier packs on the same stick; one with the same content is not compressed again.
    pub known: Vec<PackFile>,
    /// Largest part in bytes, at most [`MAX_PIECE_BYTES`].
    pub part_bytes: u64,
    /// How hard to compress.
    pub levels: Levels,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Computing checksums.
    Hashing,
    /// Compressing whole.
    Full,
    /// Compressing against an older file.
    Patch,
    /// Reading back and decoding.
    Checking,
}

/// A pack that was built.
#[derive(Debug)]
pub struct Built {
    /// Its place in the order.
    pub serial: Serial,
    /// Path of the manifest on the stick.
    pub manifest_path: String,
    /// SHA-256 of the manifest, hex.
    pub manifest_sha256: String,
    /// The short code for people.
    pub spoken: String,
    /// The manifest.
    pub manifest: Manifest,
    /// Compressed bytes of all whole files.
    pub full_bytes: u64,
    /// Compressed bytes of the smallest patch of every file that has one, and of the whole files of the others; `None` without patches.
    pub delta_bytes: Option<u64>,
}

/// Builds a pack on a stick. `progress` hears the step and the role of the file.
///
/// # Errors
/// `PACK_BUILD` when a signed pack has this number, or the parts' size is out of range; `PACK_LIMIT` and `PACK_PARSE` when the manifest
/// would not be accepted; `PACK_HASH` when something else is read back than was written; those of reading files and writing the stick.
pub fn build(stick: &Stick, publication: &Publication, progress: &mut dyn FnMut(Step, &str)) -> Result<Built> {
    let mut manifest = publication.manifest.clone();
    if publication.part_bytes == 0 || publication.part_bytes > MAX_PIECE_BYTES {
        let message = format!("每卷 {} 字节,应为 1 到 {MAX_PIECE_BYTES} 字节", publication.part_bytes);
        return Err(Error::new(Code::PackBuild, message, "FAT32 的 U 盘放不下更大的文件,用 --part-size 1G 或更小"));
    }
    verify::version(&manifest.app_min)?;
    manifest.app_max.as_deref().map(verify::version).transpose()?;
    let path = names::manifest(manifest.seq);
    refuse_signed(stick, &path)?;
    for file in &publication.files {
        manifest.files.push(add_file(stick, publication, file, progress)?);
    }
    limits::check(&manifest)?;
    let bytes = to_bytes(&manifest)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(json::too_long("清单", MAX_MANIFEST_BYTES));
    }
    stick.leave(&path, &bytes)?;
    let manifest_sha256 = hex::sha256(&bytes);
    let serial = Serial { epoch: manifest.epoch, seq: manifest.seq };
    let spoken = verify::spoken_code(serial, &manifest_sha256);
    let full_bytes = manifest.files.iter().filter_map(full).map(|(_, size)| size).sum();
    let cheapest = |f: &PackFile| patches(f).min().or_else(|| full(f).map(|(_, size)| size));
    let patched = manifest.files.iter().any(|f| patches(f).next().is_some());
    let delta_bytes = patched.then(|| manifest.files.iter().filter_map(cheapest).sum());
    Ok(Built { serial, manifest_path: path, manifest_sha256, spoken, manifest, full_bytes, delta_bytes })
}

/// The whole source of a file with its compressed size.
fn full(file: &PackFile) -> Option<(&PackSource, u64)> {
    file.sources.iter().find_map(|source| match source {
        PackSource::Full { parts, .. } => Some((source, parts.size)),
        PackSource::Zpatch { .. } => None,
    })
}

fn patches(file: &PackFile) -> impl Iterator<Item = u64> {
    file.sources.iter().filter_map(|source| match source {
        PackSource::Full { .. } => None,
        PackSource::Zpatch { parts, .. } => Some(parts.size),
    })
}

/// A signature must never come to lie beside another manifest than the one that was signed.
fn refuse_signed(stick: &Stick, path: &str) -> Result<()> {
    let beside = names::signatures(path);
    if !stick.has(&beside)? {
        return Ok(());
    }
    let signatures = parse_signatures(&stick.read(&beside, MAX_SIGNATURES_BYTES)?, "清单")?;
    if signatures.signatures.is_empty() {
        return Ok(());
    }
    let message = format!("{path} 已有 {} 个签名,不能用别的内容替换", signatures.signatures.len());
    Err(Error::new(Code::PackBuild, message, "换一个更大的 --seq;已经发出的编号永远不要重用"))
}

fn add_file(
    stick: &Stick,
    publication: &Publication,
    file: &SourceFile,
    progress: &mut dyn FnMut(Step, &str),
) -> Result<PackFile> {
    progress(Step::Hashing, &file.role);
    let raw = delta::hash_file(&file.path)?;
    let reused = publication.known.iter().filter(|known| known.raw == raw).find_map(full);
    let whole = match reused {
        Some((source, _)) => source.clone(),
        None => {
            progress(Step::Full, &file.role);
            let mut encode = |out: &mut dyn Write| delta::encode_full(&file.path, out, publication.levels.full);
            let (window_log, writer) = into_parts(stick, publication.part_bytes, &mut encode)?;
            PackSource::Full { window_log, parts: writer.finish()? }
        }
    };
    progress(Step::Checking, &file.role);
    decode(stick, &whole, None, &raw, &mut io::sink())?;
    let full_size = whole.parts().size;
    let mut sources = vec![whole];
    for base in &file.bases {
        let old = delta::hash_file(base)?;
        if old == raw || old.size.max(raw.size) > MAX_PATCH_BYTES || refers_to(&sources, &old) {
            continue;
        }
        progress(Step::Patch, &file.role);
        let mut encode = |out: &mut dyn Write| delta::encode_patch(&file.path, base, out, publication.levels.patch);
        let (window_log, writer) = into_parts(stick, publication.part_bytes, &mut encode)?;
        // A patch between strangers is of no use.
        if writer.size() >= full_size {
            continue;
        }
        let source =
            PackSource::Zpatch { base_sha256: old.sha256, base_size: old.size, window_log, parts: writer.finish()? };
        progress(Step::Checking, &file.role);
        decode(stick, &source, Some(base), &raw, &mut io::sink())?;
        sources.push(source);
    }
    Ok(PackFile { role: file.role.clone(), raw, sources })
}

fn refers_to(sources: &[PackSource], old: &Raw) -> bool {
    sources.iter().any(|source| matches!(source, PackSource::Zpatch { base_sha256, .. } if *base_sha256 == old.sha256))
}

/// Compresses into parts that have no names yet; dropped, they are gone.
fn into_parts<'a>(
    stick: &'a Stick,
    part_bytes: u64,
    encode: &mut dyn FnMut(&mut dyn Write) -> Result<u32>,
) -> Result<(u32, PartsWriter<'a>)> {
    let mut writer = PartsWriter::new(stick, part_bytes);
    let encoded = encode(&mut writer);
    let window_log = encoded.map_err(|e| writer.failure().unwrap_or(e))?;
    Ok((window_log, writer))
}

/// Reads a source's parts from the stick, compares their checksums and decodes them; `base` is the older file of a patch.
fn decode(stick: &Stick, source: &PackSource, base: Option<&Path>, raw: &Raw, out: &mut dyn Write) -> Result<()> {
    let parts = source.parts();
    parts::check(stick, parts)?;
    delta::decode(source, base, raw, &mut PartsReader::new(stick, parts), out, &mut |_| ())
}

/// Unpacks the whole source of a file to a path, so that the next pack can be a patch against it.
///
/// # Errors
/// `PACK_INCOMPLETE`, `PACK_HASH` and the like when the stick is no longer what its manifest says; `IO`, `NO_SPACE`.
pub fn unpack(stick: &Stick, file: &PackFile, to: &Path) -> Result<()> {
    let Some((source, _)) = full(file) else {
        let message = format!("{} 没有完整来源", file.role);
        return Err(Error::new(Code::PackNeedBase, message, "给出带完整文件的旧包,或旧的知识库文件"));
    };
    let io = |e: io::Error| {
        let message = format!("写不了临时文件 {}:{e}", to.display());
        Error::new(Code::Io, message, "检查临时目录的空间和权限,或用 --work 另指定一个目录").because(e)
    };
    let mut out = io::BufWriter::new(File::create(to).map_err(io)?);
    decode(stick, source, None, &file.raw, &mut out)?;
    out.flush().map_err(io)
}

#[cfg(test)]
mod tests;
