//! From a guarded question to the evidence card and, below it, prose.
//!
//! [`Answerer::answer`] is the pipeline in order: the question has passed the guard (its type says so), retrieval ranks
//! clauses and judges whether they answer, [`card`] lays the evidence out, and only then may a model write: `routing` chooses
//! which, `cache` knows what was written before, `writing` and `writer` stream what comes, sentence by sentence, after each has been
//! checked against the card's clauses; [`prose`] is what the reader gets. The card is complete before the model is even asked.
//! `place` is where the models that write stand, and are exchanged while tellers ask; `warming` names what is likely to be asked, for idle moments.

pub mod amended;
mod bounds;
mod cache;
mod card;
pub mod cite;
mod guide;
mod incomplete;
mod limits;
pub mod outcome;
mod outside;
mod place;
pub mod prose;
mod routing;
mod several;
mod structured;
mod tiers;
mod warming;
mod writer;
mod writing;

pub use cache::AnswerCacheFigures;
pub use card::Ground;
pub use place::WriterPlace;
pub use routing::Role;
pub use structured::{Reason, Structured};

use crate::error::{Code, Error, ErrorBody, Result};
use crate::guard::GuardedQuestion;
use crate::inference::{Generator, GeneratorStatus, Prompt};
use crate::retrieval::scope::Scope;
use crate::retrieval::{Context, HITS_FOR_CARD, Query, Ranked, Retriever};
use cache::AnswerCache;
use outcome::Card;
use prose::{Prose, ProseDone};
use routing::Difficulty;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use writing::Draft;

/// The models that write; one alone writes everything, whichever it is.
#[derive(Clone, Default)]
pub struct Writers {
    /// For easy questions.
    pub small: Option<Arc<dyn Generator>>,
    /// For the others.
    pub large: Option<Arc<dyn Generator>>,
}

impl Writers {
    /// The models in the order in which they are asked to write, `wanted` first.
    fn from(&self, wanted: Role) -> impl Iterator<Item = (Role, &Arc<dyn Generator>)> {
        let small = self.small.as_ref().map(|generator| (Role::Small, generator));
        let large = self.large.as_ref().map(|generator| (Role::Large, generator));
        let order = if wanted == Role::Small { [small, large] } else { [large, small] };
        order.into_iter().flatten()
    }

    /// The state of the model that writes what is hard, or of the only one.
    pub fn main(&self) -> Option<GeneratorStatus> {
        self.from(Role::Large).next().map(|(_, generator)| generator.status())
    }

    /// The state of the small model where it stands beside a large one.
    pub fn beside(&self) -> Option<GeneratorStatus> {
        self.small.as_ref().filter(|_| self.large.is_some()).map(|generator| generator.status())
    }
}

/// Answers questions from one generation of knowledge.
pub struct Answerer {
    retriever: Retriever,
    writers: Arc<WriterPlace>,
    written: Arc<AnswerCache>,
}

/// A question on its way to a card.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The question; the type proves that it was checked and masked.
    pub question: &'a GuardedQuestion,
    /// What is looked for, where some words of the question are no part of it: those that only name the day.
    pub matter: Option<&'a str>,
    /// What it goes on from.
    pub context: Option<Context<'a>>,
    /// What may answer.
    pub scope: Scope,
    /// The questions in it, where it is several; empty where it is one.
    pub parts: &'a [PartQuestion],
    /// The choice made for an earlier clarifying question.
    pub choice: Option<&'a str>,
    /// Titles cited lately, most recent first.
    pub recent_documents: &'a [String],
    /// Whether prose is wanted.
    pub prose: bool,
    /// Whether it is wanted as an object too.
    pub structured: bool,
}

/// One of several questions in one.
#[derive(Debug)]
pub struct PartQuestion {
    /// In full.
    pub question: GuardedQuestion,
    /// Its own words, as the card names it.
    pub said: String,
    /// It asks of one of two things that are compared.
    pub compared: bool,
}

/// A card with everything that led to it.
#[derive(Debug)]
pub struct Weighed {
    /// The card.
    pub card: Card,
    /// What was found and weighed.
    pub ranked: Ranked,
    /// What the card stands on.
    pub ground: Ground,
}

/// The card, at once, and the prose as it comes.
#[derive(Debug, Serialize, Deserialize)]
pub struct AnswerReply {
    /// Complete; never waits for the model.
    pub card: Card,
    /// Present when prose was asked for, the card is no refusal, and a model is configured; its events follow apart.
    #[serde(skip)]
    pub prose: Option<Prose>,
    /// Why there is no prose although it was asked for: code and words for the teller.
    pub prose_unavailable: Option<ErrorBody>,
    /// Goes with the next question of the same person; empty where nothing is kept.
    #[serde(default)]
    pub session: String,
}

/// An answer as one JSON object: the shape of `POST /api/v1/ask` and of `guida ask --json`.
#[derive(Debug, Serialize)]
pub struct AnswerBody<'a> {
    /// Its fields stand at the top.
    #[serde(flatten)]
    pub card: &'a Card,
    /// As in [`AnswerReply::session`].
    pub session: &'a str,
    /// The finished prose.
    pub prose: Option<Box<ProseDone>>,
    /// Why there is none although it was asked for.
    pub prose_unavailable: Option<ErrorBody>,
}

impl Answerer {
    /// Couples retrieval with the models that write, if there are any.
    pub fn new(retriever: Retriever, writers: impl Into<Arc<WriterPlace>>) -> Answerer {
        Answerer { retriever, writers: writers.into(), written: Arc::default() }
    }

    /// Retrieval, for searches without a card.
    pub fn retriever(&self) -> &Retriever {
        &self.retriever
    }

    /// The models that write now.
    pub fn writers(&self) -> Arc<Writers> {
        self.writers.now()
    }

    /// What the answer cache did and holds.
    pub fn cache_figures(&self) -> AnswerCacheFigures {
        self.written.figures()
    }

    /// Answers.
    ///
    /// # Errors
    /// `KB_CORRUPT` when the knowledge no longer reads. A model that is missing, busy or dead is no error: the card stands.
    pub fn answer(&self, ask: &Ask<'_>) -> Result<AnswerReply> {
        let card = self.weigh(ask)?.card;
        Ok(self.with_prose(ask, card))
    }

    /// A card with the prose that was asked for.
    pub fn with_prose(&self, ask: &Ask<'_>, card: Card) -> AnswerReply {
        let (prose, prose_unavailable) = match (ask.prose && !card.refused).then(|| self.write(ask, &card)) {
            None => (None, None),
            Some(Ok(prose)) => (Some(prose), None),
            Some(Err(e)) => (None, Some(ErrorBody::from(&e))),
        };
        AnswerReply { card, prose, prose_unavailable, session: String::new() }
    }

    /// Asks what a question is about that does not say so by itself; nothing is searched.
    pub fn ask_back(&self, ask: &Ask<'_>) -> AnswerReply {
        let card = incomplete::ask_back(ask, self.retriever.knowledge().generation().clone());
        AnswerReply { card, prose: None, prose_unavailable: None, session: String::new() }
    }

    /// The card, and what led to it; no model writes.
    ///
    /// # Errors
    /// As [`Answerer::answer`].
    pub fn weigh(&self, ask: &Ask<'_>) -> Result<Weighed> {
        let started = Instant::now();
        let mut weighed = self.weigh_one(ask, ask.matter.unwrap_or(ask.question.text()))?;
        if !ask.parts.is_empty() {
            let parts = ask.parts.iter().map(|part| {
                let text = part.question.text();
                Ok((part, self.weigh_one(ask, text)?.card))
            });
            let parts: Vec<_> = parts.collect::<Result<_>>()?;
            weighed = several::combine(weighed, &parts);
        }
        weighed.card.timings.card_ms = started.elapsed().as_secs_f64() * 1e3;
        Ok(weighed)
    }

    /// The card for `text` in the circumstances of a question.
    fn weigh_one(&self, ask: &Ask<'_>, text: &str) -> Result<Weighed> {
        let started = Instant::now();
        let query =
            Query { text, scope: ask.scope.clone(), recent_documents: ask.recent_documents, limit: HITS_FOR_CARD };
        let ranked = self.retriever.search_within(&query, ask.context.as_ref())?;
        let retrieve_ms = started.elapsed().as_secs_f64() * 1e3;
        let (mut card, ground) = card::build(&self.retriever, ask, &ranked)?;
        card.timings.embed_ms = ranked.embed_ms;
        card.timings.retrieve_ms = retrieve_ms;
        Ok(Weighed { card, ranked, ground })
    }

    /// What a model is given to read for a card; `None` for a refusal.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn prompt(&self, ask: &Ask<'_>, card: &Card) -> Result<Option<Prompt>> {
        if card.refused {
            return Ok(None);
        }
        Ok(Some(Draft::new(self.retriever.knowledge(), ask, card)?.into_prompt()))
    }

    /// Has a model write: the one that suits the question, or the other one when that is missing, not ready or full. What it
    /// wrote before in the same circumstances is given again, whether it is ready or not.
    fn write(&self, ask: &Ask<'_>, card: &Card) -> Result<Prose> {
        let wanted = routing::route(&Difficulty::of(card));
        let draft = Draft::new(self.retriever.knowledge(), ask, card)?;
        // One answer is asked of one set of models, whatever is exchanged meanwhile.
        let writers = self.writers.now();
        let mut why = None;
        for (role, generator) in writers.from(wanted) {
            let status = generator.status();
            let key = draft.key(&status);
            if let Some(done) = key.and_then(|key| self.written.find(&key)) {
                return Ok(Prose::stored(&done));
            }
            let store = key.map(|key| (Arc::clone(&self.written), key));
            match writing::write(generator, role, status, &draft, store) {
                Ok(prose) => {
                    self.written.missed();
                    return Ok(prose);
                }
                Err(error) => why = why.or(Some(error)),
            }
        }
        Err(why.unwrap_or_else(|| {
            Error::new(
                Code::ModelUnavailable,
                "没有配置对话模型",
                "以结论和原文条款为准;需要生成说明时用 --model 指定模型",
            )
        }))
    }
}
