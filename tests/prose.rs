//! How prose is asked for and handed on, over a small rulebook and generators whose words the test chooses: order and numbers of
//! the clauses, answers given again, reasoning, progress, a full queue, two models.

#[path = "common/rules.rs"]
mod rules;

use guida::answer::Writers;
use guida::engine::Engine;
use guida::engine::reply::{
    AnswerReply, GeneratorStatus, Progress, Prose, ProseDone, ProseEvent, ProseStep, Reply, Role, Stage,
};
use guida::engine::request::{Actor, AskRequest, Request};
use guida::error::{Code, Error, ErrorBody};
use guida::inference::scripted::ScriptedGenerator;
use guida::inference::{Constraint, FinishReason, GenerateRequest, Generation, Generator};
use guida::types::{Classification, Level};
use rules::Rules;
use std::sync::Arc;
use std::time::Duration;

/// A guide answers it, with a condition left open.
const QUESTION: &str = "取八万块还要写干嘛用吗";
/// The same, settled.
const SETTLED: &str = "取八万块还要写干嘛用吗,帮朋友取";

fn actor(clearance: Classification) -> Actor {
    Actor::teller(clearance)
}

fn asking(text: &str) -> AskRequest {
    let as_of = Some("2026-06-01".parse().unwrap());
    AskRequest { question: text.into(), as_of, prose: true, ..AskRequest::default() }
}

fn ask_as(engine: &Engine, clearance: Classification, request: AskRequest) -> AnswerReply {
    match engine.handle(&actor(clearance), Request::Ask(request)).unwrap() {
        Reply::Answer(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

fn ask(engine: &Engine, request: AskRequest) -> AnswerReply {
    ask_as(engine, Classification::Internal, request)
}

fn engine(rules: &Rules, generator: &Arc<ScriptedGenerator>) -> Engine {
    Engine::open(&rules.kb, None, None, Some(Arc::clone(generator) as Arc<dyn Generator>)).unwrap()
}

/// What prose sent on its way, and how it ended.
struct Sent {
    text: String,
    progress: Vec<Progress>,
    end: Result<ProseDone, ErrorBody>,
}

impl Sent {
    fn done(self) -> ProseDone {
        self.end.unwrap()
    }
}

fn finish(mut prose: Prose) -> Sent {
    let (mut text, mut progress, mut end) = (String::new(), Vec::new(), None);
    loop {
        match prose.next(Duration::from_secs(30)) {
            ProseStep::Event(ProseEvent::Token { text: piece }) => text += &piece,
            ProseStep::Event(ProseEvent::Progress(now)) => progress.push(now),
            ProseStep::Event(ProseEvent::Done(done)) => end = Some(Ok(*done)),
            ProseStep::Event(ProseEvent::Error(error)) => end = Some(Err(error)),
            ProseStep::Idle => panic!("no event for 30 s"),
            ProseStep::Finished => return Sent { text, progress, end: end.expect("an end event") },
        }
    }
}

fn write(engine: &Engine, request: AskRequest) -> ProseDone {
    finish(ask(engine, request).prose.unwrap()).done()
}

fn says(pieces: &[&str]) -> Arc<ScriptedGenerator> {
    Arc::new(ScriptedGenerator::new(pieces.iter().copied()))
}

#[test]
fn clauses_stand_in_canonical_order_and_their_numbers_are_the_cards_in_the_end() {
    let rules = Rules::cash();
    let generator = says(&["核对证件[1]。", "超过五万元的不再登记用途[2]。", "要九个人[2]。", "乱说[7]。"]);
    let engine = engine(&rules, &generator);
    let reply = ask(&engine, asking(QUESTION));
    let levels: Vec<Level> = reply.card.citations.iter().map(|c| c.level).collect();
    assert_eq!(levels, [Level::InternalRule, Level::Guide]);
    let sent = finish(reply.prose.unwrap());
    let request = generator.asked().remove(0);
    let blocks: Vec<(u32, &str)> =
        request.prompt.evidence.iter().map(|block| (block.rank, block.text.lines().nth(1).unwrap())).collect();
    // The guide's scene first, though it is the card's last and least important.
    assert!(
        matches!(blocks.as_slice(), [(1, scene), (0, rule)]
        if scene.starts_with("[1]《某行操作指引：大额取现》") && rule.starts_with("[2]《某行现金管理办法》")),
        "{blocks:?}"
    );
    assert_eq!(request.constraint, Constraint::Citations(2));
    assert_eq!(sent.text, "核对证件[2]。超过五万元的不再登记用途[1]。");
    let done = sent.done();
    assert_eq!(
        (done.text.as_str(), done.cited.as_slice()),
        ("核对证件[2]。超过五万元的不再登记用途[1]。", &[2, 1][..])
    );
    assert!(
        done.struck[0].starts_with("要九个人[1]。") && done.struck[1].starts_with("乱说[7]。"),
        "{:?}",
        done.struck
    );

    // Another question with the same clauses: the same prompt up to the question.
    let other = generator.asked().len();
    let second = ask(&engine, asking("取八万块，还要写干嘛用吗？"));
    let numbers = |reply: &AnswerReply| reply.card.citations.iter().map(|c| c.id).collect::<Vec<_>>();
    let same = numbers(&second).len() == 2;
    finish(second.prose.unwrap()).done();
    let prompt = generator.asked().remove(other).prompt;
    assert!(same);
    assert_eq!(
        (&prompt.system, &prompt.head, &prompt.evidence),
        (&request.prompt.system, &request.prompt.head, &request.prompt.evidence)
    );
    assert_ne!(prompt.tail, request.prompt.tail);
}

#[test]
fn a_clause_that_was_left_out_is_named_by_its_card_number_and_cannot_be_cited() {
    let rules = Rules::cash();
    let generator = Arc::new(ScriptedGenerator::new(["照办[1]。", "超过五万元的不再登记用途[2]。"]).leaving_out(&[0]));
    let done = write(&engine(&rules, &generator), asking(QUESTION));
    assert_eq!(done.left_out, [2]);
    assert!(done.struck[0].starts_with("照办[2]。"), "{:?}", done.struck);
    assert_eq!((done.text.as_str(), done.cited.as_slice()), ("超过五万元的不再登记用途[1]。", &[1][..]));
    assert_eq!(done.struck.len(), 1);
}

#[test]
fn the_same_question_is_given_the_same_answer_without_writing_it_again() {
    let rules = Rules::cash();
    let generator = says(&["要核实身份[2]。", "超过九万元要批准。"]);
    let engine = engine(&rules, &generator);
    let first = write(&engine, asking(QUESTION));
    let again = finish(ask(&engine, asking(QUESTION)).prose.unwrap());
    assert_eq!((generator.asked().len(), again.text.as_str()), (1, "要核实身份[1]。"));
    let again = again.done();
    assert!(!first.cached && again.cached);
    let original = serde_json::to_value(ProseDone { cached: true, ..first }).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), original, "with the figures of that time");
    // Blanks and a masked number make no other question; recent documents and levels count by what they change.
    let recent = AskRequest { recent_documents: vec!["某行金库密码管理规定".into()], ..asking(QUESTION) };
    assert!(write(&engine, recent).cached);
    // While the model is away too.
    generator.set_status(|status| status.ready = false);
    assert!(write(&engine, asking(QUESTION)).cached);
    let Reply::Status(status) = engine.handle(&actor(Classification::Internal), Request::Status).unwrap() else {
        panic!()
    };
    let figures = status.answer_cache;
    assert_eq!((figures.hits, figures.misses, figures.entries), (3, 1, 1));
    assert!(figures.bytes > 100);
    let service = status.service;
    assert_eq!((service.questions, service.answered, service.prose_wanted, service.prose_unavailable), (4, 4, 4, 0));
    assert_eq!(service.card_times.iter().sum::<u64>(), 4);
}

#[test]
fn any_difference_is_written_anew() {
    let rules = Rules::cash();
    let generator = says(&["要核实身份[2]。"]);
    let engine = engine(&rules, &generator);
    assert!(!write(&engine, asking(QUESTION)).cached);
    for other in [
        asking(SETTLED),
        AskRequest { choice: Some("代办".into()), ..asking(QUESTION) },
        AskRequest { as_of: Some("2026-06-02".parse().unwrap()), ..asking(QUESTION) },
        AskRequest { levels: vec![Level::InternalRule], ..asking(QUESTION) },
    ] {
        assert!(!write(&engine, other.clone()).cached, "{other:?}");
        assert!(write(&engine, other).cached);
    }
    let cleared = || finish(ask_as(&engine, Classification::Confidential, asking(QUESTION)).prose.unwrap()).done();
    assert!(!cleared().cached && cleared().cached);
    generator.set_status(|status| status.model.sha256 = "1".repeat(64));
    assert!(!write(&engine, asking(QUESTION)).cached);
    generator.set_status(|status| status.context_tokens = 8192);
    assert!(!write(&engine, asking(QUESTION)).cached);
    // Another knowledge.
    let more = Rules::build(&[(
        "a.md",
        "---\ntitle: 某行新规\neffective: 2026-01-01\n---\n# 某行新规\n第一条 八万块取现要写用途。\n",
    )]);
    let other = Engine::open(&more.kb, None, None, Some(generator.clone() as Arc<dyn Generator>)).unwrap();
    assert!(!write(&other, asking("八万块取现要写用途吗")).cached);
}

#[test]
fn only_whole_answers_by_a_known_model_are_kept() {
    let rules = Rules::cash();
    // No checksum yet.
    let unknown = says(&["要核实身份[2]。"]);
    unknown.set_status(|status| status.model.sha256.clear());
    let answers = engine(&rules, &unknown);
    assert!(!write(&answers, asking(QUESTION)).cached && !write(&answers, asking(QUESTION)).cached);
    // One that broke off.
    let broken = Arc::new(ScriptedGenerator::new(["要核实身份[2]。"]).failing(Code::ModelDied, "没了"));
    let answers = engine(&rules, &broken);
    for _ in 0..2 {
        assert_eq!(finish(ask(&answers, asking(QUESTION)).prose.unwrap()).end.unwrap_err().code, "MODEL_DIED");
    }
    assert_eq!(broken.asked().len(), 2);
    // One that was stopped.
    let long = Arc::new(ScriptedGenerator::new(vec!["要核实身份[2]。"; 300]));
    let answers = engine(&rules, &long);
    for _ in 0..2 {
        let prose = ask(&answers, asking(QUESTION)).prose.unwrap();
        prose.canceller().store(true, std::sync::atomic::Ordering::Release);
        let done = finish(prose).done();
        assert_eq!((done.stats.finish, done.cached), (FinishReason::Cancelled, false));
    }
    // One that reached its greatest length would reach it again.
    let endless = Arc::new(ScriptedGenerator::new(vec!["要核实身份[2]。"; 2_000]));
    let answers = engine(&rules, &endless);
    assert_eq!(write(&answers, asking(QUESTION)).stats.finish, FinishReason::Length);
    assert!(write(&answers, asking(QUESTION)).cached);
    // The model was exchanged while it wrote.
    let exchanged = Arc::new(Exchanged { inner: ScriptedGenerator::new(["要核实身份[2]。"]) });
    let answers = Engine::open(&rules.kb, None, None, Some(exchanged.clone() as Arc<dyn Generator>)).unwrap();
    for _ in 0..2 {
        exchanged.inner.set_status(|status| status.model.sha256 = "0".repeat(64));
        let done = write(&answers, asking(QUESTION));
        assert!(done.model.sha256.starts_with('0') && !done.cached);
    }
}

/// Holds another model as soon as it has taken a request.
struct Exchanged {
    inner: ScriptedGenerator,
}

impl Generator for Exchanged {
    fn start(&self, request: GenerateRequest) -> Result<Generation, Error> {
        self.inner.set_status(|status| status.model.sha256 = "1".repeat(64));
        self.inner.start(request)
    }

    fn status(&self) -> GeneratorStatus {
        self.inner.status()
    }

    fn wait_ready(&self, limit: Duration) -> Result<(), Error> {
        self.inner.wait_ready(limit)
    }
}

#[test]
fn reasoning_is_progress_and_never_text() {
    let rules = Rules::cash();
    let pieces = ["<thi", "nk>先想想,", "九万元。", "</thi", "nk>\n\n", "要核实身份[2]。"];
    let sent = finish(ask(&engine(&rules, &says(&pieces)), asking(QUESTION)).prose.unwrap());
    assert_eq!(sent.text, "要核实身份[1]。");
    let stages: Vec<Stage> = sent.progress.iter().map(|progress| progress.stage).collect();
    let at = |stage| stages.iter().position(|s| *s == stage).unwrap_or_else(|| panic!("{stage:?} in {stages:?}"));
    assert!(at(Stage::Reading) < at(Stage::Thinking));
    assert_eq!(stages.last(), Some(&Stage::Writing));
    assert!(sent.done().struck.is_empty());

    // The template opened the block.
    let opened = Arc::new(ScriptedGenerator::new(["先想想,九万元。", "</think>", "要核实身份[2]。"]).thinking());
    let sent = finish(ask(&engine(&rules, &opened), asking(QUESTION)).prose.unwrap());
    let text = sent.text.clone();
    assert_eq!((text.as_str(), sent.done().text.as_str()), ("要核实身份[1]。", "要核实身份[1]。"));
    // Nobody said that it did: what was sent is taken back in the end.
    let unknown = says(&["先想想。", "再想。", "</think>", "要核实身份[2]。"]);
    let done = write(&engine(&rules, &unknown), asking(QUESTION));
    assert_eq!((done.text.as_str(), done.cited.as_slice()), ("要核实身份[1]。", &[1][..]));
    // Never closed.
    let done = write(&engine(&rules, &says(&["<think>先想想。", "要核实身份[2]。"])), asking(QUESTION));
    assert_eq!((done.text.as_str(), done.cited.len(), done.struck.len()), ("", 0, 0));
}

#[test]
fn an_object_is_checked_part_by_part_and_kept_apart_from_words() {
    let rules = Rules::cash();
    let reply = r#"<think>想</think>{"conclusion": "有条件", "reasons": [{"text": "超过五万元的不再登记用途", "cite": 2},
        {"text": "要九个人", "cite": 2}, {"text": "核对证件", "cite": 1}]}"#;
    let pieces: Vec<String> = reply.chars().map(String::from).collect();
    let generator = Arc::new(ScriptedGenerator::new(pieces));
    let engine = engine(&rules, &generator);
    let structured = || AskRequest { structured: true, ..asking(QUESTION) };
    let done = write(&engine, structured());
    assert_eq!(generator.asked()[0].constraint, Constraint::Json(2));
    let object = done.structured.as_ref().unwrap();
    let reasons: Vec<(&str, u32)> = object.reasons.iter().map(|reason| (reason.text.as_str(), reason.cite)).collect();
    assert_eq!(object.conclusion, "有条件");
    assert_eq!(reasons, [("超过五万元的不再登记用途", 1), ("核对证件", 2)]);
    assert_eq!(done.text, "有条件\n[1]超过五万元的不再登记用途\n[2]核对证件\n");
    assert_eq!((done.struck.len(), done.cited.as_slice()), (1, &[1, 2][..]));
    let again = write(&engine, structured());
    assert_eq!((again.cached, &again.structured), (true, &done.structured));
    assert!(!write(&engine, asking(QUESTION)).cached, "words are another prompt");
    // Words where an object was wanted.
    let words = says(&["能[1]。"]);
    let end = finish(ask(&self::engine(&rules, &words), structured()).prose.unwrap()).end;
    assert_eq!(end.unwrap_err().code, "MODEL_UNSUITABLE");
}

#[test]
fn progress_tells_the_wait_then_reading_then_writing() {
    let rules = Rules::cash();
    let generator = says(&["要核实身份[2]。"]);
    generator.set_status(|status| status.expected_wait_ms = 12_300);
    let sent = finish(ask(&engine(&rules, &generator), asking(QUESTION)).prose.unwrap());
    assert!(sent.progress.iter().all(|progress| progress.expected_wait_ms == 12_300));
    let read = sent.progress.iter().rfind(|progress| progress.stage == Stage::Reading).unwrap();
    assert!(read.prefill_total > 0 && read.prefill_done == read.prefill_total);
    let last = sent.progress.last().unwrap();
    assert_eq!((last.stage, last.written), (Stage::Writing, 1));
}

#[test]
fn a_full_queue_leaves_the_card_and_says_how_long_the_wait_is() {
    let rules = Rules::cash();
    let generator = Arc::new(ScriptedGenerator::new(["好。"]).refusing(Code::Busy));
    generator.set_status(|status| status.expected_wait_ms = 41_200);
    let engine = engine(&rules, &generator);
    let reply = ask(&engine, asking(QUESTION));
    assert!(!reply.card.refused && reply.prose.is_none());
    let why = reply.prose_unavailable.unwrap();
    assert_eq!((why.code.as_ref(), why.retry_after_seconds), ("BUSY", Some(42)));
    assert!(why.message.contains("42 秒"), "{}", why.message);
    let Reply::Status(status) = engine.handle(&actor(Classification::Internal), Request::Status).unwrap() else {
        panic!()
    };
    assert_eq!((status.service.prose_wanted, status.service.prose_unavailable, status.answer_cache.misses), (1, 1, 0));
}

fn two(rules: &Rules, small: &Arc<ScriptedGenerator>, large: &Arc<ScriptedGenerator>) -> Engine {
    let writers = Writers {
        small: Some(Arc::clone(small) as Arc<dyn Generator>),
        large: Some(Arc::clone(large) as Arc<dyn Generator>),
    };
    Engine::open_with(&rules.kb, None, None, writers).unwrap()
}

fn named(name: &str, generator: ScriptedGenerator) -> Arc<ScriptedGenerator> {
    generator.set_status(|status| status.model.name = name.into());
    Arc::new(generator)
}

#[test]
fn easy_questions_go_to_the_small_model_and_hard_ones_to_the_large() {
    let rules = Rules::cash();
    let small = named("小", ScriptedGenerator::new(["要核实身份[2]。"]));
    let large = named("大", ScriptedGenerator::new(["要核实身份[2]。"]));
    let engine = two(&rules, &small, &large);
    // The card asks back.
    let hard = write(&engine, asking(QUESTION));
    assert_eq!((hard.role, hard.model.name.as_str()), (Role::Large, "大"));
    // The guide has concluded, from one rule.
    let easy = write(&engine, asking(SETTLED));
    assert_eq!((easy.role, easy.model.name.as_str()), (Role::Small, "小"));
    assert_eq!((small.asked().len(), large.asked().len()), (1, 1));
    let Reply::Status(status) = engine.handle(&actor(Classification::Internal), Request::Status).unwrap() else {
        panic!()
    };
    let name = |status: &Option<GeneratorStatus>| status.as_ref().unwrap().model.name.clone();
    assert_eq!((name(&status.generator), name(&status.small_generator)), ("大".into(), "小".into()));
}

#[test]
fn a_model_that_cannot_write_is_stood_in_for_by_the_other() {
    let rules = Rules::cash();
    let fine = || named("好", ScriptedGenerator::new(["要核实身份[1]。"]));
    for code in [Code::ModelUnavailable, Code::Busy] {
        let down = || named("坏", ScriptedGenerator::new([""]).refusing(code));
        assert_eq!(write(&two(&rules, &down(), &fine()), asking(SETTLED)).role, Role::Large);
        assert_eq!(write(&two(&rules, &fine(), &down()), asking(QUESTION)).role, Role::Small);
        let why = ask(&two(&rules, &down(), &down()), asking(QUESTION)).prose_unavailable.unwrap();
        assert_eq!(why.code, code.as_str());
    }
    // One model alone writes everything, whichever it is.
    for writers in [
        Writers { small: Some(fine() as Arc<dyn Generator>), large: None },
        Writers { small: None, large: Some(fine() as Arc<dyn Generator>) },
    ] {
        let engine = Engine::open_with(&rules.kb, None, None, writers).unwrap();
        assert!(!write(&engine, asking(SETTLED)).text.is_empty() && !write(&engine, asking(QUESTION)).text.is_empty());
        let Reply::Status(status) = engine.handle(&actor(Classification::Internal), Request::Status).unwrap() else {
            panic!()
        };
        assert!(status.generator.is_some() && status.small_generator.is_none());
    }
}
