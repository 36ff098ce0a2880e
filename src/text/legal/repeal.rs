//! `《…》同时废止`: which texts a text repeals.

use super::date::CLOSING_CLAUSES;
use super::docno;
use super::model::{ParsedClause, RepealNotice};
use crate::text::numeral;

/// Wordings of repeal. 废止 alone also occurs in rules about making rules.
const WORDS: [&str; 7] = ["同时废止", "即行废止", "予以废止", "一并废止", "相应废止", "起废止", "废止《"];

/// Words before 《 that make a text a basis, not an object.
const BASIS: [&str; 5] = ["根据", "依照", "依据", "按照", "以"];

/// Finds the texts that the closing provisions repeal. A text of which single articles are repealed is not among them.
pub(super) fn notices(clauses: &[ParsedClause]) -> Vec<RepealNotice> {
    let mut found: Vec<RepealNotice> = Vec::new();
    for clause in clauses.iter().rev().take(CLOSING_CLAUSES).rev() {
        for sentence in clause.text.split(['。', '；', '\n']) {
            for notice in in_sentence(sentence) {
                if !found.contains(&notice) {
                    found.push(notice);
                }
            }
        }
    }
    found
}

/// The texts that one sentence repeals.
fn in_sentence(sentence: &str) -> Vec<RepealNotice> {
    if !WORDS.iter().any(|word| sentence.contains(word)) {
        return Vec::new();
    }
    let mut notices = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = sentence.get(at..).and_then(quoted).map(|(s, e)| (at + s, at + e)) {
        let before = sentence.get(..start).unwrap_or_default();
        let title = sentence.get(start + '《'.len_utf8()..end - '》'.len_utf8()).unwrap_or_default().trim();
        let mut after = sentence.get(end..).unwrap_or_default();
        let mut doc_no = String::new();
        if let Some(inner) = after.strip_prefix(['（', '('])
            && let Some(close) = inner.find(['）', ')'])
        {
            let note = inner.get(..close).unwrap_or_default();
            doc_no = docno::all(note).into_iter().next().unwrap_or_default();
            after = inner.get(close..).unwrap_or_default().trim_start_matches(['）', ')']);
        }
        let one_article = after.strip_prefix("的").unwrap_or(after).strip_prefix('第').is_some_and(|rest| {
            numeral::leading(rest)
                .is_some_and(|(_, n)| rest.get(n..).is_some_and(|r| r.starts_with(['条', '章', '款'])))
        });
        if !one_article && !BASIS.iter().any(|word| before.ends_with(word)) && !title.is_empty() {
            notices.push(RepealNotice { title: title.to_owned(), doc_no });
        }
        at = end;
    }
    if notices.is_empty() && !sentence.contains('《') {
        notices.extend(docno::all(sentence).into_iter().map(|doc_no| RepealNotice { title: String::new(), doc_no }));
    }
    notices
}

/// The first 《…》 of a text, inner ones taken pairwise: byte range with the marks.
fn quoted(text: &str) -> Option<(usize, usize)> {
    let start = text.find('《')?;
    let mut depth = 0usize;
    for (at, c) in text.get(start..)?.char_indices() {
        match c {
            '《' => depth += 1,
            '》' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some((start, start + at + c.len_utf8()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(sentence: &str) -> Vec<(String, String)> {
        in_sentence(sentence).into_iter().map(|n| (n.title, n.doc_no)).collect()
    }

    #[test]
    fn repeals() {
        for (sentence, expected) in [
            ("《示例办法》（示例银发〔2022〕30号）同时废止", vec![("示例办法", "示例银发〔2022〕30号")]),
            ("本办法自2025年4月1日起施行，《甲办法》、《乙细则》同时废止", vec![("甲办法", ""), ("乙细则", "")]),
            ("1990年1月1日国务院发布的《丙条例》同时废止", vec![("丙条例", "")]),
            ("示例银发〔2022〕30号同时废止", vec![("", "示例银发〔2022〕30号")]),
            ("《关于适用〈甲法〉的解释》即行废止", vec![("关于适用〈甲法〉的解释", "")]),
            ("《甲办法》第三条同时废止", vec![]),
            ("制定、修改和废止规章，适用《立法法》", vec![]),
            ("根据《甲法》制定的《乙办法》同时废止", vec![("乙办法", "")]),
        ] {
            let expected: Vec<(String, String)> =
                expected.into_iter().map(|(t, d)| (t.to_owned(), d.to_owned())).collect();
            assert_eq!(titles(sentence), expected, "{sentence}");
        }
    }
}
