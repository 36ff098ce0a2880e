//! What a clause is found by: its own words, and how others speak of it.

use crate::text::legal::ParsedClause;
use crate::text::normalize::normalize;
use crate::text::tokenize::for_each_term;

fn weight(name: &str) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(1)
}

/// The index terms of a clause; repeats count.
pub fn terms<'a>(
    title: &'a str,
    clause: &'a ParsedClause,
    spoken: impl Iterator<Item = &'a str>,
    answers: &'a [String],
) -> Vec<String> {
    let mut terms = Vec::new();
    let mut add = |field: &str, weight: usize| {
        let field = normalize(field);
        for _ in 0..weight {
            for_each_term(&field, |t| terms.push(t.to_owned()));
        }
    };
    for f in [title, clause.heading.as_str()] {
        add(f, weight("W_T"));
    }
    add(&clause.text, weight("W_C"));
    for q in clause.ask_variants.iter().map(String::as_str).chain(spoken) {
        add(q, weight("W_Q"));
    }
    for a in answers {
        add(a, weight("W_A"));
    }
    terms
}
