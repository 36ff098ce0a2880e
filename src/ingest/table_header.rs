//! The column names of tables that are cut into several clauses.
//!
//! A long text without 条 is cut into clauses of some 800 characters, tables between their rows. Only the first of these clauses has
//! the header. A table in one clause has it there, and a table of questions has its column names in every entry.

use crate::text::legal::ParsedClause;

/// Longest cell of a header, in characters.
const MAX_CELL: usize = 12;

/// For each clause of a version, the column names of the table that it goes on with; empty when it goes on with none.
pub fn continued(clauses: &[ParsedClause]) -> Vec<String> {
    let mut headers: Vec<String> = Vec::with_capacity(clauses.len());
    let mut previous: Option<&ParsedClause> = None;
    for clause in clauses {
        let carried = headers.last().cloned().unwrap_or_default();
        let goes_on =
            previous.filter(|p| p.heading == clause.heading && clause.text.lines().next().is_some_and(is_row));
        headers.push(goes_on.map(|p| open_header(p, carried)).filter(|h| !repeats(clause, h)).unwrap_or_default());
        previous = Some(clause);
    }
    headers
}

/// The column names of the table that a clause ends within; `carried` are those of the table that it begins within.
fn open_header(clause: &ParsedClause, carried: String) -> String {
    let rows = clause.text.lines().rev().take_while(|line| is_row(line)).count();
    let first = clause.text.lines().count() - rows;
    if first == 0 && !carried.is_empty() {
        return carried;
    }
    match clause.text.lines().nth(first) {
        Some(row) if cells(row).all(|cell| cell.chars().count() <= MAX_CELL && !cell.contains(char::is_numeric)) => {
            cells(row).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// Whether the clause has these column names at its beginning anyway.
fn repeats(clause: &ParsedClause, header: &str) -> bool {
    clause.text.lines().next().is_some_and(|row| cells(row).eq(header.split(' ')))
}

fn is_row(line: &str) -> bool {
    line.starts_with("| ") && line.ends_with(" |")
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.split('|').map(str::trim).filter(|cell| !cell.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    fn clauses(texts: &[(&str, &str)]) -> Vec<ParsedClause> {
        let clause = |(heading, text): &(&str, &str)| ParsedClause {
            address: address::labelled("段"),
            heading: (*heading).into(),
            text: (*text).into(),
            ask_variants: Vec::new(),
            guide: None,
        };
        texts.iter().map(clause).collect()
    }

    #[test]
    fn a_table_that_goes_on_keeps_its_column_names() {
        let headers = continued(&clauses(&[
            ("收费", "柜面收费如下：\n| 项目 | 标准 |\n| 补卡 | 10元 |"),
            ("收费", "| 补折 | 5元 |"),
            ("收费", "| 挂失 | 10元 |\n以上为上限。"),
            ("收费", "另行通知。"),
        ]));
        assert_eq!(headers, ["", "项目 标准", "项目 标准", ""]);
    }

    #[test]
    fn other_tables_have_no_names_from_before() {
        let repeated = [("收费", "| 项目 | 标准 |\n| 补卡 | 10元 |"), ("收费", "| 项目 | 标准 |\n| 补折 | 5元 |")];
        let elsewhere = [("收费", "| 项目 | 标准 |\n| 补卡 | 10元 |"), ("期限", "| 补折 | 5日 |")];
        let bare = [("收费", "| 补卡 | 10元 |\n| 补折 | 5元 |"), ("收费", "| 挂失 | 10元 |")];
        let ended = [("收费", "| 项目 | 标准 |\n| 补卡 | 10元 |\n以上。"), ("收费", "| 挂失 | 10元 |")];
        for texts in [repeated, elsewhere, bare, ended] {
            assert_eq!(continued(&clauses(&texts)), ["", ""], "{texts:?}");
        }
    }
}
