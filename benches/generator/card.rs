//! Evidence cards of the product while its generator is saturated.

use crate::{Options, quantile};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// Cards of one measurement.
const CARDS: usize = 300;
/// Streams that keep the generator busy.
const STREAMS: usize = 12;

struct Product {
    process: Child,
    addr: String,
}

impl Product {
    fn start(options: &Options) -> Result<Product, String> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_guida"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--threads",
                &options.threads.to_string(),
                "--prompt-cache",
                "256",
            ])
            .arg("--kb")
            .arg(&options.kb)
            .arg("--model")
            .arg(&options.model)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line).map_err(|e| e.to_string())?;
        let addr = line.trim().rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Product { process, addr })
    }

    fn send(&self, method: &str, path: &str, accept: &str, body: &str) -> Result<BufReader<TcpStream>, String> {
        let mut stream = TcpStream::connect(&self.addr).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: {accept}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .map_err(|e| e.to_string())?;
        Ok(BufReader::new(stream))
    }

    fn text(&self, path: &str) -> Result<String, String> {
        let mut text = String::new();
        self.send("GET", path, "*/*", "")?.read_to_string(&mut text).map_err(|e| e.to_string())?;
        Ok(text)
    }

    /// Time of one card, in milliseconds.
    fn card(&self, question: &str) -> Result<f64, String> {
        let began = Instant::now();
        let body = serde_json::json!({ "question": question }).to_string();
        let mut reply = String::new();
        self.send("POST", "/api/v1/ask", "application/json", &body)?
            .read_to_string(&mut reply)
            .map_err(|e| e.to_string())?;
        match reply.starts_with("HTTP/1.1 200") {
            true => Ok(began.elapsed().as_secs_f64() * 1e3),
            false => Err(reply.lines().next().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The card's p95 with the generator idle and saturated, alternately.
pub fn saturated(options: &Options) -> Result<(), String> {
    let text = std::fs::read_to_string(&options.questions).map_err(|e| format!("questions: {e}"))?;
    let questions: Vec<String> = text
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line).ok()?["question"].as_str().map(str::to_owned)
        })
        .collect();
    let product = Product::start(options)?;
    let until = Instant::now() + PATIENCE;
    while !product.text("/api/v1/status")?.contains("\"ready\":true") {
        if Instant::now() > until {
            return Err("the model does not come up".into());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    // The curated questions are asked once after the start.
    std::thread::sleep(Duration::from_secs(20));
    let p95 = || -> Result<f64, String> {
        let times: Result<Vec<f64>, String> =
            questions.iter().take(CARDS).map(|question| product.card(question)).collect();
        Ok(quantile(&times?, 0.95))
    };
    let mut ratios = Vec::new();
    for _ in 0..options.rounds {
        let idle = p95()?;
        let stop = AtomicBool::new(false);
        let busy = std::thread::scope(|scope| {
            for stream in 0..STREAMS {
                let (product, questions, stop) = (&product, &questions, &stop);
                scope.spawn(move || {
                    let mut n = stream * 31;
                    while !stop.load(Ordering::Acquire) {
                        n += 7;
                        let body = serde_json::json!({ "question": questions[n % questions.len()], "prose": true });
                        let Ok(reply) = product.send("POST", "/api/v1/ask", "text/event-stream", &body.to_string())
                        else {
                            continue;
                        };
                        for _ in reply.lines().map_while(Result::ok) {
                            if stop.load(Ordering::Acquire) {
                                break;
                            }
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_secs(5));
            let busy = p95();
            stop.store(true, Ordering::Release);
            busy
        })?;
        println!("| card p95 with the generator idle {idle:.1} ms, saturated by {STREAMS} streams {busy:.1} ms |");
        ratios.push(busy / idle);
    }
    println!("| card p95, saturated to idle, median | {:.2} |", quantile(&ratios, 0.5));
    Ok(())
}
