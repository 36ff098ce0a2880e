//! Cross-references inside a rule: `依照本法第二十条`, `《…》第三条第二款`, `第十条至第十二条`, `第三条、第五条`.

use super::title::{self, Before, Style};
use super::{Cursor, article};
use crate::types::ClauseAddress;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One reference to a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The title named, without 《》; `None` means the same document (`本法第三条`, `第三条`).
    pub document: Option<String>,
    /// The clause.
    pub address: ClauseAddress,
    /// Byte range in the text, from the title (or 第) to the end of the address; all members of a range share theirs.
    pub span: Range<usize>,
}

/// Articles that one range (`第十条至第九十条`) is spread to at most; of a longer one only both ends are given.
const MAX_RANGE: u32 = 60;

const LIST: [&str; 8] = ["、", "以及", "或者", "和", "及", "与", "或", "，第"];
const RANGE: [&str; 4] = ["至", "到", "—", "-"];

/// Finds every reference to a 条 or 场景 in a text, in reading order. Titles inside 《》 are not searched.
pub fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut named_last: Option<String> = None;
    let mut at = 0;
    let mut depth = 0usize;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '《' => depth += 1,
            '》' => depth = depth.saturating_sub(1),
            '第' | '场' if depth == 0 => {
                if let Some((addresses, end)) = list(text, at) {
                    let (document, start) = match title::before(text.get(..at).unwrap_or_default(), Style::Prose) {
                        Before::Named { title, start } => (Some(title), start),
                        Before::Same => (named_last.clone(), at),
                        Before::Own | Before::Nothing => (None, at),
                    };
                    if document.is_some() {
                        named_last.clone_from(&document);
                    }
                    found.extend(addresses.into_iter().enumerate().map(|(n, (address, span))| Reference {
                        document: document.clone(),
                        address,
                        span: if n == 0 { start..span.end } else { span },
                    }));
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    found
}

type Found = (ClauseAddress, Range<usize>);

/// The list of addresses that starts at `at`, and where it ends.
fn list(text: &str, at: usize) -> Option<(Vec<Found>, usize)> {
    if text.get(at..)?.starts_with('场') {
        let (address, len) = super::leading(text.get(at..)?)?;
        return Some((vec![(address, at..at + len)], at + len));
    }
    let mut found = Vec::new();
    let mut cursor = Cursor { text, at };
    articles(&mut cursor, &mut found)?;
    loop {
        let mut ahead = cursor;
        let range = ahead.eat_any(&RANGE);
        if !range
            && !LIST.iter().any(|word| match word.strip_suffix('第') {
                Some(comma) => ahead.rest().starts_with(word) && ahead.eat(comma),
                None => ahead.eat(word),
            })
        {
            break;
        }
        let from = ahead.at;
        let Some((last, _)) = found.last().cloned() else { break };
        if ahead.rest().starts_with('第') && articles(&mut ahead, &mut found).is_some() {
            if range {
                spread(&mut found, &last, from);
            }
        } else if !following_parts(&mut ahead, &last, &mut found) {
            break;
        }
        cursor = ahead;
    }
    Some((found, cursor.at))
}

/// `第二十条`, `第二十、二十一条`, each with the parts behind it. Leaves the cursor alone when there is none.
fn articles(cursor: &mut Cursor<'_>, found: &mut Vec<Found>) -> Option<()> {
    let mut ahead = *cursor;
    if !ahead.eat("第") {
        return None;
    }
    let mut numbers = Vec::new();
    loop {
        ahead.skip_spaces();
        numbers.push((ahead.number().filter(|&n| n > 0)?, ahead.at));
        ahead.skip_spaces();
        if ahead.eat("条") {
            break;
        }
        if !ahead.eat_any(&["、", "和", "及"]) {
            return None;
        }
    }
    let insert = ahead.insert();
    let last = numbers.len() - 1;
    for (i, (number, end)) in numbers.into_iter().enumerate() {
        if i < last {
            found.push((article(number, 0), cursor.at..end));
            continue;
        }
        let whole = article(number, insert);
        if !parts(&mut ahead, &whole, cursor.at, found) {
            found.push((whole, cursor.at..ahead.at));
        }
    }
    *cursor = ahead;
    Some(())
}

/// 款, 项, 目 behind an address; each level may be a list. Pushes what was found; false when there is none.
fn parts(cursor: &mut Cursor<'_>, base: &ClauseAddress, start: usize, found: &mut Vec<Found>) -> bool {
    let mut bases = vec![base.clone()];
    let mut any = false;
    for (unit, set) in [
        ("款", (|a, n| a.paragraph = Some(n)) as fn(&mut ClauseAddress, u32)),
        ("项", |a, n| a.item = Some(n)),
        ("目", |a, n| a.point = Some(n)),
    ] {
        let Some(numbers) = cursor.part(unit) else { continue };
        any = true;
        // Deeper parts belong to the last of a list: 第一、二款第三项.
        let Some(parent) = bases.pop() else { break };
        bases.extend(numbers.into_iter().map(|n| {
            let mut address = parent.clone();
            set(&mut address, n);
            address
        }));
    }
    if any {
        found.extend(bases.into_iter().map(|address| (address, start..cursor.at)));
    }
    any
}

/// `、第二款`, `和第（三）项`: parts that take the rest of their address from the one before.
fn following_parts(cursor: &mut Cursor<'_>, last: &ClauseAddress, found: &mut Vec<Found>) -> bool {
    let start = cursor.at;
    let mut ahead = *cursor;
    // Only 第… or a bracket goes on with the list; 、十人 does not.
    if !ahead.rest().starts_with(['第', '（', '(']) {
        return false;
    }
    let base = {
        let mut probe = ahead;
        if probe.part("款").is_some() {
            ClauseAddress { paragraph: None, item: None, point: None, ..last.clone() }
        } else if last.item.is_some() && probe.part("项").is_some() {
            ClauseAddress { item: None, point: None, ..last.clone() }
        } else {
            return false;
        }
    };
    let done = parts(&mut ahead, &base, start, found);
    if done {
        *cursor = ahead;
    }
    done
}

/// Fills in the articles between `first` and the last one found; all share the span of the end.
fn spread(found: &mut Vec<Found>, first: &ClauseAddress, from: usize) {
    let Some((end, span)) = found.pop() else { return };
    if let (Some(a), Some(b)) = (first.article, end.article)
        && first.paragraph.is_none()
        && a < b
        && b - a <= MAX_RANGE
    {
        found.extend((a + 1..b).map(|n| (article(n, 0), from..span.end)));
    }
    found.push((end, span));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address::print;

    fn all(text: &str) -> Vec<String> {
        references(text)
            .into_iter()
            .map(|r| format!("{}{}", r.document.map_or(String::new(), |d| format!("{d} ")), print(&r.address)))
            .collect()
    }

    #[test]
    fn finds_references() {
        for (text, expected) in [
            ("依照本法第二十条的规定处罚", vec!["第二十条"]),
            ("依照《示例银行账户管理办法》第三条第二款办理", vec!["示例银行账户管理办法 第三条第二款"]),
            ("第十条至第十二条的规定", vec!["第十条", "第十一条", "第十二条"]),
            ("违反第三条、第五条规定的", vec!["第三条", "第五条"]),
            ("依照刑法第二百六十六条的规定", vec!["刑法 第二百六十六条"]),
            ("有第三条第一款、第二款情形", vec!["第三条第一款", "第三条第二款"]),
            ("第三条第一款第（一）项、第（三）项", vec!["第三条第一款第（一）项", "第三条第一款第（三）项"]),
            ("第一百一十四、一百一十五条", vec!["第一百一十四条", "第一百一十五条"]),
            ("第五条第一、三款", vec!["第五条第一款", "第五条第三款"]),
            (
                "本法第三条和《中华人民共和国公司法》第五条、第七条",
                vec!["第三条", "中华人民共和国公司法 第五条", "中华人民共和国公司法 第七条"],
            ),
            ("《公司法》第五条规定的，依照该法第九条处理", vec!["公司法 第五条", "公司法 第九条"]),
            ("符合对外贸易法第三条", vec!["对外贸易法 第三条"]),
            ("其行为属于民法典第三条", vec!["民法典 第三条"]),
            ("按照税收征收管理法实施细则第三条", vec!["税收征收管理法实施细则 第三条"]),
            ("侵害消费者权益保护法第五条", vec!["侵害消费者权益保护法 第五条"]),
            ("依照反有组织犯罪法第五条", vec!["反有组织犯罪法 第五条"]),
            ("依照本实施细则第五条", vec!["第五条"]),
            ("《关于修改〈刑法〉第三条的决定》", vec![]),
            ("前款规定的第三人，第一款所称", vec![]),
            ("《示例银行柜面操作指引：过期》场景二", vec!["示例银行柜面操作指引：过期 场景二"]),
            ("刑法第一百二十条之一、第一百二十条之二", vec!["刑法 第一百二十条之一", "刑法 第一百二十条之二"]),
        ] {
            assert_eq!(all(text), expected, "{text}");
        }
    }

    #[test]
    fn spans_cover_title_and_address() {
        let text = "依照《甲办法》第三条第二款、第五条办理";
        let spans: Vec<&str> = references(text).iter().filter_map(|r| text.get(r.span.clone())).collect();
        assert_eq!(spans, ["《甲办法》第三条第二款", "第五条"]);
    }
}
