//! Step 7: files are made of the local parts, in a folder that has no name yet.

use super::plan::{Plan, PlannedFile};
use super::progress::{Meter, Phase};
use super::steps::{StepId, size};
use super::{Importer, failed};
use crate::disk::Written;
use crate::error::{Code, Error, Result};
use crate::pack::delta;
use crate::pack::manifest::{KNOWLEDGE_ROLE, Parts};
use crate::pack::verify::VerifiedManifest;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What the parts became.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// The folder of the new generation, not under its final name.
    pub(super) folder: PathBuf,
    /// Models on their way to the folder of models.
    pub(super) models: Vec<UnpackedModel>,
}

/// A model that is ready to be put beside the others.
#[derive(Debug)]
pub(super) struct UnpackedModel {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) sha256: String,
}

impl Unpacked {
    /// The knowledge file.
    pub(super) fn knowledge(&self) -> PathBuf {
        self.folder.join("knowledge.db")
    }
}

impl Importer {
    pub(super) fn unpack(&self, plan: &Plan, manifest: &VerifiedManifest, meter: &mut Meter<'_>) -> Result<Unpacked> {
        meter.step(StepId::Unpack);
        meter.enter(Phase::Unpacking, plan.bytes_to_copy())?;
        let folder = self.data.unfinished(&plan.gid);
        self.disk.create_dir(&folder).map_err(|e| failed("建不了", &folder, e))?;
        let mut models = Vec::new();
        for file in &plan.files {
            let target = match file.model() {
                None => folder.join("knowledge.db"),
                Some(_) => self.data.staging().join(&plan.gid).join(format!("{}.gguf", file.raw.sha256)),
            };
            self.unpack_file(plan, file, &target, meter)?;
            if let Some(name) = file.model() {
                models.push(UnpackedModel { name: name.to_owned(), file: target, sha256: file.raw.sha256.clone() });
            }
        }
        if !plan.files.iter().any(|file| file.role == KNOWLEDGE_ROLE) {
            return Err(Error::new(Code::PackParse, "知识包里没有知识库文件", "请总行重新制作"));
        }
        for (name, bytes) in [("manifest.json.sig", manifest.signatures()), ("manifest.json", manifest.bytes())] {
            self.write_small(&folder.join(name), bytes)?;
        }
        let (files, bytes) =
            (plan.files.len(), size(plan.files.iter().map(|f| f.raw.size).fold(0, u64::saturating_add)));
        meter.found(
            format!("{files} 个文件共 {bytes},SHA-256 与 SM3 相符"),
            format!("{files} files, {bytes}; SHA-256 and SM3 match"),
        );
        Ok(Unpacked { folder, models })
    }

    pub(super) fn write_small(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let io = |e| failed("写不了", path, e);
        let mut file = self.disk.create(path).map_err(io)?;
        file.write_all(bytes).map_err(io)?;
        file.sync().map_err(io)
    }

    fn unpack_file(&self, plan: &Plan, file: &PlannedFile, target: &Path, meter: &mut Meter<'_>) -> Result<()> {
        let parts = file.source.parts();
        let mut compressed = Joined::new(self, &plan.gid, parts);
        let mut out =
            Outlet { file: self.disk.create(target).map_err(|e| failed("写不了", target, e))?, failure: None };
        let mut stopped = None;
        let mut told = 0;
        let mut progress = |done: u64| {
            // The decoder cannot be told to stop; it is fed nothing more by the next read instead.
            if let Err(e) = meter.add(done.saturating_sub(told)) {
                stopped = Some(e);
            }
            told = done;
        };
        let decoded =
            delta::decode(&file.source, file.base.as_deref(), &file.raw, &mut compressed, &mut out, &mut progress);
        if let Some(e) = stopped {
            return Err(e);
        }
        // The disk's own word says more than the decoder's about why nothing can be written.
        if let Some(e) = out.failure.take() {
            return Err(failed("写不了", target, e));
        }
        decoded?;
        out.file.sync().map_err(|e| failed("写不了", target, e))
    }
}

/// Local parts, one after the other.
struct Joined {
    paths: std::vec::IntoIter<PathBuf>,
    current: Option<File>,
}

impl Joined {
    fn new(importer: &Importer, gid: &str, parts: &Parts) -> Joined {
        let paths: Vec<PathBuf> = (0..parts.pieces.len()).map(|index| importer.staged(gid, parts, index)).collect();
        Joined { paths: paths.into_iter(), current: None }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.current {
                let read = file.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            match self.paths.next() {
                None => return Ok(0),
                Some(path) => self.current = Some(File::open(path)?),
            }
        }
    }
}

/// Remembers why a write failed.
struct Outlet {
    file: Box<dyn Written>,
    failure: Option<io::Error>,
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|e| {
            let told = io::Error::from(e.kind());
            self.failure.get_or_insert(e);
            told
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
