//! The face towards the network: the teller page and the JSON API, over plain HTTP/1.1.
//!
//! A connection's journey: [`listener`] accepts it, [`connections`] finds a place for it among
//! [`HttpSettings::max_connections`] (an idle one of whoever has most gives way; where none is idle the client reads a
//! 503 at once), and it gets a small thread of its own. [`wire`] reads one
//! request within limits of size and time; [`route`] finds its line in the one table of methods and paths; the
//! handler in [`ask`] or [`api`] passes the engine's door while holding one of [`HttpSettings::workers`] permits, for
//! which clients take turns ([`workers`]); [`origin`] refuses what another site's page wants;
//! [`response`] writes the answer with the headers that every answer carries. Prose is written by [`stream`] after
//! the permit has been given back, so that slow writing never keeps a card waiting.
//!
//! HTTP is spoken here directly (the head is parsed by `httparse`) because the limits are the point: the size of a
//! head, the announced length of a body, the time a client may take in all and the number of open connections are
//! each bounded, and whatever a client sends costs no more than that.

mod api;
mod ask;
mod connections;
mod form;
mod listener;
mod metrics;
mod origin;
mod page;
mod query;
mod response;
mod route;
mod stream;
mod wire;
mod workers;

pub use crate::engine::Door;
pub use listener::{Server, serve};

use crate::engine::request::TELLER_CLEARANCE;
use crate::types::Classification;
use std::net::SocketAddr;
use std::time::Duration;

/// Largest body of a request, in bytes; a question is at most a few kilobytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest head of a request (request line and header fields), in bytes.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most header fields of a request.
pub const MAX_HEADER_FIELDS: usize = 64;
/// Most answers whose prose is being waited for or streamed at once; a further question gets its card and the
/// word that the writer is busy.
pub const MAX_STREAMS: usize = 32;

/// How the server behaves. Start from [`HttpSettings::new`].
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Requests that the engine works on at once.
    pub workers: usize,
    /// Requests that may wait for a worker; a further one is refused at once.
    pub max_waiting: usize,
    /// Open connections; for a further one an idle one is closed, and where none is it is refused at once.
    pub max_connections: usize,
    /// Of these, most of one client (by its address); never more than three quarters.
    pub max_per_client: usize,
    /// Names by which the page may be reached, besides addresses, `localhost` and the machine's own name.
    pub names: Vec<String>,
    /// Time for the whole head of a request, from its first byte.
    pub head_timeout: Duration,
    /// Time for the whole body of a request.
    pub body_timeout: Duration,
    /// Time that a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// Time for a client to take a whole answer, or one event of a stream.
    pub write_timeout: Duration,
    /// Time that a request may wait for a worker.
    pub queue_timeout: Duration,
    /// A comment is sent into a stream that has been silent for this long.
    pub heartbeat: Duration,
    /// Time after which prose is stopped, whatever the generator's own limit.
    pub prose_timeout: Duration,
    /// What the people in front of the page may read.
    pub clearance: Classification,
}

impl HttpSettings {
    /// The defaults, for a branch of up to some fifty tellers: browsers of the time open up to six connections each.
    pub fn new(listen: SocketAddr) -> HttpSettings {
        HttpSettings {
            listen,
            workers: 8,
            max_waiting: 256,
            max_connections: 512,
            max_per_client: 256,
            names: Vec::new(),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(15),
            queue_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(5),
            prose_timeout: Duration::from_secs(180),
            clearance: TELLER_CLEARANCE,
        }
    }
}
