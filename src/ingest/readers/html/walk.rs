//! The walk over the elements of a page: which begin a line, which are left out, and what tables hold.

use super::super::{characters, is_serial, push_heading, push_paragraph, push_table};
use crate::text::document::{Block, on_one_line};
use scraper::node::{Element, Node};

/// Deepest nesting of tables that keeps its inner tables apart.
const MAX_TABLE_DEPTH: usize = 16;
/// A table with this many paragraphs in one cell lays out the page rather than holding data.
const LAYOUT_CELL_BLOCKS: usize = 4;
/// Elements whose content is no text of the document.
const DROPPED: &[&str] = &[
    "script", "style", "nav", "noscript", "template", "head", "svg", "math", "iframe", "object", "select", "button",
    "textarea", "input", "footer", "aside", "rt", "rp",
];
/// Elements whose content is struck through.
const STRUCK: &[&str] = &["del", "s", "strike"];
/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "section",
    "article",
    "main",
    "header",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "pre",
    "center",
    "form",
    "fieldset",
    "figure",
    "figcaption",
    "address",
    "body",
    "hr",
    "caption",
];

/// A table being read; its cells hold blocks, because whole pages are laid out in tables.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<Cell>>,
    header: bool,
    cell: Option<Cell>,
}

struct Cell {
    blocks: Vec<Block>,
    columns: usize,
    rows: usize,
}

/// The text so far, and where in the page the walk is.
#[derive(Default)]
pub(super) struct Walk {
    blocks: Vec<Block>,
    line: String,
    heading: Option<u8>,
    /// How many dropped elements enclose the current node.
    dropped: usize,
    preformatted: usize,
    /// Enclosing lists: the next number of a numbered one, `None` for bullets.
    lists: Vec<Option<u32>>,
    marker: String,
    tables: Vec<Table>,
    /// Where raised and lowered text began in the line.
    scripts: Vec<usize>,
    /// Classes under which text is struck through (`true`) or hidden.
    classes: Vec<(String, bool)>,
    /// Stretches of text that were left out because they are struck through.
    pub(super) struck: usize,
}

impl Walk {
    /// A walk over a page with these classes of struck (`true`) and hidden text.
    pub(super) fn new(classes: Vec<(String, bool)>) -> Walk {
        Walk { classes, ..Walk::default() }
    }

    /// Enters a node.
    pub(super) fn open(&mut self, node: &Node) {
        match node {
            Node::Text(text) if self.dropped == 0 => self.text(text),
            Node::Element(element) => self.open_element(element),
            _ => {}
        }
    }

    /// The blocks of the page, at its end.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.flush();
        self.blocks
    }

    fn text(&mut self, text: &str) {
        if self.preformatted == 0 {
            return self.line.push_str(text);
        }
        let mut lines = text.split('\n');
        self.line.push_str(lines.next().unwrap_or(""));
        for line in lines {
            self.flush();
            self.line.push_str(line);
        }
    }

    fn open_element(&mut self, element: &Element) {
        let name = element.name();
        if self.dropped > 0 || is_dropped(element) {
            self.dropped += 1;
            return;
        }
        if let Some(struck) = self.is_left_out(element) {
            self.dropped += 1;
            self.struck += usize::from(struck);
            return;
        }
        if let Some(depth) = heading_depth(name) {
            self.flush();
            self.heading = Some(depth);
            return;
        }
        match name {
            "br" if self.heading.is_some() => self.line.push(' '),
            "br" => self.flush(),
            "table" => {
                self.flush();
                self.tables.push(Table::default());
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            "td" | "th" => self.open_cell(element),
            "sup" | "sub" => self.scripts.push(self.line.len()),
            _ if BLOCKS.contains(&name) => self.flush(),
            _ => {}
        }
        match name {
            "pre" => self.preformatted += 1,
            "ul" => self.lists.push(None),
            "ol" => self.lists.push(Some(element.attr("start").and_then(|s| s.parse().ok()).unwrap_or(1))),
            "li" => self.marker = self.next_marker(),
            _ => {}
        }
    }

    /// Leaves a node, after all its children.
    pub(super) fn close(&mut self, node: &Node) {
        let Node::Element(element) = node else { return };
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        let name = element.name();
        match name {
            "table" => self.close_table(),
            "td" | "th" => self.close_cell(),
            "sup" | "sub" => self.close_script(name == "sup"),
            "pre" => {
                self.flush();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "ul" | "ol" => {
                self.flush();
                self.lists.pop();
            }
            _ if heading_depth(name).is_some() => {
                self.flush();
                self.heading = None;
            }
            _ if BLOCKS.contains(&name) => self.flush(),
            _ => {}
        }
    }

    /// Whether an element is left out by its name, style or class: `true` for what is struck through.
    fn is_left_out(&self, element: &Element) -> Option<bool> {
        let style: String = element.attr("style").unwrap_or_default().to_lowercase().split_whitespace().collect();
        if STRUCK.contains(&element.name()) || style.contains("line-through") {
            return Some(true);
        }
        let known = |class: &str| self.classes.iter().find(|(name, _)| name == class).map(|(_, struck)| *struck);
        element.classes().find_map(known)
    }

    fn close_script(&mut self, up: bool) {
        let Some(at) = self.scripts.pop().filter(|at| self.line.is_char_boundary(*at)) else { return };
        let text = self.line.split_off(at);
        self.line.push_str(&if up { characters::raised(&text) } else { characters::lowered(&text) });
    }

    fn next_marker(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "- ".to_string(),
        }
    }

    /// Ends the line: it becomes a heading or a paragraph, in the page or in the open cell.
    fn flush(&mut self) {
        if self.line.trim().is_empty() {
            self.line.clear();
            return;
        }
        let line = format!("{}{}", std::mem::take(&mut self.marker), self.line);
        self.line.clear();
        let blocks = match self.tables.last_mut() {
            Some(Table { cell: Some(cell), .. }) => &mut cell.blocks,
            _ => &mut self.blocks,
        };
        match self.heading {
            Some(depth) => push_heading(blocks, depth, &line),
            None => push_paragraph(blocks, &line),
        }
    }

    fn open_cell(&mut self, element: &Element) {
        self.close_cell();
        let span = |name: &str| element.attr(name).and_then(|v| v.trim().parse().ok()).unwrap_or(1).clamp(1, MAX_SPAN);
        let cell = Cell { blocks: Vec::new(), columns: span("colspan"), rows: span("rowspan") };
        if let Some(table) = self.tables.last_mut() {
            if element.name() == "th" && table.rows.len() <= 1 {
                table.header = true;
            }
            table.cell = Some(cell);
        }
    }

    fn close_cell(&mut self) {
        self.flush();
        if let Some(table) = self.tables.last_mut()
            && let Some(cell) = table.cell.take()
        {
            match table.rows.last_mut() {
                Some(row) => row.push(cell),
                None => table.rows.push(vec![cell]),
            }
        }
    }

    fn close_table(&mut self) {
        self.close_cell();
        let Some(table) = self.tables.pop() else { return };
        let depth = self.tables.len();
        let blocks = match self.tables.last_mut() {
            Some(Table { cell: Some(cell), .. }) => &mut cell.blocks,
            _ => &mut self.blocks,
        };
        if table.is_layout() && depth < MAX_TABLE_DEPTH {
            blocks.extend(table.rows.into_iter().flatten().flat_map(|cell| cell.blocks));
        } else {
            let header = table.header;
            push_table(blocks, header, table.grid());
        }
    }
}

/// Largest row or column span that is honoured; the HTML standard caps columns at 1000 too.
const MAX_SPAN: usize = 1000;

impl Table {
    /// Whether the table only places things on the page: one column, or cells with headings, tables or many paragraphs.
    fn is_layout(&self) -> bool {
        self.rows.iter().all(|row| row.len() <= 1)
            || self.rows.iter().flatten().any(|cell| {
                cell.blocks.len() >= LAYOUT_CELL_BLOCKS || cell.blocks.iter().any(|b| !matches!(b, Block::Paragraph(_)))
            })
    }

    /// Rows of text; a cell that spans rows or columns is repeated in each of them, so that every row and column reads on its own.
    fn grid(self) -> Vec<Vec<String>> {
        let widest = self.rows.iter().map(|row| row.iter().map(|cell| cell.columns).sum::<usize>()).max().unwrap_or(0);
        let mut carried: Vec<(usize, String)> = Vec::new();
        let mut grid = Vec::with_capacity(self.rows.len());
        for cells in self.rows {
            let mut row: Vec<String> = Vec::new();
            let mut cells = cells.into_iter();
            loop {
                let column = row.len();
                if let Some((left, text)) = carried.get_mut(column).filter(|(left, _)| *left > 0) {
                    *left -= 1;
                    row.push(text.clone());
                    continue;
                }
                let Some(cell) = cells.next() else { break };
                let text = on_one_line(&cell.blocks);
                // A cell across the whole table heads what comes below it and is said once.
                let number = column == 1 && row.first().is_some_and(|cell| is_serial(cell));
                let whole = (column == 0 || number) && column + cell.columns >= widest && cell.columns > 1;
                for offset in 0..cell.columns.min(MAX_SPAN.saturating_sub(column)) {
                    let text = if offset == 0 || !whole { text.clone() } else { String::new() };
                    if carried.len() <= column + offset {
                        carried.resize(column + offset + 1, (0, String::new()));
                    }
                    if let Some(slot) = carried.get_mut(column + offset) {
                        *slot = (cell.rows - 1, text.clone());
                    }
                    row.push(text);
                }
                if column >= MAX_SPAN {
                    break;
                }
            }
            grid.push(row);
        }
        grid
    }
}

fn heading_depth(name: &str) -> Option<u8> {
    match name.strip_prefix('h')?.parse() {
        Ok(depth @ 1..=6) => Some(depth),
        _ => None,
    }
}

fn is_dropped(element: &Element) -> bool {
    if DROPPED.contains(&element.name()) || element.attr("hidden").is_some() {
        return true;
    }
    element.attr("style").is_some_and(|style| {
        let style: String = style.to_lowercase().split_whitespace().collect();
        style.contains("display:none") || style.contains("visibility:hidden")
    })
}
