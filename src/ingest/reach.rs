//! How far an amendment reaches: whose rules it may change, for which part of the bank, and for how long.

use super::amendments::Job;
use super::plan::{PlannedDocument, PlannedVersion};
use crate::text::legal::{Change, ParsedDocument, number_key};
use crate::text::normalize::title_key;
use crate::types::EffectivePeriod;

/// Ends of the names of banks and of the like.
const BANKS: [&str; 3] = ["银行", "信用社", "联合社"];
/// Words that the state before an amendment comes back.
const BACK: [&str; 5] = ["恢复原", "恢复执行", "按原规定", "恢复按", "恢复适用"];

/// Whether nothing speaks against one bank: the names of both are known and differ.
pub(super) fn same_bank(job: &Job, rule: &ParsedDocument) -> bool {
    let of_rule = bank(&rule.issuer).or_else(|| bank(&rule.title));
    match (bank(job.issuer()), of_rule) {
        (Some(by), Some(of)) => by.ends_with(of) || of.ends_with(by),
        _ => true,
    }
}

/// The bank at the beginning of a name: 林原银行 of 林原银行运营管理部.
fn bank(name: &str) -> Option<&str> {
    let name = name.trim().trim_start_matches("关于");
    let end = BANKS.iter().filter_map(|word| name.find(word).map(|at| at + word.len())).min()?;
    name.get(..end).filter(|bank| !BANKS.contains(bank))
}

/// The branch in the name of an issuer: 江东分行 of 林原银行江东分行运营管理部.
fn branch(issuer: &str) -> Option<&str> {
    let behind = bank(issuer).and_then(|bank| issuer.split_once(bank)).map_or(issuer, |(_, behind)| behind).trim();
    let end = ["支行", "分行"].iter().filter_map(|word| behind.find(word).map(|at| at + word.len())).max()?;
    behind.get(..end)
}

/// The changes with the part of the bank for which they hold: what they say, else the branch that issues them.
pub(super) fn limited(mut changes: Vec<Change>, job: &Job, rule: &ParsedDocument) -> Vec<Change> {
    let branch = branch(job.issuer()).filter(|branch| !rule.issuer.contains(branch) && !rule.title.contains(branch));
    for change in &mut changes {
        let own = change.scope.starts_with('本');
        if let Some(branch) = branch.filter(|_| own || change.scope.is_empty()) {
            change.scope = format!("{branch}辖内");
        }
    }
    changes
}

/// When the changes of a text hold, and whether it ends. They end with their own period, and where a text that repeals it says that the state
/// before comes back; by a repeal that does not, nobody knows what holds, and the marks stay.
pub(super) fn time(documents: &[PlannedDocument], version: &PlannedVersion) -> (EffectivePeriod, bool) {
    let effective = version.effective;
    if effective.until.is_none() || !version.repealed {
        return (effective, false);
    }
    if version.document.repealed_from == effective.until || comes_back(documents, &version.document) {
        return (effective, true);
    }
    (EffectivePeriod { until: None, ..effective }, true)
}

fn comes_back(documents: &[PlannedDocument], ended: &ParsedDocument) -> bool {
    let number = number_key(&ended.doc_no);
    let repeals = |by: &&PlannedVersion| {
        by.document.repeals.iter().any(|notice| {
            !number.is_empty() && number_key(&notice.doc_no) == number
                || !notice.title.is_empty() && title_key(&notice.title) == ended.title_key
        })
    };
    let mut repealing = documents.iter().flat_map(|document| &document.versions).filter(repeals);
    repealing.any(|by| by.document.clauses.iter().any(|clause| BACK.iter().any(|word| clause.text.contains(word))))
}
