//! Brackets, titles, lines: what stands around a place of a text, seen backwards from it.

/// Farthest that an opening bracket is looked for, in characters: 文号 and a remark fit between.
const BRACKET_REACH: usize = 60;
/// Longest title in 《》.
const TITLE_REACH: usize = 80;

/// Quotation marks, opening and closing, straight ones included.
pub(super) const QUOTES: [(char, char); 7] =
    [('“', '”'), ('‘', '’'), ('「', '」'), ('『', '』'), ('"', '"'), ('\'', '\''), ('＂', '＂')];

/// The opening bracket of the brackets that `at` is in.
pub(super) fn bracket_around(text: &[char], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, c) in text.get(..at)?.iter().enumerate().rev().take(BRACKET_REACH) {
        match c {
            '\n' => return None,
            '）' | ')' => depth += 1,
            '（' | '(' if depth == 0 => return Some(index),
            '（' | '(' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The opening bracket of the brackets that close right before `end`.
pub(super) fn group_before(text: &[char], end: usize) -> Option<usize> {
    let close = end.checked_sub(1)?;
    matches!(text.get(close), Some('）' | ')')).then(|| bracket_around(text, close))?
}

/// The opening 《 of the title that closes right before `end`.
pub(super) fn title_before(text: &[char], end: usize) -> Option<usize> {
    if end.checked_sub(1).and_then(|close| text.get(close)) != Some(&'》') {
        return None;
    }
    let mut depth = 0usize;
    for (index, c) in text.get(..end)?.iter().enumerate().rev().take(TITLE_REACH) {
        match c {
            '\n' => return None,
            '》' => depth += 1,
            '《' if depth == 1 => return Some(index),
            '《' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What stands before a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The begin of the text, of an item, or a mark that ends a phrase.
    Phrase,
    /// The 、 of a list.
    List,
    /// Something that tells nothing: a line that was cut anywhere, a letter, a bracket.
    Unknown,
}

/// What stands before `at`.
pub(super) fn edge(text: &[char], at: usize) -> Edge {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit(|c| *c == '\n').next().unwrap_or_default();
    if line.iter().all(|c| c.is_whitespace()) {
        // A paragraph, or a line that a layout has cut.
        let last = before.iter().rev().find(|c| !c.is_whitespace());
        return if last.is_none_or(|c| ends_phrase(*c)) { Edge::Phrase } else { Edge::Unknown };
    }
    match line.last() {
        _ if is_enumeration(line) => Edge::Phrase,
        Some(c) if ends_phrase(*c) => Edge::Phrase,
        Some('、') if follows_short_form(text, at - 1) => Edge::Phrase,
        Some('、') => Edge::List,
        _ => Edge::Unknown,
    }
}

/// Whether the brackets that close right before `at` announce a short form: what follows is then a name of its own.
pub(super) fn follows_short_form(text: &[char], at: usize) -> bool {
    group_before(text, at).and_then(|open| text.get(open..at)).is_some_and(|group| group.contains(&'称'))
}

fn ends_phrase(c: char) -> bool {
    matches!(c, '。' | '；' | '：' | '，' | '！' | '？' | ';' | ':' | ',' | '!' | '?')
}

/// Whether a line holds nothing but the mark of an item: `（一）`, `1.`, `一、`, `第二条`.
fn is_enumeration(line: &[char]) -> bool {
    let mark: String = line.iter().filter(|c| !c.is_whitespace()).collect();
    mark.chars().count() <= 8
        && mark.ends_with(['）', ')', '、', '.', '．', '条', '款', '项', '章', '节'])
        && mark.chars().all(|c| c.is_ascii_digit() || "第（(）)一二三四五六七八九十百零〇、.．条款项章节".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge_of(text: &str) -> Edge {
        let text: Vec<char> = text.chars().collect();
        edge(&text, text.len())
    }

    #[test]
    fn edges() {
        for text in ["", "甲乙。", "甲乙；\n", "（二）", "甲。\n1. ", "一、", "第三条　", "各行（以下简称甲方行）、"]
        {
            assert_eq!(edge_of(text), Edge::Phrase, "{text}");
        }
        assert_eq!(edge_of("甲方、"), Edge::List);
        for text in ["甲方\n", "甲（乙）", "POS"] {
            assert_eq!(edge_of(text), Edge::Unknown, "{text}");
        }
    }

    #[test]
    fn brackets_and_titles_may_be_nested() {
        let text: Vec<char> = "见《柜面〈旧〉办法（试行）》（总行（甲）发，以".chars().collect();
        assert_eq!(bracket_around(&text, text.len()), text.iter().rposition(|c| *c == '总').map(|at| at - 1));
        let end = text.iter().position(|c| *c == '》').unwrap() + 1;
        assert_eq!(title_before(&text, end), Some(1));
        assert_eq!(group_before(&text, end - 1), Some(end - 5));
        assert_eq!(bracket_around(&['甲', '\n', '乙'], 3), None);
    }
}
