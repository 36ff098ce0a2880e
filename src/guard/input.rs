//! The question as it may be used: readable, short, without personal data.

use super::redact::{PiiKind, redact};
use crate::error::{Code, Error, Result};
use crate::text::normalize::is_invisible;
use unicode_normalization::char::is_combining_mark;

/// Longest question in characters (Unicode scalar values), blanks at the ends not counted.
pub const MAX_QUESTION_CHARS: usize = 500;
/// Longest question in bytes, looked at before anything else is done: every question of [`MAX_QUESTION_CHARS`] fits,
/// with as many blanks around it.
pub const MAX_QUESTION_BYTES: usize = 4096;
/// One character in this many may be private use, unassigned or a combining mark: rare characters of names are written so.
const GARBAGE_SHARE: usize = 5;

/// A question that passed [`check_question`]. Its text is masked: it may be logged, embedded, prompted with and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedQuestion {
    text: String,
    notices: Vec<String>,
    found: Vec<PiiKind>,
}

impl GuardedQuestion {
    /// The question, on one line, with personal data masked and secrets removed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the teller should know about the check, in Chinese: what was masked, what was removed.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The kinds of personal data that were masked or removed, each once.
    pub fn found(&self) -> &[PiiKind] {
        &self.found
    }
}

/// Checks a question as it was typed.
///
/// # Errors
/// `QUESTION_TOO_LONG` beyond [`MAX_QUESTION_BYTES`] or [`MAX_QUESTION_CHARS`], `QUESTION_UNREADABLE` with control or
/// replacement characters or when it is mostly unassigned ones, `QUESTION_EMPTY` when no letter or digit is in it or only
/// a secret was.
pub fn check_question(raw: &str) -> Result<GuardedQuestion> {
    if raw.len() > MAX_QUESTION_BYTES {
        return Err(too_long(&format!("问题有{}字节,超过{MAX_QUESTION_BYTES}字节的上限", raw.len())));
    }
    let cleaned = clean(raw)?;
    let cleaned = cleaned.trim();
    let length = cleaned.chars().count();
    if length > MAX_QUESTION_CHARS {
        return Err(too_long(&format!("问题有{length}个字,超过{MAX_QUESTION_CHARS}个字的上限")));
    }
    if !has_content(cleaned) {
        return Err(Error::new(
            Code::QuestionEmpty,
            "问题是空的:里面没有文字或数字",
            "请输入要问的业务,例如:身份证过期还能取钱吗",
        ));
    }
    let redaction = redact(cleaned);
    let text = redaction.text.trim().to_owned();
    if !has_content(&text) {
        return Err(Error::new(
            Code::QuestionEmpty,
            "问题里只有密码或验证码,已删除,没有留下问题",
            "密码、验证码不要输入系统;请只输入要问的业务",
        ));
    }
    let mut kinds: Vec<PiiKind> = redaction.found.iter().map(|found| found.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let masked: Vec<&str> = kinds.iter().copied().filter(|&kind| kind != PiiKind::Secret).map(PiiKind::label).collect();
    let mut notices = Vec::new();
    if !masked.is_empty() {
        notices.push(format!("问题里的{}已遮盖", masked.join("、")));
    }
    if redaction.secrets_dropped {
        notices.push("密码、验证码不要输入系统,已删除".to_owned());
    }
    Ok(GuardedQuestion { text, notices, found: kinds })
}

fn too_long(message: &str) -> Error {
    Error::new(Code::QuestionTooLong, message, "请把问题缩短成一两句话,只留要问的业务和条件")
}

fn has_content(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The question on one line without invisible characters.
fn clean(raw: &str) -> Result<String> {
    let mut out = String::with_capacity(raw.len());
    let (mut garbage, mut total) = (0usize, 0usize);
    for c in raw.chars() {
        if c.is_whitespace() {
            out.push(' ');
        } else if c.is_control() || c == char::REPLACEMENT_CHARACTER {
            return Err(unreadable("问题里有控制字符或乱码,可能是编码错误"));
        } else if !is_invisible(c) {
            total += 1;
            garbage += usize::from(is_garbage(c));
            out.push(c);
        }
    }
    if garbage * GARBAGE_SHARE > total {
        return Err(unreadable("问题里大部分字符无法识别"));
    }
    Ok(out)
}

fn unreadable(message: &str) -> Error {
    Error::new(Code::QuestionUnreadable, message, "请重新输入问题;如果是粘贴来的,请先粘贴成纯文本")
}

/// Private use, noncharacters, planes without assigned characters, and combining marks (piled up, they hide a text).
fn is_garbage(c: char) -> bool {
    let point = u32::from(c);
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{40000}'..='\u{DFFFF}' | '\u{E1000}'..)
        || point & 0xFFFE == 0xFFFE
        || is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        check_question(raw).unwrap().text().to_owned()
    }

    fn code(raw: &str) -> Code {
        check_question(raw).unwrap_err().code()
    }

    #[test]
    fn an_ordinary_question_passes_unchanged() {
        let question = check_question("身份证过期三个月,卡还能取钱吗").unwrap();
        assert_eq!(question.text(), "身份证过期三个月,卡还能取钱吗");
        assert!(question.notices().is_empty());
    }

    #[test]
    fn blanks_and_invisible_characters() {
        assert_eq!(text("  卡\t丢\n了\r\n怎么办\u{3000} "), "卡 丢 了  怎么办");
        assert_eq!(text("\u{FEFF}卡\u{200B}丢了"), "卡丢了");
        assert_eq!(text("𠮷先生的卡"), "𠮷先生的卡");
    }

    #[test]
    fn empty_questions() {
        for raw in ["", "   ", "\n\t\r\n", "???", "。。。！？", "\u{200B}\u{FEFF}", "——", "😀😀", "（）《》"]
        {
            assert_eq!(code(raw), Code::QuestionEmpty, "{raw:?}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(text(&"卡".repeat(MAX_QUESTION_CHARS)).chars().count(), MAX_QUESTION_CHARS);
        assert_eq!(text(&format!("   {}   ", "卡".repeat(MAX_QUESTION_CHARS))).chars().count(), MAX_QUESTION_CHARS);
        assert_eq!(code(&"卡".repeat(MAX_QUESTION_CHARS + 1)), Code::QuestionTooLong);
        assert_eq!(code(&"a".repeat(MAX_QUESTION_BYTES + 1)), Code::QuestionTooLong);
        assert_eq!(code(&"\0".repeat(1 << 20)), Code::QuestionTooLong);
        assert_eq!(text(&"𠮷".repeat(MAX_QUESTION_CHARS)).chars().count(), MAX_QUESTION_CHARS);
    }

    #[test]
    fn unreadable_questions() {
        let pile = format!("卡{}", "\u{0301}".repeat(20));
        for raw in [
            "\0",
            "卡\0丢了",
            "卡\u{7}",
            "\u{1b}[31m卡",
            "卡\u{9f}",
            "卡\u{fffd}丢了",
            "\u{e000}\u{e001}卡",
            &pile,
            "\u{fdd0}\u{50000}卡",
        ] {
            assert_eq!(code(raw), Code::QuestionUnreadable, "{raw:?}");
        }
        assert_eq!(text("客户名字里有个\u{e000}字怎么录入"), "客户名字里有个\u{e000}字怎么录入");
    }

    #[test]
    fn personal_data_is_masked_and_named() {
        let question = check_question("客户手机13800138000,身份证11010519491231002X能开户吗").unwrap();
        assert_eq!(question.text(), "客户手机138****8000,身份证110***********002X能开户吗");
        assert_eq!(question.notices(), ["问题里的身份证号、手机号已遮盖"]);
        assert_eq!(question.found(), [PiiKind::IdCard, PiiKind::Mobile]);
    }

    #[test]
    fn secrets_are_removed() {
        let question = check_question("客户密码是837261输错锁了").unwrap();
        assert_eq!(question.text(), "客户密码是输错锁了");
        assert_eq!(question.notices(), ["密码、验证码不要输入系统,已删除"]);
        assert_eq!(text("手机号\u{200b}138 0013\u{200b} 8000换了"), "手机号138****8000换了");
    }
}
