//! Who computes next, and how much at a time. Pure: numbers in, a choice out.
//!
//! - **Order.** A request's turn is its arrival plus the time that its own prompt takes: a short prompt, or one that the cache
//!   knows, passes a long one that came just before it, and nobody waits for ever, because later arrivals count from later on.
//! - **Step.** While replies are being written, a step takes as many prompt tokens as are computed in [`STEP_TARGET_MS`], so that
//!   a newcomer never freezes the others. When nobody writes, it takes as many as [`ALONE_TARGET_MS`] and the batch allow.

use std::time::Duration;

/// How long the writers may wait for their next token while a prompt is read, in milliseconds: text still flows.
pub(super) const STEP_TARGET_MS: f64 = 2000.0;
/// How long a step may take when nobody writes: progress is shown, and a stop is heard, at least this often.
const ALONE_TARGET_MS: f64 = 4000.0;
/// Fewest prompt tokens of a step when nobody writes.
const MIN_ALONE_TOKENS: usize = 64;
/// Fewest prompt tokens of a step: below, matrix products become memory-bound and reading takes longer in all.
pub(super) const MIN_STEP_TOKENS: usize = 64;
/// Tokens of a tile of llama.cpp's attention on the CPU (`GGML_FA_TILE_Q`).
const TILE: usize = 64;
/// Speed assumed before the first measurement, tokens per second (a 4B model on ten laptop threads).
const FIRST_GUESS: f64 = 56.0;
/// Most prompt tokens of the first step, before anything was measured.
pub(super) const FIRST_STEP_TOKENS: f64 = FIRST_GUESS * ALONE_TARGET_MS / 1e3;
/// Share of the newest measurement in the running average.
const NEWEST: f64 = 0.2;
/// Steps of fewer tokens say little about reading.
const TELLING_TOKENS: usize = 16;

/// Measured speeds of this model on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Tokens per second when many are computed together.
    reading: f64,
    /// Milliseconds of a whole reply behind its prompt.
    reply_ms: f64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { reading: FIRST_GUESS, reply_ms: 0.0 }
    }
}

impl Pace {
    /// A step of so many tokens took so long.
    pub(super) fn stepped(&mut self, tokens: usize, took: Duration) {
        if tokens >= TELLING_TOKENS && !took.is_zero() {
            self.reading += NEWEST * (tokens as f64 / took.as_secs_f64() - self.reading);
        }
    }

    /// A reply was written within this time, from the first word to the last.
    pub(super) fn replied(&mut self, took: Duration) {
        let ms = took.as_secs_f64() * 1e3;
        self.reply_ms = if self.reply_ms == 0.0 { ms } else { self.reply_ms + NEWEST * (ms - self.reply_ms) };
    }

    /// Time to read so many tokens, in milliseconds.
    pub(super) fn reading_ms(&self, tokens: usize) -> f64 {
        tokens as f64 / self.reading * 1e3
    }

    /// Most prompt tokens of the next step, while so many replies are being written.
    pub(super) fn step_tokens(&self, writing: usize, batch: usize) -> usize {
        let (target, least) = match writing {
            0 => (ALONE_TARGET_MS, MIN_ALONE_TOKENS),
            _ => (STEP_TARGET_MS, MIN_STEP_TOKENS),
        };
        let within = (self.reading * target / 1e3) as usize;
        // Attention on the CPU works in tiles of so many tokens; a part of one costs as much as the whole.
        (within / TILE * TILE).max(least).min(batch)
    }

    /// How long a newcomer would wait for its first word, in milliseconds: all prompts that are still to be read, and, when every
    /// slot is taken, a share of a reply for each of those in front.
    pub(super) fn wait_ms(&self, unread: usize, waiting: usize, free_slots: usize, slots: usize) -> u64 {
        let behind = (waiting + 1).saturating_sub(free_slots);
        let turns = behind as f64 / slots.max(1) as f64;
        (self.reading_ms(unread) + turns * self.reply_ms) as u64
    }
}

/// What the order looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// Milliseconds since the process started.
    pub(super) arrived_ms: f64,
    /// Tokens still to be read.
    pub(super) unread: usize,
}

/// Positions of the claims, first turn first.
pub(super) fn order(claims: &[Claim], pace: &Pace) -> Vec<usize> {
    let mut turns: Vec<(f64, usize)> =
        claims.iter().enumerate().map(|(at, claim)| (claim.arrived_ms + pace.reading_ms(claim.unread), at)).collect();
    turns.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    turns.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(reading: f64) -> Pace {
        Pace { reading, reply_ms: 8000.0 }
    }

    #[test]
    fn short_prompts_pass_but_nobody_starves() {
        let pace = paced(100.0);
        let claim = |arrived_ms, unread| Claim { arrived_ms, unread };
        // Twenty seconds of reading against one: the short one goes first although it came second.
        assert_eq!(order(&[claim(0.0, 2000), claim(500.0, 100)], &pace), [1, 0]);
        // What came before the long one's own time has passed goes before it; later arrivals go behind.
        assert_eq!(order(&[claim(0.0, 2000), claim(19_500.0, 100)], &pace), [0, 1]);
        // Equal work: first come, first served.
        assert_eq!(order(&[claim(2.0, 50), claim(1.0, 50), claim(2.0, 50)], &pace), [1, 0, 2]);
    }

    #[test]
    fn a_newcomer_does_not_freeze_the_writers() {
        assert_eq!(paced(100.0).step_tokens(0, 512), 384);
        assert_eq!(paced(5.0).step_tokens(0, 512), MIN_ALONE_TOKENS);
        assert_eq!(paced(100.0).step_tokens(3, 512), 192);
        assert_eq!(paced(20.0).step_tokens(3, 512), MIN_STEP_TOKENS);
        assert_eq!(paced(5000.0).step_tokens(3, 512), 512);
    }

    #[test]
    fn the_pace_follows_what_is_measured() {
        let mut pace = Pace::default();
        (0..50).for_each(|_| pace.stepped(100, Duration::from_millis(500)));
        assert!((pace.reading - 200.0).abs() < 1.0, "{pace:?}");
        pace.stepped(1, Duration::from_secs(9));
        assert!((pace.reading - 200.0).abs() < 1.0, "single tokens do not count: {pace:?}");
        pace.replied(Duration::from_secs(4));
        assert_eq!(pace.wait_ms(200, 0, 1, 4), pace.reading_ms(200) as u64);
        assert_eq!(pace.wait_ms(0, 3, 0, 4), 4000);
    }
}
