//! The teller page of the real product in a real browser: ask, read the card while the model is still silent, open a clause,
//! print; by keyboard alone too.

#[path = "common/client.rs"]
mod client;
#[path = "common/door.rs"]
mod door;
#[path = "common/gguf.rs"]
mod gguf;
#[path = "common/product.rs"]
mod product;
#[path = "common/server.rs"]
mod server;
#[path = "common/webdriver.rs"]
mod webdriver;

use product::{Product, signal};
use webdriver::{Browser, keys};

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";
/// Leaves the condition open that the guide asks for.
const OPEN_QUESTION: &str = "身份证过期了还能取钱吗";
/// Nothing in the sample rules answers it.
const OFF_TOPIC: &str = "中午食堂几点开饭";

/// The commonest screen at a counter.
const SCREEN: (u32, u32) = (1366, 768);

fn open(args: &[&str]) -> Option<(Product, Browser)> {
    let browser = Browser::open(SCREEN.0, SCREEN.1)?;
    let product = Product::start(args);
    show(&browser, &product);
    Some((product, browser))
}

/// With a model that writes whatever it is asked; it lives in the folder.
fn open_with_model() -> Option<(Product, Browser, tempfile::TempDir)> {
    let browser = Browser::open(SCREEN.0, SCREEN.1)?;
    let folder = tempfile::tempdir().expect("folder");
    let model = folder.path().join("chat.gguf");
    gguf::write_chat_model(&model, &gguf::ChatSpec::default());
    let product = Product::start_with_model(&model, &[]);
    show(&browser, &product);
    Some((product, browser, folder))
}

fn show(browser: &Browser, product: &Product) {
    browser.go(&format!("http://{}/", product.addr));
    browser.wait_for("document.body.classList.contains('scripted') && document.getElementById('state').textContent");
}

fn ask(browser: &Browser, question: &str) {
    browser.run("document.getElementById('question').value = ''; document.getElementById('question').focus();");
    browser.press(&format!("{question}{}", keys::ENTER));
    browser.wait_for(&format!(
        "document.querySelector('.asked b') && document.querySelector('.asked b').textContent === '{question}'"
    ));
}

/// Where the lower edge of an element lies in the window.
fn bottom(browser: &Browser, selector: &str) -> f64 {
    let script = format!("return document.querySelector({selector:?}).getBoundingClientRect().bottom");
    browser.run(&script).as_f64().unwrap_or_else(|| panic!("no {selector}"))
}

#[test]
fn a_teller_reads_the_card_before_the_model_has_said_a_word() {
    let Some((product, browser, _folder)) = open_with_model() else { return };
    browser.screenshot("page-start.png");
    // A model that does not move: whatever is on the page now came without it.
    let generator = product.generator_pid().expect("the generator process");
    signal("STOP", generator);
    ask(&browser, QUESTION);
    assert!(browser.text(".said").contains("身份证件过期未超过90日的客户办理取现"), "{}", browser.text(".said"));
    assert!(browser.text("#cite-1").contains("第十五条"));
    assert!(browser.text("#cite-1 mark").contains("过期未超过90日"), "{}", browser.text("#cite-1 .verbatim"));
    assert_eq!(browser.text("#prose .prose-text"), "");
    browser.screenshot("page-card.png");

    // The first screen: the conclusion, the first clauses and everything to do.
    for part in [".verdict", "#cite-1", "#cite-2 .cite-head", ".section.steps", ".section.materials"] {
        assert!(bottom(&browser, part) <= f64::from(SCREEN.1), "{part} ends at {}", bottom(&browser, part));
    }
    let wide = browser.run("return document.documentElement.scrollWidth").as_u64();
    assert!(wide <= Some(u64::from(SCREEN.0)), "the page is {wide:?} wide");

    signal("CONT", generator);
    browser.wait_for("document.querySelector('.prose-note')");
    assert!(!browser.text("#prose .prose-text").is_empty());
    assert!(browser.text("#prose .aigc").contains(guida::types::AIGC_LABEL));
    assert!(browser.text("#prose").contains("tiny-chat"));
    let marks = browser.run("return performance.getEntriesByType('mark').map(function (m) { return m.name; })");
    assert_eq!(marks[0], "guida-card");
    browser.click("#to-prose");
    browser.screenshot("page-prose.png");
}

#[test]
fn a_clause_opens_in_its_document_with_neighbours_and_versions() {
    let Some((_product, browser)) = open(&[]) else { return };
    ask(&browser, QUESTION);
    browser.screenshot("teller-page.png");
    let shown = browser.text("#cite-1 mark");
    browser.click("#cite-1 .cite-head");
    browser.wait_for("document.getElementById('panel-clause')");
    assert_eq!(browser.text("#panel-clause h3"), "第十五条");
    // The card shows one paragraph; the panel the whole clause, with the same sentence marked.
    assert_eq!(browser.text("#panel-clause mark"), shown);
    assert!(browser.text("#panel").contains("第十四条") && browser.text("#panel").contains("第十六条"));
    assert!(browser.text(".versions h3").contains("历次版本(2)"));
    browser.screenshot("teller-page-clause.png");
    browser.run("document.querySelector('.versions button:not([disabled])').click()");
    browser.wait_for("document.querySelector('.panel-head .pill.superseded')");
    assert!(browser.text(".panel-head").contains("示例银发〔2022〕118号"), "{}", browser.text(".panel-head"));
    browser.click(".clause.near h3 button");
    browser.wait_for("document.querySelector('#panel-clause h3').textContent !== '第一条'");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.getElementById('panel').hidden");
    // A guide opens like a rule.
    browser.click(".cite:last-child .cite-head");
    browser.wait_for("document.getElementById('panel-clause')");
    browser.screenshot("page-scene.png");
}

#[test]
fn an_answer_is_copied_and_printed_with_its_sources() {
    let Some((product, browser)) = open(&[]) else { return };
    ask(&browser, QUESTION);
    let generation = product.get("/api/v1/status").json()["generation"].as_str().expect("generation").to_owned();
    let parts =
        ["示例银发〔2025〕112号", "第十五条", "2026-01-01 起施行", &generation, "身份证件过期未超过90日", "SHA-256"];
    browser.click("#copy");
    browser.wait_for("document.querySelector('.toast') && document.querySelector('.toast').textContent === '已复制'");
    browser
        .run("var q = document.getElementById('question'); q.removeAttribute('maxlength'); q.value = ''; q.focus();");
    browser.press_with(keys::CONTROL, 'v');
    let copied = browser.run("return document.getElementById('question').value").as_str().unwrap().to_owned();
    for part in parts {
        assert!(copied.contains(part), "{part} is missing in the copy: {copied}");
    }
    let pdf = webdriver::base64(&browser.print());
    assert!(pdf.starts_with(b"%PDF-"));
    let pages = lopdf::Document::load_mem(&pdf).expect("PDF").get_pages().len();
    assert!((1..=2).contains(&pages), "the slip has {pages} pages");
    let slip = browser.run("return document.getElementById('slip').textContent").as_str().unwrap().to_owned();
    for part in parts {
        assert!(slip.contains(part), "{part} is missing on the slip");
    }
    browser.medium("print");
    browser.screenshot("page-slip.png");
}

#[test]
fn the_keyboard_alone_is_enough() {
    let Some((product, browser, _folder)) = open_with_model() else { return };
    assert_eq!(browser.run("return document.activeElement.id"), "question", "the input has the focus from the start");
    browser.press(&format!("{QUESTION}{}", keys::ENTER));
    browser.wait_for("document.querySelector('.prose-note')");
    let written = browser.text("#prose .prose-text");
    browser.press_with(keys::ALT, '2');
    browser.wait_for("document.getElementById('panel-clause')");
    assert_eq!(browser.text("#panel-clause h3"), "场景一");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.getElementById('panel').hidden");
    browser.press(&format!("{}/", keys::TAB));
    assert_eq!(browser.run("return document.activeElement.id"), "question");

    signal("STOP", product.generator_pid().expect("the generator process"));
    ask(&browser, "没预约今天取20万能付吗");
    browser.wait_for("document.getElementById('stop') && !document.getElementById('stop').hidden");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.querySelector('.prose-note.bad')");
    assert!(browser.text("#prose").contains("已停止生成"));
    signal("CONT", product.generator_pid().expect("the generator process"));
    product::until("the stopped prose is given up", || product.generator()["queued"] == 0);

    // Back to the first question through the history.
    browser.press(&format!("/{}", keys::DOWN));
    browser.press(&format!("{}{}", keys::DOWN, keys::ENTER));
    browser.wait_for(&format!("document.querySelector('.asked b').textContent === '{QUESTION}'"));
    assert_eq!(browser.text("#prose .prose-text"), written, "the prose is kept with its card");
    // It survives a reload of this tab.
    browser.run("location.reload()");
    browser.wait_for("document.querySelectorAll('#history button').length === 2");
}

#[test]
fn choices_refusals_and_errors_have_their_own_view() {
    let Some((product, browser)) = open(&[]) else { return };
    ask(&browser, OPEN_QUESTION);
    assert_eq!(browser.text(".verdict .word"), "有条件");
    assert_eq!(browser.run("return document.querySelectorAll('.choice').length"), 2);
    browser.screenshot("page-choices.png");
    browser.run("document.querySelectorAll('.choice')[1].click()");
    browser.wait_for("!document.querySelector('.clarify')");
    assert_eq!(browser.text(".verdict .word"), "不能");
    browser.screenshot("page-chosen.png");
    ask(&browser, OFF_TOPIC);
    assert_eq!(browser.text(".verdict .word"), "未找到依据");
    let refusal = client::ask(product.addr, &serde_json::json!({ "question": OFF_TOPIC }).to_string()).json();
    let searched = format!("{} 条", refusal["refusal"]["clauses_searched"]);
    assert!(browser.text("#card").contains(&searched) && browser.text("#card").contains("会计主管"));
    assert_eq!(browser.run("return document.querySelectorAll('.cite').length"), 0);
    browser.screenshot("page-refusal.png");
    // The rules of another day, through the field beside the question.
    browser.run("document.getElementById('as-of').value = '2024年2月30日'");
    browser.run("document.getElementById('send').click()");
    browser.wait_for("document.querySelector('.toast')");
    assert_eq!(
        browser.run("return document.activeElement.id"),
        "as-of",
        "a day that does not exist is asked for again"
    );
    browser.run("document.getElementById('as-of').value = '2024年1月1日'");
    ask(&browser, QUESTION);
    assert!(browser.text(".asked").contains("2024-01-01"));
    assert!(browser.run("return document.querySelectorAll('.pill.in_force').length").as_u64() > Some(0));
    browser.screenshot("page-as-of.png");
    assert!(product.terminate().success());
    browser.run("document.getElementById('question').value = 'x'; document.getElementById('send').click();");
    browser.wait_for("document.querySelector('.failure')");
    assert!(browser.text(".failure").contains("连接不上"));
}

#[test]
fn the_plain_page_asks_by_its_form() {
    let Some((product, browser)) = open(&[]) else { return };
    browser.go(&format!("http://{}/ask?q=x", product.addr));
    browser
        .run("document.querySelector('input.question').value = ''; document.querySelector('input.question').focus()");
    browser.press(&format!("{OPEN_QUESTION}{}", keys::ENTER));
    browser.wait_for("document.querySelectorAll('.choice').length === 2");
    assert_eq!(browser.text(".verdict .word"), "有条件");
    assert!(browser.text(".verbatim").contains("过期未超过90日"));
    browser.screenshot("page-plain.png");
    browser.click(".choice");
    browser.wait_for("document.querySelector('.said') && !document.querySelector('.choice')");
    assert!(browser.text(".said").starts_with("有条件"), "{}", browser.text(".said"));
    assert_eq!(browser.run("return document.querySelectorAll('script').length"), 0);
}

#[test]
fn the_hash_on_the_slip_is_sha_256_and_markup_in_questions_stays_text() {
    let Some((_product, browser)) = open(&[]) else { return };
    // NIST's example for the empty and the one-block message (FIPS 180-4).
    assert_eq!(
        browser.run("return guidaSha256('abc')"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        browser.run("return guidaSha256('')"),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    ask(&browser, "<img src=x onerror=window.broken=1><b>粗</b>");
    assert!(browser.text(".asked").contains("<b>粗</b>"));
    assert_eq!(
        browser.run("return [window.broken || 0, document.querySelectorAll('#card img').length]"),
        serde_json::json!([0, 0])
    );
}

#[test]
fn the_word_beside_a_conclusion_is_the_conclusions_own() {
    let Some((_product, browser)) = open(&[]) else { return };
    for (conclusion, word, kind, rest) in [
        ("能：免公证，凭四项资料当场提取销户", "能", "yes", "免公证，凭四项资料当场提取销户"),
        ("不能代：本人激活", "不能代", "no", "本人激活"),
        ("是，简单的15日内", "是", "plain", "简单的15日内"),
        ("有条件：库存够由会计主管批后可付", "有条件", "depends", "库存够由会计主管批后可付"),
        ("可疑交易应当在五日内报告。", "规定", "plain", "可疑交易应当在五日内报告。"),
        ("不能提供原件的，网点不予办理。", "规定", "plain", "不能提供原件的，网点不予办理。"),
        ("不得代签。", "规定", "plain", "不得代签。"),
    ] {
        let seen = browser.run(&format!("return guidaCard.verdict({{ conclusion: '{conclusion}' }})"));
        assert_eq!(seen, serde_json::json!({ "kind": kind, "word": word, "rest": rest }));
    }
}

#[test]
fn what_the_box_must_tell_stands_above_everything() {
    let Some(browser) = Browser::open(SCREEN.0, SCREEN.1) else { return };
    let server = server::start();
    let url = format!("http://{}/", server.addr);
    let open = || {
        browser.go(&url);
        browser.wait_for("document.getElementById('state').textContent");
    };
    open();
    assert_eq!(browser.run("return document.getElementById('alerts').hidden"), true);
    *server.door.notices.lock().unwrap() = vec![door::stale()];
    open();
    browser.wait_for("document.querySelectorAll('#alerts .notice').length === 1");
    let told = browser.text("#alerts");
    assert!(told.contains(&door::stale().message) && told.contains("<知识包>"), "{told}");
    assert!(bottom(&browser, "#alerts") <= bottom(&browser, "#ask"), "above the question");
    ask(&browser, QUESTION);
    assert_eq!(browser.run("return document.getElementById('alerts').hidden"), false, "it stays beside an answer");
    browser.screenshot("page-alerts.png");
}

/// The tiny model cites nothing; here the prose is fixed and does.
#[test]
fn a_citation_in_the_prose_leads_to_its_clause() {
    let Some(browser) = Browser::open(SCREEN.0, SCREEN.1) else { return };
    let server = server::start();
    browser.go(&format!("http://{}/", server.addr));
    browser.wait_for("document.getElementById('state').textContent");
    ask(&browser, QUESTION);
    browser.wait_for("document.querySelector('.prose-note')");
    assert!(browser.text("#prose").contains("有 1 句因"));
    browser.click("#prose .ref");
    assert_eq!(browser.run("return document.activeElement.closest('.cite').id"), "cite-1");
}

/// What the line says is made of the events of the stream alone.
#[test]
fn the_progress_line_tells_place_and_wait_then_reading_then_speed() {
    let Some(browser) = Browser::open(SCREEN.0, SCREEN.1) else { return };
    let server = server::start();
    browser.go(&format!("http://{}/", server.addr));
    browser.wait_for("document.getElementById('state').textContent");
    for (event, line) in [
        (r#"{"stage":"queued","ahead":2,"expected_wait_ms":41200}"#, "排队第 3 位,约等 42 秒"),
        (r#"{"stage":"queued","ahead":0,"expected_wait_ms":0}"#, "排队第 1 位"),
        (r#"{"stage":"reading","prefill_done":310,"prefill_total":620}"#, "阅读条款 310/620"),
        (r#"{"stage":"reading","prefill_done":0,"prefill_total":0}"#, "正在准备…"),
        (r#"{"stage":"thinking","tokens_per_second":null}"#, "思考中"),
        (r#"{"stage":"writing","tokens_per_second":7.25}"#, "写作,7.3 词元每秒"),
        (r#"{"stage":"writing","tokens_per_second":41.7}"#, "写作,42 词元每秒"),
    ] {
        assert_eq!(browser.run(&format!("return guidaCard.progress({event})")), line, "{event}");
    }
    // On the page: prose that has read everything and not begun to write.
    ask(&browser, door::HANG);
    browser.wait_for("document.querySelector('#prose .progress').textContent === '阅读条款 620/620'");
    browser.wait_for("document.querySelector('#to-prose').textContent === '阅读条款 620/620 ↓'");
}
