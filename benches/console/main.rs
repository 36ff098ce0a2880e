//! The console in a real terminal, on a box that has imported the sample knowledge: what it takes of the machine while nobody touches
//! it, and how soon a key is drawn, on a quiet box and on one whose tellers ask without a pause.
//!
//! `cargo bench --profile release --bench console -- [--guida BINARY] [--idle 60] [--keys 200] [--clients 50] [--model FILE [--streams 4]]`
//!
//! The console is opened in a pseudo terminal of 80x24 and of 120x40 cells (`terminal`); what it writes there is put together to the
//! picture that a person sees (`picture`), and a key counts as drawn when that shows what the key is for (`keys`) and nothing more has
//! come for 3 ms. Service, console and tellers (`load`) are in sessions of their own (`apart`), but share the processors, which tellers
//! on a real box do not. With `--model` the box is measured once more while a model writes for `--streams` tellers.

mod apart;
#[path = "../support/client.rs"]
mod client;
mod figures;
mod keys;
mod load;
#[path = "../support/office.rs"]
mod office;
mod picture;
mod process;
#[path = "../support/questions.rs"]
mod questions;
mod terminal;

use figures::{Bounds, Times};
use guida::admin;
use guida::engine::request::Request;
use load::Load;
use office::{Guida, Server};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use terminal::{Drawn, Seen, Terminal};

/// The terminals: columns and rows.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
/// Share of one processor that an idle console may take, in percent.
const MOST_PERCENT: f64 = 1.0;
/// Memory that it may take, in MiB: 30 MB.
const MOST_MIB: f64 = 30e6 / (1 << 20) as f64;
/// Milliseconds within which a key is drawn, for 95 of 100.
const MOST_MS: f64 = 30.0;
/// Pause before a key, so that what the last one began is over.
const PAUSE: Duration = Duration::from_millis(40);
/// What was begun by opening a screen is over after so long.
const SETTLED: Duration = Duration::from_secs(2);
/// The first screens are watched as long as is asked for, the others a third of it.
const OTHERS: u32 = 3;
/// Documents that are opened, and overviews that are asked for.
const DOCUMENTS: usize = 20;
const OVERVIEWS: usize = 100;
/// Time for the load to get going.
const WARM: Duration = Duration::from_secs(3);
/// Time for a model to be loaded, and for an answer of the service.
const LOADING: Duration = Duration::from_secs(300);

struct Options {
    guida: PathBuf,
    idle: Duration,
    keys: usize,
    clients: usize,
    model: Option<String>,
    streams: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((load::AS_LOAD, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return match load::run(rest) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        };
    }
    match options().and_then(|options| run(&options)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(exceeded) => {
            eprintln!("{exceeded} bounds exceeded");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        guida: option_env!("CARGO_BIN_EXE_guida").unwrap_or("guida").into(),
        idle: Duration::from_secs(60),
        keys: 200,
        clients: 50,
        model: None,
        streams: 4,
    };
    // Cargo passes `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{name} takes a number above 0"));
        match name.as_str() {
            "--guida" => options.guida = value.into(),
            "--idle" => options.idle = Duration::from_secs(number()?.into()),
            "--keys" => options.keys = number()? as usize,
            "--clients" => options.clients = number()? as usize,
            "--model" => options.model = Some(value),
            "--streams" => options.streams = number()? as usize,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// Measures everything; returns how many bounds were exceeded.
fn run(options: &Options) -> Result<usize, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let guida = Guida::new(&options.guida, folder.path())?;
    println!("{}", client::hardware());
    let bank = guida.bank()?;
    let stick = bank.stick("stick", None, 1, &Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge.db"))?;
    let data = bank.branch("box")?;
    guida.import(&data, &stick.folder)?;

    let mut bounds = Bounds::default();
    let server = guida.serve_as(&data, apart::apart)?;
    let mut quiet = Vec::new();
    for size in SIZES {
        println!("terminal of {}x{}", size.0, size.1);
        idle(options, &data, size, &mut bounds)?;
        quiet.push(responses(options, &data, size, None, &mut bounds)?);
    }
    loaded(options, &data, &server, 0, &quiet, &mut bounds)?;
    drop(server);
    if let Some(model) = &options.model {
        let server = guida.serve_as(&data, |command| apart::apart(command.args(["--model", model])))?;
        wait_for_model(&data)?;
        loaded(options, &data, &server, options.streams, &quiet, &mut bounds)?;
    }
    Ok(bounds.exceeded)
}

/// The responses once more while tellers ask: all for cards, or some of them for prose and nobody else.
fn loaded(
    options: &Options,
    data: &Path,
    server: &Server,
    streams: usize,
    quiet: &[Responses],
    bounds: &mut Bounds,
) -> Result<(), String> {
    let cards = if streams == 0 { options.clients } else { 0 };
    for (size, quiet) in SIZES.into_iter().zip(quiet) {
        let who = if streams == 0 { format!("{cards} tellers") } else { format!("{streams} tellers with prose") };
        println!("terminal of {}x{}, {who} asking without a pause", size.0, size.1);
        let load = Load::start(server.addr, cards, streams)?;
        std::thread::sleep(WARM);
        responses(options, data, size, Some(quiet), bounds)?;
        let done = load.stop()?;
        println!(
            "  meanwhile {:.0} answers/s, {} errors, {} KiB of prose",
            done.answers_per_s,
            done.errors,
            done.written / 1024
        );
    }
    Ok(())
}

/// What the console takes while nobody touches it.
fn idle(options: &Options, data: &Path, size: (u16, u16), bounds: &mut Bounds) -> Result<(), String> {
    let begun = Instant::now();
    let mut console = Terminal::open(&options.guida, data, size)?;
    console.wait(Seen::Shows("答案用时"))?;
    println!("  opened, the state of the service in sight after {} ms", begun.elapsed().as_millis());
    let others = options.idle / OTHERS;
    for (key, name, words, span) in [
        ("1", "Overview", "┌ 服务和知识", options.idle),
        ("6", "Logs", "选中的一行", others),
        ("3", "Import", "┌ 导入", others),
    ] {
        console.press(key, Seen::Shows(words))?;
        console.watch(SETTLED)?;
        let (begun, before) = (Instant::now(), process::busy(console.pid())?);
        console.watch(span)?;
        let percent = 100.0 * (process::busy(console.pid())? - before) / begun.elapsed().as_secs_f64();
        bounds.less(&format!("idle on {name} for {span:?}"), percent, MOST_PERCENT, "% of a processor");
    }
    for step in &keys::VISIT {
        console.press(step.key, step.seen)?;
        console.watch(PAUSE)?;
    }
    let memory = process::memory(console.pid())?;
    bounds.less("memory after every screen", memory.resident, MOST_MIB, "MiB");
    println!("  of it its own {:.1} MiB; peak {:.1} MiB, {} threads", memory.own, memory.peak, memory.threads);
    Ok(())
}

/// How soon the console answers.
struct Responses {
    keys: Times,
    document: Times,
    overview: Times,
}

/// Presses keys, opens documents, asks for the overview.
fn responses(
    options: &Options,
    data: &Path,
    size: (u16, u16),
    quiet: Option<&Responses>,
    bounds: &mut Bounds,
) -> Result<Responses, String> {
    let mut console = Terminal::open(&options.guida, data, size)?;
    console.wait(Seen::Shows("答案用时"))?;
    for step in &keys::VISIT {
        console.press(step.key, step.seen)?;
        console.watch(PAUSE)?;
    }
    let before = process::turns(console.pid())?;
    let mut drawn: Vec<(&str, Drawn)> = Vec::new();
    for step in keys::ROUND.iter().cycle().take(options.keys) {
        console.watch(PAUSE)?;
        drawn.push((step.key, console.press(step.key, step.seen)?));
    }
    let turns = process::turns(console.pid())?;
    let each = |after: f64, before: f64| (after - before) / drawn.len() as f64;
    let (ran, waited) = (each(turns.ran, before.ran), each(turns.waited, before.waited));
    let first = Times::new(drawn.iter().map(|(_, drawn)| drawn.first));
    let keys = Times::new(drawn.iter().map(|(_, drawn)| drawn.whole));
    println!("  key to first byte: {}", first.line());
    println!("  key to whole picture: {}", keys.line());
    if let Some((key, slowest)) = drawn.iter().max_by_key(|(_, drawn)| drawn.whole) {
        println!("  slowest: {key:?}, {:.1} ms", slowest.whole.as_secs_f64() * 1000.0);
    }
    println!("  per key {ran:.2} ms of processor time, {waited:.2} ms of waiting for a processor that others had");
    bounds.less("key to whole picture, p95", keys.at(0.95), MOST_MS, "ms");
    let document = Times::new(documents(&mut console)?);
    println!("  a document opened, its clauses in sight: {}", document.line());
    let overview = Times::new(overviews(data)?);
    println!("  the service's overview over the socket: {}", overview.line());
    let all = Responses { keys, document, overview };
    if let Some(quiet) = quiet {
        let ratio = |loaded: &Times, quiet: &Times| {
            format!("p50 {:.1} x, p95 {:.1} x", loaded.at(0.5) / quiet.at(0.5), loaded.at(0.95) / quiet.at(0.95))
        };
        println!(
            "  against the quiet box: keys {}; document {}; overview {}",
            ratio(&all.keys, &quiet.keys),
            ratio(&all.document, &quiet.document),
            ratio(&all.overview, &quiet.overview)
        );
    }
    Ok(all)
}

/// Opens one document after another.
fn documents(console: &mut Terminal) -> Result<Vec<Duration>, String> {
    console.press(keys::KNOWLEDGE.key, keys::DOCUMENTS)?;
    let mut times = Vec::new();
    for _ in 0..DOCUMENTS {
        console.watch(PAUSE)?;
        times.push(console.press(keys::OPEN, keys::CLAUSES)?.whole);
        for step in [keys::BACK, keys::NEXT] {
            console.watch(PAUSE)?;
            console.press(step.key, step.seen)?;
        }
    }
    Ok(times)
}

fn overviews(data: &Path) -> Result<Vec<Duration>, String> {
    let mut client = admin::client::Client::connect(&admin::socket_path(data), LOADING).map_err(|e| e.to_string())?;
    let overview = |_| {
        std::thread::sleep(PAUSE);
        let begun = Instant::now();
        client.call(&Request::Overview).map(|_| begun.elapsed()).map_err(|e| e.to_string())
    };
    (0..OVERVIEWS).map(overview).collect()
}

/// Waits until the model can write.
fn wait_for_model(data: &Path) -> Result<(), String> {
    let mut client = admin::client::Client::connect(&admin::socket_path(data), LOADING).map_err(|e| e.to_string())?;
    let until = Instant::now() + LOADING;
    while Instant::now() < until {
        let reply = client.call(&Request::Overview).map_err(|e| e.to_string())?;
        if let guida::engine::reply::Reply::Overview(overview) = reply
            && overview.status.generator.is_some_and(|generator| generator.ready)
        {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(format!("the model is not loaded within {LOADING:?}"))
}
