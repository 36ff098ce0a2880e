//! The cases of tuf-conformance (The Update Framework) that concern verifying, each under its name there; the code is ours.
//!
//! A pack's manifest stands for targets and snapshot in one (there is one file, so they cannot disagree), the beacon for the timestamp.
//! The beacon only informs: no pack is refused because of it, so its cases show that an old or lying one moves nothing.
//! Left out: what is about downloads, caches of the client and delegations, of which there are none here.

#[path = "common/bank.rs"]
mod bank;

use bank::*;
use guida::pack::keys::{SecretKey, SignedRole, SoftwareVerifier};
use guida::pack::trust::TrustedRoot;
use guida::pack::verify::{Checked, check_beacon};
use serde_json::{Value, json};

/// A root whose roles are all signed by person 0, but for the one under test.
fn root_for(version: u64, role: &str, keys: &[SecretKey], least: u32) -> guida::pack::manifest::Root {
    let one = people([0]);
    let of = |name: &'static str| -> (&'static str, &[SecretKey], u32) {
        if name == role { (name, keys, least) } else { (name, &one, 1) }
    };
    let [a, b, c] = ["root", "publish", "beacon"].map(of);
    bank::root(
        version,
        [(a.0, a.1, &[("ed25519", a.2)]), (b.0, b.1, &[("ed25519", b.2)]), (c.0, c.1, &[("ed25519", c.2)])],
    )
}

fn trust(root: &guida::pack::manifest::Root) -> TrustedRoot {
    first(&sign(SignedRole::Root, root, &people([0, 1, 2, 3, 4]))).unwrap()
}

// test_basic.py

#[test]
fn basic_init_and_refresh() {
    let (root, mut branch) = (plain_trust(), Branch::default());
    let signed = pack(&manifest(1, 1));
    assert!(matches!(branch.check(&root, &signed), Ok(Checked::New(_))));
    let verified = branch.take(&root, &signed).unwrap();
    assert_eq!((verified.serial().epoch, verified.serial().seq), (1, 1));
    assert_eq!(verified.bytes(), signed.bytes);
    assert_eq!(verified.signatures(), signed.signatures);
    assert_eq!(verified.sha256(), guida::pack::hex::sha256(&signed.bytes));
    assert_eq!(verified.gid(), format!("1-1-{}", &verified.sha256()[..12]));
    assert_eq!(verified.issued_at().to_string(), "2026-07-02T08:00:00Z");
    // Refreshing again finds nothing new.
    assert!(matches!(branch.check(&root, &signed), Ok(Checked::Already(_))));
}

#[test]
fn timestamp_content_changes() {
    let (root, mut branch) = (plain_trust(), Branch::default());
    branch.take(&root, &pack(&manifest(1, 4))).unwrap();
    let mut other = manifest(1, 4);
    other.changelog.push("另一个".to_owned());
    assert_eq!(code(branch.check(&root, &pack(&other))), "PACK_EQUIVOCATION");
}

#[test]
fn timestamp_eq_versions_check() {
    // The same words in other bytes are another manifest, too: whoever signs twice under one number has a reason.
    let (root, mut branch) = (plain_trust(), Branch::default());
    branch.take(&root, &pack(&manifest(1, 4))).unwrap();
    let spaced = serde_json::to_vec(&manifest(1, 4)).unwrap();
    let spaced = sign_bytes(SignedRole::Publish, spaced, &publishers());
    assert_eq!(code(branch.check(&root, &spaced)), "PACK_EQUIVOCATION");
}

#[test]
fn new_targets_hash_mismatch() {
    let (root, branch) = (plain_trust(), Branch::default());
    let mut signed = pack(&manifest(1, 1));
    signed.bytes = pack(&manifest(1, 2)).bytes;
    assert_eq!(code(branch.check(&root, &signed)), "PACK_SIG");
}

#[test]
fn invalid_initial_root() {
    let mut without_version = serde_json::to_value(plain_root(1)).unwrap();
    without_version.as_object_mut().unwrap().remove("version");
    assert_eq!(code(first(&sign(SignedRole::Root, &without_version, &founders()))), "PACK_PARSE");
}

#[test]
fn unsigned_initial_root() {
    let mut signed = sign(SignedRole::Root, &plain_root(1), &founders());
    let elsewhere = sign(SignedRole::Root, &plain_root(2), &founders());
    signed.signatures = elsewhere.signatures;
    assert_eq!(code(first(&signed)), "PACK_SIG");
    signed.signatures = b"{\"signatures\":[]}".to_vec();
    assert_eq!(code(first(&signed)), "PACK_THRESHOLD");
}

#[test]
fn custom_fields() {
    let trusted = plain_trust();
    let mut later = serde_json::to_value(plain_root(2)).unwrap();
    later["custom-field"] = json!("value");
    let keyid = later["roles"]["root"]["keyids"][0].as_str().unwrap().to_owned();
    later["keys"][&keyid]["extra-field"] = json!({"a": 1, "b": [2, null]});
    later["roles"]["root"]["another-field"] = json!("value");
    let later = next(&trusted, &sign(SignedRole::Root, &later, &founders())).unwrap();
    assert_eq!(later.root().version, 2);
    let mut pack = serde_json::to_value(manifest(1, 1)).unwrap();
    pack["custom-field"] = json!(1.5);
    pack["files"][0]["raw"]["blake3"] = json!("00");
    let pack = sign(SignedRole::Publish, &pack, &publishers());
    assert!(Branch::default().check(&later, &pack).is_ok());
}

// test_expiration.py: nothing expires here. Refusing a newer pack because it is stale would leave older knowledge in use, and a box
// without network has no clock that anybody vouches for.

#[test]
fn root_expired() {
    let mut old = plain_root(2);
    old.issued_at = "1990-01-01T00:00:00Z".to_owned();
    let root = next(&plain_trust(), &sign(SignedRole::Root, &old, &founders())).unwrap();
    assert!(Branch::default().check(&root, &pack(&manifest(1, 1))).is_ok());
}

#[test]
fn snapshot_expired() {
    let (root, mut branch) = (plain_trust(), Branch::default());
    let mut stale = manifest(1, 1);
    stale.stale_after = Some("1990-01-01T00:00:00Z".to_owned());
    let verified = branch.take(&root, &pack(&stale)).unwrap();
    assert_eq!(verified.manifest().stale_after.as_deref(), Some("1990-01-01T00:00:00Z"));
}

#[test]
fn expired_metadata() {
    // A box whose knowledge is stale takes a newer pack.
    let (root, mut branch) = (plain_trust(), Branch::default());
    let mut stale = manifest(1, 1);
    stale.stale_after = Some("1990-01-01T00:00:00Z".to_owned());
    branch.take(&root, &pack(&stale)).unwrap();
    assert_eq!(branch.take(&root, &pack(&manifest(1, 2))).unwrap().serial().seq, 2);
}

#[test]
fn timestamp_expired() {
    let mut old = beacon(1, 1);
    old.issued_at = "1990-01-01T00:00:00Z".to_owned();
    let signed = sign(SignedRole::Beacon, &old, &people([21]));
    let verified = check_beacon(&plain_trust(), &signed.bytes, &signed.signatures, &SoftwareVerifier).unwrap();
    assert_eq!(verified.issued_at().to_string(), "1990-01-01T00:00:00Z");
}

// test_rollback.py

#[test]
fn simple_snapshot_rollback() {
    let (root, mut branch) = (plain_trust(), Branch::default());
    let older = pack(&manifest(1, 1));
    branch.take(&root, &older).unwrap();
    branch.take(&root, &pack(&manifest(1, 2))).unwrap();
    assert_eq!(code(branch.check(&root, &older)), "PACK_ROLLBACK");
}

#[test]
fn new_timestamp_version_rollback() {
    // An older beacon is a true word of its time; what it names stays refused.
    let (root, mut branch) = (plain_trust(), Branch::default());
    branch.take(&root, &pack(&manifest(1, 2))).unwrap();
    let signed = sign(SignedRole::Beacon, &beacon(1, 1), &people([20]));
    assert!(check_beacon(&root, &signed.bytes, &signed.signatures, &SoftwareVerifier).is_ok());
    assert_eq!(code(branch.check(&root, &pack(&manifest(1, 1)))), "PACK_ROLLBACK");
}

#[test]
fn snapshot_rollback() {
    // Also when the older number is signed anew, with later dates, and under a later root.
    let (root, mut branch) = (plain_trust(), Branch::default());
    branch.take(&root, &pack(&manifest(1, 2))).unwrap();
    let mut anew = manifest(1, 1);
    anew.issued_at = "2027-01-01T00:00:00Z".to_owned();
    let later = next(&root, &sign(SignedRole::Root, &plain_root(2), &founders())).unwrap();
    assert_eq!(code(branch.check(&later, &pack(&anew))), "PACK_ROLLBACK");
}

#[test]
fn targets_rollback() {
    let (root, mut branch) = (plain_trust(), Branch::default());
    for seq in [3, 7] {
        branch.take(&root, &pack(&manifest(1, seq))).unwrap();
    }
    for seq in 1..7 {
        assert_eq!(code(branch.check(&root, &pack(&manifest(1, seq)))), "PACK_ROLLBACK", "{seq}");
    }
}

/// A thief of publishing keys used a number that nothing comes after; the holders of the root keys open a new epoch.
fn recovers_from(seq: u64, replaced: &str) {
    let (root, mut branch) = (plain_trust(), Branch::default());
    branch.take(&root, &pack(&manifest(1, seq))).unwrap();
    assert_ne!(code(branch.check(&root, &pack(&manifest(1, 1)))), "OK");
    let mut later = plain_root(2);
    later.epoch = 2;
    let fresh = people([30, 31]);
    let gone = later.roles.insert(replaced.to_owned(), policy(&fresh, &[("ed25519", 1)])).unwrap();
    later.keys.extend(fresh.iter().map(|key| (key.public().id(), key.public().to_root_key("new"))));
    later.revoked = gone.keyids;
    let later = next(&root, &sign(SignedRole::Root, &later, &founders())).unwrap();
    // The thief's pack counts no more, whatever its number.
    let thief = code(branch.check(&later, &pack(&manifest(1, u64::MAX))));
    assert_eq!(thief, if replaced == "publish" { "PACK_SIG" } else { "PACK_ROLLBACK" });
    let honest = if replaced == "publish" { fresh } else { publishers() };
    let recovered = sign(SignedRole::Publish, &manifest(2, 1), &honest);
    assert_eq!(branch.take(&later, &recovered).unwrap().serial().epoch, 2);
}

#[test]
fn new_targets_fast_forward_recovery() {
    recovers_from(100, "publish");
}

#[test]
fn new_snapshot_fast_forward_recovery() {
    recovers_from(1 << 63, "publish");
    recovers_from(u64::MAX, "publish");
}

#[test]
fn new_timestamp_fast_forward_recovery() {
    recovers_from(u64::MAX, "beacon");
}

#[test]
fn an_epoch_is_opened_by_root_keys_only() {
    // Not a case there: epochs are ours. Could publishers open one, a thief would open the last.
    let branch = Branch::default();
    assert_eq!(code(branch.check(&plain_trust(), &pack(&manifest(2, 1)))), "PACK_ROOTGAP");
    assert_eq!(code(branch.check(&plain_trust(), &pack(&manifest(u64::MAX, 1)))), "PACK_ROOTGAP");
}

// test_keys.py

#[test]
fn root_has_keys_but_not_snapshot() {
    // Keys that the root lists but the role does not name count for nothing.
    let mut root = root_for(1, "publish", &people([1, 2, 3, 4]), 3);
    root.keys.extend(people([5, 6]).iter().map(|key| (key.public().id(), key.public().to_root_key("x"))));
    let trusted = trust(&root);
    let by = |people: Vec<SecretKey>| {
        code(Branch::default().check(&trusted, &sign(SignedRole::Publish, &manifest(1, 1), &people)))
    };
    assert_eq!(by(people([1, 2, 5, 6])), "PACK_SIG");
    assert_eq!(by(people([1, 2])), "PACK_THRESHOLD");
    assert_eq!(by(people([1, 2, 3, 5])), "OK");
    // A policy that its keys cannot meet is none, and a role names only keys that the root lists.
    root.roles.get_mut("publish").unwrap().require.insert("ed25519".to_owned(), 5);
    assert_eq!(code(first(&sign(SignedRole::Root, &root, &people([0])))), "PACK_PARSE");
    root.roles.get_mut("publish").unwrap().keyids.push(person(7).public().id());
    assert_eq!(code(first(&sign(SignedRole::Root, &root, &people([0])))), "PACK_PARSE");
}

#[test]
fn wrong_hashing_algorithm() {
    let mut root: Value = serde_json::to_value(plain_root(1)).unwrap();
    let keyid = root["roles"]["publish"]["keyids"][0].as_str().unwrap().to_owned();
    root["keys"][&keyid]["keyid_hash_algorithms"] = json!(["md5"]);
    let trusted = first(&sign(SignedRole::Root, &root, &founders())).unwrap();
    assert!(Branch::default().check(&trusted, &pack(&manifest(1, 1))).is_ok());
}

#[test]
fn snapshot_threshold() {
    let root = root_for(1, "publish", &people([1, 2, 3, 4, 5]), 6);
    assert_eq!(code(first(&sign(SignedRole::Root, &root, &people([0])))), "PACK_PARSE");
    let trusted = trust(&root_for(1, "publish", &people([1, 2, 3, 4, 5]), 5));
    let four = sign(SignedRole::Publish, &manifest(1, 1), &people([1, 2, 3, 4]));
    let (refused, words) = refusal(Branch::default().check(&trusted, &four));
    assert_eq!(refused.as_str(), "PACK_THRESHOLD");
    assert!(words.contains("ed25519 要 5 个,只有 4 个"), "{words}");
}

#[test]
fn duplicate_keys_root() {
    // One key under ten ids: an id that is not the key's own is no id.
    let mut root = root_for(1, "publish", &people([1]), 1);
    let key = person(1).public().to_root_key("again");
    for other in 1..10 {
        root.keys.insert(digest(other), key.clone());
        root.roles.get_mut("publish").unwrap().keyids.push(digest(other));
    }
    assert_eq!(code(first(&sign(SignedRole::Root, &root, &people([0])))), "PACK_PARSE");
    // One id ten times.
    let id = person(1).public().id();
    let mut root = root_for(1, "publish", &people([1]), 1);
    root.roles.get_mut("publish").unwrap().keyids = vec![id; 10];
    assert_eq!(code(first(&sign(SignedRole::Root, &root, &people([0])))), "PACK_PARSE");
    // One person signing ten times.
    let trusted = trust(&root_for(1, "publish", &people([1, 2]), 2));
    let again = sign(SignedRole::Publish, &manifest(1, 1), &[1; 10].map(person));
    assert_eq!(code(Branch::default().check(&trusted, &again)), "PACK_THRESHOLD");
}

// test_quoting_issues.py

#[test]
fn unusual_role_name() {
    for unusual in ["?", "#", "/delegatedrole", "../delegatedrole"] {
        for role in [unusual.to_owned(), format!("model/{unusual}")] {
            let mut odd = manifest(1, 1);
            let mut file = odd.files[0].clone();
            file.role = role.clone();
            odd.files.push(file);
            let expected = if unusual.contains('/') { "PACK_UNSAFE" } else { "PACK_PARSE" };
            assert_eq!(code(Branch::default().check(&plain_trust(), &pack(&odd))), expected, "{role}");
        }
    }
}

// test_updater_key_rotations.py

/// Keys that a root names, how many must sign, who signs, and what comes of it.
type Version<'a> = (&'a [u8], u32, &'a [u8], &'a str);

fn all(numbers: &[u8]) -> Vec<SecretKey> {
    numbers.iter().copied().map(person).collect()
}

#[test]
fn root_rotation() {
    let five: &[u8] = &[0, 1, 2, 3, 4];
    let one_rotated: &[u8] = &[0, 1, 3, 4, 5];
    let all_rotated: &[u8] = &[5, 6, 7, 8, 9];
    let cases: &[(&str, &[Version])] = &[
        ("1-of-1-key-rotation", &[(&[1], 1, &[1], "OK"), (&[2], 1, &[2, 1], "OK"), (&[2], 1, &[2], "OK")]),
        (
            "1-of-1-key-rotation-unused-signatures",
            &[(&[1], 1, &[3, 1, 4], "OK"), (&[2], 1, &[3, 2, 1, 4], "OK"), (&[2], 1, &[3, 2, 4], "OK")],
        ),
        (
            "3-of-5-sign-with-different-keycombos",
            &[
                (five, 3, &[0, 2, 4], "OK"),
                (five, 3, &[0, 4, 1], "OK"),
                (five, 3, &[0, 1, 3], "OK"),
                (five, 3, &[0, 1, 3], "OK"),
            ],
        ),
        ("3-of-5-one-key-rotated", &[(five, 3, &[0, 2, 4], "OK"), (one_rotated, 3, &[0, 4, 1], "OK")]),
        (
            "3-of-5-one-key-rotated-with-intermediate-step",
            &[(five, 3, &[0, 2, 4], "OK"), (one_rotated, 3, &[0, 2, 4, 5], "OK"), (one_rotated, 3, &[0, 4, 5], "OK")],
        ),
        (
            "3-of-5-all-keys-rotated-with-intermediate-step",
            &[
                (five, 3, &[0, 2, 4], "OK"),
                (all_rotated, 3, &[0, 2, 4, 5, 6, 7], "OK"),
                (all_rotated, 3, &[5, 6, 7], "OK"),
            ],
        ),
        ("1-of-3-threshold-increase-to-2-of-3", &[(&[1, 2, 3], 1, &[1], "OK"), (&[1, 2, 3], 2, &[1, 2], "OK")]),
        (
            "2-of-3-threshold-decrease-to-1-of-3",
            &[(&[1, 2, 3], 2, &[1, 2], "OK"), (&[1, 2, 3], 1, &[1, 2], "OK"), (&[1, 2, 3], 1, &[1], "OK")],
        ),
        ("1-of-2-threshold-increase-to-2-of-2", &[(&[1], 1, &[1], "OK"), (&[1, 2], 2, &[1, 2], "OK")]),
        (
            "1-of-1-key-rotation-fail-not-signed-with-old-key",
            &[(&[1], 1, &[1], "OK"), (&[2], 1, &[2, 3, 4], "PACK_SIG")],
        ),
        (
            "1-of-1-key-rotation-fail-not-signed-with-new-key",
            &[(&[1], 1, &[1], "OK"), (&[2], 1, &[1, 3, 4], "PACK_SIG")],
        ),
        (
            "3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys",
            &[(five, 3, &[0, 2, 4], "OK"), (one_rotated, 3, &[0, 2, 4], "PACK_SIG")],
        ),
        (
            "3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys",
            &[(five, 3, &[0, 2, 4], "OK"), (one_rotated, 3, &[0, 4, 5], "PACK_SIG")],
        ),
        (
            "1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached",
            &[(&[1, 2, 3], 1, &[1], "OK"), (&[1, 2, 3], 2, &[2], "PACK_THRESHOLD")],
        ),
        (
            "2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-eached",
            &[(&[1, 2, 3], 2, &[1, 2], "OK"), (&[1, 2, 3], 1, &[1], "PACK_THRESHOLD")],
        ),
    ];
    for (name, versions) in cases {
        let mut trusted: Option<TrustedRoot> = None;
        for (version, (keys, least, signers, expected)) in (1..).zip(*versions) {
            let root = root_for(version, "root", &all(keys), *least);
            let signed = sign(SignedRole::Root, &root, &all(signers));
            let result = trusted.as_ref().map_or_else(|| first(&signed), |trusted| next(trusted, &signed));
            assert_eq!(code(result.as_ref()), *expected, "{name}, version {version}");
            trusted = result.ok().or(trusted);
        }
        let (_, _, _, last) = versions.last().unwrap();
        let length = versions.len() as u64 - u64::from(*last != "OK");
        assert_eq!(trusted.unwrap().root().version, length, "{name}");
    }
}

#[test]
fn non_root_rotations() {
    let five: &[u8] = &[0, 1, 2, 3, 4];
    let cases: &[(&str, Version)] = &[
        ("1-of-1-key-rotation", (&[2], 1, &[2], "OK")),
        ("1-of-1-key-rotation-unused-signatures", (&[1], 1, &[3, 1, 4], "OK")),
        ("1-of-1-key-rotation-fail-not-signed-with-new-key", (&[2], 1, &[1, 3, 4], "PACK_SIG")),
        (
            "3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys",
            (&[0, 1, 3, 4, 5], 3, &[0, 2, 4], "PACK_SIG"),
        ),
        ("2-of-5-one-key-signature-mising-threshold-not-reached", (&[0, 1, 3, 4, 5], 3, &[0, 4], "PACK_THRESHOLD")),
        ("3-of-5-sign-first-combo", (five, 3, &[0, 2, 4], "OK")),
        ("3-of-5-sign-second-combo", (five, 3, &[0, 4, 1], "OK")),
        ("3-of-5-sign-third-combo", (five, 3, &[0, 1, 3], "OK")),
        ("3-of-5-sign-fourth-combo", (five, 3, &[1, 2, 3], "OK")),
        ("3-of-5-sign-fifth-combo", (five, 3, &[2, 3, 4], "OK")),
    ];
    let before = trust(&root_for(1, "none", &[], 1));
    for (name, (keys, least, signers, expected)) in cases {
        for role in ["publish", "beacon"] {
            let rotated = root_for(2, role, &all(keys), *least);
            let root = next(&before, &sign(SignedRole::Root, &rotated, &people([0]))).unwrap();
            let result = if role == "publish" {
                let signed = sign(SignedRole::Publish, &manifest(1, 1), &all(signers));
                code(Branch::default().check(&root, &signed))
            } else {
                let signed = sign(SignedRole::Beacon, &beacon(1, 1), &all(signers));
                code(check_beacon(&root, &signed.bytes, &signed.signatures, &SoftwareVerifier))
            };
            assert_eq!(result, *expected, "{name}: {role}");
        }
    }
}
