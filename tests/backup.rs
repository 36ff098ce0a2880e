//! A box in one file, taken while it serves, and a new box made of it: knowledge to the byte, every record that was acknowledged, and
//! nothing that is not whole.

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

use guida::store::state::StateDb;
use packs::{Bank, Branch, knowledge};
use product::{Product, guida, json, stderr, until};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery staple";

/// A box with two generations and a model, a place for backups, and the passphrase.
struct Place {
    bank: Bank,
    branch: Branch,
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let bank = Bank::new();
        let branch = Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick());
        branch.import(&bank.pack(8, &knowledge("三十万元")).stick()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("stick")).unwrap();
        fs::write(folder.path().join("passphrase"), PASSPHRASE).unwrap();
        let place = Place { bank, branch, folder };
        let model = place.at("m.gguf");
        gguf::write_chat_model(&model, &gguf::ChatSpec::default());
        let added = guida(&["model", "add", text(&model), "--name", "甲", "--data", place.data()]);
        assert!(added.status.success(), "{}", stderr(&added));
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> &str {
        text(self.branch.data.root())
    }

    fn run(&self, words: &[&str], data: &str) -> std::process::Output {
        let passphrase = self.at("passphrase");
        guida(&[&["data"], words, &["--data", data, "--passphrase-file", text(&passphrase), "--json"]].concat())
    }

    fn back_up(&self) -> PathBuf {
        let made = self.run(&["backup", text(&self.at("stick"))], self.data());
        assert!(made.status.success(), "{}", stderr(&made));
        PathBuf::from(json(&made)["file"].as_str().unwrap())
    }

    /// The exit code and what was said.
    fn restore(&self, file: &Path, data: &Path) -> (Option<i32>, String) {
        let made = self.run(&["restore", text(file)], text(data));
        (made.status.code(), stderr(&made).to_owned())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Every file that makes a box what it is, with its bytes.
fn lasting(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = text(path.strip_prefix(data).unwrap()).to_owned();
            let passing = ["state.", "run", "log", "import.lock", "models/.lock", "staging"];
            if passing.iter().any(|other| name.starts_with(other)) || name.ends_with(".prompts") {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { _ = found.insert(name, fs::read(&path).unwrap()) }
        }
    }
    found
}

fn details(state: &Path) -> Vec<String> {
    StateDb::open(state).unwrap().events(1000).unwrap().into_iter().map(|event| event.detail).collect()
}

#[test]
fn a_backup_under_load_makes_the_same_box() {
    let place = Place::new();
    let product = Product::start(&["--data", place.data(), "--no-embedder"]);
    let (done, answered, noted) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(0usize));
    let body = serde_json::json!({ "question": "支取现金要提前几日预约" }).to_string();
    let (file, acknowledged) = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    assert_eq!(client::ask(product.addr, &body).status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Another process writes records all the while.
        scope.spawn(|| {
            let state = StateDb::open(&place.branch.data.state_db()).unwrap();
            while !done.load(Ordering::Acquire) {
                let next = *noted.lock().unwrap() + 1;
                state.record("test", "note", "OK", &format!("note {next}")).unwrap();
                *noted.lock().unwrap() = next;
            }
        });
        until("tellers and records are under way", || {
            answered.load(Ordering::Relaxed) > 8 && *noted.lock().unwrap() > 3
        });
        let acknowledged = *noted.lock().unwrap();
        let file = place.back_up();
        done.store(true, Ordering::Release);
        (file, acknowledged)
    });
    let before = lasting(place.branch.data.root());
    drop(product);
    let new = place.at("new box");
    assert_eq!(place.restore(&file, &new), (Some(0), String::new()));
    let after = lasting(&new);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "the same bytes");
    let notes = details(&new.join("state.db"));
    assert!((1..=acknowledged).all(|n| notes.contains(&format!("note {n}"))), "{acknowledged} were acknowledged");
    assert_eq!(StateDb::open(&new.join("state.db")).unwrap().verify().unwrap(), None);
    // It answers, it is sound, and takes the next pack in.
    let product = Product::start(&["--data", text(&new), "--no-embedder"]);
    assert!(client::ask(product.addr, &body).text().contains("三十万元"));
    let status = product.get("/api/v1/status").json();
    assert_eq!(status["notices"], serde_json::json!([]));
    let found = json(&guida(&["doctor", "--data", text(&new), "--listen", &product.addr.to_string(), "--json"]));
    let failed: Vec<_> = found["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "fail").collect();
    assert!(failed.is_empty(), "{failed:?}");
    let moved = Branch::at(&new);
    moved.import(&place.bank.pack(9, &knowledge("四十万元")).stick()).unwrap();
    until("the next pack answers", || client::ask(product.addr, &body).text().contains("四十万元"));
}

#[test]
fn a_box_is_moved_and_the_old_one_retires() {
    let place = Place::new();
    let stick = place.at("stick");
    let product = Product::start(&["--data", place.data(), "--no-embedder"]);
    let running = place.run(&["move", text(&stick)], place.data());
    assert!(!running.status.success() && stderr(&running).starts_with("[BUSY]"), "{}", stderr(&running));
    assert!(product.terminate().success());
    let moved = place.run(&["move", text(&stick)], place.data());
    assert!(moved.status.success(), "{}", stderr(&moved));
    let status = guida(&["data", "status", "--data", place.data()]);
    assert!(stderr(&status).starts_with("[DATA_FOLDER]"), "{}", stderr(&status));
    let file = PathBuf::from(json(&moved)["file"].as_str().unwrap());
    // Into a folder that a package has made, with settings of its own.
    let new = place.at("new");
    fs::create_dir_all(new.join("models")).unwrap();
    fs::write(new.join("guida.toml"), "[http]\nworkers = 3\n").unwrap();
    assert_eq!(place.restore(&file, &new), (Some(0), String::new()));
    assert!(guida(&["data", "status", "--data", text(&new)]).status.success());
    let (exit, told) = place.restore(&file, &new);
    assert!(exit == Some(6) && told.starts_with("[DATA_FOLDER]"), "{told}");
    // The old box's records are not written over, either.
    let (exit, told) = place.restore(&file, place.branch.data.root());
    assert!(exit == Some(6) && told.starts_with("[DATA_FOLDER]"), "{told}");
}

#[test]
fn what_is_not_whole_makes_no_box() {
    let place = Place::new();
    let file = place.back_up();
    let sound = fs::read(&file).unwrap();
    let new = place.at("new");
    let damaged = place.at("damaged.backup");
    for (what, bytes) in [
        ("cut short", sound[..sound.len() - 1].to_vec()),
        ("half of it", sound[..sound.len() / 2].to_vec()),
        (
            "a byte changed",
            [&sound[..sound.len() / 2], &[sound[sound.len() / 2] ^ 1], &sound[sound.len() / 2 + 1..]].concat(),
        ),
        ("more behind it", [&sound[..], b"x"].concat()),
        ("no backup", b"hello".to_vec()),
        ("nothing", Vec::new()),
    ] {
        fs::write(&damaged, bytes).unwrap();
        let (exit, told) = place.restore(&damaged, &new);
        assert!(exit == Some(6) && told.starts_with("[BACKUP_FILE]"), "{what}: {told}");
        assert!(!new.join("branch.json").exists() && !new.join("state.db").exists(), "{what}");
    }
    fs::write(place.at("passphrase"), "another passphrase").unwrap();
    let (exit, told) = place.restore(&file, &new);
    assert!(exit == Some(6) && told.starts_with("[KEY_FILE]"), "{told}");
    // Nothing of the box is to be read in the file, and knowledge that is not what was signed is not backed up.
    for secret in ["三十万元".as_bytes(), b"branch.json", &fs::read(place.branch.data.device_key()).unwrap()] {
        assert!(!sound.windows(secret.len()).any(|window| window == secret));
    }
    let kb = place.branch.data.knowledge(&place.branch.active().active.unwrap());
    fs::OpenOptions::new().write(true).open(kb).unwrap().set_len(5000).unwrap();
    let refused = place.run(&["backup", text(&place.at("stick"))], place.data());
    assert!(stderr(&refused).starts_with("[KB_ALTERED]"), "{}", stderr(&refused));
    assert_eq!(fs::read_dir(place.at("stick")).unwrap().count(), 1, "no half of a file is left");
}

#[test]
fn a_backup_goes_only_where_it_is_safe_and_a_box_only_into_an_empty_folder() {
    let place = Place::new();
    // A stick that is not plugged in, a file, the box itself and a link into it.
    let missing = place.at("no stick").join("deeper");
    let link = place.at("link");
    std::os::unix::fs::symlink(place.branch.data.root(), &link).unwrap();
    for (target, code) in [
        (missing.clone(), "[IO]"),
        (place.at("passphrase"), "[IO]"),
        (place.branch.data.root().to_owned(), "[DATA_FOLDER]"),
        (place.branch.data.models(), "[DATA_FOLDER]"),
        (link.join("models"), "[DATA_FOLDER]"),
    ] {
        for command in ["backup", "move"] {
            let refused = place.run(&[command, text(&target)], place.data());
            let told = stderr(&refused);
            assert!(told.starts_with(code) && told.contains("没有备份"), "{command} {}: {told}", target.display());
        }
    }
    assert!(!place.at("no stick").exists() && place.branch.data.branch_file().exists());
    let file = place.back_up();
    // Somebody's own folder, also through a link.
    let home = place.at("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("信.txt"), "亲爱的").unwrap();
    let shortcut = place.at("shortcut");
    std::os::unix::fs::symlink(&home, &shortcut).unwrap();
    for data in [&home, &shortcut] {
        let (exit, told) = place.restore(&file, data);
        assert!(exit == Some(6) && told.starts_with("[DATA_FOLDER]") && told.contains("信.txt"), "{told}");
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
    }
    fs::remove_file(home.join("信.txt")).unwrap();
    assert_eq!(place.restore(&file, &shortcut), (Some(0), String::new()));
}
