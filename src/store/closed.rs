//! Who may read the data folder: the service's user and group, nobody else. Clauses above a teller's clearance, the journal and the
//! questions to review lie in it.

use super::generations::DataDir;
use std::fs::{Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What users outside the group may do.
pub const OTHERS: u32 = 0o007;
/// What may not be done with new files: written by the group, and anything by others.
pub const UMASK: u32 = 0o027;
/// How deep below the data folder files lie: `models/x`, `gen/x/y`, `keys/root/x`.
const MAX_DEPTH: usize = 4;
/// Most files that are looked at; a box has some hundred.
const MAX_FILES: usize = 10_000;

/// What became of closing a data folder.
#[derive(Debug, Default)]
pub struct Closed {
    /// Files and folders that were open to others and are closed now.
    pub mended: usize,
    /// The first that could not be closed, and why.
    pub failed: Option<(PathBuf, io::Error)>,
}

impl DataDir {
    /// Takes from everything in the folder, itself included, what users outside the group may do with it. Links are not followed.
    pub fn close_to_others(&self) -> Closed {
        let mut closed = Closed::default();
        // What the folder's own name leads to, which may be another disk.
        if let Ok(about) = std::fs::metadata(self.root()) {
            close(self.root(), &about, &mut closed);
        }
        let mut seen = 0;
        below(self.root(), MAX_DEPTH, &mut seen, &mut |path, about| close(path, about, &mut closed));
        closed
    }

    /// A file or folder that users outside the group can reach and read; `None` when the folder itself keeps them out.
    pub fn open_to_others(&self) -> Option<PathBuf> {
        let root = std::fs::metadata(self.root()).ok()?;
        if root.mode() & OTHERS == 0 {
            return None;
        }
        let (mut seen, mut open) = (0, None);
        below(self.root(), MAX_DEPTH, &mut seen, &mut |path, about| {
            if open.is_none() && about.is_file() && about.mode() & OTHERS != 0 {
                open = Some(path.to_owned());
            }
        });
        open
    }
}

fn close(path: &Path, about: &Metadata, closed: &mut Closed) {
    let mode = about.mode() & 0o7777;
    if about.is_symlink() || mode & OTHERS == 0 {
        return;
    }
    match std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
        Ok(()) => closed.mended += 1,
        Err(e) => closed.failed = closed.failed.take().or(Some((path.to_owned(), e))),
    }
}

fn below(folder: &Path, depth: usize, seen: &mut usize, look: &mut dyn FnMut(&Path, &Metadata)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
        *seen += 1;
        if *seen > MAX_FILES {
            return;
        }
        look(&path, &about);
        if about.is_dir() && depth > 1 {
            below(&path, depth - 1, seen, look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_read_is_found_and_closed_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("outside");
        std::fs::write(&outside, "").unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        set(&outside, 0o644);
        let data = DataDir::at(&folder.path().join("data"));
        let file = data.knowledge("1-1-0123456789ab");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&outside, data.root().join("link")).unwrap();
        set(&file, 0o644);
        set(data.root(), 0o750);
        assert_eq!(data.open_to_others(), None, "the folder keeps them out");
        set(data.root(), 0o755);
        assert_eq!(data.open_to_others(), Some(file.clone()));
        let closed = data.close_to_others();
        assert!(closed.mended >= 2 && closed.failed.is_none(), "{closed:?}");
        assert_eq!((mode(data.root()), mode(&file), mode(&outside)), (0o750, 0o640, 0o644));
        assert_eq!((data.open_to_others(), data.close_to_others().mended), (None, 0));
    }
}
