//! Late interaction: question and clause compared token by token.
//!
//! One vector a text says what it is about, and a clause about the very thing that is asked for may still not say it (a rule on
//! deadlines, a question on fees). So an encoder that was trained for it (`training/`) also gives a short vector for every token: each
//! token of the question looks for its best match in the clause (MaxSim; Khattab and Zaharia, SIGIR 2020), and what finds none tells that
//! the clause is silent on it. The clauses' vectors are made when knowledge is built, so that a question costs next to nothing.

use super::gguf::{Header, Value};

/// Where the head stands in the metadata of a GGUF file: rows of the projection, weights and bias of the gate, figures of the judgement.
const PROJECTION: &str = "guida.late.projection";
const GATE: &str = "guida.late.gate";
const HEAD: &str = "guida.late.head";
/// What 1 is stored as in a clause's vectors: one signed byte a number.
const UNIT: f32 = 127.0;
/// Largest sharpness of the soft minimum: its exponentials stay within the numbers.
const MAX_SHARPNESS: f32 = 50.0;
/// What a question's token counts at least, so that a sum of them is never nothing.
const LEAST_WEIGHT: f32 = 1e-6;

/// What an encoder adds to its states to compare tokens; part of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct LateInteraction {
    dimension: usize,
    width: usize,
    /// `dimension` rows of `width` numbers.
    projection: Vec<f32>,
    /// `width` weights and a bias: how much a token of the question matters.
    gate: Vec<f32>,
    mean: f32,
    weakest: f32,
    cosine: f32,
    bias: f32,
    sharpness: f32,
}

/// The tokens of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionTokens {
    dimension: usize,
    values: Vec<i8>,
    weights: Vec<f32>,
}

impl QuestionTokens {
    /// Lets the tokens of `text`, which end at `ends`, count `factor` times as much where `part` has them too.
    pub fn stress(&mut self, text: &str, ends: &[usize], part: &str, factor: f32) {
        let mut start = 0;
        for (end, weight) in ends.iter().zip(&mut self.weights) {
            let token = text.get(start..*end).unwrap_or_default().trim();
            if !token.is_empty() && part.contains(token) {
                *weight *= factor;
            }
            start = *end;
        }
    }
}

/// How well the tokens of a question are met by a clause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Mean over the question's tokens of the best cosine in the clause, by their weight.
    pub mean: f32,
    /// Soft minimum of the same: near the cosine of the token that is met worst.
    pub weakest: f32,
}

impl LateInteraction {
    /// The head that a file carries; `None` where it carries none, or one that does not fit its width.
    pub(super) fn of(header: &Header, width: usize) -> Option<LateInteraction> {
        let floats = |key: &str| match header.entries.get(key) {
            Some(Value::Floats(floats)) if floats.iter().all(|x| x.is_finite()) => Some(floats.clone()),
            _ => None,
        };
        let (projection, gate, head) = (floats(PROJECTION)?, floats(GATE)?, floats(HEAD)?);
        let &[mean, weakest, cosine, bias, sharpness] = head.as_slice() else { return None };
        let fits = width > 0 && projection.len() >= width && projection.len().is_multiple_of(width);
        (fits && gate.len() == width + 1 && sharpness > 0.0 && sharpness <= MAX_SHARPNESS).then(|| LateInteraction {
            dimension: projection.len() / width,
            width,
            projection,
            gate,
            mean,
            weakest,
            cosine,
            bias,
            sharpness,
        })
    }

    /// Numbers of a token's vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The vectors of a clause's tokens, one signed byte a number, from the states of the encoder.
    pub(super) fn of_clause<'s>(&self, states: impl Iterator<Item = &'s [f32]>) -> Vec<i8> {
        states.flat_map(|state| self.vector(state)).collect()
    }

    /// The vectors and weights of a question's tokens.
    pub(super) fn of_question<'s>(&self, states: impl Iterator<Item = &'s [f32]> + Clone) -> QuestionTokens {
        QuestionTokens {
            dimension: self.dimension,
            values: self.of_clause(states.clone()),
            weights: states.map(|state| self.weight(state)).collect(),
        }
    }

    fn vector(&self, state: &[f32]) -> impl Iterator<Item = i8> + use<> {
        let rows = self.projection.chunks_exact(self.width);
        let raw: Vec<f32> = rows.map(|row| row.iter().zip(state).map(|(w, x)| w * x).sum()).collect();
        let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        let factor = if norm.is_finite() && norm > 0.0 { UNIT / norm } else { 0.0 };
        // Within ±127; what is no number becomes 0.
        raw.into_iter().map(move |x| (x * factor).round() as i8)
    }

    /// Softplus of the gate.
    fn weight(&self, state: &[f32]) -> f32 {
        let (bias, weights) = self.gate.split_last().map_or((0.0, &[][..]), |(bias, weights)| (*bias, weights));
        let x = weights.iter().zip(state).map(|(w, x)| w * x).sum::<f32>() + bias;
        (x.max(0.0) + (-x.abs()).exp().ln_1p()).max(LEAST_WEIGHT)
    }

    /// Compares a question with the tokens of a clause (from [`LateInteraction::of_clause`]); `None` where one of them has none, or
    /// the lengths do not fit.
    pub fn compare(&self, question: &QuestionTokens, clause: &[i8]) -> Option<Match> {
        let d = self.dimension;
        if question.dimension != d
            || question.weights.is_empty()
            || clause.is_empty()
            || !clause.len().is_multiple_of(d)
        {
            return None;
        }
        let (mut total, mut mean, mut soft) = (0.0f32, 0.0f32, 0.0f32);
        for (token, weight) in question.values.chunks_exact(d).zip(&question.weights) {
            let best = clause.chunks_exact(d).map(|other| dot(token, other)).max()?;
            let best = best as f32 / (UNIT * UNIT);
            total += weight;
            mean += weight * best;
            soft += weight * (-self.sharpness * best).exp();
        }
        Some(Match { mean: mean / total, weakest: -(soft / total).ln() / self.sharpness })
    }

    /// Log-odds that the clause answers the question, as the encoder learnt them; `cosine` is that of the two whole texts.
    pub fn log_odds(&self, found: Match, cosine: f32) -> f32 {
        self.mean * found.mean + self.weakest * found.weakest + self.cosine * cosine + self.bias
    }
}

/// Sum of products. The plain form is what the compiler turns into vector instructions.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Two numbers wide, vectors as the states are, every token of weight 1.
    fn plain() -> LateInteraction {
        let gate = vec![0.0, 0.0, (1f32.exp() - 1.0).ln()];
        let head = vec![2.0, 1.0, 0.5, -1.0, 8.0];
        let entries = [(PROJECTION, vec![1.0, 0.0, 0.0, 1.0]), (GATE, gate), (HEAD, head)];
        let entries: BTreeMap<String, Value> =
            entries.into_iter().map(|(key, floats)| (key.to_owned(), Value::Floats(floats))).collect();
        LateInteraction::of(&Header { entries, tensors: Vec::new(), file_bytes: 0 }, 2).unwrap()
    }

    fn states(rows: &[[f32; 2]]) -> impl Iterator<Item = &[f32]> + Clone {
        rows.iter().map(|row| row.as_slice())
    }

    #[test]
    fn every_token_of_the_question_takes_its_best_match() {
        let head = plain();
        let question = head.of_question(states(&[[3.0, 0.0], [0.0, 2.0]]));
        let both = head.of_clause(states(&[[0.0, 5.0], [1.0, 1.0], [7.0, 0.0]]));
        let found = head.compare(&question, &both).unwrap();
        assert!((found.mean - 1.0).abs() < 1e-3 && (found.weakest - 1.0).abs() < 1e-3, "{found:?}");
        assert!((head.log_odds(found, 0.5) - 2.25).abs() < 0.01);
        // The second token finds nothing: the mean halves, and the weakest falls further.
        let one = head.compare(&question, &head.of_clause(states(&[[7.0, 0.0]]))).unwrap();
        assert!((one.mean - 0.5).abs() < 1e-3, "{one:?}");
        assert!(one.weakest < 0.1, "{one:?}");
    }

    #[test]
    fn what_does_not_fit_is_not_compared() {
        let head = plain();
        let question = head.of_question(states(&[[1.0, 0.0]]));
        assert_eq!(head.compare(&question, &[]), None);
        assert_eq!(head.compare(&question, &[1, 2, 3]), None);
        assert_eq!(head.compare(&head.of_question(states(&[])), &[1, 2]), None);
        assert_eq!(head.of_clause(states(&[[0.0, 0.0], [f32::NAN, 1.0]])), [0, 0, 0, 0]);
    }
}
