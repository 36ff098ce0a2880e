//! Texts numbered `1`, `1.1`, `2.1.2`, as operating procedures are: every number is an address.

use super::labels::Labels;
use super::line::{Line, MAX_HEADING_CHARS, reads_as_heading};
use super::model::ParsedClause;
use super::plain::split;
use super::table;
use crate::text::address;

/// Most parts of a number.
const MAX_DEPTH: usize = 6;
/// Largest part of a number: years and amounts are none.
const MAX_PART: u32 = 99;
/// Numbers of two parts and more, in sequence, from which on a text is numbered so.
const MIN_NUMBERED: usize = 2;
/// How far a number may jump: a misprint or a number that is written in a picture leaves a gap.
const MAX_JUMP: u32 = 3;

/// What follows a number that is cited or counts something: `2.1.1的条件`, `1.5万元`, `3.2%`.
const PROSE: [&str; 21] = [
    "的", "规定", "所", "条", "款", "项", "%", "％", "‰", "元", "万", "亿", "倍", "个", "年", "月", "米", "版", "折",
    "至", "—",
];

/// A line that begins with a number: its parts, and what follows.
fn numbered(line: &str) -> Option<(Vec<u32>, &str)> {
    let mut parts = Vec::new();
    let mut rest = line;
    loop {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let part: u32 = rest.get(..digits)?.parse().ok().filter(|part| *part <= MAX_PART)?;
        parts.push(part);
        rest = rest.get(digits..)?;
        match rest.strip_prefix(['.', '．']) {
            Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => rest = after,
            // `2.1. 受理` ends with a point.
            Some(after) if parts.len() > 1 => {
                rest = after;
                break;
            }
            _ => break,
        }
        if parts.len() >= MAX_DEPTH {
            return None;
        }
    }
    let text = rest.trim_start();
    let apart = text.len() < rest.len() || text.is_empty();
    // A number of one part is told from a list and from a figure by the space behind it.
    let fits =
        if parts.len() == 1 { apart && !text.is_empty() } else { apart || text.starts_with(|c: char| !c.is_ascii()) };
    let prose = PROSE.iter().any(|word| text.starts_with(word))
        && !(apart && parts.len() > 1 && text.starts_with(['项', '条', '款', '个', '年', '月']));
    (fits && !prose && parts.first() > Some(&0)).then_some((parts, text))
}

/// Whether a number can come after another: the next at its depth or at an outer one, or the first one further in.
fn follows(last: &[u32], next: &[u32]) -> bool {
    if last.is_empty() {
        return next.first() == Some(&1);
    }
    let same = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    match (last.get(same), next.get(same)) {
        (Some(a), Some(b)) => {
            *b > *a && *b - *a <= MAX_JUMP && next.get(same + 1..).is_some_and(|inner| inner.iter().all(|n| *n == 1))
        }
        (None, Some(_)) => next.get(same..).is_some_and(|inner| inner.iter().all(|n| *n == 1)),
        _ => false,
    }
}

/// Whether a text is numbered so.
pub(super) fn is_numbered(lines: &[Line]) -> bool {
    let mut last: Vec<u32> = Vec::new();
    let mut deep = 0;
    for line in lines.iter().filter(|line| !line.is_table()) {
        if let Some((number, _)) = numbered(line.text()).filter(|(number, _)| follows(&last, number)) {
            deep += usize::from(number.len() > 1);
            last = number;
        }
    }
    deep >= MIN_NUMBERED
}

/// Text under one number.
struct Piece {
    number: Vec<u32>,
    /// The words beside the number, when they only name what comes below.
    title: String,
    lines: Vec<String>,
    rows: Vec<table::Row>,
}

/// Splits lines into clauses by their numbers.
pub(super) fn parse(lines: &[Line]) -> Vec<ParsedClause> {
    let mut pieces = vec![Piece { number: Vec::new(), title: String::new(), lines: Vec::new(), rows: Vec::new() }];
    let mut last: Vec<u32> = Vec::new();
    for line in lines {
        let found =
            if line.is_table() { None } else { numbered(line.text()).filter(|(number, _)| follows(&last, number)) };
        if let Some((number, text)) = found {
            last.clone_from(&number);
            let names = reads_as_heading(text) && text.chars().count() <= MAX_HEADING_CHARS;
            let (title, lines) =
                if names { (text.to_owned(), Vec::new()) } else { (String::new(), vec![text.to_owned()]) };
            pieces.push(Piece { number, title, lines, rows: Vec::new() });
            continue;
        }
        let Some(piece) = pieces.last_mut() else { continue };
        match line {
            Line::Table { rows, .. } => match table::rows(rows, false) {
                Some(rows) => piece.rows.extend(rows),
                None => piece.lines.push(line.text().to_owned()),
            },
            _ => piece.lines.push(line.text().to_owned()),
        }
    }
    let mut labels = Labels::default();
    let mut clauses = Vec::new();
    // The titles that enclose the piece at hand, by their numbers.
    let mut path: Vec<(Vec<u32>, String)> = Vec::new();
    let numbers: Vec<Vec<u32>> = pieces.iter().map(|piece| piece.number.clone()).collect();
    for (at, mut piece) in pieces.into_iter().enumerate() {
        path.retain(|(outer, _)| {
            !outer.is_empty() && piece.number.starts_with(outer) && outer.len() < piece.number.len()
        });
        let encloses = numbers.get(at + 1).is_some_and(|next| next.len() > piece.number.len());
        // A title with nothing below it is the text.
        if piece.lines.is_empty() && piece.rows.is_empty() && !encloses && !piece.title.is_empty() {
            piece.lines.push(std::mem::take(&mut piece.title));
        }
        let printed = print(&piece.number);
        if !piece.title.is_empty() {
            path.push((piece.number.clone(), format!("{printed} {}", piece.title)));
        }
        let heading = path.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>().join(" ");
        let base = if printed.is_empty() { "序言".to_owned() } else { printed };
        let label = if piece.lines.is_empty() { base.clone() } else { labels.unique(&base, "") };
        for (n, text) in split(&piece.lines).into_iter().enumerate() {
            let label = if n == 0 { label.clone() } else { labels.piece(n + 1, &label) };
            clauses.push(clause(label, heading.clone(), text));
        }
        for row in piece.rows {
            let label = labels.unique(&format!("{base}·{}", row.name), "");
            clauses.push(row.clause(label, &heading));
        }
    }
    clauses
}

fn print(number: &[u32]) -> String {
    number.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

fn clause(label: String, heading: String, text: String) -> ParsedClause {
    ParsedClause { address: address::labelled(label), heading, text, ask_variants: Vec::new(), guide: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[&str]) -> Vec<Line> {
        lines.iter().map(|line| Line::Text((*line).to_owned())).collect()
    }

    #[test]
    fn numbers_are_addresses() {
        let lines = text(&[
            "1 总则",
            "1.1 本规程适用于开立和注销。",
            "2 开立",
            "2.1 受理条件",
            "2.1.1 客户应当年满16周岁。",
            "2.1.2 工本费为12元。",
            "2.1.1的条件不满足的，由监护人代办。",
            "2.2审核",
            "当日完成。",
            "3 附则",
            "自2025年4月1日起施行。",
        ]);
        assert!(is_numbered(&lines));
        let clauses = parse(&lines);
        let found: Vec<(&str, &str, &str)> =
            clauses.iter().map(|c| (c.address.label.as_str(), c.heading.as_str(), c.text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("1.1", "1 总则", "本规程适用于开立和注销。"),
                ("2.1.1", "2 开立 2.1 受理条件", "客户应当年满16周岁。"),
                ("2.1.2", "2 开立 2.1 受理条件", "工本费为12元。\n2.1.1的条件不满足的，由监护人代办。"),
                ("2.2", "2 开立 2.2 审核", "当日完成。"),
                ("3", "3 附则", "自2025年4月1日起施行。"),
            ]
        );
    }

    #[test]
    fn figures_are_no_numbers() {
        for lines in [
            &["利率", "1.5%的费率", "2.5%的费率"][..],
            &["1. 核对证件。", "2. 登记台账。"],
            &["2024.7.1 起施行", "2024.8.1 止"],
            &["1.2万元以下", "1.3万元以上"],
        ] {
            assert!(!is_numbered(&text(lines)), "{lines:?}");
        }
    }
}
