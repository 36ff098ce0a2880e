//! What is kept of the questions that pass the door: counts since the start, the last hour, the latest questions.

use super::figures::{Counters, ServiceFigures};
use super::hour::{CardTimes, Hour};
use super::overview::{Load, Minute};
use super::recent::{Outcome, Recent, RecentQuestion};
use super::request::AskRequest;
use crate::answer::AnswerReply;
use crate::error::Result;
use crate::guard::check_question;
use crate::types::GenerationId;
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whatever the console asks of the questions.
pub(super) struct Watch {
    started: Instant,
    counters: Counters,
    hour: Mutex<Hour>,
    recent: Mutex<Recent>,
    /// What waits outside, as the network's face shows it.
    pub(super) load: Arc<Load>,
}

impl Default for Watch {
    fn default() -> Watch {
        let started = Instant::now();
        Watch {
            started,
            counters: Counters::default(),
            hour: Mutex::new(Hour::new(started)),
            recent: Mutex::default(),
            load: Arc::default(),
        }
    }
}

impl Watch {
    /// Counts and keeps a question with its outcome. Its words are kept as the guard lets them pass, or not at all.
    pub(super) fn count(&self, ask: &AskRequest, reply: &Result<AnswerReply>, generation: &GenerationId) {
        self.counters.count(ask.prose, reply);
        let outcome = Outcome::of(reply);
        let (question, confidence, card_ms) = match reply {
            Ok(reply) => (reply.card.question.clone(), reply.card.confidence, reply.card.timings.card_ms),
            Err(_) => (check_question(&ask.question).map_or_else(|_| String::new(), |q| q.text().to_owned()), 0.0, 0.0),
        };
        lock(&self.hour).count(Instant::now(), &outcome, card_ms);
        let (number, at, generation) = (0, Timestamp::now(), generation.clone());
        lock(&self.recent).keep(RecentQuestion { number, at, question, outcome, confidence, card_ms, generation });
    }

    /// Time since the start.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Counts since the start.
    pub(super) fn figures(&self) -> ServiceFigures {
        self.counters.figures()
    }

    /// The last hour, minute by minute, and its card times.
    pub(super) fn hour(&self) -> (Vec<Minute>, Option<CardTimes>) {
        let (hour, now) = (lock(&self.hour), Instant::now());
        (hour.minutes(now), hour.card_times(now))
    }

    /// The latest questions, the latest first.
    pub(super) fn recent(&self) -> Vec<RecentQuestion> {
        lock(&self.recent).questions()
    }
}

/// What is counted stays true whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
