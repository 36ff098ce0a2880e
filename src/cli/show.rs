//! `guida kb show`: the list of documents, one document, or one clause.

use super::output::{print, print_json};
use crate::engine::reply::{Citation, Reply, VersionInfo};
use crate::engine::request::{Actor, Request, SearchRequest};
use crate::engine::{Engine, MAX_NEIGHBOURS};
use crate::error::{Code, Error, Result};
use crate::types::{ClauseId, Status};

/// Shows what was asked for.
///
/// # Errors
/// `NOT_FOUND`, or the engine's.
pub fn run(engine: &Engine, actor: &Actor, what: Option<&str>, json: bool) -> Result<()> {
    let what = what.filter(|w| !w.trim().is_empty());
    if let Some(what) = what
        && let Some(clause) = by_address(engine, actor, what)?
    {
        return if json { print_json(&clause) } else { print(&clause_text(&clause)) };
    }
    let filter = what.map(|w| w.trim_matches(['《', '》']).to_owned());
    let Reply::Documents(listed) = engine.handle(actor, Request::Documents { filter })? else { return Ok(()) };
    let Some(first) = listed.documents.first() else {
        return Err(Error::new(
            Code::NotFound,
            format!("没有找到 {}", what.unwrap_or("文档")),
            "用 guida kb show 文件 查看全部文档",
        ));
    };
    let one_title = listed.documents.iter().all(|d| d.title == first.title);
    let chosen = listed.documents.iter().find(|d| d.status == Status::InForce).unwrap_or(first);
    match chosen.first_clause.filter(|_| one_title && what.is_some()) {
        Some(clause) => whole(engine, actor, chosen, clause, json),
        None if json => print_json(&listed),
        None => print(&listed.documents.iter().map(line).collect::<String>()),
    }
}

/// The clause at an address, `None` when the words name none.
fn by_address(engine: &Engine, actor: &Actor, what: &str) -> Result<Option<Citation>> {
    let request =
        SearchRequest { query: what.to_owned(), as_of: None, levels: Vec::new(), limit: 1, all_versions: false };
    let Reply::Search(found) = engine.handle(actor, Request::Search(request))? else { return Ok(None) };
    // Without such a clause the search falls back to words: what it finds then is merely similar.
    Ok(found.hits.into_iter().next().filter(|_| found.by_address))
}

fn whole(engine: &Engine, actor: &Actor, version: &VersionInfo, first: ClauseId, json: bool) -> Result<()> {
    let mut clauses = Vec::new();
    let mut next = first;
    let end = first.0.saturating_add(i64::try_from(version.clauses).unwrap_or(i64::MAX));
    while next.0 < end {
        let request = Request::Clause { id: next, neighbours: MAX_NEIGHBOURS, as_of: None };
        let Reply::Clause(reply) = engine.handle(actor, request)? else { break };
        clauses.push((reply.clause.clause, reply.clause.heading, reply.clause.text));
        clauses.extend(reply.after.into_iter().map(|n| (n.clause, n.heading, n.text)));
        next = ClauseId(first.0.saturating_add(i64::try_from(clauses.len()).unwrap_or(i64::MAX)));
    }
    if json {
        let clauses: Vec<_> = clauses
            .iter()
            .map(|(clause, heading, text)| serde_json::json!({ "clause": clause, "heading": heading, "text": text }))
            .collect();
        return print_json(&serde_json::json!({ "document": version, "clauses": clauses }));
    }
    let mut out = line(version);
    let mut last_heading = String::new();
    for (label, heading, text) in clauses {
        if heading != last_heading {
            out += &format!("\n{heading}\n");
            last_heading = heading;
        }
        out += &format!("\n{label} {text}\n");
    }
    print(&out)
}

fn line(v: &VersionInfo) -> String {
    let day = |d: Option<crate::types::Date>| d.map_or_else(|| "-".to_owned(), |d| d.to_string());
    let sample = if v.sample { "(样例)" } else { "" };
    format!(
        "{}  《{}》{sample}  {}  {} 至 {}  {}  {} 条\n",
        v.status.label(),
        v.title,
        v.doc_no,
        day(v.effective.from),
        day(v.effective.until),
        v.level.label(),
        v.clauses
    )
}

fn clause_text(c: &Citation) -> String {
    format!("《{}》{}  {}  {}\n{}\n{}\n", c.document, c.clause, c.doc_no, c.status_label, c.heading, c.text)
}
