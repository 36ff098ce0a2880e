//! Reading clauses, guides, curated questions and index data. All SQL of answering stands here.

use super::knowledge::Knowledge;
use super::rows::{BasisRow, Clause, CuratedRow, Version};
use crate::error::Result;
use crate::types::{ClauseAddress, ClauseId, VersionId};
use rusqlite::{OptionalExtension, Row, params};

/// What the index knows of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermStat {
    /// Id of the term in the forward lists.
    pub id: u32,
    /// Number of clauses that have it.
    pub clauses: u32,
}

const CLAUSE_COLUMNS: &str = "id, version_id, label, article, insert_no, heading, text, guide";

fn clause(row: &Row<'_>) -> rusqlite::Result<Clause> {
    Ok(Clause {
        id: ClauseId(row.get(0)?),
        version: VersionId(row.get(1)?),
        address: ClauseAddress {
            label: row.get(2)?,
            article: row.get(3)?,
            insert: row.get(4)?,
            ..ClauseAddress::default()
        },
        heading: row.get(5)?,
        text: row.get(6)?,
        guide: row.get(7)?,
    })
}

impl Knowledge {
    /// One clause; `None` for an unknown id.
    ///
    /// # Errors
    /// `KB_CORRUPT`, as for every method here.
    pub fn clause(&self, id: ClauseId) -> Result<Option<Clause>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {CLAUSE_COLUMNS} FROM clauses WHERE id = ?"))?
                .query_row([id.0], clause)
                .optional()
        })
    }

    /// Clauses with ids in `from..=to` of one version, in document order.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn clauses_between(&self, version: &Version, from: i64, to: i64) -> Result<Vec<Clause>> {
        self.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {CLAUSE_COLUMNS} FROM clauses WHERE id BETWEEN ? AND ? AND version_id = ? ORDER BY id"
            ))?
            .query_map(params![from, to, version.id.0], clause)?
            .collect()
        })
    }

    /// The clause of a version at an address (its 条, or its label when it has no 条).
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn clause_at(&self, version: &Version, address: &ClauseAddress) -> Result<Option<Clause>> {
        self.read(|c| match address.article {
            Some(article) => c
                .prepare_cached(&format!(
                    "SELECT {CLAUSE_COLUMNS} FROM clauses WHERE version_id = ? AND article = ? AND insert_no = ? ORDER BY id LIMIT 1"
                ))?
                .query_row(params![version.id.0, article, address.insert], clause)
                .optional(),
            None => c
                .prepare_cached(&format!(
                    "SELECT {CLAUSE_COLUMNS} FROM clauses WHERE id BETWEEN ? AND ? AND version_id = ? AND label = ? ORDER BY id LIMIT 1"
                ))?
                .query_row(
                    params![
                        version.first_clause,
                        version.first_clause + version.clause_count - 1,
                        version.id.0,
                        address.label
                    ],
                    clause,
                )
                .optional(),
        })
    }

    /// Clauses whose curated question folds to exactly this form.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn curated(&self, folded: &str) -> Result<Vec<ClauseId>> {
        self.read(|c| {
            c.prepare_cached("SELECT DISTINCT clause_id FROM curated WHERE folded = ? ORDER BY clause_id")?
                .query_map([folded], |r| r.get(0).map(ClauseId))?
                .collect()
        })
    }

    /// The curated questions of a clause.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn curated_questions(&self, clause: ClauseId) -> Result<Vec<String>> {
        self.read(|c| {
            c.prepare_cached("SELECT question FROM curated WHERE clause_id = ? ORDER BY id")?
                .query_map([clause.0], |r| r.get(0))?
                .collect()
        })
    }

    /// Every curated question, in the order of the file: by clause, so that the newest version of a title comes last.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn curated_rows(&self) -> Result<Vec<CuratedRow>> {
        self.read(|c| {
            c.prepare(
                "SELECT q.clause_id, c.label, c.article, c.insert_no, q.question, q.folded, q.rests_on, q.confirmed
                 FROM curated q JOIN clauses c ON c.id = q.clause_id ORDER BY q.clause_id, q.id",
            )?
            .query_map([], |r| {
                Ok(CuratedRow {
                    clause: ClauseId(r.get(0)?),
                    address: ClauseAddress {
                        label: r.get(1)?,
                        article: r.get(2)?,
                        insert: r.get(3)?,
                        ..ClauseAddress::default()
                    },
                    question: r.get(4)?,
                    folded: r.get(5)?,
                    rests_on: r.get(6)?,
                    confirmed: r.get(7)?,
                })
            })?
            .collect()
        })
    }

    /// Spoken words with their terms, where the knowledge has a list of its own.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn thesaurus(&self) -> Result<Vec<(String, String)>> {
        self.read(|c| {
            c.prepare("SELECT spoken, terms FROM thesaurus ORDER BY id")?
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect()
        })
    }

    /// The clauses that a guide names as its basis, in order.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn basis(&self, guide: ClauseId) -> Result<Vec<BasisRow>> {
        self.read(|c| {
            c.prepare_cached("SELECT document_id, address FROM basis WHERE guide_id = ? ORDER BY position")?
                .query_map([guide.0], |r| {
                    let address: String = r.get(1)?;
                    Ok(BasisRow {
                        document: r.get(0)?,
                        address: serde_json::from_str(&address).map_err(|e| {
                            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(e))
                        })?,
                    })
                })?
                .collect()
        })
    }

    /// Statistics of each term, `None` for terms that no clause has.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn term_stats(&self, terms: &[&str]) -> Result<Vec<Option<TermStat>>> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT id, clauses FROM terms WHERE term = ?")?;
            terms
                .iter()
                .map(|term| {
                    statement.query_row([term], |r| Ok(TermStat { id: r.get(0)?, clauses: r.get(1)? })).optional()
                })
                .collect()
        })
    }

    /// Share of the clauses that have curated questions.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn questioned_share(&self) -> Result<f64> {
        const SHARE: &str =
            "SELECT (SELECT count(DISTINCT clause_id) FROM curated) * 1.0 / max(1, (SELECT count(*) FROM clauses))";
        self.read(|c| c.query_row(SHARE, [], |row| row.get(0)))
    }

    /// Calls `visit(term, number of clauses)` for every term, in no order.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn for_each_term(&self, mut visit: impl FnMut(&str, u32)) -> Result<()> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT term, clauses FROM terms")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_str()?, row.get(1)?);
            }
            Ok(())
        })
    }

    /// Calls `visit(term index, clause id)` for every clause of every term, through the FTS5 index.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn for_each_posting(&self, terms: &[&str], mut visit: impl FnMut(usize, i64)) -> Result<()> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT rowid FROM clause_fts WHERE clause_fts MATCH ?")?;
            for (index, term) in terms.iter().enumerate() {
                // Terms are letters and digits only, so quoting needs no escape.
                let mut rows = statement.query([format!("\"{term}\"")])?;
                while let Some(row) = rows.next()? {
                    visit(index, row.get(0)?);
                }
            }
            Ok(())
        })
    }

    /// Calls `visit(clause id, number of terms, packed terms)` for each of the clauses.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn for_each_forward(&self, clauses: &[i64], mut visit: impl FnMut(i64, u32, &[u8])) -> Result<()> {
        self.read(|c| {
            let mut statement = c.prepare_cached("SELECT length, terms FROM forward WHERE clause_id = ?")?;
            for id in clauses {
                let mut rows = statement.query([id])?;
                if let Some(row) = rows.next()? {
                    let length: u32 = row.get(0)?;
                    let blob = row.get_ref(1)?.as_blob()?;
                    visit(*id, length, blob);
                }
            }
            Ok(())
        })
    }
}
