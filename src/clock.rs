//! The calendar that effective dates follow, and how far the box's own clock can be believed.
//!
//! [`today`] and [`now`] read the machine's clock as it is. A box at a counter has no network and an old battery: its clock may
//! stand at 1970, or have run ahead until somebody set it right. [`BoxClock`] knows two things that the machine's clock does not:
//! the *time floor*, the latest time that head office has signed and this box has verified, which is certainly past; and the latest
//! time that this clock itself has ever shown. It never stops an answer or an import. It answers by the rules of a day that is
//! never before the floor's, and warns until somebody has looked.

use crate::error::Result;
use crate::types::Date;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// China Standard Time is UTC+8 all year (no daylight saving since 1992), so no time zone database is needed.
const CHINA: jiff::tz::Offset = jiff::tz::Offset::constant(8);

/// How far a clock may go back, or lie before the floor, without a warning. A battery clock drifts by seconds a day and is set by
/// hand to the minute, so months of drift mended at once stay below it; the smallest real mistake, a clock set in another time zone,
/// is a whole hour or more. Rules change by the day, so that an hour matters at most around one midnight.
pub const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);
/// The latest time is written down when it has moved on by this much. What a power cut loses of it is no more than [`TOLERANCE`]
/// forgives anyway: right after a start, a step of up to twice the tolerance may pass unnoticed, never a larger one.
const WRITE_EVERY: SignedDuration = SignedDuration::from_hours(1);

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
        BoxClock::by(Timestamp::now, floor, seen)
    }

    /// The same with another source of time.
    pub fn by(
        source: impl Fn() -> Timestamp + Send + Sync + 'static,
        floor: Option<Timestamp>,
        seen: impl Seen + 'static,
    ) -> BoxClock {
        let stored = seen.load().unwrap_or_else(|error| {
            tracing::warn!(%error, "the latest time cannot be read");
            None
        });
        let state = State { floor, seen: stored, tried: stored };
        BoxClock { source: Box::new(source), seen: Box::new(seen), state: Mutex::new(state) }
    }

    /// Reads the clock, and remembers what it shows.
    pub fn read(&self) -> Reading {
        let now = (self.source)();
        let mut state = self.state();
        let warning = judge(now, state.floor, state.seen);
        if state.seen.is_none_or(|seen| seen < now) {
            state.seen = Some(now);
            if state.tried.is_none_or(|tried| now.duration_since(tried) >= WRITE_EVERY) {
                self.store(&mut state, now);
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
        let now = (self.source)();
        {
            let mut state = self.state();
            state.seen = Some(now);
            self.store(&mut state, now);
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
mod tests {
    use super::*;
    use crate::error::{Code, Error};
    use std::sync::Arc;

    /// A clock in the test's hand, and what was stored of it.
    #[derive(Clone, Default)]
    struct Hand(Arc<Mutex<(Timestamp, Vec<Timestamp>)>>);

    impl Hand {
        fn set(&self, text: &str) {
            self.0.lock().unwrap().0 = at(text);
        }

        fn clock(&self, floor: Option<&str>) -> BoxClock {
            let hand = self.clone();
            BoxClock::by(move || hand.0.lock().unwrap().0, floor.map(at), self.clone())
        }

        fn stored(&self) -> Vec<Timestamp> {
            self.0.lock().unwrap().1.clone()
        }
    }

    impl Seen for Hand {
        fn load(&self) -> Result<Option<Timestamp>> {
            Ok(self.stored().last().copied())
        }

        fn store(&self, seen: Timestamp) -> Result<()> {
            self.0.lock().unwrap().1.push(seen);
            Ok(())
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    const FLOOR: &str = "2026-03-01T02:00:00Z";

    #[test]
    fn a_clock_at_1970_answers_by_the_floor_and_warns_whatever_is_confirmed() {
        let hand = Hand::default();
        let clock = hand.clock(Some(FLOOR));
        hand.set("1970-01-01T00:00:10Z");
        let reading = clock.read();
        let warning = Some(ClockWarning::BeforeFloor { floor: at(FLOOR), now: at("1970-01-01T00:00:10Z") });
        assert_eq!((reading.day, reading.passed, reading.warning), (day("2026-03-01"), at(FLOOR), warning));
        assert_eq!(clock.confirm().warning, warning);
        // Setting it right ends the warning.
        hand.set("2026-03-02T01:00:00Z");
        assert_eq!((clock.read().day, clock.read().warning), (day("2026-03-02"), None));
    }

    #[test]
    fn a_clock_that_was_at_2099_warns_until_it_is_confirmed() {
        let hand = Hand::default();
        hand.set("2099-01-01T00:00:00Z");
        let clock = hand.clock(Some(FLOOR));
        // Nothing tells that it is ahead: its word is all there is.
        assert_eq!((clock.today(), clock.read().warning), (day("2099-01-01"), None));
        hand.set("2026-05-01T00:00:00Z");
        let warning =
            Some(ClockWarning::SteppedBack { seen: at("2099-01-01T00:00:00Z"), now: at("2026-05-01T00:00:00Z") });
        assert_eq!((clock.today(), clock.read().warning), (day("2026-05-01"), warning));
        // It outlives a restart.
        let clock = hand.clock(Some(FLOOR));
        assert_eq!(clock.read().warning, warning);
        assert_eq!(clock.confirm().warning, None);
        assert_eq!(hand.clock(Some(FLOOR)).read().warning, None);
    }

    #[test]
    fn a_small_step_is_none() {
        let hand = Hand::default();
        hand.set("2026-05-01T10:00:00Z");
        let clock = hand.clock(Some("2026-05-01T10:30:00Z"));
        assert_eq!(clock.read().warning, None, "head office's clock may be ahead of ours");
        hand.set("2026-05-01T09:00:00Z");
        assert!(matches!(clock.read().warning, Some(ClockWarning::BeforeFloor { .. })));
        let clock = hand.clock(None);
        hand.set("2026-05-01T09:00:00Z");
        assert_eq!(clock.read().warning, None, "exactly the tolerance");
        hand.set("2026-05-01T08:59:59Z");
        assert!(matches!(clock.read().warning, Some(ClockWarning::SteppedBack { .. })));
        hand.set("2026-05-01T10:00:01Z");
        assert_eq!(clock.read().warning, None, "it has caught up");
    }

    #[test]
    fn an_import_raises_the_floor_and_nothing_lowers_it() {
        let hand = Hand::default();
        hand.set("2026-02-01T00:00:00Z");
        let clock = hand.clock(None);
        assert_eq!((clock.today(), clock.read().warning), (day("2026-02-01"), None));
        clock.raise_floor(at(FLOOR));
        assert!(matches!(clock.read().warning, Some(ClockWarning::BeforeFloor { .. })));
        assert_eq!(clock.today(), day("2026-03-01"));
        clock.raise_floor(at("2025-01-01T00:00:00Z"));
        assert_eq!(clock.floor(), Some(at(FLOOR)));
    }

    #[test]
    fn the_day_is_chinas() {
        let hand = Hand::default();
        hand.set("2026-02-28T15:59:59Z");
        let clock = hand.clock(None);
        assert_eq!(clock.today(), day("2026-02-28"));
        hand.set("2026-02-28T16:00:00Z");
        assert_eq!(clock.today(), day("2026-03-01"));
        hand.set("1970-01-01T00:00:00Z");
        assert_eq!(hand.clock(Some("2026-02-28T16:00:00Z")).today(), day("2026-03-01"));
    }

    #[test]
    fn the_latest_time_is_stored_now_and_then_and_its_loss_stops_nothing() {
        let hand = Hand::default();
        hand.set("2026-05-01T10:00:00Z");
        let clock = hand.clock(None);
        for minute in 0..120 {
            hand.set(&format!("2026-05-01T1{}:{:02}:00Z", minute / 60, minute % 60));
            clock.read();
        }
        assert_eq!(hand.stored(), [at("2026-05-01T10:00:00Z"), at("2026-05-01T11:00:00Z")]);
        struct Broken;
        impl Seen for Broken {
            fn load(&self) -> Result<Option<Timestamp>> {
                Err(Error::new(Code::StateDb, "坏了", "修"))
            }
            fn store(&self, _: Timestamp) -> Result<()> {
                self.load().map(|_| ())
            }
        }
        let hand = Hand::default();
        hand.set("2026-05-01T10:00:00Z");
        let source = hand.clone();
        let clock = BoxClock::by(move || source.0.lock().unwrap().0, None, Broken);
        assert_eq!((clock.today(), clock.read().warning), (day("2026-05-01"), None));
        hand.set("2026-04-01T10:00:00Z");
        assert!(matches!(clock.read().warning, Some(ClockWarning::SteppedBack { .. })));
        assert_eq!(clock.confirm().warning, None);
    }
}
