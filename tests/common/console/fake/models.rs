//! The models of a branch's box.

use guida::engine::modeling::{ModelRequest, ModelWork, ModelsReply};
use guida::error::{Code, Error, Result};
use serde_json::{Value, json};

/// The service's side of models.
pub struct Models {
    /// No model was ever brought here.
    pub empty: bool,
    /// What is being done.
    pub work: ModelWork,
    /// Whether a model writes.
    pub serves: bool,
    /// Why the large model does not.
    pub failure: Option<&'static str>,
    /// Every action is refused.
    pub refuses: bool,
}

impl Default for Models {
    fn default() -> Models {
        Models { empty: false, work: ModelWork::Idle, serves: true, failure: None, refuses: false }
    }
}

pub const LARGE: &str = "Qwen2.5-7B-Instruct";
pub const OTHER: &str = "Qwen3-4B-Instruct";

impl Models {
    pub fn handle(&mut self, request: ModelRequest) -> Result<ModelsReply> {
        if self.refuses && request != ModelRequest::List {
            let hint = "停用在用的模型,或换小一些的模型";
            return Err(Error::new(Code::ModelMemory, "内存不足:需要 5.4 GiB,只有 3.1 GiB", hint));
        }
        match request {
            ModelRequest::List => {}
            ModelRequest::Load { name, role } => self.work = ModelWork::Loading { name, role },
            ModelRequest::Unload { role } => self.work = ModelWork::Unloaded { role },
            ModelRequest::Bench { name, .. } => self.work = ModelWork::Benching { name, runs: Vec::new() },
            ModelRequest::Cancel => self.work = ModelWork::Idle,
        }
        Ok(self.reply())
    }

    pub fn reply(&self) -> ModelsReply {
        let serving = match self.serves {
            true => json!([{"role": "large", "name": LARGE, "status": {
                "model": {"name": LARGE, "sha256": "a1".repeat(32)}, "ready": self.failure.is_none(), "failure": self.failure,
                "queued": 3, "running": 1, "slots": 2, "expected_wait_ms": 4200,
                "cache": {"hits": 0, "misses": 0, "reused_tokens": 0, "prefilled_tokens": 0, "resident_tokens": 0,
                          "stored_tokens": 0, "stored_bytes": 0, "filed_tokens": 0},
                "swap_failure": self.failure.map(|_| "MODEL_LOAD 文件不完整"), "restarts": 1, "context_tokens": 8192}}]),
            false => json!([]),
        };
        let models = if self.empty { Vec::new() } else { rows() };
        serde_json::from_value(json!({
            "list": {"models": models, "notes": []},
            "serving": serving,
            "work": serde_json::to_value(&self.work).unwrap(),
        }))
        .unwrap()
    }
}

fn row(name: &str, mark: &str, role: &str, bytes: u64, facts: Value, more: Value) -> Value {
    let mut row = json!({
        "sha256": mark.repeat(32), "name": name, "role": role, "bytes": bytes, "added": "2026-09-30",
        "registered": true, "problem": null, "fit": null, "measured": null
    });
    for part in [facts, more] {
        for (key, value) in part.as_object().unwrap() {
            row[key] = value.clone();
        }
    }
    row
}

fn facts(architecture: &str, parameters: u64, quantization: &str, template: Option<&str>) -> Value {
    json!({"architecture": architecture, "parameters": parameters, "quantization": quantization, "context_tokens": 32768,
           "chat_template": template, "license": "apache-2.0"})
}

fn fit(fits: bool, needed: u64, flags: Option<&str>) -> Value {
    let recommended =
        fits.then(|| json!({"context_tokens": 8192, "slots": 2, "kv_type": "q8_0", "cache_mb": 512, "threads": 6}));
    json!({"fit": {"fits": fits, "needed_bytes": needed, "flags": flags, "recommended": recommended}})
}

fn tuning(threads: u32) -> Value {
    json!({"threads": threads, "batch_tokens": 512, "flash_attention": true, "kv_type": "q8_0", "pin_threads": false})
}

/// By name, as the service lists them.
fn rows() -> Vec<Value> {
    let gib = |tenths: u64| tenths * (1 << 30) / 10;
    let mut measured = fit(true, gib(57), None);
    measured["measured"] = json!({
        "sha256": "a1".repeat(32), "bytes": gib(44), "on": {"cpu": "Phytium D2000", "cores": 8, "memory_gib": 16},
        "tuning": tuning(6), "prefill_per_second": 96.4, "decode_per_second": 8.2, "measured": "2026-10-02"
    });
    let mut broken = row("DeepSeek-R1-1.5B", "d4", "small", gib(10), json!({}), json!({}));
    broken["problem"] = json!("文件不完整:应有 1117320736 字节,只有 734003200 字节");
    vec![
        row("bge-small-zh", "b2", "embedder", 95_777_000, facts("bert", 24_000_000, "F16", None), json!({})),
        broken,
        row(
            "Qwen2.5-14B-Instruct",
            "c3",
            "large",
            gib(90),
            facts("qwen2", 14_800_000_000, "Q4_K_M", Some("chatml")),
            fit(false, gib(112), None),
        ),
        row(LARGE, "a1", "large", gib(44), facts("qwen2", 7_600_000_000, "Q4_K_M", Some("chatml")), measured),
        row(
            OTHER,
            "e5",
            "large",
            gib(25),
            facts("qwen3", 4_000_000_000, "Q4_K_M", Some("chatml")),
            fit(true, gib(34), Some("--context 4096 --slots 1")),
        ),
    ]
}

/// Runs of a measurement; the second one is the fastest.
pub fn runs() -> Vec<Value> {
    let run = |threads: u32, read: f64, write: f64| {
        json!({"tuning": tuning(threads), "prompt_tokens": 256, "prefill_per_second": read, "reply_tokens": 32,
               "decode_per_second": write, "load_ms": 2100.0, "peak_bytes": 3_400_000_000u64})
    };
    vec![run(4, 118.2, 11.9), run(6, 141.5, 13.4), run(8, 139.0, 12.8)]
}

pub fn benching() -> ModelWork {
    serde_json::from_value(json!({"work": "benching", "name": OTHER, "runs": runs()})).unwrap()
}

pub fn benched() -> ModelWork {
    serde_json::from_value(json!({"work": "benched", "name": OTHER, "runs": runs(), "best": runs()[1]})).unwrap()
}

pub fn failed() -> ModelWork {
    let error = Error::new(Code::ModelLoad, "模型文件不完整:张量超出文件末尾", "从发放介质重新登记");
    ModelWork::Failed { error: guida::error::ErrorBody::from(&error) }
}
