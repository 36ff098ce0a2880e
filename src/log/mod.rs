//! Where the log goes: standard error for every command, and for the service also the ring that the console reads and a file in the
//! data folder.
//!
//! Standard error is for whoever watches: warnings, as the init system's journal wants them. The ring and [`file`](self) are for whoever
//! comes later and asks what happened: they also take what Guida itself says for the record (start, stop, imports, models), but not the
//! requests of tellers, which would push everything else out. `GUIDA_LOG` governs all three when it is set. No line holds the words of
//! a question.

mod file;

use crate::engine::logs::{LogLevel, LogRing, file_of};
use file::LogFile;
use std::fmt::{Debug, Write};
use std::path::Path;
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// Chooses what is logged, everywhere.
const VARIABLE: &str = "GUIDA_LOG";
/// What goes to standard error otherwise. llama.cpp warns about the special tokens of every BERT vocabulary; what ends in an error is
/// part of that error.
const SHOWN: &str = "warn,llama.cpp=error,guida::end=off";
/// Where a service says why it ended: whoever started it says the same on standard error.
pub const END: &str = "guida::end";
/// What is kept otherwise: [`SHOWN`] and what Guida says for the record, but for a line per request.
const KEPT: &str = "warn,guida=info,guida::http=warn,llama.cpp=error";

/// The log of a service.
#[derive(Debug)]
pub struct ServiceLog {
    ring: Arc<LogRing>,
    file: Option<LogFile>,
}

impl ServiceLog {
    /// What the console reads.
    pub fn ring(&self) -> Arc<LogRing> {
        Arc::clone(&self.ring)
    }

    /// Waits, for a while at most, until everything that was said stands in the file.
    pub fn flush(&self) {
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

/// Logs to standard error.
pub fn start() {
    // A subscriber that is already set serves as well.
    let _ = tracing_subscriber::registry().with(standard_error()).try_init();
}

/// Logs to standard error and the ring, and into the data folder where there is one.
pub fn start_service(data: Option<&Path>) -> ServiceLog {
    let ring = Arc::new(LogRing::default());
    let file = data.filter(|data| data.is_dir()).and_then(|data| {
        let path = file_of(data);
        ring.set_file(path.display().to_string());
        LogFile::start(path)
    });
    let keeper = Keeper { ring: Arc::clone(&ring), file: file.clone() }.with_filter(filter(KEPT));
    let _ = tracing_subscriber::registry().with(standard_error()).with(keeper).try_init();
    ServiceLog { ring, file }
}

fn filter(otherwise: &str) -> EnvFilter {
    EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(otherwise))
}

fn standard_error() -> impl Layer<Registry> {
    fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_filter(filter(SHOWN))
}

/// Keeps lines in the ring and hands them on to the file.
struct Keeper {
    ring: Arc<LogRing>,
    file: Option<LogFile>,
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        };
        let line = self.ring.push(level, metadata.target(), &(words.message + &words.fields));
        if let Some(file) = &self.file {
            file.write(line);
        }
    }
}

/// The words of an event, with its fields behind them.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::logs::LogRequest;

    fn keeper(ring: &Arc<LogRing>, filter: &str) -> impl Subscriber + Send + Sync {
        let keeper = Keeper { ring: Arc::clone(ring), file: None };
        tracing_subscriber::registry().with(keeper.with_filter(EnvFilter::new(filter)))
    }

    #[test]
    fn what_is_said_is_kept_with_its_fields() {
        let ring = Arc::new(LogRing::default());
        tracing::subscriber::with_default(keeper(&ring, "trace"), || {
            let error = std::io::Error::other("gone");
            tracing::warn!(%error, path = "a b", n = 3, "cannot {}", "read");
            tracing::error!(target: "llama.cpp", "alone");
            tracing::debug!("fine");
        });
        let lines = ring.read(LogRequest { after: 0 }).lines;
        let seen: Vec<_> = lines.iter().map(|l| (l.level, l.target.as_str(), l.message.as_str())).collect();
        let expected = [
            (LogLevel::Warn, "guida::log::tests", "cannot read error=gone path=a b n=3"),
            (LogLevel::Error, "llama.cpp", "alone"),
            (LogLevel::Debug, "guida::log::tests", "fine"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_guida_says_for_the_record_is_kept_but_no_requests_of_tellers() {
        let ring = Arc::new(LogRing::default());
        tracing::subscriber::with_default(keeper(&ring, KEPT), || {
            tracing::info!(target: "guida::engine", "an import");
            tracing::info!(target: "guida::http::listener", "a request");
            tracing::warn!(target: "guida::http::listener", "no thread");
            tracing::info!(target: "other", "chatter");
            tracing::warn!(target: "llama.cpp", "tokens");
            tracing::debug!(target: "guida::engine", "detail");
        });
        let lines = ring.read(LogRequest { after: 0 }).lines;
        let words: Vec<_> = lines.iter().map(|l| l.message.as_str()).collect();
        assert_eq!(words, ["an import", "no thread"]);
    }
}
