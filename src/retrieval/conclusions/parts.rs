//! The parts of a rule that can stand as a conclusion: a sentence, two that follow each other, an item with the words that open its list, a row of a
//! table with its header, a whole list that is short.

use crate::text::{clause, table};
use std::ops::Range;

/// Longest conclusion from a rule, in characters; the card points to what is longer.
pub const MAX_CHARS: usize = 140;
/// Sentences of a clause that are looked at.
const MAX_SENTENCES: usize = 80;

/// What a sentence begins with that goes on from the one before.
const HANGING: [&str; 12] =
    ["其中", "但", "库存不足", "其余", "否则", "同时", "该", "此", "仍", "也", "前款", "超过的"];

/// Words of a sentence that tells what holds no longer; what holds stands before it.
const ENDED: [&str; 4] = ["原规定", "不再执行", "停止执行", "同时废止"];

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One sentence.
    Sentence,
    /// Two.
    Pair,
    /// An item, with what opens its list.
    Item,
    /// A row, with the header.
    Row,
    /// A list as a whole.
    List,
}

/// A part of a clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub shape: Shape,
    /// As it is said.
    pub text: String,
    /// The sentences that it is made of, by number.
    pub sentences: Vec<usize>,
    /// What is marked in the clause, in bytes.
    pub range: Range<usize>,
    /// Of a row its first cell, which tells the case it is for.
    pub case: String,
}

/// The parts of a clause's text; `sentences` are those of [`clause::sentences`].
pub fn of(text: &str, sentences: &[Range<usize>]) -> Vec<Part> {
    let said = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().trim();
    let short = |text: &str| text.chars().count() <= MAX_CHARS;
    let paragraphs = clause::paragraphs(text);
    let mut parts = Vec::new();
    // The words that open the table at hand, and its rows before this one.
    let mut lead: Option<(usize, &str)> = None;
    let mut open: Option<Table> = None;
    let mut previous: Option<(usize, &str)> = None;
    for (n, range) in sentences.iter().take(MAX_SENTENCES).enumerate() {
        let sentence = said(range);
        if sentence.starts_with('|') {
            previous = None;
            let cells = table::cells(sentence);
            if table::is_rule(&cells) {
                continue;
            }
            let Some(open) = open.as_mut() else {
                open = Some(Table::at(n, text.get(range.start..).unwrap_or_default()));
                continue;
            };
            if open.takes_header(n) || cells.iter().filter(|cell| !cell.is_empty()).count() < 2 {
                continue;
            }
            let bare = table::spoken(&open.names, &cells);
            let whole = format!("{}{bare}", lead.map_or("", |(_, said)| said));
            let text = if short(&whole) { whole } else { bare };
            if short(&text) {
                let with =
                    lead.iter().map(|(n, _)| *n).chain(open.first..open.first + open.header).chain([n]).collect();
                let case = cells.first().map(|cell| (*cell).to_owned()).unwrap_or_default();
                parts.push(Part { shape: Shape::Row, text, sentences: with, range: range.clone(), case });
            }
            continue;
        }
        let opening = opening(text, &paragraphs, range.start);
        // What opens a list or a table says nothing without it.
        let opens = sentence.ends_with([':', '：']);
        (lead, open) = (opens.then_some((n, sentence)), None);
        if opens {
            previous = None;
            continue;
        }
        match opening {
            Some(head) => {
                let with: Vec<usize> = sentences.iter().position(|r| said(r) == head).into_iter().chain([n]).collect();
                let whole = format!("{head}{sentence}");
                let (text, with) = if short(&whole) { (whole, with) } else { (sentence.to_owned(), vec![n]) };
                if short(&text) {
                    parts.push(Part {
                        shape: Shape::Item,
                        text,
                        sentences: with,
                        range: range.clone(),
                        case: String::new(),
                    });
                }
            }
            None if short(sentence) && !hangs(sentence) => parts.push(Part {
                shape: Shape::Sentence,
                text: sentence.to_owned(),
                sentences: vec![n],
                range: range.clone(),
                case: String::new(),
            }),
            None => {}
        }
        if let Some((before, earlier)) = previous.filter(|(_, earlier)| opening.is_none() && !hangs(earlier)) {
            let text = format!("{earlier}{sentence}");
            if short(&text) {
                let start = sentences.get(before).map_or(range.start, |r| r.start);
                let range = start..range.end;
                parts.push(Part { shape: Shape::Pair, text, sentences: vec![before, n], range, case: String::new() });
            }
        }
        previous = opening.is_none().then_some((n, sentence));
    }
    for list in paragraphs.iter().filter(|paragraph| paragraph.items.len() > 1) {
        let whole = said(&list.range).split_whitespace().collect::<String>();
        if short(&whole) {
            let inside = |r: &Range<usize>| r.start >= list.range.start && r.end <= list.range.end;
            let with = sentences.iter().enumerate().filter(|(_, r)| inside(r)).map(|(n, _)| n).collect();
            parts.push(Part {
                shape: Shape::List,
                text: whole,
                sentences: with,
                range: list.range.clone(),
                case: String::new(),
            });
        }
    }
    parts
}

/// The words that open the list (有下列情形之一的:) of which an item begins at `at`. What else an item says stands by itself.
fn opening<'t>(text: &'t str, paragraphs: &[clause::Paragraph], at: usize) -> Option<&'t str> {
    let list = paragraphs.iter().find(|paragraph| paragraph.range.contains(&at))?;
    list.items.iter().find(|item| item.range.start == at && at > list.range.start)?;
    list.opening(text)
}

/// Whether a sentence hangs on the one before and would mislead alone (其中16周岁以上的可以…).
fn hangs(sentence: &str) -> bool {
    HANGING.iter().any(|word| sentence.starts_with(word)) || ENDED.iter().any(|word| sentence.contains(word))
}

/// A table that is being read.
struct Table {
    /// Its first sentence.
    first: usize,
    /// How many of its rows name the columns.
    header: usize,
    names: Vec<String>,
}

impl Table {
    /// The table that `text` begins with, at sentence `first`.
    fn at(first: usize, text: &str) -> Table {
        let rows = text.lines().take_while(|line| table::is_row(line)).map(table::cells);
        let rows: Vec<Vec<&str>> = rows.filter(|cells| !table::is_rule(cells)).take(MAX_SENTENCES).collect();
        let header = table::header_rows(&rows);
        Table { first, header, names: table::column_names(rows.get(..header).unwrap_or_default()) }
    }

    /// Whether sentence `n` is one of the rows that name the columns.
    fn takes_header(&self, n: usize) -> bool {
        n < self.first + self.header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(Shape, String)> {
        of(text, &clause::sentences(text)).into_iter().map(|part| (part.shape, part.text)).collect()
    }

    #[test]
    fn sentences_stand_alone_and_in_pairs() {
        let parts = said("每日不超过2万元；超过的到柜面办理。另有规定的除外。");
        let expected = ["每日不超过2万元；", "另有规定的除外。", "每日不超过2万元；超过的到柜面办理。"];
        for text in expected {
            assert!(parts.iter().any(|(_, said)| said == text), "{text}");
        }
        assert!(!parts.iter().any(|(_, said)| said == "超过的到柜面办理。"), "it hangs on the one before");
    }

    #[test]
    fn an_item_brings_its_opening_and_an_opening_never_stands_alone() {
        let parts = said("有下列情形之一的，不予办理：\n（一）证件过期；\n（二）名称不符。");
        assert!(parts.contains(&(Shape::Item, "有下列情形之一的，不予办理：（二）名称不符。".to_owned())));
        assert!(parts.iter().any(|(shape, _)| *shape == Shape::List));
        assert!(!parts.iter().any(|(_, said)| said.ends_with('：')));
    }

    #[test]
    fn a_row_brings_the_names_of_its_columns_and_what_opens_the_table() {
        let parts =
            said("尾箱限额如下：\n| 岗位 | 一级网点 | 二级网点 |\n| --- | --- | --- |\n| 普柜 | 30万元 | 20万元 |");
        assert_eq!(parts, [(Shape::Row, "尾箱限额如下：普柜：一级网点 30万元，二级网点 20万元".to_owned())]);
    }

    #[test]
    fn a_header_of_two_rows_and_a_short_row_keep_their_columns() {
        let parts = said(
            "| 类别 | 取款 | 取款 |\n| 类别 | 单日 | 年 |\n| 普通 | 1万元 | 20万元 |\n| 合计 |  |  |\n| 贵宾 | 5万元 |",
        );
        let texts: Vec<&str> = parts.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(texts, ["普通：取款·单日 1万元，取款·年 20万元", "贵宾：取款·单日 5万元"]);
    }
}
