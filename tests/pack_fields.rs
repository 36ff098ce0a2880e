//! What a box makes of a manifest, beacon or root: whose it is, in which order it looks, and which sizes it takes.

#[path = "common/bank.rs"]
mod bank;

use bank::*;
use guida::error::Code;
use guida::pack::keys::{Alg, SecretKey, SignedRole, SoftwareVerifier};
use guida::pack::limits::{
    MAX_FILES, MAX_GOLDEN, MAX_MODELS, MAX_PARTS_BYTES, MAX_PIECE_BYTES, MAX_PIECES, MAX_RAW_BYTES, MAX_SOURCES,
};
use guida::pack::manifest::{
    MAX_BEACON_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES, MAX_SIGNATURES_BYTES, Manifest, PackSource, Parts, Piece,
    RootKey, Serial,
};
use guida::pack::signature::MAX_SIGNATURES;
use guida::pack::verify::{Checked, check_beacon, spoken_code};
use serde_json::{Value, json};

/// What becomes of the sound manifest after a change.
fn changed(change: impl FnOnce(&mut Manifest)) -> &'static str {
    let mut manifest = manifest(1, 1);
    change(&mut manifest);
    code(Branch::default().check(&plain_trust(), &pack(&manifest)))
}

/// The same, for changes that the type does not allow.
fn rewritten(change: impl FnOnce(&mut Value)) -> (Code, String) {
    let mut manifest = serde_json::to_value(manifest(1, 1)).unwrap();
    change(&mut manifest);
    refusal(Branch::default().check(&plain_trust(), &sign(SignedRole::Publish, &manifest, &publishers())))
}

#[test]
fn a_flip_of_any_byte_is_a_wrong_signature() {
    let (root, branch) = (plain_trust(), Branch::default());
    let sound = pack(&manifest(1, 1));
    assert_eq!(code(branch.check(&root, &sound)), "OK");
    for at in 0..sound.bytes.len() {
        for mask in [0x01, 0x20, 0x80, 0xff] {
            let mut flipped = sound.clone();
            flipped.bytes[at] ^= mask;
            assert_eq!(code(branch.check(&root, &flipped)), "PACK_SIG", "byte {at} ^ {mask:#x}");
        }
    }
    for length in 0..sound.bytes.len() {
        let cut = Signed { bytes: sound.bytes[..length].to_vec(), ..sound.clone() };
        assert_eq!(code(branch.check(&root, &cut)), "PACK_SIG", "cut to {length}");
    }
}

#[test]
fn a_flip_in_the_signatures_lets_nothing_else_through() {
    let (root, branch) = (plain_trust(), Branch::default());
    let sound = pack(&manifest(1, 1));
    for at in 0..sound.signatures.len() {
        let mut flipped = sound.clone();
        flipped.signatures[at] ^= 0x01;
        let refused = code(branch.check(&root, &flipped));
        // Blank space may change and nothing is said by it; a broken name leaves no list.
        let blank = sound.signatures[at].is_ascii_whitespace();
        assert!(
            ["PACK_SIG", "PACK_PARSE", "PACK_THRESHOLD"].contains(&refused) || blank && refused == "OK",
            "{at}: {refused}"
        );
    }
}

#[test]
fn the_first_fault_in_order_is_told() {
    let root = plain_root(3);
    let trusted = first(&sign(
        SignedRole::Root,
        &{
            let mut root = root;
            root.epoch = 2;
            root
        },
        &founders(),
    ))
    .unwrap();
    let branch = Branch::that_saw(2, 8, &digest(0));
    let mut wrong = serde_json::to_value(manifest(1, 7)).unwrap();
    wrong["fmt"] = json!("guida-pack/2");
    wrong["bank_id"] = json!("别家银行");
    wrong["audience"] = json!(["22*"]);
    wrong["channel"] = json!("pilot");
    wrong["root_ver_min"] = json!(4);
    wrong["app_min"] = json!("0.2.0");
    wrong["schema_version"] = json!(6);
    wrong["issued_at"] = json!("gestern");
    type Mend = (&'static str, &'static str, Value);
    let mends: [Mend; 11] = [
        ("PACK_UNSUPPORTED", "fmt", json!("guida-pack/1")),
        ("PACK_AUDIENCE", "bank_id", json!("示例银行")),
        ("PACK_AUDIENCE", "audience", json!(["*"])),
        ("PACK_AUDIENCE", "channel", json!("stable")),
        ("PACK_ROLLBACK", "epoch", json!(2)),
        ("PACK_ROOTGAP", "root_ver_min", json!(3)),
        ("PACK_UNSUPPORTED", "app_min", json!("0.1.0")),
        ("PACK_UNSUPPORTED", "schema_version", json!(5)),
        ("PACK_ROLLBACK", "seq", json!(8)),
        ("PACK_EQUIVOCATION", "seq", json!(9)),
        ("PACK_PARSE", "issued_at", json!("2026-07-02T08:00:00Z")),
    ];
    for (expected, field, mended) in mends {
        let signed = sign(SignedRole::Publish, &wrong, &publishers());
        assert_eq!(code(branch.check(&trusted, &signed)), expected, "before mending {field}");
        wrong[field] = mended;
    }
    assert_eq!(code(branch.check(&trusted, &sign(SignedRole::Publish, &wrong, &publishers()))), "OK");
    // All that comes after the signatures.
    assert_eq!(
        code(branch.check(&trusted, &sign_bytes(SignedRole::Publish, b"{".to_vec(), &publishers()))),
        "PACK_PARSE"
    );
    assert_eq!(
        code(branch.check(&trusted, &sign_bytes(SignedRole::Publish, b"{".to_vec(), &people([10])))),
        "PACK_THRESHOLD"
    );
    assert_eq!(code(branch.check(&trusted, &sign_bytes(SignedRole::Root, b"{".to_vec(), &publishers()))), "PACK_SIG");
}

#[test]
fn branches_are_named_or_matched_by_their_beginning() {
    let taken = |audience: &[&str]| changed(|m| m.audience = audience.iter().map(|a| (*a).to_owned()).collect());
    for audience in [&["*"][..], &["1101"], &["11*"], &["1101*"], &["2*", "1*"]] {
        assert_eq!(taken(audience), "OK", "{audience:?}");
    }
    for audience in [&[][..], &[""], &["110"], &["11011"], &["11011*"], &["*01"], &["1*1"], &["2*"], &["11 *"]] {
        assert_eq!(taken(audience), "PACK_AUDIENCE", "{audience:?}");
    }
}

#[test]
fn the_version_that_is_needed_is_named() {
    let (code, words) = rewritten(|m| m["fmt"] = json!("guida-pack/9"));
    assert_eq!(code, Code::PackUnsupported);
    assert!(words.contains("guida-pack/9") && words.contains("0.1.0"), "{words}");
    // Another format may say it otherwise.
    let (code, _) = rewritten(|m| {
        m["fmt"] = json!("guida-pack/9");
        m["app_min"] = json!({"major": 3});
        m["files"] = json!(7);
    });
    assert_eq!(code, Code::PackUnsupported);
    let (code, words) = rewritten(|m| m["app_min"] = json!("0.10.0"));
    assert!(code == Code::PackUnsupported && words.contains("0.10.0") && words.contains("本机是 0.1.0"), "{words}");
    let (code, words) = rewritten(|m| m["schema_sha256"] = json!(digest(0)));
    assert!(code == Code::PackUnsupported && words.contains("0.1.0"), "{words}");
    assert_eq!(changed(|m| m.app_max = Some("0.1.0".to_owned())), "OK");
    assert_eq!(changed(|m| m.app_max = Some("0.0.9".to_owned())), "PACK_UNSUPPORTED");
    assert_eq!(changed(|m| m.app_min = "0.0.0".to_owned()), "OK");
    for wrong in ["", "0.1", "0.1.0.0", "0.1.x", "+0.1.0", "0.1.99999999999999999999", "0..1", "0.1.0 "] {
        assert_eq!(changed(|m| m.app_min = wrong.to_owned()), "PACK_PARSE", "{wrong}");
    }
}

#[test]
fn an_unknown_field_is_passed_over_and_a_missing_one_is_not() {
    let sound = serde_json::to_value(manifest(1, 1)).unwrap();
    let optional = ["stale_after", "app_max", "models", "golden", "changelog"];
    for field in sound.as_object().unwrap().keys() {
        let mut without = sound.clone();
        without.as_object_mut().unwrap().remove(field);
        let signed = sign(SignedRole::Publish, &without, &publishers());
        let expected = if optional.contains(&field.as_str()) { "OK" } else { "PACK_PARSE" };
        assert_eq!(code(Branch::default().check(&plain_trust(), &signed)), expected, "{field}");
    }
}

#[test]
fn numbers_of_packs_end_where_64_bits_end() {
    for number in ["18446744073709551616", "-1", "1.0", "1e3", "null", "\"7\""] {
        let text = serde_json::to_string(&manifest(1, 12345)).unwrap().replace("12345", number);
        let signed = sign_bytes(SignedRole::Publish, text.into_bytes(), &publishers());
        assert_eq!(code(Branch::default().check(&plain_trust(), &signed)), "PACK_PARSE", "{number}");
    }
    assert_eq!(changed(|m| m.seq = u64::MAX), "OK");
    assert_eq!(changed(|m| m.seq = 0), "PACK_PARSE");
    assert_eq!(changed(|m| m.min_seq = 2), "PACK_PARSE");
}

fn full(manifest: &mut Manifest) -> (&mut u32, &mut Parts) {
    match &mut manifest.files[0].sources[0] {
        PackSource::Full { window_log, parts } => (window_log, parts),
        PackSource::Zpatch { .. } => panic!("the first source is full"),
    }
}

#[test]
fn sizes_have_limits() {
    let repeat = |sound: &str, count: usize| vec![sound.to_owned(); count];
    assert_eq!(changed(|m| m.files = vec![m.files[0].clone(); MAX_FILES + 1]), "PACK_LIMIT");
    assert_eq!(changed(|m| m.golden = vec![m.golden[0].clone(); MAX_GOLDEN]), "OK");
    assert_eq!(changed(|m| m.golden = vec![m.golden[0].clone(); MAX_GOLDEN + 1]), "PACK_LIMIT");
    assert_eq!(changed(|m| m.models = vec![m.models[0].clone(); MAX_MODELS + 1]), "PACK_LIMIT");
    assert_eq!(changed(|m| m.files[0].sources = vec![m.files[0].sources[1].clone(); MAX_SOURCES]), "OK");
    assert_eq!(changed(|m| m.files[0].sources = vec![m.files[0].sources[1].clone(); MAX_SOURCES + 1]), "PACK_LIMIT");
    assert_eq!(changed(|m| m.files[0].raw.size = MAX_RAW_BYTES), "OK");
    assert_eq!(changed(|m| m.files[0].raw.size = MAX_RAW_BYTES + 1), "PACK_LIMIT");
    let pieces = |count: usize, size: u64| vec![Piece { size, sha256: digest(1) }; count];
    let cut = |count: usize, size: u64, sum: u64| {
        changed(|m| {
            let (_, parts) = full(m);
            (parts.pieces, parts.size) = (pieces(count, size), sum);
        })
    };
    assert_eq!(cut(MAX_PIECES, 1, MAX_PIECES as u64), "OK");
    assert_eq!(cut(MAX_PIECES + 1, 1, MAX_PIECES as u64 + 1), "PACK_LIMIT");
    assert_eq!(cut(65, MAX_PIECE_BYTES, MAX_PARTS_BYTES), "OK");
    assert_eq!(cut(66, MAX_PIECE_BYTES, MAX_PARTS_BYTES + MAX_PIECE_BYTES), "PACK_LIMIT");
    assert_eq!(cut(1, MAX_PIECE_BYTES + 1, MAX_PIECE_BYTES + 1), "PACK_PARSE");
    assert_eq!(cut(2, u64::MAX, u64::MAX - 1), "PACK_LIMIT");
    assert_eq!(cut(2, 5, 11), "PACK_PARSE");
    assert_eq!(cut(2, 0, 0), "PACK_PARSE");
    assert_eq!(cut(0, 0, 0), "PACK_PARSE");
    // 4096 bytes: a window of 2^13 is twice as much, 2^14 is for nothing.
    assert_eq!(changed(|m| *full(m).0 = 14), "PACK_LIMIT");
    assert_eq!(changed(|m| *full(m).0 = u32::MAX), "PACK_LIMIT");
    assert_eq!(changed(|m| m.changelog = repeat("行", 100_000)), "OK");
    assert_eq!(changed(|m| m.changelog = repeat("", 200_000)), "PACK_PARSE");
}

#[test]
fn what_cannot_be_is_refused() {
    let short = digest(1)[1..].to_owned();
    let shouted = digest(1).to_uppercase();
    for wrong in [String::new(), short, shouted, "g".repeat(64)] {
        assert_eq!(changed(|m| m.files[0].raw.sha256 = wrong.clone()), "PACK_PARSE", "{wrong}");
        assert_eq!(changed(|m| m.files[0].raw.sm3 = wrong.clone()), "PACK_PARSE", "{wrong}");
        assert_eq!(changed(|m| full(m).1.sha256 = wrong.clone()), "PACK_PARSE", "{wrong}");
        assert_eq!(changed(|m| full(m).1.pieces[1].sha256 = wrong.clone()), "PACK_PARSE", "{wrong}");
        assert_eq!(changed(|m| m.models[0].sha256 = wrong.clone()), "PACK_PARSE", "{wrong}");
        let (code, _) = rewritten(|m| m["files"][0]["sources"][1]["base_sha256"] = json!(wrong));
        assert_eq!(code, Code::PackParse, "{wrong}");
    }
    assert_eq!(changed(|m| m.files.push(m.files[0].clone())), "PACK_PARSE");
    assert_eq!(changed(|m| m.files.clear()), "PACK_PARSE");
    assert_eq!(changed(|m| m.files[0].role = "model/x".to_owned()), "PACK_PARSE");
    assert_eq!(changed(|m| m.files[0].sources.clear()), "PACK_PARSE");
    assert_eq!(changed(|m| m.models[0].dim = 0), "PACK_PARSE");
    assert_eq!(changed(|m| m.golden[0].within = Some(0)), "PACK_PARSE");
    assert_eq!(changed(|m| m.issued_at = "2026-07-02".to_owned()), "PACK_PARSE");
    assert_eq!(changed(|m| m.stale_after = Some("bald".to_owned())), "PACK_PARSE");
    // Two models whose names are one file on some disks.
    let twins = |m: &mut Manifest| {
        for role in ["model/a.gguf", "model/A.gguf"] {
            let mut file = m.files[0].clone();
            file.role = role.to_owned();
            m.files.push(file);
        }
    };
    assert_eq!(changed(twins), "PACK_PARSE");
    let (code, _) = rewritten(|m| m["files"][0]["sources"][0]["kind"] = json!("bsdiff"));
    assert_eq!(code, Code::PackParse);
}

#[test]
fn a_key_that_stands_twice_is_refused_whatever_its_case() {
    for field in ["\"seq\": 1", "\"SEQ\": 1", "\"Audience\": []", "\"x\": {\"a\": 1, \"A\": 2}"] {
        let mut bytes = pack(&manifest(1, 1)).bytes;
        bytes.splice(1..1, format!("{field},").into_bytes());
        let signed = sign_bytes(SignedRole::Publish, bytes, &publishers());
        assert_eq!(code(Branch::default().check(&plain_trust(), &signed)), "PACK_PARSE", "{field}");
    }
}

#[test]
fn files_have_a_largest_size() {
    let (trusted, branch) = (plain_trust(), Branch::default());
    let fill = |bytes: Vec<u8>, size: u64| [bytes, vec![b' '; size as usize]].concat();
    let long = sign_bytes(SignedRole::Publish, fill(Vec::new(), MAX_MANIFEST_BYTES + 1), &publishers());
    assert_eq!(code(branch.check(&trusted, &long)), "PACK_LIMIT");
    let mut long = pack(&manifest(1, 1));
    long.signatures = fill(long.signatures, MAX_SIGNATURES_BYTES);
    assert_eq!(code(branch.check(&trusted, &long)), "PACK_LIMIT");
    let mut many = pack(&manifest(1, 1));
    let entry = json!({"keyid": "", "sig": ""});
    let filled = |count: usize| serde_json::to_vec(&json!({"signatures": vec![entry.clone(); count]})).unwrap();
    many.signatures = filled(MAX_SIGNATURES);
    assert_eq!(code(branch.check(&trusted, &many)), "PACK_SIG");
    many.signatures = filled(MAX_SIGNATURES + 1);
    assert_eq!(code(branch.check(&trusted, &many)), "PACK_LIMIT");
    let root = sign(SignedRole::Root, &plain_root(2), &founders());
    let root = sign_bytes(SignedRole::Root, fill(root.bytes, MAX_ROOT_BYTES), &founders());
    assert_eq!((code(first(&root)), code(next(&trusted, &root))), ("PACK_LIMIT", "PACK_LIMIT"));
    let beacon = fill(sign(SignedRole::Beacon, &beacon(1, 1), &[]).bytes, MAX_BEACON_BYTES);
    let beacon = sign_bytes(SignedRole::Beacon, beacon, &people([20]));
    assert_eq!(code(check_beacon(&trusted, &beacon.bytes, &beacon.signatures, &SoftwareVerifier)), "PACK_LIMIT");
}

#[test]
fn roots_follow_each_other_in_one_bank() {
    let trusted = plain_trust();
    let after = |change: &dyn Fn(&mut guida::pack::manifest::Root)| {
        let mut root = plain_root(2);
        change(&mut root);
        code(next(&trusted, &sign(SignedRole::Root, &root, &founders())))
    };
    assert_eq!(after(&|_| ()), "OK");
    for version in [0, 1, 3, u64::MAX] {
        let expected = if version == 0 { "PACK_PARSE" } else { "PACK_ROOTGAP" };
        assert_eq!(after(&|root| root.version = version), expected, "{version}");
    }
    assert_eq!(after(&|root| root.bank_id = "别家银行".to_owned()), "PACK_AUDIENCE");
    assert_eq!(after(&|root| root.epoch = 0), "PACK_PARSE");
    assert_eq!(after(&|root| root.epoch = 9), "OK");
    assert_eq!(after(&|root| root.fmt = "guida-root/2".to_owned()), "PACK_UNSUPPORTED");
    assert_eq!(after(&|root| root.issued_at = String::new()), "PACK_PARSE");
    for role in ["root", "publish", "beacon"] {
        assert_eq!(after(&|root| drop(root.roles.remove(role))), "PACK_PARSE", "{role}");
        assert_eq!(after(&|root| root.roles.get_mut(role).unwrap().require.clear()), "PACK_PARSE", "{role}");
        let zero = |root: &mut guida::pack::manifest::Root| {
            root.roles.get_mut(role).unwrap().require.insert("ed25519".to_owned(), 0);
        };
        assert_eq!(after(&zero), "PACK_PARSE", "{role}");
    }
    let mut later = plain_root(2);
    later.epoch = 5;
    let later = next(&trusted, &sign(SignedRole::Root, &later, &founders())).unwrap();
    assert_eq!(code(next(&later, &sign(SignedRole::Root, &plain_root(3), &founders()))), "PACK_ROLLBACK");
    // A person compares the fingerprint of the first root: that of its bytes.
    assert_eq!(trusted.fingerprint(), guida::pack::hex::sha256(trusted.bytes()));
    // A publisher's signature does not make a root, and the other way round.
    let swapped = sign(SignedRole::Publish, &plain_root(2), &founders());
    assert_eq!(code(next(&trusted, &swapped)), "PACK_SIG");
    let borrowed = sign(SignedRole::Root, &manifest(1, 1), &publishers());
    assert_eq!(code(Branch::default().check(&trusted, &borrowed)), "PACK_SIG");
}

#[test]
fn a_revoked_key_never_comes_back() {
    let trusted = plain_trust();
    let lost = person(11).public().id();
    let mut second = plain_root(2);
    second.revoked.push(lost.clone());
    assert_eq!(code(next(&trusted, &sign(SignedRole::Root, &second, &founders()))), "PACK_PARSE");
    second.roles.get_mut("publish").unwrap().keyids.retain(|id| *id != lost);
    let second = next(&trusted, &sign(SignedRole::Root, &second, &founders())).unwrap();
    let branch = Branch::default();
    assert_eq!(code(branch.check(&second, &pack(&manifest(1, 1)))), "PACK_SIG");
    let honest = sign(SignedRole::Publish, &manifest(1, 1), &people([10, 12]));
    assert_eq!(code(branch.check(&second, &honest)), "OK");
    // Not with a root that forgot, and not with the one after it.
    let mut third = plain_root(3);
    third.roles.get_mut("publish").unwrap().keyids.retain(|id| *id != lost);
    let third = next(&second, &sign(SignedRole::Root, &third, &founders())).unwrap();
    assert_eq!(code(next(&third, &sign(SignedRole::Root, &plain_root(4), &founders()))), "PACK_PARSE");
}

#[test]
fn an_algorithm_of_later_times_neither_counts_nor_harms() {
    let public = vec![7; 40];
    let id = guida::pack::keys::key_id("ml-dsa-44", &public);
    let mut root = plain_root(1);
    let key = RootKey { alg: "ml-dsa-44".to_owned(), public: guida::pack::hex::encode(&public), holder: String::new() };
    root.keys.insert(id.clone(), key);
    root.roles.get_mut("publish").unwrap().keyids.push(id.clone());
    let trusted = first(&sign(SignedRole::Root, &root, &founders())).unwrap();
    let branch = Branch::default();
    let mut signed = pack(&manifest(1, 1));
    let mut one = sign(SignedRole::Publish, &manifest(1, 1), &people([10]));
    for signed in [&mut signed, &mut one] {
        let mut signatures: Value = serde_json::from_slice(&signed.signatures).unwrap();
        signatures["signatures"].as_array_mut().unwrap().push(json!({"keyid": id, "sig": "00"}));
        signed.signatures = serde_json::to_vec(&signatures).unwrap();
    }
    assert_eq!(code(branch.check(&trusted, &signed)), "OK");
    assert_eq!(code(branch.check(&trusted, &one)), "PACK_THRESHOLD");
    root.roles.get_mut("publish").unwrap().require.insert("ml-dsa-44".to_owned(), 1);
    let (code, words) = refusal(first(&sign(SignedRole::Root, &root, &founders())));
    assert!(code == Code::PackUnsupported && words.contains("ml-dsa-44"), "{words}");
}

#[test]
fn beacons_are_checked_like_packs() {
    let trusted = plain_trust();
    let checked = |change: &dyn Fn(&mut guida::pack::manifest::Beacon), keys: &[SecretKey]| {
        let mut beacon = beacon(1, 42);
        change(&mut beacon);
        let signed = sign(SignedRole::Beacon, &beacon, keys);
        code(check_beacon(&trusted, &signed.bytes, &signed.signatures, &SoftwareVerifier))
    };
    let keeper = people([20]);
    assert_eq!(checked(&|_| (), &keeper), "OK");
    assert_eq!(checked(&|_| (), &[]), "PACK_THRESHOLD");
    assert_eq!(checked(&|_| (), &publishers()), "PACK_SIG");
    assert_eq!(checked(&|beacon| beacon.fmt = "guida-beacon/2".to_owned(), &keeper), "PACK_UNSUPPORTED");
    assert_eq!(checked(&|beacon| beacon.bank_id = "别家银行".to_owned(), &keeper), "PACK_AUDIENCE");
    assert_eq!(checked(&|beacon| beacon.manifest_sha256 = "00".to_owned(), &keeper), "PACK_PARSE");
    assert_eq!(checked(&|beacon| beacon.issued_at = "now".to_owned(), &keeper), "PACK_PARSE");
    assert_eq!(checked(&|beacon| beacon.seq = 0, &keeper), "PACK_PARSE");
}

#[test]
fn a_bank_can_ask_for_both_algorithms() {
    let both: Vec<SecretKey> = people([10, 11]).into_iter().chain([sm2_person(12)]).collect();
    let mut root = plain_root(1);
    root.roles.insert("publish".to_owned(), policy(&both, &[("ed25519", 2), ("sm2", 1)]));
    root.keys.extend(both.iter().map(|key| (key.public().id(), key.public().to_root_key("publish"))));
    let trusted = first(&sign(SignedRole::Root, &root, &founders())).unwrap();
    let signed_by =
        |keys: &[SecretKey]| code(Branch::default().check(&trusted, &sign(SignedRole::Publish, &manifest(1, 1), keys)));
    assert_eq!(signed_by(&both), "OK");
    assert_eq!(signed_by(&both[..2]), "PACK_THRESHOLD");
    assert_eq!(signed_by(&both[1..]), "PACK_THRESHOLD");
    assert_eq!(signed_by(&[person(10), person(11), sm2_person(13)]), "PACK_SIG");
    assert_eq!(both[2].alg(), Alg::Sm2);
}

#[test]
fn the_spoken_code_tells_packs_apart() {
    let sha256 = |n: u64| pack(&manifest(1, n)).bytes;
    let code = |n: u64| spoken_code(Serial { epoch: 1, seq: 42 }, &guida::pack::hex::sha256(&sha256(n)));
    assert_eq!(code(1), code(1));
    assert_ne!(code(1), code(2));
    assert!(code(1).starts_with("1-42-") && code(1).chars().count() == 9, "{}", code(1));
    assert_eq!(spoken_code(Serial { epoch: 3, seq: 7 }, "09af"), "3-7-2KLY");
    // The example of the manual can be one.
    assert!(
        "K7F3"
            .chars()
            .all(|sign| (0..16).any(|d| spoken_code(Serial { epoch: 1, seq: 1 }, &format!("{d:x}")).ends_with(sign)))
    );
    assert!(matches!(Branch::default().check(&plain_trust(), &pack(&manifest(1, 1))), Ok(Checked::New(_))));
}
