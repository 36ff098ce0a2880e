//! Lines of text that are put together one after another, wrapped to the room there is.

use crate::console::cells;
use crate::console::look::Look;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::ops::Range;

/// Least room of what follows a name or a number.
const LEAST_ROOM: usize = 10;

/// A text on its way.
pub struct Text<'a> {
    look: &'a Look,
    room: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Text<'a> {
    /// An empty one, `room` cells wide.
    pub fn new(look: &'a Look, room: usize) -> Text<'a> {
        Text { look, room, lines: Vec::new() }
    }

    /// Cells of a line.
    pub fn room(&self) -> usize {
        self.room
    }

    /// A heading, with a blank line above unless it is the first.
    pub fn heading(&mut self, words: &str) {
        self.gap();
        self.say(words, self.look.heading());
    }

    /// A blank line, unless there is one or nothing stands above.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    /// A paragraph; Chinese becomes pinyin where it cannot be shown.
    pub fn say(&mut self, words: &str, style: Style) {
        self.item("", words, style);
    }

    /// A paragraph behind `lead`; further lines begin where it does.
    pub fn item(&mut self, lead: &str, words: &str, style: Style) {
        let lead_style = if lead.trim().is_empty() { style } else { self.look.quiet() };
        self.led((lead, lead_style), words, style);
    }

    /// The same with a style for what leads.
    pub fn led(&mut self, (lead, lead_style): (&str, Style), words: &str, style: Style) {
        let lead = self.look.data(lead).into_owned();
        let indent = cells::width(&lead);
        let room = self.room.saturating_sub(indent).max(LEAST_ROOM);
        let mut first = true;
        // A bracket that opens brings a blank of its own along in ASCII.
        let words = self.look.data(words);
        let words = if self.look.is_ascii() { words.trim_start() } else { &words };
        for line in cells::wrap(words, room) {
            let before = if first { lead.clone() } else { " ".repeat(indent) };
            first = false;
            self.lines.push(Line::from(vec![Span::styled(before, lead_style), Span::styled(line, style)]));
        }
    }

    /// A name, filled up to `name_room` cells, and what belongs to it.
    pub fn pair(&mut self, name: &str, name_room: usize, words: &str, style: Style) {
        let name = format!("{} ", cells::fill(name, name_room, ""));
        self.led((&name, self.look.quiet()), words, style);
    }

    /// A paragraph with a part (in characters) that stands out, between signs too, so that it does without colours.
    pub fn marked(&mut self, words: &str, part: Option<Range<usize>>) {
        let Some(part) = part.filter(|part| part.start < part.end) else { return self.say(words, Style::new()) };
        let piece = |skip: usize, take: usize| words.chars().skip(skip).take(take).collect::<String>();
        let before = self.look.data(&piece(0, part.start)).into_owned();
        let inside = self.look.data(&piece(part.start, part.end - part.start)).into_owned();
        let after = self.look.data(&piece(part.end, usize::MAX)).into_owned();
        let inside = format!("{}{inside}{}", self.look.sign("«", "<<"), self.look.sign("»", ">>"));
        let start = before.chars().count();
        let range = start..start + inside.chars().count();
        let whole = format!("{before}{inside}{after}");
        let mut at = 0;
        let all: Vec<char> = whole.chars().collect();
        for line in cells::wrap(&whole, self.room) {
            let mut spans: Vec<(String, bool)> = Vec::new();
            for c in line.chars() {
                // Blanks where a line ends were left out.
                while all.get(at).is_some_and(|there| *there != c) {
                    at += 1;
                }
                let stands_out = range.contains(&at);
                at += 1;
                match spans.last_mut() {
                    Some((text, marked)) if *marked == stands_out => text.push(c),
                    _ => spans.push((c.to_string(), stands_out)),
                }
            }
            let style = |marked| if marked { self.look.mark() } else { Style::new() };
            let spans: Vec<Span<'static>> =
                spans.into_iter().map(|(text, marked)| Span::styled(text, style(marked))).collect();
            self.lines.push(Line::from(spans));
        }
    }

    /// A line as it is.
    pub fn line(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// The lines.
    pub fn finish(self) -> Vec<Line<'static>> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::look::{Charset, Colors, Language};

    fn shown(lines: &[Line<'static>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_stands_out_is_found_again_whatever_the_room() {
        let words = "存款人应当凭本人身份证办理。 代办的,\n应当出示双方证件。完";
        for room in 12..50 {
            for charset in [Charset::Unicode, Charset::Ascii] {
                let look = Look::new(Language::Chinese, charset, Colors::None);
                let mut text = Text::new(&look, room);
                text.marked(words, Some(5..14));
                let marked: String = (text.finish().iter())
                    .flat_map(|line| line.spans.clone())
                    .filter(|span| span.style == look.mark())
                    .map(|span| span.content.into_owned())
                    .collect();
                let squeezed: String = marked.chars().filter(|c| !c.is_whitespace()).collect();
                let wanted = match charset {
                    Charset::Unicode => "«凭本人身份证办理。»",
                    Charset::Ascii => "<<pingbenrenshenfenzhengbanli.>>",
                };
                assert_eq!(squeezed, wanted, "{room}");
            }
        }
    }

    #[test]
    fn further_lines_begin_below_the_first() {
        let look = Look::new(Language::Chinese, Charset::Unicode, Colors::None);
        let mut text = Text::new(&look, 14);
        text.item("1. ", "凭本人身份证办理", Style::new());
        text.heading("材料");
        assert_eq!(shown(&text.finish()), ["1. 凭本人身份", "   证办理", "", "材料"]);
    }
}
