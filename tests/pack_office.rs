//! Head office at its command line: from the first key to a signed stick, what it refuses on the way, and a branch that takes the stick.

#[path = "common/office.rs"]
mod office;
#[path = "common/program.rs"]
mod program;

use office::{Office, PASSPHRASE, bank, text};
use program::{GUIDA, guida, repository, spawn};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The sample rules, and the same after a change, as knowledge files.
fn knowledge() -> &'static (TempDir, PathBuf, PathBuf) {
    static KNOWLEDGE: OnceLock<(TempDir, PathBuf, PathBuf)> = OnceLock::new();
    KNOWLEDGE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let build = |rules: &Path, name: &str| {
            let out = folder.path().join(name);
            guida(["kb", "build", &text(rules), "--out", &text(&out), "--no-embedder"]).ok();
            out
        };
        let rules = repository("assets/knowledge");
        let first = build(&rules, "first.db");
        let changed = folder.path().join("rules");
        let copied = Command::new("cp").arg("-r").arg(&rules).arg(&changed).status().unwrap();
        assert!(copied.success());
        fs::write(changed.join("new-rule.md"), NEW_RULE).unwrap();
        let second = build(&changed, "second.db");
        (folder, first, second)
    })
}

const NEW_RULE: &str = "---
title: 示例银行节假日加班管理办法
doc_no: 示例银发〔2026〕77号
level: 行内制度
published: 2026-01-05
effective: 2026-02-01
---
# 示例银行节假日加班管理办法
第一条 节假日加班须由网点负责人批准。
第二条 加班当日不得单人临柜。
";

const GOLDEN: &str =
    r#"{"question":"加班当日能不能单人临柜","document":"示例银行节假日加班管理办法","clause":"第二条","within":3}"#;

#[test]
fn from_the_first_key_to_a_signed_stick() {
    let (_, first, second) = knowledge();
    let office = bank().office();
    let built = office.build(first, &["--changelog", "首次下发"]).json();
    assert_eq!((&built["epoch"], &built["seq"]), (&1.into(), &1.into()));
    assert_eq!(built["delta_bytes"], Value::Null);
    assert_eq!(built["signatures"]["wanting"][0]["missing"], serde_json::json!({ "ed25519": 2, "sm2": 1 }));
    office.verify(&[]).fails(6, "PACK_INCOMPLETE");

    // One signs here; another at her own machine, where only the manifest and the root are.
    let manifest = office.at("packs/1/manifest.json");
    let said = bank().sign(&manifest, "zhang").ok();
    assert!(said.contains("首次下发") && said.contains("还差 2 个签名"), "{said}");
    guida(["pack", "beacon", &text(office.path())]).fails(6, "PACK_BUILD");
    let elsewhere = TempDir::new().unwrap();
    let copy = elsewhere.path().join("manifest.json");
    fs::copy(&manifest, &copy).unwrap();
    let root = bank().arg("first/kbpack/root/0001.json");
    bank().sign_with(&copy, "li", &bank().arg("passphrase"), &["--root", &root]).ok();
    let collected = text(&elsewhere.path().join("manifest.json.sig"));
    for expected in ["合并了 1 个新签名", "合并了 0 个新签名"] {
        let merged = guida(["pack", "sign", &text(&manifest), "--merge", &collected]).ok();
        assert!(merged.contains(expected) && merged.contains("还差 1 个签名:sm2 1 个"), "{merged}");
    }
    // The stick lacks a signature, and says so.
    let standing = &office.inspect()["packs"][0]["signatures"];
    assert_eq!(
        (&standing["complete"], &standing["wanting"][0]["candidates"][0]["holder"]),
        (&false.into(), &"guo".into())
    );

    office.issue(1);
    let verified = office.verify(&[]).json();
    assert_eq!((&verified["seq"], &verified["files"][0]["sources"][0]["decoded"]), (&1.into(), &true.into()));
    assert_eq!(verified["spoken"], built["spoken"]);
    assert!(office.inspect()["packs"][0]["signatures"]["complete"].as_bool().unwrap());
    office.build(first, &["--seq", "1"]).fails(6, "PACK_BUILD");

    // The next pack brings the difference.
    let golden = elsewhere.path().join("golden.jsonl");
    fs::write(&golden, GOLDEN).unwrap();
    let built = office.build(second, &["--golden", &text(&golden)]).json();
    assert_eq!((&built["seq"], &built["golden"]), (&2.into(), &1.into()));
    let bytes = |key: &str| built[key].as_u64().unwrap();
    assert!(bytes("delta_bytes") * 2 < bytes("full_bytes"), "{built}");
    office.verify(&[]).fails(6, "PACK_INCOMPLETE");
    office.issue(2);
    let sources = office.verify(&[]).json()["files"][0]["sources"].clone();
    assert_eq!(sources[1]["kind"], "zpatch");
    assert!(sources.as_array().unwrap().iter().all(|source| source["decoded"] == true), "{sources}");

    // A flipped byte of the manifest, of a part, a lost part.
    let part = fs::read_dir(office.at("blob")).unwrap().flat_map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap());
    let part =
        part.map(|entry| entry.unwrap().path()).max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    for (path, code) in [(office.at("packs/2/manifest.json"), "PACK_SIG"), (part.unwrap(), "PACK_HASH")] {
        let bytes = fs::read(&path).unwrap();
        let mut broken = bytes.clone();
        broken[bytes.len() / 2] ^= 1;
        fs::write(&path, &broken).unwrap();
        office.verify(&[]).fails(6, code);
        fs::write(&path, &bytes).unwrap();
        if code == "PACK_HASH" {
            fs::remove_file(&path).unwrap();
            office.verify(&[]).fails(6, "PACK_INCOMPLETE");
            fs::write(&path, &bytes).unwrap();
        }
    }
    office.verify(&[]).ok();
    office.verify(&["--branch", "bj-1", "--channel", "pilot"]).fails(6, "PACK_AUDIENCE");
}

#[test]
fn keys_open_with_their_passphrase_and_sign_what_they_may() {
    let office = bank().office();
    office.build(&knowledge().1, &[]).ok();
    let wrong = bank().path("wrong-passphrase");
    fs::write(&wrong, "another long passphrase\n").unwrap();
    let refused = bank().sign_with(office.path(), "zhang", &text(&wrong), &[]);
    refused.fails(6, "KEY_FILE");
    assert!(refused.err.contains("口令不对"), "{}", refused.err);
    assert!(!office.at("packs/1/manifest.json.sig").exists());
    let refused = bank().sign(office.path(), "new");
    refused.fails(6, "PACK_BUILD");
    assert!(refused.err.contains("无权"), "{}", refused.err);

    // Never over a key that is there.
    let before = fs::read(bank().path("zhang.key")).unwrap();
    bank().keygen("zhang", &[]).fails(6, "KEY_FILE");
    assert_eq!(fs::read(bank().path("zhang.key")).unwrap(), before);
    // No terminal and no file: no key.
    let out = bank().arg("nobody");
    let mut no_terminal = Command::new("setsid");
    no_terminal
        .args(["-w", GUIDA, "pack", "keygen", "--out", &out, "--holder", "x"])
        .env_remove("GUIDA_PASSPHRASE_FILE");
    let run = no_terminal.stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&run.stderr).contains("[KEY_FILE]"), "{run:?}");
    assert!(!bank().path("nobody.key").exists());
    // Signatures of strangers are not taken over.
    let elsewhere = TempDir::new().unwrap();
    let copy = elsewhere.path().join("manifest.json");
    fs::copy(office.at("packs/1/manifest.json"), &copy).unwrap();
    let signed = bank().sign(&copy, "new").ok();
    assert!(signed.contains("没有核对"), "{signed}");
    let collected = text(&elsewhere.path().join("manifest.json.sig"));
    guida(["pack", "sign", &text(office.path()), "--merge", &collected]).fails(6, "PACK_SIG");
}

/// A command at a terminal: what it shows, and what a person types.
struct Typed {
    child: std::process::Child,
    shown: std::sync::mpsc::Receiver<u8>,
    all: Vec<u8>,
}

impl Typed {
    /// `None` where there is no `script`, which makes the terminal.
    fn start(command: &str) -> Option<Typed> {
        let mut script = Command::new("script");
        script.args(["-qefc", command, "/dev/null"]).env_remove("GUIDA_PASSPHRASE_FILE");
        let started = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = started else {
            program::skipped("passphrases at a terminal", "no script(1) here");
            return None;
        };
        let mut out = child.stdout.take().unwrap();
        let (show, shown) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while matches!(out.read(&mut byte), Ok(1)) && show.send(byte[0]).is_ok() {}
        });
        Some(Typed { child, shown, all: Vec::new() })
    }

    /// Waits until this is shown, then types a line.
    fn answer(&mut self, prompt: &str, line: &str) {
        let from = self.all.len();
        while !String::from_utf8_lossy(&self.all[from..]).contains(prompt) {
            self.all.push(self.shown.recv_timeout(program::PATIENCE).expect("the prompt"));
        }
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Everything that was shown, once the command has ended.
    fn end(mut self) -> (bool, String) {
        self.all.extend(self.shown.iter());
        (self.child.wait().unwrap().success(), String::from_utf8_lossy(&self.all).into_owned())
    }
}

#[test]
fn a_passphrase_is_typed_unseen() {
    let folder = TempDir::new().unwrap();
    let stem = text(&folder.path().join("typed"));
    let keygen = format!("{GUIDA} pack keygen --out {stem} --holder 李四");
    let Some(mut typed) = Typed::start(&keygen) else { return };
    typed.answer("字符):", PASSPHRASE);
    typed.answer("一遍:", "something else entirely");
    let (done, shown) = typed.end();
    assert!(!done && shown.contains("两遍口令不一样"), "{shown}");
    assert!(!Path::new(&format!("{stem}.key")).exists());

    let mut typed = Typed::start(&keygen).unwrap();
    typed.answer("字符):", PASSPHRASE);
    typed.answer("一遍:", PASSPHRASE);
    let (done, shown) = typed.end();
    assert!(done && shown.contains("已生成") && !shown.contains("足够长的"), "{shown}");
    let office = bank().office();
    let root = text(&office.at("root/0001.json"));
    let mut typed = Typed::start(&format!("{GUIDA} pack sign {root} --key {stem}.key")).unwrap();
    typed.answer("口令:", PASSPHRASE);
    let (_, shown) = typed.end();
    assert!(shown.contains("李四 的密钥") && shown.contains("无权签"), "{shown}");
}

#[test]
fn people_come_and_go_and_a_thief_is_shut_out() {
    let office = bank().office();
    office.build(&knowledge().1, &[]).ok();
    office.issue(1);
    let folder = text(office.path());
    let new = format!("publish={}.pub", bank().arg("new"));
    let rotate = ["pack", "rotate", &folder, "--revoke", "li", "--add", &new, "--new-epoch"];
    let more = ["--require", "root=ed25519:1", "--json"];
    let made = guida(rotate.iter().chain(&more)).json();
    assert_eq!((&made["root"]["version"], &made["root"]["epoch"]), (&2.into(), &2.into()));
    assert_eq!(made["root"]["revoked"].as_array().unwrap().len(), 1);
    // Two of the old keys are asked for, whatever the new root says.
    office.sign("root/0002.json", &["wang"]);
    office.build(&knowledge().1, &[]).fails(6, "PACK_BUILD");
    guida(rotate).fails(6, "PACK_BUILD");
    office.sign("root/0002.json", &["li"]);

    let built = office.build(&knowledge().1, &[]).json();
    assert_eq!((&built["epoch"], &built["seq"]), (&2.into(), &2.into()));
    assert_eq!(built["notes"], serde_json::json!([]), "branches have the first pack, whoever has left since");
    bank().sign(office.path(), "li").fails(6, "PACK_BUILD");
    office.sign("packs/2/manifest.json", &["zhang", "new", "guo"]);
    // The old beacon is no lie, only old; whoever rehearses sees it.
    assert_eq!(office.verify(&[]).json()["beacon"], serde_json::json!({ "epoch": 1, "seq": 1 }));
    guida(["pack", "beacon", &folder]).ok();
    office.sign("beacon.json", &["wang"]);
    let verified = office.verify(&[]).json();
    assert_eq!((&verified["root_version"], &verified["epoch"], &verified["seq"]), (&2.into(), &2.into(), &2.into()));
    // A stick for which the rotation is not known does not pass.
    fs::remove_file(office.at("root/0002.json")).unwrap();
    assert_ne!(office.verify(&[]).code, Some(0));
}

#[test]
fn questions_that_the_knowledge_does_not_answer_stop_the_pack() {
    let office = bank().office();
    let (_, first, second) = knowledge();
    let file = office.path().join("golden.jsonl");
    let build = |lines: &str, kb: &Path| {
        fs::write(&file, lines).unwrap();
        office.build(kb, &["--golden", &text(&file)])
    };
    let refused = build(GOLDEN, first);
    refused.fails(6, "PACK_QUALITY");
    assert!(refused.err.contains("单人临柜"), "{}", refused.err);
    for wrong in ["{\"question\":1}", "no json", &format!("{GOLDEN}\n{{}}")] {
        build(wrong, second).fails(6, "QUESTIONS_FILE");
    }
    assert!(office.inspect()["packs"].as_array().unwrap().is_empty());
    assert_eq!(build(&format!("\n{GOLDEN}\n\n"), second).json()["golden"], 1);
    build(GOLDEN, Path::new("/nonexistent.db")).fails(6, "KB_OPEN");
}

#[test]
fn what_cannot_be_is_refused() {
    let office = bank().office();
    let folder = text(office.path());
    let first = &knowledge().1;
    let key = |role: &str| format!("{role}={}.pub", bank().arg("zhang"));
    let root = |more: &[&str]| {
        let empty = TempDir::new().unwrap();
        guida(["pack", "root", &text(empty.path()), "--bank", "b"].iter().chain(more))
    };
    root(&["--key", &key("root"), "--key", &key("publish")]).fails(6, "PACK_BUILD");
    let all = ["--key", &key("root"), "--key", &key("publish"), "--key", &key("beacon")];
    root(&[&all[..], &["--require", "publish=ed25519:2"]].concat()).fails(6, "PACK_BUILD");
    for wrong in ["publish=ed25519", "publish=rsa:1", "boss=ed25519:1", "publish"] {
        assert_eq!(root(&[&all[..], &["--require", wrong]].concat()).code, Some(2), "{wrong}");
    }
    root(&["--key", &format!("root={}.key", bank().arg("zhang"))]).fails(6, "KEY_FILE");
    guida(["pack", "root", &folder, "--bank", "b", "--key", &key("root")]).fails(6, "PACK_BUILD");

    let empty = TempDir::new().unwrap();
    let bare = Office::at_folder(empty);
    bare.build(first, &[]).fails(6, "TRUST_MISSING");
    guida(["pack", "inspect", &text(&bare.path().join("none"))]).fails(6, "PACK_INCOMPLETE");
    office.build(first, &["--part-size", "2G"]).fails(6, "PACK_BUILD");
    office.build(first, &["--min-seq", "9"]).fails(6, "PACK_PARSE");
    office.build(first, &["--app-min", "soon"]).fails(6, "PACK_PARSE");
    for wrong in ["0", "1T", "", "-1"] {
        assert_eq!(office.build(first, &[&format!("--part-size={wrong}")]).code, Some(2), "{wrong}");
    }
    let strange = office.path().join("模型.gguf");
    fs::write(&strange, "GGUF").unwrap();
    office.build(first, &["--model", &text(&strange)]).fails(6, "PACK_PARSE");
    assert!(office.inspect()["packs"].as_array().unwrap().is_empty());
    guida(["pack", "verify", &folder, "--fingerprint", &"0".repeat(64)]).fails(6, "TRUST_MISSING");
}

#[test]
fn a_build_that_is_killed_leaves_no_pack() {
    let office = bank().office();
    let model = office.path().join("model.gguf");
    // Random bytes of a model take a while at the highest level.
    let mut random = fs::File::open("/dev/urandom").unwrap().take(48 << 20);
    std::io::copy(&mut random, &mut fs::File::create(&model).unwrap()).unwrap();
    let (kb, folder) = (text(&knowledge().1), text(office.path()));
    let (model, work) = (text(&model), TempDir::new().unwrap());
    let work = text(work.path());
    let plan = ["pack", "build", &folder, "--kb", &kb, "--model", &model, "--level", "22", "--part-size", "1M"];
    let mut child = spawn(plan.iter().chain(&["--work", &work]));
    let part = office.at("blob/part-3.new");
    let deadline = Instant::now() + program::PATIENCE;
    while !part.exists() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "parts are being written");
        std::thread::park_timeout(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(office.inspect()["packs"].as_array().unwrap().is_empty());
    office.build(&knowledge().1, &["--model", &model, "--level", "1"]).ok();
    let pack = &office.inspect()["packs"][0];
    assert!(pack["files"].as_array().unwrap().iter().all(|file| file["sources"][0]["present"] == true), "{pack}");
}

#[test]
fn a_model_larger_than_fat32_allows_goes_in_parts() {
    let office = bank().office();
    let model = office.path().join("large.gguf");
    let size = (4u64 << 30) + 1;
    fs::File::create(&model).unwrap().set_len(size).unwrap();
    let more = ["--model", &text(&model), "--level", "1", "--part-size", "64K"];
    // Building reads every part back and compares what comes out.
    let built = office.build(&knowledge().1, &more).json();
    assert!(built["raw_bytes"].as_u64().unwrap() > size);
    let pack = &office.inspect()["packs"][0];
    let file = &pack["files"][1];
    assert_eq!((&file["role"], &file["size"]), (&"model/large.gguf".into(), &size.into()));
    assert!(file["sources"][0]["parts"].as_u64().unwrap() > 2, "{file}");
}

#[test]
fn a_branch_takes_the_stick_and_its_receipt_comes_back() {
    let (_, first, second) = knowledge();
    let office = bank().office();
    office.build(first, &[]).ok();
    office.issue(1);
    let folder = TempDir::new().unwrap();
    let (data, stick) = (text(folder.path()), text(office.path()));
    let root = text(&office.at("root/0001.json"));
    let init = ["data", "init", "--data", &data, "--root", &root, "--branch", "bj-001"];
    guida(init.iter().chain(&["--fingerprint", &bank().fingerprint()])).ok();
    let import = || guida(["import", &stick, "--data", &data, "--yes", "--no-embedder", "--json"]).json();
    assert_eq!(import()["state"], "done");
    let built = office.build(second, &[]).json();
    office.issue(2);
    assert_eq!(import()["state"], "done");

    let status = guida(["data", "status", "--data", &data, "--json"]).json();
    let devices = office.path().join("devices.jsonl");
    let line = serde_json::json!({ "branch": "bj-001", "device": status["device"] });
    fs::write(&devices, format!("{line}\n")).unwrap();
    let inspect = |more: &[&str]| guida(["pack", "inspect", &stick, "--json"].iter().chain(more)).json();
    let receipt = inspect(&["--devices", &text(&devices)])["receipts"][0].clone();
    assert_eq!((&receipt["branch"], &receipt["state"]), (&"bj-001".into(), &"verified".into()), "{receipt}");
    assert_eq!(receipt["receipt"]["seq"], 2);
    assert_eq!(receipt["spoken"], built["spoken"]);
    assert_eq!(inspect(&[])["receipts"][0]["state"], "unknown");
    // From what a branch holds, and from the file that it was made of, the same patch is made.
    let active = status["active"]["gid"].as_str().unwrap();
    let held = text(&folder.path().join("gen").join(active).join("knowledge.db"));
    for previous in [&held, &text(second)] {
        let elsewhere = bank().office();
        elsewhere.build(first, &["--previous", previous]).ok();
        let base = elsewhere.inspect()["packs"][0]["files"][0]["sources"][1]["base_sha256"].clone();
        assert_eq!(base, office.inspect()["packs"][1]["files"][0]["sha256"], "{previous}");
    }
    // What was changed on the way is not believed.
    let path = office.at("out/bj-001/receipt.json");
    let forged = fs::read_to_string(&path).unwrap().replace("\"root_version\": 1", "\"root_version\": 7");
    fs::write(&path, forged).unwrap();
    assert_eq!(inspect(&["--devices", &text(&devices)])["receipts"][0]["state"], "refused");
}
