//! What runs in the generator process: load, shut the doors, then one request after another.

use super::sandbox;
use crate::error::{Code, Error, Result};
use crate::inference::llama::ChatModel;
use crate::inference::protocol::{Event, Failure, FromChild, ToChild, receive, send};
use crate::inference::{GenerateEvent, GenerateRequest};
use std::io::BufReader;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

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
        Some(ToChild::Generate { .. } | ToChild::Cancel { .. }) | None => return Ok(()),
    };
    if let Some(limit) = settings.memory_limit_mb {
        sandbox::limit_memory(limit);
    }
    let refuse = |error: &Error| send(&socket, &FromChild::LoadFailed(Failure::from(error))).map_err(broken);
    let model = match ChatModel::load(&settings) {
        Ok(model) => model,
        Err(error) => return refuse(&error),
    };
    let warm = model.writer().and_then(|mut writer| writer.warm_up().map(|()| writer));
    let mut writer = match warm {
        Ok(writer) => writer,
        Err(error) => return refuse(&error),
    };
    sandbox::loaded();
    send(&socket, &FromChild::Ready { context_tokens: model.context_tokens() }).map_err(broken)?;

    let cancelled = Arc::new(AtomicU64::new(0));
    let (requests, received) = channel();
    let flag = Arc::clone(&cancelled);
    std::thread::Builder::new()
        .name("frames".into())
        .spawn(move || listen(incoming, &requests, &flag))
        .map_err(broken)?;
    while let Ok((id, request)) = received.recv() {
        let stop = || cancelled.load(Ordering::Acquire) == id;
        let mut report = |event| match to_wire(event) {
            Some(event) => send(&socket, &FromChild::Event { id, event }).map_err(broken),
            None => Ok(()),
        };
        let last = match writer.generate(&request, &stop, &mut report) {
            Ok(stats) => Event::Done(stats),
            Err(error) => Event::Failed(Failure::from(&error)),
        };
        send(&socket, &FromChild::Event { id, event: last }).map_err(broken)?;
    }
    Ok(())
}

/// Reads frames beside the computation, so that a wish to stop is heard within one step. Ends the process when the parent
/// is gone.
fn listen(mut incoming: BufReader<UnixStream>, requests: &Sender<(u64, GenerateRequest)>, cancelled: &AtomicU64) {
    loop {
        match receive(&mut incoming) {
            Ok(Some(ToChild::Generate { id, request })) => {
                if requests.send((id, request)).is_err() {
                    sandbox::leave();
                }
            }
            Ok(Some(ToChild::Cancel { id })) => cancelled.store(id, Ordering::Release),
            Ok(Some(ToChild::Load(_)) | None) | Err(_) => sandbox::leave(),
        }
    }
}

/// Events that the writer reports; the last one is made here from its result.
fn to_wire(event: GenerateEvent) -> Option<Event> {
    match event {
        GenerateEvent::Started { prompt_tokens, left_out } => Some(Event::Started { prompt_tokens, left_out }),
        GenerateEvent::Prefill { done, total } => Some(Event::Prefill { done, total }),
        GenerateEvent::Token(text) => Some(Event::Token(text)),
        GenerateEvent::Queued { .. } | GenerateEvent::Done(_) | GenerateEvent::Failed(_) => None,
    }
}

fn broken(cause: std::io::Error) -> Error {
    Error::new(Code::Io, format!("与主程序的连接中断:{cause}"), "主程序会自动重启生成进程").because(cause)
}
