//! The settings: the value that counts and where it comes from; a change is checked by the service and written into the file.

use crate::config::{Origin, SettingKind, SettingRow};
use crate::console::cells;
use crate::console::keys::{Hint, Key};
use crate::console::look::{Charset, Colors, Language, Look};
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, Field, List, columns, panel, table};
use crate::console::screen::{Confirm, Cx, Screen, Todo, Tone, View};
use crate::console::words;
use crate::engine::reply::{Reply, SettingsReply};
use crate::engine::request::Request;
use crate::engine::settings::SettingsRequest;
use crate::error::ErrorBody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

const LIST: u32 = 1;
const WRITE: u32 = 2;
/// Rows of the lower panel.
const DETAIL_ROWS: u16 = 9;
/// Cells of the columns: name, value, origin.
const KEY_CELLS: usize = 26;
const VALUE_CELLS: usize = 20;
const ORIGIN_CELLS: usize = 8;

/// The screen.
#[derive(Debug, Default)]
pub struct Settings {
    reply: Option<SettingsReply>,
    list: List,
    /// The value that is being typed, and for which setting.
    editing: Option<(String, Field)>,
    failure: Option<ErrorBody>,
    /// The setting that was to be written last.
    written: Option<String>,
}

impl Settings {
    fn rows(&self) -> &[SettingRow] {
        self.reply.as_ref().map(|reply| reply.rows.as_slice()).unwrap_or_default()
    }

    fn shown(&self) -> Vec<usize> {
        self.list.shown(self.rows(), |row| format!("{} {} {}", row.key, row.about.zh, row.about.en))
    }

    fn chosen(&self) -> Option<&SettingRow> {
        self.list.chosen(&self.shown()).and_then(|index| self.rows().get(index))
    }

    /// The next of the few values that a setting may have.
    fn next(row: &SettingRow) -> Option<String> {
        let now = row.in_file.as_ref().or(row.value.as_ref()).map(String::as_str);
        match &row.kind {
            SettingKind::Switch => Some(if now == Some("true") { "false" } else { "true" }.to_owned()),
            SettingKind::Choice { values } => {
                let place = values.iter().position(|value| Some(value.as_str()) == now).map_or(0, |place| place + 1);
                values.get(place % values.len().max(1)).cloned()
            }
            _ => None,
        }
    }

    /// Asks before a value is written: what is changed from what to what, when it counts, and how it is undone.
    fn set(&mut self, key: String, value: String, cx: &mut Cx<'_>) {
        self.failure = None;
        self.written = Some(key.clone());
        let Some(row) = self.rows().iter().find(|row| row.key == key) else { return };
        let look = cx.look;
        let when = match row.at_once {
            true => look.t("马上生效。", "It counts at once."),
            false => look.t(
                "重启服务后生效(systemctl restart guida),重启要几秒,期间柜员不能提问。",
                "It counts when the service is started anew (systemctl restart guida); tellers cannot ask for those seconds.",
            ),
        };
        let covered = matches!(row.origin, Origin::Env | Origin::Flag).then(|| {
            look.t(
                "注意:现在由启动参数或环境变量决定,写进文件的值要等去掉它们才起作用。",
                "Note: a flag or variable decides at present; the file counts only when that is gone.",
            )
        });
        let undo = look.t("要恢复:选中它按 d。", "To undo it: choose it and press d.");
        let change = format!("{key}: {} -> {value}", self::value(look, row));
        let consequence =
            [Some(change.as_str()), Some(when), covered, Some(undo)].into_iter().flatten().map(str::to_owned);
        cx.confirm(Confirm {
            title: look.t("写入配置文件?", "Write it into the file?").to_owned(),
            consequence: consequence.collect(),
            yes: Todo::Ask(Box::new(Request::Settings(SettingsRequest::Set { key, value }))),
            tag: WRITE,
        });
    }

    fn edit(&mut self, key: Key, cx: &mut Cx<'_>) {
        let Some((name, field)) = &mut self.editing else { return };
        match key {
            Key::Enter => {
                let (name, value) = (name.clone(), field.text());
                self.set(name, value, cx);
            }
            Key::Esc => {
                self.editing = None;
                self.failure = None;
            }
            key => _ = field.key(key),
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>) {
        let Some(row) = self.chosen() else { return };
        let key = row.key.clone();
        match Settings::next(row) {
            Some(value) => self.set(key, value, cx),
            None => {
                let text = row.in_file.as_ref().or(row.value.as_ref()).cloned().unwrap_or_default();
                self.editing = Some((key, Field::with(&text)));
                self.failure = None;
            }
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>) {
        self.written = self.chosen().map(|row| row.key.clone());
        let Some(row) = self.chosen() else { return };
        let Some(now) = &row.in_file else {
            let words = cx.look.t("配置文件里没有这一项", "The file does not name this setting");
            return cx.say(Tone::Bad, words);
        };
        let default = usual(cx.look, row);
        let consequence = match cx.look.language() {
            Language::Chinese => format!("从配置文件里删去 {} = {now},之后用默认值 {default}。", row.key),
            Language::English => {
                format!("Takes {} = {now} out of the file; the default {default} counts from then on.", row.key)
            }
        };
        let request = Request::Settings(SettingsRequest::Reset { key: row.key.clone() });
        cx.confirm(Confirm {
            title: cx.look.t("恢复默认值?", "Back to the default?").to_owned(),
            consequence: vec![consequence],
            yes: Todo::Ask(Box::new(request)),
            tag: WRITE,
        });
    }

    /// The console's own settings count at once when one of them was written.
    fn adopt(&self, cx: &mut Cx<'_>) {
        let value = |key: &str| {
            let row = self.rows().iter().find(|row| row.key == key);
            row.and_then(|row| row.in_file.clone().or_else(|| row.default.clone()))
        };
        let language = match value("console.language").as_deref() {
            Some("en") => Language::English,
            _ => Language::Chinese,
        };
        let charset = match value("console.charset").as_deref() {
            Some("ascii") => Charset::Ascii,
            Some("unicode") => Charset::Unicode,
            _ => cx.look.charset(),
        };
        let colors = match value("console.color").as_deref() {
            Some("16") => Colors::Sixteen,
            Some("none") => Colors::None,
            _ => cx.look.colors(),
        };
        cx.set_look(Look::new(language, charset, colors));
    }
}

fn origin(look: &Look, origin: Origin) -> &'static str {
    match origin {
        Origin::Default => look.t("默认", "default"),
        Origin::File => look.t("文件", "file"),
        Origin::Env => look.t("环境变量", "env"),
        Origin::Flag => look.t("启动参数", "flag"),
    }
}

/// What counts now.
fn value(look: &Look, row: &SettingRow) -> String {
    row.value.clone().unwrap_or_else(|| usual(look, row))
}

/// What counts when nothing is set.
fn usual(look: &Look, row: &SettingRow) -> String {
    let words = row.unset.as_ref().map(|words| look.both(words).into_owned());
    row.default.clone().or(words).unwrap_or_else(|| look.t("(无)", "(none)").to_owned())
}

fn kind(look: &Look, kind: &SettingKind) -> String {
    match kind {
        SettingKind::Switch => look.t("开关:true 或 false", "switch: true or false").to_owned(),
        SettingKind::Number { min, max, unit } => {
            format!("{} {min} - {max} {unit}", look.t("整数", "number")).trim_end().to_owned()
        }
        SettingKind::Choice { values } => format!("{} {}", look.t("可选", "one of"), values.join(" / ")),
        SettingKind::Address => look.t("地址:端口,如 0.0.0.0:8080", "address:port, 0.0.0.0:8080").to_owned(),
        SettingKind::Paths => look.t("路径,用冒号隔开", "paths, colons between them").to_owned(),
        SettingKind::Path => look.t("路径", "path").to_owned(),
        SettingKind::Text => look.t("文字", "text").to_owned(),
    }
}

impl Screen for Settings {
    fn hints(&self) -> Vec<Hint> {
        if self.editing.is_some() {
            return vec![Hint::new("Enter", "检查并写入", "check and write"), Hint::new("Esc", "放弃", "leave it")];
        }
        if self.list.typing() {
            return FILTERING.to_vec();
        }
        vec![
            Hint::new("↑↓", "选择", "choose"),
            Hint::new("Enter", "修改", "change"),
            Hint::new("d", "恢复默认", "default"),
            Hint::new("/", "筛选", "filter"),
            Hint::new("Esc", "返回", "back"),
        ]
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.editing = None;
        self.list.reset();
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.failure = None;
        cx.ask(LIST, Request::Settings(SettingsRequest::List));
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        if self.editing.is_some() {
            self.edit(key, cx);
            return true;
        }
        let rows = self.shown().len();
        match self.list.key(key, rows) {
            Chosen::Moved => self.failure = None,
            Chosen::Opened => self.open(cx),
            Chosen::Not if key == Key::Char('d') => self.reset(cx),
            Chosen::Not => return false,
        }
        true
    }

    fn paste(&mut self, text: &str) {
        match &mut self.editing {
            Some((_, field)) => field.paste(text),
            None => _ = self.list.paste(text),
        }
    }

    fn typing(&self) -> bool {
        self.editing.is_some() || self.list.typing()
    }

    fn answer(&mut self, tag: u32, answer: Answer, cx: &mut Cx<'_>) {
        match answer {
            Answer::Reply(reply) => {
                let Reply::Settings(reply) = *reply else { return };
                let restart = reply.restart_needed;
                self.reply = Some(reply);
                self.failure = None;
                if tag == WRITE {
                    self.editing = None;
                    if self.written.take().is_some_and(|key| key.starts_with("console.")) {
                        self.adopt(cx);
                    }
                    let words = match restart {
                        true => cx.look.t(
                            "已写入配置文件;重启服务后生效:systemctl restart guida",
                            "Written; takes effect when the service is started anew: systemctl restart guida",
                        ),
                        false => cx.look.t("已写入配置文件", "Written"),
                    };
                    cx.say(Tone::Good, words);
                }
            }
            Answer::Error(error) => self.failure = Some(error),
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let upper = Rect { height: area.height.saturating_sub(DETAIL_ROWS), ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let file = self.reply.as_ref().and_then(|reply| reply.file.clone()).unwrap_or_default();
        let inner = panel(frame, upper, look, &format!("{} {}", look.t("设置", "Settings"), look.data(&file)));
        let shown = self.shown();
        self.list.draw(frame, inner, look, &shown, |index, room| {
            let Some(row) = self.rows().get(index) else { return Line::default() };
            let value = value(look, row);
            let (from, style) = match row.pending {
                true => (look.t("待重启", "restart"), look.warn()),
                false => (origin(look, row.origin), look.quiet()),
            };
            let about = look.both(&row.about);
            let plain = Style::new();
            let widths = [KEY_CELLS, VALUE_CELLS, ORIGIN_CELLS];
            columns(
                look,
                room,
                &widths,
                &[(&row.key, plain), (&value, look.heading()), (from, style), (&about, look.quiet())],
            )
        });
        let title = self.chosen().map_or_else(|| look.t("说明", "About").to_owned(), |row| row.key.clone());
        let inner = panel(frame, lower, look, &title);
        let lines = self.detail(look, inner.width as usize);
        table(frame, inner, lines);
        if let Some((_, field)) = &self.editing {
            let line = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
            field.draw(frame, line, look, look.t("新的值: ", "new value: "), true);
        }
    }
}

impl Settings {
    fn detail(&self, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut say = |words: &str, style: Style| {
            let lines_of = cells::wrap(&look.data(words), room).into_iter();
            lines.extend(lines_of.map(|line| Line::from(Span::styled(line, style))));
        };
        if let Some(error) = &self.failure {
            say(&look.both(&words::of_error(look, error)), look.bad());
            say(&words::hint_of(look, error), Style::new());
            return lines;
        }
        if let Some(problem) = self.reply.as_ref().and_then(|reply| reply.problem.as_ref()) {
            say(&look.both(&words::of_error(look, problem)), look.bad());
            say(&words::hint_of(look, problem), Style::new());
        }
        let Some(row) = self.chosen() else { return lines };
        say(&look.both(&row.about), Style::new());
        say(&kind(look, &row.kind), look.quiet());
        let in_file = row.in_file.as_deref().unwrap_or(look.t("没有写", "not named"));
        let (now, file, default) = (look.t("生效", "counts"), look.t("文件", "file"), look.t("默认", "default"));
        say(&format!("{now} {}   {file} {in_file}   {default} {}", value(look, row), usual(look, row)), Style::new());
        let others = [&row.env, &row.flag].into_iter().flatten().cloned().collect::<Vec<_>>().join("  ");
        if !others.is_empty() {
            say(&format!("{} {others}", look.t("也可由", "also by")), look.quiet());
        }
        if row.pending {
            let words = look.t(
                "文件已改,重启服务后生效:systemctl restart guida",
                "Changed in the file; takes effect when the service is started anew",
            );
            say(words, look.warn());
        }
        lines
    }
}
