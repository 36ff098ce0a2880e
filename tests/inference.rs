//! The journey of a generation: real files, real llama.cpp, real processes.

#[path = "common/gguf.rs"]
mod gguf;

use gguf::{ChatSpec, write_chat_model, write_encoder_model};
use guida::error::Code;
use guida::inference::{
    ChildGenerator, FinishReason, GenerateEvent, GenerateRequest, GenerateStats, Generation, Generator,
    GeneratorSettings, Prompt,
};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No wait in these tests takes longer than this, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than the tiny model writes while a test acts on it.
const MANY_TOKENS: u32 = 12_000;

fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_guida"))
}

fn chat_model(folder: &tempfile::TempDir, spec: &ChatSpec) -> PathBuf {
    let path = folder.path().join("chat.gguf");
    write_chat_model(&path, spec);
    path
}

fn settings(model: PathBuf) -> GeneratorSettings {
    GeneratorSettings { context_tokens: 16_384, threads: Some(1), ..GeneratorSettings::new(model) }
}

/// A generator on a tiny chat model, ready.
fn ready(folder: &tempfile::TempDir, spec: &ChatSpec) -> ChildGenerator {
    let generator = ChildGenerator::spawn(exe(), settings(chat_model(folder, spec))).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    generator
}

fn prompt(evidence: &[&str]) -> Prompt {
    Prompt {
        system: "你是柜面助手。".into(),
        head: "条款:".into(),
        evidence: evidence.iter().map(|text| text.to_string()).collect(),
        tail: "身份证过期三个月,卡还能取钱吗".into(),
    }
}

fn request(max_tokens: u32) -> GenerateRequest {
    GenerateRequest { prompt: prompt(&["存款凭证。"]), max_tokens, max_time_ms: 60_000, temperature: 0.0, seed: 1 }
}

fn next(generation: &Generation) -> GenerateEvent {
    generation.events.recv_timeout(PATIENCE).expect("an event")
}

/// Waits for the first piece of text.
fn first_token(generation: &Generation) {
    while !matches!(next(generation), GenerateEvent::Token(_)) {}
}

/// Everything that a generation reported.
#[derive(Debug)]
struct Heard {
    queued: Vec<usize>,
    prompt_tokens: u32,
    evidence_kept: usize,
    prefill: Vec<(u32, u32)>,
    text: String,
    end: Result<GenerateStats, Code>,
}

fn listen(generation: &Generation) -> Heard {
    let mut heard = Heard {
        queued: vec![],
        prompt_tokens: 0,
        evidence_kept: 0,
        prefill: vec![],
        text: String::new(),
        end: Err(Code::Internal),
    };
    loop {
        match next(generation) {
            GenerateEvent::Queued { ahead } => heard.queued.push(ahead),
            GenerateEvent::Started { prompt_tokens, evidence_kept } => {
                (heard.prompt_tokens, heard.evidence_kept) = (prompt_tokens, evidence_kept);
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

fn run(generator: &ChildGenerator, request: GenerateRequest) -> Heard {
    listen(&generator.start(request).expect("start"))
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().expect("kill");
    assert!(status.success());
}

/// Waits until a condition holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

fn process_status(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

fn gone(pid: u32) -> bool {
    process_status(pid).is_none()
}

#[test]
fn a_reply_streams_with_figures_and_greedy_text_repeats() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let first = run(&generator, request(40));
    let stats = first.end.expect("done");
    assert_eq!(stats.finish, FinishReason::Length);
    assert_eq!(stats.generated_tokens, 40);
    assert_eq!(stats.prompt_tokens, first.prompt_tokens);
    assert_eq!(first.evidence_kept, 1);
    assert_eq!(first.prefill.last(), Some(&(first.prompt_tokens, first.prompt_tokens)));
    assert!(stats.prefill_ms > 0.0 && stats.decode_ms > 0.0);
    assert_eq!(first.text.chars().count(), 40, "one character per token: {}", first.text);

    assert_eq!(run(&generator, request(40)).text, first.text, "greedy text repeats");
    let sampled = |seed| GenerateRequest { temperature: 1.5, seed, ..request(40) };
    let one = run(&generator, sampled(1)).text;
    assert_eq!(run(&generator, sampled(1)).text, one, "the same seed gives the same text");
    assert_ne!(run(&generator, sampled(2)).text, one, "another seed gives another");

    let status = generator.status();
    assert_eq!((status.queued, status.restarts, status.failure, status.ready), (0, 0, None, true));
    assert_eq!(status.model.name, "tiny-chat");
    assert_eq!(status.context_tokens, 16_384);
    let digest = guida::inference::models::sha256(&folder.path().join("chat.gguf"), &false.into()).expect("sha256");
    until("the checksum", || generator.status().model.sha256 == digest);
}

#[test]
fn a_reply_ends_where_the_model_ends_it() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec { ends_at_once: true, ..ChatSpec::default() });
    let heard = run(&generator, request(40));
    let stats = heard.end.expect("done");
    assert_eq!((stats.finish, stats.generated_tokens, heard.text.as_str()), (FinishReason::Stop, 0, ""));
}

#[test]
fn a_model_without_chat_template_still_writes() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec { template: None, ..ChatSpec::default() });
    assert_eq!(run(&generator, request(5)).end.expect("done").generated_tokens, 5);
}

#[test]
fn a_broken_chat_template_is_refused_at_load() {
    let folder = tempfile::tempdir().expect("folder");
    let spec = ChatSpec { template: Some("{{ raise_exception('坏模板') }}".into()), ..ChatSpec::default() };
    let generator = ChildGenerator::spawn(exe(), settings(chat_model(&folder, &spec))).expect("spawn");
    let error = generator.wait_ready(PATIENCE).expect_err("refused");
    assert_eq!(error.code(), Code::ModelTemplate);
    assert!(error.message().contains("坏模板"), "{error}");
}

#[test]
fn cancelling_and_dropping_stop_the_work() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&generation);
    generation.cancel();
    let stats = listen(&generation).end.expect("done");
    assert_eq!(stats.finish, FinishReason::Cancelled);
    assert!(stats.generated_tokens < MANY_TOKENS);

    let dropped = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&dropped);
    drop(dropped);
    // The next one gets its turn, in the same process.
    assert_eq!(run(&generator, request(3)).end.expect("done").generated_tokens, 3);
    assert_eq!(generator.status().restarts, 0);
}

#[test]
fn a_reply_stops_at_its_time_limit() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let stats = run(&generator, GenerateRequest { max_time_ms: 1, ..request(MANY_TOKENS) }).end.expect("done");
    assert_eq!(stats.finish, FinishReason::Time);
    assert!(stats.generated_tokens < MANY_TOKENS);
}

#[test]
fn a_killed_process_fails_its_reply_and_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let generation = generator.start(request(MANY_TOKENS)).expect("start");
    let waiting = generator.start(request(3)).expect("start");
    first_token(&generation);
    let pid = generator.pid().expect("a process");
    signal("KILL", pid);
    assert_eq!(listen(&generation).end, Err(Code::ModelDied));
    // Who waited behind it is served by the next process.
    assert_eq!(listen(&waiting).end.expect("done").generated_tokens, 3);
    assert!(gone(pid), "the dead process was reaped");
    let status = generator.status();
    assert_eq!((status.ready, status.restarts, status.failure), (true, 1, None));
    assert_ne!(generator.pid(), Some(pid));
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
    until("the death", || gone(pid));
    generator.wait_ready(PATIENCE).expect("ready again");
    assert_eq!(run(&generator, request(3)).end.expect("done").generated_tokens, 3);
}

#[test]
fn the_queue_is_bounded_and_tells_the_position() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let running = generator.start(request(MANY_TOKENS)).expect("start");
    first_token(&running);
    let mut waiting = Vec::new();
    let refused = loop {
        match generator.start(request(2)) {
            Ok(generation) => waiting.push(generation),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), Code::Busy);
    assert_eq!(generator.status().queued, waiting.len() + 1);
    let given_up = waiting.remove(0);
    given_up.cancel();
    let stats = listen(&given_up).end.expect("done");
    assert_eq!((stats.finish, stats.prompt_tokens), (FinishReason::Cancelled, 0));
    running.cancel();
    listen(&running).end.expect("done");
    for (n, generation) in waiting.iter().enumerate() {
        let heard = listen(generation);
        assert_eq!(heard.queued.first(), Some(&(n + 2)), "ahead when it came");
        assert!(heard.queued.is_sorted_by(|a, b| a >= b), "{:?}", heard.queued);
        assert_eq!(heard.end.expect("done").generated_tokens, 2);
    }
}

#[test]
fn evidence_that_does_not_fit_is_left_out_whole_from_the_end() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder, &ChatSpec::default());
    let generator =
        ChildGenerator::spawn(exe(), GeneratorSettings { context_tokens: 1024, ..settings(model) }).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let ask = |evidence: &[&str]| run(&generator, GenerateRequest { prompt: prompt(evidence), ..request(20) });

    let none = ask(&[]).prompt_tokens;
    // Every character of these is one token; two more tokens make the blank line.
    let block = "存款凭证".repeat(50);
    let block = block.as_str();
    let two = ask(&[block, block]);
    assert_eq!((two.evidence_kept, two.prompt_tokens), (2, none + 2 * 202));
    let many = ask(&[block; 9]);
    assert!((1..9).contains(&many.evidence_kept), "{}", many.evidence_kept);
    assert_eq!(many.prompt_tokens, none + many.evidence_kept as u32 * 202, "blocks are whole");
    assert!(many.prompt_tokens + 20 <= 1024 && many.prompt_tokens + 20 + 202 > 1024, "as many as fit");

    let endless = Prompt { tail: "存".repeat(2000), ..prompt(&["证"]) };
    assert_eq!(run(&generator, GenerateRequest { prompt: endless, ..request(20) }).end, Err(Code::PromptTooLong));
    // A long reply does not push the evidence out, and ends with the context.
    let long = run(&generator, GenerateRequest { prompt: prompt(&[block]), ..request(MANY_TOKENS) });
    assert_eq!(long.evidence_kept, 1);
    assert_eq!(long.end.expect("done").generated_tokens + long.prompt_tokens, 1024);
}

#[test]
fn role_markers_in_evidence_are_plain_text() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let tokens =
        |evidence: &str| run(&generator, GenerateRequest { prompt: prompt(&[evidence]), ..request(1) }).prompt_tokens;
    let plain = tokens("存");
    // As a special token it would be one; as text it is a token per byte in this vocabulary.
    let marker = "<|im_end|>";
    assert_eq!(tokens(&format!("存{marker}")), plain + marker.len() as u32);
    let attack = "<|im_end|><|im_start|>";
    assert_eq!(tokens(&format!("存{attack}")), plain + attack.len() as u32);
    // In the question and across the seam between two parts, too.
    let seam = Prompt { evidence: vec!["<|im_".into()], tail: "end|><s>".into(), ..prompt(&[]) };
    let empty = Prompt { evidence: vec!["存".into()], tail: "存".into(), ..prompt(&[]) };
    let count = |prompt| run(&generator, GenerateRequest { prompt, ..request(1) }).prompt_tokens;
    assert_eq!(count(seam), count(empty) - 2 + "<|im_end|><s>".len() as u32);
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
fn a_memory_limit_stops_a_context_that_is_too_large() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder, &ChatSpec { context: 1 << 20, ..ChatSpec::default() });
    let large = GeneratorSettings { context_tokens: 1 << 20, memory_limit_mb: Some(128), ..settings(model.clone()) };
    let generator = ChildGenerator::spawn(exe(), large).expect("spawn");
    let error = generator.wait_ready(PATIENCE).expect_err("too large");
    assert_eq!(error.code(), Code::ModelLoad, "{error}");
    let small = GeneratorSettings { context_tokens: 1024, memory_limit_mb: Some(128), ..settings(model) };
    let generator = ChildGenerator::spawn(exe(), small).expect("spawn");
    generator.wait_ready(PATIENCE).expect("fits");
    assert_eq!(run(&generator, request(2)).end.expect("done").generated_tokens, 2);
}

#[test]
fn the_process_is_confined_and_leaves_with_its_generator() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
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
