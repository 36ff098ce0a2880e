//! How far statements have the same words.

use super::statement::{Kind, Statement};
use std::collections::{HashMap, HashSet};

/// Weight of a word that a single text has: it cannot be in common, and may be no more than another way to say something.
const LONE: f64 = 0.3;
/// Words in more statements of one kind than this are not looked up: they tell nothing of what these are about.
const MAX_POSTINGS: usize = 300;
/// Weight of the common words that are looked up from which on two statements are compared.
const WORTH_A_LOOK: f64 = 1.0;

/// How far another statement has the same words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    /// The other statement.
    pub(super) at: usize,
    /// Weight of the words in common.
    pub(super) shared: f64,
    pub(super) own: f64,
    pub(super) theirs: f64,
}

impl Match {
    /// Share of the words of the shorter statement that are in common.
    pub(super) fn contained(&self) -> f64 {
        self.shared / self.own.min(self.theirs).max(f64::EPSILON)
    }

    /// Share of the words of both.
    pub(super) fn alike(&self) -> f64 {
        self.shared / (self.own * self.theirs).sqrt().max(f64::EPSILON)
    }
}

/// How rare each word is, from 0 to 1: among the documents of the first `own` statements, or among the others where it is less so.
pub(super) fn rarities(statements: &[Statement], own: usize) -> HashMap<u64, f64> {
    let mut all: [HashSet<usize>; 2] = Default::default();
    let mut having: HashMap<u64, [HashSet<usize>; 2]> = HashMap::new();
    for (at, statement) in statements.iter().enumerate() {
        let side = usize::from(at >= own);
        if let Some(all) = all.get_mut(side) {
            all.insert(statement.document);
        }
        for (word, _) in &statement.words {
            if let Some(having) = having.entry(*word).or_default().get_mut(side) {
                having.insert(statement.document);
            }
        }
    }
    let [own, others] = all.map(|documents| documents.len());
    let among = |all: usize, some: usize| {
        let (all, some) = (all as f64, some as f64);
        if some > 0.0 { (1.0 + all / some).ln() / (1.0 + all).ln() } else { 1.0 }
    };
    let rarity = |[mine, theirs]: [usize; 2]| {
        let share = if mine + theirs == 1 { LONE } else { 1.0 };
        share * among(own, mine).min(among(others, theirs))
    };
    having.into_iter().map(|(word, sides)| (word, rarity(sides.map(|documents| documents.len())))).collect()
}

/// Which statements have a word.
pub(super) struct Index {
    postings: HashMap<(Kind, u64), Vec<(usize, f64)>>,
    rarity: HashMap<u64, f64>,
    mass: Vec<f64>,
}

impl Index {
    /// Those from `from` on.
    pub(super) fn of(statements: &[Statement], rarity: HashMap<u64, f64>, from: usize) -> Index {
        let mut postings: HashMap<(Kind, u64), Vec<(usize, f64)>> = HashMap::new();
        for (at, statement) in statements.iter().enumerate().skip(from) {
            for (word, weight) in &statement.words {
                postings.entry((statement.kind, *word)).or_default().push((at, *weight));
            }
        }
        let weighed = |(word, weight): &(u64, f64)| weight * rarity.get(word).copied().unwrap_or_default();
        let mass = statements.iter().map(|statement| statement.words.iter().map(weighed).sum()).collect();
        Index { postings, rarity, mass }
    }

    /// The statements of other documents about values of the same kind that share words with this one, in order.
    pub(super) fn matches(&self, statements: &[Statement], at: usize) -> Vec<Match> {
        let Some(one) = statements.get(at) else { return Vec::new() };
        let rarity = |word: &u64| self.rarity.get(word).copied().unwrap_or_default();
        let mut partly: HashMap<usize, f64> = HashMap::new();
        for (word, weight) in &one.words {
            let Some(places) = self.postings.get(&(one.kind, *word)).filter(|places| places.len() <= MAX_POSTINGS)
            else {
                continue;
            };
            for (place, theirs) in places {
                *partly.entry(*place).or_default() += weight.min(*theirs) * rarity(word);
            }
        }
        let mut near: Vec<usize> =
            partly.into_iter().filter(|(_, shared)| *shared >= WORTH_A_LOOK).map(|(place, _)| place).collect();
        near.sort_unstable();
        let mass = |at: usize| self.mass.get(at).copied().unwrap_or_default();
        near.into_iter()
            .filter_map(|place| {
                let other = statements.get(place).filter(|s| s.document != one.document && !one.opposes(s))?;
                let shared = common(&one.words, &other.words).map(|(word, weight)| weight * rarity(&word)).sum();
                Some(Match { at: place, shared, own: mass(at), theirs: mass(place) })
            })
            .collect()
    }
}

/// The words that two lists have in common, in order, each with the smaller of its weights.
fn common<'w>(one: &'w [(u64, f64)], other: &'w [(u64, f64)]) -> impl Iterator<Item = (u64, f64)> + 'w {
    let mut rest = other;
    one.iter().filter_map(move |(word, weight)| {
        let at = rest.partition_point(|(theirs, _)| theirs < word);
        rest = rest.get(at..).unwrap_or_default();
        rest.first().filter(|(theirs, _)| theirs == word).map(|(_, theirs)| (*word, weight.min(*theirs)))
    })
}
