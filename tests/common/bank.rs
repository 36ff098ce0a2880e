//! A bank in small: people with keys, trust roots that name them, manifests and beacons that they sign. Everything is the same in every
//! run: keys are counted out, and both algorithms sign the same bytes the same way.

#![allow(dead_code)]

use guida::error::{Code, Error, Result};
use guida::pack::keys::{Alg, SecretKey, SignedRole, SoftwareVerifier};
use guida::pack::manifest::{
    BEACON_FMT, Beacon, Golden, MANIFEST_FMT, Manifest, PackFile, PackModel, PackSource, Parts, Piece, ROOT_FMT, Raw,
    RolePolicy, Root, Serial, Signatures, Totals,
};
use guida::pack::trust::TrustedRoot;
use guida::pack::verify::{Checked, Receiver, Seen, VerifiedManifest, check_manifest};
use serde::Serialize;
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// A file and its signatures, as they stand on a stick.
#[derive(Clone)]
pub struct Signed {
    pub bytes: Vec<u8>,
    pub signatures: Vec<u8>,
}

/// The Ed25519 key of person `number`.
pub fn person(number: u8) -> SecretKey {
    SecretKey::from_bytes(Alg::Ed25519, &[number + 1; 32]).unwrap()
}

/// The SM2 key of person `number`.
pub fn sm2_person(number: u8) -> SecretKey {
    SecretKey::from_bytes(Alg::Sm2, &[number + 1; 32]).unwrap()
}

/// The keys of several people.
pub fn people<const N: usize>(numbers: [u8; N]) -> Vec<SecretKey> {
    numbers.map(person).into()
}

/// A policy: these keys, at least so many of each algorithm.
pub fn policy(keys: &[SecretKey], require: &[(&str, u32)]) -> RolePolicy {
    RolePolicy {
        keyids: keys.iter().map(|key| key.public().id()).collect(),
        require: require.iter().map(|(alg, least)| ((*alg).to_owned(), *least)).collect(),
    }
}

/// A role, the keys that it names, and at least how many of each algorithm must sign.
pub type Role<'a> = (&'a str, &'a [SecretKey], &'a [(&'a str, u32)]);

/// A root with one policy per role.
pub fn root(version: u64, roles: [Role<'_>; 3]) -> Root {
    let mut root = Root {
        fmt: ROOT_FMT.to_owned(),
        bank_id: "示例银行".to_owned(),
        version,
        epoch: 1,
        issued_at: "2026-07-01T08:00:00Z".to_owned(),
        keys: BTreeMap::new(),
        roles: BTreeMap::new(),
        revoked: Vec::new(),
        recipients: Vec::new(),
    };
    for (role, keys, require) in roles {
        root.roles.insert(role.to_owned(), policy(keys, require));
        root.keys.extend(keys.iter().map(|key| (key.public().id(), key.public().to_root_key(role))));
    }
    root
}

/// The root of most tests: people 0 to 4 (three of them) for roots, 10 to 12 (two of them) for packs, 20 and 21 (one) for beacons.
pub fn plain_root(version: u64) -> Root {
    root(
        version,
        [
            ("root", &people([0, 1, 2, 3, 4]), &[("ed25519", 3)]),
            ("publish", &publishers(), &[("ed25519", 2)]),
            ("beacon", &people([20, 21]), &[("ed25519", 1)]),
        ],
    )
}

/// Who signs the roots of most tests.
pub fn founders() -> Vec<SecretKey> {
    people([0, 2, 4])
}

/// Who may sign the packs of most tests.
pub fn publishers() -> Vec<SecretKey> {
    people([10, 11, 12])
}

/// Signs these exact bytes.
pub fn sign_bytes(role: SignedRole, bytes: Vec<u8>, keys: &[SecretKey]) -> Signed {
    let signatures = keys.iter().map(|key| key.sign(role, &bytes).unwrap()).collect();
    let signatures = serde_json::to_vec_pretty(&Signatures { signatures }).unwrap();
    Signed { bytes, signatures }
}

/// Writes and signs.
pub fn sign(role: SignedRole, what: &impl Serialize, keys: &[SecretKey]) -> Signed {
    sign_bytes(role, serde_json::to_vec_pretty(what).unwrap(), keys)
}

/// Trusts a root without asking a person.
pub fn first(signed: &Signed) -> Result<TrustedRoot> {
    TrustedRoot::first(&signed.bytes, &signed.signatures, &SoftwareVerifier)
}

/// The next root of a chain.
pub fn next(trusted: &TrustedRoot, signed: &Signed) -> Result<TrustedRoot> {
    trusted.next(&signed.bytes, &signed.signatures, &SoftwareVerifier)
}

/// [`plain_root`], trusted.
pub fn plain_trust() -> TrustedRoot {
    first(&sign(SignedRole::Root, &plain_root(1), &founders())).unwrap()
}

/// A digest that is the same for the same number.
pub fn digest(number: u64) -> String {
    guida::pack::hex::sha256(&number.to_le_bytes())
}

/// A manifest without fault.
pub fn manifest(epoch: u64, seq: u64) -> Manifest {
    let pieces = vec![Piece { size: 700, sha256: digest(1) }, Piece { size: 300, sha256: digest(2) }];
    let difference = Parts { sha256: digest(3), size: 40, pieces: vec![Piece { size: 40, sha256: digest(3) }] };
    Manifest {
        fmt: MANIFEST_FMT.to_owned(),
        bank_id: "示例银行".to_owned(),
        audience: vec!["11*".to_owned(), "2200".to_owned()],
        channel: "stable".to_owned(),
        epoch,
        seq,
        min_seq: 1,
        root_ver_min: 1,
        issued_at: "2026-07-02T08:00:00Z".to_owned(),
        stale_after: Some("2026-10-01T00:00:00Z".to_owned()),
        app_min: "0.1.0".to_owned(),
        app_max: None,
        schema_version: 5,
        schema_sha256: digest(5),
        files: vec![PackFile {
            role: "knowledge".to_owned(),
            raw: Raw { size: 4096, sha256: digest(6), sm3: digest(7) },
            sources: vec![
                PackSource::Full { window_log: 13, parts: Parts { sha256: digest(8), size: 1000, pieces } },
                PackSource::Zpatch { base_sha256: digest(9), base_size: 4000, window_log: 13, parts: difference },
            ],
        }],
        models: vec![PackModel { id: "小编码器".to_owned(), dim: 256, sha256: digest(10) }],
        golden: vec![Golden {
            question: "挂失要带什么?".to_owned(),
            document: "个人账户管理办法".to_owned(),
            clause: "第五条".to_owned(),
            within: None,
        }],
        totals: Totals { documents: 3, clauses: 120, curated: 12 },
        changelog: vec!["修订挂失条款".to_owned()],
    }
}

/// A manifest signed by the first two publishers.
pub fn pack(manifest: &Manifest) -> Signed {
    sign(SignedRole::Publish, manifest, &publishers()[..2])
}

/// A beacon without fault.
pub fn beacon(epoch: u64, seq: u64) -> Beacon {
    Beacon {
        fmt: BEACON_FMT.to_owned(),
        bank_id: "示例银行".to_owned(),
        epoch,
        seq,
        manifest_sha256: digest(seq),
        issued_at: "2026-07-03T08:00:00Z".to_owned(),
    }
}

/// A box in branch 1101.
pub struct Branch {
    pub name: String,
    pub channel: String,
    pub app_version: String,
    pub schema_version: i64,
    pub schema_sha256: String,
    pub max_seen: Option<Seen>,
}

impl Default for Branch {
    fn default() -> Branch {
        Branch {
            name: "1101".to_owned(),
            channel: "stable".to_owned(),
            app_version: "0.1.0".to_owned(),
            schema_version: 5,
            schema_sha256: digest(5),
            max_seen: None,
        }
    }
}

impl Branch {
    /// A box that has seen this manifest.
    pub fn that_saw(epoch: u64, seq: u64, manifest_sha256: &str) -> Branch {
        let seen = Seen { serial: Serial { epoch, seq }, manifest_sha256: manifest_sha256.to_owned() };
        Branch { max_seen: Some(seen), ..Branch::default() }
    }

    /// As the verifier sees it.
    pub fn receiver(&self) -> Receiver<'_> {
        Receiver {
            branch: &self.name,
            channel: &self.channel,
            app_version: &self.app_version,
            schema_version: self.schema_version,
            schema_sha256: &self.schema_sha256,
            max_seen: self.max_seen.clone(),
        }
    }

    /// Holds a pack against a root.
    pub fn check(&self, root: &TrustedRoot, pack: &Signed) -> Result<Checked> {
        check_manifest(root, &pack.bytes, &pack.signatures, &self.receiver(), &SoftwareVerifier)
    }

    /// Imports a pack: what was accepted counts as seen.
    pub fn take(&mut self, root: &TrustedRoot, pack: &Signed) -> Result<VerifiedManifest> {
        let (Checked::New(verified) | Checked::Already(verified)) = self.check(root, pack)?;
        self.max_seen = Some(Seen { serial: verified.serial(), manifest_sha256: verified.sha256().to_owned() });
        Ok(verified)
    }
}

/// The code of a refusal; `OK` when there is none.
pub fn code<T, E: Borrow<Error>>(result: std::result::Result<T, E>) -> &'static str {
    result.map_or_else(|e| e.borrow().code().as_str(), |_| "OK")
}

/// The code and words of a refusal.
pub fn refusal<T>(result: Result<T>) -> (Code, String) {
    let error = result.err().expect("it was not refused");
    (error.code(), error.to_string())
}
