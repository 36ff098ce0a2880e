//! Text with a line through it: it is there to be seen as no longer valid.

use super::content::Page;

/// Where a line through text runs, in shares of its size above the baseline: an underline is below, a ruling above.
const THROUGH: (f32, f32) = (0.12, 0.62);

/// Takes struck text out of a page, leaving its room; returns how many characters.
pub(super) fn remove(page: &mut Page) -> usize {
    let mut struck = 0;
    let mut level: Vec<_> = page.rules.iter().filter(|rule| rule.is_level()).copied().collect();
    level.sort_by(|a, b| a.y0.total_cmp(&b.y0));
    if level.is_empty() {
        return 0;
    }
    for run in &mut page.runs {
        let (low, high) = (run.y + THROUGH.0 * run.size, run.y + THROUGH.1 * run.size);
        let from = level.partition_point(|rule| rule.y0 <= low);
        let near = level.iter().skip(from).take_while(|rule| rule.y0 < high);
        let through: Vec<_> = near.filter(|rule| rule.x0 < run.end && rule.x1 > run.x).collect();
        if through.is_empty() {
            continue;
        }
        let mut kept = String::new();
        let mut ends = Vec::new();
        let mut from = run.x;
        for (c, end) in run.text.chars().zip(run.ends.iter().copied()) {
            let middle = (from + end) / 2.0;
            if through.iter().any(|rule| rule.x0 <= middle && middle <= rule.x1) {
                struck += usize::from(!c.is_whitespace());
            } else {
                kept.push(c);
                ends.push(end);
            }
            from = end;
        }
        (run.text, run.ends) = (kept, ends);
    }
    struck
}
