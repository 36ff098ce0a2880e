//! The last hour of questions, minute by minute, and how long their cards took.
//!
//! A ring of one slot a minute by the monotonic clock, so that setting the box's clock moves nothing. A question costs one short lock
//! and a few additions; a slot is cleared by the first question of its next minute.

use super::overview::{MINUTES, Minute};
use super::recent::Outcome;
use std::time::Instant;

/// Seconds of a minute.
const MINUTE: u64 = 60;
/// Classes of card times in each doubling. A percentile is told as the middle of its class, at most `2^(1/32)`, 2.2%, beside the truth.
const CLASSES_A_DOUBLING: usize = 16;
/// Doublings that the classes span: from [`SHORTEST_MS`] to 65 s. What lies outside counts in the outermost class.
const DOUBLINGS: usize = 20;
/// Lower bound of the first class, in milliseconds.
const SHORTEST_MS: f64 = 0.0625;
const CLASSES: usize = CLASSES_A_DOUBLING * DOUBLINGS;

/// What the last [`MINUTES`] minutes brought.
#[derive(Debug)]
pub(super) struct Hour {
    began: Instant,
    slots: Vec<Slot>,
}

/// One minute.
#[derive(Debug, Clone)]
struct Slot {
    /// Which, counted from the beginning.
    index: u64,
    told: Minute,
    /// Cards by class of their time.
    cards: [u32; CLASSES],
}

impl Slot {
    fn empty(index: u64) -> Slot {
        Slot { index, told: Minute::default(), cards: [0; CLASSES] }
    }
}

/// Percentiles of the card times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CardTimes {
    pub(super) p50: f64,
    pub(super) p95: f64,
}

impl Hour {
    /// An hour without questions, whose minutes begin now.
    pub(super) fn new(began: Instant) -> Hour {
        Hour { began, slots: vec![Slot::empty(0); MINUTES] }
    }

    /// Counts a question with its outcome and, where it got a card, the card's time.
    pub(super) fn count(&mut self, now: Instant, outcome: &Outcome, card_ms: f64) {
        let index = self.minute(now);
        let place = self.place(index);
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.index != index {
            *slot = Slot::empty(index);
        }
        slot.told.questions += 1;
        match outcome {
            Outcome::Failed { .. } => {
                slot.told.failed += 1;
                return;
            }
            Outcome::Refused => slot.told.refused += 1,
            Outcome::Answered => {}
        }
        slot.told.slowest_ms = slot.told.slowest_ms.max(card_ms as f32);
        if let Some(cards) = slot.cards.get_mut(class(card_ms)) {
            *cards += 1;
        }
    }

    /// The last [`MINUTES`] minutes, oldest first; the last one is still running, and those before the beginning are empty.
    pub(super) fn minutes(&self, now: Instant) -> Vec<Minute> {
        let last = self.minute(now);
        let known = |back: usize| {
            let index = last.checked_sub(back as u64)?;
            self.slots.get(self.place(index)).filter(|slot| slot.index == index).map(|slot| slot.told)
        };
        (0..MINUTES).rev().map(|back| known(back).unwrap_or_default()).collect()
    }

    /// Nearest-rank percentiles of the cards of these minutes; `None` without cards.
    pub(super) fn card_times(&self, now: Instant) -> Option<CardTimes> {
        let last = self.minute(now);
        let (mut cards, mut slowest) = ([0u64; CLASSES], 0.0f32);
        for slot in self.slots.iter().filter(|slot| slot.index <= last && last - slot.index < MINUTES as u64) {
            slowest = slowest.max(slot.told.slowest_ms);
            cards.iter_mut().zip(&slot.cards).for_each(|(sum, part)| *sum += u64::from(*part));
        }
        let total: u64 = cards.iter().sum();
        let percentile = |share: f64| {
            let rank = ((total as f64 * share).ceil() as u64).max(1);
            let mut passed = 0;
            let class = cards.iter().position(|count| {
                passed += count;
                passed >= rank
            });
            // The middle of the slowest card's class may lie above it.
            class.map(|class| middle_ms(class).min(f64::from(slowest)))
        };
        Some(CardTimes { p50: percentile(0.5)?, p95: percentile(0.95)? })
    }

    fn minute(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / MINUTE
    }

    fn place(&self, index: u64) -> usize {
        (index % MINUTES as u64) as usize
    }
}

/// The class of a time.
fn class(ms: f64) -> usize {
    // What is shorter than the first class, or no number, becomes 0 by the cast.
    (((ms / SHORTEST_MS).log2() * CLASSES_A_DOUBLING as f64) as usize).min(CLASSES - 1)
}

/// The geometric middle of a class.
fn middle_ms(class: usize) -> f64 {
    SHORTEST_MS * ((class as f64 + 0.5) / CLASSES_A_DOUBLING as f64).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn after(began: Instant, seconds: u64) -> Instant {
        began + Duration::from_secs(seconds)
    }

    fn failed() -> Outcome {
        Outcome::Failed { code: "QUESTION_EMPTY".into() }
    }

    #[test]
    fn each_question_is_counted_in_its_minute() {
        let began = Instant::now();
        let mut hour = Hour::new(began);
        assert_eq!(hour.minutes(began), [Minute::default(); MINUTES]);
        hour.count(after(began, 0), &Outcome::Answered, 12.0);
        hour.count(after(began, 59), &Outcome::Refused, 30.0);
        hour.count(after(began, 60), &failed(), 0.0);
        let minutes = hour.minutes(after(began, 119));
        assert_eq!(minutes.len(), MINUTES);
        assert_eq!(minutes[MINUTES - 2], Minute { questions: 2, refused: 1, failed: 0, slowest_ms: 30.0 });
        assert_eq!(minutes[MINUTES - 1], Minute { questions: 1, refused: 0, failed: 1, slowest_ms: 0.0 });
        assert!(minutes[..MINUTES - 2].iter().all(|minute| *minute == Minute::default()));
    }

    #[test]
    fn what_is_older_than_an_hour_is_gone_whether_its_slot_was_needed_or_not() {
        let began = Instant::now();
        let mut hour = Hour::new(began);
        hour.count(after(began, 30), &Outcome::Answered, 800.0);
        hour.count(after(began, 90), &Outcome::Answered, 10.0);
        assert_eq!(hour.minutes(after(began, 3599))[0].questions, 1);
        assert_eq!(hour.minutes(after(began, 3600))[0].slowest_ms, 10.0);
        let left = hour.card_times(after(began, 3600)).unwrap();
        assert!(left.p95 <= 10.0, "{left:?}");
        assert_eq!(hour.card_times(after(began, 3660)), None);
        assert_eq!(hour.minutes(after(began, 7200)), [Minute::default(); MINUTES]);
        // The same slot, an hour later.
        hour.count(after(began, 3630), &Outcome::Answered, 20.0);
        let last = hour.minutes(after(began, 3630))[MINUTES - 1];
        assert_eq!((last.questions, last.slowest_ms), (1, 20.0));
    }

    #[test]
    fn percentiles_are_as_exact_as_promised() {
        let began = Instant::now();
        let mut hour = Hour::new(began);
        assert_eq!(hour.card_times(began), None);
        hour.count(began, &failed(), 5000.0);
        assert_eq!(hour.card_times(began), None, "no card");
        for n in 1..=1000u32 {
            hour.count(after(began, u64::from(n)), &Outcome::Answered, f64::from(n) * 0.5);
        }
        let times = hour.card_times(after(began, 1000)).unwrap();
        for (told, exact) in [(times.p50, 250.0), (times.p95, 475.0)] {
            assert!((told / exact - 1.0).abs() <= 0.0219, "{told} for {exact}");
        }
    }

    #[test]
    fn no_time_falls_outside_and_none_is_told_above_the_slowest() {
        for ms in [0.0, -1.0, f64::NAN, 1e-9, 0.07, 20.0, 64_000.0, 1e12, f64::INFINITY] {
            assert!(class(ms) < CLASSES, "{ms}");
        }
        let began = Instant::now();
        let mut hour = Hour::new(began);
        hour.count(began, &Outcome::Answered, 16.001);
        let times = hour.card_times(began).unwrap();
        assert!((times.p95 - 16.001).abs() < 1e-4, "{times:?}");
    }
}
