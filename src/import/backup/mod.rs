//! A box in one file: everything that makes a branch's box what it is, under a passphrase, for a stick or a folder; and a new box made of
//! it. `archive` has the form of the file, `restore` the way back.
//!
//! A backup is taken while tellers ask. Knowledge cannot be switched and models cannot be added meanwhile; the journal is copied by SQLite
//! as it stood at one moment. It is read back whole before it gets its name.

mod archive;
mod restore;

pub use restore::{Restored, restore};

use super::intact::{Compared, compare_file, vouched};
use super::lock::ChangeLock;
use super::{failed, home};
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::keys::Verifier;
use crate::store::generations::{Active, DataDir};
use crate::store::state::StateDb;
use archive::{Broken, Header, Writer};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The journal, in the data folder and in a backup.
const JOURNAL: &str = "state.db";
/// Files at the top of the data folder that belong to the box. What is missing there is made by the program, or for the time being only.
const OWN_FILES: [&str; 4] = ["ACTIVE", "ACTIVE.bak", "branch.json", "guida.toml"];
/// Folders of the same kind.
const OWN_FOLDERS: [&str; 3] = ["keys", "outbox", "models"];
/// What the program makes anew: caches beside the models, files on their way in, locks.
const REMADE: [&str; 3] = [".prompts", ".part", ".lock"];
/// How deep files lie in these folders.
const MAX_DEPTH: usize = 4;

/// What was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, to be written down beside it.
    pub sha256: String,
    /// How many files of the data folder are in it.
    pub files: u64,
    /// The generation that answered.
    pub knowledge: Option<String>,
    /// Files of models that were left out, because that was asked for.
    pub left_out: u64,
}

/// Puts a box into a file in `target`, under this passphrase.
///
/// # Errors
/// `DATA_FOLDER` when the box is not set up or the target lies in its folder, `IO` when the target is no folder, `IMPORT_BUSY` while knowledge
/// changes, `KB_ALTERED` when the knowledge that answers is not what was signed, `KEY_FILE` for a passphrase that can be guessed, `NO_SPACE`,
/// and `BACKUP_FILE` when what was written does not read.
pub fn back_up(
    data: &DataDir,
    target: &Path,
    passphrase: &str,
    models: bool,
    actor: &str,
    verifier: &dyn Verifier,
) -> Result<BackedUp> {
    home::require(data)?;
    let target = &place_for(target, data)?;
    let _unchanged = ChangeLock::take(&data.import_lock())?;
    let _models = lock_models(data)?;
    let active = Active::read(data)?;
    let branch = home::Home::open(data, verifier)?.branch.branch;
    // Whoever restores it shall not find out then.
    if let Some(gid) = &active.active {
        let signed = vouched(data, gid, verifier)?;
        let path = data.knowledge(gid);
        if compare_file(&path, &signed.knowledge, &mut || true).map_err(|e| failed("读不出", &path, e))?
            != Compared::Same
        {
            return Err(Error::new(
                Code::KbAltered,
                format!("现行知识 {gid} 与总行签发的不一致,没有备份"),
                "先插上该知识包的 U 盘重新导入,再备份",
            ));
        }
    }
    let state = StateDb::open(&data.state_db())?;
    let journal = Snapshot::of(&state, data)?;
    let generations = [&active.active, &active.prev].into_iter().flatten().map(|gid| data.generation(gid));
    let folders = OWN_FOLDERS.iter().map(|name| data.root().join(name)).chain(generations);
    let mut files: Vec<PathBuf> = OWN_FILES.iter().map(|name| data.root().join(name)).collect();
    for folder in folders {
        below(&folder, MAX_DEPTH, &mut files).map_err(|e| failed("读不出", &folder, e))?;
    }
    let whole = files.len();
    files.retain(|path| models || path.extension().is_none_or(|ending| ending != "gguf"));
    let left_out = (whole - files.len()) as u64;

    let stamp = clock::now().strftime("%Y%m%d-%H%M%S").to_string();
    let file = target.join(format!("guida-{branch}-{stamp}.backup"));
    let unfinished = Unfinished(target.join(format!(".guida-{branch}-{stamp}.tmp")));
    let out = File::options().write(true).create_new(true).mode(0o600).open(&unfinished.0);
    let mut writer = Writer::begin(out.map_err(|e| unwritable(&unfinished.0, e))?, passphrase)?;
    let mut add = |name: &str, path: &Path| {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (about, mut content) = match opened {
            // Not every box has all of them.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|e| failed("读不出", path, e))?,
        };
        writer.add(&Header::of(name, about.len(), about.mode() & 0o777), &mut content).map_err(|e| match e {
            Broken::Reading(e) => failed("读不出", path, e),
            Broken::Writing(e) => unwritable(&unfinished.0, e),
        })
    };
    add(JOURNAL, &journal.0)?;
    for path in &files {
        let name = path.strip_prefix(data.root()).unwrap_or(path);
        let name = name.to_str().ok_or_else(|| failed("文件名不是 UTF-8", path, io::ErrorKind::InvalidData.into()))?;
        add(name, path)?;
    }
    let mut out = writer.finish().map_err(|e| unwritable(&unfinished.0, e))?;
    out.flush().and_then(|()| out.sync_all()).map_err(|e| unwritable(&unfinished.0, e))?;
    drop(out);
    let (bytes, sha256, files) = proven(&unfinished.0, passphrase)?;
    std::fs::rename(&unfinished.0, &file)
        .and_then(|()| File::open(target)?.sync_all())
        .map_err(|e| unwritable(&file, e))?;
    state.record(actor, "backup", "OK", &format!("{}({bytes} 字节,SHA-256 {sha256})", file.display()))?;
    Ok(BackedUp { file, bytes, sha256, files, knowledge: active.active, left_out })
}

/// The folder that takes the backup, without links. It must be there: a stick that is not plugged in is a folder that is missing, and one made in
/// its place would fill the box's own disk. In the data folder it would be lost together with it.
fn place_for(target: &Path, data: &DataDir) -> Result<PathBuf> {
    const HINT: &str = "插好 U 盘并确认已挂载,或先建好目录,再重试";
    let missing = |why: &str| Error::new(Code::Io, format!("备份的位置 {} {why},没有备份", target.display()), HINT);
    let place = match target.canonicalize() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(missing("不存在").because(e)),
        place => place.map_err(|e| unwritable(target, e))?,
    };
    if !place.is_dir() {
        return Err(missing("不是目录"));
    }
    let root = data.root().canonicalize().map_err(|e| failed("读不出", data.root(), e))?;
    if place.starts_with(&root) {
        let message = format!("备份的位置 {} 在数据目录 {} 里面,没有备份", target.display(), root.display());
        return Err(Error::new(Code::DataFolder, message, "备份到 U 盘或另一块磁盘的目录"));
    }
    Ok(place)
}

/// Reads a backup to its end: its length, its hash and how many files it has.
fn proven(path: &Path, passphrase: &str) -> Result<(u64, String, u64)> {
    let unreadable = |e: io::Error| archive::unread(&e);
    let mut file = File::open(path).map_err(unreadable)?;
    let files = archive::read(BufReader::new(&file), passphrase, &mut |_, _| Ok(()))?;
    file.rewind().map_err(unreadable)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hash.update(piece);
        bytes += read as u64;
    }
    Ok((bytes, hex::encode(&hash.finalize()), files))
}

/// Makes a box that was moved one that is not set up: two boxes must not go on as the same branch. Everything else stays until somebody
/// deletes it.
///
/// # Errors
/// `IO`.
pub fn retire(data: &DataDir) -> Result<PathBuf> {
    let file = data.branch_file();
    let moved = file.with_extension("json.moved");
    std::fs::rename(&file, &moved)
        .and_then(|()| File::open(data.root())?.sync_all())
        .map_err(|e| failed("写不了", &file, e))?;
    Ok(moved)
}

/// Nobody adds or removes a model meanwhile.
fn lock_models(data: &DataDir) -> Result<Option<File>> {
    let path = data.models().join(".lock");
    if !data.models().is_dir() {
        return Ok(None);
    }
    let locked = File::options().create(true).truncate(false).write(true).open(&path).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map(Some).map_err(|e| failed("锁不住", &path, e))
}

/// The journal as it stood at one moment, beside it; removed when dropped.
struct Snapshot(PathBuf);

impl Snapshot {
    fn of(state: &StateDb, data: &DataDir) -> Result<Snapshot> {
        let snapshot = Snapshot(data.root().join(format!(".{JOURNAL}.{}.backup", std::process::id())));
        let _ = std::fs::remove_file(&snapshot.0);
        state.copy_to(&snapshot.0)?;
        Ok(snapshot)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A backup that has no name yet; removed when dropped, unless it got one.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Ordinary files below a folder, in the order of their names.
fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort_unstable();
    for path in paths {
        let about = std::fs::symlink_metadata(&path)?;
        let name = path.to_string_lossy();
        if about.is_dir() && depth > 1 {
            below(&path, depth - 1, found)?;
        } else if about.is_file() && !REMADE.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
}

/// A target that takes no more. A FAT file system ends at 4 GiB, which models reach.
fn unwritable(path: &Path, e: io::Error) -> Error {
    if e.kind() == io::ErrorKind::FileTooLarge {
        let message = format!("{} 所在的文件系统放不下这么大的文件(FAT 至多 4 GiB)", path.display());
        return Error::new(Code::NoSpace, message, "换 exFAT 或 ext4 的 U 盘,或加 --no-models,模型另行拷贝").because(e);
    }
    failed("写不了备份", path, e)
}
