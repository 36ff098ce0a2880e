//! How a service does.

use guida::engine::overview::{Minute, OverviewReply};
use guida::engine::reply::{Notice, NoticeCode, StatusReply};
use serde_json::json;

pub fn reply(well: bool) -> OverviewReply {
    let status: StatusReply = serde_json::from_value(json!({
        "version": "0.1.0",
        "generation": "g-20261101-8",
        "documents": 86, "clauses": 1153, "vectors": 1258,
        "embedder": null,
        "generator": null,
        "small_generator": null,
        "answer_cache": {"hits": 31, "misses": 40, "entries": 40, "bytes": 81920},
        "service": {
            "questions": 1204, "failed": 6, "refused": 88, "answered": 1110, "prose_wanted": 700, "prose_unavailable": 3,
            "card_times": [700, 300, 150, 40, 8, 4, 2, 0, 0, 0], "card_seconds": 9.6
        },
        "today": "2026-11-21",
        "notices": [],
        "suspended": 2
    }))
    .unwrap();
    let notice = Notice {
        code: NoticeCode::CuratedSuspended,
        message: "2 条问法所依据的条款已变,要有人复核".into(),
        hint: "用 guida data review 逐条查看".into(),
    };
    let minutes = (0..60u32).map(|n| Minute {
        questions: n * 7 % 23,
        refused: u32::from(n % 9 == 0),
        failed: 0,
        slowest_ms: 18.0,
    });
    OverviewReply {
        status: StatusReply { notices: if well { Vec::new() } else { vec![notice] }, ..status },
        uptime_s: 190_000,
        pid: 4711,
        generator_pids: vec![4720],
        data: Some("/var/lib/guida".into()),
        knowledge_issued: Some("2026-11-01".parse().unwrap()),
        minutes: minutes.collect(),
        card_p50_ms: Some(6.2),
        card_p95_ms: Some(18.4),
        waiting: 0,
        working: 1,
    }
}
