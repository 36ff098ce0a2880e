//! Made-up documents by the thousand: no text is lost, labels are unique, nothing panics.

use super::tests::{document, parsed};
use super::*;
use crate::text::{address, clause, normalize, numeral};
use std::collections::HashSet;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

const SENTENCES: [&str; 10] = [
    "第三条规定的事项，由支行负责。",
    "第二条第一款所称客户，是指自然人。",
    "第一条、第五条另有规定的，从其规定。",
    "依照《甲办法》第三条第二款办理；",
    "下列情形之一的，不予办理：",
    "客户应当提交证件。",
    "金额超过1.5万元的，预约办理。",
    "2025年1月1日起按新标准执行。",
    "附件三所列名单由总行调整。",
    "“客户”包括其代理人。",
];

/// A rule with chapters, articles, items and tables, each line carrying a serial number; and the labels it must have.
fn rule(random: &mut Random) -> (String, Vec<String>, Vec<String>) {
    let (mut text, mut expected, mut lines) = ("# 示例办法\n".to_owned(), Vec::new(), Vec::new());
    let mut serial = 0;
    let mut line = |text: &mut String, prefix: &str, body: &str| {
        serial += 1;
        let body = format!("甲{serial}乙{body}");
        text.push_str(&format!("{prefix}{body}\n"));
        lines.push(body);
    };
    let (mut article, mut insert) = (0, 0);
    for chapter in 1..=random.below(4) + 1 {
        text.push_str(&format!("## 第{}章 章名\n", numeral::to_chinese(chapter as u32)));
        for _ in 0..=random.below(4) {
            if article > 0 && random.below(6) == 0 {
                insert += 1;
            } else {
                (article, insert) = (article + 1, 0);
            }
            let label = address::article_label(article, insert);
            let label_written = match random.below(3) {
                0 if insert == 0 => format!("第{article}条 "),
                1 => format!("{label}　"),
                _ => format!("{label} "),
            };
            line(&mut text, &label_written, random.pick(&SENTENCES));
            expected.push(label);
            for _ in 0..random.below(4) {
                // A prose line may begin like an article; a line of its own serial may not.
                if random.below(3) == 0 {
                    text.push_str(&format!("{}\n", random.pick(&SENTENCES[..3])));
                }
                let mark = ["", "", "（一）", "1.", "(二)"][random.below(5) as usize];
                line(&mut text, mark, random.pick(&SENTENCES));
            }
            if random.below(5) == 0 {
                text.push_str("| 项目 | 限额 |\n| 甲 | 10元 |\n");
            }
        }
    }
    (text, expected, lines)
}

#[test]
fn rules_keep_every_line_once_and_every_label() {
    let mut random = Random(1);
    for round in 0..2_000 {
        let (source, expected, lines) = rule(&mut random);
        let parsed = parsed("示例办法", &source);
        let labels: Vec<&str> = parsed.clauses.iter().map(|c| c.address.label.as_str()).collect();
        assert_eq!(labels, expected, "round {round}:\n{source}");
        let all: String = parsed.clauses.iter().map(|c| format!("{}\n", c.text)).collect();
        for line in lines {
            assert_eq!(all.matches(&line).count(), 1, "{line} in round {round}:\n{source}");
        }
        for clause in &parsed.clauses {
            check_structure(&clause.text);
            let whole = clause::extract(&clause.text, &clause.address);
            assert_eq!(whole, Some(clause.text.as_str()));
        }
    }
}

/// 款 cover every line in order without overlap; sentences cover every character but white space.
fn check_structure(text: &str) {
    let mut end = 0;
    for paragraph in clause::paragraphs(text) {
        assert!(paragraph.range.start >= end && text.get(end..paragraph.range.start).unwrap().trim().is_empty());
        let mut inside = paragraph.range.start;
        for item in &paragraph.items {
            assert!(item.range.start >= inside && item.range.end <= paragraph.range.end);
            inside = item.range.end;
        }
        end = paragraph.range.end;
    }
    assert!(text.get(end..).unwrap().trim().is_empty());
    let mut end = 0;
    for sentence in clause::sentences(text) {
        assert!(text.get(end..sentence.start).unwrap().trim().is_empty(), "{text}");
        end = sentence.end;
    }
    assert!(text.get(end..).unwrap().trim().is_empty());
}

const SHARDS: [&str; 44] = [
    "第",
    "条",
    "款",
    "项",
    "章",
    "节",
    "编",
    "之",
    "一",
    "二",
    "十",
    "百",
    "千",
    "万",
    "〇",
    "3",
    "９",
    "（",
    "）",
    "(",
    ")",
    "、",
    "。",
    "；",
    "《",
    "》",
    "“",
    "”",
    " ",
    "　",
    "附件",
    "目录",
    "场景",
    "结论",
    "追问",
    "→",
    "|",
    "自",
    "年1月1日起施行",
    "同时废止",
    "号",
    "令",
    "本办法",
    "甲",
];

#[test]
fn noise_is_parsed_without_loss_or_panic() {
    let mut random = Random(2);
    for round in 0..4_000 {
        let mut source = String::new();
        for _ in 0..random.below(12) + 1 {
            source.push_str(["", "", "", "# ", "## ", "| "][random.below(6) as usize]);
            for _ in 0..random.below(10) + 1 {
                source.push_str(random.pick(&SHARDS));
            }
            source.push('\n');
        }
        let raw = document("噪声", &format!("a: b\n---\n{source}"));
        let _ = (address::references(&source), address::find_in_query(&source), normalize::title_key(&source));
        assert_eq!(normalize::normalize(&normalize::normalize(&source)), normalize::normalize(&source));
        check_structure(&source);
        let Ok(parsed) = parse(&raw) else { continue };
        for parsed in parsed {
            let labels: HashSet<&str> = parsed.clauses.iter().map(|c| c.address.label.as_str()).collect();
            assert_eq!(labels.len(), parsed.clauses.len(), "labels repeat in round {round}:\n{source}");
        }
    }
}
