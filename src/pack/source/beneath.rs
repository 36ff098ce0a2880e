//! Opening files below a folder without ever leaving it: no links, no other file systems, no `..`, nothing that waits.
//!
//! The kernel's `openat2` (Linux 5.6) keeps these rules by itself; where it is missing or forbidden, every folder on the way is
//! opened one by one and compared.

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Times to ask again when the kernel says that the folders changed while it looked.
const MAX_RETRIES: usize = 8;

/// Why something below the folder was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A link, a device, a pipe, a folder in the place of a file, or another file system.
    Unsafe(&'static str),
    /// The system's error.
    System(Errno),
}

impl From<Errno> for Refused {
    fn from(e: Errno) -> Refused {
        match e {
            Errno::LOOP => Refused::Unsafe("是符号链接"),
            Errno::XDEV => Refused::Unsafe("通向别处"),
            Errno::NOTDIR => Refused::Unsafe("路径上有一项不是文件夹"),
            Errno::ISDIR => Refused::Unsafe("是文件夹"),
            other => Refused::System(other),
        }
    }
}

/// Opens a file for reading. What is no ordinary file is looked at without being opened, so that no device is woken.
pub fn file(root: &OwnedFd, path: &str) -> Result<OwnedFd, Refused> {
    let seen = fs::fstat(open(root, path, OFlags::PATH)?)?;
    match FileType::from_raw_mode(seen.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(Refused::Unsafe("是符号链接")),
        FileType::Directory => return Err(Refused::Unsafe("是文件夹")),
        FileType::Fifo => return Err(Refused::Unsafe("是管道")),
        _ => return Err(Refused::Unsafe("不是普通文件")),
    }
    let opened = open(root, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
    let now = fs::fstat(&opened)?;
    let same = now.st_dev == seen.st_dev && now.st_ino == seen.st_ino;
    if same && FileType::from_raw_mode(now.st_mode) == FileType::RegularFile {
        Ok(opened)
    } else {
        Err(Refused::Unsafe("在读取时被替换"))
    }
}

/// Opens a folder.
pub fn folder(root: &OwnedFd, path: &str) -> Result<OwnedFd, Refused> {
    open(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Opens a folder, and makes it and those above it where they are missing.
pub fn make_folder(root: &OwnedFd, path: &str) -> Result<OwnedFd, Refused> {
    let mut upto = 0;
    for step in path.split('/') {
        let above = path.get(..upto.max(1) - 1).unwrap_or_default();
        let parent = if above.is_empty() { None } else { Some(folder(root, above)?) };
        match fs::mkdirat(parent.as_ref().unwrap_or(root), step, Mode::from_raw_mode(0o755)) {
            Ok(()) => fs::fsync(parent.as_ref().unwrap_or(root))?,
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
        upto += step.len() + 1;
    }
    folder(root, path)
}

fn open(root: &OwnedFd, path: &str, how: OFlags) -> Result<OwnedFd, Refused> {
    let flags = how | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    for _ in 0..MAX_RETRIES {
        match fs::openat2(root, path, flags, Mode::empty(), rules) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => return step_by_step(root, path, flags),
            other => return Ok(other?),
        }
    }
    Err(Refused::Unsafe("在读取时不断变化"))
}

/// The same without `openat2`.
fn step_by_step(root: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Refused> {
    let home = fs::fstat(root)?.st_dev;
    let (above, name) = path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name));
    let mut at: Option<OwnedFd> = None;
    for step in above.into_iter().flat_map(|above| above.split('/')) {
        plain(step)?;
        let from = at.as_ref().unwrap_or(root);
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = fs::openat(from, step, through, Mode::empty())?;
        at = Some(at_home(next, home)?);
    }
    plain(name)?;
    let from = at.as_ref().unwrap_or(root);
    // What is no file is not opened here either: a device could wake.
    if !flags.contains(OFlags::PATH) && !flags.contains(OFlags::DIRECTORY) {
        let kind = fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
        if FileType::from_raw_mode(kind) != FileType::RegularFile {
            return Err(Refused::Unsafe("不是普通文件"));
        }
    }
    at_home(fs::openat(from, name, flags, Mode::empty())?, home)
}

fn plain(step: &str) -> Result<(), Refused> {
    if matches!(step, "" | "." | "..") { Err(Refused::Unsafe("路径不合规")) } else { Ok(()) }
}

fn at_home(opened: OwnedFd, home: u64) -> Result<OwnedFd, Refused> {
    if fs::fstat(opened.as_fd())?.st_dev == home { Ok(opened) } else { Err(Refused::Unsafe("通向别处")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::unix::fs::symlink;

    #[test]
    fn without_the_kernels_help_the_rules_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::write(at("a/b/file"), "x").unwrap();
        symlink("b", at("a/link")).unwrap();
        symlink("file", at("a/b/link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("a/pipe")).status().unwrap().success());
        let root: OwnedFd = File::open(folder.path()).unwrap().into();
        let read = |path: &str| step_by_step(&root, path, OFlags::RDONLY | OFlags::NOFOLLOW);
        assert!(read("a/b/file").is_ok());
        assert_eq!(read("a/missing").unwrap_err(), Refused::System(Errno::NOENT));
        for path in
            ["a/link/file", "a/b/link", "a/pipe", "a/../a/b/file", "../etc/passwd", "/etc/passwd", "a//b/file", ""]
        {
            assert!(matches!(read(path), Err(Refused::Unsafe(_))), "{path}: {:?}", read(path));
        }
        let proc: OwnedFd = File::open("/").unwrap().into();
        let elsewhere = step_by_step(&proc, "proc/version", OFlags::RDONLY | OFlags::NOFOLLOW);
        assert_eq!(elsewhere.unwrap_err(), Refused::Unsafe("通向别处"));
    }
}
