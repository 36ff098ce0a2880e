//! From a guarded question to the evidence card and, below it, prose.
//!
//! [`Answerer::answer`] is the pipeline in order: the question has passed the guard (its type says so), retrieval ranks
//! clauses and judges whether they answer, [`card`] lays the evidence out, and only then may a model write: [`prose`] streams
//! what it writes, sentence by sentence, after each has been checked against the card's clauses. The card is complete before
//! the model is even asked.

mod card;
pub mod cite;
mod guide;
pub mod outcome;
pub mod prose;

use crate::error::{Code, Error, ErrorBody, Result};
use crate::guard::GuardedQuestion;
use crate::inference::Generator;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use outcome::Card;
use prose::{Prose, ProseDone};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// Rules that retrieval hands to the card.
const HITS_FOR_CARD: usize = 20;

/// Answers questions from one generation of knowledge.
pub struct Answerer {
    retriever: Retriever,
    generator: Option<Arc<dyn Generator>>,
}

/// A question on its way to a card.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The question; the type proves that it was checked and masked.
    pub question: &'a GuardedQuestion,
    /// What may answer.
    pub scope: Scope,
    /// The choice made for an earlier clarifying question.
    pub choice: Option<&'a str>,
    /// Titles cited lately, most recent first.
    pub recent_documents: &'a [String],
    /// Whether prose is wanted.
    pub prose: bool,
}

/// The card, at once, and the prose as it comes.
#[derive(Debug)]
pub struct AnswerReply {
    /// Complete; never waits for the model.
    pub card: Card,
    /// Present when prose was asked for, the card is no refusal, and a model is configured.
    pub prose: Option<Prose>,
    /// Why there is no prose although it was asked for: code and words for the teller.
    pub prose_unavailable: Option<ErrorBody>,
}

/// An answer as one JSON object: the shape of `POST /api/v1/ask` and of `guida ask --json`.
#[derive(Debug, Serialize)]
pub struct AnswerBody<'a> {
    /// Its fields stand at the top.
    #[serde(flatten)]
    pub card: &'a Card,
    /// The finished prose.
    pub prose: Option<Box<ProseDone>>,
    /// Why there is none although it was asked for.
    pub prose_unavailable: Option<ErrorBody>,
}

impl Answerer {
    /// Couples retrieval with the model that writes, if there is one.
    pub fn new(retriever: Retriever, generator: Option<Arc<dyn Generator>>) -> Answerer {
        Answerer { retriever, generator }
    }

    /// Retrieval, for searches without a card.
    pub fn retriever(&self) -> &Retriever {
        &self.retriever
    }

    /// The model that writes.
    pub fn generator(&self) -> Option<&Arc<dyn Generator>> {
        self.generator.as_ref()
    }

    /// Answers.
    ///
    /// # Errors
    /// `KB_CORRUPT` when the knowledge no longer reads. A model that is missing, busy or dead is no error: the card stands.
    pub fn answer(&self, ask: &Ask<'_>) -> Result<AnswerReply> {
        let started = Instant::now();
        let ranked = self.retriever.search(&Query {
            text: ask.question.text(),
            scope: ask.scope.clone(),
            recent_documents: ask.recent_documents,
            limit: HITS_FOR_CARD,
        })?;
        let retrieve_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut card = card::build(&self.retriever, ask, &ranked)?;
        card.timings.embed_ms = ranked.embed_ms;
        card.timings.retrieve_ms = retrieve_ms;
        card.timings.card_ms = started.elapsed().as_secs_f64() * 1e3;
        let (prose, prose_unavailable) = match (ask.prose && !card.refused).then(|| self.write(ask, &card)) {
            None => (None, None),
            Some(Ok(prose)) => (Some(prose), None),
            Some(Err(e)) => (None, Some(ErrorBody::from(&e))),
        };
        Ok(AnswerReply { card, prose, prose_unavailable })
    }

    fn write(&self, ask: &Ask<'_>, card: &Card) -> Result<Prose> {
        let generator = self.generator.as_ref().ok_or_else(|| {
            Error::new(
                Code::ModelUnavailable,
                "没有配置对话模型",
                "以结论和原文条款为准;需要生成说明时用 --model 指定模型",
            )
        })?;
        prose::start(generator.as_ref(), ask.question, card)
    }
}
