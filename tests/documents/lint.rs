//! `kb build` as a lint: levels, exit codes, the reports, and the preview of one file.

use crate::program::{Run, guida};
use serde_json::Value;
use std::fs;
use std::path::Path;

const HEAD: &str = "level: 行内制度\nissuer: 青溪银行\npublished: 2026-01-01\neffective: 2026-02-01\n---\n";

fn write(folder: &Path, name: &str, title: &str, number: &str, articles: &[&str]) {
    let number = if number.is_empty() { String::new() } else { format!("doc_no: {number}\n") };
    let text = format!("---\ntitle: {title}\n{number}{HEAD}# {title}\n\n{}\n", articles.join("\n\n"));
    fs::write(folder.join(name), text).unwrap();
}

fn build(folder: &Path, more: &[&str]) -> Run {
    let kb = folder.join("../k.db");
    let mut args =
        vec!["kb", "build", folder.to_str().unwrap(), "--no-embedder", "--no-everyday", "--out", kb.to_str().unwrap()];
    args.extend(more);
    guida(args)
}

fn sources() -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("in");
    fs::create_dir(&folder).unwrap();
    (home, folder)
}

/// Severity, topic and clause of the findings of one file.
fn findings(report: &Value, source: &str) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter().filter(|f| f["source"] == source);
    all.map(|f| [text(&f["severity"]), text(&f["topic"]), text(&f["clause"])]).collect()
}

fn list(found: &[[&str; 3]]) -> Vec<[String; 3]> {
    found.iter().map(|f| f.map(str::to_owned)).collect()
}

#[test]
fn a_sound_folder_passes_strictly() {
    let (_home, folder) = sources();
    let articles = [
        "第一条 为规范门禁，制定本办法。",
        "第二条 门禁卡由会计主管保管，依照本办法第三条登记。",
        "第三条 登记簿保存5年。",
    ];
    write(&folder, "a.md", "青溪银行门禁办法", "青银发〔2026〕1号", &articles);
    let run = build(&folder, &["--strict"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    assert!(run.out.contains("检查结果:错误 0,警告 0,提示 0"), "{}", run.out);
}

#[test]
fn what_is_wrong_in_a_bank_s_own_rule_is_an_error_and_the_file_is_written_all_the_same() {
    let (home, folder) = sources();
    let articles = [
        "第一条 为规范门禁，制定本办法。",
        "第二条 依照本办法第九条和《青溪银行钥匙办法》第二条、第八条办理，参照《青溪银行值班办法》第一条。",
        "第三条 登记簿保存5年，第一条第二款另有规定的除外。",
        "第三条 本条重复。",
        "第六条 略。",
    ];
    write(&folder, "a.md", "青溪银行门禁办法", "", &articles);
    write(
        &folder,
        "b.md",
        "青溪银行钥匙办法",
        "青银发〔2026〕2号",
        &["第一条 为规范钥匙，制定本办法。", "第二条 钥匙双人保管。", "第三条 备用钥匙封存。"],
    );
    let run = build(&folder, &["--json"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(home.path().join("k.db").exists());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let mut found = findings(&report, "a.md");
    found.sort();
    let expected = list(&[
        ["error", "numbering", "第三条（2）"],
        ["error", "reference", "第二条"],
        ["error", "reference", "第二条"],
        ["note", "identity", ""],
        ["note", "reference", "第二条"],
        ["note", "unreachable", "第六条"],
        ["warning", "numbering", ""],
        ["warning", "reference", "第三条"],
    ]);
    assert_eq!(found, expected, "{report:#}");
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(3), Some(2)), "{report:#}");
    assert!(findings(&report, "b.md").is_empty());
}

#[test]
fn clauses_of_other_texts_are_not_looked_for_in_one_s_own() {
    let (_home, folder) = sources();
    let articles = [
        "第一条 依照《青溪票据法》第九十一条、第九十二条制定本办法，并遵守青溪票据法第七十八条。",
        "第二条 依照《青溪票据法》办理。该法第五十条另有规定的，从其规定。",
        "第三条 将《青溪银行旧办法》第四十条修改为“按第三十条执行”。",
        "第四条 依照第二条办理，超过本办法第三条期限的除外。",
    ];
    write(&folder, "a.md", "青溪银行票据办法", "青银发〔2026〕1号", &articles);
    let run = build(&folder, &["--json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (run.code, report["errors"].as_u64(), report["warnings"].as_u64()),
        (Some(0), Some(0), Some(0)),
        "{report:#}"
    );
}

#[test]
fn a_warning_fails_only_a_strict_build_and_a_broken_file_any() {
    let (_home, folder) = sources();
    write(
        &folder,
        "a.md",
        "青溪银行门禁办法",
        "青银发〔2026〕1号",
        &["第一条 门禁卡遗失的，须在2小时内报告保卫部门。"],
    );
    write(
        &folder,
        "b.md",
        "青溪银行值班办法",
        "青银发〔2026〕2号",
        &["第一条 值班员发现门禁卡遗失，应在4小时内报告保卫部门。"],
    );
    let run = build(&folder, &[]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    assert!(
        run.out
            .contains("警告  数值冲突  《青溪银行值班办法》第一条(b.md):期限与《青溪银行门禁办法》第一条(a.md)不一致"),
        "{}",
        run.out
    );
    assert_eq!(build(&folder, &["--strict"]).code, Some(1));
    fs::write(folder.join("坏.docx"), b"no archive").unwrap();
    let run = build(&folder, &[]);
    assert_eq!(run.code, Some(1), "{}", run.out);
    assert!(run.out.contains("失败  坏.docx"), "{}", run.out);
}

#[test]
fn a_public_norm_is_as_it_is_printed() {
    let (_home, folder) = sources();
    let text = "---\ntitle: 青溪储蓄条例\nlevel: 行政法规\npublished: 2020-01-01\neffective: 2020-03-01\n---\n# 青溪储蓄条例\n\n\
        第一条 为规范储蓄，制定本条例。\n\n第二条 依照本条例第九条办理。\n\n第三条 存单记名。\n\n第三条 存单可以挂失。\n";
    fs::write(folder.join("norm.md"), text).unwrap();
    let run = build(&folder, &["--json"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(0), Some(2)), "{report:#}");
}

#[test]
fn the_report_shows_each_document_as_it_was_read() {
    let (home, folder) = sources();
    let articles = [
        "第一条 收费按下表执行：\n\n| 项目 | 个人 | 个人 |\n| --- | --- | --- |\n| 项目 | 柜面 | 线上 |\n| 挂失 | 10元 | 5元 |\n",
        "第二条 有下列情形之一的免收：\n\n（一）已满60周岁的；\n\n（二）<低保>对象。\n\n其他情形由会计主管审批。",
    ];
    write(&folder, "a.md", "青溪银行收费办法", "青银发〔2026〕1号", &articles);
    fs::write(folder.join("图.jpg"), b"\xFF\xD8\xFF").unwrap();
    let (page, text) = (home.path().join("r.html"), home.path().join("r.md"));
    for file in [&page, &text] {
        assert_eq!(build(&folder, &["--report", file.to_str().unwrap()]).code, Some(0));
    }
    let text = fs::read_to_string(text).unwrap();
    for expected in [
        "### 《青溪银行收费办法》",
        "| 文号 | 青银发〔2026〕1号 |",
        "| 项目 | 个人·柜面 | 个人·线上 |",
        "  - **第一款** 有下列情形之一的免收：",
        "    - **第(二)项** （二）<低保>对象。",
        "  - **第二款** 其他情形由会计主管审批。",
        "| 图.jpg | 跳过 |",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<summary>《青溪银行收费办法》</summary>") && page.contains("&lt;低保&gt;"), "{page}");
}

#[test]
fn a_preview_shows_the_document_and_the_cards_of_its_clauses() {
    let (_home, folder) = sources();
    write(
        &folder,
        "a.md",
        "青溪银行门禁办法",
        "青银发〔2026〕1号",
        &["第一条 为规范门禁，制定本办法。", "第二条 门禁卡遗失的，须在2小时内报告保卫部门。"],
    );
    let file = folder.join("a.md");
    let out = guida(["kb", "preview", file.to_str().unwrap()]).ok();
    for expected in [
        "《青溪银行门禁办法》",
        "| 生效 | 2026-02-01 |",
        "- **第二条** 门禁卡遗失的",
        "[《青溪银行门禁办法》第二条]",
        "结论:见《青溪银行门禁办法》第二条",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    let bare = guida(["kb", "preview", "--no-cards", file.to_str().unwrap()]).ok();
    assert!(!bare.contains("结论:"), "{bare}");
    let json = guida(["kb", "preview", "--json", file.to_str().unwrap()]).json();
    assert_eq!(json["cards"].as_array().unwrap().len(), 2);
    guida(["kb", "preview", folder.to_str().unwrap()]).fails(1, "IO");
}

#[test]
fn a_number_of_a_guide_that_its_rule_does_not_state_is_an_error_everywhere() {
    let (home, folder) = sources();
    write(
        &folder,
        "a.md",
        "青溪银行挂失办法",
        "青银发〔2026〕1号",
        &["第一条 为规范挂失，制定本办法。", "第二条 口头挂失有效期为5日。"],
    );
    let guide = "---\ntitle: 青溪银行挂失指引\ndoc_no: 青银运〔2026〕1号\nlevel: 操作指引\neffective: 2026-02-01\n---\n\n## 场景一 口头挂失几天失效\n\n### 结论\n有条件：7日内有效\n\n### 依据\n- 《青溪银行挂失办法》第二条\n";
    fs::write(folder.join("g.md"), guide).unwrap();
    let sheet = home.path().join("r.md");
    let run = build(&folder, &["--report", sheet.to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{}\n{}", run.out, run.err);
    assert!(run.out.contains("检查结果:错误 1,") && run.out.matches("7日").count() == 1, "{}", run.out);
    let sheet = fs::read_to_string(sheet).unwrap();
    assert!(sheet.contains("错误 1") && sheet.contains("7日"), "{sheet}");
    let report: Value = serde_json::from_str(&build(&folder, &["--json"]).out).unwrap();
    assert_eq!(findings(&report, ""), list(&[["error", "grounds", ""]]));
}

#[test]
fn a_rule_is_known_by_its_number_and_a_notice_by_its_title() {
    let (_home, folder) = sources();
    write(
        &folder,
        "a.md",
        "青溪银行质押办法",
        "青银发〔2025〕2号",
        &["第一条 为规范质押，制定本办法。", "第二条 质押率不超过90%。", "第三条 期限一年。"],
    );
    fs::write(
        folder.join("b.md"),
        "# 关于停止青银发〔2025〕3号文的通知\n\n青银发〔2026〕9号\n\n各支行：\n\n办理质押依照青银发〔2025〕2号第二条，登记依照青银发〔2025〕7号第一条。\n\n青溪银行\n\n2026年3月1日\n",
    )
    .unwrap();
    let run = build(&folder, &["--json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let all: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|f| f["message"].as_str().unwrap()).collect();
    let absent: Vec<&&str> = all.iter().filter(|message| message.contains("不在所读的文件里")).collect();
    assert!(absent.len() <= 1 && absent.iter().all(|message| message.contains("〔2025〕7号")), "{all:#?}");
    assert!(!all.iter().any(|message| message.contains("没有读到标题行")), "{all:#?}");
    let notice = report["files"].as_array().unwrap().iter().find(|file| file["path"] == "b.md").unwrap();
    let identity = &notice["identities"][0];
    assert_eq!(identity["title"], "关于停止青银发〔2025〕3号文的通知", "{notice:#}");
    assert_eq!(identity["doc_no"], "青银发〔2026〕9号", "{notice:#}");
}

#[test]
fn a_preview_does_not_miss_the_rule_that_a_notice_changes() {
    let (_home, folder) = sources();
    let notice = folder.join("n.md");
    let text = "# 关于修改《青溪银行质押办法》的通知\n\n青银发〔2026〕9号\n\n各支行：\n\n将《青溪银行质押办法》第二条修改为：“质押率不超过80%。”\n\n青溪银行\n\n2026年3月1日\n";
    fs::write(&notice, text).unwrap();
    let shown = guida(["kb", "preview", notice.to_str().unwrap()]).ok();
    assert!(shown.contains("预览只读这一个文件") && !shown.contains("库中没有"), "{shown}");
    let built = build(&folder, &[]).ok();
    assert!(built.contains("库中没有这份制度"), "{built}");
}

#[test]
fn other_periods_narrower_matters_and_what_a_notice_changes_are_no_conflicts() {
    let (_home, folder) = sources();
    write(
        &folder,
        "a.md",
        "青溪银行大堂办法",
        "青银发〔2026〕1号",
        &[
            "第一条 客户投诉应当在15日内办结。",
            "第二条 大堂经理每日巡检2次。",
            "第三条 代保管物品每件每月收费30元。",
            "第四条 网点尾箱应当每月盘点1次。",
        ],
    );
    write(
        &folder,
        "b.md",
        "青溪银行投诉办法",
        "青银发〔2026〕2号",
        &[
            "第一条 客户投诉应当在15日内办结。",
            "第二条 监管转办投诉应当在5日内办结。",
            "第三条 信用卡投诉应当在10日内办结。",
            "第四条 大堂经理每周巡检10次。",
        ],
    );
    fs::write(
        folder.join("n.md"),
        "# 关于代保管收费的通知\n\n青银发〔2026〕9号\n\n各支行：\n\n代保管物品收费标准调整为每件每月50元，青银发〔2026〕1号文与本通知不一致的，以本通知为准。\n\n青溪银行\n\n2026年9月1日\n",
    )
    .unwrap();
    let conflicts = |folder: &Path| -> Vec<String> {
        let report: Value = serde_json::from_str(&build(folder, &["--json"]).out).unwrap();
        let all = report["findings"].as_array().unwrap().iter().filter(|f| f["topic"] == "conflict");
        all.map(|f| f["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(conflicts(&folder), Vec::<String>::new());
    // The same period and the same matter are.
    write(
        &folder,
        "c.md",
        "青溪银行尾箱办法",
        "青银发〔2026〕3号",
        &["第一条 网点尾箱应当每月盘点2次。", "第二条 大堂经理每日巡检3次。"],
    );
    let found = conflicts(&folder);
    assert_eq!(found.len(), 2, "{found:#?}");
}
