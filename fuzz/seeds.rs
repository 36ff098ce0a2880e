//! The seeds of the corpora: what a stick really holds, in few bytes, and faults of each kind.

#![allow(dead_code)]

use crate::{bank, properties};
use guida::pack::delta;
use guida::pack::keys::SignedRole;
use guida::pack::manifest::Manifest;
use serde_json::{Value, json};
use std::io::Write as _;
use tempfile::NamedTempFile;

/// A seed: target, name, bytes.
pub struct Seed(pub &'static str, pub &'static str, pub Vec<u8>);

/// All seeds. Those of `zstd_part` depend on zstd's version, the others are always the same.
pub fn all() -> Vec<Seed> {
    [manifests(), roots(), signatures(), streams()].into_iter().flatten().collect()
}

fn manifests() -> Vec<Seed> {
    let sound = bank::manifest(1, 7);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::to_value(&sound).unwrap();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    let models = with(&|m| {
        let mut file = m["files"][0].clone();
        file["role"] = json!("model/encoder-1.gguf");
        m["files"].as_array_mut().unwrap().push(file);
    });
    let compact = serde_json::to_vec(&sound).unwrap();
    let small: Manifest = {
        let mut small = sound.clone();
        (small.golden, small.models, small.changelog, small.stale_after) = Default::default();
        small.files[0].sources.truncate(1);
        small
    };
    let twice = [b"{\"seq\":7,", &compact[1..]].concat();
    vec![
        Seed("manifest", "sound", bank::pack(&bank::manifest(1, 1)).bytes),
        Seed("manifest", "compact", compact),
        Seed("manifest", "small", serde_json::to_vec(&small).unwrap()),
        Seed("manifest", "models", models),
        Seed("manifest", "unknown-fields", with(&|m| m["later"] = json!({"a": [1, -2, 3.5, true, null, {"b": ""}]}))),
        Seed("manifest", "other-format", with(&|m| m["fmt"] = json!("guida-pack/2"))),
        Seed("manifest", "other-branch", with(&|m| m["audience"] = json!(["22*"]))),
        Seed("manifest", "later-root", with(&|m| m["root_ver_min"] = json!(9))),
        Seed("manifest", "later-program", with(&|m| m["app_min"] = json!("9.0.0"))),
        Seed("manifest", "old", with(&|m| m["seq"] = json!(0))),
        Seed("manifest", "large-window", with(&|m| m["files"][0]["sources"][0]["window_log"] = json!(31))),
        Seed("manifest", "wrong-sum", with(&|m| m["files"][0]["sources"][0]["parts"]["size"] = json!(u64::MAX))),
        Seed("manifest", "upwards", with(&|m| m["files"][0]["role"] = json!("model/../knowledge"))),
        Seed("manifest", "key-twice", twice),
        Seed("manifest", "long-name", with(&|m| m["bank_id"] = json!("行\u{1b}".repeat(800)))),
        Seed("manifest", "long-version", with(&|m| m["app_min"] = json!(format!("9.0.0-{}", "x".repeat(3000))))),
        Seed("manifest", "deep", format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40)).into_bytes()),
        Seed("manifest", "no-text", b"{\"fmt\":\"\xff\xfe\"}".to_vec()),
    ]
}

fn roots() -> Vec<Seed> {
    let sound = serde_json::to_value(bank::plain_root(1)).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = sound.clone();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    let small = bank::root(
        2,
        [
            ("root", &bank::people([0]), &[("ed25519", 1)]),
            ("publish", &[bank::person(1), bank::sm2_person(2)], &[("ed25519", 1), ("sm2", 1)]),
            ("beacon", &bank::people([0]), &[("ed25519", 1)]),
        ],
    );
    let first = sound["roles"]["root"]["keyids"][0].clone();
    vec![
        Seed("root", "sound", serde_json::to_vec_pretty(&sound).unwrap()),
        Seed("root", "next", with(&|root| root["version"] = json!(2))),
        Seed("root", "next-small", serde_json::to_vec(&small).unwrap()),
        Seed("root", "next-epoch", {
            let mut root = serde_json::to_value(&small).unwrap();
            (root["epoch"], root["revoked"]) = (json!(2), json!([bank::digest(1)]));
            serde_json::to_vec(&root).unwrap()
        }),
        Seed("root", "gap", with(&|root| root["version"] = json!(3))),
        Seed("root", "other-bank", with(&|root| (root["version"], root["bank_id"]) = (json!(2), json!("x")))),
        Seed("root", "revoked", with(&|root| root["revoked"] = json!([first]))),
        Seed("root", "key-named-twice", with(&|root| root["roles"]["root"]["keyids"][1] = first.clone())),
        Seed("root", "unknown-algorithm", with(&|root| root["roles"]["root"]["require"]["ml-dsa-44"] = json!(1))),
        Seed("root", "nobody", with(&|root| root["roles"]["beacon"]["require"] = json!({}))),
        Seed("root", "too-many", with(&|root| root["roles"]["beacon"]["require"]["ed25519"] = json!(u32::MAX))),
        Seed("root", "wrong-id", with(&|root| root["keys"][first.as_str().unwrap()]["public"] = json!("00"))),
        Seed(
            "root",
            "unsound-key",
            with(&|root| {
                let id = guida::pack::keys::key_id("sm2", &[4; 65]);
                root["keys"][id] = json!({"alg": "sm2", "public": "04".repeat(65)});
            }),
        ),
    ]
}

fn signatures() -> Vec<Seed> {
    let manifest = bank::manifest(1, 1);
    let of = |keys: &[guida::pack::keys::SecretKey]| bank::sign(SignedRole::Publish, &manifest, keys).signatures;
    let cut = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::from_slice(&of(&bank::publishers())).unwrap();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    vec![
        Seed("signatures", "two", of(&bank::publishers()[..2])),
        Seed("signatures", "three", of(&bank::publishers())),
        Seed("signatures", "one", of(&bank::publishers()[..1])),
        Seed("signatures", "none", of(&[])),
        Seed("signatures", "one-twice", of(&[bank::person(10), bank::person(10)])),
        Seed("signatures", "strangers", of(&bank::people([0, 1, 10]))),
        Seed("signatures", "sm2", of(&[bank::person(10), bank::sm2_person(10)])),
        Seed("signatures", "other-role", bank::sign(SignedRole::Root, &manifest, &bank::publishers()).signatures),
        Seed("signatures", "short", cut(&|s| s["signatures"][0]["sig"] = json!("00"))),
        Seed("signatures", "unknown-fields", cut(&|s| s["signatures"][0]["at"] = json!("2026-07-01T08:00:00Z"))),
    ]
}

fn streams() -> Vec<Seed> {
    let file = |bytes: &[u8]| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let (raw, base) = (file(&properties::content()), file(&properties::older()));
    let whole = |path: &NamedTempFile, level: i32| {
        let mut out = vec![0];
        delta::encode_full(path.path(), &mut out, level).unwrap();
        out
    };
    let mut patch = vec![1];
    delta::encode_patch(raw.path(), base.path(), &mut patch, 19).unwrap();
    let sound = whole(&raw, 3);
    let cut = sound[..sound.len() / 2].to_vec();
    let double = [&sound[..], &sound[1..]].concat();
    let bomb = whole(&file(&vec![0; 4 << 20]), 19);
    let narrow = [&[2 << 1], &sound[1..]].concat();
    let baseless = [&[0], &patch[1..]].concat();
    vec![
        Seed("zstd_part", "sound", sound),
        Seed("zstd_part", "fast", whole(&raw, -5)),
        Seed("zstd_part", "dense", whole(&raw, 19)),
        Seed("zstd_part", "patch", patch),
        Seed("zstd_part", "patch-without-base", baseless),
        Seed("zstd_part", "cut", cut),
        Seed("zstd_part", "double", double),
        Seed("zstd_part", "narrow-window", narrow),
        Seed("zstd_part", "bomb", bomb),
        Seed("zstd_part", "nothing", whole(&file(b""), 3)),
        Seed("zstd_part", "skippable", vec![0, 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]),
        Seed("zstd_part", "wide-window", vec![0, 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]),
    ]
}
