//! What Guida and its generator process say to each other: JSON in frames, each behind its length in four bytes
//! (little-endian). Both ends refuse a frame above [`MAX_FRAME_BYTES`], so a broken peer cannot make the other allocate.

use super::{CacheFigures, FinishReason, GenerateEvent, GenerateRequest, GenerateStats, GeneratorSettings, Prompt};
use crate::error::{Code, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Largest frame: a prompt of some hundred thousand characters with room to spare.
pub(super) const MAX_FRAME_BYTES: usize = 4 << 20;

/// From Guida to the process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToChild {
    /// The first frame: load this model.
    Load(GeneratorSettings),
    /// Write; `id` marks everything that belongs to it.
    Generate { id: u64, request: GenerateRequest },
    /// Stop writing `id`, if it is still being written.
    Cancel { id: u64 },
    /// Read these prompts without their questions when nothing else is to be done; replaces an earlier list.
    Warm(Vec<Prompt>),
}

/// From the process to Guida.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromChild {
    /// The model is loaded. `opens_thinking`: its chat template leaves a reasoning block open for the reply.
    Ready {
        context_tokens: u32,
        opens_thinking: bool,
        /// Milliseconds a token took in the text that was computed to try the model.
        token_ms: f64,
    },
    /// The model cannot be loaded; the process ends.
    LoadFailed(Failure),
    /// Something about generation `id`.
    Event { id: u64, event: Event },
    /// How the process is doing, from time to time.
    Figures(Figures),
}

/// How the process is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// Time to the first word of a further request, in milliseconds.
    pub(super) wait_ms: u64,
    pub(super) cache: CacheFigures,
}

/// [`GenerateEvent`] as it crosses the process boundary.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Queued { ahead: usize },
    Started { prompt_tokens: u32, left_out: Vec<usize> },
    Prefill { done: u32, total: u32 },
    Token(String),
    Done(GenerateStats),
    Failed(Failure),
}

impl Event {
    /// Whether it is the last of its generation.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Event::Done(_) | Event::Failed(_))
    }
}

impl From<Event> for GenerateEvent {
    fn from(event: Event) -> GenerateEvent {
        match event {
            Event::Queued { ahead } => GenerateEvent::Queued { ahead },
            Event::Started { prompt_tokens, left_out } => GenerateEvent::Started { prompt_tokens, left_out },
            Event::Prefill { done, total } => GenerateEvent::Prefill { done, total },
            Event::Token(text) => GenerateEvent::Token(text),
            Event::Done(stats) => GenerateEvent::Done(stats),
            Event::Failed(failure) => GenerateEvent::Failed(failure.into()),
        }
    }
}

/// An [`Error`] as data: it is kept, repeated to every caller, and sent between processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    code: String,
    message: String,
    hint: String,
}

impl Failure {
    /// The failure of a process that died or hung.
    pub(super) fn new(code: Code, message: impl Into<String>, hint: &str) -> Failure {
        Failure { code: code.as_str().into(), message: message.into(), hint: hint.into() }
    }

    /// For health pages: code and message.
    pub(super) fn summary(&self) -> String {
        format!("[{}] {}", self.code, self.message)
    }

    /// What happened, in words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Failure {
        Failure::new(error.code(), error.message(), error.hint())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        let code = Code::from_text(&failure.code).unwrap_or(Code::ModelUnavailable);
        Error::new(code, failure.message, failure.hint)
    }
}

/// Figures of a generation that was stopped before it reached the process.
pub(super) fn never_started() -> GenerateStats {
    GenerateStats {
        prompt_tokens: 0,
        cached_tokens: 0,
        generated_tokens: 0,
        prefill_ms: 0.0,
        decode_ms: 0.0,
        finish: FinishReason::Cancelled,
    }
}

/// A message as a frame.
///
/// # Errors
/// `InvalidInput` when the message is larger than a frame may be.
pub(super) fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0u8; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("frame of {length} bytes is too large")));
    }
    let prefix = u32::try_from(length).map_err(io::Error::other)?.to_le_bytes();
    for (byte, value) in frame.iter_mut().zip(prefix) {
        *byte = value;
    }
    Ok(frame)
}

/// Sends a message.
///
/// # Errors
/// The socket's, or [`encode`]'s.
pub(super) fn send<T: Serialize>(mut to: impl Write, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// Waits for a message; `None` when the peer has closed between two frames.
///
/// # Errors
/// The socket's; `UnexpectedEof` when the peer closed within a frame; `InvalidData` for a frame that is too large or no
/// message.
pub(super) fn receive<T: DeserializeOwned>(mut from: impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0u8; 4];
    let mut filled = 0;
    while let Some(rest) = prefix.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(prefix) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("frame of {length} bytes is too large")));
    }
    let mut body = vec![0u8; length];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_and_the_end_is_clean() {
        let mut wire = Vec::new();
        send(&mut wire, &ToChild::Cancel { id: 7 }).expect("send");
        send(&mut wire, &FromChild::Event { id: 7, event: Event::Token("存款".into()) }).expect("send");
        let mut from = wire.as_slice();
        assert!(matches!(receive(&mut from).expect("first"), Some(ToChild::Cancel { id: 7 })));
        let second: Option<FromChild> = receive(&mut from).expect("second");
        assert!(matches!(second, Some(FromChild::Event { id: 7, event: Event::Token(text) }) if text == "存款"));
        assert!(receive::<ToChild>(&mut from).expect("end").is_none());
    }

    #[test]
    fn broken_frames_are_errors() {
        let broken: [(&[u8], io::ErrorKind); 4] = [
            (b"\x05\0", io::ErrorKind::UnexpectedEof),
            (b"\x05\0\0\0{", io::ErrorKind::UnexpectedEof),
            (b"\xFF\xFF\xFF\xFF", io::ErrorKind::InvalidData),
            (b"\x02\0\0\0{}", io::ErrorKind::InvalidData),
        ];
        for (bytes, kind) in broken {
            assert_eq!(receive::<ToChild>(bytes).expect_err("broken").kind(), kind, "{bytes:?}");
        }
        let huge = FromChild::Event { id: 1, event: Event::Token("长".repeat(MAX_FRAME_BYTES)) };
        assert_eq!(encode(&huge).expect_err("huge").kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn errors_keep_their_code_across_the_boundary() {
        let error = Error::new(Code::PromptTooLong, "太长", "写短些");
        let back: Error = Failure::from(&error).into();
        assert_eq!((back.code(), back.message(), back.hint()), (Code::PromptTooLong, "太长", "写短些"));
    }
}
