//! From a question to ranked clauses.
//!
//! 1. A question that names an address (`商业银行法第二十九条第二款`) is looked up directly ([`address`]).
//! 2. Otherwise its words choose and rank clauses ([`lexical`]), its meaning does when an encoder is loaded ([`dense`]), and
//!    the two rankings are fused ([`fusion`]). A question that equals a curated one puts that clause first, unless the
//!    clause has changed and nobody has looked at the question since.
//! 3. A scene of a guide stands for the rules it rests on: they inherit its rank ([`guides`]).
//! 4. Only texts in force on the day, within the reader's clearance, take part ([`scope`]).
//! 5. A reranker, when there is one, reads the first rules again (`rerank`); of rules that say the same the best one stands for
//!    all (`duplicates`).
//! 6. On an old day, scenes and curated questions of later versions still tell which clause is meant ([`versions`]); they settle nothing.
//! 7. [`confidence`] says how likely the first clauses answer at all; below its threshold the answer is a refusal.

pub mod address;
pub mod conclusions;
pub mod confidence;
mod dense;
mod duplicates;
pub mod fusion;
pub mod guides;
pub mod late;
pub mod lexical;
mod ranked;
mod rerank;
pub mod scope;
mod sound;
pub mod versions;
pub mod wanted;

use crate::error::{Code, Error, Kind, Result};
use crate::inference::{Embedder, Reranker};
use crate::store::{Clause, Knowledge};
use crate::text::filler;
use crate::text::normalize::fold_question;
use crate::text::passage;
use crate::text::quantity::one_spelling;
use crate::text::thesaurus::Thesaurus;
use crate::types::ClauseId;
use address::{AddressHit, Lookup};
use confidence::{Asked, Found, Matters};
use dense::Meaning;
use fusion::{Answers, Evidence};
use late::{Comparison, Sentences};
use lexical::Scored;
pub use ranked::{Context, Hit, Query, Ranked, Signals};
use scope::Admitted;
use sound::Sounds;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use wanted::Wanted;

/// Rules that are ranked for a card.
pub const HITS_FOR_CARD: usize = 20;
/// Digits of a checksum that tell two encoders apart in a message.
const SHOWN_DIGITS: usize = 12;
/// How much more the words count that are new in a question which follows another.
const NEW: f64 = 2.0;
/// Clauses that each ranking contributes to the fusion.
const RANKING_DEPTH: usize = 200;

/// Searches one knowledge file.
pub struct Retriever {
    signals: Signals,
    knowledge: Arc<Knowledge>,
    embedder: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    thesaurus: Thesaurus,
    matters: Matters,
    comparison: Comparison,
    /// Whether so many clauses have curated questions that being like none of them says something.
    asked_throughout: bool,
    /// Made when the first question in letters comes.
    sounds: OnceLock<Sounds>,
    /// Curated questions, in their comparison form, whose clause changed since somebody looked.
    suspended: RwLock<Arc<HashSet<String>>>,
}

impl Retriever {
    /// Couples knowledge with the encoder that made its vectors, and with its own thesaurus if it has one. Without vectors in the file the encoder is not used.
    ///
    /// # Errors
    /// `KB_MODEL` when the vectors were made by another encoder, `KB_CORRUPT` when they cannot be read.
    pub fn new(knowledge: Arc<Knowledge>, embedder: Option<Arc<dyn Embedder>>) -> Result<Retriever> {
        if let (Some(made_by), Some(embedder)) = (knowledge.embedder(), &embedder)
            && made_by.sha256 != embedder.model().sha256
        {
            let digits = |sha256: &str| sha256.chars().take(SHOWN_DIGITS).collect::<String>();
            let loaded = embedder.model();
            return Err(Error::new(
                Code::KbModel,
                format!(
                    "知识库的向量由编码模型 {}(SHA-256 {}…)生成,与载入的 {}(SHA-256 {}…)不一致",
                    made_by.name,
                    digits(&made_by.sha256),
                    loaded.name,
                    digits(&loaded.sha256)
                ),
                format!(
                    "用 --embedder 指定 {} 的文件;或加 --no-embedder 只按文字检索;\
                     或用 guida kb build 以当前模型重新生成知识库",
                    made_by.name
                ),
            ));
        }
        let embedder = embedder.filter(|_| knowledge.embedder().is_some());
        if embedder.is_some() {
            knowledge.warm_vectors()?;
        }
        let own = knowledge.thesaurus()?;
        let asked_throughout = knowledge.questioned_share()? >= confidence::ASKED_THROUGHOUT;
        let thesaurus = if own.is_empty() {
            Thesaurus::bundled()
        } else {
            Thesaurus::of(own.iter().map(|(spoken, terms)| (spoken.as_str(), terms.as_str())))
        };
        Ok(Retriever {
            signals: Signals::default(),
            knowledge,
            embedder,
            reranker: None,
            thesaurus,
            matters: Matters::bundled(),
            comparison: Comparison::default(),
            asked_throughout,
            sounds: OnceLock::new(),
            suspended: RwLock::default(),
        })
    }

    /// The same with a model that reads the first hits again.
    pub fn with_reranker(self, reranker: Option<Arc<dyn Reranker>>) -> Retriever {
        Retriever { reranker, ..self }
    }

    /// The same with curated questions, in their comparison form, that settle no answer: their clause has other words than when
    /// somebody looked. They are searched for like any question.
    pub fn with_suspended(self, suspended: Arc<HashSet<String>>) -> Retriever {
        Retriever { suspended: RwLock::new(suspended), ..self }
    }

    /// Puts another list in the place of that of [`Retriever::with_suspended`], from the next search on.
    pub fn set_suspended(&self, suspended: Arc<HashSet<String>>) {
        *self.suspended.write().unwrap_or_else(PoisonError::into_inner) = suspended;
    }

    /// The clauses whose curated question equals these words, unless it is suspended, and whether it is.
    fn curated(&self, text: &str) -> Result<(Vec<ClauseId>, bool)> {
        let folded = fold_question(text);
        let suspended = self.suspended.read().unwrap_or_else(PoisonError::into_inner).contains(&folded);
        let clauses = if suspended || !self.signals.curated { Vec::new() } else { self.knowledge.curated(&folded)? };
        Ok((clauses, suspended))
    }

    /// Lets only these signals take part.
    pub fn with_signals(self, signals: Signals) -> Retriever {
        Retriever { signals, ..self }
    }

    /// The knowledge that is searched.
    pub fn knowledge(&self) -> &Arc<Knowledge> {
        &self.knowledge
    }

    /// The encoder in use.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.embedder.as_ref()
    }

    /// What the encoder says, of these clauses too; nothing without one. `spoken` is the whole question.
    fn near(&self, admitted: &Admitted<'_>, spoken: &str, by_words: &[Scored], ranked: &mut Ranked) -> Result<Meaning> {
        let Some(embedder) = self.encoder() else { return Ok(Meaning::default()) };
        let started = Instant::now();
        let also: Vec<ClauseId> = by_words.iter().map(|scored| scored.clause).collect();
        let found = dense::search(&self.knowledge, embedder, admitted, spoken, RANKING_DEPTH, &also);
        ranked.embed_ms = started.elapsed().as_secs_f64() * 1e3;
        match found {
            // Words alone still answer; the card says so.
            Err(e) if e.kind() == Kind::Unavailable => {
                tracing::warn!(error = %e, "the encoder failed");
                ranked.words_only = true;
                Ok(Meaning::default())
            }
            found => found,
        }
    }

    /// Compares the tokens of the first clauses with the question's.
    fn compare(&self, meaning: &Meaning, evidence: &mut [Evidence], ranked: &mut Ranked) -> Result<()> {
        let Some(embedder) = self.encoder() else { return Ok(()) };
        let started = Instant::now();
        let compared = self.comparison.run(&self.knowledge, embedder, meaning.tokens.as_ref(), evidence);
        ranked.embed_ms += started.elapsed().as_secs_f64() * 1e3;
        ranked.not_compared = match compared {
            Err(e) if e.kind() == Kind::Unavailable => {
                tracing::warn!(error = %e, "the encoder failed to compare tokens");
                true
            }
            done => !done?,
        };
        Ok(())
    }

    /// Looks for the sentence that answers, and at what it tells of the whole.
    fn conclude(&self, ranked: &mut Ranked, throughout: bool) -> Result<()> {
        ranked.conclusions = conclusions::weigh(self, ranked, throughout)?;
        ranked.features.conclusion = ranked.conclusions.overall;
        if ranked.settled.is_empty() && !ranked.evidence.is_empty() {
            ranked.confidence = confidence::estimate(&ranked.features);
        }
        Ok(())
    }

    /// The encoder, if it takes part.
    fn encoder(&self) -> Option<&dyn Embedder> {
        self.embedder.as_deref().filter(|_| self.signals.encoder)
    }

    /// The sentences of a clause with the vectors of their tokens; `None` without tokens.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn sentences(&self, clause: &Clause) -> Result<Option<Sentences>> {
        let (Some(embedder), Some(version)) = (self.encoder(), self.knowledge.version_of(clause.id)) else {
            return Ok(None);
        };
        self.comparison.sentences(&self.knowledge, embedder, (version.row.title.as_str(), clause))
    }

    /// How these tokens, of one of its [`Sentences`] or several, meet the question; `None` where either has none.
    pub fn met(&self, ranked: &Ranked, tokens: &[i8]) -> Option<Answers> {
        let late = self.encoder()?.late()?;
        let found = late.compare(ranked.tokens.as_ref()?, tokens)?;
        // The cosine of the whole texts is the same for all parts of a clause.
        Some(Answers { log_odds: late.log_odds(found, 0.0), weakest: found.weakest })
    }

    /// Finds clauses for a question.
    ///
    /// # Errors
    /// `KB_CORRUPT` when the file no longer reads. An encoder that fails is no error: words alone rank.
    pub fn search(&self, query: &Query<'_>) -> Result<Ranked> {
        self.search_within(query, None)
    }

    /// The same for a question that goes on from another: its new words count more than those that only say what it is about, and a clause of a
    /// document that was cited before is likelier.
    ///
    /// # Errors
    /// As [`Retriever::search`].
    pub fn search_within(&self, query: &Query<'_>, context: Option<&Context<'_>>) -> Result<Ranked> {
        let admitted = Admitted::new(&self.knowledge, &query.scope);
        let mut ranked = Ranked::of(admitted.totals());
        match address::lookup(&self.knowledge, &query.scope, query.text, query.recent_documents)? {
            Lookup::Found(hit) => {
                let AddressHit { clause, address, not_in_force } = hit;
                ranked.hits = vec![Hit { part: Some(address), not_in_force, ..Hit::new(clause, 1.0) }];
                ranked.confidence = 1.0;
                return Ok(ranked);
            }
            Lookup::Missing(named) => ranked.missing = Some(named),
            Lookup::NotNamed => {}
        }
        let (typed, from_letters) = sound::spoken(&self.sounds, &self.knowledge, &self.thesaurus, query.text)?;
        let whole = one_spelling(&typed);
        let text = filler::strip(&whole);
        let spoken = self.thesaurus.matches(&text);
        let added: Vec<&str> = spoken.iter().flat_map(|(_, formal)| formal.iter().map(String::as_str)).collect();
        let mut terms = lexical::query_terms(&self.knowledge, &text, &added)?;
        let new = context.and_then(|context| context.new).map(|new| one_spelling(&passage::spoken(new)));
        if let Some(new) = &new {
            terms.iter_mut().filter(|term| new.contains(&term.text)).for_each(|term| term.weight *= NEW);
        }
        // On an old day what came later is searched too, only to lend what is known of it.
        let wider = admitted.with_later(&query.scope);
        let searched = wider.as_ref().unwrap_or(&admitted);
        let mut by_words = if self.signals.words {
            lexical::search(&self.knowledge, searched, &terms, RANKING_DEPTH.max(query.limit))?
        } else {
            Vec::new()
        };
        let mut meaning = self.near(searched, &whole, &by_words, &mut ranked)?;
        if let (Some(new), Some(tokens), Some(embedder)) = (&new, &mut meaning.tokens, self.encoder()) {
            tokens.stress(&whole, &embedder.token_ends(&whole), new, NEW as f32);
        }
        let dense = &meaning.nearest;
        let mut lexical = by_words.clone();
        if self.signals.words {
            let known: HashSet<ClauseId> = by_words.iter().map(|scored| scored.clause).collect();
            let others = dense.clauses.iter().map(|near| near.clause).filter(|clause| !known.contains(clause));
            lexical.extend(lexical::scores(&self.knowledge, &terms, others)?);
        }
        let encoded = !dense.clauses.is_empty();
        let mut evidence = fusion::gather(&self.knowledge, &text, self.signals, &lexical, dense);
        for seen in &mut evidence {
            let title = self.knowledge.version_of(seen.clause).map(|version| &version.row.title);
            seen.cited_before = context.zip(title).is_some_and(|(context, title)| context.documents.contains(title));
        }
        fusion::order(&mut evidence, encoded);
        if wider.is_some() {
            by_words.retain(|scored| admitted.clause(scored.clause));
            versions::lend(&self.knowledge, &admitted, &mut evidence)?;
            fusion::order(&mut evidence, encoded);
        }
        let wanted = Wanted::of(&whole);
        if let Some(wanted) = wanted {
            wanted.look_for(&self.knowledge, &mut evidence)?;
            fusion::order(&mut evidence, encoded);
        }
        self.compare(&meaning, &mut evidence, &mut ranked)?;
        let fused = fusion::fuse(evidence, encoded);
        let hits = fused.iter().map(|(e, score)| Hit::new(e.clause, *score)).collect();
        ranked.evidence = fused.into_iter().map(|(evidence, _)| evidence).collect();
        let throughout = self.asked_throughout && self.signals.curated;
        let asked = Asked { text: &text, terms: &terms, spoken: &spoken, wanted: wanted.is_some(), throughout };
        let found = Found { by_words: &by_words, fused: &ranked.evidence, encoded };
        (ranked.features, ranked.other_matter) = confidence::features(&self.knowledge, &self.matters, &asked, &found)?;
        ranked.confidence = if ranked.evidence.is_empty() { 0.0 } else { confidence::estimate(&ranked.features) };
        (ranked.hits, ranked.guides) = guides::separate(&self.knowledge, &admitted, hits)?;
        if let Some(reranker) = &self.reranker {
            let started = Instant::now();
            match rerank::reorder(&self.knowledge, reranker.as_ref(), query.text, &mut ranked.hits) {
                Err(e) if matches!(e.kind(), Kind::Unavailable | Kind::Stopped) => {
                    tracing::warn!(error = %e, "the reranker failed");
                    ranked.not_reranked = true;
                }
                done => done?,
            }
            ranked.rerank_ms = started.elapsed().as_secs_f64() * 1e3;
        }
        (ranked.settled, ranked.suspended) = self.curated(query.text)?;
        guides::settle(&self.knowledge, &admitted, &mut ranked)?;
        // Among all versions, one that is no longer in force must not stand for one that is.
        if !query.scope.all_versions {
            duplicates::collapse(&self.knowledge, &mut ranked.hits)?;
        }
        ranked.hits.truncate(query.limit);
        ranked.terms = terms;
        ranked.tokens = meaning.tokens;
        (ranked.read, ranked.from_letters) = (whole, from_letters);
        self.conclude(&mut ranked, throughout)?;
        ranked.spoken = spoken.iter().map(|(word, _)| (*word).to_owned()).collect();
        ranked.searched = text;
        Ok(ranked)
    }
}
