//! Vectors of passages: how they are stored, held in memory and searched.
//!
//! A clause has one passage or several, and one more for every curated question. A vector takes one byte a number and a scale
//! of its own. All of a file's vectors are held in memory (25 MB for 66,000 of 384 numbers) and every admitted one is
//! compared with the question's: the scan runs at the speed of memory, filters cost nothing, and nothing is lost. On two
//! cores with 66,000 clustered vectors of 384 numbers (`benches/vector_scan.rs`):
//!
//! | search for the first 100 | p50 |
//! |---|---|
//! | this scan | 4.0 ms |
//! | faiss `IndexFlatIP`, floats, one thread | 3.8 ms |
//! | sqlite-vec `vec0` over bits / bytes / floats, k = 200 | 9 / 33 / 28 ms |
//! | sqlite-vec `vec0` over bits / bytes / floats, k = 800 | 54 / 79 / 75 ms |
//!
//! One byte a number keeps 99.3% of the exact first hundred (all of them are within the first 110). One bit a number keeps
//! 46% of them within the first 200 and 82% within 3,200: a coarse scan over bits would have to hand on most of the file.

use super::knowledge::Knowledge;
use super::schema::ROWS_OF_A_CLAUSE;
use super::tokens::TokenVectors;
use crate::error::{Code, Error, Result};
use crate::types::ClauseId;
use rusqlite::Connection;
use std::collections::HashSet;
use std::ops::Range;

/// Largest whole number in a stored vector.
const STORED_MAX: f32 = 127.0;
/// Largest whole number in a question's vector. With both bounds, sums over vectors of up to 8,192 numbers stay within 32 bits.
const ASKED_MAX: f32 = 2047.0;

/// What a passage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassageKind {
    /// A part of the clause, or all of it.
    Clause,
    /// A curated question that the clause answers.
    Question,
}

impl PassageKind {
    pub(super) fn number(self) -> i64 {
        match self {
            PassageKind::Clause => 0,
            PassageKind::Question => 1,
        }
    }

    fn from_number(number: i64) -> Option<PassageKind> {
        [PassageKind::Clause, PassageKind::Question].into_iter().find(|kind| kind.number() == number)
    }
}

/// A vector of length 1 with one byte a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// What each number is multiplied by.
    pub scale: f32,
    /// The numbers.
    pub values: Vec<i8>,
}

impl Quantised {
    /// The nearest to `vector`, brought to length 1; all zero for a vector without direction.
    pub fn of(vector: &[f32]) -> Quantised {
        let (scale, values) = whole(vector, STORED_MAX);
        // Rounding to whole numbers within ±127 fits a byte.
        Quantised { scale, values: values.map(|x| x as i8).collect() }
    }
}

/// A passage as an encoder sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Its vector.
    pub vector: Quantised,
    /// The vectors of its tokens; empty where they are not kept.
    pub tokens: TokenVectors,
}

/// The scale and the whole numbers, at most `largest`, that give `vector` at length 1.
fn whole(vector: &[f32], largest: f32) -> (f32, impl Iterator<Item = f32> + '_) {
    let norm = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
    let peak = vector.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let usable = norm.is_finite() && norm > 0.0;
    let (scale, factor) = if usable { (peak / norm / largest, largest / peak) } else { (0.0, 0.0) };
    (scale, vector.iter().map(move |x| if usable { (x * factor).round() } else { 0.0 }))
}

/// A clause near a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The clause.
    pub clause: ClauseId,
    /// Largest cosine of its own passages.
    pub text: Option<f32>,
    /// Largest cosine of its curated questions.
    pub question: Option<f32>,
}

impl Near {
    /// The larger of the two.
    pub fn best(&self) -> f32 {
        self.text.unwrap_or(f32::MIN).max(self.question.unwrap_or(f32::MIN))
    }
}

/// How the cosines of clauses that have nothing to do with a question lie: what a high one is, is another for every encoder, knowledge and
/// question.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Background {
    mean: f32,
    deviation: f32,
}

/// Least standard deviation: below it a file has too few clauses, or too equal ones, to tell anything.
const LEAST_DEVIATION: f32 = 1e-3;

impl Background {
    fn of(cosines: impl Iterator<Item = f32>) -> Background {
        let (mut count, mut sum, mut squares) = (0.0f64, 0.0f64, 0.0f64);
        for cosine in cosines.map(f64::from) {
            count += 1.0;
            sum += cosine;
            squares += cosine * cosine;
        }
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        let variance = if count > 0.0 { (squares / count - mean * mean).max(0.0) } else { 0.0 };
        Background { mean: mean as f32, deviation: variance.sqrt() as f32 }
    }

    /// How many standard deviations a cosine lies above the mean.
    pub fn standard(&self, cosine: f32) -> f32 {
        (cosine - self.mean) / self.deviation.max(LEAST_DEVIATION)
    }
}

/// What is near to a question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nearest {
    /// The clauses, nearest first.
    pub clauses: Vec<Near>,
    /// Of the passages of all admitted clauses.
    pub background: Background,
    /// Of their curated questions; of the passages where there are only few questions.
    pub questions: Background,
}

impl Nearest {
    /// How like two questions with this cosine are: 0 when no more than any two, 1 when equal.
    pub fn likeness(&self, cosine: f32) -> f32 {
        (cosine - self.questions.mean) / (1.0 - self.questions.mean).max(LEAST_DEVIATION)
    }
}

/// Clauses with curated questions from which on these have a background of their own.
const ENOUGH_QUESTIONS: usize = 30;

/// All passages of a file, in the order of their clauses.
#[derive(Debug)]
pub(super) struct Passages {
    dimension: usize,
    values: Vec<i8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    clause: i64,
    kind: PassageKind,
    scale: f32,
}

impl Passages {
    /// Reads them; `None` when a row does not fit the file's own account of them.
    fn load(connection: &Connection, dimension: usize) -> rusqlite::Result<Option<Passages>> {
        let mut out = Passages { dimension, values: Vec::new(), entries: Vec::new() };
        let mut statement = connection.prepare("SELECT clause_id, kind, scale, vector FROM passages ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (clause, kind, scale): (i64, i64, f64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let vector = row.get_ref(3)?.as_blob()?;
            let in_order = out.entries.last().is_none_or(|last| last.clause <= clause);
            let Some(kind) = PassageKind::from_number(kind) else { return Ok(None) };
            if !in_order || vector.len() != dimension || !scale.is_finite() {
                return Ok(None);
            }
            out.values.extend(vector.iter().map(|byte| byte.cast_signed()));
            out.entries.push(Entry { clause, kind, scale: scale as f32 });
        }
        Ok(Some(out))
    }

    fn nearest(
        &self,
        vector: &[f32],
        ranges: impl Iterator<Item = Range<i64>>,
        limit: usize,
        also: &[ClauseId],
    ) -> Nearest {
        let (scale, asked) = whole(vector, ASKED_MAX);
        let asked: Vec<i16> = asked.map(|x| x as i16).collect();
        let mut found: Vec<Near> = Vec::new();
        for range in ranges {
            let first = self.entries.partition_point(|e| e.clause < range.start);
            let end = self.entries.partition_point(|e| e.clause < range.end);
            let entries = self.entries.get(first..end).unwrap_or_default();
            let values = self.values.get(first * self.dimension..).unwrap_or_default();
            for (entry, stored) in entries.iter().zip(values.chunks_exact(self.dimension.max(1))) {
                let cosine = dot(&asked, stored) as f32 * (scale * entry.scale);
                if found.last().is_none_or(|last| last.clause.0 != entry.clause) {
                    found.push(Near { clause: ClauseId(entry.clause), text: None, question: None });
                }
                let Some(near) = found.last_mut() else { continue };
                let best = match entry.kind {
                    PassageKind::Clause => &mut near.text,
                    PassageKind::Question => &mut near.question,
                };
                *best = Some(best.map_or(cosine, |known| known.max(cosine)));
            }
        }
        let background = Background::of(found.iter().filter_map(|near| near.text));
        let asked_before = found.iter().filter_map(|near| near.question);
        let enough = asked_before.clone().count() >= ENOUGH_QUESTIONS;
        let questions = if enough { Background::of(asked_before) } else { background };
        // In the order of clauses until the first selection below.
        let at = |clause: &ClauseId| found.binary_search_by_key(clause, |near| near.clause).ok();
        let mut others: Vec<Near> = also.iter().filter_map(|clause| found.get(at(clause)?).copied()).collect();
        // Two rankings, by passages and by questions: the first of both.
        let mut chosen = first(&mut found, limit, |near| near.text);
        others.extend(first(&mut found, limit, |near| near.question));
        let mut known: HashSet<ClauseId> = chosen.iter().map(|near| near.clause).collect();
        chosen.extend(others.into_iter().filter(|near| known.insert(near.clause)));
        chosen.sort_unstable_by(|a, b| b.best().total_cmp(&a.best()).then(a.clause.cmp(&b.clause)));
        Nearest { clauses: chosen, background, questions }
    }
}

/// The `limit` clauses with the highest cosine of one kind, in no order.
fn first(found: &mut [Near], limit: usize, cosine: impl Fn(&Near) -> Option<f32>) -> Vec<Near> {
    let of = |near: &Near| cosine(near).unwrap_or(f32::NEG_INFINITY);
    if found.len() > limit {
        found.select_nth_unstable_by(limit, |a, b| of(b).total_cmp(&of(a)).then(a.clause.cmp(&b.clause)));
    }
    found.iter().take(limit).filter(|near| cosine(near).is_some()).copied().collect()
}

/// Sum of products. The plain form is what the compiler turns into vector instructions.
fn dot(asked: &[i16], stored: &[i8]) -> i32 {
    asked.iter().zip(stored).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

impl Knowledge {
    /// Reads the vectors into memory, so that the first search is as quick as the others. Without vectors, nothing happens.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn warm_vectors(&self) -> Result<()> {
        self.passages().map(drop)
    }

    /// The clauses in `ranges` (ascending, of clause ids) nearest to a vector of any length but zero: the `limit` with the
    /// nearest passages, the `limit` with the nearest questions, and those of `also` that lie in the ranges; nearest first, ties in
    /// document order. Nothing for a file without vectors.
    ///
    /// # Errors
    /// `KB_MODEL` when the vector has not as many numbers as the file's, `KB_CORRUPT`.
    pub fn nearest(
        &self,
        vector: &[f32],
        ranges: impl Iterator<Item = Range<i64>>,
        limit: usize,
        also: &[ClauseId],
    ) -> Result<Nearest> {
        let Some(passages) = self.passages()? else { return Ok(Nearest::default()) };
        if vector.len() != passages.dimension {
            return Err(Error::new(
                Code::KbModel,
                format!("知识库的向量有 {} 维,问题的向量有 {} 维", passages.dimension, vector.len()),
                "换用生成知识库时的编码模型,或加 --no-embedder 只按文字检索",
            ));
        }
        Ok(passages.nearest(vector, ranges, limit, also))
    }

    /// The vectors of the tokens of a clause's passages, a list for each passage; `None` where the file keeps none.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn tokens(&self, clause: ClauseId) -> Result<Option<Vec<Vec<i8>>>> {
        let Some(dimension) = self.embedder().and_then(|embedder| embedder.token_dimension) else { return Ok(None) };
        let first = clause.0.saturating_mul(ROWS_OF_A_CLAUSE);
        let last = first.saturating_add(ROWS_OF_A_CLAUSE - 1);
        self.read(|c| {
            c.prepare_cached("SELECT vectors FROM tokens WHERE passage_id BETWEEN ? AND ? ORDER BY passage_id")?
                .query_map([first, last], |r| {
                    let stored = TokenVectors::stored(r.get_ref(0)?.as_blob()?, dimension);
                    Ok(stored.map(|tokens| tokens.values()).unwrap_or_default())
                })?
                .collect()
        })
        .map(Some)
    }

    /// The vectors, read at the first call.
    fn passages(&self) -> Result<Option<&Passages>> {
        let Some(embedder) = self.embedder() else { return Ok(None) };
        if let Some(passages) = self.held_passages().get() {
            return Ok(Some(passages));
        }
        let loaded = self.read(|c| Passages::load(c, embedder.dimension))?.ok_or_else(|| {
            Error::new(
                Code::KbCorrupt,
                format!("知识库 {} 的向量与它自己的说明对不上,文件可能已损坏", self.path().display()),
                "用 guida kb check 检查;重新拷贝或重新生成该文件",
            )
        })?;
        // Two threads may have read them at once; one reading is kept.
        Ok(Some(self.held_passages().get_or_init(|| loaded)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(seed: u64, dimension: usize) -> Vec<f32> {
        let mut state = seed;
        (0..dimension)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    #[test]
    fn a_byte_a_number_keeps_the_cosine() {
        for dimension in [3, 64, 256, 1024] {
            let (a, b) = (scattered(1, dimension), scattered(2, dimension));
            let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
            let exact = a.iter().zip(&b).map(|(x, y)| x * y).sum::<f32>() / norm(&a) / norm(&b);
            let stored = Quantised::of(&b);
            let entries = vec![Entry { clause: 1, kind: PassageKind::Clause, scale: stored.scale }];
            let passages = Passages { dimension, values: stored.values, entries };
            let near = passages.nearest(&a, std::iter::once(0..9), 5, &[]);
            let error = (near.clauses[0].text.expect("found") - exact).abs();
            assert!(error < 0.005, "{dimension}: {error}");
        }
        assert_eq!(Quantised::of(&[0.0, 0.0]).values, [0, 0]);
        assert_eq!(Quantised::of(&[f32::NAN, 1.0]).values, [0, 0]);
    }

    #[test]
    fn a_cosine_is_measured_by_those_of_the_others() {
        let background = Background::of([0.7, 0.8, 0.9].into_iter());
        assert!((background.standard(0.8)).abs() < 1e-4);
        assert!((background.standard(0.9) - 1.2247).abs() < 1e-3);
        assert!(Background::of(std::iter::empty()).standard(0.5).is_finite());
    }

    #[test]
    fn the_largest_sums_fit() {
        let (asked, stored) = (vec![2047i16; 8192], vec![-127i8; 8192]);
        assert_eq!(dot(&asked, &stored), -2047 * 127 * 8192);
    }
}
