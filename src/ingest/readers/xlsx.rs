//! Workbooks: a sheet of questions and answers becomes a document of its own, all other sheets together one of tables.

use super::package::{Package, damaged};
use super::xlsx_view::{self, View};
use super::{one_line, push_heading, push_paragraph, push_table, warn, xlsx_number};
use crate::error::{Code, Error, Result};
use crate::text::document::{Block, RawDocument};
use crate::text::legal;
use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

/// Most cells with content in a workbook.
const MAX_CELLS: usize = 1_000_000;
/// Most columns; a sheet wider than this is data, not a rule.
const MAX_COLUMNS: u32 = 256;
/// Most text in a workbook, in bytes. Shared strings let a small file repeat a long text a million times.
const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;
/// Rows from the top in which the header of questions and answers is looked for (titles and notes may stand above it).
const HEADER_WITHIN_ROWS: usize = 10;

const QUESTION_HEADERS: &[&str] =
    &["问题", "问", "提问", "标准问", "标准问题", "常见问题", "客户问题", "问题描述", "问题内容", "question", "q"];
const ANSWER_HEADERS: &[&str] = &["答案", "答复", "答", "回答", "解答", "标准答案", "标准答复", "回复", "answer", "a"];

type Rows = Vec<Vec<String>>;

/// Reads a workbook; `stem` names it.
///
/// # Errors
/// `DocumentTooLarge` beyond the limits, `DocumentUnreadable` for damage, `DocumentUnsupported` for another office file.
pub(super) fn read(bytes: &[u8], stem: &str) -> Result<Vec<RawDocument>> {
    check_package(bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let views = xlsx_view::read(bytes)?;
    let mut left_out = LeftOut { sheets: views.hidden.clone(), ..LeftOut::default() };
    let unseen = View::default();
    let mut budget = Budget { cells: MAX_CELLS, bytes: MAX_TEXT_BYTES };
    let mut questions: Vec<(String, RawDocument)> = Vec::new();
    let mut tables = RawDocument::default();
    for name in sheets {
        let view = views.by_name.get(&name).unwrap_or(&unseen);
        left_out.formulas.extend(view.formulas().map(|what| format!("工作表“{name}”:{what}")));
        let rows = sheet_rows(&mut workbook, &name, view, &mut budget, &mut left_out)?;
        if rows.is_empty() {
            continue;
        }
        match faq(&rows) {
            Some(blocks) => questions.push((name, RawDocument { blocks, ..RawDocument::default() })),
            None => {
                push_heading(&mut tables.blocks, 2, &name);
                push_sheet(&mut tables.blocks, rows);
            }
        }
    }
    // A sheet of questions beside tables would be taken for another version of them.
    let several = questions.len() + usize::from(!tables.blocks.is_empty()) > 1;
    let mut documents: Vec<RawDocument> = Vec::new();
    for (name, mut document) in questions {
        let title = if several { format!("{stem} {name}") } else { stem.to_string() };
        document.blocks.insert(0, Block::Heading { depth: 1, text: one_line(&title) });
        document.meta.insert("title".to_string(), one_line(&title));
        document.meta.insert("level".to_string(), "FAQ".to_string());
        documents.push(document);
    }
    if !tables.blocks.is_empty() {
        let title = sheet_title(&mut tables.blocks).unwrap_or_else(|| one_line(stem));
        tables.blocks.insert(0, Block::Heading { depth: 1, text: title });
        documents.push(tables);
    }
    if let Some(first) = documents.first_mut() {
        left_out.say(first);
    }
    Ok(documents)
}

/// What was not read, for the report.
#[derive(Default)]
struct LeftOut {
    sheets: Vec<String>,
    rows: usize,
    columns: BTreeSet<(String, u32)>,
    struck: usize,
    formulas: Vec<String>,
}

impl LeftOut {
    fn say(&self, document: &mut RawDocument) {
        if !self.sheets.is_empty() {
            warn(document, &format!("隐藏的工作表没有读入:{}", self.sheets.join("、")));
        }
        for (count, what) in [
            (self.rows, "个隐藏行没有读入"),
            (self.columns.len(), "个隐藏列没有读入"),
            (self.struck, "处带删除线的内容没有读入"),
        ] {
            if count > 0 {
                warn(document, &format!("{count} {what}"));
            }
        }
        for formula in &self.formulas {
            warn(document, formula);
        }
    }
}

/// The document of a table that is a file by itself; none without a cell.
pub(super) fn of_rows(rows: Rows, stem: &str) -> Option<RawDocument> {
    if rows.is_empty() {
        return None;
    }
    let mut document = RawDocument::default();
    let heading = |depth: u8| Block::Heading { depth, text: one_line(stem) };
    if let Some(blocks) = faq(&rows) {
        document.meta.insert("title".to_string(), one_line(stem));
        document.meta.insert("level".to_string(), "FAQ".to_string());
        document.blocks = [vec![heading(1)], blocks].concat();
        return Some(document);
    }
    document.blocks.push(heading(2));
    push_sheet(&mut document.blocks, rows);
    let title = sheet_title(&mut document.blocks);
    // The heading of the only table is its file's name, which a title takes the place of.
    document.blocks.remove(0);
    document.blocks.insert(0, Block::Heading { depth: 1, text: title.unwrap_or_else(|| one_line(stem)) });
    Some(document)
}

/// A sheet as a table. What stands alone in the rows above is its title, with the fields of the document, and in the rows below its
/// notes.
fn push_sheet(blocks: &mut Vec<Block>, mut rows: Rows) {
    let alone = |row: &Vec<String>| row.iter().filter(|cell| !cell.is_empty()).count() == 1;
    let wide = rows.iter().any(|row| !alone(row));
    let above: Vec<Vec<String>> =
        if wide { rows.iter().map_while(|row| lines_above(row)).collect() } else { Vec::new() };
    rows.drain(..above.len());
    for line in above.concat() {
        push_paragraph(blocks, &line);
    }
    let is_note =
        |row: &Vec<String>| alone(row) && row.concat().starts_with(['注', '备', '说', '*', '※', '1', '（', '(']);
    let below = if wide { rows.iter().rev().take_while(|row| is_note(row)).count() } else { 0 };
    let notes = rows.split_off(rows.len() - below);
    push_table(blocks, true, rows);
    for row in notes {
        push_paragraph(blocks, &row.concat());
    }
}

/// The lines of a row over the header: a text alone, drawn over several columns or not, or the fields of the document.
fn lines_above(row: &[String]) -> Option<Vec<String>> {
    let cells: Vec<&String> = row.iter().filter(|cell| !cell.is_empty()).collect();
    let first = *cells.first()?;
    if cells.iter().all(|cell| *cell == first) {
        return Some(vec![first.clone()]);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut rest = cells.as_slice();
    while let [cell, others @ ..] = rest {
        let drawn = others.iter().take_while(|other| *other == cell).count();
        rest = others.get(drawn..).unwrap_or_default();
        if legal::is_stated(cell) {
            lines.push((*cell).clone());
        } else if let [value, others @ ..] = rest
            && legal::is_pair(cell, value)
        {
            let drawn = others.iter().take_while(|other| *other == value).count();
            rest = others.get(drawn..).unwrap_or_default();
            lines.push(format!("{}\u{FF1A}{value}", cell.trim_end_matches(['\u{FF1A}', ':'])));
        } else if captioned(cell) && (!lines.is_empty() || cells.len() < row.len()) {
            // 单位：元 and the like, beside a field or in a row that leaves columns empty, and so no header.
            lines.push((*cell).clone());
        } else {
            return None;
        }
    }
    Some(lines)
}

/// `单位：元`, `编制:财务部`.
fn captioned(cell: &str) -> bool {
    cell.split_once(['\u{FF1A}', ':']).is_some_and(|(name, said)| !name.is_empty() && !said.trim().is_empty())
}

/// Takes the title off that a workbook of one sheet has over its table.
fn sheet_title(blocks: &mut Vec<Block>) -> Option<String> {
    /// Longest title of a sheet, in characters.
    const MAX_CHARS: usize = 60;
    let single = blocks.iter().filter(|block| matches!(block, Block::Heading { .. })).count() == 1;
    let [Block::Heading { .. }, Block::Paragraph(title), rest @ ..] = blocks.as_slice() else { return None };
    let tabled = rest.iter().any(|block| matches!(block, Block::Table { .. }));
    let titled = title.chars().count() <= MAX_CHARS
        && !title.contains(['。', '；', '，', '：', ':'])
        && !["注", "说明", "备注", "单位", "附"].iter().any(|word| title.starts_with(word));
    if !(single && tabled && titled) {
        return None;
    }
    match blocks.remove(1) {
        Block::Paragraph(title) => Some(title),
        _ => None,
    }
}

/// Unpacks every part that the workbook reader will unpack, so that a bomb goes off here, under the limits.
fn check_package(bytes: &[u8]) -> Result<()> {
    let mut package = Package::open(bytes)?;
    let names = package.names();
    if !names.iter().any(|name| name.replace('\\', "/").to_lowercase().starts_with("xl/")) {
        let word = names.iter().any(|name| name.starts_with("word/"));
        return Err(if word {
            let message = "扩展名是 .xlsx,内容却是 Word 文件";
            Error::new(Code::DocumentUnsupported, message, "请把扩展名改成 .docx 再导入")
        } else {
            damaged("没有工作簿部件 xl/")
        });
    }
    for name in names {
        let lower = name.to_lowercase();
        if [".xml", ".rels", ".bin"].iter().any(|extension| lower.ends_with(extension)) {
            package.part(&name.replace('\\', "/"))?;
        }
    }
    Ok(())
}

struct Budget {
    cells: usize,
    bytes: usize,
}

impl Budget {
    fn take(&mut self, text: &str) -> Result<()> {
        let left = self.cells.checked_sub(1).zip(self.bytes.checked_sub(text.len()));
        let Some((cells, bytes)) = left else {
            let message = format!("表格超过 {MAX_CELLS} 个单元格或 {} MiB 文字", MAX_TEXT_BYTES / 1024 / 1024);
            return Err(too_large(&message));
        };
        (self.cells, self.bytes) = (cells, bytes);
        Ok(())
    }
}

/// The rows of a sheet as it shows them, from the first used column on: empty and hidden rows and columns left out, merged cells
/// repeated.
fn sheet_rows(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    view: &View,
    budget: &mut Budget,
    left_out: &mut LeftOut,
) -> Result<Rows> {
    let mut withdrawn: BTreeSet<u32> = BTreeSet::new();
    let mut hidden_rows: BTreeSet<u32> = BTreeSet::new();
    left_out.struck += view.struck;
    let mut cells: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
    {
        // Cell by cell: a range over a sheet with one cell at each end would be allocated in full.
        let mut reader = match workbook.worksheet_cells_reader(name) {
            Ok(reader) => reader,
            Err(XlsxError::NotAWorksheet(_)) => return Ok(Rows::new()),
            Err(cause) => return Err(broken(cause)),
        };
        while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(broken)? {
            let style = reader.styles().get(style);
            let code = style.and_then(|s| s.number_format.as_ref());
            let text = match view.texts.get(&cell.get_position()) {
                Some(text) => text.clone(),
                None => cell_text(cell.get_value(), code.map_or("General", |f| f.format_code.as_str())),
            };
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let (row, column) = cell.get_position();
            if view.hidden_rows.contains(&row) {
                hidden_rows.insert(row);
                continue;
            }
            if view.hides_column(column) {
                left_out.columns.insert((name.to_owned(), column));
                continue;
            }
            if style.and_then(|s| s.font.as_ref()).is_some_and(|font| font.strikethrough) {
                left_out.struck += 1;
                // Where the name of a row is struck through, the row is.
                if cells.get(&row).is_none_or(BTreeMap::is_empty) {
                    withdrawn.insert(row);
                }
                continue;
            }
            budget.take(text)?;
            if column >= MAX_COLUMNS {
                return Err(too_large(&format!("工作表“{name}”超过 {MAX_COLUMNS} 列")));
            }
            cells.entry(row).or_default().insert(column, text.to_string());
        }
    }
    left_out.rows += hidden_rows.len();
    cells.retain(|row, _| !withdrawn.contains(row));
    let used = |cells: &BTreeMap<u32, BTreeMap<u32, String>>| {
        let columns = || cells.values().flat_map(BTreeMap::keys);
        columns().min().copied().unwrap_or(0)..=columns().max().copied().unwrap_or(0)
    };
    let columns = used(&cells);
    for area in workbook.merge_cells_by_sheet_name(name).unwrap_or_default() {
        let (row, column) = area.start;
        let Some(text) = cells.get(&row).and_then(|r| r.get(&column)).cloned() else { continue };
        let last = area.end.1.min(*columns.end());
        // A cell across the whole table heads what comes below it and is said once.
        let number = column == *columns.start() + 1
            && cells.get(&row).and_then(|r| r.get(columns.start())).is_some_and(|cell| super::is_serial(cell));
        let heads = (column <= *columns.start() || number) && last >= *columns.end() && column < last;
        let across = if heads { column..=column } else { column..=last };
        // Only into rows that hold something: a merge may reach to the end of the sheet.
        for (_, below) in cells.range_mut(row..=area.end.0.max(row)) {
            super::deadline::check()?;
            for column in across.clone().filter(|column| !view.hides_column(*column)) {
                if let std::collections::btree_map::Entry::Vacant(slot) = below.entry(column) {
                    budget.take(&text)?;
                    slot.insert(text.clone());
                }
            }
        }
    }
    // Columns that show nothing are left out: between two that are shown, one that is hidden is one.
    let shown: Vec<u32> = columns.filter(|column| !view.hides_column(*column)).collect();
    let rows = cells.into_values().map(|row| {
        let width = shown.iter().rposition(|column| row.contains_key(column)).map_or(0, |last| last + 1);
        shown.iter().take(width).map(|column| row.get(column).cloned().unwrap_or_default()).collect()
    });
    Ok(rows.collect())
}

fn cell_text(value: &DataRef<'_>, code: &str) -> String {
    match value {
        DataRef::Int(n) => xlsx_number::number(*n as f64, code),
        DataRef::Float(n) => xlsx_number::number(*n, code),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => text.to_string(),
        DataRef::Bool(value) => if *value { "是" } else { "否" }.to_string(),
        DataRef::DateTime(value) => xlsx_number::date(value, code),
        DataRef::DateTimeIso(text) => text.trim_end_matches("T00:00:00").replace('T', " "),
        DataRef::DurationIso(text) => text.clone(),
        // A formula that failed shows an error mark, which is no content.
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// The blocks of a sheet of questions and answers, `None` when the sheet is something else.
fn faq(rows: &Rows) -> Option<Vec<Block>> {
    let find = |row: &[String], names: &[&str]| row.iter().position(|cell| names.contains(&header_name(cell).as_str()));
    let (at, question, answer) = rows.iter().take(HEADER_WITHIN_ROWS).enumerate().find_map(|(at, row)| {
        let question = find(row, QUESTION_HEADERS)?;
        Some((at, question, find(row, ANSWER_HEADERS)?))
    })?;
    let header = rows.get(at)?;
    let mut blocks = Vec::new();
    for row in rows.iter().skip(at + 1) {
        let cell = |column: usize| row.get(column).map(String::as_str).unwrap_or("");
        // Without a question of its own the row goes on with the answer above.
        push_heading(&mut blocks, 2, cell(question));
        for line in cell(answer).lines() {
            push_paragraph(&mut blocks, line);
        }
        for (column, name) in header.iter().enumerate() {
            let value = one_line(cell(column));
            if column != question && column != answer && !value.is_empty() && !is_serial(name) {
                let name = one_line(name);
                let paragraph = if name.is_empty() { value } else { format!("{name}\u{FF1A}{value}") };
                push_paragraph(&mut blocks, &paragraph);
            }
        }
    }
    (!blocks.is_empty()).then_some(blocks)
}

fn header_name(cell: &str) -> String {
    cell.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// Running numbers say nothing about the answer.
fn is_serial(header: &str) -> bool {
    matches!(header_name(header).as_str(), "序号" | "编号" | "no" | "id")
}

fn too_large(message: &str) -> Error {
    Error::new(Code::DocumentTooLarge, message, "请只保留需要查询的工作表和列,或拆成几个文件再导入")
}

fn broken(cause: XlsxError) -> Error {
    damaged("工作簿内容读不出").because(cause)
}
