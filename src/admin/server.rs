//! Accepting connections, and the orderly end.

use super::line::Line;
use super::session::Session;
use super::socket::Claim;
use super::{MAX_CONNECTIONS, STOP_CHECK};
use crate::engine::Door;
use crate::error::{Code, Error, Result};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Pause after a failed `accept` (no file descriptor left, say): such states pass, spinning would prolong them.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long an orderly end waits for answers under way.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// In the place of a time: something is done for a connection.
const AT_WORK: u64 = u64::MAX;

/// A running server; dropping it does not stop it, [`Server::stop`] and [`Server::join`] do.
pub struct Server {
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

struct Shared {
    door: Arc<dyn Door>,
    stop: Arc<AtomicBool>,
    open: Mutex<Vec<Place>>,
    closed: Condvar,
}

/// A connection that is open.
struct Place {
    seat: Arc<Seat>,
    /// Its socket, to close it for another.
    stream: UnixStream,
}

/// What a conversation shows of itself.
pub(super) struct Seat {
    began: Instant,
    /// Milliseconds from then until it began to wait for its client; [`AT_WORK`] while something is done for it.
    waits_since: AtomicU64,
}

impl Seat {
    fn new() -> Seat {
        Seat { began: Instant::now(), waits_since: AtomicU64::new(0) }
    }

    /// It waits for its client's next line from now on.
    pub(super) fn waits(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(AT_WORK - 1);
        self.waits_since.store(since, Ordering::Release);
    }

    /// Something is done for it.
    pub(super) fn works(&self) {
        self.waits_since.store(AT_WORK, Ordering::Release);
    }

    /// Since when it waits.
    fn waiting_since(&self) -> Option<Instant> {
        let since = self.waits_since.load(Ordering::Acquire);
        (since != AT_WORK).then(|| self.began + Duration::from_millis(since))
    }
}

impl Server {
    /// Asks it to end: the socket is removed, conversations end before their next request, prose is cut.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
    }

    /// Waits for the end, which [`Server::stop`] or the flag given to [`serve`] brings about.
    pub fn join(self) {
        // A panicking thread has already been reported by the panic hook.
        let _ = self.acceptor.join();
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.closed.wait_timeout_while(open, STOP_GRACE, |open| !open.is_empty());
        if !waited.unwrap_or_else(PoisonError::into_inner).0.is_empty() {
            tracing::warn!("ended before every administrator's request was answered");
        }
    }
}

/// Opens the socket at `path`, see [`super::socket_path`], and serves on threads of its own until `stop` is set. Its folder is made
/// when it is missing; the folder above it must be there.
///
/// # Errors
/// `BUSY` when another service has the socket, `BAD_PARAMETER` when its path is too long for the system, `IO` otherwise.
pub fn serve(door: Arc<dyn Door>, path: &Path, stop: Arc<AtomicBool>) -> Result<Server> {
    let claim = Claim::take(path)?;
    // The accepting thread sleeps in the kernel, and wakes to see whether the service stops.
    set_socket_timeout(&claim.listener, Timeout::Recv, Some(STOP_CHECK))
        .map_err(|e| Error::new(Code::Io, "不能设置管理套接字", "请把本条信息报给软件维护方").because(e))?;
    let shared = Arc::new(Shared { door, stop, open: Mutex::default(), closed: Condvar::new() });
    let accepting = Arc::clone(&shared);
    let acceptor = thread::Builder::new()
        .name("admin-accept".into())
        .spawn(move || accept(&accepting, &claim))
        .map_err(|e| Error::new(Code::Io, "无法启动线程", "请检查系统的线程数和内存上限").because(e))?;
    Ok(Server { shared, acceptor })
}

fn accept(shared: &Arc<Shared>, claim: &Claim) {
    while !shared.stop.load(Ordering::Acquire) {
        let stream = match claim.listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
            Err(error) => {
                tracing::warn!(%error, "accept failed on the socket of administrators");
                thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        let Some(visit) = Visit::begin(shared, &stream) else {
            refuse(stream);
            continue;
        };
        let started = thread::Builder::new().name("admin-conn".into()).spawn(move || {
            let shared = &visit.0;
            let led = Session::new(&*shared.door, &shared.stop, &visit.1, stream).and_then(Session::lead);
            if let Err(error) = led {
                tracing::debug!(%error, "an administrator went away");
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for an administrator's connection");
        }
    }
}

/// Tells a client beyond the limit why it is closed. A new socket takes a line without waiting.
fn refuse(mut stream: UnixStream) {
    let message = format!("{MAX_CONNECTIONS} 个管理连接都在忙,不能再接入");
    let error = Error::new(Code::Busy, message, "先退出不用的控制台,再重试");
    let _ = stream.set_nonblocking(true);
    let _ = Line::error(None, &error).to_bytes().and_then(|line| stream.write_all(&line));
}

/// A connection being counted; uncounted when dropped, however its thread ends (or fails to begin).
struct Visit(Arc<Shared>, Arc<Seat>);

impl Visit {
    /// Takes a place; where there is none, that of the connection that has waited longest for its client. `None` when something is done for
    /// each of them.
    fn begin(shared: &Arc<Shared>, stream: &UnixStream) -> Option<Visit> {
        let stream = stream.try_clone().ok()?;
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_CONNECTIONS {
            let waiting = |(at, place): (usize, &Place)| Some((place.seat.waiting_since()?, at));
            let (_, longest) = open.iter().enumerate().filter_map(waiting).min()?;
            // Its thread wakes by this and ends.
            let _ = open.swap_remove(longest).stream.shutdown(Shutdown::Both);
            tracing::warn!("an idle administrator's connection was closed for another");
        }
        let seat = Arc::new(Seat::new());
        open.push(Place { seat: Arc::clone(&seat), stream });
        Some(Visit(Arc::clone(shared), seat))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|place| !Arc::ptr_eq(&place.seat, &self.1));
        drop(open);
        self.0.closed.notify_all();
    }
}
