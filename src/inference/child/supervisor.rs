//! The thread that owns the generator process: starts it, feeds it, watches it, and starts it again.

use super::process::Process;
use super::{Job, Phase, Shared, unavailable};
use crate::error::{Code, Result};
use crate::inference::fit;
use crate::inference::models::{read_info, sha256};
use crate::inference::protocol::{Failure, FromChild, ToChild, never_started};
use crate::inference::{GenerateEvent, GeneratorSettings};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
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

/// Length and time of change of a file, which tell a replaced file.
type FileVersion = (u64, Option<SystemTime>);

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
    /// The file whose checksum is known or being computed, and the thread that computes it.
    hashing: Option<(FileVersion, JoinHandle<()>)>,
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
                Err(error) => {
                    let end = End::NeverUp(Failure::from(&error));
                    self.show(&end);
                    end
                }
            };
            if healthy {
                pause = FIRST_PAUSE;
            }
            if let End::NeverUp(failure) | End::Died(failure) = &end {
                tracing::error!("generator is down, next start in {} ms: {}", pause.as_millis(), failure.summary());
            }
            if matches!(end, End::Stopped) || !self.rest(pause) {
                break;
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        self.set_phase(Phase::Failed(Failure::new(Code::ModelUnavailable, "生成器已停止", "")));
        if let Some((_, thread)) = self.hashing.take() {
            let _ = thread.join();
        }
    }

    /// Shows how a process ended.
    fn show(&self, end: &End) {
        match end {
            End::Stopped => {}
            End::NeverUp(failure) => self.set_phase(Phase::Failed(failure.clone())),
            End::Died(failure) => self.set_phase(Phase::Loading(Some(failure.clone()))),
        }
    }

    /// Sets a new phase; a generator that cannot come up has no queue.
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
        fit::check(&info, &self.settings, &fit::Room::now())?;
        self.hash();
        self.epoch += 1;
        let process = Process::start(&self.exe, &self.settings, self.epoch, &self.notes)?;
        let mut state = self.shared.lock();
        state.pid = Some(process.id());
        state.restarts = self.epoch - 1;
        drop(state);
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
        // Before its reader hears of it, so that nobody who heard finds the generator ready.
        self.show(&end);
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
        if let Err(cause) = process.send_frame(&job.frame) {
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
            if let Err(cause) = process.send(&ToChild::Cancel { id: current.job.id }) {
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
