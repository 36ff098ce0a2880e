//! How the service does, for whoever runs the box: the state that everybody may see, the last hour minute by minute, and what of the
//! machine belongs to it.

use super::reply::StatusReply;
use crate::types::Date;
use serde::{Deserialize, Serialize};

/// Minutes that are kept.
pub const MINUTES: usize = 60;

/// State of the service for the console's first screen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OverviewReply {
    /// What everybody may see.
    pub status: StatusReply,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// The process, for its memory and time.
    pub pid: u32,
    /// The processes that write prose.
    pub generator_pids: Vec<u32>,
    /// The data folder; `None` when a single knowledge file is served.
    pub data: Option<String>,
    /// When head office made the active knowledge, as a day; `None` for a file without a pack.
    pub knowledge_issued: Option<Date>,
    /// The last [`MINUTES`] minutes, oldest first; the last one is still running.
    pub minutes: Vec<Minute>,
    /// Median and 95th percentile of the cards of the last [`MINUTES`] minutes, in milliseconds; `None` before the first.
    pub card_p50_ms: Option<f64>,
    /// See [`OverviewReply::card_p50_ms`].
    pub card_p95_ms: Option<f64>,
    /// Requests that wait for a worker.
    pub waiting: u64,
    /// Requests that are being worked on.
    pub working: u64,
}

/// One minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Questions asked.
    pub questions: u32,
    /// Of these, refused for want of evidence.
    pub refused: u32,
    /// Of these, turned away with an error.
    pub failed: u32,
    /// The slowest card, in milliseconds.
    pub slowest_ms: f32,
}
