//! Writing answers: status, the headers that every answer carries, errors in one shape.

use super::wire::is_timeout;
use crate::engine::reply::ErrorBody;
use crate::error::{Code, Error};
use serde::Serialize;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// JSON, always UTF-8.
pub(super) const JSON: &str = "application/json; charset=utf-8";
/// Pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";
/// Figures in Prometheus' text format.
pub(super) const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Server-sent events.
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";
/// When to come back to a full queue that does not say; cards leave it within a second.
pub(super) const RETRY_SECONDS: u64 = 1;
/// Longest request id taken over from a client.
const MAX_REQUEST_ID: usize = 64;

/// Sent with every answer. Only the page's own script and style run, nothing may frame it, and the address of the
/// page stays within the branch. (`same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` on
/// the plain form, which would look like another site.)
const SECURITY_HEADERS: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n\
X-Content-Type-Options: nosniff\r\n\
X-Frame-Options: DENY\r\n\
Referrer-Policy: same-origin\r\n\
Cross-Origin-Opener-Policy: same-origin\r\n\
Cross-Origin-Resource-Policy: same-origin\r\n";

/// Identity of a request, in the log and in `X-Request-Id`.
#[derive(Debug, Clone)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The client's own id when it is harmless to print, else a new one.
    pub(super) fn of(offered: Option<&str>) -> RequestId {
        let sane = |id: &&str| {
            (1..=MAX_REQUEST_ID).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        offered.filter(sane).map(|id| RequestId(id.to_owned())).unwrap_or_else(RequestId::new)
    }

    /// A new id: unique within this process, and unlike those of the process before.
    pub(super) fn new() -> RequestId {
        static RUN: OnceLock<u64> = OnceLock::new();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let run = *RUN.get_or_init(|| RandomState::new().build_hasher().finish());
        RequestId(format!("{:08x}-{:08x}", run as u32, NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    content_type: &'static str,
    cache: &'static str,
    extra: Vec<(&'static str, String)>,
    body: Cow<'static, [u8]>,
}

impl Response {
    /// `value` as JSON.
    pub(super) fn json(status: u16, value: &impl Serialize) -> Result<Response, Error> {
        let body = serde_json::to_vec(value).map_err(|e| {
            Error::new(Code::Internal, "回答无法转换为 JSON", "请重试;仍出现时请联系网点科技人员").because(e)
        })?;
        Ok(Response::new(status, JSON, Cow::Owned(body)))
    }

    /// JSON that is always the same.
    pub(super) fn text_json(text: &'static str) -> Response {
        Response::new(200, JSON, Cow::Borrowed(text.as_bytes()))
    }

    /// A page made for this request.
    pub(super) fn html(status: u16, page: String) -> Response {
        Response::new(status, HTML, Cow::Owned(page.into_bytes()))
    }

    /// Figures for monitoring.
    pub(super) fn metrics(text: String) -> Response {
        Response::new(200, METRICS, Cow::Owned(text.into_bytes()))
    }

    /// An embedded file: kept by the browser, asked about each time.
    pub(super) fn asset(content_type: &'static str, etag: &str, body: &'static [u8]) -> Response {
        let mut response = Response::new(200, content_type, Cow::Borrowed(body));
        response.cache = "no-cache";
        response.with("ETag", etag)
    }

    /// An embedded file that the browser already has.
    pub(super) fn not_modified(etag: &str) -> Response {
        let mut response = Response::new(304, HTML, Cow::Borrowed(&[]));
        response.cache = "no-cache";
        response.with("ETag", etag)
    }

    /// `error` in the API's shape, with the status of its code.
    pub(super) fn error(error: &Error, id: &RequestId) -> Response {
        let response = Response::error_as(status_of(error.code()), error, id);
        if error.code() != Code::Busy {
            return response;
        }
        response.with("Retry-After", error.retry_after_seconds().unwrap_or(RETRY_SECONDS).to_string())
    }

    /// `BUSY` because the server itself is full (503), not one queue of it (429).
    pub(super) fn overloaded(id: &RequestId) -> Response {
        let error = Error::new(Code::Busy, "当前请求过多,服务繁忙", "请稍候一两秒再试").retry_after(RETRY_SECONDS);
        Response::error_as(503, &error, id).with("Retry-After", RETRY_SECONDS.to_string())
    }

    fn error_as(status: u16, error: &Error, id: &RequestId) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: ErrorBody,
            request_id: &'a str,
        }
        let body = Body { error: ErrorBody::from(error), request_id: id.as_str() };
        // Strings only: this cannot fail to serialise.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        Response::new(status, JSON, Cow::Owned(body))
    }

    fn new(status: u16, content_type: &'static str, body: Cow<'static, [u8]>) -> Response {
        Response { status, content_type, cache: "no-store", extra: Vec::new(), body }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.extra.push((name, value.into()));
        self
    }

    /// Sends it; `head_only` answers `HEAD`.
    pub(super) fn send(
        &self,
        stream: &TcpStream,
        id: &RequestId,
        keep_alive: bool,
        head_only: bool,
        limit: Duration,
    ) -> std::io::Result<()> {
        let mut bytes = head(self.status, self.content_type, self.cache, id, keep_alive).into_bytes();
        for (name, value) in &self.extra {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if self.status != 304 {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        write_all(stream, &bytes, limit)
    }
}

/// Head of a stream of events; the end of the connection is the end of the stream.
pub(super) fn stream_head(id: &RequestId) -> String {
    head(200, EVENTS, "no-store", id, false) + "X-Accel-Buffering: no\r\n\r\n"
}

fn head(status: u16, content_type: &str, cache: &str, id: &RequestId, keep_alive: bool) -> String {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&jiff::Timestamp::now())
        .map(|date| format!("Date: {date}\r\n"))
        .unwrap_or_default();
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 {status} {reason}\r\n{date}Content-Type: {content_type}\r\nCache-Control: {cache}\r\n\
         X-Request-Id: {id}\r\nConnection: {connection}\r\n{SECURITY_HEADERS}",
        reason = reason(status),
        id = id.as_str(),
    )
}

/// Writes everything within `limit` in all, however slowly the client reads.
pub(super) fn write_all(stream: &TcpStream, mut bytes: &[u8], limit: Duration) -> std::io::Result<()> {
    let deadline = Instant::now() + limit;
    while !bytes.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match { stream }.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(e) if e.kind() == ErrorKind::Interrupted || is_timeout(&e) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The kind's status, or the more precise one that HTTP has.
pub(super) fn status_of(code: Code) -> u16 {
    match code {
        Code::MethodNotAllowed => 405,
        Code::UnsupportedMediaType => 415,
        Code::HeadTooLarge => 431,
        other => other.kind().http_status(),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_taken_over_only_when_harmless() {
        assert_eq!(RequestId::of(Some("branch-7.req_12")).as_str(), "branch-7.req_12");
        for bad in ["", "a b", "x\r\nSet-Cookie: y", &"a".repeat(65), "身份"] {
            assert_ne!(RequestId::of(Some(bad)).as_str(), bad);
        }
        assert_ne!(RequestId::new().as_str(), RequestId::new().as_str());
    }

    #[test]
    fn every_status_that_an_error_can_have_has_its_reason() {
        for code in [
            Code::QuestionEmpty,
            Code::BodyTooLarge,
            Code::Denied,
            Code::NotFound,
            Code::Busy,
            Code::ModelDied,
            Code::Timeout,
            Code::MethodNotAllowed,
            Code::UnsupportedMediaType,
            Code::HeadTooLarge,
        ] {
            assert_ne!(reason(status_of(code)), reason(500), "{code:?}");
        }
        assert_eq!(status_of(Code::KbCorrupt), 500);
    }
}
