//! Characters of symbol fonts (`w:sym`, or private codes in running text) as the characters that they show.

/// First private code; symbol fonts are addressed from here on.
const PRIVATE: u32 = 0xF000;

/// What a symbol font shows for a code.
const WINGDINGS: [(u32, char); 27] = [
    (0x6C, '●'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x70, '□'),
    (0x71, '□'),
    (0x72, '□'),
    (0x74, '◆'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x77, '◆'),
    (0x78, '☒'),
    (0x9F, '•'),
    (0xA1, '○'),
    (0xA4, '⊙'),
    (0xA7, '■'),
    (0xA8, '□'),
    (0xAB, '★'),
    (0xD8, '➢'),
    (0xDF, '←'),
    (0xE0, '→'),
    (0xE8, '→'),
    (0xF0, '→'),
    (0xFB, '✗'),
    (0xFC, '✓'),
    (0xFD, '☒'),
    (0xFE, '☑'),
    (0x4A, '☺'),
];
const WINGDINGS_2: [(u32, char); 13] = [
    (0x2A, '□'),
    (0x35, '□'),
    (0x4F, '✗'),
    (0x50, '✓'),
    (0x51, '☒'),
    (0x52, '☑'),
    (0x53, '☒'),
    (0x54, '☒'),
    (0x97, '●'),
    (0x98, '●'),
    (0xA2, '■'),
    (0xA3, '□'),
    (0x9A, '○'),
];
const SYMBOL: [(u32, char); 46] = [
    (0x25, '%'),
    (0x2B, '+'),
    (0x2D, '−'),
    (0x3C, '<'),
    (0x3D, '='),
    (0x3E, '>'),
    (0x40, '≅'),
    (0x44, 'Δ'),
    (0x46, 'Φ'),
    (0x53, 'Σ'),
    (0x57, 'Ω'),
    (0x61, 'α'),
    (0x62, 'β'),
    (0x63, 'χ'),
    (0x64, 'δ'),
    (0x65, 'ε'),
    (0x66, 'φ'),
    (0x67, 'γ'),
    (0x68, 'η'),
    (0x6C, 'λ'),
    (0x6D, 'μ'),
    (0x70, 'π'),
    (0x72, 'ρ'),
    (0x73, 'σ'),
    (0x74, 'τ'),
    (0x77, 'ω'),
    (0xA3, '≤'),
    (0xA5, '∞'),
    (0xAC, '←'),
    (0xAE, '→'),
    (0xB0, '°'),
    (0xB1, '±'),
    (0xB2, '″'),
    (0xB3, '≥'),
    (0xB4, '×'),
    (0xB7, '•'),
    (0xB8, '÷'),
    (0xB9, '≠'),
    (0xBA, '≡'),
    (0xBB, '≈'),
    (0xBC, '…'),
    (0xD6, '√'),
    (0xD7, '⋅'),
    (0xDB, '⇔'),
    (0xDE, '⇒'),
    (0xE5, '∑'),
];

/// What stands for a symbol that is not known, so that a reader sees that there is one.
pub(super) const UNKNOWN: char = '\u{FFFD}';

/// The character that `font` shows for `code`, with or without the private offset; [`UNKNOWN`] when nobody knows.
pub(super) fn shown(font: &str, code: u32) -> char {
    let low = if code >= PRIVATE { code - PRIVATE } else { code };
    let font = font.to_lowercase();
    let table: &[(u32, char)] = match font.as_str() {
        "wingdings 2" => &WINGDINGS_2,
        "symbol" => &SYMBOL,
        f if f.starts_with("wingdings") || f == "webdings" => &WINGDINGS,
        // A character of an ordinary font stands for itself.
        _ if code < PRIVATE => return char::from_u32(code).unwrap_or(UNKNOWN),
        _ => &WINGDINGS,
    };
    table.iter().find(|(at, _)| *at == low).map_or(UNKNOWN, |(_, c)| *c)
}

/// Running text with the private codes of symbol fonts as what they show.
pub(super) fn in_text(font: &str, text: &str) -> String {
    text.chars()
        .map(|c| match u32::from(c) {
            code @ 0xF020..=0xF0FF => shown(font, code),
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_what_they_show() {
        for (font, code, c) in [
            ("Wingdings", 0xF0FE, '☑'),
            ("Wingdings", 0xA8, '□'),
            ("Wingdings 2", 0xF052, '☑'),
            ("Symbol", 0xF0B3, '≥'),
            ("宋体", 0x2264, '≤'),
            ("Wingdings", 0xF021, UNKNOWN),
        ] {
            assert_eq!(shown(font, code), c, "{font} {code:x}");
        }
        assert_eq!(in_text("", "\u{F0FE}是\u{F0A8}否"), "☑是□否");
    }
}
