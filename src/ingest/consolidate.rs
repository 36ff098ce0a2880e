//! The consolidated text of a rule: what an amendment gives word for word is put into the text before it.

use super::touched;
use crate::text::address;
use crate::text::clause::{self, paragraphs};
use crate::text::legal::line::mark;
use crate::text::legal::{ParsedClause, What};
use crate::types::ClauseAddress;

/// What stands in place of a clause that was taken out, so that whoever looks for its number learns of it.
pub(super) const DELETED: &str = "（已删去）";

/// Share of its pairs of characters that the new text of a clause has in common with the old one at least: with less, the clause of another rule may be
/// meant, and it is only marked.
const LEAST_SHARED: f64 = 0.1;

/// Carries a change out in the clauses of a text; the places of the clauses that read otherwise now. `None` when it cannot be carried out
/// word by word; then nothing is changed.
pub(super) fn carry_out(
    clauses: &mut Vec<ParsedClause>,
    address: Option<&ClauseAddress>,
    what: &What,
) -> Option<Vec<usize>> {
    // A scene's structure would stay behind its words.
    if clauses.iter().any(|clause| clause.guide.is_some()) {
        return None;
    }
    match (what, address) {
        (What::Words(old, new), None) => everywhere(clauses, old, new),
        (What::Added(text), Some(address)) if is_whole(address) => insert(clauses, address, text).map(|at| vec![at]),
        (_, Some(address)) => {
            let at = find(clauses, address)?;
            let clause = clauses.get_mut(at)?;
            clause.text = changed(&clause.text, address, what)?;
            Some(vec![at])
        }
        _ => None,
    }
}

/// The place of the clause at an address.
pub(super) fn find(clauses: &[ParsedClause], address: &ClauseAddress) -> Option<usize> {
    let section = address::section_mark(address);
    clauses.iter().position(|clause| match address.article {
        Some(article) => (clause.address.article, clause.address.insert) == (Some(article), address.insert),
        None => {
            let label = clause.address.label.as_str();
            label == address.label || section.as_deref().is_some_and(|mark| label.starts_with(mark))
        }
    })
}

fn is_whole(address: &ClauseAddress) -> bool {
    address.paragraph.is_none() && address.item.is_none() && address.point.is_none()
}

/// The text of one clause after a change.
fn changed(text: &str, address: &ClauseAddress, what: &What) -> Option<String> {
    match what {
        What::Replaced(new) => {
            let part = clause::part(text, address)?;
            let new = unlabelled(new, address)?;
            let old = text.get(part.clone())?;
            if touched::shared(&new, old).max(touched::shared(old, &new)) < LEAST_SHARED {
                return None;
            }
            let new = if is_whole(address) { new } else { like(text.get(part.clone())?, &new) };
            Some(format!("{}{new}{}", text.get(..part.start)?, text.get(part.end..)?))
        }
        What::Words(old, new) => {
            let part = clause::part(text, address)?;
            let within = text.get(part.clone())?;
            let within = within.contains(old.as_str()).then(|| within.replace(old.as_str(), new))?;
            Some(format!("{}{within}{}", text.get(..part.start)?, text.get(part.end..)?))
        }
        What::Deleted if is_whole(address) => Some(DELETED.to_owned()),
        What::Deleted => {
            let part = clause::part(text, address)?;
            let (before, after) = (text.get(..part.start)?.trim_end(), text.get(part.end..)?.trim_start());
            let between = if before.is_empty() || after.is_empty() { "" } else { "\n" };
            let left = format!("{before}{between}{after}");
            Some(if left.is_empty() { DELETED.to_owned() } else { left })
        }
        What::Added(new) => appended(text, address, new),
        What::Suspended | What::Repealed | What::Restored | What::RowDeleted(_) | What::Value { .. } | What::Other => {
            None
        }
    }
}

/// A new 款 in its place, or a new 项 behind the last one.
fn appended(text: &str, address: &ClauseAddress, new: &str) -> Option<String> {
    let found = paragraphs(text);
    let Some(item) = address.item.filter(|_| address.point.is_none()) else {
        let number = usize::try_from(address.paragraph.filter(|_| address.point.is_none())?).ok()?;
        return match found.get(number.checked_sub(1)?) {
            Some(there) => Some(format!("{}{new}\n{}", text.get(..there.range.start)?, text.get(there.range.start..)?)),
            None => (number == found.len() + 1).then(|| format!("{text}\n{new}")),
        };
    };
    let paragraph = match address.paragraph {
        Some(n) => found.get(usize::try_from(n).ok()?.checked_sub(1)?)?,
        None => found.iter().find(|paragraph| !paragraph.items.is_empty())?,
    };
    let last = paragraph.items.last().filter(|last| last.number + 1 == item)?;
    let old = text.get(last.range.clone())?;
    let sign: String = old.chars().take_while(|c| !matches!(c, ')' | '）' | '.' | '．' | '、')).collect();
    let bracketed = sign.starts_with(['（', '(']);
    let new = match mark(new) {
        Some(_) => new.to_owned(),
        None if bracketed => format!("（{}）{new}", crate::text::numeral::to_chinese(item)),
        None => format!("{item}.{new}"),
    };
    Some(format!("{}\n{new}{}", text.get(..last.range.end)?, text.get(last.range.end..)?))
}

/// Words that are replaced wherever they stand.
fn everywhere(clauses: &mut [ParsedClause], old: &str, new: &str) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    for (at, clause) in clauses.iter_mut().enumerate().filter(|(_, clause)| clause.text.contains(old)) {
        clause.text = clause.text.replace(old, new);
        places.push(at);
    }
    (!old.is_empty() && !places.is_empty()).then_some(places)
}

/// A new clause in the order of the numbers; none where that number is taken, for then others would have to be numbered anew.
fn insert(clauses: &mut Vec<ParsedClause>, address: &ClauseAddress, text: &str) -> Option<usize> {
    let article = address.article?;
    if find(clauses, address).is_some() {
        return None;
    }
    let text = unlabelled(text, address)?;
    let before = |clause: &ParsedClause| {
        clause.address.article.is_some_and(|other| (other, clause.address.insert) < (article, address.insert))
    };
    let at = clauses.iter().rposition(before).map_or(0, |at| at + 1);
    let heading = at.checked_sub(1).and_then(|at| clauses.get(at)).map(|c| c.heading.clone()).unwrap_or_default();
    let address = address::article(article, address.insert);
    clauses.insert(at, ParsedClause { address, heading, text, ask_variants: Vec::new(), guide: None });
    Some(at)
}

/// A clause's new text without the label that it may begin with; `None` when that is another one, or more clauses follow.
fn unlabelled(text: &str, address: &ClauseAddress) -> Option<String> {
    let text = text.trim();
    let bare = match address::leading(text).filter(|_| text.starts_with('第')) {
        Some((label, len)) if address.article.is_some() && label.article.is_some() => {
            let rest = text.get(len..)?;
            // 第五条所称…: a sentence that speaks of a clause.
            if !rest.starts_with([' ', '\u{3000}', '\t', '\n']) {
                text
            } else if (label.article, label.insert) == (address.article, address.insert) {
                rest.trim_start()
            } else {
                return None;
            }
        }
        _ => text,
    };
    let labelled = |line: &str| {
        line.starts_with('第')
            && address::leading(line).is_some_and(|(label, len)| {
                label.article.is_some() && line.get(len..).is_some_and(|rest| rest.starts_with([' ', '\u{3000}', '\t']))
            })
    };
    (!bare.is_empty() && !bare.lines().any(labelled)).then(|| bare.to_owned())
}

/// The new words of a 款 or 项 with the mark and the full stop of the old ones, where they come without.
fn like(old: &str, new: &str) -> String {
    let sign = mark(old).and_then(|(_, _, len)| old.get(..len)).filter(|_| mark(new).is_none()).unwrap_or_default();
    let stops = ['。', '；', ';', '：', ':'];
    let stop = old.chars().last().filter(|c| stops.contains(c) && !new.ends_with(stops));
    format!("{sign}{new}{}", stop.map(String::from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(texts: &[&str]) -> Vec<ParsedClause> {
        let clause = |(n, text): (usize, &&str)| ParsedClause {
            address: address::article(n as u32 + 1, 0),
            heading: String::new(),
            text: (*text).to_owned(),
            ask_variants: Vec::new(),
            guide: None,
        };
        texts.iter().enumerate().map(clause).collect()
    }

    fn after(texts: &[&str], address: &str, what: What) -> Option<String> {
        let mut clauses = rule(texts);
        let address = address::parse(address);
        let places = carry_out(&mut clauses, address.as_ref(), &what)?;
        let all: Vec<String> =
            places.iter().map(|at| format!("{}:{}", clauses[*at].address.label, clauses[*at].text)).collect();
        Some(all.join("|"))
    }

    #[test]
    fn what_is_given_word_for_word_is_carried_out() {
        let replaced = |text: &str| What::Replaced(text.into());
        let list = "下列收费:\n（一）年费17元；\n（二）换卡20元。\n第二款。";
        for (texts, address, what, expected) in [
            (&["年费17元。"][..], "第一条", replaced("第一条 年费15元。"), "第一条:年费15元。"),
            (&["年费17元。"], "第一条", replaced("年费15元。"), "第一条:年费15元。"),
            (
                &[list],
                "第一条第一项",
                replaced("年费15元"),
                "第一条:下列收费:\n（一）年费15元；\n（二）换卡20元。\n第二款。",
            ),
            (
                &[list],
                "第一条第二款",
                replaced("新的第二款。"),
                "第一条:下列收费:\n（一）年费17元；\n（二）换卡20元。\n新的第二款。",
            ),
            (&["年费17元。"], "第一条", What::Words("17元".into(), "15元".into()), "第一条:年费15元。"),
            (&["年费17元。", "乙。"], "", What::Words("年费".into(), "卡费".into()), "第一条:卡费17元。"),
            (&["甲。", "乙。"], "第二条", What::Deleted, "第二条:（已删去）"),
            (&[list], "第一条第二款", What::Deleted, "第一条:下列收费:\n（一）年费17元；\n（二）换卡20元。"),
            (&["甲。", "乙。"], "第一条之一", What::Added("第一条之一　丙。".into()), "第一条之一:丙。"),
            (&["甲。"], "第二条", What::Added("乙。".into()), "第二条:乙。"),
            (&["甲。"], "第一条第二款", What::Added("乙。".into()), "第一条:甲。\n乙。"),
            (
                &[list],
                "第一条第三项",
                What::Added("挂失8元。".into()),
                "第一条:下列收费:\n（一）年费17元；\n（二）换卡20元。\n（三）挂失8元。\n第二款。",
            ),
        ] {
            assert_eq!(after(texts, address, what.clone()).as_deref(), Some(expected), "{address} {what:?}");
        }
    }

    #[test]
    fn what_is_not_is_left() {
        for (address, what) in [
            ("第三条", What::Replaced("年费15元。".into())),
            ("第一条", What::Replaced("第二条 年费15元。".into())),
            ("第一条", What::Replaced("第一条 甲。\n第二条 乙。".into())),
            ("第一条第二款", What::Replaced("乙。".into())),
            ("第一条", What::Replaced("挂失应当登记。".into())),
            ("第一条", What::Words("18元".into(), "15元".into())),
            ("第一条", What::Added("第一条 甲。".into())),
            ("第一条", What::Suspended),
            ("第一条", What::Other),
        ] {
            assert_eq!(after(&["年费17元。"], address, what.clone()), None, "{address} {what:?}");
        }
    }
}
