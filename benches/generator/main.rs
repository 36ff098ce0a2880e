//! The generator beside llama-server and llama-bench of the same machine: same GGUF, same threads, same prompts, one run.
//!
//! `cargo bench --profile release --bench generator -- --model FILE --peer FOLDER [--threads N] [--slots N] [--only NAME]...`
//!
//! `FOLDER` holds `llama-server` and `llama-bench` (README, "Measuring the generator", says how to build them). Prompts are those of
//! the product: cards of `knowledge.db` for the measured questions of the sample rulebook. Parts: `single`, `tellers`, `reach`,
//! `stall`, `card`, `again`;
//! `memory` only when asked for, with a large model. Every figure is a ratio of two measurements taken alternately; the table goes to standard output.

mod card;
mod memory;
mod ours;
mod peer;
mod single;
mod tellers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Said when there is nothing to measure with, as in `make bench`.
const NOTHING_GIVEN: &str = "SKIPPED: --model FILE and --peer FOLDER are needed";

/// One reply as its reader saw it.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, tokens that were computed.
    pub prefilled: usize,
    /// When each token came, from the moment of asking.
    pub tokens: Vec<Duration>,
}

impl Heard {
    /// Time to the first token.
    pub fn first(&self) -> Duration {
        self.tokens.first().copied().unwrap_or_default()
    }

    /// Longest time between two tokens.
    pub fn longest_gap(&self) -> Duration {
        self.tokens.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default()
    }
}

/// Something that writes.
pub trait Writer: Sync {
    /// Asks, and listens to the end. `token` hears of every token.
    fn ask(&self, prompt: &ours::Asked, words: u32, token: &mut dyn FnMut()) -> Result<Heard, String>;
}

/// What is measured, and with what.
pub struct Options {
    pub model: PathBuf,
    pub peer: PathBuf,
    pub kb: PathBuf,
    pub questions: PathBuf,
    pub threads: u32,
    pub slots: u32,
    pub rounds: usize,
    pub words: u32,
    /// Where what was read ahead of need is kept between runs.
    pub rested: Option<PathBuf>,
    /// How many of llama-server's settings are tried.
    pub peers: usize,
    pub only: Vec<String>,
}

fn main() -> ExitCode {
    let outcome = options().and_then(|options| {
        println!("{}, {} threads, {} slots", machine(), options.threads, options.slots);
        let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
        if wanted("single") {
            single::speeds(&options)?;
        }
        if wanted("tellers") {
            tellers::together(&options)?;
        }
        if wanted("reach") {
            tellers::reach(&options)?;
        }
        if wanted("stall") {
            tellers::stall(&options)?;
        }
        if wanted("card") {
            card::saturated(&options)?;
        }
        if options.only.iter().any(|only| only == "memory") {
            memory::peak(&options)?;
        }
        if wanted("again") {
            single::again(&options)?;
        }
        Ok(())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error == NOTHING_GIVEN => {
            println!("{error}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        model: PathBuf::new(),
        peer: PathBuf::new(),
        kb: "knowledge.db".into(),
        questions: "assets/knowledge/questions.jsonl".into(),
        threads: 1,
        slots: 8,
        rounds: 2,
        words: 48,
        rested: None,
        peers: usize::MAX,
        only: Vec::new(),
    };
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        let number = |text: String| text.parse::<u32>().map_err(|e| format!("{text}: {e}"));
        match name.as_str() {
            "--model" => options.model = value()?.into(),
            "--peer" => options.peer = value()?.into(),
            "--kb" => options.kb = value()?.into(),
            "--questions" => options.questions = value()?.into(),
            "--threads" => options.threads = number(value()?)?,
            "--slots" => options.slots = number(value()?)?,
            "--rounds" => options.rounds = number(value()?)? as usize,
            "--words" => options.words = number(value()?)?,
            "--rested" => options.rested = Some(value()?.into()),
            "--peers" => options.peers = number(value()?)? as usize,
            "--only" => options.only.push(value()?),
            other => return Err(format!("unknown option {other}")),
        }
    }
    if options.model.as_os_str().is_empty() || options.peer.as_os_str().is_empty() {
        return Err(NOTHING_GIVEN.into());
    }
    Ok(options)
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    format!("{}, {cores} processors", name.trim_start_matches([' ', '\t', ':']))
}

/// The value below which a share of the values lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Seconds since.
pub fn since(from: Instant) -> f64 {
    from.elapsed().as_secs_f64()
}
