//! Packs, roots and signatures as head office makes them, with files of a few kilobytes.

use super::*;
use crate::pack::keys::{Alg, SecretKey, SignedRole, SoftwareVerifier};
use crate::pack::manifest::{KNOWLEDGE_ROLE, MANIFEST_FMT, Totals};
use crate::pack::seal::PublicKeyFile;
use crate::pack::trust::TrustedRoot;
use std::collections::BTreeMap;
use tempfile::TempDir;

const ISSUED: &str = "2026-07-01T08:00:00Z";

/// A folder for packs with a signed root, and the keys: two Ed25519 and one SM2.
struct Office {
    folder: TempDir,
    keys: Vec<SecretKey>,
}

fn public(key: &SecretKey, holder: &str) -> PublicKeyFile {
    PublicKeyFile { id: key.public().id(), key: key.public().to_root_key(holder) }
}

impl Office {
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<SecretKey> =
            [Alg::Ed25519, Alg::Ed25519, Alg::Sm2].map(|alg| SecretKey::generate(alg).unwrap()).into();
        let office = Office { folder, keys };
        let root = first_root(&office.plan(), ISSUED).unwrap();
        let path = write_root(&Stick::create(office.folder.path()).unwrap(), &root).unwrap();
        office.sign(&path, SignedRole::Root, &[0, 1, 2]);
        office
    }

    fn plan(&self) -> FirstRoot {
        let of = |role: &str| {
            let key = |(n, key)| RoleKey { role: role.into(), key: public(key, &format!("持有人{n}")) };
            self.keys.iter().enumerate().map(key).collect::<Vec<_>>()
        };
        FirstRoot {
            bank_id: "示例银行".into(),
            keys: ROLES.into_iter().flat_map(of).collect(),
            require: BTreeMap::new(),
            recipients: Vec::new(),
        }
    }

    fn stick(&self) -> Stick {
        Stick::open(self.folder.path()).unwrap()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn sign(&self, path: &str, role: SignedRole, by: &[usize]) {
        for key in by {
            sign::add_signature(&self.folder.path().join(path), role, &self.keys[*key]).unwrap();
        }
    }

    fn publication(&self, seq: u64, knowledge: &[u8], bases: Vec<PathBuf>) -> Publication {
        let path = self.file(&format!("knowledge-{seq}"), knowledge);
        Publication {
            manifest: Manifest {
                fmt: MANIFEST_FMT.into(),
                bank_id: "示例银行".into(),
                audience: vec!["*".into()],
                channel: "stable".into(),
                epoch: 1,
                seq,
                min_seq: 1,
                root_ver_min: 1,
                issued_at: ISSUED.into(),
                stale_after: None,
                app_min: "0.1.0".into(),
                app_max: None,
                schema_version: 3,
                schema_sha256: hex::sha256(b"tables"),
                files: Vec::new(),
                models: Vec::new(),
                golden: Vec::new(),
                totals: Totals::default(),
                changelog: Vec::new(),
            },
            files: vec![SourceFile { role: KNOWLEDGE_ROLE.into(), path, bases }],
            known: Vec::new(),
            part_bytes: 1000,
            levels: Levels { full: 3, patch: 3 },
        }
    }

    /// Builds, signs and announces.
    fn publish(&self, publication: &Publication) -> Built {
        let built = build(&self.stick(), publication, &mut |_, _| ()).unwrap();
        self.sign(&built.manifest_path, SignedRole::Publish, &[0, 1, 2]);
        announce(&self.stick(), built.serial.seq, ISSUED).unwrap();
        self.sign(names::BEACON, SignedRole::Beacon, &[0]);
        built
    }

    fn rehearse(&self) -> Result<Rehearsal> {
        let first = hex::sha256(&std::fs::read(self.folder.path().join(names::root(1))).unwrap());
        let work = tempfile::tempdir().unwrap();
        let rehearsing = Rehearsing {
            trust: Trust::Fingerprint(&first),
            branch: None,
            channel: None,
            seq: None,
            app_version: "0.1.0",
            schema_version: 3,
            schema_sha256: &hex::sha256(b"tables"),
            bases: &[],
            work: work.path(),
        };
        rehearse(&self.stick(), &rehearsing, &mut |_| ())
    }

    /// Every file below `kbpack/blob`.
    fn blobs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("kbpack/blob")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }
}

fn noise(length: usize, mut seed: u32) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn code<T>(result: Result<T>) -> Code {
    result.map(drop).unwrap_err().code()
}

#[test]
fn a_pack_is_cut_into_parts_and_comes_back() {
    let office = Office::new();
    let built = office.publish(&office.publication(1, &noise(10_500, 1), Vec::new()));
    assert!(built.full_bytes > 10_500);
    assert_eq!(built.delta_bytes, None);
    let blobs = office.blobs();
    assert_eq!(blobs.len(), 11, "{blobs:?}");
    assert!(blobs.iter().all(|path| std::fs::metadata(path).unwrap().len() <= 1000));
    let rehearsed = office.rehearse().unwrap();
    assert_eq!(rehearsed.serial, built.serial);
    assert_eq!(rehearsed.spoken, built.spoken);
    assert!(rehearsed.files[0].sources[0].decoded);

    // Every part counts.
    for path in &blobs {
        let bytes = std::fs::read(path).unwrap();
        let mut other = bytes.clone();
        other[bytes.len() / 2] ^= 1;
        for (content, expected) in [
            (Some(other), Code::PackHash),
            (Some(bytes[..bytes.len() - 1].to_vec()), Code::PackIncomplete),
            (Some([&bytes[..], b"x"].concat()), Code::PackHash),
            (None, Code::PackIncomplete),
        ] {
            match content {
                Some(content) => std::fs::write(path, content).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
            let e = office.rehearse().unwrap_err();
            assert_eq!(e.code(), expected, "{e}");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(e.message().contains(name), "{e}");
        }
        std::fs::write(path, bytes).unwrap();
    }
    assert!(office.rehearse().is_ok());
}

#[test]
fn the_next_pack_brings_the_difference() {
    let office = Office::new();
    let mut knowledge = noise(200_000, 1);
    let first = office.publication(1, &knowledge, Vec::new());
    office.publish(&first);
    knowledge[100_000..100_100].fill(7);
    let old = first.files[0].path.clone();
    let stranger = office.file("stranger", &noise(200_000, 2));
    let same = office.file("same", &knowledge);
    let second = office.publication(2, &knowledge, vec![old.clone(), stranger, same, old]);
    let built = office.publish(&second);
    let sources = &built.manifest.files[0].sources;
    assert_eq!(sources.len(), 2, "no patch against strangers, itself, or the same file twice: {sources:?}");
    assert!(built.delta_bytes.unwrap() < 2000, "{built:?}");
    let rehearsed = office.rehearse().unwrap();
    assert!(rehearsed.files[0].sources.iter().all(|source| source.decoded), "the first pack is the base");

    // Nothing lies about but the parts of the two packs; the same content again adds none.
    let blobs = office.blobs();
    let named = |m: &Manifest| m.files.iter().flat_map(|f| &f.sources).map(|s| s.parts().pieces.len()).sum::<usize>();
    let listed = listed(&office.stick(), None).unwrap();
    assert_eq!(blobs.len(), listed.iter().map(|pack| named(&pack.manifest)).sum::<usize>());
    let mut third = office.publication(3, &knowledge, Vec::new());
    third.known = built.manifest.files.clone();
    let mut steps = Vec::new();
    build(&office.stick(), &third, &mut |step, _| steps.push(step)).unwrap();
    assert_eq!(steps, [Step::Hashing, Step::Checking]);
    assert_eq!(office.blobs(), blobs);
}

#[test]
fn a_signed_pack_is_never_replaced() {
    let office = Office::new();
    let first = office.publication(1, b"one", Vec::new());
    build(&office.stick(), &first, &mut |_, _| ()).unwrap();
    // Not yet signed, it may still be made anew.
    let again = office.publication(1, b"two", Vec::new());
    let built = build(&office.stick(), &again, &mut |_, _| ()).unwrap();
    assert_eq!(code(announce(&office.stick(), 1, ISSUED)), Code::PackBuild);
    office.sign(&built.manifest_path, SignedRole::Publish, &[0]);
    assert_eq!(code(build(&office.stick(), &first, &mut |_, _| ())), Code::PackBuild);
    let kept = std::fs::read(office.folder.path().join(&built.manifest_path)).unwrap();
    assert_eq!(hex::sha256(&kept), built.manifest_sha256);
}

#[test]
fn a_manifest_that_no_branch_would_take_is_not_written() {
    let office = Office::new();
    let build = |publication: &Publication| code(build(&office.stick(), publication, &mut |_, _| ()));
    let sound = || office.publication(1, b"one", Vec::new());
    for part_bytes in [0, MAX_PIECE_BYTES + 1] {
        assert_eq!(build(&Publication { part_bytes, ..sound() }), Code::PackBuild);
    }
    let mut many = sound();
    let golden = |n: usize| crate::pack::manifest::Golden {
        question: format!("问题{n}"),
        document: "d".into(),
        clause: "第一条".into(),
        within: None,
    };
    many.manifest.golden = (0..limits::MAX_GOLDEN + 1).map(golden).collect();
    assert_eq!(build(&many), Code::PackLimit);
    many.manifest.golden.truncate(limits::MAX_GOLDEN);
    many.manifest.changelog = vec!["长".repeat(2 << 20)];
    assert_eq!(build(&many), Code::PackLimit);
    let mut nameless = sound();
    nameless.files[0].role = "model/../x".into();
    assert_eq!(build(&nameless), Code::PackUnsafe);
    assert!(office.stick().sequences().unwrap().is_empty());
}

#[test]
fn signatures_are_collected() {
    let office = Office::new();
    let publication = office.publication(1, b"one", Vec::new());
    let built = build(&office.stick(), &publication, &mut |_, _| ()).unwrap();
    let standing =
        || listed(&office.stick(), chain(&office.stick()).unwrap().trusted.as_ref()).unwrap().remove(0).signatures;
    assert!(!standing().complete);
    let missing = &standing().wanting[0].missing;
    assert_eq!(missing, &BTreeMap::from([("ed25519".to_owned(), 2), ("sm2".to_owned(), 1)]));
    office.sign(&built.manifest_path, SignedRole::Publish, &[0, 0]);
    assert_eq!(standing().signed.len(), 1);
    let file = office.folder.path().join(&built.manifest_path);
    let once = std::fs::read(sign::beside(&file)).unwrap();
    office.sign(&built.manifest_path, SignedRole::Publish, &[0]);
    assert_eq!(std::fs::read(sign::beside(&file)).unwrap(), once, "signing again changes nothing");
    // A stranger's signature is kept apart from those that count.
    let stranger = SecretKey::generate(Alg::Ed25519).unwrap();
    sign::add_signature(&file, SignedRole::Publish, &stranger).unwrap();
    assert_eq!((standing().signed.len(), standing().worthless), (1, 1));
    office.sign(&built.manifest_path, SignedRole::Publish, &[1, 2]);
    assert!(standing().complete);
    assert_eq!(code(sign::add_signature(&file, SignedRole::Root, &stranger)), Code::PackBuild);
    let other = office.file("other.json", b"{\"fmt\":\"something\"}");
    assert_eq!(code(sign::Signable::read(&other)), Code::PackBuild);
}

#[test]
fn roots_follow_each_other() {
    let office = Office::new();
    let stick = office.stick();
    let first = chain(&stick).unwrap().settled().unwrap();
    assert_eq!(first.root().roles["root"].require, BTreeMap::from([("ed25519".to_owned(), 2), ("sm2".to_owned(), 1)]));
    assert_eq!(first.root().roles["beacon"].require, BTreeMap::from([("ed25519".to_owned(), 1)]));
    // Written over while it is unsigned only.
    assert_eq!(code(write_root(&stick, first.root())), Code::PackBuild);

    let fresh = SecretKey::generate(Alg::Ed25519).unwrap();
    let add = ROLES.map(|role| RoleKey { role: role.into(), key: public(&fresh, "新人") }).to_vec();
    let gone = office.keys[1].public().id();
    let change = Change { add, revoke: vec![gone[..8].to_owned()], new_epoch: true, ..Change::default() };
    let next = next_root(first.root(), &change, ISSUED).unwrap();
    assert_eq!((next.version, next.epoch), (2, 2));
    assert_eq!(next.revoked, [gone.clone()]);
    assert!(!next.keys.contains_key(&gone));
    let path = write_root(&stick, &next).unwrap();
    sign::add_signature(&office.folder.path().join(&path), SignedRole::Root, &fresh).unwrap();
    office.sign(&path, SignedRole::Root, &[0, 2]);
    let half = chain(&stick).unwrap();
    assert_eq!(half.pending, Some(2), "one of the old keys is missing");
    assert_eq!(code(half.settled()), Code::PackBuild);
    office.sign(&path, SignedRole::Root, &[1]);
    let second = chain(&stick).unwrap().settled().unwrap();
    assert_eq!(second.root(), &next);
    // What was revoked never comes back.
    let back = Change {
        add: vec![RoleKey { role: "publish".into(), key: public(&office.keys[1], "旧人") }],
        ..Change::default()
    };
    assert_eq!(code(next_root(&next, &back, ISSUED)), Code::PackBuild);
    // A gap is named.
    std::fs::rename(office.folder.path().join(names::root(2)), office.folder.path().join(names::root(3))).unwrap();
    assert_eq!(code(chain(&stick)), Code::PackRootGap);
}

#[test]
fn a_root_that_cannot_work_is_refused() {
    let office = Office::new();
    let too_many = BTreeMap::from([("publish".to_owned(), BTreeMap::from([("ed25519".to_owned(), 3)]))]);
    assert_eq!(code(first_root(&FirstRoot { require: too_many, ..office.plan() }, ISSUED)), Code::PackBuild);
    let mut lacking = office.plan();
    lacking.keys.retain(|key| key.role != "beacon");
    assert_eq!(code(first_root(&lacking, ISSUED)), Code::PackBuild);
    let nameless = FirstRoot { bank_id: " ".into(), ..office.plan() };
    assert_eq!(code(first_root(&nameless, ISSUED)), Code::PackBuild);
    let wrong = FirstRoot { recipients: vec!["mail@example".into()], ..office.plan() };
    assert_eq!(code(first_root(&wrong, ISSUED)), Code::PackBuild);
    let root = first_root(&office.plan(), ISSUED).unwrap();
    for remove in ["谁", "00000000", "持"] {
        let change = Change { remove: vec![remove.into()], ..Change::default() };
        assert_eq!(code(next_root(&root, &change, ISSUED)), Code::PackBuild, "{remove}");
    }
    // Unsigned it is nobody's root.
    let bytes = to_bytes(&root).unwrap();
    let first = TrustedRoot::first(&bytes, &sign::none().unwrap(), &SoftwareVerifier);
    assert_eq!(code(first), Code::PackThreshold);
}

#[test]
fn a_stick_is_listed_with_what_branches_left() {
    use crate::pack::receipt::{RECEIPT_FMT, Receipt};
    let office = Office::new();
    let built = office.publish(&office.publication(1, b"one", Vec::new()));
    let device = SecretKey::generate(Alg::Ed25519).unwrap();
    let key = hex::encode(&device.public().to_bytes());
    let receipt = Receipt {
        fmt: RECEIPT_FMT.into(),
        bank_id: "示例银行".into(),
        branch: "bj-001".into(),
        device: key.clone(),
        gid: format!("1-1-{}", &built.manifest_sha256[..12]),
        generation: "g".into(),
        epoch: 1,
        seq: 1,
        root_version: 1,
        clock: ISSUED.into(),
        clock_offset_s: 0,
        free_bytes: 1,
        app_version: "0.1.0".into(),
    };
    let (bytes, signatures) = receipt.signed(&device).unwrap();
    let leave = |branch: &str, bytes: &[u8]| {
        let path = names::receipt(branch);
        office.stick().leave(&path, bytes).unwrap();
        office.stick().leave(&names::signatures(&path), &signatures).unwrap();
    };
    leave("bj-001", &bytes);
    leave("bj-002", &bytes);
    leave("bj-003", b"no receipt");
    std::fs::create_dir_all(office.folder.path().join("kbpack/out/bj-004")).unwrap();
    let known = BTreeMap::from([("bj-001".to_owned(), key)]);
    let states = |devices: &BTreeMap<String, String>| -> Vec<(String, &'static str)> {
        let listed = contents(&office.stick(), devices).unwrap();
        listed.receipts.into_iter().map(|receipt| (receipt.branch, receipt.state)).collect()
    };
    let expected = |first| [("bj-001".into(), first), ("bj-002".into(), "refused"), ("bj-003".into(), "unreadable")];
    assert_eq!(states(&known), expected("verified"));
    assert_eq!(states(&BTreeMap::new()), expected("unknown"));
    let other = hex::encode(&office.keys[0].public().to_bytes());
    assert_eq!(states(&BTreeMap::from([("bj-001".to_owned(), other)])), expected("refused"));

    let listed = contents(&office.stick(), &known).unwrap();
    assert_eq!(listed.receipts[0].spoken.as_ref(), Some(&built.spoken));
    assert!(listed.packs[0].signatures.complete && listed.packs[0].files[0].sources[0].present);
    assert!(listed.beacon.unwrap().signatures.complete && listed.roots[0].signatures.complete);
}
