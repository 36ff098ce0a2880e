//! Tellers who ask without a pause.

use crate::apart::apart;
use crate::client::Client;
use crate::questions::QUESTIONS;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A silence of a stream this long is looked at again: the load may be over.
const SILENCE: Duration = Duration::from_millis(200);

/// The argument that makes this program the tellers.
pub const AS_LOAD: &str = "--as-load";

/// Questions on their way, from a process of their own.
pub struct Load {
    tellers: Child,
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.tellers.kill();
        let _ = self.tellers.wait();
    }
}

/// What became of them.
#[derive(Serialize, Deserialize)]
pub struct Done {
    pub answers_per_s: f64,
    pub errors: usize,
    /// Bytes of prose streams.
    pub written: usize,
}

#[derive(Default)]
struct Counts {
    answers: AtomicUsize,
    errors: AtomicUsize,
    written: AtomicUsize,
}

impl Load {
    /// Has `cards` tellers ask for cards, and `streams` for cards with prose.
    pub fn start(addr: SocketAddr, cards: usize, streams: usize) -> Result<Load, String> {
        let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
        command.arg(AS_LOAD).args([addr.to_string(), cards.to_string(), streams.to_string()]);
        apart(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let tellers = command.spawn().map_err(|e| format!("no tellers: {e}"))?;
        Ok(Load { tellers })
    }

    /// Ends it: the tellers stop when their input does.
    pub fn stop(mut self) -> Result<Done, String> {
        drop(self.tellers.stdin.take());
        let output = self.tellers.stdout.take().ok_or("no output of the tellers")?;
        serde_json::from_reader(output).map_err(|e| format!("the tellers: {e}"))
    }
}

/// The process of the tellers: asks until its input ends, then tells what became of it.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [addr, cards, streams] = arguments else { return Err(format!("{AS_LOAD} ADDRESS CARDS STREAMS")) };
    let addr: SocketAddr = addr.parse().map_err(|_| format!("{addr} is no HOST:PORT"))?;
    let number = |text: &String| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
    let (cards, streams) = (number(cards)?, number(streams)?);
    let (stop, counts, begun) = (AtomicBool::new(false), Counts::default(), Instant::now());
    let seconds = thread::scope(|scope| {
        for number in 0..cards + streams {
            let (stop, counts) = (&stop, &counts);
            scope.spawn(move || match number < cards {
                true => ask(addr, number, stop, counts),
                false => listen(addr, number, stop, counts),
            });
        }
        // Nothing is ever said to it but that it is over.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        stop.store(true, Ordering::Relaxed);
        begun.elapsed().as_secs_f64()
    });
    let count = |of: AtomicUsize| of.into_inner();
    let done = Done {
        answers_per_s: count(counts.answers) as f64 / seconds,
        errors: count(counts.errors),
        written: count(counts.written),
    };
    serde_json::to_writer(std::io::stdout(), &done).map_err(|e| e.to_string())
}

fn question(number: usize, turn: usize) -> &'static str {
    QUESTIONS[(number * 7 + turn) % QUESTIONS.len()]
}

fn ask(addr: SocketAddr, number: usize, stop: &AtomicBool, counts: &Counts) {
    let mut client = Client::connect(addr);
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let answer = client.as_mut().map_err(|_| ()).and_then(|c| c.ask(question(number, turn)).map_err(|_| ()));
        if answer.is_ok_and(|(status, _)| status.contains(" 200 ")) {
            counts.answers.fetch_add(1, Ordering::Relaxed);
        } else {
            counts.errors.fetch_add(1, Ordering::Relaxed);
            client = Client::connect(addr);
        }
    }
}

/// Reads streams to their ends, one after another.
fn listen(addr: SocketAddr, number: usize, stop: &AtomicBool, counts: &Counts) {
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match stream(addr, question(number, turn), stop) {
            Ok(written) => {
                counts.answers.fetch_add(1, Ordering::Relaxed);
                counts.written.fetch_add(written, Ordering::Relaxed);
            }
            Err(_) => _ = counts.errors.fetch_add(1, Ordering::Relaxed),
        }
    }
}

fn stream(addr: SocketAddr, question: &str, stop: &AtomicBool) -> std::io::Result<usize> {
    let body = json!({ "question": question, "prose": true }).to_string();
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(SILENCE))?;
    write!(
        stream,
        "POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let (mut bytes, mut written) = ([0; 4096], 0);
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(length) => written += length,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(written)
}
