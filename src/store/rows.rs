//! Rows as the store writes and reads them.

use crate::types::{Classification, ClauseAddress, ClauseId, Date, EffectivePeriod, Level, Status, VersionId};

/// One version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Title as printed.
    pub title: String,
    /// 文号; empty when there is none.
    pub doc_no: String,
    /// Issuing authority; empty when unknown.
    pub issuer: String,
    /// Rank.
    pub level: Level,
    /// Who may read it.
    pub classification: Classification,
    /// Day of publication.
    pub published: Option<Date>,
    /// When it is in force.
    pub effective: EffectivePeriod,
    /// Whether `effective.until` comes from a repeal rather than from a newer version.
    pub repealed: bool,
    /// A made-up sample rule.
    pub sample: bool,
    /// Path of the source file.
    pub source: String,
}

impl VersionRow {
    /// State on a day.
    pub fn status(&self, day: Date) -> Status {
        if self.effective.contains(day) {
            Status::InForce
        } else if self.effective.from.is_some_and(|f| day < f) {
            Status::NotYetInForce
        } else if self.repealed {
            Status::Repealed
        } else {
            Status::Superseded
        }
    }
}

/// A stored version: its row, its ids and its clauses, which are the ids `first_clause .. first_clause + clause_count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Id of the version.
    pub id: VersionId,
    /// Id of the document (title) it belongs to.
    pub document: i64,
    /// Key of the title.
    pub title_key: String,
    /// The row.
    pub row: VersionRow,
    /// Id of its first clause.
    pub first_clause: i64,
    /// Number of clauses.
    pub clause_count: i64,
}

impl Version {
    /// Whether the clause belongs to this version.
    pub fn holds(&self, clause: ClauseId) -> bool {
        clause.0 >= self.first_clause && clause.0 < self.first_clause + self.clause_count
    }
}

/// One clause to be written.
#[derive(Debug, Clone)]
pub struct ClauseRow<'a> {
    /// Address; only `article`, `insert` and `label` are stored.
    pub address: &'a ClauseAddress,
    /// Chapter path.
    pub heading: &'a str,
    /// Verbatim text without the label.
    pub text: &'a str,
    /// The scene of a guide as JSON.
    pub guide: Option<&'a str>,
}

/// One clause as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Its id.
    pub id: ClauseId,
    /// Its version.
    pub version: VersionId,
    /// Its address, down to the 条.
    pub address: ClauseAddress,
    /// Chapter path.
    pub heading: String,
    /// Verbatim text without the label.
    pub text: String,
    /// The scene of a guide as JSON.
    pub guide: Option<String>,
}

/// A curated question as stored, with the address of its clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CuratedRow {
    /// The clause that answers it.
    pub clause: ClauseId,
    /// The clause's address, down to the 条.
    pub address: ClauseAddress,
    /// The question.
    pub question: String,
    /// Its comparison form.
    pub folded: String,
    /// Fingerprint of the clause's words, see [`super::fingerprint`].
    pub rests_on: String,
    /// Somebody looked at exactly these words.
    pub confirmed: bool,
}

/// A clause that a guide rests on. The document is named, not the version: which version answers depends on the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasisRow {
    /// Document id.
    pub document: i64,
    /// Address down to the part that carries the answer.
    pub address: ClauseAddress,
}
