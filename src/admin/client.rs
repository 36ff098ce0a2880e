//! The other end: asks a running service, and tells apart why it cannot.
//!
//! Blocking, one request at a time. A [`Client`] whose connection was lost stays lost; [`Client::connect`] makes a new one.

use super::line::{self, Asking, Greeting, Line};
use super::socket::{is_gone, reach};
use super::{MAX_REPLY_BYTES, PROSE_TIMEOUT, PROTOCOL, WRITE_TIMEOUT, peer};
use crate::engine::reply::{AnswerReply, ErrorBody, ProseEvent, Reply};
use crate::engine::request::{AskRequest, Request};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes asked from the socket at once.
const READ_STEP: usize = 64 * 1024;
/// How often a silent stream of prose gives its reader the chance to stop it.
const TICK: Duration = Duration::from_millis(100);
/// Pause before another try while a service has no room for a connection.
const ROOM_PAUSE: Duration = Duration::from_millis(20);
/// Prose ends by itself; this much later its reader stops waiting for it.
const PROSE_WAIT: Duration = PROSE_TIMEOUT.saturating_add(Duration::from_secs(10));

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No service has been started on this data folder, or it has ended.
    #[error("no service: the socket is not there")]
    NoSocket,
    /// A socket is there but nobody answers: the service was killed.
    #[error("no service: nobody listens on the socket")]
    Refused,
    /// The file system does not let this user in.
    #[error("no permission for the socket (group {group:?})")]
    Denied {
        /// The group whose members may, by name, or by number where it has none; `None` where not even that can be seen.
        group: Option<String>,
    },
    /// The service has all the consoles that it takes.
    #[error("the service takes no further connection: {}", .0.message)]
    Full(ErrorBody),
    /// Whoever answers speaks something else.
    #[error("what answers is not Guida")]
    NotGuida,
    /// The service is of another version, and speaks otherwise.
    #[error("the service ({guida}) speaks version {theirs} of the protocol, this program {ours}")]
    OtherProtocol {
        /// Version of the service.
        guida: String,
        /// What it speaks.
        theirs: u32,
        /// What is spoken here.
        ours: u32,
    },
    /// The service did not answer in time.
    #[error("the service does not answer")]
    TimedOut,
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service answered, with an error; the connection goes on.
    #[error("[{}] {}", .0.code, .0.message)]
    Refused(ErrorBody),
    /// The connection is gone: the service ended.
    #[error("the connection to the service is lost: {0}")]
    Lost(io::Error),
    /// No answer within the time; the connection goes on, and a late answer is passed over.
    #[error("the service does not answer")]
    TimedOut,
    /// The service answers what this program does not understand; the connection is closed.
    #[error("the service's answer is not understood: {0}")]
    NotUnderstood(String),
}

/// What [`Client::ask`] hears.
#[derive(Debug)]
pub enum Told {
    /// First: the card. Its prose, if any, follows.
    Card(Box<AnswerReply>),
    /// What the model does; `Done` or `Error` is the last.
    Prose(ProseEvent),
    /// Nothing for a while: only the chance to stop.
    Waiting,
}

/// A connection to a running service.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    timeout: Duration,
    greeting: Greeting,
    /// `None` once it is lost.
    wire: Option<Wire>,
    /// Number of the last request.
    last: u64,
}

impl Client {
    /// Connects to the socket at `path`, see [`super::socket_path`]. Every wait, here and for replies, is at most `timeout`.
    ///
    /// # Errors
    /// Why there is no connection.
    pub fn connect(path: &Path, timeout: Duration) -> Result<Client, ConnectError> {
        let (wire, greeting) = greet(path, timeout)?;
        Ok(Client { path: path.to_owned(), timeout, greeting, wire: Some(wire), last: 0 })
    }

    /// What the service said of itself.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Whether the other end is still there, as far as the kernel knows. What a service that ended was not asked can be asked of the
    /// next one.
    pub fn is_alive(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| !is_gone(&wire.stream))
    }

    /// The longest wait for a reply from now on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Asks, and waits for the reply. The prose of an answer is passed over: [`Client::ask`] is for that.
    ///
    /// # Errors
    /// Why there is no reply.
    pub fn call(&mut self, request: &Request) -> Result<Reply, CallError> {
        let id = self.send(request)?;
        let until = Instant::now() + self.timeout;
        loop {
            let line = self.next(until)?;
            if let Some(reply) = answer(line, id)? {
                return Ok(reply.0);
            }
        }
    }

    /// Puts a question; `told` hears of the card as soon as it is there, then of the prose. When it returns false, the prose is
    /// stopped: that takes a new connection, which is made here.
    ///
    /// # Errors
    /// Why the answer did not come to its end. A refused question or a missing model is no error: the card tells of it.
    pub fn ask(&mut self, ask: AskRequest, told: &mut dyn FnMut(Told) -> bool) -> Result<(), CallError> {
        let id = self.send(&Request::Ask(ask))?;
        let until = Instant::now() + self.timeout;
        let more = loop {
            let line = self.next(until)?;
            match answer(line, id)? {
                None => {}
                Some((Reply::Answer(card), more)) => {
                    if !told(Told::Card(card)) {
                        return if more { self.hang_up() } else { Ok(()) };
                    }
                    break more;
                }
                Some(_) => return Err(self.confused("no card")),
            }
        };
        if !more {
            return Ok(());
        }
        let until = Instant::now() + PROSE_WAIT;
        loop {
            let tick = (Instant::now() + TICK).min(until);
            let news = match self.next(tick) {
                Ok(line) if line.id != Some(id) => continue,
                Ok(Line { end: true, .. }) => return Ok(()),
                Ok(Line { event: Some(event), .. }) => Told::Prose(event),
                Ok(_) => return Err(self.confused("neither an event nor the end")),
                Err(CallError::TimedOut) if tick < until => Told::Waiting,
                Err(e) => return Err(e),
            };
            if !told(news) {
                return self.hang_up();
            }
        }
    }

    /// Closes the connection, which stops what is being written for it, and makes a new one.
    fn hang_up(&mut self) -> Result<(), CallError> {
        self.wire = None;
        // Without one the next request finds it lost.
        if let Ok((wire, greeting)) = greet(&self.path, self.timeout) {
            (self.wire, self.greeting) = (Some(wire), greeting);
        }
        Ok(())
    }

    fn send(&mut self, request: &Request) -> Result<u64, CallError> {
        self.last += 1;
        let line = line::to_bytes(&Asking { id: self.last, request })
            .map_err(|e| CallError::NotUnderstood(format!("a request that is no JSON: {e}")))?;
        let wire = self.wire.as_mut().ok_or_else(|| CallError::Lost(ErrorKind::NotConnected.into()))?;
        match wire.stream.write_all(&line) {
            Ok(()) => Ok(self.last),
            Err(e) => {
                // Part of the line may be out: what follows would be read as its end.
                self.wire = None;
                Err(CallError::Lost(e))
            }
        }
    }

    fn next(&mut self, until: Instant) -> Result<Line, CallError> {
        let wire = self.wire.as_mut().ok_or_else(|| CallError::Lost(ErrorKind::NotConnected.into()))?;
        let line = match wire.line(until) {
            Ok(line) => serde_json::from_slice(&line).map_err(|e| e.to_string()),
            Err(e) if e.kind() == ErrorKind::TimedOut => return Err(CallError::TimedOut),
            Err(e) if e.kind() == ErrorKind::InvalidData => Err(e.to_string()),
            Err(e) => {
                self.wire = None;
                return Err(CallError::Lost(e));
            }
        };
        line.map_err(|why| self.confused(&why))
    }

    fn confused(&mut self, why: &str) -> CallError {
        self.wire = None;
        CallError::NotUnderstood(why.to_owned())
    }
}

/// The reply in a line, and whether events follow; `None` for a line that belongs to an earlier request.
fn answer(line: Line, id: u64) -> Result<Option<(Reply, bool)>, CallError> {
    // A request that could not be read has no number in its answer.
    if line.id.is_some_and(|other| other != id) {
        return Ok(None);
    }
    match (line.ok, line.error) {
        (Some(reply), _) => Ok(Some((reply, line.more))),
        (None, Some(error)) => Err(CallError::Refused(error)),
        (None, None) => Ok(None),
    }
}

/// Connects and hears the greeting.
fn greet(path: &Path, timeout: Duration) -> Result<(Wire, Greeting), ConnectError> {
    let until = Instant::now() + timeout;
    let stream = loop {
        match reach(path) {
            Ok(stream) => break stream,
            Err(e) if e.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::park_timeout(ROOM_PAUSE);
            }
            Err(e) => return Err(no_way(path, e)),
        }
    };
    stream.set_write_timeout(Some(WRITE_TIMEOUT)).map_err(ConnectError::Io)?;
    let mut wire = Wire { stream, buffer: Vec::new(), searched: 0 };
    let line = wire.line(until).map_err(|e| match e.kind() {
        ErrorKind::TimedOut => ConnectError::TimedOut,
        ErrorKind::InvalidData => ConnectError::NotGuida,
        // It ended before it had greeted.
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => ConnectError::Refused,
        _ => ConnectError::Io(e),
    })?;
    if let Ok(greeting) = serde_json::from_slice::<Greeting>(&line) {
        let Greeting { guida, protocol: theirs, .. } = &greeting;
        if *theirs != PROTOCOL {
            return Err(ConnectError::OtherProtocol { guida: guida.clone(), theirs: *theirs, ours: PROTOCOL });
        }
        return Ok((wire, greeting));
    }
    match serde_json::from_slice::<Line>(&line) {
        Ok(Line { error: Some(error), .. }) => Err(ConnectError::Full(error)),
        _ => Err(ConnectError::NotGuida),
    }
}

fn no_way(path: &Path, e: io::Error) -> ConnectError {
    match e.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ConnectError::NoSocket,
        ErrorKind::ConnectionRefused => ConnectError::Refused,
        ErrorKind::WouldBlock => ConnectError::TimedOut,
        ErrorKind::PermissionDenied => {
            // Who may not enter the folder sees it from outside.
            let seen = [Some(path), path.parent()].into_iter().flatten().find_map(|path| path.metadata().ok());
            ConnectError::Denied { group: seen.map(|found| peer::group(found.gid())) }
        }
        _ => ConnectError::Io(e),
    }
}

/// The stream and what was read ahead from it.
#[derive(Debug)]
struct Wire {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// So far no end of a line is in the buffer.
    searched: usize,
}

impl Wire {
    /// The next line. What came of it stays when time is up.
    ///
    /// # Errors
    /// `TimedOut`, `InvalidData` for a line longer than [`MAX_REPLY_BYTES`], `UnexpectedEof`, and those of the socket.
    fn line(&mut self, until: Instant) -> io::Result<Vec<u8>> {
        let mut step = vec![0; READ_STEP];
        loop {
            if let Some(at) = self.buffer.iter().skip(self.searched).position(|b| *b == b'\n') {
                let rest = self.buffer.split_off(self.searched + at + 1);
                self.searched = 0;
                return Ok(std::mem::replace(&mut self.buffer, rest));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_REPLY_BYTES {
                return Err(io::Error::new(ErrorKind::InvalidData, "a line without end"));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut step) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.buffer.extend(step.iter().take(read)),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(e) => return Err(e),
            }
        }
    }
}
