//! The face towards the box's own people: JSON lines over a Unix socket in the data folder, for the console and for scripts.
//!
//! **Who may.** The file system decides: `<data>/run` admits the service's user and group, and so does the socket in it. Whoever may
//! connect is an operator; the kernel says which user that is, and the journal keeps the name.
//!
//! **How it speaks.** The server greets; then each line of the client is answered by one line, in order:
//!
//! ```text
//! ◀ {"guida":"0.1.0","protocol":1,"pid":4711,"instance":"3f…","you":"operator uid=1000 zhang"}
//! ▶ {"id":1,"request":"status"}
//! ◀ {"id":1,"ok":{"status":{…}}}
//! ▶ {"id":2,"request":{"ask":{"question":"…","prose":true}}}
//! ◀ {"id":2,"ok":{"answer":{…}},"more":true}     the card; events follow
//! ◀ {"id":2,"event":{"event":"token","text":"…"}}
//! ◀ {"id":2,"end":true}
//! ▶ nonsense
//! ◀ {"id":null,"error":{"code":"BAD_JSON",…}}
//! ```
//!
//! A client that closes its connection stops the prose that is written for it. Requests and replies are the engine's own types.
//!
//! **How it is built.** [`socket`](self) makes the folder, sees that no other service has it, and opens the socket; `server` accepts, up
//! to [`MAX_CONNECTIONS`]; `session` leads one conversation, on a thread of its own that waits for nothing tellers wait for;
//! `peer` finds names; `line` is what passes in both directions; [`client`] is the other end.

pub mod client;
mod line;
mod peer;
mod server;
mod session;
mod socket;

pub use line::Greeting;
pub use server::{Server, serve};
pub use socket::socket_path;

use std::time::Duration;

/// Version of what is spoken here; another one is not understood.
pub const PROTOCOL: u32 = 1;
/// Longest line of a request, in bytes: as much as the body of a question over HTTP.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Longest line of an answer, in bytes. The largest replies are the list of a big bank's documents and the full log, a few megabytes
/// each.
pub const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// Open connections; a further one takes the place of the one that has waited longest for its client, and is told so and closed when
/// something is done for each of them. A branch has one or two people who look after its box.
pub const MAX_CONNECTIONS: usize = 16;
/// Time for a client to take a line.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// Time after which prose is stopped, whatever the generator's own limit; as over HTTP.
pub const PROSE_TIMEOUT: Duration = Duration::from_secs(180);

/// How often whoever waits looks whether the service stops.
const STOP_CHECK: Duration = Duration::from_millis(100);
