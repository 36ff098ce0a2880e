//! Scenes of guides and the rules they rest on.
//!
//! A guide speaks like a teller and is found easily; what carries the answer is the clause of the rule behind it.

use super::Hit;
use super::scope::Admitted;
use crate::error::Result;
use crate::store::{Clause, Knowledge};
use crate::types::{ClauseAddress, ClauseId};
use std::collections::HashMap;

/// A scene among the hits.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The scene as a clause.
    pub hit: Hit,
    /// The rules it rests on in the versions that may answer, with the address as the scene names it.
    pub basis: Vec<(Clause, ClauseAddress)>,
}

/// Scenes that pass their rank on; further down the list they only stand in the way.
const SCENES_FOLLOWED: usize = 10;
/// Share of a scene's score that its rules inherit: a clause that answers by itself with the same score comes first.
const INHERITED: f64 = 0.95;

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

/// Splits a ranking into rules and scenes. Rules inherit the score of the scenes that rest on them. A scene whose rules are
/// not in force is dropped; one whose rules are merely of a level that was not asked for stays.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn separate(knowledge: &Knowledge, admitted: &Admitted<'_>, ranking: Vec<Hit>) -> Result<(Vec<Hit>, Vec<Scene>)> {
    let (scenes, mut rules): (Vec<Hit>, Vec<Hit>) = ranking.into_iter().partition(|h| knowledge.is_guide(h.clause));
    let mut place: HashMap<ClauseId, usize> = rules.iter().enumerate().map(|(index, h)| (h.clause, index)).collect();
    let mut guides = Vec::new();
    for hit in scenes.into_iter().take(SCENES_FOLLOWED) {
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
            guides.push(Scene { hit, basis });
        }
    }
    rules.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.clause.cmp(&b.clause)));
    Ok((rules, guides))
}
