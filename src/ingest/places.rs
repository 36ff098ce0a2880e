//! Which ids the versions and their clauses get: those of an earlier file where they can, so that what stays is written as it was.

use super::plan::{PlannedDocument, PlannedVersion};
use crate::store::Version;
use crate::store::schema::MAX_SPREAD;
use crate::types::{ClauseId, VersionId};
use std::collections::HashMap;
use std::ops::Range;

/// A version and its ids.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// Its document.
    pub document: &'p PlannedDocument,
    /// The version.
    pub version: &'p PlannedVersion,
    /// Its id.
    pub id: VersionId,
    /// Id of its first clause; the others follow.
    pub first_clause: ClauseId,
}

impl Place<'_> {
    /// The ids of its clauses, one at least.
    fn range(&self) -> Range<i64> {
        let first = self.first_clause.0;
        first..first + length(self.version)
    }
}

/// Places all versions, in the order of their clause ids; `earlier` has the versions of the earlier file in the order of theirs.
///
/// A version that was there before stays where it was if its clauses fit between its neighbours. One that has outgrown its place, or is
/// new, takes the first free ids that are enough, behind the older versions of its title. Without an earlier file, or when the free ids
/// between the versions have become too many, ids are given in the order of the documents.
pub fn places<'p>(documents: &'p [PlannedDocument], earlier: &[Version]) -> Vec<Place<'p>> {
    let placed = place(documents, earlier);
    let clauses: i64 = documents.iter().flat_map(|d| &d.versions).map(|v| v.document.clauses.len() as i64).sum();
    let last = placed.last().map_or(0, |place| place.range().end - 1);
    if last > clauses.saturating_mul(MAX_SPREAD) { place(documents, &[]) } else { placed }
}

fn place<'p>(documents: &'p [PlannedDocument], earlier: &[Version]) -> Vec<Place<'p>> {
    let mut before: HashMap<&str, Vec<(&Version, i64)>> = HashMap::new();
    for (index, version) in earlier.iter().enumerate() {
        // The last one may grow as it likes.
        let until = earlier.get(index + 1).map_or(i64::MAX, |next| next.first_clause);
        before.entry(version.title_key.as_str()).or_default().push((version, until - version.first_clause));
    }
    let mut next_id = earlier.iter().map(|version| version.id.0).max().unwrap_or(0) + 1;
    let mut placed: Vec<Place<'p>> = Vec::new();
    let mut homeless: Vec<(&PlannedDocument, &PlannedVersion, VersionId)> = Vec::new();
    for document in documents {
        let known = counterparts(document, before.get(document.title_key.as_str()).map_or(&[], Vec::as_slice));
        // Ranges of a title ascend: once a version is to move, so are those that follow it.
        let (mut end, mut moving) = (1, false);
        for (version, known) in document.versions.iter().zip(known) {
            let id = known.map_or(VersionId(next_id), |(was, _)| was.id);
            next_id += i64::from(known.is_none());
            let fits = |(was, room): &(&Version, i64)| length(version) <= *room && end <= was.first_clause;
            match known.filter(fits).filter(|_| !moving) {
                Some((was, _)) => {
                    end = was.first_clause + length(version);
                    placed.push(Place { document, version, id, first_clause: ClauseId(was.first_clause) });
                }
                None => {
                    moving = true;
                    homeless.push((document, version, id));
                }
            }
        }
    }
    placed.sort_by_key(|place| place.first_clause);
    let mut free = Free::between(&placed);
    // How far the versions of a title reach so far.
    let mut reach: HashMap<&str, i64> = HashMap::new();
    for place in &placed {
        reach.insert(place.document.title_key.as_str(), place.range().end);
    }
    for (document, version, id) in homeless {
        let end = reach.entry(document.title_key.as_str()).or_insert(1);
        let first = free.take(*end, length(version));
        *end = first + length(version);
        placed.push(Place { document, version, id, first_clause: ClauseId(first) });
    }
    placed.sort_by_key(|place| place.first_clause);
    placed
}

/// Ids that a version takes; one without clauses keeps one, so that every range has its own place in the order.
fn length(version: &PlannedVersion) -> i64 {
    (version.document.clauses.len() as i64).max(1)
}

/// For each version of a document the one that it was before: the one from the same file, else the ones that are left in their order.
fn counterparts<'e>(document: &PlannedDocument, before: &[(&'e Version, i64)]) -> Vec<Option<(&'e Version, i64)>> {
    let mut left: Vec<(&Version, i64)> = before.to_vec();
    let mut found: Vec<Option<(&Version, i64)>> = Vec::with_capacity(document.versions.len());
    for version in &document.versions {
        let same = left.iter().position(|(was, _)| was.row.source == version.document.source);
        found.push(same.map(|at| left.remove(at)));
    }
    let mut left = left.into_iter();
    for none in found.iter_mut().filter(|known| known.is_none()) {
        *none = left.next();
    }
    found
}

/// Ranges of ids that nobody has, ascending; the last one has no end.
struct Free(Vec<Range<i64>>);

impl Free {
    /// Those before, between and behind places that are in order.
    fn between(placed: &[Place<'_>]) -> Free {
        let mut free = Vec::new();
        let mut next = 1;
        for range in placed.iter().map(Place::range) {
            if next < range.start {
                free.push(next..range.start);
            }
            next = range.end;
        }
        free.push(next..i64::MAX);
        Free(free)
    }

    /// Takes the first `length` ids in a row that are not below `least`; returns the first of them.
    fn take(&mut self, least: i64, length: i64) -> i64 {
        let enough = |range: &Range<i64>| range.end - range.start.max(least) >= length;
        let Some(index) = self.0.iter().position(enough) else { return least };
        let Some(range) = self.0.get(index).cloned() else { return least };
        let first = range.start.max(least);
        let rest = [range.start..first, first + length..range.end];
        self.0.splice(index..=index, rest.into_iter().filter(|part| !part.is_empty()));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::VersionRow;
    use crate::text::address;
    use crate::text::legal::{ParsedClause, ParsedDocument};
    use crate::types::{Classification, EffectivePeriod, Level};

    fn version(title: &str, source: &str, clauses: usize) -> PlannedVersion {
        let clause = ParsedClause {
            address: address::article(1, 0),
            heading: String::new(),
            text: String::new(),
            ask_variants: Vec::new(),
            guide: None,
        };
        let document = ParsedDocument {
            title: title.into(),
            title_key: title.into(),
            doc_no: String::new(),
            issuer: String::new(),
            level: Level::Law,
            classification: Classification::Public,
            published: None,
            effective_from: None,
            repealed_from: None,
            edition: None,
            witnesses: Default::default(),
            repeals: Vec::new(),
            amends: Vec::new(),
            sample: false,
            source: source.into(),
            clauses: vec![clause; clauses],
        };
        let effective = EffectivePeriod { from: None, until: None };
        PlannedVersion { document, effective, repealed: false, marks: Vec::new(), made_of: Vec::new() }
    }

    /// Documents by title, each with its versions: source and number of clauses.
    fn documents(of: &[(&str, &[(&str, usize)])]) -> Vec<PlannedDocument> {
        let one = |(title, versions): &(&str, &[(&str, usize)])| PlannedDocument {
            title_key: (*title).into(),
            title: (*title).into(),
            versions: versions.iter().map(|(source, clauses)| version(title, source, *clauses)).collect(),
        };
        of.iter().map(one).collect()
    }

    /// What a file with these places has.
    fn stored(places: &[Place<'_>]) -> Vec<Version> {
        let one = |place: &Place<'_>| Version {
            id: place.id,
            document: 1,
            title_key: place.document.title_key.clone(),
            row: VersionRow {
                title: String::new(),
                doc_no: String::new(),
                issuer: String::new(),
                level: Level::Law,
                classification: Classification::Public,
                published: None,
                effective: EffectivePeriod { from: None, until: None },
                repealed: false,
                sample: false,
                source: place.version.document.source.clone(),
            },
            first_clause: place.first_clause.0,
            clause_count: place.version.document.clauses.len() as i64,
        };
        places.iter().map(one).collect()
    }

    /// Source, version id and first clause of each place.
    fn shown<'p>(places: &[Place<'p>]) -> Vec<(&'p str, i64, i64)> {
        places.iter().map(|p| (p.version.document.source.as_str(), p.id.0, p.first_clause.0)).collect()
    }

    #[test]
    fn without_an_earlier_file_ids_follow_the_documents() {
        let all = documents(&[("甲", &[("甲1", 3), ("甲2", 2)]), ("乙", &[("乙", 4)])]);
        assert_eq!(shown(&places(&all, &[])), [("甲1", 1, 1), ("甲2", 2, 4), ("乙", 3, 6)]);
    }

    #[test]
    fn what_stays_keeps_its_ids_and_what_grows_moves_behind() {
        let old = documents(&[("甲", &[("甲", 3)]), ("乙", &[("乙", 2)]), ("丙", &[("丙", 4)]), ("丁", &[("丁", 2)])]);
        let old = stored(&places(&old, &[]));
        // 甲 outgrows its place, 乙 loses a clause, 新 comes in between and is too long for what 甲 leaves.
        let new = documents(&[
            ("甲", &[("甲", 5)]),
            ("乙", &[("乙", 1)]),
            ("新", &[("新", 4)]),
            ("丙", &[("丙", 4)]),
            ("丁", &[("丁", 2)]),
        ]);
        let places_now = places(&new, &old);
        assert_eq!(shown(&places_now), [("乙", 2, 4), ("丙", 3, 6), ("丁", 4, 10), ("甲", 1, 12), ("新", 5, 17)]);
        // The next short one takes what is free, and the others stay again.
        let next = documents(&[
            ("甲", &[("甲", 5)]),
            ("乙", &[("乙", 2)]),
            ("新", &[("新", 4)]),
            ("丙", &[("丙", 4)]),
            ("丁", &[("丁", 2)]),
            ("戊", &[("戊", 3)]),
        ]);
        assert_eq!(
            shown(&places(&next, &stored(&places_now))),
            [("戊", 6, 1), ("乙", 2, 4), ("丙", 3, 6), ("丁", 4, 10), ("甲", 1, 12), ("新", 5, 17)]
        );
    }

    #[test]
    fn the_versions_of_a_title_ascend_wherever_they_go() {
        let old = documents(&[("甲", &[("甲", 3), ("甲2020", 2)]), ("乙", &[("乙", 2)])]);
        let old = stored(&places(&old, &[]));
        let new = documents(&[("甲", &[("甲", 4), ("甲2020", 2), ("甲2026", 2)]), ("乙", &[("乙", 2)])]);
        assert_eq!(shown(&places(&new, &old)), [("甲", 1, 1), ("乙", 3, 6), ("甲2020", 2, 8), ("甲2026", 4, 10)]);
        // An old text that comes late stands before the newer one.
        let new = documents(&[("甲", &[("甲1999", 1), ("甲", 3), ("甲2020", 2)]), ("乙", &[("乙", 2)])]);
        let found = places(&new, &old);
        let first = |source| shown(&found).iter().find(|(name, ..)| *name == source).map(|(.., first)| *first);
        assert!(first("甲1999") < first("甲") && first("甲") < first("甲2020"), "{:?}", shown(&found));
    }

    #[test]
    fn a_text_under_another_file_name_takes_the_place_of_the_one_that_is_gone() {
        let old = documents(&[("甲", &[("甲2018", 3)]), ("乙", &[("乙", 2)])]);
        let old = stored(&places(&old, &[]));
        let new = documents(&[("甲", &[("甲2023", 3)]), ("乙", &[("乙", 2)])]);
        assert_eq!(shown(&places(&new, &old)), [("甲2023", 1, 1), ("乙", 2, 4)]);
    }

    #[test]
    fn when_too_much_is_free_all_ids_are_given_anew() {
        let old = documents(&[("甲", &[("甲", 9)]), ("乙", &[("乙", 2)])]);
        let old = stored(&places(&old, &[]));
        let new = documents(&[("乙", &[("乙", 2)])]);
        assert_eq!(shown(&places(&new, &old)), [("乙", 1, 1)]);
    }
}
