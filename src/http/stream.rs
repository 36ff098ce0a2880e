//! The second half of an answer: the card is ready, prose is being written.
//!
//! The card is on the wire before the first word of prose is waited for. While prose is written the connection is
//! watched: a teller who closes the page or presses stop frees the generator at once.

use super::HttpSettings;
use super::MAX_STREAMS;
use super::response::{RequestId, Response, stream_head, write_all};
use super::wire::Connection;
use crate::engine::reply::{AnswerBody, AnswerReply, Card, ErrorBody, Prose, ProseDone, ProseEvent, ProseStep};
use crate::error::{Code, Error};
use serde::Serialize;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often a silent stream looks whether the client is still there and the server still runs.
const LOOK: Duration = Duration::from_millis(100);

/// A place among the [`MAX_STREAMS`] answers whose prose is written; given back when dropped.
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// A place, if one is free.
    pub(super) fn take(taken: &Arc<AtomicUsize>) -> Option<Slot> {
        let free = |n: usize| (n < MAX_STREAMS).then_some(n + 1);
        taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok().map(|_| Slot(Arc::clone(taken)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How the answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// One JSON object, at the end.
    Json,
    /// Events, as they happen.
    Events,
}

/// An answer under way.
pub(super) struct Answering {
    card: Card,
    session: String,
    prose: Option<Prose>,
    unavailable: Option<ErrorBody>,
    manner: Manner,
    _slot: Option<Slot>,
}

/// What the first event of a stream has.
#[derive(Serialize)]
struct CardEvent<'a> {
    #[serde(flatten)]
    card: &'a Card,
    session: &'a str,
}

/// How prose ended.
enum End {
    Done(Box<ProseDone>),
    Failed(ErrorBody),
    /// The client went away: nobody is left to tell.
    Gone(std::io::Error),
}

impl Answering {
    pub(super) fn new(reply: AnswerReply, manner: Manner, slot: Option<Slot>) -> Answering {
        let AnswerReply { card, prose, prose_unavailable, session } = reply;
        Answering { card, session, prose, unavailable: prose_unavailable, manner, _slot: slot }
    }

    /// Sends the answer; `Ok(true)` when the connection can take another request.
    pub(super) fn send(
        self,
        connection: &mut Connection,
        id: &RequestId,
        keep_alive: bool,
        settings: &HttpSettings,
        stop: &AtomicBool,
    ) -> std::io::Result<bool> {
        match self.manner {
            Manner::Json => self.send_json(connection, id, keep_alive, settings, stop),
            Manner::Events => self.send_events(connection, id, settings, stop).map(|()| false),
        }
    }

    fn send_json(
        self,
        connection: &mut Connection,
        id: &RequestId,
        keep_alive: bool,
        settings: &HttpSettings,
        stop: &AtomicBool,
    ) -> std::io::Result<bool> {
        let mut whole =
            AnswerBody { card: &self.card, session: &self.session, prose: None, prose_unavailable: self.unavailable };
        if let Some(prose) = self.prose {
            match follow(prose, connection, settings, stop, |_, _| Ok(())) {
                End::Done(done) => whole.prose = Some(done),
                End::Failed(error) => whole.prose_unavailable = Some(error),
                End::Gone(error) => return Err(error),
            }
        }
        let response = Response::json(200, &whole).unwrap_or_else(|error| Response::error(&error, id));
        response.send(connection.stream(), id, keep_alive, false, settings.write_timeout)?;
        Ok(keep_alive)
    }

    fn send_events(
        self,
        connection: &mut Connection,
        id: &RequestId,
        settings: &HttpSettings,
        stop: &AtomicBool,
    ) -> std::io::Result<()> {
        let limit = settings.write_timeout;
        let opening = stream_head(id) + &event("card", &CardEvent { card: &self.card, session: &self.session })?;
        write_all(connection.stream(), opening.as_bytes(), limit)?;
        let end = match (self.prose, self.unavailable) {
            (Some(prose), _) => follow(prose, connection, settings, stop, |connection, moment| {
                let text = match moment {
                    Some(happened) => event(name(happened), happened)?,
                    None => ": waiting\n\n".to_owned(),
                };
                write_all(connection.stream(), text.as_bytes(), limit)
            }),
            (None, Some(why)) => End::Failed(why),
            (None, None) => {
                let text = event("done", &serde_json::json!({ "event": "done", "text": null }))?;
                return write_all(connection.stream(), text.as_bytes(), limit);
            }
        };
        let text = match end {
            End::Done(done) => event("done", &ProseEvent::Done(done))?,
            End::Failed(error) => event("error", &ProseEvent::Error(error))?,
            End::Gone(error) => return Err(error),
        };
        write_all(connection.stream(), text.as_bytes(), limit)
    }
}

/// Takes prose to its end. `tell` hears of progress and tokens as they come, and of each silent `heartbeat`.
fn follow(
    mut prose: Prose,
    connection: &mut Connection,
    settings: &HttpSettings,
    stop: &AtomicBool,
    mut tell: impl FnMut(&mut Connection, Option<&ProseEvent>) -> std::io::Result<()>,
) -> End {
    let cancel = prose.canceller();
    let deadline = Instant::now() + settings.prose_timeout;
    let (mut looked, mut told) = (Instant::now(), Instant::now());
    let end = loop {
        let moment = match prose.next(LOOK) {
            ProseStep::Event(ProseEvent::Done(done)) => break End::Done(done),
            ProseStep::Event(ProseEvent::Error(error)) => break End::Failed(error),
            ProseStep::Event(happened) => Some(happened),
            ProseStep::Idle => None,
            ProseStep::Finished => {
                break failed(Code::ModelDied, "生成意外中断", "依据卡片仍然有效;需要说明时请再问一次");
            }
        };
        if moment.is_some() || told.elapsed() >= settings.heartbeat {
            told = Instant::now();
            if let Err(error) = tell(connection, moment.as_ref()) {
                break End::Gone(error);
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if connection.is_gone() {
                break End::Gone(ErrorKind::ConnectionAborted.into());
            }
            if stop.load(Ordering::Acquire) {
                break failed(Code::Cancelled, "服务正在停止,生成已中断", "依据卡片仍然有效");
            }
            if looked >= deadline {
                break failed(Code::Timeout, "生成超过时间上限,已中断", "依据卡片仍然有效;需要说明时请再问一次");
            }
        }
    };
    if !matches!(end, End::Done(_)) {
        cancel.store(true, Ordering::Release);
    }
    end
}

fn failed(code: Code, message: &str, hint: &str) -> End {
    End::Failed(ErrorBody::from(&Error::new(code, message, hint)))
}

fn name(event: &ProseEvent) -> &'static str {
    match event {
        ProseEvent::Progress { .. } => "progress",
        ProseEvent::Token { .. } => "token",
        ProseEvent::Done(_) => "done",
        ProseEvent::Error(_) => "error",
    }
}

/// One server-sent event; JSON has no line breaks, so one `data` line holds it.
fn event(name: &str, data: &impl Serialize) -> std::io::Result<String> {
    let data = serde_json::to_string(data).map_err(std::io::Error::other)?;
    Ok(format!("event: {name}\ndata: {data}\n\n"))
}
