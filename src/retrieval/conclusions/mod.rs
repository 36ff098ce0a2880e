//! Which sentence of what was found answers, and how likely it does.
//!
//! Candidates are the outcomes of scenes and the sentences, items and table rows of the first rules ([`parts`]). Each is weighed by what
//! speaks for it ([`signs`]): its tokens against the question's, the rank of its rule, whether it states what is asked for ([`asked`]), whether its
//! tier has the amount and its words stand on the question's side ([`contrast`](crate::text::contrast)). The first of them then tells how likely anything found answers
//! at all, and how likely it is itself the right conclusion. Weights and the figures behind them stand in [`weights`].

pub mod asked;
pub mod condition;
mod gather;
mod parts;
pub mod signs;
mod weights;

use super::{Ranked, Retriever};
use crate::error::Result;
use crate::text::normalize::fold;
use crate::text::quantity;
use crate::types::ClauseId;
use asked::Asked;
use signs::{Overall, Signs};
use std::ops::Range;

pub use parts::MAX_CHARS;
pub use weights::CONCLUDE;

/// Rows of a table that stand side by side on a card; of more than these the best one stands alone.
const MAX_TIERS: usize = 5;

/// What is taken off what forbids nothing where somebody asks how to get round a control, as log-likelihood: more than the signs tell sentences of one
/// matter apart, less than they tell matters apart.
const NO_WAY_ROUND: f64 = 2.0;

/// Where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The outcome of a scene.
    Scene,
    /// A part of a rule.
    Rule,
}

/// A conclusion that could be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where it comes from.
    pub origin: Origin,
    /// The rule or scene that it stands in.
    pub clause: ClauseId,
    /// As it is said.
    pub text: String,
    /// Where it stands in the clause's text, in bytes.
    pub range: Range<usize>,
    /// Of a row for a range of amounts, days or the like that range, as the table has it (20万元（含）至50万元).
    pub tier: Option<String>,
    /// Another text has changed these words by the day: they are no conclusion.
    pub outdated: bool,
    /// What speaks for it.
    pub signs: Signs,
    /// Its log-likelihood, comparable within one question only.
    pub score: f64,
}

/// The candidates of a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conclusions {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// What is known of them as a whole; `None` without any.
    pub overall: Option<Overall>,
    /// Probability that the first one is right.
    pub right: f64,
}

impl Conclusions {
    /// The part of a rule that answers best.
    pub fn best_of(&self, clause: ClauseId) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.clause == clause)
    }

    /// The rows of one table that `first` is one of, in their order, where the question does not say which amount it is about: then none of
    /// them alone is the conclusion. Empty otherwise.
    pub fn tiers(&self, first: &Candidate) -> Vec<&Candidate> {
        if first.tier.is_none() || first.signs.amount > 0.0 {
            return Vec::new();
        }
        let beside = |candidate: &&Candidate| candidate.clause == first.clause && candidate.tier.is_some();
        let mut rows: Vec<&Candidate> = self.candidates.iter().filter(beside).collect();
        rows.sort_by_key(|row| row.range.start);
        if (2..=MAX_TIERS).contains(&rows.len()) { rows } else { Vec::new() }
    }
}

/// Weighs what was found. `confidence` is that of the search without it.
///
/// # Errors
/// `KB_CORRUPT`.
pub(super) fn weigh(retriever: &Retriever, ranked: &Ranked, throughout: bool) -> Result<Conclusions> {
    let asked = Asked::read(&ranked.read);
    let mut candidates = gather::candidates(retriever, ranked, &asked)?;
    let compared = candidates.iter().any(|candidate| candidate.signs.own_weakest != 0.0);
    let (choice, of_right) = if compared {
        (&weights::CHOICE, &weights::RIGHT)
    } else {
        (&weights::CHOICE_BY_WORDS, &weights::RIGHT_BY_WORDS)
    };
    for candidate in &mut candidates {
        candidate.score = candidate.signs.dot(choice);
        if asked.evades && !asked::forbids(&candidate.text) {
            candidate.score -= NO_WAY_ROUND;
        }
    }
    // A curated question that equals this one names its clause.
    let settled = |candidate: &Candidate| ranked.settled.contains(&candidate.clause);
    candidates.sort_by(|a, b| settled(b).cmp(&settled(a)).then(b.score.total_cmp(&a.score)));
    let replaced = replace_outdated(ranked, &mut candidates);
    let certain = candidates.iter().any(settled);
    let overall = candidates.first().map(|first| {
        let other = candidates.iter().find(|candidate| candidate.clause != first.clause);
        let seen = ranked.evidence.iter().find(|seen| seen.clause == first.clause);
        Overall {
            confidence: log_odds(ranked.confidence) / super::fusion::TEN,
            gap: other.map_or(weights::MAX_GAP, |other| (first.score - other.score).min(weights::MAX_GAP)),
            verdict: f64::from(u8::from(asked.verdict.is_some())),
            other_matter: f64::from(u8::from(ranked.other_matter.is_some())),
            throughout: f64::from(u8::from(throughout)),
            cited_before: f64::from(u8::from(seen.is_some_and(|seen| seen.cited_before))),
            ..Overall::of(&first.signs)
        }
    });
    let shows_way = asked.evades && candidates.first().is_some_and(|first| !asked::forbids(&first.text));
    let right = match overall {
        _ if !replaced => 0.0,
        _ if certain => 1.0,
        // Who asks how to get round a control is never told how something else is done.
        _ if shows_way => 0.0,
        Some(overall) if !contradicted(&candidates) => probability(overall.dot(of_right)),
        _ => 0.0,
    };
    Ok(Conclusions { candidates, overall: overall.filter(|_| compared), right })
}

/// Leaves out the words that another text has changed. Where they would have been the conclusion, the best part of the changing clause is;
/// without one they stay the first, and false tells that nothing can be concluded: what answers second best would be about another matter.
fn replace_outdated(ranked: &Ranked, candidates: &mut Vec<Candidate>) -> bool {
    let Some(first) = candidates.first().filter(|first| first.outdated).cloned() else {
        candidates.retain(|candidate| !candidate.outdated);
        return true;
    };
    candidates.retain(|candidate| !candidate.outdated);
    let changes = |by: ClauseId| ranked.outdated.iter().any(|of| of.by == by && of.covers(first.clause, &first.range));
    match candidates.iter().position(|candidate| changes(candidate.clause)) {
        Some(at) => {
            let by = candidates.remove(at);
            candidates.insert(0, by);
            true
        }
        None => {
            candidates.insert(0, first);
            false
        }
    }
}

/// What the signs add to the log-odds that anything found answers, beside those of the search, which count [`weights::ANSWERED`]'s share.
pub(super) fn answered(overall: &Overall) -> (f64, f64) {
    let share = weights::ANSWERED.confidence / super::fusion::TEN;
    (share, overall.dot(&weights::ANSWERED) - overall.confidence * weights::ANSWERED.confidence)
}

/// Whether another clause says what the first candidate says but for the quantity: then neither is the conclusion.
fn contradicted(candidates: &[Candidate]) -> bool {
    let Some((first, others)) = candidates.split_first() else { return false };
    let said = bare(&first.text);
    let mut others = others.iter().filter(|other| other.clause != first.clause && other.text != first.text);
    others.any(|other| bare(&other.text) == said)
}

/// A sentence, normalised, without its quantities.
fn bare(text: &str) -> String {
    let text = fold(text);
    let mut bare = String::with_capacity(text.len());
    let mut from = 0;
    for of in quantity::find(&text) {
        bare.push_str(text.get(from..of.place.start).unwrap_or_default());
        from = of.place.end;
    }
    bare.push_str(text.get(from..).unwrap_or_default());
    bare
}

fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(weights::LEAST, 1.0 - weights::LEAST);
    (p / (1.0 - p)).ln()
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
