//! The parts of a source on the stick: written piece by piece before their name is known, and read back as one stream.

use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::limits::MAX_PIECES;
use crate::pack::manifest::{Parts, Piece};
use crate::pack::source::{PartFile, Stick, StickFile, names};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Buffer for hashing parts.
const BUFFER_BYTES: usize = 512 << 10;

/// Takes a stream and cuts it into parts.
pub(super) struct PartsWriter<'a> {
    stick: &'a Stick,
    part_bytes: u64,
    written: Vec<StickFile>,
    current: Option<StickFile>,
    piece: Sha256,
    pieces: Vec<Piece>,
    /// Bytes in the current part.
    filled: u64,
    whole: Sha256,
    size: u64,
    failure: Option<Error>,
}

impl<'a> PartsWriter<'a> {
    /// Nothing yet; `part_bytes` is at least 1.
    pub fn new(stick: &'a Stick, part_bytes: u64) -> PartsWriter<'a> {
        PartsWriter {
            stick,
            part_bytes,
            written: Vec::new(),
            current: None,
            piece: Sha256::new(),
            pieces: Vec::new(),
            filled: 0,
            whole: Sha256::new(),
            size: 0,
            failure: None,
        }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the parts their names, now that these are known.
    ///
    /// # Errors
    /// Those of the stick. The parts that have their names by then are of no harm.
    pub fn finish(mut self) -> Result<Parts> {
        self.end_part()?;
        let sha256 = hex::encode(&self.whole.finalize());
        for (index, file) in self.written.into_iter().enumerate() {
            file.keep_at(self.stick, &names::part(&sha256, index))?;
        }
        Ok(Parts { sha256, size: self.size, pieces: self.pieces })
    }

    /// The error behind the last failed write, where that says more than the system's.
    pub fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    fn begin_part(&mut self) -> Result<()> {
        let index = self.written.len();
        if index >= MAX_PIECES {
            let message = format!("一个文件要分成 {MAX_PIECES} 卷以上");
            return Err(Error::new(Code::PackBuild, message, "用 --part-size 加大每卷"));
        }
        self.current = Some(self.stick.writer(&format!("kbpack/blob/part-{index}"))?);
        Ok(())
    }

    fn end_part(&mut self) -> Result<()> {
        let Some(mut file) = self.current.take() else { return Ok(()) };
        file.finish()?;
        self.written.push(file);
        let sha256 = hex::encode(&std::mem::take(&mut self.piece).finalize());
        self.pieces.push(Piece { size: std::mem::take(&mut self.filled), sha256 });
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<io::Result<usize>> {
        if self.current.is_none() {
            self.begin_part()?;
        }
        let room = usize::try_from(self.part_bytes - self.filled).unwrap_or(usize::MAX);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let Some(file) = &mut self.current else { return Ok(Ok(0)) };
        if let Err(e) = file.write_all(bytes) {
            return Ok(Err(e));
        }
        self.piece.update(bytes);
        self.whole.update(bytes);
        self.filled += bytes.len() as u64;
        self.size += bytes.len() as u64;
        if self.filled == self.part_bytes {
            self.end_part()?;
        }
        Ok(Ok(bytes.len()))
    }
}

impl Write for PartsWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.take(bytes).unwrap_or_else(|e| {
            let shown = io::Error::other(e.to_string());
            self.failure = Some(e);
            Err(shown)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All parts of a source, one after the other.
pub(super) struct PartsReader<'a> {
    stick: &'a Stick,
    parts: &'a Parts,
    next: usize,
    current: Option<PartFile>,
}

impl<'a> PartsReader<'a> {
    /// At the beginning.
    pub fn new(stick: &'a Stick, parts: &'a Parts) -> PartsReader<'a> {
        PartsReader { stick, parts, next: 0, current: None }
    }
}

impl Read for PartsReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.next < self.parts.pieces.len() || self.current.is_some() {
            if let Some(part) = &mut self.current {
                match part.read(bytes)? {
                    0 => self.current = None,
                    read => return Ok(read),
                }
            } else {
                let part = self.stick.part(&self.parts.sha256, self.next);
                self.current = Some(part.map_err(|e| io::Error::other(e.to_string()))?);
                self.next += 1;
            }
        }
        Ok(0)
    }
}

/// Reads all parts of a source and compares their lengths and checksums.
///
/// # Errors
/// `PACK_INCOMPLETE` for a part that is missing or short, `PACK_HASH` for one that is another or long, both naming it.
pub(super) fn check(stick: &Stick, parts: &Parts) -> Result<()> {
    let mut whole = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    for (index, piece) in parts.pieces.iter().enumerate() {
        let name = names::part(&parts.sha256, index);
        let mut part = stick.part(&parts.sha256, index)?;
        let mut sha256 = Sha256::new();
        let mut size = 0;
        loop {
            let read = part.read(&mut buffer).map_err(|e| crate::pack::source::reading_failed(&name, &e))?;
            let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty() && size <= piece.size) else { break };
            sha256.update(bytes);
            whole.update(bytes);
            size += read as u64;
        }
        if size < piece.size {
            let message = format!("{name} 只有 {size} 字节,应为 {} 字节", piece.size);
            return Err(Error::new(Code::PackIncomplete, message, "重新拷贝知识包,或重新制作"));
        }
        if size > piece.size || hex::encode(&sha256.finalize()) != piece.sha256 {
            return Err(wrong(&name));
        }
    }
    if hex::encode(&whole.finalize()) != parts.sha256 {
        return Err(wrong(&names::part(&parts.sha256, 0)));
    }
    Ok(())
}

fn wrong(name: &str) -> Error {
    Error::new(Code::PackHash, format!("{name} 的内容与清单的校验值不符"), "重新拷贝知识包,或换一个 U 盘重新制作")
}
