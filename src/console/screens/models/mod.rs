//! The models that write, and the other model files: which there are, which serve, loading, unloading and measuring them.
//!
//! `act` says what a key would do and asks for the person's yes, `rows` draws the list, `head` what serves and what is being done,
//! `details` one model and the runs of a measurement.

mod act;
mod details;
mod head;
mod rows;

use crate::console::keys::{Hint, Key};
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, List, Pager};
use crate::console::screen::{Cx, Screen, Tone, View};
use crate::console::words;
use crate::engine::modeling::{ModelRequest, ModelWork, ModelsReply, Serving};
use crate::engine::models::{ModelRole, ModelRow};
use crate::engine::reply::Reply;
use crate::engine::request::Request;
use crate::error::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Tags: the list, and what a person has said yes to.
const LIST: u32 = 1;
const ACTION: u32 = 2;
/// Ticks between two looks while nothing is being done.
const CALM_EVERY: u32 = 5;
/// Ticks after an action during which every one looks: its work may begin, and end, between two calm ones.
const EAGER: u32 = 5;
/// Rows of the lower panel, at least.
const DETAIL_ROWS: u16 = 7;
/// Most rows of the list beyond which the lower panel gets the room.
const LIST_ROWS: u16 = 16;

/// The screen.
#[derive(Debug, Default)]
pub struct Models {
    /// The models in the order in which they are shown: what serves, what writes, the rest.
    reply: Option<ModelsReply>,
    /// Why the list cannot be had.
    failure: Option<ErrorBody>,
    /// Why the last action was not begun.
    refused: Option<ErrorBody>,
    asked: bool,
    ticks: u32,
    eager: u32,
    list: List,
    /// The details of the chosen model fill the screen.
    open: bool,
    pager: Pager,
    /// The runs of a measurement stand in the lower panel, not the chosen model.
    runs: bool,
}

fn writes(row: &ModelRow) -> bool {
    matches!(row.entry.role, ModelRole::Large | ModelRole::Small)
}

impl Models {
    fn rows(&self) -> &[ModelRow] {
        self.reply.as_ref().map(|reply| reply.list.models.as_slice()).unwrap_or_default()
    }

    fn shown(&self) -> Vec<usize> {
        self.list.shown(self.rows(), |row| {
            let architecture = row.facts.as_ref().map(|facts| facts.architecture.as_str()).unwrap_or_default();
            format!("{} {architecture}", row.entry.name)
        })
    }

    fn chosen(&self) -> Option<&ModelRow> {
        self.rows().get(self.list.chosen(&self.shown())?)
    }

    /// What serves under this name.
    fn serving(&self, row: &ModelRow) -> Option<&Serving> {
        let serving = self.reply.as_ref().map(|reply| reply.serving.as_slice()).unwrap_or_default();
        serving.iter().find(|serving| is(serving, row))
    }

    fn in_place(&self, role: ModelRole) -> Option<&Serving> {
        self.reply.as_ref()?.serving.iter().find(|serving| serving.role == role)
    }

    fn work(&self) -> &ModelWork {
        self.reply.as_ref().map_or(&ModelWork::Idle, |reply| &reply.work)
    }

    /// Something is being done.
    fn busy(&self) -> bool {
        let work = self.work();
        matches!(work, ModelWork::Loading { .. } | ModelWork::Unloading { .. } | ModelWork::Benching { .. })
    }

    fn benching(&self) -> bool {
        matches!(self.work(), ModelWork::Benching { .. })
    }

    fn poll(&mut self, cx: &mut Cx<'_>) {
        self.ticks = 0;
        if !std::mem::replace(&mut self.asked, true) {
            cx.ask(LIST, Request::Model(ModelRequest::List));
        }
    }

    fn take(&mut self, mut reply: ModelsReply) {
        // Runs that are new are shown; those of a measurement that had ended before are not in the way.
        let benched = matches!(reply.work, ModelWork::Benched { .. }) && self.reply.is_some();
        if !self.has_runs() && (benched || matches!(reply.work, ModelWork::Benching { .. })) {
            self.runs = true;
        }
        let chosen = self.chosen().map(|row| row.entry.sha256.clone());
        let serving = std::mem::take(&mut reply.serving);
        // Stable: by name within each kind. What could serve next stands right below what serves.
        let order = |row: &ModelRow| {
            let serves = serving.iter().any(|serving| is(serving, row));
            let loads = row.problem.is_none() && row.registered && row.fit.as_ref().is_some_and(|fit| fit.fits);
            (!serves, !loads, !writes(row))
        };
        reply.list.models.sort_by_key(order);
        reply.serving = serving;
        self.reply = Some(reply);
        self.failure = None;
        let rows = self.rows();
        let shown = self.shown();
        let row = shown.iter().position(|at| rows.get(*at).map(|row| &row.entry.sha256) == chosen.as_ref());
        self.list.choose(row.unwrap_or(0));
    }

    fn has_runs(&self) -> bool {
        matches!(self.work(), ModelWork::Benching { .. } | ModelWork::Benched { .. })
    }
}

fn is(serving: &Serving, row: &ModelRow) -> bool {
    let named = serving.name.as_ref().is_some_and(|name| *name == row.entry.name);
    named || serving.status.model.sha256 == row.entry.sha256
}

impl Screen for Models {
    fn hints(&self) -> Vec<Hint> {
        if self.open {
            return vec![Hint::new("↑↓", "滚动", "scroll"), Hint::new("Esc", "返回", "back")];
        }
        if self.list.typing() {
            return FILTERING.to_vec();
        }
        if self.rows().is_empty() {
            return vec![Hint::new("Esc", "返回", "back")];
        }
        let serves = self.reply.as_ref().is_some_and(|reply| !reply.serving.is_empty());
        let of_now = |hint: &Hint| match hint.key {
            "x" => self.benching(),
            "u" => serves,
            "t" => self.has_runs(),
            _ => true,
        };
        self.keys().into_iter().filter(of_now).collect()
    }

    fn keys(&self) -> Vec<Hint> {
        vec![
            Hint::new("x", "停止测速", "stop measuring"),
            Hint::new("Enter", "载入", "load"),
            Hint::new("u", "停用", "unload"),
            Hint::new("b", "测速", "measure"),
            Hint::new("d", "详情", "details"),
            Hint::new("t", "测速结果/模型", "runs or model"),
            Hint::new("o", "载入到另一位置", "load in the other place"),
            Hint::new("B", "完整测速", "measure in full"),
            Hint::new("↑↓", "选择", "choose"),
            Hint::new("/", "筛选", "filter"),
        ]
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.open = false;
        self.list.reset();
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.asked = false;
        self.failure = None;
        self.poll(cx);
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.ticks += 1;
        self.eager = self.eager.saturating_sub(1);
        if self.busy() || self.eager > 0 || self.ticks >= CALM_EVERY {
            self.poll(cx);
        }
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        if self.open {
            if key == Key::Esc {
                self.open = false;
                return true;
            }
            return self.pager.key(key);
        }
        let rows = self.shown().len();
        match self.list.key(key, rows) {
            Chosen::Moved => {
                if matches!(key, Key::Up | Key::Down) && !self.benching() {
                    self.runs = false;
                }
                return true;
            }
            Chosen::Opened => {
                self.load(false, cx);
                return true;
            }
            Chosen::Not if self.list.typing() => return false,
            Chosen::Not => {}
        }
        match key {
            Key::Char('l') => self.load(false, cx),
            Key::Char('o') => self.load(true, cx),
            Key::Char('u') => self.unload(cx),
            Key::Char('b') => self.bench(true, cx),
            Key::Char('B') => self.bench(false, cx),
            Key::Char('x') => self.cancel(cx),
            Key::Char('d') if rows > 0 => {
                self.open = true;
                self.pager.reset();
            }
            Key::Char('t') if self.has_runs() => self.runs = !self.runs,
            Key::Enter => cx.say(Tone::Bad, cx.look.t("这里还没有模型可载入", "There is no model to load yet")),
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
        if tag == LIST {
            self.asked = false;
        } else {
            self.eager = EAGER;
        }
        match answer {
            Answer::Reply(reply) => {
                if let Reply::Models(reply) = *reply {
                    if tag == ACTION {
                        self.refused = None;
                    }
                    self.take(*reply);
                }
            }
            Answer::Error(error) if tag == LIST => self.failure = Some(error),
            Answer::Error(error) => {
                cx.say(Tone::Bad, cx.look.both(&words::of_error(cx.look, &error)));
                self.refused = Some(error);
            }
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        if self.open {
            return self.draw_open(frame, area, view);
        }
        let head = self.head(view.look, area.width.saturating_sub(4) as usize);
        let most = area.height.saturating_sub(DETAIL_ROWS + 6);
        let head_rows = (head.len() as u16 + 2).min(most.max(3));
        let upper = Rect { height: head_rows, ..area };
        let rest = area.height - head_rows;
        // A line of headings and the frame.
        let wanted = (self.rows().len() as u16 + 3).clamp(6, LIST_ROWS);
        let list_rows = wanted.min(rest.saturating_sub(DETAIL_ROWS)).max(rest.min(6));
        let middle = Rect { y: upper.bottom(), height: list_rows, ..area };
        let lower = Rect { y: middle.bottom(), height: rest - list_rows, ..area };
        self.draw_head(frame, upper, view, head);
        self.draw_rows(frame, middle, view);
        self.draw_lower(frame, lower, view);
    }
}
