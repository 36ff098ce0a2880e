//! The thread that owns the generator process: starts it, feeds it, watches it, and starts it again.

use super::{Job, Phase, SUBCOMMAND, Shared, unavailable};
use crate::error::{Code, Error, Result};
use crate::inference::models::{read_info, sha256};
use crate::inference::protocol::{Failure, FromChild, ToChild, never_started, receive, send};
use crate::inference::{GenerateEvent, GeneratorSettings};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Pause before the first restart; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause between restarts: a replaced model file is noticed within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A process that was up for this long counts as healthy, and pauses start small again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// How often the stop flags of running and waiting requests are looked at.
const CANCEL_POLL: Duration = Duration::from_millis(20);
/// Longest time to load a model: 8 GB from a slow disk take some three minutes.
const LOAD_LIMIT: Duration = Duration::from_secs(600);
/// A process that takes no bytes for this long is hung.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Longest line of the process's error output that is logged in one piece, in bytes.
const MAX_LINE_BYTES: u64 = 2048;
/// Last lines of error output that explain a death.
const KEPT_LINES: usize = 3;

/// What wakes the supervisor.
#[derive(Debug)]
pub(super) enum Note {
    /// Look at the queue and the stop flag.
    Wake,
    /// The process of this epoch said something.
    Frame(u64, FromChild),
    /// The process of this epoch closed its socket.
    Gone(u64),
}

/// Why a process is no longer attended to.
enum End {
    /// The generator is being dropped.
    Stopped,
    /// The model cannot be loaded, or the process died while loading.
    NeverUp(Failure),
    /// The process died, or was killed because it hung.
    Died(Failure),
}

pub(super) struct Supervisor {
    exe: PathBuf,
    settings: GeneratorSettings,
    shared: Arc<Shared>,
    notes: Sender<Note>,
    received: Receiver<Note>,
    /// Counts processes, so that late words of a dead one are not taken for its successor's.
    epoch: u64,
    /// Length and time of the file whose checksum is known or being computed, and the thread that computes it.
    hashing: Option<((u64, Option<SystemTime>), JoinHandle<()>)>,
}

/// The request that the process works on.
struct Running {
    job: Job,
    /// When the process counts as hung; `None` for limits beyond the clock.
    overdue: Option<Instant>,
    cancel_sent: bool,
}

impl Supervisor {
    pub(super) fn new(
        exe: &Path,
        settings: GeneratorSettings,
        shared: Arc<Shared>,
        notes: Sender<Note>,
        received: Receiver<Note>,
    ) -> Supervisor {
        Supervisor { exe: exe.to_owned(), settings, shared, notes, received, epoch: 0, hashing: None }
    }

    pub(super) fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut healthy = false;
            let end = match self.launch() {
                Ok(process) => self.attend(process, &mut healthy),
                Err(error) => End::NeverUp(Failure::from(&error)),
            };
            if healthy {
                pause = FIRST_PAUSE;
            }
            let phase = match end {
                End::Stopped => break,
                End::NeverUp(failure) => Phase::Failed(failure),
                End::Died(failure) => Phase::Loading(Some(failure)),
            };
            if let Phase::Failed(failure) | Phase::Loading(Some(failure)) = &phase {
                tracing::error!("generator is down, next start in {} ms: {}", pause.as_millis(), failure.summary());
            }
            self.set_phase(phase);
            if !self.rest(pause) {
                break;
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            self.shared.lock().restarts += 1;
        }
        self.set_phase(Phase::Failed(Failure::new(Code::ModelUnavailable, "生成器已停止", "")));
        if let Some((_, thread)) = self.hashing.take() {
            let _ = thread.join();
        }
    }

    /// Shows a new phase; a generator that cannot come up has no queue.
    fn set_phase(&self, phase: Phase) {
        let mut state = self.shared.lock();
        let refused = match &phase {
            Phase::Failed(failure) => Some((failure.clone(), std::mem::take(&mut state.waiting))),
            Phase::Loading(_) | Phase::Ready => None,
        };
        state.running = false;
        state.phase = phase;
        drop(state);
        self.shared.changed.notify_all();
        for (failure, job) in
            refused.into_iter().flat_map(|(f, jobs)| jobs.into_iter().map(move |job| (f.clone(), job)))
        {
            let _ = job.events.send(GenerateEvent::Failed(unavailable(failure.message())));
        }
    }

    /// Waits before a restart; false when the generator is being dropped.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            if self.shared.stopping() {
                return false;
            }
            self.drop_cancelled();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            // Late words of the dead process are of no interest.
            let _ = self.received.recv_timeout(left.min(CANCEL_POLL));
        }
    }

    /// Checks the model file and starts a process on it.
    fn launch(&mut self) -> Result<Process> {
        let info = read_info(&self.settings.model)?;
        self.shared.lock().model.name.clone_from(&info.name);
        info.require_generator()?;
        self.hash();
        self.epoch += 1;
        let process = Process::start(&self.exe, &self.settings, self.epoch, &self.notes)?;
        self.shared.lock().pid = Some(process.child.id());
        Ok(process)
    }

    /// Computes the checksum beside the loading, unless it is that of the same file.
    fn hash(&mut self) {
        let Ok(metadata) = std::fs::metadata(&self.settings.model) else { return };
        let version = (metadata.len(), metadata.modified().ok());
        if self.hashing.as_ref().is_some_and(|(known, _)| *known == version) {
            return;
        }
        if let Some((_, thread)) = self.hashing.take() {
            let _ = thread.join();
        }
        let (shared, path) = (Arc::clone(&self.shared), self.settings.model.clone());
        shared.lock().model.sha256.clear();
        let spawned = std::thread::Builder::new().name("model-checksum".into()).spawn(move || {
            match sha256(&path, &shared.stop) {
                Ok(digest) => shared.lock().model.sha256 = digest,
                Err(error) => tracing::warn!("no checksum of the model file: {error}"),
            }
        });
        match spawned {
            Ok(thread) => self.hashing = Some((version, thread)),
            Err(cause) => tracing::warn!("no checksum of the model file: {cause}"),
        }
    }

    /// Works with a process until it ends.
    fn attend(&self, mut process: Process, healthy: &mut bool) -> End {
        let started = Instant::now();
        let mut up: Option<Instant> = None;
        let mut running: Option<Running> = None;
        let end = loop {
            let busy = running.is_some() || !self.shared.lock().waiting.is_empty();
            let limit = match (up, busy) {
                (None, _) => LOAD_LIMIT.saturating_sub(started.elapsed()).min(CANCEL_POLL),
                (Some(_), true) => CANCEL_POLL,
                (Some(_), false) => HEALTHY_AFTER,
            };
            let note = match self.received.recv_timeout(limit) {
                Ok(note) => Some(note),
                Err(RecvTimeoutError::Timeout) => None,
                // Cannot happen: this thread holds a sender.
                Err(RecvTimeoutError::Disconnected) => break End::Stopped,
            };
            if self.shared.stopping() {
                break End::Stopped;
            }
            match note {
                Some(Note::Frame(epoch, frame)) if epoch == self.epoch => match frame {
                    FromChild::Ready { context_tokens } => {
                        up = Some(Instant::now());
                        self.shared.lock().context_tokens = context_tokens;
                        self.set_phase(Phase::Ready);
                        tracing::info!("generator is ready, context of {context_tokens} tokens");
                    }
                    FromChild::LoadFailed(failure) => break End::NeverUp(failure),
                    FromChild::Event { id, event } => {
                        let last = event.is_last();
                        if let Some(current) = running.take_if(|current| current.job.id == id) {
                            if last {
                                *healthy = true;
                                self.shared.lock().running = false;
                            }
                            // A reader that went away has set the stop flag by dropping the generation.
                            let _ = current.job.events.send(event.into());
                            running = (!last).then_some(current);
                        }
                    }
                },
                Some(Note::Gone(epoch)) if epoch == self.epoch => {
                    let why = process.autopsy();
                    break match up {
                        None => End::NeverUp(Failure::new(Code::ModelLoad, why, "请核对模型文件,并检查内存是否足够")),
                        Some(_) => End::Died(died(why)),
                    };
                }
                Some(Note::Frame(..) | Note::Gone(_) | Note::Wake) | None => {}
            }

            if up.is_none() && started.elapsed() >= LOAD_LIMIT {
                let message = format!("模型在 {} 秒内没有载入完成", LOAD_LIMIT.as_secs());
                break End::NeverUp(Failure::new(Code::ModelLoad, message, "请检查磁盘,或换用更小的模型"));
            }
            self.drop_cancelled();
            if up.is_some() && running.is_none() {
                running = self.next(&mut process);
            }
            if let Some(current) = &mut running
                && let Some(why) = self.watch(current, &mut process)
            {
                break End::Died(died(why));
            }
        };
        *healthy |= up.is_some_and(|up| up.elapsed() >= HEALTHY_AFTER);
        self.shared.lock().pid = None;
        drop(process);
        if let Some(current) = running {
            let failure = match &end {
                End::Died(failure) | End::NeverUp(failure) => failure.clone(),
                End::Stopped => died("程序正在退出".into()),
            };
            let _ = current.job.events.send(GenerateEvent::Failed(failure.into()));
        }
        end
    }

    /// Ends waiting requests that nobody wants any more.
    fn drop_cancelled(&self) {
        let mut state = self.shared.lock();
        if state.waiting.iter().all(|job| !job.cancel.load(Ordering::Acquire)) {
            return;
        }
        let (gone, kept): (VecDeque<Job>, VecDeque<Job>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|job| job.cancel.load(Ordering::Acquire));
        state.waiting = kept;
        let running = usize::from(state.running);
        for (n, job) in state.waiting.iter().enumerate() {
            let _ = job.events.send(GenerateEvent::Queued { ahead: n + running });
        }
        drop(state);
        for job in gone {
            let _ = job.events.send(GenerateEvent::Done(never_started()));
        }
    }

    /// Hands the next request to the process.
    fn next(&self, process: &mut Process) -> Option<Running> {
        let mut state = self.shared.lock();
        let job = state.waiting.pop_front()?;
        state.running = true;
        for (n, waiting) in state.waiting.iter().enumerate() {
            let _ = waiting.events.send(GenerateEvent::Queued { ahead: n + 1 });
        }
        drop(state);
        let overdue = Instant::now().checked_add(job.max_time).and_then(|at| at.checked_add(self.grace()));
        // A process that takes no request has died or hangs: both are noticed by its silence.
        if let Err(cause) = process.socket.write_all(&job.frame) {
            tracing::warn!("generator takes no request: {cause}");
            process.kill();
        }
        Some(Running { job, overdue, cancel_sent: false })
    }

    /// Passes on the wish to stop; says why the process counts as hung, if it does.
    fn watch(&self, current: &mut Running, process: &mut Process) -> Option<String> {
        if !current.cancel_sent && current.job.cancel.load(Ordering::Acquire) {
            current.cancel_sent = true;
            let grace = Instant::now().checked_add(self.grace());
            current.overdue = [current.overdue, grace].into_iter().flatten().min();
            if let Err(cause) = send(&process.socket, &ToChild::Cancel { id: current.job.id }) {
                tracing::warn!("generator takes no words: {cause}");
                process.kill();
            }
        }
        current
            .overdue
            .filter(|overdue| Instant::now() >= *overdue)
            .map(|_| "生成进程超过时限没有响应,已被终止".to_owned())
    }

    fn grace(&self) -> Duration {
        Duration::from_millis(self.settings.grace_ms)
    }
}

fn died(why: String) -> Failure {
    Failure::new(Code::ModelDied, why, "上方的条款仍然有效;生成器正在重启,请稍后再试")
}

/// A running generator process. Dropping it kills and reaps it.
struct Process {
    child: Child,
    socket: UnixStream,
    listeners: Vec<JoinHandle<()>>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    fn start(exe: &Path, settings: &GeneratorSettings, epoch: u64, notes: &Sender<Note>) -> Result<Process> {
        let failed = |what: &str, cause: std::io::Error| {
            Error::new(Code::ModelUnavailable, format!("{what}:{cause}"), "请检查程序文件和系统资源").because(cause)
        };
        let (socket, theirs) = UnixStream::pair().map_err(|e| failed("无法建立与生成进程的连接", e))?;
        socket.set_write_timeout(Some(WRITE_LIMIT)).map_err(|e| failed("无法设置与生成进程的连接", e))?;
        let from_child = socket.try_clone().map_err(|e| failed("无法复制与生成进程的连接", e))?;
        let mut child = Command::new(exe)
            .arg(SUBCOMMAND)
            .env_clear()
            // A failed assertion must end the process at once, not start a debugger.
            .env("GGML_NO_BACKTRACE", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed("无法启动生成进程", e))?;
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take();
        let mut process = Process { child, socket, listeners: Vec::new(), last_lines };
        let notes = notes.clone();
        process.listen("generator-frames", move || {
            let mut from = BufReader::new(from_child);
            loop {
                match receive(&mut from) {
                    Ok(Some(frame)) => {
                        if notes.send(Note::Frame(epoch, frame)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(cause) => {
                        tracing::warn!("generator sends no sense: {cause}");
                        break;
                    }
                }
            }
            let _ = notes.send(Note::Gone(epoch));
        })?;
        let kept = Arc::clone(&process.last_lines);
        if let Some(stderr) = stderr {
            process.listen("generator-log", move || log_lines(stderr, &kept))?;
        }
        send(&process.socket, &ToChild::Load(settings.clone())).map_err(|e| failed("无法与生成进程通信", e))?;
        Ok(process)
    }

    fn listen(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work).map_err(|cause| {
            Error::new(Code::Internal, format!("无法启动线程:{cause}"), "请检查系统的线程数限制").because(cause)
        })?;
        self.listeners.push(thread);
        Ok(())
    }

    fn kill(&mut self) {
        // Fails only for a process that has ended already.
        let _ = self.child.kill();
    }

    /// Reaps the process and says how it ended, with its last words.
    fn autopsy(&mut self) -> String {
        self.kill_unless_ended();
        let how = self.child.wait().map_or_else(|cause| cause.to_string(), |status| describe(status));
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = lines.iter().map(String::as_str).collect();
        if words.is_empty() {
            format!("生成进程意外退出({how})")
        } else {
            format!("生成进程意外退出({how}):{}", words.join(";"))
        }
    }

    /// A process that closed its socket is on its way out; it gets a moment, so that its own status is seen.
    fn kill_unless_ended(&mut self) {
        let until = Instant::now() + WRITE_LIMIT;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(CANCEL_POLL),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(libc::SIGKILL), _) => "信号 9:被系统或管理员强制终止,常见原因是内存不足".into(),
        (Some(libc::SIGABRT), _) => "信号 6:llama.cpp 的内部检查未通过".into(),
        (Some(signal), _) => format!("信号 {signal}"),
        (None, Some(code)) => format!("退出码 {code}"),
        (None, None) => "原因不明".into(),
    }
}

/// Logs the process's error output line by line, and keeps the last lines.
fn log_lines(from: impl Read, kept: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line that is too long is logged in pieces.
        match from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        // The process names its level first; what has none was printed by llama.cpp itself, and matters.
        if text.starts_with("INFO") {
            tracing::info!(target: "guida::generator", "{text}");
            continue;
        }
        tracing::warn!(target: "guida::generator", "{text}");
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(text.to_owned());
    }
}
