//! The texts that an encoder is given: questions as asked, and clauses in pieces that fit its window.

use super::clause::sentences;
use super::normalize::{fold, normalize};
use super::table;

/// Longest body of one passage, in characters. With title and chapter path in front it stays within a window of 512 tokens
/// where a character is a token.
pub const MAX_BODY_CHARS: usize = 300;

/// What a title may begin with and every law's does.
const COUNTRY: &str = "中华人民共和国";

/// A question as the encoder is given it: whole, as people say it and as it has learned. Recall@10 / @100 of the encoder alone on
/// the dev questions: 0.653 / 0.845; without fillers 0.630 / 0.821.
pub fn spoken(question: &str) -> String {
    fold(question)
}

/// The passages of a clause, at least one: short title, chapter path and body, each normalised, with a space between. A body
/// of more than [`MAX_BODY_CHARS`] characters is cut at the ends of paragraphs, else of sentences, and every piece has title
/// and path in front.
pub fn of_clause(title: &str, heading: &str, body: &str) -> Vec<String> {
    let head = [short_title(title), normalize(heading)];
    let passage = |piece: String| {
        let parts = head.iter().cloned().chain([normalize(&piece)]);
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    // A row is encoded as it is said: an encoder knows sentences, no bars between cells.
    let said = table::lone_row(body.trim());
    pieces(said.as_deref().unwrap_or(body.trim())).into_iter().map(passage).collect()
}

/// A title without the country's name in front and without remarks in round brackets, normalised; with them when nothing else
/// is left.
pub fn short_title(title: &str) -> String {
    let title = title.trim();
    let mut depth = 0usize;
    let mut short = String::with_capacity(title.len());
    for c in title.strip_prefix(COUNTRY).unwrap_or(title).chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            c if depth == 0 => short.push(c),
            _ => {}
        }
    }
    let short = normalize(&short);
    if short.is_empty() { normalize(title) } else { short }
}

/// A body in pieces of at most [`MAX_BODY_CHARS`] characters, as few as filling them from the front gives.
fn pieces(body: &str) -> Vec<String> {
    if chars(body) <= MAX_BODY_CHARS {
        return vec![body.to_owned()];
    }
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for line in body.split_inclusive('\n') {
        let parts = if chars(line) <= MAX_BODY_CHARS { vec![line] } else { cut(line) };
        for part in parts {
            if !piece.is_empty() && chars(&piece) + chars(part) > MAX_BODY_CHARS {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push_str(part);
        }
    }
    pieces.push(piece);
    pieces.iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// A long paragraph in its sentences, and a sentence that is still too long in stretches of the largest size.
fn cut(paragraph: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    // What stands between two sentences goes with the one before it.
    let starts = sentences(paragraph).into_iter().map(|range| range.start).filter(|start| *start > 0);
    for end in starts.chain([paragraph.len()]) {
        let mut rest = paragraph.get(from..end).unwrap_or_default();
        while let Some((at, _)) = rest.char_indices().nth(MAX_BODY_CHARS) {
            let (part, left) = rest.split_at(at);
            parts.push(part);
            rest = left;
        }
        parts.push(rest);
        from = end;
    }
    parts
}

/// Characters, line breaks left out: they vanish in a passage.
fn chars(text: &str) -> usize {
    text.chars().filter(|c| *c != '\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_country_and_remarks() {
        assert_eq!(short_title("中华人民共和国商业银行法(2015年修正)"), "商业银行法");
        assert_eq!(short_title("示例银行现金业务办法（试行）"), "示例银行现金业务办法");
        assert_eq!(short_title("（试行）"), "(试行)");
        assert_eq!(short_title("中华人民共和国"), "中华人民共和国");
    }

    #[test]
    fn a_short_clause_is_one_passage() {
        let passages = of_clause("中华人民共和国商业银行法", "第三章 存款人", "第一款。\n第二款Ａ。");
        assert_eq!(passages, ["商业银行法 第三章存款人 第一款。第二款a。"]);
        assert_eq!(of_clause("办法", "", ""), ["办法"]);
    }

    #[test]
    fn a_long_clause_is_cut_where_it_pauses_and_nothing_is_lost() {
        let sentence = |n: usize| format!("{}。", "款".repeat(n));
        let body = [sentence(199), "\n".into(), sentence(149), sentence(149), "\n".into(), sentence(650)].concat();
        let passages = of_clause("规定", "第一章", &body);
        assert!(passages.len() > 3);
        let bodies: Vec<&str> = passages.iter().map(|p| p.strip_prefix("规定 第一章 ").expect(p)).collect();
        let lengths: Vec<usize> = bodies.iter().map(|b| chars(b)).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 200 + 150 + 150 + 651);
        assert!(lengths.iter().all(|n| *n <= MAX_BODY_CHARS), "{lengths:?}");
        // Paragraphs stay whole where they fit.
        assert_eq!(lengths[..2], [200, 300]);
    }

    #[test]
    fn questions_are_encoded_as_they_are_asked() {
        assert_eq!(spoken("請問身份證過期了"), "请问身份证过期了");
    }
}
