//! Looking at databases without leaving a trace, and not for longer than a limit: for the doctor, whose patient may be ill.

use super::connection::{corrupt, escape_uri, open_read};
use crate::error::Result;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// What a look through a whole database found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quick {
    /// Nothing.
    Sound,
    /// What SQLite says.
    Damaged(String),
    /// It was not at its end when the time was.
    TooLong,
}

/// SQLite's own quick check of a knowledge file, for at most `limit`.
///
/// # Errors
/// `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA` when it cannot be looked through at all.
pub fn quick_check(path: &Path, limit: Duration) -> Result<Quick> {
    look_through(&open_read(path)?, limit).map_err(|e| corrupt(path, e))
}

/// Opens a database that may be written through a log beside it, and changes neither file, nor makes one: no lock, no shared memory, no
/// checkpoint. What another process writes meanwhile may be seen in part, so that damage must be looked at twice.
///
/// Never of a file that this process has open elsewhere: closing it here would let go of the locks held there (`fcntl(2)`).
pub(super) fn open_untouched(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|found| found.len() > 0) {
        // The log has what is not in the file yet. A connection that thinks itself alone keeps the log's index in its own memory; the
        // file system without locks lets it think so.
        let connection = Connection::open_with_flags_and_vfs(path, flags, "unix-none")?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE; PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;")?;
        return Ok(connection);
    }
    let uri = format!("file:{}?immutable=1", escape_uri(path));
    let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
    connection.execute_batch("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;")?;
    Ok(connection)
}

/// `PRAGMA quick_check`, which is ended after `limit`.
pub(super) fn look_through(connection: &Connection, limit: Duration) -> rusqlite::Result<Quick> {
    let handle = connection.get_interrupt_handle();
    let (finished, wait) = mpsc::channel::<()>();
    let verdict = std::thread::scope(|scope| {
        // Where the system has no thread left, it runs to its end.
        let _ = std::thread::Builder::new().name("limit".into()).spawn_scoped(scope, move || {
            if wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        drop(finished);
        verdict
    });
    match verdict {
        Ok(word) if word == "ok" => Ok(Quick::Sound),
        Ok(fault) => Ok(Quick::Damaged(fault)),
        Err(e) => match e.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Quick::TooLong),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(Quick::Damaged(e.to_string())),
            _ => Err(e),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::state::StateDb;
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt;

    const LONG: Duration = Duration::from_secs(60);

    /// Every file of a folder with its content and the moment of its last change.
    fn state_of(folder: &Path) -> BTreeMap<String, (Vec<u8>, i64, i64)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let state = |entry: std::fs::DirEntry| {
            let found = entry.metadata().unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), (bytes, found.mtime(), found.mtime_nsec()))
        };
        entries.map(state).collect()
    }

    /// A copy of a folder: to the process that has it open another file, as after a power cut.
    fn copied(folder: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in ["state.db", "state.db-wal"] {
            std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
        copy
    }

    #[test]
    fn what_stands_in_the_log_alone_is_read_and_nothing_changes() {
        let folder = tempfile::tempdir().unwrap();
        let written = StateDb::open(&folder.path().join("state.db")).unwrap();
        written.record("operator", "import", "OK", "1-1").unwrap();
        let copy = copied(folder.path());
        let before = state_of(copy.path());
        assert!(before["state.db-wal"].0.len() > 1000, "this is about the log");
        let looked_at = StateDb::open_untouched(&copy.path().join("state.db")).unwrap();
        assert_eq!(looked_at.events(5).unwrap(), written.events(5).unwrap());
        assert_eq!(looked_at.quick_check(LONG).unwrap(), Quick::Sound);
        assert!(looked_at.record("operator", "import", "OK", "1-2").is_err());
        drop(looked_at);
        assert_eq!(state_of(copy.path()), before);
    }

    #[test]
    fn a_closed_database_is_read_without_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        StateDb::open(&path).unwrap().record("operator", "import", "OK", "1-1").unwrap();
        let before = state_of(folder.path());
        assert_eq!(before.len(), 2, "the journal and its head: {:?}", before.keys());
        let looked_at = StateDb::open_untouched(&path).unwrap();
        assert_eq!(looked_at.events(5).unwrap().len(), 1);
        drop(looked_at);
        assert_eq!(state_of(folder.path()), before);
    }

    #[test]
    fn damage_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let state = StateDb::open(&path).unwrap();
        for n in 0..500 {
            state.record("operator", "import", "OK", &format!("{n} {}", "字".repeat(100))).unwrap();
        }
        drop(state);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        let found = StateDb::open_untouched(&path).unwrap().quick_check(LONG).unwrap();
        assert!(matches!(&found, Quick::Damaged(why) if !why.is_empty()), "{found:?}");
        std::fs::write(&path, "this is no database at all, though it is long enough to have a header of one.").unwrap();
        assert!(StateDb::open_untouched(&path).is_err());
    }
}
