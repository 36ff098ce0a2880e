//! Everything that may happen to a console, in a random order that can be had again: keys, seconds, sizes, answers that come in time,
//! late, never or out of place, a service that goes and comes.

use super::fake::{self, Fake, import, models};
use super::{Mode, buffer_of, gone, noon};
use guida::admin::client::ConnectError;
use guida::console::app::App;
use guida::console::jobs::JOBS;
use guida::console::keys::Key;
use guida::console::messages::{Answer, Effect, Lane, LinkProblem, LocalOutcome, LocalTask, Message, Ticket};
use guida::engine::modeling::ModelWork;
use guida::engine::reply::{ProseEvent, Reply};
use guida::engine::request::Request;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Sizes of terminals; every other size may come too.
const SIZES: [(u16, u16); 6] = [(80, 24), (120, 40), (200, 60), (100, 30), (80, 25), (132, 43)];
const WIDEST: usize = 200;
const HIGHEST: usize = 60;
/// Ways into views that single keys seldom lead to.
const WAYS: [&str; 16] = [
    "2\n\n",
    "2d\n",
    "2g",
    "2va",
    "2by",
    "2fy",
    "3\n",
    "3\nd\n",
    "3\ns",
    "3\ncy",
    "3p/mnt\n",
    "4d",
    "4by",
    "5\np",
    "5i挂失\n",
    "7\n",
];
const PLAIN_KEYS: [Key; 20] = [
    Key::Enter,
    Key::Enter,
    Key::Esc,
    Key::Esc,
    Key::Up,
    Key::Down,
    Key::Down,
    Key::Left,
    Key::Right,
    Key::Right,
    Key::PageUp,
    Key::PageDown,
    Key::Home,
    Key::End,
    Key::Tab,
    Key::BackTab,
    Key::Backspace,
    Key::Delete,
    Key::F(1),
    Key::Ctrl('u'),
];

/// Numbers that can be had again: xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

enum Todo {
    Ask(Box<Request>),
    Local(LocalTask),
}

/// A console and what is around it.
pub struct World {
    app: App,
    fake: Fake,
    rng: Rng,
    mode: Mode,
    now: Timestamp,
    online: bool,
    keys: VecDeque<Key>,
    waiting: Vec<(Ticket, Lane, Todo)>,
    answers: VecDeque<(Ticket, Answer)>,
    /// Tickets that were answered.
    old: Vec<Ticket>,
    /// Screens that were in sight.
    pub reached: BTreeSet<&'static str>,
}

impl World {
    pub fn new(mode: Mode, seed: u64) -> World {
        let app = App::new((mode.look)(), "/var/lib/柜答", noon());
        World {
            app,
            fake: Fake::default(),
            rng: Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            mode,
            now: noon(),
            online: false,
            keys: VecDeque::new(),
            waiting: Vec::new(),
            answers: VecDeque::new(),
            old: Vec::new(),
            reached: BTreeSet::new(),
        }
    }

    /// One more thing happens. Returns what it was, what is to be done, and a mark of the picture.
    pub fn step(&mut self) -> (String, String, u64) {
        let message = self.next();
        let what = format!("{message:?}");
        let mut effects = format!("{:?}", self.take(message));
        // Some keys more than one may draw between: not every message is seen.
        if self.rng.below(8) == 0 {
            let message = self.next();
            effects += &format!("{:?}", self.take(message));
        }
        self.reached.insert(self.app.at());
        let mut mark = DefaultHasher::new();
        buffer_of(&self.app, self.mode).hash(&mut mark);
        (what, effects, mark.finish())
    }

    /// Has it happen; returns the effects as they are written.
    fn take(&mut self, message: Message) -> String {
        let effects = self.app.update(message);
        let told = format!("{effects:?}");
        for effect in effects {
            match effect {
                Effect::Send { ticket, lane, request } => {
                    // A yes may come in the moment in which the service goes; nothing else asks one that is gone.
                    assert!(self.online || lane == Lane::Act, "asked without a service: {request:?}");
                    self.waiting.push((ticket, lane, Todo::Ask(request)));
                }
                Effect::Local(ticket, task) => self.waiting.push((ticket, Lane::Act, Todo::Local(task))),
                Effect::Forget(ticket) => self.answers.retain(|(to, _)| *to != ticket),
                Effect::Relink | Effect::Quit => {}
            }
        }
        told
    }

    fn next(&mut self) -> Message {
        if let Some(key) = self.keys.pop_front() {
            if self.rng.below(3) > 0 {
                return Message::Key(key);
            }
            self.keys.push_front(key);
        }
        match self.rng.below(100) {
            0..30 => Message::Key(self.key()),
            30..36 => {
                let way = if self.rng.below(3) == 0 {
                    let at = self.rng.below(JOBS.len());
                    JOBS[at].keys.to_vec()
                } else {
                    let of = |c| if c == '\n' { Key::Enter } else { Key::Char(c) };
                    self.rng.pick(&WAYS).chars().map(of).collect()
                };
                self.keys.extend(way);
                Message::Key(self.key())
            }
            36..50 => self.tick(),
            50..84 => self.answer(),
            84..86 => Message::Paste(self.rng.pick(&["挂失\n补领", "y", "\u{1b}[A\t", ""]).into()),
            86..90 => self.resized(),
            90..92 => Message::Machine(fake::machine()),
            92..94 => self.go(),
            94..97 => {
                self.online = true;
                Message::Linked(fake::greeting())
            }
            97..99 => self.out_of_place(),
            _ => {
                self.change_service();
                Message::Resized
            }
        }
    }

    fn key(&mut self) -> Key {
        match self.rng.below(10) {
            0..3 => self.rng.pick(&PLAIN_KEYS),
            3 => Key::Char(self.rng.pick(&['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'])),
            4 => Key::Char(self.rng.pick(&['/', '?', 'y', 'n', ' ', '挂', '\u{ff1f}', 'é', '\u{200b}', '👍'])),
            _ => {
                let letter = b'a' + self.rng.below(26) as u8;
                Key::Char(if self.rng.below(9) == 0 { letter.to_ascii_uppercase() } else { letter } as char)
            }
        }
    }

    fn tick(&mut self) -> Message {
        // Most often a second; a machine that slept, and a clock that was set.
        let seconds = match self.rng.below(40) {
            0 => 10_000,
            1 => -100_000,
            _ => 1,
        };
        self.now += SignedDuration::from_secs(seconds);
        Message::Tick(self.now)
    }

    fn resized(&mut self) -> Message {
        self.mode.size = match self.rng.below(3) {
            0 => (1 + self.rng.below(WIDEST) as u16, 1 + self.rng.below(HIGHEST) as u16),
            _ => self.rng.pick(&SIZES),
        };
        Message::Resized
    }

    fn go(&mut self) -> Message {
        self.online = false;
        let why = match self.rng.below(4) {
            0 => LinkProblem::Connect(ConnectError::NoSocket),
            1 => LinkProblem::Connect(ConnectError::Denied { group: None }),
            2 => LinkProblem::Connect(ConnectError::TimedOut),
            _ => LinkProblem::Lost,
        };
        Message::Unlinked(why)
    }

    /// The next part of what is being told, or an answer to any request that waits.
    fn answer(&mut self) -> Message {
        if let Some((ticket, answer)) = self.answers.pop_front() {
            return Message::Answer(ticket, answer);
        }
        if self.waiting.is_empty() {
            return self.tick();
        }
        // Mostly the one that has waited longest.
        let at = if self.rng.below(5) == 0 { self.rng.below(self.waiting.len()) } else { 0 };
        let (ticket, _, todo) = self.waiting.remove(at);
        self.old.push(ticket);
        let mut answers: VecDeque<Answer> = match todo {
            Todo::Ask(_) if !self.online => [Answer::Error(gone())].into(),
            Todo::Ask(request) => self.fake.answer(*request).into(),
            Todo::Local(LocalTask::Start) if self.rng.below(2) == 0 => {
                [Answer::Local(LocalOutcome::Failed(gone()))].into()
            }
            Todo::Local(LocalTask::Start) => [Answer::Local(LocalOutcome::Started("guida serve".into()))].into(),
            Todo::Local(LocalTask::Doctor) => [Answer::Local(LocalOutcome::Doctor(fake::doctor::reply()))].into(),
            Todo::Local(LocalTask::LogTail) => {
                [Answer::Local(LocalOutcome::Log { file: "guida.log".into(), lines: fake::logs::tail() })].into()
            }
        };
        let first = answers.pop_front();
        self.answers.extend(answers.into_iter().map(|answer| (ticket, answer)));
        first.map_or(Message::Resized, |answer| Message::Answer(ticket, answer))
    }

    /// An answer that nobody waits for, or of another kind than was asked for.
    fn out_of_place(&mut self) -> Message {
        let known: Vec<Ticket> = self.old.iter().copied().chain(self.waiting.iter().map(|(to, ..)| *to)).collect();
        let ticket = match self.rng.below(3) {
            0 => Ticket { screen: Some(self.rng.below(12)), tag: self.rng.below(40) as u32 },
            _ if known.is_empty() => Ticket { screen: None, tag: 77 },
            _ => self.rng.pick(&known),
        };
        let answer = match self.rng.below(6) {
            0 => Answer::Error(gone()),
            1 => Answer::Reply(Box::new(Reply::Journal(fake::logs::journal()))),
            2 => Answer::Reply(Box::new(self.fake.import.sticks())),
            3 => Answer::Prose(Box::new(ProseEvent::Token { text: "晚了".into() })),
            4 => Answer::ProseEnd,
            _ => Answer::Local(LocalOutcome::Failed(gone())),
        };
        Message::Answer(ticket, answer)
    }

    /// Something becomes other at the service.
    fn change_service(&mut self) {
        let fake = &mut self.fake;
        match self.rng.below(12) {
            0 => fake.well = !fake.well,
            1 => fake.import.stays = !fake.import.stays,
            2 => fake.import.bad = !fake.import.bad,
            3 => fake.import.at = self.rng.pick(&[import::At::Idle, import::At::Waiting, import::At::Unpacking]),
            4 => fake.knowledge.back = !fake.knowledge.back,
            5 => fake.knowledge.bare = !fake.knowledge.bare,
            6 => fake.models.work = models::benched(),
            7 => fake.models.work = models::failed(),
            8 => fake.models.work = ModelWork::Idle,
            9 => fake.models.empty = !fake.models.empty,
            10 => fake.asking.nobody = !fake.asking.nobody,
            _ => fake.asking.events = if fake.asking.events.is_none() { Some(3) } else { None },
        }
    }
}
