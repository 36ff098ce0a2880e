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

use guida::clock::{BoxClock, Forgetful};
use guida::engine::Engine;
use guida::engine::importing::{ImportRequest, ImportState};
use guida::engine::reply::Reply;
use guida::engine::request::{Actor, AskRequest, Request};
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

fn import(engine: &Engine, request: ImportRequest) -> ImportState {
    match engine.handle(&operator(), Request::Import(request)).unwrap() {
        Reply::Import(state) => *state,
        other => panic!("{other:?}"),
    }
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
fn an_import_is_a_request_that_only_an_operator_may_make_and_a_person_confirms() {
    let bank = Bank::new();
    let (old, new) = (knowledge("二十万元"), knowledge("三十万元"));
    let branch = Branch::with(&bank, &bank.pack(7, &old).stick());
    let stick = bank.pack(8, &new).stick();
    let engine = Engine::open_home(branch.data.root(), &product::sample(), None, None, Default::default()).unwrap();
    let teller = Actor::teller(Classification::Internal);
    let denied = engine.handle(&teller, Request::Import(begin(stick.path()))).unwrap_err();
    assert_eq!(denied.code(), Code::Denied);
    let early = engine.handle(&operator(), Request::Import(ImportRequest::Confirm)).unwrap_err();
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

    // Looked at again, and confirmed.
    import(&engine, begin(stick.path()));
    assert!(matches!(settled(&engine), ImportState::Waiting { .. }));
    import(&engine, ImportRequest::Confirm);
    let done = settled_after(&engine, |s| !matches!(s, ImportState::Waiting { .. } | ImportState::Working { .. }));
    let ImportState::Done { committed } = done else { panic!("{done:?}") };
    assert!(committed.receipt_on_stick);
    assert_eq!(generation(&engine), identity(&new));
    import(&engine, begin(stick.path()));
    let again = settled(&engine);
    assert!(matches!(again, ImportState::Already { serial: Serial { epoch: 1, seq: 8 } }), "{again:?}");

    // Back: the same request door, and the same stick is refused from then on.
    import(&engine, ImportRequest::Rollback);
    assert!(matches!(settled(&engine), ImportState::Turned { .. }));
    assert_eq!(generation(&engine), identity(&old));
    import(&engine, begin(stick.path()));
    let ImportState::Failed { error } = settled(&engine) else { panic!("taken back, and in again") };
    assert_eq!(error.code, "PACK_ROLLBACK");
    import(&engine, ImportRequest::Release);
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
    import(engine, ImportRequest::Confirm);
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
