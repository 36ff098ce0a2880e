//! A follow-up question is read together with what came before it in the same session.
//!
//! [`read`] is pure: the earlier turns and the question in, what is asked in full out. `words` knows the words that carry a question
//! on, `clauses` cuts a question into its statements and what it asks, `amounts` finds quantities in it, `reading` decides and merges; [`sessions`] keeps the turns of
//! those who ask, in memory and for a while. [`several`] takes several questions in one apart.
//!
//! A wrong merge is worse than none: a question that names a matter of its own (`assets/business.txt`) stands for itself unless its
//! words say plainly that it goes on.

mod amounts;
mod clauses;
mod reading;
pub mod sessions;
mod several;
mod words;

#[cfg(test)]
mod tests;

pub use reading::read;
pub use several::{Part, several};

use crate::types::Date;

/// A question that was answered, as later ones need it. Every text in it passed the guard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The question in full, as it was answered.
    pub read: String,
    /// The condition that was chosen for it.
    pub choice: Option<String>,
    /// The day that was named for it.
    pub as_of: Option<Date>,
    /// Titles on its card, in the order of the card.
    pub documents: Vec<String>,
}

/// How a question is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The question in full; as it came unless it follows.
    pub text: String,
    /// It was read together with an earlier question.
    pub follows: bool,
    /// How a follow-up was read, in a few words for the card.
    pub said: Option<String>,
    /// It says by itself not what it is about, and nothing came before it.
    pub fragment: bool,
}
