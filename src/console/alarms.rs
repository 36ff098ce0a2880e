//! What should be seen to, from the service's notices and the figures of service and machine; each with what to do and where.

use super::screen::Shared;
use crate::engine::overview::OverviewReply;
use crate::engine::reply::{GeneratorStatus, NoticeCode};
use crate::types::Bilingual;

/// Disk: less free than this share, or than this many bytes, and the next pack may not find room (a generation of the law is 1 GiB).
const DISK_SHARE: f64 = 0.10;
const DISK_BYTES: u64 = 2 << 30;
/// Memory: less available than this share, and the system will soon end processes.
const MEMORY_SHARE: f64 = 0.05;
/// Processors slow themselves down at some 95 to 100 degrees; fans and dust are seen to before.
const HOT: f32 = 85.0;
/// Cards are promised within a second.
const SLOW_MS: f64 = 1000.0;
/// A share of refusals that calls for head office, among at least so many questions of an hour.
const REFUSED_SHARE: f64 = 0.5;
const REFUSED_AMONG: u32 = 20;

/// Something that should be seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// It keeps the box from working, or answers from being right.
    pub grave: bool,
    /// What is the matter.
    pub what: Bilingual,
    /// What to do.
    pub todo: Bilingual,
    /// The screen that helps.
    pub screen: &'static str,
}

impl Alarm {
    fn new(grave: bool, screen: &'static str, what: (String, String), todo: (&str, &str)) -> Alarm {
        Alarm { grave, what: Bilingual::new(what.0, what.1), todo: Bilingual::new(todo.0, todo.1), screen }
    }
}

/// Everything that should be seen to now, gravest first.
pub fn of(shared: &Shared) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if let Some(overview) = &shared.overview {
        of_service(overview, &mut alarms);
    }
    of_machine(shared, &mut alarms);
    alarms.sort_by_key(|alarm| !alarm.grave);
    alarms
}

fn of_service(overview: &OverviewReply, alarms: &mut Vec<Alarm>) {
    for notice in &overview.status.notices {
        let grave = matches!(
            notice.code,
            NoticeCode::ActiveCorrupt
                | NoticeCode::KnowledgeAltered
                | NoticeCode::DataUnwritable
                | NoticeCode::DiskLow
                | NoticeCode::RecordsAltered
                | NoticeCode::NoKnowledge
                | NoticeCode::ClockBeforeFloor
                | NoticeCode::ClockSteppedBack
                | NoticeCode::ClockSteppedForward
        );
        let screen = match notice.code {
            NoticeCode::KnowledgeAltered
            | NoticeCode::NoKnowledge
            | NoticeCode::KnowledgeStale
            | NoticeCode::NewerAnnounced => "import",
            NoticeCode::CuratedSuspended => "knowledge",
            NoticeCode::ActiveCorrupt
            | NoticeCode::DataUnwritable
            | NoticeCode::DiskLow
            | NoticeCode::RecordsAltered
            | NoticeCode::KnowledgeUnchecked
            | NoticeCode::ClientCrowding
            | NoticeCode::ClockBeforeFloor
            | NoticeCode::ClockSteppedBack
            | NoticeCode::ClockSteppedForward => "doctor",
        };
        let todo = match notice.code {
            NoticeCode::CuratedSuspended => Bilingual::new("按 2 再按 v 逐条复核", "press 2, then v, and look at each"),
            code => Bilingual::new(&notice.hint, code.remedy()),
        };
        alarms.push(Alarm { grave, what: Bilingual::new(&notice.message, notice.code.meaning()), todo, screen });
    }
    for generator in [&overview.status.generator, &overview.status.small_generator].into_iter().flatten() {
        of_generator(generator, alarms);
    }
    if let Some(p95) = overview.card_p95_ms.filter(|p95| *p95 > SLOW_MS) {
        alarms.push(Alarm::new(
            false,
            "doctor",
            (format!("答案偏慢:95% 在 {p95:.0} 毫秒内"), format!("answers are slow: 95% within {p95:.0} ms")),
            ("看处理器和内存是否被别的程序占用;体检", "look whether other programs use the processors; run the doctor"),
        ));
    }
    let (asked, refused) = overview.minutes.iter().fold((0, 0), |(q, r), m| (q + m.questions, r + m.refused));
    if asked >= REFUSED_AMONG && f64::from(refused) > f64::from(asked) * REFUSED_SHARE {
        alarms.push(Alarm::new(
            false,
            "ask",
            (
                format!("一小时内 {asked} 个问题有 {refused} 个没有依据可答"),
                format!("{refused} of {asked} questions of the last hour were refused"),
            ),
            ("在“提问”画面看是哪些问题、为什么", "see on the Ask screen which they are and why"),
        ));
    }
}

fn of_generator(generator: &GeneratorStatus, alarms: &mut Vec<Alarm>) {
    if let Some(failure) = &generator.failure {
        alarms.push(Alarm::new(
            false,
            "models",
            (format!("生成模型不可用:{failure}"), format!("the model does not run: {failure}")),
            (
                "条款照常显示;到“模型”画面重新载入或换一个",
                "cards go on; load it again or another one on the Models screen",
            ),
        ));
    }
    if let Some(failure) = &generator.swap_failure {
        alarms.push(Alarm::new(
            false,
            "models",
            (format!("换模型没有成功:{failure}"), format!("the other model was not taken: {failure}")),
            ("原来的模型继续工作;到“模型”画面看原因", "the present one goes on; see the Models screen"),
        ));
    }
}

fn of_machine(shared: &Shared, alarms: &mut Vec<Alarm>) {
    let Some(machine) = shared.machine.latest() else { return };
    let free = machine.disk_free;
    if machine.disk_total > 0 && (free < DISK_BYTES || (free as f64) < machine.disk_total as f64 * DISK_SHARE) {
        let room = super::parts::bytes(free);
        alarms.push(Alarm::new(
            free < DISK_BYTES / 2,
            "doctor",
            (format!("磁盘只剩 {room}"), format!("only {room} are left on the disk")),
            ("清理磁盘,否则下一个知识包装不下", "make room, or the next pack will not fit"),
        ));
    }
    let available = machine.memory_total.saturating_sub(machine.memory_used);
    if machine.memory_total > 0 && (available as f64) < machine.memory_total as f64 * MEMORY_SHARE {
        let room = super::parts::bytes(available);
        alarms.push(Alarm::new(
            true,
            "models",
            (format!("内存只剩 {room}"), format!("only {room} of memory are left")),
            ("停掉别的程序,或换小一些的模型", "end other programs, or use a smaller model"),
        ));
    }
    if let Some(heat) = machine.temperature.filter(|heat| *heat >= HOT) {
        alarms.push(Alarm::new(
            false,
            "doctor",
            (format!("温度 {heat:.0}℃,处理器会自动降速"), format!("{heat:.0} degrees: the processor will slow down")),
            ("检查风扇、灰尘和机柜通风", "see to fan, dust and air"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::machine::Reading;

    #[test]
    fn a_box_without_knowledge_is_sent_to_the_import_before_anything_else() {
        let status = serde_json::json!({
            "version": "1", "generation": "none", "documents": 0, "clauses": 0, "vectors": 0,
            "embedder": null, "generator": null, "small_generator": null,
            "answer_cache": { "hits": 0, "misses": 0, "entries": 0, "bytes": 0 },
            "service": {
                "questions": 0, "failed": 0, "refused": 0, "answered": 0, "prose_wanted": 0, "prose_unavailable": 0,
                "card_times": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "card_seconds": 0.0
            },
            "today": "2026-11-21", "suspended": 0,
            "notices": [
                { "code": "NEWER_ANNOUNCED", "message": "有新的", "hint": "导入" },
                { "code": "NO_KNOWLEDGE", "message": "还没有知识", "hint": "按 3 导入" }
            ]
        });
        let overview = OverviewReply {
            status: serde_json::from_value(status).unwrap(),
            uptime_s: 1,
            pid: 1,
            generator_pids: Vec::new(),
            data: None,
            knowledge_issued: None,
            minutes: Vec::new(),
            card_p50_ms: None,
            card_p95_ms: None,
            waiting: 0,
            working: 0,
        };
        let alarms = of(&Shared { overview: Some(overview), ..Shared::default() });
        let first = &alarms[0];
        assert_eq!((first.what.zh.as_str(), first.todo.zh.as_str()), ("还没有知识", "按 3 导入"));
        assert_eq!((first.grave, first.screen), (true, "import"));
        assert!(first.what.en.contains("no knowledge") && first.todo.en.contains("guida import"), "{first:?}");
        assert!(!alarms[1].grave);
    }

    fn with(reading: Reading) -> Shared {
        let mut shared = Shared::default();
        shared.machine.take(reading);
        shared
    }

    #[test]
    fn a_machine_that_is_well_raises_none_and_one_that_is_not_says_what_to_do() {
        let well = Reading {
            memory_used: 4 << 30,
            memory_total: 16 << 30,
            disk_free: 100 << 30,
            disk_total: 200 << 30,
            temperature: Some(50.0),
            ..Reading::default()
        };
        assert_eq!(of(&with(well.clone())), []);
        assert_eq!(of(&Shared::default()), []);
        let ill = Reading { memory_used: 16 << 30, disk_free: 3 << 30, temperature: Some(91.0), ..well };
        let alarms = of(&with(ill));
        assert_eq!(alarms.iter().map(|a| a.screen).collect::<Vec<_>>(), ["models", "doctor", "doctor"]);
        assert!(alarms[0].grave && !alarms[1].grave);
        assert!(alarms.iter().all(|a| !a.todo.zh.is_empty() && a.todo.en.is_ascii() && a.what.en.is_ascii()));
        // The share of a small disk counts as well as the bytes of a large one.
        assert_eq!(of(&with(Reading { disk_free: 5 << 30, disk_total: 500 << 30, ..Reading::default() })).len(), 1);
    }
}
