//! The registry of models, the fit check and the measuring of speed, through the product: real files, real processes.

#[path = "common/client.rs"]
mod client;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/product.rs"]
mod product;

use gguf::{ChatSpec, chat_file, write_chat_model, write_encoder_model};
use guida::engine::models::{ModelRole, Registry, Wanted};
use guida::error::Code;
use guida::inference::models::{Kernels, read_info};
use guida::inference::{Intake, KvType};
use product::{GUIDA, Product, guida, json, sample, stderr, stdout, until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// GGUF's number of the type of a whole number of 32 bits.
const U32: u32 = 4;

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";

/// A data directory, and files beside it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn chat(&self, name: &str, context: u32) -> PathBuf {
        let path = self.path(name);
        write_chat_model(&path, &ChatSpec { context, ..ChatSpec::default() });
        path
    }

    fn model(&self, args: &[&str]) -> Output {
        guida(&[&["model"], args, &["--data", text(&self.data())]].concat())
    }

    fn listed(&self) -> Value {
        json(&self.model(&["list", "--json"]))
    }

    /// Names of the files in the models folder.
    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.data().join("models")).expect("models");
        let mut names: Vec<String> =
            files.map(|f| f.expect("file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn refused(output: &Output, exit: i32, code: &str) -> String {
    assert_eq!(output.status.code(), Some(exit), "{}{}", stdout(output), stderr(output));
    assert!(stderr(output).starts_with(&format!("[{code}] ")), "{}", stderr(output));
    stderr(output).to_owned()
}

#[test]
fn a_model_is_added_listed_used_verified_and_removed() {
    let place = Place::new();
    assert_eq!(place.listed()["models"].as_array().map(Vec::len), Some(0));
    let file = place.chat("from-usb.gguf", 4096);
    let added = json(&place.model(&["add", text(&file), "--name", "对话", "--json"]));
    let sha = added["sha256"].as_str().expect("checksum").to_owned();
    assert!(place.files().contains(&format!("{sha}.gguf")));
    assert!(file.exists(), "copied, not moved");
    let list = place.listed();
    let row = &list["models"][0];
    assert_eq!((&row["name"], &row["role"], &row["architecture"]), (&"对话".into(), &"large".into(), &"llama".into()));
    assert_eq!((&row["context_tokens"], &row["license"]), (&4096.into(), &"CC0-1.0".into()));
    assert_eq!((&row["quantization"], &row["chat_template"]), (&"F32".into(), &"ChatML".into()));
    assert_eq!((&row["fit"]["fits"], &row["registered"]), (&true.into(), &true.into()));
    let table = place.model(&["list"]);
    assert!(stdout(&table).contains("对话") && stdout(&table).contains("ChatML"), "{}", stdout(&table));

    // By name, by the beginning of the checksum, and as the large model of a directory that is named.
    let (kb, data) = (sample(), place.data());
    let ask = ["ask", QUESTION, "--kb", text(&kb), "--no-embedder", "--json", "--threads", "1", "--data", text(&data)];
    for model in [&["--model", "对话"][..], &["--model", &sha[..8]], &[]] {
        let answer = json(&guida(&[&ask[..], model].concat()));
        assert!(answer["prose"]["stats"].is_object(), "{model:?}: {answer}");
    }
    let unknown = guida(&[&ask[..], &["--model", "别的"]].concat());
    assert!(refused(&unknown, 4, "NOT_FOUND").contains("对话"));

    assert!(place.model(&["verify", "对话"]).status.success());
    let stored = data.join("models").join(format!("{sha}.gguf"));
    let mut bytes = std::fs::read(&stored).expect("read");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&stored, bytes).expect("write");
    assert!(refused(&place.model(&["verify", "对话"]), 6, "MODEL_LOAD").contains("校验值"));
    std::fs::write(data.join("models").join(format!("{sha}.gguf.prompts")), "cache").expect("write");
    assert!(place.model(&["remove", &sha[..6]]).status.success());
    assert!(place.files().iter().all(|name| !name.starts_with(&sha)), "{:?}", place.files());
    refused(&place.model(&["remove", "对话"]), 4, "NOT_FOUND");
    assert!(!stored.exists());
}

#[test]
fn what_cannot_be_used_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let good = place.chat("good.gguf", 4096);
    assert!(place.model(&["add", text(&good), "--name", "a"]).status.success());
    let before = place.files();
    let bytes = std::fs::read(&good).expect("read");
    let cut = place.path("cut.gguf");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("write");
    let encoder = place.path("encoder.gguf");
    write_encoder_model(&encoder, "存款");
    let missing = place.path("missing.gguf");
    refused(&place.model(&["add", text(&cut)]), 6, "MODEL_LOAD");
    refused(&place.model(&["add", text(&missing)]), 6, "MODEL_LOAD");
    refused(&place.model(&["add", text(&encoder), "--role", "large"]), 6, "MODEL_UNSUITABLE");
    refused(&place.model(&["add", text(&good), "--role", "embedder"]), 6, "MODEL_UNSUITABLE");
    refused(&place.model(&["add", text(&good), "--name", "../a"]), 2, "BAD_PARAMETER");
    refused(&place.model(&["add", text(&good), "--adapter", "--for", "a"]), 6, "MODEL_UNSUITABLE");
    for (key, values) in [
        ("attention.head_count", &[0, 1 << 30][..]),
        ("embedding_length", &[0, 1 << 30]),
        ("feed_forward_length", &[0, 1 << 30]),
        ("attention.key_length", &[0, 1 << 30]),
        ("rope.dimension_count", &[1 << 30]),
    ] {
        for value in values {
            let mut file = chat_file(&ChatSpec::default());
            let key = format!("llama.{key}");
            file.entries.retain(|(k, ..)| *k != key);
            file.entry(&key, U32, u32::to_le_bytes(*value).into());
            let odd = place.path("odd.gguf");
            std::fs::write(&odd, file.bytes()).expect("write");
            let told = refused(&place.model(&["add", text(&odd)]), 6, "MODEL_LOAD");
            assert!(told.contains(&key), "{key} {value}: {told}");
        }
    }
    let other = place.chat("other.gguf", 2048);
    refused(&place.model(&["add", text(&other), "--name", "a"]), 2, "BAD_PARAMETER");
    // The file may have arrived, which is no loss; it is shown, and nothing half-written is left.
    assert!(place.files().iter().all(|name| !name.ends_with(".part")), "{:?}", place.files());
    assert!(before.iter().all(|name| place.files().contains(name)));
    assert_eq!(Registry::of(&place.data()).find("a").expect("as before").bytes, bytes.len() as u64);
}

#[test]
fn an_adapter_belongs_to_its_model() {
    let place = Place::new();
    let base = place.chat("base.gguf", 4096);
    let adapter = place.path("adapter.gguf");
    let mut file = gguf::Gguf::default();
    file.text("general.architecture", "llama");
    file.text("general.type", "adapter");
    file.text("general.name", "tone");
    file.text("adapter.type", "lora");
    file.f32("adapter.lora.alpha", 4.0);
    file.tensor("blk.0.attn_q.weight.lora_a", &[gguf::WIDTH, 4], vec![0.0; gguf::WIDTH * 4]);
    file.tensor("blk.0.attn_q.weight.lora_b", &[4, gguf::WIDTH], vec![0.0; gguf::WIDTH * 4]);
    file.write(&adapter);
    refused(&place.model(&["add", text(&adapter), "--adapter", "--for", "base"]), 4, "NOT_FOUND");
    refused(&place.model(&["add", text(&adapter)]), 2, "BAD_PARAMETER");
    assert!(place.model(&["add", text(&base), "--name", "base"]).status.success());
    let added = json(&place.model(&["add", text(&adapter), "--adapter", "--for", "base", "--json"]));
    assert_eq!((&added["role"], &added["name"]), (&"adapter".into(), &"tone".into()));
    refused(&place.model(&["remove", "base"]), 2, "BAD_PARAMETER");
    let wanted = |model: &str| Wanted {
        data: Some(place.data()),
        model: Some(model.into()),
        lora: Some(("tone".into(), 0.5)),
        ..Wanted::default()
    };
    let settings = wanted("base").settings().expect("settings").expect("a model");
    let used = settings.adapter.expect("an adapter");
    assert_eq!((used.scale, used.path.exists()), (0.5, true));
    let other = place.chat("other.gguf", 2048);
    assert!(place.model(&["add", text(&other), "--name", "other"]).status.success());
    assert_eq!(wanted("other").settings().expect_err("not its model").code(), Code::ModelUnsuitable);
    assert!(place.model(&["remove", "tone"]).status.success());
    assert!(place.model(&["remove", "base"]).status.success());
}

#[test]
fn a_damaged_register_loses_no_model() {
    let place = Place::new();
    let (first, second) = (place.chat("first.gguf", 4096), place.chat("second.gguf", 2048));
    let sha = json(&place.model(&["add", text(&first), "--name", "first", "--json"]))["sha256"].clone();
    let register = place.data().join("models/registry.json");
    let good = std::fs::read_to_string(&register).expect("register");
    let escape = good.replace(sha.as_str().expect("text"), "../../../etc/passwd");
    for damage in ["", "{", "[]", "{\"version\":99,\"models\":[]}", "\u{0}\u{1}", escape.as_str()] {
        std::fs::write(&register, damage).expect("write");
        let list = place.listed();
        assert_eq!(list["models"][0]["sha256"], sha, "{damage}");
        assert_eq!(list["models"][0]["registered"], false);
        assert!(list["notes"][0].as_str().is_some_and(|note| note.contains("不能使用")), "{list}");
        refused(&place.model(&["verify", "first"]), 6, "MODEL_REGISTRY");
    }
    let second = json(&place.model(&["add", text(&second), "--name", "second", "--json"]))["sha256"].clone();
    let list = place.listed();
    assert_eq!(list["notes"], serde_json::json!([]));
    let names: Vec<&Value> = list["models"].as_array().expect("models").iter().map(|m| &m["sha256"]).collect();
    assert!(names.contains(&&sha) && names.contains(&&second), "{list}");
    let kept = place.data().join("models/registry.json.damaged-1");
    assert_eq!(std::fs::read_to_string(kept).expect("kept"), escape);
    // A file that is gone is named and does not hide the others.
    std::fs::remove_file(place.data().join(format!("models/{}.gguf", second.as_str().expect("text")))).expect("remove");
    let list = place.listed();
    assert!(list["notes"][0].as_str().is_some_and(|note| note.contains("不见了")), "{list}");
    assert_eq!(list["models"].as_array().map(Vec::len), Some(2));
    assert!(place.model(&["remove", "second"]).status.success());
    assert_eq!(place.listed()["models"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_file_can_be_moved_in_and_a_broken_copy_is_swept() {
    let place = Place::new();
    let file = place.chat("model.gguf", 4096);
    std::fs::create_dir_all(place.data().join("models")).expect("folder");
    std::fs::write(place.data().join("models/.adding.1.part"), "half").expect("write");
    assert!(place.model(&["add", text(&file), "--move"]).status.success());
    assert!(!file.exists());
    assert!(place.files().iter().all(|name| !name.ends_with(".part")));
    assert_eq!(place.listed()["models"][0]["name"], "tiny-chat");
    // The same model again, from another copy, under another name: one file, renamed.
    let again = place.chat("again.gguf", 4096);
    let mut seen = 0;
    let intake =
        Intake { file: &again, name: Some("renamed"), role: Some(ModelRole::Small), adapts: None, moved: false };
    let entry = Registry::of(&place.data()).add(&intake, &mut |done, _| seen = done).expect("again");
    assert_eq!((entry.bytes, entry.role), (seen, ModelRole::Small));
    let list = place.listed();
    assert_eq!((list["models"].as_array().map(Vec::len), &list["models"][0]["name"]), (Some(1), &"renamed".into()));
}

#[test]
fn the_kernels_that_were_built_are_those_that_the_memory_is_reckoned_for() {
    // SAFETY: plain functions that report how ggml was compiled.
    let (avx2, avx512, dotprod, i8mm) = unsafe {
        (
            llama_cpp_sys_2::ggml_cpu_has_avx2() != 0,
            llama_cpp_sys_2::ggml_cpu_has_avx512() != 0,
            llama_cpp_sys_2::ggml_cpu_has_dotprod() != 0,
            llama_cpp_sys_2::ggml_cpu_has_matmul_int8() != 0,
        )
    };
    assert_eq!(Kernels::BUILT, Kernels { avx2, avx512, dotprod, i8mm });
}

/// `guida serve` in a shell whose address space is limited, in KiB.
fn serve_within(kib: u64, model: &Path, args: &[&str]) -> Product {
    let arguments = [&["--no-embedder", "--threads", "1", "--model", text(model)], args].concat();
    Product::start_in(&["sh", "-c", &format!("ulimit -v {kib}; exec \"$@\""), "sh"], &arguments)
}

#[test]
fn too_little_memory_is_refused_with_figures_and_cards_go_on() {
    let place = Place::new();
    // 512 bytes of keys and values for each token: 2 GiB for 32 contexts of 131,072.
    let model = place.chat("long.gguf", 131_072);
    let large = [
        "--context",
        "131072",
        "--slots",
        "32",
        "--prompt-cache",
        "0",
        "--kv-type",
        "f16",
        "--batch",
        "4096",
        "--no-flash-attention",
    ];
    let product = serve_within(2_000_000, &model, &large);
    until("the refusal", || product.generator()["failure"].is_string());
    let generator = product.generator();
    let failure = generator["failure"].as_str().expect("a failure");
    assert!(failure.starts_with("[MODEL_MEMORY]"), "{failure}");
    for part in ["需要", "GiB", "ulimit -v", "32 路共 131072"] {
        assert!(failure.contains(part), "{part}: {failure}");
    }
    assert_eq!(product.generator_pid(), None, "no process was started");
    let body = serde_json::json!({ "question": QUESTION, "prose": true }).to_string();
    let answer = client::ask(product.addr, &body).json();
    assert!(answer["citations"].as_array().is_some_and(|c| !c.is_empty()), "{answer}");
    assert_eq!(answer["prose_unavailable"]["code"], "MODEL_UNAVAILABLE", "{answer}");
    drop(product);
    // What nobody asked for is made to fit: the same model with defaults loads.
    let product = serve_within(2_000_000, &model, &["--context", "131072"]);
    until("ready", || product.generator()["ready"] == true);
}

#[test]
fn the_settings_that_a_refusal_recommends_do_fit() {
    let place = Place::new();
    let model = place.chat("long.gguf", 131_072);
    let kb = sample();
    let large = ["--context", "131072", "--slots", "32", "--prompt-cache", "0", "--kv-type", "f16", "--batch", "4096"];
    let ask = |flags: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 2000000; exec \"$@\"", "sh", GUIDA, "ask", QUESTION, "--kb", text(&kb)]);
        command.args(["--no-embedder", "--threads", "1", "--json", "--model", text(&model)]);
        // The scores of all heads are what does not fit.
        command.arg("--no-flash-attention").args(flags);
        command.env_remove("GUIDA_KB").env_remove("GUIDA_DATA").stdin(Stdio::null()).output().expect("run")
    };
    let refusal = ask(&large);
    assert_eq!(refusal.status.code(), Some(5), "{}", stderr(&refusal));
    let hint = json(&refusal)["prose_unavailable"]["hint"].as_str().expect("a hint").to_owned();
    let flags = hint.split_once("加上 ").and_then(|(_, rest)| rest.split_once(" 就能载入")).expect("flags").0;
    let mut recommended: Vec<&str> = flags.split(' ').collect();
    for pair in large.chunks(2).filter(|pair| !flags.contains(pair[0])) {
        recommended.extend(pair);
    }
    let answer = json(&ask(&recommended));
    assert!(answer["prose"]["stats"].is_object(), "{recommended:?}: {answer}");
}

#[test]
fn what_was_measured_is_applied_unless_flags_say_otherwise() {
    let place = Place::new();
    let file = place.chat("model.gguf", 4096);
    assert!(place.model(&["add", text(&file), "--name", "m"]).status.success());
    let benched = json(&place.model(&["bench", "m", "--quick", "--json"]));
    let runs = benched["runs"].as_array().expect("runs");
    assert!(runs.len() >= 3, "{benched}");
    assert!(runs.iter().all(|run| run["prefill_per_second"].as_f64().is_some_and(|n| n > 0.0)), "{benched}");
    assert!(runs.iter().all(|run| run["decode_per_second"].as_f64().is_some_and(|n| n > 0.0)), "{benched}");
    assert!(runs.contains(&benched["best"]));
    assert_eq!(place.listed()["models"][0]["measured"]["tuning"], benched["best"]["tuning"]);

    // Another tuning, as if this machine had preferred it.
    let profiles = place.data().join("models/profiles.json");
    let mut stored: Value = serde_json::from_slice(&std::fs::read(&profiles).expect("profiles")).expect("JSON");
    stored["profiles"][0]["tuning"] = serde_json::json!({
        "threads": 3, "batch_tokens": 192, "flash_attention": true, "kv_type": "q8_0", "pin_threads": true
    });
    std::fs::write(&profiles, stored.to_string()).expect("write");
    let wanted = |model: &str| Wanted { data: Some(place.data()), model: Some(model.into()), ..Wanted::default() };
    let settings = wanted("m").settings().expect("settings").expect("a model");
    assert_eq!((settings.threads, settings.batch_tokens, settings.kv_type), (Some(3), 192, KvType::Q8_0));
    assert!(settings.pin_threads);
    // The same file under its own path has the same profile.
    let by_path = wanted(text(&file)).settings().expect("settings").expect("a model");
    assert_eq!((by_path.threads, by_path.batch_tokens), (Some(3), 192));
    let told = Wanted { threads: Some(1), batch: Some(64), kv_type: Some(KvType::F16), ..wanted("m") };
    let settings = told.settings().expect("settings").expect("a model");
    assert_eq!((settings.threads, settings.batch_tokens, settings.kv_type), (Some(1), 64, KvType::F16));
    let both = Wanted { flash_attention: Some(false), kv_type: Some(KvType::Q8_0), ..wanted("m") };
    assert_eq!(both.settings().expect_err("exclude each other").code(), Code::Config);
    assert!(place.model(&["remove", "m"]).status.success());
    let left: Value = serde_json::from_slice(&std::fs::read(&profiles).expect("profiles")).expect("JSON");
    assert_eq!(left["profiles"], serde_json::json!([]));
}

#[test]
fn a_header_tells_shape_and_bytes() {
    let place = Place::new();
    let info = read_info(&place.chat("model.gguf", 4096)).expect("header");
    let shape = info.shape;
    assert_eq!((shape.layers, shape.width, shape.heads, shape.kv_heads), (2, 64, 4, 4));
    assert_eq!((shape.key_length, shape.value_length, shape.feed_forward, shape.experts), (16, 16, 128, 0));
    assert_eq!(info.weights.bytes, info.parameters * 4);
    assert_eq!((info.weights.repackable, info.parts, info.adapter), (0, 1, false));
}

#[test]
fn a_model_in_several_files_counts_as_a_whole() {
    let place = Place::new();
    let part = |n: u32| {
        let mut file = gguf::Gguf::default();
        file.text("general.architecture", "llama");
        file.u32("split.count", 2);
        file.tensor(&format!("blk.{n}.ffn_up.weight"), &[32, 4], vec![1.0; 128]);
        let path = place.path(&format!("big-0000{n}-of-00002.gguf"));
        file.write(&path);
        path
    };
    let first = part(1);
    assert_eq!(read_info(&first).expect_err("the second is missing").code(), Code::ModelLoad);
    part(2);
    let info = read_info(&first).expect("both");
    assert_eq!((info.parts, info.parameters, info.weights.bytes), (2, 256, 1024));
    refused(&place.model(&["add", text(&first)]), 6, "MODEL_UNSUITABLE");
}
