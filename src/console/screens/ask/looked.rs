//! One question that is looked into: its pages, and what stands where there is nothing to show.

use super::prose::Prose;
use super::recent::{outcome, percent, style};
use super::{card, evidence, times};
use crate::console::keys::{Hint, Key};
use crate::console::look::{Language, Look};
use crate::console::parts::{Pager, Text, panel, table, when};
use crate::console::screen::View;
use crate::console::words;
use crate::engine::recent::{Outcome, RecentQuestion};
use crate::engine::reply::TraceReply;
use crate::error::ErrorBody;
use crate::types::Bilingual;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Keys of a question that is open.
pub(super) const WRITE: Hint = Hint::new("p", "让模型成文", "have it written");
pub(super) const AGAIN: Hint = Hint::new("r", "再查一次", "look again");
/// The pages, in the order of their names.
const PAGES: [(Page, &str, &str); 5] = [
    (Page::Answer, "答案", "Answer"),
    (Page::Evidence, "依据", "Evidence"),
    (Page::Prompt, "提示词", "Prompt"),
    (Page::Prose, "成文", "Prose"),
    (Page::Times, "用时", "Times"),
];

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Answer,
    Evidence,
    Prompt,
    Prose,
    Times,
}

/// How far looking into it is.
#[derive(Debug)]
pub(super) enum Found {
    Waiting,
    Failed(ErrorBody),
    /// Its words were not kept: the guard had turned it away.
    NotKept,
    Here(Box<TraceReply>),
}

/// A question that is looked into.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) question: String,
    /// What the list said of it; `None` for a question of one's own.
    pub(super) asked: Option<RecentQuestion>,
    pub(super) found: Found,
    pub(super) prose: Prose,
    page: usize,
    pagers: [Pager; PAGES.len()],
}

impl Looked {
    pub(super) fn new(question: String, asked: Option<RecentQuestion>, found: Found) -> Looked {
        Looked { question, asked, found, prose: Prose::default(), page: 0, pagers: Default::default() }
    }

    pub(super) fn page(&self) -> Page {
        PAGES.get(self.page).map_or(Page::Answer, |(page, ..)| *page)
    }

    pub(super) fn turn_to(&mut self, page: Page) {
        self.page = PAGES.iter().position(|(other, ..)| *other == page).unwrap_or(0);
    }

    pub(super) fn hints(&self) -> Vec<Hint> {
        let back = [Hint::new("i", "新问题", "new question"), Hint::new("Esc", "返回列表", "back to the list")];
        let mut hints = match &self.found {
            Found::Here(_) => vec![Hint::new("←→", "换页", "pages"), Hint::new("↑↓", "滚动", "scroll")],
            _ => Vec::new(),
        };
        if matches!(&self.found, Found::Here(trace) if !trace.card.refused) {
            hints.push(WRITE);
        }
        hints.extend(back);
        if !matches!(self.found, Found::NotKept) {
            hints.push(AGAIN);
        }
        hints
    }

    pub(super) fn key(&mut self, key: Key) -> bool {
        let pages = if matches!(self.found, Found::Here(_)) { PAGES.len() } else { 1 };
        match key {
            Key::Tab | Key::Right => self.page = (self.page + 1) % pages,
            Key::BackTab | Key::Left => self.page = (self.page + pages - 1) % pages,
            key => return self.pagers.get_mut(self.page).is_some_and(|pager| pager.key(key)),
        }
        true
    }

    /// The person wants prose: whether it has to be asked for. `serves` says whether a model may serve now.
    pub(super) fn wants_prose(&mut self, serves: bool) -> bool {
        let Found::Here(trace) = &self.found else { return false };
        // A prompt was laid out for one that served a moment ago.
        let (refused, serves) = (trace.card.refused, serves || trace.prompt.is_some());
        self.turn_to(Page::Prose);
        if let Some(pager) = self.pagers.get_mut(self.page) {
            pager.reset();
        }
        self.prose.begin(refused, serves)
    }

    pub(super) fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        let look = view.look;
        let kept = !matches!(self.found, Found::NotKept);
        let words = if kept { self.question.trim() } else { look.t("原文没有保存", "not kept") };
        let title = format!("{} {}", look.t("问题:", "question:"), look.data(words));
        let Found::Here(trace) = &self.found else {
            let inner = panel(frame, area, look, &title);
            return table(frame, inner, self.nothing(look, inner.width as usize));
        };
        let inner = panel(frame, area, look, &title);
        let row = Rect { height: inner.height.min(1), ..inner };
        table(frame, row, vec![self.names(look, trace)]);
        let rest = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let room = rest.width as usize;
        let mut text = Text::new(look, room);
        match self.page() {
            Page::Answer => {
                self.then(&mut text, look, trace);
                card::page(&mut text, look, trace);
            }
            Page::Evidence => evidence::page(&mut text, look, trace),
            Page::Prompt => times::prompt(&mut text, look, trace),
            Page::Prose => self.prose.page(&mut text, look),
            Page::Times => times::page(&mut text, look, trace),
        }
        if let Some(pager) = self.pagers.get(self.page) {
            pager.draw(frame, rest, look, text.finish());
        }
    }

    /// The names of the pages, and in short what came of the question.
    fn names(&self, look: &Look, trace: &TraceReply) -> Line<'static> {
        let mut spans = Vec::new();
        for (place, (_, zh, en)) in PAGES.iter().enumerate() {
            let style = if place == self.page { look.chosen() } else { look.key() };
            spans.push(Span::styled(format!(" {} ", look.t(zh, en)), style));
        }
        let became = if trace.card.refused { Outcome::Refused } else { Outcome::Answered };
        let (sign, word) = outcome(&became);
        let (sign, sure) = (look.sign(sign.0, sign.1), percent(trace.confidence));
        let words = format!("   {sign} {} {} {sure}", look.both(&word), look.t("把握", "sure"));
        spans.push(Span::styled(words, style(look, &became)));
        Line::from(spans)
    }

    /// What became of it when the teller asked, where that says more than the answer of now.
    fn then(&self, text: &mut Text<'_>, look: &Look, trace: &TraceReply) {
        let Some(asked) = &self.asked else { return };
        let (sign, word) = outcome(&asked.outcome);
        let became = format!("{} {}", look.sign(sign.0, sign.1), look.both(&word));
        let at = when(asked.at, "%m-%d %H:%M:%S");
        let (sure, ms) = (percent(asked.confidence), asked.card_ms);
        let line = look.either(
            format!("柜员 {at} 提问,当时 {became},把握 {sure},{ms:.0} 毫秒出卡片。"),
            format!("asked at {at}: {became}, {sure} sure, card in {ms:.0} ms."),
        );
        text.say(&line, look.quiet());
        let now = if trace.card.refused { Outcome::Refused } else { Outcome::Answered };
        if asked.generation != trace.card.generation {
            let line = match look.language() {
                Language::Chinese => {
                    format!("当时的知识是 {},下面按现行的 {} 重新回答。", asked.generation, trace.card.generation)
                }
                Language::English => {
                    format!("{} answered then; below, {} answers anew.", asked.generation, trace.card.generation)
                }
            };
            text.say(&line, look.warn());
        } else if asked.outcome != now {
            let words = "结果和当时不同:日期、级别、编码模型,或当时的忙闲可能不同。";
            let english = "The outcome is other than then: day, levels, encoder or load may have been other.";
            text.say(look.t(words, english), look.warn());
        }
        if let Outcome::Failed { code } = &asked.outcome {
            text.say(&look.both(&turned_away(code)), look.warn());
        }
        text.gap();
    }

    /// What stands where there is no answer.
    fn nothing(&self, look: &Look, room: usize) -> Vec<Line<'static>> {
        let mut text = Text::new(look, room);
        match &self.found {
            Found::Failed(error) => {
                text.say(&look.both(&words::of_error(look, error)), look.bad());
                text.say(&words::hint_of(look, error), Style::new());
                text.say(look.t("按 r 再查一次,Esc 返回列表。", "r looks again, Esc goes back."), look.quiet());
            }
            Found::NotKept => {
                let (code, at) = match &self.asked {
                    Some(RecentQuestion { outcome: Outcome::Failed { code }, at, .. }) => (code.as_str(), Some(*at)),
                    other => ("", other.as_ref().map(|asked| asked.at)),
                };
                let at = at.map(|at| when(at, "%m-%d %H:%M:%S")).unwrap_or_default();
                text.say(&format!("{at} [{code}]"), look.bad());
                text.say(&look.both(&turned_away(code)), Style::new());
                let words = "没有进入查找的问题不保存原文,所以不能再查;可以请柜员说一遍,按 i 输入。";
                let english = "Words of a question that was turned away are not kept, so it cannot be asked again here: have the teller say it, and press i.";
                text.say(look.t(words, english), look.quiet());
            }
            Found::Waiting | Found::Here(_) => text.say(look.t("正在查…", "Looking into it ..."), look.quiet()),
        }
        text.finish()
    }
}

/// Why a question was turned away, and what to tell the teller.
fn turned_away(code: &str) -> Bilingual {
    let (zh, en) = match code {
        "QUESTION_EMPTY" => (
            "问题是空的,或只有标点:请柜员写出要问的事。",
            "The question was empty, or nothing but punctuation: the teller has to write what it is about.",
        ),
        "QUESTION_TOO_LONG" => (
            "问题太长,没有进入查找:请柜员只写要点,不要整段粘贴。",
            "The question was too long to be looked up: the teller has to write the point only, not paste a page.",
        ),
        "QUESTION_UNREADABLE" => (
            "问题里是读不懂的字符(乱码):请柜员重新输入。",
            "The question was made of unreadable characters: the teller has to type it anew.",
        ),
        "BUSY" => (
            "当时同时提问的人太多,服务没有接:过几秒再问即可;经常这样就看总览里的排队。",
            "Too many asked at the same time: asking again helps. If it happens often, look at the queue in the overview.",
        ),
        "TIMEOUT" => (
            "当时没有在时限内答完:机器太忙。看总览的处理器和温度。",
            "It was not answered in time, the machine was too busy: look at processors and temperature in the overview.",
        ),
        _ => (
            "当时没有答成:按 6 在日志里按这个代码查原因。",
            "It could not be answered: press 6 and look for this code in the log.",
        ),
    };
    Bilingual::new(zh, en)
}
