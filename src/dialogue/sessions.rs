//! The turns of those who ask: in memory only, few, short, and forgotten when nobody asks any more.
//!
//! An id is drawn at random for every session and is all that leads to it. What is kept of a session is shown to nobody; it only
//! decides how the next question of the same session is read.

use super::Turn;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions that are held; the one unused longest goes first.
pub const MAX_SESSIONS: usize = 1000;
/// Turns of a session; the oldest go first.
pub const MAX_TURNS: usize = 20;
/// Bytes of text that a session holds; the oldest turns go first.
pub const MAX_SESSION_BYTES: usize = 16 << 10;
/// A session that nothing was asked in for so long has ended.
pub const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// Random bytes of an id.
const ID_BYTES: usize = 16;

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    held: Mutex<HashMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    turns: VecDeque<Turn>,
    used: Timestamp,
}

impl Sessions {
    /// The turns of a session that goes on at `now`, the oldest first; none for an id that is unknown or whose session has ended.
    pub fn turns(&self, id: Option<&str>, now: Timestamp) -> Vec<Turn> {
        let held = self.lock();
        let session = id.and_then(|id| held.get(id)).filter(|session| !session.has_ended(now));
        session.map_or_else(Vec::new, |session| session.turns.iter().cloned().collect())
    }

    /// Adds a turn to the session, or to a new one when that is unknown or has ended; without a turn it only stays in use. `fresh`
    /// forgets the turns before. Returns the id, which is empty when the system has no random numbers: then nothing is kept.
    pub fn keep(&self, id: Option<&str>, now: Timestamp, fresh: bool, turn: Option<Turn>) -> String {
        let mut held = self.lock();
        held.retain(|_, session| !session.has_ended(now));
        let known = id.filter(|id| held.contains_key(*id)).map(str::to_owned);
        let Some(id) = known.or_else(draw) else { return String::new() };
        if !held.contains_key(&id) && held.len() >= MAX_SESSIONS {
            let oldest = held.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| held.remove(&oldest));
        }
        let session = held.entry(id.clone()).or_insert_with(|| Session { turns: VecDeque::new(), used: now });
        session.used = now;
        if fresh {
            session.turns.clear();
        }
        session.turns.extend(turn);
        while session.turns.len() > MAX_TURNS || session.bytes() > MAX_SESSION_BYTES {
            session.turns.pop_front();
        }
        id
    }

    /// Whole even after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// A clock that was set back ends it, too: nobody knows how long it was idle.
    fn has_ended(&self, now: Timestamp) -> bool {
        now.duration_since(self.used).abs() > IDLE
    }

    fn bytes(&self) -> usize {
        self.turns.iter().map(Turn::bytes).sum()
    }
}

impl Turn {
    fn bytes(&self) -> usize {
        let titles: usize = self.documents.iter().map(String::len).sum();
        self.read.len() + self.choice.as_ref().map_or(0, String::len) + titles
    }
}

/// A new id.
fn draw() -> Option<String> {
    let mut bytes = [0; ID_BYTES];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no random numbers: questions are answered without a session");
        return None;
    }
    let mut id = String::with_capacity(2 * ID_BYTES);
    for byte in bytes {
        let _ = write!(id, "{byte:02x}");
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(read: &str) -> Turn {
        Turn { read: read.into(), ..Turn::default() }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_session_goes_on_under_its_id_alone() {
        let sessions = Sessions::default();
        let (one, two) = (sessions.keep(None, at(0), false, Some(turn("甲"))), sessions.keep(None, at(0), false, None));
        assert!(one.len() == 2 * ID_BYTES && one != two && one.chars().all(|c| c.is_ascii_hexdigit()), "{one} {two}");
        assert_eq!(sessions.keep(Some(&one), at(1), false, Some(turn("乙"))), one);
        assert_eq!(sessions.turns(Some(&one), at(2)), [turn("甲"), turn("乙")]);
        for other in [Some(two.as_str()), Some("不认识"), Some(""), None] {
            assert!(sessions.turns(other, at(2)).is_empty(), "{other:?}");
        }
        let unknown = sessions.keep(Some("不认识"), at(2), false, Some(turn("丙")));
        assert!(unknown != "不认识" && unknown.len() == 2 * ID_BYTES, "an id is made here alone");
        assert_eq!(sessions.keep(Some(&one), at(2), true, Some(turn("丁"))), one);
        assert_eq!(sessions.turns(Some(&one), at(2)), [turn("丁")]);
    }

    #[test]
    fn an_idle_session_ends() {
        let sessions = Sessions::default();
        let id = sessions.keep(None, at(0), false, Some(turn("甲")));
        assert_eq!(sessions.turns(Some(&id), at(10)).len(), 1);
        assert!(sessions.turns(Some(&id), at(11)).is_empty());
        assert!(sessions.turns(Some(&id), at(-11)).is_empty());
        assert_ne!(sessions.keep(Some(&id), at(11), false, None), id);
        assert_eq!(sessions.lock().len(), 1, "what has ended is not held");
    }

    #[test]
    fn all_of_it_is_bounded() {
        let sessions = Sessions::default();
        let first = sessions.keep(None, at(0), false, Some(turn("甲")));
        for n in 0..=MAX_TURNS {
            sessions.keep(Some(&first), at(0), false, Some(turn(&n.to_string())));
        }
        let turns = sessions.turns(Some(&first), at(0));
        assert_eq!((turns.len(), turns[0].read.as_str()), (MAX_TURNS, "1"));
        sessions.keep(Some(&first), at(0), false, Some(turn(&"长".repeat(MAX_SESSION_BYTES / 3))));
        let turns = sessions.turns(Some(&first), at(0));
        assert!(turns.len() < MAX_TURNS && turns.iter().map(Turn::bytes).sum::<usize>() <= MAX_SESSION_BYTES);
        for _ in 0..MAX_SESSIONS {
            sessions.keep(None, at(1), false, None);
        }
        assert_eq!(sessions.lock().len(), MAX_SESSIONS);
        assert!(sessions.turns(Some(&first), at(1)).is_empty(), "the one unused longest is gone");
    }
}
