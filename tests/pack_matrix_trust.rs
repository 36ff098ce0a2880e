//! The fault and attack matrix of knowledge packs, rows 34 to 44: formats, roots, signatures, numbers.

#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use guida::error::Code;
use guida::pack::keys::{Alg, SecretKey, SignedRole};
use guida::pack::manifest::{Manifest, Signature, Signatures};
use packs::{Bank, Branch, Usb, hex, knowledge, sign};
use std::fs;

/// Versions of the roots that the branch keeps.
fn kept_roots(branch: &Branch) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(branch.data.roots())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

fn put_signatures(usb: &Usb, signatures: Vec<Signature>) {
    let bytes = serde_json::to_vec(&Signatures { signatures }).unwrap();
    fs::write(usb.manifest().with_extension("json.sig"), bytes).unwrap();
}

#[test]
fn row_34_an_unknown_format_is_unsupported_and_names_the_program() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let changes: [fn(&mut Manifest); 5] = [
        |m| {
            m.fmt = "guida-pack/2".into();
            m.app_min = "7.8.9".into();
        },
        |m| m.app_min = "7.8.9".into(),
        |m| {
            m.app_min = "0.0.1".into();
            m.app_max = Some("0.0.7".into());
        },
        |m| {
            m.schema_version += 1;
            m.app_min = env!("CARGO_PKG_VERSION").into();
        },
        |m| m.schema_sha256 = "ab".repeat(32),
    ];
    let named = ["7.8.9", "7.8.9", "0.0.7", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_VERSION")];
    for (change, named) in changes.into_iter().zip(named) {
        let e = branch.refuses(&bank.pack(8, &knowledge("三十万元")).with(change).stick(), Code::PackUnsupported);
        assert!(e.to_string().contains(named), "{e} does not name {named}");
    }
}

#[test]
fn row_35_an_unknown_field_is_ignored() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let pack = bank.pack(8, &knowledge("三十万元"));
    let mut manifest: serde_json::Value = serde_json::from_slice(&pack.manifest_bytes()).unwrap();
    manifest["later"] = serde_json::json!({"deep": [1, null, {"x": "y"}]});
    manifest["files"][0]["later"] = serde_json::json!("z");
    manifest["totals"]["later"] = serde_json::json!(3);
    branch.takes(&pack.verbatim(&serde_json::to_vec(&manifest).unwrap()).stick(), "三十万元");
}

#[test]
fn row_36_a_root_rotated_three_times_is_followed() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    bank.rotate(true, |_| {});
    bank.revoke_publisher(0);
    bank.rotate(true, |_| {});
    branch.takes(&bank.pack(8, &knowledge("三十万元")).stick(), "三十万元");
    assert_eq!(kept_roots(&branch), ["0001.json", "0002.json", "0003.json", "0004.json"]);
    assert_eq!(branch.active().root_ver, 4);
    let trusted = branch.events().iter().filter(|e| e.event == "trust" && e.code == "OK").count();
    assert_eq!(trusted, 3);
}

#[test]
fn row_37_a_gap_between_roots_is_rootgap() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    bank.rotate(true, |_| {});
    bank.rotate(true, |_| {});
    bank.rotate(true, |_| {});
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    for name in ["root/0003.json", "root/0003.json.sig"] {
        fs::remove_file(usb.at(name)).unwrap();
    }
    branch.refuses(&usb, Code::PackRootGap);
    // The one that was in order stays.
    assert_eq!(kept_roots(&branch), ["0001.json", "0002.json"]);
    // A root under another's number.
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    for end in ["", ".sig"] {
        fs::copy(usb.at(&format!("root/0004.json{end}")), usb.at(&format!("root/0003.json{end}"))).unwrap();
    }
    let before = branch.seen();
    let e = branch.import(&usb).unwrap_err();
    assert!(matches!(e.code(), Code::PackRootGap | Code::PackSig), "{e}");
    assert_eq!(branch.seen(), before);
    branch.takes(&bank.pack(8, &knowledge("三十万元")).stick(), "三十万元");
}

#[test]
fn row_37_a_pack_for_a_later_root_is_rootgap() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let pack = bank.pack(8, &knowledge("三十万元"));
    branch.refuses(&pack.clone().with(|m| m.root_ver_min = 2).stick(), Code::PackRootGap);
}

#[test]
fn row_38_a_root_that_only_its_own_keys_signed_is_sig() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    bank.rotate(true, |_| {});
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    let (root, _) = bank.chain.last().unwrap();
    let own = sign(SignedRole::Root, root, &bank.roots.iter().take(5).collect::<Vec<_>>());
    usb.signed("root/0002.json", root, &own);
    branch.refuses(&usb, Code::PackSig);
    assert_eq!(kept_roots(&branch), ["0001.json"]);
}

#[test]
fn row_38_a_root_that_only_the_old_keys_signed_is_refused() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let old: Vec<SecretKey> = std::mem::take(&mut bank.roots);
    let fresh = Bank::new();
    bank.roots = fresh.roots;
    bank.rotate(true, |_| {});
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    let (root, _) = bank.chain.last().unwrap();
    usb.signed("root/0002.json", root, &sign(SignedRole::Root, root, &old.iter().collect::<Vec<_>>()));
    let before = branch.seen();
    let e = branch.import(&usb).unwrap_err();
    assert!(matches!(e.code(), Code::PackSig | Code::PackThreshold), "{e}");
    assert_eq!(branch.seen(), before);
    assert_eq!(kept_roots(&branch), ["0001.json"]);
}

#[test]
fn row_39_a_revoked_key_is_sig_even_where_the_new_root_came_with_nothing_of_use() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let forged_stick = {
        let signers: Vec<&SecretKey> = bank.publishers.iter().take(2).collect();
        bank.pack(9, &knowledge("四十万元")).signed_by(&signers).stick()
    };
    let stolen = bank.revoke_publisher(0);
    // The stick with the new root is broken otherwise.
    let broken = bank.pack(8, &knowledge("三十万元")).stick();
    broken.flip_part_byte(0);
    branch.refuses(&broken, Code::PackHash);
    assert_eq!(kept_roots(&branch), ["0001.json", "0002.json"]);
    // A stick that knows nothing of the revocation, signed with the stolen key.
    branch.refuses(&forged_stick, Code::PackSig);
    // And one that does.
    let signers = [&stolen, &bank.publishers[1]];
    branch.refuses(&bank.pack(9, &knowledge("四十万元")).signed_by(&signers).stick(), Code::PackSig);
    branch.takes(&bank.pack(8, &knowledge("三十万元")).stick(), "三十万元");
}

#[test]
fn row_40_one_of_two_signatures_is_threshold() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let pack = bank.pack(8, &knowledge("三十万元"));
    branch.refuses(&pack.clone().signed_by(&[&bank.publishers[0]]).stick(), Code::PackThreshold);
    branch.refuses(&pack.clone().signed_by(&[]).stick(), Code::PackThreshold);
    branch.takes(&pack.signed_by(&[&bank.publishers[2], &bank.publishers[0]]).stick(), "三十万元");
}

#[test]
fn row_41_one_key_twice_is_threshold() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let key = &bank.publishers[0];
    branch.refuses(&bank.pack(8, &knowledge("三十万元")).signed_by(&[key, key, key]).stick(), Code::PackThreshold);
    // Also not under another spelling of its id.
    let usb = bank.pack(8, &knowledge("三十万元")).stick();
    let one = key.sign(SignedRole::Publish, &fs::read(usb.manifest()).unwrap()).unwrap();
    let other = Signature { keyid: one.keyid.to_uppercase(), sig: one.sig.to_uppercase() };
    put_signatures(&usb, vec![one, other]);
    let before = branch.seen();
    let e = branch.import(&usb).unwrap_err();
    assert!(matches!(e.code(), Code::PackThreshold | Code::PackSig), "{e}");
    assert_eq!(branch.seen(), before);
}

#[test]
fn row_41_a_strangers_signature_is_sig() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let stranger = SecretKey::generate(Alg::Ed25519).unwrap();
    let pack = bank.pack(8, &knowledge("三十万元"));
    branch.refuses(&pack.clone().signed_by(&[&bank.publishers[0], &stranger]).stick(), Code::PackSig);
    // Keys of other roles are strangers here.
    branch.refuses(&pack.clone().signed_by(&[&bank.publishers[0], &bank.roots[0]]).stick(), Code::PackSig);
    branch.refuses(&pack.clone().signed_by(&[&bank.beacons[0], &bank.beacons[1]]).stick(), Code::PackSig);
    // Beside enough right ones it does no harm.
    branch.takes(&pack.signed_by(&[&stranger, &bank.publishers[1], &bank.publishers[2]]).stick(), "三十万元");
}

#[test]
fn row_42_sm2_valid_wrong_distid_missing() {
    let bank = Bank::with_sm2();
    let branch = Branch::in_use(&bank);
    let pack = bank.pack(8, &knowledge("三十万元"));
    let (sm2, ed) = (bank.sm2.as_ref().unwrap(), [&bank.publishers[0], &bank.publishers[1]]);
    branch.refuses(&pack.clone().signed_by(&ed).stick(), Code::PackThreshold);
    branch.refuses(&pack.clone().signed_by(&[ed[0], sm2]).stick(), Code::PackThreshold);
    // Signed with the same key for another signer's name.
    let usb = pack.stick();
    let manifest = fs::read(usb.manifest()).unwrap();
    let message = SignedRole::Publish.message(&manifest);
    for (distid, right) in [("1234567812345678", true), ("ALICE123@YAHOO.COM", false), ("", false)] {
        let secret = sm2::SecretKey::from_slice(&sm2.to_bytes()).unwrap();
        let key = sm2::dsa::SigningKey::new(distid, &secret).unwrap();
        let sig: sm2::dsa::Signature = sm2::dsa::signature::Signer::sign(&key, &message);
        let theirs = Signature { keyid: sm2.public().id(), sig: hex(&sig.to_bytes()) };
        let mut all: Vec<Signature> = ed.iter().map(|key| key.sign(SignedRole::Publish, &manifest).unwrap()).collect();
        all.push(theirs);
        put_signatures(&usb, all);
        if right {
            let other = Branch::in_use(&bank);
            other.takes(&usb, "三十万元");
        } else {
            branch.refuses(&usb, Code::PackSig);
        }
    }
    branch.takes(&pack.stick(), "三十万元");
}

#[test]
fn row_43_a_signature_for_one_role_is_none_for_another() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    // The root keys also may publish, so that only the role in the message tells the two apart.
    let ids: Vec<String> = bank.roots.iter().map(|key| key.public().id()).collect();
    bank.rotate(false, |root| root.roles.get_mut("publish").unwrap().keyids.extend(ids.clone()));
    branch.takes(&bank.pack(8, &knowledge("三十万元")).stick(), "三十万元");
    let signers: Vec<&SecretKey> = bank.roots.iter().take(3).collect();
    for role in [SignedRole::Root, SignedRole::Beacon, SignedRole::Receipt] {
        let usb = bank.pack(9, &knowledge("四十万元")).stick();
        let manifest = fs::read(usb.manifest()).unwrap();
        usb.signed("packs/9/manifest.json", &manifest, &sign(role, &manifest, &signers));
        branch.refuses(&usb, Code::PackSig);
    }
    bank.rotate(false, |_| {});
    let usb = bank.pack(9, &knowledge("四十万元")).stick();
    let (root, _) = bank.chain.last().unwrap();
    let signers: Vec<&SecretKey> = bank.roots.iter().collect();
    usb.signed("root/0003.json", root, &sign(SignedRole::Publish, root, &signers));
    branch.refuses(&usb, Code::PackSig);
    branch.takes(&bank.pack(9, &knowledge("四十万元")).stick(), "四十万元");
}

#[test]
fn row_44_after_a_thiefs_huge_number_a_new_epoch_recovers() {
    for huge in [1 << 63, u64::MAX] {
        let mut bank = Bank::new();
        let branch = Branch::in_use(&bank);
        let theirs = bank.pack(huge, &knowledge("一元")).stick();
        branch.takes(&theirs, "一元");
        branch.refuses(&bank.pack(8, &knowledge("三十万元")).stick(), Code::PackRollback);
        bank.rotate(false, |root| root.epoch = 2);
        bank.revoke_publisher(0);
        bank.revoke_publisher(1);
        let usb = bank.pack(1, &knowledge("三十万元")).stick();
        branch.takes(&usb, "三十万元");
        branch.refuses(&theirs, Code::PackSig);
    }
}

#[test]
fn row_44_the_thiefs_pack_on_the_same_stick_does_not_stand_in_the_way() {
    let mut bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let usb = bank.pack(1 << 63, &knowledge("一元")).stick();
    bank.rotate(false, |root| root.epoch = 2);
    bank.pack(1, &knowledge("三十万元")).put_on(&usb);
    branch.takes(&usb, "三十万元");
}
