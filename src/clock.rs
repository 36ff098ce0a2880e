//! The calendar that effective dates follow, and how far the box's own clock can be believed.
//!
//! [`today`] and [`now`] read the machine's clock as it is. A box at a counter has no network and an old battery: its clock may
//! stand at 1970, or have run ahead until somebody set it right. [`BoxClock`] knows two things that the machine's clock does not:
//! the *time floor*, the latest time that head office has signed and this box has verified, which is certainly past; and the latest
//! time that this clock itself has ever shown. While it runs it also knows how much time has really passed. It never stops an answer or an import. It answers by the rules of a day that is
//! never before the floor's, and warns until somebody has looked.

use crate::error::Result;
use crate::types::Date;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// China Standard Time is UTC+8 all year (no daylight saving since 1992), so no time zone database is needed.
const CHINA: jiff::tz::Offset = jiff::tz::Offset::constant(8);

/// How far a clock may go back, or lie before the floor, without a warning. A battery clock drifts by seconds a day and is set by
/// hand to the minute, so months of drift mended at once stay below it; the smallest real mistake, a clock set in another time zone,
/// is a whole hour or more. Rules change by the day, so that an hour matters at most around one midnight.
pub const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);
/// The latest time is written down when it has moved on by this much. What a power cut loses of it is no more than [`TOLERANCE`]
/// forgives anyway: right after a start, a step of up to twice the tolerance may pass unnoticed, never a larger one.
const WRITE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Longest time that a box is off: a branch is closed for a holiday, or rebuilt. A clock that shows more is looked at by somebody first.
pub const OFF_LIMIT: SignedDuration = SignedDuration::from_hours(45 * 24);

/// Today in China, by the machine's clock.
pub fn today() -> Date {
    now().date()
}

/// The wall clock in China, by the machine's clock.
pub fn now() -> jiff::civil::DateTime {
    in_china(Timestamp::now())
}

/// A moment as the wall clock in China shows it.
pub fn in_china(moment: Timestamp) -> jiff::civil::DateTime {
    CHINA.to_datetime(moment)
}

/// The day in China at a moment.
pub fn day_of(moment: Timestamp) -> Date {
    in_china(moment).date()
}

/// Where the latest time that the clock has shown outlives a restart.
pub trait Seen: Send + Sync {
    /// The time that was stored last; `None` on a new box.
    ///
    /// # Errors
    /// Those of the place; the clock then begins anew.
    fn load(&self) -> Result<Option<Timestamp>>;

    /// Stores a time, also one before the last: somebody has set the clock right then.
    ///
    /// # Errors
    /// Those of the place; the clock goes on without.
    fn store(&self, seen: Timestamp) -> Result<()>;
}

/// Remembers nothing beyond the process: for knowledge that is one file, without a data folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl Seen for Forgetful {
    fn load(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    fn store(&self, _: Timestamp) -> Result<()> {
        Ok(())
    }
}

/// What is wrong with the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockWarning {
    /// It lies before a time that head office has signed, so it is certainly wrong. Answers go by the day of the floor; confirming does
    /// not help, setting the clock does.
    BeforeFloor {
        /// The time floor.
        floor: Timestamp,
        /// What the clock shows.
        now: Timestamp,
    },
    /// It has shown a later time before: it was wrong then, or it is now. Somebody must look and confirm.
    SteppedBack {
        /// The latest time that it has shown.
        seen: Timestamp,
        /// What it shows.
        now: Timestamp,
    },
    /// It shows a time later than can have passed: since it was last read, or since the box was last on. Somebody must look and confirm.
    SteppedForward {
        /// The latest time that it can show.
        before: Timestamp,
        /// What it shows.
        now: Timestamp,
    },
}

/// What the clock says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The day by whose rules is answered, in China; never before the floor's day.
    pub day: Date,
    /// The machine's clock as it is.
    pub now: Timestamp,
    /// The later one of clock and floor: what has certainly passed.
    pub passed: Timestamp,
    /// What is wrong with it.
    pub warning: Option<ClockWarning>,
}

/// The clock of a box. Shared by all who need the day; every method may be called from any thread.
pub struct BoxClock {
    source: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// How long the machine has been up, sleep included; `None` where nothing tells.
    uptime: Box<dyn Fn() -> Option<Duration> + Send + Sync>,
    seen: Box<dyn Seen>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    floor: Option<Timestamp>,
    /// The latest time that the clock has shown.
    seen: Option<Timestamp>,
    /// What of it was stored, or could not be.
    tried: Option<Timestamp>,
    /// The last reading that was believed, and how long the machine had been up then.
    believed: Option<(Timestamp, Option<Duration>)>,
}

impl fmt::Debug for BoxClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxClock").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Default for BoxClock {
    /// The machine's clock without a floor and without a memory.
    fn default() -> BoxClock {
        BoxClock::new(None, Forgetful)
    }
}

impl BoxClock {
    /// The machine's clock with this floor and this memory. A memory that cannot be read is begun anew.
    pub fn new(floor: Option<Timestamp>, seen: impl Seen + 'static) -> BoxClock {
        BoxClock { uptime: Box::new(uptime), ..BoxClock::by(Timestamp::now, floor, seen) }
    }

    /// The same with another measure of how long the machine has been up.
    #[must_use]
    pub fn up_for(self, uptime: impl Fn() -> Option<Duration> + Send + Sync + 'static) -> BoxClock {
        BoxClock { uptime: Box::new(uptime), ..self }
    }

    /// The same with another source of time, and without knowing what has passed.
    pub fn by(
        source: impl Fn() -> Timestamp + Send + Sync + 'static,
        floor: Option<Timestamp>,
        seen: impl Seen + 'static,
    ) -> BoxClock {
        let stored = seen.load().unwrap_or_else(|error| {
            tracing::warn!(%error, "the latest time cannot be read");
            None
        });
        let state = State { floor, seen: stored, tried: stored, believed: None };
        BoxClock { source: Box::new(source), uptime: Box::new(|| None), seen: Box::new(seen), state: Mutex::new(state) }
    }

    /// Reads the clock, and remembers what it shows.
    pub fn read(&self) -> Reading {
        let (now, up) = ((self.source)(), (self.uptime)());
        let mut state = self.state();
        let warning = judge(now, state.floor, state.seen).or_else(|| match state.believed {
            None => long_off(now, state.seen),
            Some(believed) => ahead(now, up, believed),
        });
        // A time that cannot be is not one that the clock has to come up to.
        if warning.is_none() {
            state.believed = Some((now, up));
            if state.seen.is_none_or(|seen| seen < now) {
                state.seen = Some(now);
                if state.tried.is_none_or(|tried| now.duration_since(tried) >= WRITE_EVERY) {
                    self.store(&mut state, now);
                }
            }
        }
        let passed = state.floor.map_or(now, |floor| floor.max(now));
        Reading { day: in_china(passed).date(), now, passed, warning }
    }

    /// The day by whose rules is answered.
    pub fn today(&self) -> Date {
        self.read().day
    }

    /// Somebody has looked: the clock is right now. Returns what is still wrong, which can only be the floor: what head office has
    /// signed is past, whatever somebody at the box says.
    pub fn confirm(&self) -> Reading {
        let (now, up) = ((self.source)(), (self.uptime)());
        {
            let mut state = self.state();
            if judge(now, state.floor, None).is_none() {
                state.seen = Some(now);
                state.believed = Some((now, up));
                self.store(&mut state, now);
            }
        }
        self.read()
    }

    /// A later time was signed and verified. The floor never goes down.
    pub fn raise_floor(&self, to: Timestamp) {
        let mut state = self.state();
        state.floor = Some(state.floor.map_or(to, |floor| floor.max(to)));
    }

    /// The time floor.
    pub fn floor(&self) -> Option<Timestamp> {
        self.state().floor
    }

    fn store(&self, state: &mut State, now: Timestamp) {
        // A place that cannot be written is tried again after [`WRITE_EVERY`], not at every question.
        state.tried = Some(now);
        if let Err(error) = self.seen.store(now) {
            tracing::warn!(%error, "the latest time cannot be stored");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the machine has been up (`proc(5)`), sleep included.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    Duration::try_from_secs_f64(text.split_whitespace().next()?.parse().ok()?).ok()
}

/// Whether the clock shows more than has passed since a reading that was believed.
fn ahead(now: Timestamp, up: Option<Duration>, (then, up_then): (Timestamp, Option<Duration>)) -> Option<ClockWarning> {
    let passed = SignedDuration::try_from(up?.checked_sub(up_then?)?).ok()?;
    let before = then.checked_add(passed).ok()?;
    (now.duration_since(before) > TOLERANCE).then_some(ClockWarning::SteppedForward { before, now })
}

/// Whether the clock shows more than a box is off, after the latest time that it has shown.
pub fn long_off(now: Timestamp, seen: Option<Timestamp>) -> Option<ClockWarning> {
    let before = seen?.checked_add(OFF_LIMIT).ok()?;
    (now > before).then_some(ClockWarning::SteppedForward { before, now })
}

/// What is wrong with a clock that shows `now`, given the time floor and the latest time that it has shown. Remembers nothing.
pub fn judge(now: Timestamp, floor: Option<Timestamp>, seen: Option<Timestamp>) -> Option<ClockWarning> {
    let later = |than: Option<Timestamp>| than.filter(|than| than.duration_since(now) > TOLERANCE);
    match (later(floor), later(seen)) {
        (Some(floor), _) => Some(ClockWarning::BeforeFloor { floor, now }),
        (None, Some(seen)) => Some(ClockWarning::SteppedBack { seen, now }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
