//! One card for several questions in one, with a conclusion for each.
//!
//! The card of the whole question comes first: where it concludes it often answers all of them in one sentence, and where it is refused,
//! parts that seem to be answered often are so by chance (of 14 such questions over the sample rulebook 8 had no answer), so that one has
//! to be [`ALONE`] likely. A part is added when what it concludes is another matter and likely enough, or when it is left open by what was
//! concluded.

use super::card::{Ground, MAX_CITATIONS};
use super::outcome::{Card, Citation};
use super::{PartQuestion, Weighed};
use crate::retrieval::conclusions::asked::Asked;
use crate::text::filler;
use crate::text::normalize::fold;
use crate::text::passage::spoken;

/// What is said of a question that nothing found answers.
const NOTHING: &str = "在现行规定中没有找到依据,不作推测";
/// A part's own conclusion stands beside another one when it is at least this likely.
const BESIDE: f64 = 0.6;
/// One part answers for a question that is refused as a whole when it is at least this likely.
const ALONE: f64 = 0.8;

type Answered<'a> = (&'a PartQuestion, Card);

/// Puts the cards of the parts together, or leaves the card of the whole question as it is.
pub(super) fn combine(whole: Weighed, parts: &[Answered<'_>]) -> Weighed {
    let Some(card) = together(&whole.card, parts) else { return whole };
    let ground = if concludes(&whole.card) { whole.ground } else { Ground::Rule };
    Weighed { card, ground, ..whole }
}

fn together(whole: &Card, parts: &[Answered<'_>]) -> Option<Card> {
    let compared = parts.iter().any(|(part, _)| part.compared);
    let concluded = concludes(whole);
    let enough = |at_least: usize, likely: f64| {
        parts.iter().filter(|(_, card)| concludes(card) && card.conclusion_confidence >= likely).count() >= at_least
    };
    let worth = match whole {
        // Two things that are compared stand side by side only where both are answered: that alone tells that the words were read rightly.
        _ if compared => !whole.refused && enough(parts.len(), 0.0),
        whole if whole.refused => enough(1, ALONE),
        _ if concluded => enough(1, BESIDE),
        _ => enough(2, BESIDE),
    };
    let alike = parts.windows(2).all(|two| matches!(two, [a, b] if a.1.conclusion == b.1.conclusion));
    if !worth || alike {
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
    card.refused && !is_stated(part, &fold(&whole.conclusion))
}

/// Whether a conclusion states what a part asks for: a thing of the kind, or else most of its words.
fn is_stated(part: &PartQuestion, conclusion: &str) -> bool {
    let asked = Asked::read(&spoken(&part.said));
    if asked.wanted.is_some() || !asked.wants.is_empty() {
        return asked.wanted.is_none_or(|wanted| wanted.stated_in(conclusion))
            && asked.wants.iter().all(|want| want.stated_in(conclusion));
    }
    let words: Vec<char> = filler::strip(&fold(&part.said)).chars().filter(|c| c.is_alphanumeric()).collect();
    2 * words.iter().filter(|c| conclusion.contains(**c)).count() >= words.len()
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
