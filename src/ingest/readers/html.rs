//! Web pages: headings, paragraphs, lists and tables, without what a reader of the page does not see.

use super::{one_line, push_heading, push_paragraph, push_table};
use crate::error::{Code, Error, Result};
use crate::ingest::encoding;
use crate::text::document::{Block, RawDocument};
use scraper::node::{Element, Node};
use scraper::{Html, Selector};

/// Largest page, in bytes: a parsed page takes some twenty times its size in memory.
const MAX_HTML_BYTES: usize = 16 * 1024 * 1024;
/// Deepest nesting of elements. The parser searches the open elements for every tag, so that a page of nothing but
/// opening tags would take time with the square of its size; real pages stay below a hundred.
const MAX_NESTING: usize = 1_000;
/// Deepest nesting of tables that keeps its inner tables apart.
const MAX_TABLE_DEPTH: usize = 16;
/// A table with this many paragraphs in one cell lays out the page rather than holding data.
const LAYOUT_CELL_BLOCKS: usize = 4;

/// Elements whose content is no text of the document.
const DROPPED: &[&str] = &[
    "script", "style", "nav", "noscript", "template", "head", "svg", "math", "iframe", "object", "select", "button",
    "textarea", "input", "footer", "aside", "rt", "rp", "del",
];
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

/// Reads a page.
///
/// # Errors
/// `DocumentTooLarge` above [`MAX_HTML_BYTES`], `DocumentUnreadable` for an unknown encoding.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    if bytes.len() > MAX_HTML_BYTES {
        let message = format!("网页超过 {} MiB 的上限", MAX_HTML_BYTES / 1024 / 1024);
        return Err(Error::new(Code::DocumentTooLarge, message, "请去掉网页里内嵌的图片,或拆成几页再导入"));
    }
    let text = encoding::decode_html(bytes)?;
    if nesting(&text) > MAX_NESTING {
        let message = format!("网页的元素嵌套超过 {MAX_NESTING} 层");
        return Err(Error::new(Code::DocumentTooLarge, message, "请用浏览器打开,复制文字另存为 .docx 或 .txt 再导入"));
    }
    let page = Html::parse_document(&text);
    let mut walk = Walk::default();
    // By hand rather than by recursion: a page may nest deeper than the stack.
    let mut node = page.tree.root();
    'page: loop {
        walk.open(node.value());
        if let Some(child) = node.first_child() {
            node = child;
            continue;
        }
        loop {
            walk.close(node.value());
            if let Some(sibling) = node.next_sibling() {
                node = sibling;
                break;
            }
            match node.parent() {
                Some(parent) => node = parent,
                None => break 'page,
            }
        }
    }
    walk.flush();
    let mut document = RawDocument { blocks: walk.blocks, ..RawDocument::default() };
    if let Some(title) = page_title(&page, &document.blocks) {
        document.meta.insert("title".to_string(), title);
    }
    Ok(document)
}

/// How deep elements may nest at most, by counting tags. Tags that end by themselves, as `<p>` and `<td>` do when the
/// next one opens, count only as far as they are closed.
fn nesting(text: &str) -> usize {
    const SELF_ENDING: &[&str] = &[
        "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot", "br", "hr", "img", "input",
        "meta", "link", "col", "area", "base", "wbr",
    ];
    let mut depth = 0usize;
    let mut deepest = 0;
    for tag in text.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let name: &str = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        let known = !name.is_empty() && !SELF_ENDING.iter().any(|n| n.eq_ignore_ascii_case(name));
        match (known, tag.starts_with('/')) {
            (true, true) => depth = depth.saturating_sub(1),
            (true, false) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The `<title>`, or the main heading where the title merely adds the name of the site to it.
fn page_title(page: &Html, blocks: &[Block]) -> Option<String> {
    let selector = Selector::parse("title").ok()?;
    let title = one_line(&page.select(&selector).next()?.text().collect::<String>());
    let main = blocks.iter().find_map(|block| match block {
        Block::Heading { depth: 1, text } if title.contains(text.as_str()) => Some(text.clone()),
        _ => None,
    });
    main.or((!title.is_empty()).then_some(title))
}

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

#[derive(Default)]
struct Walk {
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
}

impl Walk {
    fn open(&mut self, node: &Node) {
        match node {
            Node::Text(text) if self.dropped == 0 => self.text(text),
            Node::Element(element) => self.open_element(element),
            _ => {}
        }
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

    fn close(&mut self, node: &Node) {
        let Node::Element(element) = node else { return };
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        let name = element.name();
        match name {
            "table" => self.close_table(),
            "td" | "th" => self.close_cell(),
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

    /// Rows of text; a cell that spans rows is repeated in each of them, so that every row reads on its own.
    fn grid(self) -> Vec<Vec<String>> {
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
                let text = cell_text(&cell.blocks);
                for offset in 0..cell.columns.min(MAX_SPAN.saturating_sub(column)) {
                    let text = if offset == 0 { text.clone() } else { String::new() };
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

fn cell_text(blocks: &[Block]) -> String {
    let lines: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => text.clone(),
            Block::Table { rows, .. } => rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(" "),
        })
        .collect();
    lines.join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(page: &str) -> Vec<Block> {
        read(page.as_bytes()).unwrap().blocks
    }

    fn paragraphs(texts: &[&str]) -> Vec<Block> {
        texts.iter().map(|t| Block::Paragraph(t.to_string())).collect()
    }

    #[test]
    fn a_page_gives_what_its_reader_sees() {
        let page = "<html><head><title>挂失办法 - 示例银行内网</title><style>p{}</style></head><body><nav>首页</nav>\
            <h1>挂失<br>办法</h1><script>x()</script><p>第一条&nbsp;甲<b>乙</b>。<br/>第二条 丙。</p>\
            <p style='display: none'>隐</p><div hidden>藏</div>散文<ol start=3><li>项</li><li>次</li></ol><ul><li>点</ul></body>";
        let document = read(page.as_bytes()).unwrap();
        assert_eq!(document.blocks[0], Block::Heading { depth: 1, text: "挂失 办法".into() });
        assert_eq!(
            document.blocks[1..],
            paragraphs(&["第一条 甲乙。", "第二条 丙。", "散文", "3. 项", "4. 次", "- 点"])
        );
        assert_eq!(document.meta["title"], "挂失办法 - 示例银行内网");
        let same = read(b"<title>AB - site</title><h1>AB</h1>").unwrap();
        assert_eq!(same.meta["title"], "AB");
    }

    #[test]
    fn data_tables_stay_and_layout_tables_dissolve() {
        let page = "<table><tr><td><h2>收费</h2><table><tr><th>项目<th>标准</tr>\
            <tr><td rowspan=2>挂失<td>口头 免费</tr><tr><td>书面<p>10 元</p></td></tr></table><p>完</p></td></tr></table>";
        let rows = [["项目", "标准"], ["挂失", "口头 免费"], ["挂失", "书面 10 元"]];
        assert_eq!(
            blocks(page),
            [
                Block::Heading { depth: 2, text: "收费".into() },
                Block::Table { header: true, rows: rows.map(|r| r.map(String::from).to_vec()).to_vec() },
                Block::Paragraph("完".into()),
            ]
        );
    }

    #[test]
    fn absurd_pages_end() {
        let deep = |n: usize| format!("{}文{}", "<div>".repeat(n), "</div>".repeat(n));
        assert_eq!(blocks(&deep(MAX_NESTING)), paragraphs(&["文"]));
        assert_eq!(read(deep(500_000).as_bytes()).unwrap_err().code(), Code::DocumentTooLarge);
        // Paragraphs need no end tag.
        assert_eq!(blocks(&"<p>款".repeat(5_000)).len(), 5_000);
        let wide = "<table><tr><td colspan=99999999 rowspan=99999999>甲<td>乙<tr><td>丙</table>";
        assert_eq!(blocks(wide).len(), 1);
        let tables = format!("{}文", "<table><tr><td>".repeat(MAX_NESTING));
        assert_eq!(blocks(&tables), paragraphs(&["文"]));
        let huge = read(&vec![b'a'; MAX_HTML_BYTES + 1]).unwrap_err();
        assert_eq!(huge.code(), Code::DocumentTooLarge);
    }
}
