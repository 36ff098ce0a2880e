//! Head office and a branch, through the program's own commands.

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
        let mut peak = 0;
        let status = loop {
            peak = peak_mib(child.id()).unwrap_or(0).max(peak);
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
        Ok(Imported { seconds, peak_mib: peak })
    }

    /// Starts the service of a branch on a free port.
    pub fn serve(&self, data: &Path) -> Result<Server, String> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--data", &text(data)]);
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

    /// A stick with a pack of each knowledge file, the last one the newest; each is a difference to the one before as well. A stick with
    /// one file has it under a number of its own name, so that it follows the first.
    pub fn stick(&self, name: &str, knowledge: &[&Path]) -> Result<Stick, String> {
        let folder = self.guida.path(name);
        let root = folder.join("kbpack/root");
        std::fs::create_dir_all(&root).map_err(|e| e.to_string())?;
        for file in ["0001.json", "0001.json.sig"] {
            std::fs::copy(self.guida.path("office/kbpack/root").join(file), root.join(file))
                .map_err(|e| e.to_string())?;
        }
        let (mut stick, mut number) = (Stick { folder, full_bytes: 0, delta_bytes: 0 }, u64::from(name == "whole"));
        for file in knowledge {
            number += 1;
            let begun = Instant::now();
            let (folder, seq) = (text(&stick.folder), number.to_string());
            let out = self.guida.run(&["pack", "build", &folder, "--kb", &text(file), "--seq", &seq, "--json"])?;
            println!("pack {seq} on {name} built in {:.0} s", begun.elapsed().as_secs_f64());
            let built: serde_json::Value = serde_json::from_str(&out).map_err(|e| format!("{e}: {out}"))?;
            stick.full_bytes = built["full_bytes"].as_u64().ok_or_else(|| format!("no full_bytes in {out}"))?;
            stick.delta_bytes = built["delta_bytes"].as_u64().unwrap_or(0);
            self.sign(&stick.folder)?;
            self.guida.run(&["pack", "beacon", &folder])?;
            self.sign(&stick.folder.join("kbpack/beacon.json"))?;
        }
        Ok(stick)
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
