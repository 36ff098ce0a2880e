//! The read-only calls: clauses, search, documents, status, health.

use super::metrics;
use super::query::Params;
use super::response::Response;
use super::route::{Answer, Call};
use crate::engine::instance::instance;
use crate::engine::overview::Load;
use crate::engine::reply::{NoticeCode, Reply};
use crate::engine::request::{Request, SearchRequest};
use crate::engine::{MAX_NEIGHBOURS, MAX_SEARCH_HITS};
use crate::error::{Code, Error, Result};
use crate::types::{ClauseId, GenerationId};
use std::sync::OnceLock;

/// Neighbours on either side when the caller does not say.
const DEFAULT_NEIGHBOURS: usize = 3;
/// Hits when the caller does not say.
const DEFAULT_HITS: usize = 10;

/// `GET /api/v1/clauses/{id}?neighbours=&as_of=`
pub(super) fn clause(call: &Call<'_>) -> Result<Answer> {
    let id: i64 =
        call.part.parse().map_err(|_| Error::new(Code::BadParameter, "条款编号应为整数", "请使用依据列表里的编号"))?;
    let mut params = Params::parse(&call.request.query)?;
    let neighbours = params.number("neighbours", 0, MAX_NEIGHBOURS)?.unwrap_or(DEFAULT_NEIGHBOURS);
    let as_of = params.date("as_of")?;
    params.finish()?;
    match call.engine(Request::Clause { id: ClauseId(id), neighbours, as_of })? {
        Reply::Clause(reply) => Ok(Response::json(200, &reply)?.into()),
        _ => Err(mismatch()),
    }
}

/// `GET /api/v1/search?q=&as_of=&limit=&level=&all_versions=`
pub(super) fn search(call: &Call<'_>) -> Result<Answer> {
    let mut params = Params::parse(&call.request.query)?;
    let request = SearchRequest {
        query: params
            .text("q")?
            .ok_or_else(|| Error::new(Code::BadParameter, "缺少参数 q", "请在 q 中给出要查的词"))?,
        as_of: params.date("as_of")?,
        levels: params.levels("level")?,
        limit: params.number("limit", 1, MAX_SEARCH_HITS)?.unwrap_or(DEFAULT_HITS),
        all_versions: params.flag("all_versions")?,
    };
    params.finish()?;
    match call.engine(Request::Search(request))? {
        Reply::Search(reply) => Ok(Response::json(200, &reply)?.into()),
        _ => Err(mismatch()),
    }
}

/// `GET /api/v1/documents?filter=`
pub(super) fn documents(call: &Call<'_>) -> Result<Answer> {
    let mut params = Params::parse(&call.request.query)?;
    let filter = params.text("filter")?.filter(|f| !f.is_empty());
    params.finish()?;
    match call.engine(Request::Documents { filter })? {
        Reply::Documents(reply) => Ok(Response::json(200, &reply)?.into()),
        _ => Err(mismatch()),
    }
}

/// `GET /api/v1/status`
pub(super) fn status(call: &Call<'_>) -> Result<Answer> {
    match call.engine(Request::Status)? {
        Reply::Status(reply) => Ok(Response::json(200, &reply)?.into()),
        _ => Err(mismatch()),
    }
}

/// `GET /metrics`: counts and times for monitoring, in Prometheus' text format, from the same status as `/api/v1/status`.
pub(super) fn metrics(call: &Call<'_>) -> Result<Answer> {
    figures(call.status(), &call.shared.load).map(Answer::from)
}

/// The figures of a status and of the connections.
pub(super) fn figures(status: Result<Reply>, load: &Load) -> Result<Response> {
    match status? {
        Reply::Status(reply) => Ok(Response::metrics(metrics::text(&reply, load))),
        _ => Err(mismatch()),
    }
}

/// `GET /healthz`: the process serves HTTP, and which one it is, see [`instance`]. Asks nothing of the engine, so that a busy box is not restarted.
pub(super) fn alive(_: &Call<'_>) -> Result<Answer> {
    Ok(healthy().into())
}

pub(super) fn healthy() -> Response {
    static BODY: OnceLock<String> = OnceLock::new();
    Response::text_json(BODY.get_or_init(|| format!(r#"{{"status":"ok","instance":"{}"}}"#, instance())))
}

/// `GET /readyz`: questions get cards. Without a model, or while it restarts, they still do; before the first import, or when what is here is
/// not what was signed, there is no knowledge to make one of, and the box is not ready, though it is alive and takes an import in.
pub(super) fn ready(call: &Call<'_>) -> Result<Answer> {
    readiness(call.status()).map(Answer::from)
}

/// What a status says of readiness.
pub(super) fn readiness(status: Result<Reply>) -> Result<Response> {
    match status {
        Ok(Reply::Status(reply)) => {
            let nothing = |code| matches!(code, NoticeCode::NoKnowledge | NoticeCode::KnowledgeAltered);
            let answers = reply.generation.0 != GenerationId::NONE;
            if let Some(told) = reply.notices.iter().find(|notice| nothing(notice.code) && !answers) {
                let body = serde_json::json!({ "status": "not_ready", "error": told });
                return Response::json(503, &body);
            }
            let writes = reply.generator.as_ref().is_some_and(|g| g.ready);
            let body = serde_json::json!({ "status": "ready", "generation": reply.generation, "prose": writes });
            Response::json(200, &body)
        }
        Ok(_) => Err(mismatch()),
        Err(error) => {
            let body =
                serde_json::json!({ "status": "not_ready", "error": crate::engine::reply::ErrorBody::from(&error) });
            Response::json(503, &body)
        }
    }
}

/// The engine answered another request than the one it was asked.
pub(super) fn mismatch() -> Error {
    Error::new(Code::Internal, "内部回答与请求不符", "请重试;仍出现时请联系网点科技人员")
}
