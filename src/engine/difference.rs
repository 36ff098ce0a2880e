//! What the active generation changed against the one before it. Comparing large files takes seconds: it is done once for each pair.

use super::branch::pointer;
use super::reply::Difference;
use crate::error::Result;
use crate::store::Knowledge;
use crate::store::diff::diff;
use crate::store::generations::DataDir;
use std::sync::{Arc, Mutex, PoisonError};

/// The latest comparison.
#[derive(Default)]
pub(super) struct Differences(Mutex<Option<Arc<Pair>>>);

/// Two generations and, once somebody has compared them, what is other. Whoever asks for the same meanwhile waits for it; nothing else
/// waits.
struct Pair {
    from: String,
    to: String,
    compared: Mutex<Option<Difference>>,
}

impl Differences {
    /// Compares the generation before with the active one; `None` when there are not two.
    ///
    /// # Errors
    /// `ACTIVE_CORRUPT` when no pointer reads; `KB_OPEN`, `KB_CORRUPT` or `KB_SCHEMA` when one of the files does not.
    pub(super) fn of(&self, data: &DataDir) -> Result<Option<Difference>> {
        let (active, _) = pointer(data)?;
        let (Some(from), Some(to)) = (active.prev, active.active) else { return Ok(None) };
        let pair = self.pair(from, to);
        let mut compared = pair.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.is_none() {
            let open = |gid: &str| Knowledge::open(&data.knowledge(gid));
            let diff = diff(&open(&pair.from)?, &open(&pair.to)?)?;
            *compared = Some(Difference { from: pair.from.clone(), to: pair.to.clone(), diff });
        }
        Ok(compared.clone())
    }

    fn pair(&self, from: String, to: String) -> Arc<Pair> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some(pair) if pair.from == from && pair.to == to => Arc::clone(pair),
            _ => Arc::clone(latest.insert(Arc::new(Pair { from, to, compared: Mutex::default() }))),
        }
    }
}
