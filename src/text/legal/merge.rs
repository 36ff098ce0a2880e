//! Several files of one text: the books of a code become one document, and a second copy is dropped.

use super::model::ParsedDocument;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Why a file did not become a document of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeKind {
    /// Another part of the same version (民法典 in eight files): its clauses were added.
    PartOf,
    /// The same text again.
    DuplicateOf,
}

/// What happened to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeNote {
    /// The file that gave up its own document.
    pub source: String,
    /// Why.
    pub kind: MergeKind,
    /// The file under which its text is found now.
    pub into: String,
}

/// Brings together what belongs together, in the order given otherwise.
///
/// Documents of one title and one day of publication are parts of one version when they share no article, and copies when
/// their clauses are the same. Anything else stays: versions of one title differ in their dates.
pub fn merge(documents: Vec<ParsedDocument>) -> (Vec<ParsedDocument>, Vec<MergeNote>) {
    let mut kept: Vec<ParsedDocument> = Vec::with_capacity(documents.len());
    let mut by_title: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut notes = Vec::new();
    for document in documents {
        let group = by_title.entry(document.title_key.clone()).or_default();
        let mut fate = None;
        for &i in group.iter() {
            let Some(earlier) = kept.get(i) else { continue };
            if is_copy(earlier, &document) {
                fate = Some((i, MergeKind::DuplicateOf));
            } else if is_part(earlier, &document) {
                fate = Some((i, MergeKind::PartOf));
            }
        }
        match fate.and_then(|(i, kind)| Some((kept.get_mut(i)?, kind))) {
            Some((into, kind)) => {
                notes.push(MergeNote { source: document.source.clone(), kind, into: into.source.clone() });
                if kind == MergeKind::PartOf {
                    join(into, document);
                }
            }
            None => {
                group.push(kept.len());
                kept.push(document);
            }
        }
    }
    (kept, notes)
}

/// Whether every clause of `copy` stands in `original` already, published on the same day (or a copy that names none).
fn is_copy(original: &ParsedDocument, copy: &ParsedDocument) -> bool {
    let texts: HashMap<&str, &str> =
        original.clauses.iter().map(|c| (c.address.label.as_str(), c.text.as_str())).collect();
    (original.published == copy.published || copy.published.is_none())
        && copy.clauses.iter().all(|c| texts.get(c.address.label.as_str()) == Some(&c.text.as_str()))
}

/// Whether two documents are parts of one version: articles throughout, of which none is in both.
fn is_part(a: &ParsedDocument, b: &ParsedDocument) -> bool {
    let articles = |d: &ParsedDocument| -> HashSet<(u32, u32)> {
        d.clauses.iter().filter_map(|c| Some((c.address.article?, c.address.insert))).collect()
    };
    let (in_a, in_b) = (articles(a), articles(b));
    a.published == b.published
        && a.doc_no == b.doc_no
        && a.level == b.level
        && a.classification == b.classification
        && !in_a.is_empty()
        && !in_b.is_empty()
        && in_a.is_disjoint(&in_b)
}

/// Adds the clauses of a part, in the order of the articles.
fn join(into: &mut ParsedDocument, part: ParsedDocument) {
    // The day in force may stand in one part only; the others fell back on the day of publication.
    into.effective_from = into.effective_from.max(part.effective_from);
    into.repealed_from = into.repealed_from.or(part.repealed_from);
    for notice in part.repeals {
        if !into.repeals.contains(&notice) {
            into.repeals.push(notice);
        }
    }
    let taken: HashSet<String> = into.clauses.iter().map(|c| c.address.label.clone()).collect();
    let first = part.clauses.iter().find_map(|c| c.address.article);
    let at = into.clauses.iter().position(|c| c.address.article > first && c.address.article.is_some());
    let at = at.unwrap_or(into.clauses.len());
    let clauses: Vec<_> = part
        .clauses
        .into_iter()
        .map(|mut clause| {
            if taken.contains(&clause.address.label) {
                let chapter = clause.heading.split(' ').next().unwrap_or_default();
                clause.address.label = format!("{chapter}{}（{}）", clause.address.label, at + 1);
            }
            clause
        })
        .collect();
    into.clauses.splice(at..at, clauses);
}
