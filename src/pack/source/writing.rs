//! Writing to a stick: a receipt at a branch, a whole pack at head office. What is written gets its name last.

use super::Stick;
use super::beneath::{self, Refused};
use super::failure::{removed, unsafe_name, writing_failed};
use crate::error::{Error, Result};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Stick {
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
