//! One clause as it stands on the card: verbatim, with its address, dates and state, and the sentence that answers marked.

use super::bounds;
use super::outcome::Citation;
use crate::error::Result;
use crate::retrieval::lexical::QueryTerm;
use crate::store::{Clause, Knowledge, Version};
use crate::text::normalize::normalize;
use crate::text::{address, clause};
use crate::types::{ClauseAddress, ClauseId, Date};
use std::ops::Range;

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
        amended: Vec::new(),
        made_of: Vec::new(),
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
    bounds::name_few(&mut places);
    Ok(places)
}

/// The sentence with the largest weight of the question's terms, in characters of `text`; the earlier one of equals.
pub fn highlight(text: &str, terms: &[QueryTerm]) -> Option<[usize; 2]> {
    let mut best: Option<(f64, Range<usize>)> = None;
    for range in clause::sentences(text) {
        let sentence = normalize(text.get(range.clone())?);
        let found: Vec<f64> = terms.iter().filter(|t| sentence.contains(t.text.as_str())).map(|t| t.weight).collect();
        let weight: f64 = found.iter().sum();
        if found.len() >= MIN_MARKED_TERMS && best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, range));
        }
    }
    in_characters(text, best?.1)
}

/// A range of bytes in characters.
pub fn in_characters(text: &str, range: Range<usize>) -> Option<[usize; 2]> {
    let start = text.get(..range.start)?.chars().count();
    Some([start, start + text.get(range)?.chars().count()])
}

/// What the marked sentence says; an item of a list with the words that open it (有下列情形之一的,不予办理:).
pub fn said(citation: &Citation) -> Option<String> {
    let [start, end] = citation.highlight?;
    let text = citation.text.as_str();
    let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    let (start, end) = (byte(start), byte(end.max(start)));
    let sentence = text.get(start..end)?.trim();
    let paragraphs = clause::paragraphs(text);
    let list = paragraphs.iter().find(|paragraph| paragraph.range.contains(&start));
    let is_item = list.is_some_and(|list| {
        list.items.iter().any(|item| item.range.contains(&start) && item.range.start > list.range.start)
    });
    let opening = list.filter(|_| is_item).and_then(|list| list.opening(text));
    Some(format!("{}{sentence}", opening.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Classification, Level, Status};

    fn citation(text: &str) -> Citation {
        Citation {
            n: 1,
            id: ClauseId(1),
            document: String::new(),
            doc_no: String::new(),
            issuer: String::new(),
            level: Level::InternalRule,
            classification: Classification::Internal,
            clause: String::new(),
            heading: String::new(),
            address: crate::text::address::labelled("第一条"),
            effective_from: None,
            effective_to: None,
            status: Status::InForce,
            status_label: "".into(),
            highlight: None,
            text: text.to_owned(),
            sample: false,
            same_in: Vec::new(),
            amended: Vec::new(),
            made_of: Vec::new(),
        }
    }

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
    fn an_item_is_said_with_the_words_that_open_its_list() {
        let text = "银行应当核对证件。有下列情形之一的,不予办理:\n(一)证件过期;\n(二)名称不符;\n材料不全的,一次告知。";
        let said = |sentence: &str| {
            let at = text.find(sentence).unwrap();
            said(&Citation { highlight: in_characters(text, at..at + sentence.len()), ..citation(text) })
        };
        assert_eq!(said("(二)名称不符;").as_deref(), Some("有下列情形之一的,不予办理:(二)名称不符;"));
        assert_eq!(said("材料不全的,一次告知。").as_deref(), Some("材料不全的,一次告知。"));
        assert_eq!(said("银行应当核对证件。").as_deref(), Some("银行应当核对证件。"));
    }

    #[test]
    fn nothing_in_common_marks_nothing() {
        assert_eq!(highlight("客户应当提供证件。", &[term("外汇", 3.0), term("户", 0.1)]), None);
    }
}
