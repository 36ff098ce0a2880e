//! Questions and answers: under headings, in lines `问：`/`答：`, or as a table with a column for each.

use super::labels::Labels;
use super::line::Line;
use super::model::ParsedClause;
use super::outline::Outline;
use crate::text::address;

/// Marks of a question line.
const QUESTION_MARKS: [&str; 6] = ["问：", "问:", "Q：", "Q:", "问题：", "问题:"];

/// The columns of question and answer in a table with a header that names them.
fn columns(header: &[String]) -> Option<(usize, usize)> {
    let question = header.iter().position(|cell| cell.contains('问') && !cell.contains('答'))?;
    let answer = header.iter().position(|cell| cell.contains('答') || cell.contains("回复"))?;
    (question != answer).then_some((question, answer))
}

/// Whether the document is a table of questions and answers, whatever its title says.
pub(super) fn is_table(lines: &[Line]) -> bool {
    lines.iter().any(|line| match line {
        Line::Table { rows, .. } => rows.first().is_some_and(|header| columns(header).is_some()),
        _ => false,
    })
}

/// Splits lines into one clause a question; the label and the ask variant are the question.
pub(super) fn parse(lines: &[Line]) -> Vec<ParsedClause> {
    let mut labels = Labels::default();
    let mut outline = Outline::default();
    let mut clauses: Vec<ParsedClause> = Vec::new();
    let mut open: Option<(String, String, Vec<String>)> = None;
    let mut preface: Vec<String> = Vec::new();
    let finish = |open: &mut Option<(String, String, Vec<String>)>, labels: &mut Labels| {
        let (question, heading, lines) = open.take()?;
        // A heading that groups questions has no text of its own.
        (!lines.is_empty()).then(|| entry(&question, heading, lines.join("\n"), labels))
    };
    for line in lines {
        match line {
            Line::Heading { depth, text } => {
                clauses.extend(finish(&mut open, &mut labels));
                outline.enter(text, Some(*depth));
                open = Some((text.clone(), outline.parent_path(), Vec::new()));
            }
            Line::Text(text) => match QUESTION_MARKS.iter().find_map(|mark| text.strip_prefix(mark)) {
                Some(question) => {
                    clauses.extend(finish(&mut open, &mut labels));
                    open = Some((question.trim().to_owned(), outline.path(), Vec::new()));
                }
                None => match &mut open {
                    Some((_, _, lines)) => lines.push(text.clone()),
                    None => preface.push(text.clone()),
                },
            },
            Line::Table { text, rows, .. } => {
                match rows.split_first().and_then(|(h, rest)| Some((columns(h)?, h, rest))) {
                    Some((columns, header, rest)) => {
                        clauses.extend(finish(&mut open, &mut labels));
                        clauses.extend(
                            rest.iter().filter_map(|row| row_entry(columns, header, row, &outline, &mut labels)),
                        );
                    }
                    None => match &mut open {
                        Some((_, _, lines)) => lines.push(text.clone()),
                        None => preface.push(text.clone()),
                    },
                }
            }
        }
    }
    clauses.extend(finish(&mut open, &mut labels));
    if !preface.is_empty() {
        let label = labels.unique("序言", "");
        let clause = ParsedClause {
            address: address::labelled(label),
            heading: String::new(),
            text: preface.join("\n"),
            ask_variants: Vec::new(),
            guide: None,
        };
        clauses.insert(0, clause);
    }
    clauses
}

fn entry(question: &str, heading: String, text: String, labels: &mut Labels) -> ParsedClause {
    ParsedClause {
        address: address::labelled(labels.unique(question, "")),
        heading,
        text,
        ask_variants: vec![question.to_owned()],
        guide: None,
    }
}

/// A table row as an entry: the answer, then the other cells under their column's name.
fn row_entry(
    (question, answer): (usize, usize),
    header: &[String],
    row: &[String],
    outline: &Outline,
    labels: &mut Labels,
) -> Option<ParsedClause> {
    let asked = row.get(question).filter(|cell| !cell.is_empty())?;
    let mut lines: Vec<String> = row.get(answer).filter(|cell| !cell.is_empty()).cloned().into_iter().collect();
    for (i, cell) in row.iter().enumerate().filter(|(i, cell)| *i != question && *i != answer && !cell.is_empty()) {
        match header.get(i).filter(|name| !name.is_empty()) {
            Some(name) => lines.push(format!("{name}：{cell}")),
            None => lines.push(cell.clone()),
        }
    }
    (!lines.is_empty()).then(|| entry(asked, outline.path(), lines.join("\n"), labels))
}
