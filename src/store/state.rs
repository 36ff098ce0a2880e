//! The journal and settings of a box: `state.db`. Knowledge comes and goes as whole files; what happened here stays.
//!
//! It is written with a write-ahead log that is synced at every commit, so that an entry that was made survives a power cut.

use super::untouched::{self, Quick};
use crate::clock;
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// `PRAGMA application_id`: "GUIS" in ASCII.
const APPLICATION_ID: i64 = 0x4755_4953;
/// `PRAGMA user_version`.
const STATE_VERSION: i64 = 1;
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
  detail TEXT NOT NULL
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
            connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={STATE_VERSION}; COMMIT;"
                ))
                .map_err(failed)?;
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

    /// SQLite's own quick check, for at most `limit`; nobody else reads or writes here meanwhile.
    ///
    /// # Errors
    /// `STATE_DB`, `IO`.
    pub fn quick_check(&self, limit: Duration) -> Result<Quick> {
        self.with(|c| untouched::look_through(c, limit))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn record(&self, actor: &str, event: &str, code: &str, detail: &str) -> Result<()> {
        self.with(|c| {
            c.execute(
                "INSERT INTO events(at, actor, event, code, detail) VALUES(?,?,?,?,?)",
                params![now(), actor, event, code, detail],
            )
            .map(drop)
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
        self.with(|c| {
            c.execute(
                "INSERT INTO settings(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                params![key, value],
            )
            .map(drop)
        })
    }

    /// Notes that a person has looked at a curated question whose clause changed, and lets it answer again. `fingerprint` is that of
    /// the clause as it reads now: a later change asks again.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn accept(&self, question: &str, fingerprint: &str, actor: &str) -> Result<()> {
        self.with(|c| {
            c.execute(
                "INSERT OR REPLACE INTO accepted(question, fingerprint, at, actor) VALUES(?,?,?,?)",
                params![question, fingerprint, now(), actor],
            )
            .map(drop)
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

    fn with<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        act(&connection).map_err(|e| failed(&self.path, e))
    }
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

    #[test]
    fn a_journal_of_a_later_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(StateDb::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", STATE_VERSION + 1).unwrap();
        assert_eq!(StateDb::open(&path).unwrap_err().code(), Code::StateDb);
    }
}
