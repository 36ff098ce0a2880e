//! The weights of [`Signs`] and [`Overall`], fitted by `training/guida_train/conclusions.py`.
//!
//! The choice is fitted listwise on 717 questions of 22 topics of `assets/eval/teller`: the likelihood goes to the candidates that are right by the
//! question's rule. Whether anything answers, and whether the first candidate is right, are logistic regressions over the same
//! questions, each topic chosen for with weights of the other topics, their near misses, and 599 questions over 36 documents that the encoder has not learned from.
//! Where a right candidate was among them, it is found for 79% of the eleven topics left out; figures of the whole are in docs/conclusions.md.

use super::signs::{Overall, Signs};

/// See [`super::CONCLUDE`].
pub const CONCLUDE: f64 = 0.4;
/// Largest gap between two candidates that counts.
pub const MAX_GAP: f64 = 5.0;
/// Probabilities nearer to 0 or 1 are taken for this.
pub const LEAST: f64 = 1e-4;

/// Choice among candidates, as log-likelihoods.
pub const CHOICE: Signs = Signs {
    scene: -0.43,
    rank: 3.06,
    first: 0.41,
    own: 1.86,
    own_weakest: 0.94,
    headed: 1.86,
    headed_weakest: 1.10,
    behind_in_clause: 2.34,
    clause_weakest: -0.11,
    standing: 0.60,
    known: 1.20,
    lexical: 4.23,
    coverage: 1.79,
    headed_coverage: 1.66,
    stated: 0.69,
    who: 0.91,
    papers: 0.21,
    amount: 0.98,
    other_amount: -0.60,
    same_side: 0.53,
    other_side: -0.12,
    prohibits: 0.44,
    opens: -0.41,
    pair: 0.50,
    item: -0.19,
    row: 0.49,
    list: 0.53,
    verdict_fits: 0.26,
    verdict_of_another_kind: 0.41,
    verdict_depends: -0.53,
    condition_open: 0.36,
    rests_on_first: -0.55,
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
    opens: -0.32,
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

/// That anything found answers, in log-odds. The start moves what was 0.65 to the threshold of the confidence.
pub const ANSWERED: Overall = Overall {
    start: -5.29,
    confidence: 3.09,
    gap: 0.08,
    verdict: 0.87,
    throughout: -1.14,
    scene: 2.62,
    clause_weakest: 4.48,
    own_weakest: -0.12,
    headed_weakest: 3.98,
    lexical: 2.05,
    coverage: -1.82,
    coverage_behind: 4.11,
    unstated: -0.89,
    nobody: 0.40,
    no_papers: -1.36,
    other_side: -0.92,
    preamble: 0.07,
    ..Overall::NONE
};

/// That the first candidate is right, in log-odds.
pub const RIGHT: Overall = Overall {
    start: -5.35,
    confidence: 2.57,
    gap: 0.31,
    throughout: -0.62,
    scene: -1.60,
    clause_weakest: 1.62,
    own_weakest: 0.74,
    headed_weakest: 1.50,
    behind_in_clause: 8.86,
    standing: 0.69,
    lexical: 2.75,
    coverage_behind: 4.42,
    unstated: -0.49,
    no_papers: -2.76,
    nobody: 0.58,
    other_amount: 0.54,
    other_side: -0.87,
    verdict_unasked: -1.19,
    preamble: -1.26,
    opens: -0.49,
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
    opens: 0.25,
    ..Overall::NONE
};
