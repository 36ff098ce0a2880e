//! The knowledge store. A knowledge file is one SQLite database, written once by [`KnowledgeWriter`] and from then on only
//! read, by any number of threads, through [`Knowledge`].
//!
//! ```text
//! documents ─< versions ─< clauses ─┬─ forward (terms and counts of the clause, for exact BM25)
//!                                   ├─ clause_fts (FTS5: which clauses have a term)
//!                                   ├─ passages (vectors of the clause's parts and of its curated questions)
//!                                   ├─ curated (questions known to be answered here, with the fingerprint of its words)
//!                                   ├─ basis (for a guide's scene: the clauses it rests on)
//!                                   └─ amendments (what other texts change in it; only in files that have some)
//! ```
//!
//! [`review`] and [`diff`] compare two files: which curated questions must be looked at again, and what a person should know before
//! taking the new one.
//!
//! A file may be made to resemble an [`Earlier`] one, so that the difference between the two is small.
//!
//! All SQL of the product stands in this folder.

mod amended;
mod chain;
mod check;
mod clauses;
pub mod closed;
mod connection;
pub mod diff;
mod earlier;
pub mod forward;
pub mod generations;
mod knowledge;
pub mod review;
mod rows;
pub mod schema;
pub mod sealed;
mod shape;
pub mod state;
mod tokens;
mod untouched;
mod vacuum;
mod vectors;
mod write;

pub use amended::{AmendmentKind, AmendmentRow};
pub use check::{CheckReport, check};
pub use clauses::TermStat;
pub use earlier::Earlier;
pub use knowledge::{EmbedderInfo, Knowledge};
pub use review::fingerprint;
pub use rows::{BasisRow, Clause, ClauseRow, CuratedRow, Version, VersionRow};
pub use shape::{check_schema, schema_sha256};
pub use tokens::TokenVectors;
pub use untouched::{Quick, quick_check};
pub use vacuum::vacuum_into;
pub use vectors::{Background, Encoded, Near, Nearest, PassageKind, Quantised};
pub use write::KnowledgeWriter;
