//! The API of the real product: every route, bad input, classification, the orderly end.

#[path = "common/client.rs"]
mod client;
#[path = "common/product.rs"]
mod product;

use client::{Client, ask, get, render, request};
use product::{Product, guida, stderr};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};

/// A question that the sample rules answer.
const QUESTION: &str = "没预约今天取20万能付吗";

fn question(text: &str) -> String {
    json!({ "question": text }).to_string()
}

/// A path with Chinese in it, as a client sends it.
fn encoded(path: &str) -> String {
    path.bytes().map(|b| if b.is_ascii() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn read(addr: SocketAddr, path: &str) -> Value {
    let reply = get(addr, &encoded(path));
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

/// Hex digits of a session's id.
const SESSION_DIGITS: usize = 32;

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The shape and status of an error.
fn refused(reply: &client::Reply, status: u16, code: &str, what: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}: {}", reply.text());
    let error = &reply.json()["error"];
    for part in ["message", "hint"] {
        assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {part} in {error}");
    }
    assert_eq!(reply.json()["request_id"].as_str(), reply.header("x-request-id"), "{what}");
}

#[test]
fn a_question_gets_the_contracts_card() {
    let product = Product::start(&[]);
    let card = ask(product.addr, &question(QUESTION)).json();
    assert_eq!(card["refused"], false);
    assert!(card["conclusion"].as_str().is_some_and(|c| c.contains("20万元")), "{card}");
    for field in ["steps", "materials", "risk", "citations"] {
        assert!(!list(&card, field).is_empty(), "{field}");
    }
    for field in ["escalation", "script", "generation", "conclusion_source"] {
        assert!(card[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    assert!(card["timings"]["card_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert_eq!((&card["prose"], &card["prose_unavailable"]), (&Value::Null, &Value::Null));
    for citation in list(&card, "citations") {
        for field in ["document", "clause", "effective_from", "status", "text"] {
            assert!(citation[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {citation}");
        }
        assert!(citation.get("doc_no").is_some() && citation.get("effective_to").is_some());
        assert_eq!((citation["status"].as_str(), citation["sample"].as_bool()), (Some("in_force"), Some(true)));
        // What the card shows stands so in the document.
        let whole = read(product.addr, &format!("/api/v1/clauses/{}", citation["id"]));
        let (whole, shown) = (whole["clause"]["text"].as_str().unwrap(), citation["text"].as_str().unwrap());
        assert!(whole.contains(shown), "{shown} in {whole}");
    }
    // Prose that cannot come is said to be missing; the card is the same.
    let wanted = ask(product.addr, &json!({ "question": QUESTION, "prose": true }).to_string()).json();
    assert_eq!(wanted["prose_unavailable"]["code"], "MODEL_UNAVAILABLE");
    assert_eq!(wanted["citations"], card["citations"]);
    // An earlier day, another rule or none; a level; a refusal.
    let before = ask(product.addr, &json!({ "question": QUESTION, "as_of": "2001-01-01" }).to_string()).json();
    assert!(list(&before, "citations").iter().all(|c| c["effective_from"].as_str() <= Some("2001-01-01")), "{before}");
    let rules = ask(product.addr, &json!({ "question": QUESTION, "levels": ["行内制度"] }).to_string()).json();
    assert!(list(&rules, "citations").iter().all(|c| c["level"] == "行内制度"), "{rules}");
    let none = ask(product.addr, &question("中午食堂几点开饭")).json();
    assert_eq!((&none["refused"], list(&none, "citations").len()), (&true.into(), 0));
    assert!(none["refusal"]["ask"].as_str().is_some_and(|who| who.contains("主管")));
    assert!(none["refusal"]["clauses_searched"].as_u64().is_some_and(|n| n > 0));
}

#[test]
fn clauses_come_with_their_neighbours_and_versions() {
    let product = Product::start(&[]);
    let card = ask(product.addr, &question(QUESTION)).json();
    let id = card["citations"][0]["id"].as_i64().expect("id");
    let place = read(product.addr, &format!("/api/v1/clauses/{id}?neighbours=2"));
    assert_eq!(place["clause"]["id"], id);
    let ids: Vec<i64> = [list(&place, "before"), list(&place, "after")]
        .concat()
        .iter()
        .map(|n| n["id"].as_i64().expect("id"))
        .collect();
    assert_eq!(ids, [id - 2, id - 1, id + 1, id + 2]);
    for neighbour in list(&place, "after") {
        let own = read(product.addr, &format!("/api/v1/clauses/{}?neighbours=0", neighbour["id"]));
        assert_eq!((&own["clause"]["text"], list(&own, "before").len()), (&neighbour["text"], 0));
        assert_eq!(own["clause"]["document"], place["clause"]["document"], "neighbours are of one document");
    }
    let versions = list(&place, "versions");
    assert!(versions.iter().all(|v| v["title"] == place["clause"]["document"]) && !versions.is_empty());
    // The same clause on a day before it was in force.
    let early = read(product.addr, &format!("/api/v1/clauses/{id}?as_of=2001-01-01"));
    assert_eq!(early["clause"]["status"], "not_yet_in_force");
    // The first clause of a document has nothing before it.
    let first = versions[0]["first_clause"].as_i64().expect("a first clause");
    assert!(list(&read(product.addr, &format!("/api/v1/clauses/{first}?neighbours=20")), "before").is_empty());
}

#[test]
fn searches_obey_their_filters() {
    let product = Product::start(&[]);
    let search = |rest: &str| read(product.addr, &format!("/api/v1/search?q=身份证件过期取现{rest}"));
    let plain = search("&limit=5");
    let hits = list(&plain, "hits");
    assert_eq!(hits.len(), 5);
    assert!(hits.iter().zip(1..).all(|(hit, n)| hit["n"] == n && hit["status"] == "in_force"));
    for level in ["行内制度", "操作指引"] {
        let found = search(&format!("&level={level}"));
        assert!(!list(&found, "hits").is_empty(), "{level}");
        assert!(list(&found, "hits").iter().all(|h| h["level"] == level), "{level}");
    }
    assert!(list(&search("&level=司法解释"), "hits").is_empty());
    let all = search("&all_versions=true&limit=100");
    assert!(list(&all, "hits").iter().any(|h| h["status"] == "superseded"));
    // A superseded text was in force on its own days, and its successor was not.
    let old = list(&all, "hits").iter().find(|h| h["status"] == "superseded").expect("an old text");
    let day = old["effective_from"].as_str().expect("a day");
    let then = search(&format!("&as_of={day}&limit=100"));
    assert_eq!(then["as_of"], day);
    assert!(list(&then, "hits").iter().any(|h| h["id"] == old["id"]));
    for hit in list(&then, "hits") {
        assert!(hit["effective_from"].as_str() <= Some(day), "{hit}");
        assert!(hit["effective_to"].as_str().is_none_or(|until| until > day), "{hit}");
    }
}

#[test]
fn documents_status_and_health_tell_the_truth() {
    let product = Product::start(&[]);
    let status = read(product.addr, "/api/v1/status");
    let listed = read(product.addr, "/api/v1/documents");
    let documents = list(&listed, "documents");
    assert_eq!(status["documents"].as_u64(), Some(documents.len() as u64), "the sample has nothing above 内部");
    let clauses: u64 = documents.iter().filter_map(|d| d["clauses"].as_u64()).sum();
    assert_eq!(status["clauses"].as_u64(), Some(clauses));
    assert_eq!((&status["generator"], &status["embedder"]["name"]), (&Value::Null, &Value::from("guida-embed-zh")));
    assert_eq!(listed["generation"], status["generation"]);
    let some = read(product.addr, "/api/v1/documents?filter=身份识别");
    assert!((1..documents.len()).contains(&list(&some, "documents").len()));
    assert!(list(&some, "documents").iter().all(|d| d["title"].as_str().is_some_and(|t| t.contains("身份识别"))));
    assert_eq!(read(product.addr, "/healthz")["status"], "ok");
    let ready = read(product.addr, "/readyz");
    assert_eq!(
        (&ready["status"], &ready["prose"], &ready["generation"]),
        (&"ready".into(), &false.into(), &status["generation"])
    );
    for (path, kind) in [("/", "text/html"), ("/assets/page.js", "text/javascript"), ("/assets/page.css", "text/css")] {
        let page = get(product.addr, path);
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").is_some_and(|t| t.starts_with(kind)), "{path}");
    }
    let plain = get(product.addr, &encoded(&format!("/ask?q={QUESTION}")));
    assert!(plain.text().contains("示例银行大额现金业务管理办法"), "{}", plain.text());
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let posted = request(product.addr, "POST", "/ask", &form, encoded(&format!("q={QUESTION}&as_of=")).as_bytes());
    // But for the session that each opens.
    let same = |page: &str| {
        page.split(|c: char| !c.is_ascii_hexdigit())
            .filter(|word| word.len() != SESSION_DIGITS)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!((posted.status, same(posted.text()) == same(plain.text())), (200, true));
}

#[test]
fn bad_input_gets_its_own_status_and_words() {
    let product = Product::start(&[]);
    let addr = product.addr;
    let long = question(&"长".repeat(2_000));
    let mega = question(&"长".repeat(350_000));
    let cases: [(&str, Vec<u8>, u16, &str); 16] = [
        ("application/json", b"{\"question\":".to_vec(), 400, "BAD_JSON"),
        ("application/json", b"".to_vec(), 400, "BAD_JSON"),
        ("application/json", b"[1]".to_vec(), 400, "BAD_JSON"),
        ("application/json", b"{}".to_vec(), 400, "BAD_JSON"),
        ("application/json", br#"{"question":["a"]}"#.to_vec(), 400, "BAD_JSON"),
        ("application/json", br#"{"question":"a","user":"b"}"#.to_vec(), 400, "BAD_JSON"),
        ("application/json", br#"{"question":"a","as_of":"2026-13-01"}"#.to_vec(), 400, "BAD_JSON"),
        ("application/json", r#"{"question":"a","levels":["宪法"]}"#.as_bytes().to_vec(), 400, "BAD_JSON"),
        ("application/json", b"{\"question\":\"\xff\xfe\"}".to_vec(), 400, "NOT_UTF8"),
        ("application/json", question("").into_bytes(), 400, "QUESTION_EMPTY"),
        ("application/json", question(" \u{3000}\t").into_bytes(), 400, "QUESTION_EMPTY"),
        ("application/json", question("取款\u{0}\u{7}").into_bytes(), 400, "QUESTION_UNREADABLE"),
        ("application/json", long.into_bytes(), 413, "QUESTION_TOO_LONG"),
        ("application/json", mega.into_bytes(), 413, "BODY_TOO_LARGE"),
        ("text/plain", question(QUESTION).into_bytes(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", b"question=a".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ];
    for (kind, body, status, code) in cases {
        let reply = request(addr, "POST", "/api/v1/ask", &[("Content-Type", kind)], &body);
        refused(&reply, status, code, &String::from_utf8_lossy(&body[..body.len().min(60)]));
    }
    let choice = json!({ "question": "取款", "choice": "选".repeat(1000) }).to_string();
    refused(&ask(addr, &choice), 400, "BAD_PARAMETER", "choice");
    let recent = json!({ "question": "第五条", "recent_documents": vec!["x"; 50] }).to_string();
    refused(&ask(addr, &recent), 400, "BAD_PARAMETER", "recent_documents");
    for (path, status, code) in [
        ("/api/v1/clauses/999999999", 404, "NOT_FOUND"),
        ("/api/v1/clauses/0", 404, "NOT_FOUND"),
        ("/api/v1/clauses/-1", 404, "NOT_FOUND"),
        ("/api/v1/clauses/-9223372036854775808", 404, "NOT_FOUND"),
        ("/api/v1/clauses/9223372036854775807?neighbours=20", 404, "NOT_FOUND"),
        ("/api/v1/clauses/9223372036854775808", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/abc", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/1?neighbours=-1", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/1?neighbours=21", 400, "BAD_PARAMETER"),
        ("/api/v1/clauses/1?as_of=tomorrow", 400, "BAD_PARAMETER"),
        ("/api/v1/search", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=", 400, "QUESTION_EMPTY"),
        ("/api/v1/search?q=a&limit=101", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=a&level=%E5%AE%AA%E6%B3%95", 400, "BAD_PARAMETER"),
        ("/api/v1/search?q=%FF", 400, "NOT_UTF8"),
        ("/api/v1/search?q=%00", 400, "QUESTION_UNREADABLE"),
        ("/api/v1/documents?filters=a", 400, "BAD_PARAMETER"),
        ("/api/v1/nothing", 404, "NOT_FOUND"),
        ("/../etc/passwd", 404, "NOT_FOUND"),
    ] {
        refused(&get(addr, path), status, code, path);
    }
    refused(&request(addr, "DELETE", "/api/v1/status", &[], b""), 405, "METHOD_NOT_ALLOWED", "DELETE");
    let other = [("Content-Type", "application/json"), ("Origin", "http://elsewhere.example")];
    refused(&request(addr, "POST", "/api/v1/ask", &other, question("a").as_bytes()), 403, "DENIED", "another site");
    // On the plain page the same errors are pages.
    let page = get(addr, "/ask?q=");
    assert_eq!(page.status, 400);
    assert!(page.header("content-type").is_some_and(|t| t.starts_with("text/html")));
    assert_eq!(ask(addr, &question(QUESTION)).status, 200, "and it still answers");
}

#[test]
fn announced_bodies_that_never_come_cost_nothing() {
    let product = Product::start(&[]);
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", product.pid())).expect("status");
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("VmHWM");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("kB")
    };
    assert_eq!(ask(product.addr, &question(QUESTION)).status, 200);
    let before = memory();
    for length in ["2147483648", "9223372036854775807", "18446744073709551616", "99999999999999999999999999"] {
        let mut client = Client::connect(product.addr);
        let head = format!(
            "POST /api/v1/ask HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
        );
        client.send(head.as_bytes()).expect("send");
        refused(&client.reply().expect("reply"), 413, "BODY_TOO_LARGE", length);
    }
    let mut client = Client::connect(product.addr);
    client.send(b"POST /api/v1/ask HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n").expect("send");
    refused(&client.reply().expect("reply"), 400, "BAD_REQUEST", "-5");
    assert_eq!(ask(product.addr, &question(QUESTION)).status, 200);
    assert!(memory() < before + 64 * 1024, "no memory was set aside for them");
}

#[test]
fn what_is_above_the_clearance_does_not_exist() {
    let folder = tempfile::tempdir().expect("folder");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("folder");
    let write = |title: &str, class: &str, body: &str| {
        let head =
            format!("---\ntitle: {title}\nlevel: 行内制度\neffective: 2024-01-01\nclassification: {class}\n---\n\n");
        std::fs::write(rules.join(format!("{title}.md")), head + body).expect("write");
    };
    write(
        "示例银行金库钥匙管理办法",
        "机密",
        "第一条 金库钥匙由两人分管,备用钥匙存放于蓝色保险柜。\n\n第二条 密码每月更换。\n",
    );
    write("示例银行押运路线管理办法", "敏感", "第一条 押运路线每日抽签确定。\n");
    write("示例银行钥匙交接办法", "内部", "第一条 网点大门钥匙交接时双人签字登记。\n");
    let (folder_path, kb) = (rules.to_str().expect("path"), folder.path().join("kb.db"));
    let kb = kb.to_str().expect("path");
    let built = guida(&["kb", "build", folder_path, "--out", kb]);
    assert!(built.status.success(), "{}", stderr(&built));
    // The person at the box's own command line reads everything.
    let own = product::json(&guida(&["kb", "show", kb, "--json"]));
    let id_of = |class: &str| {
        let document = list(&own, "documents").iter().find(|d| d["classification"] == class).expect("document");
        document["first_clause"].as_i64().expect("id")
    };
    let (secret, sensitive, internal) = (id_of("机密"), id_of("敏感"), id_of("内部"));

    let product = Product::start(&["--kb", kb]);
    assert_eq!(read(product.addr, &format!("/api/v1/clauses/{internal}"))["clause"]["classification"], "内部");
    for id in [secret, secret + 1, sensitive] {
        refused(&get(product.addr, &format!("/api/v1/clauses/{id}")), 404, "NOT_FOUND", "above the clearance");
    }
    let place = read(product.addr, &format!("/api/v1/clauses/{internal}?neighbours=20"));
    assert!(list(&place, "before").is_empty() && list(&place, "after").is_empty());
    let everything = [
        read(product.addr, "/api/v1/documents"),
        read(product.addr, "/api/v1/documents?filter=金库"),
        read(product.addr, "/api/v1/search?q=金库钥匙由两人分管&limit=100&all_versions=true"),
        read(product.addr, "/api/v1/search?q=示例银行金库钥匙管理办法第一条"),
        read(product.addr, "/api/v1/search?q=押运路线"),
        ask(product.addr, &question("金库钥匙由两人分管,备用钥匙放哪")).json(),
        ask(product.addr, &question("示例银行金库钥匙管理办法第一条")).json(),
        ask(product.addr, &question("押运路线怎么定")).json(),
        ask(
            product.addr,
            &json!({ "question": "第一条", "recent_documents": ["示例银行金库钥匙管理办法"] }).to_string(),
        )
        .json(),
    ];
    for reply in &everything {
        let mut reply = reply.clone();
        // The teller's own words may come back.
        if let Some(card) = reply.as_object_mut() {
            card.remove("question");
            if let Some(refusal) = card.get_mut("refusal").and_then(Value::as_object_mut) {
                refusal.remove("terms");
                refusal.remove("reason");
            }
        }
        let words = reply.to_string();
        for hidden in ["金库", "蓝色保险柜", "每月更换", "押运", "抽签", "机密", "敏感"] {
            assert!(!words.contains(hidden), "{hidden} is shown in {words}");
        }
    }
}

#[test]
fn sigterm_ends_it_cleanly_whatever_is_open() {
    let product = Product::start(&[]);
    let addr = product.addr;
    let mut idle = Client::connect(addr);
    idle.send(&render("GET", "/healthz", &[], b"")).expect("send");
    assert_eq!(idle.reply().expect("reply").status, 200);
    let silent = TcpStream::connect(addr).expect("connect");
    let mut half = Client::connect(addr);
    half.send(b"POST /api/v1/ask HTTP/1.1\r\nHost: a\r\nContent-Le").expect("send");
    let ended = product.terminate();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert!(TcpStream::connect(addr).is_err(), "nothing listens any more");
    drop(silent);
}

#[test]
fn a_service_that_cannot_start_says_why() {
    let product = Product::start(&[]);
    let taken = product.addr.to_string();
    let kb = product::sample();
    let second = guida(&["serve", "--listen", &taken, "--kb", kb.to_str().expect("path")]);
    assert_eq!(second.status.code(), Some(1), "{}", stderr(&second));
    assert!(stderr(&second).contains("[IO]") && stderr(&second).contains(&taken), "{}", stderr(&second));
    let folder = tempfile::tempdir().expect("folder");
    let whole = std::fs::read(&kb).expect("kb");
    for (name, bytes, code) in [
        ("cut.db", &whole[..whole.len() / 2], "KB_"),
        ("noise.db", "不是知识库".as_bytes(), "KB_CORRUPT"),
        ("empty.db", b"", "KB_"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("write");
        let refused = guida(&["serve", "--listen", "127.0.0.1:0", "--kb", file.to_str().expect("path")]);
        assert_eq!(refused.status.code(), Some(6), "{name}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(&format!("[{code}")), "{name}: {}", stderr(&refused));
    }
    let missing = guida(&["serve", "--listen", "127.0.0.1:0", "--kb", "/nowhere/knowledge.db"]);
    assert_eq!(missing.status.code(), Some(6));
    assert!(stderr(&missing).contains("[KB_OPEN]"), "{}", stderr(&missing));
}
