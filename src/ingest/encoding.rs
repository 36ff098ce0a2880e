//! Bytes to text: UTF-8 with or without a byte order mark, UTF-16 with one, GB18030 (GBK and GB2312 are parts of it), and Big5
//! where that alone makes sense.

use crate::error::{Code, Error, Result};
use encoding_rs::{BIG5, Encoding, GB18030, UTF_16BE, UTF_16LE};

/// Control characters that a text file may hold, per thousand characters, before it is taken for a binary file.
/// Real texts hold none or a stray form feed; compressed data decoded by accident holds well over a hundred.
const MAX_CONTROLS_PER_MILLE: usize = 10;

/// Decodes a text file and unifies its line ends to `\n`.
///
/// # Errors
/// `DocumentUnreadable` when the bytes are in none of these encodings, or are no text at all.
pub fn decode(bytes: &[u8]) -> Result<String> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return match std::str::from_utf8(rest) {
            Ok(text) => finish(text),
            Err(cause) => Err(unreadable("文件带 UTF-8 标记(BOM),但其中有非法的 UTF-8 字节").because(cause)),
        };
    }
    for (mark, encoding) in [(b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            return match encoding.decode_without_bom_handling_and_without_replacement(rest) {
                Some(text) => finish(&text),
                None => Err(unreadable("文件带 UTF-16 标记(BOM),但其中有非法的 UTF-16 字节")),
            };
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return finish(text);
    }
    let chinese = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    if let Some(text) = chinese.as_deref().filter(|text| !is_gibberish(text)) {
        return finish(text);
    }
    // Nearly every pair of bytes is some character in GB18030, and so is Big5 read as such.
    match BIG5.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) if !is_gibberish(&text) => finish(&text),
        _ if chinese.is_some() => Err(unreadable("文字读出来是乱码:按 UTF-8、GB18030 和 Big5 都不成文")),
        _ => Err(unreadable("文字编码无法识别:按 UTF-8、UTF-16(带 BOM)、GB18030 和 Big5 都读不通")),
    }
}

/// Characters that any Chinese text of some length uses.
const COMMON: &str = "的一是不在有人和中大为上个国以要会可也年到对定行其第及或应理本条款项办法规业务客户卡账存取银金时日月元人為國會對應條項辦業務戶帳銀時個";
/// Share of odd characters in percent from which a text without common ones is none.
const MAX_ODD_PERCENT: usize = 5;
/// Share of common characters in percent that any text has.
const MIN_COMMON_PERCENT: usize = 8;

/// Whether a text is characters without sense: few that are common, and some that no text uses (private ones, kana, lines).
fn is_gibberish(text: &str) -> bool {
    let (mut all, mut common, mut odd) = (0usize, 0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()) {
        all += 1;
        common += usize::from(COMMON.contains(c));
        odd += usize::from(matches!(c,
            '\u{E000}'..='\u{F8FF}' | '\u{3040}'..='\u{312F}' | '\u{2500}'..='\u{257F}' | '\u{0370}'..='\u{04FF}'
            | '\u{FE30}'..='\u{FE6F}'));
    }
    common * 100 < all * MIN_COMMON_PERCENT && odd * 100 > all * MAX_ODD_PERCENT
}

/// Decodes a web page: a byte order mark first, then the encoding that the page itself declares, then [`decode`].
///
/// # Errors
/// As [`decode`].
pub fn decode_html(bytes: &[u8]) -> Result<String> {
    let marked = [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"].iter().any(|mark| bytes.starts_with(mark));
    if !marked
        && let Some(encoding) = declared_encoding(bytes)
        && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
    {
        return finish(&text);
    }
    // Nothing declared, or the declaration is wrong, which is common on pages saved from old intranet systems.
    decode(bytes)
}

/// The encoding named by `charset=` near the start of a page. The HTML standard looks at the first 1024 bytes;
/// pages saved by office programs put long comments first, hence more.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    const LOOK_AT: usize = 8 * 1024;
    let head = bytes.get(..LOOK_AT).unwrap_or(bytes).to_ascii_lowercase();
    let mut rest = head.as_slice();
    while let Some(at) = rest.windows(7).position(|w| w == b"charset") {
        rest = rest.get(at + 7..)?;
        let after = rest.trim_ascii_start();
        let Some(after) = after.strip_prefix(b"=") else { continue };
        let label: Vec<u8> = after
            .trim_ascii_start()
            .iter()
            .copied()
            .skip_while(|b| matches!(b, b'"' | b'\''))
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            .collect();
        return match Encoding::for_label(&label) {
            // A page read as bytes that carry `charset=` in ASCII cannot be UTF-16, whatever it says.
            Some(e) if e == UTF_16LE || e == UTF_16BE => None,
            // GB2312 and GBK are parts of GB18030, and pages labelled so use characters beyond them.
            Some(e) if e == encoding_rs::GBK => Some(GB18030),
            other => other,
        };
    }
    None
}

/// Refuses binary data and unifies line ends.
fn finish(text: &str) -> Result<String> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut controls = 0usize;
    let mut total = 0usize;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        total += 1;
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            // Vertical tab (the manual line break of office programs), form feed, and the Unicode line ends.
            '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => controls += 1,
            c => out.push(c),
        }
    }
    if controls * 1000 > total * MAX_CONTROLS_PER_MILLE {
        return Err(unreadable("文件里大多是控制字符,不是文本"));
    }
    Ok(out)
}

fn unreadable(message: &str) -> Error {
    Error::new(Code::DocumentUnreadable, message, "请用原来的编辑软件打开,另存为 UTF-8 编码的文本再导入")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "第一条 为规范账户管理,制定本办法。\n第二条 镕、㐂、𠮷也要读得出。\n";

    #[test]
    fn every_supported_encoding_gives_the_same_text() {
        let gb = GB18030.encode(TEXT).0.into_owned();
        assert!(std::str::from_utf8(&gb).is_err());
        let bom = [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat();
        let le: Vec<u8> = std::iter::once(0xFEFF).chain(TEXT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = std::iter::once(0xFEFF).chain(TEXT.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        for bytes in [TEXT.as_bytes().to_vec(), gb, bom, le, be] {
            assert_eq!(decode(&bytes).unwrap(), TEXT);
        }
    }

    #[test]
    fn big5_is_told_from_gb18030() {
        let text = "示例銀行香港居民開戶管理辦法\n第一條 為規範香港居民開戶，制定本辦法。\n第二條 香港居民開戶須提交通行證，限額三萬元。\n";
        let bytes = BIG5.encode(text).0.into_owned();
        assert!(std::str::from_utf8(&bytes).is_err());
        assert_eq!(decode(&bytes).unwrap(), text);
        let roster = "张三丰、李四光、王五常、赵六合、钱七宝、孙八斤";
        assert_eq!(decode(&GB18030.encode(roster).0).unwrap(), roster);
    }

    #[test]
    fn line_ends_are_unified_and_stray_controls_dropped() {
        let long = "条".repeat(200);
        let text = format!("甲\r\n乙\r丙\u{0B}丁\u{0C}戊\u{7}{long}");
        assert_eq!(decode(text.as_bytes()).unwrap(), format!("甲\n乙\n丙\n丁\n戊{long}"));
    }

    #[test]
    fn what_is_no_text_is_refused_with_the_encodings_tried() {
        let error = decode(b"\xFF\xFF\x80\x80 abc").unwrap_err();
        assert_eq!(error.code(), Code::DocumentUnreadable);
        assert!(error.message().contains("UTF-8") && error.message().contains("GB18030"));
        let zeros = decode(&[0u8; 64]).unwrap_err();
        assert!(zeros.message().contains("控制字符"));
        assert_eq!(decode(b"\xEF\xBB\xBF\xFF").unwrap_err().code(), Code::DocumentUnreadable);
        assert_eq!(decode(b"\xFF\xFE\x00\xD8").unwrap_err().code(), Code::DocumentUnreadable);
    }

    #[test]
    fn a_page_is_read_in_the_encoding_it_declares_or_truly_has() {
        let page = "<html><head><meta charset=\"gb2312\"></head><body>银行卡</body></html>";
        assert_eq!(decode_html(&GB18030.encode(page).0).unwrap(), page);
        // Declared UTF-8 but saved as GB18030: strict decoding notices, and the true encoding is used.
        let odd = "<meta http-equiv=Content-Type content=\"text/html; charset=utf-8\"><p>存款人</p>";
        assert_eq!(decode_html(&GB18030.encode(odd).0).unwrap(), odd);
        let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(page.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode_html(&utf16).unwrap(), page);
    }
}
