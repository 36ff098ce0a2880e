//! Legal structure: a document as blocks becomes a document of clauses with addresses, dates and repeals.

mod model;

pub use model::{GuideChoice, GuideClarify, GuideScene, ParsedClause, ParsedDocument, RepealNotice};
