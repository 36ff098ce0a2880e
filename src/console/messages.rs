//! Everything that can happen to the console, and everything it can have done. [`super::app`] turns the one into the other.

use super::keys::Key;
use super::machine::Reading;
use crate::admin::Greeting;
use crate::admin::client::ConnectError;
use crate::engine::doctor::DoctorReply;
use crate::engine::reply::{ErrorBody, ProseEvent, Reply};
use crate::engine::request::Request;
use jiff::Timestamp;

/// Something happened.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resized,
    /// About a second has passed; the time.
    Tick(Timestamp),
    /// The service can be asked.
    Linked(Greeting),
    /// The service cannot be asked.
    Unlinked(LinkProblem),
    /// What came of a request or a task.
    Answer(Ticket, Answer),
    /// A look at the machine.
    Machine(Reading),
    /// The console is to end.
    End,
}

/// What came of a request or a task.
#[derive(Debug)]
pub enum Answer {
    /// The service's reply.
    Reply(Box<Reply>),
    /// The service's error, or that it could not be asked.
    Error(ErrorBody),
    /// Prose comes.
    Prose(Box<ProseEvent>),
    /// Prose ended.
    ProseEnd,
    /// The console's own process was done with a task.
    Local(LocalOutcome),
}

/// Who asked, so that the answer finds its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The screen's place in the table; `None` for the console itself.
    pub screen: Option<usize>,
    /// The asker's own mark.
    pub tag: u32,
}

/// Requests of one lane are answered one after another; lanes do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What is shown.
    Look,
    /// What is done, or takes long.
    Act,
}

/// Something is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Ask the service.
    Send {
        /// Who asks.
        ticket: Ticket,
        /// On which lane.
        lane: Lane,
        /// What.
        request: Box<Request>,
    },
    /// Nobody waits for the answers to this any more: prose is not written on, what was not begun is not done.
    Forget(Ticket),
    /// Do something in a process of one's own.
    Local(Ticket, LocalTask),
    /// Try to reach the service now.
    Relink,
    /// Beginning and end of what is seen are over: end.
    Quit,
}

/// What the console does without the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalTask {
    /// Starts the service.
    Start,
    /// Looks whether everything is in order.
    Doctor,
    /// Reads the end of the log file.
    LogTail,
}

/// What came of it.
#[derive(Debug)]
pub enum LocalOutcome {
    /// The service was told to start: by which command.
    Started(String),
    /// What the doctor found.
    Doctor(DoctorReply),
    /// The last lines of the log file.
    Log {
        /// The file.
        file: String,
        /// Its last lines.
        lines: Vec<String>,
    },
    /// It did not work: why and what to do, in Chinese with the code.
    Failed(ErrorBody),
}

/// Why the service cannot be asked.
#[derive(Debug)]
pub enum LinkProblem {
    /// It could not be reached.
    Connect(ConnectError),
    /// It was there, and the connection broke.
    Lost,
}
