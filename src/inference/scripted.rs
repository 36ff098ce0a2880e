//! A generator that says what it is told to, for tests of the answer pipeline: the text of a real model cannot be chosen.

use super::{
    CacheFigures, FinishReason, GenerateEvent, GenerateRequest, GenerateStats, Generation, Generator, GeneratorStatus,
    ModelId, Prompt,
};
use crate::error::{Code, Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Context that the script pretends to have, in tokens.
const CONTEXT_TOKENS: u32 = 4096;

/// Streams given pieces of text, then ends or fails.
#[derive(Debug)]
pub struct ScriptedGenerator {
    pieces: Vec<String>,
    failure: Option<(Code, String)>,
    refusal: Option<Code>,
    left_out: Vec<usize>,
    opens_thinking: bool,
    status: Mutex<GeneratorStatus>,
    asked: Mutex<Vec<GenerateRequest>>,
    warmed: Mutex<Vec<Prompt>>,
}

impl ScriptedGenerator {
    /// Says `pieces`, one token event each.
    pub fn new<T: Into<String>>(pieces: impl IntoIterator<Item = T>) -> ScriptedGenerator {
        let status = GeneratorStatus {
            model: ModelId { name: "脚本".into(), sha256: "0".repeat(64) },
            ready: true,
            failure: None,
            queued: 0,
            running: 0,
            slots: 1,
            expected_wait_ms: 0,
            cache: CacheFigures::default(),
            swap_failure: None,
            restarts: 0,
            context_tokens: CONTEXT_TOKENS,
        };
        ScriptedGenerator {
            pieces: pieces.into_iter().map(Into::into).collect(),
            failure: None,
            refusal: None,
            left_out: Vec::new(),
            opens_thinking: false,
            status: Mutex::new(status),
            asked: Mutex::new(Vec::new()),
            warmed: Mutex::new(Vec::new()),
        }
    }

    /// Fails with this error behind the last piece.
    pub fn failing(mut self, code: Code, message: impl Into<String>) -> ScriptedGenerator {
        self.failure = Some((code, message.into()));
        self
    }

    /// Takes no request, for this reason.
    pub fn refusing(mut self, code: Code) -> ScriptedGenerator {
        self.refusal = Some(code);
        self
    }

    /// Finds no room for these blocks of evidence.
    pub fn leaving_out(mut self, blocks: &[usize]) -> ScriptedGenerator {
        self.left_out = blocks.to_vec();
        self
    }

    /// Has a template that ends in an open reasoning block.
    pub fn thinking(mut self) -> ScriptedGenerator {
        self.opens_thinking = true;
        self
    }

    /// Changes what the state says: another model, a queue.
    pub fn set_status(&self, change: impl FnOnce(&mut GeneratorStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The prompts that were named last to be read ahead of need.
    pub fn warmed(&self) -> Vec<Prompt> {
        self.warmed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<GenerateRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Generator for ScriptedGenerator {
    fn start(&self, request: GenerateRequest) -> Result<Generation> {
        if let Some(code) = self.refusal {
            return Err(Error::new(code, "脚本不接受请求", ""));
        }
        let prompt_tokens = u32::try_from(request.prompt.tail.chars().count()).unwrap_or(u32::MAX);
        let pieces: Vec<String> = self.pieces.iter().take(request.max_tokens as usize).cloned().collect();
        let finish = if pieces.len() < self.pieces.len() { FinishReason::Length } else { FinishReason::Stop };
        let (failure, left_out) = (self.failure.clone(), self.left_out.clone());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);

        // One event at a time, so that a reader who stops is heard before the next piece.
        let (events, receiver) = sync_channel(0);
        let cancel = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&cancel);
        let play = move || {
            let mut stats = GenerateStats {
                prompt_tokens,
                cached_tokens: 0,
                generated_tokens: 0,
                prefill_ms: 1.0,
                decode_ms: 1.0,
                finish,
            };
            if !tell(&events, GenerateEvent::Started { prompt_tokens, left_out })
                || !tell(&events, GenerateEvent::Prefill { done: prompt_tokens, total: prompt_tokens })
            {
                return;
            }
            for piece in pieces {
                if stop.load(Ordering::Acquire) {
                    stats.finish = FinishReason::Cancelled;
                    break;
                }
                if !tell(&events, GenerateEvent::Token(piece)) {
                    return;
                }
                stats.generated_tokens += 1;
            }
            let end = match failure {
                Some((code, message)) if stats.finish != FinishReason::Cancelled => {
                    GenerateEvent::Failed(Error::new(code, message, ""))
                }
                _ => GenerateEvent::Done(stats),
            };
            tell(&events, end);
        };
        std::thread::Builder::new()
            .name("script".into())
            .spawn(play)
            .map_err(|cause| Error::new(Code::Internal, format!("无法启动线程:{cause}"), "").because(cause))?;
        Ok(Generation::new(receiver, cancel))
    }

    fn status(&self) -> GeneratorStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn opens_thinking(&self) -> bool {
        self.opens_thinking
    }

    fn warm(&self, prompts: Vec<Prompt>) {
        *self.warmed.lock().unwrap_or_else(PoisonError::into_inner) = prompts;
    }

    fn wait_ready(&self, _: Duration) -> Result<()> {
        Ok(())
    }
}

/// Whether anyone still listens.
fn tell(events: &SyncSender<GenerateEvent>, event: GenerateEvent) -> bool {
    events.send(event).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{Block, Constraint, Prompt};

    fn request(max_tokens: u32) -> GenerateRequest {
        let prompt = Prompt {
            system: String::new(),
            head: String::new(),
            evidence: vec![Block { text: "条款".into(), rank: 0 }],
            tail: "问".into(),
        };
        GenerateRequest {
            prompt,
            max_tokens,
            max_time_ms: 1000,
            temperature: 0.0,
            seed: 0,
            constraint: Constraint::Free,
        }
    }

    /// The text, and how it ended.
    fn play(generator: &ScriptedGenerator, max_tokens: u32) -> (String, String) {
        let generation = generator.start(request(max_tokens)).expect("start");
        let mut text = String::new();
        for event in &generation.events {
            match event {
                GenerateEvent::Token(piece) => text.push_str(&piece),
                GenerateEvent::Done(stats) => return (text, format!("{:?}", stats.finish)),
                GenerateEvent::Failed(error) => return (text, error.code().as_str().into()),
                GenerateEvent::Queued { .. } | GenerateEvent::Started { .. } | GenerateEvent::Prefill { .. } => {}
            }
        }
        (text, "nothing".into())
    }

    #[test]
    fn the_script_is_played_to_its_end_its_limit_or_its_failure() {
        let generator = ScriptedGenerator::new(["可以", "取款"]);
        assert_eq!(play(&generator, 9), ("可以取款".into(), "Stop".into()));
        assert_eq!(play(&generator, 1), ("可以".into(), "Length".into()));
        assert_eq!(generator.asked().len(), 2);
        let failing = ScriptedGenerator::new(["可以"]).failing(Code::ModelDied, "没了");
        assert_eq!(play(&failing, 9), ("可以".into(), "MODEL_DIED".into()));
    }

    #[test]
    fn a_cancelled_script_stops_before_the_next_piece() {
        let generator = ScriptedGenerator::new(["一"; 100]);
        let generation = generator.start(request(100)).expect("start");
        generation.cancel();
        let last = generation.events.iter().last();
        assert!(matches!(last, Some(GenerateEvent::Done(stats)) if stats.finish == FinishReason::Cancelled));
    }
}
