//! The console's state, and the one function that changes it. [`App::update`] takes what happened and returns what is to be done; it
//! reads no clock, no file and no socket, so that a list of messages always ends in the same picture.

use super::keys::Key;
use super::look::Look;
use super::messages::{Answer, Effect, Lane, LinkProblem, LocalOutcome, LocalTask, Message, Ticket};
use super::screen::{Confirm, Cx, Outbox, Screen, Shared, Todo, Tone};
use super::screens::SCREENS;
use super::words;
use crate::admin::Greeting;
use crate::engine::reply::Reply;
use crate::engine::request::Request;
use jiff::Timestamp;

/// Seconds that a word stays at the lower edge.
const WORD_S: i64 = 8;
/// What an input method makes of the question mark.
const WIDE_QUESTION: char = '\u{ff1f}';
/// The console's own tags: of starting the service, and from here on of looks at it, each look with one of its own.
const START: u32 = 1;
const OVERVIEW: u32 = 2;

/// Whether the service can be asked.
#[derive(Debug)]
pub enum Link {
    /// It was not tried yet.
    Trying,
    /// It can, and this is how it presented itself.
    Up(Greeting),
    /// It cannot.
    Down {
        /// Why.
        why: LinkProblem,
        /// Since when.
        since: Timestamp,
        /// It was there before.
        was_up: bool,
    },
}

/// What lies over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of this screen.
    Keys,
    /// A question that waits for a yes, of the screen at this place or of the console itself.
    Confirm(Option<usize>, Confirm),
}

/// Everything that is seen.
pub struct App {
    pub(super) look: Look,
    pub(super) screens: Vec<Box<dyn Screen>>,
    pub(super) at: usize,
    pub(super) link: Link,
    pub(super) overlay: Option<Overlay>,
    pub(super) word: Option<(Tone, String, Timestamp)>,
    pub(super) shared: Shared,
    pub(super) now: Timestamp,
    /// The tag of the look at the service that is on its way, and how many there were.
    awaited: Option<u32>,
    looks: u32,
}

impl App {
    /// The console before anything has happened; `data` is the data folder, as it was given.
    pub fn new(look: Look, data: &str, now: Timestamp) -> App {
        App {
            look,
            screens: SCREENS.iter().map(|entry| (entry.new)()).collect(),
            at: 0,
            link: Link::Trying,
            overlay: None,
            word: None,
            shared: Shared { data: data.to_owned(), ..Shared::default() },
            now,
            awaited: None,
            looks: 0,
        }
    }

    /// The name of the screen in sight.
    pub fn at(&self) -> &'static str {
        SCREENS.get(self.at).map_or("", |entry| entry.id)
    }

    /// The processes of the service, whose memory is watched.
    pub fn service_pids(&self) -> Vec<u32> {
        let pids = self.shared.overview.iter().flat_map(|o| std::iter::once(&o.pid).chain(&o.generator_pids));
        pids.copied().collect()
    }

    /// Takes what happened; returns what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let mut out = Outbox::default();
        match message {
            Message::Key(key) => self.key(key, &mut out),
            Message::Paste(text) => {
                if self.overlay.is_none()
                    && self.usable()
                    && let Some(screen) = self.screens.get_mut(self.at)
                {
                    screen.paste(&text);
                }
            }
            Message::Resized => {}
            Message::Tick(now) => self.tick(now, &mut out),
            Message::Linked(greeting) => self.linked(greeting, &mut out),
            Message::Unlinked(why) => self.unlinked(why),
            Message::Answer(ticket, answer) => self.answer(ticket, answer, &mut out),
            Message::Machine(reading) => self.shared.machine.take(reading),
            Message::End => out.effects.push(Effect::Quit),
        }
        self.carry_out(out)
    }

    /// Does what screens have asked for, as far as it changes the console itself.
    fn carry_out(&mut self, mut out: Outbox) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut out.effects);
        if let Some((tone, words)) = out.word.take() {
            self.word = Some((tone, words, self.now));
        }
        if let Some((place, confirm)) = out.confirm.take() {
            self.overlay = Some(Overlay::Confirm(place, confirm));
        }
        if let Some(look) = out.look.take() {
            self.look = look;
        }
        if let Some(place) = out.go.take().and_then(|id| SCREENS.iter().position(|entry| entry.id == id)) {
            let mut there = Outbox::default();
            self.with_screen(place, &mut there, |screen, cx| screen.home(cx));
            effects.extend(there.effects);
            effects.extend(self.show(place));
        }
        effects
    }

    /// Brings a screen into sight.
    fn show(&mut self, place: usize) -> Vec<Effect> {
        self.at = place;
        self.overlay = None;
        let mut out = Outbox::default();
        self.enter(&mut out);
        self.carry_out(out)
    }

    fn enter(&mut self, out: &mut Outbox) {
        self.with_screen(self.at, out, |screen, cx| screen.enter(cx));
    }

    fn with_screen<T>(
        &mut self,
        place: usize,
        out: &mut Outbox,
        act: impl FnOnce(&mut Box<dyn Screen>, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let screen = self.screens.get_mut(place)?;
        let mut cx = Cx { look: &self.look, now: self.now, shared: &self.shared, place: Some(place), out };
        Some(act(screen, &mut cx))
    }

    /// Whether the screen in sight can be used now.
    pub(super) fn usable(&self) -> bool {
        self.shared.online || SCREENS.get(self.at).is_some_and(|entry| entry.alone)
    }

    /// Whether keys are being typed into a field.
    pub(super) fn typing(&self) -> bool {
        self.usable() && self.screens.get(self.at).is_some_and(|screen| screen.typing())
    }

    fn key(&mut self, key: Key, out: &mut Outbox) {
        if key == Key::Ctrl('c') {
            return out.effects.push(Effect::Quit);
        }
        match self.overlay.take() {
            Some(Overlay::Confirm(place, confirm)) => return self.decide(key, place, confirm, out),
            // Any key closes it; one that goes elsewhere goes there.
            Some(Overlay::Keys) if matches!(key, Key::Esc | Key::Enter | Key::Char('?' | WIDE_QUESTION | 'q')) => {
                return;
            }
            Some(Overlay::Keys) | None => {}
        }
        if !self.typing() && self.global(key, out) {
            return;
        }
        if self.usable() && self.with_screen(self.at, out, |screen, cx| screen.key(key, cx)) == Some(true) {
            return;
        }
        match key {
            Key::Tab => out.effects.extend(self.show((self.at + 1) % SCREENS.len())),
            Key::BackTab => out.effects.extend(self.show((self.at + SCREENS.len() - 1) % SCREENS.len())),
            Key::Esc if self.at != 0 => out.effects.extend(self.show(0)),
            Key::Char('s') if !self.shared.online => self.offer_start(out),
            Key::Char('r') if !self.shared.online => out.effects.push(Effect::Relink),
            _ => {}
        }
    }

    /// Keys that work everywhere but in a field.
    fn global(&mut self, key: Key, out: &mut Outbox) -> bool {
        match key {
            Key::Char('?' | WIDE_QUESTION) | Key::F(1) => self.overlay = Some(Overlay::Keys),
            Key::Char('q') => out.effects.push(Effect::Quit),
            Key::Char(c) => match SCREENS.iter().position(|entry| entry.key == c) {
                Some(place) => {
                    self.with_screen(place, out, |screen, cx| screen.home(cx));
                    out.effects.extend(self.show(place));
                }
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// A key while something waits for a yes. Only `y` is one; Enter is not, it is pressed too easily.
    fn decide(&mut self, key: Key, place: Option<usize>, confirm: Confirm, out: &mut Outbox) {
        match key {
            Key::Char('y' | 'Y') => {
                let ticket = Ticket { screen: place, tag: confirm.tag };
                out.effects.push(match confirm.yes {
                    Todo::Ask(request) => Effect::Send { ticket, lane: Lane::Act, request },
                    Todo::Local(task) => Effect::Local(ticket, task),
                });
            }
            Key::Char('n' | 'N' | 'q') | Key::Esc => {}
            _ => self.overlay = Some(Overlay::Confirm(place, confirm)),
        }
    }

    fn offer_start(&mut self, out: &mut Outbox) {
        let look = &self.look;
        let data = look.data(&self.shared.data);
        out.confirm = Some((
            None,
            Confirm {
                title: look.t("启动服务?", "Start the service?").to_owned(),
                consequence: vec![match look.language() {
                    super::look::Language::Chinese => {
                        format!(
                            "将启动柜答服务(数据目录 {data};装有系统服务时用 systemctl start guida,否则直接运行 guida serve)。启动后柜员可以提问,本控制台自动连接。"
                        )
                    }
                    super::look::Language::English => {
                        format!(
                            "Starts the service with data folder {data} (systemctl start guida where it is installed, else guida serve); tellers can ask then, and this console connects by itself."
                        )
                    }
                }],
                yes: Todo::Local(LocalTask::Start),
                tag: START,
            },
        ));
    }

    fn tick(&mut self, now: Timestamp, out: &mut Outbox) {
        self.now = now;
        // A clock that was set back does not keep it.
        if self.word.as_ref().is_some_and(|(_, _, at)| !(0..WORD_S).contains(&(now.as_second() - at.as_second()))) {
            self.word = None;
        }
        self.ask_overview(out);
        if self.usable() {
            self.with_screen(self.at, out, |screen, cx| screen.tick(cx));
        }
    }

    fn ask_overview(&mut self, out: &mut Outbox) {
        // A service that is slow to answer is not asked again before it has.
        if self.shared.online && self.awaited.is_none() {
            let ticket = Ticket { screen: None, tag: OVERVIEW + self.looks };
            self.looks = (self.looks + 1) % (u32::MAX / 2);
            self.awaited = Some(ticket.tag);
            out.effects.push(Effect::Send { ticket, lane: Lane::Look, request: Box::new(Request::Overview) });
        }
    }

    fn linked(&mut self, greeting: Greeting, out: &mut Outbox) {
        if matches!(self.link, Link::Down { was_up: true, .. }) {
            out.word = Some((Tone::Good, self.look.t("服务已恢复", "The service is back").to_owned()));
        }
        self.link = Link::Up(greeting);
        self.shared.online = true;
        // What was asked before it went away is not answered, and one that runs need not be started.
        self.awaited = None;
        if matches!(self.overlay, Some(Overlay::Confirm(None, _))) {
            self.overlay = None;
        }
        self.ask_overview(out);
        self.enter(out);
    }

    fn unlinked(&mut self, why: LinkProblem) {
        let (since, was_up) = match &self.link {
            Link::Down { since, was_up, .. } => (*since, *was_up),
            Link::Up(_) => (self.now, true),
            Link::Trying => (self.now, false),
        };
        self.link = Link::Down { why, since, was_up };
        self.shared.online = false;
        self.shared.overview = None;
        // What waits for a yes was about a service that is gone.
        if matches!(self.overlay, Some(Overlay::Confirm(Some(_), _))) {
            self.overlay = None;
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer, out: &mut Outbox) {
        if let Some(place) = ticket.screen {
            self.with_screen(place, out, |screen, cx| screen.answer(ticket.tag, answer, cx));
            return;
        }
        if ticket.tag != START {
            if self.awaited != Some(ticket.tag) {
                return;
            }
            self.awaited = None;
            if let Answer::Reply(reply) = answer
                && let Reply::Overview(overview) = *reply
                && self.shared.online
            {
                self.shared.overview = Some(*overview);
            }
            return;
        }
        match answer {
            Answer::Local(LocalOutcome::Started(command)) => {
                let words = self.look.t("已执行启动命令,正在等待服务:", "Started, waiting for the service: ");
                out.word = Some((Tone::Good, format!("{words}{}", self.look.data(&command))));
                out.effects.push(Effect::Relink);
            }
            Answer::Error(error) | Answer::Local(LocalOutcome::Failed(error)) => {
                let told = words::of_error(&self.look, &error);
                out.word = Some((Tone::Bad, self.look.both(&told).into_owned()));
            }
            _ => {}
        }
    }
}
