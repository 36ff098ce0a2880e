//! Laying out the evidence card. Every word on it is verbatim from a clause or a guide in force.

use super::Ask;
use super::amended::{self, Reader};
use super::bounds;
use super::cite::{self, cite};
use super::guide::{self, Chosen, Conclusion};
use super::limits;
use super::outcome::{Card, Choice, Citation, Clarify, Refusal, Timings};
use super::outside;
use super::tiers;
use crate::error::Result;
use crate::retrieval::conclusions::{self, Candidate, Origin};
use crate::retrieval::lexical::{QueryTerm, query_terms};
use crate::retrieval::{Hit, Ranked, Retriever, confidence};
use crate::store::Knowledge;
use crate::text::address::{self, AddressQuery};
use crate::text::filler;
use crate::text::legal::GuideClarify;
use crate::text::normalize::normalize;
use crate::types::{ClauseAddress, ClauseId, Date, GenerationId, Status};
use jiff::ToSpan;
use std::collections::BTreeSet;

/// Clauses on a card.
pub(super) const MAX_CITATIONS: usize = 5;
/// A further rule is shown when it is at least this likely, as a share of the best one's likelihood. On the sample questions the
/// right rule is on the card for 97.6% with 0.1 (2.6 clauses on average), 94.7% with 0.7 (1.9 clauses).
const FURTHER_SHARE: f64 = 0.1;
/// Clauses that a card without a conclusion points to.
const POINTED_TO: usize = 2;
/// Titles named in a refusal.
const NEAREST_TITLES: usize = 3;
/// Words named in a refusal.
const REFUSAL_TERMS: usize = 12;
/// Why there is no answer before the first import, and what to do.
const NO_KNOWLEDGE: &str = "本机还没有知识,任何问题都无法回答;请科技人员导入第一个知识包(控制台按 3,或用 guida import)";
/// Why there is no answer when nothing found answers.
const NO_EVIDENCE: &str = "在现行规定中没有找到足以回答的条款,不作推测";
/// Whom to ask where no guide says so.
const ESCALATION: &str = "会计主管 → 运营管理部 → 法律合规部";

/// What a card stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// There is no knowledge yet: a refusal.
    Blank,
    /// Nothing but a clause was asked for, and it is not there: a refusal.
    Missing,
    /// Something that no rulebook says was asked for: a refusal.
    Outside,
    /// Nothing that was found is likely enough to answer: a refusal.
    Weak,
    /// The clause that the question names by its address.
    Address,
    /// A scene of a guide.
    Guide,
    /// The best rule.
    Rule,
    /// Rules of which no part is likely enough to be the conclusion: the card points to them.
    Pointer,
}

/// A card for a question on which nothing stands yet.
pub(super) fn empty(ask: &Ask<'_>, generation: GenerationId) -> Card {
    Card {
        question: ask.question.text().to_owned(),
        as_of: ask.scope.as_of,
        refused: false,
        conclusion: String::new(),
        conclusion_source: String::new(),
        citations: Vec::new(),
        steps: Vec::new(),
        materials: Vec::new(),
        risk: Vec::new(),
        escalation: String::new(),
        script: String::new(),
        clarify: None,
        refusal: None,
        notices: ask.question.notices().to_vec(),
        confidence: 0.0,
        conclusion_confidence: 0.0,
        timings: Timings::default(),
        generation,
        read_as: None,
        asked: None,
    }
}

/// Builds the card for a ranking.
///
/// # Errors
/// `KB_CORRUPT`.
pub fn build(retriever: &Retriever, ask: &Ask<'_>, ranked: &Ranked) -> Result<(Card, Ground)> {
    let mut card = Card {
        escalation: ESCALATION.to_owned(),
        confidence: ranked.confidence,
        ..empty(ask, retriever.knowledge().generation().clone())
    };
    if ranked.from_letters {
        card.notices.push(format!("拼音已读作汉字:{}", ranked.read));
    }
    if ranked.words_only {
        card.notices.push("编码模型不可用,本次只按字词检索".to_owned());
    }
    if ranked.not_compared {
        card.notices.push("本次没有逐词比对条款(提问的人多,或编码模型出错),把握程度是粗略的估计".to_owned());
    }
    if ranked.not_reranked {
        card.notices.push("重排模型不可用或超时,本次按重排前的次序".to_owned());
    }
    if retriever.knowledge().is_blank() {
        refuse(&mut card, retriever, ranked, NO_KNOWLEDGE.to_owned())?;
        card.confidence = 0.0;
        return Ok((card, Ground::Blank));
    }
    let best = ranked.hits.first().filter(|_| ranked.confidence >= confidence::THRESHOLD);
    let missing = ranked.missing.as_ref().map(missing_address);
    if let Some((missing, true)) = &missing {
        // Nothing but the clause was asked for: words that resemble its name answer nothing.
        refuse(&mut card, retriever, ranked, missing.clone())?;
        card.confidence = 0.0;
        return Ok((card, Ground::Missing));
    }
    card.notices.extend(missing.map(|(missing, _)| format!("{missing},以下按问题的文字查找")));
    if let Some(reason) = outside::reason(retriever, ask, ranked) {
        refuse(&mut card, retriever, ranked, reason)?;
        card.confidence = 0.0;
        return Ok((card, Ground::Outside));
    }
    let ground = match best {
        None => {
            refuse(&mut card, retriever, ranked, NO_EVIDENCE.to_owned())?;
            Ground::Weak
        }
        Some(best) if best.part.is_some() => {
            show_address(&mut card, retriever, ask, best)?;
            card.conclusion_confidence = 1.0;
            Ground::Address
        }
        Some(_) => match guide::choose(retriever, ranked, ask.choice)? {
            Some(chosen) => {
                from_guide(&mut card, retriever, ask, ranked, chosen)?;
                card.conclusion_confidence = ranked.conclusions.right;
                Ground::Guide
            }
            None => match ranked.conclusions.candidates.iter().find(|candidate| candidate.origin == Origin::Rule) {
                Some(first) => from_rules(&mut card, retriever, ask, ranked, first)?,
                None => {
                    refuse(&mut card, retriever, ranked, NO_EVIDENCE.to_owned())?;
                    Ground::Weak
                }
            },
        },
    };
    for (index, citation) in card.citations.iter_mut().enumerate() {
        citation.n = index as u32 + 1;
        amended::mark(retriever.knowledge(), reader(ask), citation)?;
    }
    say_amended(&mut card);
    card.notices.extend(doubted(retriever, ranked, &card)?);
    let ending = card.citations.iter().filter_map(|citation| ending(citation, card.as_of, retriever.knowledge()));
    let ending: BTreeSet<String> = ending.collect();
    card.notices.extend(ending);
    bounds::keep(&mut card);
    Ok((card, ground))
}

fn reader(ask: &Ask<'_>) -> Reader {
    Reader { day: ask.scope.as_of, clearance: ask.scope.clearance }
}

/// Says which cited clauses another text has changed, and that the conclusion comes from a consolidated text.
fn say_amended(card: &mut Card) {
    let told = card.citations.iter().flat_map(|citation| {
        let open = citation.amended.iter().filter(|amended| !amended.merged);
        open.map(|amended| match amended.scope.as_str() {
            "" => format!("注意:{}已{},请以修改后的规定为准", place(citation), amended.mark),
            scope => format!("注意:{}{},{scope}按修改后的规定,其他仍按原规定", place(citation), amended.mark),
        })
    });
    let told: BTreeSet<String> = told.collect();
    card.notices.extend(told);
    if let Some(first) = card.citations.iter().find(|citation| place(citation) == card.conclusion_source)
        && !first.made_of.is_empty()
    {
        card.conclusion_source.push_str("(合并文本)");
    }
}

/// Scenes of which nothing was concluded because they wait to be looked at again, where they rest on what is cited.
fn doubted(retriever: &Retriever, ranked: &Ranked, card: &Card) -> Result<BTreeSet<String>> {
    let mut told = BTreeSet::new();
    for scene in ranked.guides.iter().filter(|scene| scene.basis.iter().any(|(rule, _)| is_cited(card, rule.id))) {
        let Some(doubt) = &scene.doubt else { continue };
        let version = retriever.knowledge().version_of(scene.hit.clause);
        if let (Some(version), Some(clause)) = (version, retriever.knowledge().clause(scene.hit.clause)?) {
            told.insert(format!("{}待复核:{doubt},没有据此作答", guide::source(version, &clause)));
        }
    }
    Ok(told)
}

fn is_cited(card: &Card, clause: ClauseId) -> bool {
    card.citations.iter().any(|citation| citation.id == clause)
}

/// Puts the clauses that amend cited ones right behind these; what is then too much at the end is left out.
fn cite_amending(card: &mut Card, retriever: &Retriever, ask: &Ask<'_>) -> Result<()> {
    let mut at = 0;
    while let Some(citation) = card.citations.get(at) {
        for found in amended::amending(retriever.knowledge(), reader(ask), citation)? {
            if !is_cited(card, found.id) {
                at += 1;
                card.citations.insert(at, found);
            }
        }
        at += 1;
    }
    card.citations.truncate(MAX_CITATIONS);
    Ok(())
}

/// Days before the end of a text in force from which on the card says so.
const ENDING_DAYS: i64 = 90;

/// What to say of a cited text that is in force and soon will not be.
fn ending(citation: &Citation, as_of: Date, knowledge: &Knowledge) -> Option<String> {
    let until = citation.effective_to.filter(|_| citation.status == Status::InForce)?;
    let soon = as_of.checked_add(ENDING_DAYS.days()).is_ok_and(|limit| until <= limit);
    soon.then(|| {
        // The rule goes on as a consolidated text.
        if amended::next(knowledge, citation.id).is_some() {
            return format!("{}自 {until} 起有修改,请留意新的规定", place(citation));
        }
        format!("《{}》自 {until} 起不再有效,请留意新的规定", citation.document)
    })
}

/// What to say when the question names a clause that is not there, and whether it asks for nothing else.
fn missing_address(named: &AddressQuery) -> (String, bool) {
    let clause = address::print(&named.address);
    let said = match &named.document {
        Some(document) => format!("知识库里没有《{document}》{clause}"),
        None => format!("没有说明{clause}是哪份文件的"),
    };
    (said, named.rest.is_empty())
}

fn cite_hit(
    retriever: &Retriever,
    ask: &Ask<'_>,
    clause: &crate::store::Clause,
    part: Option<&ClauseAddress>,
    terms: &[QueryTerm],
) -> Option<Citation> {
    let version = retriever.knowledge().version_of(clause.id)?;
    Some(cite(version, clause, part, ask.scope.as_of, terms))
}

/// A rule with the other clauses that its hit stands for.
fn cite_rule(
    retriever: &Retriever,
    ask: &Ask<'_>,
    rule: &crate::store::Clause,
    part: Option<&ClauseAddress>,
    terms: &[QueryTerm],
    hit: Option<&Hit>,
) -> Result<Option<Citation>> {
    let others = hit.into_iter().flat_map(|hit| hit.others(rule.id));
    let same_in = cite::same_in(retriever.knowledge(), others)?;
    Ok(cite_hit(retriever, ask, rule, part, terms).map(|citation| Citation { same_in, ..citation }))
}

/// The best rules that are not on the card yet, while they score well enough and there is room; that of `carrying` first.
fn add_rules(card: &mut Card, retriever: &Retriever, ask: &Ask<'_>, ranked: &Ranked, carrying: ClauseId) -> Result<()> {
    let floor = ranked.hits.first().map_or(0.0, |best| best.score * FURTHER_SHARE);
    let carries = |hit: &&Hit| hit.stands_for(carrying);
    let others = ranked.hits.iter().filter(|hit| !carries(hit) && hit.score >= floor);
    for hit in ranked.hits.iter().filter(carries).chain(others) {
        if card.citations.len() >= MAX_CITATIONS {
            break;
        }
        if card.citations.iter().any(|c| hit.stands_for(c.id)) {
            continue;
        }
        let Some(clause) = retriever.knowledge().clause(hit.clause)? else { continue };
        let Some(mut cited) = cite_rule(retriever, ask, &clause, None, &ranked.terms, Some(hit))? else { continue };
        if let Some(part) = ranked.conclusions.best_of(clause.id) {
            cited.highlight = cite::in_characters(&cited.text, part.range.clone());
        }
        card.citations.push(cited);
    }
    cite_amending(card, retriever, ask)
}

fn from_guide(card: &mut Card, retriever: &Retriever, ask: &Ask<'_>, ranked: &Ranked, chosen: Chosen) -> Result<()> {
    match guide::conclude(&chosen.scene, ask.question.text(), ask.choice) {
        Conclusion::Settled(conclusion) => card.conclusion = conclusion.to_owned(),
        Conclusion::Depends(clarify) => {
            card.conclusion = chosen.scene.conclusion.clone();
            card.clarify = Some(asks(clarify));
        }
    }
    // The guide says in the rule's words what the teller said in others: both help to find the sentence that answers.
    let mut terms = ranked.terms.clone();
    terms.extend(query_terms(retriever.knowledge(), &normalize(&card.conclusion), &[])?);
    for (rule, address) in &chosen.basis {
        // A 项 without the opening words of its 款 does not read: the 款 is shown, and the sentence marked in it.
        let paragraph = ClauseAddress { item: None, point: None, ..address.clone() };
        let part = address.paragraph.map(|_| &paragraph);
        let hit = ranked.hits.iter().find(|hit| hit.stands_for(rule.id));
        card.citations.extend(cite_rule(retriever, ask, rule, part, &terms, hit)?);
    }
    card.citations.truncate(MAX_CITATIONS);
    let version = retriever.knowledge().version_of(chosen.clause.id);
    card.conclusion_source = version.map(|v| guide::source(v, &chosen.clause)).unwrap_or_default();
    add_rules(card, retriever, ask, ranked, chosen.clause.id)?;
    add_scene(card, retriever, ask, ranked, chosen);
    Ok(())
}

/// The question back, with the outcome of each condition.
fn asks(clarify: &GuideClarify) -> Clarify {
    let choices = clarify.choices.iter();
    Clarify {
        question: clarify.question.clone(),
        choices: choices.map(|c| Choice { label: c.label.clone(), conclusion: c.conclusion.clone() }).collect(),
    }
}

/// What a scene says of the way to go. The scene itself comes last, so that a click leads to the whole of it.
fn add_scene(card: &mut Card, retriever: &Retriever, ask: &Ask<'_>, ranked: &Ranked, chosen: Chosen) {
    card.citations.truncate(MAX_CITATIONS - 1);
    card.citations.extend(cite_hit(retriever, ask, &chosen.clause, None, &ranked.terms));
    let scene = chosen.scene;
    card.steps = scene.steps;
    card.materials = scene.materials;
    card.risk = scene.risk;
    if !scene.escalation.is_empty() {
        card.escalation = scene.escalation;
    }
    card.script = scene.script;
}

/// Concludes with a part of a rule, or points to the clauses where none is likely enough to be right.
fn from_rules(
    card: &mut Card,
    retriever: &Retriever,
    ask: &Ask<'_>,
    ranked: &Ranked,
    first: &Candidate,
) -> Result<Ground> {
    add_rules(card, retriever, ask, ranked, first.clause)?;
    let Some(source) = card.citations.first().map(place) else { return Ok(Ground::Pointer) };
    card.conclusion_source.clone_from(&source);
    if ranked.conclusions.right < conclusions::CONCLUDE {
        let places: Vec<String> = card.citations.iter().take(POINTED_TO).map(place).collect();
        card.conclusion = format!("请核对原文:{}", places.join("、"));
        return Ok(Ground::Pointer);
    }
    card.conclusion.clone_from(&first.text);
    card.conclusion_confidence = ranked.conclusions.right;
    if first.tier.is_none() {
        card.notices.extend(limits::remark(&ranked.read, &first.text));
    }
    let settled = tiers::add(card, &ranked.conclusions.tiers(first), ask.choice);
    if let Some(chosen) = guide::beside(retriever, ranked, first)? {
        if let Conclusion::Depends(clarify) = guide::conclude(&chosen.scene, ask.question.text(), ask.choice)
            && card.clarify.is_none()
            && !settled
        {
            card.clarify = Some(asks(clarify));
        }
        add_scene(card, retriever, ask, ranked, chosen);
    }
    Ok(Ground::Rule)
}

fn place(citation: &Citation) -> String {
    format!("《{}》{}", citation.document, citation.clause)
}

fn show_address(card: &mut Card, retriever: &Retriever, ask: &Ask<'_>, hit: &Hit) -> Result<()> {
    if let Some(clause) = retriever.knowledge().clause(hit.clause)? {
        card.citations.extend(cite_hit(retriever, ask, &clause, hit.part.as_ref(), &[]));
    }
    if let (Some(part), Some(citation)) = (&hit.part, card.citations.first())
        && part.paragraph.is_some()
        && citation.address.paragraph.is_none()
    {
        card.notices.push(format!("{}没有问到的款、项,显示整条", citation.clause));
    }
    if hit.not_in_force
        && let Some(citation) = card.citations.first()
    {
        card.notices.push(format!("注意:《{}》在 {} {}", citation.document, card.as_of, citation.status_label));
    }
    conclude_from_first(card);
    let day = ask.scope.as_of;
    if retriever.knowledge().open_amendments(hit.clause, day).next().is_some() {
        // The old words alone are no conclusion.
        cite_amending(card, retriever, ask)?;
        let places: Vec<String> = card.citations.iter().map(place).collect();
        card.conclusion = format!("该条已被修改或停止执行,请核对原文:{}", places.join("、"));
    }
    Ok(())
}

/// Without a guide the conclusion is the sentence that answers, or a pointer to the clause when the sentence is long.
fn conclude_from_first(card: &mut Card) {
    let Some(first) = card.citations.first() else { return };
    let source = place(first);
    card.conclusion = match cite::said(first).filter(|s| s.chars().count() <= conclusions::MAX_CHARS) {
        Some(sentence) => sentence,
        None => format!("见{source}"),
    };
    card.conclusion_source = source;
}

fn refuse(card: &mut Card, retriever: &Retriever, ranked: &Ranked, reason: String) -> Result<()> {
    let mut nearest: Vec<String> = Vec::new();
    for hit in &ranked.hits {
        let title = retriever.knowledge().version_of(hit.clause).map(|v| v.row.title.clone());
        if let Some(title) = title.filter(|t| !nearest.contains(t)) {
            nearest.push(title);
        }
        if nearest.len() == NEAREST_TITLES {
            break;
        }
    }
    // As they were typed: the terms of the index are pairs of characters.
    let looked_for = filler::strip(&ranked.read);
    let words = looked_for.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    card.refused = true;
    card.refusal = Some(Refusal {
        reason,
        documents_searched: ranked.documents_searched,
        clauses_searched: ranked.clauses_searched,
        terms: words.take(REFUSAL_TERMS).map(str::to_owned).collect(),
        ask: ESCALATION.to_owned(),
        nearest,
        incomplete: false,
    });
    Ok(())
}
