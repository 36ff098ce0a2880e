//! Asking for a passphrase: at the terminal without showing it, or from a file. Never from the command line, which every process can read.

use super::args::PassphraseArg;
use crate::engine::office::{MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS};
use crate::error::{Code, Error, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The terminal of this process, wherever input and output go.
const TERMINAL: &str = "/dev/tty";

/// A passphrase; `prompt` says whose.
pub type Passphrase = Zeroizing<String>;

/// Reads the passphrase of a key.
///
/// # Errors
/// `KEY_FILE` when there is neither file nor terminal, or nothing was typed.
pub fn ask(from: &PassphraseArg, prompt: &str) -> Result<Passphrase> {
    match &from.passphrase_file {
        Some(path) => from_file(path),
        None => Terminal::open()?.ask(prompt),
    }
}

/// Reads a new passphrase, at the terminal twice.
///
/// # Errors
/// As [`ask`], and when the two differ.
pub fn choose(from: &PassphraseArg, prompt: &str) -> Result<Passphrase> {
    if let Some(path) = &from.passphrase_file {
        return from_file(path);
    }
    let mut terminal = Terminal::open()?;
    let first = terminal.ask(&format!("{prompt}(至少 {MIN_PASSPHRASE_CHARS} 个字符)"))?;
    let again = terminal.ask("再输入一遍")?;
    if first != again {
        return Err(Error::new(Code::KeyFile, "两遍口令不一样,没有继续", "重新运行命令"));
    }
    Ok(first)
}

fn from_file(path: &Path) -> Result<Passphrase> {
    let file = File::open(path).map_err(|e| unreadable(path, e))?;
    line(&mut BufReader::new(file)).map_err(|e| unreadable(path, e))
}

fn unreadable(path: &Path, e: io::Error) -> Error {
    Error::new(Code::KeyFile, format!("读不出口令文件 {}:{e}", path.display()), "检查路径;口令写在第一行").because(e)
}

/// The first line, without its end.
fn line(from: &mut impl BufRead) -> io::Result<Passphrase> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_BYTES + 2));
    from.take(MAX_PASSPHRASE_BYTES as u64 + 2).read_until(b'\n', &mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// The terminal, which shows nothing of what is typed until this is dropped.
struct Terminal {
    device: File,
    before: Termios,
}

impl Terminal {
    fn open() -> Result<Terminal> {
        let open = || {
            let device = File::options().read(true).write(true).open(TERMINAL)?;
            let before = tcgetattr(&device)?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&device, OptionalActions::Flush, &silent)?;
            Ok(Terminal { device, before })
        };
        open().map_err(|e: io::Error| {
            let hint = "在终端里运行,或用 --passphrase-file 给出口令文件";
            Error::new(Code::KeyFile, "没有终端可以输入口令", hint).because(e)
        })
    }

    fn ask(&mut self, prompt: &str) -> Result<Passphrase> {
        let mut typed = || {
            write!(self.device, "{prompt}:")?;
            let typed = line(&mut BufReader::with_capacity(1, &self.device))?;
            writeln!(self.device)?;
            Ok(typed)
        };
        let typed = typed().map_err(|e: io::Error| {
            Error::new(Code::KeyFile, format!("口令没有读到:{e}"), "重新运行命令").because(e)
        })?;
        if typed.is_empty() {
            return Err(Error::new(Code::KeyFile, "没有输入口令", "重新运行命令"));
        }
        Ok(typed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.before);
    }
}
