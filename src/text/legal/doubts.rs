//! What in the numbering of a document a person should look at: articles that are missing or come twice, and lines that look like the
//! beginning of an article and were not taken for one.

use super::heading::start;
use super::model::ParsedDocument;
use std::collections::BTreeSet;

/// Fewest articles of a document whose numbering is looked at.
const MIN_ARTICLES: usize = 3;
/// Numbers named before it says “and others”.
const MAX_NAMED: usize = 5;

/// What is wrong with the numbers of the articles of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbering {
    /// Numbers that are left out, in order.
    pub missing: Vec<u32>,
    /// Labels of clauses whose number another has.
    pub doubled: Vec<String>,
}

/// Looks at the numbers of the articles.
pub fn numbering(document: &ParsedDocument) -> Numbering {
    let numbers: Vec<u32> = document.clauses.iter().filter_map(|clause| clause.address.article).collect();
    if numbers.len() < MIN_ARTICLES {
        return Numbering::default();
    }
    let taken: BTreeSet<u32> = numbers.iter().copied().collect();
    // More than twice as far as there are articles, a number is misread rather than many are missing.
    let within = u32::try_from(2 * numbers.len()).unwrap_or(u32::MAX);
    let last = taken.iter().rev().find(|n| **n <= within).copied().unwrap_or_default();
    let first = taken.first().copied().unwrap_or_default();
    let doubled = document.clauses.iter().filter(|c| c.address.article.is_none() && is_doubled(&c.address.label));
    Numbering {
        missing: (first..=last).filter(|n| !taken.contains(n)).collect(),
        doubled: doubled.map(|clause| clause.address.label.clone()).collect(),
    }
}

/// Doubts about a document, in words for the report.
pub fn doubts(document: &ParsedDocument) -> Vec<String> {
    let mut found = Vec::new();
    let Numbering { missing, doubled } = numbering(document);
    if !missing.is_empty() {
        found.push(format!("缺第{}条", named(&missing)));
    }
    if !doubled.is_empty() {
        found.push(format!("有 {} 条的条号与前面重复", doubled.len()));
    }
    let lines = document.clauses.iter().flat_map(|clause| clause.text.lines());
    let untaken = lines.filter(|line| start(line).is_some()).count();
    if untaken > 0 {
        found.push(format!("有 {untaken} 行以“第X条”开头,没有当作新的一条"));
    }
    found
}

/// `第四条（2）`: an article whose number another has.
fn is_doubled(label: &str) -> bool {
    label.starts_with('第') && label.contains('条') && label.ends_with('）') && label.contains('（')
}

fn named(numbers: &[u32]) -> String {
    let shown: Vec<String> = numbers.iter().take(MAX_NAMED).map(u32::to_string).collect();
    let more = if numbers.len() > MAX_NAMED { "等" } else { "" };
    format!("{}{more}", shown.join("、"))
}
