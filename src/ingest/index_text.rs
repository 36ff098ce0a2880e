//! What a clause is found by: its own words, and how others speak of it.

use crate::text::legal::ParsedClause;
use crate::text::normalize::normalize;
use crate::text::tokenize::for_each_term;
use std::collections::HashSet;

/// How often a clause's own words count when written answers stand beside them: the answers are as long as the clause and would
/// drown it. Questions and answers count once, and so does everything of a clause without answers. Recall@10 / @100 on the dev
/// questions, five-fold cross-validation (`guida eval cv`), with k1 1.6: all once 0.620 / 0.829; own words twice 0.627 / 0.832;
/// questions twice 0.626 / 0.831; own words of every clause twice 0.634 / 0.837, but bare clauses fall from 0.484 / 0.704 to 0.479 /
/// 0.690: what helps there is that counts saturate sooner. With k1 1.2, as it is now, own words twice 0.640 / 0.836.
const OWN_BESIDE_ANSWERS: usize = 2;

/// The index terms of a clause; repeats count. Title and chapter path stand in the index text with the clause: +0.02 recall@10 on
/// the law collection. `spoken` are questions, `answers` the written answers of curated ones. `names` are other words for what the
/// clause says already: of them only the terms that are not there yet, once. Whole names in every clause of a rule that has
/// abbreviated them outweigh what its clauses differ in: recall@10 of BM25 alone on 28 real rules 0.893 without names and with
/// their new terms, 0.884 with whole ones; on the dev questions over the laws 0.579, 0.582 and 0.583.
pub fn terms<'a>(
    title: &'a str,
    clause: &'a ParsedClause,
    spoken: impl Iterator<Item = &'a str>,
    answers: &'a [String],
    names: &[&str],
) -> Vec<String> {
    let mut terms = Vec::new();
    let mut add = |field: &str, times: usize| {
        let field = normalize(field);
        for _ in 0..times {
            for_each_term(&field, |t| terms.push(t.to_owned()));
        }
    };
    let own = if answers.is_empty() { 1 } else { OWN_BESIDE_ANSWERS };
    for field in [title, &clause.heading, &clause.text] {
        add(field, own);
    }
    for question in clause.ask_variants.iter().map(String::as_str).chain(spoken) {
        add(question, 1);
    }
    for answer in answers {
        add(answer, 1);
    }
    let mut known: HashSet<String> = if names.is_empty() { HashSet::new() } else { terms.iter().cloned().collect() };
    for name in names {
        for_each_term(&normalize(name), |term| {
            if known.insert(term.to_owned()) {
                terms.push(term.to_owned());
            }
        });
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::address;

    #[test]
    fn of_abbreviations_only_new_terms_are_added() {
        let clause = ParsedClause {
            address: address::labelled("第一条"),
            heading: String::new(),
            text: "残币".into(),
            ask_variants: Vec::new(),
            guide: None,
        };
        let terms = |names| super::terms("", &clause, std::iter::empty(), &[], names);
        assert_eq!(terms(&[]), ["残", "币", "残币"]);
        assert_eq!(terms(&["残损币", "残币"]), ["残", "币", "残币", "损", "残损", "损币"]);
    }
}
