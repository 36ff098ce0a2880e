//! ToUnicode maps: from the codes in a page to characters (ISO 32000-1 9.10.3).
//!
//! lopdf has a reader for them too, but it also builds the way back, code by code, so that one crafted range of four
//! billion codes would exhaust memory.

use std::collections::HashMap;

/// Most entries of one map. The largest real ones list every glyph of a Chinese font, some 30,000.
const MAX_ENTRIES: usize = 200_000;

/// Most codespace ranges of one map; they are searched for every code. Real maps have up to a dozen.
const MAX_SPACES: usize = 100;

/// A map from codes of one to four bytes to text.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// Code lengths that occur, with the first and last code of each declared range.
    spaces: Vec<(usize, u32, u32)>,
    single: HashMap<(usize, u32), String>,
    ranges: Vec<(usize, u32, u32, Vec<u16>)>,
}

enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(&'a [u8]),
}

impl CMap {
    /// Reads a map; whatever is malformed is left out, and its codes stay unknown.
    pub(super) fn parse(bytes: &[u8]) -> CMap {
        let mut map = CMap::default();
        let mut operands: Vec<Token<'_>> = Vec::new();
        let mut rest = bytes;
        while let Some((token, after)) = next_token(rest) {
            rest = after;
            match token {
                Token::Word(b"endcodespacerange") => map.add_spaces(&operands),
                Token::Word(b"endbfchar") => map.add_chars(&operands),
                Token::Word(b"endbfrange") => map.add_ranges(&operands),
                Token::Word(word) if word.starts_with(b"begin") => {}
                token => {
                    if operands.len() < MAX_ENTRIES {
                        operands.push(token);
                    }
                    continue;
                }
            }
            operands.clear();
        }
        map.ranges.sort_by_key(|(length, low, ..)| (*length, *low));
        map
    }

    /// Splits a shown string into codes, each with its length in bytes, using `fallback` bytes where no range fits.
    pub(super) fn codes(&self, bytes: &[u8], fallback: usize) -> Vec<(usize, u32)> {
        let mut codes = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let fits = |length: &usize| {
                let Some(code) = rest.get(..*length).map(number) else { return false };
                self.spaces.iter().any(|(l, low, high)| l == length && within(code, *low, *high, *length))
            };
            let length = (1..=4).find(fits).unwrap_or(fallback).clamp(1, rest.len());
            let (code, after) = rest.split_at(length);
            codes.push((length, number(code)));
            rest = after;
        }
        codes
    }

    /// The text of a code.
    pub(super) fn text(&self, length: usize, code: u32) -> Option<String> {
        if let Some(text) = self.single.get(&(length, code)) {
            return Some(text.clone());
        }
        // The last range that begins at or before the code; ranges of one map do not overlap.
        let after = self.ranges.partition_point(|(l, low, ..)| (*l, *low) <= (length, code));
        let (_, low, _, target) =
            self.ranges.get(after.checked_sub(1)?).filter(|(l, _, high, _)| *l == length && code <= *high)?;
        let mut units = target.clone();
        let last = units.last_mut()?;
        *last = last.wrapping_add(u16::try_from(code - low).ok()?);
        String::from_utf16(&units).ok()
    }

    /// Whether the map gives a meaning to any code.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.ranges.is_empty()
    }

    fn add_spaces(&mut self, operands: &[Token<'_>]) {
        for pair in operands.chunks_exact(2) {
            if let [Token::Hex(low), Token::Hex(high)] = pair
                && (1..=4).contains(&low.len())
                && self.spaces.len() < MAX_SPACES
            {
                self.spaces.push((low.len(), number(low), number(high)));
            }
        }
    }

    fn add_chars(&mut self, operands: &[Token<'_>]) {
        for pair in operands.chunks_exact(2) {
            if let [Token::Hex(code), Token::Hex(target)] = pair
                && let Ok(text) = String::from_utf16(&units(target))
                && self.single.len() < MAX_ENTRIES
            {
                self.single.insert((code.len(), number(code)), text);
            }
        }
    }

    fn add_ranges(&mut self, operands: &[Token<'_>]) {
        let mut tokens = operands.iter();
        while let (Some(Token::Hex(low)), Some(Token::Hex(high))) = (tokens.next(), tokens.next()) {
            let (length, first, last) = (low.len(), number(low), number(high));
            match tokens.next() {
                Some(Token::Hex(target)) if self.ranges.len() < MAX_ENTRIES => {
                    self.ranges.push((length, first, last, units(target)));
                }
                Some(Token::Open) => {
                    let mut code = first;
                    for token in tokens.by_ref() {
                        let Token::Hex(target) = token else { break };
                        if let Ok(text) = String::from_utf16(&units(target))
                            && code <= last
                            && self.single.len() < MAX_ENTRIES
                        {
                            self.single.insert((length, code), text);
                        }
                        code = code.saturating_add(1);
                    }
                }
                _ => return,
            }
        }
    }
}

/// Codespace ranges bound each byte on its own (ISO 32000-1 9.7.6.2).
fn within(code: u32, low: u32, high: u32, length: usize) -> bool {
    (0..length).all(|byte| {
        let part = |n: u32| (n >> (8 * byte)) as u8;
        (part(low)..=part(high)).contains(&part(code))
    })
}

/// The number in up to four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |n, b| (n << 8) | u32::from(*b))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    match bytes {
        [single] => vec![u16::from(*single)],
        _ => bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |n, b| (n << 8) | u16::from(*b))).collect(),
    }
}

fn next_token(bytes: &[u8]) -> Option<(Token<'_>, &[u8])> {
    let mut rest = bytes.trim_ascii_start();
    while rest.first() == Some(&b'%') {
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        rest = rest.get(end..)?.trim_ascii_start();
    }
    match rest.first()? {
        b'[' => Some((Token::Open, rest.get(1..)?)),
        b']' => Some((Token::Close, rest.get(1..)?)),
        b'<' if rest.get(1) != Some(&b'<') => {
            let end = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
            let digits: Vec<u8> =
                rest.get(1..end)?.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8).collect();
            let hex = digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| (n << 4) | d)).collect();
            Some((Token::Hex(hex), rest.get(end + 1..).unwrap_or_default()))
        }
        _ => {
            let length =
                1 + rest.get(1..)?.iter().take_while(|b| !b.is_ascii_whitespace() && !b"[]<>/%".contains(b)).count();
            let (word, after) = rest.split_at(length);
            Some((Token::Word(word), after))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chars_ranges_and_lists_are_mapped() {
        let map = CMap::parse(
            b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <0000> <FFFF> endcodespacerange
            2 beginbfchar <0001> <7B2C> <0002> <D842DFB7> endbfchar % note
            2 beginbfrange <0010> <0012> <4E00> <0020> <0021> [<94F6> <884C>] endbfrange endcmap",
        );
        let text: String =
            map.codes(b"\0\x01\0\x11\0\x20\0\x21\0\x02", 2).iter().filter_map(|(l, c)| map.text(*l, *c)).collect();
        assert_eq!(text, "第\u{4E01}银行𠮷");
        assert_eq!(map.text(2, 0x99), None);
    }

    #[test]
    fn hostile_maps_cost_nothing() {
        let map = CMap::parse(b"begincodespacerange <00000000> <FFFFFFFF> endcodespacerange beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange");
        assert_eq!(map.text(4, 1).as_deref(), Some("B"));
        assert_eq!(map.text(4, u32::MAX), None);
        for broken in [&b"<"[..], b"<00", b"[", b"beginbfrange <01> endbfrange", b"beginbfrange <01> <02> [ <03>", b"%"]
        {
            CMap::parse(broken);
        }
        assert_eq!(map.codes(b"\x01", 2), [(1, 1)]);
    }
}
