//! What is no rule yet, what has no day, what is passed on, and what is compiled.

use super::{build, notice};
use guida::types::Level;

fn rule(title: &str, second: &str, day: &str) -> String {
    format!("{title}\n第一条 为规范管理，制定本办法。\n第二条 {second}\n第三条 本办法{day}\n")
}

#[test]
fn drafts_are_left_out_and_end_nothing() {
    let draft = rule(
        "青溪银行巡库办法\n（征求意见稿）",
        "每日巡库3次。",
        "自2026年7月1日起施行，《青溪银行库房办法》同时废止。",
    );
    let asking = format!(
        "关于公开征求《青溪银行尾箱办法》意见的公告\n请于2026年8月1日前反馈意见。\n青溪银行\n2026年7月1日\n附件\n{}",
        rule("青溪银行尾箱办法", "尾箱限额10万元。", "自发布之日起施行。")
    );
    let plain = |title: &str| rule(title, "双人双锁。", "自2020年7月1日起施行。");
    let built = build(&[
        ("a.txt", &draft),
        ("b.txt", &plain("青溪银行库房办法")),
        ("c.txt", &asking),
        ("青溪银行钥匙办法（送审稿）.txt", &plain("青溪银行钥匙办法")),
        ("e.txt", &plain("青溪银行金库守护办法（2026年修订草案）")),
        ("讨论稿.txt", &plain("青溪银行押运办法")),
        ("g.txt", &plain("青溪银行制度草案起草办法")),
    ]);
    let mut titles: Vec<String> = built.versions().into_iter().map(|v| v.row.title).collect();
    titles.sort();
    assert_eq!(titles, ["青溪银行制度草案起草办法", "青溪银行库房办法"], "{}", built.report);
    assert_eq!(built.until("b.txt"), None);
    for left_out in ["a.txt", "c.txt", "e.txt", "讨论稿.txt"] {
        let file = built.file(left_out);
        assert_eq!(file["status"], "skipped", "{file}");
        assert!(file["reason"].as_str().unwrap().contains("不是现行规定"), "{file}");
    }
}

#[test]
fn a_rule_on_trial_beside_its_successor_is_named() {
    let built = build(&[
        ("a.txt", &rule("青溪银行印章办法（试行）", "印章每年核对一次。", "自2022年7月1日起施行。")),
        ("b.txt", &rule("青溪银行印章办法", "印章随用随核。", "自2024年7月1日起施行。")),
        ("c.txt", &rule("青溪银行凭证暂行办法", "凭证每日核对。", "自2022年7月1日起施行。")),
        (
            "d.txt",
            &rule("青溪银行凭证办法", "凭证每周核对。", "自2024年7月1日起施行，《青溪银行凭证暂行办法》同时废止。"),
        ),
    ]);
    let findings = built.report["findings"].as_array().unwrap();
    let versions: Vec<&str> =
        findings.iter().filter(|f| f["topic"] == "version").map(|f| f["document"].as_str().unwrap()).collect();
    assert_eq!(versions, ["青溪银行印章办法（试行）"], "{}", built.report);
}

#[test]
fn no_day_is_invented_to_end_a_notice() {
    let words = "一、个人账户变动短信费按月收取，代发工资账户免收，请各支行做好解释和公示工作，妥善处理客户异议。";
    let title = "关于调整短信费的通知";
    let old = notice(3, title, words, "2025年3月1日");
    let new = notice(9, title, words, "")
        .replace("示例银发〔2025〕9号", "示例银发〔2026〕9号")
        .replace("按月收取", "按季收取");
    let built = build(&[("a.txt", &old), ("b.txt", &new)]);
    assert_eq!((built.until("a.txt"), built.until("b.txt")), (None, None), "{}", built.report);
    assert!(built.notes().contains("并列收录") && built.notes().contains("没有写明日期"), "{}", built.notes());
    let dated = notice(9, title, words, "2026年2月5日").replace("按月收取", "按季收取");
    assert_eq!(build(&[("a.txt", &old), ("b.txt", &dated)]).until("a.txt").as_deref(), Some("2026-02-05"));
}

#[test]
fn what_a_notice_passes_on_has_its_own_issuer_number_and_level() {
    let forwarding = |title: &str, body: &str, annex: &str| {
        format!("青溪银行文件\n青银发〔2026〕20号\n{title}\n各支行：\n{body}\n青溪银行\n2026年3月2日\n\n附件\n{annex}")
    };
    let circular = forwarding(
        "关于转发《中国人民银行关于加强支付结算管理的通知》的通知",
        "现将《中国人民银行关于加强支付结算管理的通知》（银发〔2026〕31号）转发给你们，请认真执行。",
        "中国人民银行关于加强支付结算管理的通知\n银发〔2026〕31号\n各银行：\n现将有关事项通知如下：\n一、单位转账超过50万元的应当核实。\n二、加强账户管理。\n中国人民银行\n2026年2月20日\n",
    );
    let decree = forwarding(
        "转发国家金融监督管理总局《银行消费者权益保护管理办法》的通知",
        "现将国家金融监督管理总局《银行消费者权益保护管理办法》转发给你们，请遵照执行。",
        "银行消费者权益保护管理办法\n第一章 总则\n第一条 为保护消费者，制定本办法。\n第二条 银行应当建立审查机制。\n第三条 本办法自2026年5月1日起施行。\n",
    );
    let explained = forwarding(
        "关于转发《现金清分管理办法》的通知",
        "现将《现金清分管理办法》转发给你们。",
        "现金清分管理办法\n第一条 为规范清分，制定本办法。\n第二条 现金应当全额清分。\n第三条 本办法由中国人民银行负责解释。\n第四条 本办法自2026年5月1日起施行。\n",
    );
    let built = build(&[("a.txt", &circular), ("b.txt", &decree), ("c.txt", &explained)]);
    let of = |title: &str| {
        let found = built.versions().into_iter().find(|v| v.row.title == title);
        let row = found.unwrap_or_else(|| panic!("{title}: {}", built.report)).row;
        (row.doc_no, row.issuer, row.level)
    };
    let expected = |number: &str, issuer: &str, level| (number.to_owned(), issuer.to_owned(), level);
    assert_eq!(
        of("中国人民银行关于加强支付结算管理的通知"),
        expected("银发〔2026〕31号", "中国人民银行", Level::Other)
    );
    assert_eq!(of("银行消费者权益保护管理办法"), expected("", "国家金融监督管理总局", Level::DepartmentRule));
    assert_eq!(of("现金清分管理办法"), expected("", "中国人民银行", Level::DepartmentRule));
    let own = of("关于转发《现金清分管理办法》的通知");
    assert_eq!(own, expected("青银发〔2026〕20号", "青溪银行", Level::InternalRule));
}

#[test]
fn the_first_rule_of_a_compilation_bears_its_own_title() {
    let rules = |numbers: bool| {
        let number = |n: u32| if numbers { format!("（青银发〔2024〕{n}号）\n") } else { String::new() };
        format!(
            "{}\n{}",
            rule(&format!("青溪银行印章办法\n{}", number(15)), "印章双人保管。", "自2024年5月1日起施行。"),
            rule(&format!("青溪银行钥匙办法\n{}", number(16)), "钥匙每年更换。", "自2024年6月1日起施行。")
        )
    };
    for (cover, numbers) in [
        ("青溪银行柜面制度汇编\n", false),
        ("青溪银行运营制度汇编\n（2025年版）\n目录\n一、青溪银行印章办法\n二、青溪银行钥匙办法\n", true),
        ("青溪银行规章制度选编（2025年）\n青溪银行办公室\n2025年1月\n", true),
    ] {
        let built = build(&[("a.txt", &format!("{cover}\n{}", rules(numbers)))]);
        let mut found: Vec<(String, String)> =
            built.versions().into_iter().map(|v| (v.row.title, v.row.doc_no)).collect();
        found.sort();
        let number = |n: u32| if numbers { format!("青银发〔2024〕{n}号") } else { String::new() };
        let expected = [("青溪银行印章办法".to_owned(), number(15)), ("青溪银行钥匙办法".to_owned(), number(16))];
        assert_eq!(found, expected, "{cover}");
    }
}
