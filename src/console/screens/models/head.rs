//! What serves and how it does, and what is being done or was done last.

use super::Models;
use crate::console::cells;
use crate::console::look::{Language, Look};
use crate::console::parts::{Text, panel, span_of, table};
use crate::console::screen::View;
use crate::console::words;
use crate::engine::modeling::{ModelWork, Serving};
use crate::engine::models::ModelRole;
use crate::error::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// Cells of a place's name.
const PLACE: usize = 7;

/// What a role is called.
pub(super) fn role(look: &Look, role: ModelRole) -> &'static str {
    let (zh, en) = match role {
        ModelRole::Large => ("大模型", "large"),
        ModelRole::Small => ("小模型", "small"),
        ModelRole::Embedder => ("编码", "encoder"),
        ModelRole::Reranker => ("重排", "rerank"),
        ModelRole::Adapter => ("适配器", "adapter"),
    };
    look.either(zh, en)
}

/// What a serving model is called.
pub(super) fn name(serving: &Serving) -> &str {
    serving.name.as_deref().unwrap_or(&serving.status.model.name)
}

impl Models {
    pub(super) fn draw_head(&self, frame: &mut Frame, area: Rect, view: &View<'_>, lines: Vec<Line<'static>>) {
        let inner = panel(frame, area, view.look, view.look.t("正在服务的模型", "Models that serve"));
        table(frame, inner, lines);
    }

    pub(super) fn head(&self, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut text = Text::new(look, room);
        let Some(reply) = &self.reply else {
            match &self.failure {
                Some(error) => told(&mut text, look, error),
                None => text.say(look.t("正在读取…", "Reading ..."), look.quiet()),
            }
            return text.finish();
        };
        for place in [ModelRole::Large, ModelRole::Small] {
            if let Some(serving) = self.in_place(place) {
                one(&mut text, look, serving);
            }
        }
        if reply.serving.is_empty() {
            let (words, english) = if self.rows().is_empty() {
                (
                    "没有模型在服务:柜员看到卡片(条款原文),没有说明文字。",
                    "None: tellers see cards (the clauses), no prose.",
                )
            } else {
                (
                    "没有模型在服务:柜员看到卡片(条款原文),没有说明文字。选一个按 Enter 载入。",
                    "None: tellers see cards (the clauses), no prose. Choose one below and press Enter.",
                )
            };
            text.led((look.sign("○ ", "o "), look.warn()), look.t(words, english), look.warn());
        }
        if let Some(error) = &self.refused {
            told(&mut text, look, error);
        }
        self.work_line(&mut text, look);
        for note in &reply.list.notes {
            text.led(("! ", look.warn()), note, Style::new());
        }
        if let Some(error) = &self.failure {
            told(&mut text, look, error);
        }
        text.finish()
    }

    fn work_line(&self, text: &mut Text<'_>, look: &Look) {
        let chinese = look.language() == Language::Chinese;
        let (words, style) = match self.work() {
            ModelWork::Idle => return,
            ModelWork::Loading { name, role: place } => {
                let place = role(look, *place);
                let words = if chinese {
                    format!("正在载入 {name}(作{place});就绪前现有模型继续工作,卡片照常…")
                } else {
                    format!("Loading {name} as the {place} model; what serves goes on until it is ready ...")
                };
                (words, look.key())
            }
            ModelWork::Loaded { name, role: place } => {
                let place = role(look, *place);
                let words = if chinese {
                    format!("已换上 {name}(作{place}),正在服务。")
                } else {
                    format!("{name} has taken over as the {place} model.")
                };
                (words, look.good())
            }
            ModelWork::Unloading { role: place } => {
                let place = role(look, *place);
                let words = if chinese {
                    format!("正在停用{place}:等它写完手上的…")
                } else {
                    format!("Unloading the {place} model: it ends what it has begun ...")
                };
                (words, look.key())
            }
            ModelWork::Unloaded { role: place } => {
                let place = role(look, *place);
                let words =
                    if chinese { format!("{place}已停用。") } else { format!("The {place} model is unloaded.") };
                (words, look.good())
            }
            ModelWork::Benching { name, runs } => {
                let words = if chinese {
                    format!("正在给 {name} 测速:已测 {} 组;x 停止", runs.len())
                } else {
                    format!("Measuring {name}: {} runs so far; x stops it", runs.len())
                };
                (words, look.key())
            }
            ModelWork::Benched { name, best, .. } => {
                let seconds = best.typical_seconds();
                let words = if chinese {
                    format!("{name} 测完:一个普通问题约 {seconds:.0} 秒;最快的设置已保存,下次载入时采用。")
                } else {
                    format!(
                        "{name} is measured: about {seconds:.0} s a question; the best settings are kept for loading."
                    )
                };
                (words, look.good())
            }
            ModelWork::Failed { error } => {
                let words = look.t("没有做成,原来的不受影响: ", "It did not work, what served goes on: ");
                text.say(&format!("{words}{}", look.both(&words::of_error(look, error))), look.bad());
                text.say(&words::hint_of(look, error), Style::new());
                return;
            }
        };
        text.say(&words, style);
    }
}

fn told(text: &mut Text<'_>, look: &Look, error: &ErrorBody) {
    text.say(&look.both(&words::of_error(look, error)), look.bad());
    text.say(&words::hint_of(look, error), Style::new());
}

/// A model that serves: its state in a line, what is wrong with it below.
fn one(text: &mut Text<'_>, look: &Look, serving: &Serving) {
    let status = &serving.status;
    let (sign, state, style) = if status.ready {
        (look.sign("●", "*"), look.t("可用", "ready"), look.good())
    } else {
        (look.sign("○", "o"), look.t("不可用", "NOT READY"), look.bad())
    };
    let wait = span_of(look, status.expected_wait_ms.div_ceil(1000));
    let waits = status.queued.saturating_sub(status.running);
    let (running, slots, restarts) = (status.running, status.slots, status.restarts);
    let load = look.either(
        format!("在写 {running}/{slots} · 排队 {waits} · 预计等 {wait} · 重启过 {restarts} 次"),
        format!("writing {running}/{slots}, {waits} waiting, about {wait}, restarts: {restarts}"),
    );
    let lead = format!("{sign} {} ", cells::fill(role(look, serving.role), PLACE, ""));
    let dot = look.sign(" · ", " - ");
    let short = format!("{}{dot}{state}", name(serving));
    let whole = format!("{short}{dot}{load}");
    if cells::width(&lead) + cells::width(&look.data(&whole)) <= text.room() {
        text.led((&lead, style), &whole, Style::new());
    } else {
        text.led((&lead, style), &short, Style::new());
        text.item(&" ".repeat(cells::width(&lead)), &load, Style::new());
    }
    if let Some(failure) = &status.failure {
        text.led(("  ! ", look.bad()), failure, look.bad());
    }
    if let Some(failure) = &status.swap_failure {
        let words = format!("{}{failure}", look.t("上次更换没有成功:", "the last exchange did not work: "));
        text.led(("  ! ", look.warn()), &words, look.warn());
    }
}
