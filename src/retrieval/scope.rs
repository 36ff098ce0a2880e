//! Which versions may answer: in force on the day, within the reader's clearance, of the levels asked for.

use crate::store::Knowledge;
use crate::types::{Classification, ClauseId, Date, Level};
use std::collections::HashSet;

/// The filters of a query. Classification always applies; nothing lifts it.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The day whose rules are asked for.
    pub as_of: Date,
    /// What the reader may read.
    pub clearance: Classification,
    /// Only these levels; all when empty.
    pub levels: Vec<Level>,
    /// Also texts that are not in force on the day.
    pub all_versions: bool,
}

/// The versions of one knowledge file that a scope admits.
#[derive(Debug)]
pub struct Admitted<'a> {
    knowledge: &'a Knowledge,
    versions: Vec<bool>,
    /// Those of any level.
    standing: Vec<bool>,
}

impl<'a> Admitted<'a> {
    /// Applies a scope.
    pub fn new(knowledge: &'a Knowledge, scope: &Scope) -> Admitted<'a> {
        let stands = |v: &crate::store::Version| {
            v.row.classification <= scope.clearance && (scope.all_versions || v.row.effective.contains(scope.as_of))
        };
        let standing: Vec<bool> = knowledge.versions().iter().map(stands).collect();
        let admits = |(v, standing): (&crate::store::Version, &bool)| {
            *standing && (scope.levels.is_empty() || scope.levels.contains(&v.row.level))
        };
        let versions = knowledge.versions().iter().zip(&standing).map(admits).collect();
        Admitted { knowledge, versions, standing }
    }

    /// These versions, and those that came into force only after the day: later ones of the same documents, and guides. `None` where no
    /// document of the day has a later version.
    pub fn with_later(&self, scope: &Scope) -> Option<Admitted<'a>> {
        let mut of_the_day = HashSet::new();
        let mut versions = self.versions.clone();
        let mut amended = false;
        let later = |v: &crate::store::Version| {
            let begins_later = v.row.effective.from.is_some_and(|from| from > scope.as_of);
            let wanted = scope.levels.is_empty() || scope.levels.contains(&v.row.level);
            begins_later && wanted && v.row.classification <= scope.clearance
        };
        // Versions of a document come oldest first.
        for (version, admitted) in self.knowledge.versions().iter().zip(&mut versions) {
            if *admitted {
                of_the_day.insert(version.document);
            } else if later(version) {
                let amends = of_the_day.contains(&version.document);
                amended |= amends;
                *admitted = amends || version.row.level == Level::Guide;
            }
        }
        let amended = amended && !scope.all_versions;
        amended.then(|| Admitted { knowledge: self.knowledge, versions, standing: self.standing.clone() })
    }

    /// Whether a clause may answer.
    pub fn clause(&self, id: ClauseId) -> bool {
        self.knowledge.version_index(id).is_some_and(|index| self.version(index))
    }

    /// Whether a clause could answer if its level were asked for: it is in force and may be read.
    pub fn stands(&self, id: ClauseId) -> bool {
        self.knowledge.version_index(id).and_then(|index| self.standing.get(index)).copied().unwrap_or(false)
    }

    /// Whether the version at this index of [`Knowledge::versions`] may answer.
    pub fn version(&self, index: usize) -> bool {
        self.versions.get(index).copied().unwrap_or(false)
    }

    /// The ranges of clause ids that may answer, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<i64>> + '_ {
        let all = self.knowledge.versions().iter().zip(&self.versions);
        all.filter(|(_, admitted)| **admitted).map(|(v, _)| v.first_clause..v.first_clause + v.clause_count)
    }

    /// Versions and clauses that may answer.
    pub fn totals(&self) -> (u64, u64) {
        let versions = self.versions.iter().filter(|admitted| **admitted).count() as u64;
        (versions, self.ranges().map(|r| (r.end - r.start).max(0) as u64).sum())
    }
}
