//! Hits that say the same: the better one stands for the others.

use super::Hit;
use crate::error::Result;
use crate::store::Knowledge;
use crate::text::similar::Wording;

/// Hits that are compared: as many as a card looks at.
const COMPARED: usize = 20;

/// Takes out of the first hits each that says the same as a better one, which then names it in [`Hit::same`].
///
/// # Errors
/// `KB_CORRUPT`.
pub fn collapse(knowledge: &Knowledge, hits: &mut Vec<Hit>) -> Result<()> {
    let rest = hits.split_off(hits.len().min(COMPARED));
    let mut kept: Vec<(Hit, Wording)> = Vec::with_capacity(hits.len());
    for hit in hits.drain(..) {
        let wording = Wording::of(&knowledge.clause(hit.clause)?.map(|clause| clause.text).unwrap_or_default());
        match kept.iter_mut().find(|(_, better)| better.says_the_same(&wording)) {
            Some((better, _)) => better.same.push(hit.clause),
            None => kept.push((hit, wording)),
        }
    }
    hits.extend(kept.into_iter().map(|(hit, _)| hit).chain(rest));
    Ok(())
}
