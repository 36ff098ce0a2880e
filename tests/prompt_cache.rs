//! The prompt cache by its counts: what was computed before is never computed again, across replies, slots and restarts.

#[path = "common/generator.rs"]
mod generator;
#[path = "common/gguf.rs"]
mod gguf;

use generator::*;
use gguf::ChatSpec;
use guida::inference::{
    ChildGenerator, FinishReason, GenerateRequest, GenerateStats, Generator, GeneratorSettings, Prompt,
};
use std::path::Path;

/// Blocks of 60 tokens and more each; every character is one token.
const BLOCKS: [&str; 4] = ["存款", "取款", "挂失", "转账"];

fn evidence(names: &[usize]) -> Vec<String> {
    names.iter().map(|n| BLOCKS[*n].repeat(30)).collect()
}

/// A question on some blocks, in their order.
fn asked(question: &str, names: &[usize]) -> GenerateRequest {
    let texts = evidence(names);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    GenerateRequest { prompt: Prompt { tail: question.into(), ..prompt(&texts) }, ..request(8) }
}

/// Tokens of a question and the markup behind it: one a character of the model's vocabulary, `<|im_end|>`, a line break,
/// `<|im_start|>`, the bytes of `assistant` and a line break, the texts behind markers with the space that SentencePiece puts there.
fn tail_tokens(question: &str) -> u32 {
    question.chars().count() as u32 + 1 + 2 + 1 + 10 + 1
}

fn figures(generator: &ChildGenerator, request: GenerateRequest) -> (GenerateStats, String) {
    let heard = run(generator, request);
    (heard.end.expect("done"), heard.text)
}

#[test]
fn a_second_question_on_the_same_clauses_is_read_from_the_question_on() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let (first, _) = figures(&generator, asked("客户存款", &[0, 1]));
    assert_eq!(first.cached_tokens, 0);
    let (second, text) = figures(&generator, asked("柜员取款须核实", &[0, 1]));
    assert_eq!(second.prompt_tokens - second.cached_tokens, tail_tokens("柜员取款须核实"));
    assert_eq!(second.cached_tokens, first.prompt_tokens - tail_tokens("客户存款"));
    // A block that follows another one is another prefix; what is before it is shared.
    let (third, _) = figures(&generator, asked("客户存款", &[0, 2]));
    assert_eq!(second.cached_tokens - third.cached_tokens, 62, "one block and its blank line");
    until("the figures are told", || generator.status().cache.hits == 2);
    let cache = generator.status().cache;
    assert_eq!((cache.hits, cache.misses), (2, 1));
    assert_eq!(cache.reused_tokens, u64::from(second.cached_tokens + third.cached_tokens));
    let all = [first, second, third].iter().map(|s| u64::from(s.prompt_tokens)).sum::<u64>();
    assert_eq!(cache.reused_tokens + cache.prefilled_tokens, all);
    // The words are those of a model that has seen nothing before.
    let other = tempfile::tempdir().expect("folder");
    let fresh = ready(&other, &ChatSpec::default());
    assert_eq!(figures(&fresh, asked("柜员取款须核实", &[0, 1])).1, text);
}

#[test]
fn two_replies_that_begin_together_read_their_common_beginning_once() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let long = GenerateRequest { max_tokens: MANY_TOKENS, ..asked("存", &[3]) };
    let busy = generator.start(long).expect("start");
    first_token(&busy);
    let pair = ["取款", "挂失"].map(|question| generator.start(asked(question, &[0, 1, 2])).expect("start"));
    let read: u32 = pair
        .iter()
        .map(|generation| listen(generation).end.expect("done"))
        .map(|stats| stats.prompt_tokens - stats.cached_tokens)
        .sum();
    // Three blocks once, and two questions; the opening was there.
    assert_eq!(read, 3 * 62 + 2 * tail_tokens("取款"));
    busy.cancel();
    assert_eq!(listen(&busy).end.expect("done").finish, FinishReason::Cancelled);
}

#[test]
fn one_that_gives_up_while_others_wait_for_its_work_leaves_it_to_them() {
    let folder = tempfile::tempdir().expect("folder");
    // Steps of one token of the prompt: there is time to give up in the middle.
    let settings = GeneratorSettings { batch_tokens: 2, ..settings(chat_model(&folder, &ChatSpec::default())) };
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    let ahead = generator.start(asked("存款", &[0, 1, 2, 3])).expect("start");
    let behind = generator.start(asked("取款", &[0, 1, 2, 3])).expect("start");
    ahead.cancel();
    assert_eq!(listen(&ahead).end.expect("done").finish, FinishReason::Cancelled);
    let stats = listen(&behind).end.expect("done");
    assert_eq!((stats.finish, stats.generated_tokens), (FinishReason::Length, 8));
    let (again, _) = figures(&generator, asked("取款", &[0, 1, 2, 3]));
    assert_eq!(again.prompt_tokens - again.cached_tokens, tail_tokens("取款"));
}

/// Settings whose context holds little more than one prompt, so that parts move to the host store.
fn crowded(model: &Path, cache_mb: u64) -> GeneratorSettings {
    GeneratorSettings { context_tokens: 400, kv_tokens: Some(400), slots: 2, cache_mb, ..settings(model.to_owned()) }
}

fn started(settings: GeneratorSettings) -> ChildGenerator {
    let generator = ChildGenerator::spawn(exe(), settings).expect("spawn");
    generator.wait_ready(PATIENCE).expect("ready");
    generator
}

#[test]
fn parts_that_leave_the_context_come_back_from_the_host_store() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder, &ChatSpec::default());
    for (flash_attention, cache_mb) in [(true, 64), (false, 64), (true, 0)] {
        let generator = started(GeneratorSettings { flash_attention, ..crowded(&model, cache_mb) });
        let (_, before) = figures(&generator, asked("存款", &[0, 1, 2]));
        // Pushes the blocks out.
        for names in [[1, 2, 3], [2, 3, 0], [3, 0, 1]] {
            figures(&generator, asked("取款", &names));
        }
        let (again, after) = figures(&generator, asked("存款", &[0, 1, 2]));
        assert_eq!(before, after, "flash attention {flash_attention}");
        until("the figures are told", || generator.status().cache.reused_tokens >= u64::from(again.cached_tokens));
        let cache = generator.status().cache;
        if cache_mb > 0 {
            assert_eq!(
                again.prompt_tokens - again.cached_tokens,
                tail_tokens("存款"),
                "flash attention {flash_attention}"
            );
            assert!(cache.stored_tokens > 400 && cache.stored_bytes > 0, "{cache:?}");
        } else {
            assert!(again.prompt_tokens - again.cached_tokens > tail_tokens("存款") + 62);
            assert_eq!((cache.stored_tokens, cache.stored_bytes), (0, 0));
        }
        assert!(cache.resident_tokens <= 400);
    }
}

#[test]
fn the_host_store_stays_within_its_budget() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = started(crowded(&chat_model(&folder, &ChatSpec::default()), 1));
    for first in 0..4 {
        for second in 0..4 {
            figures(&generator, asked("存款", &[first, second, (first + second) % 4]));
        }
    }
    let counted = || generator.status().cache.hits + generator.status().cache.misses;
    until("the figures are told", || counted() == 16);
    let cache = generator.status().cache;
    assert!(cache.stored_bytes > 0 && cache.stored_bytes <= 1 << 20, "{cache:?}");
}

#[test]
fn the_cache_outlives_the_process_and_no_other_model_reads_it() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder, &ChatSpec::default());
    let settings = GeneratorSettings { cache_file: Some(folder.path().join("chat.cache")), ..settings(model.clone()) };
    let generator = started(settings.clone());
    let (first, text) = figures(&generator, asked("存款", &[0, 1]));
    let shared = u64::from(first.prompt_tokens - tail_tokens("存款"));
    until("the parts are in the file", || generator.status().cache.filed_tokens == shared);
    drop(generator);

    let generator = started(settings.clone());
    let (second, again) = figures(&generator, asked("取款", &[0, 1]));
    assert_eq!(second.prompt_tokens - second.cached_tokens, tail_tokens("取款"));
    assert_eq!(figures(&generator, asked("存款", &[0, 1])).1, text);
    assert!(!again.is_empty());
    drop(generator);

    // Another model, in the same place and with the same cache file.
    gguf::write_chat_model(&model, &ChatSpec { context: 8192, ..ChatSpec::default() });
    let generator = started(settings.clone());
    assert_eq!(figures(&generator, asked("取款", &[0, 1])).0.cached_tokens, 0);
    drop(generator);

    // A file that is no cache costs nothing but the cache.
    std::fs::write(folder.path().join("chat.cache"), "不是缓存").expect("write");
    let generator = started(settings);
    assert_eq!(figures(&generator, asked("取款", &[0, 1])).0.generated_tokens, 8);
}

#[test]
fn prompts_are_read_ahead_of_need_when_nobody_asks() {
    let folder = tempfile::tempdir().expect("folder");
    let generator = ready(&folder, &ChatSpec::default());
    let blocks = evidence(&[2, 3]);
    let blocks: Vec<&str> = blocks.iter().map(String::as_str).collect();
    generator.warm(vec![prompt(&blocks)]);
    until("it was read", || generator.status().cache.resident_tokens > 2 * 62);
    let (stats, _) = figures(&generator, asked("挂失", &[2, 3]));
    assert_eq!(stats.prompt_tokens - stats.cached_tokens, tail_tokens("挂失"));
    until("the figures are told", || generator.status().cache.hits == 1);
    let cache = generator.status().cache;
    assert_eq!((cache.hits, cache.misses), (1, 0), "reading ahead is no request");
}
