//! What the box remembers, and its clock.

use super::SLOW_LIMIT;
use super::findings::{DISK, Finding, Looked, amount, met, say};
use super::subject::{Subject, quoted};
use crate::clock::{ClockWarning, in_china, judge, long_off};
use crate::engine::following::CLOCK_SEEN;
use crate::engine::sealed;
use crate::error::Code;
use crate::store::Quick;
use crate::store::state::Event;
use crate::types::Bilingual;
use jiff::Timestamp;
use std::io::ErrorKind;

/// No box ran before the program was written.
const FIRST_YEAR: i16 = 2026;
/// No box of today runs that long.
const LAST_YEAR: i16 = 2050;
/// Entries of the journal among which the last import is looked for.
const ENTRIES: usize = 100;
/// A journal larger than this has something that writes into it without end.
const LARGE_JOURNAL: u64 = 512 << 20;
/// Time zones in which the wall clock is that of China, by the name of their file.
const CHINA: [&str; 5] = ["Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "PRC", "Etc/GMT-8"];

/// Whether the year can be right at all.
fn plausible(now: Timestamp) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&in_china(now).year())
}

fn shown(at: Timestamp) -> String {
    in_china(at).strftime("%Y-%m-%d %H:%M").to_string()
}

pub(super) fn clock(subject: &Subject) -> Looked {
    let floor = subject.active().and_then(|active| active.time_floor);
    let seen = match subject.journal() {
        Ok(Ok(journal)) => journal.setting(CLOCK_SEEN).ok().flatten().and_then(|text| text.parse().ok()),
        _ => None,
    };
    let now = subject.now;
    let set = say(
        "校正(按现在的北京时间填):sudo timedatectl set-ntp false; sudo timedatectl set-time '年-月-日 时:分:秒';重启后又错,换主板电池",
        "set it (to Beijing time where that is the time zone): sudo timedatectl set-ntp false; sudo timedatectl set-time 'YYYY-MM-DD \
         hh:mm:ss'; if it is wrong again after a restart, replace the battery of the board",
    );
    let look = say(
        format!("看现在的日期和时间对不对;对就确认:{};不对:{}", subject.command("data clock --confirm"), set.zh),
        format!(
            "is date and time right now? If so, confirm: {}; if not, {}",
            subject.command("data clock --confirm"),
            set.en
        ),
    );
    Ok(match judge(now, floor, seen).or_else(|| long_off(now, seen)) {
        Some(ClockWarning::BeforeFloor { floor, now }) => Finding::fail(
            say(
                format!("现在是 {},早于总行已签发内容的时间 {},必定有误", shown(now), shown(floor)),
                format!(
                    "shows {}, before {}, when head office signed what is here: certainly wrong",
                    shown(now),
                    shown(floor)
                ),
            ),
            set,
        ),
        _ if !plausible(now) => Finding::fail(
            say(format!("现在是 {},不可能", shown(now)), format!("shows {}, which cannot be", shown(now))),
            set,
        ),
        Some(ClockWarning::SteppedBack { seen, now }) => Finding::warn(
            say(
                format!("倒退过:曾到 {},现在是 {}", shown(seen), shown(now)),
                format!("has gone back: it showed {} before, now {}", shown(seen), shown(now)),
            ),
            look,
        ),
        Some(ClockWarning::SteppedForward { before, now }) => Finding::warn(
            say(
                format!("突然走到了 {},最晚应是 {}", shown(now), shown(before)),
                format!("shows {}, later than can have passed: {} at most", shown(now), shown(before)),
            ),
            look,
        ),
        None => Finding::ok(match floor {
            Some(floor) => say(
                format!("北京时间 {};总行签发的最近时间 {}", shown(now), shown(floor)),
                format!("{} in Beijing; head office last signed at {}", shown(now), shown(floor)),
            ),
            None => say(format!("北京时间 {}", shown(now)), format!("{} in Beijing", shown(now))),
        }),
    })
}

pub(super) fn time_zone(subject: &Subject) -> Looked {
    let link = std::fs::read_link(subject.system("etc/localtime")).ok();
    let linked = link.and_then(|path| Some(path.to_str()?.split_once("zoneinfo/")?.1.to_owned()));
    let named = Some(subject.read("etc/timezone").trim().to_owned()).filter(|name| !name.is_empty());
    let Some(name) = linked.or(named) else {
        return Err(Finding::skipped(say(
            "系统没有设时区;程序固定按北京时间取日期",
            "the system has none; the program goes by Beijing time in any case",
        )));
    };
    Ok(Finding::ok(match CHINA.contains(&name.as_str()) {
        true => say(format!("{name},与北京时间相同"), format!("{name}, that of Beijing")),
        false => say(
            format!("{name},不是北京时间:设系统时间时按这个时区填;程序固定按北京时间取日期"),
            format!(
                "{name}, not that of Beijing: set the system's clock by it; the program goes by Beijing time in any case"
            ),
        ),
    }))
}

/// What to do about a journal that cannot be used.
fn set_aside(subject: &Subject, path: &str) -> Bilingual {
    let head = path.replace("state.db", "state.head");
    let move_away = format!(
        "sudo systemctl stop guida; sudo mv {path} {path}.bad; sudo mv {head} {head}.bad; sudo rm -f {path}-wal {path}-shm; sudo systemctl start guida"
    );
    let again = subject.command("data review");
    say(
        format!("换一个新的:{move_away}。以前的记录和复核结果不再有,复核重做:{again};坏文件留着上报。{}", DISK.0),
        format!(
            "begin a new one: {move_away}. Earlier entries and reviews are gone, review again: {again}; keep the damaged file. {}",
            DISK.1
        ),
    )
}

pub(super) fn own_files(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    let Ok(state) = subject.journal()? else {
        return Err(Finding::skipped(say("记录库读不出,没有查", "not looked at: the journal cannot be read")));
    };
    let answers = subject.active().and_then(|active| active.active.as_deref());
    let changed = match sealed::check(data, state, answers, false) {
        Ok(changed) => changed,
        Err(e) => return Err(Finding::skipped(met("the seals cannot be read", &e))),
    };
    if changed.files.is_empty() {
        return Ok(Finding::ok(say("与本机写下时一致", "as this box wrote them")));
    }
    let add = subject.command("model add 文件.gguf");
    Ok(Finding::fail(
        say(
            changed.files.join(";"),
            "changed or removed by another hand: register of models, questions to review, or branch.json",
        ),
        say(
            format!(
                "查清谁改的并上报。模型登记:看 guida model list,无误后重新登记任一模型即恢复({add});待复核清单:导入下一个知识包时重做,之前既定问法只按检索作答;branch.json:从备份恢复"
            ),
            "find out who did it and report it. Register: see guida model list, then add any model again; questions to review: made anew by the \
             next import, until then none settles an answer; branch.json: restore it from a backup",
        ),
    ))
}

pub(super) fn journal(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    let path = data.state_db();
    let length = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(e) if e.kind() == ErrorKind::NotFound && subject.active().is_none_or(|active| active.active.is_none()) => {
            return Err(Finding::skipped(say(
                "还没有,第一次导入时自动建立",
                "not there yet: the first import makes it",
            )));
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(Finding::warn(
                say("记录库不见了:以前的记录和复核结果都没有了", "the journal is gone, with all entries and reviews"),
                say(
                    format!("服务会自动建一个新的;问清是谁删的。复核重做:{}", subject.command("data review")),
                    format!(
                        "the service makes a new one; find out who deleted it. Review again: {}",
                        subject.command("data review")
                    ),
                ),
            ));
        }
        Err(e) => return Err(Finding::skipped(super::findings::refused(&path, &e))),
    };
    let shown = quoted(&path);
    let state = match subject.journal()? {
        Ok(state) => state,
        Err(e) if e.code() == Code::Io => {
            return Ok(Finding::fail(
                met("the journal cannot be read", e),
                say(
                    format!("以服务的用户再查:{};仍读不出,{}", subject.command("doctor"), DISK.0),
                    format!(
                        "look again as the service's user: {}; if it still fails, {}",
                        subject.command("doctor"),
                        DISK.1
                    ),
                ),
            ));
        }
        Err(e) => return Ok(Finding::fail(met("the journal is damaged", e), set_aside(subject, &shown))),
    };
    let entries = state.events(ENTRIES).map(|events| events.first().map_or(0, |event| event.id));
    if let Ok(Some(wrong)) = state.verify() {
        return Ok(Finding::fail(
            say(format!("被改动:{wrong}"), "changed or removed behind the program's back: the hashes do not match"),
            say(
                format!("保留 {shown} 和旁边的 state.head,上报总行查明是谁改的;{}", set_aside(subject, &shown).zh),
                format!(
                    "keep {shown} and state.head beside it, and report to head office; {}",
                    set_aside(subject, &shown).en
                ),
            ),
        ));
    }
    Ok(match (state.quick_check(SLOW_LIMIT), entries) {
        (Ok(Quick::Sound), Ok(_)) if length > LARGE_JOURNAL => Finding::warn(
            say(format!("完好,但有 {}", amount(length)), format!("sound, but {} large", amount(length))),
            say(
                format!("看是什么不停地写:{};上报软件维护方", subject.command("data log")),
                format!(
                    "see what writes without end: {}; report it to those who maintain the software",
                    subject.command("data log")
                ),
            ),
        ),
        (Ok(Quick::Sound), Ok(entries)) => Finding::ok(say(
            format!("完好,{entries} 条记录,{}", amount(length)),
            format!("sound, {entries} entries, {}", amount(length)),
        )),
        (Ok(Quick::TooLong), _) => Finding::skipped(say(
            format!("{} 秒内没有查完({})", SLOW_LIMIT.as_secs(), amount(length)),
            format!("not done in {} s ({})", SLOW_LIMIT.as_secs(), amount(length)),
        )),
        (Ok(Quick::Damaged(why)), _) => {
            Finding::fail(say(format!("已损坏:{why}"), format!("damaged: {why}")), set_aside(subject, &shown))
        }
        (Err(e), _) | (_, Err(e)) => Finding::fail(met("the journal cannot be read", &e), set_aside(subject, &shown)),
    })
}

/// The latest entry about taking a pack in.
fn last_of(events: &[Event]) -> Option<&Event> {
    events.iter().find(|event| matches!(event.event.as_str(), "import" | "commit"))
}

/// What to do after an import that ended with this code.
fn after(code: &str) -> Bilingual {
    match Code::from_text(code) {
        Some(Code::PackRemoved | Code::PackIncomplete | Code::Cancelled) => say(
            "重新插上完整的 U 盘再导入,已读入的部分不用重读",
            "put the complete stick in again and import: what was copied is not read again",
        ),
        Some(Code::PackHash) => {
            say("重新拷贝 U 盘或换一个 U 盘再导入", "copy the pack to the stick again, or use another stick")
        }
        Some(Code::NoSpace) => {
            say("按“磁盘空间”一项腾出空间后再导入", "make room as said under disk space, then import again")
        }
        Some(Code::Io | Code::StateDb) => say(
            format!("按“数据目录可写”“文件属主”两项处理后再导入。{}", DISK.0),
            format!("see to the writing and the owner of the data folder, then import again. {}", DISK.1),
        ),
        Some(Code::ImportBusy) => say("等另一个导入结束后再导入", "wait for the other import, then import again"),
        Some(Code::PackSig | Code::PackThreshold | Code::PackEquivocation | Code::PackUnsafe | Code::PackLimit) => say(
            "不要再用这个 U 盘,保存好,上报总行核实",
            "do not use this stick any more, keep it, and report to head office",
        ),
        Some(Code::PackRollback | Code::PackAudience) => say(
            "核对 U 盘是不是拿错了;要用发给本网点的、更新的知识包",
            "is it the right stick? Use the latest pack that is meant for this branch",
        ),
        Some(Code::PackUnsupported) => say("先升级程序,再导入", "upgrade the program first, then import"),
        Some(Code::ActiveCorrupt) => {
            say("按“现行指向”一项修复后再导入", "mend the pointer as said there, then import again")
        }
        _ => say(
            "现行知识照常使用;把代码和说明报总行,请总行重新制作知识包",
            "the present knowledge goes on answering; report code and words to head office and ask for a new pack",
        ),
    }
}

pub(super) fn last_import(subject: &Subject) -> Looked {
    let events = match subject.journal()? {
        Ok(journal) => journal.events(ENTRIES),
        Err(_) => {
            return Err(Finding::skipped(say("记录库读不出,没有查", "not looked at: the journal cannot be read")));
        }
    };
    let Ok(events) = events else {
        return Err(Finding::skipped(say("记录库读不出,没有查", "not looked at: the journal cannot be read")));
    };
    let Some(last) = last_of(&events) else {
        return Ok(Finding::ok(say("没有导入记录", "no import is recorded")));
    };
    let Event { at, code, detail, .. } = last;
    Ok(match code.as_str() {
        "OK" | "READY" | "ALREADY" | "DECLINED" => {
            let (zh, en) = match code.as_str() {
                "OK" => ("已启用", "put to use"),
                "READY" => ("检验通过,等人确认", "passed, and waits for a person"),
                "ALREADY" => ("U 盘上的知识已在使用", "what was on the stick is in use already"),
                _ => ("人没有确认启用", "a person did not put it to use"),
            };
            let pack = detail.split_whitespace().next().unwrap_or_default();
            Finding::ok(say(format!("{at} {zh}:{pack}"), format!("{at} {en}: {pack}")))
        }
        "BEGIN" => Finding::warn(
            say(format!("{at} 切换到 {detail} 时被打断"), format!("{at} the switch to {detail} was cut short")),
            say(
                format!("看“现行指向”是不是它:{};不是就重新导入", subject.command("data status")),
                format!("is it the active one? {}; if not, import again", subject.command("data status")),
            ),
        ),
        failed => Finding::warn(
            say(format!("{at} 没有成功:[{failed}] {detail}"), format!("{at} failed: {failed}")),
            after(failed),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_years_in_which_a_box_can_run_are_plausible() {
        let judged = [
            "1970-01-01T00:00:10Z",
            "2025-12-31T15:59:59Z",
            "2025-12-31T16:00:00Z",
            "2050-12-31T15:59:59Z",
            "2099-01-01T00:00:00Z",
        ]
        .map(|at| plausible(at.parse().unwrap()));
        assert_eq!(judged, [false, false, true, true, false]);
    }

    #[test]
    fn the_last_import_is_the_last_entry_about_one() {
        let event = |id: i64, event: &str, code: &str| Event {
            id,
            at: String::new(),
            actor: String::new(),
            event: event.into(),
            code: code.into(),
            detail: String::new(),
        };
        let events = [event(4, "review", "OK"), event(3, "commit", "OK"), event(2, "import", "READY")];
        assert_eq!(last_of(&events).map(|e| e.id), Some(3));
        assert!(last_of(&events[..1]).is_none());
    }

    #[test]
    fn every_code_has_words_in_both_languages() {
        for code in ["PACK_REMOVED", "NO_SPACE", "PACK_SIG", "PACK_QUALITY", "IO", "NEVER_HEARD_OF"] {
            let advice = after(code);
            assert!(!advice.zh.is_empty() && !advice.en.is_empty(), "{code}");
        }
    }
}
