//! The service: settings, models, knowledge, the page and the API for tellers, the socket for the console, until it is told to stop.

use super::models::Models;
use super::{open_engine, own_program, wanted};
use crate::admin;
use crate::cli;
use crate::cli::args::ServeArgs;
use crate::config::{Given, Key, Settings};
use crate::engine::importing::step_back;
use crate::engine::logs::LogRing;
use crate::engine::modeling::ModelHost;
use crate::engine::models::Wanted;
use crate::engine::settings::{SettingsDesk, SettingsPlace};
use crate::engine::{Door, Engine};
use crate::error::{Code, Error, Result};
use crate::http::{self, HttpSettings};
use crate::log;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the wish to load the models anew (SIGHUP) is looked for.
const RELOAD_POLL: Duration = Duration::from_millis(250);

/// Names to the models what tellers are likely to ask.
fn warm(engine: &Engine, stop: &AtomicBool) {
    match engine.warm(stop) {
        Ok(0) => {}
        Ok(prompts) => tracing::info!("{prompts} prompts are read ahead of need in idle moments"),
        Err(error) => tracing::warn!("nothing is read ahead of need: {error}"),
    }
}

/// Opens the socket of the console in the data folder. Without it tellers are served all the same, so only another service on the same
/// folder is a reason not to.
fn serve_admin(door: Arc<dyn Door>, data: Option<&Path>, stop: &Arc<AtomicBool>) -> Result<Option<admin::Server>> {
    let Some(data) = data else { return Ok(None) };
    let path = admin::socket_path(data);
    match admin::serve(door, &path, Arc::clone(stop)) {
        Ok(server) => {
            tracing::info!("administrators connect to {}", path.display());
            Ok(Some(server))
        }
        Err(error) if error.code() == Code::Busy => Err(error),
        Err(error) => {
            tracing::error!("no console for this service: {error}");
            Ok(None)
        }
    }
}

/// What the environment says of the settings.
pub(super) fn environment() -> Given {
    Given::from_env(|name| std::env::var_os(name))
}

/// Everything that serves, by the settings.
fn open_service(
    args: &ServeArgs,
    desk: SettingsDesk,
    logs: Arc<LogRing>,
) -> Result<(Arc<Engine>, Arc<Models>, HttpSettings)> {
    let settings = desk.checked()?;
    let asked = args.models(settings);
    let wanted = Wanted {
        flash_attention: settings.switch(Key::ModelsFlashAttention),
        pin: settings.switch(Key::ModelsPin),
        ..wanted(&asked)
    };
    let http = http_settings(settings)?;
    let small = Wanted { model: asked.small_model.clone(), lora: None, ..wanted.clone() };
    let models = Arc::new(Models::start(&own_program(), wanted, small)?);
    let engine = open_engine(&ServeArgs::knowledge(settings), &asked, models.writers())?;
    let engine = engine.with_logs(logs).with_settings(desk);
    let engine = match &args.models.data {
        Some(data) => engine.with_models(data, Arc::clone(&models) as Arc<dyn ModelHost>)?,
        None => engine,
    };
    Ok((Arc::new(engine), models, http))
}

fn http_settings(settings: &Settings) -> Result<HttpSettings> {
    let listen = settings
        .address(Key::HttpListen)
        .ok_or_else(|| Error::new(Code::Internal, "设置里没有监听地址", "请把本条信息报给软件维护方"))?;
    let usual = HttpSettings::new(listen);
    Ok(HttpSettings {
        workers: settings.number(Key::HttpWorkers).unwrap_or(usual.workers),
        max_connections: settings.number(Key::HttpMaxConnections).unwrap_or(usual.max_connections),
        max_per_client: settings.number(Key::HttpMaxPerClient).unwrap_or(usual.max_per_client),
        names: host_names(settings.text(Key::HttpNames).unwrap_or_default()),
        max_waiting: settings.number(Key::HttpMaxWaiting).unwrap_or(usual.max_waiting),
        queue_timeout: settings.number(Key::HttpQueueTimeout).map_or(usual.queue_timeout, Duration::from_secs),
        prose_timeout: settings.number(Key::HttpProseTimeout).map_or(usual.prose_timeout, Duration::from_secs),
        ..usual
    })
}

/// The names of a setting, however they are kept apart.
fn host_names(text: &str) -> Vec<String> {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '\u{ff0c}' | '\u{3001}');
    text.split(between).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Serves, and keeps a log of it.
pub(super) fn serve(args: &ServeArgs) -> Result<()> {
    let log = log::start_service(args.models.data.as_deref());
    let served = serve_until_stopped(args, log.ring());
    match &served {
        Ok(()) => tracing::info!("stopped"),
        // Whoever reads the log by level must find why a service is not there; standard error gets it from the caller.
        Err(error) => tracing::error!(target: log::END, code = error.code().as_str(), "ended: {error}"),
    }
    log.flush();
    served
}

fn serve_until_stopped(args: &ServeArgs, logs: Arc<LogRing>) -> Result<()> {
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
    let (engine, models, http) = open_service(args, desk, logs)?;
    let door: Arc<dyn Door> = Arc::clone(&engine) as Arc<dyn Door>;
    let server = http::serve(Arc::clone(&door), http, Arc::clone(&stop))?;
    let admin = serve_admin(door, args.models.data.as_deref(), &stop)?;
    tracing::info!(
        data = args.models.data.as_ref().map(|data| tracing::field::display(data.display())),
        "guida {} serves knowledge {} at http://{}",
        env!("CARGO_PKG_VERSION"),
        engine.generation().0,
        server.addr(),
    );
    cli::announce(&format!("listening http://{}", server.addr()))?;
    let stopped = Arc::clone(&stop);
    let warming = std::thread::Builder::new().name("warming".into()).spawn(move || {
        step_back();
        let mut warmed = (engine.generation(), engine.exchanges());
        warm(&engine, &stopped);
        while !stopped.load(Ordering::Acquire) {
            // What comes while a model is being loaded waits for that.
            if anew.swap(false, Ordering::AcqRel) && !models.reload() {
                anew.store(true, Ordering::Release);
            }
            if let Err(error) = engine.follow() {
                tracing::error!("the present knowledge stays: {error}");
            }
            // Other knowledge has other likely questions, and another model has read none.
            let answering = (engine.generation(), engine.exchanges());
            if answering != warmed {
                tracing::info!("knowledge {} answers now", answering.0);
                warm(&engine, &stopped);
                warmed = answering;
            }
            std::thread::park_timeout(RELOAD_POLL);
        }
    });
    server.join();
    if let Some(admin) = admin {
        admin.join();
    }
    if let Ok(warming) = warming {
        let _ = warming.join();
    }
    Ok(())
}
