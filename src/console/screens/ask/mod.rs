//! Questions: what tellers asked lately and what became of it, any of them or a new one looked into: the card as a teller sees it, why
//! it came out so, what a model would be given to read, what it writes, and the times.
//!
//! `recent` is the list, `looked` one question with its pages; `card`, `evidence`, `prose` and `times` draw these.

mod card;
mod evidence;
mod looked;
mod prose;
mod recent;
mod times;

use crate::console::keys::{Hint, Key};
use crate::console::messages::Answer;
use crate::console::parts::Field;
use crate::console::screen::{Cx, Screen, Tone, View};
use crate::engine::recent::RecentQuestion;
use crate::engine::reply::Reply;
use crate::engine::request::{AskRequest, Request};
use looked::{Found, Looked};
use ratatui::Frame;
use ratatui::layout::Rect;
use recent::{Act, Recent};

/// Tag of the list of recent questions.
const RECENT: u32 = 1;
/// Tags from here on belong to one question each: an even one to what is looked into, the odd one behind it to what is written.
const FIRST: u32 = 16;

/// The screen.
#[derive(Debug, Default)]
pub struct Ask {
    field: Field,
    /// Keys go into the field.
    writing: bool,
    recent: Recent,
    looked: Option<Looked>,
    /// Questions looked into so far; tells late answers from those that are waited for.
    turns: u32,
}

fn trace_tag(turn: u32) -> u32 {
    FIRST.wrapping_add(turn.wrapping_mul(2))
}

impl Ask {
    /// Leaves the question in sight; what is still being written for it is not waited for.
    fn leave(&mut self, cx: &mut Cx<'_>) {
        if self.looked.take().is_some_and(|looked| looked.prose.is_coming()) {
            cx.forget(trace_tag(self.turns) + 1);
        }
    }

    fn look_into(&mut self, question: String, asked: Option<RecentQuestion>, cx: &mut Cx<'_>) {
        self.leave(cx);
        self.turns = self.turns.wrapping_add(1) % (u32::MAX / 4);
        self.writing = false;
        let kept = !question.trim().is_empty();
        if kept {
            let request = AskRequest { question: question.clone(), ..AskRequest::default() };
            cx.ask(trace_tag(self.turns), Request::Trace(request));
        }
        let found = if kept { Found::Waiting } else { Found::NotKept };
        self.looked = Some(Looked::new(question, asked, found));
    }

    /// Asks for the question in sight once more.
    fn again(&mut self, cx: &mut Cx<'_>) {
        if let Some(looked) = &self.looked {
            let (page, question, asked) = (looked.page(), looked.question.clone(), looked.asked.clone());
            self.look_into(question, asked, cx);
            if let Some(looked) = &mut self.looked {
                looked.turn_to(page);
            }
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>) {
        let Some(looked) = &mut self.looked else { return };
        let serves = cx.shared.overview.as_ref().is_none_or(|overview| {
            let status = &overview.status;
            status.generator.is_some() || status.small_generator.is_some()
        });
        if looked.wants_prose(serves) {
            let request = AskRequest { question: looked.question.clone(), prose: true, ..AskRequest::default() };
            cx.act(trace_tag(self.turns) + 1, Request::Ask(request));
        }
    }

    fn poll(&mut self, cx: &mut Cx<'_>) {
        if self.recent.begin() {
            cx.ask(RECENT, Request::Recent);
        }
    }

    fn key_of_field(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        match key {
            Key::Enter if self.field.text().trim().is_empty() => {
                cx.say(
                    Tone::Bad,
                    cx.look.t("先输入问题,或按 Esc 从列表里选", "Type a question first, or Esc and choose one"),
                );
            }
            Key::Enter => self.look_into(self.field.text(), None, cx),
            Key::Esc | Key::Down | Key::Tab => self.writing = false,
            key => return self.field.key(key),
        }
        true
    }
}

impl Screen for Ask {
    fn hints(&self) -> Vec<Hint> {
        if self.writing {
            return vec![
                Hint::new("Enter", "提问", "ask"),
                Hint::new("Ctrl-u", "清空", "clear"),
                Hint::new("Esc", "到列表", "to the list"),
            ];
        }
        match &self.looked {
            Some(looked) => looked.hints(),
            None => self.recent.hints(),
        }
    }

    fn home(&mut self, cx: &mut Cx<'_>) {
        self.leave(cx);
        self.field.clear();
        self.writing = false;
    }

    fn keys(&self) -> Vec<Hint> {
        let mut keys = self.recent.keys();
        keys.extend([looked::WRITE, looked::AGAIN]);
        keys
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.recent.forget();
        self.poll(cx);
        // What was waited for is lost when the service went away; prose is told its end by the connection itself.
        if self.looked.as_ref().is_some_and(|looked| matches!(looked.found, Found::Waiting | Found::Failed(_))) {
            self.again(cx);
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.looked.is_none() && self.recent.is_time() {
            self.poll(cx);
        }
    }

    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool {
        if self.writing {
            return self.key_of_field(key, cx);
        }
        let Some(looked) = &mut self.looked else {
            match self.recent.key(key) {
                Act::Not if key == Key::Char('i') || key == Key::Enter => self.writing = true,
                Act::Not => return false,
                Act::Done => {}
                Act::Open(question) => self.look_into(question.question.clone(), Some(*question), cx),
            }
            return true;
        };
        match key {
            Key::Esc => {
                self.leave(cx);
                self.poll(cx);
            }
            Key::Char('i') => {
                self.leave(cx);
                self.field.clear();
                self.writing = true;
                self.poll(cx);
            }
            Key::Char('r') if !matches!(looked.found, Found::NotKept) => self.again(cx),
            Key::Char('p') if matches!(looked.found, Found::Here(_)) => self.write(cx),
            key => return looked.key(key),
        }
        true
    }

    fn paste(&mut self, text: &str) {
        if self.writing {
            self.field.paste(text);
        } else {
            self.recent.paste(text);
        }
    }

    fn answer(&mut self, tag: u32, answer: Answer, _: &mut Cx<'_>) {
        if tag == RECENT {
            return self.recent.answer(answer);
        }
        let trace = trace_tag(self.turns);
        let Some(looked) = &mut self.looked else { return };
        if tag == trace + 1 {
            return looked.prose.answer(answer);
        }
        if tag != trace {
            return;
        }
        match answer {
            Answer::Reply(reply) => {
                if let Reply::Trace(trace) = *reply {
                    looked.found = Found::Here(trace);
                }
            }
            Answer::Error(error) => looked.found = Found::Failed(error),
            _ => {}
        }
    }

    fn typing(&self) -> bool {
        self.writing || self.recent.typing()
    }

    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>) {
        match &self.looked {
            Some(looked) => looked.draw(frame, area, view),
            None => self.recent.draw(frame, area, view, &self.field, self.writing),
        }
    }
}
