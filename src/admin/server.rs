//! Accepting connections, and the orderly end.

use super::line::Line;
use super::session::Session;
use super::socket::Claim;
use super::{MAX_CONNECTIONS, STOP_CHECK};
use crate::engine::Door;
use crate::error::{Code, Error, Result};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Pause after a failed `accept` (no file descriptor left, say): such states pass, spinning would prolong them.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long an orderly end waits for answers under way.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// A running server; dropping it does not stop it, [`Server::stop`] and [`Server::join`] do.
pub struct Server {
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

struct Shared {
    door: Arc<dyn Door>,
    stop: Arc<AtomicBool>,
    open: Mutex<usize>,
    closed: Condvar,
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
        let waited = self.shared.closed.wait_timeout_while(open, STOP_GRACE, |open| *open > 0);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 > 0 {
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
        let Some(visit) = Visit::begin(shared) else {
            refuse(stream);
            continue;
        };
        let started = thread::Builder::new().name("admin-conn".into()).spawn(move || {
            let shared = &visit.0;
            let led = Session::new(&*shared.door, &shared.stop, stream).and_then(Session::lead);
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
    let message = format!("已有 {MAX_CONNECTIONS} 个管理连接,不能再接入");
    let error = Error::new(Code::Busy, message, "先退出不用的控制台,再重试");
    let _ = stream.set_nonblocking(true);
    let _ = Line::error(None, &error).to_bytes().and_then(|line| stream.write_all(&line));
}

/// A connection being counted; uncounted when dropped, however its thread ends (or fails to begin).
struct Visit(Arc<Shared>);

impl Visit {
    fn begin(shared: &Arc<Shared>) -> Option<Visit> {
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if *open >= MAX_CONNECTIONS {
            return None;
        }
        *open += 1;
        Some(Visit(Arc::clone(shared)))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.closed.notify_all();
    }
}
