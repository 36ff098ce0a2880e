//! The models of a box: files in `<data>/models`, each named by its SHA-256, and `registry.json` beside them, which says what people
//! call them and what they are for.
//!
//! The files are the truth: what a model is stands in its header, and a file that the register does not know is shown, not lost; a
//! register that cannot be read is set aside, never overwritten. `intake` brings files in; `profiles` keeps what was measured of
//! them on this box; `chosen` which of them serve.
//!
//! Every change holds the lock of the folder, and is one rename: a power cut leaves the old register or the new.

mod chosen;
mod intake;
mod names;
mod profiles;
mod seal;

pub use chosen::Choice;
pub use intake::Intake;
use names::{clean_name, free_name, is_checksum};
pub use profiles::{CpuBox, Profile, ProfileStore, Tuning};
pub use seal::RegisterSeal;

use super::disk;
use super::models::{ModelInfo, Pooling, read_info, sha256};
use crate::clock;
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The register's file.
const REGISTER: &str = "registry.json";
/// The file that is locked while the folder changes.
const LOCK: &str = ".lock";
/// Version of the register's format.
const FORMAT: u32 = 1;
/// Shortest beginning of a checksum that names a model.
const MIN_PREFIX: usize = 4;
/// Largest register that is read: some thousand models.
const MAX_REGISTER_BYTES: u64 = 1 << 20;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    /// Writes answers; the one that is used unless another is named.
    Large,
    /// Writes answers to simple questions.
    Small,
    /// Makes vectors.
    Embedder,
    /// Scores clauses.
    Reranker,
    /// A LoRA adapter of another model.
    Adapter,
}

impl ModelRole {
    /// Refuses a role that the file cannot fill.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE`.
    pub fn suits(self, info: &ModelInfo) -> Result<()> {
        match self {
            ModelRole::Adapter if info.adapter => Ok(()),
            ModelRole::Adapter => Err(Error::new(
                Code::ModelUnsuitable,
                format!("{} 不是 LoRA 适配器", info.name),
                "不要加 --adapter,按普通模型登记",
            )),
            _ if info.adapter => Err(Error::new(
                Code::ModelUnsuitable,
                format!("{} 是 LoRA 适配器,不是完整的模型", info.name),
                "加 --adapter --for 模型名 登记",
            )),
            ModelRole::Large | ModelRole::Small => info.require_generator(),
            ModelRole::Embedder => info.require_embedder(),
            ModelRole::Reranker => info.require_reranker(),
        }
    }

    /// The role that a file is fit for.
    fn of(info: &ModelInfo) -> ModelRole {
        if info.adapter {
            ModelRole::Adapter
        } else if info.pooling == Some(Pooling::Rank) {
            ModelRole::Reranker
        } else if info.encoder || info.pooling.is_some() {
            ModelRole::Embedder
        } else {
            ModelRole::Large
        }
    }
}

/// A model in the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// SHA-256 of the file, lower-case hex; the file's name, too.
    pub sha256: String,
    /// What people call it; no two are called the same.
    pub name: String,
    /// What it is for.
    pub role: ModelRole,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The day it was added.
    pub added: String,
    /// For an adapter, the checksum of the model that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapts: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    version: u32,
    models: Vec<Entry>,
}

/// A model as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// What the register says; for a file that it does not know, what it would say.
    pub entry: Entry,
    /// Whether the register knows it.
    pub registered: bool,
    /// Its file.
    pub path: PathBuf,
    /// What its header says, or why it cannot be used.
    pub info: Result<ModelInfo>,
}

/// All models of a box.
#[derive(Debug, Default)]
pub struct Listing {
    /// By name.
    pub models: Vec<Listed>,
    /// What is not in order, in words.
    pub notes: Vec<String>,
}

/// The models folder of a data directory.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
    seal: Option<Arc<dyn RegisterSeal>>,
}

impl Registry {
    /// The registry of a data directory, which need not exist yet.
    pub fn of(data: &Path) -> Registry {
        Registry { folder: data.join("models"), seal: None }
    }

    /// The same with a seal on every change.
    #[must_use]
    pub fn sealed_by(self, seal: Arc<dyn RegisterSeal>) -> Registry {
        Registry { seal: Some(seal), ..self }
    }

    /// What was measured of the models on this box.
    pub fn profiles(&self) -> ProfileStore {
        ProfileStore::of(&self.folder)
    }

    fn register_path(&self) -> PathBuf {
        self.folder.join(REGISTER)
    }

    fn file_of(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.gguf"))
    }

    /// Reads the register; a folder without one has no models.
    fn read(&self) -> std::result::Result<Register, String> {
        let path = self.register_path();
        let text = match std::fs::metadata(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Register { version: FORMAT, models: Vec::new() });
            }
            Err(cause) => return Err(cause.to_string()),
            Ok(metadata) if metadata.len() > MAX_REGISTER_BYTES => {
                return Err(format!("有 {} 字节,超过上限", metadata.len()));
            }
            Ok(_) => std::fs::read_to_string(&path).map_err(|cause| cause.to_string())?,
        };
        let register: Register = serde_json::from_str(&text).map_err(|cause| cause.to_string())?;
        if register.version != FORMAT {
            return Err(format!("格式是第 {} 版,本程序支持第 {FORMAT} 版", register.version));
        }
        match register.models.iter().find(|entry| !is_checksum(&entry.sha256)) {
            // It becomes a file's name.
            Some(entry) => Err(format!("{} 的校验值 {} 不是 SHA-256", entry.name, entry.sha256)),
            None => Ok(register),
        }
    }

    /// Changes the register under the folder's lock. One that cannot be read is set aside first, and its files are taken up again.
    fn change<T>(&self, change: impl FnOnce(&mut Register) -> Result<T>) -> Result<T> {
        let mut register = match self.read() {
            Ok(register) => register,
            Err(_) => self.set_aside()?,
        };
        let result = change(&mut register)?;
        register.models.sort_by(|a, b| a.name.cmp(&b.name));
        let text = serde_json::to_vec_pretty(&register)
            .map_err(|cause| Error::new(Code::Internal, "模型登记无法转成 JSON", "请报告这个问题").because(cause))?;
        if let Some(seal) = &self.seal {
            seal.before(std::fs::read(self.register_path()).ok().as_deref(), &text)?;
        }
        disk::replace(&self.register_path(), &text).map_err(|cause| self.failed("写登记文件", cause))?;
        if let Some(seal) = &self.seal {
            seal.after(&text)?;
        }
        Ok(result)
    }

    /// Renames a register that cannot be read, and makes a new one of the files that are there.
    fn set_aside(&self) -> Result<Register> {
        let aside = (1..)
            .map(|n: u32| self.folder.join(format!("{REGISTER}.damaged-{n}")))
            .find(|path| !path.exists())
            .unwrap_or_default();
        std::fs::rename(self.register_path(), &aside).map_err(|cause| self.failed("保存损坏的登记文件", cause))?;
        tracing::warn!("the register of models was damaged and is kept as {}", aside.display());
        let models = self.strangers(&[])?.into_iter().map(|listed| listed.entry).collect();
        Ok(Register { version: FORMAT, models })
    }

    /// Takes the folder's lock, making the folder if need be; it is released when the file is dropped.
    fn lock(&self) -> Result<File> {
        let locked = std::fs::create_dir_all(&self.folder)
            .and_then(|()| File::create(self.folder.join(LOCK)))
            .and_then(|file| file.lock().map(|()| file));
        let file = locked.map_err(|cause| self.failed("使用模型目录", cause))?;
        intake::sweep(&self.folder);
        Ok(file)
    }

    fn failed(&self, what: &str, cause: std::io::Error) -> Error {
        let message = format!("{what}失败:{}:{cause}", self.folder.display());
        Error::new(Code::ModelRegistry, message, "检查数据目录的权限和磁盘空间").because(cause)
    }

    /// Files in the folder that are named as models and that `known` does not have, as entries that they could have.
    fn strangers(&self, known: &[Entry]) -> Result<Vec<Listed>> {
        let files = match std::fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(self.failed("读取模型目录", cause)),
        };
        let mut found: Vec<Listed> = Vec::new();
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            let Some(sha256) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".gguf")) else { continue };
            if !is_checksum(sha256) || known.iter().any(|entry| entry.sha256 == sha256) {
                continue;
            }
            let info = read_info(&path);
            let name = info.as_ref().map_or("未命名", |info| info.name.as_str());
            let entry = Entry {
                sha256: sha256.to_owned(),
                name: free_name(&clean_name(name), sha256, known.iter().chain(found.iter().map(|l| &l.entry))),
                role: info.as_ref().map_or(ModelRole::Large, ModelRole::of),
                bytes: std::fs::metadata(&path).map_or(0, |metadata| metadata.len()),
                added: clock::today().to_string(),
                adapts: None,
            };
            found.push(Listed { entry, registered: false, path: path.clone(), info });
        }
        found.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        Ok(found)
    }

    /// All models, with what is not in order.
    ///
    /// # Errors
    /// `MODEL_REGISTRY` when the folder cannot be read; a damaged register is a note.
    pub fn list(&self) -> Result<Listing> {
        let mut notes = Vec::new();
        let register = self.read().unwrap_or_else(|why| {
            let shown = self.register_path();
            notes.push(format!(
                "登记文件 {} 不能使用({why});模型文件都还在,下一次登记或删除时会另存它并重新登记",
                shown.display()
            ));
            Register::default()
        });
        let strangers = self.strangers(&register.models)?;
        let mut models = Vec::new();
        for entry in register.models {
            let path = self.file_of(&entry.sha256);
            let info = read_info(&path);
            if !path.exists() {
                notes.push(format!("{} 的文件不见了:{}", entry.name, path.display()));
            } else if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() != entry.bytes) {
                notes.push(format!("{} 的文件大小与登记的不同,请用 guida model verify 检查", entry.name));
            }
            models.push(Listed { entry, registered: true, path, info });
        }
        for stranger in &strangers {
            notes.push(format!("{} 没有登记,可用 guida model add 登记", stranger.path.display()));
        }
        models.extend(strangers);
        Ok(Listing { models, notes })
    }

    /// The registered model of this name, or of a checksum that begins so.
    ///
    /// # Errors
    /// `NOT_FOUND`, with the names that there are; `BAD_PARAMETER` when several checksums begin so; `MODEL_REGISTRY`.
    pub fn find(&self, key: &str) -> Result<Entry> {
        let register = self.read().map_err(|why| self.damaged(&why))?;
        find_in(&register, key).cloned()
    }

    /// The file of a registered model, see [`Registry::find`].
    ///
    /// # Errors
    /// As there.
    pub fn path_of(&self, key: &str) -> Result<PathBuf> {
        self.find(key).map(|entry| self.file_of(&entry.sha256))
    }

    /// The file of the only model with this role; `None` when there is none.
    ///
    /// # Errors
    /// `BAD_PARAMETER` when there are several, `MODEL_REGISTRY`.
    pub fn with_role(&self, role: ModelRole) -> Result<Option<PathBuf>> {
        let register = self.read().map_err(|why| self.damaged(&why))?;
        let mut found = register.models.iter().filter(|entry| entry.role == role);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(entry), None) => Ok(Some(self.file_of(&entry.sha256))),
            (Some(first), Some(second)) => Err(Error::new(
                Code::BadParameter,
                format!("有几个模型可用:{}、{} 等", first.name, second.name),
                "用 --model 指明一个",
            )),
        }
    }

    fn damaged(&self, why: &str) -> Error {
        Error::new(
            Code::ModelRegistry,
            format!("登记文件 {} 不能使用:{why}", self.register_path().display()),
            "模型文件都还在:用 guida model list 查看,重新 guida model add 其中一个,登记就会恢复",
        )
    }

    /// Reads a model's file again and compares it with its checksum and its header's rules.
    ///
    /// # Errors
    /// `MODEL_LOAD` when it is not as it was added; those of [`Registry::find`].
    pub fn verify(&self, key: &str) -> Result<Entry> {
        self.verify_unless(key, &AtomicBool::new(false))
    }

    /// [`Registry::verify`], ended by `stop`.
    ///
    /// # Errors
    /// As there, and `CANCELLED`.
    pub fn verify_unless(&self, key: &str, stop: &AtomicBool) -> Result<Entry> {
        let entry = self.find(key)?;
        let path = self.file_of(&entry.sha256);
        let info = read_info(&path)?;
        let found = sha256(&path, stop)?;
        if found != entry.sha256 {
            let message = format!("模型 {} 的文件已损坏:校验值是 {found},应为 {}", entry.name, entry.sha256);
            return Err(Error::new(Code::ModelLoad, message, "检查磁盘,从发放介质重新 guida model add"));
        }
        entry.role.suits(&info)?;
        Ok(entry)
    }

    /// Removes a model: the register's line, what was measured of it, and its file. A model that is being used stays in the memory of
    /// the process that uses it.
    ///
    /// # Errors
    /// Those of [`Registry::find`], `BAD_PARAMETER` while adapters belong to it, `MODEL_REGISTRY`.
    pub fn remove(&self, key: &str) -> Result<Entry> {
        let _lock = self.lock()?;
        let entry = self.change(|register| {
            let entry = find_in(register, key)?.clone();
            if let Some(adapter) = register.models.iter().find(|other| other.adapts.as_ref() == Some(&entry.sha256)) {
                return Err(Error::new(
                    Code::BadParameter,
                    format!("适配器 {} 属于模型 {}", adapter.name, entry.name),
                    format!("先删除它:guida model remove {}", adapter.name),
                ));
            }
            register.models.retain(|other| other.sha256 != entry.sha256);
            Ok(entry)
        })?;
        self.profiles().forget(&entry.sha256)?;
        // The file, and what is kept beside it under its name.
        let files = std::fs::read_dir(&self.folder).map_err(|cause| self.failed("删除模型文件", cause))?;
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&entry.sha256)) {
                std::fs::remove_file(&path).map_err(|cause| self.failed("删除模型文件", cause))?;
            }
        }
        Ok(entry)
    }
}

/// The entry of this name, or of a checksum that begins so.
fn find_in<'r>(register: &'r Register, key: &str) -> Result<&'r Entry> {
    if let Some(entry) = register.models.iter().find(|entry| entry.name == key) {
        return Ok(entry);
    }
    let prefix = key.to_lowercase();
    let may_be_checksum = prefix.len() >= MIN_PREFIX && prefix.bytes().all(|b| b.is_ascii_hexdigit());
    let mut found = register.models.iter().filter(|entry| may_be_checksum && entry.sha256.starts_with(&prefix));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(first), Some(second)) => Err(Error::new(
            Code::BadParameter,
            format!("校验值以 {key} 开头的模型不止一个:{}、{}", first.name, second.name),
            "多写几位,或写模型名",
        )),
        (None, _) => {
            let names: Vec<&str> = register.models.iter().map(|entry| entry.name.as_str()).collect();
            let known = if names.is_empty() { "还没有登记任何模型".into() } else { names.join("、") };
            Err(Error::new(
                Code::NotFound,
                format!("没有名为 {key} 的模型;已登记的:{known}"),
                "用 guida model list 查看,用 guida model add 文件 登记",
            ))
        }
    }
}
