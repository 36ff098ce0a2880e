//! The card and the prose below it, over a small rulebook and a generator whose words the test chooses.

#[path = "common/rules.rs"]
mod rules;

use guida::engine::Engine;
use guida::engine::reply::{AnswerReply, Prose, ProseDone, ProseEvent, ProseStep, Reply};
use guida::engine::request::{Actor, AskRequest, Request, SearchRequest};
use guida::error::{Code, ErrorBody};
use guida::inference::Generator;
use guida::inference::scripted::ScriptedGenerator;
use guida::types::{AIGC_LABEL, Classification, Level, Status};
use rules::Rules;
use std::sync::Arc;
use std::time::Duration;

fn teller() -> Actor {
    Actor::teller(Classification::Internal)
}

fn ask(engine: &Engine, request: AskRequest) -> AnswerReply {
    match engine.handle(&teller(), Request::Ask(request)).unwrap() {
        Reply::Answer(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

fn question(text: &str) -> AskRequest {
    AskRequest { question: text.into(), as_of: Some("2026-06-01".parse().unwrap()), ..AskRequest::default() }
}

fn engine(rules: &Rules, generator: Option<Arc<dyn Generator>>) -> Engine {
    Engine::open(&rules.kb, None, None, generator).unwrap()
}

#[test]
fn the_card_is_verbatim_from_the_guide_and_its_rule() {
    let rules = Rules::cash();
    let card = ask(&engine(&rules, None), question("取八万块还要写干嘛用吗")).card;
    assert!(!card.refused);
    assert_eq!(card.conclusion, "有条件：核实身份即可，不再登记用途");
    assert_eq!(card.conclusion_source, "《某行操作指引：大额取现》场景一");
    let first = &card.citations[0];
    assert_eq!((first.n, first.document.as_str(), first.clause.as_str()), (1, "某行现金管理办法", "第二条第一款"));
    assert_eq!(first.text, "单笔支取现金超过五万元的，不再逐笔登记资金用途。客户身份仍应当核实。");
    assert_eq!((first.status, first.doc_no.as_str()), (Status::InForce, "某行发〔2025〕9号"));
    let [start, end] = first.highlight.unwrap();
    let marked: String = first.text.chars().skip(start).take(end - start).collect();
    assert_eq!(marked, "单笔支取现金超过五万元的，不再逐笔登记资金用途。");
    assert_eq!(card.steps, ["核对证件。", "付款。"]);
    assert_eq!(card.materials, ["身份证"]);
    assert_eq!(card.risk, ["发现异常要询问。"]);
    assert_eq!(card.escalation, "会计主管 → 运营管理部");
    assert_eq!(card.script, "您好，请出示身份证。");
    assert_eq!(card.citations.last().unwrap().level, Level::Guide);
}

#[test]
fn a_missing_condition_is_asked_once_and_the_choice_settles_it() {
    let rules = Rules::cash();
    let engine = engine(&rules, None);
    let card = ask(&engine, question("取八万块还要写干嘛用吗")).card;
    let clarify = card.clarify.unwrap();
    assert_eq!(clarify.question, "是不是本人来？");
    assert_eq!(clarify.choices.iter().map(|c| c.label.as_str()).collect::<Vec<_>>(), ["本人", "代办"]);
    let chosen = ask(&engine, AskRequest { choice: Some("代办".into()), ..question("取八万块还要写干嘛用吗") }).card;
    assert!(chosen.clarify.is_none());
    assert_eq!(chosen.conclusion, "有条件：双方证件都要");
    let said = ask(&engine, question("帮朋友取八万块还要写干嘛用吗")).card;
    // With the condition in the question nothing is asked.
    assert!(said.clarify.is_none() && !said.refused, "{said:?}");
}

#[test]
fn without_a_guide_the_conclusion_is_a_sentence_of_the_first_clause() {
    let rules = Rules::cash();
    let old = AskRequest {
        as_of: Some("2025-06-01".parse().unwrap()), ..question("支取现金超过五万元登记资金用途吗")
    };
    let card = ask(&engine(&rules, None), old).card;
    assert_eq!(card.conclusion, "单笔支取现金超过五万元的，应当登记资金用途。");
    assert_eq!(card.conclusion_source, "《某行现金管理办法》第二条");
    assert!(card.citations.iter().all(|c| c.status == Status::InForce && c.doc_no != "某行发〔2025〕9号"));
    assert!(card.steps.is_empty());
}

#[test]
fn a_rule_that_two_documents_repeat_is_shown_once_and_is_no_rival_of_itself() {
    let text = |title: &str, number: &str, mark: &str| {
        format!(
            "---\ntitle: {title}\ndoc_no: {number}\nlevel: 行内制度\neffective: 2025-01-01\n---\n\n# {title}\n\n\
             第一条　客户丢失保管箱钥匙的{mark}应当持有效证件到租用网点挂失，网点更换锁具后交付新钥匙。\n\n\
             第二条　保管箱租期届满未续租的，网点应当电话通知客户。\n"
        )
    };
    let (first, second) =
        (text("某行保管箱办法", "某行发〔2025〕1号", "，"), text("某行挂失规程", "某行发〔2025〕2号", ", "));
    let rules = Rules::build(&[("box.md", &first), ("loss.md", &second)]);
    let engine = engine(&rules, None);
    let card = ask(&engine, question("保管箱钥匙丢失了怎么挂失")).card;
    let keys: Vec<_> = card.citations.iter().filter(|c| c.text.contains("钥匙")).collect();
    assert_eq!(keys.len(), 1, "{:?}", card.citations);
    assert_eq!(keys[0].same_in.len(), 1);
    assert!(keys[0].same_in[0].ends_with("》第一条") && !keys[0].same_in[0].contains(&keys[0].document));
    assert!(!card.conclusion.starts_with("请核对原文"), "{}", card.conclusion);
    let search = SearchRequest {
        query: "保管箱钥匙丢失挂失".into(),
        as_of: None,
        levels: Vec::new(),
        limit: 5,
        all_versions: false,
    };
    let Reply::Search(found) = engine.handle(&teller(), Request::Search(search)).unwrap() else { panic!() };
    assert_eq!(found.hits.iter().filter(|hit| hit.text.contains("钥匙")).count(), 1);
}

#[test]
fn within_a_document_and_between_its_versions_every_clause_stands_for_itself() {
    let text = |number: &str, from: &str, mark: &str| {
        format!(
            "---\ntitle: 某行保管箱办法\ndoc_no: {number}\nlevel: 行内制度\neffective: {from}\n---\n\n# 某行保管箱办法\n\n\
             第一条　单位客户丢失保管箱钥匙的{mark}应当持有效证件到租用网点挂失，网点更换锁具后交付新钥匙。\n\n\
             第二条　个人客户丢失保管箱钥匙的{mark}应当持有效证件到租用网点挂失，网点更换锁具后交付新钥匙。\n"
        )
    };
    let (old, new) = (text("某行发〔2024〕1号", "2024-01-01", ","), text("某行发〔2025〕1号", "2025-01-01", "，其"));
    let rules = Rules::build(&[("old.md", &old), ("new.md", &new)]);
    let engine = engine(&rules, None);
    let found = |all_versions: bool| {
        let query = "保管箱钥匙丢失挂失".into();
        let search = SearchRequest { query, as_of: None, levels: Vec::new(), limit: 10, all_versions };
        let Reply::Search(found) = engine.handle(&teller(), Request::Search(search)).unwrap() else { panic!() };
        assert!(found.hits.iter().all(|hit| hit.same_in.is_empty()), "{:?}", found.hits);
        found.hits.len()
    };
    assert_eq!((found(false), found(true)), (2, 4));
}

#[test]
fn an_address_shows_exactly_the_part_asked_for() {
    let rules = Rules::cash();
    let engine = engine(&rules, None);
    let card = ask(&engine, question("某行现金管理办法第二条第二款第一项")).card;
    assert_eq!(card.citations.len(), 1);
    assert_eq!(card.citations[0].text, "（一）资金来源不清；");
    let missing = ask(&engine, question("某行现金管理办法第二条第九款")).card;
    assert!(missing.citations[0].text.starts_with("单笔支取"));
    assert_eq!(missing.notices.len(), 1, "{:?}", missing.notices);
}

#[test]
fn a_refusal_says_what_was_searched_and_whom_to_ask() {
    let rules = Rules::cash();
    let reply = ask(&engine(&rules, None), AskRequest { prose: true, ..question("信用卡积分怎么换礼品") });
    let refusal = reply.card.refusal.unwrap();
    assert!(reply.card.refused && reply.card.citations.is_empty() && reply.card.conclusion.is_empty());
    // Two texts that everybody may read are in force on the day, and the guide; not the old version, not the secret one.
    assert_eq!(refusal.documents_searched, 3);
    assert!(!refusal.ask.is_empty());
    assert!(reply.prose.is_none() && reply.prose_unavailable.is_none());
}

#[test]
fn personal_data_is_masked_before_anything_else_sees_it() {
    let rules = Rules::cash();
    let generator = Arc::new(ScriptedGenerator::new(["好。"]));
    let engine = engine(&rules, Some(generator.clone()));
    let reply = ask(
        &engine,
        AskRequest {
            prose: true, ..question("手机13812345678的客户支取现金超过五万元还登记资金用途吗")
        },
    );
    assert!(!reply.card.question.contains("13812345678"));
    assert_eq!(reply.card.notices.len(), 1);
    let (_, end) = finish(reply.prose.unwrap());
    assert!(end.is_ok());
    let prompt = &generator.asked()[0].prompt;
    assert!(!format!("{prompt:?}").contains("13812345678"));
}

/// All text that was sent, and how it ended.
fn finish(mut prose: Prose) -> (String, Result<ProseDone, ErrorBody>) {
    let mut sent = String::new();
    let mut end = None;
    loop {
        match prose.next(Duration::from_secs(30)) {
            ProseStep::Event(ProseEvent::Token { text }) => sent += &text,
            ProseStep::Event(ProseEvent::Progress { .. }) => {}
            ProseStep::Event(ProseEvent::Done(done)) => end = Some(Ok(*done)),
            ProseStep::Event(ProseEvent::Error(error)) => end = Some(Err(error)),
            ProseStep::Idle => panic!("no event for 30 s"),
            ProseStep::Finished => return (sent, end.expect("an end event")),
        }
    }
}

fn written(pieces: &[&str]) -> (String, Result<ProseDone, ErrorBody>) {
    let rules = Rules::cash();
    let generator = Arc::new(ScriptedGenerator::new(pieces.iter().copied()));
    let engine = engine(&rules, Some(generator));
    finish(ask(&engine, AskRequest { prose: true, ..question("取八万块还要写干嘛用吗") }).prose.unwrap())
}

#[test]
fn a_sentence_with_a_number_of_its_own_is_struck() {
    let (sent, end) = written(&["超过五万元", "不再登记用途[2]。", "超过八十万元要行长批准[2]。", "要核实身份[2]。"]);
    assert_eq!(sent, "超过五万元不再登记用途[1]。要核实身份[1]。");
    let done = end.unwrap();
    assert_eq!(done.text, sent);
    assert_eq!(done.struck.len(), 1);
    assert!(done.struck[0].contains("八十万元"));
    assert_eq!(done.cited, [1]);
}

#[test]
fn generated_text_carries_both_labels() {
    let (_, end) = written(&["要核实身份[1]。"]);
    let done = end.unwrap();
    assert_eq!(done.label, AIGC_LABEL);
    let json = serde_json::to_value(&done).unwrap();
    let aigc = json.get("AIGC").unwrap().as_object().unwrap();
    let keys: Vec<&str> = aigc.keys().map(String::as_str).collect();
    for key in
        ["Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"]
    {
        assert!(keys.contains(&key), "{key} missing in {keys:?}");
    }
}

#[test]
fn a_generator_that_fails_leaves_what_was_checked_and_says_so() {
    let rules = Rules::cash();
    let generator = ScriptedGenerator::new(["要核实身份[2]。", "超过"]).failing(Code::ModelDied, "生成进程意外退出");
    let engine = engine(&rules, Some(Arc::new(generator)));
    let reply = ask(&engine, AskRequest { prose: true, ..question("取八万块还要写干嘛用吗") });
    assert_eq!(reply.card.conclusion, "有条件：核实身份即可，不再登记用途");
    let (sent, end) = finish(reply.prose.unwrap());
    assert!(sent.starts_with("要核实身份[1]。"), "{sent}");
    assert_eq!(end.unwrap_err().code, "MODEL_DIED");
}

#[test]
fn without_a_model_the_reply_says_why_there_is_no_prose() {
    let rules = Rules::cash();
    let reply = ask(&engine(&rules, None), AskRequest { prose: true, ..question("取八万块还要写干嘛用吗") });
    assert!(reply.prose.is_none());
    assert_eq!(reply.prose_unavailable.unwrap().code, "MODEL_UNAVAILABLE");
}

#[test]
fn oversized_fields_are_refused() {
    let rules = Rules::cash();
    let engine = engine(&rules, None);
    let long = "长".repeat(1000);
    for request in [
        AskRequest { choice: Some(long.clone()), ..question("取现") },
        AskRequest { recent_documents: vec![long.clone()], ..question("取现") },
        AskRequest { recent_documents: vec!["a".into(); 50], ..question("取现") },
    ] {
        let error = engine.handle(&teller(), Request::Ask(request)).unwrap_err();
        assert_eq!(error.code(), Code::BadParameter);
    }
}
