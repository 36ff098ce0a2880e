//! What whoever runs the box is told: why an answer came out as it did, what was asked lately, and how the service does.

#[path = "common/client.rs"]
mod client;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;

use guida::engine::Engine;
use guida::engine::overview::{MINUTES, OverviewReply};
use guida::engine::recent::{KEPT, Outcome};
use guida::engine::reply::{Card, RecentQuestion, Reply, Suspended, TraceReply};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::error::{Code, Result};
use guida::http::{HttpSettings, Server, serve};
use guida::inference::scripted::ScriptedGenerator;
use guida::inference::{EmbedKind, Embedder, EmbedderSettings, LlamaEmbedder, ModelId};
use guida::types::{Bilingual, Classification, Level};
use product::{sample, until};
use rules::Rules;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PERSONAL: [&str; 3] = ["13812345678", "11010519491231002X", "6222021234567890128"];

fn teller() -> Actor {
    Actor::teller(Classification::Internal)
}

fn question(text: &str) -> AskRequest {
    AskRequest { question: text.into(), as_of: Some("2026-06-01".parse().unwrap()), ..AskRequest::default() }
}

fn open(rules: &Rules) -> Engine {
    Engine::open(&rules.kb, None, None, None).unwrap()
}

fn ask(engine: &Engine, request: AskRequest) -> Card {
    match engine.handle(&teller(), Request::Ask(request)).unwrap() {
        Reply::Answer(answer) => answer.card,
        other => panic!("{other:?}"),
    }
}

fn trace(engine: &Engine, request: AskRequest) -> TraceReply {
    match engine.handle(&Actor::operator(), Request::Trace(request)).unwrap() {
        Reply::Trace(trace) => *trace,
        other => panic!("{other:?}"),
    }
}

fn recent(engine: &Engine) -> Vec<RecentQuestion> {
    match engine.handle(&Actor::operator(), Request::Recent).unwrap() {
        Reply::Recent(recent) => recent,
        other => panic!("{other:?}"),
    }
}

fn overview(engine: &Engine) -> OverviewReply {
    match engine.handle(&Actor::operator(), Request::Overview).unwrap() {
        Reply::Overview(overview) => *overview,
        other => panic!("{other:?}"),
    }
}

/// All reasons in both languages, each of which must say something.
fn said(reasons: &[Bilingual]) -> String {
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| !reason.zh.is_empty() && !reason.en.is_empty()), "{reasons:?}");
    reasons.iter().map(|reason| format!("{}\n{}\n", reason.zh, reason.en)).collect()
}

fn assert_said(reasons: &[Bilingual], parts: &[&str]) {
    let said = said(reasons);
    for part in parts {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

/// The trace of a question: its card is that of the answer, and what it tells of the confidence is true.
fn traced(engine: &Engine, request: AskRequest) -> TraceReply {
    let answered = ask(engine, request.clone());
    let trace = trace(engine, request);
    let json = |card: &Card| {
        let mut json = serde_json::to_value(card).unwrap();
        json["timings"] = serde_json::Value::Null;
        json
    };
    assert_eq!(json(&trace.card), json(&answered));
    assert_eq!(trace.confidence, answered.confidence);
    assert_eq!(trace.card.refused, trace.confidence < trace.threshold);
    if !trace.factors.is_empty() {
        let sum: f64 = trace.factors.iter().map(|factor| factor.effect).sum();
        let log_odds = (trace.confidence / (1.0 - trace.confidence)).ln();
        assert!((sum - log_odds).abs() < 1e-9, "{sum} is not {log_odds}: {:?}", trace.factors);
        assert!(trace.factors.is_sorted_by(|a, b| a.effect.abs() >= b.effect.abs()));
    } else {
        assert!(trace.confidence == 0.0 || trace.confidence == 1.0, "{}", trace.confidence);
    }
    for cited in &trace.card.citations {
        let found = trace.candidates.iter().find(|candidate| candidate.id == cited.id);
        assert!(found.is_some_and(|candidate| candidate.on_card), "{} is not among the candidates", cited.clause);
    }
    assert!(trace.candidates.is_sorted_by(|a, b| a.score >= b.score));
    assert!(trace.terms.is_sorted_by(|a, b| a.weight >= b.weight));
    assert!(trace.steps.len() >= 3 && trace.steps.iter().all(|step| step.ms >= 0.0 && !step.name.en.is_empty()));
    said(&trace.reasons);
    trace
}

#[test]
fn a_trace_is_the_answer_itself() {
    let rules = Rules::cash();
    let engine = open(&rules);
    for text in [
        "取八万块还要写干嘛用吗",
        "支取现金超过五万元登记资金用途吗",
        "三十来万要不要先打招呼",
        "三十万元以上支取要预约吗",
        "某行现金管理办法第二条第二款第一项",
        "某行现金管理办法第九十九条",
        "某行外汇办法第三条支取现金超过五万元登记资金用途吗",
        "第五条",
        "信用卡积分怎么换礼品",
        "金库密码多久更换一次",
        "客户秘密能不能查询",
        "今天天气怎么样",
        "手机13812345678的客户支取現金超過５万元还登记资金用途吗",
    ] {
        traced(&engine, question(text));
    }
    let chosen = AskRequest { choice: Some("代办".into()), ..question("取八万块还要写干嘛用吗") };
    traced(&engine, chosen);
    // Without a day the box's own clock counts, in both.
    traced(&engine, AskRequest { as_of: None, ..question("支取现金超过五万元登记资金用途吗") });
    // A question that the guard turns away is turned away here too.
    let empty = engine.handle(&Actor::operator(), Request::Trace(question("???"))).unwrap_err();
    assert_eq!(empty.code(), Code::QuestionEmpty);
}

#[test]
fn with_the_encoder_meaning_is_told_too() {
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).unwrap();
    let engine = Engine::open(&sample(), Some(Arc::new(embedder)), None, None).unwrap();
    let mut refused = 0;
    for text in [
        "身份证过期三个月,卡还能取钱吗",
        "存单口头挂失几天失效",
        "密码输错锁了,能当天重置吗",
        "承兑汇票背书不连续怎么退",
        "收缴假币,客户要抢回去",
        "100元烧了一半换多少",
        "信用卡积分怎么兑换里程",
        "明天股票会涨吗",
        "食堂几点开饭",
        "客户要开数字人民币钱包怎么弄",
    ] {
        let trace = traced(&engine, question(text));
        assert!(trace.candidates.iter().any(|candidate| candidate.meaning.is_some()), "{text}");
        refused += usize::from(trace.card.refused);
        if !trace.factors.is_empty() {
            assert_eq!(trace.factors.len(), 13, "{text}");
        }
    }
    assert!((1..10).contains(&refused), "{refused}");
    let matter = traced(&engine, question("客户要开数字人民币钱包怎么弄"));
    assert_said(&matter.reasons, &["问题说的是「数字人民币」", "The question is about 数字人民币"]);
    // The same knowledge without it: the reasons say what is missing.
    let deaf = Engine::open(&sample(), None, None, None).unwrap();
    assert_said(&traced(&deaf, question("食堂几点开饭")).reasons, &["--no-embedder"]);
}

#[test]
fn a_refusal_names_what_kept_the_answer_back() {
    let rules = Rules::cash();
    let engine = open(&rules);
    let reasons = |request: AskRequest| {
        let trace = traced(&engine, request);
        assert!(trace.card.refused, "{:?}", trace.card);
        trace.reasons
    };
    // A text that tellers may not read.
    let secret = reasons(question("金库密码多久更换一次"));
    assert_said(&secret, &["《某行金库密码管理规定》第二条", "密级为机密", "confidential"]);
    let secret = reasons(question("某行金库密码管理规定第一条"));
    assert_said(&secret, &["《某行金库密码管理规定》第一条", "密级为机密"]);
    // One that is not in force on the day.
    let early = AskRequest {
        as_of: Some("2019-06-01".parse().unwrap()),
        ..question("支取现金超过五万元登记资金用途吗")
    };
    assert_said(&reasons(early), &["《某行现金管理办法》第二条", "尚未施行(自2020-02-01起施行)", "not yet in force"]);
    // One of another level.
    let laws = AskRequest { levels: vec![Level::Law], ..question("支取现金超过五万元登记资金用途吗") };
    assert_said(&reasons(laws), &["《某行现金管理办法》第二条", "「行内制度」", "more levels"]);
    // Another matter, and words that no clause has.
    let other = reasons(question("信用卡积分怎么换礼品"));
    assert_said(&other, &["问题说的是「信用卡」", "礼品", "请向总行索取规定", "ask head office for the rule"]);
    assert!(!said(&other).contains("能回答,但"), "{other:?}");
    // A clause that is not there, of a document that is; a document that is not; none named.
    let clause = reasons(question("某行现金管理办法第九十九条"));
    assert_said(&clause, &["《某行现金管理办法》里没有第九十九条", "check the number"]);
    assert_said(&reasons(question("某行外汇办法第三条")), &["没有《某行外汇办法》", "check the name"]);
    assert_said(&reasons(question("第三条")), &["没有说是哪份文件", "the document's name"]);
    // No text at all.
    let nothing = AskRequest { levels: vec![Level::Faq], ..question("今天天气怎么样") };
    assert_said(&reasons(nothing), &["没有可供查找的文件"]);
}

#[test]
fn what_decided_an_answer_is_named() {
    let rules = Rules::cash();
    let engine = open(&rules);
    let settled = traced(&engine, question("三十来万要不要先打招呼"));
    assert_said(&settled.reasons, &["既定问法", "《某行现金管理办法》第三条"]);
    assert_eq!((settled.factors.len(), settled.candidates[0].curated), (0, 1.0));
    let guide = traced(&engine, question("取八万块还要写干嘛用吗"));
    assert_said(&guide.reasons, &["《某行操作指引：大额取现》场景一", "是不是本人来？"]);
    let address = traced(&engine, question("某行现金管理办法第二条"));
    assert_said(&address.reasons, &["问题直接点名《某行现金管理办法》第二条"]);
    assert!(address.terms.is_empty() && address.candidates.len() == 1);
    // A set answer that rests until somebody has looked at its clause.
    let row =
        rules.open().curated_rows().unwrap().into_iter().find(|row| row.question.starts_with("三十来万")).unwrap();
    engine.set_review(vec![Suspended {
        question: row.question,
        folded: row.folded,
        document: "某行现金管理办法".into(),
        label: "第三条".into(),
        scene: None,
        old_text: "旧".into(),
        new_text: "新".into(),
        old_fingerprint: "0".into(),
        new_fingerprint: "1".into(),
    }]);
    let suspended = traced(&engine, question("三十来万要不要先打招呼"));
    assert!(suspended.confidence < 1.0);
    assert_said(&suspended.reasons, &["所依据的条款已变", "guida data review"]);
}

#[test]
fn two_rules_that_compete_are_both_named() {
    let text = |title: &str, days: &str| {
        format!(
            "---\ntitle: {title}\nlevel: 行内制度\neffective: 2025-01-01\n---\n# {title}\n\
             第一条 客户丢失保管箱钥匙的，应当在{days}日内到网点挂失。\n第二条 保管箱租期届满的，网点应当通知客户。\n"
        )
    };
    let (first, second) = (text("某行保管箱办法", "三"), text("某行挂失规程", "五"));
    let rules = Rules::build(&[("box.md", &first), ("loss.md", &second)]);
    let trace = traced(&open(&rules), question("保管箱钥匙丢失几日内挂失"));
    assert!(trace.card.conclusion.starts_with("请核对原文"), "{}", trace.card.conclusion);
    assert_said(&trace.reasons, &["《某行保管箱办法》第一条", "《某行挂失规程》第一条", "请总行明确"]);
}

#[test]
fn the_guard_and_the_prompt_are_told_without_personal_data() {
    let rules = Rules::cash();
    let generator = Arc::new(ScriptedGenerator::new(["要核实身份[2]。"]));
    let engine = Engine::open(&rules.kb, None, None, Some(generator.clone())).unwrap();
    let asked = format!("手机{}的客户支取現金超過５万\u{200b}元请问还登记资金用途吗", PERSONAL[0]);
    let request = AskRequest { prose: true, ..question(&asked) };
    let trace = trace(&engine, request.clone());
    assert!(generator.asked().is_empty(), "a trace has nothing written");
    assert_said(&trace.guard.remarks, &["手机号", "mobile number", "看不见的字符", "支取现金超过5万元"]);
    assert!(!serde_json::to_string(&trace).unwrap().contains(PERSONAL[0]));
    assert_eq!(trace.guard.understood, trace.card.question);
    // What the model is given when the teller asks.
    let Reply::Answer(answer) = engine.handle(&teller(), Request::Ask(request)).unwrap() else { panic!() };
    drop(answer);
    let given = &generator.asked()[0].prompt;
    let blocks: Vec<&str> = given.evidence.iter().map(|block| block.text.as_str()).collect();
    let parts = [given.system.as_str(), &given.head, &blocks.join("\n\n"), &given.tail].join("\n\n");
    assert_eq!(trace.prompt.as_deref(), Some(parts.as_str()));
    // Nothing is given for a refusal, nor without a writer.
    assert_eq!(self::trace(&engine, question("信用卡积分怎么换礼品")).prompt, None);
    assert_eq!(self::trace(&open(&rules), question("支取现金超过五万元登记资金用途吗")).prompt, None);
    assert!(self::trace(&engine, question("身份核实吗")).guard.remarks.iter().all(|r| !r.zh.contains("遮盖")));
}

#[test]
fn only_tellers_questions_are_kept_and_counted_and_masked() {
    let rules = Rules::cash();
    let engine = open(&rules);
    for number in PERSONAL {
        ask(&engine, question(&format!("客户号码{number}支取现金超过五万元还登记资金用途吗")));
    }
    ask(&engine, question("信用卡积分怎么换礼品"));
    for turned_away in ["???", "卡\u{7}", &"长".repeat(600)] {
        engine.handle(&teller(), Request::Ask(question(turned_away))).unwrap_err();
    }
    let long = AskRequest { choice: Some("长".repeat(1000)), ..question(&format!("手机{}怎么改", PERSONAL[0])) };
    engine.handle(&teller(), Request::Ask(long)).unwrap_err();
    trace(&engine, question("金库密码多久更换一次"));
    let kept = recent(&engine);
    assert_eq!(kept.iter().map(|kept| kept.number).collect::<Vec<_>>(), [8, 7, 6, 5, 4, 3, 2, 1]);
    let failed = |code: &str| Outcome::Failed { code: code.into() };
    assert_eq!((&kept[0].outcome, kept[0].question.as_str()), (&failed("BAD_PARAMETER"), "手机138****5678怎么改"));
    for (kept, code) in kept[1..4].iter().zip(["QUESTION_TOO_LONG", "QUESTION_UNREADABLE", "QUESTION_EMPTY"]) {
        assert_eq!((&kept.outcome, kept.question.as_str()), (&failed(code), ""));
    }
    assert_eq!((&kept[4].outcome, kept[4].question.as_str()), (&Outcome::Refused, "信用卡积分怎么换礼品"));
    assert!(kept[4].confidence < 0.55 && kept[4].card_ms > 0.0);
    assert!(kept[5..].iter().all(|kept| kept.outcome == Outcome::Answered && kept.confidence >= 0.55));
    assert!(kept.iter().all(|kept| kept.generation == engine.generation()));
    let json = serde_json::to_string(&kept).unwrap();
    for number in PERSONAL {
        assert!(!json.contains(number), "{json}");
    }
    let now = overview(&engine);
    assert_eq!((now.status.service.questions, now.status.service.failed, now.status.service.refused), (8, 4, 1));
    for _ in 0..KEPT {
        ask(&engine, question("信用卡积分怎么换礼品"));
    }
    let kept = recent(&engine);
    assert_eq!((kept.len(), kept[0].number), (KEPT, 8 + KEPT as u64));
}

#[test]
fn tellers_are_told_none_of_it() {
    let rules = Rules::cash();
    let engine = open(&rules);
    for request in [Request::Overview, Request::Recent, Request::Trace(question("取现"))] {
        assert_eq!(engine.handle(&teller(), request).unwrap_err().code(), Code::Denied);
    }
    assert!(recent(&engine).is_empty());
}

/// Counts characters; holds questions back until it is let go.
struct Held {
    model: ModelId,
    open: AtomicBool,
}

impl Embedder for Held {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        3
    }

    fn embed(&self, kind: EmbedKind, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        while kind == EmbedKind::Query && !self.open.load(Ordering::Acquire) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let count = |text: &str, of: &str| text.chars().filter(|c| of.contains(*c)).count() as f32;
        let vector = |text: &&str| {
            let v = [1.0 + count(text, "现金"), count(text, "客户"), count(text, "柜员")];
            let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt();
            v.iter().map(|x| x / norm).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// A server in front of an engine, with two workers; it ends with the test.
struct Running(Option<Server>);

impl Running {
    fn start(engine: &Arc<Engine>) -> Running {
        let settings = HttpSettings { workers: 2, ..HttpSettings::new(([127, 0, 0, 1], 0).into()) };
        Running(Some(serve(engine.clone(), settings, Arc::new(AtomicBool::new(false))).unwrap()))
    }

    fn ask(&self, question: &str) -> u16 {
        let body = serde_json::json!({ "question": question, "as_of": "2026-06-01" }).to_string();
        client::ask(self.0.as_ref().expect("running").addr(), &body).status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.0.take() {
            server.stop();
            server.join();
        }
    }
}

#[test]
fn the_overview_shows_what_goes_through_the_network() {
    let embedder = Arc::new(Held { model: ModelId { name: "held".into(), sha256: "h".into() }, open: true.into() });
    let rule =
        "# 某行现金办法\n第一条 客户支取现金超过五万元的，柜员应当核实客户身份。\n第二条 柜员收取现金应当当面点清。\n";
    let rules = Rules::embedded(&[("rule.md", rule)], Some(embedder.as_ref()));
    let engine = Arc::new(Engine::open(&rules.kb, Some(embedder.clone()), None, None).unwrap());
    let idle = overview(&engine);
    assert_eq!((idle.minutes.len(), idle.card_p50_ms, idle.card_p95_ms), (MINUTES, None, None));
    assert_eq!((idle.waiting, idle.working, idle.pid), (0, 0, std::process::id()));
    assert!(idle.data.is_none() && idle.knowledge_issued.is_none() && idle.generator_pids.is_empty());
    let server = Running::start(&engine);
    embedder.open.store(false, Ordering::Release);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..5).map(|_| scope.spawn(|| server.ask("客户支取现金要核实身份吗"))).collect();
        until("two at work and three behind them", || {
            let now = overview(&engine);
            (now.working, now.waiting) == (2, 3)
        });
        embedder.open.store(true, Ordering::Release);
        assert!(asking.into_iter().all(|asked| asked.join().unwrap() == 200));
    });
    assert_eq!((server.ask("信用卡积分怎么换礼品"), server.ask("???")), (200, 400));
    // The permit is given back before the reply leaves.
    let now = overview(&engine);
    assert_eq!((now.working, now.waiting), (0, 0));
    let sum = |part: fn(&guida::engine::overview::Minute) -> u32| now.minutes.iter().map(part).sum::<u32>();
    assert_eq!((sum(|m| m.questions), sum(|m| m.refused), sum(|m| m.failed)), (7, 1, 1));
    assert_eq!((now.status.service.questions, now.status.service.answered), (7, 5));
    let slowest = now.minutes.iter().map(|minute| minute.slowest_ms).fold(0.0, f32::max);
    let (p50, p95) = (now.card_p50_ms.unwrap(), now.card_p95_ms.unwrap());
    assert!(p50 > 0.0 && p50 <= p95 && p95 <= f64::from(slowest), "{p50} {p95} {slowest}");
    assert_eq!(recent(&engine).len(), 7);
}
