//! `《…》同时废止`: which texts a text repeals.

use super::date::CLOSING_CLAUSES;
use super::docno;
use super::line;
use super::model::{ParsedClause, RepealNotice};
use super::promulgation::quoted;
use crate::text::numeral;

/// Wordings of repeal. 废止 alone also occurs in rules about making rules.
const WORDS: [&str; 18] = [
    "同时废止",
    "即行废止",
    "予以废止",
    "一并废止",
    "相应废止",
    "起废止",
    "废止《",
    "同时失效",
    "即行失效",
    "宣布失效",
    "废止以下",
    "废止下列",
    "同时停止执行",
    "不再执行",
    "停止执行",
    "不再适用",
    "同时停止",
    "止执行《",
];

/// Words before 《 that make a text a basis, not an object.
const BASIS: [&str; 8] = ["根据", "依照", "依据", "按照", "以", "执行", "对", "修改"];

/// Words behind 》 by which only a part of the text is meant.
const PART: [&str; 9] = ["中", "的有关", "有关", "相关", "关于", "所附", "附件", "部分", "的部分"];

/// Finds the texts that a text repeals: in the closing provisions, and anywhere in a notice, where repeal may be the very matter
/// (`notices` says whether the text may be one). A text of which single articles are repealed is not among them.
pub(super) fn notices(clauses: &[ParsedClause], notices: bool) -> Vec<RepealNotice> {
    let mut found: Vec<RepealNotice> = Vec::new();
    let closing = clauses.len().saturating_sub(CLOSING_CLAUSES);
    for (at, clause) in clauses.iter().enumerate() {
        let own_matter = notices && clause.address.article.is_none();
        if at < closing && !own_matter {
            continue;
        }
        let listed = own_matter && is_list(clause);
        let text = if listed { clause.text.clone() } else { line::unwrapped(&clause.text) };
        for sentence in text.split(['。', '；', '\n']) {
            for notice in in_sentence(sentence, listed) {
                if !found.contains(&notice) {
                    found.push(notice);
                }
            }
        }
    }
    found
}

/// Whether a clause is a list of repealed texts: `废止的规章目录`.
fn is_list(clause: &ParsedClause) -> bool {
    let heading = clause.text.lines().next().unwrap_or_default();
    let names = |text: &str| {
        (text.contains("废止") || text.contains("失效"))
            && ["目录", "清单", "名单", "一览"].iter().any(|word| text.contains(word))
            && !text.contains("继续有效")
    };
    names(heading) && !heading.contains('。') || names(&clause.address.label) || names(&clause.heading)
}

/// The texts that one sentence repeals; every text in it where it is a line of a list.
fn in_sentence(sentence: &str, listed: bool) -> Vec<RepealNotice> {
    if !listed && !WORDS.iter().any(|word| sentence.contains(word)) {
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
            && let Some(close) = bracketed(inner)
        {
            let note = inner.get(..close).unwrap_or_default();
            doc_no = docno::all(note).into_iter().next().unwrap_or_default();
            at = end + after.len() - inner.len() + close;
            after = inner.get(close..).unwrap_or_default().trim_start_matches(['）', ')']);
        } else {
            at = end;
        }
        let after = after.strip_prefix("的").unwrap_or(after);
        let one_article = after.strip_prefix('第').is_some_and(|rest| {
            numeral::leading(rest)
                .is_some_and(|(_, n)| rest.get(n..).is_some_and(|r| r.starts_with(['条', '章', '款'])))
        });
        let part = one_article || PART.iter().any(|word| after.starts_with(word));
        if !part && !BASIS.iter().any(|word| before.ends_with(word)) && !title.is_empty() {
            notices.push(RepealNotice { title: title.to_owned(), doc_no });
        }
    }
    let rest = sentence.get(at..).unwrap_or_default();
    // Numbers behind the last title stand for themselves: 《甲》和示例银发〔2022〕30号文同时废止.
    if at == 0 || rest.contains(['、', '和', '及']) {
        let numbers =
            docno::all(rest).into_iter().filter(|number| !notices.iter().any(|known| known.doc_no == *number));
        let numbers: Vec<String> =
            numbers.map(|number| number.trim_start_matches(['和', '及', '、']).to_owned()).collect();
        notices.extend(numbers.into_iter().map(|doc_no| RepealNotice { title: String::new(), doc_no }));
    }
    notices
}

/// Where the bracket that is open closes, brackets inside it taken pairwise: `银发〔1997〕393号文印发）`, `[2010]第2号公布）`.
fn bracketed(inner: &str) -> Option<usize> {
    let mut depth = 1i32;
    for (at, c) in inner.char_indices() {
        depth += i32::from(matches!(c, '（' | '(')) - i32::from(matches!(c, '）' | ')'));
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(sentence: &str) -> Vec<(String, String)> {
        in_sentence(sentence, false).into_iter().map(|n| (n.title, n.doc_no)).collect()
    }

    #[test]
    fn repeals() {
        for (sentence, expected) in [
            ("《示例办法》（示例银发〔2022〕30号）同时废止", vec![("示例办法", "示例银发〔2022〕30号")]),
            ("《示例办法》（示例银发（2022）30号文印发）停止执行", vec![("示例办法", "示例银发〔2022〕30号")]),
            ("本办法自2025年4月1日起施行，《甲办法》、《乙细则》同时废止", vec![("甲办法", ""), ("乙细则", "")]),
            ("1990年1月1日国务院发布的《丙条例》同时废止", vec![("丙条例", "")]),
            ("示例银发〔2022〕30号同时废止", vec![("", "示例银发〔2022〕30号")]),
            (
                "《甲办法》（示例银发〔2020〕1号）、示例银发〔2022〕30号文不再执行",
                vec![("甲办法", "示例银发〔2020〕1号"), ("", "示例银发〔2022〕30号")],
            ),
            ("《关于适用〈甲法〉的解释》即行废止", vec![("关于适用〈甲法〉的解释", "")]),
            ("某某银行决定废止《甲细则》（甲发〔1988〕1号）等2件规章", vec![("甲细则", "甲发〔1988〕1号")]),
            ("《甲办法》第三条同时废止", vec![]),
            ("《甲办法》中与本办法不一致的规定同时废止", vec![]),
            ("制定、修改和废止规章，适用《立法法》", vec![]),
            ("根据《甲法》制定的《乙办法》同时废止", vec![("乙办法", "")]),
        ] {
            let expected: Vec<(String, String)> =
                expected.into_iter().map(|(t, d)| (t.to_owned(), d.to_owned())).collect();
            assert_eq!(titles(sentence), expected, "{sentence}");
        }
    }
}
