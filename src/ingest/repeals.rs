//! What repeals and periods end.

use super::plan::{PlannedDocument, PlannedVersion};
use super::versions::{is_norm, is_own};
use crate::text::legal::{ParsedDocument, Place, RepealNotice, Witnesses, number_key};
use crate::text::normalize::title_key;
use crate::types::{Date, Level};
use std::collections::BTreeMap;

/// One repeal with the day it takes effect and the document it stands in.
struct Repeal {
    by: usize,
    by_title: String,
    /// Number and file.
    by_source: String,
    by_level: Level,
    title: String,
    title_key: String,
    number: String,
    day: Date,
}

/// Ends what texts repeal: the version with the named 文号, else the named title, on the day the repealing text takes effect. Never a
/// newer text, never its own title without a number (that is supersession), never by title alone a public norm by a bank's own rule.
pub(super) fn apply(documents: &mut [PlannedDocument], notes: &mut Vec<String>) {
    // The earliest end of each version, and the words for the report.
    let mut ended: BTreeMap<(usize, usize), String> = BTreeMap::new();
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
            for (n, version) in document.versions.iter_mut().enumerate() {
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
                let (old, by) = (&version.document, &repeal);
                let said = format!(
                    "《{}》({})自 {} 起废止,依据《{}》({})",
                    old.title,
                    numbered_source(old),
                    by.day,
                    by.by_title,
                    by.by_source
                );
                ended.insert((at, n), said);
            }
        }
    }
    notes.extend(ended.into_values());
}

fn numbered_source(document: &ParsedDocument) -> String {
    let number = document.doc_no.as_str();
    if number.is_empty() { document.source.clone() } else { format!("{number},{}", document.source) }
}

/// All repeals; those of a text that knows no day end nothing and are noted.
fn collect(documents: &[PlannedDocument], notes: &mut Vec<String>) -> Vec<Repeal> {
    let mut repeals = Vec::new();
    for (by, document) in documents.iter().enumerate() {
        for version in &document.versions {
            let mut dayless = false;
            for notice in &version.document.repeals {
                let annexed = if notice.from.is_none() { annexed_from(documents, version, notice) } else { None };
                let Some(day) = notice.from.or(annexed).or(version.effective.from) else {
                    dayless = true;
                    continue;
                };
                repeals.push(Repeal {
                    by,
                    by_title: version.document.title.clone(),
                    by_source: numbered_source(&version.document),
                    by_level: version.document.level,
                    title: notice.title.clone(),
                    title_key: title_key(&notice.title),
                    number: number_key(&notice.doc_no),
                    day,
                });
            }
            if dayless {
                notes.push(format!(
                    "《{}》({})写明废止其他文件,但读不出从哪天起,没有据此标为废止,请写明生效日期",
                    version.document.title, version.document.source
                ));
            }
        }
    }
    repeals
}

/// The first day of the rule that a notice issues and that takes the place of the repealed one: where both tell the repeal of one that
/// tells it, else of the first that begins later than the notice. The old rule ends where the new one begins, without a gap.
fn annexed_from(documents: &[PlannedDocument], notice: &PlannedVersion, repeal: &RepealNotice) -> Option<Date> {
    let same = |other: &&RepealNotice| {
        !repeal.title.is_empty() && title_key(&other.title) == title_key(&repeal.title)
            || !repeal.doc_no.is_empty() && number_key(&other.doc_no) == number_key(&repeal.doc_no)
    };
    let annexed: Vec<&PlannedVersion> = documents
        .iter()
        .flat_map(|document| &document.versions)
        .filter(|rule| is_issued(&rule.document, &notice.document) && !is_annexed(&notice.document))
        .collect();
    let tells = annexed.iter().find_map(|rule| {
        let told = rule.document.repeals.iter().find(same)?;
        told.from.or(rule.effective.from)
    });
    tells.or_else(|| {
        annexed.iter().filter_map(|rule| rule.effective.from).filter(|day| Some(*day) > notice.effective.from).min()
    })
}

/// Whether a notice issues a rule: in one file, or by its title in another.
fn is_issued(rule: &ParsedDocument, notice: &ParsedDocument) -> bool {
    rule.source == notice.source && is_annexed(rule) && rule.title_key != notice.title_key
        || notice.title.contains("印发") && notice.title.contains(&format!("《{}》", rule.title))
}

/// Whether a text has its number, issuer or name from a notice.
fn is_annexed(document: &ParsedDocument) -> bool {
    let Witnesses { titles, numbers, issuers, .. } = &document.witnesses;
    titles.iter().chain(numbers).chain(issuers).any(|witness| witness.place == Place::Annex)
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
