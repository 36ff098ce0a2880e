//! How a clause is asked for: words in letters, curated questions of a few clauses, questions that a language model wrote.

#[path = "common/rules.rs"]
mod rules;

use guida::error::Code;
use guida::inference::scripted::ScriptedGenerator;
use guida::ingest::everyday::Everyday;
use guida::ingest::{build, enrich};
use guida::retrieval::scope::Scope;
use guida::retrieval::{Query, Ranked, Retriever};
use guida::store::Knowledge;
use guida::types::Classification;
use rules::{DESK, Rules};
use std::path::Path;
use std::sync::Arc;

fn search(retriever: &Retriever, text: &str) -> Ranked {
    let as_of = "2026-01-01".parse().unwrap();
    let scope = Scope { as_of, clearance: Classification::Internal, levels: Vec::new(), all_versions: false };
    retriever.search(&Query { text, scope, recent_documents: &[], limit: 10 }).unwrap()
}

/// The labels of the clauses found in a knowledge file, by words, best first.
fn found(kb: &Path, text: &str) -> Vec<String> {
    let retriever = Retriever::new(Arc::new(Knowledge::open(kb).unwrap()), None).unwrap();
    let label = |clause| retriever.knowledge().clause(clause).unwrap().unwrap().address.label;
    search(&retriever, text).hits.iter().map(|hit| label(hit.clause)).collect()
}

#[test]
fn words_typed_in_letters_find_what_their_characters_find() {
    let rules = Rules::build(&[("desk.md", DESK)]);
    let retriever = Retriever::new(rules.open(), None).unwrap();
    for (typed, meant) in [
        ("guashi填什么", "挂失填什么"),
        ("gua shi 填什么", "挂失 填什么"),
        ("挂shi填什么", "挂失填什么"),
        ("shenfenzheng过期了", "身份证过期了"),
        ("dae qukuan yuyue", "大额取款预约"),
        ("JICHENGREN取款要证明吗", "继承人取款要证明吗"),
    ] {
        assert_eq!(found(&rules.kb, typed)[0], found(&rules.kb, meant)[0], "{typed}");
    }
    let atm = search(&retriever, "atm vip ukey");
    assert_eq!(atm.searched, "atm vip ukey", "words in letters stay");
}

#[test]
fn a_few_curated_questions_draw_nothing_that_is_asked_of_other_clauses() {
    let curated = |clauses: &[&str]| {
        let line = |clause: &&str| {
            format!(
                "{{\"id\": \"{clause}\", \"question\": \"这个要跑几趟网点\", \"answer\": null, \"relevant\": [{{\"document\": \"某行柜面办法\", \"clause\": \"{clause}\"}}]}}\n"
            )
        };
        clauses.iter().map(line).collect::<String>()
    };
    let order = |questions: &str| {
        let rules = Rules::build(&[("desk.md", DESK), ("own.curated.jsonl", questions)]);
        found(&rules.kb, "预约要跑网点吗")
    };
    let plain = order(&curated(&[]));
    assert_eq!(plain, order(&curated(&["第一条"])), "one of eight clauses has a question");
    let many = order(&curated(&["第一条", "第二条", "第三条"]));
    assert!(many.len() > plain.len(), "a third of the clauses have some: {many:?}");
}

#[test]
fn questions_of_a_language_model_help_to_find_a_clause_and_are_written_once() {
    let rules = Rules::build(&[("desk.md", DESK)]);
    let sources = [rules.folder.path().join("rules")];
    let file = rules.folder.path().join("desk.questions.tsv");
    let model = ScriptedGenerator::new([
        "1. 老爷子走了他的钱咋",
        "弄出来\n",
        "存款人死亡的继承人凭证明取款。\n",
        "hello there\n",
    ]);
    let done = enrich::enrich(&sources, &model, &file, &mut |_, _, _| {}).unwrap();
    assert_eq!(
        (done.known, done.asked, done.questions, done.empty),
        (0, 3, 5, 0),
        "five are too short, and one line repeats its own clause"
    );
    let again = enrich::enrich(&sources, &model, &file, &mut |_, _, _| {}).unwrap();
    assert_eq!((again.known, again.asked), (3, 0), "what is written is not written again");
    assert_eq!(model.asked().len(), 3);

    // Head office keeps the line that fits.
    let text = std::fs::read_to_string(&file).unwrap();
    let kept: String =
        text.lines().filter(|line| line.contains("\t第三条\t")).map(|line| format!("{line}\n")).collect();
    assert!(kept.contains("老爷子走了他的钱咋弄出来\t脚本"), "{text}");
    std::fs::write(&file, kept).unwrap();
    let mut everyday = Everyday::none();
    everyday.read(&file).unwrap();
    let kb = rules.folder.path().join("enriched.db");
    build::build(&sources, &[], &everyday, &kb, None, &mut |_, _, _| {}).unwrap();
    assert_eq!(found(&kb, "老爷子的钱弄出来")[0], "第三条");
    assert!(found(&rules.kb, "老爷子的钱弄出来").first().is_none_or(|first| first != "第三条"));

    std::fs::write(&file, "某行柜面办法\t第三条\n").unwrap();
    assert_eq!(Everyday::none().read(&file).unwrap_err().code(), Code::KbBuild);
}
