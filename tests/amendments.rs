//! Amendments at the counter: the card marks what a notice changed, cites both, and concludes nothing from the old words.

#[path = "common/program.rs"]
mod program;
#[path = "common/rules.rs"]
mod rules;

use guida::answer::outcome::Citation;
use program::guida;
use rules::Rules;
use serde_json::Value;
use std::path::Path;

const RULE: &str = "示例银行铜雀卡管理办法\n示例银发〔2025〕3号\n第一条 为规范铜雀卡,制定本办法。\n第二条 铜雀卡年费17元。\n第三条 铜雀卡挂失手续费20元。\n第四条 铜雀卡每日取款不超过二万元。\n第五条 本办法自2025年5月1日起施行。\n";

fn notice(changes: &str) -> String {
    format!(
        "示例银行关于修改《示例银行铜雀卡管理办法》的通知\n示例银发〔2025〕33号\n{changes}\n九、本通知自2025年9月1日起施行。\n"
    )
}

fn with(changes: &str) -> Rules {
    Rules::build(&[("b.txt", RULE), ("c.txt", &notice(changes))])
}

fn ask(kb: &Path, question: &str, as_of: &str) -> Value {
    guida(["ask", "--kb", kb.to_str().unwrap(), question, "--as-of", as_of, "--no-embedder", "--json"]).json()
}

fn said(kb: &Path, question: &str, as_of: &str) -> String {
    guida(["ask", "--kb", kb.to_str().unwrap(), question, "--as-of", as_of, "--no-embedder"]).ok()
}

fn citations(card: &Value) -> Vec<Citation> {
    serde_json::from_value(card["citations"].clone()).unwrap()
}

/// The citation of a clause of the rule.
fn cited(card: &Value, clause: &str) -> Citation {
    let found = citations(card).into_iter().find(|c| c.document == "示例银行铜雀卡管理办法" && c.clause == clause);
    found.unwrap_or_else(|| panic!("{clause} is not on the card: {card:#}"))
}

fn cites_notice(card: &Value) -> bool {
    citations(card).iter().any(|c| c.doc_no == "示例银发〔2025〕33号")
}

#[test]
fn a_replaced_clause_is_answered_by_the_consolidated_text_with_both_sources() {
    for change in
        ["一、将第二条修改为:“铜雀卡年费15元。”", "一、将第二条中的“17元”修改为“15元”。", "一、将“17元”修改为“15元”。"]
    {
        let built = with(change);
        let card = ask(&built.kb, "铜雀卡年费多少", "2026-11-30");
        assert!(card["conclusion"].as_str().unwrap().contains("15元"), "{change} {card:#}");
        assert!(!card["conclusion"].as_str().unwrap().starts_with("铜雀卡年费17元"), "{card:#}");
        let clause = cited(&card, "第二条");
        assert_eq!(clause.text, "铜雀卡年费15元。", "{change}");
        assert_eq!(clause.amended[0].mark, "被示例银发〔2025〕33号修改(2025-09-01 起)", "{change}");
        assert!(
            clause.marks()[0].starts_with("合并文本(由《示例银行铜雀卡管理办法》和《示例银行关于修改"),
            "{:?}",
            clause.marks()
        );
        assert!(cites_notice(&card), "{change} {card:#}");
        // The sources stay to be read.
        let knowledge = built.open();
        let first = clause.made_of[0].id.unwrap();
        let base = knowledge.version_of(first).unwrap();
        assert_eq!(knowledge.clause(guida::types::ClauseId(first.0 + 1)).unwrap().unwrap().text, "铜雀卡年费17元。");
        assert_eq!(base.row.effective.until.unwrap().to_string(), "2025-09-01");
        // The day before the old text answers as ever.
        let before = ask(&built.kb, "铜雀卡年费多少", "2025-08-31");
        assert!(before["conclusion"].as_str().unwrap().contains("17元"), "{before:#}");
        let old = cited(&before, "第二条");
        assert!(old.marks().is_empty() && !cites_notice(&before), "{before:#}");
        for (text, mark) in [
            (said(&built.kb, "铜雀卡年费多少", "2026-11-30"), true),
            (said(&built.kb, "铜雀卡年费多少", "2025-08-31"), false),
        ] {
            assert_eq!(text.contains("【被示例银发〔2025〕33号修改(2025-09-01 起)"), mark, "{text}");
        }
        let by_address = said(&built.kb, "铜雀卡管理办法第二条", "2026-11-30");
        assert!(by_address.contains("合并文本(由") && by_address.contains("15元"), "{by_address}");
    }
}

#[test]
fn an_added_and_a_deleted_clause() {
    let built = with("一、增加一条,作为第六条:\n“第六条 铜雀卡补卡费8元。”\n二、删去第四条。");
    let card = ask(&built.kb, "铜雀卡补卡费多少", "2026-11-30");
    assert!(card["conclusion"].as_str().unwrap().contains("8元"), "{card:#}");
    assert_eq!(cited(&card, "第六条").amended[0].mark, "被示例银发〔2025〕33号增加(2025-09-01 起)");
    let deleted = ask(&built.kb, "铜雀卡管理办法第四条", "2026-11-30");
    assert_eq!(cited(&deleted, "第四条").amended[0].mark, "被示例银发〔2025〕33号删去(2025-09-01 起)");
    assert!(!deleted["conclusion"].as_str().unwrap().contains("二万元"), "{deleted:#}");
    let before = ask(&built.kb, "铜雀卡管理办法第四条", "2025-08-31");
    assert_eq!(cited(&before, "第四条").text, "铜雀卡每日取款不超过二万元。");
    assert!(cited(&before, "第四条").marks().is_empty());
}

#[test]
fn what_is_only_marked_concludes_nothing_by_itself() {
    for (change, question, clause, old, mark) in [
        ("一、铜雀卡年费由17元调整为15元。", "铜雀卡年费多少", "第二条", "铜雀卡年费17元", "修改"),
        ("一、暂停执行第四条。", "铜雀卡每日取款限额多少", "第四条", "二万元", "暂停执行"),
        ("一、第三条停止执行。", "铜雀卡挂失手续费多少", "第三条", "铜雀卡挂失手续费20元", "停止执行"),
    ] {
        let built = with(change);
        let card = ask(&built.kb, question, "2026-11-30");
        let shown = cited(&card, clause);
        assert!(shown.is_outdated(), "{card:#}");
        assert_eq!(shown.amended[0].mark, format!("被示例银发〔2025〕33号{mark}(2025-09-01 起)"));
        assert!(cites_notice(&card), "{card:#}");
        let conclusion = card["conclusion"].as_str().unwrap();
        assert!(!conclusion.starts_with(old) && !conclusion.is_empty(), "{card:#}");
        assert!(card["notices"].to_string().contains("请以修改后的规定为准"), "{card:#}");
        let by_address = ask(&built.kb, &format!("铜雀卡管理办法{clause}"), "2026-11-30");
        assert!(by_address["conclusion"].as_str().unwrap().contains("请核对原文"), "{by_address:#}");
        assert!(cites_notice(&by_address), "{by_address:#}");
        let before = ask(&built.kb, question, "2025-08-31");
        assert!(cited(&before, clause).marks().is_empty(), "{before:#}");
    }
}

#[test]
fn what_is_not_in_force_or_elsewhere_marks_nothing() {
    let later = notice("一、将第二条修改为:“铜雀卡年费15元。”").replace("2025年9月1日", "2030年9月1日");
    let gone = notice("一、将第二条修改为:“铁雀卡年费15元。”").replace("铜雀卡管理", "铁雀卡管理");
    for text in [later, gone] {
        let built = Rules::build(&[("b.txt", RULE), ("c.txt", &text)]);
        let card = ask(&built.kb, "铜雀卡年费多少", "2026-11-30");
        assert_eq!(cited(&card, "第二条").text, "铜雀卡年费17元。");
        assert!(cited(&card, "第二条").marks().is_empty(), "{card:#}");
    }
}

#[test]
fn knowledge_without_amendments_has_no_tables_for_them() {
    let built = Rules::build(&[("b.txt", RULE)]);
    guida::store::check_schema(&built.kb).unwrap();
    let bytes = std::fs::read(&built.kb).unwrap();
    assert!(!bytes.windows(21).any(|part| part == b"CREATE TABLE amendmen"));
    let marked = with("一、暂停执行第四条。");
    guida::store::check_schema(&marked.kb).unwrap();
}

#[test]
fn a_change_for_one_branch_stands_beside_the_rule_that_goes_on() {
    let built = with("一、将第二条修改为:“铜雀卡年费15元。”自2025年9月1日起在江东分行辖内执行。");
    let card = ask(&built.kb, "铜雀卡年费多少", "2026-11-30");
    let clause = cited(&card, "第二条");
    assert_eq!(clause.text, "铜雀卡年费17元。");
    assert_eq!(clause.amended[0].mark, "江东分行辖内被示例银发〔2025〕33号修改(2025-09-01 起)");
    assert!(cites_notice(&card), "{card:#}");
    assert!(!card["conclusion"].as_str().unwrap().contains("15元"), "{card:#}");
    assert!(card["notices"].to_string().contains("其他仍按原规定"), "{card:#}");
}

#[test]
fn a_clause_that_a_consolidated_text_leaves_alone_goes_on() {
    let built = with("一、将第二条修改为:“铜雀卡年费15元。”");
    let ends = |question: &str| ask(&built.kb, question, "2025-08-20")["notices"].to_string();
    assert!(!ends("铜雀卡挂失手续费多少").contains("不再有效"));
    let changed = ends("铜雀卡管理办法第二条");
    assert!(changed.contains("第二条自 2025-09-01 起有修改") && !changed.contains("不再有效"), "{changed}");
}
