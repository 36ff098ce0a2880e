//! Word documents: paragraphs with their outline, tables, and the numbers that Word prints but does not store.
//!
//! [`styles`] says which styles are headings and which are numbered, [`numbering`] counts 第一条, 第二条 as Word would,
//! and [`body`] walks the text. Tracked deletions are gone and insertions are in, as if all changes were accepted.

mod body;
mod numbering;
mod numerals;
mod styles;

use self::numbering::Numbering;
use self::styles::Styles;
use super::package::{Node, Package, Xml, damaged};
use crate::error::{Code, Error, Result};
use crate::text::document::RawDocument;

/// Reads a Word document.
///
/// # Errors
/// `DocumentUnsupported` when the package is another kind of office file, `DocumentUnreadable` for damage,
/// `DocumentTooLarge` for a zip bomb.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    let mut package = Package::open(bytes)?;
    let Some(text) = package.xml("word/document.xml")? else {
        return Err(match package.names().iter().any(|n| n.starts_with("xl/") || n.starts_with("ppt/")) {
            true => Error::new(
                Code::DocumentUnsupported,
                "扩展名是 .docx,内容却是 Excel 或 PowerPoint 文件",
                "请把扩展名改成真实的格式再导入",
            ),
            false => damaged("没有正文部件 word/document.xml"),
        });
    };
    let styles = match package.xml("word/styles.xml")? {
        Some(xml) => Styles::parse(&xml)?,
        None => Styles::default(),
    };
    let numbering = match package.xml("word/numbering.xml")? {
        Some(xml) => Numbering::parse(&xml, &styles)?,
        None => Numbering::default(),
    };
    let blocks = body::read(&text, &styles, numbering)?;
    let mut document = RawDocument { blocks, ..RawDocument::default() };
    if let Some(xml) = package.xml("docProps/core.xml")?
        && let Some(title) = core_title(&xml)?
        && super::title_in_text(&title, &document.blocks)
    {
        document.meta.insert("title".to_string(), title);
    }
    Ok(document)
}

/// `dc:title` of the core properties.
fn core_title(xml: &str) -> Result<Option<String>> {
    let mut xml = Xml::new(xml);
    let mut title: Option<String> = None;
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(start, false) if start.local_name().as_ref() == "title" => title = Some(String::new()),
            Node::Text(text) => {
                if let Some(title) = title.as_mut() {
                    title.push_str(&text);
                }
            }
            Node::End(name) if name == "title" => break,
            _ => {}
        }
    }
    Ok(title.map(|t| super::one_line(&t)).filter(|t| !t.is_empty()))
}
