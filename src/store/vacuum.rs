//! Writing a knowledge file anew in the order of its rows, so that two files with nearly the same rows have nearly the same bytes.

use super::connection::{build_failed, open_read};
use crate::error::{Code, Error, Result};
use std::path::Path;

/// Writes the content of a knowledge file to a new file, every table in the order of its keys and without gaps. The same rows give the
/// same bytes, whatever was inserted and deleted before, but for SQLite's count of changes to the tables in the header.
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
    write().map(drop).map_err(build_failed)
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
        // Bytes 40 to 43 are the schema cookie, which every writing raises.
        let but_the_cookie = |path: &Path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[40..44].fill(0);
            bytes
        };
        assert!(but_the_cookie(&first) == but_the_cookie(&second));
        let generation = |path: &Path| Knowledge::open(path).unwrap().generation().clone();
        assert_eq!(generation(&first), generation(&sample));
        assert!(check(&first).unwrap().sound);
        assert_eq!(vacuum_into(&sample, &first).unwrap_err().code(), Code::KbBuild);
        let none = vacuum_into(&folder.path().join("none"), &folder.path().join("c.db"));
        assert_eq!(none.unwrap_err().code(), Code::KbOpen);
    }
}
