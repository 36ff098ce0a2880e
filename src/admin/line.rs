//! What passes over the socket, one JSON object a line.

use super::MAX_REPLY_BYTES;
use crate::engine::reply::{ErrorBody, ProseEvent, Reply};
use crate::engine::request::Request;
use crate::error::{Code, Error};
use serde::{Deserialize, Serialize};
use std::io;

/// The first line of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Version of the program.
    pub guida: String,
    /// Version of the protocol, see [`super::PROTOCOL`].
    pub protocol: u32,
    /// The service's process.
    pub pid: u32,
    /// Which service it is; `/healthz` says the same word.
    #[serde(default)]
    pub instance: String,
    /// What the journal will call the client.
    pub you: String,
}

/// A line of the client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Comes back with the answer; the client's to choose.
    pub(super) id: u64,
    pub(super) request: Request,
}

/// The same, as the client writes it.
#[derive(Debug, Serialize)]
pub(super) struct Asking<'a> {
    pub(super) id: u64,
    pub(super) request: &'a Request,
}

/// A line of the server after its greeting. Exactly one of `ok`, `error`, `event` and `end` is there.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    /// Of the request that is answered; `null` where there was none to be read.
    pub(super) id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ok: Option<Reply>,
    /// Events follow, and an `end`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) more: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ErrorBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<ProseEvent>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) end: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Line {
    pub(super) fn ok(id: u64, reply: Reply, more: bool) -> Line {
        Line { id: Some(id), ok: Some(reply), more, ..Line::default() }
    }

    pub(super) fn error(id: Option<u64>, error: &Error) -> Line {
        Line { id, error: Some(ErrorBody::from(error)), ..Line::default() }
    }

    pub(super) fn event(id: u64, event: ProseEvent) -> Line {
        Line { id: Some(id), event: Some(event), ..Line::default() }
    }

    pub(super) fn end(id: u64) -> Line {
        Line { id: Some(id), end: true, ..Line::default() }
    }

    /// As sent. A reply that is too long for the other end becomes an error that says so.
    ///
    /// # Errors
    /// A reply that is no JSON: a fault of ours.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let bytes = to_bytes(self)?;
        if bytes.len() <= MAX_REPLY_BYTES {
            return Ok(bytes);
        }
        let message = format!("回答有 {} 字节,最多 {MAX_REPLY_BYTES}", bytes.len());
        to_bytes(&Line::error(self.id, &Error::new(Code::BodyTooLarge, message, "缩小查询的范围")))
    }
}

/// One line with its end.
///
/// # Errors
/// A value that is no JSON: a fault of ours.
pub(super) fn to_bytes(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::logs::{LogLevel, LogReply, LogRing};

    #[test]
    fn lines_are_as_written_down() {
        let text = |line: Line| String::from_utf8(line.to_bytes().unwrap()).unwrap();
        let busy = Error::new(Code::Busy, "满", "等");
        let error = text(Line::error(None, &busy));
        assert_eq!(error, "{\"id\":null,\"error\":{\"code\":\"BUSY\",\"message\":\"满\",\"hint\":\"等\"}}\n");
        let reply = Reply::Log(LogReply::default());
        assert_eq!(
            text(Line::ok(3, reply, true)),
            "{\"id\":3,\"ok\":{\"log\":{\"lines\":[],\"file\":null}},\"more\":true}\n"
        );
        let token = ProseEvent::Token { text: "字".into() };
        assert_eq!(text(Line::event(4, token)), "{\"id\":4,\"event\":{\"event\":\"token\",\"text\":\"字\"}}\n");
        assert_eq!(text(Line::end(5)), "{\"id\":5,\"end\":true}\n");
        let asked: Asked = serde_json::from_str(r#"{"id":1,"request":{"log":{"after":7}}}"#).unwrap();
        assert!(matches!((asked.id, asked.request), (1, Request::Log(log)) if log.after == 7));
    }

    #[test]
    fn a_reply_that_is_too_long_is_told_as_an_error() {
        let line = LogRing::default().push(LogLevel::Info, "t", "m");
        let lines = vec![line; MAX_REPLY_BYTES / 64];
        let bytes = Line::ok(9, Reply::Log(LogReply { lines, file: None }), false).to_bytes().unwrap();
        let read: Line = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((read.id, read.error.unwrap().code.as_ref(), read.ok.is_none()), (Some(9), "BODY_TOO_LARGE", true));
    }
}
