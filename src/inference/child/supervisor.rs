//! The thread that owns the generator process: starts it, feeds it, watches it, starts it again, and puts another model in its
//! place without a word lost.

use super::checksum::Checksum;
use super::lane::{End, FILE_LOOK, Lane, died};
use super::process::Process;
use super::{Job, Phase, Shared, unavailable};
use crate::error::{Code, Result};
use crate::inference::fit;
use crate::inference::models::read_info;
use crate::inference::protocol::{Failure, FromChild, never_started};
use crate::inference::{GenerateEvent, GeneratorSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Pause before the first restart; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause between restarts: a replaced model file is noticed within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often the stop flags of running and waiting requests are looked at.
const CANCEL_POLL: Duration = Duration::from_millis(20);

/// What wakes the supervisor.
#[derive(Debug)]
pub(super) enum Note {
    /// Look at the queue, the stop flag and the wanted model.
    Wake,
    /// There are prompts to be read ahead of need.
    Warm,
    /// The process of this epoch said something.
    Frame(u64, FromChild),
    /// The process of this epoch closed its socket.
    Gone(u64),
}

pub(super) struct Supervisor {
    exe: PathBuf,
    /// The model to serve with; a successor is tried first, and becomes this when it is up.
    settings: GeneratorSettings,
    shared: Arc<Shared>,
    notes: Sender<Note>,
    received: Receiver<Note>,
    epoch: u64,
    /// The number of the wish for another model that is being seen to.
    turn: u64,
    checksum: Checksum,
}

impl Supervisor {
    pub(super) fn new(
        exe: &Path,
        settings: GeneratorSettings,
        shared: Arc<Shared>,
        notes: Sender<Note>,
        received: Receiver<Note>,
    ) -> Supervisor {
        Supervisor {
            exe: exe.to_owned(),
            settings,
            shared,
            notes,
            received,
            epoch: 0,
            turn: 0,
            checksum: Checksum::default(),
        }
    }

    pub(super) fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        // Settings of the model before, while its successor has not come up.
        let mut before: Option<GeneratorSettings> = None;
        loop {
            let mut healthy = false;
            let end = match self.launch(&self.settings.clone()) {
                Ok(lane) => self.attend(lane, &mut before, &mut healthy),
                Err(error) => End::NeverUp(Failure::from(&error)),
            };
            if let (End::NeverUp(failure), Some(old)) = (&end, before.take()) {
                tracing::error!("the new model is not used: {}", failure.summary());
                self.settle(Some(failure.clone()));
                self.settings = old;
                continue;
            }
            self.show(&end);
            if healthy {
                pause = FIRST_PAUSE;
            }
            match &end {
                // A successor waits for its turn.
                End::Stopped if !self.shared.stopping() => continue,
                End::Stopped => break,
                End::NeverUp(failure) | End::Died(failure) => {
                    tracing::error!("generator is down, next start in {} ms: {}", pause.as_millis(), failure.summary());
                }
            }
            match self.rest(pause) {
                Some(Some(wanted)) => before = Some(std::mem::replace(&mut self.settings, wanted)),
                Some(None) => {}
                None => break,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        self.set_phase(Phase::Failed(Failure::new(Code::ModelUnavailable, "生成器已停止", "")));
        self.checksum.forget();
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
        if !matches!(phase, Phase::Ready) {
            (state.given, state.running, state.pid) = (0, 0, None);
        }
        state.phase = phase;
        drop(state);
        self.shared.changed.notify_all();
        for (failure, job) in
            refused.into_iter().flat_map(|(f, jobs)| jobs.into_iter().map(move |job| (f.clone(), job)))
        {
            let _ = job.events.send(GenerateEvent::Failed(unavailable(failure.message())));
        }
    }

    /// Says what became of the wish for another model.
    fn settle(&self, failure: Option<Failure>) {
        let mut state = self.shared.lock();
        state.settled = self.turn;
        state.swap_failure = failure;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// The model that is to take over, if there is one.
    fn wanted(&mut self) -> Option<GeneratorSettings> {
        let mut state = self.shared.lock();
        let wanted = state.wanted.take()?;
        self.turn = state.swaps;
        Some(wanted)
    }

    /// Waits before a restart, which another model may be for; `None` when the generator is being dropped.
    fn rest(&mut self, pause: Duration) -> Option<Option<GeneratorSettings>> {
        let until = Instant::now() + pause;
        loop {
            if self.shared.stopping() {
                return None;
            }
            if let Some(wanted) = self.wanted() {
                // What failed is replaced at once.
                return Some(Some(wanted));
            }
            self.drop_cancelled();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(None);
            }
            // Late words of the dead process are of no interest.
            let _ = self.received.recv_timeout(left.min(CANCEL_POLL));
        }
    }

    /// Checks the model file and starts a process on it.
    fn launch(&mut self, settings: &GeneratorSettings) -> Result<Lane> {
        let info = read_info(&settings.model)?;
        info.require_generator()?;
        fit::check(&info, settings, &fit::Room::now())?;
        self.epoch += 1;
        let process = Process::start(&self.exe, settings, self.epoch, &self.notes)?;
        let mut lane = Lane::new(process, self.epoch, settings.clone(), info.name);
        let mut state = self.shared.lock();
        if state.pid.is_none() {
            // No other model is at work: this is the one to name and to compute the checksum of while it loads.
            state.pid = Some(lane.process.id());
            state.model.name.clone_from(&lane.name);
            state.file.clone_from(&settings.model);
            drop(state);
            lane.digest = self.checksum.of(settings, &self.shared);
        }
        Ok(lane)
    }

    /// Works with a process until it ends, and with its successor beside it when another model is wanted.
    fn attend(&mut self, lane: Lane, before: &mut Option<GeneratorSettings>, healthy: &mut bool) -> End {
        let mut lane = lane;
        // The model that is to take over, on its way up.
        let mut next: Option<Lane> = None;
        // The model whose place was taken, with replies to finish.
        let mut old: Option<Lane> = None;
        // Whether this process only finishes what it has, because the next model does not fit beside it.
        let mut leaving: Option<GeneratorSettings> = None;
        let end = loop {
            let busy = lane.given() > 0 || old.is_some() || !self.shared.lock().waiting.is_empty();
            let limit = if busy || !lane.is_up() || next.is_some() { CANCEL_POLL } else { FILE_LOOK };
            let note = match self.received.recv_timeout(limit) {
                Ok(note) => Some(note),
                Err(RecvTimeoutError::Timeout) => None,
                // Cannot happen: this thread holds a sender.
                Err(RecvTimeoutError::Disconnected) => break End::Stopped,
            };
            if self.shared.stopping() {
                break End::Stopped;
            }
            if let Some(note) = note {
                match self.heed(note, &mut lane, &mut next, &mut old) {
                    Ok(true) if before.take().is_some() => self.settle(None),
                    Ok(true) => {}
                    Ok(false) => {}
                    Err(end) => break end,
                }
            }
            let ended = lane.watch();
            self.count(&lane, old.as_ref());
            lane.tell();
            old.iter_mut().for_each(Lane::tell);
            if let Some(end) = ended {
                break end;
            }
            if let Some(end) = next.as_mut().and_then(Lane::watch) {
                self.refuse_successor(next.take(), &end);
            }
            if old.as_mut().is_some_and(|old| old.given() == 0 || old.watch().is_some()) {
                self.bury(old.take(), "模型已经更换");
            }
            self.drop_cancelled();
            if lane.is_up() && next.is_none() && old.is_none() && leaving.is_none() {
                let wanted = self.wanted();
                match wanted.map(|wanted| self.succeed(wanted)) {
                    Some(Ok(lane)) => next = Some(*lane),
                    Some(Err(settings)) => leaving = settings.map(|settings| *settings),
                    None => {}
                }
            }
            if leaving.is_none() {
                self.feed(&mut lane);
            } else if lane.given() == 0 {
                *before = leaving.take().map(|wanted| std::mem::replace(&mut self.settings, wanted));
                break End::Stopped;
            }
            self.count(&lane, old.as_ref());
        };
        *healthy |= lane.healthy();
        self.bury(old, "程序正在退出");
        // A successor whose predecessor ended too early is the next to be started.
        if let Some(again) = leaving.or_else(|| next.map(|next| next.settings.clone())) {
            self.shared.lock().wanted.get_or_insert(again);
        }
        match &end {
            End::Died(failure) | End::NeverUp(failure) => self.end_jobs(lane, failure, &end),
            End::Stopped => {
                self.shared.lock().pid = None;
                self.bury(Some(lane), "程序正在退出");
            }
        }
        end
    }

    /// Takes a note for the lane that it is about. `Ok(true)`: the serving model came up.
    fn heed(
        &mut self,
        note: Note,
        lane: &mut Lane,
        next: &mut Option<Lane>,
        old: &mut Option<Lane>,
    ) -> std::result::Result<bool, End> {
        let (epoch, frame) = match note {
            Note::Wake => return Ok(false),
            Note::Warm => {
                let frame = self.shared.lock().warm.clone();
                if let Some(frame) = frame.filter(|_| lane.is_up()) {
                    lane.warm(&frame);
                }
                return Ok(false);
            }
            Note::Frame(epoch, frame) => (epoch, Some(frame)),
            Note::Gone(epoch) => (epoch, None),
        };
        if epoch == lane.epoch {
            let up = lane.hear(frame)?;
            if up {
                tracing::info!("model {} is ready, context of {} tokens", lane.name, lane.context_tokens);
                self.present(lane);
            }
            return Ok(up);
        }
        if let Some(coming) = next.as_mut().filter(|next| next.epoch == epoch) {
            match coming.hear(frame) {
                Ok(false) => {}
                Ok(true) => {
                    if let Some(coming) = next.take() {
                        *old = Some(std::mem::replace(lane, coming));
                        self.settings = lane.settings.clone();
                        tracing::info!("model {} takes over", lane.name);
                        // No answer may be kept under the former model's checksum.
                        lane.digest = self.checksum.of(&lane.settings, &self.shared);
                        self.present(lane);
                        self.settle(None);
                    }
                }
                Err(end) => self.refuse_successor(next.take(), &end),
            }
        } else if old.as_mut().is_some_and(|old| old.epoch == epoch && old.hear(frame).is_err()) {
            self.bury(old.take(), "生成进程意外退出");
        }
        Ok(false)
    }

    /// Shows a model that is ready.
    fn present(&self, lane: &Lane) {
        let mut state = self.shared.lock();
        state.context_tokens = lane.context_tokens;
        state.opens_thinking = lane.opens_thinking;
        state.slots = lane.settings.slots as usize;
        state.model.name.clone_from(&lane.name);
        state.file.clone_from(&lane.settings.model);
        state.pid = Some(lane.process.id());
        state.restarts = lane.epoch - 1;
        let warm = state.warm.clone();
        drop(state);
        self.set_phase(Phase::Ready);
        if let Some(frame) = warm {
            lane.warm(&frame);
        }
    }

    /// Starts the model that is to take over beside the present one. `Err` with its settings when memory does not hold both: then
    /// the present one has to go first. `Err(None)` when it cannot be used at all.
    fn succeed(&mut self, wanted: GeneratorSettings) -> std::result::Result<Box<Lane>, Option<Box<GeneratorSettings>>> {
        if !self.fits_beside(&wanted) {
            tracing::info!("memory does not hold two models: the present one finishes first");
            return Err(Some(Box::new(wanted)));
        }
        self.launch(&wanted).map(Box::new).map_err(|error| {
            self.settle(Some(Failure::from(&error)));
            tracing::error!("the new model is not used: {error}");
            None
        })
    }

    /// Whether memory holds another model beside the present one.
    fn fits_beside(&self, wanted: &GeneratorSettings) -> bool {
        // What cannot be read is for the loading to tell.
        let Ok(info) = read_info(&wanted.model) else { return true };
        let room = fit::Room::now();
        fit::check(&info, wanted, &room).is_ok() && room.available.is_none_or(|free| info.file_bytes < free)
    }

    /// The present model stays, and the status says why.
    fn refuse_successor(&self, next: Option<Lane>, end: &End) {
        if let End::NeverUp(failure) | End::Died(failure) = end {
            tracing::error!("the new model is not used: {}", failure.summary());
            self.settle(Some(failure.clone()));
        }
        drop(next);
    }

    /// Ends what a process that is given up still had.
    fn bury(&self, lane: Option<Lane>, why: &str) {
        let Some(lane) = lane else { return };
        let (begun, untouched) = lane.into_jobs();
        for job in begun {
            let _ = job.events.send(GenerateEvent::Failed(died(why.into()).into()));
        }
        for job in untouched {
            let _ = job.events.send(GenerateEvent::Failed(unavailable(why)));
        }
    }

    /// Tells the readers of a process that died, after the status does; requests that it had not begun wait for the next one.
    fn end_jobs(&self, lane: Lane, failure: &Failure, end: &End) {
        let (begun, untouched) = lane.into_jobs();
        let mut state = self.shared.lock();
        for job in untouched.into_iter().rev() {
            state.waiting.push_front(job);
        }
        drop(state);
        self.show(end);
        for job in begun {
            let _ = job.events.send(GenerateEvent::Failed(failure.clone().into()));
        }
    }

    /// Hands waiting requests to a process that is up; it knows best whose turn it is.
    fn feed(&self, lane: &mut Lane) {
        while lane.is_up() {
            let mut state = self.shared.lock();
            let Some(job) = state.waiting.pop_front() else { return };
            state.given += 1;
            drop(state);
            lane.give(job);
        }
    }

    /// Shows the figures.
    fn count(&self, lane: &Lane, old: Option<&Lane>) {
        let mut state = self.shared.lock();
        state.given = lane.given() + old.map_or(0, Lane::given);
        state.running = lane.started() + old.map_or(0, Lane::started);
        state.figures = lane.figures;
    }

    /// Ends waiting requests that nobody wants any more.
    fn drop_cancelled(&self) {
        let mut state = self.shared.lock();
        let (gone, kept): (Vec<Job>, Vec<Job>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|job| job.cancel.load(Ordering::Acquire));
        state.waiting = kept.into();
        drop(state);
        for job in gone {
            let _ = job.events.send(GenerateEvent::Done(never_started()));
        }
    }
}
