//! Curated questions and the words that they rest on: which of them must be looked at again because their clause reads otherwise now.
//!
//! A curated question says: this clause answers me. Somebody looked at the clause when that was written down, and it holds for those
//! words. The file keeps their fingerprint beside the question. When new knowledge brings other words and nobody says that the
//! question was looked at again, it no longer settles the answer ([`suspended`]); the search goes on as for any question.

use super::knowledge::Knowledge;
use super::rows::{Clause, CuratedRow};
use crate::error::Result;
use crate::types::ClauseId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// Hex digits of a fingerprint: 64 bits. Nobody gains by a collision, whoever writes the clause also writes the fingerprint.
const FINGERPRINT_HEX: usize = 16;

/// The fingerprint of a clause's words: the first 16 hex digits of the SHA-256 over its text exactly as stored.
pub fn fingerprint(text: &str) -> String {
    let hex: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(FINGERPRINT_HEX).collect()
}

/// A curated question whose clause reads otherwise than when the question was attached to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    /// The question.
    pub question: String,
    /// Its comparison form; what [`crate::store::Knowledge::curated`] is asked with.
    pub folded: String,
    /// Title of the document that holds the clause.
    pub document: String,
    /// Address of the clause as printed in its document, or its label.
    pub label: String,
    /// The scene that answers the question and rests on the clause, `《题名》场景一`; absent when the clause itself answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// The words until now.
    pub old_text: String,
    /// The words from now on; empty when the clause is gone and a scene still rests on it.
    pub new_text: String,
    /// [`fingerprint`] of the old words.
    pub old_fingerprint: String,
    /// [`fingerprint`] of the new words; what a source line names as `rests_on` to confirm the question. Empty when the clause is gone.
    pub new_fingerprint: String,
}

/// How many questions wait: one that rests on several clauses counts once, here as on every screen.
pub fn questions(waiting: &[Suspended]) -> usize {
    waiting.iter().map(|one| one.folded.as_str()).collect::<HashSet<_>>().len()
}

/// A clause of a title, whatever the version: the title's key, the number of the 条 with its insert, or the label.
type Place = (String, Option<u32>, u32, String);

/// The curated questions of both files whose clause changed and that nobody confirmed for the new words.
///
/// - A question on a clause: at the same place of the same title stand other words, and the new source line did not name them.
/// - A question on a scene that reads as before: a clause that the scene rests on has other words in its newest version, or is gone.
///   The scene's own conclusion may be outdated then, though nobody touched it. A scene whose own words are new was written
///   together with its 问法, and they count as confirmed.
///
/// One entry a question and clause, in the order of the new file.
///
/// # Errors
/// `KB_CORRUPT` when one of the files no longer reads.
pub fn suspended(old: &Knowledge, new: &Knowledge) -> Result<Vec<Suspended>> {
    let before = by_place(old)?;
    let mut out: Vec<Suspended> = Vec::new();
    let mut seen = HashSet::new();
    let mut scenes: HashMap<ClauseId, Vec<Changed>> = HashMap::new();
    // The newest version comes last in the file and is the one to show.
    for row in new.curated_rows()?.into_iter().rev() {
        let Some(place) = place(new, &row) else { continue };
        let key = (row.folded.clone(), place);
        let Some(known) = before.get(&key) else { continue };
        let same_words = known.iter().any(|(rests_on, _)| *rests_on == row.rests_on);
        if same_words {
            if new.is_guide(row.clause) {
                let changed = match scenes.entry(row.clause) {
                    std::collections::hash_map::Entry::Occupied(held) => held.into_mut(),
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(changed_basis(old, new, row.clause)?)
                    }
                };
                for one in changed.iter().filter(|one| seen.insert((key.0.clone(), one.place.clone()))) {
                    out.push(one.suspends(&row, scene_name(new, &row)));
                }
            }
        } else if !row.confirmed
            && seen.insert(key.clone())
            && let Some((_, clause)) = known.last()
            && let (Some(old_clause), Some(new_clause)) = (old.clause(*clause)?, new.clause(row.clause)?)
        {
            let changed = Changed {
                place: key.1,
                document: title_of(new, row.clause),
                label: new_clause.address.label,
                old_text: old_clause.text,
                new_text: Some(new_clause.text),
            };
            out.push(changed.suspends(&row, None));
        }
    }
    out.reverse();
    Ok(out)
}

/// Of the questions that an earlier import suspended, those that nothing in the new file settles either: the same words answer them
/// still, and nobody has confirmed that. What `fresh` names anew is left out.
///
/// # Errors
/// `KB_CORRUPT` when one of the files no longer reads.
pub fn carried(
    earlier: Vec<Suspended>,
    fresh: &[Suspended],
    old: &Knowledge,
    new: &Knowledge,
) -> Result<Vec<Suspended>> {
    if earlier.is_empty() {
        return Ok(earlier);
    }
    let before: HashSet<(String, String)> =
        old.curated_rows()?.into_iter().map(|row| (row.folded, row.rests_on)).collect();
    // The words that answer are as before; whether somebody has confirmed them, too.
    let same: Vec<CuratedRow> = new
        .curated_rows()?
        .into_iter()
        .filter(|row| before.contains(&(row.folded.clone(), row.rests_on.clone())))
        .collect();
    // A scene always counts as confirmed for its own words: what waits is the clause behind it.
    let unsettled =
        |one: &Suspended| same.iter().any(|row| row.folded == one.folded && (one.scene.is_some() || !row.confirmed));
    let again = |one: &Suspended| fresh.iter().any(|new| (&new.folded, &new.label) == (&one.folded, &one.label));
    Ok(earlier.into_iter().filter(|one| unsettled(one) && !again(one)).collect())
}

/// A clause with other words.
struct Changed {
    place: Place,
    document: String,
    label: String,
    old_text: String,
    new_text: Option<String>,
}

impl Changed {
    fn suspends(&self, row: &CuratedRow, scene: Option<String>) -> Suspended {
        Suspended {
            question: row.question.clone(),
            folded: row.folded.clone(),
            document: self.document.clone(),
            label: self.label.clone(),
            scene,
            old_text: self.old_text.clone(),
            new_text: self.new_text.clone().unwrap_or_default(),
            old_fingerprint: fingerprint(&self.old_text),
            new_fingerprint: self.new_text.as_deref().map(fingerprint).unwrap_or_default(),
        }
    }
}

/// Fingerprints and clauses of questions, by the question's form and place.
type ByPlace = HashMap<(String, Place), Vec<(String, ClauseId)>>;

/// The questions of a file by their form and place: fingerprints and clauses, oldest version first.
fn by_place(knowledge: &Knowledge) -> Result<ByPlace> {
    let mut out: HashMap<_, Vec<_>> = HashMap::new();
    for row in knowledge.curated_rows()? {
        if let Some(place) = place(knowledge, &row) {
            out.entry((row.folded, place)).or_default().push((row.rests_on, row.clause));
        }
    }
    Ok(out)
}

fn place(knowledge: &Knowledge, row: &CuratedRow) -> Option<Place> {
    // A 条 is known by its number: its label may be written in other numerals.
    let label = if row.address.article.is_some() { String::new() } else { row.address.label.clone() };
    let title = knowledge.version_of(row.clause)?.title_key.clone();
    Some((title, row.address.article, row.address.insert, label))
}

fn title_of(knowledge: &Knowledge, clause: ClauseId) -> String {
    knowledge.version_of(clause).map(|v| v.row.title.clone()).unwrap_or_default()
}

fn scene_name(knowledge: &Knowledge, row: &CuratedRow) -> Option<String> {
    Some(format!("《{}》{}", title_of(knowledge, row.clause), row.address.label))
}

/// The clauses under a scene of the new file whose newest words are not those of the old file.
fn changed_basis(old: &Knowledge, new: &Knowledge, scene: ClauseId) -> Result<Vec<Changed>> {
    let mut out = Vec::new();
    for basis in new.basis(scene)? {
        let Some(version) = new.versions_of_document(basis.document).last() else { continue };
        let newest = |knowledge: &Knowledge| -> Result<Option<Clause>> {
            match knowledge.versions_of_title(&version.title_key).last() {
                Some(version) => knowledge.clause_at(version, &basis.address),
                None => Ok(None),
            }
        };
        let Some(was) = newest(old)? else { continue };
        let is = newest(new)?;
        if is.as_ref().is_none_or(|is| is.text != was.text) {
            let address = &was.address;
            let label = if address.article.is_some() { String::new() } else { address.label.clone() };
            out.push(Changed {
                place: (version.title_key.clone(), address.article, address.insert, label),
                document: version.row.title.clone(),
                label: address.label.clone(),
                old_text: was.text,
                new_text: is.map(|is| is.text),
            });
        }
    }
    Ok(out)
}
