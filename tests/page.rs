//! The teller page in a real browser: ask, read the card before the prose, open a clause, print; by keyboard alone too.

#[path = "common/client.rs"]
mod client;
#[path = "common/door.rs"]
mod door;
#[path = "common/server.rs"]
mod server;
#[path = "common/webdriver.rs"]
mod webdriver;

use door::FixedDoor;
use server::{Running, start_with};
use std::time::Duration;
use webdriver::{Browser, keys};

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";

/// The commonest screen at a counter.
const SCREEN: (u32, u32) = (1366, 768);

fn open() -> Option<(Running, Browser)> {
    let browser = Browser::open(SCREEN.0, SCREEN.1)?;
    let server = start_with(FixedDoor { pace: Duration::from_millis(25), ..FixedDoor::default() }, |_| {});
    browser.go(&format!("http://{}/", server.addr));
    browser.wait_for("document.body.classList.contains('scripted') && document.getElementById('state').textContent");
    Some((server, browser))
}

fn ask(browser: &Browser, question: &str) {
    browser.run("document.getElementById('question').value = ''; document.getElementById('question').focus();");
    browser.press(&format!("{question}{}", keys::ENTER));
    browser.wait_for("document.querySelector('#card .verdict')");
}

#[test]
fn a_teller_asks_reads_the_card_first_opens_a_clause_and_prints() {
    let Some((_server, browser)) = open() else { return };
    browser.screenshot("page-start.png");
    // Records in which order the page's parts get their content.
    browser.run(
        "window.seen = []; new MutationObserver(function () {
           ['card .said', 'card .cite', 'prose .prose-text'].forEach(function (part) {
             const node = document.querySelector('#' + part);
             if (node && node.textContent && window.seen.indexOf(part) < 0) { window.seen.push(part); }
           });
         }).observe(document.getElementById('main'), { childList: true, subtree: true, characterData: true });",
    );
    ask(&browser, QUESTION);
    browser.screenshot("page-card.png");
    browser.wait_for("document.querySelector('.prose-note')");
    let seen = browser.run("return window.seen");
    assert_eq!(seen, serde_json::json!(["card .said", "card .cite", "prose .prose-text"]));
    let marks = browser.run("return performance.getEntriesByType('mark').map(function (m) { return m.name; })");
    assert_eq!(marks[0], "guida-card");

    // The card's first screen: everything down to the script is visible without scrolling.
    let bottom = browser.run("return document.querySelector('#card .guide').getBoundingClientRect().bottom").as_f64();
    assert!(bottom.is_some_and(|b| b <= f64::from(SCREEN.1)), "the card ends at {bottom:?}");
    let verbatim = browser.text("#cite-1 .verbatim");
    assert!(verbatim.contains("应当中止为客户办理业务"));
    assert!(browser.text("#cite-1 mark").starts_with("先前获得"));
    assert!(browser.text("#prose .aigc").contains(guida::types::AIGC_LABEL));
    browser.click("#to-prose");
    browser.screenshot("page-prose.png");
    browser.click("#prose .ref");
    assert_eq!(browser.run("return document.activeElement.closest('.cite').id"), "cite-1");

    browser.click("#cite-1 .cite-head");
    browser.wait_for("document.getElementById('panel-clause')");
    assert!(browser.text("#panel-clause").contains("应当中止为客户办理业务"));
    assert!(browser.text("#panel").contains("历次版本(2)"));
    browser.screenshot("page-clause.png");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.getElementById('panel').hidden");

    browser.click("#copy");
    browser.wait_for("document.querySelector('.toast') && document.querySelector('.toast').textContent === '已复制'");
    browser
        .run("var q = document.getElementById('question'); q.removeAttribute('maxlength'); q.value = ''; q.focus();");
    browser.press_with(keys::CONTROL, 'v');
    let copied = browser.run("return document.getElementById('question').value").as_str().unwrap().to_owned();
    for part in
        ["示银发〔2025〕18号", "第二十三条第二款", "2025-03-01 起施行", "7c1e5d20a94b3f68", guida::types::AIGC_LABEL]
    {
        assert!(copied.contains(part), "{part} is missing in the copy: {copied}");
    }

    let pdf = webdriver::base64(&browser.print());
    assert!(pdf.starts_with(b"%PDF-"));
    let pages = lopdf::Document::load_mem(&pdf).expect("PDF").get_pages().len();
    assert!((1..=2).contains(&pages), "the slip has {pages} pages");
    let slip = browser.run("return document.getElementById('slip').textContent").as_str().unwrap().to_owned();
    for part in [
        "示银发〔2025〕18号",
        "第二十三条第二款",
        "2025-03-01",
        "7c1e5d20a94b3f68",
        "SHA-256",
        guida::types::AIGC_LABEL,
    ] {
        assert!(slip.contains(part), "{part} is missing on the slip");
    }
    browser.medium("print");
    browser.screenshot("page-slip.png");
}

#[test]
fn the_keyboard_alone_is_enough() {
    let Some((_server, browser)) = open() else { return };
    assert_eq!(browser.run("return document.activeElement.id"), "question", "the input has the focus from the start");
    browser.press(&format!("{QUESTION}{}", keys::ENTER));
    browser.wait_for("document.querySelectorAll('.cite').length === 3");
    browser.press_with(keys::ALT, '2');
    browser.wait_for("document.querySelector('#panel-clause h3') && document.querySelector('#panel-clause h3').textContent === '第三十一条'");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.getElementById('panel').hidden");
    browser.press(&format!("{}/", keys::TAB));
    assert_eq!(browser.run("return document.activeElement.id"), "question");
    browser.wait_for("document.querySelector('.prose-note')");
    ask(&browser, door::HANG);
    browser.wait_for("document.getElementById('stop') && !document.getElementById('stop').hidden");
    browser.press(&keys::ESCAPE.to_string());
    browser.wait_for("document.querySelector('.prose-note.bad')");
    assert!(browser.text("#prose").contains("已停止生成"));
    // Back to the first question through the history.
    browser.press(&format!("/{}", keys::DOWN));
    browser.press(&format!("{}{}", keys::DOWN, keys::ENTER));
    browser.wait_for(&format!("document.querySelector('.asked b').textContent === '{QUESTION}'"));
    assert!(browser.text("#prose").contains("临时居民身份证"), "the prose is kept with its card");
    // It survives a reload of this tab.
    browser.run("location.reload()");
    browser.wait_for("document.querySelectorAll('#history button').length === 2");
}

#[test]
fn choices_refusals_and_errors_have_their_own_view() {
    let Some((server, browser)) = open() else { return };
    ask(&browser, door::CHOICES);
    assert_eq!(browser.text(".verdict .word"), "有条件");
    browser.screenshot("page-choices.png");
    browser.click(".choice");
    browser.wait_for("!document.querySelector('.clarify')");
    ask(&browser, door::NOTHING);
    browser.wait_for("document.querySelector('.refusal')");
    assert!(browser.text("#card").contains("760 条") && browser.text("#card").contains("会计主管"));
    browser.screenshot("page-refusal.png");
    browser.go(&format!("http://{}/ask?q=%E9%99%90%E9%A2%9D", server.addr));
    assert!(browser.text(".verbatim").contains("应当中止为客户办理业务"), "the plain page");
    browser.screenshot("page-plain.png");
    browser.go(&format!("http://{}/", server.addr));
    server.stop();
    browser.run("document.getElementById('question').value = 'x'; document.getElementById('send').click();");
    browser.wait_for("document.querySelector('.failure')");
    assert!(browser.text(".failure").contains("连接不上"));
}

#[test]
fn the_hash_on_the_slip_is_sha_256_and_markup_in_answers_stays_text() {
    let Some((_server, browser)) = open() else { return };
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
