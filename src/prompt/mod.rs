//! What the language model is told: the rules of answering, the numbered clauses, the question.
//!
//! [`build`] lays a prompt out so that the part shared by many questions comes first and stays the same byte for byte:
//! the system text, then the clauses in an order that depends on nothing but which they are, then the question. No date, user
//! name or other moving part stands before the question, so that the generator can keep the processed prefix. Clauses and
//! question are fenced, and what could open or close a fence inside them is replaced, so that neither can pose as a section of
//! the prompt.

mod template;

pub use template::{Form, Parts, Placed, PromptClause, Standing, VERSION, build};
