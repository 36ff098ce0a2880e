//! A service with fixed answers in this process: prose, faults, answers that come late.

use super::client::PATIENCE;
use super::door::{self, FixedDoor};
use super::product::until;
use super::{Raw, connect};
use guida::admin::client::{CallError, Client, Told};
use guida::admin::{serve, socket_path};
use guida::engine::reply::{ProseEvent, Reply};
use guida::engine::request::{AskRequest, Request};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A server in this process, with fixed answers.
pub struct Fixed {
    door: Arc<FixedDoor>,
    server: Option<guida::admin::Server>,
    pub folder: TempDir,
}

impl Fixed {
    pub fn start() -> Fixed {
        let folder = TempDir::new().unwrap();
        let door = Arc::new(FixedDoor::default());
        let server = serve(door.clone(), &socket_path(folder.path()), Arc::new(AtomicBool::new(false))).expect("serve");
        Fixed { door, server: Some(server), folder }
    }

    pub fn path(&self) -> PathBuf {
        socket_path(self.folder.path())
    }

    fn client(&self) -> Client {
        connect(self.folder.path())
    }

    fn cancelled(&self) -> bool {
        self.door.hanging.lock().unwrap().as_ref().is_some_and(|cancel| cancel.load(Ordering::Acquire))
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            server.join();
        }
    }
}

fn prose(question: &str) -> AskRequest {
    AskRequest { question: question.into(), prose: true, ..AskRequest::default() }
}

#[test]
fn prose_follows_its_card_line_by_line() {
    let fixed = Fixed::start();
    let (mut raw, _) = Raw::connect(&fixed.path());
    let card = raw.ask(r#"{"id":3,"request":{"ask":{"question":"问","prose":true}}}"#);
    assert_eq!((&card["id"], &card["more"]), (&json!(3), &json!(true)));
    assert_eq!(card["ok"]["answer"]["card"]["question"], "问");
    let lines: Vec<Value> = std::iter::from_fn(|| raw.line()).take_while(|line| line["end"] != true).collect();
    assert!(lines.iter().all(|line| line["id"] == 3));
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"]["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("progress", "done"));
    let tokens: String = lines.iter().filter_map(|line| line["event"]["text"].as_str()).collect();
    assert!(tokens.starts_with("客户的身份证过期三个月,"));
    // The connection goes on.
    assert!(raw.ask(r#"{"id":4,"request":"status"}"#)["ok"].is_object());

    // The same with the client.
    let mut console = fixed.client();
    let (mut cards, mut text, mut done) = (0, String::new(), None);
    let asked = console.ask(prose("问"), &mut |told| {
        match told {
            Told::Card(answer) => cards += usize::from(answer.card.question == "问" && text.is_empty()),
            Told::Prose(ProseEvent::Token { text: more }) => text += &more,
            Told::Prose(ProseEvent::Done(summary)) => done = Some(summary),
            Told::Prose(_) | Told::Waiting => {}
        }
        true
    });
    assert!(asked.is_ok() && cards == 1, "{asked:?}");
    assert_eq!(done.map(|done| done.text), Some(text));
    // Without prose there is the card alone; a refused question is an error; after both the connection goes on.
    let mut heard = 0;
    let without = AskRequest { prose: false, ..prose("问") };
    let asked = console.ask(without, &mut |told| {
        heard += 1;
        matches!(told, Told::Card(_))
    });
    assert!(asked.is_ok(), "{asked:?}");
    assert_eq!(heard, 1);
    let empty = console.ask(prose(""), &mut |_| true);
    assert!(matches!(&empty, Err(CallError::Refused(error)) if error.code == "QUESTION_EMPTY"), "{empty:?}");
    assert!(console.call(&Request::Status).is_ok());
}

#[test]
fn whoever_goes_away_or_has_heard_enough_stops_the_writing() {
    let fixed = Fixed::start();
    let (mut raw, _) = Raw::connect(&fixed.path());
    raw.ask(&json!({ "id": 1, "request": { "ask": { "question": door::HANG, "prose": true } } }).to_string());
    assert!(!fixed.cancelled());
    drop(raw);
    until("the writing is stopped", || fixed.cancelled());

    // Enough at a moment at which nothing comes: the client may go on with another request.
    let mut console = fixed.client();
    let mut waited = false;
    let stopped = console.ask(prose(door::HANG), &mut |told| {
        waited |= matches!(told, Told::Waiting);
        !waited
    });
    assert!(stopped.is_ok() && waited);
    until("the writing is stopped", || fixed.cancelled());
    assert!(console.call(&Request::Status).is_ok());
}

#[test]
fn an_end_of_the_service_breaks_prose_off_with_a_word() {
    let mut fixed = Fixed::start();
    let mut console = fixed.client();
    let (mut last, mut stopping) = (None, None);
    let asked = console.ask(prose(door::HANG), &mut |told| {
        if matches!(told, Told::Waiting)
            && let Some(running) = fixed.server.take()
        {
            running.stop();
            stopping = Some(running);
        }
        if let Told::Prose(event) = told {
            last = Some(event);
        }
        true
    });
    assert!(asked.is_ok(), "{asked:?}");
    assert!(matches!(&last, Some(ProseEvent::Error(error)) if error.code == "CANCELLED"), "{last:?}");
    stopping.expect("it was stopped").join();
    assert!(!fixed.path().exists());
}

#[test]
fn a_fault_in_one_answer_is_told_and_a_late_answer_is_passed_over() {
    let fixed = Fixed::start();
    let mut console = fixed.client();
    let ask = |question: &str| Request::Ask(AskRequest { question: question.into(), ..AskRequest::default() });
    let fault = console.call(&ask(door::PANIC));
    assert!(matches!(&fault, Err(CallError::Refused(error)) if error.code == "INTERNAL"), "{fault:?}");
    console.set_timeout(Duration::from_millis(50));
    assert!(matches!(console.call(&ask(door::WAIT)), Err(CallError::TimedOut)));
    fixed.door.open.store(true, Ordering::Release);
    console.set_timeout(PATIENCE);
    // Not the card of the question before.
    assert!(matches!(console.call(&Request::Status), Ok(Reply::Status(_))));
}
