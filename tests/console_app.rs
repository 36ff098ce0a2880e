//! The one function that changes the console: what happens decides what is seen and done, and nothing else does. Keys that work
//! everywhere, questions that wait for a yes, a service that goes and comes, words that pass, the jobs of [`JOBS`] key by key.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::{Fake, ask, import, knowledge, models};
use console::world::World;
use console::{ENGLISH, MODES, Mode, Stage, buffer_of};
use guida::admin::client::ConnectError;
use guida::console::jobs::{JOBS, MOST_KEYS};
use guida::console::keys::Key;
use guida::console::look::{Charset, Colors, Language, Look, Wishes};
use guida::console::messages::{Answer, Effect, Lane, LinkProblem, Message, Ticket};
use guida::console::screens::SCREENS;
use guida::engine::importing::ImportRequest;
use guida::engine::modeling::ModelRequest;
use guida::engine::models::ModelRole;
use guida::engine::request::Request;
use guida::error::{Code, Error, ErrorBody};
use guida::types::ClauseId;
use ratatui::style::{Color, Modifier};
use std::collections::{BTreeMap, BTreeSet};

const SMALL: Mode = MODES[0];
const ALL: [Mode; 4] = [MODES[0], MODES[1], MODES[2], ENGLISH];

fn stage() -> Stage {
    Stage::new(SMALL)
}

fn gone() -> Answer {
    Answer::Error(ErrorBody::from(&Error::new(Code::ServiceGone, "服务没有应答这次操作", "等服务恢复后看结果")))
}

/// What changes something on the box.
fn acts(stage: &Stage) -> Vec<String> {
    let reads = |request: &&Request| {
        !matches!(
            request,
            Request::Import(ImportRequest::State)
                | Request::Model(ModelRequest::List)
                | Request::Branch
                | Request::Review
                | Request::Documents { .. }
                | Request::Clause { .. }
                | Request::Sticks
                | Request::Recent
                | Request::Trace(_)
                | Request::Doctor
        )
    };
    stage.asked.iter().filter(reads).map(|request| format!("{request:?}")).collect()
}

fn names(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| format!("{request:?}")).collect()
}

/// Where a job ends: what is seen in Chinese and in the fallback, what was changed, and what was asked for among other things.
type End = (&'static str, &'static [&'static str], &'static str, fn() -> Vec<Request>, fn(&Request) -> bool);

fn nothing() -> Vec<Request> {
    Vec::new()
}

const ENDS: [End; 7] = [
    ("health", &["服务运行中", "要处理的事", "怎么办:按 2 再按 v 逐条复核"], "To be seen to", nothing, |_| true),
    (
        "import",
        &["现在由知识包 1-9 回答", "按 2 再按 b 退回到 1-8"],
        "Pack 1-9 answers now",
        || {
            let begin = ImportRequest::Begin { source: "/media/guida/总行知识".into() };
            vec![Request::Import(begin), Request::Import(ImportRequest::Confirm { gid: import::GID.into() })]
        },
        |request| matches!(request, Request::Sticks),
    ),
    (
        "rollback",
        &["现在由 1-7(2026-09-28 制作) 回答", "按 f 可以恢复"],
        "1-7 (made 2026-09-28) answers now",
        || vec![Request::Import(ImportRequest::Rollback { from: knowledge::NEW.into() })],
        |request| matches!(request, Request::Branch),
    ),
    (
        "model",
        &["正在载入 Qwen3-4B-Instruct"],
        "Loading Qwen3-4B-Instruct as the large model",
        || vec![Request::Model(ModelRequest::Load { name: models::OTHER.into(), role: ModelRole::Large })],
        |request| matches!(request, Request::Model(ModelRequest::List)),
    ),
    ("clause", &["挂失业务操作规程 第一条 (1/28)", "防范操作风险"], "(1/28)", nothing, |request| {
        matches!(request, Request::Clause { id: ClauseId(4001), .. })
    }),
    (
        "refusal",
        &["为什么没有答案,怎么办", "最接近的文件"],
        "Why there is no answer, and what to do",
        nothing,
        |request| matches!(request, Request::Trace(of) if of.question == ask::REFUSED),
    ),
    (
        "doctor",
        &["1 项异常 1 项注意 1 项正常", "怎么办", "timedatectl set-time"],
        "set the time: timedatectl",
        nothing,
        |request| matches!(request, Request::Doctor),
    ),
];

#[test]
fn every_job_ends_where_it_says() {
    assert_eq!(JOBS.map(|job| job.id), ENDS.map(|end| end.0));
    for (job, (_, chinese, english, changed, asked)) in JOBS.iter().zip(ENDS) {
        assert!(job.keys.len() <= MOST_KEYS, "{}", job.id);
        for mode in ALL {
            let mut stage = Stage::new(mode);
            stage.asked.clear();
            stage.press(job.keys);
            let words = if (mode.look)().language() == Language::Chinese { chinese } else { &[english] };
            for said in words {
                assert!(stage.shows(said), "{}: {said}\n{}", job.id, stage.picture());
            }
            assert_eq!(acts(&stage), names(&changed()), "{}", job.id);
            assert!(stage.asked.is_empty() || stage.asked.iter().any(asked), "{}: {:?}", job.id, stage.asked);
        }
    }
}

/// Steps of one course of random events, and how many courses in each mode.
const STEPS: usize = 1200;
const COURSES: u64 = 3;

#[test]
fn the_same_events_lead_to_the_same_pictures_and_effects() {
    for (mode, seed) in ALL.into_iter().zip(1..) {
        let mut reached = BTreeSet::new();
        for course in 0..COURSES {
            let seed = seed * 1000 + course;
            let (mut one, mut other) = (World::new(mode, seed), World::new(mode, seed));
            for step in 0..STEPS {
                let (one, other) = (one.step(), other.step());
                assert_eq!(one, other, "{} seed {seed}, step {step}", mode.name);
            }
            reached.extend(one.reached);
        }
        assert_eq!(reached.len(), SCREENS.len(), "{}: {reached:?}", mode.name);
    }
}

#[test]
fn the_table_of_screens_names_each_once() {
    let keys: Vec<char> = SCREENS.iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ('1'..='9').take(SCREENS.len()).collect::<Vec<_>>());
    let ids: BTreeSet<&str> = SCREENS.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), SCREENS.len());
    assert!(SCREENS.iter().all(|entry| !entry.zh.is_empty() && entry.en.is_ascii()));
    for entry in SCREENS {
        let mut stage = stage();
        stage.press(&[Key::Char(entry.key)]);
        assert_eq!(stage.app.at(), entry.id);
        // Every name is in the first line at 80 cells.
        let first = stage.picture().lines().next().unwrap().to_owned();
        assert!(SCREENS.iter().all(|entry| first.contains(entry.zh)), "{first}");
    }
}

#[test]
fn keys_that_work_everywhere() {
    let mut stage = stage();
    stage.press(&[Key::Tab]);
    assert_eq!(stage.app.at(), "knowledge");
    stage.press(&[Key::BackTab, Key::BackTab]);
    assert_eq!(stage.app.at(), "help");
    stage.press(&[Key::Tab]);
    assert_eq!(stage.app.at(), "overview");
    // Esc goes one view back, and from a screen's first view to the first screen.
    stage.keys("2g").press(&[Key::Esc]);
    assert_eq!(stage.app.at(), "knowledge");
    stage.press(&[Key::Esc]);
    assert_eq!(stage.app.at(), "overview");
    stage.press(&[Key::Esc]);
    assert_eq!(stage.app.at(), "overview");
    for entry in SCREENS {
        for question in ['?', '\u{ff1f}'] {
            stage.press(&[Key::Char(entry.key), Key::Char(question)]);
            assert!(stage.shows("这个画面的按键(任意键关闭)"), "{}", entry.id);
            stage.press(&[Key::Esc]);
            assert!(!stage.shows("任意键关闭"), "{}", entry.id);
            assert_eq!(stage.app.at(), entry.id);
        }
    }
    stage.keys("8?q");
    assert!(!stage.left, "it closes what is over the screen");
    stage.keys("q");
    assert!(stage.left);
}

#[test]
fn what_is_typed_into_a_field_stays_there() {
    for (open, shown) in [("5i", "问题: 3?q8"), ("2/", "筛选: 3?q8"), ("6/", "筛选: 3?q8"), ("3p", "3?q8")] {
        let mut stage = stage();
        stage.keys(open);
        let at = stage.app.at();
        stage.keys("3?q8");
        assert!(stage.shows(shown), "{open}\n{}", stage.picture());
        assert_eq!((stage.app.at(), stage.left), (at, false), "{open}");
        // Keys that would be typed are not offered.
        let last = stage.picture().lines().last().unwrap().to_owned();
        assert!(!last.contains("? ") && !last.contains("q ") && last.contains("Esc"), "{open}: {last}");
        stage.happen(Message::Paste("9\n9".into()));
        assert!(stage.shows(&format!("{shown}9 9")), "{open}\n{}", stage.picture());
        stage.press(&[Key::Ctrl('c')]);
        assert!(stage.left, "{open}");
    }
    // What is in sight no more takes nothing in.
    let mut stage = stage();
    stage.keys("5i");
    stage.service_goes(LinkProblem::Lost);
    stage.happen(Message::Paste("偷".into()));
    stage.keys("8");
    stage.service_comes();
    stage.keys("5");
    assert!(!stage.shows("偷"));
}

/// Questions before something is done: how one gets there, and what a yes asks for.
const QUESTIONS: [&str; 8] = ["2b", "2va", "3\nc", "3\nx", "4l", "4u", "4b", "4B"];

fn asks_first(stage: &Stage) -> bool {
    stage.shows("y 确认执行")
}

#[test]
fn only_y_is_a_yes() {
    for keys in QUESTIONS {
        let mut stage = stage();
        stage.keys(keys);
        if keys == "4l" {
            stage.press(&[Key::Down]).keys("l");
        }
        assert!(asks_first(&stage), "{keys}\n{}", stage.picture());
        let before = stage.asked.len();
        let others = "1234567890abcdefghijklmoprstuvwxzABCDEFGHIJKLMOPQRSTUVWXZ /?!\u{ff1f}是确";
        for key in others.chars().map(Key::Char) {
            stage.press(&[key]);
        }
        stage.press(&[Key::Enter, Key::Tab, Key::BackTab, Key::Up, Key::Down, Key::Left, Key::Right, Key::Home]);
        stage.press(&[Key::End, Key::PageUp, Key::PageDown, Key::Backspace, Key::Delete, Key::F(1), Key::Ctrl('y')]);
        stage.happen(Message::Paste("y\ny".into()));
        assert!(asks_first(&stage), "{keys}\n{}", stage.picture());
        assert_eq!(stage.asked.len(), before, "{keys}");
        for no in [Key::Esc, Key::Char('n'), Key::Char('N'), Key::Char('q')] {
            stage.press(&[no]);
            assert!(!asks_first(&stage) && !stage.left, "{keys}");
            stage.press(&[Key::Char(keys.chars().last().unwrap())]);
            assert!(asks_first(&stage), "{keys}\n{}", stage.picture());
        }
        assert!(acts(&stage).len() <= 1, "{keys}: only an import has begun");
        let before = acts(&stage).len();
        stage.keys("yy");
        assert_eq!(acts(&stage).len(), before + 1, "{keys}: once");
        assert!(!asks_first(&stage), "{keys}");
    }
}

#[test]
fn a_question_about_a_service_that_is_gone_disappears() {
    for keys in QUESTIONS.into_iter().filter(|keys| *keys != "4l") {
        let mut stage = stage();
        stage.keys(keys);
        let before = acts(&stage).len();
        stage.service_goes(LinkProblem::Lost);
        assert!(!asks_first(&stage), "{keys}");
        stage.keys("y");
        stage.service_comes();
        stage.keys("y");
        assert!(!asks_first(&stage), "{keys}");
        assert_eq!(acts(&stage).len(), before, "{keys}");
    }
}

#[test]
fn without_a_service_it_can_be_started() {
    let mut stage = Stage::alone(SMALL, Fake::default());
    stage.service_goes(LinkProblem::Connect(ConnectError::NoSocket));
    stage.keys("s\n");
    assert!(asks_first(&stage) && stage.shows("将启动柜答服务(数据目录 /var/lib/guida;"));
    // It came by itself: another one is not started.
    stage.service_comes();
    assert!(!asks_first(&stage));
    stage.service_goes(LinkProblem::Lost);
    stage.keys("sn").keys("sy");
    assert!(stage.shows("已执行启动命令,正在等待服务:systemctl start guida"), "{}", stage.picture());
    let effects = stage.app.update(Message::Key(Key::Char('r')));
    assert!(matches!(effects[..], [Effect::Relink]), "{effects:?}");
    // What works without a service does.
    for (key, shown) in [('6', "日志文件的末尾(服务没有运行)"), ('8', "1 项异常"), ('9', "七件常做的事")]
    {
        stage.press(&[Key::Char(key)]);
        assert!(stage.shows(shown), "{}", stage.picture());
    }
}

#[test]
fn a_service_that_is_lost_is_told_with_its_time_and_comes_back_by_itself() {
    let mut stage = stage();
    stage.keys("2");
    stage.service_goes(LinkProblem::Lost);
    for _ in 0..75 {
        stage.second();
    }
    assert!(stage.shows("服务已断开 1 分 15 秒,自动重连中"), "{}", stage.picture());
    // Trying in vain does not begin a new time.
    stage.service_goes(LinkProblem::Connect(ConnectError::Refused));
    stage.second();
    assert!(stage.shows("服务已断开 1 分 16 秒") && stage.shows("没有程序应答"));
    let asked = stage.asked.len();
    stage.service_comes();
    assert!(stage.shows("服务已恢复") && stage.shows("文件 7 份"), "{}", stage.picture());
    let anew = &stage.asked[asked..];
    assert!(anew.iter().any(|request| matches!(request, Request::Documents { .. })), "{anew:?}");
}

/// What is on its way: every request with its ticket.
type Pending = Vec<(Ticket, Lane, String)>;

fn sent(effects: Vec<Effect>) -> Pending {
    let of = |effect| match effect {
        Effect::Send { ticket, lane, request } => Some((ticket, lane, format!("{request:?}"))),
        Effect::Local(ticket, task) => Some((ticket, Lane::Act, format!("{task:?}"))),
        _ => None,
    };
    effects.into_iter().filter_map(of).collect()
}

fn once_each(pending: &Pending, when: &str) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, request) in pending {
        *times.entry(request).or_default() += 1;
    }
    assert!(times.values().all(|n| *n == 1), "{when}: {times:?}");
}

#[test]
fn a_service_that_does_not_answer_is_not_asked_twice() {
    for entry in SCREENS {
        let mut stage = Stage::alone(SMALL, Fake::default());
        let mut now = console::noon();
        let mut pending = sent(stage.app.update(Message::Linked(console::fake::greeting())));
        // The screen that was in sight first has asked already, under its own name.
        if entry.key != '1' {
            pending.extend(sent(stage.app.update(Message::Key(Key::Char(entry.key)))));
        }
        let mut wait = |stage: &mut Stage, pending: &mut Pending, when: &str| {
            for _ in 0..30 {
                now += jiff::SignedDuration::from_secs(1);
                pending.extend(sent(stage.app.update(Message::Tick(now))));
                once_each(pending, when);
            }
        };
        wait(&mut stage, &mut pending, entry.id);
        assert!(!pending.is_empty(), "{}", entry.id);
        // It goes: nothing is asked of it, and what was on its way is over.
        stage.app.update(Message::Unlinked(LinkProblem::Lost));
        let lost = std::mem::take(&mut pending);
        for (ticket, _, _) in lost.iter().filter(|(_, lane, _)| *lane == Lane::Look) {
            assert!(sent(stage.app.update(Message::Answer(*ticket, gone()))).is_empty(), "{}", entry.id);
        }
        // It comes; what was being done tells only now that it is over.
        pending.extend(sent(stage.app.update(Message::Linked(console::fake::greeting()))));
        for (ticket, _, _) in lost.iter().filter(|(_, lane, _)| *lane == Lane::Act) {
            pending.extend(sent(stage.app.update(Message::Answer(*ticket, gone()))));
        }
        wait(&mut stage, &mut pending, entry.id);
        assert!(pending.iter().any(|(_, _, request)| request == "Overview"), "{}", entry.id);
        assert!(!stage.shows("SERVICE_GONE"), "{}\n{}", entry.id, stage.picture());
    }
}

#[test]
fn a_word_passes_after_its_seconds() {
    let word = "配置文件里没有这一项";
    let mut stage = stage();
    stage.keys("7d");
    for _ in 0..7 {
        assert!(stage.shows(word), "{}", stage.picture());
        stage.second();
    }
    assert!(stage.shows(word));
    stage.second();
    assert!(!stage.shows(word) && stage.shows("? 全部按键"));
    // A clock that is set back does not keep it.
    stage.keys("d");
    stage.happen(Message::Tick(console::noon() - jiff::SignedDuration::from_hours(24)));
    assert!(!stage.shows(word));
}

#[test]
fn every_hinted_key_is_one() {
    for mode in ALL {
        let look = (mode.look)();
        for entry in SCREENS {
            let on = || {
                let mut stage = Stage::new(mode);
                stage.press(&[Key::Char(entry.key)]);
                stage
            };
            // As it is filled now, and as the help shows it, which knows of no service.
            let (now, bare) = (on().app.hints(), (entry.new)().hints());
            assert!(!now.is_empty() && !bare.is_empty(), "{}", entry.id);
            for hint in now.iter().chain(&bare) {
                assert!(!hint.zh.is_empty() && hint.en.is_ascii() && !hint.en.is_empty(), "{hint:?}");
                assert!(!look.is_ascii() || hint.name(&look).is_ascii(), "{hint:?}");
            }
            for hint in now {
                let mut key = hint.key.chars();
                let (Some(key), None) = (key.next(), key.next()) else { continue };
                let mut stage = on();
                let (before, asked) = (buffer_of(&stage.app, mode), stage.asked.len());
                stage.press(&[Key::Char(key)]);
                let done = buffer_of(&stage.app, mode) != before || stage.asked.len() > asked;
                assert!(done, "{}: {key}\n{}", entry.id, stage.picture());
            }
        }
    }
}

#[test]
fn without_colours_the_chosen_row_is_still_seen() {
    for (language, charset) in [
        (Language::Chinese, Charset::Unicode),
        (Language::English, Charset::Unicode),
        (Language::English, Charset::Ascii),
    ] {
        let plain = Look::new(language, charset, Colors::None);
        let bright = Look::new(language, charset, Colors::Sixteen);
        for key in "2345678".chars() {
            let cells = |look: Look| {
                let mut app = guida::console::app::App::new(look, "/var/lib/guida", console::noon());
                let mut fake = Fake::default();
                let mut effects = app.update(Message::Linked(console::fake::greeting()));
                effects.extend(app.update(Message::Key(Key::Char(key))));
                while let Some(effect) = effects.pop() {
                    if let Effect::Send { ticket, request, .. } = effect {
                        for answer in fake.answer(*request) {
                            effects.extend(app.update(Message::Answer(ticket, answer)));
                        }
                    }
                }
                buffer_of(&app, SMALL)
            };
            let (plain, bright) = (cells(plain), cells(bright));
            assert!(plain.content().iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)), "{key}");
            assert!(bright.content().iter().any(|cell| cell.fg != Color::Reset), "{key}");
            // The same words at the same places, and below the names of the screens a row that is reversed from end to end.
            assert_eq!(console::text(&plain), console::text(&bright), "{key}");
            let reversed = (3..24).filter(|y| {
                // The second cell of a wide character has no style of its own.
                (2..78).filter(|x| plain[(*x, *y)].modifier.contains(Modifier::REVERSED)).count() > 38
            });
            assert_eq!(reversed.count(), 1, "{key}\n{}", console::text(&plain));
        }
    }
}

#[test]
fn no_color_is_heeded_unless_a_person_says_otherwise() {
    let var = |name: &str| match name {
        "NO_COLOR" => Some("1".to_owned()),
        "LANG" => Some("zh_CN.UTF-8".to_owned()),
        _ => None,
    };
    assert_eq!(Look::detect(Wishes::default(), var).colors(), Colors::None);
    let wishes = Wishes { colors: Some(Colors::Sixteen), ..Wishes::default() };
    assert_eq!(Look::detect(wishes, var).colors(), Colors::Sixteen);
}

#[test]
fn knowledge_that_was_gone_back_from_can_be_gone_forward_to() {
    let knowledge = knowledge::Knowledge { back: true, ..Default::default() };
    let mut stage = Stage::with(SMALL, Fake { knowledge, ..Fake::default() });
    stage.keys("2fy");
    assert_eq!(acts(&stage), names(&[Request::Import(ImportRequest::Release { from: knowledge::OLD.into() })]));
}
