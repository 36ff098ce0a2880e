//! HTTP on real sockets: routes, limits, malformed input, streams, stopping.

#[path = "common/client.rs"]
mod client;
#[path = "common/door.rs"]
mod door;
#[path = "common/server.rs"]
mod server;

use client::{Client, PATIENCE, ask, get, render, request};
use door::{FixedDoor, HANG, PANIC, WAIT};
use guida::http::{MAX_BODY_BYTES, MAX_STREAMS};
use server::{start, start_with};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";

fn question(text: &str, prose: bool) -> String {
    serde_json::json!({ "question": text, "prose": prose }).to_string()
}

fn stream(addr: SocketAddr, text: &str) -> Client {
    let mut client = Client::connect(addr);
    let headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")];
    client.send(&render("POST", "/api/v1/ask", &headers, question(text, true).as_bytes())).unwrap();
    client
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn a_question_is_answered_with_the_contracts_fields() {
    let server = start();
    let reply = ask(server.addr, &question(QUESTION, false));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let card = reply.json();
    for field in ["refused", "conclusion", "citations", "steps", "materials", "risk", "escalation", "script", "timings"]
    {
        assert!(card.get(field).is_some(), "{field}");
    }
    assert_eq!(card["prose"], serde_json::Value::Null);
    for field in ["document", "doc_no", "clause", "effective_from", "effective_to", "status", "text"] {
        assert!(card["citations"][0].get(field).is_some(), "{field}");
    }
}

#[test]
fn prose_is_waited_for_when_json_is_wanted() {
    let server = start();
    let card = ask(server.addr, &question(QUESTION, true)).json();
    assert!(card["prose"]["text"].as_str().unwrap().contains("[1]"));
    assert_eq!(card["prose"]["label"], guida::types::AIGC_LABEL);
    assert_eq!(card["prose"]["AIGC"]["Label"], "1");
}

#[test]
fn every_answer_carries_the_security_headers_and_an_id() {
    let server = start();
    let page = get(server.addr, "/");
    let error = get(server.addr, "/nowhere");
    let streamed = stream(server.addr, QUESTION).head().unwrap();
    for reply in [&page, &error, &streamed] {
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self'"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(reply.header("referrer-policy").is_some());
        assert!(!reply.header("x-request-id").unwrap().is_empty());
    }
    assert_eq!(error.header("cache-control"), Some("no-store"));
    assert_eq!(error.json()["request_id"].as_str(), error.header("x-request-id"));
    let named = request(server.addr, "GET", "/healthz", &[("X-Request-Id", "counter-3.17")], b"");
    assert_eq!(named.header("x-request-id"), Some("counter-3.17"));
}

#[test]
fn the_page_and_its_files_are_served_and_revalidated() {
    let server = start();
    for (path, kind) in [
        ("/", "text/html"),
        ("/assets/page.css", "text/css"),
        ("/assets/page.js", "text/javascript"),
        ("/assets/card.js", "text/javascript"),
    ] {
        let first = get(server.addr, path);
        assert_eq!(first.status, 200, "{path}");
        assert!(first.header("content-type").unwrap().starts_with(kind), "{path}");
        let tag = first.header("etag").unwrap();
        let again = request(server.addr, "GET", path, &[("If-None-Match", tag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    assert_eq!(get(server.addr, "/assets/../Cargo.toml").status, 404);
    let mut client = Client::connect(server.addr);
    client.send(&render("HEAD", "/", &[], b"")).unwrap();
    let head = client.head().unwrap();
    assert_eq!(head.status, 200);
    // Nothing of a body came: the next reply on this connection begins where it should.
    client.send(&render("GET", "/healthz", &[], b"")).unwrap();
    assert_eq!(client.reply().unwrap().json()["status"], "ok");
}

#[test]
fn reads_take_typed_parameters_and_refuse_unknown_ones() {
    let server = start();
    assert_eq!(
        get(server.addr, "/api/v1/search?q=%E8%AF%81%E4%BB%B6&limit=2").json()["hits"].as_array().unwrap().len(),
        2
    );
    assert_eq!(get(server.addr, "/api/v1/clauses/2031?neighbours=2&as_of=2026-01-01").json()["clause"]["id"], 2031);
    assert_eq!(
        get(server.addr, "/api/v1/documents?filter=%E8%AF%86%E5%88%AB").json()["documents"].as_array().unwrap().len(),
        2
    );
    assert_eq!(get(server.addr, "/api/v1/status").json()["clauses"], 812);
    assert_eq!(get(server.addr, "/readyz").json()["status"], "ready");
    for (path, status, code) in [
        ("/api/v1/search", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=a&limit=0", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=a&limit=101", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=a&asof=2026-01-01", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=%FF", 400, "NOT_UTF8"),
        ("/api/v1/clauses/x", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/2031?neighbours=21", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/999", 404, "NOT_FOUND"),
        ("/api/v2/ask", 404, "NOT_FOUND"),
    ] {
        let reply = get(server.addr, path);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}");
        assert!(reply.json()["error"]["hint"].as_str().is_some_and(|h| !h.is_empty()), "{path}");
    }
}

#[test]
fn wrong_methods_types_and_bodies_are_refused_precisely() {
    let server = start();
    let wrong = request(server.addr, "DELETE", "/api/v1/ask", &[], b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    assert_eq!(request(server.addr, "PUT", "/ask", &[], b"").header("allow"), Some("GET, HEAD, POST"));
    let json = ("Content-Type", "application/json");
    let good = question(QUESTION, false);
    let huge = question(&"长".repeat(400_000), false);
    let cases: [(&str, &[u8], u16, &str); 7] = [
        ("text/plain", good.as_bytes(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/json", b"{\"question\":", 400, "BAD_JSON"),
        ("application/json", b"{\"question\":\"a\",\"user\":\"b\"}", 400, "BAD_JSON"),
        ("application/json", b"{\"question\":\"\xff\"}", 400, "NOT_UTF8"),
        ("application/json", b"{\"question\":\"\"}", 400, "QUESTION_EMPTY"),
        ("application/json", huge.as_bytes(), 413, "BODY_TOO_LARGE"),
        ("application/json", b"", 400, "BAD_JSON"),
    ];
    for (kind, body, status, code) in cases {
        let reply = request(server.addr, "POST", "/api/v1/ask", &[("Content-Type", kind)], body);
        assert_eq!((reply.status, reply.code().as_str()), (status, code));
    }
    assert_eq!(request(server.addr, "POST", "/api/v1/ask", &[json], good.as_bytes()).status, 200);
}

#[test]
fn lies_about_the_length_cost_nothing() {
    let server = start();
    for (bytes, status) in [
        ("POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999\r\n\r\n", 413),
        ("POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413),
        ("POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
    ] {
        let mut client = Client::connect(server.addr);
        client.send(bytes.as_bytes()).unwrap();
        assert_eq!(client.reply().unwrap().status, status, "{bytes:?}");
    }
    let mut client = Client::connect(server.addr);
    client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(40_000)).as_bytes()).unwrap();
    assert_eq!(client.reply().unwrap().status, 431);
    // A body in chunks, beyond the limit in all though each chunk is small.
    let mut client = Client::connect(server.addr);
    client.send(b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..=MAX_BODY_BYTES / 0x1000 {
        client.send(chunk.as_bytes()).unwrap();
    }
    assert_eq!(client.reply().unwrap().status, 413);
    assert_eq!(get(server.addr, "/healthz").status, 200);
}

#[test]
fn chunked_bodies_and_pipelined_requests_are_understood() {
    let server = start();
    let body = question(QUESTION, false);
    let (one, two) = body.as_bytes().split_at(9);
    let mut bytes =
        b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for part in [one, two] {
        bytes.extend_from_slice(format!("{:X};x=y\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    bytes.extend_from_slice(&render("GET", "/healthz", &[], b""));
    let mut client = Client::connect(server.addr);
    client.send(&bytes).unwrap();
    assert_eq!(client.reply().unwrap().json()["question"], QUESTION);
    assert_eq!(client.reply().unwrap().json()["status"], "ok");
}

#[test]
fn clients_that_stall_are_cut() {
    let short = Duration::from_millis(300);
    let server = start_with(FixedDoor::default(), |s| {
        s.head_timeout = short;
        s.body_timeout = short;
        s.idle_timeout = short;
    });
    let mut silent = Client::connect(server.addr);
    assert!(silent.rest().unwrap().is_empty());
    let mut in_body = Client::connect(server.addr);
    in_body.send(b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{").unwrap();
    assert_eq!(in_body.reply().unwrap().status, 408);
    // A byte now and then does not keep the connection: the time is for the whole head.
    let mut dripping = Client::connect(server.addr);
    let cut = Instant::now() + PATIENCE;
    while dripping.send(b"G").is_ok() {
        assert!(Instant::now() < cut, "a dripping client was never cut");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn the_card_is_out_before_any_prose() {
    let server = start();
    let mut client = stream(server.addr, HANG);
    assert!(client.head().unwrap().header("content-type").unwrap().starts_with("text/event-stream"));
    // The prose of this question does not begin until it is cancelled, so the card cannot have waited for it.
    let (name, card) = client.event().unwrap();
    assert_eq!((name.as_str(), card["refused"].as_bool()), ("card", Some(false)));
    drop(client);
    let mut client = stream(server.addr, QUESTION);
    client.head().unwrap();
    let names: Vec<String> = std::iter::from_fn(|| client.event()).map(|(name, _)| name).collect();
    assert_eq!(names.first().map(String::as_str), Some("card"));
    assert_eq!(names.last().map(String::as_str), Some("done"));
    assert!(names.iter().any(|n| n == "token") && names.iter().any(|n| n == "progress"));
}

#[test]
fn a_silent_stream_beats_and_ends_when_the_client_leaves() {
    let server = start_with(FixedDoor::default(), |s| s.heartbeat = Duration::from_millis(50));
    let mut client = stream(server.addr, HANG);
    client.head().unwrap();
    assert!(std::iter::from_fn(|| client.event()).any(|(name, _)| name == ":"));
    let cancelled = server.door.hanging.lock().unwrap().clone().unwrap();
    assert!(!cancelled.load(Ordering::Acquire));
    drop(client);
    until("the prose of a client that left is cancelled", || cancelled.load(Ordering::Acquire));
}

#[test]
fn waiting_prose_never_keeps_a_card_waiting() {
    let server = start_with(FixedDoor::default(), |s| s.workers = 1);
    let mut streams: Vec<Client> = (0..MAX_STREAMS).map(|_| stream(server.addr, HANG)).collect();
    for client in &mut streams {
        client.head().unwrap();
        assert_eq!(client.event().unwrap().0, "card");
    }
    assert_eq!(ask(server.addr, &question(QUESTION, false)).status, 200);
    // One more gets its card, and the word that the writer is busy.
    let mut further = stream(server.addr, QUESTION);
    further.head().unwrap();
    assert_eq!(further.event().unwrap().0, "card");
    let (name, error) = further.event().unwrap();
    assert_eq!((name.as_str(), error["code"].as_str()), ("error", Some("BUSY")));
    assert_eq!(error["retry_after_seconds"], 12, "the wait that the generator expects");
    assert!(error["message"].as_str().unwrap().contains("12 秒"), "{error}");
    assert!(further.event().is_none());
    let card = ask(server.addr, &question(QUESTION, true)).json();
    assert_eq!(card["prose_unavailable"]["code"], "BUSY");
    drop(streams);
    until("places are free again", || ask(server.addr, &question(QUESTION, true)).json()["prose"].is_object());
}

#[test]
fn what_the_box_must_tell_is_in_the_status_and_above_the_plain_page() {
    let server = start();
    assert_eq!(get(server.addr, "/api/v1/status").json()["notices"], serde_json::json!([]));
    assert!(!get(server.addr, "/ask?q=x").text().contains("class=\"alerts\""));
    *server.door.notices.lock().unwrap() = vec![door::stale()];
    let told = get(server.addr, "/api/v1/status").json()["notices"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1);
    assert_eq!(told[0]["code"], "KNOWLEDGE_STALE");
    for question in ["x", ""] {
        let reply = get(server.addr, &format!("/ask?q={question}"));
        let page = reply.text();
        assert!(page.contains(&door::stale().message) && page.contains("请领取新的&lt;知识包&gt;"), "{page}");
    }
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let server = start();
    *server.door.notices.lock().unwrap() = vec![door::stale()];
    let reply = get(server.addr, "/metrics");
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let page = reply.text();
    // Every line is a comment of a family that is new, or a value of the family that was announced last.
    let mut families = std::collections::HashSet::new();
    let mut family = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(name == family && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with(&family) && value.parse::<f64>().is_ok(), "{line} in {family}");
        assert_eq!(series.matches('"').count() % 2, 0, "{line}");
    }
    for line in [
        "guida_notice{code=\"KNOWLEDGE_STALE\"} 1",
        "guida_notice{code=\"CLOCK_BEFORE_FLOOR\"} 0",
        "guida_curated_suspended 3",
        "guida_questions_total{outcome=\"answered\"} 4",
        "guida_questions_total{outcome=\"refused\"} 2",
        "guida_card_seconds_bucket{le=\"0.005\"} 0",
        "guida_card_seconds_bucket{le=\"0.01\"} 3",
        "guida_card_seconds_bucket{le=\"2.5\"} 5",
        "guida_card_seconds_bucket{le=\"+Inf\"} 6",
        "guida_card_seconds_sum 4.5",
        "guida_card_seconds_count 6",
        "guida_prose_wanted_total 3",
        "guida_answer_cache_hits_total 0",
        "guida_generator_ready{role=\"large\"} 1",
        "guida_generator_expected_wait_seconds{role=\"large\"} 11.5",
        "guida_prompt_tokens_total{role=\"large\",source=\"reused\"} 0",
        "guida_prompt_cache_misses_total{role=\"large\"} 0",
        "guida_generator_restarts_total{role=\"large\"} 0",
    ] {
        assert!(page.lines().any(|own| own == line), "{line} is missing in {page}");
    }
    assert_eq!(request(server.addr, "POST", "/metrics", &[], b"").status, 405);
}

#[test]
fn a_full_server_says_so_at_once() {
    let server = start_with(FixedDoor::default(), |s| {
        s.workers = 1;
        s.max_waiting = 0;
    });
    let mut working = Client::connect(server.addr);
    let body = question(WAIT, false);
    working.send(&render("POST", "/api/v1/ask", &[("Content-Type", "application/json")], body.as_bytes())).unwrap();
    // No question is asked to find out: one that is being answered would have the working one refused.
    until("the only worker is taken", || server.door.waiting.load(Ordering::Acquire));
    let refused = ask(server.addr, &question(QUESTION, false));
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("BUSY", Some("1")));
    assert_eq!(refused.json()["error"]["retry_after_seconds"], 1);
    assert_eq!(get(server.addr, "/healthz").status, 200, "health needs no worker");
    server.door.open.store(true, Ordering::Release);
    assert_eq!(working.reply().unwrap().status, 200);

    // No place: both connections are being answered. Whoever asks how the service does hears it all the same.
    let server = start_with(FixedDoor::default(), |s| s.max_connections = 2);
    let mut kept: Vec<Client> = (0..2).map(|_| stream(server.addr, HANG)).collect();
    for streaming in &mut kept {
        streaming.head().unwrap();
        assert_eq!(streaming.event().unwrap().0, "card");
    }
    let refused = get(server.addr, "/");
    assert_eq!((refused.status, refused.code().as_str()), (503, "BUSY"));
    assert!(refused.header("retry-after").is_some());
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(server.addr, path).status, 200, "{path}");
    }
    drop(kept);
    until("the connections are free again", || get(server.addr, "/").status == 200);
    // A place that nobody uses is given to who comes.
    let server = start_with(FixedDoor::default(), |s| s.max_connections = 2);
    let silent: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(server.addr).unwrap()).collect();
    assert_eq!(get(server.addr, "/").status, 200);
    drop(silent);
}

#[test]
fn a_panic_costs_one_answer() {
    let server = start();
    let mut client = Client::connect(server.addr);
    let headers = [("Content-Type", "application/json")];
    for _ in 0..20 {
        client.send(&render("POST", "/api/v1/ask", &headers, question(PANIC, false).as_bytes())).unwrap();
        let reply = client.reply().unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (500, "INTERNAL"));
    }
    client.send(&render("POST", "/api/v1/ask", &headers, question(QUESTION, false).as_bytes())).unwrap();
    assert_eq!(client.reply().unwrap().status, 200);
}

#[test]
fn stopping_ends_streams_and_idle_connections() {
    let server = start();
    let addr = server.addr;
    let mut idle = Client::connect(addr);
    idle.send(&render("GET", "/healthz", &[], b"")).unwrap();
    assert_eq!(idle.reply().unwrap().status, 200);
    let mut streaming = stream(addr, HANG);
    streaming.head().unwrap();
    assert_eq!(streaming.event().unwrap().0, "card");
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let stopping = std::thread::spawn(move || {
        server.stop();
        flag.store(true, Ordering::Release);
    });
    let last = std::iter::from_fn(|| streaming.event()).last().unwrap();
    assert_eq!((last.0.as_str(), last.1["code"].as_str()), ("error", Some("CANCELLED")));
    assert!(idle.rest().unwrap().is_empty());
    stopping.join().unwrap();
    assert!(stopped.load(Ordering::Acquire));
    assert!(TcpStream::connect(addr).is_err(), "nothing listens any more");
}

#[test]
fn the_plain_form_answers_without_script() {
    let server = start();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let page = request(server.addr, "POST", "/ask", &form, "q=%E8%AF%81%E4%BB%B6+%3Cb%3E".as_bytes());
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    for part in [
        "第二十三条第二款",
        "示银发〔2025〕18号",
        "<mark>先前获得",
        "证件 &lt;b&gt;",
        "会计主管",
        guida::types::INTERNAL_BANNER,
    ] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(!page.text().contains("<script") && !page.text().contains("<b>\""));
    assert_eq!(get(server.addr, "/ask?q=%E8%AF%81%E4%BB%B6").status, 200);
    let empty = get(server.addr, "/ask?q=");
    assert_eq!(empty.status, 400);
    assert!(empty.text().contains("请输入问题"));
    assert_eq!(request(server.addr, "POST", "/ask", &form, b"q=%FF").status, 400);
}
