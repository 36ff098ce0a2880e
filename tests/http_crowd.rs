//! One computer against the counter: a thousand idle, dripping and half-sent requests and three hundred busy connections of one address
//! while tellers at other addresses ask. Nobody is turned away, and whoever runs the box hears which computer it is.

#[path = "common/client.rs"]
mod client;
#[path = "common/product.rs"]
mod product;

use product::{Product, until};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The one computer.
const CROWD: [u8; 4] = [127, 0, 0, 66];
const TELLERS: u8 = 8;
/// Questions of one teller against each kind of crowd.
const QUESTIONS: usize = 12;
/// Longest wait of a teller on a machine that tests share; the figure that is printed is the one to look at.
const LONGEST: Duration = Duration::from_secs(4);

/// Held by one test at a time: three crowds at once on two processors would measure the machine.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection from this address; `None` when the server has closed or refused it.
fn from(address: [u8; 4], to: SocketAddr) -> Option<TcpStream> {
    let own = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&own, &SocketAddr::from((address, 0))).expect("an address of the loopback");
    connect(&own, &to).ok()?;
    let stream = TcpStream::from(own);
    stream.set_read_timeout(Some(client::PATIENCE)).ok()?;
    Some(stream)
}

/// A question and the status of its answer; `None` when the connection was closed.
fn ask(mut stream: &TcpStream, n: usize) -> Option<u16> {
    let question = ["没预约今天取20万能付吗", "身份证过期三个月还能取钱吗", "客户忘记密码怎么办"][n % 3];
    let body = serde_json::json!({ "question": question }).to_string();
    stream
        .write_all(&client::render("POST", "/api/v1/ask", &[("Content-Type", "application/json")], body.as_bytes()))
        .ok()?;
    let mut reply = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&reply).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok())?;
            if body.len() >= length {
                return head.split(' ').nth(1)?.parse().ok();
            }
        }
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        reply.extend_from_slice(&piece[..read]);
    }
}

/// Tellers ask, some on a new connection each time, some on one that stays; every one is answered. Returns the times, shortest first.
fn tellers(addr: SocketAddr) -> Vec<Duration> {
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let teller = |n: u8| {
            move || {
                let address = [127, 0, 1, n + 1];
                let mut kept = from(address, addr).expect("a connection");
                let mut times = Vec::new();
                for question in 0..QUESTIONS {
                    let begun = Instant::now();
                    if n.is_multiple_of(2) {
                        kept = from(address, addr).expect("a connection");
                    }
                    assert_eq!(ask(&kept, question), Some(200), "teller {n}, question {question}");
                    times.push(begun.elapsed());
                }
                times
            }
        };
        let asking: Vec<_> = (0..TELLERS).map(|n| scope.spawn(teller(n))).collect();
        asking.into_iter().flat_map(|teller| teller.join().expect("a teller who was answered")).collect()
    });
    times.sort_unstable();
    times
}

fn told(what: &str, times: &[Duration]) {
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_millis();
    println!("{what}: {} answers, p50 {} ms, p95 {} ms, longest {} ms", times.len(), at(50), at(95), at(100));
    assert!(times.last().is_some_and(|longest| *longest <= LONGEST), "{what}: {times:?}");
}

fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).expect("more open files");
}

fn notices(product: &Product) -> Vec<(String, String)> {
    let status = product.get("/api/v1/status").json();
    let text = |notice: &serde_json::Value, field: &str| notice[field].as_str().unwrap().to_owned();
    status["notices"].as_array().unwrap().iter().map(|n| (text(n, "code"), text(n, "message"))).collect()
}

fn metric(product: &Product, name: &str) -> u64 {
    let page = product.get("/metrics").text().to_owned();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {page}"))
}

#[test]
fn a_thousand_connections_that_say_nothing_keep_no_teller_waiting() {
    let _alone = alone();
    many_files();
    let product = Product::start(&["--no-embedder"]);
    let addr = product.addr;
    told("nobody else", &tellers(addr));
    let head =
        "POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{";
    for (what, opening) in [("idle", ""), ("dripping", "P"), ("half a body", head)] {
        let crowd: Vec<TcpStream> = (0..1000).filter_map(|_| from(CROWD, addr)).collect();
        assert!(crowd.len() >= 900, "{what}: {} connections", crowd.len());
        for mut stream in &crowd {
            // Those that were closed already take nothing.
            let _ = stream.write_all(opening.as_bytes());
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while what == "dripping" && !done.load(Ordering::Acquire) {
                    for mut stream in &crowd {
                        let _ = stream.write_all(b"O");
                    }
                    std::thread::park_timeout(Duration::from_millis(100));
                }
            });
            let times = tellers(addr);
            done.store(true, Ordering::Release);
            told(what, &times);
        });
        assert_eq!(product.get("/readyz").status, 200, "{what}");
    }
    let notices = notices(&product);
    let crowding = notices.iter().find(|(code, _)| code == "CLIENT_CROWDING").expect("a notice");
    assert!(crowding.1.contains("127.0.0.66"), "{}", crowding.1);
    assert!(metric(&product, "guida_http_connections_evicted_total") > 1000);
    assert_eq!(metric(&product, "guida_http_connections_refused_total"), 0);
}

#[test]
fn three_hundred_busy_connections_of_one_computer_keep_no_teller_waiting() {
    let _alone = alone();
    many_files();
    let product = Product::start(&["--no-embedder"]);
    let addr = product.addr;
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for n in 0..300 {
            let (done, answered) = (&done, &answered);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let Some(stream) = from(CROWD, addr) else { continue };
                    while !done.load(Ordering::Acquire) && ask(&stream, n).is_some_and(|status| status == 200) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        until("the crowd is at work", || answered.load(Ordering::Relaxed) > 300);
        let times = tellers(addr);
        let ready = product.get("/readyz").status;
        done.store(true, Ordering::Release);
        told("300 busy", &times);
        assert_eq!(ready, 200);
    });
    assert!(answered.load(Ordering::Relaxed) > 300, "the crowd is answered as well");
}

#[test]
fn with_few_open_files_the_service_stays_usable() {
    let _alone = alone();
    many_files();
    let limit = ["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""];
    let product = Product::start_in(&limit, &["--no-embedder"]);
    let crowd: Vec<TcpStream> = (0..200).filter_map(|_| from(CROWD, product.addr)).collect();
    told("64 open files", &tellers(product.addr));
    assert_eq!(product.get("/healthz").status, 200);
    drop(crowd);
}
