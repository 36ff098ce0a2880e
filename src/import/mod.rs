//! From the stick to the counter: a branch takes new knowledge in, or leaves everything as it was.
//!
//! The steps, in this order and no other:
//!
//! | step | file | what |
//! |---|---|---|
//! | 0 | [`Importer::prepare`], `collect` | take the lock, read the pointer, sweep what broken imports left |
//! | 1-4 | `intake` | read metadata once; walk the chain of trust roots and keep a new one at once; verify beacon and manifest |
//! | 5 | `plan` | choose the cheapest way to each file that works here; enough room, or say how much is missing |
//! | 6 | `copy` | copy the parts, hashing; then the stick may be pulled out |
//! | 7 | `unpack` | make files of the local parts, as large as said and not larger, and compare their hash |
//! | 8 | `validate`, `compare` | is it sound knowledge for this program and encoder, does it answer the golden questions, what changes |
//! | | | **a person confirms** |
//! | 9-12 | `commit` | sync, give it its name, switch the pointer, look whether it works, write a receipt, collect garbage |
//!
//! A stick with the pack in use changes nothing, unless its knowledge here is not what the manifest says any more: then it comes in like a
//! new one, and its files take the place of the damaged ones under the same name.
//!
//! A [`Prepared`] import is the only thing that can be committed, and only [`Importer::prepare`] makes one. `back` goes back to the
//! generation before and forward again; `home` is what a box is before its first import. Every change on the disk goes through
//! [`crate::disk`], so that tests cut the power at each of them. Whatever happens is in the journal, with its code. Whoever watches hears of
//! each of the `steps` what was found, and of the bytes by `progress`.

mod back;
pub mod backup;
mod collect;
mod commit;
mod compare;
mod copy;
mod home;
mod intact;
mod intake;
mod lock;
mod plan;
mod progress;
mod receipts;
mod steps;
mod unpack;
mod validate;
mod witness;

pub use back::Returned;
pub use commit::Committed;
pub use compare::{review_name, to_review, unreviewed};
pub use home::{Branch, Chain, Home, chain, init, mend};
pub use intact::{Compared, Vouched, compare_file, may_answer, vouched};
pub use plan::manifest_of;
pub use progress::{Phase, Progress, Watch};
pub use steps::{Step, StepId, StepState, keep};
pub use validate::{Encoder, examine};

use crate::disk::{self, Disk};
use crate::error::{Code, Error, Result};
use crate::pack::keys::Verifier;
use crate::pack::trust::TrustedRoot;
use crate::pack::verify::VerifiedManifest;
use crate::store::diff::Diff;
use crate::store::generations::{Active, DataDir};
use crate::store::review::{self, Suspended};
use crate::store::state::StateDb;
use crate::types::Serial;
use jiff::Timestamp;
use lock::ChangeLock;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Takes packs in on one box.
#[derive(Clone)]
pub struct Importer {
    data: DataDir,
    disk: Arc<dyn Disk>,
    verifier: Arc<dyn Verifier>,
    encoder: Encoder,
    state: Arc<StateDb>,
    actor: String,
    /// The generation that a person took for the active one when going back or forward was decided.
    seen: Option<String>,
}

/// What became of looking at a stick.
#[derive(Debug)]
pub enum Outcome {
    /// A new pack is ready to be put to use.
    Ready(Box<Prepared>),
    /// The pack on the stick is the one in use; nothing to do.
    Already(Serial),
}

/// A pack that has passed every check and waits for a person to confirm. Dropped, it leaves the copied parts for the next time.
#[derive(Debug)]
pub struct Prepared {
    manifest: VerifiedManifest,
    active: Active,
    root: TrustedRoot,
    source: PathBuf,
    unpacked: unpack::Unpacked,
    time_floor: Timestamp,
    announced: Serial,
    preview: Preview,
    _lock: ChangeLock,
}

impl Prepared {
    /// What would change.
    pub fn preview(&self) -> &Preview {
        &self.preview
    }
}

/// What a person sees before confirming.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    /// Name of the new generation.
    pub gid: String,
    /// Its place in the order of packs.
    pub serial: Serial,
    /// When head office made it.
    pub issued_at: Timestamp,
    /// The code that head office's notice reads out.
    pub spoken_code: String,
    /// What head office says is new.
    pub changelog: Vec<String>,
    /// Identity of the new knowledge.
    pub knowledge: String,
    /// Bytes that were read from the stick.
    pub copied_bytes: u64,
    /// Whether the difference to the present knowledge was enough.
    pub delta: bool,
    /// Clauses that are added, changed and withdrawn; `None` when there was no knowledge before.
    pub diff: Option<Diff>,
    /// Curated questions whose clause changes: they are answered by searching until somebody has looked at them.
    pub suspended: Vec<Suspended>,
    /// Models that come with it.
    pub models: Vec<String>,
    /// It is the pack in use, whose file here is damaged: the same content is put in its place.
    #[serde(default)]
    pub repairs: bool,
    /// The pack is older than its own date of expiry by the box's clock.
    pub stale: bool,
    /// Head office has announced a later pack than this.
    pub newer_announced: Option<Serial>,
}

impl Preview {
    /// How many questions will wait for a person.
    pub fn to_review(&self) -> usize {
        review::questions(&self.suspended)
    }
}

impl Importer {
    /// An importer for a box that is set up.
    ///
    /// # Errors
    /// `DATA_FOLDER` when it is not, so that no journal is begun in any folder that was named by mistake; `STATE_DB`, `NO_SPACE` or `IO`
    /// of the journal.
    pub fn new(
        data: DataDir,
        disk: Arc<dyn Disk>,
        verifier: Arc<dyn Verifier>,
        encoder: Encoder,
        actor: &str,
    ) -> Result<Importer> {
        home::require(&data)?;
        let state = Arc::new(StateDb::open(&data.state_db())?);
        Ok(Importer { data, disk, verifier, encoder, state, actor: actor.to_owned(), seen: None })
    }

    /// The same, going back or forward only from this generation: it is the one that the person has seen.
    pub fn seen(&self, gid: String) -> Importer {
        Importer { seen: Some(gid), ..self.clone() }
    }

    /// The data folder.
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// The journal.
    pub fn state(&self) -> &Arc<StateDb> {
        &self.state
    }

    /// Steps 0 to 8: everything up to the moment before the switch. What answers now goes on answering.
    ///
    /// # Errors
    /// Those of the fault matrix, each with its own code; the journal has an entry for each.
    pub fn prepare(&self, source: &Path, watch: &mut dyn Watch) -> Result<Outcome> {
        step_back();
        let mut meter = progress::Meter::new(watch);
        let outcome = self.steps_to_confirmation(source, &mut meter).inspect_err(|e| meter.failed(e));
        let noted = match &outcome {
            Ok(Outcome::Already(serial)) => self.note("import", "ALREADY", &format!("{serial} 已在使用")),
            Ok(Outcome::Ready(ready)) => self.note("import", "READY", &ready.preview.gid),
            Err(e) => self.note("import", e.code().as_str(), e.message()),
        };
        match noted {
            // The failure itself is what people must hear, even where it cannot be written down.
            Err(journal) if outcome.is_err() => tracing::error!("{journal}"),
            // What cannot be noted is not offered for confirmation, and its copy must not fill the disk that had no room for the note.
            Err(journal) => {
                if let Ok(Outcome::Ready(ready)) = &outcome {
                    self.free_after(&journal, &ready.preview.gid);
                }
                return Err(journal);
            }
            Ok(()) => {}
        }
        outcome
    }

    fn steps_to_confirmation(&self, source: &Path, meter: &mut progress::Meter<'_>) -> Result<Outcome> {
        meter.step(StepId::Home);
        let lock = self.lock()?;
        let active = self.witnessed(Active::read(&self.data)?)?;
        let home = Home::open(&self.data, self.verifier.as_ref())?;
        // A pointer that was deleted names nothing, and what it named may be all that is left.
        if active.active.is_some() || active.max_seen.is_none() {
            self.sweep(&active)?;
        }
        meter.enter(Phase::Reading, 0)?;
        let branch = &home.branch;
        let in_use = |none: &str| active.active.clone().unwrap_or_else(|| none.to_owned());
        meter.found(
            format!("{} 网点 {},现行知识 {}", branch.bank_id, branch.branch, in_use("无")),
            format!("{}, branch {}, in use: {}", branch.bank_id, branch.branch, in_use("nothing")),
        );
        let intake::Intake { stick, root, beacon, checked } = self.take_in(source, home, &active, meter)?;
        witness::require_latest(&root, &active)?;
        let (manifest, repairs) = match checked {
            intake::Found::New(manifest) => (*manifest, false),
            intake::Found::Damaged(manifest) => (*manifest, true),
            intake::Found::Already(serial) => {
                self.sweep_staging(None)?;
                return Ok(Outcome::Already(serial));
            }
        };
        self.sweep_staging(Some(&manifest.gid()))?;
        let plan = self.plan(&manifest, &active, meter)?;
        let copied_bytes = plan.bytes_to_copy();
        let delta = plan.uses_delta();
        meter.foresee(plan.work());
        let result = (|| {
            self.copy(&plan, &stick, meter)?;
            drop(stick);
            meter.safe_to_remove()?;
            let unpacked = self.unpack(&plan, &manifest, meter)?;
            let knowledge = self.validate(&manifest, &unpacked, meter)?;
            let comparison = match repairs {
                true => compare::Comparison::of_the_same(meter)?,
                false => self.compare(&active, &knowledge, &unpacked, meter)?,
            };
            Ok((unpacked, knowledge, comparison))
        })();
        let (unpacked, knowledge, comparison) = result.inspect_err(|e| self.free_after(e, &manifest.gid()))?;
        let now = Timestamp::now();
        let announced = beacon.serial();
        let preview = Preview {
            gid: manifest.gid(),
            serial: manifest.serial(),
            issued_at: manifest.issued_at(),
            spoken_code: crate::pack::verify::spoken_code(manifest.serial(), manifest.sha256()),
            changelog: manifest.manifest().changelog.clone(),
            knowledge: knowledge.generation().0.clone(),
            copied_bytes,
            delta,
            diff: comparison.diff,
            suspended: comparison.suspended,
            models: unpacked.models.iter().map(|model| model.name.clone()).collect(),
            repairs,
            stale: manifest
                .manifest()
                .stale_after
                .as_ref()
                .and_then(|at| at.parse::<Timestamp>().ok())
                .is_some_and(|at| at < now),
            newer_announced: (announced > manifest.serial()).then_some(announced),
        };
        let time_floor =
            [active.time_floor, Some(manifest.issued_at()), Some(beacon.issued_at())].into_iter().flatten().max();
        Ok(Outcome::Ready(Box::new(Prepared {
            time_floor: time_floor.unwrap_or(manifest.issued_at()),
            manifest,
            active,
            root,
            source: source.to_owned(),
            unpacked,
            announced,
            preview,
            _lock: lock,
        })))
    }

    /// Takes the lock under which knowledge changes.
    fn lock(&self) -> Result<ChangeLock> {
        ChangeLock::take(&self.data.import_lock())
    }

    fn note(&self, event: &str, code: &str, detail: &str) -> Result<()> {
        self.state.record(&self.actor, event, code, detail)
    }
}

/// How much more polite than a service this thread is from now on, on the scale of `nice`: tellers who wait go first.
const NICE: i32 = 10;

/// Lets the threads that answer go first while this one works. Where the system does not allow it, all are equal.
pub fn step_back() {
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// A failure of the box's own disk.
fn failed(what: &str, path: &Path, e: io::Error) -> Error {
    let message = format!("{what} {}:{e}", path.display());
    if disk::is_full(&e) {
        return Error::new(Code::NoSpace, message, "清理磁盘后重试").because(e);
    }
    Error::new(Code::Io, message, "检查磁盘和数据目录的权限;磁盘报错时请更换").because(e)
}
