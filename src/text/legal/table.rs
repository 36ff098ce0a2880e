//! Long tables: every row becomes a clause of its own, with the header above it and its name as the label, so that it is found and
//! cited by itself. Short tables stay in the clause where they stand.

use super::model::ParsedClause;
use crate::text::address;
use crate::text::normalize::{fold, is_han};
use crate::text::numeral;
use crate::text::quantity;
use crate::text::table::{column_names, header_rows};
use std::collections::HashSet;

/// Rows, with those of the header, up to which a table stays whole within an article: rules print their small tables so.
const WHOLE_IN_ARTICLE: usize = 12;
/// The same for a table that stands by itself, as sheets do.
const WHOLE_ALONE: usize = 4;
/// Characters from which on it is: as long as a clause may be.
const LONG_CHARS: usize = super::plain::MAX_CHARS;
/// Longest name of a row, in characters.
const MAX_NAME: usize = 40;
/// Shortest name that is a question by itself, in characters: 普通客户 alone asks for nothing.
const MIN_ASKED: usize = 5;
/// Columns from the left among which the names of rows are looked for.
const NAME_COLUMNS: usize = 5;
/// Cells of a row that may be left blank until it says too little to tell rows apart by.
const MIN_FULL_CELLS: usize = 2;

/// A row of a long table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// What it is about: `甲类转账业务`.
    pub(super) name: String,
    /// The line above it that heads its group; empty when none does.
    pub(super) group: String,
    /// The header rows and the row itself.
    pub(super) text: String,
}

impl Row {
    /// The row as a clause: people ask for it by its name.
    pub(super) fn clause(self, label: String, heading: &str) -> ParsedClause {
        let heading = [heading, &self.group].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let asked = self.name.chars().count() >= MIN_ASKED && self.name.chars().any(is_han);
        let ask_variants = if asked { vec![self.name] } else { Vec::new() };
        ParsedClause { address: address::labelled(label), heading, text: self.text, ask_variants, guide: None }
    }
}

/// The rows of a table that is long for its place; `None` for one that stays whole.
pub(super) fn rows(table: &[Vec<String>], in_article: bool) -> Option<Vec<Row>> {
    let chars: usize = table.iter().flatten().map(|cell| cell.chars().count() + " | ".len()).sum();
    // Which tier an amount falls into is seen by comparing them.
    let whole = if in_article || tiers(table) { WHOLE_IN_ARTICLE } else { WHOLE_ALONE };
    if table.len() <= whole && chars <= LONG_CHARS || table.len() < 3 {
        return None;
    }
    let (header, body) = table.split_at(header_rows(table));
    let names = Names::of(header, body);
    let numbered = column_names(header).first().is_some_and(|title| is_serial(title));
    let head: Vec<String> = header.iter().map(|cells| line(cells)).collect();
    let mut found = Vec::new();
    let mut group = String::new();
    for (at, cells) in body.iter().enumerate() {
        if let Some(heads) = body.get(at + 1).and_then(|next| group_of(cells, next, numbered)) {
            group = heads;
            continue;
        }
        let text = head.iter().cloned().chain([line(cells)]).collect::<Vec<_>>().join("\n");
        found.push(Row { name: names.name(cells, at), group: group.clone(), text });
    }
    Some(found)
}

/// What a row heads, if it heads those below it: it has one name, at its beginning or drawn over the whole width, and the next row says more.
/// Whatever else leaves cells blank is a row of its own, whose value must not be lost.
fn group_of(cells: &[String], next: &[String], numbered: bool) -> Option<String> {
    let at: Vec<usize> = (0..cells.len()).filter(|at| cells.get(*at).is_some_and(|cell| !cell.is_empty())).collect();
    let filled: Vec<&str> = at.iter().filter_map(|at| cells.get(*at)).map(String::as_str).collect();
    let more = next.iter().filter(|cell| !cell.is_empty()).collect::<HashSet<_>>().len();
    let drawn = at.len() == cells.len() && filled.iter().all(|cell| Some(cell) == filled.first());
    let name = match at.as_slice() {
        _ if cells.len() <= 2 => return None,
        _ if drawn => filled.first().copied()?.to_owned(),
        [0] => filled.concat(),
        [1] if numbered => filled.concat(),
        [0, 1] if numbered && !counts_on(cells, next) => filled.join(" "),
        _ => return None,
    };
    let heads = more > if drawn { 1 } else { at.len() };
    let states = name.chars().count() > MAX_NAME || !quantity::find(&fold(&name)).is_empty();
    (heads && !states).then_some(name)
}

/// Whether the next row has the next number: it stands beside this one, not below it.
fn counts_on(cells: &[String], next: &[String]) -> bool {
    let number = |row: &[String]| row.first().and_then(|cell| numeral::parse(cell));
    number(cells).zip(number(next)).is_some_and(|(this, next)| this.checked_add(1) == Some(next))
}

/// Whether a column only counts the rows.
fn is_serial(title: &str) -> bool {
    matches!(title, "序号" | "编号" | "NO" | "No" | "No.")
}

/// Whether most rows begin with a quantity: `20万元（含）至50万元`.
fn tiers(table: &[Vec<String>]) -> bool {
    let counted = table.iter().filter(|row| {
        let words = row.iter().find(|cell| cell.chars().any(char::is_alphabetic));
        words.is_some_and(|cell| !quantity::find(&fold(cell)).is_empty())
    });
    counted.count() * 2 > table.len()
}

/// What the words that open a table are about: 收费按下表执行 is about 收费.
pub(super) fn matter(lead: &str) -> &str {
    const POINTING: [&str; 10] = [
        "按照下表执行",
        "按下表执行",
        "按以下标准执行",
        "执行以下标准",
        "详见下表",
        "见下表",
        "如下表所示",
        "如下表",
        "如下",
        "为",
    ];
    POINTING.iter().find_map(|tail| lead.strip_suffix(tail)).unwrap_or(lead).trim_end_matches(['，', ','])
}

/// A row as it is written.
pub(super) fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// The columns by which rows are told apart.
struct Names {
    columns: Vec<usize>,
}

impl Names {
    fn of(header: &[Vec<String>], body: &[Vec<String>]) -> Names {
        let titles = column_names(header);
        let full: Vec<&Vec<String>> = body
            .iter()
            .filter(|row| row.iter().filter(|c| !c.is_empty()).count() > MIN_FULL_CELLS.min(row.len() - 1))
            .collect();
        let words = |column: usize| {
            let serial = titles.get(column).is_some_and(|title| is_serial(title));
            let named = full.iter().filter(|row| row.get(column).is_some_and(|cell| is_name(cell))).count();
            !serial && named * 2 > full.len()
        };
        let width = titles.len().min(NAME_COLUMNS);
        let candidates: Vec<usize> = (0..width).filter(|column| words(*column)).collect();
        let distinct = |column: &&usize| {
            let mut seen = HashSet::new();
            full.iter().all(|row| row.get(**column).is_some_and(|cell| !cell.is_empty() && seen.insert(cell)))
        };
        let columns = match candidates.iter().find(distinct) {
            Some(column) => vec![*column],
            None => candidates.into_iter().take(2).collect(),
        };
        Names { columns }
    }

    fn name(&self, cells: &[String], at: usize) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for cell in self.columns.iter().filter_map(|column| cells.get(*column)) {
            if !cell.is_empty() && parts.last() != Some(&cell.as_str()) {
                parts.push(cell);
            }
        }
        if parts.is_empty() {
            parts.extend(cells.iter().map(String::as_str).find(|cell| cell.chars().any(char::is_alphabetic)));
        }
        let name: String = parts.join("·").chars().take(MAX_NAME).collect();
        if name.is_empty() { format!("第{}行", at + 1) } else { name }
    }
}

/// Whether a cell names something: a word that does not begin with a figure, as fees and days do.
fn is_name(cell: &str) -> bool {
    cell.chars().any(char::is_alphabetic) && !cell.starts_with(|c: char| c.is_ascii_digit() || "¥￥$<>≤≥".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &[String]) -> Vec<Vec<String>> {
        lines.iter().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn rows_of_a_long_table_are_named_and_keep_their_header() {
        let mut lines = vec!["序号,服务项目,收费标准".to_owned(), "一,转账汇款,".to_owned()];
        lines.extend((1..=15).map(|n| format!("{n},第{n}类转账,{n}元")));
        let rows = rows(&table(&lines), true).unwrap();
        assert_eq!(rows.len(), 15);
        assert_eq!(
            rows[2],
            Row {
                name: "第3类转账".into(),
                group: "一 转账汇款".into(),
                text: "| 序号 | 服务项目 | 收费标准 |\n| 3 | 第3类转账 | 3元 |".into()
            }
        );
    }

    #[test]
    fn rows_with_blank_cells_stay_rows() {
        let named = |lines: &[&str]| -> Vec<(String, String)> {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            rows(&table(&lines), false).unwrap().into_iter().map(|row| (row.group, row.name)).collect()
        };
        let of = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(group, name)| ((*group).to_owned(), (*name).to_owned())).collect()
        };
        assert_eq!(
            named(&["项目,收费标准,备注", "甲费,每笔1元,对公", "乙费,每笔2元,", "丙费,每笔3元,对公", "丁费,免费,"]),
            of(&[("", "甲费"), ("", "乙费"), ("", "丙费"), ("", "丁费")])
        );
        // The number of a row and its name head a group, a name and its value do not, nor does what only goes on with the row above.
        assert_eq!(
            named(&[
                "序号,项目,标准,备注",
                "1,甲费,1元,",
                "2,乙费每笔2元,,",
                "3,丙费,3元,无",
                ",,另收,",
                "4,丁费,,",
                "5,戊费,5元,无"
            ]),
            of(&[("", "甲费"), ("", "乙费每笔2元"), ("", "丙费"), ("", "另收"), ("", "丁费"), ("", "戊费")])
        );
        assert_eq!(
            named(&[
                "业务,期限,审批人",
                "个人业务,,",
                "挂失,7日,",
                "解冻,3日,主管",
                "对公业务,对公业务,对公业务",
                "销户,5日,"
            ]),
            of(&[("个人业务", "挂失"), ("个人业务", "解冻"), ("对公业务", "销户")])
        );
    }

    #[test]
    fn names_that_come_twice_are_told_apart() {
        let mut lines = vec!["客户,渠道,费率".to_owned()];
        lines.extend((1..=14).map(|n| format!("{},渠道{},{n}元", if n < 8 { "普通" } else { "贵宾" }, n % 7)));
        let rows = rows(&table(&lines), true).unwrap();
        assert_eq!((rows[0].name.as_str(), rows[13].name.as_str()), ("普通·渠道1", "贵宾·渠道0"));
    }

    #[test]
    fn short_tables_stay() {
        let short = table(&["项目,标准".into(), "挂失,10元".into(), "补卡,5元".into()]);
        assert_eq!(rows(&short, false), None);
        let fees: Vec<String> = ["项目,标准"]
            .into_iter()
            .map(str::to_owned)
            .chain((1..6).map(|n| format!("第{}类,{n}元", ["一", "二", "三", "四", "五"][n - 1])))
            .collect();
        assert_eq!(rows(&table(&fees), true), None);
        assert_eq!(rows(&table(&fees), false).map(|rows| rows.len()), Some(5));
        let tiers: Vec<String> = ["金额,手续费"]
            .into_iter()
            .map(str::to_owned)
            .chain((1..6).map(|n| format!("{n}万元以上,{n}元")))
            .collect();
        assert_eq!(rows(&table(&tiers), false), None);
    }
}
