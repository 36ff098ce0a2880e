//! Text in lines of a certain width.

use crate::console::cells;
use crate::console::look::Look;
use crate::console::words;
use crate::engine::reply::ErrorBody;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Lines that are being written.
pub(crate) struct Page<'a> {
    look: &'a Look,
    room: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub(crate) fn new(look: &'a Look, room: usize) -> Page<'a> {
        Page { look, room, lines: Vec::new() }
    }

    /// A paragraph.
    pub(crate) fn say(&mut self, words: &str, style: Style) {
        let wrapped = cells::wrap(&self.look.data(words), self.room);
        self.lines.extend(wrapped.into_iter().map(|line| Line::styled(line, style)));
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.lines.push(Line::raw(""));
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// A heading.
    pub(crate) fn heading(&mut self, words: &str) {
        self.say(words, self.look.heading());
    }

    /// A name and its value, which may take more lines.
    pub(crate) fn pair(&mut self, name: &str, value: &str, style: Style) {
        let names = self.look.either(10, 15);
        let value = self.look.data(value);
        let wrapped = cells::wrap(&value, self.room.saturating_sub(names + 1));
        for (place, line) in wrapped.into_iter().enumerate() {
            let name = cells::fill(if place == 0 { name } else { "" }, names, "");
            let spans = vec![Span::styled(name, self.look.quiet()), Span::raw(" "), Span::styled(line, style)];
            self.lines.push(Line::from(spans));
        }
    }

    /// A point of a list.
    pub(crate) fn point(&mut self, words: &str) {
        let wrapped = cells::wrap(&self.look.data(words), self.room.saturating_sub(4));
        for (place, line) in wrapped.into_iter().enumerate() {
            let lead = if place == 0 { self.look.sign("  · ", "  - ") } else { "    " };
            self.lines.push(Line::raw(format!("{lead}{line}")));
        }
    }

    /// What went wrong, and what to do.
    pub(crate) fn error(&mut self, error: &ErrorBody) {
        let told = words::of_error(self.look, error);
        self.say(&self.look.both(&told), self.look.bad());
        self.say(&words::hint_of(self.look, error), Style::new());
    }

    /// The page as it is written.
    pub(crate) fn lines(self) -> Vec<Line<'static>> {
        self.lines
    }
}
