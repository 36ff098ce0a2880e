//! Composition root: the only place that names concrete adapters. Opens knowledge and models, hands them to the engine, and
//! the engine to HTTP or the command line.

use crate::answer::Writers;
use crate::cli;
use crate::cli::args::{
    AskArgs, Cli, Command, EncoderArgs, EvalCommand, KbArg, KbCommand, KvTypeArg, ModelArgs, PackCommand, PoolingArg,
    ServeArgs,
};
use crate::config::{Given, Key, Settings};
use crate::engine::Engine;
use crate::engine::branch::is_home;
use crate::engine::importing::step_back;
use crate::engine::measure::CrossValidation;
use crate::engine::models::{Wanted, program};
use crate::engine::offline::Measuring;
use crate::engine::reply::Reply;
use crate::engine::request::{Actor, Request};
use crate::engine::settings::{SettingsDesk, SettingsPlace};
use crate::error::{Code, Error, Result};
use crate::http::{self, Door, HttpSettings};
use crate::inference::models::Pooling;
use crate::inference::{
    ChildGenerator, Embedder, EmbedderSettings, Generator, KvType, LlamaEmbedder, LlamaReranker, Reranker, run_child,
};
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest wait of a one-shot `guida ask` for its model to load.
const MODEL_LOAD_LIMIT: Duration = Duration::from_secs(300);

/// What is logged unless `GUIDA_LOG` says otherwise. llama.cpp warns about the special tokens of every BERT vocabulary; what ends
/// in an error is part of that error.
const DEFAULT_LOG: &str = "warn,llama.cpp=error";
/// How often the wish to load the models anew (SIGHUP) is looked for.
const RELOAD_POLL: Duration = Duration::from_millis(250);
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
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e),
    }
}

fn fail(e: &Error) -> ExitCode {
    // Nobody left to read it is no reason to end otherwise.
    let _ = writeln!(std::io::stderr(), "{e}");
    ExitCode::from(e.kind().exit_code())
}

fn dispatch(cli: Cli) -> Result<()> {
    // The generator process sets up its own log and sandbox before anything else.
    if !matches!(cli.command, Command::GeneratorChild) {
        start_log();
    }
    match cli.command {
        Command::GeneratorChild => run_child(),
        Command::Ask(args) => ask(&args),
        Command::Serve(args) => serve(&args),
        Command::Kb { command: KbCommand::Build { dirs, out, curated, like, no_everyday, encoder, threads, json } } => {
            let embedder = load_embedder(&encoder, EmbedderSettings::for_many(threads))?;
            cli::kb::build(&dirs, &curated, !no_everyday, like.as_deref(), &out, embedder.as_deref(), json)
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
            };
            let report = args.report.as_deref();
            cli::eval::retrieval(&measuring, embedder, reranker, args.details.as_deref(), report, args.json)
        }
        Command::Eval { command: EvalCommand::Answers(args) } => {
            let writers = Models::start(&args.models, wanted(&args.models))?.writers();
            let engine = open_engine(&args.kb, &args.models, writers.clone())?;
            wait_for(&writers)?;
            cli::eval::answers(&engine, &Actor::operator(), &args, cli::parse_day(args.as_of.as_deref())?)
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
    }
}

/// Log to standard error, `GUIDA_LOG` chooses what (default: warnings; `info` shows every request).
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GUIDA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_LOG));
    // A subscriber that is already set serves as well.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).try_init();
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
        Some(path) => LlamaEmbedder::load(path, settings)?,
        None => LlamaEmbedder::bundled(settings)?,
    })))
}

fn load_reranker(path: Option<&Path>, threads: Option<u32>) -> Result<Option<Arc<dyn Reranker>>> {
    Ok(match path {
        Some(path) => Some(Arc::new(LlamaReranker::load(path, threads)?)),
        None => None,
    })
}

/// The models that write, each in a process of its own, with what was asked for: it is read anew when they are to be loaded anew.
#[derive(Default)]
struct Models {
    small: Option<(Wanted, Arc<ChildGenerator>)>,
    large: Option<(Wanted, Arc<ChildGenerator>)>,
}

impl Models {
    fn start(models: &ModelArgs, wanted: Wanted) -> Result<Models> {
        let small = models.small_model.as_ref();
        let small = small.map(|model| Wanted { model: Some(model.clone()), lora: None, ..wanted.clone() });
        Ok(Models { small: small.map(start_generator).transpose()?.flatten(), large: start_generator(wanted)? })
    }

    fn writers(&self) -> Writers {
        let generator = |started: &Option<(Wanted, Arc<ChildGenerator>)>| {
            started.as_ref().map(|(_, generator)| Arc::clone(generator) as Arc<dyn Generator>)
        };
        Writers { small: generator(&self.small), large: generator(&self.large) }
    }

    /// Puts what the flags mean now (another registered model, a replaced file, a new profile) in the place of what serves; tellers
    /// notice nothing but the new model's name.
    fn reload(&self) {
        for (wanted, generator) in [&self.small, &self.large].into_iter().flatten() {
            match wanted.settings() {
                Ok(Some(settings)) => generator.swap(settings),
                Ok(None) => tracing::warn!("no model is registered any more; the present one stays"),
                Err(error) => tracing::error!("the present model stays: {error}"),
            }
        }
    }
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

fn start_generator(wanted: Wanted) -> Result<Option<(Wanted, Arc<ChildGenerator>)>> {
    let Some(settings) = wanted.settings()? else { return Ok(None) };
    let generator = ChildGenerator::spawn(&program()?, settings)?;
    Ok(Some((wanted, Arc::new(generator))))
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
    let writers = Models::start(&args.models, wanted(&args.models))?.writers();
    let engine = open_engine(&args.kb, &args.models, writers.clone())?;
    let writes = writers.main().is_some();
    cli::ask::run(&engine, &Actor::operator(), args, writes.then_some(|| wait_for(&writers)))
}

impl Door for Engine {
    fn handle(&self, actor: &Actor, request: Request) -> Result<Reply> {
        Engine::handle(self, actor, request)
    }
}

/// Names to the models what tellers are likely to ask.
fn warm(engine: &Engine, stop: &AtomicBool) {
    match engine.warm(stop) {
        Ok(0) => {}
        Ok(prompts) => tracing::info!("{prompts} prompts are read ahead of need in idle moments"),
        Err(error) => tracing::warn!("nothing is read ahead of need: {error}"),
    }
}

/// What the environment says of the settings.
fn environment() -> Given {
    Given::from_env(|name| std::env::var_os(name))
}

/// Everything that serves, by the settings.
fn open_service(args: &ServeArgs, desk: SettingsDesk) -> Result<(Arc<Engine>, Models, HttpSettings)> {
    let settings = desk.checked()?;
    let asked = args.models(settings);
    let wanted = Wanted {
        flash_attention: settings.switch(Key::ModelsFlashAttention),
        pin: settings.switch(Key::ModelsPin),
        ..wanted(&asked)
    };
    let http = http_settings(settings)?;
    let models = Models::start(&asked, wanted)?;
    let engine = open_engine(&ServeArgs::knowledge(settings), &asked, models.writers())?;
    Ok((Arc::new(engine.with_settings(desk)), models, http))
}

fn http_settings(settings: &Settings) -> Result<HttpSettings> {
    let listen = settings
        .address(Key::HttpListen)
        .ok_or_else(|| Error::new(Code::Internal, "设置里没有监听地址", "请把本条信息报给软件维护方"))?;
    let usual = HttpSettings::new(listen);
    Ok(HttpSettings {
        workers: settings.number(Key::HttpWorkers).unwrap_or(usual.workers),
        max_connections: settings.number(Key::HttpMaxConnections).unwrap_or(usual.max_connections),
        max_waiting: settings.number(Key::HttpMaxWaiting).unwrap_or(usual.max_waiting),
        queue_timeout: settings.number(Key::HttpQueueTimeout).map_or(usual.queue_timeout, Duration::from_secs),
        prose_timeout: settings.number(Key::HttpProseTimeout).map_or(usual.prose_timeout, Duration::from_secs),
        ..usual
    })
}

fn serve(args: &ServeArgs) -> Result<()> {
    let place = SettingsPlace::of(args.config.config.as_deref(), args.models.data.as_deref());
    let desk = SettingsDesk::open(place, args.given(environment()));
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(|e| {
            Error::new(Code::Internal, format!("无法接管停止信号:{e}"), "请把本条信息报给软件维护方").because(e)
        })?;
    }
    let anew = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&anew)).map_err(|e| {
        Error::new(Code::Internal, format!("无法接管重载信号:{e}"), "请把本条信息报给软件维护方").because(e)
    })?;
    let (engine, models, http) = open_service(args, desk)?;
    let door: Arc<dyn Door> = Arc::clone(&engine) as Arc<dyn Door>;
    let server = http::serve(door, http, Arc::clone(&stop))?;
    cli::announce(&format!("listening http://{}", server.addr()))?;
    let stopped = Arc::clone(&stop);
    let warming = std::thread::Builder::new().name("warming".into()).spawn(move || {
        step_back();
        let mut warmed = engine.generation();
        warm(&engine, &stopped);
        while !stopped.load(Ordering::Acquire) {
            if anew.swap(false, Ordering::AcqRel) {
                models.reload();
            }
            if let Err(error) = engine.follow() {
                tracing::error!("the present knowledge stays: {error}");
            }
            // Other knowledge has other likely questions.
            let answering = engine.generation();
            if answering != warmed {
                warm(&engine, &stopped);
                warmed = answering;
            }
            std::thread::park_timeout(RELOAD_POLL);
        }
    });
    server.join();
    if let Ok(warming) = warming {
        let _ = warming.join();
    }
    Ok(())
}
