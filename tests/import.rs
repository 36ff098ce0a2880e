//! `guida kb` from a branch's mixed folder to answers: what is read, what is not and why, what an interrupted build leaves,
//! and whether the same folder always gives the same knowledge.

#[path = "common/program.rs"]
mod program;

use program::{PATIENCE, Run, ask, guida, knowledge, repository, spawn};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::Value;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn docx(paragraphs: &[&str]) -> Vec<u8> {
    let body: String = paragraphs
        .iter()
        .map(|text| format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>"))
        .collect();
    let space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    let document =
        format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"{space}\"><w:body>{body}</w:body></w:document>");
    package(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", &document)])
}

/// A workbook with one sheet of texts.
fn xlsx(name: &str, rows: &[[&str; 3]]) -> Vec<u8> {
    let rows: String = rows
        .iter()
        .enumerate()
        .map(|(number, cells)| {
            let cells: String = cells
                .iter()
                .zip(["A", "B", "C"])
                .map(|(text, column)| {
                    format!("<c r=\"{column}{}\" t=\"inlineStr\"><is><t>{text}</t></is></c>", number + 1)
                })
                .collect();
            format!("<row r=\"{}\">{cells}</row>", number + 1)
        })
        .collect();
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    package(&[
        ("[Content_Types].xml", r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#),
        (
            "_rels/.rels",
            &format!(
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                r#"<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
    ])
}

fn build(folders: &[&Path], out: &Path) -> Run {
    let mut arguments = vec!["kb", "build"];
    arguments.extend(folders.iter().map(|f| f.to_str().unwrap()));
    arguments.extend(["--out", out.to_str().unwrap(), "--json"]);
    guida(arguments)
}

/// The report of a build that writes its knowledge and says by its exit code that some files could not be read.
fn build_with_failures(folders: &[&Path], out: &Path) -> Value {
    let run = build(folders, out);
    assert_eq!(run.code, Some(1), "{run:?}");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert!(report["errors"].as_u64().unwrap() > 0, "{report:#}");
    report
}

fn show(kb: &Path, what: &str) -> Run {
    guida(["kb", "show", kb.to_str().unwrap(), what])
}

fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every table's rows, without what SQLite makes of them for itself.
fn content(kb: &Path) -> Vec<(String, Vec<Vec<Cell>>)> {
    let connection = Connection::open(kb).unwrap();
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'clause_fts' ORDER BY name")
        .unwrap();
    let tables: Vec<String> = statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    tables
        .into_iter()
        .map(|table| {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2")).unwrap();
            let width = statement.column_count();
            let rows = statement
                .query_map([], |r| (0..width).map(|column| r.get(column)).collect::<rusqlite::Result<Vec<Cell>>>())
                .unwrap()
                .map(Result::unwrap)
                .collect();
            (table, rows)
        })
        .collect()
}

/// The account of one file in a report.
fn account<'a>(report: &'a Value, path: &str) -> &'a Value {
    let files = report["files"].as_array().unwrap();
    files.iter().find(|f| f["path"] == path).unwrap_or_else(|| panic!("{path} is not in {report:#}"))
}

/// A folder with every format, whole and broken.
fn mixed(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("保管箱.md", "---\ntitle: 某某银行保管箱管理办法\ndoc_no: 某银发〔2024〕7号\neffective: 2024-03-01\n---\n# 某某银行保管箱管理办法\n\n第一条 保管箱钥匙遗失的，承租人本人持身份证申请破箱。\n\n第二条 破箱须有公证人员在场。\n".as_bytes());
    let gb = encoding_rs::GB18030.encode("某某银行鍏汇款管理办法\n第一条 汇款退回的，网点在两个工作日内通知汇款人。\n第二条 旗舰网点周六照常受理汇款。\n").0.into_owned();
    write("汇款.txt", &gb);
    write("叫号.html", "<html><head><meta charset=\"utf-8\"><title>排队</title></head><body><h1>某某银行排队叫号管理办法</h1><p>第一条 七十岁以上客户优先叫号。</p><p>第二条 过号三个以内的不再重新取号。</p></body></html>".as_bytes());
    write(
        "门禁.docx",
        &docx(&[
            "某某银行营业厅门禁管理办法",
            "第一条 运钞车到达前十分钟关闭营业厅侧门。",
            "第二条 门禁卡遗失当日注销。",
        ]),
    );
    let faq = [
        ["问题", "答案", "依据"],
        ["停车票能不能盖章", "能，凭当日业务回单盖章。", "内部通知"],
        ["雨伞可以借吗", "可以，登记手机号。", "服务规范"],
    ];
    write("热线.xlsx", &xlsx("问答", &faq));
    for name in ["text-layer.pdf", "scan.pdf", "encrypted.pdf"] {
        fs::copy(repository("tests/fixtures").join(name), folder.join(name)).unwrap();
    }
    let bomb = "<w:p/>".repeat(20_000_000);
    write("炸弹.docx", &docx(&[&bomb]));
    let whole = docx(&["某某银行断档办法", "第一条 断。"]);
    write("断.docx", &whole[..whole.len() / 2]);
    write("旧.doc", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    write("空.md", b"");
    write("乱.txt", b"\xFF\xFF\x80\x80\x00\x01");
    write("锁.md", "第一条 锁。".as_bytes());
    fs::set_permissions(folder.join("锁.md"), fs::Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink("保管箱.md", folder.join("链接.md")).unwrap();
}

#[test]
fn a_mixed_folder_is_accounted_for_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, out) = (dir.path().join("制度"), dir.path().join("k.db"));
    fs::create_dir(&folder).unwrap();
    mixed(&folder);
    let unreadable = fs::File::open(folder.join("锁.md")).is_err();
    let report = build_with_failures(&[&folder], &out);
    assert_eq!(report["files"].as_array().unwrap().len(), listing(&folder).len(), "{report:#}");
    for (path, clauses) in
        [("保管箱.md", 2), ("汇款.txt", 2), ("叫号.html", 2), ("门禁.docx", 2), ("热线.xlsx", 2), ("text-layer.pdf", 4)]
    {
        let file = account(&report, path);
        assert_eq!((file["status"].as_str(), file["clauses"].as_u64()), (Some("read"), Some(clauses)), "{file}");
    }
    let mut failing = vec![
        ("scan.pdf", "DOCUMENT_NO_TEXT"),
        ("encrypted.pdf", "DOCUMENT_ENCRYPTED"),
        ("炸弹.docx", "DOCUMENT_TOO_LARGE"),
        ("断.docx", "DOCUMENT_UNREADABLE"),
        ("乱.txt", "DOCUMENT_UNREADABLE"),
    ];
    // The superuser may read everything.
    if unreadable {
        failing.push(("锁.md", "IO"));
    }
    for (path, code) in failing {
        let file = account(&report, path);
        assert_eq!(file["status"], "failed", "{file}");
        let reason = file["reason"].as_str().unwrap();
        assert!(reason.starts_with(&format!("[{code}] ")) && reason.contains("。建议:"), "{reason}");
    }
    for path in ["旧.doc", "空.md", "链接.md"] {
        let file = account(&report, path);
        assert_eq!(file["status"], "skipped", "{file}");
        assert!(!file["reason"].as_str().unwrap().is_empty());
    }

    for (question, words) in [
        ("保管箱钥匙遗失怎么申请破箱", "持身份证申请破箱"),
        ("汇款退回几个工作日内通知汇款人", "两个工作日内通知"),
        ("七十岁以上客户优先叫号吗", "优先叫号"),
        ("运钞车到达前十分钟关闭营业厅侧门", "关闭营业厅侧门"),
        ("停车票能不能盖章", "凭当日业务回单盖章"),
        ("口头挂失有效期为几日", "口头挂失有效期为五日"),
    ] {
        let card = ask(&out, question, &[]);
        let citations = card["citations"].as_array().unwrap();
        assert!(citations.iter().any(|c| c["text"].as_str().unwrap().contains(words)), "{question}: {card:#}");
    }
    let dated = ask(&out, "某某银行保管箱管理办法第二条", &[]);
    assert_eq!(dated["citations"][0]["doc_no"], "某银发〔2024〕7号");
    assert_eq!(dated["citations"][0]["effective_from"], "2024-03-01");

    // What a person reads names every file that is not in, with the reason.
    let said = guida(["kb", "build", folder.to_str().unwrap(), "--out", out.to_str().unwrap()]).out;
    for (line, path) in [("失败  scan.pdf", "没有文字层"), ("失败  encrypted.pdf", "密"), ("跳过  旧.doc", ".doc")]
    {
        assert!(said.lines().any(|l| l.starts_with(line) && l.contains(path)), "{line}\n{said}");
    }
    assert!(said.contains("知识版本 "), "{said}");
}

/// A rule in one file.
fn rule(title: &str, number: &str, effective: &str, articles: &[(&str, &str)]) -> String {
    let body: String = articles.iter().map(|(label, text)| format!("{label} {text}\n\n")).collect();
    format!("---\ntitle: {title}\ndoc_no: {number}\neffective: {effective}\n---\n# {title}\n\n{body}")
}

#[test]
fn versions_repeals_copies_and_parts_are_lined_up() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, out) = (dir.path().join("制度"), dir.path().join("k.db"));
    fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let limit = |words: &'static str| [("第一条", words), ("第二条", "本办法由运营部解释。")];
    write("甲-2020.md", rule("甲办法", "甲发〔2020〕1号", "2020-01-01", &limit("单笔限额一万元。")));
    write("甲-2022.md", rule("甲办法", "甲发〔2022〕2号", "2022-01-01", &limit("单笔限额两万元。")));
    write("甲-2090.md", rule("甲办法", "甲发〔2089〕3号", "2090-01-01", &limit("单笔限额九万元。")));
    write("甲-2022-副本.md", rule("甲办法", "甲发〔2022〕2号", "2022-01-01", &limit("单笔限额两万元。")));
    write("旧.md", rule("乙暂行规定", "乙发〔2010〕5号", "2010-05-01", &[("第一条", "凭折取款。")]));
    let repealing = [
        ("第一条", "凭卡取款。"),
        ("第二条", "本规定自2021年3月1日起施行。《乙暂行规定》（乙发〔2010〕5号）同时废止。"),
    ];
    write("新.md", rule("丙规定", "丙发〔2021〕6号", "2021-03-01", &repealing));
    write("典-上.md", "# 丁法典\n\n## 第一编 总则\n\n第一条 总则的内容。\n\n第二条 总则的其他内容。\n".into());
    write("典-下.md", "# 丁法典\n\n## 第二编 分则\n\n第三条 分则的内容。\n\n第四条 分则的其他内容。\n".into());
    let report = build(&[&folder], &out).json();
    let copy = account(&report, "甲-2022-副本.md")["status"] == "skipped";
    assert!(copy || account(&report, "甲-2022.md")["status"] == "skipped", "{report:#}");
    let reasons: Vec<&str> = report["files"].as_array().unwrap().iter().filter_map(|f| f["reason"].as_str()).collect();
    let told = |words: &str| reasons.iter().filter(|reason| reason.contains(words)).count();
    // The code of two files tells no day, and one of its files says so.
    assert_eq!((reasons.len(), told("内容相同"), told("《丁法典》没有读到")), (2, 1, 1), "{report:#}");

    for (day, words, from, until) in [
        ("2021-12-31", "一万元", "2020-01-01", Some("2022-01-01")),
        ("2022-01-01", "两万元", "2022-01-01", Some("2090-01-01")),
        ("2089-12-31", "两万元", "2022-01-01", Some("2090-01-01")),
        ("2090-01-01", "九万元", "2090-01-01", None),
    ] {
        let card = ask(&out, "甲办法第一条", &["--as-of", day]);
        let clause = &card["citations"][0];
        assert!(clause["text"].as_str().unwrap().contains(words), "{day}: {card:#}");
        let dates = (clause["effective_from"].as_str(), clause["effective_to"].as_str());
        assert_eq!((dates, &clause["status"]), ((Some(from), until), &Value::from("in_force")), "{day}");
    }
    let repealed = ask(&out, "乙暂行规定第一条", &["--as-of", "2021-03-01"]);
    assert_eq!(repealed["citations"][0]["status"], "repealed", "{repealed:#}");
    assert!(repealed["notices"][0].as_str().unwrap().contains("已废止"), "{repealed:#}");
    assert_eq!(ask(&out, "乙暂行规定第一条", &["--as-of", "2021-02-28"])["citations"][0]["status"], "in_force");
    for (clause, words) in [("丁法典第一条", "总则的内容"), ("丁法典第三条", "分则的内容")] {
        let card = ask(&out, clause, &[]);
        assert!(card["citations"][0]["text"].as_str().unwrap().contains(words), "{card:#}");
    }
    let listed = guida(["kb", "show", out.to_str().unwrap(), "--json"]).json();
    let titles: Vec<&str> =
        listed["documents"].as_array().unwrap().iter().map(|d| d["title"].as_str().unwrap()).collect();
    let count = |title: &str| titles.iter().filter(|t| **t == title).count();
    assert_eq!(["甲办法", "乙暂行规定", "丙规定", "丁法典"].map(count), [3, 1, 1, 1], "{titles:?}");
}

#[test]
fn versions_that_no_date_tells_apart_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("制度");
    fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("a.md", "# 戊办法\n\n第一条 限额一万元。\n\n第二条 甲。\n");
    write("b.md", "# 戊办法\n\n第一条 限额两万元。\n\n第二条 甲。\n");
    write("c.md", &rule("己办法", "", "2020-01-01", &[("第一条", "旧。"), ("第二条", "甲。")]));
    write("d.md", &rule("己办法", "", "2021-01-01", &[("第一条", "新。"), ("第二条", "甲。")]));
    let report = build(&[&folder], &dir.path().join("k.db")).json();
    let notes = report["notes"].as_array().unwrap();
    assert!(notes.len() == 1 && notes[0].as_str().unwrap().contains("《戊办法》"), "{report:#}");
}

/// Many rules, so that writing them takes long enough to be caught in the middle.
fn bulk(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for file in 0..60 {
        let articles: String = (1..=400)
            .map(|n| {
                format!("第{n}条 编号{file}的第{n}项业务由网点{}受理，金额不超过{}元。\n\n", n * 7 % 97, n * 13 + file)
            })
            .collect();
        fs::write(folder.join(format!("{file}.md")), format!("# 批量办法{file}号规定\n\n{articles}")).unwrap();
    }
}

/// A temporary file with something in it, if there is one.
fn half_written(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let mut temporary = entries.filter(|e| e.file_name().to_string_lossy().ends_with(".tmp"));
    temporary.find(|e| e.metadata().is_ok_and(|m| m.len() > 0)).map(|e| e.path())
}

#[test]
fn a_killed_build_leaves_the_old_knowledge_and_the_next_one_cleans_up() {
    let dir = tempfile::tempdir().unwrap();
    let (small, large, place) = (dir.path().join("小"), dir.path().join("大"), dir.path().join("库"));
    fs::create_dir(&small).unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(small.join("a.md"), rule("甲办法", "", "2020-01-01", &[("第一条", "旧的知识。")])).unwrap();
    bulk(&large);
    let out = place.join("k.db");
    build(&[&small], &out).ok();
    let old = fs::read(&out).unwrap();

    let mut child = spawn(["kb", "build", large.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let deadline = Instant::now() + PATIENCE;
    let left = loop {
        assert!(child.try_wait().unwrap().is_none(), "the build ended before it was caught");
        assert!(Instant::now() < deadline, "no temporary file appeared");
        if let Some(path) = half_written(&place) {
            break path;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(left.exists());
    assert_eq!(fs::read(&out).unwrap(), old);
    assert!(ask(&out, "甲办法第一条", &[])["citations"][0]["text"].as_str().unwrap().contains("旧的知识"));

    // Vectors of so many clauses would take minutes, and no temporary file more.
    guida(["kb", "build", large.to_str().unwrap(), "--no-embedder", "--out", out.to_str().unwrap()]).ok();
    assert_eq!(listing(&place), ["k.db"]);
    let card = ask(&out, "批量办法7号规定第33条", &[]);
    assert!(card["citations"][0]["text"].as_str().unwrap().contains("第33项业务"), "{card:#}");
}

#[test]
fn a_place_or_a_folder_that_will_not_do_is_told_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("制度");
    fs::create_dir(&folder).unwrap();
    build(&[&folder], &dir.path().join("k.db")).fails(6, "KB_BUILD");
    fs::write(folder.join("a.doc"), "x").unwrap();
    build(&[&folder], &dir.path().join("k.db")).fails(6, "KB_BUILD");
    fs::write(folder.join("a.md"), "# 办法\n\n第一条 甲。\n").unwrap();
    build(&[&folder], &dir.path().join("没有/k.db")).fails(6, "KB_BUILD");
    build(&[&folder], dir.path()).fails(6, "KB_BUILD");
    build(&[&dir.path().join("没有")], &dir.path().join("k.db")).fails(1, "IO");
    assert_eq!(listing(dir.path()), ["制度"]);
    // One bad folder of two stops the build: a knowledge file with half the rules would answer wrongly.
    build(&[&folder, &dir.path().join("没有")], &dir.path().join("k.db")).fails(1, "IO");
    assert_eq!(listing(dir.path()), ["制度"]);
}

#[test]
fn a_check_tells_good_from_damaged() {
    let kb = knowledge();
    let good = guida(["kb", "check", kb.to_str().unwrap(), "--json"]).json();
    assert_eq!((&good["sound"], &good["faults"]), (&Value::Bool(true), &serde_json::json!([])));
    assert!(good["clauses"].as_u64().unwrap() >= 700 && good["documents"].as_u64().unwrap() >= 40, "{good:#}");
    assert!(guida(["kb", "check", kb.to_str().unwrap()]).ok().starts_with("完好:"));

    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("k.db");
    for damage in [
        "DELETE FROM forward WHERE clause_id = 7",
        "UPDATE curated SET clause_id = 999999 WHERE id = (SELECT min(id) FROM curated)",
        "DELETE FROM clauses WHERE id = 7",
        "INSERT INTO clause_fts(rowid, body) VALUES(999999, '的')",
    ] {
        fs::copy(&kb, &bad).unwrap();
        let connection = Connection::open(&bad).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.execute_batch(damage).unwrap();
        drop(connection);
        let run = guida(["kb", "check", bad.to_str().unwrap(), "--json"]);
        assert_eq!(run.code, Some(6), "{damage}: {run:?}");
        assert!(run.err.starts_with("[KB_CORRUPT] "), "{}", run.err);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert!(report["sound"] == false && !report["faults"].as_array().unwrap().is_empty(), "{damage}");
    }
}

#[test]
fn documents_and_clauses_can_be_looked_at() {
    let kb = knowledge();
    let all = guida(["kb", "show", kb.to_str().unwrap()]).ok();
    assert!(all.lines().count() >= 46, "{all}");
    assert!(all.lines().all(|line| line.contains("(样例)")), "{all}");
    let document = show(&kb, "示例银行大额现金业务管理办法").ok();
    assert!(document.starts_with("现行有效  《示例银行大额现金业务管理办法》"), "{document}");
    let source = "assets/knowledge/large-cash/示例银行大额现金业务管理办法-2025.md";
    let source = fs::read_to_string(repository(source)).unwrap();
    for line in source.lines().filter(|l| l.starts_with('第')) {
        assert!(document.contains(line), "{line}");
    }
    let clause = show(&kb, "大额现金业务管理办法第七条").ok();
    assert!(
        clause.starts_with("《示例银行大额现金业务管理办法》第七条") && clause.contains("不再逐笔登记"),
        "{clause}"
    );
    show(&kb, "示例银行大额现金业务管理办法第九百条").fails(4, "NOT_FOUND");
    show(&kb, "没有这份文件").fails(4, "NOT_FOUND");
    guida(["kb", "show", "/none.db"]).fails(6, "KB_OPEN");
}

#[test]
fn the_same_folder_gives_the_same_knowledge() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("制度");
    fs::create_dir(&folder).unwrap();
    mixed(&folder);
    let (first, second) = (dir.path().join("1.db"), dir.path().join("2.db"));
    let one = build_with_failures(&[&folder], &first);
    // The order in which the system lists a folder must not matter: the copy is made in reverse.
    let copy = dir.path().join("副本");
    fs::create_dir(&copy).unwrap();
    for name in listing(&folder).iter().rev() {
        let _ = fs::copy(folder.join(name), copy.join(name));
    }
    fs::remove_file(copy.join("链接.md")).unwrap();
    std::os::unix::fs::symlink("保管箱.md", copy.join("链接.md")).unwrap();
    let two = build_with_failures(&[&copy], &second);
    assert_eq!(one["generation"], two["generation"]);
    assert_eq!(content(&first), content(&second));
    fs::write(copy.join("新.md"), "# 新办法\n\n第一条 新。\n").unwrap();
    assert_ne!(build_with_failures(&[&copy], &second)["generation"], one["generation"]);
}

#[test]
fn the_delivered_knowledge_is_what_its_source_gives() {
    let dir = tempfile::tempdir().unwrap();
    let rebuilt = dir.path().join("k.db");
    let report = build(&[&repository("assets/knowledge")], &rebuilt).json();
    let delivered = guida(["kb", "check", knowledge().to_str().unwrap(), "--json"]).json();
    assert_eq!(report["generation"], delivered["generation"], "knowledge.db is older than its source: run `make kb`");
    let (a, b) = (content(&rebuilt), content(&knowledge()));
    for ((table, fresh), (_, old)) in a.iter().zip(&b) {
        assert!(fresh == old, "table {table} of knowledge.db differs from its source: run `make kb`");
    }
    assert_eq!(a.len(), b.len(), "knowledge.db has other tables: run `make kb`");
    assert_eq!(report["notes"], serde_json::json!([]), "curated questions without a clause");
}
