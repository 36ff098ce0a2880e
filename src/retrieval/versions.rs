//! Old days. Scenes of guides and curated questions are written for the newest version of a rule and lead to its clauses. Where the rule of
//! an earlier day is asked for, they still tell which clause is meant: what is known of a later clause is lent to that clause of the
//! version of the day which says nearly the same. The numbers of clauses tell nothing, an amendment counts them anew.
//!
//! Of 45 sample questions about old days, which speak of the day in words, 32 get the clause of that day first, 7 are refused and 6 get another
//! clause, one of them with a confidence above 0.8. By today's rules 20 of them would be answered with such a confidence.

use super::fusion::Evidence;
use super::guides;
use super::scope::Admitted;
use super::{Query, Retriever};
use crate::error::Result;
use crate::store::{Clause, Knowledge, Version};
use crate::text::normalize::normalize;
use crate::types::{ClauseId, Date};
use jiff::ToSpan;
use std::collections::{HashMap, HashSet};

/// Later clauses and scenes that lend, the best ones.
const LENDING: usize = 20;
/// Likeness of two clauses up to which one says nothing of the other. Among the twelve amended rules of the sample, clauses about other
/// things have 0.1 to 0.25, those that an amendment rewrote 0.2 to 0.9.
const UNLIKE: f64 = 0.15;
/// Likeness from which on they are one clause in two versions.
const LIKE: f64 = 0.45;
/// Share that is lent between clauses that are one: what stands in the version of the day by itself comes first.
const LENT: f64 = 0.95;

/// A clause of the day and the pairs of characters that it has.
type Counterparts = Vec<(ClauseId, HashSet<[char; 2]>)>;

/// Lends what is known of later clauses and scenes, best first in `evidence`, and leaves only what may answer.
///
/// # Errors
/// `KB_CORRUPT`.
pub(super) fn lend(knowledge: &Knowledge, admitted: &Admitted<'_>, evidence: &mut Vec<Evidence>) -> Result<()> {
    let mut lent: HashMap<ClauseId, (f64, f32)> = HashMap::new();
    let mut of_the_day: HashMap<i64, Counterparts> = HashMap::new();
    let mut lending = 0;
    let mut kept = Vec::with_capacity(evidence.len());
    for seen in evidence.drain(..) {
        let scene = knowledge.is_guide(seen.clause);
        let answers = admitted.clause(seen.clause) && !(scene && guides::is_ahead(knowledge, admitted, seen.clause)?);
        if answers {
            kept.push(seen);
            continue;
        }
        if lending == LENDING {
            continue;
        }
        lending += 1;
        let later: Vec<Clause> = if scene {
            guides::written_for(knowledge, seen.clause)?
        } else {
            knowledge.clause(seen.clause)?.into_iter().collect()
        };
        for clause in &later {
            let Some((counterpart, share)) = counterpart(knowledge, admitted, &mut of_the_day, clause)? else {
                continue;
            };
            let (words, known) = lent.entry(counterpart).or_default();
            *words = words.max(seen.lexical * share);
            *known = known.max(seen.known.max(seen.lent) * share as f32);
        }
    }
    for seen in &mut kept {
        if let Some((words, known)) = lent.remove(&seen.clause) {
            seen.lexical = seen.lexical.max(words);
            seen.lent = known;
        }
    }
    *evidence = kept;
    Ok(())
}

/// The clause of the day that says most nearly what a later one says, with the share that it is lent.
fn counterpart(
    knowledge: &Knowledge,
    admitted: &Admitted<'_>,
    of_the_day: &mut HashMap<i64, Counterparts>,
    clause: &Clause,
) -> Result<Option<(ClauseId, f64)>> {
    if admitted.clause(clause.id) {
        return Ok(Some((clause.id, LENT)));
    }
    let Some(document) = knowledge.version_of(clause.id).map(|version| version.document) else { return Ok(None) };
    let known = match of_the_day.entry(document) {
        std::collections::hash_map::Entry::Occupied(held) => held.into_mut(),
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(clauses_of_the_day(knowledge, admitted, document)?)
        }
    };
    let pairs = pairs(&clause.text);
    let like = known.iter().map(|(id, others)| (*id, likeness(&pairs, others)));
    let best = like.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let lent = |(id, likeness): (ClauseId, f64)| (id, LENT * ((likeness - UNLIKE) / (LIKE - UNLIKE)).clamp(0.0, 1.0));
    Ok(best.map(lent).filter(|(_, share)| *share > 0.0))
}

fn clauses_of_the_day(knowledge: &Knowledge, admitted: &Admitted<'_>, document: i64) -> Result<Counterparts> {
    let of_day = |v: &&Version| v.clause_count > 0 && admitted.clause(ClauseId(v.first_clause));
    let Some(version) = knowledge.versions_of_document(document).filter(of_day).last() else { return Ok(Vec::new()) };
    let (first, last) = (version.first_clause, version.first_clause + version.clause_count - 1);
    let clauses = knowledge.clauses_between(version, first, last)?;
    Ok(clauses.into_iter().map(|clause| (clause.id, pairs(&clause.text))).collect())
}

/// The pairs of neighbouring letters and digits.
fn pairs(text: &str) -> HashSet<[char; 2]> {
    let letters: Vec<char> = normalize(text).chars().filter(|c| c.is_alphanumeric()).collect();
    letters.windows(2).filter_map(|pair| pair.try_into().ok()).collect()
}

/// Likeness of two sets of pairs, from 0 to 1: the geometric mean of the Dice coefficient and of the share of the smaller set that the other
/// one has too, for the newer text is often the longer one.
fn likeness(a: &HashSet<[char; 2]>, b: &HashSet<[char; 2]>) -> f64 {
    let common = a.intersection(b).count() as f64;
    let (all, least) = ((a.len() + b.len()).max(1) as f64, a.len().min(b.len()).max(1) as f64);
    (2.0 * common / all * common / least).sqrt()
}

/// Which version of a document a question means, seen from the one of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    /// The one before.
    Earlier,
    /// The one after.
    Later,
}

/// The day on which the neighbouring version of the document that answers a question best was in force last, or will be first; `None` where the
/// knowledge has no such version.
///
/// # Errors
/// As [`Retriever::search`].
pub fn day_of(retriever: &Retriever, query: &Query<'_>, which: Neighbour) -> Result<Option<Date>> {
    let knowledge = retriever.knowledge();
    let ranked = retriever.search(query)?;
    let Some(present) = ranked.hits.first().and_then(|best| knowledge.version_of(best.clause)) else { return Ok(None) };
    let readable = |v: &&Version| v.row.classification <= query.scope.clearance;
    let mut versions = knowledge.versions_of_document(present.document).filter(readable);
    Ok(match which {
        Neighbour::Earlier => {
            let earlier = versions.filter(|v| v.first_clause < present.first_clause).last();
            let ends = earlier.and_then(|v| v.row.effective.until);
            let first_after = ends.into_iter().chain(earlier.and(present.row.effective.from)).min();
            first_after.and_then(|day| day.checked_sub(1.day()).ok())
        }
        Neighbour::Later => versions.find(|v| v.first_clause > present.first_clause).and_then(|v| v.row.effective.from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(a: &str, b: &str) -> f64 {
        likeness(&pairs(a), &pairs(b))
    }

    #[test]
    fn a_clause_and_its_amendment_are_alike() {
        let old = "个人客户支取现金单笔超过五万元的,柜员应当逐笔登记用途。";
        let new = "自明年起,个人客户支取现金单笔超过五万元的,不再逐笔登记用途;有异常的,应当询问并报告。";
        assert!(like(old, new) > LIKE, "{}", like(old, new));
        assert!(like(old, "网点应当在每季度末盘点重要空白凭证。") < UNLIKE);
        assert_eq!((like(old, old), like("", old)), (1.0, 0.0));
    }
}
