//! Accepting connections, the permits to work, and the orderly end.

use super::response::{RequestId, Response};
use super::route::{self, Answer};
use super::wire::{Connection, Method, NoRequest, Request};
use super::{Door, HttpSettings};
use crate::engine::overview::Load;
use crate::error::{Code, Error, Result};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the stop flag is looked at while nothing arrives.
const STOP_CHECK: Duration = Duration::from_millis(100);
/// Pause after a failed `accept` (no file descriptor left, say): such states pass, spinning would prolong them.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that may wait to be told that the server is full; further ones are closed without a word.
const REFUSALS_WAITING: usize = 64;
/// Time given to a refused client to send its request and to read the refusal.
const REFUSAL_TIME: Duration = Duration::from_millis(100);
/// How long an orderly end waits for answers under way.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct Shared {
    pub(super) door: Arc<dyn Door>,
    pub(super) settings: HttpSettings,
    pub(super) workers: Workers,
    pub(super) streams: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    open: Open,
}

/// A running server; dropping it does not stop it, [`Server::stop`] and [`Server::join`] do.
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Where it listens, with the port that was taken.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Asks it to end: nothing new is accepted, idle connections close, answers under way are finished, prose is cut.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
    }

    /// Waits for the end, which [`Server::stop`] or the flag given to [`serve`] brings about.
    pub fn join(self) {
        for thread in self.threads {
            // A panicking thread has already been reported by the panic hook.
            let _ = thread.join();
        }
        self.shared.open.wait_for_none(STOP_GRACE);
    }
}

/// Binds, then serves on threads of its own until `stop` is set.
///
/// # Errors
/// `IO` when the address cannot be bound.
pub fn serve(door: Arc<dyn Door>, settings: HttpSettings, stop: Arc<AtomicBool>) -> Result<Server> {
    let cannot = |e: std::io::Error| {
        let hint = match e.kind() {
            ErrorKind::AddrInUse => "端口已被占用:请停止占用它的程序,或换一个端口",
            ErrorKind::PermissionDenied => "没有使用该端口的权限:请换 1024 以上的端口",
            _ => "请检查监听地址是否为本机地址",
        };
        Error::new(Code::Io, format!("无法监听 {}({e})", settings.listen), hint).because(e)
    };
    let listener = TcpListener::bind(settings.listen).map_err(cannot)?;
    let addr = listener.local_addr().map_err(cannot)?;
    let shared = Arc::new(Shared {
        workers: Workers::new(settings.workers, door.load()),
        door,
        streams: Arc::new(AtomicUsize::new(0)),
        stop,
        open: Open::default(),
        settings,
    });
    let (refuse, refused) = sync_channel(REFUSALS_WAITING);
    let acceptor = Arc::clone(&shared);
    let watcher = Arc::clone(&shared);
    let threads = vec![
        spawn("http-accept", move || accept(&acceptor, &listener, &refuse))?,
        spawn("http-refuse", move || refuse_all(&refused))?,
        spawn("http-stop", move || wake_on_stop(&watcher.stop, addr))?,
    ];
    Ok(Server { addr, shared, threads })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| Error::new(Code::Io, "无法启动线程", "请检查系统的线程数和内存上限").because(e))
}

/// The accepting thread sleeps in the kernel; a connection to ourselves wakes it.
fn wake_on_stop(stop: &AtomicBool, addr: SocketAddr) {
    while !stop.load(Ordering::Acquire) {
        thread::sleep(STOP_CHECK);
    }
    let _ = TcpStream::connect_timeout(&addr, STOP_CHECK);
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, refuse: &SyncSender<TcpStream>) {
    loop {
        let accepted = listener.accept();
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        let Some(visit) = Visit::begin(shared) else {
            let _ = refuse.try_send(stream);
            continue;
        };
        let started = spawn("http-conn", move || converse(&visit.0, stream));
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for a connection");
        }
    }
}

/// Tells clients beyond the limit that the server is full: their request is read first, or closing would reset the
/// connection before they have read the answer.
fn refuse_all(refused: &Receiver<TcpStream>) {
    for mut stream in refused {
        let mut scratch = [0u8; super::MAX_HEAD_BYTES];
        let _ = stream.set_read_timeout(Some(REFUSAL_TIME));
        let _ = stream.read(&mut scratch);
        let id = RequestId::new();
        if Response::overloaded(&id).send(&mut stream, &id, false, false, REFUSAL_TIME).is_ok() {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut scratch);
        }
    }
}

/// Serves one connection, request by request.
fn converse(shared: &Shared, stream: TcpStream) {
    // Small answers and single tokens must leave at once.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    loop {
        let started = Instant::now();
        match connection.next_request(&shared.settings, &shared.stop) {
            Ok(request) => {
                let kept = catch_unwind(AssertUnwindSafe(|| serve_one(shared, &mut connection, &request)));
                match kept {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(_) => {
                        // Whether part of an answer is out already is unknown; a client in between sees it broken off.
                        tracing::error!("a request ended in a panic outside of its handler");
                        return;
                    }
                }
            }
            Err(NoRequest::Closed) => return,
            Err(NoRequest::Refused(error)) => {
                let id = RequestId::new();
                let response = Response::error(&error, &id);
                let _ = response.send(connection.stream(), &id, false, false, shared.settings.write_timeout);
                log("?", "(unread)", response.status, started, &id);
                return connection.linger();
            }
        }
    }
}

/// Answers one request; whether the connection stays.
fn serve_one(shared: &Shared, connection: &mut Connection, request: &Request) -> bool {
    let started = Instant::now();
    let id = RequestId::of(request.header("x-request-id"));
    let handled = catch_unwind(AssertUnwindSafe(|| route::answer(shared, request, &id)));
    let (answer, path) = handled.unwrap_or_else(|_| {
        let error =
            Error::new(Code::Internal, "处理请求时出现内部错误", "请重试;仍出现时请联系网点科技人员并提供请求编号");
        (route::failure(&error, &id), "(panic)")
    });
    let keep_alive = request.keep_alive && !shared.stop.load(Ordering::Acquire);
    let settings = &shared.settings;
    let (status, sent) = match answer {
        Answer::Now(response) => {
            let head_only = request.method == Method::Head;
            let sent = response.send(connection.stream(), &id, keep_alive, head_only, settings.write_timeout);
            (response.status, sent.map(|()| keep_alive))
        }
        Answer::Later(answering) => (200, answering.send(connection, &id, keep_alive, settings, &shared.stop)),
    };
    log(request.method.as_str(), path, status, started, &id);
    sent.unwrap_or_else(|error| {
        tracing::debug!(id = id.as_str(), %error, "client went away");
        false
    })
}

/// One line per request. Neither the query nor an unknown path is written: questions are the teller's business.
fn log(method: &str, path: &str, status: u16, started: Instant, id: &RequestId) {
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    tracing::info!(method, path, status, ms, id = id.as_str(), "request");
}

/// Permits to work in the engine: requests of slow or many clients wait here, in bounded number and time, first come first
/// served.
pub(super) struct Workers {
    most: usize,
    state: Mutex<Queue>,
    /// Shows the state to whoever runs the box.
    shown: Arc<Load>,
}

#[derive(Default)]
struct Queue {
    running: usize,
    waiting: VecDeque<Arc<Turn>>,
}

/// A place in the queue. Whoever gives a permit back hands it to the first in the queue, so that no newcomer overtakes.
#[derive(Default)]
struct Turn {
    granted: Mutex<bool>,
    changed: Condvar,
}

impl Turn {
    fn grant(&self) {
        *lock(&self.granted) = true;
        self.changed.notify_one();
    }

    fn wait(&self, limit: Duration) -> bool {
        let wait = self.changed.wait_timeout_while(lock(&self.granted), limit, |granted| !*granted);
        *wait.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A permit; given back when dropped.
pub(super) struct Permit<'a>(&'a Workers);

impl Workers {
    fn new(most: usize, shown: Arc<Load>) -> Workers {
        Workers { most: most.max(1), state: Mutex::default(), shown }
    }

    /// Shows a state; while it is locked, so that the last word is the latest.
    fn show(&self, queue: &Queue) {
        self.shown.show(queue.waiting.len(), queue.running);
    }

    /// A permit, after waiting for at most `limit`.
    ///
    /// # Errors
    /// `BUSY` when `max_waiting` others wait already, or time is up.
    pub(super) fn enter(&self, max_waiting: usize, limit: Duration) -> Result<Permit<'_>> {
        let busy = || {
            Error::new(Code::Busy, "当前提问过多,服务繁忙", "请稍候一两秒再试")
                .retry_after(super::response::RETRY_SECONDS)
        };
        let mut queue = lock(&self.state);
        if queue.running < self.most {
            queue.running += 1;
            self.show(&queue);
            return Ok(Permit(self));
        }
        if queue.waiting.len() >= max_waiting {
            return Err(busy());
        }
        let turn = Arc::new(Turn::default());
        queue.waiting.push_back(Arc::clone(&turn));
        self.show(&queue);
        drop(queue);
        if turn.wait(limit) {
            return Ok(Permit(self));
        }
        let mut queue = lock(&self.state);
        match queue.waiting.iter().position(|other| Arc::ptr_eq(other, &turn)) {
            Some(place) => {
                queue.waiting.remove(place);
                self.show(&queue);
                Err(busy())
            }
            // It was granted between the end of the wait and here.
            None => Ok(Permit(self)),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.state);
        match queue.waiting.pop_front() {
            Some(first) => first.grant(),
            None => queue.running -= 1,
        }
        self.0.show(&queue);
    }
}

/// The number of open connections.
#[derive(Default)]
struct Open {
    count: Mutex<usize>,
    changed: Condvar,
}

/// A connection being counted; uncounted when dropped, however its thread ends (or fails to begin).
struct Visit(Arc<Shared>);

impl Visit {
    fn begin(shared: &Arc<Shared>) -> Option<Visit> {
        let mut count = lock(&shared.open.count);
        if *count >= shared.settings.max_connections {
            return None;
        }
        *count += 1;
        Some(Visit(Arc::clone(shared)))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        *lock(&self.0.open.count) -= 1;
        self.0.open.changed.notify_all();
    }
}

impl Open {
    fn wait_for_none(&self, limit: Duration) {
        let wait = self.changed.wait_timeout_while(lock(&self.count), limit, |count| *count > 0);
        let (count, _) = wait.unwrap_or_else(PoisonError::into_inner);
        if *count > 0 {
            tracing::warn!(connections = *count, "ended before every connection was closed");
        }
    }
}

/// The counters behind these locks stay true whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn waiting(workers: &Workers) -> usize {
        lock(&workers.state).waiting.len()
    }

    #[test]
    fn permits_are_given_in_the_order_of_asking() {
        let shown = Arc::new(Load::default());
        let workers = Workers::new(1, Arc::clone(&shown));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let first = workers.enter(10, PATIENCE).expect("free");
            for n in 0..5 {
                let (workers, order) = (&workers, &order);
                scope.spawn(move || {
                    let _permit = workers.enter(10, PATIENCE).expect("in turn");
                    lock(order).push(n);
                });
                while waiting(workers) <= n {
                    thread::yield_now();
                }
            }
            assert_eq!((shown.waiting(), shown.working()), (5, 1));
            drop(first);
        });
        assert_eq!(*lock(&order), [0, 1, 2, 3, 4]);
        assert_eq!(lock(&workers.state).running, 0);
        assert_eq!((shown.waiting(), shown.working()), (0, 0));
    }

    #[test]
    fn who_waited_too_long_leaves_the_queue() {
        let shown = Arc::new(Load::default());
        let workers = Workers::new(1, Arc::clone(&shown));
        let held = workers.enter(1, PATIENCE).expect("free");
        assert_eq!(workers.enter(1, Duration::ZERO).err().map(|e| e.code()), Some(Code::Busy));
        assert_eq!(workers.enter(0, PATIENCE).err().map(|e| e.code()), Some(Code::Busy), "no place to wait");
        assert_eq!((waiting(&workers), shown.waiting(), shown.working()), (0, 0, 1));
        drop(held);
        assert!(workers.enter(0, Duration::ZERO).is_ok());
    }
}
