//! Another model takes over while tellers ask: nobody is dropped, and a model that is no use changes nothing.

#[path = "common/generator.rs"]
mod generator;
#[path = "common/gguf.rs"]
mod gguf;

use generator::*;
use gguf::{ChatSpec, write_chat_model};
use guida::error::Code;
use guida::inference::models::sha256;
use guida::inference::{ChildGenerator, FinishReason, Generator, GeneratorSettings};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Words of a reply that is under way while the models change.
const LONG: u32 = 3_000;

/// The model that is to take over: other bytes, other words.
fn successor(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("successor.gguf");
    write_chat_model(&path, &ChatSpec { byte_pair: true, ..ChatSpec::default() });
    path
}

fn digest(path: &Path) -> String {
    sha256(path, &AtomicBool::new(false)).expect("checksum")
}

fn serves(generator: &ChildGenerator, model: &Path) -> bool {
    generator.status().ready && generator.status().model.sha256 == digest(model)
}

#[test]
fn what_runs_is_finished_by_the_old_model_and_what_comes_is_written_by_the_new() {
    let folder = tempfile::tempdir().expect("folder");
    let (new, other) = (successor(&folder), tempfile::tempdir().expect("folder"));
    let expected = {
        let generator = ChildGenerator::spawn(exe(), settings(new.clone())).expect("spawn");
        generator.wait_ready(PATIENCE).expect("ready");
        run(&generator, request(30)).text
    };
    let alone = run(&ready(&other, &ChatSpec::default()), request(LONG)).text;
    let generator = ready(&folder, &ChatSpec::default());
    let old = generator.pid().expect("a process");
    let running = generator.start(request(LONG)).expect("start");
    first_token(&running);
    generator.swap(settings(new.clone()));
    until("the new model serves", || serves(&generator, &new));
    assert_ne!(generator.pid(), Some(old));
    assert_eq!(run(&generator, request(30)).text, expected);
    let heard = listen(&running);
    assert_eq!(heard.end.expect("done").finish, FinishReason::Length);
    assert!(alone.ends_with(&heard.text) && !heard.text.is_empty(), "the old model's words, to the last");
    until("the old process is gone", || !Path::new(&format!("/proc/{old}")).exists());
    assert_eq!(generator.status().swap_failure, None);
}

#[test]
fn a_model_that_is_no_use_leaves_the_present_one() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let before = generator.pid();
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "第一条 存款自愿").expect("write");
    let headless = folder.path().join("broken-template.gguf");
    write_chat_model(&headless, &ChatSpec { template: Some("{% if %}".into()), ..ChatSpec::default() });
    for (bad, code) in
        [(folder.path().join("none.gguf"), "MODEL_LOAD"), (text, "MODEL_LOAD"), (headless, "MODEL_TEMPLATE")]
    {
        generator.swap(settings(bad));
        until("the refusal is shown", || generator.status().swap_failure.is_some_and(|failure| failure.contains(code)));
        assert_eq!(run(&generator, request(3)).end.expect("done").generated_tokens, 3);
    }
    assert_eq!((generator.pid(), generator.status().ready), (before, true));
}

#[test]
fn without_memory_for_two_the_present_model_finishes_first_and_nobody_is_turned_away() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let old = generator.pid().expect("a process");
    // A file as long as no memory is; all but its beginning is a hole.
    let new = successor(&folder);
    let file = std::fs::File::options().write(true).open(&new).expect("open");
    file.set_len(1 << 41).expect("a sparse file");
    let running = generator.start(request(LONG)).expect("start");
    first_token(&running);
    // Read, not mapped: mapping would ask the system to read ahead.
    generator.swap(GeneratorSettings { map_weights: false, ..settings(new) });
    assert_eq!(listen(&running).end.expect("done").finish, FinishReason::Length);
    // Waits for the new model.
    assert_eq!(run(&generator, request(3)).end.expect("done").generated_tokens, 3);
    until("the new model serves", || generator.pid().is_some_and(|pid| pid != old));
    assert_eq!(generator.status().swap_failure, None);
}

#[test]
fn who_waits_for_the_exchange_hears_how_it_ended_also_where_the_present_model_is_down() {
    let folder = tempfile::tempdir().expect("folder");
    let go_on = AtomicBool::new(false);
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "第一条 存款自愿").expect("write");
    let generator = ChildGenerator::spawn(exe(), settings(text.clone())).expect("spawn");
    assert_eq!(generator.wait_ready(PATIENCE).expect_err("no model").code(), Code::ModelLoad);
    let swapped = generator.swap_and_wait(settings(folder.path().join("none.gguf")), &go_on);
    assert_eq!(swapped.expect_err("no model either").code(), Code::ModelLoad);
    let first = chat_model(&folder, &ChatSpec::default());
    generator.swap_and_wait(settings(first.clone()), &go_on).expect("it serves");
    assert_eq!(run(&generator, request(3)).end.expect("done").generated_tokens, 3);
    assert_eq!(generator.file(), first);
    let failed = generator.swap_and_wait(settings(text), &go_on);
    assert_eq!(failed.expect_err("no model").code(), Code::ModelLoad);
    assert_eq!(generator.file(), first);

    // The present process dies while its successor is on the way up: that one is started all the same.
    let new = successor(&folder);
    let pid = generator.pid().expect("a process");
    std::thread::scope(|scope| {
        let swapped = scope.spawn(|| generator.swap_and_wait(settings(new.clone()), &go_on));
        let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        assert!(killed.expect("kill").success());
        swapped.join().expect("thread").expect("it serves");
    });
    until("the new model serves", || serves(&generator, &new));
    assert_eq!(generator.file(), new);
    let stop = AtomicBool::new(true);
    let given_up = generator.swap_and_wait(settings(first), &stop);
    assert_eq!(given_up.expect_err("nobody waits").code(), Code::Cancelled);
}

#[test]
fn words_bear_the_name_of_the_model_that_wrote_them() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let first = generator.file();
    until("the checksum is known", || serves(&generator, &first));
    let running = generator.start(request(LONG)).expect("start");
    first_token(&running);
    let new = successor(&folder);
    generator.swap(settings(new.clone()));
    until("the new model serves", || serves(&generator, &new));
    let after = generator.start(request(3)).expect("start");
    listen(&after);
    assert_eq!(after.model().expect("taken").sha256, digest(&new));
    assert_eq!(running.model().expect("taken").sha256, digest(&first), "taken by the old one");
}
