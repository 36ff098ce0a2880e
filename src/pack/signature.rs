//! Counts signatures: are there enough, by different people, with the algorithms that the bank asks for?

use crate::error::{Code, Error, Result};
use crate::pack::keys::{Alg, PublicKey, SignedRole, Verifier, key_id};
use crate::pack::manifest::{MAX_SIGNATURES_BYTES, RolePolicy, Root, Signatures};
use crate::pack::{hex, json, limits};
use std::collections::{BTreeMap, BTreeSet};

/// Most signatures in one file; more would only cost time.
pub const MAX_SIGNATURES: usize = 64;

/// The keys of a trust root, and what they may do.
#[derive(Debug, Clone)]
pub(super) struct KeyRing {
    /// Keys of known algorithms by their id.
    usable: BTreeMap<String, PublicKey>,
    /// Ids of keys of other algorithms: they neither count nor harm.
    unknown: BTreeSet<String>,
    roles: BTreeMap<String, Policy>,
}

/// Whose signatures made a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// For each algorithm that is asked for: sound signatures by different keys, and the least number of them.
    pub counts: Vec<(Alg, usize, usize)>,
    /// Ids of the keys that signed.
    pub signers: Vec<String>,
}

#[derive(Debug, Clone)]
struct Policy {
    keyids: BTreeSet<String>,
    require: BTreeMap<Alg, usize>,
}

impl KeyRing {
    /// Takes the keys out of a root that nobody has trusted yet.
    ///
    /// # Errors
    /// `PACK_PARSE` when the root contradicts itself: an id that is not its key's, a role without policy or that its keys cannot
    /// fulfil, a revoked key in a role. `PACK_UNSUPPORTED` when a role asks for an algorithm that this program does not know.
    pub(super) fn of(root: &Root) -> Result<KeyRing> {
        let (mut usable, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        for (id, key) in &root.keys {
            let public = hex::decode(&key.public).unwrap_or_default();
            if *id != key_id(&key.alg, &public) {
                return Err(json::refused("信任根里有一个密钥编号与密钥不符"));
            }
            if Alg::from_name(&key.alg).is_some() {
                usable.insert(id.clone(), PublicKey::of(key)?);
            } else {
                unknown.insert(id.clone());
            }
        }
        let mut ring = KeyRing { usable, unknown, roles: BTreeMap::new() };
        for (name, policy) in &root.roles {
            let keyids = ring.members(root, name, policy)?;
            // A role of a later version is none of our business.
            if [SignedRole::Root, SignedRole::Publish, SignedRole::Beacon].iter().any(|role| role.as_str() == name) {
                let require = ring.requirement(name, policy, &keyids)?;
                ring.roles.insert(name.clone(), Policy { keyids, require });
            }
        }
        for role in [SignedRole::Root, SignedRole::Publish, SignedRole::Beacon] {
            if !ring.roles.contains_key(role.as_str()) {
                return Err(json::refused(&format!("信任根没有规定由谁签发 {}", role.as_str())));
            }
        }
        Ok(ring)
    }

    /// The keys that a role names.
    fn members(&self, root: &Root, name: &str, policy: &RolePolicy) -> Result<BTreeSet<String>> {
        let role = limits::shown(name);
        let keyids: BTreeSet<String> = policy.keyids.iter().cloned().collect();
        if keyids.len() != policy.keyids.len() {
            return Err(json::refused(&format!("信任根在 {role} 里把一个密钥写了两次")));
        }
        if keyids.iter().any(|id| !self.usable.contains_key(id) && !self.unknown.contains(id)) {
            return Err(json::refused(&format!("信任根在 {role} 里写了一个没有列出的密钥")));
        }
        if root.revoked.iter().any(|id| keyids.contains(id)) {
            return Err(json::refused(&format!("信任根在 {role} 里写了一个已吊销的密钥")));
        }
        Ok(keyids)
    }

    /// How many keys of each algorithm a role asks for.
    fn requirement(&self, name: &str, policy: &RolePolicy, keyids: &BTreeSet<String>) -> Result<BTreeMap<Alg, usize>> {
        let mut require = BTreeMap::new();
        for (alg_name, &least) in policy.require.iter().filter(|(_, least)| **least > 0) {
            let Some(alg) = Alg::from_name(alg_name) else {
                let message = format!("信任根要求 {name} 用 {} 签名,本版本不认识这种算法", limits::shown(alg_name));
                return Err(Error::new(Code::PackUnsupported, message, "先升级程序"));
            };
            let least = least as usize;
            let have = keyids.iter().filter(|id| self.usable.get(*id).is_some_and(|key| key.alg() == alg)).count();
            if have < least {
                let message = format!("信任根要求 {name} 有 {least} 个 {alg_name} 签名,却只列出 {have} 个密钥");
                return Err(json::refused(&message));
            }
            require.insert(alg, least);
        }
        if require.is_empty() {
            return Err(json::refused(&format!("信任根没有规定 {name} 要几个签名")));
        }
        Ok(require)
    }

    /// Ids of all keys that a role names.
    pub(super) fn named(&self) -> impl Iterator<Item = &String> {
        self.roles.values().flat_map(|policy| &policy.keyids)
    }

    /// Returns who made the role when `signatures` over `bytes` do. `what` names the file for people.
    ///
    /// # Errors
    /// `PACK_LIMIT` and `PACK_PARSE` for the signature file. When the signatures do not suffice, `PACK_SIG` if one of them is wrong or
    /// by somebody who has no say here, else `PACK_THRESHOLD`.
    pub(super) fn judge(
        &self,
        role: SignedRole,
        what: &str,
        bytes: &[u8],
        signatures: &[u8],
        verifier: &dyn Verifier,
    ) -> Result<Tally> {
        let signatures = parse_signatures(signatures, what)?;
        let message = role.message(bytes);
        let mut signers = BTreeSet::new();
        let mut wrong = 0;
        let Some(policy) = self.roles.get(role.as_str()) else {
            return Err(foreign(what));
        };
        for entry in &signatures.signatures {
            if !policy.keyids.contains(&entry.keyid) {
                wrong += 1;
            } else if let Some(key) = self.usable.get(&entry.keyid) {
                let raw = hex::decode(&entry.sig).filter(|raw| raw.len() == 64);
                if raw.is_some_and(|raw| verifier.verify(key, &message, &raw)) {
                    signers.insert(&entry.keyid);
                } else {
                    wrong += 1;
                }
            }
        }
        let (mut missing, mut counts) = (Vec::new(), Vec::new());
        for (&alg, &least) in &policy.require {
            let count = signers.iter().filter(|id| self.usable.get(**id).is_some_and(|key| key.alg() == alg)).count();
            counts.push((alg, count, least));
            if count < least {
                missing.push(format!("{} 要 {least} 个,只有 {count} 个", alg.as_str()));
            }
        }
        match (missing.is_empty(), wrong) {
            (true, _) => Ok(Tally { counts, signers: signers.into_iter().cloned().collect() }),
            (false, 0) => Err(Error::new(
                Code::PackThreshold,
                format!("{what}的签名不够:{}", missing.join(";")),
                "上报总行,补齐签名后重新下发",
            )),
            (false, _) => Err(foreign(what)),
        }
    }
}

fn foreign(what: &str) -> Error {
    let message = format!("{what}的签名与内容不符,或签名的密钥无权签发");
    Error::new(Code::PackSig, message, "不要使用这个 U 盘,上报总行核实")
}

/// Reads the signatures beside a file. `what` names that file for people.
///
/// # Errors
/// `PACK_LIMIT` for more than [`MAX_SIGNATURES_BYTES`] or [`MAX_SIGNATURES`]; `PACK_PARSE` when it is not the JSON it should be.
pub fn parse_signatures(bytes: &[u8], what: &str) -> Result<Signatures> {
    let what = format!("{what}的签名文件");
    if bytes.len() as u64 > MAX_SIGNATURES_BYTES {
        return Err(json::too_long(&what, MAX_SIGNATURES_BYTES));
    }
    let signatures: Signatures = json::parse(bytes, &what)?;
    if signatures.signatures.len() > MAX_SIGNATURES {
        let message = format!("{what}里有 {} 个签名,超过 {MAX_SIGNATURES} 个", signatures.signatures.len());
        return Err(Error::new(Code::PackLimit, message, "不要使用这个 U 盘,上报总行"));
    }
    Ok(signatures)
}
