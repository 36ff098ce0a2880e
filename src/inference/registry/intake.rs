//! Bringing a model file into the folder: checked first, hashed while it is copied, and there under its final name or not at all.

use super::{Entry, ModelRole, Registry, clean_name, free_name, is_checksum};
use crate::clock;
use crate::disk::{Disk, RealDisk};
use crate::error::{Code, Error, Result};
use crate::inference::disk;
use crate::inference::models::{ModelInfo, hex, read_info, sha256};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// What stays free on the disk beside a new model: room for the register, logs and knowledge.
const SPARE_BYTES: u64 = 256 << 20;
/// Ending of files that are still being written.
const PART: &str = ".part";

/// A model to take in.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// The file.
    pub file: &'a Path,
    /// What to call it; `None` takes the header's name.
    pub name: Option<&'a str>,
    /// What it is for; `None` follows the header.
    pub role: Option<ModelRole>,
    /// The model that an adapter belongs to, by name or checksum.
    pub adapts: Option<&'a str>,
    /// Whether the file is moved, not copied.
    pub moved: bool,
}

/// Removes what broken copies left. Only called under the folder's lock, so that nobody is writing them.
pub(super) fn sweep(folder: &Path) {
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for path in files.filter_map(|file| Some(file.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(PART) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

impl Registry {
    /// Takes a model in; `progress` hears the bytes done and the bytes in all. A model that is there already gets the new name and
    /// role.
    ///
    /// # Errors
    /// `MODEL_LOAD` and `MODEL_UNSUITABLE` for a file that cannot be used, `BAD_PARAMETER` for a name that is taken or none,
    /// `MODEL_REGISTRY` for a disk that is full or fails.
    pub fn add(&self, intake: &Intake<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Entry> {
        let info = read_info(intake.file)?;
        if info.parts > 1 {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {} 分成了 {} 个文件", info.name, info.parts),
                "先用 llama-gguf-split --merge 合成一个文件,再登记;也可以不登记,直接用 --model 指第一个文件",
            ));
        }
        let role = intake.role.unwrap_or_else(|| ModelRole::of(&info));
        role.suits(&info)?;
        if let Some(name) = intake.name {
            check_name(name)?;
        }
        let _lock = self.lock()?;
        let adapts = self.adapted(intake, role, &info)?;
        let digest = self.store(intake, &info, progress)?;
        self.change(|register| {
            let others: Vec<&Entry> = register.models.iter().filter(|entry| entry.sha256 != digest).collect();
            let name = match intake.name {
                Some(name) if others.iter().any(|entry| entry.name == name) => return Err(taken(name)),
                Some(name) => name.to_owned(),
                None => free_name(&clean_name(&info.name), &digest, others.into_iter()),
            };
            let added = clock::today().to_string();
            let entry = Entry { sha256: digest, name, role, bytes: info.file_bytes, added, adapts };
            register.models.retain(|other| other.sha256 != entry.sha256);
            register.models.push(entry.clone());
            Ok(entry)
        })
    }

    /// The checksum of the model that an adapter belongs to.
    fn adapted(&self, intake: &Intake<'_>, role: ModelRole, info: &ModelInfo) -> Result<Option<String>> {
        match (role, intake.adapts) {
            (ModelRole::Adapter, Some(key)) => {
                let base = self.find(key)?;
                let theirs = read_info(&self.file_of(&base.sha256))?.architecture;
                if theirs != info.architecture {
                    return Err(Error::new(
                        Code::ModelUnsuitable,
                        format!("适配器是 {} 架构的,模型 {} 是 {theirs} 架构", info.architecture, base.name),
                        "换成为这个模型训练的适配器",
                    ));
                }
                Ok(Some(base.sha256))
            }
            (ModelRole::Adapter, None) => {
                Err(Error::new(Code::BadParameter, "没有说明适配器属于哪个模型", "加 --for 模型名"))
            }
            (_, Some(_)) => Err(Error::new(Code::BadParameter, "--for 只用于适配器", "去掉 --for,或加 --adapter")),
            (_, None) => Ok(None),
        }
    }

    /// Puts the file into the folder under its checksum, which is returned.
    fn store(&self, intake: &Intake<'_>, info: &ModelInfo, progress: &mut dyn FnMut(u64, u64)) -> Result<String> {
        let failed = |cause| self.failed("拷贝模型文件", cause);
        let folder = self.folder.canonicalize().map_err(failed)?;
        let source = intake.file.canonicalize().map_err(failed)?;
        let stem = source.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if source.parent() == Some(folder.as_path()) && is_checksum(stem) {
            // It is here already, only not in the register.
            let digest = sha256(&source, &AtomicBool::new(false))?;
            return match digest == stem {
                true => Ok(digest),
                false => Err(Error::new(
                    Code::ModelLoad,
                    format!("文件 {} 已损坏:校验值是 {digest}", source.display()),
                    "从发放介质重新登记",
                )),
            };
        }
        if intake.moved
            && let Some(digest) = self.move_in(&source)?
        {
            return Ok(digest);
        }
        if let Some(free) =
            RealDisk.free_bytes(&folder).ok().filter(|free| *free < info.file_bytes.saturating_add(SPARE_BYTES))
        {
            let mib = |bytes: u64| bytes >> 20;
            return Err(Error::new(
                Code::ModelRegistry,
                format!("磁盘空间不足:模型有 {} MiB,{} 只剩 {} MiB", mib(info.file_bytes), folder.display(), mib(free)),
                "删除不用的模型(guida model remove),或换一个磁盘(--data)",
            ));
        }
        let part = folder.join(format!(".adding.{}{PART}", std::process::id()));
        let stored = copy(&source, &part, info.file_bytes, progress).map_err(failed).and_then(|digest| {
            // What arrived is what will be loaded, whatever happened to the source meanwhile.
            let arrived = read_info(&part)?;
            if arrived.file_bytes != info.file_bytes {
                return Err(Error::new(
                    Code::ModelLoad,
                    format!("文件 {} 在拷贝期间变了", source.display()),
                    "等文件写完后重新登记",
                ));
            }
            std::fs::rename(&part, self.file_of(&digest)).and_then(|()| disk::sync_folder(&folder)).map_err(failed)?;
            Ok(digest)
        });
        if stored.is_err() {
            let _ = std::fs::remove_file(&part);
        } else if intake.moved {
            // The copy is safe; the source stays when it may not be removed.
            let _ = std::fs::remove_file(&source);
        }
        stored
    }

    /// Renames the file into the folder; `None` when it lies on another file system.
    fn move_in(&self, source: &Path) -> Result<Option<String>> {
        let digest = sha256(source, &AtomicBool::new(false))?;
        let target: PathBuf = self.file_of(&digest);
        match std::fs::rename(source, &target) {
            Ok(()) => {
                let lasting =
                    File::open(&target).and_then(|f| f.sync_all()).and_then(|()| disk::sync_folder(&self.folder));
                lasting.map_err(|cause| self.failed("移动模型文件", cause))?;
                Ok(Some(digest))
            }
            Err(cause) if cause.kind() == io::ErrorKind::CrossesDevices => Ok(None),
            Err(cause) => Err(self.failed("移动模型文件", cause)),
        }
    }
}

/// Copies a file and makes it last; its checksum.
fn copy(from: &Path, to: &Path, total: u64, progress: &mut dyn FnMut(u64, u64)) -> io::Result<String> {
    let mut from = File::open(from)?;
    let mut out = File::create(to)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0u8; CHUNK_BYTES];
    let mut done = 0u64;
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        let piece = chunk.get(..read).unwrap_or_default();
        hasher.update(piece);
        out.write_all(piece)?;
        done += read as u64;
        progress(done, total);
    }
    out.sync_all()?;
    Ok(hex(&hasher.finalize()))
}

/// Refuses a name that could not be typed or that reads as a path.
fn check_name(name: &str) -> Result<()> {
    if clean_name(name) == name && !name.starts_with('.') {
        return Ok(());
    }
    Err(Error::new(
        Code::BadParameter,
        format!("模型名 {name:?} 不合适"),
        format!("用 {} 个字符以内的文字,不含空格和斜线,如 qwen2.5-3b", super::names::MAX_NAME_CHARS),
    ))
}

fn taken(name: &str) -> Error {
    Error::new(Code::BadParameter, format!("已有名为 {name} 的模型"), "换一个名字,或先用 guida model remove 删除它")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_typable_and_no_paths() {
        for good in ["qwen2.5-3b", "大模型", "a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "长".repeat(65);
        for bad in ["", "a b", "../x", "a/b", ".hidden", "-x", "a\u{7}b", long.as_str()] {
            assert_eq!(check_name(bad).expect_err(bad).code(), Code::BadParameter);
        }
        assert_eq!(clean_name("Qwen2.5 7B Instruct"), "Qwen2.5-7B-Instruct");
        assert_eq!(clean_name(" \n"), "未命名");
    }
}
