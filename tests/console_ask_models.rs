//! What keys lead to on the screens of models and of questions: what is asked of the service, what needs a yes, what is said when
//! something does not work, and that answers that come late or not at all leave nothing wrong in sight.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::{Fake, ask, models};
use console::{ENGLISH, MODES, Mode, Stage, picture_of};
use guida::console::jobs::JOBS;
use guida::console::keys::Key;
use guida::console::messages::{Answer, Effect, LinkProblem, Message, Ticket};
use guida::engine::modeling::{ModelRequest, ModelWork};
use guida::engine::models::ModelRole;
use guida::engine::reply::Reply;
use guida::engine::request::Request;

const SMALL: Mode = MODES[0];

fn stage() -> Stage {
    Stage::new(SMALL)
}

fn with(change: impl FnOnce(&mut Fake)) -> Stage {
    let mut fake = Fake::default();
    change(&mut fake);
    Stage::with(SMALL, fake)
}

fn job(id: &str) -> &'static [Key] {
    JOBS.iter().find(|job| job.id == id).unwrap().keys
}

/// What was asked of the models beside looking.
fn actions(stage: &Stage) -> Vec<ModelRequest> {
    let of = |request: &Request| match request {
        Request::Model(ModelRequest::List) => None,
        Request::Model(request) => Some(request.clone()),
        _ => None,
    };
    stage.asked.iter().filter_map(of).collect()
}

fn looks(stage: &Stage) -> usize {
    stage.asked.iter().filter(|request| matches!(request, Request::Model(ModelRequest::List))).count()
}

fn load(name: &str, role: ModelRole) -> ModelRequest {
    ModelRequest::Load { name: name.into(), role }
}

/// What `update` sends, with nobody who answers.
fn sends(stage: &mut Stage, message: Message) -> Vec<(Ticket, Request)> {
    let of = |effect| match effect {
        Effect::Send { ticket, request, .. } if !matches!(*request, Request::Overview) => Some((ticket, *request)),
        _ => None,
    };
    stage.app.update(message).into_iter().filter_map(of).collect()
}

#[test]
fn the_model_is_swapped_with_four_keys() {
    let mut stage = stage();
    stage.press(job("model"));
    assert_eq!(actions(&stage), [load(models::OTHER, ModelRole::Large)]);
    assert!(stage.shows("正在载入 Qwen3-4B-Instruct(作大模型);就绪前现有模型继续工作"));
    stage.fake.models.work = ModelWork::Loaded { name: models::OTHER.into(), role: ModelRole::Large };
    stage.second();
    assert!(stage.shows("已换上 Qwen3-4B-Instruct"), "{}", stage.picture());
}

#[test]
fn nothing_is_loaded_without_a_yes_that_says_what_happens() {
    let mut stage = stage();
    stage.keys("4").press(&[Key::Down, Key::Enter]);
    for words in [
        "代替现在的大模型 Qwen2.5-7B-Instruct",
        "需要 3.4 GiB,现在可用 7.0 GiB",
        "--context 4096 --slots 1",
        "继续工作,直到新模型就绪",
        "卡片始终照常",
        "选 Qwen2.5-7B-Instruct 按 Enter",
        "要用作小模型",
    ] {
        assert!(stage.shows(words), "{words}\n{}", stage.picture());
    }
    stage.press(&[Key::Enter]).keys("n");
    assert!(actions(&stage).is_empty());
    stage.keys("oy");
    assert_eq!(actions(&stage), [load(models::OTHER, ModelRole::Small)]);
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let mut stage = stage();
    stage.keys("4/bge\n\n");
    assert!(stage.shows("编码和重排模型由服务的启动设置选用"), "{}", stage.picture());
    stage.press(&[Key::Esc]).keys("/deepseek\n\n");
    assert!(stage.shows("这个文件不能用") && stage.shows("应有 1117320736 字节"), "{}", stage.picture());
    stage.press(&[Key::Esc]).keys("/7b\n\n");
    assert!(stage.shows("它已经在这个位置服务"), "{}", stage.picture());
    stage.press(&[Key::Esc]).keys("/14b\n\n");
    assert!(stage.shows("看来不够"), "{}", stage.picture());
    assert!(actions(&stage).is_empty());
}

#[test]
fn the_model_that_serves_is_unloaded() {
    let mut stage = stage();
    stage.keys("4u");
    assert!(stage.shows("停用后柜员只看到卡片") && stage.shows("选 Qwen2.5-7B-Instruct 按 Enter 载入"));
    stage.keys("y");
    assert_eq!(actions(&stage), [ModelRequest::Unload { role: ModelRole::Large }]);
    let mut stage = with(|fake| fake.models.serves = false);
    stage.keys("4u");
    assert!(stage.shows("没有模型在服务"));
    assert!(actions(&stage).is_empty());
}

#[test]
fn a_measurement_is_watched_and_ended() {
    let mut stage = stage();
    stage.keys("4x");
    assert!(stage.shows("现在没有在测速"));
    stage.press(&[Key::Down]).keys("b");
    assert!(stage.shows("大约 3 分钟") && stage.shows("说明文字会变慢"), "{}", stage.picture());
    stage.keys("n").keys("B");
    assert!(stage.shows("大约 10 分钟"));
    stage.keys("y");
    let bench = ModelRequest::Bench { name: models::OTHER.into(), quick: false };
    assert_eq!(actions(&stage), std::slice::from_ref(&bench));
    assert!(stage.shows("正在测第一组"));
    stage.fake.models.work = models::benching();
    stage.second();
    assert!(stage.shows("★") && stage.shows("141.5"), "{}", stage.picture());
    stage.press(&[Key::Down, Key::Enter]);
    assert!(stage.shows("正在测速,先按 x 停止"));
    stage.keys("x");
    assert!(stage.shows("已测的 3 组不保存"));
    stage.keys("y");
    assert_eq!(actions(&stage), [bench, ModelRequest::Cancel]);
    assert!(!stage.shows("正在给"));
}

#[test]
fn a_refused_action_stays_in_sight_with_what_to_do() {
    let mut stage = with(|fake| fake.models.refuses = true);
    stage.press(job("model"));
    for _ in 0..20 {
        stage.second();
    }
    assert!(stage.shows("[MODEL_MEMORY] 内存不足:需要 5.4 GiB,只有 3.1 GiB"), "{}", stage.picture());
    assert!(stage.shows("停用在用的模型,或换小一些的模型"));
    stage.fake.models.refuses = false;
    stage.keys("\ny");
    assert!(!stage.shows("MODEL_MEMORY"));
}

#[test]
fn the_list_is_looked_at_more_often_while_something_is_done() {
    let mut stage = stage();
    stage.keys("4");
    let before = looks(&stage);
    for _ in 0..10 {
        stage.second();
    }
    assert_eq!(looks(&stage), before + 2);
    stage.fake.models.work = models::benching();
    for _ in 0..10 {
        stage.second();
    }
    assert!(looks(&stage) >= before + 8, "{}", looks(&stage));
    // A list that does not come is not asked for again.
    let mut asked = 0;
    for _ in 0..20 {
        asked += sends(&mut stage, Message::Tick(console::noon())).len();
    }
    assert_eq!(asked, 1);
    // The service was away: it is asked again.
    stage.service_goes(LinkProblem::Lost);
    let before = looks(&stage);
    stage.service_comes();
    assert_eq!(looks(&stage), before + 1);
}

#[test]
fn the_chosen_model_stays_chosen_when_the_list_changes() {
    let mut stage = stage();
    stage.keys("4").press(&[Key::Down]);
    stage.fake.models.serves = false;
    for _ in 0..5 {
        stage.second();
    }
    stage.keys("\n");
    assert!(stage.shows("把 Qwen3-4B-Instruct 载入作大模型?"), "{}", stage.picture());
}

#[test]
fn a_refusal_is_explained_with_three_keys() {
    let mut stage = stage();
    stage.press(job("refusal"));
    let asked: Vec<&str> = (stage.asked.iter())
        .filter_map(|request| match request {
            Request::Trace(ask) => Some(ask.question.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [ask::REFUSED]);
    for words in
        ["为什么没有答案,怎么办", "知识里没有这些字词:数字人民币", "请向总行索取规定", "《个人结算账户管理办法》"]
    {
        assert!(stage.shows(words), "{words}\n{}", stage.picture());
    }
    stage.press(&[Key::Esc]);
    assert!(stage.shows("只看拒答 · 2 条"));
    stage.press(&[Key::Esc]);
    assert!(stage.shows("柜员最近的问题 · 7 条,拒答 2 条"));
}

#[test]
fn lists_that_are_empty_say_why() {
    let mut stage = with(|fake| fake.asking.none_refused = true);
    stage.keys("5f");
    assert!(stage.shows("最近的问题里没有拒答的") && stage.shows("按 f 看全部"));
    stage.keys("f/zzz\n");
    assert!(stage.shows("没有符合筛选的问题"));
    let mut stage = with(|fake| fake.asking.nobody = true);
    stage.keys("5");
    assert!(stage.shows("服务启动后还没有人提问"));
    // Enter has nothing to open and begins a question.
    stage.keys("\n你好4\n");
    assert!(matches!(stage.asked.last(), Some(Request::Trace(ask)) if ask.question == "你好4"));
}

#[test]
fn a_question_of_ones_own_is_typed_pasted_and_asked() {
    let mut stage = stage();
    stage.keys("5i\n");
    assert!(stage.shows("先输入问题"));
    stage.keys("挂1失?q").happen(Message::Paste("要什么\n材料".into()));
    assert_eq!(stage.app.at(), "ask");
    stage.keys("\n");
    assert!(matches!(stage.asked.last(), Some(Request::Trace(ask)) if ask.question == "挂1失?q要什么 材料"));
    assert!(stage.shows("带本人有效身份证件"));
    stage.keys("i");
    assert!(stage.shows("问题:") && !stage.shows("挂1失"));
    stage.press(&[Key::Esc]).keys("/shuzi\n\n");
    assert!(stage.shows("数字人民币钱包被冻结了怎么解冻") && stage.shows("为什么没有答案"), "{}", stage.picture());
}

#[test]
fn an_error_is_told_and_the_question_can_be_asked_again() {
    let mut stage = stage();
    stage.keys("5i坏\n");
    assert!(stage.shows("[TIMEOUT] 这个问题没有在时限内答完") && stage.shows("稍后再问一次"));
    let before = stage.asked.len();
    stage.keys("r");
    assert!(matches!(stage.asked.get(before), Some(Request::Trace(ask)) if ask.question == "坏"));
    stage.press(&[Key::Esc]);
    assert!(stage.shows("柜员最近的问题"));
}

#[test]
fn a_question_that_was_turned_away_says_why() {
    let mut stage = stage();
    stage.keys("5").press(&[Key::Down, Key::Down, Key::Enter]);
    assert!(stage.shows("[QUESTION_TOO_LONG]") && stage.shows("问题太长") && stage.shows("不保存原文"));
    assert!(!stage.asked.iter().any(|request| matches!(request, Request::Trace(_))));
}

#[test]
fn a_late_answer_belongs_to_its_own_question() {
    let mut stage = stage();
    stage.keys("5");
    let first = sends(&mut stage, Message::Key(Key::Enter));
    let (ticket, _) = first.first().cloned().unwrap();
    assert!(stage.shows("正在查"));
    stage.press(&[Key::Esc, Key::Down, Key::Enter]);
    assert!(stage.shows("为什么没有答案"));
    let late = stage.fake.asking.trace(&guida::engine::request::AskRequest::default()).unwrap();
    stage.happen(Message::Answer(ticket, Answer::Reply(Box::new(Reply::Trace(Box::new(late))))));
    assert!(stage.shows("为什么没有答案"), "{}", stage.picture());
}

#[test]
fn a_question_that_waits_is_asked_again_when_the_service_is_back() {
    let mut stage = stage();
    stage.keys("5");
    sends(&mut stage, Message::Key(Key::Enter));
    stage.service_goes(LinkProblem::Lost);
    assert!(stage.shows("没有连上柜答服务"));
    stage.service_comes();
    assert!(stage.shows("带本人有效身份证件"), "{}", stage.picture());
}

#[test]
fn prose_is_asked_for_once_and_comes_as_it_is_written() {
    let mut stage = with(|fake| fake.asking.events = Some(4));
    stage.keys("5\np");
    assert!(stage.shows("正在写,12 词元") && stage.shows("到任一网点办理书面挂失[1]"), "{}", stage.picture());
    stage.keys("p");
    let asked = stage.asked.iter().filter(|request| matches!(request, Request::Ask(ask) if ask.prose)).count();
    assert_eq!(asked, 1);
    // Leaving it ends the writing.
    assert!(stage.forgotten.is_empty());
    stage.press(&[Key::Esc]);
    assert_eq!(stage.forgotten.len(), 1);
    // Another question meanwhile: what is still written for the first does not show below the second.
    let mut stage = self::stage();
    stage.keys("5\n");
    let (ticket, _) = sends(&mut stage, Message::Key(Key::Char('p'))).first().cloned().unwrap();
    stage.press(&[Key::Esc, Key::Enter, Key::BackTab, Key::BackTab]);
    for event in ask::events() {
        stage.happen(Message::Answer(ticket, Answer::Prose(Box::new(event))));
    }
    assert!(stage.shows("还没有让模型写"), "{}", stage.picture());
}

#[test]
fn prose_shows_what_was_struck_and_why_there_is_none() {
    let mut stage = stage();
    stage.keys("5\np");
    assert!(stage.shows("核对时删去的句子") && stage.shows("× 补领新卡收取工本费15元。"), "{}", stage.picture());
    let mut stage = with(|fake| fake.asking.no_model = true);
    stage.keys("5\np");
    assert!(stage.shows("没有模型在服务,不能成文"));
    let mut stage = self::stage();
    stage.keys("5f\np");
    assert!(stage.shows("拒答的问题不写说明文字"));
    assert!(!stage.asked.iter().any(|request| matches!(request, Request::Ask(_))));
}

#[test]
fn prose_that_breaks_off_says_so() {
    let mut stage = with(|fake| fake.asking.events = Some(4));
    stage.keys("5\n");
    let (ticket, request) = sends(&mut stage, Message::Key(Key::Char('p'))).first().cloned().unwrap();
    for answer in stage.fake.answer(request) {
        stage.happen(Message::Answer(ticket, answer));
    }
    let error = guida::error::Error::new(guida::error::Code::ServiceGone, "服务没有应答这次操作", "等服务恢复");
    stage.happen(Message::Answer(ticket, Answer::Error((&error).into())));
    assert!(stage.shows("SERVICE_GONE") && stage.shows("写到这里中断了") && stage.shows("办理书面挂失"));
    assert!(stage.shows("按 p 再写一次"));
}

#[test]
fn every_view_draws_at_every_size_and_without_colours() {
    let play: [&str; 12] = ["4", "4d", "4b", "4u", "4/b", "5", "5f", "5i1234", "5\n", "5\n\u{9}", "5\np", "5f\n"];
    for keys in play {
        for size in [(80, 24), (81, 25), (99, 31), (104, 24), (200, 60)] {
            for mode in MODES.into_iter().chain([ENGLISH]) {
                let mode = Mode { size, ..mode };
                let mut stage = Stage::new(mode);
                for c in keys.chars() {
                    let key = match c {
                        '\n' => Key::Enter,
                        '\u{9}' => Key::Tab,
                        c => Key::Char(c),
                    };
                    stage.press(&[key]);
                }
                for _ in 0..6 {
                    stage.press(&[Key::Right, Key::PageDown]);
                    picture_of(&stage.app, mode);
                }
            }
        }
    }
}
