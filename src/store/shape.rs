//! Whether a file that came from elsewhere has the tables that it should have, and nothing besides.
//!
//! Views and triggers run when their tables are used, and a table of the right name may have other columns: all of it is compared,
//! word for word, with what this program would make.

use super::amended;
use super::connection::{corrupt, open_read};
use super::schema::TABLES;
use crate::error::{Code, Error, Result};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

/// Tables that SQLite makes by itself when it counts.
const STATISTICS: [&str; 2] = ["sqlite_stat1", "sqlite_stat4"];
/// Names that are told when something is too much or missing.
const MAX_NAMED: usize = 3;

/// SHA-256 over the definition of all tables but those of amendments, which not every file has: packs name it, so that knowledge for other
/// tables is refused before it is unpacked. Blanks do not count.
pub fn schema_sha256() -> String {
    let mut hash = Sha256::new();
    for word in TABLES.split_whitespace() {
        hash.update(word.as_bytes());
        hash.update(b" ");
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Compares the definitions in a file with those of this program.
///
/// # Errors
/// `PACK_SCHEMA` when something is too much, missing or other; `PACK_DBCHECK` when the file is no sound SQLite file of ours.
pub fn check_schema(path: &Path) -> Result<()> {
    let damaged = |e: Error| Error::new(Code::PackDbCheck, e.message(), "上报总行重新制作;旧知识继续使用");
    let connection = open_read(path).map_err(damaged)?;
    let found = definitions(&connection).map_err(|e| damaged(corrupt(path, e)))?;
    let expected = Connection::open_in_memory()
        .and_then(|model| {
            model.execute_batch(TABLES)?;
            let plain = definitions(&model)?;
            model.execute_batch(amended::TABLES)?;
            let amended = definitions(&model)?;
            // All tables of amendments or none.
            let some = amended.difference(&plain).any(|own| found.iter().any(|there| there.1 == own.1));
            Ok(if some { amended } else { plain })
        })
        .map_err(|e| Error::new(Code::Internal, "不能建立对照用的表", "请把本条信息报给软件维护方").because(e))?;
    let named = |set: BTreeSet<&Definition>| {
        let names: Vec<&str> = set.iter().take(MAX_NAMED).map(|definition| definition.1.as_str()).collect();
        names.join("、")
    };
    let extra: BTreeSet<&Definition> = found.difference(&expected).collect();
    let missing: BTreeSet<&Definition> = expected.difference(&found).collect();
    let why = match (extra.is_empty(), missing.is_empty()) {
        (true, true) => return Ok(()),
        (false, _) => format!("多出或改动了 {}", named(extra)),
        (true, false) => format!("缺少 {}", named(missing)),
    };
    Err(Error::new(Code::PackSchema, format!("新知识库的结构与本程序不符:{why}"), "不要使用这个知识包,上报总行"))
}

/// Kind, name and words of a definition.
type Definition = (String, String, Option<String>);

fn definitions(connection: &Connection) -> rusqlite::Result<BTreeSet<Definition>> {
    let mut all: BTreeSet<Definition> = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema")?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    all.retain(|(kind, name, _)| !(kind == "table" && STATISTICS.contains(&name.as_str())));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::KnowledgeWriter;

    fn changed(change: &str) -> Code {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        KnowledgeWriter::create(&path).unwrap().finish().unwrap();
        check_schema(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        check_schema(&path).unwrap_err().code()
    }

    #[test]
    fn nothing_besides_our_tables_is_let_in() {
        for change in [
            "CREATE TRIGGER t AFTER INSERT ON clauses BEGIN DELETE FROM clauses; END",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TABLE extra(a)",
            "CREATE INDEX i ON clauses(text)",
            "DROP TABLE thesaurus",
            "ALTER TABLE clauses ADD COLUMN x TEXT",
            "CREATE TABLE amendments(a)",
        ] {
            assert_eq!(changed(change), Code::PackSchema, "{change}");
        }
    }

    #[test]
    fn the_tables_of_amendments_are_let_in_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        KnowledgeWriter::create(&path).unwrap().finish().unwrap();
        Connection::open(&path).unwrap().execute_batch(amended::TABLES).unwrap();
        check_schema(&path).unwrap();
        assert_eq!(changed(&format!("{} DROP TABLE consolidated", amended::TABLES)), Code::PackSchema);
    }

    #[test]
    fn a_file_that_is_none_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.db");
        std::fs::write(&path, b"SQLite format 3\0 and then nothing").unwrap();
        assert_eq!(check_schema(&path).unwrap_err().code(), Code::PackDbCheck);
    }
}
