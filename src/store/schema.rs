//! The shape of a knowledge file. The file is built once, then only read.

/// `PRAGMA application_id`: "GUID" in ASCII, so that any other SQLite file is told apart.
pub const APPLICATION_ID: i64 = 0x4755_4944;

/// `PRAGMA user_version`. Raised with every change of the tables below; a file of another version is refused with `KB_SCHEMA`.
pub const SCHEMA_VERSION: i64 = 5;

/// Passages, or curated questions, that one clause may have.
pub const ROWS_OF_A_CLAUSE: i64 = 1 << 20;

/// Clause ids reach at most this many times as far as there are clauses, so that what is held per id stays small.
pub const MAX_SPREAD: i64 = 2;

/// All tables.
///
/// - `clause_fts` is contentless with `detail=none`: it yields the list of clauses for a term and nothing else; ranking uses
///   `forward`, which holds each clause's terms and counts.
/// - `passages` is empty without an encoder. A vector has one signed byte a number, to be multiplied by `scale`; `kind` is 0 for a
///   part of the clause, 1 for a curated or everyday question; `fingerprint` is the first 8 bytes of the text's SHA-256.
/// - `tokens` holds, for every passage of kind 0, a vector for each token ([`super::TokenVectors`]: `token_dimension` numbers of four bits), for
///   encoders that compare tokens; it is empty without such an encoder, and where there are too many clauses to keep them.
/// - Ids of `passages` and `curated` are the clause's id times [`ROWS_OF_A_CLAUSE`] and their number in the clause: one row more in a
///   clause leaves the others' ids as they are.
/// - `curated.rests_on` is the [`super::fingerprint`] of the clause's text; `confirmed` is 1 when the source itself named that
///   fingerprint, or when the question stands in the text that answers it (the 问法 of a scene), else 0.
/// - `thesaurus` is empty unless the documents brought a list of their own.
/// - Clause ids of one version are contiguous and in document order, so that a version is a range of ids. The ranges of a title's
///   versions ascend with their age. Between ranges may be ids that no clause has, where an earlier file had other versions.
pub const TABLES: &str = "
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE documents(
  id INTEGER PRIMARY KEY,
  title_key TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL
) STRICT;

CREATE TABLE versions(
  id INTEGER PRIMARY KEY,
  document_id INTEGER NOT NULL REFERENCES documents(id),
  title TEXT NOT NULL,
  doc_no TEXT NOT NULL,
  issuer TEXT NOT NULL,
  level TEXT NOT NULL,
  classification INTEGER NOT NULL,
  published TEXT,
  effective_from TEXT,
  effective_to TEXT,
  repealed INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  source TEXT NOT NULL,
  first_clause INTEGER NOT NULL,
  clause_count INTEGER NOT NULL
) STRICT;
CREATE INDEX versions_by_document ON versions(document_id);

CREATE TABLE clauses(
  id INTEGER PRIMARY KEY,
  version_id INTEGER NOT NULL REFERENCES versions(id),
  label TEXT NOT NULL,
  article INTEGER,
  insert_no INTEGER NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL,
  guide TEXT
) STRICT;
CREATE INDEX clauses_by_article ON clauses(version_id, article, insert_no) WHERE article IS NOT NULL;

CREATE TABLE curated(
  id INTEGER PRIMARY KEY,
  clause_id INTEGER NOT NULL REFERENCES clauses(id),
  question TEXT NOT NULL,
  folded TEXT NOT NULL,
  rests_on TEXT NOT NULL,
  confirmed INTEGER NOT NULL
) STRICT;
CREATE INDEX curated_by_folded ON curated(folded);
CREATE INDEX curated_by_clause ON curated(clause_id);

CREATE TABLE thesaurus(
  id INTEGER PRIMARY KEY,
  spoken TEXT NOT NULL,
  terms TEXT NOT NULL
) STRICT;

CREATE TABLE basis(
  guide_id INTEGER NOT NULL REFERENCES clauses(id),
  position INTEGER NOT NULL,
  document_id INTEGER NOT NULL REFERENCES documents(id),
  address TEXT NOT NULL,
  PRIMARY KEY(guide_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE terms(
  id INTEGER PRIMARY KEY,
  term TEXT NOT NULL UNIQUE,
  clauses INTEGER NOT NULL
) STRICT;

CREATE TABLE forward(
  clause_id INTEGER PRIMARY KEY REFERENCES clauses(id),
  length INTEGER NOT NULL,
  terms BLOB NOT NULL
) STRICT;

CREATE TABLE passages(
  id INTEGER PRIMARY KEY,
  clause_id INTEGER NOT NULL REFERENCES clauses(id),
  kind INTEGER NOT NULL,
  fingerprint INTEGER NOT NULL,
  scale REAL NOT NULL,
  vector BLOB NOT NULL
) STRICT;

CREATE TABLE tokens(
  passage_id INTEGER PRIMARY KEY REFERENCES passages(id),
  vectors BLOB NOT NULL
) STRICT;

CREATE VIRTUAL TABLE clause_fts USING fts5(body, content='', detail=none, columnsize=0);
";

/// Keys of the `meta` table.
pub mod meta {
    /// Identity of the content, see [`crate::types::GenerationId`].
    pub const GENERATION: &str = "generation";
    /// Version of Guida that built the file.
    pub const BUILT_BY: &str = "built_by";
    /// Number of clauses, so that a version that is missing with its clauses is noticed.
    pub const CLAUSES: &str = "clauses";
    /// Mean number of terms of a clause, for BM25.
    pub const MEAN_LENGTH: &str = "mean_length";
    /// Name of the encoder, absent without vectors.
    pub const EMBEDDER_NAME: &str = "embedder_name";
    /// SHA-256 of the encoder.
    pub const EMBEDDER_SHA256: &str = "embedder_sha256";
    /// Number of vectors.
    pub const PASSAGES: &str = "passages";
    /// Vector length.
    pub const EMBEDDER_DIMENSION: &str = "embedder_dimension";
    /// Length of a token's vector; absent where no tokens are kept.
    pub const TOKEN_DIMENSION: &str = "token_dimension";
}
