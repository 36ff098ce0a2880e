//! Building a knowledge file: rows go in, in a fixed order, and the same rows give the same generation id.

use super::connection::{build_failed, open_build};
use super::earlier::{self, Earlier};
use super::review::fingerprint;
use super::rows::{BasisRow, ClauseRow, VersionRow};
use super::schema::{self, ROWS_OF_A_CLAUSE, meta};
use super::tokens::TokenVectors;
use super::vectors::{PassageKind, Quantised};
use crate::error::{Code, Error, Result};
use crate::types::{ClauseId, GenerationId, VersionId};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Hex digits of the content hash that name a generation.
const GENERATION_HEX: usize = 16;

/// Writes one knowledge file. Versions and clauses must be added in their final order.
pub struct KnowledgeWriter {
    connection: Connection,
    hash: Sha256,
    term_ids: HashMap<Box<str>, u32>,
    term_clauses: Vec<u32>,
    /// Documents of an earlier file.
    known_documents: HashMap<String, i64>,
    /// Clauses so far.
    clauses: i64,
    /// Highest id so far, of each.
    last_clause: i64,
    last_version: i64,
    last_document: i64,
    curated: Numbers,
    length_sum: u64,
    vectors: Option<Vectors>,
}

/// The vectors so far.
struct Vectors {
    dimension: usize,
    tokens: Option<usize>,
    passages: i64,
    numbers: Numbers,
}

/// Numbers rows within their clause.
#[derive(Default)]
struct Numbers {
    clause: i64,
    last: i64,
}

impl Numbers {
    /// The id of the next row of a clause; `None` when the clause has too many, or another clause had rows since.
    fn next(&mut self, clause: ClauseId) -> Option<i64> {
        if clause.0 != self.clause {
            *self = Numbers { clause: Some(clause.0).filter(|id| *id > self.clause)?, last: -1 };
        }
        self.last = Some(self.last + 1).filter(|number| *number < ROWS_OF_A_CLAUSE)?;
        clause.0.checked_mul(ROWS_OF_A_CLAUSE)?.checked_add(self.last)
    }
}

impl KnowledgeWriter {
    /// Starts a file at `path`, which must not exist or be empty.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn create(path: &Path) -> Result<KnowledgeWriter> {
        KnowledgeWriter::create_like(path, &Earlier::default())
    }

    /// Starts a file at `path` whose documents and terms have the ids that they had in an earlier one.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn create_like(path: &Path, earlier: &Earlier) -> Result<KnowledgeWriter> {
        let connection = open_build(path)?;
        connection.execute_batch("BEGIN").map_err(build_failed)?;
        let mut hash = Sha256::new();
        hash.update(schema::SCHEMA_VERSION.to_le_bytes());
        Ok(KnowledgeWriter {
            connection,
            hash,
            term_clauses: vec![0; earlier.terms.values().max().map_or(0, |last| *last as usize + 1)],
            term_ids: earlier.terms.clone(),
            clauses: 0,
            last_clause: 0,
            last_version: 0,
            last_document: earlier.documents.values().copied().max().unwrap_or(0),
            known_documents: earlier.documents.clone(),
            curated: Numbers::default(),
            length_sum: 0,
            vectors: None,
        })
    }

    /// Adds a document (one title); returns its id.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_document(&mut self, title_key: &str, title: &str) -> Result<i64> {
        let id = self.known_documents.get(title_key).copied().unwrap_or(self.last_document + 1);
        self.last_document = self.last_document.max(id);
        self.absorb(&["document", title_key, title]);
        self.connection
            .prepare_cached("INSERT INTO documents(id, title_key, title) VALUES(?,?,?)")
            .and_then(|mut s| s.execute(params![id, title_key, title]))
            .map_err(build_failed)?;
        Ok(id)
    }

    /// Adds a spoken word with its terms, separated by spaces.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_spoken(&mut self, spoken: &str, terms: &str) -> Result<()> {
        self.absorb(&["spoken", spoken, terms]);
        self.connection
            .prepare_cached("INSERT INTO thesaurus(spoken, terms) VALUES(?,?)")
            .and_then(|mut s| s.execute(params![spoken, terms]))
            .map_err(build_failed)?;
        Ok(())
    }

    /// Adds a version that will hold the next `clause_count` clauses, with the next ids.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_version(&mut self, document: i64, row: &VersionRow, clause_count: usize) -> Result<VersionId> {
        let id = VersionId(self.last_version + 1);
        self.add_version_at(id, ClauseId(self.last_clause + 1), document, row, clause_count)
    }

    /// Adds a version with this id, whose clauses, the next `clause_count`, have ids from `first_clause` on.
    ///
    /// # Errors
    /// `KB_BUILD`, also when there are clauses with such ids already.
    pub fn add_version_at(
        &mut self,
        id: VersionId,
        first_clause: ClauseId,
        document: i64,
        row: &VersionRow,
        clause_count: usize,
    ) -> Result<VersionId> {
        if first_clause.0 <= self.last_clause {
            return Err(Error::new(
                Code::KbBuild,
                format!("《{}》的条款编号与前面的重叠", row.title),
                "请把本条信息报给软件维护方",
            ));
        }
        self.last_clause = first_clause.0 - 1;
        self.last_version = self.last_version.max(id.0);
        let day = |d: Option<crate::types::Date>| d.map(|d| d.to_string());
        let (published, from, until) = (day(row.published), day(row.effective.from), day(row.effective.until));
        let blank = String::new();
        self.absorb(&[
            "version",
            &row.title,
            &row.doc_no,
            &row.issuer,
            row.level.label(),
            row.classification.label(),
            published.as_ref().unwrap_or(&blank),
            from.as_ref().unwrap_or(&blank),
            until.as_ref().unwrap_or(&blank),
            if row.repealed { "repealed" } else { "" },
            if row.sample { "sample" } else { "" },
            &row.source,
            &id.0.to_string(),
            &first_clause.0.to_string(),
        ]);
        self.connection
            .prepare_cached(
                "INSERT INTO versions(id, document_id, title, doc_no, issuer, level, classification, published,
                 effective_from, effective_to, repealed, sample, source, first_clause, clause_count)
                 VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            )
            .and_then(|mut s| {
                s.execute(params![
                    id.0,
                    document,
                    row.title,
                    row.doc_no,
                    row.issuer,
                    row.level.label(),
                    row.classification.rank(),
                    published,
                    from,
                    until,
                    row.repealed,
                    row.sample,
                    row.source,
                    first_clause.0,
                    clause_count as i64
                ])
            })
            .map_err(build_failed)?;
        Ok(id)
    }

    /// Adds a clause with its index terms (repeats count).
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_clause<'t>(
        &mut self,
        version: VersionId,
        row: &ClauseRow<'_>,
        terms: impl Iterator<Item = &'t str>,
    ) -> Result<ClauseId> {
        self.clauses += 1;
        self.last_clause += 1;
        self.absorb(&["clause", &row.address.label, row.heading, row.text, row.guide.unwrap_or("")]);
        self.connection
            .prepare_cached(
                "INSERT INTO clauses(id, version_id, label, article, insert_no, heading, text, guide) VALUES(?,?,?,?,?,?,?,?)",
            )
            .and_then(|mut s| {
                s.execute(params![
                    self.last_clause,
                    version.0,
                    row.address.label,
                    row.address.article,
                    row.address.insert,
                    row.heading,
                    row.text,
                    row.guide
                ])
            })
            .map_err(build_failed)?;
        self.index_terms(terms)?;
        Ok(ClauseId(self.last_clause))
    }

    fn index_terms<'t>(&mut self, terms: impl Iterator<Item = &'t str>) -> Result<()> {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        let mut body = String::new();
        let mut length = 0u64;
        for term in terms {
            length += 1;
            self.absorb(&[term]);
            let next = self.term_clauses.len() as u32;
            let id = match self.term_ids.get(term) {
                Some(id) => *id,
                None => {
                    self.term_ids.insert(term.into(), next);
                    self.term_clauses.push(0);
                    next
                }
            };
            let count = counts.entry(id).or_insert(0);
            *count += 1;
            if *count == 1 {
                if let Some(clauses) = self.term_clauses.get_mut(id as usize) {
                    *clauses += 1;
                }
                body.push_str(term);
                body.push(' ');
            }
        }
        self.length_sum += length;
        let blob = super::forward::encode(&counts);
        self.connection
            .prepare_cached("INSERT INTO forward(clause_id, length, terms) VALUES(?,?,?)")
            .and_then(|mut s| s.execute(params![self.last_clause, length as i64, blob]))
            .map_err(build_failed)?;
        self.connection
            .prepare_cached("INSERT INTO clause_fts(rowid, body) VALUES(?,?)")
            .and_then(|mut s| s.execute(params![self.last_clause, body]))
            .map_err(build_failed)?;
        Ok(())
    }

    /// Attaches a curated question to a clause that was added; `folded` is its comparison form. The question is bound to the
    /// clause's words as they are; `confirmed` says that somebody looked at exactly these words. Questions come in the order of their
    /// clauses.
    ///
    /// # Errors
    /// `KB_BUILD`, also when the order is another.
    pub fn add_curated(&mut self, clause: ClauseId, question: &str, folded: &str, confirmed: bool) -> Result<()> {
        let id = self.curated.next(clause).ok_or_else(|| out_of_order(clause))?;
        self.absorb(&["curated", question, if confirmed { "confirmed" } else { "" }]);
        let text: String = self
            .connection
            .prepare_cached("SELECT text FROM clauses WHERE id = ?")
            .and_then(|mut s| s.query_row([clause.0], |row| row.get(0)))
            .map_err(build_failed)?;
        self.connection
            .prepare_cached(
                "INSERT INTO curated(id, clause_id, question, folded, rests_on, confirmed) VALUES(?,?,?,?,?,?)",
            )
            .and_then(|mut s| s.execute(params![id, clause.0, question, folded, fingerprint(&text), confirmed]))
            .map_err(build_failed)?;
        Ok(())
    }

    /// Names the clauses that a guide rests on, in order.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn add_basis(&mut self, guide: ClauseId, basis: &[BasisRow]) -> Result<()> {
        for (position, row) in basis.iter().enumerate() {
            let address = serde_json::to_string(&row.address)
                .map_err(|e| Error::new(Code::Internal, "条款地址无法写入", "请把本条信息报给软件维护方").because(e))?;
            self.absorb(&["basis", &address]);
            self.connection
                .prepare_cached("INSERT INTO basis(guide_id, position, document_id, address) VALUES(?,?,?,?)")
                .and_then(|mut s| s.execute(params![guide.0, position as i64, row.document, address]))
                .map_err(build_failed)?;
        }
        Ok(())
    }

    /// Names the encoder whose vectors follow, and their length.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn begin_vectors(&mut self, name: &str, sha256: &str, dimension: usize) -> Result<()> {
        self.absorb(&["embedder", sha256]);
        self.vectors = Some(Vectors { dimension, tokens: None, passages: 0, numbers: Numbers::default() });
        self.put_meta(meta::EMBEDDER_NAME, name)?;
        self.put_meta(meta::EMBEDDER_SHA256, sha256)?;
        self.put_meta(meta::EMBEDDER_DIMENSION, &dimension.to_string())
    }

    /// Says, after [`KnowledgeWriter::begin_vectors`], that the vectors of tokens follow too, and how long one is.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn begin_tokens(&mut self, dimension: usize) -> Result<()> {
        if let Some(vectors) = &mut self.vectors {
            vectors.tokens = Some(dimension);
        }
        self.put_meta(meta::TOKEN_DIMENSION, &dimension.to_string())
    }

    /// Adds the vector of a passage with this text; passages come in the order of their clauses. Returns its id.
    ///
    /// # Errors
    /// `KB_BUILD`, also when the order or the length is another than said.
    pub fn add_passage(&mut self, clause: ClauseId, kind: PassageKind, text: &str, vector: &Quantised) -> Result<i64> {
        let vectors = self.vectors.as_mut().filter(|v| v.dimension == vector.values.len());
        let numbered = vectors.and_then(|vectors| {
            vectors.passages += 1;
            vectors.numbers.next(clause)
        });
        let id = numbered.ok_or_else(|| out_of_order(clause))?;
        let bytes: Vec<u8> = vector.values.iter().map(|x| x.cast_unsigned()).collect();
        let fingerprint = earlier::fingerprint(text);
        self.connection
            .prepare_cached("INSERT INTO passages(id, clause_id, kind, fingerprint, scale, vector) VALUES(?,?,?,?,?,?)")
            .and_then(|mut s| {
                s.execute(params![id, clause.0, kind.number(), fingerprint, f64::from(vector.scale), bytes])
            })
            .map_err(build_failed)?;
        Ok(id)
    }

    /// Adds the vectors of the tokens of a clause's passage, none for a text that has only
    /// tokens without meaning.
    ///
    /// # Errors
    /// `KB_BUILD`, also when they are not of the length that was said.
    pub fn add_tokens(&mut self, passage: i64, vectors: &TokenVectors) -> Result<()> {
        let length = self.vectors.as_ref().and_then(|v| v.tokens);
        if length != Some(vectors.dimension()) {
            let message = format!("编码模型给出的词元向量有 {} 维,与事先声明的不同", vectors.dimension());
            return Err(Error::new(Code::KbBuild, message, "请把本条信息报给软件维护方"));
        }
        self.connection
            .prepare_cached("INSERT INTO tokens(passage_id, vectors) VALUES(?,?)")
            .and_then(|mut s| s.execute(params![passage, vectors.bytes()]))
            .map_err(build_failed)?;
        Ok(())
    }

    /// Writes terms and metadata, compacts the index and closes the file.
    ///
    /// # Errors
    /// `KB_BUILD`.
    pub fn finish(mut self) -> Result<GenerationId> {
        let mut terms: Vec<(&str, u32)> = self.term_ids.iter().map(|(t, id)| (t.as_ref(), *id)).collect();
        terms.sort_unstable_by_key(|(_, id)| *id);
        {
            let mut insert =
                self.connection.prepare("INSERT INTO terms(id, term, clauses) VALUES(?,?,?)").map_err(build_failed)?;
            for (term, id) in terms {
                let clauses = self.term_clauses.get(id as usize).copied().unwrap_or(0);
                if clauses == 0 {
                    // Only the earlier file has it.
                    continue;
                }
                insert.execute(params![id, term, clauses]).map_err(build_failed)?;
            }
        }
        let mean = if self.clauses == 0 { 0.0 } else { self.length_sum as f64 / self.clauses as f64 };
        let digest = std::mem::take(&mut self.hash).finalize();
        let generation: String =
            digest.iter().map(|b| format!("{b:02x}")).collect::<String>().chars().take(GENERATION_HEX).collect();
        if let Some(passages) = self.vectors.as_ref().map(|v| v.passages) {
            self.put_meta(meta::PASSAGES, &passages.to_string())?;
        }
        self.put_meta(meta::CLAUSES, &self.clauses.to_string())?;
        self.put_meta(meta::MEAN_LENGTH, &mean.to_string())?;
        self.put_meta(meta::GENERATION, &generation)?;
        self.put_meta(meta::BUILT_BY, env!("CARGO_PKG_VERSION"))?;
        self.connection
            .execute_batch("INSERT INTO clause_fts(clause_fts) VALUES('optimize'); COMMIT; ANALYZE;")
            .map_err(build_failed)?;
        self.connection.close().map_err(|(_, e)| build_failed(e))?;
        Ok(GenerationId(generation))
    }

    /// What is written to.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn put_meta(&self, key: &str, value: &str) -> Result<()> {
        self.connection
            .execute("INSERT INTO meta(key, value) VALUES(?,?)", params![key, value])
            .map_err(build_failed)?;
        Ok(())
    }

    /// Adds fields to the content hash, each preceded by its length so that fields cannot run into each other.
    pub(super) fn absorb(&mut self, fields: &[&str]) {
        for field in fields {
            self.hash.update((field.len() as u64).to_le_bytes());
            self.hash.update(field.as_bytes());
        }
    }
}

fn out_of_order(clause: ClauseId) -> Error {
    Error::new(
        Code::KbBuild,
        format!("条款 {} 的向量或问法太多、长度或次序不对", clause.0),
        "请换用完好的编码模型;如仍出现,请把本条信息报给软件维护方",
    )
}
