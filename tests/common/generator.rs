//! A real generator on a tiny model, and what it reports.
#![allow(dead_code)] // Every test file uses a part.

use crate::gguf::{ChatSpec, write_chat_model};
use guida::error::Code;
use guida::inference::{
    Block, ChildGenerator, Constraint, GenerateEvent, GenerateRequest, GenerateStats, Generation, Generator,
    GeneratorSettings, Prompt,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No wait in these tests takes longer than this, unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// More than the tiny model writes while a test acts on it.
pub const MANY_TOKENS: u32 = 12_000;

pub fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_guida"))
}

pub fn chat_model(folder: &tempfile::TempDir, spec: &ChatSpec) -> PathBuf {
    let path = folder.path().join("chat.gguf");
    write_chat_model(&path, spec);
    path
}

pub fn settings(model: PathBuf) -> GeneratorSettings {
    GeneratorSettings { context_tokens: 16_384, threads: Some(1), ..GeneratorSettings::new(model) }
}

/// A generator on a tiny chat model, ready.
pub fn ready(folder: &tempfile::TempDir, spec: &ChatSpec) -> ChildGenerator {
    let generator = ChildGenerator::spawn(exe(), settings(chat_model(folder, spec))).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    generator
}

/// A generator on a tiny chat model that writes one reply at a time, ready.
pub fn alone(folder: &tempfile::TempDir) -> ChildGenerator {
    let settings = GeneratorSettings { slots: 1, ..settings(chat_model(folder, &ChatSpec::default())) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    generator
}

pub fn prompt(evidence: &[&str]) -> Prompt {
    Prompt {
        system: "你是柜面助手。".into(),
        head: "条款:".into(),
        evidence: blocks(evidence),
        tail: "身份证过期三个月,卡还能取钱吗".into(),
    }
}

/// Blocks in order of importance.
pub fn blocks(evidence: &[&str]) -> Vec<Block> {
    (0u32..).zip(evidence).map(|(rank, text)| Block { text: (*text).to_owned(), rank }).collect()
}

pub fn request(max_tokens: u32) -> GenerateRequest {
    GenerateRequest {
        prompt: prompt(&["存款凭证。"]),
        max_tokens,
        max_time_ms: 60_000,
        temperature: 0.0,
        seed: 1,
        constraint: Constraint::Free,
    }
}

pub fn next(generation: &Generation) -> GenerateEvent {
    generation.events.recv_timeout(PATIENCE).expect("an event")
}

/// Waits for the first piece of text.
pub fn first_token(generation: &Generation) {
    while !matches!(next(generation), GenerateEvent::Token(_)) {}
}

/// Everything that a generation reported.
#[derive(Debug)]
pub struct Heard {
    pub queued: Vec<usize>,
    pub prompt_tokens: u32,
    pub left_out: Vec<usize>,
    pub prefill: Vec<(u32, u32)>,
    pub text: String,
    pub end: Result<GenerateStats, Code>,
}

pub fn listen(generation: &Generation) -> Heard {
    let mut heard = Heard {
        queued: vec![],
        prompt_tokens: 0,
        left_out: vec![],
        prefill: vec![],
        text: String::new(),
        end: Err(Code::Internal),
    };
    loop {
        match next(generation) {
            GenerateEvent::Queued { ahead } => heard.queued.push(ahead),
            GenerateEvent::Started { prompt_tokens, left_out } => {
                (heard.prompt_tokens, heard.left_out) = (prompt_tokens, left_out);
            }
            GenerateEvent::Prefill { done, total } => heard.prefill.push((done, total)),
            GenerateEvent::Token(text) => heard.text.push_str(&text),
            GenerateEvent::Done(stats) => heard.end = Ok(stats),
            GenerateEvent::Failed(error) => heard.end = Err(error.code()),
        }
        if !matches!(heard.end, Err(Code::Internal)) {
            assert!(generation.events.recv_timeout(PATIENCE).is_err(), "nothing comes after the end");
            return heard;
        }
    }
}

pub fn run(generator: &ChildGenerator, request: GenerateRequest) -> Heard {
    listen(&generator.start(request).expect("start"))
}

/// Waits until a condition holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}
