//! Eight tellers at once, and what a long newcomer does to a running reply.

use crate::ours::{Asked, Ours, likely, prompts, small};
use crate::peer::Server;
use crate::{Heard, Options, Writer, quantile, since};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Instant;

/// Settings of llama-server that are tried; the best of each figure counts.
const PEER_SETTINGS: [&[&str]; 3] = [
    &["-fa", "on", "-b", "2048", "-ub", "512"],
    &["-fa", "on", "-b", "512", "-ub", "256", "--kv-unified"],
    &["-fa", "on", "-b", "128", "-ub", "128", "--kv-unified"],
];
/// Characters of the long prompt: about 2,000 tokens.
const LONG_CHARACTERS: usize = 3200;
/// Words that the running reply writes meanwhile.
const LONG_WORDS: u32 = 160;
/// Prompts that are read ahead of need before the second of our rounds.
const READ_AHEAD: usize = 100;
/// Questions whose evidence is compared with what is read ahead of need.
const REACH_QUESTIONS: usize = 80;
/// Words after which the long prompt arrives.
const BEFORE: usize = 8;

/// What a round of questions gave.
struct Round {
    name: String,
    /// Prompt and reply tokens per second, however they were come by.
    delivered: f64,
    first_p50: f64,
    first_p95: f64,
    prefilled: usize,
    prompt: usize,
}

/// All tellers at once, each asking its questions one after the other.
fn round(name: &str, writer: &dyn Writer, tellers: &[Vec<Asked>], words: u32) -> Result<Round, String> {
    let began = Instant::now();
    let replies: Vec<Result<Vec<Heard>, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = tellers
            .iter()
            .map(|questions| {
                scope.spawn(move || questions.iter().map(|asked| writer.ask(asked, words, &mut || ())).collect())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a teller panicked".into()))).collect()
    });
    let took = since(began);
    let replies: Vec<Heard> = replies.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let tokens: usize = replies.iter().map(|heard| heard.prompt_tokens + heard.tokens.len()).sum();
    let first: Vec<f64> = replies.iter().map(|heard| heard.first().as_secs_f64()).collect();
    let round = Round {
        name: name.to_owned(),
        delivered: tokens as f64 / took,
        first_p50: quantile(&first, 0.5),
        first_p95: quantile(&first, 0.95),
        prefilled: replies.iter().map(|heard| heard.prefilled).sum(),
        prompt: replies.iter().map(|heard| heard.prompt_tokens).sum(),
    };
    println!(
        "| {} | {:.1} tokens/s | first word p50 {:.1} s, p95 {:.1} s | {} of {} prompt tokens computed | {took:.0} s |",
        round.name, round.delivered, round.first_p50, round.first_p95, round.prefilled, round.prompt
    );
    Ok(round)
}

/// Eight tellers: throughput and time to the first word, ours and llama-server's.
pub fn together(options: &Options) -> Result<(), String> {
    let tellers = options.slots as usize;
    let questions = prompts(options, tellers * options.rounds)?;
    let queues: Vec<Vec<Asked>> =
        (0..tellers).map(|teller| questions.iter().skip(teller).step_by(tellers).cloned().collect()).collect();
    let mine = {
        let ours = Ours::start(options, options.slots, None)?;
        round("Guida", &ours, &queues, options.words)?
    };
    let rested = {
        // What an idle hour before the tellers come is used for; the file keeps it for the next run.
        let ours = Ours::start(options, options.slots, options.rested.as_deref())?;
        let began = Instant::now();
        ours.rest(likely(options)?.into_iter().take(READ_AHEAD).collect())?;
        println!("{READ_AHEAD} prompts read ahead of need within {:.0} s", since(began));
        round("Guida, after idle time", &ours, &queues, options.words)?
    };
    let mut theirs = Vec::new();
    for settings in PEER_SETTINGS.into_iter().take(options.peers) {
        let server = Server::start(options, options.slots, settings)?;
        theirs.push(round(&format!("llama-server {}", server.settings), &server, &queues, options.words)?);
    }
    let fastest = theirs.iter().map(|round| round.delivered).fold(0.0, f64::max);
    let soonest = theirs.iter().map(|round| round.first_p95).fold(f64::INFINITY, f64::min);
    for one in [&mine, &rested] {
        println!(
            "| {}: {tellers} tellers, ratio to the best of llama-server | tokens/s {:.2} | first word p95 {:.2} |",
            one.name,
            one.delivered / fastest,
            one.first_p95 / soonest
        );
    }
    Ok(())
}

/// The longest silence of a running reply while a prompt of 2,000 tokens arrives.
pub fn stall(options: &Options) -> Result<(), String> {
    let long = prompts(options, 1)?.remove(0).long(LONG_CHARACTERS);
    let measure = |name: &str, writer: &dyn Writer| -> Result<f64, String> {
        let (go, begun) = channel();
        let words = AtomicUsize::new(0);
        let (running, newcomer) = std::thread::scope(|scope| {
            let running = scope.spawn(|| {
                writer.ask(&small(), LONG_WORDS, &mut || {
                    if words.fetch_add(1, Ordering::AcqRel) + 1 == BEFORE {
                        let _ = go.send(());
                    }
                })
            });
            let _ = begun.recv();
            let newcomer = writer.ask(&long, 4, &mut || ());
            (running.join().unwrap_or_else(|_| Err("the reader panicked".into())), newcomer)
        });
        let (running, newcomer) = (running?, newcomer?);
        let stall = running.longest_gap().as_secs_f64();
        println!(
            "| {name} | longest silence {stall:.2} s | newcomer of {} tokens: first word {:.1} s |",
            newcomer.prefilled,
            newcomer.first().as_secs_f64()
        );
        Ok(stall)
    };
    let mine = {
        let ours = Ours::start(options, 2, None)?;
        measure("Guida", &ours)?
    };
    let mut best = f64::INFINITY;
    let mut fastest = f64::NAN;
    for settings in PEER_SETTINGS.into_iter().take(options.peers) {
        let server = Server::start(options, 2, settings)?;
        let theirs = measure(&format!("llama-server {}", server.settings), &server)?;
        if fastest.is_nan() {
            fastest = theirs;
        }
        best = best.min(theirs);
    }
    println!(
        "| stall, ratio to llama-server | with its usual batch {:.2} | with the smallest batch tried {:.2} |",
        mine / fastest,
        mine / best
    );
    Ok(())
}

/// How much of the measured questions' prompts begins like prompts that were read ahead of need, in characters.
pub fn reach(options: &Options) -> Result<(), String> {
    let asked = prompts(options, REACH_QUESTIONS)?;
    let likely = likely(options)?;
    for wanted in [0, 25, 50, 100, 200, likely.len()] {
        let mut known: HashSet<Vec<&str>> = HashSet::new();
        let mut held = 0;
        for prompt in likely.iter().take(wanted) {
            for end in 0..=prompt.evidence.len() {
                let path: Vec<&str> = prompt.evidence.iter().take(end).map(|block| block.text.as_str()).collect();
                let own = path.last().map_or(0, |text| text.chars().count());
                if known.insert(path) {
                    held += own;
                }
            }
        }
        let (mut begun, mut all) = (0, 0);
        for one in &asked {
            let blocks = &one.prompt.evidence;
            let texts =
                |end: usize| -> Vec<&str> { blocks.iter().take(end).map(|block| block.text.as_str()).collect() };
            let shared = (0..=blocks.len()).rev().find(|end| known.contains(&texts(*end))).unwrap_or(0);
            let characters = |from: &[&str]| from.iter().map(|text| text.chars().count()).sum::<usize>();
            begun += characters(&texts(shared));
            all += characters(&texts(blocks.len()));
        }
        println!(
            "| {} prompts read ahead, {held} characters held | {:.1}% of the evidence of {} questions is known |",
            wanted.min(likely.len()),
            100.0 * begun as f64 / all as f64,
            asked.len()
        );
    }
    Ok(())
}
