//! The models that write are loaded, exchanged, unloaded and measured while the service answers: real files, real processes.

#[path = "common/client.rs"]
mod client;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;

use gguf::{ChatSpec, WIDTH, chat_file, write_chat_model, write_encoder_model};
use guida::app::models::Models;
use guida::engine::Engine;
use guida::engine::modeling::{ModelHost, ModelRequest, ModelWork, ModelsReply, Serving};
use guida::engine::models::{Intake, ModelRole, Registry, Wanted};
use guida::engine::reply::{Prose, ProseDone, ProseEvent, ProseStep, Reply};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::error::{Code, Error, ErrorBody, Result};
use guida::inference::KvType;
use guida::types::{Classification, Date};
use packs::{Bank, Branch};
use product::{GUIDA, Product, sample, until};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// It names a short clause, so that the prompt fits the smallest context.
const QUESTION: &str = "示例银行个人存款凭证挂失与补领管理办法第七条";
/// One test at a time: each looks at the processes that this program has started.
static ALONE: Mutex<()> = Mutex::new(());

/// A box with a data folder.
struct Place {
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Place {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Place { folder: tempfile::tempdir().expect("folder"), _alone: alone }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Registers a model under a name; its checksum.
    fn add(&self, name: &str, spec: &ChatSpec) -> String {
        let file = self.folder.path().join(format!("{name}.gguf"));
        write_chat_model(&file, spec);
        self.register(name, &file)
    }

    fn register(&self, name: &str, file: &Path) -> String {
        let intake = Intake { file, name: Some(name), role: None, adapts: None, moved: false };
        Registry::of(&self.data()).add(&intake, &mut |_, _| {}).expect("added").sha256
    }

    fn service(&self) -> Service {
        self.service_with(|wanted| wanted)
    }

    fn service_with(&self, change: fn(Wanted) -> Wanted) -> Service {
        let wanted = Wanted { data: Some(self.data()), threads: Some(1), cache_mb: Some(16), ..Wanted::default() };
        let wanted = change(wanted);
        let small = Wanted { model: None, ..wanted.clone() };
        let models = Arc::new(Models::start(Path::new(GUIDA), wanted, small).expect("start"));
        let engine = Engine::open_with(&sample(), None, None, models.writers()).expect("open");
        let host = Arc::clone(&models) as Arc<dyn ModelHost>;
        Service { engine: engine.with_models(&self.data(), host).expect("desk"), models }
    }
}

/// A service in this process, with its models in processes of their own.
struct Service {
    engine: Engine,
    models: Arc<Models>,
}

impl Service {
    fn models(&self, request: ModelRequest) -> Result<ModelsReply> {
        match self.engine.handle(&Actor::named_operator("wang".into()), Request::Model(request))? {
            Reply::Models(reply) => Ok(*reply),
            other => panic!("{other:?}"),
        }
    }

    fn list(&self) -> ModelsReply {
        self.models(ModelRequest::List).expect("list")
    }

    fn load(&self, name: &str, role: ModelRole) -> Result<ModelsReply> {
        self.models(ModelRequest::Load { name: name.into(), role })
    }

    /// Waits until nothing is done any more.
    fn settled(&self) -> ModelWork {
        until("the work is done", || {
            !matches!(
                self.list().work,
                ModelWork::Loading { .. } | ModelWork::Unloading { .. } | ModelWork::Benching { .. }
            )
        });
        self.list().work
    }

    fn loads(&self, name: &str, role: ModelRole) {
        self.load(name, role).expect("begun");
        let work = self.settled();
        assert!(matches!(&work, ModelWork::Loaded { name: n, role: r } if n == name && *r == role), "{work:?}");
    }

    fn serving(&self, role: ModelRole) -> Option<Serving> {
        self.list().serving.into_iter().find(|serving| serving.role == role)
    }

    /// Waits until a role's model can write and its checksum is known.
    fn ready(&self, role: ModelRole, sha256: &str) {
        until("the model serves", || {
            self.serving(role).is_some_and(|s| s.status.ready && s.status.model.sha256 == sha256)
        });
    }

    /// What is written below the card on this day.
    fn ask(&self, day: Date) -> std::result::Result<ProseDone, ErrorBody> {
        finish(self.begin(day)?)
    }

    /// Has it begun.
    fn begin(&self, day: Date) -> std::result::Result<Prose, ErrorBody> {
        let ask = AskRequest { question: QUESTION.into(), prose: true, as_of: Some(day), ..AskRequest::default() };
        let answer = match self.engine.handle(&Actor::teller(Classification::Internal), Request::Ask(ask)) {
            Ok(Reply::Answer(answer)) => answer,
            other => panic!("{other:?}"),
        };
        assert!(!answer.card.refused && !answer.card.citations.is_empty(), "a card in any case");
        let (prose, why) = (answer.prose, answer.prose_unavailable);
        prose.ok_or_else(|| why.expect("prose, or why there is none"))
    }
}

/// Reads to the end.
fn finish(mut prose: Prose) -> std::result::Result<ProseDone, ErrorBody> {
    loop {
        match prose.next(Duration::from_secs(60)) {
            ProseStep::Event(ProseEvent::Done(done)) => return Ok(*done),
            ProseStep::Event(ProseEvent::Error(error)) => return Err(error),
            ProseStep::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Answers of different days are kept apart, though the same is written.
fn day(n: usize) -> Date {
    let days = i64::try_from(n).expect("few");
    Date::new(2026, 3, 2).expect("a day").checked_add(jiff::Span::new().days(days)).expect("a day")
}

/// Everything that the model said.
fn words(done: &ProseDone) -> (String, Vec<String>) {
    (done.text.clone(), done.struck.clone())
}

/// The processes that this program has started and that live.
fn children() -> Vec<u32> {
    let me = std::process::id().to_string();
    let child = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let alive = fields.next()? != "Z";
        (alive && fields.next()? == me).then(|| pid.parse().ok())?
    };
    let all = std::fs::read_dir("/proc").expect("/proc");
    all.filter_map(|entry| child(entry.ok()?.file_name().to_str()?)).collect()
}

fn refused(result: Result<ModelsReply>, code: Code) -> Error {
    let error = result.expect_err("refused");
    assert_eq!(error.code(), code, "{error}");
    error
}

fn other() -> ChatSpec {
    ChatSpec { byte_pair: true, ..ChatSpec::default() }
}

#[test]
fn a_model_is_loaded_where_none_was_for_either_role_and_the_choice_outlasts_the_service() {
    let place = Place::new();
    let service = place.service();
    assert_eq!(service.ask(day(0)).expect_err("nobody writes").code, "MODEL_UNAVAILABLE");
    let (first, second) = (place.add("first", &ChatSpec::default()), place.add("second", &other()));
    service.loads("first", ModelRole::Large);
    service.ready(ModelRole::Large, &first);
    assert_eq!(service.ask(day(0)).expect("written").model.sha256, first);
    assert_eq!(service.serving(ModelRole::Large).and_then(|s| s.name).as_deref(), Some("first"));
    service.loads("second", ModelRole::Small);
    service.ready(ModelRole::Small, &second);
    assert_eq!((service.list().serving.len(), children().len()), (2, 2));
    drop(service);
    until("the processes have ended", || children().is_empty());

    // Both are registered as large: what was chosen decides.
    let service = place.service();
    service.ready(ModelRole::Large, &first);
    service.ready(ModelRole::Small, &second);
    service.models(ModelRequest::Unload { role: ModelRole::Small }).expect("begun");
    assert!(matches!(service.settled(), ModelWork::Unloaded { role: ModelRole::Small }));
    assert_eq!(children().len(), 1, "its memory is free");
    assert_eq!(service.ask(day(1)).expect("the large one writes").model.sha256, first);
    let begun = service.begin(day(2)).expect("begun");
    service.models(ModelRequest::Unload { role: ModelRole::Large }).expect("begun");
    assert_eq!(finish(begun).expect("what was begun is written to its end").model.sha256, first);
    assert!(matches!(service.settled(), ModelWork::Unloaded { role: ModelRole::Large }));
    assert_eq!(children(), Vec::<u32>::new());
    // Not even what was written before is given, for nobody vouches for it.
    assert_eq!(service.ask(day(1)).expect_err("nobody writes").code, "MODEL_UNAVAILABLE");
    refused(service.models(ModelRequest::Unload { role: ModelRole::Large }), Code::BadParameter);
    drop(service);

    let data = place.data();
    let args = ["--data", data.to_str().expect("path"), "--no-embedder", "--threads", "1"];
    let kb = sample();
    let kb = ["--kb", kb.to_str().expect("path")];
    let product = Product::start(&[&args[..], &kb].concat());
    assert!(product.generator().is_null(), "unloaded until one is loaded");
    drop(product);
    Registry::of(&data).choose(ModelRole::Large, Some(&second)).expect("kept");
    let product = Product::start(&[&args[..], &kb].concat());
    until("the chosen model serves", || product.generator()["model"]["sha256"] == second.as_str());
}

#[test]
fn a_model_is_exchanged_under_questions_and_every_answer_is_of_one_model() {
    let place = Place::new();
    let names = ["first", "second"];
    let digests = [place.add("first", &ChatSpec::default()), place.add("second", &other())];
    let service = place.service_with(|wanted| Wanted { model: Some("first".into()), ..wanted });
    let mut expected = Vec::new();
    for (n, (name, digest)) in names.into_iter().zip(&digests).enumerate() {
        if n > 0 {
            service.loads(name, ModelRole::Large);
        }
        service.ready(ModelRole::Large, digest);
        expected.push(words(&service.ask(day(n)).expect("written")));
    }
    assert_ne!(expected[0], expected[1]);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(2));
    let by: Vec<usize> = std::thread::scope(|scope| {
        let tellers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut by = Vec::new();
                    while !stop.load(Ordering::Acquire) {
                        let done =
                            service.ask(day(asked.fetch_add(1, Ordering::Relaxed))).expect("nobody is turned away");
                        let model = digests.iter().position(|d| *d == done.model.sha256);
                        // The checksum of a model that has just taken over may not be known yet.
                        let said = expected.iter().position(|words| *words == self::words(&done)).expect("no mixture");
                        assert!(model.is_none_or(|model| model == said), "{done:?}");
                        by.push(said);
                    }
                    by
                })
            })
            .collect();
        for n in [0, 1, 0] {
            let before = asked.load(Ordering::Relaxed);
            until("questions are asked", || asked.load(Ordering::Relaxed) > before + 3);
            service.loads(names[n], ModelRole::Large);
        }
        stop.store(true, Ordering::Release);
        tellers.into_iter().flat_map(|teller| teller.join().expect("teller")).collect()
    });
    assert!(by.contains(&0) && by.contains(&1), "{by:?}");
    // What one has written is not given as the other's: the question of day 0 was answered by the first.
    service.ready(ModelRole::Large, &digests[0]);
    assert!(service.ask(day(0)).expect("kept").cached);
    service.loads("second", ModelRole::Large);
    service.ready(ModelRole::Large, &digests[1]);
    let anew = service.ask(day(0)).expect("written");
    assert_eq!((anew.cached, &anew.model.sha256, words(&anew)), (false, &digests[1], expected[1].clone()));
    until("one process is left", || children().len() == 1);
    // The start names the first: a choice does not outlast that, and the list says so.
    assert!(service.list().list.notes.iter().any(|note| note.contains("重启")), "{:?}", service.list().list.notes);
    // A wish to load anew keeps what was chosen.
    assert!(service.models.reload());
    service.ready(ModelRole::Large, &digests[1]);
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason_and_the_present_model_goes_on() {
    let place = Place::new();
    let first = place.add("first", &ChatSpec { context: 1024, ..ChatSpec::default() });
    let service = place.service_with(|wanted| Wanted {
        context: Some(131_072),
        slots: Some(32),
        kv_type: Some(KvType::F16),
        flash_attention: Some(false),
        memory_limit_mb: Some(700),
        ..wanted
    });
    service.ready(ModelRole::Large, &first);
    let before = children();
    // The scores of all heads over its whole context are what does not fit.
    place.add("long", &ChatSpec { context: 131_072, ..ChatSpec::default() });
    let error = refused(service.load("long", ModelRole::Large), Code::ModelMemory);
    for part in ["需要", "GiB", "--model-memory", "700 MiB", "32 路共 131072"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(matches!(service.list().work, ModelWork::Idle), "nothing was begun");

    let damaged = place.add("damaged", &ChatSpec { context: 1024, ..other() });
    let file = place.data().join(format!("models/{damaged}.gguf"));
    let mut bytes = std::fs::read(&file).expect("read");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&file, &bytes).expect("write");
    service.load("damaged", ModelRole::Large).expect("begun");
    let work = service.settled();
    assert!(
        matches!(&work, ModelWork::Failed { error } if error.code == "MODEL_LOAD" && error.message.contains("校验值")),
        "{work:?}"
    );
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, &bytes).expect("write");
    refused(service.load("damaged", ModelRole::Large), Code::ModelLoad);
    // What only the process itself finds out.
    place.add("headless", &ChatSpec { template: Some("{% if %}".into()), context: 1024, ..ChatSpec::default() });
    for role in [ModelRole::Large, ModelRole::Small] {
        service.load("headless", role).expect("begun");
        let work = service.settled();
        assert!(matches!(&work, ModelWork::Failed { error } if error.code == "MODEL_TEMPLATE"), "{work:?}");
    }
    let encoder = place.folder.path().join("encoder.gguf");
    write_encoder_model(&encoder, "存款");
    place.register("encoder", &encoder);
    refused(service.load("encoder", ModelRole::Large), Code::ModelUnsuitable);
    refused(service.load("none", ModelRole::Large), Code::NotFound);
    refused(service.load("first", ModelRole::Embedder), Code::BadParameter);
    refused(service.models(ModelRequest::Cancel), Code::BadParameter);
    assert_eq!(children(), before, "the same process all the while");
    assert_eq!(service.ask(day(0)).expect("written").model.sha256, first);
    let teller = Actor::teller(Classification::Internal);
    let denied = service.engine.handle(&teller, Request::Model(ModelRequest::List));
    assert_eq!(denied.expect_err("not for tellers").code(), Code::Denied);
}

#[test]
fn a_model_is_measured_while_the_service_answers_and_its_profile_is_used() {
    let place = Place::new();
    let first = place.add("first", &ChatSpec::default());
    place.add("second", &other());
    let service = place.service_with(|wanted| Wanted { model: Some("first".into()), threads: None, ..wanted });
    service.ready(ModelRole::Large, &first);
    let bench = |quick| service.models(ModelRequest::Bench { name: "second".into(), quick });
    bench(false).expect("begun");
    refused(bench(true), Code::Busy);
    refused(service.load("second", ModelRole::Large), Code::Busy);
    until("a run is told", || matches!(service.list().work, ModelWork::Benching { runs, .. } if !runs.is_empty()));
    assert_eq!(service.ask(day(0)).expect("written").model.sha256, first);
    service.models(ModelRequest::Cancel).expect("it is measuring");
    assert!(matches!(service.settled(), ModelWork::Idle));
    assert_eq!(children().len(), 1, "what was measured has ended");
    assert!(service.list().list.models.iter().all(|row| row.measured.is_none()), "half a measurement is none");

    bench(true).expect("begun");
    let work = service.settled();
    let ModelWork::Benched { name, runs, best } = work else { panic!("{work:?}") };
    assert_eq!(name, "second");
    assert!(runs.len() >= 3 && runs.contains(&best), "{runs:?}");
    let measured = |name: &str| {
        let rows = service.list().list.models;
        rows.into_iter().find(|row| row.entry.name == name).and_then(|row| row.measured)
    };
    assert_eq!(measured("second").map(|profile| profile.tuning), Some(best.tuning));
    // Another tuning, as if this machine had preferred it: the next load takes it, and the list tells it.
    let profiles = place.data().join("models/profiles.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&profiles).expect("profiles")).expect("JSON");
    stored["profiles"][0]["tuning"]["batch_tokens"] = 192.into();
    std::fs::write(&profiles, stored.to_string()).expect("write");
    assert_eq!(measured("second").map(|profile| profile.tuning.batch_tokens), Some(192));
    service.loads("second", ModelRole::Large);

    // Memory that is not there is told with figures, and nothing is started.
    let mut huge = chat_file(&ChatSpec::default());
    huge.tensor("unused.weight", &[WIDTH, 1], vec![0.0; WIDTH]);
    let mut declared = huge.declared();
    let last = declared.last_mut().expect("a tensor");
    last.shape = vec![1 << 20, 1 << 20];
    let end = last.offset + (1 << 42);
    let file = place.folder.path().join("huge.gguf");
    std::fs::write(&file, huge.bytes_declared_as(&declared)).expect("write");
    let header = huge.header(&declared).len() as u64;
    std::fs::File::options().write(true).open(&file).and_then(|f| f.set_len(header + end)).expect("a hole");
    let sha256 = "ab".repeat(32);
    std::fs::rename(&file, place.data().join(format!("models/{sha256}.gguf"))).expect("rename");
    let register = place.data().join("models/registry.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&register).expect("register")).expect("JSON");
    let row = serde_json::json!({
        "sha256": sha256, "name": "huge", "role": "large", "bytes": header + end, "added": "2026-01-01"
    });
    stored["models"].as_array_mut().expect("models").push(row);
    std::fs::write(&register, stored.to_string()).expect("write");
    let error = refused(service.models(ModelRequest::Bench { name: "huge".into(), quick: true }), Code::ModelMemory);
    assert!(error.message().contains("GiB") && error.message().contains("正在服务的模型占用"), "{error}");
    assert!(error.hint().contains("停用"), "{error}");
    refused(service.load("huge", ModelRole::Small), Code::ModelMemory);
}

#[test]
fn a_box_that_is_set_up_keeps_in_its_journal_who_did_what() {
    let place = Place::new();
    let branch = Branch::within(tempfile::tempdir().expect("folder"), &Bank::new());
    let data = branch.data.root().to_owned();
    let file = place.folder.path().join("chat.gguf");
    write_chat_model(&file, &ChatSpec::default());
    let wanted = Wanted { data: Some(data.clone()), threads: Some(1), cache_mb: Some(16), ..Wanted::default() };
    let models = Arc::new(Models::start(Path::new(GUIDA), wanted.clone(), wanted).expect("start"));
    let engine = Engine::open_home(&data, &sample(), None, None, models.writers()).expect("open");
    let engine = engine.with_models(&data, Arc::clone(&models) as Arc<dyn ModelHost>).expect("desk");
    let service = Service { engine, models };
    let intake = Intake { file: &file, name: Some("chat"), role: None, adapts: None, moved: false };
    Registry::of(&data).add(&intake, &mut |_, _| {}).expect("added");
    service.loads("chat", ModelRole::Large);
    refused(service.load("none", ModelRole::Small), Code::NotFound);
    service.models(ModelRequest::Bench { name: "chat".into(), quick: true }).expect("begun");
    service.models(ModelRequest::Cancel).expect("it is measuring");
    service.settled();
    service.models(ModelRequest::Unload { role: ModelRole::Large }).expect("begun");
    service.settled();
    let mut events: Vec<_> = branch.events().into_iter().map(|e| (e.actor, e.event, e.code, e.detail)).collect();
    events.sort();
    let event = |event: &str, code: &str, detail: &str| ("wang".into(), event.into(), code.into(), detail.into());
    let mut expected = vec![
        event("model_load", "OK", "chat(大模型)"),
        event("model_load", "NOT_FOUND", "none(小模型)"),
        event("model_bench", "CANCELLED", "chat"),
        event("model_unload", "OK", "大模型"),
    ];
    expected.sort();
    assert_eq!(events, expected);
}
