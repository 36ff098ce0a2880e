//! `将《…》第五条修改为：“…”`: what a text changes in the words of another, suspends of it or repeals in part.
//!
//! `statement` sets aside what is quoted and named; here is decided which text is changed, `change` reads what becomes of which clause.

mod change;
mod scope;
mod statement;

use super::model::{Amendment, Change, ParsedClause};
use super::sentence::excepts;
use super::{date, docno, line, proposal};
use crate::types::Date;
use statement::{Aside, Name};

/// Words that announce the changes below.
const OPENS: [&str; 16] = [
    "作如下修改",
    "作以下修改",
    "作出如下修改",
    "作出修改",
    "修改如下",
    "作如下调整",
    "作出如下调整",
    "予以修改",
    "调整如下",
    "进行如下修改",
    "修订如下",
    "作如下修订",
    "作以下修订",
    "作出如下修订",
    "作以下调整",
    "补充如下",
];
/// Words of change in a title.
const TITLED: [&str; 9] = ["修改", "修订", "修正", "调整", "变更", "补充", "暂停", "停止", "废止"];
/// Words of a title that issues a text as a whole.
const ISSUED: [&str; 3] = ["印发", "发布", "公布"];
/// Words before a name that make it a basis.
const BASIS: [&str; 16] = [
    "根据", "依据", "依照", "按照", "参照", "遵照", "贯彻", "落实", "违反", "符合", "适用", "转发", "印发", "属于",
    "遵守", "除",
];
/// Words of intention.
const INTENDED: [&str; 6] = ["建议", "考虑", "研究", "计划", "拟将", "拟对"];
/// Words by which a statement speaks of the whole text.
const GENERAL: [&str; 7] = ["本通知", "本决定", "以上", "上述", "前述", "本次修改", "本次调整"];
/// Longest quotation of a change in the report, in characters.
const MAX_WORDS_CHARS: usize = 200;
/// Most changes that are read from one text.
const MAX_CHANGES: usize = 2000;

/// Finds the changes that a text makes in others, those of one text together. `title` may name the amended text.
pub(super) fn read(title: &str, clauses: &[ParsedClause]) -> Vec<Amendment> {
    let whole = titled(title);
    let mut current = whole.clone();
    // 一、修改《…》 holds for its section only.
    let mut of_section = false;
    let mut last: Option<Name> = None;
    let (statements, aside) = statement::of(clauses);
    let mut found: Vec<Amendment> = Vec::new();
    let mut changes = 0;
    let mut scopes: Vec<Scoped<'_>> = Vec::new();
    for said in &statements {
        if said.begins && of_section {
            (current, of_section) = (whole.clone(), false);
            last = None;
        }
        // What changes stands in words; a row of a table only lists.
        let row = said.text.starts_with('|');
        if changes >= MAX_CHANGES || row || intended(&said.text) || excepts(&said.text) {
            continue;
        }
        let own = object(&said.text, &aside);
        let scope = scope::of(&said.text);
        let (from, until) = period(&said.text);
        if let Some(heads) = heading(&said.text, &aside) {
            (current, of_section) = (Some(heads), true);
        } else if own.is_some() && OPENS.iter().any(|word| said.text.contains(word)) {
            (current, of_section) = (own.clone(), false);
        }
        let goes_on = last.is_some() && !said.begins;
        let known = current.is_some() || (own.is_some() || goes_on) && change::is_value(&said.text);
        let named = own.is_some();
        if let Some(scope) = &scope {
            let general =
                GENERAL.iter().any(|word| said.text.contains(word)) || said.text.starts_with(['自', '在', '从']);
            scopes.push(Scoped { clause: said.clause, general: general && !named, scope: scope.clone(), from });
        }
        // 一、《…》第四条修改为…。二、在第五条后增加一条: the text that was changed last goes on being meant.
        let Some(target) = own.or_else(|| current.clone()).or_else(|| last.clone()) else { continue };
        let read = change::read(&said.text, &aside, known, named);
        if read.is_empty() {
            if said.begins {
                // A section about something else.
                last = None;
            }
            continue;
        }
        if named {
            last = Some(target.clone());
        }
        let words: String = aside.written(&said.text).chars().take(MAX_WORDS_CHARS).collect();
        let place = of_target(&mut found, target);
        changes += read.len();
        if let Some(amendment) = found.get_mut(place) {
            amendment.changes.extend(read.into_iter().map(|(address, what)| Change {
                clause: said.clause.to_owned(),
                address,
                what,
                from,
                until,
                scope: scope.clone().unwrap_or_default(),
                words: words.clone(),
            }));
        }
    }
    for change in found.iter_mut().flat_map(|amendment| &mut amendment.changes) {
        limit(change, &scopes);
    }
    found
}

/// Where changes hold, by a statement.
struct Scoped<'c> {
    clause: &'c str,
    /// Whether it speaks of the whole text.
    general: bool,
    scope: String,
    from: Option<Date>,
}

/// Gives a change the scope, and the day there, that the same clause or the text as a whole states.
fn limit(change: &mut Change, scopes: &[Scoped<'_>]) {
    let own = |of: &&Scoped<'_>| of.clause == change.clause;
    let Some(of) = scopes.iter().find(own).or_else(|| scopes.iter().find(|of| of.general)) else { return };
    if change.scope.is_empty() {
        change.scope = of.scope.clone();
    }
    change.from = change.from.or(of.from);
}

/// The place of a changed text among those found.
fn of_target(found: &mut Vec<Amendment>, target: Name) -> usize {
    let same = |known: &Amendment| known.title == target.title && known.doc_no == target.doc_no;
    found.iter().position(same).unwrap_or_else(|| {
        found.push(Amendment { title: target.title, doc_no: target.doc_no, changes: Vec::new() });
        found.len() - 1
    })
}

/// The text that a title changes; none for a title that issues a text or speaks of several.
fn titled(title: &str) -> Option<Name> {
    let (masked, aside) = statement::title(title);
    let worded = TITLED.iter().any(|word| masked.contains(word));
    if !worded || ISSUED.iter().any(|word| masked.contains(word)) {
        return None;
    }
    let mut names = masked.char_indices().filter(|(_, c)| aside.name(*c).is_some());
    match (names.next(), names.next()) {
        (Some((at, c)), None) => {
            let behind = masked.get(at + c.len_utf8()..).unwrap_or_default();
            aside.name(c).filter(|_| !behind.starts_with('等')).cloned()
        }
        (None, _) => numbered(&masked),
        _ => None,
    }
}

/// A text that is named by its number alone.
fn numbered(masked: &str) -> Option<Name> {
    // 关于修改 is no part of the name of who numbers.
    let sign = masked.find('号')?;
    let lead = TITLED
        .iter()
        .chain(&["对", "将", "把", "执行"])
        .filter_map(|word| masked.get(..sign)?.rfind(word).map(|at| at + word.len()));
    let number = docno::all(masked.get(lead.max().unwrap_or(0)..)?).into_iter().next()?;
    Some(Name { title: String::new(), doc_no: number })
}

/// The text that a statement changes: the last one that is named as an object, else the only number before an address.
fn object(masked: &str, aside: &Aside) -> Option<Name> {
    let names = masked.char_indices().filter_map(|(at, c)| Some((at, at + c.len_utf8(), aside.name(c)?)));
    let names: Vec<(usize, usize, &Name)> = names.collect();
    let first = names.first().map(|(start, ..)| *start);
    let is_object = |(start, end, _): &&(usize, usize, &Name)| {
        let before = masked.get(..*start).unwrap_or_default().trim_end();
        // 《…》附件《收费表》: a part of the text that is named before.
        let numbered = before.trim_end_matches(|c: char| c.is_ascii_digit() || "一二三四五六七八九十：: ".contains(c));
        if Some(*start) != first && ["附件", "附表", "附录"].iter().any(|word| numbered.ends_with(word)) {
            return false;
        }
        let after = masked.get(*end..).unwrap_or_default().trim_start();
        let changed = ["不再执行", "停止执行", "暂停执行", "暂停适用", "不再适用"].iter().any(|w| before.ends_with(w));
        let based = BASIS.iter().any(|word| before.ends_with(word)) && !changed;
        let governed = changed
            || before.ends_with(['对', '将', '把'])
            || ["修改", "修订", "调整", "废止", "暂停", "删除", "删去"].iter().any(|word| before.ends_with(word));
        let after = ["规定的", "中的", "所列", "中", "的", "里", "规定"]
            .iter()
            .find_map(|word| after.strip_prefix(word))
            .unwrap_or(after);
        let suspended = after.split(['，', ',']).next().is_some_and(change::suspends);
        !based
            && (governed
                || suspended
                || after.starts_with(['第', '有', '相', '部', '关', '附', '序'])
                || after.chars().next().is_some_and(|c| aside.quote(c).is_some())
                || change::is_value(after))
    };
    let object = names.iter().rfind(is_object).map(|(_, _, name)| (*name).clone());
    let by_number = || {
        let number = masked.find('号').and_then(|at| masked.get(at + '号'.len_utf8()..));
        let after = number?.trim_start_matches(['文', '件', ' ', '）', ')']);
        let after = after.strip_prefix(['中', '的']).unwrap_or(after);
        after.starts_with('第').then(|| numbered(masked)).flatten()
    };
    object.or_else(|| if names.is_empty() { by_number() } else { None })
}

/// The text that `一、修改《…》（…号）` or `（二）《…》` names as a heading of the changes below it.
fn heading(masked: &str, aside: &Aside) -> Option<Name> {
    /// Longest words before the name, the mark among them.
    const MAX_LEAD_CHARS: usize = 8;
    let bare = masked.trim_end_matches(['：', ':']).trim_end();
    let name = bare.chars().last().filter(|c| aside.name(*c).is_some())?;
    let before = bare.strip_suffix(name)?;
    let lead = line::mark(before).map_or(before, |(_, _, len)| before.get(len..).unwrap_or_default()).trim();
    let heads = lead.is_empty() || ["修改", "修订", "关于", "对", "将"].iter().any(|word| lead.ends_with(word));
    aside.name(name).filter(|_| heads && before.chars().count() <= MAX_LEAD_CHARS).cloned()
}

/// Whether a statement only tells of something that may come.
fn intended(masked: &str) -> bool {
    // 经研究,决定…: what comes is decided.
    let masked = masked.replace("经研究", "");
    proposal::in_sentence(&masked) || INTENDED.iter().any(|word| masked.contains(word))
}

/// The first day of a change and the first day on which it no longer holds, where the statement has them.
fn period(masked: &str) -> (Option<Date>, Option<Date>) {
    let (mut from, mut until) = (None, None);
    for (at, day) in date::all(masked) {
        let before = masked.get(..at).unwrap_or_default();
        let rest = masked.get(at..).unwrap_or_default();
        let after = date::leading(rest).and_then(|(_, len)| rest.get(len..)).unwrap_or_default();
        if before.ends_with(['至', '到']) || after.starts_with("止") {
            until = until.or(day.tomorrow().ok());
        } else if after.starts_with(['起', '至', '到', '—', '-']) || before.ends_with('自') {
            from = from.or(Some(day));
        }
    }
    (from, until)
}

#[cfg(test)]
mod tests;
