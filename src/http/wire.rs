//! Reading requests from a connection, within limits of size and time.
//!
//! Deadlines are absolute: a client that sends a byte now and then is cut as surely as one that sends none.

use super::{HttpSettings, MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_HEADER_FIELDS};
use crate::error::{Code, Error};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a connection that waits for a request looks whether the server stops.
const STOP_CHECK: Duration = Duration::from_millis(100);
/// Bytes asked from the socket at once.
const READ_STEP: usize = 8 * 1024;
/// Longest line that announces a chunk.
const MAX_CHUNK_LINE: usize = 256;
/// After a refusal the rest of what the client is sending is read and thrown away, so that it gets to read the
/// refusal (closing a socket with unread input resets it), but no more than this.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
/// And no longer than this.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// A method that some route takes, or any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Other,
}

impl Method {
    fn from_text(text: &str) -> Method {
        match text {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            _ => Method::Other,
        }
    }

    /// As printed in `Allow` and in the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Other => "OTHER",
        }
    }
}

/// A request, complete with its body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path as sent, without the query.
    pub(super) path: String,
    /// What followed `?`, as sent.
    pub(super) query: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the client wants to send another request afterwards.
    pub(super) keep_alive: bool,
}

impl Request {
    /// The first header field of this name (any case).
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Media type of the body, in lower case and without parameters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    named_so(headers, name).next()
}

/// Every header field of this name (any case).
fn named_so<'a>(headers: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum NoRequest {
    /// The client went away or stayed silent, or the server stops: nothing to say.
    Closed,
    /// What came cannot be served; tell the client, then close. Boxed: rare and large.
    Refused(Box<Error>),
}

impl From<Error> for NoRequest {
    fn from(error: Error) -> NoRequest {
        NoRequest::Refused(Box::new(error))
    }
}

type Outcome<T> = std::result::Result<T, NoRequest>;

/// How long the rest of a request is waited for.
struct Patience<'a> {
    until: Instant,
    stop: &'a AtomicBool,
}

impl Patience<'_> {
    fn of(limit: Duration, stop: &AtomicBool) -> Patience<'_> {
        Patience { until: Instant::now() + limit, stop }
    }
}

/// A client's connection and what was read ahead from it.
pub(super) struct Connection {
    stream: Arc<TcpStream>,
    buffer: Vec<u8>,
}

/// The facts of a head that decide how the body is read.
struct Head {
    request: Request,
    length: usize,
    body: BodyKind,
    expects_continue: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BodyKind {
    Empty,
    Sized(usize),
    Chunked,
}

impl Connection {
    pub(super) fn new(stream: Arc<TcpStream>) -> Connection {
        Connection { stream, buffer: Vec::new() }
    }

    /// The socket, to write on.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The next request, or why there is none.
    pub(super) fn next_request(&mut self, settings: &HttpSettings, stop: &AtomicBool) -> Outcome<Request> {
        if self.buffer.is_empty() {
            self.wait(settings.idle_timeout, stop)?;
        }
        let head = self.read_head(&Patience::of(settings.head_timeout, stop))?;
        self.buffer.drain(..head.length);
        let mut request = head.request;
        if head.expects_continue && head.body != BodyKind::Empty {
            let _ = self.stream.set_write_timeout(Some(settings.write_timeout));
            (&*self.stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| NoRequest::Closed)?;
        }
        let patience = Patience::of(settings.body_timeout, stop);
        request.body = match head.body {
            BodyKind::Empty => Vec::new(),
            BodyKind::Sized(length) => self.take(length, &patience)?,
            BodyKind::Chunked => self.read_chunked(&patience)?,
        };
        Ok(request)
    }

    /// Whether the client has closed its side. A client that reads an answer keeps its side open.
    pub(super) fn is_gone(&self) -> bool {
        if !self.buffer.is_empty() || self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let gone = match self.stream.peek(&mut [0u8; 1]) {
            Ok(n) => n == 0,
            Err(e) => !is_timeout(&e) && e.kind() != ErrorKind::Interrupted,
        };
        gone | self.stream.set_nonblocking(false).is_err()
    }

    /// Reads away what the client is still sending, then lets the socket close.
    pub(super) fn linger(mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let deadline = Instant::now() + LINGER_TIME;
        let mut step = [0u8; READ_STEP];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match self.read_some(&mut step, deadline) {
                Ok(n) if n > 0 => left = left.saturating_sub(n),
                _ => break,
            }
        }
    }

    /// Waits for a request to begin; a connection on which none does is closed without a word.
    fn wait(&mut self, limit: Duration, stop: &AtomicBool) -> Outcome<()> {
        self.need_more(&Patience::of(limit, stop)).map_err(|_| NoRequest::Closed)
    }

    fn read_some(&mut self, into: &mut [u8], deadline: Instant) -> std::io::Result<usize> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match (&*self.stream).read(into) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Reads more into the buffer; 0 at the end of input.
    fn fill(&mut self, deadline: Instant) -> std::io::Result<usize> {
        let mut step = [0u8; READ_STEP];
        let n = self.read_some(&mut step, deadline)?;
        self.buffer.extend_from_slice(step.get(..n).unwrap_or_default());
        Ok(n)
    }

    /// Reads more, where the end of input, a silent client or the server's end ends the request.
    fn need_more(&mut self, patience: &Patience<'_>) -> Outcome<()> {
        while !patience.stop.load(Ordering::Acquire) {
            match self.fill(patience.until.min(Instant::now() + STOP_CHECK)) {
                Ok(0) => return Err(NoRequest::Closed),
                Ok(_) => return Ok(()),
                Err(e) if is_timeout(&e) && Instant::now() < patience.until => {}
                Err(e) if is_timeout(&e) => {
                    return Err(Error::new(Code::Timeout, "请求没有在规定时间内发送完", "请检查网络后重试").into());
                }
                Err(_) => return Err(NoRequest::Closed),
            }
        }
        Err(NoRequest::Closed)
    }

    fn read_head(&mut self, patience: &Patience<'_>) -> Outcome<Head> {
        loop {
            if let Some(head) = parse_head(&self.buffer)? {
                return Ok(head);
            }
            if self.buffer.len() >= MAX_HEAD_BYTES {
                return Err(head_too_large().into());
            }
            self.need_more(patience)?;
        }
    }

    /// Exactly `length` bytes; the caller has checked `length`.
    fn take(&mut self, length: usize, patience: &Patience<'_>) -> Outcome<Vec<u8>> {
        while self.buffer.len() < length {
            self.need_more(patience)?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// A line without its CRLF.
    fn take_line(&mut self, patience: &Patience<'_>) -> Outcome<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).map_err(|_| bad("分块传输的格式有误").into());
            }
            if self.buffer.len() > MAX_CHUNK_LINE {
                return Err(bad("分块传输的格式有误").into());
            }
            self.need_more(patience)?;
        }
    }

    fn read_chunked(&mut self, patience: &Patience<'_>) -> Outcome<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_line(patience)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let digits = !size.is_empty() && size.bytes().all(|b| b.is_ascii_hexdigit());
            let size = usize::from_str_radix(size, 16).ok().filter(|_| digits);
            let size = size.ok_or_else(|| bad("分块传输的长度不是十六进制数"))?;
            if size == 0 {
                break;
            }
            if size > MAX_BODY_BYTES - body.len() {
                return Err(body_too_large().into());
            }
            body.extend(self.take(size, patience)?);
            if self.take(2, patience)? != b"\r\n" {
                return Err(bad("分块传输的长度与内容不符").into());
            }
        }
        // Trailer fields are allowed and ignored; they count towards the limit of a head.
        let mut trailer = 0;
        loop {
            let line = self.take_line(patience)?;
            if line.is_empty() {
                return Ok(body);
            }
            trailer += line.len();
            if trailer > MAX_HEAD_BYTES {
                return Err(head_too_large().into());
            }
        }
    }
}

fn parse_head(bytes: &[u8]) -> Outcome<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADER_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(n)) if n <= MAX_HEAD_BYTES => n,
        Ok(httparse::Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => return Err(head_too_large().into()),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(e) => return Err(bad(format!("请求头不合 HTTP 格式({e})")).into()),
    };
    let target = parsed.path.unwrap_or_default();
    if !target.starts_with('/') {
        return Err(bad("请求的地址必须以 / 开头").into());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let method = Method::from_text(parsed.method.unwrap_or_default());
    let http11 = parsed.version == Some(1);
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).trim().to_owned()))
        .collect();
    let hosts = named_so(&headers, "host").count();
    if hosts > 1 {
        return Err(bad("请求带有不止一个 Host 头").into());
    }
    if http11 && hosts == 0 {
        return Err(bad("HTTP/1.1 的请求缺少 Host 头").into());
    }
    if !http11 && find(&headers, "transfer-encoding").is_some() {
        return Err(bad("HTTP/1.0 的请求不能带 Transfer-Encoding").into());
    }
    let encoded = named_so(&headers, "content-encoding").find(|coding| !coding.eq_ignore_ascii_case("identity"));
    if let Some(coding) = encoded {
        let message = format!("请求内容用 {coding:.40} 压缩或编码过,本服务不接受");
        return Err(Error::new(Code::UnsupportedMediaType, message, "请不加 Content-Encoding,直接发送原文").into());
    }
    let connection = find(&headers, "connection").unwrap_or_default().to_ascii_lowercase();
    let named = |token: &str| connection.split(',').any(|t| t.trim() == token);
    let keep_alive = if http11 { !named("close") } else { named("keep-alive") };
    let expects_continue = http11 && find(&headers, "expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue"));
    let body = body_kind(&headers)?;
    let request = Request { method, path, query, headers, body: Vec::new(), keep_alive };
    Ok(Some(Head { request, length, body, expects_continue }))
}

/// RFC 9112, section 6.3; whatever two readers could understand differently is refused.
fn body_kind(headers: &[(String, String)]) -> Outcome<BodyKind> {
    let lengths: Vec<&str> = named_so(headers, "content-length").collect();
    let codings: Vec<&str> = named_so(headers, "transfer-encoding").collect();
    if let Some(coding) = codings.first() {
        if codings.len() > 1 {
            return Err(bad("请求带有不止一个 Transfer-Encoding 头").into());
        }
        if !lengths.is_empty() {
            return Err(bad("请求同时带有 Content-Length 和 Transfer-Encoding").into());
        }
        if !coding.eq_ignore_ascii_case("chunked") {
            return Err(bad("只支持 chunked 传输编码").into());
        }
        return Ok(BodyKind::Chunked);
    }
    let Some(first) = lengths.first() else { return Ok(BodyKind::Empty) };
    if first.is_empty() || !first.bytes().all(|b| b.is_ascii_digit()) || lengths.iter().any(|l| l != first) {
        return Err(bad("Content-Length 不是一个确定的长度").into());
    }
    // A number too large for usize is certainly above the limit.
    match first.parse::<usize>() {
        Ok(0) => Ok(BodyKind::Empty),
        Ok(n) if n <= MAX_BODY_BYTES => Ok(BodyKind::Sized(n)),
        _ => Err(body_too_large().into()),
    }
}

/// Whether a socket call ended at its time limit; the name differs between systems.
pub(super) fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message, "请使用浏览器或符合 HTTP/1.1 的客户端")
}

fn head_too_large() -> Error {
    let message = format!("请求头超过 {} KB 或 {MAX_HEADER_FIELDS} 个字段的上限", MAX_HEAD_BYTES / 1024);
    Error::new(Code::HeadTooLarge, message, "请缩短地址或清除多余的 Cookie 后重试")
}

fn body_too_large() -> Error {
    let message = format!("请求内容超过 {} KB 的上限", MAX_BODY_BYTES / 1024);
    Error::new(Code::BodyTooLarge, message, "请缩短问题后重试,问题一般只需一句话")
}

#[cfg(test)]
mod tests;
