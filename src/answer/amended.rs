//! Marks of amended clauses, and the clauses that amend them beside them on the card.

use super::cite::cite;
use super::outcome::{Amended, Citation, Source};
use crate::error::Result;
use crate::store::{AmendmentRow, Knowledge, Version};
use crate::text::address;
use crate::types::{Classification, ClauseId, Date};

/// Who reads, and by the rules of which day.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The day.
    pub day: Date,
    /// What may be read.
    pub clearance: Classification,
}

/// Marks a cited clause: what other texts have changed in it by the day, and what a consolidated text is made of.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn mark(knowledge: &Knowledge, reader: Reader, citation: &mut Citation) -> Result<()> {
    let Some(version) = knowledge.version_of(citation.id) else { return Ok(()) };
    let made_of = knowledge.made_of(version.id).iter();
    let sources = made_of.filter_map(|id| knowledge.versions().iter().find(|version| version.id == *id));
    citation.made_of = sources.map(|version| source(version, reader)).collect();
    citation.effective_to = reads_until(knowledge, citation)?;
    citation.amended = Vec::new();
    for row in knowledge.amendments(citation.id, reader.day) {
        let amended = amended(knowledge, reader, row)?;
        if !citation.amended.contains(&amended) {
            citation.amended.push(amended);
        }
    }
    Ok(())
}

/// The consolidated text that follows the version of a clause on the day on which that ends.
pub(super) fn next(knowledge: &Knowledge, clause: ClauseId) -> Option<&Version> {
    let version = knowledge.version_of(clause)?;
    let until = version.row.effective.until?;
    knowledge.versions().iter().find(|next| {
        next.document == version.document
            && next.row.effective.from == Some(until)
            && next.row.effective.from > version.row.effective.from
            && !knowledge.made_of(next.id).is_empty()
    })
}

/// The first day on which a cited clause no longer reads so: where consolidated texts follow its version, the rule goes on, and with it every
/// clause that they leave as it is.
fn reads_until(knowledge: &Knowledge, citation: &Citation) -> Result<Option<Date>> {
    let mut until = citation.effective_to;
    let Some(mut clause) = knowledge.clause(citation.id)? else { return Ok(until) };
    while let Some(next) = next(knowledge, clause.id) {
        let Some(same) = knowledge.clause_at(next, &clause.address)?.filter(|same| same.text == clause.text) else {
            break;
        };
        if next.row.effective.from.is_some_and(|day| knowledge.open_amendments(same.id, day).next().is_some()) {
            break;
        }
        until = next.row.effective.until;
        clause = same;
    }
    Ok(until)
}

/// The clauses that amend a cited one and that the reader may read.
///
/// # Errors
/// `KB_CORRUPT`.
pub(super) fn amending(knowledge: &Knowledge, reader: Reader, citation: &Citation) -> Result<Vec<Citation>> {
    let mut found: Vec<Citation> = Vec::new();
    for row in knowledge.amendments(citation.id, reader.day) {
        let Some(version) = knowledge.version_of(row.by).filter(|v| is_open_to(v, reader)) else { continue };
        if let Some(clause) = knowledge.clause(row.by)?.filter(|_| found.iter().all(|known| known.id != row.by)) {
            found.push(cite(version, &clause, None, reader.day, &[]));
        }
    }
    Ok(found)
}

fn is_open_to(version: &Version, reader: Reader) -> bool {
    version.row.classification <= reader.clearance
}

fn source(version: &Version, reader: Reader) -> Source {
    if !is_open_to(version, reader) {
        return Source { document: "无权查看的文件".to_owned(), doc_no: String::new(), id: None };
    }
    Source {
        document: version.row.title.clone(),
        doc_no: version.row.doc_no.clone(),
        id: (version.clause_count > 0).then_some(ClauseId(version.first_clause)),
    }
}

fn amended(knowledge: &Knowledge, reader: Reader, row: &AmendmentRow) -> Result<Amended> {
    let version = knowledge.version_of(row.by).filter(|version| is_open_to(version, reader));
    let clause = if version.is_some() { knowledge.clause(row.by)? } else { None };
    let (document, doc_no) = version.map(|v| (v.row.title.clone(), v.row.doc_no.clone())).unwrap_or_default();
    let by = match (doc_no.as_str(), document.as_str()) {
        ("", "") => "其他文件".to_owned(),
        ("", title) => format!("《{title}》"),
        (number, _) => number.to_owned(),
    };
    let from = row.effective.from.map(|day| format!("({day} 起)")).unwrap_or_default();
    Ok(Amended {
        mark: format!("{}被{by}{}{from}", row.scope, row.kind.label()),
        document,
        doc_no,
        clause: clause.as_ref().map(|clause| address::print(&clause.address)).unwrap_or_default(),
        id: clause.map(|clause| clause.id),
        effective_from: row.effective.from,
        merged: row.merged,
        scope: row.scope.clone(),
    })
}
