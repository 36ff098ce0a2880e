//! A question that names a clause: document, address and what else was asked.

use super::title::{self, Before, Style};
use crate::text::numeral;
use crate::types::ClauseAddress;

/// A question taken apart at the address it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressQuery {
    /// The document named before the address, without 《》, as the user wrote it (`商业银行法`); `None` when none is named.
    pub document: Option<String>,
    /// The address.
    pub address: ClauseAddress,
    /// The question without document and address; empty when nothing else was asked.
    pub rest: String,
}

/// Things that are counted in 条 and are no clauses: `第2条短信`.
const COUNTED: [&str; 8] = ["短信", "流水", "记录", "信息", "消息", "明细", "微信", "线"];

/// Finds the first clause address in a question, raw or normalised.
///
/// With 第 it always counts. Without (`29条`) it counts only where nothing else can be meant: after a document's name,
/// with 款, 项 or 目 behind it, or as the whole question.
pub fn find_in_query(text: &str) -> Option<AddressQuery> {
    let text = text.trim();
    let mut previous = None;
    for (at, c) in text.char_indices() {
        let here = text.get(at..)?;
        let inside_number = numeral::is_numeral(c) && previous.is_some_and(|p| numeral::is_numeral(p) || p == '第');
        previous = Some(c);
        if inside_number {
            continue;
        }
        let decimal = || super::leading_decimal(here).filter(|_| !previous_is_point(text, at));
        let Some((address, len)) = super::leading(here).or_else(decimal) else { continue };
        let by_point = super::section_mark(&address).is_some();
        let by_number = address.article.is_none() && address.label.starts_with(|c: char| c.is_ascii_digit());
        let after = here.get(len..)?;
        if COUNTED.iter().any(|word| after.starts_with(word)) {
            continue;
        }
        let head = text.get(..at)?;
        let (document, start) = match title::before(head, Style::Question) {
            Before::Named { title, start } => (Some(title), start),
            _ if by_number || by_point => (None, at),
            _ if address.article.is_none() => scene_title(head),
            _ => (None, at),
        };
        let marked = !by_point && !by_number && (c == '第' || address.article.is_none());
        let detailed = address.paragraph.is_some() || address.item.is_some() || address.point.is_some();
        let alone = head.trim().is_empty() && after.trim().is_empty();
        if !(marked || detailed || alone || document.is_some()) {
            continue;
        }
        let head = title::strip_lead_ins(text.get(..start)?);
        let after = after.trim_start_matches(|c: char| c == '的' || c.is_whitespace() || ",，。:：、".contains(c));
        let rest = [head, after.trim_end()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        return Some(AddressQuery { document, address, rest });
    }
    None
}

/// Whether a figure goes on with the one before it (`1.2.3` from its second part on).
fn previous_is_point(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|head| head.ends_with('.') || head.ends_with(|c: char| c.is_ascii_digit()))
}

/// Before 场景三 any run of words names the guide: 身份证件过期客户业务场景三.
fn scene_title(head: &str) -> (Option<String>, usize) {
    let trimmed = head.trim_end_matches([' ', '\u{3000}', '的']);
    let start = trimmed
        .rfind(['，', ',', '。', '？', '?', '\n'])
        .map_or(0, |at| at + trimmed.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8));
    let run = trimmed.get(start..).unwrap_or_default().trim();
    if run.is_empty() { (None, head.len()) } else { (Some(run.to_owned()), start) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address::print;

    #[test]
    fn takes_questions_apart() {
        for (text, document, address, rest) in [
            ("商业银行法第二十九条第二款", Some("商业银行法"), "第二十九条第二款", ""),
            ("《商业银行法》第29条第2款讲什么", Some("商业银行法"), "第二十九条第二款", "讲什么"),
            ("请问商业银行法第29条怎么规定的", Some("商业银行法"), "第二十九条", "怎么规定的"),
            (
                "根据中华人民共和国反洗钱法第三十条，账户冻结多久",
                Some("中华人民共和国反洗钱法"),
                "第三十条",
                "账户冻结多久",
            ),
            ("民法典1260条", Some("民法典"), "第一千二百六十条", ""),
            ("民法典的第一千一百二十二条", Some("民法典"), "第一千一百二十二条", ""),
            ("2006年的反洗钱法第5条", Some("反洗钱法"), "第五条", "2006年的"),
            ("《示例银行账户管理办法》（试行）第三条", Some("示例银行账户管理办法（试行）"), "第三条", ""),
            (
                "示例银行个人客户身份识别管理办法第十五条第二款",
                Some("示例银行个人客户身份识别管理办法"),
                "第十五条第二款",
                "",
            ),
            (
                "金融机构客户尽职调查和客户身份资料及交易记录保存管理办法第8条",
                Some("金融机构客户尽职调查和客户身份资料及交易记录保存管理办法"),
                "第八条",
                "",
            ),
            ("第29条第2款", None, "第二十九条第二款", ""),
            ("二十九条二款", None, "第二十九条第二款", ""),
            ("29条", None, "第二十九条", ""),
            ("那第三十条呢", None, "第三十条", "那 呢"),
            ("刑法第一百二十条之一第二款", Some("刑法"), "第一百二十条之一第二款", ""),
            (
                "示例银行柜面操作指引：身份证件过期客户业务 场景一",
                Some("示例银行柜面操作指引：身份证件过期客户业务"),
                "场景一",
                "",
            ),
            ("场景3", None, "场景三", ""),
            (
                "银行能不能查询个人存款，商业银行法第二十九条",
                Some("商业银行法"),
                "第二十九条",
                "银行能不能查询个人存款，",
            ),
            ("本办法第六条", None, "第六条", "本办法"),
            ("流星卡操作规程2.1.2", Some("流星卡操作规程"), "2.1.2", ""),
            ("《示例银行柜面操作规程》3.1 怎么说", Some("示例银行柜面操作规程"), "3.1", "怎么说"),
            ("2.1.2", None, "2.1.2", ""),
            ("关于加强现金管理的通知第二点第（三）项", Some("关于加强现金管理的通知"), "第二点第（三）项", ""),
        ] {
            let found = find_in_query(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.document.as_deref(), document, "{text}");
            assert_eq!(print(&found.address), address, "{text}");
            assert_eq!(found.rest, rest, "{text}");
        }
    }

    #[test]
    fn leaves_other_questions_alone() {
        for text in [
            "",
            "身份证过期三个月,卡还能取钱吗",
            "打印20条流水要钱吗",
            "有三条规定",
            "第2条短信没收到",
            "5万美元额度用完",
            "一条龙",
            "依照规定能取吗",
            "利率2.5%怎么算",
            "操作规程里1.5万元的限额",
            "2024.7.1的规定",
            "存了3.2到期取",
            "这里的第二点怎么办",
        ] {
            assert_eq!(find_in_query(text), None, "{text}");
        }
    }
}
