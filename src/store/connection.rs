//! Opening knowledge files: pragmas, and errors in words.

use super::schema::{APPLICATION_ID, SCHEMA_VERSION, TABLES};
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Page cache of one read connection, in KiB (SQLite takes negative numbers as KiB).
const READ_CACHE_KIB: i64 = 4096;
/// Page cache of the build connection, in KiB.
const BUILD_CACHE_KIB: i64 = 65536;

/// Opens a finished knowledge file for reading. `immutable=1` tells SQLite that nobody writes it, so no lock or journal is
/// touched and it may lie on a read-only medium. It is read, not mapped: a sector that cannot be read, or a file that was cut short, is
/// then an error of one answer, where a mapped one ends the process (SIGBUS).
///
/// # Errors
/// `KB_OPEN` when it cannot be opened, `KB_CORRUPT` when it is no knowledge file, `KB_SCHEMA` when it is of another version.
pub fn open_read(path: &Path) -> Result<Connection> {
    let kind = std::fs::File::open(path).and_then(|f| f.metadata()).map_err(|e| unreadable(path, &e))?;
    if !kind.is_file() {
        return Err(unreadable(path, &"它不是文件"));
    }
    let uri = format!("file:{}?immutable=1", escape_uri(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(|e| corrupt(path, e))?;
    check_header(&connection, path)?;
    connection
        .execute_batch(&format!(
            "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0; PRAGMA cache_size=-{READ_CACHE_KIB};"
        ))
        .map_err(|e| corrupt(path, e))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Every table of a knowledge file without a row, in memory: each such connection is like any other.
///
/// # Errors
/// `INTERNAL` when SQLite has no memory for it.
pub fn open_blank() -> Result<Connection> {
    let failed = |e: rusqlite::Error| {
        Error::new(Code::Internal, format!("空的知识库建不起来:{e}"), "请把本条信息报给软件维护方").because(e)
    };
    let connection = Connection::open_in_memory().map_err(failed)?;
    connection.execute_batch(TABLES).map_err(failed)?;
    connection.execute_batch("PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;").map_err(failed)?;
    Ok(connection)
}

fn check_header(connection: &Connection, path: &Path) -> Result<()> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(|e| corrupt(path, e))?;
    if application != APPLICATION_ID {
        return Err(Error::new(
            Code::KbCorrupt,
            format!("{} 不是 Guida 知识库", path.display()),
            "换用 guida kb build 生成的文件",
        ));
    }
    let version = pragma("user_version").map_err(|e| corrupt(path, e))?;
    if version != SCHEMA_VERSION {
        return Err(Error::new(
            Code::KbSchema,
            format!("知识库 {} 的格式版本是 {version},本程序需要 {SCHEMA_VERSION}", path.display()),
            "用本版本的 guida kb build 重新生成,或换用对应版本的程序",
        ));
    }
    Ok(())
}

/// Opens a new, empty file for building. Durability comes from the final rename, not from SQLite's journal.
///
/// # Errors
/// `KB_BUILD`.
pub fn open_build(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).map_err(build_failed)?;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;
             PRAGMA cache_size=-{BUILD_CACHE_KIB}; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
        ))
        .map_err(build_failed)?;
    connection.execute_batch(TABLES).map_err(build_failed)?;
    Ok(connection)
}

/// Percent-encodes what has a meaning in a `file:` URI.
pub(super) fn escape_uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.as_os_str().as_bytes().iter().fold(String::new(), |mut out, &b| {
        if b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_') {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// A file that is not there or may not be read.
pub(super) fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    let hint = "检查路径和读取权限;用 guida kb build 生成知识库";
    Error::new(Code::KbOpen, format!("打不开知识库文件 {}:{why}", path.display()), hint)
}

/// An SQLite error while reading a file that should be sound.
pub(super) fn corrupt(path: &Path, e: rusqlite::Error) -> Error {
    Error::new(
        Code::KbCorrupt,
        format!("知识库 {} 读不出来,文件可能已损坏:{e}", path.display()),
        "用 guida kb check 检查;重新拷贝或重新生成该文件",
    )
    .because(e)
}

/// An SQLite error while building.
pub(super) fn build_failed(e: rusqlite::Error) -> Error {
    Error::new(Code::KbBuild, format!("写知识库失败:{e}"), "检查磁盘空间和写入权限后重试").because(e)
}
