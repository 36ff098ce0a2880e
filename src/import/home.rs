//! What a box is before its first import: who it is, whom it trusts, and the key by which it signs.

use super::failed;
use crate::disk::{self, Disk};
use crate::error::{Code, Error, Result};
use crate::pack::json;
use crate::pack::keys::{Alg, SecretKey, Verifier};
use crate::pack::manifest::{MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES};
use crate::pack::trust::TrustedRoot;
use crate::store::generations::DataDir;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Longest name of a branch or channel, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Only the owner reads what lies in the folder of keys.
const KEYS_MODE: u32 = 0o700;
/// Behind the name of a root's copy: a damaged root would leave the box without anybody to trust.
const COPY: &str = ".copy";
/// Largest file that says who the box is, in bytes.
const MAX_BRANCH_BYTES: u64 = 4 << 10;

/// Who a box is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The bank, as in its trust root.
    pub bank_id: String,
    /// The branch.
    pub branch: String,
    /// The channel whose packs it takes.
    pub channel: String,
}

/// A box that is set up.
#[derive(Debug)]
pub struct Home {
    /// Who it is.
    pub branch: Branch,
    /// Whom it trusts now.
    pub root: TrustedRoot,
}

/// Sets a box up: names it, and makes it trust this root. That the root is head office's is for a person to say, who has compared its
/// fingerprint.
///
/// # Errors
/// `PACK_SIG`, `PACK_THRESHOLD` or `PACK_PARSE` for a root that is not whole; `BAD_PARAMETER` for a name; `DATA_FOLDER` when the box is
/// set up already; `NO_SPACE` or `IO`.
pub fn init(
    data: &DataDir,
    disk: &dyn Disk,
    verifier: &dyn Verifier,
    (branch, channel): (&str, &str),
    (root, signatures): (&[u8], &[u8]),
) -> Result<Home> {
    for name in [branch, channel] {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !plain {
            return Err(Error::new(
                Code::BadParameter,
                format!("“{name}”不能作网点号或通道名"),
                format!("只用字母、数字、- 和 _,最长 {MAX_NAME_BYTES} 个"),
            ));
        }
    }
    if data.branch_file().exists() {
        return Err(Error::new(
            Code::DataFolder,
            format!("{} 已经建好", data.root().display()),
            "要重建请换一个空目录;信任根的更换由总行写进知识包,不必重建",
        ));
    }
    let root = TrustedRoot::first(root, signatures, verifier)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e: io::Error| failed("写不了", &path, e)
    };
    for folder in [data.generations(), data.staging(), data.models(), data.roots(), data.outbox()] {
        disk.create_dir(&folder).map_err(io(&folder))?;
    }
    // An empty folder that somebody made for it may be open to everybody.
    if let Some((path, e)) = data.close_to_others().failed {
        return Err(failed("改不了权限", &path, e));
    }
    if let Some(keys) = data.device_key().parent() {
        std::fs::set_permissions(keys, std::fs::Permissions::from_mode(KEYS_MODE)).map_err(io(keys))?;
    }
    let key = SecretKey::generate(Alg::Ed25519)?;
    disk::replace(disk, &data.device_key(), &key.to_bytes()).map_err(io(&data.device_key()))?;
    keep_root(data, disk, &root)?;
    let branch = Branch { bank_id: root.root().bank_id.clone(), branch: branch.into(), channel: channel.into() };
    let text = serde_json::to_vec_pretty(&branch).map_err(|e| failed("写不了", &data.branch_file(), e.into()))?;
    // The names of all folders, that of the data folder included, before the file that says that the box is set up.
    disk.sync_file_system(data.root()).map_err(io(data.root()))?;
    // Last: a box whose setting up was cut short is not set up.
    disk::replace(disk, &data.branch_file(), &text).map_err(io(&data.branch_file()))?;
    Ok(Home { branch, root })
}

impl Home {
    /// Reads who the box is and the chain of its trust roots.
    ///
    /// # Errors
    /// `DATA_FOLDER` when it is not set up, `TRUST_MISSING` when there is no root that holds.
    pub fn open(data: &DataDir, verifier: &dyn Verifier) -> Result<Home> {
        let bytes = read_capped(&data.branch_file(), MAX_BRANCH_BYTES).map_err(|e| not_set_up(data, e))?;
        let branch: Branch = json::parse(&bytes, "branch.json")
            .map_err(|e| Error::new(Code::DataFolder, e.message(), "恢复 branch.json,或重新建立数据目录"))?;
        Ok(Home { branch, root: trusted(data, verifier)? })
    }

    /// The key by which the box signs.
    ///
    /// # Errors
    /// `KEY_FILE`.
    pub fn device_key(data: &DataDir) -> Result<SecretKey> {
        let path = data.device_key();
        let bytes = read_capped(&path, MAX_BRANCH_BYTES).map_err(|e| {
            Error::new(Code::KeyFile, format!("读不出设备密钥 {}:{e}", path.display()), "检查数据目录的权限").because(e)
        })?;
        SecretKey::from_bytes(Alg::Ed25519, &bytes)
    }
}

/// Refuses a folder that was not set up.
pub(super) fn require(data: &DataDir) -> Result<()> {
    std::fs::metadata(data.branch_file()).map(drop).map_err(|e| not_set_up(data, e))
}

fn not_set_up(data: &DataDir, e: io::Error) -> Error {
    Error::new(
        Code::DataFolder,
        format!("数据目录 {} 没有建好:{e}", data.root().display()),
        "先用 guida data init 建立,并装入总行交付的信任根",
    )
    .because(e)
}

/// Keeps a root for good, twice: its signatures first, so that a root is never there without them.
pub(super) fn keep_root(data: &DataDir, disk: &dyn Disk, root: &TrustedRoot) -> Result<()> {
    for file in places(data, root.root().version) {
        let signatures = signatures_of(&file);
        disk::replace(disk, &signatures, root.signatures()).map_err(|e| failed("写不了", &signatures, e))?;
        disk::replace(disk, &file, root.bytes()).map_err(|e| failed("写不了", &file, e))?;
    }
    Ok(())
}

/// The chain of trust roots of a box.
#[derive(Debug)]
pub struct Chain {
    /// From the first on.
    pub roots: Vec<TrustedRoot>,
    /// Files that are gone or not what they were, whose copy served.
    pub mended: Vec<PathBuf>,
}

/// Reads the chain of trust roots, each from its file or, where that does not hold, from its copy.
///
/// # Errors
/// `TRUST_MISSING` when there is none that holds.
pub fn chain(data: &DataDir, verifier: &dyn Verifier) -> Result<Chain> {
    let mut versions: Vec<u64> = std::fs::read_dir(data.roots())
        .map_err(|e| missing(&e.to_string()))?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(COPY).unwrap_or(&name).strip_suffix(".json")?.parse().ok()
        })
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let mut chain = Chain { roots: Vec::new(), mended: Vec::new() };
    for version in versions {
        let [file, copy] = places(data, version);
        let root = match read_root(&file, chain.roots.last(), verifier) {
            Ok(root) => {
                if copy.exists() && read_root(&copy, chain.roots.last(), verifier).is_err() {
                    chain.mended.push(copy);
                }
                root
            }
            Err(e) => {
                let root = read_root(&copy, chain.roots.last(), verifier).map_err(|_| e)?;
                chain.mended.push(file);
                root
            }
        };
        chain.roots.push(root);
    }
    if chain.roots.is_empty() { Err(missing("目录是空的")) } else { Ok(chain) }
}

/// Writes anew what [`chain`] found mended.
///
/// # Errors
/// `NO_SPACE` or `IO`.
pub fn mend(data: &DataDir, disk: &dyn Disk, chain: &Chain) -> Result<()> {
    let concerned =
        |root: &&TrustedRoot| places(data, root.root().version).iter().any(|place| chain.mended.contains(place));
    chain.roots.iter().filter(concerned).try_for_each(|root| keep_root(data, disk, root))
}

fn read_root(file: &Path, before: Option<&TrustedRoot>, verifier: &dyn Verifier) -> Result<TrustedRoot> {
    let read = |path: &Path, cap| read_capped(path, cap).map_err(|e| missing(&format!("{}:{e}", path.display())));
    let (root, signatures) = (read(file, MAX_ROOT_BYTES)?, read(&signatures_of(file), MAX_SIGNATURES_BYTES)?);
    let next = match before {
        None => TrustedRoot::first(&root, &signatures, verifier),
        Some(before) => before.next(&root, &signatures, verifier),
    };
    next.map_err(|e| missing(&format!("{}:{}", file.display(), e.message())))
}

fn missing(why: &str) -> Error {
    Error::new(Code::TrustMissing, format!("本机没有可用的信任根:{why}"), "用 guida data init 装入总行交付的信任根")
}

/// The latest root of the chain in the data folder.
fn trusted(data: &DataDir, verifier: &dyn Verifier) -> Result<TrustedRoot> {
    chain(data, verifier)?.roots.pop().ok_or_else(|| missing("目录是空的"))
}

/// A root's file and its copy.
fn places(data: &DataDir, version: u64) -> [PathBuf; 2] {
    let file = root_file(data, version);
    let mut copy = file.clone().into_os_string();
    copy.push(COPY);
    [file, copy.into()]
}

fn root_file(data: &DataDir, version: u64) -> PathBuf {
    data.roots().join(format!("{version:04}.json"))
}

fn signatures_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

pub(super) fn read_capped(path: &Path, cap: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(cap + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
