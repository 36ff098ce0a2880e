//! Which picture belongs to which stage; and the line that says whether the stick may be pulled out, on each of them.

use super::super::shared::{Page, steps};
use super::{Above, Import, Stage};
use crate::console::cells;
use crate::console::look::Look;
use crate::console::parts::{bytes, gauge, panel, span_of, table};
use crate::console::screen::View;
use crate::engine::importing::Progress;
use crate::engine::reply::{ImportReply, ImportState};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// Cells of the bar.
const BAR_CELLS: usize = 18;
/// A bar of progress never warns.
const NEVER: (f64, f64) = (f64::INFINITY, f64::INFINITY);

impl Import {
    pub(super) fn draw_stage(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let Some(reply) = self.reply() else {
            return match &self.state.error {
                Some(error) => {
                    let inner = panel(frame, area, look, look.t("导入", "Import"));
                    let mut page = Page::new(look, inner.width as usize);
                    page.error(error);
                    table(frame, inner, page.lines());
                }
                None => self.draw_sticks(frame, area, look),
            };
        };
        let stage = self.stage();
        if stage == Stage::Sticks {
            return self.draw_sticks(frame, area, look);
        }
        let line = Rect { height: area.height.min(1), ..area };
        table(frame, line, vec![stick_line(look, reply, stage, area.width as usize)]);
        let rest = Rect { y: line.bottom(), height: area.height - line.height, ..area };
        match (stage, self.above, &reply.state) {
            (Stage::Waiting, Some(Above::Difference), ImportState::Waiting { preview }) => {
                if let Some(diff) = &preview.diff {
                    let title = look.t("导入后会变的", "What it would change");
                    self.changes.draw(frame, rest, look, diff, title);
                }
            }
            (Stage::Waiting, Some(Above::Steps), _) => {
                let inner = panel(frame, rest, look, look.t("导入 · 核验步骤", "Import - the checks"));
                let lines = steps(look, &reply.steps, inner.width as usize, usize::MAX);
                self.pager.draw(frame, inner, look, lines);
            }
            (Stage::Waiting, _, ImportState::Waiting { preview }) => {
                let title = look.either(
                    format!("导入 · 等你确认:知识包 {}", preview.serial),
                    format!("Import - your decision: pack {}", preview.serial),
                );
                let inner = panel(frame, rest, look, &title);
                let lines = self.preview_lines(look, reply, preview, inner.width as usize);
                self.pager.draw(frame, inner, look, lines);
            }
            (Stage::Over, ..) => {
                let inner = panel(frame, rest, look, &self.over_title(look, reply));
                let lines = self.over_lines(look, reply, inner.width as usize);
                self.pager.draw(frame, inner, look, lines);
            }
            _ => draw_work(frame, rest, look, reply),
        }
    }
}

/// The verification, step by step, below how far it is.
fn draw_work(frame: &mut Frame, area: Rect, look: &Look, reply: &ImportReply) {
    let source = reply.source.as_deref().map(|source| look.data(source).into_owned());
    let title = match &source {
        Some(source) => look.either(format!("导入 · {source}"), format!("Import - {source}")),
        None => look.t("切换知识", "Switching").to_owned(),
    };
    let inner = panel(frame, area, look, &title);
    let progress = match &reply.state {
        ImportState::Working { progress } => work_line(look, progress),
        _ => Line::styled(look.t("正在切换…", "switching ...").to_owned(), look.warn()),
    };
    let height = (inner.height as usize).saturating_sub(2);
    let mut lines = vec![progress, Line::raw("")];
    lines.extend(steps(look, &reply.steps, inner.width as usize, height));
    table(frame, inner, lines);
}

fn work_line(look: &Look, progress: &Progress) -> Line<'static> {
    let phase = look.t(progress.phase.label(), progress.phase.label_en());
    let mut spans = vec![Span::styled(format!("{phase}  "), look.heading())];
    if progress.total > 0 {
        spans.extend(gauge(look, progress.done as f64 / progress.total as f64, BAR_CELLS, NEVER));
        spans.push(Span::raw(format!("  {}/{}", bytes(progress.done), bytes(progress.total))));
    }
    if let Some(left) = progress.eta_s {
        let left = span_of(look, left);
        spans.push(Span::styled(look.either(format!("  还要约 {left}"), format!("  {left} left")), look.quiet()));
    }
    Line::from(spans)
}

/// Whether the stick may be pulled out: never out of sight, and in the whole width of the screen.
fn stick_line(look: &Look, reply: &ImportReply, stage: Stage, room: usize) -> Line<'static> {
    // A switch between generations that are here has nothing to do with sticks.
    if reply.source.is_none() {
        return Line::raw("");
    }
    let (words, style) = if !reply.safe_to_remove {
        (look.t("✗ 请勿拔出 U 盘", "XX  DO NOT PULL THE STICK OUT"), look.bad())
    } else if stage == Stage::Waiting {
        (
            look.t(
                "✓ U 盘现在可以拔出(留到导入完成,回执就写在这个 U 盘上)",
                "OK  The stick may be pulled out (left in, it gets the receipt)",
            ),
            look.good(),
        )
    } else {
        (look.t("✓ U 盘现在可以拔出", "OK  The stick may be pulled out now"), look.good())
    };
    let words = format!(" {words}");
    Line::styled(cells::fill(&words, room, ""), style.add_modifier(Modifier::REVERSED | Modifier::BOLD))
}
