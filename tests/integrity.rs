//! What answers is what head office signed: bytes changed at rest and in use, what stands in, who hears of it, and how it is mended.

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

use guida::engine::Engine;
use guida::engine::reply::Reply;
use guida::engine::request::{Actor, AskRequest, Request};
use guida::error::Code;
use guida::types::Classification;
use packs::{Bank, Branch, Usb, knowledge};
use product::{Product, guida, json, stderr, until};
use std::path::{Path, PathBuf};

const QUESTION: &str = "支取现金要提前几日预约";
const OLD: &str = "二十万元";
const NEW: &str = "三十万元";

/// A box with packs 7 and 8, and the stick of the latter.
fn two_generations() -> (Branch, Usb) {
    let bank = Bank::new();
    let branch = Branch::with(&bank, &bank.pack(7, &knowledge(OLD)).stick());
    let stick = bank.pack(8, &knowledge(NEW)).stick();
    branch.import(&stick).unwrap();
    (branch, stick)
}

fn root(branch: &Branch) -> &str {
    branch.data.root().to_str().unwrap()
}

fn serve(branch: &Branch) -> Product {
    Product::start(&["--data", root(branch), "--no-embedder"])
}

fn run(command: &[&str], branch: &Branch) -> std::process::Output {
    guida(&[command, &["--data", root(branch)]].concat())
}

fn active(branch: &Branch) -> String {
    branch.active().active.unwrap()
}

fn active_knowledge(branch: &Branch) -> PathBuf {
    branch.data.knowledge(&active(branch))
}

/// Writes other bytes of the same length in the place of all of these, as a hand with an editor does; returns how many.
fn falsify(file: &Path, from: &str, to: &str) -> usize {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(file).unwrap();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, w)| *w == from.as_bytes()).map(|(at, _)| at).collect();
    for at in &places {
        bytes[*at..*at + to.len()].copy_from_slice(to.as_bytes());
    }
    write_over(file, &bytes);
    places.len()
}

/// The same file with another content, not another file under the name.
fn write_over(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1 << (at % 8);
    write_over(path, &bytes);
}

/// What a teller is shown.
fn ask(product: &Product) -> client::Reply {
    let body = serde_json::json!({ "question": QUESTION }).to_string();
    client::request(product.addr, "POST", "/api/v1/ask", &[("Content-Type", "application/json")], body.as_bytes())
}

fn clause(product: &Product) -> String {
    let reply = ask(product);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["citations"][0]["text"].as_str().expect("a clause").to_owned()
}

fn codes(product: &Product) -> Vec<String> {
    let status = product.get("/api/v1/status").json();
    status["notices"].as_array().unwrap().iter().map(|n| n["code"].as_str().unwrap().to_owned()).collect()
}

fn finding(branch: &Branch, id: &str) -> (String, String) {
    let found = json(&run(&["doctor", "--json"], branch));
    let check = found["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap().clone();
    (check["level"].as_str().unwrap_or_default().to_owned(), check["found"]["zh"].as_str().unwrap().to_owned())
}

fn import(branch: &Branch, stick: &Usb) {
    let done = run(&["import", stick.path().to_str().unwrap(), "--yes", "--no-embedder", "--json"], branch);
    assert!(done.status.success(), "{}", stderr(&done));
}

fn journal(branch: &Branch, code: Code) -> usize {
    branch.events().iter().filter(|e| e.event == "integrity" && e.code == code.as_str()).count()
}

#[test]
fn altered_knowledge_gives_way_to_the_generation_before_and_everybody_hears_of_it() {
    let (branch, stick) = two_generations();
    assert!(falsify(&active_knowledge(&branch), NEW, "九十万元") > 0);
    let product = serve(&branch);
    assert!(clause(&product).contains(OLD), "{}", clause(&product));
    assert_eq!(codes(&product), ["KNOWLEDGE_ALTERED"]);
    assert_eq!(product.get("/readyz").status, 200);
    assert!(product.get("/metrics").text().contains("guida_notice{code=\"KNOWLEDGE_ALTERED\"} 1"));
    let told = product.get("/api/v1/status").json()["notices"][0]["message"].as_str().unwrap().to_owned();
    assert!(told.contains(&active(&branch)) && told.contains("1-7-"), "{told}");
    assert_eq!(journal(&branch, Code::KbAltered), 1);
    let (_, hash) = finding(&branch, "knowledge_hash");
    assert!(hash.contains("内容变了"), "{hash}");
    assert_eq!(run(&["doctor"], &branch).status.code(), Some(1));
    // The stick that brought it mends it, without a restart.
    import(&branch, &stick);
    until("the mended knowledge answers", || clause(&product).contains(NEW));
    until("the notice is gone", || codes(&product).is_empty());
    assert!(branch.events().iter().any(|e| e.event == "integrity" && e.code == "OK"), "{:?}", branch.events());
}

#[test]
fn knowledge_that_is_altered_in_use_is_taken_away_from_the_counter() {
    let (branch, _stick) = two_generations();
    let product = serve(&branch);
    assert!(clause(&product).contains(NEW));
    let sound = std::fs::read(active_knowledge(&branch)).unwrap();
    assert!(falsify(&active_knowledge(&branch), NEW, "九十万元") > 0);
    until("the one before answers", || clause(&product).contains(OLD));
    assert_eq!(codes(&product), ["KNOWLEDGE_ALTERED"]);
    // A hand that puts the right bytes back is believed as much: they are what was signed.
    write_over(&active_knowledge(&branch), &sound);
    until("what was signed answers again", || clause(&product).contains(NEW) && codes(&product).is_empty());
    // Touched and unchanged is nothing to speak of.
    let before = branch.events().len();
    write_over(&active_knowledge(&branch), &sound);
    assert!(clause(&product).contains(NEW));
    assert_eq!(branch.events().len(), before);
}

#[test]
fn where_nothing_is_what_was_signed_nothing_answers() {
    let bank = Bank::new();
    let stick = bank.pack(7, &knowledge(OLD)).stick();
    let branch = Branch::with(&bank, &stick);
    falsify(&active_knowledge(&branch), OLD, "九十万元");
    let product = serve(&branch);
    assert_eq!(product.get("/healthz").status, 200);
    let ready = product.get("/readyz");
    assert_eq!((ready.status, &ready.json()["error"]["code"]), (503, &"KNOWLEDGE_ALTERED".into()), "{}", ready.text());
    assert_eq!(codes(&product), ["KNOWLEDGE_ALTERED"]);
    let refused = ask(&product);
    assert_eq!((refused.status, refused.code().as_str()), (503, "KB_ALTERED"), "{}", refused.text());
    for path in ["/api/v1/documents", "/api/v1/clauses/1", "/api/v1/search?q=a"] {
        assert_eq!(product.get(path).code(), "KB_ALTERED", "{path}");
    }
    let once = run(&["ask", QUESTION, "--no-embedder"], &branch);
    assert!(once.status.code() == Some(5) && stderr(&once).contains("KB_ALTERED"), "{}", stderr(&once));
    import(&branch, &stick);
    until("the mended knowledge answers", || product.get("/readyz").status == 200);
    assert!(clause(&product).contains(OLD) && codes(&product).is_empty());
}

#[test]
fn knowledge_that_was_taken_back_or_forbidden_does_not_stand_in() {
    // Taken back: pack 8 is held, 7 answers and is altered.
    let (branch, _stick) = two_generations();
    branch.rollback().unwrap();
    falsify(&active_knowledge(&branch), OLD, "九十万元");
    assert_eq!(opened(&branch).map(|engine| said(&engine)).unwrap(), ["KNOWLEDGE_ALTERED"]);
    assert_eq!(answer(&opened(&branch).unwrap()).unwrap_err(), Code::KbAltered);
    // Forbidden: pack 8 says that nothing before it may answer, and its own manifest is damaged.
    let bank = Bank::new();
    let branch = Branch::with(&bank, &bank.pack(7, &knowledge(OLD)).stick());
    branch.import(&bank.pack(8, &knowledge(NEW)).with(|manifest| manifest.min_seq = 8).stick()).unwrap();
    flip(&branch.data.generation(&active(&branch)).join("manifest.json"), 40);
    assert_eq!(answer(&opened(&branch).unwrap()).unwrap_err(), Code::KbAltered);
}

fn opened(branch: &Branch) -> Result<Engine, Code> {
    let nowhere = Path::new("/nowhere/knowledge.db");
    Engine::open_home(branch.data.root(), nowhere, None, None, Default::default()).map_err(|e| e.code())
}

fn said(engine: &Engine) -> Vec<String> {
    let Ok(Reply::Status(status)) = engine.handle(&Actor::operator(), Request::Status) else { panic!("no status") };
    status.notices.iter().map(|notice| notice.code.as_str().to_owned()).collect()
}

fn answer(engine: &Engine) -> Result<String, Code> {
    let ask = AskRequest { question: QUESTION.into(), ..AskRequest::default() };
    let teller = Actor::teller(Classification::Internal);
    match engine.handle(&teller, Request::Ask(ask)).map_err(|e| e.code())? {
        Reply::Answer(answer) => Ok(answer.card.citations[0].text.clone()),
        other => panic!("{other:?}"),
    }
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

#[test]
fn two_hundred_changes_of_one_byte_are_all_noticed() {
    let (branch, _stick) = two_generations();
    let folder = branch.data.generation(&active(&branch));
    let (first_root, pointer) = (branch.data.roots().join("0001.json"), branch.data.active_file());
    let places =
        [(folder.join("knowledge.db"), 120), (folder.join("manifest.json"), 40), (first_root, 20), (pointer, 20)];
    let mut numbers = Numbers(17);
    for (path, times) in places {
        let sound = std::fs::read(&path).unwrap();
        let pointer_before = branch.active();
        for _ in 0..times {
            let at = numbers.below(sound.len());
            flip(&path, at);
            let noted = branch.events().len();
            let engine = opened(&branch);
            let notices = engine.as_ref().map(said).unwrap_or_default();
            let told = engine.is_err() || !notices.is_empty() || branch.events().len() > noted;
            // Nothing is said by the blanks of the pointer; everything else is signed to the byte.
            let nothing_said = path == branch.data.active_file()
                && guida::store::generations::Active::read(&branch.data).is_ok_and(|read| read == pointer_before);
            assert!(told || nothing_said, "byte {at} of {} went unnoticed", path.display());
            if let Ok(engine) = &engine
                && let Ok(text) = answer(engine)
            {
                assert!(text.contains(OLD) || text.contains(NEW), "byte {at} of {}: {text}", path.display());
            }
            write_over(&path, &sound);
        }
        assert_eq!(opened(&branch).map(|engine| said(&engine)).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_damaged_trust_root_is_mended_from_its_copy_and_without_one_nothing_answers() {
    let (branch, _stick) = two_generations();
    let file = branch.data.roots().join("0001.json");
    let sound = std::fs::read(&file).unwrap();
    flip(&file, 30);
    let engine = opened(&branch).unwrap();
    assert!(answer(&engine).unwrap().contains(NEW) && said(&engine).is_empty());
    assert_eq!(journal(&branch, Code::TrustMissing), 1);
    assert_eq!(std::fs::read(&file).unwrap(), sound, "mended");
    let copy = branch.data.roots().join("0001.json.copy");
    flip(&file, 30);
    flip(&copy, 31);
    let engine = opened(&branch).unwrap();
    assert_eq!((answer(&engine).unwrap_err(), said(&engine)), (Code::KbAltered, vec!["KNOWLEDGE_ALTERED".to_owned()]));
}

#[test]
fn a_single_file_has_no_manifest_and_the_doctor_says_so() {
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let product =
        Product::start(&["--kb", product::sample().to_str().unwrap(), "--data", root(&branch), "--no-embedder"]);
    let socket = guida::admin::socket_path(branch.data.root());
    let mut console = guida::admin::client::Client::connect(&socket, client::PATIENCE).expect("the console's socket");
    let Ok(Reply::Doctor(found)) = console.call(&Request::Doctor) else { panic!("no doctor") };
    let hash = found.checks.iter().find(|check| check.id == "knowledge_hash").unwrap();
    assert!(hash.found.zh.contains("没有总行签名的清单"), "{}", hash.found.zh);
    assert_eq!(product.get("/readyz").status, 200);
}

#[test]
fn an_altered_model_does_not_write() {
    let bank = Bank::new();
    let branch = Branch::in_use(&bank);
    let made = branch.data.root().join("tiny.gguf");
    gguf::write_chat_model(&made, &gguf::ChatSpec::default());
    let added = run(&["model", "add", made.to_str().unwrap(), "--name", "tiny"], &branch);
    assert!(added.status.success(), "{}", stderr(&added));
    let file = std::fs::read_dir(branch.data.models())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "gguf"))
        .unwrap();
    let sound = std::fs::read(&file).unwrap();
    let ready = |product: &Product| product.generator()["ready"] == true;
    let failure = |product: &Product| product.generator()["failure"].as_str().unwrap_or_default().to_owned();
    let product = Product::start(&["--data", root(&branch), "--no-embedder", "--threads", "1"]);
    until("the model is loaded", || ready(&product));
    // In use.
    flip(&file, sound.len() - 100);
    until("it is taken away", || failure(&product).contains("已被改动或损坏"));
    assert!(!ready(&product));
    write_over(&file, &sound);
    until("it is loaded again", || ready(&product));
    drop(product);
    // At rest, in the weights.
    flip(&file, sound.len() / 2);
    flip(&file, sound.len() - 7);
    let product = Product::start(&["--data", root(&branch), "--no-embedder", "--threads", "1"]);
    until("it is refused", || failure(&product).contains("已被改动或损坏"));
    assert!(clause(&product).contains(OLD), "cards go on");
}

#[test]
fn knowledge_that_is_cut_short_in_use_ends_no_service() {
    let (branch, _stick) = two_generations();
    let sound = std::fs::read(active_knowledge(&branch)).unwrap();
    let product = serve(&branch);
    for length in [sound.len() / 2, 4096, 100, 0] {
        assert!(clause(&product).contains(NEW), "{length}");
        // In its place, as a failing disk or a hand does; another file under the name would leave the open one whole.
        std::fs::OpenOptions::new()
            .write(true)
            .open(active_knowledge(&branch))
            .unwrap()
            .set_len(length as u64)
            .unwrap();
        // What cannot be read meanwhile is an error of that answer.
        until("the one before answers", || ask(&product).status == 200 && clause(&product).contains(OLD));
        until("it is told", || codes(&product) == ["KNOWLEDGE_ALTERED"]);
        assert_eq!(product.get("/readyz").status, 200);
        write_over(&active_knowledge(&branch), &sound);
        until("what was signed answers again", || clause(&product).contains(NEW));
    }
    for gid in branch.generations() {
        std::fs::OpenOptions::new().write(true).open(branch.data.knowledge(&gid)).unwrap().set_len(5000).unwrap();
    }
    until("nothing answers", || product.get("/readyz").status == 503);
    assert_eq!(product.get("/readyz").json()["error"]["code"], "KNOWLEDGE_ALTERED");
    assert_eq!((product.get("/healthz").status, ask(&product).code().as_str()), (200, "KB_ALTERED"));
}
