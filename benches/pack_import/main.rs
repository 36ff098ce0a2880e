//! From head office's stick to the counter: the laws, whole and as the difference to last year's, while tellers ask.
//!
//! `cargo bench --profile release --bench pack_import -- [--guida BINARY] [--work DIR] [--rate 50] [--before 30]`
//!
//! Two knowledge files are built, one of the laws and one of the laws after a year of amendments that resembles it (`laws`); head
//! office's own commands make the sticks (`office`). A box that serves the old one then imports the new one while questions come in
//! at a steady rate (`load`), once from the whole file and once from the difference. The latency before and during the import is
//! measured in the same run, so that their ratio holds on any machine.
//!
//! The laws are looked for under `GUIDA_EVAL_DATA` (else `../shared/data`). Building takes minutes; with `--work` the two files stay in
//! that folder for the next time.

#[path = "../support/client.rs"]
mod client;
mod laws;
mod load;
#[path = "../support/office.rs"]
mod office;

use load::{Load, Window};
use office::{Guida, Imported};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The delta may have so many percent of the whole file's compressed bytes.
const MOST_PERCENT: f64 = 5.0;
/// Limits of the import on two cores: seconds for the whole file and for the difference, memory in MiB, and how much slower answers get.
const MOST_SECONDS_FULL: f64 = 60.0;
const MOST_SECONDS_DELTA: f64 = 15.0;
const MOST_MIB: u64 = 1024;
const MOST_SLOWER: f64 = 2.0;
/// What runs on for so long after an import still counts as during it: the service changes over.
const AFTER: Duration = Duration::from_secs(2);

struct Options {
    guida: PathBuf,
    work: Option<PathBuf>,
    rate: u32,
    before: Duration,
}

fn main() -> ExitCode {
    let data = std::env::var_os("GUIDA_EVAL_DATA").map_or_else(default_data, PathBuf::from);
    if !data.join("laws").is_dir() {
        println!("SKIPPED: no laws under {}; set GUIDA_EVAL_DATA", data.display());
        return ExitCode::SUCCESS;
    }
    match options().and_then(|options| run(&options, &data)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn default_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        guida: option_env!("CARGO_BIN_EXE_guida").unwrap_or("guida").into(),
        work: None,
        rate: 50,
        before: Duration::from_secs(30),
    };
    // Cargo passes `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{name} takes a number above 0"));
        match name.as_str() {
            "--guida" => options.guida = value.into(),
            "--work" => options.work = Some(value.into()),
            "--rate" => options.rate = number()?,
            "--before" => options.before = Duration::from_secs(number()?.into()),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn run(options: &Options, data: &Path) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let guida = Guida::new(&options.guida, folder.path())?;
    let (old, new) = knowledge(&guida, options, &data.join("laws"))?;
    let questions = load::questions(&data.join("leco-dev.jsonl"))?;
    let bank = guida.bank()?;
    println!("{}", client::hardware());
    let first = bank.stick("first", None, 1, &old)?;
    let whole = bank.stick("whole", None, 2, &new)?;
    let both = bank.stick("both", Some(&first), 2, &new)?;
    let percent = 100.0 * both.delta_bytes as f64 / whole.full_bytes as f64;
    let kept = percent <= MOST_PERCENT;
    println!(
        "whole {} bytes | difference {} bytes, {percent:.1}% (at most {MOST_PERCENT}%)",
        whole.full_bytes, both.delta_bytes
    );
    let mut good = kept;
    for (kind, stick, seconds) in [("whole", &whole, MOST_SECONDS_FULL), ("difference", &both, MOST_SECONDS_DELTA)] {
        let branch = bank.branch(kind)?;
        guida.import(&branch, &first.folder)?;
        let server = guida.serve(&branch)?;
        let load = Load::start(server.addr, options.rate, questions.clone());
        // The first second warms the connections and the caches up.
        std::thread::sleep(Duration::from_secs(1));
        let quiet = Instant::now();
        std::thread::sleep(options.before);
        let begun = Instant::now();
        let imported = guida.import(&branch, &stick.folder)?;
        std::thread::sleep(AFTER);
        let ended = Instant::now();
        let answers = load.stop()?;
        let (before, during) = (answers.window(quiet, begun), answers.window(begun, ended));
        let peak = server.peak_mib();
        good &= report(kind, &imported, seconds, (&before, &during), peak);
        if answers.went_back() || during.generations.len() != 2 {
            println!("  generations {:?}: one after the other was expected", during.generations);
            good = false;
        }
    }
    Ok(good)
}

/// The knowledge of the laws, and of the amended laws.
fn knowledge(guida: &Guida, options: &Options, laws: &Path) -> Result<(PathBuf, PathBuf), String> {
    let folder = options.work.as_deref().unwrap_or(guida.folder());
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let (old, new) = (folder.join("laws.db"), folder.join("laws-2026.db"));
    if !old.exists() {
        guida.build(laws, &old, None)?;
    }
    if !new.exists() {
        let amended = guida.folder().join("laws-2026");
        let done = laws::amend(laws, &amended).map_err(|e| format!("{}: {e}", laws.display()))?;
        println!("{done:?}");
        guida.build(&amended, &new, Some(&old))?;
    }
    Ok((old, new))
}

/// Prints what was measured; returns whether it is within the limits.
fn report(kind: &str, import: &Imported, seconds: f64, (before, during): (&Window, &Window), server_mib: u64) -> bool {
    let slower = during.at(0.95) / before.at(0.95);
    println!(
        "{kind}: {:.1} s (at most {seconds}; {:.1} s of processor time) | import {} MiB, service {server_mib} MiB (at most {MOST_MIB}) | answers before {} during {} | \
         p95 {:.1} ms before, {:.1} ms during, {slower:.2} x (at most {MOST_SLOWER}) | errors {}",
        import.seconds,
        import.busy,
        import.peak_mib,
        before.count(),
        during.count(),
        before.at(0.95),
        during.at(0.95),
        before.errors + during.errors
    );
    import.seconds <= seconds
        && import.peak_mib <= MOST_MIB
        && server_mib <= MOST_MIB
        && slower <= MOST_SLOWER
        && before.errors + during.errors == 0
}
