//! The program under test as a person runs it: arguments in, exit code and text out.

#![allow(dead_code)] // Each test file uses its own part.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub const GUIDA: &str = env!("CARGO_BIN_EXE_guida");
/// No command of a test takes longer on the slowest machine; one that does hangs.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The knowledge file that is delivered with the source.
pub fn knowledge() -> PathBuf {
    repository("knowledge.db")
}

/// Says that a check could not be made; written past the test harness, which would swallow it on success.
pub fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
}

/// What a finished command left.
#[derive(Debug)]
pub struct Run {
    /// `None` when a signal ended it: a crash.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Standard output of a command that must succeed.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// The JSON of a command that must succeed.
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}\n{out}"))
    }

    /// Asserts an error: this exit code, this stable code at the start of the message, something to do at its end.
    pub fn fails(&self, exit: i32, code: &str) {
        assert_eq!(self.code, Some(exit), "{}\n{}", self.out, self.err);
        assert!(self.err.starts_with(&format!("[{code}] ")), "{}", self.err);
        assert!(self.err.contains("。建议:"), "{}", self.err);
    }
}

/// Runs a command to its end.
pub fn guida<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    let child = spawn(arguments);
    wait(child)
}

/// Starts a command.
pub fn spawn<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Child {
    Command::new(GUIDA)
        .args(arguments)
        .env_remove("GUIDA_KB")
        .env_remove("GUIDA_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Waits for the end of a command; one that hangs is killed and fails the test.
pub fn wait(mut child: Child) -> Run {
    let out = drain(child.stdout.take().unwrap());
    let err = drain(child.stderr.take().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the command hangs");
        }
        std::thread::park_timeout(Duration::from_millis(2));
    };
    Run { code: status.code(), out: out.join().unwrap(), err: err.join().unwrap() }
}

/// Reads a pipe to its end beside the running command.
fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// `guida ask … --json` on a knowledge file.
pub fn ask(kb: &Path, question: &str, more: &[&str]) -> Value {
    let kb = kb.to_str().unwrap();
    guida(["ask", question, "--kb", kb, "--json"].iter().chain(more)).json()
}

/// A running `guida serve`, ended with the test.
pub struct Served {
    child: Child,
    pub addr: SocketAddr,
}

/// Serves a knowledge file on a free port.
pub fn serve(kb: &Path) -> Served {
    let mut child = spawn(["serve", "--listen", "127.0.0.1:0", "--kb", kb.to_str().unwrap()]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (announce, announced) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.trim().strip_prefix("listening http://") {
                let _ = announce.send(address.to_owned());
            }
        }
    });
    // The guard exists before anything can fail, so that no server is left behind.
    let mut served = Served { child, addr: SocketAddr::from(([0, 0, 0, 0], 0)) };
    served.addr = announced.recv_timeout(PATIENCE).expect("serve announces its address").parse().unwrap();
    served
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
