use super::super::plan::{Plan, plan};
use super::*;
use crate::text::document::{Block, RawDocument};
use crate::text::legal;

/// Parses texts as a build would; each has the name of its file.
fn planned(texts: &[(&str, &str)]) -> Plan {
    let mut parsed = Vec::new();
    for (source, text) in texts {
        let blocks = text.lines().map(|line| Block::Paragraph(line.trim().to_owned())).collect();
        let raw = RawDocument {
            file_stem: (*source).into(),
            source: format!("{source}.txt"),
            blocks,
            ..RawDocument::default()
        };
        parsed.extend(legal::parse(&raw).unwrap());
    }
    plan(parsed)
}

const RULE: &str = "示例银行铜雀卡管理办法\n示例银发〔2025〕3号\n第一条 为规范铜雀卡,制定本办法。\n第二条 铜雀卡年费17元。\n第三条 挂失有下列费用:\n(一)补卡20元;\n(二)改密5元。\n第四条 铜雀卡每日取款不超过二万元。\n第五条 本办法自2025年5月1日起施行。";

fn notice(changes: &str) -> String {
    format!(
        "示例银行关于修改《示例银行铜雀卡管理办法》的通知\n示例银发〔2025〕33号\n{changes}\n九、本通知自2025年9月1日起施行。"
    )
}

/// The clauses of the rule that are marked in its newest version, with their words where they are merged: `第二条:修改=…`.
fn marked(texts: &[(&str, &str)]) -> Vec<String> {
    let plan = planned(texts);
    let rule = plan.documents.iter().find(|d| d.title == "示例银行铜雀卡管理办法").unwrap();
    let newest = rule.versions.last().unwrap();
    let said = |mark: &PlannedMark| {
        let clause = newest.document.clauses.iter().find(|c| c.address.label == mark.clause).unwrap();
        let part = mark.part.clone().map(|part| format!("[{}]", &clause.text[part]));
        let words = if mark.merged { format!("={}", clause.text) } else { part.unwrap_or_default() };
        format!("{}:{}{words}", mark.clause, mark.kind.label())
    };
    newest.marks.iter().map(said).collect()
}

#[test]
fn given_words_make_a_consolidated_version() {
    for (change, expected) in [
        ("一、将第二条修改为:“铜雀卡年费15元。”", vec!["第二条:修改=铜雀卡年费15元。"]),
        ("一、将第二条修改为:\n\"第二条 铜雀卡年费15元。\"", vec!["第二条:修改=铜雀卡年费15元。"]),
        ("一、将第二条中的“17元”修改为“15元”。", vec!["第二条:修改=铜雀卡年费15元。"]),
        ("一、增加一条,作为第六条:\n“第六条 铜雀卡换卡8元。”", vec!["第六条:增加=铜雀卡换卡8元。"]),
        ("一、删去第四条。", vec!["第四条:删去=（已删去）"]),
        ("一、将第三条第(一)项修改为“补卡18元”。", vec!["第三条:修改=挂失有下列费用:\n(一)补卡18元;\n(二)改密5元。"]),
        (
            "一、将第二条修改为:“铜雀卡年费15元。”\n二、暂停执行第四条。",
            vec!["第二条:修改=铜雀卡年费15元。", "第四条:暂停执行"],
        ),
    ] {
        let plan = planned(&[("b", RULE), ("c", &notice(change))]);
        let rule = plan.documents.iter().find(|d| d.title == "示例银行铜雀卡管理办法").unwrap();
        let [old, new] = rule.versions.as_slice() else { panic!("two versions: {change} {:?}", plan.notes) };
        assert_eq!(old.effective.until, Some("2025-09-01".parse().unwrap()), "{change}");
        assert_eq!(new.effective.from, old.effective.until, "{change}");
        assert_eq!(old.document.clauses[1].text, "铜雀卡年费17元。", "the old text stays");
        let sources: Vec<&str> = new.made_of.iter().map(|text| text.source.as_str()).collect();
        assert_eq!(sources, ["b.txt", "c.txt"], "{change}");
        assert!(plan.notes.iter().any(|note| note.contains("已合成合并文本")), "{change} {:?}", plan.notes);
        assert_eq!(marked(&[("b", RULE), ("c", &notice(change))]), expected, "{change}");
    }
}

#[test]
fn what_is_not_given_word_for_word_is_marked_only() {
    for (change, expected) in [
        ("一、铜雀卡年费由17元调整为15元。", vec!["第二条:修改[铜雀卡年费17元。]"]),
        ("一、暂停执行第四条。", vec!["第四条:暂停执行"]),
        ("一、第四条停止执行。", vec!["第四条:停止执行"]),
        ("一、第三条第二项停止执行。", vec!["第三条:停止执行[(二)改密5元。]"]),
        ("一、第二条、第三条作相应调整。", vec!["第二条:修改", "第三条:修改"]),
        ("一、增加一条,作为第四条:“铜雀卡换卡8元。”以下条文顺延。", vec!["第四条:增加"]),
    ] {
        let texts = [("b", RULE), ("c", &notice(change))];
        let plan = planned(&texts);
        let rule = plan.documents.iter().find(|d| d.title == "示例银行铜雀卡管理办法").unwrap();
        assert_eq!(rule.versions.len(), 1, "{change} {:?}", plan.notes);
        assert_eq!(marked(&texts), expected, "{change} {:?}", plan.notes);
        assert!(rule.versions[0].marks.iter().all(|mark| mark.effective.from.is_some()), "{change}");
    }
}

#[test]
fn the_rule_is_found_by_number_and_by_a_short_title() {
    for head in ["关于修改示例银发〔2025〕3号文件部分条款的通知", "关于修改《铜雀卡管理办法》的通知"]
    {
        let text = format!(
            "示例银行文件\n示例银发〔2025〕33号\n{head}\n各支行：\n一、将第二条修改为“铜雀卡年费15元。”\n二、本通知自2025年9月1日起施行。"
        );
        assert_eq!(marked(&[("b", RULE), ("c", &text)]), ["第二条:修改=铜雀卡年费15元。"], "{head}");
    }
}

#[test]
fn what_touches_nothing_marks_nothing() {
    let merged = RULE.replace("17元", "15元").replace("3号", "40号").replace("2025年5月1日", "2025年9月1日");
    let change = notice("一、将第二条修改为:“铜雀卡年费15元。”");
    // The amended text is in as a file of its own.
    assert_eq!(marked(&[("b", RULE), ("c", &change), ("d", &merged)]), Vec::<String>::new());
    // The file of the rule has the change already.
    assert_eq!(marked(&[("b", &RULE.replace("17元", "15元")), ("c", &change)]), Vec::<String>::new());
    // Other numbers, other titles, and what only asks.
    let other = change.replace("《示例银行铜雀卡管理办法》", "《示例银行铜雀卡管理办法》(示例银发〔2021〕9号)");
    assert_eq!(marked(&[("b", RULE), ("c", &other)]), Vec::<String>::new());
    let gone = change.replace("铜雀卡管理", "铁雀卡管理");
    let plan = planned(&[("b", RULE), ("c", &gone)]);
    assert!(plan.notes.iter().any(|note| note.contains("库中没有这份制度")), "{:?}", plan.notes);
    let lost = planned(&[("b", RULE), ("c", &notice("一、将第二十条修改为:“铜雀卡年费15元。”"))]);
    assert!(lost.notes.iter().any(|note| note.contains("处未能对应到条款")), "{:?}", lost.notes);
}

#[test]
fn amendments_follow_each_other() {
    let first = notice("一、将第二条修改为:“铜雀卡年费15元。”");
    let second = notice("一、将第三条第(一)项修改为“补卡18元”。").replace("33号", "50号").replace("9月1日", "12月1日");
    let texts = [("b", RULE), ("c", first.as_str()), ("d", second.as_str())];
    let plan = planned(&texts);
    let rule = plan.documents.iter().find(|d| d.title == "示例银行铜雀卡管理办法").unwrap();
    let from: Vec<String> = rule.versions.iter().filter_map(|v| v.effective.from).map(|day| day.to_string()).collect();
    assert_eq!(from, ["2025-05-01", "2025-09-01", "2025-12-01"], "{:?}", plan.notes);
    let newest = rule.versions.last().unwrap();
    assert_eq!(newest.document.clauses[1].text, "铜雀卡年费15元。");
    assert_eq!(newest.made_of.len(), 3);
    assert_eq!(newest.marks.len(), 2, "the earlier change stays marked");
}

fn rule_of(plan: &Plan) -> &PlannedDocument {
    plan.documents.iter().find(|d| d.title == "示例银行铜雀卡管理办法").unwrap()
}

#[test]
fn a_branch_or_a_pilot_changes_nothing_for_the_whole_bank() {
    let change = "一、将第二条修改为:“铜雀卡年费15元。”";
    let pilot = notice(&format!("{change}在江东分行、南湖分行试点,其他分行仍按原规定执行。"));
    let branch = notice(change).replace("示例银行关于", "示例银行江东分行关于");
    for (text, scope) in [(pilot, "江东分行、南湖分行"), (branch, "江东分行辖内")] {
        let plan = planned(&[("b", RULE), ("c", &text)]);
        let [version] = rule_of(&plan).versions.as_slice() else { panic!("merged: {:?}", plan.notes) };
        assert_eq!(version.document.clauses[1].text, "铜雀卡年费17元。");
        let marks: Vec<&str> = version.marks.iter().map(|mark| mark.scope.as_str()).collect();
        assert_eq!(marks, [scope], "{:?}", plan.notes);
    }
}

#[test]
fn a_repealed_amendment_is_not_in_the_words_of_the_rule() {
    let change = notice("一、将第二条修改为:“铜雀卡年费15元。”");
    let repeal = |words: &str| {
        format!(
            "示例银行关于废止文件的通知\n示例银发〔2026〕9号\n一、废止《示例银行关于修改《示例银行铜雀卡管理办法》的通知》(示例银发〔2025〕33号)。{words}\n二、本通知自2026年6月1日起施行。"
        )
    };
    for (words, until) in [("恢复原规定。", Some("2026-06-01")), ("", None)] {
        let plan = planned(&[("b", RULE), ("c", &change), ("d", &repeal(words))]);
        let [version] = rule_of(&plan).versions.as_slice() else { panic!("merged: {:?}", plan.notes) };
        let ends: Vec<Option<Date>> = version.marks.iter().map(|mark| mark.effective.until).collect();
        assert_eq!(ends, [until.map(|day| day.parse().unwrap())], "{words} {:?}", plan.notes);
        assert_eq!(
            plan.notes.iter().any(|note| note.contains("没有写明恢复原规定")),
            until.is_none(),
            "{:?}",
            plan.notes
        );
    }
}

#[test]
fn a_bare_title_of_another_bank_changes_nothing() {
    let text = "样板银行关于铜雀卡年费的通知\n样板银发〔2025〕33号\n一、《铜雀卡管理办法》第二条修改为:“铜雀卡年费15元。”\n二、本通知自2025年9月1日起施行。";
    let plan = planned(&[("b", RULE), ("c", text)]);
    assert_eq!(rule_of(&plan).versions.len(), 1);
    assert!(rule_of(&plan).versions[0].marks.is_empty(), "{:?}", plan.notes);
    assert!(plan.notes.iter().any(|note| note.contains("另一家机构")), "{:?}", plan.notes);
    let by_number = text.replace("《铜雀卡管理办法》", "《铜雀卡管理办法》(示例银发〔2025〕3号)");
    assert_eq!(rule_of(&planned(&[("b", RULE), ("c", &by_number)])).versions.len(), 2);
}

#[test]
fn a_suspension_ends_where_the_clause_is_restored() {
    let suspended = notice("一、暂停执行第四条。");
    let restored = notice("一、恢复执行第四条。").replace("33号", "50号").replace("9月1日", "12月1日");
    let plan = planned(&[("b", RULE), ("c", &suspended), ("d", &restored)]);
    let [version] = rule_of(&plan).versions.as_slice() else { panic!("one version") };
    let told: Vec<String> = version.marks.iter().map(|mark| format!("{:?}", mark.effective.until)).collect();
    assert_eq!(told, ["Some(2025-12-01)"], "{:?}", plan.notes);
}

#[test]
fn the_report_tells_merged_from_marked_and_a_value_finds_its_sentence() {
    let plan = planned(&[("b", RULE), ("c", &notice("一、将第二条修改为:“铜雀卡年费15元。”\n二、暂停执行第四条。"))]);
    let told = "第二条(修改)已合成合并文本,自 2025-09-01 起施行,请核对;第四条(暂停执行)只标注,没有合并";
    assert!(plan.notes.iter().any(|note| note.contains(told)), "{:?}", plan.notes);
    let valued = notice("一、铜雀卡每日的取款限额由二万元调整为五万元。");
    assert_eq!(marked(&[("b", RULE), ("c", &valued)]), ["第四条:修改[铜雀卡每日取款不超过二万元。]"]);
}
