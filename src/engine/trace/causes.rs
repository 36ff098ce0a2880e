//! Why a card came out as it did, the decisive cause first, and what a branch can do about it.

use super::words;
use crate::answer::outcome::Citation;
use crate::answer::{Answerer, Ask, Ground, Weighed};
use crate::error::Result;
use crate::retrieval::confidence::{self, Effect, Factor, Features};
use crate::retrieval::scope::Scope;
use crate::retrieval::{Ranked, address};
use crate::text::address::print;
use crate::text::normalize::is_han;
use crate::types::{Bilingual, Classification, ClauseId, Date, Level, Status};
use std::collections::HashSet;
use std::fmt;

/// A refusal is a near miss when so little is wanting to the threshold, in log-odds: about 32% sure and more.
const NEAR_MISS: f64 = 1.0;
/// Unknown words that are named.
const MAX_UNKNOWN: usize = 8;

/// What a factor is, at the median, for the 380 sample questions that are answered (`guida eval retrieval --details`, bundled
/// encoder).
pub(super) fn usual(factor: Factor) -> f64 {
    match factor {
        Factor::Start => 1.0,
        Factor::Coverage => 0.61,
        Factor::Strength => 0.78,
        Factor::Margin => 0.57,
        Factor::OtherMatter | Factor::Alone | Factor::Asked | Factor::Unstated | Factor::Unlike => 0.0,
        Factor::Conclusion => 0.0,
        Factor::Meaning => 0.42,
        Factor::Answers => 0.18,
        Factor::Weakest => 0.66,
    }
}

/// The factors that take part: those of the encoder only where there was one.
pub(super) fn taking_part(features: &Features) -> impl Iterator<Item = Effect> {
    let (encoded, compared) = (features.meaning.is_some(), features.answers.is_some());
    confidence::effects(features).into_iter().filter(move |effect| match effect.factor {
        Factor::Meaning | Factor::Asked | Factor::Unlike => encoded,
        Factor::Answers | Factor::Weakest => compared,
        Factor::Conclusion => features.conclusion.is_some(),
        _ => true,
    })
}

/// A clause as it is named to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    document: String,
    clause: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "《{}》{}", self.document, self.clause)
    }
}

impl From<&Citation> for Place {
    fn from(cited: &Citation) -> Place {
        Place { document: cited.document.clone(), clause: cited.clause.clone() }
    }
}

/// What keeps a clause from answering a teller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bar {
    /// Its classification.
    Clearance(Classification),
    /// Its level was not asked for.
    Level(Level),
    /// Its state on the day, with first and last day.
    Day(Status, Option<Date>, Option<Date>),
}

/// An answer to be explained.
pub(super) struct Case<'a> {
    pub(super) answerer: &'a Answerer,
    pub(super) ask: &'a Ask<'a>,
    pub(super) weighed: &'a Weighed,
}

impl Case<'_> {
    /// The reasons, the decisive ones first.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub(super) fn reasons(&self) -> Result<Vec<Bilingual>> {
        let mut out = if self.weighed.card.refused { self.refusal()? } else { self.answer()? };
        let (ranked, retriever) = (&self.weighed.ranked, self.answerer.retriever());
        if ranked.words_only {
            out.push(words::WORDS_ONLY.into());
        } else if retriever.embedder().is_none() && retriever.knowledge().vector_count() > 0 {
            out.push(words::NO_ENCODER.into());
        }
        if ranked.not_reranked {
            out.push(words::NOT_RERANKED.into());
        }
        Ok(out)
    }

    fn answer(&self) -> Result<Vec<Bilingual>> {
        let (card, ranked) = (&self.weighed.card, &self.weighed.ranked);
        let cited: Vec<Place> = card.citations.iter().map(Place::from).collect();
        let Some(first) = cited.first() else { return Ok(Vec::new()) };
        let settled = ranked.settled.first().copied().map(|id| self.place(id)).transpose()?.flatten();
        let guide = card.citations.iter().find(|c| c.level == Level::Guide).map(Place::from);
        let mut out = match (self.weighed.ground, cited.as_slice()) {
            (Ground::Address, _) => vec![words::answered_by_address(first)],
            (Ground::Pointer, _) => vec![words::points(&cited)],
            (ground, _) => vec![match settled {
                Some(settled) => words::answered_by_set_question(&settled),
                None if ground == Ground::Guide => {
                    words::answered(true, &guide.unwrap_or(first.clone()), card.confidence)
                }
                None => words::answered(false, first, card.confidence),
            }],
        };
        out.extend(card.clarify.as_ref().map(|clarify| words::asks_back(&clarify.question)));
        if let Some(missing) = self.missing() {
            out.push(missing);
        }
        if ranked.suspended {
            out.push(words::SUSPENDED.into());
        }
        Ok(out)
    }

    fn refusal(&self) -> Result<Vec<Bilingual>> {
        let (card, ranked) = (&self.weighed.card, &self.weighed.ranked);
        if self.weighed.ground == Ground::Blank {
            return Ok(vec![words::NO_KNOWLEDGE.into()]);
        }
        let mut out = Vec::new();
        if self.weighed.ground == Ground::Outside {
            return Ok(vec![words::OUTSIDE.into()]);
        }
        if self.weighed.ground != Ground::Missing {
            out.push(words::refused(card.confidence, confidence::THRESHOLD));
        }
        if ranked.suspended {
            out.push(words::SUSPENDED.into());
        }
        let barred = self.barred()?;
        let explained = ranked.suspended || !barred.is_empty();
        out.extend(barred);
        out.extend(self.missing().filter(|_| !explained));
        if self.weighed.ground == Ground::Missing {
            return Ok(out);
        }
        if ranked.clauses_searched == 0 {
            out.push(words::NOTHING_TO_SEARCH.into());
            return Ok(out);
        }
        out.extend(self.weaknesses()?);
        if !explained {
            let nearest = card.refusal.as_ref().map(|refusal| refusal.nearest.as_slice()).unwrap_or_default();
            out.push(words::no_rule(nearest));
        }
        Ok(out)
    }

    /// What the weighing lacked for an answer.
    fn weaknesses(&self) -> Result<Vec<Bilingual>> {
        let ranked = &self.weighed.ranked;
        let features = &ranked.features;
        let nearest = ranked.hits.first().map(|hit| self.place(hit.clause)).transpose()?.flatten();
        let unknown = unknown_words(ranked);
        let mut out: Vec<Bilingual> = Vec::new();
        let matter = ranked.other_matter.as_deref().map(|word| words::other_matter(word, nearest.as_ref()));
        // Coverage and strength say the same to a reader, and unknown words are named in any case.
        let (mut covered, mut silent) = (false, false);
        for effect in decisive(features) {
            let usual = usual(effect.factor);
            match effect.factor {
                Factor::Start | Factor::Asked | Factor::Unlike => {}
                Factor::Conclusion => out.push(words::NO_SENTENCE.into()),
                Factor::Alone => out.push(words::NOTHING_IN_COMMON.into()),
                Factor::OtherMatter => out.extend(matter.clone()),
                Factor::Coverage | Factor::Strength => {
                    if !covered {
                        let usual = self::usual(Factor::Coverage);
                        out.push(words::little_covered(nearest.as_ref(), features.coverage, usual));
                    }
                    covered = true;
                }
                Factor::Margin => out.push(words::ALIKE.into()),
                Factor::Unstated => out.push(words::UNSTATED.into()),
                Factor::Meaning => out.push(words::far_in_meaning(effect.value, usual)),
                Factor::Answers | Factor::Weakest if silent => {}
                Factor::Answers | Factor::Weakest => {
                    out.push(words::silent(nearest.as_ref()));
                    silent = true;
                }
            }
        }
        if !unknown.is_empty() {
            out.push(words::unknown(&unknown));
        }
        if wanting(features) < NEAR_MISS {
            out.push(words::NEAR_MISS.into());
        }
        Ok(out)
    }

    /// What the question names by an address that is not there.
    fn missing(&self) -> Option<Bilingual> {
        let named = self.weighed.ranked.missing.as_ref()?;
        let clause = print(&named.address);
        let Some(document) = &named.document else { return Some(words::no_document_named(&clause)) };
        let titles = address::titles_like(self.answerer.retriever().knowledge(), &self.ask.scope, document);
        Some(match titles.first() {
            Some(title) => words::no_such_clause(title, &clause),
            None => words::no_such_document(document),
        })
    }

    /// Clauses that would have answered if something of the scope were wider, with what bars them.
    fn barred(&self) -> Result<Vec<Bilingual>> {
        let scope = &self.ask.scope;
        let (clearance, levels) = (Classification::Confidential, Vec::new());
        let mut wider = Vec::new();
        if scope.clearance < clearance {
            wider.push(Scope { clearance, ..scope.clone() });
        }
        if !scope.levels.is_empty() {
            wider.push(Scope { levels: levels.clone(), ..scope.clone() });
        }
        wider.push(Scope { all_versions: true, ..scope.clone() });
        let mut out = Vec::new();
        for scope in wider {
            out.extend(self.barred_within(scope)?);
        }
        if out.is_empty() {
            // Two things may bar one clause.
            out = self.barred_within(Scope { clearance, levels, all_versions: true, as_of: scope.as_of })?;
        }
        Ok(out)
    }

    /// What bars the first clause of the answer within this scope.
    fn barred_within(&self, scope: Scope) -> Result<Vec<Bilingual>> {
        let Ask { question, matter, context, choice, recent_documents, .. } = *self.ask;
        let wide = Ask {
            question,
            matter,
            parts: &[],
            context,
            scope,
            choice,
            recent_documents,
            prose: false,
            structured: false,
        };
        let card = self.answerer.weigh(&wide)?.card;
        if card.refused {
            return Ok(Vec::new());
        }
        let barred = card.citations.iter().map(|cited| (cited, self.bars(cited))).find(|(_, bars)| !bars.is_empty());
        let Some((cited, bars)) = barred else { return Ok(Vec::new()) };
        let place = Place::from(cited);
        Ok(bars.iter().map(|bar| words::barred(&place, bar, self.ask.scope.as_of)).collect())
    }

    /// What keeps a clause out of the scope of the question.
    fn bars(&self, cited: &Citation) -> Vec<Bar> {
        let scope = &self.ask.scope;
        let mut bars = Vec::new();
        if cited.classification > scope.clearance {
            bars.push(Bar::Clearance(cited.classification));
        }
        if !scope.levels.is_empty() && !scope.levels.contains(&cited.level) {
            bars.push(Bar::Level(cited.level));
        }
        if cited.status != Status::InForce {
            bars.push(Bar::Day(cited.status, cited.effective_from, cited.effective_to));
        }
        bars
    }

    fn place(&self, id: ClauseId) -> Result<Option<Place>> {
        let knowledge = self.answerer.retriever().knowledge();
        let Some(version) = knowledge.version_of(id) else { return Ok(None) };
        let document = version.row.title.clone();
        Ok(knowledge.clause(id)?.map(|clause| Place { document, clause: clause.address.label }))
    }
}

/// What is wanting to an answer, in log-odds.
fn wanting(features: &Features) -> f64 {
    let sum: f64 = confidence::effects(features).iter().map(Effect::log_odds).sum();
    (confidence::THRESHOLD / (1.0 - confidence::THRESHOLD)).ln() - sum
}

/// The factors that decide a refusal: those that fall furthest behind what is usual, as few as make up together for what is wanting.
fn decisive(features: &Features) -> Vec<Effect> {
    let behind = |effect: &Effect| (usual(effect.factor) - effect.value) * effect.weight;
    let mut short: Vec<Effect> = taking_part(features).filter(|effect| behind(effect) > 0.0).collect();
    short.sort_by(|a, b| behind(b).total_cmp(&behind(a)));
    let mut wanting = wanting(features);
    let enough = short.iter().take_while(|effect| {
        let needed = wanting > 0.0;
        wanting -= behind(effect);
        needed
    });
    let enough = enough.count();
    short.truncate(enough);
    short
}

/// The words of the question that stand in no clause, in its order: runs of characters none of whose pairs is known.
fn unknown_words(ranked: &Ranked) -> Vec<String> {
    let known: HashSet<&str> = ranked.terms.iter().filter(|t| t.id.is_some()).map(|t| t.text.as_str()).collect();
    let mut out: Vec<String> = Vec::new();
    for run in runs(&ranked.searched) {
        let unknown = if run.first().copied().is_some_and(is_han) {
            unknown_in(&run, &known, &ranked.spoken)
        } else {
            let word: String = run.iter().collect();
            if known.contains(word.as_str()) || ranked.spoken.contains(&word) { Vec::new() } else { vec![word] }
        };
        for word in unknown {
            if !out.contains(&word) {
                out.push(word);
            }
        }
    }
    out.truncate(MAX_UNKNOWN);
    out
}

/// Runs of Han characters, and of other letters and digits.
fn runs(text: &str) -> Vec<Vec<char>> {
    let mut out: Vec<Vec<char>> = Vec::new();
    let mut before = None;
    for c in text.chars() {
        let kind = c.is_alphanumeric().then(|| is_han(c));
        match (kind, out.last_mut()) {
            (None, _) => {}
            (Some(_), Some(run)) if before == kind => run.push(c),
            (Some(_), _) => out.push(vec![c]),
        }
        before = kind;
    }
    out
}

/// Unknown words of a run of Han characters.
fn unknown_in(run: &[char], known: &HashSet<&str>, spoken: &[String]) -> Vec<String> {
    let mut seen = vec![false; run.len()];
    let mut see = |from: usize, length: usize| seen.iter_mut().skip(from).take(length).for_each(|seen| *seen = true);
    for (at, pair) in run.windows(2).enumerate() {
        if known.contains(pair.iter().collect::<String>().as_str()) {
            see(at, 2);
        }
    }
    for word in spoken {
        let word: Vec<char> = word.chars().collect();
        for at in run.windows(word.len().max(1)).enumerate().filter(|(_, part)| *part == word).map(|(at, _)| at) {
            see(at, word.len());
        }
    }
    let mut out = Vec::new();
    let mut word = String::new();
    for (c, seen) in run.iter().zip(seen).chain([(&' ', true)]) {
        if !seen {
            word.push(*c);
            continue;
        }
        // A single character is part of many words; only one that no clause has is worth a remark.
        if word.chars().nth(1).is_some() || !word.is_empty() && !known.contains(word.as_str()) {
            out.push(word.clone());
        }
        word.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieval::lexical::QueryTerm;
    use crate::text::tokenize::terms;

    fn ranked(searched: &str, known: &[&str], spoken: &[&str]) -> Ranked {
        let term = |text: String| QueryTerm {
            id: known.contains(&text.as_str()).then_some(1),
            text,
            clauses: 0,
            weight: 1.0,
            added: false,
        };
        Ranked {
            searched: searched.into(),
            spoken: spoken.iter().map(|word| (*word).to_owned()).collect(),
            terms: terms(searched).into_iter().map(term).collect(),
            ..Ranked::of((0, 0))
        }
    }

    #[test]
    fn unknown_words_are_named_whole() {
        let cards = ["信", "用", "卡", "信用", "用卡", "分", "换", "atm"];
        assert_eq!(unknown_words(&ranked("信用卡积分换礼品", &cards, &[])), ["积分换礼品"]);
        assert_eq!(unknown_words(&ranked("信用卡 换 etc,atm机", &cards, &[])), ["etc", "机"]);
        assert_eq!(unknown_words(&ranked("没了 信用卡", &cards, &["没了"])), [] as [&str; 0]);
        assert_eq!(unknown_words(&ranked("礼品 礼品", &cards, &[])), ["礼品"]);
        assert!(unknown_words(&ranked("", &[], &["一"])).is_empty());
    }

    #[test]
    fn the_decisive_factors_make_up_for_what_is_wanting() {
        let weak = Features {
            coverage: 0.3,
            strength: 0.38,
            margin: 0.57,
            words: 3,
            other_matter: true,
            meaning: Some(0.5),
            asked: Some(0.0),
            ..Features::default()
        };
        let found = decisive(&weak);
        assert_eq!(found[0].factor, Factor::OtherMatter);
        let made_up: f64 = found.iter().map(|e| (usual(e.factor) - e.value) * e.weight).sum();
        assert!(made_up >= wanting(&weak), "{found:?}");
        assert!(found.iter().all(|e| !matches!(e.factor, Factor::Margin | Factor::Meaning)));
        // Without an encoder nothing is said of meaning.
        let by_words = Features { meaning: None, asked: None, ..weak };
        assert!(taking_part(&by_words).all(|e| !matches!(e.factor, Factor::Meaning | Factor::Asked)));
        assert_eq!(taking_part(&weak).count(), 10);
    }

    #[test]
    fn the_usual_is_enough_for_an_answer() {
        let [coverage, strength, margin, meaning, answers, weakest] =
            [Factor::Coverage, Factor::Strength, Factor::Margin, Factor::Meaning, Factor::Answers, Factor::Weakest]
                .map(usual);
        let usual = Features { coverage, strength, margin, words: 5, ..Features::default() };
        assert!(wanting(&usual) < 0.0);
        let encoded = Features { meaning: Some(meaning), asked: Some(0.0), ..usual };
        assert!(wanting(&encoded) < 0.0);
        assert!(wanting(&Features { answers: Some(answers), weakest: Some(weakest), ..encoded }) < 0.0);
        assert!(decisive(&usual).is_empty());
    }
}
