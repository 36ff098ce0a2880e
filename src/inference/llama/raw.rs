//! The few things of llama.cpp that `llama_cpp_2` keeps to itself: a context with an abort flag and pinned threads, the memory
//! of single sequences, and their state as bytes. The only place with raw pointers beside [`super::load_model_of`].

use super::{backend, complaints, lock, signed};
use crate::error::{Code, Error, Result};
use crate::inference::settings::{self, GeneratorSettings};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;
use std::ffi::{CStr, CString, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// Number of a sequence in a context.
pub(super) type Sequence = i32;
/// A token's number in the vocabulary.
pub(super) type Token = i32;

/// Sequences of a unified context (`LLAMA_MAX_SEQ` of the pinned version).
pub(super) const SEQUENCES: Sequence = 256;
/// CPUs that a thread pool's mask has room for (`GGML_MAX_N_THREADS`).
const MASK_CPUS: usize = 512;
/// How eagerly waiting threads spin between two graphs, 0 to 100; ggml's own default.
const POLL: u32 = 50;

/// How a [`Context`] is made.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    /// Tokens whose keys and values it holds, for all sequences together.
    pub(super) cells: u32,
    /// Most tokens of a batch.
    pub(super) batch: u32,
    /// Sequences that are computed, from 0; the next one moves keys and values, and others only hold.
    pub(super) sequences: u32,
    pub(super) threads: u32,
    /// One physical core a thread; empty pins nothing.
    pub(super) cpus: Vec<usize>,
    pub(super) flash_attention: bool,
    /// Keys and values in 8-bit blocks instead of 16-bit floats.
    pub(super) quantised_kv: bool,
}

/// A context whose sequences share one memory. Belongs to one thread at a time.
pub(super) struct Context<'m> {
    context: NonNull<sys::llama_context>,
    pool: *mut sys::ggml_threadpool,
    /// The sequence through which keys and values are saved and restored.
    transfer: Sequence,
    vocabulary: usize,
    _model: PhantomData<&'m LlamaModel>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Computed {
    /// All of it.
    Done,
    /// The flag was raised; nothing of the last micro-batch counts.
    Aborted,
}

/// The model's own pointer.
pub(super) fn pointer(model: &LlamaModel) -> *mut sys::llama_model {
    const { assert!(size_of::<LlamaModel>() == size_of::<*mut sys::llama_model>()) };
    // SAFETY: `LlamaModel` is `#[repr(transparent)]` over a non-null pointer in the pinned version of llama-cpp-2; the pointer is
    // read, the model stays owned by `model`.
    unsafe { std::mem::transmute_copy::<LlamaModel, NonNull<sys::llama_model>>(model) }.as_ptr()
}

/// The version of llama.cpp.
pub(super) fn version() -> &'static [u8] {
    // SAFETY: a constant C string.
    unsafe { CStr::from_ptr(sys::llama_version()) }.to_bytes()
}

/// Whether the memory of a sequence can be cut anywhere: not with recurrent layers or a sliding window.
pub(super) fn remembers_everything(model: &LlamaModel) -> bool {
    let model = pointer(model);
    // SAFETY: the model lives.
    unsafe {
        sys::llama_model_n_swa(model) == 0
            && !sys::llama_model_is_recurrent(model)
            && !sys::llama_model_is_hybrid(model)
            && !sys::llama_model_is_diffusion(model)
    }
}

/// Loads the weights as the settings say; `map`: from the mapped file.
///
/// # Errors
/// `MODEL_LOAD` with llama.cpp's words.
pub(super) fn load(settings: &GeneratorSettings, map: bool) -> Result<LlamaModel> {
    backend()?;
    let _one_at_a_time = lock(&super::LOADING);
    lock(&super::COMPLAINTS).clear();
    let path = c_path(&settings.model)?;
    // SAFETY: plain values, and a path that lives for the call.
    let loaded = unsafe {
        if settings.numa {
            sys::llama_numa_init(sys::GGML_NUMA_STRATEGY_DISTRIBUTE);
        }
        let mut params = sys::llama_model_default_params();
        params.n_gpu_layers = 0;
        params.use_extra_bufts = settings.repack;
        params.load_mode = match (map, settings.lock_weights) {
            (true, false) => sys::LLAMA_LOAD_MODE_MMAP,
            (true, true) => sys::LLAMA_LOAD_MODE_MMAP_MLOCK,
            (false, false) => sys::LLAMA_LOAD_MODE_NONE,
            (false, true) => sys::LLAMA_LOAD_MODE_MLOCK,
        };
        sys::llama_model_load_from_file(path.as_ptr(), params)
    };
    let loaded = NonNull::new(loaded).ok_or_else(|| {
        let message = format!("模型文件 {} 载入失败:{}", settings.model.display(), complaints());
        Error::new(Code::ModelLoad, message, "请核对文件的校验值,或换用本版本支持的模型架构")
    })?;
    // SAFETY: as in `load_model_of`: the wrapper is transparent over this very pointer and frees it when dropped.
    Ok(unsafe { std::mem::transmute::<NonNull<sys::llama_model>, LlamaModel>(loaded) })
}

fn c_path(path: &std::path::Path) -> Result<CString> {
    CString::new(path.as_os_str().as_encoded_bytes()).map_err(|cause| {
        Error::new(Code::ModelLoad, format!("路径 {} 含有空字符", path.display()), "请改正路径").because(cause)
    })
}

/// A loaded LoRA adapter; llama.cpp frees it with its model.
pub(super) struct Adapter {
    adapter: NonNull<sys::llama_adapter_lora>,
    scale: f32,
}

// SAFETY: the adapter is only read after it was loaded.
unsafe impl Send for Adapter {}

impl Adapter {
    /// Loads an adapter, before any context is made.
    ///
    /// # Errors
    /// `MODEL_LOAD` with llama.cpp's words, also when it was made for another model.
    pub(super) fn load(model: &LlamaModel, adapter: &settings::Adapter) -> Result<Adapter> {
        let _one_at_a_time = lock(&super::LOADING);
        lock(&super::COMPLAINTS).clear();
        let path = c_path(&adapter.path)?;
        // SAFETY: the model lives, and the path for the call.
        let loaded = unsafe { sys::llama_adapter_lora_init(pointer(model), path.as_ptr()) };
        let adapter_loaded = NonNull::new(loaded).ok_or_else(|| {
            let message = format!("LoRA 文件 {} 载入失败:{}", adapter.path.display(), complaints());
            Error::new(Code::ModelLoad, message, "请核对文件,并确认它是为这个模型训练的")
        })?;
        Ok(Adapter { adapter: adapter_loaded, scale: adapter.scale })
    }
}

impl<'m> Context<'m> {
    /// Puts an adapter on top of the model.
    ///
    /// # Errors
    /// `MODEL_LOAD`.
    pub(super) fn adapt(&mut self, adapter: &Adapter) -> Result<()> {
        let (mut adapters, mut scales) = ([adapter.adapter.as_ptr()], [adapter.scale]);
        // SAFETY: both arrays have one element and live for the call.
        let set = unsafe {
            sys::llama_set_adapters_lora(self.context.as_ptr(), adapters.as_mut_ptr(), 1, scales.as_mut_ptr())
        };
        match set {
            0 => Ok(()),
            _ => Err(Error::new(Code::ModelLoad, "LoRA 不能用于这个模型", "请确认它是为这个模型训练的")),
        }
    }

    /// Makes a context; `abandon` is looked at while a batch is computed.
    ///
    /// # Errors
    /// `MODEL_LOAD` when memory is short or the model refuses the settings.
    pub(super) fn new(model: &'m LlamaModel, setup: &Setup, abandon: &'static AtomicBool) -> Result<Context<'m>> {
        let _one_at_a_time = lock(&super::LOADING);
        lock(&super::COMPLAINTS).clear();
        // SAFETY: plain values; the flag behind the callback's data lives as long as the program.
        let made = unsafe {
            let mut params = sys::llama_context_default_params();
            params.n_ctx = setup.cells;
            params.n_batch = setup.batch;
            params.n_ubatch = setup.batch;
            params.n_seq_max = setup.sequences + 1;
            // One score row a sequence is ever read; reserving one a token would cost `batch` x vocabulary floats.
            params.n_outputs_max = params.n_seq_max;
            params.n_threads = signed(setup.threads);
            params.n_threads_batch = signed(setup.threads);
            params.kv_unified = true;
            params.no_perf = true;
            params.offload_kqv = false;
            params.flash_attn_type = match setup.flash_attention {
                true => sys::LLAMA_FLASH_ATTN_TYPE_ENABLED,
                false => sys::LLAMA_FLASH_ATTN_TYPE_DISABLED,
            };
            let kind = if setup.quantised_kv { sys::GGML_TYPE_Q8_0 } else { sys::GGML_TYPE_F16 };
            params.type_k = kind;
            params.type_v = kind;
            params.abort_callback = Some(raised);
            params.abort_callback_data = std::ptr::from_ref(abandon).cast_mut().cast();
            sys::llama_init_from_model(pointer(model), params)
        };
        let context = NonNull::new(made).ok_or_else(|| {
            let message = format!("无法为模型分配上下文:{}", complaints());
            Error::new(Code::ModelLoad, message, "内存可能不足:请减小上下文长度,或换用更小的模型")
        })?;
        let vocabulary = usize::try_from(model.n_vocab()).unwrap_or(0);
        let transfer = signed(setup.sequences);
        let mut context = Context { context, pool: std::ptr::null_mut(), transfer, vocabulary, _model: PhantomData };
        if !setup.cpus.is_empty() {
            context.pin(setup.threads, &setup.cpus);
        }
        Ok(context)
    }

    /// Gives every thread a core of its own. A machine that refuses keeps its own choice.
    fn pin(&mut self, threads: u32, cpus: &[usize]) {
        // SAFETY: the parameters are plain values, the pool is freed after the context that uses it.
        unsafe {
            let mut params = sys::ggml_threadpool_params_default(signed(threads));
            for cpu in cpus.iter().filter(|cpu| **cpu < MASK_CPUS) {
                if let Some(allowed) = params.cpumask.get_mut(*cpu) {
                    *allowed = true;
                }
            }
            params.strict_cpu = true;
            params.poll = POLL;
            self.pool = sys::ggml_threadpool_new(&raw mut params);
            if self.pool.is_null() {
                tracing::warn!("threads are not pinned: no thread pool");
            } else {
                sys::llama_attach_threadpool(self.context.as_ptr(), self.pool, self.pool);
            }
        }
    }

    fn memory(&self) -> sys::llama_memory_t {
        // SAFETY: the context lives.
        unsafe { sys::llama_get_memory(self.context.as_ptr()) }
    }

    /// Computes a batch.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` with llama.cpp's words.
    pub(super) fn decode(&mut self, batch: &Batch) -> Result<Computed> {
        // SAFETY: the batch's arrays are as long as its count says and live for the call.
        match unsafe { sys::llama_decode(self.context.as_ptr(), batch.inner) } {
            0 => Ok(Computed::Done),
            2 => Ok(Computed::Aborted),
            code => {
                let message = format!("模型计算失败(代码 {code}):{}", complaints());
                Err(Error::new(Code::ModelUnavailable, message, "请重试;如果再次出现,请减小上下文长度或换一个模型"))
            }
        }
    }

    /// Scores of all tokens behind entry `at` of the last batch, which asked for them.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` when there are none.
    pub(super) fn scores(&self, at: usize) -> Result<&[f32]> {
        let at = i32::try_from(at).unwrap_or(i32::MAX);
        // SAFETY: llama.cpp returns null or a row as long as the vocabulary, valid until the next batch.
        let row = unsafe { sys::llama_get_logits_ith(self.context.as_ptr(), at) };
        if row.is_null() {
            return Err(Error::new(Code::ModelUnavailable, "模型没有给出结果", "请重试;如果再次出现,请换一个模型"));
        }
        // SAFETY: as above; the context is borrowed for as long as the slice.
        Ok(unsafe { std::slice::from_raw_parts(row, self.vocabulary) })
    }

    /// Lets `to` share what `from` holds at positions `begin..end`. Costs no computing and no memory.
    pub(super) fn share(&mut self, from: Sequence, to: Sequence, begin: usize, end: usize) {
        // SAFETY: sequence numbers are below `SEQUENCES`.
        unsafe { sys::llama_memory_seq_cp(self.memory(), from, to, position(begin), position(end)) };
    }

    /// Forgets a sequence from position `begin` on; what others share stays.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` for models whose memory cannot be cut there.
    pub(super) fn forget(&mut self, sequence: Sequence, begin: usize) -> Result<()> {
        // SAFETY: as in `share`.
        match unsafe { sys::llama_memory_seq_rm(self.memory(), sequence, position(begin), -1) } {
            true => Ok(()),
            false => Err(Error::new(Code::ModelUnavailable, "模型的上下文无法清空", "请重试")),
        }
    }

    /// The keys and values of a sequence as bytes. llama.cpp writes out only sequences that the context computes, so what others
    /// hold goes through one that is kept for that.
    pub(super) fn save(&mut self, sequence: Sequence) -> Option<Vec<u8>> {
        self.share(sequence, self.transfer, 0, usize::MAX);
        // SAFETY: the buffer is as long as said.
        let bytes = unsafe {
            let mut bytes = vec![0u8; sys::llama_state_seq_get_size(self.context.as_ptr(), self.transfer)];
            let written =
                sys::llama_state_seq_get_data(self.context.as_ptr(), bytes.as_mut_ptr(), bytes.len(), self.transfer);
            bytes.truncate(written);
            bytes
        };
        self.forget(self.transfer, 0).ok()?;
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Puts saved keys and values into an empty sequence; false when llama.cpp refuses them.
    pub(super) fn restore(&mut self, sequence: Sequence, bytes: &[u8]) -> bool {
        // SAFETY: the buffer is as long as said; llama.cpp checks the contents' shape against its own.
        let read =
            unsafe { sys::llama_state_seq_set_data(self.context.as_ptr(), bytes.as_ptr(), bytes.len(), sequence) };
        read == bytes.len()
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made here and are freed once, the context first.
        unsafe {
            sys::llama_free(self.context.as_ptr());
            if !self.pool.is_null() {
                sys::ggml_threadpool_free(self.pool);
            }
        }
    }
}

/// llama.cpp asks between two operations whether to go on.
unsafe extern "C" fn raised(data: *mut c_void) -> bool {
    // SAFETY: the pointer is to the `'static` flag given to `Context::new`.
    unsafe { &*data.cast::<AtomicBool>() }.load(Ordering::Acquire)
}

fn position(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Tokens to compute, each at a position of one sequence.
pub(super) struct Batch {
    inner: sys::llama_batch,
    capacity: usize,
}

impl Batch {
    /// An empty batch with room for `capacity` tokens.
    pub(super) fn new(capacity: u32) -> Batch {
        // SAFETY: allocates arrays for that many tokens of one sequence each.
        let inner = unsafe { sys::llama_batch_init(signed(capacity), 0, 1) };
        Batch { inner, capacity: capacity as usize }
    }

    /// Tokens in it.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.inner.n_tokens).unwrap_or(0)
    }

    /// Room for further tokens.
    pub(super) fn room(&self) -> usize {
        self.capacity - self.len().min(self.capacity)
    }

    pub(super) fn clear(&mut self) {
        self.inner.n_tokens = 0;
    }

    /// Adds a token and returns its place; `None` when the batch is full. `scored` asks for the scores behind it.
    pub(super) fn add(&mut self, token: Token, at: usize, sequence: Sequence, scored: bool) -> Option<usize> {
        let n = self.len();
        if n >= self.capacity {
            return None;
        }
        // SAFETY: `n` is below the capacity that the arrays were allocated for; each token has one sequence number.
        unsafe {
            *self.inner.token.add(n) = token;
            *self.inner.pos.add(n) = position(at);
            *self.inner.n_seq_id.add(n) = 1;
            **self.inner.seq_id.add(n) = sequence;
            *self.inner.logits.add(n) = i8::from(scored);
        }
        self.inner.n_tokens += 1;
        Some(n)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: made by `llama_batch_init`; freed once.
        unsafe { sys::llama_batch_free(self.inner) };
    }
}
