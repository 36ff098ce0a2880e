//! A service follows its data folder: whoever switches the pointer (this process, or `guida import` beside it), the next question is
//! answered from what it names. What is written into the journal beside it (a review, a confirmed clock) is taken up the same way.

use super::branch::{self, BranchStatus, Event, pointer};
use super::seat::{Generation, Seat};
use super::standing::Circumstances;
use crate::clock::{BoxClock, Seen};
use crate::error::{Error, Result};
use crate::import::{manifest_of, to_review, unreviewed};
use crate::store::generations::{Active, DataDir, serial_of};
use crate::store::state::StateDb;
use jiff::Timestamp;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

/// The setting that holds the latest time the clock has shown.
pub(super) const CLOCK_SEEN: &str = "clock_seen";
/// The setting that holds when somebody last confirmed the clock.
pub(super) const CLOCK_CONFIRMED: &str = "clock_confirmed";

/// Entries of the journal that are told: a box that takes in a pack a week has some four a week, so this is years.
const JOURNAL_ENTRIES: usize = 500;

/// A data folder that is followed.
pub(super) struct Home {
    pub(super) data: DataDir,
    pub(super) state: Arc<StateDb>,
    looked: Mutex<Looked>,
}

/// What was seen at the last look, so that a look at nothing new costs next to nothing.
#[derive(Default, PartialEq, Eq)]
struct Looked {
    pointer: Option<(u64, u64, i64, i64)>,
    journal: i64,
    confirmed: Option<String>,
}

/// The journal remembers the clock.
struct Remembered(Arc<StateDb>);

impl Seen for Remembered {
    fn load(&self) -> Result<Option<Timestamp>> {
        Ok(self.0.setting(CLOCK_SEEN)?.and_then(|text| text.parse().ok()))
    }

    fn store(&self, seen: Timestamp) -> Result<()> {
        self.0.set(CLOCK_SEEN, &seen.to_string())
    }
}

impl Home {
    /// Opens the journal of a data folder.
    pub(super) fn open(data: DataDir) -> Result<Home> {
        let state = Arc::new(StateDb::open(&data.state_db())?);
        Ok(Home { data, state, looked: Mutex::default() })
    }

    /// Who the box is, and its generations.
    pub(super) fn branch(&self) -> Result<BranchStatus> {
        branch::status(self.data.root())
    }

    /// What was done to the box, the latest first.
    pub(super) fn journal(&self) -> Result<Vec<Event>> {
        self.state.events(JOURNAL_ENTRIES)
    }

    /// The clock of this box.
    pub(super) fn clock(&self) -> Result<BoxClock> {
        Ok(BoxClock::new(pointer(&self.data)?.0.time_floor, Remembered(Arc::clone(&self.state))))
    }

    /// What the pointer names, with what belongs to it; `None` before the first import.
    pub(super) fn generation(&self) -> Result<Option<Generation>> {
        named(&self.data, &self.state, pointer(&self.data)?)
    }

    /// That nothing was ever imported here, as far as the pointer tells.
    ///
    /// # Errors
    /// `ACTIVE_CORRUPT` when it is damaged: then there was something.
    pub(super) fn is_new(&self) -> Result<()> {
        pointer(&self.data)?.1.map_or(Ok(()), Err)
    }

    /// Takes up what has changed since the last look.
    pub(super) fn follow(&self, seat: &Seat) -> Result<()> {
        let pointer = std::fs::metadata(self.data.active_file())
            .ok()
            .map(|found| (found.dev(), found.ino(), found.mtime(), found.mtime_nsec()));
        let journal = self.state.changes()?;
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if (looked.pointer, looked.journal) == (pointer, journal) {
            return Ok(());
        }
        // It stands in the journal, so it is other only when that is.
        let now = Looked { pointer, journal, confirmed: self.state.setting(CLOCK_CONFIRMED)? };
        if looked.confirmed != now.confirmed && *looked != Looked::default() {
            seat.standing.clock.confirm();
        }
        // Noted first: a pointer that cannot be followed is not tried again and again, only when it changes.
        *looked = now;
        drop(looked);
        take_up(&self.data, &self.state, seat)
    }
}

/// Puts what the pointer of a data folder names in the seat.
pub(super) fn take_up(data: &DataDir, state: &StateDb, seat: &Seat) -> Result<()> {
    // Read once: everything that is taken up belongs to one pointer.
    let pointer = pointer(data)?;
    if let Some(floor) = pointer.0.time_floor {
        seat.standing.clock.raise_floor(floor);
    }
    named(data, state, pointer)?.map_or(Ok(()), |generation| seat.take_up(generation))
}

fn named(data: &DataDir, state: &StateDb, (active, damaged): (Active, Option<Error>)) -> Result<Option<Generation>> {
    let Some(gid) = active.active.clone() else { return Ok(None) };
    Ok(Some(Generation {
        kb: data.knowledge(&gid),
        review: unreviewed(to_review(data, &gid)?, state)?,
        circumstances: circumstances(data, &active, &gid, damaged.is_some()),
        gid: Some(gid),
    }))
}

fn circumstances(data: &DataDir, active: &Active, gid: &str, active_corrupt: bool) -> Circumstances {
    let manifest = manifest_of(data, gid);
    let issued_at = manifest.as_ref().and_then(|m| m.issued_at.parse().ok());
    let stale_after = manifest.and_then(|m| m.stale_after).and_then(|text| text.parse().ok());
    // What was announced counts until it is here, also when it was taken back here on purpose.
    let newer = active.announced.filter(|announced| serial_of(gid).is_some_and(|serial| *announced > serial));
    Circumstances { issued_at, stale_after, newer: newer.map(|serial| serial.to_string()), active_corrupt }
}
