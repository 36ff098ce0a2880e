//! Outcomes side by side where a table has a row for each range of amounts and the question names no amount.

use super::outcome::{Card, Choice, Clarify};
use crate::retrieval::conclusions::Candidate;

/// What is asked back.
const WHICH: &str = "属于哪一档?";

/// Concludes with all rows and asks which one is meant, or with the one that was chosen: then nothing is open any more, and it is true. Without rows the
/// card stays as it is.
pub(super) fn add(card: &mut Card, rows: &[&Candidate], choice: Option<&str>) -> bool {
    if let Some(chosen) = rows.iter().find(|row| choice.is_some() && row.tier.as_deref() == choice) {
        card.conclusion.clone_from(&chosen.text);
        return true;
    }
    let Some((first, others)) = rows.split_first() else { return false };
    let lines: Vec<&str> = std::iter::once(first.text.as_str()).chain(others.iter().map(|row| bare(row))).collect();
    card.conclusion = lines.join("\n");
    let choice = |row: &&Candidate| {
        let label = row.tier.clone()?;
        let said = bare(row);
        let outcome = said.strip_prefix(label.as_str()).unwrap_or(said).trim_start_matches(['：', ':']);
        Some(Choice { conclusion: outcome.to_owned(), label })
    };
    card.clarify = Some(Clarify { question: WHICH.to_owned(), choices: rows.iter().filter_map(choice).collect() });
    false
}

/// A row without the words that open its table.
fn bare(row: &Candidate) -> &str {
    let from = row.tier.as_ref().and_then(|tier| row.text.find(tier.as_str()));
    from.and_then(|from| row.text.get(from..)).unwrap_or(&row.text)
}
