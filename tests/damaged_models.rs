//! More than a hundred damaged model files: each is refused with a reason or ends its own process, and the service answers
//! cards all the while.

#[path = "common/client.rs"]
mod client;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/generator.rs"]
mod generator;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/product.rs"]
mod product;

use damage::{Damaged, Fate, corpus};
use generator::{exe, request};
use gguf::{ChatSpec, write_chat_model};
use guida::error::Code;
use guida::inference::{ChildGenerator, GenerateRequest, Generator, GeneratorSettings};
use product::{Product, signal, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// No damaged file takes this long to be refused, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Files that are tried at the same time.
const AT_ONCE: usize = 4;

/// What became of a file.
#[derive(Debug)]
enum Outcome {
    Refused(Code, String),
    Wrote,
    Failed(Code),
}

fn attempt(path: &Path) -> Outcome {
    let settings =
        GeneratorSettings { context_tokens: 512, threads: Some(1), slots: 1, ..GeneratorSettings::new(path) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    if let Err(error) = generator.wait_ready(PATIENCE) {
        let status = generator.status();
        assert!(!status.ready || status.restarts > 0, "{status:?}");
        return Outcome::Refused(error.code(), error.message().to_owned());
    }
    let mut outcome = Outcome::Wrote;
    for temperature in [0.0, 0.8] {
        match generator
            .start(GenerateRequest { temperature, ..request(4) })
            .map(|generation| generator::listen(&generation))
        {
            Ok(heard) => {
                if let Err(code) = heard.end {
                    outcome = Outcome::Failed(code);
                }
            }
            Err(error) => outcome = Outcome::Failed(error.code()),
        }
    }
    outcome
}

/// Says what is wrong with an outcome.
fn fault(damaged: &Damaged, outcome: &Outcome) -> Option<String> {
    const REFUSALS: [Code; 4] = [Code::ModelLoad, Code::ModelTemplate, Code::ModelUnsuitable, Code::ModelMemory];
    const FAILURES: [Code; 3] = [Code::ModelDied, Code::ModelUnavailable, Code::PromptTooLong];
    match outcome {
        Outcome::Refused(code, _) if !REFUSALS.contains(code) => Some(format!("refused with {code:?}")),
        Outcome::Refused(_, message) if message.chars().filter(|c| ('一'..='龥').contains(c)).count() < 6 => {
            Some(format!("no reason: {message}"))
        }
        Outcome::Refused(..) => None,
        Outcome::Wrote | Outcome::Failed(_) if damaged.fate == Fate::Refused => {
            Some(format!("not refused: {outcome:?}"))
        }
        Outcome::Failed(code) if !FAILURES.contains(code) => Some(format!("failed with {code:?}")),
        Outcome::Wrote | Outcome::Failed(_) => None,
    }
}

#[test]
fn every_damaged_file_is_refused_or_ends_only_its_own_process() {
    let folder = tempfile::tempdir().expect("folder");
    let corpus = corpus();
    assert!(corpus.len() >= 100, "{}", corpus.len());
    let (mut names, mut files) = (BTreeSet::new(), BTreeSet::new());
    for damaged in &corpus {
        assert!(names.insert(&damaged.name) && files.insert(&damaged.bytes), "{} is there twice", damaged.name);
    }
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((n, damaged)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, corpus.get(n)?)))
                {
                    let path = folder.path().join(format!("{n}.gguf"));
                    std::fs::write(&path, &damaged.bytes).expect("write");
                    let outcome = attempt(&path);
                    std::fs::remove_file(&path).expect("remove");
                    outcomes.lock().expect("outcomes").insert(n, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("outcomes");
    let mut faults = Vec::new();
    for (damaged, outcome) in corpus.iter().zip(outcomes.values()) {
        println!("{}: {outcome:?}", damaged.name);
        faults.extend(fault(damaged, outcome).map(|fault| format!("{}: {fault}", damaged.name)));
    }
    assert_eq!(outcomes.len(), corpus.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A card for a question that the sample rules answer.
fn card(product: &Product) -> Value {
    let reply = client::ask(product.addr, r#"{"question":"没预约今天取20万能付吗"}"#);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let card = reply.json();
    assert_eq!(card["refused"], false, "{card}");
    card
}

#[test]
fn the_service_answers_cards_whatever_its_model_file_is() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.gguf");
    // From each kind of damage some: what the header shows, what llama.cpp throws, what ends its process.
    for damaged in corpus().iter().step_by(23) {
        std::fs::write(&path, &damaged.bytes).expect("write");
        let product = Product::start(&["--model", path.to_str().expect("path"), "--threads", "1"]);
        card(&product);
        until("the file was looked at", || {
            let generator = product.generator();
            generator["ready"] == true || generator["failure"].is_string()
        });
        card(&product);
        assert!(product.terminate().success(), "{}", damaged.name);
    }
}

#[test]
fn a_file_that_is_damaged_under_a_running_service_costs_the_prose_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.gguf");
    write_chat_model(&path, &ChatSpec::default());
    let good = std::fs::read(&path).expect("read");
    let product = Product::start_with_model(&path, &[]);
    card(&product);
    // Cut in place: the process that has the file mapped may die of it, the one that follows finds no model.
    std::fs::write(&path, &good[..good.len() / 2]).expect("cut");
    card(&product);
    if let Some(pid) = product.generator_pid() {
        signal("KILL", pid);
    }
    until("the damage is reported", || {
        product.generator()["failure"].as_str().is_some_and(|text| text.contains("MODEL_LOAD"))
    });
    card(&product);
    let fixed = folder.path().join("fixed.gguf");
    std::fs::write(&fixed, good).expect("write");
    std::fs::rename(fixed, &path).expect("replace");
    until("the good file is found", || product.generator()["ready"] == true);
    card(&product);
}
