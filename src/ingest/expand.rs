//! Extra index text of a clause: the spoken questions that it answers.
//!
//! A clause speaks the rule's words, a teller does not. Two sources lead from the teller's words to the clause: the 问法 of a
//! guide's scene, for the clauses the scene rests on; and curated questions with their written answers, which head office
//! attaches to clauses in files named `*.curated.jsonl` beside the documents or given to the build by name.
//!
//! A curated line may name the fingerprint of the words that it was written for. When the clause has other words by now, the line is
//! left out and listed for review; when it has these words, the question is stored as confirmed.

use super::curated::Curated;
use super::plan::PlannedDocument;
use super::report::Unbound;
use crate::store::fingerprint;
use crate::text::address;
use crate::text::grounds::{Grounds, unstated};
use crate::text::normalize::title_key;
use crate::text::questions::Question;
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
    pub questions: Vec<Spoken>,
    /// Their answers; an answer that several lines repeat stands here once.
    pub answers: Vec<String>,
}

/// A curated question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// The words.
    pub question: String,
    /// Its line named the fingerprint of the clause's words.
    pub confirmed: bool,
}

/// What was found in documents and curated lines.
#[derive(Debug, Default)]
pub struct Collected {
    /// The questions.
    pub expansions: Expansions,
    /// A note, with file and line, for every place of a curated line that is in no document, and for every line that names none.
    pub notes: Vec<String>,
    /// The lines that were written for other words than the clause has now.
    pub review: Vec<Unbound>,
    /// The lines whose answer states a number that no clause of theirs states.
    pub errors: Vec<String>,
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
    /// Collects the 问法 of every scene and the curated questions.
    pub fn collect<'a>(documents: &[PlannedDocument], curated: impl Iterator<Item = &'a Curated>) -> Collected {
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
        let mut collected = Collected { expansions: out, ..Collected::default() };
        for Curated { source, questions } in curated {
            for question in questions {
                collected.line(&titles, source, question);
            }
        }
        collected
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

impl Collected {
    /// Takes one curated line.
    fn line(&mut self, titles: &HashSet<&str>, source: &str, question: &Question) {
        let mut note = |why: String| {
            self.notes.push(format!("{source} 第 {} 行({})未收入:{why}", question.line, question.id));
        };
        if question.relevant.is_empty() {
            note("没有写明由哪一条回答".into());
        }
        let places = question.relevant.iter().map(|relevant| Place::new(&relevant.title_key, &relevant.address));
        let texts: Vec<&str> =
            places.filter_map(|place| self.expansions.newest.get(&place)).map(String::as_str).collect();
        let grounds = Grounds { named: &texts, others: &[] };
        let other = question.answer.iter().flat_map(|answer| unstated(answer, grounds)).next();
        if let Some(words) = other.filter(|_| !texts.is_empty()) {
            self.errors.push(format!(
                "{source} 第 {} 行({})未收入:答案写的“{words}”在所列条款里没有;请核对后改正",
                question.line, question.id
            ));
            return;
        }
        for (index, relevant) in question.relevant.iter().enumerate() {
            let place = Place::new(&relevant.title_key, &relevant.address);
            if !titles.contains(relevant.title_key.as_str()) {
                note(format!("没有《{}》这份文档", relevant.title_key));
                continue;
            }
            let Some(newest) = self.expansions.newest.get(&place) else {
                note(format!("《{}》里没有{}", relevant.title_key, address::print(&relevant.address)));
                continue;
            };
            let named = question.rests_on.get(index).and_then(Option::as_deref);
            let rests_on = fingerprint(newest);
            match named {
                Some(named) if !named.trim().eq_ignore_ascii_case(&rests_on) => self.review.push(Unbound {
                    source: source.to_owned(),
                    line: question.line,
                    id: question.id.clone(),
                    question: question.question.clone(),
                    document: relevant.title_key.clone(),
                    clause: address::print(&relevant.address),
                    named: named.trim().to_owned(),
                    rests_on,
                    text: newest.clone(),
                }),
                _ => {
                    let spoken = Spoken { question: question.question.clone(), confirmed: named.is_some() };
                    self.expansions.curated.entry(place).or_default().add(spoken, question.answer.as_deref());
                }
            }
        }
    }
}

impl Said {
    fn add(&mut self, question: Spoken, answer: Option<&str>) {
        self.questions.push(question);
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
