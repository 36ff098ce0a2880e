//! Which version of which rule an amendment changes.

use super::amendments::Job;
use super::plan::{PlannedDocument, PlannedVersion};
use super::reach;
use super::touched;
use super::versions::{is_norm, is_own};
use crate::text::legal::{Amendment, number_key};
use crate::text::normalize::title_key;

/// Fewest characters of a short title that may mean a longer one: 铜雀卡管理办法 for 示例银行铜雀卡管理办法.
const MIN_SHORT_TITLE: usize = 5;

/// What an amendment changes.
pub(super) enum Target {
    /// The version in force on its day: the place of its document and its own.
    Version(usize, usize),
    /// A later version has the change already, or the text speaks of itself.
    Settled,
    /// The only text of that name or number is none that it can change, and why.
    Refused(&'static str),
    /// No such text.
    Missing,
}

/// The amended text for the report.
pub(super) fn name(amendment: &Amendment) -> String {
    if amendment.title.is_empty() { amendment.doc_no.clone() } else { format!("《{}》", amendment.title) }
}

/// Finds it.
pub(super) fn find(documents: &[PlannedDocument], job: &Job) -> Target {
    let number = number_key(&job.amendment.doc_no);
    let (key, by_title) = titled(documents, &job.amendment.title);
    let numbered =
        |v: &PlannedVersion| !number.is_empty() && number_key(&v.document.doc_no) == number && v.made_of.is_empty();
    let by_number = |at: &usize| documents.get(*at).is_some_and(|d| d.versions.iter().any(numbered));
    let mut candidates: Vec<usize> = if key.is_empty() { Vec::new() } else { by_title };
    let mut numbers_agree = false;
    if !number.is_empty() {
        let of_number: Vec<usize> = candidates.iter().filter(|at| by_number(at)).copied().collect();
        let unnumbered =
            |at: &usize| documents.get(*at).is_some_and(|d| d.versions.iter().all(|v| v.document.doc_no.is_empty()));
        if !of_number.is_empty() {
            candidates = of_number;
            numbers_agree = true;
        } else if candidates.is_empty() && key.is_empty() {
            // A notice and the rule that it issues share a number.
            candidates = (0..documents.len()).filter(by_number).collect();
            numbers_agree = true;
        } else if !candidates.is_empty() {
            candidates.retain(unnumbered);
            if candidates.is_empty() {
                return Target::Refused("文号与库中同名的制度不同");
            }
        }
    }
    // A title alone may be that of another bank's rule.
    let foreign = |at: &usize| {
        let newest = documents.get(*at).and_then(|d| d.versions.last()).map(|v| &v.document);
        newest.is_some_and(|rule| !is_norm(rule.level) && !reach::same_bank(job, rule))
    };
    if !numbers_agree && !candidates.is_empty() {
        candidates.retain(|at| !foreign(at));
        if candidates.is_empty() {
            return Target::Refused("发文机关是另一家机构");
        }
    }
    candidates.sort_by_key(|at| {
        let clauses = documents.get(*at).and_then(|d| d.versions.last()).map(|v| v.document.clauses.as_slice());
        let found = |clauses| job.amendment.changes.iter().filter(|c| !touched::places(clauses, c).is_empty()).count();
        std::cmp::Reverse(clauses.map_or(0, found))
    });
    let Some(at) = candidates.first().copied() else { return Target::Missing };
    let Some(document) = documents.get(at) else { return Target::Missing };
    if document.title_key == job.by.title_key {
        return Target::Settled;
    }
    if document.versions.iter().any(|v| is_own(job.level) && is_norm(v.document.level)) {
        return Target::Refused("制定机关不同");
    }
    match in_force(document, job) {
        Some(version) => Target::Version(at, version),
        None => Target::Settled,
    }
}

/// The documents of a title, or else the only one whose title ends with it.
fn titled(documents: &[PlannedDocument], title: &str) -> (String, Vec<usize>) {
    let key = title_key(title);
    let of = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let has = |d: &PlannedDocument| d.versions.iter().any(|v| fits(&v.document.title_key));
        documents.iter().enumerate().filter(|(_, d)| has(d)).map(|(at, _)| at).collect()
    };
    if key.is_empty() {
        return (key, Vec::new());
    }
    let same = of(&|other| other == key);
    if !same.is_empty() || key.chars().count() < MIN_SHORT_TITLE {
        return (key, same);
    }
    let longer = of(&|other| other.ends_with(&key) && !other.contains("关于"));
    (key, if longer.len() == 1 { longer } else { Vec::new() })
}

/// The version that is in force when the change begins to hold; none where a file of that day has it already.
fn in_force(document: &PlannedDocument, job: &Job) -> Option<usize> {
    let own_days = job.amendment.changes.iter().filter_map(|change| change.from);
    let Some(day) = job.day().or(own_days.min()) else { return document.versions.len().checked_sub(1) };
    // A text that came out with the amendment, before that takes effect, is the amended one.
    let out = job.published.map_or(day, |published| published.min(day));
    let at = document.versions.iter().rposition(|version| {
        version.effective.from.is_none_or(|from| from <= day) && version.effective.until.is_none_or(|until| until > day)
    })?;
    let version = document.versions.get(at)?;
    let before = !version.made_of.is_empty() || version.effective.from.is_none_or(|from| from < out);
    before.then_some(at)
}
