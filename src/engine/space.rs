//! Whether the disk of the data folder fills up: told while there is still room for journal and log, not when a write fails.

use super::standing::Standing;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Mebibytes that should stay free, where no setting says otherwise.
pub(super) const RESERVE_MB: u64 = 512;
/// Files that can still be made: below this it is told as well. The doctor fails below as many.
const LEAST_INODES: u64 = 1_000;
/// How often it is looked: a busy log takes minutes for a mebibyte.
const EVERY: Duration = Duration::from_secs(2);
/// An alarm ends when so much more than the reserve is free, in parts of it, lest it come and go.
const RELIEF: u64 = 8;

/// Too little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that are free.
    pub(super) free: u64,
    /// Bytes that should be.
    pub(super) reserve: u64,
    /// It is files that cannot be made, not bytes.
    pub(super) files: bool,
}

/// Looks at the disk now and then.
#[derive(Debug, Default)]
pub(super) struct SpaceWatch {
    looked: Mutex<Option<Instant>>,
}

impl SpaceWatch {
    /// Whether it is time to look again; whoever asks then looks.
    pub(super) fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|then| then.elapsed() >= EVERY);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }

    /// Looks whether the disk below `folder` has `reserve` bytes left, and has it told.
    pub(super) fn look(folder: &Path, reserve: u64, standing: &Standing) {
        let Ok(found) = rustix::fs::statvfs(folder) else { return };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        let inodes = (found.f_files > 0).then_some(found.f_favail);
        let short = judge(free, inodes, reserve, standing.is_short_of_space());
        if standing.set_space(short) {
            tracing::error!("the disk of {} is nearly full: {} MiB are free", folder.display(), free >> 20);
        }
    }
}

/// `inodes` is `None` where a file system makes as many as it likes; `told`: it was too little at the look before.
fn judge(free: u64, inodes: Option<u64>, reserve: u64, told: bool) -> Option<Space> {
    let enough = if told { reserve.saturating_add(reserve / RELIEF) } else { reserve };
    let files = inodes.is_some_and(|inodes| inodes < LEAST_INODES);
    (free < enough || files).then_some(Space { free, reserve, files: files && free >= enough })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_below_the_reserve_and_until_there_is_more_than_that() {
        let short = |free, inodes, told| judge(free, inodes, 800, told);
        assert_eq!(short(800, Some(5_000), false), None);
        assert_eq!(short(799, None, false), Some(Space { free: 799, reserve: 800, files: false }));
        assert!(short(850, None, true).is_some() && short(900, None, true).is_none());
        assert_eq!(short(5_000, Some(999), false), Some(Space { free: 5_000, reserve: 800, files: true }));
    }
}
