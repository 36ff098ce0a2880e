//! Back to the generation before, and forward again.

use super::super::shared::{Fetched, Page, Tags, can_go_back, is_held, named, serial_of, steps};
use super::{BACK, FORWARD, Knowledge, Place};
use crate::console::look::Look;
use crate::console::parts::count;
use crate::console::screen::{Confirm, Cx, Todo, Tone};
use crate::engine::importing::{ImportRequest, Returned};
use crate::engine::reply::{BranchStatus, ErrorBody, ImportReply, ImportState, Reply};
use crate::engine::request::Request;
use crate::error::Code;
use ratatui::style::Style;
use ratatui::text::Line;

/// A switch that goes on, or is over.
#[derive(Debug)]
pub(super) struct Turn {
    forward: bool,
    state: Fetched<ImportReply>,
}

impl Turn {
    /// Whether nothing more is to be heard of it.
    fn over(&self) -> bool {
        match &self.state.value {
            Some(reply) => !matches!(reply.state, ImportState::Working { .. }),
            None => self.state.error.is_some(),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Cx<'_>, tags: &mut Tags) {
        if !self.over() {
            self.state.ask(cx, tags, Request::Import(ImportRequest::State));
        }
    }

    pub(super) fn forget(&mut self) {
        self.state.forget();
    }

    pub(super) fn awaits(&self, tag: u32) -> bool {
        self.state.awaits(tag)
    }

    /// Takes how far it is; returns whether it has ended.
    pub(super) fn take(&mut self, reply: Result<Reply, ErrorBody>) -> bool {
        self.state.take(reply, |reply| if let Reply::Import(found) = reply { Some(*found) } else { None });
        self.over()
    }

    pub(super) fn title(&self, look: &Look) -> String {
        match self.forward {
            true => look.t("恢复到较新的一版", "Going forward").to_owned(),
            false => look.t("退回到上一版知识", "Going back").to_owned(),
        }
    }

    pub(super) fn lines(&self, look: &Look, branch: Option<&BranchStatus>, room: usize) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        if let Some(error) = &self.state.error {
            failed(look, error, &mut page);
        }
        if let Some(reply) = &self.state.value {
            match &reply.state {
                ImportState::Turned { returned } => turned(look, self.forward, returned, branch, &mut page),
                ImportState::Failed { error } => failed(look, error, &mut page),
                ImportState::Working { .. } => {
                    page.say(look.t("正在切换…柜员照常提问。", "switching ... tellers can go on asking"), look.warn())
                }
                _ => page.say(
                    look.t("切换已结束,别的导入正在进行:按 3 查看。", "It is over, and something else goes on: see 3."),
                    Style::new(),
                ),
            }
            page.gap();
            steps(look, &reply.steps, room, usize::MAX).into_iter().for_each(|line| page.line(line));
        }
        page.lines()
    }
}

fn failed(look: &Look, error: &ErrorBody, page: &mut Page<'_>) {
    // A service that went away may have switched before it did.
    let words = match error.code == Code::ServiceGone.as_str() {
        true => look.t(
            "不知道有没有切换:返回后看现行的是哪一版。",
            "It is not known what became of it: go back and see which one answers.",
        ),
        false => look.t("没有切换,仍由原来的知识回答。", "Nothing was switched; the same knowledge answers."),
    };
    page.say(words, look.bad());
    page.error(error);
}

fn turned(look: &Look, forward: bool, returned: &Returned, branch: Option<&BranchStatus>, page: &mut Page<'_>) {
    let serial = serial_of(&returned.gid);
    // The name has a day once the box was asked again.
    let active = branch.and_then(|branch| branch.active.as_ref()).filter(|active| active.gid == returned.gid);
    let name = active.map_or_else(|| serial.to_owned(), |active| named(look, active));
    let sign = look.sign("✓", "[ok]");
    page.say(&look.either(format!("{sign} 现在由 {name} 回答。"), format!("{sign} {name} answers now.")), look.good());
    if let (false, Some(hold)) = (forward, returned.hold) {
        page.say(
            &look.either(
                format!("{hold} 号知识包已停用,不会再自动导入;请告诉总行。按 f 可以恢复。"),
                format!("Pack {hold} is held and does not come in again; tell head office. f undoes this."),
            ),
            Style::new(),
        );
    }
}

impl Knowledge {
    pub(super) fn offer_back(&mut self, cx: &mut Cx<'_>) {
        let look = cx.look;
        let Some(branch) = self.known_branch(cx) else { return };
        let (Some(active), Some(previous)) = (&branch.active, &branch.previous) else {
            let words = look.t("没有更早的知识可以退回", "There is no earlier knowledge to go back to");
            return cx.say(Tone::Bad, words);
        };
        if !can_go_back(branch) {
            let words = look.t(
                "已经退回过一次,本机只保留一版更早的知识;按 f 恢复",
                "It was gone back from already, and nothing earlier is kept; f goes forward",
            );
            return cx.say(Tone::Bad, words);
        }
        let (from, to, serial) = (named(look, active), named(look, previous), serial_of(&active.gid));
        let consequence = vec![
            look.either(format!("从 {from} 退回到 {to}。"), format!("From {from} back to {to}.")),
            look.either(
                format!("条款从 {} 条变为 {} 条。", count(active.clauses), count(previous.clauses)),
                format!("Clauses: {} now, {} then.", count(active.clauses), count(previous.clauses)),
            ),
            look.t(
                "柜员的下一个问题就由上一版回答;正在显示的答案不变。",
                "Tellers are answered from it from the next question on.",
            )
            .to_owned(),
            look.either(
                format!("{serial} 随即停用:U 盘上的同一个包不会再导入。要撤销,在这里按 f。"),
                format!("{serial} is held: the same pack does not come in again. To undo this, press f here."),
            ),
        ];
        let title = look.t("退回上一版知识?", "Go back to the knowledge before?").to_owned();
        let yes = Todo::Ask(Box::new(Request::Import(ImportRequest::Rollback { from: active.gid.clone() })));
        cx.confirm(Confirm { title, consequence, yes, tag: BACK });
    }

    pub(super) fn offer_forward(&mut self, cx: &mut Cx<'_>) {
        let look = cx.look;
        let Some(branch) = self.known_branch(cx) else { return };
        let (Some(active), Some(held)) = (&branch.active, branch.previous.as_ref().filter(|_| is_held(branch))) else {
            let words = look.t("没有退回过的知识可以恢复", "Nothing was gone back from");
            return cx.say(Tone::Bad, words);
        };
        let (from, to, clauses) = (named(look, active), named(look, held), count(held.clauses));
        let consequence = vec![
            look.either(format!("从 {from} 恢复到 {to},共 {clauses} 条。"),
                format!("From {from} forward to {to}, {clauses} clauses."),
            ),
            look.t(
                "柜员的下一个问题就由它回答,它不再停用。恢复前请确认当初退回的原因已经解决。",
                "Tellers are answered from it from the next question on; it is held no more. Make sure that the reason for going back is gone.",
            )
            .to_owned(),
            look.t("要撤销,再按 b 退回。", "To undo this, press b again.").to_owned(),
        ];
        let title = look.t("恢复到较新的一版?", "Go forward again?").to_owned();
        let yes = Todo::Ask(Box::new(Request::Import(ImportRequest::Release { from: active.gid.clone() })));
        cx.confirm(Confirm { title, consequence, yes, tag: FORWARD });
    }

    /// The generations, or a word about why they are not known.
    fn known_branch(&self, cx: &mut Cx<'_>) -> Option<&BranchStatus> {
        if self.turn.as_ref().is_some_and(|turn| !turn.over()) {
            cx.say(Tone::Bad, cx.look.t("正在切换,请稍候", "It is being switched, wait a moment"));
            return None;
        }
        if self.branch.value.is_none() {
            match &self.branch.error {
                Some(error) => {
                    let told = cx.error_words(error);
                    cx.say(Tone::Bad, cx.look.both(&told).into_owned());
                }
                None => cx.say(Tone::Bad, cx.look.t("正在读取,请再按一次", "Still reading; press it again")),
            }
        }
        self.branch.value.as_ref()
    }

    /// The service has begun, or would not.
    pub(super) fn turned(&mut self, forward: bool, reply: Result<Reply, ErrorBody>, cx: &mut Cx<'_>) {
        let mut turn = Turn { forward, state: Fetched::default() };
        let ended = turn.take(reply);
        turn.poll(cx, &mut self.tags);
        self.turn = Some(turn);
        self.open(Place::Turn);
        if ended {
            self.refresh(cx);
        }
    }
}
