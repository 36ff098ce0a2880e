//! Footnotes and endnotes: their text by id, to be written where they are referred to.

use super::super::package::{Node, Xml, attribute};
use super::body::Body;
use super::numbering::Numbering;
use super::styles::Styles;
use crate::error::Result;
use crate::text::document::on_one_line;
use std::collections::HashMap;

/// Notes by id.
#[derive(Debug, Default)]
pub(super) struct Notes {
    by_id: HashMap<String, String>,
}

impl Notes {
    /// Reads `word/footnotes.xml` or `word/endnotes.xml`.
    ///
    /// # Errors
    /// As [`Xml::next`].
    pub(super) fn parse(text: &str, styles: &Styles) -> Result<Notes> {
        let mut notes = Notes::default();
        let mut open: Option<(String, Body<'_>)> = None;
        let mut xml = Xml::new(text);
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(start, empty) => {
                    let local = start.local_name();
                    match (&mut open, local.as_ref()) {
                        // The lines between text and notes are notes too, with a type.
                        (None, "footnote" | "endnote") if !empty && attribute(&start, "type").is_none() => {
                            open = attribute(&start, "id").map(|id| (id, Body::new(styles, Numbering::default())));
                        }
                        (Some((_, body)), _) => body.start(&start, empty),
                        (None, _) => {}
                    }
                }
                Node::Text(text) => {
                    if let Some((_, body)) = &mut open {
                        body.text(&text);
                    }
                }
                Node::End(name) if matches!(name.as_str(), "footnote" | "endnote") => {
                    if let Some((id, body)) = open.take() {
                        notes.by_id.insert(id, on_one_line(&body.finish().blocks));
                    }
                }
                Node::End(name) => {
                    if let Some((_, body)) = &mut open {
                        body.end(&name);
                    }
                }
            }
        }
        Ok(notes)
    }

    /// A note as it stands in the text. In brackets, so that no sentence is cited without its exception.
    pub(super) fn in_text(&self, id: &str) -> String {
        let note = self.by_id.get(id).map(|note| note.trim_end_matches('。')).filter(|note| !note.is_empty());
        note.map_or_else(String::new, |note| format!("\u{FF08}脚注：{note}\u{FF09}"))
    }
}
