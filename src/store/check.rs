//! `guida kb check`: whether a knowledge file is sound.

use super::connection::{corrupt, open_read};
use super::knowledge::Knowledge;
use super::review::fingerprint;
use super::tokens::bytes_of_a_token;
use crate::error::Result;
use serde::Serialize;
use std::path::Path;

/// Rows of `PRAGMA integrity_check` shown at most.
const MAX_FAULTS: usize = 20;

/// Result of a check.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Nothing was found.
    pub sound: bool,
    /// Generation id.
    pub generation: String,
    /// Titles.
    pub documents: u64,
    /// Versions.
    pub versions: u64,
    /// Clauses.
    pub clauses: u64,
    /// Curated questions.
    pub curated: u64,
    /// Vectors.
    pub vectors: u64,
    /// What is wrong.
    pub faults: Vec<String>,
}

/// Reads the whole file: SQLite's own integrity check, foreign keys, the full-text index, and the counts that must agree.
///
/// # Errors
/// `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA` when it cannot be read at all; lesser damage is listed in the report.
pub fn check(path: &Path) -> Result<CheckReport> {
    let knowledge = Knowledge::open(path)?;
    let connection = open_read(path)?;
    let failed = |e| corrupt(path, e);
    let mut faults: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({MAX_FAULTS})"))
        .and_then(|mut s| s.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(failed)?;
    faults.retain(|row| row != "ok");
    let count =
        |sql: &str| connection.query_row(sql, [], |r| r.get::<_, i64>(0)).map(|n| n.max(0) as u64).map_err(failed);
    let orphans = count("SELECT count(*) FROM pragma_foreign_key_check")?;
    if orphans > 0 {
        faults.push(format!("{orphans} 行引用了不存在的记录"));
    }
    let clauses = count("SELECT count(*) FROM clauses")?;
    let vectors = knowledge.vector_count();
    let mut agree = |what: &str, found: u64, expected: u64| {
        if found != expected {
            faults.push(format!("{what}有 {found} 条,应为 {expected} 条"));
        }
    };
    agree("条款", clauses, knowledge.clause_total());
    let strayed = "SELECT count(*) FROM clauses c JOIN versions v ON v.id = c.version_id
                   WHERE c.id NOT BETWEEN v.first_clause AND v.first_clause + v.clause_count - 1";
    agree("编号不在其版本之内的条款", count(strayed)?, 0);
    agree("检索词表", count("SELECT count(*) FROM forward")?, clauses);
    agree("向量", count("SELECT count(*) FROM passages")?, vectors);
    if let Some(embedder) = knowledge.embedder() {
        let embedded = count("SELECT count(DISTINCT clause_id) FROM passages WHERE kind = 0")?;
        agree("有向量的条款", embedded, clauses);
        let misshapen = format!(
            "SELECT count(*) FROM passages WHERE length(vector) <> {} OR kind NOT IN (0, 1)",
            embedder.dimension
        );
        agree("长度或种类不对的向量", count(&misshapen)?, 0);
        // Every part of a clause has a row of tokens, and nothing else has, where tokens are kept at all.
        let (of_parts, kept) = (
            "SELECT count(*) FROM tokens t JOIN passages p ON p.id = t.passage_id WHERE p.kind = 0",
            count("SELECT count(*) FROM tokens")?,
        );
        let parts = count("SELECT count(*) FROM passages WHERE kind = 0")?;
        agree("词元向量", kept, embedder.token_dimension.map_or(0, |_| parts));
        agree("属于条款的词元向量", count(of_parts)?, kept);
        if let Some(bytes) = embedder.token_dimension.map(bytes_of_a_token) {
            let misshapen = format!("SELECT count(*) FROM tokens WHERE {bytes} = 0 OR length(vectors) % {bytes} <> 0");
            agree("长度不对的词元向量", count(&misshapen)?, 0);
        }
    }
    let mut unbound = 0;
    let mut questions = connection
        .prepare("SELECT q.rests_on, c.text FROM curated q JOIN clauses c ON c.id = q.clause_id")
        .map_err(failed)?;
    let mut rows = questions.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (rests_on, text) = (row.get::<_, String>(0).map_err(failed)?, row.get::<_, String>(1).map_err(failed)?);
        unbound += u64::from(rests_on != fingerprint(&text));
    }
    agree("与条款原文对不上的问法", unbound, 0);
    let indexed = count("SELECT count(*) FROM clause_fts('的') WHERE rowid NOT IN (SELECT id FROM clauses)")?;
    agree("全文索引的多余条目", indexed, 0);
    Ok(CheckReport {
        sound: faults.is_empty(),
        generation: knowledge.generation().0.clone(),
        documents: count("SELECT count(*) FROM documents")?,
        versions: knowledge.versions().len() as u64,
        clauses,
        curated: count("SELECT count(*) FROM curated")?,
        vectors,
        faults,
    })
}
