//! What is annexed to a text and is no rule of its own, and the bound on the length of a clause.

use super::labels::Labels;
use super::line::{Line, Mark};
use super::model::ParsedClause;
use super::{article, line, plain};
use crate::text::address;

/// Longest clause, in characters: longer ones are mostly a table or form that sank into an article, and no card can show them.
const MAX_CLAUSE_CHARS: usize = 2_000;

/// Adds the clauses of annexes, each under its label: `附件二`, `附件二第三点`.
pub(super) fn append(clauses: &mut Vec<ParsedClause>, annexes: &[(String, Vec<Line>)]) {
    let mut labels = Labels::default();
    for clause in clauses.iter() {
        labels.unique(&clause.address.label, "");
    }
    for (annex, lines) in annexes {
        // The heading of an annex with articles is a clause: it names what the annex is.
        let lead = if article::has_articles(lines) {
            lines.iter().take_while(|line| !article::begins_body(line)).count()
        } else {
            0
        };
        let (lead, rest) = lines.split_at_checked(lead).unwrap_or((lines, &[]));
        if !lead.is_empty() {
            let text: Vec<&str> = lead.iter().map(Line::text).collect();
            clauses.push(ParsedClause {
                address: address::labelled(labels.unique(annex, "")),
                heading: String::new(),
                text: text.join("\n"),
                ask_variants: Vec::new(),
                guide: None,
            });
        }
        for mut clause in super::shape(rest) {
            let own = clause.address.label.as_str();
            let whole = matches!(own, "正文" | "序言") || own.starts_with("附件");
            let label = if whole { annex.clone() } else { format!("{annex}{own}") };
            clause.address = address::labelled(labels.unique(&label, ""));
            clauses.push(clause);
        }
    }
}

/// Splits clauses that are too long between their lines, rows and sentences. The first piece keeps the address.
pub(super) fn bounded(clauses: Vec<ParsedClause>) -> Vec<ParsedClause> {
    if clauses.iter().all(|clause| clause.text.chars().count() <= MAX_CLAUSE_CHARS || clause.guide.is_some()) {
        return clauses;
    }
    let mut labels = Labels::default();
    for clause in &clauses {
        labels.unique(&clause.address.label, "");
    }
    let mut out = Vec::with_capacity(clauses.len());
    for clause in clauses {
        if clause.text.chars().count() <= MAX_CLAUSE_CHARS || clause.guide.is_some() {
            out.push(clause);
            continue;
        }
        let label = clause.address.label.clone();
        for (at, text) in pieces(&clause.text).into_iter().enumerate() {
            let piece = ParsedClause { text, ..clause.clone() };
            out.push(if at == 0 {
                piece
            } else {
                let address = address::labelled(labels.piece(at + 1, &label));
                ParsedClause { address, ask_variants: Vec::new(), ..piece }
            });
        }
    }
    out
}

/// A long text in pieces: an article that holds its own items stays together as far as it goes, before what is a line of another kind.
fn pieces(text: &str) -> Vec<String> {
    let lines: Vec<String> = text.lines().flat_map(hard_broken).collect();
    let mut pieces: Vec<String> = Vec::new();
    for piece in plain::split(&lines) {
        match pieces.last_mut() {
            // Small pieces are joined up to the bound, unless a section begins.
            Some(last)
                if last.chars().count() + piece.chars().count() < MAX_CLAUSE_CHARS
                    && !matches!(line::mark(&piece), Some((Mark::Section, _, _))) =>
            {
                last.push('\n');
                last.push_str(&piece);
            }
            _ => pieces.push(piece),
        }
    }
    pieces
}

/// A line that is longer than a clause may be and has no sentences to break at is broken at its length.
fn hard_broken(text: &str) -> Vec<String> {
    if text.chars().count() <= MAX_CLAUSE_CHARS || text.contains('。') {
        return vec![text.to_owned()];
    }
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(plain::MAX_CHARS).map(|chunk| chunk.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_article_keeps_its_address_and_loses_nothing() {
        let sentence = format!("{}。", "甲".repeat(90));
        let text = format!("{}\n{}", sentence.repeat(20), sentence.repeat(20));
        let clause = ParsedClause {
            address: address::article(5, 0),
            heading: String::new(),
            text: text.clone(),
            ask_variants: Vec::new(),
            guide: None,
        };
        let pieces = bounded(vec![clause.clone()]);
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.text.chars().count() <= MAX_CLAUSE_CHARS));
        assert_eq!(pieces[0].address, clause.address);
        assert_eq!(pieces[1].address.label, "第五条第二段");
        let joined: String = pieces.iter().flat_map(|piece| piece.text.chars()).filter(|c| *c != '\n').collect();
        assert_eq!(joined, text.replace('\n', ""));
    }
}
