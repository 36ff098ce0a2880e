//! What the keys do, how the everyday jobs are done, and the notes of this release, which lie in the program itself.

use super::SCREENS;
use crate::console::GLOBAL;
use crate::console::cells;
use crate::console::jobs::{JOBS, name};
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, List, Pager, panel};
use crate::console::screen::{Cx, Screen, View};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The notes that come with the program: name and text (Markdown).
const NOTES: [(&str, &str); 1] = [("0.1.0", include_str!("../../../firmware-notes/0.1.0.md"))];
/// Cells of the keys' column.
const KEY_CELLS: usize = 22;

/// The screen.
#[derive(Debug, Default)]
pub struct Help {
    list: List,
    open: Option<usize>,
    pager: Pager,
}

/// Something to read.
#[derive(Clone, Copy)]
enum Topic {
    Jobs,
    Keys,
    Note(&'static str, &'static str),
}

fn topics() -> Vec<Topic> {
    let mut all = vec![Topic::Jobs, Topic::Keys];
    all.extend(NOTES.map(|(name, text)| Topic::Note(name, text)));
    all
}

fn title(look: &Look, topic: Topic) -> String {
    match topic {
        Topic::Jobs => look.t("七件常做的事", "Seven everyday jobs").to_owned(),
        Topic::Keys => look.t("画面和按键", "Screens and keys").to_owned(),
        Topic::Note(name, _) => format!("{} {name}", look.t("版本说明", "Firmware notes")),
    }
}

impl Screen for Help {
    fn hints(&self) -> Vec<Hint> {
        if self.list.typing() {
            return FILTERING.to_vec();
        }
        match self.open {
            None => vec![
                Hint::new("↑↓", "选择", "choose"),
                Hint::new("Enter", "打开", "open"),
                Hint::new("/", "筛选", "filter"),
            ],
            Some(_) => vec![Hint::new("↑↓", "滚动", "scroll"), Hint::new("Esc", "返回", "back")],
        }
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.open = None;
        self.list.reset();
    }

    fn enter(&mut self, _: &mut Cx<'_>) {}

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        if self.open.is_some() {
            if key == Key::Esc {
                self.open = None;
                return true;
            }
            return self.pager.key(key);
        }
        let shown = self.shown(cx.look);
        match self.list.key(key, shown.len()) {
            Chosen::Not => return false,
            Chosen::Moved => {}
            Chosen::Opened => {
                self.open = self.list.chosen(&shown);
                self.pager.reset();
            }
        }
        true
    }

    fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    fn typing(&self) -> bool {
        self.list.typing()
    }

    fn answer(&mut self, _: u32, _: Answer, _: &mut Cx<'_>) {}

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let all = topics();
        let Some(topic) = self.open.and_then(|open| all.get(open)) else {
            let inner = panel(frame, area, look, look.t("帮助", "Help"));
            let shown = self.shown(look);
            return self.list.draw(frame, inner, look, &shown, |index, room| {
                let words = all.get(index).map(|topic| title(look, *topic)).unwrap_or_default();
                Line::raw(cells::fill(&words, room, ""))
            });
        };
        let inner = panel(frame, area, look, &title(look, *topic));
        let room = inner.width as usize;
        let lines = match topic {
            Topic::Jobs => jobs(look, room),
            Topic::Keys => keys(look),
            Topic::Note(_, text) => note(look, text, room),
        };
        self.pager.draw(frame, inner, look, lines);
    }
}

impl Help {
    fn shown(&self, look: &Look) -> Vec<usize> {
        self.list.shown(&topics(), |topic| title(look, *topic))
    }
}

fn jobs(look: &Look, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for job in JOBS {
        let keys: Vec<String> = job.keys.iter().map(|key| name(*key)).collect();
        let count = look.either(format!("({} 键)", keys.len()), format!("({} keys)", keys.len()));
        lines.push(Line::from(vec![
            Span::styled(cells::fill(look.t(job.zh, job.en), 38, ""), look.heading()),
            Span::styled(look.data(&keys.join(" ")).into_owned(), look.key()),
            Span::styled(format!(" {count}"), look.quiet()),
        ]));
        let then = cells::wrap(look.t(job.then_zh, job.then_en), room.saturating_sub(2));
        lines.extend(then.into_iter().map(|line| Line::raw(format!("  {line}"))));
    }
    lines
}

fn keys(look: &Look) -> Vec<Line<'static>> {
    let row = |key: String, words: &str| {
        Line::from(vec![Span::styled(cells::fill(&key, KEY_CELLS, ""), look.key()), Span::raw(words.to_owned())])
    };
    let mut lines = vec![Line::styled(look.t("到处可用", "Everywhere").to_owned(), look.heading())];
    lines.extend(GLOBAL.iter().map(|hint| row(hint.name(look).to_owned(), look.t(hint.zh, hint.en))));
    for (key, zh, en) in [
        ("↑↓ PgUp PgDn Home End", "在列表和文字里移动", "move in lists and texts"),
        ("/", "筛选列表:输入汉字、拼音或首字母", "filter a list: characters, pinyin or first letters"),
        ("Enter", "打开选中的一项", "open what is chosen"),
        ("y", "确认窗口里:执行", "in a question: do it"),
    ] {
        let key = if look.is_ascii() { key.replace("↑↓", "Up Dn") } else { key.to_owned() };
        lines.push(row(key, look.t(zh, en)));
    }
    for entry in SCREENS {
        lines.push(Line::raw(""));
        lines.push(Line::styled(format!("{} {}", entry.key, look.t(entry.zh, entry.en)), look.heading()));
        lines.extend((entry.new)().keys().iter().map(|hint| row(hint.name(look).to_owned(), look.t(hint.zh, hint.en))));
    }
    lines
}

/// Markdown as text: headings stand out, code and tables stay as they are written.
fn note(look: &Look, text: &str, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        let heading = !code && line.starts_with('#');
        let shown = if heading { line.trim_start_matches('#').trim_start() } else { line };
        let style = match (heading, code) {
            (true, _) => look.heading(),
            (_, true) => look.quiet(),
            _ => ratatui::style::Style::new(),
        };
        if shown.trim().is_empty() {
            lines.push(Line::raw(""));
            continue;
        }
        let wrapped = cells::wrap(&look.data(shown), room);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, style)));
    }
    lines
}
