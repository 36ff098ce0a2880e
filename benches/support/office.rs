//! Head office and a branch, through the program's own commands.

#![allow(dead_code)] // Each bench uses its own part.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often the memory of an import is looked at; its highest mark is kept by the system meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// The program, and a folder for everything that it makes.
pub struct Guida {
    program: PathBuf,
    folder: PathBuf,
}

/// A bank with one key for everything.
pub struct Bank<'g> {
    guida: &'g Guida,
}

/// A stick that is ready.
pub struct Stick {
    pub folder: PathBuf,
    /// Compressed bytes of the newest pack, whole.
    pub full_bytes: u64,
    /// The same as a difference; 0 without one.
    pub delta_bytes: u64,
}

/// How an import went.
pub struct Imported {
    pub seconds: f64,
    /// Seconds of processor time.
    pub busy: f64,
    pub peak_mib: u64,
}

/// A service that this program started; it ends with it.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The most memory that it ever had.
    pub fn peak_mib(&self) -> u64 {
        peak_mib(self.child.id()).unwrap_or(0)
    }
}

impl Guida {
    pub fn new(program: &Path, folder: &Path) -> Result<Guida, String> {
        let guida = Guida { program: program.to_owned(), folder: folder.to_owned() };
        std::fs::write(guida.path("passphrase"), "a passphrase for benches\n").map_err(|e| e.to_string())?;
        Ok(guida)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("GUIDA_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }

    /// Runs a command to its end; returns what it printed.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(arguments).output().map_err(|e| format!("{}: {e}", self.program.display()))?;
        if !output.status.success() {
            return Err(format!("guida {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Builds knowledge from a folder.
    pub fn build(&self, from: &Path, out: &Path, like: Option<&Path>) -> Result<(), String> {
        let begun = Instant::now();
        let (from, out) = (text(from), text(out));
        let mut arguments = vec!["kb", "build", &from, "--out", &out];
        let like = like.map(text);
        if let Some(like) = &like {
            arguments.extend(["--like", like]);
        }
        self.run(&arguments)?;
        println!("{out} built in {:.0} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// A bank with a key and a trust root.
    pub fn bank(&self) -> Result<Bank<'_>, String> {
        self.run(&["pack", "keygen", "--out", &text(&self.path("key")), "--holder", "bench"])?;
        let public = text(&self.path("key.pub"));
        let keys = ["root", "publish", "beacon"].map(|role| format!("{role}={public}"));
        let one = ["root", "publish", "beacon"].map(|role| format!("{role}=ed25519:1"));
        std::fs::create_dir(self.path("office")).map_err(|e| e.to_string())?;
        let office = text(&self.path("office"));
        let mut arguments = vec!["pack", "root", &office, "--bank", "bench"];
        for (key, one) in keys.iter().zip(&one) {
            arguments.extend(["--key", key, "--require", one]);
        }
        self.run(&arguments)?;
        let bank = Bank { guida: self };
        bank.sign(&self.path("office/kbpack/root/0001.json"))?;
        Ok(bank)
    }

    /// Imports what a stick has, as branch IT does at the command line.
    pub fn import(&self, data: &Path, stick: &Path) -> Result<Imported, String> {
        let begun = Instant::now();
        let mut command = self.command(&["import", &text(stick), "--data", &text(data), "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let (mut peak, mut busy) = (0, 0.0);
        let status = loop {
            peak = peak_mib(child.id()).unwrap_or(0).max(peak);
            busy = busy_seconds(child.id()).unwrap_or(0.0).max(busy);
            match child.try_wait().map_err(|e| e.to_string())? {
                Some(status) => break status,
                None => std::thread::sleep(LOOK),
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        if !status.success() {
            let output = child.wait_with_output().map_err(|e| e.to_string())?;
            return Err(format!("guida import: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(Imported { seconds, busy, peak_mib: peak })
    }

    /// Starts the service of a branch on a free port.
    pub fn serve(&self, data: &Path) -> Result<Server, String> {
        self.serve_as(data, |_| ())
    }

    /// The same with what is still to be said of the command.
    pub fn serve_as(&self, data: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Server, String> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--data", &text(data)]);
        prepare(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut server = Server { child, addr: SocketAddr::from(([127, 0, 0, 1], 0)) };
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|e| e.to_string())?;
            if let Some(addr) = line.split("http://").nth(1).and_then(|a| a.trim().trim_end_matches('/').parse().ok()) {
                server.addr = addr;
                return Ok(server);
            }
        }
        Err("the service ended before it listened".to_owned())
    }
}

impl Bank<'_> {
    fn sign(&self, file: &Path) -> Result<(), String> {
        self.guida.run(&["pack", "sign", &text(file), "--key", &text(&self.guida.path("key.key"))]).map(drop)
    }

    /// A stick with everything that another folder has, and a pack of this knowledge: whole, and as the difference to the pack before
    /// it there.
    pub fn stick(&self, name: &str, like: Option<&Stick>, number: u64, knowledge: &Path) -> Result<Stick, String> {
        let folder = self.guida.path(name);
        let office = self.guida.path("office");
        copy(like.map_or(&office, |stick| &stick.folder), &folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let begun = Instant::now();
        let (place, seq) = (text(&folder), number.to_string());
        let out = self.guida.run(&["pack", "build", &place, "--kb", &text(knowledge), "--seq", &seq, "--json"])?;
        println!("pack {seq} on the stick \"{name}\" built in {:.0} s", begun.elapsed().as_secs_f64());
        let built: serde_json::Value = serde_json::from_str(&out).map_err(|e| format!("{e}: {out}"))?;
        let bytes = |field: &str| built[field].as_u64();
        let full_bytes = bytes("full_bytes").ok_or_else(|| format!("no full_bytes in {out}"))?;
        self.sign(&folder)?;
        self.guida.run(&["pack", "beacon", &place])?;
        self.sign(&folder.join("kbpack/beacon.json"))?;
        Ok(Stick { folder, full_bytes, delta_bytes: bytes("delta_bytes").unwrap_or(0) })
    }

    /// A box that trusts the bank.
    pub fn branch(&self, name: &str) -> Result<PathBuf, String> {
        let data = self.guida.path(&format!("data-{name}"));
        let root = text(&self.guida.path("office/kbpack/root/0001.json"));
        let hash = std::fs::read(&root).map(|bytes| sha256(&bytes)).map_err(|e| e.to_string())?;
        self.guida.run(&[
            "data",
            "init",
            "--data",
            &text(&data),
            "--branch",
            "1101",
            "--root",
            &root,
            "--fingerprint",
            &hash,
        ])?;
        Ok(data)
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The highest mark of a process's memory.
fn peak_mib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Processor time of a process, user and system: fields 14 and 15 of its `stat`, in hundredths of a second on every Linux.
fn busy_seconds(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold blanks; the third field follows it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) as f64 / 100.0)
}
