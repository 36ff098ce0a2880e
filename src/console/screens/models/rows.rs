//! The list of model files.

use super::head::role;
use super::{Models, writes};
use crate::console::look::{Language, Look};
use crate::console::parts::{Text, bytes, columns, panel, table};
use crate::console::screen::View;
use crate::engine::models::{Fit, ModelRow};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// Cells of the columns: whether it serves, name, role, weights, size, quantisation, memory; speed gets the rest.
const NARROW: [usize; 7] = [1, 23, 7, 5, 8, 7, 8];
/// The same with the architecture behind the role, and figures to the memory.
const WIDE: [usize; 8] = [1, 28, 7, 9, 5, 8, 8, 28];
/// A list this wide has room for these.
const WIDE_FROM: usize = 100;

/// Weights as people name them: 1.5B, 110M.
pub(super) fn weights(number: u64) -> String {
    let number = number as f64;
    match number {
        many if many >= 9.95e9 => format!("{:.0}B", many / 1e9),
        many if many >= 9.5e8 => format!("{:.1}B", many / 1e9),
        few => format!("{:.0}M", few / 1e6),
    }
}

/// Whether memory holds it, in a word.
pub(super) fn fit_word(look: &Look, fit: &Fit) -> (&'static str, Style) {
    let (zh, en, style) = match (fit.fits, fit.flags.is_some()) {
        (true, false) => ("够", "fits", look.good()),
        (true, true) => ("调小后够", "reduced", look.warn()),
        (false, _) => ("不够", "NO ROOM", look.bad()),
    };
    (if look.language() == Language::Chinese { zh } else { en }, style)
}

impl Models {
    pub(super) fn draw_rows(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let shown = self.shown();
        let title =
            look.either(format!("模型文件 · {} 个", self.rows().len()), format!("Model files - {}", self.rows().len()));
        let inner = panel(frame, area, look, &title);
        let room = inner.width as usize;
        if shown.is_empty() && !self.list.typing() {
            return table(frame, inner, self.empty(look, room, &view.shared.data));
        }
        let wide = room >= WIDE_FROM;
        let widths: &[usize] = if wide { &WIDE } else { &NARROW };
        let mut heads = vec![
            "",
            look.t("名称", "name"),
            look.t("用途", "role"),
            look.t("参数", "size"),
            look.t("文件", "file"),
            look.t("量化", "quant"),
            look.t("内存", "memory"),
            look.t("读/写/秒", "tokens/s"),
        ];
        if wide {
            heads.insert(3, look.t("结构", "arch"));
        }
        let heads: Vec<(&str, Style)> = heads.into_iter().map(|head| (head, look.quiet())).collect();
        table(frame, Rect { height: inner.height.min(1), ..inner }, vec![columns(look, room, widths, &heads)]);
        let lines = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let free = free(view);
        self.list.draw(frame, lines, look, &shown, |index, room| {
            let Some(row) = self.rows().get(index) else { return Line::default() };
            self.row(look, row, room, (wide, widths), free)
        });
    }

    fn row(
        &self,
        look: &Look,
        row: &ModelRow,
        room: usize,
        (wide, widths): (bool, &[usize]),
        free: Option<u64>,
    ) -> Line<'static> {
        let plain = Style::new();
        let serves = match self.serving(row) {
            Some(serving) if serving.status.ready => (look.sign("●", "*"), look.good()),
            Some(_) => (look.sign("○", "o"), look.bad()),
            None => ("", plain),
        };
        let facts = row.facts.as_ref();
        let size = bytes(row.entry.bytes);
        let parameters = facts.map(|facts| weights(facts.parameters)).unwrap_or_default();
        let quantization = facts.map(|facts| facts.quantization.clone()).unwrap_or_default();
        let architecture = facts.map(|facts| facts.architecture.clone()).unwrap_or_default();
        let memory = match (&row.problem, &row.fit) {
            (Some(_), _) => (look.t("不能用", "UNUSABLE").to_owned(), look.bad()),
            (None, Some(fit)) => {
                // What it needs is not free because it has it.
                let (word, style) = match self.serving(row) {
                    Some(_) => (look.t("已载入", "loaded"), look.good()),
                    None => fit_word(look, fit),
                };
                let figures = format!("{} / {}", bytes(fit.needed_bytes), free.map_or("?".to_owned(), bytes));
                (if wide { format!("{word} {figures}") } else { word.to_owned() }, style)
            }
            (None, None) => ("-".to_owned(), look.quiet()),
        };
        let speed = match &row.measured {
            Some(profile) => format!("{:.0}/{:.1}", profile.prefill_per_second, profile.decode_per_second),
            None if writes(row) => look.t("没测过", "none").to_owned(),
            None => "-".to_owned(),
        };
        let mut texts = vec![
            serves,
            (row.entry.name.as_str(), plain),
            (role(look, row.entry.role), plain),
            (&parameters, plain),
            (&size, plain),
            (&quantization, plain),
            (&memory.0, memory.1),
            (&speed, plain),
        ];
        if wide {
            texts.insert(3, (&architecture, plain));
        }
        columns(look, room, widths, &texts)
    }

    /// Why there is nothing in the list.
    fn empty(&self, look: &Look, room: usize, data: &str) -> Vec<Line<'static>> {
        let mut text = Text::new(look, room);
        if self.reply.is_none() {
            let words = if self.failure.is_some() {
                look.t("现在读不到,原因在上面;每 5 秒再试。", "Cannot be read now, see above; tried every 5 s.")
            } else {
                look.t("正在读取…", "Reading ...")
            };
            text.say(words, look.quiet());
        } else if self.rows().is_empty() {
            let data = look.data(data);
            text.say(
                look.t(
                    "这台机器上没有模型文件。没有模型也能回答:卡片照常。",
                    "No model files here. Cards work without any.",
                ),
                Style::new(),
            );
            let how = match look.language() {
                Language::Chinese => {
                    format!("装一个:模型文件随知识包的 U 盘送来,插上后在本机执行 guida model add 文件 --data {data}")
                }
                Language::English => format!(
                    "To install one: its file comes on the stick with the knowledge pack; then run guida model add FILE --data {data}"
                ),
            };
            text.say(&how, look.quiet());
        } else {
            text.say(
                look.t("没有符合筛选的模型。按 Esc 去掉筛选。", "No model fits the filter; Esc takes it away."),
                Style::new(),
            );
        }
        text.finish()
    }
}

/// Memory that is free on this machine, as far as it was looked at.
pub(super) fn free(view: &View<'_>) -> Option<u64> {
    let machine = view.shared.machine.latest()?;
    (machine.memory_total > 0).then(|| machine.memory_total.saturating_sub(machine.memory_used))
}
