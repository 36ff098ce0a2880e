//! Scenes of guides and the rules they rest on.
//!
//! A guide speaks like a teller and is found easily; what carries the answer is the clause of the rule behind it.

use super::doubts::Doubt;
use super::scope::Admitted;
use super::{Hit, Ranked};
use crate::error::Result;
use crate::store::{Clause, Knowledge, Version};
use crate::text::legal::GuideScene;
use crate::types::{ClauseAddress, ClauseId, Date};
use std::collections::HashMap;

/// A scene among the hits.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The scene as a clause.
    pub hit: Hit,
    /// The rules it rests on in the versions that may answer, with the address as the scene names it.
    pub basis: Vec<(Clause, ClauseAddress)>,
    /// Why nothing is concluded from it until somebody has looked at it again.
    pub doubt: Option<Doubt>,
}

/// Scenes that pass their rank on; further down the list they only stand in the way.
const SCENES_FOLLOWED: usize = 10;
/// Share of a scene's score that its rules inherit: a clause that answers by itself with the same score comes first.
const INHERITED: f64 = 0.95;

/// The structure of a scene; `None` for any other clause.
pub fn structure(clause: &Clause) -> Option<GuideScene> {
    clause.guide.as_deref().and_then(|json| serde_json::from_str(json).ok())
}

/// The clauses that a scene rests on, in the versions that may answer, with the address as the scene names it. Empty when none
/// of them is in force: such a scene has no source.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn basis(knowledge: &Knowledge, admitted: &Admitted<'_>, scene: ClauseId) -> Result<Vec<(Clause, ClauseAddress)>> {
    rules_behind(knowledge, scene, |clause| admitted.clause(clause))
}

/// The clauses that a scene rests on, each in the first version that fits.
fn rules_behind(
    knowledge: &Knowledge,
    scene: ClauseId,
    fits: impl Fn(ClauseId) -> bool,
) -> Result<Vec<(Clause, ClauseAddress)>> {
    let mut out = Vec::new();
    for row in knowledge.basis(scene)? {
        for version in knowledge.versions_of_document(row.document) {
            let Some(clause) = knowledge.clause_at(version, &row.address)? else { continue };
            if fits(clause.id) {
                out.push((clause, row.address));
                break;
            }
        }
    }
    Ok(out)
}

/// The clauses that a scene rests on in the versions for which it was written: those in force when its guide took effect, the newest ones
/// where the guide has no day.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn written_for(knowledge: &Knowledge, scene: ClauseId) -> Result<Vec<Clause>> {
    let mut out = Vec::new();
    for row in knowledge.basis(scene)? {
        if let Some(version) = version_written_for(knowledge, scene, row.document) {
            out.extend(knowledge.clause_at(version, &row.address)?);
        }
    }
    Ok(out)
}

fn version_written_for(knowledge: &Knowledge, scene: ClauseId, document: i64) -> Option<&Version> {
    let own = &knowledge.version_of(scene)?.row;
    let day = own.effective.from.or(own.published);
    let on = |day: Date| knowledge.versions_of_document(document).find(|v| v.row.effective.contains(day));
    day.and_then(on).or_else(|| knowledge.versions_of_document(document).last())
}

/// Whether a rule that a scene rests on stands, among the versions that may answer, in an earlier one than that for which the scene was
/// written: what the scene says does not hold by that rule.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn is_ahead(knowledge: &Knowledge, admitted: &Admitted<'_>, scene: ClauseId) -> Result<bool> {
    for row in knowledge.basis(scene)? {
        let Some(meant) = version_written_for(knowledge, scene, row.document) else { continue };
        let answers = |v: &&Version| v.clause_count > 0 && admitted.stands(ClauseId(v.first_clause));
        // Ids of a title's versions ascend with their age.
        let of_the_day = knowledge.versions_of_document(row.document).filter(answers).last();
        if of_the_day.is_some_and(|version| version.first_clause < meant.first_clause) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts the clauses and scenes first whose curated question equals the question; then the answer is certain. Out of [`Ranked::settled`] goes
/// what may not answer, and a scene that [`is_ahead`].
///
/// # Errors
/// `KB_CORRUPT`.
pub fn settle(knowledge: &Knowledge, admitted: &Admitted<'_>, ranked: &mut Ranked) -> Result<()> {
    let mut settled = Vec::with_capacity(ranked.settled.len());
    for clause in ranked.settled.drain(..).filter(|clause| admitted.clause(*clause)) {
        if !(knowledge.is_guide(clause) && is_ahead(knowledge, admitted, clause)?) {
            settled.push(clause);
        }
    }
    for clause in settled.iter().rev().copied() {
        let hit = Hit::new(clause, 1.0);
        if knowledge.is_guide(clause) {
            let known = ranked.guides.iter().position(|s| s.hit.clause == clause).map(|at| ranked.guides.remove(at));
            let basis = match known {
                Some(scene) => scene.basis,
                None => basis(knowledge, admitted, clause)?,
            };
            ranked.guides.insert(0, Scene { hit, basis, doubt: None });
        } else {
            ranked.hits.retain(|h| h.clause != clause);
            ranked.hits.insert(0, hit);
        }
        ranked.confidence = 1.0;
    }
    ranked.settled = settled;
    Ok(())
}

/// Splits a ranking into rules and scenes. Rules inherit the score of the scenes that rest on them. A scene whose rules are
/// not in force is dropped, as is one that [`is_ahead`]; one whose rules are merely of a level that was not asked for stays.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn separate(knowledge: &Knowledge, admitted: &Admitted<'_>, ranking: Vec<Hit>) -> Result<(Vec<Hit>, Vec<Scene>)> {
    let (scenes, mut rules): (Vec<Hit>, Vec<Hit>) = ranking.into_iter().partition(|h| knowledge.is_guide(h.clause));
    let mut place: HashMap<ClauseId, usize> = rules.iter().enumerate().map(|(index, h)| (h.clause, index)).collect();
    let mut guides = Vec::new();
    for hit in scenes.into_iter().take(SCENES_FOLLOWED) {
        if is_ahead(knowledge, admitted, hit.clause)? {
            continue;
        }
        let basis = basis(knowledge, admitted, hit.clause)?;
        for (clause, _) in &basis {
            let inherited = Hit { clause: clause.id, score: hit.score * INHERITED, ..hit.clone() };
            match place.get(&clause.id).and_then(|index| rules.get_mut(*index)) {
                Some(rule) => rule.score = rule.score.max(inherited.score),
                None => {
                    place.insert(clause.id, rules.len());
                    rules.push(inherited);
                }
            }
        }
        if !basis.is_empty() || !rules_behind(knowledge, hit.clause, |rule| admitted.stands(rule))?.is_empty() {
            guides.push(Scene { hit, basis, doubt: None });
        }
    }
    rules.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.clause.cmp(&b.clause)));
    Ok((rules, guides))
}
