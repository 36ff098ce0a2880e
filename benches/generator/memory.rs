//! A large model: does it load and answer, what does it take at its peak, and what did the fit check say?

use crate::ours::{prompts, request};
use crate::{Options, since};
use guida::inference::{
    ChildGenerator, GenerateEvent, Generator, GeneratorSettings, KvType, predict_memory, read_info,
};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest wait for loading.
const PATIENCE: Duration = Duration::from_secs(600);
/// Context in tokens: all that Llama 2 has.
const CONTEXT: u32 = 4096;
/// Threads, however many processors there are.
const THREADS: u32 = 8;
/// Words of the reply: enough to see it write.
const WORDS: u32 = 4;

/// Loads the model with one slot of 4,096 tokens and has it answer.
pub fn peak(options: &Options) -> Result<(), String> {
    for kv_type in [KvType::Q8_0, KvType::F16] {
        let settings = GeneratorSettings {
            slots: 1,
            context_tokens: CONTEXT,
            threads: Some(THREADS),
            kv_type,
            cache_mb: 0,
            ..GeneratorSettings::new(&options.model)
        };
        let info = read_info(&options.model).map_err(|e| e.to_string())?;
        let predicted = predict_memory(&info, &settings).total as f64;
        let began = Instant::now();
        let generator =
            ChildGenerator::spawn(Path::new(env!("CARGO_BIN_EXE_guida")), settings).map_err(|e| e.to_string())?;
        generator.wait_ready(PATIENCE).map_err(|e| e.to_string())?;
        let loaded = since(began);
        let mut asked = prompts(options, 1)?.remove(0);
        // One clause: the time goes into reading, and memory does not depend on it.
        asked.prompt.evidence.truncate(1);
        let mut words = 0;
        for event in &generator.start(request(&asked, WORDS)).map_err(|e| e.to_string())?.events {
            match event {
                GenerateEvent::Done(stats) => words = stats.generated_tokens,
                GenerateEvent::Failed(error) => return Err(error.to_string()),
                _ => {}
            }
        }
        let pid = generator.pid().ok_or("the process is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| e.to_string())?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
            .ok_or("no VmHWM")?
            * 1024.0;
        let gib = |bytes: f64| bytes / f64::from(1 << 30);
        println!(
            "| {kv_type:?}, {CONTEXT} tokens, {THREADS} threads | loaded in {loaded:.0} s, {words} words | peak {:.2} GiB, predicted {:.2} GiB ({:+.1}%) |",
            gib(peak),
            gib(predicted),
            (predicted / peak - 1.0) * 100.0
        );
    }
    Ok(())
}
