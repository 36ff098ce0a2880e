//! The built program in a real terminal, against the built service: what branch IT do, key by key.
//! `GUIDA_CAPTURES=folder` keeps the pictures for the documentation.

#[path = "common/ansi.rs"]
mod ansi;
#[path = "common/client.rs"]
mod client;
#[path = "common/packs.rs"]
mod packs;
#[path = "common/product.rs"]
mod product;
#[path = "common/rules.rs"]
mod rules;
#[path = "common/tmux.rs"]
mod tmux;
#[path = "common/webdriver.rs"]
mod webdriver;

use guida::console::terminal::Held;
use guida::pack::manifest::{Golden, Manifest, PackModel};
use guida::store::Knowledge;
use packs::{Bank, Branch, Usb};
use product::{GUIDA, Product, guida, sample, signal, stderr};
use std::path::Path;
use tempfile::TempDir;
use tmux::{Tmux, holds};

/// The terminal of somebody who came over SSH.
const SSH: [(&str, &str); 2] = [("TERM", "xterm-256color"), ("LANG", "zh_CN.UTF-8")];
/// Only the new pack answers it.
const QUESTION: &str = "老人忘带证件,养老金补贴红包能代领吗";
const RULE: &str = "---
title: 示例银行养老金补贴红包发放管理办法
doc_no: 示例银发〔2026〕301号
issuer: 示例银行零售金融部
level: 行内制度
published: 2026-09-01
effective: 2026-10-01
classification: 内部
sample: true
---
# 示例银行养老金补贴红包发放管理办法

第一条 为规范养老金补贴红包的发放和领取，制定本办法。

第二条 养老金补贴红包由本人凭有效身份证件到任一网点领取，每人每年一次，金额为200元。

第三条 老人忘带证件或者行动不便的，养老金补贴红包可以由配偶、子女代领；代领人应当出示双方有效身份证件和关系证明。
";

/// Head office's old and new knowledge: the sample rules, and the same with one document more.
struct Rules {
    old: Vec<u8>,
    new: Vec<u8>,
    /// How many clauses they hold.
    clauses: (u64, u64),
}

impl Rules {
    fn make() -> Rules {
        let folder = TempDir::new().unwrap();
        let (more, out) = (folder.path().join("more"), folder.path().join("new.db"));
        std::fs::create_dir(&more).unwrap();
        std::fs::write(more.join("红包.md"), RULE).unwrap();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/knowledge");
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let built =
            guida(&["kb", "build", &text(&rules), &text(&more), "--like", &text(&sample()), "--out", &text(&out)]);
        assert!(built.status.success(), "{}", stderr(&built));
        let clauses = |kb: &Path| Knowledge::open(kb).unwrap().clause_total();
        let clauses = (clauses(&sample()), clauses(&out));
        Rules { old: std::fs::read(sample()).unwrap(), new: std::fs::read(out).unwrap(), clauses }
    }
}

/// A branch with the old knowledge, and a stick with the new one.
fn branch() -> (Branch, Usb) {
    let rules = Rules::make();
    let bank = Bank::new();
    let branch = Branch::of(&bank);
    let made_by = Knowledge::open(&sample()).unwrap().embedder().unwrap().clone();
    let model = PackModel { id: made_by.name, dim: made_by.dimension as u64, sha256: made_by.sha256 };
    let golden = Golden {
        question: "银行卡口头挂失多久失效".into(),
        document: "示例银行个人存款凭证挂失与补领管理办法".into(),
        clause: "第六条".into(),
        within: None,
    };
    let describe = |manifest: &mut Manifest| {
        manifest.totals.clauses = if manifest.seq == 7 { rules.clauses.0 } else { rules.clauses.1 };
        manifest.models = vec![model.clone()];
        manifest.golden = vec![golden.clone()];
    };
    let first = bank.pack(7, &rules.old).with(describe).stick();
    let brought =
        guida(&["import", first.path().to_str().unwrap(), "--data", branch.data.root().to_str().unwrap(), "--yes"]);
    assert!(brought.status.success(), "{}", stderr(&brought));
    let second = bank.pack(8, &rules.new).delta_from(&rules.old).with(describe).with(|manifest| {
        manifest.changelog = vec!["新发《示例银行养老金补贴红包发放管理办法》,2026-10-01 起施行".into()];
    });
    (branch, second.stick())
}

fn serve(branch: &Branch) -> Product {
    Product::start(&["--data", branch.data.root().to_str().unwrap()])
}

/// Opens the console in a terminal's shell; it tells how it ended.
fn open(tmux: &Tmux, data: &Path, more: &str) {
    tmux.shell(&format!("clear; {GUIDA} console --data {} {more}; echo ended with $?", data.display()));
}

fn ask(tmux: &Tmux, question: &str) {
    tmux.keys(&["5"]);
    tmux.sees("按 i 输入问题");
    tmux.keys(&["i"]);
    tmux.text(question);
    tmux.keys(&["Enter"]);
}

#[test]
fn a_pack_is_imported_asked_and_taken_back_from_the_console() {
    let (branch, usb) = branch();
    let folder = usb.path().display().to_string();
    let product = serve(&branch);
    let answered = || {
        let asked = client::ask(product.addr, &format!("{{\"question\":\"{QUESTION}\"}}")).json();
        !asked["refused"].as_bool().unwrap()
    };
    assert!(!answered(), "only the new pack answers");

    let tmux = Tmux::start((80, 24), &SSH);
    open(&tmux, branch.data.root(), "");
    tmux.sees("服务运行中");
    tmux.sees("要处理的事");
    tmux.capture("overview");

    // Before: nothing answers, and the screen says why.
    ask(&tmux, QUESTION);
    tmux.sees("为什么没有答案,怎么办");
    tmux.capture("refused");

    // A folder stands for the stick.
    tmux.keys(&["3"]);
    tmux.sees("没有找到 U 盘");
    tmux.keys(&["p"]);
    tmux.text(&folder);
    tmux.keys(&["Enter"]);
    tmux.sees("等你确认:知识包 1-8");
    tmux.capture("import-preview");
    tmux.keys(&["d"]);
    let difference = tmux.sees("示例银行养老金补贴红包发放管理办法");
    assert!(holds(&difference, "文件: 新增 1"), "{difference}");
    tmux.capture("import-difference");
    tmux.keys(&["Escape"]);
    tmux.sees("c 导入,x 放弃");
    tmux.keys(&["c"]);
    tmux.sees("柜员的下一个问题就由新知识回答");
    tmux.capture("import-confirm");
    // Enter is no yes.
    tmux.keys(&["Enter"]);
    assert!(!answered());
    tmux.keys(&["y"]);
    tmux.sees("现在由知识包 1-8 回答");
    tmux.capture("import-done");
    assert!(answered(), "tellers are answered from the new pack");

    ask(&tmux, QUESTION);
    tmux.sees("可以由配偶、子女代领");
    tmux.capture("answered");
    tmux.keys(&["Tab"]);
    tmux.sees("把握从哪里来");
    tmux.capture("evidence");

    tmux.keys(&["2"]);
    tmux.sees("可退回到 1-7");
    tmux.capture("knowledge");
    tmux.keys(&["b"]);
    tmux.sees("y 确认执行");
    tmux.capture("rollback-confirm");
    tmux.keys(&["y"]);
    tmux.sees("现在由 1-7");
    tmux.capture("rollback-done");
    assert!(!answered(), "the old knowledge answers again");
    ask(&tmux, QUESTION);
    tmux.sees("为什么没有答案,怎么办");

    // Who did it stands in the journal.
    tmux.keys(&["6"]);
    tmux.sees("运行日志");
    tmux.capture("logs");
    tmux.keys(&["j"]);
    let journal = tmux.sees("退回");
    assert!(holds(&journal, "operator uid="), "{journal}");
    tmux.capture("journal");
    for (key, words, name) in [
        ("4", "没有模型在服务", "models"),
        ("7", "http.listen", "settings"),
        ("8", "项正常", "doctor"),
        ("9", "七件常做的事", "help"),
    ] {
        tmux.keys(&[key]);
        tmux.sees(words);
        tmux.capture(name);
    }
    tmux.keys(&["q"]);
    tmux.sees("ended with 0");
    assert_eq!(tmux.asked("alternate_on"), "0", "the terminal is given back");
    assert_eq!(tmux.asked("cursor_flag"), "1");
    drop(product);
}

#[test]
fn a_service_that_is_killed_is_missed_and_found_again() {
    let data = TempDir::new().unwrap();
    let kb = sample();
    let start =
        || Product::start(&["--data", data.path().to_str().unwrap(), "--kb", kb.to_str().unwrap(), "--no-embedder"]);
    let tmux = Tmux::start((80, 24), &SSH);
    open(&tmux, data.path(), "");
    // Before there is one.
    let alone = tmux.sees("服务没有运行");
    assert!(holds(&alone, "s 启动服务") && holds(&alone, "8 体检") && holds(&alone, "6 日志"), "{alone}");
    tmux.capture("alone");
    let product = start();
    tmux.sees("服务运行中");
    tmux.keys(&["8"]);
    tmux.sees("项正常");
    tmux.keys(&["1"]);
    signal("KILL", product.pid());
    let lost = tmux.sees("服务已断开");
    assert!(holds(&lost, "自动重连中"), "{lost}");
    tmux.capture("lost");
    // What needs no service works: the log says what was before.
    tmux.keys(&["6"]);
    tmux.sees("日志文件的末尾");
    tmux.sees("guida 0.1.0 serves");
    tmux.keys(&["1"]);
    let again = start();
    tmux.sees("服务运行中");
    tmux.sees("按此日期");
    // By itself: no key was pressed since. The next one works.
    tmux.keys(&["7"]);
    tmux.sees("http.listen");
    tmux.keys(&["8"]);
    let found = tmux.sees("项正常");
    assert!(!found.contains("SERVICE_GONE"), "{found}");
    drop(again);
    tmux.sees("服务已断开");
    tmux.keys(&["q"]);
    tmux.sees("ended with 0");
}

#[test]
fn on_a_text_console_everything_is_ascii() {
    let data = TempDir::new().unwrap();
    let kb = sample();
    let product =
        Product::start(&["--data", data.path().to_str().unwrap(), "--kb", kb.to_str().unwrap(), "--no-embedder"]);
    let tmux = Tmux::start((80, 24), &[("TERM", "linux"), ("LANG", "zh_CN.UTF-8")]);
    open(&tmux, data.path(), "");
    let picture = tmux.sees("service up");
    assert!(picture.is_ascii(), "{picture}");
    tmux.capture("fallback");
    tmux.keys(&["2", "/"]);
    tmux.text("guashi");
    tmux.keys(&["Enter"]);
    let found = tmux.sees("gua shi");
    assert!(found.is_ascii(), "{found}");
    tmux.capture("fallback-knowledge");
    tmux.keys(&["q"]);
    tmux.sees("ended with 0");
    // A person's word goes before.
    open(&tmux, data.path(), "--charset unicode");
    tmux.sees("服务运行中");
    tmux.keys(&["q"]);
    tmux.sees("ended with 0");
    // Without colours none is sent.
    tmux.shell("export NO_COLOR=1");
    open(&tmux, data.path(), "--charset unicode --language en");
    tmux.sees("service up");
    let colored = tmux.colored();
    let escapes: Vec<&str> =
        colored.split('\x1b').skip(1).filter_map(|e| e.strip_prefix('[')?.split('m').next()).collect();
    let is_color = |code: &str| {
        code.split(';').any(|n| n.parse::<u32>().is_ok_and(|n| (30..=37).contains(&n) || (90..=97).contains(&n)))
    };
    assert!(!escapes.is_empty() && !escapes.iter().any(|code| is_color(code)), "{escapes:?}");
    drop(product);
}

#[test]
fn another_size_is_filled_and_a_small_window_says_so() {
    let data = TempDir::new().unwrap();
    let tmux = Tmux::start((80, 24), &SSH);
    open(&tmux, data.path(), "");
    tmux.sees("没有连上柜答服务");
    let full = |(width, height): (usize, usize)| {
        tmux.resize((width as u16, height as u16));
        tmux.wait("the window is filled", |picture| {
            let lines: Vec<&str> = picture.lines().collect();
            let frame = lines
                .get(2)
                .is_some_and(|line| line.ends_with('┐') && unicode_width::UnicodeWidthStr::width(*line) == width);
            frame && lines.get(height - 1).is_some_and(|line| line.contains("启动服务"))
        });
    };
    full((120, 40));
    full((81, 25));
    tmux.resize((60, 20));
    tmux.sees("窗口太小:60x20,至少 80x24");
    full((100, 30));
    tmux.keys(&["q"]);
    tmux.sees("ended with 0");
}

/// The one process that another has started: the fourth field of `/proc/PID/stat`, behind the name in brackets, is the parent.
fn child_of(parent: u32) -> u32 {
    let of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| of(*pid) == Some(parent)).expect("a child")
}

#[test]
fn signals_and_the_lack_of_a_terminal_leave_everything_in_order() {
    let data = TempDir::new().unwrap();
    let tmux = Tmux::start((80, 24), &SSH);
    tmux.shell("clear; stty -g > /tmp/before.$$; echo kept");
    tmux.sees("kept");
    for name in ["TERM", "HUP"] {
        open(&tmux, data.path(), "");
        tmux.sees("没有连上柜答服务");
        assert_eq!(tmux.asked("alternate_on"), "1");
        signal(name, child_of(tmux.asked("pane_pid").parse().unwrap()));
        tmux.sees("ended with 0");
        assert_eq!(tmux.asked("alternate_on"), "0", "{name}");
    }
    tmux.shell("clear; stty -g > /tmp/after.$$; cmp /tmp/before.$$ /tmp/after.$$ && echo as be''fore; rm /tmp/before.$$ /tmp/after.$$");
    tmux.sees("as before");
    let nowhere = guida(&["console", "--data", data.path().to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("CONSOLE_TERMINAL"), "{}", stderr(&nowhere));
}

/// The picture of the README: a box at work, as a browser paints it. Made only when it is wanted.
#[test]
fn the_picture_for_the_readme() {
    const SIZE: (usize, usize) = (100, 30);
    if std::env::var_os("GUIDA_SCREENSHOT_DIR").is_none() {
        return;
    }
    let (branch, _usb) = branch();
    let product = serve(&branch);
    for question in
        ["身份证过期三个月,卡还能取钱吗", "存单丢了能先口头挂失吗", "没预约今天取20万能付吗", "中午食堂几点开饭"]
            .iter()
            .cycle()
            .take(60)
    {
        client::ask(product.addr, &format!("{{\"question\":\"{question}\"}}"));
    }
    let tmux = Tmux::start((SIZE.0 as u16, SIZE.1 as u16), &SSH);
    open(&tmux, branch.data.root(), "");
    tmux.sees("处理中 0");
    let (width, height) = ansi::window(SIZE);
    let Some(browser) = webdriver::Browser::open(width, height) else { return };
    let page = TempDir::new().unwrap();
    let file = page.path().join("page.html");
    std::fs::write(&file, ansi::page(&tmux.colored())).unwrap();
    browser.go(&format!("file://{}", file.display()));
    browser.screenshot("console.png");
}

/// Run by the next test in a terminal; by itself it does nothing.
#[test]
fn it_panics_in_a_terminal() {
    if std::env::var_os("GUIDA_TEST_PANIC").is_some() {
        let _held = Held::take().unwrap();
        panic!("as asked");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let tmux = Tmux::start((80, 24), &[("TERM", "xterm-256color"), ("GUIDA_TEST_PANIC", "1"), ("RUST_BACKTRACE", "0")]);
    let program = std::env::current_exe().unwrap();
    tmux.shell(&format!(
        "clear; {} --exact it_panics_in_a_terminal --nocapture; echo ended with $?",
        program.display()
    ));
    let picture = tmux.sees("ended with 101");
    assert!(picture.contains("as asked"), "the report is seen: {picture}");
    assert_eq!((tmux.asked("alternate_on"), tmux.asked("cursor_flag")), ("0".into(), "1".into()));
    tmux.shell("stty -a | grep -ow echo && echo typed is se''en");
    tmux.sees("typed is seen");
}
