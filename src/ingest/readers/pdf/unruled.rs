//! Tables without lines: rows of cells that begin at the same places, one row after the other.

use super::layout::{Line, join};
use super::starts::begins_clause;

/// Fewest rows, and fewest cells in a row.
const MIN_ROWS: usize = 3;
const MIN_CELLS: usize = 2;
/// Narrowest room between two cells, in characters.
const MIN_GAP: f32 = 1.2;
/// How far cells of one column may begin from each other, in characters.
const ALIGNED: f32 = 0.8;
/// Longest cell on average, in characters: what is longer is text in columns.
const MAX_CELL: usize = 24;

/// The lines with those that make tables put together.
pub(super) fn tables(lines: Vec<Line>, body: f32) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let rest = lines.get(at..).unwrap_or_default();
        match table(rest, body) {
            Some((rows, taken)) => {
                if let Some(first) = rest.first() {
                    out.push(Line { table: Some(rows), text: String::new(), ..first.clone() });
                }
                at += taken;
            }
            None => {
                out.extend(rest.first().cloned());
                at += 1;
            }
        }
    }
    out
}

/// The table that lines begin with, and how many of them it takes.
fn table(lines: &[Line], body: f32) -> Option<(Vec<Vec<String>>, usize)> {
    let first = lines.first()?;
    let columns: Vec<f32> = cells(first, body).iter().map(|(x, _)| *x).collect();
    if columns.len() < MIN_CELLS || first.table.is_some() {
        return None;
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut whole = 0;
    let mut taken = 0;
    let mut last = first;
    for line in lines {
        let near = line.page == first.page && line.column == first.column && last.y - line.y < 3.0 * body;
        if line.table.is_some() || !near && taken > 0 {
            break;
        }
        let Some(placed) = place(&cells(line, body), &columns, body) else { break };
        // A line of one cell in the first column may be the text that goes on below the table.
        let alone = placed.iter().filter(|(_, text)| !text.is_empty()).count() == 1;
        let starts_row = placed.first().is_some_and(|(column, _)| *column == 0);
        if alone
            && starts_row
            && (begins_clause(&line.text) || line.text.chars().count() > MAX_CELL || line.text.ends_with(['。', '：']))
        {
            break;
        }
        if starts_row || rows.is_empty() {
            rows.push(vec![String::new(); columns.len()]);
            whole += usize::from(placed.len() >= MIN_CELLS);
        }
        for (column, text) in placed {
            if let Some(cell) = rows.last_mut().and_then(|row| row.get_mut(column)) {
                join(cell, &text);
            }
        }
        taken += 1;
        last = line;
    }
    let chars: usize = rows.iter().flatten().map(|cell| cell.chars().count()).sum();
    let count = rows.iter().flatten().filter(|cell| !cell.is_empty()).count();
    (whole >= MIN_ROWS && chars <= count * MAX_CELL).then_some((rows, taken))
}

/// The cells of a line: its pieces, those near each other together.
fn cells(line: &Line, body: f32) -> Vec<(f32, String)> {
    let mut cells: Vec<(f32, f32, String)> = Vec::new();
    for (x, end, text) in &line.pieces {
        match cells.last_mut().filter(|(_, before, _)| *x - *before < MIN_GAP * body) {
            Some((_, before, cell)) => {
                *before = *end;
                join(cell, text);
            }
            None => cells.push((*x, *end, text.clone())),
        }
    }
    cells.into_iter().map(|(x, _, text)| (x, super::super::one_line(&text))).collect()
}

/// The cells by their columns; `None` when one begins elsewhere.
fn place(cells: &[(f32, String)], columns: &[f32], body: f32) -> Option<Vec<(usize, String)>> {
    let at = |x: f32| columns.iter().position(|column| (column - x).abs() <= ALIGNED * body);
    cells.iter().map(|(x, text)| Some((at(*x)?, text.clone()))).collect()
}
