//! Writing a knowledge file anew in the order of its rows, so that two files with nearly the same rows have nearly the same bytes.

use super::connection::{build_failed, open_read};
use crate::error::{Code, Error, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where SQLite's header counts changes to the tables ("schema cookie", file format 1.3.9). Every `VACUUM` raises it; it tells open
/// connections to read the tables anew, and nobody has the new file open.
const COOKIE_OFFSET: u64 = 40;
/// What it says in every file that is written here.
const FIRST_COOKIE: [u8; 4] = 1u32.to_be_bytes();

/// Writes the content of a knowledge file to a new file, every table in the order of its keys and without gaps. The same rows give the
/// same bytes, whatever was inserted and deleted before and however often it was written anew.
///
/// # Errors
/// `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA` for the old file; `KB_BUILD` when the new one exists or cannot be written.
pub fn vacuum_into(from: &Path, to: &Path) -> Result<()> {
    let Some(target) = to.to_str().filter(|_| std::fs::symlink_metadata(to).is_err()) else {
        let message = format!("不能写到 {}:已经存在,或名字不是 UTF-8", to.display());
        return Err(Error::new(Code::KbBuild, message, "换一个文件名"));
    };
    let connection = open_read(from)?;
    let write = || {
        connection.execute_batch("PRAGMA query_only=OFF")?;
        connection.execute("VACUUM INTO ?1", [target])
    };
    write().map_err(build_failed)?;
    let reset = || File::options().write(true).open(to)?.write_all_at(&FIRST_COOKIE, COOKIE_OFFSET);
    reset()
        .map_err(|e| Error::new(Code::KbBuild, format!("写知识库失败:{e}"), "检查磁盘空间和写入权限后重试").because(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Knowledge, check};

    #[test]
    fn the_same_rows_in_the_same_bytes() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge.db");
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a.db"), folder.path().join("b.db"));
        vacuum_into(&sample, &first).unwrap();
        vacuum_into(&first, &second).unwrap();
        assert!(std::fs::read(&first).unwrap() == std::fs::read(&second).unwrap());
        let generation = |path: &Path| Knowledge::open(path).unwrap().generation().clone();
        assert_eq!(generation(&first), generation(&sample));
        assert!(check(&first).unwrap().sound);
        assert_eq!(vacuum_into(&sample, &first).unwrap_err().code(), Code::KbBuild);
        let none = vacuum_into(&folder.path().join("none"), &folder.path().join("c.db"));
        assert_eq!(none.unwrap_err().code(), Code::KbOpen);
    }
}
