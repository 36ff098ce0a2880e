//! `word/document.xml`: the walk over paragraphs and tables.

use super::super::package::{Node, Xml, attribute};
use super::super::{push_heading, push_paragraph, push_table};
use super::numbering::Numbering;
use super::styles::{NumberRef, Styles};
use crate::error::Result;
use crate::text::document::Block;
use quick_xml::events::BytesStart;

/// A paragraph in a heading style is a heading only up to this length, in characters, and if it does not read as a
/// sentence: banks number whole clauses with heading styles to get 第一条 automatically.
const MAX_HEADING_CHARS: usize = 60;

/// Reads the body into blocks.
///
/// # Errors
/// As [`Xml::next`].
pub(super) fn read(text: &str, styles: &Styles, numbering: Numbering) -> Result<Vec<Block>> {
    let mut body = Body::new(styles, numbering);
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

#[derive(Default)]
struct Paragraph {
    style: Option<String>,
    outline: Option<u8>,
    number: NumberRef,
    lines: Vec<String>,
    /// The paragraph mark is deleted: the text runs on into the next paragraph.
    joined: bool,
    /// `w:vanish` on the current run.
    hidden: bool,
    in_properties: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: Option<String>,
    header: bool,
    row_deleted: bool,
    /// Columns that the current cell spans.
    span: usize,
    /// The current cell continues the one above.
    continues: bool,
}

struct Body<'s> {
    styles: &'s Styles,
    numbering: Numbering,
    blocks: Vec<Block>,
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
/// Widest `w:gridSpan` that is honoured; Word allows 63 columns.
const MAX_SPAN: usize = 63;

impl<'s> Body<'s> {
    fn new(styles: &'s Styles, numbering: Numbering) -> Body<'s> {
        Body {
            styles,
            numbering,
            blocks: Vec::new(),
            open: Vec::new(),
            dropped: 0,
            paragraphs: Vec::new(),
            tables: Vec::new(),
            carried: String::new(),
            in_text: false,
            has_title: false,
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, empty: bool) {
        let local = start.local_name();
        let name = local.as_ref();
        if self.dropped > 0 {
            self.dropped += usize::from(!empty);
            return;
        }
        let parent = self.open.last().map(String::as_str).unwrap_or("");
        let on = || attribute(start, "val").is_none_or(|v| !matches!(v.as_str(), "0" | "false" | "off"));
        match (name, parent) {
            // In properties a deletion marks the paragraph or the row itself, anywhere else it wraps deleted text.
            ("del" | "moveFrom", "rPr") => {
                if let Some(paragraph) = self.paragraphs.last_mut().filter(|p| p.in_properties) {
                    paragraph.joined = true;
                }
            }
            ("del", "trPr") => {
                if let Some(table) = self.tables.last_mut() {
                    table.row_deleted = true;
                }
            }
            _ if DROPPED.contains(&name) => {
                self.dropped += usize::from(!empty);
                return;
            }
            ("tbl", _) => self.tables.push(Table::default()),
            ("tr", _) => {
                if let Some(table) = self.tables.last_mut() {
                    table.row.clear();
                    table.row_deleted = false;
                }
            }
            ("tc", _) => {
                if let Some(table) = self.tables.last_mut() {
                    table.cell = Some(String::new());
                    table.span = 1;
                    table.continues = false;
                }
            }
            ("tblHeader", "trPr") if on() => {
                if let Some(table) = self.tables.last_mut().filter(|t| t.rows.is_empty()) {
                    table.header = true;
                }
            }
            ("gridSpan", "tcPr") => {
                if let Some(table) = self.tables.last_mut() {
                    table.span = attribute(start, "val").and_then(|v| v.parse().ok()).unwrap_or(1).clamp(1, MAX_SPAN);
                }
            }
            ("vMerge", "tcPr") => {
                if let Some(table) = self.tables.last_mut() {
                    table.continues = attribute(start, "val").is_none_or(|v| v != "restart");
                }
            }
            ("p", _) => {
                self.paragraphs.push(Paragraph { lines: vec![String::new()], ..Paragraph::default() });
                if empty {
                    self.end_paragraph();
                }
            }
            ("pPr", "p") => self.with(|p| p.in_properties = !empty),
            ("pStyle", _) => self.with(|p| p.style = attribute(start, "val")),
            ("outlineLvl", "pPr") => self.with(|p| p.outline = attribute(start, "val").and_then(|v| v.parse().ok())),
            ("numId", "numPr") => self.with(|p| p.number.list = attribute(start, "val").and_then(|v| v.parse().ok())),
            ("ilvl", "numPr") => self.with(|p| p.number.level = attribute(start, "val").and_then(|v| v.parse().ok())),
            ("r", _) => self.with(|p| p.hidden = false),
            ("vanish", "rPr") if on() => self.with(|p| p.hidden = !p.in_properties),
            ("tab", "r") => self.write(" "),
            // Page and column breaks are no ends of lines.
            ("br" | "cr", "r") if attribute(start, "type").is_none_or(|t| t == "textWrapping") => {
                self.with(|p| p.lines.push(String::new()));
            }
            ("noBreakHyphen", "r") => self.write("-"),
            ("t", _) => self.in_text = !empty,
            _ => {}
        }
        if !empty {
            self.open.push(name.to_string());
        }
    }

    fn end(&mut self, name: &str) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        self.open.pop();
        match name {
            "t" => self.in_text = false,
            "pPr" => self.with(|p| p.in_properties = false),
            "p" => self.end_paragraph(),
            "tc" => self.end_cell(),
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    let row = std::mem::take(&mut table.row);
                    if !table.row_deleted {
                        table.rows.push(row);
                    }
                }
            }
            "tbl" => self.end_table(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.dropped == 0 {
            self.write(text);
        }
    }

    fn with(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }

    fn write(&mut self, text: &str) {
        self.with(|p| {
            if !p.hidden
                && let Some(line) = p.lines.last_mut()
            {
                line.push_str(text);
            }
        });
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
                push_heading(&mut self.blocks, 1, &whole);
            }
            // Under a title paragraph the outermost headings are one step in.
            Some(depth) => push_heading(&mut self.blocks, depth + u8::from(self.has_title), &whole),
            None => {
                for (index, line) in paragraph.lines.iter().enumerate() {
                    let line = if index == 0 { format!("{label}{}", line.trim_start()) } else { line.clone() };
                    push_paragraph(&mut self.blocks, &line);
                }
            }
        }
    }

    fn end_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        let mut text = super::super::one_line(&table.cell.take().unwrap_or_default());
        // A merged cell is repeated in each row it spans, so that every row reads on its own.
        if table.continues && text.is_empty() {
            let above = table.rows.last().and_then(|row| row.get(table.row.len()));
            text = above.cloned().unwrap_or_default();
        }
        table.row.push(text);
        for _ in 1..table.span {
            table.row.push(String::new());
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
            None => push_table(&mut self.blocks, table.header, table.rows),
        }
    }

    fn finish(mut self) -> Vec<Block> {
        push_paragraph(&mut self.blocks, &std::mem::take(&mut self.carried));
        self.blocks
    }
}

fn is_heading(text: &str) -> bool {
    text.chars().count() <= MAX_HEADING_CHARS && !text.ends_with(super::super::SENTENCE_ENDS)
}
