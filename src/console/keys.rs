//! Keys as the console understands them, and how they are named on the screen.

use super::look::Look;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// With the control key.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Deletes backwards.
    Backspace,
    /// Deletes forwards.
    Delete,
    /// A function key.
    F(u8),
}

impl Key {
    /// The key of a terminal's event; `None` for releases and keys that mean nothing here.
    pub fn of(event: KeyEvent) -> Option<Key> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        Some(match event.code {
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => Key::Ctrl(c.to_ascii_lowercase()),
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::ALT) && c.is_ascii() => return None,
            KeyCode::Char(c) => Key::Char(c),
            KeyCode::Enter => Key::Enter,
            KeyCode::Esc => Key::Esc,
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::PageDown => Key::PageDown,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            KeyCode::Tab => Key::Tab,
            KeyCode::BackTab => Key::BackTab,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Delete => Key::Delete,
            KeyCode::F(n) => Key::F(n),
            _ => return None,
        })
    }
}

/// A key that does something now, as the last line and the help show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint {
    /// The key: `Enter`, `b`, `↑↓`.
    pub key: &'static str,
    /// What it does.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
}

impl Hint {
    /// A hint.
    pub const fn new(key: &'static str, zh: &'static str, en: &'static str) -> Hint {
        Hint { key, zh, en }
    }

    /// How the key is called here.
    pub fn name(&self, look: &Look) -> &'static str {
        match self.key {
            "↑↓" if look.is_ascii() => "Up/Down",
            "←→" if look.is_ascii() => "Left/Right",
            key => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_keys_and_releases_nothing() {
        let of = |code, modifiers| Key::of(KeyEvent::new(code, modifiers));
        assert_eq!(of(KeyCode::Char('挂'), KeyModifiers::NONE), Some(Key::Char('挂')));
        assert_eq!(of(KeyCode::Char('C'), KeyModifiers::CONTROL), Some(Key::Ctrl('c')));
        assert_eq!(of(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Key::BackTab));
        let released = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Key::of(released), None);
    }
}
