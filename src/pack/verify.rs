//! Holds manifests and beacons against a trust root. Pure: no clock, no files; what was seen before is told by the caller.

use crate::error::{Code, Error, Result};
use crate::pack::keys::{SignedRole, Verifier};
use crate::pack::manifest::{BEACON_FMT, Beacon, MANIFEST_FMT, MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, Manifest, Serial};
use crate::pack::signature::Tally;
use crate::pack::trust::TrustedRoot;
use crate::pack::{hex, json, limits};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The box that a pack is held against.
#[derive(Debug, Clone)]
pub struct Receiver<'a> {
    /// Its branch.
    pub branch: &'a str,
    /// Its channel.
    pub channel: &'a str,
    /// Version of the program, `0.1.0`.
    pub app_version: &'a str,
    /// `PRAGMA user_version` that it can read.
    pub schema_version: i64,
    /// SHA-256 over the tables that it can read.
    pub schema_sha256: &'a str,
    /// The latest manifest that it has ever accepted.
    pub max_seen: Option<Seen>,
}

/// A manifest that a box has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its place in the order.
    pub serial: Serial,
    /// SHA-256 of its bytes, hex.
    pub manifest_sha256: String,
}

/// What a manifest is to this box.
#[derive(Debug, Clone)]
pub enum Checked {
    /// Later than what was seen.
    New(VerifiedManifest),
    /// Exactly what was seen last.
    Already(VerifiedManifest),
}

/// A rule that a manifest has passed, in the order in which they are looked at: what failed is the next one.
#[derive(Debug, Clone, Copy)]
pub enum Passed<'a> {
    /// Enough people signed it.
    Signatures(&'a Tally),
    /// It is for this bank, branch and channel.
    Audience(&'a Manifest),
    /// The trust root is late enough, and the epoch is the root's.
    Root,
    /// This program can use it.
    Program,
    /// It is not older than what was seen.
    Order(&'a Manifest),
}

/// A manifest that was verified. Only [`check_manifest`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedManifest {
    manifest: Manifest,
    sha256: String,
    issued_at: Timestamp,
    bytes: Vec<u8>,
    signatures: Vec<u8>,
}

impl VerifiedManifest {
    /// What it says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The SHA-256 of its bytes, hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its place in the order.
    pub fn serial(&self) -> Serial {
        Serial { epoch: self.manifest.epoch, seq: self.manifest.seq }
    }

    /// The least number that may still answer, where it names one.
    pub fn least(&self) -> Option<Serial> {
        let (epoch, seq) = (self.manifest.epoch, self.manifest.min_seq);
        (seq > 0).then_some(Serial { epoch, seq })
    }

    /// The folder name of the generation that it becomes: epoch, number and the first 12 digits of its SHA-256.
    pub fn gid(&self) -> String {
        let digits: String = self.sha256.chars().take(12).collect();
        format!("{}-{}-{digits}", self.manifest.epoch, self.manifest.seq)
    }

    /// When it was made.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The exact bytes of its signature file.
    pub fn signatures(&self) -> &[u8] {
        &self.signatures
    }
}

/// A beacon that was verified. Only [`check_beacon`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedBeacon {
    beacon: Beacon,
    issued_at: Timestamp,
    bytes: Vec<u8>,
    signatures: Vec<u8>,
}

impl VerifiedBeacon {
    /// What it says.
    pub fn beacon(&self) -> &Beacon {
        &self.beacon
    }

    /// Place of the latest pack in the order.
    pub fn serial(&self) -> Serial {
        Serial { epoch: self.beacon.epoch, seq: self.beacon.seq }
    }

    /// When it was said.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The exact bytes of its signature file.
    pub fn signatures(&self) -> &[u8] {
        &self.signatures
    }
}

/// What every version of the format says.
#[derive(Deserialize)]
struct Head {
    fmt: String,
    /// Whatever another version makes of it.
    #[serde(default)]
    app_min: serde_json::Value,
}

/// Verifies a manifest. `root` is the newest root there is.
///
/// # Errors
/// In this order: `PACK_LIMIT` (size), `PACK_SIG`, `PACK_THRESHOLD`, `PACK_PARSE`, `PACK_UNSUPPORTED` (format), `PACK_AUDIENCE`,
/// `PACK_ROOTGAP`, `PACK_ROLLBACK` (epoch), `PACK_UNSUPPORTED` (program, tables), `PACK_ROLLBACK` (number), `PACK_EQUIVOCATION`,
/// `PACK_LIMIT` and `PACK_PARSE` (single fields).
pub fn check_manifest(
    root: &TrustedRoot,
    bytes: &[u8],
    signatures: &[u8],
    receiver: &Receiver<'_>,
    verifier: &dyn Verifier,
) -> Result<Checked> {
    check_manifest_telling(root, bytes, signatures, receiver, verifier, &mut |_| {})
}

/// [`check_manifest`], and says of every rule when it is passed.
///
/// # Errors
/// As there.
pub fn check_manifest_telling(
    root: &TrustedRoot,
    bytes: &[u8],
    signatures: &[u8],
    receiver: &Receiver<'_>,
    verifier: &dyn Verifier,
    tell: &mut dyn FnMut(Passed<'_>),
) -> Result<Checked> {
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(json::too_long("清单", MAX_MANIFEST_BYTES));
    }
    // The bytes before what they say: a manifest that nobody vouches for is not even parsed.
    let tally = root.judge(SignedRole::Publish, "清单", bytes, signatures, verifier)?;
    tell(Passed::Signatures(&tally));
    let head: Head = json::parse(bytes, "清单")?;
    if head.fmt != MANIFEST_FMT {
        let needs = head.app_min.as_str().map(|app| format!(",需要 Guida {} 或更新", limits::shown(app)));
        let message =
            format!("知识包的格式 {} 不是本版本认识的{}", limits::shown(&head.fmt), needs.unwrap_or_default());
        return Err(unsupported(message));
    }
    let manifest: Manifest = json::parse(bytes, "清单")?;
    addressed(&manifest, root, receiver)?;
    tell(Passed::Audience(&manifest));
    rooted(&manifest, root)?;
    tell(Passed::Root);
    usable(&manifest, receiver)?;
    tell(Passed::Program);
    let sha256 = hex::sha256(bytes);
    let already = ordered(&manifest, &sha256, receiver)?;
    tell(Passed::Order(&manifest));
    limits::check(&manifest)?;
    let issued_at = limits::instant(&manifest.issued_at, "清单的 issued_at")?;
    let verified =
        VerifiedManifest { manifest, sha256, issued_at, bytes: bytes.to_vec(), signatures: signatures.to_vec() };
    Ok(if already { Checked::Already(verified) } else { Checked::New(verified) })
}

/// Verifies once more a manifest that came in earlier, by the newest of the roots of a box, oldest first, that vouches for it: the
/// bank may have changed its keys since. Whom it is for and its order were looked at when it came in.
///
/// # Errors
/// `PACK_LIMIT` (size), `PACK_SIG`, `PACK_THRESHOLD`, `PACK_PARSE`, `PACK_UNSUPPORTED` (format), `PACK_AUDIENCE` (bank).
pub fn check_kept(roots: &[TrustedRoot], bytes: &[u8], signatures: &[u8], verifier: &dyn Verifier) -> Result<Manifest> {
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(json::too_long("清单", MAX_MANIFEST_BYTES));
    }
    let mut refused = None;
    for root in roots.iter().rev() {
        match root.judge(SignedRole::Publish, "清单", bytes, signatures, verifier) {
            Ok(_) => {
                let manifest: Manifest = json::parse(bytes, "清单")?;
                if manifest.fmt != MANIFEST_FMT {
                    return Err(unsupported(format!("清单的格式 {} 不是本版本认识的", limits::shown(&manifest.fmt))));
                }
                if manifest.bank_id != root.root().bank_id {
                    return Err(json::refused("清单是另一家银行的"));
                }
                return Ok(manifest);
            }
            Err(e) => refused = refused.or(Some(e)),
        }
    }
    Err(refused.unwrap_or_else(|| json::refused("没有可以核对清单的信任根")))
}

/// Whether it is meant for this box.
fn addressed(manifest: &Manifest, root: &TrustedRoot, receiver: &Receiver<'_>) -> Result<()> {
    let stranger = |what: &str, theirs: &str, ours: &str| {
        let message = format!("知识包发给{what} {},本机是 {ours}", limits::shown(theirs));
        Error::new(Code::PackAudience, message, "核对 U 盘是否拿错")
    };
    if manifest.bank_id != root.root().bank_id {
        return Err(stranger("银行", &manifest.bank_id, &root.root().bank_id));
    }
    let includes = |pattern: &String| match pattern.strip_suffix('*') {
        Some(beginning) => receiver.branch.starts_with(beginning),
        None => pattern == receiver.branch,
    };
    if !manifest.audience.iter().any(includes) {
        let shown: Vec<&str> = manifest.audience.iter().take(5).map(String::as_str).collect();
        return Err(stranger("网点", &shown.join("、"), receiver.branch));
    }
    if manifest.channel != receiver.channel {
        return Err(stranger("通道", &manifest.channel, receiver.channel));
    }
    Ok(())
}

/// Whether the root is late enough, and the epoch is the root's.
fn rooted(manifest: &Manifest, root: &TrustedRoot) -> Result<()> {
    let root = root.root();
    if manifest.epoch < root.epoch {
        let message = format!("知识包属于纪元 {},信任根已到 {}", manifest.epoch, root.epoch);
        return Err(Error::new(Code::PackRollback, message, "使用新的知识包"));
    }
    // Only the holders of root keys open an epoch: else a stolen publishing key could use up all of them, and nothing would be later.
    if manifest.root_ver_min > root.version || manifest.epoch > root.epoch {
        let message = format!(
            "知识包要求第 {} 版或更新的信任根(纪元 {}),这里只有第 {} 版(纪元 {})",
            manifest.root_ver_min, manifest.epoch, root.version, root.epoch
        );
        return Err(Error::new(Code::PackRootGap, message, "请总行重新制作含全部信任根的 U 盘"));
    }
    Ok(())
}

/// Whether this program can use it.
fn usable(manifest: &Manifest, receiver: &Receiver<'_>) -> Result<()> {
    let least = version(&manifest.app_min)?;
    let most = manifest.app_max.as_deref().map(version).transpose()?;
    // A version of ours that is not understood is older than any.
    let ours = version(receiver.app_version).unwrap_or_default();
    let app_min = limits::shown(&manifest.app_min);
    let span = match &manifest.app_max {
        Some(most) => format!("{app_min} 到 {}", limits::shown(most)),
        None => format!("{app_min} 或更新"),
    };
    if ours < least || most.is_some_and(|most| ours > most) {
        return Err(unsupported(format!("知识包需要 Guida {span},本机是 {}", receiver.app_version)));
    }
    if manifest.schema_version != receiver.schema_version || manifest.schema_sha256 != receiver.schema_sha256 {
        return Err(unsupported(format!(
            "知识包的库结构是第 {} 版,与本机的第 {} 版不同;它需要 Guida {span},本机是 {}",
            manifest.schema_version, receiver.schema_version, receiver.app_version
        )));
    }
    Ok(())
}

/// Whether it is later than what was seen; true when it is just that.
fn ordered(manifest: &Manifest, sha256: &str, receiver: &Receiver<'_>) -> Result<bool> {
    let Some(seen) = &receiver.max_seen else { return Ok(false) };
    let serial = Serial { epoch: manifest.epoch, seq: manifest.seq };
    if serial < seen.serial {
        let message =
            format!("知识包 {}-{} 比本机见过的 {}-{} 旧", serial.epoch, serial.seq, seen.serial.epoch, seen.serial.seq);
        return Err(Error::new(Code::PackRollback, message, "使用新的知识包"));
    }
    if serial == seen.serial && sha256 != seen.manifest_sha256 {
        let message = format!("编号 {}-{} 出现了两个不同的知识包,总行的签发密钥可能被盗用", serial.epoch, serial.seq);
        return Err(Error::new(Code::PackEquivocation, message, "停止导入,立即上报总行"));
    }
    Ok(serial == seen.serial)
}

/// Reads `major.minor.patch`; what stands behind `-` or `+` does not count.
pub(super) fn version(text: &str) -> Result<[u64; 3]> {
    let release = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| part.parse().ok().filter(|_| part.bytes().all(|digit| digit.is_ascii_digit()));
    let numbers: Option<Vec<u64>> = release.split('.').map(number).collect();
    numbers
        .and_then(|numbers| <[u64; 3]>::try_from(numbers).ok())
        .ok_or_else(|| json::refused("清单里的程序版本不对,应如 0.1.0"))
}

fn unsupported(message: String) -> Error {
    Error::new(Code::PackUnsupported, message, "先把程序换成所说的版本")
}

/// Verifies a beacon. `root` is the newest root there is.
///
/// # Errors
/// `PACK_LIMIT`, `PACK_SIG`, `PACK_THRESHOLD`, `PACK_PARSE`, `PACK_UNSUPPORTED` (format), `PACK_AUDIENCE` (bank).
pub fn check_beacon(
    root: &TrustedRoot,
    bytes: &[u8],
    signatures: &[u8],
    verifier: &dyn Verifier,
) -> Result<VerifiedBeacon> {
    if bytes.len() as u64 > MAX_BEACON_BYTES {
        return Err(json::too_long("信标", MAX_BEACON_BYTES));
    }
    root.judge(SignedRole::Beacon, "信标", bytes, signatures, verifier)?;
    let head: Head = json::parse(bytes, "信标")?;
    if head.fmt != BEACON_FMT {
        return Err(unsupported(format!("信标的格式 {} 不是本版本认识的", limits::shown(&head.fmt))));
    }
    let beacon: Beacon = json::parse(bytes, "信标")?;
    if beacon.bank_id != root.root().bank_id {
        let message = format!("信标是 {} 的,本机属于 {}", limits::shown(&beacon.bank_id), root.root().bank_id);
        return Err(Error::new(Code::PackAudience, message, "核对 U 盘是否拿错"));
    }
    limits::digest(&beacon.manifest_sha256)?;
    if beacon.epoch == 0 || beacon.seq == 0 {
        return Err(json::refused("信标的编号从 1 起"));
    }
    let issued_at = limits::instant(&beacon.issued_at, "信标的 issued_at")?;
    Ok(VerifiedBeacon { beacon, issued_at, bytes: bytes.to_vec(), signatures: signatures.to_vec() })
}

/// Sixteen signs that a Chinese speaker tells apart on a bad line and in handwriting: no 0 and 1 (letters look like them), no 9 beside 6,
/// no R beside 2, of the letters that rhyme on "ee" and "ei" only V and K.
const SPOKEN: [char; 16] = ['2', '3', '4', '5', '6', '7', '8', 'F', 'H', 'K', 'L', 'M', 'V', 'W', 'X', 'Y'];

/// A short code that a branch reads out on the telephone: epoch, number and four signs from the manifest's hash: `1-42-K7F3`. It shows
/// head office that a branch has what it should have, without network and clock.
pub fn spoken_code(serial: Serial, manifest_sha256: &str) -> String {
    let digits = manifest_sha256.chars().take(4).filter_map(|digit| digit.to_digit(16));
    let signs: String = digits.filter_map(|digit| SPOKEN.get(digit as usize)).collect();
    format!("{}-{}-{signs}", serial.epoch, serial.seq)
}
