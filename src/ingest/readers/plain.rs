//! Plain text: a line is a paragraph, unless lines were broken at a fixed width, and a short first line is the title.

use super::{SENTENCE_ENDS, push_heading, push_paragraph, wrap};
use crate::error::Result;
use crate::ingest::encoding;
use crate::text::document::RawDocument;

/// Longest first line taken for a title, in characters; the longest titles of regulations run to about 60.
const MAX_TITLE_CHARS: usize = 64;

/// Reads a text file.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    let text = wrap::join(&wrap::without_page_numbers(&encoding::decode(bytes)?), |_| false);
    let mut document = RawDocument::default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    if let Some(first) = lines.next_if(|line| is_title(line)) {
        // A title alone is a text of one line.
        if lines.peek().is_some() {
            push_heading(&mut document.blocks, 1, first);
        } else {
            push_paragraph(&mut document.blocks, first);
        }
    }
    for line in lines {
        push_paragraph(&mut document.blocks, line);
    }
    Ok(document)
}

fn is_title(line: &str) -> bool {
    line.chars().count() <= MAX_TITLE_CHARS && !line.ends_with(SENTENCE_ENDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::document::Block;

    #[test]
    fn lines_are_paragraphs_under_the_title() {
        let document = read("  挂失业务管理办法  \n\n第一条 挂失分口头和书面。\n第二条 略。\n".as_bytes()).unwrap();
        assert_eq!(
            document.blocks,
            [
                Block::Heading { depth: 1, text: "挂失业务管理办法".into() },
                Block::Paragraph("第一条 挂失分口头和书面。".into()),
                Block::Paragraph("第二条 略。".into()),
            ]
        );
    }

    #[test]
    fn prose_is_no_title() {
        let document = read("各网点应当核验证件。\n不得代办。".as_bytes()).unwrap();
        assert!(document.blocks.iter().all(|b| matches!(b, Block::Paragraph(_))));
        assert_eq!(read("一句话".as_bytes()).unwrap().blocks, [Block::Paragraph("一句话".into())]);
        assert!(read(" \n\n".as_bytes()).unwrap().blocks.is_empty());
    }
}
