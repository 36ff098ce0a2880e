//! The one door.

pub mod reply;
pub mod request;

/// Most hits of one search.
pub const MAX_SEARCH_HITS: usize = 100;
/// Most neighbours of a clause on either side.
pub const MAX_NEIGHBOURS: usize = 20;
/// Most characters of a question.
pub const MAX_QUESTION_CHARS: usize = 500;
