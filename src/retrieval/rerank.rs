//! The first hits in the order of a model that reads question and clause together.

use super::Hit;
use crate::error::Result;
use crate::inference::Reranker;
use crate::store::Knowledge;
use crate::text::normalize::normalize;
use crate::text::passage::short_title;
use std::time::Duration;

/// Hits that are read again: the right clause is rarely further down, and each costs the time of a whole pass.
const READ_AGAIN: usize = 20;
/// Longest time for it. A teller waits for the card; what takes longer is not waited for.
const TIME_LIMIT: Duration = Duration::from_millis(3000);

/// Puts the first hits in the reranker's order. The places keep their scores: what is made of the scores (conclusions, further rules)
/// asks how far places lie apart, which the reranker's numbers do not tell.
///
/// # Errors
/// `KB_CORRUPT`; the reranker's errors, with the hits unchanged.
pub fn reorder(knowledge: &Knowledge, reranker: &dyn Reranker, question: &str, hits: &mut [Hit]) -> Result<()> {
    let count = hits.len().min(READ_AGAIN);
    let Some(first) = hits.get_mut(..count).filter(|first| first.len() > 1) else { return Ok(()) };
    let mut texts = Vec::with_capacity(first.len());
    for hit in first.iter() {
        let title = knowledge.version_of(hit.clause).map(|v| short_title(&v.row.title)).unwrap_or_default();
        let clause = knowledge.clause(hit.clause)?;
        texts.push(
            clause.map_or(title.clone(), |c| format!("{title} {} {}", normalize(&c.heading), normalize(&c.text))),
        );
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let scores = reranker.rerank(&normalize(question), &texts, TIME_LIMIT)?;
    let mut order: Vec<(f32, Hit)> = scores.into_iter().zip(first.iter().cloned()).collect();
    // Stable: equal scores keep the order before.
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (place, (_, hit)) in first.iter_mut().zip(order) {
        *place = Hit { score: place.score, ..hit };
    }
    Ok(())
}
