//! One clause as it stands on the card: verbatim, with its address, dates and state, and the sentence that answers marked.

use super::outcome::Citation;
use crate::error::Result;
use crate::retrieval::lexical::QueryTerm;
use crate::store::{Clause, Knowledge, Version};
use crate::text::normalize::normalize;
use crate::text::{address, clause};
use crate::types::{ClauseAddress, ClauseId, Date};

/// Terms of the question that a sentence must have to be marked: one character in common proves nothing.
const MIN_MARKED_TERMS: usize = 2;

/// Lays a clause out. `part` narrows the text to the 款 or 项 asked for; a part that the clause does not have leaves the whole
/// clause.
pub fn cite(
    version: &Version,
    stored: &Clause,
    part: Option<&ClauseAddress>,
    as_of: Date,
    terms: &[QueryTerm],
) -> Citation {
    let row = &version.row;
    let narrowed = part.and_then(|part| Some((clause::extract(&stored.text, part)?, part)));
    let (text, full) = match narrowed {
        Some((text, part)) => (text, ClauseAddress { label: stored.address.label.clone(), ..part.clone() }),
        None => (stored.text.as_str(), stored.address.clone()),
    };
    let status = row.status(as_of);
    Citation {
        n: 0,
        id: stored.id,
        document: row.title.clone(),
        doc_no: row.doc_no.clone(),
        issuer: row.issuer.clone(),
        level: row.level,
        classification: row.classification,
        clause: address::print(&full),
        heading: stored.heading.clone(),
        address: full,
        effective_from: row.effective.from,
        effective_to: row.effective.until,
        status,
        status_label: status.label().into(),
        highlight: highlight(text, terms),
        text: text.to_owned(),
        sample: row.sample,
        same_in: Vec::new(),
    }
}

/// Title and address of clauses that say the same as a cited one.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn same_in(knowledge: &Knowledge, same: impl Iterator<Item = ClauseId>) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for id in same {
        if let (Some(version), Some(clause)) = (knowledge.version_of(id), knowledge.clause(id)?) {
            places.push(format!("《{}》{}", version.row.title, address::print(&clause.address)));
        }
    }
    Ok(places)
}

/// The sentence with the largest weight of the question's terms, in characters of `text`; the earlier one of equals.
pub fn highlight(text: &str, terms: &[QueryTerm]) -> Option<[usize; 2]> {
    let mut best: Option<(f64, std::ops::Range<usize>)> = None;
    for range in clause::sentences(text) {
        let sentence = normalize(text.get(range.clone())?);
        let found: Vec<f64> = terms.iter().filter(|t| sentence.contains(t.text.as_str())).map(|t| t.weight).collect();
        let weight: f64 = found.iter().sum();
        if found.len() >= MIN_MARKED_TERMS && best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, range));
        }
    }
    let (_, range) = best?;
    let start = text.get(..range.start)?.chars().count();
    Some([start, start + text.get(range)?.chars().count()])
}

/// The marked sentence itself.
pub fn marked(citation: &Citation) -> Option<String> {
    let [start, end] = citation.highlight?;
    Some(citation.text.chars().skip(start).take(end.saturating_sub(start)).collect::<String>().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str, weight: f64) -> QueryTerm {
        QueryTerm { text: text.into(), id: Some(1), clauses: 1, weight, added: false }
    }

    #[test]
    fn the_sentence_with_the_rarer_words_is_marked() {
        let text = "客户应当提供证件。证件过期的,九十日内可以支取。其他事项另行规定。";
        let marked = highlight(text, &[term("证件", 1.0), term("过期", 3.0), term("期", 1.0)]).unwrap();
        let sentence: String = text.chars().skip(marked[0]).take(marked[1] - marked[0]).collect();
        assert_eq!(sentence, "证件过期的,九十日内可以支取。");
    }

    #[test]
    fn nothing_in_common_marks_nothing() {
        assert_eq!(highlight("客户应当提供证件。", &[term("外汇", 3.0), term("户", 0.1)]), None);
    }
}
