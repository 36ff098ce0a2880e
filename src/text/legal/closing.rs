//! The end of a text: the list of its annexes, the signature and the day under it.

use super::kind::{self, Kind};
use super::line::{Line, Mark, mark};
use crate::types::Date;

/// What stood at the end.
#[derive(Debug, Default)]
pub(super) struct Closing {
    /// Who signed, joined by 、.
    pub(super) issuer: String,
    /// The day under the text.
    pub(super) signed: Option<Date>,
    /// The list `附件：1.…`.
    pub(super) listing: Vec<Line>,
    /// The lines taken off, without the list.
    pub(super) notes: Vec<String>,
}

/// Lines that a signature of many issuers may take.
const MAX_SIGNATURE_LINES: usize = 24;
/// Lines from the start in which a letter has its number.
const LETTERHEAD_LINES: usize = 6;
/// Lines that a list of annexes may take.
const MAX_LISTING_LINES: usize = 40;

/// Takes signature and list of annexes off the end. Names of issuers are a signature only over a day, or under a letter.
pub(super) fn take(lines: &mut Vec<Line>) -> Closing {
    let mut closing = Closing::default();
    let kinds: Vec<Option<Kind>> = lines
        .iter()
        .rev()
        .take(MAX_SIGNATURE_LINES)
        .map(|line| if line.is_table() { None } else { kind::of(line.text()) })
        .collect();
    // A letter with a number is signed under its last sentence, with or without a day.
    let below = kinds.iter().take_while(|kind| matches!(kind, Some(Kind::Ornament | Kind::Signer))).count();
    let names = kinds.iter().skip(below).take_while(|kind| matches!(kind, Some(Kind::Letterhead(_, "")))).count();
    let numbered =
        |line: &Line| matches!(kind::of(line.text()), Some(Kind::Number(..) | Kind::Nameless(_))) && !line.is_table();
    let undated = names > 0
        && lines.iter().rev().nth(below + names).is_some_and(|line| !line.is_table() && line.text().ends_with('。'))
        && lines.iter().take(LETTERHEAD_LINES).any(numbered);
    let mut taken = 0;
    let mut signers: Vec<String> = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let text = lines.iter().rev().nth(at).map_or("", Line::text);
        match kind {
            Some(Kind::Dated(date)) if closing.signed.is_none() => closing.signed = Some(*date),
            Some(Kind::Ornament | Kind::Signer) => {}
            Some(Kind::Letterhead(name, "")) if undated || closing.signed.is_some() => signers.push(name.clone()),
            None if closing.signed.is_some() && kind::is_organ(text) && text.chars().count() <= 40 => {
                signers.push(text.split_whitespace().collect());
            }
            _ => break,
        }
        taken = at + 1;
    }
    // A text of nothing but a name and a day stays.
    if taken < lines.len() {
        closing.notes = lines.split_off(lines.len() - taken).iter().map(|line| line.text().to_owned()).collect();
        signers.reverse();
        closing.issuer = signers.join("、");
    }
    let listed = lines.iter().rev().take(MAX_LISTING_LINES).position(|line| {
        line.text().starts_with("附件：") || line.text().starts_with("附件:") || line.text().starts_with("附：")
    });
    if let Some(at) = listed.map(|back| lines.len() - 1 - back).filter(|at| *at > 0) {
        let entries = lines.get(at + 1..).unwrap_or_default();
        let only_entries = entries.iter().all(|line| {
            let text = line.text();
            !line.is_table() && !text.contains('。') && !matches!(mark(text), Some((Mark::Section | Mark::Item, _, _)))
        });
        if only_entries {
            closing.listing = lines.split_off(at);
        }
    }
    closing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<Line> {
        text.iter().map(|line| Line::Text((*line).to_owned())).collect()
    }

    #[test]
    fn signature_and_list_are_no_provisions() {
        let mut body = lines(&[
            "一、按新标准执行。",
            "附件：1.收费表",
            "2.名单",
            "示例银行股份有限公司",
            "示 例 科 技 部",
            "2025年3月18日",
        ]);
        let closing = take(&mut body);
        assert_eq!(body, lines(&["一、按新标准执行。"]));
        assert_eq!(closing.issuer, "示例银行股份有限公司、示例科技部");
        assert_eq!(closing.signed, Some("2025-03-18".parse().unwrap()));
        assert_eq!(closing.listing.len(), 2);
        let mut body = lines(&["第一条 由总行解释。", "示例银行"]);
        assert_eq!((take(&mut body).signed, body.len()), (None, 2), "a name alone is no signature");
        let mut body = lines(&["湖农商办发〔2026〕33号", "关于代办业务的通知", "请各支行核实。", "湖农商行办公室"]);
        let closing = take(&mut body);
        assert_eq!((closing.issuer.as_str(), closing.signed, body.len()), ("湖农商行办公室", None, 3));
    }
}
