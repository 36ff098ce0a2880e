//! Composition root: the only place that names concrete adapters. Opens knowledge and models, hands them to the engine, and
//! the engine to HTTP or the command line.

mod console;
pub mod models;
mod service;

use crate::answer::Writers;
use crate::cli;
use crate::cli::args::{
    AskArgs, ChatArgs, Cli, Command, EncoderArgs, EvalCommand, KbArg, KbCommand, KvTypeArg, ModelArgs, PackCommand,
    PoolingArg,
};
use crate::engine::Engine;
use crate::engine::branch::is_home;
use crate::engine::measure::CrossValidation;
use crate::engine::modeling::ModelHost;
use crate::engine::models::{Wanted, program};
use crate::engine::offline::{Measuring, Sources};
use crate::engine::request::{Actor, TELLER_CLEARANCE};
use crate::engine::settings::{SettingsDesk, SettingsPlace};
use crate::error::{Code, Error, Result};
use crate::inference::models::Pooling;
use crate::inference::{
    Embedder, EmbedderSettings, KvType, LlamaEmbedder, LlamaReranker, Reranker, require_unaltered, run_child,
};
use crate::log;
use clap::Parser;
use models::Models;
use service::environment;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait of a one-shot `guida ask` for its model to load.
const MODEL_LOAD_LIMIT: Duration = Duration::from_secs(300);

/// The knowledge that comes with the program.
const DEFAULT_KB: &str = "knowledge.db";
/// Stands for the number of the fold in `eval cv --embedder`.
const FOLD: &str = "{fold}";

/// Runs one command and returns its exit code: 0, 2 for a wrong command line, else by [`crate::error::Kind::exit_code`].
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) if e.kind() == clap::error::ErrorKind::InvalidUtf8 => {
            return fail(&Error::new(
                Code::NotUtf8,
                "命令行里有不是 UTF-8 的文字",
                "把终端的编码改成 UTF-8 后重新输入",
            ));
        }
        Err(e) => {
            // Help and version come this way too; failing to print them leaves nothing else to say.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(e) => fail(&e),
    }
}

fn fail(e: &Error) -> ExitCode {
    // Nobody left to read it is no reason to end otherwise.
    let _ = writeln!(std::io::stderr(), "{e}");
    ExitCode::from(e.kind().exit_code())
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    // The generator process sets up its own log and sandbox before anything else; the service keeps a log; what the console said on
    // standard error would stand in its picture.
    if !matches!(cli.command, Command::GeneratorChild | Command::Serve(_) | Command::Console(_)) {
        log::start();
    }
    // What is made in a data folder is for the service's user and group.
    if matches!(
        cli.command,
        Command::Serve(_) | Command::Import(_) | Command::Data { .. } | Command::Model { .. } | Command::Settings(_)
    ) {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(crate::store::closed::UMASK));
    }
    let done = match cli.command {
        // What it finds is no error of the command.
        Command::Doctor(args) => return cli::doctor::run(&args),
        Command::GeneratorChild => run_child(),
        Command::Ask(args) => ask(&args),
        Command::Chat(args) => chat(&args),
        Command::Serve(args) => service::serve(&args),
        Command::Console(args) => console::run(&args),
        Command::Kb {
            command:
                KbCommand::Build { dirs, out, curated, enrich, like, no_everyday, encoder, threads, strict, report, json },
        } => {
            let embedder = load_embedder(&encoder, EmbedderSettings::for_many(threads))?;
            let everyday = !no_everyday;
            let sources = Sources { dirs: &dirs, curated: &curated, everyday, enrich: &enrich, like: like.as_deref() };
            let wanted = cli::kb::Wanted { strict, report: report.as_deref(), json };
            return cli::kb::build(&sources, &out, embedder.as_deref(), &wanted);
        }
        Command::Kb { command: KbCommand::Preview { file, no_cards, json } } => {
            cli::kb::preview(&file, !no_cards, json)
        }
        Command::Kb { command: KbCommand::Enrich { dirs, out, models } } => {
            let writers = start_models(&models)?.writers();
            wait_for(&writers)?;
            let writer = writers.large.or(writers.small).ok_or_else(|| {
                Error::new(Code::ModelUnavailable, "没有对话模型", "用 --model 指定 GGUF 文件,由它来写问法")
            })?;
            cli::kb::enrich(&dirs, writer.as_ref(), &out)
        }
        Command::Kb { command: KbCommand::Check { file, json } } => cli::kb::check(&file, json),
        Command::Kb { command: KbCommand::Review { file, against, json } } => cli::kb::review(&file, &against, json),
        Command::Kb { command: KbCommand::Show { file, what, json } } => {
            let engine = Engine::open(&file, None, None, None)?;
            cli::show::run(&engine, &Actor::operator(), what.as_deref(), json)
        }
        Command::Import(args) => {
            let encoder = EncoderArgs { no_embedder: args.no_embedder, ..EncoderArgs::default() };
            cli::branch::import(&args, load_embedder(&encoder, EmbedderSettings::default())?)
        }
        Command::Data { command } => cli::branch::data(&command),
        Command::Pack { command: PackCommand::Build(args) } => {
            let encoder =
                EncoderArgs { no_embedder: args.no_embedder || args.golden.is_none(), ..EncoderArgs::default() };
            cli::pack::build(&args, load_embedder(&encoder, EmbedderSettings::default())?)
        }
        Command::Pack { command } => cli::pack::run(&command),
        Command::Model { command } => cli::model::run(&command),
        Command::Settings(args) => {
            let place = SettingsPlace::of(args.config.config.as_deref(), Some(&args.data));
            cli::settings::run(&args, &SettingsDesk::open(place, environment()))
        }
        Command::Eval { command: EvalCommand::Retrieval(args) } => {
            let embedder = load_embedder(&args.encoder, EmbedderSettings::default())?;
            let reranker = load_reranker(args.reranker.as_deref(), None)?;
            let measuring = Measuring {
                kb: &args.kb.kb.clone().unwrap_or_else(|| DEFAULT_KB.into()),
                questions: &args.questions,
                signals: cli::eval::signals(&args.without),
                perturb: &cli::eval::perturbations(&args.perturb),
                as_of: cli::parse_day(args.as_of.as_deref())?,
                evidence: args.evidence.is_some(),
                candidates: args.candidates.is_some(),
            };
            let files = cli::eval::Files {
                details: args.details.as_deref(),
                evidence: args.evidence.as_deref(),
                candidates: args.candidates.as_deref(),
                report: args.report.as_deref(),
            };
            cli::eval::retrieval(&measuring, embedder, reranker, &files, args.json)
        }
        Command::Eval { command: EvalCommand::Answers(args) } => {
            let writers = start_models(&args.models)?.writers();
            let engine = open_engine(&args.kb, &args.models, writers.clone())?;
            wait_for(&writers)?;
            cli::eval::answers(&engine, &Actor::operator(), &args, cli::parse_day(args.as_of.as_deref())?)
        }
        Command::Eval { command: EvalCommand::Conclusions(args) } => {
            let embedder = load_embedder(&args.encoder, EmbedderSettings::default())?;
            let reranker = load_reranker(args.reranker.as_deref(), None)?;
            let kb = args.kb.kb.clone().unwrap_or_else(|| DEFAULT_KB.into());
            let engine = Engine::open(&kb, embedder, reranker, None)?;
            let teller = Actor::teller(TELLER_CLEARANCE);
            cli::eval::conclusions(&engine, &teller, &args, cli::parse_day(args.as_of.as_deref())?)
        }
        Command::Eval { command: EvalCommand::Cv(args) } => {
            let plan = CrossValidation {
                roots: &args.dirs,
                questions: &args.questions,
                folds: usize::from(args.folds),
                perturb: &cli::eval::perturbations(&args.perturb),
                as_of: cli::parse_day(args.as_of.as_deref())?,
                evidence: args.evidence.is_some(),
                keep: args.keep.as_deref(),
            };
            // The bundled encoder may have learned from the very questions that are asked: only one given here is used.
            let encoder = |fold: usize| {
                let path = args.embedder.as_ref().map(|pattern| pattern.replace(FOLD, &fold.to_string()));
                let load = |path: String| LlamaEmbedder::load(Path::new(&path), EmbedderSettings::for_many(None));
                Ok(path.map(load).transpose()?.map(|encoder| Arc::new(encoder) as Arc<dyn Embedder>))
            };
            cli::eval::cross_validate(&plan, &encoder, args.details.as_deref(), args.evidence.as_deref(), args.json)
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The encoder that was asked for: the bundled one, another, or none.
fn load_embedder(encoder: &EncoderArgs, settings: EmbedderSettings) -> Result<Option<Arc<dyn Embedder>>> {
    if encoder.no_embedder {
        return Ok(None);
    }
    let settings = EmbedderSettings {
        query_prefix: encoder.query_prefix.clone(),
        document_prefix: encoder.document_prefix.clone(),
        pooling: encoder.pooling.map(|pooling| match pooling {
            PoolingArg::Mean => Pooling::Mean,
            PoolingArg::Cls => Pooling::Cls,
            PoolingArg::Last => Pooling::Last,
        }),
        ..settings
    };
    Ok(Some(Arc::new(match &encoder.embedder {
        Some(path) => {
            require_unaltered(path)?;
            LlamaEmbedder::load(path, settings)?
        }
        None => LlamaEmbedder::bundled(settings)?,
    })))
}

fn load_reranker(path: Option<&Path>, threads: Option<u32>) -> Result<Option<Arc<dyn Reranker>>> {
    Ok(match path {
        Some(path) => {
            require_unaltered(path)?;
            Some(Arc::new(LlamaReranker::load(path, threads)?))
        }
        None => None,
    })
}

/// The program that runs models. Where the system does not tell which it is (no `/proc`), only a model that is wanted fails for it.
fn own_program() -> PathBuf {
    program().unwrap_or_else(|_| "/proc/self/exe".into())
}

/// Starts the models that write.
fn start_models(args: &ModelArgs) -> Result<Arc<Models>> {
    let small = Wanted { model: args.small_model.clone(), lora: None, ..wanted(args) };
    Models::start(&own_program(), wanted(args), small).map(Arc::new)
}

/// Waits until every model can write or has failed; one that can is enough.
fn wait_for(writers: &Writers) -> Result<()> {
    let all = [&writers.large, &writers.small].into_iter().flatten();
    let waited: Vec<Result<()>> = all.map(|generator| generator.wait_ready(MODEL_LOAD_LIMIT)).collect();
    if waited.iter().any(Result::is_ok) { Ok(()) } else { waited.into_iter().collect() }
}

/// What the flags say about the model that writes.
fn wanted(models: &ModelArgs) -> Wanted {
    Wanted {
        model: models.model.clone(),
        data: models.data.clone(),
        small: false,
        lora: models.lora.as_ref().map(|lora| (lora.adapter.clone(), lora.scale)),
        context: models.context,
        slots: models.slots,
        batch: models.batch,
        threads: models.threads,
        kv_type: models.kv_type.map(|kind| match kind {
            KvTypeArg::F16 => KvType::F16,
            KvTypeArg::Q8_0 => KvType::Q8_0,
        }),
        flash_attention: models.no_flash_attention.then_some(false),
        pin: models.pin.then_some(true),
        lock: models.mlock,
        no_map: models.no_mmap,
        no_repack: models.no_repack,
        cache_mb: models.prompt_cache,
        memory_limit_mb: models.model_memory,
    }
}

fn open_engine(kb: &KbArg, models: &ModelArgs, writers: Writers) -> Result<Engine> {
    let settings = EmbedderSettings { threads: models.threads, ..EmbedderSettings::default() };
    let embedder = load_embedder(&models.encoder, settings)?;
    let reranker = load_reranker(models.reranker.as_deref(), models.threads)?;
    match (&kb.kb, &models.data) {
        // A file that was named is served as it is, whatever the data folder holds.
        (Some(kb), _) => Engine::open_with(kb, embedder, reranker, writers),
        (None, Some(data)) if is_home(data) => {
            Engine::open_home(data, Path::new(DEFAULT_KB), embedder, reranker, writers)
        }
        (None, _) => Engine::open_with(Path::new(DEFAULT_KB), embedder, reranker, writers),
    }
}

fn ask(args: &AskArgs) -> Result<()> {
    let writers = start_models(&args.models)?.writers();
    let engine = open_engine(&args.kb, &args.models, writers.clone())?;
    engine.settle()?;
    let writes = writers.main().is_some();
    cli::ask::run(&engine, &Actor::operator(), args, writes.then_some(|| wait_for(&writers)))
}

fn chat(args: &ChatArgs) -> Result<()> {
    let writers = start_models(&args.models)?.writers();
    let engine = open_engine(&args.kb, &args.models, writers.clone())?;
    engine.settle()?;
    let writes = writers.main().is_some();
    cli::chat::run(&engine, &Actor::operator(), args, writes.then_some(|| wait_for(&writers)))
}
