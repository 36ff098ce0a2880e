//! 文号: `示例银发〔2025〕12号`, `中国人民银行令〔2025〕第11号`, `国务院令第666号`, `海关总署第61号令`.

use super::{date, kind};
use crate::text::{normalize, numeral};
use crate::types::Level;

/// Longest name before the number, in characters.
const MAX_ISSUER_CHARS: usize = 40;

/// Kinds of act that carry the number of their own kind: `令〔2003〕第7号`, `公告2024年第1号`.
const ACTS: [&str; 3] = ["令", "公告", "通告"];

/// Every document number in a text, normalised to 〔〕 and without 中华人民共和国, in reading order.
pub(super) fn all(text: &str) -> Vec<String> {
    text.match_indices('号').filter_map(|(at, _)| ending_at(text, at)).collect()
}

/// A number whose issuer stands in a line of its own above: `〔2003〕第 7 号`, `（2013）第8号`, `（第285号）`, `2024年第1号`, as
/// `〔2003〕第7号`, `第285号`, `2024年第1号`. The whole line is read.
pub(super) fn nameless(line: &str) -> Option<String> {
    let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let line = line.trim_start_matches(['令', '：', ':']).trim_start_matches("公告");
    let inner = line.strip_prefix(['（', '(']).and_then(|rest| rest.strip_suffix(['）', ')']));
    let head = inner.unwrap_or(line).strip_suffix('号')?;
    let number_start = head.char_indices().rev().take_while(|&(_, c)| numeral::is_numeral(c)).last()?.0;
    let (before, number) = head.split_at_checked(number_start)?;
    numeral::parse(number)?;
    if before == "第" {
        return Some(format!("第{number}号"));
    }
    let (before, ordinal) = before.strip_suffix('第').map_or((before, ""), |rest| (rest, "第"));
    if let Some(year) = before.strip_suffix('年').and_then(year) {
        return (!ordinal.is_empty()).then(|| format!("{year}年第{number}号"));
    }
    let inner = before.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    Some(format!("〔{}〕{ordinal}{number}号", year(inner.trim_end_matches('年'))?))
}

/// A line of a letterhead without what stands beside its number: `特急 示例银发〔2025〕12号 签发人：张三` → `示例银发〔2025〕12号`.
pub(super) fn alone(line: &str) -> &str {
    let mut line = line.trim();
    for (at, sign) in line.match_indices('号') {
        if let Some((head, rest)) = line.split_at_checked(at + sign.len())
            && stands_beside(rest)
        {
            line = head;
            break;
        }
    }
    // Up to the number, the longest part that only stands beside it is dropped.
    let gaps = line.char_indices().rev().filter(|(_, c)| c.is_whitespace());
    let before = gaps.filter_map(|(at, _)| line.split_at_checked(at)).find(|(head, _)| stands_beside(head));
    before.map_or(line, |(_, rest)| rest.trim_start())
}

/// Whether words are such as stand beside a number: 特急, 机密★1年, a serial number, a day, 签发人.
fn stands_beside(words: &str) -> bool {
    /// Degrees of secrecy, before ★ and a term.
    const SECRECY: [&str; 4] = ["绝密", "机密", "秘密", "内部"];
    const BRACKETS: [char; 6] = ['（', '）', '(', ')', '【', '】'];
    let rest = words.trim_start_matches(|c: char| c.is_whitespace() || BRACKETS.contains(&c));
    let squeezed: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
    if kind::is_ornament(squeezed.trim_end_matches(BRACKETS)) || is_signers(&squeezed) {
        return true;
    }
    if let Some((_, len)) = date::leading(rest) {
        let after = rest.get(len..).unwrap_or_default();
        return after.chars().all(|c| c.is_whitespace() || BRACKETS.contains(&c)) || stands_beside(after);
    }
    let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let bare = word.trim_matches(BRACKETS);
    let mark = kind::is_ornament(bare)
        || bare.split('★').next().is_some_and(|degree| SECRECY.contains(&degree))
        || !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit());
    mark && (after.trim().is_empty() || stands_beside(after))
        || two_characters(rest).is_some_and(|(word, after)| kind::is_ornament(&word) && stands_beside(after))
}

/// A word of two characters set apart: `特 急 …`.
fn two_characters(text: &str) -> Option<(String, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let (second, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    Some((format!("{first}{second}"), rest))
}

/// `签发人：张三李四`, spaces left out.
fn is_signers(squeezed: &str) -> bool {
    /// Longest list of those who sign, in characters.
    const MAX_NAMES_CHARS: usize = 24;
    let names = ["签发人", "会签人", "签发", "会签"].iter().find_map(|office| squeezed.strip_prefix(office));
    let names = names.and_then(|names| names.strip_prefix(['：', ':']));
    names.is_some_and(|names| {
        (1..=MAX_NAMES_CHARS).contains(&names.chars().count())
            && names.chars().all(|c| normalize::is_han(c) || matches!(c, '、' | '·'))
    })
}

/// A number in the form in which two spellings of it are equal: without 第, brackets, 年 and what 印发 says about it.
pub fn key(doc_no: &str) -> String {
    doc_no.chars().filter(|c| c.is_alphanumeric() && !matches!(c, '第' | '年' | '文')).collect()
}

/// Brackets around the year, as written and as misread.
const OPEN: [char; 7] = ['〔', '［', '[', '【', '（', '(', '〈'];
const CLOSE: [char; 7] = ['〕', '］', ']', '】', '）', ')', '〉'];

fn year(text: &str) -> Option<u32> {
    numeral::parse(text.trim()).filter(|year| (1900..2200).contains(year))
}

/// Reads a document number whose 号 stands at byte `at`.
fn ending_at(text: &str, at: usize) -> Option<String> {
    let head = text.get(..at)?.trim_end();
    let number_start = head.char_indices().rev().take_while(|&(_, c)| numeral::is_numeral(c)).last()?.0;
    let number = head.get(number_start..)?;
    numeral::parse(number)?;
    let before = head.get(..number_start)?.trim_end();
    let (before, ordinal) = match before.strip_suffix('第') {
        Some(rest) => (rest.trim_end(), "第"),
        None => (before, ""),
    };
    if let Some(inner) = before.strip_suffix(CLOSE) {
        let open = inner.rfind(OPEN)?;
        let year = year(inner.get(open..)?.trim_start_matches(|c: char| !numeral::is_numeral(c)))?;
        let name = name(inner.get(..open)?)?;
        return Some(format!("{name}〔{year}〕{ordinal}{number}号"));
    }
    if let Some(inner) = before.strip_suffix('年').filter(|_| !ordinal.is_empty()) {
        let digits = inner.trim_end_matches(numeral::is_numeral);
        let year = year(inner.get(digits.len()..)?)?;
        let name = name(digits)?;
        return ACTS.iter().any(|act| name.ends_with(act)).then(|| format!("{name}{year}年第{number}号"));
    }
    if let Some(rest) = before.strip_suffix('令') {
        return (!ordinal.is_empty()).then(|| name(rest)).flatten().map(|name| format!("{name}令第{number}号"));
    }
    let after = text.get(at + '号'.len_utf8()..)?;
    (!ordinal.is_empty() && after.starts_with('令'))
        .then(|| name(before))
        .flatten()
        .map(|name| format!("{name}令第{number}号"))
}

/// The run of Han characters and 、 that `text` ends with, without what leads up to a name.
fn name(text: &str) -> Option<String> {
    let text = text.trim_end();
    let start = text
        .char_indices()
        .rev()
        .take(MAX_ISSUER_CHARS)
        .take_while(|&(_, c)| (normalize::is_han(c) || c == '、') && !matches!(c, '日' | '以' | '由' | '经'))
        .last()?
        .0;
    let run = text.get(start..)?.trim_matches('、').replace("中华人民共和国", "");
    // 一、示例银发〔2025〕1号: the mark of a list is no part of a name.
    let run = match run.split_once('、') {
        Some((mark, name)) if !mark.is_empty() && mark.chars().all(numeral::is_numeral) => name,
        _ => &run,
    };
    let run = run.trim_start_matches("根据").trim_start_matches("依照");
    (!run.is_empty()).then(|| run.to_owned())
}

/// The issuer that a document number names: `中国人民银行令〔2025〕第11号` → `中国人民银行`. Empty for abbreviations (`银发`).
pub(super) fn issuer(doc_no: &str) -> String {
    let name = doc_no.find(|c: char| matches!(c, '〔' | '第') || c.is_ascii_digit()).and_then(|at| doc_no.get(..at));
    match name.and_then(|name| ACTS.iter().find_map(|act| name.strip_suffix(act))) {
        Some("主席") => "全国人民代表大会常务委员会".to_owned(),
        Some(name) => name.to_owned(),
        None if doc_no.starts_with("法释") || doc_no.starts_with("法发") => "最高人民法院".to_owned(),
        None if doc_no.starts_with("高检发") => "最高人民检察院".to_owned(),
        None => String::new(),
    }
}

/// The level that a document number implies.
pub(super) fn level(doc_no: &str) -> Option<Level> {
    if doc_no.starts_with("法释") || doc_no.starts_with("高检发释字") {
        Some(Level::JudicialInterpretation)
    } else if doc_no.starts_with("国务院") && doc_no.contains('令') || doc_no.starts_with("国发") {
        Some(Level::AdministrativeRegulation)
    } else if doc_no.starts_with("主席令") {
        Some(Level::Law)
    } else if doc_no.contains('令') {
        Some(Level::DepartmentRule)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_form() {
        for (text, doc_no) in [
            ("示例银发〔2025〕12号", "示例银发〔2025〕12号"),
            ("示例银发[2025]12号", "示例银发〔2025〕12号"),
            ("中国人民银行令〔2025〕第11号", "中国人民银行令〔2025〕第11号"),
            ("（法释〔2020〕17号）", "法释〔2020〕17号"),
            ("2008年1月31日 中华人民共和国国务院令第517号公布", "国务院令第517号"),
            ("2018年6月28日中华人民共和国国务院令第699号修订", "国务院令第699号"),
            ("1993年3月31日 中华人民共和国主席令第三号公布", "主席令第三号"),
            ("1997年4月10日 海关总署第61号令发布", "海关总署令第61号"),
            ("最高人民法院以法发〔1993〕15号通知印发", "法发〔1993〕15号"),
            ("劳社部发［2008］3号", "劳社部发〔2008〕3号"),
        ] {
            assert_eq!(all(text), [doc_no], "{text}");
        }
        assert_eq!(all("示例银行公告2024年第1号"), ["示例银行公告2024年第1号"]);
        assert!(all("全国人民代表大会公告第八号，窗口3号，2025年3月1号，2025年第1号").is_empty());
    }

    #[test]
    fn numbers_under_a_letterhead() {
        for (line, number) in [
            ("〔2003〕第 7 号", "〔2003〕第7号"),
            ("（2013）第8号", "〔2013〕第8号"),
            ("[2004]第 12 号", "〔2004〕第12号"),
            ("公告（2009）第10号", "〔2009〕第10号"),
            ("（第285号）", "第285号"),
            ("2024年第1号", "2024年第1号"),
        ] {
            assert_eq!(nameless(line).as_deref(), Some(number), "{line}");
        }
        for line in ["示例银发〔2025〕12号", "窗口3号", "本公告第3号", "2025年3月1号"] {
            assert_eq!(nameless(line), None, "{line}");
        }
        assert_eq!(key("中国人民银行令〔2003〕第5号"), key("中国人民银行令〔2003〕5号"));
    }

    #[test]
    fn what_is_no_number() {
        assert!(all("窗口3号").is_empty());
    }

    #[test]
    fn issuer_and_level() {
        assert_eq!(issuer("国务院令第517号"), "国务院");
        assert_eq!(issuer("中国人民银行令〔2025〕第11号"), "中国人民银行");
        assert_eq!(issuer("示例银发〔2025〕12号"), "");
        assert_eq!(level("国务院令第517号"), Some(Level::AdministrativeRegulation));
        assert_eq!(level("公安部令第127号"), Some(Level::DepartmentRule));
        assert_eq!(level("示例银发〔2025〕12号"), None);
    }
}
