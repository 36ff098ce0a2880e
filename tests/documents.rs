//! Who documents are, which end which, and what the report says of it: built by the program from files as banks have them.

#[path = "documents/conflicts.rs"]
mod conflicts;
#[path = "documents/drafts.rs"]
mod drafts;
#[path = "documents/lint.rs"]
mod lint;
#[path = "common/program.rs"]
mod program;

use guida::store::{Knowledge, Version};
use guida::types::Level;
use program::{ask, guida};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// A folder of files and the knowledge that the program builds of them.
struct Built {
    _folder: tempfile::TempDir,
    kb: PathBuf,
    report: Value,
}

fn build(files: &[(&str, &str)]) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("in");
    fs::create_dir(&sources).unwrap();
    for (name, text) in files {
        fs::write(sources.join(name), text).unwrap();
    }
    let kb = folder.path().join("k.db");
    let out = guida([
        "kb",
        "build",
        sources.to_str().unwrap(),
        "--no-embedder",
        "--no-everyday",
        "--json",
        "--out",
        kb.to_str().unwrap(),
    ])
    .ok();
    Built { report: serde_json::from_str(&out).unwrap(), kb, _folder: folder }
}

impl Built {
    fn versions(&self) -> Vec<Version> {
        Knowledge::open(&self.kb).unwrap().versions().to_vec()
    }

    fn version(&self, source: &str) -> Version {
        let found = self.versions().into_iter().find(|v| v.row.source == source);
        found.unwrap_or_else(|| panic!("{source} is not in: {}", self.report))
    }

    fn until(&self, source: &str) -> Option<String> {
        self.version(source).row.effective.until.map(|day| day.to_string())
    }

    fn notes(&self) -> String {
        self.report["notes"].to_string()
    }

    fn file(&self, path: &str) -> &Value {
        let files = self.report["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).unwrap()
    }
}

fn notice(number: u32, title: &str, items: &str, signed: &str) -> String {
    format!(
        "示例银行文件\n示例银发〔2025〕{number}号\n{title}\n各支行：\n现将有关事项通知如下：\n{items}\n示例银行\n{signed}\n"
    )
}

#[test]
fn unrelated_notices_of_one_bank_end_nothing() {
    let built = build(&[
        (
            "a.txt",
            &notice(
                12,
                "关于调整个人网上银行转账限额的通知",
                "一、单日转账限额调整为20万元。\n二、本通知自2025年4月1日起执行。",
                "2025年3月18日",
            ),
        ),
        (
            "b.txt",
            &notice(
                30,
                "关于暂停办理外币现钞兑换业务的通知",
                "一、自2025年6月1日起暂停办理外币现钞兑换业务。",
                "2025年5月28日",
            ),
        ),
        (
            "c.txt",
            &notice(
                41,
                "关于暂停办理外币现钞兑换业务的通知",
                "一、节日期间大堂值班由各支行自行安排并报备人员名单。",
                "2025年9月28日",
            ),
        ),
    ]);
    let versions = built.versions();
    assert_eq!(versions.len(), 3);
    for version in &versions {
        assert_eq!(version.row.effective.until, None, "{}", version.row.title);
        assert_eq!(version.row.level, Level::InternalRule);
        assert_eq!(version.row.issuer, "示例银行");
    }
    assert!(built.notes().contains("并列收录"), "one title for two matters is said: {}", built.notes());
    let card = ask(&built.kb, "个人网银单日转账限额是多少", &["--no-embedder"]);
    assert_eq!(card["citations"][0]["doc_no"], "示例银发〔2025〕12号", "{card}");
}

#[test]
fn the_report_says_who_a_document_is_by_which_witness() {
    let built = build(&[
        ("扫描0001.txt", &notice(12, "关于调整限额的通知", "一、调整为20万元。", "2025年3月18日")),
        ("x.txt", "柜员应当双人清点现金。\n"),
    ]);
    let identity = &built.file("扫描0001.txt")["identities"][0];
    assert_eq!(identity["title"], "关于调整限额的通知");
    assert_eq!(identity["witnesses"]["titles"][0]["place"], "act");
    let losers = identity["witnesses"]["titles"].as_array().unwrap();
    assert!(losers.iter().any(|loser| loser["value"] == "扫描0001" && loser["place"] == "file_name"), "{identity}");
    assert_eq!(identity["witnesses"]["published"][0]["value"], "2025-03-18");
    let reason = built.file("x.txt")["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("没有读到标题行") && reason.contains("没有读到发布或生效日期"), "{reason}");
}

#[test]
fn versions_need_agreement_and_an_order() {
    let rule = |fee: u32, number: &str, day: &str| {
        format!(
            "示例银行铜雀卡管理办法\n{number}\n第一条 为规范铜雀卡的发行、使用和收费,防范业务风险,制定本办法。\n第二条 铜雀卡年费{fee}元,在每年发卡月份从卡内扣收。\n第三条 {day}\n"
        )
    };
    let dated = build(&[
        ("a.txt", &rule(32, "示例银发〔2023〕3号", "本办法自2023年5月1日起施行。")),
        ("b.txt", &rule(17, "示例银发〔2025〕3号", "本办法自2025年5月1日起施行。")),
    ]);
    assert_eq!((dated.until("a.txt").as_deref(), dated.until("b.txt")), (Some("2025-05-01"), None));

    let undated = build(&[
        ("示例银行铜雀卡管理办法(2023年版).txt", &rule(32, "", "本办法自印发之日起施行。")),
        ("示例银行铜雀卡管理办法(2025年版).txt", &rule(17, "", "本办法自印发之日起施行。")),
    ]);
    assert_eq!(undated.until("示例银行铜雀卡管理办法(2023年版).txt").as_deref(), Some("2025-01-01"));
    assert!(undated.notes().contains("年份"), "{}", undated.notes());
    let card = ask(&undated.kb, "铜雀卡年费多少元", &["--no-embedder"]);
    assert!(card["citations"][0]["text"].as_str().unwrap().contains("17元"), "{card}");
    assert_eq!(card["citations"].as_array().unwrap().len(), 1, "{card}");

    let twins =
        build(&[("甲.txt", &rule(32, "", "本办法由总行解释。")), ("乙.txt", &rule(17, "", "本办法由总行解释。"))]);
    let titles: Vec<String> = twins.versions().iter().map(|v| v.row.title.clone()).collect();
    assert_eq!(titles.len(), 2);
    assert_ne!(titles[0], titles[1], "never shown as twins");
    assert!(twins.versions().iter().all(|v| v.row.effective.until.is_none()) && twins.notes().contains("并列收录"));

    let other_bank = build(&[
        ("a.txt", &format!("发文机关：示例银行\n{}", rule(32, "示例银发〔2023〕3号", "本办法自2023年5月1日起施行。"))),
        ("b.txt", &format!("发文机关：另一银行\n{}", rule(17, "另一银发〔2025〕3号", "本办法自2025年5月1日起施行。"))),
    ]);
    assert_eq!(other_bank.until("a.txt"), None, "{}", other_bank.notes());
    assert!(other_bank.notes().contains("发文机关不同"), "{}", other_bank.notes());
}

#[test]
fn a_period_ends_and_says_so_before() {
    let rule = |closing: &str| {
        format!(
            "示例银行红松积分管理办法\n示例银发〔2018〕5号\n第一条 红松积分每1000分兑换5元话费。\n第二条 {closing}\n"
        )
    };
    for (closing, until) in [
        ("本办法自2019年1月1日起施行,有效期5年。", "2024-01-01"),
        ("本办法自2019年1月1日起施行，有效期至2023年12月31日。", "2024-01-01"),
        ("本办法自2019年1月1日起试行，试行期二年。", "2021-01-01"),
        ("本办法自2019年1月1日起施行,2023年12月31日废止。", "2023-12-31"),
        ("本办法自2019年1月1日起施行，至2024年12月31日止。", "2025-01-01"),
    ] {
        let built = build(&[("a.txt", &rule(closing))]);
        assert_eq!(built.until("a.txt").as_deref(), Some(until), "{closing}");
        assert!(built.notes().contains(until), "{}", built.notes());
        let at = |day: &str| ask(&built.kb, "示例银行红松积分管理办法第一条", &["--no-embedder", "--as-of", day]);
        assert_eq!(at("2030-01-01")["citations"][0]["status"], "repealed", "{closing}");
    }
    let built = build(&[("a.txt", &rule("本办法自2019年1月1日起施行,有效期至2026年12月31日。"))]);
    let notices = |day: &str| {
        ask(&built.kb, "红松积分1000分兑换多少话费", &["--no-embedder", "--as-of", day])["notices"].to_string()
    };
    assert!(notices("2026-11-30").contains("自 2027-01-01 起不再有效"), "{}", notices("2026-11-30"));
    assert!(!notices("2026-06-30").contains("不再有效"));
    let unread = build(&[("a.txt", &rule("本办法自2019年1月1日起施行，有效期届满另行通知。"))]);
    assert!(unread.notes().contains("读不出失效日期"), "{}", unread.notes());
}

#[test]
fn repeals_by_title_and_by_number() {
    let old = |title: &str, number: &str| {
        format!("{title}\n{number}\n第一条 旧的规定在本条。\n第二条 本办法自2010年1月1日起施行。\n")
    };
    let built = build(&[
        ("a.txt", &old("示例银行甲卡管理办法", "示例银发〔2009〕1号")),
        ("b.txt", &old("示例银行乙卡管理办法", "示例银发〔2009〕2号")),
        ("c.txt", &old("示例银行丙卡管理办法", "示例银发〔2009〕3号")),
        ("d.txt", &old("示例银行丁卡管理办法", "示例银发〔2009〕4号")),
        ("e.txt", &old("示例银行戊卡管理办法", "示例银发〔2009〕5号")),
        (
            "f.txt",
            "示例银行关于清理制度的通知\n示例银发〔2024〕8号\n各支行：\n一、《示例银行甲卡管理办法》（示例银发（2009）1号文印发）、示例银发〔2009〕2号文停止执行。\n二、《示例银行丙卡管理办法》第一条停止执行。\n三、《示例银行丁卡管理办法》（示例银发〔2008〕99号）不再执行。\n四、本通知自2024年5月1日起执行，《示例银行戊卡管理办法》同时废止。\n示例银行\n2024年4月20日\n",
        ),
    ]);
    for ended in ["a.txt", "b.txt", "e.txt"] {
        assert_eq!(built.until(ended).as_deref(), Some("2024-05-01"), "{ended}");
        assert!(built.version(ended).row.repealed);
    }
    assert_eq!(built.until("c.txt"), None, "one article is not the rule");
    assert_eq!(built.until("d.txt"), None, "another number is another text");
    assert!(built.notes().contains("文号不同"), "{}", built.notes());
}

#[test]
fn lists_parts_proposals_and_amendments() {
    let old = |title: &str, number: &str| {
        format!(
            "{title}\n{number}\n第一条 旧的规定在本条。\n第二条 每日巡库一次。\n第三条 本办法自2010年1月1日起施行。\n"
        )
    };
    let built = build(&[
        ("a.txt", &old("青溪银行巡库办法", "青银发〔2019〕12号")),
        ("b.txt", &old("青溪银行押运办法", "青银发〔2020〕35号")),
        ("c.txt", &old("青溪银行值班规则", "青银发〔2020〕36号")),
        ("d.txt", &old("青溪银行库房办法", "青银发〔2020〕37号")),
        ("e.txt", &old("青溪银行巡店办法", "青银发〔2020〕38号")),
        (
            "n1.txt",
            "青溪银行文件\n青银发〔2026〕1号\n关于清理制度的通知\n各支行：\n经研究,决定废止下列制度:\n一、《青溪银行巡库办法》(青银发〔2019〕12号);\n二、青银发〔2020〕35号文件。\n以上制度自2026年9月1日起废止。\n青溪银行\n2026年8月10日\n",
        ),
        (
            "n2.txt",
            "青溪银行文件\n青银发〔2026〕2号\n关于停用部分条款的通知\n各支行：\n一、本通知自印发之日起执行。\n二、自2026年8月1日起停止执行《青溪银行值班规则》第二条。\n三、拟废止《青溪银行库房办法》,请于7月31日前反馈意见。\n青溪银行\n2026年7月10日\n",
        ),
        (
            "n3.txt",
            "青溪银行文件\n青银发〔2026〕3号\n关于修改《青溪银行库房办法》的通知\n各支行：\n总行决定：\n一、将第二条修改为:“每日巡库两次。”\n二、删去第一条。\n青溪银行\n2026年7月12日\n",
        ),
        (
            "n4.txt",
            "青溪银行文件\n青银发〔2026〕4号\n关于印发《青溪银行网点巡查办法》的通知\n各支行：\n现将《青溪银行网点巡查办法》印发给你们,自2026年6月1日起执行,原《青溪银行巡店办法》同时废止。\n青溪银行\n2026年5月20日\n附件\n青溪银行网点巡查办法\n第一条 网点每周巡查。\n第二条 巡查应当登记。\n",
        ),
    ]);
    for (source, until) in [
        ("a.txt", Some("2026-09-01")),
        ("b.txt", Some("2026-09-01")),
        ("c.txt", None),
        ("d.txt", Some("2026-07-12")),
        ("e.txt", Some("2026-06-01")),
        ("n1.txt", None),
        ("n2.txt", None),
    ] {
        assert_eq!(built.until(source).as_deref(), until, "{source}: {}", built.notes());
    }
    let rule = built.versions().into_iter().find(|v| v.row.title == "青溪银行网点巡查办法").unwrap();
    assert_eq!(rule.row.effective.from.map(|day| day.to_string()).as_deref(), Some("2026-06-01"));
    for told in [
        "《青溪银行押运办法》(青银发〔2020〕35号,b.txt)自 2026-09-01 起废止,依据《关于清理制度的通知》(青银发〔2026〕1号,n1.txt)",
        "只废止或停用《青溪银行值班规则》的一部分",
        "谈到废止《青溪银行库房办法》,但废止并未发生",
        "修改《青溪银行库房办法》:第二条(修改)、第一条(删去)已合成合并文本,自 2026-07-12 起施行",
        "修改《青溪银行值班规则》:第二条(停止执行)已标注",
    ] {
        assert!(built.notes().contains(told), "{told}: {}", built.notes());
    }
}

#[test]
fn a_bank_s_rule_ends_no_public_norm() {
    let built = build(&[
        (
            "a.txt",
            "中国人民银行令\n〔2003〕第5号\n中国人民银行制定了《账户管理办法》，现予公布，自2003年9月1日起施行。\n行长：张三\n二〇〇三年四月十日\n账户管理办法\n第一条 账户分为四类。\n第二条 本办法由中国人民银行解释。\n",
        ),
        (
            "b.txt",
            "示例银行账户管理规定\n示例银发〔2024〕1号\n第一条 账户分为三类。\n第二条 本规定自2024年1月1日起施行，《账户管理办法》同时废止。\n",
        ),
    ]);
    assert_eq!(built.version("a.txt").row.level, Level::DepartmentRule);
    assert_eq!(built.until("a.txt"), None);
    assert!(built.notes().contains("制定机关不同"), "{}", built.notes());
}

#[test]
fn one_file_may_hold_a_notice_and_its_rule() {
    let text = "示例银行文件\n示例银发〔2024〕7号\n关于印发《示例银行印章管理办法》的通知\n各支行：\n现将《示例银行印章管理办法》印发给你们，请遵照执行。\n示例银行\n2024年1月8日\n示例银行印章管理办法\n第一条 印章应当双人保管。\n第二条 本办法自2024年2月1日起施行。\n";
    let built = build(&[("c.txt", text)]);
    assert_eq!(built.file("c.txt")["documents"], 2);
    let card = ask(&built.kb, "印章由几个人保管", &["--no-embedder"]);
    assert_eq!(card["citations"][0]["document"], "示例银行印章管理办法", "{card}");
    assert_eq!(card["citations"][0]["doc_no"], "示例银发〔2024〕7号");
    assert_eq!(card["citations"][0]["clause"], "第一条");
}
