//! Characters: look-alikes and invisible ones made plain, and raised or lowered figures kept apart from the number beside them.

use crate::text::normalize::is_invisible;
use unicode_normalization::UnicodeNormalization;

/// Characters that are written raised and lowered, in one order.
const PLAIN: &str = "0123456789+-=()n";
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ";
const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ";

/// Text in plain characters. Kangxi radicals and compatibility ideographs, which come from PDF fonts and from what is copied out of
/// them, stand for plain ideographs and would never be found; invisible characters split words.
pub(super) fn unify(text: &str) -> String {
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    text.chars()
        .filter(|c| !is_invisible(*c))
        .flat_map(|c| match c {
            '\u{2E80}'..='\u{2FDF}' | '\u{F900}'..='\u{FAFF}' | '\u{FB00}'..='\u{FB06}' => {
                std::iter::once(c).nfkc().map(simplified_radical).collect::<Vec<char>>()
            }
            '\u{A0}' => vec![' '],
            c => vec![c],
        })
        .collect()
}

fn is_plain(c: char) -> bool {
    !matches!(c, '\u{A0}' | '\u{2E80}'..='\u{2FDF}' | '\u{F900}'..='\u{FAFF}' | '\u{FB00}'..='\u{FB06}')
        && !is_invisible(c)
}

/// The radicals of the supplement have no compatibility mapping; those that are words by themselves are read as these.
fn simplified_radical(c: char) -> char {
    const WORDS: [(char, char); 24] = [
        ('⺠', '民'),
        ('⻔', '门'),
        ('⻓', '长'),
        ('⻚', '页'),
        ('⻋', '车'),
        ('⻅', '见'),
        ('⻉', '贝'),
        ('⻛', '风'),
        ('⻜', '飞'),
        ('⻢', '马'),
        ('⻥', '鱼'),
        ('⻦', '鸟'),
        ('⻩', '黄'),
        ('⻬', '齐'),
        ('⻮', '齿'),
        ('⻰', '龙'),
        ('⻳', '龟'),
        ('⻄', '西'),
        ('⻘', '青'),
        ('⻝', '食'),
        ('⺟', '母'),
        ('⺁', '厂'),
        ('⻆', '角'),
        ('⻤', '鬼'),
    ];
    WORDS.iter().find(|(radical, _)| *radical == c).map_or(c, |(_, word)| *word)
}

/// Superscript text, so that 500 with note 1 is not read as 5001 nor ten to the sixth as 106.
pub(super) fn raised(text: &str) -> String {
    apart(text, RAISED, '^')
}

/// Subscript text.
pub(super) fn lowered(text: &str) -> String {
    apart(text, LOWERED, '_')
}

fn apart(text: &str, shapes: &str, sign: char) -> String {
    let shaped: Option<String> =
        text.chars().map(|c| PLAIN.chars().position(|p| p == c).and_then(|at| shapes.chars().nth(at))).collect();
    match shaped {
        Some(shaped) => shaped,
        // [2], ① and words are apart as they are.
        None if text.starts_with(|c: char| c.is_ascii_alphanumeric()) => format!("{sign}({text})"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_become_plain() {
        assert_eq!(unify("第⼀条 ⽀票⾃2025年4⽉1⽇起施⾏\u{200B}。"), "第一条 支票自2025年4月1日起施行。");
        assert_eq!(unify("⻓期国⺠⻔户"), "长期国民门户");
        assert_eq!(unify("①㈠ 5.0％"), "①㈠ 5.0％");
    }

    #[test]
    fn raised_figures_stay_apart() {
        for (given, text) in
            [("1", "¹"), ("-6", "⁻⁶"), ("[2]", "[2]"), ("注1", "注1"), ("1,2", "^(1,2)"), ("th", "^(th)")]
        {
            assert_eq!(raised(given), text);
        }
        assert_eq!(lowered("2"), "₂");
    }
}
