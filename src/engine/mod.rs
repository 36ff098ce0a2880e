//! The one door. HTTP, console and command line hand in a [`request::Request`] on behalf of an [`request::Actor`] and get a
//! [`reply::Reply`]; nothing else reaches knowledge or models.
//!
//! [`policy`] decides who may ask what, [`Engine::handle`] routes, [`browse`](self) answers what needs no card. [`offline`] holds
//! the operations on files that run without a service: building, checking and measuring knowledge; [`models`] those on model files;
//! [`measure`] those that build knowledge for the measuring; [`exam`] asks a file of questions through the door; [`office`] is head
//! office's making of packs. `figures` counts what passes.

pub mod branch;
mod browse;
pub mod exam;
mod figures;
pub mod importing;
pub mod measure;
pub mod models;
pub mod office;
pub mod offline;
mod policy;
pub mod reply;
pub mod request;
mod seat;

use crate::answer::{AnswerReply, Ask, Writers};
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::guard::check_question;
use crate::inference::{Embedder, Generator, Reranker};
use crate::retrieval::scope::Scope;
use crate::store::generations::DataDir;
use crate::types::Classification;
use figures::Counters;
use importing::ImportDesk;
use reply::{Reply, StatusReply};
use request::{Actor, AskRequest, Request};
use seat::{Models, Seat};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use crate::guard::MAX_QUESTION_CHARS;
pub use figures::CARD_SECONDS;

/// Most hits of one search.
pub const MAX_SEARCH_HITS: usize = 100;
/// Most neighbours of a clause on either side.
pub const MAX_NEIGHBOURS: usize = 20;
/// Most titles that a conversation may carry along.
const MAX_RECENT_DOCUMENTS: usize = 10;
/// Most bytes of a title, a choice or a filter.
const MAX_FIELD_BYTES: usize = 600;

/// Everything that answers. The knowledge behind it may be exchanged at any time; an answer is always of one generation.
pub struct Engine {
    seat: Arc<Seat>,
    desk: Option<ImportDesk>,
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
        let seat = Seat::open(kb, Models { embedder, reranker, writers })?;
        Ok(Engine { seat: Arc::new(seat), desk: None, counters: Counters::default() })
    }

    /// Takes imports into this data folder.
    pub fn with_data(mut self, data: &Path) -> Engine {
        self.desk = Some(ImportDesk::new(DataDir::at(data)));
        self
    }

    /// Answers from another knowledge file from the next question on.
    ///
    /// # Errors
    /// As [`Engine::open`]; what answered before then goes on.
    pub fn adopt(&self, kb: &Path) -> Result<()> {
        self.seat.adopt(kb)
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
                browse::search(self.seat.answerer().retriever(), actor, &search).map(Reply::Search)
            }
            Request::Clause { id, neighbours, as_of } => {
                browse::clause(self.seat.answerer().retriever(), actor, id, neighbours, as_of)
                    .map(|r| Reply::Clause(Box::new(r)))
            }
            Request::Documents { filter } => {
                check_field("筛选词", filter.as_deref())?;
                Ok(Reply::Documents(browse::documents(self.seat.answerer().retriever(), actor, filter.as_deref())))
            }
            Request::Import(request) => {
                let desk = self.desk.as_ref().ok_or_else(|| {
                    Error::new(Code::DataFolder, "服务没有使用数据目录", "用 guida serve --data 目录 启动后再导入")
                })?;
                desk.handle(&self.seat, actor.name(), request).map(|state| Reply::Import(Box::new(state)))
            }
            Request::Status => self.status().map(|s| Reply::Status(Box::new(s))),
        }
    }

    /// Has the models read, in idle moments, the evidence that tellers are likely to ask about. Returns how many prompts it named.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn warm(&self, stop: &AtomicBool) -> Result<usize> {
        let scope = Scope {
            as_of: clock::today(),
            clearance: Classification::Internal,
            levels: Vec::new(),
            all_versions: false,
        };
        let answerer = self.seat.answerer();
        let writers = answerer.writers();
        let generators: Vec<_> = [&writers.large, &writers.small].into_iter().flatten().collect();
        if generators.is_empty() {
            return Ok(0);
        }
        let prompts = answerer.likely_prompts(&scope, stop)?;
        for generator in generators {
            generator.warm(prompts.clone());
        }
        Ok(prompts.len())
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
        self.seat.answerer().answer(&Ask {
            question: &question,
            scope: Scope {
                as_of: ask.as_of.unwrap_or_else(clock::today),
                clearance: actor.clearance,
                levels: ask.levels.clone(),
                all_versions: false,
            },
            choice: ask.choice.as_deref(),
            recent_documents: &ask.recent_documents,
            prose: ask.prose,
            structured: ask.structured,
        })
    }

    fn status(&self) -> Result<StatusReply> {
        let answerer = self.seat.answerer();
        let retriever = answerer.retriever();
        let knowledge = retriever.knowledge();
        Ok(StatusReply {
            version: env!("CARGO_PKG_VERSION"),
            generation: knowledge.generation().clone(),
            documents: knowledge.versions().len() as u64,
            clauses: knowledge.clause_total(),
            vectors: knowledge.vector_count(),
            embedder: retriever.embedder().map(|e| e.model().clone()),
            generator: answerer.writers().main(),
            small_generator: answerer.writers().beside(),
            answer_cache: answerer.cache_figures(),
            service: self.counters.figures(),
            today: clock::today(),
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
