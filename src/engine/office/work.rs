//! A folder of temporary files.

use crate::error::{Code, Error, Result};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells apart the folders of one process.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A folder that only its owner can read and that is gone when this is dropped.
pub(super) struct Work(PathBuf);

impl Work {
    /// Makes one in `at`, or where the system keeps such things.
    ///
    /// # Errors
    /// `IO`.
    pub fn begin(at: Option<&Path>) -> Result<Work> {
        let above = at.map_or_else(std::env::temp_dir, Path::to_owned);
        let name = format!("guida-pack-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = above.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| {
            let message = format!("建不了临时目录 {}:{e}", path.display());
            Error::new(Code::Io, message, "用 --work 指定一个可写且放得下知识库的目录").because(e)
        })?;
        Ok(Work(path))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What stays in the system's folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
