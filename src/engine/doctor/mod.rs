//! Looks at everything a box needs to work, and says of each thing that is not in order what to do.
//!
//! A check is one line in [`CHECKS`] and one function that looks at a [`Subject`]: `machine` has those on the computer, `folder` on the
//! data folder and its disk, `identity` on who the box is, `knowledge` on what answers, `history` on journal and clock, `models` on the
//! models, `settings` on the settings file, `service` on the service and its start. `findings` has the words that several share. Nothing is written, no model is loaded,
//! no program is started; a running service is asked nothing but whether it is there.
//!
//! The same checks serve `guida doctor`, which needs no service, and the console, which asks the service: then the service's own state is
//! at hand. Whatever a check does (a disk that hangs, a fault of ours), the reply comes within [`EXAMINATION_LIMIT`].

mod findings;
mod folder;
mod history;
mod identity;
mod knowledge;
mod machine;
mod models;
mod service;
mod settings;
mod subject;

use super::Engine;
use crate::answer::Answerer;
use crate::error::{Code, Error, Result};
use crate::import::step_back;
use crate::types::Bilingual;
use findings::{Finding, Looked, say};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use subject::{Inside, Subject};

/// Longest time until the reply: what has not been looked at by then is told as such.
pub const EXAMINATION_LIMIT: Duration = Duration::from_secs(30);
/// Longest time of each check that reads a whole file: hashing it, and SQLite's look through it.
const SLOW_LIMIT: Duration = Duration::from_secs(8);

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorReply {
    /// Every check, the gravest first, and those that are alike in the order of the table.
    pub checks: Vec<Check>,
    /// Time it took, in milliseconds.
    pub took_ms: f64,
}

impl DoctorReply {
    /// How many checks came out so.
    pub fn count(&self, state: CheckState) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name, `disk_space`.
    pub id: String,
    /// How it came out.
    pub state: CheckState,
    /// What was looked at.
    pub title: Bilingual,
    /// What was found, with figures.
    pub found: Bilingual,
    /// What to do; empty when all is well.
    pub remedy: Bilingual,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It keeps the box from working, or will soon, or lets somebody at its keys.
    Fail,
    /// It should be seen to.
    Warn,
    /// It could not be looked at, or does not apply.
    Skipped,
    /// All is well.
    Ok,
}

/// A line of the table: stable name, title in both languages, and who looks.
struct Spec(&'static str, &'static str, &'static str, fn(&Subject) -> Looked);

/// Every check. What others rest on comes first: of several that fail, the first is the one to begin with.
const CHECKS: &[Spec] = &[
    Spec("settings_file", "设置文件", "Settings file", settings::file),
    Spec("service", "服务", "Service", service::running),
    Spec("http", "网页端口", "Web port", service::http),
    Spec("autostart", "开机自启", "Start at boot", service::autostart),
    Spec("data_folder", "数据目录", "Data folder", folder::data_folder),
    Spec("writable", "数据目录可写", "Data folder can be written", folder::writable),
    Spec("owner", "文件属主", "Owner of the files", folder::owner),
    Spec("permissions", "文件权限", "Permissions of the files", folder::permissions),
    Spec("disk_space", "磁盘空间", "Disk space", folder::disk_space),
    Spec("inodes", "可建文件数", "Files that can be made", folder::inodes),
    Spec("trust_root", "信任根", "Trust root", identity::trust_root),
    Spec("device_key", "设备密钥", "Device key", identity::device_key),
    Spec("pointer", "现行指向", "Pointer to the knowledge", knowledge::pointer),
    Spec("knowledge_file", "现行知识", "Active knowledge", knowledge::file),
    Spec("knowledge_hash", "知识文件校验值", "Checksum of the knowledge", knowledge::hash),
    Spec("knowledge_sound", "知识文件结构", "Structure of the knowledge", knowledge::sound),
    Spec("encoder", "编码模型与知识", "Encoder and knowledge", knowledge::encoder),
    Spec("previous", "前一代知识", "Previous knowledge", knowledge::previous),
    Spec("held", "停用的知识包", "Held pack", knowledge::held),
    Spec("freshness", "知识新旧", "Age of the knowledge", knowledge::freshness),
    Spec("reviews", "待复核问法", "Questions to review", knowledge::reviews),
    Spec("clock", "本机时钟", "Clock", history::clock),
    Spec("time_zone", "时区", "Time zone", history::time_zone),
    Spec("journal", "记录库", "Journal", history::journal),
    Spec("own_files", "本机自己写的文件", "Files that the box writes itself", history::own_files),
    Spec("last_import", "上次导入", "Last import", history::last_import),
    Spec("staging", "导入残留", "Left by an import", folder::staging),
    Spec("receipt", "待带走的回执", "Receipt that waits", folder::receipt),
    Spec("log_folder", "日志目录", "Log folder", folder::log_folder),
    Spec("cpu", "处理器", "Processor", machine::cpu),
    Spec("memory", "内存", "Memory", machine::memory),
    Spec("load", "负载", "Load", machine::load),
    Spec("temperature", "温度", "Temperature", machine::temperature),
    Spec("model_registry", "模型登记", "Register of models", models::registry),
    Spec("model_files", "模型文件", "Model files", models::files),
    Spec("model_fit", "模型与内存", "Models and memory", models::fit),
    Spec("model_speed", "模型测速", "Measured speed", models::speed),
    Spec("generator", "写说明文字的模型", "The model that writes", models::generator),
];

/// Looks at a data folder and the machine from the command line. `listen` is the address at which the service should serve pages; where
/// it is not given, that of the systemd unit, of the settings file, then the service's default.
pub fn of_folder(data: &Path, listen: Option<SocketAddr>) -> DoctorReply {
    examine(CHECKS, Subject::outside(Path::new("/"), data, listen), EXAMINATION_LIMIT)
}

/// A service is looked at by one person at a time: a disk that hangs holds one thread, not one for each who asks.
static EXAMINING: AtomicBool = AtomicBool::new(false);

/// The turn of one examination of the service; it ends with the thread that looks.
struct Turn;

impl Turn {
    fn take() -> Result<Turn> {
        if EXAMINING.swap(true, Ordering::AcqRel) {
            return Err(Error::new(Code::Busy, "已经有一次体检在进行", "等它结束再看;总是这样时检查磁盘"));
        }
        Ok(Turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        EXAMINING.store(false, Ordering::Release);
    }
}

/// Looks at the box from inside its service.
///
/// # Errors
/// `BUSY` while another looks.
pub(super) fn of_service(engine: &Engine, answerer: &Answerer) -> Result<DoctorReply> {
    let turn = Turn::take()?;
    let retriever = answerer.retriever();
    let writers = answerer.writers();
    let knowledge = retriever.knowledge();
    let kb = knowledge.path();
    let inside = Inside {
        kb: (!knowledge.is_blank()).then(|| std::path::absolute(kb).unwrap_or_else(|_| kb.to_owned())),
        encoder: retriever.embedder().map(|encoder| encoder.model().clone()),
        writers: [&writers.large, &writers.small].into_iter().flatten().map(|writer| writer.status()).collect(),
        journal: engine.home.as_ref().map(|home| home.state.clone()),
        settings: Arc::clone(&engine.settings),
        _turn: turn,
    };
    let data = engine.home.as_ref().map(|home| home.data.root());
    Ok(examine(CHECKS, Subject::inside(Path::new("/"), data, inside), EXAMINATION_LIMIT))
}

/// Has a thread look, and waits for it until `limit`.
fn examine(checks: &'static [Spec], subject: Subject, limit: Duration) -> DoctorReply {
    let started = Instant::now();
    let (tell, findings) = mpsc::channel();
    // Where the system has no thread left, nothing comes, which is told.
    let _ = std::thread::Builder::new().name("doctor".into()).spawn(move || {
        step_back();
        for Spec(_, _, _, look) in checks {
            let looked = catch_unwind(AssertUnwindSafe(|| look(&subject)));
            // Nobody waits any more: the rest need not be looked at.
            if tell.send(looked.map_or_else(|_| crashed(), Finding::of)).is_err() {
                return;
            }
        }
        // Before the other side hears that this is the end: whoever asks next finds the turn free.
        drop(subject);
        drop(tell);
    });
    let left = |_: &Spec| findings.recv_timeout(limit.saturating_sub(started.elapsed())).ok();
    let found: Vec<Option<Finding>> = checks.iter().map(left).collect();
    // Nothing more comes but the end.
    let _ = findings.recv_timeout(limit.saturating_sub(started.elapsed()));
    let mut hung = true;
    let findings = found.into_iter().map(|finding| finding.unwrap_or_else(|| late(limit, std::mem::take(&mut hung))));
    let mut checks: Vec<Check> = checks.iter().zip(findings).map(|(spec, finding)| finding.told(spec)).collect();
    checks.sort_by_key(|check| check.state);
    DoctorReply { checks, took_ms: started.elapsed().as_secs_f64() * 1e3 }
}

fn crashed() -> Finding {
    Finding::warn(
        say("这一项检查自身出了故障", "this check itself has a fault"),
        say("把本条信息报给软件维护方", "report this line to those who maintain the software"),
    )
}

/// What was not found in time; the first of them is what took so long.
fn late(limit: Duration, first: bool) -> Finding {
    let seconds = limit.as_secs();
    if first {
        return Finding::warn(
            say(
                format!("{seconds} 秒之内没有查完,多半是磁盘太忙或有故障"),
                format!("not done within {seconds} s: the disk is probably too busy, or failing"),
            ),
            say(
                "稍后再查一次;仍然这样,检查磁盘:sudo dmesg | grep -iE 'i/o error|ata|nvme'",
                "look again later; if it stays so, check the disk: sudo dmesg | grep -iE 'i/o error|ata|nvme'",
            ),
        );
    }
    Finding::skipped(say("前面的检查用完了时间,没有查", "not looked at: the checks before took all the time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn nobody() -> Subject {
        Subject::outside(Path::new("/nowhere"), Path::new("/nowhere/data"), None)
    }

    fn fine(_: &Subject) -> Looked {
        Ok(Finding::ok(say("好", "fine")))
    }

    fn grave(_: &Subject) -> Looked {
        Err(Finding::fail(say("坏", "bad"), say("修", "mend it")))
    }

    fn faulty(subject: &Subject) -> Looked {
        let nothing: Option<u8> = subject.kb().ok().map(|_| 0);
        Ok(Finding::ok(say(nothing.unwrap().to_string(), "")))
    }

    /// Until the end of the process.
    fn hangs(_: &Subject) -> Looked {
        loop {
            std::thread::park();
        }
    }

    fn states(reply: &DoctorReply) -> Vec<(&str, CheckState)> {
        reply.checks.iter().map(|check| (check.id.as_str(), check.state)).collect()
    }

    #[test]
    fn the_gravest_comes_first_and_what_is_alike_stays_in_order() {
        const TABLE: &[Spec] =
            &[Spec("a", "", "", fine), Spec("b", "", "", grave), Spec("c", "", "", fine), Spec("d", "", "", grave)];
        let reply = examine(TABLE, nobody(), EXAMINATION_LIMIT);
        use CheckState::{Fail, Ok};
        assert_eq!(states(&reply), [("b", Fail), ("d", Fail), ("a", Ok), ("c", Ok)]);
        assert_eq!((reply.count(Fail), reply.count(Ok)), (2, 2));
    }

    #[test]
    fn a_check_with_a_fault_ends_itself_and_no_other() {
        const TABLE: &[Spec] = &[Spec("a", "", "", faulty), Spec("b", "", "", fine)];
        let reply = examine(TABLE, nobody(), EXAMINATION_LIMIT);
        assert_eq!(states(&reply), [("a", CheckState::Warn), ("b", CheckState::Ok)]);
    }

    #[test]
    fn a_check_that_hangs_is_named_and_the_reply_comes_all_the_same() {
        const TABLE: &[Spec] = &[Spec("a", "", "", fine), Spec("b", "", "", hangs), Spec("c", "", "", fine)];
        let reply = examine(TABLE, nobody(), Duration::from_millis(300));
        assert_eq!(states(&reply), [("b", CheckState::Warn), ("c", CheckState::Skipped), ("a", CheckState::Ok)]);
        assert!(!reply.checks[0].remedy.zh.is_empty());
    }

    #[test]
    fn a_service_is_looked_at_by_one_at_a_time() {
        let turn = Turn::take().unwrap();
        assert_eq!(Turn::take().err().map(|e| e.code()), Some(Code::Busy));
        drop(turn);
        assert!(Turn::take().is_ok());
    }

    #[test]
    fn every_check_has_its_own_name_and_words_in_both_languages() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|spec| spec.0).collect();
        assert_eq!(names.len(), CHECKS.len());
        assert!(CHECKS.iter().all(|Spec(_, zh, en, _)| !zh.is_empty() && !en.is_empty() && zh != en));
        let reply = examine(CHECKS, nobody(), EXAMINATION_LIMIT);
        for check in reply.checks {
            assert!(!check.found.zh.is_empty() && !check.found.en.is_empty(), "{check:?}");
            let advised = matches!(check.state, CheckState::Fail | CheckState::Warn);
            assert!(!advised || (!check.remedy.zh.is_empty() && !check.remedy.en.is_empty()), "{check:?}");
        }
    }
}
