//! The computer: processor, memory, load, temperature.

use super::CheckState;
use super::findings::{Finding, Looked, amount, say};
use super::service::Presence;
use super::subject::Subject;
use crate::inference::{CpuBox, Room};
use sysinfo::Components;

/// What the kernels of this build cannot do without, as `/proc/cpuinfo` calls it: llama.cpp's default set on x86-64; on arm64 it is
/// built for armv8-a, which always has `asimd` (NEON).
const NEEDED: &[&str] = match cfg!(target_arch = "x86_64") {
    true => &["avx2", "fma", "f16c", "bmi2"],
    false => match cfg!(target_arch = "aarch64") {
        true => &["asimd"],
        false => &[],
    },
};
/// What makes models faster where it is there: dot products on arm64.
const HELPFUL: &[&str] = if cfg!(target_arch = "aarch64") { &["asimddp"] } else { &[] };
/// With fewer cores the page waits while a model writes: a model leaves one core to it.
const MIN_CORES: u32 = 2;
/// Memory of the program without a model, beside the knowledge file: the release note's figure.
const PROGRAM_BYTES: u64 = 300 << 20;
/// Memory that should stay free while everything runs; the fit check of models leaves as much.
const SPARE_BYTES: u64 = 128 << 20;
/// Threads that want to compute, as a multiple of the processors, from which on tellers notice.
const BUSY_FACTOR: f64 = 2.0;
/// Degrees Celsius from which on a processor is hot where it does not say itself what is critical: most slow down from 90 to 100.
const HOT: f32 = 85.0;
/// Degrees below the critical temperature from which on it is hot.
const NEAR_CRITICAL: f32 = 10.0;

/// Which of these features the processors lack; `None` where the kernel does not say.
fn lacking<'f>(cpuinfo: &str, wanted: &[&'f str]) -> Option<Vec<&'f str>> {
    let line = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        matches!(key.trim(), "flags" | "Features").then_some(value)
    })?;
    Some(wanted.iter().filter(|feature| !line.split_whitespace().any(|has| has == **feature)).copied().collect())
}

pub(super) fn cpu(subject: &Subject) -> Looked {
    let text = subject.read("proc/cpuinfo");
    let Some(missing) = lacking(&text, NEEDED) else {
        return Err(Finding::skipped(say(
            "系统不说处理器有哪些指令集",
            "the system does not list the processor's features",
        )));
    };
    let here = CpuBox::this();
    let slower = lacking(&text, HELPFUL).unwrap_or_default().join(" ");
    let (name, cores) = (here.cpu, here.cores);
    if !missing.is_empty() {
        let missing = missing.join(" ");
        return Ok(Finding::fail(
            say(
                format!("{name},{cores} 核,缺少指令集 {missing}:载入模型时程序会退出"),
                format!("{name}, {cores} cores, without {missing}: the program ends when it loads a model"),
            ),
            say(
                "虚拟机:把 CPU 型号改为“主机直通”(host-passthrough)后重启;实体机:换用支持 AVX2 的机器,换之前用 guida serve --no-embedder \
                 启动(只按文字检索,不载入模型)",
                "virtual machine: set the CPU model to host-passthrough and restart it; real machine: use one with AVX2, until then \
                 start with guida serve --no-embedder (search by words, no model)",
            ),
        ));
    }
    let needed = NEEDED.join(" ");
    if cores < MIN_CORES {
        return Ok(Finding::warn(
            say(
                format!("{name},只有 {cores} 核;指令集满足({needed})"),
                format!("{name}, only {cores} core; has what is needed ({needed})"),
            ),
            say(
                "模型写说明文字时网页会变慢:给虚拟机加到 2 核以上,或不装模型",
                "the page is slow while a model writes: give it two cores or more, or install no model",
            ),
        ));
    }
    let note = match slower.is_empty() {
        true => (String::new(), String::new()),
        false => (format!(";没有 {slower},写说明文字慢一些"), format!("; without {slower}, so that prose is slower")),
    };
    Ok(Finding::ok(say(
        format!("{name},{cores} 核;指令集满足({needed}){}", note.0),
        format!("{name}, {cores} cores; has what is needed ({needed}){}", note.1),
    )))
}

/// `needed` is what a service wants that is not running yet; one that runs has it already.
fn judge_memory(total: u64, available: u64, needed: u64, runs: bool) -> CheckState {
    match (total < needed, available < if runs { SPARE_BYTES } else { needed }) {
        (true, _) => CheckState::Fail,
        (false, true) => CheckState::Warn,
        (false, false) => CheckState::Ok,
    }
}

pub(super) fn memory(subject: &Subject) -> Looked {
    let text = subject.read("proc/meminfo");
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let room = Room::under(&subject.system(""));
    let (Some(total), Some(available)) = (kib.map(|kib| kib.saturating_mul(1024)), room.available) else {
        return Err(Finding::skipped(say("系统不说有多少内存", "the system does not tell its memory")));
    };
    let group = room.control_group.filter(|_| subject.inside.is_some());
    let available = group.map_or(available, |left| left.min(available));
    let needed = PROGRAM_BYTES.saturating_add(subject.kb_bytes());
    let runs = matches!(subject.presence(), Presence::Inside | Presence::Answering);
    let state = judge_memory(total, available, needed, runs);
    let (total, available, needed) = (amount(total), amount(available), amount(needed));
    Ok(Finding::judged(
        state,
        say(
            format!("共 {total},可用 {available};程序和知识要 {needed},模型另计"),
            format!("{total}, of which {available} are free; program and knowledge take {needed}, models come on top"),
        ),
        say(
            "看谁占得多:ps aux --sort=-rss | head;停掉不用的程序,换小一些的模型,或加内存",
            "see who takes most: ps aux --sort=-rss | head; stop what is not needed, use a smaller model, or add memory",
        ),
    ))
}

fn judge_load(five_minutes: f64, processors: usize) -> CheckState {
    if five_minutes > BUSY_FACTOR * processors as f64 { CheckState::Warn } else { CheckState::Ok }
}

pub(super) fn load(subject: &Subject) -> Looked {
    let text = subject.read("proc/loadavg");
    let figures: Vec<f64> = text.split_whitespace().take(3).filter_map(|figure| figure.parse().ok()).collect();
    let &[one, five, fifteen] = figures.as_slice() else {
        return Err(Finding::skipped(say("系统不说负载", "the system does not tell its load")));
    };
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    Ok(Finding::judged(
        judge_load(five, processors),
        say(
            format!("1、5、15 分钟:{one:.1}、{five:.1}、{fifteen:.1};处理器 {processors} 个"),
            format!("1, 5, 15 minutes: {one:.1}, {five:.1}, {fifteen:.1}; {processors} processors"),
        ),
        say(
            "看是哪个程序:top(按 q 退出);是别的程序就停掉它;是 guida 就少开几路模型(--slots)",
            "see who it is: top (q ends it); stop what is not needed; if it is guida, let fewer replies run at once (--slots)",
        ),
    ))
}

fn judge_heat(degrees: f32, critical: Option<f32>) -> CheckState {
    let near = critical.map_or(HOT, |critical| HOT.min(critical - NEAR_CRITICAL));
    match critical {
        Some(critical) if degrees >= critical => CheckState::Fail,
        _ if degrees >= near => CheckState::Warn,
        _ => CheckState::Ok,
    }
}

pub(super) fn temperature(_: &Subject) -> Looked {
    let sensors = Components::new_with_refreshed_list();
    let read = sensors.iter().flat_map(|sensors| sensors.iter()).filter_map(|sensor| {
        let degrees = sensor.temperature().filter(|degrees| degrees.is_finite())?;
        // Some chips name nonsense.
        let critical = sensor.critical().filter(|critical| critical.is_finite() && *critical > HOT / 2.0);
        Some((judge_heat(degrees, critical), degrees, sensor.label().to_owned()))
    });
    let gravest = read.min_by(|(a, x, _), (b, y, _)| a.cmp(b).then(y.total_cmp(x)));
    let Some((state, degrees, label)) = gravest else {
        return Err(Finding::skipped(say("没有温度传感器", "no temperature sensor")));
    };
    Ok(Finding::judged(
        state,
        say(format!("最高 {degrees:.0} °C({label})"), format!("at most {degrees:.0} °C ({label})")),
        say(
            "太热会变慢或断电:清理风扇和进风口的灰尘,不要把机器放在柜子里",
            "heat makes it slow, or ends it: clean fans and inlets, and do not keep the machine in a cupboard",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckState::{Fail, Ok, Warn};

    #[test]
    fn features_are_read_as_the_kernel_writes_them() {
        let zhaoxin =
            "processor\t: 0\nmodel name\t: ZHAOXIN KaiXian KX-6640MA\nflags\t\t: fpu sse4_2 avx f16c bmi2 rdrand\n";
        assert_eq!(lacking(zhaoxin, &["avx2", "fma", "f16c", "bmi2"]), Some(vec!["avx2", "fma"]));
        // `avx` in `avx2` does not count.
        assert_eq!(lacking("flags : avx2\n", &["avx"]), Some(vec!["avx"]));
        let phytium =
            "processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\nCPU part\t: 0x663\n";
        assert_eq!(lacking(phytium, &["asimd", "asimddp"]), Some(vec!["asimddp"]));
        assert_eq!(lacking("processor : 0\n", &["asimd"]), None);
    }

    #[test]
    fn memory_is_judged_by_what_is_still_needed() {
        let needed = 500 << 20;
        assert_eq!(judge_memory(needed - 1, needed, needed, true), Fail);
        assert_eq!(judge_memory(4 << 30, needed, needed, false), Ok);
        assert_eq!(judge_memory(4 << 30, needed - 1, needed, false), Warn);
        // It has what it needs.
        assert_eq!(judge_memory(4 << 30, needed - 1, needed, true), Ok);
        assert_eq!(judge_memory(4 << 30, SPARE_BYTES - 1, needed, true), Warn);
    }

    #[test]
    fn load_and_heat_have_their_thresholds() {
        assert_eq!((judge_load(8.0, 4), judge_load(8.1, 4)), (Ok, Warn));
        assert_eq!((judge_heat(84.9, None), judge_heat(85.0, None), judge_heat(120.0, None)), (Ok, Warn, Warn));
        assert_eq!(
            (judge_heat(69.0, Some(80.0)), judge_heat(70.0, Some(80.0)), judge_heat(80.0, Some(80.0))),
            (Ok, Warn, Fail)
        );
        assert_eq!(judge_heat(86.0, Some(105.0)), Warn);
    }
}
