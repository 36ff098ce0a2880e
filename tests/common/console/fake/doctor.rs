//! What a doctor finds.

use guida::engine::doctor::{Check, CheckState, DoctorReply};
use guida::types::Bilingual;

fn check(id: &str, state: CheckState, title: (&str, &str), found: (&str, &str), remedy: (&str, &str)) -> Check {
    let both = |(zh, en): (&str, &str)| Bilingual::new(zh, en);
    Check { id: id.into(), state, title: both(title), found: both(found), remedy: both(remedy) }
}

pub fn reply() -> DoctorReply {
    let checks = vec![
        check(
            "disk_space",
            CheckState::Fail,
            ("磁盘空间", "disk space"),
            ("数据目录所在磁盘只剩 310 MiB,下一个知识包需要 1.2 GiB", "310 MiB free, the next pack needs 1.2 GiB"),
            (
                "删除不再用的模型(guida model remove 名称),或清理系统日志(journalctl --vacuum-size=200M)",
                "remove models that are not used (guida model remove NAME), or trim the system log (journalctl --vacuum-size=200M)",
            ),
        ),
        check(
            "clock",
            CheckState::Warn,
            ("时钟", "clock"),
            ("比总行签名时间早 3 小时", "3 hours before the time that head office signed"),
            ("校准系统时间:timedatectl set-time", "set the time: timedatectl set-time"),
        ),
        check(
            "knowledge",
            CheckState::Ok,
            ("现行知识", "active knowledge"),
            ("完好,1,153 条", "sound, 1,153 clauses"),
            ("", ""),
        ),
        check("temperature", CheckState::Skipped, ("温度", "temperature"), ("没有传感器", "no sensors"), ("", "")),
    ];
    DoctorReply { checks, took_ms: 812.0 }
}
