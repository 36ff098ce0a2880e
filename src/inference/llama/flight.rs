//! Stopping in the middle of a batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The stop flags of the replies in the batch that is being computed. When all of them are raised, so is the flag that
/// llama.cpp looks at, and the batch ends early; otherwise a stop counts from the next step on.
#[derive(Debug)]
pub struct InFlight {
    pub(super) abandon: AtomicBool,
    flags: Mutex<Vec<Arc<AtomicBool>>>,
}

impl InFlight {
    /// Nothing in flight.
    pub const fn new() -> InFlight {
        InFlight { abandon: AtomicBool::new(false), flags: Mutex::new(Vec::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<AtomicBool>>> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is being computed from now on.
    pub(super) fn set(&self, flags: Vec<Arc<AtomicBool>>) {
        let mut held = self.lock();
        *held = flags;
        self.abandon.store(false, Ordering::Release);
    }

    /// A stop flag was raised: ends the batch if nobody wants any of it.
    pub fn look(&self) {
        let flags = self.lock();
        let unwanted = !flags.is_empty() && flags.iter().all(|flag| flag.load(Ordering::Acquire));
        self.abandon.store(unwanted, Ordering::Release);
    }
}
