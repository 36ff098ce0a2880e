//! The form of a backup: files one behind the other, compressed and under a passphrase.
//!
//! ```text
//! guida-backup 1\n
//! { u32 length, JSON {"path", "size", "mode"}, bytes, SHA-256 of the bytes } …
//! u32 length, JSON {"end": number of files}
//! ```
//!
//! The cipher's own authentication tells a backup that was cut short or changed; the hashes tell a file that was not read as it was
//! written.

use crate::error::{Code, Error, Result};
use crate::pack::vault;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// What a backup begins with.
const OPENING: &[u8] = b"guida-backup 1\n";
/// zstd's level: what is large is compressed by little whatever the level.
const LEVEL: i32 = 3;
/// Longest header in bytes.
const MAX_HEADER_BYTES: u32 = 4 << 10;
/// Bytes copied at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Length of a hash.
const HASH_BYTES: usize = 32;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Path in the data folder.
    #[serde(default)]
    pub(super) path: String,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) mode: u32,
    /// The number of files, behind the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
}

impl Header {
    pub(super) fn of(path: &str, size: u64, mode: u32) -> Header {
        Header { path: path.to_owned(), size, mode, end: None }
    }
}

/// What goes wrong while a backup is written: at the end that is read, or at the end that is written.
#[derive(Debug)]
pub(super) enum Broken {
    Reading(io::Error),
    Writing(io::Error),
}

/// Writes a backup.
pub(super) struct Writer<W: Write> {
    out: zstd::Encoder<'static, age::stream::StreamWriter<W>>,
    files: u64,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// `KEY_FILE` for a passphrase that can be guessed, `IO`.
    pub(super) fn begin(out: W, passphrase: &str) -> Result<Writer<W>> {
        let begun = zstd::Encoder::new(vault::lock(out, passphrase)?, LEVEL)
            .and_then(|mut out| out.write_all(OPENING).map(|()| out));
        let out = begun.map_err(|e| Error::new(Code::Io, format!("写不了备份:{e}"), "检查 U 盘或磁盘").because(e))?;
        Ok(Writer { out, files: 0 })
    }

    /// Adds a file; `content` must have as many bytes as its header says.
    pub(super) fn add(&mut self, header: &Header, content: &mut dyn Read) -> std::result::Result<(), Broken> {
        self.header(header).map_err(Broken::Writing)?;
        let mut hash = Sha256::new();
        let mut left = header.size;
        let mut buffer = vec![0; CHUNK_BYTES];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let read = match content.read(buffer.get_mut(..most).unwrap_or_default()) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) => return Err(Broken::Reading(io::ErrorKind::UnexpectedEof.into())),
                read => read.map_err(Broken::Reading)?,
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            hash.update(bytes);
            self.out.write_all(bytes).map_err(Broken::Writing)?;
            left -= read as u64;
        }
        self.files += 1;
        self.out.write_all(&hash.finalize()).map_err(Broken::Writing)
    }

    fn header(&mut self, header: &Header) -> io::Result<()> {
        let text = serde_json::to_vec(header).map_err(io::Error::other)?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&text)
    }

    /// Ends it; returns what it was written into.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.header(&Header { end: Some(self.files), ..Header::of("", 0, 0) })?;
        self.out.finish()?.finish()
    }
}

/// Reads a backup to its end and hands each file to `take`, which reads all of it.
///
/// # Errors
/// `KEY_FILE` when the passphrase is wrong, `BACKUP_FILE` when the backup is none, is damaged or cut short; those of `take`.
pub(super) fn read(
    from: impl Read,
    passphrase: &str,
    take: &mut dyn FnMut(&Header, &mut dyn Read) -> Result<()>,
) -> Result<u64> {
    let mut from = zstd::Decoder::new(vault::unlock(from, passphrase)?).map_err(|e| unread(&e))?;
    let mut opening = [0; OPENING.len()];
    from.read_exact(&mut opening).map_err(|e| unread(&e))?;
    if opening != OPENING {
        return Err(damaged(&"开头不是本版本认识的"));
    }
    let mut files = 0;
    loop {
        let header = next_header(&mut from)?;
        if let Some(end) = header.end {
            let mut more = [0];
            return match from.read(&mut more) {
                Ok(0) if end == files => Ok(files),
                Ok(_) => Err(damaged(&"文件数对不上")),
                Err(e) => Err(unread(&e)),
            };
        }
        let mut content = Hashed { from: (&mut from).take(header.size), hash: Sha256::new(), failed: None };
        let taken = take(&header, &mut content);
        if let Some(why) = content.failed {
            return Err(damaged(&why));
        }
        taken?;
        // What nobody wanted is hashed as well.
        io::copy(&mut content, &mut io::sink()).map_err(|e| unread(&e))?;
        let (short, found) = (content.from.limit() > 0, content.hash.finalize());
        let mut said = [0; HASH_BYTES];
        from.read_exact(&mut said).map_err(|e| unread(&e))?;
        if short || found.as_slice() != said {
            return Err(damaged(&format!("{} 的内容与写下时不同", header.path)));
        }
        files += 1;
    }
}

fn next_header(from: &mut impl Read) -> Result<Header> {
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(|e| unread(&e))?;
    let length = u32::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(damaged(&"文件头太长"));
    }
    let mut text = vec![0; length as usize];
    from.read_exact(&mut text).map_err(|e| unread(&e))?;
    serde_json::from_slice(&text).map_err(|_| damaged(&"文件头读不懂"))
}

/// Hashes what is read, and remembers that reading failed, which is the backup's fault and not the taker's.
struct Hashed<R> {
    from: io::Take<R>,
    hash: Sha256,
    failed: Option<String>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into).inspect_err(|e| self.failed = Some(reason(e)))?;
        self.hash.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A backup that does not come to its end.
pub(super) fn unread(e: &io::Error) -> Error {
    damaged(&reason(e))
}

/// Why it does not: what the cipher and the compression say in English is one of two things to whoever has the backup.
fn reason(e: &io::Error) -> String {
    match (e.raw_os_error(), e.kind()) {
        (Some(number), _) => format!("读不出(系统错误 {number})"),
        (None, io::ErrorKind::UnexpectedEof) => "内容不全,后面的没有了".to_owned(),
        (None, _) => "内容被改动过,解不开".to_owned(),
    }
}

pub(super) fn damaged(why: &dyn std::fmt::Display) -> Error {
    Error::new(Code::BackupFile, format!("备份已损坏或不完整:{why}"), "换一份备份;U 盘报错时换 U 盘重做")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "correct horse battery";

    fn backup() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), PASSPHRASE).unwrap();
        writer.add(&Header::of("a", 3, 0o640), &mut &b"abc"[..]).unwrap();
        writer.add(&Header::of("b/c", 0, 0o600), &mut &b""[..]).unwrap();
        writer.finish().unwrap()
    }

    fn read_all(bytes: &[u8], passphrase: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        read(bytes, passphrase, &mut |header, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|e| unread(&e))?;
            found.push((header.path.clone(), bytes));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn files_come_back_and_no_damage_passes() {
        let sound = backup();
        let files = read_all(&sound, PASSPHRASE).unwrap();
        assert_eq!(files, [("a".to_owned(), b"abc".to_vec()), ("b/c".to_owned(), Vec::new())]);
        assert_eq!(read_all(&sound, "another passphrase").unwrap_err().code(), Code::KeyFile);
        // Each wrong byte costs a key derivation: the ends, where the stream begins and where it ends, and some between.
        for at in [0, sound.len() - 1, sound.len() - 17, sound.len() / 2, sound.len() - 60] {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            for wrong in [read_all(&bytes, PASSPHRASE), read_all(&sound[..at], PASSPHRASE)] {
                let told = wrong.unwrap_err().to_string();
                let words = told.split(|c: char| !c.is_ascii_lowercase());
                assert!(words.into_iter().all(|word| word.len() < 2), "byte {at}: {told}");
            }
        }
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_no_backup() {
        let mut writer = Writer::begin(Vec::new(), PASSPHRASE).unwrap();
        let added = writer.add(&Header::of("a", 4, 0o640), &mut &b"abc"[..]);
        assert!(matches!(added, Err(Broken::Reading(_))), "{added:?}");
        assert_eq!(Writer::begin(Vec::new(), "short").err().map(|e| e.code()), Some(Code::KeyFile));
    }
}
