//! Head office's keys.

use super::{ISSUED, Pack};
use guida::pack::keys::{Alg, PublicKey, SecretKey, SignedRole};
use guida::pack::manifest::{BEACON_FMT, Beacon, ROOT_FMT, RolePolicy, Root, Signatures};
use guida::types::Serial;
use std::collections::BTreeMap;

/// A bank: trust roots by 3 of 5, packs by 2 of 3, beacons by 1 of 2.
pub struct Bank {
    pub roots: Vec<SecretKey>,
    pub publishers: Vec<SecretKey>,
    pub beacons: Vec<SecretKey>,
    /// Must sign packs as well, where the bank has it.
    pub sm2: Option<SecretKey>,
    pub root: Root,
    /// Each root with its signatures, from version 1.
    pub chain: Vec<(Vec<u8>, Vec<u8>)>,
}

fn keys(count: usize) -> Vec<SecretKey> {
    (0..count).map(|_| SecretKey::generate(Alg::Ed25519).unwrap()).collect()
}

fn policy(keys: &[SecretKey], least: u32) -> RolePolicy {
    let keyids = keys.iter().map(|key| key.public().id()).collect();
    RolePolicy { keyids, require: BTreeMap::from([("ed25519".to_owned(), least)]) }
}

impl Bank {
    /// `zhbank`, with Ed25519 keys only.
    pub fn new() -> Bank {
        Bank::called("zhbank", None)
    }

    /// With an SM2 key that must sign every pack beside the others.
    pub fn with_sm2() -> Bank {
        Bank::called("zhbank", Some(SecretKey::generate(Alg::Sm2).unwrap()))
    }

    pub fn called(bank_id: &str, sm2: Option<SecretKey>) -> Bank {
        let (roots, publishers, beacons) = (keys(5), keys(3), keys(2));
        let mut publish = policy(&publishers, 2);
        if let Some(key) = &sm2 {
            publish.keyids.push(key.public().id());
            publish.require.insert("sm2".into(), 1);
        }
        let all = roots.iter().chain(&publishers).chain(&beacons).chain(&sm2).map(SecretKey::public);
        let root = Root {
            fmt: ROOT_FMT.into(),
            bank_id: bank_id.into(),
            version: 1,
            epoch: 1,
            issued_at: ISSUED.into(),
            keys: all.map(|key: PublicKey| (key.id(), key.to_root_key("测试"))).collect(),
            roles: [("root", policy(&roots, 3)), ("publish", publish), ("beacon", policy(&beacons, 1))]
                .map(|(role, policy)| (role.to_owned(), policy))
                .into(),
            revoked: Vec::new(),
            recipients: Vec::new(),
        };
        let bytes = serde_json::to_vec_pretty(&root).unwrap();
        let signatures = sign(SignedRole::Root, &bytes, &roots.iter().take(3).collect::<Vec<_>>());
        Bank { roots, publishers, beacons, sm2, root, chain: vec![(bytes, signatures)] }
    }

    /// The next root: `change` it, then the old root keys and, where `fresh` keys replace them, the new ones sign it.
    pub fn rotate(&mut self, fresh: bool, change: impl FnOnce(&mut Root)) {
        let new = fresh.then(|| keys(5));
        self.root.version += 1;
        if let Some(new) = &new {
            self.root.keys.extend(new.iter().map(|key| (key.public().id(), key.public().to_root_key("测试"))));
            self.root.roles.insert("root".into(), policy(new, 3));
        }
        change(&mut self.root);
        let bytes = serde_json::to_vec_pretty(&self.root).unwrap();
        let signers: Vec<&SecretKey> =
            self.roots.iter().take(3).chain(new.iter().flat_map(|new| new.iter().take(3))).collect();
        let signatures = sign(SignedRole::Root, &bytes, &signers);
        self.chain.push((bytes, signatures));
        if let Some(new) = new {
            self.roots = new;
        }
    }

    /// A new root that takes the trust from a publishing key and gives it to a fresh one in its place.
    pub fn revoke_publisher(&mut self, index: usize) -> SecretKey {
        let fresh = SecretKey::generate(Alg::Ed25519).unwrap();
        let (id, public) = (fresh.public().id(), fresh.public().to_root_key("测试"));
        let stolen = std::mem::replace(&mut self.publishers[index], fresh);
        let stolen_id = stolen.public().id();
        self.rotate(false, |root| {
            root.keys.insert(id.clone(), public);
            root.revoked.push(stolen_id.clone());
            let publish = root.roles.get_mut("publish").unwrap();
            publish.keyids.retain(|named| *named != stolen_id);
            publish.keyids.push(id);
        });
        stolen
    }

    /// A pack with this knowledge, for every branch.
    pub fn pack(&self, seq: u64, knowledge: &[u8]) -> Pack<'_> {
        Pack::new(self, seq, knowledge)
    }

    /// The keys that sign a pack as they should.
    pub fn pack_signers(&self) -> Vec<&SecretKey> {
        self.publishers.iter().take(2).chain(&self.sm2).collect()
    }

    pub fn beacon(&self, serial: Serial, manifest_sha256: &str, issued_at: &str) -> (Vec<u8>, Vec<u8>) {
        let beacon = Beacon {
            fmt: BEACON_FMT.into(),
            bank_id: self.root.bank_id.clone(),
            epoch: serial.epoch,
            seq: serial.seq,
            manifest_sha256: manifest_sha256.into(),
            issued_at: issued_at.into(),
        };
        let bytes = serde_json::to_vec_pretty(&beacon).unwrap();
        let signatures = sign(SignedRole::Beacon, &bytes, &[&self.beacons[0]]);
        (bytes, signatures)
    }
}

/// Signs anything with any keys.
pub fn sign(role: SignedRole, bytes: &[u8], keys: &[&SecretKey]) -> Vec<u8> {
    let signatures = keys.iter().map(|key| key.sign(role, bytes).unwrap()).collect();
    serde_json::to_vec_pretty(&Signatures { signatures }).unwrap()
}
