//! Word documents: paragraphs with their outline, tables, and the numbers that Word prints but does not store.
//!
//! [`styles`] says which styles are headings and which are numbered, [`numbering`] counts 第一条, 第二条 as Word would,
//! and [`body`] walks the text, with [`notes`] in their place, [`math`] on one line and [`symbols`] as what they show. Tracked deletions are gone and insertions are in, as if all changes were accepted.

mod body;
mod math;
mod notes;
mod numbering;
mod numerals;
mod styles;
mod symbols;
mod table;

use self::body::{Parts, Read};
use self::notes::Notes;
use self::numbering::Numbering;
use self::styles::Styles;
use super::package::{Node, Package, Xml, attribute, damaged};
use crate::error::{Code, Error, Result};
use crate::text::document::{Block, RawDocument};
use std::collections::HashMap;

/// Deepest nesting of documents embedded in documents.
const MAX_EMBEDDING: usize = 3;

/// Reads a Word document.
///
/// # Errors
/// `DocumentUnsupported` when the package is another kind of office file, `DocumentUnreadable` for damage,
/// `DocumentTooLarge` for a zip bomb.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    read_nested(bytes, 0)
}

fn read_nested(bytes: &[u8], depth: usize) -> Result<RawDocument> {
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
    let parts = Parts {
        footnotes: notes(&mut package, "word/footnotes.xml", &styles)?,
        endnotes: notes(&mut package, "word/endnotes.xml", &styles)?,
        chunks: chunks(&mut package, depth)?,
    };
    let read = body::read(&text, &styles, numbering, parts)?;
    if read.blocks.is_empty() && read.pictures > 0 {
        return Err(Error::new(
            Code::DocumentNoText,
            format!("文件里只有 {} 张图片,没有文字", read.pictures),
            "请先做文字识别(OCR),或用原始文档导入",
        ));
    }
    let mut document = RawDocument::default();
    say_what_is_missing(&read, &mut document);
    document.blocks = read.blocks;
    head_table(&mut document.blocks);
    if let Some(xml) = package.xml("docProps/core.xml")?
        && let Some(title) = core_title(&xml)?
        && super::title_in_text(&title, &document.blocks)
    {
        document.meta.insert("title".to_string(), title);
    }
    Ok(document)
}

/// The line over a table that opens a document is its title: a list of fees has no other.
fn head_table(blocks: &mut [Block]) {
    /// Longest and shortest title, in characters.
    const CHARS: std::ops::RangeInclusive<usize> = 4..=40;
    /// Lines over the table, with the title: unit, day of issue.
    const LINES: usize = 4;
    let Some(table) = blocks.iter().take(LINES).position(|block| matches!(block, Block::Table { .. })) else { return };
    let Some((Block::Paragraph(title), captions)) = blocks.get(..table).and_then(<[Block]>::split_first) else {
        return;
    };
    let caption = |block: &Block| matches!(block, Block::Paragraph(text) if text.contains(['：', ':']));
    let titled = CHARS.contains(&title.chars().count())
        && !title.contains(['。', '；', '，', '：', ':', '〔'])
        && !["附", "单位", "注"].iter().any(|word| title.starts_with(word))
        && !["文件", "如下"].iter().any(|word| title.ends_with(word));
    if titled && captions.iter().all(caption) {
        let text = title.clone();
        if let Some(first) = blocks.first_mut() {
            *first = Block::Heading { depth: 1, text };
        }
    }
}

fn say_what_is_missing(read: &Read, document: &mut RawDocument) {
    for (count, what) in [
        (read.struck, "个带删除线的字没有读入"),
        (read.pictures, "张图片里的文字没有读入"),
        (read.unknown, "个符号字体的字符认不出"),
        (read.lost_chunks, "个嵌入的文件没有读入"),
    ] {
        if count > 0 {
            super::warn(document, &format!("{count} {what}"));
        }
    }
}

fn notes(package: &mut Package<'_>, part: &str, styles: &Styles) -> Result<Notes> {
    package.xml(part)?.map_or_else(|| Ok(Notes::default()), |xml| Notes::parse(&xml, styles))
}

/// The embedded documents by the ids of their relationships. One that cannot be read is left out, and counted where it stands.
fn chunks(package: &mut Package<'_>, depth: usize) -> Result<HashMap<String, Vec<Block>>> {
    let mut chunks = HashMap::new();
    let Some(relations) = package.xml("word/_rels/document.xml.rels")? else { return Ok(chunks) };
    let mut found: Vec<(String, String)> = Vec::new();
    let mut xml = Xml::new(&relations);
    while let Some(node) = xml.next()? {
        if let Node::Start(start, _) = node
            && attribute(&start, "Type").is_some_and(|kind| kind.ends_with("/aFChunk"))
            && let (Some(id), Some(target)) = (attribute(&start, "Id"), attribute(&start, "Target"))
        {
            let part = target.strip_prefix('/').map_or_else(|| format!("word/{target}"), str::to_owned);
            found.push((id, part));
        }
    }
    for (id, part) in found {
        let Some(bytes) = package.part(&part)? else { continue };
        let extension = part.rsplit('.').next().unwrap_or_default().to_lowercase();
        let read = match extension.as_str() {
            "htm" | "html" | "xhtml" | "xht" => super::html::read(&bytes),
            "txt" => super::plain::read(&bytes),
            "docx" | "docm" | "dotx" if depth < MAX_EMBEDDING => read_nested(&bytes, depth + 1),
            _ => continue,
        };
        if let Ok(document) = read {
            chunks.insert(id, document.blocks);
        }
    }
    Ok(chunks)
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
