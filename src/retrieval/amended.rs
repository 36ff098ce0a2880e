//! Clauses that another text changes: what they said before is no conclusion, and the changing clause stands beside them.

use super::scope::Admitted;
use super::{Hit, Ranked};
use crate::store::Knowledge;
use crate::types::{ClauseId, Date};
use std::ops::Range;

/// Hits whose changes are looked for; further ones are hardly cited.
const LOOKED_AT: usize = 12;

/// A clause whose words, or a part of them, no longer hold as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// The clause.
    pub clause: ClauseId,
    /// The part that is meant, in bytes of its text; `None` for the whole.
    pub part: Option<Range<usize>>,
    /// The clause that changes it.
    pub by: ClauseId,
}

impl Outdated {
    /// Whether a part of a clause is among the words that no longer hold.
    pub fn covers(&self, clause: ClauseId, range: &Range<usize>) -> bool {
        let meets = |part: &Range<usize>| part.start < range.end && range.start < part.end;
        self.clause == clause && self.part.as_ref().is_none_or(meets)
    }
}

/// Notes which hits are outdated on the day, and puts the clauses that change them right before them, where these may answer.
pub(super) fn put_beside(knowledge: &Knowledge, admitted: &Admitted<'_>, day: Date, ranked: &mut Ranked) {
    let mut at = 0;
    while let Some(hit) = ranked.hits.get(at).filter(|_| at < LOOKED_AT) {
        let (clause, score) = (hit.clause, hit.score);
        for row in knowledge.open_amendments(clause, day) {
            ranked.outdated.push(if row.scope.is_empty() {
                Outdated { clause, part: row.part.clone(), by: row.by }
            } else {
                // What holds for a part of the bank is no conclusion for the bank; the rule's own words go on for the rest.
                Outdated { clause: row.by, part: None, by: clause }
            });
            let known = ranked.hits.iter().position(|hit| hit.stands_for(row.by));
            if !admitted.clause(row.by) || known.is_some_and(|known| known < at) {
                continue;
            }
            if let Some(known) = known {
                ranked.hits.remove(known);
            }
            ranked.hits.insert(at, Hit::new(row.by, score));
            at += 1;
        }
        at += 1;
    }
}
