//! The prompt cache across restarts: one file beside the model that is only ever appended to.
//!
//! Layout: [`MAGIC`], the fingerprint of what computed the contents (model, its settings, the library), then records. A record is
//! the tokens of all parts from the root to the one that it is about, the keys and values of that one, and the first bytes of a
//! SHA-256 over both. Whatever is torn, foreign or damaged ends the reading: the file is a cache, and nothing in it is worth
//! an error. It holds rules only: questions are never cached.

use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// First bytes of the file; the digit is the version of the layout.
const MAGIC: &[u8; 8] = b"GUIDAPC1";
/// Bytes of the fingerprint.
pub(super) const FINGERPRINT_BYTES: usize = 32;
/// Bytes of a record's checksum.
const CHECK_BYTES: usize = 8;
/// Most parts of a path and tokens of a part; a prompt has some ten parts of some hundred tokens.
const MAX_PARTS: u32 = 256;
const MAX_TOKENS: u32 = 1 << 20;

/// A part as the file keeps it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Tokens of all parts from the root to this one.
    pub(super) path: Vec<Vec<i32>>,
    /// Its keys and values.
    pub(super) bytes: Vec<u8>,
}

/// The file, open for appending.
#[derive(Debug)]
pub(super) struct CacheFile {
    file: File,
    length: u64,
    limit: u64,
}

impl Drop for CacheFile {
    /// Said, not left to the closing of the file: a process that is being started holds a copy of it for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl CacheFile {
    /// Opens the file for this process alone, reads what it holds under this fingerprint, newest parts last, and rewrites it when it
    /// had grown to nearly `limit` bytes or was damaged. Records of other fingerprints are dropped.
    ///
    /// # Errors
    /// The file system's; `WouldBlock` while another process has it.
    pub(super) fn open(
        path: &Path,
        fingerprint: &[u8; FINGERPRINT_BYTES],
        limit: u64,
    ) -> io::Result<(CacheFile, Vec<Kept>)> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock()?;
        let (mut parts, sound) = read_all(&file, fingerprint, limit);
        let size = |part: &Kept| part.bytes.len() as u64;
        let mut total: u64 = parts.iter().map(size).sum();
        let crowded = total > limit / 10 * 9;
        if crowded {
            // The newest parts stay; a part whose beginning is lost is refused by the tree.
            let mut surplus = 0;
            for part in &parts {
                if total <= limit / 4 * 3 {
                    break;
                }
                total -= size(part);
                surplus += 1;
            }
            let openings: Vec<Kept> = parts.drain(..surplus).filter(|part| part.path.len() == 1).collect();
            parts.splice(0..0, openings);
        }
        if crowded || !sound {
            rewrite(&mut file, fingerprint, &parts)?;
        }
        let length = file.seek(SeekFrom::End(0))?;
        Ok((CacheFile { file, length, limit }, parts))
    }

    /// Adds a part; false when the file is full.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn append(&mut self, path: &[Vec<i32>], bytes: &[u8]) -> io::Result<bool> {
        let head = head(path, bytes)?;
        let size = (head.len() + bytes.len() + CHECK_BYTES) as u64;
        if self.length + size > self.limit {
            return Ok(false);
        }
        write_record(&mut self.file, &head, bytes)?;
        self.length += size;
        Ok(true)
    }
}

/// Writes the file anew. A power cut in the middle costs the cache and nothing else.
fn rewrite(file: &mut File, fingerprint: &[u8; FINGERPRINT_BYTES], parts: &[Kept]) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(MAGIC)?;
    file.write_all(fingerprint)?;
    for part in parts {
        write_record(file, &head(&part.path, &part.bytes)?, &part.bytes)?;
    }
    Ok(())
}

/// A record up to its bytes: number of parts; tokens of each behind their number; number of bytes.
fn head(path: &[Vec<i32>], bytes: &[u8]) -> io::Result<Vec<u8>> {
    let count = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(io::Error::other);
    let mut head = count(path.len())?.to_vec();
    for part in path {
        head.extend(count(part.len())?);
        head.extend(part.iter().flat_map(|token| token.to_le_bytes()));
    }
    head.extend((bytes.len() as u64).to_le_bytes());
    Ok(head)
}

fn write_record(file: &mut File, head: &[u8], bytes: &[u8]) -> io::Result<()> {
    let check = Sha256::new().chain_update(head).chain_update(bytes).finalize();
    file.write_all(head)?;
    file.write_all(bytes)?;
    file.write_all(check.get(..CHECK_BYTES).unwrap_or_default())
}

/// All sound records from the first on, and whether the file ends with a sound one.
fn read_all(file: &File, fingerprint: &[u8; FINGERPRINT_BYTES], limit: u64) -> (Vec<Kept>, bool) {
    let mut from = BufReader::with_capacity(1 << 20, file);
    let mut parts = Vec::new();
    let mut opening = [0u8; MAGIC.len() + FINGERPRINT_BYTES];
    if from.read_exact(&mut opening).is_err() || opening != *[&MAGIC[..], fingerprint].concat() {
        return (parts, false);
    }
    loop {
        match read_record(&mut from, limit) {
            Ok(Some(part)) => parts.push(part),
            Ok(None) => return (parts, true),
            Err(_) => return (parts, false),
        }
    }
}

/// The next record; `None` at the end.
fn read_record(from: &mut impl Read, limit: u64) -> io::Result<Option<Kept>> {
    let mut first = [0u8; 4];
    match from.read(&mut first)? {
        0 => return Ok(None),
        some => from.read_exact(first.get_mut(some..).unwrap_or_default())?,
    }
    let mut number = || -> io::Result<u32> {
        let mut bytes = [0u8; 4];
        from.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    };
    let bounded = |n: u32, most: u32| if n > most { Err(io::Error::from(io::ErrorKind::InvalidData)) } else { Ok(n) };
    let count = bounded(u32::from_le_bytes(first), MAX_PARTS)?;
    let mut path = Vec::new();
    for _ in 0..count {
        let tokens = bounded(number()?, MAX_TOKENS)?;
        let part: io::Result<Vec<i32>> = (0..tokens).map(|_| number().map(u32::cast_signed)).collect();
        path.push(part?);
    }
    let mut length = [0u8; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > limit {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    if from.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut check = [0u8; CHECK_BYTES];
    from.read_exact(&mut check)?;
    let expected = Sha256::new().chain_update(head(&path, &bytes)?).chain_update(&bytes).finalize();
    match expected.starts_with(&check) {
        true => Ok(Some(Kept { path, bytes })),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [u8; FINGERPRINT_BYTES] = [7; FINGERPRINT_BYTES];

    fn kept(path: &[&[i32]], byte: u8) -> Kept {
        Kept { path: path.iter().map(|part| part.to_vec()).collect(), bytes: vec![byte; 100] }
    }

    #[test]
    fn what_is_appended_is_read_and_other_models_start_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let (mut file, parts) = CacheFile::open(&path, &OURS, 10_000).unwrap();
        assert!(parts.is_empty());
        let written = [kept(&[&[1, 2]], 1), kept(&[&[1, 2], &[-3]], 2)];
        for part in &written {
            assert!(file.append(&part.path, &part.bytes).unwrap());
        }
        let taken = CacheFile::open(&path, &OURS, 10_000).expect_err("one process at a time");
        assert_eq!(taken.kind(), io::ErrorKind::WouldBlock);
        drop(file);
        assert_eq!(CacheFile::open(&path, &OURS, 10_000).unwrap().1, written);
        assert!(CacheFile::open(&path, &[8; FINGERPRINT_BYTES], 10_000).unwrap().1.is_empty());
        assert!(CacheFile::open(&path, &OURS, 10_000).unwrap().1.is_empty(), "the other model's file took its place");
    }

    #[test]
    fn any_damage_costs_only_what_is_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let parts = [kept(&[&[1]], 1), kept(&[&[1], &[2]], 2), kept(&[&[1], &[3]], 3)];
        let (mut file, _) = CacheFile::open(&path, &OURS, 10_000).unwrap();
        let mut ends = vec![file.length];
        for part in &parts {
            file.append(&part.path, &part.bytes).unwrap();
            ends.push(file.length);
        }
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            // Records that end before the fault.
            let sound = ends.iter().skip(1).filter(|end| **end <= at as u64).count();
            let sound = if at < ends[0] as usize { 0 } else { sound };
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(CacheFile::open(&path, &OURS, 10_000).unwrap().1, parts[..sound], "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 0x40;
            std::fs::write(&path, flipped).unwrap();
            let (mut file, read) = CacheFile::open(&path, &OURS, 10_000).unwrap();
            assert_eq!(read, parts[..sound], "flipped at {at}");
            assert!(file.append(&parts[2].path, &parts[2].bytes).unwrap());
            drop(file);
            assert_eq!(CacheFile::open(&path, &OURS, 10_000).unwrap().1.len(), sound + 1, "goes on behind {at}");
        }
    }

    #[test]
    fn a_full_file_refuses_and_the_next_start_keeps_openings_and_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let (mut file, _) = CacheFile::open(&path, &OURS, 400).unwrap();
        let mut written = 0;
        while file.append(&[vec![0], vec![written]], &[0; 100]).unwrap() {
            written += 1;
        }
        drop(file);
        assert!(written >= 2, "{written}");
        let (_, parts) = CacheFile::open(&path, &OURS, 400).unwrap();
        assert!(!parts.is_empty() && parts.len() <= written as usize);
        assert_eq!(parts.last().unwrap().path, [vec![0], vec![written - 1]]);
    }
}
