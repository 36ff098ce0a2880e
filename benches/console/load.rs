//! Tellers who ask without a pause.

use crate::client::Client;
use crate::questions::QUESTIONS;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A silence of a stream this long is looked at again: the load may be over.
const SILENCE: Duration = Duration::from_millis(200);

/// Questions on their way.
pub struct Load {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    begun: Instant,
    tellers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    answers: AtomicUsize,
    errors: AtomicUsize,
    written: AtomicUsize,
}

/// What became of them.
pub struct Done {
    pub answers_per_s: f64,
    pub errors: usize,
    /// Bytes of prose streams.
    pub written: usize,
}

impl Load {
    /// Has `cards` tellers ask for cards, and `streams` for cards with prose.
    pub fn start(addr: SocketAddr, cards: usize, streams: usize) -> Load {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::<Counts>::default());
        let teller = |number: usize| {
            let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
            std::thread::spawn(move || {
                if number < cards {
                    ask(addr, number, &stop, &counts);
                } else {
                    listen(addr, number, &stop, &counts);
                }
            })
        };
        let tellers = (0..cards + streams).map(teller).collect();
        Load { stop, counts, begun: Instant::now(), tellers }
    }

    /// Ends it.
    pub fn stop(self) -> Result<Done, String> {
        self.stop.store(true, Ordering::Relaxed);
        let seconds = self.begun.elapsed().as_secs_f64();
        for teller in self.tellers {
            teller.join().map_err(|_| "a teller panicked")?;
        }
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        Ok(Done {
            answers_per_s: count(&self.counts.answers) as f64 / seconds,
            errors: count(&self.counts.errors),
            written: count(&self.counts.written),
        })
    }
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
        "POST /api/v1/ask HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n\
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
