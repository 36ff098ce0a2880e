//! Whether what lies here still is what head office signed: the manifest by its signatures, the knowledge by what the manifest says
//! of it. Both were so when they came in; a disk, a hand or a program may have changed them since.

use super::home::{self, read_capped};
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::keys::Verifier;
use crate::pack::manifest::{KNOWLEDGE_ROLE, MAX_MANIFEST_BYTES, MAX_SIGNATURES_BYTES, Manifest, Raw};
use crate::pack::verify;
use crate::store::generations::{DataDir, gid, serial_of};
use crate::types::Serial;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes compared at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What head office signed for a generation here.
#[derive(Debug, Clone)]
pub struct Vouched {
    /// What it brought.
    pub manifest: Manifest,
    /// The bytes that its knowledge must have.
    pub knowledge: Raw,
    /// Files of the chain of trust roots that are damaged and whose copy served.
    pub mended: Vec<PathBuf>,
}

/// What a file is beside what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The same bytes.
    Same,
    /// Other bytes, and in what.
    Other(String),
    /// The comparison was stopped.
    Stopped,
}

/// Verifies the manifest of a generation by the chain of trust roots.
///
/// # Errors
/// `KB_ALTERED` with what is wrong: no root holds, the manifest or its signatures do not read or do not belong together, or the
/// manifest is another generation's.
pub fn vouched(data: &DataDir, name: &str, verifier: &dyn Verifier) -> Result<Vouched> {
    let chain = home::chain(data, verifier).map_err(|e| altered(e.message()))?;
    let folder = data.generation(name);
    let read =
        |file: &str, cap| read_capped(&folder.join(file), cap).map_err(|e| altered(&format!("清单 {file} 读不出:{e}")));
    let bytes = read("manifest.json", MAX_MANIFEST_BYTES)?;
    let signatures = read("manifest.json.sig", MAX_SIGNATURES_BYTES)?;
    let manifest = verify::check_kept(&chain.roots, &bytes, &signatures, verifier).map_err(|e| altered(e.message()))?;
    let serial = Serial { epoch: manifest.epoch, seq: manifest.seq };
    if gid(serial, &hex::sha256(&bytes)) != name {
        return Err(altered("清单不是这一代知识的"));
    }
    let knowledge = manifest.files.iter().find(|file| file.role == KNOWLEDGE_ROLE).map(|file| file.raw.clone());
    let knowledge = knowledge.ok_or_else(|| altered("清单里没有知识库文件"))?;
    Ok(Vouched { manifest, knowledge, mended: chain.mended })
}

/// Compares a file with what it should be, to the byte. `go_on` is asked between pieces, and may take its time.
///
/// # Errors
/// The disk's.
pub fn compare_file(path: &Path, raw: &Raw, go_on: &mut dyn FnMut() -> bool) -> io::Result<Compared> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length != raw.size {
        return Ok(Compared::Other(format!("有 {length} 字节,应为 {}", raw.size)));
    }
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        let read = match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        if !go_on() {
            return Ok(Compared::Stopped);
        }
    }
    let found = hex::encode(&hash.finalize());
    Ok(if found == raw.sha256 {
        Compared::Same
    } else {
        Compared::Other(format!("内容与清单不符(SHA-256 是 {}…,应为 {}…)", shown(&found), shown(&raw.sha256)))
    })
}

/// The generations that may answer by what the pointer says, in this order: the one in use, then the one before it. Not one that was
/// taken back, and not one behind the least that head office allows.
pub fn may_answer<'a>(active: Option<&'a str>, prev: Option<&'a str>, least: Option<Serial>) -> Vec<&'a str> {
    let earlier = prev.filter(|prev| {
        let place = serial_of(prev);
        place < active.and_then(serial_of) && least.is_none_or(|least| place >= Some(least))
    });
    active.into_iter().chain(earlier).collect()
}

/// Characters of a checksum that are shown.
const SHOWN: usize = 12;

fn shown(digest: &str) -> &str {
    digest.get(..SHOWN).unwrap_or(digest)
}

fn altered(why: &str) -> Error {
    Error::new(Code::KbAltered, why, "插上这个知识包的 U 盘重新导入,就地修好;反复出现则检查磁盘并上报")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_or_forbidden_generation_does_not_stand_in() {
        let (old, new) = ("1-6-abcdefabcdef", "1-7-abcdefabcdef");
        let least = |seq| Some(Serial { epoch: 1, seq });
        assert_eq!(may_answer(Some(new), Some(old), None), [new, old]);
        assert_eq!(may_answer(Some(new), Some(old), least(6)), [new, old]);
        assert_eq!(may_answer(Some(new), Some(old), least(7)), [new]);
        assert_eq!(may_answer(Some(old), Some(new), None), [old], "what was taken back stays so");
        assert_eq!(may_answer(None, None, None), Vec::<&str>::new());
    }

    #[test]
    fn a_file_is_compared_to_its_last_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        let bytes = vec![7u8; CHUNK_BYTES + 5];
        std::fs::write(&path, &bytes).unwrap();
        let raw = Raw { size: bytes.len() as u64, sha256: hex::sha256(&bytes), sm3: String::new() };
        assert_eq!(compare_file(&path, &raw, &mut || true).unwrap(), Compared::Same);
        assert_eq!(compare_file(&path, &raw, &mut || false).unwrap(), Compared::Stopped);
        let mut changed = bytes.clone();
        changed[CHUNK_BYTES + 4] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(compare_file(&path, &raw, &mut || true).unwrap(), Compared::Other(_)));
        std::fs::write(&path, &bytes[1..]).unwrap();
        assert!(matches!(compare_file(&path, &raw, &mut || true).unwrap(), Compared::Other(_)));
    }
}
