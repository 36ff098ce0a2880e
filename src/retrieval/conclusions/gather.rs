//! The candidates for the conclusion of a card, with what speaks for each.

use super::asked::{Asked, Family, Sign, Want, opening};
use super::condition;
use super::parts::{self, Part, Shape};
use super::signs::Signs;
use super::{Candidate, Origin};
use crate::error::Result;
use crate::retrieval::fusion::{Answers, Evidence, TEN};
use crate::retrieval::guides::{self, Scene};
use crate::retrieval::late::{Sentences, agreement};
use crate::retrieval::lexical::QueryTerm;
use crate::retrieval::{Ranked, Retriever};
use crate::store::Clause;
use crate::text::clause;
use crate::text::contrast;
use crate::text::normalize::fold;
use crate::text::quantity::{self, Quantity, Span};
use std::ops::Range;

/// Rules whose parts are candidates.
const RULES: usize = 6;
/// Scenes whose outcomes are.
const SCENES: usize = 6;
/// Smallest likelihood whose logarithm is taken.
const LEAST_SHARE: f64 = 1e-6;
/// What log-odds are taken for where no tokens were compared, in tens.
const NOT_COMPARED: f64 = -1.0;
/// Largest coverage: added terms may come on top of the question's own.
const MAX_COVERAGE: f64 = 1.5;
/// Characters in which lengths are counted.
const HUNDRED: f64 = 100.0;

/// Words that prohibit.
const PROHIBITS: [&str; 14] = [
    "不得",
    "禁止",
    "严禁",
    "不予",
    "不能",
    "不可",
    "不准",
    "不受理",
    "拒绝",
    "不再",
    "不收",
    "不办理",
    "不应",
    "无效",
];
/// Words that permit.
const PERMITS: [&str; 3] = ["可", "允许", "有权"];
/// Words of sentences that say what a document is for or what a word means.
const PREAMBLE: [&str; 4] = ["制定本", "适用本", "是指", "所称"];

/// All candidates, in no order.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn candidates(retriever: &Retriever, ranked: &Ranked, asked: &Asked) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    for (number, scene) in ranked.guides.iter().take(SCENES).enumerate().filter(|(_, scene)| scene.doubt.is_none()) {
        all.extend(outcome(retriever, ranked, asked, (number, scene))?);
    }
    for (number, hit) in ranked.hits.iter().take(RULES).enumerate() {
        let Some(clause) = retriever.knowledge().clause(hit.clause)? else { continue };
        let found = Found::new(retriever, ranked, asked, &clause)?;
        for part in parts::of(&clause.text, &found.ranges) {
            let outdated = ranked.outdated.iter().any(|outdated| outdated.covers(clause.id, &part.range));
            let tier = agreement(&asked.amounts, &tier(&part.case));
            if tier < 0.0 {
                // The row of another amount.
                continue;
            }
            let mut signs = found.signs(&part.text, &fold(&part.text), &part.sentences);
            signs.rank = logarithm(hit.score);
            signs.first = yes(number == 0);
            shape(&mut signs, &part);
            if tier > 0.0 {
                (signs.amount, signs.other_amount) = (1.0, 0.0);
            }
            all.push(Candidate {
                origin: Origin::Rule,
                clause: clause.id,
                text: part.text,
                range: part.range,
                tier: tier_of(part.case),
                outdated,
                signs,
                score: 0.0,
            });
        }
    }
    compare_all(&mut all);
    Ok(all)
}

/// What a scene concludes: the outcome of the condition that the question meets, or that of the scene as a whole.
fn outcome(
    retriever: &Retriever,
    ranked: &Ranked,
    asked: &Asked,
    (number, scene): (usize, &Scene),
) -> Result<Option<Candidate>> {
    let Some(clause) = retriever.knowledge().clause(scene.hit.clause)? else { return Ok(None) };
    let Some(parsed) = guides::structure(&clause) else { return Ok(None) };
    let met = parsed.clarify.as_ref().and_then(|clarify| condition::met(clarify, &ranked.read));
    let text = met.map_or(&parsed.conclusion, |met| &met.conclusion);
    let found = Found::new(retriever, ranked, asked, &clause)?;
    let place = |text: &str| clause.text.find(text).map_or(0..0, |at| at..at + text.len());
    let range = place(text);
    // What is asked in a scene stands in its title and its 问法; the outcome answers in other words.
    let asks: Vec<Range<usize>> = parsed.ask_variants.iter().map(|asks| place(asks)).chain([range.clone()]).collect();
    let inside =
        |sentence: &Range<usize>| asks.iter().any(|asks| sentence.start < asks.end && sentence.end > asks.start);
    let sentences: Vec<usize> = (0..found.ranges.len()).filter(|n| found.ranges.get(*n).is_some_and(inside)).collect();
    let spoken = fold(&format!("{} {} {text}", parsed.title, parsed.ask_variants.join(" ")));
    let mut signs = found.signs(text, &spoken, &sentences);
    let rank = |rule: &Clause| ranked.hits.iter().position(|hit| hit.stands_for(rule.id));
    let basis = scene.basis.iter().filter_map(|(rule, _)| rank(rule)).min();
    signs.scene = 1.0;
    signs.rank = logarithm(scene.hit.score);
    signs.first = yes(number == 0);
    signs.condition_open = yes(parsed.clarify.is_some() && met.is_none());
    signs.rests_on_first = yes(basis == Some(0));
    signs.basis = basis.and_then(|at| ranked.hits.get(at)).map_or(-1.0, |hit| logarithm(hit.score));
    let other = ranked.guides.get(usize::from(number == 0));
    signs.scene_margin = other.map_or(1.0, |other| signs.rank - logarithm(other.hit.score));
    let (text, tier, outdated) = (text.clone(), None, false);
    Ok(Some(Candidate { origin: Origin::Scene, clause: clause.id, text, range, tier, outdated, signs, score: 0.0 }))
}

/// A clause among those found, with what all its parts share.
struct Found<'a> {
    retriever: &'a Retriever,
    ranked: &'a Ranked,
    asked: &'a Asked,
    seen: Option<&'a Evidence>,
    /// Title and chapter, normalised.
    about: String,
    ranges: Vec<Range<usize>>,
    sentences: Sentences,
}

impl<'a> Found<'a> {
    fn new(retriever: &'a Retriever, ranked: &'a Ranked, asked: &'a Asked, clause: &Clause) -> Result<Found<'a>> {
        let sentences = retriever.sentences(clause)?.unwrap_or_default();
        let ranges = if sentences.parts.is_empty() {
            clause::sentences(&clause.text)
        } else {
            sentences.parts.iter().map(|(range, _)| range.clone()).collect()
        };
        let title = retriever.knowledge().version_of(clause.id).map_or("", |v| v.row.title.as_str());
        Ok(Found {
            retriever,
            ranked,
            asked,
            seen: ranked.evidence.iter().find(|seen| seen.clause == clause.id),
            about: fold(&format!("{title} {}", clause.heading)),
            ranges,
            sentences,
        })
    }

    /// The signs that do not depend on its rank or shape; `spoken` are the words, normalised, in which a question may meet it.
    fn signs(&self, text: &str, spoken: &str, sentences: &[usize]) -> Signs {
        let said = fold(text);
        let mut signs = Signs { length: text.chars().count() as f64 / HUNDRED, ..Signs::default() };
        self.compare_tokens(&mut signs, sentences);
        if let Some(seen) = self.seen {
            (signs.clause, signs.clause_weakest) = put(seen.answers);
            signs.standing = f64::from(seen.standing) / TEN;
            signs.known = f64::from(seen.known);
            signs.lexical = seen.lexical;
        }
        signs.coverage = coverage(&self.ranked.terms, spoken);
        signs.headed_coverage = coverage(&self.ranked.terms, &format!("{} {spoken}", self.about));
        if let Some(wanted) = self.asked.wanted {
            let stated = wanted.stated_in(&said);
            (signs.stated, signs.unstated) = (yes(stated), yes(!stated));
        }
        if self.asked.wants.contains(&Want::Who) {
            let stated = Want::Who.stated_in(&said);
            (signs.who, signs.nobody) = (yes(stated), yes(!stated));
        }
        if self.asked.wants.contains(&Want::Papers) {
            let stated = Want::Papers.stated_in(&said);
            (signs.papers, signs.no_papers) = (yes(stated), yes(!stated));
        }
        let agrees = agreement(&self.asked.amounts, &quantity::find(&said));
        (signs.amount, signs.other_amount) = (yes(agrees > 0.0), yes(agrees < 0.0));
        let sides = contrast::compare(&self.ranked.read, &said, &self.about);
        (signs.same_side, signs.other_side) = (sides.same as f64, sides.other as f64);
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        signs.prohibits = yes(self.asked.verdict.is_some() && has(&PROHIBITS));
        signs.permits = yes(self.asked.verdict.is_some() && has(&PERMITS));
        signs.preamble = yes(has(&PREAMBLE));
        verdict(&mut signs, self.asked.verdict, opening(&said));
        signs
    }

    fn compare_tokens(&self, signs: &mut Signs, sentences: &[usize]) {
        let tokens = |n: &usize| self.sentences.parts.get(*n).map(|(_, tokens)| tokens.as_slice());
        let own: Vec<i8> = sentences.iter().filter_map(tokens).flatten().copied().collect();
        (signs.own, signs.own_weakest) = put(self.retriever.met(self.ranked, &own));
        let headed: Vec<i8> = if own.is_empty() { Vec::new() } else { [&self.sentences.head, own.as_slice()].concat() };
        (signs.headed, signs.headed_weakest) = put(self.retriever.met(self.ranked, &headed));
    }
}

/// A row's case where it is a range of some quantity.
fn tier_of(case: String) -> Option<String> {
    tier(&case).iter().any(|of| of.span.low != of.span.high).then_some(case)
}

/// The quantities of a row's case. A bound that is marked (含) belongs to its row, so that the other one belongs to the next row:
/// 20万元(含)至50万元, 1万元以上至5万元(含).
fn tier(case: &str) -> Vec<Quantity> {
    let case = fold(case);
    let (low_marked, high_marked) = (case.contains("(含)至"), case.ends_with("(含)"));
    let case = case.replace("(含)至", "至").replace("以上至", "至");
    let mut found = quantity::find(&case);
    if let [from, to] = found.as_slice()
        && from.measure == to.measure
        && case.get(from.place.end..to.place.start) == Some("至")
    {
        let span = Span { low: from.span.low, high: to.span.high, low_in: true, high_in: true };
        found = vec![Quantity { span, ..to.clone() }];
    }
    for of in &mut found {
        of.span.high_in &= high_marked || !low_marked;
        of.span.low_in &= low_marked || !high_marked;
    }
    found
}

fn yes(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn logarithm(share: f64) -> f64 {
    share.max(LEAST_SHARE).ln() / TEN
}

fn put(met: Option<Answers>) -> (f64, f64) {
    met.map_or((NOT_COMPARED, 0.0), |met| (f64::from(met.log_odds) / TEN, f64::from(met.weakest)))
}

/// Share of the weight of the question's own terms that a text has, added ones on top.
fn coverage(terms: &[QueryTerm], text: &str) -> f64 {
    let whole: f64 = terms.iter().filter(|term| !term.added).map(|term| term.weight).sum();
    let met: f64 = terms.iter().filter(|term| text.contains(term.text.as_str())).map(|term| term.weight).sum();
    if whole > 0.0 { (met / whole).min(MAX_COVERAGE) } else { 0.0 }
}

fn verdict(signs: &mut Signs, asked: Option<Family>, opening: Option<(Sign, Option<Family>)>) {
    let Some((sign, family)) = opening else { return };
    signs.verdict_depends = yes(sign == Sign::Depends);
    signs.verdict_unasked = yes(asked.is_none());
    if let (Some(asked), Some(family)) = (asked, family) {
        (signs.verdict_fits, signs.verdict_of_another_kind) = (yes(asked == family), yes(asked != family));
    }
}

fn shape(signs: &mut Signs, part: &Part) {
    let of = |shape: Shape| yes(part.shape == shape);
    signs.pair = of(Shape::Pair);
    (signs.item, signs.row, signs.list) = (of(Shape::Item), of(Shape::Row), of(Shape::List));
}

/// How far each falls behind the best, in its clause or among all.
fn compare_all(all: &mut [Candidate]) {
    let best = |fits: &dyn Fn(&Candidate) -> bool, sign: &dyn Fn(&Signs) -> f64| {
        all.iter().filter(|c| fits(c)).map(|c| sign(&c.signs)).fold(f64::NEG_INFINITY, f64::max)
    };
    let coverage = best(&|_| true, &|signs| signs.coverage);
    let headed = best(&|_| true, &|signs| signs.headed);
    let own: Vec<f64> = all.iter().map(|of| best(&|c| c.clause == of.clause, &|signs| signs.own)).collect();
    for (candidate, own) in all.iter_mut().zip(own) {
        let signs = &mut candidate.signs;
        signs.behind_in_clause = signs.own - own;
        signs.behind_in_all = signs.headed - headed;
        signs.coverage_behind = signs.coverage - coverage;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_for_the_amounts_between_its_bounds() {
        let asked = |text: &str| condition::said(&fold(text));
        for (question, case, fits) in [
            ("取50万要提前几天", "20万元（含）至50万元", false),
            ("取50万要提前几天", "50万元（含）至200万元", true),
            ("取49万要提前几天", "20万元（含）至50万元", true),
            ("取49万要提前几天", "50万元（含）至200万元", false),
            ("转六千手续费", "1万元以上至5万元（含）", false),
            ("转5万手续费", "1万元以上至5万元（含）", true),
        ] {
            let (asked, tier) = (asked(question), tier(case));
            assert_eq!(agreement(&asked, &tier) > 0.0, fits, "{question} {case}: {asked:?} {tier:?}");
        }
    }
}
