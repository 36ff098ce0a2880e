//! A service follows its data folder: whoever switches the pointer (this process, or `guida import` beside it), the next question is
//! answered from what it names. What is written into the journal beside it (a review, a confirmed clock) is taken up the same way.

use super::branch::{self, BranchStatus, Event, pointer};
use super::integrity::{Altered, Choice, Integrity, withheld};
use super::sealed::{self, Changed};
use super::seat::{Generation, Seat};
use super::standing::{Circumstances, Found};
use crate::clock::{BoxClock, Seen};
use crate::disk::RealDisk;
use crate::error::{Code, Error, Result};
use crate::import::{chain, manifest_of, mend, to_review, unreviewed};
use crate::pack::keys::SoftwareVerifier;
use crate::store::generations::{Active, DataDir, serial_of};
use crate::store::state::StateDb;
use jiff::Timestamp;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The setting that holds the latest time the clock has shown.
pub(super) const CLOCK_SEEN: &str = "clock_seen";
/// The setting that holds when somebody last confirmed the clock.
pub(super) const CLOCK_CONFIRMED: &str = "clock_confirmed";

/// Who does what nobody asked for, in the journal.
const SERVICE: &str = "service";
/// Entries of the journal that are told: a box that takes in a pack a week has some four a week, so this is years.
const JOURNAL_ENTRIES: usize = 500;

/// A data folder that is followed.
pub(super) struct Home {
    pub(super) data: DataDir,
    pub(super) state: Arc<StateDb>,
    looked: Mutex<Looked>,
    /// Why nothing can be written into the journal.
    unwritable: Option<Error>,
}

/// What was seen at the last look, so that a look at nothing new costs next to nothing.
#[derive(Default, PartialEq, Eq)]
struct Looked {
    pointer: Option<(u64, u64, i64, i64)>,
    journal: i64,
    confirmed: Option<String>,
    /// Length and time of the files that the box has sealed.
    sealed: Vec<Option<(u64, i64, i64)>>,
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
        Ok(Home { data, state, looked: Mutex::default(), unwritable: None })
    }

    /// The same for a service: where the journal cannot be written (the disk is full or read-only, the file is damaged) it is only read, or
    /// done without, and tellers are answered all the same.
    ///
    /// # Errors
    /// `STATE_DB` without memory for the journal that stands in.
    pub(super) fn open_for_service(data: DataDir) -> Result<Home> {
        close(&data);
        let path = data.state_db();
        let (state, unwritable) = match StateDb::open(&path) {
            Ok(state) => (state, None),
            Err(error) => {
                tracing::error!("the journal cannot be written, tellers are answered all the same: {error}");
                let reads = |state: &StateDb| state.verify().is_ok() && state.events(1).is_ok();
                let read_only = StateDb::open_untouched(&path).ok().filter(reads);
                (read_only.map_or_else(StateDb::volatile, Ok)?, Some(error))
            }
        };
        Ok(Home { data, state: Arc::new(state), looked: Mutex::default(), unwritable })
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

    /// What is to answer by what the pointer names.
    pub(super) fn choose(&self, integrity: &Integrity) -> Result<Choice> {
        Ok(integrity.choose(&self.data, &pointer(&self.data)?.0))
    }

    /// A generation with what belongs to it.
    pub(super) fn generation(&self, gid: &str) -> Result<Generation> {
        named(&self.data, &self.state, &pointer(&self.data)?, gid)
    }

    /// That nothing was ever imported here, as far as the pointer tells.
    ///
    /// # Errors
    /// `ACTIVE_CORRUPT` when it is damaged: then there was something.
    pub(super) fn is_new(&self) -> Result<()> {
        pointer(&self.data)?.1.map_or(Ok(()), Err)
    }

    /// Holds the records of this box against their own hashes.
    pub(super) fn check_records(&self, seat: &Seat) {
        seat.standing.set_unwritable(self.unwritable.as_ref().map(|e| e.message().to_owned()));
        let backup = Active::read_backup(&self.data).err().map(|e| e.message().to_owned());
        let answers = seat.standing.answers();
        let sealed = sealed::check(&self.data, &self.state, answers.as_deref(), self.unwritable.is_none());
        let changed = sealed.unwrap_or_else(|e| {
            tracing::error!("the seals of this box's own files cannot be read: {e}");
            Changed::default()
        });
        // Which questions wait for a person is not known then.
        seat.answerer().retriever().set_unsettled(changed.reviews);
        let files = (!changed.files.is_empty()).then(|| changed.files.join(";"));
        let wrong = match self.state.verify() {
            Ok(found) => found.or(files).or(backup),
            Err(e) => Some(e.message().to_owned()),
        };
        if let Some(wrong) = &wrong
            && seat.standing.set_records(Some(wrong.clone()))
        {
            tracing::error!("the records of this box were altered: {wrong}");
        } else if wrong.is_none() {
            seat.standing.set_records(None);
        }
    }

    /// Takes up what has changed since the last look, and has the knowledge compared with its manifest again after `every`.
    pub(super) fn follow(&self, seat: &Seat, every: Duration) -> Result<()> {
        let other = seat.integrity.look(&self.data, every);
        let pointer = std::fs::metadata(self.data.active_file())
            .ok()
            .map(|found| (found.dev(), found.ino(), found.mtime(), found.mtime_nsec()));
        let journal = self.state.changes()?;
        let about =
            |path: &PathBuf| std::fs::metadata(path).ok().map(|found| (found.len(), found.mtime(), found.mtime_nsec()));
        let files = sealed::paths(&self.data, seat.standing.answers().as_deref());
        let sealed: Vec<_> = files.iter().map(about).collect();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if !other && (looked.pointer, looked.journal, &looked.sealed) == (pointer, journal, &sealed) {
            return Ok(());
        }
        // It stands in the journal, so it is other only when that is.
        let now = Looked { pointer, journal, confirmed: self.state.setting(CLOCK_CONFIRMED)?, sealed };
        if looked.confirmed != now.confirmed && *looked != Looked::default() {
            seat.standing.clock.confirm();
        }
        // Noted first: a pointer that cannot be followed is not tried again and again, only when it changes.
        *looked = now;
        drop(looked);
        let taken = take_up(&self.data, &self.state, seat).map(drop);
        // Behind it: what is sealed belongs to the knowledge that answers now.
        self.check_records(seat);
        taken
    }
}

/// Puts what the pointer of a data folder names in the seat, or what stands in for it where that is not what head office signed.
pub(super) fn take_up(data: &DataDir, state: &StateDb, seat: &Seat) -> Result<Choice> {
    // Read once: everything that is taken up belongs to one pointer.
    let pointer = pointer(data)?;
    if let Some(floor) = pointer.0.time_floor {
        seat.standing.clock.raise_floor(floor);
    }
    let choice = seat.integrity.choose(data, &pointer.0);
    match &choice.gid {
        Some(gid) => {
            seat.take_up(named(data, state, &pointer, gid)?)?;
            tell(data, state, seat, &choice);
        }
        None if choice.altered.is_empty() => {}
        // Told first: nobody must hear that there never was any knowledge.
        None => {
            tell(data, state, seat, &choice);
            seat.clear()?;
        }
    }
    Ok(choice)
}

/// [`take_up`] for whoever has just changed the pointer.
///
/// # Errors
/// As there, and `KB_ALTERED` when what it names is not what was signed.
pub(super) fn adopt(data: &DataDir, state: &StateDb, seat: &Seat) -> Result<()> {
    let choice = take_up(data, state, seat)?;
    choice.altered.first().map_or(Ok(()), |_| Err(withheld(&choice.altered)))
}

/// Says what was found of the knowledge, to the counter and in the journal.
pub(super) fn tell(data: &DataDir, state: &StateDb, seat: &Seat, choice: &Choice) {
    let before = seat.standing.set_found(Found {
        altered: choice.altered.clone(),
        answers: choice.gid.clone(),
        unchecked: choice.unchecked,
    });
    let note = |code: &str, detail: &str| {
        if let Err(error) = state.record(SERVICE, "integrity", code, detail) {
            tracing::error!("not in the journal: {error}");
        }
    };
    let stands_in = choice.gid.as_deref().unwrap_or("无");
    for Altered { gid, why } in choice.altered.iter().filter(|one| !before.altered.contains(one)) {
        tracing::error!(
            code = Code::KbAltered.as_str(),
            "{gid} is not what was signed: {why}; in its place: {stands_in}"
        );
        note(Code::KbAltered.as_str(), &format!("{gid}:{why};现以 {stands_in} 作答"));
    }
    for Altered { gid, .. } in before.altered.iter().filter(|one| choice.gid.as_ref() == Some(&one.gid)) {
        tracing::info!("{gid} is what was signed again");
        note("OK", &format!("{gid} 恢复为总行签发的内容"));
    }
    if !choice.mended.is_empty() {
        let names: Vec<String> = choice.mended.iter().map(|file| file.display().to_string()).collect();
        let mended = chain(data, &SoftwareVerifier).and_then(|chain| mend(data, &RealDisk, &chain));
        tracing::error!("a trust root was damaged, its copy served: {}", names.join(", "));
        note(
            Code::TrustMissing.as_str(),
            &format!(
                "信任根文件损坏,以副本为准{}:{}",
                if mended.is_ok() { "修复" } else { "(未能修复)" },
                names.join("、")
            ),
        );
    }
}

fn named(
    data: &DataDir,
    state: &StateDb,
    (active, damaged): &(Active, Option<Error>),
    gid: &str,
) -> Result<Generation> {
    Ok(Generation {
        kb: data.knowledge(gid),
        review: unreviewed(to_review(data, gid)?, state)?,
        circumstances: circumstances(data, active, gid, damaged.is_some()),
        gid: Some(gid.to_owned()),
    })
}

fn circumstances(data: &DataDir, active: &Active, gid: &str, active_corrupt: bool) -> Circumstances {
    let manifest = manifest_of(data, gid);
    let issued_at = manifest.as_ref().and_then(|m| m.issued_at.parse().ok());
    let stale_after = manifest.and_then(|m| m.stale_after).and_then(|text| text.parse().ok());
    // What was announced counts until it is here, also when it was taken back here on purpose.
    // What stands in for a damaged one is behind it, and nothing is gained by importing a stick that is none newer.
    let here = active.active.as_deref().unwrap_or(gid);
    let newer = active.announced.filter(|announced| serial_of(here).is_some_and(|serial| *announced > serial));
    Circumstances { issued_at, stale_after, newer: newer.map(|serial| serial.to_string()), active_corrupt }
}

/// Closes a data folder to users outside its group: an earlier program, or a copy from elsewhere, left it open.
fn close(data: &DataDir) {
    let closed = data.close_to_others();
    if closed.mended > 0 {
        tracing::warn!("{} files of the data folder were open to every user and are closed now", closed.mended);
    }
    if let Some((path, error)) = closed.failed {
        tracing::error!("{} is open to every user and cannot be closed: {error}", path.display());
    }
}
