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
