//! A running service and what happens to its data folder: imports beside it and by request, going back, a damaged pointer, the clock,
//! reviews. Row 54 of the matrix: steady queries during an import.

#[path = "common/client.rs"]
mod client;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;

use guida::admin::client::Client;
use guida::admin::socket_path;
use guida::clock::{BoxClock, Forgetful};
use guida::config::Given;
use guida::engine::Engine;
use guida::engine::importing::{ImportRequest, ImportState, StepId, StepState};
use guida::engine::reply::{Difference, ImportReply, Reply, SticksReply};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::engine::settings::{SettingsDesk, SettingsPlace, SettingsRequest};
use guida::error::Code;
use guida::store::Knowledge;
use guida::store::generations::Active;
use guida::store::state::StateDb;
use guida::types::{Classification, Serial};
use packs::{Bank, Branch, knowledge};
use product::{Product, guida, json, stderr, until};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const QUESTION: &str = "支取现金要提前几日预约";

fn serve(branch: &Branch) -> Product {
    Product::start(&["--data", root(branch), "--no-embedder"])
}

fn root(branch: &Branch) -> &str {
    branch.data.root().to_str().unwrap()
}

/// The identity of the knowledge in these bytes.
fn identity(knowledge: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), knowledge).unwrap();
    Knowledge::open(file.path()).unwrap().generation().0.clone()
}

/// The generation of an answer and the clause that it shows.
fn ask(product: &Product) -> (String, String) {
    let body = serde_json::json!({ "question": QUESTION }).to_string();
    let reply =
        client::request(product.addr, "POST", "/api/v1/ask", &[("Content-Type", "application/json")], body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let card = reply.json();
    (
        card["generation"].as_str().unwrap().to_owned(),
        card["citations"][0]["text"].as_str().expect("a clause").to_owned(),
    )
}

fn codes(product: &Product) -> Vec<String> {
    let status = product.get("/api/v1/status").json();
    status["notices"].as_array().unwrap().iter().map(|n| n["code"].as_str().unwrap().to_owned()).collect()
}

fn run(command: &[&str], branch: &Branch) -> std::process::Output {
    guida(&[command, &["--data", root(branch)]].concat())
}

#[test]
fn row_54_steady_queries_during_an_import() {
    let bank = Bank::new();
    let (old, new) = (knowledge("二十万元"), knowledge("三十万元"));
    let branch = Branch::with(&bank, &bank.pack(7, &old).stick());
    let stick = bank.pack(8, &new).delta_from(&old).stick();
    let product = serve(&branch);
    let (before, after) = (identity(&old), identity(&new));
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = before.clone();
                while !stop.load(Ordering::Acquire) {
                    let (generation, text) = ask(&product);
                    // One generation per answer: its clause is of the knowledge that it names.
                    let amount = if generation == before { "二十万元" } else { "三十万元" };
                    assert!(text.contains(amount), "{generation}: {text}");
                    assert!(last != after || generation == after, "an old answer after a new one");
                    last = generation.clone();
                    seen.lock().unwrap_or_else(PoisonError::into_inner).insert(generation);
                    asked.fetch_add(1, Ordering::Relaxed);
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            });
        }
        until("some questions", || asked.load(Ordering::Relaxed) > 20);
        let imported = run(&["import", stick.path().to_str().unwrap(), "--yes", "--no-embedder", "--json"], &branch);
        assert!(imported.status.success(), "{}", stderr(&imported));
        until("the new knowledge answers", || seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&after));
        let (then, more) = (asked.load(Ordering::Relaxed), 40);
        until("questions afterwards", || asked.load(Ordering::Relaxed) > then + more);
        stop.store(true, Ordering::Release);
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen, BTreeSet::from([before.clone(), after.clone()]));
    // Back, and forward again, without a restart.
    assert!(run(&["data", "rollback"], &branch).status.success());
    until("the old knowledge answers", || ask(&product).0 == before);
    assert!(run(&["data", "release"], &branch).status.success());
    until("the new knowledge answers again", || ask(&product).0 == after);
}

#[test]
fn a_service_without_an_import_answers_from_the_file_that_came_with_it_and_takes_the_first_one_up() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let product = serve(&branch);
    let status = product.get("/api/v1/status").json();
    let sample = Knowledge::open(&product::sample()).unwrap().generation().0.clone();
    assert_eq!(status["generation"], sample);
    let new = knowledge("三十万元");
    branch.import(&bank.pack(1, &new).stick()).unwrap();
    until("the first import answers", || product.get("/api/v1/status").json()["generation"] == identity(&new));
}

/// A service on a branch in a working directory without a knowledge file.
fn serve_elsewhere(branch: &Branch, elsewhere: &Path) -> Product {
    let before = ["env", "-C", elsewhere.to_str().unwrap()];
    Product::start_in(&before, &["--data", root(branch), "--no-embedder"])
}

fn call(client: &mut Client, request: Request) -> Reply {
    client.call(&request).unwrap_or_else(|e| panic!("{request:?}: {e:?}"))
}

fn question() -> AskRequest {
    AskRequest { question: QUESTION.into(), ..AskRequest::default() }
}

#[test]
fn a_box_without_knowledge_says_so_and_answers_after_its_first_import_without_a_restart() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let elsewhere = tempfile::TempDir::new().unwrap();
    let product = serve_elsewhere(&branch, elsewhere.path());

    // Alive, not ready, and telling why: the page, the API, monitoring.
    assert_eq!(product.get("/healthz").status, 200);
    let ready = product.get("/readyz");
    assert_eq!((ready.status, &ready.json()["error"]["code"]), (503, &"NO_KNOWLEDGE".into()));
    assert_eq!(codes(&product), ["NO_KNOWLEDGE"]);
    assert!(product.get("/metrics").text().contains("guida_notice{code=\"NO_KNOWLEDGE\"} 1"));
    assert_eq!(product.get("/api/v1/documents").json()["documents"].as_array().map(Vec::len), Some(0));
    for asked in [QUESTION, "示例银行大额现金业务管理办法第七条", "第七条"] {
        let body = serde_json::json!({ "question": asked }).to_string();
        let headers = [("Content-Type", "application/json")];
        let refused = client::request(product.addr, "POST", "/api/v1/ask", &headers, body.as_bytes());
        assert_eq!(refused.status, 200, "{}", refused.text());
        let card = refused.json();
        assert_eq!((&card["refused"], &card["confidence"]), (&true.into(), &0.0.into()), "{asked}");
        let reason = card["refusal"]["reason"].as_str().unwrap();
        assert!(reason.contains("还没有知识") && reason.contains("guida import"), "{asked}: {reason}");
    }

    // For the console: the trace, the doctor inside and outside, the status of the folder.
    let mut console =
        Client::connect(&socket_path(branch.data.root()), client::PATIENCE).expect("the console's socket");
    let Reply::Trace(trace) = call(&mut console, Request::Trace(question())) else { panic!("no trace") };
    assert_eq!(trace.reasons.len(), 1);
    assert!(trace.reasons[0].en.contains("no knowledge yet") && trace.factors.is_empty(), "{:?}", trace.reasons);
    let Reply::Doctor(inside) = call(&mut console, Request::Doctor) else { panic!("no doctor") };
    let outside = json(&run(&["doctor", "--json"], &branch));
    let outside: guida::engine::doctor::DoctorReply = serde_json::from_value(outside).unwrap();
    for found in [inside, outside] {
        let of = |id: &str| found.checks.iter().find(|check| check.id == id).unwrap();
        assert!(of("pointer").found.zh.contains("还没有导入过知识"), "{:?}", of("pointer"));
        assert!(of("pointer").remedy.zh.contains("guida import"));
        for id in ["knowledge_file", "knowledge_hash", "knowledge_sound", "encoder"] {
            assert!(of(id).found.zh.contains("还没有知识"), "{:?}", of(id));
        }
    }
    assert!(json(&run(&["data", "status", "--json"], &branch))["active"].is_null());
    assert_eq!(branch.generations(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is left behind");

    // The first import, from the console.
    let new = knowledge("三十万元");
    let stick = bank.pack(1, &new).stick();
    let mut import = |request: ImportRequest| match call(&mut console, Request::Import(request)) {
        Reply::Import(reply) => reply.state,
        other => panic!("{other:?}"),
    };
    import(begin(stick.path()));
    let mut state = ImportState::Idle;
    until("the pack is read", || {
        state = import(ImportRequest::State);
        !matches!(state, ImportState::Working { .. })
    });
    let ImportState::Waiting { preview } = &state else { panic!("{state:?}") };
    let gid = preview.gid.clone();
    import(ImportRequest::Confirm { gid });
    until("the pack is in use", || {
        state = import(ImportRequest::State);
        !matches!(state, ImportState::Working { .. } | ImportState::Waiting { .. })
    });
    assert!(matches!(state, ImportState::Done { .. }), "{state:?}");
    let (generation, text) = ask(&product);
    assert!(generation == identity(&new) && text.contains("三十万元"), "{generation}: {text}");
    assert_eq!(codes(&product), Vec::<String>::new());
    assert_eq!(product.get("/readyz").status, 200);
}

#[test]
fn only_a_box_that_is_new_starts_without_knowledge() {
    let bank = Bank::new();
    let nowhere = Path::new("/nowhere/knowledge.db");
    let open = |branch: &Branch| Engine::open_home(branch.data.root(), nowhere, None, None, Default::default());
    let refused = |branch: &Branch, code: Code| assert_eq!(open(branch).err().map(|e| e.code()), Some(code));
    let branch = Branch::of(&bank);
    assert_eq!(notices(&open(&branch).unwrap()), ["NO_KNOWLEDGE"]);
    // A file that was named and is not there is a mistake that somebody must hear of.
    let fails = |args: &[&str]| {
        let ended = run(&[&["serve", "--listen", "127.0.0.1:0", "--no-embedder"], args].concat(), &branch);
        assert!(ended.status.code() == Some(6) && stderr(&ended).contains("[KB_OPEN]"), "{}", stderr(&ended));
    };
    fails(&["--kb", "/nowhere/knowledge.db"]);
    let set = run(&["settings", "set", "knowledge.file", "/nowhere/knowledge.db"], &branch);
    assert!(set.status.success(), "{}", stderr(&set));
    fails(&[]);
    // What was there and is damaged is not taken for a new box.
    let used = Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick());
    std::fs::remove_file(used.data.active_backup()).unwrap();
    std::fs::write(used.data.active_file(), b"{").unwrap();
    refused(&used, Code::ActiveCorrupt);
    let gone = Branch::in_use(&bank);
    std::fs::remove_file(gone.data.knowledge(gone.active().active.as_deref().unwrap())).unwrap();
    assert_eq!(notices(&open(&gone).unwrap()), ["KNOWLEDGE_ALTERED"]);
}

#[test]
fn a_folder_that_was_not_set_up_stays_as_it_is() {
    let bank = Bank::new();
    let folder = tempfile::TempDir::new().unwrap();
    let stick = bank.pack(7, &knowledge("二十万元")).stick();
    for data in [folder.path().to_owned(), folder.path().join("none")] {
        let data = data.to_str().unwrap();
        let refused = guida(&["import", stick.path().to_str().unwrap(), "--yes", "--no-embedder", "--data", data]);
        assert_eq!(refused.status.code(), Some(6));
        assert!(stderr(&refused).contains("DATA_FOLDER"), "{}", stderr(&refused));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn operator() -> Actor {
    Actor::operator()
}

fn asked(engine: &Engine, request: ImportRequest) -> ImportReply {
    match engine.handle(&operator(), Request::Import(request)).unwrap() {
        Reply::Import(reply) => *reply,
        other => panic!("{other:?}"),
    }
}

fn import(engine: &Engine, request: ImportRequest) -> ImportState {
    asked(engine, request).state
}

/// The yes to what waits for one.
fn confirmed(engine: &Engine) -> ImportRequest {
    match import(engine, ImportRequest::State) {
        ImportState::Waiting { preview } => ImportRequest::Confirm { gid: preview.gid },
        other => panic!("{other:?}"),
    }
}

/// The generation that the pointer names.
fn answering(engine: &Engine) -> String {
    match engine.handle(&operator(), Request::Branch).unwrap() {
        Reply::Branch(branch) => branch.active.expect("a generation").gid,
        other => panic!("{other:?}"),
    }
}

/// The steps that were told, in their order.
fn steps(engine: &Engine) -> Vec<(StepId, StepState)> {
    asked(engine, ImportRequest::State).steps.iter().map(|step| (step.id, step.state)).collect()
}

fn all_well(steps: &[StepId]) -> Vec<(StepId, StepState)> {
    steps.iter().map(|id| (*id, StepState::Ok)).collect()
}

fn home(branch: &Branch) -> Engine {
    Engine::open_home(branch.data.root(), &product::sample(), None, None, Default::default()).unwrap()
}

fn difference(engine: &Engine) -> Option<Difference> {
    match engine.handle(&operator(), Request::Difference).unwrap() {
        Reply::Difference(difference) => difference.map(|found| *found),
        other => panic!("{other:?}"),
    }
}

fn sticks(engine: &Engine) -> SticksReply {
    match engine.handle(&operator(), Request::Sticks).unwrap() {
        Reply::Sticks(found) => found,
        other => panic!("{other:?}"),
    }
}

const BEFORE_CONFIRMATION: [StepId; 17] = [
    StepId::Home,
    StepId::Stick,
    StepId::Root,
    StepId::Beacon,
    StepId::Signatures,
    StepId::Audience,
    StepId::Program,
    StepId::Order,
    StepId::Plan,
    StepId::Room,
    StepId::Copy,
    StepId::Unpack,
    StepId::Schema,
    StepId::Database,
    StepId::Vectors,
    StepId::Golden,
    StepId::Compare,
];

#[test]
fn an_import_tells_its_steps_with_what_was_found() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let engine = home(&branch);
    let idle = asked(&engine, ImportRequest::State);
    assert!(idle.steps.is_empty() && idle.source.is_none() && idle.safe_to_remove);

    let stick = bank.pack(8, &knowledge("三十万元")).in_pieces(700).stick();
    import(&engine, begin(stick.path()));
    settled(&engine);
    assert_eq!(steps(&engine), all_well(&BEFORE_CONFIRMATION));
    let waiting = asked(&engine, ImportRequest::State);
    assert_eq!(waiting.source.as_deref(), stick.path().to_str());
    assert!(waiting.safe_to_remove);
    assert!(waiting.steps.iter().all(|s| !s.title.zh.is_empty() && s.title.en.is_ascii()), "{:?}", waiting.steps);
    assert!(waiting.steps.iter().all(|s| !s.found.zh.is_empty() && !s.found.en.is_empty()), "{:?}", waiting.steps);
    let found = |id: StepId| waiting.steps.iter().find(|s| s.id == id).unwrap().found.clone();
    assert!(found(StepId::Root).en.contains("3 ed25519 signatures (at least 3): 测试"), "{:?}", found(StepId::Root));
    assert!(found(StepId::Signatures).zh.contains("ed25519 签名 2 个(至少 2)"), "{:?}", found(StepId::Signatures));
    assert!(found(StepId::Audience).zh.contains(packs::BRANCH), "{:?}", found(StepId::Audience));
    assert!(found(StepId::Order).zh.contains("1-8") && found(StepId::Order).zh.contains("1-7"));
    let parts = stick.parts().len();
    assert!(parts > 1 && found(StepId::Copy).zh.contains(&format!("{parts}/{parts} ")), "{:?}", found(StepId::Copy));
    assert!(found(StepId::Golden).zh.contains("1/1"), "{:?}", found(StepId::Golden));
    assert!(found(StepId::Compare).zh.contains("修改 1"), "{:?}", found(StepId::Compare));

    import(&engine, confirmed(&engine));
    let done = settled_after(&engine, |s| !matches!(s, ImportState::Waiting { .. } | ImportState::Working { .. }));
    assert!(matches!(done, ImportState::Done { .. }), "{done:?}");
    let switched = [StepId::Switch, StepId::SelfTest, StepId::Receipt];
    assert_eq!(steps(&engine), all_well(&[&BEFORE_CONFIRMATION[..], &switched].concat()));

    // Back and forward have steps of their own; those of the import are gone.
    let turned = all_well(&[StepId::Home, StepId::Earlier, StepId::Readable, StepId::Switch, StepId::SelfTest]);
    import(&engine, ImportRequest::Rollback { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    assert_eq!(steps(&engine), turned);
    import(&engine, ImportRequest::Rollback { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Failed { .. }));
    assert_eq!(steps(&engine), [(StepId::Home, StepState::Ok), (StepId::Earlier, StepState::Failed)]);
    import(&engine, ImportRequest::Release { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    assert_eq!(steps(&engine), turned);
}

#[test]
fn the_step_at_which_an_import_fails_is_told_with_its_code() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let engine = home(&branch);
    let new = knowledge("三十万元");
    let flipped = bank.pack(8, &new).in_pieces(700).stick();
    let part = flipped.flip_part_byte(1);
    let unsigned = bank.pack(8, &new).signed_by(&[&bank.publishers[0]]).stick();
    let elsewhere = bank.pack(8, &new).with(|m| m.audience = vec!["99*".into()]).stick();
    let tomorrow = bank.pack(8, &new).with(|m| m.app_min = "99.0.0".into()).stick();
    let rootless = bank.pack(8, &new).with(|m| m.root_ver_min = 9).stick();
    let old = bank.pack(6, &new).stick();
    let large = bank.pack(8, &new).with(|m| m.files[0].raw.size = u64::MAX).stick();
    let regressed = bank.pack(8, &new).with(|m| m.golden[0].clause = "第一条".into()).stick();
    let empty = tempfile::TempDir::new().unwrap();
    for (stick, step, code) in [
        (flipped.path(), StepId::Copy, "PACK_HASH"),
        (unsigned.path(), StepId::Signatures, "PACK_THRESHOLD"),
        (elsewhere.path(), StepId::Audience, "PACK_AUDIENCE"),
        (tomorrow.path(), StepId::Program, "PACK_UNSUPPORTED"),
        (rootless.path(), StepId::Root, "PACK_ROOTGAP"),
        (old.path(), StepId::Order, "PACK_ROLLBACK"),
        (large.path(), StepId::Plan, "PACK_LIMIT"),
        (regressed.path(), StepId::Golden, "PACK_QUALITY"),
        (empty.path(), StepId::Stick, "PACK_INCOMPLETE"),
    ] {
        import(&engine, begin(stick));
        let ImportState::Failed { error } = settled(&engine) else { panic!("{code}") };
        assert_eq!(error.code, code);
        let reply = asked(&engine, ImportRequest::State);
        let failed: Vec<_> = reply.steps.iter().filter(|s| s.state != StepState::Ok).collect();
        let [failed] = failed[..] else { panic!("{code}: {:?}", reply.steps) };
        assert_eq!((failed.id, failed.state), (step, StepState::Failed), "{code}");
        let error = failed.error.as_ref().expect("why");
        assert_eq!((error.code.as_ref(), &failed.found.zh), (code, &error.message));
        assert_eq!(failed.found.en, Code::from_text(code).unwrap().meaning());
    }
    import(&engine, begin(flipped.path()));
    settled(&engine);
    let reply = asked(&engine, ImportRequest::State);
    assert!(reply.steps.last().is_some_and(|step| step.found.zh.contains(&part)), "{:?}", reply.steps);
}

#[test]
fn the_difference_is_the_one_that_was_confirmed() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let engine = home(&branch);
    assert!(difference(&engine).is_none(), "nothing before it");
    let stick = bank.pack(8, &knowledge("三十万元")).stick();
    import(&engine, begin(stick.path()));
    let ImportState::Waiting { preview } = settled(&engine) else { panic!("no preview") };
    import(&engine, confirmed(&engine));
    settled_after(&engine, |s| matches!(s, ImportState::Done { .. }));
    let found = difference(&engine).expect("two generations");
    assert_eq!((Some(&found.diff), &found.to), (preview.diff.as_ref(), &preview.gid));
    assert_eq!(difference(&engine).map(|again| again.diff), Some(found.diff.clone()));
    // After going back, it is about the way back.
    import(&engine, ImportRequest::Rollback { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    let back = difference(&engine).expect("two generations");
    assert_eq!((&back.from, &back.to), (&found.to, &found.from));
    assert_eq!(back.diff.changed[0].old_text, found.diff.changed[0].new_text);
    // A single file has no generations.
    assert!(difference(&Engine::open(&product::sample(), None, None, None).unwrap()).is_none());
}

#[test]
fn sticks_are_told_with_the_pack_in_use() {
    let bank = Bank::new();
    let (old, new) = (knowledge("二十万元"), knowledge("三十万元"));
    let usb = bank.pack(7, &old).stick();
    let branch = Branch::with(&bank, &usb);
    bank.pack(8, &new).put_on(&usb);
    let desk = SettingsDesk::open(SettingsPlace::of(None, Some(branch.data.root())), Given::default());
    let engine = home(&branch).with_settings(desk);
    let teller = Actor::teller(Classification::Internal);
    assert_eq!(engine.handle(&teller, Request::Sticks).unwrap_err().code(), Code::Denied);
    let path = usb.path().to_str().unwrap();
    let mine = |found: &SticksReply| found.sticks.iter().find(|stick| stick.path == path).cloned();
    assert!(mine(&sticks(&engine)).is_none());
    // The setting counts at once.
    let folders = format!("{path}:{}", branch.data.root().display());
    let setting = SettingsRequest::Set { key: "import.sticks".into(), value: folders };
    engine.handle(&operator(), Request::Settings(setting)).unwrap();
    let found = sticks(&engine);
    assert!(found.searched.iter().any(|folder| folder == path) && found.searched.iter().any(|f| f == "/media/*"));
    assert!(found.sticks.iter().all(|stick| stick.path != root(&branch)), "the data folder is no stick");
    let stick = mine(&found).expect("it was named");
    let packs: Vec<_> = stick.packs.iter().map(|pack| (pack.name.as_str(), pack.in_use)).collect();
    assert_eq!(packs, [("1-8", false), ("1-7", true)]);
    assert!(stick.packs.iter().all(|pack| pack.bytes > 0 && pack.issued_at.is_some()));
    assert!(!stick.read_only && stick.problem.is_none());
    // What is in use is told anew, though the stick is as it was.
    take_in(&engine, usb.path());
    let packs: Vec<bool> = mine(&sticks(&engine)).unwrap().packs.iter().map(|pack| pack.in_use).collect();
    assert_eq!(packs, [true, false]);
    usb.pull();
    until("the stick is gone", || mine(&sticks(&engine)).is_none());
}

/// The half of the next test that runs in a process of its own, whose environment names the folder; in any other it has nothing to look for.
#[test]
fn named_by_the_environment() {
    let Ok(named) = std::env::var("EXPECTED_STICK") else { return };
    let engine = Engine::open(&product::sample(), None, None, None).unwrap();
    let found = sticks(&engine).sticks;
    assert!(found.iter().any(|stick| stick.path == named && stick.packs.len() == 1), "{found:?}");
}

#[test]
fn the_environment_may_name_a_stick() {
    let usb = Bank::new().pack(7, &knowledge("二十万元")).stick();
    let path = usb.path().to_str().unwrap();
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "named_by_the_environment"])
        .env("GUIDA_STICKS", format!("/nowhere:{path}"))
        .env("EXPECTED_STICK", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

/// Waits until the import is not at work any more.
fn settled(engine: &Engine) -> ImportState {
    let mut state = import(engine, ImportRequest::State);
    until("the importer is done", || {
        state = import(engine, ImportRequest::State);
        !matches!(state, ImportState::Working { .. })
    });
    state
}

fn begin(path: &Path) -> ImportRequest {
    ImportRequest::Begin { source: path.to_owned() }
}

fn generation(engine: &Engine) -> String {
    let ask = AskRequest { question: QUESTION.into(), ..AskRequest::default() };
    match engine.handle(&operator(), Request::Ask(ask)).unwrap() {
        Reply::Answer(answer) => answer.card.generation.0.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_running_service_answers_from_knowledge_that_was_mended_beside_it() {
    let bank = Bank::new();
    let whole = knowledge("二十万元");
    let stick = bank.pack(7, &whole).stick();
    let branch = Branch::with(&bank, &stick);
    // Other words at the same place: nothing but the checksum tells.
    let (right, wrong) = ("二十万元".as_bytes(), "八十万元".as_bytes());
    let mut bytes = whole.clone();
    let places: Vec<usize> = (0..bytes.len() - right.len()).filter(|at| bytes[*at..].starts_with(right)).collect();
    places.into_iter().for_each(|at| bytes[at..at + right.len()].copy_from_slice(wrong));
    std::fs::write(branch.data.knowledge(&branch.active().active.unwrap()), bytes).unwrap();
    let product = serve(&branch);
    assert_eq!(product.get("/readyz").status, 503, "wrong words do not answer");
    let imported = run(&["import", stick.path().to_str().unwrap(), "--yes", "--no-embedder"], &branch);
    assert!(imported.status.success(), "{}", stderr(&imported));
    assert!(product::stdout(&imported).contains("已损坏"), "{}", product::stdout(&imported));
    until("something answers", || product.get("/readyz").status == 200);
    assert!(ask(&product).1.contains("二十万元"));
}

#[test]
fn an_import_is_a_request_that_only_an_operator_may_make_and_a_person_confirms() {
    let bank = Bank::new();
    let (old, new) = (knowledge("二十万元"), knowledge("三十万元"));
    let branch = Branch::with(&bank, &bank.pack(7, &old).stick());
    let stick = bank.pack(8, &new).stick();
    let engine = Engine::open_home(branch.data.root(), &product::sample(), None, None, Default::default()).unwrap();
    let teller = Actor::teller(Classification::Internal);
    let denied = engine.handle(&teller, Request::Import(begin(stick.path()))).unwrap_err();
    assert_eq!(denied.code(), Code::Denied);
    let early = engine.handle(&operator(), Request::Import(ImportRequest::Confirm { gid: "1-8".into() })).unwrap_err();
    assert_eq!(early.code(), Code::ImportState);

    // Looked at, and declined: nothing has changed.
    import(&engine, begin(stick.path()));
    let ImportState::Waiting { preview } = settled(&engine) else { panic!("no preview") };
    assert_eq!(preview.serial, Serial { epoch: 1, seq: 8 });
    let diff = preview.diff.as_ref().expect("something to compare with");
    assert_eq!((diff.counts.changed, diff.changed[0].label.as_str()), (1, "第三条"));
    let busy = engine.handle(&operator(), Request::Import(begin(stick.path()))).unwrap_err();
    assert_eq!(busy.code(), Code::ImportBusy);
    // Nor may another process while this one waits for its person.
    assert_eq!(branch.import(&stick).unwrap_err().code(), Code::ImportBusy);
    import(&engine, ImportRequest::Cancel);
    assert!(matches!(settled_after(&engine, |s| matches!(s, ImportState::Idle)), ImportState::Idle));
    assert_eq!(generation(&engine), identity(&old));

    // Looked at again, and confirmed: what was seen, not another one.
    import(&engine, begin(stick.path()));
    assert!(matches!(settled(&engine), ImportState::Waiting { .. }));
    let other = Request::Import(ImportRequest::Confirm { gid: "1-9-0123456789ab".into() });
    assert_eq!(engine.handle(&operator(), other).unwrap_err().code(), Code::ImportState);
    import(&engine, confirmed(&engine));
    let done = settled_after(&engine, |s| !matches!(s, ImportState::Waiting { .. } | ImportState::Working { .. }));
    let ImportState::Done { committed } = done else { panic!("{done:?}") };
    assert!(committed.receipt_on_stick);
    assert_eq!(generation(&engine), identity(&new));
    import(&engine, begin(stick.path()));
    let again = settled(&engine);
    assert!(matches!(again, ImportState::Already { serial: Serial { epoch: 1, seq: 8 } }), "{again:?}");

    // Back from what was seen, and from nothing else.
    import(&engine, ImportRequest::Rollback { from: "1-7-0123456789ab".into() });
    let ImportState::Failed { error } = settled(&engine) else { panic!("went back from what nobody saw") };
    assert_eq!(error.code, "IMPORT_STATE");
    assert_eq!(generation(&engine), identity(&new));

    // Back: the same request door, and the same stick is refused from then on.
    import(&engine, ImportRequest::Rollback { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    assert_eq!(generation(&engine), identity(&old));
    import(&engine, begin(stick.path()));
    let ImportState::Failed { error } = settled(&engine) else { panic!("taken back, and in again") };
    assert_eq!(error.code, "PACK_ROLLBACK");
    import(&engine, ImportRequest::Release { from: answering(&engine) });
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    assert_eq!(generation(&engine), identity(&new));
}

fn settled_after(engine: &Engine, is: impl Fn(&ImportState) -> bool) -> ImportState {
    let mut state = import(engine, ImportRequest::State);
    until("the importer has heard", || {
        state = import(engine, ImportRequest::State);
        is(&state)
    });
    state
}

#[test]
fn row_52_a_damaged_pointer_is_told_and_repaired_while_the_last_good_knowledge_answers() {
    let bank = Bank::new();
    let old = knowledge("二十万元");
    let branch = Branch::with(&bank, &bank.pack(7, &old).stick());
    std::fs::write(branch.data.active_file(), b"{").unwrap();
    let product = serve(&branch);
    assert_eq!(ask(&product).0, identity(&old));
    assert!(codes(&product).contains(&"ACTIVE_CORRUPT".to_owned()), "{:?}", codes(&product));
    let refused =
        run(&["import", bank.pack(8, &old).stick().path().to_str().unwrap(), "--yes", "--no-embedder"], &branch);
    assert!(!refused.status.success() && stderr(&refused).contains("ACTIVE_CORRUPT"), "{}", stderr(&refused));
    let recovered = run(&["data", "recover"], &branch);
    assert!(recovered.status.success(), "{}", stderr(&recovered));
    until("the notice is gone", || codes(&product).is_empty());
    assert_eq!(Active::read(&branch.data).unwrap().active, Active::read_backup(&branch.data).unwrap().active);
}

#[test]
fn a_clock_that_stepped_back_is_told_until_somebody_confirms_it_at_the_box() {
    let bank = Bank::new();
    let branch = Branch::with(&bank, &bank.pack(7, &knowledge("二十万元")).stick());
    let state = StateDb::open(&branch.data.state_db()).unwrap();
    state.set("clock_seen", "2099-01-01T00:00:00Z").unwrap();
    let product = serve(&branch);
    assert_eq!(codes(&product), ["CLOCK_STEPPED_BACK"]);
    assert_eq!(run(&["data", "clock", "--json"], &branch).status.code(), Some(0));
    let confirmed = run(&["data", "clock", "--confirm", "--json"], &branch);
    assert!(json(&confirmed)["warning"].is_null(), "{}", stderr(&confirmed));
    until("the notice is gone", || codes(&product).is_empty());
    let events = state.events(10).unwrap();
    assert!(events.iter().any(|e| (e.event.as_str(), e.code.as_str()) == ("clock", "OK")), "{events:?}");
}

/// A box whose clock the test sets.
fn box_at(branch: &Branch, hand: &Arc<Mutex<&'static str>>) -> Engine {
    let hand = Arc::clone(hand);
    let floor = Active::read(&branch.data).unwrap().time_floor;
    let now = move || hand.lock().unwrap().parse().unwrap();
    let clock = Arc::new(BoxClock::by(now, floor, Forgetful));
    Engine::open_home(branch.data.root(), &product::sample(), None, None, Default::default()).unwrap().with_clock(clock)
}

#[test]
fn the_overview_names_folder_and_age_of_the_knowledge() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let engine = Engine::open_home(branch.data.root(), &product::sample(), None, None, Default::default()).unwrap();
    let overview = |engine: &Engine| match engine.handle(&operator(), Request::Overview).unwrap() {
        Reply::Overview(overview) => *overview,
        other => panic!("{other:?}"),
    };
    let before = overview(&engine);
    assert_eq!((before.data.as_deref(), before.knowledge_issued), (Some(root(&branch)), None));
    let took = take_in(&engine, bank.pack(7, &knowledge("二十万元")).stick().path());
    assert!(matches!(took, ImportState::Done { .. }), "{took:?}");
    let issued: jiff::Timestamp = packs::ISSUED.parse().unwrap();
    assert_eq!(overview(&engine).knowledge_issued, Some(guida::clock::day_of(issued)));
}

fn take_in(engine: &Engine, stick: &Path) -> ImportState {
    import(engine, begin(stick));
    assert!(matches!(settled(engine), ImportState::Waiting { .. }));
    import(engine, confirmed(engine));
    settled_after(engine, |s| !matches!(s, ImportState::Waiting { .. } | ImportState::Working { .. }))
}

fn notices(engine: &Engine) -> Vec<&'static str> {
    match engine.handle(&operator(), Request::Status).unwrap() {
        Reply::Status(status) => status.notices.iter().map(|n| n.code.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_14_and_15_a_wrong_clock_stops_no_import_and_is_told() {
    let bank = Bank::new();
    let (old, new, newer) = (knowledge("二十万元"), knowledge("三十万元"), knowledge("四十万元"));
    let branch = Branch::with(&bank, &bank.pack(7, &old).stick());
    let hand = Arc::new(Mutex::new("1970-01-01T00:00:00Z"));
    let engine = box_at(&branch, &hand);
    let done = take_in(&engine, bank.pack(8, &new).stick().path());
    assert!(matches!(done, ImportState::Done { .. }), "{done:?}");
    assert_eq!(notices(&engine), ["CLOCK_BEFORE_FLOOR"]);
    // By the rules of the latest signed day: the clause of 2026 answers, though the clock stands at 1970.
    assert_eq!(generation(&engine), identity(&new));

    *hand.lock().unwrap() = "2099-06-01T00:00:00Z";
    assert_eq!(notices(&engine), Vec::<&str>::new());
    let done = take_in(&engine, bank.pack(9, &newer).stick().path());
    assert!(matches!(done, ImportState::Done { .. }), "{done:?}");
    *hand.lock().unwrap() = "2026-11-21T00:00:00Z";
    assert_eq!(notices(&engine), ["CLOCK_STEPPED_BACK"]);
    assert_eq!(generation(&engine), identity(&newer));
    engine.clock().confirm();
    assert_eq!(notices(&engine), Vec::<&str>::new());
}

#[test]
fn old_and_announced_knowledge_is_told_and_goes_on_answering() {
    let bank = Bank::new();
    let old = knowledge("二十万元");
    let stick = bank.pack(7, &old).with(|m| m.stale_after = Some("2026-11-02T00:00:00Z".into())).stick();
    let branch = Branch::with(&bank, &stick);
    let mut active = Active::read(&branch.data).unwrap();
    active.announced = Some(Serial { epoch: 1, seq: 9 });
    active.write(&branch.data, &guida::disk::RealDisk).unwrap();
    let product = serve(&branch);
    assert_eq!(codes(&product), ["KNOWLEDGE_STALE", "NEWER_ANNOUNCED"]);
    assert_eq!(ask(&product).0, identity(&old));
}
