//! Measuring retrieval and refusal on questions with known answers: `guida eval`.
//!
//! [`questions`] reads the file, [`metrics`] defines the figures, and [`retrieval`] asks every question as a teller would.
//! [`cross`] parts a file into folds, so that what curated questions and a trained encoder are worth is measured on questions
//! they have not seen, [`perturb`] changes questions as hurried people do, [`evidence`] lists what the fusion weighed, and [`candidates`]
//! what the choice of the conclusion did.
//! [`answers`] marks cards and prose against written answers (`overlap`: BLEU and METEOR), [`calibration`] asks whether the
//! confidence can be believed and what other thresholds would refuse, and [`report`] lays all of it out in Markdown with charts
//! (`plot`). [`conclusions`] has questions whose conclusions are judged ([`judge`]) by a [`rule`] each, in one spelling (`spelling`), by
//! their words and the verdict that they open with (`opening`).

pub mod answers;
pub mod calibration;
pub mod candidates;
pub mod conclusions;
pub mod cross;
pub mod evidence;
pub mod judge;
pub mod metrics;
mod opening;
mod overlap;
pub mod perturb;
mod plot;
pub mod questions;
pub mod report;
pub mod rule;
mod spelling;

use crate::error::Result;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever, confidence};
use crate::text::questions::{Place, Question};
use crate::types::ClauseId;
use metrics::{Asked, Figures};
use perturb::{Perturbation, Perturbed};
use std::time::Instant;

/// Depth of the ranking that is measured.
pub const DEPTH: usize = 100;

/// Asks all questions and computes the figures.
///
/// # Errors
/// `KB_CORRUPT` or the encoder's errors; a question never fails by itself.
pub fn retrieval(retriever: &Retriever, scope: &Scope, questions: &[Question]) -> Result<(Figures, Vec<Asked>)> {
    let mut asked = Vec::with_capacity(questions.len());
    for question in questions {
        let started = Instant::now();
        let ranked = retriever.search(&Query {
            text: &question.question,
            scope: scope.clone(),
            recent_documents: &[],
            limit: DEPTH,
        })?;
        let took_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut places = Vec::with_capacity(ranked.hits.len());
        for hit in &ranked.hits {
            let same = hit.same.iter().copied();
            places.push(
                std::iter::once(hit.clause).chain(same).map(|c| place(retriever, c)).collect::<Result<Vec<_>>>()?,
            );
        }
        let ranks = question
            .relevant
            .iter()
            .map(|gold| places.iter().position(|hit| hit.iter().flatten().any(|place| gold.matches(place))))
            .collect();
        asked.push(Asked {
            id: question.id.clone(),
            register: question.register.clone(),
            ranks,
            refused: ranked.confidence < confidence::THRESHOLD,
            confidence: ranked.confidence,
            features: ranked.features,
            took_ms,
        });
    }
    Ok((Figures::of(&asked), asked))
}

/// Asks all questions again, changed in each of these ways.
///
/// # Errors
/// As [`retrieval`].
pub fn perturbed(
    retriever: &Retriever,
    scope: &Scope,
    questions: &[Question],
    kinds: &[Perturbation],
) -> Result<Vec<Perturbed>> {
    let figures = |kind: &Perturbation| {
        let (figures, _) = retrieval(retriever, scope, &kind.apply(questions))?;
        Ok(Perturbed { kind: *kind, figures })
    };
    kinds.iter().map(figures).collect()
}

/// Where a clause stands: key of its title and address, as questions name them.
fn place(retriever: &Retriever, clause: ClauseId) -> Result<Option<Place>> {
    let knowledge = retriever.knowledge();
    let (Some(version), Some(clause)) = (knowledge.version_of(clause), knowledge.clause(clause)?) else {
        return Ok(None);
    };
    Ok(Some(Place { title_key: version.title_key.clone(), address: clause.address }))
}
