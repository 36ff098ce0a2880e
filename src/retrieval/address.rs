//! Direct look-up of a clause by its address: `商业银行法第二十九条第二款`, or `第5条` within a document just cited.

use super::scope::Scope;
use crate::error::Result;
use crate::store::{Clause, Knowledge, Version};
use crate::text::address::{AddressQuery, find_in_query, section_mark};
use crate::text::normalize::title_key;
use crate::types::{ClauseAddress, ClauseId};

/// A clause found by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressHit {
    /// The 条.
    pub clause: ClauseId,
    /// The address down to the part asked for.
    pub address: ClauseAddress,
    /// Set when no version is in force on the day: the newest earlier one is shown, with a banner.
    pub not_in_force: bool,
}

/// What came of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The question names no address.
    NotNamed,
    /// The clause is there.
    Found(AddressHit),
    /// The question names a clause that is not there, or not of which document.
    Missing(AddressQuery),
}

/// Looks up the address that a question names, if it names one.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn lookup(knowledge: &Knowledge, scope: &Scope, question: &str, recent_documents: &[String]) -> Result<Lookup> {
    let Some(query) = find_in_query(question) else { return Ok(Lookup::NotNamed) };
    let named: Vec<String> = match &query.document {
        Some(document) => matching_titles(knowledge, &title_key(document)),
        None => recent_documents.iter().map(|title| title_key(title)).collect(),
    };
    for key in named {
        let readable: Vec<&Version> =
            knowledge.versions_of_title(&key).filter(|v| v.row.classification <= scope.clearance).collect();
        let in_force = readable.iter().rev().find(|v| v.row.effective.contains(scope.as_of));
        let Some(version) = in_force.or_else(|| readable.last()) else { continue };
        if let Some(clause) = clause_at(knowledge, version, &query.address)? {
            let not_in_force = in_force.is_none();
            return Ok(Lookup::Found(AddressHit { clause: clause.id, address: query.address, not_in_force }));
        }
    }
    Ok(Lookup::Missing(query))
}

/// The clause at an address; 第二点 is also the section that is headed `二、…`.
fn clause_at(knowledge: &Knowledge, version: &Version, address: &ClauseAddress) -> Result<Option<Clause>> {
    if let Some(clause) = knowledge.clause_at(version, address)? {
        return Ok(Some(clause));
    }
    let Some(mark) = section_mark(address) else { return Ok(None) };
    let last = version.first_clause + version.clause_count - 1;
    let all = knowledge.clauses_between(version, version.first_clause, last)?;
    Ok(all.into_iter().find(|clause| clause.address.label.starts_with(&mark)))
}

/// Titles that a reader may read and that a spoken name may mean, best first.
pub fn titles_like<'a>(knowledge: &'a Knowledge, scope: &Scope, name: &str) -> Vec<&'a str> {
    let mut titles = Vec::new();
    for key in matching_titles(knowledge, &title_key(name)) {
        let newest = knowledge.versions_of_title(&key).filter(|v| v.row.classification <= scope.clearance).last();
        titles.extend(newest.map(|version| version.row.title.as_str()));
    }
    titles
}

/// Title keys that a spoken name may mean, best first: the title itself, then titles that end with it (`反洗钱法` for
/// `…反洗钱法`), then titles that contain it; shorter before longer.
fn matching_titles(knowledge: &Knowledge, name: &str) -> Vec<String> {
    if name.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u8, usize, &str)> = knowledge
        .title_keys()
        .filter_map(|key| {
            let class = if key == name {
                0
            } else if key.ends_with(name) {
                1
            } else if key.contains(name) {
                2
            } else {
                return None;
            };
            Some((class, key.len(), key))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, _, key)| key.to_owned()).collect()
}
