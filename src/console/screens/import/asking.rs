//! What a person does about an import: begin, confirm, give up.

use super::super::shared::{named, serial_of};
use super::{Act, BEGIN, CANCEL, CONFIRM, Import};
use crate::console::look::Look;
use crate::console::parts::count;
use crate::console::screen::{Confirm, Cx, Todo, Tone};
use crate::engine::importing::{ImportRequest, Preview};
use crate::engine::reply::{ErrorBody, ImportState, Reply};
use crate::engine::request::Request;

impl Import {
    /// Looking at a stick harms nothing: no question before it.
    pub(super) fn begin(&mut self, folder: String, cx: &mut Cx<'_>) {
        if self.act == Some(Act::Begin) {
            return;
        }
        self.refused = None;
        self.act = Some(Act::Begin);
        self.state.forget();
        cx.act(BEGIN, Request::Import(ImportRequest::Begin { source: folder.into() }));
    }

    pub(super) fn offer_confirm(&mut self, cx: &mut Cx<'_>) {
        let look = cx.look;
        let Some(ImportState::Waiting { preview }) = self.reply().map(|reply| &reply.state) else { return };
        let serial = preview.serial;
        let title = look.either(format!("换用知识包 {serial}?"), format!("Take pack {serial}?"));
        let mut consequence = vec![
            self.change_of(look, preview),
            look.either(
                "确认后,柜员的下一个问题就由新知识回答。".to_owned(),
                "From the next question on, tellers are answered from it.".to_owned(),
            ),
        ];
        if !preview.suspended.is_empty() {
            let n = preview.to_review();
            consequence.push(look.either(
                format!("{n} 条常见问法的依据条款已变,复核以前改由检索回答(按 2 再按 v 复核)。"),
                format!(
                    "Common questions whose clause changes: {n}, answered by searching until reviewed (2, then v)."
                ),
            ));
        }
        if preview.repairs {
            consequence.push(look.t("内容不变,不用撤销。", "The content stays: there is nothing to undo.").to_owned());
            let yes = Todo::Ask(Box::new(Request::Import(ImportRequest::Confirm { gid: preview.gid.clone() })));
            return cx.confirm(Confirm { title, consequence, yes, tag: CONFIRM });
        }
        let undo = match self.branch.value.as_ref().and_then(|branch| branch.active.as_ref()) {
            Some(active) => look.either(
                format!("可以撤销:按 2 再按 b 退回到 {}。", serial_of(&active.gid)),
                format!("To undo it: 2, then b, goes back to {}.", serial_of(&active.gid)),
            ),
            None if preview.diff.is_none() => look
                .t("这是第一个知识包,没有更早的知识可以退回。", "It is the first pack: there is nothing to go back to.")
                .to_owned(),
            None => look.t("可以撤销:按 2 再按 b 退回。", "To undo it: 2, then b.").to_owned(),
        };
        consequence.push(undo);
        let yes = Todo::Ask(Box::new(Request::Import(ImportRequest::Confirm { gid: preview.gid.clone() })));
        cx.confirm(Confirm { title, consequence, yes, tag: CONFIRM });
    }

    /// From which generation to which, in figures.
    fn change_of(&self, look: &Look, preview: &Preview) -> String {
        let day = crate::console::parts::when(preview.issued_at, "%Y-%m-%d");
        let serial = preview.serial;
        let active = self.branch.value.as_ref().and_then(|branch| branch.active.as_ref());
        let from =
            active.map_or_else(|| look.t("现行知识", "the present one").to_owned(), |active| named(look, active));
        match &preview.diff {
            Some(diff) => {
                let c = &diff.counts;
                let (changed, added, gone) = (count(c.changed), count(c.added), count(c.withdrawn));
                look.either(format!("从 {from} 换到 {serial}({day} 制作):条款修改 {changed}、新增 {added}、删除 {gone}。"),
                    format!(
                        "From {from} to {serial} (made {day}): {changed} clauses changed, {added} added, {gone} withdrawn."
                    ),
                )
            }
            None if preview.repairs => look.either(
                format!("{serial}({day} 制作)在本机已损坏,用 U 盘上的同一个包修好。"),
                format!("{serial} (made {day}) is damaged here and is mended with the same pack."),
            ),
            None => look.either(
                format!("换到 {serial}({day} 制作):本机的第一个知识包。"),
                format!("To {serial} (made {day}), the first pack of this box."),
            ),
        }
    }

    pub(super) fn offer_cancel(&mut self, cx: &mut Cx<'_>) {
        let look = cx.look;
        let waiting = matches!(self.reply().map(|reply| &reply.state), Some(ImportState::Waiting { .. }));
        let second = if waiting {
            look.t("核验的结果作废,下次要重新核验。", "What was checked is checked again next time.")
        } else {
            look.t(
                "已读入的部分留在本机,下次接着读。",
                "What was read stays here, and the next time goes on from there.",
            )
        };
        let consequence = vec![
            look.t("现行知识不变,柜员照常提问。", "The present knowledge stays; tellers go on asking.").to_owned(),
            second.to_owned(),
        ];
        let title = look.t("放弃这次导入?", "Give this import up?").to_owned();
        let yes = Todo::Ask(Box::new(Request::Import(ImportRequest::Cancel)));
        cx.confirm(Confirm { title, consequence, yes, tag: CANCEL });
    }

    /// What the service said to one of these; how far it is, is asked at once.
    pub(super) fn acted(&mut self, tag: u32, reply: Result<Reply, ErrorBody>, cx: &mut Cx<'_>) {
        let before = self.stage();
        self.act = None;
        match reply {
            Ok(Reply::Import(found)) => {
                match tag {
                    BEGIN => self.followed = true,
                    CONFIRM => self.act = Some(Act::Confirm),
                    _ => self.act = Some(Act::Cancel),
                }
                self.state.value = Some(*found);
                self.state.error = None;
                self.told(before, cx);
            }
            Ok(_) => {}
            Err(error) => {
                let told = cx.error_words(&error);
                cx.say(Tone::Bad, cx.look.both(&told).into_owned());
                if tag == BEGIN {
                    self.refused = Some(error);
                }
            }
        }
        // An answer to a question from before is not waited for.
        self.state.ask_anew(cx, &mut self.tags, Request::Import(ImportRequest::State));
    }
}
