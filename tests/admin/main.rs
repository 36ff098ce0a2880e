//! The admin socket: who has it, what passes over it, what becomes of it; and the log that is read through it. Real services and real
//! sockets; one service with fixed answers in this process where prose is what matters.

#[path = "../common/client.rs"]
mod client;
#[path = "../common/door.rs"]
mod door;
#[path = "../common/packs.rs"]
mod packs;
#[path = "../common/product.rs"]
mod product;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/rules.rs"]
mod rules;

mod client_side;
mod fixed;
mod service;

use client::PATIENCE;
use guida::admin::client::Client;
use guida::admin::socket_path;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

fn connect(data: &Path) -> Client {
    Client::connect(&socket_path(data), PATIENCE).expect("a connection")
}

/// A connection by hand, after its greeting.
struct Raw(BufReader<UnixStream>);

impl Raw {
    fn connect(path: &Path) -> (Raw, Value) {
        let stream = UnixStream::connect(path).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut raw = Raw(BufReader::new(stream));
        let greeting = raw.line().expect("a greeting");
        (raw, greeting)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("send");
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap_or(0);
        (read > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")))
    }

    fn ask(&mut self, line: &str) -> Value {
        self.send(line.as_bytes());
        self.send(b"\n");
        self.line().expect("an answer")
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn me() -> String {
    let uid = Command::new("id").arg("-u").output().expect("id");
    let name = Command::new("id").arg("-un").output().expect("id");
    let text = |output: &[u8]| String::from_utf8_lossy(output).trim().to_owned();
    format!("operator uid={} {}", text(&uid.stdout), text(&name.stdout))
}
