//! How fast a model is on this box, and with which settings it is fastest. What is measured is what serves: the generator process,
//! asked through its own door, so that its scheduler and its pipes are part of the figures.
//!
//! [`measure`] is one run with given settings. [`tune`] goes from what matters most to what matters least (threads, flash attention,
//! batch, type of keys and values, pinning), each time on top of the best so far: some ten runs instead of some hundred.

use super::child::status_bytes;
use super::cpus::{default_threads, physical_cores};
use super::registry::Tuning;
use super::settings::{GeneratorSettings, KvType};
use super::{ChildGenerator, Constraint, GenerateEvent, GenerateRequest, GenerateStats, Generator, Prompt};
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Longest time for the model to load.
const LOAD_LIMIT: Duration = Duration::from_secs(600);
/// How often a run looks whether it is still wanted.
const STOP_POLL: Duration = Duration::from_millis(50);
/// Longest time of one run, in milliseconds; what is slower cannot serve.
const RUN_LIMIT_MS: u64 = 180_000;
/// The first run, which tells how much work the others should do: characters of the prompt and tokens of the reply.
const PILOT: Workload = Workload { prompt_chars: 96, reply_tokens: 8 };
/// Characters of a prompt, at least and at most: below, a batch is not filled; above, the context might not hold it.
const PROMPT_CHARS: (f64, f64) = (96.0, 1024.0);
/// Tokens of a reply, at least and at most.
const REPLY_TOKENS: (f64, f64) = (8.0, 64.0);
/// A question at the counter, by which settings are compared: tokens of the prompt (system, five clauses, question) and of the reply.
const TYPICAL_PROMPT: f64 = 1500.0;
const TYPICAL_REPLY: f64 = 200.0;
/// How much faster other settings must be to be taken (one run differs from the next by about as much).
const WORTH_IT: f64 = 0.97;
/// The same for settings that cost exactness or rob other processes.
const WORTH_A_PRICE: f64 = 0.93;
/// When no further settings are begun: whoever measures waits for it.
const BUDGET: Duration = Duration::from_secs(600);
/// The same for the quick measurement.
const QUICK_BUDGET: Duration = Duration::from_secs(180);
/// Batches that are tried.
const BATCHES: [u32; 4] = [512, 256, 128, 64];

/// How much one run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Han characters of the prompt; most tokenisers make one to two tokens of three.
    pub prompt_chars: usize,
    /// Tokens to write.
    pub reply_tokens: u32,
}

/// What one run showed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The settings.
    pub tuning: Tuning,
    /// Tokens of the prompt that were processed.
    pub prompt_tokens: u32,
    /// How many of them per second.
    pub prefill_per_second: f64,
    /// Tokens that were written.
    pub reply_tokens: u32,
    /// How many of them per second.
    pub decode_per_second: f64,
    /// Time to load the model, in milliseconds.
    pub load_ms: f64,
    /// The most memory that the process had at one time, in bytes; `None` where the system does not say.
    pub peak_bytes: Option<u64>,
}

impl Measured {
    /// Seconds that a question at the counter would take.
    pub fn typical_seconds(&self) -> f64 {
        TYPICAL_PROMPT / self.prefill_per_second.max(f64::MIN_POSITIVE)
            + TYPICAL_REPLY / self.decode_per_second.max(f64::MIN_POSITIVE)
    }
}

/// The tuning that settings stand for.
pub fn tuning_of(settings: &GeneratorSettings) -> Tuning {
    Tuning {
        threads: settings.threads.unwrap_or_else(default_threads),
        batch_tokens: settings.batch_tokens,
        flash_attention: settings.flash_attention,
        kv_type: settings.kv_type,
        pin_threads: settings.pin_threads,
    }
}

/// Starts a generator process with these settings, has it answer once, and ends it.
///
/// # Errors
/// Those of loading the model and of writing; `TIMEOUT`; `CANCELLED` once `stop` is set, when the process has ended.
pub fn measure(program: &Path, settings: &GeneratorSettings, work: Workload, stop: &AtomicBool) -> Result<Measured> {
    let started = Instant::now();
    let generator = ChildGenerator::spawn(program, settings.clone())?;
    generator.wait_ready_unless(LOAD_LIMIT, stop)?;
    let load_ms = started.elapsed().as_secs_f64() * 1e3;
    let generation = generator.start(GenerateRequest {
        prompt: Prompt {
            system: "你是柜面助手。".into(),
            head: String::new(),
            evidence: Vec::new(),
            tail: text(work.prompt_chars),
        },
        max_tokens: work.reply_tokens,
        max_time_ms: RUN_LIMIT_MS,
        temperature: 0.0,
        seed: 0,
        constraint: Constraint::Free,
    })?;
    let stats: GenerateStats = loop {
        wanted(stop)?;
        match generation.events.recv_timeout(STOP_POLL) {
            Ok(GenerateEvent::Done(stats)) => break stats,
            Ok(GenerateEvent::Failed(error)) => return Err(error),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(Code::ModelDied, "生成进程中途退出", "看系统日志里的原因"));
            }
        }
    };
    let per_second = |tokens: u32, ms: f64| if ms > 0.0 { f64::from(tokens) / ms * 1e3 } else { 0.0 };
    let prefilled = stats.prompt_tokens.saturating_sub(stats.cached_tokens);
    Ok(Measured {
        tuning: tuning_of(settings),
        prompt_tokens: prefilled,
        prefill_per_second: per_second(prefilled, stats.prefill_ms),
        reply_tokens: stats.generated_tokens,
        // The first token comes out of the prompt's own last step.
        decode_per_second: per_second(stats.generated_tokens.saturating_sub(1), stats.decode_ms),
        load_ms,
        peak_bytes: generator.pid().and_then(|pid| status_bytes(pid, "VmHWM")),
    })
}

/// A prompt of about this many characters, that asks for a long reply.
fn text(chars: usize) -> String {
    const CLAUSE: &str = "存款人凭本人有效身份证件办理取款、挂失、销户,代理人应当同时出示双方证件,经授权人核实后登记。";
    const ASK: &str = "请从一数到三百,逐个写出,不要省略。";
    let filler = CLAUSE.chars().cycle().take(chars.saturating_sub(ASK.chars().count()));
    filler.chain(ASK.chars()).collect()
}

/// How many threads wanted to compute in the last minute (`/proc/loadavg`); a machine that works beside measures too little.
pub fn machine_load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Ends what nobody wants any more.
fn wanted(stop: &AtomicBool) -> Result<()> {
    match stop.load(Ordering::Acquire) {
        true => Err(Error::new(Code::Cancelled, "测速已停止", "需要时重新开始")),
        false => Ok(()),
    }
}

/// Finds the fastest settings for this model on this machine, within some minutes. `report` hears every run; with `quick`, less is
/// tried and each run is shorter. The settings give the model, its context and limits; slots and caches play no part.
///
/// # Errors
/// Those of [`measure`] for the settings as they are; later settings that fail are passed over. `CANCELLED` once `stop` is set.
pub fn tune(
    program: &Path,
    settings: &GeneratorSettings,
    quick: bool,
    stop: &AtomicBool,
    report: &mut dyn FnMut(&Measured),
) -> Result<Measured> {
    let started = Instant::now();
    let budget = if quick { QUICK_BUDGET } else { BUDGET };
    let base = GeneratorSettings { slots: 1, kv_tokens: None, cache_mb: 0, cache_file: None, ..settings.clone() };
    let work = workload(&measure(program, &base, PILOT, stop)?, quick);
    let mut best = measure(program, &base, work, stop)?;
    report(&best);
    let mut attempt = |tuning: Tuning, price: f64, best: &mut Measured| {
        if started.elapsed() >= budget || wanted(stop).is_err() {
            return;
        }
        let mut run = |tuning: Tuning| match measure(program, &tuning.apply(base.clone()), work, stop) {
            Ok(measured) => {
                report(&measured);
                Some(measured)
            }
            Err(error) => {
                tracing::warn!("settings that do not work here: {tuning:?}: {error}");
                None
            }
        };
        let faster = |one: &Measured, other: &Measured| one.typical_seconds() < other.typical_seconds() * price;
        let Some(challenger) = run(tuning).filter(|measured| faster(measured, best)) else { return };
        // The best so far may have had bad luck, with other work on the machine: it gets a second run.
        if let Some(again) = run(best.tuning).filter(|again| again.typical_seconds() < best.typical_seconds()) {
            *best = again;
        }
        if faster(&challenger, best) {
            *best = challenger;
        }
    };
    for (threads, price) in thread_counts(best.tuning.threads, quick) {
        attempt(Tuning { threads, ..best.tuning }, price, &mut best);
    }
    let other = !best.tuning.flash_attention;
    if other || best.tuning.kv_type == KvType::F16 {
        attempt(Tuning { flash_attention: other, ..best.tuning }, WORTH_IT, &mut best);
    }
    let batches = if quick { BATCHES.get(..2).unwrap_or_default() } else { &BATCHES };
    let tried = best.tuning.batch_tokens;
    for batch_tokens in batches.iter().copied().filter(|batch| *batch != tried) {
        attempt(Tuning { batch_tokens, ..best.tuning }, WORTH_IT, &mut best);
    }
    if best.tuning.flash_attention && best.tuning.kv_type == KvType::F16 {
        attempt(Tuning { kv_type: KvType::Q8_0, ..best.tuning }, WORTH_A_PRICE, &mut best);
    }
    if !quick {
        attempt(Tuning { pin_threads: !best.tuning.pin_threads, ..best.tuning }, WORTH_IT, &mut best);
    }
    wanted(stop)?;
    Ok(best)
}

/// How much work the runs do, so that each takes some ten seconds whatever the model.
fn workload(pilot: &Measured, quick: bool) -> Workload {
    let (prefill_seconds, decode_seconds) = if quick { (2.0, 2.0) } else { (6.0, 4.0) };
    let chars = (pilot.prefill_per_second * prefill_seconds).clamp(PROMPT_CHARS.0, PROMPT_CHARS.1);
    let tokens = (pilot.decode_per_second * decode_seconds).clamp(REPLY_TOKENS.0, REPLY_TOKENS.1);
    // Both are clamped to small positive numbers.
    Workload { prompt_chars: chars as usize, reply_tokens: tokens as u32 }
}

/// Numbers of threads to try beside `tried`, and what each must gain. Every core is tried last and must gain much: HTTP needs one.
fn thread_counts(tried: u32, quick: bool) -> Vec<(u32, f64)> {
    let cores = u32::try_from(physical_cores()).unwrap_or(1).max(1);
    let few = [cores.saturating_sub(1), cores / 2, cores / 4, 1];
    let few = if quick { few.get(..1).unwrap_or_default() } else { &few };
    let mut counts: Vec<(u32, f64)> = Vec::new();
    for (threads, price) in few.iter().map(|n| (*n, WORTH_IT)).chain([(cores, WORTH_A_PRICE)]) {
        if threads > 0 && threads != tried && !counts.iter().any(|(known, _)| *known == threads) {
            counts.push((threads, price));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(prefill_per_second: f64, decode_per_second: f64) -> Measured {
        Measured {
            tuning: tuning_of(&GeneratorSettings::new("m.gguf")),
            prompt_tokens: 100,
            prefill_per_second,
            reply_tokens: 10,
            decode_per_second,
            load_ms: 1.0,
            peak_bytes: None,
        }
    }

    #[test]
    fn settings_are_compared_by_a_question_at_the_counter() {
        assert_eq!(measured(150.0, 20.0).typical_seconds(), 20.0);
        // A faster prompt is worth more than a faster reply when the prompt is the longer wait.
        assert!(measured(75.0, 20.0).typical_seconds() > measured(150.0, 15.0).typical_seconds());
    }

    #[test]
    fn a_run_is_short_on_a_slow_model_and_long_enough_on_a_fast_one() {
        let slow = workload(&measured(3.0, 0.5), false);
        assert_eq!(slow, Workload { prompt_chars: 96, reply_tokens: 8 });
        let fast = workload(&measured(1e6, 1e6), true);
        assert_eq!(fast, Workload { prompt_chars: 1024, reply_tokens: 64 });
        assert_eq!(text(fast.prompt_chars).chars().count(), 1024);
    }

    #[test]
    fn thread_counts_are_distinct_and_leave_out_what_was_tried() {
        for tried in 1..4 {
            let counts = thread_counts(tried, false);
            assert!(counts.iter().all(|(n, _)| *n > 0 && *n != tried));
            let mut seen: Vec<u32> = counts.iter().map(|(n, _)| *n).collect();
            seen.dedup();
            assert_eq!(seen.len(), counts.len());
        }
    }
}
