//! Figures in a header that no model has, where llama.cpp ends the process, never returns, or says less about the cause.

use super::gguf::{Header, Value};

/// Most layers and experts that llama.cpp has room for (`LLAMA_MAX_LAYERS`, `LLAMA_MAX_EXPERTS`).
const MAX_LAYERS: u64 = 512;
const MAX_EXPERTS: u64 = 1024;
/// Longest context that its signed positions can count.
const MAX_CONTEXT: u64 = i32::MAX as u64;
/// Widest hidden state and feed-forward layer: the largest open models have 16,384 and 65,536.
const MAX_WIDTH: u64 = 1 << 17;
const MAX_FORWARD: u64 = 1 << 20;
/// Most attention heads, and the widest of them: the largest open models have 128 of 256.
const MAX_HEADS: u64 = 1 << 12;
const MAX_HEAD_WIDTH: u64 = 1 << 13;
/// What models without attention have instead of heads.
const RECURRENT: [&str; 2] = ["ssm.state_size", "wkv.head_size"];
/// ggml's numbers of the whole-number types and of F64, which no computation with weights takes.
const NO_WEIGHTS: std::ops::RangeInclusive<u32> = 24..=28;

/// What cannot be right about a header, in words for the operator.
pub(super) fn fault(header: &Header, architecture: &str) -> Option<String> {
    figures(header, architecture).or_else(|| vocabulary(header)).or_else(|| {
        let whole = header.tensors.iter().find(|t| NO_WEIGHTS.contains(&t.kind) && is_matrix(&t.name))?;
        Some(format!("张量 {} 的元素类型(编号 {})不能用作权重", whole.name, whole.kind))
    })
}

fn figures(header: &Header, architecture: &str) -> Option<String> {
    let own = |key: &str| header.entries.get(&format!("{architecture}.{key}"));
    // llama.cpp ends the process over layers that are too many or none, and its wrapper over a context beyond counting.
    let recurrent = RECURRENT.iter().any(|key| own(key).is_some());
    let counts = [
        ("block_count", MAX_LAYERS),
        ("context_length", MAX_CONTEXT),
        ("embedding_length", MAX_WIDTH),
        ("feed_forward_length", MAX_FORWARD),
        ("attention.head_count", MAX_HEADS),
        ("attention.key_length", MAX_HEAD_WIDTH),
        ("attention.value_length", MAX_HEAD_WIDTH),
        ("rope.dimension_count", MAX_HEAD_WIDTH),
    ];
    for (key, most) in counts {
        let lowest = u64::from(key != "rope.dimension_count");
        // One number a layer: llama.cpp compares each with the tensors.
        if matches!(own(key), Some(Value::Array(_))) || (recurrent && own(key).and_then(Value::as_u64) == Some(0)) {
            continue;
        }
        match own(key).map(Value::as_u64) {
            Some(None) => return Some(format!("{architecture}.{key} 不是整数")),
            Some(Some(n)) if n < lowest => return Some(format!("{architecture}.{key} 为 {n}")),
            Some(Some(n)) if n > most => return Some(format!("{architecture}.{key} 为 {n},上限 {most}")),
            Some(Some(_)) | None => {}
        }
    }
    let experts = own("expert_count").and_then(Value::as_u64).unwrap_or(0);
    let used = own("expert_used_count");
    if experts > MAX_EXPERTS || (experts > 0 && used.is_none_or(|used| used.as_u64() == Some(0))) {
        return Some(format!("专家个数 {experts} 与每次使用的个数不符,或超过上限 {MAX_EXPERTS}"));
    }
    // A comparison with a number that is none is false.
    let positive = |value: &Value| !matches!(value, Value::Float(x) if !(*x >= 0.0 && x.is_finite()));
    let keys = ["attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "rope.freq_base"];
    let odd = keys.iter().find(|key| own(key).is_some_and(|value| !positive(value)))?;
    Some(format!("{architecture}.{odd} 不是正常的数"))
}

/// Lists that go with the tokens, one item each.
fn vocabulary(header: &Header) -> Option<String> {
    let items = |key: &str| match header.entries.get(&format!("tokenizer.ggml.{key}")) {
        Some(Value::Array(items)) => Some(*items),
        _ => None,
    };
    let tokens = items("tokens")?;
    if tokens == 0 {
        return Some("词表是空的".into());
    }
    let short = |key: &&str| items(key).filter(|items| *items < tokens);
    let key = ["scores", "token_type"].into_iter().find(|key| short(key).is_some())?;
    Some(format!("词表有 {tokens} 个词元,而 tokenizer.ggml.{key} 只有 {} 项", short(&key)?))
}

/// Whether a tensor is one of the large matrices that every model of text is made of.
fn is_matrix(name: &str) -> bool {
    let Some(name) = name.strip_suffix(".weight") else { return false };
    let own = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')).map_or(name, |(_, own)| own);
    matches!(own, "token_embd" | "output" | "ffn_gate" | "ffn_up" | "ffn_down") || own.starts_with("attn_")
}
