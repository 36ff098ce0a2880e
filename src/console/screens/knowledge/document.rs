//! One document: its clauses in order, twenty at a time, and its versions.

use super::super::shared::{Fetched, Page, Tags, level_word, status_word};
use super::documents::status_style;
use crate::console::cells;
use crate::console::keys::Key;
use crate::console::look::{Language, Look};
use crate::console::parts::{Chosen, List, panel, table};
use crate::console::screen::{Cx, Tone};
use crate::engine::MAX_NEIGHBOURS;
use crate::engine::reply::{ClauseReply, ErrorBody, Neighbour, Reply, VersionInfo};
use crate::engine::request::Request;
use crate::types::{ClauseId, GenerationId};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the upper panel, with its box.
const HEAD_ROWS: u16 = 5;
/// So many rows before the end, more clauses are asked for.
const AHEAD: usize = 12;
/// Cells of the clause's address.
const LABEL_CELLS: usize = 16;

/// A document that is open.
#[derive(Debug)]
pub(super) struct Document {
    info: VersionInfo,
    /// Numbers of clauses count in this one.
    pub(super) generation: GenerationId,
    versions: Vec<VersionInfo>,
    clauses: Vec<Neighbour>,
    page: Fetched<ClauseReply>,
    /// No more come.
    whole: bool,
    list: List,
}

impl Document {
    pub(super) fn open(info: VersionInfo, generation: GenerationId) -> Document {
        Document {
            whole: info.first_clause.is_none(),
            info,
            generation,
            versions: Vec::new(),
            clauses: Vec::new(),
            page: Fetched::default(),
            list: List::default(),
        }
    }

    /// Asks for more clauses, as far as they will be wanted soon.
    pub(super) fn load(&mut self, cx: &mut Cx<'_>, tags: &mut Tags) {
        let searching = self.list.typing() || self.list.filtered();
        let near = self.clauses.len() < self.row() + AHEAD;
        if self.whole || !(near || searching) {
            return;
        }
        if let Some(id) = self.clauses.last().map(|last| last.id).or(self.info.first_clause) {
            self.page.ask(cx, tags, Request::Clause { id, neighbours: MAX_NEIGHBOURS, as_of: None });
        }
    }

    pub(super) fn forget(&mut self) {
        self.page.forget();
    }

    pub(super) fn awaits(&self, tag: u32) -> bool {
        self.page.awaits(tag)
    }

    pub(super) fn take(&mut self, reply: Result<Reply, ErrorBody>, cx: &mut Cx<'_>, tags: &mut Tags) {
        self.page.take(reply, |reply| if let Reply::Clause(found) = reply { Some(*found) } else { None });
        let Some(found) = self.page.value.take() else { return };
        if self.clauses.is_empty() {
            let first = found.clause;
            let (id, clause, heading, text) = (first.id, first.clause, first.heading, first.text);
            self.clauses.push(Neighbour { id, clause, heading, text });
        }
        let last = self.clauses.last().map_or(ClauseId(0), |clause| clause.id);
        let before = self.clauses.len();
        self.clauses.extend(found.after.into_iter().filter(|clause| clause.id > last));
        self.whole = self.clauses.len() == before || self.clauses.len() as u64 >= self.info.clauses;
        self.versions = found.versions;
        self.load(cx, tags);
    }

    pub(super) fn typing(&self) -> bool {
        self.list.typing()
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    fn shown(&self) -> Vec<usize> {
        self.list.shown(&self.clauses, |clause| format!("{} {} {}", clause.clause, clause.heading, clause.text))
    }

    /// The chosen one among all clauses.
    fn row(&self) -> usize {
        self.list.chosen(&self.shown()).unwrap_or(0)
    }

    /// Takes a key; returns whether it meant something here, and the clause that is to be read.
    pub(super) fn key(&mut self, key: Key, cx: &mut Cx<'_>, tags: &mut Tags) -> (bool, Option<ClauseId>) {
        let shown = self.shown();
        if !self.list.typing() && matches!(key, Key::Left | Key::Right) {
            self.other_version(key == Key::Right, cx, tags);
            return (true, None);
        }
        let outcome = match self.list.key(key, shown.len()) {
            Chosen::Not => (false, None),
            Chosen::Moved => (true, None),
            Chosen::Opened => {
                let chosen = self.list.chosen(&shown).and_then(|index| self.clauses.get(index));
                (true, chosen.map(|clause| clause.id))
            }
        };
        self.load(cx, tags);
        outcome
    }

    /// The versions of the document, newest first: `older` is towards the end.
    fn other_version(&mut self, older: bool, cx: &mut Cx<'_>, tags: &mut Tags) {
        let at = self.versions.iter().position(|version| version.id == self.info.id);
        let beside = at.and_then(|at| if older { at.checked_add(1) } else { at.checked_sub(1) });
        match beside.and_then(|at| self.versions.get(at)).cloned() {
            Some(info) => {
                let versions = std::mem::take(&mut self.versions);
                *self = Document { versions, ..Document::open(info, self.generation.clone()) };
                self.load(cx, tags);
            }
            None => cx.say(Tone::Good, cx.look.t("没有别的版本", "There is no other version there")),
        }
    }

    /// Chooses the clause that was read last.
    pub(super) fn choose(&mut self, id: ClauseId) {
        let shown = self.shown();
        let row = shown.iter().position(|index| self.clauses.get(*index).is_some_and(|clause| clause.id == id));
        if let Some(row) = row {
            self.list.choose(row);
        }
    }

    /// Where a clause stands: which of how many.
    pub(super) fn position(&self, id: ClauseId) -> Option<(usize, u64)> {
        let at = self.clauses.iter().position(|clause| clause.id == id)?;
        Some((at + 1, self.info.clauses))
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, look: &Look) {
        let info = &self.info;
        let head = Rect { height: HEAD_ROWS.min(area.height), ..area };
        let rest = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let inner = panel(frame, head, look, look.data(&info.title).trim());
        let mut page = Page::new(look, inner.width as usize);
        let status = (status_word(look, info.status), status_style(look, info.status));
        let number = if info.doc_no.is_empty() { look.t("无文号", "no number") } else { &info.doc_no };
        let since = info.effective.from.map_or(String::new(), |day| day.to_string());
        page.line(Line::from(vec![
            Span::styled(status.0.to_owned(), status.1),
            Span::raw(format!("  {since}  {}  ", level_word(look, info.level))),
            Span::raw(look.data(number).into_owned()),
            Span::styled(if info.sample { look.t("  示例文本", "  sample text") } else { "" }, look.warn()),
        ]));
        page.line(Line::raw(look.data(&info.issuer).into_owned()));
        page.line(self.versions_line(look, inner.width as usize));
        table(frame, inner, page.lines());
        let shown = self.shown();
        let title = match (look.language(), shown.len() < self.clauses.len()) {
            (Language::Chinese, true) => format!("条款 {}/{}", shown.len(), info.clauses),
            (Language::Chinese, false) => format!("条款 {} 条", info.clauses),
            (Language::English, true) => format!("clauses {} of {}", shown.len(), info.clauses),
            (Language::English, false) => format!("{} clauses", info.clauses),
        };
        let inner = panel(frame, rest, look, &title);
        if let Some(lines) = self.nothing(look, inner.width as usize, shown.is_empty()) {
            table(frame, inner, lines);
        }
        let dots = look.sign("…", "~");
        self.list.draw(frame, inner, look, &shown, |index, room| {
            let Some(clause) = self.clauses.get(index) else { return Line::default() };
            let first = clause.text.lines().next().unwrap_or_default();
            Line::from(vec![
                Span::raw(cells::fill(&look.data(&clause.clause), LABEL_CELLS, dots)),
                Span::raw(" "),
                Span::styled(cells::fill(&look.data(first), room - LABEL_CELLS - 1, dots), look.quiet()),
            ])
        });
    }

    fn versions_line(&self, look: &Look, room: usize) -> Line<'static> {
        let mut spans = vec![Span::styled(look.t("版本: ", "versions: "), look.quiet())];
        for version in &self.versions {
            let day = version.effective.from.map_or(look.t("无日期", "no date").to_owned(), |day| day.to_string());
            let words = format!("{day} {}", status_word(look, version.status));
            let this = version.id == self.info.id;
            spans.push(Span::styled(words, if this { look.chosen() } else { Style::new() }));
            spans.push(Span::raw("  "));
        }
        let used: usize = spans.iter().map(|span| cells::width(&span.content)).sum();
        if used > room {
            let words: String = spans.iter().map(|span| span.content.as_ref()).collect();
            return Line::raw(cells::cut(&words, room, look.sign("…", "~")));
        }
        Line::from(spans)
    }

    /// Why there are no clauses in sight.
    fn nothing(&self, look: &Look, room: usize, empty: bool) -> Option<Vec<Line<'static>>> {
        let mut page = Page::new(look, room);
        match &self.page.error {
            Some(error) if self.clauses.is_empty() => page.error(error),
            _ if !empty => return None,
            _ if self.info.first_clause.is_none() => {
                page.say(look.t("这份文件没有条款。", "This text has no clauses."), Style::new());
            }
            _ if self.whole => page.say(
                look.t("没有符合筛选的条款。Esc 清除筛选。", "No clause fits the filter. Esc clears it."),
                Style::new(),
            ),
            _ => page.say(look.t("正在读取…", "reading ..."), look.quiet()),
        }
        Some(page.lines())
    }
}
