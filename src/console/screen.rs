//! What a screen is, and what it may do: ask the service, have a person confirm, say a word, go elsewhere. It never waits.

use super::keys::{Hint, Key};
use super::look::Look;
use super::machine::Machine;
use super::messages::{Answer, Effect, Lane, LocalTask, Ticket};
use crate::engine::reply::OverviewReply;
use crate::engine::request::Request;
use crate::types::Bilingual;
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;

/// One screen. Its state changes only through these calls, so that the same calls always end in the same picture.
pub trait Screen {
    /// The keys that do something now, most useful first.
    fn hints(&self) -> Vec<Hint>;

    /// The keys that the help lists, whatever there is to work on now.
    fn keys(&self) -> Vec<Hint> {
        self.hints()
    }

    /// It comes into sight, or the service is back: ask for what is shown.
    fn enter(&mut self, cx: &mut Cx<'_>);

    /// Its key was pressed: back to its first view, so that what the help promises of keys holds from everywhere. What is under way
    /// goes on.
    fn home(&mut self, _cx: &mut Cx<'_>) {}

    /// About a second has passed while it is in sight.
    fn tick(&mut self, _cx: &mut Cx<'_>) {}

    /// Takes a key; returns whether it meant something here. Keys that mean nothing here go to the console.
    fn key(&mut self, key: Key, cx: &mut Cx<'_>) -> bool;

    /// Takes pasted text.
    fn paste(&mut self, _text: &str) {}

    /// What came of an earlier request or task with this tag.
    fn answer(&mut self, tag: u32, answer: Answer, cx: &mut Cx<'_>);

    /// Whether keys are being typed into a field, so that digits and letters belong to it.
    fn typing(&self) -> bool {
        false
    }

    /// Draws itself.
    fn draw(&self, frame: &mut Frame, area: Rect, view: &View<'_>);
}

/// What every screen sees.
#[derive(Debug, Default)]
pub struct Shared {
    /// State of the service, a second old at most while it runs.
    pub overview: Option<OverviewReply>,
    /// The machine.
    pub machine: Machine,
    /// Whether the service can be asked.
    pub online: bool,
    /// The data folder, as it was given.
    pub data: String,
}

/// What a screen draws with.
pub struct View<'a> {
    /// How things look here.
    pub look: &'a Look,
    /// The time.
    pub now: Timestamp,
    /// What every screen sees.
    pub shared: &'a Shared,
}

/// How a word of the console sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Good,
    /// Something did not work.
    Bad,
}

/// Something that waits for a person's yes.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The question.
    pub title: String,
    /// What will happen, in lines.
    pub consequence: Vec<String>,
    /// What is done on a yes, and the tag of its answer.
    pub yes: Todo,
    /// The tag.
    pub tag: u32,
}

/// Something to be done.
#[derive(Debug, Clone)]
pub enum Todo {
    /// By the service.
    Ask(Box<Request>),
    /// By the console's own process.
    Local(LocalTask),
}

/// What a screen wants done; the console does it after the call.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) effects: Vec<Effect>,
    pub(super) confirm: Option<(Option<usize>, Confirm)>,
    pub(super) word: Option<(Tone, String)>,
    pub(super) go: Option<&'static str>,
    pub(super) look: Option<Look>,
}

/// What a screen acts with.
pub struct Cx<'a> {
    /// How things look here.
    pub look: &'a Look,
    /// The time.
    pub now: Timestamp,
    /// What every screen sees.
    pub shared: &'a Shared,
    pub(super) place: Option<usize>,
    pub(super) out: &'a mut Outbox,
}

impl Cx<'_> {
    fn ticket(&self, tag: u32) -> Ticket {
        Ticket { screen: self.place, tag }
    }

    fn send(&mut self, tag: u32, lane: Lane, request: Request) {
        if self.shared.online {
            let ticket = self.ticket(tag);
            self.out.effects.push(Effect::Send { ticket, lane, request: Box::new(request) });
        }
    }

    /// Asks for something to look at.
    pub fn ask(&mut self, tag: u32, request: Request) {
        self.send(tag, Lane::Look, request);
    }

    /// Has something done that may take a while; what is looked at goes on meanwhile.
    pub fn act(&mut self, tag: u32, request: Request) {
        self.send(tag, Lane::Act, request);
    }

    /// Nobody waits for the answers with this tag any more: prose that is being written is ended.
    pub fn forget(&mut self, tag: u32) {
        let ticket = self.ticket(tag);
        self.out.effects.push(Effect::Forget(ticket));
    }

    /// Has the console's own process do something.
    pub fn local(&mut self, tag: u32, task: LocalTask) {
        let ticket = self.ticket(tag);
        self.out.effects.push(Effect::Local(ticket, task));
    }

    /// Asks the person first.
    pub fn confirm(&mut self, confirm: Confirm) {
        self.out.confirm = Some((self.place, confirm));
    }

    /// Says a word at the lower edge for a few seconds.
    pub fn say(&mut self, tone: Tone, words: impl Into<String>) {
        self.out.word = Some((tone, words.into()));
    }

    /// Goes to the screen of this name.
    pub fn go(&mut self, id: &'static str) {
        self.out.go = Some(id);
    }

    /// Looks otherwise from now on.
    pub fn set_look(&mut self, look: Look) {
        self.out.look = Some(look);
    }

    /// An error of the service in the language of the console: the code, what happened, what to do.
    pub fn error_words(&self, error: &crate::error::ErrorBody) -> Bilingual {
        super::words::of_error(self.look, error)
    }
}
