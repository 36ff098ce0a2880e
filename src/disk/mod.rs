//! Changes to the box's own disk that must survive a power cut, behind one trait.
//!
//! Everything an import changes on the disk goes through a [`Disk`], in the order in which it happens. [`RealDisk`] does it; tests put
//! another in its place that kills the process at a chosen step, fails like a full or dying disk, or records every step so that each
//! state that a power cut can leave behind is built and looked at. A write is not there until [`Written::sync`] has returned, a name
//! not until [`Disk::sync_dir`] has.

mod real;

pub use real::RealDisk;

use std::io::{self, Write};
use std::path::Path;

/// A file that is being written.
pub trait Written: Write + Send {
    /// Returns when everything written so far survives a power cut.
    ///
    /// # Errors
    /// The file system's. After an error nothing is known of what is on the disk: the file is given up, never synced again.
    fn sync(&mut self) -> io::Result<()>;
}

/// Changes to files.
pub trait Disk: Send + Sync {
    /// Starts a file from nothing; what stood under the name is gone.
    ///
    /// # Errors
    /// The file system's, as for every method here.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Written>>;

    /// Goes on with a file after its first `length` bytes; what stood behind them is cut off.
    ///
    /// # Errors
    /// As above, and `NotFound`.
    fn append(&self, path: &Path, length: u64) -> io::Result<Box<dyn Written>>;

    /// Gives a file or folder another name, replacing a file of that name.
    ///
    /// # Errors
    /// As above.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes a folder and those above it; one that is there already is no error.
    ///
    /// # Errors
    /// As above.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// As above.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder; one that is not there is no error.
    ///
    /// # Errors
    /// As above.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in a folder survive a power cut.
    ///
    /// # Errors
    /// As above.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns when everything on the file system that holds `path` survives a power cut.
    ///
    /// # Errors
    /// As above.
    fn sync_file_system(&self, path: &Path) -> io::Result<()>;

    /// Bytes that may still be written where `path` is.
    ///
    /// # Errors
    /// As above.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// Makes `bytes` the content of `path`: after a power cut it has the old content or the new. The bytes pass through `NAME.new` beside it.
///
/// # Errors
/// The file system's; the old content then stands, and `NAME.new` is of no meaning.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    let mut file = disk.create(fresh)?;
    file.write_all(bytes)?;
    file.sync()?;
    drop(file);
    disk.rename(fresh, path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Removes a file or a folder with all that is in it; what is not there is no error. Links are removed, never followed.
///
/// # Errors
/// The file system's.
pub fn remove_all(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(kind) if kind.is_dir() => {
            for entry in std::fs::read_dir(path)? {
                remove_all(disk, &entry?.path())?;
            }
            disk.remove_dir(path)
        }
        Ok(_) => disk.remove_file(path),
    }
}

/// Whether an error says that there is no room: the disk is full, or the user's share of it.
pub fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
