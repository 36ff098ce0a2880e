//! A disk that fails where a rule says so, or when its bytes are used up.

use super::{Kind, Order, Step, Watched, Watcher};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Fails an operation of one kind on paths with `part` in them, the `nth` time (from 1); once, or from then on.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Kind,
    part: String,
    nth: usize,
    errno: Errno,
    short: Option<usize>,
    lasting: bool,
}

impl Fault {
    /// The first such operation fails, once. For a rename, `part` may stand in either name.
    pub fn on(kind: Kind, part: &str, errno: Errno) -> Fault {
        Fault { kind, part: part.into(), nth: 1, errno, short: None, lasting: false }
    }

    pub fn nth(self, nth: usize) -> Fault {
        Fault { nth, ..self }
    }

    /// From then on every such operation fails.
    pub fn lasting(self) -> Fault {
        Fault { lasting: true, ..self }
    }

    /// A write first writes so many bytes.
    pub fn after_bytes(self, bytes: usize) -> Fault {
        Fault { short: Some(bytes), ..self }
    }

    fn meets(&self, step: &Step) -> bool {
        let named = |path: &Path| path.to_string_lossy().contains(&self.part);
        self.kind == step.kind && (named(&step.path) || step.to.as_deref().is_some_and(named))
    }
}

/// What the disk says of its room.
#[derive(Debug, Clone, Copy)]
pub enum Free {
    /// What is left of the budget.
    True,
    /// This, whatever is left.
    Said(u64),
}

/// See [`FaultyDisk`].
pub struct Faults {
    rules: Vec<(Fault, Mutex<usize>)>,
    /// The operations of these numbers fail, from 0, whatever they are.
    at: Option<(Range<usize>, Errno)>,
    budget: Option<(u64, Free)>,
    used: Mutex<Used>,
    steps: Mutex<Vec<Step>>,
}

#[derive(Default)]
struct Used {
    bytes: u64,
    /// What each file written through this disk takes up; files from before are free, as if the budget counted without them.
    files: HashMap<PathBuf, u64>,
}

/// Fails by rules and budget. As on Linux, a sync that failed succeeds when it is called again, though the data is gone: whoever calls
/// it again is seen in [`FaultyDisk::steps`].
pub type FaultyDisk = Watched<Faults>;

impl FaultyDisk {
    pub fn with(faults: &[Fault]) -> FaultyDisk {
        FaultyDisk::of(faults, None, None)
    }

    /// Fails operation `at`, from 0, once.
    pub fn at(at: usize, errno: Errno) -> FaultyDisk {
        FaultyDisk::of(&[], Some((at..at + 1, errno)), None)
    }

    /// Fails operation `at`, from 0, and all after it.
    pub fn dying(at: usize, errno: Errno) -> FaultyDisk {
        FaultyDisk::of(&[], Some((at..usize::MAX, errno)), None)
    }

    fn of(faults: &[Fault], at: Option<(Range<usize>, Errno)>, budget: Option<(u64, Free)>) -> FaultyDisk {
        let rules = faults.iter().map(|f| (f.clone(), Mutex::new(0))).collect();
        Watched::by(Faults { rules, at, budget, used: Mutex::default(), steps: Mutex::default() })
    }

    /// Writing fails with ENOSPC once `bytes` more are used; what is removed or replaced comes back.
    pub fn with_room(bytes: u64, free: Free) -> FaultyDisk {
        FaultyDisk::of(&[], None, Some((bytes, free)))
    }

    /// The operations that were tried, failed ones as well.
    pub fn steps(&self) -> Vec<Step> {
        self.watcher.steps.lock().unwrap().clone()
    }

    /// Whether every rule has made something fail.
    pub fn all_struck(&self) -> bool {
        self.watcher.rules.iter().all(|(rule, met)| *met.lock().unwrap() >= rule.nth)
    }

    /// Bytes of the budget in use.
    pub fn used(&self) -> u64 {
        self.watcher.used.lock().unwrap().bytes
    }
}

impl Used {
    fn freed(&mut self, path: &Path) {
        let bytes = self.files.remove(path).unwrap_or(0);
        self.bytes -= bytes;
    }
}

impl Watcher for Faults {
    fn before(&self, step: &Step) -> Order {
        let number = {
            let mut steps = self.steps.lock().unwrap();
            steps.push(step.clone());
            steps.len() - 1
        };
        if let Some((_, errno)) = self.at.as_ref().filter(|(at, _)| at.contains(&number)) {
            return Order::Fail(*errno);
        }
        for (rule, met) in self.rules.iter().filter(|(rule, _)| rule.meets(step)) {
            let mut met = met.lock().unwrap();
            *met += 1;
            if *met == rule.nth || (rule.lasting && *met > rule.nth) {
                return match rule.short {
                    Some(bytes) if step.kind == Kind::Write => Order::Short(bytes.min(step.bytes.len()), rule.errno),
                    _ => Order::Fail(rule.errno),
                };
            }
        }
        if let (Some((budget, _)), Kind::Write) = (self.budget, step.kind) {
            let room = budget - self.used.lock().unwrap().bytes;
            if room < step.bytes.len() as u64 {
                return Order::Short(room as usize, Errno::NOSPC);
            }
        }
        Order::Go
    }

    fn after(&self, step: &Step) {
        let mut used = self.used.lock().unwrap();
        match (step.kind, &step.to) {
            (Kind::Write, _) => {
                let bytes = step.bytes.len() as u64;
                used.bytes += bytes;
                *used.files.entry(step.path.clone()).or_default() += bytes;
            }
            (Kind::Create | Kind::RemoveFile, _) => used.freed(&step.path),
            (Kind::Append, _) => {
                let had = used.files.get(&step.path).copied().unwrap_or(0);
                let kept = had.min(step.length);
                used.bytes -= had - kept;
                used.files.insert(step.path.clone(), kept);
            }
            (Kind::Rename, Some(to)) => {
                used.freed(to);
                // A folder takes its files along.
                let moved: Vec<PathBuf> = used.files.keys().filter(|p| p.starts_with(&step.path)).cloned().collect();
                for path in moved {
                    let bytes = used.files.remove(&path).unwrap_or(0);
                    let rest = path.strip_prefix(&step.path).unwrap();
                    let new = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                    used.files.insert(new, bytes);
                }
            }
            _ => {}
        }
    }

    fn free_bytes(&self, real: u64) -> u64 {
        match self.budget {
            None => real,
            Some((_, Free::Said(bytes))) => bytes,
            Some((budget, Free::True)) => real.min(budget - self.used.lock().unwrap().bytes),
        }
    }
}
