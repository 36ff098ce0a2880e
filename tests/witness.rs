//! Counters that never drop, whoever deletes what remembers them, and records that were changed behind the program's back.

#[path = "common/client.rs"]
mod client;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;

use guida::error::Code;
use guida::store::generations::Active;
use guida::store::state::{Event, StateDb};
use guida::types::Serial;
use packs::{Bank, Branch, Imported, Usb, knowledge};
use product::{Product, guida, json, until};
use std::fs;
use std::path::Path;

/// A box on which pack 8 answers, and sticks with packs 7, 8 and 9.
fn box_and_sticks() -> (Branch, [Usb; 3]) {
    let bank = Bank::new();
    let pack = |seq, amount: &str| bank.pack(seq, &knowledge(amount)).stick();
    let sticks = [pack(7, "二十万元"), pack(8, "三十万元"), pack(9, "四十万元")];
    let branch = Branch::with(&bank, &sticks[0]);
    branch.import(&sticks[1]).unwrap();
    (branch, sticks)
}

fn remove(path: &Path) {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
}

/// Removes a journal with all that belongs to it.
fn remove_journal(branch: &Branch) {
    let folder = fs::read_dir(branch.data.root()).unwrap().map(|entry| entry.unwrap().path());
    folder
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("state."))
        .for_each(|path| remove(&path));
}

#[test]
fn an_older_stick_stays_older_whatever_is_deleted() {
    type Deed = fn(&Branch);
    let deeds: [(&str, Deed); 5] = [
        ("the pointer and its copy", |branch| {
            remove(&branch.data.active_file());
            remove(&branch.data.active_backup());
        }),
        ("these and all generations", |branch| {
            remove(&branch.data.active_file());
            remove(&branch.data.active_backup());
            remove(&branch.data.generations());
            fs::create_dir(branch.data.generations()).unwrap();
        }),
        ("these and the journal", |branch| {
            remove(&branch.data.active_file());
            remove(&branch.data.active_backup());
            remove_journal(branch);
        }),
        ("the journal", remove_journal),
        ("the counter in the pointer", |branch| {
            let low = Active { max_seen: None, ..branch.active() };
            low.write(&branch.data, &guida::disk::RealDisk).unwrap();
        }),
    ];
    for (what, deed) in deeds {
        let (branch, [older, same, newer]) = box_and_sticks();
        deed(&branch);
        let generations = branch.generations();
        assert_eq!(branch.import(&older).map(drop).unwrap_err().code(), Code::PackRollback, "{what}");
        assert_eq!(branch.generations(), generations, "{what}: what lies here is not swept away");
        assert!(branch.import(&same).is_ok(), "{what}: the pack in use is none older");
        assert_eq!(branch.serial(), Some(Serial { epoch: 1, seq: 8 }), "{what}");
        assert!(matches!(branch.import(&newer), Ok(Imported::New(_))), "{what}");
        assert_eq!(branch.answer().as_deref(), Some("四十万元"), "{what}");
    }
}

#[test]
fn a_folder_that_anybody_can_make_is_no_witness() {
    let (branch, [_, _, newer]) = box_and_sticks();
    let present = branch.data.generation(&branch.active().active.unwrap());
    // The manifest of another generation, and one that nobody signed.
    for (name, manifest) in [
        ("1-3000-abcdefabcdef", fs::read(present.join("manifest.json")).unwrap()),
        ("1-4000-0123456789ab", b"{}".to_vec()),
    ] {
        let folder = branch.data.generation(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("manifest.json"), manifest).unwrap();
        fs::copy(present.join("manifest.json.sig"), folder.join("manifest.json.sig")).unwrap();
    }
    branch.takes(&newer, "四十万元");
}

#[test]
fn a_trust_root_that_was_taken_away_is_missed() {
    let mut bank = Bank::new();
    let old = bank.pack(8, &knowledge("三十万元")).stick();
    let first = bank.pack(7, &knowledge("二十万元")).stick();
    let branch = Branch::with(&bank, &first);
    bank.revoke_publisher(0);
    let rotated = bank.pack(9, &knowledge("四十万元")).stick();
    branch.takes(&rotated, "四十万元");
    for name in ["0002.json", "0002.json.sig"] {
        remove(&branch.data.roots().join(name));
    }
    for name in ["0002.json.copy", "0002.json.copy.sig"] {
        remove(&branch.data.roots().join(name));
    }
    // The stick of before the rotation is signed by the revoked key, which the first root still trusts.
    let refused = branch.import(&old).map(drop).unwrap_err().code();
    assert!(matches!(refused, Code::PackRollback | Code::TrustMissing), "{refused:?}");
    for file in [branch.data.active_file(), branch.data.active_backup()] {
        remove(&file);
    }
    let refused = branch.import(&old).map(drop).unwrap_err().code();
    assert!(matches!(refused, Code::PackRollback | Code::TrustMissing), "{refused:?}");
    // A stick with the whole chain brings it back.
    assert!(branch.import(&rotated).is_ok());
    assert!(branch.data.roots().join("0002.json").exists());
}

fn codes(product: &Product) -> Vec<String> {
    let status = product.get("/api/v1/status").json();
    status["notices"].as_array().unwrap().iter().map(|n| n["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_erased_journal_is_told_by_the_service_and_the_doctor() {
    let (branch, _sticks) = box_and_sticks();
    let root = branch.data.root().to_str().unwrap();
    let judged = || {
        let found = json(&guida(&["doctor", "--json", "--data", root]));
        let check = found["checks"].as_array().unwrap().iter().find(|check| check["id"] == "journal").unwrap().clone();
        (check["state"].as_str().unwrap().to_owned(), check["found"]["zh"].as_str().unwrap().to_owned())
    };
    assert_eq!(judged().0, "ok");
    // The sqlite3 of a person with the rights.
    let erased = rusqlite::Connection::open(branch.data.state_db()).unwrap();
    assert!(erased.execute("delete from events", []).unwrap() > 0);
    drop(erased);
    let (state, found) = judged();
    assert!(state == "fail" && found.contains("被改动"), "{state} {found}");
    let product = Product::start(&["--data", root, "--no-embedder"]);
    assert_eq!(codes(&product), ["RECORDS_ALTERED"]);
    assert_eq!(product.get("/readyz").status, 200, "cards go on");
}

/// Everything that the journal says.
fn told(state: &StateDb) -> Result<(Vec<Event>, Vec<Option<String>>), Code> {
    let settings = ["witness", "clock_seen", "clock_confirmed", "journal_head", "seal"];
    let settings: Result<Vec<_>, _> = settings.iter().map(|key| state.setting(key)).collect();
    Ok((state.events(100).map_err(|e| e.code())?, settings.map_err(|e| e.code())?))
}

#[test]
fn a_changed_byte_of_the_journal_is_noticed_or_says_nothing() {
    let (branch, _sticks) = box_and_sticks();
    let path = branch.data.state_db();
    let before = told(&StateDb::open(&path).unwrap()).unwrap();
    let sound = fs::read(&path).unwrap();
    assert!(!path.with_extension("db-wal").exists(), "the last to close it has written everything into the file");
    let mut noticed = 0;
    for n in 0..120usize {
        let at = n.wrapping_mul(2_654_435_761) % sound.len();
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (n % 8);
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join("state.db");
        fs::write(&file, &bytes).unwrap();
        fs::copy(path.with_extension("head"), file.with_extension("head")).unwrap();
        let sound = StateDb::open(&file).is_ok_and(|state| matches!(state.verify(), Ok(None)));
        match sound {
            false => noticed += 1,
            true => assert_eq!(told(&StateDb::open(&file).unwrap()).unwrap(), before, "byte {at}"),
        }
    }
    println!("{noticed} of 120 changes noticed; the others say nothing");
    assert!(noticed > 0);
}

#[test]
fn files_that_the_box_makes_itself_are_sealed() {
    let bank = Bank::new();
    let branch = Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick());
    branch.import(&bank.pack(8, &knowledge("三十万元")).stick()).unwrap();
    let root = branch.data.root().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.gguf");
    gguf::write_chat_model(&model, &gguf::ChatSpec::default());
    let add = |name: &str| guida(&["model", "add", model.to_str().unwrap(), "--name", name, "--data", root]);
    assert!(add("甲").status.success());
    let product = Product::start(&["--data", root, "--no-embedder"]);
    let told = || -> Vec<String> {
        let status = product.get("/api/v1/status").json();
        let notices = status["notices"].as_array().unwrap().iter();
        notices.filter(|n| n["code"] == "RECORDS_ALTERED").map(|n| n["message"].as_str().unwrap().into()).collect()
    };
    assert_eq!(told(), Vec::<String>::new());
    let gid = branch.active().active.unwrap();
    let files = [
        ("模型登记", branch.data.models().join("registry.json")),
        ("待复核清单", branch.data.generation(&gid).join("review.json")),
        ("网点身份", branch.data.branch_file()),
    ];
    for (title, file) in &files {
        let sound = std::fs::read(file).unwrap();
        // A blank more, which every reader of JSON passes over.
        std::fs::write(file, [&sound[..], b" "].concat()).unwrap();
        until("a changed file is told", || told().iter().any(|message| message.contains(title)));
        assert_eq!(guida(&["doctor", "--data", root]).status.code(), Some(1), "{title}");
        std::fs::remove_file(file).unwrap();
        until("a file that is gone is told", || told().iter().any(|message| message.contains("不见了")));
        std::fs::write(file, sound).unwrap();
        until("what was written is believed", || told().is_empty());
    }
    // What the program itself changes is no alteration, whichever process does it.
    assert!(guida(&["model", "remove", "甲", "--data", root]).status.success());
    branch.import(&bank.pack(9, &knowledge("四十万元")).stick()).unwrap();
    until("the next pack is taken up", || product.get("/api/v1/status").text().contains("\"generation\""));
    drop(product);
    let product = Product::start(&["--data", root, "--no-embedder"]);
    assert!(
        !product.get("/api/v1/status").text().contains("RECORDS_ALTERED"),
        "{}",
        product.get("/api/v1/status").text()
    );
}
