//! What runs in the generator process: load, shut the doors, then step after step for all requests at once.

use super::sandbox;
use crate::error::{Code, Error, Result};
use crate::inference::llama::{ChatModel, Engine, InFlight};
use crate::inference::models::require_unaltered;
use crate::inference::protocol::{Event, Failure, Figures, FromChild, ToChild, receive, send};
use crate::inference::{GenerateEvent, GenerateRequest, Prompt};
use std::collections::{HashMap, VecDeque};
use std::io::BufReader;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Figures are sent at most this often while replies are computed.
const FIGURES_EVERY: Duration = Duration::from_millis(200);

/// What llama.cpp is working on; static, because its callback outlives every borrow.
static IN_FLIGHT: InFlight = InFlight::new();

/// What the frames ask for.
enum Wish {
    Generate(u64, GenerateRequest, Arc<AtomicBool>),
    Warm(Vec<Prompt>),
}

/// The stop flags of requests that have not ended.
type Flags = Mutex<HashMap<u64, Arc<AtomicBool>>>;

/// The generator process; `guida generator-child` calls it and nothing else. Standard input is the socket to the parent.
/// Ends when the parent closes the socket.
///
/// # Errors
/// `BAD_PARAMETER` when it was started by hand, `IO` when the socket breaks. A model that cannot be loaded is reported to
/// the parent and is no error here.
pub fn run_child() -> Result<()> {
    sandbox::start();
    // The parent reads this as lines; with a subscriber already in place, that one serves.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from).map_err(broken)?;
    if socket.peer_addr().is_err() {
        return Err(Error::new(
            Code::BadParameter,
            "generator-child 是程序内部使用的命令",
            "请使用 guida serve --model 或 guida ask --model",
        ));
    }
    let mut incoming = BufReader::new(socket.try_clone().map_err(broken)?);
    let settings = match receive(&mut incoming).map_err(broken)? {
        Some(ToChild::Load(settings)) => settings,
        Some(_) | None => return Ok(()),
    };
    if let Some(limit) = settings.memory_limit_mb {
        sandbox::limit_memory(limit);
    }
    let refuse = |error: &Error| send(&socket, &FromChild::LoadFailed(Failure::from(error))).map_err(broken);
    // Here and not in the parent: it takes seconds for a large file, and what was altered never reaches llama.cpp.
    let adapter = settings.adapter.as_ref().map(|adapter| adapter.path.as_path());
    let unaltered = [Some(settings.model.as_path()), adapter].into_iter().flatten().try_for_each(require_unaltered);
    let model = match unaltered.and_then(|()| ChatModel::load(&settings)) {
        Ok(model) => model,
        Err(error) => return refuse(&error),
    };
    let warm = model.engine(&IN_FLIGHT).and_then(|mut engine| engine.warm_up().map(|token_ms| (engine, token_ms)));
    let (engine, token_ms) = match warm {
        Ok(warm) => warm,
        Err(error) => return refuse(&error),
    };
    sandbox::loaded();
    let (context_tokens, opens_thinking) = (model.context_tokens(), model.opens_thinking());
    send(&socket, &FromChild::Ready { context_tokens, opens_thinking, token_ms }).map_err(broken)?;

    let (wishes, received) = channel();
    let flags = Arc::new(Flags::default());
    let listening = Arc::clone(&flags);
    std::thread::Builder::new()
        .name("frames".into())
        .spawn(move || listen(incoming, &wishes, &listening))
        .map_err(broken)?;
    Desk { socket: &socket, flags: &flags, told: Instant::now(), last: None }.serve(engine, &received)
}

/// The thread that owns the engine, between its two streams.
struct Desk<'d> {
    socket: &'d UnixStream,
    flags: &'d Flags,
    /// When figures were last sent, and which.
    told: Instant,
    last: Option<Figures>,
}

impl Desk<'_> {
    /// Step after step, until the parent is gone. What is asked is heard between two steps.
    fn serve(mut self, mut engine: Engine<'_>, received: &Receiver<Wish>) -> Result<()> {
        let mut ahead: VecDeque<Prompt> = VecDeque::new();
        // Whether there is something to do without being asked.
        let mut more = true;
        loop {
            let wish = match engine.busy() || more {
                true => received.try_recv(),
                false => received.recv().map_err(|_| TryRecvError::Disconnected),
            };
            match wish {
                Ok(Wish::Generate(id, request, cancel)) => {
                    engine.submit(id, request, cancel, &mut |id, event| self.report(id, event))?;
                    continue;
                }
                Ok(Wish::Warm(prompts)) => {
                    (ahead, more) = (prompts.into(), true);
                    continue;
                }
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {}
            }
            if engine.step(&mut |id, event| self.report(id, event))? {
                more = true;
                if self.told.elapsed() >= FIGURES_EVERY {
                    self.tell(&engine)?;
                }
                continue;
            }
            self.tell(&engine)?;
            // What is known is kept safe before more is read.
            more = engine.tidy()
                || ahead.pop_front().is_some_and(|prompt| match engine.read_ahead(&prompt) {
                    Ok(true) => true,
                    Ok(false) => {
                        // No room for more: the rest would push out what is likelier.
                        ahead.clear();
                        false
                    }
                    Err(error) => {
                        tracing::warn!("a prompt could not be read ahead of need: {error}");
                        true
                    }
                });
        }
    }

    /// Sends what happened to a request.
    fn report(&self, id: u64, event: GenerateEvent) -> Result<()> {
        let event = match event {
            GenerateEvent::Queued { ahead } => Event::Queued { ahead },
            GenerateEvent::Started { prompt_tokens, left_out } => Event::Started { prompt_tokens, left_out },
            GenerateEvent::Prefill { done, total } => Event::Prefill { done, total },
            GenerateEvent::Token(text) => Event::Token(text),
            GenerateEvent::Done(stats) => Event::Done(stats),
            GenerateEvent::Failed(error) => Event::Failed(Failure::from(&error)),
        };
        if event.is_last() {
            self.flags.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        }
        send(self.socket, &FromChild::Event { id, event }).map_err(broken)
    }

    /// Sends the figures, unless they are the same.
    fn tell(&mut self, engine: &Engine<'_>) -> Result<()> {
        let figures = Figures { wait_ms: engine.wait_ms(), cache: engine.figures() };
        self.told = Instant::now();
        if self.last.replace(figures) == Some(figures) {
            return Ok(());
        }
        send(self.socket, &FromChild::Figures(figures)).map_err(broken)
    }
}

/// Reads frames beside the computation, so that a wish to stop is heard within one step. Ends the process when the parent
/// is gone.
fn listen(mut incoming: BufReader<UnixStream>, wishes: &Sender<Wish>, flags: &Flags) {
    loop {
        let wish = match receive(&mut incoming) {
            Ok(Some(ToChild::Generate { id, request })) => {
                let cancel = Arc::new(AtomicBool::new(false));
                flags.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&cancel));
                Wish::Generate(id, request, cancel)
            }
            Ok(Some(ToChild::Cancel { id })) => {
                if let Some(flag) = flags.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
                    flag.store(true, Ordering::Release);
                }
                IN_FLIGHT.look();
                continue;
            }
            Ok(Some(ToChild::Warm(prompts))) => Wish::Warm(prompts),
            Ok(Some(ToChild::Load(_)) | None) | Err(_) => sandbox::leave(),
        };
        if wishes.send(wish).is_err() {
            sandbox::leave();
        }
    }
}

fn broken(cause: std::io::Error) -> Error {
    Error::new(Code::Io, format!("与主程序的连接中断:{cause}"), "主程序会自动重启生成进程").because(cause)
}
