//! The promise of one file: the program needs no library, no other file than the knowledge, and no network.
#![cfg(target_os = "linux")]

#[path = "common/program.rs"]
mod program;

use program::{GUIDA, knowledge, skipped};
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const QUESTION: &str = "身份证过期三个月,卡还能取钱吗";
/// How long a starting server may take on a slow machine before the test gives up.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A command in an empty environment but for the search path, which includes where `chroot` lies.
fn bare(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
    command.stdin(Stdio::null());
    command
}

/// The first of these ways to wall a program in that this machine and user allow.
fn first_allowed(ways: &[&'static [&'static str]], probe: &[&str]) -> Option<&'static [&'static str]> {
    ways.iter().copied().find(|way| {
        let words: Vec<&str> = way.iter().chain(probe).copied().collect();
        bare(&words).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    })
}

fn assert_cited_answer(output: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{stderr}", output.status);
    let card: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}\n{stdout}\n{stderr}"));
    assert_eq!(card["refused"], false, "{card:#}");
    let citations = card["citations"].as_array().unwrap();
    assert!(!citations.is_empty(), "{card:#}");
    assert!(citations.iter().all(|c| !c["text"].as_str().unwrap().is_empty()), "{card:#}");
}

/// Kinds of the program headers of a 64-bit little-endian ELF file; layout from the System V ABI, chapter 5.
fn program_headers(file: &[u8]) -> Vec<u32> {
    let number = |at: usize, bytes: usize| -> usize {
        file[at..at + bytes].iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
    };
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "64-bit, little-endian");
    let (table, size, count) = (number(0x20, 8), number(0x36, 2), number(0x38, 2));
    (0..count).map(|n| number(table + n * size, 4) as u32).collect()
}

#[test]
fn the_binary_asks_for_no_loader() {
    const PT_LOAD: u32 = 1;
    const PT_INTERP: u32 = 3;
    let headers = program_headers(&fs::read(GUIDA).unwrap());
    assert!(headers.contains(&PT_LOAD), "{headers:?}");
    assert!(!headers.contains(&PT_INTERP), "the binary names a dynamic loader: it was linked without +crt-static");

    let Ok(ldd) = Command::new("ldd").arg(GUIDA).output() else {
        return skipped("ldd", "not installed");
    };
    let said = format!("{}{}", String::from_utf8_lossy(&ldd.stdout), String::from_utf8_lossy(&ldd.stderr));
    // Older versions of ldd do not know static position-independent programs.
    let is_static = said.contains("statically linked") || said.contains("not a dynamic executable");
    assert!(is_static, "{said}");
}

#[test]
fn it_answers_in_an_empty_root() {
    let Some(chroot) = first_allowed(&[&["chroot"], &["unshare", "-r", "chroot"]], &["/", "true"]) else {
        return skipped("empty root", "this user may neither chroot nor make a user namespace");
    };
    // Beside the build, which allows execution; the temporary folder of the system may not.
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::copy(GUIDA, root.path().join("guida")).unwrap();
    fs::copy(knowledge(), root.path().join("knowledge.db")).unwrap();

    let inside = ["/guida", "ask", QUESTION, "--kb", "/knowledge.db", "--json"];
    let words: Vec<&str> = chroot.iter().copied().chain([root.path().to_str().unwrap()]).chain(inside).collect();
    assert_cited_answer(&bare(&words).output().unwrap());

    let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["guida", "knowledge.db"], "asking writes no file");
}

#[test]
fn it_encodes_in_an_empty_root() {
    let Some(chroot) = first_allowed(&[&["chroot"], &["unshare", "-r", "chroot"]], &["/", "true"]) else {
        return skipped("empty root", "this user may neither chroot nor make a user namespace");
    };
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::copy(GUIDA, root.path().join("guida")).unwrap();
    fs::create_dir(root.path().join("rules")).unwrap();
    fs::write(root.path().join("rules/a.md"), "# 某行办法\n第一条 挂失应当凭身份证。\n").unwrap();
    let inside = |words: &[&str]| {
        let root = root.path().to_str().unwrap();
        let words: Vec<&str> = chroot.iter().copied().chain([root]).chain(words.iter().copied()).collect();
        let output = bare(&words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    inside(&["/guida", "kb", "build", "/rules", "--out", "/kb.db", "--json"]);
    assert_eq!(inside(&["/guida", "kb", "check", "/kb.db", "--json"])["vectors"], 1);
    let card = inside(&["/guida", "ask", "挂失凭什么", "--kb", "/kb.db", "--json"]);
    assert!(card["timings"]["embed_ms"].as_f64().unwrap() > 0.0, "{card:#}");
    let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["guida", "kb.db", "rules"], "the encoder leaves no file");
}

#[test]
fn it_answers_without_any_network() {
    // A fresh network namespace has no interface but a loopback that is down.
    let Some(unshare) = first_allowed(&[&["unshare", "-n"], &["unshare", "-rn"]], &["true"]) else {
        return skipped("no network", "this user may not make a network namespace");
    };
    let kb = knowledge();
    let inside = [GUIDA, "ask", QUESTION, "--kb", kb.to_str().unwrap(), "--json"];
    let words: Vec<&str> = unshare.iter().copied().chain(inside).collect();
    assert_cited_answer(&bare(&words).output().unwrap());
}

/// A running `guida serve`, ended with the test.
struct Server {
    child: Child,
    address: SocketAddrV4,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(GUIDA)
            .args(["serve", "--listen", "127.0.0.1:0", "--kb"])
            .arg(knowledge())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (announce, announced) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(address) = line.trim().strip_prefix("listening http://") {
                    let _ = announce.send(address.to_owned());
                }
            }
        });
        // The guard exists before anything can fail, so that no server is left behind.
        let mut server = Server { child, address: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0) };
        let address = announced.recv_timeout(START_DEADLINE).expect("serve announces its address");
        server.address = address.parse().unwrap();
        server
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(START_DEADLINE)).unwrap();
        stream
    }

    /// The server's process and every process below it.
    fn processes(&self) -> Vec<u32> {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
                let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
                let parent = status.lines().find_map(|l| l.strip_prefix("PPid:"))?.trim().parse().ok()?;
                Some((pid, parent))
            })
            .collect();
        let mut family = vec![self.child.id()];
        let mut at = 0;
        while let Some(&member) = family.get(at) {
            family.extend(parents.iter().filter(|(_, parent)| *parent == member).map(|(pid, _)| *pid));
            at += 1;
        }
        family
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Inodes of the sockets that a process holds.
fn sockets(pid: u32) -> Vec<u64> {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    descriptors
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

/// The sockets of one kind in a process's network namespace: inode to the row of /proc/net.
fn table(pid: u32, kind: &str) -> HashMap<u64, Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/{kind}")).unwrap_or_default();
    let rows = text.lines().skip(1).map(|l| l.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    rows.filter_map(|row| {
        let column = if matches!(kind, "packet" | "netlink") { row.len().checked_sub(1)? } else { 9 };
        Some((row.get(column)?.parse().ok()?, row))
    })
    .collect()
}

/// `0100007F:1F90` of /proc/net/tcp: the address as the machine holds the network's byte order, then the port.
fn address(text: &str) -> SocketAddrV4 {
    let (ip, port) = text.split_once(':').unwrap();
    let ip = u32::from_str_radix(ip, 16).unwrap().to_ne_bytes();
    SocketAddrV4::new(ip.into(), u16::from_str_radix(port, 16).unwrap())
}

#[test]
fn the_server_holds_only_loopback_sockets() {
    const LISTENING: &str = "0A";
    let server = Server::start();

    // One connection that stays open, and one whole question, so that whatever answering opens is open or has been.
    let _idle = server.connect();
    let body = serde_json::json!({ "question": QUESTION }).to_string();
    let mut asking = server.connect();
    write!(
        asking,
        "POST /api/v1/ask HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        server.address,
        body.len()
    )
    .unwrap();
    let mut reply = String::new();
    asking.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");

    let mut listening = Vec::new();
    for pid in server.processes() {
        let held = sockets(pid);
        let tcp = table(pid, "tcp");
        for row in held.iter().filter_map(|inode| tcp.get(inode)) {
            let (local, remote) = (address(&row[1]), address(&row[2]));
            assert!(local.ip().is_loopback(), "process {pid} holds a socket at {local}");
            if row[3] == LISTENING {
                listening.push(SocketAddr::from(local));
            } else {
                assert!(remote.ip().is_loopback(), "process {pid} is connected to {remote}");
            }
        }
        for kind in ["tcp6", "udp", "udp6", "udplite", "raw", "raw6", "icmp", "icmp6", "packet", "netlink"] {
            let rows = table(pid, kind);
            let found: Vec<_> = held.iter().filter_map(|inode| rows.get(inode)).collect();
            assert!(found.is_empty(), "process {pid} holds {kind} sockets: {found:?}");
        }
    }
    assert_eq!(listening, [SocketAddr::from(server.address)], "the one address that was asked for");
}
