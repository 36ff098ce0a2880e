//! Real services on real data folders.

use super::client::{self, PATIENCE};
use super::packs::{self, Bank, Branch, knowledge};
use super::product::{self, GUIDA, Product, guida, signal, stderr, until};
use super::{Raw, connect, me, mode};
use guida::admin::client::{CallError, Client, ConnectError};
use guida::admin::{MAX_CONNECTIONS, MAX_REQUEST_BYTES, PROTOCOL, socket_path};
use guida::engine::importing::{ImportRequest, ImportState};
use guida::engine::logs::{LogLevel, LogRequest};
use guida::engine::reply::Reply;
use guida::engine::request::Request;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A service on a data folder that only holds models, or nothing yet.
fn plain() -> (TempDir, Product) {
    let data = TempDir::new().unwrap();
    let product = serve_on(data.path());
    (data, product)
}

fn serve_on(data: &Path) -> Product {
    let sample = product::sample();
    Product::start(&["--data", data.to_str().unwrap(), "--kb", sample.to_str().unwrap(), "--no-embedder"])
}

/// A service on a data folder that was set up.
fn serve_home(branch: &Branch) -> Product {
    Product::start(&["--data", branch.data.root().to_str().unwrap(), "--no-embedder"])
}

#[test]
fn whoever_may_enter_the_folder_is_greeted_by_name_and_served() {
    let (data, product) = plain();
    let path = socket_path(data.path());
    assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o660, 0o750));
    let (mut raw, greeting) = Raw::connect(&path);
    // The same word as at its port.
    let instance = product.get("/healthz").json()["instance"].clone();
    assert!(instance.as_str().is_some_and(|word| word.len() == 16), "{instance}");
    let (version, pid) = (env!("CARGO_PKG_VERSION"), product.pid());
    let expected = json!({ "guida": version, "protocol": PROTOCOL, "pid": pid, "instance": instance, "you": me() });
    assert_eq!(greeting, expected);
    let status = raw.ask(r#"{"id":7,"request":"status"}"#);
    assert_eq!(status["id"], 7);
    // The same as over HTTP.
    let over_http = product.get("/api/v1/status").json();
    assert_eq!(status["ok"]["status"]["generation"], over_http["generation"]);
    assert_eq!(status["ok"]["status"]["clauses"], over_http["clauses"]);
    // What only an operator may ask; the folder was not set up.
    let branch = raw.ask(r#"{"id":8,"request":"branch"}"#);
    assert_eq!((&branch["id"], &branch["error"]["code"]), (&json!(8), &json!("DATA_FOLDER")));
    assert!(raw.ask(r#"{"id":9,"request":"journal"}"#)["error"].is_object());
    assert!(raw.ask(r#"{"id":9,"request":"difference"}"#)["ok"]["difference"].is_null(), "nothing to compare with");
    let answer = raw.ask(r#"{"id":10,"request":{"ask":{"question":"没预约今天取20万能付吗"}}}"#);
    assert_eq!(answer["ok"]["answer"]["card"]["refused"], false);
    assert!(answer.get("more").is_none(), "no prose was asked for");
}

#[test]
fn no_line_of_a_client_harms_the_service_or_its_own_connection() {
    let (data, product) = plain();
    let (mut raw, _) = Raw::connect(&socket_path(data.path()));
    let deep = "[".repeat(60_000);
    let bad: [&[u8]; 12] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"status\"",
        br#"{"request":"status"}"#,
        br#"{"id":-1,"request":"status"}"#,
        br#"{"id":1,"request":"no_such_request"}"#,
        br#"{"id":1,"request":{"ask":{"question":1}}}"#,
        br#"{"id":1,"request":{"ask":{"question":"a","unknown":1}}}"#,
        br#"{"id":1,"request":"status","as":"root"}"#,
        deep.as_bytes(),
    ];
    let mut refused = |line: &[u8], code: &str| {
        raw.send(line);
        raw.send(b"\n");
        let answer = raw.line().expect("an answer");
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(code)));
        assert!(answer["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    };
    for line in bad {
        refused(line, "BAD_JSON");
    }
    refused(b"{\"id\":1,\"request\":\"\xc4\xe3\"}", "NOT_UTF8");
    refused(&[0; 100], "BAD_JSON");
    // Too long, with and without sense, once and again: the rest of the line is skipped.
    let long = json!({ "id": 1, "request": { "documents": { "filter": "x".repeat(MAX_REQUEST_BYTES) } } }).to_string();
    refused(long.as_bytes(), "BODY_TOO_LARGE");
    refused(&vec![b'x'; 40 * MAX_REQUEST_BYTES], "BODY_TOO_LARGE");
    // A line of the full length, sent in pieces, is one line.
    let filter = "x".repeat(MAX_REQUEST_BYTES - 200);
    let whole = json!({ "id": 5, "request": { "documents": { "filter": filter } } }).to_string() + "\n";
    for piece in whole.as_bytes().chunks(7_001) {
        raw.send(piece);
    }
    assert_eq!(raw.line().unwrap()["error"]["code"], "BAD_PARAMETER");
    // Several at once are answered in order.
    raw.send(b"{\"id\":11,\"request\":\"status\"}\n{\"id\":12,\"request\":\"status\"}\n{\"id\":13,\"req");
    assert_eq!((raw.line().unwrap()["id"].clone(), raw.line().unwrap()["id"].clone()), (json!(11), json!(12)));
    raw.send(b"uest\":\"status\"}\n");
    assert_eq!(raw.line().unwrap()["id"], 13);
    // Half a line and gone.
    raw.send(b"{\"id\":14,");
    drop(raw);
    assert!(connect(data.path()).call(&Request::Status).is_ok());
    assert_eq!(product.get("/api/v1/status").status, 200);
}

#[test]
fn what_tellers_use_does_not_lead_to_the_requests_of_operators() {
    let (_data, product) = plain();
    for path in ["log", "journal", "branch", "settings", "doctor", "overview", "import", "model"] {
        for method in ["GET", "POST"] {
            let headers = [("Content-Type", "application/json")];
            let reply = client::request(product.addr, method, &format!("/api/v1/{path}"), &headers, b"{\"after\":0}");
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
        }
    }
    let request = br#"{"log":{"after":0}}"#;
    let reply = client::request(product.addr, "POST", "/api/v1/ask", &[("Content-Type", "application/json")], request);
    assert_eq!(reply.code(), "BAD_JSON");
}

#[test]
fn silent_connections_lock_no_administrator_out() {
    let (data, product) = plain();
    let path = socket_path(data.path());
    let mut open: Vec<Raw> = (0..MAX_CONNECTIONS).map(|_| Raw::connect(&path).0).collect();
    // One of them begins a line and never ends it.
    open[1].send(b"{\"id\":1,");
    for _ in 0..2 {
        let mut newcomer = Client::connect(&path, PATIENCE).expect("a place");
        assert!(matches!(newcomer.call(&Request::Status), Ok(Reply::Status(_))));
        open.push(Raw::connect(&path).0);
    }
    // Those that had waited longest are gone, the last one in is served, and so are tellers.
    assert!(open[0].line().is_none() && open[1].line().is_none());
    assert!(open.last_mut().unwrap().ask(r#"{"id":1,"request":"status"}"#)["ok"].is_object());
    assert_eq!(product.get("/api/v1/status").status, 200);
}

#[test]
fn an_orderly_end_removes_the_socket_and_waits_for_no_console() {
    let (data, product) = plain();
    let path = socket_path(data.path());
    let mut idle = connect(data.path());
    let (mut within_a_line, _) = Raw::connect(&path);
    within_a_line.send(b"{\"id\":1,");
    assert!(product.terminate().success());
    assert!(!path.exists());
    assert!(within_a_line.line().is_none());
    assert!(matches!(idle.call(&Request::Status), Err(CallError::Lost(_))));
    assert!(matches!(idle.call(&Request::Status), Err(CallError::Lost(_))), "lost stays lost");
    assert!(matches!(Client::connect(&path, PATIENCE), Err(ConnectError::NoSocket)));
    // The next one takes the folder.
    let next = serve_on(data.path());
    assert_eq!(connect(data.path()).greeting().pid, next.pid());
}

#[test]
fn a_service_that_was_killed_leaves_a_socket_that_the_next_one_replaces() {
    let (data, product) = plain();
    let path = socket_path(data.path());
    let mut console = connect(data.path());
    signal("KILL", product.pid());
    assert!(matches!(console.call(&Request::Status), Err(CallError::Lost(_))));
    drop(product);
    assert!(path.exists());
    assert!(matches!(Client::connect(&path, PATIENCE), Err(ConnectError::Refused)));
    let next = serve_on(data.path());
    assert_eq!(connect(data.path()).greeting().pid, next.pid());
    assert_eq!(mode(&path), 0o660);
}

#[test]
fn a_second_service_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let (data, product) = plain();
    let sample = product::sample();
    let second = guida(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--no-embedder",
        "--kb",
        sample.to_str().unwrap(),
        "--data",
        data.path().to_str().unwrap(),
    ]);
    assert_eq!(second.status.code(), Some(5), "{}", stderr(&second));
    assert!(stderr(&second).starts_with("[BUSY] 另一个柜答服务正在使用这个数据目录"), "{}", stderr(&second));
    let mut console = connect(data.path());
    assert_eq!(console.greeting().pid, product.pid());
    // The first one's log tells of it, for it is the same file.
    let Ok(Reply::Log(log)) = console.call(&Request::Log(LogRequest { after: 0 })) else { panic!("no log") };
    let file = PathBuf::from(log.file.expect("a log file"));
    assert_eq!(file, std::path::absolute(data.path()).unwrap().join("log/guida.log"));
    until("the refusal is in the file", || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("[BUSY]")));
}

#[test]
fn a_data_folder_without_room_for_a_socket_is_no_reason_not_to_serve() {
    let data = TempDir::new().unwrap();
    let sample = product::sample();
    let long = data.path().join("x".repeat(100));
    std::fs::create_dir(&long).unwrap();
    for folder in [data.path().join("none"), long] {
        let mut child = Command::new(GUIDA)
            .args(["serve", "--listen", "127.0.0.1:0", "--no-embedder", "--kb", sample.to_str().unwrap()])
            .args(["--data", folder.to_str().unwrap()])
            .env_remove("GUIDA_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        signal("TERM", child.id());
        let ended = child.wait_with_output().unwrap();
        assert!(line.starts_with("listening http://") && ended.status.success(), "{line}{}", stderr(&ended));
        assert!(stderr(&ended).contains("no console for this service: ["), "{}", stderr(&ended));
    }
    assert!(!data.path().join("none").exists());
}

#[test]
fn the_journal_says_who_imported_and_went_back_and_the_log_what_happened() {
    let bank = Bank::new();
    let branch = Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick());
    let stick = bank.pack(8, &knowledge("三十万元")).stick();
    let product = serve_home(&branch);
    let mut console = connect(branch.data.root());
    let you = console.greeting().you.clone();
    assert_eq!(you, me());

    let mut import = |request: ImportRequest| match console.call(&Request::Import(request)) {
        Ok(Reply::Import(reply)) => reply.state,
        other => panic!("{other:?}"),
    };
    let settled = |import: &mut dyn FnMut(ImportRequest) -> ImportState, what: &str| {
        let mut state = ImportState::Idle;
        until(what, || {
            state = import(ImportRequest::State);
            match what {
                "waiting" => matches!(state, ImportState::Waiting { .. }),
                "done" => matches!(state, ImportState::Done { .. }),
                _ => matches!(state, ImportState::Turned { .. } | ImportState::Failed { .. }),
            }
        });
        state
    };
    import(ImportRequest::Begin { source: stick.path().to_owned() });
    let ImportState::Waiting { preview } = settled(&mut import, "waiting") else { panic!("no preview") };
    import(ImportRequest::Confirm { gid: preview.gid.clone() });
    settled(&mut import, "done");
    import(ImportRequest::Rollback { from: preview.gid.clone() });
    assert!(matches!(settled(&mut import, "turned"), ImportState::Turned { .. }));
    // Taken back: the same stick is refused.
    import(ImportRequest::Begin { source: stick.path().to_owned() });
    assert!(matches!(settled(&mut import, "failed"), ImportState::Failed { .. }));

    let Ok(Reply::Journal(journal)) = console.call(&Request::Journal) else { panic!("no journal") };
    let by = |event: &str| journal.iter().find(|e| e.event == event && e.code == "OK").map(|e| e.actor.as_str());
    assert_eq!((by("commit"), by("rollback")), (Some(you.as_str()), Some(you.as_str())), "{journal:?}");
    assert!(journal.windows(2).all(|pair| pair[0].id > pair[1].id), "the latest first");
    let Ok(Reply::Branch(status)) = console.call(&Request::Branch) else { panic!("no branch") };
    assert_eq!(status.branch.branch, packs::BRANCH);
    assert_eq!(status.hold.map(|serial| serial.seq), Some(8));
    assert!(status.active.is_some_and(|active| active.gid.starts_with("1-7-")));

    let Ok(Reply::Log(log)) = console.call(&Request::Log(LogRequest { after: 0 })) else { panic!("no log") };
    let of = |words: &[&str]| {
        let found = log.lines.iter().find(|line| words.iter().all(|word| line.message.contains(word)));
        found.unwrap_or_else(|| panic!("{words:?} is not in {:#?}", log.lines))
    };
    let path = stick.path().to_str().unwrap();
    assert_eq!(of(&["import of", path, "asked for", &you]).level, LogLevel::Info);
    of(&["1-8-", "waits for a person"]);
    of(&["confirmed", &you]);
    of(&["import: 1-8-", "is in use now"]);
    of(&["rollback asked for", &you]);
    of(&["1-7-", "is in use again"]);
    assert_eq!(of(&["failed: [PACK_ROLLBACK]"]).level, LogLevel::Warn);
    of(&["serves knowledge", env!("CARGO_PKG_VERSION"), "http://127.0.0.1:", "data="]);
    of(&["administrators connect to", "admin.sock"]);
    assert!(log.lines.windows(2).all(|pair| pair[0].number < pair[1].number));
    // Only news.
    let after = log.lines[log.lines.len() - 2].number;
    let Ok(Reply::Log(news)) = console.call(&Request::Log(LogRequest { after })) else { panic!("no log") };
    assert_eq!(news.lines[0].number, after + 1);

    // The same lines stand in the file, and the end of the service too. A question stands nowhere.
    let file = PathBuf::from(log.file.clone().expect("a file"));
    let asked = client::ask(product.addr, r#"{"question":"支取现金要提前几日预约"}"#);
    assert_eq!(asked.status, 200);
    assert!(product.terminate().success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(log.lines.iter().all(|line| text.contains(&line.message)), "{text}");
    assert!(text.trim_end().ends_with("stopped"), "{text}");
    assert!(!text.contains("支取现金"), "{text}");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o640, 0o750));
}
