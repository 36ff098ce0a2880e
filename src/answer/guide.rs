//! Choosing the scene of a guide that speaks for a question, and the condition that the question leaves open.

use crate::error::Result;
use crate::retrieval::conclusions::{self, Candidate, Origin, asked, condition};
use crate::retrieval::guides::{self, Scene};
use crate::retrieval::{Ranked, Retriever};
use crate::store::{Clause, Version};
use crate::text::legal::{GuideClarify, GuideScene};
use crate::text::normalize::normalize;
use crate::types::{ClauseAddress, ClauseId};

/// Least likelihood of a scene, as a share of the best clause's, for its steps to stand beside a conclusion from its rule. A rule's own words answer
/// far more directly than a scene's, so that little is asked: the rule that both stand on says that they are about one matter.
const BESIDE_SHARE: f64 = 0.001;

/// A scene with the rules it rests on, all in force.
#[derive(Debug)]
pub struct Chosen {
    /// The scene as a clause.
    pub clause: Clause,
    /// Its structure.
    pub scene: GuideScene,
    /// Its rules, with the address down to the part that carries the answer.
    pub basis: Vec<(Clause, ClauseAddress)>,
}

/// The scene that speaks for the question: the one with the teller's choice, or the one whose outcome is the likeliest conclusion.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn choose(retriever: &Retriever, ranked: &Ranked, choice: Option<&str>) -> Result<Option<Chosen>> {
    if let Some(label) = choice {
        for scene in ranked.guides.iter().filter(|scene| scene.doubt.is_none()) {
            let has = |chosen: &Chosen| {
                chosen.scene.clarify.iter().any(|clarify| clarify.choices.iter().any(|c| c.label == label))
            };
            if let Some(chosen) = read(retriever, scene)?.filter(has) {
                return Ok(Some(chosen));
            }
        }
    }
    let likely = ranked.conclusions.right >= conclusions::CONCLUDE;
    match ranked.conclusions.candidates.first() {
        Some(Candidate { origin: Origin::Scene, clause, .. }) if likely => scene(retriever, ranked, *clause),
        _ => Ok(None),
    }
}

/// The scene that goes with a conclusion from a rule: it rests on that rule, and the question is likely enough to be about it.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn beside(retriever: &Retriever, ranked: &Ranked, conclusion: &Candidate) -> Result<Option<Chosen>> {
    let rests =
        |scene: &&Scene| scene.doubt.is_none() && scene.basis.iter().any(|(rule, _)| rule.id == conclusion.clause);
    let scene = ranked.guides.iter().find(rests).filter(|scene| scene.hit.score >= BESIDE_SHARE);
    let chosen = scene.map(|scene| read(retriever, scene)).transpose()?.flatten();
    // The steps are those of the scene's own verdict: where the condition that is met turns it round (不能) they would mislead.
    let sign = |conclusion: &str| asked::opening(&normalize(conclusion)).map(|(sign, _)| sign);
    let other = |scene: &GuideScene| {
        let met = scene.clarify.as_ref().and_then(|clarify| condition::met(clarify, &ranked.read));
        met.is_some_and(|met| sign(&met.conclusion) != sign(&scene.conclusion))
    };
    Ok(chosen.filter(|chosen| !other(&chosen.scene)))
}

fn scene(retriever: &Retriever, ranked: &Ranked, clause: ClauseId) -> Result<Option<Chosen>> {
    let found = ranked.guides.iter().find(|scene| scene.hit.clause == clause);
    Ok(found.map(|scene| read(retriever, scene)).transpose()?.flatten())
}

fn read(retriever: &Retriever, scene: &Scene) -> Result<Option<Chosen>> {
    let Some(clause) = retriever.knowledge().clause(scene.hit.clause)? else { return Ok(None) };
    let structure = guides::structure(&clause);
    Ok(structure.map(|structure| Chosen { clause, scene: structure, basis: scene.basis.clone() }))
}

/// What a scene concludes for a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Conclusion<'a> {
    /// This.
    Settled(&'a str),
    /// It depends; the teller is asked once.
    Depends(&'a GuideClarify),
}

/// Applies the condition: the teller's choice, or the one option that the question already settles.
pub fn conclude<'a>(scene: &'a GuideScene, question: &str, choice: Option<&str>) -> Conclusion<'a> {
    let Some(clarify) = &scene.clarify else { return Conclusion::Settled(&scene.conclusion) };
    if let Some(chosen) = choice.and_then(|label| clarify.choices.iter().find(|c| c.label == label)) {
        return Conclusion::Settled(&chosen.conclusion);
    }
    match condition::met(clarify, question) {
        Some(met) => Conclusion::Settled(&met.conclusion),
        None => Conclusion::Depends(clarify),
    }
}

/// Title and label of a clause, as the card names where a conclusion stands.
pub fn source(version: &Version, clause: &Clause) -> String {
    format!("《{}》{}", version.row.title, clause.address.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::legal::GuideChoice;

    fn scene() -> GuideScene {
        let choice = |label: &str, keywords: &[&str], conclusion: &str| GuideChoice {
            label: label.into(),
            keywords: keywords.iter().map(|k| (*k).to_owned()).collect(),
            conclusion: conclusion.into(),
        };
        GuideScene {
            conclusion: "有条件".into(),
            clarify: Some(GuideClarify {
                question: "过期多久?".into(),
                choices: vec![choice("90日以内", &["三个月"], "能"), choice("超过90日", &["半年", "一年"], "不能")],
            }),
            ..GuideScene::default()
        }
    }

    #[test]
    fn a_condition_in_the_question_settles_it() {
        assert_eq!(conclude(&scene(), "身份证过期半年", None), Conclusion::Settled("不能"));
    }

    #[test]
    fn an_open_or_contradictory_condition_is_asked() {
        assert!(matches!(conclude(&scene(), "身份证过期", None), Conclusion::Depends(_)));
        assert!(matches!(conclude(&scene(), "三个月还是半年", None), Conclusion::Depends(_)));
    }

    #[test]
    fn the_choice_settles_it_and_an_unknown_choice_does_not() {
        assert_eq!(conclude(&scene(), "身份证过期", Some("90日以内")), Conclusion::Settled("能"));
        assert!(matches!(conclude(&scene(), "身份证过期", Some("别的")), Conclusion::Depends(_)));
    }
}
