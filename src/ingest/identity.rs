//! Who a document is, as the report shows it: what was believed, where it stood, and what else was said.

use super::plan::PlannedVersion;
use crate::text::legal::{Place, Witness, Witnesses};
use crate::types::{Date, Level};
use serde::Serialize;

/// Who one document is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Title.
    pub title: String,
    /// 文号; empty when there is none.
    pub doc_no: String,
    /// Issuer; empty when unknown.
    pub issuer: String,
    /// Level.
    pub level: Level,
    /// First day in force.
    pub from: Option<Date>,
    /// First day no longer in force.
    pub until: Option<Date>,
    /// Everything that was said, the believed one of each first.
    pub witnesses: Witnesses,
}

impl Identity {
    /// Who a version is.
    pub fn of(version: &PlannedVersion) -> Identity {
        let document = &version.document;
        Identity {
            title: document.title.clone(),
            doc_no: document.doc_no.clone(),
            issuer: document.issuer.clone(),
            level: document.level,
            from: version.effective.from,
            until: version.effective.until,
            witnesses: document.witnesses.clone(),
        }
    }

    /// What a person should look at.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let place = self.witnesses.titles.first().map(|title| title.place);
        if matches!(place, Some(Place::FileName | Place::Number)) {
            let place = place.map_or("", Place::label);
            doubts.push(format!("没有读到标题行,按{place}取为《{}》", self.title));
        }
        if self.from.is_none() {
            doubts.push(format!("《{}》没有读到发布或生效日期", self.title));
        }
        if let Some(other) = contradicting(&self.witnesses.numbers) {
            doubts.push(format!(
                "《{}》文号取 {},另有 {}({})",
                self.title,
                self.doc_no,
                other.value,
                other.place.label()
            ));
        }
        doubts
    }
}

/// The number from another place that names the document too and says otherwise: field against letterhead, file name against both.
fn contradicting(numbers: &[Witness]) -> Option<&Witness> {
    let (first, others) = numbers.split_first()?;
    let key = |witness: &Witness| crate::text::legal::number_key(&witness.value);
    others
        .iter()
        .filter(|other| matches!(other.place, Place::Field | Place::Letterhead | Place::Bracketed | Place::FileName))
        .find(|other| key(other) != key(first))
}
