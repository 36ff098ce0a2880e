//! The generator process in trouble: killed, hung, fed with files that are no model; and what it may not do.

#[path = "common/generator.rs"]
mod generator;
#[path = "common/gguf.rs"]
mod gguf;

use generator::*;
use gguf::{ChatSpec, write_encoder_model};
use guida::error::Code;
use guida::inference::{ChildGenerator, GenerateRequest, Generator, GeneratorSettings};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn signal(name: &str, pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().expect("kill");
    assert!(status.success());
}

fn process_status(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

fn gone(pid: u32) -> bool {
    process_status(pid).is_none()
}

#[test]
fn a_killed_process_fails_its_reply_and_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = alone(&folder);
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    let waiting = generator.start(request(3)).expect("start");
    first_token(&generation);
    let pid = generator.pid().expect("a process");
    assert_eq!(generator.pids(), [pid]);
    signal("KILL", pid);
    assert_eq!(listen(&generation).end, Err(Code::ModelDied));
    // Who waited behind it is served by the next process.
    assert_eq!(listen(&waiting).end.expect("done").generated_tokens, 3);
    assert!(gone(pid), "the dead process was reaped");
    let status = generator.status();
    assert_eq!((status.ready, status.restarts, status.failure), (true, 1, None));
    assert_ne!(generator.pid(), Some(pid));
}

/// The process dies, and another one writes.
fn comes_back(generator: &ChildGenerator, pid: u32) {
    until("the death", || gone(pid));
    generator.wait_ready(PATIENCE).expect("ready again");
    assert_eq!(run(generator, request(3)).end.expect("done").generated_tokens, 3);
}

#[test]
fn a_hung_process_is_killed_and_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let settings = GeneratorSettings { grace_ms: 100, ..settings(chat_model(&folder, &ChatSpec::default())) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let pid = generator.pid().expect("a process");
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&generation);
    signal("STOP", pid);
    generation.cancel();
    assert_eq!(listen(&generation).end, Err(Code::ModelDied));
    comes_back(&generator, pid);
}

#[test]
fn files_that_are_no_model_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = chat_model(&folder, &ChatSpec::default());
    let bytes = std::fs::read(&whole).expect("read");
    let encoder = folder.path().join("encoder.gguf");
    write_encoder_model(&encoder, "存款");
    let mut counts = bytes.clone();
    counts[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases: [(&str, Vec<u8>, Code, &str); 6] = [
        ("truncated", bytes[..bytes.len() / 2].to_vec(), Code::ModelLoad, "文件不完整"),
        ("header-cut", bytes[..100].to_vec(), Code::ModelLoad, "文件不完整"),
        ("text", "第一条 存款自愿".into(), Code::ModelLoad, "不是 GGUF"),
        ("empty", vec![], Code::ModelLoad, "不是 GGUF"),
        ("counts", counts, Code::ModelLoad, "超过上限"),
        ("encoder", std::fs::read(&encoder).expect("read"), Code::ModelUnsuitable, "编码模型"),
    ];
    for (name, content, code, reason) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("write");
        let generator = ChildGenerator::spawn(exe(), settings(path)).expect("spawn");
        let error = generator.wait_ready(PATIENCE).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.message().contains(reason), "{name}: {error}");
        let status = generator.status();
        assert!(!status.ready && status.failure.is_some_and(|failure| failure.contains(reason)), "{name}");
        assert_eq!(generator.start(request(1)).expect_err(name).code(), Code::ModelUnavailable);
    }
    let unreal = GenerateRequest { temperature: f32::NAN, ..request(1) };
    let missing = ChildGenerator::spawn(exe(), settings(folder.path().join("missing.gguf"))).expect("spawn");
    assert_eq!(missing.wait_ready(PATIENCE).expect_err("missing").code(), Code::ModelLoad);
    assert_eq!(missing.start(unreal).expect_err("no number").code(), Code::BadParameter);
}

#[test]
fn a_model_that_only_llama_cpp_can_refuse_is_reported_in_its_words_and_replaced() {
    let folder = tempfile::tempdir().expect("folder");
    let path = chat_model(&folder, &ChatSpec::default());
    let good = std::fs::read(&path).expect("read");
    // A tensor of another name: the header is in order, the model is not complete.
    let name = b"output_norm.weight";
    let at = good.windows(name.len()).position(|window| window == name).expect("the tensor");
    let mut renamed = good.clone();
    renamed[at..at + name.len()].copy_from_slice(b"output_warm.weight");
    std::fs::write(&path, renamed).expect("write");
    let generator = ChildGenerator::spawn(exe(), settings(path.clone())).expect("spawn");
    let error = generator.wait_ready(PATIENCE).expect_err("incomplete");
    assert_eq!(error.code(), Code::ModelLoad);
    assert!(error.message().contains("output_norm"), "{error}");
    // Once the file is right, the next try finds it.
    let fixed = folder.path().join("fixed.gguf");
    std::fs::write(&fixed, good).expect("write");
    std::fs::rename(fixed, path).expect("replace");
    until("the next try", || generator.status().ready);
    assert_eq!(run(&generator, request(2)).end.expect("done").generated_tokens, 2);
}

#[test]
fn a_model_that_fails_an_assertion_takes_only_its_process() {
    let folder = tempfile::tempdir().expect("folder");
    let path = chat_model(&folder, &ChatSpec::default());
    let mut bytes = std::fs::read(&path).expect("read");
    // The same token twice in the vocabulary.
    let pair = [&3u64.to_le_bytes()[..], "客".as_bytes(), &3u64.to_le_bytes()[..], "户".as_bytes()].concat();
    let at = bytes.windows(pair.len()).position(|window| window == pair).expect("two tokens");
    bytes[at + 8..at + 11].copy_from_slice("户".as_bytes());
    std::fs::write(&path, bytes).expect("write");
    let generator = ChildGenerator::spawn(exe(), settings(path)).expect("spawn");
    let error = generator.wait_ready(PATIENCE).expect_err("an assertion");
    assert_eq!(error.code(), Code::ModelLoad);
    assert!(error.message().contains("GGML_ASSERT"), "{error}");
}

#[test]
fn a_context_beyond_the_memory_limit_is_refused_before_it_is_tried() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder, &ChatSpec { context: 1 << 20, ..ChatSpec::default() });
    let large = GeneratorSettings { context_tokens: 1 << 20, memory_limit_mb: Some(128), ..settings(model.clone()) };
    let generator = ChildGenerator::spawn(exe(), large).expect("spawn");
    let error = generator.wait_ready(PATIENCE).expect_err("too large");
    assert_eq!(error.code(), Code::ModelMemory, "{error}");
    assert!(error.message().contains("128 MiB"), "{error}");
    let small = GeneratorSettings { context_tokens: 1024, cache_mb: 0, memory_limit_mb: Some(128), ..settings(model) };
    let generator = ChildGenerator::spawn(exe(), small).expect("spawn");
    generator.wait_ready(PATIENCE).expect("fits");
    assert_eq!(run(&generator, request(2)).end.expect("done").generated_tokens, 2);
}

#[test]
fn the_process_is_confined_and_leaves_with_its_generator() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = alone(&folder);
    let pid = generator.pid().expect("a process");
    let status = process_status(pid).expect("alive");
    let line = |key: &str| status.lines().find(|l| l.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("NoNewPrivs:").ends_with('1'), "{status}");
    assert!(line("Seccomp:").ends_with('2'), "{status}");
    let score = std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).expect("score");
    assert_eq!(score.trim(), "1000");
    let running = generator.start(request(MANY_TOKENS)).expect("start");
    let waiting = generator.start(request(1)).expect("start");
    first_token(&running);
    drop(generator);
    assert!(gone(pid), "the process has ended and was reaped");
    assert_eq!(listen(&running).end, Err(Code::ModelDied));
    assert_eq!(listen(&waiting).end, Err(Code::ModelUnavailable));
}

/// Plays the parent that is killed in the next test.
#[test]
#[ignore = "run by the_process_ends_when_its_parent_is_killed"]
fn parent_to_be_killed() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    println!("child {}", generator.pid().expect("a process"));
    loop {
        let _ = generation.events.recv();
        std::thread::park_timeout(PATIENCE);
    }
}

#[test]
fn the_process_ends_when_its_parent_is_killed() {
    let mut parent = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "parent_to_be_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("parent");
    let output = BufReader::new(parent.stdout.take().expect("output"));
    let pid: u32 = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("child ").and_then(|(_, pid)| pid.trim().parse().ok()))
        .expect("the child's number");
    assert!(!gone(pid));
    parent.kill().expect("kill");
    parent.wait().expect("wait");
    // Nobody may be there to reap it, so a zombie counts as ended.
    until("the end", || process_status(pid).is_none_or(|status| status.contains("State:\tZ")));
}

#[test]
fn the_hidden_command_refuses_to_be_run_by_hand() {
    let output = Command::new(exe()).arg("generator-child").stdin(Stdio::null()).output().expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BAD_PARAMETER"));
}

/// Where valgrind is looked for; the process starts with an empty environment.
const VALGRIND: &str = "/usr/bin/valgrind";

#[test]
fn many_replies_at_once_touch_no_memory_that_is_not_theirs() {
    if !std::path::Path::new(VALGRIND).exists() {
        println!("SKIPPED: {VALGRIND} is missing");
        return;
    }
    let folder = tempfile::tempdir().expect("folder");
    let report = folder.path().join("valgrind.log");
    // Stands for the program and has valgrind run it; the heap of a static binary is found by the synonym. The process leaves by
    // `_exit` with everything still held, so only faults count, not what is not given back.
    let script = folder.path().join("watched");
    let text = format!(
        "#!/bin/sh\nexec {VALGRIND} --soname-synonyms=somalloc=NONE --error-exitcode=99 --log-file='{}' '{}' \"$@\"\n",
        report.display(),
        exe().display()
    );
    std::fs::write(&script, text).expect("script");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let settings = GeneratorSettings {
        slots: 3,
        context_tokens: 512,
        kv_tokens: Some(700),
        cache_mb: 1,
        cache_file: Some(folder.path().join("prompts")),
        grace_ms: 600_000,
        ..settings(chat_model(&folder, &ChatSpec::default()))
    };
    let generator = ChildGenerator::spawn(&script, settings.clone()).expect("spawn");
    generator.wait_ready(10 * PATIENCE).expect("ready");
    // Shared beginnings, parts that leave and come back, a stop, a constraint, sampling, the cache file.
    for round in 0..3u32 {
        let requests = [
            request(4),
            GenerateRequest { prompt: prompt(&["挂失须本人办理。", "转账须授权。"]), ..request(6) },
            GenerateRequest { temperature: 0.8, seed: round, ..request(5) },
            GenerateRequest { constraint: guida::inference::Constraint::Citations(1), ..request(4) },
            GenerateRequest {
                prompt: prompt(&[&"存款".repeat(60), &"取款".repeat(60 - round as usize)]),
                ..request(3)
            },
        ];
        let running: Vec<_> = requests.into_iter().map(|request| generator.start(request).expect("start")).collect();
        running[1].cancel();
        for generation in &running {
            while !matches!(
                generation.events.recv_timeout(10 * PATIENCE).expect("an event"),
                guida::inference::GenerateEvent::Done(_)
            ) {}
        }
    }
    until("something is kept", || generator.status().cache.filed_tokens > 0);
    drop(generator);
    let log = std::fs::read_to_string(&report).expect("report");
    // The static C library is not clean by itself, so a fault counts where it happens in code of ours or of llama.cpp.
    let ours = |frame: &str| ["guida", "llama", "ggml"].iter().any(|name| frame.contains(&format!(": {name}")));
    let lines: Vec<&str> = log.lines().collect();
    let faults: Vec<&[&str]> = lines
        .windows(2)
        .filter(|pair| (pair[0].contains("Invalid ") || pair[0].contains("uninitialised")) && ours(pair[1]))
        .collect();
    assert!(log.contains("Memcheck") && faults.is_empty(), "{faults:?}");
}

#[test]
fn a_process_that_stands_still_is_replaced_long_before_its_limits() {
    let folder = tempfile::tempdir().expect("folder");
    // Every limit as in the product but for the least patience, which machines that tests share need no less than branches.
    let settings = GeneratorSettings { patience_ms: 400, ..settings(chat_model(&folder, &ChatSpec::default())) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let pid = generator.pid().expect("a process");
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&generation);
    signal("STOP", pid);
    let stopped = std::time::Instant::now();
    let heard = listen(&generation);
    assert_eq!(heard.end, Err(Code::ModelDied));
    assert!(stopped.elapsed() < std::time::Duration::from_secs(20), "{:?}", stopped.elapsed());
    comes_back(&generator, pid);
}

#[test]
fn a_process_that_is_only_slow_is_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let settings = GeneratorSettings { patience_ms: 5_000, ..settings(chat_model(&folder, &ChatSpec::default())) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let pid = generator.pid().expect("a process");
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&generation);
    for _ in 0..3 {
        signal("STOP", pid);
        std::thread::park_timeout(std::time::Duration::from_millis(300));
        signal("CONT", pid);
    }
    listen(&generation).end.expect("written to its end");
    assert_eq!((generator.pid(), generator.status().restarts), (Some(pid), 0));
}
