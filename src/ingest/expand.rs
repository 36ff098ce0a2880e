//! Extra index text of a clause: the spoken questions that it answers.
//!
//! A clause speaks the rule's words, a teller does not. Two sources lead from the teller's words to the clause: the 问法 of a
//! guide's scene, for the clauses the scene rests on; and curated questions, which head office attaches to clauses in files
//! named `*.curated.jsonl` beside the documents.

use super::plan::PlannedDocument;
use crate::text::normalize::title_key;
use crate::text::questions::Question;
use crate::types::{ClauseAddress, Date, EffectivePeriod};
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
    guides: HashMap<Place, Vec<(EffectivePeriod, String)>>,
    curated: HashMap<Place, Vec<String>>,
    /// The text that each curated place has in the newest version: older versions share its questions only when they share it.
    newest: HashMap<Place, String>,
}

impl Expansions {
    /// Collects the 问法 of every scene and the curated questions. Returns the ids of curated questions whose clause is in no
    /// document.
    pub fn collect(documents: &[PlannedDocument], curated: &[Question]) -> (Expansions, Vec<String>) {
        let mut out = Expansions::default();
        for document in documents {
            for version in &document.versions {
                for clause in &version.document.clauses {
                    let place = Place::new(&document.title_key, &clause.address);
                    // Versions come oldest first, so the last one written is the newest.
                    out.newest.insert(place, clause.text.clone());
                    let Some(guide) = &clause.guide else { continue };
                    for basis in &guide.basis {
                        let Some(title) = &basis.document else { continue };
                        let place = Place::new(&title_key(title), &basis.address);
                        let spoken = std::iter::once(&guide.title)
                            .chain(&clause.ask_variants)
                            .map(|q| (version.effective, q.clone()));
                        out.guides.entry(place).or_default().extend(spoken);
                    }
                }
            }
        }
        let mut homeless = Vec::new();
        for question in curated {
            for relevant in &question.relevant {
                let place = Place::new(&relevant.title_key, &relevant.address);
                if out.newest.contains_key(&place) {
                    out.curated.entry(place).or_default().push(question.question.clone());
                } else {
                    homeless.push(question.id.clone());
                }
            }
        }
        (out, homeless)
    }

    /// 问法 for a clause of a version: only those of guides that are in force together with it.
    pub fn of_guides<'a>(
        &'a self,
        title_key: &str,
        address: &ClauseAddress,
        period: EffectivePeriod,
    ) -> impl Iterator<Item = &'a str> {
        self.guides
            .get(&Place::new(title_key, address))
            .into_iter()
            .flatten()
            .filter(move |(guide, _)| overlap(*guide, period))
            .map(|(_, question)| question.as_str())
    }

    /// Curated questions of a clause. They were written for the newest text of the clause and count for no other text.
    pub fn curated<'a>(&'a self, title_key: &str, address: &ClauseAddress, text: &str) -> &'a [String] {
        let place = Place::new(title_key, address);
        let current = self.newest.get(&place).is_some_and(|newest| newest == text);
        self.curated.get(&place).filter(|_| current).map_or(&[], Vec::as_slice)
    }
}

fn overlap(a: EffectivePeriod, b: EffectivePeriod) -> bool {
    let before = |end: Option<Date>, start: Option<Date>| match (end, start) {
        (Some(end), Some(start)) => end <= start,
        _ => false,
    };
    !before(a.until, b.from) && !before(b.until, a.from)
}
