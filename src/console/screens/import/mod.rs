//! From the stick to the counter: which sticks there are, what the import looks at, what it would change, the person's yes, and how it
//! went. Whatever another console has begun is joined in; what was over before nobody looked is told in one line.

mod asking;
mod draw;
mod over;
mod preview;
mod sticks;

use super::shared::{Changes, Fetched, Tags, settled};
use crate::console::keys::{Hint, Key};
use crate::console::messages::Answer;
use crate::console::parts::{Chosen, FILTERING, Field, List, Pager};
use crate::console::screen::{Cx, Screen, Tone, View};
use crate::engine::importing::{ImportRequest, Phase};
use crate::engine::reply::{BranchStatus, Diff, ErrorBody, ImportReply, ImportState, Reply, SticksReply};
use crate::engine::request::Request;
use crate::error::Code;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Marks of what a person has done.
const BEGIN: u32 = 1;
const CONFIRM: u32 = 2;
const CANCEL: u32 = 3;
/// Seconds between two looks for sticks.
const STICKS_EVERY: u64 = 2;

const BEGIN_KEY: Hint = Hint::new("Enter", "开始核验", "begin the checks");
const FOLDER: Hint = Hint::new("p", "输入文件夹", "type a folder");
const FILTER: Hint = Hint::new("/", "筛选", "filter");
const TAKE: Hint = Hint::new("c", "导入", "take it");
const CANCEL_KEY: Hint = Hint::new("x", "放弃导入", "give up");
const DIFFERENCE: Hint = Hint::new("d", "看变动", "changes");
const STEPS: Hint = Hint::new("s", "核验步骤", "steps");

/// How far it is, for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sticks,
    Working,
    /// A person must confirm.
    Waiting,
    /// A person has confirmed, and the knowledge is switched.
    Switching,
    Over,
}

/// What lies above a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Difference,
    Steps,
}

/// Something that was asked for and is not seen in the state yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Begin,
    Confirm,
    Cancel,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Import {
    tags: Tags,
    ticks: u64,
    sticks: Fetched<SticksReply>,
    list: List,
    /// A folder that is being typed.
    path: Option<Field>,
    state: Fetched<ImportReply>,
    /// The present work was seen from here, so that its end is shown.
    followed: bool,
    act: Option<Act>,
    /// Why the last beginning was none.
    refused: Option<ErrorBody>,
    branch: Fetched<BranchStatus>,
    above: Option<Above>,
    changes: Changes,
    pager: Pager,
}

impl Import {
    fn reply(&self) -> Option<&ImportReply> {
        self.state.value.as_ref()
    }

    fn stage(&self) -> Stage {
        let Some(reply) = self.reply() else { return Stage::Sticks };
        match &reply.state {
            ImportState::Idle => Stage::Sticks,
            ImportState::Working { progress } if matches!(progress.phase, Phase::Switching | Phase::Done) => {
                Stage::Switching
            }
            // Going back or forward is over in a moment and cannot be given up.
            ImportState::Working { .. } if reply.source.is_none() => Stage::Switching,
            ImportState::Working { .. } => Stage::Working,
            ImportState::Waiting { .. } if self.act == Some(Act::Confirm) => Stage::Switching,
            ImportState::Waiting { .. } => Stage::Waiting,
            _ if self.followed => Stage::Over,
            _ => Stage::Sticks,
        }
    }

    fn diff(&self) -> Option<&Diff> {
        match &self.reply()?.state {
            ImportState::Waiting { preview } => preview.diff.as_ref(),
            _ => None,
        }
    }

    fn poll(&mut self, cx: &mut Cx<'_>) {
        // What was said before the service has heard of it counts no more.
        if self.act != Some(Act::Begin) {
            self.state.ask(cx, &mut self.tags, Request::Import(ImportRequest::State));
        }
    }

    fn look_for_sticks(&mut self, cx: &mut Cx<'_>) {
        if self.stage() == Stage::Sticks {
            self.sticks.ask(cx, &mut self.tags, Request::Sticks);
        }
    }

    /// Takes how far the import is.
    fn told(&mut self, before: Stage, cx: &mut Cx<'_>) {
        let Some(reply) = self.state.value.as_ref() else { return };
        let given_up = self.act == Some(Act::Cancel);
        let (mut goes_on, mut cancelled) = (false, false);
        match &reply.state {
            ImportState::Working { .. } => goes_on = true,
            ImportState::Waiting { .. } => goes_on = true,
            ImportState::Failed { error } => cancelled = error.code == Code::Cancelled.as_str(),
            _ => {}
        }
        let waiting = matches!(reply.state, ImportState::Waiting { .. });
        let idle = matches!(reply.state, ImportState::Idle);
        if goes_on {
            self.followed = true;
        } else {
            self.act = None;
            self.above = None;
        }
        if self.act == Some(Act::Confirm) && !waiting {
            self.act = None;
        }
        let was_at_it = self.followed && matches!(before, Stage::Working | Stage::Waiting | Stage::Switching);
        if was_at_it && (idle || cancelled) {
            self.followed = false;
            let words = match given_up {
                true => cx.look.t("已放弃导入,现行知识没有变", "The import was given up; nothing has changed"),
                false => cx.look.t(
                    "导入被取消或中断,现行知识没有变,可以重新开始",
                    "The import was cancelled or broken off; nothing has changed, begin anew",
                ),
            };
            cx.say(if given_up { Tone::Good } else { Tone::Bad }, words);
        }
        let now = self.stage();
        if now != before {
            self.pager.reset();
            self.changes.reset();
            if matches!(now, Stage::Waiting | Stage::Over) {
                self.branch.ask_anew(cx, &mut self.tags, Request::Branch);
            }
            self.look_for_sticks(cx);
        }
    }

    fn key_of_sticks(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        if let Some(field) = &mut self.path {
            match key {
                Key::Esc => self.path = None,
                Key::Enter if !field.text().trim().is_empty() => {
                    let folder = field.text().trim().to_owned();
                    self.path = None;
                    self.begin(folder, cx);
                }
                Key::Enter => {}
                key => return field.key(key),
            }
            return true;
        }
        if key == Key::Char('p') && !self.list.typing() {
            self.path = Some(Field::default());
            return true;
        }
        let shown = self.shown();
        match self.list.key(key, shown.len()) {
            Chosen::Not => return false,
            Chosen::Moved => self.refused = None,
            Chosen::Opened => {
                if let Some(path) = self.chosen_stick().map(|stick| stick.path.clone()) {
                    self.begin(path, cx);
                }
            }
        }
        true
    }

    fn key_at_work(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        match key {
            Key::Char('x') => self.offer_cancel(cx),
            Key::Char('c') => cx.say(
                Tone::Bad,
                cx.look.t(
                    "核验还没有完成;完成后会显示变动,再按 c",
                    "The checks are not over; when they are, press c again",
                ),
            ),
            _ => return false,
        }
        true
    }

    fn key_of_preview(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let diff = self.state.value.as_ref().and_then(|reply| match &reply.state {
            ImportState::Waiting { preview } => preview.diff.as_ref(),
            _ => None,
        });
        if let (Some(Above::Difference), Some(diff)) = (self.above, diff)
            && self.changes.key(key, diff)
        {
            return true;
        }
        match key {
            Key::Char('c') => self.offer_confirm(cx),
            Key::Char('x') => self.offer_cancel(cx),
            Key::Char('d') if self.diff().is_some() => {
                self.changes.reset();
                self.above = Some(Above::Difference);
            }
            Key::Char('s') => {
                self.pager.reset();
                self.above = Some(Above::Steps);
            }
            Key::Esc if self.above.is_some() => {
                self.pager.reset();
                self.above = None;
            }
            key => return self.pager.key(key),
        }
        true
    }

    fn key_after(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        match key {
            Key::Esc | Key::Enter => {
                self.followed = false;
                self.pager.reset();
                self.look_for_sticks(cx);
            }
            key => return self.pager.key(key),
        }
        true
    }
}

impl Screen for Import {
    fn hints(&self) -> Vec<Hint> {
        const SCROLL: Hint = Hint::new("↑↓", "滚动", "scroll");
        const LEAVE: Hint = Hint::new("Esc", "离开(导入继续)", "leave (it goes on)");
        if self.typing() && self.path.is_none() {
            return FILTERING.to_vec();
        }
        match (self.stage(), self.above) {
            (Stage::Sticks, _) if self.path.is_some() => {
                vec![BEGIN_KEY, Hint::new("Esc", "不输入了", "leave it")]
            }
            (Stage::Sticks, _) if self.chosen_stick().is_none() => {
                vec![FOLDER, Hint::new("Esc", "返回", "back")]
            }
            (Stage::Sticks, _) => {
                vec![BEGIN_KEY, FOLDER, Hint::new("↑↓", "选择", "choose"), FILTER, Hint::new("Esc", "返回", "back")]
            }
            (Stage::Working, _) => vec![CANCEL_KEY, LEAVE],
            (Stage::Waiting, Some(Above::Difference)) => {
                let mut hints = self.changes.hints();
                hints.insert(0, TAKE);
                hints.push(CANCEL_KEY);
                hints
            }
            (Stage::Waiting, Some(Above::Steps)) => {
                vec![TAKE, SCROLL, Hint::new("Esc", "返回", "back"), CANCEL_KEY]
            }
            (Stage::Waiting, None) => vec![TAKE, CANCEL_KEY, DIFFERENCE, STEPS, SCROLL, LEAVE],
            (Stage::Switching, _) => vec![LEAVE],
            (Stage::Over, _) => vec![Hint::new("Enter", "完成,返回", "done"), SCROLL],
        }
    }

    fn home(&mut self, _: &mut Cx<'_>) {
        self.above = None;
        self.path = None;
        self.pager.reset();
        if self.stage() == Stage::Over {
            self.followed = false;
        }
    }

    fn keys(&self) -> Vec<Hint> {
        vec![BEGIN_KEY, FOLDER, FILTER, TAKE, CANCEL_KEY, DIFFERENCE, STEPS]
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.state.forget();
        self.sticks.forget();
        self.branch.forget();
        if self.act == Some(Act::Begin) {
            self.act = None;
        }
        self.poll(cx);
        self.look_for_sticks(cx);
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.ticks = self.ticks.wrapping_add(1);
        self.poll(cx);
        if self.ticks.is_multiple_of(STICKS_EVERY) {
            self.look_for_sticks(cx);
        }
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        match self.stage() {
            Stage::Sticks => self.key_of_sticks(key, cx),
            Stage::Working => self.key_at_work(key, cx),
            Stage::Waiting => self.key_of_preview(key, cx),
            Stage::Switching => false,
            Stage::Over => self.key_after(key, cx),
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(field) = &mut self.path {
            field.paste(text);
        } else if self.stage() == Stage::Sticks {
            self.list.paste(text);
        } else {
            self.changes.paste(text);
        }
    }

    fn typing(&self) -> bool {
        match self.stage() {
            Stage::Sticks => self.path.is_some() || self.list.typing(),
            Stage::Waiting => self.above == Some(Above::Difference) && self.changes.typing(),
            _ => false,
        }
    }

    fn answer(&mut self, tag: u32, answer: Answer, cx: &mut Cx<'_>) {
        let Some(reply) = settled(answer) else { return };
        let before = self.stage();
        if matches!(tag, BEGIN | CONFIRM | CANCEL) {
            self.acted(tag, reply, cx);
        } else if self.state.awaits(tag) {
            let pick = |reply| if let Reply::Import(found) = reply { Some(*found) } else { None };
            self.state.take(reply, pick);
            self.told(before, cx);
        } else if self.sticks.awaits(tag) {
            self.sticks.take(reply, |reply| if let Reply::Sticks(found) = reply { Some(found) } else { None });
        } else if self.branch.awaits(tag) {
            self.branch.take(reply, |reply| if let Reply::Branch(found) = reply { Some(*found) } else { None });
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        self.draw_stage(frame, area, view);
    }
}
