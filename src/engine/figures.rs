//! What the door has let through since the start: counts and times for status page and monitoring, nothing of any question.

use crate::answer::AnswerReply;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the classes that card times are counted in, in seconds. A card on a branch computer takes 5 to 50 ms;
/// what is above a second is a fault.
pub const CARD_SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Counts of questions since the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceFigures {
    /// Questions asked.
    pub questions: u64,
    /// Of these, turned away with an error: empty, too long, a wrong parameter, knowledge that does not read.
    pub failed: u64,
    /// Of these, answered with a refusal: nothing in the rules answers.
    pub refused: u64,
    /// Of these, answered with evidence.
    pub answered: u64,
    /// Answers for which prose was wanted.
    pub prose_wanted: u64,
    /// Of these, answers that got none: no model, or busy.
    pub prose_unavailable: u64,
    /// Cards by time, one class for each of [`CARD_SECONDS`] and one above; each counts only its own.
    pub card_times: Vec<u64>,
    /// All card times together, in seconds.
    pub card_seconds: f64,
}

/// Counts while everything goes on.
#[derive(Debug, Default)]
pub(super) struct Counters {
    questions: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    answered: AtomicU64,
    prose_wanted: AtomicU64,
    prose_unavailable: AtomicU64,
    card_times: [AtomicU64; CARD_SECONDS.len() + 1],
    card_micros: AtomicU64,
}

fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Counts a question with its outcome.
    pub(super) fn count(&self, prose: bool, outcome: &Result<AnswerReply>) {
        one(&self.questions);
        let Ok(reply) = outcome else { return one(&self.failed) };
        one(if reply.card.refused { &self.refused } else { &self.answered });
        let seconds = reply.card.timings.card_ms / 1e3;
        let class = CARD_SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(CARD_SECONDS.len());
        self.card_times.get(class).into_iter().for_each(one);
        self.card_micros.fetch_add((seconds * 1e6) as u64, Ordering::Relaxed);
        if prose && !reply.card.refused {
            one(&self.prose_wanted);
            if reply.prose.is_none() {
                one(&self.prose_unavailable);
            }
        }
    }

    /// The counts so far.
    pub(super) fn figures(&self) -> ServiceFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceFigures {
            questions: read(&self.questions),
            failed: read(&self.failed),
            refused: read(&self.refused),
            answered: read(&self.answered),
            prose_wanted: read(&self.prose_wanted),
            prose_unavailable: read(&self.prose_unavailable),
            card_times: self.card_times.iter().map(read).collect(),
            card_seconds: read(&self.card_micros) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn a_question_that_is_turned_away_is_counted_as_that() {
        let counters = Counters::default();
        counters.count(true, &Err(Error::new(Code::QuestionEmpty, "", "")));
        let figures = counters.figures();
        assert_eq!((figures.questions, figures.failed, figures.answered, figures.prose_wanted), (1, 1, 0, 0));
        assert_eq!(figures.card_times, [0; CARD_SECONDS.len() + 1]);
    }
}
