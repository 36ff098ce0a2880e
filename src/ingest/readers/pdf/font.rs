//! Fonts, as far as text needs them: what a code means and how far it moves the pen.

use super::cmap::CMap;
use encoding_rs::{GB18030, UTF_16BE};
use lopdf::{Dictionary, Document, Encoding, Object};
use std::collections::HashMap;
use std::rc::Rc;

/// Largest ToUnicode map, decompressed, in bytes.
const MAX_CMAP_BYTES: usize = 8 * 1024 * 1024;
/// Most width entries of a font.
const MAX_WIDTHS: usize = 100_000;
/// Width of a Chinese character in thousandths of the font size, and the default width of a CID font.
const FULL_WIDTH: f32 = 1000.0;
/// Width assumed for a one-byte code without a width.
const HALF_WIDTH: f32 = 500.0;

enum Decoder {
    ToUnicode(CMap),
    /// The predefined GB maps: GBK-EUC-H and its kin.
    Gb,
    Utf16,
    /// A simple font by its encoding; the text of each of the 256 codes.
    Table(Vec<Option<String>>),
    /// Glyph numbers of an embedded font that says nothing about characters.
    Unknown,
}

/// A font in use.
pub(super) struct Font {
    decoder: Decoder,
    widths: HashMap<u32, f32>,
    default_width: f32,
    /// Thousandths of the font size per unit of width; other than 1 in Type 3 fonts only.
    unit: f32,
    /// Bytes per code where nothing else says.
    code_bytes: usize,
}

/// One shown code.
pub(super) struct Glyph {
    /// Its characters; `None` when the font does not say.
    pub(super) text: Option<String>,
    /// Advance in thousandths of the font size.
    pub(super) width: f32,
    /// A one-byte code 32, to which word spacing applies (ISO 32000-1 9.3.3).
    pub(super) is_space: bool,
}

/// Fonts by the address of their dictionary, which lives as long as the document.
#[derive(Default)]
pub(super) struct Cache(HashMap<usize, Rc<Font>>);

impl Cache {
    pub(super) fn get(&mut self, pdf: &Document, dict: &Dictionary) -> Rc<Font> {
        let key = std::ptr::from_ref(dict) as usize;
        Rc::clone(self.0.entry(key).or_insert_with(|| Rc::new(Font::load(pdf, dict))))
    }
}

impl Font {
    fn load(pdf: &Document, dict: &Dictionary) -> Font {
        let subtype = dict.get(b"Subtype").and_then(Object::as_name).unwrap_or_default();
        let composite = subtype == b"Type0";
        let decoder = decoder(pdf, dict, composite);
        let mut font = Font {
            decoder,
            widths: HashMap::new(),
            default_width: if composite { FULL_WIDTH } else { HALF_WIDTH },
            unit: 1.0,
            code_bytes: if composite { 2 } else { 1 },
        };
        if composite {
            font.load_cid_widths(pdf, dict);
            font.ascii_widths();
        } else {
            font.load_simple_widths(pdf, dict);
        }
        if subtype == b"Type3"
            && let Some(scale) =
                resolved(pdf, dict, b"FontMatrix").and_then(|m| m.as_array().ok()?.first()?.as_float().ok())
        {
            font.unit = scale * 1000.0;
        }
        font
    }

    fn load_simple_widths(&mut self, pdf: &Document, dict: &Dictionary) {
        let first = resolved(pdf, dict, b"FirstChar").and_then(|o| o.as_i64().ok()).unwrap_or(0);
        let Some(widths) = resolved(pdf, dict, b"Widths").and_then(|o| o.as_array().ok()) else { return };
        for (index, width) in widths.iter().take(256).enumerate() {
            let code = u32::try_from(first.saturating_add(index as i64));
            if let (Ok(code), Some(width)) = (code, pdf.dereference(width).ok().and_then(|(_, w)| w.as_float().ok())) {
                self.widths.insert(code, width);
            }
        }
    }

    /// `W` of the descendant: `c [w1 w2 …]` or `first last w` (ISO 32000-1 9.7.4.3). Codes are CIDs under Identity, and under the
    /// predefined Unicode maps at least the ASCII characters are known: CIDs 1 to 95 of Adobe-GB1.
    fn load_cid_widths(&mut self, pdf: &Document, dict: &Dictionary) {
        let encoding = resolved(pdf, dict, b"Encoding").and_then(|o| o.as_name().ok()).unwrap_or_default();
        let identity = encoding.starts_with(b"Identity");
        let unicode = encoding.starts_with(b"UniGB-U");
        let descendant = resolved(pdf, dict, b"DescendantFonts")
            .and_then(|o| o.as_array().ok()?.first())
            .and_then(|o| pdf.dereference(o).ok()?.1.as_dict().ok());
        let Some(descendant) = descendant else { return };
        if let Some(width) = resolved(pdf, descendant, b"DW").and_then(|o| o.as_float().ok()) {
            self.default_width = width;
        }
        let Some(list) =
            resolved(pdf, descendant, b"W").and_then(|o| o.as_array().ok()).filter(|_| identity || unicode)
        else {
            return;
        };
        let mut items = list.iter().filter_map(|o| pdf.dereference(o).ok().map(|(_, o)| o));
        while let (Some(first), Some(second)) = (items.next(), items.next()) {
            let Some(first) = first.as_i64().ok().and_then(|c| u32::try_from(c).ok()) else { return };
            if let Ok(widths) = second.as_array() {
                for (code, width) in (first..).zip(widths) {
                    if let Ok(width) = width.as_float()
                        && self.widths.len() < MAX_WIDTHS
                    {
                        self.widths.insert(code, width);
                    }
                }
            } else {
                let last = second.as_i64().ok().and_then(|c| u32::try_from(c).ok());
                let (Some(last), Some(Ok(width))) = (last, items.next().map(Object::as_float)) else { return };
                for code in (first..=last).take(MAX_WIDTHS.saturating_sub(self.widths.len())) {
                    self.widths.insert(code, width);
                }
            }
        }
    }

    /// Under a Unicode map codes are characters: the widths of CIDs become those of the ASCII characters.
    fn ascii_widths(&mut self) {
        /// CID of the space in Adobe-GB1.
        const SPACE: u32 = 1;
        if matches!(self.decoder, Decoder::Utf16) {
            let cids = std::mem::take(&mut self.widths);
            let widths = (0x20..0x7F).filter_map(|code| Some((code, *cids.get(&(code - 0x20 + SPACE))?)));
            self.widths = widths.collect();
        }
    }

    /// The glyphs of a shown string.
    pub(super) fn glyphs(&self, bytes: &[u8]) -> Vec<Glyph> {
        let codes: Vec<(usize, u32)> = match &self.decoder {
            Decoder::ToUnicode(map) => map.codes(bytes, self.code_bytes),
            Decoder::Gb => gb_codes(bytes),
            _ => bytes
                .chunks(self.code_bytes)
                .map(|c| (c.len(), c.iter().fold(0, |n, b| (n << 8) | u32::from(*b))))
                .collect(),
        };
        codes.into_iter().map(|(length, code)| self.glyph(length, code)).collect()
    }

    fn glyph(&self, length: usize, code: u32) -> Glyph {
        let text = match &self.decoder {
            Decoder::ToUnicode(map) => map.text(length, code),
            Decoder::Gb => {
                let bytes = code.to_be_bytes();
                let bytes = bytes.get(4usize.saturating_sub(length)..).unwrap_or_default();
                GB18030.decode_without_bom_handling_and_without_replacement(bytes).map(|t| t.into_owned())
            }
            Decoder::Utf16 => {
                let bytes = (code as u16).to_be_bytes();
                UTF_16BE.decode_without_bom_handling_and_without_replacement(&bytes).map(|t| t.into_owned())
            }
            Decoder::Table(table) => table.get(code as usize).cloned().flatten(),
            Decoder::Unknown => None,
        };
        let fallback = if length == 1 && self.code_bytes == 2 { HALF_WIDTH } else { self.default_width };
        let width = self.widths.get(&code).copied().unwrap_or(fallback) * self.unit;
        Glyph { text: text.map(|t| unify(&t)), width, is_space: length == 1 && code == 32 }
    }
}

/// Text in plain characters, without controls.
pub(super) fn unify(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    super::super::characters::unify(&shown)
}

fn decoder(pdf: &Document, dict: &Dictionary, composite: bool) -> Decoder {
    if let Some(stream) = resolved(pdf, dict, b"ToUnicode").and_then(|o| o.as_stream().ok())
        && let Ok(bytes) = stream.get_plain_content_with_limit(MAX_CMAP_BYTES)
    {
        let map = CMap::parse(&bytes);
        if !map.is_empty() {
            return Decoder::ToUnicode(map);
        }
    }
    if composite {
        let name = resolved(pdf, dict, b"Encoding").and_then(|o| o.as_name().ok()).unwrap_or_default();
        return match name {
            n if n.starts_with(b"GB") => Decoder::Gb,
            n if n.starts_with(b"UniGB-U") && !n.starts_with(b"UniGB-UTF8") => Decoder::Utf16,
            _ => Decoder::Unknown,
        };
    }
    match dict.get_font_encoding_with_limit(pdf, MAX_CMAP_BYTES) {
        Ok(Encoding::UnicodeMapEncoding(_)) | Err(_) => Decoder::Unknown,
        Ok(encoding) => {
            let text = |code| encoding.bytes_to_string(&[code]).ok().filter(|t| !t.is_empty());
            Decoder::Table((0..=255).map(text).collect())
        }
    }
}

/// GBK and GB18030 codes: one byte below 0x81, else two, or four when the second byte is a digit.
fn gb_codes(bytes: &[u8]) -> Vec<(usize, u32)> {
    let mut codes = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = match (first, rest.get(1)) {
            (0..=0x80, _) | (_, None) => 1,
            (_, Some(0x30..=0x39)) => 4,
            _ => 2,
        };
        let (code, after) = rest.split_at(length.min(rest.len()));
        codes.push((code.len(), code.iter().fold(0, |n, b| (n << 8) | u32::from(*b))));
        rest = after;
    }
    codes
}

/// A dictionary entry with its reference followed.
pub(super) fn resolved<'a>(pdf: &'a Document, dict: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    dict.get_deref(key, pdf).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lopdf::dictionary;

    fn shown(font: &Dictionary, bytes: &[u8]) -> String {
        let pdf = Document::with_version("1.5");
        Font::load(&pdf, font).glyphs(bytes).into_iter().map(|g| g.text.unwrap_or("\u{FFFD}".into())).collect()
    }

    #[test]
    fn predefined_chinese_encodings_are_read() {
        let font = |name: &str| dictionary! { "Type" => "Font", "Subtype" => "Type0", "Encoding" => name };
        assert_eq!(shown(&font("GBK-EUC-H"), &GB18030.encode("第3条 银行").0), "第3条 银行");
        let utf16: Vec<u8> = "第三条".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(shown(&font("UniGB-UCS2-H"), &utf16), "第三条");
        assert_eq!(shown(&font("Identity-H"), b"\0\x01\0\x02"), "\u{FFFD}\u{FFFD}");
        let latin = dictionary! { "Type" => "Font", "Subtype" => "Type1", "Encoding" => "WinAnsiEncoding" };
        assert_eq!(shown(&latin, b"Fee 10"), "Fee 10");
    }

    #[test]
    fn look_alikes_become_the_characters_meant() {
        assert_eq!(unify("\u{2F70}例\u{F90A}\u{A0}x\u{0}"), "示例金 x");
    }
}
