//! `guida doctor` and the service's own examination, on real boxes that are broken in one way each.

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

use guida::config::Given;
use guida::disk::RealDisk;
use guida::engine::Engine;
use guida::engine::doctor::{Check, CheckState, DoctorReply};
use guida::engine::reply::Reply;
use guida::engine::request::{Actor, Request};
use guida::engine::settings::{SettingsDesk, SettingsPlace};
use guida::error::Code;
use guida::pack::hex;
use guida::store::generations::Active;
use guida::store::state::StateDb;
use guida::types::Classification;
use jiff::{SignedDuration, Timestamp};
use packs::{Bank, Branch, knowledge};
use product::{Product, guida, json, stderr, stdout};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Checks on the machine that the tests run on, and on a service that need not run.
const MACHINE: [&str; 10] =
    ["service", "http", "autostart", "cpu", "memory", "load", "temperature", "disk_space", "inodes", "time_zone"];

fn path(branch: &Branch) -> &str {
    branch.data.root().to_str().unwrap()
}

/// A box in use whose clock is right whenever the tests run.
fn sound() -> (Bank, Branch) {
    let (bank, branch) = Branch::at_work();
    let active = Active { time_floor: Some(Timestamp::now() - SignedDuration::from_hours(24)), ..branch.active() };
    active.write(&branch.data, &RealDisk).unwrap();
    active.write_backup(&branch.data, &RealDisk).unwrap();
    (bank, branch)
}

fn run(data: &str, more: &[&str]) -> Output {
    // A port at which nobody listens on any machine.
    guida(&[&["doctor", "--data", data, "--listen", "127.0.0.1:1"], more].concat())
}

#[track_caller]
fn reply(output: &Output) -> DoctorReply {
    serde_json::from_value(json(output)).unwrap()
}

/// What a file or folder is: kind and mode, length, moment of the last change, SHA-256.
type Seen = (u32, u64, i64, i64, String);

fn seen(at: &Path, content: bool) -> Seen {
    let about = fs::symlink_metadata(at).unwrap();
    let hash = if content && about.is_file() { hex::sha256(&fs::read(at).unwrap()) } else { String::new() };
    (about.mode(), about.len(), about.mtime(), about.mtime_nsec(), hash)
}

/// Everything below a folder but what `left_out` names.
fn listing_but(folder: &Path, left_out: &dyn Fn(&Path) -> bool) -> BTreeMap<String, Seen> {
    let mut all = BTreeMap::from([(folder.display().to_string(), seen(folder, true))]);
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if left_out(&entry) {
            continue;
        }
        match fs::symlink_metadata(&entry).unwrap().is_dir() {
            true => all.extend(listing_but(&entry, left_out)),
            false => drop(all.insert(entry.display().to_string(), seen(&entry, true))),
        }
    }
    all
}

fn listing(folder: &Path) -> BTreeMap<String, Seen> {
    listing_but(folder, &|_| false)
}

/// Runs the doctor on a box: it changes nothing, tells of every trouble what to do, and ends as it found.
#[track_caller]
fn examined(data: &str) -> DoctorReply {
    let before = Path::new(data).exists().then(|| listing(Path::new(data)));
    let output = run(data, &["--json"]);
    let found = reply(&output);
    assert_eq!(Path::new(data).exists().then(|| listing(Path::new(data))), before, "the doctor changed something");
    well_formed(&found);
    let failed = found.count(CheckState::Fail) > 0;
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{}", stderr(&output));
    found
}

#[track_caller]
fn well_formed(found: &DoctorReply) {
    assert!(found.checks.is_sorted_by_key(|check| check.state), "the gravest comes first");
    for check in &found.checks {
        let Check { title, found, remedy, .. } = check;
        for words in [title, found] {
            assert!(!words.zh.is_empty() && !words.en.is_empty(), "{check:?}");
        }
        let advised = matches!(check.state, CheckState::Fail | CheckState::Warn);
        assert_eq!((!remedy.zh.is_empty(), !remedy.en.is_empty()), (advised, advised), "{check:?}");
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(!han(&title.en) && !han(&remedy.en), "{check:?}");
    }
}

#[track_caller]
fn check<'r>(found: &'r DoctorReply, id: &str) -> &'r Check {
    found.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}"))
}

/// A box in which one thing was broken: these checks fail or warn, and all others about the box are as they were.
#[track_caller]
fn finds(branch: &Branch, expected: &[(&str, CheckState, &str)]) {
    let found = examined(path(branch));
    for (id, state, remedy) in expected {
        let one = check(&found, id);
        assert_eq!(one.state, *state, "{one:?}");
        assert!(one.remedy.zh.contains(remedy) && !remedy.is_empty(), "{one:?}");
    }
    let others = found.checks.iter().filter(|check| !MACHINE.contains(&check.id.as_str()));
    for one in others.filter(|check| !expected.iter().any(|(id, ..)| check.id == *id)) {
        assert!(matches!(one.state, CheckState::Ok | CheckState::Skipped), "{one:?}");
    }
}

#[test]
fn a_sound_box_is_found_sound() {
    let (_bank, branch) = sound();
    let found = examined(path(&branch));
    let not_there = ["log_folder", "model_files", "model_fit", "model_speed", "generator"];
    for one in found.checks.iter().filter(|check| !MACHINE.contains(&check.id.as_str())) {
        let expected = if not_there.contains(&one.id.as_str()) { CheckState::Skipped } else { CheckState::Ok };
        assert_eq!(one.state, expected, "{one:?}");
    }
    assert_eq!(check(&found, "http").state, CheckState::Ok);
    assert!(check(&found, "pointer").found.zh.contains(branch.active().active.as_deref().unwrap()));
    // The same for people, in either language.
    let shown = run(path(&branch), &[]);
    assert!(stdout(&shown).contains("[正常] 现行知识:打得开") && stdout(&shown).contains("不正常 "));
    let english = run(path(&branch), &["--english"]);
    assert!(stdout(&english).contains("[OK] Active knowledge: opens"), "{}", stdout(&english));
}

#[test]
fn the_json_has_the_shape_that_is_promised() {
    let (_bank, branch) = sound();
    let found = json(&run(path(&branch), &["--json"]));
    assert!(found["took_ms"].as_f64().unwrap() > 0.0);
    let checks = found["checks"].as_array().unwrap();
    assert!(checks.len() >= 30);
    for check in checks {
        let keys: Vec<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(BTreeMap::from_iter(keys.iter().map(|k| (*k, ()))).into_keys().collect::<Vec<_>>(), {
            ["found", "id", "remedy", "state", "title"]
        });
        assert!(["fail", "warn", "skipped", "ok"].contains(&check["state"].as_str().unwrap()));
        assert!(check["title"]["zh"].is_string() && check["title"]["en"].is_string());
    }
}

#[test]
fn a_folder_that_is_missing_or_empty_is_the_first_thing_said() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    for data in [missing.as_path(), folder.path()] {
        let found = examined(data.to_str().unwrap());
        let one = check(&found, "data_folder");
        assert_eq!((one.state, found.checks[0].id.as_str()), (CheckState::Fail, "data_folder"));
        assert!(one.remedy.zh.contains("guida data init") && one.remedy.en.contains("guida data init"));
        assert!(!missing.exists());
    }
    let shown = run(missing.to_str().unwrap(), &[]);
    assert!(stdout(&shown).starts_with("[不正常] 数据目录:") && stdout(&shown).contains("  处理:"));
    assert_eq!(shown.status.code(), Some(1));
}

#[test]
fn a_box_before_its_first_import_is_told_to_import() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    finds(&branch, &[("pointer", CheckState::Warn, "guida import")]);
}

#[test]
fn a_damaged_pointer_is_mended_by_what_is_advised() {
    let (_bank, branch) = sound();
    fs::write(branch.data.active_file(), "{").unwrap();
    finds(&branch, &[("pointer", CheckState::Fail, "guida data recover --data")]);
    assert!(guida(&["data", "recover", "--data", path(&branch)]).status.success());
    assert_eq!(check(&examined(path(&branch)), "pointer").state, CheckState::Ok);
    // Gone altogether, or damaged with its copy.
    fs::remove_file(branch.data.active_file()).unwrap();
    finds(&branch, &[("pointer", CheckState::Fail, "guida data recover")]);
    for file in [branch.data.active_file(), branch.data.active_backup()] {
        fs::write(file, "{").unwrap();
    }
    let found = examined(path(&branch));
    assert!(check(&found, "pointer").remedy.zh.contains("guida data init"));
    assert_eq!(check(&found, "knowledge_file").state, CheckState::Skipped);
}

#[test]
fn a_truncated_knowledge_is_found_and_going_back_is_advised_where_it_helps() {
    let (bank, branch) = sound();
    let kb = branch.data.knowledge(&branch.active().active.unwrap());
    let whole = fs::read(&kb).unwrap();
    fs::write(&kb, &whole[..whole.len() / 2]).unwrap();
    let found = examined(path(&branch));
    for id in ["knowledge_file", "knowledge_hash", "knowledge_sound"] {
        let one = check(&found, id);
        assert!(one.state == CheckState::Fail && !one.remedy.zh.contains("rollback"), "{one:?}");
    }
    fs::write(&kb, &whole).unwrap();
    branch.import(&bank.pack(8, &knowledge("三十万元")).stick()).unwrap();
    let kb = branch.data.knowledge(&branch.active().active.unwrap());
    fs::write(&kb, b"").unwrap();
    let found = examined(path(&branch));
    assert!(check(&found, "knowledge_hash").remedy.zh.contains("guida data rollback"));
    branch.rollback().unwrap();
    let found = examined(path(&branch));
    assert_eq!(check(&found, "knowledge_hash").state, CheckState::Ok);
    assert_eq!((check(&found, "previous").state, check(&found, "held").state), (CheckState::Warn, CheckState::Warn));
}

#[test]
fn one_flipped_byte_anywhere_in_the_knowledge_is_found() {
    let (_bank, branch) = sound();
    let kb = branch.data.knowledge(&branch.active().active.unwrap());
    let whole = fs::read(&kb).unwrap();
    for at in [whole.len() / 3, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&kb, &bytes).unwrap();
        let found = examined(path(&branch));
        let one = check(&found, "knowledge_hash");
        assert_eq!(one.state, CheckState::Fail, "byte {at}");
        assert!(one.remedy.zh.contains("知识包"), "{one:?}");
    }
    fs::remove_file(&kb).unwrap();
    assert_eq!(check(&examined(path(&branch)), "knowledge_file").state, CheckState::Fail);
}

#[test]
fn a_damaged_journal_is_found_and_set_aside_by_what_is_advised() {
    let (_bank, branch) = sound();
    let journal = StateDb::open(&branch.data.state_db()).unwrap();
    for n in 0..300 {
        journal.record("operator", "review", "OK", &format!("{n} {}", "字".repeat(100))).unwrap();
    }
    drop(journal);
    let mut bytes = fs::read(branch.data.state_db()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(branch.data.state_db(), bytes).unwrap();
    let found = examined(path(&branch));
    let one = check(&found, "journal");
    assert!(one.state == CheckState::Fail && one.remedy.zh.contains("sudo mv"), "{one:?}");
    fs::write(branch.data.state_db(), "no database").unwrap();
    assert_eq!(check(&examined(path(&branch)), "journal").state, CheckState::Fail);
    fs::rename(branch.data.state_db(), branch.data.root().join("state.db.bad")).unwrap();
    assert_eq!(check(&examined(path(&branch)), "journal").state, CheckState::Warn);
}

#[test]
fn what_others_may_read_or_change_is_found() {
    let (_bank, branch) = sound();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let keys = branch.data.root().join("keys");
    mode(&keys, 0o755);
    mode(&branch.data.device_key(), 0o644);
    finds(&branch, &[("permissions", CheckState::Fail, "sudo chmod 700")]);
    mode(&branch.data.device_key(), 0o600);
    finds(&branch, &[("permissions", CheckState::Warn, "sudo chmod 700")]);
    mode(&keys, 0o700);
    mode(branch.data.root(), 0o777);
    finds(&branch, &[("permissions", CheckState::Fail, "sudo chmod o-w")]);
    mode(branch.data.root(), 0o750);
    mode(&branch.data.staging(), 0o500);
    finds(&branch, &[("writable", CheckState::Fail, "sudo chmod u+w")]);
    mode(&branch.data.staging(), 0o750);
    finds(&branch, &[]);
}

#[test]
fn files_of_another_user_are_found() {
    let (_bank, branch) = sound();
    let outbox = branch.data.outbox();
    // Only root can give a file away.
    if std::os::unix::fs::chown(&outbox, Some(4321), None).is_ok() && fs::metadata(&outbox).unwrap().uid() == 4321 {
        finds(&branch, &[("owner", CheckState::Fail, "sudo chown -R")]);
    }
}

#[test]
fn keys_and_roots_that_are_gone_are_found() {
    let (_bank, branch) = sound();
    fs::write(branch.data.device_key(), "short").unwrap();
    finds(&branch, &[("device_key", CheckState::Fail, "guida data init")]);
    let (_bank, branch) = sound();
    for file in fs::read_dir(branch.data.roots()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    finds(&branch, &[("trust_root", CheckState::Fail, "keys/root")]);
    let (_bank, branch) = sound();
    fs::write(branch.data.branch_file(), "{}").unwrap();
    finds(&branch, &[("trust_root", CheckState::Fail, "branch.json")]);
}

#[test]
fn a_clock_before_what_was_signed_fails_and_one_that_went_back_warns() {
    let (_bank, branch) = sound();
    let ahead = Timestamp::now() + SignedDuration::from_hours(48);
    let journal = StateDb::open(&branch.data.state_db()).unwrap();
    journal.set("clock_seen", &ahead.to_string()).unwrap();
    drop(journal);
    finds(&branch, &[("clock", CheckState::Warn, "guida data clock --confirm")]);
    Active { time_floor: Some(ahead), ..branch.active() }.write(&branch.data, &RealDisk).unwrap();
    finds(&branch, &[("clock", CheckState::Fail, "timedatectl set-time")]);
}

#[test]
fn what_was_announced_and_what_is_held_is_told() {
    let (bank, branch) = sound();
    let later = guida::types::Serial { epoch: 1, seq: 99 };
    Active { announced: Some(later), ..branch.active() }.write(&branch.data, &RealDisk).unwrap();
    finds(&branch, &[("freshness", CheckState::Warn, "guida import")]);
    let (second, first) = (bank.pack(8, &knowledge("三十万元")).stick(), sound().1);
    drop(first);
    branch.import(&second).unwrap();
    branch.rollback().unwrap();
    Active { announced: None, time_floor: None, ..branch.active() }.write(&branch.data, &RealDisk).unwrap();
    finds(&branch, &[("held", CheckState::Warn, "guida data release")]);
}

#[test]
fn a_failed_import_is_told_with_its_code_and_leftovers_after_a_day() {
    let (bank, branch) = sound();
    let usb = bank.pack(8, &knowledge("三十万元")).in_pieces(1024).stick();
    usb.truncate_part(1);
    branch.import(&usb).unwrap_err();
    finds(&branch, &[("last_import", CheckState::Warn, "重新插上完整的 U 盘")]);
    let found = examined(path(&branch));
    assert!(check(&found, "last_import").found.en.contains("PACK_INCOMPLETE"));
    assert!(check(&found, "staging").found.zh.contains("没有导入完"));
    let old = SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
    fn age(at: &Path, to: SystemTime) {
        if at.is_dir() {
            fs::read_dir(at).unwrap().for_each(|entry| age(&entry.unwrap().path(), to));
        }
        File::open(at).unwrap().set_modified(to).unwrap();
    }
    age(&branch.data.staging(), old);
    let expected = [("last_import", CheckState::Warn, "U 盘"), ("staging", CheckState::Warn, "guida import")];
    finds(&branch, &expected);
}

#[test]
fn a_model_file_that_is_gone_or_short_is_found() {
    let (_bank, branch) = sound();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.gguf");
    gguf::write_chat_model(&file, &gguf::ChatSpec::default());
    let added = guida(&["model", "add", file.to_str().unwrap(), "--name", "chat", "--data", path(&branch)]);
    assert!(added.status.success(), "{}", stderr(&added));
    let unmeasured = ("model_speed", CheckState::Warn, "guida model bench chat");
    finds(&branch, &[unmeasured]);
    let stored = fs::read_dir(branch.data.models()).unwrap().map(|entry| entry.unwrap().path());
    let stored = stored.filter(|path| path.extension().is_some_and(|e| e == "gguf")).last().unwrap();
    let bytes = fs::read(&stored).unwrap();
    fs::write(&stored, &bytes[..bytes.len() / 2]).unwrap();
    finds(&branch, &[unmeasured, ("model_files", CheckState::Fail, "guida model add")]);
    fs::remove_file(&stored).unwrap();
    finds(&branch, &[unmeasured, ("model_files", CheckState::Fail, "guida model remove chat")]);
    fs::write(branch.data.models().join("registry.json"), "{").unwrap();
    let altered = ("own_files", CheckState::Fail, "guida model list");
    finds(&branch, &[altered, ("model_registry", CheckState::Fail, "guida model add")]);
}

#[test]
fn a_running_service_is_left_alone_and_its_port_is_known() {
    let (_bank, branch) = sound();
    let product = Product::start(&["--data", path(&branch), "--no-embedder"]);
    let listen = product.addr.to_string();
    let output = guida(&["doctor", "--data", path(&branch), "--listen", &listen, "--json"]);
    let found = reply(&output);
    well_formed(&found);
    assert!(check(&found, "http").found.zh.contains("由本服务使用"), "{:?}", check(&found, "http"));
    for id in ["journal", "pointer", "knowledge_hash", "knowledge_sound", "clock"] {
        assert_eq!(check(&found, id).state, CheckState::Ok, "{:?}", check(&found, id));
    }
    assert_eq!(product.get("/healthz").status, 200);
    // Where no flag says it, the settings file does.
    fs::write(branch.data.root().join("guida.toml"), format!("[http]\nlisten = \"{listen}\"\n")).unwrap();
    let found = reply(&guida(&["doctor", "--data", path(&branch), "--json"]));
    assert!(check(&found, "http").found.zh.contains("由本服务使用"), "{:?}", check(&found, "http"));
    // The port of a Guida, but not of this folder's.
    let foreign = Product::start(&["--no-embedder"]);
    let address = foreign.addr.to_string();
    let found = reply(&guida(&["doctor", "--data", path(&branch), "--listen", &address, "--json"]));
    let http = check(&found, "http");
    assert!(http.state == CheckState::Fail && http.found.zh.contains("另一个柜答"), "{http:?}");
    // Another's port: what answers there is no Guida.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answers = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = other.accept().unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nServer: another\r\n\r\nhello").unwrap();
    });
    let found = reply(&guida(&["doctor", "--data", path(&branch), "--listen", &address, "--json"]));
    answers.join().unwrap();
    assert_eq!(check(&found, "http").state, CheckState::Fail);
}

/// A process looks at itself once at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_service_looks_at_itself_and_keeps_its_hold_on_the_journal() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_bank, branch) = sound();
    let kb = branch.data.knowledge(&branch.active().active.unwrap());
    let engine = Engine::open_home(branch.data.root(), &kb, None, None, Default::default()).unwrap();
    engine.handle(&Actor::operator(), Request::Status).unwrap();
    // Reading the journal here would itself let go of the locks.
    let journal = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with("state.db");
    let look = || {
        let files = ["state.db", "state.db-wal"].map(|name| seen(&branch.data.root().join(name), false));
        (listing_but(branch.data.root(), &journal), files)
    };
    let before = look();
    let examine = || match engine.handle(&Actor::operator(), Request::Doctor).unwrap() {
        Reply::Doctor(found) => found,
        other => panic!("{other:?}"),
    };
    let found = examine();
    well_formed(&found);
    assert_eq!(look(), before);
    for id in ["service", "journal", "pointer", "knowledge_hash", "clock", "last_import", "permissions"] {
        assert_eq!(check(&found, id).state, CheckState::Ok, "{:?}", check(&found, id));
    }
    // The locks of this process still stand: another one that closes the journal does not take its log away.
    assert!(guida(&["data", "log", "--data", path(&branch)]).status.success());
    let log = branch.data.root().join("state.db-wal");
    assert!(log.exists(), "the log was taken from under the service");
    let denied = engine.handle(&Actor::teller(Classification::Internal), Request::Doctor).unwrap_err();
    assert_eq!(denied.code(), Code::Denied);
    // What breaks while it runs is found by the next look.
    fs::write(&kb, b"").unwrap();
    assert_eq!(check(&examine(), "knowledge_hash").state, CheckState::Fail);
}

#[test]
fn settings_that_are_wrong_or_wait_for_a_restart_are_found() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_bank, branch) = sound();
    let file = branch.data.root().join("guida.toml");
    fs::write(&file, "[http]\nworkers = 0\n").unwrap();
    finds(&branch, &[("settings_file", CheckState::Fail, "guida settings --data")]);
    assert!(check(&examined(path(&branch)), "settings_file").found.zh.contains("guida.toml 第 2 行"));
    fs::write(&file, "[http]\nworkers = 3\n").unwrap();
    assert!(check(&examined(path(&branch)), "settings_file").found.en.contains("names 1 settings"));
    // The service knows what it was started with.
    let kb = branch.data.knowledge(&branch.active().active.unwrap());
    let desk = SettingsDesk::open(SettingsPlace::of(None, Some(branch.data.root())), Given::default());
    let engine =
        Engine::open_home(branch.data.root(), &kb, None, None, Default::default()).unwrap().with_settings(desk);
    let look = || match engine.handle(&Actor::operator(), Request::Doctor).unwrap() {
        Reply::Doctor(found) => check(&found, "settings_file").clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(look().state, CheckState::Ok);
    fs::write(&file, "[http]\nworkers = 4\n").unwrap();
    let one = look();
    assert!(one.state == CheckState::Warn && one.found.zh.contains("http.workers"), "{one:?}");
    assert!(one.remedy.en.contains("systemctl restart guida"));
    fs::write(&file, "[http]\nwokers = 4\n").unwrap();
    assert_eq!(look().state, CheckState::Fail);
}

#[test]
fn a_service_without_a_data_folder_says_so() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = Engine::open(&product::sample(), None, None, None).unwrap();
    let Reply::Doctor(found) = engine.handle(&Actor::operator(), Request::Doctor).unwrap() else { panic!("doctor") };
    well_formed(&found);
    assert_eq!(check(&found, "data_folder").state, CheckState::Skipped);
    assert_eq!(check(&found, "service").state, CheckState::Ok);
    assert_eq!(check(&found, "knowledge_sound").state, CheckState::Ok);
}

#[test]
fn a_service_that_was_killed_is_a_fault_whoever_has_its_port_now() {
    let (_bank, branch) = sound();
    let product = Product::start(&["--data", path(&branch), "--no-embedder"]);
    product::signal("KILL", product.pid());
    drop(product);
    let successor = Product::start(&["--no-embedder"]);
    let listen = successor.addr.to_string();
    let output = guida(&["doctor", "--data", path(&branch), "--listen", &listen, "--json"]);
    let found = reply(&output);
    assert_eq!(output.status.code(), Some(1));
    for id in ["service", "http"] {
        assert_eq!(check(&found, id).state, CheckState::Fail, "{:?}", check(&found, id));
    }
}
