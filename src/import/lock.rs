//! The lock under which knowledge changes: one import, rollback or release at a time, whichever process does it.

use super::failed;
use crate::error::{Code, Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held until it is dropped; the kernel lets go of it when the process dies.
#[derive(Debug)]
pub(super) struct ChangeLock(File);

impl ChangeLock {
    /// Takes the lock, creating its file where there is none.
    ///
    /// # Errors
    /// [`Code::ImportBusy`] while anybody holds it; [`Code::Io`] and [`Code::NoSpace`] where its file cannot be opened.
    pub(super) fn take(path: &Path) -> Result<ChangeLock> {
        let io = |e| failed("锁不住", path, e);
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(ChangeLock(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(Code::ImportBusy, "另一个导入或切换正在进行", "等它结束后重试"))
            }
            Err(TryLockError::Error(e)) => Err(io(e)),
        }
    }
}

impl Drop for ChangeLock {
    /// Said, not left to the closing of the file: a process that another thread starts at this moment holds a copy of the file until
    /// it runs its own program, and the lock would outlive this one with it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_its_holder_though_a_started_process_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("import.lock");
        let held = ChangeLock::take(&path).unwrap();
        assert_eq!(ChangeLock::take(&path).err().map(|e| e.code()), Some(Code::ImportBusy));
        let of_a_started_process = held.0.try_clone().unwrap();
        drop(held);
        assert!(ChangeLock::take(&path).is_ok());
        drop(of_a_started_process);
    }
}
