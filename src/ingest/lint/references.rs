//! References to rules and clauses that are not there.

use super::{Finding, Severity, Topic, about, current};
use crate::ingest::plan::{PlannedDocument, PlannedVersion};
use crate::ingest::versions::is_own;
use crate::text::address::{self, Reference};
use crate::text::clause;
use crate::text::legal::{ParsedClause, number_key};
use crate::text::normalize::title_key;
use crate::types::{ClauseAddress, Date};
use std::collections::{BTreeMap, HashMap};

/// Articles that a text must have for 第X条 to be one of its own.
const MIN_ARTICLES: usize = 3;
/// Words of an amendment: what stands beside them is about another text, or about one that is yet to come.
const AMENDS: [&str; 6] = ["修改为", "修正", "删去", "删除", "增加一条", "改为第"];

/// Characters before a reference in which a law may stand in short, written backwards as they are looked at: 合同法第三条.
const NEAR_CHARS: usize = 14;
const NAMES: [&str; 4] = ["法", "例条", "定规", "释解"];
/// Characters before a reference in which 本办法 stands.
const OWN_CHARS: usize = 8;

/// The documents by the keys of their titles and of their numbers.
struct Names<'d> {
    titles: HashMap<&'d str, &'d PlannedDocument>,
    numbers: HashMap<String, &'d PlannedDocument>,
}

impl<'d> Names<'d> {
    fn of(documents: &'d [PlannedDocument]) -> Names<'d> {
        let numbers = documents.iter().flat_map(|document| {
            let numbers = document.versions.iter().map(|version| version.document.doc_no.as_str());
            numbers.filter(|number| !number.is_empty()).map(move |number| (number_key(number), document))
        });
        Names {
            titles: documents.iter().map(|document| (document.title_key.as_str(), document)).collect(),
            numbers: numbers.collect(),
        }
    }

    /// The document of a title, or of a number that stands in its place: 海银发〔2025〕2号第三条.
    fn find(&self, name: &str) -> Option<&'d PlannedDocument> {
        self.titles.get(title_key(name).as_str()).or_else(|| self.numbers.get(&number_key(name))).copied()
    }
}

pub(super) fn examine(documents: &[PlannedDocument], today: Date, found: &mut Vec<Finding>) {
    let names = Names::of(documents);
    for version in current(documents, today) {
        let mut unknown: BTreeMap<String, String> = BTreeMap::new();
        for parsed in &version.document.clauses {
            let place = address::print(&parsed.address);
            for reference in said(parsed) {
                match look(version, &names, &parsed.text, &reference) {
                    Found::There => {}
                    Found::NoTitle(title) => {
                        unknown.entry(title).or_insert_with(|| place.clone());
                    }
                    Found::Missing(what, severity) => {
                        found.push(about(version, severity, Topic::Reference, &place, what));
                    }
                }
            }
        }
        // What a bank's own rule rests on belongs beside it; norms name hundreds of others.
        for (title, place) in unknown.into_iter().filter(|_| is_own(version.document.level)) {
            let title = if title.ends_with('号') { title } else { format!("《{title}》") };
            let message = format!("引用的{title}不在所读的文件里,柜员点不开;需要的请一并放入");
            found.push(about(version, Severity::Note, Topic::Reference, &place, message));
        }
    }
}

/// The references of a clause: in its words, and what a scene rests on.
fn said(parsed: &ParsedClause) -> Vec<Reference> {
    let basis = parsed.guide.iter().flat_map(|guide| guide.basis.iter().cloned());
    let amends = |reference: &Reference| {
        let line = parsed.text.get(..reference.span.start).unwrap_or_default();
        let before = line.rsplit(['\n', '。']).next().unwrap_or_default();
        let after = parsed.text.get(reference.span.end..).unwrap_or_default();
        let after = after.split(['\n', '。']).next().unwrap_or_default();
        AMENDS.iter().any(|word| before.contains(word) || after.contains(word))
    };
    // The words of a scene repeat what it rests on.
    let words = if parsed.guide.is_some() { Vec::new() } else { address::references(&parsed.text) };
    basis.chain(words.into_iter().filter(|reference| !amends(reference))).collect()
}

/// What became of a reference.
enum Found {
    There,
    NoTitle(String),
    Missing(String, Severity),
}

fn look(version: &PlannedVersion, names: &Names<'_>, text: &str, reference: &Reference) -> Found {
    let address = &reference.address;
    let Some(title) = reference.document.as_ref().filter(|title| title_key(title) != version.document.title_key) else {
        return within(version, address, meant(text, reference));
    };
    let Some(document) = names.find(title) else {
        return Found::NoTitle(title.clone());
    };
    let printed = address::print(address);
    let Some(newest) = document.versions.last() else { return Found::There };
    // A text without articles counts its parts otherwise: 修正案 has 一、二、.
    if has(newest, address) || address.article.is_some() && articles(newest) < MIN_ARTICLES {
        return Found::There;
    }
    let own = is_own(version.document.level) && !is_partial(newest);
    let severity = if own { Severity::Error } else { Severity::Warning };
    if document.versions.iter().any(|earlier| has(earlier, address)) {
        let message = format!("引用的《{title}》{printed}只在旧版本里有,现行版本({})没有", newest.document.source);
        return Found::Missing(message, Severity::Warning);
    }
    // The clause is there, the part is not: parts are counted differently by different hands.
    if has(newest, &whole(address)) {
        return Found::Missing(format!("引用的《{title}》{printed}不存在:该条没有这一款、项"), Severity::Warning);
    }
    Found::Missing(format!("引用的《{title}》{printed}不存在({}),请核对条号", newest.document.source), severity)
}

/// What 第三条 without a title before it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// `本办法第三条`.
    Own,
    /// Nothing stands there that it could belong to.
    Likely,
    /// Another text was named before, or a law stands in short in front of it.
    Another,
}

fn meant(text: &str, reference: &Reference) -> Meant {
    let before = text.get(..reference.span.start).unwrap_or_default();
    let near: String = before.chars().rev().take(NEAR_CHARS).collect();
    let line = before.rsplit('\n').next().unwrap_or_default();
    // 依照本办法第三条, and its list 、第五条.
    let own = near.chars().take(OWN_CHARS).any(|c| c == '本');
    if reference.document.is_some() || own {
        Meant::Own
    } else if line.contains(['》', '该']) || NAMES.iter().any(|name| near.contains(name)) {
        Meant::Another
    } else {
        Meant::Likely
    }
}

/// A reference to a clause of the same text.
fn within(version: &PlannedVersion, address: &ClauseAddress, meant: Meant) -> Found {
    let unknown = articles(version) < MIN_ARTICLES || address.article.is_none() || is_partial(version);
    if meant == Meant::Another || unknown || has(version, address) {
        return Found::There;
    }
    let printed = address::print(address);
    if has(version, &whole(address)) {
        return Found::Missing(format!("引用的本文{printed}不存在:该条没有这一款、项"), Severity::Warning);
    }
    let sure = is_own(version.document.level) && meant == Meant::Own;
    let severity = if sure { Severity::Error } else { Severity::Warning };
    Found::Missing(format!("引用的本文{printed}不存在,请核对条号"), severity)
}

fn articles(version: &PlannedVersion) -> usize {
    version.document.clauses.iter().filter(|clause| clause.address.article.is_some()).count()
}

/// Whether only a part of a text is there: articles beyond it are elsewhere.
fn is_partial(version: &PlannedVersion) -> bool {
    let first = version.document.clauses.iter().find_map(|clause| clause.address.article);
    first.is_some_and(|first| first > 1)
}

fn whole(address: &ClauseAddress) -> ClauseAddress {
    ClauseAddress { paragraph: None, item: None, point: None, ..address.clone() }
}

fn has(version: &PlannedVersion, address: &ClauseAddress) -> bool {
    version.document.clauses.iter().any(|parsed| {
        let own = &parsed.address;
        let same = match address.article {
            Some(_) => own.article == address.article && own.insert == address.insert,
            None => own.label.starts_with(address.label.as_str()),
        };
        same && clause::extract(&parsed.text, address).is_some()
    })
}
