//! The data folder of a box, and the pointer to the knowledge that is active.
//!
//! ```text
//! ACTIVE, ACTIVE.bak      which generation answers, and the counters that never drop; .bak is the last one that worked
//! branch.json             who this box is
//! gen/<gid>/              immutable: knowledge.db, manifest.json(.sig), review.json
//! staging/<gid>/          parts on their way in, kept for resuming
//! models/<sha256>.gguf    models
//! keys/                   trust roots, device key
//! outbox/                 what could not be written to a stick yet
//! state.db                journal and settings, see [`super::state`]
//! ```
//!
//! One rename commits pointer and counters together: after a power cut there is the old `ACTIVE` or the new one.

use crate::disk::{self, Disk};
use crate::error::{Code, Error, Result};
use crate::types::Serial;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// `fmt` of the pointer.
const ACTIVE_FMT: &str = "guida-active/1";
/// Largest pointer that is read, in bytes; a real one has some hundred.
const MAX_ACTIVE_BYTES: u64 = 64 << 10;
/// Hex digits of the manifest's checksum in the name of a generation.
pub const GID_HEX: usize = 12;

/// Where everything of a box lies.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The data folder at `root`, which need not exist.
    pub fn at(root: &Path) -> DataDir {
        DataDir { root: root.to_owned() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The pointer.
    pub fn active_file(&self) -> PathBuf {
        self.root.join("ACTIVE")
    }

    /// The last pointer that worked.
    pub fn active_backup(&self) -> PathBuf {
        self.root.join("ACTIVE.bak")
    }

    /// Who this box is.
    pub fn branch_file(&self) -> PathBuf {
        self.root.join("branch.json")
    }

    /// The folder of the generations.
    pub fn generations(&self) -> PathBuf {
        self.root.join("gen")
    }

    /// The folder of one generation.
    pub fn generation(&self, gid: &str) -> PathBuf {
        self.generations().join(gid)
    }

    /// Where a generation is built before it gets its name.
    pub fn unfinished(&self, gid: &str) -> PathBuf {
        self.generations().join(format!("{gid}.tmp"))
    }

    /// The knowledge file of a generation.
    pub fn knowledge(&self, gid: &str) -> PathBuf {
        self.generation(gid).join("knowledge.db")
    }

    /// The folder of parts on their way in.
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The folder of models.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// The folder of trust roots.
    pub fn roots(&self) -> PathBuf {
        self.root.join("keys").join("root")
    }

    /// The secret by which this box signs receipts.
    pub fn device_key(&self) -> PathBuf {
        self.root.join("keys").join("device.key")
    }

    /// The folder of what could not be written to a stick yet.
    pub fn outbox(&self) -> PathBuf {
        self.root.join("outbox")
    }

    /// Journal and settings.
    pub fn state_db(&self) -> PathBuf {
        self.root.join("state.db")
    }

    /// The file that is locked while knowledge changes.
    pub fn import_lock(&self) -> PathBuf {
        self.root.join("import.lock")
    }
}

/// A pack that was seen, by which a different one of the same number is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPack {
    /// Its place.
    #[serde(flatten)]
    pub serial: Serial,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
}

impl SeenPack {
    /// The name of its generation.
    pub fn gid(&self) -> String {
        gid(self.serial, &self.manifest_sha256)
    }
}

/// The name of the generation that a pack makes: `{epoch}-{seq}-{hash}`.
pub fn gid(serial: Serial, manifest_sha256: &str) -> String {
    let short: String = manifest_sha256.chars().take(GID_HEX).collect();
    format!("{serial}-{short}")
}

/// The place in the order of packs that a generation's name tells; `None` for any other name.
pub fn serial_of(gid: &str) -> Option<Serial> {
    let mut parts = gid.split('-');
    let (epoch, seq, hash) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let hex = hash.len() == GID_HEX && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (parts.next().is_none() && hex).then_some(Serial { epoch, seq })
}

/// Which generation answers, and the counters that never drop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// The generation that answers; `None` before the first import.
    pub active: Option<String>,
    /// The one before it, to go back to.
    pub prev: Option<String>,
    /// The pack that was taken back here; it does not come in again.
    pub hold: Option<Serial>,
    /// The latest pack that was ever put to use here.
    pub max_seen: Option<SeenPack>,
    /// The trust root by which the active generation was verified.
    pub root_ver: u64,
    /// The latest signed time that was ever verified here.
    pub time_floor: Option<Timestamp>,
    /// The latest pack that a verified beacon named.
    pub announced: Option<Serial>,
    /// Knowledge before this must not answer, as the active pack says; kept here for when its manifest is damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Serial>,
}

/// The pointer as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    fmt: String,
    checksum: String,
    #[serde(flatten)]
    active: Active,
}

impl Active {
    /// The pointer of this data folder; one that names nothing before the first import.
    ///
    /// # Errors
    /// `ACTIVE_CORRUPT` when it is damaged, `IO` when it cannot be read.
    pub fn read(data: &DataDir) -> Result<Active> {
        let active = Active::read_file(&data.active_file())?;
        if active == Active::default() && data.active_backup().exists() {
            // A box that once had a pointer does not start from nothing when it is gone.
            return Err(corrupt(&data.active_file(), "文件不见了"));
        }
        Ok(active)
    }

    /// The last pointer that worked, for when [`Active::read`] fails.
    ///
    /// # Errors
    /// As there.
    pub fn read_backup(data: &DataDir) -> Result<Active> {
        Active::read_file(&data.active_backup())
    }

    fn read_file(path: &Path) -> Result<Active> {
        let mut bytes = Vec::new();
        match std::fs::File::open(path).and_then(|file| file.take(MAX_ACTIVE_BYTES).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Active::default()),
            Err(e) => return Err(failed("读不出", path, e)),
        }
        let corrupt = |why: &str| corrupt(path, why);
        let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|e| corrupt("不是完整的 JSON").because(e))?;
        if sealed.fmt != ACTIVE_FMT {
            return Err(corrupt("格式不是本程序的"));
        }
        let active = sealed.active;
        if sealed.checksum != active.sum() {
            return Err(corrupt("校验值不符"));
        }
        let named = [&active.active, &active.prev].into_iter().flatten();
        if named.into_iter().any(|gid| serial_of(gid).is_none()) {
            return Err(corrupt("知识代的名字不对"));
        }
        Ok(active)
    }

    /// Makes this the pointer: after a power cut there is the old one or this one.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO`; which of the two stands is then unknown until it is read again.
    pub fn write(&self, data: &DataDir, disk: &dyn Disk) -> Result<()> {
        self.write_file(&data.active_file(), disk)
    }

    /// Keeps this pointer as the last one that worked.
    ///
    /// # Errors
    /// As [`Active::write`].
    pub fn write_backup(&self, data: &DataDir, disk: &dyn Disk) -> Result<()> {
        self.write_file(&data.active_backup(), disk)
    }

    fn write_file(&self, path: &Path, disk: &dyn Disk) -> Result<()> {
        let sealed = Sealed { fmt: ACTIVE_FMT.to_owned(), checksum: self.sum(), active: self.clone() };
        let text = serde_json::to_vec_pretty(&sealed).map_err(|e| failed("写不了", path, e.into()))?;
        disk::replace(disk, path, &text).map_err(|e| failed("写不了", path, e))
    }

    /// SHA-256 over everything that is said.
    fn sum(&self) -> String {
        // A structure of texts and numbers always has a JSON form.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&text).iter().map(|b| format!("{b:02x}")).collect()
    }
}

fn corrupt(path: &Path, why: &str) -> Error {
    Error::new(
        Code::ActiveCorrupt,
        format!("{} 已损坏:{why}", path.display()),
        "服务以最近完好的知识继续;请按固件说明的《恢复》一节处理",
    )
}

fn failed(what: &str, path: &Path, e: io::Error) -> Error {
    let message = format!("{what} {}:{e}", path.display());
    if disk::is_full(&e) {
        return Error::new(Code::NoSpace, message, "清理磁盘后重试").because(e);
    }
    Error::new(Code::Io, message, "检查磁盘和数据目录的权限").because(e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn seen(seq: u64) -> SeenPack {
        SeenPack { serial: Serial { epoch: 1, seq }, manifest_sha256: "ab".repeat(32) }
    }

    #[test]
    fn the_pointer_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path());
        assert_eq!(Active::read(&data).unwrap(), Active::default());
        let active = Active {
            active: Some(seen(7).gid()),
            prev: Some(seen(6).gid()),
            hold: Some(Serial { epoch: 1, seq: 5 }),
            max_seen: Some(seen(7)),
            root_ver: 3,
            time_floor: Some("2026-11-21T08:00:00Z".parse().unwrap()),
            ..Active::default()
        };
        active.write(&data, &RealDisk).unwrap();
        let read = Active::read(&data).unwrap();
        assert_eq!(
            (&read.active, &read.max_seen, read.time_floor),
            (&active.active, &active.max_seen, active.time_floor)
        );
        assert_eq!(serial_of(&seen(7).gid()), Some(Serial { epoch: 1, seq: 7 }));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path());
        Active { active: Some(seen(7).gid()), max_seen: Some(seen(7)), ..Active::default() }
            .write(&data, &RealDisk)
            .unwrap();
        let sound = std::fs::read(data.active_file()).unwrap();
        let expected = Active::read(&data).unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            std::fs::write(data.active_file(), &bytes).unwrap();
            // A changed blank between two fields changes nothing that is said.
            match Active::read(&data) {
                Ok(read) => assert_eq!(read, expected, "byte {at}"),
                Err(e) => assert_eq!(e.code(), Code::ActiveCorrupt, "byte {at}"),
            }
        }
        for length in 0..sound.len() {
            std::fs::write(data.active_file(), &sound[..length]).unwrap();
            let read = Active::read(&data);
            assert!(read.as_ref().is_err_and(|e| e.code() == Code::ActiveCorrupt), "{length} bytes: {read:?}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_no_generations() {
        for name in [
            "",
            "1-2",
            "1-2-../../etc",
            "1-2-abcdefabcdef-3",
            "x-2-abcdefabcdef",
            "1-2-ABCDEFABCDEF",
            "1-2-abcdefabcde",
        ] {
            assert_eq!(serial_of(name), None, "{name}");
        }
    }
}
