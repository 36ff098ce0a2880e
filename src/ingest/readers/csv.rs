//! Tables as text: cells parted by commas, semicolons or tabs, quoted where they hold one (RFC 4180). They are read as a sheet of a
//! workbook is.

use super::{deadline, one_line, warn, xlsx};
use crate::error::{Code, Error, Result};
use crate::ingest::encoding;
use crate::text::document::RawDocument;

/// What may part cells; the one that the first lines have most of counts.
const DELIMITERS: [char; 4] = [',', '\t', ';', '，'];
/// Lines from which the delimiter is told.
const TOLD_WITHIN: usize = 20;
/// Most rows; a longer file is data, not a rule.
const MAX_ROWS: usize = 100_000;
/// Share of question marks among all letters from which on the words were lost when the file was made.
const LOST: f64 = 0.5;

/// Reads a table; `stem` names it.
///
/// # Errors
/// `DocumentTooLarge` beyond the limits, `DocumentUnreadable` when its words were lost or are in no known encoding.
pub(super) fn read(bytes: &[u8], stem: &str) -> Result<Vec<RawDocument>> {
    let text = encoding::decode(bytes)?;
    if is_lost(&text) {
        let message = "文件里的汉字已经变成问号,原文丢失了";
        return Err(Error::new(Code::DocumentUnreadable, message, "请回到原来的表格,另存为 .xlsx 再导入"));
    }
    let (rows, unclosed) = rows(&text)?;
    let mut documents: Vec<RawDocument> = xlsx::of_rows(rows, stem).into_iter().collect();
    if let Some(document) = documents.first_mut().filter(|_| unclosed) {
        warn(document, "有一个引号没有配对,其后的单元格可能连在一起");
    }
    Ok(documents)
}

fn is_lost(text: &str) -> bool {
    let marks = text.chars().filter(|c| *c == '?').count();
    let letters = text.chars().filter(|c| c.is_alphabetic() || *c == '?').count();
    letters > 0 && marks as f64 >= LOST * letters as f64 && text.contains("??")
}

/// The delimiter of a text.
fn delimiter(text: &str) -> char {
    let count =
        |delimiter: &char| text.lines().take(TOLD_WITHIN).map(|line| line.matches(*delimiter).count()).sum::<usize>();
    let most = DELIMITERS.iter().map(count).max().unwrap_or_default();
    DELIMITERS.into_iter().find(|delimiter| count(delimiter) == most).unwrap_or(',')
}

/// The rows, and whether a quotation was never closed.
fn rows(text: &str) -> Result<(Vec<Vec<String>>, bool)> {
    let delimiter = delimiter(text);
    let mut rows: Vec<Vec<String>> = vec![Vec::new()];
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    let end_cell = |rows: &mut Vec<Vec<String>>, cell: &mut String| {
        let said = one_line(&std::mem::take(cell));
        if let Some(row) = rows.last_mut() {
            row.push(said);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => quoted = true,
            '\n' if !quoted => {
                deadline::check()?;
                end_cell(&mut rows, &mut cell);
                if rows.len() == MAX_ROWS {
                    let message = format!("表格超过 {MAX_ROWS} 行");
                    return Err(Error::new(Code::DocumentTooLarge, message, "请拆成几个文件,或只保留制度需要的行"));
                }
                rows.push(Vec::new());
            }
            c if c == delimiter && !quoted => end_cell(&mut rows, &mut cell),
            c => cell.push(c),
        }
    }
    end_cell(&mut rows, &mut cell);
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    rows.iter_mut().for_each(|row| row.resize(width, String::new()));
    Ok((rows, quoted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::document::Block;

    fn table(text: &str) -> Vec<Vec<String>> {
        let documents = read(text.as_bytes(), "收费表").unwrap();
        let table = documents[0].blocks.iter().find_map(|block| match block {
            Block::Table { rows, .. } => Some(rows.clone()),
            _ => None,
        });
        table.unwrap()
    }

    #[test]
    fn cells_may_hold_commas_quotes_and_lines() {
        let rows = table("项目,标准\r\n挂失,\"每笔10元,\n老人\"\"免收\"\"\"\r\n补卡,5元\r\n");
        assert_eq!(rows, [["项目", "标准"], ["挂失", "每笔10元, 老人\"免收\""], ["补卡", "5元"]]);
        assert_eq!(table("项目;标准\n挂失;1,5元\n补卡;5元"), [["项目", "标准"], ["挂失", "1,5元"], ["补卡", "5元"]]);
        assert_eq!(table("项目\t标准\t备注\n挂失\t10元\n"), [["项目", "标准", "备注"], ["挂失", "10元", ""]]);
    }

    #[test]
    fn lost_words_are_an_error() {
        let error = read(b"????,????\n????,??????\n", "a").unwrap_err();
        assert_eq!(error.code(), Code::DocumentUnreadable);
        assert!(read("可否代办?,可以\n要证件吗?,要\n".as_bytes(), "a").is_ok());
    }

    #[test]
    fn an_open_quotation_is_told() {
        let documents = read("项目,标准\n\"挂失,10元\n补卡,5元\n".as_bytes(), "a").unwrap();
        assert!(documents[0].meta[super::super::WARNING_KEY].contains("引号"));
    }
}
