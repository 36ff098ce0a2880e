//! What whole documents become.

use super::*;
use crate::text::address::print;
use crate::text::document::Block;
use crate::types::{Classification, Date};

/// A document from Markdown-like lines: `#` headings, `|` table rows, `key: value` lines before a line `---`.
pub(super) fn document(stem: &str, source: &str) -> RawDocument {
    let mut raw = RawDocument { file_stem: stem.to_owned(), source: format!("{stem}.md"), ..RawDocument::default() };
    let body = match source.split_once("\n---\n") {
        Some((front, body)) => {
            for line in front.lines() {
                let (key, value) = line.split_once(": ").unwrap();
                let slot: &mut String = raw.meta.entry(key.to_owned()).or_default();
                if !slot.is_empty() {
                    slot.push('\n');
                }
                slot.push_str(value);
            }
            body
        }
        None => source,
    };
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(row) = line.strip_prefix('|') {
            let cells = row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            match raw.blocks.last_mut() {
                Some(Block::Table { rows, .. }) => rows.push(cells),
                _ => raw.blocks.push(Block::Table { header: true, rows: vec![cells] }),
            }
        } else if line.starts_with('#') {
            let text = line.trim_start_matches('#');
            let depth = (line.len() - text.len()) as u8;
            raw.blocks.push(Block::Heading { depth, text: text.trim().to_owned() });
        } else {
            raw.blocks.push(Block::Paragraph(line.to_owned()));
        }
    }
    raw
}

pub(super) fn parsed(stem: &str, source: &str) -> ParsedDocument {
    let mut all = parse(&document(stem, source)).unwrap();
    assert_eq!(all.len(), 1, "{:?}", all.iter().map(|document| &document.title).collect::<Vec<_>>());
    all.remove(0)
}

pub(super) fn labels(document: &ParsedDocument) -> Vec<&str> {
    document.clauses.iter().map(|c| c.address.label.as_str()).collect()
}

pub(super) fn day(text: &str) -> Option<Date> {
    Some(text.parse().unwrap())
}

const LAW: &str = "\
history: 2006年10月31日 第十届全国人民代表大会常务委员会第二十四次会议通过
history: 2018年3月1日 第十三届全国人民代表大会常务委员会第一次会议《关于修改〈中华人民共和国某某法〉的决定》修正
---
# 中华人民共和国某某法
为了正确适用某某制度，维护各方权益，特作说明。
## 第一章 总则
第一条 为了规范某某活动，制定本法。
第二条 本法所称某某，包括：
（一）甲类；
（二）乙类，依照
第三条规定的丙类。
第二款规定的情形除外。
### 第一节 一般规定
第二条之一 增加的一条。
第三条 甲部门负责。
第二条、第三条规定的事项，由主管部门负责。
第三条第一款所称主管部门，是指甲部门。
| 项目 | 标准 |
| 甲 | 10元 |
## 第二章 附则
第四条 本法自2007年1月1日起施行。《某某暂行条例》同时废止。
附件：1.申请表";

#[test]
fn a_law_with_prose_that_looks_like_headings() {
    let law = parsed("某某法(2018-03-01)", LAW);
    assert_eq!(law.title, "中华人民共和国某某法");
    assert_eq!(law.title_key, "某某法");
    assert_eq!(labels(&law), ["序言", "第一条", "第二条", "第二条之一", "第三条", "第四条", "附件"]);
    assert_eq!(
        law.clauses[2].text,
        "本法所称某某，包括：\n（一）甲类；\n（二）乙类，依照\n第三条规定的丙类。\n第二款规定的情形除外。"
    );
    assert_eq!(law.clauses[3].heading, "第一章 总则 第一节 一般规定");
    assert_eq!(law.clauses[3].address.insert, 1);
    assert_eq!(
        law.clauses[4].text,
        "甲部门负责。\n第二条、第三条规定的事项，由主管部门负责。\n第三条第一款所称主管部门，是指甲部门。\n| 项目 | 标准 |\n| 甲 | 10元 |"
    );
    assert_eq!(law.clauses[5].heading, "第二章 附则");
    assert_eq!(law.level, Level::Law);
    assert_eq!(law.classification, Classification::Public);
    assert_eq!(law.issuer, "全国人民代表大会常务委员会");
    assert_eq!(law.published, day("2018-03-01"));
    assert_eq!(law.effective_from, day("2018-03-01"), "an amended text keeps the first date in its closing article");
    assert_eq!(law.repeals, [RepealNotice { title: "某某暂行条例".to_owned(), doc_no: String::new(), from: None }]);
}

#[test]
fn a_new_law_begins_on_the_day_it_names() {
    let law = parsed(
        "反某某法(2024-11-08)",
        "history: 2006年10月31日 第十届全国人民代表大会常务委员会通过\nhistory: 2024年11月8日 第十四届全国人民代表大会常务委员会第十二次会议修订）\n---\n# 中华人民共和国反某某法\n第一条 制定本法。\n第二条 本法自2025年1月1日起施行。",
    );
    assert_eq!((law.published, law.effective_from), (day("2024-11-08"), day("2025-01-01")));
}

#[test]
fn text_from_a_pdf_without_spaces_and_with_broken_lines() {
    let rule = parsed(
        "管理办法",
        "中国人民银行令〔2025〕第11号\n某某业务管理办法\n（2025年11月1日第3次行务会议审议通过）\n目　录\n第一章总则……1\n第二章附则……2\n第一章总则\n第一条为了规范业务，根据《某法》\n第二条等规定，制定本办法。\n第二条中华人民共和国境内的业务，依照\n第三条办理。\n第二章附则\n第三条本办法自发布之日起30日后施行。",
    );
    assert_eq!(rule.title, "某某业务管理办法");
    assert_eq!(rule.doc_no, "中国人民银行令〔2025〕第11号");
    assert_eq!(rule.issuer, "中国人民银行");
    assert_eq!(rule.level, Level::DepartmentRule);
    assert_eq!(labels(&rule), ["第一条", "第二条", "第三条"]);
    assert_eq!(rule.clauses[0].text, "为了规范业务，根据《某法》第二条等规定，制定本办法。");
    assert_eq!(rule.clauses[1].text, "中华人民共和国境内的业务，依照第三条办理。");
    assert_eq!(rule.clauses[2].heading, "第二章附则");
    assert_eq!((rule.published, rule.effective_from), (day("2025-11-01"), day("2025-12-01")));
}

#[test]
fn articles_as_headings_and_with_names() {
    let rule = parsed(
        "甲",
        "# 甲办法\n### 第一条 目的\n为了管理。\n### 第二条【范围】\n适用于全行。\n第三条 （解释）由总行解释。\n第1260条 尾。",
    );
    assert_eq!(labels(&rule), ["第一条", "第二条", "第三条", "第一千二百六十条"]);
    assert_eq!(rule.clauses[0].text, "目的\n为了管理。");
    assert_eq!(rule.clauses[1].text, "【范围】\n适用于全行。");
    assert_eq!(rule.clauses[2].text, "（解释）由总行解释。");
}

#[test]
fn numbering_that_starts_again_keeps_every_text_under_its_own_label() {
    let rule = parsed(
        "甲",
        "# 甲办法\n## 第一编 甲\n第一条 一。\n第二条 二。\n## 第二编 乙\n第一条 三。\n第一条 四。\n附件一 操作步骤\n第一条 五。\n附件二：名单\n某某",
    );
    assert_eq!(
        labels(&rule),
        ["第一条", "第二条", "第二编第一条", "第二编第一条（2）", "附件一", "附件一第一条", "附件二"]
    );
    let texts: Vec<&str> = rule.clauses.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["一。", "二。", "三。", "四。", "附件一 操作步骤", "五。", "附件二：名单\n某某"]);
    assert_eq!(rule.clauses.iter().filter(|c| c.address.article == Some(1)).count(), 1);
}

#[test]
fn articles_quoted_by_an_amendment_are_its_text() {
    let rule = parsed(
        "甲",
        "# 甲修正案\n第三条 增加一节：“第七节 委员会\n第一百二十三条 委员会是机关。\n第一百二十四条 设立委员会。”\n第四条 修改。",
    );
    assert_eq!(labels(&rule), ["第三条", "第四条"]);
}

#[test]
fn articles_run_together_on_one_line() {
    let rule = parsed("甲", "# 甲规则\n第一条 甲。 第二条 依照第三条办理。 第三条 丙。\n丁。 第四条 戊。");
    assert_eq!(labels(&rule), ["第一条", "第二条", "第三条", "第四条"]);
    assert_eq!(rule.clauses[1].text, "依照第三条办理。");
    assert_eq!(rule.clauses[2].text, "丙。\n丁。");
}

#[test]
fn texts_without_articles() {
    let notice = parsed(
        "乙",
        "# 关于某事的通知\n各分行：现将有关事项通知如下。\n一、总体要求\n提高认识。\n二、主要材料\n身份证。\n三、各行应当于月底前报送情况，逾期的通报。\n（一）报送内容；\n（二）报送方式。",
    );
    assert_eq!(labels(&notice), ["序言", "一、总体要求", "二、主要材料", "第三点"]);
    assert_eq!(
        notice.clauses[3].text,
        "三、各行应当于月底前报送情况，逾期的通报。\n（一）报送内容；\n（二）报送方式。"
    );
    let headed = parsed("丙", "# 手册\n## 甲\n### 材料\n身份证。\n## 乙\n### 材料\n银行卡。\n## 空");
    assert_eq!(labels(&headed), ["材料", "乙材料", "空"]);
    assert_eq!(headed.clauses[1].heading, "乙");
    assert_eq!(labels(&parsed("丁", "只有一句话。")), ["正文"]);
}

#[test]
fn a_long_text_is_split_between_sentences() {
    let sentence = format!("{}。", "甲".repeat(99));
    let long = parsed("戊", &format!("# 说明\n{}", sentence.repeat(25)));
    assert_eq!(labels(&long), ["第一段", "第二段", "第三段", "第四段"]);
    assert!(long.clauses.iter().all(|c| c.text.ends_with('。') && c.text.chars().count() <= plain::MAX_CHARS));
}

const GUIDE: &str = "\
title: 示例银行柜面操作指引：身份证件过期客户业务
doc_no: 示例银运〔2025〕33号
issuer: 示例银行运营管理部
level: 操作指引
published: 2025-05-10
effective: 2025-06-01
classification: 内部
sample: true
---
# 示例银行柜面操作指引：身份证件过期客户业务
## 场景一 身份证过期的客户要取现金
### 问法
- 客户的证件失效了还给不给办支取
- 证过期能取不
### 结论
有条件：过期90日内核实身份后可取
### 依据
- 《示例银行个人客户身份识别管理办法》第十五条第二款
### 步骤
1. 核对证件。
2. 登记原因。
### 所需资料
- 过期证件
### 风险提示
- 不得代签
### 升级路径
会计主管 → 运营管理部
### 对客话术
您好，请稍等。
### 追问
证件过期了多久？
- 90日以内 | 一个月,刚过期 → 有条件：核实后可取
- 超过90日 | 半年，一年 → 不能：先换领新证
## 场景二 换证
### 结论
能";

#[test]
fn a_guide_becomes_scenes() {
    let guide = parsed("指引", GUIDE);
    assert_eq!((guide.level, guide.classification, guide.sample), (Level::Guide, Classification::Internal, true));
    assert_eq!((guide.published, guide.effective_from), (day("2025-05-10"), day("2025-06-01")));
    assert_eq!(guide.doc_no, "示例银运〔2025〕33号");
    assert_eq!(labels(&guide), ["场景一", "场景二"]);
    let scene = guide.clauses[0].guide.as_ref().unwrap();
    assert_eq!(scene.title, "身份证过期的客户要取现金");
    assert_eq!(guide.clauses[0].ask_variants, ["客户的证件失效了还给不给办支取", "证过期能取不"]);
    assert_eq!(scene.conclusion, "有条件：过期90日内核实身份后可取");
    assert_eq!(scene.basis[0].document.as_deref(), Some("示例银行个人客户身份识别管理办法"));
    assert_eq!(print(&scene.basis[0].address), "第十五条第二款");
    assert_eq!(scene.steps, ["核对证件。", "登记原因。"]);
    assert_eq!(scene.materials, ["过期证件"]);
    assert_eq!(scene.risk, ["不得代签"]);
    assert_eq!(scene.escalation, "会计主管 → 运营管理部");
    assert_eq!(scene.script, "您好，请稍等。");
    let clarify = scene.clarify.as_ref().unwrap();
    assert_eq!(clarify.question, "证件过期了多久？");
    assert_eq!(clarify.choices[1].keywords, ["半年", "一年"]);
    assert_eq!(clarify.choices[1].conclusion, "不能：先换领新证");
    assert!(guide.clauses[0].text.starts_with("身份证过期的客户要取现金\n结论\n有条件"));
    assert!(!guide.clauses[0].text.contains("追问"));
    let json = serde_json::to_string(scene).unwrap();
    assert_eq!(&serde_json::from_str::<GuideScene>(&json).unwrap(), scene);
}

#[test]
fn questions_and_answers() {
    let faq = parsed(
        "问答",
        "level: FAQ\n---\n# 常见问题\n## 挂失\n### 卡丢了怎么办？\n先口头挂失。\n再书面挂失。\n### 要多少钱？\n免费。",
    );
    assert_eq!(labels(&faq), ["卡丢了怎么办？", "要多少钱？"]);
    assert_eq!(faq.clauses[0].text, "先口头挂失。\n再书面挂失。");
    assert_eq!(faq.clauses[0].heading, "挂失");
    assert_eq!(faq.clauses[0].ask_variants, ["卡丢了怎么办？"]);
    let table = parsed(
        "收费",
        "| 序号 | 问题 | 答案 | 依据 |\n| 1 | 短信费多少？ | 每月2元 | 收费办法第三条 |\n| 2 | 空答 | | |",
    );
    assert_eq!(table.level, Level::Faq);
    assert_eq!(labels(&table), ["短信费多少？", "空答"]);
    assert_eq!(table.clauses[0].text, "每月2元\n序号：1\n依据：收费办法第三条");
    let lines = parsed("问答", "level: FAQ\n---\n# 问答\n问：几天到账？\n答：当日。");
    assert_eq!((labels(&lines), lines.clauses[0].text.as_str()), (vec!["几天到账？"], "答：当日。"));
}

#[test]
fn levels_and_numbers_without_front_matter() {
    for (title, history, level, doc_no) in [
        (
            "个体户条例",
            "2011年4月16日 中华人民共和国国务院令第596号公布",
            Level::AdministrativeRegulation,
            "国务院令第596号",
        ),
        (
            "最高人民法院关于某事的解释",
            "2020年12月7日 最高人民法院审判委员会第1820次会议通过",
            Level::JudicialInterpretation,
            "",
        ),
        ("某某管理规定", "2012年12月13日 公安部令第127号修订发布", Level::DepartmentRule, "公安部令第127号"),
        ("随笔", "某人写", Level::Other, ""),
    ] {
        let found = parsed("x", &format!("history: {history}\n---\n# {title}\n第一条 甲。\n第二条 乙。"));
        assert_eq!((found.level, found.doc_no.as_str()), (level, doc_no), "{title}");
    }
}

#[test]
fn an_empty_document_is_an_error() {
    let error = parse(&document("空", "")).unwrap_err();
    assert_eq!(error.code(), Code::DocumentUnreadable);
}
