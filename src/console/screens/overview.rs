//! The first screen: whether the service runs, what knowledge and which model answer, how busy it is, how the machine does, and what
//! should be seen to, each with what to do.

use crate::console::alarms::{self, Alarm};
use crate::console::cells;
use crate::console::keys::{Hint, Key};
use crate::console::look::Look;
use crate::console::machine::Reading;
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, List, bytes, count, gauge, generation, pair, panel, span_of, spark, table};
use crate::console::screen::{Cx, Screen, Shared, View};
use crate::engine::overview::{Minute, OverviewReply};
use crate::engine::reply::GeneratorStatus;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows of the two upper panels, frame included.
const UPPER_ROWS: u16 = 8;
/// Rows of the two middle panels.
const MIDDLE_ROWS: u16 = 6;
/// Cells of the names before values.
const NAME_CELLS: usize = 10;
/// Cells of a bar.
const BAR_CELLS: usize = 10;
/// From these shares on a bar warns and is bad: processors, memory, disk.
const CPU: (f64, f64) = (0.9, 1.01);
const MEMORY: (f64, f64) = (0.85, 0.95);
const DISK: (f64, f64) = (0.8, 0.9);
/// Degrees at which the bar of the temperature is full, and the shares of that at which it warns and is bad.
const HOTTEST: f64 = 100.0;
const HEAT: (f64, f64) = (0.75, 0.85);

/// The screen. What it shows is known to every screen.
#[derive(Debug, Default)]
pub struct Overview {
    list: List,
    shown: usize,
    screens: Vec<&'static str>,
}

impl Screen for Overview {
    fn hints(&self) -> Vec<Hint> {
        vec![
            Hint::new("3", "导入", "import"),
            Hint::new("8", "体检", "doctor"),
            Hint::new("↑↓", "选择提醒", "choose an alarm"),
            Hint::new("Enter", "去处理", "see to it"),
        ]
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.tick(cx);
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        let alarms = alarms::of(cx.shared);
        self.shown = alarms.len();
        self.screens = alarms.iter().map(|alarm| alarm.screen).collect();
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        self.tick(cx);
        if key == Key::Char('/') {
            return false;
        }
        let all: Vec<usize> = (0..self.shown).collect();
        match self.list.key(key, self.shown) {
            Chosen::Not => return false,
            Chosen::Moved => {}
            Chosen::Opened => {
                if let Some(screen) = self.list.chosen(&all).and_then(|index| self.screens.get(index)) {
                    cx.go(screen);
                }
            }
        }
        true
    }

    fn answer(&mut self, _: u32, _: Answer, _: &mut Cx<'_>) {}

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let Some(overview) = &view.shared.overview else {
            let inner = panel(frame, area, look, look.t("概览", "Overview"));
            let words = look.t("正在读取服务状态…", "Reading the state of the service ...");
            return table(frame, inner, vec![Line::raw(words.to_owned())]);
        };
        let half = area.width / 2;
        let row = |y: u16, height: u16| {
            let left = Rect { y: area.y + y, height, width: half, ..area };
            (left, Rect { x: area.x + half, width: area.width - half, ..left })
        };
        let (left, right) = row(0, UPPER_ROWS);
        let inner = panel(frame, left, look, look.t("服务和知识", "Service and knowledge"));
        table(frame, inner, service(look, overview, inner.width as usize));
        let inner = panel(frame, right, look, look.t("提问(最近 60 分钟)", "Questions (last 60 minutes)"));
        table(frame, inner, questions(look, overview, inner.width as usize));
        let (left, right) = row(UPPER_ROWS, MIDDLE_ROWS);
        let inner = panel(frame, left, look, look.t("生成模型", "Model"));
        table(frame, inner, models(look, overview, inner.width as usize));
        let inner = panel(frame, right, look, look.t("本机", "Machine"));
        table(frame, inner, machine(look, view.shared, inner.width as usize));
        let top = UPPER_ROWS + MIDDLE_ROWS;
        let lower = Rect { y: area.y + top, height: area.height.saturating_sub(top), ..area };
        self.draw_alarms(frame, lower, look, &alarms::of(view.shared));
    }
}

impl Overview {
    fn draw_alarms(&self, frame: &mut Frame, area: Rect, look: &Look, alarms: &[Alarm]) {
        let inner = panel(frame, area, look, look.t("要处理的事", "To be seen to"));
        if alarms.is_empty() {
            let words = look.t("没有:一切正常。", "Nothing: all is well.");
            return table(frame, inner, vec![Line::styled(words.to_owned(), look.good())]);
        }
        let all: Vec<usize> = (0..alarms.len()).collect();
        let chosen = self.list.chosen(&all);
        let detail = chosen.and_then(|index| alarms.get(index)).map(|alarm| {
            let words = format!("{}{}", look.t("怎么办:", "What to do: "), look.both(&alarm.todo));
            cells::wrap(&words, inner.width as usize)
        });
        let detail = detail.unwrap_or_default();
        let kept = (detail.len() as u16).min(inner.height.saturating_sub(1));
        let rows = Rect { height: (inner.height - kept).min(alarms.len() as u16), ..inner };
        self.list.draw(frame, rows, look, &all, |index, room| {
            let Some(alarm) = alarms.get(index) else { return Line::default() };
            let (sign, style) = if alarm.grave {
                (look.t("严重", "grave"), look.bad())
            } else {
                (look.t("提醒", "alarm"), look.warn())
            };
            let words = cells::fill(&look.both(&alarm.what), room.saturating_sub(6), look.sign("…", "~"));
            Line::from(vec![Span::styled(cells::fill(sign, 6, ""), style), Span::raw(words)])
        });
        let below = Rect { y: rows.bottom(), height: kept, ..inner };
        table(frame, below, detail.into_iter().map(|line| Line::styled(line, look.quiet())).collect());
    }
}

fn service(look: &Look, overview: &OverviewReply, room: usize) -> Vec<Line<'static>> {
    let status = &overview.status;
    let value = |text: String| cells::cut(&text, room.saturating_sub(NAME_CELLS + 1), look.sign("…", "~"));
    let row = |zh, en, text: String| pair(look, look.t(zh, en), NAME_CELLS, value(text));
    let issued =
        overview.knowledge_issued.map_or_else(|| look.t("未注明", "unknown").to_owned(), |day| day.to_string());
    let amount = match look.language() {
        crate::console::look::Language::Chinese => {
            format!("{} 份文件 {} 条", count(status.documents), count(status.clauses))
        }
        crate::console::look::Language::English => {
            format!("{} documents, {} clauses", count(status.documents), count(status.clauses))
        }
    };
    vec![
        row(
            "版本",
            "version",
            format!("{} · {}", status.version, span_of(look, overview.uptime_s)).replace('·', look.sign("·", "-")),
        ),
        row("按此日期", "rules of", status.today.to_string()),
        row("现行知识", "knowledge", generation(look, &status.generation)),
        row("制作日期", "made", issued),
        row("内容", "holds", amount),
        row("待复核", "to review", status.suspended.to_string()),
    ]
}

fn questions(look: &Look, overview: &OverviewReply, room: usize) -> Vec<Line<'static>> {
    let row = |zh, en, value: Span<'static>| pair(look, look.t(zh, en), NAME_CELLS, value);
    let width = room.saturating_sub(NAME_CELLS + 1);
    let course = |figure: fn(&Minute) -> f64, top| {
        spark(look, &overview.minutes.iter().map(figure).collect::<Vec<_>>(), width, top)
    };
    let (asked, refused) = overview.minutes.iter().fold((0, 0), |(q, r), m| (q + m.questions, r + m.refused));
    let rate = if asked == 0 { 0.0 } else { f64::from(refused) / f64::from(asked) * 100.0 };
    // The last minute is still running; the one before it is whole.
    let last = overview.minutes.iter().rev().nth(1).map_or(0, |minute| minute.questions);
    let times = match (overview.card_p50_ms, overview.card_p95_ms) {
        (Some(p50), Some(p95)) => format!("p50 {p50:.0} ms  p95 {p95:.0} ms"),
        _ => look.t("还没有提问", "no questions yet").to_owned(),
    };
    let queue = match look.language() {
        crate::console::look::Language::Chinese => format!("处理中 {} 排队 {}", overview.working, overview.waiting),
        crate::console::look::Language::English => {
            format!("{} in work, {} waiting", overview.working, overview.waiting)
        }
    };
    vec![
        row("每分钟", "a minute", Span::raw(format!("{last}"))),
        row("", "", Span::styled(course(|m| f64::from(m.questions), 1.0), look.good())),
        row("无依据", "refused", Span::raw(format!("{rate:.0}% ({refused}/{asked})"))),
        row("", "", Span::styled(course(|m| f64::from(m.refused), 1.0), look.warn())),
        row("答案用时", "answers", Span::raw(times)),
        row("队列", "queue", Span::raw(queue)),
    ]
}

fn models(look: &Look, overview: &OverviewReply, room: usize) -> Vec<Line<'static>> {
    let both = [(&overview.status.generator, true), (&overview.status.small_generator, false)];
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (status, main) in both.into_iter().filter_map(|(status, main)| status.as_ref().map(|status| (status, main))) {
        lines.extend(model(look, status, main, room));
    }
    if lines.is_empty() {
        let words = look.t(
            "没有载入:答案只有结论和条款原文,不生成说明文字。按 4 载入。",
            "None loaded: answers are conclusion and clauses, without prose. 4 loads one.",
        );
        lines.extend(cells::wrap(words, room).into_iter().map(|line| Line::styled(line, look.quiet())));
    }
    lines
}

fn model(look: &Look, status: &GeneratorStatus, main: bool, room: usize) -> Vec<Line<'static>> {
    let state = if status.ready {
        Span::styled(look.t("就绪", "ready").to_owned(), look.good())
    } else if status.failure.is_some() {
        Span::styled(look.t("不可用", "failed").to_owned(), look.bad())
    } else {
        Span::styled(look.t("载入中", "loading").to_owned(), look.warn())
    };
    let role = if main { look.t("主模型", "main") } else { look.t("小模型", "small") };
    let name = cells::cut(&look.data(&status.model.name), room.saturating_sub(NAME_CELLS + 8), look.sign("…", "~"));
    let mut first = pair(look, role, NAME_CELLS, Span::raw(format!("{name} ")));
    first.push_span(state);
    let work = match look.language() {
        crate::console::look::Language::Chinese => {
            format!("{}/{} 在写,排队 {}", status.running, status.slots, status.queued.saturating_sub(status.running))
        }
        crate::console::look::Language::English => {
            format!(
                "{}/{} writing, {} waiting",
                status.running,
                status.slots,
                status.queued.saturating_sub(status.running)
            )
        }
    };
    vec![first, pair(look, "", NAME_CELLS, Span::styled(work, look.quiet()))]
}

fn machine(look: &Look, shared: &Shared, room: usize) -> Vec<Line<'static>> {
    let Some(now) = shared.machine.latest() else {
        return vec![Line::styled(look.t("正在读取…", "reading ...").to_owned(), look.quiet())];
    };
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let left = room.saturating_sub(NAME_CELLS + 1 + BAR_CELLS + 6);
    let row = |zh, en, value: f64, limits, words: String| {
        let mut line = pair(look, look.t(zh, en), NAME_CELLS, Span::raw(""));
        gauge(look, value, BAR_CELLS, limits).into_iter().for_each(|span| line.push_span(span));
        line.push_span(Span::styled(cells::cut(&format!(" {words}"), left, ""), look.quiet()));
        line
    };
    let course = spark(look, &shared.machine.course(|r: &Reading| r.cpu), left.saturating_sub(1), 1.0);
    let disk_used = now.disk_total.saturating_sub(now.disk_free);
    let heat = match now.temperature {
        Some(heat) => {
            let sign = look.sign("℃", " C");
            row("温度", "heat", f64::from(heat) / HOTTEST, HEAT, format!("{heat:.0}{sign}"))
        }
        None => pair(
            look,
            look.t("温度", "heat"),
            NAME_CELLS,
            Span::styled(look.t("没有传感器", "no sensors").to_owned(), Style::new()),
        ),
    };
    vec![
        row("处理器", "cpu", now.cpu, CPU, course),
        row("内存", "memory", share(now.memory_used, now.memory_total), MEMORY, bytes(now.memory_total)),
        row("磁盘", "disk", share(disk_used, now.disk_total), DISK, bytes(now.disk_free) + look.t(" 可用", " free")),
        heat,
    ]
}
