//! Tables as they stand in a clause: rows of `| … |`, the first of them naming the columns, sometimes in two or three rows.

/// Rows that name columns at most.
const MAX_HEADER_ROWS: usize = 3;

/// Whether a line is a row of a table.
pub fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') && line.ends_with('|') && line.len() > 1
}

/// The cells of a row.
pub fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim).collect()
}

/// Whether a row only parts the header from the rest (`| --- |`).
pub fn is_rule(cells: &[&str]) -> bool {
    cells.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c)))
}

/// How many rows at the top name the columns: more than one where a cell stands above several columns (取款限额 over 单日 and 年累计).
pub fn header_rows<S: AsRef<str>>(rows: &[Vec<S>]) -> usize {
    let mut count = 1;
    while count < MAX_HEADER_ROWS
        && let (Some(row), Some(next)) = (rows.get(count - 1), rows.get(count))
        && rows.len() > count + 1
        && spans(row)
        && (names(next) || goes_on(row, next))
    {
        count += 1;
    }
    count
}

/// Whether a cell is repeated over the next column, and not over all of them.
fn spans<S: AsRef<str>>(row: &[S]) -> bool {
    let same = |pair: &[S]| match pair {
        [a, b] => !a.as_ref().is_empty() && a.as_ref() == b.as_ref(),
        _ => false,
    };
    let repeated = row.windows(2).filter(|pair| same(pair)).count();
    repeated > 0 && repeated + 1 < row.len()
}

/// Whether the first cell is drawn down over both rows: no entry is called as its column is.
fn goes_on<S: AsRef<str>>(row: &[S], next: &[S]) -> bool {
    row.first().zip(next.first()).is_some_and(|(a, b)| !a.as_ref().is_empty() && a.as_ref() == b.as_ref())
}

/// Whether cells are names: none states a figure.
fn names<S: AsRef<str>>(row: &[S]) -> bool {
    row.iter().all(|cell| !cell.as_ref().chars().any(|c| c.is_ascii_digit()))
}

/// The name of each column: its cells in the header rows, each once, from the outermost in.
pub fn column_names<S: AsRef<str>>(header: &[Vec<S>]) -> Vec<String> {
    let width = header.iter().map(Vec::len).max().unwrap_or(0);
    (0..width)
        .map(|column| {
            let mut name: Vec<&str> = Vec::new();
            for row in header {
                let cell = row.get(column).map(S::as_ref).unwrap_or_default();
                if !cell.is_empty() && name.last() != Some(&cell) {
                    name.push(cell);
                }
            }
            name.join("·")
        })
        .collect()
}

/// A row with the names of its columns, as it is said: `普柜：一级网点 30万元，二级、三级网点 20万元`.
pub fn spoken(names: &[String], cells: &[&str]) -> String {
    let name = |column: usize| names.get(column).map_or("", String::as_str);
    let mut columns = cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    let mut first = columns.next();
    // A serial number says nothing of the row.
    if first.is_some_and(|(column, _)| matches!(name(column), "序号" | "编号")) {
        first = columns.next().or(first);
    }
    let first = first.map(|(_, cell)| (*cell).to_owned()).unwrap_or_default();
    let rest: Vec<String> = columns
        .map(
            |(column, cell)| {
                if name(column).is_empty() { (*cell).to_owned() } else { format!("{} {cell}", name(column)) }
            },
        )
        .collect();
    format!("{first}：{}", rest.join("，"))
}

/// A text that is one row under its header, as it is said; `None` for all other texts.
pub fn lone_row(text: &str) -> Option<String> {
    if !text.lines().all(is_row) {
        return None;
    }
    let rows: Vec<Vec<&str>> = text.lines().map(cells).filter(|cells| !is_rule(cells)).collect();
    let header = header_rows(&rows);
    let (names, last) = (column_names(rows.get(..header)?), rows.get(header)?);
    (rows.len() == header + 1).then(|| spoken(&names, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Vec<String>> {
        lines.iter().map(|line| cells(line).into_iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_header_may_have_two_rows() {
        let two = rows(&["| 类别 | 取款 | 取款 |", "| 类别 | 单日 | 年 |", "| 普通 | 1万元 | 20万元 |"]);
        assert_eq!(header_rows(&two), 2);
        assert_eq!(column_names(&two[..2]), ["类别", "取款·单日", "取款·年"]);
        let figures = rows(&["| 期限 | 利率 | 利率 |", "| 期限 | 1年以内 | 3年以内 |", "| 定期 | 1.5% | 2% |"]);
        assert_eq!(header_rows(&figures), 2);
        for one in [
            rows(&["| 类别 | 限额 |", "| 普通 | 不限 |", "| 贵宾 | 不限 |"]),
            rows(&["| 类别 | 限额 | 限额 |", "| 普通 | 1万元 | 2万元 |", "| 贵宾 | 3万元 | 4万元 |"]),
            rows(&["| 甲 | 甲 | 甲 |", "| 乙 | 丙 | 丁 |", "| 戊 | 己 | 庚 |"]),
        ] {
            assert_eq!(header_rows(&one), 1, "{one:?}");
        }
    }

    #[test]
    fn a_lone_row_is_said_with_its_columns() {
        let row = "| 业务 | 取款 | 取款 |\n| 业务 | 单日 | 年 |\n| 普通 | 1万元 | 20万元 |";
        assert_eq!(lone_row(row).as_deref(), Some("普通：取款·单日 1万元，取款·年 20万元"));
        for other in [
            "| 业务 | 收费 |",
            "见下表：\n| 业务 | 收费 |\n| 挂失 | 10元 |",
            "挂失10元",
            "| 甲 | 乙 |\n| 丙 | 丁 |\n| 戊 | 己 |",
        ] {
            assert_eq!(lone_row(other), None, "{other}");
        }
    }
}
