//! The forms in which rules shorten names, in words of our own, and what must not be taken for a pair.

use super::*;
use crate::text::address;

fn clause(text: &str) -> ParsedClause {
    ParsedClause {
        address: address::labelled("第一条"),
        heading: String::new(),
        text: text.into(),
        ask_variants: Vec::new(),
        guide: None,
    }
}

/// `(short, long)` of every pair of a text.
fn pairs(text: &str) -> Vec<(String, String)> {
    let found = Abbreviations::of(&[clause(text)]);
    found.0.into_iter().map(|pair| (pair.short, pair.long)).collect()
}

fn one(text: &str, short: &str, long: &str) {
    assert_eq!(pairs(text), [(short.to_owned(), long.to_owned())], "{text}");
}

#[test]
fn names_are_found_with_their_bounds() {
    for (text, short, long) in [
        // From the beginning of the sentence, of an item, behind a comma.
        ("中国人民银行县支行（以下简称人民银行县支行）每季核对。", "人民银行县支行", "中国人民银行县支行"),
        ("下列单位：\n（二）农村信用合作联社（以下简称农信联社）；", "农信联社", "农村信用合作联社"),
        ("发现疑点的，省级货币真伪检测中心（以下简称检测中心）复核。", "检测中心", "省级货币真伪检测中心"),
        // Behind prepositions and verbs.
        ("为规范残损人民币回收业务（以下简称残币回收），制定本办法。", "残币回收", "残损人民币回收业务"),
        ("网点通过重要空白凭证管理系统（以下简称凭证系统）领用。", "凭证系统", "重要空白凭证管理系统"),
        ("钥匙存放在支行营业室（以下简称营业室）。", "营业室", "支行营业室"),
        ("由总行报中国银行业监督管理委员会（以下简称银监会）备案。", "银监会", "中国银行业监督管理委员会"),
        ("持卡人应向发卡的村镇银行业金融机构（以下简称村镇银行）申请。", "村镇银行", "村镇银行业金融机构"),
        // Titles, with a 文号 or a remark before the short form.
        (
            "按照《柜面业务印章管理办法》（某银发〔2031〕7号，以下简称《印章办法》）办理。",
            "《印章办法》",
            "《柜面业务印章管理办法》",
        ),
        ("填写《残币兑换登记表（试行）》（以下简称登记表，见附件2）。", "登记表", "《残币兑换登记表（试行）》"),
        (
            "依照《柜面业务规程修订案（三）》（以下简称《修订案（三）》）。",
            "《修订案（三）》",
            "《柜面业务规程修订案（三）》",
        ),
        // Quotation marks, ASCII brackets, other verbs.
        ("使用“个人大额存单开户申请书”（以下简称“申请书”）。", "申请书", "个人大额存单开户申请书"),
        ("使用现金出纳机具管理平台(下称\"机具平台\")。", "机具平台", "现金出纳机具管理平台"),
        ("上海纸币清分中心（纸币清分行业协会）（以下称纸币清分中心）受理。", "纸币清分中心", "上海纸币清分中心"),
        ("省联社及其派出机构（以下统称：省联社）检查。", "省联社", "省联社及其派出机构"),
        ("现金柜台服务专区，以下简称现金专区，每日开放。", "现金专区", "现金柜台服务专区"),
        // Letters, and names that have nothing of their short form.
        ("网点通过纸币冠字号码查询系统（以下简称 GZH）查询。", "GZH", "纸币冠字号码查询系统"),
        ("将记录纳入个人信用信息基础数据库（以下称征信平台）。", "征信平台", "个人信用信息基础数据库"),
        // The second of two that have each their own brackets.
        ("甲地清算中心（以下简称甲中心）和乙地清算中心（以下简称乙中心）对账。", "甲中心", "甲地清算中心"),
    ] {
        assert!(pairs(text).contains(&(short.to_owned(), long.to_owned())), "{text}: {:?}", pairs(text));
    }
    let text = "甲地清算中心（以下简称甲中心）和乙地清算中心（以下简称乙中心）对账。";
    assert_eq!(pairs(text)[1], ("乙中心".to_owned(), "乙地清算中心".to_owned()));
}

#[test]
fn what_has_no_certain_bounds_is_no_pair() {
    for text in [
        // One name for several things.
        "纸质存单、存折和银行卡（以下统称存款凭证）遗失的，书面挂失。",
        "村镇银行、农村商业银行（以下简称银行）可以参加。",
        "法人和个体工商户（以下统称客户）办理结算。",
        "甲县分行、乙县支行、丙县支行（以下简称三县行）试点。",
        // A description, not a name.
        "在网点办理挂失手续的自然人（以下简称挂失人）应当到场。",
        "客户委托他人领卡（以下简称领卡）须核实。",
        "下列机构（以下统称成员机构）应当报送。",
        // Brackets within the name, a line that a layout has cut.
        "开立专用资金（人民币或者外币）账户（以下简称专户）。",
        "报送国务院银行业监督\n管理委员会（以下简称银监委）。",
        // No name: itself, a party, a number.
        "某某银行股份有限公司（以下简称本行）制定本办法。",
        "出租方某某银行（以下简称甲方）出租保管箱。",
        "由网点提供上门服务（以下简称模式一）。",
        "《甲办法》、《乙办法》（以下分别简称《甲》、《乙》）。",
        // No announcement.
        "以下称谓供参考；名下称量设备每年校准。",
    ] {
        assert_eq!(pairs(text), [], "{text}");
    }
}

#[test]
fn a_short_form_with_two_meanings_is_none_and_the_plainer_name_counts() {
    one("《挂失办法》（以下简称《办法》）。\n《开户办法》（以下简称《开户办法》）。", "《办法》", "《挂失办法》");
    assert_eq!(pairs("《挂失管理办法》（以下简称《办法》）。\n《开户管理办法》（以下简称《办法》）。"), []);
    one("村镇银行业机构（以下简称银行）。\n银行业机构（以下简称银行）。", "银行", "银行业机构");
}

#[test]
fn a_clause_misses_the_form_that_it_does_not_use() {
    let found = Abbreviations::of(&[
        clause("纸币冠字号码查询系统（以下简称 GZH）、残损人民币集中回收中心（以下简称残币中心）按本办法使用。"),
        clause("本办法所称机具，是指点钞机和清分机。"),
    ]);
    let missing = |text: &str| found.missing("某行出纳办法", &clause(text));
    assert_eq!(missing("GZH 停用的，手工登记。"), ["纸币冠字号码查询系统"]);
    assert_eq!(missing("纸币冠字号码查询系统停用的，手工登记。"), ["GZH"]);
    assert_eq!(missing("点钞机和清分机每年检定。"), ["机具"]);
    assert_eq!(missing("机具应当送残币中心。"), ["残损人民币集中回收中心", "点钞机和清分机"]);
    assert!(missing("残损人民币集中回收中心（残币中心）值班。").is_empty());
    assert!(missing("XGZH2 型设备报废。").is_empty(), "within another word");
    assert!(missing("每日清点。").is_empty());
    // What the title says is index text of every clause.
    assert!(found.missing("纸币冠字号码查询系统办法", &clause("GZH 停用的，手工登记。")).is_empty());
}

#[test]
fn a_word_of_two_characters_counts_by_itself_only() {
    let found =
        Abbreviations::of(&[clause("银行业金融机构（以下简称银行）、银行汇票业务专用系统（以下简称银行汇票系统）。")]);
    for (text, long) in [
        ("银行应当核对。", true),
        ("报告给银行。", true),
        ("开户银行核对。", false),
        ("使用银行卡。", false),
        ("银行汇票系统停用。", false),
    ] {
        assert_eq!(found.missing("", &clause(text)).contains(&"银行业金融机构"), long, "{text}");
    }
}
