//! The questions of the last hours with what became of each, below the field for one's own.

use crate::console::keys::{Hint, Key};
use crate::console::look::{Language, Look};
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, Field, List, Text, columns, panel, table, when};
use crate::console::screen::View;
use crate::console::words;
use crate::engine::recent::{KEPT, Outcome, RecentQuestion};
use crate::engine::reply::Reply;
use crate::error::ErrorBody;
use crate::types::Bilingual;
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

const ASK: Hint = Hint::new("i", "提问", "ask");
/// Ticks between two looks.
const EVERY: u32 = 3;
/// Cells of the columns: time, outcome, confidence, and, where there is room, the time to the card.
const TIME: usize = 8;
const OUTCOME: usize = 9;
const CONFIDENCE: usize = 5;
const CARD_MS: usize = 8;
/// A list this wide shows the time to the card too.
const WIDE: usize = 100;
/// Hours that are shown as such; older questions get their day.
const TODAY_S: i64 = 86_400;

/// What a key led to.
pub(super) enum Act {
    /// Nothing.
    Not,
    /// It is done.
    Done,
    /// This one is to be looked into.
    Open(Box<RecentQuestion>),
}

/// The list.
#[derive(Debug, Default)]
pub(super) struct Recent {
    questions: Option<Vec<RecentQuestion>>,
    failure: Option<ErrorBody>,
    asked: bool,
    ticks: u32,
    list: List,
    only_refused: bool,
}

impl Recent {
    /// Forgets what was asked for.
    pub(super) fn forget(&mut self) {
        self.asked = false;
        self.failure = None;
    }

    /// Whether to ask for the list: not while an answer is still to come.
    pub(super) fn begin(&mut self) -> bool {
        self.ticks = 0;
        !std::mem::replace(&mut self.asked, true)
    }

    /// Counts a tick; whether it is time to ask again.
    pub(super) fn is_time(&mut self) -> bool {
        self.ticks += 1;
        self.ticks >= EVERY
    }

    pub(super) fn typing(&self) -> bool {
        self.list.typing()
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.list.paste(text);
    }

    /// What came of asking for the list.
    pub(super) fn answer(&mut self, answer: Answer) {
        self.asked = false;
        match answer {
            Answer::Reply(reply) => {
                if let Reply::Recent(questions) = *reply {
                    // The chosen question stays chosen, whatever has come above it.
                    let chosen = self.chosen().map(|question| question.number);
                    self.questions = Some(questions);
                    self.failure = None;
                    let all = self.all();
                    let row = self.shown().iter().position(|at| all.get(*at).map(|q| q.number) == chosen);
                    self.list.choose(row.unwrap_or(0));
                }
            }
            Answer::Error(error) => self.failure = Some(error),
            _ => {}
        }
    }

    fn all(&self) -> &[RecentQuestion] {
        self.questions.as_deref().unwrap_or_default()
    }

    fn shown(&self) -> Vec<usize> {
        let all = self.all();
        let text = |question: &RecentQuestion| {
            let (_, words) = outcome(&question.outcome);
            format!("{} {} {}", question.question, words.zh, words.en)
        };
        let mut shown = self.list.shown(all, text);
        if self.only_refused {
            shown.retain(|at| all.get(*at).is_some_and(|question| question.outcome == Outcome::Refused));
        }
        shown
    }

    fn chosen(&self) -> Option<&RecentQuestion> {
        self.all().get(self.list.chosen(&self.shown())?)
    }

    pub(super) fn hints(&self) -> Vec<Hint> {
        if self.typing() {
            return FILTERING.to_vec();
        }
        if self.all().is_empty() {
            return vec![ASK];
        }
        self.keys()
    }

    /// Those that work when there are questions.
    pub(super) fn keys(&self) -> Vec<Hint> {
        let other = match self.only_refused {
            true => Hint::new("f", "看全部", "show all"),
            false => Hint::new("f", "只看拒答", "refused only"),
        };
        let look_into = Hint::new("Enter", "查原因", "look into it");
        vec![look_into, other, ASK, Hint::new("↑↓", "选择", "choose"), Hint::new("/", "筛选", "filter")]
    }

    pub(super) fn key(&mut self, key: Key) -> Act {
        if key == Key::Char('f') && !self.typing() {
            self.only_refused = !self.only_refused;
            self.list.choose(0);
            return Act::Done;
        }
        if key == Key::Esc && self.only_refused && !self.typing() && !self.list.filtered() {
            self.only_refused = false;
            return Act::Done;
        }
        match self.list.key(key, self.shown().len()) {
            Chosen::Not => Act::Not,
            Chosen::Moved => Act::Done,
            Chosen::Opened => self.chosen().map_or(Act::Done, |question| Act::Open(Box::new(question.clone()))),
        }
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>, field: &Field, writing: bool) {
        let look = view.look;
        let rows = if look.is_ascii() { 4 } else { 3 };
        let upper = Rect { height: rows.min(area.height), ..area };
        let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
        let inner = panel(frame, upper, look, look.t("问一个问题", "Ask a question"));
        let label = if writing || !field.is_empty() {
            look.t("问题: ", "question: ")
        } else {
            look.t("按 i 输入问题,看柜员会得到什么答案", "press i and type: you see what a teller would get")
        };
        field.draw(frame, inner, look, label, writing);
        if look.is_ascii() {
            let note = "No Chinese input on this text console: choose from the list, or use SSH.";
            let line = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
            table(frame, line, vec![Line::styled(note, look.quiet())]);
        }
        self.draw_list(frame, lower, view);
    }

    fn draw_list(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let shown = self.shown();
        let mut title = self.title(look, shown.len());
        if self.failure.is_some() && self.questions.is_some() {
            title.push_str(look.t(" · 暂时读不到新的", " - cannot be read anew"));
        }
        let inner = panel(frame, area, look, &title);
        if shown.is_empty() && !self.list.typing() {
            return table(frame, inner, self.empty(look, inner.width as usize));
        }
        let room = inner.width as usize;
        let wide = room >= WIDE;
        let head = |text: &'static str| (text, look.quiet());
        let mut heads = vec![
            head(look.t("时间", "time")),
            head(look.t("结果", "outcome")),
            head(look.t("把握", "sure")),
            head(look.t("问题", "question")),
        ];
        if wide {
            heads.insert(3, head(look.t("出卡片", "card")));
        }
        let widths: &[usize] = if wide { &[TIME, OUTCOME, CONFIDENCE, CARD_MS] } else { &[TIME, OUTCOME, CONFIDENCE] };
        table(frame, Rect { height: inner.height.min(1), ..inner }, vec![columns(look, room, widths, &heads)]);
        let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let all = self.all();
        self.list.draw(frame, rows, look, &shown, |index, room| {
            let Some(question) = all.get(index) else { return Line::default() };
            let (sign, words) = outcome(&question.outcome);
            let style = style(look, &question.outcome);
            let time = time(view.now, question.at);
            let became = format!("{} {}", look.sign(sign.0, sign.1), look.both(&words));
            let failed = matches!(question.outcome, Outcome::Failed { .. });
            let sure = if failed { "-".to_owned() } else { percent(question.confidence) };
            let asked = told(look, question);
            let ms = if failed { "-".to_owned() } else { format!("{:.0} ms", question.card_ms) };
            let plain = Style::new();
            let mut texts = vec![(time.as_str(), look.quiet()), (&became, style), (&sure, plain), (&asked, plain)];
            if wide {
                texts.insert(3, (&ms, look.quiet()));
            }
            columns(look, room, widths, &texts)
        });
    }

    fn title(&self, look: &Look, shown: usize) -> String {
        let all = self.all();
        let refused = all.iter().filter(|question| question.outcome == Outcome::Refused).count();
        match (look.language(), self.only_refused) {
            (Language::Chinese, true) => format!("只看拒答 · {shown} 条(按 f 看全部)"),
            (Language::English, true) => format!("Refused questions only - {shown} (f shows all)"),
            (Language::Chinese, false) => format!("柜员最近的问题 · {} 条,拒答 {refused} 条", all.len()),
            (Language::English, false) => format!("What tellers asked lately - {}, {refused} refused", all.len()),
        }
    }

    /// Why there is nothing in the list.
    fn empty(&self, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut text = Text::new(look, room);
        let plain = Style::new();
        if let Some(error) = &self.failure {
            text.say(&look.both(&words::of_error(look, error)), look.bad());
            text.say(&words::hint_of(look, error), plain);
        } else if self.questions.is_none() {
            text.say(look.t("正在读取…", "Reading ..."), look.quiet());
        } else if self.all().is_empty() {
            text.say(look.t("服务启动后还没有人提问。", "Nobody has asked since the service started."), plain);
            let kept = KEPT.to_string();
            let more = match look.language() {
                Language::Chinese => format!(
                    "柜员的问题会出现在这里:最近 {kept} 条,只在内存里,个人信息已遮盖,重启服务后清空。按 i 自己问一个。"
                ),
                Language::English => format!(
                    "Questions of tellers appear here: the latest {kept}, in memory only, personal data masked, gone after a restart. Press i to ask one yourself."
                ),
            };
            text.say(&more, look.quiet());
        } else if self.only_refused && !self.list.filtered() {
            text.say(look.t("最近的问题里没有拒答的。", "None of the recent questions was refused."), look.good());
            text.say(look.t("按 f 看全部问题。", "Press f to see all questions."), look.quiet());
        } else {
            text.say(look.t("没有符合筛选的问题。", "No question fits the filter."), plain);
            text.say(look.t("按 Esc 去掉筛选。", "Esc takes the filter away."), look.quiet());
        }
        text.finish()
    }
}

/// The sign and the word of what became of a question.
pub(super) fn outcome(outcome: &Outcome) -> ((&'static str, &'static str), Bilingual) {
    match outcome {
        Outcome::Answered => (("●", "+"), Bilingual::new("已答", "answer")),
        Outcome::Refused => (("○", "-"), Bilingual::new("拒答", "refused")),
        Outcome::Failed { .. } => (("×", "x"), Bilingual::new("出错", "error")),
    }
}

pub(super) fn style(look: &Look, outcome: &Outcome) -> Style {
    match outcome {
        Outcome::Answered => look.good(),
        Outcome::Refused => look.warn(),
        Outcome::Failed { .. } => look.bad(),
    }
}

/// A share as people read it. Never rounded up to a certainty.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        most if most > 99.0 && most < 100.0 => ">99%".to_owned(),
        some if some > 0.0 && some < 1.0 => "<1%".to_owned(),
        other => format!("{other:.0}%"),
    }
}

fn told(look: &Look, question: &RecentQuestion) -> String {
    match &question.outcome {
        Outcome::Failed { code } if question.question.trim().is_empty() => {
            format!("({}) {code}", look.t("原文没有保存", "not kept"))
        }
        Outcome::Failed { code } => format!("[{code}] {}", question.question),
        _ => question.question.clone(),
    }
}

/// The time of day, or the day when that is long ago.
fn time(now: Timestamp, at: Timestamp) -> String {
    let ago = now.as_second() - at.as_second();
    when(at, if ago < TODAY_S { "%H:%M:%S" } else { "%m-%d" })
}
