//! The sticks that are plugged in, and what they say of themselves.

use super::super::shared::{Page, serial_of};
use super::{Act, Import};
use crate::console::cells;
use crate::console::look::Look;
use crate::console::parts::{bytes, columns, panel, table, when};
use crate::console::words;
use crate::engine::reply::ImportState;
use crate::engine::sticks::{Stick, StickPack};
use crate::error::Code;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the columns: the name, and what is on it.
const LABEL_CELLS: usize = 20;
const STATE_CELLS: usize = 24;

impl Import {
    fn all_sticks(&self) -> &[Stick] {
        self.sticks.value.as_ref().map(|found| found.sticks.as_slice()).unwrap_or_default()
    }

    pub(super) fn shown(&self) -> Vec<usize> {
        self.list.shown(self.all_sticks(), |stick| format!("{} {}", stick.label, stick.path))
    }

    pub(super) fn chosen_stick(&self) -> Option<&Stick> {
        let chosen = self.list.chosen(&self.shown())?;
        self.all_sticks().get(chosen)
    }

    pub(super) fn draw_sticks(&self, frame: &mut Frame, area: Rect, look: &Look) {
        let upper = Rect { height: area.height / 2, ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let all = self.all_sticks();
        let title = match all.len() {
            0 => look.t("导入 · 等待 U 盘", "Import - waiting for a stick").to_owned(),
            n => look.either(format!("导入 · 找到 {n} 个 U 盘"), format!("Import - sticks: {n}")),
        };
        let inner = panel(frame, upper, look, &title);
        let typing = u16::from(self.path.is_some() && inner.height > 0);
        let rows = Rect { height: inner.height - typing, ..inner };
        let shown = self.shown();
        if shown.is_empty() {
            table(frame, rows, self.no_sticks(look, rows.width as usize, !all.is_empty()));
        }
        self.list.draw(frame, rows, look, &shown, |index, room| {
            all.get(index).map(|stick| row(look, stick, room)).unwrap_or_default()
        });
        if let Some(field) = &self.path {
            let line = Rect { y: rows.bottom(), height: 1, ..inner };
            field.draw(frame, line, look, look.t("文件夹: ", "folder: "), true);
        }
        let chosen = self.chosen_stick();
        let title =
            chosen.map_or(look.t("说明", "What to do").to_owned(), |stick| look.data(&stick.path).into_owned());
        let inner = panel(frame, lower, look, &title);
        table(frame, inner, self.detail(look, chosen, inner.width as usize, inner.height as usize));
    }

    /// Why there is no stick in the list.
    fn no_sticks(&self, look: &Look, room: usize, filtered: bool) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        let plain = Style::new();
        match (&self.sticks.value, &self.sticks.error) {
            _ if filtered => {
                page.say(
                    look.t("没有符合筛选的 U 盘。Esc 清除筛选。", "No stick fits the filter. Esc clears it."),
                    plain,
                );
            }
            (Some(found), _) => {
                page.say(look.t("没有找到 U 盘。", "No stick was found."), look.warn());
                page.say(
                    look.t(
                        "插入总行的 U 盘,等几秒,它会自动出现在这里。已插上却不出现:换一个插口,或者按 p 输入文件夹。",
                        "Plug head office's stick in and wait a few seconds: it appears here by itself. If it does not, try another socket, or press p and type its folder.",
                    ),
                    plain,
                );
                let searched = found.searched.join("  ");
                page.say(&format!("{}{searched}", look.t("查找过:", "looked into: ")), look.quiet());
            }
            (None, Some(error)) => page.error(error),
            (None, None) => page.say(look.t("正在查找 U 盘…", "looking for sticks ..."), look.quiet()),
        }
        page.lines()
    }

    fn detail(&self, look: &Look, chosen: Option<&Stick>, room: usize, height: usize) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        if self.act == Some(Act::Begin) {
            page.say(look.t("正在开始核验…", "beginning ..."), look.warn());
        }
        if let Some(error) = &self.refused {
            page.say(look.t("没有开始导入:", "The import did not begin:"), look.bad());
            page.error(error);
        } else if let Some(stick) = chosen {
            of_stick(look, stick, &mut page);
        } else {
            page.say(
                look.t(
                    "导入分三步:先逐步核验 U 盘上的知识包,再给你看与现行知识的差异,你确认后才换用。中途随时可以放弃。",
                    "Three steps: the pack is checked, you see what it changes, and only your yes puts it to use. You can give up any time.",
                ),
                Style::new(),
            );
        }
        let mut lines = page.lines();
        if let Some(last) = self.last(look, room) {
            lines.truncate(height.saturating_sub(1));
            lines.resize(height.saturating_sub(1), Line::raw(""));
            lines.push(last);
        }
        lines
    }

    /// How the last import ended, when nobody here saw it.
    fn last(&self, look: &Look, room: usize) -> Option<Line<'static>> {
        let words = match &self.reply()?.state {
            ImportState::Done { committed } => {
                let serial = committed.serial;
                look.either(format!("上次导入:{serial} 已换用"), format!("last import: {serial} was put to use"))
            }
            ImportState::Already { serial } => {
                look.either(format!("上次导入:{serial} 已在使用"), format!("last import: {serial} was in use already"))
            }
            ImportState::Turned { returned } => {
                let serial = serial_of(&returned.gid);
                look.either(format!("上次切换:到 {serial}"), format!("last switch: to {serial}"))
            }
            ImportState::Failed { error } if error.code == Code::Cancelled.as_str() => {
                look.t("上次导入:已放弃", "the last import was given up").to_owned()
            }
            ImportState::Failed { error } => {
                let told = words::of_error(look, error);
                format!("{}{}", look.t("上次导入失败:", "the last import failed: "), look.both(&told))
            }
            _ => return None,
        };
        Some(Line::styled(cells::cut(&words, room, look.sign("…", "~")), look.quiet()))
    }
}

fn row(look: &Look, stick: &Stick, room: usize) -> Line<'static> {
    let (words, style) = match (&stick.problem, stick.packs.len()) {
        (Some(_), _) => (look.t("读不出", "cannot be read").to_owned(), look.bad()),
        (None, 0) => (look.t("没有知识包", "no packs").to_owned(), look.quiet()),
        (None, n) => (look.either(format!("{n} 个知识包(未核验)"), format!("packs: {n}, unchecked")), look.good()),
    };
    let texts = [(stick.label.as_str(), Style::new()), (words.as_str(), style), (stick.path.as_str(), look.quiet())];
    columns(look, room, &[LABEL_CELLS, STATE_CELLS], &texts)
}

fn of_stick(look: &Look, stick: &Stick, page: &mut Page<'_>) {
    if let Some(error) = &stick.problem {
        page.error(error);
    } else if stick.packs.is_empty() {
        page.say(
            look.t(
                "这个 U 盘上没有知识包。换总行的 U 盘;知识包在 U 盘的 kbpack 文件夹里。",
                "There are no packs on this stick. Use head office's; packs lie in its folder kbpack.",
            ),
            Style::new(),
        );
    }
    stick.packs.iter().for_each(|one| pack(look, one, page));
    if stick.read_only {
        page.say(
            look.t(
                "U 盘只读:回执留在本机,下次导入时写出。",
                "The stick cannot be written: the receipt waits for the next one.",
            ),
            look.warn(),
        );
    }
    if !stick.packs.is_empty() {
        page.say(
            look.t(
                "以上是 U 盘自己的说法,还没有核验。Enter 开始逐步核验;通过后由你决定是否换用。",
                "This is what the stick says of itself. Enter begins the checks; afterwards you decide.",
            ),
            look.quiet(),
        );
    }
}

fn pack(look: &Look, pack: &StickPack, page: &mut Page<'_>) {
    if let Some(error) = &pack.problem {
        page.say(&format!("{}: {}", pack.name, look.t("读不出", "cannot be read")), look.bad());
        return page.error(error);
    }
    let day = pack.issued_at.map_or(String::new(), |at| when(at, "%Y-%m-%d"));
    let words = look.either(
        format!("知识包 {}  {day} 制作  {}", pack.name, bytes(pack.bytes)),
        format!("pack {}  made {day}  {}", pack.name, bytes(pack.bytes)),
    );
    let in_use = if pack.in_use { look.t("  正在使用", "  in use") } else { "" };
    page.line(Line::from(vec![Span::raw(words), Span::styled(in_use.to_owned(), look.good())]));
}
