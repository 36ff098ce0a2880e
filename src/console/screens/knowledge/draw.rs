//! Which picture belongs to which place.

use super::super::shared::{Page, serial_of};
use super::{Knowledge, Place};
use crate::console::look::Look;
use crate::console::parts::{panel, table};
use crate::console::screen::View;
use crate::engine::reply::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

impl Knowledge {
    pub(super) fn draw_place(&self, place: Option<Place>, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        match place {
            None => self.draw_documents(frame, area, view),
            Some(Place::Document) => {
                if let Some(document) = &self.document {
                    document.draw(frame, area, look);
                }
            }
            Some(Place::Clause) => {
                if let Some(reading) = &self.reading {
                    let position = reading.id().and_then(|id| self.document.as_ref()?.position(id));
                    reading.draw(frame, area, look, position);
                }
            }
            Some(Place::Generations) => self.draw_generations(frame, area, view),
            Some(Place::Difference) => self.draw_difference(frame, area, look),
            Some(Place::Review) => self.draw_review(frame, area, look),
            Some(Place::Turn) => {
                if let Some(turn) = &self.turn {
                    let inner = panel(frame, area, look, &turn.title(look));
                    let lines = turn.lines(look, self.branch.value.as_ref(), inner.width as usize);
                    self.pager.draw(frame, inner, look, lines);
                }
            }
        }
    }

    fn draw_difference(&self, frame: &mut Frame, area: Rect, look: &Look) {
        match (&self.difference.value, &self.difference.error) {
            (Some(Some(found)), _) => {
                let (from, to) = (serial_of(&found.from), serial_of(&found.to));
                let title = look.either(
                    format!("变动:从 {from} 到现行的 {to}"),
                    format!("Changes: from {from} to {to}, which answers"),
                );
                self.changes.draw(frame, area, look, &found.diff, &title);
            }
            (value, error) => {
                let told = match value {
                    Some(_) => look.t(
                        "没有上一版知识可以比较:本机只导入过一次知识包。",
                        "There is no knowledge before to compare with: only one pack was imported here.",
                    ),
                    None => look.t("正在比较两版知识…", "comparing ..."),
                };
                say_in(frame, area, look, look.t("变动", "Changes"), error.as_ref(), told);
            }
        }
    }
}

/// A panel that says why there is nothing in it.
pub(super) fn say_in(
    frame: &mut Frame,
    area: Rect,
    look: &Look,
    title: &str,
    error: Option<&ErrorBody>,
    otherwise: &str,
) {
    let inner = panel(frame, area, look, title);
    let mut page = Page::new(look, inner.width as usize);
    match error {
        Some(error) => page.error(error),
        None => page.say(otherwise, Style::new()),
    }
    page.say(look.t("Esc 返回", "Esc goes back"), look.quiet());
    table(frame, inner, page.lines());
}
