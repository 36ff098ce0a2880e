//! The counters that never drop, as the highest of all who remember them: the pointer, its last good copy, the journal, and the
//! generations that lie here. Whoever deletes one of them makes no older pack new.

use super::Importer;
use super::intact::vouched;
use crate::error::{Code, Error, Result};
use crate::pack::hex;
use crate::pack::trust::TrustedRoot;
use crate::store::generations::{Active, SeenPack, gid, serial_of};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The setting of the journal that remembers them.
const WITNESS: &str = "witness";

/// What the journal remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Witness {
    max_seen: Option<SeenPack>,
    root_ver: u64,
    time_floor: Option<Timestamp>,
}

impl Importer {
    /// The pointer with the counters that the others remember where they are higher.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub(super) fn witnessed(&self, active: Active) -> Result<Active> {
        let journal = self.witness()?;
        let backup = Active::read_backup(&self.data).unwrap_or_default();
        let seen = [active.max_seen.clone(), backup.max_seen, journal.max_seen].into_iter().flatten();
        Ok(Active {
            // Of equals the first is kept, which is the pointer's.
            max_seen: seen.chain(self.made_here()).reduce(|a, b| if b.serial > a.serial { b } else { a }),
            root_ver: active.root_ver.max(backup.root_ver).max(journal.root_ver),
            time_floor: [active.time_floor, backup.time_floor, journal.time_floor].into_iter().flatten().max(),
            ..active
        })
    }

    /// The packs of which generations lie here with the manifest that gave them their name.
    fn made_here(&self) -> Vec<SeenPack> {
        let folder = std::fs::read_dir(self.data.generations()).into_iter().flatten();
        let seen = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let serial = serial_of(&name)?;
            let manifest_sha256 = hex::sha256(&std::fs::read(self.data.generation(&name).join("manifest.json")).ok()?);
            // Anybody can make a folder with a great number; nobody else can sign its manifest.
            let signed = vouched(&self.data, &name, self.verifier.as_ref()).is_ok();
            (signed && gid(serial, &manifest_sha256) == name).then_some(SeenPack { serial, manifest_sha256 })
        };
        folder.filter_map(seen).collect()
    }

    fn witness(&self) -> Result<Witness> {
        // What does not read any more is no witness; that it was changed is told by the journal's own hashes.
        Ok(self.state.setting(WITNESS)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Has the journal remember the counters of a pointer that is in use.
    pub(super) fn remember(&self, active: &Active) {
        let stored = self.witness().and_then(|before| {
            let seen = [active.max_seen.clone(), before.max_seen].into_iter().flatten();
            self.store(&Witness {
                max_seen: seen.reduce(|a, b| if b.serial > a.serial { b } else { a }),
                root_ver: active.root_ver.max(before.root_ver),
                time_floor: active.time_floor.max(before.time_floor),
            })
        });
        if let Err(error) = stored {
            tracing::error!("the journal does not remember the pack in use: {error}");
        }
    }

    /// Has the journal remember a trust root that was kept.
    pub(super) fn remember_root(&self, root: &TrustedRoot) -> Result<()> {
        let before = self.witness()?;
        let root_ver = before.root_ver.max(root.root().version);
        self.store(&Witness { root_ver, ..before })
    }

    fn store(&self, witness: &Witness) -> Result<()> {
        // A structure of texts and numbers always has a JSON form.
        self.state.set(WITNESS, &serde_json::to_string(witness).unwrap_or_default())
    }
}

/// Refuses a chain of trust roots that ends before one that was trusted here.
///
/// # Errors
/// `TRUST_MISSING`.
pub(super) fn require_latest(root: &TrustedRoot, active: &Active) -> Result<()> {
    let version = root.root().version;
    if version >= active.root_ver {
        return Ok(());
    }
    Err(Error::new(
        Code::TrustMissing,
        format!("本机已信任到第 {} 版信任根,现在只有第 {version} 版,后面的文件不见了", active.root_ver),
        "用含全部信任根的 U 盘导入,或从备份恢复 keys/root;反复出现则上报总行",
    ))
}
