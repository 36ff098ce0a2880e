//! The folder of a stick, and what may be wrong with it.

use super::scratch;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A mounted stick.
pub struct Usb {
    folder: TempDir,
    seq: u64,
}

impl Usb {
    /// An empty stick; names without a number are about pack `seq`.
    pub fn new(seq: u64) -> Usb {
        Usb { folder: scratch(), seq }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path below `kbpack`.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join("kbpack").join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn signed(&self, name: &str, bytes: &[u8], signatures: &[u8]) {
        self.file(name, bytes);
        self.file(&format!("{name}.sig"), signatures);
    }

    pub fn manifest(&self) -> PathBuf {
        self.at(&format!("packs/{}/manifest.json", self.seq))
    }

    /// Every part on the stick, by name.
    pub fn parts(&self) -> Vec<PathBuf> {
        let mut parts = Vec::new();
        for folder in fs::read_dir(self.at("blob")).unwrap() {
            parts.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|part| part.unwrap().path()));
        }
        parts.sort();
        parts
    }

    pub fn flip(&self, path: &Path, at: usize) {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    /// Turns a bit in the middle of a part; returns its name.
    pub fn flip_part_byte(&self, part: usize) -> String {
        let path = &self.parts()[part];
        self.flip(path, fs::metadata(path).unwrap().len() as usize / 2);
        path.file_name().unwrap().to_str().unwrap().into()
    }

    /// Leaves half of a part; returns the whole.
    pub fn truncate_part(&self, part: usize) -> Vec<u8> {
        let path = &self.parts()[part];
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[..whole.len() / 2]).unwrap();
        whole
    }

    /// A part that goes on far behind its end, without taking room.
    pub fn endless_part(&self, part: usize) {
        File::options().write(true).open(&self.parts()[part]).unwrap().set_len(1 << 40).unwrap();
    }

    /// Puts a link to the same content in the place of a file.
    pub fn symlink_instead(&self, path: &Path) {
        let elsewhere = self.path().join("elsewhere");
        fs::rename(path, &elsewhere).unwrap();
        symlink(&elsewhere, path).unwrap();
    }

    /// Puts a pipe, from which nothing ever comes, in the place of a file.
    pub fn pipe_instead(&self, path: &Path) {
        fs::remove_file(path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
    }

    /// Puts a folder in the place of a file.
    pub fn folder_instead(&self, path: &Path) {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }

    /// A socket in the place of a file: what no file system of a stick has, but a folder may.
    pub fn socket_instead(&self, path: &Path) {
        fs::remove_file(path).unwrap();
        drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    }

    /// A second name that differs by case only.
    pub fn case_twin(&self, path: &Path) {
        let name = path.file_name().unwrap().to_str().unwrap().to_uppercase();
        fs::copy(path, path.with_file_name(name)).unwrap();
    }

    /// What other systems leave on sticks, in every folder.
    pub fn litter(&self) {
        let folders =
            ["", "kbpack", "kbpack/packs", "kbpack/root", "kbpack/blob", &format!("kbpack/packs/{}", self.seq)];
        for folder in folders.map(|folder| self.path().join(folder)) {
            fs::create_dir_all(folder.join("System Volume Information")).unwrap();
            fs::write(folder.join("System Volume Information/IndexerVolumeGuid"), "x").unwrap();
            for name in ["._manifest.json", "._0001.json", ".DS_Store", "Thumbs.db", "desktop.ini", "说明.txt"] {
                fs::write(folder.join(name), "litter").unwrap();
            }
            let broken = std::ffi::OsString::from_vec(b"\xff\xfe\xb9\xe3.json".to_vec());
            fs::write(folder.join(broken), "litter").unwrap();
        }
    }

    /// Nobody may write to it any more: the write protection of a stick, as far as a folder can have it.
    pub fn write_protect(&self) {
        fn protect(folder: &Path) {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    protect(&entry.path());
                }
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        }
        protect(self.path());
    }

    /// The stick is pulled out: nothing of it is there any more.
    pub fn pull(&self) {
        fs::remove_dir_all(self.path()).unwrap();
    }

    /// Writes over part of a file that may be open, as a stick that returns other bytes when it is read again.
    pub fn spoil(&self, path: &Path) {
        let file = File::options().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len() as usize;
        file.write_all_at(&vec![0xa5; length], 0).unwrap();
    }
}
