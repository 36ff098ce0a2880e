//! The terminal console: where branch IT live. A client of the running service over its Unix socket; nothing in it touches the
//! database or a model, and every action is a request that passes the engine's door with the caller's name.
//!
//! Everything that happens is a [`messages::Message`]: a key, a second that passed, an answer. [`app::App::update`] takes it and
//! returns what is to be done ([`messages::Effect`]); [`screens`] hold what each screen knows and draws, [`screen`] is what a screen
//! may do, [`parts`] are what it is made of, `chrome` stands around it. `link` asks the service, `local` does what needs none,
//! [`machine`] looks at processors and memory, each on threads of their own, so that a key is drawn at once whatever they do.
//! [`look`] knows language, characters and colours of the terminal, [`pinyin`] and [`cells`] Chinese on it.

pub mod alarms;
pub mod app;
pub mod cells;
mod chrome;
pub mod jobs;
pub mod keys;
mod link;
mod local;
pub mod look;
pub mod machine;
pub mod messages;
pub mod parts;
pub mod picture;
pub mod pinyin;
pub mod screen;
pub mod screens;
pub mod terminal;
pub mod words;

pub use chrome::{GLOBAL, SMALLEST};

use crate::error::{Code, Error, Result};
use app::App;
use jiff::Timestamp;
use keys::Key;
use link::Lanes;
use local::Local;
use look::Look;
use machine::Observer;
use messages::{Effect, Message};
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGTERM};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use terminal::Held;

/// Time between two ticks.
const TICK: Duration = Duration::from_secs(1);
/// Time between two looks at the machine.
const MACHINE: Duration = Duration::from_secs(2);
/// Messages taken in before the screen is drawn once for all of them.
const AT_ONCE: usize = 64;

/// Runs the console until the person leaves it.
///
/// # Errors
/// `CONSOLE_TERMINAL` without a terminal; `INTERNAL` when the system gives no threads.
pub fn run(data: &Path, socket: &Path, look: Look) -> Result<()> {
    let (out, messages) = channel();
    let no_threads = |e: std::io::Error| {
        Error::new(Code::Internal, format!("不能开始控制台:{e}"), "检查系统的进程数限制").because(e)
    };
    let mut held = Held::take()?;
    let lanes = Lanes::start(socket, &out).map_err(no_threads)?;
    let local = Local::start(data, &out).map_err(no_threads)?;
    let pids = Arc::new(Mutex::new(Vec::new()));
    watch_machine(data, Arc::clone(&pids), out.clone()).map_err(no_threads)?;
    watch_keys(out.clone()).map_err(no_threads)?;
    watch_signals(out).map_err(no_threads)?;

    let mut app = App::new(look, &data.display().to_string(), Timestamp::now());
    let mut ticked = Instant::now();
    draw(&mut held, &app)?;
    loop {
        let waited = next(&messages, &mut ticked);
        let mut quit = false;
        for message in waited {
            for effect in app.update(message) {
                match effect {
                    Effect::Send { ticket, lane, request } => lanes.send(lane, ticket, request),
                    Effect::Forget(ticket) => lanes.forget(ticket),
                    Effect::Local(ticket, task) => local.send(ticket, task),
                    Effect::Relink => lanes.reach(),
                    Effect::Quit => quit = true,
                }
            }
        }
        if quit {
            return Ok(());
        }
        *pids.lock().unwrap_or_else(PoisonError::into_inner) = app.service_pids();
        draw(&mut held, &app)?;
    }
}

/// Waits for the next message or tick; what has come meanwhile comes with it.
fn next(messages: &Receiver<Message>, ticked: &mut Instant) -> Vec<Message> {
    let mut taken = Vec::new();
    match messages.recv_timeout(TICK.saturating_sub(ticked.elapsed())) {
        Ok(message) => taken.push(message),
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => taken.push(Message::End),
    }
    taken.extend(messages.try_iter().take(AT_ONCE));
    if ticked.elapsed() >= TICK {
        *ticked = Instant::now();
        taken.push(Message::Tick(Timestamp::now()));
    }
    taken
}

fn draw(held: &mut Held, app: &App) -> Result<()> {
    let drawn = held.terminal.draw(|frame| app.draw(frame));
    drawn.map(drop).map_err(|e| {
        Error::new(Code::ConsoleTerminal, format!("终端不能再写:{e}"), "重新登录后再打开控制台").because(e)
    })
}

/// Passes keys on; ends the console when the terminal is gone.
fn watch_keys(out: Sender<Message>) -> std::io::Result<()> {
    let watch = move || {
        loop {
            let message = match event::read() {
                Ok(Event::Key(key)) => Key::of(key).map(Message::Key),
                Ok(Event::Paste(text)) => Some(Message::Paste(text)),
                Ok(Event::Resize(..)) => Some(Message::Resized),
                Ok(_) => None,
                Err(_) => Some(Message::End),
            };
            let ends = matches!(message, Some(Message::End));
            if message.is_some_and(|message| out.send(message).is_err()) || ends {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".into()).spawn(watch).map(drop)
}

/// A signal that asks the console to end lets it give the terminal back.
fn watch_signals(out: Sender<Message>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP])?;
    let watch = move || {
        if signals.forever().next().is_some() {
            let _ = out.send(Message::End);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).map(drop)
}

fn watch_machine(data: &Path, pids: Arc<Mutex<Vec<u32>>>, out: Sender<Message>) -> std::io::Result<()> {
    let mut observer = Observer::new(data);
    let watch = move || {
        loop {
            let of_service = pids.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if out.send(Message::Machine(observer.look(&of_service))).is_err() {
                return;
            }
            thread::sleep(MACHINE);
        }
    };
    thread::Builder::new().name("machine".into()).spawn(watch).map(drop)
}
