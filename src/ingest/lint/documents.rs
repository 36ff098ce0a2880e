//! Each document by itself: its days and number, its numbering, clauses that no question reaches, and the trial version beside its
//! successor.

use super::{Finding, Severity, Topic, about, current};
use crate::ingest::plan::{PlannedDocument, PlannedVersion};
use crate::ingest::versions::is_own;
use crate::text::legal::numbering;
use crate::text::normalize::title_key;
use crate::types::{Classification, Date};
use std::collections::HashMap;

/// Letters and figures that a clause must have to be found by its words.
const MIN_CHARS: usize = 4;
/// How a title says that its rule is on trial; the rule that follows it has the same title without.
const TRIAL: [&str; 4] = ["试行", "暂行", "临时", "试运行"];

pub(super) fn examine(documents: &[PlannedDocument], today: Date, found: &mut Vec<Finding>) {
    for version in current(documents, today) {
        identity(version, found);
        articles(version, found);
        unreachable(version, found);
    }
    for version in documents.iter().flat_map(|document| &document.versions) {
        let period = version.effective;
        if let (Some(from), Some(until)) = (period.from, period.until)
            && until <= from
        {
            let message = format!("生效日 {from} 不早于失效日 {until},没有一天有效,任何问题都查不到,请核对日期");
            found.push(about(version, Severity::Warning, Topic::Unreachable, "", message));
        }
    }
    trials(documents, today, found);
}

fn identity(version: &PlannedVersion, found: &mut Vec<Finding>) {
    let document = &version.document;
    if version.effective.from.is_none() {
        let message = "没有读到发布或生效日期,与其他版本分不出先后,请在正文或文件头写明";
        found.push(about(version, Severity::Warning, Topic::Identity, "", message.into()));
    }
    if document.doc_no.is_empty() && is_own(document.level) {
        let message = "没有读到文号,被别的文件按文号废止或修改时对不上,有文号的请写明";
        found.push(about(version, Severity::Note, Topic::Identity, "", message.into()));
    }
}

fn articles(version: &PlannedVersion, found: &mut Vec<Finding>) {
    let numbers = numbering(&version.document);
    if !numbers.missing.is_empty() {
        let missing: Vec<String> = numbers.missing.iter().map(u32::to_string).collect();
        let message = format!("缺第 {} 条,请核对原文是否漏排或条号写错", missing.join("、"));
        found.push(about(version, Severity::Warning, Topic::Numbering, "", message));
    }
    // A norm is printed as it is; a bank's own rule can be mended.
    let severity = if is_own(version.document.level) { Severity::Error } else { Severity::Warning };
    for label in numbers.doubled {
        let message = "条号与前面的一条重复,按条号问时只找得到前一条,请改正条号".to_owned();
        found.push(about(version, severity, Topic::Numbering, &label, message));
    }
}

fn unreachable(version: &PlannedVersion, found: &mut Vec<Finding>) {
    if version.document.classification > Classification::Internal {
        let label = version.document.classification.label();
        let message = format!("密级为{label},柜员的问题查不到它的任何条款");
        found.push(about(version, Severity::Note, Topic::Unreachable, "", message));
    }
    for clause in &version.document.clauses {
        let words = clause.text.chars().filter(|c| c.is_alphanumeric()).count();
        if words < MIN_CHARS && clause.guide.is_none() {
            let message = format!("正文只有“{}”,按内容的问题查不到这一条", clause.text.trim());
            found.push(about(version, Severity::Note, Topic::Unreachable, &clause.address.label, message));
        }
    }
}

/// A rule on trial that is still in force beside the rule of the same title that followed it.
fn trials(documents: &[PlannedDocument], today: Date, found: &mut Vec<Finding>) {
    let mut plain: HashMap<String, Vec<&PlannedVersion>> = HashMap::new();
    let mut on_trial = Vec::new();
    for version in current(documents, today) {
        let key = title_key(&version.document.title);
        let bare = TRIAL.iter().fold(key.clone(), |key, word| key.replace(word, ""));
        if bare == key {
            plain.entry(key).or_default().push(version);
        } else {
            on_trial.push((bare, version));
        }
    }
    for (bare, trial) in on_trial {
        for successor in plain.get(&bare).into_iter().flatten() {
            let later = match (trial.effective.from, successor.effective.from) {
                (Some(trial), Some(successor)) => trial < successor,
                _ => true,
            };
            if later {
                let message = format!(
                    "与同名的正式文件《{}》({})同时有效:后者没有写明废止本文件;如已被取代,请在文件头写明失效日期",
                    successor.document.title, successor.document.source
                );
                found.push(about(trial, Severity::Warning, Topic::Version, "", message));
            }
        }
    }
}
