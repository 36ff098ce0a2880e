//! A box made of a backup. Everything is unpacked beside its place and looked at before the first file goes there; the file that says that
//! the box is set up comes last, so that a box whose restoring was cut short is not set up.

use super::archive::{self, Header, damaged};
use crate::error::{Code, Error, Result};
use crate::import::intact::{Compared, compare_file, vouched};
use crate::import::{failed, home};
use crate::pack::keys::Verifier;
use crate::store::generations::{Active, DataDir};
use crate::store::state::StateDb;
use serde::Serialize;
use std::fs::{File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// Where it is unpacked, in the data folder.
const STAGE: &str = ".restore";
/// What may lie in the data folder of a new box: settings, logs, what a file system puts there. Folders with nothing in them may, too.
const ALLOWED: [&str; 5] = ["guida.toml", "log", "run", "import.lock", "lost+found"];
/// Longest path of a file in it, in bytes.
const MAX_PATH_BYTES: usize = 512;
/// What its files may not be for others, and its folders.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;
/// Only the owner enters the folder of keys.
const KEYS_MODE: u32 = 0o700;
/// Most files of a backup.
const MAX_FILES: u64 = 100_000;

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The bank and the branch.
    pub bank_id: String,
    /// The branch.
    pub branch: String,
    /// The generation that answers from now on.
    pub knowledge: Option<String>,
    /// How many files there were.
    pub files: u64,
    /// Entries of the journal.
    pub entries: i64,
}

/// Makes the box that a backup was taken of. The data folder may hold settings and logs, but no box.
///
/// # Errors
/// `DATA_FOLDER` when a box is set up there, or other files lie there; `KEY_FILE` when the passphrase is wrong; `BACKUP_FILE` when the backup is damaged or is not a
/// whole box; `KB_ALTERED` when its knowledge is not what head office signed; `NO_SPACE`, `IO`.
pub fn restore(
    data: &DataDir,
    backup: &Path,
    passphrase: &str,
    actor: &str,
    verifier: &dyn Verifier,
) -> Result<Restored> {
    // A restoring that was cut short left its stage; only then are records here nobody's.
    let begun = data.root().join(STAGE).exists();
    if data.branch_file().exists() || (data.state_db().exists() && !begun) {
        return Err(Error::new(
            Code::DataFolder,
            format!("{} 里已经有一台柜答的数据,没有恢复", data.root().display()),
            "恢复到空的数据目录;确认旧数据不要了,先把它改名移开",
        ));
    }
    if !begun {
        require_empty(data)?;
    }
    let file = File::open(backup).map_err(|e| {
        Error::new(Code::BackupFile, format!("读不出备份 {}:{e}", backup.display()), "检查路径和 U 盘").because(e)
    })?;
    std::fs::create_dir_all(data.root()).map_err(|e| failed("建不了", data.root(), e))?;
    let stage = Stage::make(data)?;
    let staged = DataDir::at(&stage.0);
    let mut count = 0;
    archive::read(BufReader::new(file), passphrase, &mut |header, content| {
        count += 1;
        if count > MAX_FILES {
            return Err(damaged(&"文件太多"));
        }
        unpack(&stage.0, header, content)
    })?;
    let (home, active) = whole(&staged, verifier)?;
    let entries = record(&staged, backup, actor)?;
    let restored = Restored {
        bank_id: home.branch.bank_id,
        branch: home.branch.branch,
        knowledge: active.active,
        files: count,
        entries,
    };
    for folder in [staged.generations(), staged.staging(), staged.models(), staged.outbox()] {
        make_folder(&folder).map_err(|e| failed("建不了", &folder, e))?;
    }
    own(data.root(), &stage.0)?;
    put_in_place(data, &stage.0)?;
    Ok(restored)
}

/// Refuses a folder in which something lies that a package does not put there: whoever named a wrong folder must not find a box among his files.
fn require_empty(data: &DataDir) -> Result<()> {
    let entries = match std::fs::read_dir(data.root()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| failed("读不出", data.root(), e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| failed("读不出", data.root(), e))?;
        let (name, path) = (entry.file_name(), entry.path());
        let own = ALLOWED.iter().any(|allowed| name == *allowed);
        let blank = path.is_dir() && std::fs::read_dir(&path).map_err(|e| failed("读不出", &path, e))?.next().is_none();
        if !own && !blank {
            let message = format!("{} 不是空目录,里面有 {},没有恢复", data.root().display(), name.display());
            return Err(Error::new(Code::DataFolder, message, "恢复到空的数据目录,如 --data /var/lib/guida"));
        }
    }
    Ok(())
}

/// The folder of what is not in its place yet; removed when dropped.
struct Stage(PathBuf);

impl Stage {
    fn make(data: &DataDir) -> Result<Stage> {
        let stage = Stage(data.root().join(STAGE));
        // Left by a restoring that was cut short.
        let _ = std::fs::remove_dir_all(&stage.0);
        make_folder(&stage.0).map_err(|e| failed("建不了", &stage.0, e))?;
        Ok(stage)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    let mode = if path.ends_with("keys") { KEYS_MODE } else { FOLDER_MODE };
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Writes one file, below the stage whatever its name says.
fn unpack(stage: &Path, header: &Header, content: &mut dyn Read) -> Result<()> {
    let name = Path::new(&header.path);
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    if header.path.is_empty() || header.path.len() > MAX_PATH_BYTES || !plain {
        return Err(damaged(&format!("不合规的文件名 {}", header.path.escape_debug())));
    }
    let path = stage.join(name);
    let mut above = stage.to_owned();
    for part in name.parent().into_iter().flat_map(Path::components) {
        above.push(part);
        make_folder(&above).map_err(|e| failed("建不了", &above, e))?;
    }
    let mode = header.mode & FILE_MODE;
    let mut write = || {
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&path)?;
        io::copy(content, &mut file)?;
        file.sync_all()
    };
    write().map_err(|e| failed("写不了", &path, e))
}

/// Refuses what is not a whole box: who it is, whom it trusts, and knowledge that is what was signed.
fn whole(staged: &DataDir, verifier: &dyn Verifier) -> Result<(home::Home, Active)> {
    let home = home::Home::open(staged, verifier)?;
    home::Home::device_key(staged)?;
    let active = Active::read(staged)?;
    if let Some(gid) = &active.active {
        let signed = vouched(staged, gid, verifier)?;
        let path = staged.knowledge(gid);
        match compare_file(&path, &signed.knowledge, &mut || true).map_err(|e| failed("读不出", &path, e))? {
            Compared::Same => {}
            Compared::Other(_) | Compared::Stopped => {
                return Err(Error::new(
                    Code::KbAltered,
                    format!("备份里的知识 {gid} 与总行签发的不一致,没有恢复"),
                    "换一份备份,或建立新的数据目录后从 U 盘导入",
                ));
            }
        }
    }
    Ok((home, active))
}

/// Looks through the journal and enters the restoring; returns the number of entries.
fn record(staged: &DataDir, backup: &Path, actor: &str) -> Result<i64> {
    let state = StateDb::open(&staged.state_db())?;
    if let Some(wrong) = state.verify()? {
        return Err(damaged(&wrong));
    }
    state.record(actor, "restore", "OK", &format!("从备份 {} 恢复", backup.display()))?;
    let entries = state.events(1)?.first().map_or(0, |event| event.id);
    state.close()?;
    Ok(entries)
}

/// Gives everything to whom the data folder belongs, where that is another than who restores.
fn own(root: &Path, stage: &Path) -> Result<()> {
    let owner = std::fs::metadata(root).map_err(|e| failed("读不出", root, e))?;
    let mut all = vec![stage.to_owned()];
    let mut next = 0;
    while let Some(path) = all.get(next).cloned() {
        next += 1;
        let about = std::fs::symlink_metadata(&path).map_err(|e| failed("读不出", &path, e))?;
        if (about.uid(), about.gid()) != (owner.uid(), owner.gid()) {
            let (uid, gid) = (Some(owner.uid()), Some(owner.gid()));
            std::os::unix::fs::lchown(&path, uid, gid).map_err(|e| failed("改不了属主", &path, e))?;
        }
        if about.is_dir() {
            let entries = std::fs::read_dir(&path).map_err(|e| failed("读不出", &path, e))?;
            all.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    Ok(())
}

/// Moves everything from the stage into the data folder: what says that the box is set up last.
fn put_in_place(data: &DataDir, stage: &Path) -> Result<()> {
    let unreadable = |e| failed("读不出", stage, e);
    let mut names: Vec<_> = std::fs::read_dir(stage)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<_>>()
        .map_err(unreadable)?;
    let last = data.branch_file();
    names.sort_by_key(|name| last.file_name() == Some(name));
    for name in names {
        let place = data.root().join(&name);
        if place.file_name() == last.file_name() {
            sync(data.root())?;
        }
        move_into(&stage.join(&name), &place).map_err(|e| failed("写不了", &place, e))?;
    }
    sync(data.root())
}

/// Moves a file or folder; into a folder that is there already, whatever is in it.
fn move_into(from: &Path, to: &Path) -> io::Result<()> {
    if !(from.is_dir() && to.is_dir()) {
        return std::fs::rename(from, to);
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        move_into(&entry.path(), &to.join(entry.file_name()))?;
    }
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| {
            folder.sync_all()?;
            rustix::fs::syncfs(&folder).map_err(io::Error::from)
        })
        .map_err(|e| failed("写不了", folder, e))
}
