//! `word/document.xml`: the walk over paragraphs and tables.

use super::super::package::{Node, Xml, attribute};
use super::super::{characters, push_heading, push_paragraph, push_titled_table};
use super::math::Math;
use super::notes::Notes;
use super::numbering::Numbering;
use super::styles::{NumberRef, Styles, is_on};
use super::symbols;
use super::table::Table;
use crate::error::Result;
use crate::text::document::Block;
use quick_xml::events::BytesStart;
use std::collections::HashMap;

/// A paragraph in a heading style is a heading only up to this length, in characters, and if it does not read as a
/// sentence: banks number whole clauses with heading styles to get 第一条 automatically.
const MAX_HEADING_CHARS: usize = 60;

/// What the body refers to in other parts.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) footnotes: Notes,
    pub(super) endnotes: Notes,
    /// Embedded documents (`w:altChunk`) by the id of their relationship; those that could not be read are missing.
    pub(super) chunks: HashMap<String, Vec<Block>>,
}

/// What was read, and what was left out.
#[derive(Default)]
pub(super) struct Read {
    pub(super) blocks: Vec<Block>,
    /// Characters struck through.
    pub(super) struck: usize,
    /// Pictures, whose text is not known.
    pub(super) pictures: usize,
    /// Symbols of unknown fonts.
    pub(super) unknown: usize,
    /// Embedded documents that could not be read.
    pub(super) lost_chunks: usize,
}

/// Reads the body into blocks.
///
/// # Errors
/// As [`Xml::next`].
pub(super) fn read(text: &str, styles: &Styles, numbering: Numbering, parts: Parts) -> Result<Read> {
    let mut body = Body { parts, ..Body::new(styles, numbering) };
    let mut xml = Xml::new(text);
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(start, empty) => body.start(&start, empty),
            Node::End(name) => body.end(&name),
            Node::Text(text) => body.text(&text),
        }
    }
    Ok(body.finish())
}

/// How a run is set.
#[derive(Default)]
struct Run {
    /// `w:vanish`.
    hidden: bool,
    struck: bool,
    /// 1 raised, -1 lowered.
    script: i8,
    font: String,
}

#[derive(Default)]
struct Paragraph {
    style: Option<String>,
    outline: Option<u8>,
    number: NumberRef,
    lines: Vec<String>,
    /// The paragraph mark is deleted: the text runs on into the next paragraph.
    joined: bool,
    run: Run,
    in_properties: bool,
}

pub(super) struct Body<'s> {
    styles: &'s Styles,
    numbering: Numbering,
    parts: Parts,
    read: Read,
    math: Math,
    /// Open elements, innermost last, to tell a deleted paragraph mark from deleted text.
    open: Vec<String>,
    /// How many enclosing elements are left out.
    dropped: usize,
    /// Open paragraphs: a text box holds paragraphs inside a paragraph.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    carried: String,
    in_text: bool,
    has_title: bool,
}

/// Elements that are left out with all they hold: deleted and moved-away text, the copy of a text box for old
/// programs, the reading of a ruby, and what footnotes and comments leave in the text.
const DROPPED: &[&str] =
    &["del", "moveFrom", "Fallback", "rt", "instrText", "delText", "delInstrText", "pPrChange", "rPrChange"];
impl<'s> Body<'s> {
    pub(super) fn new(styles: &'s Styles, numbering: Numbering) -> Body<'s> {
        Body {
            styles,
            numbering,
            parts: Parts::default(),
            read: Read::default(),
            math: Math::default(),
            open: Vec::new(),
            dropped: 0,
            paragraphs: Vec::new(),
            tables: Vec::new(),
            carried: String::new(),
            in_text: false,
            has_title: false,
        }
    }

    pub(super) fn start(&mut self, start: &BytesStart<'_>, empty: bool) {
        let local = start.local_name();
        let name = local.as_ref();
        if self.dropped > 0 {
            self.dropped += usize::from(!empty);
            return;
        }
        let parent = self.open.last().map(String::as_str).unwrap_or("");
        let value = || attribute(start, "val");
        match (name, parent) {
            // In properties a deletion marks the paragraph or the row itself, anywhere else it wraps deleted text.
            ("del" | "moveFrom", "rPr") => {
                if let Some(paragraph) = self.paragraphs.last_mut().filter(|p| p.in_properties) {
                    paragraph.joined = true;
                }
            }
            ("del", "trPr") => {
                self.with_table(|table| table.row_deleted = true);
            }
            _ if DROPPED.contains(&name) => {
                self.dropped += usize::from(!empty);
                return;
            }
            ("tbl", _) => self.tables.push(Table::default()),
            ("tr", _) => self.with_table(Table::start_row),
            ("tc", _) => self.with_table(Table::start_cell),
            ("tblHeader", "trPr") if is_on(start) => self.with_table(|table| table.header |= table.rows.is_empty()),
            ("gridBefore", "trPr") => {
                let columns = attribute(start, "val").and_then(|val| val.parse().ok()).unwrap_or(0);
                self.with_table(|table| table.skip_columns(columns));
            }
            ("gridSpan", "tcPr") => {
                let span = value().and_then(|v| v.parse().ok()).unwrap_or(1);
                self.with_table(|table| table.set_span(span));
            }
            ("vMerge", "tcPr") => {
                let continues = value().is_none_or(|v| v != "restart");
                self.with_table(|table| table.continues = continues);
            }
            ("altChunk", _) => self.chunk(&attribute(start, "id").unwrap_or_default()),
            ("p", _) => {
                self.paragraphs.push(Paragraph { lines: vec![String::new()], ..Paragraph::default() });
                if empty {
                    self.end_paragraph();
                }
            }
            ("pPr", "p") => self.with(|p| p.in_properties = !empty),
            ("pStyle", _) => self.with(|p| p.style = value()),
            ("outlineLvl", "pPr") => self.with(|p| p.outline = value().and_then(|v| v.parse().ok())),
            ("numId", "numPr") => self.with(|p| p.number.list = value().and_then(|v| v.parse().ok())),
            ("ilvl", "numPr") => self.with(|p| p.number.level = value().and_then(|v| v.parse().ok())),
            ("r", _) => {
                let styles = self.styles;
                self.with(|p| p.run = Run { struck: styles.is_struck(p.style.as_deref()), ..Run::default() });
            }
            (_, "rPr") => self.run_property(name, start),
            ("sym", "r") => {
                let code = attribute(start, "char").and_then(|code| u32::from_str_radix(&code, 16).ok()).unwrap_or(0);
                let shown = symbols::shown(&attribute(start, "font").unwrap_or_default(), code);
                self.write(&shown.to_string());
            }
            ("footnoteReference", _) => {
                let note = self.parts.footnotes.in_text(&attribute(start, "id").unwrap_or_default());
                self.write(&note);
            }
            ("endnoteReference", _) => {
                let note = self.parts.endnotes.in_text(&attribute(start, "id").unwrap_or_default());
                self.write(&note);
            }
            ("blip" | "imagedata", _) => self.read.pictures += 1,
            ("tab", "r") => self.write(" "),
            // Page and column breaks are no ends of lines.
            ("br" | "cr", "r") if attribute(start, "type").is_none_or(|t| t == "textWrapping") => {
                self.with(|p| p.lines.push(String::new()));
            }
            ("noBreakHyphen", "r") => self.write("-"),
            ("t", _) => self.in_text = !empty,
            _ => {
                if let Some(line) = self.paragraphs.last_mut().and_then(|p| p.lines.last_mut()) {
                    self.math.start(name, parent, line);
                }
            }
        }
        if !empty {
            self.open.push(name.to_string());
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        self.open.pop();
        match name {
            "t" => self.in_text = false,
            "pPr" => self.with(|p| p.in_properties = false),
            "p" => self.end_paragraph(),
            "tc" => self.with_table(Table::end_cell),
            "tr" => self.with_table(Table::end_row),
            "tbl" => self.end_table(),
            _ if Math::holds(name, self.open.last().map_or("", String::as_str)) => {
                if let Some(line) = self.paragraphs.last_mut().and_then(|p| p.lines.last_mut()) {
                    self.math.end(name, line);
                }
            }
            _ => {}
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.in_text && self.dropped == 0 {
            self.write(text);
        }
    }

    fn with(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }

    fn with_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.last_mut() {
            change(table);
        }
    }

    /// A property of the run at hand; those of a paragraph mark are about the mark.
    fn run_property(&mut self, name: &str, start: &BytesStart<'_>) {
        let styles = self.styles;
        let value = || attribute(start, "val");
        self.with(|p| match name {
            _ if p.in_properties => {}
            "vanish" => p.run.hidden = is_on(start),
            // The style stands first, what the run says itself behind it.
            "rStyle" => p.run.struck |= value().is_some_and(|id| styles.is_struck(Some(&id))),
            "strike" | "dstrike" => p.run.struck = is_on(start),
            "vertAlign" => {
                p.run.script = match value().as_deref() {
                    Some("superscript") => 1,
                    Some("subscript") => -1,
                    _ => 0,
                }
            }
            "rFonts" => p.run.font = attribute(start, "ascii").unwrap_or_default(),
            _ => {}
        });
    }

    fn write(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut().filter(|p| !p.run.hidden) else { return };
        if paragraph.run.struck {
            self.read.struck += text.chars().filter(|c| !c.is_whitespace()).count();
            return;
        }
        let text = symbols::in_text(&paragraph.run.font, text);
        self.read.unknown += text.matches(symbols::UNKNOWN).count();
        if let Some(line) = paragraph.lines.last_mut() {
            match paragraph.run.script {
                1 => line.push_str(&characters::raised(&text)),
                -1 => line.push_str(&characters::lowered(&text)),
                _ => line.push_str(&text),
            }
        }
    }

    /// An embedded document, in its place.
    fn chunk(&mut self, id: &str) {
        match self.parts.chunks.remove(id) {
            Some(blocks) => self.read.blocks.extend(blocks),
            None => self.read.lost_chunks += 1,
        }
    }

    fn end_paragraph(&mut self) {
        let Some(mut paragraph) = self.paragraphs.pop() else { return };
        if let Some(first) = paragraph.lines.first_mut() {
            first.insert_str(0, &std::mem::take(&mut self.carried));
        }
        let blank = paragraph.lines.iter().all(|line| line.trim().is_empty());
        if paragraph.joined {
            self.carried = paragraph.lines.join(" ");
            return;
        }
        let style = paragraph.style.as_deref();
        // Word prints no number on an empty paragraph of a heading style, but counts it in lists; authors delete such
        // paragraphs, and a number alone is no text.
        if blank || self.styles.is_contents(style) {
            return;
        }
        let label = self.numbering.label(paragraph.number, style, self.styles).unwrap_or_default();
        if let Some(table) = self.tables.last_mut().filter(|t| t.cell.is_some()) {
            let cell = table.cell.get_or_insert_default();
            for (index, line) in paragraph.lines.iter().enumerate() {
                if !cell.is_empty() {
                    cell.push(' ');
                }
                if index == 0 {
                    cell.push_str(&label);
                }
                cell.push_str(line.trim());
            }
            return;
        }
        let depth = match paragraph.outline {
            Some(level) => (level < 9).then_some(level + 1),
            None => self.styles.depth(style),
        };
        let whole = format!("{label}{}", super::super::one_line(&paragraph.lines.join(" ")));
        match depth.filter(|_| is_heading(&whole)) {
            Some(0) => {
                self.has_title = true;
                push_heading(&mut self.read.blocks, 1, &whole);
            }
            // Under a title paragraph the outermost headings are one step in.
            Some(depth) => push_heading(&mut self.read.blocks, depth + u8::from(self.has_title), &whole),
            None => {
                for (index, line) in paragraph.lines.iter().enumerate() {
                    let line = if index == 0 { format!("{label}{}", line.trim_start()) } else { line.clone() };
                    push_paragraph(&mut self.read.blocks, &line);
                }
            }
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        match self.tables.last_mut().and_then(|outer| outer.cell.as_mut()) {
            Some(cell) => {
                for row in table.rows {
                    let row: Vec<String> = row.into_iter().filter(|c| !c.is_empty()).collect();
                    if !cell.is_empty() && !row.is_empty() {
                        cell.push(' ');
                    }
                    cell.push_str(&row.join(" "));
                }
            }
            None => push_titled_table(&mut self.read.blocks, table.header, table.rows),
        }
    }

    pub(super) fn finish(mut self) -> Read {
        push_paragraph(&mut self.read.blocks, &std::mem::take(&mut self.carried));
        self.read
    }
}

fn is_heading(text: &str) -> bool {
    text.chars().count() <= MAX_HEADING_CHARS && !text.ends_with(super::super::SENTENCE_ENDS)
}
