//! A box whose folder cannot be written, or whose journal is damaged, answers from what is whole and says what is not.

#[path = "common/client.rs"]
mod client;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;

use packs::{Bank, Branch, knowledge};
use product::Product;
use std::fs;
use std::process::Command;

fn in_use() -> Branch {
    let bank = Bank::new();
    Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick())
}

fn answers(product: &Product) {
    assert_eq!(product.get("/readyz").status, 200);
    let body = serde_json::json!({ "question": "支取现金要提前几日预约" }).to_string();
    let reply = client::ask(product.addr, &body);
    assert!(reply.status == 200 && reply.text().contains("二十万元"), "{}", reply.text());
}

fn codes(product: &Product) -> Vec<String> {
    let status = product.get("/api/v1/status").json();
    status["notices"].as_array().unwrap().iter().map(|n| n["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_journal_that_does_not_open_keeps_nobody_from_an_answer() {
    type Deed = fn(&std::path::Path);
    let deeds: [(&str, Deed); 3] = [
        ("no file at all", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("other bytes", |path| fs::write(path, [0x5a; 20_000]).unwrap()),
        ("a later version's", |path| {
            rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        }),
    ];
    for (what, deed) in deeds {
        let branch = in_use();
        deed(&branch.data.state_db());
        let before = fs::read(branch.data.state_db()).ok();
        let product = Product::start(&["--data", branch.data.root().to_str().unwrap(), "--no-embedder"]);
        answers(&product);
        assert_eq!(codes(&product), ["DATA_UNWRITABLE"], "{what}");
        drop(product);
        assert_eq!(fs::read(branch.data.state_db()).ok(), before, "{what}: it is left as it was");
    }
}

#[test]
fn a_read_only_folder_is_served_from() {
    let branch = in_use();
    let root = branch.data.root().to_str().unwrap();
    let mount = format!("mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec \"$0\" \"$@\"");
    let before = ["unshare", "--mount", "sh", "-c", mount.as_str()];
    let may =
        Command::new("unshare").args(["--mount", "sh", "-c", &mount.replace("exec \"$0\" \"$@\"", "true")]).status();
    if !may.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no mount namespace here");
        return;
    }
    let product = Product::start_in(&before, &["--data", root, "--no-embedder"]);
    answers(&product);
    assert_eq!(codes(&product), ["DATA_UNWRITABLE"]);
}

#[test]
fn a_disk_that_fills_up_is_told_before_it_is_full() {
    let branch = in_use();
    let root = branch.data.root().to_str().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().to_str().unwrap();
    // A disk of its own below the folder, in a mount namespace, reached from here through the service's root.
    let mount = format!(
        "cp -a {root}/. {copied} && mount -t tmpfs -o size=120m none {root} && cp -a {copied}/. {root} && exec \"$0\" \"$@\""
    );
    let may = Command::new("unshare")
        .args(["--mount", "sh", "-c", &mount.replace("exec \"$0\" \"$@\"", "true")])
        .stdout(std::process::Stdio::null())
        .status();
    if !may.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no mount namespace here");
        return;
    }
    fs::write(branch.data.root().join("guida.toml"), "[disk]\nreserve_mb = 64\n").unwrap();
    let before = ["unshare", "--mount", "sh", "-c", mount.as_str()];
    let product = Product::start_in(&before, &["--data", root, "--no-embedder"]);
    let filler = std::path::PathBuf::from(format!("/proc/{}/root{root}/filler", product.pid()));
    assert_eq!(codes(&product), Vec::<String>::new());
    fs::write(&filler, vec![0; 80 << 20]).unwrap();
    product::until("it is told", || codes(&product) == ["DISK_LOW"]);
    assert!(product.get("/metrics").text().contains("guida_notice{code=\"DISK_LOW\"} 1"));
    answers(&product);
    // Full to the last byte, tellers are answered all the same.
    let all = filler.with_file_name("all");
    let _ = fs::write(&all, vec![0; 60 << 20]);
    answers(&product);
    fs::remove_file(all).unwrap();
    fs::remove_file(filler).unwrap();
    product::until("there is room again", || codes(&product).is_empty());
}

#[test]
fn a_folder_that_everybody_may_read_is_closed_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let branch = in_use();
    let gid = branch.active().active.unwrap();
    let files = [branch.data.knowledge(&gid), branch.data.state_db(), branch.data.branch_file()];
    let folders = [branch.data.root().to_owned(), branch.data.generations(), branch.data.generation(&gid)];
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    folders.iter().for_each(|folder| set(folder, 0o755));
    files.iter().for_each(|file| set(file, 0o644));
    let root = branch.data.root().to_str().unwrap();
    let doctor = || {
        let found = product::json(&product::guida(&["doctor", "--data", root, "--json"]));
        let check =
            found["checks"].as_array().unwrap().iter().find(|check| check["id"] == "permissions").unwrap().clone();
        check["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(doctor(), "fail");
    let product = Product::start_in(&["sh", "-c", "umask 000; exec \"$0\" \"$@\""], &["--data", root, "--no-embedder"]);
    answers(&product);
    for path in files.iter().chain(&folders) {
        assert_eq!(mode(path) & 0o007, 0, "{}", path.display());
    }
    for made in ["log/guida.log", "state.db-wal", "run/admin.sock"] {
        assert_eq!(mode(&branch.data.root().join(made)) & 0o007, 0, "{made}");
    }
    assert_eq!(doctor(), "ok");
}

#[test]
fn why_a_service_did_not_start_is_an_error_in_its_log() {
    let branch = in_use();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let root = branch.data.root().to_str().unwrap();
    let ended = product::guida(&["serve", "--data", root, "--no-embedder", "--listen", &address]);
    assert!(!ended.status.success());
    let log = fs::read_to_string(branch.data.root().join("log/guida.log")).unwrap();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(&address)), "{log}");
}
