//! What repeals and periods end.

use super::plan::{PlannedDocument, PlannedVersion};
use super::versions::is_norm;
use crate::text::legal::number_key;
use crate::text::normalize::title_key;
use crate::types::{Date, Level};

/// One repeal with the day it takes effect and the document it stands in.
struct Repeal {
    by: usize,
    by_title: String,
    by_level: Level,
    title: String,
    title_key: String,
    number: String,
    day: Date,
}

/// Ends what texts repeal: the version with the named 文号, else the named title, on the day the repealing text takes effect. Never a
/// newer text, never its own title without a number (that is supersession), never by title alone a public norm by a bank's own rule.
pub(super) fn apply(documents: &mut [PlannedDocument], notes: &mut Vec<String>) {
    for repeal in collect(documents, notes) {
        let numbered =
            |v: &PlannedVersion| !repeal.number.is_empty() && number_key(&v.document.doc_no) == repeal.number;
        let by_number = documents.iter().flat_map(|d| &d.versions).any(numbered);
        for (at, document) in documents.iter_mut().enumerate() {
            if at == repeal.by && !by_number {
                continue;
            }
            let titled = !repeal.title_key.is_empty()
                && document.versions.iter().any(|v| v.document.title_key == repeal.title_key);
            for version in &mut document.versions {
                if at == repeal.by && version.effective.from == Some(repeal.day) {
                    continue;
                }
                let own_number = number_key(&version.document.doc_no);
                let other_number =
                    titled && !repeal.number.is_empty() && !own_number.is_empty() && own_number != repeal.number;
                let outranked = is_own(repeal.by_level) && is_norm(version.document.level);
                let named = if by_number { numbered(version) } else { titled };
                let older = version.effective.from.is_none_or(|from| from < repeal.day);
                let open = version.effective.until.is_none_or(|until| repeal.day < until);
                if !named || !older || !open {
                    continue;
                }
                if !by_number && (other_number || outranked) {
                    let why = if other_number { "文号不同" } else { "制定机关不同" };
                    notes.push(format!(
                        "《{}》废止《{}》,库中同名的 {} {why},没有标为废止,请核对",
                        repeal.by_title, repeal.title, version.document.source
                    ));
                    continue;
                }
                version.effective.until = Some(repeal.day);
                version.repealed = true;
            }
        }
    }
}

fn is_own(level: Level) -> bool {
    matches!(level, Level::InternalRule | Level::Guide | Level::Faq)
}

/// All repeals; those of a text that knows no day end nothing and are noted.
fn collect(documents: &[PlannedDocument], notes: &mut Vec<String>) -> Vec<Repeal> {
    let mut repeals = Vec::new();
    for (by, document) in documents.iter().enumerate() {
        for version in &document.versions {
            let Some(day) = version.effective.from else {
                if !version.document.repeals.is_empty() {
                    notes.push(format!(
                        "《{}》({})写明废止其他文件,但读不出从哪天起,没有据此标为废止,请写明生效日期",
                        version.document.title, version.document.source
                    ));
                }
                continue;
            };
            for notice in &version.document.repeals {
                repeals.push(Repeal {
                    by,
                    by_title: version.document.title.clone(),
                    by_level: version.document.level,
                    title: notice.title.clone(),
                    title_key: title_key(&notice.title),
                    number: number_key(&notice.doc_no),
                    day,
                });
            }
        }
    }
    repeals
}

/// Lists the texts that end by what they say of themselves, and those whose end cannot be read.
pub(super) fn note_periods(documents: &[PlannedDocument], notes: &mut Vec<String>) {
    for version in documents.iter().flat_map(|document| &document.versions) {
        let document = &version.document;
        for doubt in &document.witnesses.doubts {
            notes.push(format!("《{}》({}){doubt}", document.title, document.source));
        }
        if let Some(until) = document.repealed_from.filter(|until| version.effective.until == Some(*until)) {
            let words = document.witnesses.ends.first().map(|end| end.value.as_str()).unwrap_or_default();
            notes.push(format!("《{}》({})自 {until} 起不再有效:“{words}”", document.title, document.source));
        }
    }
}
