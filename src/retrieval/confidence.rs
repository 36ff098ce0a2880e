//! How likely the ranking answers the question: the basis of refusing.
//!
//! The first clauses are looked at closely. What counts is how much of the question, weighted by the rarity of its words,
//! they have; a spoken word counts as present when its term is. With an encoder it also counts how near they and the questions
//! they are known to answer are to the question. And a question that names a matter of its own (信用卡, 理财, 别家银行) which the clauses do not mention is
//! about something else, however many other words agree.

use super::conclusions::{self, signs::Overall};
use super::fusion::{self, TEN};
use super::lexical::{QueryTerm, Scored, is_word};
use crate::error::Result;
use crate::store::{Knowledge, forward};
use crate::text::normalize::{fold, normalize};
use crate::text::tokenize::terms;
use serde::Serialize;
use std::collections::HashSet;

/// Below this the answer is a refusal.
pub const THRESHOLD: f64 = 0.5;

/// Logistic regression over [`Features`] without [`Features::conclusion`]: does a relevant clause stand among the first five? Each set of weights is for what took part.
/// None has a part that is there only with curated questions: likeness to one is evidence for, its absence none against. Fitted by
/// `training/guida_train/confidence.py` on questions over 36 documents that the encoder has not learned from and on those of the sample
/// rulebook with and without its curated questions; the intercept moves what was 0.45 to the threshold. Rightly refused of the unanswerable,
/// wrongly of the answerable: documents left out 74.0% and 23.7%, sample rulebook 93.0% and 1.0%; fitted on nothing, 28 other real rules in everyday speech 85%
/// and 22.4%, in plain words 85% and 6.7%; eleven topics of the sample in spoken words, whose unanswerable questions are all near misses, 71% and 36%.
const WITH_TOKENS: Weights = Weights {
    intercept: -2.43,
    coverage: 1.87,
    strength: 0.0,
    margin: 2.17,
    other_matter: -2.37,
    alone: -0.25,
    meaning: 1.37,
    asked: 2.64,
    answers: 4.53,
    weakest: 2.43,
    unstated: -0.34,
    unlike: -0.9,
};
/// With an encoder that compares no tokens (that of the version before): 49.6% and 28.8%, 91.5% and 1.3%, 70% and 38.8%.
const WITH_ENCODER: Weights = Weights {
    intercept: -3.22,
    coverage: 3.72,
    margin: 2.28,
    other_matter: -2.67,
    alone: -0.41,
    meaning: 4.21,
    asked: 3.98,
    answers: 0.0,
    weakest: 0.0,
    ..WITH_TOKENS
};
/// By words alone, before questions for quantities were told apart: 61.1% and 33.3%, 91.5% and 2.1%.
const BY_WORDS: Weights = Weights {
    intercept: -2.59,
    coverage: 2.04,
    strength: 2.34,
    margin: 3.08,
    other_matter: -2.34,
    alone: -0.79,
    meaning: 0.0,
    asked: 0.0,
    answers: 0.0,
    weakest: 0.0,
    unstated: -0.34,
    unlike: 0.0,
};

/// A single word in common proves little unless it is most of the question. (天气 stands in a rule about visits to customers;
/// 今天天气怎么样 is not about visits.)
const LONE_WORD_COVERAGE: f64 = 0.6;

/// Likeness to a curated question below which a question is like none.
const LIKE: f64 = 0.02;
/// Share of the clauses with curated questions from which on a question that is like none of these is less likely to be answered. Without curated
/// questions, or with a few, it says nothing.
pub const ASKED_THROUGHOUT: f64 = 1.0 / 3.0;
/// Clauses that are looked at.
const LOOKED_AT: usize = 3;
/// Rank whose distance to the first is the margin.
const MARGIN_RANK: usize = 9;
/// Words for matters, see the file's own comment.
const MATTERS: &str = include_str!("../../assets/matters.txt");

/// Weights of [`Features`].
struct Weights {
    intercept: f64,
    coverage: f64,
    strength: f64,
    margin: f64,
    other_matter: f64,
    alone: f64,
    meaning: f64,
    asked: f64,
    answers: f64,
    weakest: f64,
    unstated: f64,
    unlike: f64,
}

/// The evidence for an answer, as numbers from 0 to about 1, whatever the size of the knowledge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Features {
    /// Largest share of the question's weight in one clause, thesaurus included.
    pub coverage: f64,
    /// Score of the best clause, as a share of the weight of the question's own terms.
    pub strength: f64,
    /// How far the tenth clause falls behind the best one.
    pub margin: f64,
    /// Most words of the question (two characters or more) that one clause has.
    pub words: usize,
    /// Whether the question names a matter that the clauses do not.
    pub other_matter: bool,
    /// How far the nearest of the first clauses stands above the others, in tens of standard deviations; `None` without an encoder.
    pub meaning: Option<f64>,
    /// Likeness of the question to one that one of the first clauses is known to answer, see [`fusion::Evidence::known`]; `None` without an
    /// encoder.
    pub asked: Option<f64>,
    /// Log-odds, in tens, that the best of the first clauses answers, token by token; `None` where tokens were not compared.
    pub answers: Option<f64>,
    /// How well that clause meets the token of the question that it meets worst.
    pub weakest: Option<f64>,
    /// Whether the question asks for a quantity of a kind that none of the first clauses states, see [`super::wanted`].
    pub unstated: bool,
    /// Whether it is like no curated question although clauses have them throughout.
    pub unlike: bool,
    /// What the sentences that could be the conclusion tell; `None` where their tokens were not compared.
    pub conclusion: Option<Overall>,
}

/// The words for matters.
#[derive(Debug)]
pub struct Matters(Vec<Matter>);

#[derive(Debug)]
struct Matter {
    word: String,
    /// The clause must be about it (title, chapter, curated questions); that its text mentions it is not enough.
    strict: bool,
}

/// What a clause says, and what it is about.
#[derive(Debug, Default)]
struct Evidence {
    text: String,
    about: String,
}

impl Matters {
    /// The bundled list.
    pub fn bundled() -> Matters {
        let lines = MATTERS.lines().filter(|l| !l.starts_with('#'));
        Matters(
            lines
                .flat_map(|line| {
                    let strict = line.starts_with('!');
                    let words = line.trim_start_matches('!').split_whitespace();
                    words.map(move |word| Matter { word: fold(word), strict })
                })
                .collect(),
        )
    }

    /// The first matter that a question names and the evidence does not. (That the rule has another word for it is left to the encoder: to take the
    /// thesaurus' word for the same let 3 points more of the unanswerable sample questions pass.)
    fn beyond(&self, text: &str, evidence: &Evidence) -> Option<&str> {
        let squeezed: String = text.split_whitespace().collect();
        self.0.iter().map(|matter| (matter.word.as_str(), matter.strict)).find_map(|(word, strict)| {
            let place = if strict { &evidence.about } else { &evidence.text };
            (squeezed.contains(word) && !place.contains(word) && !evidence.about.contains(word)).then_some(word)
        })
    }
}

/// A question as the features see it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Normalised text without fillers.
    pub text: &'a str,
    /// Its terms.
    pub terms: &'a [QueryTerm],
    /// Its spoken words with their terms in the thesaurus.
    pub spoken: &'a [(&'a str, &'a [String])],
    /// Whether it asks for a quantity.
    pub wanted: bool,
    /// Whether most clauses have curated questions.
    pub throughout: bool,
}

/// What was found, best first.
#[derive(Debug)]
pub struct Found<'a> {
    /// By words alone.
    pub by_words: &'a [Scored],
    /// By all evidence.
    pub fused: &'a [fusion::Evidence],
    /// Whether an encoder took part.
    pub encoded: bool,
}

/// Measures what was found; with the matter that makes [`Features::other_matter`] true.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn features(
    knowledge: &Knowledge,
    matters: &Matters,
    asked: &Asked<'_>,
    found: &Found<'_>,
) -> Result<(Features, Option<String>)> {
    let best = found.by_words.first().map_or(0.0, |s| s.score);
    let own: Vec<&QueryTerm> = asked.terms.iter().filter(|t| !t.added).collect();
    let weight: f64 = own.iter().map(|t| t.weight).sum();
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let weigh =
        |present: &dyn Fn(&QueryTerm) -> bool| share(own.iter().filter(|t| present(t)).map(|t| t.weight).sum(), weight);
    let mut out = Features {
        strength: share(best, weight),
        margin: share(best - found.by_words.get(MARGIN_RANK).map_or(0.0, |s| s.score), best),
        ..Features::default()
    };
    if found.encoded {
        let first = found.fused.iter().take(LOOKED_AT);
        let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, |a: f64, b| a.max(f64::from(b)));
        out.meaning = Some(largest(&mut first.clone().map(|e| e.standing)) / TEN);
        out.asked = Some(largest(&mut first.clone().map(|e| e.known)));
        let best = first.filter_map(|e| e.answers).max_by(|a, b| a.log_odds.total_cmp(&b.log_odds));
        out.answers = best.map(|best| f64::from(best.log_odds) / TEN);
        out.weakest = best.map(|best| f64::from(best.weakest));
    }
    out.unstated = asked.wanted && !found.fused.iter().take(LOOKED_AT).any(|seen| seen.stated);
    // On an old day the questions are those of a later version: being like one of them is at least not being like none.
    let lent = found.fused.iter().take(LOOKED_AT).any(|seen| f64::from(seen.lent) >= LIKE);
    out.unlike = asked.throughout && !lent && out.asked.is_some_and(|asked| asked < LIKE);
    let mut evidence = Evidence::default();
    for (rank, seen) in found.fused.iter().take(LOOKED_AT).enumerate() {
        let Some(clause) = knowledge.clause(seen.clause)? else { continue };
        let title = knowledge.version_of(seen.clause).map_or("", |v| v.row.title.as_str());
        let text = normalize(&format!("{title} {} {}", clause.heading, clause.text));
        let mut in_clause = HashSet::new();
        knowledge.for_each_forward(&[seen.clause.0], |_, _, packed| {
            in_clause.extend(forward::Decoder::new(packed).map(|(id, _)| id));
        })?;
        // A spoken word whose term the clause has is as good as there.
        let understood: HashSet<String> = asked
            .spoken
            .iter()
            .filter(|(_, formal)| formal.iter().any(|term| text.contains(term.as_str())))
            .flat_map(|(word, _)| terms(word))
            .collect();
        let present = |t: &QueryTerm| t.id.is_some_and(|id| in_clause.contains(&id)) || understood.contains(&t.text);
        out.coverage = out.coverage.max(weigh(&present));
        out.words = out.words.max(own.iter().filter(|t| is_word(&t.text) && present(t)).count());
        if rank == 0 {
            let questions = knowledge.curated_questions(seen.clause)?.concat();
            evidence = Evidence { about: normalize(&format!("{title} {} {questions}", clause.heading)), text };
        }
    }
    let beyond = matters.beyond(asked.text, &evidence).map(str::to_owned);
    out.other_matter = beyond.is_some();
    Ok((out, beyond))
}

/// What the estimate adds up, see [`Features`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Where it begins: without any evidence.
    Start,
    /// [`Features::coverage`].
    Coverage,
    /// [`Features::strength`].
    Strength,
    /// [`Features::margin`].
    Margin,
    /// [`Features::other_matter`].
    OtherMatter,
    /// [`too_little_in_common`].
    Alone,
    /// [`Features::meaning`].
    Meaning,
    /// [`Features::asked`].
    Asked,
    /// [`Features::answers`].
    Answers,
    /// [`Features::weakest`].
    Weakest,
    /// [`Features::unstated`].
    Unstated,
    /// [`Features::unlike`].
    Unlike,
    /// [`Features::conclusion`].
    Conclusion,
}

/// A factor with its value and weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Which.
    pub factor: Factor,
    /// Its value, 0 where it is not known.
    pub value: f64,
    /// What 1 of it adds to the log-odds of [`estimate`]; 0 where it takes no part.
    pub weight: f64,
}

impl Effect {
    /// What it adds to the log-odds.
    pub fn log_odds(&self) -> f64 {
        self.value * self.weight
    }
}

/// The factors of the estimate with their effects, whose sum is its log-odds.
pub fn effects(f: &Features) -> [Effect; 13] {
    let w = match (f.answers, f.meaning) {
        (Some(_), _) => WITH_TOKENS,
        (None, Some(_)) => WITH_ENCODER,
        (None, None) => BY_WORDS,
    };
    // With the sentences weighed too, the rest counts for a share.
    let (share, added) = f.conclusion.as_ref().map_or((1.0, 0.0), conclusions::answered);
    let effect = |factor: Factor, value: f64, weight: f64| Effect { factor, value, weight: weight * share };
    let yes = |is: bool| f64::from(u8::from(is));
    [
        effect(Factor::Start, 1.0, w.intercept),
        effect(Factor::Coverage, f.coverage, w.coverage),
        effect(Factor::Strength, f.strength, w.strength),
        effect(Factor::Margin, f.margin, w.margin),
        effect(Factor::OtherMatter, yes(f.other_matter), w.other_matter),
        effect(Factor::Alone, yes(too_little_in_common(f)), w.alone),
        effect(Factor::Meaning, f.meaning.unwrap_or(0.0), w.meaning),
        effect(Factor::Asked, f.asked.unwrap_or(0.0), w.asked),
        effect(Factor::Answers, f.answers.unwrap_or(0.0), w.answers),
        effect(Factor::Weakest, f.weakest.unwrap_or(0.0), w.weakest),
        effect(Factor::Unstated, yes(f.unstated), w.unstated),
        effect(Factor::Unlike, yes(f.unlike), w.unlike),
        Effect { factor: Factor::Conclusion, value: added, weight: f64::from(u8::from(f.conclusion.is_some())) },
    ]
}

/// Whether the question and the clauses share hardly a word.
pub fn too_little_in_common(f: &Features) -> bool {
    f.words == 0 || f.words == 1 && f.coverage < LONE_WORD_COVERAGE
}

/// Probability that the question is answered by the first clauses.
pub fn estimate(f: &Features) -> f64 {
    let evidence: f64 = effects(f).iter().map(Effect::log_odds).sum();
    1.0 / (1.0 + (-evidence).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_that_the_evidence_lacks_is_another_matter() {
        let matters = Matters::bundled();
        let says = |text: &str| Evidence { text: text.into(), about: String::new() };
        assert_eq!(matters.beyond("信用卡 临时限额 提", &says("银行卡限额由客户申请")), Some("信用卡"));
        assert_eq!(matters.beyond("手机银行限额", &says("手机银行单日限额")), None);
        assert_eq!(matters.beyond("卡 过期", &says("证件过期")), None);
    }

    #[test]
    fn an_everyday_matter_must_be_what_the_clause_is_about() {
        let matters = Matters::bundled();
        let mentions = Evidence {
            text: "天气不具备安全条件的,改期上门".into(), about: "上门服务管理办法".into()
        };
        assert_eq!(matters.beyond("今天 天气", &mentions), Some("天气"));
        let about = Evidence { about: "天气不好还上门吗".into(), ..mentions };
        assert_eq!(matters.beyond("今天 天气", &about), None);
    }

    #[test]
    fn a_single_word_in_common_is_less_than_two() {
        let strong = Features { coverage: 0.5, strength: 1.0, margin: 0.9, words: 1, ..Features::default() };
        let more = Features { words: 2, ..strong };
        assert!(estimate(&strong) < estimate(&more));
        assert!(!too_little_in_common(&Features { coverage: 1.0, ..strong }));
        assert!(estimate(&strong) > 0.0, "it is never impossible");
    }

    #[test]
    fn without_curated_questions_nothing_is_lost() {
        let seen = Features {
            coverage: 0.5,
            meaning: Some(0.4),
            asked: Some(0.0),
            answers: Some(0.2),
            weakest: Some(0.5),
            words: 3,
            ..Features::default()
        };
        let liked = Features { asked: Some(0.8), ..seen };
        assert!(estimate(&liked) > estimate(&seen));
        let asked = effects(&seen).into_iter().find(|effect| effect.factor == Factor::Asked);
        assert_eq!(asked.map(|effect| effect.log_odds()), Some(0.0));
    }
}
