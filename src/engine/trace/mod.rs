//! Why an answer came out as it did: what the guard made of the question, what was weighed, what the model was given to read.
//!
//! A trace is an answer by the same way, [`Answerer::weigh`], with the clearance of a teller, and only tells what that way hands back:
//! nothing is answered twice or otherwise. `causes` says why; for a refusal it asks the same way again with a wider scope, to see whether
//! a text that a teller may not read, or that is not in force, would have answered. `words` names everything in both languages.
//! Nobody's figures count a trace.

mod causes;
mod words;

use super::Engine;
use super::asking::Asking;
use super::request::{Actor, AskRequest};
use crate::answer::outcome::Card;
use crate::answer::{Answerer, Ground, Weighed};
use crate::error::Result;
use crate::guard::GuardedQuestion;
use crate::inference::Prompt;
use crate::retrieval::{Hit, Ranked, confidence};
use crate::store::Knowledge;
use crate::text::normalize::{fold, is_invisible};
use crate::types::{Bilingual, ClauseId};
use causes::Case;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Most candidates that are told.
pub const MAX_CANDIDATES: usize = 20;
/// Most words that are told.
pub const MAX_TERMS: usize = 100;

/// A card with everything that led to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TraceReply {
    /// As a teller gets it.
    pub card: Card,
    /// What the guard did.
    pub guard: GuardTrace,
    /// The words that were looked for, weightiest first, at most [`MAX_TERMS`]; none for an address.
    pub terms: Vec<TermTrace>,
    /// Clauses that took part, best first, at most [`MAX_CANDIDATES`]; those on the card are always among them.
    pub candidates: Vec<CandidateTrace>,
    /// How sure the search is that these answer, 0 to 1.
    pub confidence: f64,
    /// Below this the answer is a refusal.
    pub threshold: f64,
    /// What the confidence rests on, the strongest effect first. The effects add up to its log-odds. Empty when nothing was weighed: an
    /// address, a question that equals an answered one, too few words in common; the reasons say so.
    pub factors: Vec<FactorTrace>,
    /// In words: why it was answered or refused, and what could be done (a document that is missing, another wording).
    pub reasons: Vec<Bilingual>,
    /// Steps with their times in milliseconds, in order.
    pub steps: Vec<StepTrace>,
    /// What a model would be given to read; `None` when no model is loaded or nothing was found.
    pub prompt: Option<String>,
}

/// What the guard made of the question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuardTrace {
    /// The question as it is understood: personal data masked, forms of characters unified.
    pub understood: String,
    /// What was changed or noticed, in words.
    pub remarks: Vec<Bilingual>,
}

/// A word that was looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TermTrace {
    /// The word.
    pub term: String,
    /// Its weight.
    pub weight: f64,
    /// In how many clauses it stands; 0 when the knowledge does not know it.
    pub clauses: u64,
    /// It was not asked but means the same as something that was.
    pub synonym: bool,
}

/// A clause that took part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandidateTrace {
    /// Which.
    pub id: ClauseId,
    /// Title.
    pub document: String,
    /// Printed label.
    pub clause: String,
    /// It stands on the card.
    pub on_card: bool,
    /// The share of the best one's likelihood, 0 to 1.
    pub score: f64,
    /// Score by words, as a share of the best one's; 0 when it has none of them.
    pub words: f64,
    /// Nearness by meaning, -1 to 1; `None` without an encoder.
    pub meaning: Option<f64>,
    /// Nearness to the nearest question that it is known to answer, 1 when that is the same; 0 when none is like it.
    pub curated: f64,
}

/// Something that made the search surer or less sure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FactorTrace {
    /// What.
    pub name: Bilingual,
    /// Its value.
    pub value: f64,
    /// What it usually is for a question that is answered.
    pub usual: f64,
    /// How much it adds (in log-odds); negative speaks for a refusal.
    pub effect: f64,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepTrace {
    /// What.
    pub name: Bilingual,
    /// Milliseconds.
    pub ms: f64,
}

impl Engine {
    /// Answers a question as a teller gets it, and tells what led to it.
    ///
    /// # Errors
    /// As the question itself.
    pub(super) fn trace(&self, answerer: &Answerer, actor: &Actor, request: &AskRequest) -> Result<TraceReply> {
        let started = Instant::now();
        let asking = Asking::by_itself(self.clock(), answerer.retriever(), actor, request)?;
        let guard_ms = ms(started);
        let weighed = asking.weigh(answerer)?;
        let ask = asking.ask();
        let writers = answerer.writers();
        let writes = writers.small.is_some() || writers.large.is_some();
        let laid = Instant::now();
        let prompt = if writes { answerer.prompt(&ask, &weighed.card)?.map(joined) } else { None };
        let mut steps = steps(guard_ms, &weighed);
        steps.extend(prompt.is_some().then(|| StepTrace { name: words::PROMPT.into(), ms: ms(laid) }));
        let reasons = Case { answerer, ask: &ask, weighed: &weighed }.reasons()?;
        let Weighed { card, ranked, ground } = weighed;
        Ok(TraceReply {
            guard: guard(request, ask.question, &ranked),
            terms: terms(&ranked),
            candidates: candidates(answerer.retriever().knowledge(), &ranked, &card)?,
            confidence: card.confidence,
            threshold: confidence::THRESHOLD,
            factors: if is_weighed(&ranked, ground) { factors(&ranked.features) } else { Vec::new() },
            reasons,
            steps,
            prompt,
            card,
        })
    }
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Whether the confidence comes from weighing, and is not settled otherwise.
fn is_weighed(ranked: &Ranked, ground: Ground) -> bool {
    !matches!(ground, Ground::Blank | Ground::Missing | Ground::Outside | Ground::Address)
        && ranked.settled.is_empty()
        && !ranked.evidence.is_empty()
}

fn guard(request: &AskRequest, question: &GuardedQuestion, ranked: &Ranked) -> GuardTrace {
    let mut remarks = words::masked(question.found());
    if request.question.chars().any(is_invisible) {
        remarks.push(words::INVISIBLE.into());
    }
    // Of an address nothing is looked up by words.
    if !ranked.searched.is_empty() {
        let unified = fold(question.text());
        if unified != question.text() {
            remarks.push(words::unified(&unified));
        }
        if ranked.searched != unified {
            remarks.push(words::searched(&ranked.searched));
        }
    }
    GuardTrace { understood: question.text().to_owned(), remarks }
}

fn terms(ranked: &Ranked) -> Vec<TermTrace> {
    let mut terms: Vec<TermTrace> = ranked
        .terms
        .iter()
        .map(|term| TermTrace {
            term: term.text.clone(),
            weight: term.weight,
            clauses: u64::from(term.clauses),
            synonym: term.added,
        })
        .collect();
    terms.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    terms.truncate(MAX_TERMS);
    terms
}

/// The rules and scenes that the card was chosen from, in the order of their scores.
fn candidates(knowledge: &Knowledge, ranked: &Ranked, card: &Card) -> Result<Vec<CandidateTrace>> {
    let mut hits: Vec<&Hit> = ranked.hits.iter().chain(ranked.guides.iter().map(|scene| &scene.hit)).collect();
    // Stable: what was put first for another reason than its score stays there.
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut all: Vec<(ClauseId, f64, bool)> = hits
        .iter()
        .map(|hit| (hit.clause, hit.score, card.citations.iter().any(|cited| hit.stands_for(cited.id))))
        .collect();
    // A scene may bring rules to the card that the search did not put forward.
    let brought = card.citations.iter().filter(|cited| !hits.iter().any(|hit| hit.stands_for(cited.id)));
    for cited in brought {
        if !all.iter().any(|(id, ..)| *id == cited.id) {
            all.push((cited.id, 0.0, true));
        }
    }
    let mut room = MAX_CANDIDATES.saturating_sub(all.iter().filter(|(.., on_card)| *on_card).count());
    all.retain(|(.., on_card)| {
        let kept = *on_card || room > 0;
        room -= usize::from(kept && !on_card);
        kept
    });
    let mut out = Vec::with_capacity(all.len());
    for (id, score, on_card) in all {
        let (Some(version), Some(clause)) = (knowledge.version_of(id), knowledge.clause(id)?) else { continue };
        let evidence = ranked.evidence.iter().find(|evidence| evidence.clause == id);
        let like = evidence.and_then(|evidence| evidence.question).map_or(0.0, f64::from);
        out.push(CandidateTrace {
            id,
            document: version.row.title.clone(),
            clause: clause.address.label,
            on_card,
            score,
            words: evidence.map_or(0.0, |evidence| evidence.lexical),
            meaning: evidence.and_then(|evidence| evidence.text).map(f64::from),
            curated: if ranked.settled.contains(&id) { 1.0 } else { like },
        });
    }
    Ok(out)
}

fn factors(features: &confidence::Features) -> Vec<FactorTrace> {
    let mut factors: Vec<FactorTrace> = causes::taking_part(features)
        .map(|effect| FactorTrace {
            name: words::factor(effect.factor),
            value: effect.value,
            usual: causes::usual(effect.factor),
            // Nothing is nothing, whatever its sign.
            effect: effect.log_odds() + 0.0,
        })
        .collect();
    factors.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    factors
}

fn steps(guard_ms: f64, weighed: &Weighed) -> Vec<StepTrace> {
    let (timings, ranked) = (&weighed.card.timings, &weighed.ranked);
    let by_words = timings.retrieve_ms - ranked.embed_ms - ranked.rerank_ms;
    [
        (words::GUARD, Some(guard_ms)),
        (words::ENCODE, (ranked.embed_ms > 0.0).then_some(ranked.embed_ms)),
        (words::RETRIEVE, Some(by_words)),
        (words::RERANK, (ranked.rerank_ms > 0.0).then_some(ranked.rerank_ms)),
        (words::CARD, Some(timings.card_ms - timings.retrieve_ms)),
    ]
    .into_iter()
    .filter_map(|(name, ms)| Some(StepTrace { name: name.into(), ms: ms?.max(0.0) }))
    .collect()
}

/// A prompt as it is read: the system message, and the user message with all its blocks.
fn joined(prompt: Prompt) -> String {
    let blocks = prompt.evidence.into_iter().map(|block| block.text);
    let parts = [prompt.system, prompt.head].into_iter().chain(blocks).chain([prompt.tail]);
    parts.collect::<Vec<_>>().join("\n\n")
}
