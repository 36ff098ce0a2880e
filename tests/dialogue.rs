//! Follow-up questions over a real socket and on the command line: what a session carries on, and what ends it.

#[path = "common/client.rs"]
mod client;
#[path = "common/rules.rs"]
mod rules;

use client::{Client, Reply, ask, render, request};
use guida::clock::{BoxClock, Forgetful};
use guida::engine::Engine;
use guida::http::{HttpSettings, Server, serve};
use jiff::{SignedDuration, Timestamp};
use rules::Rules;
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

const QUESTION: &str = "取八万块还要写干嘛用吗";
const FOLLOW_UP: &str = "那十万呢";
const FULL: &str = "取十万块还要写干嘛用吗";

/// A service over the small rulebook, by a clock that the test sets.
struct Service {
    addr: SocketAddr,
    now: Arc<AtomicI64>,
    server: Option<Server>,
    _rules: Rules,
}

impl Service {
    fn start() -> Service {
        let rules = Rules::cash();
        let start: Timestamp = "2026-06-01T02:00:00Z".parse().unwrap();
        let now = Arc::new(AtomicI64::new(start.as_second()));
        let source = Arc::clone(&now);
        let clock =
            BoxClock::by(move || Timestamp::from_second(source.load(Ordering::Acquire)).unwrap(), None, Forgetful);
        let engine = Engine::open(&rules.kb, None, None, None).unwrap().with_clock(Arc::new(clock));
        let settings = HttpSettings::new(([127, 0, 0, 1], 0).into());
        let server = serve(Arc::new(engine), settings, Arc::new(AtomicBool::new(false))).unwrap();
        Service { addr: server.addr(), now, server: Some(server), _rules: rules }
    }

    fn wait(&self, time: SignedDuration) {
        self.now.fetch_add(time.as_secs(), Ordering::AcqRel);
    }

    fn ask(&self, request: Value) -> Value {
        let reply = ask(self.addr, &request.to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            server.join();
        }
    }
}

fn session(reply: &Value) -> &str {
    let id = reply["session"].as_str().unwrap();
    assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    id
}

fn is_asked_back(reply: &Value) -> bool {
    reply["refused"] == true && reply["refusal"]["incomplete"] == true && reply["citations"] == json!([])
}

#[test]
fn a_follow_up_is_read_with_what_came_before() {
    let service = Service::start();
    let first = service.ask(json!({ "question": QUESTION }));
    assert_eq!((&first["refused"], &first["read_as"], &first["asked"]), (&json!(false), &Value::Null, &Value::Null));
    // By itself it says nothing, and is asked back.
    let alone = service.ask(json!({ "question": FOLLOW_UP }));
    assert!(is_asked_back(&alone), "{alone}");
    assert!(alone["refusal"]["reason"].as_str().is_some_and(|reason| reason.contains("没有说明是哪件事")), "{alone}");
    assert_ne!(session(&alone), session(&first));
    let second = service.ask(json!({ "question": FOLLOW_UP, "session": session(&first) }));
    assert_eq!((&second["refused"], &second["question"]), (&json!(false), &json!(FULL)), "{second}");
    assert_eq!(second["read_as"], json!(format!("按“{FULL}”理解")));
    assert_eq!((&second["asked"], session(&second)), (&json!(FOLLOW_UP), session(&first)));
    // Asking on gets the same matter; a matter of its own is taken as it comes.
    let again = service.ask(json!({ "question": "还有别的吗", "session": session(&first) }));
    let first_clause = |reply: &Value| reply["citations"][0]["id"].clone();
    assert_eq!((&again["question"], first_clause(&again)), (&second["question"], first_clause(&second)));
    let other = service.ask(json!({ "question": "金库密码多久换一次", "session": session(&first) }));
    assert_eq!((&other["question"], &other["read_as"]), (&json!("金库密码多久换一次"), &Value::Null));
}

#[test]
fn fresh_and_unknown_sessions_know_nothing() {
    let service = Service::start();
    let first = service.ask(json!({ "question": QUESTION }));
    let dropped = service.ask(json!({ "question": FOLLOW_UP, "session": session(&first), "fresh": true }));
    assert!(is_asked_back(&dropped) && session(&dropped) == session(&first), "{dropped}");
    // What was asked before is forgotten for good.
    assert!(is_asked_back(&service.ask(json!({ "question": FOLLOW_UP, "session": session(&first) }))));
    for unknown in ["", "0123456789abcdef0123456789abcdef", "不认识", &"长".repeat(1000)] {
        let reply = service.ask(json!({ "question": FOLLOW_UP, "session": unknown }));
        assert!(is_asked_back(&reply) && session(&reply) != unknown, "{reply}");
    }
    // What another one asked changes nothing here.
    let mine = service.ask(json!({ "question": QUESTION }));
    service.ask(json!({ "question": "三十万要提前几天预约" }));
    let follow = service.ask(json!({ "question": FOLLOW_UP, "session": session(&mine) }));
    assert_eq!(follow["question"], json!(FULL));
}

#[test]
fn an_idle_session_ends() {
    let service = Service::start();
    let first = service.ask(json!({ "question": QUESTION }));
    for _ in 0..3 {
        service.wait(SignedDuration::from_mins(9));
        let follow = service.ask(json!({ "question": FOLLOW_UP, "session": session(&first) }));
        assert_eq!(follow["question"], json!(FULL), "a session in use goes on");
    }
    service.wait(SignedDuration::from_mins(11));
    let late = service.ask(json!({ "question": FOLLOW_UP, "session": session(&first) }));
    assert!(is_asked_back(&late) && session(&late) != session(&first), "{late}");
}

#[test]
fn the_day_goes_on_and_personal_data_stays_masked() {
    let service = Service::start();
    let first = service.ask(json!({ "question": QUESTION, "as_of": "2025-06-01" }));
    let follow = service.ask(json!({ "question": FOLLOW_UP, "session": session(&first) }));
    assert_eq!(follow["as_of"], "2025-06-01");
    let notices = follow["notices"].to_string();
    assert!(notices.contains("规则日期沿用上一问的 2025-06-01"), "{notices}");
    let named = service.ask(json!({ "question": FOLLOW_UP, "as_of": "2026-06-01", "session": session(&first) }));
    assert_eq!(named["as_of"], "2026-06-01");
    let first = service.ask(json!({ "question": "手机13800138000的客户取八万块还要写干嘛用吗" }));
    let follow = service.ask(json!({ "question": "那十万呢,手机13900139000", "session": session(&first) }));
    let text = follow.to_string();
    assert!(follow["read_as"].is_string() && !text.contains("13800138000") && !text.contains("13900139000"), "{text}");
    assert!(follow["notices"].to_string().contains("手机号已遮盖"), "{text}");
    assert!(follow["question"].as_str().is_some_and(|question| question.contains("取十万块")), "{text}");
}

#[test]
fn streams_and_the_plain_page_carry_the_session() {
    let service = Service::start();
    let mut client = Client::connect(service.addr);
    let headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")];
    let body = json!({ "question": QUESTION }).to_string();
    client.send(&render("POST", "/api/v1/ask", &headers, body.as_bytes())).unwrap();
    client.head().unwrap();
    let (name, card) = client.event().unwrap();
    assert_eq!((name.as_str(), &card["question"]), ("card", &json!(QUESTION)));
    let form = |fields: &[(&str, &str)]| -> Reply {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        request(service.addr, "POST", "/ask", &headers, body.join("&").as_bytes())
    };
    let page = form(&[("q", FOLLOW_UP), ("session", session(&card))]);
    assert_eq!(page.status, 200);
    let field = format!("name=\"session\" value=\"{}\"", session(&card));
    assert!(page.text().contains(&format!("按“{FULL}”理解")) && page.text().contains(&field), "{}", page.text());
    let alone = form(&[("q", FOLLOW_UP)]);
    assert!(alone.text().contains("请补充") && !alone.text().contains("理解"), "{}", alone.text());
}

#[test]
fn the_terminal_keeps_the_dialogue() {
    let rules = Rules::cash();
    let mut chat = Command::new(env!("CARGO_BIN_EXE_guida"))
        .args(["chat", "--no-embedder", "--as-of", "2026-06-01", "--kb"])
        .arg(&rules.kb)
        .env_remove("GUIDA_KB")
        .env_remove("GUIDA_DATA")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let typed = format!("{QUESTION}\n\n{FOLLOW_UP}\n???\n/new\n{FOLLOW_UP}\n/quit\n{QUESTION}\n");
    chat.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = chat.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.matches("结论:").count(), 2, "{printed}");
    assert!(printed.contains(&format!("※ 按“{FULL}”理解")), "{printed}");
    assert!(printed.contains("[QUESTION_EMPTY]") && printed.contains("没有说明是哪件事"), "{printed}");
}
