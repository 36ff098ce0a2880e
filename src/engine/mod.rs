//! The one door. HTTP, console and command line hand in a [`request::Request`] on behalf of an [`request::Actor`] and get a
//! [`reply::Reply`]; nothing else reaches knowledge or models.
//!
//! [`policy`] decides who may ask what, [`Engine::handle`] routes, [`browse`](self) answers what needs no card. [`offline`] holds
//! the operations on files that run without a service: building, checking and measuring knowledge; [`models`] those on model files;
//! [`measure`] those that build knowledge for the measuring; [`exam`] asks a file of questions through the door. `figures` counts
//! what passes, `standing` knows what a box must tell about itself.

mod browse;
pub mod exam;
mod figures;
pub mod measure;
pub mod models;
pub mod offline;
mod policy;
pub mod reply;
pub mod request;
mod standing;

use crate::answer::{AnswerReply, Answerer, Ask, Writers};
use crate::clock::BoxClock;
use crate::error::{Code, Error, Result};
use crate::guard::check_question;
use crate::inference::{Embedder, Generator, Reranker};
use crate::retrieval::Retriever;
use crate::retrieval::scope::Scope;
use crate::store::Knowledge;
use crate::types::{Classification, Date};
use figures::Counters;
use reply::{Reply, ReviewReply, StatusReply, Suspended};
use request::{Actor, AskRequest, Request};
use standing::Standing;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use crate::guard::MAX_QUESTION_CHARS;
pub use figures::CARD_SECONDS;
pub use standing::Circumstances;

/// Most hits of one search.
pub const MAX_SEARCH_HITS: usize = 100;
/// Most neighbours of a clause on either side.
pub const MAX_NEIGHBOURS: usize = 20;
/// Most titles that a conversation may carry along.
const MAX_RECENT_DOCUMENTS: usize = 10;
/// Most bytes of a title, a choice or a filter.
const MAX_FIELD_BYTES: usize = 600;

/// Everything that answers, for one generation of knowledge.
pub struct Engine {
    answerer: Answerer,
    standing: Standing,
    counters: Counters,
}

impl Engine {
    /// Opens knowledge and couples it with the models that are there.
    ///
    /// # Errors
    /// `KB_OPEN`, `KB_CORRUPT`, `KB_SCHEMA`, or `KB_MODEL` when the encoder is not the one that made the vectors.
    pub fn open(
        kb: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        reranker: Option<Arc<dyn Reranker>>,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Engine> {
        Engine::open_with(kb, embedder, reranker, Writers { small: None, large: generator })
    }

    /// [`Engine::open`] with models by role.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(
        kb: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        reranker: Option<Arc<dyn Reranker>>,
        writers: Writers,
    ) -> Result<Engine> {
        let retriever = Retriever::new(Arc::new(Knowledge::open(kb)?), embedder)?.with_reranker(reranker);
        Ok(Engine {
            answerer: Answerer::new(retriever, writers),
            standing: Standing::default(),
            counters: Counters::default(),
        })
    }

    /// The same by the clock of the box, which knows more than the machine's.
    pub fn with_clock(mut self, clock: Arc<BoxClock>) -> Engine {
        self.standing.clock = clock;
        self
    }

    /// The clock by which is answered.
    pub fn clock(&self) -> &Arc<BoxClock> {
        &self.standing.clock
    }

    /// Says what is known of the knowledge beyond its content; from then on the status tells it.
    pub fn set_circumstances(&self, circumstances: Circumstances) {
        self.standing.set_circumstances(circumstances);
    }

    /// Puts this list of questions that wait for a person in the place of the one before. They settle no answer.
    pub fn set_review(&self, review: Vec<Suspended>) {
        self.retriever().set_suspended(self.standing.set_review(review));
    }

    /// Answers one request. Never blocks on a language model.
    ///
    /// # Errors
    /// `DENIED`; the guard's errors for a question; `BAD_PARAMETER`; `NOT_FOUND`; `KB_CORRUPT`.
    pub fn handle(&self, actor: &Actor, request: Request) -> Result<Reply> {
        policy::authorise(actor, &request)?;
        match request {
            Request::Ask(ask) => {
                let outcome = self.ask(actor, &ask);
                self.counters.count(ask.prose, &outcome);
                outcome.map(|answered| Reply::Answer(Box::new(answered)))
            }
            Request::Search(search) => {
                browse::search(self.retriever(), actor, self.today(), &search).map(Reply::Search)
            }
            Request::Clause { id, neighbours, as_of } => {
                browse::clause(self.retriever(), actor, id, neighbours, as_of.unwrap_or_else(|| self.today()))
                    .map(|r| Reply::Clause(Box::new(r)))
            }
            Request::Documents { filter } => {
                check_field("筛选词", filter.as_deref())?;
                Ok(Reply::Documents(browse::documents(self.retriever(), actor, self.today(), filter.as_deref())))
            }
            Request::Status => self.status().map(|s| Reply::Status(Box::new(s))),
            Request::Review => {
                let generation = self.retriever().knowledge().generation().clone();
                Ok(Reply::Review(ReviewReply { suspended: self.standing.review(), generation }))
            }
            Request::Accept(accept) => {
                let (accepted, waiting) = self.standing.accept(&accept.folded, &accept.new_fingerprint)?;
                self.retriever().set_suspended(waiting);
                Ok(Reply::Accepted(Box::new(accepted)))
            }
        }
    }

    /// Has the models read, in idle moments, the evidence that tellers are likely to ask about. Returns how many prompts it named.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn warm(&self, stop: &AtomicBool) -> Result<usize> {
        let scope =
            Scope { as_of: self.today(), clearance: Classification::Internal, levels: Vec::new(), all_versions: false };
        let writers = self.answerer.writers();
        let generators: Vec<_> = [&writers.large, &writers.small].into_iter().flatten().collect();
        if generators.is_empty() {
            return Ok(0);
        }
        let prompts = self.answerer.likely_prompts(&scope, stop)?;
        for generator in generators {
            generator.warm(prompts.clone());
        }
        Ok(prompts.len())
    }

    fn today(&self) -> Date {
        self.standing.clock.today()
    }

    fn retriever(&self) -> &Retriever {
        self.answerer.retriever()
    }

    fn ask(&self, actor: &Actor, ask: &AskRequest) -> Result<AnswerReply> {
        let question = check_question(&ask.question)?;
        check_field("追问选项", ask.choice.as_deref())?;
        if ask.recent_documents.len() > MAX_RECENT_DOCUMENTS {
            return Err(Error::new(
                Code::BadParameter,
                format!("recent_documents 有 {} 项,最多 {MAX_RECENT_DOCUMENTS} 项", ask.recent_documents.len()),
                "只带最近引用的文档",
            ));
        }
        for title in &ask.recent_documents {
            check_field("recent_documents", Some(title))?;
        }
        let reading = self.standing.clock.read();
        let mut answered = self.answerer.answer(&Ask {
            question: &question,
            scope: Scope {
                as_of: ask.as_of.unwrap_or(reading.day),
                clearance: actor.clearance,
                levels: ask.levels.clone(),
                all_versions: false,
            },
            choice: ask.choice.as_deref(),
            recent_documents: &ask.recent_documents,
            prose: ask.prose,
            structured: ask.structured,
        })?;
        // A day that the person named does not rest on the clock.
        if ask.as_of.is_none() {
            answered.card.notices.extend(standing::doubtful_day(&reading));
        }
        Ok(answered)
    }

    fn status(&self) -> Result<StatusReply> {
        let knowledge = self.retriever().knowledge();
        let reading = self.standing.clock.read();
        let (notices, suspended) = self.standing.notices(&reading);
        Ok(StatusReply {
            version: env!("CARGO_PKG_VERSION"),
            generation: knowledge.generation().clone(),
            documents: knowledge.versions().len() as u64,
            clauses: knowledge.clause_total(),
            vectors: knowledge.vector_count(),
            embedder: self.retriever().embedder().map(|e| e.model().clone()),
            generator: self.answerer.writers().main(),
            small_generator: self.answerer.writers().beside(),
            answer_cache: self.answerer.cache_figures(),
            service: self.counters.figures(),
            today: reading.day,
            notices,
            suspended,
        })
    }
}

fn check_field(name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(text) if text.len() > MAX_FIELD_BYTES => Err(Error::new(
            Code::BadParameter,
            format!("{name}有 {} 字节,最多 {MAX_FIELD_BYTES}", text.len()),
            "缩短后重试",
        )),
        _ => Ok(()),
    }
}
