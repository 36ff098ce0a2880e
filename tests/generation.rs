//! Prose on the real product: from a GGUF file made here, through llama.cpp, to the command line and the stream.

#[path = "common/client.rs"]
mod client;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/product.rs"]
mod product;

use client::{Client, ask};
use gguf::{ChatSpec, write_chat_model, write_encoder_model};
use guida::inference::models::sha256;
use product::{Product, guida, json, signal, stderr, stdout, until};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// A question that the sample rules answer.
const QUESTION: &str = "没预约今天取20万能付吗";
/// One that they do not.
const OFF_TOPIC: &str = "中午食堂几点开饭";

fn chat_model(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("chat.gguf");
    write_chat_model(&path, &ChatSpec::default());
    path
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("path")
}

fn body(question: &str) -> String {
    serde_json::json!({ "question": question, "prose": true }).to_string()
}

/// The next event, which must be the card.
fn card(client: &mut Client) -> Value {
    let (name, card) = client.event().expect("an event");
    assert_eq!((name.as_str(), card["refused"].as_bool()), ("card", Some(false)));
    card
}

#[test]
fn the_command_line_prints_the_card_then_streams_prose_with_its_speed_and_label() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder);
    let kb = product::sample();
    let args = ["ask", QUESTION, "--kb", text(&kb), "--model", text(&model), "--threads", "1"];

    let spoken = guida(&args);
    assert!(spoken.status.success(), "{}", stderr(&spoken));
    let said = stdout(&spoken);
    let at = |part: &str| said.find(part).unwrap_or_else(|| panic!("{part} is missing in {said}"));
    assert!(at("结论:") < at("依据:") && at("依据:") < at(guida::types::AIGC_LABEL));
    assert!(at(guida::types::AIGC_LABEL) < at("个/秒"));

    let whole = json(&guida(&[&args[..], &["--json"]].concat()));
    let prose = &whole["prose"];
    assert!(whole["citations"].as_array().is_some_and(|c| !c.is_empty()));
    assert_eq!(prose["label"], guida::types::AIGC_LABEL);
    assert_eq!(prose["AIGC"]["Label"], "1");
    assert!(prose["AIGC"]["ContentProducer"].is_string() && prose["AIGC"]["ProduceID"].is_string());
    assert_eq!(prose["model"]["name"], "tiny-chat");
    for speed in ["prefill_tokens_per_second", "decode_tokens_per_second"] {
        assert!(prose[speed].as_f64().is_some_and(|s| s > 0.0), "{speed}: {prose}");
    }
    assert!(prose["stats"]["generated_tokens"].as_u64().is_some_and(|n| n > 0));
    assert_eq!(whole["prose_unavailable"], Value::Null);

    // Nothing is written where there is no evidence.
    let refused = json(&guida(&["ask", OFF_TOPIC, "--kb", text(&kb), "--model", text(&model), "--json"]));
    assert_eq!((refused["refused"].as_bool(), &refused["prose"]), (Some(true), &Value::Null));
}

#[test]
fn the_stream_brings_the_card_then_progress_then_text_then_the_end() {
    let folder = tempfile::tempdir().expect("folder");
    let product = Product::start_with_model(&chat_model(&folder), &[]);
    let mut client = product.stream(QUESTION);
    let card = card(&mut client);
    let events: Vec<(String, Value)> = std::iter::from_fn(|| client.event()).filter(|(name, _)| name != ":").collect();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let first = |name: &str| names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    assert!(first("progress") < first("done"));
    assert_eq!(first("done"), names.len() - 1, "{names:?}");
    let tokens: String = events.iter().filter(|(n, _)| n == "token").filter_map(|(_, e)| e["text"].as_str()).collect();
    let done = &events.last().expect("the end").1;
    assert_eq!(done["text"].as_str(), Some(tokens.as_str()), "the end repeats what was streamed");
    assert!(!tokens.is_empty() || done["struck"].as_array().is_some_and(|s| !s.is_empty()), "{done}");
    assert_eq!(done["label"], guida::types::AIGC_LABEL);
    // Whatever is cited stands on the card.
    let on_card: Vec<&Value> = card["citations"].as_array().expect("citations").iter().map(|c| &c["n"]).collect();
    assert!(done["cited"].as_array().expect("cited").iter().all(|n| on_card.contains(&n)));
    // The same as one JSON.
    let whole = ask(product.addr, &body(QUESTION)).json();
    assert_eq!(whole["prose"]["text"], done["text"]);
}

#[test]
fn closing_the_connection_stops_waiting_and_running_prose() {
    let folder = tempfile::tempdir().expect("folder");
    let product = Product::start_with_model(&chat_model(&folder), &[]);
    let queued = || product.generator()["queued"].as_u64().expect("queued");
    // A frozen process: what is asked of it stays as it is until the test has looked.
    let generator = product.generator_pid().expect("the generator process");
    signal("STOP", generator);
    let mut running = product.stream(QUESTION);
    card(&mut running);
    until("one runs", || queued() == 1);
    let mut waiting = product.stream(QUESTION);
    card(&mut waiting);
    until("one waits behind it", || queued() == 2);
    drop(waiting);
    until("the one that waited is gone", || queued() == 1);
    drop(running);
    signal("CONT", generator);
    until("the one that ran is gone", || queued() == 0);
    assert_eq!(product.generator()["restarts"], 0);
    assert!(ask(product.addr, &body(QUESTION)).json()["prose"].is_object(), "the next one is written");
}

#[test]
fn cards_go_on_while_the_generator_is_killed_and_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let product = Product::start_with_model(&chat_model(&folder), &[]);
    let generator = product.generator_pid().expect("the generator process");
    signal("STOP", generator);
    let mut client = product.stream(QUESTION);
    // A model that does not move keeps no card waiting.
    card(&mut client);
    signal("CONT", generator);
    // The prompt is being read: four hundred words are still to come.
    let begun = std::iter::from_fn(|| client.event()).find(|(_, event)| event["prefill_total"].as_u64() > Some(0));
    assert!(begun.is_some(), "it has begun");
    signal("KILL", generator);
    let (name, error) = std::iter::from_fn(|| client.event()).last().expect("the end");
    assert_eq!((name.as_str(), error["code"].as_str()), ("error", Some("MODEL_DIED")));
    assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()) && error["hint"].is_string());
    // At once, whatever the generator is doing: a card, and either prose or the word why not.
    let between = ask(product.addr, &body(QUESTION));
    assert_eq!(between.status, 200);
    let between = between.json();
    assert_eq!(between["refused"], false);
    assert!(between["prose"].is_object() || between["prose_unavailable"]["code"].is_string(), "{between}");
    until("it was restarted", || {
        let generator = product.generator();
        generator["ready"] == true && generator["restarts"] == 1
    });
    assert_ne!(product.generator_pid(), Some(generator));
    assert!(ask(product.addr, &body(QUESTION)).json()["prose"].is_object());
}

#[test]
fn an_answer_is_given_again_while_the_generator_is_away() {
    let folder = tempfile::tempdir().expect("folder");
    let product = Product::start_with_model(&chat_model(&folder), &[]);
    until("the model's checksum is known", || {
        product.generator()["model"]["sha256"].as_str().is_some_and(|sha| !sha.is_empty())
    });
    let first = ask(product.addr, &body(QUESTION)).json()["prose"].clone();
    assert_eq!((&first["cached"], &first["role"]), (&false.into(), &"large".into()), "{first}");
    let generator = product.generator_pid().expect("the generator process");
    signal("STOP", generator);
    let again = ask(product.addr, &body(QUESTION)).json()["prose"].clone();
    assert_eq!(again["cached"], true);
    for field in ["text", "cited", "struck", "stats", "model", "AIGC"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    let status = product.get("/api/v1/status").json();
    assert_eq!((&status["answer_cache"]["hits"], &status["answer_cache"]["misses"]), (&1.into(), &1.into()));
    let metrics = product.get("/metrics");
    for line in ["guida_answer_cache_hits_total 1", "guida_prose_wanted_total 2", "guida_card_seconds_count 2"] {
        assert!(metrics.text().lines().any(|own| own == line), "{line} is missing in {}", metrics.text());
    }
    signal("KILL", generator);
}

#[test]
fn two_models_share_the_questions_and_either_serves_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder);
    let product = Product::start_with_model(&model, &["--small-model", text(&model)]);
    until("both are loaded", || product.get("/api/v1/status").json()["small_generator"]["ready"] == true);
    // The guide asks back; the guide's word is enough.
    for (question, role) in [("身份证过期了还能取钱吗", "large"), ("核查出来号码不存在咋弄", "small")]
    {
        assert_eq!(ask(product.addr, &body(question)).json()["prose"]["role"], role, "{question}");
    }
    let kb = product::sample();
    let alone = guida(&["ask", QUESTION, "--kb", text(&kb), "--small-model", text(&model), "--json"]);
    assert!(alone.status.success(), "{}", stderr(&alone));
    assert_eq!(json(&alone)["prose"]["role"], "small");
}

#[test]
fn files_that_are_no_chat_model_cost_the_prose_and_nothing_else() {
    let folder = tempfile::tempdir().expect("folder");
    let good = std::fs::read(chat_model(&folder)).expect("model");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("write");
        path
    };
    let encoder = folder.path().join("encoder.gguf");
    write_encoder_model(&encoder, "身份证过期取款");
    let kb = product::sample();
    for (model, code) in [
        (file("cut.gguf", &good[..good.len() / 2]), "MODEL_LOAD"),
        (file("head.gguf", &good[..300]), "MODEL_LOAD"),
        (file("text.gguf", "这不是模型".as_bytes()), "MODEL_LOAD"),
        (file("empty.gguf", b""), "MODEL_LOAD"),
        (folder.path().join("missing.gguf"), "MODEL_LOAD"),
        (encoder, "MODEL_UNSUITABLE"),
    ] {
        let name = text(&model);
        let product = Product::start(&["--model", name]);
        until("the failure shows", || product.generator()["failure"].as_str().is_some_and(|f| f.contains(code)));
        let reply = ask(product.addr, &body(QUESTION)).json();
        assert_eq!(reply["refused"], false, "{name}");
        assert_eq!(reply["prose_unavailable"]["code"], "MODEL_UNAVAILABLE", "{name}");
        assert!(reply["prose_unavailable"]["message"].as_str().is_some_and(|m| m.contains("模型")), "{reply}");
        let mut client = product.stream(QUESTION);
        card(&mut client);
        let (event, error) = client.event().expect("an event");
        assert_eq!((event.as_str(), error["code"].as_str()), ("error", Some("MODEL_UNAVAILABLE")), "{name}");
        assert!(client.event().is_none());
        assert_eq!(product.get("/readyz").status, 200, "{name}");

        // One question: the card, then the reason, and an exit code that scripts can see.
        let once = guida(&["ask", QUESTION, "--kb", text(&kb), "--model", name]);
        assert_eq!(once.status.code(), Some(6), "{name}: {}", stderr(&once));
        assert!(stdout(&once).contains("结论:") && stdout(&once).contains("依据:"), "{}", stdout(&once));
        assert!(stderr(&once).contains(&format!("[{code}]")), "{}", stderr(&once));
        let once = guida(&["ask", QUESTION, "--kb", text(&kb), "--model", name, "--json"]);
        assert_eq!((once.status.code(), &json(&once)["prose_unavailable"]["code"]), (Some(6), &code.into()));
        assert!(json(&once)["conclusion"].is_string());
    }
}

#[test]
fn clauses_that_the_context_cannot_hold_are_listed() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder);
    let product = Product::start_with_model(&model, &["--context", "16384"]);
    let whole = ask(product.addr, &body(QUESTION)).json();
    assert_eq!(whole["prose"]["left_out"].as_array().map(Vec::len), Some(0), "all fit");
    let needed = whole["prose"]["stats"]["prompt_tokens"].as_u64().expect("prompt_tokens");
    // Room for the whole prompt, and none for the reply.
    let product = Product::start_with_model(&model, &["--context", &needed.to_string()]);
    let whole = ask(product.addr, &body(QUESTION)).json();
    let left_out: Vec<u64> =
        whole["prose"]["left_out"].as_array().expect("left_out").iter().filter_map(Value::as_u64).collect();
    let all = whole["citations"].as_array().expect("citations").len() as u64;
    assert!(!left_out.is_empty() && (left_out.len() as u64) < all, "{left_out:?} of {all}");
    // Whole clauses from the last one backwards.
    assert_eq!(left_out, (all - left_out.len() as u64 + 1..=all).collect::<Vec<_>>());
    // Not even the question fits: said, not cut.
    let product = Product::start_with_model(&model, &["--context", "256"]);
    let none = ask(product.addr, &body(QUESTION)).json();
    assert_eq!(none["prose_unavailable"]["code"], "PROMPT_TOO_LONG");
    assert_eq!(none["refused"], false);
}

/// A folder with one rule in several clauses.
fn rules(folder: &tempfile::TempDir) -> PathBuf {
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("folder");
    std::fs::write(
        rules.join("规则.md"),
        "---\ntitle: 示例银行挂失管理办法\nlevel: 行内制度\neffective: 2024-01-01\nclassification: 内部\n---\n\
         第一条 存单丢失的,存款人凭身份证件到网点办理挂失。\n\n第二条 密码遗忘的,本人可以重置。\n\n\
         第三条 挂失七日后补发新的存单。\n\n第四条 工作人员应当为客户保密。\n\n第五条 公章由专人保管。\n",
    )
    .expect("write");
    rules
}

#[test]
fn an_encoder_fills_the_vector_table_and_searches_it() {
    let folder = tempfile::tempdir().expect("folder");
    let rules = rules(&folder);
    let encoder = folder.path().join("encoder.gguf");
    write_encoder_model(
        &encoder,
        "存单丢失款人凭身份证件到网点办理挂密码遗忘重置七日后补发新工作员应当为客户保公章由专管折弄没了咋",
    );
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    let (kb, plain) = (path("kb.db"), path("plain.db"));

    let built = guida(&["kb", "build", text(&rules), "--out", &kb, "--embedder", text(&encoder)]);
    assert!(built.status.success(), "{}", stderr(&built));
    let checked = json(&guida(&["kb", "check", &kb, "--json"]));
    assert_eq!((&checked["sound"], &checked["clauses"]), (&true.into(), &5.into()), "{checked}");
    assert_eq!(checked["vectors"], checked["clauses"]);
    assert!(guida(&["kb", "build", text(&rules), "--out", &plain, "--no-embedder"]).status.success());
    assert_eq!(json(&guida(&["kb", "check", &plain, "--json"]))["vectors"], 0);

    // A word of the rules beside words that are not: by words alone the others are not found at all.
    let find = |args: &[&str]| {
        let product = Product::start(args);
        let found = product.get("/api/v1/search?q=%E5%85%AC%E7%AB%A0&limit=20").json();
        let clauses: Vec<String> = found["hits"]
            .as_array()
            .expect("hits")
            .iter()
            .map(|h| h["clause"].as_str().expect("clause").into())
            .collect();
        let status = product.get("/api/v1/status").json();
        (clauses, status)
    };
    let (words, status) = find(&["--kb", &kb, "--no-embedder"]);
    assert_eq!(
        (words, status["vectors"].as_u64(), &status["embedder"]),
        (vec!["第五条".to_owned()], Some(5), &Value::Null)
    );
    let (both, status) = find(&["--kb", &kb, "--embedder", text(&encoder)]);
    assert_eq!((both.len(), both.first().map(String::as_str)), (5, Some("第五条")), "{both:?}");
    assert_eq!(status["embedder"]["name"], "tiny-encoder");

    let questions = path("questions.jsonl");
    std::fs::write(
        &questions,
        "{\"id\":\"1\",\"question\":\"公章\",\"relevant\":[{\"document\":\"示例银行挂失管理办法\",\"clause\":\"第四条\"}]}\n",
    )
    .expect("write");
    let measured = ["eval", "retrieval", "--kb", &kb, "--questions", &questions, "--json"];
    let words = json(&guida(&[&measured[..], &["--no-embedder"]].concat()));
    let both = guida(&[&measured[..], &["--embedder", text(&encoder)]].concat());
    assert!(both.status.success(), "{}", stderr(&both));
    // The clause asked for shares no word with the question: only its vector can be found.
    assert_eq!((&words["recall_at_10"], &json(&both)["recall_at_10"]), (&0.0.into(), &1.0.into()));
    let asked = json(&guida(&["ask", "公章由谁保管", "--kb", &kb, "--embedder", text(&encoder), "--json"]));
    assert_eq!(asked["citations"][0]["clause"], "第五条", "{asked}");
    assert!(asked["timings"]["embed_ms"].as_f64().is_some_and(|ms| ms > 0.0));

    // Vectors of another encoder are not comparable.
    let other = folder.path().join("other.gguf");
    write_encoder_model(&other, "另一个模型");
    for command in [
        &["ask", "公章由谁保管", "--kb", &kb][..],
        &["serve", "--listen", "127.0.0.1:0", "--kb", &kb],
        &["eval", "retrieval", "--kb", &kb, "--questions", &questions],
    ] {
        let refused = guida(&[command, &["--embedder", text(&other)]].concat());
        assert_eq!(refused.status.code(), Some(6), "{command:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains("[KB_MODEL]"), "{}", stderr(&refused));
    }
    // Without an encoder, or with one and a file without vectors, the words alone serve.
    for args in
        [&["--kb", &kb, "--no-embedder"][..], &["--kb", &plain], &["--kb", &plain, "--embedder", text(&encoder)]]
    {
        let asked = guida(&[&["ask", "公章由谁保管", "--json"], args].concat());
        assert!(asked.status.success(), "{args:?}: {}", stderr(&asked));
        assert_eq!(json(&asked)["citations"][0]["clause"], "第五条", "{args:?}");
    }
}

#[test]
fn an_encoder_that_is_none_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().expect("folder");
    let rules = rules(&folder);
    let out = folder.path().join("kb.db");
    let noise = folder.path().join("noise.gguf");
    std::fs::write(&noise, "这不是模型").expect("write");
    for (encoder, code) in [(noise, "MODEL_LOAD"), (chat_model(&folder), "MODEL_UNSUITABLE")] {
        let built = guida(&["kb", "build", text(&rules), "--out", text(&out), "--embedder", text(&encoder)]);
        assert_eq!(built.status.code(), Some(6));
        assert!(stderr(&built).contains(&format!("[{code}]")), "{}", stderr(&built));
        assert!(!out.exists());
    }
}

#[test]
fn a_signal_has_the_service_load_the_replaced_model_while_it_serves() {
    let folder = tempfile::tempdir().expect("folder");
    let model = chat_model(&folder);
    let digest = |path: &std::path::Path| sha256(path, &AtomicBool::new(false)).expect("checksum");
    let product = Product::start_with_model(&model, &[]);
    let served = || product.generator()["model"]["sha256"].as_str().unwrap_or_default().to_owned();
    let before = digest(&model);
    until("the checksum is known", || served() == before);
    let successor = folder.path().join("successor.gguf");
    write_chat_model(&successor, &ChatSpec { byte_pair: true, ..ChatSpec::default() });
    std::fs::rename(successor, &model).expect("replace");
    signal("HUP", product.pid());
    let after = digest(&model);
    assert_ne!(before, after);
    until("the new model serves", || served() == after && product.generator()["ready"] == true);
    assert_eq!(product.generator()["swap_failure"], Value::Null);
    // What is no model changes nothing.
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "第一条 存款自愿").expect("write");
    std::fs::rename(text, &model).expect("replace");
    signal("HUP", product.pid());
    until("the refusal is shown", || product.generator()["swap_failure"].is_string());
    assert_eq!(product.generator()["ready"], true);
}
