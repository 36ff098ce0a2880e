//! What could have been the conclusion, question by question: what the weights of [`crate::retrieval::conclusions`] are fitted on
//! (`training/guida_train/conclusions.py`).

use crate::error::Result;
use crate::retrieval::conclusions::Candidate;
use crate::retrieval::conclusions::signs::{Overall, Signs};
use crate::retrieval::scope::Scope;
use crate::retrieval::{HITS_FOR_CARD, Query, Ranked, Retriever};
use crate::text::questions::Question;
use crate::types::ClauseId;
use serde::Serialize;
use std::path::Path;

/// The candidates of one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Considered {
    /// Id of the question.
    pub id: String,
    /// See [`topic`].
    pub topic: String,
    /// Whether a clause answers it.
    pub answerable: bool,
    /// Whether a curated question equals it: then its clause is put first, whatever the signs say.
    pub settled: bool,
    /// What is known of the candidates as a whole; `null` without any, or where no tokens were compared.
    pub overall: Option<Overall>,
    /// Best first, by the weights of today.
    pub candidates: Vec<Marked>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marked {
    /// The rule or scene that it stands in.
    pub clause: ClauseId,
    /// Whether it would be the right conclusion.
    pub right: bool,
    /// What speaks for it.
    pub signs: Signs,
}

impl Considered {
    /// Marks what was found for a question.
    ///
    /// # Errors
    /// Those of `is_right`.
    pub fn new(
        (id, topic, answerable): (&str, String, bool),
        ranked: &Ranked,
        is_right: impl Fn(&Candidate) -> Result<bool>,
    ) -> Result<Considered> {
        let marked = |candidate: &Candidate| {
            Ok(Marked { clause: candidate.clause, right: is_right(candidate)?, signs: candidate.signs })
        };
        Ok(Considered {
            id: id.to_owned(),
            topic,
            answerable,
            settled: !ranked.settled.is_empty(),
            overall: ranked.conclusions.overall,
            candidates: ranked.conclusions.candidates.iter().map(marked).collect::<Result<_>>()?,
        })
    }
}

/// What a question is about: its id without the number at the end (`guashi-012`), or the name of its file where the id has none.
pub fn topic(id: &str, file: &Path) -> String {
    let numbered = |(_, number): &(&str, &str)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    match id.rsplit_once('-').filter(numbered) {
        Some((topic, _)) => topic.to_owned(),
        None => file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

/// The candidates of all questions of a file. A candidate is right when its clause is relevant, or for a scene a clause that it rests on.
///
/// # Errors
/// As [`Retriever::search`].
pub fn considered(
    retriever: &Retriever,
    scope: &Scope,
    questions: &[Question],
    file: &Path,
) -> Result<Vec<Considered>> {
    let mut all = Vec::with_capacity(questions.len());
    for question in questions {
        let query =
            Query { text: &question.question, scope: scope.clone(), recent_documents: &[], limit: HITS_FOR_CARD };
        let ranked = retriever.search(&query)?;
        let is_right = |candidate: &Candidate| {
            for clause in carrying(&ranked, candidate.clause) {
                let place = super::place(retriever, clause)?;
                if place.is_some_and(|place| question.relevant.iter().any(|gold| gold.matches(&place))) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let named = (question.id.as_str(), topic(&question.id, file), !question.relevant.is_empty());
        all.push(Considered::new(named, &ranked, is_right)?);
    }
    Ok(all)
}

/// The clauses that carry what a clause concludes: itself, those that say the same, and for a scene those it rests on.
fn carrying(ranked: &Ranked, clause: ClauseId) -> Vec<ClauseId> {
    let mut all = vec![clause];
    all.extend(ranked.hits.iter().filter(|hit| hit.clause == clause).flat_map(|hit| hit.same.iter().copied()));
    let scenes = ranked.guides.iter().filter(|scene| scene.hit.clause == clause);
    all.extend(scenes.flat_map(|scene| scene.basis.iter().map(|(rule, _)| rule.id)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_the_id_without_its_number_or_the_file() {
        let file = Path::new("teller/guashi.jsonl");
        assert_eq!(topic("payroll-bulk-cards-012", file), "payroll-bulk-cards");
        assert_eq!(topic("guashi", file), "guashi");
        assert_eq!(topic("mima-a", file), "guashi");
        assert_eq!(topic("mima-", file), "guashi");
    }
}
