//! One card for several questions in one, with a conclusion for each.
//!
//! The card of the whole question comes first: where it is refused, parts that seem to be answered are so by chance (of 14 such questions over the sample rulebook
//! 8 had no answer), and where it concludes it often answers all of them in one sentence. A part is added when what it concludes
//! is another matter and likely enough, or when it is left open by what was concluded.

use super::card::{Ground, MAX_CITATIONS};
use super::outcome::{Card, Citation};
use super::{PartQuestion, Weighed};
use crate::retrieval::conclusions::asked::Asked;
use crate::text::normalize::fold;
use crate::text::passage::spoken;

/// What is said of a question that nothing found answers.
const NOTHING: &str = "在现行规定中没有找到依据,不作推测";
/// A part's own conclusion stands beside another one when it is at least this likely.
const BESIDE: f64 = 0.6;

type Answered<'a> = (&'a PartQuestion, Card);

/// Puts the cards of the parts together, or leaves the card of the whole question as it is.
pub(super) fn combine(whole: Weighed, parts: &[Answered<'_>]) -> Weighed {
    if whole.card.refused {
        return whole;
    }
    let Some(card) = together(&whole.card, parts) else { return whole };
    let ground = if whole.ground == Ground::Pointer { Ground::Rule } else { whole.ground };
    Weighed { card, ground, ..whole }
}

fn together(whole: &Card, parts: &[Answered<'_>]) -> Option<Card> {
    let compared = parts.iter().any(|(part, _)| part.compared);
    // Two things that are compared stand side by side only where both are answered: that alone tells that the words were read rightly.
    let all = parts.iter().all(|(_, card)| concludes(card));
    let likely = |card: &Card| concludes(card) && (compared || card.conclusion_confidence >= BESIDE);
    let alike = parts.windows(2).all(|two| matches!(two, [a, b] if a.1.conclusion == b.1.conclusion));
    let concluded = concludes(whole);
    let enough = if concluded { 1 } else { 2 };
    if parts.iter().filter(|(_, card)| likely(card)).count() < enough || alike || compared && !all {
        return None;
    }
    let first = (concluded && !compared).then_some(whole);
    let others: Vec<&Answered<'_>> =
        parts.iter().filter(|(part, card)| first.is_none_or(|first| adds(first, part, card))).collect();
    let cards: Vec<&Card> = first.into_iter().chain(others.iter().map(|(_, card)| card)).collect();
    if cards.len() < 2 {
        return None;
    }
    let said = first.map(|whole| whole.conclusion.clone());
    let lines: Vec<String> = said.into_iter().chain(others.iter().map(|(part, card)| line(part, card))).collect();
    let stands: Vec<&Card> = cards.iter().copied().filter(|card| concludes(card)).collect();
    let mut sources: Vec<String> = stands.iter().map(|card| card.conclusion_source.clone()).collect();
    sources.dedup();
    let least = |of: fn(&Card) -> f64| stands.iter().map(|card| of(card)).fold(1.0, f64::min);
    let mut notices = whole.notices.clone();
    for notice in cards.iter().flat_map(|card| &card.notices) {
        if !notices.contains(notice) {
            notices.push(notice.clone());
        }
    }
    Some(Card {
        question: whole.question.clone(),
        conclusion: lines.join("\n"),
        conclusion_source: sources.join(";"),
        citations: citations(&cards),
        notices,
        confidence: least(|card| card.confidence),
        conclusion_confidence: least(|card| card.conclusion_confidence),
        ..(*stands.first()?).clone()
    })
}

fn concludes(card: &Card) -> bool {
    !card.refused && card.conclusion_confidence > 0.0
}

/// Whether a part has something to say beside what was concluded from the whole: another conclusion, or that its question is open.
fn adds(whole: &Card, part: &PartQuestion, card: &Card) -> bool {
    if concludes(card) && (part.compared || card.conclusion_confidence >= BESIDE) {
        return card.conclusion != whole.conclusion;
    }
    let asked = Asked::read(&spoken(&part.said));
    let said = fold(&whole.conclusion);
    let stated = asked.wanted.is_none_or(|wanted| wanted.stated_in(&said))
        && asked.wants.iter().all(|want| want.stated_in(&said));
    card.refused && !stated
}

fn line(part: &PartQuestion, card: &Card) -> String {
    let said = if card.refused { NOTHING } else { card.conclusion.as_str() };
    format!("“{}”:{said}", part.said)
}

/// The best clause of each card, then the second ones, and so on.
fn citations(cards: &[&Card]) -> Vec<Citation> {
    let mut all: Vec<Citation> = Vec::new();
    for rank in 0..MAX_CITATIONS {
        for cited in cards.iter().filter_map(|card| card.citations.get(rank)) {
            if all.len() < MAX_CITATIONS && !all.iter().any(|other| other.id == cited.id) {
                all.push(Citation { n: all.len() as u32 + 1, ..cited.clone() });
            }
        }
    }
    all
}
