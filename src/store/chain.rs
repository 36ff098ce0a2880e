//! What makes it noticeable that somebody has changed the records of a box: every entry of the journal is hashed together with the one
//! before it, the last hash is also kept beside the file, and settings and reviews bear a hash over all of them.
//!
//! That tells accidents and hands with an editor, not somebody who computes the hashes anew: there is no secret on the box that such a
//! person could not read as well.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The setting that holds number and hash of the last entry.
const HEAD: &str = "journal_head";
/// The setting that holds the hash over all others, and over the reviews.
const SEAL: &str = "seal";
/// The hash before the first entry.
const BEGINNING: &str = "";
/// Largest file beside the journal that is read, in bytes.
const MAX_HEAD_BYTES: u64 = 256;

/// An entry as it is written.
pub(super) struct Entry<'a> {
    pub(super) at: &'a str,
    pub(super) actor: &'a str,
    pub(super) event: &'a str,
    pub(super) code: &'a str,
    pub(super) detail: &'a str,
}

/// Hash over fields, each behind its length, so that no two ways of cutting a text are the same.
fn hash<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn link(before: &str, id: i64, entry: &Entry<'_>) -> String {
    let id = id.to_string();
    hash([before, id.as_str(), entry.at, entry.actor, entry.event, entry.code, entry.detail])
}

/// Adds an entry behind the last one, inside a transaction; returns what stands beside the file from then on.
pub(super) fn append(c: &Connection, entry: &Entry<'_>) -> rusqlite::Result<String> {
    let last = c
        .query_row("SELECT id, chain FROM events ORDER BY id DESC LIMIT 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let (last, before): (i64, String) = last.unwrap_or((0, BEGINNING.to_owned()));
    let id = last.saturating_add(1);
    let chain = link(&before, id, entry);
    c.execute(
        "INSERT INTO events(id, at, actor, event, code, detail, chain) VALUES(?,?,?,?,?,?,?)",
        params![id, entry.at, entry.actor, entry.event, entry.code, entry.detail, chain],
    )?;
    let head = format!("{id} {chain}");
    put(c, HEAD, &head)?;
    seal(c)?;
    Ok(head)
}

/// Hashes settings and reviews anew, inside the transaction that changes them.
pub(super) fn seal(c: &Connection) -> rusqlite::Result<()> {
    let sum = sum(c)?;
    put(c, SEAL, &sum)
}

fn put(c: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT INTO settings(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    )?
    .execute([key, value])
    .map(drop)
}

fn get(c: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    c.query_row("SELECT value FROM settings WHERE key = ?", [key], |r| r.get(0)).optional()
}

fn sum(c: &Connection) -> rusqlite::Result<String> {
    let mut fields: Vec<String> = Vec::new();
    let settings = "SELECT key, value FROM settings WHERE key <> ? ORDER BY key";
    let mut statement = c.prepare_cached(settings)?;
    for row in statement.query_map([SEAL], |r| Ok([r.get(0)?, r.get(1)?]))? {
        fields.extend::<[String; 2]>(row?);
    }
    let accepted = "SELECT question, fingerprint, at, actor FROM accepted ORDER BY question, fingerprint";
    let mut statement = c.prepare_cached(accepted)?;
    for row in statement.query_map([], |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?]))? {
        fields.extend::<[String; 4]>(row?);
    }
    Ok(hash(fields.iter().map(String::as_str)))
}

/// Makes the chain of entries that an earlier version wrote without one.
pub(super) fn begin(c: &Connection) -> rusqlite::Result<()> {
    let mut before = BEGINNING.to_owned();
    let mut last = None;
    for (id, [at, actor, event, code, detail], _) in entries(c)? {
        let entry = Entry { at: &at, actor: &actor, event: &event, code: &code, detail: &detail };
        before = link(&before, id, &entry);
        c.execute("UPDATE events SET chain = ? WHERE id = ?", params![before, id])?;
        last = Some(id);
    }
    if let Some(id) = last {
        put(c, HEAD, &format!("{id} {before}"))?;
    }
    seal(c)
}

/// Number, fields and hash of every entry.
type Row = (i64, [String; 5], String);

fn entries(c: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut all = c.prepare("SELECT id, at, actor, event, code, detail, chain FROM events ORDER BY id")?;
    let row =
        |r: &rusqlite::Row<'_>| Ok((r.get(0)?, [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?], r.get(6)?));
    all.query_map([], row)?.collect()
}

/// What is not as it was written, in words; `None` when everything is. `beside` is what stands beside the file.
pub(super) fn verify(c: &Connection, beside: Option<&str>) -> rusqlite::Result<Option<String>> {
    let (mut before, mut count) = (BEGINNING.to_owned(), 0i64);
    let witness = beside.map(|head| head.trim().split_once(' ').unwrap_or(("", head)));
    let mut witnessed = witness.is_none();
    for (id, [at, actor, event, code, detail], chain) in entries(c)? {
        count += 1;
        if id != count {
            return Ok(Some(format!("第 {count} 条操作记录不见了")));
        }
        let entry = Entry { at: &at, actor: &actor, event: &event, code: &code, detail: &detail };
        before = link(&before, id, &entry);
        if before != chain {
            return Ok(Some(format!("第 {id} 条操作记录被改动")));
        }
        witnessed |= witness.is_some_and(|(number, hash)| number == id.to_string() && hash == chain);
    }
    let head = get(c, HEAD)?;
    if head != (count > 0).then(|| format!("{count} {before}")) || !witnessed {
        let known = head.as_deref().or(beside).and_then(|head| head.split(' ').next()).unwrap_or("?");
        return Ok(Some(format!("操作记录只有 {count} 条,最后的记录(第 {known} 条)被删除或改动")));
    }
    if get(c, SEAL)? != Some(sum(c)?) {
        return Ok(Some("本机的设置或复核结果被改动".to_owned()));
    }
    Ok(None)
}

/// Where the last hash stands beside a journal.
pub(super) fn head_file(journal: &Path) -> PathBuf {
    journal.with_extension("head")
}

/// Keeps the last hash beside the journal. It may lag behind after a power cut, and never runs ahead.
pub(super) fn keep_beside(journal: &Path, head: &str) -> std::io::Result<()> {
    let (file, fresh) = (head_file(journal), journal.with_extension("head.new"));
    let mut written = std::fs::File::create(&fresh)?;
    written.write_all(head.as_bytes())?;
    written.sync_data()?;
    std::fs::rename(fresh, file)
}

/// What stands beside a journal; `None` where nothing does.
pub(super) fn beside(journal: &Path) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(head_file(journal)).ok()?.take(MAX_HEAD_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
