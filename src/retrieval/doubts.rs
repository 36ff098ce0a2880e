//! Scenes from which nothing is concluded until somebody has looked at them again: a rule that they rest on was changed by another text, they
//! state a number that no rule of theirs states, or a number of theirs is no longer in its rule since the knowledge before.

use super::guides::{Scene, structure};
use crate::error::Result;
use crate::store::review::Suspended;
use crate::store::{Clause, Knowledge, Version, fingerprint};
use crate::text::address;
use crate::text::grounds::{Grounds, of_scene};
use crate::types::{ClauseId, Date};
use std::collections::{HashMap, HashSet};

/// Why a scene is doubted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The clause at this place, or the scene itself, was changed by another text.
    Amended(String),
    /// It states these words, and no clause that it rests on does.
    Unstated(String),
    /// It waits for a person since new knowledge came.
    Waiting,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Doubt::Amended(place) => write!(f, "{place}已被其他文件修改"),
            Doubt::Unstated(words) => write!(f, "所写的“{words}”在所依据的条款里没有"),
            Doubt::Waiting => write!(f, "所依据的条款已变,所写的数字还没有人核对"),
        }
    }
}

/// Doubts scenes by the rules of a day; `waiting` has the [`key`]s of those that wait for a person.
///
/// # Errors
/// `KB_CORRUPT`.
pub(super) fn look(knowledge: &Knowledge, day: Date, waiting: &HashSet<String>, scenes: &mut [Scene]) -> Result<()> {
    for scene in scenes {
        scene.doubt = doubt(knowledge, day, waiting, scene)?;
    }
    Ok(())
}

fn doubt(knowledge: &Knowledge, day: Date, waiting: &HashSet<String>, scene: &Scene) -> Result<Option<Doubt>> {
    let Some(clause) = knowledge.clause(scene.hit.clause)? else { return Ok(None) };
    if let Some(version) = knowledge.version_of(clause.id).filter(|_| is_amended(knowledge, clause.id, day)) {
        return Ok(Some(Doubt::Amended(key(version, &clause))));
    }
    let amended = scene.basis.iter().find(|(rule, _)| is_amended(knowledge, rule.id, day));
    if let Some((rule, _)) = amended {
        let title = knowledge.version_of(rule.id).map(|v| v.row.title.as_str()).unwrap_or_default();
        return Ok(Some(Doubt::Amended(format!("《{title}》{}", address::print(&rule.address)))));
    }
    if knowledge.version_of(clause.id).is_some_and(|version| waiting.contains(&key(version, &clause))) {
        return Ok(Some(Doubt::Waiting));
    }
    let rules: Vec<&Clause> = scene.basis.iter().map(|(rule, _)| rule).collect();
    Ok(unstated(knowledge, &clause, &rules)?.into_iter().next().map(Doubt::Unstated))
}

fn is_amended(knowledge: &Knowledge, clause: ClauseId, day: Date) -> bool {
    knowledge.open_amendments(clause, day).next().is_some()
}

/// What a scene is known by in the list of what waits for a person.
pub fn key(version: &Version, scene: &Clause) -> String {
    format!("《{}》{}", version.row.title, scene.address.label)
}

/// The numbers of a scene that neither the clauses it names nor the others of their texts state.
fn unstated(knowledge: &Knowledge, scene: &Clause, rules: &[&Clause]) -> Result<Vec<String>> {
    let Some(structure) = structure(scene) else { return Ok(Vec::new()) };
    let named: Vec<&str> = rules.iter().map(|rule| rule.text.as_str()).collect();
    // Mostly the clauses that are named state all of it, and the others need not be read.
    let open = of_scene(&structure, Grounds { named: &named, others: &[] });
    if open.is_empty() {
        return Ok(open);
    }
    let mut texts: Vec<Clause> = Vec::new();
    let mut read: Vec<i64> = Vec::new();
    for version in rules.iter().filter_map(|rule| knowledge.version_of(rule.id)) {
        if !read.contains(&version.first_clause) {
            read.push(version.first_clause);
            let last = version.first_clause + version.clause_count - 1;
            texts.extend(knowledge.clauses_between(version, version.first_clause, last)?);
        }
    }
    let others = texts.iter().filter(|text| text.guide.is_none() && rules.iter().all(|rule| rule.id != text.id));
    let others: Vec<&str> = others.map(|clause| clause.text.as_str()).collect();
    Ok(of_scene(&structure, Grounds { named: &named, others: &others }))
}

/// The scenes of new knowledge that read as before and state a number that the clauses they name stated until now and state no longer, with
/// the clause that changed.
///
/// # Errors
/// `KB_CORRUPT` when one of the files no longer reads.
pub fn contradicted(old: &Knowledge, new: &Knowledge) -> Result<Vec<Suspended>> {
    let before = scenes(old)?;
    let mut found = Vec::new();
    for (name, scene) in scenes(new)? {
        let Some(was) = before.get(&name).filter(|was| was.text == scene.text) else { continue };
        let (Some(structure), Some(_)) = (structure(&scene), structure(was)) else { continue };
        let (earlier, now) = (newest_basis(old, was.id)?, newest_basis(new, scene.id)?);
        let open = |rules: &[(String, Clause)]| {
            let named: Vec<&str> = rules.iter().map(|(_, rule)| rule.text.as_str()).collect();
            of_scene(&structure, Grounds { named: &named, others: &[] })
        };
        let known = open(&earlier);
        let lost = open(&now).iter().any(|words| !known.contains(words));
        let texts: HashSet<&str> = now.iter().map(|(_, rule)| rule.text.as_str()).collect();
        let changed = earlier.iter().find(|(_, rule)| !texts.contains(rule.text.as_str()));
        let Some((document, rule)) = changed.filter(|_| lost || now.is_empty()) else { continue };
        let same = |(title, other): &&(String, Clause)| title == document && other.address == rule.address;
        let new_text = now.iter().find(same).map(|(_, rule)| rule.text.clone()).unwrap_or_default();
        found.push(Suspended {
            question: structure.title.clone(),
            folded: name.clone(),
            document: document.clone(),
            label: rule.address.label.clone(),
            scene: Some(name),
            old_fingerprint: fingerprint(&rule.text),
            new_fingerprint: if new_text.is_empty() { String::new() } else { fingerprint(&new_text) },
            old_text: rule.text.clone(),
            new_text,
        });
    }
    found.sort_by(|a, b| a.folded.cmp(&b.folded));
    Ok(found)
}

/// Of the scenes that an earlier import suspended, those that read as then, and so do the clauses that changed.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn still_waiting(
    earlier: &[Suspended],
    fresh: &[Suspended],
    old: &Knowledge,
    new: &Knowledge,
) -> Result<Vec<Suspended>> {
    let waiting = |one: &&Suspended| one.scene.as_ref() == Some(&one.folded);
    if !earlier.iter().any(|one| waiting(&one)) {
        return Ok(Vec::new());
    }
    let (before, now) = (scenes(old)?, scenes(new)?);
    let same = |name: &str| now.get(name).zip(before.get(name)).is_some_and(|(now, was)| now.text == was.text);
    let again = |name: &str| fresh.iter().any(|new| new.folded == name);
    Ok(earlier.iter().filter(waiting).filter(|one| same(&one.folded) && !again(&one.folded)).cloned().collect())
}

/// The scenes of a file by their [`key`], in their newest version.
fn scenes(knowledge: &Knowledge) -> Result<HashMap<String, Clause>> {
    let mut found = HashMap::new();
    for version in knowledge.versions().iter().filter(|version| version.clause_count > 0) {
        if knowledge.is_guide(ClauseId(version.first_clause)) {
            let last = version.first_clause + version.clause_count - 1;
            let clauses = knowledge.clauses_between(version, version.first_clause, last)?;
            found.extend(
                clauses.into_iter().filter(|c| c.guide.is_some()).map(|clause| (key(version, &clause), clause)),
            );
        }
    }
    Ok(found)
}

/// The clauses that a scene names, in the newest version of each rule, with the rule's title.
fn newest_basis(knowledge: &Knowledge, scene: ClauseId) -> Result<Vec<(String, Clause)>> {
    let mut found = Vec::new();
    for row in knowledge.basis(scene)? {
        if let Some(version) = knowledge.versions_of_document(row.document).last()
            && let Some(clause) = knowledge.clause_at(version, &row.address)?
        {
            found.push((version.row.title.clone(), clause));
        }
    }
    Ok(found)
}
