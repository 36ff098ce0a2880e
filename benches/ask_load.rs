//! Load on `POST /api/v1/ask`: many tellers asking at once, cards only.
//!
//! `cargo bench --bench ask_load -- [--addr HOST:PORT | --guida BINARY --kb FILE] [--clients 50] [--requests 100]
//! [--questions FILE.jsonl] [--pace SECONDS]`
//!
//! Without `--pace` every client asks again as soon as it has its answer, which no teller does; with it each asks one question in so many
//! seconds, all of them spread evenly. The processor time of the server a question is told where the server was started here.
//!
//! With `--addr` a running server is measured, otherwise the binary is started on a free port. The time of a request
//! is from its first byte out to its last byte in, over kept connections, as a browser does it.

#[path = "support/client.rs"]
mod client;
#[path = "support/questions.rs"]
mod questions;

use client::{Client, hardware};
use questions::QUESTIONS;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

struct Options {
    addr: Option<SocketAddr>,
    guida: String,
    kb: String,
    clients: usize,
    requests: usize,
    questions: Vec<String>,
    pace: Option<Duration>,
}

fn main() -> ExitCode {
    match options().and_then(|options| measure(&options)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(errors) => {
            eprintln!("{errors} requests failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        addr: None,
        guida: option_env!("CARGO_BIN_EXE_guida").unwrap_or("guida").to_owned(),
        kb: "knowledge.db".to_owned(),
        clients: 50,
        requests: 100,
        questions: QUESTIONS.map(str::to_owned).to_vec(),
        pace: None,
    };
    // Cargo passes `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<usize>().ok().filter(|n| *n > 0).ok_or(format!("{name} takes a number above 0"));
        match name.as_str() {
            "--addr" => options.addr = Some(value.parse().map_err(|_| format!("{value} is no HOST:PORT"))?),
            "--guida" => options.guida = value,
            "--kb" => options.kb = value,
            "--clients" => options.clients = number()?,
            "--pace" => options.pace = Some(Duration::from_secs(number()? as u64)),
            "--requests" => options.requests = number()?,
            "--questions" => options.questions = read_questions(&value)?,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn read_questions(path: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let question = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|e| format!("{path}: {e}"))?;
        value["question"].as_str().map(str::to_owned).ok_or_else(|| format!("{path}: a line has no question"))
    };
    let all: Vec<String> = text.lines().filter(|l| !l.trim().is_empty()).map(question).collect::<Result<_, _>>()?;
    if all.is_empty() { Err(format!("{path} has no questions")) } else { Ok(all) }
}

/// A server that this program started; it ends with it.
struct Started(Child);

impl Started {
    /// Processor time of the server so far, of all its threads: fields 14 and 15 of proc(5)'s stat, in ticks of 1/100 s.
    fn processor_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / 100.0)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(options: &Options) -> Result<(Started, SocketAddr), String> {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--kb", &options.kb];
    let child = Command::new(&options.guida).args(arguments).stdout(Stdio::piped()).spawn();
    let mut started = Started(child.map_err(|e| format!("{}: {e}", options.guida))?);
    let stdout = started.0.stdout.take().ok_or("no output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|e| e.to_string())?;
        let addr = line.split("http://").nth(1).and_then(|a| a.trim().trim_end_matches('/').parse().ok());
        if let Some(addr) = addr {
            return Ok((started, addr));
        }
    }
    Err("the server ended before it listened".to_owned())
}

fn measure(options: &Options) -> Result<usize, String> {
    let (server, addr) = match options.addr {
        Some(addr) => (None, addr),
        None => start(options).map(|(server, addr)| (Some(server), addr))?,
    };
    // One round to warm the server's caches; also finds out whether it answers at all.
    let mut first = Client::connect(addr).map_err(|e| format!("{addr}: {e}"))?;
    for question in &options.questions {
        ask(&mut first, question).map_err(|e| format!("{question}: {e}"))?;
    }
    let start_together = Arc::new(Barrier::new(options.clients + 1));
    let questions = Arc::new(options.questions.clone());
    let work = |number: usize| {
        let (barrier, questions, requests) = (Arc::clone(&start_together), Arc::clone(&questions), options.requests);
        let pace = options.pace;
        // Spread over the first round, so that they do not all ask at once.
        let offset = pace.map(|pace| pace.mul_f64(number as f64 / options.clients as f64));
        std::thread::spawn(move || {
            let mut client = Client::connect(addr);
            barrier.wait();
            let started = Instant::now();
            let (mut times, mut errors) = (Vec::with_capacity(requests), 0);
            for turn in 0..requests {
                let question = &questions[(number * 7 + turn) % questions.len()];
                if let (Some(pace), Some(offset)) = (pace, offset) {
                    let due = offset + pace.mul_f64(turn as f64);
                    std::thread::sleep(due.saturating_sub(started.elapsed()));
                }
                let begun = Instant::now();
                match client.as_mut().map_err(|_| ()).and_then(|c| ask(c, question).map_err(|_| ())) {
                    Ok(()) => times.push(begun.elapsed()),
                    Err(()) => {
                        errors += 1;
                        client = Client::connect(addr);
                    }
                }
            }
            (times, errors)
        })
    };
    let threads: Vec<_> = (0..options.clients).map(work).collect();
    let before = server.as_ref().and_then(|server| server.processor_seconds());
    start_together.wait();
    let begun = Instant::now();
    let (mut times, mut errors) = (Vec::new(), 0);
    for thread in threads {
        let (some, failed) = thread.join().map_err(|_| "a client panicked")?;
        times.extend(some);
        errors += failed;
    }
    let wall = begun.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
        times.get(index).map_or(f64::NAN, |t| t.as_secs_f64() * 1000.0)
    };
    let spent = server.as_ref().and_then(|server| server.processor_seconds()).zip(before).map(|(now, then)| now - then);
    println!("{}", hardware());
    if let Some(spent) = spent {
        println!("processor time of the server a question: {:.1} ms", spent * 1e3 / times.len().max(1) as f64);
    }
    println!(
        "clients {} | requests {} | errors {errors} | p50 {:.1} ms | p95 {:.1} ms | p99 {:.1} ms | max {:.1} ms | {:.0} answers/s",
        options.clients,
        times.len() + errors,
        at(0.50),
        at(0.95),
        at(0.99),
        at(1.0),
        times.len() as f64 / wall
    );
    Ok(errors)
}

/// Asks and reads the whole answer; anything but a card is an error.
fn ask(client: &mut Client, question: &str) -> std::io::Result<()> {
    let (status, body) = client.ask(question)?;
    let card = status.contains(" 200 ") && body.starts_with(b"{\"question\"");
    if card { Ok(()) } else { Err(std::io::Error::other(status)) }
}
