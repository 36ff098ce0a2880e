//! One open generation: what rarely changes is held in memory, everything else is read through pooled connections.

use super::amended::{self, Amended};
use super::connection::{corrupt, open_blank, open_read, unreadable};
use super::rows::{Version, VersionRow};
use super::schema::{MAX_SPREAD, meta};
use super::vectors::Passages;
use crate::error::{Code, Error, Result};
use crate::types::{Classification, ClauseId, Date, EffectivePeriod, GenerationId, Level, VersionId};
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

/// Connections to one file; a further reader waits for one to become free.
const MAX_CONNECTIONS: usize = 16;

/// The encoder that made a file's vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedderInfo {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Vector length.
    pub dimension: usize,
    /// Number of vectors.
    pub passages: u64,
    /// Length of a token's vector; `None` where no tokens are kept.
    pub token_dimension: Option<usize>,
}

/// An immutable knowledge file, open for reading from any thread.
pub struct Knowledge {
    path: PathBuf,
    /// Opens a further connection to it.
    open: fn(&Path) -> Result<Connection>,
    /// The file as it was opened; `None` for [`Knowledge::blank`]. Another file that is put in its place has another identity, and is
    /// not read.
    file: Option<File>,
    pool: Mutex<Pool>,
    freed: Condvar,
    generation: GenerationId,
    mean_length: f64,
    embedder: Option<EmbedderInfo>,
    passages: OnceLock<Passages>,
    curated: HashMap<i64, u32>,
    amended: Amended,
    versions: Vec<Version>,
    by_title: HashMap<String, Vec<usize>>,
    clauses: u64,
    last_clause: i64,
}

struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge")
            .field("path", &self.path)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Knowledge {
    /// Opens a file and loads its versions.
    ///
    /// # Errors
    /// `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA`.
    pub fn open(path: &Path) -> Result<Knowledge> {
        Knowledge::open_by(path, open_read)
    }

    /// What a box has before its first import: no document, in memory, so that it leaves nothing behind and needs no folder that can
    /// be written.
    ///
    /// # Errors
    /// `INTERNAL` without memory for it.
    pub fn blank() -> Result<Knowledge> {
        let open = |_: &Path| open_blank();
        let loaded = Loaded::default();
        Ok(Knowledge::of(
            Path::new(""),
            open,
            None,
            open_blank()?,
            GenerationId(GenerationId::NONE.into()),
            0.0,
            loaded,
        ))
    }

    /// Whether it is [`Knowledge::blank`].
    pub fn is_blank(&self) -> bool {
        self.file.is_none()
    }

    fn open_by(path: &Path, open: fn(&Path) -> Result<Connection>) -> Result<Knowledge> {
        let replaced = |e: std::io::Error| {
            Error::new(Code::KbOpen, format!("打开知识库 {} 时文件被替换:{e}", path.display()), "稍后重试").because(e)
        };
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        let connection = open(path)?;
        if !is_still(&file, path).map_err(replaced)? {
            return Err(replaced(std::io::ErrorKind::StaleNetworkFileHandle.into()));
        }
        let loaded = load(&connection).map_err(|e| corrupt(path, e))?;
        let generation = loaded.meta.get(meta::GENERATION).cloned();
        let mean_length = loaded.meta.get(meta::MEAN_LENGTH).and_then(|v| v.parse::<f64>().ok());
        let (Some(generation), Some(mean_length)) = (generation, mean_length.filter(|m| m.is_finite())) else {
            return Err(Error::new(
                Code::KbCorrupt,
                format!("知识库 {} 缺少元数据,生成时可能被中断", path.display()),
                "用 guida kb build 重新生成",
            ));
        };
        let said = loaded.meta.get(meta::CLAUSES).and_then(|v| v.parse::<u64>().ok());
        if !in_line(&loaded.versions, loaded.last_clause) || said != Some(clauses_of(&loaded.versions)) {
            return Err(Error::new(
                Code::KbCorrupt,
                format!("知识库 {} 的版本和条款对不上,文件可能已损坏", path.display()),
                "用 guida kb check 检查;重新拷贝或重新生成该文件",
            ));
        }
        let generation = GenerationId(generation);
        Ok(Knowledge::of(path, open, Some(file), connection, generation, mean_length, loaded))
    }

    fn of(
        path: &Path,
        open: fn(&Path) -> Result<Connection>,
        file: Option<File>,
        connection: Connection,
        generation: GenerationId,
        mean_length: f64,
        loaded: Loaded,
    ) -> Knowledge {
        let clauses = clauses_of(&loaded.versions);
        let mut by_title: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, version) in loaded.versions.iter().enumerate() {
            by_title.entry(version.title_key.clone()).or_default().push(index);
        }
        Knowledge {
            path: path.to_owned(),
            open,
            generation,
            mean_length,
            embedder: embedder(&loaded.meta),
            passages: OnceLock::new(),
            curated: loaded.curated,
            amended: loaded.amended,
            clauses,
            last_clause: loaded.last_clause,
            by_title,
            versions: loaded.versions,
            file,
            pool: Mutex::new(Pool { idle: vec![connection], open: 1 }),
            freed: Condvar::new(),
        }
    }

    /// The file; empty for [`Knowledge::blank`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Identity of the content.
    pub fn generation(&self) -> &GenerationId {
        &self.generation
    }

    /// Mean number of terms of a clause.
    pub fn mean_length(&self) -> f64 {
        self.mean_length
    }

    /// The encoder of the vectors, when there are any.
    pub fn embedder(&self) -> Option<&EmbedderInfo> {
        self.embedder.as_ref()
    }

    /// Number of vectors.
    pub fn vector_count(&self) -> u64 {
        self.embedder.as_ref().map_or(0, |e| e.passages)
    }

    /// Number of curated questions of a clause.
    pub fn curated_count(&self, clause: ClauseId) -> u32 {
        self.curated.get(&clause.0).copied().unwrap_or(0)
    }

    /// What other texts change in clauses.
    pub(super) fn amended(&self) -> &Amended {
        &self.amended
    }

    /// Where the vectors are held once they were read.
    pub(super) fn held_passages(&self) -> &OnceLock<Passages> {
        &self.passages
    }

    /// All versions, ordered by their first clause.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Number of clauses in all versions.
    pub fn clause_total(&self) -> u64 {
        self.clauses
    }

    /// Highest id of a clause, at most [`MAX_SPREAD`] times the number of clauses; 0 without clauses. Not every id up to it has one.
    pub fn last_clause(&self) -> ClauseId {
        ClauseId(self.last_clause)
    }

    /// The index into [`Knowledge::versions`] of the version that holds a clause.
    pub fn version_index(&self, clause: ClauseId) -> Option<usize> {
        let after = self.versions.partition_point(|v| v.first_clause <= clause.0);
        // Versions without clauses may share their first id with the next; the last one at or before the id is the holder.
        let index = after.checked_sub(1)?;
        self.versions.get(index)?.holds(clause).then_some(index)
    }

    /// The version that holds a clause.
    pub fn version_of(&self, clause: ClauseId) -> Option<&Version> {
        self.versions.get(self.version_index(clause)?)
    }

    /// Whether a clause is a scene of a guide.
    pub fn is_guide(&self, clause: ClauseId) -> bool {
        self.version_of(clause).is_some_and(|v| v.row.level == Level::Guide)
    }

    /// Versions of the title with this key, in file order (oldest first).
    pub fn versions_of_title(&self, title_key: &str) -> impl Iterator<Item = &Version> {
        self.by_title.get(title_key).into_iter().flatten().filter_map(|i| self.versions.get(*i))
    }

    /// Versions of the document with this id, oldest first.
    pub fn versions_of_document(&self, document: i64) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(move |v| v.document == document)
    }

    /// Every title key.
    pub fn title_keys(&self) -> impl Iterator<Item = &str> {
        self.by_title.keys().map(String::as_str)
    }

    /// Runs `read` on a pooled connection.
    ///
    /// # Errors
    /// `KB_OPEN` or `KB_CORRUPT` when the file no longer reads.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let lease = self.lease();
        let connection = lease
            .connection
            .as_ref()
            .ok_or_else(|| Error::new(Code::Internal, "没有可用的知识库连接", "请把本条信息报给软件维护方"))?;
        read(connection).map_err(|e| corrupt(&self.path, e))
    }

    /// An idle connection, or a new one while there may be more and the path still names the file that was opened: a file
    /// that was renamed into its place holds other knowledge, and answers are never mixed from two generations.
    fn lease(&self) -> Lease<'_> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let connection = match pool.idle.pop() {
                Some(idle) => Some(idle),
                None if pool.open < MAX_CONNECTIONS => {
                    let another = self.another_connection();
                    pool.open += usize::from(another.is_some());
                    another
                }
                None => None,
            };
            if connection.is_some() {
                return Lease { knowledge: self, connection };
            }
            pool = self.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn another_connection(&self) -> Option<Connection> {
        let connection = (self.open)(&self.path).ok()?;
        // Looked at after opening: while the old file is held open, nothing else can take its identity.
        let same = self.file.as_ref().is_none_or(|file| is_still(file, &self.path).unwrap_or(false));
        same.then_some(connection)
    }
}

/// Whether `path` still names the open `file`.
fn is_still(file: &File, path: &Path) -> std::io::Result<bool> {
    let (opened, now) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((opened.dev(), opened.ino()) == (now.dev(), now.ino()))
}

/// A connection on loan; it goes back to the pool however the reading ends.
struct Lease<'a> {
    knowledge: &'a Knowledge,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.knowledge.pool.lock().unwrap_or_else(PoisonError::into_inner).idle.extend(self.connection.take());
        self.knowledge.freed.notify_one();
    }
}

#[derive(Default)]
struct Loaded {
    meta: HashMap<String, String>,
    versions: Vec<Version>,
    /// Highest id of a clause, 0 without clauses.
    last_clause: i64,
    /// Number of curated questions of the clauses that have any.
    curated: HashMap<i64, u32>,
    amended: Amended,
}

/// Clauses of all versions.
fn clauses_of(versions: &[Version]) -> u64 {
    versions.iter().map(|v| v.clause_count.max(0) as u64).fold(0, u64::saturating_add)
}

/// Whether the versions have ranges of clause ids that ascend without overlap up to the last clause, with not too many ids between
/// them. Everything that counts, scans or allocates by these ranges relies on it.
fn in_line(versions: &[Version], last_clause: i64) -> bool {
    let (mut next, mut clauses, mut last) = (1i64, 0i64, 0i64);
    for version in versions {
        let end = version.first_clause.checked_add(version.clause_count);
        let Some(end) = end.filter(|_| version.first_clause >= next && version.clause_count >= 0) else { return false };
        if version.clause_count > 0 {
            last = end - 1;
        }
        next = end;
        clauses += version.clause_count;
    }
    last == last_clause && last <= clauses.saturating_mul(MAX_SPREAD)
}

fn load(connection: &Connection) -> rusqlite::Result<Loaded> {
    let meta = connection
        .prepare("SELECT key, value FROM meta")?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let versions = connection
        .prepare(
            "SELECT v.id, v.document_id, d.title_key, v.title, v.doc_no, v.issuer, v.level, v.classification, v.published,
             v.effective_from, v.effective_to, v.repealed, v.sample, v.source, v.first_clause, v.clause_count
             FROM versions v JOIN documents d ON d.id = v.document_id ORDER BY v.first_clause, v.id",
        )?
        .query_map([], |r| {
            Ok(Version {
                id: VersionId(r.get(0)?),
                document: r.get(1)?,
                title_key: r.get(2)?,
                row: VersionRow {
                    title: r.get(3)?,
                    doc_no: r.get(4)?,
                    issuer: r.get(5)?,
                    level: Level::from_label(&r.get::<_, String>(6)?).unwrap_or(Level::Other),
                    // An unknown classification is read as the strictest: a text must not leak because of a newer file.
                    classification: Classification::from_rank(r.get(7)?).unwrap_or(Classification::Confidential),
                    published: day(r, 8)?,
                    effective: EffectivePeriod { from: day(r, 9)?, until: day(r, 10)? },
                    repealed: r.get(11)?,
                    sample: r.get(12)?,
                    source: r.get(13)?,
                },
                first_clause: r.get(14)?,
                clause_count: r.get(15)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let last_clause = connection.query_row("SELECT coalesce(max(id), 0) FROM clauses", [], |r| r.get(0))?;
    let curated = connection
        .prepare("SELECT clause_id, count(*) FROM curated GROUP BY clause_id")?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Loaded { meta, versions, last_clause, curated, amended: amended::load(connection)? })
}

pub(super) fn day(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Date>> {
    row.get::<_, Option<String>>(column)?
        .map(|text| {
            text.parse::<Date>().map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e))
            })
        })
        .transpose()
}

fn embedder(meta: &HashMap<String, String>) -> Option<EmbedderInfo> {
    Some(EmbedderInfo {
        name: meta.get(meta::EMBEDDER_NAME)?.clone(),
        sha256: meta.get(meta::EMBEDDER_SHA256)?.clone(),
        dimension: meta.get(meta::EMBEDDER_DIMENSION)?.parse().ok()?,
        passages: meta.get(meta::PASSAGES)?.parse().ok()?,
        token_dimension: meta.get(meta::TOKEN_DIMENSION).and_then(|length| length.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_knowledge_reads_like_any_other_and_has_nothing() {
        let blank = Knowledge::blank().unwrap();
        assert!(blank.is_blank() && blank.generation().is_none());
        assert_eq!((blank.versions().len(), blank.clause_total(), blank.last_clause()), (0, 0, ClauseId(0)));
        assert!(blank.clause(ClauseId(1)).unwrap().is_none());
        assert!(blank.thesaurus().unwrap().is_empty());
        // Further connections, each of its own, while one is in use.
        let rows = |c: &Connection| c.query_row("SELECT count(*) FROM clauses", [], |r| r.get::<_, i64>(0));
        let both = blank.read(|first| Ok((rows(first)?, blank.read(rows).unwrap()))).unwrap();
        assert_eq!(both, (0, 0));
        let written = blank.read(|c| c.execute("INSERT INTO documents VALUES(1, 'a', 'a')", []));
        assert!(written.is_err(), "nothing can be put into it");
    }
}
