//! `guida ask` on the delivered knowledge, as a teller and a script use it: what it answers, what it refuses, and what it
//! says when something is wrong.

#[path = "common/client.rs"]
mod client;
#[path = "common/program.rs"]
mod program;

use guida::store::schema::SCHEMA_VERSION;
use program::{Run, ask, guida, knowledge, repository, serve};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";

/// `guida ask` on a knowledge file, as text.
fn plain(kb: &Path, question: &str) -> Run {
    guida(["ask", question, "--kb", kb.to_str().unwrap()])
}

/// A copy of the delivered knowledge, changed.
fn changed(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(knowledge()).unwrap();
    change(&mut bytes);
    let path = folder.join("changed.db");
    fs::write(&path, bytes).unwrap();
    path
}

/// The source of a sample rule.
fn source(path: &str) -> String {
    fs::read_to_string(repository("assets/knowledge").join(path)).unwrap()
}

/// The text of a 条 in a source: what stands between its label and the next label or heading, without blank lines.
fn article(source: &str, label: &str) -> String {
    let mut lines = source.lines().skip_while(|line| !line.starts_with(&format!("{label} ")));
    let first = lines.next().unwrap_or_else(|| panic!("no {label}"));
    let ends = |line: &&str| line.starts_with('#') || line.starts_with('第') && line.contains("条 ");
    let rest = lines.take_while(|line| !ends(line)).filter(|line| !line.is_empty());
    std::iter::once(&first[label.len() + 1..]).chain(rest).collect::<Vec<_>>().join("\n")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value:#}"))
}

#[test]
fn the_answer_stands_word_for_word_in_the_rule() {
    let card = ask(&knowledge(), QUESTION, &["--as-of", "2026-03-02"]);
    assert_eq!(card["refused"], false);
    let first = &card["citations"][0];
    assert_eq!(text(first, "document"), "示例银行个人客户身份识别管理办法", "{card:#}");
    assert!(text(first, "clause").starts_with("第十五条"), "{card:#}");
    assert_eq!(text(first, "doc_no"), "示例银发〔2025〕112号");
    assert_eq!(text(first, "effective_from"), "2026-01-01");
    assert_eq!(first["effective_to"], Value::Null);
    assert_eq!(text(first, "status"), "in_force");
    let rule = article(&source("shenfen-shibie/示例银行个人客户身份识别管理办法-2026.md"), "第十五条");
    assert!(rule.contains(text(first, "text")), "{rule}\n{first:#}");
    let [start, end] = [0, 1].map(|n| first["highlight"][n].as_u64().unwrap() as usize);
    let marked: String = text(first, "text").chars().take(end).skip(start).collect();
    assert!(marked.contains("未超过90日") && marked.contains("可以办理"), "{marked}");
    // The conclusion is the rule's; what to do comes from the guide's scene that rests on it.
    let flat = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert!(flat(&rule).contains(&flat(text(&card, "conclusion"))), "{card:#}");
    assert_eq!(text(&card, "conclusion_source"), "《示例银行个人客户身份识别管理办法》第十五条", "{card:#}");
    let guide = source("shenfen-shibie/示例银行柜面操作指引-身份证件过期客户业务-2026.md");
    for part in ["steps", "materials", "risk"] {
        let said = card[part].as_array().unwrap();
        assert!(!said.is_empty() && said.iter().all(|s| guide.contains(s.as_str().unwrap())), "{part}: {card:#}");
    }
    for part in ["escalation", "script"] {
        assert!(guide.contains(text(&card, part)), "{part}: {card:#}");
    }
}

#[test]
fn people_read_conclusion_rule_and_dates() {
    let said = plain(&knowledge(), QUESTION).ok();
    for part in ["结论:", "依据:", "[1] 《", "示例银发〔", "起生效 · 现行有效", "步骤:", "对客话术:"]
    {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

/// The contract of the JSON: every key with its type.
#[test]
fn the_json_keeps_its_contract() {
    let card = ask(&knowledge(), QUESTION, &[]);
    for key in ["conclusion", "conclusion_source", "question", "as_of", "escalation", "script", "generation"] {
        assert!(card[key].is_string(), "{key}: {card:#}");
    }
    for key in ["citations", "steps", "materials", "risk", "notices"] {
        assert!(card[key].is_array(), "{key}: {card:#}");
    }
    assert!(card["refused"].is_boolean());
    assert!(card["confidence"].is_number());
    for key in ["embed_ms", "retrieve_ms", "card_ms"] {
        assert!(card["timings"][key].is_number(), "{key}: {card:#}");
    }
    assert_eq!(text(&card, "generation").len(), 16);
    for key in ["clarify", "refusal", "prose", "prose_unavailable"] {
        assert!(card.as_object().unwrap().contains_key(key), "{key}: {card:#}");
    }
    for (index, citation) in card["citations"].as_array().unwrap().iter().enumerate() {
        assert_eq!(citation["n"], index + 1);
        for key in ["document", "doc_no", "clause", "effective_from", "status", "text", "status_label", "level"] {
            assert!(citation[key].is_string(), "{key}: {citation:#}");
        }
        assert!(citation["effective_to"].is_null() || citation["effective_to"].is_string());
        assert_eq!(citation["sample"], true);
        assert!(citation["id"].is_u64());
    }
    let refused = ask(&knowledge(), "比特币冷钱包怎么托管", &[]);
    assert_eq!(refused["conclusion"], "");
    assert_eq!(refused["citations"], serde_json::json!([]));
    for key in ["reason", "ask"] {
        assert!(!text(&refused["refusal"], key).is_empty());
    }
    for key in ["documents_searched", "clauses_searched"] {
        assert!(refused["refusal"][key].as_u64().unwrap() > 0);
    }
    assert!(refused["refusal"]["terms"].is_array() && refused["refusal"]["nearest"].is_array());
}

/// One title on both sides of a change.
struct Change {
    question: &'static str,
    title: &'static str,
    old: (&'static str, &'static str, &'static str),
    new: (&'static str, &'static str, &'static str),
    eve: &'static str,
    day: &'static str,
}

const CHANGES: [Change; 3] = [
    Change {
        question: "个人支取现金超过5万元,要不要登记资金来源和用途",
        title: "示例银行大额现金业务管理办法",
        old: ("示例银发〔2023〕241号", "第六条", "逐笔询问资金来源和用途"),
        new: ("示例银发〔2025〕268号", "第七条", "不再逐笔登记资金来源或者用途"),
        eve: "2025-12-31",
        day: "2026-01-01",
    },
    Change {
        question: "已故存款人存款简化提取,余额合计不超过多少",
        title: "示例银行已故存款人存款查询与提取管理办法",
        old: ("示例银发〔2021〕601号", "第七条", "不超过1万元"),
        new: ("示例银发〔2024〕602号", "第十四条", "不超过5万元"),
        eve: "2024-05-31",
        day: "2024-06-01",
    },
    Change {
        question: "短信提醒服务费每月怎么收",
        title: "示例银行个人服务收费与短信提醒管理办法",
        old: ("示例银发〔2023〕671号", "第四条", "每月收费3元"),
        new: ("示例银发〔2026〕672号", "第五条", "每月收费2元"),
        eve: "2026-02-28",
        day: "2026-03-01",
    },
];

#[test]
fn the_day_decides_which_version_answers() {
    for change in &CHANGES {
        for (day, (wanted, clause, words), other) in
            [(change.eve, change.old, change.new.0), (change.day, change.new, change.old.0)]
        {
            let card = ask(&knowledge(), change.question, &["--as-of", day]);
            assert_eq!(text(&card, "as_of"), day);
            let citations = card["citations"].as_array().unwrap();
            assert!(citations.iter().all(|c| c["status"] == "in_force"), "{day} {card:#}");
            assert!(citations.iter().all(|c| c["doc_no"] != other), "{day} both versions: {card:#}");
            let cited: Vec<&Value> = citations.iter().filter(|c| c["doc_no"] == wanted).collect();
            assert!(!cited.is_empty(), "{day} {wanted}: {card:#}");
            assert!(cited.iter().all(|c| c["document"] == change.title));
            let answers = |c: &&Value| text(c, "clause").starts_with(clause) && text(c, "text").contains(words);
            assert!(cited.iter().any(answers), "{day} {clause} {words}: {card:#}");
        }
    }
}

#[test]
fn a_version_named_by_its_day_shows_its_state() {
    let question = "示例银行大额现金业务管理办法第六条";
    let old = ask(&knowledge(), question, &["--as-of", "2025-12-31"]);
    assert!(text(&old["citations"][0], "text").contains("逐笔询问资金来源和用途"), "{old:#}");
    assert_eq!(text(&old["citations"][0], "effective_to"), "2026-01-01");
    let new = ask(&knowledge(), question, &["--as-of", "2026-01-01"]);
    assert!(text(&new["citations"][0], "text").contains("登记身份基本信息"), "{new:#}");
    // Before the first version there is none in force: what is shown says so.
    let before = ask(&knowledge(), question, &["--as-of", "2020-01-01"]);
    assert_eq!(text(&before["citations"][0], "status"), "not_yet_in_force", "{before:#}");
    assert!(before["notices"][0].as_str().unwrap().contains("尚未施行"), "{before:#}");
}

#[test]
fn what_the_rules_do_not_answer_is_refused_without_error() {
    for question in ["比特币冷钱包怎么托管", "明天北京会不会下雨", "刑法第一百条"] {
        let run = guida(["ask", question, "--kb", knowledge().to_str().unwrap(), "--json"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.json()["refused"], true, "{question}");
        let said = plain(&knowledge(), question).ok();
        assert!(said.contains("不作回答:") && said.contains("已检索:") && said.contains("请问:"), "{said}");
    }
}

#[test]
fn an_address_leads_to_exactly_that_text() {
    let rule = source("shenfen-shibie/示例银行个人客户身份识别管理办法-2026.md");
    let fifteen = article(&rule, "第十五条");
    let second = fifteen.lines().nth(1).unwrap();
    for (question, clause, expected) in [
        ("示例银行个人客户身份识别管理办法第十五条", "第十五条", fifteen.as_str()),
        ("个人客户身份识别管理办法第15条第2款", "第十五条第二款", second),
        ("《示例银行个人客户身份识别管理办法》第 十五 条 第二款", "第十五条第二款", second),
        ("请问示例银行个人客户身份识别管理办法第15条2款怎么规定的", "第十五条第二款", second),
    ] {
        let card = ask(&knowledge(), question, &["--as-of", "2026-03-02"]);
        assert_eq!(card["citations"].as_array().unwrap().len(), 1, "{card:#}");
        assert_eq!(text(&card["citations"][0], "clause"), clause, "{question}");
        assert_eq!(text(&card["citations"][0], "text"), expected, "{question}");
    }
    let items = source("large-cash/示例银行大额现金业务管理办法-2025.md");
    let third = article(&items, "第九条").lines().nth(3).unwrap().to_owned();
    let card = ask(&knowledge(), "大额现金业务管理办法第九条第（三）项", &[]);
    assert_eq!((text(&card["citations"][0], "text"), &third[..9]), (third.as_str(), "（三）"));
}

#[test]
fn a_clause_that_does_not_exist_is_not_replaced_by_another() {
    let card = ask(&knowledge(), "示例银行大额现金业务管理办法第九百条", &[]);
    assert_eq!(card["refused"], true);
    assert_eq!(text(&card["refusal"], "reason"), "知识库里没有《示例银行大额现金业务管理办法》第九百条");
    let bare = ask(&knowledge(), "第五条", &[]);
    assert!(bare["refused"] == true && text(&bare["refusal"], "reason").contains("哪份文件"), "{bare:#}");
    // A missing 款 shows its 条, and says so.
    let part = ask(&knowledge(), "大额现金业务管理办法第九条第九款", &[]);
    assert_eq!(text(&part["citations"][0], "clause"), "第九条");
    assert!(part["notices"][0].as_str().unwrap().contains("显示整条"), "{part:#}");
    // Where more is asked than the clause, the words are looked for, under a notice.
    let more = ask(&knowledge(), "根据反洗钱法第三十条,客户取八万现金要不要登记用途", &[]);
    assert!(more["notices"][0].as_str().unwrap().contains("没有《反洗钱法》第三十条"), "{more:#}");
}

#[test]
fn an_open_condition_is_asked_once_and_the_choice_settles_it() {
    // A 问法 of the guide itself, so that the scene is certain.
    let question = "证件到期没换的来柜台拿现金怎么处理";
    let open = ask(&knowledge(), question, &[]);
    let choices = open["clarify"]["choices"].as_array().unwrap_or_else(|| panic!("{open:#}"));
    assert_eq!(text(&open["clarify"], "question"), "证件过期了多久？");
    for choice in choices {
        let settled = ask(&knowledge(), question, &["--choice", text(choice, "label")]);
        assert_eq!(text(&settled, "conclusion"), text(choice, "conclusion"));
        assert_eq!(settled["clarify"], Value::Null);
    }
    let unknown = ask(&knowledge(), question, &["--choice", "没有这一项"]);
    assert_eq!(unknown["clarify"], open["clarify"]);
    let said = plain(&knowledge(), question).ok();
    assert!(said.contains("请先确认:证件过期了多久？") && said.contains("  · 90日以内:"), "{said}");
}

#[test]
fn questions_that_are_none_are_told_apart() {
    let kb = knowledge();
    for (question, exit, code) in [
        ("", 2, "QUESTION_EMPTY"),
        (" \t\u{3000}\n", 2, "QUESTION_EMPTY"),
        ("？？？！", 2, "QUESTION_EMPTY"),
        ("卡\u{7}丢了", 2, "QUESTION_UNREADABLE"),
        ("卡\u{1b}[31m丢了", 2, "QUESTION_UNREADABLE"),
        ("卡\u{FFFD}丢\u{FFFD}了", 2, "QUESTION_UNREADABLE"),
    ] {
        plain(&kb, question).fails(exit, code);
    }
    plain(&kb, &"钱".repeat(40_000)).fails(2, "QUESTION_TOO_LONG");
    guida(["ask", "卡丢了", "--choice", &"长".repeat(1000), "--kb", kb.to_str().unwrap()]).fails(2, "BAD_PARAMETER");
    for day in ["2026-02-30", "昨天", "", "20260101x", "2026-13-01"] {
        let run = guida(["ask", "卡丢了", "--as-of", day, "--kb", kb.to_str().unwrap()]);
        run.fails(2, "BAD_PARAMETER");
    }
    let bad = OsString::from_vec(b"\xff\xfe\xb4\xed".to_vec());
    guida([OsString::from("ask"), bad]).fails(2, "NOT_UTF8");
}

/// The operating system takes no argument of a megabyte; HTTP is the way such a question comes.
#[test]
fn a_megabyte_of_question_is_refused_and_the_next_one_answered() {
    let served = serve(&knowledge());
    for (body, status) in [
        (serde_json::json!({ "question": "钱".repeat(350_000) }).to_string().into_bytes(), 413),
        (b"{\"question\": \"\xff\xfe\"}".to_vec(), 400),
    ] {
        let headers = [("Content-Type", "application/json")];
        let reply = client::request(served.addr, "POST", "/api/v1/ask", &headers, &body);
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(!reply.json()["error"]["hint"].as_str().unwrap().is_empty());
    }
    let reply = client::ask(served.addr, &serde_json::json!({ "question": QUESTION }).to_string());
    assert_eq!((reply.status, &reply.json()["refused"]), (200, &Value::Bool(false)));
}

#[test]
fn the_command_line_and_the_service_answer_alike() {
    let served = serve(&knowledge());
    for question in [QUESTION, "比特币冷钱包怎么托管", "大额现金业务管理办法第九条"] {
        let reply = client::ask(served.addr, &serde_json::json!({ "question": question }).to_string());
        let (mut http, mut command) = (reply.json(), ask(&knowledge(), question, &[]));
        for card in [&mut http, &mut command] {
            card.as_object_mut().unwrap().remove("timings");
            card.as_object_mut().unwrap().remove("request_id");
            // Each call opens a session of its own.
            card.as_object_mut().unwrap().remove("session");
        }
        assert_eq!(http, command, "{question}");
    }
}

#[test]
fn files_that_are_no_knowledge_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    plain(&at("none.db"), QUESTION).fails(6, "KB_OPEN");
    plain(dir.path(), QUESTION).fails(6, "KB_OPEN");
    fs::write(at("text.db"), "第一条 这是一个文本文件。".repeat(400)).unwrap();
    plain(&at("text.db"), QUESTION).fails(6, "KB_CORRUPT");
    fs::write(at("empty.db"), "").unwrap();
    plain(&at("empty.db"), QUESTION).fails(6, "KB_CORRUPT");
    let other = rusqlite::Connection::open(at("other.db")).unwrap();
    other.execute_batch("CREATE TABLE t(x)").unwrap();
    drop(other);
    plain(&at("other.db"), QUESTION).fails(6, "KB_CORRUPT");
}

#[test]
fn knowledge_of_another_version_is_refused_as_such() {
    let dir = tempfile::tempdir().unwrap();
    for version in [0, SCHEMA_VERSION - 1, SCHEMA_VERSION + 1] {
        let path = changed(dir.path(), |_| {});
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        drop(connection);
        for run in [plain(&path, QUESTION), guida(["kb", "check", path.to_str().unwrap()])] {
            run.fails(6, "KB_SCHEMA");
        }
    }
}

/// Damaged knowledge: a right answer is fine, a clear error is fine, anything else is not.
fn survives(path: &Path, what: &str) -> bool {
    let run = guida(["ask", QUESTION, "--kb", path.to_str().unwrap(), "--json"]);
    match run.code {
        Some(0) => {
            let card: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(card["refused"].is_boolean(), "{what}");
            true
        }
        Some(6) => {
            assert!(run.err.starts_with("[KB_") && run.err.contains("。建议:"), "{what}: {}", run.err);
            false
        }
        code => panic!("{what}: {code:?}\n{}\n{}", run.out, run.err),
    }
}

#[test]
fn truncated_knowledge_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::metadata(knowledge()).unwrap().len() as usize;
    for length in [1, 50, 99, 100, 512, 4095, 4096, 4097, 8192, 65536, whole / 3, whole / 2, whole - 4096, whole - 1] {
        let path = changed(dir.path(), |bytes| bytes.truncate(length));
        let answered = survives(&path, &format!("{length} bytes"));
        assert!(!answered || length > whole / 2, "{length} of {whole} bytes still answered");
        let check = guida(["kb", "check", path.to_str().unwrap()]);
        assert_eq!(check.code, Some(6), "{length}: {check:?}");
    }
}

/// A xorshift generator (Marsaglia, 2003): the same positions in every run.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

#[test]
fn flipped_bits_never_crash() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::metadata(knowledge()).unwrap().len() as usize;
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for round in 0..60 {
        // Single bits anywhere, bytes in the first page, and pages of noise, in turn.
        let at = next(&mut state) % whole;
        let path = changed(dir.path(), |bytes| match round % 3 {
            0 => bytes[at] ^= 1 << (next(&mut state) % 8),
            1 => bytes[at % 4096] ^= 0xFF,
            _ => {
                let page = at / 4096 * 4096;
                bytes[page..page + 4096].iter_mut().for_each(|b| *b = next(&mut state) as u8);
            }
        });
        survives(&path, &format!("round {round} at {at}"));
        let check = guida(["kb", "check", path.to_str().unwrap()]);
        assert!(matches!(check.code, Some(0 | 6)), "round {round} at {at}: {check:?}");
    }
}

/// Damage that keeps the file a sound database: numbers that other code counts and allocates by.
#[test]
fn wrong_ranges_in_a_sound_database_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for damage in [
        "UPDATE versions SET clause_count = 4611686018427387904 WHERE id = 1",
        "UPDATE versions SET first_clause = -9223372036854775808 WHERE id = 3",
        "UPDATE versions SET clause_count = -5 WHERE id = 2",
        "DELETE FROM versions WHERE id = 5",
        "DELETE FROM meta",
        "UPDATE meta SET value = 'NaN' WHERE key = 'mean_length'",
        "DROP TABLE forward",
        "DROP TABLE clause_fts",
        "UPDATE versions SET effective_from = '明天' WHERE id = 1",
    ] {
        let path = changed(dir.path(), |_| {});
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.execute_batch(damage).unwrap();
        drop(connection);
        assert!(!survives(&path, damage), "{damage}");
    }
}

#[test]
fn several_questions_are_concluded_one_by_one() {
    let card = ask(&knowledge(), "二类户和三类户一天各能转多少", &["--as-of", "2026-11-30"]);
    let lines: Vec<&str> = text(&card, "conclusion").lines().collect();
    assert_eq!(lines.len(), 2, "{card:#}");
    assert!(lines[0].starts_with("“二类户”:") && lines[0].contains("1万元"), "{}", lines[0]);
    assert!(lines[1].starts_with("“三类户”:") && lines[1].contains("2000元"), "{}", lines[1]);
    let cited: Vec<&str> = card["citations"].as_array().unwrap().iter().map(|c| text(c, "clause")).collect();
    assert_eq!(cited[..2], ["第十四条", "第十五条"], "{card:#}");
    let source = text(&card, "conclusion_source");
    assert!(source.contains("第十四条") && source.contains("第十五条"), "{source}");

    // What nothing answers is named beside what is answered.
    let card = ask(&knowledge(), "存折口头挂失有效期几天,保管箱钥匙丢了怎么办", &["--as-of", "2026-11-30"]);
    let lines: Vec<&str> = text(&card, "conclusion").lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("5日"), "{card:#}");
    assert!(lines[1].contains("保管箱钥匙丢了怎么办") && lines[1].contains("没有找到依据"), "{}", lines[1]);
}

#[test]
fn rows_for_amounts_stand_side_by_side_until_one_is_chosen() {
    let question = "大额取现提前多久预约";
    let card = ask(&knowledge(), question, &["--as-of", "2026-11-30"]);
    let choices = card["clarify"]["choices"].as_array().unwrap();
    assert!(choices.len() > 1, "{card:#}");
    for choice in choices {
        assert!(text(&card, "conclusion").contains(text(choice, "conclusion")), "{card:#}");
    }
    let label = text(&choices[1], "label");
    let chosen = ask(&knowledge(), question, &["--as-of", "2026-11-30", "--choice", label]);
    assert!(chosen["clarify"].is_null() && text(&chosen, "conclusion").contains(label), "{chosen:#}");
    assert!(!text(&chosen, "conclusion").contains(text(&choices[0], "label")), "{chosen:#}");
    // An amount that is named leaves one row.
    let named = ask(&knowledge(), "取60万提前多久预约", &["--as-of", "2026-11-30"]);
    assert!(named["clarify"].is_null() && text(&named, "conclusion").contains("2个工作日"), "{named:#}");
}
