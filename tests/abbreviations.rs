//! A rule that shortens a name is found by both forms of it, wherever only one of them stands.

#[path = "common/rules.rs"]
mod rules;

use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Retriever};
use guida::types::Classification;
use rules::Rules;

const RULE: &str = "---
title: 某行残币管理办法
doc_no: 某行发〔2026〕3号
level: 行内制度
effective: 2026-01-01
---
# 某行残币管理办法
第一条 为做好柜面工作，制定本办法。
第二条 网点通过全国纸币集中登录平台（以下简称 QZP）上报。
第三条 QZP 停用当日，柜员手工记录。
第四条 全国纸币集中登录平台的口令每季度更换。
第五条 营业终了，两人核对尾箱。
";

/// The labels of the clauses that a question finds, and their texts.
fn found(retriever: &Retriever, text: &str) -> Vec<(String, String)> {
    let scope = Scope {
        as_of: "2026-06-01".parse().unwrap(),
        clearance: Classification::Internal,
        levels: Vec::new(),
        all_versions: false,
    };
    let ranked = retriever.search(&Query { text, scope, recent_documents: &[], limit: 10 }).unwrap();
    let clause = |id| retriever.knowledge().clause(id).unwrap().unwrap();
    ranked.hits.iter().map(|hit| clause(hit.clause)).map(|clause| (clause.address.label, clause.text)).collect()
}

#[test]
fn a_clause_with_one_form_of_a_name_is_found_by_the_other_which_is_never_shown() {
    let rules = Rules::build(&[("残币.md", RULE)]);
    let retriever = Retriever::new(rules.open(), None).unwrap();
    // Not a character of these questions stands in the clause that is found but for the name's other form.
    for (question, label, other) in [("全国集中登录平台", "第三条", "集中登录"), ("QZP", "第四条", "QZP")]
    {
        let hits = found(&retriever, question);
        let hit = hits.iter().find(|(found, _)| found == label);
        let (_, text) = hit.unwrap_or_else(|| panic!("{question}: {hits:?}"));
        assert!(!text.contains(other), "{text}");
        assert!(hits.iter().all(|(label, _)| label != "第五条"), "{hits:?}");
    }
    assert_eq!(found(&retriever, "全国纸币集中登录平台停用怎么办")[0].0, "第三条");
    assert_eq!(found(&retriever, "QZP口令多久更换")[0].0, "第四条");
}
