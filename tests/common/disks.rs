//! Stand-ins for the box's disk (`guida::disk::Disk`). Each does everything for real and watches every operation on the way:
//!
//! - [`KillingDisk`] ends the process with SIGKILL at a chosen point; the test runs itself anew as a child and dies there.
//! - [`FaultyDisk`] fails like a full, dying or write-protected disk, where a rule or a budget of bytes says so.
//! - [`RecordingDisk`] notes every operation with its content; from the [`Record`] each state is built that a power cut can leave.
//!
//! What a power cut can leave is defined in `disks/model.rs`.
#![allow(dead_code, unused_imports)] // Every test file uses a part.

#[path = "disks/faulty.rs"]
mod faulty;
#[path = "disks/killing.rs"]
mod killing;
#[path = "disks/model.rs"]
mod model;
#[path = "disks/recording.rs"]
mod recording;

pub use faulty::{Fault, FaultyDisk, Free};
pub use killing::{KillingDisk, killed, run_self, run_self_with_mounts};
pub use model::{Keep, Loss};
pub use recording::{Cut, Figures, Random, Record, RecordingDisk};

use guida::disk::{Disk, RealDisk, Written};
use rustix::io::Errno;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// A folder in memory where there is one: thousands of syncs then cost nothing, and what is lost is decided here, not by a real disk.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    // In a container it may hold a few megabytes only.
    let roomy = RealDisk.free_bytes(memory).is_ok_and(|free| free >= 512 << 20);
    if roomy { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Create,
    Append,
    Write,
    Sync,
    Rename,
    CreateDir,
    RemoveFile,
    RemoveDir,
    SyncDir,
    SyncFileSystem,
}

/// One operation, just before or just after it.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: Kind,
    pub path: PathBuf,
    /// The new name of a rename.
    pub to: Option<PathBuf>,
    /// What is written.
    pub bytes: Vec<u8>,
    /// How much of the file stays when it is gone on with.
    pub length: u64,
    /// The open file that create and append make, and that write and sync are about: names change, it does not.
    pub file: u64,
}

impl Step {
    fn of(kind: Kind, path: &Path) -> Step {
        Step { kind, path: path.into(), to: None, bytes: Vec::new(), length: 0, file: 0 }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        match (self.kind, &self.to) {
            (Kind::Write, _) => write!(f, "{kind} {} ({} bytes)", self.path.display(), self.bytes.len()),
            (Kind::Append, _) => write!(f, "{kind} {} (from {})", self.path.display(), self.length),
            (_, Some(to)) => write!(f, "{kind} {} -> {}", self.path.display(), to.display()),
            _ => write!(f, "{kind} {}", self.path.display()),
        }
    }
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Go,
    /// Nothing is done.
    Fail(Errno),
    /// So many bytes of the write are written; the next write to this file fails.
    Short(usize, Errno),
}

/// Sees every operation before and, where it succeeded, after it.
pub trait Watcher: Send + Sync + 'static {
    fn before(&self, _step: &Step) -> Order {
        Order::Go
    }

    fn after(&self, _step: &Step) {}

    /// What the disk says of its room.
    fn free_bytes(&self, real: u64) -> u64 {
        real
    }
}

/// The real disk under the eyes of a watcher.
pub struct Watched<W> {
    pub watcher: Arc<W>,
    files: AtomicU64,
}

impl<W: Watcher> Watched<W> {
    pub fn by(watcher: W) -> Watched<W> {
        Watched { watcher: Arc::new(watcher), files: AtomicU64::new(1) }
    }

    fn done<T>(&self, step: &Step, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.watcher.before(step) {
            Order::Go => {}
            Order::Fail(errno) | Order::Short(_, errno) => return Err(errno.into()),
        }
        let outcome = act()?;
        self.watcher.after(step);
        Ok(outcome)
    }

    fn opened(&self, step: Step, open: impl FnOnce() -> io::Result<Box<dyn Written>>) -> io::Result<Box<dyn Written>> {
        let step = Step { file: self.files.fetch_add(1, Ordering::Relaxed), ..step };
        let real = self.done(&step, open)?;
        let watcher = self.watcher.clone();
        Ok(Box::new(WatchedFile { real, watcher, path: step.path, file: step.file, failing: None }))
    }
}

struct WatchedFile<W> {
    real: Box<dyn Written>,
    watcher: Arc<W>,
    path: PathBuf,
    file: u64,
    failing: Option<Errno>,
}

impl<W: Watcher> Write for WatchedFile<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.failing {
            return Err(errno.into());
        }
        let mut step = Step { bytes: bytes.into(), file: self.file, ..Step::of(Kind::Write, &self.path) };
        match self.watcher.before(&step) {
            Order::Go => {}
            Order::Fail(errno) => return Err(errno.into()),
            Order::Short(length, errno) => {
                self.failing = Some(errno);
                step.bytes.truncate(length);
                if step.bytes.is_empty() {
                    return Err(errno.into());
                }
            }
        }
        // Whole, so that an operation is one operation however the real write is divided.
        self.real.write_all(&step.bytes)?;
        self.watcher.after(&step);
        Ok(step.bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.real.flush()
    }
}

impl<W: Watcher> Written for WatchedFile<W> {
    fn sync(&mut self) -> io::Result<()> {
        let step = Step { file: self.file, ..Step::of(Kind::Sync, &self.path) };
        match self.watcher.before(&step) {
            Order::Go => {}
            Order::Fail(errno) | Order::Short(_, errno) => return Err(errno.into()),
        }
        self.real.sync()?;
        self.watcher.after(&step);
        Ok(())
    }
}

impl<W: Watcher> Disk for Watched<W> {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Written>> {
        self.opened(Step::of(Kind::Create, path), || RealDisk.create(path))
    }

    fn append(&self, path: &Path, length: u64) -> io::Result<Box<dyn Written>> {
        self.opened(Step { length, ..Step::of(Kind::Append, path) }, || RealDisk.append(path, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let step = Step { to: Some(to.into()), ..Step::of(Kind::Rename, from) };
        self.done(&step, || RealDisk.rename(from, to))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.done(&Step::of(Kind::CreateDir, path), || RealDisk.create_dir(path))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.done(&Step::of(Kind::RemoveFile, path), || RealDisk.remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.done(&Step::of(Kind::RemoveDir, path), || RealDisk.remove_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.done(&Step::of(Kind::SyncDir, path), || RealDisk.sync_dir(path))
    }

    fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        self.done(&Step::of(Kind::SyncFileSystem, path), || RealDisk.sync_file_system(path))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        Ok(self.watcher.free_bytes(RealDisk.free_bytes(path)?))
    }
}
