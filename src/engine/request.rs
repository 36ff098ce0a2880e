//! Everything that can be asked of Guida, in one enum. HTTP, console and command line all come through here.

use super::importing::ImportRequest;
use crate::types::{Classification, ClauseId, Date, Level};
use serde::Deserialize;

/// A teller's question.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// The question in the teller's words.
    pub question: String,
    /// Answer by the rules in force on this day; today when absent.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Only these levels; all when empty.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// The choice made for the card's clarifying question.
    #[serde(default)]
    pub choice: Option<String>,
    /// Titles of documents cited in this conversation, most recent first; a bare `第五条` is looked up there.
    #[serde(default)]
    pub recent_documents: Vec<String>,
    /// Whether prose below the card is wanted (needs a model).
    #[serde(default)]
    pub prose: bool,
    /// Whether the prose is wanted as an object of conclusion and reasons as well as in words; it comes all at once, at the end.
    #[serde(default)]
    pub structured: bool,
}

/// A search for clauses, without a card.
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The question's comparison form.
    pub folded: String,
    /// Fingerprint of the clause's words as they were shown; a later change is another entry.
    pub new_fingerprint: String,
}

/// Every request.
#[derive(Debug, Clone)]
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
}

impl Actor {
    /// What the journal calls the caller. Names come with accounts.
    pub fn name(&self) -> &'static str {
        match self.role {
            Role::Teller => "teller",
            Role::Operator => "operator",
        }
    }
}
