//! Drives a real headless Chromium through chromedriver's WebDriver protocol (W3C), over a plain socket.

#![allow(dead_code)] // Each test file uses its own part.

use super::client;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Key codes of the WebDriver specification, section "Keyboard actions".
pub mod keys {
    pub const ENTER: char = '\u{E007}';
    pub const ESCAPE: char = '\u{E00C}';
    pub const ALT: char = '\u{E00A}';
    pub const CONTROL: char = '\u{E009}';
    pub const TAB: char = '\u{E004}';
    pub const DOWN: char = '\u{E015}';
}

/// The member that holds an element's reference in replies.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; both processes end with it.
pub struct Browser {
    driver: Child,
    addr: SocketAddr,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A window of this size, or `None` (with a word why) where no Chromium is installed.
    pub fn open(width: u32, height: u32) -> Option<Browser> {
        let started = Command::new("chromedriver")
            .args(["--port=0"])
            .envs([("LANG", "zh_CN.UTF-8"), ("LC_ALL", "zh_CN.UTF-8"), ("LANGUAGE", "zh_CN")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                eprintln!("SKIPPED: the browser test needs chromium and chromedriver ({error})");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("stdout")).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver ended before it listened").expect("text");
            let port = line.split(" on port ").nth(1).and_then(|p| p.trim_end_matches('.').parse::<u16>().ok());
            if let Some(port) = port.filter(|_| line.contains("success")) {
                break port;
            }
        };
        // Whatever it prints later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("profile");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--lang=zh-CN".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
            format!("--window-size={width},{height}"),
        ];
        let capabilities =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let mut browser =
            Browser { driver, addr: ([127, 0, 0, 1], port).into(), session: String::new(), _profile: profile };
        let session = browser.call("POST", "/session", &capabilities);
        browser.session = session["sessionId"].as_str().expect("session").to_owned();
        // The size of the page itself, as on the screen that it is laid out for.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.post("/goog/cdp/execute", &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics }));
        Some(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let reply = client::request(self.addr, method, path, &[("Content-Type", "application/json")], body.as_bytes());
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        reply.json()["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Runs the body of a function in the page and returns its value.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is true in the page.
    pub fn wait_for(&self, expression: &str) {
        let deadline = Instant::now() + client::PATIENCE;
        while self.run(&format!("return !!({expression})")) != Value::Bool(true) {
            let page = || self.run("return document.body.innerText");
            assert!(Instant::now() < deadline, "still not: {expression}\n{}", page());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Presses keys one after the other, on whatever has the focus.
    pub fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| [("keyDown", key), ("keyUp", key)]);
        self.strokes(strokes.collect());
    }

    /// Presses a key while holding another.
    pub fn press_with(&self, held: char, key: char) {
        self.strokes(vec![("keyDown", held), ("keyDown", key), ("keyUp", key), ("keyUp", held)]);
    }

    fn strokes(&self, strokes: Vec<(&str, char)>) {
        let strokes: Vec<Value> =
            strokes.iter().map(|(kind, key)| json!({ "type": kind, "value": key.to_string() })).collect();
        self.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }));
    }

    /// Clicks the first element that the selector finds.
    pub fn click(&self, selector: &str) {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found[ELEMENT].as_str().expect("element");
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// The visible text of the first element that the selector finds.
    pub fn text(&self, selector: &str) -> String {
        let value = self.run(&format!("return document.querySelector({selector:?}).innerText"));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Shows the page as on the screen (`screen`) or on paper (`print`).
    pub fn medium(&self, medium: &str) {
        let params = json!({ "media": medium });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Emulation.setEmulatedMedia", "params": params }));
    }

    /// The page as PDF, in base64.
    pub fn print(&self) -> String {
        self.post("/print", &json!({})).as_str().expect("base64").to_owned()
    }

    /// Saves what the window shows as PNG into the folder named by `GUIDA_SCREENSHOT_DIR`, when that is set.
    pub fn screenshot(&self, name: &str) {
        let Ok(folder) = std::env::var("GUIDA_SCREENSHOT_DIR") else { return };
        let picture = self.call("GET", &format!("/session/{}/screenshot", self.session), &Value::Null);
        let bytes = base64(picture.as_str().expect("base64"));
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("screenshot");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Decodes standard base64 (RFC 4648, section 4).
pub fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|b| ALPHABET.iter().position(|a| *a == b)).map(|d| d as u32);
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | digit;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    out
}
