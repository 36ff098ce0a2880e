//! A small HTTP/1.1 client over a plain socket: tests see exactly what is on the wire.

#![allow(dead_code)] // Each test file uses its own part.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No reply of a test server takes longer; a test that waits this long fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A complete reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The error's stable code.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no code in {}", self.text())).to_owned()
    }
}

/// A connection that can take several requests.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads status line and headers.
    pub fn head(&mut self) -> std::io::Result<Reply> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| std::io::Error::other(line))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
                None => break,
            }
        }
        Ok(Reply { status, headers, body: Vec::new() })
    }

    /// Reads a reply with its body, by length or to the end of the connection.
    pub fn reply(&mut self) -> std::io::Result<Reply> {
        let mut reply = self.head()?;
        match reply.header("content-length").map(|n| n.parse::<usize>().expect("length")) {
            Some(length) => {
                reply.body = vec![0; length];
                self.0.read_exact(&mut reply.body)?;
            }
            None if reply.status == 304 => {}
            None => {
                self.0.read_to_end(&mut reply.body)?;
            }
        }
        Ok(reply)
    }

    /// One line without its end; an error at the end of input.
    pub fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// The next event of a stream, comments included (as name `:`); `None` at its end.
    pub fn event(&mut self) -> Option<(String, serde_json::Value)> {
        let (mut name, mut data) = (String::new(), serde_json::Value::Null);
        loop {
            let line = self.line().ok()?;
            if let Some(n) = line.strip_prefix("event: ") {
                name = n.to_owned();
            } else if let Some(d) = line.strip_prefix("data: ") {
                data = serde_json::from_str(d).expect("JSON");
            } else if line.starts_with(':') {
                name = ":".to_owned();
            } else if line.is_empty() {
                return Some((name, data));
            }
        }
    }

    /// Everything until the server closes.
    pub fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).map(|_| rest)
    }
}

/// One request on a connection of its own.
pub fn request(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut client = Client::connect(addr);
    client.send(&render(method, path, headers, body)).expect("send");
    client.reply().expect("reply")
}

/// The bytes of a request.
pub fn render(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub fn get(addr: SocketAddr, path: &str) -> Reply {
    request(addr, "GET", path, &[], b"")
}

/// `POST /api/v1/ask` with this JSON text.
pub fn ask(addr: SocketAddr, json: &str) -> Reply {
    request(addr, "POST", "/api/v1/ask", &[("Content-Type", "application/json")], json.as_bytes())
}
