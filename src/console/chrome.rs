//! What stands around every screen: the names of the screens above, the state of the service below them, the keys at the lower edge;
//! the help with the keys, the question before anything that does harm, and what is shown while there is no service.

use super::app::{App, Link, Overlay};
use super::cells;
use super::keys::Hint;
use super::look::{Language, Look};
use super::messages::LinkProblem;
use super::parts::{generation, panel, span_of, table, when};
use super::screen::{Confirm, Tone, View};
use super::screens::SCREENS;
use crate::admin::client::ConnectError;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

/// The smallest terminal that holds a screen.
pub const SMALLEST: (u16, u16) = (80, 24);

/// Keys that work on every screen.
pub const GLOBAL: [Hint; 5] = [
    Hint::new("1-9", "切换画面", "switch screens"),
    Hint::new("Tab", "下一画面", "next screen"),
    Hint::new("Esc", "返回", "back"),
    Hint::new("?", "全部按键", "all keys"),
    Hint::new("q", "退出控制台(服务继续运行)", "quit (the service goes on)"),
];
/// The last of them as the lower edge names it.
const QUIT: Hint = Hint::new("q", "退出", "quit");
/// Keys while a question waits for a yes.
const DECIDE: [Hint; 2] = [Hint::new("y", "确认执行", "do it"), Hint::new("n", "不做,返回", "leave it")];
/// Keys while there is no service.
const ALONE: [Hint; 4] = [
    Hint::new("s", "启动服务", "start the service"),
    Hint::new("r", "立即重连", "try again now"),
    Hint::new("8", "体检", "doctor"),
    Hint::new("6", "日志", "logs"),
];

impl App {
    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        let look = &self.look;
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let words = match look.language() {
                Language::Chinese => {
                    format!("窗口太小:{}x{},至少 {}x{}。q 退出", area.width, area.height, SMALLEST.0, SMALLEST.1)
                }
                Language::English => {
                    format!(
                        "window too small: {}x{}, needs {}x{}. q quits",
                        area.width, area.height, SMALLEST.0, SMALLEST.1
                    )
                }
            };
            let lines = cells::wrap(&words, area.width as usize).into_iter().map(Line::raw).collect();
            return table(frame, area, lines);
        }
        let row = |y: u16| Rect { y, height: 1, ..area };
        table(frame, row(0), vec![self.tabs()]);
        table(frame, row(1), vec![self.state(area.width as usize)]);
        let body = Rect { y: 2, height: area.height - 3, ..area };
        if self.usable() {
            let view = View { look, now: self.now, shared: &self.shared };
            if let Some(screen) = self.screens.get(self.at) {
                screen.draw(frame, body, &view);
            }
        } else {
            self.draw_alone(frame, body);
        }
        table(frame, row(area.height - 1), vec![self.last_line(area.width as usize)]);
        match &self.overlay {
            Some(Overlay::Keys) => self.draw_keys(frame, body),
            Some(Overlay::Confirm(_, confirm)) => draw_confirm(frame, body, look, confirm),
            None => {}
        }
    }

    fn tabs(&self) -> Line<'static> {
        let look = &self.look;
        let mut spans = vec![Span::styled(look.t(" 柜答 ", " Guida "), look.heading())];
        for (place, entry) in SCREENS.iter().enumerate() {
            let name = look.t(entry.zh, entry.en);
            let style = if place == self.at { look.chosen() } else { ratatui::style::Style::new() };
            spans.push(Span::styled(entry.key.to_string(), style.patch(look.key())));
            spans.push(Span::styled(name.to_owned(), style));
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    }

    /// One line: whether the service runs, what knowledge answers, what waits, the time.
    fn state(&self, room: usize) -> Line<'static> {
        let look = &self.look;
        let (sign, words, style) = match &self.link {
            Link::Trying => (look.sign("○", "o"), look.t("正在连接服务…", "connecting ...").to_owned(), look.warn()),
            Link::Up(_) => (look.sign("●", "*"), look.t("服务运行中", "service up").to_owned(), look.good()),
            Link::Down { since, was_up, .. } => {
                let ago = span_of(look, (self.now.as_second() - since.as_second()).max(0) as u64);
                let words = match (was_up, look.language()) {
                    (true, Language::Chinese) => format!("服务已断开 {ago},自动重连中"),
                    (true, Language::English) => format!("service lost {ago} ago, reconnecting"),
                    (false, Language::Chinese) => "没有连上服务,自动重试中".to_owned(),
                    (false, Language::English) => "no service, trying".to_owned(),
                };
                (look.sign("○", "o"), words, look.bad())
            }
        };
        let mut left = vec![Span::raw(" "), Span::styled(format!("{sign} {words}"), style)];
        if let Some(overview) = &self.shared.overview {
            let knowledge = look.t("知识", "knowledge");
            left.push(Span::styled(format!("  {knowledge} "), look.quiet()));
            // A day tells people more than a checksum.
            let made = overview.knowledge_issued.map(|day| format!("{day}{}", look.t(" 制作", " made")));
            left.push(Span::raw(made.unwrap_or_else(|| generation(look, &overview.status.generation))));
            let alarms = super::alarms::of(&self.shared).len();
            if alarms > 0 {
                let words =
                    look.either(format!("  {alarms} 项提醒(按 1 查看)"), format!("  alarms: {alarms} (press 1)"));
                left.push(Span::styled(words, look.warn()));
            }
        }
        let clock = when(self.now, "%m-%d %H:%M:%S ");
        let used: usize = left.iter().map(|span| cells::width(&span.content)).sum();
        let gap = room.saturating_sub(used + clock.len());
        left.push(Span::raw(" ".repeat(gap)));
        left.push(Span::styled(clock, look.quiet()));
        Line::from(left)
    }

    /// The keys of this screen; a word of the console takes their place for a few seconds.
    fn last_line(&self, room: usize) -> Line<'static> {
        let look = &self.look;
        if let Some((tone, words, _)) = &self.word {
            let style = if *tone == Tone::Good { look.good() } else { look.bad() };
            return Line::styled(format!(" {}", cells::cut(words, room - 2, look.sign("…", "~"))), style);
        }
        let hints = self.hints();
        let mut spans = vec![Span::raw(" ")];
        let mut left = room - 1;
        let of = |hint: &Hint| (hint.name(look), look.t(hint.zh, hint.en));
        let needed = |hint: &Hint| cells::width(of(hint).0) + cells::width(of(hint).1) + 3;
        // In a field these two are typed, and a question takes neither.
        let elsewhere = self.typing() || matches!(self.overlay, Some(Overlay::Confirm(..)));
        let last = if elsewhere { Vec::new() } else { vec![GLOBAL[3], QUIT] };
        let reserved: usize = last.iter().map(needed).sum();
        let fitting = hints.iter().take_while(|hint| {
            let fits = left >= needed(hint) + reserved;
            left = left.saturating_sub(needed(hint));
            fits
        });
        for hint in fitting.chain(&last) {
            let (key, words) = of(hint);
            spans.push(Span::styled(key, look.key()));
            spans.push(Span::raw(format!(" {words}  ")));
        }
        Line::from(spans)
    }

    /// The keys that do something now, beside those that work everywhere.
    pub fn hints(&self) -> Vec<Hint> {
        if matches!(self.overlay, Some(Overlay::Confirm(..))) {
            return DECIDE.to_vec();
        }
        if !self.usable() {
            return ALONE.to_vec();
        }
        self.screens.get(self.at).map(|screen| screen.hints()).unwrap_or_default()
    }

    fn draw_keys(&self, frame: &mut Frame, body: Rect) {
        let look = &self.look;
        let hints = self.hints();
        let own: Vec<&Hint> = hints.iter().filter(|hint| hint.key != "Esc").collect();
        let lines: Vec<Line<'static>> = own
            .into_iter()
            .chain(&GLOBAL)
            .map(|hint| {
                Line::from(vec![
                    Span::styled(cells::fill(hint.name(look), 11, ""), look.key()),
                    Span::raw(look.t(hint.zh, hint.en)),
                ])
            })
            .collect();
        let area = middle(body, 46, lines.len() as u16 + 2);
        frame.render_widget(Clear, area);
        let inner = panel(frame, area, look, look.t("这个画面的按键(任意键关闭)", "Keys here (any key closes)"));
        table(frame, inner, lines);
    }

    /// Never a blank screen: why there is no service, and what can be done now.
    fn draw_alone(&self, frame: &mut Frame, body: Rect) {
        let look = &self.look;
        let inner = panel(frame, body, look, look.t("没有连上柜答服务", "The Guida service cannot be reached"));
        let room = inner.width as usize;
        let mut lines = Vec::new();
        let mut say = |words: &str, style| {
            lines.extend(cells::wrap(&look.data(words), room).into_iter().map(|line| Line::styled(line, style)));
        };
        let plain = ratatui::style::Style::new();
        let (what, todo) = match &self.link {
            Link::Trying => (look.t("正在连接…", "Connecting ...").to_owned(), String::new()),
            Link::Down { why, .. } => explain(look, why, &self.shared.data),
            Link::Up(_) => Default::default(),
        };
        say("", plain);
        say(&what, look.bad());
        say(" ", plain);
        say(&todo, plain);
        say(" ", plain);
        let meanwhile = look.t(
            "柜员页面此时也不能提问。控制台每秒自动重试,服务恢复后自动回到正常画面。",
            "Tellers cannot ask either. The console tries again every second and comes back by itself.",
        );
        say(meanwhile, look.quiet());
        lines.push(Line::raw(""));
        for hint in ALONE {
            lines.push(Line::from(vec![
                Span::raw("  "),
                Span::styled(cells::fill(hint.key, 4, ""), look.key()),
                Span::raw(look.t(hint.zh, hint.en)),
            ]));
        }
        table(frame, inner, lines);
    }
}

/// What keeps the console from the service, and what to do.
fn explain(look: &Look, why: &LinkProblem, data: &str) -> (String, String) {
    let two = |zh: (String, &str), en: (String, &str)| look.either((zh.0, zh.1.to_owned()), (en.0, en.1.to_owned()));
    match why {
        LinkProblem::Lost => two(
            (
                "与服务的连接断开了:服务停止、正在重启,或者被系统结束。".into(),
                "等几秒看是否自动恢复;没有恢复就按 s 启动,再按 6 看日志里的原因。",
            ),
            (
                "The connection broke: the service stopped, restarts, or was ended by the system.".into(),
                "Wait a few seconds. If it does not come back, press s to start it, then 6 for the reason in the log.",
            ),
        ),
        LinkProblem::Connect(ConnectError::NoSocket) => two(
            (
                format!("服务没有运行(在 {data}/run 里没有它的接口文件)。"),
                "按 s 启动服务;数据目录不对时用 guida console --data 目录 重新打开。",
            ),
            (
                format!("The service does not run (there is no socket in {data}/run)."),
                "Press s to start it. If the data folder is another one: guida console --data FOLDER.",
            ),
        ),
        LinkProblem::Connect(ConnectError::Refused) => two(
            (
                "服务已经停止:接口文件还在,但没有程序应答,多半是异常结束。".into(),
                "按 s 启动服务;按 6 看日志里的原因,按 8 体检。",
            ),
            (
                "The service has ended without tidying up: its socket is there and nobody answers.".into(),
                "Press s to start it; 6 shows the log, 8 examines the box.",
            ),
        ),
        LinkProblem::Connect(ConnectError::Denied { group }) => {
            let group = group.as_deref().unwrap_or("guida");
            two(
                (
                    format!("没有权限:只有用户组 {group} 的成员可以打开控制台。"),
                    "请管理员把你加入这个组后重新登录,或用 sudo 打开。",
                ),
                (
                    format!("No permission: only members of the group {group} may use the console."),
                    "Have the administrator add you to the group and log in again, or use sudo.",
                ),
            )
        }
        LinkProblem::Connect(ConnectError::Full(_)) => two(
            ("打开的控制台已经太多。".into(), "关掉不用的控制台,这里自动连接。"),
            ("Too many consoles are open.".into(), "Close one that is not needed; this one connects by itself."),
        ),
        LinkProblem::Connect(ConnectError::NotGuida) => two(
            ("接口另一端不是柜答服务。".into(), "核对数据目录;按 8 体检。"),
            ("What answers is not the Guida service.".into(), "Check the data folder; 8 examines the box."),
        ),
        LinkProblem::Connect(ConnectError::OtherProtocol { guida, .. }) => two(
            (
                format!("服务是另一个版本({guida}),控制台是 {}。", env!("CARGO_PKG_VERSION")),
                "升级后要重启服务:systemctl restart guida。",
            ),
            (
                format!("The service is another version ({guida}); this console is {}.", env!("CARGO_PKG_VERSION")),
                "After an upgrade the service is started anew: systemctl restart guida.",
            ),
        ),
        LinkProblem::Connect(ConnectError::TimedOut) => two(
            ("服务在运行,但没有应答。".into(), "可能正忙,等几秒;一直这样就按 6 看日志。"),
            ("The service runs but does not answer.".into(), "It may be busy; if this goes on, 6 shows the log."),
        ),
        LinkProblem::Connect(ConnectError::Io(e)) => two(
            (format!("连不上服务:{e}"), "按 8 体检,按 6 看日志。"),
            (format!("The service cannot be reached: {e}"), "8 examines the box, 6 shows the log."),
        ),
    }
}

fn draw_confirm(frame: &mut Frame, body: Rect, look: &Look, confirm: &Confirm) {
    let width = 64;
    let room = width as usize - 4;
    let mut lines = vec![Line::raw("")];
    for paragraph in &confirm.consequence {
        lines.extend(cells::wrap(&look.data(paragraph), room).into_iter().map(Line::raw));
    }
    lines.push(Line::raw(""));
    lines.push(Line::from(vec![
        Span::styled("y ", look.key()),
        Span::raw(look.t("确认执行    ", "do it    ")),
        Span::styled("n ", look.key()),
        Span::raw(look.t("或 ", "or ")),
        Span::styled("Esc ", look.key()),
        Span::raw(look.t("不做,返回", "leave it")),
    ]));
    let area = middle(body, width, lines.len() as u16 + 2);
    frame.render_widget(Clear, area);
    let inner = panel(frame, area, look, &confirm.title);
    table(frame, inner, lines);
}

/// An area of this size in the middle.
fn middle(of: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(of.width), height.min(of.height));
    Rect { x: of.x + (of.width - width) / 2, y: of.y + (of.height - height) / 2, width, height }
}
