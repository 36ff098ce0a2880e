//! What the fusion weighed, question by question: what its weights are fitted on (`training/guida_train/fusion.py`).

use crate::error::Result;
use crate::retrieval::fusion::FEATURES;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::text::questions::Question;
use serde::Serialize;

/// The candidates of one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weighed {
    /// Id of the question.
    pub id: String,
    /// Fold, from 0; 0 outside a cross-validation.
    pub fold: usize,
    /// Number of relevant clauses, candidates or not; 0 where nothing answers.
    pub relevant: usize,
    /// Positions among the candidates of those that are relevant.
    pub found: Vec<usize>,
    /// The numbers that are weighed of each candidate, see [`crate::retrieval::fusion::Evidence::features`].
    pub candidates: Vec<[f32; FEATURES]>,
}

/// The candidates of all questions.
///
/// # Errors
/// As [`Retriever::search`].
pub fn weighed(retriever: &Retriever, scope: &Scope, questions: &[Question], fold: usize) -> Result<Vec<Weighed>> {
    let mut all = Vec::with_capacity(questions.len());
    for question in questions {
        let query = Query { text: &question.question, scope: scope.clone(), recent_documents: &[], limit: 1 };
        let mut weighed = Weighed {
            id: question.id.clone(),
            fold,
            relevant: question.relevant.len(),
            found: Vec::new(),
            candidates: Vec::new(),
        };
        for (at, evidence) in retriever.search(&query)?.evidence.iter().enumerate() {
            weighed.candidates.push(evidence.features().map(|x| x as f32));
            let place = super::place(retriever, evidence.clause)?;
            if place.is_some_and(|place| question.relevant.iter().any(|gold| gold.matches(&place))) {
                weighed.found.push(at);
            }
        }
        all.push(weighed);
    }
    Ok(all)
}
