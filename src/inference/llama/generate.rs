//! A chat model: weights, chat template, adapter, and the settings that its engine works by.

use super::engine::Engine;
use super::flight::InFlight;
use super::prompt::Tokenizer;
use super::raw::{self, Adapter, Context, Setup};
use super::special_text;
use crate::error::{Code, Error, Result};
use crate::inference::cachefile::FINGERPRINT_BYTES;
use crate::inference::cpus::{default_threads, physical_cpus};
use crate::inference::fit::maps;
use crate::inference::models::{ModelInfo, read_info};
use crate::inference::settings::{GeneratorSettings, KvType, MAX_SLOTS, MIN_CONTEXT_TOKENS};
use crate::inference::template::ChatTemplate;
use llama_cpp_2::model::LlamaModel;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::UNIX_EPOCH;

/// Places of a model file that its fingerprint looks at, and bytes at each.
const SAMPLES: u64 = 64;
const SAMPLE_BYTES: u64 = 4096;

/// A loaded chat model.
pub struct ChatModel {
    // Before the model: it belongs to it.
    adapter: Option<Adapter>,
    model: LlamaModel,
    info: ModelInfo,
    template: ChatTemplate,
    context_tokens: u32,
    cells: u32,
    settings: GeneratorSettings,
}

impl ChatModel {
    /// Checks and loads the model and compiles its chat template.
    ///
    /// # Errors
    /// `MODEL_LOAD`, `MODEL_UNSUITABLE`, `MODEL_TEMPLATE`, `CONFIG`.
    pub fn load(settings: &GeneratorSettings) -> Result<ChatModel> {
        check(settings)?;
        let info = read_info(&settings.model)?;
        info.require_generator()?;
        let model = raw::load(settings, maps(&info, settings))?;
        let trained = model.n_ctx_train();
        let context_tokens = if trained == 0 { settings.context_tokens } else { settings.context_tokens.min(trained) };
        if context_tokens < MIN_CONTEXT_TOKENS {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型的上下文只有 {context_tokens} 个词元,至少需要 {MIN_CONTEXT_TOKENS}"),
                "请换用上下文更长的对话模型",
            ));
        }
        let adapter = settings.adapter.as_ref().map(|adapter| Adapter::load(&model, adapter)).transpose()?;
        let vocab = model.vocab();
        let (bos, eos) = (special_text(&vocab, vocab.bos()), special_text(&vocab, vocab.eos()));
        let template = ChatTemplate::new(info.chat_template.as_deref(), &bos, &eos)?;
        Ok(ChatModel {
            adapter,
            template,
            cells: settings.cells(context_tokens),
            context_tokens,
            settings: settings.clone(),
            info,
            model,
        })
    }

    /// Longest prompt and reply together, in tokens.
    pub fn context_tokens(&self) -> u32 {
        self.context_tokens
    }

    /// Whether a prompt ends inside a reasoning block.
    pub fn opens_thinking(&self) -> bool {
        self.template.opens_thinking()
    }

    /// Replies at a time.
    pub fn slots(&self) -> u32 {
        self.settings.slots
    }

    /// Makes the engine that writes.
    ///
    /// # Errors
    /// `MODEL_LOAD` when memory is short.
    pub fn engine(&self, in_flight: &'static InFlight) -> Result<Engine<'_>> {
        Engine::new(self, in_flight)
    }

    pub(super) fn model(&self) -> &LlamaModel {
        &self.model
    }

    pub(super) fn template(&self) -> &ChatTemplate {
        &self.template
    }

    /// Tokens whose keys and values the context holds.
    pub(super) fn cells(&self) -> u32 {
        self.cells
    }

    pub(super) fn batch_tokens(&self) -> u32 {
        self.settings.batch_tokens.min(self.cells)
    }

    pub(super) fn cache_bytes(&self) -> u64 {
        self.settings.cache_mb << 20
    }

    pub(super) fn cache_file(&self) -> Option<&Path> {
        self.settings.cache_file.as_deref()
    }

    /// Whether the beginning of a prompt can be kept apart from its end: not with recurrent layers or a sliding window.
    pub(super) fn cacheable(&self) -> bool {
        raw::remembers_everything(&self.model)
    }

    pub(super) fn tokenizer(&self) -> Tokenizer<'_> {
        Tokenizer::new(self.model.vocab(), self.info.tokenizer.as_deref() == Some("llama"))
    }

    pub(super) fn context(&self, abandon: &'static AtomicBool) -> Result<Context<'_>> {
        let threads = self.settings.threads.unwrap_or_else(default_threads);
        let setup = Setup {
            cells: self.cells,
            batch: self.batch_tokens(),
            sequences: self.settings.slots,
            threads,
            cpus: if self.settings.pin_threads { physical_cpus(threads) } else { Vec::new() },
            flash_attention: self.settings.flash_attention,
            quantised_kv: self.settings.kv_type == KvType::Q8_0,
        };
        let mut context = Context::new(&self.model, &setup, abandon)?;
        if let Some(adapter) = &self.adapter {
            context.adapt(adapter)?;
        }
        Ok(context)
    }

    /// What keys and values depend on: the model's file, the adapter, their types, and the library. The file is told by length,
    /// time of change and samples of its contents, since reading all of it would take as long as loading it.
    pub(super) fn fingerprint(&self) -> [u8; FINGERPRINT_BYTES] {
        let mut hasher = Sha256::new();
        let mut file = |path: &Path| {
            if let Ok(metadata) = std::fs::metadata(path) {
                hasher.update(metadata.len().to_le_bytes());
                let changed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                hasher.update(changed.map_or(0, |at| at.as_nanos()).to_le_bytes());
            }
            hasher.update(samples(path));
        };
        file(&self.settings.model);
        if let Some(adapter) = &self.settings.adapter {
            file(&adapter.path);
            hasher.update(adapter.scale.to_le_bytes());
        }
        hasher.update([u8::from(self.settings.kv_type == KvType::Q8_0), u8::from(self.settings.flash_attention)]);
        hasher.update(raw::version());
        hasher.finalize().into()
    }
}

/// Bytes from places all over a file.
fn samples(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(mut file) = File::open(path) else { return bytes };
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    for n in 0..SAMPLES {
        let at = length / SAMPLES * n;
        if file.seek(SeekFrom::Start(at)).is_err() || (&mut file).take(SAMPLE_BYTES).read_to_end(&mut bytes).is_err() {
            break;
        }
    }
    bytes
}

/// Refuses settings that no model can work by.
fn check(settings: &GeneratorSettings) -> Result<()> {
    let wrong = settings.context_tokens < MIN_CONTEXT_TOKENS
        || settings.batch_tokens == 0
        || settings.threads == Some(0)
        || !(1..=MAX_SLOTS).contains(&settings.slots)
        || (settings.kv_type == KvType::Q8_0 && !settings.flash_attention);
    if !wrong {
        return Ok(());
    }
    Err(Error::new(
        Code::Config,
        format!(
            "模型设置不合法:上下文 {}(至少 {MIN_CONTEXT_TOKENS}),每批 {}(至少 1),线程 {:?},并发 {}(1 到 {MAX_SLOTS}),\
             q8_0 的 KV 须配合 flash attention",
            settings.context_tokens, settings.batch_tokens, settings.threads, settings.slots
        ),
        "请改正模型的设置",
    ))
}
