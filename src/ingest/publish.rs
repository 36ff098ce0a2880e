//! The place of a new knowledge file: written under a temporary name beside the old one, then renamed over it, so that the
//! name always stands for a complete file.

use crate::error::{Code, Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Ending of temporary names.
const SUFFIX: &str = ".tmp";

/// A file on its way. Dropped before [`Partial::publish`], it is removed.
#[derive(Debug)]
pub struct Partial {
    out: PathBuf,
    folder: PathBuf,
    path: PathBuf,
    /// Locked as long as the build lives, however it ends: a file that can be locked was left behind by a dead process.
    _lock: File,
}

impl Partial {
    /// Makes room for `out`, and removes what interrupted builds of the same file left behind.
    ///
    /// # Errors
    /// `KB_BUILD` when `out` is a folder, or lies in none, or its folder cannot be written.
    pub fn begin(out: &Path) -> Result<Partial> {
        let refused = |why: &str| {
            let message = format!("知识库不能写到 {}:{why}", out.display());
            Error::new(Code::KbBuild, message, "用 --out 指定一个已有目录里的文件名")
        };
        let name = out.file_name().filter(|_| !out.is_dir()).ok_or_else(|| refused("这是目录,不是文件名"))?;
        let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(refused("目录不存在"));
        }
        sweep(folder, name);
        let path = folder.join(temporary_name(name, std::process::id()));
        let file = File::options().write(true).create_new(true).open(&path).map_err(|e| failed(&path, e))?;
        // Where the file system knows no locks, nothing is ever swept either.
        let _ = file.try_lock();
        Ok(Partial { out: out.to_owned(), folder: folder.to_owned(), path, _lock: file })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the written file the one at `out`, durably.
    ///
    /// # Errors
    /// `KB_BUILD`; the old file then stands as it was.
    pub fn publish(self) -> Result<()> {
        let io = |e| failed(&self.out, e);
        File::open(&self.path).and_then(|f| f.sync_all()).map_err(io)?;
        fs::rename(&self.path, &self.out).map_err(io)?;
        File::open(&self.folder).and_then(|f| f.sync_all()).map_err(io)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After publishing there is nothing under this name; a half-written file is of no use.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed(path: &Path, e: std::io::Error) -> Error {
    Error::new(Code::KbBuild, format!("知识库写到 {} 失败:{e}", path.display()), "检查磁盘空间和目录权限").because(e)
}

fn temporary_name(name: &OsStr, process: u32) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{process}{SUFFIX}"));
    temporary
}

/// Removes temporary files of builds of `name` that no longer run. What cannot be listed, opened or locked is left alone.
fn sweep(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if !is_temporary(&entry.file_name(), name) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file name is `.NAME.PROCESS.tmp`.
fn is_temporary(candidate: &OsStr, name: &OsStr) -> bool {
    let process = candidate
        .as_encoded_bytes()
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name.as_encoded_bytes()))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    process.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_old_file_stands_until_the_new_one_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("k.db");
        fs::write(&out, "old").unwrap();
        let given_up = Partial::begin(&out).unwrap();
        fs::write(given_up.path(), "half").unwrap();
        drop(given_up);
        assert_eq!((names(dir.path()), fs::read(&out).unwrap()), (vec!["k.db".to_owned()], b"old".to_vec()));
        let partial = Partial::begin(&out).unwrap();
        fs::write(partial.path(), "new").unwrap();
        partial.publish().unwrap();
        assert_eq!((names(dir.path()), fs::read(&out).unwrap()), (vec!["k.db".to_owned()], b"new".to_vec()));
    }

    #[test]
    fn only_what_dead_builds_of_the_same_file_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("k.db");
        for name in [".k.db.1.tmp", ".k.db.tmp", ".k.db.x1.tmp", ".other.db.1.tmp", "k.db.1.tmp"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let running = dir.path().join(".k.db.2.tmp");
        let lock = File::create(&running).unwrap();
        lock.try_lock().unwrap();
        drop(Partial::begin(&out).unwrap());
        assert_eq!(names(dir.path()), [".k.db.2.tmp", ".k.db.tmp", ".k.db.x1.tmp", ".other.db.1.tmp", "k.db.1.tmp"]);
        drop(lock);
        drop(Partial::begin(&out).unwrap());
        assert!(!running.exists());
    }

    #[test]
    fn a_place_that_cannot_hold_a_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for out in [dir.path().to_owned(), dir.path().join("none/k.db"), dir.path().join("..")] {
            assert_eq!(Partial::begin(&out).unwrap_err().code(), Code::KbBuild, "{}", out.display());
        }
    }
}
