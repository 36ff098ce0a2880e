//! What notices, decrees, annexes and compilations become.

use super::tests::{day, document, labels, parsed};
use super::*;

fn all(stem: &str, source: &str) -> Vec<ParsedDocument> {
    parse(&document(stem, source)).unwrap()
}

fn titles(documents: &[ParsedDocument]) -> Vec<&str> {
    documents.iter().map(|document| document.title.as_str()).collect()
}

#[test]
fn a_letterhead_is_no_title() {
    for head in [
        "示例银行文件\n示例银发〔2025〕12号",
        "特急\n示例银行文件\n示例银发〔2025〕12 号\n签发人：张三",
        "示 例 银 行 文 件\n示例银发[2025]12号",
        "# 示例银行文件\n示例银发（2025）12号\n━━━━━━━━",
        "内部资料\n示例银发〔2025〕12号",
    ] {
        let notice = parsed(
            "扫描件0001",
            &format!(
                "{head}\n关于调整个人网上银行转账限额的通知\n各支行：\n现将有关事项通知如下：\n一、单日限额调整为20万元。\n二、本通知自2025年4月1日起执行。\n示例银行\n2025年3月18日\n抄送：各部门。\n示例银行办公室　2025年3月19日印发"
            ),
        );
        assert_eq!(notice.title, "关于调整个人网上银行转账限额的通知", "{head}");
        assert_eq!(notice.doc_no, "示例银发〔2025〕12号", "{head}");
        assert_eq!((notice.published, notice.effective_from), (day("2025-03-18"), day("2025-04-01")), "{head}");
        assert_eq!(notice.issuer, "示例银行", "{head}");
        assert_eq!(notice.level, Level::InternalRule, "{head}");
        assert_eq!(notice.clauses.last().unwrap().text, "二、本通知自2025年4月1日起执行。", "{head}");
    }
}

#[test]
fn what_stands_beside_the_number_is_no_title() {
    for line in [
        "湖农商发〔2026〕301号 签发人:林某",
        "湖农商发(2026)301号　　　　签发人：林某　赵某某",
        "湖农商发[2026]301号  特急",
        "湖农商发【2026】301号 2026年5月1日",
        "特急 湖农商发〔2026〕301号",
        "| 湖农商发〔2026〕301号 | 签发人：林某 |",
    ] {
        for mark in ["", "# "].into_iter().filter(|mark| mark.is_empty() || !line.starts_with('|')) {
            let rule =
                parsed("扫描件1", &format!("{mark}{line}\n湖农商行贵金属寄存管理办法\n第一条 甲。\n第二条 乙。"));
            assert_eq!(rule.title, "湖农商行贵金属寄存管理办法", "{line}");
            assert_eq!(rule.doc_no, "湖农商发〔2026〕301号", "{line}");
            assert_eq!((rule.level, labels(&rule)), (Level::InternalRule, vec!["第一条", "第二条"]), "{line}");
            let day = day("2026-05-01").filter(|_| line.contains('日'));
            assert_eq!(rule.published, day, "{line}");
        }
    }
}

#[test]
fn a_letter_signed_by_an_office_is_the_bank_s_own() {
    for end in ["", "\n2026年5月8日", "\n（此页无正文）"] {
        let letter = parsed(
            "0009",
            &format!(
                "湖农商办发〔2026〕33号\n关于进一步加强代办业务\n管理的通知\n各支行：\n一、核实身份。\n二、留存凭证。\n湖农商行办公室{end}"
            ),
        );
        assert_eq!(letter.title, "关于进一步加强代办业务管理的通知", "{end}");
        assert_eq!((letter.level, letter.issuer.as_str()), (Level::InternalRule, "湖农商行办公室"), "{end}");
        assert_eq!(letter.clauses.last().unwrap().text, "二、留存凭证。", "{end}");
    }
}

#[test]
fn a_decree_is_the_opening_of_its_rule() {
    for (head, number) in [
        ("某某银行令\n〔2003〕第 7 号", "某某银行令〔2003〕第7号"),
        ("某某监督管理总局令\n2023年第2号", "某某监督管理总局令2023年第2号"),
        ("某某银行令〔2003〕第7号（账户管理办法）\n某某银行令\n（2003）第7号", "某某银行令〔2003〕第7号"),
        ("某某银行 某某总署公告\n[2003]第7号", "某某银行、某某总署公告〔2003〕第7号"),
    ] {
        let rule = parsed(
            "0002",
            &format!(
                "{head}\n根据《甲法》，某某银行制定了《账户管理办法》，经第20次行长办公会议通过，现予公布，自2004年2月1日起施行。\n行　长：张三\n二〇〇三年十二月二十四日\n账户管理办法\n第一章 总 则\n第一条 为了管理，制定本办法。\n第二条 账户分为两类。"
            ),
        );
        assert_eq!((rule.title.as_str(), rule.doc_no.as_str()), ("账户管理办法", number), "{head}");
        assert_eq!((rule.published, rule.effective_from), (day("2003-12-24"), day("2004-02-01")), "{head}");
        assert_eq!(labels(&rule), ["序言", "第一条", "第二条"], "{head}");
    }
}

#[test]
fn an_announcement_without_a_title_bears_its_number() {
    let source = "某某银行公告\n（2013）第 8 号\n为规范交易，根据《甲办法》（某某银行令〔2000〕第2号发布），现就有关事项公告如下：\n一、交易应当通过系统达成。\n本公告自公布之日起施行。";
    let one = parsed("0003", source);
    let other = parsed("0004", &source.replace("第 8 号", "第 9 号").replace("2013", "2015"));
    assert_eq!(one.title, "某某银行公告〔2013〕第8号");
    assert_eq!(one.doc_no, "某某银行公告〔2013〕第8号", "the number of the basis is not its own");
    assert_ne!(one.title_key, other.title_key);
}

const ISSUED: &str = "示例农村商业银行股份有限公司文件\n示例农商银发〔2024〕86号\n关于印发《示例农村商业银行账户分类办法（2024年修订）》的通知\n各支行：\n总行对《示例农村商业银行账户分类办法》（示例农商银发〔2019〕41号）进行了修订，现印发给你们，并就有关事项通知如下：\n一、明确专人负责。\n二、本通知自2024年7月1日起执行。\n附件：1.示例农村商业银行账户分类办法（2024年修订）\n2.核实登记表\n示例农村商业银行股份有限公司\n2024年6月18日\n（联系人：张三，联系电话：12345678）\n附件1\n示例农村商业银行账户分类办法\n（2024年修订）\n第一条 为规范账户分类，制定本办法。\n第二条 只能开立1个Ⅰ类户。\n第三条 本办法自印发之日起施行。\n附件2\n核实登记表\n| 序号 | 账号 |\n| 1 | |\n主题词：账户 办法\n抄送：某某分行。\n示例农村商业银行办公室 2024年6月19日印发";

#[test]
fn a_notice_and_the_rule_that_it_issues_are_two_documents() {
    let found = all("0005", ISSUED);
    assert_eq!(
        titles(&found),
        ["关于印发《示例农村商业银行账户分类办法（2024年修订）》的通知", "示例农村商业银行账户分类办法（2024年修订）"]
    );
    let [notice, rule] = found.as_slice() else { panic!("two") };
    assert_eq!(labels(notice), ["序言", "第一点", "第二点", "附件", "附件二"]);
    assert_eq!(labels(rule), ["第一条", "第二条", "第三条"]);
    assert_eq!(rule.clauses[2].text, "本办法自印发之日起施行。");
    for document in &found {
        assert_eq!(document.doc_no, "示例农商银发〔2024〕86号");
        assert_eq!(document.issuer, "示例农村商业银行股份有限公司");
        assert_eq!(document.level, Level::InternalRule);
        assert_eq!(document.published, day("2024-06-18"));
    }
    assert_eq!((notice.effective_from, rule.effective_from), (day("2024-07-01"), day("2024-06-18")));
    assert!(
        found
            .iter()
            .flat_map(|d| &d.clauses)
            .all(|clause| !clause.text.contains("抄送") && !clause.text.contains("主题词"))
    );
}

#[test]
fn several_annexes_and_rules_without_articles() {
    let found = all(
        "0006",
        "示例银行文件\n示例银发〔2008〕146号\n关于印发汇票业务有关规定的通知\n各支行：\n总行制定了《汇票结算办法》和《汇票应急预案》，现印发你们，请遵照执行。\n一、由总行组织实施。\n示例银行\n二〇〇八年五月十五日\n附件一\n汇票结算办法\n第一章 总则\n第一条 汇票见票即付。\n第二条 本办法自2008年9月1日起施行。\n附件二\n汇票应急预案\n一、组织\n设领导小组。\n二、处置\n立即报告。\n附件三\n实施计划\n五月底前完成培训。",
    );
    assert_eq!(titles(&found), ["关于印发汇票业务有关规定的通知", "汇票结算办法", "汇票应急预案"]);
    assert_eq!(labels(&found[0]), ["序言", "第一点", "附件三"]);
    assert_eq!(labels(&found[1]), ["第一条", "第二条"]);
    assert_eq!(labels(&found[2]), ["一、组织", "二、处置"]);
    assert!(found.iter().all(|d| d.doc_no == "示例银发〔2008〕146号"));
}

#[test]
fn several_rules_in_one_file_are_documents_of_their_own() {
    for mark in ["", "# "] {
        let found = all(
            "制度汇编",
            &format!(
                "{mark}示例银行柜面业务制度汇编\n{mark}大额存单办法\n第一条 甲。\n第二条 乙。\n{mark}残损币兑换办法\n（2003年12月24日印发）\n第一章 总则\n第一条 丙。\n第二条 丁。\n{mark}住房贷款管理办法\n第一条 戊。"
            ),
        );
        assert_eq!(titles(&found), ["大额存单办法", "残损币兑换办法", "住房贷款管理办法"], "{mark}");
        assert!(found.iter().all(|d| d.clauses[0].address.article == Some(1)), "{mark}");
    }
}

#[test]
fn titles_in_several_lines() {
    for (head, title) in [
        ("某银行产品\n管理办法（试行）", "某银行产品管理办法（试行）"),
        ("某某银行 某某委员会关于\n建立集中度管理制度的规定", "某某银行 某某委员会关于建立集中度管理制度的规定"),
        ("某某银行\n关于调整限额的规定", "某某银行关于调整限额的规定"),
    ] {
        let rule = parsed("0007", &format!("{head}\n第一条 甲。\n第二条 乙。"));
        assert_eq!(rule.title, title);
        assert_eq!(labels(&rule), ["第一条", "第二条"]);
    }
}

#[test]
fn fields_before_the_text_in_lines_and_cells() {
    for head in [
        "示例银行甲杉卡管理办法\n文号:示例银发〔2025〕81号\n发布日期:2025年6月1日\n生效日期:2025年7月1日\n有效期至：2027年6月30日",
        "标题：\n示例银行甲杉卡管理办法\n文　号：\n示例银发〔2025〕81号\n发布日期：\n2025年06月01日\n施行日期：\n2025-07-01\n失效日期：2027-07-01",
        "| 制度名称 | 示例银行甲杉卡管理办法 |\n| 文号 | 示例银发〔2025〕81号 |\n| 发布日期 | 2025年6月1日 |\n| 生效日期 | 2025年7月1日 |\n| 有效期至 | 2027年6月30日 |\n示例银行甲杉卡管理办法",
    ] {
        let rule = parsed("x", &format!("{head}\n第一条 甲杉卡年费29元。"));
        assert_eq!(rule.title, "示例银行甲杉卡管理办法", "{head}");
        assert_eq!(rule.doc_no, "示例银发〔2025〕81号", "{head}");
        assert_eq!((rule.published, rule.effective_from), (day("2025-06-01"), day("2025-07-01")), "{head}");
        assert_eq!(rule.repealed_from, day("2027-07-01"), "{head}");
        assert_eq!(labels(&rule), ["第一条"], "{head}");
    }
}

#[test]
fn the_file_name_is_a_witness_and_the_report_has_the_losers() {
    let rule = parsed("03_示例银行现金管理办法（示例银发〔2024〕9号）", "各支行：\n现金应当双人清点。");
    assert_eq!((rule.title.as_str(), rule.doc_no.as_str()), ("示例银行现金管理办法", "示例银发〔2024〕9号"));
    assert_eq!(rule.witnesses.titles[0].place, Place::FileName);
    let named = parsed("某某办法(2024-11-08)", "# 示例银行现金管理办法\n第一条 甲。\n第二条 乙。");
    assert_eq!(named.title, "示例银行现金管理办法");
    assert!(named.witnesses.titles.iter().any(|w| w.place == Place::FileName && w.value == "某某办法"));
}

#[test]
fn a_list_of_repealed_texts_repeals_them() {
    let decree = parsed(
        "0008",
        "某某银行令（发布规章清理结果）\n（2023年3月16日某某银行令〔2023〕第2号公布 自2023年3月16日起施行）\n现决定废止《现金细则》（某发〔1988〕1号）等2件规章（见附件）。\n附件\n废止的规章目录\n1.《现金细则》（某发〔1988〕1号）\n2.《金银细则》（某发〔1983〕381号文印发）",
    );
    assert_eq!(decree.title, "某某银行令〔2023〕第2号");
    let numbers: Vec<&str> = decree.repeals.iter().map(|notice| notice.doc_no.as_str()).collect();
    assert_eq!(numbers, ["某发〔1988〕1号", "某发〔1983〕381号"]);
    assert_eq!(decree.effective_from, day("2023-03-16"));
}
