//! Head office's operations: keys, trust roots, packs, signatures, beacons, and looking at sticks. They work on files that are named on the
//! command line and need no service. `build` makes a pack of knowledge, `signing` collects signatures; the rest is short and stands here.

mod build;
mod signing;
mod work;

pub use build::{BuildPlan, Report, build};
pub use signing::{Subject, ToSign, merge, sign, to_sign};

use crate::error::{Code, Error, Result};
use crate::pack::keys::{PublicKey, SecretKey};
use crate::pack::manifest::{Beacon, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES};
use crate::pack::publish::{self, Rehearsing, Trust, sign as signatures};
use crate::pack::seal::{self, HeldKey};
use crate::pack::source::{Stick, names};
use crate::pack::{hex, verify};
use crate::store::{self, schema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use work::Work;

pub use crate::pack::hex::sha256;
pub use crate::pack::keys::{Alg, SignedRole};
pub use crate::pack::manifest::{Manifest, Root};
pub use crate::pack::publish::sign::{Signer, Standing, Wanting};
pub use crate::pack::publish::{
    Change, Contents, FirstRoot, PackSummary, ROLES, ReceiptSummary, Rehearsal, Requirements, RoleKey, RootSummary,
    Step,
};
pub use crate::pack::seal::{MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, PublicKeyFile};

/// Version of this program.
const APP_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Largest list of devices, in bytes.
const MAX_DEVICES_BYTES: u64 = 16 << 20;

/// Now, as signed files write it.
fn now() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Draws a key and writes `STEM.key` and `STEM.pub`.
///
/// # Errors
/// `KEY_FILE`, `PACK_BUILD`.
pub fn keygen(stem: &Path, alg: Alg, holder: &str, passphrase: &str) -> Result<PublicKeyFile> {
    let key = HeldKey { secret: SecretKey::generate(alg)?, holder: holder.to_owned() };
    seal::write_pair(stem, &key, passphrase)
}

/// Reads `NAME.pub`.
///
/// # Errors
/// `KEY_FILE`.
pub fn public_key(path: &Path) -> Result<PublicKeyFile> {
    seal::read_public(path)
}

/// A trust root that waits for signatures.
#[derive(Debug, Serialize)]
pub struct RootMade {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes: what people compare.
    pub fingerprint: String,
    /// What it says.
    pub root: Root,
    /// Whose signatures it needs.
    pub signatures: Standing,
}

/// Makes the first trust root in a folder for packs.
///
/// # Errors
/// `PACK_BUILD` when there is one already or the plan cannot be; those of the folder.
pub fn create_root(folder: &Path, plan: &FirstRoot) -> Result<RootMade> {
    let stick = Stick::create(folder)?;
    if stick.root_versions()?.iter().any(|version| *version > 1) {
        let message = format!("{} 里已经有多版信任根", folder.display());
        return Err(Error::new(Code::PackBuild, message, "要改动就轮换一版:guida pack rotate"));
    }
    made(&stick, publish::first_root(plan, &now())?)
}

/// Makes the trust root after the newest one.
///
/// # Errors
/// `TRUST_MISSING` without a signed root, `PACK_BUILD` when one waits for signatures or the change cannot be.
pub fn rotate(folder: &Path, change: &Change) -> Result<RootMade> {
    let stick = Stick::open(folder)?;
    let newest = publish::chain(&stick)?.settled()?;
    made(&stick, publish::next_root(newest.root(), change, &now())?)
}

fn made(stick: &Stick, root: Root) -> Result<RootMade> {
    let name = publish::write_root(stick, &root)?;
    let bytes = stick.read(&name, MAX_ROOT_BYTES)?;
    let path = stick.path().join(&name);
    let signatures = to_sign(&path, None)?.standing()?;
    Ok(RootMade { path, fingerprint: hex::sha256(&bytes), root, signatures })
}

/// A beacon that waits for signatures.
#[derive(Debug, Serialize)]
pub struct BeaconMade {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub beacon: Beacon,
    /// The short code of the pack that it names.
    pub spoken: String,
    /// Whose signatures it needs.
    pub signatures: Standing,
}

/// Announces a pack as the latest: the one with this number, or the latest with all its signatures.
///
/// # Errors
/// `TRUST_MISSING`, `PACK_BUILD` when the pack lacks signatures; those of the folder.
pub fn beacon(folder: &Path, seq: Option<u64>) -> Result<BeaconMade> {
    let stick = Stick::open(folder)?;
    let root = publish::chain(&stick)?.settled()?;
    let mut packs = publish::listed(&stick, Some(&root))?;
    packs.retain(|pack| pack.signatures.complete && pack.manifest.epoch == root.root().epoch);
    packs.retain(|pack| seq.is_none_or(|seq| seq == pack.manifest.seq));
    let Some(pack) = packs.last() else {
        let which = seq.map_or_else(String::new, |seq| format!("第 {seq} 号"));
        let message = format!("这里没有签齐的{which}知识包");
        return Err(Error::new(Code::PackBuild, message, "先用 guida pack sign 签齐知识包"));
    };
    let beacon = publish::announce(&stick, pack.manifest.seq, &now())?;
    let path = stick.path().join(names::BEACON);
    let signatures = to_sign(&path, None)?.standing()?;
    let serial = crate::types::Serial { epoch: beacon.epoch, seq: beacon.seq };
    Ok(BeaconMade { spoken: verify::spoken_code(serial, &beacon.manifest_sha256), path, beacon, signatures })
}

/// Lists a stick; `devices` is a file with the public keys of boxes, one `{"branch", "device"}` a line.
///
/// # Errors
/// Those of the stick; `PACK_BUILD` for the file of devices.
pub fn inspect(folder: &Path, devices: Option<&Path>) -> Result<Contents> {
    let devices = devices.map(read_devices).transpose()?.unwrap_or_default();
    publish::contents(&Stick::open(folder)?, &devices)
}

fn read_devices(path: &Path) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Device {
        branch: String,
        device: String,
    }
    let wrong = |why: String| {
        let message = format!("设备清单 {} {why}", path.display());
        Error::new(
            Code::PackBuild,
            message,
            r#"每行写 {"branch":"网点号","device":"设备公钥"};公钥见网点的 guida data status"#,
        )
    };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_DEVICES_BYTES).read_to_string(&mut text));
    read.map_err(|e| wrong(format!("读不出:{e}")).because(e))?;
    let mut devices = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let device: Device = serde_json::from_str(line).map_err(|e| wrong(format!("第 {} 行有误:{e}", number + 1)))?;
        let raw = hex::decode(&device.device).unwrap_or_default();
        if !Alg::ALL.into_iter().any(|alg| PublicKey::from_bytes(alg, &raw).is_some()) {
            return Err(wrong(format!("第 {} 行的 device 不是公钥", number + 1)));
        }
        devices.insert(device.branch, device.device);
    }
    Ok(devices)
}

/// What to rehearse, see [`verify`](fn@rehearse).
#[derive(Debug, Default)]
pub struct RehearsalPlan<'a> {
    /// Fingerprint of the root that branches hold.
    pub fingerprint: Option<&'a str>,
    /// Or its file.
    pub root: Option<&'a Path>,
    /// The branch.
    pub branch: Option<&'a str>,
    /// Its channel.
    pub channel: Option<&'a str>,
    /// The pack.
    pub seq: Option<u64>,
    /// Older knowledge files, against which patches are decoded beside what older packs on the stick hold.
    pub bases: &'a [PathBuf],
    /// Folder for temporary files; the system's when absent.
    pub work: Option<&'a Path>,
}

/// Does with a stick what a branch would do before it imports.
///
/// # Errors
/// Those that the branch would see; `BAD_PARAMETER` when neither fingerprint nor root is given.
pub fn rehearse(folder: &Path, plan: &RehearsalPlan<'_>, progress: &mut dyn FnMut(&str)) -> Result<Rehearsal> {
    let stick = Stick::open(folder)?;
    let file = plan.root.map(|path| Ok::<_, Error>((small(path)?, small(&signatures::beside(path))?))).transpose()?;
    let trust = match (&file, plan.fingerprint) {
        (Some((bytes, signatures)), _) => Trust::Root(bytes, signatures),
        (None, Some(fingerprint)) => Trust::Fingerprint(fingerprint),
        (None, None) => {
            let message = "不知道网点信任哪一版信任根";
            return Err(Error::new(Code::BadParameter, message, "用 --fingerprint 或 --root 给出网点手里的信任根"));
        }
    };
    let work = Work::begin(plan.work)?;
    let schema_sha256 = store::schema_sha256();
    let rehearsing = Rehearsing {
        trust,
        branch: plan.branch,
        channel: plan.channel,
        seq: plan.seq,
        app_version: APP_VERSION,
        schema_version: schema::SCHEMA_VERSION,
        schema_sha256: &schema_sha256,
        bases: plan.bases,
        work: work.folder(),
    };
    publish::rehearse(&stick, &rehearsing, progress)
}

/// A root or a signature file that a person keeps.
fn small(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_ROOT_BYTES.max(MAX_SIGNATURES_BYTES) + 1;
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(|e| {
        Error::new(Code::Io, format!("读不出 {}:{e}", path.display()), "检查路径;信任根和它的 .sig 要放在一起")
            .because(e)
    })?;
    Ok(bytes)
}
