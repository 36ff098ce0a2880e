//! The stick: reading what is ours, and leaving a receipt.
//!
//! Nothing on a stick is believed, its file system included. Only ordinary files below `kbpack` are read, found without following
//! links or entering other file systems (`beneath`); every file is read once, within a limit; folders that are absurdly full are
//! refused, and so are two names that some systems hold for the same. What the systems of this world leave on sticks (`._*`,
//! `System Volume Information`, names in other encodings) is not ours and is not looked at.

mod beneath;
pub mod names;

use crate::disk;
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use beneath::Refused;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most names in one folder of ours. A shelf of parts holds one in 256 of all parts; 4096 parts and 64 files a pack leave room.
const MAX_NAMES: usize = 65_536;

/// A mounted stick, or any folder that is laid out like one.
#[derive(Debug)]
pub struct Stick {
    root: Arc<OwnedFd>,
    /// Device and inode of the folder when it was opened.
    identity: (u64, u64),
    path: PathBuf,
    /// Folders whose names were looked through.
    seen: Mutex<HashSet<String>>,
}

/// A part on the stick, read from its beginning.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    length: u64,
}

impl PartFile {
    /// Length in bytes when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Read for PartFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for PartFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Stick {
    /// Opens the folder that holds `kbpack`.
    ///
    /// # Errors
    /// `PACK_INCOMPLETE` when it or `kbpack` in it is not there, `PACK_UNSAFE` when `kbpack` is a link, `PACK_PARSE` when there are
    /// two of them, `PACK_REMOVED`, `IO`.
    pub fn open(path: &Path) -> Result<Stick> {
        let stick = Stick::bare(path)?;
        if !stick.contains(names::HOME)? {
            let inside = path.join("packs").is_dir() || path.join("root").is_dir();
            let hint = match path.parent().filter(|_| inside) {
                Some(above) => format!("给出 kbpack 的上一级文件夹:{}", above.display()),
                None => "检查是否插对了 U 盘;给出 U 盘挂载的文件夹,kbpack 应直接在其中".into(),
            };
            return Err(Error::new(
                Code::PackIncomplete,
                format!("{} 里没有知识包(kbpack 文件夹)", path.display()),
                hint,
            ));
        }
        stick.look_through("")?;
        beneath::folder(&stick.root, names::HOME).map_err(|e| stick.refused(names::HOME, e))?;
        Ok(stick)
    }

    /// Opens a folder to put packs into; `kbpack` is made when it is missing.
    ///
    /// # Errors
    /// As [`Stick::open`].
    pub fn create(path: &Path) -> Result<Stick> {
        let stick = Stick::bare(path)?;
        stick.look_through("")?;
        beneath::make_folder(&stick.root, names::HOME).map_err(|e| stick.refused(names::HOME, e))?;
        Ok(stick)
    }

    fn bare(path: &Path) -> Result<Stick> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = fs::open(path, flags, Mode::empty()).and_then(|root| Ok((fs::fstat(&root)?, root)));
        let (seen, root) = opened.map_err(|e| match e {
            Errno::NOENT | Errno::NOTDIR => Error::new(
                Code::PackIncomplete,
                format!("没有文件夹 {}", path.display()),
                "检查 U 盘是否插好并已挂载、路径是否正确",
            ),
            e => reading_failed(&path.display().to_string(), &e.into()),
        })?;
        let identity = (seen.st_dev, seen.st_ino);
        Ok(Stick { root: Arc::new(root), identity, path: path.to_owned(), seen: Mutex::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file once and whole, at most `cap` bytes.
    ///
    /// # Errors
    /// `PACK_INCOMPLETE` when it is missing, `PACK_LIMIT` when it is longer, `PACK_UNSAFE`, `PACK_PARSE`, `PACK_REMOVED`, `IO`.
    pub fn read(&self, path: &str, cap: u64) -> Result<Vec<u8>> {
        let (file, length) = self.file(path)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(cap)).unwrap_or(0));
        let limit = cap.saturating_add(1);
        (&file).take(limit).read_to_end(&mut bytes).map_err(|e| reading_failed(path, &e))?;
        if bytes.len() as u64 > cap {
            return Err(Error::new(
                Code::PackLimit,
                format!("{path} 超过 {cap} 字节的上限"),
                "文件不是正常制作的知识包,请与总行核对",
            ));
        }
        Ok(bytes)
    }

    /// Whether there is such a file.
    ///
    /// # Errors
    /// As [`Stick::read`].
    pub fn has(&self, path: &str) -> Result<bool> {
        match self.file(path) {
            Ok(_) => Ok(true),
            Err(e) if e.code() == Code::PackIncomplete => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Numbers of the packs on it, ascending.
    ///
    /// # Errors
    /// As [`Stick::read`].
    pub fn sequences(&self) -> Result<Vec<u64>> {
        self.numbers(names::PACKS, names::sequence)
    }

    /// Versions of the trust roots on it, ascending.
    ///
    /// # Errors
    /// As [`Stick::read`].
    pub fn root_versions(&self) -> Result<Vec<u64>> {
        self.numbers(names::ROOTS, names::root_version)
    }

    /// Branches that left something on it, in the order of their names.
    ///
    /// # Errors
    /// As [`Stick::read`].
    pub fn branches(&self) -> Result<Vec<String>> {
        let mut found = self.look_through(names::OUT)?;
        found.retain(|name| names::is_path_of_ours(&names::receipt(name)));
        found.sort();
        Ok(found)
    }

    fn numbers(&self, folder: &str, number: fn(&str) -> Option<u64>) -> Result<Vec<u64>> {
        self.look_through(names::HOME)?;
        let mut found: Vec<u64> = self.look_through(folder)?.iter().filter_map(|name| number(name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Opens a part; `parts_sha256` is the name that all parts of a source share, in lower-case hex.
    ///
    /// # Errors
    /// `PACK_PARSE` when that is no SHA-256; otherwise as [`Stick::read`].
    pub fn part(&self, parts_sha256: &str, index: usize) -> Result<PartFile> {
        if !hex::is_digest(parts_sha256) {
            let message = format!("分卷的名字不是 SHA-256:{parts_sha256:.80}");
            return Err(Error::new(Code::PackParse, message, "知识包的清单有误,请与总行核对"));
        }
        let (file, length) = self.file(&names::part(parts_sha256, index))?;
        Ok(PartFile { file, length })
    }

    /// Writes a small file so that after a power cut it is old or new. Head office writes its signed files with it, a branch its receipt.
    ///
    /// # Errors
    /// `IO` when the stick is read-only, `NO_SPACE`, `PACK_REMOVED`, `PACK_UNSAFE`.
    pub fn leave(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.writer(path)?;
        file.write_all(bytes).map_err(|e| writing_failed(path, &e))?;
        file.keep()
    }

    /// Starts a file beside the name that it will have, which it gets with [`StickFile::keep`].
    ///
    /// # Errors
    /// As [`Stick::leave`].
    pub fn writer(&self, path: &str) -> Result<StickFile> {
        let (above, name) = self.check(path)?;
        let folder = beneath::make_folder(&self.root, above).map_err(|e| self.refused_writing(path, e))?;
        let fresh = format!("{name}.new");
        let beside = format!("{above}/{fresh}");
        let failed = |e: Errno| self.refused_writing(path, Refused::System(e));
        match fs::unlinkat(&folder, &fresh, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(failed(e)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&folder, &fresh, flags, Mode::from_raw_mode(0o644)).map_err(failed)?;
        Ok(StickFile {
            file: Some(file.into()),
            root: Arc::clone(&self.root),
            fresh: beside,
            path: path.to_owned(),
            kept: false,
        })
    }

    /// Folder and name of a path, once its folders were looked through.
    fn check<'a>(&self, path: &'a str) -> Result<(&'a str, &'a str)> {
        let parts = path.rsplit_once('/').filter(|_| names::is_path_of_ours(path));
        let Some((above, name)) = parts else {
            let message = format!("不合规的文件名:{path:.120}");
            return Err(Error::new(Code::PackUnsafe, message, "知识包里有不该有的名字,请与总行核对"));
        };
        let steps = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        for folder in std::iter::once("").chain(steps) {
            if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
                self.look_through(folder)?;
            }
        }
        Ok((above, name))
    }

    fn file(&self, path: &str) -> Result<(File, u64)> {
        self.check(path)?;
        let file = beneath::file(&self.root, path).map_err(|e| self.refused(path, e))?;
        let length = fs::fstat(&file).map_err(|e| reading_failed(path, &e.into()))?.st_size;
        Ok((file.into(), u64::try_from(length).unwrap_or(0)))
    }

    fn contains(&self, name: &str) -> Result<bool> {
        match fs::statat(&self.root, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) if !self.vanished() => Ok(false),
            Err(e) => Err(self.refused(name, Refused::System(e))),
        }
    }

    /// The names in a folder that could be ours; none when there is no such folder. The top folder is not ours but for `kbpack`.
    fn look_through(&self, folder: &str) -> Result<Vec<String>> {
        let opened = match folder {
            "" => fs::openat(&self.root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .map_err(Refused::System),
            _ => beneath::folder(&self.root, folder),
        };
        let opened = match opened {
            Err(Refused::System(Errno::NOENT)) if !self.vanished() => return Ok(Vec::new()),
            other => other.map_err(|e| self.refused(folder, e))?,
        };
        let mut found = Vec::new();
        let mut folded = HashSet::new();
        let entries = fs::Dir::new(opened).map_err(|e| reading_failed(folder, &e.into()))?;
        for (count, entry) in entries.enumerate() {
            let entry = entry.map_err(|e| reading_failed(folder, &e.into()))?;
            if count > MAX_NAMES && !folder.is_empty() {
                let message = format!("{folder} 里的文件超过 {MAX_NAMES} 个");
                return Err(Error::new(Code::PackLimit, message, "换用总行制作的干净 U 盘"));
            }
            let Some(name) = entry.file_name().to_str().ok().filter(|name| names::could_be_ours(name)) else {
                continue;
            };
            let lower = name.to_ascii_lowercase();
            if folder.is_empty() && lower != names::HOME {
                continue;
            }
            if !folded.insert(lower) {
                let message = format!("{folder}/ 里有两个只差大小写的名字:{name}");
                return Err(Error::new(Code::PackParse, message, "换用总行制作的干净 U 盘"));
            }
            found.push(name.to_owned());
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
        Ok(found)
    }

    /// Whether the folder is no longer what was opened: unmounted, or deleted.
    fn vanished(&self) -> bool {
        match fs::stat(&self.path) {
            Ok(now) => (now.st_dev, now.st_ino) != self.identity,
            Err(_) => true,
        }
    }

    fn refused(&self, path: &str, why: Refused) -> Error {
        match why {
            Refused::Unsafe(why) => unsafe_name(path, why),
            Refused::System(Errno::NOENT) if self.vanished() => removed(path),
            Refused::System(Errno::NOENT) => Error::new(
                Code::PackIncomplete,
                format!("U 盘上缺少 {path}"),
                "知识包没有拷全:请总行重新制作,或换一个完整的 U 盘再导入",
            ),
            Refused::System(e) => reading_failed(path, &e.into()),
        }
    }

    fn refused_writing(&self, path: &str, why: Refused) -> Error {
        match why {
            Refused::System(Errno::NOENT) if self.vanished() => removed(path),
            Refused::System(e) => writing_failed(path, &e.into()),
            other => self.refused(path, other),
        }
    }
}

/// A file that is being written on the stick, under a name that nobody reads; dropped before it is kept, it is gone.
#[derive(Debug)]
pub struct StickFile {
    /// Absent once everything is written and survives a power cut.
    file: Option<File>,
    root: Arc<OwnedFd>,
    /// Where it is, below the root.
    fresh: String,
    path: String,
    kept: bool,
}

impl StickFile {
    /// Returns when the bytes survive a power cut; nothing can be written after that.
    ///
    /// # Errors
    /// `IO`, `NO_SPACE`, `PACK_REMOVED`.
    pub fn finish(&mut self) -> Result<()> {
        match self.file.take() {
            Some(file) => file.sync_all().map_err(|e| writing_failed(&self.path, &e)),
            None => Ok(()),
        }
    }

    /// Finishes the file and gives it its name.
    ///
    /// # Errors
    /// As [`StickFile::finish`]; the old content then stands.
    pub fn keep(mut self) -> Result<()> {
        self.finish()?;
        let path = std::mem::take(&mut self.path);
        self.rename(&path)
    }

    /// Finishes the file and gives it a name in another folder.
    ///
    /// # Errors
    /// As [`StickFile::finish`], and `PACK_UNSAFE`.
    pub fn keep_at(mut self, stick: &Stick, path: &str) -> Result<()> {
        self.finish()?;
        let (above, _) = stick.check(path)?;
        beneath::make_folder(&stick.root, above).map_err(|e| stick.refused_writing(path, e))?;
        self.rename(path)
    }

    fn rename(&mut self, path: &str) -> Result<()> {
        let failed = |e: Refused| match e {
            Refused::System(e) => writing_failed(path, &e.into()),
            Refused::Unsafe(why) => unsafe_name(path, why),
        };
        let ((from, fresh), (to, name)) = (split(&self.fresh), split(path));
        let from = beneath::folder(&self.root, from).map_err(failed)?;
        let to = beneath::folder(&self.root, to).map_err(failed)?;
        fs::renameat(&from, fresh, &to, name).and_then(|()| fs::fsync(&to)).map_err(|e| failed(e.into()))?;
        self.kept = true;
        Ok(())
    }
}

impl Write for StickFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or(io::ErrorKind::WriteZero)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for StickFile {
    fn drop(&mut self) {
        if !self.kept {
            let (folder, fresh) = split(&self.fresh);
            if let Ok(folder) = beneath::folder(&self.root, folder) {
                // What stays has a name that is never read.
                let _ = fs::unlinkat(folder, fresh, AtFlags::empty());
            }
        }
    }
}

/// Folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// An error of reading from the stick, in words: the stick is gone, or something else.
pub fn reading_failed(path: &str, e: &io::Error) -> Error {
    if is_removal(e) {
        return removed(path);
    }
    Error::new(Code::Io, format!("读不出 U 盘上的 {path}:{e}"), "检查 U 盘和读取权限后重试").because(copy(e))
}

pub(super) fn writing_failed(path: &str, e: &io::Error) -> Error {
    if is_removal(e) {
        return removed(path);
    }
    if disk::is_full(e) {
        return Error::new(Code::NoSpace, format!("U 盘上写不下 {path}:{e}"), "腾出 U 盘空间或换一个更大的 U 盘后重试")
            .because(copy(e));
    }
    Error::new(Code::Io, format!("写不了 U 盘上的 {path}:{e}"), "检查 U 盘是否写保护或只读挂载").because(copy(e))
}

fn unsafe_name(path: &str, why: &str) -> Error {
    let message = format!("U 盘上的 {path} {why},没有使用");
    Error::new(Code::PackUnsafe, message, "这不是正常制作的知识包:停用这个 U 盘,报告信息安全人员")
}

fn removed(path: &str) -> Error {
    Error::new(
        Code::PackRemoved,
        format!("读写 {path} 时 U 盘被拔出或接触不良"),
        "重新插好 U 盘再试;已经拷好的部分不会重来",
    )
}

/// Whether an error says that the device is gone.
fn is_removal(e: &io::Error) -> bool {
    let gone = [
        Errno::NODEV,
        Errno::IO,
        Errno::STALE,
        Errno::NXIO,
        Errno::NOTCONN,
        Errno::NOMEDIUM,
        Errno::REMOTEIO,
        Errno::SHUTDOWN,
    ];
    e.raw_os_error().is_some_and(|number| gone.iter().any(|gone| gone.raw_os_error() == number))
}

fn copy(e: &io::Error) -> io::Error {
    e.raw_os_error().map_or_else(|| io::Error::new(e.kind(), e.to_string()), io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests;
