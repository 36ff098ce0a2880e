//! What a document is: number, issuer, level, classification and dates. Front matter wins; otherwise title, opening lines,
//! promulgation history and closing provisions tell.

use super::model::ParsedClause;
use super::opening::{Opened, date_of_stem};
use super::{date, docno};
use crate::text::document::RawDocument;
use crate::types::{Classification, Date, Level};

/// The facts about a document.
pub(super) struct Metadata {
    pub(super) doc_no: String,
    pub(super) issuer: String,
    pub(super) level: Level,
    pub(super) classification: Classification,
    pub(super) published: Option<Date>,
    pub(super) effective_from: Option<Date>,
    pub(super) repealed_from: Option<Date>,
    pub(super) sample: bool,
}

/// Words of making, in a history line with a date.
const MADE: [&str; 8] = ["通过", "修正", "修订", "公布", "发布", "批准", "印发", "修改"];

fn stated<'a>(raw: &'a RawDocument, key: &str) -> Option<&'a str> {
    raw.meta.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Gathers the facts.
pub(super) fn collect(raw: &RawDocument, opened: &Opened, clauses: &[ParsedClause]) -> Metadata {
    let notes = &opened.notes;
    let doc_no = match stated(raw, "doc_no") {
        Some(number) => number.to_owned(),
        // The history ends with the version at hand; its number is the last.
        None => notes.iter().flat_map(|line| docno::all(line)).next_back().unwrap_or_default(),
    };
    let level = stated(raw, "level")
        .and_then(Level::from_label)
        .or_else(|| raw.source.split('/').rev().skip(1).find_map(Level::from_label))
        .unwrap_or_else(|| infer_level(&opened.title, &doc_no, notes));
    let issuer = match stated(raw, "issuer") {
        Some(issuer) => issuer.to_owned(),
        None => infer_issuer(&opened.title, &doc_no, notes),
    };
    let classification = stated(raw, "classification").and_then(Classification::from_label).unwrap_or(match level {
        Level::Law | Level::AdministrativeRegulation | Level::JudicialInterpretation | Level::DepartmentRule => {
            Classification::Public
        }
        Level::InternalRule | Level::Guide | Level::Faq | Level::Other => Classification::Internal,
    });
    let published = stated(raw, "published")
        .and_then(date::parse)
        .or_else(|| date_of_stem(&raw.file_stem))
        .or_else(|| made(notes))
        .or_else(|| signed(clauses));
    let effective_from = stated(raw, "effective").and_then(date::parse).or_else(|| {
        let from = begun(notes, published).max(date::effective(clauses, published));
        // The closing article of an amended text keeps the date of the first version.
        from.max(published)
    });
    Metadata {
        doc_no,
        issuer,
        level,
        classification,
        published,
        effective_from,
        repealed_from: stated(raw, "repealed").and_then(date::parse),
        sample: stated(raw, "sample").is_some_and(|value| matches!(value, "true" | "yes" | "是" | "1")),
    }
}

/// The latest day on which the text was passed, published or amended.
fn made(notes: &[String]) -> Option<Date> {
    notes
        .iter()
        .flat_map(|line| {
            let dates = date::all(line);
            dates.into_iter().filter(|&(at, _)| {
                // Up to the next date, the words say what happened on this one.
                let rest = line.get(at..).unwrap_or_default();
                MADE.iter().any(|word| rest.contains(word)) && !begins_on(rest)
            })
        })
        .map(|(_, date)| date)
        .max()
}

/// The latest first day in force that the history states: `2022年5月1日 施行`, `发布之日施行`.
fn begun(notes: &[String], published: Option<Date>) -> Option<Date> {
    notes
        .iter()
        .flat_map(|line| {
            let dates = date::all(line);
            let stated: Option<Date> =
                dates.into_iter().filter(|&(at, _)| line.get(at..).is_some_and(begins_on)).map(|(_, date)| date).max();
            stated.or_else(|| (line.contains("之日施行") || line.contains("之日起施行")).then_some(published).flatten())
        })
        .max()
}

/// Whether a text that begins with a date goes on with `起施行`.
fn begins_on(text: &str) -> bool {
    let Some(after) = date::leading(text).and_then(|(_, len)| text.get(len..)) else { return false };
    let after = after.trim_start().trim_start_matches('起');
    ["施行", "实施", "生效", "执行"].iter().any(|word| after.starts_with(word))
}

/// The date under the text, on a line of its own.
fn signed(clauses: &[ParsedClause]) -> Option<Date> {
    clauses.last()?.text.lines().rev().take(2).find_map(date::parse)
}

/// The level that title, number and history imply.
fn infer_level(title: &str, doc_no: &str, notes: &[String]) -> Level {
    let bare = title.trim_end_matches(|c: char| !c.is_alphanumeric());
    if ["最高人民法院", "最高人民检察院", "人民法院", "人民检察院"]
        .iter()
        .any(|court| title.starts_with(court) && !title.contains("组织法"))
    {
        return Level::JudicialInterpretation;
    }
    if title.contains("操作指引") {
        return Level::Guide;
    }
    if ["常见问题", "问答", "FAQ"].iter().any(|word| title.contains(word)) {
        return Level::Faq;
    }
    let congress = notes.iter().any(|line| line.contains("全国人民代表大会") && line.contains("通过"));
    if bare.ends_with('法') && !bare.ends_with("办法") || bare.ends_with("法典") || title.contains("修正案") || congress
    {
        return Level::Law;
    }
    let council = title.starts_with("国务院") || bare.ends_with("条例");
    docno::level(doc_no)
        .or_else(|| notes.iter().rev().flat_map(|line| docno::all(line)).find_map(|number| docno::level(&number)))
        .or_else(|| council.then_some(Level::AdministrativeRegulation))
        .unwrap_or_else(|| {
            let rule = ["办法", "规定", "细则", "规则", "试行", "规程"].iter().any(|ending| bare.ends_with(ending));
            if rule { Level::DepartmentRule } else { Level::Other }
        })
}

/// The issuer that title, number and history name; empty when none does.
fn infer_issuer(title: &str, doc_no: &str, notes: &[String]) -> String {
    let of_title = title
        .split_once("关于")
        .map(|(head, _)| head.trim())
        .filter(|head| ["院", "部", "局", "会", "行", "署"].iter().any(|ending| head.ends_with(ending)));
    if let Some(head) = of_title {
        return head.split_whitespace().collect::<Vec<_>>().join("、");
    }
    let of_number = docno::issuer(doc_no);
    if !of_number.is_empty() {
        return of_number;
    }
    let known = ["全国人民代表大会常务委员会", "全国人民代表大会", "最高人民法院", "最高人民检察院", "国务院"];
    notes
        .iter()
        .rev()
        .find_map(|line| {
            // What another text's title inside 《》 names did not issue this one.
            let line: String = line.split(['《', '〈']).next().unwrap_or_default().to_owned();
            if line.contains("全国人民代表大会") && line.contains("常务委员会") {
                return known.first().copied();
            }
            known.into_iter().find(|name| line.contains(name))
        })
        .unwrap_or_default()
        .to_owned()
}
