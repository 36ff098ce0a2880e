//! Collecting signatures: by several people, at several machines, in any order.

use crate::disk::{self, RealDisk};
use crate::error::{Code, Error, Result};
use crate::pack::keys::{PublicKey, SecretKey, SignedRole, SoftwareVerifier, Verifier};
use crate::pack::manifest::{
    BEACON_FMT, MANIFEST_FMT, MAX_MANIFEST_BYTES, ROOT_FMT, RolePolicy, Root, RootKey, Signature, Signatures,
};
use crate::pack::receipt::to_bytes;
use crate::pack::signature::parse_signatures;
use crate::pack::{hex, json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file that is to be signed, as read.
#[derive(Debug)]
pub struct Signable {
    /// Where it is.
    pub path: PathBuf,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What a signature over it is for.
    pub role: SignedRole,
}

impl Signable {
    /// Reads a file; what it is stands in its `fmt`.
    ///
    /// # Errors
    /// `PACK_BUILD` when it cannot be read or is nothing that people sign; `PACK_PARSE`, `PACK_LIMIT`.
    pub fn read(path: &Path) -> Result<Signable> {
        #[derive(Deserialize)]
        struct Head {
            fmt: String,
        }
        let unreadable = |e: io::Error| {
            Error::new(Code::PackBuild, format!("读不出 {}:{e}", path.display()), "检查路径和读取权限").because(e)
        };
        let mut bytes = Vec::new();
        let limit = MAX_MANIFEST_BYTES + 1;
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
        let head: Head = json::parse(&bytes, "要签的文件")?;
        let role = match head.fmt.as_str() {
            ROOT_FMT => SignedRole::Root,
            MANIFEST_FMT => SignedRole::Publish,
            BEACON_FMT => SignedRole::Beacon,
            other => {
                let message = format!("{} 不是可以签的文件(fmt 是 {})", path.display(), other.escape_debug());
                let hint = "给出 manifest.json、beacon.json 或 root 里的 0001.json";
                return Err(Error::new(Code::PackBuild, message, hint));
            }
        };
        Ok(Signable { path: path.to_owned(), bytes, role })
    }

    /// The signatures that lie beside it; none when there is no such file.
    ///
    /// # Errors
    /// `PACK_BUILD` when they cannot be read, `PACK_PARSE`, `PACK_LIMIT`.
    pub fn signatures(&self) -> Result<Vec<Signature>> {
        match std::fs::read(beside(&self.path)) {
            Ok(bytes) => read(&bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => {
                let message = format!("读不出 {}:{e}", beside(&self.path).display());
                Err(Error::new(Code::PackBuild, message, "检查读取权限").because(e))
            }
        }
    }

    /// Puts signatures beside it in the place of those that the same keys made, and leaves the others.
    ///
    /// # Errors
    /// `PACK_BUILD` when they cannot be written; otherwise as [`Signable::signatures`].
    pub fn collect(&self, more: &[Signature]) -> Result<()> {
        let mut all: BTreeMap<String, Signature> = BTreeMap::new();
        for signature in self.signatures()?.iter().chain(more) {
            all.insert(signature.keyid.clone(), signature.clone());
        }
        let bytes = to_bytes(&Signatures { signatures: all.into_values().collect() })?;
        parse_signatures(&bytes, "文件")?;
        let path = beside(&self.path);
        disk::replace(&RealDisk, &path, &bytes).map_err(|e| {
            Error::new(Code::PackBuild, format!("写不了 {}:{e}", path.display()), "检查空间和写入权限").because(e)
        })
    }

    /// Whether the holder of `key` made this signature over the file.
    pub fn is_by(&self, key: &PublicKey, signature: &Signature) -> bool {
        let raw = hex::decode(&signature.sig).unwrap_or_default();
        signature.keyid == key.id() && SoftwareVerifier.verify(key, &self.role.message(&self.bytes), &raw)
    }

    /// Who has signed and who is still missing. `roots` are the trust roots by whose word it counts, see [`policies`].
    ///
    /// # Errors
    /// As [`Signable::signatures`].
    pub fn standing(&self, policies: &[Policy]) -> Result<Standing> {
        let signatures = self.signatures()?;
        Ok(standing(self.role, &self.bytes, &signatures, policies))
    }
}

/// Signs a file in a role and puts the signature beside it: `X.json` gets `X.json.sig`. Signing twice with one key changes nothing.
///
/// # Errors
/// As [`Signable::read`] and [`Signable::collect`]; `PACK_BUILD` when the file is for another role.
pub fn add_signature(file: &Path, role: SignedRole, key: &SecretKey) -> Result<()> {
    let signable = Signable::read(file)?;
    if signable.role != role {
        let message = format!("{} 不是角色 {} 签的文件", file.display(), role.as_str());
        return Err(Error::new(Code::PackBuild, message, "核对要签的文件"));
    }
    signable.collect(&[key.sign(role, &signable.bytes)?])
}

/// Where the signatures of a file lie.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Reads a signature file.
///
/// # Errors
/// `PACK_PARSE`, `PACK_LIMIT`.
pub fn read(bytes: &[u8]) -> Result<Vec<Signature>> {
    Ok(parse_signatures(bytes, "文件")?.signatures)
}

/// A signature file without signatures.
pub(super) fn none() -> Result<Vec<u8>> {
    to_bytes(&Signatures::default())
}

/// Whose signatures a file needs by one trust root.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Version of the root.
    pub root_version: u64,
    /// The role's policy in it.
    pub policy: RolePolicy,
    /// The keys that it names.
    pub keys: BTreeMap<String, RootKey>,
}

impl Policy {
    /// What a root says of a role; `None` when it does not know the role.
    pub fn of(root: &Root, role: SignedRole) -> Option<Policy> {
        let policy = root.roles.get(role.as_str())?.clone();
        let keys = root.keys.iter().filter(|(id, _)| policy.keyids.contains(id));
        Some(Policy {
            root_version: root.version,
            keys: keys.map(|(id, key)| (id.clone(), key.clone())).collect(),
            policy,
        })
    }
}

/// A person's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Signer {
    /// Who holds it.
    pub holder: String,
    /// Its algorithm.
    pub alg: String,
    /// Its id.
    pub keyid: String,
}

/// What one policy still wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanting {
    /// Version of the root that asks for it.
    pub root_version: u64,
    /// Missing signatures by algorithm.
    pub missing: BTreeMap<String, u32>,
    /// Who could give them.
    pub candidates: Vec<Signer>,
}

/// Who has signed a file, and who is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Whether every policy is met.
    pub complete: bool,
    /// Whose signatures are right.
    pub signed: Vec<Signer>,
    /// Signatures that are wrong or by strangers.
    pub worthless: usize,
    /// What is still missing, by policy.
    pub wanting: Vec<Wanting>,
}

/// Counts signatures for people; what is right is decided by `trust` and `verify`.
pub fn standing(role: SignedRole, bytes: &[u8], signatures: &[Signature], policies: &[Policy]) -> Standing {
    let message = role.message(bytes);
    let valid = |id: &str, key: &RootKey| {
        let Ok(public) = PublicKey::of(key) else { return false };
        let by_it = |s: &Signature| {
            s.keyid == id && SoftwareVerifier.verify(&public, &message, &hex::decode(&s.sig).unwrap_or_default())
        };
        signatures.iter().any(by_it)
    };
    let signer =
        |id: &String, key: &RootKey| Signer { holder: key.holder.clone(), alg: key.alg.clone(), keyid: id.clone() };
    let mut signed = BTreeMap::new();
    let mut wanting = Vec::new();
    for asked in policies {
        let (done, open): (Vec<_>, Vec<_>) = asked.keys.iter().partition(|(id, key)| valid(id, key));
        let mut missing = asked.policy.require.clone();
        for (_, key) in &done {
            if let Some(count) = missing.get_mut(&key.alg) {
                *count = count.saturating_sub(1);
            }
        }
        missing.retain(|_, count| *count > 0);
        signed.extend(done.iter().map(|(id, key)| ((*id).clone(), signer(id, key))));
        if !missing.is_empty() {
            let candidates = open.iter().filter(|(_, key)| missing.contains_key(&key.alg));
            let candidates = candidates.map(|(id, key)| signer(id, key)).collect();
            wanting.push(Wanting { root_version: asked.root_version, missing, candidates });
        }
    }
    let worthless = signatures.iter().filter(|s| !signed.contains_key(&s.keyid)).count();
    let complete = wanting.is_empty() && !policies.is_empty();
    Standing { complete, signed: signed.into_values().collect(), worthless, wanting }
}
