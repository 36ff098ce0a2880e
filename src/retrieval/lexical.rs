//! BM25 over the word index, exact where it matters and fast everywhere.
//!
//! Ranking every clause that shares any character with the question costs FTS5 116 ms at the median on 59,000 clauses. So
//! two steps: the rarer terms of the question, up to a budget of postings, choose candidates by the sum of their weights;
//! the best candidates are then scored exactly, over all terms, from their packed term counts.

use super::scope::Admitted;
use crate::error::Result;
use crate::store::{Knowledge, TermStat, forward};
use crate::text::tokenize::for_each_term;
use crate::types::ClauseId;
use std::collections::HashSet;

/// BM25 saturation of term counts. On the dev questions, recall@10 / @100 on bare clauses and, cross-validated, on clauses widened by
/// questions and answers: (k1, b) = (1.6, 0.75) gives 0.484 / 0.704 and 0.627 / 0.832; (1.2, 0.75) 0.482 / 0.701 and 0.640 /
/// 0.836; (1.0, 0.75) 0.484 / 0.696 and 0.640 / 0.837; (1.2, 0.65) 0.486 / 0.696 and 0.643 / 0.836: no difference that counts
/// beyond the first. Bare clauses, lower: (1.2, 0.5) 0.477 / 0.684; (0.9, 0.4) 0.469 / 0.677.
const K1: f64 = 1.2;
/// BM25 length normalisation.
const B: f64 = 0.75;
/// Weight of a thesaurus term relative to a word of the question itself. Sample rulebook, recall@1 / @3: without thesaurus
/// 0.828 / 0.937, weight 0.5 0.821 / 0.927, 0.25 0.848 / 0.940 (words only; with single characters 0.838 / 0.940).
const ADDED_WEIGHT: f64 = 0.25;
/// Postings read per question while choosing candidates.
const POSTING_BUDGET: u64 = 60_000;
/// Candidates scored exactly. On the laws recall@100 is 0.706 with 1,500, 0.704 with 800, 0.700 with 400; recall@10 does not change.
const RESCORED: usize = 800;
/// Distinct terms of a question that are looked at; a question has at most 500 characters.
const MAX_TERMS: usize = 1_000;

/// A term of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerm {
    /// The term.
    pub text: String,
    /// Its id, `None` when no clause has it.
    pub id: Option<u32>,
    /// Clauses that have it.
    pub clauses: u32,
    /// Weight in the score: inverse document frequency `ln(1 + (N - n + 0.5) / (n + 0.5))`, less for a term that the
    /// thesaurus added.
    pub weight: f64,
    /// Added by the thesaurus: it helps to find clauses, and says nothing of how much of the question they cover.
    pub added: bool,
}

/// A scored clause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The clause.
    pub clause: ClauseId,
    /// BM25.
    pub score: f64,
}

/// The distinct terms of a normalised text, in order of appearance, and after them those of the words that a thesaurus
/// `added`.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn query_terms(knowledge: &Knowledge, text: &str, added: &[&str]) -> Result<Vec<QueryTerm>> {
    let mut distinct: Vec<String> = Vec::new();
    collect_terms(text, &mut distinct, |_| true);
    let said = distinct.len();
    for word in added {
        collect_terms(word, &mut distinct, is_word);
    }
    let stats = knowledge.term_stats(&distinct.iter().map(String::as_str).collect::<Vec<_>>())?;
    let total = knowledge.clause_total() as f64;
    let term = |index: usize, text: String, stat: Option<TermStat>| {
        let n = stat.map_or(0.0, |s| f64::from(s.clauses));
        let idf = (1.0 + (total - n + 0.5) / (n + 0.5)).ln();
        let added = index >= said;
        QueryTerm {
            text,
            id: stat.map(|s| s.id),
            clauses: stat.map_or(0, |s| s.clauses),
            weight: if added { idf * ADDED_WEIGHT } else { idf },
            added,
        }
    };
    Ok(distinct.into_iter().zip(stats).enumerate().map(|(index, (text, stat))| term(index, text, stat)).collect())
}

fn collect_terms(text: &str, distinct: &mut Vec<String>, wanted: impl Fn(&str) -> bool) {
    let mut seen: HashSet<String> = distinct.iter().cloned().collect();
    for_each_term(text, |term| {
        if wanted(term) && distinct.len() < MAX_TERMS && seen.insert(term.to_owned()) {
            distinct.push(term.to_owned());
        }
    });
}

/// The `limit` best clauses among those admitted, best first; ties in document order.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn search(
    knowledge: &Knowledge,
    admitted: &Admitted<'_>,
    terms: &[QueryTerm],
    limit: usize,
) -> Result<Vec<Scored>> {
    let candidates = candidates(knowledge, admitted, terms)?;
    let mut scored = rescore(knowledge, terms, &candidates)?;
    scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.clause.cmp(&b.clause)));
    scored.truncate(limit);
    Ok(scored)
}

/// Exact BM25 of the given clauses, in no order.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn scores(
    knowledge: &Knowledge,
    terms: &[QueryTerm],
    clauses: impl Iterator<Item = ClauseId>,
) -> Result<Vec<Scored>> {
    let mut ids: Vec<i64> = clauses.map(|clause| clause.0).collect();
    ids.sort_unstable();
    rescore(knowledge, terms, &ids)
}

fn candidates(knowledge: &Knowledge, admitted: &Admitted<'_>, terms: &[QueryTerm]) -> Result<Vec<i64>> {
    let mut rare: Vec<&QueryTerm> = terms.iter().filter(|t| t.id.is_some()).collect();
    rare.sort_by(|a, b| a.clauses.cmp(&b.clauses).then_with(|| a.text.cmp(&b.text)));
    let mut budget = POSTING_BUDGET;
    // The rarest term is always read, however common it is.
    let affordable = rare
        .iter()
        .enumerate()
        .take_while(|(index, term)| {
            let cost = u64::from(term.clauses);
            let within = *index == 0 || cost <= budget;
            budget = budget.saturating_sub(cost);
            within
        })
        .count();
    rare.truncate(affordable);
    let mut weights = vec![0.0f32; usize::try_from(knowledge.last_clause().0).unwrap_or(0) + 1];
    let names: Vec<&str> = rare.iter().map(|t| t.text.as_str()).collect();
    knowledge.for_each_posting(&names, |index, clause| {
        let added = rare.get(index).map_or(0.0, |t| t.weight);
        if let Some(weight) = usize::try_from(clause).ok().and_then(|at| weights.get_mut(at)) {
            *weight += added as f32;
        }
    })?;
    let mut found: Vec<(f32, i64)> = Vec::new();
    for range in admitted.ranges() {
        for clause in range {
            match usize::try_from(clause).ok().and_then(|at| weights.get(at)) {
                Some(weight) if *weight > 0.0 => found.push((*weight, clause)),
                _ => {}
            }
        }
    }
    if found.len() > RESCORED {
        found.select_nth_unstable_by(RESCORED, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(RESCORED);
    }
    let mut ids: Vec<i64> = found.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Whether a term is more than a single character.
pub fn is_word(term: &str) -> bool {
    term.chars().nth(1).is_some()
}

/// Exact BM25 of the given clauses.
fn rescore(knowledge: &Knowledge, terms: &[QueryTerm], clauses: &[i64]) -> Result<Vec<Scored>> {
    let mut by_id: Vec<(u32, f64)> = terms.iter().filter_map(|t| Some((t.id?, t.weight))).collect();
    by_id.sort_unstable_by_key(|(id, _)| *id);
    let mean = knowledge.mean_length().max(1.0);
    let mut out = Vec::with_capacity(clauses.len());
    knowledge.for_each_forward(clauses, |clause, length, packed| {
        let norm = K1 * (1.0 - B + B * f64::from(length) / mean);
        let mut score = 0.0;
        let mut wanted = by_id.iter().peekable();
        for (id, count) in forward::Decoder::new(packed) {
            while wanted.next_if(|(term, _)| *term < id).is_some() {}
            match wanted.peek() {
                None => break,
                Some((term, weight)) if *term == id => {
                    let count = f64::from(count);
                    score += weight * count * (K1 + 1.0) / (count + norm);
                }
                Some(_) => {}
            }
        }
        out.push(Scored { clause: ClauseId(clause), score });
    })?;
    Ok(out)
}
