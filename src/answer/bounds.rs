//! How large a card may be: an old knowledge file, or one made by other hands, may hold clauses and scenes of any length. The words that
//! carry the conclusion always stay; a notice says what is left out and where the whole is.

use super::outcome::{Card, Citation};

/// Longest text of a citation, in characters. A build makes no clause longer than half of it.
pub const MAX_CITED_CHARS: usize = 4000;
/// Characters kept before the sentence that answers.
const BEFORE_MARKED: usize = 1000;
/// Clauses of other documents named as saying the same.
pub const MAX_SAME: usize = 10;
/// Steps, materials, risks and choices, each.
pub const MAX_ENTRIES: usize = 40;
/// Longest one of them, chapter path or conclusion, in characters.
pub const MAX_ENTRY_CHARS: usize = 800;

/// Keeps a card within its limits.
pub(super) fn keep(card: &mut Card) {
    let mut notices = Vec::new();
    for citation in &mut card.citations {
        if shorten(citation) {
            notices.push(format!(
                "《{}》{}较长,只显示与问题有关的部分,全文请点开原文",
                citation.document, citation.clause
            ));
        }
        cut(&mut citation.heading);
    }
    let mut left_out = cut(&mut card.conclusion) | cut(&mut card.script) | cut(&mut card.escalation);
    for entries in [&mut card.steps, &mut card.materials, &mut card.risk] {
        left_out |= entries.len() > MAX_ENTRIES;
        entries.truncate(MAX_ENTRIES);
        left_out |= entries.iter_mut().fold(false, |cut_before, entry| cut(entry) | cut_before);
    }
    if let Some(clarify) = &mut card.clarify {
        left_out |= clarify.choices.len() > MAX_ENTRIES;
        clarify.choices.truncate(MAX_ENTRIES);
        for choice in &mut clarify.choices {
            left_out |= cut(&mut choice.label) | cut(&mut choice.conclusion);
        }
    }
    if left_out {
        notices.push("指引内容较长,没有全部显示,全文请点开原文".to_owned());
    }
    card.notices.extend(notices);
}

/// Names the first of the places that say the same, and counts the others.
pub(super) fn name_few(places: &mut Vec<String>) {
    let more = places.len().saturating_sub(MAX_SAME);
    if more > 0 {
        places.truncate(MAX_SAME);
        places.push(format!("另有 {more} 处"));
    }
}

/// Cuts a text at its limit; whether it was longer.
fn cut(text: &mut String) -> bool {
    let end = text.char_indices().nth(MAX_ENTRY_CHARS).map(|(at, _)| at);
    if let Some(end) = end {
        text.truncate(end);
        text.push('…');
    }
    end.is_some()
}

/// Leaves of a long citation what stands around the sentence that answers, from the beginning of a line where one is near.
fn shorten(citation: &mut Citation) -> bool {
    let chars: Vec<char> = citation.text.chars().collect();
    if chars.len() <= MAX_CITED_CHARS {
        return false;
    }
    let [marked, end] = citation.highlight.unwrap_or_default();
    let earliest = marked.min(chars.len()).saturating_sub(BEFORE_MARKED);
    let line = (earliest..marked.min(chars.len())).find(|at| *at == 0 || chars.get(at - 1) == Some(&'\n'));
    let start = line.unwrap_or(earliest);
    // A marked sentence is a sentence: it is never longer than what is kept behind its beginning.
    let stop = (start + MAX_CITED_CHARS).min(chars.len());
    citation.text = chars.get(start..stop).unwrap_or_default().iter().collect();
    citation.highlight = citation.highlight.map(|_| [marked - start, end.min(stop) - start]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Classification, ClauseAddress, ClauseId, Level, Status};

    fn citation(text: String, highlight: Option<[usize; 2]>) -> Citation {
        Citation {
            n: 1,
            id: ClauseId(1),
            document: "办法".into(),
            doc_no: String::new(),
            issuer: String::new(),
            level: Level::InternalRule,
            classification: Classification::Internal,
            clause: "第一条".into(),
            heading: String::new(),
            address: ClauseAddress::default(),
            effective_from: None,
            effective_to: None,
            status: Status::InForce,
            status_label: "".into(),
            text,
            highlight,
            sample: false,
            same_in: Vec::new(),
            amended: Vec::new(),
            made_of: Vec::new(),
        }
    }

    #[test]
    fn few_places_are_named() {
        let mut places: Vec<String> = (0..MAX_SAME + 7).map(|n| n.to_string()).collect();
        name_few(&mut places);
        assert_eq!((places.len(), places.last().map(String::as_str)), (MAX_SAME + 1, Some("另有 7 处")));
    }

    #[test]
    fn the_marked_sentence_stays_whatever_the_length() {
        let answer = "口头挂失五日内有效。";
        for (before, after) in [(0, 30_000), (12_345, 0), (100_000, 200_000), (900, 5_000)] {
            let text = format!("{}\n{answer}{}", "甲".repeat(before), "乙".repeat(after));
            let length = answer.chars().count();
            let mut cited = citation(text.clone(), Some([before + 1, before + 1 + length]));
            assert!(shorten(&mut cited));
            let [start, end] = cited.highlight.unwrap();
            let marked: String = cited.text.chars().skip(start).take(end - start).collect();
            assert_eq!(marked, answer);
            assert!(cited.text.chars().count() <= MAX_CITED_CHARS && text.contains(&cited.text));
        }
        let mut short = citation(answer.into(), None);
        assert!(!shorten(&mut short));
        let mut unmarked = citation("丙".repeat(838_000), None);
        assert!(shorten(&mut unmarked));
        assert_eq!(unmarked.text.chars().count(), MAX_CITED_CHARS);
    }
}
