//! Whose page wants this? A browser sends a request for every page that is open in it, and another site's must not ask through it.
//!
//! - The name by which it was reached must be one of this box: a foreign name that leads here (DNS rebinding) makes a foreign page of ours.
//! - `Origin` and `Sec-Fetch-Site`, where a browser sends them, must be this page's. From elsewhere it may only be opened, by a link to `/`.
//! - A question by `GET` (`/ask?q=`) has an effect, so that browsers without these headers must show by `Referer` and `Accept` that a page of
//!   ours led there: pictures and scripts of other pages are not asked for as pages, and frames can hide where they are from.

use super::wire::{Method, Request};
use crate::error::{Code, Error, Result};
use std::net::IpAddr;
use std::sync::OnceLock;

/// Where a link from elsewhere may lead.
const FRONT: &str = "/";
/// The route whose `GET` asks.
const ASKS: &str = "/ask";

/// Refuses a request that another site's page has made. `route` is the path of its line in the table, `names` are further names of this box.
///
/// # Errors
/// `DENIED`.
pub(super) fn check(request: &Request, names: &[String], route: &str) -> Result<()> {
    let host = request.header("host").unwrap_or_default();
    if !host.is_empty() && !is_ours(host, names) {
        return Err(Error::new(
            Code::Denied,
            "打开网页所用的名字不是本机的,已拒绝",
            "请用本机的 IP 地址打开;要用域名,请科技人员把它写进设置 http.names",
        ));
    }
    if let Some(origin) = request.header("origin")
        && !origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
    {
        return Err(foreign());
    }
    let get = matches!(request.method, Method::Get | Method::Head);
    match request.header("sec-fetch-site") {
        Some("same-origin" | "none") => Ok(()),
        Some(_) => {
            let opened = get && route == FRONT && request.header("sec-fetch-mode") == Some("navigate");
            if opened { Ok(()) } else { Err(foreign()) }
        }
        None if get && route == ASKS => by_a_person(request, host),
        None => Ok(()),
    }
}

/// What a browser without `Sec-Fetch-Site` tells of who opened an address: only a page of ours leads on to a question. A frame of another page
/// that hides its address looks like one that was typed.
fn by_a_person(request: &Request, host: &str) -> Result<()> {
    let from = request.header("referer").and_then(|referer| referer.split_once("://"));
    let here = from.is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.eq_ignore_ascii_case(host)
    });
    // Only what is shown as a page is asked for as one. Programs that are no browser send neither.
    let (accept, referred) = (request.header("accept"), request.header("referer").is_some());
    let ours = here && accept.is_none_or(|accept| accept.contains("text/html"));
    if ours || (accept.is_none() && !referred) { Ok(()) } else { Err(foreign()) }
}

/// Whether a `Host` names this box.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|own| own.eq_ignore_ascii_case(name))
        || machine().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// The machine's own name.
fn machine() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    };
    NAME.get_or_init(read).as_deref()
}

fn foreign() -> Error {
    Error::new(Code::Denied, "请求来自其他网站的页面,已拒绝", "请直接打开柜答页面提问")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_box_are_ours() {
        let names = ["guida.bank".to_owned()];
        for ours in
            ["127.0.0.1", "10.1.2.3:8080", "[::1]:80", "[fe80::1]", "localhost:8080", "LOCALHOST.", "Guida.Bank:80"]
        {
            assert!(is_ours(ours, &names), "{ours}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example:8080",
            "10.1.2.3.evil.example",
            "",
            ":80",
            "[evil]",
            "guida.bank.evil",
        ] {
            assert!(!is_ours(foreign, &names), "{foreign}");
        }
        assert!(machine().is_none_or(|own| is_ours(&format!("{own}:8080"), &[])));
    }
}
