//! Rules that arrive before they are in force, and the clock that says which day it is.

#[path = "common/client.rs"]
mod client;
#[path = "common/program.rs"]
mod program;

use guida::clock::{BoxClock, Forgetful};
use guida::engine::reply::{Card, Reply, StatusReply};
use guida::engine::request::{Actor, AskRequest, Request, SearchRequest};
use guida::engine::{Circumstances, Engine};
use guida::http::{self, HttpSettings};
use guida::types::{Classification, Date};
use jiff::Timestamp;
use program::{ask, guida};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

const QUESTION: &str = "单笔支取现金超过多少万元应当登记资金用途";
/// The first day of the amended rule: far ahead, so that the real clock of the test machine is before it.
const FIRST_DAY: &str = "2090-07-01";
const DAY_BEFORE: &str = "2090-06-30";

/// A rule and, beside it, the amendment that is not in force yet, built by the program.
fn shipped() -> (tempfile::TempDir, PathBuf) {
    built(&[("2020-02-01", "五万元"), (FIRST_DAY, "十万元")])
}

/// Versions of a rule: each with its first day and its limit.
fn built(versions: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("rules");
    fs::create_dir(&sources).unwrap();
    for (effective, limit) in versions {
        let name = format!("{effective}.md");
        let text = format!(
            "---\ntitle: 某行现金管理办法\ndoc_no: 某行发〔{}〕1号\nlevel: 行内制度\neffective: {effective}\n---\n\
             # 某行现金管理办法\n第一条 本办法规范柜面现金业务。\n第二条 单笔支取现金超过{limit}的,应当登记资金用途。\n",
            &effective[..4]
        );
        fs::write(sources.join(name), text).unwrap();
    }
    let kb = folder.path().join("k.db");
    guida(["kb", "build", sources.to_str().unwrap(), "--out", kb.to_str().unwrap(), "--no-embedder"]).ok();
    (folder, kb)
}

fn first(card: &Value) -> (&str, &str) {
    let cited = &card["citations"][0];
    (cited["text"].as_str().unwrap_or_default(), cited["status"].as_str().unwrap_or_default())
}

#[test]
fn a_clause_shipped_before_its_day_answers_from_that_day_on() {
    let (_folder, kb) = shipped();
    let (old, new) = ("单笔支取现金超过五万元的,应当登记资金用途。", "单笔支取现金超过十万元的,应当登记资金用途。");
    for (more, expected) in [
        (&["--no-embedder"][..], old),
        (&["--no-embedder", "--as-of", DAY_BEFORE], old),
        (&["--no-embedder", "--as-of", FIRST_DAY], new),
        (&["--no-embedder", "--as-of", "2095-01-01"], new),
    ] {
        let card = ask(&kb, QUESTION, more);
        assert_eq!(first(&card), (expected, "in_force"), "{more:?}");
        let texts: Vec<_> = card["citations"].as_array().unwrap().iter().map(|c| &c["text"]).collect();
        let other = if expected == old { new } else { old };
        assert!(!texts.contains(&&Value::from(other)), "never both: {more:?}");
    }
    // The address too leads to the text of the day.
    let at = |day: &str| ask(&kb, "某行现金管理办法第二条", &["--no-embedder", "--as-of", day]);
    assert_eq!(first(&at(DAY_BEFORE)), (old, "in_force"));
    assert_eq!(first(&at(FIRST_DAY)), (new, "in_force"));
}

/// A clock in the test's hand.
fn clock(floor: Option<&str>) -> (Arc<AtomicI64>, Arc<BoxClock>) {
    let hand = Arc::new(AtomicI64::new(0));
    let source = Arc::clone(&hand);
    let floor = floor.map(at);
    let clock = BoxClock::by(move || Timestamp::from_second(source.load(Ordering::Acquire)).unwrap(), floor, Forgetful);
    (hand, Arc::new(clock))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn handle(engine: &Engine, request: Request) -> Reply {
    engine.handle(&Actor::teller(Classification::Internal), request).unwrap()
}

fn card(engine: &Engine, as_of: Option<Date>) -> Card {
    match handle(engine, Request::Ask(AskRequest { question: QUESTION.into(), as_of, ..AskRequest::default() })) {
        Reply::Answer(answer) => answer.card,
        other => panic!("{other:?}"),
    }
}

fn status(engine: &Engine) -> StatusReply {
    match handle(engine, Request::Status) {
        Reply::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn codes(engine: &Engine) -> Vec<&'static str> {
    status(engine).notices.iter().map(|n| n.code.as_str()).collect()
}

#[test]
fn the_box_clock_changes_the_rules_at_midnight_in_china() {
    let (_folder, kb) = shipped();
    let (hand, clock) = clock(None);
    let engine = Engine::open(&kb, None, None, None).unwrap().with_clock(clock);
    for (moment, limit) in [("2090-06-30T15:59:59Z", "五万元"), ("2090-06-30T16:00:00Z", "十万元")] {
        hand.store(at(moment).as_second(), Ordering::Release);
        let card = card(&engine, None);
        assert!(card.citations[0].text.contains(limit), "{moment}: {}", card.citations[0].text);
        // The last day of the old rule: the card says that it ends.
        let ends = card.notices.iter().filter(|notice| notice.contains("自 2090-07-01 起不再有效")).count();
        assert_eq!((card.notices.len(), ends), if limit == "五万元" { (1, 1) } else { (0, 0) }, "{:?}", card.notices);
        assert!(codes(&engine).is_empty());
        let search = SearchRequest {
            query: "登记资金用途".into(),
            as_of: None,
            levels: Vec::new(),
            limit: 9,
            all_versions: false,
        };
        let Reply::Search(found) = handle(&engine, Request::Search(search)) else { panic!() };
        assert!(found.hits.iter().any(|hit| hit.text.contains(limit)), "{moment}");
        let Reply::Documents(listed) = handle(&engine, Request::Documents { filter: None }) else { panic!() };
        let in_force = listed.documents.iter().find(|d| d.status.label() == "现行有效").unwrap();
        assert_eq!(in_force.doc_no.contains("2090"), limit == "十万元");
    }
}

#[test]
fn a_clock_in_doubt_answers_warns_and_is_quiet_once_confirmed() {
    let (_folder, kb) = shipped();
    // Head office has signed something on the first day of the amended rule: that day has come, whatever the clock says.
    let (hand, clock) = clock(Some("2090-07-01T01:00:00Z"));
    let engine = Engine::open(&kb, None, None, None).unwrap().with_clock(Arc::clone(&clock));
    let answered = card(&engine, None);
    assert_eq!((answered.as_of, answered.refused), (FIRST_DAY.parse().unwrap(), false));
    assert!(answered.citations[0].text.contains("十万元"));
    assert!(answered.notices.iter().any(|n| n.contains("时钟") && n.contains(FIRST_DAY)), "{:?}", answered.notices);
    let named = card(&engine, Some("2030-01-01".parse().unwrap())).notices;
    assert!(named.iter().all(|n| !n.contains("时钟")), "a day that was named is not in doubt: {named:?}");
    assert!(named.iter().any(|n| n.contains("现在已经失效")), "{named:?}");
    assert_eq!((codes(&engine), status(&engine).today), (vec!["CLOCK_BEFORE_FLOOR"], FIRST_DAY.parse().unwrap()));
    // Ahead, then set right: somebody must look.
    hand.store(at("2099-01-01T00:00:00Z").as_second(), Ordering::Release);
    assert!(codes(&engine).is_empty());
    hand.store(at("2090-07-02T00:00:00Z").as_second(), Ordering::Release);
    assert_eq!(codes(&engine), ["CLOCK_STEPPED_BACK"]);
    assert!(!card(&engine, None).refused);
    clock.confirm();
    assert!(codes(&engine).is_empty() && card(&engine, None).notices.is_empty());
    // Old knowledge answers too.
    engine.set_circumstances(Circumstances {
        issued_at: None,
        stale_after: Some(at("2090-07-01T00:00:00Z")),
        newer: Some("1-43".into()),
        active_corrupt: false,
    });
    assert_eq!(codes(&engine), ["KNOWLEDGE_STALE", "NEWER_ANNOUNCED"]);
    assert!(!card(&engine, None).refused);
}

#[test]
fn a_service_goes_by_the_day_over_leap_days_year_ends_and_clocks_that_jump() {
    let (_folder, kb) = built(&[("2027-01-01", "五万元"), ("2028-02-29", "十万元"), ("2029-01-01", "二十万元")]);
    let (hand, clock) = clock(None);
    let passed = Arc::new(AtomicI64::new(0));
    let up = Arc::clone(&passed);
    let uptime = move || u64::try_from(up.load(Ordering::Acquire)).ok().map(std::time::Duration::from_secs);
    let clock = Arc::new(Arc::into_inner(clock).unwrap().up_for(uptime));
    let engine = Arc::new(Engine::open(&kb, None, None, None).unwrap().with_clock(Arc::clone(&clock)));
    let stop = Arc::new(AtomicBool::new(false));
    let listen = HttpSettings::new("127.0.0.1:0".parse().unwrap());
    let server = http::serve(engine, listen, Arc::clone(&stop)).unwrap();
    let addr = server.addr();
    let body = serde_json::json!({ "question": QUESTION }).to_string();
    let first_moment = at("2028-02-28T15:59:59Z").as_second();
    // What the clock shows, whether as much time has passed, the limit that is answered, and what is told.
    for (moment, runs, limit, told) in [
        ("2028-02-28T15:59:59Z", true, "五万元", None),
        ("2028-02-28T16:00:00Z", true, "十万元", None),
        ("2028-02-29T16:00:00Z", true, "十万元", None),
        ("2028-12-31T15:59:59Z", true, "十万元", None),
        ("2028-12-31T16:00:00Z", true, "二十万元", None),
        // Back by a year, and by less than anybody minds.
        ("2027-12-31T16:00:00Z", false, "五万元", Some("CLOCK_STEPPED_BACK")),
        ("2028-12-31T15:30:00Z", false, "十万元", None),
        // Ahead by four years in no time.
        ("2032-12-31T16:00:00Z", false, "二十万元", Some("CLOCK_STEPPED_FORWARD")),
        ("2028-12-31T16:00:01Z", true, "二十万元", None),
    ] {
        hand.store(at(moment).as_second(), Ordering::Release);
        if runs {
            passed.store(at(moment).as_second() - first_moment, Ordering::Release);
        }
        let reply = client::ask(addr, &body);
        let text = reply.json()["citations"][0]["text"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(&format!("超过{limit}的")), "{moment}: {text}");
        let doubtful = reply.json()["notices"].to_string().contains("时钟待核对");
        let notices = client::get(addr, "/api/v1/status").json()["notices"].clone();
        let codes: Vec<_> = notices.as_array().unwrap().iter().map(|n| n["code"].as_str().unwrap()).collect();
        assert_eq!((codes, doubtful), (told.into_iter().collect(), told.is_some()), "{moment}");
    }
    stop.store(true, Ordering::Release);
    server.join();
}
