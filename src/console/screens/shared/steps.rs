//! The steps of an import, with what each has found.

use crate::console::cells;
use crate::console::look::Look;
use crate::engine::importing::{Step, StepState};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the steps' names: the longest has no more in either language.
const TITLE_CELLS: usize = 28;

/// One line a step, as many as there is room for: the latest, and before them how many went before. Without a limit all of them.
pub(crate) fn steps(look: &Look, all: &[Step], room: usize, height: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let left_out = if all.len() > height { all.len() + 1 - height.max(1) } else { 0 };
    if left_out > 0 {
        let sign = look.sign("✓ ", "[ok] ");
        let words = look.either(format!("{sign}前 {left_out} 项已通过"), format!("{sign}the first {left_out} passed"));
        lines.push(Line::styled(words, look.good()));
    }
    lines.extend(all.iter().skip(left_out).map(|step| line(look, step, room)));
    lines
}

fn line(look: &Look, step: &Step, room: usize) -> Line<'static> {
    let dots = look.sign("…", "~");
    let (sign, style) = match step.state {
        StepState::Running => (look.sign("… ", "[..] "), look.warn()),
        StepState::Ok => (look.sign("✓ ", "[ok] "), look.good()),
        StepState::Failed => (look.sign("✗ ", "[XX] "), look.bad()),
    };
    let titles = TITLE_CELLS.min(room / 2);
    let left = room.saturating_sub(cells::width(sign) + titles + 1);
    let quiet = if step.state == StepState::Failed { look.bad() } else { look.quiet() };
    Line::from(vec![
        Span::styled(sign, style),
        Span::styled(cells::fill(&look.both(&step.title), titles, dots), Style::new()),
        Span::raw(" "),
        Span::styled(cells::cut(&look.both(&step.found), left, dots), quiet),
    ])
}
