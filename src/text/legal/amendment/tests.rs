use super::*;
use crate::text::address;

fn clause(text: &str) -> ParsedClause {
    ParsedClause {
        address: address::labelled("正文"),
        heading: String::new(),
        text: text.to_owned(),
        ask_variants: Vec::new(),
        guide: None,
    }
}

/// The changes as `制度|第五条:修改=…`.
fn amended(title: &str, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for amendment in read(title, &[clause(text)]) {
        let name = format!("{}{}", amendment.title, amendment.doc_no);
        for change in amendment.changes {
            let place = change.address.as_ref().map(address::print).unwrap_or_default();
            let days: String = [change.from, change.until].into_iter().flatten().map(|day| format!("@{day}")).collect();
            out.push(format!("{name}|{place}:{:?}{days}", change.what));
        }
    }
    out
}

const TITLE: &str = "关于修改《青溪银行巡库办法》的通知";

#[test]
fn changes_by_address() {
    for (text, expected) in [
        ("将第五条修改为：“巡库每日两次。”", vec!["第五条:Replaced(\"巡库每日两次。\")"]),
        ("一、将第五条修改为:\n\"第五条 巡库每日两次。\"", vec!["第五条:Replaced(\"第五条 巡库每日两次。\")"]),
        (
            "一、将第五条修改为：“巡库每日两次：\n“（一）早；\n“（二）晚。”\n二、删去第四条。",
            vec!["第五条:Replaced(\"巡库每日两次：\\n（一）早；\\n（二）晚。\")", "第四条:Deleted"],
        ),
        ("第五条第二款修改为“乙。”", vec!["第五条第二款:Replaced(\"乙。\")"]),
        ("将第五条第（三）项修改为“乙”", vec!["第五条第（三）项:Replaced(\"乙\")"]),
        (
            "将第五条中的“一次”修改为“两次”，“早”改为“晚”。",
            vec!["第五条:Words(\"一次\", \"两次\")", "第五条:Words(\"早\", \"晚\")"],
        ),
        ("将“副行长”统一修改为“分管行长”。", vec![":Words(\"副行长\", \"分管行长\")"]),
        ("增加一条，作为第十二条之一：“甲。”", vec!["第十二条之一:Added(\"甲。\")"]),
        ("第五条增加一款，作为第三款：“甲。”", vec!["第五条第三款:Added(\"甲。\")"]),
        ("第五条增加一项，作为第（四）项：“甲”", vec!["第五条第（四）项:Added(\"甲\")"]),
        ("删除第四条第二款。", vec!["第四条第二款:Deleted"]),
        ("第四条删去“早晚”。", vec!["第四条:Words(\"早晚\", \"\")"]),
        ("自2026年3月1日起暂停执行第五条。", vec!["第五条:Suspended@2026-03-01"]),
        ("第五条至第六条停止执行。", vec!["第五条:Repealed", "第六条:Repealed"]),
        ("将引言修改为：“为规范巡库，制定本办法。”", vec![":Other"]),
        ("将第二章章名修改为“巡库”。", vec![":Other"]),
        ("第六条改为第七条。", vec!["第六条:Other"]),
        ("第六条作相应修改。", vec!["第六条:Other"]),
        ("铜雀卡年费由17元调整为15元。", vec![":Value { subject: \"铜雀卡年费\", old: Some(\"17元\") }"]),
        ("将第六条规定的铜雀卡年费标准调整为15元。", vec!["第六条:Value { subject: \"铜雀卡年费\", old: None }"]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(|change| format!("青溪银行巡库办法|{change}")).collect();
        assert_eq!(amended(TITLE, text), expected, "{text}");
    }
}

#[test]
fn the_amended_text_is_named_in_many_ways() {
    for (title, text, expected) in [
        (
            "通知",
            "将《甲办法》（甲发〔2020〕3号）第五条修改为“乙。”",
            "甲办法甲发〔2020〕3号|第五条:Replaced(\"乙。\")",
        ),
        (
            "关于修改部分规章的决定",
            "一、修改《甲办法》（甲发〔2020〕3号文印发）\n将第五条修改为：“依照《乙法》第四十六条处罚。”",
            "甲办法甲发〔2020〕3号|第五条:Replaced(\"依照《乙法》第四十六条处罚。\")",
        ),
        ("决定", "为贯彻落实《乙决定》，总行决定对《甲办法》作如下修改：\n删除第五条。", "甲办法|第五条:Deleted"),
        ("关于修改甲发〔2020〕3号文的通知", "将第五条修改为“乙。”", "甲发〔2020〕3号|第五条:Replaced(\"乙。\")"),
        ("通知", "将甲发〔2020〕3号文第五条修改为“乙。”", "甲发〔2020〕3号|第五条:Replaced(\"乙。\")"),
        ("通知", "《甲办法》第五条自2026年3月1日起停止执行。", "甲办法|第五条:Repealed@2026-03-01"),
        ("通知", "暂停执行《甲办法》第五条，期限至2026年6月30日。", "甲办法|第五条:Suspended@2026-07-01"),
        ("通知", "不再执行《甲办法》第五条规定。", "甲办法|第五条:Repealed"),
        (
            "通知",
            "《甲办法》规定的铜雀卡年费由17元调整为15元。",
            "甲办法|:Value { subject: \"铜雀卡年费\", old: Some(\"17元\") }",
        ),
        ("关于暂停执行《甲办法》的通知", "自2026年3月1日起暂停执行《甲办法》。", "甲办法|:Suspended@2026-03-01"),
        (
            "关于修改《解释》的决定",
            "对《甲办法》（以下简称《解释》）作如下修改：\n一、删去《解释》第五条。",
            "甲办法|第五条:Deleted",
        ),
    ] {
        assert_eq!(amended(title, text), [expected], "{title} {text}");
    }
}

#[test]
fn a_heading_names_the_rule_of_its_section_only() {
    let section = |label: &str, text: &str| ParsedClause { address: address::labelled(label), ..clause(text) };
    let clauses = [
        section("一、修改《甲办法》（甲发〔2020〕3号）", "将第五条修改为：“乙。”"),
        section("第二点", "二、修改《丙办法》\n将第六条修改为：“丁。”"),
        section("第三点", "三、其他事项。\n将第七条修改为：“戊。”"),
    ];
    let found = read("关于修改部分制度的决定", &clauses);
    let told: Vec<(&str, usize)> = found.iter().map(|of| (of.title.as_str(), of.changes.len())).collect();
    assert_eq!(told, [("甲办法", 1), ("丙办法", 1)]);
    // What was named goes on being meant.
    let text = "一、《甲办法》第五条修改为“乙。”\n二、在第六条后增加一条，作为第七条：“丙。”";
    assert_eq!(read("关于制度的通知", &[clause(text)])[0].changes.len(), 2);
}

#[test]
fn what_changes_nothing() {
    for (title, text) in [
        ("关于调整限额的通知", "单日限额由五万元调整为十万元。"),
        ("关于印发《青溪银行巡库办法》的通知", "根据《青溪银行内控办法》第五条，删除过期凭证。"),
        ("青溪银行巡库办法", "客户可以将证件修改为新号。"),
        ("青溪银行巡库办法", "《劳动法》第41条规定，单位可以延长工作时间，依据第五条调整班次。"),
        (TITLE, "请各行按照修改后的第五条执行。"),
        (TITLE, "本通知第二条自下发之日起执行。"),
        (TITLE, "拟将第五条修改为“巡库每日两次。”，请研究。"),
        (TITLE, "建议将第五条修改为“巡库每日两次。”"),
        ("通知", "除第五条外，《甲办法》同时废止。"),
        ("通知", "《甲办法》第五条继续有效。"),
        ("通知", "违反《甲办法》第五条的，停止使用旧凭证。"),
        ("通知", "客户提出“将第五条修改为”的要求，依照《甲办法》办理。"),
    ] {
        assert_eq!(amended(title, text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_change_for_a_part_of_the_bank_says_where() {
    for (text, scope, day) in [
        ("《甲办法》第五条修改为：“乙。”自2026年2月1日起在江东分行辖内执行。", "江东分行辖内", "2026-02-01"),
        ("《甲办法》第五条修改为：“乙。”自2026年7月1日起在本分行执行。", "本分行", "2026-07-01"),
        (
            "在江东分行、南湖分行试点，将《甲办法》第五条中的“一”调整为“二”，其他分行仍按原规定执行。",
            "江东分行、南湖分行",
            "",
        ),
        ("《甲办法》第五条修改为：“乙。”\n本通知在沿海地区先行实施。", "沿海地区", ""),
        ("将《甲办法》第五条修改为“乙。”，仅适用于江东分行。", "江东分行", ""),
        ("将《甲办法》第五条修改为“乙。”，其他分行仍按原规定执行。", "部分机构", ""),
        ("《甲办法》第五条修改为：“乙。”自2026年2月1日起在全行执行。", "", ""),
        ("《甲办法》第五条修改为：“乙。”自2026年2月1日起在各分行执行。", "", ""),
        ("《甲办法》第五条修改为：“在江东分行执行。”自2026年2月1日起施行。", "", ""),
    ] {
        let found = read("通知", &[clause(text)]);
        let change = &found[0].changes[0];
        let from = change.from.map(|day| day.to_string()).unwrap_or_default();
        assert_eq!((change.scope.as_str(), from.as_str()), (scope, day), "{text}");
    }
}

#[test]
fn the_amended_text_is_named_before_the_points() {
    for opening in [
        "经研究，对《甲办法》作如下修改：",
        "经研究，决定对《甲办法》（甲发〔2020〕3号）作如下修改：",
        "现将《甲办法》有关条款修订如下：",
    ] {
        let text = format!("{opening}\n一、第五条修改为：“乙。”\n二、第三条删除。");
        let found = read("关于修改取款业务办法的通知", &[clause(&text)]);
        assert_eq!(found.len(), 1, "{opening}");
        assert_eq!((found[0].title.as_str(), found[0].changes.len()), ("甲办法", 2), "{opening}");
    }
    let text = "一、甲银发〔2025〕1号第五条中的“10年”修改为“20年”。\n二、甲银发〔2025〕1号第三条停止执行。";
    let found = read("关于调整有关规定的通知", &[clause(text)]);
    assert_eq!((found[0].doc_no.as_str(), found[0].changes.len()), ("甲银发〔2025〕1号", 2), "{found:?}");
}

#[test]
fn rows_of_a_table() {
    let value = |old: &str| format!("甲办法|:Value {{ subject: \"补发卡工本费\", old: {old} }}");
    let gone = "甲办法|:RowDeleted(\"补发卡工本费\")".to_owned();
    for (text, expected) in [
        ("《甲办法》附件《收费表》中“补发卡工本费”由每张5元调整为每张10元。", value("Some(\"每张5元\")")),
        ("《甲办法》附件收费表中补发卡工本费由“每张5元”修改为“每张10元”。", value("Some(\"每张5元\")")),
        ("《甲办法》序号2“补发卡工本费”收费标准修改为“每张10元”。", value("None")),
        ("《甲办法》中“补发卡工本费”标准调整为每张10元。", value("None")),
        ("将《甲办法》附件“补发卡工本费”一行删去。", gone.clone()),
        ("取消《甲办法》第3项“补发卡工本费”。", gone.clone()),
        ("取消《甲办法》“补发卡工本费”收费项目。", gone),
    ] {
        assert_eq!(amended("通知", text), [expected], "{text}");
    }
}

#[test]
fn what_was_suspended_comes_back() {
    for (text, expected) in [
        ("自2026年6月1日起恢复执行《甲办法》第二条。", vec!["甲办法|第二条:Restored@2026-06-01"]),
        ("暂停执行的《甲办法》第二条自2026年6月1日起恢复执行。", vec!["甲办法|第二条:Restored@2026-06-01"]),
        (
            "自2026年6月1日起暂停执行《甲办法》第二条，恢复执行时间另行通知。",
            vec!["甲办法|第二条:Suspended@2026-06-01"],
        ),
    ] {
        assert_eq!(amended("通知", text), expected, "{text}");
    }
}

#[test]
fn a_change_without_a_clause_goes_on_with_the_named_rule() {
    let text = "《甲办法》第五条停止执行。连续未交易的期限，由6个月延长至12个月。";
    let found = amended("通知", text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("甲办法|:Value") && found[1].contains("6个月"), "{found:?}");
}
