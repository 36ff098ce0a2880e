//! The one table of methods and paths, and the way from a request to its line.

use super::listener::Shared;
use super::response::{RequestId, Response};
use super::stream::Answering;
use super::wire::{Method, Request};
use super::{api, ask, origin, page};
use crate::engine::reply::Reply;
use crate::engine::request::{Actor, Request as EngineRequest};
use crate::error::{Code, Error, Result};
use std::net::IpAddr;

/// What a handler hands back.
pub(super) enum Answer {
    /// All of it.
    Now(Response),
    /// The card is there, prose follows.
    Later(Box<Answering>),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Answer {
        Answer::Now(response)
    }
}

/// A request on its way through a handler.
pub(super) struct Call<'a> {
    pub(super) shared: &'a Shared,
    /// Who asks, by address.
    client: IpAddr,
    pub(super) request: &'a Request,
    /// What stood in the path's `{…}`; empty for paths without.
    pub(super) part: &'a str,
}

impl Call<'_> {
    /// Through the engine's door, while holding one of the permits to work.
    ///
    /// # Errors
    /// The engine's, or `BUSY` when too many are waiting.
    pub(super) fn engine(&self, request: EngineRequest) -> Result<Reply> {
        let settings = &self.shared.settings;
        let _permit = self.shared.workers.enter(self.client, settings.max_waiting, settings.queue_timeout)?;
        let actor = Actor::teller(settings.clearance);
        self.shared.door.handle(&actor, request)
    }

    /// How the service does, which is held ready: it takes no permit, so that whoever watches hears it however many wait.
    ///
    /// # Errors
    /// The engine's.
    pub(super) fn status(&self) -> Result<Reply> {
        status(self.shared)
    }
}

fn status(shared: &Shared) -> Result<Reply> {
    shared.door.handle(&Actor::teller(shared.settings.clearance), EngineRequest::Status)
}

/// The answer to a question for the service's health that begins with these bytes; `None` for anything else.
pub(super) fn health(shared: &Shared, bytes: &[u8]) -> Option<Response> {
    let target = bytes.strip_prefix(b"GET ")?.split(|b| *b == b' ').next()?;
    match target {
        b"/healthz" => Some(api::healthy()),
        b"/readyz" => api::readiness(status(shared)).ok(),
        b"/metrics" => api::figures(status(shared), &shared.load).ok(),
        _ => None,
    }
}

type Handler = fn(&Call<'_>) -> Result<Answer>;

struct Route {
    method: Method,
    path: &'static str,
    handler: Handler,
}

const fn get(path: &'static str, handler: Handler) -> Route {
    Route { method: Method::Get, path, handler }
}

const fn post(path: &'static str, handler: Handler) -> Route {
    Route { method: Method::Post, path, handler }
}

/// Everything that is served. `{…}` stands for one segment of a path.
const ROUTES: [Route; 12] = [
    get("/", |call| Ok(page::INDEX.answer(call.request).into())),
    get("/assets/{name}", |call| {
        page::file(call.part).map(|asset| asset.answer(call.request).into()).ok_or_else(not_found)
    }),
    get("/ask", ask::form_by_query),
    post("/ask", ask::form_by_body),
    post("/api/v1/ask", ask::ask),
    get("/api/v1/clauses/{id}", api::clause),
    get("/api/v1/search", api::search),
    get("/api/v1/documents", api::documents),
    get("/api/v1/status", api::status),
    get("/metrics", api::metrics),
    get("/healthz", api::alive),
    get("/readyz", api::ready),
];

/// What the log calls a path that no route has: what people type into an address bar is their own.
const NO_ROUTE: &str = "(none)";

/// Answers a request; the second value is the route's path, for the log.
pub(super) fn answer(shared: &Shared, client: IpAddr, request: &Request, id: &RequestId) -> (Answer, &'static str) {
    let fitting: Vec<(&Route, &str)> =
        ROUTES.iter().filter_map(|r| matches(r.path, &request.path).map(|part| (r, part))).collect();
    let label = fitting.first().map_or(NO_ROUTE, |(route, _)| route.path);
    let method = if request.method == Method::Head { Method::Get } else { request.method };
    let found = fitting.iter().find(|(route, _)| route.method == method);
    let result = match found {
        _ if fitting.is_empty() => Err(not_found()),
        None => {
            let allow: Vec<&str> = fitting.iter().flat_map(|(r, _)| allowed(r.method)).copied().collect();
            let error = Error::new(
                Code::MethodNotAllowed,
                format!("{label} 不支持这种请求方法"),
                format!("请使用 {}", allow.join("、")),
            );
            return (Response::error(&error, id).with("Allow", allow.join(", ")).into(), label);
        }
        Some((route, part)) => origin::check(request, &shared.settings.names, route.path)
            .and_then(|()| (route.handler)(&Call { shared, client, request, part })),
    };
    (result.unwrap_or_else(|error| failure(&error, id)), label)
}

/// An error as an answer, with its cause in the log.
pub(super) fn failure(error: &Error, id: &RequestId) -> Answer {
    if let Some(cause) = std::error::Error::source(error) {
        tracing::warn!(id = id.as_str(), code = error.code().as_str(), %cause, "request failed");
    }
    Response::error(error, id).into()
}

fn allowed(method: Method) -> &'static [&'static str] {
    match method {
        Method::Get => &["GET", "HEAD"],
        Method::Post => &["POST"],
        Method::Head | Method::Other => &[],
    }
}

/// What stands in the pattern's `{…}` (or nothing) when the path fits.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    match pattern.split_once('{') {
        None => (pattern == path).then_some(""),
        Some((prefix, _)) => path.strip_prefix(prefix).filter(|part| !part.is_empty() && !part.contains('/')),
    }
}

fn not_found() -> Error {
    Error::new(Code::NotFound, "没有这个地址", "请从首页 / 进入")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_exactly_or_by_one_segment() {
        assert_eq!(matches("/ask", "/ask"), Some(""));
        assert_eq!(matches("/ask", "/ask/"), None);
        assert_eq!(matches("/", "/index"), None);
        assert_eq!(matches("/api/v1/clauses/{id}", "/api/v1/clauses/12"), Some("12"));
        assert_eq!(matches("/api/v1/clauses/{id}", "/api/v1/clauses/"), None);
        assert_eq!(matches("/assets/{name}", "/assets/a/b"), None);
    }

    #[test]
    fn no_two_routes_share_method_and_path() {
        for (i, a) in ROUTES.iter().enumerate() {
            assert!(a.path.starts_with('/'));
            assert!(!ROUTES[..i].iter().any(|b| b.method == a.method && b.path == a.path), "{}", a.path);
        }
    }
}
