//! What a service says.

use guida::engine::logs::{LogLevel, LogLine, LogReply, LogRequest};
use guida::engine::reply::Event;

/// The end of its log file.
pub fn tail() -> Vec<String> {
    vec![
        "2026-11-21T14:59:01+08:00 INFO guida::app: service 0.1.0 started".into(),
        "2026-11-21T15:02:17+08:00 ERROR guida::inference: the model does not load: 内存不足".into(),
    ]
}

fn line(number: u64, second: &str, level: LogLevel, target: &str, message: &str) -> LogLine {
    let at = format!("2026-11-21T06:{second}Z").parse().unwrap();
    LogLine { number, at, level, target: target.into(), message: message.into() }
}

/// Its log.
pub fn reply(request: LogRequest) -> LogReply {
    let lines = vec![
        line(1, "01:02", LogLevel::Info, "guida::app", "service started version=0.1.0 listen=127.0.0.1:8080"),
        line(2, "01:03", LogLevel::Info, "guida::engine", "knowledge g-20261101-8 answers"),
        line(
            3,
            "22:40",
            LogLevel::Warn,
            "guida::inference::child",
            "memory is short: the model is loaded with --context 2048",
        ),
        line(
            4,
            "31:11",
            LogLevel::Error,
            "guida::import",
            "[PACK_HASH] 分片 003 与校验值不符。建议:换一个 U 盘重新拷贝",
        ),
        line(5, "59:59", LogLevel::Info, "guida::import", "import finished generation=g-20261101-8"),
    ];
    let lines = lines.into_iter().filter(|line| line.number > request.after).collect();
    LogReply { lines, file: Some("/var/lib/guida/log/guida.log".into()) }
}

/// What was done to the box.
pub fn journal() -> Vec<Event> {
    let event = |id, at: &str, actor: &str, event: &str, code: &str, detail: &str| Event {
        id,
        at: at.into(),
        actor: actor.into(),
        event: event.into(),
        code: code.into(),
        detail: detail.into(),
    };
    vec![
        event(12, "2026-11-20T09:14:02+08:00", "operator uid=1000 zhang", "import", "OK", "g-20261101-8"),
        event(
            11,
            "2026-11-20T09:02:44+08:00",
            "operator uid=1000 zhang",
            "import",
            "PACK_HASH",
            "分片 003 与校验值不符",
        ),
        event(10, "2026-09-02T16:40:00+08:00", "operator", "rollback", "OK", "g-20260801-6"),
    ]
}
