//! Extra index text of a clause: the spoken questions that a guide answers from it.
//!
//! A clause speaks the rule's words, a teller does not; the 问法 of a guide's scene lead to the clauses the scene rests on.

use super::plan::PlannedDocument;
use crate::text::normalize::title_key;
use crate::types::{ClauseAddress, EffectivePeriod};
use std::collections::HashMap;

/// A clause of a title, whatever the version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    title_key: String,
    article: Option<u32>,
    insert: u32,
    label: String,
}

impl Place {
    fn new(title_key: &str, address: &ClauseAddress) -> Place {
        // A 条 is known by its number: its label may be written in other numerals.
        let label = if address.article.is_some() { String::new() } else { address.label.clone() };
        Place { title_key: title_key.to_owned(), article: address.article, insert: address.insert, label }
    }
}

/// Spoken questions by the clause that answers them.
#[derive(Debug, Default)]
pub struct Expansions {
    by_place: HashMap<Place, Vec<(EffectivePeriod, String)>>,
}

impl Expansions {
    /// Collects the 问法 of every scene under the clauses of its 依据.
    pub fn collect(documents: &[PlannedDocument]) -> Expansions {
        let mut out = Expansions::default();
        for version in documents.iter().flat_map(|d| &d.versions) {
            for clause in &version.document.clauses {
                let Some(guide) = &clause.guide else { continue };
                for basis in &guide.basis {
                    let Some(title) = &basis.document else { continue };
                    let place = Place::new(&title_key(title), &basis.address);
                    let spoken = std::iter::once(&guide.title).chain(&clause.ask_variants).map(|q| (version.effective, q.clone()));
                    out.by_place.entry(place).or_default().extend(spoken);
                }
            }
        }
        out
    }

    /// The questions for a clause of a version: only those of guides that are in force together with it.
    pub fn of<'a>(
        &'a self,
        title_key: &str,
        address: &ClauseAddress,
        period: EffectivePeriod,
    ) -> impl Iterator<Item = &'a str> {
        self.by_place
            .get(&Place::new(title_key, address))
            .into_iter()
            .flatten()
            .filter(move |(guide, _)| overlap(*guide, period))
            .map(|(_, question)| question.as_str())
    }
}

fn overlap(a: EffectivePeriod, b: EffectivePeriod) -> bool {
    let before = |end: Option<crate::types::Date>, start: Option<crate::types::Date>| match (end, start) {
        (Some(end), Some(start)) => end <= start,
        _ => false,
    };
    !before(a.until, b.from) && !before(b.until, a.from)
}
