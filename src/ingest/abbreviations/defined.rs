//! Terms that a text defines in a few words: `本办法所称残币，是指缺角和破洞的纸币。`

use super::Pair;
use crate::text::normalize::is_han;
use std::ops::RangeInclusive;

/// Letters of a term.
const TERM_CHARS: RangeInclusive<usize> = 2..=12;
/// Characters of what it means; longer ones are sentences.
const MEANING_CHARS: RangeInclusive<usize> = 2..=20;
/// Farthest that 是指 stands behind 所称, in characters.
const TERM_REACH: usize = 40;

/// What a text calls itself in `本办法所称`.
const SELF_NAMES: [&str; 20] = [
    "办法", "规定", "法", "条例", "通知", "细则", "指引", "公告", "意见", "规则", "规范", "制度", "规程", "决定",
    "方案", "准则", "标准", "解释", "手册", "流程",
];

/// What a meaning may go on with behind its comma: examples. Behind any other comma the phrase goes on.
const EXAMPLES: [&str; 8] = ["包括", "主要包括", "不包括", "但不包括", "不含", "含", "分为", "但不含"];

/// What no noun phrase begins with.
const NO_NOUN: [&str; 33] = [
    "以", "未", "为", "经", "按", "依", "根据", "通过", "在", "由", "将", "对", "从", "自", "与", "向", "因", "当",
    "除", "于", "有", "不", "能", "可", "应", "下列", "上述", "前", "本", "该", "其", "符合", "违反",
];

/// The terms of a clause's text with what they mean; the meaning is the long form.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    text.match_indices("所称").filter_map(|(at, word)| pair(text.get(..at)?, text.get(at + word.len()..)?)).collect()
}

fn pair(before: &str, after: &str) -> Option<Pair> {
    // A second term of the same sentence (`；所称…`) is the document's as well; 前款所称 holds for a sentence only.
    let own = before.ends_with('；') || SELF_NAMES.iter().any(|name| names_itself(before, name));
    let after = after.strip_prefix('的').unwrap_or(after);
    let reach = after.char_indices().nth(TERM_REACH).map_or(after.len(), |(at, _)| at);
    let sentence = after.get(..reach)?.split(['。', '；', '\n', '：']).next()?;
    let (at, sign) = ["是指", "系指", "，指"]
        .iter()
        .filter_map(|sign| Some((sentence.find(sign)?, *sign)))
        .min_by_key(|(at, _)| *at)?;
    let short = term(sentence.get(..at)?)?;
    let long = meaning(after.get(at + sign.len()..)?)?;
    (own && !long.starts_with(&short)).then_some(Pair { long, short })
}

/// Whether a text ends with `本…NAME`, as in 本实施办法.
fn names_itself(before: &str, name: &str) -> bool {
    let kind = before.strip_suffix(name);
    kind.is_some_and(|rest| {
        ["本", "本实施", "本操作", "本管理", "本暂行", "本业务"].iter().any(|own| rest.ends_with(own))
    })
}

/// The term before 是指, without the brackets that abbreviate it.
fn term(text: &str) -> Option<String> {
    let mut depth = 0usize;
    let mut term = String::new();
    for c in text.chars() {
        match c {
            '（' | '(' => depth += 1,
            '）' | ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => term.push(c),
            _ => {}
        }
    }
    let term = term.trim_matches(|c: char| c.is_whitespace() || "，,“”\"《》".contains(c));
    let fits = TERM_CHARS.contains(&term.chars().count()) && term.chars().all(is_han) && !term.contains('的');
    fits.then(|| term.to_owned())
}

/// The noun phrase that a sentence after 是指 consists of.
fn meaning(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['，', ',', '：', ':']);
    let end = text.find(['，', ',', '。', '；', ';', '：', ':', '\n', '（', '(']);
    let (phrase, rest) = end.map_or((text, ""), |end| text.split_at(end));
    let behind = rest.trim_start_matches(['，', ',']);
    let ends = match rest.chars().next() {
        None | Some('。' | '；' | ';' | '\n') => true,
        Some('，' | ',') => EXAMPLES.iter().any(|word| behind.starts_with(word)),
        _ => false,
    };
    let phrase = phrase.trim();
    // A number is what clauses differ in: it stands where it is ruled.
    let plain = phrase.chars().all(|c| is_han(c) || c == '、');
    let fits = MEANING_CHARS.contains(&phrase.chars().count()) && !NO_NOUN.iter().any(|word| phrase.starts_with(word));
    (ends && plain && fits).then(|| phrase.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        pairs(text).into_iter().map(|pair| (pair.short, pair.long)).collect()
    }

    #[test]
    fn short_definitions_are_pairs() {
        for (text, short, long) in [
            ("本办法所称残币，是指缺角或者破洞的纸币。", "残币", "缺角或者破洞的纸币"),
            ("本规定所称“凭条”是指柜面业务的纸质回单；", "凭条", "柜面业务的纸质回单"),
            ("本实施细则所称的尾款系指箱包内未清点的余款", "尾款", "箱包内未清点的余款"),
            ("本指引所称自助机具（以下简称机具），是指取款机和存款机，包括循环机。", "自助机具", "取款机和存款机"),
            ("本办法所称日终，是指营业结束；所称日初，是指营业开始。", "日初", "营业开始"),
        ] {
            assert!(found(text).contains(&(short.to_owned(), long.to_owned())), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn sentences_and_foreign_definitions_are_none() {
        for text in [
            // The phrase goes on behind the comma.
            "本办法所称代领，是指受托人持证件，代他人领取卡片的行为。",
            "本办法所称代领，是指以他人名义领取。",
            "本办法所称代领，是指受托人凭本人和委托人的有效身份证件到网点柜面领取卡片的行为。",
            "本办法所称网点，是指：",
            "本办法所称柜员（甲类），是指现金柜员（含见习）。",
            "本办法所称大额现金，是指超过3万元的现金。",
            "前款所称残币，是指缺角的纸币。",
            "本办法所称网点包括自助银行。",
            "本办法所称残币，是指残币的碎片。",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
