//! Texts without 条: one clause for each lowest heading with text under it, split at paragraphs when long.

use super::labels::Labels;
use super::line::{Line, Mark, mark, reads_as_heading};
use super::model::ParsedClause;
use super::outline::Outline;
use super::table;
use crate::text::clause::sentences;
use crate::text::{address, numeral};

/// Longest clause of a text without 条, in characters; a longer one is split at paragraphs, a longer paragraph at
/// sentences. About the length of a long article, and two of them fit a prompt beside shorter ones.
pub(super) const MAX_CHARS: usize = 800;

/// Outline depth of `一、…` headings: below every heading that a reader sees.
const SECTION_DEPTH: u8 = 7;

/// Label of what is said under a long table.
const BEHIND_TABLE: &str = "表后说明";

/// Splits lines into clauses by headings, sections (`一、`) and paragraphs.
pub(super) fn parse(lines: &[Line]) -> Vec<ParsedClause> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut outline = Outline::default();
    // Under 一、 the items （一） belong to it; without 一、 and headings they are the clauses.
    let mut sectioned = false;
    // Whether the last piece is a row, which what follows is no part of.
    let mut behind_table = false;
    for line in lines {
        let text = line.text();
        if let Line::Table { rows, .. } = line
            && let Some(rows) = table::rows(rows, false)
        {
            // Two tables in a row stand under the same words.
            let over = pieces.iter().rev().find(|piece| piece.row.is_none());
            let (label, named) = over.map_or((String::new(), true), |p| (p.label.clone(), p.lines.is_empty()));
            pieces.extend(rows.into_iter().map(|row| Piece::of_row(row, &label, named, &outline)));
            behind_table = true;
            continue;
        }
        let found = if line.is_table() { None } else { mark(text) };
        let opens = std::mem::take(&mut behind_table);
        match (line, found) {
            (Line::Heading { depth, text }, _) => {
                outline.enter(text, Some(*depth));
                sectioned = true;
                pieces.push(Piece::headed(text, &outline));
            }
            (_, Some((Mark::Section, _, _))) if reads_as_heading(text) => {
                outline.enter(text, Some(SECTION_DEPTH));
                sectioned = true;
                pieces.push(Piece::headed(text, &outline));
            }
            (_, Some((Mark::Section, n, _))) => {
                sectioned = true;
                outline.leave(SECTION_DEPTH);
                pieces.push(Piece::of_line(format!("第{}点", numeral::to_chinese(n)), &outline, text));
            }
            (_, Some((Mark::Item, n, _))) if !sectioned => {
                pieces.push(Piece::of_line(format!("（{}）", numeral::to_chinese(n)), &outline, text));
            }
            _ if opens => pieces.push(Piece::of_line(BEHIND_TABLE.to_owned(), &outline, text)),
            _ => match pieces.last_mut() {
                Some(piece) => piece.lines.push(text.to_owned()),
                None => pieces.push(Piece::of_line(String::new(), &outline, text)),
            },
        }
    }
    let alone = pieces.iter().filter(|piece| !piece.lines.is_empty() || piece.row.is_some()).count() == 1;
    keep_bare_headings(&mut pieces);
    let mut labels = Labels::default();
    let mut clauses = Vec::new();
    for piece in &pieces {
        piece.write(alone, &mut labels, &mut clauses);
    }
    clauses
}

/// A heading with nothing under it, not even a deeper heading, is text: it becomes the line of its own piece.
fn keep_bare_headings(pieces: &mut [Piece]) {
    let mut next_path = String::new();
    for piece in pieces.iter_mut().rev() {
        let path = join_path(&piece.heading, &piece.label);
        if piece.lines.is_empty()
            && piece.row.is_none()
            && !(next_path == path || next_path.starts_with(&format!("{path} ")))
        {
            piece.lines.push(piece.label.clone());
        }
        next_path.clone_from(&piece.heading);
    }
}

fn join_path(parents: &str, heading: &str) -> String {
    if parents.is_empty() { heading.to_owned() } else { format!("{parents} {heading}") }
}

/// Text under one label.
struct Piece {
    /// Empty for text before the first heading.
    label: String,
    heading: String,
    parents: String,
    lines: Vec<String>,
    /// The row of a long table that it is.
    row: Option<table::Row>,
}

impl Piece {
    fn headed(label: &str, outline: &Outline) -> Piece {
        Piece {
            label: label.to_owned(),
            heading: outline.parent_path(),
            parents: outline.parent_numbers(),
            lines: Vec::new(),
            row: None,
        }
    }

    fn of_line(label: String, outline: &Outline, line: &str) -> Piece {
        Piece { label, heading: outline.path(), parents: outline.numbers(), lines: vec![line.to_owned()], row: None }
    }

    /// A row of a long table. Where it stands right under a heading, that is in its path already.
    fn of_row(row: table::Row, label: &str, headed: bool, outline: &Outline) -> Piece {
        let own = if headed || label.is_empty() { row.name.clone() } else { format!("{label}·{}", row.name) };
        Piece { label: own, heading: outline.path(), parents: outline.numbers(), lines: Vec::new(), row: Some(row) }
    }

    fn write(&self, alone: bool, labels: &mut Labels, out: &mut Vec<ParsedClause>) {
        if let Some(row) = &self.row {
            return out.push(row.clone().clause(labels.unique(&self.label, ""), &self.heading));
        }
        let texts = split(&self.lines);
        if texts.is_empty() {
            return;
        }
        let label = match (self.label.as_str(), alone, texts.len()) {
            ("", true, 1) => labels.unique("正文", ""),
            ("", true, _) => String::new(),
            ("", false, _) => labels.unique("序言", ""),
            (label, _, _) => labels.unique(label, &self.parents),
        };
        for (i, text) in texts.into_iter().enumerate() {
            let label = if i == 0 && !label.is_empty() { label.clone() } else { labels.piece(i + 1, &label) };
            out.push(ParsedClause {
                address: address::labelled(label),
                heading: self.heading.clone(),
                text,
                ask_variants: Vec::new(),
                guide: None,
            });
        }
    }
}

/// Packs lines into texts of at most [`MAX_CHARS`], preferably breaking before an item; a line that is longer by itself is
/// broken between sentences.
pub(super) fn split(lines: &[String]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut chars = 0;
    for line in lines.iter().flat_map(|line| units(line)).flat_map(broken) {
        let len = line.chars().count();
        let item = mark(line).is_some_and(|(kind, _, _)| kind <= Mark::Item);
        if chars > 0 && (chars + len > MAX_CHARS || item && chars > MAX_CHARS / 2) {
            texts.push(std::mem::take(&mut current));
            chars = 0;
        }
        if chars > 0 {
            current.push('\n');
        }
        current.push_str(line);
        chars += len;
    }
    if !current.is_empty() {
        texts.push(current);
    }
    texts
}

/// The lines of a text; a table that fits stays in one piece with its header.
fn units(text: &str) -> Vec<&str> {
    if text.starts_with("| ") && text.chars().count() <= MAX_CHARS { vec![text] } else { text.split('\n').collect() }
}

/// A line in stretches of whole sentences of at most [`MAX_CHARS`]; one sentence that is longer stays whole.
fn broken(line: &str) -> Vec<&str> {
    if line.chars().count() <= MAX_CHARS {
        return vec![line];
    }
    let mut out = Vec::new();
    let (mut start, mut end, mut chars) = (0, 0, 0);
    for range in sentences(line) {
        let len = line.get(range.clone()).map_or(0, |s| s.chars().count());
        if chars > 0 && chars + len > MAX_CHARS {
            out.extend(line.get(start..end));
            start = range.start;
            chars = 0;
        }
        end = range.end;
        chars += len;
    }
    out.extend(line.get(start..).filter(|rest| !rest.is_empty()));
    out
}
