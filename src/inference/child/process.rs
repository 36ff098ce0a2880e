//! One generator process: its start, its two streams, its end.

use super::GENERATOR_SUBCOMMAND;
use super::supervisor::Note;
use crate::error::{Code, Error, Result};
use crate::inference::GeneratorSettings;
use crate::inference::protocol::{ToChild, receive, send};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A process that takes no bytes for this long is hung.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long a process that closed its socket may take to end by itself, so that its own status is seen.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const LEAVE_POLL: Duration = Duration::from_millis(10);
/// Longest line of the process's error output that is logged in one piece, in bytes.
const MAX_LINE_BYTES: u64 = 2048;
/// Last errors in the output, which explain a death.
const KEPT_LINES: usize = 3;

/// A running generator process. Dropping it kills and reaps it.
pub(super) struct Process {
    child: Child,
    socket: UnixStream,
    listeners: Vec<JoinHandle<()>>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts `exe generator-child` and tells it to load the model; what it says arrives in `notes`.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` or `INTERNAL` when the machine gives no process, socket or thread.
    pub(super) fn start(exe: &Path, settings: &GeneratorSettings, epoch: u64, notes: &Sender<Note>) -> Result<Process> {
        let failed = |what: &str, cause: std::io::Error| {
            Error::new(Code::ModelUnavailable, format!("{what}:{cause}"), "请检查程序文件和系统资源").because(cause)
        };
        let (socket, theirs) = UnixStream::pair().map_err(|e| failed("无法建立与生成进程的连接", e))?;
        socket.set_write_timeout(Some(WRITE_LIMIT)).map_err(|e| failed("无法设置与生成进程的连接", e))?;
        let from_child = socket.try_clone().map_err(|e| failed("无法复制与生成进程的连接", e))?;
        let mut child = Command::new(exe)
            .arg(GENERATOR_SUBCOMMAND)
            .env_clear()
            // A failed assertion must end the process at once, not start a debugger.
            .env("GGML_NO_BACKTRACE", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed("无法启动生成进程", e))?;
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take();
        let mut process = Process { child, socket, listeners: Vec::new(), last_lines };
        let notes = notes.clone();
        process.listen("generator-frames", move || {
            let mut from = BufReader::new(from_child);
            loop {
                match receive(&mut from) {
                    Ok(Some(frame)) => {
                        if notes.send(Note::Frame(epoch, frame)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(cause) => {
                        tracing::warn!("generator sends no sense: {cause}");
                        break;
                    }
                }
            }
            let _ = notes.send(Note::Gone(epoch));
        })?;
        let kept = Arc::clone(&process.last_lines);
        if let Some(stderr) = stderr {
            process.listen("generator-log", move || log_lines(stderr, &kept))?;
        }
        process.send(&ToChild::Load(settings.clone())).map_err(|e| failed("无法与生成进程通信", e))?;
        Ok(process)
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The socket's; a process that takes nothing for [`WRITE_LIMIT`] is hung.
    pub(super) fn send(&self, message: &ToChild) -> std::io::Result<()> {
        send(&self.socket, message)
    }

    /// Sends a frame made before.
    ///
    /// # Errors
    /// As [`Process::send`].
    pub(super) fn send_frame(&self, frame: &[u8]) -> std::io::Result<()> {
        (&self.socket).write_all(frame)
    }

    fn listen(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work).map_err(|cause| {
            Error::new(Code::Internal, format!("无法启动线程:{cause}"), "请检查系统的线程数限制").because(cause)
        })?;
        self.listeners.push(thread);
        Ok(())
    }

    /// Kills the process; it is reaped when it is dropped.
    pub(super) fn kill(&mut self) {
        // Fails only for a process that has ended already.
        let _ = self.child.kill();
    }

    /// Reaps the process and says how it ended, with its last words.
    pub(super) fn autopsy(&mut self) -> String {
        self.kill_unless_ended();
        let how = self.child.wait().map_or_else(|cause| cause.to_string(), describe);
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = lines.iter().map(String::as_str).collect();
        if words.is_empty() {
            format!("生成进程意外退出({how})")
        } else {
            format!("生成进程意外退出({how}):{}", words.join(";"))
        }
    }

    /// A process that closed its socket is on its way out; it gets a moment.
    fn kill_unless_ended(&mut self) {
        let until = Instant::now() + LEAVE_LIMIT;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(LEAVE_POLL),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(libc::SIGKILL), _) => "信号 9:被系统或管理员强制终止,常见原因是内存不足".into(),
        (Some(libc::SIGABRT), _) => "信号 6:llama.cpp 的内部检查未通过".into(),
        (Some(signal), _) => format!("信号 {signal}"),
        (None, Some(code)) => format!("退出码 {code}"),
        (None, None) => "原因不明".into(),
    }
}

/// Logs the process's error output line by line, and keeps the last errors.
fn log_lines(from: impl Read, kept: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line that is too long is logged in pieces.
        match from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        // The process names its level first; what has none was printed by llama.cpp itself, and matters.
        if text.starts_with("INFO") {
            tracing::info!(target: "guida::generator", "{text}");
            continue;
        }
        tracing::warn!(target: "guida::generator", "{text}");
        if text.starts_with("WARN") {
            continue;
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(without_build_path(text));
    }
}

/// An assertion or a panic names its source file; where that lay on the build machine interests nobody.
fn without_build_path(text: &str) -> String {
    let of_build = |word: &str| word.contains("/.cargo/") || word.contains("llama.cpp/");
    let shorten = |word: &str| match word.rsplit_once('/') {
        Some((_, name)) if of_build(word) => name.to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(shorten).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::without_build_path;

    #[test]
    fn the_build_machine_is_not_named() {
        for (text, expected) in [
            (
                "/root/.cargo/registry/src/i-1/llama-cpp-sys-2-0.1.161/llama.cpp/ggml/src/ggml.c:12: GGML_ASSERT(a / b) failed",
                "ggml.c:12: GGML_ASSERT(a / b) failed",
            ),
            (
                "thread 'main' panicked at /root/.cargo/registry/src/x/model.rs:7:9:",
                "thread 'main' panicked at model.rs:7:9:",
            ),
            ("cannot open /opt/guida/models/a.gguf", "cannot open /opt/guida/models/a.gguf"),
        ] {
            assert_eq!(without_build_path(text), expected);
        }
    }
}
