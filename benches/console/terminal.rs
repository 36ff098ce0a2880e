//! A console in a terminal of its own: a pseudo terminal whose other end is held here, as a terminal emulator or an SSH server does it.

use crate::apart::on_terminal;
use crate::picture::Picture;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A picture is complete when nothing has come for so long.
const QUIET: Duration = Duration::from_millis(3);
/// No picture takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that are read at once.
const STEP: usize = 64 * 1024;

/// What is expected to be seen after a key.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// These words.
    Shows(&'static str),
    /// These no longer.
    Hides(&'static str),
    /// Another row is chosen.
    Moves,
}

/// How long after the key.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// The first byte that was written.
    pub first: Duration,
    /// What was expected is seen, and what belongs to the same picture has come.
    pub whole: Duration,
}

/// The console; it ends with this.
pub struct Terminal {
    child: Child,
    keys: File,
    /// What it wrote, and when.
    written: Receiver<(Instant, Vec<u8>)>,
    pub picture: Picture,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    /// Opens the console of this data folder in a terminal of this size (columns, rows).
    pub fn open(guida: &Path, data: &Path, size: (u16, u16)) -> Result<Terminal, String> {
        let failed = |e: std::io::Error| format!("no pseudo terminal: {e}");
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(|e| failed(e.into()))?;
        grantpt(&ours).and_then(|()| unlockpt(&ours)).map_err(|e| failed(e.into()))?;
        let window = Winsize { ws_col: size.0, ws_row: size.1, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, window).map_err(|e| failed(e.into()))?;
        let name = ptsname(&ours, Vec::new()).map_err(|e| failed(e.into()))?;
        let name = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs = File::options().read(true).write(true).open(name).map_err(failed)?;
        let end = || theirs.try_clone().map(Stdio::from).map_err(failed);
        let mut command = Command::new(guida);
        command.arg("console").arg("--data").arg(data).stdin(end()?).stdout(end()?).stderr(end()?);
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        on_terminal(&mut command);
        let child = command.spawn().map_err(|e| format!("{}: {e}", guida.display()))?;
        drop(command);
        let keys = File::from(ours);
        let mut screen = keys.try_clone().map_err(failed)?;
        let (out, written) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; STEP];
            // The terminal's end gives an error here.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                if out.send((Instant::now(), bytes[..length].to_vec())).is_err() {
                    return;
                }
            }
        });
        Ok(Terminal { child, keys, written, picture: Picture::new(size) })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Takes what is written for so long.
    pub fn watch(&mut self, span: Duration) -> Result<(), String> {
        let until = Instant::now() + span;
        while let Some((_, bytes)) = self.next(until)? {
            self.picture.take(&bytes);
        }
        Ok(())
    }

    /// Waits until something is seen.
    pub fn wait(&mut self, seen: Seen) -> Result<(), String> {
        self.until(seen, Instant::now()).map(drop)
    }

    /// Presses a key, and waits for the picture that it leads to.
    pub fn press(&mut self, key: &str, seen: Seen) -> Result<Drawn, String> {
        let begun = Instant::now();
        self.keys.write_all(key.as_bytes()).map_err(|e| format!("{key:?}: {e}"))?;
        self.until(seen, begun).map_err(|e| format!("after the key {key:?}: {e}"))
    }

    fn until(&mut self, seen: Seen, begun: Instant) -> Result<Drawn, String> {
        let before = self.picture.reversed();
        let is_seen = |picture: &Picture| match seen {
            Seen::Shows(words) => picture.shows(words),
            Seen::Hides(words) => !picture.shows(words),
            Seen::Moves => picture.reversed() != before,
        };
        let mut first = None;
        let mut last = begun;
        let mut found = is_seen(&self.picture);
        loop {
            let until = if found { Instant::now() + QUIET } else { begun + PATIENCE };
            match self.next(until)? {
                Some((at, bytes)) => {
                    // What was on its way before the key is not its picture.
                    if at > begun {
                        first.get_or_insert(at);
                        last = at;
                    }
                    self.picture.take(&bytes);
                    found = found || is_seen(&self.picture);
                }
                None if found => {
                    let since = |at: Instant| at.saturating_duration_since(begun);
                    return Ok(Drawn { first: since(first.unwrap_or(last)), whole: since(last) });
                }
                None => return Err(format!("{seen:?} is not seen within {PATIENCE:?}: {}", self.seen())),
            }
        }
    }

    /// The picture as text, for what went wrong.
    fn seen(&self) -> String {
        self.picture.rows().filter(|row| !row.trim().is_empty()).map(|row| format!("\n{}", row.trim_end())).collect()
    }

    /// What is written next; `None` when nothing is until then.
    fn next(&self, until: Instant) -> Result<Option<(Instant, Vec<u8>)>, String> {
        match self.written.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(written) => Ok(Some(written)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(format!("the console has ended: {}", self.seen())),
        }
    }
}
