//! The stick: reading what is ours, and leaving a receipt.
//!
//! Nothing on a stick is believed, its file system included. Only ordinary files below `kbpack` are read, found without following
//! links or entering other file systems (`beneath`); every file is read once, within a limit; folders that are absurdly full are
//! refused, and so are two names that some systems hold for the same. What the systems of this world leave on sticks (`._*`,
//! `System Volume Information`, names in other encodings) is not ours and is not looked at.

mod beneath;
mod failure;
pub mod names;
mod writing;

use crate::error::{Code, Error, Result};
use crate::pack::hex;
use beneath::Refused;
use failure::{removed, unsafe_name};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use failure::reading_failed;
pub use writing::StickFile;

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
}

#[cfg(test)]
mod tests;
