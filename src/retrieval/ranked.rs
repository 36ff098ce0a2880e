//! A question for clauses, and what a search finds.

use super::amended::Outdated;
use super::conclusions::Conclusions;
use super::confidence;
use super::fusion;
use super::guides::Scene;
use super::lexical;
use super::scope::Scope;
use crate::inference::QuestionTokens;
use crate::text::address::AddressQuery;
use crate::types::{ClauseAddress, ClauseId};

/// A question for clauses.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The teller's words, as checked by the guard.
    pub text: &'a str,
    /// The filters.
    pub scope: Scope,
    /// Titles cited lately, most recent first, for a bare `第五条`.
    pub recent_documents: &'a [String],
    /// Most hits to return.
    pub limit: usize,
}

/// What a question goes on from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Its words that are new, where it was read together with earlier ones.
    pub new: Option<&'a str>,
    /// Titles that were cited for the question before.
    pub documents: &'a [String],
}

/// A clause that may answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The clause.
    pub clause: ClauseId,
    /// How likely it is the one that answers, as a share of the first clause's likelihood; comparable within one reply only.
    pub score: f64,
    /// The part that the question named, for an address look-up.
    pub part: Option<ClauseAddress>,
    /// The clause is not in force on the day; only for an address look-up.
    pub not_in_force: bool,
    /// Clauses further down that say the same and are left out for it.
    pub same: Vec<ClauseId>,
}

impl Hit {
    pub(super) fn new(clause: ClauseId, score: f64) -> Hit {
        Hit { clause, score, part: None, not_in_force: false, same: Vec::new() }
    }

    /// The clauses that say the same as this one, which the hit stands for.
    pub fn others(&self, clause: ClauseId) -> impl Iterator<Item = ClauseId> {
        std::iter::once(self.clause).chain(self.same.iter().copied()).filter(move |id| *id != clause)
    }

    /// Whether the hit is this clause or says the same.
    pub fn stands_for(&self, clause: ClauseId) -> bool {
        self.clause == clause || self.same.contains(&clause)
    }
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Rules, best first.
    pub hits: Vec<Hit>,
    /// Scenes of guides with their rules, best first.
    pub guides: Vec<Scene>,
    /// Hits, or parts of them, that other texts have changed by the day: they are no conclusion.
    pub outdated: Vec<Outdated>,
    /// The clause that the question names and that is not there; the hits are then found by its words.
    pub missing: Option<AddressQuery>,
    /// The sentences and outcomes that could be the conclusion; none for an address.
    pub conclusions: Conclusions,
    /// Probability that the hits answer the question, 0 to 1; 1 for an address or a curated question.
    pub confidence: f64,
    /// The whole question in one spelling, as it was read.
    pub read: String,
    /// Whether words in it were typed in the letters of their sound.
    pub from_letters: bool,
    /// The tokens of the question, where the encoder gives them.
    pub tokens: Option<QuestionTokens>,
    /// What the confidence rests on.
    pub features: confidence::Features,
    /// The matter that the question names and the first clauses do not.
    pub other_matter: Option<String>,
    /// The clauses whose curated question equals this one: they settle the answer.
    pub settled: Vec<ClauseId>,
    /// A curated question equals this one and settles nothing, because its clause changed since somebody looked.
    pub suspended: bool,
    /// The question as its words were looked for; empty for an address.
    pub searched: String,
    /// Its spoken words that the thesaurus knows terms for.
    pub spoken: Vec<String>,
    /// The terms that were looked for.
    pub terms: Vec<lexical::QueryTerm>,
    /// What was weighed of every clause that took part, rules and scenes, best first; empty for an address.
    pub evidence: Vec<fusion::Evidence>,
    /// Versions that could have answered.
    pub documents_searched: u64,
    /// Clauses that could have answered.
    pub clauses_searched: u64,
    /// The encoder failed: the ranking is by words alone.
    pub words_only: bool,
    /// The first clauses were not compared with the question token by token: too many asked at once, or the encoder failed at it.
    pub not_compared: bool,
    /// The reranker failed or took too long: the order is the one before it.
    pub not_reranked: bool,
    /// Time spent encoding the question, milliseconds; 0 without an encoder.
    pub embed_ms: f64,
    /// Time spent reading the first hits again, milliseconds; 0 without a reranker.
    pub rerank_ms: f64,
}

impl Ranked {
    /// Nothing found among so many versions and clauses.
    pub(crate) fn of((documents_searched, clauses_searched): (u64, u64)) -> Ranked {
        Ranked {
            hits: Vec::new(),
            guides: Vec::new(),
            outdated: Vec::new(),
            missing: None,
            conclusions: Conclusions::default(),
            confidence: 0.0,
            read: String::new(),
            from_letters: false,
            tokens: None,
            features: confidence::Features::default(),
            other_matter: None,
            settled: Vec::new(),
            suspended: false,
            searched: String::new(),
            spoken: Vec::new(),
            terms: Vec::new(),
            evidence: Vec::new(),
            documents_searched,
            clauses_searched,
            words_only: false,
            not_compared: false,
            not_reranked: false,
            embed_ms: 0.0,
            rerank_ms: 0.0,
        }
    }
}

/// Which evidence takes part in a search: all of it, unless a measurement asks what one part is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// The words of the question, see [`lexical`].
    pub words: bool,
    /// Its meaning, when file and encoder have vectors.
    pub encoder: bool,
    /// Curated questions that equal it or are near to it, and how often a clause and its document are asked for. (What they add
    /// to the index text is part of the knowledge file.)
    pub curated: bool,
}

impl Default for Signals {
    fn default() -> Signals {
        Signals { words: true, encoder: true, curated: true }
    }
}
