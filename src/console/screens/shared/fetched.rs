//! Something that the service is asked for: what it said last, and whether an answer is on its way. Every request has a mark of its own,
//! so that an answer that comes too late is not taken for a later one.

use crate::console::messages::Answer;
use crate::console::screen::Cx;
use crate::engine::reply::{ErrorBody, Reply};
use crate::engine::request::Request;
use crate::error::Code;

/// Marks below this are a screen's own, for what a person confirms.
const FIRST: u32 = 16;

/// Gives out marks.
#[derive(Debug, Default)]
pub(crate) struct Tags(u32);

impl Tags {
    /// The next one.
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        self.0 % (u32::MAX - FIRST) + FIRST
    }
}

/// Something that the service is asked for.
#[derive(Debug)]
pub(crate) struct Fetched<T> {
    /// What it said last.
    pub(crate) value: Option<T>,
    /// Why it said nothing.
    pub(crate) error: Option<ErrorBody>,
    awaited: Option<u32>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Fetched<T> {
        Fetched { value: None, error: None, awaited: None }
    }
}

impl<T> Fetched<T> {
    /// Asks, unless an answer is on its way.
    pub(crate) fn ask(&mut self, cx: &mut Cx<'_>, tags: &mut Tags, request: Request) {
        if self.awaited.is_none() {
            self.ask_anew(cx, tags, request);
        }
    }

    /// Asks; what is on its way counts no more.
    pub(crate) fn ask_anew(&mut self, cx: &mut Cx<'_>, tags: &mut Tags, request: Request) {
        if cx.shared.online {
            let tag = tags.next();
            self.awaited = Some(tag);
            cx.ask(tag, request);
        }
    }

    /// Whether an answer is on its way.
    pub(crate) fn waits(&self) -> bool {
        self.awaited.is_some()
    }

    /// No answer will come any more.
    pub(crate) fn forget(&mut self) {
        self.awaited = None;
        // That it went away is not said any more when it is there.
        self.error.take_if(|error| error.code == Code::ServiceGone.as_str());
    }

    /// Whether an answer with this mark is the awaited one.
    pub(crate) fn awaits(&self, tag: u32) -> bool {
        self.awaited == Some(tag)
    }

    /// Takes the awaited answer.
    pub(crate) fn take(&mut self, reply: Result<Reply, ErrorBody>, pick: impl FnOnce(Reply) -> Option<T>) {
        self.awaited = None;
        match reply.map(pick) {
            Ok(Some(value)) => {
                self.value = Some(value);
                self.error = None;
            }
            Ok(None) => {}
            // What was known stays in sight while the service is away; the console says that it is.
            Err(error) if error.code == Code::ServiceGone.as_str() && self.value.is_some() => {}
            Err(error) => {
                self.value = None;
                self.error = Some(error);
            }
        }
    }
}

/// The service's answer, for better or worse; `None` for what is no answer of it.
pub(crate) fn settled(answer: Answer) -> Option<Result<Reply, ErrorBody>> {
    match answer {
        Answer::Reply(reply) => Some(Ok(*reply)),
        Answer::Error(error) => Some(Err(error)),
        _ => None,
    }
}
