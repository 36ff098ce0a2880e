//! How an article begins: `第三条 …` and the ways in which it is also printed (`【第三条】`, `第三条、`, `第三條`, `第—条`).

use super::line::strip_ordinal;
use crate::text::numeral;

/// An article heading at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) number: u32,
    pub(super) insert: u32,
    /// Length of label and of what sets it off, in bytes.
    pub(super) len: usize,
    /// Set off from its text by a space, a bracket, a mark or the end of the line.
    pub(super) apart: bool,
}

/// What may follow `第X条` without a space when it is cited in prose, and never begins an article.
const PROSE: [&str; 21] = [
    "规定",
    "所称",
    "所列",
    "所指",
    "所述",
    "的",
    "、",
    "第",
    "，",
    ",",
    "；",
    "。",
    "款",
    "项",
    "之规定",
    "中的",
    "中规定",
    "修改",
    "改为",
    "以外",
    "内容",
];

/// Words that join a reference to the next; 到期, 及时 and 与客户 begin a sentence.
const JOINING: [&str; 6] = ["和", "至", "到", "或", "及", "与"];
/// What comes behind them then.
const JOINED: [&str; 12] = ["第", "《", "本", "其", "附", "有关", "相关", "前", "上", "下", "国", "法"];

/// Whether the text behind 第X条 goes on with a reference.
fn is_prose(after: &str) -> bool {
    PROSE.iter().any(|word| after.starts_with(word))
        || JOINING.iter().filter_map(|word| after.strip_prefix(word)).any(|rest| {
            rest.is_empty() || JOINED.iter().any(|word| rest.starts_with(word)) || numeral::leading(rest).is_some()
        })
}

/// Most characters of a number between 第 and 条, spaces included.
const MAX_NUMBER: usize = 16;

/// Reads an article heading. `None` for prose such as `第十条规定的…`, `第十条第二款所称…`, `第二十条、第三十条…`.
pub(super) fn start(line: &str) -> Option<Start> {
    let bracket = line.chars().next().and_then(closing);
    let inner = match bracket {
        Some(_) => line.get(line.chars().next()?.len_utf8()..)?.trim_start_matches(' '),
        None => line,
    };
    let (number, insert, mut after) = label(inner)?;
    if let Some(close) = bracket {
        after = after.trim_start_matches(' ').strip_prefix(close)?;
    }
    let marked = bracket.is_some() || separator(after).is_some();
    if let Some(rest) = separator(after) {
        after = rest;
    }
    let body = after.trim_start_matches(|c: char| c.is_whitespace());
    let spaced = body.len() < after.len() || after.is_empty();
    let apart = marked || spaced || after.starts_with(['【', '（', '(', '[', '〔']);
    let cited = if spaced || marked {
        // 第十条 第二款所称…: the space is an accident of layout.
        strip_ordinal(body).is_some_and(|rest| rest.starts_with(['款', '项']))
            || ["规定的", "所称的", "、", "和第", "至第", "，", "的规定"].iter().any(|word| body.starts_with(word))
            || bracket.is_some()
                && ["的", "规定", "所称", "所列", "、", "，", "和"].iter().any(|word| body.starts_with(word))
    } else {
        !apart && is_prose(after)
            || after.strip_prefix(['（', '(']).is_some_and(|inner| {
                numeral::leading(inner).is_some_and(|(_, n)| inner.get(n..).is_some_and(|t| t.starts_with(['）', ')'])))
            })
    };
    (number > 0 && !cited).then(|| Start { number, insert, len: line.len() - body.len(), apart })
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '【' => '】',
        '[' => ']',
        '［' => '］',
        '（' => '）',
        '(' => ')',
        '〔' => '〕',
        '〖' => '〗',
        '「' => '」',
        _ => return None,
    })
}

/// 第X条之Y: the numbers and what follows.
fn label(text: &str) -> Option<(u32, u32, &str)> {
    let rest = text.strip_prefix(['第', '笫'])?;
    let (at, unit) = rest.char_indices().take(MAX_NUMBER).find(|(_, c)| matches!(c, '条' | '條'))?;
    let number = ordinal(rest.get(..at)?)?;
    let after = rest.get(at + unit.len_utf8()..)?;
    if let Some(tail) = after.strip_prefix('之')
        && let Some((insert, len)) = numeral::leading(tail)
    {
        return Some((number, insert, tail.get(len..)?));
    }
    Some((number, 0, after))
}

/// A number as it is printed, or as a scanner reads it: a stroke is 一, spaces mean nothing.
fn ordinal(text: &str) -> Option<u32> {
    let read = |c: char| match c {
        '—' | '－' | '-' | '–' | '―' | 'ー' | '─' => '一',
        'O' | 'o' | 'Ｏ' => '〇',
        c => c,
    };
    let cleaned: String = text.chars().filter(|c| !c.is_whitespace()).map(read).collect();
    numeral::parse(&cleaned)
}

/// What follows a mark that sets the label off: `第三条、`, `第三条：`, `第三条．`, `第三条—`. Of 第二十条、第三十条 nothing.
fn separator(after: &str) -> Option<&str> {
    let spaces = after.trim_start_matches(' ');
    let rest = spaces.strip_prefix(['、', '：', ':', '．', '.', '·', '—', '－', '-', '–'])?;
    let rest = rest.trim_start_matches(['—', '－', '-', '–']);
    let next = rest.trim_start();
    let counts = || {
        numeral::leading(next)
            .is_some_and(|(_, len)| next.get(len..).is_some_and(|rest| rest.starts_with(['条', '條', '、'])))
    };
    let colon = spaces.starts_with(['：', ':']);
    let lists = !colon && (next.starts_with('第') || counts());
    ((colon || !rest.is_empty()) && !lists).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_printing_it_is_read() {
        for (line, number, body) in [
            ("第三条 甲", 3, "甲"),
            ("第三条甲", 3, "甲"),
            ("第三条、甲", 3, "甲"),
            ("第三条：甲", 3, "甲"),
            ("第三条. 甲", 3, "甲"),
            ("第三条——甲", 3, "甲"),
            ("【第三条】甲", 3, "甲"),
            ("[第三条] 甲", 3, "甲"),
            ("（第三条）甲", 3, "甲"),
            ("第三條 甲", 3, "甲"),
            ("第—条 甲", 1, "甲"),
            ("第十—条 甲", 11, "甲"),
            ("第 三 条 甲", 3, "甲"),
            ("第3条 甲", 3, "甲"),
            ("第二O条 甲", 20, "甲"),
            ("第三条【目的】甲", 3, "【目的】甲"),
            ("第三条到柜面办理", 3, "到柜面办理"),
            ("第三条及时报告", 3, "及时报告"),
        ] {
            let found = start(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.number, line.get(found.len..)), (number, Some(body)), "{line}");
        }
    }

    #[test]
    fn prose_is_none() {
        for line in [
            "第十条规定的",
            "第十条第二款所称",
            "第二十条、第三十条",
            "第二十条、二十一条的",
            "（第三条规定）",
            "（第三条）的规定",
            "第五条（三）项",
            "第三方",
            "第三条至第五条",
            "第三条和本办法",
            "第三条或第四条",
        ] {
            assert_eq!(start(line), None, "{line}");
        }
    }
}
