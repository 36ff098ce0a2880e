//! The product itself: the built `guida` run as a command, or as a service on a free port.

#![allow(dead_code)] // Each test file uses its own part.

use super::client::{self, Client, PATIENCE};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The program that Cargo built for this test.
pub const GUIDA: &str = env!("CARGO_BIN_EXE_guida");

/// The sample knowledge of this repository.
pub fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("knowledge.db")
}

/// Runs a command to its end.
pub fn guida(args: &[&str]) -> Output {
    Command::new(GUIDA)
        .args(args)
        .env_remove("GUIDA_KB")
        .env_remove("GUIDA_DATA")
        .stdin(Stdio::null())
        .output()
        .expect("run guida")
}

/// What a command printed, as text.
pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

/// What a command said about its failure.
pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// What a command printed, as JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", stdout(output), stderr(output)))
}

/// Waits until a condition holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Sends a signal by name.
pub fn signal(name: &str, pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().expect("kill");
    assert!(status.success(), "kill -{name} {pid}");
}

/// A running service; it ends with the test.
pub struct Product {
    pub addr: SocketAddr,
    process: Child,
}

impl Product {
    /// `guida serve` on a free port with the sample knowledge, unless `args` name another with `--kb`, or a data folder.
    pub fn start(args: &[&str]) -> Product {
        Product::start_in(&[], args)
    }

    /// The same behind another command, which must end in running its arguments in its own place.
    pub fn start_in(before: &[&str], args: &[&str]) -> Product {
        let words = [before, &[GUIDA, "serve", "--listen", "127.0.0.1:0"], args].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_remove("GUIDA_KB").env_remove("GUIDA_DATA");
        if !args.contains(&"--kb") && !args.contains(&"--data") {
            command.arg("--kb").arg(sample());
        }
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start guida");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout")).lines();
        let line = lines.next().expect("guida ended before it listened").expect("text");
        let addr = line.strip_prefix("listening http://").and_then(|a| a.parse().ok());
        Product { addr: addr.unwrap_or_else(|| panic!("no address in {line}")), process }
    }

    /// With a model, waiting until it can write.
    pub fn start_with_model(model: &std::path::Path, args: &[&str]) -> Product {
        let product = Product::start(&[&["--model", model.to_str().expect("path"), "--threads", "1"], args].concat());
        until("the model is loaded", || product.generator()["ready"] == true);
        product
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn get(&self, path: &str) -> client::Reply {
        client::get(self.addr, path)
    }

    /// The generator's part of the status.
    pub fn generator(&self) -> Value {
        self.get("/api/v1/status").json()["generator"].clone()
    }

    /// The generator process: the only child that the service has.
    pub fn generator_pid(&self) -> Option<u32> {
        std::fs::read_dir("/proc").expect("/proc").find_map(|entry| {
            let entry = entry.ok()?;
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in brackets may hold anything; state and parent follow it.
            let (_, rest) = stat.rsplit_once(')')?;
            let mut fields = rest.split_whitespace();
            let alive = fields.next()? != "Z";
            (alive && fields.next()? == self.pid().to_string()).then_some(pid)
        })
    }

    /// Asks for a card and prose as a stream of events.
    pub fn stream(&self, question: &str) -> Client {
        let mut client = Client::connect(self.addr);
        let headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")];
        let body = serde_json::json!({ "question": question, "prose": true }).to_string();
        client.send(&client::render("POST", "/api/v1/ask", &headers, body.as_bytes())).expect("send");
        assert_eq!(client.head().expect("head").status, 200);
        client
    }

    /// Asks it to end, as an init system does, and waits.
    pub fn terminate(mut self) -> ExitStatus {
        signal("TERM", self.pid());
        let mut ended = None;
        until("the end after SIGTERM", || {
            ended = self.process.try_wait().expect("wait");
            ended.is_some()
        });
        ended.expect("an exit status")
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
