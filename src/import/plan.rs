//! Step 5: how each file comes over, and whether there is room.

use super::copy::rehash;
use super::progress::Meter;
use super::steps::{StepId, size};
use super::{Importer, failed};
use crate::error::{Code, Error, Result};
use crate::pack::manifest::{KNOWLEDGE_ROLE, MODEL_ROLE, Manifest, PackFile, PackSource, Raw};
use crate::pack::verify::VerifiedManifest;
use crate::pack::{hex, json};
use crate::store::generations::{Active, DataDir};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Room beyond what the files take, in parts of a hundred: journals and the file system's own.
const SPARE_PERCENT: u64 = 10;

/// The way of every file of a pack onto this box.
pub(super) struct Plan {
    pub(super) gid: String,
    pub(super) files: Vec<PlannedFile>,
}

/// The way of one file.
pub(super) struct PlannedFile {
    pub(super) role: String,
    pub(super) raw: Raw,
    pub(super) source: PackSource,
    /// The file here that the source refers to.
    pub(super) base: Option<PathBuf>,
    /// Bytes of its parts that are not in the staging folder yet.
    missing: u64,
}

impl PlannedFile {
    /// Its name when it is a model.
    pub(super) fn model(&self) -> Option<&str> {
        self.role.strip_prefix(MODEL_ROLE)
    }
}

impl Plan {
    /// Bytes that must be read from the stick.
    pub(super) fn bytes_to_copy(&self) -> u64 {
        self.files.iter().map(|file| file.missing).fold(0, u64::saturating_add)
    }

    /// Bytes of work: each part is copied, each file is written, and the knowledge is read once more to look at it.
    pub(super) fn work(&self) -> u64 {
        let written = self.files.iter().map(|file| file.raw.size).fold(0, u64::saturating_add);
        let checked = self.files.iter().filter(|file| file.role == KNOWLEDGE_ROLE).map(|file| file.raw.size);
        checked.fold(self.bytes_to_copy().saturating_add(written), u64::saturating_add)
    }

    /// Whether the knowledge comes as a difference.
    pub(super) fn uses_delta(&self) -> bool {
        self.files.iter().any(|file| file.role == KNOWLEDGE_ROLE && file.base.is_some())
    }
}

impl Importer {
    pub(super) fn plan(&self, manifest: &VerifiedManifest, active: &Active, meter: &mut Meter<'_>) -> Result<Plan> {
        meter.step(StepId::Plan);
        let gid = manifest.gid();
        let mut files = Vec::new();
        for file in &manifest.manifest().files {
            let is_here = file.role.starts_with(MODEL_ROLE) && self.has_model(&file.raw);
            if !is_here {
                files.push(self.plan_file(&gid, file, active)?);
            }
        }
        let plan = Plan { gid, files };
        let (files, bytes) = (plan.files.len(), size(plan.bytes_to_copy()));
        let (zh, en) = if plan.uses_delta() { ("差异包", "difference") } else { ("完整包", "whole") };
        meter.found(format!("{zh},{files} 个文件,要读 {bytes}"), format!("{en}, {files} files, {bytes} to read"));
        meter.step(StepId::Room);
        let (needed, free) = self.require_room(&plan)?;
        let (needed, free) = (size(needed), size(free));
        meter.found(format!("要 {needed},剩 {free}"), format!("{needed} needed, {free} free"));
        Ok(plan)
    }

    /// The cheapest source that works here: fewest bytes to copy.
    fn plan_file(&self, gid: &str, file: &PackFile, active: &Active) -> Result<PlannedFile> {
        let mut ways: Vec<&PackSource> = file.sources.iter().collect();
        ways.sort_by_key(|source| source.parts().size);
        let mut rotten = None;
        for source in ways {
            let base = match source.base() {
                None => None,
                Some((sha256, _)) => match self.find_base(sha256, active)? {
                    Base::Sound(path) => Some(path),
                    Base::Rotten(path) => {
                        rotten = Some(path);
                        continue;
                    }
                    Base::Absent => continue,
                },
            };
            let missing = self.missing_bytes(gid, source.parts());
            return Ok(PlannedFile {
                role: file.role.clone(),
                raw: file.raw.clone(),
                source: source.clone(),
                base,
                missing,
            });
        }
        let hint = "请总行提供含完整包的 U 盘";
        Err(match rotten {
            Some(path) => Error::new(
                Code::PackNeedBase,
                format!("差异包的基础 {} 已损坏,U 盘上又没有完整包", path.display()),
                hint,
            ),
            None => Error::new(Code::PackNeedBase, format!("{} 只有差异包,本机没有它的基础版本", file.role), hint),
        })
    }

    /// The knowledge here that has this hash by its own manifest, if its bytes still are what they were.
    fn find_base(&self, sha256: &str, active: &Active) -> Result<Base> {
        let mut found = Base::Absent;
        for gid in [&active.active, &active.prev].into_iter().flatten() {
            let Some(manifest) = manifest_of(&self.data, gid) else { continue };
            let says = |file: &PackFile| file.role == KNOWLEDGE_ROLE && file.raw.sha256 == sha256;
            if !manifest.files.iter().any(says) {
                continue;
            }
            let path = self.data.knowledge(gid);
            let mut hash = Sha256::new();
            if rehash(&path, u64::MAX, &mut hash).is_ok() && hex::encode(&hash.finalize()) == sha256 {
                return Ok(Base::Sound(path));
            }
            found = Base::Rotten(path);
        }
        Ok(found)
    }

    /// Whether the generation that was made of a pack still is what the pack says: its manifest is there as it was signed (going back
    /// and telling its age rest on it), and its knowledge is what the manifest says, to the byte. A file that does not read is not.
    pub(super) fn is_whole(&self, manifest: &VerifiedManifest) -> bool {
        let path = self.data.knowledge(&manifest.gid());
        let Some(file) = manifest.manifest().files.iter().find(|file| file.role == KNOWLEDGE_ROLE) else { return true };
        // The length tells most damages without reading a gigabyte.
        let said = std::fs::read(self.data.generation(&manifest.gid()).join("manifest.json"));
        let said = said.is_ok_and(|bytes| bytes == manifest.bytes());
        let long = std::fs::metadata(&path).is_ok_and(|found| found.len() == file.raw.size);
        let mut hash = Sha256::new();
        said && long && rehash(&path, u64::MAX, &mut hash).is_ok() && hex::encode(&hash.finalize()) == file.raw.sha256
    }

    pub(super) fn has_model(&self, raw: &Raw) -> bool {
        let file = self.data.models().join(format!("{}.gguf", raw.sha256));
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() == raw.size)
    }

    /// Refuses, with figures, what does not fit. Returns the bytes that are needed and those that are free.
    fn require_room(&self, plan: &Plan) -> Result<(u64, u64)> {
        let raw = plan.files.iter().map(|file| file.raw.size).fold(0, u64::saturating_add);
        let needed = plan.bytes_to_copy().saturating_add(raw);
        let needed = needed.saturating_add(needed / 100 * SPARE_PERCENT);
        let root = self.data.root();
        let free = self.disk.free_bytes(root).map_err(|e| failed("看不到剩余空间", root, e))?;
        if free >= needed {
            return Ok((needed, free));
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        Err(Error::new(
            Code::NoSpace,
            format!("磁盘空间不够:导入要 {} MiB,{} 只剩 {} MiB", mib(needed), root.display(), mib(free)),
            format!("再腾出 {} MiB 后重试", mib(needed - free)),
        ))
    }
}

enum Base {
    Sound(PathBuf),
    Rotten(PathBuf),
    Absent,
}

/// The manifest by which a generation here came in; `None` where it does not read. It was verified then, and tells now what to expect.
pub fn manifest_of(data: &DataDir, gid: &str) -> Option<Manifest> {
    let bytes = std::fs::read(data.generation(gid).join("manifest.json")).ok()?;
    json::parse(&bytes, "manifest.json").ok()
}
