//! Legal structure: a document as blocks becomes a document of clauses with addresses, dates and repeals.
//!
//! [`parse`] first flattens the blocks into lines (`line`) and takes the opening off (`opening`): title, 文号, history and
//! table of contents. Then the shape decides: scenes (`guide`), questions and answers (`faq`), articles (`article`), or
//! numbers in figures (`decimal`), or headings and paragraphs (`plain`). `outline` keeps the chapter path meanwhile and `labels` keeps addresses unique.
//! What the document is and when it applies (`metadata`, with `date` and `docno`) and what it repeals (`repeal`) is read
//! from front matter, opening lines and closing provisions.
//!
//! No text is lost on the way: every line of the source is in a clause, in a chapter path, or one of the opening lines.

mod article;
mod date;
mod decimal;
mod docno;
mod doubts;
mod faq;
mod guide;
mod heading;
mod labels;
pub(crate) mod line;
mod metadata;
mod model;
mod opening;
mod outline;
mod plain;
#[cfg(test)]
mod property;
mod repeal;
mod table;
#[cfg(test)]
mod tests;

pub use doubts::doubts;
pub use model::{GuideChoice, GuideClarify, GuideScene, ParsedClause, ParsedDocument, RepealNotice};

use crate::error::{Code, Error, Result};
use crate::text::document::RawDocument;
use crate::text::normalize::title_key;
use crate::types::Level;

/// Finds the legal structure of a document.
///
/// # Errors
/// [`Code::DocumentUnreadable`] when the document holds no text at all.
pub fn parse(raw: &RawDocument) -> Result<ParsedDocument> {
    let opened = opening::open(raw, line::lines(&raw.blocks));
    let stated = raw.meta.get("level").and_then(|label| Level::from_label(label));
    let table_of_questions = faq::is_table(&opened.body);
    let clauses = if guide::has_scenes(&opened.body) {
        guide::parse(&opened.body)
    } else if stated == Some(Level::Faq) || stated.is_none() && table_of_questions {
        faq::parse(&opened.body)
    } else if article::has_articles(&opened.body) {
        article::parse(&opened.body)
    } else if decimal::is_numbered(&opened.body) {
        decimal::parse(&opened.body)
    } else {
        plain::parse(&opened.body)
    };
    if clauses.is_empty() {
        return Err(Error::new(
            Code::DocumentUnreadable,
            format!("文档没有正文:{}", raw.source),
            "请检查文件内容是否完整;只有标题或图片的文件不能入库",
        ));
    }
    let facts = metadata::collect(raw, &opened, &clauses);
    let level = if stated.is_none() && table_of_questions { Level::Faq } else { facts.level };
    let repeals = repeal::notices(&clauses);
    let title_key = title_key(&opened.title);
    Ok(ParsedDocument {
        title: opened.title,
        title_key,
        doc_no: facts.doc_no,
        issuer: facts.issuer,
        level,
        classification: facts.classification,
        published: facts.published,
        effective_from: facts.effective_from,
        repealed_from: facts.repealed_from,
        repeals,
        sample: facts.sample,
        source: raw.source.clone(),
        clauses,
    })
}
