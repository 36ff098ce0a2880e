//! Marks as rows: texts and labels become the ids that their clauses got.

use super::places::Place;
use super::plan::{PlannedVersion, TextPlace};
use crate::store::AmendmentRow;
use crate::types::{ClauseId, VersionId};
use std::collections::HashMap;

/// The versions that were written, with their ids.
#[derive(Default)]
pub(super) struct Written<'p> {
    versions: Vec<(&'p PlannedVersion, VersionId, ClauseId)>,
    by_text: HashMap<TextPlace, usize>,
}

/// Rows for amended clauses, and what consolidated versions are made of.
pub(super) type Rows = (Vec<AmendmentRow>, Vec<(VersionId, Vec<VersionId>)>);

impl<'p> Written<'p> {
    /// Takes a version with its ids.
    pub(super) fn add(&mut self, place: &Place<'p>, id: VersionId) {
        let text =
            TextPlace { title_key: place.document.title_key.clone(), source: place.version.document.source.clone() };
        self.by_text.insert(text, self.versions.len());
        self.versions.push((place.version, id, place.first_clause));
    }

    /// The rows of all marks.
    pub(super) fn rows(&self) -> Rows {
        let (mut rows, mut consolidated) = (Vec::new(), Vec::new());
        for (version, id, first) in &self.versions {
            for mark in &version.marks {
                let by = self.by_text.get(&mark.by).and_then(|at| self.versions.get(*at));
                let by = by.and_then(|(by, _, first)| clause(by, *first, &mark.by_clause));
                let Some((clause, by)) = clause(version, *first, &mark.clause).zip(by) else { continue };
                let (part, kind, effective, merged) = (mark.part.clone(), mark.kind, mark.effective, mark.merged);
                rows.push(AmendmentRow { clause, by, kind, part, effective, merged, scope: mark.scope.clone() });
            }
            let made_of: Vec<VersionId> = version
                .made_of
                .iter()
                .filter_map(|text| self.by_text.get(text).and_then(|at| self.versions.get(*at)).map(|(_, id, _)| *id))
                .collect();
            if !made_of.is_empty() {
                consolidated.push((*id, made_of));
            }
        }
        (rows, consolidated)
    }
}

/// The id of the clause with a label.
fn clause(version: &PlannedVersion, first: ClauseId, label: &str) -> Option<ClauseId> {
    let at = version.document.clauses.iter().position(|clause| clause.address.label == label)?;
    Some(ClauseId(first.0 + i64::try_from(at).ok()?))
}
