//! What became of every file: the account that a build gives of its sources.

use super::identity::Identity;
use super::lint::{Finding, Severity, Topic};
use super::plan::PlannedVersion;
use super::readers::Outcome;
use super::walk::SourceFile;
use crate::error::Result;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// What happened to one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Its text is in.
    Read,
    /// It is no document for the knowledge base; `reason` says why.
    Skipped,
    /// It should have been read and could not be; `reason` says why and what to do.
    Failed,
}

/// The account of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Path below the folder that was read.
    pub path: String,
    /// What happened.
    pub status: FileStatus,
    /// Documents taken from it.
    pub documents: usize,
    /// Clauses taken from it; known only after the legal structure is parsed, 0 until then.
    pub clauses: usize,
    /// Why it was skipped or failed, or what was left out of a file that was read.
    pub reason: Option<String>,
    /// Who its documents are, and by which witnesses.
    pub identities: Vec<Identity>,
}

impl FileReport {
    /// The account of what a reader returned, before its clauses are counted.
    pub fn of(file: &SourceFile, outcome: &Outcome) -> FileReport {
        let (status, documents, reason) = match outcome {
            Outcome::Read(documents) => {
                let left_out: Vec<&str> = documents
                    .iter()
                    .filter_map(|d| d.meta.get(super::readers::WARNING_KEY))
                    .map(String::as_str)
                    .collect();
                let reason = (!left_out.is_empty()).then(|| left_out.join(";"));
                (FileStatus::Read, documents.len(), reason)
            }
            Outcome::Skipped(reason) => (FileStatus::Skipped, 0, Some(reason.clone())),
            Outcome::Failed(error) => (FileStatus::Failed, 0, Some(error.to_string())),
        };
        FileReport { path: file.relative.clone(), status, documents, clauses: 0, reason, identities: Vec::new() }
    }

    /// Adds what a person should look at.
    pub fn note(&mut self, what: &[String]) {
        for what in what {
            self.reason = Some(self.reason.take().map_or_else(|| what.clone(), |reason| format!("{reason};{what}")));
        }
    }

    /// The account of a file of curated questions or of spoken words: how many it has, in this `unit`.
    pub fn of_list<T>(file: &SourceFile, unit: &str, read: &Result<Vec<T>>) -> FileReport {
        let (status, reason) = match read {
            Ok(entries) => (FileStatus::Read, format!("{unit} {} 条", entries.len())),
            Err(error) => (FileStatus::Failed, error.to_string()),
        };
        FileReport {
            path: file.relative.clone(),
            status,
            documents: 0,
            clauses: 0,
            reason: Some(reason),
            identities: Vec::new(),
        }
    }
}

/// A curated line that was written for other words than its clause has now: somebody must look at it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unbound {
    /// The file.
    pub source: String,
    /// Its line, from 1.
    pub line: usize,
    /// Id of the question.
    pub id: String,
    /// The question.
    pub question: String,
    /// Key of the title.
    pub document: String,
    /// Address of the clause.
    pub clause: String,
    /// The fingerprint that the line names.
    pub named: String,
    /// The fingerprint of the words as they are now; written into the line, it confirms the question.
    pub rests_on: String,
    /// The words as they are now.
    pub text: String,
}

/// The account of a whole build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuildReport {
    /// One entry per file, in reading order.
    pub files: Vec<FileReport>,
    /// What concerns no single file.
    pub notes: Vec<String>,
    /// What contradicts the rules and must be mended; nothing is concluded from it.
    pub errors: Vec<String>,
    /// Curated lines that were left out until somebody looks at them again.
    pub review: Vec<Unbound>,
    /// What an editor should mend, the worst first.
    pub findings: Vec<Finding>,
}

impl BuildReport {
    /// Files with this status.
    pub fn count(&self, status: FileStatus) -> usize {
        self.files.iter().filter(|f| f.status == status).count()
    }

    /// Findings this bad.
    pub fn found(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Takes a text back that a file holds, with the reason; the file counts as skipped when it holds no other.
    pub fn leave_out(&mut self, path: &str, reason: &str) {
        let Some(file) = self.files.iter_mut().find(|file| file.path == path) else { return };
        file.documents = file.documents.saturating_sub(1);
        if file.documents == 0 {
            file.status = FileStatus::Skipped;
            file.clauses = 0;
        }
        file.reason = Some(reason.to_owned());
    }

    /// Enters who the documents of each file are, and what a person should look at.
    pub fn identify<'v>(&mut self, versions: impl Iterator<Item = &'v PlannedVersion>) {
        let mut by_file: HashMap<&str, Vec<&PlannedVersion>> = HashMap::new();
        for version in versions {
            by_file.entry(version.document.source.as_str()).or_default().push(version);
        }
        for file in &mut self.files {
            let Some(versions) = by_file.get(file.path.as_str()) else { continue };
            file.identities = versions.iter().map(|version| Identity::of(version)).collect();
            let doubts: Vec<String> = file.identities.iter().flat_map(Identity::doubts).collect();
            if !doubts.is_empty() && file.status == FileStatus::Read {
                let known = file.reason.take().map(|reason| format!("{reason};")).unwrap_or_default();
                file.reason = Some(format!("{known}{}", doubts.join(";")));
            }
        }
    }

    /// Documents over all files.
    pub fn documents(&self) -> usize {
        self.files.iter().map(|f| f.documents).sum()
    }

    /// Clauses over all files.
    pub fn clauses(&self) -> usize {
        self.files.iter().map(|f| f.clauses).sum()
    }
}

/// The totals, then a line for every file that a person should look at.
impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "共 {} 个文件:读取 {},跳过 {},失败 {};文档 {} 份,条款 {} 条",
            self.files.len(),
            self.count(FileStatus::Read),
            self.count(FileStatus::Skipped),
            self.count(FileStatus::Failed),
            self.documents(),
            self.clauses(),
        )?;
        let noted: Vec<&FileReport> = self.files.iter().filter(|file| file.reason.is_some()).collect();
        let width = noted.iter().map(|file| columns(&printable(&file.path))).max().unwrap_or(0).min(MAX_PATH_COLUMNS);
        for file in noted {
            let label = match file.status {
                FileStatus::Read => "注意",
                FileStatus::Skipped => "跳过",
                FileStatus::Failed => "失败",
            };
            let path = printable(&file.path);
            let padding = " ".repeat(width.saturating_sub(columns(&path)));
            writeln!(f, "{label}  {path}{padding}  {}", printable(file.reason.as_deref().unwrap_or("")))?;
        }
        for error in &self.errors {
            writeln!(f, "错误  {}", printable(error))?;
        }
        for note in &self.notes {
            writeln!(f, "注意  {}", printable(note))?;
        }
        for line in &self.review {
            let Unbound { source, line, id, question, document, clause, rests_on, .. } = line;
            let what = format!(
                "{source} 第 {line} 行({id})未收入,待复核:“{question}”所依据的《{document}》{clause}文字已变;复核无误后把 rests_on 改为 {rests_on}"
            );
            writeln!(f, "复核  {}", printable(&what))?;
        }
        // Files, errors, notes and curated lines stand above.
        let above = [Topic::File, Topic::Grounds, Topic::Reading, Topic::Curated];
        for finding in self.findings.iter().filter(|finding| !above.contains(&finding.topic)) {
            let (severity, topic) = (finding.severity.label(), finding.topic.label());
            let what = format!("{severity}  {topic}  {}({}):{}", finding.place(), finding.source, finding.message);
            writeln!(f, "{}", printable(&what))?;
        }
        // Without a document nothing was looked at.
        if self.documents() > 0 {
            let [errors, warnings, notes] = Severity::ALL.map(|severity| self.found(severity));
            writeln!(f, "检查结果:错误 {errors},警告 {warnings},提示 {notes}")?;
        }
        Ok(())
    }
}

/// Widest path column; longer paths push their reason to the right rather than being cut.
const MAX_PATH_COLUMNS: usize = 60;

/// Terminal columns of a text: East Asian wide characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{115F}').contains(&c) || c >= '\u{2E80}' { 2 } else { 1 }).sum()
}

/// A file name is foreign text: control characters in it must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};
    use crate::text::document::RawDocument;

    fn file(name: &str) -> SourceFile {
        SourceFile { path: name.into(), relative: name.into() }
    }

    #[test]
    fn every_file_is_accounted_for() {
        let mut partly = RawDocument::default();
        partly.meta.insert(super::super::readers::WARNING_KEY.into(), "第 3 页没有文字层".into());
        let outcomes = [
            ("a.md", Outcome::Read(vec![RawDocument::default()])),
            ("b.pdf", Outcome::Read(vec![partly])),
            ("图.jpg", Outcome::Skipped("图片".into())),
            ("\u{1b}[31m坏.docx", Outcome::Failed(Error::new(Code::DocumentEncrypted, "文件加了密码", "请去掉密码"))),
        ];
        let mut report = BuildReport::default();
        for (name, outcome) in &outcomes {
            report.files.push(FileReport::of(&file(name), outcome));
        }
        report.files[0].clauses = 12;
        let text = report.to_string();
        assert!(text.starts_with("共 4 个文件:读取 2,跳过 1,失败 1;文档 2 份,条款 12 条\n"), "{text}");
        assert!(text.contains("注意  b.pdf"), "{text}");
        assert!(text.contains("[DOCUMENT_ENCRYPTED] 文件加了密码。建议:请去掉密码"), "{text}");
        assert!(!text.contains('\u{1b}'));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["files"][2]["status"], "skipped");
    }
}
