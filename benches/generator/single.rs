//! One teller: speeds beside llama-bench, and what a second question on the same clauses costs.

use crate::ours::{Ours, prompts, request};
use crate::{Options, Writer, peer, quantile};
use guida::inference::{GenerateEvent, Generator};
use std::time::{Duration, Instant};

/// Tokens of the prompt and of the reply that are measured.
const PROMPT_TOKENS: u32 = 512;
const WORDS: u32 = 64;

/// Reading and writing beside llama-bench, alternately.
pub fn speeds(options: &Options) -> Result<(), String> {
    let ours = Ours::start(options, 1, None)?;
    let base = prompts(options, 1)?.remove(0);
    // The product's prompt, cut to the length that llama-bench reads.
    let mut sized = base.clone();
    sized.prompt.evidence.truncate(3);
    let (mut reading, mut writing) = (Vec::new(), Vec::new());
    for round in 0..options.rounds.max(3) {
        let (pp, _) = peer::bench(options, PROMPT_TOKENS, 1, 0)?;
        let (_, tg) = peer::bench(options, 1, WORDS, PROMPT_TOKENS)?;
        // A prompt that nobody has seen.
        let generation =
            ours.0.start(request(&sized.fresh(&format!("第{round}轮")), WORDS)).map_err(|e| e.to_string())?;
        for event in &generation.events {
            match event {
                GenerateEvent::Done(stats) => {
                    let computed = f64::from(stats.prompt_tokens - stats.cached_tokens);
                    let (our_pp, our_tg) = (
                        computed * 1e3 / stats.prefill_ms,
                        f64::from(stats.generated_tokens - 1) * 1e3 / stats.decode_ms,
                    );
                    println!(
                        "single {round}: prompt of {computed} tokens; reading {our_pp:.1} / llama-bench {pp:.1} tokens/s, \
                         writing {our_tg:.2} / {tg:.2} tokens/s"
                    );
                    reading.push(our_pp / pp);
                    writing.push(our_tg / tg);
                }
                GenerateEvent::Failed(error) => return Err(error.to_string()),
                _ => {}
            }
        }
    }
    println!(
        "| single stream, median ratio to llama-bench | reading {:.3} | writing {:.3} |",
        quantile(&reading, 0.5),
        quantile(&writing, 0.5)
    );
    Ok(())
}

/// A second question on the same clauses, in the same process and after a restart.
pub fn again(options: &Options) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("guida-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let file = folder.join("prompts.cache");
    let first = prompts(options, 1)?.remove(0);
    let second = first.instead("那客户本人来不了怎么办");
    let ours = Ours::start(options, 2, Some(&file))?;
    let cold = ours.ask(&first, 8, &mut || ())?;
    let warm = ours.ask(&second, 8, &mut || ())?;
    let kept = |ours: &Ours| ours.0.status().cache;
    let until = Instant::now() + Duration::from_secs(60);
    while kept(&ours).filed_tokens < kept(&ours).resident_tokens.max(1) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(ours);
    let ours = Ours::start(options, 2, Some(&file))?;
    let restarted = ours.ask(&second, 8, &mut || ())?;
    drop(ours);
    let _ = std::fs::remove_dir_all(&folder);
    for (name, heard) in [("first question", &cold), ("second, same clauses", &warm), ("after a restart", &restarted)] {
        println!(
            "| {name} | {} of {} prompt tokens computed | first word {:.2} s | {:.3} x |",
            heard.prefilled,
            heard.prompt_tokens,
            heard.first().as_secs_f64(),
            heard.first().as_secs_f64() / cold.first().as_secs_f64()
        );
    }
    Ok(())
}
