//! Which version of a title is in force when: pure decisions over parsed documents, before anything is written.

use super::{amendments, repeals, versions};
use crate::store::AmendmentKind;
use crate::text::legal::{ParsedDocument, number_key};
use crate::types::{Date, EffectivePeriod};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A version with its final period.
#[derive(Debug, Clone)]
pub struct PlannedVersion {
    /// The text.
    pub document: ParsedDocument,
    /// When it is in force.
    pub effective: EffectivePeriod,
    /// Whether it ends by repeal (rather than by a newer version).
    pub repealed: bool,
    /// What other texts change in its clauses.
    pub marks: Vec<PlannedMark>,
    /// The texts that a consolidated one is made of, the amended one first; empty for a text that came as a file.
    pub made_of: Vec<TextPlace>,
}

/// A text by what no other one has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextPlace {
    /// Key of its document's title.
    pub title_key: String,
    /// Its source file.
    pub source: String,
}

/// A change in a clause by another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMark {
    /// Label of the clause.
    pub clause: String,
    /// The part that is meant, in bytes of the clause's text; `None` for the whole.
    pub part: Option<Range<usize>>,
    /// The text that changes it.
    pub by: TextPlace,
    /// Label of the clause there that says so.
    pub by_clause: String,
    /// What becomes of it.
    pub kind: AmendmentKind,
    /// When the change holds.
    pub effective: EffectivePeriod,
    /// Whether the clause reads as amended already.
    pub merged: bool,
    /// Where it holds, when not everywhere; else empty.
    pub scope: String,
}

/// All versions of one title, oldest first.
#[derive(Debug, Clone)]
pub struct PlannedDocument {
    /// Key of the title.
    pub title_key: String,
    /// Title as the newest version prints it.
    pub title: String,
    /// The versions.
    pub versions: Vec<PlannedVersion>,
}

/// A text that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its source file.
    pub source: String,
    /// In words.
    pub reason: String,
}

/// What will be written.
#[derive(Debug, Default)]
pub struct Plan {
    /// Documents in order of their title key, so that the same input gives the same file.
    pub documents: Vec<PlannedDocument>,
    /// Texts left out.
    pub left_out: Vec<LeftOut>,
    /// What a person should know: texts of one title that stand side by side, repeals that nothing carries out, periods.
    pub notes: Vec<String>,
}

/// Lines up versions and repeals.
///
/// - Texts with one title key are versions of one document where issuer and substance agree and days, numbers or editions order
///   them ([`versions::relation`]); each ends where the next begins. Others of that title stand side by side, each a document of its own.
/// - Files of one title without a common 条 are parts of one text (the Civil Code comes as one file per 编).
/// - Two files with the same words are one version; the one that knows its dates is kept.
/// - Drafts are no rules: they are left out, and end nothing.
/// - A repeal named in a text ends what it names, see [`repeals::apply`].
/// - An amendment marks the clauses that it changes and makes a consolidated version, see [`amendments::apply`].
pub fn plan(parsed: Vec<ParsedDocument>) -> Plan {
    let mut groups: BTreeMap<String, Vec<ParsedDocument>> = BTreeMap::new();
    let mut out = Plan::default();
    for document in parsed {
        if let Some(said) = &document.witnesses.draft {
            out.left_out.push(LeftOut {
                source: document.source,
                reason: format!("《{}》是草案或征求意见稿(“{said}”),不是现行规定,没有收录", document.title),
            });
            continue;
        }
        groups.entry(document.title_key.clone()).or_default().push(document);
    }
    let mut taken: BTreeSet<String> = groups.keys().cloned().collect();
    for (key, texts) in groups {
        let kept = without_copies(join_parts(texts), &mut out.left_out);
        let mut families = versions::families(kept);
        versions::note(&families, &mut out.notes);
        if families.len() > 1 {
            versions::tell_apart(&mut families);
        }
        // The family of the newest text bears the plain key: what names the title alone means it.
        for (at, family) in families.into_iter().rev().enumerate() {
            let Some(title) = family.last().map(|d| d.title.clone()) else { continue };
            let title_key = if at == 0 { key.clone() } else { own_key(&key, &family, &mut taken) };
            out.documents.push(PlannedDocument { title_key, title, versions: periods(family) });
        }
    }
    out.documents.sort_by(|a, b| a.title_key.cmp(&b.title_key));
    repeals::apply(&mut out.documents, &mut out.notes);
    repeals::note_periods(&out.documents, &mut out.notes);
    amendments::apply(&mut out.documents, &mut out.notes);
    out
}

/// A key that no other document has, for a text that only shares its title with another: the key of the title with its number.
fn own_key(key: &str, family: &[ParsedDocument], taken: &mut BTreeSet<String>) -> String {
    let number = family.last().map(|d| number_key(&d.doc_no)).unwrap_or_default();
    let mut own = format!("{key}{number}");
    let mut n = 2u32;
    while !taken.insert(own.clone()) {
        own = format!("{key}{number}{n}");
        n += 1;
    }
    own
}

/// Leaves one of each text: of equal words, and of texts with one number that are nearly equal, the better dated one.
fn without_copies(mut texts: Vec<ParsedDocument>, left_out: &mut Vec<LeftOut>) -> Vec<ParsedDocument> {
    texts.sort_by(|a, b| {
        (versions::order(a), a.published, &a.source).cmp(&(versions::order(b), b.published, &b.source))
    });
    let mut kept: Vec<ParsedDocument> = Vec::with_capacity(texts.len());
    for text in texts {
        if let Some(twin) = kept.iter_mut().find(|k| same_words(k, &text) || versions::same_act(k, &text)) {
            // Sorted by date with undated texts first, so the later one is never the poorer.
            left_out.push(LeftOut {
                source: twin.source.clone(),
                reason: format!("与 {} 内容相同,只保留一份", text.source),
            });
            *twin = text;
        } else {
            kept.push(text);
        }
    }
    kept
}

/// Joins files that share a title and no 条 into one text, in the order of their articles. Two versions of a text always share
/// articles, at least 第一条.
fn join_parts(mut texts: Vec<ParsedDocument>) -> Vec<ParsedDocument> {
    let articles = |d: &ParsedDocument| -> BTreeSet<(u32, u32)> {
        d.clauses.iter().filter_map(|c| Some((c.address.article?, c.address.insert))).collect()
    };
    texts.sort_by_cached_key(|d| (articles(d).first().copied(), d.source.clone()));
    let mut whole: Vec<(BTreeSet<(u32, u32)>, ParsedDocument)> = Vec::new();
    for text in texts {
        let own = articles(&text);
        let part_of =
            |other: &ParsedDocument| versions::same_issuer(other, &text) && versions::same_number(other, &text);
        match whole
            .iter_mut()
            .find(|(other, whole)| !own.is_empty() && !other.is_empty() && own.is_disjoint(other) && part_of(whole))
        {
            Some((other, joined)) => {
                other.extend(own);
                joined.published = joined.published.max(text.published);
                joined.effective_from = joined.effective_from.max(text.effective_from);
                joined.repeals.extend(text.repeals);
                joined.amends.extend(text.amends);
                joined.clauses.extend(text.clauses);
            }
            None => whole.push((own, text)),
        }
    }
    whole.into_iter().map(|(_, text)| text).collect()
}

fn same_words(a: &ParsedDocument, b: &ParsedDocument) -> bool {
    a.clauses.len() == b.clauses.len()
        && a.clauses.iter().zip(&b.clauses).all(|(x, y)| x.address.label == y.address.label && x.text == y.text)
}

fn periods(versions: Vec<ParsedDocument>) -> Vec<PlannedVersion> {
    let starts: Vec<Option<Date>> = versions.iter().map(versions::takes_over).collect();
    versions
        .into_iter()
        .enumerate()
        .map(|(index, document)| {
            let next = starts.get(index + 1).copied().flatten();
            let (until, repealed) = match (next, document.repealed_from) {
                (Some(next), Some(repeal)) if repeal < next => (Some(repeal), true),
                (Some(next), _) => (Some(next), false),
                (None, repeal) => (repeal, repeal.is_some()),
            };
            let effective = EffectivePeriod { from: versions::start(&document), until };
            PlannedVersion { document, effective, repealed, marks: Vec::new(), made_of: Vec::new() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;
    use crate::text::legal::{ParsedClause, RepealNotice, Witnesses};
    use crate::text::normalize::title_key;
    use crate::types::{Classification, Level};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn text(title: &str, doc_no: &str, from: Option<&str>, words: &str) -> ParsedDocument {
        ParsedDocument {
            title: title.into(),
            title_key: title_key(title),
            doc_no: doc_no.into(),
            issuer: String::new(),
            level: Level::InternalRule,
            classification: Classification::Internal,
            published: None,
            effective_from: from.map(day),
            repealed_from: None,
            edition: None,
            witnesses: Witnesses::default(),
            repeals: Vec::new(),
            amends: Vec::new(),
            sample: false,
            source: format!("{title}-{doc_no}.md"),
            clauses: vec![ParsedClause {
                address: address::article(1, 0),
                heading: String::new(),
                text: words.into(),
                ask_variants: Vec::new(),
                guide: None,
            }],
        }
    }

    #[test]
    fn a_version_ends_where_the_next_begins() {
        let plan = plan(vec![
            text("现金办法", "二号", Some("2026-01-01"), "新"),
            text("现金办法", "一号", Some("2020-05-01"), "旧"),
        ]);
        let [document] = plan.documents.as_slice() else { panic!("one title") };
        let periods: Vec<_> =
            document.versions.iter().map(|v| (v.effective.from, v.effective.until, v.repealed)).collect();
        assert_eq!(
            periods,
            [(Some(day("2020-05-01")), Some(day("2026-01-01")), false), (Some(day("2026-01-01")), None, false)]
        );
    }

    #[test]
    fn a_repeal_ends_the_named_title_but_not_a_newer_text_of_it() {
        let mut repealing = text("新办法", "三号", Some("2025-01-01"), "同时废止");
        repealing.repeals = vec![RepealNotice { title: "旧办法".into(), doc_no: String::new(), from: None }];
        let plan = plan(vec![
            repealing,
            text("旧办法", "一号", Some("2010-01-01"), "旧"),
            text("旧办法", "二号", Some("2026-01-01"), "重新发布"),
        ]);
        let old = plan.documents.iter().find(|d| d.title == "旧办法").unwrap();
        assert_eq!(old.versions[0].effective.until, Some(day("2025-01-01")));
        assert!(old.versions[0].repealed);
        assert_eq!(old.versions[1].effective.until, None);
    }

    #[test]
    fn a_repeal_by_number_ends_only_that_version() {
        let mut repealing = text("新办法", "三号", Some("2025-01-01"), "同时废止");
        repealing.repeals = vec![RepealNotice { title: "通知".into(), doc_no: "一号".into(), from: None }];
        let plan =
            plan(vec![repealing, text("甲通知", "一号", Some("2010-01-01"), "甲"), text("通知", "二号", None, "乙")]);
        let ended: Vec<_> = plan.documents.iter().filter(|d| d.versions.iter().any(|v| v.repealed)).collect();
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].title, "甲通知");
    }

    #[test]
    fn files_of_one_title_without_a_common_article_are_one_text() {
        let mut second = text("法典", "", Some("2021-01-01"), "第二编的内容");
        second.clauses[0].address = address::article(205, 0);
        second.source = "a.md".into();
        let plan = plan(vec![second, text("法典", "", None, "总则的内容")]);
        assert_eq!(plan.documents[0].versions.len(), 1);
        let version = &plan.documents[0].versions[0];
        let labels: Vec<_> = version.document.clauses.iter().map(|c| c.address.article).collect();
        assert_eq!(labels, [Some(1), Some(205)]);
        assert_eq!(version.effective, EffectivePeriod { from: Some(day("2021-01-01")), until: None });
    }

    #[test]
    fn the_same_words_twice_are_one_version_with_its_dates() {
        let plan = plan(vec![text("解释", "", None, "一"), text("解释", "法释", Some("2020-09-12"), "一")]);
        assert_eq!(plan.documents[0].versions.len(), 1);
        assert_eq!(plan.documents[0].versions[0].effective.from, Some(day("2020-09-12")));
        assert_eq!(plan.left_out.len(), 1);
    }
}
