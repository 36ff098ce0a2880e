//! Chinese text: documents as blocks, their legal structure, normalisation and clause addresses.
//!
//! Everything here is pure: text in, values out, no files. A reader makes a [`document::RawDocument`];
//! [`legal::parse`] finds title, dates, repeals and clauses in it; [`clause`] finds 款, 项, 目 and sentences inside a
//! clause when they are asked for; [`address`] reads and prints clause addresses and finds them in questions and in rules,
//! counting with [`numeral`]; [`normalize`] gives index text, queries and titles one spelling, [`filler`] drops what a question
//! says besides its matter, [`outside`] knows questions that no rulebook answers, [`day`] finds the day whose rule it asks for, and [`passage`] makes the texts that an encoder is given.

pub mod address;
pub mod clause;
pub mod contrast;
pub mod day;
pub mod document;
pub mod filler;
pub mod grounds;
pub mod legal;
pub mod normalize;
pub mod numeral;
pub mod outside;
pub mod passage;
pub mod quantity;
pub mod questions;
pub mod similar;
pub mod syllables;
pub mod table;
pub mod thesaurus;
pub mod tokenize;
