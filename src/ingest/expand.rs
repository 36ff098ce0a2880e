//! Extra index text of a clause: the spoken questions that it answers.
//!
//! A clause speaks the rule's words, a teller does not. Two sources lead from the teller's words to the clause: the 问法 of a
//! guide's scene, for the clauses the scene rests on; and curated questions with their written answers, which head office
//! attaches to clauses in files named `*.curated.jsonl` beside the documents or given to the build by name.

use super::curated::Curated;
use super::plan::PlannedDocument;
use crate::text::address;
use crate::text::normalize::title_key;
use crate::types::{ClauseAddress, Date, EffectivePeriod};
use std::collections::{HashMap, HashSet};

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

/// What curated lines say of one clause.
#[derive(Debug, Default)]
pub struct Said {
    /// Their questions.
    pub questions: Vec<String>,
    /// Their answers; an answer that several lines repeat stands here once.
    pub answers: Vec<String>,
}

/// Spoken questions by the clause that answers them.
#[derive(Debug, Default)]
pub struct Expansions {
    guides: HashMap<Place, Vec<(EffectivePeriod, String)>>,
    curated: HashMap<Place, Said>,
    /// The text that each curated place has in the newest version: older versions share its questions only when they share it.
    newest: HashMap<Place, String>,
}

impl Expansions {
    /// Collects the 问法 of every scene and the curated questions. Returns a note, with file and line, for every place of a curated
    /// line that is in no document, and for every line that names none.
    pub fn collect<'a>(
        documents: &[PlannedDocument],
        curated: impl Iterator<Item = &'a Curated>,
    ) -> (Expansions, Vec<String>) {
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
        let titles: HashSet<&str> = documents.iter().map(|d| d.title_key.as_str()).collect();
        let mut notes = Vec::new();
        for Curated { source, questions } in curated {
            for question in questions {
                let mut note = |why: String| {
                    notes.push(format!("{source} 第 {} 行({})未收入:{why}", question.line, question.id));
                };
                if question.relevant.is_empty() {
                    note("没有写明由哪一条回答".into());
                }
                for relevant in &question.relevant {
                    let place = Place::new(&relevant.title_key, &relevant.address);
                    if !titles.contains(relevant.title_key.as_str()) {
                        note(format!("没有《{}》这份文档", relevant.title_key));
                    } else if !out.newest.contains_key(&place) {
                        note(format!("《{}》里没有{}", relevant.title_key, address::print(&relevant.address)));
                    } else {
                        out.curated.entry(place).or_default().add(&question.question, question.answer.as_deref());
                    }
                }
            }
        }
        (out, notes)
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

    /// What curated lines say of a clause. They were written for the newest text of the clause and count for no other text.
    pub fn curated(&self, title_key: &str, address: &ClauseAddress, text: &str) -> Option<&Said> {
        let place = Place::new(title_key, address);
        let current = self.newest.get(&place).is_some_and(|newest| newest == text);
        self.curated.get(&place).filter(|_| current)
    }
}

impl Said {
    fn add(&mut self, question: &str, answer: Option<&str>) {
        self.questions.push(question.to_owned());
        if let Some(answer) = answer.filter(|a| !self.answers.iter().any(|known| known == a)) {
            self.answers.push(answer.to_owned());
        }
    }
}

fn overlap(a: EffectivePeriod, b: EffectivePeriod) -> bool {
    let before = |end: Option<Date>, start: Option<Date>| match (end, start) {
        (Some(end), Some(start)) => end <= start,
        _ => false,
    };
    !before(a.until, b.from) && !before(b.until, a.from)
}
