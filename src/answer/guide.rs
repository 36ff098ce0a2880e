//! Choosing the scene of a guide that speaks for a question, and the condition that the question leaves open.

use super::condition;
use crate::error::Result;
use crate::retrieval::guides::Scene;
use crate::retrieval::{Ranked, Retriever};
use crate::store::{Clause, Version};
use crate::text::legal::{GuideClarify, GuideScene};
use crate::types::ClauseAddress;

/// A scene whose rules are only second among the hits speaks for the question when it is at least this likely, as a share of the best
/// hit's likelihood: a wrong guide is worse than none.
const SECOND_SHARE: f64 = 0.85;

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

/// The scene that rests on the best hit, or nearly so.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn choose(retriever: &Retriever, ranked: &Ranked) -> Result<Option<Chosen>> {
    let knowledge = retriever.knowledge();
    let mut second = None;
    for Scene { hit, basis } in &ranked.guides {
        let rests_on = |rank: usize| {
            ranked.hits.get(rank).is_some_and(|best| basis.iter().any(|(clause, _)| best.stands_for(clause.id)))
        };
        let first = rests_on(0);
        let strong = ranked.hits.first().is_some_and(|best| hit.score >= best.score * SECOND_SHARE);
        if !(first || second.is_none() && strong && rests_on(1)) {
            continue;
        }
        let Some(clause) = knowledge.clause(hit.clause)? else { continue };
        let Some(scene) = clause.guide.as_deref().and_then(|json| serde_json::from_str(json).ok()) else { continue };
        let chosen = Chosen { clause, scene, basis: basis.clone() };
        if first {
            return Ok(Some(chosen));
        }
        second = Some(chosen);
    }
    Ok(second)
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
