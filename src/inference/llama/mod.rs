//! The only user of llama.cpp (`llama_cpp_2` and `llama_cpp_sys_2`).
//!
//! - `mod.rs`: starts the library once, takes its log, loads models and makes contexts.
//! - `generate`: a chat model and its settings; `engine` writes many replies with it at once, each in a `slot`, over the prompt
//!   cache of `memory`, word by word by `sampler` (all of these run in the generator process).
//! - `raw`: what the safe wrapper keeps to itself.
//! - `prompt`: from [`super::Prompt`] to tokens that fit the context.
//! - `sequences`: several texts through an encoder in one batch.
//! - `workers`: the threads that own the encoder's contexts, and their queue.
//! - `embed`: an encoder that makes vectors (runs in threads of Guida).
//! - `rerank`: a reranker that scores a question and a clause (likewise).
//!
//! llama.cpp tells why something failed only in its log, so the last complaints are kept and become part of the error.

mod admission;
mod embed;
mod engine;
mod flight;
mod generate;
mod memory;
mod prompt;
mod raw;
mod rerank;
mod sampler;
mod sequences;
mod slot;
mod workers;

pub use embed::LlamaEmbedder;
pub use engine::Engine;
pub use flight::InFlight;
pub use generate::ChatModel;
pub use rerank::LlamaReranker;

use crate::error::{Code, Error, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Complaints of llama.cpp that are kept for the next error.
const KEPT_COMPLAINTS: usize = 4;
/// Longest log line of llama.cpp that is kept, in characters.
const MAX_LOG_CHARS: usize = 500;

/// Loading and making contexts happen one at a time: llama.cpp changes the model while it makes a context, and the log
/// does not say whose complaint it holds.
static LOADING: Mutex<()> = Mutex::new(());
static COMPLAINTS: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The library, started at the first call and kept until the process ends.
fn backend() -> Result<&'static LlamaBackend> {
    static BACKEND: OnceLock<Option<LlamaBackend>> = OnceLock::new();
    let started = BACKEND.get_or_init(|| {
        // SAFETY: the callback is a plain function that lives as long as the program and ignores the data pointer.
        unsafe { llama_cpp_sys_2::llama_log_set(Some(take_log), std::ptr::null_mut()) };
        LlamaBackend::init().ok()
    });
    started.as_ref().ok_or_else(|| Error::new(Code::Internal, "llama.cpp 未能启动", "请重启程序;如果再次出现,请报告"))
}

/// Receives llama.cpp's log: errors are kept, to become part of ours; its ordinary reports are for debugging.
unsafe extern "C" fn take_log(level: llama_cpp_sys_2::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a C string that lives for the duration of the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let line: String = text.trim_end().chars().take(MAX_LOG_CHARS).collect();
    if line.is_empty() {
        return;
    }
    match level {
        llama_cpp_sys_2::GGML_LOG_LEVEL_ERROR => {
            tracing::error!(target: "llama.cpp", "{line}");
            let mut kept = lock(&COMPLAINTS);
            if kept.len() == KEPT_COMPLAINTS {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        llama_cpp_sys_2::GGML_LOG_LEVEL_WARN => tracing::warn!(target: "llama.cpp", "{line}"),
        _ => tracing::debug!(target: "llama.cpp", "{line}"),
    }
}

/// Locks even after a panic elsewhere: the guarded values are valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What llama.cpp complained about since the last call.
fn complaints() -> String {
    let lines: Vec<String> = lock(&COMPLAINTS).drain(..).collect();
    if lines.is_empty() { "llama.cpp 没有说明原因".into() } else { lines.join(";") }
}

/// Loads the weights of an encoder or reranker, read and not mapped: they are computed with in the service itself, which a mapped file that is
/// cut short would end (SIGBUS).
fn load_model(path: &Path) -> Result<LlamaModel> {
    let backend = backend()?;
    let _one_at_a_time = lock(&LOADING);
    lock(&COMPLAINTS).clear();
    let params = LlamaModelParams::default().with_use_mmap(false).with_n_gpu_layers(0);
    LlamaModel::load_from_file(backend, path, &params).map_err(|cause| {
        let message = format!("模型文件 {} 载入失败:{}", path.display(), complaints());
        Error::new(Code::ModelLoad, message, "请核对文件的校验值,或换用本版本支持的模型架构").because(cause)
    })
}

/// Loads a model that is held in memory, without a file: the program may stand in an empty root on a read-only disk.
/// The weights are copied once, since they are read as from a file.
fn load_model_of(bytes: &'static [u8], name: &str) -> Result<LlamaModel> {
    backend()?;
    let _one_at_a_time = lock(&LOADING);
    lock(&COMPLAINTS).clear();
    // SAFETY: the stream reads `bytes`, which live as long as the program, and is opened for reading only, so that they
    // are not written through the mutable pointer that the signature asks for. llama.cpp copies what it needs (nothing is
    // mapped in this mode) and does not close the stream; it is closed here, after its last use.
    let loaded = unsafe {
        let stream = libc::fmemopen(bytes.as_ptr().cast_mut().cast(), bytes.len(), c"r".as_ptr());
        if stream.is_null() {
            std::ptr::null_mut()
        } else {
            let mut params = llama_cpp_sys_2::llama_model_default_params();
            params.load_mode = llama_cpp_sys_2::LLAMA_LOAD_MODE_NONE;
            params.n_gpu_layers = 0;
            let model = llama_cpp_sys_2::llama_model_load_from_file_ptr(stream.cast(), params);
            libc::fclose(stream);
            model
        }
    };
    let loaded = NonNull::new(loaded).ok_or_else(|| {
        let message = format!("程序自带的模型 {name} 载入失败:{}", complaints());
        Error::new(Code::ModelLoad, message, "内存可能不足;也可加 --no-embedder 只按文字检索")
    })?;
    // SAFETY: `LlamaModel` is `#[repr(transparent)]` over this very pointer in the pinned version of llama-cpp-2 (the sizes
    // are compared when this is compiled), and frees it when dropped. Nothing else holds it.
    Ok(unsafe { std::mem::transmute::<NonNull<llama_cpp_sys_2::llama_model>, LlamaModel>(loaded) })
}

/// Makes a context on a loaded model.
fn new_context<'m>(model: &'m LlamaModel, params: LlamaContextParams) -> Result<LlamaContext<'m>> {
    let backend = backend()?;
    let _one_at_a_time = lock(&LOADING);
    lock(&COMPLAINTS).clear();
    model.new_context(backend, params).map_err(|cause| {
        let message = format!("无法为模型分配上下文:{}", complaints());
        Error::new(Code::ModelLoad, message, "内存可能不足:请减小上下文长度,或换用更小的模型").because(cause)
    })
}

/// The error of a computation that llama.cpp refused.
fn computation_failed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("模型计算失败:{cause};{}", complaints());
    Error::new(Code::ModelUnavailable, message, "请重试;如果再次出现,请减小上下文长度或换一个模型").because(cause)
}

/// Empties a context for the next text. The cache's bytes stay: overwriting gigabytes would cost a second.
fn forget(context: &mut LlamaContext<'_>) -> Result<()> {
    match context.clear_kv_cache_seq(None, None, None) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(Code::ModelUnavailable, "模型的上下文无法清空", "请重试")),
        Err(cause) => Err(computation_failed(cause)),
    }
}

/// The text of a special token; empty when the model has none.
fn special_text(vocab: &LlamaVocab<'_>, token: LlamaToken) -> String {
    if token.0 < 0 || token.0 >= vocab.n_tokens() {
        return String::new();
    }
    vocab.text(token).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A whole number for llama.cpp's signed fields.
fn signed(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::inference::gguf::block_size;

    #[test]
    fn block_sizes_agree_with_ggml() {
        // SAFETY: both functions read a constant table at an index below its length.
        for kind in 0..llama_cpp_sys_2::GGML_TYPE_COUNT {
            let (block, bytes) =
                unsafe { (llama_cpp_sys_2::ggml_blck_size(kind), llama_cpp_sys_2::ggml_type_size(kind)) };
            if let Some(ours) = block_size(kind) {
                assert_eq!(ours, (block as u64, bytes as u64), "type {kind}");
            }
        }
    }
}
