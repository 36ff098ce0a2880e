//! What the engine answers; serialised as is by HTTP and `--json`.

pub use super::branch::{BranchStatus, Event};
pub use super::doctor::DoctorReply;
pub use super::figures::ServiceFigures;
pub use super::importing::{ImportReply, ImportState};
pub use super::logs::LogReply;
pub use super::modeling::ModelsReply;
pub use super::overview::OverviewReply;
pub use super::recent::RecentQuestion;
pub use super::settings::SettingsReply;
pub use super::sticks::SticksReply;
pub use super::trace::TraceReply;
pub use crate::answer::outcome::{Card, Choice, Citation, Clarify, Refusal, Timings};
pub use crate::answer::prose::{Aigc, Progress, Prose, ProseDone, ProseEvent, ProseStep, Stage};
pub use crate::answer::{AnswerBody, AnswerCacheFigures, AnswerReply, Reason, Role, Structured};
pub use crate::error::ErrorBody;
pub use crate::inference::GeneratorStatus;
use crate::inference::ModelId;
pub use crate::store::diff::Diff;
pub use crate::store::review::Suspended;
use crate::types::{Classification, ClauseId, Date, EffectivePeriod, GenerationId, Level, Status, VersionId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Answer to one request; the variant mirrors the request's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// To `Review`.
    Review(ReviewReply),
    /// To `Accept`: what was accepted.
    Accepted(Box<Suspended>),
    /// To `Import`.
    Import(Box<ImportReply>),
    /// To `Overview`.
    Overview(Box<OverviewReply>),
    /// To `Trace`.
    Trace(Box<TraceReply>),
    /// To `Recent`.
    Recent(Vec<RecentQuestion>),
    /// To `Branch`.
    Branch(Box<BranchStatus>),
    /// To `Difference`; `None` without an earlier generation.
    Difference(Option<Box<Difference>>),
    /// To `Journal`.
    Journal(Vec<Event>),
    /// To `Sticks`.
    Sticks(SticksReply),
    /// To `Model`.
    Models(Box<ModelsReply>),
    /// To `Log`.
    Log(LogReply),
    /// To `Settings`.
    Settings(SettingsReply),
    /// To `Doctor`.
    Doctor(DoctorReply),
}

/// What a generation changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Difference {
    /// The generation before.
    pub from: String,
    /// The active one.
    pub to: String,
    /// What is other.
    pub diff: Diff,
}

/// Hits of a search, best first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchReply {
    /// The day whose rules were searched.
    pub as_of: Date,
    /// The hits; `n` is the rank.
    pub hits: Vec<Citation>,
    /// The words named a clause by its address, and the first hit is that clause.
    pub by_address: bool,
    /// Time inside the process, milliseconds.
    pub took_ms: f64,
    /// Knowledge that was searched.
    pub generation: GenerationId,
}

/// A clause in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentsReply {
    /// Versions, grouped by title, newest first.
    pub documents: Vec<VersionInfo>,
    /// Knowledge that holds them.
    pub generation: GenerationId,
}

/// State of the service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusReply {
    /// Product version.
    pub version: Cow<'static, str>,
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
    /// The generator, when configured: the one for hard questions where there are two.
    pub generator: Option<GeneratorStatus>,
    /// The generator for easy questions beside it.
    pub small_generator: Option<GeneratorStatus>,
    /// The answers that were written and are given again.
    pub answer_cache: AnswerCacheFigures,
    /// Counts since the start.
    pub service: ServiceFigures,
    /// The day by whose rules is answered, see [`crate::clock::BoxClock`].
    pub today: Date,
    /// What the box must tell, gravest first; shown above every answer.
    pub notices: Vec<Notice>,
    /// Curated questions that wait for a person.
    pub suspended: u64,
}

/// Something that people at the counter should know before they rely on an answer. It never stops one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable code.
    pub code: NoticeCode,
    /// What is the matter.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeCode {
    /// The pointer to the active knowledge is damaged; the last good one serves.
    ActiveCorrupt,
    /// Knowledge here is not what head office signed and does not answer; the one before it does, or nothing.
    KnowledgeAltered,
    /// Nothing can be written into the data folder.
    DataUnwritable,
    /// The disk of the data folder is nearly full.
    DiskLow,
    /// The journal or another record of this box was changed or is damaged.
    RecordsAltered,
    /// Nothing was imported yet, and every question is refused.
    NoKnowledge,
    /// The knowledge that answers is still being compared with what head office signed.
    KnowledgeUnchecked,
    /// The clock lies before a time that head office has signed.
    ClockBeforeFloor,
    /// The clock has shown a later time before.
    ClockSteppedBack,
    /// The clock shows a later time than can have passed.
    ClockSteppedForward,
    /// The knowledge is older than its pack says it should become.
    KnowledgeStale,
    /// Head office has announced newer knowledge.
    NewerAnnounced,
    /// One computer takes the connections of the others; its idle ones are closed.
    ClientCrowding,
    /// Curated questions wait for a person, because their clause changed.
    CuratedSuspended,
}

impl NoticeCode {
    /// Every code, gravest first.
    pub const ALL: [NoticeCode; 14] = [
        NoticeCode::ActiveCorrupt,
        NoticeCode::KnowledgeAltered,
        NoticeCode::DataUnwritable,
        NoticeCode::DiskLow,
        NoticeCode::RecordsAltered,
        NoticeCode::NoKnowledge,
        NoticeCode::KnowledgeUnchecked,
        NoticeCode::ClockBeforeFloor,
        NoticeCode::ClockSteppedBack,
        NoticeCode::ClockSteppedForward,
        NoticeCode::KnowledgeStale,
        NoticeCode::NewerAnnounced,
        NoticeCode::ClientCrowding,
        NoticeCode::CuratedSuspended,
    ];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeCode::ActiveCorrupt => "ACTIVE_CORRUPT",
            NoticeCode::KnowledgeAltered => "KNOWLEDGE_ALTERED",
            NoticeCode::DataUnwritable => "DATA_UNWRITABLE",
            NoticeCode::DiskLow => "DISK_LOW",
            NoticeCode::RecordsAltered => "RECORDS_ALTERED",
            NoticeCode::NoKnowledge => "NO_KNOWLEDGE",
            NoticeCode::KnowledgeUnchecked => "KNOWLEDGE_UNCHECKED",
            NoticeCode::ClockBeforeFloor => "CLOCK_BEFORE_FLOOR",
            NoticeCode::ClockSteppedForward => "CLOCK_STEPPED_FORWARD",
            NoticeCode::ClockSteppedBack => "CLOCK_STEPPED_BACK",
            NoticeCode::KnowledgeStale => "KNOWLEDGE_STALE",
            NoticeCode::NewerAnnounced => "NEWER_ANNOUNCED",
            NoticeCode::ClientCrowding => "CLIENT_CROWDING",
            NoticeCode::CuratedSuspended => "CURATED_SUSPENDED",
        }
    }
}

/// The curated questions that wait for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReviewReply {
    /// One entry a question and clause.
    pub suspended: Vec<Suspended>,
    /// Knowledge that answers.
    pub generation: GenerationId,
}
