//! A list to choose from, with `/` to filter it.

use super::Field;
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::pinyin;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// Keys while a filter is typed.
pub const FILTERING: [Hint; 2] = [Hint::new("Enter", "选择", "choose"), Hint::new("Esc", "不筛选", "no filter")];

/// What a key did to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing: the key is not for lists.
    Not,
    /// Another row is chosen, or the filter changed.
    Moved,
    /// Enter: the chosen row is meant.
    Opened,
}

/// Which row is chosen and which are shown. The rows themselves are their owner's.
#[derive(Debug, Clone, Default)]
pub struct List {
    at: usize,
    filter: Field,
    typing: bool,
}

impl List {
    /// Whether keys go into the filter.
    pub fn typing(&self) -> bool {
        self.typing
    }

    /// Whether rows are left out.
    pub fn filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// Back to the first row of all.
    pub fn reset(&mut self) {
        *self = List::default();
    }

    /// Chooses a row among the shown.
    pub fn choose(&mut self, row: usize) {
        self.at = row;
    }

    /// The indices of the items that the filter lets through, in order. `text` is what is looked through: characters, pinyin or first
    /// letters of it may be typed.
    pub fn shown<T>(&self, items: &[T], text: impl Fn(&T) -> String) -> Vec<usize> {
        let wanted = self.filter.text().trim().to_lowercase();
        let fits = |item: &T| wanted.is_empty() || pinyin::matches(&text(item), &wanted);
        items.iter().enumerate().filter(|(_, item)| fits(item)).map(|(index, _)| index).collect()
    }

    /// The chosen one of the shown indices.
    pub fn chosen(&self, shown: &[usize]) -> Option<usize> {
        shown.get(self.at.min(shown.len().saturating_sub(1))).copied()
    }

    /// Takes a key while `len` rows are shown.
    pub fn key(&mut self, key: Key, len: usize) -> Chosen {
        let last = len.saturating_sub(1);
        let at = self.at.min(last);
        match key {
            Key::Up => self.at = at.saturating_sub(1),
            Key::Down => self.at = (at + 1).min(last),
            Key::PageUp => self.at = at.saturating_sub(PAGE),
            Key::PageDown => self.at = (at + PAGE).min(last),
            Key::Esc if self.typing || self.filtered() => {
                self.filter.clear();
                self.typing = false;
                self.at = 0;
            }
            Key::Enter if self.typing => {
                self.typing = false;
                self.at = 0;
            }
            key if self.typing => {
                if !self.filter.key(key) {
                    return Chosen::Not;
                }
                self.at = 0;
            }
            Key::Home => self.at = 0,
            Key::End => self.at = last,
            Key::Char('/') => self.typing = true,
            Key::Enter if len > 0 => return Chosen::Opened,
            _ => return Chosen::Not,
        }
        Chosen::Moved
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) -> bool {
        if self.typing {
            self.filter.paste(text);
            self.at = 0;
        }
        self.typing
    }

    /// Draws the shown rows, the chosen one reversed and always in sight; the filter stands in the last line while there is one.
    /// `row` makes the line of an index in at most so many cells.
    pub fn draw(
        &self,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
        shown: &[usize],
        row: impl Fn(usize, usize) -> Line<'static>,
    ) {
        let searching = self.typing || self.filtered();
        let height = (area.height as usize).saturating_sub(usize::from(searching));
        let at = self.at.min(shown.len().saturating_sub(1));
        let first = at.saturating_sub(height / 2).min(shown.len().saturating_sub(height));
        let lines: Vec<Line<'static>> = shown
            .iter()
            .enumerate()
            .skip(first)
            .take(height)
            .map(|(place, index)| {
                let line = row(*index, area.width as usize);
                if place == at { line.patch_style(look.chosen()) } else { line }
            })
            .collect();
        let rows = Rect { height: height as u16, ..area };
        frame.render_widget(Paragraph::new(lines), rows);
        if searching && area.height > 0 {
            let line = Rect { y: area.bottom() - 1, height: 1, ..area };
            let label = look.t("筛选: ", "filter: ");
            self.filter.draw(frame, line, look, label, self.typing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: [&str; 4] = ["存款保险条例", "商业银行法", "银行卡挂失办法", "反洗钱法"];

    fn shown(list: &List) -> Vec<usize> {
        list.shown(&ITEMS, |item| (*item).to_owned())
    }

    #[test]
    fn it_is_filtered_by_characters_or_pinyin_and_esc_takes_the_filter_away() {
        let mut list = List::default();
        assert_eq!(list.key(Key::Char('g'), 4), Chosen::Not);
        for key in "/guashi".chars().map(Key::Char) {
            let len = shown(&list).len();
            assert_eq!(list.key(key, len), Chosen::Moved);
        }
        assert_eq!(shown(&list), [2]);
        assert_eq!(list.key(Key::Enter, 1), Chosen::Moved);
        assert!(!list.typing());
        assert_eq!(list.key(Key::Enter, 1), Chosen::Opened);
        assert_eq!(list.chosen(&shown(&list)), Some(2));
        assert_eq!(list.key(Key::Esc, 1), Chosen::Moved);
        assert_eq!(shown(&list).len(), 4);
        assert_eq!(list.key(Key::Esc, 4), Chosen::Not);
    }

    #[test]
    fn the_choice_stays_within_the_rows() {
        let mut list = List::default();
        list.key(Key::End, 4);
        assert_eq!(list.chosen(&shown(&list)), Some(3));
        list.key(Key::Down, 4);
        assert_eq!(list.chosen(&[0, 1]), Some(1));
        assert_eq!(list.chosen(&[]), None);
        assert_eq!(list.key(Key::Enter, 0), Chosen::Not);
        list.key(Key::PageUp, 4);
        assert_eq!(list.chosen(&shown(&list)), Some(0));
    }
}
