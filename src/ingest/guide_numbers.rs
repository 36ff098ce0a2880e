//! Guides against the rules that they rest on: a number in a guide that none of its rules states is an error of the build.

use super::consolidate;
use super::plan::{PlannedDocument, PlannedVersion};
use crate::text::grounds::{Grounds, of_scene};
use crate::text::legal::{GuideScene, ParsedClause};
use crate::text::normalize::title_key;
use crate::types::EffectivePeriod;

/// The scenes with such numbers, a line each.
pub(super) fn errors(documents: &[PlannedDocument]) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        for version in &document.versions {
            let scenes = version.document.clauses.iter().filter_map(|clause| Some((clause, clause.guide.as_ref()?)));
            for (clause, scene) in scenes {
                found.extend(error(documents, document, version, (clause, scene)));
            }
        }
    }
    found
}

fn error(
    documents: &[PlannedDocument],
    own: &PlannedDocument,
    version: &PlannedVersion,
    (clause, scene): (&ParsedClause, &GuideScene),
) -> Option<String> {
    let mut named: Vec<&str> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    let mut rules: Vec<&PlannedVersion> = Vec::new();
    for basis in &scene.basis {
        let key = basis.document.as_deref().map_or_else(|| own.title_key.clone(), title_key);
        let document = documents.iter().find(|document| document.title_key == key);
        let Some(rule) = document.and_then(|document| newest(document, version.effective)) else { continue };
        let Some(at) = consolidate::find(&rule.document.clauses, &basis.address) else { continue };
        named.extend(rule.document.clauses.get(at).map(|clause| clause.text.as_str()));
        places.push(format!("《{}》{}", rule.document.title, basis.address.label));
        if !rules.iter().any(|known| std::ptr::eq(*known, rule)) {
            rules.push(rule);
        }
    }
    let all = rules.iter().flat_map(|rule| &rule.document.clauses).filter(|clause| clause.guide.is_none());
    let others: Vec<&str> = all.map(|clause| clause.text.as_str()).filter(|text| !named.contains(text)).collect();
    let words = of_scene(scene, Grounds { named: &named, others: &others });
    if words.is_empty() {
        return None;
    }
    let said: Vec<String> = words.iter().map(|words| format!("“{words}”")).collect();
    let source = &version.document.source;
    Some(format!(
        "《{}》{}({source})写的{}在它依据的{}里没有,网点不会据此作答;请改指引,或补上依据",
        version.document.title,
        clause.address.label,
        said.join("、"),
        places.join("、")
    ))
}

/// The newest version of a rule that holds together with a guide; one that no longer holds has nothing to say to it.
fn newest(document: &PlannedDocument, with: EffectivePeriod) -> Option<&PlannedVersion> {
    let before_end = |version: &&PlannedVersion| match (with.until, version.effective.from) {
        (Some(until), Some(from)) => from < until,
        _ => true,
    };
    document.versions.iter().rev().find(before_end)
}
