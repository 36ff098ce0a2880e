//! Office files are zips of XML parts; both are opened here under limits that do not believe what the file says of itself.

use crate::error::{Code, Error, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Most entries in a package. Long rules with many pictures have some hundreds.
pub(super) const MAX_ENTRIES: usize = 10_000;
/// Largest single part, unpacked, in bytes (96 MiB): the XML of a rule of 10,000 pages.
pub(super) const MAX_PART_BYTES: u64 = 96 * 1024 * 1024;
/// Most bytes unpacked from one file, all parts together (192 MiB).
pub(super) const MAX_UNPACKED_BYTES: u64 = 192 * 1024 * 1024;
/// Most XML events in one part; a paragraph takes about twenty.
pub(super) const MAX_XML_EVENTS: usize = 20_000_000;
/// Deepest nesting of XML elements; office programs stay below fifty.
pub(super) const MAX_XML_DEPTH: usize = 512;

/// A package whose parts are unpacked on demand, counted as they come.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    unpacked: u64,
}

impl<'a> Package<'a> {
    /// Opens the directory of the zip.
    ///
    /// # Errors
    /// `DocumentTooLarge` above [`MAX_ENTRIES`], `DocumentUnreadable` when there is no valid directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Package<'a>> {
        // Counted before the directory is read into memory. Stored data may hold the mark by chance, a few times.
        let directory_entries = bytes.windows(4).filter(|w| w == b"PK\x01\x02").count();
        if directory_entries > MAX_ENTRIES {
            return Err(bomb(&format!("文件里的部件超过 {MAX_ENTRIES} 个")));
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|cause| damaged("压缩结构不完整").because(cause))?;
        Ok(Package { archive, unpacked: 0 })
    }

    /// Names of all parts, as stored.
    pub(super) fn names(&self) -> Vec<String> {
        self.archive.file_names().flatten().map(|name| name.into_owned()).collect()
    }

    /// Unpacks a part; `None` when the package has none of that name. Names compare without case, as OPC asks.
    ///
    /// # Errors
    /// `DocumentTooLarge` for a zip bomb, `DocumentUnreadable` for damaged data, `DocumentEncrypted` for an encrypted entry.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let stored = self.names().into_iter().find(|n| n.replace('\\', "/").eq_ignore_ascii_case(name));
        let Some(stored) = stored else { return Ok(None) };
        let limit = MAX_PART_BYTES.min(MAX_UNPACKED_BYTES.saturating_sub(self.unpacked));
        let entry = self.archive.by_name(&stored).map_err(|cause| match cause {
            zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
                super::format::encrypted()
            }
            cause => damaged(&format!("部件 {name} 读不出")).because(cause),
        })?;
        let mut bytes = Vec::new();
        // Read to one byte past the limit: the sizes in the headers are only claims.
        entry
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|cause| damaged(&format!("部件 {name} 解压出错")).because(cause))?;
        if bytes.len() as u64 > limit {
            return Err(bomb("解压后的内容大得反常(可能是压缩炸弹)"));
        }
        self.unpacked += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Unpacks a part that is XML and decodes it.
    ///
    /// # Errors
    /// As [`Package::part`], and `DocumentUnreadable` when it is neither UTF-8 nor UTF-16.
    pub(super) fn xml(&mut self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.part(name)? else { return Ok(None) };
        let text = match bytes.as_slice() {
            [0xFF, 0xFE, rest @ ..] => {
                encoding_rs::UTF_16LE.decode_without_bom_handling_and_without_replacement(rest).map(|t| t.into_owned())
            }
            [0xFE, 0xFF, rest @ ..] => {
                encoding_rs::UTF_16BE.decode_without_bom_handling_and_without_replacement(rest).map(|t| t.into_owned())
            }
            [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
            _ => String::from_utf8(bytes).ok(),
        };
        text.map(Some).ok_or_else(|| damaged(&format!("部件 {name} 的文字编码无效")))
    }
}

/// XML events under the limits, with character data resolved.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    events: usize,
    depth: usize,
}

/// What the readers need to know of an XML part. Names come without their namespace prefix.
pub(super) enum Node<'a> {
    /// `<name …>`, with `true` when it is `<name …/>` and no end follows.
    Start(BytesStart<'a>, bool),
    /// `</name>`.
    End(String),
    /// Character data, entities resolved; may come in pieces.
    Text(String),
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Xml<'a> {
        Xml { reader: Reader::from_str(text), events: 0, depth: 0 }
    }

    /// The next node, `None` at the end.
    ///
    /// # Errors
    /// `DocumentUnreadable` for bad XML, a document type definition or an unknown entity (neither is ever legal in an
    /// office file, and both are ways to make a parser expand or fetch things), `DocumentTooLarge` beyond the limits.
    pub(super) fn next(&mut self) -> Result<Option<Node<'a>>> {
        loop {
            self.events += 1;
            super::deadline::check()?;
            if self.events > MAX_XML_EVENTS || self.depth > MAX_XML_DEPTH {
                return Err(bomb("文件内部结构大得反常"));
            }
            let event = self.reader.read_event().map_err(|cause| damaged("内部的 XML 不完整").because(cause))?;
            return Ok(Some(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    Node::Start(start, false)
                }
                Event::Empty(start) => Node::Start(start, true),
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End(end.local_name().as_ref().to_string())
                }
                Event::Text(text) => Node::Text(text.xml10_content().into_owned()),
                Event::CData(data) => Node::Text(data.xml10_content().into_owned()),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c),
                        _ => match reference.xml10_content().as_ref() {
                            "amp" => Some('&'),
                            "lt" => Some('<'),
                            "gt" => Some('>'),
                            "quot" => Some('"'),
                            "apos" => Some('\''),
                            _ => None,
                        },
                    };
                    let c = resolved.ok_or_else(|| damaged("内部的 XML 用了自定义实体"))?;
                    Node::Text(c.to_string())
                }
                Event::DocType(_) => return Err(damaged("内部的 XML 带有 DTD")),
                Event::Eof if self.depth > 0 => return Err(damaged("内部的 XML 被截断")),
                Event::Eof => return Ok(None),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            }));
        }
    }
}

/// The value of an attribute, by its name without prefix.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == name)?;
    found.normalized_value(quick_xml::XmlVersion::default()).ok().map(|value| value.into_owned())
}

/// Something in the file is broken.
pub(super) fn damaged(what: &str) -> Error {
    Error::new(Code::DocumentUnreadable, format!("文件已损坏:{what}"), "请用 Office 或 WPS 打开并另存一份再导入")
}

fn bomb(what: &str) -> Error {
    Error::new(Code::DocumentTooLarge, what, "请核实文件来源;确是制度文件的,请拆成几个文件或去掉多余内容再导入")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<usize> {
        let mut xml = Xml::new(text);
        let mut count = 0;
        while xml.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn entities_are_resolved_and_never_defined() {
        let mut xml = Xml::new("<a>甲&amp;&#x4E59;<![CDATA[<丙>]]></a>");
        let mut text = String::new();
        while let Some(node) = xml.next().unwrap() {
            if let Node::Text(piece) = node {
                text.push_str(&piece);
            }
        }
        assert_eq!(text, "甲&乙<丙>");
        let laughs = "<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;\">]><a>&m;</a>";
        assert_eq!(all(laughs).unwrap_err().code(), Code::DocumentUnreadable);
        assert_eq!(all("<a>&file;</a>").unwrap_err().code(), Code::DocumentUnreadable);
    }

    #[test]
    fn broken_and_bottomless_xml_is_refused() {
        for broken in ["<a><b></a>", "<a>文", "<a"] {
            assert_eq!(all(broken).unwrap_err().code(), Code::DocumentUnreadable, "{broken}");
        }
        let deep = "<a>".repeat(MAX_XML_DEPTH + 2);
        assert_eq!(all(&deep).unwrap_err().code(), Code::DocumentTooLarge);
    }
}
