//! What comes in and what goes out is checked here, and nowhere else.
//!
//! [`input`] makes a [`GuardedQuestion`] from what a teller typed: readable, short, personal data masked; nothing else can
//! be retrieved for, prompted with or logged, because nothing else has that type. [`redact`] finds personal data, with its
//! cue words and tables in `rules` and its arithmetic in `checksum`. [`output`] reads the model's prose sentence by
//! sentence: `claims` lists the numbers, dates, document numbers, addresses and titles that a sentence states, `grounding`
//! looks for each of them in the clauses, and a sentence with a claim of its own is struck; `reasoning` drops what a model
//! thinks before it answers.
//!
//! All of it is pure: text in, values out. `fold` gives every search one spelling and remembers where each
//! character stood, so that text outside a mask is never touched.

mod checksum;
mod claims;
mod codes;
mod fold;
mod grounding;
pub mod input;
mod moments;
mod numbers;
pub mod output;
mod quantity;
mod reasoning;
pub mod redact;
mod rules;
mod secrets;
mod words;

pub use input::{GuardedQuestion, MAX_QUESTION_BYTES, MAX_QUESTION_CHARS, check_question};
pub use output::{Checked, Evidence, GuardedText, SentenceGate};
pub use reasoning::without_reasoning;
pub use redact::{Found, PiiKind, Redaction, redact};
