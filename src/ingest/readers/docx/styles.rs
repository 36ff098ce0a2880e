//! `word/styles.xml`: which paragraph styles are headings, which carry a number, and which are tables of contents.

use super::super::package::{Node, Xml, attribute};
use crate::error::Result;
use std::collections::HashMap;

/// Longest chain of `basedOn`; Word itself allows eleven.
const MAX_INHERITANCE: usize = 16;
/// Outline level that Word writes for body text (ECMA-376 17.3.1.20).
const BODY_LEVEL: u8 = 9;

/// A reference to automatic numbering; either part may be inherited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NumberRef {
    /// `w:numId`; 0 switches numbering off.
    pub(super) list: Option<u32>,
    /// `w:ilvl`, 0 the outermost.
    pub(super) level: Option<usize>,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    number: NumberRef,
    /// Whether its text is struck through, where it says so.
    struck: Option<bool>,
}

/// All styles by id.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    default: Option<String>,
}

impl Styles {
    /// Reads the part.
    ///
    /// # Errors
    /// As [`Xml::next`].
    pub(super) fn parse(text: &str) -> Result<Styles> {
        let mut styles = Styles::default();
        let mut current: Option<(String, Style)> = None;
        let mut xml = Xml::new(text);
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(start, empty) => {
                    let local = start.local_name();
                    let value = || attribute(&start, "val");
                    match (local.as_ref(), current.as_mut()) {
                        ("style", _) if !empty => {
                            let id = attribute(&start, "styleId").unwrap_or_default();
                            let paragraph = attribute(&start, "type").is_none_or(|t| t == "paragraph");
                            let default = attribute(&start, "default").is_some_and(|d| d == "1" || d == "true");
                            if paragraph && default {
                                styles.default = Some(id.clone());
                            }
                            current = Some((id, Style::default()));
                        }
                        ("name", Some((_, style))) => style.name = value().unwrap_or_default().to_lowercase(),
                        ("basedOn", Some((_, style))) => style.based_on = value(),
                        ("outlineLvl", Some((_, style))) => style.outline = value().and_then(|v| v.parse().ok()),
                        ("numId", Some((_, style))) => style.number.list = value().and_then(|v| v.parse().ok()),
                        ("ilvl", Some((_, style))) => style.number.level = value().and_then(|v| v.parse().ok()),
                        ("strike" | "dstrike", Some((_, style))) => {
                            let on = is_on(&start);
                            style.struck = Some(on || style.struck == Some(true));
                        }
                        _ => {}
                    }
                }
                Node::End(name) if name == "style" => {
                    if let Some((id, style)) = current.take() {
                        styles.by_id.insert(id, style);
                    }
                }
                _ => {}
            }
        }
        Ok(styles)
    }

    /// The style and those it is based on, nearest first.
    fn chain<'s>(&'s self, id: Option<&'s str>) -> impl Iterator<Item = (&'s str, &'s Style)> {
        let first = id.or(self.default.as_deref());
        std::iter::successors(first.and_then(|id| self.by_id.get_key_value(id)), |(_, style)| {
            self.by_id.get_key_value(style.based_on.as_deref()?)
        })
        .take(MAX_INHERITANCE)
        .map(|(id, style)| (id.as_str(), style))
    }

    /// Outline depth of the style, 0 for a document title, 1 to 9 for headings, `None` for body text.
    pub(super) fn depth(&self, id: Option<&str>) -> Option<u8> {
        for (style_id, style) in self.chain(id) {
            if let Some(level) = style.outline {
                return (level < BODY_LEVEL).then_some(level + 1);
            }
            if let Some(depth) = depth_of_name(&style.name).or_else(|| depth_of_name(&style_id.to_lowercase())) {
                return Some(depth);
            }
        }
        // A document without styles.xml still names its styles.
        id.filter(|id| !self.by_id.contains_key(*id)).and_then(|id| depth_of_name(&id.to_lowercase()))
    }

    /// Whether the style belongs to a generated table of contents, whose lines repeat the headings.
    pub(super) fn is_contents(&self, id: Option<&str>) -> bool {
        let generated = |name: &str| {
            let rest = name.strip_prefix("toc").or_else(|| name.strip_prefix("目录"));
            rest.is_some_and(|rest| rest.trim().chars().all(|c| c.is_ascii_digit()) || rest.trim() == "heading")
        };
        self.chain(id).any(|(_, style)| generated(&style.name)) || id.is_some_and(|id| generated(&id.to_lowercase()))
    }

    /// Whether text in a paragraph or character style is struck through.
    pub(super) fn is_struck(&self, id: Option<&str>) -> bool {
        self.chain(id).find_map(|(_, style)| style.struck).unwrap_or(false)
    }

    /// Numbering that the style brings, and the id of the style in the chain that names the list.
    pub(super) fn number<'s>(&'s self, id: Option<&'s str>) -> Option<(NumberRef, &'s str)> {
        self.chain(id).find(|(_, style)| style.number.list.is_some()).map(|(style_id, style)| (style.number, style_id))
    }

    /// The list that a numbering style (`w:styleLink`) stands for.
    pub(super) fn list_of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).and_then(|style| style.number.list)
    }
}

/// Whether a switch (`w:strike`) is on; it is unless it says otherwise.
pub(super) fn is_on(start: &quick_xml::events::BytesStart<'_>) -> bool {
    attribute(start, "val").is_none_or(|v| !matches!(v.as_str(), "0" | "false" | "off" | "none"))
}

/// `heading 1`, `Heading1`, `标题 1` and `Title`, `标题`; lower case.
fn depth_of_name(name: &str) -> Option<u8> {
    if matches!(name, "title" | "标题") {
        return Some(0);
    }
    let rest = name.strip_prefix("heading").or_else(|| name.strip_prefix("标题"))?;
    rest.trim().parse().ok().filter(|depth| (1..=9).contains(depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_found_by_level_by_name_and_by_inheritance() {
        let xml = r#"<w:styles xmlns:w="w"><w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/></w:style>
            <w:style w:styleId="1"><w:name w:val="heading 1"/><w:basedOn w:val="a"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
            <w:style w:styleId="x"><w:name w:val="章标题"/><w:basedOn w:val="1"/></w:style>
            <w:style w:styleId="y"><w:name w:val="正文样式"/><w:basedOn w:val="1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
            <w:style w:styleId="t"><w:name w:val="Title"/></w:style><w:style w:styleId="b2"><w:name w:val="标题 2"/></w:style>
            <w:style w:styleId="11"><w:name w:val="toc 1"/></w:style>
            <w:style w:styleId="l"><w:name w:val="loop"/><w:basedOn w:val="l"/></w:style></w:styles>"#;
        let styles = Styles::parse(xml).unwrap();
        let depths = [None, Some("1"), Some("x"), Some("y"), Some("t"), Some("b2"), Some("l"), Some("Heading3")]
            .map(|id| styles.depth(id));
        assert_eq!(depths, [None, Some(1), Some(1), None, Some(0), Some(2), None, Some(3)]);
        assert!(styles.is_contents(Some("11")) && !styles.is_contents(Some("1")) && !styles.is_contents(None));
    }
}
