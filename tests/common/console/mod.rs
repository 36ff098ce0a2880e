//! The console without terminal and service: keys go in, the picture comes out, and what it asks is answered by [`Fake`].

#![allow(dead_code)] // Each test file uses its own part.

pub mod fake;
pub mod world;

use fake::Fake;
use guida::console::app::App;
use guida::console::keys::Key;
use guida::console::look::{Charset, Colors, Language, Look};
use guida::console::messages::{Answer, Effect, LinkProblem, LocalOutcome, LocalTask, Message, Ticket};
use guida::error::{Code, Error, ErrorBody};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use std::collections::VecDeque;
use unicode_width::UnicodeWidthStr;

/// A terminal to draw on.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// What it is called in names of snapshots.
    pub name: &'static str,
    pub size: (u16, u16),
    pub look: fn() -> Look,
}

fn chinese() -> Look {
    Look::new(Language::Chinese, Charset::Unicode, Colors::Sixteen)
}

fn fallback() -> Look {
    Look::new(Language::English, Charset::Ascii, Colors::Sixteen)
}

fn english() -> Look {
    Look::new(Language::English, Charset::Unicode, Colors::None)
}

/// The three of the snapshots.
pub const MODES: [Mode; 3] = [
    Mode { name: "80x24", size: (80, 24), look: chinese },
    Mode { name: "120x40", size: (120, 40), look: chinese },
    Mode { name: "fallback", size: (80, 24), look: fallback },
];
/// English with a font, without colours.
pub const ENGLISH: Mode = Mode { name: "english", size: (100, 30), look: english };

/// The time at which everything happens: 2026-11-21, 15:04:05 in China.
pub fn noon() -> Timestamp {
    "2026-11-21T07:04:05Z".parse().unwrap()
}

/// The console on a stage.
pub struct Stage {
    pub app: App,
    pub fake: Fake,
    mode: Mode,
    now: Timestamp,
    online: bool,
    /// The person has left.
    pub left: bool,
    /// Requests that were made, in order, without the overview's.
    pub asked: Vec<guida::engine::request::Request>,
    /// What nobody waits for any more.
    pub forgotten: Vec<Ticket>,
}

impl Stage {
    /// A console that has just found its service.
    pub fn new(mode: Mode) -> Stage {
        Stage::with(mode, Fake::default())
    }

    /// The same with a service of one's own.
    pub fn with(mode: Mode, fake: Fake) -> Stage {
        let mut stage = Stage::alone(mode, fake);
        stage.service_comes();
        stage
    }

    /// A console without a service.
    pub fn alone(mode: Mode, fake: Fake) -> Stage {
        let app = App::new((mode.look)(), "/var/lib/guida", noon());
        let mut stage = Stage {
            app,
            fake,
            mode,
            now: noon(),
            online: false,
            left: false,
            asked: Vec::new(),
            forgotten: Vec::new(),
        };
        stage.happen(Message::Machine(fake::machine()));
        stage
    }

    pub fn service_comes(&mut self) {
        self.online = true;
        self.happen(Message::Linked(fake::greeting()));
    }

    pub fn service_goes(&mut self, why: LinkProblem) {
        self.online = false;
        self.happen(Message::Unlinked(why));
    }

    /// Something happens, and everything that follows from it.
    pub fn happen(&mut self, message: Message) {
        let mut effects: VecDeque<Effect> = self.app.update(message).into();
        while let Some(effect) = effects.pop_front() {
            for message in self.carry_out(effect) {
                effects.extend(self.app.update(message));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Vec<Message> {
        match effect {
            Effect::Send { ticket, request, .. } if self.online => {
                use guida::engine::request::Request;
                if !matches!(*request, Request::Overview) {
                    self.asked.push((*request).clone());
                }
                self.fake.answer(*request).into_iter().map(|answer| Message::Answer(ticket, answer)).collect()
            }
            Effect::Send { ticket, .. } => vec![Message::Answer(ticket, Answer::Error(gone()))],
            Effect::Local(ticket, task) => vec![Message::Answer(ticket, Answer::Local(self.local(&task, ticket)))],
            Effect::Forget(ticket) => {
                self.forgotten.push(ticket);
                Vec::new()
            }
            Effect::Relink => Vec::new(),
            Effect::Quit => {
                self.left = true;
                Vec::new()
            }
        }
    }

    fn local(&self, task: &LocalTask, _: Ticket) -> LocalOutcome {
        match task {
            LocalTask::Start => LocalOutcome::Started("systemctl start guida".into()),
            LocalTask::Doctor => LocalOutcome::Doctor(fake::doctor::reply()),
            LocalTask::LogTail => {
                LocalOutcome::Log { file: "/var/lib/guida/log/guida.log".into(), lines: fake::logs::tail() }
            }
        }
    }

    pub fn press(&mut self, keys: &[Key]) -> &mut Stage {
        for key in keys {
            self.happen(Message::Key(*key));
        }
        self
    }

    /// Types characters; `\n` is Enter.
    pub fn keys(&mut self, typed: &str) -> &mut Stage {
        for c in typed.chars() {
            self.press(&[if c == '\n' { Key::Enter } else { Key::Char(c) }]);
        }
        self
    }

    /// Lets a second pass.
    pub fn second(&mut self) -> &mut Stage {
        self.now += jiff::SignedDuration::from_secs(1);
        self.happen(Message::Tick(self.now));
        self
    }

    /// The picture, line by line, after a look at what every picture must keep to.
    pub fn picture(&self) -> String {
        picture_of(&self.app, self.mode)
    }

    /// Whether the picture says this, wherever lines break.
    pub fn shows(&self, words: &str) -> bool {
        let squeezed =
            |text: &str| text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect::<String>();
        squeezed(&self.picture()).contains(&squeezed(words))
    }
}

fn gone() -> ErrorBody {
    ErrorBody::from(&Error::new(Code::ServiceGone, "服务没有应答这次操作", "等服务恢复后看结果"))
}

/// Draws the console at the mode's size.
pub fn picture_of(app: &App, mode: Mode) -> String {
    text(&buffer_of(app, mode))
}

/// The cells of that picture, after a look at what every one must keep to.
pub fn buffer_of(app: &App, mode: Mode) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(mode.size.0, mode.size.1)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let look = (mode.look)();
    let buffer = terminal.backend().buffer();
    for cell in buffer.content() {
        let plain = [Color::Reset, Color::Black, Color::White, Color::Gray, Color::DarkGray];
        let sixteen = |color: Color| plain.contains(&color) || !matches!(color, Color::Rgb(..) | Color::Indexed(_));
        assert!(sixteen(cell.fg) && sixteen(cell.bg), "{cell:?}");
        assert!(
            !look.is_ascii() || cell.symbol().is_ascii(),
            "not in a small font: {:?}\n{}",
            cell.symbol(),
            text(buffer)
        );
        let plain = (cell.fg, cell.bg) == (Color::Reset, Color::Reset);
        assert!(look.colors() == Colors::Sixteen || plain, "a colour under NO_COLOR: {cell:?}");
    }
    buffer.clone()
}

/// The lines as a terminal shows them: what stands behind the second half of a wide character is not seen.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
