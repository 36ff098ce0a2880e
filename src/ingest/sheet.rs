//! A build for people: what was found, what became of every file, and every document as it was read, so that an editor sees what the
//! branch will see. One list of pieces is written as Markdown or as a page.

use super::build::Built;
use super::lint::Severity;
use super::plan::PlannedVersion;
use super::report::FileStatus;
use crate::text::clause::{Item, paragraphs};
use crate::text::legal::ParsedClause;
use crate::text::{numeral, table};
use std::fmt::Write;

/// Characters of a clause that the sheet of a whole build shows; a preview shows it whole.
const SHOWN_CHARS: usize = 300;

/// A piece of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A heading with its depth, from 1.
    Heading(usize, String),
    /// A document begins; what follows belongs to it.
    Document(String),
    /// A line of text.
    Line(String),
    /// An entry of a list: depth from 0, label, text.
    Entry(usize, String, String),
    /// Rows, the first of which names the columns.
    Table(Vec<Vec<String>>),
}

/// The sheet of a build.
pub fn of_build(built: &Built) -> Vec<Piece> {
    let report = &built.report;
    let [errors, warnings, notes] = Severity::ALL.map(|severity| report.found(severity));
    let mut pieces = vec![
        Piece::Heading(1, "知识生成报告".into()),
        Piece::Line(format!(
            "知识版本 {};文件 {} 个,文档 {} 份,条款 {} 条",
            built.generation,
            report.files.len(),
            report.documents(),
            report.clauses()
        )),
        Piece::Line(format!("检查结果:错误 {errors},警告 {warnings},提示 {notes}")),
    ];
    for severity in Severity::ALL {
        let found: Vec<_> = report.findings.iter().filter(|finding| finding.severity == severity).collect();
        if found.is_empty() {
            continue;
        }
        pieces.push(Piece::Heading(2, severity.label().into()));
        pieces.extend(found.into_iter().map(|finding| {
            let source = if finding.document.is_empty() { "" } else { finding.source.as_str() };
            let place = if source.is_empty() { finding.place() } else { format!("{}({source})", finding.place()) };
            Piece::Entry(0, format!("{} {place}", finding.topic.label()), finding.message.clone())
        }));
    }
    pieces.push(Piece::Heading(2, "文件".into()));
    let mut rows = vec![["文件", "结果", "文档", "条款", "说明"].map(str::to_owned).to_vec()];
    rows.extend(report.files.iter().map(|file| {
        let status = match file.status {
            FileStatus::Read => "读取",
            FileStatus::Skipped => "跳过",
            FileStatus::Failed => "失败",
        };
        let reason = file.reason.clone().unwrap_or_default();
        vec![file.path.clone(), status.into(), file.documents.to_string(), file.clauses.to_string(), reason]
    }));
    pieces.push(Piece::Table(rows));
    pieces.push(Piece::Heading(2, "文档".into()));
    for version in built.documents.iter().flat_map(|document| &document.versions) {
        pieces.extend(of_version(version, Some(SHOWN_CHARS)));
    }
    pieces
}

/// A version as it was read: who it is, and its clauses with their addresses.
pub fn of_version(version: &PlannedVersion, shown: Option<usize>) -> Vec<Piece> {
    let document = &version.document;
    let or_none = |text: &str| if text.is_empty() { "(没有读到)".to_owned() } else { text.to_owned() };
    let day = |day: Option<crate::types::Date>| day.map_or_else(|| "(没有读到)".to_owned(), |day| day.to_string());
    let until = match version.effective.until {
        Some(until) if version.repealed => format!("{until} 起废止"),
        Some(until) => format!("{until} 起由新版本取代"),
        None => "未定".to_owned(),
    };
    let mut pieces = vec![Piece::Document(format!("《{}》", document.title))];
    let facts = [
        ("文号", or_none(&document.doc_no)),
        ("发文机关", or_none(&document.issuer)),
        ("级别", document.level.label().to_owned()),
        ("密级", document.classification.label().to_owned()),
        ("发布", day(document.published)),
        ("生效", day(version.effective.from)),
        ("失效", until),
        ("来源", document.source.clone()),
        ("条款", format!("{} 条", document.clauses.len())),
    ];
    pieces.push(Piece::Table(
        [vec!["项目".to_owned(), "读到的".to_owned()]]
            .into_iter()
            .chain(facts.map(|(name, value)| vec![name.to_owned(), value]))
            .collect(),
    ));
    let mut heading = "";
    for clause in &document.clauses {
        if clause.heading != heading {
            heading = &clause.heading;
            pieces.push(Piece::Heading(4, heading.to_owned()));
        }
        of_clause(clause, shown, &mut pieces);
    }
    pieces
}

fn of_clause(clause: &ParsedClause, shown: Option<usize>, pieces: &mut Vec<Piece>) {
    let cut = |text: &str| -> String {
        let mut chars = text.chars();
        let Some(most) = shown else { return text.to_owned() };
        let kept: String = chars.by_ref().take(most).collect();
        if chars.next().is_some() { format!("{kept}…") } else { kept }
    };
    let found = paragraphs(&clause.text);
    let label = clause.address.label.clone();
    let whole = |range: &std::ops::Range<usize>| clause.text.get(range.clone()).unwrap_or_default();
    let parted = found.len() > 1 || found.iter().any(|paragraph| !paragraph.items.is_empty());
    if !parted {
        let (text, rows) = without_rows(&clause.text);
        pieces.push(Piece::Entry(0, label, cut(&text)));
        pieces.extend(rows);
        return;
    }
    pieces.push(Piece::Entry(0, label, String::new()));
    for (n, paragraph) in found.iter().enumerate() {
        let end = paragraph.items.first().map_or(paragraph.range.end, |item| item.range.start);
        let (text, rows) = without_rows(whole(&(paragraph.range.start..end.max(paragraph.range.start))));
        pieces.push(Piece::Entry(1, format!("第{}款", chinese(n + 1)), cut(&text)));
        pieces.extend(rows);
        for Item { number, range, points } in &paragraph.items {
            let end = points.first().map_or(range.end, |point| point.range.start);
            let (text, rows) = without_rows(whole(&(range.start..end)));
            pieces.push(Piece::Entry(2, format!("第({})项", numeral::to_chinese(*number)), cut(&text)));
            pieces.extend(rows);
            pieces.extend(
                points.iter().map(|point| Piece::Entry(3, format!("第{}目", point.number), cut(whole(&point.range)))),
            );
        }
    }
}

fn chinese(n: usize) -> String {
    u32::try_from(n).map(numeral::to_chinese).unwrap_or_default()
}

/// A text without its tables, and these with the names of their columns on one row.
fn without_rows(text: &str) -> (String, Vec<Piece>) {
    let (rows, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| table::is_row(line));
    let cells: Vec<Vec<&str>> = rows.into_iter().map(table::cells).filter(|cells| !table::is_rule(cells)).collect();
    if cells.is_empty() {
        return (text.replace('\n', " "), Vec::new());
    }
    let (header, body) = cells.split_at(table::header_rows(&cells).min(cells.len()));
    let names = [table::column_names(header)];
    let rows = names.into_iter().chain(body.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()));
    (lines.join(" "), vec![Piece::Table(rows.collect())])
}

/// The sheet as Markdown.
pub fn markdown(pieces: &[Piece]) -> String {
    let mut out = String::new();
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for piece in pieces {
        // Writing to a string cannot fail.
        let _ = match piece {
            Piece::Heading(depth, text) => writeln!(out, "\n{} {text}\n", "#".repeat(*depth)),
            Piece::Document(title) => writeln!(out, "\n### {title}\n"),
            Piece::Line(text) => writeln!(out, "{text}\n"),
            Piece::Entry(depth, label, text) => {
                writeln!(out, "{}- **{label}** {}", "  ".repeat(*depth), text.replace('\n', " "))
            }
            Piece::Table(rows) => {
                out.push('\n');
                for (n, row) in rows.iter().enumerate() {
                    let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
                    let _ = writeln!(out, "| {} |", cells.join(" | "));
                    if n == 0 {
                        let _ = writeln!(out, "|{}", " --- |".repeat(row.len()));
                    }
                }
                writeln!(out)
            }
        };
    }
    out
}

/// The sheet as a page that stands by itself; documents are folded.
pub fn html(pieces: &[Piece]) -> String {
    const HEAD: &str = "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><title>知识生成报告</title><style>\
        body{font:16px/1.6 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:.5em 0}\
        td,th{border:1px solid #999;padding:.2em .6em;text-align:left}summary{font-weight:bold;cursor:pointer;padding:.3em 0}\
        .d1{margin-left:1.5em}.d2{margin-left:3em}.d3{margin-left:4.5em}</style>\n";
    let mut out = HEAD.to_owned();
    let mut open = false;
    for piece in pieces {
        // Writing to a string cannot fail.
        let _ = match piece {
            Piece::Heading(depth, text) => {
                if *depth < 3 && std::mem::take(&mut open) {
                    out.push_str("</details>\n");
                }
                writeln!(out, "<h{depth}>{}</h{depth}>", escaped(text))
            }
            Piece::Document(title) => {
                let before = if std::mem::replace(&mut open, true) { "</details>\n" } else { "" };
                writeln!(out, "{before}<details><summary>{}</summary>", escaped(title))
            }
            Piece::Line(text) => writeln!(out, "<p>{}</p>", escaped(text)),
            Piece::Entry(depth, label, text) => {
                writeln!(out, "<div class=\"d{depth}\"><b>{}</b> {}</div>", escaped(label), escaped(text))
            }
            Piece::Table(rows) => {
                out.push_str("<table>\n");
                for (n, row) in rows.iter().enumerate() {
                    let tag = if n == 0 { "th" } else { "td" };
                    let cells: String = row.iter().map(|text| format!("<{tag}>{}</{tag}>", escaped(text))).collect();
                    let _ = writeln!(out, "<tr>{cells}</tr>");
                }
                writeln!(out, "</table>")
            }
        };
    }
    if open {
        out.push_str("</details>\n");
    }
    out + "</html>\n"
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_twice() {
        let pieces = [
            Piece::Heading(1, "报告".into()),
            Piece::Document("《甲<办法>》".into()),
            Piece::Entry(1, "第二款".into(), "满5年的".into()),
            Piece::Table(vec![vec!["项目".into()], vec!["甲|乙".into()]]),
        ];
        assert_eq!(
            markdown(&pieces),
            "\n# 报告\n\n\n### 《甲<办法>》\n\n  - **第二款** 满5年的\n\n| 项目 |\n| --- |\n| 甲\\|乙 |\n\n"
        );
        let page = html(&pieces);
        assert!(page.contains("<summary>《甲&lt;办法&gt;》</summary>"), "{page}");
        assert!(page.ends_with("</table>\n</details>\n</html>\n"), "{page}");
    }
}
