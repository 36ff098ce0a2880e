//! Questions that speak of an old day: the rule of that day answers, and what was written for the newer one settles nothing.

#[path = "common/rules.rs"]
mod rules;

use guida::clock::{BoxClock, Forgetful};
use guida::engine::Engine;
use guida::engine::reply::{Card, Reply};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::inference::{Embedder, EmbedderSettings, LlamaEmbedder};
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Ranked, Retriever};
use guida::types::{Classification, Date, Level, Status};
use rules::Rules;
use std::sync::Arc;

const TODAY: &str = "2026-11-30T04:00:00Z";
const OLD: &str = "某行柜面现金办法";

/// A rule whose amendment counts its clauses anew, with a guide without a day and a curated question for the newer version.
fn amended() -> [(&'static str, &'static str); 5] {
    [
        (
            "old.md",
            "---\ntitle: 某行柜面现金办法\ndoc_no: 某行发〔2020〕1号\nlevel: 行内制度\neffective: 2020-02-01\n---\n# 某行柜面现金办法\n\
             第一条 本办法规范柜面现金业务。\n\
             第二条 客户单笔支取现金超过五万元的,柜员应当逐笔登记资金用途。\n\
             第三条 客户支取现金二十万元以上的,应当提前一日预约,未预约的不予支付。\n\
             第四条 零钞清点每百枚收费一元。\n",
        ),
        (
            "new.md",
            "---\ntitle: 某行柜面现金办法\ndoc_no: 某行发〔2025〕9号\nlevel: 行内制度\neffective: 2026-01-01\n---\n# 某行柜面现金办法\n\
             第一条 本办法规范柜面现金业务。\n\
             第二条 办理现金业务应当双人复核。\n\
             第三条 客户单笔支取现金超过五万元的,柜员不再逐笔登记资金用途。\n\
             第四条 零钞清点不收费。\n\
             第五条 客户支取现金三十万元以上的,应当提前三日预约,未预约的经行长审批后支付。\n",
        ),
        (
            "guide.md",
            "---\ntitle: 某行操作指引:大额取现\nlevel: 操作指引\n---\n# 某行操作指引:大额取现\n## 场景一 取现超过五万元\n### 问法\n\
             - 取八万块还要写干嘛用吗\n### 结论\n不用:不再登记资金用途\n### 依据\n- 《某行柜面现金办法》第三条\n### 步骤\n1. 核对证件。\n",
        ),
        (
            "other.md",
            "---\ntitle: 某行挂失办法\nlevel: 行内制度\neffective: 2019-01-01\n---\n# 某行挂失办法\n\
             第一条 存单遗失的,凭本人身份证件挂失。\n第二条 挂失满七日可以补领。\n第三条 挂失每笔收费十元。\n",
        ),
        (
            "head-office.curated.jsonl",
            "{\"id\":\"c1\",\"question\":\"三十来万要不要先打招呼\",\"answer\":null,\"relevant\":[{\"document\":\"某行柜面现金办法\",\"clause\":\"第五条\"}]}\n",
        ),
    ]
}

fn engine(rules: &Rules, embedder: Option<Arc<dyn Embedder>>) -> Engine {
    let clock = BoxClock::by(|| TODAY.parse().unwrap(), None, Forgetful);
    Engine::open(&rules.kb, embedder, None, None).unwrap().with_clock(Arc::new(clock))
}

fn card(engine: &Engine, question: &str, as_of: Option<&str>) -> Card {
    let as_of = as_of.map(|day| day.parse().unwrap());
    let request = Request::Ask(AskRequest { question: question.into(), as_of, ..AskRequest::default() });
    match engine.handle(&Actor::teller(Classification::Internal), request).unwrap() {
        Reply::Answer(answer) => answer.card,
        other => panic!("{other:?}"),
    }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn told(card: &Card, words: &str) -> bool {
    card.notices.iter().any(|notice| notice.contains(words))
}

#[test]
fn today_the_scene_speaks_and_on_an_old_day_the_old_clause() {
    let rules = Rules::build(&amended());
    let engine = engine(&rules, None);
    let today = card(&engine, "取八万块还要写干嘛用吗", None);
    assert_eq!((today.as_of, today.conclusion.as_str()), (day("2026-11-30"), "不用:不再登记资金用途"));
    assert!(today.notices.is_empty(), "{:?}", today.notices);
    let asked = "去年11月那笔支取现金八万元没登记资金用途,算违规吗";
    let spoken = card(&engine, asked, None);
    assert_eq!(spoken.as_of, day("2025-11-30"));
    assert!(told(&spoken, "按 2025-11-30 有效的规定回答(问题里说的是“去年11月”)"), "{:?}", spoken.notices);
    let named = card(&engine, asked, Some("2025-11-30"));
    assert!(!told(&named, "问题里说的是"));
    for old in [&spoken, &named] {
        assert!(!old.refused, "{old:?}");
        assert_eq!(old.citations[0].text, "客户单笔支取现金超过五万元的,柜员应当逐笔登记资金用途。");
        assert!(old.citations.iter().all(|c| c.status == Status::InForce && c.level != Level::Guide), "{old:?}");
        assert!(old.steps.is_empty() && !old.conclusion_source.contains("操作指引"));
        assert!(told(old, "现在已经失效"), "{:?}", old.notices);
    }
    // The very words of the scene settle nothing on that day.
    let scene = card(&engine, "取八万块还要写干嘛用吗", Some("2025-11-30"));
    assert!(scene.confidence < 1.0 && !scene.conclusion.contains("不再登记"), "{scene:?}");
    // From a day that the request names the words are seen as from today.
    for from in ["2026-11-30", "2026-10-15"] {
        assert_eq!(card(&engine, asked, Some(from)).as_of, day("2025-11-30"), "{from}");
    }
}

#[test]
fn the_version_before_is_found_through_the_present_one() {
    let rules = Rules::build(&amended());
    let engine = engine(&rules, None);
    let before = card(&engine, "改之前支取现金多少万元以上要提前预约", None);
    assert_eq!(before.as_of, day("2025-12-31"));
    assert!(before.citations[0].text.contains("二十万元"), "{before:?}");
    assert!(told(&before, "按 2025-12-31 有效的规定回答(问题里说的是“改之前”)"), "{:?}", before.notices);
    let none = card(&engine, "按以前的规定存单遗失挂失满几日补领", None);
    assert_eq!((none.as_of, none.refused), (day("2026-11-30"), false));
    assert!(told(&none, "知识库里没有更早的版本"), "{:?}", none.notices);
    // A period in which the rule changed.
    let amid = card(&engine, "今年1月那笔支取现金八万元没登记资金用途,算违规吗", None);
    assert_eq!(amid.as_of, day("2026-01-31"));
    assert!(!told(&amid, "才施行"), "it was in force on the first day: {:?}", amid.notices);
}

fn search(retriever: &Retriever, question: &str, as_of: &str) -> Ranked {
    let scope =
        Scope { as_of: day(as_of), clearance: Classification::Internal, levels: Vec::new(), all_versions: false };
    retriever.search(&Query { text: question, scope, recent_documents: &[], limit: 5 }).unwrap()
}

#[test]
fn curated_questions_of_today_lead_to_the_old_clause_and_settle_nothing() {
    let embedder: Arc<dyn Embedder> = Arc::new(LlamaEmbedder::bundled(EmbedderSettings::default()).unwrap());
    let rules = Rules::embedded(&amended(), Some(embedder.as_ref()));
    let knowledge = rules.open();
    let retriever = Retriever::new(Arc::clone(&knowledge), Some(Arc::clone(&embedder))).unwrap();
    let first = |ranked: &Ranked| {
        let clause = knowledge.clause(ranked.hits[0].clause).unwrap().unwrap();
        let version = knowledge.version_of(clause.id).unwrap();
        (version.row.title.clone(), version.row.effective.from.unwrap().to_string(), clause.address.label)
    };
    let today = search(&retriever, "三十来万要不要先打招呼", "2026-11-30");
    assert_eq!(first(&today), (OLD.into(), "2026-01-01".into(), "第五条".into()));
    assert_eq!((today.confidence, today.settled.len()), (1.0, 1));
    let then = search(&retriever, "三十来万要不要先打招呼", "2025-11-30");
    assert_eq!(first(&then), (OLD.into(), "2020-02-01".into(), "第三条".into()));
    assert!(then.settled.is_empty(), "{:?}", then.settled);
    let known = then.evidence.iter().find(|seen| seen.clause == then.hits[0].clause).unwrap();
    assert!(known.lent > 0.0 && known.known == 0.0, "{known:?}");
    // How sure it is rests on the old clauses alone: as if nothing newer were there.
    let [old, _, _, other, _] = amended();
    let alone = Rules::embedded(&[old, other], Some(embedder.as_ref())).open();
    let alone = search(&Retriever::new(alone, Some(embedder)).unwrap(), "三十来万要不要先打招呼", "2025-11-30");
    assert_eq!(then.features.asked, Some(0.0));
    assert!(then.confidence <= alone.confidence + 0.05, "{} {}", then.confidence, alone.confidence);
    // What the scene is known by leads to the old clause too, though that has another number.
    let scene = search(&retriever, "取八万块还要写干嘛用吗", "2025-11-30");
    assert_eq!(first(&scene), (OLD.into(), "2020-02-01".into(), "第二条".into()));
    assert!(scene.guides.is_empty() && scene.settled.is_empty());
    assert!(scene.evidence.iter().all(|seen| !knowledge.is_guide(seen.clause)));
}
