//! Hits that say the same: the better one stands for the others.

use super::Hit;
use crate::error::Result;
use crate::store::Knowledge;
use crate::text::similar::wording;

/// Hits that are compared: as many as a card looks at.
const COMPARED: usize = 20;

/// Takes out of the first hits each clause of another document that says the same as a better one, which then names it in
/// [`Hit::same`]. Within one document, and between its versions, every clause stands for itself.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn collapse(knowledge: &Knowledge, hits: &mut Vec<Hit>) -> Result<()> {
    let rest = hits.split_off(hits.len().min(COMPARED));
    let mut kept: Vec<(Hit, Option<i64>, String)> = Vec::with_capacity(hits.len());
    for hit in hits.drain(..) {
        let document = knowledge.version_of(hit.clause).map(|version| version.document);
        let said = wording(&knowledge.clause(hit.clause)?.map(|clause| clause.text).unwrap_or_default());
        let same = |(_, other, better): &&mut (Hit, Option<i64>, String)| *other != document && *better == said;
        match kept.iter_mut().find(same) {
            Some((better, ..)) => better.same.push(hit.clause),
            None => kept.push((hit, document, said)),
        }
    }
    hits.extend(kept.into_iter().map(|(hit, ..)| hit).chain(rest));
    Ok(())
}
