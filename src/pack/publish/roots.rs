//! Making the first trust root, the next ones, and walking the chain on a stick.

use super::sign;
use crate::error::{Code, Error, Result};
use crate::pack::json;
use crate::pack::keys::{Alg, PublicKey, SoftwareVerifier};
use crate::pack::limits;
use crate::pack::manifest::{MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES, ROOT_FMT, RolePolicy, Root, RootKey};
use crate::pack::receipt::to_bytes;
use crate::pack::seal::PublicKeyFile;
use crate::pack::signature::KeyRing;
use crate::pack::source::{Stick, names};
use crate::pack::trust::TrustedRoot;
use std::collections::{BTreeMap, BTreeSet};

/// The roles that a root must give to somebody.
pub const ROLES: [&str; 3] = ["root", "publish", "beacon"];
/// Fewest digits of an id that name a key.
const MIN_ID_DIGITS: usize = 8;

/// A key and what it may do.
#[derive(Debug, Clone)]
pub struct RoleKey {
    /// `root`, `publish` or `beacon`.
    pub role: String,
    /// The key.
    pub key: PublicKeyFile,
}

/// How many signatures by algorithm, by role.
pub type Requirements = BTreeMap<String, BTreeMap<String, u32>>;

/// What the first root shall say.
#[derive(Debug, Clone)]
pub struct FirstRoot {
    /// The bank.
    pub bank_id: String,
    /// The keys.
    pub keys: Vec<RoleKey>,
    /// How many signatures; for roles that are not named, see [`usual`].
    pub require: Requirements,
    /// To whom feedback is encrypted.
    pub recipients: Vec<String>,
}

/// What the next root shall change.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Keys to add to roles.
    pub add: Vec<RoleKey>,
    /// Keys to take out of every role; the beginning of an id, or a holder.
    pub remove: Vec<String>,
    /// The same, for ever.
    pub revoke: Vec<String>,
    /// How many signatures from now on.
    pub require: Requirements,
    /// Begins a new epoch: numbers that a thief has used up no longer count.
    pub new_epoch: bool,
    /// To whom feedback is encrypted from now on; unchanged when empty.
    pub recipients: Vec<String>,
}

/// The first root, unsigned.
///
/// # Errors
/// `PACK_BUILD` when roles lack keys or ask for more signatures than there are keys.
pub fn first_root(plan: &FirstRoot, issued_at: &str) -> Result<Root> {
    let mut root = Root {
        fmt: ROOT_FMT.into(),
        bank_id: plan.bank_id.clone(),
        version: 1,
        epoch: 1,
        issued_at: issued_at.into(),
        keys: BTreeMap::new(),
        roles: BTreeMap::new(),
        revoked: Vec::new(),
        recipients: plan.recipients.clone(),
    };
    plan.keys.iter().try_for_each(|key| add(&mut root, key))?;
    settle(&mut root, &plan.require)?;
    Ok(root)
}

/// The root after `before`, unsigned.
///
/// # Errors
/// `PACK_BUILD` when a key to remove is not there, or as [`first_root`].
pub fn next_root(before: &Root, change: &Change, issued_at: &str) -> Result<Root> {
    let mut root = before.clone();
    root.version += 1;
    root.epoch += u64::from(change.new_epoch);
    root.issued_at = issued_at.into();
    for (name, for_ever) in change.remove.iter().map(|k| (k, false)).chain(change.revoke.iter().map(|k| (k, true))) {
        let id = find(before, name)?;
        root.keys.remove(&id);
        root.roles.values_mut().for_each(|policy| policy.keyids.retain(|other| *other != id));
        if for_ever && !root.revoked.contains(&id) {
            root.revoked.push(id);
        }
    }
    change.add.iter().try_for_each(|key| add(&mut root, key))?;
    if !change.recipients.is_empty() {
        root.recipients = change.recipients.clone();
    }
    settle(&mut root, &change.require)?;
    Ok(root)
}

/// Writes a root to a stick, where it waits for signatures; returns its path there.
///
/// # Errors
/// `PACK_BUILD` when there is a signed root of this version; those of the stick.
pub fn write_root(stick: &Stick, root: &Root) -> Result<String> {
    let path = names::root(root.version);
    let beside = names::signatures(&path);
    if stick.has(&beside)? && !sign::read(&stick.read(&beside, MAX_SIGNATURES_BYTES)?)?.is_empty() {
        let message = format!("{path} 已有签名,没有覆盖");
        return Err(Error::new(Code::PackBuild, message, "信任根签过后不能改;要改就再轮换一版(guida pack rotate)"));
    }
    let bytes = to_bytes(root)?;
    if bytes.len() as u64 > MAX_ROOT_BYTES {
        return Err(json::too_long("信任根", MAX_ROOT_BYTES));
    }
    stick.leave(&path, &bytes)?;
    Ok(path)
}

fn add(root: &mut Root, key: &RoleKey) -> Result<()> {
    let id = PublicKey::of(&key.key.key)?.id();
    if root.revoked.contains(&id) {
        let message = format!("{} 的密钥已被吊销,不能再用", key.key.key.holder);
        return Err(Error::new(Code::PackBuild, message, "用 guida pack keygen 为他生成新的密钥"));
    }
    let RootKey { alg, public, holder } = &key.key.key;
    root.keys.insert(id.clone(), RootKey { alg: alg.clone(), public: public.clone(), holder: holder.clone() });
    let empty = || RolePolicy { keyids: Vec::new(), require: BTreeMap::new() };
    let policy = root.roles.entry(key.role.clone()).or_insert_with(empty);
    if !policy.keyids.contains(&id) {
        policy.keyids.push(id);
    }
    Ok(())
}

/// The id of the key that a person means.
fn find(root: &Root, name: &str) -> Result<String> {
    let by_id = |id: &str| name.len() >= MIN_ID_DIGITS && id.starts_with(name);
    let found: Vec<&String> =
        root.keys.iter().filter(|(id, key)| by_id(id) || key.holder == name).map(|(id, _)| id).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Error::new(
            Code::PackBuild,
            format!("信任根里没有密钥 {name}"),
            format!("写密钥编号的前 {MIN_ID_DIGITS} 位以上,或持有人的全名;用 guida pack inspect 查看"),
        )),
        _ => Err(Error::new(Code::PackBuild, format!("{name} 有几把密钥,不知道指哪一把"), "写密钥编号")),
    }
}

/// Drops keys without a role, sets how many signatures each role needs, and sees whether it can be.
fn settle(root: &mut Root, require: &Requirements) -> Result<()> {
    let used: BTreeSet<String> = root.roles.values().flat_map(|policy| policy.keyids.iter().cloned()).collect();
    root.keys.retain(|id, _| used.contains(id));
    let keys = root.keys.clone();
    for (role, policy) in &mut root.roles {
        policy.keyids.sort();
        if let Some(asked) = require.get(role) {
            policy.require = asked.clone();
        } else if policy.require.is_empty() {
            let count = |alg: Alg| {
                let alg = alg.as_str();
                policy.keyids.iter().filter(|id| keys.get(*id).is_some_and(|key| key.alg == alg)).count()
            };
            policy.require = usual(role, count(Alg::Ed25519), count(Alg::Sm2));
        }
    }
    if let Some(role) = ROLES.iter().find(|role| !root.roles.contains_key(**role)) {
        let message = format!("没有给出角色 {role} 的公钥");
        return Err(Error::new(Code::PackBuild, message, "每个角色至少给一个 .pub 文件:root、publish、beacon"));
    }
    for recipient in &root.recipients {
        if !recipient.starts_with("age1") || recipient.len() > limits::MAX_NAME_BYTES {
            let message = format!("{recipient} 不是 age 收件人");
            return Err(Error::new(Code::PackBuild, message, "写 age1… 开头的公钥"));
        }
    }
    limits::name(&root.bank_id, "银行标识").and_then(|()| KeyRing::of(root).map(drop)).map_err(|e| {
        Error::new(Code::PackBuild, format!("这样的信任根不会被接受:{}", e.message()), "调整密钥或 --require")
    })
}

/// How many signatures a role needs unless said otherwise: more than half for roots, two for packs, one for beacons; and one by SM2 where
/// the role has such keys, for beacons only when it has no others.
pub fn usual(role: &str, ed25519: usize, sm2: usize) -> BTreeMap<String, u32> {
    let least = match role {
        "root" => ed25519 / 2 + 1,
        "publish" => 2,
        _ => 1,
    };
    let ed = least.min(ed25519);
    let sm = usize::from(sm2 > 0 && (role != "beacon" || ed25519 == 0));
    let counts = [(Alg::Ed25519, ed), (Alg::Sm2, sm)].into_iter().filter(|(_, count)| *count > 0);
    counts.map(|(alg, count)| (alg.as_str().to_owned(), u32::try_from(count).unwrap_or(u32::MAX))).collect()
}

/// The chain of roots on a stick.
#[derive(Debug)]
pub struct Chain {
    /// The newest that has all its signatures.
    pub trusted: Option<TrustedRoot>,
    /// The version of one behind it that still lacks signatures.
    pub pending: Option<u64>,
}

impl Chain {
    /// The newest root, when nothing waits for signatures behind it.
    ///
    /// # Errors
    /// `TRUST_MISSING` without any root, `PACK_BUILD` when one waits.
    pub fn settled(self) -> Result<TrustedRoot> {
        match (self.trusted, self.pending) {
            (Some(root), None) => Ok(root),
            (_, Some(version)) => Err(Error::new(
                Code::PackBuild,
                format!("第 {version} 版信任根还没有签齐"),
                format!("先用 guida pack sign 签 {}", names::root(version)),
            )),
            (None, None) => Err(Error::new(
                Code::TrustMissing,
                "这里还没有信任根",
                "先用 guida pack root 建立信任根;或把含有 kbpack/root 的旧 U 盘内容拷来",
            )),
        }
    }
}

/// Walks the roots on a stick from the first on. That the first is the bank's own, a person has to know.
///
/// # Errors
/// `PACK_ROOTGAP` when a version is missing, and the errors of [`TrustedRoot`] but for missing signatures of the last.
pub fn chain(stick: &Stick) -> Result<Chain> {
    let versions = stick.root_versions()?;
    let mut chain = Chain { trusted: None, pending: None };
    for (version, due) in versions.iter().zip(1..) {
        if *version != due {
            let message = format!("缺少第 {due} 版信任根");
            return Err(Error::new(Code::PackRootGap, message, "从旧 U 盘拷回 kbpack/root 的全部文件"));
        }
        let path = names::root(*version);
        let bytes = stick.read(&path, MAX_ROOT_BYTES)?;
        let beside = names::signatures(&path);
        let signatures = if stick.has(&beside)? { stick.read(&beside, MAX_SIGNATURES_BYTES)? } else { sign::none()? };
        let next = match &chain.trusted {
            None => TrustedRoot::first(&bytes, &signatures, &SoftwareVerifier),
            Some(root) => root.next(&bytes, &signatures, &SoftwareVerifier),
        };
        // During a rotation one signature of the new keys alone is no crime, only unfinished.
        match next {
            Ok(root) => chain.trusted = Some(root),
            Err(e) if versions.last() == Some(version) && matches!(e.code(), Code::PackThreshold | Code::PackSig) => {
                chain.pending = Some(*version);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(chain)
}
