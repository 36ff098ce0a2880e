//! What a reader hands to the legal parser: a document as a flat run of blocks, whatever file it came from.

use std::collections::BTreeMap;

/// One block of a document in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading with its outline depth, 1 (title) to 6.
    Heading {
        /// 1 is the outermost.
        depth: u8,
        /// Text without markup, one line.
        text: String,
    },
    /// A paragraph of running text, one line, without markup.
    Paragraph(String),
    /// A table, row by row, cells as text. The first row is the header when `header` is set.
    Table {
        /// Whether the first row names the columns.
        header: bool,
        /// Rows of cells; rows may differ in length.
        rows: Vec<Vec<String>>,
    },
}

/// The words of blocks on one line, for a place that holds no more: a cell, a note.
pub fn on_one_line(blocks: &[Block]) -> String {
    let lines: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => text.clone(),
            Block::Table { rows, .. } => rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join(" "),
        })
        .collect();
    lines.join(" ")
}

/// A document as read from a file, before its legal structure is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawDocument {
    /// File name without extension, for documents that carry no title.
    pub file_stem: String,
    /// Path relative to the folder that was read, with `/` separators; says where a clause came from.
    pub source: String,
    /// Front matter or document properties (`title`, `doc_no`, `issuer`, `level`, `published`, `effective`,
    /// `repealed`, `classification`, `sample`), as written.
    pub meta: BTreeMap<String, String>,
    /// The text.
    pub blocks: Vec<Block>,
}
