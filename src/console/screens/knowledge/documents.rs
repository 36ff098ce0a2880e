//! The documents, below what generation answers.

use super::super::shared::{Page, can_go_back, is_held, level_word, named, order, status_word};
use super::Knowledge;
use crate::console::cells;
use crate::console::look::Look;
use crate::console::parts::{columns, count, panel, table};
use crate::console::screen::View;
use crate::console::words;
use crate::engine::reply::{BranchStatus, VersionInfo};
use crate::types::Status;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the head, with its box.
const HEAD_ROWS: u16 = 5;
/// Cells of the columns: state, first day, clauses, rank.
const STATE_CELLS: usize = 6;
const DAY_CELLS: usize = 10;
const CLAUSE_CELLS: usize = 6;
const LEVEL_CELLS: usize = 10;
const WIDTHS: [usize; 4] = [STATE_CELLS, DAY_CELLS, CLAUSE_CELLS, LEVEL_CELLS];

/// How a state of a text is shown.
pub(super) fn status_style(look: &Look, status: Status) -> Style {
    match status {
        Status::InForce => look.good(),
        Status::NotYetInForce => look.warn(),
        Status::Superseded => look.quiet(),
        Status::Repealed => look.bad(),
    }
}

impl Knowledge {
    pub(super) fn draw_documents(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let head = Rect { height: HEAD_ROWS.min(area.height), ..area };
        let rest = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let inner = panel(frame, head, look, look.t("现在回答的知识", "The knowledge that answers"));
        table(frame, inner, self.head(view, inner.width as usize));
        let all = self.documents.value.as_ref().map(|found| found.documents.as_slice()).unwrap_or_default();
        let shown = self.shown();
        let (some, total) = (shown.len(), all.len());
        let title = match shown.len() < all.len() {
            true => look.either(format!("文件 {some}/{total}"), format!("documents {some} of {total}")),
            false => look.either(format!("文件 {total} 份"), format!("documents: {total}")),
        };
        let inner = panel(frame, rest, look, &title);
        let room = inner.width as usize;
        if let Some(lines) = self.no_documents(look, room, shown.is_empty()) {
            table(frame, inner, lines);
            let filter = Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
            return self.list.draw(frame, filter, look, &[], |_, _| Line::default());
        }
        let top = Rect { height: inner.height.min(1), ..inner };
        table(frame, top, vec![columns(look, room, &WIDTHS, &titles(look).map(|title| (title, look.quiet())))]);
        let below = Rect { y: top.bottom(), height: inner.height - top.height, ..inner };
        self.list.draw(frame, below, look, &shown, |index, room| {
            all.get(index).map(|version| row(look, version, room)).unwrap_or_default()
        });
    }

    /// Why there is nothing in the list.
    fn no_documents(&self, look: &Look, room: usize, empty: bool) -> Option<Vec<Line<'static>>> {
        let mut page = Page::new(look, room);
        match (&self.documents.value, &self.documents.error) {
            (Some(_), _) if !empty => return None,
            (Some(found), _) if !found.documents.is_empty() => page.say(
                look.t("没有符合筛选的文件。Esc 清除筛选。", "No document fits the filter. Esc clears it."),
                Style::new(),
            ),
            (Some(_), _) => page.say(
                look.t(
                    "知识里还没有文件。按 3 从 U 盘导入知识包。",
                    "There are no documents yet. 3 imports a pack from a stick.",
                ),
                Style::new(),
            ),
            (None, Some(error)) => page.error(error),
            (None, None) => page.say(look.t("正在读取…", "reading ..."), look.quiet()),
        }
        Some(page.lines())
    }

    /// Which generation answers, and which other one there is: three lines.
    fn head(&self, view: &View<'_>, room: usize) -> Vec<Line<'static>> {
        let look = view.look;
        let mut page = Page::new(look, room);
        match (&self.branch.value, &self.branch.error) {
            (Some(branch), _) => {
                page.line(active_line(look, branch));
                let (words, style) = other_line(look, branch);
                page.line(Line::styled(cells::cut(&look.data(&words), room, look.sign("…", "~")), style));
                let (words, style) = third_line(view, branch);
                page.line(Line::styled(cells::cut(&look.data(&words), room, look.sign("…", "~")), style));
            }
            (None, Some(error)) => {
                let generation = self.documents.value.as_ref().map_or("?", |found| &found.generation.0);
                page.pair(look.t("现行", "active"), generation, Style::new());
                let told = words::of_error(look, error);
                let one = |words: &str| cells::cut(words, room, look.sign("…", "~"));
                page.line(Line::styled(one(&look.both(&told)), look.warn()));
                page.line(Line::styled(one(&words::hint_of(look, error)), look.quiet()));
            }
            (None, None) => page.say(look.t("正在读取…", "reading ..."), look.quiet()),
        }
        page.lines()
    }
}

fn active_line(look: &Look, branch: &BranchStatus) -> Line<'static> {
    let Some(active) = &branch.active else {
        let words = look.t("还没有导入过知识包。按 3 从 U 盘导入。", "No pack was imported yet. 3 imports one.");
        return Line::styled(words.to_owned(), look.warn());
    };
    let code = branch
        .spoken_code
        .as_ref()
        .map_or(String::new(), |code| look.either(format!("  核对码 {code}"), format!("  code {code}")));
    let clauses = count(active.clauses);
    Line::from(vec![
        Span::styled(look.sign("● ", "* "), look.good()),
        Span::styled(named(look, active), look.mark()),
        Span::raw(look.either(format!("  {clauses} 条{code}"), format!("  {clauses} clauses{code}"))),
    ])
}

/// The other generation, and what can be done with it.
fn other_line(look: &Look, branch: &BranchStatus) -> (String, Style) {
    match &branch.previous {
        Some(previous) if is_held(branch) => {
            let name = named(look, previous);
            let words = look.either(
                format!("已退回:{name} 停用中,按 f 恢复"),
                format!("gone back: {name} is held; f goes forward to it"),
            );
            (words, look.warn())
        }
        Some(previous) if can_go_back(branch) => {
            let name = named(look, previous);
            (look.either(format!("可退回到 {name},按 b"), format!("b goes back to {name}")), look.quiet())
        }
        _ => (look.t("没有更早的知识可以退回", "there is no earlier knowledge to go back to").to_owned(), look.quiet()),
    }
}

/// What needs a person, the gravest of it.
fn third_line(view: &View<'_>, branch: &BranchStatus) -> (String, Style) {
    let look = view.look;
    let active = branch.active.as_ref();
    if let Some(damaged) = &branch.damaged {
        return (
            look.either(format!("现行指向损坏:{damaged}"), format!("the pointer is damaged: {damaged}")),
            look.bad(),
        );
    }
    if active.and_then(|active| active.stale_after).is_some_and(|day| day < view.now) {
        let words =
            look.t("知识已过期:向总行要新知识包", "the knowledge is out of date: ask head office for a new pack");
        return (words.to_owned(), look.warn());
    }
    if let (Some(announced), Some(active)) = (branch.announced, active)
        && Some((announced.epoch, announced.seq)) > order(&active.gid)
        && branch.hold != Some(announced)
    {
        return (
            look.either(
                format!("总行已发布 {announced},还没有导入(按 3)"),
                format!("head office has announced {announced}, not imported yet (3)"),
            ),
            look.warn(),
        );
    }
    match branch.to_review {
        0 => (look.t("没有待复核的问法", "no questions wait for review").to_owned(), look.quiet()),
        n => (
            look.either(format!("{n} 条问法待复核,按 v 查看"), format!("questions that wait for review: {n} (v)")),
            look.warn(),
        ),
    }
}

fn titles<'a>(look: &Look) -> [&'a str; 5] {
    [
        look.t("状态", "state"),
        look.t("施行日", "in force"),
        look.t("条数", "count"),
        look.t("层级", "rank"),
        look.t("题名  文号", "title  number"),
    ]
}

fn row(look: &Look, version: &VersionInfo, room: usize) -> Line<'static> {
    let day = version.effective.from.map_or(String::new(), |day| day.to_string());
    let clauses = format!("{:>5}", count(version.clauses));
    let sample = if version.sample { look.t("(示例)", "(sample)") } else { "" };
    let title = format!("{}{sample}  {}", look.data(&version.title).trim(), version.doc_no);
    let quiet = look.quiet();
    let texts = [
        (status_word(look, version.status), status_style(look, version.status)),
        (day.as_str(), quiet),
        (clauses.as_str(), Style::new()),
        (level_word(look, version.level), quiet),
        (title.as_str(), if version.status == Status::InForce { Style::new() } else { quiet }),
    ];
    columns(look, room, &WIDTHS, &texts)
}
