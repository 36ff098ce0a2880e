//! What the service said lately, and what was done to the box by whom. Without the service the end of the log file is shown.

use crate::console::cells;
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::messages::{Answer, LocalOutcome, LocalTask};
use crate::console::parts::{Chosen, FILTERING, List, columns, panel, table, when};
use crate::console::screen::{Cx, Screen, View};
use crate::console::words;
use crate::engine::logs::{KEPT, LogLevel, LogLine, LogRequest};
use crate::engine::reply::{Event, Reply};
use crate::engine::request::Request;
use crate::error::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use std::collections::VecDeque;

const LINES: u32 = 1;
const JOURNAL: u32 = 2;
const TAIL: u32 = 3;
/// Rows of the lower panel, which shows the chosen line whole.
const DETAIL_ROWS: u16 = 6;
/// Cells of the columns: time, level, part.
const TIME_CELLS: usize = 14;
const LEVEL_CELLS: usize = 5;
const PART_CELLS: usize = 18;
/// Cells of the journal's columns: time, event, outcome.
const EVENT_CELLS: usize = 12;

/// What is shown.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// The service's log.
    #[default]
    Log,
    /// What was done to the box.
    Journal,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Logs {
    page: Page,
    lines: VecDeque<LogLine>,
    journal: Vec<Event>,
    /// The end of the log file, when there is no service.
    tail: Option<(String, Vec<String>)>,
    /// It is being read.
    reads: bool,
    file: Option<String>,
    least: Option<LogLevel>,
    asked: bool,
    /// All lines are asked for: they take the place of those that are here.
    anew: bool,
    list: List,
    /// The latest line stays chosen.
    follows: bool,
    failure: Option<ErrorBody>,
}

impl Logs {
    fn ask(&mut self, cx: &mut Cx<'_>) {
        if !cx.shared.online {
            if !std::mem::replace(&mut self.reads, true) {
                cx.local(TAIL, LocalTask::LogTail);
            }
            return;
        }
        match self.page {
            Page::Log if !self.asked => {
                self.asked = true;
                let after = self.lines.back().filter(|_| !self.anew).map_or(0, |line| line.number);
                cx.ask(LINES, Request::Log(LogRequest { after }));
            }
            Page::Journal if !self.asked => {
                self.asked = true;
                cx.ask(JOURNAL, Request::Journal);
            }
            Page::Log | Page::Journal => {}
        }
    }

    fn text(&self, index: usize, look: &Look) -> Option<String> {
        match (self.page, &self.tail) {
            (Page::Log, Some((_, lines))) => lines.get(index).map(|line| look.data(line).into_owned()),
            (Page::Log, None) => self.lines.get(index).map(|line| {
                let at = when(line.at, "%Y-%m-%d %H:%M:%S");
                format!("{at} {} {} {}", level(look, line.level).0, line.target, look.data(&line.message))
            }),
            (Page::Journal, _) => self.journal.get(index).map(|event| {
                let who = look.data(&event.actor);
                let (what, how) = (done(look, &event.event), ended(look, &event.code).0);
                format!("{} {what} {how} {} ({who})", event.at, look.data(&event.detail))
            }),
        }
    }

    fn shown(&self) -> Vec<usize> {
        let fits = |line: &LogLine| self.least.is_none_or(|least| line.level <= least);
        match (self.page, &self.tail) {
            (Page::Log, Some((_, lines))) => self.list.shown(lines, String::clone),
            (Page::Log, None) => {
                let lines: Vec<&LogLine> = self.lines.iter().collect();
                let text = |line: &&LogLine| format!("{} {}", line.target, line.message);
                let mut shown = self.list.shown(&lines, text);
                shown.retain(|index| self.lines.get(*index).is_some_and(fits));
                shown
            }
            (Page::Journal, _) => {
                self.list.shown(&self.journal, |e| format!("{} {} {} {}", e.event, e.code, e.actor, e.detail))
            }
        }
    }

    /// The latest line is the last of the log, the first of the journal.
    fn choose_latest(&mut self) {
        let last = self.shown().len().saturating_sub(1);
        self.list.choose(if self.page == Page::Log { last } else { 0 });
    }

    fn turn(&mut self, page: Page, cx: &mut Cx<'_>) {
        self.page = page;
        self.asked = false;
        self.failure = None;
        self.list.reset();
        self.follows = true;
        self.ask(cx);
        self.choose_latest();
    }
}

fn level(look: &Look, level: LogLevel) -> (&'static str, Style) {
    match level {
        LogLevel::Error => (look.t("错误", "ERROR"), look.bad()),
        LogLevel::Warn => (look.t("警告", "warn"), look.warn()),
        LogLevel::Info => (look.t("信息", "info"), Style::new()),
        LogLevel::Debug => (look.t("调试", "debug"), look.quiet()),
    }
}

/// What was done, in words; an event without words here is told by its name.
fn done(look: &Look, event: &str) -> String {
    let words = match event {
        "import" => look.t("核验知识包", "checked"),
        "commit" => look.t("换用知识", "taken"),
        "rollback" => look.t("退回", "rolled back"),
        "release" => look.t("恢复新版", "released"),
        "trust" => look.t("更新信任根", "trust root"),
        "review" => look.t("复核问法", "reviewed"),
        "clock" => look.t("确认时钟", "clock"),
        "settings" => look.t("改设置", "settings"),
        "model_load" => look.t("载入模型", "model loaded"),
        "model_unload" => look.t("停用模型", "unloaded"),
        "model_bench" => look.t("模型测速", "measured"),
        other => other,
    };
    words.to_owned()
}

/// How it ended, in words where there is no error.
fn ended<'a>(look: &Look, code: &'a str) -> (&'a str, Style) {
    match code {
        "OK" => (look.t("成功", "ok"), look.good()),
        "BEGIN" => (look.t("开始", "begun"), look.quiet()),
        "READY" => (look.t("通过", "passed"), look.good()),
        "ALREADY" => (look.t("已在使用", "in use"), look.quiet()),
        "DECLINED" => (look.t("放弃", "declined"), look.quiet()),
        code => (code, look.bad()),
    }
}

impl Screen for Logs {
    fn hints(&self) -> Vec<Hint> {
        if self.list.typing() {
            return FILTERING.to_vec();
        }
        let other = match self.page {
            Page::Log => Hint::new("j", "操作记录", "what was done"),
            Page::Journal => Hint::new("j", "运行日志", "the log"),
        };
        let mut hints = Vec::new();
        if self.tail.is_none() {
            hints.push(other);
            if self.page == Page::Log {
                hints.push(match self.least {
                    None => Hint::new("l", "只看警告和错误", "warnings and errors only"),
                    Some(_) => Hint::new("l", "看全部", "show all"),
                });
            }
        }
        hints.extend([
            Hint::new("End", "最新", "latest"),
            Hint::new("↑↓", "选择", "choose"),
            Hint::new("/", "筛选", "filter"),
        ]);
        hints
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.page = Page::Log;
        self.list.reset();
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.reads = false;
        if cx.shared.online {
            // Numbers begin anew with every service.
            self.anew = true;
            self.tail = None;
            self.turn(self.page, cx);
        } else {
            self.turn(Page::Log, cx);
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.ask(cx);
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let rows = self.shown().len();
        if self.list.key(key, rows) == Chosen::Moved {
            self.follows = key == Key::End;
            return true;
        }
        match key {
            Key::Char('j') if cx.shared.online => {
                let page = if self.page == Page::Log { Page::Journal } else { Page::Log };
                self.turn(page, cx);
            }
            Key::Char('l') if self.page == Page::Log && self.tail.is_none() => {
                self.least = if self.least.is_none() { Some(LogLevel::Warn) } else { None };
                self.follows = true;
                self.choose_latest();
            }
            Key::Enter => {}
            _ => return false,
        }
        true
    }

    fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    fn typing(&self) -> bool {
        self.list.typing()
    }

    fn answer(&mut self, tag: u32, answer: Answer, cx: &mut Cx<'_>) {
        if tag == TAIL {
            self.reads = false;
            // It came too late: the service itself is there.
            if cx.shared.online {
                return;
            }
        } else {
            self.asked = false;
        }
        match answer {
            Answer::Reply(reply) => match *reply {
                Reply::Log(log) => {
                    let known = self.lines.back().map_or(0, |last| last.number);
                    if std::mem::take(&mut self.anew) || log.lines.first().is_some_and(|line| line.number <= known) {
                        self.lines.clear();
                    }
                    self.lines.extend(log.lines);
                    while self.lines.len() > KEPT {
                        self.lines.pop_front();
                    }
                    self.file = log.file;
                }
                Reply::Journal(events) => {
                    self.journal = events;
                    self.asked = true;
                }
                _ => {}
            },
            Answer::Local(LocalOutcome::Log { file, lines }) => {
                self.failure = None;
                self.tail = Some((file, lines));
            }
            Answer::Error(error) | Answer::Local(LocalOutcome::Failed(error)) => {
                self.failure = Some(error);
                // What the service has no journal for it will not have in a second.
                self.asked = tag == JOURNAL;
            }
            _ => {}
        }
        if self.follows {
            self.choose_latest();
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let upper = Rect { height: area.height.saturating_sub(DETAIL_ROWS), ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let inner = panel(frame, upper, look, &self.title(look));
        let shown = self.shown();
        if let Some(error) = &self.failure {
            let told = format!("{}\n{}", look.both(&words::of_error(look, error)), words::hint_of(look, error));
            table(frame, inner, cells::wrap(&told, inner.width as usize).into_iter().map(Line::raw).collect());
        } else if shown.is_empty() && !self.list.filtered() {
            let words = look.t("还没有内容。", "Nothing yet.");
            table(frame, inner, vec![Line::styled(words.to_owned(), look.quiet())]);
        } else {
            self.list.draw(frame, inner, look, &shown, |index, room| self.row(look, index, room));
        }
        let inner = panel(frame, lower, look, look.t("选中的一行", "The chosen line"));
        let chosen = self.list.chosen(&shown).and_then(|index| self.text(index, look)).unwrap_or_default();
        table(frame, inner, cells::wrap(&chosen, inner.width as usize).into_iter().map(Line::raw).collect());
    }
}

impl Logs {
    fn title(&self, look: &Look) -> String {
        let file = self.tail.as_ref().map(|(file, _)| file).or(self.file.as_ref());
        let name = match (self.page, &self.tail) {
            (Page::Journal, _) => {
                return look.t("操作记录(谁在什么时候做了什么)", "What was done, when and by whom").to_owned();
            }
            (Page::Log, Some(_)) => look.t("日志文件的末尾(服务没有运行)", "End of the log file (no service)"),
            (Page::Log, None) if self.least.is_some() => look.t("运行日志:只有警告和错误", "Log: warnings and errors"),
            (Page::Log, None) => look.t("运行日志", "Log"),
        };
        file.map_or_else(|| name.to_owned(), |file| format!("{name} {file}"))
    }

    fn row(&self, look: &Look, index: usize, room: usize) -> Line<'static> {
        let plain = Style::new();
        match (self.page, &self.tail) {
            (Page::Log, Some((_, lines))) => {
                let line = lines.get(index).map(|line| look.data(line).into_owned()).unwrap_or_default();
                Line::raw(cells::fill(&line, room, look.sign("…", "~")))
            }
            (Page::Log, None) => {
                let Some(line) = self.lines.get(index) else { return Line::default() };
                let (name, style) = level(look, line.level);
                let at = when(line.at, "%m-%d %H:%M:%S");
                let part = line.target.trim_start_matches("guida::");
                let widths = [TIME_CELLS, LEVEL_CELLS, PART_CELLS];
                columns(
                    look,
                    room,
                    &widths,
                    &[(&at, look.quiet()), (name, style), (part, look.quiet()), (&line.message, plain)],
                )
            }
            (Page::Journal, _) => {
                let Some(event) = self.journal.get(index) else { return Line::default() };
                let at = event.at.get(5..19).unwrap_or(&event.at).replace('T', " ");
                let (code, style) = ended(look, &event.code);
                let what = done(look, &event.event);
                let words = format!("{} ({})", event.detail, event.actor);
                let widths = [TIME_CELLS, EVENT_CELLS, PART_CELLS];
                columns(look, room, &widths, &[(&at, look.quiet()), (&what, plain), (code, style), (&words, plain)])
            }
        }
    }
}
