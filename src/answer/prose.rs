//! Running prose (stand-in until the pipeline is merged).

use crate::engine::reply::ProseEvent;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Prose on its way.
#[derive(Debug)]
pub struct Prose {
    events: Receiver<ProseEvent>,
    cancel: Arc<AtomicBool>,
}

/// One step.
#[derive(Debug)]
pub enum ProseStep {
    /// Something happened.
    Event(ProseEvent),
    /// Nothing within the wait.
    Idle,
    /// The end.
    Finished,
}

impl Prose {
    /// Prose from a channel.
    pub fn from_events(events: Receiver<ProseEvent>, cancel: Arc<AtomicBool>) -> Prose {
        Prose { events, cancel }
    }

    /// The next step, within `wait`.
    pub fn next(&mut self, wait: Duration) -> ProseStep {
        match self.events.recv_timeout(wait) {
            Ok(event) => ProseStep::Event(event),
            Err(RecvTimeoutError::Timeout) => ProseStep::Idle,
            Err(RecvTimeoutError::Disconnected) => ProseStep::Finished,
        }
    }

    /// The flag that stops the writing.
    pub fn canceller(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }
}

impl Drop for Prose {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Release);
    }
}
