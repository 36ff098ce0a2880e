//! The settings, as requests: what counts and where it comes from; changes go into the file.
//!
//! A service reads `guida.toml` once, when it starts, and keeps what it found; [`SettingsDesk`] remembers that and reads the file again
//! whenever somebody looks, so that a change made beside it (an editor, `guida settings`) is told as waiting for the next start.

use super::Engine;
use super::branch::is_home;
use super::request::Actor;
use crate::config::{
    FILE_NAME, FileSettings, Given, Key, MAX_FILE_BYTES, NEW_FILE, Problem, Setting, SettingRow, Settings, Source,
    Value, edit, refusal, unknown,
};
use crate::disk::{self, Disk, RealDisk};
use crate::error::{Code, Error, ErrorBody, Result};
use crate::store::generations::DataDir;
use crate::store::state::StateDb;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the journal calls a change.
const EVENT: &str = "settings";

/// What can be asked of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum SettingsRequest {
    /// All of them.
    List,
    /// Writes a value into the file, after checking it.
    Set {
        /// Which.
        key: String,
        /// The value as it would be typed.
        value: String,
    },
    /// Takes it out of the file.
    Reset {
        /// Which.
        key: String,
    },
}

/// The settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingsReply {
    /// Every one, in the order of the table.
    pub rows: Vec<SettingRow>,
    /// The file; `None` when the service has no data folder.
    pub file: Option<String>,
    /// Something in the file takes effect only when the service is started anew.
    pub restart_needed: bool,
    /// What is wrong with the file as it stands now: with it the service would not start.
    pub problem: Option<ErrorBody>,
}

/// Which settings file is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SettingsPlace {
    /// None: there is no data folder.
    #[default]
    Nowhere,
    /// The one of a data folder, which need not be there.
    Data(PathBuf),
    /// One that was named and has to be there.
    Named(PathBuf),
}

impl SettingsPlace {
    /// The file that was named, else that of the data folder.
    pub fn of(named: Option<&Path>, data: Option<&Path>) -> SettingsPlace {
        match (named, data) {
            (Some(file), _) => SettingsPlace::Named(file.to_owned()),
            (None, Some(data)) => SettingsPlace::Data(data.join(FILE_NAME)),
            (None, None) => SettingsPlace::Nowhere,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            SettingsPlace::Nowhere => None,
            SettingsPlace::Data(path) | SettingsPlace::Named(path) => Some(path),
        }
    }
}

/// Where settings are looked up and changed.
pub struct SettingsDesk {
    place: SettingsPlace,
    given: Given,
    running: Settings,
    problems: Vec<Problem>,
    disk: Arc<dyn Disk>,
}

impl Default for SettingsDesk {
    /// The defaults, without a file.
    fn default() -> SettingsDesk {
        SettingsDesk::open(SettingsPlace::Nowhere, Given::default())
    }
}

impl SettingsDesk {
    /// Reads the settings as they count from now on. What is wrong is kept for [`SettingsDesk::checked`].
    pub fn open(place: SettingsPlace, given: Given) -> SettingsDesk {
        let (running, problems) = Settings::resolve(&read(&place), &given);
        SettingsDesk { place, given, running, problems, disk: Arc::new(RealDisk) }
    }

    /// The same on another disk.
    pub fn on(self, disk: Arc<dyn Disk>) -> SettingsDesk {
        SettingsDesk { disk, ..self }
    }

    /// The settings, when all of them were right.
    ///
    /// # Errors
    /// `CONFIG` with everything that was wrong.
    pub fn checked(&self) -> Result<&Settings> {
        refusal(&self.problems).map_or(Ok(&self.running), Err)
    }

    /// The settings as the file gives them at this moment: what those that count at once are now. What is wrong in it counts nowhere.
    pub fn now(&self) -> Settings {
        Settings::resolve(&read(&self.place), &self.given).0
    }

    /// Answers a request; a change is recorded in the journal.
    ///
    /// # Errors
    /// `CONFIG` for an unknown name, a value that may not be, or a file that would be wrong; `DATA_FOLDER` without a file; `IO`,
    /// `NO_SPACE` and `STATE_DB` when it cannot be written.
    pub fn handle(&self, actor: &Actor, journal: Option<&StateDb>, request: &SettingsRequest) -> Result<SettingsReply> {
        let changed = match request {
            SettingsRequest::List => None,
            SettingsRequest::Set { key, value } => self.change(key, Some(value))?,
            SettingsRequest::Reset { key } => self.change(key, None)?,
        };
        if let Some(changed) = changed {
            tracing::info!("{} changed a setting: {changed}", actor.name());
            if let Some(journal) = journal {
                journal.record(actor.name(), EVENT, "OK", &changed)?;
            }
        }
        Ok(self.list())
    }

    /// Every setting, by the file as it stands now.
    pub(super) fn list(&self) -> SettingsReply {
        let file = read(&self.place);
        let (now, problems) = Settings::resolve(&file, &self.given);
        let rows = self.running.rows(&now, &file);
        SettingsReply {
            restart_needed: rows.iter().any(|row| row.pending),
            rows,
            file: self.place.path().map(|path| path.display().to_string()),
            problem: refusal(&problems).as_ref().map(ErrorBody::from),
        }
    }

    /// Changes the file. Returns what is other in it, in words; `None` when nothing is.
    fn change(&self, key: &str, value: Option<&str>) -> Result<Option<String>> {
        let setting = Setting::named(key).ok_or_else(|| unknown(key))?;
        let value = value.map(|text| setting.kind.read(text.trim(), Source::File).ok_or_else(|| wrong(setting, text)));
        let value = value.transpose()?;
        let path = self.place.path().ok_or_else(|| {
            Error::new(
                Code::DataFolder,
                "服务没有使用数据目录,没有设置文件可写",
                "用 guida serve --data 目录(或 --config 文件)启动",
            )
        })?;
        // What a link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |e| unwritable(&path, e);
        // One at a time, whichever process does it: what another has just written is not written over.
        let folder = File::open(folder).map_err(failed)?;
        folder.lock().map_err(failed)?;
        let changed = self.rewrite(&path, setting, value.as_ref());
        // Said, not left to the closing: a process just started may hold a copy of the file.
        let _ = folder.unlock();
        changed
    }

    fn rewrite(&self, path: &Path, setting: &Setting, value: Option<&Value>) -> Result<Option<String>> {
        let name = path.display().to_string();
        let bytes = match bytes(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound && value.is_some() => NEW_FILE.into(),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unwritable(path, e)),
        };
        let old = FileSettings::read(&bytes, &name);
        let edited = std::str::from_utf8(&bytes).ok().filter(|_| bytes.len() <= MAX_FILE_BYTES).and_then(|text| {
            match value {
                Some(value) => edit::set(text, setting, value),
                None => edit::reset(text, setting),
            }
            .ok()
        });
        let before = Settings::resolve(&old, &self.given).1;
        // What is no TOML cannot be changed in one place.
        let Some(edited) = edited else { return Err(refusal(&before).unwrap_or_else(not_taken)) };
        let new = FileSettings::read(edited.as_bytes(), &name);
        // Several faults may be mended one by one; a new one is never written.
        let after = Settings::resolve(&new, &self.given).1;
        if let Some(error) = refusal(&after).filter(|_| after.len() >= before.len()) {
            return Err(error);
        }
        if new.value(setting.id) != value {
            return Err(not_taken());
        }
        if edited.as_bytes() != bytes {
            disk::replace(&*self.disk, path, edited.as_bytes()).map_err(|e| unwritable(path, e))?;
        }
        let shown = |file: &FileSettings| file.standing(setting.id).unwrap_or_else(|| "(未设)".into());
        let (was, is) = (shown(&old), shown(&new));
        Ok((was != is).then(|| format!("{}:{was} → {is}", setting.key)))
    }
}

/// What a request does to a data folder without a service, and to its journal.
///
/// # Errors
/// As [`SettingsDesk::handle`].
pub fn at_rest(desk: &SettingsDesk, data: &Path, request: &SettingsRequest) -> Result<SettingsReply> {
    let changes = *request != SettingsRequest::List;
    let journal = (changes && is_home(data)).then(|| StateDb::open(&DataDir::at(data).state_db())).transpose()?;
    desk.handle(&Actor::at_the_command_line(), journal.as_ref(), request)
}

impl Engine {
    /// Serves by these settings. Before it is shared.
    pub fn with_settings(self, settings: SettingsDesk) -> Engine {
        Engine { settings: Arc::new(settings), ..self }
    }

    /// The folders in which packs are looked for beside mounted sticks, by the file as it stands now.
    pub fn stick_folders(&self) -> Vec<PathBuf> {
        self.settings.now().paths(Key::ImportSticks)
    }

    pub(super) fn settings(&self, actor: &Actor, request: &SettingsRequest) -> Result<SettingsReply> {
        self.settings.handle(actor, self.home.as_ref().map(|home| &*home.state), request)
    }
}

/// Reads a settings file; one that is not there sets nothing.
fn read(place: &SettingsPlace) -> FileSettings {
    let Some(path) = place.path() else { return FileSettings::default() };
    let name = path.display().to_string();
    match bytes(path) {
        Ok(bytes) => FileSettings::read(&bytes, &name),
        Err(e) if e.kind() == ErrorKind::NotFound => match place {
            SettingsPlace::Named(_) => FileSettings::unreadable(
                &name,
                "没有这个设置文件".into(),
                "核对 --config(或 GUIDA_CONFIG)写的路径;不需要设置文件时去掉它",
            ),
            _ => FileSettings::default(),
        },
        Err(e) => FileSettings::unreadable(
            &name,
            format!("设置文件读不出:{e}"),
            "检查文件权限(服务的用户要能读);不要的文件改名移走",
        ),
    }
}

/// The bytes of a file, one more than allowed when there are more.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "不是普通文件"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wrong(setting: &Setting, text: &str) -> Error {
    Error::new(
        Code::Config,
        format!("{} 应是{},给出的是“{text}”", setting.key, setting.kind.allowed(Source::Typed)),
        "改成允许的值",
    )
}

fn not_taken() -> Error {
    Error::new(Code::Config, "设置文件的写法使这一项不能自动改写", "用编辑器改设置文件,每项单独一行")
}

fn unwritable(path: &Path, e: io::Error) -> Error {
    let message = format!("设置文件 {} 写不成:{e}", path.display());
    if disk::is_full(&e) {
        return Error::new(Code::NoSpace, message, "清理磁盘后重试").because(e);
    }
    Error::new(Code::Io, message, "检查数据目录在不在、当前用户能不能写;磁盘报错时请更换").because(e)
}
