//! How an import ended.

use super::super::shared::{Page, serial_of, steps};
use super::Import;
use crate::console::look::Look;
use crate::engine::importing::{Committed, StepState};
use crate::engine::reply::{ErrorBody, ImportReply, ImportState};
use ratatui::style::Style;
use ratatui::text::Line;

impl Import {
    pub(super) fn over_title(&self, look: &Look, reply: &ImportReply) -> String {
        match &reply.state {
            ImportState::Done { .. } => look.t("导入 · 完成", "Import - done"),
            ImportState::Turned { .. } => look.t("切换 · 完成", "Switch - done"),
            ImportState::Already { .. } => look.t("导入 · 不用导入", "Import - nothing to do"),
            _ => look.t("导入 · 没有成功", "Import - it did not work"),
        }
        .to_owned()
    }

    pub(super) fn over_lines(&self, look: &Look, reply: &ImportReply, room: usize) -> Vec<Line<'static>> {
        let mut page = Page::new(look, room);
        let sign = look.sign("✓", "[ok]");
        match &reply.state {
            ImportState::Done { committed } => done(look, committed, &mut page),
            ImportState::Turned { returned } => {
                let serial = serial_of(&returned.gid);
                page.say(
                    &look.either(format!("{sign} 现在由 {serial} 回答。"), format!("{sign} {serial} answers now.")),
                    look.good(),
                );
            }
            ImportState::Already { serial } => {
                page.say(
                    &look.either(
                        format!("{sign} U 盘上的知识包 {serial} 正是现在使用的,不用导入。"),
                        format!("{sign} The pack on the stick, {serial}, is the one in use: nothing to do."),
                    ),
                    look.good(),
                );
                page.say(
                    look.t(
                        "总行通知的是更新的包?那就换一个 U 盘。",
                        "Should there be a newer one? Then use another stick.",
                    ),
                    Style::new(),
                );
            }
            ImportState::Failed { error } => failed(look, reply, error, &mut page),
            _ => {}
        }
        page.gap();
        page.heading(look.t("步骤", "steps"));
        steps(look, &reply.steps, room, usize::MAX).into_iter().for_each(|line| page.line(line));
        page.lines()
    }
}

fn done(look: &Look, committed: &Committed, page: &mut Page<'_>) {
    let plain = Style::new();
    let (sign, serial) = (look.sign("✓", "[ok]"), committed.serial);
    page.say(
        &look.either(
            format!("{sign} 现在由知识包 {serial} 回答,柜员的下一个问题就用它。"),
            format!("{sign} Pack {serial} answers now, from the next question on."),
        ),
        look.good(),
    );
    let receipt = if committed.receipt_on_stick {
        look.t("已写到 U 盘,请带回总行", "on the stick; take it back to head office")
    } else {
        look.t("留在本机,下次导入时写到 U 盘", "kept here; it goes onto the next stick")
    };
    page.pair(look.t("回执", "receipt"), receipt, plain);
    let undo = match &committed.previous {
        Some(previous) => look.either(
            format!("发现问题,按 2 再按 b 退回到 {}", serial_of(previous)),
            format!("if something is wrong: 2, then b, goes back to {}", serial_of(previous)),
        ),
        None => look.t("第一个知识包,没有更早的可退", "the first pack: nothing to go back to").to_owned(),
    };
    page.pair(look.t("撤销", "to undo it"), &undo, plain);
    if committed.suspended > 0 {
        let n = committed.suspended;
        let words = look.either(format!("{n} 条问法,按 2 再按 v"), format!("questions: {n} (2, then v)"));
        page.pair(look.t("待复核", "to review"), &words, look.warn());
    }
}

fn failed(look: &Look, reply: &ImportReply, error: &ErrorBody, page: &mut Page<'_>) {
    let sign = look.sign("✗", "[XX]");
    let step = reply.steps.iter().find(|step| step.state == StepState::Failed);
    let at = step.map_or(String::new(), |step| {
        let title = look.both(&step.title);
        look.either(format!(",停在“{title}”"), format!(" at \"{title}\""))
    });
    page.say(
        &look.either(
            format!("{sign} 没有导入{at}。现行知识没有变,柜员照常提问。"),
            format!("{sign} The import ended{at}. The present knowledge stays; tellers go on asking."),
        ),
        look.bad(),
    );
    page.error(error);
}
