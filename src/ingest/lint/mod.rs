//! `kb build` as a lint: what an editor should mend before the branches get it.
//!
//! Reading and planning leave notes of what they met; here the planned documents are looked at as a whole: numbering and identity
//! ([`documents`]), references ([`references`]), values that contradict each other ([`conflict`]). [`Finding`]s are errors, warnings or notes.
//! Only what is certainly wrong in a bank's own rule is an error: public norms are as they are printed.

mod conflict;
mod documents;
mod finding;
mod likeness;
mod references;
mod statement;
mod synonyms;

pub use finding::{Finding, Severity, Topic};

use super::plan::{PlannedDocument, PlannedVersion};
use super::report::{BuildReport, FileStatus};
use crate::text::address;
use crate::types::Date;

/// Conflicts that are listed; what goes beyond is counted.
const MAX_CONFLICTS: usize = 300;
/// Longest quotation of a rule in a finding, in characters.
const MAX_QUOTED_CHARS: usize = 120;

/// Looks at the documents as they are in force on a day, and at what the build already noted of files and documents.
pub fn examine(documents: &[PlannedDocument], report: &BuildReport, today: Date) -> Vec<Finding> {
    let mut found = noted(report);
    documents::examine(documents, today, &mut found);
    references::examine(documents, today, &mut found);
    conflicts(documents, today, &mut found);
    found.sort_by_key(|finding| finding.severity);
    found
}

/// The newest version of each document, unless it has ended.
fn current(documents: &[PlannedDocument], today: Date) -> impl Iterator<Item = &PlannedVersion> {
    let newest = documents.iter().filter_map(|document| document.versions.last());
    newest.filter(move |version| version.effective.until.is_none_or(|until| until > today))
}

/// A finding about a version.
fn about(version: &PlannedVersion, severity: Severity, topic: Topic, clause: &str, message: String) -> Finding {
    Finding {
        severity,
        topic,
        source: version.document.source.clone(),
        document: version.document.title.clone(),
        clause: clause.to_owned(),
        against: None,
        message,
    }
}

/// What reading says of a file, without what is found here again in more words.
fn unstated(reason: &str) -> String {
    let again = |part: &str| {
        part.starts_with("缺第") || part.contains("条号与前面重复") || part.contains("没有读到发布或生效日期")
    };
    reason.split(';').filter(|part| !again(part)).collect::<Vec<_>>().join(";")
}

/// What the build noted of files, documents and curated questions.
fn noted(report: &BuildReport) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut push = |severity, topic, source: &str, message: String| {
        let (source, document, clause) = (source.to_owned(), String::new(), String::new());
        found.push(Finding { severity, topic, source, document, clause, against: None, message });
    };
    for file in &report.files {
        let Some(reason) = file.reason.as_deref().map(unstated).filter(|reason| !reason.is_empty()) else { continue };
        let severity = match file.status {
            FileStatus::Failed => Severity::Error,
            // What was read tells how many entries it has.
            FileStatus::Read if file.documents == 0 => Severity::Note,
            FileStatus::Read => Severity::Warning,
            FileStatus::Skipped => Severity::Note,
        };
        push(severity, Topic::File, &file.path, reason);
    }
    for error in &report.errors {
        push(Severity::Error, Topic::Grounds, "", error.clone());
    }
    for note in &report.notes {
        push(Severity::Note, Topic::Reading, "", note.clone());
    }
    for line in &report.review {
        let message = format!("第 {} 行({})“{}”所依据的条款文字已变,待复核", line.line, line.id, line.question);
        push(Severity::Warning, Topic::Curated, &line.source, message);
    }
    found
}

/// The conflicts, each as a warning at the rule that an editor can mend, the later one of two.
fn conflicts(documents: &[PlannedDocument], today: Date, found: &mut Vec<Finding>) {
    let versions: Vec<&PlannedVersion> = current(documents, today).collect();
    let conflicts = conflict::find(&versions);
    let beyond = conflicts.len().saturating_sub(MAX_CONFLICTS);
    for conflict in conflicts.into_iter().take(MAX_CONFLICTS) {
        let place = |statement: &statement::Statement| {
            let version = versions.get(statement.document)?;
            let clause = version.document.clauses.get(statement.clause)?;
            Some((*version, address::print(&clause.address)))
        };
        let (Some((version, clause)), Some((other, other_clause))) = (place(&conflict.one), place(&conflict.other))
        else {
            continue;
        };
        let message = format!(
            "{}与《{}》{other_clause}({})不一致:本条写“{}”,该条写“{}”。本条:{}该条:{}请核对哪一个对,改一致或写明各自适用的情形",
            conflict.one.kind.label(),
            other.document.title,
            other.document.source,
            conflict.one.said,
            conflict.other.said,
            quoted(&conflict.one.sentence),
            quoted(&conflict.other.sentence),
        );
        let against = Some(format!("《{}》{other_clause}", other.document.title));
        found.push(Finding { against, ..about(version, Severity::Warning, Topic::Conflict, &clause, message) });
    }
    if beyond > 0 {
        let (source, document, clause) = (String::new(), String::new(), String::new());
        let message = format!("另有 {beyond} 处数值冲突没有列出");
        let (severity, topic, against) = (Severity::Warning, Topic::Conflict, None);
        found.push(Finding { severity, topic, source, document, clause, against, message });
    }
}

fn quoted(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let shown: String = chars.by_ref().take(MAX_QUOTED_CHARS).collect();
    format!("“{shown}{}”;", if chars.next().is_some() { "…" } else { "" })
}
