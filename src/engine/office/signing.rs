//! Signing, at this machine or another: what is to be signed is shown before the passphrase is asked for.

use super::small;
use crate::error::{Code, Error, Result};
use crate::pack::keys::{PublicKey, SignedRole};
use crate::pack::manifest::{Beacon, MAX_ROOT_BYTES, Manifest, Root, Signature};
use crate::pack::publish::sign::{Policy, Signable, Standing, read, standing};
use crate::pack::source::{Stick, names};
use crate::pack::{json, publish, seal};
use std::path::{Path, PathBuf};

/// What a file says that is to be signed.
#[derive(Debug)]
pub enum Subject {
    /// A trust root.
    Root(Box<Root>),
    /// A pack.
    Pack(Box<Manifest>),
    /// A beacon.
    Beacon(Box<Beacon>),
}

/// A file that is to be signed, with what is known of who may.
#[derive(Debug)]
pub struct ToSign {
    signable: Signable,
    /// Whose signatures it needs; empty when no trust root is at hand.
    policies: Vec<Policy>,
    /// What it says.
    pub subject: Subject,
}

impl ToSign {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.signable.path
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.signable.bytes
    }

    /// What a signature over it is for.
    pub fn role(&self) -> SignedRole {
        self.signable.role
    }

    /// Whether it is known who may sign.
    pub fn policy_known(&self) -> bool {
        !self.policies.is_empty()
    }

    /// Who has signed, and who is missing.
    ///
    /// # Errors
    /// `PACK_BUILD`, `PACK_PARSE` for the signature file.
    pub fn standing(&self) -> Result<Standing> {
        self.signable.standing(&self.policies)
    }
}

/// Looks at a file that is to be signed: a manifest, a beacon or a trust root, or a folder with packs, whose latest pack is meant. Who may
/// sign is taken from the trust roots beside it or from `root`, a file.
///
/// # Errors
/// `PACK_BUILD` when there is nothing to sign; those of reading it.
pub fn to_sign(target: &Path, root: Option<&Path>) -> Result<ToSign> {
    let path = if target.is_dir() { latest_manifest(target)? } else { target.to_owned() };
    let signable = Signable::read(&path)?;
    let subject = match signable.role {
        SignedRole::Root => Subject::Root(Box::new(json::parse(&signable.bytes, "信任根")?)),
        SignedRole::Beacon => Subject::Beacon(Box::new(json::parse(&signable.bytes, "信标")?)),
        _ => Subject::Pack(Box::new(json::parse(&signable.bytes, "清单")?)),
    };
    let given = root.map(|path| json::parse::<Root>(&small(path)?, "信任根")).transpose()?;
    let policies = match (&subject, given) {
        (Subject::Root(new), Some(before)) => publish::root_policies(new, Some(&before)),
        (Subject::Root(new), None) => publish::root_policies(new, before(&path, new.version)?.as_ref()),
        (_, Some(root)) => Policy::of(&root, signable.role).into_iter().collect(),
        (_, None) => match stick_of(&path) {
            None => Vec::new(),
            Some(stick) => {
                let trusted = publish::chain(&Stick::open(&stick)?)?.trusted;
                trusted.iter().filter_map(|root| Policy::of(root.root(), signable.role)).collect()
            }
        },
    };
    Ok(ToSign { signable, policies, subject })
}

fn latest_manifest(folder: &Path) -> Result<PathBuf> {
    let stick = Stick::open(folder)?;
    match stick.sequences()?.last() {
        Some(seq) => Ok(folder.join(names::manifest(*seq))),
        None => Err(Error::new(
            Code::PackBuild,
            format!("{} 里没有知识包可签", folder.display()),
            "先用 guida pack build 制作;签信任根或信标要写出文件的路径",
        )),
    }
}

/// The folder with `kbpack` that a file lies in; `None` for a copy elsewhere.
fn stick_of(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let home = absolute.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == names::HOME))?;
    home.parent().map(Path::to_owned)
}

/// The root before the one with this version, when it lies on the same stick.
fn before(path: &Path, version: u64) -> Result<Option<Root>> {
    let Some(folder) = stick_of(path).filter(|_| version > 1) else { return Ok(None) };
    let stick = Stick::open(&folder)?;
    let name = names::root(version - 1);
    if !stick.has(&name)? {
        return Ok(None);
    }
    Ok(Some(json::parse(&stick.read(&name, MAX_ROOT_BYTES)?, "信任根")?))
}

/// Signs with the key of a file and puts the signature beside what is signed; returns the key's holder.
///
/// # Errors
/// `KEY_FILE`; `PACK_BUILD` when the trust root does not let this key sign this, or the signature cannot be written.
pub fn sign(to_sign: &ToSign, key: &Path, passphrase: &str) -> Result<String> {
    let key = seal::read_key(key, passphrase)?;
    let id = key.secret.public().id();
    if to_sign.policy_known() && !to_sign.policies.iter().any(|policy| policy.keys.contains_key(&id)) {
        let message = format!("{} 的密钥({id:.12}…)按信任根无权签{}", key.holder, what(to_sign.role()));
        return Err(Error::new(Code::PackBuild, message, "换用有权的密钥;用 guida pack inspect 查看谁可以签什么"));
    }
    to_sign.signable.collect(&[key.secret.sign(to_sign.role(), to_sign.bytes())?])?;
    Ok(key.holder)
}

/// Takes over signatures that were made at another machine; returns how many were new.
///
/// # Errors
/// `PACK_BUILD` when no trust root is at hand; `PACK_SIG` when one of them is wrong or by a key that may not sign this.
pub fn merge(to_sign: &ToSign, files: &[PathBuf]) -> Result<usize> {
    if !to_sign.policy_known() {
        let message = "没有信任根,无法核对收来的签名";
        return Err(Error::new(Code::PackBuild, message, "用 --root 给出信任根文件,或在 U 盘文件夹里合并"));
    }
    let mut found: Vec<Signature> = Vec::new();
    for file in files {
        for signature in read(&small(file)?)? {
            let key = to_sign.policies.iter().find_map(|policy| policy.keys.get(&signature.keyid));
            let public = key.and_then(|key| PublicKey::of(key).ok());
            if !public.is_some_and(|public| to_sign.signable.is_by(&public, &signature)) {
                let message = format!("{} 里有一个签名({:.12}…)与文件不符,或无权签", file.display(), signature.keyid);
                return Err(Error::new(Code::PackSig, message, "核对对方签的是不是同一份文件(比较 SHA-256)"));
            }
            found.push(signature);
        }
    }
    let had = to_sign.signable.signatures()?;
    let before = standing(to_sign.role(), to_sign.bytes(), &had, &to_sign.policies).signed.len();
    to_sign.signable.collect(&found)?;
    Ok(to_sign.standing()?.signed.len().saturating_sub(before))
}

fn what(role: SignedRole) -> &'static str {
    match role {
        SignedRole::Root => "信任根",
        SignedRole::Beacon => "信标",
        _ => "知识包",
    }
}
