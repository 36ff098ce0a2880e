//! Legal structure: a document as blocks becomes a document of clauses with addresses, dates and repeals.
//!
//! [`parse`] first flattens the blocks into lines (`line`). A file that says itself who it is (front matter, collections of laws) is
//! one document; any other is parted at its seams (`seams`) and divided into notice, rules and annexes (`division`).
//! The opening (`opening`, `head`) and the end (`closing`) of each text are taken off: letterhead, 文号, title, note of promulgation
//! (`promulgation`), fields (`field`), signature; `kind` tells such lines. Then the shape decides: scenes (`guide`), questions and
//! answers (`faq`), articles (`article`), numbers in figures (`decimal`), or headings and paragraphs (`plain`). `outline` keeps the chapter path
//! meanwhile and `labels` keeps addresses unique; `annex` adds what is annexed and bounds the length of a clause.
//! What the document is and when it applies (`metadata`, with `level`, `period`, `date` and `docno`) is decided among `witness`es, which
//! the report shows; what it repeals (`repeal`, `sentence`), what it only proposes (`proposal`) and what it amends (`amendment`) is read
//! from its provisions.
//!
//! No text is lost on the way: every line of the source is in a clause, in a chapter path, or one of the lines about the text.

mod amendment;
mod annex;
mod article;
mod closing;
mod date;
mod decimal;
mod division;
mod docno;
mod doubts;
mod faq;
mod field;
mod guide;
mod head;
mod heading;
mod kind;
mod labels;
mod level;
pub(crate) mod line;
mod metadata;
mod model;
#[cfg(test)]
mod notices;
mod opening;
mod outline;
mod period;
mod plain;
mod promulgation;
#[cfg(test)]
mod property;
mod proposal;
mod repeal;
mod seams;
mod sentence;
mod table;
#[cfg(test)]
mod tests;
mod witness;

pub use docno::key as number_key;
pub use doubts::{Numbering, doubts, numbering};
pub use field::{is_pair, is_property, is_stated, is_unread_day};
pub use model::{
    Amendment, Change, GuideChoice, GuideClarify, GuideScene, ParsedClause, ParsedDocument, RepealNotice, What,
};
pub use witness::{Place, Witness, Witnesses};

use self::line::Line;
use self::metadata::Context;
use self::opening::Opened;
use crate::error::{Code, Error, Result};
use crate::text::document::RawDocument;
use crate::text::normalize::title_key;
use crate::types::Level;

/// Lines from the top of a text among which one may say that it is a draft.
const HEAD_LINES: usize = 8;

/// Finds the documents of a file with their legal structure, a notice before the rules that it issues.
///
/// # Errors
/// [`Code::DocumentUnreadable`] when the file holds no text at all.
pub fn parse(raw: &RawDocument) -> Result<Vec<ParsedDocument>> {
    let lines = line::lines(&raw.blocks);
    let mut parsed: Vec<ParsedDocument> = Vec::new();
    if opening::is_settled(raw) {
        parsed.extend(read(raw, true, opening::open_settled(raw, lines), None, &[]));
    } else {
        for text in division::divide(seams::part(lines)) {
            let (notice, alone) = (parsed.first(), text.name.is_none());
            let head: Vec<String> = text.lines.iter().take(HEAD_LINES).map(|line| line.text().to_owned()).collect();
            let opened = opening::open(raw, text, notice.is_none());
            // A compilation is no notice: its parts have nothing from each other.
            let notice =
                notice.filter(|notice| !alone && notice.clauses.iter().all(|clause| clause.address.article.is_none()));
            let document = read(raw, false, opened, notice, &head);
            parsed.extend(document);
        }
    }
    if parsed.is_empty() {
        return Err(Error::new(
            Code::DocumentUnreadable,
            format!("文档没有正文:{}", raw.source),
            "请检查文件内容是否完整;只有标题或图片的文件不能入库",
        ));
    }
    Ok(parsed)
}

/// Reads one text; `None` when it has no provisions.
fn read(
    raw: &RawDocument,
    settled: bool,
    mut opened: Opened,
    notice: Option<&ParsedDocument>,
    head: &[String],
) -> Option<ParsedDocument> {
    let stated = raw.meta.get("level").and_then(|label| Level::from_label(label));
    let table_of_questions = faq::is_table(&opened.body);
    let faq = stated == Some(Level::Faq) || stated.is_none() && table_of_questions;
    let mut clauses =
        if faq && !guide::has_scenes(&opened.body) { faq::parse(&opened.body) } else { shape(&opened.body) };
    annex::append(&mut clauses, &opened.annexes);
    if clauses.is_empty() {
        return None;
    }
    let clauses = annex::bounded(clauses);
    let context = Context { raw, settled, notice };
    let mut facts = metadata::collect(&context, &mut opened, &clauses);
    let level = if stated.is_none() && table_of_questions { Level::Faq } else { facts.level };
    // A number in place of a title keeps its year.
    let numbered = facts.witnesses.titles.first().is_some_and(|title| title.place == Place::Number);
    let title_key = if numbered { docno::key(&opened.title) } else { title_key(&opened.title) };
    let above = notice.map(|notice| notice.witnesses.titles.as_slice()).unwrap_or_default();
    let titles = facts.witnesses.titles.iter().chain(above).map(|title| title.value.as_str());
    let titles: Vec<&str> = titles.chain(opened.notes.iter().map(String::as_str)).collect();
    let proposal = proposal::of_text(&titles, &clauses);
    let named: Vec<&str> =
        facts.witnesses.titles.iter().take(1).chain(above.iter().take(1)).map(|t| t.value.as_str()).collect();
    facts.witnesses.draft = proposal::draft(&named, &raw.file_stem, head);
    let ends = repeal::read(&repeal::Source {
        title: &opened.title,
        clauses: &clauses,
        notices: !settled,
        proposal,
        first: facts.effective_from.or(facts.published),
    });
    facts.witnesses.doubts.extend(ends.doubts);
    // Guides and answers speak of rules and amend none: 要求删除, 依据《…》第十一条.
    let speaks = clauses.iter().any(|clause| clause.guide.is_some()) || matches!(level, Level::Guide | Level::Faq);
    let amends = if proposal || speaks { Vec::new() } else { amendment::read(&opened.title, &clauses) };
    Some(ParsedDocument {
        title_key,
        title: opened.title,
        doc_no: facts.doc_no,
        issuer: facts.issuer,
        level,
        classification: facts.classification,
        published: facts.published,
        effective_from: facts.effective_from,
        repealed_from: facts.repealed_from,
        edition: facts.edition,
        witnesses: facts.witnesses,
        repeals: ends.repeals,
        amends,
        sample: facts.sample,
        source: raw.source.clone(),
        clauses,
    })
}

/// Clauses of lines by their shape: scenes, articles, or headings and paragraphs.
fn shape(lines: &[Line]) -> Vec<ParsedClause> {
    if guide::has_scenes(lines) {
        guide::parse(lines)
    } else if article::has_articles(lines) {
        article::parse(lines)
    } else if decimal::is_numbered(lines) {
        decimal::parse(lines)
    } else {
        plain::parse(lines)
    }
}
