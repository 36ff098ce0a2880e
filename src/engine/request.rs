//! Everything that can be asked of Guida, in one enum. HTTP, console and command line all come through here.

use super::importing::ImportRequest;
use super::logs::LogRequest;
use super::modeling::ModelRequest;
use super::settings::SettingsRequest;
use crate::error::{Code, Error, Result};
use crate::types::{Classification, ClauseId, Date, Level};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What the people at the counters may read: the page's clearance, and that of a trace.
pub const TELLER_CLEARANCE: Classification = Classification::Internal;

/// Most bytes of a title, a choice or a filter.
const MAX_FIELD_BYTES: usize = 600;

/// A teller's question.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// The question in the teller's words.
    pub question: String,
    /// Answer by the rules in force on this day; when absent, on the day that the question speaks of (去年6月那笔…算违规吗), else today.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Only these levels; all when empty.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// The choice made for the card's clarifying question.
    #[serde(default)]
    pub choice: Option<String>,
    /// Titles of documents cited in this conversation, most recent first; a bare `第五条` is looked up there. Without any those of
    /// the session's latest card serve.
    #[serde(default)]
    pub recent_documents: Vec<String>,
    /// The session of an earlier reply: a follow-up is read together with the questions of that session. One that is unknown or has
    /// ended is a new one.
    #[serde(default)]
    pub session: Option<String>,
    /// Forgets what the session asked before: the question is a matter of its own.
    #[serde(default)]
    pub fresh: bool,
    /// Whether prose below the card is wanted (needs a model).
    #[serde(default)]
    pub prose: bool,
    /// Whether the prose is wanted as an object of conclusion and reasons as well as in words; it comes all at once, at the end.
    #[serde(default)]
    pub structured: bool,
}

/// A search for clauses, without a card.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The words.
    pub query: String,
    /// As in [`AskRequest::as_of`].
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Only these levels; all when empty.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Most hits to return, 1 to [`crate::engine::MAX_SEARCH_HITS`].
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// Also superseded, repealed and future texts; each hit carries its status.
    #[serde(default)]
    pub all_versions: bool,
}

fn default_limit() -> usize {
    10
}

/// One entry of the list for review: what the person has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The question's comparison form.
    pub folded: String,
    /// Fingerprint of the clause's words as they were shown; a later change is another entry.
    pub new_fingerprint: String,
}

/// Every request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Answer a question.
    Ask(AskRequest),
    /// Search clauses.
    Search(SearchRequest),
    /// One clause in its document, with neighbours.
    Clause {
        /// Which.
        id: ClauseId,
        /// Neighbours wanted on either side, at most [`crate::engine::MAX_NEIGHBOURS`].
        neighbours: usize,
        /// The day whose status is shown; today when absent.
        as_of: Option<Date>,
    },
    /// The list of documents with their versions.
    Documents {
        /// Only titles that contain this.
        filter: Option<String>,
    },
    /// State of the service.
    Status,
    /// The curated questions whose clause changed, with old and new words.
    Review,
    /// A person has looked at one of them: it may settle answers again.
    Accept(AcceptRequest),
    /// Taking new knowledge in.
    Import(ImportRequest),
    /// How the service does: state, the last hour, what of the machine belongs to it.
    Overview,
    /// Answer a question and tell everything that led to the answer.
    Trace(AskRequest),
    /// The latest questions with what became of them, the latest first.
    Recent,
    /// Who the box is, and its generations.
    Branch,
    /// What the active generation changed against the one before it.
    Difference,
    /// What was done to the box, the latest first.
    Journal,
    /// The sticks that are plugged in.
    Sticks,
    /// The models that write.
    Model(ModelRequest),
    /// What the service said lately.
    Log(LogRequest),
    /// The settings.
    Settings(SettingsRequest),
    /// Whether everything is in order.
    Doctor,
}

impl Request {
    /// Whether the reply is made of what stands in the knowledge.
    pub(super) fn needs_knowledge(&self) -> bool {
        matches!(
            self,
            Request::Ask(_)
                | Request::Search(_)
                | Request::Clause { .. }
                | Request::Documents { .. }
                | Request::Trace(_)
                | Request::Review
                | Request::Accept(_)
        )
    }
}

/// Who asks. Roles beyond the teller come with accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asks questions on the page or the API.
    Teller,
    /// Uses the command line on the box itself.
    Operator,
}

/// The caller of a request.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What the caller may do.
    pub role: Role,
    /// What the caller may read.
    pub clearance: Classification,
    name: Cow<'static, str>,
}

impl Actor {
    /// Somebody at a counter, who may read up to `clearance`. Names come with accounts.
    pub fn teller(clearance: Classification) -> Actor {
        Actor { role: Role::Teller, clearance, name: "teller".into() }
    }

    /// The person at the box's own command line, who reads everything that is on the box anyway.
    pub fn operator() -> Actor {
        Actor { role: Role::Operator, clearance: Classification::Confidential, name: "operator".into() }
    }

    /// The operator as whom this process runs, by number.
    pub fn at_the_command_line() -> Actor {
        Actor::named_operator(format!("operator uid={}", rustix::process::getuid().as_raw()))
    }

    /// An operator whom the operating system names.
    pub fn named_operator(name: String) -> Actor {
        Actor { name: name.into(), ..Actor::operator() }
    }

    /// What the journal calls the caller.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Refuses a field that nobody types by hand at such a length.
pub(super) fn check_field(name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(text) if text.len() > MAX_FIELD_BYTES => Err(Error::new(
            Code::BadParameter,
            format!("{name}有 {} 字节,最多 {MAX_FIELD_BYTES}", text.len()),
            "缩短后重试",
        )),
        _ => Ok(()),
    }
}
