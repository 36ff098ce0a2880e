//! How a line of a rule begins: with the number of a clause or an item, with the name of a chapter, or just with text.

/// Figures of every kind that rules are numbered with.
fn is_numeral(c: char) -> bool {
    "零〇一二三四五六七八九十百千两0123456789".contains(c) || ('\u{FF10}'..='\u{FF19}').contains(&c)
}

/// What follows the number that `text` begins with, spaces around it aside; `None` when it begins with none.
fn after_number(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let tail = text.trim_start_matches(is_numeral);
    (tail.len() < text.len()).then(|| tail.trim_start())
}

/// 第X编, 第X章, 第X节: a heading even in the size of the text.
pub(super) fn is_chapter(text: &str) -> bool {
    begins_clause(text)
        && text
            .trim_start()
            .strip_prefix('第')
            .and_then(after_number)
            .is_some_and(|tail| tail.starts_with(['编', '章', '节']))
}

/// 第X条 and its kin, a bracketed number, 一、 or 1. at the start of a line; not a reference that a line break put there.
pub(in crate::ingest::readers) fn begins_clause(text: &str) -> bool {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('第') {
        let Some(tail) = after_number(rest) else { return false };
        return tail.strip_prefix(['编', '章', '节', '条', '部']).is_some_and(|tail| !goes_on(tail));
    }
    if let Some(rest) = text.strip_prefix(['\u{FF08}', '(', '〔']) {
        let Some(tail) = after_number(rest) else { return false };
        return tail
            .strip_prefix(['\u{FF09}', ')', '〕'])
            .is_some_and(|tail| !tail.starts_with(['项', '目', '号', '、', '至']));
    }
    if text.starts_with(['●', '•', '■', '◆']) || text.starts_with(|c| ('①'..='⑳').contains(&c)) {
        return true;
    }
    if ["附件", "附则", "附表", "附录"].iter().any(|word| text.starts_with(word)) {
        return true;
    }
    // A number followed by its mark; 1.5% begins no clause.
    let tail = text.trim_start_matches(is_numeral);
    let mut chars = tail.chars();
    tail.len() < text.len()
        && match chars.next() {
            Some('、' | '\u{FF0E}') => true,
            Some('.') => chars.next().is_some_and(|c| !c.is_ascii_digit()),
            _ => false,
        }
}

/// Whether the sentence goes on behind 第X条, which is then a reference: 第二十条的规定, 第五条第二款, 第三条至第五条.
fn goes_on(tail: &str) -> bool {
    const REFERRING: [char; 14] =
        ['的', '规', '第', '、', '\u{FF0C}', ',', '和', '或', '至', '到', '及', '所', '中', '以'];
    tail.starts_with(REFERRING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_told_from_text() {
        for text in [
            "第十条 甲",
            "第十条之一 甲",
            "第 12 章",
            "(一)甲",
            "\u{FF08}十二\u{FF09}",
            "三、甲",
            "1.甲",
            "①甲",
            "附件1",
            "第三条 第二款所称的",
        ] {
            assert!(begins_clause(text), "{text}");
        }
        for text in [
            "第三方",
            "第二十条的规定",
            "第五条第二款",
            "第三条、第四条",
            "\u{FF08}一\u{FF09}项规定",
            "1.5%的费率",
            "2024年",
            "(以下简称",
            "附属卡",
            "十年以上",
        ] {
            assert!(!begins_clause(text), "{text}");
        }
        assert!(is_chapter("第一章 总则") && is_chapter("第2节") && !is_chapter("第三条 本章所称"));
    }
}
