//! Taking knowledge in, as requests: begin, look, confirm. One import at a time, on a thread of its own; answering goes on.
//!
//! ```text
//! idle ──begin──▶ working ──▶ waiting (preview) ──confirm──▶ switching ──▶ done
//!                    │             └──cancel──▶ idle
//!                    └──▶ failed, or already in use
//! ```

use super::following::adopt;
use super::seat::Seat;
use crate::disk::RealDisk;
use crate::error::{Code, Error, ErrorBody, Result};
use crate::import;
use crate::pack::keys::SoftwareVerifier;
use crate::pack::trust::TrustedRoot;
use crate::store::generations::DataDir;
use crate::types::Serial;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

pub use crate::import::{
    Branch, Committed, Encoder, Importer, Outcome, Phase, Preview, Progress, Returned, Step, StepId, StepState, Watch,
    step_back,
};

/// What can be asked of the import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum ImportRequest {
    /// Looks at a stick and makes everything ready.
    Begin {
        /// The folder in which the stick is mounted.
        source: PathBuf,
    },
    /// How far it is.
    State,
    /// Puts the prepared pack to use, if it is the one that the person has seen.
    Confirm {
        /// Its generation, as the preview named it.
        gid: String,
    },
    /// Gives up; what was copied stays for the next time.
    Cancel,
    /// Back to the generation before, if what answers is what the person has seen.
    Rollback {
        /// The generation that answers.
        from: String,
    },
    /// Forward again, likewise.
    Release {
        /// The generation that answers.
        from: String,
    },
}

/// How far the import is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ImportState {
    /// Nothing goes on.
    Idle,
    /// It is being made ready, or switched.
    Working {
        /// How far.
        progress: Progress,
    },
    /// A person must confirm.
    Waiting {
        /// What would change.
        preview: Box<Preview>,
    },
    /// Put to use.
    Done {
        /// What.
        committed: Committed,
    },
    /// Went back or forward.
    Turned {
        /// Where to.
        returned: Returned,
    },
    /// The pack on the stick is in use already.
    Already {
        /// Which.
        serial: Serial,
    },
    /// It failed; what answered before goes on.
    Failed {
        /// Why.
        error: ErrorBody,
    },
}

/// How far the import is, and what it has found on the way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportReply {
    /// How far it is.
    pub state: ImportState,
    /// The steps of the present or last work in their order, with what was found; they stay until the next begins.
    pub steps: Vec<Step>,
    /// The folder of the stick that is, or was last, looked at.
    pub source: Option<String>,
    /// Nothing is read from the stick, nor written to it: it may be pulled out. While a person is waited for as well; the receipt then
    /// waits for the next stick.
    pub safe_to_remove: bool,
}

/// Opens the importer of a data folder.
///
/// # Errors
/// `STATE_DB`.
pub fn open(data: &Path, encoder: Encoder, actor: &str) -> Result<Importer> {
    Importer::new(DataDir::at(data), Arc::new(RealDisk), Arc::new(SoftwareVerifier), encoder, actor)
}

/// Sets a box up, see [`import::init`]; returns who it is and the fingerprint of the root that it trusts.
///
/// # Errors
/// As there.
pub fn set_up(data: &Path, names: (&str, &str), root: (&[u8], &[u8])) -> Result<(Branch, String)> {
    let home = import::init(&DataDir::at(data), &RealDisk, &SoftwareVerifier, names, root)?;
    let fingerprint = home.root.fingerprint();
    Ok((home.branch, fingerprint))
}

/// The fingerprint of a trust root that is whole in itself: SHA-256 of its bytes, hex.
///
/// # Errors
/// `PACK_SIG`, `PACK_THRESHOLD` or `PACK_PARSE`.
pub fn fingerprint_of(root: &[u8], signatures: &[u8]) -> Result<String> {
    TrustedRoot::first(root, signatures, &SoftwareVerifier).map(|root| root.fingerprint())
}

/// Where imports are asked for.
pub(super) struct ImportDesk {
    data: DataDir,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    inner: Mutex<Inner>,
    decided: Condvar,
}

struct Inner {
    state: ImportState,
    steps: Vec<Step>,
    source: Option<PathBuf>,
    /// When progress was told last: the time left has become less since.
    told: Instant,
    decision: Option<Decision>,
    /// Somebody wants the running work to end.
    cancelled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Confirm,
    Cancel,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: ImportState) {
        let mut inner = self.inner();
        inner.state = state;
        inner.told = Instant::now();
    }
}

impl Inner {
    fn new(state: ImportState, source: Option<PathBuf>) -> Inner {
        Inner { state, steps: Vec::new(), source, told: Instant::now(), decision: None, cancelled: false }
    }

    fn reply(&self) -> ImportReply {
        let mut state = self.state.clone();
        let mut safe_to_remove = true;
        if let ImportState::Working { progress } = &mut state {
            let passed = self.told.elapsed().as_secs();
            // Never none while it works.
            progress.eta_s = progress.eta_s.map(|left| left.saturating_sub(passed).max(1));
            safe_to_remove = progress.safe_to_remove;
        }
        let source = self.source.as_ref().map(|path| path.display().to_string());
        ImportReply { state, steps: self.steps.clone(), source, safe_to_remove }
    }
}

/// Work that panics must not leave everybody waiting for it.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if matches!(self.0.inner().state, ImportState::Working { .. } | ImportState::Waiting { .. }) {
            let error = Error::new(Code::Internal, "导入意外中断", "看现行的是哪一版,再试一次;仍出现则上报");
            self.0.set(ImportState::Failed { error: ErrorBody::from(&error) });
        }
    }
}

/// Passes progress on to whoever looks.
struct Teller<'a>(&'a Shared);

impl Watch for Teller<'_> {
    fn show(&mut self, progress: &Progress) {
        self.0.set(ImportState::Working { progress: *progress });
    }

    fn step(&mut self, step: &Step) {
        import::keep(&mut self.0.inner().steps, step);
    }

    fn cancelled(&self) -> bool {
        self.0.inner().cancelled
    }
}

impl ImportDesk {
    pub(super) fn new(data: DataDir) -> ImportDesk {
        let inner = Mutex::new(Inner::new(ImportState::Idle, None));
        let shared = Arc::new(Shared { inner, decided: Condvar::new() });
        ImportDesk { data, shared, thread: Mutex::new(None) }
    }

    /// Does what is asked, or begins it.
    pub(super) fn handle(&self, seat: &Arc<Seat>, actor: &str, request: ImportRequest) -> Result<ImportReply> {
        log_request(actor, &request);
        match request {
            ImportRequest::State => {}
            ImportRequest::Begin { source } => {
                let from = Some(source.clone());
                self.start(seat, actor, from, move |importer, shared, seat| prepare(importer, shared, seat, &source))?;
            }
            ImportRequest::Rollback { from } => {
                self.start(seat, actor, None, |importer, shared, seat| {
                    importer
                        .seen(from)
                        .rollback(&mut |_| adopt(importer.data(), importer.state(), seat), &mut Teller(shared))
                        .map(|returned| ImportState::Turned { returned })
                })?;
            }
            ImportRequest::Release { from } => {
                self.start(seat, actor, None, |importer, shared, seat| {
                    importer
                        .seen(from)
                        .release(&mut |_| adopt(importer.data(), importer.state(), seat), &mut Teller(shared))
                        .map(|returned| ImportState::Turned { returned })
                })?;
            }
            ImportRequest::Confirm { gid } => self.decide(Decision::Confirm, Some(&gid))?,
            ImportRequest::Cancel => self.decide(Decision::Cancel, None)?,
        }
        Ok(self.shared.inner().reply())
    }

    /// `seen` is the generation that the person decided about.
    fn decide(&self, decision: Decision, seen: Option<&str>) -> Result<()> {
        let mut inner = self.shared.inner();
        match (&inner.state, decision) {
            (ImportState::Waiting { preview }, _) if seen.is_some_and(|seen| seen != preview.gid) => {
                let message = format!("等待确认的是 {},不是确认时看到的那一个", preview.gid);
                return Err(Error::new(Code::ImportState, message, "重新查看等待确认的知识包再决定"));
            }
            (ImportState::Waiting { .. }, _) => inner.decision = Some(decision),
            (ImportState::Working { .. }, Decision::Cancel) => inner.cancelled = true,
            _ => {
                return Err(Error::new(
                    Code::ImportState,
                    "现在没有等待确认的导入",
                    "先读取 U 盘;导入完成或失败后要重新开始",
                ));
            }
        }
        self.shared.decided.notify_all();
        Ok(())
    }

    /// Begins work on a thread, unless one is at work.
    fn start(
        &self,
        seat: &Arc<Seat>,
        actor: &str,
        source: Option<PathBuf>,
        work: impl FnOnce(&Importer, &Shared, &Seat) -> Result<ImportState> + Send + 'static,
    ) -> Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Err(Error::new(Code::ImportBusy, "另一个导入或切换正在进行", "等它结束后重试"));
        }
        let importer = Importer::new(
            self.data.clone(),
            Arc::new(RealDisk),
            Arc::new(SoftwareVerifier),
            seat.embedder().cloned(),
            actor,
        )?;
        let begun =
            Progress { phase: Phase::Reading, done: 0, total: 0, eta_s: None, safe_to_remove: source.is_none() };
        let begun = Inner::new(ImportState::Working { progress: begun }, source);
        let before = std::mem::replace(&mut *self.shared.inner(), begun);
        let (shared, seat) = (Arc::clone(&self.shared), Arc::clone(seat));
        let spawned = std::thread::Builder::new().name("importer".into()).spawn(move || {
            let _ending = Ending(&shared);
            let ended = work(&importer, &shared, &seat);
            log_end(&ended);
            shared.set(ended.unwrap_or_else(|e| ImportState::Failed { error: ErrorBody::from(&e) }));
        });
        match spawned {
            Ok(spawned) => *thread = Some(spawned),
            Err(e) => {
                *self.shared.inner() = before;
                let message = format!("不能开始导入:{e}");
                return Err(Error::new(Code::Internal, message, "检查系统的进程数限制").because(e));
            }
        }
        Ok(())
    }
}

impl Drop for ImportDesk {
    fn drop(&mut self) {
        {
            let mut inner = self.shared.inner();
            inner.cancelled = true;
            inner.decision = Some(Decision::Cancel);
        }
        self.shared.decided.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

/// Everything up to the preview, then waits for a person, then the switch.
fn prepare(importer: &Importer, shared: &Shared, seat: &Seat, source: &Path) -> Result<ImportState> {
    let prepared = match importer.prepare(source, &mut Teller(shared))? {
        Outcome::Already(serial) => return Ok(ImportState::Already { serial }),
        Outcome::Ready(prepared) => prepared,
    };
    tracing::info!("import: {} waits for a person to confirm it", prepared.preview().gid);
    let mut inner = shared.inner();
    inner.state = ImportState::Waiting { preview: Box::new(prepared.preview().clone()) };
    let decision = loop {
        match inner.decision.take() {
            Some(decision) => break decision,
            None => inner = shared.decided.wait(inner).unwrap_or_else(PoisonError::into_inner),
        }
    };
    drop(inner);
    if decision == Decision::Cancel {
        importer.decline(*prepared)?;
        return Ok(ImportState::Idle);
    }
    let committed =
        importer.commit(*prepared, &mut |_| adopt(importer.data(), importer.state(), seat), &mut Teller(shared))?;
    Ok(ImportState::Done { committed })
}

/// For the record: who wanted what.
fn log_request(actor: &str, request: &ImportRequest) {
    match request {
        ImportRequest::State => {}
        ImportRequest::Begin { source } => tracing::info!(actor, "import of {} asked for", source.display()),
        ImportRequest::Confirm { gid } => tracing::info!(actor, "import of {gid} confirmed"),
        ImportRequest::Cancel => tracing::info!(actor, "import given up"),
        ImportRequest::Rollback { .. } => tracing::info!(actor, "rollback asked for"),
        ImportRequest::Release { .. } => tracing::info!(actor, "release asked for"),
    }
}

/// For the record: what became of it.
fn log_end(ended: &Result<ImportState>) {
    match ended {
        Ok(ImportState::Done { committed }) => tracing::info!("import: {} is in use now", committed.gid),
        Ok(ImportState::Turned { returned }) => tracing::info!("{} is in use again", returned.gid),
        Ok(ImportState::Already { serial }) => tracing::info!("import: {serial} is in use already"),
        Ok(_) => tracing::info!("import: nothing has changed"),
        Err(error) => tracing::warn!("import or change of generation failed: {error}"),
    }
}
