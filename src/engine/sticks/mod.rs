//! The sticks that are plugged in and what lies on them. Nothing here is verified: that is the import's business.
//!
//! `places` knows where sticks are mounted, `look` what one says of itself. A stick may be broken or slow: each is looked at on a thread of
//! its own, and whoever asks waits no longer than [`LOOK_LIMIT`]; one that has not answered by then is told as such, and is not looked at
//! again before it has. What was seen is told again for [`FRESH`], so that asking costs next to nothing.

mod look;
mod places;

use super::branch::pointer;
use crate::error::{Code, Error, ErrorBody};
use crate::store::generations::DataDir;
use jiff::Timestamp;
use places::{Mount, Place};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// More folders that stand for sticks or hold them, with colons between.
pub const FOLDERS_VARIABLE: &str = "GUIDA_STICKS";
/// Longest wait for a stick to say what lies on it. A sound one needs some milliseconds, one that spins up or is checked a second.
pub const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// So long, what was seen of a stick is told again without a look.
pub const FRESH: Duration = Duration::from_millis(1500);

/// What was looked for and found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SticksReply {
    /// Sticks, those with packs first.
    pub sticks: Vec<Stick>,
    /// The folders that were looked into.
    pub searched: Vec<String>,
}

/// A mounted stick, or a folder that stands for one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stick {
    /// Where it is mounted; the source of an import.
    pub path: String,
    /// Name of its file system or folder, for people.
    pub label: String,
    /// The packs on it by what they say of themselves, latest first; not verified.
    pub packs: Vec<StickPack>,
    /// It cannot be written: receipts wait for another one.
    pub read_only: bool,
    /// Why it cannot be read.
    pub problem: Option<ErrorBody>,
}

/// A pack, by what it says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StickPack {
    /// Name of the pack.
    pub name: String,
    /// When it says head office made it.
    pub issued_at: Option<Timestamp>,
    /// Bytes of its parts on the stick.
    pub bytes: u64,
    /// It is what is in use here, by its name.
    pub in_use: bool,
    /// Name of the generation that it makes; `None` when it does not read.
    pub gid: Option<String>,
    /// Why it does not read.
    pub problem: Option<ErrorBody>,
}

/// Finds sticks.
pub(super) struct Sticks {
    /// Folders of the settings.
    folders: RwLock<Vec<PathBuf>>,
    /// Folders of the environment.
    given: Vec<PathBuf>,
    desk: Arc<Desk>,
}

/// The looks, by place.
struct Desk {
    looks: Mutex<HashMap<PathBuf, Look>>,
    ended: Condvar,
    /// How a place is looked at.
    look: Box<dyn Fn(&Place) -> Vec<Stick> + Send + Sync>,
}

struct Look {
    /// When it began or, once it has ended, when it did.
    since: Instant,
    /// What was seen; `None` while somebody looks.
    seen: Option<Vec<Stick>>,
}

impl Look {
    fn is_awaited(&self) -> bool {
        self.seen.is_none() && self.since.elapsed() < LOOK_LIMIT
    }
}

impl Sticks {
    /// Looks into the usual places and those that [`FOLDERS_VARIABLE`] names.
    pub(super) fn from_environment() -> Sticks {
        let named = std::env::var_os(FOLDERS_VARIABLE).unwrap_or_default();
        let given = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
        Sticks::looking(given, Box::new(look::look))
    }

    fn looking(given: Vec<PathBuf>, look: Box<dyn Fn(&Place) -> Vec<Stick> + Send + Sync>) -> Sticks {
        let desk = Arc::new(Desk { looks: Mutex::default(), ended: Condvar::new(), look });
        Sticks { folders: RwLock::default(), given, desk }
    }

    /// See [`crate::engine::Engine::set_stick_folders`].
    pub(super) fn set_folders(&self, folders: Vec<PathBuf>) {
        *self.folders.write().unwrap_or_else(PoisonError::into_inner) = folders;
    }

    /// The sticks that are there now; `data` says what is in use.
    pub(super) fn find(&self, data: Option<&DataDir>) -> SticksReply {
        let active = data.and_then(|data| pointer(data).ok()).and_then(|(active, _)| active.active);
        let mut reply = self.find_below(Path::new("/"), &places::mounts());
        for pack in reply.sticks.iter_mut().flat_map(|stick| &mut stick.packs) {
            pack.in_use = pack.gid.is_some() && pack.gid == active;
        }
        reply
    }

    fn find_below(&self, root: &Path, mounts: &[Mount]) -> SticksReply {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let named: Vec<PathBuf> = self.given.iter().chain(folders.iter()).cloned().collect();
        drop(folders);
        let places = places::places(root, mounts, &named);
        let mut sticks: Vec<Stick> = Vec::new();
        for stick in self.desk.look_at(&places) {
            // A folder may have been named that is looked into anyway.
            if sticks.iter().all(|known| known.path != stick.path) {
                sticks.push(stick);
            }
        }
        sticks.sort_by(|a, b| (a.packs.is_empty(), &a.path).cmp(&(b.packs.is_empty(), &b.path)));
        let usual = places::USUAL.iter().map(|place| (*place).to_owned());
        let searched = usual.chain(named.iter().map(|path| path.display().to_string())).collect();
        SticksReply { sticks, searched }
    }
}

impl Desk {
    fn looks(&self) -> MutexGuard<'_, HashMap<PathBuf, Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_at(self: &Arc<Desk>, places: &[Place]) -> Vec<Stick> {
        let mut looks = self.looks();
        looks.retain(|path, look| look.seen.is_none() || places.iter().any(|place| place.path == *path));
        for place in places {
            let known = looks.get(&place.path);
            if known.is_none_or(|look| look.seen.is_some() && look.since.elapsed() >= FRESH) {
                let seen = self.begin(place);
                looks.insert(place.path.clone(), Look { since: Instant::now(), seen });
            }
        }
        // Those that began earlier are waited for less.
        let awaited = |looks: &HashMap<PathBuf, Look>| {
            places.iter().any(|place| looks.get(&place.path).is_some_and(Look::is_awaited))
        };
        let waited = self.ended.wait_timeout_while(looks, LOOK_LIMIT, |looks| awaited(looks));
        let (looks, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let seen = |place: &Place| match looks.get(&place.path).map(|look| &look.seen) {
            Some(Some(seen)) => seen.clone(),
            _ => vec![look::unread(place, &silent())],
        };
        places.iter().flat_map(seen).collect()
    }

    /// Begins a look; returns what is to be told of the place at once when there is no thread for it.
    fn begin(self: &Arc<Desk>, place: &Place) -> Option<Vec<Stick>> {
        let (desk, at) = (Arc::clone(self), place.clone());
        let begun = std::thread::Builder::new().name("stick".into()).spawn(move || {
            let seen = (desk.look)(&at);
            desk.looks().insert(at.path, Look { since: Instant::now(), seen: Some(seen) });
            desk.ended.notify_all();
        });
        let e = begun.err()?;
        let failed = Error::new(Code::Internal, format!("不能查看 U 盘:{e}"), "检查系统的进程数限制").because(e);
        Some(vec![look::unread(place, &failed)])
    }
}

fn silent() -> Error {
    let message = format!("{} 秒内没有读出 U 盘的内容", LOOK_LIMIT.as_secs());
    Error::new(Code::Timeout, message, "重新插一次;仍然这样就换一个 U 盘")
}

#[cfg(test)]
mod tests;
