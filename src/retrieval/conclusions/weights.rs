//! The weights of [`Signs`] and [`Overall`], fitted by `training/guida_train/conclusions.py`.
//!
//! The choice is fitted listwise on the 717 answerable questions of 22 topics of `assets/eval/teller`: the likelihood goes to the candidates that are right by
//! the question's rule. Whether anything answers, and whether the first candidate is right, are logistic regressions over these questions,
//! each topic chosen for with weights of the other topics, their near misses, and 599 questions over 36 documents that the encoder has not learned from;
//! the former over the sample's measured questions, too. Where a right candidate is among them, it is chosen for 79% of the topics fitted on and for
//! 76% of the eleven held out; figures of the whole are in docs/conclusions.md.

use super::signs::{Overall, Signs};

/// Probability of being right from which on a candidate is given as the conclusion; below it the card points to the clauses.
pub const CONCLUDE: f64 = 0.4;
/// Largest gap between two candidates that counts.
pub const MAX_GAP: f64 = 5.0;
/// Probabilities nearer to 0 or 1 are taken for this.
pub const LEAST: f64 = 1e-4;

/// Choice among candidates, as log-likelihoods.
pub const CHOICE: Signs = Signs {
    scene: -0.57,
    rank: 3.03,
    first: 0.44,
    own: 1.99,
    own_weakest: 1.10,
    headed: 1.93,
    headed_weakest: 1.17,
    behind_in_clause: 2.13,
    clause_weakest: 0.03,
    standing: 0.77,
    known: 1.03,
    lexical: 4.06,
    coverage: 1.77,
    headed_coverage: 1.66,
    stated: 0.56,
    who: 0.69,
    papers: 0.26,
    amount: 1.08,
    other_amount: -0.63,
    same_side: 0.70,
    other_side: -0.11,
    prohibits: 0.46,
    pair: 0.47,
    item: -0.48,
    row: -0.02,
    list: 0.60,
    verdict_fits: 0.24,
    verdict_of_another_kind: 0.48,
    verdict_depends: -0.73,
    condition_open: 0.13,
    rests_on_first: -0.52,
    basis: -0.52,
    scene_margin: -0.17,
    preamble: 0.48,
    ..Signs::NONE
};

/// The same where no tokens are compared.
pub const CHOICE_BY_WORDS: Signs = Signs {
    scene: -0.67,
    rank: 4.20,
    first: 0.77,
    lexical: 3.16,
    coverage: 2.70,
    headed_coverage: 2.49,
    stated: 0.76,
    who: 0.74,
    papers: 0.38,
    amount: 1.12,
    other_amount: -0.53,
    same_side: 0.87,
    other_side: -0.10,
    prohibits: 0.52,
    pair: 0.69,
    item: -0.52,
    row: 0.13,
    list: 0.83,
    verdict_fits: 0.28,
    verdict_of_another_kind: 0.37,
    verdict_depends: -0.81,
    condition_open: 0.03,
    rests_on_first: -0.28,
    basis: -0.35,
    scene_margin: -0.28,
    preamble: 0.38,
    ..Signs::NONE
};

/// That anything found answers, in log-odds. `cited_before` is set on 125 follow-ups. The start moves what was 0.66 to the threshold of the confidence.
pub const ANSWERED: Overall = Overall {
    start: -5.91,
    confidence: 3.16,
    gap: 0.14,
    verdict: 0.93,
    other_matter: -0.76,
    throughout: -1.07,
    scene: 2.61,
    clause_weakest: 4.89,
    own_weakest: 0.25,
    headed_weakest: 3.82,
    lexical: 2.14,
    coverage: -1.66,
    coverage_behind: 0.43,
    unstated: -0.65,
    nobody: 0.20,
    no_papers: -3.65,
    other_side: -0.85,
    preamble: 0.23,
    cited_before: 0.80,
    ..Overall::NONE
};

/// That the first candidate is right, in log-odds. `other_side` is not the fitted -1.0: few questions fitted on have one, and of 100 pairs of acts that
/// are neighbours 12 kept the conclusion of the other one with it.
pub const RIGHT: Overall = Overall {
    start: -5.33,
    confidence: 1.85,
    gap: 0.35,
    other_matter: -0.77,
    throughout: -0.45,
    clause_weakest: 2.39,
    own_weakest: 0.37,
    headed_weakest: 1.51,
    behind_in_clause: 0.20,
    standing: 1.10,
    lexical: 2.32,
    coverage_behind: 2.73,
    unstated: -0.64,
    no_papers: -3.30,
    nobody: 0.38,
    other_amount: 0.61,
    other_side: -1.90,
    verdict_unasked: -1.28,
    preamble: -1.01,
    ..Overall::NONE
};

/// The same where no tokens are compared.
pub const RIGHT_BY_WORDS: Overall = Overall {
    start: -1.51,
    confidence: 3.57,
    gap: 0.40,
    other_matter: -0.33,
    throughout: -0.29,
    scene: -2.13,
    lexical: 0.74,
    coverage_behind: 3.13,
    unstated: -0.97,
    no_papers: -3.28,
    nobody: 0.44,
    other_amount: 0.65,
    other_side: -1.90,
    verdict_unasked: -1.40,
    preamble: -0.95,
    ..Overall::NONE
};
