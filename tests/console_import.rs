//! The screens about knowledge and its import: which requests keys lead to, what needs a yes, and what happens when answers are late, the
//! service goes away, or another console is quicker.

#[path = "common/console/mod.rs"]
mod console;

use console::fake::import::{At, Import};
use console::fake::knowledge::{Knowledge, NEW};
use console::fake::{Fake, greeting};
use console::{ENGLISH, MODES, Mode, Stage, noon};
use guida::console::app::App;
use guida::console::jobs::JOBS;
use guida::console::keys::Key;
use guida::console::messages::{Answer, Effect, LinkProblem, Message, Ticket};
use guida::engine::importing::ImportRequest;
use guida::engine::request::Request;
use guida::types::ClauseId;
use std::path::Path;

fn stage() -> Stage {
    Stage::new(MODES[0])
}

fn with_import(import: Import) -> Stage {
    Stage::with(MODES[0], Fake { import, ..Fake::default() })
}

fn job(id: &str) -> &'static [Key] {
    JOBS.iter().find(|job| job.id == id).unwrap().keys
}

/// What was done to the import, without the looks at it.
fn done(stage: &Stage) -> Vec<ImportRequest> {
    let acts = stage.asked.iter().filter_map(|request| match request {
        Request::Import(ImportRequest::State) => None,
        Request::Import(act) => Some(act.clone()),
        _ => None,
    });
    acts.collect()
}

fn count(stage: &Stage, what: impl Fn(&Request) -> bool) -> usize {
    stage.asked.iter().filter(|request| what(request)).count()
}

#[test]
fn the_job_import_takes_a_pack_with_its_keys() {
    let mut stage = stage();
    let keys = job("import");
    stage.press(&keys[..2]);
    assert!(
        stage.shows("等你确认:知识包 1-9") && stage.shows("核对码 1-9-K3WR") && stage.shows("修改 2  新增 20  删除 1")
    );
    assert!(stage.shows("U 盘现在可以拔出"));
    stage.press(&keys[2..3]);
    assert!(stage.shows("从 1-8(2026-11-01 制作) 换到 1-9(2026-11-20 制作):条款修改 2、新增 20、删除 1"));
    assert!(stage.shows("按 2 再按 b 退回到 1-8"));
    let begin = ImportRequest::Begin { source: "/media/guida/总行知识".into() };
    assert_eq!(done(&stage), std::slice::from_ref(&begin));
    stage.press(&keys[3..]);
    assert_eq!(done(&stage), [begin, ImportRequest::Confirm { gid: console::fake::import::GID.into() }]);
    assert!(stage.shows("现在由知识包 1-9 回答") && stage.shows("已写到 U 盘,请带回总行"), "{}", stage.picture());
    // The end stays in sight until it was read; then the sticks are there again.
    stage.second().keys("\n");
    assert!(stage.shows("找到 2 个 U 盘") && stage.shows("上次导入:1-9 已换用"));
}

#[test]
fn the_job_rollback_goes_back_with_its_keys_and_forward_again() {
    let mut stage = stage();
    let keys = job("rollback");
    stage.press(&keys[..2]);
    for said in ["从 1-8(2026-11-01 制作) 退回到 1-7(2026-09-28 制作)", "柜员的下一个问题就由上一版回答", "按 f"]
    {
        assert!(stage.shows(said), "{said}\n{}", stage.picture());
    }
    assert!(done(&stage).is_empty());
    stage.press(&keys[2..]);
    let back = ImportRequest::Rollback { from: console::fake::knowledge::NEW.into() };
    assert_eq!(done(&stage), std::slice::from_ref(&back));
    assert!(
        stage.shows("现在由 1-7(2026-09-28 制作) 回答") && stage.shows("1-8 号知识包已停用"),
        "{}",
        stage.picture()
    );
    stage.press(&[Key::Esc]);
    assert!(stage.shows("已退回:1-8(2026-11-01 制作) 停用中,按 f 恢复"));
    // There is nothing further back.
    stage.keys("by");
    assert_eq!(done(&stage), std::slice::from_ref(&back));
    stage.keys("fy");
    assert_eq!(done(&stage), [back, ImportRequest::Release { from: console::fake::knowledge::OLD.into() }]);
    assert!(stage.shows("现在由 1-8(2026-11-01 制作) 回答"));
}

#[test]
fn the_job_clause_reads_a_clause_with_its_keys() {
    let mut stage = stage();
    stage.press(job("clause"));
    assert!(
        stage.shows("挂失业务操作规程 第一条 (1/28)") && stage.shows("2026-07-01 起  现行有效"),
        "{}",
        stage.picture()
    );
    stage.press(&[Key::Right]);
    assert!(stage.shows("第二条 (2/28)") && stage.shows("书面挂失七日后"));
    stage.press(&[Key::Left, Key::Left]);
    assert!(stage.shows("已是第一条") && stage.shows("第一条 (1/28)"));
    // One after the other, everything that was opened is closed.
    stage.press(&[Key::Right, Key::Esc]);
    assert!(stage.shows("条款 28 条"));
    stage.keys("\n");
    assert!(stage.shows("第二条 (2/28)"), "the clause that was read is the chosen one");
    stage.press(&[Key::Esc, Key::Esc]);
    assert!(stage.shows("文件 2/7"));
    stage.press(&[Key::Esc]);
    assert!(stage.shows("文件 7 份"));
}

#[test]
fn nothing_is_done_without_a_yes() {
    let back = || Fake { knowledge: Knowledge { back: true, ..Default::default() }, ..Fake::default() };
    for (fake, keys) in [
        (Fake::default(), "2b"),
        (back(), "2f"),
        (Fake::default(), "2va"),
        (Fake::default(), "3\nc"),
        (Fake::default(), "3\nx"),
        (Fake { import: Import { at: At::Copying, stays: true, ..Default::default() }, ..Fake::default() }, "3x"),
    ] {
        let mut stage = Stage::with(MODES[0], fake);
        stage.keys(keys);
        let before = stage.asked.len();
        assert!(stage.shows("y 确认执行"), "{keys}");
        stage.keys("\nc bx2").press(&[Key::Down, Key::Tab]);
        assert!(stage.shows("y 确认执行"), "{keys}: only yes and no close it");
        stage.press(&[Key::Esc]);
        assert!(!stage.shows("y 确认执行"), "{keys}");
        assert_eq!(stage.asked.len(), before, "{keys}: {:?}", stage.asked);
        stage.keys(&keys[keys.len() - 1..]).keys("y");
        assert!(stage.asked.len() > before, "{keys}");
    }
}

#[test]
fn a_question_that_was_looked_at_waits_no_more() {
    let mut stage = stage();
    stage.keys("2vay");
    let accepted = stage.asked.iter().find_map(|request| match request {
        Request::Accept(accept) => Some((accept.folded.clone(), accept.new_fingerprint.clone())),
        _ => None,
    });
    assert_eq!(accepted, Some(("存折丢了几天能补".into(), "2c3d".into())));
    assert!(stage.shows("没有待复核的问法") && stage.shows("已复核:存折丢了几天能补"), "{}", stage.picture());
    // Nothing is left to accept.
    stage.keys("ay");
    assert_eq!(count(&stage, |request| matches!(request, Request::Accept(_))), 1);
}

#[test]
fn an_import_is_followed_step_by_step_and_can_be_given_up() {
    let mut stage = with_import(Import { stays: true, ..Default::default() });
    stage.keys("3\n");
    assert!(stage.shows("请勿拔出 U 盘") && stage.shows("读取分卷,核对 SHA-256") && stage.shows("还要约 1 分 15 秒"));
    stage.keys("c");
    assert!(stage.shows("核验还没有完成"));
    stage.fake.import.at = At::Unpacking;
    stage.second();
    assert!(stage.shows("U 盘现在可以拔出") && stage.shows("解开文件"));
    stage.keys("xy").second();
    assert_eq!(done(&stage)[1..], [ImportRequest::Cancel]);
    assert!(stage.shows("已放弃导入,现行知识没有变") && stage.shows("找到 2 个 U 盘"), "{}", stage.picture());
}

#[test]
fn a_failure_says_what_where_and_what_to_do() {
    let mut stage = with_import(Import { bad: true, ..Default::default() });
    stage.keys("3\n");
    for said in ["停在“读取分卷,核对 SHA-256”", "[PACK_HASH]", "建议:U 盘可能损坏", "现行知识没有变"]
    {
        assert!(stage.shows(said), "{said}\n{}", stage.picture());
    }
    stage.press(&[Key::Esc]);
    assert!(stage.shows("上次导入失败:[PACK_HASH]"), "{}", stage.picture());
    let mut stage = with_import(Import { known: true, ..Default::default() });
    stage.keys("3\n");
    assert!(stage.shows("正是现在使用的,不用导入"));
}

#[test]
fn what_another_console_does_is_joined_in() {
    let mut stage = with_import(Import { at: At::Waiting, stays: true, ..Default::default() });
    stage.keys("3");
    assert!(stage.shows("等你确认:知识包 1-9"));
    // The other one confirms.
    stage.fake.import.at = At::Switching;
    stage.second();
    assert!(stage.shows("请勿拔出 U 盘"));
    stage.fake.import.at = At::Done;
    stage.second();
    assert!(stage.shows("现在由知识包 1-9 回答"));
    // The other one gives up.
    let mut stage = with_import(Import { at: At::Waiting, stays: true, ..Default::default() });
    stage.keys("3");
    stage.fake.import.at = At::Idle;
    stage.second();
    assert!(stage.shows("导入被取消或中断") && stage.shows("找到 2 个 U 盘"));
    // The other one was quicker with its yes: this one's does nothing.
    let mut stage = with_import(Import { at: At::Waiting, stays: true, ..Default::default() });
    stage.keys("3c");
    stage.fake.import.at = At::Done;
    stage.keys("y");
    assert!(stage.shows("[IMPORT_STATE]") && stage.shows("现在由知识包 1-9 回答"), "{}", stage.picture());
}

#[test]
fn what_ended_before_anybody_looked_is_one_line() {
    let mut stage = with_import(Import { at: At::Done, stays: true, ..Default::default() });
    stage.keys("3");
    assert!(stage.shows("找到 2 个 U 盘") && stage.shows("上次导入:1-9 已换用"));
}

#[test]
fn a_busy_service_says_so() {
    let mut stage = with_import(Import { busy: true, ..Default::default() });
    stage.keys("3\n");
    assert!(stage.shows("没有开始导入:") && stage.shows("[IMPORT_BUSY]") && stage.shows("建议:等它结束后重试"));
    stage.keys("2by");
    assert!(stage.shows("没有切换,仍由原来的知识回答") && stage.shows("[IMPORT_BUSY]"), "{}", stage.picture());
}

#[test]
fn a_service_that_comes_back_is_asked_anew() {
    let mut stage = with_import(Import { stays: true, ..Default::default() });
    stage.keys("3\n");
    stage.service_goes(LinkProblem::Lost);
    assert!(stage.shows("与服务的连接断开了"));
    // It has lost the import with everything else.
    stage.fake.import.at = At::Idle;
    stage.service_comes();
    assert!(stage.shows("找到 2 个 U 盘"), "{}", stage.picture());
    // A clause stays open.
    let mut stage = Stage::new(MODES[0]);
    stage.press(job("clause"));
    stage.service_goes(LinkProblem::Lost);
    stage.service_comes();
    assert!(stage.shows("第一条 (1/28)"));
}

#[test]
fn sticks_are_looked_for_while_somebody_looks_and_folders_can_be_typed() {
    let sticks = |stage: &Stage| count(stage, |request| matches!(request, Request::Sticks));
    let mut stage = with_import(Import { no_sticks: true, ..Default::default() });
    stage.keys("3");
    assert!(stage.shows("没有找到 U 盘") && stage.shows("查找过:/run/media  /media  /mnt"));
    let asked = sticks(&stage);
    for _ in 0..10 {
        stage.second();
    }
    assert_eq!(sticks(&stage) - asked, 5);
    stage.fake.import.no_sticks = false;
    stage.second().second();
    assert!(stage.shows("找到 2 个 U 盘"));
    stage.keys("8");
    let asked = sticks(&stage);
    stage.second().second();
    assert_eq!(sticks(&stage), asked);
    // Digits and letters belong to the folder.
    stage.keys("3p");
    stage.happen(Message::Paste("/mnt/u2".into()));
    stage.keys("q3\n");
    let Some(ImportRequest::Begin { source }) = done(&stage).pop() else { panic!("{:?}", stage.asked) };
    assert_eq!(source, Path::new("/mnt/u2q3"));
    assert!(!stage.left);
}

#[test]
fn long_documents_come_as_far_as_they_are_wanted() {
    let pages = |stage: &Stage| count(stage, |request| matches!(request, Request::Clause { neighbours: 20, .. }));
    let mut stage = stage();
    stage.keys("2\n");
    assert!(stage.shows("条款 41 条"));
    assert_eq!(pages(&stage), 1);
    stage.press(&[Key::Down; 12]);
    assert_eq!(pages(&stage), 2);
    // What is looked for may stand anywhere.
    stage.keys("/di41xiang");
    assert_eq!(pages(&stage), 2);
    assert!(stage.shows("第四十一条"), "{}", stage.picture());
    stage.press(&[Key::Esc]).press(&[Key::End; 3]);
    assert!(stage.shows("第四十一条"));
    stage.press(&[Key::Tab; 9]);
    assert!(stage.shows("条款 41 条"), "who comes by finds what was open");
    stage.keys("2");
    assert!(!stage.shows("条款 41 条"), "its key leads to the first view");
    stage.keys("/guashi\n\n").press(&[Key::Right]);
    assert!(stage.shows("条款 26 条"), "the version before");
}

#[test]
fn without_a_data_folder_documents_are_there_all_the_same() {
    let fake = Fake { knowledge: Knowledge { bare: true, ..Default::default() }, ..Fake::default() };
    let mut stage = Stage::with(MODES[0], fake);
    stage.keys("2");
    assert!(stage.shows("[DATA_FOLDER]") && stage.shows("储蓄管理条例"));
    stage.keys("b");
    assert!(!stage.shows("y 确认执行"));
    stage.keys("g");
    assert!(stage.shows("[DATA_FOLDER]"));
}

#[test]
fn the_first_pack_has_nothing_before_it() {
    let fake = Fake { knowledge: Knowledge { first: true, ..Default::default() }, ..Fake::default() };
    let mut stage = Stage::with(MODES[0], fake);
    stage.keys("2b");
    assert!(stage.shows("没有更早的知识可以退回") && !stage.shows("y 确认执行"));
    stage.keys("d");
    assert!(stage.shows("没有上一版知识可以比较"));
}

#[test]
fn a_difference_is_filtered_and_read_one_by_one() {
    let mut stage = stage();
    stage.keys("2d/第二条");
    assert!(stage.shows("1/8 项"), "{}", stage.picture());
    stage.keys("\n\n");
    assert!(
        stage.shows("原文:") && stage.shows("书面挂失五日后") && stage.shows("书面挂失七日后"),
        "{}",
        stage.picture()
    );
    stage.press(&[Key::Right, Key::Right, Key::Esc, Key::Esc, Key::Esc]);
    assert!(stage.shows("文件 7 份"));
}

/// A console whose answers come when the test wants.
struct Late {
    app: App,
    fake: Fake,
    waiting: Vec<(Ticket, Request)>,
}

impl Late {
    fn new(mode: Mode) -> Late {
        let app = App::new((mode.look)(), "/var/lib/guida", noon());
        let mut late = Late { app, fake: Fake::default(), waiting: Vec::new() };
        late.happen(Message::Linked(greeting()));
        late
    }

    fn happen(&mut self, message: Message) {
        for effect in self.app.update(message) {
            if let Effect::Send { ticket, request, .. } = effect {
                self.waiting.push((ticket, *request));
            }
        }
    }

    fn keys(&mut self, keys: &[Key]) {
        keys.iter().for_each(|key| self.happen(Message::Key(*key)));
    }

    /// Answers everything that waits, what was asked last first, until nothing waits.
    fn answer_backwards(&mut self) {
        while let Some((ticket, request)) = self.waiting.pop() {
            for answer in self.fake.answer(request) {
                self.happen(Message::Answer(ticket, answer));
            }
        }
    }

    fn picture(&self) -> String {
        console::picture_of(&self.app, MODES[0])
    }
}

#[test]
fn answers_that_come_late_or_in_another_order_show_nothing_wrong() {
    let mut late = Late::new(MODES[0]);
    late.keys(&[Key::Char('2')]);
    assert!(late.picture().contains("正在读取…"));
    // The box is not known yet: nothing can be confirmed that names nothing.
    late.keys(&[Key::Char('b')]);
    assert!(late.picture().contains("请再按一次") && !late.picture().contains("y 确认执行"));
    late.answer_backwards();
    // One document, back, another one; the first one's clauses come last.
    late.keys(&[Key::Enter, Key::Esc, Key::Down, Key::Enter]);
    late.answer_backwards();
    let picture = late.picture();
    assert!(picture.contains("存款保险条例") && picture.contains("条款 23 条"), "{picture}");
    assert!(!picture.contains("储蓄管理条例"), "{picture}");
    // Three clauses on, before the first has come.
    late.keys(&[Key::Enter]);
    late.answer_backwards();
    late.keys(&[Key::Right]);
    let first = late.waiting.pop().unwrap();
    assert!(matches!(first.1, Request::Clause { id: ClauseId(2002), .. }), "{first:?}");
    late.keys(&[Key::Left, Key::Right]);
    late.answer_backwards();
    for answer in late.fake.answer(first.1) {
        late.happen(Message::Answer(first.0, answer));
    }
    assert!(late.picture().contains("存款保险条例 第二条 (2/23)"), "{}", late.picture());
}

#[test]
fn a_state_from_before_the_beginning_does_not_end_it() {
    let mut late = Late::new(MODES[0]);
    late.keys(&[Key::Char('3')]);
    late.answer_backwards();
    late.happen(Message::Tick(noon()));
    let before: Vec<_> = std::mem::take(&mut late.waiting);
    late.keys(&[Key::Enter]);
    // Pressed twice, it begins once.
    late.keys(&[Key::Enter]);
    assert_eq!(late.waiting.len(), 1);
    late.answer_backwards();
    assert!(late.picture().contains("等你确认"));
    for (ticket, request) in before {
        if matches!(request, Request::Import(_)) {
            let idle = Import::default().reply(&ImportRequest::State, &mut Knowledge::default()).unwrap();
            late.happen(Message::Answer(ticket, Answer::Reply(Box::new(idle))));
        }
    }
    assert!(late.picture().contains("等你确认"), "{}", late.picture());
}

#[test]
fn every_view_can_be_drawn_at_any_size_and_in_english() {
    let plays: [(&str, At); 12] = [
        ("2", At::Idle),
        ("2/gs\n\n\n", At::Idle),
        ("2g", At::Idle),
        ("2d\n", At::Idle),
        ("2va", At::Idle),
        ("2by", At::Idle),
        ("3", At::Idle),
        ("3p/mnt", At::Idle),
        ("3", At::Copying),
        ("3d", At::Waiting),
        ("3s", At::Waiting),
        ("3", At::Failed),
    ];
    for (keys, at) in plays {
        let stays = at != At::Idle;
        let fake = Fake { import: Import { at, stays, ..Default::default() }, ..Fake::default() };
        let mut stage = Stage::with(ENGLISH, fake);
        stage.keys(keys);
        for width in [80, 81, 99, 104, 120, 200] {
            for height in [24, 25, 31, 40, 60] {
                console::picture_of(&stage.app, Mode { size: (width, height), ..ENGLISH });
            }
        }
        let own = stage.picture().replace(NEW, "");
        assert!(!own.contains("返回") && !own.contains("知识包"), "{own}");
    }
}
