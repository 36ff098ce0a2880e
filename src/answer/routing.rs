//! Which of two models writes: a small one where there is little to weigh, a large one where there is much.
//!
//! A small model (1.5 to 4 billion parameters) copies and rephrases well and is three to five times as fast; what it does badly
//! is to weigh several rules against each other and to keep conditions apart. The card already knows which of the two a
//! question needs: [`route`] reads it off the card and takes no guess at the words.

use super::outcome::Card;
use crate::types::Level;
use serde::{Deserialize, Serialize};

/// Longest question, in characters, that a small model is given: longer ones tell a case with circumstances of its own. The
/// spoken questions of the sample have 12 characters at the median, 24 at most.
const SHORT_QUESTION: usize = 30;
/// Most characters of clauses that a small model is given: beyond, it loses the one that matters among the others. Nine cards in
/// ten of the sample have fewer than 580.
const FEW_CHARACTERS: usize = 600;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Easy questions, quickly. Also the only model where there is one.
    Small,
    /// Everything else.
    Large,
}

/// What is to be weighed in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difficulty {
    /// A guide has drawn the conclusion already.
    pub concluded: bool,
    /// A condition is open that the answer turns on.
    pub open: bool,
    /// Rules on the card, guides not counted.
    pub rules: usize,
    /// Characters of the clauses.
    pub clause_chars: usize,
    /// Characters of the question.
    pub question_chars: usize,
}

impl Difficulty {
    /// Reads it off a card.
    pub fn of(card: &Card) -> Difficulty {
        let guides = card.citations.iter().filter(|c| c.level == Level::Guide).count();
        Difficulty {
            concluded: guides > 0 && !card.conclusion.is_empty(),
            open: card.clarify.is_some(),
            rules: card.citations.len() - guides,
            clause_chars: card.citations.iter().map(|c| c.text.chars().count()).sum(),
            question_chars: card.question.chars().count(),
        }
    }
}

/// Who should write. Of the sample questions that get a card, the small model is given 48%.
///
/// - An open condition (the card asks back) means that the answer has branches: large.
/// - A long question tells circumstances that have to be matched with the rule's: large.
/// - Clauses of many characters have to be searched once more: large.
/// - One rule: it only has to be said in other words: small.
/// - A guide's conclusion with the rule it rests on and one beside it: small, the conclusion is settled.
/// - Several rules without a guide's word have to be weighed: large.
pub fn route(difficulty: &Difficulty) -> Role {
    let bulky = difficulty.question_chars > SHORT_QUESTION || difficulty.clause_chars > FEW_CHARACTERS;
    let rules = if difficulty.concluded { 2 } else { 1 };
    if difficulty.open || bulky || difficulty.rules > rules { Role::Large } else { Role::Small }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EASY: Difficulty =
        Difficulty { concluded: true, open: false, rules: 1, clause_chars: 300, question_chars: 12 };

    #[test]
    fn what_is_settled_goes_to_the_small_model() {
        assert_eq!(route(&EASY), Role::Small);
        assert_eq!(route(&Difficulty { rules: 2, ..EASY }), Role::Small);
        assert_eq!(route(&Difficulty { concluded: false, ..EASY }), Role::Small);
    }

    #[test]
    fn what_must_be_weighed_goes_to_the_large_one() {
        for hard in [
            Difficulty { open: true, ..EASY },
            Difficulty { rules: 3, ..EASY },
            Difficulty { concluded: false, rules: 2, ..EASY },
            Difficulty { question_chars: SHORT_QUESTION + 1, ..EASY },
            Difficulty { clause_chars: FEW_CHARACTERS + 1, ..EASY },
        ] {
            assert_eq!(route(&hard), Role::Large, "{hard:?}");
        }
    }
}
