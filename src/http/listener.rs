//! Accepting connections, those for which there is no place, and the orderly end.

use super::connections::{Connections, Visit};
use super::response::{RequestId, Response};
use super::route::{self, Answer};
use super::wire::{Connection, Method, NoRequest, Request};
use super::workers::Workers;
use super::{Door, HttpSettings};
use crate::engine::overview::Load;
use crate::error::{Code, Error, Result};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the stop flag is looked at while nothing arrives.
const STOP_CHECK: Duration = Duration::from_millis(100);
/// Pause after a failed `accept` (no file descriptor left, say): such states pass, spinning would prolong them.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Connections that may wait to be told that the server is full; further ones are closed without a word.
const REFUSALS_WAITING: usize = 64;
/// Threads that tell them, so that silent ones among them do not keep the others waiting.
const REFUSERS: usize = 4;
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
    pub(super) load: Arc<Load>,
    stop: Arc<AtomicBool>,
    connections: Arc<Connections>,
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
        self.shared.connections.wait_for_none(STOP_GRACE);
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
    let load = door.load();
    let shared = Arc::new(Shared {
        workers: Workers::new(settings.workers, Arc::clone(&load)),
        door,
        streams: Arc::new(AtomicUsize::new(0)),
        stop,
        connections: Arc::new(Connections::new(&settings, Arc::clone(&load))),
        load,
        settings,
    });
    let (refuse, refused) = sync_channel(REFUSALS_WAITING);
    let acceptor = Arc::clone(&shared);
    let watcher = Arc::clone(&shared);
    let mut threads = vec![
        spawn("http-accept", move || accept(&acceptor, &listener, &refuse))?,
        spawn("http-stop", move || wake_on_stop(&watcher.stop, addr))?,
    ];
    let refused = Arc::new(Mutex::new(refused));
    for _ in 0..REFUSERS {
        let (shared, refused) = (Arc::clone(&shared), Arc::clone(&refused));
        threads.push(spawn("http-refuse", move || refuse_all(&shared, &refused))?);
    }
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

fn accept(shared: &Arc<Shared>, listener: &TcpListener, refuse: &SyncSender<Arc<TcpStream>>) {
    loop {
        let accepted = listener.accept();
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        let (stream, client) = match accepted {
            Ok((stream, from)) => (Arc::new(stream), from.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                shared.connections.make_room();
                thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        let Some(visit) = shared.connections.admit(client, &stream) else {
            let _ = refuse.try_send(stream);
            continue;
        };
        let serving = Arc::clone(shared);
        let started = spawn("http-conn", move || converse(&serving, &visit, stream));
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for a connection");
        }
    }
}

/// Answers those for whom there is no place: whoever asks how the service does is told, which takes no permit and no place, the others that
/// it is full. Their request is read first, or closing would reset the connection before they have read the answer.
fn refuse_all(shared: &Shared, refused: &Mutex<Receiver<Arc<TcpStream>>>) {
    loop {
        let next = refused.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(stream) = next else { return };
        let mut scratch = [0u8; super::MAX_HEAD_BYTES];
        let _ = stream.set_read_timeout(Some(REFUSAL_TIME));
        let read = (&*stream).read(&mut scratch).unwrap_or(0);
        let id = RequestId::new();
        let asked = catch_unwind(AssertUnwindSafe(|| route::health(shared, scratch.get(..read).unwrap_or_default())));
        let response = asked.ok().flatten().unwrap_or_else(|| Response::overloaded(&id));
        if response.send(&stream, &id, false, false, REFUSAL_TIME).is_ok() {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = (&*stream).read(&mut scratch);
        }
    }
}

/// Serves one connection, request by request.
fn converse(shared: &Shared, visit: &Visit, stream: Arc<TcpStream>) {
    // Small answers and single tokens must leave at once.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    loop {
        let started = Instant::now();
        match connection.next_request(&shared.settings, &shared.stop) {
            Ok(request) => {
                visit.busy(true);
                let kept =
                    catch_unwind(AssertUnwindSafe(|| serve_one(shared, visit.client, &mut connection, &request)));
                visit.busy(false);
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
fn serve_one(shared: &Shared, client: IpAddr, connection: &mut Connection, request: &Request) -> bool {
    let started = Instant::now();
    let id = RequestId::of(request.header("x-request-id"));
    let handled = catch_unwind(AssertUnwindSafe(|| route::answer(shared, client, request, &id)));
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
