//! Documents come in: from a folder of files to the text that the knowledge base is built from.
//!
//! [`walk`] lists the files of a folder in a fixed order, [`readers`] turns each of them into
//! [`RawDocument`](crate::text::document::RawDocument)s whatever its format and encoding, and [`report`] says for
//! every single file whether it was read, skipped or failed, and why. One broken file never stops the others.
//!
//! [`plan`] then lines the versions of each title up in time, `versions` by evidence that they are versions, `repeals` by what texts say of others, `places` decides which ids they get, `expand` collects from [`curated`] files and guides how tellers and
//! customers speak of a clause, [`thesaurus`] reads a bank's own list of spoken words, [`everyday`] adds how people ask about public laws and what a language model wrote ([`enrich`]), `abbreviations` finds the names that a document shortens and
//! the terms that it defines, `table_header` the column names of tables that were cut, `index_text` decides how much all that counts beside the clause's own
//! words, [`lint`] looks for what an editor should mend, [`build`] writes the knowledge file in one go, `embed` its vectors, [`publish`] renames it over the old one, and [`sheet`] shows an editor all of it.

mod abbreviations;
mod amended_rows;
mod amendments;
pub mod build;
mod consolidate;
pub mod curated;
mod embed;
pub mod encoding;
pub mod enrich;
pub mod everyday;
mod expand;
mod guide_numbers;
mod identity;
mod index_text;
pub mod lint;
mod places;
pub mod plan;
mod publish;
mod reach;
pub mod readers;
mod repeals;
pub mod report;
pub mod sheet;
mod table_header;
mod targets;
pub mod thesaurus;
mod touched;
mod versions;
pub mod walk;

pub(crate) use amendments::NOT_HERE;
