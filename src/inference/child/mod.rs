//! The generator as a child process of the same binary.
//!
//! llama.cpp ends its process when an assertion fails, a hostile model file may try worse, and a model is the first thing
//! to go when memory ends. None of that may touch the evidence cards, so model and context live in a process of
//! their own:
//!
//! - [`ChildGenerator`] (this file) is the end that the rest of Guida holds: a bounded queue and the state to show.
//! - `supervisor` is the thread that starts the process, feeds it, stops it, kills it when it hangs, starts it again with
//!   growing pauses when it died, and puts another model in its place; a `lane` is one process with its requests, `process` the
//!   process itself.
//! - `checksum` computes what the serving model's file is, beside its loading.
//! - `worker` is what runs in the process, under the restrictions of `sandbox`.

mod checksum;
mod lane;
mod process;
mod sandbox;
mod supervisor;
mod worker;

pub use worker::run_child;

use super::protocol::{Failure, Figures, ToChild, encode};
use super::{
    Author, GenerateEvent, GenerateRequest, Generation, Generator, GeneratorSettings, GeneratorStatus, ModelId, Prompt,
};
use crate::error::{Code, Error, Result};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use supervisor::{Note, Supervisor};

/// Name of the hidden subcommand that runs [`run_child`].
pub const GENERATOR_SUBCOMMAND: &str = "generator-child";
/// Requests that may wait behind those that hold a slot. Whoever is further back is better served by the evidence card alone.
pub const QUEUE_LIMIT: usize = 8;
/// How often whoever waits for a model looks whether it is still wanted.
const STOP_POLL: Duration = Duration::from_millis(50);

/// A generator in a child process.
#[derive(Debug)]
pub struct ChildGenerator {
    shared: Arc<Shared>,
    notes: Sender<Note>,
    supervisor: Option<JoinHandle<()>>,
}

/// What callers and the supervisor share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Set once, when the generator is dropped.
    stop: AtomicBool,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Requests that no process has.
    waiting: VecDeque<Job>,
    /// Requests that processes have, and how many of them hold a slot.
    given: usize,
    running: usize,
    slots: usize,
    figures: Figures,
    /// The model that is to take over, until the supervisor has seen it.
    wanted: Option<GeneratorSettings>,
    /// How many such models were named, and how many of them it is settled of whether they serve.
    swaps: u64,
    settled: u64,
    /// Why the last of these does not.
    swap_failure: Option<Failure>,
    /// The file of the model that serves, or is on the way up.
    file: PathBuf,
    /// Prompts to be read ahead of need, as a frame.
    warm: Option<Vec<u8>>,
    next_id: u64,
    model: ModelId,
    restarts: u64,
    context_tokens: u32,
    opens_thinking: bool,
    pid: Option<u32>,
}

#[derive(Debug, Clone)]
enum Phase {
    /// On the way up: for the first time, or after the process died in the middle of its work.
    Loading(Option<Failure>),
    Ready,
    /// The model could not be loaded; it is tried again after a pause.
    Failed(Failure),
}

/// A request in the queue.
#[derive(Debug)]
struct Job {
    id: u64,
    /// The request as a frame for the process.
    frame: Vec<u8>,
    max_time: Duration,
    events: Sender<GenerateEvent>,
    cancel: Arc<AtomicBool>,
    author: Author,
}

/// Memory of a process, in bytes, by `/proc/<pid>/status` (`proc(5)`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// All of it that is in memory, the mapped model file included.
    pub resident: u64,
    /// What only this process has, and gives back when it ends.
    pub private: u64,
}

impl Shared {
    /// Locks even after a panic elsewhere: the state is valid at every step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl ChildGenerator {
    /// Starts the supervising thread, which starts `exe generator-child` and loads the model. A model that cannot be
    /// loaded is no error here: it shows in [`Generator::status`] and is tried again.
    ///
    /// # Errors
    /// `MODEL_LOAD` when the path is not UTF-8, `INTERNAL` when no thread can be started.
    pub fn spawn(exe: &Path, settings: GeneratorSettings) -> Result<ChildGenerator> {
        let Some(path) = settings.model.to_str() else {
            let message = format!("模型文件的路径 {} 不是 UTF-8 文本", settings.model.display());
            return Err(Error::new(Code::ModelLoad, message, "请改用 UTF-8 编码的文件名"));
        };
        let state = State {
            phase: Phase::Loading(None),
            waiting: VecDeque::new(),
            given: 0,
            running: 0,
            slots: settings.slots as usize,
            figures: Figures::default(),
            wanted: None,
            swaps: 0,
            settled: 0,
            swap_failure: None,
            file: settings.model.clone(),
            warm: None,
            next_id: 1,
            model: ModelId { name: path.to_owned(), sha256: String::new() },
            restarts: 0,
            context_tokens: settings.context_tokens,
            opens_thinking: false,
            pid: None,
        };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), stop: AtomicBool::new(false) });
        let (notes, received) = channel();
        let supervisor = Supervisor::new(exe, settings, Arc::clone(&shared), notes.clone(), received);
        let supervisor =
            std::thread::Builder::new().name("generator".into()).spawn(move || supervisor.run()).map_err(|cause| {
                Error::new(Code::Internal, format!("无法启动生成线程:{cause}"), "请检查系统的线程数限制").because(cause)
            })?;
        Ok(ChildGenerator { shared, notes, supervisor: Some(supervisor) })
    }

    /// Puts another model in the place of the present one, which serves until the new one is ready. One that cannot be
    /// loaded is not used, and shows in [`GeneratorStatus::swap_failure`].
    pub fn swap(&self, settings: GeneratorSettings) {
        self.want(settings);
    }

    /// [`ChildGenerator::swap`], and waits until the model serves or is refused.
    ///
    /// # Errors
    /// Why it does not serve: those of loading a model; `CANCELLED` once `stop` is set, and the exchange goes on unattended.
    pub fn swap_and_wait(&self, settings: GeneratorSettings, stop: &AtomicBool) -> Result<()> {
        let turn = self.want(settings);
        let mut state = self.shared.lock();
        loop {
            if state.settled >= turn {
                return state.swap_failure.clone().map_or(Ok(()), |failure| Err(failure.into()));
            }
            if stop.load(Ordering::Acquire) {
                return Err(stopped());
            }
            state = self.shared.changed.wait_timeout(state, STOP_POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn want(&self, settings: GeneratorSettings) -> u64 {
        let mut state = self.shared.lock();
        state.wanted = Some(settings);
        state.swaps += 1;
        let turn = state.swaps;
        drop(state);
        // Cannot fail while the supervisor runs.
        let _ = self.notes.send(Note::Wake);
        turn
    }

    /// [`Generator::wait_ready`], ended by `stop` as well.
    ///
    /// # Errors
    /// As there, and `CANCELLED`.
    pub fn wait_ready_unless(&self, limit: Duration, stop: &AtomicBool) -> Result<()> {
        let started = Instant::now();
        let mut state = self.shared.lock();
        loop {
            match &state.phase {
                Phase::Ready => return Ok(()),
                Phase::Failed(failure) => return Err(failure.clone().into()),
                Phase::Loading(_) => {}
            }
            if stop.load(Ordering::Acquire) {
                return Err(stopped());
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                let message = format!("模型在 {} 秒内没有载入完成", limit.as_secs());
                return Err(Error::new(Code::Timeout, message, "请稍后再试,或换用更小的模型"));
            }
            let pause = left.min(STOP_POLL);
            state = self.shared.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The file of the model that serves, or is being loaded where none does.
    pub fn file(&self) -> PathBuf {
        self.shared.lock().file.clone()
    }

    /// Memory of the process that serves.
    pub fn memory(&self) -> Held {
        let read = |field| self.pid().and_then(|pid| status_bytes(pid, field)).unwrap_or(0);
        Held { resident: read("VmRSS"), private: read("RssAnon") }
    }

    /// Process id of the child while there is one, for the health page.
    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().pid
    }
}

impl Generator for ChildGenerator {
    fn start(&self, request: GenerateRequest) -> Result<Generation> {
        if !request.temperature.is_finite() {
            // JSON, which carries the request to the process, has no such number.
            return Err(Error::new(Code::BadParameter, "temperature 不是有效的数", "请给出 0 到 2 之间的数"));
        }
        let max_time = Duration::from_millis(request.max_time_ms);
        let mut state = self.shared.lock();
        match &state.phase {
            Phase::Ready => {}
            Phase::Loading(None) => return Err(unavailable("模型正在载入")),
            Phase::Loading(Some(failure)) | Phase::Failed(failure) => return Err(unavailable(failure.message())),
        }
        let outstanding = state.given + state.waiting.len();
        if outstanding >= state.slots + QUEUE_LIMIT {
            let seconds = state.figures.wait_ms.div_ceil(1000);
            let message = format!("已有 {outstanding} 个问题在生成或等待,预计还要等 {seconds} 秒");
            return Err(Error::new(Code::Busy, message, "请先使用上方的条款,稍后再试").retry_after(seconds));
        }
        let id = state.next_id;
        let frame = encode(&ToChild::Generate { id, request }).map_err(|cause| {
            Error::new(Code::PromptTooLong, "问题和条款的总长度超过上限", "请把问题写短一些").because(cause)
        })?;
        state.next_id += 1;
        let (events, receiver) = channel();
        let mut generation = Generation::new(receiver, Arc::new(AtomicBool::new(false)));
        let author = Author::default();
        generation.author = author.clone();
        state.waiting.push_back(Job { id, frame, max_time, events, cancel: generation.canceller(), author });
        drop(state);
        // Cannot fail while the supervisor runs; when it does not, the queue is emptied with an error anyway.
        let _ = self.notes.send(Note::Wake);
        Ok(generation)
    }

    fn status(&self) -> GeneratorStatus {
        let state = self.shared.lock();
        GeneratorStatus {
            model: state.model.clone(),
            ready: matches!(state.phase, Phase::Ready),
            failure: match &state.phase {
                Phase::Ready | Phase::Loading(None) => None,
                Phase::Loading(Some(failure)) | Phase::Failed(failure) => Some(failure.summary()),
            },
            queued: state.waiting.len() + state.given,
            running: state.running,
            slots: state.slots,
            expected_wait_ms: state.figures.wait_ms,
            cache: state.figures.cache,
            swap_failure: state.swap_failure.as_ref().map(Failure::summary),
            restarts: state.restarts,
            context_tokens: state.context_tokens,
        }
    }

    fn pids(&self) -> Vec<u32> {
        self.pid().into_iter().collect()
    }

    fn opens_thinking(&self) -> bool {
        self.shared.lock().opens_thinking
    }

    fn warm(&self, prompts: Vec<Prompt>) {
        match encode(&ToChild::Warm(prompts)) {
            Ok(frame) => {
                self.shared.lock().warm = Some(frame);
                let _ = self.notes.send(Note::Warm);
            }
            Err(cause) => tracing::warn!("prompts are not read ahead of need: {cause}"),
        }
    }

    fn wait_ready(&self, limit: Duration) -> Result<()> {
        self.wait_ready_unless(limit, &AtomicBool::new(false))
    }
}

impl Drop for ChildGenerator {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let _ = self.notes.send(Note::Wake);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(Code::ModelUnavailable, format!("生成暂不可用:{why}"), "请先使用上方的条款,稍后再试")
}

/// Nobody wants any more what was waited for.
fn stopped() -> Error {
    Error::new(Code::Cancelled, "已停止", "需要时重新开始")
}

/// A field of a process's `status` that is given in kibibytes, in bytes.
pub(in crate::inference) fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
