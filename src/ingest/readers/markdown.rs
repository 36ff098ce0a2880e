//! Markdown as rules are written in it: line by line.
//!
//! A general Markdown crate joins consecutive lines into one paragraph, and a law written one 款 per line would lose its
//! structure; it also has no notion of front matter or of the `<!-- INFO END -->` mark. Hence this small line reader.

use super::{WARNING_KEY, deadline, html, inline, properties, push_heading, push_paragraph, push_table, warn, wrap};
use crate::error::{Code, Error, Result};
use crate::ingest::encoding;
use crate::text::document::{Block, RawDocument};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Lines;

/// Lines of front matter at most; an opening `---` without its end within this distance is a plain rule.
const MAX_FRONT_MATTER_LINES: usize = 100;
/// Comment that ends the promulgation history in collections of laws.
const HISTORY_END: &str = "INFO END";
/// Key of [`RawDocument::meta`] for the lines before that comment.
const HISTORY_KEY: &str = "history";

/// Reads a Markdown file.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    let text = encoding::decode(bytes)?;
    let (meta, body) = front_matter(&text)?;
    let unknown = properties::unknown(meta.keys());
    let unread = properties::unread(meta.iter());
    let mut struck = 0;
    let mut document = RawDocument { meta, ..RawDocument::default() };
    for said in unknown.into_iter().chain(unread) {
        warn(&mut document, &said);
    }
    let body = wrap::join(&wrap::without_page_numbers(body), is_markup);
    let mut lines = body.lines().peekable();
    let mut fence: Option<&str> = None;
    while let Some(raw) = lines.next() {
        deadline::check()?;
        let line = raw.trim();
        if let Some(mark) = fence {
            if line.starts_with(mark) && line.trim_start_matches('`').trim_start_matches('~').is_empty() {
                fence = None;
            } else {
                push_paragraph(&mut document.blocks, line);
            }
        } else if line.starts_with("```") {
            fence = Some("```");
        } else if line.starts_with("~~~") {
            fence = Some("~~~");
        } else if let Some(at) = line.find("<!--") {
            comment(line, at, &mut lines, &mut document, &mut struck);
        } else if line.contains("<table") {
            html_table(line, &mut lines, &mut document, &mut struck)?;
        } else if is_table_start(line, lines.peek()) {
            table(line, &mut lines, &mut document.blocks, &mut struck);
        } else {
            plain_line(line, &mut document.blocks, &mut struck);
        }
    }
    if struck > 0 {
        warn(&mut document, &format!("{struck} 处带删除线的文字没有读入"));
    }
    Ok(document)
}

/// Whether a line is more than running text: what is joined to others would lose its mark.
fn is_markup(line: &str) -> bool {
    let line = line.trim();
    line.starts_with(['#', '>', '|', '`', '~', '<', '-', '*', '+', '=']) || line.contains('|') || line.contains("<!--")
}

/// A table in HTML, as converters write those with merged cells; text around it on its lines stays.
fn html_table(
    first: &str,
    lines: &mut Peekable<Lines<'_>>,
    document: &mut RawDocument,
    struck: &mut usize,
) -> Result<()> {
    let (before, rest) = first.split_at(first.find("<table").unwrap_or(0));
    plain_line(before.trim(), &mut document.blocks, struck);
    let mut content = rest.to_string();
    let opens = |text: &str| text.matches("<table").count();
    let closes = |text: &str| text.matches("</table>").count();
    let (mut opened, mut closed) = (opens(&content), closes(&content));
    while opened > closed {
        let Some(next) = lines.next() else { break };
        (opened, closed) = (opened + opens(next), closed + closes(next));
        content.push('\n');
        content.push_str(next);
    }
    let end = content.rfind("</table>").map_or(content.len(), |at| at + "</table>".len());
    let (table, after) = content.split_at(end);
    let table = html::read(table.as_bytes())?;
    if let Some(said) = table.meta.get(WARNING_KEY) {
        warn(document, said);
    }
    document.blocks.extend(table.blocks);
    plain_line(after.trim(), &mut document.blocks, struck);
    Ok(())
}

/// Heading, list item, quotation or paragraph.
fn plain_line(line: &str, blocks: &mut Vec<Block>, struck: &mut usize) {
    if line.is_empty() || is_rule(line) {
        return;
    }
    let hashes = line.chars().take_while(|c| *c == '#').count();
    if (1..=6).contains(&hashes)
        && let Some(text) = line.get(hashes..)
        && (text.is_empty() || text.starts_with([' ', '\t', '\u{3000}']))
    {
        let depth = u8::try_from(hashes).unwrap_or(6);
        return push_heading(blocks, depth, &inline::read(text.trim().trim_end_matches('#'), struck));
    }
    let quoted = line.trim_start_matches(['>', ' ']);
    let line = if line.starts_with('>') { quoted } else { line };
    // A bullet is told by the space behind it, so that `*注` and `-5` stay as they are.
    let item = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark));
    match item {
        Some(text) => {
            let text = inline::read(text, struck);
            if !text.trim().is_empty() {
                push_paragraph(blocks, &format!("- {text}"));
            }
        }
        None => push_paragraph(blocks, &inline::read(line, struck)),
    }
}

/// `---`, `***`, `___` and `===` alone on a line. Blanks to fill in are longer, or stand beside text.
fn is_rule(line: &str) -> bool {
    let mut chars = line.chars().filter(|c| !c.is_whitespace());
    let Some(first) = chars.next() else { return false };
    matches!(first, '-' | '*' | '_' | '=') && line.chars().count() >= 3 && chars.all(|c| c == first)
}

/// A comment from `at` in `line` on: text around it stays, and [`HISTORY_END`] moves the lines before it into the metadata.
fn comment(line: &str, at: usize, lines: &mut Peekable<Lines<'_>>, document: &mut RawDocument, struck: &mut usize) {
    let (before, rest) = line.split_at(at);
    plain_line(before.trim(), &mut document.blocks, struck);
    let mut content = rest.strip_prefix("<!--").unwrap_or(rest).to_string();
    while !content.contains("-->") {
        let Some(next) = lines.next() else { break };
        content.push('\n');
        content.push_str(next);
    }
    let (inner, after) = content.split_once("-->").unwrap_or((&content, ""));
    if inner.trim() == HISTORY_END {
        move_history(document);
    }
    let after = after.trim();
    match after.find("<!--") {
        Some(next) => comment(after, next, lines, document, struck),
        None => plain_line(after, &mut document.blocks, struck),
    }
}

fn move_history(document: &mut RawDocument) {
    let mut history: Vec<String> = Vec::new();
    document.blocks.retain(|block| match block {
        Block::Heading { .. } => true,
        Block::Paragraph(text) => {
            history.push(text.clone());
            false
        }
        Block::Table { rows, .. } => {
            history.extend(rows.iter().map(|row| row.join(" ")));
            false
        }
    });
    if !history.is_empty() {
        document.meta.insert(HISTORY_KEY.to_string(), history.join("\n"));
    }
}

/// A row of pipes followed by a row of dashes.
fn is_table_start(line: &str, next: Option<&&str>) -> bool {
    line.contains('|') && next.is_some_and(|next| is_delimiter(next.trim()))
}

fn is_delimiter(line: &str) -> bool {
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

fn table(first: &str, lines: &mut Peekable<Lines<'_>>, blocks: &mut Vec<Block>, struck: &mut usize) {
    let text = |cell: &String, struck: &mut usize| super::one_line(&inline::read(cell.trim(), struck));
    let mut rows = vec![cells(first).iter().map(|cell| text(cell, struck)).collect()];
    lines.next();
    while let Some(line) = lines.next_if(|line| line.contains('|') && !line.trim().is_empty()) {
        if is_struck_row(line) {
            *struck += 1;
            continue;
        }
        let cells = cells(line.trim());
        let mut row: Vec<String> = cells.iter().take(1).map(|cell| text(cell, struck)).collect();
        let before = *struck;
        row.extend(cells.iter().skip(1).map(|cell| text(cell, struck)));
        // Of a row whose every figure is withdrawn the name says nothing.
        let withdrawn = *struck > before && row.iter().skip(1).all(String::is_empty);
        if !withdrawn {
            rows.push(row);
        }
    }
    push_table(blocks, true, rows);
}

/// A row struck through from its first cell to its last: `~~挂失 | 10 元~~`.
fn is_struck_row(line: &str) -> bool {
    let line = line.trim_matches(|c: char| c == '|' || c.is_whitespace());
    let inner = line.strip_prefix("~~").and_then(|line| line.strip_suffix("~~"));
    inner.is_some_and(|inner| inner.contains('|') && !inner.contains("~~"))
}

/// The cells of a row, markup and all.
fn cells(line: &str) -> Vec<String> {
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'|') => {
                chars.next();
                if let Some(cell) = cells.last_mut() {
                    cell.push('|');
                }
            }
            '|' => cells.push(String::new()),
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells
}

/// Splits `---` front matter of `key: value` lines from the text.
///
/// # Errors
/// `DocumentUnreadable` for a line that is neither `key: value` nor a comment: a date lost to a typing slip would let a
/// repealed rule answer.
fn front_matter(text: &str) -> Result<(BTreeMap<String, String>, &str)> {
    let mut meta = BTreeMap::new();
    let Some(body) = text.strip_prefix("---\n") else { return Ok((meta, text)) };
    let mut consumed = 0;
    let mut closed = None;
    for line in body.split_inclusive('\n').take(MAX_FRONT_MATTER_LINES) {
        consumed += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            closed = body.get(..consumed - line.len()).zip(body.get(consumed..));
            break;
        }
    }
    let Some((front, rest)) = closed else { return Ok((meta, text)) };
    for (index, line) in front.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // Chinese input methods give the wide colon.
        let Some((key, value)) = line.split_once([':', '\u{FF1A}']).filter(|(key, _)| !key.trim().is_empty()) else {
            let message = format!("文件开头的属性(--- 之间)第 {} 行写法不对:{line}", index + 2);
            return Err(Error::new(
                Code::DocumentUnreadable,
                message,
                "每行请写成“名称: 值”,例如 effective: 2024-07-01",
            ));
        };
        meta.insert(key.trim().to_string(), unquote(value.trim()).to_string());
    }
    Ok((meta, rest))
}

fn unquote(value: &str) -> &str {
    [('"', '"'), ('\'', '\''), ('“', '”')]
        .iter()
        .find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraphs(text: &str) -> Vec<Block> {
        read(text.as_bytes()).unwrap().blocks
    }

    #[test]
    fn front_matter_is_metadata() {
        let text = "\u{FEFF}---\r\ntitle: \"挂失办法\"\r\neffective\u{FF1A}2024-07-01\n# 注释\n自定:甲:乙\n---\n# 挂失办法\n正文";
        let document = read(text.as_bytes()).unwrap();
        let meta: Vec<(&str, &str)> = document.meta.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            meta,
            [
                ("effective", "2024-07-01"),
                ("title", "挂失办法"),
                ("warning", "文件开头的属性认不出,没有用上:自定"),
                ("自定", "甲:乙")
            ]
        );
        assert_eq!(
            document.blocks,
            [Block::Heading { depth: 1, text: "挂失办法".into() }, Block::Paragraph("正文".into())]
        );
    }

    #[test]
    fn a_slip_in_front_matter_is_an_error_and_a_rule_is_none() {
        let error = read("---\ntitle: 甲\neffective 2024\n---\n正文".as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::DocumentUnreadable);
        assert!(error.message().contains("第 3 行"), "{error}");
        assert_eq!(paragraphs("---\n正文\n"), [Block::Paragraph("正文".into())]);
    }

    #[test]
    fn each_line_is_a_paragraph_of_its_own() {
        let text = "## 第一章 总则 ##\n第一条 甲。\n**第二条** 乙。\n\n- 项\n* 项二\n1. 序\n> 引用\n---\n#标签";
        let expected = ["第一条 甲。", "第二条 乙。", "- 项", "- 项二", "1. 序", "引用", "#标签"];
        let blocks = paragraphs(text);
        assert_eq!(blocks[0], Block::Heading { depth: 2, text: "第一章 总则".into() });
        assert_eq!(blocks[1..], expected.map(|t| Block::Paragraph(t.into())));
    }

    #[test]
    fn lines_before_the_mark_are_history() {
        let text =
            "# 某法\n\n2020年1月1日 通过\n\n2024年1月1日 修订\n\n<!-- INFO END -->\n\n第一条 甲。<!-- 注\n释 -->";
        let document = read(text.as_bytes()).unwrap();
        assert_eq!(document.meta["history"], "2020年1月1日 通过\n2024年1月1日 修订");
        assert_eq!(
            document.blocks,
            [Block::Heading { depth: 1, text: "某法".into() }, Block::Paragraph("第一条 甲。".into())]
        );
    }

    #[test]
    fn pipes_with_dashes_are_a_table() {
        let text = "收费如下:\n| 项目 | **标准** |\n|:--|--:|\n| 挂失 | 10 元\\|张 |\n| 补卡 | |\n\n甲|乙";
        let rows =
            [["项目", "标准"], ["挂失", "10 元|张"], ["补卡", ""]].map(|r| r.map(String::from).to_vec()).to_vec();
        assert_eq!(
            paragraphs(text),
            [
                Block::Paragraph("收费如下:".into()),
                Block::Table { header: true, rows },
                Block::Paragraph("甲|乙".into()),
            ]
        );
    }

    #[test]
    fn what_is_struck_is_left_out_and_counted() {
        let text = "---\neffective: 2026-02-30\n---\n限额~~5万元~~2万元。\n- ~~旧项~~\n| 项目 | 标准 | 优惠 |\n|--|--|--|\n| 挂失 | 10元 | ~~无~~ |\n| 补卡 | ~~5元~~ | ~~无~~ |\n| ~~密封 | 8元 | 无~~ |\n~~| 副本 | 8元 | 无 |~~\n| ~~印鉴~~ | ~~9元~~ | ~~无~~ |\n| 其他 | | |";
        let document = read(text.as_bytes()).unwrap();
        assert_eq!(
            document.meta["warning"],
            "文件开头的日期读不出,没有用上:effective: 2026-02-30;10 处带删除线的文字没有读入"
        );
        let rows = [["项目", "标准", "优惠"], ["挂失", "10元", ""], ["其他", "", ""]];
        let rows = rows.map(|r| r.map(String::from).to_vec()).to_vec();
        assert_eq!(document.blocks, [Block::Paragraph("限额2万元。".into()), Block::Table { header: true, rows }]);
    }

    #[test]
    fn tables_of_converters_are_tables() {
        let text = "按下表执行:\n<table><tr><td>类别</td><td>费率</td></tr><tr><td rowspan=\"2\">普通</td><td>1.2%</td></tr>\n<tr><td>0.9&permil;</td></tr></table>另行通知。";
        let rows =
            [["类别", "费率"], ["普通", "1.2%"], ["普通", "0.9‰"]].map(|r| r.map(String::from).to_vec()).to_vec();
        assert_eq!(
            paragraphs(text),
            [
                Block::Paragraph("按下表执行:".into()),
                Block::Table { header: false, rows },
                Block::Paragraph("另行通知。".into()),
            ]
        );
    }

    #[test]
    fn code_is_kept_as_written() {
        assert_eq!(
            paragraphs("```sql\n# 不是标题\n**原样**\n```\n完"),
            [Block::Paragraph("# 不是标题".into()), Block::Paragraph("**原样**".into()), Block::Paragraph("完".into()),]
        );
    }
}
