//! One spelling for searching, with the way back to the original text.

use crate::text::normalize::is_invisible;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// Marks that end a sentence; a cue word does not reach across them.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '!' | '?' | ';' | '\n')
}

/// A text with full width as half width, ASCII letters as capitals, every dash as `-`, every blank as a space, and invisible
/// and control characters gone; each character knows its bytes in the original.
pub(super) struct Folded {
    chars: Vec<char>,
    spans: Vec<Range<usize>>,
    original_len: usize,
}

impl Folded {
    pub(super) fn new(text: &str) -> Folded {
        let mut chars = Vec::with_capacity(text.len());
        let mut spans = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let span = at..at + c.len_utf8();
            let mut push = |folded: char| {
                chars.push(folded);
                spans.push(span.clone());
            };
            match c {
                '\n' => push('\n'),
                c if c.is_whitespace() => push(' '),
                c if c.is_control() || is_invisible(c) => {}
                // The Chinese comma never groups the digits of a number.
                '，' => push('，'),
                // Ornamental numbers count things (①, ², ⒈); they are never digits of a longer number.
                '\u{2460}'..='\u{24FF}' | '\u{2776}'..='\u{2793}' | '\u{3200}'..='\u{32FF}' => push('·'),
                '²' | '³' | '¹' | '\u{2070}'..='\u{2089}' | '•' => push('·'),
                '\u{2010}'..='\u{2015}' | '\u{2212}' => push('-'),
                c => std::iter::once(c).nfkc().for_each(|folded| push(folded.to_ascii_uppercase())),
            }
        }
        Folded { chars, spans, original_len: text.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    pub(super) fn at(&self, index: usize) -> Option<char> {
        self.chars.get(index).copied()
    }

    /// The character before `index`.
    pub(super) fn previous(&self, index: usize) -> Option<char> {
        self.at(index.checked_sub(1)?)
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &[char] {
        self.chars.get(range).unwrap_or_default()
    }

    pub(super) fn string(&self, range: Range<usize>) -> String {
        self.slice(range).iter().collect()
    }

    /// The bytes of the original that the folded characters `range` came from.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.spans.get(range.start).map_or(self.original_len, |span| span.start);
        let end = range.end.checked_sub(1).and_then(|last| self.spans.get(last)).map_or(start, |span| span.end);
        start..end.max(start)
    }

    /// Whether the text at `index` begins with `word`.
    pub(super) fn starts_with(&self, index: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(n, c)| self.at(index + n) == Some(c))
    }

    /// Up to `reach` characters before `index`, within its sentence.
    pub(super) fn before(&self, index: usize, reach: usize) -> String {
        let window = self.slice(index.saturating_sub(reach)..index);
        let from = window.iter().rposition(|&c| ends_sentence(c)).map_or(0, |mark| mark + 1);
        window.get(from..).unwrap_or_default().iter().collect()
    }

    /// Up to `reach` characters from `index` on, within its sentence.
    pub(super) fn after(&self, index: usize, reach: usize) -> String {
        self.slice(index..index.saturating_add(reach).min(self.len()))
            .iter()
            .take_while(|&&c| !ends_sentence(c))
            .collect()
    }

    /// Characters between `index` and the end of the nearest of `cues` before it; `None` when none ends within `reach`.
    pub(super) fn cue_distance(&self, index: usize, cues: &[&str], reach: usize) -> Option<usize> {
        let longest = cues.iter().map(|cue| cue.chars().count()).max().unwrap_or(0);
        let window = self.before(index, reach + longest);
        cues.iter()
            .filter_map(|cue| window.rfind(cue).and_then(|at| window.get(at + cue.len()..)))
            .map(|between| between.chars().count())
            .filter(|&distance| distance <= reach)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_finds_the_way_back() {
        let text = "卡号６２２２\u{200B}–1x。";
        let folded = Folded::new(text);
        assert_eq!(folded.string(0..folded.len()), "卡号6222-1X。");
        assert_eq!(&text[folded.original(&(2..8))], "６２２２\u{200B}–1");
        assert_eq!(folded.original(&(folded.len()..folded.len())), text.len()..text.len());
    }

    #[test]
    fn cues_reach_within_a_sentence() {
        let folded = Folded::new("账号是什么。号码123");
        assert_eq!(folded.cue_distance(8, &["号码"], 15), Some(0));
        assert_eq!(folded.cue_distance(8, &["账号"], 15), None);
        assert_eq!(folded.cue_distance(5, &["账号"], 2), None);
        assert_eq!(folded.cue_distance(5, &["账号"], 3), Some(3));
    }
}
