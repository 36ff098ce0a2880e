//! Whether the knowledge that answers is what head office signed.
//!
//! Before a generation is seated its manifest is verified by the trust roots and its file compared with the manifest, to the last byte.
//! What takes longer than [`AT_ONCE`] goes on beside the answers, which bear a notice until it is done. Afterwards the files' identity
//! and times are looked at a few times a second, and their bytes again at intervals while nobody waits. What is not as signed does not
//! answer: the generation before it does, if it is, and else nothing.

use super::overview::Load;
use crate::error::{Code, Error};
use crate::import::{Compared, compare_file, may_answer, step_back, vouched};
use crate::pack::keys::SoftwareVerifier;
use crate::store::generations::{Active, DataDir};
use jiff::Timestamp;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for a comparison before what is compared answers with a notice: 350 MB take 0.25 s on the reference box.
const AT_ONCE: Duration = Duration::from_millis(500);
/// A comparison beside the answers makes way for tellers between two pieces, but by no more than this in all.
const MAKES_WAY: Duration = Duration::from_secs(60);
/// Pause of a comparison while a teller's question is worked on.
const PAUSE: Duration = Duration::from_millis(5);
/// Verdicts that are remembered: of the two generations, before and after a change.
const REMEMBERED: usize = 8;

/// What tells a file from another and from itself before a change.
type Identity = Option<(u64, u64, u64, i64, i64, i64, i64)>;

/// The files of a generation as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    gid: String,
    files: Vec<Identity>,
}

impl Stamp {
    fn of(data: &DataDir, gid: &str) -> Stamp {
        let folder = data.generation(gid);
        let own = ["knowledge.db", "manifest.json", "manifest.json.sig"].map(|name| identity(&folder.join(name)));
        let mut roots: Vec<PathBuf> =
            std::fs::read_dir(data.roots()).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
        roots.sort_unstable();
        let files = own.into_iter().chain(roots.iter().map(|root| identity(root))).collect();
        Stamp { gid: gid.to_owned(), files }
    }
}

fn identity(path: &Path) -> Identity {
    let of = |m: Metadata| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    std::fs::metadata(path).ok().map(of)
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Sound(Vec<PathBuf>),
    Altered(String),
    /// It was stopped.
    None,
}

/// A generation that is not what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Altered {
    pub(super) gid: String,
    pub(super) why: String,
}

/// Which generation is to answer.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// `None` before the first import, and when none is what was signed.
    pub(super) gid: Option<String>,
    /// Those that would have gone before it.
    pub(super) altered: Vec<Altered>,
    /// Since when it is being compared, if that is not done.
    pub(super) unchecked: Option<Timestamp>,
    /// Files of trust roots whose copy served.
    pub(super) mended: Vec<PathBuf>,
}

/// A comparison on a thread of its own.
struct Running {
    stamp: Stamp,
    since: Timestamp,
    stop: Arc<AtomicBool>,
    aside: Arc<AtomicBool>,
    verdict: Receiver<Verdict>,
}

#[derive(Default)]
struct Inner {
    known: Vec<(Stamp, Verdict)>,
    /// What was looked at for the present choice.
    watched: Vec<Stamp>,
    running: Option<Running>,
    /// What answers has not been compared to its end.
    unchecked: bool,
    /// When the knowledge that answers was last compared as a whole.
    compared: Option<Instant>,
}

/// Watches over the knowledge of a data folder.
#[derive(Default)]
pub(super) struct Integrity {
    /// In the place of [`AT_ONCE`].
    at_once: Option<Duration>,
    load: OnceLock<Arc<Load>>,
    inner: Mutex<Inner>,
}

impl Integrity {
    /// Makes way for the requests that this shows.
    pub(super) fn heed(&self, load: Arc<Load>) {
        let _ = self.load.set(load);
    }

    /// Which generation is to answer by what the pointer says.
    pub(super) fn choose(&self, data: &DataDir, active: &Active) -> Choice {
        let mut inner = self.inner();
        inner.watched.clear();
        inner.unchecked = false;
        let mut choice = Choice::default();
        for gid in may_answer(active.active.as_deref(), active.prev.as_deref(), active.least) {
            let stamp = Stamp::of(data, gid);
            inner.watched.push(stamp.clone());
            match self.verdict(&mut inner, data, stamp) {
                Ok(Verdict::Sound(mended)) => {
                    (choice.gid, choice.mended) = (Some(gid.to_owned()), mended);
                    return choice;
                }
                Ok(Verdict::Altered(why)) => choice.altered.push(Altered { gid: gid.to_owned(), why }),
                Ok(Verdict::None) => {}
                Err(since) => {
                    inner.unchecked = true;
                    (choice.gid, choice.unchecked) = (Some(gid.to_owned()), Some(since));
                    return choice;
                }
            }
        }
        choice
    }

    /// What is known of these files, or is found within [`AT_ONCE`]; `Err` since when they are being compared. A generation that was last
    /// found altered is given no such credit: its comparison is waited for.
    fn verdict(&self, inner: &mut Inner, data: &DataDir, stamp: Stamp) -> Result<Verdict, Timestamp> {
        if let Some((_, verdict)) = inner.known.iter().find(|(known, _)| *known == stamp) {
            return Ok(verdict.clone());
        }
        let suspect = inner.last_altered(&stamp.gid);
        if inner.running.as_ref().is_none_or(|running| running.stamp != stamp) {
            self.begin(inner, data, stamp, false);
        }
        let Some(running) = &mut inner.running else { return Ok(Verdict::None) };
        let found = match &suspect {
            None => running.verdict.recv_timeout(self.at_once.unwrap_or(AT_ONCE)),
            Some(_) => {
                running.aside.store(false, Ordering::Release);
                running.verdict.recv().map_err(|_| RecvTimeoutError::Disconnected)
            }
        };
        match found {
            Ok(verdict) => {
                inner.settle(verdict.clone());
                Ok(verdict)
            }
            Err(RecvTimeoutError::Timeout) => {
                running.aside.store(true, Ordering::Release);
                Err(running.since)
            }
            // There was no thread for it; it is tried again.
            Err(RecvTimeoutError::Disconnected) => {
                let since = running.since;
                inner.running = None;
                suspect.map(Verdict::Altered).ok_or(since)
            }
        }
    }

    /// Begins a comparison in the place of another.
    fn begin(&self, inner: &mut Inner, data: &DataDir, stamp: Stamp, routine: bool) {
        if let Some(other) = inner.running.take() {
            other.stop.store(true, Ordering::Release);
        }
        let (stop, aside) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(routine)));
        let (told, verdict) = channel();
        let (data, gid, load) = (data.clone(), stamp.gid.clone(), self.load.get().cloned());
        let (stopped, steps_aside) = (Arc::clone(&stop), Arc::clone(&aside));
        let examine = move || {
            if routine {
                step_back();
            }
            let mut way = Way { load, aside: steps_aside, stop: stopped, made: Duration::ZERO };
            // Nobody wants the verdict of a comparison that another took the place of.
            let _ = told.send(examine(&data, &gid, &mut way));
        };
        match std::thread::Builder::new().name("integrity".into()).spawn(examine) {
            Ok(_) => {}
            // The sender is dropped with it: the verdict is that there is none.
            Err(error) => tracing::error!(%error, "no thread to compare the knowledge with its manifest"),
        }
        inner.running = Some(Running { stamp, since: Timestamp::now(), stop, aside, verdict });
    }

    /// Whether another choice may be due: a file is another, or a comparison has come to its end. Begins one when `every` has passed since
    /// the last and nobody waits for an answer.
    pub(super) fn look(&self, data: &DataDir, every: Duration) -> bool {
        let mut inner = self.inner();
        if inner.watched.is_empty() {
            return false;
        }
        match inner.running.as_ref().map(|running| running.verdict.try_recv()) {
            Some(Ok(verdict)) => {
                let sound = matches!(verdict, Verdict::Sound(_));
                inner.settle(verdict);
                return inner.unchecked || !sound;
            }
            Some(Err(TryRecvError::Empty)) => return inner.has_changed(data),
            // There was no thread for it.
            Some(Err(TryRecvError::Disconnected)) => inner.running = None,
            None => {}
        }
        if inner.has_changed(data) {
            return true;
        }
        let idle = self.load.get().is_none_or(|load| load.working() == 0);
        if idle
            && inner.compared.is_none_or(|then| then.elapsed() >= every)
            && let Some(stamp) = inner.watched.last().cloned()
        {
            self.begin(&mut inner, data, stamp, true);
        }
        false
    }

    /// Whether what answers has not been compared to its end.
    pub(super) fn is_unchecked(&self) -> bool {
        self.inner().unchecked
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Keeps what the comparison found of the files that it began with.
    fn settle(&mut self, verdict: Verdict) {
        let Some(running) = self.running.take() else { return };
        self.compared = Some(Instant::now());
        self.known.retain(|(stamp, _)| *stamp != running.stamp);
        if verdict != Verdict::None {
            self.known.push((running.stamp, verdict));
        }
        let surplus = self.known.len().saturating_sub(REMEMBERED);
        self.known.drain(..surplus);
    }

    /// Why a generation was found altered when it was last compared.
    fn last_altered(&self, gid: &str) -> Option<String> {
        match self.known.iter().rev().find(|(stamp, _)| stamp.gid == gid) {
            Some((_, Verdict::Altered(why))) => Some(why.clone()),
            _ => None,
        }
    }

    /// Whether files are others than before; said once of each change, lest a choice that fails is made again and again.
    fn has_changed(&mut self, data: &DataDir) -> bool {
        let mut changed = false;
        for stamp in &mut self.watched {
            let now = Stamp::of(data, &stamp.gid);
            changed |= now != *stamp;
            *stamp = now;
        }
        changed
    }
}

impl Drop for Integrity {
    fn drop(&mut self) {
        if let Some(running) = &self.inner().running {
            running.stop.store(true, Ordering::Release);
        }
    }
}

/// Makes way for tellers between two pieces of a file.
struct Way {
    load: Option<Arc<Load>>,
    aside: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    made: Duration,
}

impl Way {
    fn go_on(&mut self) -> bool {
        let busy = |load: &Arc<Load>| load.working() > 0;
        while self.aside.load(Ordering::Acquire)
            && self.made < MAKES_WAY
            && self.load.as_ref().is_some_and(busy)
            && !self.stop.load(Ordering::Acquire)
        {
            std::thread::sleep(PAUSE);
            self.made += PAUSE;
        }
        !self.stop.load(Ordering::Acquire)
    }
}

fn examine(data: &DataDir, gid: &str, way: &mut Way) -> Verdict {
    let signed = match vouched(data, gid, &SoftwareVerifier) {
        Ok(signed) => signed,
        Err(e) => return Verdict::Altered(e.message().to_owned()),
    };
    match compare_file(&data.knowledge(gid), &signed.knowledge, &mut || way.go_on()) {
        Ok(Compared::Same) => Verdict::Sound(signed.mended),
        Ok(Compared::Other(why)) => Verdict::Altered(format!("知识文件{why}")),
        Ok(Compared::Stopped) => Verdict::None,
        Err(e) => Verdict::Altered(format!("知识文件读不出:{e}")),
    }
}

/// Why nothing answers.
pub(super) fn withheld(altered: &[Altered]) -> Error {
    let first = altered.first().map_or_else(String::new, |first| format!("{}:{}", first.gid, first.why));
    Error::new(
        Code::KbAltered,
        format!("本机的知识与总行签发的不一致,已停用({first}),没有完好的前一代可用"),
        "请科技人员插上该知识包的 U 盘重新导入(guida import);在此之前按纸质或其他渠道的制度办理",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_altered_gets_no_credit_when_it_is_touched() {
        let home = tempfile::tempdir().unwrap();
        let data = DataDir::at(home.path());
        let gid = "1-7-5983e6bb69cc";
        std::fs::create_dir_all(data.generation(gid)).unwrap();
        let active = Active { active: Some(gid.into()), ..Active::default() };
        let mut integrity = Integrity::default();
        integrity.at_once = Some(Duration::ZERO);
        // Without a manifest nothing vouches for it; the first time it may answer until that is found.
        let mut choice = integrity.choose(&data, &active);
        while choice.altered.is_empty() {
            integrity.look(&data, Duration::MAX);
            choice = integrity.choose(&data, &active);
        }
        for touched in ["knowledge.db", "manifest.json", "manifest.json.sig"] {
            std::fs::write(data.generation(gid).join(touched), touched).unwrap();
            assert!(integrity.look(&data, Duration::MAX), "{touched}");
            let choice = integrity.choose(&data, &active);
            assert_eq!((choice.gid, choice.unchecked, choice.altered.len()), (None, None, 1), "{touched}");
        }
    }
}
