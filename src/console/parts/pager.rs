//! A text that scrolls.

use crate::console::keys::Key;
use crate::console::look::Look;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::cell::Cell;

/// How far down a text is. The text is its owner's, who wraps it to the room there is.
#[derive(Debug, Clone, Default)]
pub struct Pager {
    top: usize,
    /// Rows of the last drawing, and the last row that could stand on top: only drawing knows the room.
    room: Cell<(usize, usize)>,
}

impl Pager {
    /// Back to the beginning.
    pub fn reset(&mut self) {
        self.top = 0;
    }

    /// Takes a key that scrolls; returns whether it did.
    pub fn key(&mut self, key: Key) -> bool {
        let (height, last) = self.room.get();
        let page = height.saturating_sub(1).max(1);
        let top = self.top.min(last);
        self.top = match key {
            Key::Up => top.saturating_sub(1),
            Key::Down => top + 1,
            Key::PageUp => top.saturating_sub(page),
            Key::PageDown | Key::Char(' ') => top + page,
            Key::Home => 0,
            Key::End => last,
            _ => return false,
        }
        .min(last);
        true
    }

    /// Draws as much as there is room for; the last line says how much follows.
    pub fn draw(&self, frame: &mut Frame, area: Rect, look: &Look, lines: Vec<Line<'static>>) {
        let height = area.height as usize;
        let fits = lines.len() <= height;
        let rows = if fits { height } else { height.saturating_sub(1) };
        let last = lines.len().saturating_sub(rows);
        self.room.set((rows, last));
        let top = self.top.min(last);
        let total = lines.len();
        let shown: Vec<Line<'static>> = lines.into_iter().skip(top).take(rows).collect();
        frame.render_widget(Paragraph::new(shown), area);
        if !fits && height > 0 {
            let end = (top + rows).min(total);
            let more = if end < total { look.sign(" ▼", " v") } else { "" };
            let words = format!("{} {}-{end}/{total}{more}", look.t("行", "lines"), top + 1);
            let line = Rect { y: area.bottom() - 1, height: 1, ..area };
            frame.render_widget(Paragraph::new(Line::styled(words, look.quiet())).right_aligned(), line);
        }
    }
}
