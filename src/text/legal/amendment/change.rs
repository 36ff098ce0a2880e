//! What one statement changes in which clause.

use super::statement::Aside;
use crate::text::address::{self, references};
use crate::text::legal::model::What;
use crate::text::legal::{line, sentence};
use crate::text::normalize::fold;
use crate::text::{numeral, quantity};
use crate::types::ClauseAddress;
use std::ops::Range;

/// Words of change before 为.
const VERBS: [&str; 9] = ["修改", "修订", "修正", "调整", "变更", "更改", "替换", "统一改", "改"];
/// Words of change before a new value.
const VALUED: [&str; 22] = [
    "调整为",
    "调整至",
    "调整到",
    "修改为",
    "变更为",
    "改为",
    "提高至",
    "提高到",
    "降低至",
    "降低到",
    "降至",
    "上调至",
    "下调至",
    "减为",
    "延长至",
    "延长到",
    "延长为",
    "缩短至",
    "缩短到",
    "缩短为",
    "增加至",
    "减少至",
];
const ADDS: [&str; 5] = ["增加", "增列", "新增", "增补", "补充"];
const DELETES: [&str; 3] = ["删去", "删除", "取消"];
/// What a notice says of another text's clause besides the words of suspension in general.
const NOT_YET: &str = "暂不执行";
const ENDS: [&str; 9] =
    ["废止", "失效", "停止执行", "终止执行", "不再执行", "不再适用", "停止施行", "停止适用", "停止使用"];
/// Words before an address that is no object: of the text itself, or a basis.
const NO_OBJECT: [&str; 20] = [
    "本通知",
    "本决定",
    "本公告",
    "本办法",
    "本规定",
    "本细则",
    "本规则",
    "本制度",
    "本文",
    "本",
    "根据",
    "依据",
    "按照",
    "依照",
    "参照",
    "违反",
    "符合",
    "修改后的",
    "修订后的",
    "调整后的",
];
/// What is said of a fee that is no longer charged.
const FREE: [&str; 5] = ["免费", "免收", "不收", "零", "免除"];
const RESTORES: [&str; 5] = ["恢复执行", "恢复施行", "恢复适用", "恢复实施", "恢复使用"];
/// Words behind the name of a row in a table, for the row.
const ROW: [&str; 8] = ["一行", "这一行", "该行", "收费项目", "一项", "这一项", "项目", "一栏"];
/// Words between the name of a row and what becomes of its value.
const VALUE_NAMES: [&str; 9] = ["的", "收费", "标准", "价格", "费率", "金额", "限额", "费用", "项目"];
/// Characters that may stand between replaced words and the word of change.
const FILLERS: &str = "统一均律全部的字样表述等相应内容分别处词语句两二";
/// Longest name of what has a value, in characters.
const MAX_SUBJECT_CHARS: usize = 30;

type Addressed = (Option<ClauseAddress>, What);

/// Whether words suspend a text.
pub(super) fn suspends(said: &str) -> bool {
    suspending().any(|word| said.contains(word))
}

fn suspending() -> impl Iterator<Item = &'static str> {
    sentence::SUSPENDS.into_iter().chain([NOT_YET])
}

/// Whether words put what was suspended in force again; 恢复执行时间另行通知 does not.
fn restores(said: &str) -> bool {
    let again = RESTORES.iter().find_map(|word| said.split_once(word)).is_some_and(|(before, behind)| {
        !before.ends_with(['未', '不'])
            && !["时间", "日期", "的时间", "的日期", "前", "之前"].iter().any(|word| behind.starts_with(word))
    });
    again && suspending().all(|word| said.split_once(word).is_none_or(|(_, behind)| behind.starts_with('的')))
}

/// The changes of a statement about a text. `known` says that this text is the matter of the changing one, `named` that the statement itself
/// names it.
pub(super) fn read(said: &str, aside: &Aside, known: bool, named: bool) -> Vec<Addressed> {
    let places = places(said);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let adds =
        has(&ADDS) && ["一条", "一款", "一项", "一目", "两条", "二条", "两款", "两项"].iter().any(|w| said.contains(w));
    if adds && let Some(added) = added(said, aside, &places) {
        return added;
    }
    let rows = rows(said, aside, &places);
    if !rows.is_empty() {
        return rows;
    }
    let replaced = replaced(said, aside, &places);
    if !replaced.is_empty() {
        return replaced;
    }
    if places.is_empty() && named && restores(said) {
        return vec![(None, What::Restored)];
    }
    if places.is_empty() && named && suspends(said) {
        return vec![(None, What::Suspended)];
    }
    if places.is_empty() {
        return if known { value(said, aside).map(|what| vec![(None, what)]).unwrap_or_default() } else { Vec::new() };
    }
    let each = |what: What| -> Vec<Addressed> {
        places.iter().map(|(address, _)| (Some(address.clone()), what.clone())).collect()
    };
    if restores(said) {
        return each(What::Restored);
    }
    if suspends(said) {
        return each(What::Suspended);
    }
    let kept = ["继续有效", "继续执行", "仍然有效", "除外", "不一致", "抵触"].iter().any(|word| said.contains(word));
    if has(&ENDS) && !kept {
        return each(What::Repealed);
    }
    if has(&DELETES) {
        return deleted(said, aside, &places);
    }
    if let Some(What::Value { subject, old }) = value(said, aside).filter(|_| known) {
        return places
            .iter()
            .map(|(address, _)| (Some(address.clone()), What::Value { subject: subject.clone(), old: old.clone() }))
            .collect();
    }
    let worded = |(_, span): &&(ClauseAddress, Range<usize>)| {
        let after = said.get(span.end..).unwrap_or_default();
        let after =
            after.trim_start_matches(['的', '中', '内', '规', '定', '容', '作', '相', '应', '进', '行', '予', '以']);
        VERBS.iter().chain(&ADDS).any(|verb| after.starts_with(verb)) && !after.starts_with("修改后")
    };
    // 第二条、第三条作相应修改: the word of change stands behind the last of a list.
    let mut changed: Vec<Addressed> = Vec::new();
    let mut next: Option<usize> = None;
    for place in places.iter().rev() {
        let between = next.and_then(|next| said.get(place.1.end..next));
        let listed = between.is_some_and(|between| matches!(between, "、" | "和" | "及" | "以及" | "与" | "至"));
        next = (listed || worded(&place)).then_some(place.1.start);
        changed.extend(next.map(|_| (Some(place.0.clone()), What::Other)));
    }
    changed.reverse();
    if known { changed } else { Vec::new() }
}

/// The addresses that are objects, with their places.
fn places(said: &str) -> Vec<(ClauseAddress, Range<usize>)> {
    let mut found: Vec<(ClauseAddress, Range<usize>)> = Vec::new();
    for reference in references(said) {
        let start = address_start(said, &reference.span);
        let before = said.get(..start).unwrap_or_default().trim_end();
        let no_object = NO_OBJECT.iter().any(|word| before.ends_with(word));
        let number = ["作为", "改为", "调整为", "改作", "变更为"].iter().any(|word| before.ends_with(word));
        if !no_object && !number && !found.iter().any(|(known, _)| *known == reference.address) {
            found.push((reference.address, start..reference.span.end));
        }
    }
    found
}

/// Where the address of a reference begins, behind a title that is written without marks.
fn address_start(said: &str, span: &Range<usize>) -> usize {
    said.get(span.clone())
        .and_then(|words| words.rfind('第').filter(|_| !words.starts_with('第')))
        .map_or(span.start, |_| {
            said.get(span.clone()).and_then(|words| words.find('第')).map_or(span.start, |at| span.start + at)
        })
}

/// `第五条修改为“…”`, `第五条中的“A”修改为“B”、“C”修改为“D”`.
fn replaced(said: &str, aside: &Aside, places: &[(ClauseAddress, Range<usize>)]) -> Vec<Addressed> {
    let mut found: Vec<Addressed> = Vec::new();
    let mut from = 0;
    let mut carried: Vec<ClauseAddress> = Vec::new();
    for (at, c) in said.char_indices() {
        let Some(new) = aside.quote(c).filter(|_| at >= from) else { continue };
        let head = said.get(from..at).unwrap_or_default();
        let bare = head.trim_end().trim_end_matches(['：', ':', '下', '如', '以']).trim_end();
        let Some(bare) = bare.strip_suffix(['为', '成']) else { continue };
        if !VERBS.iter().any(|verb| bare.ends_with(verb)) {
            continue;
        }
        let here: Vec<ClauseAddress> = places
            .iter()
            .filter(|(_, span)| span.start >= from && span.end <= at)
            .map(|(address, _)| address.clone())
            .collect();
        let addressed = !here.is_empty();
        if addressed {
            carried = here;
        }
        let old = head.char_indices().rev().find_map(|(at, c)| Some((at + c.len_utf8(), aside.quote(c)?)));
        from = at + c.len_utf8();
        // “存款证明”收费标准修改为“…”: the words before are a name, not what is replaced.
        let between = old.and_then(|(end, _)| bare.get(end..)).unwrap_or_default();
        let verbless = VERBS.iter().find_map(|verb| between.strip_suffix(verb)).unwrap_or(between);
        let apart = !verbless.chars().all(|c| FILLERS.contains(c) || c.is_whitespace() || aside.quote(c).is_some());
        let old = old.map(|(_, old)| old);
        if apart {
            match carried.as_slice() {
                [] => found.push((None, What::Other)),
                places => found.extend(places.iter().map(|place| (Some(place.clone()), What::Other))),
            }
            continue;
        }
        // 章名, 标题: no clause has these words.
        if !addressed && ["章名", "节名", "名称", "标题", "题目"].iter().any(|word| head.contains(word)) {
            found.push((None, What::Other));
            continue;
        }
        match old {
            Some(old) if carried.is_empty() => found.push((None, What::Words(old.to_owned(), new.to_owned()))),
            Some(old) => found
                .extend(carried.iter().map(|place| (Some(place.clone()), What::Words(old.to_owned(), new.to_owned())))),
            None if carried.len() == 1 => {
                found.extend(carried.iter().map(|place| (Some(place.clone()), What::Replaced(new.to_owned()))));
            }
            // 将引言修改为“…”: no clause is named, and the text would not be whole without it.
            None if carried.is_empty() => found.push((None, What::Other)),
            None => found.extend(carried.iter().map(|place| (Some(place.clone()), What::Other))),
        }
    }
    found
}

/// `“补发借记卡工本费”由每张5元调整为每张10元`, `“存款证明”收费标准修改为“每份15元”`, `“账户年费”一行删去`: what becomes of the row of a table.
fn rows(said: &str, aside: &Aside, places: &[(ClauseAddress, Range<usize>)]) -> Vec<Addressed> {
    let address = places.iter().map(|(address, _)| address).find(|address| address.article.is_some());
    let taken = DELETES.iter().chain(&ENDS).chain(&["不再收取", "停止收取"]).any(|word| said.contains(word));
    let mut found: Vec<Addressed> = Vec::new();
    let mut from = 0;
    for (at, c) in said.char_indices() {
        let Some(quote) = aside.quote(c).filter(|_| at >= from) else { continue };
        let behind = said.get(at + c.len_utf8()..).unwrap_or_default();
        let end = behind.find(['，', ',', '、', '；']).unwrap_or(behind.len());
        let behind = behind.get(..end).unwrap_or_default().trim_start();
        let before = said.get(from..at).unwrap_or_default().trim_end();
        if quote.chars().count() > MAX_SUBJECT_CHARS {
            continue;
        }
        // 第3项“账户年费”: a row by its number.
        let of_item = address.is_none()
            && before.rsplit_once('第').is_some_and(|(_, number)| {
                let number = number.strip_suffix(['项', '行']).unwrap_or_default().trim_matches(['（', '）', '(', ')']);
                !number.is_empty() && number.chars().all(numeral::is_numeral)
            });
        let row = ROW.iter().any(|word| behind.starts_with(word));
        let what = if taken && (row || of_item && behind.is_empty()) {
            Some(What::RowDeleted(quote.to_owned()))
        } else if before.ends_with(['由', '从']) && address.is_none() {
            let head = before.trim_end_matches(['由', '从']);
            let old = quantity::find(&fold(quote)).first().map(|_| quote.to_owned());
            old.and_then(|old| Some(What::Value { subject: subject_of(head, aside)?, old: Some(old) }))
        } else {
            row_value(behind, aside).map(|old| What::Value { subject: quote.to_owned(), old })
        };
        if let Some(what) = what {
            found.push((address.cloned(), what));
            from = at + c.len_utf8() + end;
        }
    }
    found
}

/// The old value, where it is told, of a row with whose name the words before end.
fn row_value(behind: &str, aside: &Aside) -> Option<Option<String>> {
    let mut rest = behind;
    while let Some(shorter) = VALUE_NAMES.iter().chain(&ROW).find_map(|word| rest.strip_prefix(word)) {
        rest = shorter.trim_start();
    }
    let (at, _) = VALUED.iter().chain(&["修订为", "变为"]).filter_map(|verb| Some((rest.find(verb)?, *verb))).min()?;
    let before = rest.get(..at)?.trim();
    if let Some(old) = before.strip_prefix(['由', '从']) {
        let old = old.chars().find_map(|c| aside.quote(c)).unwrap_or(old.trim());
        return (!quantity::find(&fold(old)).is_empty()).then(|| Some(old.to_owned()));
    }
    (before.is_empty() && rest.len() < behind.len()).then_some(None)
}

/// `增加一条，作为第六条：“…”`, `第五条增加一款，作为第三款：“…”`.
fn added(said: &str, aside: &Aside, places: &[(ClauseAddress, Range<usize>)]) -> Option<Vec<Addressed>> {
    let verb = ADDS.iter().filter_map(|word| said.find(word)).min()?;
    let text = said.char_indices().filter(|(at, _)| *at > verb).find_map(|(_, c)| aside.quote(c));
    let base = places.iter().rfind(|(_, span)| span.start < verb).map(|(address, _)| address.clone());
    let behind = said.get(verb..)?;
    let named = behind.split_once("作为").map(|(_, place)| place.trim_start());
    let address = match named {
        Some(place) => match address::leading(place) {
            Some((address, _)) => Some(address),
            // 作为第三款: of the clause that is named before.
            None => base.as_ref().and_then(|base| {
                let whole = ClauseAddress { paragraph: None, item: None, point: None, ..base.clone() };
                let within = if place.contains('项') && !place.contains('款') { base } else { &whole };
                address::leading(&format!("{}{place}", address::print(within))).map(|(address, _)| address)
            }),
        },
        None => base.clone(),
    };
    let what = match (text, named.is_some() && !behind.contains("顺延") && !behind.contains("依次")) {
        (Some(text), true) => What::Added(text.to_owned()),
        _ => What::Other,
    };
    let what = if behind.starts_with("增加两") || behind.starts_with("增加二") { What::Other } else { what };
    address.map(|address| vec![(Some(address), what)])
}

/// `删去第四条`, `第五条删去“…”`.
fn deleted(said: &str, aside: &Aside, places: &[(ClauseAddress, Range<usize>)]) -> Vec<Addressed> {
    let quotes: Vec<&str> = said.chars().filter_map(|c| aside.quote(c)).collect();
    let mut found = Vec::new();
    for (address, span) in places {
        let near = said.get(span.end..).unwrap_or_default().trim_start_matches(['的', '中', '内', '规', '定']);
        let takes = DELETES.iter().any(|word| said.get(..span.start).is_some_and(|before| before.contains(word)))
            || ["予以", ""].iter().any(|lead| DELETES.iter().any(|word| near.starts_with(&format!("{lead}{word}"))));
        match quotes.as_slice() {
            [] if takes => found.push((Some(address.clone()), What::Deleted)),
            [] => {}
            [words] => found.push((Some(address.clone()), What::Words((*words).to_owned(), String::new()))),
            _ => found.push((Some(address.clone()), What::Other)),
        }
    }
    found
}

/// Whether words tell of a new value.
pub(super) fn is_value(said: &str) -> bool {
    VALUED.iter().any(|verb| said.contains(verb)) && !quantity::find(&fold(said)).is_empty()
}

/// `铜雀卡年费由17元调整为15元`: what has another value from now on, and the value that it had.
fn value(said: &str, aside: &Aside) -> Option<What> {
    let (at, verb) = VALUED.iter().filter_map(|verb| Some((said.find(verb)?, *verb))).min()?;
    let new = said.get(at + verb.len()..)?;
    if said.chars().any(|c| aside.quote(c).is_some())
        || quantity::find(&fold(new)).is_empty() && !FREE.iter().any(|word| new.contains(word))
    {
        return None;
    }
    let head = said.get(..at)?;
    let (head, old) = match head.rsplit_once('由') {
        Some((head, old)) if !quantity::find(&fold(old)).is_empty() => (head, Some(old.trim().to_owned())),
        _ => (head, None),
    };
    Some(What::Value { subject: subject_of(head, aside)?, old })
}

/// The name of what has a value at the end of the words before it.
fn subject_of(head: &str, aside: &Aside) -> Option<String> {
    let mark = line::mark(head.trim_start()).map_or(0, |(_, _, len)| len);
    let bare = head.trim_start().get(mark..)?;
    let subject = bare.rsplit(['，', ',', '：', ':']).find(|part| !part.trim().is_empty())?;
    let named = subject.char_indices().rev().find(|(_, c)| aside.name(*c).is_some());
    let subject = named.and_then(|(at, c)| subject.get(at + c.len_utf8()..)).unwrap_or(subject);
    let subject = subject.rsplit_once("表中").map_or(subject, |(_, subject)| subject);
    // What follows an address is the name; the address is known.
    let subject = references(subject).last().and_then(|last| subject.get(last.span.end..)).unwrap_or(subject);
    let mut subject = subject.trim();
    while let Some(shorter) =
        ["规定的", "所列的", "中的", "将", "把", "对", "原", "的", "中"].iter().find_map(|w| subject.strip_prefix(w))
    {
        subject = shorter.trim_start();
    }
    while let Some(shorter) = ["收费标准", "标准", "统一", "分别", "一律"].iter().find_map(|w| subject.strip_suffix(w))
    {
        subject = shorter.trim_end();
    }
    let fits = (2..=MAX_SUBJECT_CHARS).contains(&subject.chars().count());
    fits.then(|| subject.to_owned())
}
