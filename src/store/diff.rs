//! What new knowledge changes, for a person who decides whether to take it.
//!
//! Versions are compared one by one, so that only the clauses of two versions are in memory at a time.

use super::knowledge::Knowledge;
use super::rows::{Clause, Version};
use crate::error::Result;
use crate::types::Date;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};

/// Most entries of each list: more than a person reads before deciding. The counts are always whole.
pub const MAX_LISTED: usize = 200;

/// What is other in new knowledge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// How much of everything, also of what is not listed.
    pub counts: Counts,
    /// Titles that are new.
    pub documents_added: Vec<String>,
    /// Titles that are gone.
    pub documents_withdrawn: Vec<String>,
    /// Versions that were not there: each answers from its first day on.
    pub in_force: Vec<VersionChange>,
    /// Versions that end on another day than they did, or at all, or that are gone.
    pub out_of_force: Vec<VersionChange>,
    /// Clauses with other words.
    pub changed: Vec<ClauseChange>,
    /// Clauses that are gone from a title that is still there.
    pub withdrawn: Vec<ClauseChange>,
    /// Clauses that are new in a title that was there before.
    pub added: Vec<ClauseChange>,
    /// Clauses with the same words at another address.
    pub moved: Vec<ClauseChange>,
}

/// How much is other. Clauses of whole titles that came or went are among the clauses added and withdrawn, and not listed one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// New titles.
    pub documents_added: u64,
    /// Titles that are gone.
    pub documents_withdrawn: u64,
    /// See [`Diff::in_force`].
    pub versions_in_force: u64,
    /// See [`Diff::out_of_force`].
    pub versions_out_of_force: u64,
    /// New clauses.
    pub added: u64,
    /// Clauses with other words.
    pub changed: u64,
    /// Clauses at another address.
    pub moved: u64,
    /// Clauses that are gone.
    pub withdrawn: u64,
    /// Clauses that stayed as they were.
    pub unchanged: u64,
}

/// A version that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionChange {
    /// Title.
    pub document: String,
    /// 文号; empty when there is none.
    pub doc_no: String,
    /// First day in force.
    pub from: Option<Date>,
    /// First day no longer in force, in the new knowledge.
    pub until: Option<Date>,
    /// It is not in the new knowledge at all.
    pub withdrawn: bool,
}

/// A clause that is other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseChange {
    /// Title.
    pub document: String,
    /// Key of the title.
    pub title_key: String,
    /// First day of the version that has the new words, or had the old ones.
    pub from: Option<Date>,
    /// First day on which that version is no longer in force.
    pub until: Option<Date>,
    /// Address or label.
    pub label: String,
    /// Address or label before, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_label: Option<String>,
    /// The words before; absent for a new clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_text: Option<String>,
    /// The words now; absent for one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_text: Option<String>,
}

/// Compares two files.
///
/// A version is compared with the version of the same title and first day. A version that is new is compared with the one that it
/// follows, so that an amended law shows the articles that were amended rather than all of them as new.
///
/// # Errors
/// `KB_CORRUPT` when one of the files no longer reads.
pub fn diff(old: &Knowledge, new: &Knowledge) -> Result<Diff> {
    let mut out = Diff::default();
    for key in titles(old).filter(|key| new.versions_of_title(key).next().is_none()) {
        let versions: Vec<&Version> = old.versions_of_title(key).collect();
        out.counts.documents_withdrawn += 1;
        out.counts.withdrawn += clauses_of(&versions);
        list(&mut out.documents_withdrawn, versions.last().map(|v| v.row.title.clone()));
        versions.into_iter().for_each(|version| out.ends(version, true));
    }
    for key in titles(new) {
        let (was, is): (Vec<&Version>, Vec<&Version>) =
            (old.versions_of_title(key).collect(), new.versions_of_title(key).collect());
        if was.is_empty() {
            out.counts.documents_added += 1;
            out.counts.added += clauses_of(&is);
            list(&mut out.documents_added, is.last().map(|v| v.row.title.clone()));
            is.into_iter().for_each(|version| out.begins(version));
            continue;
        }
        out.title(old, new, was, &is)?;
    }
    Ok(out)
}

/// Every title key once, in the order of the file.
fn titles(knowledge: &Knowledge) -> impl Iterator<Item = &str> {
    let mut seen = HashSet::new();
    knowledge.versions().iter().map(|v| v.title_key.as_str()).filter(move |key| seen.insert(*key))
}

fn clauses_of(versions: &[&Version]) -> u64 {
    versions.iter().map(|v| v.clause_count.max(0) as u64).sum()
}

fn list<T>(to: &mut Vec<T>, entries: impl IntoIterator<Item = T>) {
    let room = MAX_LISTED.saturating_sub(to.len());
    to.extend(entries.into_iter().take(room));
}

fn clauses(knowledge: &Knowledge, version: &Version) -> Result<Vec<Clause>> {
    knowledge.clauses_between(version, version.first_clause, version.first_clause.saturating_add(version.clause_count))
}

impl Diff {
    /// A title that is in both files.
    fn title(&mut self, old: &Knowledge, new: &Knowledge, was: Vec<&Version>, is: &[&Version]) -> Result<()> {
        let mut left: VecDeque<&Version> = was.into();
        // Whether the version before the present one, in the new file, was in the old one too.
        let mut before: Option<(&Version, bool)> = None;
        let mut fresh: Vec<(&Version, Option<&Version>, bool)> = Vec::new();
        for version in is {
            let same = left.iter().position(|v| v.row.effective.from == version.row.effective.from);
            match same.and_then(|at| left.remove(at)) {
                Some(earlier) => {
                    if earlier.row.effective.until != version.row.effective.until {
                        self.ends(version, false);
                    }
                    self.compare(version, clauses(old, earlier)?, clauses(new, version)?);
                    before = Some((version, true));
                }
                None => {
                    fresh.push((version, before.map(|(v, _)| v), before.is_some_and(|(_, known)| known)));
                    before = Some((version, false));
                }
            }
        }
        // Newest first, so that the newest takes the place of the newest.
        for (version, follows, known) in fresh.into_iter().rev() {
            self.begins(version);
            let now = clauses(new, version)?;
            let then = match (follows, known) {
                (Some(follows), true) => clauses(new, follows)?,
                (follows, _) => match (left.pop_back(), follows) {
                    (Some(replaced), _) => {
                        self.ends(replaced, true);
                        clauses(old, replaced)?
                    }
                    (None, Some(follows)) => clauses(new, follows)?,
                    (None, None) => Vec::new(),
                },
            };
            self.compare(version, then, now);
        }
        for version in left {
            self.ends(version, true);
            self.compare(version, clauses(old, version)?, Vec::new());
        }
        Ok(())
    }

    fn begins(&mut self, version: &Version) {
        self.counts.versions_in_force += 1;
        list(&mut self.in_force, [VersionChange::of(version, false)]);
    }

    fn ends(&mut self, version: &Version, withdrawn: bool) {
        self.counts.versions_out_of_force += 1;
        list(&mut self.out_of_force, [VersionChange::of(version, withdrawn)]);
    }

    /// Compares the clauses of two versions; `version` is the one to name.
    fn compare(&mut self, version: &Version, old: Vec<Clause>, new: Vec<Clause>) {
        // Nearly all versions are as they were.
        let same = |(a, b): (&Clause, &Clause)| a.text == b.text && a.address == b.address;
        if old.len() == new.len() && old.iter().zip(&new).all(same) {
            self.counts.unchanged += new.len() as u64;
            return;
        }
        let (mut old, mut new): (Vec<Option<Clause>>, Vec<Option<Clause>>) =
            (old.into_iter().map(Some).collect(), new.into_iter().map(Some).collect());
        self.counts.unchanged += meet(&mut old, &mut new, |c| (place(c), Some(c.text.clone()))).len() as u64;
        for (was, is) in meet(&mut old, &mut new, |c| c.text.clone()) {
            self.counts.moved += 1;
            list(&mut self.moved, [ClauseChange::of(version, Some(was), Some(is))]);
        }
        for (was, is) in meet(&mut old, &mut new, place) {
            self.counts.changed += 1;
            list(&mut self.changed, [ClauseChange::of(version, Some(was), Some(is))]);
        }
        for was in old.into_iter().flatten() {
            self.counts.withdrawn += 1;
            list(&mut self.withdrawn, [ClauseChange::of(version, Some(was), None)]);
        }
        for is in new.into_iter().flatten() {
            self.counts.added += 1;
            list(&mut self.added, [ClauseChange::of(version, None, Some(is))]);
        }
    }
}

/// The number of the 条 with its insert, or the label.
fn place(clause: &Clause) -> (Option<u32>, u32, String) {
    let address = &clause.address;
    let label = if address.article.is_some() { String::new() } else { address.label.clone() };
    (address.article, address.insert, label)
}

/// Takes pairs with the same key out of both lists, the first with the first.
fn meet<K: std::hash::Hash + Eq>(
    old: &mut [Option<Clause>],
    new: &mut [Option<Clause>],
    key: impl Fn(&Clause) -> K,
) -> Vec<(Clause, Clause)> {
    let mut waiting: HashMap<K, VecDeque<&mut Option<Clause>>> = HashMap::new();
    for slot in old.iter_mut() {
        if let Some(clause) = slot {
            waiting.entry(key(clause)).or_default().push_back(slot);
        }
    }
    let mut out = Vec::new();
    for slot in new.iter_mut() {
        let partner = slot.as_ref().and_then(|clause| waiting.get_mut(&key(clause))?.pop_front());
        if let Some(was) = partner.and_then(Option::take)
            && let Some(is) = slot.take()
        {
            out.push((was, is));
        }
    }
    out
}

impl VersionChange {
    fn of(version: &Version, withdrawn: bool) -> VersionChange {
        let row = &version.row;
        VersionChange {
            document: row.title.clone(),
            doc_no: row.doc_no.clone(),
            from: row.effective.from,
            until: row.effective.until,
            withdrawn,
        }
    }
}

impl ClauseChange {
    fn of(version: &Version, was: Option<Clause>, is: Option<Clause>) -> ClauseChange {
        let label = |clause: &Option<Clause>| clause.as_ref().map(|c| c.address.label.clone());
        let old_label = label(&was);
        let now = label(&is).or_else(|| old_label.clone()).unwrap_or_default();
        ClauseChange {
            document: version.row.title.clone(),
            title_key: version.title_key.clone(),
            from: version.row.effective.from,
            until: version.row.effective.until,
            old_label: old_label.filter(|label| *label != now),
            label: now,
            old_text: was.map(|c| c.text),
            new_text: is.map(|c| c.text),
        }
    }
}
