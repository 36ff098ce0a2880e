//! Taking knowledge in, as requests: begin, look, confirm. One import at a time, on a thread of its own; answering goes on.
//!
//! ```text
//! idle ──begin──▶ working ──▶ waiting (preview) ──confirm──▶ switching ──▶ done
//!                    │             └──cancel──▶ idle
//!                    └──▶ failed, or already in use
//! ```

use super::following::take_up;
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
    /// Puts the prepared pack to use.
    Confirm,
    /// Gives up; what was copied stays for the next time.
    Cancel,
    /// Back to the generation before.
    Rollback,
    /// Forward again.
    Release,
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
        match request {
            ImportRequest::State => {}
            ImportRequest::Begin { source } => {
                let from = Some(source.clone());
                self.start(seat, actor, from, move |importer, shared, seat| prepare(importer, shared, seat, &source))?;
            }
            ImportRequest::Rollback => {
                self.start(seat, actor, None, |importer, shared, seat| {
                    importer
                        .rollback(&mut |_| take_up(importer.data(), importer.state(), seat), &mut Teller(shared))
                        .map(|returned| ImportState::Turned { returned })
                })?;
            }
            ImportRequest::Release => {
                self.start(seat, actor, None, |importer, shared, seat| {
                    importer
                        .release(&mut |_| take_up(importer.data(), importer.state(), seat), &mut Teller(shared))
                        .map(|returned| ImportState::Turned { returned })
                })?;
            }
            ImportRequest::Confirm => self.decide(Decision::Confirm)?,
            ImportRequest::Cancel => self.decide(Decision::Cancel)?,
        }
        Ok(self.shared.inner().reply())
    }

    fn decide(&self, decision: Decision) -> Result<()> {
        let mut inner = self.shared.inner();
        match (&inner.state, decision) {
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
        *self.shared.inner() = Inner::new(ImportState::Working { progress: begun }, source);
        let (shared, seat) = (Arc::clone(&self.shared), Arc::clone(seat));
        let spawned = std::thread::Builder::new().name("importer".into()).spawn(move || {
            let ended = work(&importer, &shared, &seat);
            shared.set(ended.unwrap_or_else(|e| ImportState::Failed { error: ErrorBody::from(&e) }));
        });
        *thread =
            Some(spawned.map_err(|e| {
                Error::new(Code::Internal, format!("不能开始导入:{e}"), "检查系统的进程数限制").because(e)
            })?);
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
        importer.commit(*prepared, &mut |_| take_up(importer.data(), importer.state(), seat), &mut Teller(shared))?;
    Ok(ImportState::Done { committed })
}
