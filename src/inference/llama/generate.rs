//! A chat model that writes: prefill in chunks, then one token at a time, stoppable between any two steps.

use super::prompt::{Tokenizer, assemble};
use super::{computation_failed, forget, load_model, new_context, signed, special_text};
use crate::error::{Code, Error, Result};
use crate::inference::models::{ModelInfo, read_info};
use crate::inference::settings::{GeneratorSettings, MIN_CONTEXT_TOKENS, default_threads};
use crate::inference::template::ChatTemplate;
use crate::inference::{Constraint, FinishReason, GenerateEvent, GenerateRequest, GenerateStats, Prompt};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// Candidates kept before sampling (llama.cpp's own default).
const TOP_K: i32 = 40;
/// Probability mass kept before sampling; Qwen's and Llama's own generation settings are 0.8 to 0.9.
const TOP_P: f32 = 0.9;
/// Above this temperature the text is noise.
const MAX_TEMPERATURE: f32 = 2.0;
/// The reply reserves at most this share of the context (one in so many), so that asking for a long reply does not push
/// out all the evidence. The reply still grows to `max_tokens` where the prompt leaves room.
const REPLY_SHARE: usize = 4;

/// A loaded chat model.
#[derive(Debug)]
pub struct ChatModel {
    model: LlamaModel,
    info: ModelInfo,
    template: ChatTemplate,
    context_tokens: u32,
    batch_tokens: u32,
    threads: u32,
}

impl ChatModel {
    /// Checks and loads the model and compiles its chat template.
    ///
    /// # Errors
    /// `MODEL_LOAD`, `MODEL_UNSUITABLE`, `MODEL_TEMPLATE`, `CONFIG`.
    pub fn load(settings: &GeneratorSettings) -> Result<ChatModel> {
        if settings.context_tokens < MIN_CONTEXT_TOKENS || settings.batch_tokens == 0 || settings.threads == Some(0) {
            return Err(Error::new(
                Code::Config,
                format!(
                    "模型设置不合法:上下文 {}(至少 {MIN_CONTEXT_TOKENS}),每批 {}(至少 1),线程 {:?}",
                    settings.context_tokens, settings.batch_tokens, settings.threads
                ),
                "请改正设置文件中的模型一节",
            ));
        }
        let info = read_info(&settings.model)?;
        info.require_generator()?;
        let model = load_model(&settings.model)?;
        let trained = model.n_ctx_train();
        let context_tokens = if trained == 0 { settings.context_tokens } else { settings.context_tokens.min(trained) };
        if context_tokens < MIN_CONTEXT_TOKENS {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型的上下文只有 {context_tokens} 个词元,至少需要 {MIN_CONTEXT_TOKENS}"),
                "请换用上下文更长的对话模型",
            ));
        }
        let vocab = model.vocab();
        let (bos, eos) = (special_text(&vocab, vocab.bos()), special_text(&vocab, vocab.eos()));
        let template = ChatTemplate::new(info.chat_template.as_deref(), &bos, &eos)?;
        Ok(ChatModel {
            template,
            context_tokens,
            batch_tokens: settings.batch_tokens.min(context_tokens),
            threads: settings.threads.unwrap_or_else(default_threads),
            info,
            model,
        })
    }

    /// Size of the context in tokens.
    pub fn context_tokens(&self) -> u32 {
        self.context_tokens
    }

    /// Makes the context that writes.
    ///
    /// # Errors
    /// `MODEL_LOAD` when memory is short.
    pub fn writer(&self) -> Result<Writer<'_>> {
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.context_tokens))
            .with_n_batch(self.batch_tokens)
            .with_n_ubatch(self.batch_tokens)
            .with_n_threads(signed(self.threads))
            .with_n_threads_batch(signed(self.threads));
        let context = new_context(&self.model, params)?;
        let sentence_piece = self.info.tokenizer.as_deref() == Some("llama");
        Ok(Writer {
            model: self,
            context,
            batch: LlamaBatch::new(self.batch_tokens as usize, 1),
            tokenizer: Tokenizer::new(self.model.vocab(), sentence_piece),
        })
    }
}

/// A context that writes one reply at a time.
pub struct Writer<'m> {
    model: &'m ChatModel,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    tokenizer: Tokenizer<'m>,
}

impl Writer<'_> {
    /// Writes one token of an everyday reply: a model that fails on that is known before a teller asks, and the
    /// weights are in memory when one does.
    ///
    /// # Errors
    /// As [`Writer::generate`].
    pub fn warm_up(&mut self) -> Result<()> {
        let prompt = Prompt {
            system: String::new(),
            head: String::new(),
            evidence: Vec::new(),
            tail: "你好,请用 1 句话说明 ID card 的用途。\n".into(),
        };
        let request = GenerateRequest {
            prompt,
            max_tokens: 1,
            max_time_ms: u64::MAX,
            temperature: 0.0,
            seed: 0,
            constraint: Constraint::Free,
        };
        self.generate(&request, &|| false, &mut |_| Ok(())).map(|_| ())
    }

    /// Writes one reply. `stop` is asked before every step; `report` gets `Started`, `Prefill` and `Token` events.
    ///
    /// # Errors
    /// `PROMPT_TOO_LONG`, `MODEL_TEMPLATE`, `MODEL_UNAVAILABLE` when llama.cpp fails, and whatever `report` returns.
    pub fn generate(
        &mut self,
        request: &GenerateRequest,
        stop: &dyn Fn() -> bool,
        report: &mut dyn FnMut(GenerateEvent) -> Result<()>,
    ) -> Result<GenerateStats> {
        let deadline = Instant::now().checked_add(Duration::from_millis(request.max_time_ms));
        let interrupted = || match stop() {
            true => Some(FinishReason::Cancelled),
            false => deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(FinishReason::Time),
        };
        let context_tokens = self.model.context_tokens as usize;
        let reserve = (request.max_tokens as usize).clamp(1, context_tokens / REPLY_SHARE);
        let prompt = assemble(&self.tokenizer, &self.model.template, &request.prompt, context_tokens - reserve)?;
        let total = prompt.tokens.len();
        report(GenerateEvent::Started { prompt_tokens: count(total), left_out: prompt.left_out.clone() })?;

        let mut stats = GenerateStats {
            prompt_tokens: count(total),
            cached_tokens: 0,
            generated_tokens: 0,
            prefill_ms: 0.0,
            decode_ms: 0.0,
            finish: FinishReason::Length,
        };
        let prefill_started = Instant::now();
        let ended = self.prefill(&prompt.tokens, &interrupted, report)?;
        stats.prefill_ms = milliseconds(prefill_started);
        if let Some(finish) = ended {
            return Ok(GenerateStats { finish, ..stats });
        }

        let decode_started = Instant::now();
        let limit = request.max_tokens.min(count(context_tokens - total));
        let mut sampler = sampler(request);
        let mut text = Utf8Stream::default();
        let mut position = signed(count(total));
        let vocab = self.model.model.vocab();
        while stats.generated_tokens < limit {
            let token = sampler.sample(&self.context, -1);
            if vocab.is_eog(token) {
                stats.finish = FinishReason::Stop;
                break;
            }
            stats.generated_tokens += 1;
            let piece = text.push(&vocab.token_to_piece(token, false, None));
            if !piece.is_empty() {
                report(GenerateEvent::Token(piece))?;
            }
            if let Some(finish) = interrupted() {
                stats.finish = finish;
                break;
            }
            if stats.generated_tokens < limit {
                self.step(&[token], position, true)?;
                position += 1;
            }
        }
        stats.decode_ms = milliseconds(decode_started);
        Ok(stats)
    }

    /// Processes the prompt in batches; `Some` when it was interrupted.
    fn prefill(
        &mut self,
        tokens: &[LlamaToken],
        interrupted: &dyn Fn() -> Option<FinishReason>,
        report: &mut dyn FnMut(GenerateEvent) -> Result<()>,
    ) -> Result<Option<FinishReason>> {
        forget(&mut self.context)?;
        let mut done = 0usize;
        for chunk in tokens.chunks(self.model.batch_tokens as usize) {
            if let Some(finish) = interrupted() {
                return Ok(Some(finish));
            }
            let first = signed(count(done));
            done += chunk.len();
            self.step(chunk, first, done == tokens.len())?;
            report(GenerateEvent::Prefill { done: count(done), total: count(tokens.len()) })?;
        }
        Ok(interrupted())
    }

    /// Runs one batch; `last` asks for the scores behind its last token.
    fn step(&mut self, tokens: &[LlamaToken], first: i32, last: bool) -> Result<()> {
        self.batch.clear();
        let end = tokens.len().saturating_sub(1);
        for (n, (token, position)) in tokens.iter().zip(first..).enumerate() {
            self.batch.add(*token, position, &[0], last && n == end).map_err(computation_failed)?;
        }
        self.context.decode(&mut self.batch).map_err(computation_failed)
    }
}

/// How the next token is chosen.
fn sampler(request: &GenerateRequest) -> LlamaSampler {
    if request.temperature > 0.0 {
        LlamaSampler::chain_simple([
            LlamaSampler::top_k(TOP_K),
            LlamaSampler::top_p(TOP_P, 1),
            LlamaSampler::temp(request.temperature.min(MAX_TEMPERATURE)),
            LlamaSampler::dist(request.seed),
        ])
    } else {
        LlamaSampler::chain_simple([LlamaSampler::greedy()])
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Turns token bytes into text of whole characters: a token may end in the middle of one.
#[derive(Debug, Default)]
struct Utf8Stream {
    /// The beginning of a character whose end has not come yet; at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// The text that is complete now. Bytes that can be no character become U+FFFD.
    fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            // Only at the very end can bytes still become a character.
            if chunks.peek().is_none() && could_continue(invalid) {
                kept = invalid.len();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let drop = self.pending.len() - kept;
        self.pending.drain(..drop);
        text
    }
}

/// Whether these bytes, which are no character, are the beginning of one.
fn could_continue(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_whole_however_the_bytes_are_cut() {
        let text = "存款 deposit 🏦,利率 ≤ 3%";
        for size in 1..=5 {
            let mut stream = Utf8Stream::default();
            let pieces: Vec<String> = text.as_bytes().chunks(size).map(|chunk| stream.push(chunk)).collect();
            assert_eq!(pieces.concat(), text);
            assert!(stream.pending.is_empty());
        }
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced_at_once() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(stream.push(b"\xE5\xAD"), "");
        assert_eq!(stream.push(b"\xE5\xAD\x98"), "\u{FFFD}存");
        assert_eq!(stream.push(b"\xE5\xE5"), "\u{FFFD}");
        assert_eq!(stream.push(b"\xAD\x98"), "存");
    }
}
