//! Whose page asks: foreign names that lead here, and what pages of other sites send through a teller's browser.

#[path = "common/client.rs"]
mod client;
#[path = "common/door.rs"]
mod door;
#[path = "common/server.rs"]
mod server;

use client::{Client, request};
use door::FixedDoor;
use server::{start, start_with};
use std::sync::atomic::Ordering;

const QUESTION: &str = "身份证过期了能办吗";

fn question(text: &str) -> String {
    serde_json::json!({ "question": text, "prose": false }).to_string()
}

#[test]
fn another_sites_page_cannot_ask() {
    let server = start();
    let with = |origin| {
        let headers = [("Content-Type", "application/json"), ("Origin", origin)];
        request(server.addr, "POST", "/api/v1/ask", &headers, question(QUESTION).as_bytes()).status
    };
    assert_eq!(with("http://localhost"), 200);
    assert_eq!(with("http://evil.example"), 403);
    assert_eq!(with("null"), 403);
}

#[test]
fn a_foreign_name_does_not_lead_here() {
    let server = start_with(FixedDoor::default(), |s| s.names = vec!["guida.bank".into()]);
    let reached = |host: &str, path: &str| {
        let mut client = Client::connect(server.addr);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
        client.reply().unwrap().status
    };
    for ours in ["127.0.0.1:8080", "localhost", "[::1]:80", "guida.bank:8080", "GUIDA.bank"] {
        assert_eq!(reached(ours, "/"), 200, "{ours}");
    }
    for foreign in ["evil.example", "evil.example:8080", "guida.bank.evil.example", "127.0.0.1.evil.example"] {
        for path in ["/", "/ask?q=x", "/api/v1/status", "/metrics", "/assets/page.css"] {
            assert_eq!(reached(foreign, path), 403, "{foreign} {path}");
        }
    }
}

#[test]
fn what_another_sites_page_sends_has_no_effect() {
    let server = start();
    let asked = || server.door.asked.load(Ordering::Acquire);
    let sent = |path: &str, headers: &[(&str, &str)]| request(server.addr, "GET", path, headers, b"").status;
    let browser = |site, mode, dest| [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)];
    // A picture, a script, a frame, a link to a question, a prefetch: from elsewhere, from a neighbour of the same site.
    for site in ["cross-site", "same-site"] {
        for (mode, dest) in
            [("no-cors", "image"), ("no-cors", "script"), ("navigate", "iframe"), ("navigate", "document")]
        {
            assert_eq!(sent("/ask?q=x", &browser(site, mode, dest)), 403, "{site} {mode} {dest}");
            assert_eq!(sent("/api/v1/status", &browser(site, mode, dest)), 403, "{site} {mode} {dest}");
        }
        assert_eq!(sent("/", &browser(site, "no-cors", "image")), 403);
        assert_eq!(sent("/", &browser(site, "navigate", "document")), 200, "a link to the page is no harm");
    }
    // Browsers of before these headers.
    let page = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for (headers, status) in [
        (vec![("Accept", "image/webp,*/*")], 403),
        (vec![("Accept", "*/*")], 403),
        (vec![page, ("Referer", "http://evil.example/a")], 403),
        (vec![page, ("Referer", "http://localhost/ask?q=y")], 200),
        (vec![page], 403),
        (vec![], 200),
    ] {
        assert_eq!(sent("/ask?q=x", &headers), status, "{headers:?}");
    }
    assert_eq!(asked(), 2, "only what was answered was asked");
    assert_eq!(sent("/ask?q=x", &browser("same-origin", "navigate", "document")), 200);
    assert_eq!(sent("/ask?q=x", &browser("none", "navigate", "document")), 200);
    let json = ("Content-Type", "application/json");
    let own = [json, ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors"), ("Origin", "http://localhost")];
    let ask =
        |headers: &[(&str, &str)]| request(server.addr, "POST", "/api/v1/ask", headers, question(QUESTION).as_bytes());
    let answered = ask(&own);
    assert_eq!(answered.status, 200);
    assert_eq!(answered.header("cross-origin-resource-policy"), Some("same-origin"));
    assert_eq!(answered.header("cross-origin-opener-policy"), Some("same-origin"));
    assert_eq!(ask(&[json, ("Sec-Fetch-Site", "cross-site")]).status, 403);
}
