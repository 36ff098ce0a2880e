//! Structure inside a clause: 款, 项, 目 and sentences, found when they are asked for.
//!
//! A 款 is a line that is no item; the items (`（一）`) after it belong to it, and so do their 目 (`1.`). Ranges are bytes.

use super::legal::line::{Mark, mark};
use crate::types::ClauseAddress;
use std::ops::Range;

/// A 款 with its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// From its first line to the end of its last item.
    pub range: Range<usize>,
    /// Its 项, in order.
    pub items: Vec<Item>,
}

/// A 项 with its points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The number as printed.
    pub number: u32,
    /// From the mark to the end of its last point.
    pub range: Range<usize>,
    /// Its 目, in order.
    pub points: Vec<Point>,
}

/// A 目.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The number as printed.
    pub number: u32,
    /// Its line.
    pub range: Range<usize>,
}

/// The lines of a text with their byte ranges, empty ones left out.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            let line = line.trim_end_matches('\n');
            Some((start..start + line.len(), line))
        })
        .filter(|(_, line)| !line.trim().is_empty())
}

/// Finds the 款 of a clause with their 项 and 目.
///
/// Numbers that begin lines right under a 款 are its 项 whatever their sign (`（一）`, `1.`, `一、`); under a 项, Arabic ones are
/// its 目. Table rows (`| … |`) belong to what stands above them.
pub fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    // The sign of the items of the 款 at hand.
    let mut item_mark: Option<Mark> = None;
    for (range, line) in lines(text) {
        let trimmed = line.trim_start();
        let table = trimmed.starts_with('|');
        let Some(paragraph) = found.last_mut() else {
            // A clause may begin with its first item: `第三条 （一）…`.
            let first = mark(trimmed).filter(|(kind, _, _)| *kind == Mark::Item);
            item_mark = first.map(|(kind, _, _)| kind);
            let items = first.map(|(_, number, _)| Item { number, range: range.clone(), points: Vec::new() });
            found.push(Paragraph { range, items: items.into_iter().collect() });
            continue;
        };
        if table {
            extend(paragraph, range.end);
            continue;
        }
        match mark(trimmed) {
            None => {
                item_mark = None;
                found.push(Paragraph { range, items: Vec::new() });
            }
            Some((kind, number, _)) => {
                let end = range.end;
                match (item_mark, paragraph.items.last_mut()) {
                    (Some(items), Some(item)) if kind > items => {
                        item.points.push(Point { number, range });
                        item.range.end = end;
                    }
                    _ => {
                        item_mark = Some(item_mark.unwrap_or(kind).min(kind));
                        paragraph.items.push(Item { number, range, points: Vec::new() });
                    }
                }
                paragraph.range.end = end;
            }
        }
    }
    found
}

/// Lengthens a 款, its last 项 and 目 to `end`.
fn extend(paragraph: &mut Paragraph, end: usize) {
    paragraph.range.end = end;
    if let Some(item) = paragraph.items.last_mut() {
        item.range.end = end;
        if let Some(point) = item.points.last_mut() {
            point.range.end = end;
        }
    }
}

/// The part of a clause's text that an address asks for: the whole, a 款 with its items, a 项 with its points, or a 目.
///
/// An item without 款 is looked for in the clause's only or first 款 that has items. `None` when there is no such part.
pub fn extract<'a>(text: &'a str, address: &ClauseAddress) -> Option<&'a str> {
    text.get(part(text, address)?)
}

/// Where the part stands that [`extract`] gives.
pub fn part(text: &str, address: &ClauseAddress) -> Option<Range<usize>> {
    if address.paragraph.is_none() && address.item.is_none() && address.point.is_none() {
        return Some(0..text.len());
    }
    let found = paragraphs(text);
    let paragraph = match address.paragraph {
        Some(n) => found.get(usize::try_from(n).ok()?.checked_sub(1)?)?,
        None => found.iter().find(|paragraph| !paragraph.items.is_empty())?,
    };
    let Some(number) = address.item else {
        return address.point.is_none().then(|| paragraph.range.clone());
    };
    let item = paragraph.items.iter().find(|item| item.number == number)?;
    match address.point {
        None => Some(item.range.clone()),
        Some(number) => Some(item.points.iter().find(|point| point.number == number)?.range.clone()),
    }
}

impl Paragraph {
    /// The words that open its list (有下列情形之一的:): the last sentence of its first line, if it ends so.
    pub fn opening<'t>(&self, text: &'t str) -> Option<&'t str> {
        let head = text.get(self.range.clone())?.lines().next()?;
        head.get(sentences(head).pop()?).filter(|last| last.ends_with(['：', ':']))
    }
}

/// The sentences of a text: byte ranges that end after 。！？； or before a line break. What stands in 《》, brackets or quotes is
/// not split; an unclosed one ends with its line. Spaces around a sentence are left out.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (line_range, line) in lines(text) {
        let mut depth = closable(line);
        let mut open = 0usize;
        let mut start = 0;
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let end = at + c.len_utf8();
            match c {
                '《' | '“' | '「' | '（' | '(' | '〈' if depth > 0 => {
                    open += 1;
                }
                '》' | '”' | '」' | '）' | ')' | '〉' if open > 0 => {
                    open -= 1;
                    depth -= 1;
                }
                '。' | '！' | '？' | '；' | '!' | '?' | ';' if open == 0 => {
                    push(&mut found, line, line_range.start, start..end);
                    start = end;
                }
                _ => {}
            }
            // “…。” ends a sentence with its closing mark.
            let closed_quote = matches!(c, '”' | '」') && open == 0;
            let after_stop = line.get(..at).is_some_and(|head| head.ends_with(['。', '！', '？']));
            if closed_quote && after_stop && !chars.peek().is_some_and(|(_, next)| "，、的；。".contains(*next)) {
                push(&mut found, line, line_range.start, start..end);
                start = end;
            }
        }
        push(&mut found, line, line_range.start, start..line.len());
    }
    found
}

/// How many brackets and quotes are closed on this line; those beyond are not counted as opened.
fn closable(line: &str) -> usize {
    line.chars().filter(|c| matches!(c, '》' | '”' | '」' | '）' | ')' | '〉')).count()
}

/// Adds a range of `line`, trimmed, unless it is empty.
fn push(found: &mut Vec<Range<usize>>, line: &str, offset: usize, range: Range<usize>) {
    let Some(piece) = line.get(range.clone()) else { return };
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = range.end - (piece.len() - piece.trim_end().len());
    if start < end {
        found.push(offset + start..offset + end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    const CLAUSE: &str = "申请人应当提交下列材料：\n（一）身份证件；\n（二）下列之一：\n1.存折；\n2.银行卡；\n（三）其他。\n材料不全的，一次告知。\n前款告知应当书面作出：\n1．列明缺项；\n2．注明期限。";

    fn part(address: &str) -> Option<&'static str> {
        extract(CLAUSE, &address::parse(&format!("第一条{address}")).unwrap())
    }

    #[test]
    fn parts_are_found_exactly() {
        assert_eq!(part(""), Some(CLAUSE));
        assert_eq!(part("第二款"), Some("材料不全的，一次告知。"));
        assert_eq!(part("第一款第一项"), Some("（一）身份证件；"));
        assert_eq!(part("第（二）项"), Some("（二）下列之一：\n1.存折；\n2.银行卡；"));
        assert_eq!(part("第一款第二项第2目"), Some("2.银行卡；"));
        assert_eq!(part("第三款第二项"), Some("2．注明期限。"));
        assert_eq!(part("第三款"), Some("前款告知应当书面作出：\n1．列明缺项；\n2．注明期限。"));
        for missing in ["第四款", "第一款第四项", "第二款第一项", "第一款第一项第1目"] {
            assert_eq!(part(missing), None, "{missing}");
        }
    }

    #[test]
    fn a_table_belongs_to_its_paragraph() {
        let text = "限额如下：\n| 账户 | 限额 |\n| Ⅱ类 | 1万元 |\n超过的另行申请。";
        let second = address::parse("第一条第二款").unwrap();
        assert_eq!(extract(text, &second), Some("超过的另行申请。"));
        assert_eq!(paragraphs(text).len(), 2);
    }

    #[test]
    fn sentences_keep_titles_and_quotes_whole() {
        let text = "依照《甲办法；乙办法》办理。他说：“不行。不能。”就走了；另外！\n第二行没有句号";
        let found: Vec<&str> = sentences(text).into_iter().filter_map(|r| text.get(r)).collect();
        assert_eq!(
            found,
            ["依照《甲办法；乙办法》办理。", "他说：“不行。不能。”", "就走了；", "另外！", "第二行没有句号"]
        );
    }

    #[test]
    fn an_open_quote_does_not_swallow_the_line() {
        let text = "修改为：“第一句。第二句。";
        assert_eq!(sentences(text).len(), 2);
    }
}
