//! How the service does, for whoever runs the box: the state that everybody may see, the last hour minute by minute, and what of the
//! machine belongs to it.

use super::reply::StatusReply;
use super::{Engine, standing};
use crate::answer::Answerer;
use crate::clock::day_of;
use crate::error::Result;
use crate::types::Date;
use crate::types::GenerationId;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a client that took the places of others is told of.
pub const CROWD_SHOWN: Duration = Duration::from_secs(300);
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
    /// The last [`MINUTES`] minutes, oldest first; the last one is still running, and those before the start are empty.
    pub minutes: Vec<Minute>,
    /// Median and 95th percentile of the cards of the last [`MINUTES`] minutes, in milliseconds, within 2.2% of the truth; `None`
    /// without a card.
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

/// Requests of the network, as its face shows them while it lets them in one after the other.
#[derive(Debug, Default)]
pub struct Load {
    waiting: AtomicU64,
    working: AtomicU64,
    connections: AtomicU64,
    evicted: AtomicU64,
    turned_away: AtomicU64,
    crowd: Mutex<Option<(Crowd, Instant)>>,
}

/// A client that takes the places of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// Its address.
    pub client: IpAddr,
    /// How many connections it had.
    pub connections: usize,
}

impl Load {
    /// Shows how many wait for a worker, and how many are being worked on.
    pub fn show(&self, waiting: usize, working: usize) {
        self.waiting.store(waiting as u64, Ordering::Relaxed);
        self.working.store(working as u64, Ordering::Relaxed);
    }

    /// Requests that wait for a worker.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Requests that are being worked on.
    pub fn working(&self) -> u64 {
        self.working.load(Ordering::Relaxed)
    }

    /// Shows how many connections are open.
    pub fn show_connections(&self, open: usize) {
        self.connections.store(open as u64, Ordering::Relaxed);
    }

    /// Open connections.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Counts a connection that was closed for another.
    pub fn count_evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that were closed for others.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Counts a connection that found no place.
    pub fn count_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that found no place.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Names a client that takes the places of others.
    pub fn crowded(&self, client: IpAddr, connections: usize) {
        let crowd = Crowd { client, connections };
        *self.crowd.lock().unwrap_or_else(PoisonError::into_inner) = Some((crowd, Instant::now()));
    }

    /// The client that did so last, for [`CROWD_SHOWN`].
    pub fn crowd(&self) -> Option<Crowd> {
        let crowd = *self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.filter(|(_, at)| at.elapsed() < CROWD_SHOWN).map(|(crowd, _)| crowd)
    }
}

impl Engine {
    /// Where whoever lets requests in shows how many there are.
    pub fn load(&self) -> Arc<Load> {
        Arc::clone(&self.watch.load)
    }

    /// What everybody may see of the service.
    pub(super) fn status(&self, answerer: &Answerer) -> Result<StatusReply> {
        let retriever = answerer.retriever();
        let knowledge = retriever.knowledge();
        let reading = self.seat.standing.clock.read();
        let (mut notices, suspended) = self.seat.standing.notices(&reading, knowledge.is_blank());
        notices.extend(self.watch.load.crowd().map(standing::crowding));
        let writers = answerer.writers();
        // Mended knowledge is in its place a moment before it may answer.
        let nothing = self.seat.standing.withheld().map(|_| GenerationId(GenerationId::NONE.into()));
        Ok(StatusReply {
            version: env!("CARGO_PKG_VERSION").into(),
            generation: nothing.unwrap_or_else(|| knowledge.generation().clone()),
            documents: knowledge.versions().len() as u64,
            clauses: knowledge.clause_total(),
            vectors: knowledge.vector_count(),
            embedder: retriever.embedder().map(|e| e.model().clone()),
            generator: writers.main(),
            small_generator: writers.beside(),
            answer_cache: answerer.cache_figures(),
            service: self.watch.figures(),
            today: reading.day,
            notices,
            suspended,
        })
    }

    /// How the service does. Reads no file and asks nothing of knowledge or models but what they hold ready: it may be asked for every
    /// second.
    pub(super) fn overview(&self, answerer: &Answerer) -> Result<OverviewReply> {
        let (minutes, times) = self.watch.hour();
        let writers = answerer.writers();
        Ok(OverviewReply {
            status: self.status(answerer)?,
            uptime_s: self.watch.uptime().as_secs(),
            pid: std::process::id(),
            generator_pids: [&writers.large, &writers.small].into_iter().flatten().flat_map(|w| w.pids()).collect(),
            data: self.home.as_ref().map(|home| home.data.root().display().to_string()),
            knowledge_issued: self.seat.standing.issued_at().map(day_of),
            minutes,
            card_p50_ms: times.map(|times| times.p50),
            card_p95_ms: times.map(|times| times.p95),
            waiting: self.watch.load.waiting(),
            working: self.watch.load.working(),
        })
    }
}
