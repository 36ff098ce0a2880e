//! Curated questions bound to the words of their clause: what a build binds, what head office must look at again, and what a
//! suspended question still does at the counter.

#[path = "common/program.rs"]
mod program;
#[path = "common/rules.rs"]
mod rules;

use guida::engine::Engine;
use guida::engine::reply::{Card, Reply, StatusReply, Suspended};
use guida::engine::request::{AcceptRequest, Actor, AskRequest, Request, Role};
use guida::error::Code;
use guida::store::{Knowledge, fingerprint, review};
use guida::types::Classification;
use program::guida;
use rules::Rules;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A rule of two clauses, the second with these words.
fn rule(second: &str) -> String {
    format!(
        "---\ntitle: 某行现金管理办法\nlevel: 行内制度\neffective: 2020-02-01\n---\n# 某行现金管理办法\n\
         第一条 本办法规范柜面现金业务。\n第二条 {second}\n"
    )
}

/// A curated line for the second clause, naming this fingerprint if any.
fn line(id: &str, question: &str, rests_on: Option<&str>) -> String {
    let mut place = json!({ "document": "某行现金管理办法", "clause": "第二条" });
    if let Some(rests_on) = rests_on {
        place["rests_on"] = json!(rests_on);
    }
    json!({ "id": id, "question": question, "answer": null, "relevant": [place] }).to_string() + "\n"
}

/// Builds with the program itself; returns its report.
fn build(folder: &Path, name: &str, rule: &str, lines: &[String]) -> Value {
    let sources = folder.join(format!("{name}-rules"));
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join("cash.md"), rule).unwrap();
    fs::write(sources.join("asked.curated.jsonl"), lines.concat()).unwrap();
    let out = folder.join(name);
    guida(["kb", "build", sources.to_str().unwrap(), "--out", out.to_str().unwrap(), "--no-embedder", "--json"]).json()
}

const OLD: &str = "单笔支取现金超过五万元的,应当登记资金用途。";
const NEW: &str = "单笔支取现金超过十万元的,应当登记资金用途。";

#[test]
fn a_line_written_for_other_words_is_left_out_and_listed_with_what_confirms_it() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        line("q1", "取八万块要写用途吗", Some(&fingerprint(OLD))),
        line("q2", "取钱要说明干什么用吗", Some(&fingerprint(NEW).to_uppercase())),
        line("q3", "多少钱以上要登记", None),
    ];
    let report = build(folder.path(), "k.db", &rule(NEW), &lines);
    let review = report["review"].as_array().unwrap();
    assert_eq!(review.len(), 1, "{report:#}");
    assert_eq!((&review[0]["id"], &review[0]["line"]), (&json!("q1"), &json!(1)));
    assert_eq!(review[0]["named"], json!(fingerprint(OLD)));
    assert_eq!(review[0]["rests_on"], json!(fingerprint(NEW)));
    assert_eq!((&review[0]["text"], &review[0]["clause"]), (&json!(NEW), &json!("第二条")));
    let knowledge = Knowledge::open(&folder.path().join("k.db")).unwrap();
    let bound: Vec<_> = knowledge.curated_rows().unwrap().into_iter().map(|r| (r.question, r.confirmed)).collect();
    assert_eq!(bound, [("取钱要说明干什么用吗".into(), true), ("多少钱以上要登记".into(), false)]);
    assert!(knowledge.term_stats(&["八万"]).unwrap()[0].is_none(), "its words are in no index");
    // For people too.
    let sources = folder.path().join("k.db-rules");
    let out = folder.path().join("again.db");
    let said = guida(["kb", "build", sources.to_str().unwrap(), "--out", out.to_str().unwrap(), "--no-embedder"]).ok();
    assert!(said.contains("复核") && said.contains(&fingerprint(NEW)), "{said}");
}

#[test]
fn head_office_sees_old_and_new_words_and_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let asked = [line("q1", "取八万块要写用途吗", None), line("q2", "多少钱以上要登记", None)];
    build(folder.path(), "old.db", &rule(OLD), &asked);
    build(folder.path(), "new.db", &rule(NEW), &asked);
    let confirmed = [line("q1", "取八万块要写用途吗", None), line("q2", "多少钱以上要登记", Some(&fingerprint(NEW)))];
    build(folder.path(), "half.db", &rule(NEW), &confirmed);
    let review = |new: &str, more: &[&str]| {
        let [new, old] = [new, "old.db"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
        guida([&["kb", "review", new.as_str(), "--against", old.as_str()], more].concat())
    };
    let waiting = review("new.db", &["--json"]).json();
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    assert_eq!((&waiting[0]["old_text"], &waiting[0]["new_text"]), (&json!(OLD), &json!(NEW)));
    assert_eq!(waiting[0]["new_fingerprint"], json!(fingerprint(NEW)));
    let said = review("new.db", &[]).ok();
    for part in ["《某行现金管理办法》第二条", OLD, NEW, "取八万块要写用途吗", "多少钱以上要登记", "共 2 个问法待复核"]
    {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(said.contains(&format!("\"rests_on\": \"{}\"", fingerprint(NEW))), "{said}");
    let half = review("half.db", &["--json"]).json();
    assert_eq!(half.as_array().unwrap().iter().map(|s| &s["question"]).collect::<Vec<_>>(), ["取八万块要写用途吗"]);
    assert_eq!(review("old.db", &[]).ok(), "没有需要复核的问法\n");
    review("missing.db", &[]).fails(6, "KB_OPEN");
}

fn handle(engine: &Engine, role: Role, request: Request) -> guida::error::Result<Reply> {
    let actor = match role {
        Role::Teller => Actor::teller(Classification::Internal),
        Role::Operator => Actor::operator(),
    };
    engine.handle(&actor, request)
}

fn ask(engine: &Engine, question: &str) -> Card {
    let as_of = Some("2026-06-01".parse().unwrap());
    let request = AskRequest { question: question.into(), as_of, ..AskRequest::default() };
    match handle(engine, Role::Teller, Request::Ask(request)).unwrap() {
        Reply::Answer(answer) => answer.card,
        other => panic!("{other:?}"),
    }
}

fn status(engine: &Engine) -> StatusReply {
    match handle(engine, Role::Teller, Request::Status).unwrap() {
        Reply::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_suspended_question_is_searched_for_like_any_other_until_it_is_accepted() {
    const CURATED: &str = "三十来万要不要先打招呼";
    let rules = Rules::cash();
    let engine = Engine::open(&rules.kb, None, None, None).unwrap();
    let settled = ask(&engine, CURATED);
    assert_eq!((settled.confidence, settled.citations[0].clause.as_str()), (1.0, "第三条"));
    let waits = |folded: &str, print: &str| Suspended {
        question: CURATED.into(),
        folded: folded.into(),
        document: "某行现金管理办法".into(),
        label: "第三条".into(),
        scene: None,
        old_text: "旧".into(),
        new_text: "新".into(),
        old_fingerprint: fingerprint("旧"),
        new_fingerprint: print.into(),
    };
    let folded = rules.open().curated_rows().unwrap().into_iter().find(|r| r.question == CURATED).unwrap().folded;
    engine.set_review(vec![waits(&folded, "1"), waits("别的", "1")]);
    let searched = ask(&engine, &format!("{CURATED}?"));
    assert!(searched.confidence < 1.0, "{}", searched.confidence);
    assert_eq!(searched.notices, settled.notices, "the card says nothing else");
    assert_eq!(ask(&engine, "取八万块还要写干嘛用吗").confidence, 1.0, "other questions settle as before");
    let told = status(&engine);
    assert_eq!((told.suspended, told.notices.len(), told.notices[0].code.as_str()), (2, 1, "CURATED_SUSPENDED"));

    let accept = |print: &str| Request::Accept(AcceptRequest { folded: folded.clone(), new_fingerprint: print.into() });
    let code = |reply: guida::error::Result<Reply>| reply.map(|_| ()).map_err(|e| e.code());
    assert_eq!(code(handle(&engine, Role::Teller, Request::Review)), Err(Code::Denied));
    assert_eq!(code(handle(&engine, Role::Teller, accept("1"))), Err(Code::Denied));
    assert_eq!(code(handle(&engine, Role::Operator, accept("2"))), Err(Code::NotFound));
    let Reply::Review(list) = handle(&engine, Role::Operator, Request::Review).unwrap() else { panic!() };
    assert_eq!(list.suspended, [waits(&folded, "1"), waits("别的", "1")]);
    let Reply::Accepted(accepted) = handle(&engine, Role::Operator, accept("1")).unwrap() else { panic!() };
    assert_eq!(*accepted, waits(&folded, "1"));
    assert_eq!(ask(&engine, CURATED).confidence, 1.0);
    assert_eq!(status(&engine).suspended, 1);
}

/// The delivered knowledge with one clause changed, as an import sees it.
#[test]
fn every_question_of_a_changed_clause_waits_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let asked = [line("q1", "取八万块要写用途吗", None)];
    build(folder.path(), "old.db", &rule(OLD), &asked);
    build(folder.path(), "new.db", &rule(NEW), &asked);
    let open = |name: &str| Knowledge::open(&folder.path().join(name)).unwrap();
    let waiting = review::suspended(&open("old.db"), &open("new.db")).unwrap();
    assert_eq!(waiting.len(), 1);
    let engine = Engine::open(&folder.path().join("new.db"), None, None, None).unwrap();
    engine.set_review(waiting);
    assert!(ask(&engine, "取八万块要写用途吗").confidence < 1.0);
    let sample = Knowledge::open(&program::knowledge()).unwrap();
    assert!(review::suspended(&sample, &sample).unwrap().is_empty());
}
