//! From pieces of text on pages to lines, and from lines to the paragraphs that a person reads.
//!
//! A PDF knows no paragraphs. What tells them apart is geometry: a line that stops short of the right margin is the last
//! of its paragraph, and one that is indented, or begins with 第X条, is the first of the next.

use super::super::{characters, push_heading, push_paragraph, push_table};
use super::content::{Page, Run};
use super::starts::{begins_clause, is_chapter};
use super::{columns, grid, heads, struck, unruled};
use crate::text::document::Block;
use std::collections::HashMap;

/// Pieces whose baselines differ by less than this share of their size are on one line.
const SAME_LINE: f32 = 0.4;
/// A gap wider than this share of the size between two Latin pieces is a space, and between Chinese ones below.
const LATIN_GAP: f32 = 0.15;
/// Justified Chinese text stretches gaps a little; a written space is at least half a character.
const CHINESE_GAP: f32 = 0.45;
/// A line that ends this many characters or less before the right margin is full. Line-breaking rules keep closing
/// marks off the start of a line and push up to two characters down.
const FULL_WITHIN: f32 = 2.6;
/// An indentation, in characters: Chinese paragraphs begin two characters in.
const INDENT: f32 = 1.5;
/// Lines this much further apart than within a paragraph belong to two.
const APART: f32 = 1.15;
/// Text this much larger than the body is a heading.
const HEADING_RATIO: f32 = 1.15;
/// A piece this much smaller than its line, and this much above or below it in shares of its size, is raised or lowered.
const SCRIPT_RATIO: f32 = 0.85;
const SCRIPT_LINE: f32 = 0.55;
const RAISED_BY: f32 = 0.15;
const LOWERED_BY: f32 = 0.08;
/// Most characters of such a piece.
const MAX_SCRIPT_CHARS: usize = 4;
/// Longest heading, in characters.
const MAX_HEADING_CHARS: usize = 80;
/// Longest heading that is an article's number and name, in characters.
const MAX_ARTICLE_HEADING_CHARS: usize = 20;
/// Characters among which 条 ends the number of an article: 第一百二十三条.
const ARTICLE_CHARS: usize = 8;
/// Characters of one size from which on a page is full of text in this size.
const FULL_PAGE_CHARS: usize = 300;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) end: f32,
    pub(super) size: f32,
    pub(super) text: String,
    pub(super) page: usize,
    /// Which column of the page, 0 where it has one.
    pub(super) column: usize,
    /// Where the pieces of the line begin and end that stand apart from each other.
    pub(super) pieces: Vec<(f32, f32, String)>,
    /// A table instead of a text.
    pub(super) table: Option<Vec<Vec<String>>>,
}

/// The blocks of a document, and how many characters were struck through.
pub(super) fn blocks(mut pages: Vec<Page>) -> (Vec<Block>, usize) {
    let struck = pages.iter_mut().map(struck::remove).sum();
    let body = drop_heads(&mut pages);
    let mut lines = Vec::new();
    for (number, mut page) in pages.into_iter().enumerate() {
        lines.extend(page_lines(&mut page, number));
    }
    even_out(&mut lines, body);
    let lines = unruled::tables(lines, body);
    let mut blocks = Vec::new();
    let margins = Margins::new(&lines, body);
    let style = Style::of(&lines, body, &margins);
    let mut open: Option<(String, Line)> = None;
    // The page that the last block, a table, stands on.
    let mut table_on: Option<usize> = None;
    for mut line in lines {
        if let Some(rows) = line.table.take() {
            emit(&mut blocks, open.take(), body);
            let goes_on = table_on.is_some_and(|page| page + 1 == line.page);
            put_table(&mut blocks, rows, goes_on);
            table_on = Some(line.page);
            continue;
        }
        if let Some((text, last)) = open.as_mut()
            && style.continues(last, &line, margins.of(last), margins.of(&line))
        {
            join(text, &line.text);
            *last = line;
            continue;
        }
        emit(&mut blocks, open.take(), body);
        table_on = None;
        open = Some((line.text.clone(), line));
    }
    emit(&mut blocks, open, body);
    (blocks, struck)
}

/// A compilation sets its rules larger than its tables: on a page full of larger text that text is no heading. Its lines are measured as
/// those of other pages.
fn even_out(lines: &mut [Line], body: f32) {
    for page in lines.chunk_by_mut(|a, b| a.page == b.page) {
        let text: Vec<Line> = page.iter().filter(|line| line.table.is_none()).cloned().collect();
        let own = body_size(&text);
        let chars: usize =
            text.iter().filter(|l| (l.size - own).abs() < 0.1 * own).map(|l| l.text.chars().count()).sum();
        if own > body * HEADING_RATIO && chars >= FULL_PAGE_CHARS {
            page.iter_mut().for_each(|line| line.size *= body / own);
        }
    }
}

/// Takes running heads, page numbers and watermarks out of the pages; returns the size of the text.
fn drop_heads(pages: &mut [Page]) -> f32 {
    let rough: Vec<Vec<Line>> = pages.iter().enumerate().map(|(number, page)| lines(&page.runs, number)).collect();
    let all: Vec<Line> = rough.iter().flatten().cloned().collect();
    let body = body_size(&all);
    let dropped = heads::find(&rough, body);
    for ((page, lines), dropped) in pages.iter_mut().zip(&rough).zip(dropped) {
        for line in dropped.iter().filter_map(|at| lines.get(*at)) {
            page.runs.retain(|run| (run.y - line.y).abs() > SAME_LINE * line.size.max(run.size));
        }
    }
    body
}

/// The lines of a page in the order in which they are read, tables in their places.
fn page_lines(page: &mut Page, number: usize) -> Vec<Line> {
    let tables = grid::take(page);
    let mut all = Vec::new();
    for (column, runs) in columns::split(std::mem::take(&mut page.runs)) {
        let mut part = lines(&runs, number);
        part.iter_mut().for_each(|line| line.column = column);
        all.push(part);
    }
    for table in tables {
        let line = Line {
            x: table.left,
            y: table.top,
            end: table.right,
            size: 0.0,
            text: String::new(),
            page: number,
            column: 0,
            pieces: Vec::new(),
            table: Some(table.rows),
        };
        // Before the first line below it, in the part that it stands in.
        let middle = (table.left + table.right) / 2.0;
        let spans = |part: &Vec<Line>| {
            let (left, right) = part.iter().fold((f32::MAX, f32::MIN), |(l, r), line| (l.min(line.x), r.max(line.end)));
            left <= middle && middle <= right && part.iter().any(|line| line.y > table.bottom)
        };
        match all.iter().rposition(spans).or(if all.is_empty() { None } else { Some(0) }) {
            Some(part) => {
                if let Some(part) = all.get_mut(part) {
                    let at = part.iter().position(|line| line.y < table.top).unwrap_or(part.len());
                    part.insert(at, line);
                }
            }
            None => all.push(vec![line]),
        }
    }
    all.into_iter().flatten().collect()
}

/// Adds a table, or what comes of it on the next page to the one before; a header that is printed again is left out.
fn put_table(blocks: &mut Vec<Block>, mut rows: Vec<Vec<String>>, goes_on: bool) {
    if goes_on
        && let Some(Block::Table { rows: before, .. }) = blocks.last_mut()
        && before.first().map(Vec::len) == rows.first().map(Vec::len)
    {
        let again = before.iter().zip(&rows).take_while(|(a, b)| a == b).count();
        before.extend(rows.drain(again..));
        return;
    }
    push_table(blocks, false, rows);
}

fn emit(blocks: &mut Vec<Block>, paragraph: Option<(String, Line)>, body: f32) {
    let Some((text, line)) = paragraph else { return };
    if is_heading(&line, body) && text.chars().count() <= MAX_HEADING_CHARS {
        // The title of a document is its first large text.
        let depth = if blocks.is_empty() { 1 } else { 2 };
        push_heading(blocks, depth, &text);
    } else {
        push_paragraph(blocks, &text);
    }
}

/// Gathers the pieces of a page into lines, top to bottom, left to right.
pub(super) fn lines(runs: &[Run], page: usize) -> Vec<Line> {
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
    let mut rows: Vec<(f32, f32, Vec<&Run>)> = Vec::new();
    for run in sorted {
        match rows.last_mut() {
            Some((y, size, row)) if (*y - run.y).abs() <= reach(*size, run.size) => {
                row.push(run);
                if run.size > *size {
                    (*y, *size) = (run.y, run.size);
                }
            }
            _ => rows.push((run.y, run.size, vec![run])),
        }
    }
    rows.into_iter().filter_map(|(y, _, row)| line(y, row, page)).collect()
}

fn line(y: f32, mut row: Vec<&Run>, page: usize) -> Option<Line> {
    row.sort_by(|a, b| a.x.total_cmp(&b.x));
    let blank = |run: &&&Run| !run.text.trim().is_empty();
    // The size that most of the text has: a small footnote mark does not make a line small.
    let size = row.iter().filter(blank).max_by_key(|run| run.text.chars().count())?.size;
    let mut text = String::new();
    let mut pieces: Vec<(f32, f32, String)> = Vec::new();
    let mut end: Option<f32> = None;
    let mut last: Option<&Run> = None;
    for run in &row {
        // Bold by printing twice: the same text again, a hair further right.
        if last.is_some_and(|l| l.text == run.text && (l.x - run.x).abs() < 0.2 * run.size) {
            continue;
        }
        let mut parted = true;
        if let Some(end) = end {
            let gap = (run.x - end) / run.size.max(0.1);
            let latin = text.ends_with(|c: char| c.is_ascii_alphanumeric())
                && run.text.starts_with(|c: char| c.is_ascii_alphanumeric());
            let script = run.size <= size * SCRIPT_RATIO;
            parted = gap > if latin && !script { LATIN_GAP } else { CHINESE_GAP };
            if parted {
                text.push(' ');
            }
        }
        let shown = script(run, y, size).unwrap_or_else(|| run.text.clone());
        match pieces.last_mut().filter(|_| !parted) {
            Some((_, piece_end, piece)) => {
                *piece_end = run.end;
                piece.push_str(&shown);
            }
            None if shown.trim().is_empty() => {}
            None => pieces.push((run.x, run.end, shown.clone())),
        }
        text.push_str(&shown);
        end = Some(run.end.max(end.unwrap_or(run.end)));
        last = Some(run);
    }
    let first = row.iter().find(blank)?;
    let end = row.iter().filter(blank).map(|run| run.end).fold(first.end, f32::max);
    let text = super::super::one_line(&text);
    Some(Line { x: first.x, y, end, size, text, page, column: 0, pieces, table: None })
}

/// How far apart the baselines of two pieces of one line can be: raised notes stand higher than uneven text.
fn reach(a: f32, b: f32) -> f32 {
    let script = a.min(b) <= a.max(b) * SCRIPT_RATIO;
    a.max(b) * if script { SCRIPT_LINE } else { SAME_LINE }
}

/// A small piece beside the baseline as raised or lowered text: a note or an exponent, no digit of the number before it.
fn script(run: &Run, y: f32, size: f32) -> Option<String> {
    let short = (1..=MAX_SCRIPT_CHARS).contains(&run.text.trim().chars().count());
    if !short || run.size > size * SCRIPT_RATIO {
        return None;
    }
    if run.y - y > RAISED_BY * size {
        return Some(characters::raised(run.text.trim()));
    }
    (y - run.y > LOWERED_BY * size).then(|| characters::lowered(run.text.trim()))
}

/// The size that most characters have.
fn body_size(lines: &[Line]) -> f32 {
    let mut counts: HashMap<i32, usize> = HashMap::new();
    for line in lines {
        *counts.entry((line.size * 2.0).round() as i32).or_default() += line.text.chars().count();
    }
    let most = counts.into_iter().max_by_key(|(size, count)| (*count, *size));
    most.map_or(1.0, |(size, _)| size as f32 / 2.0).max(1.0)
}

/// The text column of each page: pages of one file may differ in format.
struct Margins {
    by_page: HashMap<(usize, usize), (f32, f32)>,
}

impl Margins {
    fn new(lines: &[Line], body: f32) -> Margins {
        let mut by_page: HashMap<(usize, usize), (f32, f32)> = HashMap::new();
        let all = lines.iter().filter(|line| line.table.is_none() && !is_heading(line, body));
        let (left, right) = all.clone().fold((f32::MAX, f32::MIN), |(l, r), line| (l.min(line.x), r.max(line.end)));
        for line in all {
            let (l, r) = by_page.entry((line.page, line.column)).or_insert((line.x, line.end));
            (*l, *r) = (l.min(line.x), r.max(line.end));
        }
        // A page with a few short lines takes the column of the document.
        for ((_, column), (l, r)) in &mut by_page {
            if *column == 0 && *r - *l < (right - left) * 0.8 {
                (*l, *r) = (l.min(left), r.max(right));
            }
        }
        Margins { by_page }
    }

    fn of(&self, line: &Line) -> (f32, f32) {
        self.by_page.get(&(line.page, line.column)).copied().unwrap_or((line.x, line.end))
    }
}

/// How this document sets its paragraphs apart.
struct Style {
    body: f32,
    /// Paragraphs begin with an indentation.
    indented: bool,
    /// Distance of lines within a paragraph, where paragraphs stand further apart than that.
    pitch: Option<f32>,
}

impl Style {
    fn of(lines: &[Line], body: f32, margins: &Margins) -> Style {
        // What surely begins a paragraph shows how the others begin.
        let starts: Vec<&Line> = lines.iter().filter(|line| begins_clause(&line.text)).collect();
        let indented = starts.iter().filter(|line| line.x > margins.of(line).0 + INDENT * body).count();
        let pairs = || lines.windows(2).filter_map(|w| if let [a, b] = w { Some((b, gap(a, b, body)?)) } else { None });
        let mut gaps: Vec<f32> = pairs().map(|(_, gap)| gap).collect();
        gaps.sort_by(f32::total_cmp);
        // Not the smallest, which may be a slip of a subscript.
        let pitch = gaps.get(gaps.len() / 20).copied();
        let apart: Vec<bool> = pairs()
            .filter(|(line, _)| begins_clause(&line.text))
            .map(|(_, gap)| Some(gap) > pitch.map(|p| p * APART))
            .collect();
        let spaced = !apart.is_empty() && apart.iter().filter(|a| **a).count() * 10 >= apart.len() * 9;
        Style { body, indented: indented * 2 > starts.len(), pitch: pitch.filter(|_| spaced) }
    }

    /// Whether `next` goes on with the paragraph of `last`, which stand in the columns `at` and `next_at`.
    fn continues(&self, last: &Line, next: &Line, at: (f32, f32), next_at: (f32, f32)) -> bool {
        let body = self.body;
        if (last.size - next.size).abs() > 0.1 * body || begins_clause(&next.text) || is_chapter(&last.text) {
            return false;
        }
        if is_heading(last, body) {
            // A title may break; centred lines are not full. A heading ends where the next page begins.
            let both = is_heading(next, body) && last.page == next.page;
            return both && (last.y - next.y) < 2.2 * last.size && !begins_clause(&last.text);
        }
        if is_heading(next, body) || last.end < at.1 - FULL_WITHIN * body {
            return false;
        }
        if next.x > next_at.0 + INDENT * body {
            return false;
        }
        if self.indented {
            return true;
        }
        match self.pitch.zip(gap(last, next, body)) {
            Some((pitch, gap)) => gap <= pitch * APART,
            None => !last.text.ends_with(super::super::SENTENCE_ENDS) || last.text.ends_with(['\u{FF0C}', ',']),
        }
    }
}

/// The distance from a line of body text down to the next on the same page.
fn gap(last: &Line, next: &Line, body: f32) -> Option<f32> {
    let gap = last.y - next.y;
    let plain =
        last.page == next.page && last.column == next.column && !is_heading(last, body) && !is_heading(next, body);
    (plain && gap > 0.0 && gap < 4.0 * body).then_some(gap)
}

pub(super) fn join(text: &mut String, next: &str) {
    let latin = text.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '.'))
        && next.starts_with(|c: char| c.is_ascii_alphanumeric());
    if latin {
        text.push(' ');
    }
    text.push_str(next);
}

fn is_heading(line: &Line, body: f32) -> bool {
    let chars = line.text.chars().count();
    // 第一条 总则 may be set larger, an article with its text is no heading, nor is a sentence.
    let article = line.text.starts_with('第')
        && chars > MAX_ARTICLE_HEADING_CHARS
        && line.text.chars().take(ARTICLE_CHARS).any(|c| c == '条');
    line.size > body * HEADING_RATIO && chars <= MAX_HEADING_CHARS && !article && !line.text.contains('。')
}

#[cfg(test)]
mod tests;
