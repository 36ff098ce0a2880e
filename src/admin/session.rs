//! One conversation: lines in, lines out, until the client goes or the service stops.

use super::line::{self, Asked, Greeting, Line};
use super::server::Seat;
use super::socket;
use super::{MAX_REQUEST_BYTES, PROSE_TIMEOUT, PROTOCOL, STOP_CHECK, WRITE_TIMEOUT, peer};
use crate::engine::Door;
use crate::engine::instance::instance;
use crate::engine::reply::{ErrorBody, Prose, ProseEvent, ProseStep, Reply};
use crate::engine::request::Actor;
use crate::error::{Code, Error, Result};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Bytes asked from the socket at once.
const READ_STEP: usize = 8 * 1024;

/// A client's connection, who it is, and what was read ahead from it.
pub(super) struct Session<'a> {
    door: &'a dyn Door,
    stop: &'a AtomicBool,
    actor: Actor,
    /// Shows whether something is done for the client.
    seat: &'a Seat,
    stream: UnixStream,
    buffer: Vec<u8>,
    /// What is coming belongs to a line that was refused for its length.
    skipping: bool,
}

/// What the client said.
enum Heard {
    Line(Vec<u8>),
    /// More than [`MAX_REQUEST_BYTES`] without an end; the rest of it will be skipped.
    TooLong,
    /// The client went, or the service stops.
    Closed,
}

impl<'a> Session<'a> {
    /// Takes up a connection.
    ///
    /// # Errors
    /// A socket that is broken already.
    pub(super) fn new(
        door: &'a dyn Door,
        stop: &'a AtomicBool,
        seat: &'a Seat,
        stream: UnixStream,
    ) -> io::Result<Session<'a>> {
        // Every wait is short, so that the stop is seen.
        stream.set_read_timeout(Some(STOP_CHECK))?;
        stream.set_write_timeout(Some(STOP_CHECK))?;
        let actor = peer::actor(&stream);
        Ok(Session { door, stop, actor, seat, stream, buffer: Vec::new(), skipping: false })
    }

    /// Leads it to its end.
    ///
    /// # Errors
    /// A client that went away, or did not take what it asked for.
    pub(super) fn lead(mut self) -> io::Result<()> {
        self.send(&line::to_bytes(&Greeting {
            guida: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL,
            pid: std::process::id(),
            instance: instance().to_owned(),
            you: self.actor.name().to_owned(),
        })?)?;
        loop {
            self.seat.waits();
            let heard = self.hear();
            self.seat.works();
            match heard {
                Heard::Closed => return Ok(()),
                Heard::TooLong => self.send(&Line::error(None, &too_long()).to_bytes()?)?,
                Heard::Line(line) => match parse(&line) {
                    Ok(asked) => self.answer(asked)?,
                    Err(error) => self.send(&Line::error(None, &error).to_bytes()?)?,
                },
            }
        }
    }

    /// Waits for the next line, for as long as it takes: a console sits there.
    fn hear(&mut self) -> Heard {
        let mut searched = 0;
        let mut step = [0; READ_STEP];
        while !self.stop.load(Ordering::Acquire) {
            let end = self.buffer.iter().skip(searched).position(|b| *b == b'\n').map(|at| searched + at);
            if let Some(end) = end {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                searched = 0;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                // What came in one piece may be longer than what was waited for.
                return if line.len() > MAX_REQUEST_BYTES { Heard::TooLong } else { Heard::Line(line) };
            }
            searched = self.buffer.len();
            if self.skipping {
                self.buffer.clear();
                searched = 0;
            } else if self.buffer.len() > MAX_REQUEST_BYTES {
                self.skipping = true;
                return Heard::TooLong;
            }
            match self.stream.read(&mut step) {
                Ok(0) => return Heard::Closed,
                Ok(read) => self.buffer.extend(step.iter().take(read)),
                Err(e) if is_wait(&e) => {}
                Err(_) => return Heard::Closed,
            }
        }
        Heard::Closed
    }

    fn answer(&mut self, asked: Asked) -> io::Result<()> {
        let id = asked.id;
        // A fault in one answer is no reason for another client to lose its service.
        let composed = catch_unwind(AssertUnwindSafe(|| self.compose(asked)));
        let (bytes, prose) = composed.unwrap_or_else(|_| {
            let error = Error::new(Code::Internal, "处理请求时出现内部错误", "请重试;仍出现时请把日志报给软件维护方");
            Line::error(Some(id), &error).to_bytes().map(|bytes| (bytes, None))
        })?;
        self.send(&bytes)?;
        prose.map_or(Ok(()), |prose| self.stream_prose(id, prose))
    }

    /// The answer as it is sent, and the prose that follows it.
    fn compose(&self, asked: Asked) -> io::Result<(Vec<u8>, Option<Prose>)> {
        let mut reply = match self.door.handle(&self.actor, asked.request) {
            Ok(reply) => reply,
            Err(error) => return Ok((Line::error(Some(asked.id), &error).to_bytes()?, None)),
        };
        let prose = match &mut reply {
            Reply::Answer(answer) => answer.prose.take(),
            _ => None,
        };
        Ok((Line::ok(asked.id, reply, prose.is_some()).to_bytes()?, prose))
    }

    /// Passes prose on as it is written. Whatever ends this early stops the writing, for `prose` is dropped.
    fn stream_prose(&mut self, id: u64, mut prose: Prose) -> io::Result<()> {
        let deadline = Instant::now() + PROSE_TIMEOUT;
        loop {
            let event = match prose.next(STOP_CHECK) {
                ProseStep::Event(event) => Some(event),
                ProseStep::Idle => None,
                ProseStep::Finished => {
                    Some(broken_off(Code::ModelDied, "生成意外中断", "依据卡片仍然有效;需要说明时请再问一次"))
                }
            };
            for event in event.into_iter().chain(self.interruption(deadline)) {
                let last = matches!(event, ProseEvent::Done(_) | ProseEvent::Error(_));
                self.send(&Line::event(id, event).to_bytes()?)?;
                if last {
                    return self.send(&Line::end(id).to_bytes()?);
                }
            }
            if self.is_gone() {
                return Err(ErrorKind::ConnectionAborted.into());
            }
        }
    }

    /// Why prose should not go on.
    fn interruption(&self, deadline: Instant) -> Option<ProseEvent> {
        if self.stop.load(Ordering::Acquire) {
            return Some(broken_off(Code::Cancelled, "服务正在停止,生成已中断", "依据卡片仍然有效"));
        }
        let hint = "依据卡片仍然有效;需要说明时请再问一次";
        (Instant::now() >= deadline).then(|| broken_off(Code::Timeout, "生成超过时间上限,已中断", hint))
    }

    /// Whether the client has closed its end.
    fn is_gone(&self) -> bool {
        socket::is_gone(&self.stream)
    }

    /// Sends a line within [`WRITE_TIMEOUT`]; a service that stops does not wait for it.
    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let mut rest = line;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(e) if is_wait(&e) && !self.stop.load(Ordering::Acquire) && Instant::now() < deadline => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Nothing is wrong, only nothing was there yet.
fn is_wait(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn parse(line: &[u8]) -> Result<Asked> {
    let text = std::str::from_utf8(line).map_err(|e| {
        let message = format!("请求不是 UTF-8 文字(第 {} 字节起)", e.valid_up_to() + 1);
        Error::new(Code::NotUtf8, message, "请使用 UTF-8 编码")
    })?;
    serde_json::from_str(text).map_err(|e| {
        let message = format!("请求不是所需的 JSON(第 {} 列):{e}", e.column());
        Error::new(Code::BadJson, message, "每行一个请求:{\"id\":1,\"request\":\"status\"};两端的程序应是同一版本")
    })
}

fn too_long() -> Error {
    let message = format!("请求超过 {MAX_REQUEST_BYTES} 字节");
    Error::new(Code::BodyTooLarge, message, "缩短后重试;每个请求占一行,以换行结束")
}

fn broken_off(code: Code, message: &str, hint: &str) -> ProseEvent {
    ProseEvent::Error(ErrorBody::from(&Error::new(code, message, hint)))
}
