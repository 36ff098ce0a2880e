//! One model with all that is known of it, and the runs of a measurement.

use super::head::role;
use super::rows::{fit_word, free, weights};
use super::{Models, writes};
use crate::console::look::{Language, Look};
use crate::console::parts::{Text, bytes, columns, count, panel, table};
use crate::console::screen::View;
use crate::engine::modeling::ModelWork;
use crate::engine::models::{Facts, Fit, Measured, ModelRole, ModelRow, Recommended};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

/// Cells of a name.
const NAME: usize = 9;
/// Cells of the columns of runs: best, reading, writing, a question, memory; the settings get the rest.
const RUNS: [usize; 5] = [4, 8, 8, 10, 9];

impl Models {
    pub(super) fn draw_lower(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        if self.runs && self.has_runs() {
            return self.draw_runs(frame, area, look);
        }
        let title = self.chosen().map_or_else(|| look.t("模型", "Model").to_owned(), |row| self.title(look, row));
        let inner = panel(frame, area, look, &title);
        let rows = inner.height as usize;
        let mut lines = self.details(view, inner.width as usize);
        if lines.len() > rows {
            lines.truncate(rows.saturating_sub(1));
            let more = look.t("… 按 d 看全部", "... d shows all");
            lines.push(Line::styled(more.to_owned(), look.quiet()));
        }
        table(frame, inner, lines);
    }

    pub(super) fn draw_open(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let title = self.chosen().map_or_else(|| look.t("模型", "Model").to_owned(), |row| self.title(look, row));
        let inner = panel(frame, area, look, &title);
        self.pager.draw(frame, inner, look, self.details(view, inner.width as usize));
    }

    fn title(&self, look: &Look, row: &ModelRow) -> String {
        let name = look.data(&row.entry.name);
        match self.serving(row) {
            Some(serving) => look.either(
                format!("{name} · 正作{}服务", role(look, serving.role)),
                format!("{name} - serves as the {} model", role(look, serving.role)),
            ),
            None => name.into_owned(),
        }
    }

    fn details(&self, view: &View<'_>, room: usize) -> Vec<Line<'static>> {
        let look = view.look;
        let mut text = Text::new(look, room);
        let Some(row) = self.chosen() else {
            let words = "模型只写卡片下面的说明文字;卡片、查找和导入都不需要它。";
            let english =
                "A model writes the prose below a card, nothing else: cards, search and imports work without.";
            text.say(look.t(words, english), look.quiet());
            return text.finish();
        };
        let plain = Style::new();
        if let Some(problem) = &row.problem {
            text.pair(look.t("不能用", "unusable"), NAME, problem, look.bad());
            let words = "从发放介质重新拷贝并登记(guida model add 文件);坏的用 guida model remove 名称 删除";
            let english = "copy it anew from its medium and register it (guida model add FILE); remove the bad one (guida model remove NAME)";
            text.pair(look.t("怎么办", "remedy"), NAME, look.t(words, english), plain);
        }
        if !row.registered {
            let words = "文件在,但没有登记,不能载入:在本机执行 guida model add 文件";
            let english = "the file is here and not registered, so it cannot be loaded: run guida model add FILE";
            text.pair(look.t("未登记", "unknown"), NAME, look.t(words, english), look.warn());
        }
        if !writes(row) {
            text.pair(look.t("用途", "role"), NAME, purpose(look, row.entry.role), plain);
        }
        if let Some(fit) = &row.fit {
            match self.serving(row) {
                // What it needs is not free because it has it.
                Some(_) => {
                    let words = format!("{}: {}", memory_words(look, fit, free(view)), look.t("已载入", "loaded"));
                    text.pair(look.t("内存", "memory"), NAME, &words, look.good());
                }
                None => memory(&mut text, look, fit, free(view)),
            }
        }
        match &row.measured {
            Some(profile) => {
                let tuning = &profile.tuning;
                let (read, write, day) = (profile.prefill_per_second, profile.decode_per_second, &profile.measured);
                let words = match look.language() {
                    Language::Chinese => format!(
                        "每秒读 {read:.0}、写 {write:.1} 词元({day} 测,{} 线程,每步 {})",
                        tuning.threads, tuning.batch_tokens
                    ),
                    Language::English => format!(
                        "reads {read:.0}, writes {write:.1} tokens a second ({day}, {} threads, {} a step)",
                        tuning.threads, tuning.batch_tokens
                    ),
                };
                text.pair(look.t("速度", "speed"), NAME, &words, plain);
            }
            None if writes(row) => {
                let words = "这台机器上没有测过:按 b 快速测速";
                text.pair(look.t("速度", "speed"), NAME, look.t(words, "not measured on this machine: press b"), plain);
            }
            None => {}
        }
        if let Some(facts) = &row.facts {
            known(&mut text, look, facts, row);
        }
        if let Some(recommended) = row.fit.as_ref().and_then(|fit| fit.recommended.as_ref()) {
            text.pair(look.t("建议设置", "suggested"), NAME, &suggested(look, recommended), plain);
        }
        let words = match look.language() {
            Language::Chinese => {
                format!("{}({} 字节),{} 登记", bytes(row.entry.bytes), count(row.entry.bytes), row.entry.added)
            }
            Language::English => {
                format!("{} ({} bytes), added {}", bytes(row.entry.bytes), count(row.entry.bytes), row.entry.added)
            }
        };
        text.pair(look.t("文件", "file"), NAME, &words, plain);
        text.pair("SHA-256", NAME, &row.entry.sha256, look.quiet());
        text.finish()
    }

    fn draw_runs(&self, frame: &mut Frame, area: Rect, look: &Look) {
        let (name, runs, best) = match self.work() {
            ModelWork::Benching { name, runs } => (name, runs, fastest(runs)),
            ModelWork::Benched { name, runs, best } => (name, runs, Some(best)),
            _ => return,
        };
        let title = look
            .either(format!("测速 · {name} · {} 组", runs.len()), format!("Measuring - {name} - {} runs", runs.len()));
        let inner = panel(frame, area, look, &title);
        let room = inner.width as usize;
        let heads = [
            look.t("最快", "best"),
            look.t("读/秒", "read/s"),
            look.t("写/秒", "write/s"),
            look.t("一个问题", "a question"),
            look.t("内存", "memory"),
            look.t("设置", "settings"),
        ];
        let mut lines = vec![columns(look, room, &RUNS, &heads.map(|head| (head, look.quiet())))];
        if runs.is_empty() {
            let words =
                look.t("正在测第一组…(先载入模型)", "the first run is on its way (the model is loaded first) ...");
            lines.push(Line::styled(words.to_owned(), look.quiet()));
        }
        // The latest are always in sight.
        let fitting = (inner.height as usize).saturating_sub(lines.len());
        for run in runs.iter().skip(runs.len().saturating_sub(fitting)) {
            let is_best = best.is_some_and(|best| best.tuning == run.tuning);
            let style = if is_best { look.good() } else { Style::new() };
            let sign = if is_best { look.sign("★", "*") } else { "" };
            let (read, write) = (format!("{:.1}", run.prefill_per_second), format!("{:.1}", run.decode_per_second));
            let question = format!("{:.1} {}", run.typical_seconds(), look.t("秒", "s"));
            let memory = run.peak_bytes.map_or_else(|| "-".to_owned(), bytes);
            let settings = settings(look, run);
            let texts = [
                (sign, style),
                (read.as_str(), style),
                (&write, style),
                (&question, style),
                (&memory, style),
                (&settings, style),
            ];
            lines.push(columns(look, room, &RUNS, &texts));
        }
        table(frame, inner, lines);
    }
}

/// The run with which a question takes the least time.
fn fastest(runs: &[Measured]) -> Option<&Measured> {
    runs.iter().min_by(|a, b| a.typical_seconds().total_cmp(&b.typical_seconds()))
}

fn settings(look: &Look, run: &Measured) -> String {
    let tuning = &run.tuning;
    let kv = format!("{:?}", tuning.kv_type).to_lowercase();
    let mut words = look.either(
        format!("{} 线程 每步 {} KV {kv}", tuning.threads, tuning.batch_tokens),
        format!("{} threads, batch {}, kv {kv}", tuning.threads, tuning.batch_tokens),
    );
    if tuning.flash_attention {
        words.push_str(" flash");
    }
    if tuning.pin_threads {
        words.push_str(look.t(" 绑核", " pinned"));
    }
    words
}

fn purpose(look: &Look, role: ModelRole) -> &'static str {
    let (zh, en) = match role {
        ModelRole::Embedder => (
            "编码:把问题和条款变成可以比较意思的数字。由服务的启动设置选用,不在这里载入。",
            "encoder: makes meaning comparable. Chosen by the settings of the service, not loaded here.",
        ),
        ModelRole::Reranker => (
            "重排:把排在前面的条款再读一遍。由服务的启动设置选用,不在这里载入。",
            "reranker: reads the first clauses again. Chosen by the settings of the service, not loaded here.",
        ),
        ModelRole::Adapter => (
            "适配器:附在另一个模型上,不能单独载入。",
            "adapter: goes with another model and cannot be loaded by itself.",
        ),
        ModelRole::Large => ("写说明文字:所有问题。", "writes prose: all questions."),
        ModelRole::Small => ("写说明文字:容易的问题。", "writes prose: easy questions."),
    };
    look.either(zh, en)
}

/// What it needs and what there is, in figures.
pub(super) fn memory_words(look: &Look, fit: &Fit, free: Option<u64>) -> String {
    let needed = bytes(fit.needed_bytes);
    let free = free.map_or("?".to_owned(), bytes);
    look.either(format!("需要 {needed},现在可用 {free}"), format!("needs {needed}, {free} are free now"))
}

fn memory(text: &mut Text<'_>, look: &Look, fit: &Fit, free: Option<u64>) {
    let (word, style) = fit_word(look, fit);
    let words = format!("{}: {word}", memory_words(look, fit, free));
    text.pair(look.t("内存", "memory"), NAME, &words, style);
    if let Some(flags) = &fit.flags {
        let words = format!("{} {flags}", look.t("默认设置放不下,会自动改用", "defaults do not fit; used instead:"));
        text.pair("", NAME, &words, look.warn());
    }
    if !fit.fits {
        let words = "换小一些的模型;或先停用在用的模型(u)再看";
        text.pair(
            "",
            NAME,
            look.t(words, "choose a smaller model, or unload the one that serves (u) first"),
            Style::new(),
        );
    }
}

fn known(text: &mut Text<'_>, look: &Look, facts: &Facts, row: &ModelRow) {
    let plain = Style::new();
    let words = match look.language() {
        Language::Chinese => {
            format!("{} · {} 参数 · {} 量化", facts.architecture, weights(facts.parameters), facts.quantization)
        }
        Language::English => {
            format!(
                "{}, {} weights, quantised as {}",
                facts.architecture,
                weights(facts.parameters),
                facts.quantization
            )
        }
    };
    text.pair(look.t("结构", "made as"), NAME, &words, plain);
    let context = facts.context_tokens.map_or("?".to_owned(), |tokens| count(u64::from(tokens)));
    let words = look.either(format!("最长 {context} 词元"), format!("at most {context} tokens"));
    text.pair(look.t("上下文", "context"), NAME, &words, plain);
    if writes(row) {
        match &facts.chat_template {
            Some(family) => text.pair(look.t("对话模板", "template"), NAME, family, plain),
            None => {
                let words = "文件里没有:回答可能不成样子";
                text.pair(
                    look.t("对话模板", "template"),
                    NAME,
                    look.t(words, "none in the file: answers may be poor"),
                    look.warn(),
                );
            }
        }
    }
    let license = facts.license.as_deref().unwrap_or(look.t("文件里没有写", "not stated"));
    text.pair(look.t("许可证", "licence"), NAME, license, plain);
}

fn suggested(look: &Look, recommended: &Recommended) -> String {
    let Recommended { context_tokens, slots, kv_type, cache_mb, threads } = recommended;
    let kv = format!("{kv_type:?}").to_lowercase();
    match look.language() {
        Language::Chinese => {
            format!(
                "上下文 {context_tokens} · 同时写 {slots} 个 · KV {kv} · 提示词缓存 {cache_mb} MiB · {threads} 线程"
            )
        }
        Language::English => {
            format!(
                "context {context_tokens}, {slots} at a time, kv {kv}, prompt cache {cache_mb} MiB, {threads} threads"
            )
        }
    }
}
