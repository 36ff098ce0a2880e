//! Tables drawn with lines: their cells, with the text of each in reading order.

use super::super::is_serial;
use super::content::{Page, Run};
use super::layout::{join, lines};
use super::path::Rule;

/// Lines this near to each other are one, in points.
const NEAR: f32 = 2.5;
/// How far a line may stop short of one that it meets, in points.
const REACH: f32 = 3.5;
/// Shortest ruling of a table, in points.
const MIN_RULING: f32 = 6.0;
/// Most rows or columns of a table on one page.
const MAX_CELLS: usize = 500;

/// Most cells times lines of a table: each cell looks for the lines around it.
const MAX_WORK: usize = 20_000_000;

/// A table on a page.
#[derive(Debug)]
pub(super) struct Table {
    /// Upper and lower edge.
    pub(super) top: f32,
    pub(super) bottom: f32,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) rows: Vec<Vec<String>>,
}

/// Takes the ruled tables out of a page, their text with them.
pub(super) fn take(page: &mut Page) -> Vec<Table> {
    let rules: Vec<Rule> =
        page.rules.iter().filter(|rule| (rule.x1 - rule.x0).max(rule.y1 - rule.y0) >= MIN_RULING).copied().collect();
    let mut tables = Vec::new();
    for group in connected(&rules) {
        let Some(grid) = Grid::of(&group) else { continue };
        let (inside, outside): (Vec<Run>, Vec<Run>) =
            std::mem::take(&mut page.runs).into_iter().partition(|run| grid.holds(run));
        let filled = inside.iter().filter(|run| !run.text.trim().is_empty()).count();
        if filled < 2 {
            page.runs = outside.into_iter().chain(inside).collect();
            continue;
        }
        page.runs = outside;
        tables.push(grid.read(inside));
    }
    tables
}

/// Rules in groups of those that touch.
fn connected(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let mut group: Vec<usize> = (0..rules.len()).collect();
    fn root(group: &mut [usize], mut at: usize) -> usize {
        while let Some(&up) = group.get(at).filter(|up| **up != at) {
            let over = group.get(up).copied().unwrap_or(up);
            if let Some(slot) = group.get_mut(at) {
                *slot = over;
            }
            at = up;
        }
        at
    }
    // Level rules by height, so that each upright one meets only those within its own.
    let mut level: Vec<usize> = (0..rules.len()).filter(|at| rules.get(*at).is_some_and(Rule::is_level)).collect();
    let height = |at: &usize| rules.get(*at).map_or(0.0, |rule| rule.y0);
    level.sort_by(|a, b| height(a).total_cmp(&height(b)));
    for (at, upright) in rules.iter().enumerate().filter(|(_, rule)| !rule.is_level()) {
        let from = level.partition_point(|l| height(l) < upright.y0 - REACH);
        for &other in level.iter().skip(from).take_while(|l| height(l) <= upright.y1 + REACH) {
            if rules.get(other).is_some_and(|rule| rule.x0 - REACH <= upright.x0 && upright.x0 <= rule.x1 + REACH) {
                let (a, b) = (root(&mut group, at), root(&mut group, other));
                if let Some(slot) = group.get_mut(a) {
                    *slot = b;
                }
            }
        }
    }
    let mut groups: std::collections::BTreeMap<usize, Vec<Rule>> = std::collections::BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        groups.entry(root(&mut group, at)).or_default().push(*rule);
    }
    groups.into_values().filter(|rules| rules.len() > 3).collect()
}

/// The edges of rows and columns, and the lines that part them.
struct Grid {
    /// From left to right.
    xs: Vec<f32>,
    /// From top to bottom.
    ys: Vec<f32>,
    level: Vec<Rule>,
    upright: Vec<Rule>,
}

impl Grid {
    /// A grid of at least two rows and two columns.
    fn of(rules: &[Rule]) -> Option<Grid> {
        let (level, upright): (Vec<Rule>, Vec<Rule>) = rules.iter().partition(|rule| rule.is_level());
        let xs = distinct(upright.iter().map(|rule| rule.x0));
        let mut ys = distinct(level.iter().map(|rule| rule.y0));
        ys.reverse();
        let fits = |edges: &[f32]| (3..=MAX_CELLS).contains(&edges.len());
        let work = xs.len().saturating_mul(ys.len()).saturating_mul(rules.len());
        (fits(&xs) && fits(&ys) && work <= MAX_WORK).then_some(Grid { xs, ys, level, upright })
    }

    fn holds(&self, run: &Run) -> bool {
        let (Some(left), Some(right)) = (self.xs.first(), self.xs.last()) else { return false };
        let (Some(top), Some(bottom)) = (self.ys.first(), self.ys.last()) else { return false };
        let (x, y) = (run.x + run.size * 0.3, run.y + run.size * 0.3);
        (*left - NEAR..=*right + NEAR).contains(&x) && (*bottom - NEAR..=*top + NEAR).contains(&y)
    }

    fn column(&self, x: f32) -> usize {
        self.xs.iter().skip(1).position(|edge| x < *edge).unwrap_or(self.xs.len() - 2)
    }

    fn row(&self, y: f32) -> usize {
        self.ys.iter().skip(1).position(|edge| y > *edge).unwrap_or(self.ys.len() - 2)
    }

    /// Whether a line parts two neighbouring cells.
    fn parted(&self, row: usize, column: usize, below: bool) -> bool {
        let edge = |edges: &[f32], at: usize| edges.get(at).copied().unwrap_or_default();
        let x = (edge(&self.xs, column) + edge(&self.xs, column + 1)) / 2.0;
        let y = (edge(&self.ys, row) + edge(&self.ys, row + 1)) / 2.0;
        if below {
            let at = edge(&self.ys, row + 1);
            self.level.iter().any(|rule| (rule.y0 - at).abs() <= NEAR && rule.x0 <= x && x <= rule.x1)
        } else {
            let at = edge(&self.xs, column + 1);
            self.upright.iter().any(|rule| (rule.x0 - at).abs() <= NEAR && rule.y0 <= y && y <= rule.y1)
        }
    }

    /// The cell that each place of the grid belongs to, by the first place of it.
    fn merged(&self) -> Vec<Vec<(usize, usize)>> {
        let (rows, columns) = (self.ys.len() - 1, self.xs.len() - 1);
        let mut owner: Vec<Vec<(usize, usize)>> = (0..rows).map(|r| (0..columns).map(|c| (r, c)).collect()).collect();
        let get = |owner: &[Vec<(usize, usize)>], r: usize, c: usize| owner.get(r).and_then(|row| row.get(c)).copied();
        for r in 0..rows {
            for c in 0..columns {
                let left = (c > 0 && !self.parted(r, c - 1, false)).then(|| get(&owner, r, c - 1)).flatten();
                let above = (r > 0 && !self.parted(r - 1, c, true)).then(|| get(&owner, r - 1, c)).flatten();
                if let Some(first) = left.or(above)
                    && let Some(slot) = owner.get_mut(r).and_then(|row| row.get_mut(c))
                {
                    *slot = first;
                }
            }
        }
        owner
    }

    fn read(&self, runs: Vec<Run>) -> Table {
        let owner = self.merged();
        let mut texts: std::collections::HashMap<(usize, usize), Vec<Run>> = std::collections::HashMap::new();
        for run in runs {
            let row = self.row(run.y + run.size * 0.3);
            for piece in self.cut(run) {
                let place = (row, self.column(piece.x + piece.size * 0.3));
                let first = owner.get(place.0).and_then(|row| row.get(place.1)).copied().unwrap_or(place);
                texts.entry(first).or_default().push(piece);
            }
        }
        let texts: std::collections::HashMap<_, String> =
            texts.into_iter().map(|(at, runs)| (at, words(&runs))).collect();
        let rows = owner.iter().map(|row| {
            // A cell across the whole table, or across all beside a number, heads what comes below it and is said once.
            let same =
                |row: &[(usize, usize)]| row.len() > 1 && row.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
            let number = row.first().and_then(|first| texts.get(first)).is_some_and(|text| is_serial(text));
            let once = if same(row) {
                1
            } else if number && same(row.get(1..).unwrap_or_default()) {
                2
            } else {
                row.len()
            };
            let cells = row.iter().enumerate().map(|(column, first)| match texts.get(first) {
                Some(text) if column < once => text.clone(),
                _ => String::new(),
            });
            cells.collect()
        });
        let edge =
            |edges: &[f32], last: bool| if last { edges.last() } else { edges.first() }.copied().unwrap_or_default();
        Table {
            top: edge(&self.ys, false),
            bottom: edge(&self.ys, true),
            left: edge(&self.xs, false),
            right: edge(&self.xs, true),
            rows: rows.collect(),
        }
    }

    /// A run in pieces, where it was written across the lines between cells.
    fn cut(&self, run: Run) -> Vec<Run> {
        if self.column(run.x + run.size * 0.3) == self.column(run.end - run.size * 0.3) {
            return vec![run];
        }
        let mut pieces: Vec<(usize, Run)> = Vec::new();
        let mut from = run.x;
        for (c, end) in run.text.chars().zip(run.ends.iter().copied()) {
            let column = self.column((from + end) / 2.0);
            match pieces.last_mut().filter(|(at, _)| *at == column) {
                Some((_, piece)) => {
                    piece.text.push(c);
                    piece.ends.push(end);
                    piece.end = end;
                }
                None => {
                    let piece = Run { x: from, y: run.y, end, size: run.size, text: c.to_string(), ends: vec![end] };
                    pieces.push((column, piece));
                }
            }
            from = end;
        }
        pieces.into_iter().map(|(_, piece)| piece).collect()
    }
}

/// The text of a cell: its lines, one after the other.
fn words(runs: &[Run]) -> String {
    let mut text = String::new();
    for line in lines(runs, 0) {
        join(&mut text, &line.text);
    }
    text
}

/// Values in order, those near each other once.
fn distinct(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut sorted: Vec<f32> = values.collect();
    sorted.sort_by(f32::total_cmp);
    sorted.dedup_by(|a, b| (*a - *b).abs() <= NEAR);
    sorted
}
