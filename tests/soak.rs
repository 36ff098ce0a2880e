//! Thousands of requests at once, stopped, dropped and swapped under: nothing leaks, nothing sticks, no word goes astray.
//!
//! `GUIDA_SOAK_REQUESTS` sets how many (default 10,000).

#[path = "common/generator.rs"]
mod generator;
#[path = "common/gguf.rs"]
mod gguf;

use generator::*;
use gguf::ChatSpec;
use guida::error::Code;
use guida::inference::{
    ChildGenerator, FinishReason, GenerateEvent, GenerateRequest, Generation, Generator, GeneratorSettings, Prompt,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const TELLERS: usize = 8;
const BLOCKS: [&str; 6] = ["存款凭有效身份证件", "取款须核实", "挂失", "转账业务登记", "柜员应当审核原件", "定期到期"];
const QUESTIONS: [&str; 5] = ["存款", "代客户取款", "挂失后变更", "开立账本", "核实复印"];
/// Requests between two swaps of the model, in the second half.
const SWAP_EVERY: usize = 500;

/// Batches in which the single runs are computed.
const BATCHES: [u32; 5] = [256, 97, 33, 8, 3];

/// How often a request is asked again, to see a reply once more that differed.
const ATTEMPTS: usize = 300;
/// Replies of a run that may differ once and never again: decisions so close that few groupings of the arithmetic turn them.
const NEVER_AGAIN: usize = 3;
/// Steps through the catalogue, which has thirty requests, in the runs in company: prime to thirty.
const STRIDES: [usize; 8] = [1, 7, 11, 13, 17, 19, 23, 29];

/// A small generator of numbers: the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Requests of all lengths, on evidence that overlaps.
fn catalogue() -> Vec<GenerateRequest> {
    let mut all = Vec::new();
    for first in 0..BLOCKS.len() {
        for (n, question) in QUESTIONS.iter().enumerate() {
            let blocks: Vec<String> =
                (0..1 + n % 3).map(|k| BLOCKS[(first + k * k) % BLOCKS.len()].repeat(1 + 2 * n)).collect();
            let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
            let prompt = Prompt { tail: (*question).into(), ..prompt(&blocks) };
            all.push(GenerateRequest { prompt, ..request(3 + (first + 2 * n) as u32) });
        }
    }
    all
}

/// What each model writes when it writes one reply at a time. Grouping the arithmetic differently changes the last bits of a score, so
/// a request at which two words are that close is left out: those that stay are written alike whatever the batch. Were words
/// to go astray as a rule, hardly any would stay.
fn firm(catalogue: &[GenerateRequest], models: &[PathBuf]) -> (Vec<GenerateRequest>, Vec<Vec<String>>) {
    let alone = |model: &PathBuf, batch_tokens: u32| -> Vec<String> {
        let settings = GeneratorSettings { slots: 1, batch_tokens, ..settings_for(model.clone()) };
        let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
        generator.wait_ready(PATIENCE).expect("ready");
        catalogue.iter().map(|request| run(&generator, request.clone()).text).collect()
    };
    // In the company of others, the neighbours changing from round to round.
    let among = |model: &PathBuf| -> Vec<Vec<String>> {
        let generator = ChildGenerator::spawn(exe(), settings_for(model.clone())).expect("spawn");
        generator.wait_ready(PATIENCE).expect("ready");
        let round = |stride: usize| {
            let mut texts = vec![String::new(); catalogue.len()];
            let order: Vec<usize> = (0..catalogue.len()).map(|n| n * stride % catalogue.len()).collect();
            for group in order.chunks(4) {
                let running: Vec<_> =
                    group.iter().map(|at| generator.start(catalogue[*at].clone()).expect("start")).collect();
                for (at, generation) in group.iter().zip(&running) {
                    texts[*at] = listen(generation).text;
                }
            }
            texts
        };
        STRIDES.iter().map(|stride| round(*stride)).collect()
    };
    let runs: Vec<Vec<Vec<String>>> = models
        .iter()
        .map(|model| BATCHES.iter().map(|batch| alone(model, *batch)).chain(among(model)).collect())
        .collect();
    let same = |at: &usize| runs.iter().all(|of_model| of_model.iter().all(|run| run[*at] == of_model[0][*at]));
    let kept: Vec<usize> = (0..catalogue.len()).filter(same).collect();
    let texts = runs.iter().map(|of_model| kept.iter().map(|at| of_model[0][*at].clone()).collect()).collect();
    (kept.iter().map(|at| catalogue[*at].clone()).collect(), texts)
}

fn settings_for(model: PathBuf) -> GeneratorSettings {
    // Room for some prompts only, so that parts come and go.
    GeneratorSettings {
        slots: 4,
        context_tokens: 1024,
        kv_tokens: Some(2048),
        cache_mb: 1,
        batch_tokens: 256,
        ..settings(model)
    }
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

fn flat(what: &str, before: u64, after: u64) {
    assert!(after as f64 <= before as f64 * 1.03, "{what} grew from {before} to {after} KiB");
    println!("{what}: {before} KiB, later {after} KiB");
}

/// Asks until there is room.
fn start(generator: &ChildGenerator, request: &GenerateRequest) -> Generation {
    loop {
        match generator.start(request.clone()) {
            Ok(generation) => return generation,
            Err(error) => assert_eq!(error.code(), Code::Busy, "{error}"),
        }
        std::thread::yield_now();
    }
}

/// One request of the soak: read to the end, stopped after some words, or dropped.
/// Returns a text that is none of the expected ones.
fn act(
    generator: &ChildGenerator,
    request: &GenerateRequest,
    expected: &[&str],
    dice: &mut Dice,
) -> Option<(String, bool)> {
    let generation = start(generator, request);
    let (fate, patience) = (dice.roll(10), dice.roll(8));
    let mut text = String::new();
    let mut events = 0;
    loop {
        match next(&generation) {
            GenerateEvent::Token(piece) => text.push_str(&piece),
            GenerateEvent::Done(stats) => {
                let whole = stats.finish == FinishReason::Length || stats.finish == FinishReason::Stop;
                assert!(whole || fate == 7, "{stats:?}");
                let known = expected.iter().any(|one| if whole { *one == text } else { one.starts_with(&text) });
                return (!known).then_some((text, whole));
            }
            GenerateEvent::Failed(error) => panic!("{error}"),
            _ => {}
        }
        events += 1;
        if events > patience {
            match fate {
                7 => generation.cancel(),
                8 => return None,
                _ => {}
            }
        }
        if fate == 9 {
            // Goes away before anything is said.
            return None;
        }
    }
}

/// Replies that differ from the single run must be the other side of a close decision that `firm` did not meet: few, and the same
/// text again when the request is asked in company often enough. A word that went astray between slots does not go there twice.
fn explain(
    strays: &[(usize, String, bool)],
    requests: usize,
    catalogue: &[GenerateRequest],
    replies: &[Vec<String>],
    models: &[PathBuf],
) {
    assert!(strays.len() * 100 <= requests, "{} of {requests} replies differ", strays.len());
    let same = |a: &(usize, String, bool), b: &(usize, String, bool)| {
        a.0 == b.0 && if a.2 && b.2 { a.1 == b.1 } else { a.1.starts_with(&b.1) || b.1.starts_with(&a.1) }
    };
    let once: Vec<_> =
        strays.iter().filter(|stray| strays.iter().filter(|other| same(stray, other)).count() == 1).collect();
    println!(
        "{} of {requests} replies took the other side of a close decision, {} of them once",
        strays.len(),
        once.len()
    );
    let mut never_again = 0;
    for stray in once {
        let another = replies.iter().flatten().enumerate().any(|(n, reply)| {
            n % catalogue.len() != stray.0
                && stray.2
                && *reply == stray.1
                && !replies.iter().any(|of| of[stray.0] == *reply)
        });
        assert!(!another, "{stray:?} is the reply to another request");
        let again = models.iter().any(|model| {
            let generator = ChildGenerator::spawn(exe(), settings_for(model.clone())).expect("spawn");
            generator.wait_ready(PATIENCE).expect("ready");
            (0..ATTEMPTS).any(|n| {
                let company = &catalogue[n % catalogue.len()];
                let beside: Vec<_> = (0..n % 4).map(|_| start(&generator, company)).collect();
                let text = listen(&start(&generator, &catalogue[stray.0])).text;
                beside.iter().for_each(|generation| drop(listen(generation)));
                same(stray, &(stray.0, text, true))
            })
        });
        never_again += usize::from(!again);
    }
    assert!(never_again <= NEVER_AGAIN, "{never_again} replies were never written again");
}

#[test]
fn ten_thousand_requests_leave_nothing_behind() {
    let requests: usize =
        std::env::var("GUIDA_SOAK_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().expect("folder");
    let models: Vec<PathBuf> = [false, true]
        .into_iter()
        .map(|byte_pair| {
            let path = folder.path().join(format!("chat-{byte_pair}.gguf"));
            gguf::write_chat_model(&path, &ChatSpec { byte_pair, ..ChatSpec::default() });
            path
        })
        .collect();
    let (catalogue, alone) = firm(&catalogue(), &models);
    assert!(catalogue.len() >= 20, "{} requests are firm", catalogue.len());
    let different: HashMap<&String, usize> = alone[0].iter().zip(0..).collect();
    assert!(different.len() > catalogue.len() / 2, "replies tell requests apart: {}", different.len());

    let generator = ChildGenerator::spawn(exe(), settings_for(models[0].clone())).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let strays: Mutex<Vec<(usize, String, bool)>> = Mutex::default();
    let work = |from: usize, to: usize, swapping: bool| {
        let done = AtomicUsize::new(from);
        std::thread::scope(|scope| {
            for teller in 0..TELLERS {
                let (done, generator, catalogue, alone, models, strays) =
                    (&done, &generator, &catalogue, &alone, &models, &strays);
                scope.spawn(move || {
                    let mut dice = Dice((from + teller) as u64);
                    loop {
                        let n = done.fetch_add(1, Ordering::AcqRel);
                        if n >= to {
                            return;
                        }
                        if swapping && n.is_multiple_of(SWAP_EVERY) {
                            generator.swap(settings_for(models[n / SWAP_EVERY % 2].clone()));
                        }
                        let at = dice.roll(catalogue.len() as u64) as usize;
                        let one = [alone[0][at].as_str()];
                        let two = [alone[0][at].as_str(), alone[1][at].as_str()];
                        let expected: &[&str] = if swapping { &two } else { &one };
                        if let Some((text, whole)) = act(generator, &catalogue[at], expected, &mut dice) {
                            strays.lock().expect("strays").push((at, text, whole));
                        }
                    }
                });
            }
        });
    };
    let child = generator.pid().expect("a process");
    let us = std::process::id();
    work(0, requests / 4, false);
    let (child_early, us_early) = (resident(child), resident(us));
    work(requests / 4, requests / 2, false);
    assert_eq!(generator.pid(), Some(child), "no process died");
    flat("the process", child_early, resident(child));
    flat("its parent", us_early, resident(us));
    // The first swaps make room for two processes at once, once.
    work(requests / 2, requests / 4 * 3, true);
    let after_some_swaps = resident(us);
    work(requests / 4 * 3, requests, true);
    flat("the parent, over swaps", after_some_swaps, resident(us));
    until("every slot is free", || {
        let status = generator.status();
        (status.queued, status.running) == (0, 0)
    });
    assert_eq!(generator.status().swap_failure, None);
    assert_eq!(run(&generator, request(5)).end.expect("done").generated_tokens, 5);
    drop(generator);
    explain(&strays.into_inner().expect("strays"), requests, &catalogue, &alone, &models);
}
