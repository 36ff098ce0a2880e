//! What a document is: number, issuer, level, classification and dates. Front matter wins; otherwise the places of the text that tell
//! are asked in the order of how far they can be believed.

use super::field::{self, Field};
use super::level::{self, Known};
use super::model::{ParsedClause, ParsedDocument};
use super::opening::{Opened, date_of_stem};
use super::witness::{Place, Witness, Witnesses};
use super::{date, docno, period, promulgation};
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
    pub(super) edition: Option<i16>,
    pub(super) sample: bool,
    pub(super) witnesses: Witnesses,
}

/// Where a text stands: in which file, and under which notice.
pub(super) struct Context<'a> {
    pub(super) raw: &'a RawDocument,
    /// Whether front matter or a collection says who it is.
    pub(super) settled: bool,
    /// The notice that issues it; `None` for the first text of a file, which bears the file's name and properties.
    pub(super) notice: Option<&'a ParsedDocument>,
}

impl<'a> Context<'a> {
    /// The notice from which the text has number, issuer and days; what a notice only passes on has its own.
    fn inherited(&self) -> Option<&'a ParsedDocument> {
        self.notice.filter(|notice| !promulgation::forwards(&notice.title))
    }

    /// What the properties say; those of the file are of its first text.
    fn stated(&self, field: Field) -> Option<&str> {
        field::stated(self.raw, field).filter(|_| self.notice.is_none())
    }
}

/// Words of making, in a history line with a date.
const MADE: [&str; 8] = ["通过", "修正", "修订", "公布", "发布", "批准", "印发", "修改"];

fn stated<'a>(raw: &'a RawDocument, key: &str) -> Option<&'a str> {
    raw.meta.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Gathers the facts.
pub(super) fn collect(context: &Context<'_>, opened: &mut Opened, clauses: &[ParsedClause]) -> Metadata {
    let mut witnesses = std::mem::take(&mut opened.witnesses);
    witnesses.numbers = numbers(context, opened, std::mem::take(&mut witnesses.numbers));
    let doc_no = witnesses.numbers.first().map(|number| number.value.clone()).unwrap_or_default();
    witnesses.issuers = issuers(context, opened, clauses, &doc_no, std::mem::take(&mut witnesses.issuers));
    let issuer = witnesses.issuers.first().map(|issuer| issuer.value.clone()).unwrap_or_default();
    let level = stated(context.raw, "level")
        .and_then(Level::from_label)
        .or_else(|| context.raw.source.split('/').rev().skip(1).find_map(Level::from_label))
        .unwrap_or_else(|| {
            let known = Known {
                title: &opened.title,
                doc_no: &doc_no,
                issuer: &issuer,
                notes: &opened.notes,
                collected: context.raw.meta.contains_key("history"),
            };
            level::infer(&known)
        });
    let published = published(context, opened, clauses);
    let first = published.first().map(|(day, _)| *day);
    let effective = effective(context, opened, clauses, first);
    let effective_from = match effective.first() {
        Some((day, Place::Properties)) => Some(*day),
        // The closing article of an amended text keeps the date of the first version.
        day => day.map(|(day, _)| *day).max(first),
    };
    let from = effective_from.or(first);
    let (repealed_from, ends) = ends(context, opened, clauses, from);
    witnesses.published = days(published);
    witnesses.effective = days(effective);
    if ends.as_ref().is_some_and(|_| repealed_from.is_none()) {
        let sentence = ends.as_ref().map(|end| end.value.as_str()).unwrap_or_default();
        witnesses.doubts.push(format!("写有期限,但读不出失效日期:“{sentence}”"));
    }
    witnesses.ends.extend(ends);
    Metadata {
        classification: stated(context.raw, "classification").and_then(Classification::from_label).unwrap_or(
            match level {
                Level::Law
                | Level::AdministrativeRegulation
                | Level::JudicialInterpretation
                | Level::DepartmentRule => Classification::Public,
                Level::InternalRule | Level::Guide | Level::Faq | Level::Other => Classification::Internal,
            },
        ),
        published: first,
        effective_from,
        repealed_from,
        edition: edition(&opened.title)
            .or_else(|| edition(&context.raw.file_stem).filter(|_| context.notice.is_none())),
        sample: stated(context.raw, "sample").is_some_and(|value| matches!(value, "true" | "yes" | "是" | "1")),
        doc_no,
        issuer,
        level,
        witnesses,
    }
}

fn days(found: Vec<(Date, Place)>) -> Vec<Witness> {
    found.into_iter().map(|(day, place)| Witness::new(day.to_string(), place)).collect()
}

/// The numbers, the most credible one first.
fn numbers(context: &Context<'_>, opened: &Opened, seen: Vec<Witness>) -> Vec<Witness> {
    let mut found: Vec<Witness> =
        context.stated(Field::DocNo).map(|number| Witness::new(number, Place::Properties)).into_iter().collect();
    let (named, mut read): (Vec<Witness>, Vec<Witness>) =
        seen.into_iter().partition(|witness| witness.place == Place::FileName);
    found.append(&mut read);
    // The history ends with the version at hand; its number is the last.
    let history = opened.notes.iter().flat_map(|line| docno::all(line)).next_back();
    found.extend(history.map(|number| Witness::new(number, Place::History)));
    let notice = context.inherited().map(|notice| notice.doc_no.clone()).filter(|number| !number.is_empty());
    found.extend(notice.map(|number| Witness::new(number, Place::Annex)));
    found.extend(named);
    found
}

/// The issuers, the most credible one first.
fn issuers(
    context: &Context<'_>,
    opened: &Opened,
    clauses: &[ParsedClause],
    doc_no: &str,
    seen: Vec<Witness>,
) -> Vec<Witness> {
    let mut found: Vec<Witness> =
        context.stated(Field::Issuer).map(|issuer| Witness::new(issuer, Place::Properties)).into_iter().collect();
    let mut push = |issuer: String, place: Place| {
        if !issuer.is_empty() && !found.iter().any(|known: &Witness| known.value == issuer) {
            found.push(Witness::new(issuer, place));
        }
    };
    for (field, value) in &opened.fields {
        if *field == Field::Issuer {
            push(value.split_whitespace().collect::<Vec<_>>().join("、"), Place::Field);
        }
    }
    push(of_title(&opened.title), Place::Act);
    push(docno::issuer(doc_no), Place::Number);
    for witness in seen {
        push(witness.value, witness.place);
    }
    push(promulgation::maker(&opened.promulgated), Place::Promulgated);
    push(of_history(&opened.notes), Place::History);
    if let Some(notice) = context.notice.filter(|notice| promulgation::forwards(&notice.title)) {
        push(promulgation::forwarded_from(&notice.title).unwrap_or_default(), Place::Act);
        push(explains(clauses), Place::Text);
    }
    push(context.inherited().map(|notice| notice.issuer.clone()).unwrap_or_default(), Place::Annex);
    found
}

/// Who explains a rule, by its closing articles: `本办法由国家金融监督管理总局负责解释`.
fn explains(clauses: &[ParsedClause]) -> String {
    let said = clauses.iter().rev().flat_map(|clause| clause.text.split(['。', '，'])).find_map(|sentence| {
        let (_, name) = sentence.split_once("负责解释")?.0.rsplit_once('由')?;
        super::kind::is_organ(name).then(|| name.to_owned())
    });
    said.unwrap_or_default()
}

/// Days of publication, the most credible one first.
fn published(context: &Context<'_>, opened: &Opened, clauses: &[ParsedClause]) -> Vec<(Date, Place)> {
    let mut found: Vec<(Date, Place)> = Vec::new();
    found.extend(context.stated(Field::Published).and_then(field::day).map(|day| (day, Place::Properties)));
    found.extend(of_fields(opened, Field::Published).map(|day| (day, Place::Field)));
    if context.notice.is_none() {
        found.extend(date_of_stem(&context.raw.file_stem).map(|day| (day, Place::FileName)));
    }
    found.extend(made(&opened.notes).map(|day| (day, Place::History)));
    found.extend(opened.days.iter().copied().filter(|(_, place)| *place != Place::Imprint));
    found.extend(signed(clauses).map(|day| (day, Place::Signature)));
    found.extend(context.inherited().and_then(|notice| notice.published).map(|day| (day, Place::Annex)));
    found.extend(opened.days.iter().copied().filter(|(_, place)| *place == Place::Imprint));
    found
}

/// First days in force, the most credible one first.
fn effective(
    context: &Context<'_>,
    opened: &Opened,
    clauses: &[ParsedClause],
    published: Option<Date>,
) -> Vec<(Date, Place)> {
    let mut found: Vec<(Date, Place)> = Vec::new();
    found.extend(context.stated(Field::Effective).and_then(field::day).map(|day| (day, Place::Properties)));
    found.extend(of_fields(opened, Field::Effective).map(|day| (day, Place::Field)));
    let history = begun(&opened.notes, published).map(|day| (day, Place::History));
    let text = date::effective(clauses, published).map(|day| (day, Place::Text));
    // Of history and closing article the later one is of the version at hand.
    let (later, earlier) =
        if history.map(|(day, _)| day) > text.map(|(day, _)| day) { (history, text) } else { (text, history) };
    found.extend(later.into_iter().chain(earlier));
    let note = opened.promulgated.iter().find_map(|note| promulgation::effective(note, published));
    found.extend(note.map(|day| (day, Place::Promulgated)));
    found.extend(context.inherited().and_then(|notice| notice.effective_from).map(|day| (day, Place::Annex)));
    found
}

/// The first day no longer in force, and the words that say so.
fn ends(
    context: &Context<'_>,
    opened: &Opened,
    clauses: &[ParsedClause],
    from: Option<Date>,
) -> (Option<Date>, Option<Witness>) {
    if let Some(value) = context.stated(Field::Repealed) {
        return (field::day(value), Some(Witness::new(value, Place::Properties)));
    }
    if let Some(value) = context.stated(Field::Expires) {
        return (field::day(value).and_then(|day| day.tomorrow().ok()), Some(Witness::new(value, Place::Properties)));
    }
    for (field, value) in &opened.fields {
        let until = match field {
            Field::Repealed => field::day(value),
            Field::Expires => field::day(value).and_then(|day| day.tomorrow().ok()),
            Field::Period => period::of_field(value, from),
            _ => continue,
        };
        if until.is_some() {
            return (until, Some(Witness::new(value.clone(), Place::Field)));
        }
    }
    // What a settled text says of its end is in its front matter or history.
    let own =
        if context.settled && context.raw.meta.contains_key("history") { None } else { period::end(clauses, from) };
    let until = own.as_ref().and_then(|end| end.until);
    // What the notice limits is limited.
    let notice = context.inherited().and_then(|notice| notice.repealed_from).filter(|_| own.is_none());
    match own {
        Some(end) => (until, Some(Witness::new(end.sentence, Place::Text))),
        None => (notice, notice.map(|day| Witness::new(day.to_string(), Place::Annex))),
    }
}

fn of_fields(opened: &Opened, wanted: Field) -> Option<Date> {
    let values = opened.fields.iter().filter(|(field, _)| *field == wanted);
    values.filter_map(|(_, value)| field::day(value)).next()
}

/// The year of an edition that a title or file name states: `（2023年版）`, `2025版`, `(2024年修订)`.
fn edition(name: &str) -> Option<i16> {
    const WORDS: [&str; 10] = ["年版", "版", "年修订", "修订", "年修正", "修正", "年修改", "年第", "年度", "年）"];
    let mut found = None;
    for (at, _) in name.match_indices(|c: char| c.is_ascii_digit()) {
        let boundary = name.get(..at).is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_digit()));
        let digits = name.get(at..at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let after = name.get(at + 4..).unwrap_or_default().trim_start();
        if let Some(year) = digits.filter(|_| boundary).and_then(|digits| digits.parse::<i16>().ok())
            && (1900..2200).contains(&year)
            && (WORDS.iter().any(|word| after.starts_with(word)) || after.is_empty() || after.starts_with([')', '）']))
        {
            found = Some(year);
        }
    }
    found
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

/// The issuer that a title names before 关于.
fn of_title(title: &str) -> String {
    title
        .split_once("关于")
        .map(|(head, _)| head.trim())
        .filter(|head| {
            super::kind::is_organ(head) || ["院", "部", "局", "会", "行", "署"].iter().any(|e| head.ends_with(e))
        })
        .map(|head| head.split_whitespace().collect::<Vec<_>>().join("、"))
        .unwrap_or_default()
}

/// The issuer that the history names; empty when it names none.
fn of_history(notes: &[String]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions() {
        for (name, year) in [
            ("示例银行金雀卡管理办法(2023年版)", Some(2023)),
            ("金雀卡管理办法2025版", Some(2025)),
            ("某某办法（2024年修订）", Some(2024)),
            ("示例银行挂失办法-2022", Some(2022)),
            ("银发〔2005〕225号", None),
            ("2024年工作安排", None),
        ] {
            assert_eq!(edition(name), year, "{name}");
        }
    }
}
