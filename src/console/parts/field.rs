//! A line to type in.

use crate::console::cells;
use crate::console::keys::Key;
use crate::console::look::Look;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Most characters of a field: a question is shorter.
const MAX_CHARS: usize = 500;

/// A line of text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    text: Vec<char>,
    cursor: usize,
}

impl Field {
    /// A field with this text in it, the cursor at its end.
    pub fn with(text: &str) -> Field {
        let text: Vec<char> = text.chars().take(MAX_CHARS).collect();
        Field { cursor: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Field::default();
    }

    /// Takes a key that edits; returns whether it did.
    pub fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) => self.insert(c),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.text.len(),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Key::Backspace => {}
            Key::Delete if self.cursor < self.text.len() => _ = self.text.remove(self.cursor),
            Key::Delete => {}
            Key::Ctrl('u') => self.clear(),
            _ => return false,
        }
        true
    }

    /// Takes pasted text: lines become one.
    pub fn paste(&mut self, text: &str) {
        for c in text.chars() {
            self.insert(if c.is_control() { ' ' } else { c });
        }
    }

    fn insert(&mut self, c: char) {
        if self.text.len() < MAX_CHARS && !c.is_control() {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    /// Draws label and text on the first line of `area`; with `focus` the terminal's cursor stands in it, where input methods open.
    pub fn draw(&self, frame: &mut Frame, area: Rect, look: &Look, label: &str, focus: bool) {
        let room = (area.width as usize).saturating_sub(cells::width(label) + 1);
        let before: String = self.text.iter().take(self.cursor).collect();
        let shown_before = look.data(&before).into_owned();
        // The end of what stands before the cursor is always seen.
        let mut skipped = 0;
        while cells::width(shown_before.get(skipped..).unwrap_or_default()) >= room.max(1) {
            match shown_before.get(skipped..).and_then(|rest| rest.chars().next()) {
                Some(c) => skipped += c.len_utf8(),
                None => break,
            }
        }
        let visible = shown_before.get(skipped..).unwrap_or_default().to_owned();
        let after: String = self.text.iter().skip(self.cursor).collect();
        let style = if focus { look.key() } else { look.quiet() };
        let column = area.x as usize + cells::width(label) + cells::width(&visible);
        let text = cells::cut(&format!("{visible}{}", look.data(&after)), room, look.sign("…", "~"));
        let line = Line::from(vec![Span::styled(label.to_owned(), style), Span::raw(text)]);
        frame.render_widget(Paragraph::new(line), Rect { height: area.height.min(1), ..area });
        if focus && area.height > 0 && column < area.right() as usize {
            frame.set_cursor_position(Position::new(column as u16, area.y));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_edits_by_characters() {
        let mut field = Field::with("挂失");
        for key in [Key::Left, Key::Char('失'), Key::Backspace, Key::End, Key::Char('吗'), Key::Home, Key::Delete] {
            assert!(field.key(key));
        }
        assert_eq!(field.text(), "失吗");
        assert!(!field.key(Key::Enter));
        field.paste("一\n二");
        assert_eq!(field.text(), "一 二失吗");
        field.key(Key::Ctrl('u'));
        assert!(field.is_empty());
        for key in [Key::Backspace, Key::Delete, Key::Left, Key::Right] {
            field.key(key);
        }
        field.paste(&"长".repeat(MAX_CHARS + 10));
        assert_eq!(field.text().chars().count(), MAX_CHARS);
    }
}
