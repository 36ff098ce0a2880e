//! What new knowledge changes, to look through: counts first, then a row for each document, version and clause, and the words of the
//! chosen one; opened, old and new words as a whole.

use super::Page;
use super::entries::{Entry, both_texts, entries};
use crate::console::cells;
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::parts::{Chosen, List, Pager, columns, count, panel, table};
use crate::engine::reply::Diff;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the counts, with their box.
const COUNT_ROWS: u16 = 4;
/// Cells of the columns.
const KIND_CELLS: usize = 12;
const PLACE_CELLS: usize = 22;
/// From so many cells on old and new words stand side by side.
const SIDE_BY_SIDE: usize = 100;

/// How much is other, in two lines.
pub(crate) fn counts(look: &Look, diff: &Diff) -> [String; 2] {
    let c = &diff.counts;
    let n = |number: u64| count(number);
    [
        look.either(
            format!(
                "条款: 修改 {}  新增 {}  删除 {}  移位 {}  不变 {}",
                n(c.changed),
                n(c.added),
                n(c.withdrawn),
                n(c.moved),
                n(c.unchanged)
            ),
            format!(
                "clauses: {} changed, {} added, {} withdrawn, {} moved, {} as before",
                n(c.changed),
                n(c.added),
                n(c.withdrawn),
                n(c.moved),
                n(c.unchanged)
            ),
        ),
        look.either(
            format!(
                "文件: 新增 {}  撤下 {}    版本: 开始施行 {}  停止施行 {}",
                n(c.documents_added),
                n(c.documents_withdrawn),
                n(c.versions_in_force),
                n(c.versions_out_of_force)
            ),
            format!(
                "texts: {} new, {} gone    versions: {} begin, {} end",
                n(c.documents_added),
                n(c.documents_withdrawn),
                n(c.versions_in_force),
                n(c.versions_out_of_force)
            ),
        ),
    ]
}

/// Where in the difference a person is.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    list: List,
    open: Option<usize>,
    pager: Pager,
}

impl Changes {
    /// Back to the beginning.
    pub(crate) fn reset(&mut self) {
        *self = Changes::default();
    }

    /// Whether keys go into the filter.
    pub(crate) fn typing(&self) -> bool {
        self.list.typing()
    }

    /// Takes pasted text.
    pub(crate) fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    /// The keys that do something now.
    pub(crate) fn hints(&self) -> Vec<Hint> {
        match self.open {
            Some(_) => vec![
                Hint::new("↑↓", "滚动", "scroll"),
                Hint::new("←→", "上一项/下一项", "previous/next"),
                Hint::new("Esc", "返回清单", "back to the list"),
            ],
            None => vec![
                Hint::new("↑↓", "选择", "choose"),
                Hint::new("Enter", "看全文对照", "old and new words"),
                Hint::new("/", "筛选", "filter"),
                Hint::new("Esc", "返回", "back"),
            ],
        }
    }

    fn shown(&self, all: &[Entry<'_>]) -> Vec<usize> {
        self.list.shown(all, |entry| format!("{} {}", entry.document, entry.place))
    }

    /// Takes a key; returns whether it meant something here.
    pub(crate) fn key(&mut self, key: Key, diff: &Diff) -> bool {
        let all = entries(diff);
        let shown = self.shown(&all);
        if let Some(open) = self.open {
            let beside = match key {
                Key::Esc => {
                    self.open = None;
                    return true;
                }
                Key::Left => open.checked_sub(1),
                Key::Right => Some(open + 1).filter(|next| *next < shown.len()),
                key => return self.pager.key(key),
            };
            if let Some(beside) = beside {
                self.list.choose(beside);
                self.open = Some(beside);
                self.pager.reset();
            }
            return true;
        }
        match self.list.key(key, shown.len()) {
            Chosen::Not => return false,
            Chosen::Moved => {}
            Chosen::Opened => {
                let chosen = self.list.chosen(&shown);
                self.open = shown.iter().position(|index| Some(*index) == chosen);
                self.pager.reset();
            }
        }
        true
    }

    /// Draws it.
    pub(crate) fn draw(&self, frame: &mut Frame, area: Rect, look: &Look, diff: &Diff, title: &str) {
        let all = entries(diff);
        let shown = self.shown(&all);
        if let Some(entry) = self.open.and_then(|row| shown.get(row)).and_then(|index| all.get(*index)) {
            let inner = panel(frame, area, look, &heading(look, entry));
            return self.pager.draw(frame, inner, look, words(look, entry, inner.width as usize));
        }
        let head = Rect { height: COUNT_ROWS.min(area.height), ..area };
        let rest = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let inner = panel(frame, head, look, title);
        table(frame, inner, counts(look, diff).into_iter().map(Line::raw).collect());
        let list = Rect { height: rest.height / 2, ..rest };
        let lower = Rect { y: list.bottom(), height: rest.height - list.height, ..rest };
        let inner = panel(frame, list, look, &list_title(look, shown.len(), all.len()));
        if all.is_empty() {
            table(frame, inner, vec![Line::raw(look.t("没有任何变动。", "Nothing is other.").to_owned())]);
        }
        self.list.draw(frame, inner, look, &shown, |index, room| {
            let Some(entry) = all.get(index) else { return Line::default() };
            let texts = [
                (entry.kind.word(look), entry.kind.style(look)),
                (entry.place.as_str(), Style::new()),
                (entry.document, look.quiet()),
            ];
            columns(look, room, &[KIND_CELLS, PLACE_CELLS], &texts)
        });
        let chosen = self.list.chosen(&shown).and_then(|index| all.get(index));
        let title = chosen.map_or(String::new(), |entry| heading(look, entry));
        let inner = panel(frame, lower, look, &title);
        let mut lines = chosen.map(|entry| words(look, entry, inner.width as usize)).unwrap_or_default();
        let height = inner.height as usize;
        if lines.len() > height {
            lines.truncate(height.saturating_sub(1));
            lines.push(Line::styled(look.t("… Enter 看全文", "... Enter shows all of it").to_owned(), look.quiet()));
        }
        table(frame, inner, lines);
    }
}

fn list_title(look: &Look, shown: usize, all: usize) -> String {
    let note = look.t("整份增减的文件不逐条列", "clauses of whole texts are not listed");
    if shown < all {
        return look.either(format!("{shown}/{all} 项"), format!("rows: {shown} of {all}"));
    }
    look.either(format!("{all} 项({note})"), format!("rows: {all} ({note})"))
}

fn heading(look: &Look, entry: &Entry<'_>) -> String {
    let place = look.data(&entry.place);
    let words = format!("{} {} {place}", entry.kind.word(look), look.data(entry.document).trim());
    words.trim_end().to_owned()
}

/// What there is to say of a row: its dates, old and new words.
fn words(look: &Look, entry: &Entry<'_>, room: usize) -> Vec<Line<'static>> {
    let mut page = Page::new(look, room);
    let mut dates = String::new();
    if let Some(from) = entry.from {
        dates += &look.either(format!("{from} 起施行"), format!("in force from {from}"));
    }
    if let Some(until) = entry.until {
        dates += &look.either(format!("  {until} 起停止"), format!("  until {until}"));
    }
    if entry.gone {
        dates += look.t("  不在新知识里", "  not in the new knowledge");
    }
    if !dates.is_empty() {
        page.say(dates.trim_start(), look.quiet());
    }
    match (entry.old, entry.new) {
        (Some(old), Some(new)) if old == new => page.say(new, Style::new()),
        (Some(old), Some(new)) => compared(look, (old, new), room, &mut page),
        (Some(old), None) => {
            page.say(look.t("原文(已删除):", "the words that are gone:"), look.heading());
            page.say(old, Style::new());
        }
        (None, Some(new)) => {
            page.say(look.t("新文:", "the new words:"), look.heading());
            page.say(new, Style::new());
        }
        (None, None) if dates.is_empty() => {
            page.say(look.t("整份文件,不逐条列出。", "A whole text; its clauses are not listed."), look.quiet());
        }
        (None, None) => {}
    }
    page.lines()
}

fn compared(look: &Look, texts: (&str, &str), room: usize, page: &mut Page<'_>) {
    let (before, now) = (look.t("原文:", "before:"), look.t("新文:", "now:"));
    if room < SIDE_BY_SIDE {
        let (old, new) = both_texts(look, texts, room);
        for (title, lines) in [(before, old), (now, new)] {
            page.heading(title);
            lines.into_iter().for_each(|line| page.line(line));
        }
        return;
    }
    let half = (room - 3) / 2;
    let (old, new) = both_texts(look, texts, half);
    let mut lefts = vec![Line::styled(before.to_owned(), look.heading())];
    lefts.extend(old);
    let mut rights = vec![Line::styled(now.to_owned(), look.heading())];
    rights.extend(new);
    let (mut lefts, mut rights) = (lefts.into_iter(), rights.into_iter());
    loop {
        let (left, right) = (lefts.next(), rights.next());
        if left.is_none() && right.is_none() {
            return;
        }
        let mut spans = left.unwrap_or_default();
        // The style of a whole line would colour the other half as well.
        let style = spans.style;
        let used: usize = spans.spans.iter().map(|span| cells::width(&span.content)).sum();
        let mut row: Vec<Span<'static>> = spans.spans.drain(..).map(|span| span.patch_style(style)).collect();
        row.push(Span::raw(" ".repeat(half.saturating_sub(used))));
        row.push(Span::styled(look.sign(" │ ", " | "), look.line()));
        let right = right.unwrap_or_default();
        let style = right.style;
        row.extend(right.spans.into_iter().map(|span| span.patch_style(style)));
        page.line(Line::from(row));
    }
}
