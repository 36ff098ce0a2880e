//! How far an import is: phase, bytes, time left, and the step it is at. It never goes back.

use super::steps::{Step, StepId, StepState};
use crate::error::{Code, Error, ErrorBody, Result};
use crate::types::Bilingual;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Time between two words about the same phase.
const EVERY: Duration = Duration::from_millis(100);

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading and verifying what the stick says of itself.
    Reading,
    /// Copying parts from the stick.
    Copying,
    /// Making files of the parts.
    Unpacking,
    /// Looking whether the new knowledge is sound, and asking the golden questions.
    Validating,
    /// Comparing with the present knowledge.
    Comparing,
    /// Switching.
    Switching,
    /// Done.
    Done,
}

impl Phase {
    /// The words people read.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Reading => "核验签名",
            Phase::Copying => "读取 U 盘",
            Phase::Unpacking => "解开文件",
            Phase::Validating => "检验知识",
            Phase::Comparing => "比较新旧",
            Phase::Switching => "切换",
            Phase::Done => "完成",
        }
    }

    /// The same in English.
    pub fn label_en(self) -> &'static str {
        match self {
            Phase::Reading => "Checking signatures",
            Phase::Copying => "Reading the stick",
            Phase::Unpacking => "Unpacking",
            Phase::Validating => "Checking the knowledge",
            Phase::Comparing => "Comparing old and new",
            Phase::Switching => "Switching",
            Phase::Done => "Done",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Bytes of work done, of all phases together.
    pub done: u64,
    /// Bytes of work in all; 0 while that is not known.
    pub total: u64,
    /// Seconds left, where that can be told.
    pub eta_s: Option<u64>,
    /// The stick may be pulled out.
    pub safe_to_remove: bool,
}

/// Who watches an import.
pub trait Watch {
    /// Hears how far it is.
    fn show(&mut self, progress: &Progress);

    /// Hears of a step: that it begins, what is found, how it ends. What was told of it before counts no more.
    fn step(&mut self, _: &Step) {}

    /// Whether it should stop; asked often while bytes move.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Watch for () {
    fn show(&mut self, _: &Progress) {}
}

/// Counts the work.
pub(super) struct Meter<'w> {
    watch: &'w mut dyn Watch,
    now: Progress,
    began: Instant,
    told: Instant,
    /// The step it is at.
    at: Option<StepId>,
}

impl<'w> Meter<'w> {
    pub(super) fn new(watch: &'w mut dyn Watch) -> Meter<'w> {
        let now = Progress { phase: Phase::Reading, done: 0, total: 0, eta_s: None, safe_to_remove: false };
        Meter { watch, now, began: Instant::now(), told: Instant::now(), at: None }
    }

    /// A step begins.
    pub(super) fn step(&mut self, id: StepId) {
        self.at = Some(id);
        self.so_far("", "");
    }

    /// What the step it is at has found so far.
    pub(super) fn so_far(&mut self, zh: impl Into<String>, en: impl Into<String>) {
        if let Some(id) = self.at {
            self.watch.step(&Step::new(id, Bilingual::new(zh, en), StepState::Running));
        }
    }

    /// The step it is at is in order.
    pub(super) fn found(&mut self, zh: impl Into<String>, en: impl Into<String>) {
        if let Some(id) = self.at.take() {
            self.passed(id, Bilingual::new(zh, en));
        }
    }

    /// A step is in order, whichever it is at.
    pub(super) fn passed(&mut self, id: StepId, found: Bilingual) {
        self.watch.step(&Step::new(id, found, StepState::Ok));
    }

    /// The step it is at is where everything ends; nothing to say when that has been said.
    pub(super) fn failed(&mut self, e: &Error) {
        if let Some(id) = self.at.take() {
            let found = Bilingual::new(e.message(), e.code().meaning());
            let error = Some(ErrorBody::from(e));
            self.watch.step(&Step { error, ..Step::new(id, found, StepState::Failed) });
        }
    }

    /// The work in all, once it is known.
    pub(super) fn foresee(&mut self, total: u64) {
        self.now.total = total;
        self.began = Instant::now();
    }

    /// A new phase begins; everything before it, `done` bytes in all, is finished.
    pub(super) fn enter(&mut self, phase: Phase, done: u64) -> Result<()> {
        self.now.phase = phase;
        self.now.done = self.now.done.max(done);
        self.tell();
        self.go_on()
    }

    /// More work is done.
    pub(super) fn add(&mut self, bytes: u64) -> Result<()> {
        self.now.done = self.now.done.saturating_add(bytes);
        if self.now.total > 0 {
            self.now.done = self.now.done.min(self.now.total);
        }
        if self.told.elapsed() >= EVERY {
            self.tell();
        }
        self.go_on()
    }

    /// The stick is needed no more.
    pub(super) fn safe_to_remove(&mut self) -> Result<()> {
        self.now.safe_to_remove = true;
        self.tell();
        self.go_on()
    }

    fn tell(&mut self) {
        let (done, left) = (self.now.done, self.now.total.saturating_sub(self.now.done));
        let passed = self.began.elapsed().as_secs_f64();
        self.now.eta_s = (done > 0 && self.now.total > 0).then(|| (passed / done as f64 * left as f64).ceil() as u64);
        self.told = Instant::now();
        self.watch.show(&self.now);
    }

    fn go_on(&self) -> Result<()> {
        if self.watch.cancelled() {
            return Err(Error::new(Code::Cancelled, "导入已取消", "已读入的部分留在本机,下次接着导入"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Log(Vec<Progress>, bool);

    impl Watch for Log {
        fn show(&mut self, progress: &Progress) {
            self.0.push(*progress);
        }

        fn cancelled(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn it_never_goes_back_and_never_beyond_the_end() {
        let mut log = Log(Vec::new(), false);
        let mut meter = Meter::new(&mut log);
        meter.foresee(100);
        meter.enter(Phase::Copying, 0).unwrap();
        meter.add(60).unwrap();
        meter.enter(Phase::Unpacking, 40).unwrap();
        meter.add(60).unwrap();
        meter.safe_to_remove().unwrap();
        let done: Vec<u64> = log.0.iter().map(|p| p.done).collect();
        assert!(done.is_sorted() && done.iter().all(|d| *d <= 100), "{done:?}");
        assert!(log.0.last().unwrap().safe_to_remove);
    }

    #[test]
    fn a_wish_to_stop_is_heard_at_the_next_byte() {
        let mut log = Log(Vec::new(), true);
        assert_eq!(Meter::new(&mut log).add(1).unwrap_err().code(), Code::Cancelled);
    }
}
