//! What a model file is, read from its header without loading it.
//!
//! Also the gate in front of llama.cpp: some damaged files fail an assertion there, which ends the whole process. A file
//! that is truncated, is no GGUF, or declares absurd counts is refused here with the reason.

use super::gguf::{Header, HeaderError, Value, read_header, read_header_of};
pub use super::shape::{Kernels, Shape, Weights};
use super::shape::{main_type, quantization};
use super::{LateInteraction, ModelId, plausible};
use crate::error::{Code, Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes read at a time for the checksum.
const HASH_CHUNK_BYTES: usize = 1 << 20;

/// Architectures that only encode, for files that do not say so through `attention.causal` (GGUF names as in llama.cpp).
const ENCODERS: &[&str] = &[
    "bert",
    "eurobert",
    "gemma-embedding",
    "jina-bert-v2",
    "jina-bert-v3",
    "llama-embed",
    "modern-bert",
    "neo-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "t5encoder",
];

/// How an encoder makes one vector of many (`llama_pooling_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Mean over the tokens.
    Mean,
    /// The first token.
    Cls,
    /// The last token.
    Last,
    /// A score, not a vector: a reranker.
    Rank,
}

/// A model file as its header describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// `general.name`, or the file name.
    pub name: String,
    /// `general.architecture`, e.g. `qwen2`.
    pub architecture: String,
    /// Longest context the model was trained on, in tokens.
    pub context_tokens: Option<u32>,
    /// Number of weights.
    pub parameters: u64,
    /// ggml's number of the element type that most of the weights have.
    pub weight_type: u32,
    /// What people call the quantisation, e.g. `Q4_K_M`.
    pub quantization: String,
    /// Shape of the network.
    pub shape: Shape,
    /// Bytes of the weights.
    pub weights: Weights,
    /// Length of the file in bytes.
    pub file_bytes: u64,
    /// `general.license`, when stated.
    pub license: Option<String>,
    /// The Jinja chat template, when the file carries one.
    pub chat_template: Option<String>,
    /// The template that puts question and clause together, when the file is a reranker's and carries one.
    pub rerank_template: Option<String>,
    /// `tokenizer.ggml.model`: `llama` is SentencePiece, `gpt2` byte-pair, `bert` WordPiece, `t5` unigram pieces.
    pub tokenizer: Option<String>,
    /// Pooling, when the file names one.
    pub pooling: Option<Pooling>,
    /// What the encoder compares tokens with, when the file carries it.
    pub late: Option<LateInteraction>,
    /// Whether the model only encodes.
    pub encoder: bool,
    /// Whether the file is a LoRA adapter of another model.
    pub adapter: bool,
    /// Files that the model is cut into; this is the first of them.
    pub parts: u32,
}

impl ModelInfo {
    /// Refuses a model that cannot write: an encoder, an embedding model or a reranker.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE`.
    pub fn require_generator(&self) -> Result<()> {
        if self.encoder || self.pooling.is_some() {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {}({})是编码模型,不能生成文字", self.name, self.architecture),
                "请在 --model 中指定对话模型,如 Qwen2.5-Instruct 的 GGUF 文件",
            ));
        }
        // llama.cpp ends the process when it looks for a line break among word pieces.
        if self.tokenizer.as_deref() == Some("bert") {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {} 的词表是编码模型的,不能用来生成文字", self.name),
                "请在 --model 中指定对话模型,如 Qwen2.5-Instruct 的 GGUF 文件",
            ));
        }
        self.require_tokenizer()
    }

    /// Refuses a model that makes no vectors of texts.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE`.
    pub fn require_embedder(&self) -> Result<()> {
        if self.pooling == Some(Pooling::Rank) || !(self.encoder || self.pooling.is_some()) {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {}({})不是向量模型", self.name, self.architecture),
                "请指定文本向量模型(如 BERT 类)的 GGUF 文件",
            ));
        }
        self.require_tokenizer()
    }

    /// Refuses a model that gives no score for a question and a clause.
    ///
    /// # Errors
    /// `MODEL_UNSUITABLE`.
    pub fn require_reranker(&self) -> Result<()> {
        if self.pooling != Some(Pooling::Rank) {
            return Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {}({})不是重排模型,文件里没有写明打分方式", self.name, self.architecture),
                "请在 --reranker 中指定重排模型(如 bge-reranker、Qwen3-Reranker)的 GGUF 文件",
            ));
        }
        self.require_tokenizer()
    }

    /// The family of the chat template, by the markers of its roles; `None` without one, `其他` for one that is not known.
    pub fn template_family(&self) -> Option<&'static str> {
        const FAMILIES: &[(&str, &str)] = &[
            ("<|im_start|>", "ChatML"),
            ("<|start_header_id|>", "Llama 3"),
            ("[gMASK]", "GLM"),
            ("<|assistant|>", "GLM"),
            ("<\u{ff5c}Assistant\u{ff5c}>", "DeepSeek"),
            ("<reserved_106>", "Baichuan"),
            ("<AI>", "MiniCPM"),
            ("<start_of_turn>", "Gemma"),
            ("[INST]", "Llama 2"),
        ];
        let template = self.chat_template.as_deref()?;
        Some(FAMILIES.iter().find(|(marker, _)| template.contains(marker)).map_or("其他", |(_, family)| family))
    }

    fn require_tokenizer(&self) -> Result<()> {
        // llama.cpp asserts when a file without vocabulary is asked to tokenise.
        match self.tokenizer.as_deref() {
            // Its tokenizer never returns, and takes all memory, over a text that begins like a token and is none.
            Some("rwkv") => Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {} 的词表种类 rwkv 不受支持", self.name),
                "请换用其他架构的模型",
            )),
            Some(kind) if kind != "none" && kind != "no_vocab" => Ok(()),
            _ => Err(Error::new(
                Code::ModelUnsuitable,
                format!("模型 {} 的文件里没有词表", self.name),
                "请换用带词表的完整 GGUF 文件",
            )),
        }
    }
}

/// Reads and checks the header of a model file; of a model in several files, given the first, those of all.
///
/// # Errors
/// `MODEL_LOAD` with the reason: missing, truncated, not GGUF, absurd counts, no weights.
pub fn read_info(path: &Path) -> Result<ModelInfo> {
    let header = read_header(path).and_then(|mut header| {
        for part in further_parts(path, &header) {
            let part = read_header(&part)?;
            header.tensors.extend(part.tensors);
            header.file_bytes = header.file_bytes.saturating_add(part.file_bytes);
        }
        Ok(header)
    });
    describe(header, &path.display().to_string(), &file_name(path))
}

/// The files beside the first one, `NAME-00001-of-0000N.gguf`, as llama.cpp finds them.
fn further_parts(path: &Path, header: &Header) -> Vec<PathBuf> {
    let parts = parts(header);
    let ending = format!("-00001-of-{parts:05}.gguf");
    let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(&ending)).map(str::to_owned);
    let part = |n: u32, name: &str| path.with_file_name(format!("{name}-{n:05}-of-{parts:05}.gguf"));
    name.map_or_else(Vec::new, |name| (2..=parts).map(|n| part(n, &name)).collect())
}

/// Files that a model is cut into; the format counts them in 16 bits.
fn parts(header: &Header) -> u32 {
    let count = header.entries.get("split.count").and_then(Value::as_u64).unwrap_or(1);
    u32::from(u16::try_from(count).unwrap_or(u16::MAX).max(1))
}

/// Reads and checks the header of a model that is held in memory; `name` is what it is called when it names itself nowhere.
///
/// # Errors
/// As [`read_info`].
pub fn read_info_of(bytes: &[u8], name: &str) -> Result<ModelInfo> {
    describe(read_header_of(bytes), name, name)
}

/// A checked header as a description; `shown` is the file in error messages.
fn describe(header: std::result::Result<Header, HeaderError>, shown: &str, file_name: &str) -> Result<ModelInfo> {
    let header = header.map_err(|cause| {
        let hint = match &cause {
            HeaderError::Io(_) => "请检查路径和读取权限",
            HeaderError::NotGguf | HeaderError::Version(_) => "请确认文件是 GGUF 格式(第 2 或第 3 版)的模型",
            HeaderError::Truncated { .. } => "文件可能没有拷贝完,请重新拷贝并核对大小和校验值",
            HeaderError::Damaged(_) => "请重新拷贝文件并核对校验值",
        };
        Error::new(Code::ModelLoad, format!("模型文件 {shown} 不能使用:{cause}"), hint).because(cause)
    })?;
    let damaged = |what: &str| {
        Error::new(Code::ModelLoad, format!("模型文件 {shown} 不能使用:{what}"), "请重新拷贝文件并核对校验值")
    };
    let text = |key: &str| header.entries.get(key).and_then(Value::as_text);
    let architecture = text("general.architecture").ok_or_else(|| damaged("没有写明模型架构"))?.to_owned();
    let weight_type = main_type(&header.tensors).ok_or_else(|| damaged("没有权重"))?;
    let own = |key: &str| header.entries.get(&format!("{architecture}.{key}"));
    if let Some(what) = plausible::fault(&header, &architecture) {
        return Err(damaged(&what));
    }
    let causal = own("attention.causal");
    let name = text("general.name").filter(|name| !name.trim().is_empty()).unwrap_or(file_name).to_owned();
    Ok(ModelInfo {
        name,
        context_tokens: own("context_length").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()),
        parameters: header.tensors.iter().map(|t| t.elements).fold(0, u64::saturating_add),
        weight_type,
        quantization: quantization(header.entries.get("general.file_type").and_then(Value::as_u64), weight_type),
        shape: Shape::of(&header, &architecture),
        weights: Weights::of(&header.tensors, Kernels::BUILT),
        file_bytes: header.file_bytes,
        license: text("general.license").map(str::to_owned),
        chat_template: text("tokenizer.chat_template").map(str::to_owned),
        rerank_template: text("tokenizer.chat_template.rerank").map(str::to_owned),
        tokenizer: text("tokenizer.ggml.model").map(str::to_owned),
        pooling: match own("pooling_type").and_then(Value::as_u64) {
            Some(1) => Some(Pooling::Mean),
            Some(2) => Some(Pooling::Cls),
            Some(3) => Some(Pooling::Last),
            Some(4) => Some(Pooling::Rank),
            _ => None,
        },
        late: own("embedding_length")
            .and_then(Value::as_u64)
            .and_then(|width| LateInteraction::of(&header, usize::try_from(width).ok()?)),
        adapter: text("general.type") == Some("adapter"),
        parts: parts(&header),
        encoder: ENCODERS.contains(&architecture.as_str()) || causal == Some(&Value::Bool(false)),
        architecture,
    })
}

/// The file's own name, for a model without `general.name`.
fn file_name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Name and SHA-256 of a model file whose header was read.
///
/// # Errors
/// See [`sha256`].
pub fn identify(path: &Path, info: &ModelInfo) -> Result<ModelId> {
    let digest = sha256(path, &AtomicBool::new(false))?;
    Ok(ModelId { name: info.name.clone(), sha256: digest })
}

/// Hex digits of a SHA-256.
const DIGEST_CHARS: usize = 64;

/// The checksum that a file is named by, as all in the folder of models are; `None` for a file that people have named.
pub fn named_digest(path: &Path) -> Option<&str> {
    let stem = path.file_stem()?.to_str()?;
    let hex = stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (hex && stem.len() == DIGEST_CHARS).then_some(stem)
}

/// Refuses a file that is named by its checksum and has another one.
///
/// # Errors
/// `MODEL_LOAD`, and those of [`sha256`].
pub fn require_unaltered(path: &Path) -> Result<()> {
    let Some(named) = named_digest(path) else { return Ok(()) };
    let found = sha256(path, &AtomicBool::new(false))?;
    if found == named {
        return Ok(());
    }
    Err(Error::new(
        Code::ModelLoad,
        format!("模型文件 {} 已被改动或损坏:校验值是 {found}", path.display()),
        "删除后重新登记:guida model remove,再 guida model add;反复出现则检查磁盘",
    ))
}

/// SHA-256 of a file, lower-case hex; the file is streamed.
///
/// # Errors
/// `MODEL_LOAD` when it cannot be read, `CANCELLED` once `stop` is set.
pub fn sha256(path: &Path, stop: &AtomicBool) -> Result<String> {
    let failed = |cause: std::io::Error| {
        let message = format!("读取模型文件 {} 失败:{cause}", path.display());
        Error::new(Code::ModelLoad, message, "请检查路径、读取权限和磁盘").because(cause)
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0u8; HASH_CHUNK_BYTES];
    loop {
        if stop.load(Ordering::Acquire) {
            return Err(Error::new(Code::Cancelled, "校验值的计算被停止", ""));
        }
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(failed(cause)),
        };
        hasher.update(chunk.get(..read).unwrap_or_default());
    }
    Ok(hex(&hasher.finalize()))
}

/// Name and SHA-256 of a model in memory whose header was read.
pub fn identify_bytes(bytes: &[u8], info: &ModelInfo) -> ModelId {
    ModelId { name: info.name.clone(), sha256: hex(&Sha256::digest(bytes)) }
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
