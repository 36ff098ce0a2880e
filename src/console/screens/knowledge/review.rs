//! The questions that wait for a person, because the clause that answered them has other words now.

use super::super::shared::{Fetched, Page};
use super::draw::say_in;
use super::{ACCEPT, Knowledge};
use crate::console::keys::Key;
use crate::console::look::Look;
use crate::console::parts::{Chosen, columns, panel, table};
use crate::console::screen::{Confirm, Cx, Todo, Tone};
use crate::engine::reply::{ErrorBody, Reply, Suspended};
use crate::engine::request::{AcceptRequest, Request};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Cells of the question.
const QUESTION_CELLS: usize = 34;

impl Knowledge {
    fn waiting(&self) -> &[Suspended] {
        self.review.value.as_deref().unwrap_or_default()
    }

    fn shown_reviews(&self) -> Vec<usize> {
        self.reviews.shown(self.waiting(), |one| format!("{} {} {}", one.question, one.document, one.label))
    }

    fn chosen_review(&self) -> Option<&Suspended> {
        let chosen = self.reviews.chosen(&self.shown_reviews())?;
        self.waiting().get(chosen)
    }

    pub(super) fn key_of_review(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        let rows = self.shown_reviews().len();
        match self.reviews.key(key, rows) {
            Chosen::Moved | Chosen::Opened => return true,
            Chosen::Not => {}
        }
        if key != Key::Char('a') {
            return false;
        }
        if let Some(one) = self.chosen_review() {
            let look = cx.look;
            let question = look.data(&one.question);
            let place = look.data(&one.document);
            let label = look.data(&one.label);
            let confirm = Confirm {
                title: look.t("复核通过?", "Accept it?").to_owned(),
                consequence: vec![
                    look.either(
                        format!("“{question}”重新由《{place}》{label}的现行原文直接回答;在此之前由检索回答。"),
                        format!(
                            "\"{question}\" is answered by {} {label} as it reads now; until then by searching.",
                            place.trim()
                        ),
                    ),
                    look.t(
                        "请先读过下方的新文。复核记入操作记录,不能撤回;条款再变时会再次要求复核。",
                        "Read the new words first. It is written down and cannot be undone; another change asks again.",
                    )
                    .to_owned(),
                ],
                yes: Todo::Ask(Box::new(Request::Accept(AcceptRequest {
                    folded: one.folded.clone(),
                    new_fingerprint: one.new_fingerprint.clone(),
                }))),
                tag: ACCEPT,
            };
            cx.confirm(confirm);
        }
        true
    }

    pub(super) fn accepted(&mut self, reply: Result<Reply, ErrorBody>, cx: &mut Cx<'_>) {
        match reply {
            Ok(Reply::Accepted(one)) => {
                let words = cx.look.t("已复核:", "accepted: ");
                cx.say(Tone::Good, format!("{words}{}", cx.look.data(&one.question)));
            }
            Ok(_) => {}
            Err(error) => {
                let told = cx.error_words(&error);
                cx.say(Tone::Bad, cx.look.both(&told).into_owned());
            }
        }
        self.review.ask_anew(cx, &mut self.tags, Request::Review);
        self.branch.ask_anew(cx, &mut self.tags, Request::Branch);
    }

    pub(super) fn draw_review(&self, frame: &mut Frame, area: Rect, look: &Look) {
        let all = self.waiting();
        let (title, n) = (look.t("待复核的问法", "Questions that wait for review"), all.len());
        let Fetched { value, error, .. } = &self.review;
        if all.is_empty() {
            let none = match value {
                Some(_) => look.t(
                    "没有待复核的问法:常见问题的依据条款都没有变,或者都已有人看过。",
                    "None: the clauses behind common questions are as they were, or somebody has looked at them.",
                ),
                None => look.t("正在读取…", "reading ..."),
            };
            return say_in(frame, area, look, title, error.as_ref(), none);
        }
        let list = Rect { height: area.height / 2, ..area };
        let lower = Rect { y: list.bottom(), height: area.height - list.height, ..area };
        let inner = panel(frame, list, look, &format!("{title} ({n})"));
        let shown = self.shown_reviews();
        self.reviews.draw(frame, inner, look, &shown, |index, room| {
            let Some(one) = all.get(index) else { return Default::default() };
            let place = format!("{}{}", one.document, one.label);
            columns(look, room, &[QUESTION_CELLS], &[(&one.question, Style::new()), (&place, look.quiet())])
        });
        let chosen = self.chosen_review();
        let title = chosen
            .map_or(String::new(), |one| format!("{} {}", look.data(&one.document).trim(), look.data(&one.label)));
        let inner = panel(frame, lower, look, &title);
        let mut page = Page::new(look, inner.width as usize);
        if let Some(one) = chosen {
            page.say(look.t("原文:", "before:"), look.heading());
            page.say(&one.old_text, look.quiet());
            page.say(look.t("新文:", "now:"), look.heading());
            match one.new_text.is_empty() {
                true => page.say(look.t("(条款已删除)", "(the clause is gone)"), look.bad()),
                false => page.say(&one.new_text, Style::new()),
            }
        }
        table(frame, inner, page.lines());
    }
}
