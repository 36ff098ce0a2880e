//! From pieces of text on pages to lines, and from lines to the paragraphs that a person reads.
//!
//! A PDF knows no paragraphs. What tells them apart is geometry: a line that stops short of the right margin is the last
//! of its paragraph, and one that is indented, or begins with 第X条, is the first of the next.

use super::super::{push_heading, push_paragraph};
use super::content::{Page, Run};
use super::starts::{begins_clause, is_chapter};
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
/// Lines at the top and bottom of a page that may be running heads or page numbers.
const EDGE_LINES: usize = 3;
/// A line repeated at the same height on this many pages is a running head.
const REPEATED_PAGES: usize = 3;
/// Longest heading, in characters.
const MAX_HEADING_CHARS: usize = 80;

#[derive(Debug, Clone, PartialEq)]
struct Line {
    x: f32,
    y: f32,
    end: f32,
    size: f32,
    text: String,
    page: usize,
}

/// The blocks of a document.
pub(super) fn blocks(pages: &[Page]) -> Vec<Block> {
    let pages: Vec<Vec<Line>> = pages.iter().enumerate().map(|(index, page)| lines(&page.runs, index)).collect();
    let lines = without_running_heads(pages);
    let body = body_size(&lines);
    let mut blocks = Vec::new();
    let margins = Margins::new(&lines, body);
    let style = Style::of(&lines, body, &margins);
    let mut open: Option<(String, Line)> = None;
    for line in lines {
        if let Some((text, last)) = open.as_mut()
            && style.continues(last, &line, margins.of(last), margins.of(&line))
        {
            join(text, &line.text);
            *last = line;
            continue;
        }
        emit(&mut blocks, open.take(), body);
        open = Some((line.text.clone(), line));
    }
    emit(&mut blocks, open, body);
    blocks
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
fn lines(runs: &[Run], page: usize) -> Vec<Line> {
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
    let mut rows: Vec<(f32, f32, Vec<&Run>)> = Vec::new();
    for run in sorted {
        match rows.last_mut() {
            Some((y, size, row)) if (*y - run.y).abs() <= SAME_LINE * size.max(run.size) => {
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
    let mut text = String::new();
    let mut end: Option<f32> = None;
    let mut last: Option<&Run> = None;
    for run in &row {
        // Bold by printing twice: the same text again, a hair further right.
        if last.is_some_and(|l| l.text == run.text && (l.x - run.x).abs() < 0.2 * run.size) {
            continue;
        }
        if let Some(end) = end {
            let gap = (run.x - end) / run.size.max(0.1);
            let latin = text.ends_with(|c: char| c.is_ascii_alphanumeric())
                && run.text.starts_with(|c: char| c.is_ascii_alphanumeric());
            if gap > if latin { LATIN_GAP } else { CHINESE_GAP } {
                text.push(' ');
            }
        }
        text.push_str(&run.text);
        end = Some(run.end.max(end.unwrap_or(run.end)));
        last = Some(run);
    }
    let blank = |run: &&&Run| !run.text.trim().is_empty();
    let first = row.iter().find(blank)?;
    let end = row.iter().filter(blank).map(|run| run.end).fold(first.end, f32::max);
    // The size that most of the text has: a small footnote mark does not make a line small.
    let size = row.iter().filter(blank).max_by_key(|run| run.text.chars().count())?.size;
    Some(Line { x: first.x, y, end, size, text: super::super::one_line(&text), page })
}

/// Drops page numbers and what stands at the same place on many pages.
fn without_running_heads(pages: Vec<Vec<Line>>) -> Vec<Line> {
    let mut seen: HashMap<(String, i32), usize> = HashMap::new();
    for page in &pages {
        for (_, line) in edges(page) {
            *seen.entry(place(line)).or_default() += 1;
        }
    }
    let mut kept = Vec::new();
    for page in pages {
        let dropped: Vec<usize> = edges(&page)
            .filter(|(_, line)| {
                let (text, height) = place(line);
                // Heights are rounded, so a line may fall on either side.
                let near: usize = (height - 1..=height + 1).filter_map(|h| seen.get(&(text.clone(), h))).sum();
                (near >= REPEATED_PAGES && !begins_clause(&line.text)) || is_page_number(&line.text)
            })
            .map(|(index, _)| index)
            .collect();
        let lines = page.into_iter().enumerate().filter(|(index, _)| !dropped.contains(index));
        kept.extend(lines.map(|(_, line)| line));
    }
    kept
}

/// The first and last lines of a page, each once.
fn edges(page: &[Line]) -> impl Iterator<Item = (usize, &Line)> {
    let count = page.len();
    page.iter().enumerate().filter(move |(index, _)| *index < EDGE_LINES || index + EDGE_LINES >= count)
}

/// What is compared between pages: the text with its figures blanked, and the height in steps of four points.
fn place(line: &Line) -> (String, i32) {
    let mut text = String::new();
    for c in line.text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c => text.push(c),
        }
    }
    (text, (line.y / 4.0).round() as i32)
}

/// `12`, `- 12 -`, `第12页`, `12/30`, `第 12 页 共 30 页`, `Page 12 of 30`.
fn is_page_number(text: &str) -> bool {
    let rest: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '—' | '–' | '·' | '/' | '\u{FF0F}' | '~'))
        .collect();
    let words =
        rest.replace(['第', '页', '共', '\u{FF0C}', ','], "").to_lowercase().replace("page", "").replace("of", "");
    !words.is_empty() && words.len() <= 9 && words.chars().all(|c| c.is_ascii_digit())
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
    by_page: HashMap<usize, (f32, f32)>,
}

impl Margins {
    fn new(lines: &[Line], body: f32) -> Margins {
        let mut by_page: HashMap<usize, (f32, f32)> = HashMap::new();
        let all = lines.iter().filter(|line| !is_heading(line, body));
        let (left, right) = all.clone().fold((f32::MAX, f32::MIN), |(l, r), line| (l.min(line.x), r.max(line.end)));
        for line in all {
            let (l, r) = by_page.entry(line.page).or_insert((line.x, line.end));
            (*l, *r) = (l.min(line.x), r.max(line.end));
        }
        // A page with a few short lines takes the column of the document.
        for (l, r) in by_page.values_mut() {
            if *r - *l < (right - left) * 0.8 {
                (*l, *r) = (l.min(left), r.max(right));
            }
        }
        Margins { by_page }
    }

    fn of(&self, line: &Line) -> (f32, f32) {
        self.by_page.get(&line.page).copied().unwrap_or((line.x, line.end))
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
    let plain = last.page == next.page && !is_heading(last, body) && !is_heading(next, body);
    (plain && gap > 0.0 && gap < 4.0 * body).then_some(gap)
}

fn join(text: &mut String, next: &str) {
    let latin = text.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '.'))
        && next.starts_with(|c: char| c.is_ascii_alphanumeric());
    if latin {
        text.push(' ');
    }
    text.push_str(next);
}

fn is_heading(line: &Line, body: f32) -> bool {
    line.size > body * HEADING_RATIO && line.text.chars().count() <= MAX_HEADING_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(x: f32, y: f32, size: f32, text: &str) -> Run {
        Run { x, y, end: x + size * text.chars().count() as f32, size, text: text.into() }
    }

    fn page(runs: Vec<Run>) -> Page {
        Page { known: runs.len(), runs, ..Page::default() }
    }

    fn paragraphs(texts: &[&str]) -> Vec<Block> {
        texts.iter().map(|t| Block::Paragraph(t.to_string())).collect()
    }

    #[test]
    fn indents_and_short_lines_end_paragraphs() {
        let pages = [page(vec![
            run(120.0, 800.0, 20.0, "挂失办法"),
            run(120.0, 700.0, 10.0, "第一条 存款人遗失存单的应当。"),
            run(100.0, 685.0, 10.0, "及时到营业网点办理书面挂失手续办"),
            run(100.0, 670.0, 10.0, "理完毕。"),
            run(120.0, 655.0, 10.0, "口头挂失的有效期限为五天届满后"),
            run(100.0, 640.0, 10.0, "失效。"),
        ])];
        let blocks = blocks(&pages);
        assert_eq!(blocks[0], Block::Heading { depth: 1, text: "挂失办法".into() });
        assert_eq!(
            blocks[1..],
            paragraphs(&[
                "第一条 存款人遗失存单的应当。及时到营业网点办理书面挂失手续办理完毕。",
                "口头挂失的有效期限为五天届满后失效。"
            ])
        );
    }

    #[test]
    fn running_heads_and_page_numbers_go() {
        let pages: Vec<Page> = (1..=4)
            .map(|n| {
                page(vec![
                    run(100.0, 800.0, 9.0, "示例银行内部资料"),
                    run(100.0, 700.0, 10.0, &format!("第{n}条 甲乙丙丁。")),
                    run(250.0, 40.0, 9.0, &format!("第 {n} 页 共 4 页")),
                ])
            })
            .collect();
        let expected: Vec<String> = (1..=4).map(|n| format!("第{n}条 甲乙丙丁。")).collect();
        assert_eq!(blocks(&pages), paragraphs(&expected.iter().map(String::as_str).collect::<Vec<_>>()));
        assert!(
            is_page_number("- 12 -")
                && is_page_number("Page 3 of 9")
                && !is_page_number("第三条")
                && !is_page_number("2024年")
        );
    }

    #[test]
    fn pieces_are_joined_and_parted_by_their_gaps() {
        let pages = [page(vec![
            run(100.0, 700.0, 10.0, "第一章"),
            run(150.0, 700.2, 10.0, "总则"),
            run(100.0, 680.0, 10.0, "收"),
            run(110.1, 680.0, 10.0, "费"),
            run(110.2, 680.0, 10.0, "费"),
        ])];
        assert_eq!(blocks(&pages), paragraphs(&["第一章 总则", "收费"]));
    }
}
