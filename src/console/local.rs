//! What the console does without the service: start it, examine the box, read the end of the log. Each is a process of its own or a
//! file that is read; the data folder's databases stay closed.

use super::messages::{Answer, LocalOutcome, LocalTask, Message, Ticket};
use crate::engine::models::program;
use crate::error::{Code, Error, ErrorBody, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of the log file's end that are read.
const TAIL_BYTES: u64 = 256 * 1024;
/// Where the service manager finds the service when it is installed.
const UNITS: [&str; 3] =
    ["/etc/systemd/system/guida.service", "/usr/lib/systemd/system/guida.service", "/lib/systemd/system/guida.service"];

/// A service that ends within this time did not start: a wrong setting, a port that is taken.
const EARLY_END: Duration = Duration::from_secs(2);
/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(50);
/// The data folder of that service.
const UNIT_DATA: &str = "/var/lib/guida";

/// The thread that does it.
pub(super) struct Local {
    jobs: Sender<(Ticket, LocalTask)>,
}

impl Local {
    /// Starts the thread for this data folder.
    pub(super) fn start(data: &Path, out: &Sender<Message>) -> std::io::Result<Local> {
        let (jobs, todo): (_, Receiver<(Ticket, LocalTask)>) = channel();
        let (data, out) = (data.to_owned(), out.clone());
        thread::Builder::new().name("local".into()).spawn(move || {
            for (ticket, task) in todo {
                let outcome = run(&data, &task).unwrap_or_else(|e| LocalOutcome::Failed(ErrorBody::from(&e)));
                if out.send(Message::Answer(ticket, Answer::Local(outcome))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Local { jobs })
    }

    /// Hands it a task.
    pub(super) fn send(&self, ticket: Ticket, task: LocalTask) {
        // The thread ends only with the console.
        let _ = self.jobs.send((ticket, task));
    }
}

fn run(data: &Path, task: &LocalTask) -> Result<LocalOutcome> {
    match task {
        LocalTask::Start => start(data),
        LocalTask::Doctor => doctor(data),
        LocalTask::LogTail => tail(&crate::engine::logs::file_of(data)),
    }
}

fn failed(what: &str, e: &std::io::Error, hint: &str) -> Error {
    Error::new(Code::Io, format!("{what}:{e}"), hint)
}

/// Whether the service manager's service is the one of this data folder.
fn is_installed(data: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    UNITS.iter().any(|unit| Path::new(unit).exists())
        && real(data).is_some_and(|data| Some(data) == real(Path::new(UNIT_DATA)))
}

/// Through the service manager where the service is installed, else as a process that outlives the console.
fn start(data: &Path) -> Result<LocalOutcome> {
    if is_installed(data) {
        let done = Command::new("systemctl").args(["start", "guida"]).stdin(Stdio::null()).output();
        let done = done.map_err(|e| failed("不能运行 systemctl", &e, "在命令行执行 systemctl start guida"))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Err(Error::new(
                Code::ServiceGone,
                format!("systemctl start guida 没有成功:{said}"),
                "用 journalctl -u guida 看原因;没有权限时用 sudo 打开控制台",
            ));
        }
        return Ok(LocalOutcome::Started("systemctl start guida".into()));
    }
    let program = program()?;
    let mut command = Command::new(&program);
    command.arg("serve").arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Out of the console's process group: what ends the console must not end the service.
    command.process_group(0);
    // Whoever looks after the box as root must not leave files behind that the service's own user cannot open.
    if rustix::process::geteuid().is_root()
        && let Ok(owner) = std::fs::metadata(data)
    {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut service = command.spawn().map_err(|e| failed("不能启动服务", &e, "在命令行执行 guida serve 看原因"))?;
    let began = Instant::now();
    while began.elapsed() < EARLY_END {
        if let Ok(Some(status)) = service.try_wait() {
            let message = format!("服务启动后马上结束了({status})");
            return Err(Error::new(Code::ServiceGone, message, "按 6 看日志最后一行的原因,按 8 体检"));
        }
        thread::sleep(LOOK);
    }
    // Its end is taken note of whenever it comes.
    thread::spawn(move || service.wait());
    Ok(LocalOutcome::Started(format!("guida serve --data {}", data.display())))
}

fn doctor(data: &Path) -> Result<LocalOutcome> {
    let done = Command::new(program()?)
        .args(["doctor", "--json", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed("不能运行 guida doctor", &e, "在命令行执行 guida doctor"))?;
    // A box that is not in order ends it with another code than 0; what it found is told all the same.
    let found = serde_json::from_slice(&done.stdout).map_err(|e| {
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Error::new(Code::Internal, format!("guida doctor 没有给出结果:{said}"), "在命令行执行 guida doctor").because(e)
    })?;
    Ok(LocalOutcome::Doctor(found))
}

/// The last whole lines of a file.
fn tail(path: &Path) -> Result<LocalOutcome> {
    let hint = "服务用 --data 启动后才有日志文件;用 systemd 时执行 journalctl -u guida";
    let unread = |e| failed(&format!("读不到日志 {}", path.display()), &e, hint);
    let mut file = File::open(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len();
    let begin = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(begin)).map_err(unread)?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).map_err(unread)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().skip(usize::from(begin > 0)).map(str::to_owned).collect();
    Ok(LocalOutcome::Log { file: path.display().to_string(), lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_begins_with_a_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guida.log");
        let line = "2026-01-01 信息 一行\n";
        std::fs::write(&path, line.repeat(20_000)).unwrap();
        let Ok(LocalOutcome::Log { lines, .. }) = tail(&path) else { panic!("it is there") };
        assert!(lines.len() > 1000 && lines.iter().all(|l| format!("{l}\n") == line), "{:?}", lines.first());
        std::fs::write(&path, "only\n").unwrap();
        let Ok(LocalOutcome::Log { lines, .. }) = tail(&path) else { panic!("it is there") };
        assert_eq!(lines, ["only"]);
        assert_eq!(tail(&folder.path().join("none")).err().map(|e| e.code()), Some(Code::Io));
    }
}
