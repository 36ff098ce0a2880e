//! One file in, its text out as blocks, whatever the format.
//!
//! The extension says which reader a file gets and the first bytes must agree ([`format`]). Every reader works on
//! bytes already in memory and under limits of its own: office files through a capped unpacker ([`package`]), PDFs
//! under a budget of pages, bytes and operations, and each document has its time ([`deadline`]). The parsing crates meet foreign input here and nowhere else, so
//! [`read`] is also the one place that catches a panic of theirs and reports it as a failed file.

mod characters;
mod csv;
mod deadline;
mod docx;
mod entities;
mod format;
mod formula;
mod html;
mod inline;
mod markdown;
mod noise;
mod package;
mod pdf;
mod plain;
mod properties;
mod wrap;
mod xlsx;
mod xlsx_capitals;
mod xlsx_number;
mod xlsx_view;

use self::format::Format;
use super::walk::SourceFile;
use crate::error::{Code, Error, Result};
use crate::text::document::{Block, RawDocument};
use std::fs::{self, File};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Largest file that is read, in bytes (64 MiB): more than any rule text, and small enough to hold in memory.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Key in [`RawDocument::meta`] under which a reader says what of a file it could not take (pages without text, say).
/// It goes into the report of the file and nowhere else.
pub const WARNING_KEY: &str = "warning";

/// Marks at the end of a line that no title or heading has: stops, semicolons, colons, commas, wide and narrow.
const SENTENCE_ENDS: [char; 11] =
    ['。', '\u{FF1B}', ';', '\u{FF1A}', ':', '\u{FF0C}', ',', '\u{FF01}', '!', '\u{FF1F}', '?'];

/// What notes under a table begin with.
const NOTES: [&str; 4] = ["注", "备注", "说明", "※"];

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// Its documents; most files hold one, a workbook one per sheet of questions and answers.
    Read(Vec<RawDocument>),
    /// It is no document for us, with the reason in Chinese.
    Skipped(String),
    /// It should have been read and could not be.
    Failed(Error),
}

/// Reads one file. Never panics, never follows a symbolic link, never holds more than the limits of its format allow.
pub fn read(file: &SourceFile) -> Outcome {
    let format = match Format::of_name(&file.path) {
        Ok(format) => format,
        Err(reason) => return kind_first(file).unwrap_or(Outcome::Skipped(reason)),
    };
    if let Some(outcome) = kind_first(file) {
        return outcome;
    }
    let bytes = match load(&file.path) {
        Ok(bytes) => bytes,
        Err(error) => return Outcome::Failed(error),
    };
    if bytes.is_empty() {
        return Outcome::Skipped("文件是空的".to_string());
    }
    deadline::begin();
    // The readers only borrow the bytes, so nothing half-changed outlives a panic.
    match catch_unwind(AssertUnwindSafe(|| dispatch(format, file, &bytes))) {
        Ok(Ok(documents)) => finish(documents, file),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(_) => Outcome::Failed(Error::new(
            Code::DocumentUnreadable,
            "解析这个文件时程序内部出错,文件多半已损坏",
            "请用原来的编辑软件打开并另存一份再导入;仍失败请把文件交给技术支持",
        )),
    }
}

/// What is no regular file never reaches a reader.
fn kind_first(file: &SourceFile) -> Option<Outcome> {
    match fs::symlink_metadata(&file.path) {
        Ok(meta) if meta.file_type().is_symlink() => {
            Some(Outcome::Skipped("是符号链接,不跟随;请直接放入文件本身".to_string()))
        }
        Ok(meta) if meta.is_dir() => Some(Outcome::Failed(Error::new(
            Code::Io,
            "这个文件夹打不开,里面的文件没有读取",
            "请检查文件夹的读取权限后重新导入",
        ))),
        Ok(meta) if !meta.is_file() => Some(Outcome::Skipped("不是普通文件".to_string())),
        Ok(_) => None,
        Err(cause) => Some(Outcome::Failed(unopened(cause))),
    }
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(unopened)?;
    let mut bytes = Vec::new();
    // One byte past the limit tells; the size that the file system states may change while we read.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|cause| {
        let message = format!("读取文件时出错:{cause}");
        Error::new(Code::Io, message, "请检查磁盘或 U 盘是否完好,重新复制文件再导入").because(cause)
    })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let message = format!("文件超过 {} MiB 的上限", MAX_FILE_BYTES / 1024 / 1024);
        return Err(Error::new(Code::DocumentTooLarge, message, "请拆成几个文件,或去掉其中的大图片再导入"));
    }
    Ok(bytes)
}

fn unopened(cause: std::io::Error) -> Error {
    Error::new(Code::Io, format!("文件打不开:{cause}"), "请检查文件的读取权限、文件是否还在").because(cause)
}

fn dispatch(format: Format, file: &SourceFile, bytes: &[u8]) -> Result<Vec<RawDocument>> {
    format.check(bytes)?;
    let document = match format {
        Format::Markdown => markdown::read(bytes)?,
        Format::Plain => plain::read(bytes)?,
        Format::Html => html::read(bytes)?,
        Format::Docx => docx::read(bytes)?,
        Format::Pdf => pdf::read(bytes)?,
        Format::Xlsx => return xlsx::read(bytes, &stem(file)),
        Format::Csv => return csv::read(bytes, &stem(file)),
    };
    Ok(vec![document])
}

/// Fills in where the documents came from, and drops those without a word of text.
fn finish(documents: Vec<RawDocument>, file: &SourceFile) -> Outcome {
    let stem = stem(file);
    let documents: Vec<RawDocument> = documents
        .into_iter()
        .map(plain_characters)
        .filter(|document| !document.blocks.is_empty())
        .map(|document| RawDocument { file_stem: stem.clone(), source: file.relative.clone(), ..document })
        .collect();
    if documents.is_empty() {
        return Outcome::Skipped("文件里没有文字".to_string());
    }
    Outcome::Read(documents)
}

/// The document in plain characters, without what a web page wraps around a text.
fn plain_characters(mut document: RawDocument) -> RawDocument {
    for value in document.meta.values_mut() {
        *value = characters::unify(value);
    }
    for block in &mut document.blocks {
        match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => *text = characters::unify(text),
            Block::Table { rows, .. } => rows.iter_mut().flatten().for_each(|cell| *cell = characters::unify(cell)),
        }
    }
    let dropped = noise::remove(&mut document);
    if dropped > 0 {
        warn(&mut document, &format!("网页上的导航、打印、备案等 {dropped} 行没有读入"));
    }
    document
}

/// Adds to what the report says of a file.
fn warn(document: &mut RawDocument, what: &str) {
    let warning = document.meta.entry(WARNING_KEY.to_string()).or_default();
    if !warning.is_empty() {
        warning.push(';');
    }
    warning.push_str(what);
}

fn stem(file: &SourceFile) -> String {
    file.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// One line of text: white space of every kind (the ideographic space included) collapsed to single spaces and trimmed.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Adds a paragraph unless it is blank.
fn push_paragraph(blocks: &mut Vec<Block>, text: &str) {
    let text = one_line(text);
    if !text.is_empty() {
        blocks.push(Block::Paragraph(text));
    }
}

/// Adds a heading unless it is blank.
fn push_heading(blocks: &mut Vec<Block>, depth: u8, text: &str) {
    let text = one_line(text);
    if !text.is_empty() {
        blocks.push(Block::Heading { depth: depth.clamp(1, 6), text });
    }
}

/// Adds a table without its empty rows, unless nothing is left. A single cell is a paragraph, not a table.
fn push_table(blocks: &mut Vec<Block>, header: bool, rows: Vec<Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
    match rows.as_slice() {
        [] => {}
        [row] if row.len() == 1 => push_paragraph(blocks, &row.concat()),
        _ => blocks.push(Block::Table { header, rows }),
    }
}

/// Adds a table whose title, and notes below it, may stand in rows of one cell: they are no header and no entries.
fn push_titled_table(blocks: &mut Vec<Block>, header: bool, mut rows: Vec<Vec<String>>) {
    let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.is_empty()).count();
    rows.retain(|row| filled(row) > 0);
    let wide = rows.iter().any(|row| filled(row) > 1);
    let above = if wide { rows.iter().take_while(|row| row.len() > 1 && filled(row) == 1).count() } else { 0 };
    for row in rows.drain(..above) {
        push_paragraph(blocks, &row.concat());
    }
    let is_note = |row: &Vec<String>| {
        row.len() > 1 && filled(row) == 1 && NOTES.iter().any(|word| row.concat().starts_with(word))
    };
    let below = rows.iter().rev().take_while(|row| is_note(row)).count();
    let notes = rows.split_off(rows.len() - below);
    push_table(blocks, header, rows);
    for row in notes {
        push_paragraph(blocks, &row.concat());
    }
}

/// Whether the first cell of a row only numbers it, so that the cell beside it, drawn across the others, heads a group of rows.
fn is_serial(cell: &str) -> bool {
    let cell = cell.trim_matches(|c: char| c.is_whitespace() || "（）().、．".contains(c));
    !cell.is_empty() && cell.chars().all(crate::text::numeral::is_numeral)
}

/// Whether the title in a file's properties may be believed: it must occur in the opening text. Office programs carry
/// the title of whatever older document the file was copied from, and a wrong title would label every citation.
fn title_in_text(title: &str, blocks: &[Block]) -> bool {
    /// Titles stand at the top, after a cover page or a notice of issue at most.
    const OPENING_BLOCKS: usize = 30;
    let squeeze = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let wanted = squeeze(title);
    if wanted.is_empty() {
        return false;
    }
    let mut opening = String::new();
    for block in blocks.iter().take(OPENING_BLOCKS) {
        match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => opening.push_str(&squeeze(text)),
            Block::Table { .. } => {}
        }
    }
    opening.contains(&wanted)
}
