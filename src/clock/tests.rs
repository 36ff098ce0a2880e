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
    let warning = Some(ClockWarning::SteppedBack { seen: at("2099-01-01T00:00:00Z"), now: at("2026-05-01T00:00:00Z") });
    assert_eq!((clock.today(), clock.read().warning), (day("2026-05-01"), warning));
    // It outlives a restart.
    let clock = hand.clock(Some(FLOOR));
    assert_eq!(clock.read().warning, warning);
    assert_eq!(clock.confirm().warning, None);
    assert_eq!(hand.clock(Some(FLOOR)).read().warning, None);
}

#[test]
fn a_clock_that_jumps_ahead_while_it_runs_warns_until_it_is_confirmed_or_back() {
    let (hand, up) = (Hand::default(), Arc::new(Mutex::new(1000u64)));
    let passed = Arc::clone(&up);
    let seconds = move || Some(Duration::from_secs(*passed.lock().unwrap()));
    let set = |text: &str, at_second: u64| {
        hand.set(text);
        *up.lock().unwrap() = at_second;
    };
    set("2027-12-31T15:00:00Z", 1000);
    let clock = hand.clock(Some(FLOOR)).up_for(seconds);
    assert_eq!((clock.today(), clock.read().warning), (day("2027-12-31"), None));
    // Midnight of a year's end, and of a leap day: as much has passed as the clock says.
    set("2027-12-31T16:00:00Z", 1000 + 3600);
    assert_eq!((clock.today(), clock.read().warning), (day("2028-01-01"), None));
    set("2028-02-28T16:00:00Z", 1000 + 3600 + 59 * 86_400);
    assert_eq!((clock.today(), clock.read().warning), (day("2028-02-29"), None));
    // Two years in a minute.
    set("2030-02-28T16:01:00Z", 1000 + 3600 + 59 * 86_400 + 60);
    let jumped = clock.read();
    assert!(matches!(jumped.warning, Some(ClockWarning::SteppedForward { .. })), "{jumped:?}");
    assert!(clock.read().warning.is_some(), "looking twice makes it no truer");
    assert!(hand.stored().iter().all(|stored| *stored < at("2029-01-01T00:00:00Z")), "{:?}", hand.stored());
    // Back where it should be, it is believed without a word; ahead again and confirmed, that is the time.
    set("2028-02-28T16:02:00Z", 1000 + 3600 + 59 * 86_400 + 120);
    assert_eq!((clock.today(), clock.read().warning), (day("2028-02-29"), None));
    set("2030-02-28T16:03:00Z", 1000 + 3600 + 59 * 86_400 + 180);
    assert!(clock.read().warning.is_some());
    assert_eq!(clock.confirm().warning, None);
    assert_eq!((clock.today(), clock.read().warning), (day("2030-03-01"), None));
}

#[test]
fn a_box_that_was_off_for_longer_than_boxes_are_asks_for_a_look() {
    let hand = Hand::default();
    hand.set("2026-05-01T00:00:00Z");
    hand.clock(None).read();
    hand.set("2026-06-14T00:00:00Z");
    assert_eq!(hand.clock(None).read().warning, None, "six weeks");
    hand.set("2031-05-01T00:00:00Z");
    let clock = hand.clock(None);
    assert!(matches!(clock.read().warning, Some(ClockWarning::SteppedForward { .. })));
    assert!(matches!(hand.clock(None).read().warning, Some(ClockWarning::SteppedForward { .. })), "after a restart");
    assert_eq!(clock.confirm().warning, None);
    assert_eq!(hand.clock(None).read().warning, None);
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
