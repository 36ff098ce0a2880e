//! Pages set in two columns, as gazettes are: which side of the page a piece of text is on, and what reaches across both.

use super::content::Run;

/// Fewest lines on each side.
const MIN_LINES: usize = 6;
/// Smallest text, in points, and most places between the margins that are looked at.
const MIN_SIZE: f32 = 1.0;
const MAX_PLACES: usize = 2_000;
/// Where between the margins the gap between two columns can be.
const MIDDLE: (f32, f32) = (0.35, 0.65);
/// Narrowest gap between columns, in characters.
const MIN_GAP: f32 = 0.8;
/// Lines across both columns at most, per hundred: titles and running heads.
const MAX_ACROSS: usize = 25;
/// Share of a column that its lines fill on average, in percent, from which on they are text and no cells of a table.
const MIN_FILL: f32 = 60.0;

/// The text of a page in the order in which it is read: stretches of runs, each with the number of its column (0 across both).
pub(super) fn split(runs: Vec<Run>) -> Vec<(usize, Vec<Run>)> {
    let Some((gap, rows)) = gap(&runs) else { return vec![(0, runs)] };
    // Lines that reach across both columns part what is above from what is below.
    let heights: Vec<f32> = rows.iter().filter(|row| row.covers(gap)).map(|row| row.y).collect();
    let mut bands: Vec<[Vec<Run>; 3]> = (0..=heights.len()).map(|_| Default::default()).collect();
    for run in runs {
        let on_line = heights.iter().position(|y| (run.y - y).abs() <= run.size * 0.4);
        let (band, column) = match on_line {
            Some(at) => (at + 1, 0),
            None => (heights.iter().filter(|y| **y > run.y).count(), if run.x < gap { 1 } else { 2 }),
        };
        if let Some(slot) = bands.get_mut(band).and_then(|band| band.get_mut(column)) {
            slot.push(run);
        }
    }
    let parts = bands.into_iter().flat_map(|band| band.into_iter().enumerate());
    parts.filter(|(_, runs)| !runs.is_empty()).collect()
}

/// What a line covers, pieces that touch put together.
struct Row {
    y: f32,
    stretches: Vec<(f32, f32)>,
}

impl Row {
    fn covers(&self, x: f32) -> bool {
        self.stretches.iter().any(|(a, b)| *a < x && x < *b)
    }
}

/// The middle of the gap between two columns, and the lines of the page; `None` for a page in one.
fn gap(runs: &[Run]) -> Option<(f32, Vec<Row>)> {
    let shown: Vec<&Run> = runs.iter().filter(|run| !run.text.trim().is_empty()).collect();
    let left = shown.iter().map(|run| run.x).fold(f32::MAX, f32::min);
    let right = shown.iter().map(|run| run.end).fold(f32::MIN, f32::max);
    let mut sizes: Vec<f32> = shown.iter().map(|run| run.size).collect();
    sizes.sort_by(f32::total_cmp);
    let size = sizes.get(sizes.len() / 2)?.max(MIN_SIZE);
    let rows = rows(&shown, size);
    // The place that fewest lines cover, the widest of several.
    let (from, to) = (left + (right - left) * MIDDLE.0, left + (right - left) * MIDDLE.1);
    let step = size * 0.2;
    let count = (((to - from) / step).max(0.0) as usize).min(MAX_PLACES);
    let covered = |x: f32| rows.iter().filter(|row| row.covers(x)).count();
    let profile: Vec<usize> = (0..=count).map(|n| covered(from + n as f32 * step)).collect();
    let least = *profile.iter().min()?;
    if least * 100 > rows.len() * MAX_ACROSS {
        return None;
    }
    let (start, length) = longest(&profile, least);
    if (length as f32) * step < MIN_GAP * size {
        return None;
    }
    let middle = from + (start as f32 + length as f32 / 2.0) * step;
    let sides = [(left, middle), (middle, right)];
    let full = sides.iter().all(|(low, high)| {
        let lengths: Vec<f32> = rows
            .iter()
            .filter(|row| !row.covers(middle))
            .map(|row| {
                row.stretches
                    .iter()
                    .filter(|(a, b)| *a >= *low - 1.0 && *b <= *high + 1.0)
                    .map(|(a, b)| b - a)
                    .sum::<f32>()
            })
            .filter(|length| *length > 0.0)
            .collect();
        let fill = lengths.iter().sum::<f32>() / (lengths.len().max(1) as f32) / (high - low).max(1.0) * 100.0;
        lengths.len() >= MIN_LINES && fill >= MIN_FILL
    });
    full.then_some((middle, rows))
}

/// The lines of a page, from top to bottom.
fn rows(runs: &[&Run], size: f32) -> Vec<Row> {
    let mut sorted: Vec<&&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<Row> = Vec::new();
    for run in sorted {
        match rows.last_mut().filter(|row| (row.y - run.y).abs() <= size * 0.4) {
            Some(row) => row.stretches.push((run.x, run.end)),
            None => rows.push(Row { y: run.y, stretches: vec![(run.x, run.end)] }),
        }
    }
    for row in &mut rows {
        row.stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
        row.stretches.dedup_by(|next, last| {
            let touches = next.0 - last.1 < MIN_GAP * size;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
    }
    rows
}

/// The longest stretch of places that are covered as little as `least`.
fn longest(profile: &[usize], least: usize) -> (usize, usize) {
    let (mut best, mut start) = ((0, 0), None);
    for (at, covered) in profile.iter().copied().chain([usize::MAX]).enumerate() {
        match (covered == least, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if at - from > best.1 {
                    best = (from, at - from);
                }
                start = None;
            }
            _ => {}
        }
    }
    best
}
