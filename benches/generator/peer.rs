//! llama-server and llama-bench, as their own programs.

use crate::ours::Asked;
use crate::{Heard, Options, Writer};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(900);

/// A running llama-server; killed when dropped.
pub struct Server {
    process: Child,
    port: u16,
    pub settings: String,
}

impl Server {
    /// Starts it with `slots` slots and further settings.
    pub fn start(options: &Options, slots: u32, further: &[&str]) -> Result<Server, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?;
        let threads = options.threads.to_string();
        // As many cells as Guida takes for so many slots, and never too few for the longest prompt.
        let context = (slots * 2048).max(8192).to_string();
        let process = Command::new(options.peer.join("llama-server"))
            .arg("-m")
            .arg(&options.model)
            .args(["--host", "127.0.0.1", "--port", &free.port().to_string(), "-t", &threads, "-tb", &threads])
            .args(["-c", &context, "-np", &slots.to_string(), "--no-webui", "--no-warmup"])
            .args(further)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("llama-server: {e}"))?;
        let server = Server { process, port: free.port(), settings: further.join(" ") };
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let healthy = server.send("GET", "/health", "").and_then(|mut reply| {
                let mut text = String::new();
                reply.read_to_string(&mut text).map(|_| text).map_err(|e| e.to_string())
            });
            if healthy.is_ok_and(|text| text.starts_with("HTTP/1.1 200")) {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("llama-server did not come up".into())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<BufReader<TcpStream>, String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .map_err(|e| e.to_string())?;
        Ok(BufReader::new(stream))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Writer for Server {
    fn ask(&self, prompt: &Asked, words: u32, token: &mut dyn FnMut()) -> Result<Heard, String> {
        let began = Instant::now();
        let body = serde_json::json!({
            "prompt": prompt.text(), "n_predict": words, "temperature": 0, "samplers": ["temperature"],
            "cache_prompt": true, "ignore_eos": true, "stream": true,
        });
        let mut heard = Heard::default();
        for line in self.send("POST", "/completion", &body.to_string())?.lines() {
            let line = line.map_err(|e| e.to_string())?;
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let event: serde_json::Value = serde_json::from_str(data).map_err(|e| format!("{e}: {data}"))?;
            if event["stop"] == true {
                heard.prompt_tokens = event["tokens_evaluated"].as_u64().unwrap_or(0) as usize;
                heard.prefilled = event["timings"]["prompt_n"].as_u64().unwrap_or(0) as usize;
                // Characters that came in pieces were sent as one: the count is the server's, the last moment fills up.
                let written = event["tokens_predicted"].as_u64().unwrap_or(0) as usize;
                let last = heard.tokens.last().copied().unwrap_or_default();
                heard.tokens.resize(written.max(heard.tokens.len()), last);
                return Ok(heard);
            }
            heard.tokens.push(began.elapsed());
            token();
        }
        Err("llama-server closed the stream".into())
    }
}

/// Prompt and writing speed that llama-bench measures, in tokens per second.
pub fn bench(options: &Options, prompt: u32, words: u32, depth: u32) -> Result<(f64, f64), String> {
    let output = Command::new(options.peer.join("llama-bench"))
        .arg("-m")
        .arg(&options.model)
        .args(["-t", &options.threads.to_string(), "-p", &prompt.to_string(), "-n", &words.to_string()])
        // Behind as many tokens as our reply is written behind.
        .args(["-d", &depth.to_string(), "-r", "1", "-o", "json"])
        .output()
        .map_err(|e| format!("llama-bench: {e}"))?;
    let runs: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| format!("llama-bench: {e}"))?;
    let speed = |key: &str| {
        runs.as_array()
            .and_then(|runs| runs.iter().find(|run| run[key].as_u64().unwrap_or(0) > 0))
            .and_then(|run| run["avg_ts"].as_f64())
            .ok_or_else(|| format!("llama-bench gave no {key}"))
    };
    Ok((speed("n_prompt")?, speed("n_gen")?))
}
