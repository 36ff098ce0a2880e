//! The settings of a box: the file and what is wrong with it, the layers above it, changing it while a service runs, and what is left of
//! it when the power goes meanwhile. The real program, real files.

#[path = "common/disks.rs"]
mod disks;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/rules.rs"]
mod rules;

use disks::{Fault, FaultyDisk, Kind, RecordingDisk};
use guida::answer::Writers;
use guida::config::{Given, Key, Origin, SETTINGS, SettingRow};
use guida::engine::Engine;
use guida::engine::reply::{Reply, SettingsReply};
use guida::engine::request::{Actor, Request};
use guida::engine::settings::{SettingsDesk, SettingsPlace, SettingsRequest, at_rest};
use guida::error::Code;
use guida::http::HttpSettings;
use guida::store::state::StateDb;
use guida::types::Classification;
use packs::{Bank, Branch};
use rustix::io::Errno;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Settings under which a service starts fast and on a free port; the sample knowledge is in the test's working folder.
const QUICK: &str = "[http]\nlisten = \"127.0.0.2:0\"\n[models]\nuse_embedder = false\n";

/// A data folder with these settings.
fn folder(settings: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(file(&folder), settings).unwrap();
    folder
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("guida.toml")
}

fn guida(arguments: &[&str], data: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guida"));
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null());
    for setting in SETTINGS {
        command.env_remove(setting.env());
    }
    command.env_remove("GUIDA_CONFIG").envs(env.iter().copied());
    command
}

/// Runs a command that must end: exit code, output, error.
fn run(arguments: &[&str], data: &Path, env: &[(&str, &str)]) -> (i32, String, String) {
    let output = guida(arguments, data, env).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

/// The value and origin of one setting, by `guida settings --json`.
fn told(key: &str, data: &Path, env: &[(&str, &str)]) -> (Value, Value) {
    let (code, out, err) = run(&["settings", "--json"], data, env);
    assert_eq!(code, 0, "{err}");
    let reply: Value = serde_json::from_str(&out).unwrap();
    let row = reply["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
    (row["value"].clone(), row["origin"].clone())
}

/// Where a service says that it listens. It is ended then.
fn listens(arguments: &[&str], data: &Path, env: &[(&str, &str)]) -> String {
    let mut child = guida(&[&["serve"], arguments].concat(), data, env)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _ = child.kill();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    let address = line.trim().strip_prefix("listening http://").unwrap_or_else(|| panic!("{line}{said}"));
    address.rsplit_once(':').unwrap().0.to_owned()
}

fn row<'a>(reply: &'a SettingsReply, key: &str) -> &'a SettingRow {
    reply.rows.iter().find(|row| row.key == key).unwrap()
}

fn set(key: &str, value: &str) -> SettingsRequest {
    SettingsRequest::Set { key: key.into(), value: value.into() }
}

fn reset(key: &str) -> SettingsRequest {
    SettingsRequest::Reset { key: key.into() }
}

#[test]
fn a_wrong_file_stops_the_service_and_everything_wrong_is_told_at_once() {
    let folder = folder("# 网点\n[http]\nwrokers = 8\nmax_waiting = 0\n\n[console]\nlanguage = zh\n");
    let (code, out, err) = run(&["serve"], folder.path(), &[("GUIDA_MODELS_SLOTS", "many")]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.starts_with("[CONFIG] 设置有 4 处不对"), "{err}");
    let name = file(&folder).display().to_string();
    for words in [
        &format!("{name} 第 3 行:没有 http.wrokers 这项设置,最接近的是 http.workers"),
        &format!("{name} 第 4 行:http.max_waiting 应是1 到 4096 的整数,不加引号,现在是 0"),
        &format!("{name} 第 7 行:文字 zh 没有加引号"),
        "环境变量 GUIDA_MODELS_SLOTS:models.slots 应是1 到 32 的整数,现在是 many",
        "。建议:",
    ] {
        assert!(err.contains(words), "{words}\nis missing in\n{err}");
    }
    // One alone is the whole message.
    fs::write(file(&folder), "[http]\nwrokers = 8\n").unwrap();
    let (code, _, err) = run(&["serve"], folder.path(), &[]);
    assert_eq!(code, 2);
    assert!(err.starts_with(&format!("[CONFIG] {name} 第 2 行:没有 http.wrokers")), "{err}");
    // The list is shown beside it, and the error stands.
    let (code, out, err) = run(&["settings"], folder.path(), &[]);
    assert!(
        code == 2
            && out.contains("workers = 8  (默认)")
            && out.contains("GUIDA_HTTP_WORKERS")
            && err.contains("第 2 行"),
        "{out}{err}"
    );
    // A file that was named has to be there.
    let (code, _, err) = run(&["serve", "--config", "/nowhere/guida.toml"], folder.path(), &[]);
    assert!(code == 2 && err.contains("/nowhere/guida.toml:没有这个设置文件"), "{err}");
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let folder = folder(QUICK);
    let data = folder.path();
    let env = [("GUIDA_HTTP_LISTEN", "127.0.0.3:0")];
    let flag = ["--listen", "127.0.0.4:0"];
    assert_eq!(told("http.listen", data, &[]), ("127.0.0.2:0".into(), "file".into()));
    assert_eq!(told("http.listen", data, &env), ("127.0.0.3:0".into(), "env".into()));
    assert_eq!(told("http.workers", data, &[("GUIDA_HTTP_WORKERS", "")]), ("8".into(), "default".into()));
    assert_eq!(listens(&[], data, &[]), "127.0.0.2");
    assert_eq!(listens(&[], data, &env), "127.0.0.3");
    assert_eq!(listens(&flag, data, &env), "127.0.0.4");
    // Another file, by flag or by variable; the data folder's is not looked at then.
    let other = data.join("other.toml");
    fs::write(&other, QUICK.replace("127.0.0.2", "127.0.0.5")).unwrap();
    fs::write(file(&folder), "wrong").unwrap();
    let other = other.to_str().unwrap();
    assert_eq!(listens(&["--config", other], data, &[]), "127.0.0.5");
    assert_eq!(told("http.listen", data, &[("GUIDA_CONFIG", other)]), ("127.0.0.5:0".into(), "file".into()));
}

#[test]
fn the_command_line_changes_one_line_of_the_file() {
    let folder = TempDir::new().unwrap();
    let data = folder.path();
    assert_eq!(told("http.workers", data, &[]), ("8".into(), "default".into()));
    let (code, out, err) = run(&["settings", "set", "http.workers", "16"], data, &[]);
    assert!(code == 0 && out.contains("http.workers = 16") && out.contains("重启后采用"), "{out}{err}");
    // A file that was made is the explained one.
    let made = fs::read_to_string(file(&folder)).unwrap();
    assert_eq!(made, guida::config::NEW_FILE.replace("# workers = 8\n", "# workers = 8\nworkers = 16\n"));
    assert_eq!(told("http.workers", data, &[]), ("16".into(), "file".into()));
    let (_, out, _) = run(&["settings", "set", "http.workers", "17"], data, &[("GUIDA_HTTP_WORKERS", "9")]);
    assert!(out.contains("环境变量 GUIDA_HTTP_WORKERS") && out.contains("起作用的是 9"), "{out}");
    let (code, _, err) = run(&["settings", "set", "http.workers", "-1"], data, &[]);
    assert!(code == 2 && err.contains("[CONFIG] http.workers 应是1 到 256 的整数,给出的是“-1”"), "{err}");
    let (code, _, err) = run(&["settings", "reset", "http.wokers"], data, &[]);
    assert!(code == 2 && err.contains("最接近的是 http.workers"), "{err}");
    let (code, _, _) = run(&["settings", "reset", "http.workers"], data, &[]);
    assert_eq!((code, fs::read_to_string(file(&folder)).unwrap().as_str()), (0, guida::config::NEW_FILE));
    let (code, _, err) = run(&["settings", "set", "http.workers", "9"], &data.join("nowhere"), &[]);
    assert!(code != 0 && err.contains("写不成"), "{err}");
}

#[test]
fn a_running_service_tells_what_waits_for_its_next_start() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let data = branch.data.root();
    let path = data.join("guida.toml");
    fs::write(&path, "# 八个够用\n[http]\nworkers = 8 # 忙时再加\n").unwrap();
    let given = Given::from_env(|name| (name == "GUIDA_HTTP_MAX_WAITING").then(|| "99".into()));
    let desk = SettingsDesk::open(SettingsPlace::of(None, Some(data)), given);
    let engine =
        Engine::open_home(data, Path::new("none"), None, None, Writers::default()).unwrap().with_settings(desk);
    let li = Actor::named_operator("li".into());
    let ask = |request| match engine.handle(&li, Request::Settings(request)) {
        Ok(Reply::Settings(reply)) => Ok(reply),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let reply = ask(SettingsRequest::List).unwrap();
    assert_eq!(reply.rows.len(), SETTINGS.len());
    assert!(!reply.restart_needed && reply.problem.is_none() && reply.file.as_deref() == path.to_str());
    assert_eq!(row(&reply, "http.workers").origin, Origin::File);

    // What waits, and what counts at once.
    let reply = ask(set("http.workers", "16")).unwrap();
    let workers = row(&reply, "http.workers");
    assert_eq!((workers.value.as_deref(), workers.in_file.as_deref()), (Some("8"), Some("16")));
    assert!(workers.pending && reply.restart_needed);
    assert_eq!(fs::read_to_string(&path).unwrap(), "# 八个够用\n[http]\nworkers = 16 # 忙时再加\n");
    let reply = ask(set("console.language", "en")).unwrap();
    assert_eq!(
        (row(&reply, "console.language").value.as_deref(), row(&reply, "console.language").pending),
        (Some("en"), false)
    );
    assert!(engine.stick_folders().is_empty());
    ask(set("import.sticks", "/media:/mnt/中 文")).unwrap();
    assert_eq!(engine.stick_folders(), [Path::new("/media"), Path::new("/mnt/中 文")]);

    // What something above the file sets may be written, and is told.
    let reply = ask(set("http.max_waiting", "50")).unwrap();
    let waiting = row(&reply, "http.max_waiting");
    assert_eq!(
        (waiting.value.as_deref(), waiting.origin, waiting.in_file.as_deref()),
        (Some("99"), Origin::Env, Some("50"))
    );
    assert!(!waiting.pending);

    // Back to what runs: nothing waits.
    assert!(!ask(set("http.workers", "8")).unwrap().restart_needed);
    let reply = ask(reset("http.workers")).unwrap();
    assert!(!row(&reply, "http.workers").pending && row(&reply, "http.workers").in_file.is_none());

    // Nothing wrong gets in, and nothing is written then.
    let before = fs::read(&path).unwrap();
    for (request, words) in [
        (set("http.workers", "0"), "http.workers 应是1 到 256"),
        (set("http.workers", "acht"), "给出的是“acht”"),
        (set("models.embedder", "relative.gguf"), "以 / 开头的完整路径"),
        (set("console.colour", "16"), "console.color"),
        (reset("hello"), "没有 hello 这项设置"),
    ] {
        let error = ask(request).unwrap_err();
        assert_eq!(error.code(), Code::Config);
        assert!(error.message().contains(words), "{error}");
    }
    ask(set("models.flash_attention", "false")).unwrap();
    assert!(ask(set("models.kv_type", "q8_0")).unwrap_err().message().contains("flash attention"));
    ask(reset("models.flash_attention")).unwrap();
    let after = String::from_utf8(fs::read(&path).unwrap()).unwrap();
    assert_eq!(after.replace("\n[models]\n", ""), String::from_utf8(before).unwrap());

    // Tellers may not, and every change has its name in the journal.
    let teller = Actor::teller(Classification::Internal);
    let denied = engine.handle(&teller, Request::Settings(SettingsRequest::List)).unwrap_err();
    assert_eq!(denied.code(), Code::Denied);
    let events = branch.events();
    let changes: Vec<_> = events.iter().filter(|event| event.event == "settings").collect();
    assert!(
        changes.len() == 8 && changes.iter().all(|event| event.actor == "li" && event.code == "OK"),
        "{changes:#?}"
    );
    assert!(changes.iter().any(|event| event.detail == "http.workers:8 → 16"), "{changes:#?}");
    assert!(changes.iter().any(|event| event.detail == "http.workers:8 → (未设)"), "{changes:#?}");
}

#[test]
fn a_file_that_was_spoilt_beside_the_service_is_told_and_mended_setting_by_setting() {
    let folder = folder("http.workers = 12");
    let desk = SettingsDesk::open(SettingsPlace::of(None, Some(folder.path())), Given::default());
    let act = |request: &SettingsRequest| at_rest(&desk, folder.path(), request);
    fs::write(file(&folder), "http.workers = 0\nconsole.language = 'fr'\n# Ende\n").unwrap();
    let reply = act(&SettingsRequest::List).unwrap();
    assert_eq!(row(&reply, "http.workers").value.as_deref(), Some("12"));
    assert!(reply.problem.unwrap().message.contains("2 处"));
    // A right value beside a wrong one mends one of the two.
    assert!(act(&set("console.language", "en")).unwrap().problem.unwrap().message.contains("http.workers"));
    assert!(act(&set("http.max_waiting", "5")).is_err(), "a file that stays as wrong is not written");
    assert!(act(&reset("http.workers")).unwrap().problem.is_none());
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "console.language = \"en\"\n# Ende\n");
    // What is no settings file is left alone.
    for bytes in [&b"[http\n"[..], b"\xff\xfe[\0", &[b'#'; 70_000]] {
        fs::write(file(&folder), bytes).unwrap();
        assert_eq!(act(&set("http.workers", "9")).unwrap_err().code(), Code::Config);
        assert_eq!(fs::read(file(&folder)).unwrap(), bytes);
    }
    // Neither is a pipe waited for.
    fs::remove_file(file(&folder)).unwrap();
    assert!(Command::new("mkfifo").arg(file(&folder)).status().unwrap().success());
    assert!(act(&SettingsRequest::List).unwrap().problem.is_some());
    assert!(act(&set("http.workers", "9")).is_err());
    // A link stays one.
    fs::remove_file(file(&folder)).unwrap();
    let real = folder.path().join("real.toml");
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, file(&folder)).unwrap();
    act(&set("http.workers", "9")).unwrap();
    assert!(fs::symlink_metadata(file(&folder)).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "[http]\nworkers = 9\n");
    // Without a data folder there is nothing to write to.
    let nowhere = SettingsDesk::default();
    assert_eq!(at_rest(&nowhere, Path::new("x"), &set("http.workers", "9")).unwrap_err().code(), Code::DataFolder);
}

#[test]
fn a_power_cut_leaves_the_old_file_or_the_new_one() {
    const OLD: &str = "# 旧\n[http]\nworkers = 8\n";
    let new = OLD.replace('8', "16");
    let folder = disks::scratch();
    let path = folder.path().join("guida.toml");
    fs::write(&path, OLD).unwrap();
    let disk = Arc::new(RecordingDisk::of(folder.path()));
    let desk = || SettingsDesk::open(SettingsPlace::of(None, Some(folder.path())), Given::default());
    at_rest(&desk().on(disk.clone()), folder.path(), &set("http.workers", "16")).unwrap();
    disk.mark("done");
    let record = disk.record();
    assert_eq!(record.passed_by(), Vec::<PathBuf>::new());
    let figures = record
        .every_cut(|cut| match fs::read_to_string(cut.folder.join("guida.toml")) {
            Ok(text) if text == new || (text == OLD && !cut.has_mark("done")) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .unwrap();
    assert!(figures.operations >= 5 && figures.folders >= 5, "{figures:?}");

    // A full disk is told as such, and what stood there stands.
    let full = FaultyDisk::with(&[Fault::on(Kind::Write, "guida.toml", Errno::NOSPC)]);
    let error = at_rest(&desk().on(Arc::new(full)), folder.path(), &set("http.workers", "32")).unwrap_err();
    assert_eq!(error.code(), Code::NoSpace);
    assert_eq!(fs::read_to_string(&path).unwrap(), new);
}

#[test]
fn changes_made_at_the_same_time_are_all_kept() {
    let folder = folder("");
    let numbers = ["http.workers", "http.max_waiting", "models.threads", "models.batch", "models.context"];
    std::thread::scope(|scope| {
        for key in numbers {
            let data = folder.path();
            scope.spawn(move || {
                let desk = SettingsDesk::open(SettingsPlace::of(None, Some(data)), Given::default());
                // 256 is within the limits of all of them.
                for request in [set(key, "256"), reset(key), set(key, "256"), reset(key), set(key, "256")] {
                    at_rest(&desk, data, &request).unwrap();
                }
            });
        }
    });
    let desk = SettingsDesk::open(SettingsPlace::of(None, Some(folder.path())), Given::default());
    let settings = desk.checked().unwrap();
    for key in [Key::HttpWorkers, Key::HttpMaxWaiting, Key::ModelsThreads, Key::ModelsBatch, Key::ModelsContext] {
        assert_eq!(settings.number::<i64>(key), Some(256));
    }
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_server() {
    let usual = HttpSettings::new(([127, 0, 0, 1], 8080).into());
    let desk = SettingsDesk::default();
    let settings = desk.checked().unwrap();
    assert_eq!(settings.address(Key::HttpListen), Some(usual.listen));
    assert_eq!(settings.number(Key::HttpWorkers), Some(usual.workers));
    assert_eq!(settings.number(Key::HttpMaxConnections), Some(usual.max_connections));
    assert_eq!(settings.number(Key::HttpMaxWaiting), Some(usual.max_waiting));
    assert_eq!(settings.number(Key::HttpQueueTimeout).map(Duration::from_secs), Some(usual.queue_timeout));
    assert_eq!(settings.number(Key::HttpProseTimeout).map(Duration::from_secs), Some(usual.prose_timeout));
}

#[test]
fn the_unit_leaves_the_settings_to_the_file() {
    let unit = include_str!("../packaging/systemd/guida.service");
    let line = |start: &str| unit.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    // What the unit sets itself, nobody could change in the file.
    let words: Vec<&str> = line("ExecStart=").split(' ').skip(1).collect();
    assert_eq!(words, ["serve", "--data", "/var/lib/guida"]);
    assert!(unit.lines().filter(|line| line.starts_with("Environment=")).eq(["Environment=GUIDA_DATA=/var/lib/guida"]));
    // Its preparation, as systemd runs it, in another folder: made once, and left alone afterwards.
    let folder = TempDir::new().unwrap();
    let script = line("ExecStartPre=/bin/sh -c ").trim_matches('\'');
    let script = script
        .replace("/var/lib/guida", folder.path().to_str().unwrap())
        .replace("/usr/bin/guida", env!("CARGO_BIN_EXE_guida"));
    let prepare = || Command::new("sh").args(["-c", &script]).env("GUIDA_DATA", folder.path()).output().unwrap();
    assert!(prepare().status.success(), "{:?}", prepare());
    assert_eq!(told("http.listen", folder.path(), &[]), ("0.0.0.0:8080".into(), "file".into()));
    fs::write(file(&folder), QUICK).unwrap();
    assert!(prepare().status.success());
    assert_eq!(fs::read_to_string(file(&folder)).unwrap(), QUICK);
    assert_eq!(listens(&[], folder.path(), &[]), "127.0.0.2");
}

#[test]
fn a_change_without_a_service_is_in_the_journal_too() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let data = branch.data.root();
    let (code, _, err) = run(&["settings", "set", "console.color", "none"], data, &[]);
    assert_eq!(code, 0, "{err}");
    let events = StateDb::open(&branch.data.state_db()).unwrap().events(10).unwrap();
    assert!(events.iter().any(|e| e.event == "settings"
        && e.actor.starts_with("operator uid=")
        && e.detail == "console.color:(未设) → none"));
}
