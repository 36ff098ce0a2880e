//! Exchanging and measuring the models that write, as requests. One piece of work at a time, on a thread of its own; answering goes on.
//!
//! ```text
//! idle ──load───▶ loading ────▶ loaded, or failed: what served before goes on
//!      ──unload─▶ unloading ──▶ unloaded, once the answers that were begun have ended
//!      ──bench──▶ benching ───▶ benched, or idle by cancel
//! ```
//!
//! The processes belong to a [`ModelHost`]; here is what is checked before it is asked, what is remembered, and what is told.

use super::importing::step_back;
use super::modeling::{ModelHost, ModelRequest, ModelWork, ModelsReply, Serving};
use super::models::{Bench, Entry, ModelRole, bench, check_bench};
use super::shelf::Shelf;
use crate::answer::WriterPlace;
use crate::error::{Code, Error, ErrorBody, Result};
use crate::inference::{Choice, Generator, amount, read_info};
use crate::store::generations::DataDir;
use crate::store::state::StateDb;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for the answers that an unloaded model has begun: the longest reply, and one that waited for it. What is not written
/// by then is cut off.
const LEAVE_LIMIT: Duration = Duration::from_secs(120);
/// How often it is looked whether they have ended.
const LEAVE_POLL: Duration = Duration::from_millis(20);

/// Where work on models is asked for.
pub(super) struct ModelDesk {
    data: PathBuf,
    shelf: Shelf,
    host: Arc<dyn ModelHost>,
    place: Arc<WriterPlace>,
    journal: Option<Arc<StateDb>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the desk and its work share.
struct Shared {
    inner: Mutex<Inner>,
    /// Somebody wants the running work to end.
    stop: AtomicBool,
}

struct Inner {
    work: ModelWork,
    busy: bool,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, work: ModelWork) {
        *self.inner() = Inner { work, busy: false };
    }
}

/// Work that ended in a panic has ended as well.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if self.0.inner().busy {
            let error = Error::new(Code::Internal, "这项工作意外中断", "重试;仍出现则上报");
            self.0.end(ModelWork::Failed { error: ErrorBody::from(&error) });
        }
    }
}

/// A line of the journal, whose outcome is still to come.
struct Entering {
    journal: Option<Arc<StateDb>>,
    actor: String,
    event: &'static str,
    detail: String,
}

impl Entering {
    /// Enters how it ended. A journal that takes no entry undoes nothing.
    fn enter<T>(&self, outcome: &Result<T>) {
        let code = outcome.as_ref().map_or_else(|error| error.code().as_str(), |_| "OK");
        if let Some(Err(error)) =
            self.journal.as_ref().map(|journal| journal.record(&self.actor, self.event, code, &self.detail))
        {
            tracing::error!("{} {} is not in the journal: {error}", self.event, self.detail);
        }
    }
}

impl ModelDesk {
    /// The desk of a data folder; a folder that was set up has a journal, which is opened unless it is given.
    pub(super) fn open(
        data: &Path,
        host: Arc<dyn ModelHost>,
        place: Arc<WriterPlace>,
        journal: Option<Arc<StateDb>>,
    ) -> Result<ModelDesk> {
        let folder = DataDir::at(data);
        let journal = match journal {
            None if folder.branch_file().exists() => Some(Arc::new(StateDb::open(&folder.state_db())?)),
            journal => journal,
        };
        let inner = Mutex::new(Inner { work: ModelWork::Idle, busy: false });
        let shared = Arc::new(Shared { inner, stop: AtomicBool::new(false) });
        let shelf = Shelf::of(data);
        Ok(ModelDesk { data: data.to_owned(), shelf, host, place, journal, shared, thread: Mutex::new(None) })
    }

    /// Does what is asked, or begins it.
    pub(super) fn handle(&self, actor: &str, request: ModelRequest) -> Result<ModelsReply> {
        match request {
            ModelRequest::List => {}
            ModelRequest::Load { name, role } => self.load(actor, name, role)?,
            ModelRequest::Unload { role } => self.unload(actor, role)?,
            ModelRequest::Bench { name, quick } => self.bench(actor, name, quick)?,
            ModelRequest::Cancel => self.cancel()?,
        }
        self.reply()
    }

    fn reply(&self) -> Result<ModelsReply> {
        let mut list = self.shelf.list()?;
        let served = self.host.serving();
        let serving = served.into_iter().map(|served| {
            let stem = served.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let is = |entry: &Entry| entry.sha256 == stem || entry.sha256 == served.status.model.sha256;
            let name =
                list.models.iter().find(|row| row.registered && is(&row.entry)).map(|row| row.entry.name.clone());
            Serving { role: served.role, name, status: served.status }
        });
        let serving = serving.collect();
        for role in [ModelRole::Large, ModelRole::Small] {
            if self.host.named_at_start(role) && self.shelf.registry().chosen(role) != Choice::Open {
                list.notes.push(format!(
                    "启动命令或设置指定了{},重启服务后仍按它载入,不按这里的选择",
                    if role == ModelRole::Small { "小模型" } else { "大模型" }
                ));
            }
        }
        Ok(ModelsReply { list, serving, work: self.shared.inner().work.clone() })
    }

    fn load(&self, actor: &str, name: String, role: ModelRole) -> Result<()> {
        writes(role)?;
        self.idle()?;
        let entering = self.entering(actor, "model_load", format!("{name}({})", label(role)));
        let checked = self.registered(&name, role).and_then(|(entry, file)| {
            self.host.check(role, &file)?;
            Ok((entry, file))
        });
        if checked.is_err() {
            entering.enter(&checked);
        }
        let (entry, file) = checked?;
        let (host, place, registry) = (Arc::clone(&self.host), Arc::clone(&self.place), self.shelf.registry().clone());
        self.start(ModelWork::Loading { name: entry.name.clone(), role }, entering, move |shared| {
            registry.verify_unless(&entry.sha256, &shared.stop)?;
            host.load(role, &file, &shared.stop)?;
            place.put(host.writers());
            registry.choose(role, Some(&entry.sha256)).map_err(|error| forgotten("模型已经换上", &error))?;
            Ok(ModelWork::Loaded { name: entry.name, role })
        })
    }

    fn unload(&self, actor: &str, role: ModelRole) -> Result<()> {
        writes(role)?;
        self.idle()?;
        if !self.host.serving().iter().any(|served| served.role == role) {
            return Err(Error::new(
                Code::BadParameter,
                format!("{}的位置上没有模型", label(role)),
                "不需要停用;要启用说明文字,请选一个模型载入",
            ));
        }
        let entering = self.entering(actor, "model_unload", label(role).to_owned());
        let (host, place, registry) = (Arc::clone(&self.host), Arc::clone(&self.place), self.shelf.registry().clone());
        self.start(ModelWork::Unloading { role }, entering, move |shared| {
            let leaving = host.unload(role);
            place.put(host.writers());
            let kept = registry.choose(role, None);
            if let Some(leaving) = leaving {
                see_off(leaving, &shared.stop);
            }
            kept.map_err(|error| forgotten("模型已经停用", &error))?;
            Ok(ModelWork::Unloaded { role })
        })
    }

    fn bench(&self, actor: &str, name: String, quick: bool) -> Result<()> {
        self.idle()?;
        let entering = self.entering(actor, "model_bench", name.clone());
        let checked = self.registered(&name, ModelRole::Large).and_then(|(entry, file)| {
            check_bench(&file).map_err(|error| self.crowded(error))?;
            Ok((entry, file))
        });
        if checked.is_err() {
            entering.enter(&checked);
        }
        let (entry, model) = checked?;
        let (host, data) = (Arc::clone(&self.host), self.data.clone());
        let begun = ModelWork::Benching { name: entry.name.clone(), runs: Vec::new() };
        self.start(begun, entering, move |shared| {
            // Answering goes first, also before the processes that are started here.
            step_back();
            let wanted = Bench { program: host.program(), data: &data, model: &model, context: None, quick };
            let benched = bench(&wanted, &shared.stop, &mut |run| {
                if let ModelWork::Benching { runs, .. } = &mut shared.inner().work {
                    runs.push(*run);
                }
            })?;
            Ok(ModelWork::Benched { name: entry.name, runs: benched.runs, best: benched.best })
        })
    }

    fn cancel(&self) -> Result<()> {
        match self.shared.inner().work {
            ModelWork::Benching { .. } => {
                self.shared.stop.store(true, Ordering::Release);
                Ok(())
            }
            _ => Err(Error::new(Code::BadParameter, "现在没有在测速", "不需要取消")),
        }
    }

    /// A registered model that can fill a role, and its file.
    fn registered(&self, name: &str, role: ModelRole) -> Result<(Entry, PathBuf)> {
        let registry = self.shelf.registry();
        let entry = registry.find(name)?;
        let file = registry.path_of(&entry.sha256)?;
        role.suits(&read_info(&file)?)?;
        Ok((entry, file))
    }

    /// Says what takes the memory that is missing for measuring.
    fn crowded(&self, error: Error) -> Error {
        let taken = self.host.resident_bytes();
        if error.code() != Code::ModelMemory || taken == 0 {
            return error;
        }
        Error::new(
            Code::ModelMemory,
            format!("{}。正在服务的模型占用 {}", error.message(), amount(taken)),
            "内存放不下两个模型:在不营业时先停用正在服务的模型,测完再载入",
        )
    }

    fn entering(&self, actor: &str, event: &'static str, detail: String) -> Entering {
        Entering { journal: self.journal.clone(), actor: actor.to_owned(), event, detail }
    }

    /// Refuses when something is being done.
    fn idle(&self) -> Result<()> {
        if self.shared.inner().busy { Err(occupied()) } else { Ok(()) }
    }

    /// Begins work on a thread, unless one is at work.
    fn start(
        &self,
        begun: ModelWork,
        entering: Entering,
        work: impl FnOnce(&Shared) -> Result<ModelWork> + Send + 'static,
    ) -> Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let before = {
            let mut inner = self.shared.inner();
            if inner.busy {
                return Err(occupied());
            }
            self.shared.stop.store(false, Ordering::Release);
            std::mem::replace(&mut *inner, Inner { work: begun, busy: true })
        };
        // What was done before has told its end; its thread needs a moment at most.
        if let Some(ended) = thread.take() {
            let _ = ended.join();
        }
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new().name("models".into()).spawn(move || {
            let _ending = Ending(&shared);
            let outcome = work(&shared);
            entering.enter(&outcome);
            shared.end(match outcome {
                Ok(done) => done,
                Err(error) if error.code() == Code::Cancelled => ModelWork::Idle,
                Err(error) => ModelWork::Failed { error: ErrorBody::from(&error) },
            });
        });
        match spawned {
            Ok(spawned) => *thread = Some(spawned),
            Err(cause) => {
                *self.shared.inner() = before;
                let message = format!("不能开始这项工作:{cause}");
                return Err(Error::new(Code::Internal, message, "检查系统的进程数限制").because(cause));
            }
        }
        Ok(())
    }
}

impl Drop for ModelDesk {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

/// Waits until a model that is no longer in its place has written what it began, and ends it.
fn see_off(leaving: Arc<dyn Generator>, stop: &AtomicBool) {
    let until = Instant::now() + LEAVE_LIMIT;
    // Whoever still holds it may be about to ask it.
    while (Arc::strong_count(&leaving) > 1 || leaving.status().queued > 0)
        && Instant::now() < until
        && !stop.load(Ordering::Acquire)
    {
        std::thread::park_timeout(LEAVE_POLL);
    }
}

fn writes(role: ModelRole) -> Result<()> {
    match role {
        ModelRole::Large | ModelRole::Small => Ok(()),
        ModelRole::Embedder | ModelRole::Reranker | ModelRole::Adapter => Err(Error::new(
            Code::BadParameter,
            "只有生成说明文字的模型能在运行中更换",
            "位置选“大模型”或“小模型”;编码和重排的模型在启动时指定",
        )),
    }
}

fn label(role: ModelRole) -> &'static str {
    if role == ModelRole::Small { "小模型" } else { "大模型" }
}

fn occupied() -> Error {
    Error::new(Code::Busy, "另一项模型工作正在进行", "等它结束后重试;测速可以取消")
}

/// What was done lasts only until the service is started again.
fn forgotten(done: &str, error: &Error) -> Error {
    Error::new(error.code(), format!("{done},但没能记下,重启服务后会变回去:{}", error.message()), error.hint())
}
