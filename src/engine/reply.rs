//! What the engine answers; serialised as is by HTTP and `--json`.

pub use crate::answer::outcome::{Card, Choice, Citation, Clarify, Refusal};
pub use crate::answer::prose::{Prose, ProseStep};
use crate::inference::{GenerateStats, GeneratorStatus, ModelId};
use crate::types::{Classification, ClauseId, Date, EffectivePeriod, GenerationId, Level, Status, VersionId};
use serde::Serialize;

/// Answer to one request; the variant mirrors the request's.
#[derive(Debug)]
pub enum Reply {
    /// To `Ask`.
    Answer(Box<AnswerReply>),
    /// To `Search`.
    Search(SearchReply),
    /// To `Clause`.
    Clause(Box<ClauseReply>),
    /// To `Documents`.
    Documents(DocumentsReply),
    /// To `Status`.
    Status(Box<StatusReply>),
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

/// What the running prose yields; the event names of the API's stream are the variant names in lower case.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ProseEvent {
    /// Waiting or reading: for the progress line.
    Progress {
        /// Requests ahead in the queue.
        ahead: usize,
        /// Prompt tokens processed.
        prefill_done: u32,
        /// Prompt tokens in all, 0 while queued.
        prefill_total: u32,
    },
    /// A piece of checked text.
    Token {
        /// Append it.
        text: String,
    },
    /// The end.
    Done(ProseDone),
    /// The end, too soon; what was shown stays, marked as interrupted.
    Error(ErrorBody),
}

/// Summary at the end of the prose.
#[derive(Debug, Clone, Serialize)]
pub struct ProseDone {
    /// All text, after checks.
    pub text: String,
    /// The label that must accompany the text.
    pub label: &'static str,
    /// Sentences struck because a number, date or clause address in them stands in no cited clause.
    pub struck: Vec<String>,
    /// Card numbers that the text cites.
    pub cited: Vec<u32>,
    /// Card numbers of clauses that did not fit the model's window and so were not read by it.
    pub left_out: Vec<u32>,
    /// Prefill speed, tokens per second.
    pub prefill_tokens_per_second: f64,
    /// Writing speed, tokens per second.
    pub decode_tokens_per_second: f64,
    /// Figures.
    pub stats: GenerateStats,
    /// The model that wrote.
    pub model: ModelId,
    /// Implicit label (人工智能生成合成内容标识办法).
    #[serde(rename = "AIGC")]
    pub aigc: Aigc,
}

/// Implicit label of generated content; field names are fixed by GB 45438-2025.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Aigc {
    /// "1": generated.
    pub label: &'static str,
    /// Who made the content.
    pub content_producer: String,
    /// Id of this content.
    #[serde(rename = "ProduceID")]
    pub produce_id: String,
    /// Reserved for the producer.
    pub reserved_code1: String,
    /// Who passes the content on.
    pub content_propagator: String,
    /// Id given by who passes it on.
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    /// Reserved for who passes it on.
    pub reserved_code2: String,
}

/// Error as sent: `{code, message, hint}`.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorBody {
    /// Stable code.
    pub code: &'static str,
    /// What happened and why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl From<&crate::error::Error> for ErrorBody {
    fn from(e: &crate::error::Error) -> ErrorBody {
        ErrorBody { code: e.code().as_str(), message: e.message().to_owned(), hint: e.hint().to_owned() }
    }
}

/// Hits of a search, best first.
#[derive(Debug, Serialize)]
pub struct SearchReply {
    /// The day whose rules were searched.
    pub as_of: Date,
    /// The hits; `n` is the rank.
    pub hits: Vec<Citation>,
    /// Time inside the process, milliseconds.
    pub took_ms: f64,
    /// Knowledge that was searched.
    pub generation: GenerationId,
}

/// A clause in its place.
#[derive(Debug, Serialize)]
pub struct ClauseReply {
    /// The clause.
    pub clause: Citation,
    /// Clauses before it, in document order.
    pub before: Vec<Neighbour>,
    /// Clauses after it.
    pub after: Vec<Neighbour>,
    /// Every version of the document, newest first.
    pub versions: Vec<VersionInfo>,
    /// Knowledge that holds it.
    pub generation: GenerationId,
}

/// A neighbouring clause.
#[derive(Debug, Serialize)]
pub struct Neighbour {
    /// For `GET /api/v1/clauses/{id}`.
    pub id: ClauseId,
    /// Printed label.
    pub clause: String,
    /// Chapter path.
    pub heading: String,
    /// Verbatim.
    pub text: String,
}

/// One version of a document.
#[derive(Debug, Clone, Serialize)]
pub struct VersionInfo {
    /// Its id.
    pub id: VersionId,
    /// Title.
    pub title: String,
    /// 文号.
    pub doc_no: String,
    /// Issuing authority.
    pub issuer: String,
    /// Rank.
    pub level: Level,
    /// Classification.
    pub classification: Classification,
    /// Day of publication.
    pub published: Option<Date>,
    /// In force.
    pub effective: EffectivePeriod,
    /// State on the day of the request.
    pub status: Status,
    /// Number of clauses.
    pub clauses: u64,
    /// Its first clause.
    pub first_clause: Option<ClauseId>,
    /// Whether it is sample text.
    pub sample: bool,
}

/// The document list.
#[derive(Debug, Serialize)]
pub struct DocumentsReply {
    /// Versions, grouped by title, newest first.
    pub documents: Vec<VersionInfo>,
    /// Knowledge that holds them.
    pub generation: GenerationId,
}

/// State of the service.
#[derive(Debug, Serialize)]
pub struct StatusReply {
    /// Product version.
    pub version: &'static str,
    /// Active knowledge.
    pub generation: GenerationId,
    /// Versions in it.
    pub documents: u64,
    /// Clauses in it.
    pub clauses: u64,
    /// Vectors in it.
    pub vectors: u64,
    /// The encoder, when loaded.
    pub embedder: Option<ModelId>,
    /// The generator, when configured.
    pub generator: Option<GeneratorStatus>,
    /// Today, as the box believes.
    pub today: Date,
}
