//! Chinese for terminals without a Chinese font: syllables without tones, and the punctuation of the same meaning. Also what a person
//! types to find Chinese without an input method.

use pinyin::{ToPinyin, ToPinyinMulti};
use std::borrow::Cow;

/// After these 行 is a bank and read `hang`, otherwise it is done or permitted and read `xing`.
const BEFORE_HANG: &str = "银本总分支跨同他该我农工建交央商开户";

/// Text in ASCII: every Chinese character as its syllable, syllables apart, what has no counterpart as `?`.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut after_syllable = false;
    let mut before = None;
    for c in text.chars() {
        let last = before.replace(c);
        if let Some(syllable) = c.to_pinyin() {
            if after_syllable || out.ends_with(|last: char| last.is_ascii_alphanumeric()) {
                out.push(' ');
            }
            let a_bank = c == '行' && last.is_some_and(|last| BEFORE_HANG.contains(last));
            out.push_str(&if a_bank { Cow::Borrowed("hang") } else { plain(syllable.plain()) });
            after_syllable = true;
            continue;
        }
        if after_syllable && c.is_ascii_alphanumeric() {
            out.push(' ');
        }
        after_syllable = false;
        match (sign(c), narrow(c)) {
            (Some(sign), _) => out.push_str(sign),
            (None, Some(narrow)) => {
                out.push(narrow);
                // The wide forms of these are followed by the space that is part of them.
                if matches!(narrow, ',' | ';' | ':' | '?' | '!') {
                    out.push(' ');
                }
            }
            (None, None) if c.is_ascii() => out.push(c),
            (None, None) => out.push('?'),
        }
    }
    Cow::Owned(out)
}

/// Whether `text` holds `wanted`: its characters, their syllables in any of their readings, or first letters of these, also mixed and
/// with the last syllable unfinished. `wanted` is lower case.
pub fn matches(text: &str, wanted: &str) -> bool {
    if wanted.is_empty() || text.to_lowercase().contains(wanted) {
        return true;
    }
    if !wanted.is_ascii() {
        return false;
    }
    let wanted: String = wanted.split_whitespace().collect();
    // Signs between characters are not typed.
    let text: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    (0..text.len()).any(|start| text.get(start..).is_some_and(|rest| begins(rest, &wanted)))
}

/// Whether the text can be read so that it begins with what is wanted.
fn begins(text: &[char], wanted: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let Some((first, rest)) = text.split_first() else { return false };
    let goes_on = |read: &str| wanted.strip_prefix(read).is_some_and(|left| begins(rest, left));
    let Some(readings) = first.to_pinyin_multi() else {
        return goes_on(&first.to_lowercase().to_string());
    };
    readings.into_iter().any(|reading| {
        let syllable = plain(reading.plain());
        syllable.starts_with(wanted) || goes_on(&syllable) || syllable.get(..1).is_some_and(goes_on)
    })
}

/// The one vowel with dots is written as on keyboards: `lv`.
fn plain(syllable: &str) -> Cow<'_, str> {
    if syllable.is_ascii() { Cow::Borrowed(syllable) } else { Cow::Owned(syllable.replace('ü', "v")) }
}

/// The ASCII character of a wide form (U+FF01 to U+FF5E).
fn narrow(c: char) -> Option<char> {
    const DISTANCE: u32 = 0xff01 - 0x21;
    matches!(c, '\u{ff01}'..='\u{ff5e}').then(|| char::from_u32(c as u32 - DISTANCE)).flatten()
}

/// Punctuation and signs.
fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '、' => ", ",
        '。' => ". ",
        '〔' | '【' => " (",
        '〕' | '】' => ") ",
        '“' | '”' | '「' | '」' => "\"",
        '‘' | '’' => "'",
        '《' | '〈' => " <",
        '》' | '〉' => "> ",
        '—' | '–' | '─' => "-",
        '…' => "...",
        '·' | '•' | '∙' => "-",
        '\u{3000}' | '\u{a0}' => " ",
        '→' => "->",
        '←' => "<-",
        '×' => "x",
        '≥' => ">=",
        '≤' => "<=",
        '№' => "No.",
        '〇' => "ling",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_becomes_syllables_and_everything_else_stays_readable() {
        assert_eq!(ascii("挂失"), "gua shi");
        assert_eq!(
            ascii("《存款保险条例》第五条\u{ff0c}50万元"),
            " <cun kuan bao xian tiao li> di wu tiao, 50 wan yuan"
        );
        assert_eq!(ascii("女士 OK"), "nv shi OK");
        assert_eq!(ascii("本行银行卡执行"), "ben hang yin hang ka zhi xing");
        assert_eq!(ascii("plain"), "plain");
        assert_eq!(ascii("→ 😀"), "-> ?");
        assert!(ascii("任意文字\u{ff1a}“引号”—…·\u{ff05}").is_ascii());
    }

    #[test]
    fn chinese_is_found_by_characters_syllables_and_first_letters() {
        for wanted in ["挂失", "guashi", "gua shi", "gs", "yhkgs", "yinhangka", "guash", ""] {
            assert!(matches("银行卡挂失", wanted), "{wanted}");
        }
        for wanted in ["挂号", "guahao", "xx"] {
            assert!(!matches("银行卡挂失", wanted), "{wanted}");
        }
        assert!(matches("Qwen2-1.5B", "qwen"));
    }
}
