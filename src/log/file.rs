//! The log file. Lines wait in a bounded queue for a thread of their own: a disk that is full, slow or dying costs lines of the log and
//! nothing else.

use crate::clock;
use crate::engine::logs::{LogLevel, LogLine};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Size at which the file becomes the one before, in bytes: some thirty thousand lines. Two such files are kept.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Added to the name of the file before.
const BEFORE: &str = ".1";
/// Lines that may wait for the disk; further ones are left out, and counted.
const MAX_WAITING: usize = 1024;
/// How long an orderly end waits for the disk.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How often it looks for room in the queue.
const FLUSH_POLL: Duration = Duration::from_millis(10);
/// The service writes, its group reads.
const FILE_MODE: u32 = 0o640;
/// The folder likewise.
const FOLDER_MODE: u32 = 0o750;

/// The way into the file.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    queue: SyncSender<Entry>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Entry {
    Line(LogLine),
    /// Answered when everything before it has been written.
    Flush(SyncSender<()>),
}

impl LogFile {
    /// Begins to write to `path`; `None` when the system has no thread left, and the log goes on without a file.
    pub(super) fn start(path: PathBuf) -> Option<LogFile> {
        let (queue, entries) = sync_channel(MAX_WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let writer = Writer { path, limit: MAX_FILE_BYTES, left_out: Arc::clone(&left_out), failing: false };
        thread::Builder::new().name("log-file".into()).spawn(move || writer.run(&entries)).ok()?;
        Some(LogFile { queue, left_out })
    }

    /// Hands a line over; never waits.
    pub(super) fn write(&self, line: LogLine) {
        if self.queue.try_send(Entry::Line(line)).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was handed over has been written, [`FLUSH_LIMIT`] at most.
    pub(super) fn flush(&self) {
        let until = Instant::now() + FLUSH_LIMIT;
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(entry) {
            if Instant::now() >= until {
                return;
            }
            entry = back;
            thread::park_timeout(FLUSH_POLL);
        }
        let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

struct Writer {
    path: PathBuf,
    limit: u64,
    left_out: Arc<AtomicU64>,
    /// The last line could not be written, and that was said.
    failing: bool,
}

impl Writer {
    fn run(mut self, entries: &Receiver<Entry>) {
        for entry in entries {
            match entry {
                Entry::Line(line) => self.write(&line),
                Entry::Flush(done) => {
                    let _ = done.send(());
                }
            }
        }
    }

    fn write(&mut self, line: &LogLine) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let mut text = text(line);
        if left_out > 0 {
            text = format!("({left_out} lines are missing here: the disk was full or too slow)\n{text}");
        }
        match append(&self.path, text.as_bytes(), self.limit) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.left_out.fetch_add(left_out + 1, Ordering::Relaxed);
                // Said once, or every word about the file would have another one follow.
                if !self.failing {
                    self.failing = true;
                    tracing::warn!(%error, path = %self.path.display(), "the log file cannot be written");
                }
            }
        }
    }
}

/// Adds to the file, which is opened each time: it may have been removed, moved or filled by others meanwhile, and lines are few.
fn append(path: &Path, text: &[u8], limit: u64) -> io::Result<()> {
    let (mut file, length) = open(path)?;
    if length > 0 && length.saturating_add(text.len() as u64) > limit {
        drop(file);
        let mut before = path.as_os_str().to_owned();
        before.push(BEFORE);
        std::fs::rename(path, before)?;
        (file, _) = open(path)?;
    }
    file.write_all(text)
}

/// Opens the file, its folder and itself made where they are missing, at the beginning of a line.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(FILE_MODE);
    let mut file = match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new("."));
            // Not its parent: a data folder that was taken away is not made anew by its log.
            DirBuilder::new().mode(FOLDER_MODE).create(folder)?;
            options.open(path)?
        }
        opened => opened?,
    };
    let length = file.metadata()?.len();
    match length.checked_sub(1) {
        None => file.set_permissions(Permissions::from_mode(FILE_MODE))?,
        Some(last) => {
            // A full disk or a power cut may have ended the file within a line.
            let mut end = [0];
            file.read_exact_at(&mut end, last)?;
            if end != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
    }
    Ok((file, length))
}

fn text(line: &LogLine) -> String {
    let level = match line.level {
        LogLevel::Error => "ERROR",
        LogLevel::Warn => " WARN",
        LogLevel::Info => " INFO",
        LogLevel::Debug => "DEBUG",
    };
    let at = clock::in_china(line.at).strftime("%Y-%m-%d %H:%M:%S%.3f");
    format!("{at} {level} {}: {}\n", line.target, line.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::logs::LogRing;
    use std::fs;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn lines_come_to_stand_in_a_file_that_only_the_group_reads() {
        let data = tempfile::tempdir().unwrap();
        let path = crate::engine::logs::file_of(data.path());
        let log = LogFile::start(path.clone()).unwrap();
        let ring = LogRing::default();
        log.write(ring.push(LogLevel::Info, "guida::engine", "一 started"));
        log.write(ring.push(LogLevel::Error, "guida::engine", "二"));
        log.flush();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].ends_with("  INFO guida::engine: 一 started") && lines[1].ends_with(" ERROR guida::engine: 二")
        );
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o640, 0o750));
        // Whoever removes the file gets a new one.
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        log.write(ring.push(LogLevel::Info, "guida", "三"));
        log.flush();
        assert!(fs::read_to_string(&path).unwrap().ends_with("guida: 三\n"));
    }

    #[test]
    fn a_full_file_becomes_the_one_before_and_both_are_bounded() {
        let data = tempfile::tempdir().unwrap();
        let path = crate::engine::logs::file_of(data.path());
        let line = |n: u32| format!("{n:04} {}\n", "x".repeat(94));
        for n in 0..95 {
            append(&path, line(n).as_bytes(), 1000).unwrap();
        }
        let before = path.with_extension("log.1");
        let (old, new) = (fs::read_to_string(&before).unwrap(), fs::read_to_string(&path).unwrap());
        assert_eq!((old.len(), new.len()), (1000, 500));
        assert!(old.starts_with("0080 ") && new.starts_with("0090 ") && new.contains("\n0094 "));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
        // A line longer than the limit is written for all that.
        append(&path, &[b'y'; 2000], 1000).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 2000);
    }

    #[test]
    fn a_line_that_was_cut_short_is_ended() {
        let data = tempfile::tempdir().unwrap();
        let path = crate::engine::logs::file_of(data.path());
        append(&path, b"whole\ncut sh", 1000).unwrap();
        append(&path, b"next\n", 1000).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\ncut sh\nnext\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_costs_lines_only() {
        let data = tempfile::tempdir().unwrap();
        let path = crate::engine::logs::file_of(data.path());
        // A folder stands where the file should be.
        fs::create_dir_all(&path).unwrap();
        let log = LogFile::start(path.clone()).unwrap();
        let ring = LogRing::default();
        for _ in 0..3 * MAX_WAITING {
            log.write(ring.push(LogLevel::Info, "guida", "lost"));
        }
        fs::remove_dir(&path).unwrap();
        log.flush();
        log.write(ring.push(LogLevel::Info, "guida", "found"));
        log.flush();
        assert!(fs::read_to_string(&path).unwrap().ends_with("guida: found\n"));
        // Nor does the log make a data folder that is not there.
        let gone = crate::engine::logs::file_of(&data.path().join("none"));
        assert!(append(&gone, b"x\n", 1000).is_err() && !data.path().join("none").exists());
    }
}
