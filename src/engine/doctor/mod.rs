//! Looks at everything a box needs to work, and says of each thing that is not in order what to do.

use crate::types::Bilingual;
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorReply {
    /// Every check, in the order of the table.
    pub checks: Vec<Check>,
    /// Time it took, in milliseconds.
    pub took_ms: f64,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name, `disk_space`.
    pub id: String,
    /// How it came out.
    pub state: CheckState,
    /// What was looked at.
    pub title: Bilingual,
    /// What was found, with figures.
    pub found: Bilingual,
    /// What to do; empty when all is well.
    pub remedy: Bilingual,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It keeps the box from working, or will soon.
    Fail,
    /// It should be seen to.
    Warn,
    /// It could not be looked at, or does not apply.
    Skipped,
    /// All is well.
    Ok,
}
