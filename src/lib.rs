//! Guida 柜答: offline question answering for bank branches. A teller asks in spoken words; Guida shows the conclusion and the
//! verbatim clause that carries it, from the bank's own rules and the law in force on the day.
//!
//! **The journey of a question.** A face ([`http`], [`cli`], [`admin`]) hands a request to the one door, [`engine`]. [`guard`] makes a
//! checked and masked question of it; [`dialogue`] reads a follow-up together with what came before it; [`retrieval`] ranks the clauses that are in force and judges whether they answer;
//! [`answer`] lays out the evidence card and sends it at once. Where a model is loaded, [`prompt`] puts clauses and question
//! into words for it, [`inference`] writes in a child process, and [`guard`] strikes every sentence that the clauses do not
//! bear out before it is shown.
//!
//! **The journey of a rule.** [`ingest`] reads files of many formats, [`text`] finds title, dates, repeals and clauses in
//! them, [`ingest::plan`] lines up the versions of each title in time, and [`store`] writes one immutable knowledge file.
//!
//! [`app`] puts it together and is the only module that names concrete adapters; [`types`] and [`error`] are the vocabulary
//! of all; [`clock`] knows the day; [`log`] keeps what is said; [`eval`] measures.

pub mod admin;
pub mod answer;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod dialogue;
pub mod disk;
pub mod engine;
mod english;
pub mod error;
pub mod eval;
pub mod guard;
pub mod http;
pub mod import;
pub mod inference;
pub mod ingest;
pub mod log;
pub mod pack;
pub mod prompt;
pub mod retrieval;
pub mod store;
pub mod text;
pub mod types;
