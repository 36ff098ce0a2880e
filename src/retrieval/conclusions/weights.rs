//! The weights of [`Signs`] and [`Overall`], fitted by `training/guida_train/conclusions.py`.
//!
//! The choice is fitted listwise on the 717 answerable questions of 22 topics of `assets/eval/teller`: the likelihood goes to the candidates that are right by
//! the question's rule. Whether anything answers, and whether the first candidate is right, are logistic regressions over these questions,
//! each topic chosen for with weights of the other topics, their near misses, and 599 questions over 36 documents that the encoder has not learned from;
//! the former over the sample's measured questions, too. Where a right candidate is among them, it is chosen for 79% of the topics fitted on and for
//! 76% of the eleven held out; figures of the whole are in docs/conclusions.md.

use super::signs::{Overall, Signs};

/// See [`super::CONCLUDE`].
pub const CONCLUDE: f64 = 0.4;
/// Largest gap between two candidates that counts.
pub const MAX_GAP: f64 = 5.0;
/// Probabilities nearer to 0 or 1 are taken for this.
pub const LEAST: f64 = 1e-4;

/// Choice among candidates, as log-likelihoods.
pub const CHOICE: Signs = Signs {
    scene: -0.44,
    rank: 3.06,
    first: 0.41,
    own: 1.84,
    own_weakest: 0.94,
    headed: 1.80,
    headed_weakest: 1.05,
    behind_in_clause: 2.26,
    clause_weakest: -0.09,
    standing: 0.61,
    known: 1.20,
    lexical: 4.22,
    coverage: 1.82,
    headed_coverage: 1.66,
    stated: 0.67,
    who: 0.71,
    papers: 0.21,
    amount: 0.98,
    other_amount: -0.60,
    same_side: 0.66,
    other_side: -0.03,
    prohibits: 0.44,
    pair: 0.50,
    item: -0.17,
    list: 0.55,
    verdict_fits: 0.26,
    verdict_of_another_kind: 0.42,
    verdict_depends: -0.51,
    condition_open: 0.35,
    rests_on_first: -0.54,
    basis: -0.55,
    scene_margin: -0.23,
    preamble: 0.45,
    ..Signs::NONE
};

/// The same where no tokens are compared.
pub const CHOICE_BY_WORDS: Signs = Signs {
    scene: 0.02,
    rank: 3.72,
    first: 0.29,
    lexical: 4.11,
    coverage: 3.46,
    headed_coverage: 3.17,
    stated: 0.88,
    who: 1.15,
    papers: 0.21,
    amount: 1.18,
    other_amount: -0.30,
    same_side: 0.80,
    other_side: -0.19,
    prohibits: 0.38,
    pair: 0.55,
    item: -0.38,
    row: 0.27,
    list: 0.49,
    verdict_fits: 0.29,
    verdict_of_another_kind: 0.52,
    verdict_depends: -0.20,
    condition_open: -0.13,
    rests_on_first: -0.58,
    basis: -0.85,
    scene_margin: -0.30,
    preamble: -0.06,
    ..Signs::NONE
};

/// That anything found answers, in log-odds. `cited_before` is set on 125 follow-ups. The start moves what was 0.66 to the threshold of the confidence.
pub const ANSWERED: Overall = Overall {
    start: -5.87,
    confidence: 3.10,
    gap: 0.11,
    verdict: 0.92,
    other_matter: -0.82,
    throughout: -1.08,
    cited_before: 0.80,
    scene: 2.82,
    clause_weakest: 4.58,
    own_weakest: 0.08,
    headed_weakest: 4.38,
    lexical: 2.18,
    coverage: -1.71,
    coverage_behind: 1.49,
    unstated: -0.73,
    nobody: 0.48,
    no_papers: -1.53,
    other_side: -0.88,
    preamble: 0.11,
    ..Overall::NONE
};

/// That the first candidate is right, in log-odds.
pub const RIGHT: Overall = Overall {
    start: -5.71,
    confidence: 1.89,
    gap: 0.33,
    other_matter: -0.62,
    throughout: -0.60,
    scene: -2.02,
    clause_weakest: 2.41,
    own_weakest: 0.29,
    headed_weakest: 1.45,
    behind_in_clause: 6.06,
    standing: 1.26,
    lexical: 2.77,
    coverage_behind: 4.27,
    unstated: -0.52,
    no_papers: -3.00,
    nobody: 0.62,
    other_amount: 0.62,
    other_side: -0.98,
    verdict_unasked: -1.21,
    preamble: -1.26,
    ..Overall::NONE
};

/// The same where no tokens are compared.
pub const RIGHT_BY_WORDS: Overall = Overall {
    start: -4.72,
    confidence: 4.48,
    gap: 0.36,
    throughout: -0.34,
    scene: -1.94,
    lexical: 4.08,
    coverage_behind: 7.52,
    unstated: -1.14,
    no_papers: -2.88,
    nobody: -0.01,
    other_amount: 0.86,
    other_side: -0.85,
    verdict_unasked: -1.03,
    preamble: -0.88,
    ..Overall::NONE
};
