//! Searching and reading without a card: hits, a clause in its place, the list of documents.

use super::reply::{ClauseReply, DocumentsReply, Neighbour, SearchReply, VersionInfo};
use super::request::{Actor, SearchRequest};
use super::{MAX_NEIGHBOURS, MAX_SEARCH_HITS};
use crate::answer::amended::{Reader, mark};
use crate::answer::cite::{cite, same_in};
use crate::error::{Code, Error, Result};
use crate::guard::check_question;
use crate::retrieval::scope::Scope;
use crate::retrieval::{Query, Retriever};
use crate::store::{Clause, Version};
use crate::types::{ClauseId, Date};
use std::time::Instant;

/// Clauses for some words.
pub(super) fn search(
    retriever: &Retriever,
    actor: &Actor,
    today: Date,
    request: &SearchRequest,
) -> Result<SearchReply> {
    if !(1..=MAX_SEARCH_HITS).contains(&request.limit) {
        return Err(Error::new(
            Code::BadParameter,
            format!("limit 是 {},只能是 1 到 {MAX_SEARCH_HITS}", request.limit),
            "改用范围内的数",
        ));
    }
    let question = check_question(&request.query)?;
    let started = Instant::now();
    let as_of = request.as_of.unwrap_or(today);
    let scope =
        Scope { as_of, clearance: actor.clearance, levels: request.levels.clone(), all_versions: request.all_versions };
    let ranked =
        retriever.search(&Query { text: question.text(), scope, recent_documents: &[], limit: request.limit })?;
    let mut hits = Vec::with_capacity(ranked.hits.len());
    // Scenes stand for their rules among the hits; where only guides are searched they are the hits.
    for hit in ranked.hits.iter().chain(ranked.guides.iter().map(|scene| &scene.hit)).take(request.limit) {
        let found = retriever.knowledge().clause(hit.clause)?;
        if let (Some(clause), Some(version)) = (found, retriever.knowledge().version_of(hit.clause)) {
            let mut citation = cite(version, &clause, hit.part.as_ref(), as_of, &ranked.terms);
            citation.n = hits.len() as u32 + 1;
            citation.same_in = same_in(retriever.knowledge(), hit.others(hit.clause))?;
            mark(retriever.knowledge(), Reader { day: as_of, clearance: actor.clearance }, &mut citation)?;
            hits.push(citation);
        }
    }
    Ok(SearchReply {
        as_of,
        hits,
        by_address: ranked.hits.first().is_some_and(|hit| hit.part.is_some()),
        took_ms: started.elapsed().as_secs_f64() * 1e3,
        generation: retriever.knowledge().generation().clone(),
    })
}

/// A clause with its neighbours and the versions of its document, and their state on the day `as_of`.
pub(super) fn clause(
    retriever: &Retriever,
    actor: &Actor,
    id: ClauseId,
    neighbours: usize,
    as_of: Date,
) -> Result<ClauseReply> {
    let missing = || Error::new(Code::NotFound, format!("没有编号为 {} 的条款", id.0), "知识库可能已更新,请重新提问");
    let knowledge = retriever.knowledge();
    // A text above the reader's clearance does not exist for them.
    let version = knowledge.version_of(id).filter(|v| v.row.classification <= actor.clearance).ok_or_else(missing)?;
    let clause = knowledge.clause(id)?.ok_or_else(missing)?;
    let reach = neighbours.min(MAX_NEIGHBOURS) as i64;
    let around = knowledge.clauses_between(version, id.0.saturating_sub(reach), id.0.saturating_add(reach))?;
    let (before, after): (Vec<Clause>, Vec<Clause>) =
        around.into_iter().filter(|c| c.id != id).partition(|c| c.id < id);
    let mut versions: Vec<VersionInfo> = knowledge
        .versions_of_document(version.document)
        .filter(|v| v.row.classification <= actor.clearance)
        .map(|v| version_info(v, as_of))
        .collect();
    versions.reverse();
    let mut cited = cite(version, &clause, None, as_of, &[]);
    mark(knowledge, Reader { day: as_of, clearance: actor.clearance }, &mut cited)?;
    Ok(ClauseReply {
        clause: cited,
        before: before.into_iter().map(neighbour).collect(),
        after: after.into_iter().map(neighbour).collect(),
        versions,
        generation: knowledge.generation().clone(),
    })
}

/// All versions of all documents that the reader may see, by title, newest first.
pub(super) fn documents(retriever: &Retriever, actor: &Actor, today: Date, filter: Option<&str>) -> DocumentsReply {
    let knowledge = retriever.knowledge();
    let mut versions: Vec<&Version> = knowledge
        .versions()
        .iter()
        .filter(|v| v.row.classification <= actor.clearance)
        .filter(|v| filter.is_none_or(|f| v.row.title.contains(f)))
        .collect();
    versions.sort_by(|a, b| (&a.title_key, b.row.effective.from).cmp(&(&b.title_key, a.row.effective.from)));
    DocumentsReply {
        documents: versions.into_iter().map(|v| version_info(v, today)).collect(),
        generation: knowledge.generation().clone(),
    }
}

fn neighbour(clause: Clause) -> Neighbour {
    Neighbour { id: clause.id, clause: clause.address.label, heading: clause.heading, text: clause.text }
}

fn version_info(version: &Version, day: Date) -> VersionInfo {
    let row = &version.row;
    VersionInfo {
        id: version.id,
        title: row.title.clone(),
        doc_no: row.doc_no.clone(),
        issuer: row.issuer.clone(),
        level: row.level,
        classification: row.classification,
        published: row.published,
        effective: row.effective,
        status: row.status(day),
        clauses: version.clause_count.max(0) as u64,
        first_clause: (version.clause_count > 0).then_some(ClauseId(version.first_clause)),
        sample: row.sample,
    }
}
