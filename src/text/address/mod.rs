//! Clause addresses: reading them wherever people and rules write them, and printing them.
//!
//! An address is `第二十条之一第二款第（三）项第2目`, in any numerals, with or without brackets and spaces; at the counter
//! also `29条2款`. A scene of a guide (`场景三`) and an annex (`附件一`) are addresses too. [`find_in_query`] takes a
//! question apart into document, address and rest; [`references`] finds the cross-references inside a rule.

mod query;
mod reference;
mod title;

pub use query::{AddressQuery, find_in_query};
pub use reference::{Reference, references};

use super::numeral;
use crate::types::ClauseAddress;

/// Words that open a numbered address without 条.
const LABELLED: [&str; 4] = ["场景", "附件", "附录", "附表"];

/// Prints an address in full: `第二十九条第二款第（三）项第2目`. Texts without 条 print their label first.
pub fn print(address: &ClauseAddress) -> String {
    let mut out = match address.article {
        Some(article) => article_label(article, address.insert),
        None => address.label.clone(),
    };
    if let Some(n) = address.paragraph {
        out.push_str(&format!("第{}款", numeral::to_chinese(n)));
    }
    if let Some(n) = address.item {
        out.push_str(&format!("第（{}）项", numeral::to_chinese(n)));
    }
    if let Some(n) = address.point {
        out.push_str(&format!("第{n}目"));
    }
    out
}

/// The label of a 条: `第二十条`, or `第二十条之一` when `insert` is not 0.
pub fn article_label(article: u32, insert: u32) -> String {
    let mut out = format!("第{}条", numeral::to_chinese(article));
    if insert > 0 {
        out.push('之');
        out.push_str(&numeral::to_chinese(insert));
    }
    out
}

/// The address of a whole 条.
pub fn article(article: u32, insert: u32) -> ClauseAddress {
    ClauseAddress { article: Some(article), insert, label: article_label(article, insert), ..ClauseAddress::default() }
}

/// The address of a text without 条, by its label.
pub fn labelled(label: impl Into<String>) -> ClauseAddress {
    ClauseAddress { label: label.into(), ..ClauseAddress::default() }
}

/// Reads a whole string as an address: `第29条第2款`, `二十九条二款`, `场景三`. `None` when anything is left over.
pub fn parse(text: &str) -> Option<ClauseAddress> {
    let text = text.trim();
    let (address, end) = leading(text)?;
    (end == text.len()).then_some(address)
}

/// Reads the address that `text` begins with, 第 before 条 being optional: the address and its length in bytes.
pub fn leading(text: &str) -> Option<(ClauseAddress, usize)> {
    if let Some(found) = leading_labelled(text) {
        return Some(found);
    }
    let mut cursor = Cursor { text, at: 0 };
    cursor.eat("第");
    cursor.skip_spaces();
    let number = cursor.number()?;
    cursor.skip_spaces();
    if number == 0 || !cursor.eat("条") {
        return None;
    }
    let mut address = article(number, cursor.insert());
    cursor.parts(&mut address);
    Some((address, cursor.at))
}

/// `场景三`, `附件1` at the start of `text`; the label comes out with Chinese numerals.
fn leading_labelled(text: &str) -> Option<(ClauseAddress, usize)> {
    if let Some(found) = leading_point(text) {
        return Some(found);
    }
    let word = LABELLED.into_iter().find(|word| text.starts_with(word))?;
    let mut cursor = Cursor { text, at: word.len() };
    cursor.skip_spaces();
    let number = cursor.number()?;
    let mut address = labelled(format!("{word}{}", numeral::to_chinese(number)));
    cursor.parts(&mut address);
    Some((address, cursor.at))
}

/// `第二点`, as the sections `二、` of a notice are spoken of, with its （一） and 1. behind it.
fn leading_point(text: &str) -> Option<(ClauseAddress, usize)> {
    let mut cursor = Cursor { text, at: 0 };
    if !cursor.eat("第") {
        return None;
    }
    cursor.skip_spaces();
    let number = cursor.number().filter(|number| *number > 0)?;
    if !cursor.eat("点") {
        return None;
    }
    let mut address = labelled(format!("第{}点", numeral::to_chinese(number)));
    cursor.parts(&mut address);
    Some((address, cursor.at))
}

/// What the label of a section `二、…` begins with, for an address 第二点.
pub fn section_mark(address: &ClauseAddress) -> Option<String> {
    let number = address.label.strip_prefix('第')?.strip_suffix('点')?;
    Some(format!("{number}、"))
}

/// Most parts of a number in figures, and the largest of them: years and amounts are no addresses.
const MAX_DECIMAL: (usize, u32) = (6, 99);

/// `2.1.2` at the start of `text`, as procedures number their clauses. What counts or measures (`2.5%`, `1.5万元`) is none, nor is a day.
fn leading_decimal(text: &str) -> Option<(ClauseAddress, usize)> {
    let len = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let label = text.get(..len)?.trim_end_matches('.');
    let parts: Vec<u32> = label.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let fits =
        (2..=MAX_DECIMAL.0).contains(&parts.len()) && parts.iter().all(|part| *part > 0 && *part <= MAX_DECIMAL.1);
    let after = text.get(label.len()..)?.trim_start();
    let measures =
        ["%", "％", "‰", "万", "亿", "元", "块", "倍", "折", "年", "月", "日", "号", "克", "米", "美", "个", "版"];
    (fits && !measures.iter().any(|word| after.starts_with(word))).then(|| (labelled(label), label.len()))
}

/// A read position in a text.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn eat_any(&mut self, tokens: &[&str]) -> bool {
        tokens.iter().any(|token| self.eat(token))
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\u{3000}', '\u{A0}']).len();
    }

    fn number(&mut self) -> Option<u32> {
        let (n, len) = numeral::leading(self.rest())?;
        self.at += len;
        Some(n)
    }

    /// `（三）` or `(3)`.
    fn bracketed(&mut self) -> Option<u32> {
        let mut ahead = *self;
        if !ahead.eat_any(&["（", "("]) {
            return None;
        }
        ahead.skip_spaces();
        let n = ahead.number()?;
        ahead.skip_spaces();
        if !ahead.eat_any(&["）", ")"]) {
            return None;
        }
        *self = ahead;
        Some(n)
    }

    /// `之一` after 条; 0 when there is none (`第十条之规定`).
    fn insert(&mut self) -> u32 {
        let mut ahead = *self;
        ahead.skip_spaces();
        if !ahead.eat("之") {
            return 0;
        }
        match ahead.number() {
            Some(n) => {
                *self = ahead;
                n
            }
            None => 0,
        }
    }

    /// One `第二款`, `二款`, `第2项`, `第（三）项`, `（三）`: the numbers before the unit (`第一、三款` has two).
    fn part(&mut self, unit: &str) -> Option<Vec<u32>> {
        let mut ahead = *self;
        ahead.skip_spaces();
        ahead.eat("第");
        ahead.skip_spaces();
        let mut numbers = Vec::new();
        let mut bracketed = false;
        loop {
            match ahead.bracketed() {
                Some(n) => {
                    bracketed = true;
                    numbers.push(n);
                }
                None => numbers.push(ahead.number()?),
            }
            ahead.skip_spaces();
            if ahead.eat(unit) {
                break;
            }
            let before_joiner = ahead;
            let goes_on = ahead.eat_any(&["、", "和", "及", "或者", "或"])
                && (ahead.rest().starts_with(['（', '(']) || numeral::leading(ahead.rest()).is_some());
            if !goes_on {
                // 第三条（二）: an item may lack its unit, a bare number may not.
                if !(bracketed && unit == "项") {
                    return None;
                }
                ahead = before_joiner;
                break;
            }
        }
        *self = ahead;
        Some(numbers)
    }

    /// 款, 项 and 目 after the 条, each optional; of a list the first counts.
    fn parts(&mut self, address: &mut ClauseAddress) {
        if let Some(numbers) = self.part("款") {
            address.paragraph = numbers.first().copied();
        }
        if let Some(numbers) = self.part("项") {
            address.item = numbers.first().copied();
        }
        if let Some(numbers) = self.part("目") {
            address.point = numbers.first().copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, printed) in [
            ("第二十条之一第二款第(三)项第2目", "第二十条之一第二款第（三）项第2目"),
            ("第29条第2款", "第二十九条第二款"),
            ("第 29 条 第 2 款", "第二十九条第二款"),
            ("第２９条第２款", "第二十九条第二款"),
            ("二十九条二款", "第二十九条第二款"),
            ("第一千二百六十条", "第一千二百六十条"),
            ("第一千零五条", "第一千零五条"),
            ("29条", "第二十九条"),
            ("29条2款(3)项", "第二十九条第二款第（三）项"),
            ("第三条（二）", "第三条第（二）项"),
            ("第三条第二项", "第三条第（二）项"),
            ("第一百二十条之六", "第一百二十条之六"),
            ("场景三", "场景三"),
            ("场景3", "场景三"),
            ("附件1第二款", "附件一第二款"),
            ("第2点第（三）项", "第二点第（三）项"),
            ("第二点（三）", "第二点第（三）项"),
        ] {
            assert_eq!(parse(text).map(|a| print(&a)).as_deref(), Some(printed), "{text}");
        }
    }

    #[test]
    fn refuses_other_text() {
        for text in ["", "第条", "条", "第二十", "第十条规定", "第零条", "两款", "第10章", "场景", "第九条之规定"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(leading("第九条之规定").map(|(a, n)| (a.insert, n)), Some((0, "第九条".len())));
    }

    #[test]
    fn printed_addresses_read_back() {
        for n in 1..2000u32 {
            let mut address = article(n, n % 7);
            address.paragraph = (n % 3 > 0).then_some(n % 11 + 1);
            address.item = (n % 4 > 0).then_some(n % 23 + 1);
            address.point = (n % 4 == 3).then_some(n % 5 + 1);
            assert_eq!(parse(&print(&address)), Some(address), "{n}");
        }
    }
}
