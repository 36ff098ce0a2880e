//! Lines: what blocks look like to the parser, and the marks a line can begin with.

use crate::text::document::Block;
use crate::text::numeral;

/// Longest line that is taken for a heading when nothing but its wording says so, in characters.
pub(super) const MAX_HEADING_CHARS: usize = 40;

/// One line of the source. Tables are kept whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A heading that the reader saw, with its outline depth.
    Heading { depth: u8, text: String },
    /// Running text.
    Text(String),
    /// A table: as Markdown rows joined by `\n`, and as cells. The first row is the header when `header` is set.
    Table { text: String, header: bool, rows: Vec<Vec<String>> },
}

impl Line {
    /// The text of the line, tables included.
    pub(super) fn text(&self) -> &str {
        match self {
            Line::Heading { text, .. } | Line::Text(text) | Line::Table { text, .. } => text,
        }
    }

    /// Whether this is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Line::Table { .. })
    }
}

/// Flattens blocks into lines; empty ones are dropped, paragraphs with line breaks become several lines.
pub(super) fn lines(blocks: &[Block]) -> Vec<Line> {
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::Heading { depth, text } => {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if !text.is_empty() {
                    out.push(Line::Heading { depth: *depth, text });
                }
            }
            Block::Paragraph(text) => {
                let parts = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
                out.extend(parts.map(|line| Line::Text(line.to_owned())));
            }
            Block::Table { header, rows } => {
                let mut rows: Vec<Vec<String>> = rows.iter().filter_map(|cells| table_row(cells)).collect();
                // Spreadsheets store no empty cells at the end of a row.
                let width = rows.iter().map(Vec::len).max().unwrap_or_default();
                rows.iter_mut().for_each(|cells| cells.resize(width, String::new()));
                if !rows.is_empty() {
                    let text: Vec<String> = rows.iter().map(|cells| super::table::line(cells)).collect();
                    out.push(Line::Table { text: text.join("\n"), header: *header, rows });
                }
            }
        }
    }
    out
}

/// Cells on one line each; `None` for a row of empty cells.
fn table_row(cells: &[String]) -> Option<Vec<String>> {
    let cells: Vec<String> = cells.iter().map(|c| c.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    cells.iter().any(|c| !c.is_empty()).then_some(cells)
}

/// Units of the chapter path, outermost first; their place is their rank.
const UNITS: [&str; 4] = ["编", "分编", "章", "节"];

/// The rank of a chapter line: 0 for 编, 1 分编, 2 章, 3 节; `None` when the line is no chapter line.
///
/// `第三章 法律责任` is one; `第三章规定的`, or a line that reads as a sentence, is not.
pub(super) fn chapter_rank(line: &str) -> Option<usize> {
    let rest = strip_ordinal(line)?;
    let (rank, unit) = UNITS.iter().enumerate().find(|(_, unit)| rest.starts_with(**unit))?;
    let title = rest.get(unit.len()..)?;
    let prose = title.starts_with(['、', '和', '至', '的', '第', '，', ',', '及', '与', '中'])
        || title.trim_start().starts_with("规定")
        || title.ends_with(['。', '；', '，', '：', ';', ':'])
        || title.chars().count() > MAX_HEADING_CHARS;
    // 第一节 may be cited in running text without a space; a real title without one still reads as a short phrase.
    (!prose).then_some(rank)
}

/// What follows `第N` (`第` also in its misprint `笫`), when the line begins so.
pub(super) fn strip_ordinal(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['第', '笫'])?.trim_start_matches(' ');
    let (_, len) = numeral::leading(rest)?;
    Some(rest.get(len..)?.trim_start_matches(' '))
}

/// Marks of enumeration, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// `一、`
    Section,
    /// `（一）`, `(一)`, `㈠`
    Item,
    /// `1.`, `1．`, `1、`, `(1)`, `（1）`, `①`
    Point,
}

/// The enumeration mark that a line begins with: its kind, number and length in bytes.
pub(crate) fn mark(line: &str) -> Option<(Mark, u32, usize)> {
    let first = line.chars().next()?;
    let single = |kind, base: char| {
        let n = u32::from(first).checked_sub(u32::from(base))?.checked_add(1)?;
        Some((kind, n, first.len_utf8()))
    };
    match first {
        '㈠'..='㈩' => return single(Mark::Item, '㈠'),
        '⑴'..='⒇' => return single(Mark::Point, '⑴'),
        '①'..='⑳' => return single(Mark::Point, '①'),
        '⒈'..='⒛' => return single(Mark::Point, '⒈'),
        '（' | '(' => {
            let inner = line.get(first.len_utf8()..)?;
            let trimmed = inner.trim_start_matches(' ');
            let (n, len) = numeral::leading(trimmed)?;
            let written = trimmed.get(..len)?;
            let after = trimmed.get(len..)?.trim_start_matches(' ');
            let close = after.chars().next().filter(|c| matches!(c, '）' | ')'))?;
            let used = line.len() - after.len() + close.len_utf8();
            let kind = if starts_arabic(written) { Mark::Point } else { Mark::Item };
            return Some((kind, n, used));
        }
        _ => {}
    }
    let (n, len) = numeral::leading(line)?;
    let after = line.get(len..)?;
    let sign = after.chars().next()?;
    let next = after.get(sign.len_utf8()..).and_then(|rest| rest.chars().next());
    if starts_arabic(line) {
        // 3.5% and 1.1 are no points; years and amounts have more digits than a list.
        let point = match sign {
            '.' | '．' => !next.is_some_and(|c| c.is_ascii_digit() || ('０'..='９').contains(&c)),
            '、' | ')' | '）' => true,
            _ => false,
        };
        return (point && len <= 3 * '９'.len_utf8() && n < 1000).then(|| (Mark::Point, n, len + sign.len_utf8()));
    }
    // 一、二类户 counts kinds, it does not begin a section.
    let counts_on = after.get(sign.len_utf8()..).and_then(numeral::leading).is_some_and(|(next, _)| next == n + 1);
    (sign == '、' && !counts_on).then(|| (Mark::Section, n, len + sign.len_utf8()))
}

fn starts_arabic(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_ascii_digit() || ('０'..='９').contains(&c))
}

/// Whether a line reads as a heading: short, and without the punctuation of a sentence.
pub(super) fn reads_as_heading(line: &str) -> bool {
    line.chars().count() <= MAX_HEADING_CHARS && !line.contains(['。', '；', '！', '？', '，', '：', ';', ':', ','])
}

/// Whether a line ends where a sentence or list item may end, so that the next line can begin something new.
pub(super) fn ends_sentence(line: &str) -> bool {
    line.trim_end().ends_with(['。', '；', '：', '！', '？', '”', '）', '】', '|', ';', ':', '!', '?', ')', '.', '…'])
}

/// A text without the line breaks at which a line of prose was wrapped: a line that ends no sentence goes on in the next one, unless
/// that begins an item or is a table.
pub(super) fn unwrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let begins = out.is_empty() || ends_sentence(&out) || mark(line).is_some() || line.starts_with('|');
        if begins && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_every_kind() {
        for (line, expected) in [
            ("（一）吸收公众存款；", Some((Mark::Item, 1))),
            ("(十二)其他", Some((Mark::Item, 12))),
            ("㈢其他", Some((Mark::Item, 3))),
            ("(3)其他", Some((Mark::Point, 3))),
            ("一、总体要求", Some((Mark::Section, 1))),
            ("1.核对", Some((Mark::Point, 1))),
            ("2．核对", Some((Mark::Point, 2))),
            ("12、核对", Some((Mark::Point, 12))),
            ("①核对", Some((Mark::Point, 1))),
            ("1.1 范围", None),
            ("3.5%的利率", None),
            ("2025年", None),
            ("一九九五年", None),
            ("三个月", None),
            ("（试行）", None),
            ("一、二类户", None),
            ("二、一般规定", Some((Mark::Section, 2))),
        ] {
            assert_eq!(mark(line).map(|(kind, n, _)| (kind, n)), expected, "{line}");
        }
    }

    #[test]
    fn chapters_are_told_from_prose() {
        assert_eq!(chapter_rank("第三章 法律责任"), Some(2));
        assert_eq!(chapter_rank("第三章法律责任"), Some(2));
        assert_eq!(chapter_rank("第一分编 通则"), Some(1));
        assert_eq!(chapter_rank("第 2 节 证人"), Some(3));
        assert_eq!(chapter_rank("第三章规定的职责，由"), None);
        assert_eq!(chapter_rank("第二章、第三章另有规定的"), None);
        assert_eq!(chapter_rank("第三条 范围"), None);
    }
}
