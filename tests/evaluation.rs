//! Measuring: curated questions given by name, cross-validation, changed questions, the marks of answers, and conclusions judged by rules.

#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/program.rs"]
mod program;

use gguf::ChatSpec;
use guida::eval::perturb::Perturbation;
use guida::text::questions::parse;
use program::{guida, knowledge, repository};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LAW: &str = "# 某行账户办法\n\n第一条 存款人死亡的,由继承人凭公证书办理支取。\n\n第二条 挂失应当填写申请书,七日后补发凭证。\n\n\
                   第三条 单位账户变更名称,应当在五日内申请。\n";

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(TempDir::new().unwrap());
        fs::create_dir(folder.0.path().join("rules")).unwrap();
        fs::write(folder.rules().join("某行账户办法.md"), LAW).unwrap();
        folder
    }

    fn rules(&self) -> PathBuf {
        self.0.path().join("rules")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn lines(&self, name: &str, lines: &[(&str, &str, Option<&str>, &str, &str)]) -> PathBuf {
        let line = |(id, question, answer, document, clause): &(&str, &str, Option<&str>, &str, &str)| {
            let relevant = serde_json::json!([{ "document": document, "clause": clause }]);
            serde_json::json!({ "id": id, "question": question, "answer": answer, "relevant": relevant }).to_string()
        };
        let path = self.file(name);
        fs::write(&path, lines.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap();
        path
    }

    fn build(&self, curated: &[&Path]) -> program::Run {
        let (rules, out) = (self.rules(), self.file("kb.db"));
        let flags = curated.iter().flat_map(|file| [Path::new("--curated"), file]);
        guida(
            [Path::new("kb"), Path::new("build"), &rules, Path::new("--out"), &out, Path::new("--json")]
                .into_iter()
                .chain(flags),
        )
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const TITLE: &str = "某行账户办法";

#[test]
fn answered_questions_given_by_name_lead_to_their_clause() {
    let folder = Folder::new();
    let taught =
        folder.lines("taught.jsonl", &[("1", "老爷子没了钱咋拿", Some("带上亲属关系证明到柜面"), TITLE, "第一条")]);
    let asked = folder.lines(
        "asked.jsonl",
        &[("1", "爷爷没了怎么拿", None, TITLE, "第一条"), ("2", "亲属关系在柜面怎么证明", None, TITLE, "第1条")],
    );
    let recall = || {
        let kb = folder.file("kb.db");
        let arguments = ["eval", "retrieval", "--kb", text(&kb), "--questions", text(&asked), "--json"];
        guida(arguments.into_iter().chain(["--without", "encoder"])).json()["recall_at_1"].as_f64().unwrap()
    };
    folder.build(&[]).ok();
    assert_eq!(recall(), 0.0);
    let report = folder.build(&[&taught]).json();
    assert_eq!(report["notes"], serde_json::json!([]));
    assert_eq!(recall(), 1.0, "the words of question and answer are found");
}

#[test]
fn a_place_that_is_not_there_is_reported_by_line_and_a_wrong_line_stops_the_build() {
    let folder = Folder::new();
    let taught = folder.lines(
        "taught.jsonl",
        &[
            ("a", "挂失要几天", Some("七日"), TITLE, "第二条"),
            ("b", "没有这一条", None, TITLE, "第九条"),
            ("c", "没有这部法", None, "某行贷款办法", "第一条"),
        ],
    );
    let empty = folder.file("empty.jsonl");
    fs::write(&empty, "\n{\"id\":\"d\",\"question\":\"谁来答\",\"relevant\":[]}\n").unwrap();
    let report = folder.build(&[&taught, &empty]).json();
    let notes: Vec<&str> = report["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let expected = [
        format!("{} 第 2 行(b)未收入:《某行账户办法》里没有第九条", text(&taught)),
        format!("{} 第 3 行(c)未收入:没有《某行贷款办法》这份文档", text(&taught)),
        format!("{} 第 2 行(d)未收入:没有写明由哪一条回答", text(&empty)),
    ];
    assert_eq!(notes, expected);
    let check = guida(["kb", "check", text(&folder.file("kb.db")), "--json"]).json();
    assert_eq!(check["curated"], 1);

    let wrong = folder.file("wrong.jsonl");
    fs::write(&wrong, "{\"id\":\"a\"}\n").unwrap();
    let run = folder.build(&[&wrong]);
    assert!(run.err.contains("wrong.jsonl") && run.err.contains("第 1 行"), "{}", run.err);
    run.fails(6, "QUESTIONS_FILE");
}

#[test]
fn cross_validation_never_teaches_what_it_asks() {
    let folder = Folder::new();
    // Two folds: the even questions are taught when the odd ones are asked. 4 has the words of 3.
    let questions = folder.lines(
        "q.jsonl",
        &[
            ("0", "老爷子没了钱咋拿", Some("带亲属关系证明"), TITLE, "第一条"),
            ("1", "爷爷没了钱咋拿回来", Some("带亲属关系证明"), TITLE, "第一条"),
            ("2", "卡丢了多久能补", Some("一星期"), TITLE, "第二条"),
            ("3", "公司改名要多久报", None, TITLE, "第三条"),
            ("4", "公司改名,要多久报?", None, TITLE, "第三条"),
            ("5", "折子丢了", None, TITLE, "第二条"),
        ],
    );
    let details = folder.file("details.jsonl");
    let rules = folder.rules();
    let arguments =
        ["eval", "cv", text(&rules), "--questions", text(&questions), "--folds", "2", "--perturb", "fullwidth"];
    let figures = guida(arguments.into_iter().chain(["--json", "--details", text(&details)])).json();
    assert_eq!((&figures["folds"], &figures["questions"], &figures["leaks"]), (&2.into(), &6.into(), &2.into()));
    let rows: Vec<&str> = figures["rows"].as_array().unwrap().iter().map(|r| r["step"].as_str().unwrap()).collect();
    assert_eq!(rows, ["lexical", "everyday", "curated"], "without an encoder there is nothing more to compare");
    let recall = |row: usize| figures["rows"][row]["figures"]["recall_at_1"].as_f64().unwrap();
    assert!(recall(2) > recall(0), "{figures:#}");
    assert_eq!(figures["perturbed"][0]["kind"], "fullwidth");
    assert_eq!(figures["perturbed"][0]["figures"]["recall_at_1"].as_f64().unwrap(), recall(2));
    let lines = fs::read_to_string(&details).unwrap();
    let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 18);
    for line in lines {
        let id: u64 = line["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(line["fold"], id % 2, "{line}");
        assert!(line["confidence"].as_f64().unwrap() < 1.0, "found as a curated question: {line}");
    }
    let few = guida(["eval", "cv", text(&rules), "--questions", text(&questions), "--folds", "7"]);
    few.fails(6, "QUESTIONS_FILE");
}

#[test]
fn changed_questions_of_the_sample_rulebook_are_still_found() {
    let (kb, questions) = (knowledge(), repository("assets/knowledge/questions.jsonl"));
    let report = TempDir::new().unwrap();
    let page = report.path().join("检索.md");
    let arguments = ["eval", "retrieval", "--kb", text(&kb), "--questions", text(&questions), "--perturb", "all"];
    let figures = guida(arguments.into_iter().chain(["--json", "--report", text(&page)])).json();
    let plain = figures["recall_at_10"].as_f64().unwrap();
    let changed = figures["perturbed"].as_array().unwrap();
    assert_eq!(changed.len(), Perturbation::ALL.len());
    for kind in changed {
        let found = kind["figures"]["recall_at_10"].as_f64().unwrap();
        assert!(found >= plain - 0.05, "{kind:#}");
    }
    let written = fs::read_to_string(&page).unwrap();
    for chart in ["检索-recall.svg", "检索-reliability.svg"] {
        assert!(written.contains(&format!("({chart})")), "{written}");
        assert!(fs::read_to_string(report.path().join(chart)).unwrap().starts_with("<svg"));
    }
    // Without any signal nothing is found.
    let without = ["--without", "words", "--without", "curated", "--without", "encoder", "--json"];
    let nothing =
        guida(["eval", "retrieval", "--kb", text(&kb), "--questions", text(&questions)].into_iter().chain(without));
    assert_eq!(nothing.json()["recall_at_100"], 0.0);
}

/// The card cites what the questions name; the model is real and tiny, so its prose is noise that is marked all the same.
#[test]
fn cards_and_prose_are_marked_against_written_answers() {
    let folder = Folder::new();
    folder.build(&[]).ok();
    let questions = folder.lines(
        "q.jsonl",
        &[
            ("1", "挂失应当填写申请书吗", Some("挂失应当填写申请书,七日后补发凭证。"), TITLE, "第二条"),
            ("2", "继承人凭公证书支取", None, TITLE, "第一条"),
        ],
    );
    let all =
        fs::read_to_string(&questions).unwrap() + "\n{\"id\":\"3\",\"question\":\"食堂中午吃啥\",\"relevant\":[]}\n";
    fs::write(&questions, &all).unwrap();
    assert_eq!(parse(&all).unwrap().len(), 3);
    let model = folder.file("chat.gguf");
    gguf::write_chat_model(&model, &ChatSpec::default());
    let (kb, page, details) = (folder.file("kb.db"), folder.file("a.md"), folder.file("a.jsonl"));
    let arguments = ["eval", "answers", "--kb", text(&kb), "--questions", text(&questions), "--model", text(&model)];
    let figures =
        guida(arguments.into_iter().chain(["--report", text(&page), "--details", text(&details), "--json"])).json();
    assert_eq!((&figures["questions"], &figures["answerable"]), (&3.into(), &2.into()));
    assert_eq!((&figures["wrong_refusals"], &figures["right_refusals"]), (&0.into(), &1.into()));
    assert_eq!((&figures["card"]["answers"], &figures["card"]["compared"]), (&2.into(), &1.into()));
    assert_eq!(
        (&figures["card"]["citation_recall"], &figures["card"]["unsupported_numbers"]),
        (&1.0.into(), &0.into())
    );
    assert_eq!(figures["prose"]["answers"], 2, "{figures:#}");
    // The written answer is the clause word for word, and so is the card.
    assert!((figures["card"]["bleu"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{figures:#}");
    let written = fs::read_to_string(&page).unwrap();
    for chart in ["a-card-bleu.svg", "a-prose-bleu.svg"] {
        assert!(written.contains(chart) && folder.file(chart).is_file(), "{written}");
    }
    let first: Value = serde_json::from_str(fs::read_to_string(&details).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(first["card"]["exp_ans"], "挂失应当填写申请书,七日后补发凭证。");
    assert_eq!(first["card"]["gen_ans"], first["card"]["exp_ans"]);
}

/// The follow-up finds its clause by the title of the card before, and a card about an address only points to it.
#[test]
fn conclusions_are_judged_by_the_rules_of_their_questions() {
    let folder = Folder::new();
    folder.build(&[]).ok();
    let sets = folder.file("sets");
    fs::create_dir(&sets).unwrap();
    let clause = |number: &str| serde_json::json!([{ "document": TITLE, "clause": number }]);
    let loss = serde_json::json!({ "question": "挂失应当填写申请书吗", "clauses": clause("第二条"), "must": [["@yes", "申请书"], ["7天"]],
                                   "polarity": "yes", "asks": "need" });
    let mut single = loss.clone();
    single["id"] = "right".into();
    single["kind"] = serde_json::json!(["form", "deadline"]);
    let lines = [
        single,
        serde_json::json!({ "id": "wrong", "question": "继承人凭公证书支取", "kind": ["form"], "clauses": clause("第一条"),
                            "must": [["户口本"]], "must_not": ["^(?!.*户口本).*公证书"] }),
        serde_json::json!({ "id": "incomplete", "question": "单位账户变更名称应当在五日内申请吗", "kind": ["who"],
                            "clauses": clause("第三条"), "must": [["5日"], ["主管"]] }),
        serde_json::json!({ "id": "refused", "question": "食堂中午吃啥", "kind": ["other"], "refuse": true, "must": [] }),
    ];
    fs::write(sets.join("a.jsonl"), lines.map(|line| line.to_string()).join("\n")).unwrap();
    let pointer = serde_json::json!({ "question": "第三条怎么规定", "clauses": clause("第三条"), "must": [["5日"]] });
    let dialogue = serde_json::json!({ "id": "talk", "kind": ["multi-turn"], "turns": [loss, pointer] });
    fs::write(sets.join("b.jsonl"), dialogue.to_string()).unwrap();

    let (kb, details) = (folder.file("kb.db"), folder.file("c.jsonl"));
    let arguments = ["eval", "conclusions", "--kb", text(&kb), "--questions", text(&sets), "--as-of", "2026-11-30"];
    let figures = guida(arguments.into_iter().chain(["--details", text(&details), "--json"])).json();
    let counts = |part: &str| {
        ["right", "incomplete", "wrong", "refused_rightly"].map(|name| figures[part][name].as_u64().unwrap())
    };
    assert_eq!(counts("single"), [1, 1, 1, 1], "{figures:#}");
    assert_eq!((counts("first_turns")[0], counts("follow_ups")[1]), (1, 1), "{figures:#}");
    assert_eq!(figures["kinds"][0]["kind"], "form");
    assert_eq!(figures["reliability"][9]["questions"], 5, "{figures:#}");
    let written = fs::read_to_string(&details).unwrap();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<String> = written.iter().map(|line| format!("{} {}", line["id"], line["verdict"])).collect();
    let expected =
        ["right right", "wrong wrong", "incomplete incomplete", "refused refused", "talk.1 right", "talk.2 incomplete"];
    assert_eq!(verdicts.join("\n").replace('"', ""), expected.join("\n"));
    let table = guida(arguments).ok();
    for told in [
        "       2     1       -     1       -           -         -  form\n",
        "有答案 3 个:对 1,不全 1,错 1,误拒 0\n",
        "追问 1 个:对 0\n",
    ] {
        assert!(table.contains(told), "{table}");
    }

    fs::write(sets.join("b.jsonl"), r#"{"id":"x","question":"挂失","must":[["(5日"]]}"#).unwrap();
    let broken = guida(arguments);
    assert!(broken.err.contains("b.jsonl 第 1 行") && broken.err.contains("(5日"), "{}", broken.err);
    broken.fails(6, "QUESTIONS_FILE");
}

/// Both commands write the same lines. The conclusion that is right by the rule, or stands in the relevant clause, is marked; a dialogue has no line.
#[test]
fn what_was_considered_as_the_conclusion_is_written_with_its_signs() {
    let folder = Folder::new();
    folder.build(&[]).ok();
    let (kb, out) = (folder.file("kb.db"), folder.file("considered.jsonl"));
    let lines = [
        serde_json::json!({ "id": "loss-001", "question": "挂失应当填写申请书吗", "must": [["申请书"], ["7天"]] }),
        serde_json::json!({ "id": "canteen", "question": "账户名称能在食堂变更吗", "refuse": true, "must": [] }),
        serde_json::json!({ "id": "talk-002", "turns": [{ "question": "挂失", "must": [] }] }),
    ];
    let (judged, relevant) =
        (folder.file("rules.jsonl"), folder.lines("asked.jsonl", &[("7", "挂失填什么", None, TITLE, "第二条")]));
    fs::write(&judged, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let considered = |command: &str, questions: &Path, flag: &str| -> Vec<Value> {
        let arguments = ["eval", command, "--kb", text(&kb), "--questions", text(questions), flag, text(&out)];
        guida(arguments.into_iter().chain(["--as-of", "2026-11-30"])).ok();
        fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let by_rules = considered("conclusions", &judged, "--evidence");
    let named: Vec<(&str, &str, bool)> = by_rules
        .iter()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap();
            (word("id"), word("topic"), line["answerable"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(named, [("loss-001", "loss", true), ("canteen", "rules", false)]);
    let by_clause = considered("retrieval", &relevant, "--candidates");
    let right = |line: &Value| -> Vec<u64> {
        let candidates = line["candidates"].as_array().unwrap();
        candidates.iter().filter(|c| c["right"] == true).map(|c| c["clause"].as_u64().unwrap()).collect()
    };
    assert!(!right(&by_rules[0]).is_empty() && right(&by_rules[1]).is_empty(), "{by_rules:#?}");
    assert!(!right(&by_clause[0]).is_empty(), "{by_clause:#?}");
    let clause = right(&by_rules[0])[0];
    assert!(right(&by_clause[0]).iter().all(|of| *of == clause), "{by_clause:#?}");
    for line in by_rules.iter().chain(&by_clause) {
        assert_eq!(line["settled"], false);
        assert!(line["overall"]["confidence"].is_f64() && line["candidates"][0]["signs"]["own"].is_f64(), "{line:#}");
    }
}

/// The model is real and tiny: what it writes is noise, of which nothing is kept. Every clause is asked about once all the same, and the file is one
/// that a build takes.
#[test]
fn a_model_writes_into_a_file_that_a_build_takes() {
    let folder = Folder::new();
    let model = folder.file("chat.gguf");
    gguf::write_chat_model(&model, &ChatSpec::default());
    let (rules, file, kb) = (folder.rules(), folder.file("问法.tsv"), folder.file("kb.db"));
    let arguments = ["kb", "enrich", text(&rules), "--out", text(&file), "--model", text(&model), "--threads", "1"];
    let first = guida(arguments).ok();
    assert!(first.contains("为 3 条条款写了"), "{first}");
    let written = fs::read_to_string(&file).unwrap();
    for clause in ["第一条", "第二条", "第三条"] {
        assert!(written.contains(&format!("某行账户办法\t{clause}\t")), "{written}");
    }
    assert!(guida(arguments).ok().contains("已有问法的 3 条没有再写"));
    assert_eq!(fs::read_to_string(&file).unwrap(), written);

    let print = written.split('\t').nth(2).unwrap();
    let more = format!("{written}某行账户办法\t第一条\t{print}\t老爷子走了钱咋弄\t人工\n");
    fs::write(&file, more).unwrap();
    guida(["kb", "build", text(&rules), "--enrich", text(&file), "--no-embedder", "--out", text(&kb)]).ok();
    let card = program::ask(&kb, "老爷子走了钱咋弄出来", &["--no-embedder"]);
    assert_eq!(card["citations"][0]["clause"], "第一条", "{card:#}");
    assert!(!card.to_string().contains("老爷子走了钱咋弄\""), "it is never shown: {card:#}");

    fs::write(&file, "某行账户办法\t第一条\n").unwrap();
    let broken = ["kb", "build", text(&rules), "--enrich", text(&file), "--no-embedder", "--out", text(&kb)];
    guida(broken).fails(6, "KB_BUILD");
    let without = ["kb", "enrich", text(&rules), "--out", text(&file)];
    guida(without).fails(5, "MODEL_UNAVAILABLE");
}
