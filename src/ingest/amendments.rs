//! Amendments that nobody has merged yet: the report names them, the old words stay.

use super::plan::{PlannedDocument, PlannedVersion};
use crate::text::normalize::title_key;

/// Says of every amendment whose amended text is not in as a later version which words are still the old ones.
pub(super) fn note(documents: &[PlannedDocument], notes: &mut Vec<String>) {
    let versions = || documents.iter().flat_map(|document| &document.versions);
    for version in versions() {
        let document = &version.document;
        for amendment in &document.amends {
            let key = title_key(&amendment.title);
            let amended: Vec<&PlannedVersion> = versions().filter(|other| other.document.title_key == key).collect();
            let merged = version.effective.from.is_some()
                && amended.iter().any(|other| other.effective.from >= version.effective.from);
            if merged {
                continue;
            }
            let clauses = amendment.clauses.join("、");
            let state = match amended.last() {
                Some(old) => {
                    format!("库中仍显示修改前的原文({}),请由总行合并成新文本后重新导入", old.document.source)
                }
                None => "库中没有这份制度;请由总行合并成新文本后导入".to_owned(),
            };
            notes.push(format!(
                "《{}》({})修改《{}》{clauses}:“{}”;{state}",
                document.title, document.source, amendment.title, amendment.words
            ));
        }
    }
}
