//! Whether everything is in order: every check with what was found, and what to do. Works without the service too.

use crate::console::cells;
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::messages::{Answer, LocalOutcome, LocalTask};
use crate::console::parts::{Chosen, FILTERING, List, columns, panel, table};
use crate::console::screen::{Cx, Screen, View};
use crate::console::words;
use crate::engine::doctor::{Check, CheckState, DoctorReply};
use crate::engine::reply::Reply;
use crate::engine::request::Request;
use crate::error::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the lower panel, which explains the chosen check.
const DETAIL_ROWS: u16 = 9;
/// Cells of the columns.
const STATE_CELLS: usize = 6;
const TITLE_CELLS: usize = 26;

/// The screen.
#[derive(Debug, Default)]
pub struct Doctor {
    found: Option<DoctorReply>,
    failure: Option<ErrorBody>,
    running: bool,
    /// Tag of the latest examination: what an earlier one found, before the service went or came, is not waited for.
    turn: u32,
    list: List,
}

impl Doctor {
    fn examine(&mut self, cx: &mut Cx<'_>) {
        if self.running {
            return;
        }
        self.running = true;
        self.failure = None;
        self.turn = self.turn.wrapping_add(1);
        if cx.shared.online {
            cx.act(self.turn, Request::Doctor);
        } else {
            cx.local(self.turn, LocalTask::Doctor);
        }
    }

    fn checks(&self) -> &[Check] {
        self.found.as_ref().map(|found| found.checks.as_slice()).unwrap_or_default()
    }

    fn shown(&self) -> Vec<usize> {
        let text = |check: &Check| format!("{} {} {} {}", check.id, check.title.zh, check.title.en, check.found.zh);
        self.list.shown(self.checks(), text)
    }

    fn take(&mut self, found: DoctorReply) {
        self.found = Some(found);
        self.list.choose(0);
    }
}

fn state(look: &Look, state: CheckState) -> (&'static str, Style) {
    match state {
        CheckState::Ok => (look.t("正常", "ok"), look.good()),
        CheckState::Warn => (look.t("注意", "warn"), look.warn()),
        CheckState::Fail => (look.t("异常", "FAIL"), look.bad()),
        CheckState::Skipped => (look.t("未查", "skip"), look.quiet()),
    }
}

impl Screen for Doctor {
    fn hints(&self) -> Vec<Hint> {
        if self.list.typing() {
            return FILTERING.to_vec();
        }
        vec![
            Hint::new("↑↓", "选择", "choose"),
            Hint::new("r", "重新检查", "examine again"),
            Hint::new("/", "筛选", "filter"),
            Hint::new("Esc", "返回", "back"),
        ]
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.list.reset();
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        // What the service was asked for is lost when it went away.
        self.running = false;
        self.examine(cx);
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let rows = self.shown().len();
        if self.list.key(key, rows) != Chosen::Not {
            return true;
        }
        if key == Key::Char('r') {
            self.examine(cx);
            return true;
        }
        false
    }

    fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    fn typing(&self) -> bool {
        self.list.typing()
    }

    fn answer(&mut self, tag: u32, answer: Answer, _: &mut Cx<'_>) {
        if tag != self.turn {
            return;
        }
        self.running = false;
        match answer {
            Answer::Reply(reply) => {
                if let Reply::Doctor(found) = *reply {
                    self.take(found);
                }
            }
            Answer::Local(LocalOutcome::Doctor(found)) => self.take(found),
            Answer::Error(error) | Answer::Local(LocalOutcome::Failed(error)) => self.failure = Some(error),
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let upper = Rect { height: area.height.saturating_sub(DETAIL_ROWS), ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let inner = panel(frame, upper, look, &self.title(look));
        let checks = self.checks();
        let shown = self.shown();
        self.list.draw(frame, inner, look, &shown, |index, room| {
            let Some(check) = checks.get(index) else { return Line::default() };
            let (words, style) = state(look, check.state);
            let plain = Style::new();
            let (title, found) = (look.both(&check.title), look.both(&check.found));
            columns(look, room, &[STATE_CELLS, TITLE_CELLS], &[(words, style), (&title, plain), (&found, look.quiet())])
        });
        let chosen = self.list.chosen(&shown).and_then(|index| checks.get(index));
        let title = chosen.map_or(look.t("说明", "What it means").into(), |check| look.both(&check.title));
        let inner = panel(frame, lower, look, &title);
        table(frame, inner, self.detail(chosen, look, inner.width as usize));
    }
}

impl Doctor {
    fn title(&self, look: &Look) -> String {
        let of = |state| self.checks().iter().filter(|check| check.state == state).count();
        if self.running {
            return look.t("体检 · 正在检查…", "Doctor - examining ...").to_owned();
        }
        if self.found.is_none() {
            return look.t("体检", "Doctor").to_owned();
        }
        let (fail, warn, ok) = (of(CheckState::Fail), of(CheckState::Warn), of(CheckState::Ok));
        match look.language() {
            crate::console::look::Language::Chinese => format!("体检 · {fail} 项异常 {warn} 项注意 {ok} 项正常"),
            crate::console::look::Language::English => {
                format!("Doctor - {fail} failed, {warn} to be seen to, {ok} well")
            }
        }
    }

    fn detail(&self, chosen: Option<&Check>, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        let mut say = |words: &str, style: Style| {
            lines.extend(cells::wrap(words, room).into_iter().map(|line| Line::from(Span::styled(line, style))));
        };
        if let Some(error) = &self.failure {
            say(&look.both(&words::of_error(look, error)), look.bad());
            say(&words::hint_of(look, error), Style::new());
        } else if let Some(check) = chosen {
            say(&look.both(&check.found), state(look, check.state).1);
            if check.remedy.zh.is_empty() {
                say(look.t("不用处理。", "Nothing to do."), look.quiet());
            } else {
                say(look.t("怎么办:", "What to do:"), look.heading());
                say(&look.both(&check.remedy), Style::new());
            }
        }
        lines
    }
}
