//! One generator process with the requests it was given. The supervisor has one lane, or two while a new model takes over: the old
//! one finishes what it began, the new one takes what comes.

use super::Job;
use super::process::Process;
use crate::error::Code;
use crate::inference::models::named_digest;
use crate::inference::protocol::{Event, Failure, Figures, FromChild, ToChild, never_started};
use crate::inference::scheduler::FIRST_STEP_TOKENS;
use crate::inference::{GenerateEvent, GeneratorSettings};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Longest time to load a model: 8 GB from a slow disk take some three minutes.
const LOAD_LIMIT: Duration = Duration::from_secs(600);
/// How often the file of the model that serves is looked at.
pub(super) const FILE_LOOK: Duration = Duration::from_secs(5);
/// A step may take so many times as long as the slowest before it: longer prompts, and other programs on the processors.
const STEP_FACTOR: u32 = 4;
/// And so many times as long as the longest that is planned before anything was measured.
const FIRST_STEP_FACTOR: u32 = 2;
/// A process that was up for this long counts as healthy, and pauses start small again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// Why a process is no longer attended to.
#[derive(Debug)]
pub(super) enum End {
    /// The generator is being dropped, or the process has nothing left to do and another took its place.
    Stopped,
    /// The model cannot be loaded, or the process died while loading.
    NeverUp(Failure),
    /// The process died, or was killed because it hung.
    Died(Failure),
}

/// What tells a file from itself after a change in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    inode: (u64, u64),
    length: u64,
    changed: (i64, i64),
}

impl FileState {
    fn of(path: &Path) -> Option<FileState> {
        let found = std::fs::metadata(path).ok()?;
        Some(FileState {
            inode: (found.dev(), found.ino()),
            length: found.len(),
            changed: (found.mtime(), found.mtime_nsec()),
        })
    }
}

/// A process and its requests.
pub(super) struct Lane {
    pub(super) process: Process,
    /// Counts processes, so that late words of a dead one are not taken for its successor's.
    pub(super) epoch: u64,
    pub(super) settings: GeneratorSettings,
    /// Name of the model, from its header.
    pub(super) name: String,
    /// Checksum of the model, once it is known.
    pub(super) digest: Arc<OnceLock<String>>,
    pub(super) context_tokens: u32,
    pub(super) opens_thinking: bool,
    pub(super) figures: Figures,
    /// The model's file as it was when it was loaded; `None` for one that is not named by its checksum.
    file: Option<FileState>,
    looked: Instant,
    /// Whether it has finished a request.
    proven: bool,
    began: Instant,
    up: Option<Instant>,
    /// When it last said something.
    heard: Instant,
    /// The longest it was silent over work: as long as its slowest step.
    slowest: Duration,
    /// What the longest first step takes, by the text that was computed to try the model.
    first_step: Duration,
    /// What it was given, in order.
    jobs: BTreeMap<u64, Given>,
    /// What its readers are to be told, once the figures say the same.
    news: Vec<(Sender<GenerateEvent>, GenerateEvent)>,
}

/// A request that the process has.
struct Given {
    job: Job,
    /// When the process counts as hung, from the start of the reply on; `None` also for limits beyond the clock.
    overdue: Option<Instant>,
    started: bool,
    cancel_sent: bool,
}

impl Lane {
    pub(super) fn new(process: Process, epoch: u64, settings: GeneratorSettings, name: String) -> Lane {
        let now = Instant::now();
        Lane {
            process,
            epoch,
            context_tokens: settings.context_tokens,
            opens_thinking: false,
            file: named_digest(&settings.model).and_then(|_| FileState::of(&settings.model)),
            looked: now,
            settings,
            name,
            digest: Arc::default(),
            figures: Figures::default(),
            proven: false,
            began: now,
            up: None,
            heard: now,
            slowest: Duration::ZERO,
            first_step: Duration::ZERO,
            jobs: BTreeMap::new(),
            news: Vec::new(),
        }
    }

    /// Whether the model is loaded.
    pub(super) fn is_up(&self) -> bool {
        self.up.is_some()
    }

    /// Whether a later death is no reason for a longer pause.
    pub(super) fn healthy(&self) -> bool {
        self.proven || self.up.is_some_and(|up| up.elapsed() >= HEALTHY_AFTER)
    }

    /// Requests it was given and has not ended.
    pub(super) fn given(&self) -> usize {
        self.jobs.len()
    }

    /// Of these, the ones that hold a slot.
    pub(super) fn started(&self) -> usize {
        self.jobs.values().filter(|given| given.started).count()
    }

    fn grace(&self) -> Duration {
        Duration::from_millis(self.settings.grace_ms)
    }

    /// Longest silence over work that is no hang: learned from this model's steps on this machine.
    fn patience(&self) -> Duration {
        let least = Duration::from_millis(self.settings.patience_ms);
        let learned = self.slowest.saturating_mul(STEP_FACTOR);
        learned.max(self.first_step.saturating_mul(FIRST_STEP_FACTOR)).max(least).min(self.grace())
    }

    /// Hands a request to the process.
    pub(super) fn give(&mut self, job: Job) {
        if self.jobs.is_empty() {
            // Silence counts from the first thing it was given.
            self.heard = Instant::now();
        }
        // A process that takes no request has died or hangs: both are noticed by its silence.
        if let Err(cause) = self.process.send_frame(&job.frame) {
            tracing::warn!("generator takes no request: {cause}");
            self.process.kill();
        }
        job.author.is(&self.name, &self.digest);
        self.jobs.insert(job.id, Given { job, overdue: None, started: false, cancel_sent: false });
    }

    /// Takes a frame, or that the process closed its socket (`None`); says how the process ended, or whether it came up by it.
    pub(super) fn hear(&mut self, frame: Option<FromChild>) -> Result<bool, End> {
        let Some(frame) = frame else { return Err(self.gone()) };
        let now = Instant::now();
        if !self.jobs.is_empty() {
            self.slowest = self.slowest.max(now.saturating_duration_since(self.heard));
        }
        self.heard = now;
        match frame {
            FromChild::Ready { context_tokens, opens_thinking, token_ms } => {
                self.up = Some(now);
                let first_step = Duration::try_from_secs_f64(token_ms * FIRST_STEP_TOKENS / 1e3);
                self.first_step = first_step.unwrap_or_else(|_| self.grace());
                self.context_tokens = context_tokens;
                self.opens_thinking = opens_thinking;
                return Ok(true);
            }
            FromChild::LoadFailed(failure) => return Err(End::NeverUp(failure)),
            FromChild::Figures(figures) => self.figures = figures,
            FromChild::Event { id, event } => {
                let grace = self.grace();
                let Some(given) = self.jobs.get_mut(&id) else { return Ok(false) };
                if matches!(event, Event::Started { .. }) {
                    given.started = true;
                    given.overdue = Instant::now().checked_add(given.job.max_time).and_then(|at| at.checked_add(grace));
                }
                let last = event.is_last();
                self.news.push((given.job.events.clone(), event.into()));
                if last {
                    self.proven = true;
                    self.jobs.remove(&id);
                }
            }
        }
        Ok(false)
    }

    /// Tells the readers what was heard.
    pub(super) fn tell(&mut self) {
        for (reader, event) in self.news.drain(..) {
            // A reader that went away has set the stop flag by dropping the generation.
            let _ = reader.send(event);
        }
    }

    /// The process closed its socket.
    fn gone(&mut self) -> End {
        let why = self.process.autopsy();
        match self.up {
            None => End::NeverUp(Failure::new(Code::ModelLoad, why, "请核对模型文件,并检查内存是否足够")),
            Some(_) => End::Died(died(why)),
        }
    }

    /// Passes on wishes to stop; says that the process counts as hung, if it does.
    pub(super) fn watch(&mut self) -> Option<End> {
        let (grace, now) = (self.grace(), Instant::now());
        if self.up.is_none() {
            let message = format!("模型在 {} 秒内没有载入完成", LOAD_LIMIT.as_secs());
            let late = now.saturating_duration_since(self.began) >= LOAD_LIMIT;
            return late.then(|| End::NeverUp(Failure::new(Code::ModelLoad, message, "请检查磁盘,或换用更小的模型")));
        }
        for given in self.jobs.values_mut().filter(|given| !given.cancel_sent) {
            if given.job.cancel.load(Ordering::Acquire) {
                given.cancel_sent = true;
                given.overdue = [given.overdue, now.checked_add(grace)].into_iter().flatten().min();
                if let Err(cause) = self.process.send(&ToChild::Cancel { id: given.job.id }) {
                    tracing::warn!("generator takes no words: {cause}");
                    self.process.kill();
                }
            }
        }
        if let Some(end) = self.look_at_file(now) {
            return Some(end);
        }
        // Who has seen nothing yet needs no word from the process to end.
        let dropped = self.jobs.extract_if(.., |_, given| given.cancel_sent && !given.started);
        self.news.extend(dropped.map(|(_, given)| (given.job.events, GenerateEvent::Done(never_started()))));
        // Every step says something.
        let silence = now.saturating_duration_since(self.heard);
        if !self.jobs.is_empty() && silence >= self.patience() {
            let seconds = silence.as_secs_f64();
            return Some(End::Died(died(format!("生成进程 {seconds:.0} 秒没有任何进展,已被终止"))));
        }
        let overdue = self.jobs.values().any(|given| given.overdue.is_some_and(|overdue| now >= overdue));
        overdue.then(|| End::Died(died("生成进程超过时限没有写完,已被终止".into())))
    }

    /// The process maps the file: what is written into it is what it computes with. Another file under the name is none of its business.
    fn look_at_file(&mut self, now: Instant) -> Option<End> {
        let before = self.file?;
        if now.saturating_duration_since(self.looked) < FILE_LOOK {
            return None;
        }
        self.looked = now;
        let present = FileState::of(&self.settings.model)?;
        if present == before || present.inode != before.inode {
            return None;
        }
        // Hashed anew by the next process: touched and unchanged, it serves on.
        Some(End::Died(died("模型文件在使用中被改动,重新核对后才会再用".into())))
    }

    /// Asks for prompts to be read ahead of need.
    pub(super) fn warm(&self, frame: &[u8]) {
        if let Err(cause) = self.process.send_frame(frame) {
            tracing::warn!("generator takes no words: {cause}");
        }
    }

    /// What it was given, after its end: requests whose readers have seen something, and those that another process may begin.
    pub(super) fn into_jobs(self) -> (Vec<Job>, Vec<Job>) {
        let (begun, untouched): (Vec<Given>, Vec<Given>) = self.jobs.into_values().partition(|given| given.started);
        let jobs = |given: Vec<Given>| given.into_iter().map(|given| given.job).collect();
        (jobs(begun), jobs(untouched))
    }
}

/// The failure of a process that died over its work.
pub(super) fn died(why: String) -> Failure {
    Failure::new(Code::ModelDied, why, "上方的条款仍然有效;生成器正在重启,请稍后再试")
}
