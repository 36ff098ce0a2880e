//! Whether the service is there, has its port, and comes up with the machine.

use super::findings::{Finding, Looked, say};
use super::subject::{Subject, quoted};
use crate::engine::branch::socket_of;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::collections::HashSet;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where `guida serve` listens when it is not told.
pub(super) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Longest wait for somebody who listens on this machine to take a connection, and then for each part of the answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Most bytes of that answer: a head and a word.
const MAX_ANSWER: u64 = 4 << 10;
/// What only Guida's `/healthz` says.
const MARKS: [&str; 2] = ["X-Request-Id:", "\"status\":\"ok\""];
/// The service's unit.
const UNIT: &str = "guida.service";
/// Where units lie, the administrator's own first (`systemd.unit(5)`).
const UNIT_FOLDERS: [&str; 3] = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// The folder that is there when systemd runs the machine (`sd_booted(3)`).
const SYSTEMD: &str = "run/systemd/system";
/// State of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Whether the service of a data folder is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is the one who looks.
    Inside,
    /// It takes connections.
    Answering,
    /// Its socket is there and nobody takes connections.
    Silent,
    /// Its socket may not be used by who looks.
    Denied,
    /// There is no socket.
    Absent,
}

impl Presence {
    /// Knocks at the socket without waiting, and says nothing.
    pub(super) fn of(data: &Path) -> Presence {
        let path = socket_of(data);
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let knocked = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .and_then(|socket| rustix::net::connect(&socket, &SocketAddrUnix::new(&path)?));
        match knocked.map_err(std::io::Error::from) {
            Ok(()) => Presence::Answering,
            // It has a queue, so that it lives.
            Err(e) if e.kind() == ErrorKind::WouldBlock => Presence::Answering,
            Err(e) if e.kind() == ErrorKind::PermissionDenied => Presence::Denied,
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => Presence::Silent,
            Err(_) => Presence::Absent,
        }
    }
}

/// What systemd is told of the service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// Whether systemd runs the machine.
    pub(super) systemd: bool,
    /// Whether there is a unit.
    pub(super) present: bool,
    /// Whether it starts with the machine.
    pub(super) enabled: bool,
    /// The user it runs as.
    pub(super) user: Option<String>,
    /// Where it listens, if a flag says so.
    pub(super) listen: Option<SocketAddr>,
    /// Its settings file, if a flag names one.
    pub(super) config: Option<PathBuf>,
}

impl Unit {
    /// As the files below `root` say, which stands for `/`.
    pub(super) fn under(root: &Path) -> Unit {
        let text = UNIT_FOLDERS.iter().find_map(|folder| std::fs::read_to_string(root.join(folder).join(UNIT)).ok());
        let wants = root.join(UNIT_FOLDERS[0]).join("multi-user.target.wants").join(UNIT);
        let found = text.as_deref().unwrap_or_default();
        let value = |name: &str| found.lines().find_map(|line| Some(line.trim().strip_prefix(name)?.trim()));
        let words: Vec<&str> = value("ExecStart=").unwrap_or_default().split_whitespace().collect();
        let flag = |name: &str| {
            let behind = |(at, word): (usize, &&str)| match word.strip_prefix(name)? {
                "" => words.get(at + 1).map(|value| (*value).to_owned()),
                rest => rest.strip_prefix('=').map(str::to_owned),
            };
            words.iter().enumerate().find_map(behind)
        };
        Unit {
            systemd: root.join(SYSTEMD).is_dir(),
            present: text.is_some(),
            // A link, which may lead to what only the real root has.
            enabled: std::fs::symlink_metadata(wants).is_ok(),
            user: value("User=").map(str::to_owned),
            listen: flag("--listen").and_then(|address| address.parse().ok()),
            config: flag("--config").map(PathBuf::from),
        }
    }
}

/// What the service of a data folder calls itself, by the greeting of its admin socket.
fn name_of(data: &Path) -> Option<String> {
    let socket = UnixStream::connect(socket_of(data)).ok()?;
    socket.set_read_timeout(Some(ANSWER_WAIT)).ok()?;
    let mut greeting = String::new();
    std::io::BufReader::new(socket.take(MAX_ANSWER)).read_line(&mut greeting).ok()?;
    instance_in(&greeting)
}

/// The name of a service in what it says.
fn instance_in(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("\"instance\":\"")?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

/// Who answers on a port of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    /// A Guida, with its name.
    Guida(Option<String>),
    Others,
    Free,
    Mute,
}

/// Asks what `/healthz` answers.
fn knock(address: SocketAddr) -> Port {
    let reached = SocketAddr::new(
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        },
        address.port(),
    );
    let mut stream = match TcpStream::connect_timeout(&reached, ANSWER_WAIT) {
        Ok(stream) => stream,
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => return Port::Free,
        Err(_) => return Port::Mute,
    };
    let mut answer = Vec::new();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {reached}\r\nConnection: close\r\n\r\n");
    let _ = stream
        .set_read_timeout(Some(ANSWER_WAIT))
        .and_then(|()| stream.set_write_timeout(Some(ANSWER_WAIT)))
        .and_then(|()| stream.write_all(request.as_bytes()))
        .and_then(|()| stream.take(MAX_ANSWER).read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    match (answer.is_empty(), MARKS.iter().all(|mark| answer.contains(mark))) {
        (true, _) => Port::Mute,
        (false, true) => Port::Guida(instance_in(&answer)),
        (false, false) => Port::Others,
    }
}

pub(super) fn running(subject: &Subject) -> Looked {
    let presence = subject.presence();
    if presence == Presence::Inside {
        return Ok(Finding::ok(say("在运行,本次由服务自己检查", "running; it looks at itself")));
    }
    let data = subject.folder()?;
    Ok(match presence {
        Presence::Answering => Finding::ok(say("在运行,管理接口有应答", "running; its admin socket answers")),
        Presence::Denied => Finding::skipped(say(
            "当前用户不能连接管理接口,没有查",
            "not looked at: this user may not use the admin socket",
        )),
        _ => {
            let (zh, en) = match presence == Presence::Silent {
                true => ("没有应答:上次没有正常结束", "does not answer: it did not end in order"),
                false => ("没有在运行", "not running"),
            };
            let (unit, log) = (subject.unit(), quoted(&data.root().join("log").join("guida.log")));
            let start = match unit.systemd && unit.present {
                true => "sudo systemctl start guida".to_owned(),
                false => subject.command("serve"),
            };
            let remedy = say(
                format!("启动:{start};起不来就看日志:tail -n 50 {log}"),
                format!("start it: {start}; if it does not come up, read the log: tail -n 50 {log}"),
            );
            // It was killed or crashed, or is to serve from the start on and does not; another may be in the making.
            let meant = presence == Presence::Silent || (unit.systemd && unit.enabled);
            if meant { Finding::fail(say(zh, en), remedy) } else { Finding::warn(say(zh, en), remedy) }
        }
    })
}

pub(super) fn http(subject: &Subject) -> Looked {
    if subject.presence() == Presence::Inside {
        return Ok(own_ports(subject));
    }
    let address = subject.listen().unwrap_or(DEFAULT_LISTEN);
    let runs = subject.presence() == Presence::Answering;
    let port = subject.command("settings set http.listen 0.0.0.0:8081");
    let who = format!("sudo ss -ltnp 'sport = :{}'", address.port());
    let denied = subject.presence() == Presence::Denied;
    Ok(match (knock(address), runs) {
        // Who may not ask the service for its name takes the port's word.
        (Port::Guida(_), _) if denied => Finding::ok(say(
            format!("{address} 由柜答使用,有应答;当前用户不能核对是不是本数据目录的服务"),
            format!("{address} is a Guida's and answers; this user may not see whether it is this folder's"),
        )),
        (Port::Guida(name), true) if name.is_some() && name == name_of(subject.folder()?.root()) => {
            Finding::ok(say(format!("{address} 由本服务使用,有应答"), format!("{address} is ours and answers")))
        }
        (Port::Guida(_), _) => Finding::fail(
            say(
                format!("{address} 由另一个柜答使用,不是本数据目录的服务"),
                format!("{address} is another Guida's, not that of this data folder"),
            ),
            say(
                format!("看是哪个进程:{who};停掉它,或让本服务换端口后重启:{port}"),
                format!("see which process: {who}; stop it, or give this service another port and restart it: {port}"),
            ),
        ),
        (Port::Free, false) => Finding::ok(say(format!("{address} 空闲"), format!("{address} is free"))),
        (Port::Free, true) => Finding::warn(
            say(
                format!("服务在运行,但 {address} 上没有网页"),
                format!("the service runs, but nothing is served at {address}"),
            ),
            say(
                "改过 http.listen 就重启服务:sudo systemctl restart guida;否则看启动参数里的 --listen:ps -o args= -C guida",
                "restart it if http.listen was changed: sudo systemctl restart guida; else see its --listen: ps -o args= -C guida",
            ),
        ),
        (Port::Others, _) => Finding::fail(
            say(format!("{address} 被别的程序占用"), format!("{address} is used by another program")),
            say(
                format!("看是哪个程序:{who};停掉它,或让柜答换端口后重启:{port}"),
                format!("see which: {who}; stop it, or give Guida another port and restart it: {port}"),
            ),
        ),
        (Port::Mute, _) => Finding::warn(
            say(format!("{address} 没有应答"), format!("{address} does not answer")),
            say(
                format!("看是哪个程序在用:{who};是柜答就重启:sudo systemctl restart guida"),
                format!("see who has it: {who}; if it is Guida, restart it: sudo systemctl restart guida"),
            ),
        ),
    })
}

/// The ports at which the service itself listens.
fn own_ports(subject: &Subject) -> Finding {
    let sockets: HashSet<u64> = std::fs::read_dir(subject.system("proc/self/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.ok()?.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        })
        .collect();
    let mut ports: Vec<u16> = ["proc/self/net/tcp", "proc/self/net/tcp6"]
        .into_iter()
        .flat_map(|table| listening(&subject.read(table), &sockets))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return Finding::warn(
            say("服务没有监听任何网页端口", "the service listens at no web port"),
            say("重启服务:sudo systemctl restart guida", "restart it: sudo systemctl restart guida"),
        );
    }
    let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    Finding::ok(say(format!("正在监听端口 {ports}"), format!("listening at port {ports}")))
}

/// Ports at which one of these sockets listens, by a table as in `/proc/net/tcp` (`proc(5)`).
fn listening(table: &str, sockets: &HashSet<u64>) -> Vec<u16> {
    let port = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?.parse().ok()?);
        let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (*state == LISTENING && sockets.contains(&inode)).then_some(port)
    };
    table.lines().skip(1).filter_map(port).collect()
}

pub(super) fn autostart(subject: &Subject) -> Looked {
    let unit = subject.unit();
    if !unit.systemd {
        return Err(Finding::skipped(say("本机没有使用 systemd", "this machine does not run systemd")));
    }
    Ok(match (unit.present, unit.enabled) {
        (_, true) => Finding::ok(say("已设为开机自启", "starts with the machine")),
        (true, false) => Finding::warn(
            say("停电恢复后不会自己启动", "will not come up by itself after a power cut"),
            say(
                "设为开机自启:sudo systemctl enable --now guida",
                "let it start at boot: sudo systemctl enable --now guida",
            ),
        ),
        (false, false) => Finding::warn(
            say("没有 guida.service,停电恢复后不会自己启动", "no guida.service: it will not come up after a power cut"),
            say(
                "把发放介质上的 packaging/systemd/guida.service 拷到 /etc/systemd/system/,再执行:sudo systemctl daemon-reload && \
                 sudo systemctl enable --now guida",
                "copy packaging/systemd/guida.service from the delivery to /etc/systemd/system/, then: sudo systemctl \
                 daemon-reload && sudo systemctl enable --now guida",
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::CheckState;
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_unit_tells_user_and_start() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Unit::under(root.path()), Unit::default());
        let folder = root.path().join("etc/systemd/system");
        std::fs::create_dir_all(folder.join("multi-user.target.wants")).unwrap();
        std::fs::create_dir_all(root.path().join(SYSTEMD)).unwrap();
        let unit = include_str!("../../../packaging/systemd/guida.service");
        std::fs::write(folder.join(UNIT), unit).unwrap();
        let found = Unit::under(root.path());
        assert_eq!((found.systemd, found.present, found.enabled), (true, true, false));
        // The address is in the settings file.
        assert_eq!((found.user.as_deref(), found.listen, found.config), (Some("guida"), None, None));
        std::os::unix::fs::symlink("/nowhere", folder.join("multi-user.target.wants").join(UNIT)).unwrap();
        assert!(Unit::under(root.path()).enabled);
        let subject = Subject::outside(root.path(), root.path(), None);
        // It should have come up by itself, and is not there.
        assert_eq!(Finding::of(running(&subject)).state, CheckState::Fail);
        assert_eq!(Finding::of(autostart(&subject)).state, CheckState::Ok);
    }

    #[test]
    fn a_port_is_free_ours_or_anothers() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = taken.accept().unwrap();
            let mut head = [0; 16];
            stream.read_exact(&mut head).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nServer: another\r\n\r\nhello").unwrap();
        });
        assert_eq!(knock(address), Port::Others);
        other.join().unwrap();
        // The listener is gone with its thread.
        assert_eq!(knock(address), Port::Free);
    }

    #[test]
    fn a_socket_that_nobody_holds_is_silent() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Presence::of(data.path()), Presence::Absent);
        std::fs::create_dir(data.path().join("run")).unwrap();
        let path = data.path().join("run/admin.sock");
        let held = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(Presence::of(data.path()), Presence::Answering);
        drop(held);
        assert_eq!(Presence::of(data.path()), Presence::Silent);
    }

    #[test]
    fn listening_sockets_are_found_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n\
             1: 0100007F:1F91 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1\n\
             2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0\n";
        assert_eq!(listening(table, &HashSet::from([4711, 4712])), [8080]);
        assert!(listening("", &HashSet::from([1])).is_empty());
    }
}
