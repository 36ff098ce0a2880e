//! The journal and settings of a box: `state.db`. Knowledge comes and goes as whole files; what happened here stays.
//!
//! It is written with a write-ahead log that is synced at every commit, so that an entry that was made survives a power cut.

use super::chain::{self, Entry};
use super::untouched::{self, Quick};
use crate::clock;
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// `PRAGMA application_id`: "GUIS" in ASCII.
const APPLICATION_ID: i64 = 0x4755_4953;
/// `PRAGMA user_version`.
const STATE_VERSION: i64 = 2;
/// Longest wait for another process that is writing.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Most entries that are read at once.
pub const MAX_EVENTS: usize = 1000;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS events(
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  event TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  chain TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS settings(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted(
  question TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY(question, fingerprint)
) STRICT, WITHOUT ROWID;
";

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Number, ascending.
    pub id: i64,
    /// When, by the box's clock in China.
    pub at: String,
    /// Who did it: `operator`, `console`.
    pub actor: String,
    /// What: `import`, `rollback`, `trust` …
    pub event: String,
    /// `OK` or the error's code.
    pub code: String,
    /// What exactly, for people.
    pub detail: String,
}

/// The open journal.
#[derive(Debug)]
pub struct StateDb {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl StateDb {
    /// Opens or makes the journal.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn open(path: &Path) -> Result<StateDb> {
        let failed = |e| failed(path, e);
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_WAIT).map_err(failed)?;
        let version = version_of(&connection, path)?;
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;")
            .map_err(failed)?;
        // Only once: whoever follows the journal takes every commit for news.
        if version < STATE_VERSION {
            make(&connection).map_err(failed)?;
        }
        Ok(StateDb { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Opens a journal that is there for reading, and leaves no trace of it. Not where this process has it open already: that one serves.
    ///
    /// # Errors
    /// `STATE_DB`, `IO`.
    pub fn open_untouched(path: &Path) -> Result<StateDb> {
        let connection = untouched::open_untouched(path).map_err(|e| failed(path, e))?;
        version_of(&connection, path)?;
        Ok(StateDb { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// A journal in memory, for a box whose own does not open: nothing that is written into it lasts.
    ///
    /// # Errors
    /// `STATE_DB` without memory for it.
    pub fn volatile() -> Result<StateDb> {
        let path = PathBuf::new();
        let connection = Connection::open_in_memory().map_err(|e| failed(&path, e))?;
        make(&connection).map_err(|e| failed(&path, e))?;
        Ok(StateDb { path, connection: Mutex::new(connection) })
    }

    /// SQLite's own quick check, for at most `limit`; nobody else reads or writes here meanwhile.
    ///
    /// # Errors
    /// `STATE_DB`, `IO`.
    pub fn quick_check(&self, limit: Duration) -> Result<Quick> {
        self.with(|c| untouched::look_through(c, limit))
    }

    /// Adds an entry, chained to the one before it.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn record(&self, actor: &str, event: &str, code: &str, detail: &str) -> Result<()> {
        let at = now();
        let head = self.change(|c| chain::append(c, &Entry { at: &at, actor, event, code, detail }))?;
        if !self.path.as_os_str().is_empty()
            && let Err(error) = chain::keep_beside(&self.path, &head)
        {
            // The entry is made; what stands beside it only lags behind.
            tracing::warn!(%error, "the head of the journal is not kept beside it");
        }
        Ok(())
    }

    /// Copies the journal as it stands at this moment into a new file, whoever writes meanwhile.
    ///
    /// # Errors
    /// `STATE_DB`, `NO_SPACE`, `IO`.
    pub fn copy_to(&self, path: &Path) -> Result<()> {
        let name = path.to_string_lossy();
        self.with(|c| c.execute("VACUUM INTO ?", [name.as_ref()]).map(drop))
    }

    /// Closes it, with everything in its one file.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn close(self) -> Result<()> {
        let connection = self.connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        connection.close().map_err(|(_, e)| failed(&self.path, e))
    }

    /// What is not as it was written: entries that were changed or removed, settings and reviews; `None` when everything is.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn verify(&self) -> Result<Option<String>> {
        let beside = chain::beside(&self.path);
        self.with(|c| {
            let version: i64 = c.pragma_query_value(None, "user_version", |r| r.get(0))?;
            // What an earlier version wrote is chained when it is opened for writing.
            if version < STATE_VERSION { Ok(None) } else { chain::verify(c, beside.as_deref()) }
        })
    }

    /// The latest entries, newest first; at most [`MAX_EVENTS`].
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn events(&self, limit: usize) -> Result<Vec<Event>> {
        self.with(|c| {
            c.prepare("SELECT id, at, actor, event, code, detail FROM events ORDER BY id DESC LIMIT ?")?
                .query_map([limit.min(MAX_EVENTS) as i64], |r| {
                    Ok(Event {
                        id: r.get(0)?,
                        at: r.get(1)?,
                        actor: r.get(2)?,
                        event: r.get(3)?,
                        code: r.get(4)?,
                        detail: r.get(5)?,
                    })
                })?
                .collect()
        })
    }

    /// A setting.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.with(|c| c.query_row("SELECT value FROM settings WHERE key = ?", [key], |r| r.get(0)).optional())
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        self.change(|c| {
            c.execute(
                "INSERT INTO settings(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                params![key, value],
            )?;
            chain::seal(c)
        })
    }

    /// Notes that a person has looked at a curated question whose clause changed, and lets it answer again. `fingerprint` is that of
    /// the clause as it reads now: a later change asks again.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn accept(&self, question: &str, fingerprint: &str, actor: &str) -> Result<()> {
        self.change(|c| {
            c.execute(
                "INSERT OR REPLACE INTO accepted(question, fingerprint, at, actor) VALUES(?,?,?,?)",
                params![question, fingerprint, now(), actor],
            )?;
            chain::seal(c)
        })
    }

    /// Whether such a note was made.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn is_accepted(&self, question: &str, fingerprint: &str) -> Result<bool> {
        self.with(|c| {
            c.prepare_cached("SELECT 1 FROM accepted WHERE question = ? AND fingerprint = ?")?
                .exists(params![question, fingerprint])
        })
    }

    /// A number that is another after somebody else has written.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn changes(&self) -> Result<i64> {
        self.with(|c| c.pragma_query_value(None, "data_version", |r| r.get(0)))
    }

    /// Changes something as a whole, after whoever is writing has done.
    fn change<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with(|c| {
            let transaction = Transaction::new_unchecked(c, TransactionBehavior::Immediate)?;
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        act(&connection).map_err(|e| failed(&self.path, e))
    }
}

/// Makes the tables, or brings those of an earlier version up to date; another process may just have done so.
fn make(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if version >= STATE_VERSION {
        return Ok(());
    }
    transaction.execute_batch(TABLES)?;
    if version > 0 {
        transaction.execute_batch("ALTER TABLE events ADD COLUMN chain TEXT NOT NULL DEFAULT '';")?;
    }
    chain::begin(&transaction)?;
    transaction
        .execute_batch(&format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={STATE_VERSION};"))?;
    transaction.commit()
}

/// The version of the tables, 0 for a new file; a later one than this program's is refused.
fn version_of(connection: &Connection, path: &Path) -> Result<i64> {
    let version = connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(|e| failed(path, e))?;
    if version > STATE_VERSION {
        return Err(Error::new(
            Code::StateDb,
            format!("{} 由更新版本的程序写成(格式 {version})", path.display()),
            "换回较新的程序版本",
        ));
    }
    Ok(version)
}

/// The box's time to the second.
fn now() -> String {
    clock::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A disk that is full, write-protected or dying is told as such; everything else is the journal's own fault.
fn failed(path: &Path, e: rusqlite::Error) -> Error {
    let (code, hint) = match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (Code::NoSpace, "清理磁盘后重试"),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            (Code::Io, "检查磁盘和数据目录的权限;磁盘报错时请更换")
        }
        _ => (Code::StateDb, "检查磁盘空间和权限;仍出现则上报"),
    };
    Error::new(code, format!("记录库 {} 读写失败:{e}", path.display()), hint).because(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_news_to_others_and_opening_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let first = StateDb::open(&path).unwrap();
        first.record("operator", "import", "OK", "1-1").unwrap();
        let before = first.changes().unwrap();
        let second = StateDb::open(&path).unwrap();
        assert_eq!(second.events(5).unwrap()[0].detail, "1-1");
        assert!(!second.is_accepted("问", "0").unwrap());
        assert_eq!(first.changes().unwrap(), before);
        second.accept("问", "0", "operator").unwrap();
        assert_ne!(first.changes().unwrap(), before);
        assert!(first.is_accepted("问", "0").unwrap() && !first.is_accepted("问", "1").unwrap());
    }

    /// A journal with three entries, a setting and a review.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let state = StateDb::open(&path).unwrap();
        for detail in ["1-1", "1-2", "1-3"] {
            state.record("operator", "commit", "OK", detail).unwrap();
        }
        state.set("clock_seen", "2026-11-01T00:00:00Z").unwrap();
        state.accept("问", "0", "operator").unwrap();
        assert_eq!(state.verify().unwrap(), None);
        (folder, path)
    }

    #[test]
    fn what_is_changed_behind_its_back_is_noticed() {
        for change in [
            "DELETE FROM events",
            "DELETE FROM events WHERE id = 3",
            "DELETE FROM events WHERE id = 1",
            "UPDATE events SET detail = '1-9' WHERE id = 2",
            "UPDATE events SET actor = 'nobody' WHERE id = 3",
            "UPDATE events SET at = '2020-01-01 00:00:00' WHERE id = 1",
            "INSERT INTO events(at, actor, event, code, detail) VALUES('', '', '', '', '')",
            "DELETE FROM settings",
            "DELETE FROM settings WHERE key = 'journal_head'",
            "UPDATE settings SET value = '1999-01-01T00:00:00Z' WHERE key = 'clock_seen'",
            "UPDATE accepted SET fingerprint = '1'",
            "DELETE FROM accepted",
            "DELETE FROM events; DELETE FROM settings; DELETE FROM accepted",
        ] {
            let (_folder, path) = written();
            Connection::open(&path).unwrap().execute_batch(change).unwrap();
            assert!(StateDb::open(&path).unwrap().verify().unwrap().is_some(), "{change}");
            assert!(StateDb::open_untouched(&path).unwrap().verify().unwrap().is_some(), "{change}, from outside");
        }
        // A new journal in the place of the old one.
        let (_folder, path) = written();
        for end in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(end);
            let _ = std::fs::remove_file(file);
        }
        let state = StateDb::open(&path).unwrap();
        assert!(state.verify().unwrap().is_some());
        // Going on does not hide it.
        let (_folder, path) = written();
        Connection::open(&path).unwrap().execute("DELETE FROM events WHERE id = 2", []).unwrap();
        let state = StateDb::open(&path).unwrap();
        state.record("operator", "commit", "OK", "1-4").unwrap();
        assert!(state.verify().unwrap().is_some());
    }

    #[test]
    fn entries_of_an_earlier_version_are_chained_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let earlier = TABLES.replace(",\n  chain TEXT NOT NULL DEFAULT ''", "");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&earlier).unwrap();
        connection
            .execute_batch("INSERT INTO events(at, actor, event, code, detail) VALUES('1', 'a', 'b', 'OK', 'c'), ('2', 'a', 'b', 'OK', 'd'); PRAGMA user_version=1;")
            .unwrap();
        drop(connection);
        assert_eq!(StateDb::open_untouched(&path).unwrap().verify().unwrap(), None, "nothing is known of it");
        let state = StateDb::open(&path).unwrap();
        assert_eq!((state.verify().unwrap(), state.events(5).unwrap().len()), (None, 2));
        state.record("operator", "commit", "OK", "1-4").unwrap();
        assert_eq!(state.verify().unwrap(), None);
        Connection::open(&path).unwrap().execute("UPDATE events SET detail = 'x' WHERE id = 1", []).unwrap();
        assert!(state.verify().unwrap().is_some());
    }

    #[test]
    fn a_journal_of_a_later_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(StateDb::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", STATE_VERSION + 1).unwrap();
        assert_eq!(StateDb::open(&path).unwrap_err().code(), Code::StateDb);
    }
}
