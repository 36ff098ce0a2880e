//! What a box knows about itself and must tell: whether its clock can be believed, whether its knowledge is old, what waits for a
//! person. Nothing of it stops an answer; it is shown above every answer until somebody has dealt with it.

use super::integrity::{self, Altered};
use super::overview::Crowd;
use super::reply::{Notice, NoticeCode};
use super::space::Space;
use crate::clock::{BoxClock, ClockWarning, Reading, in_china};
use crate::error::{Code, Error, Result};
use crate::inference::amount;
use crate::store::review::Suspended;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

/// What is known of the active knowledge beyond its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// When head office made it.
    pub issued_at: Option<Timestamp>,
    /// From then on the knowledge counts as old, as its pack says.
    pub stale_after: Option<Timestamp>,
    /// Newer knowledge that head office has announced, in words for people (`1-43`).
    pub newer: Option<String>,
    /// The pointer to the active knowledge is damaged, and the last good one serves.
    pub active_corrupt: bool,
}

/// What was found of the knowledge when it was held against what head office signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Generations that would have answered and are something else.
    pub(super) altered: Vec<Altered>,
    /// The generation that answers.
    pub(super) answers: Option<String>,
    /// Since when it is being compared, while that is not done.
    pub(super) unchecked: Option<Timestamp>,
}

/// The box's state that changes while it answers.
#[derive(Debug, Default)]
pub(super) struct Standing {
    found: RwLock<Found>,
    /// What is wrong with the records of this box.
    records: RwLock<Option<String>>,
    /// Why nothing can be written into the data folder.
    unwritable: RwLock<Option<String>>,
    /// How little is left on its disk.
    space: RwLock<Option<Space>>,
    pub(super) clock: Arc<BoxClock>,
    circumstances: RwLock<Circumstances>,
    review: RwLock<Vec<Suspended>>,
}

impl Standing {
    pub(super) fn set_circumstances(&self, circumstances: Circumstances) {
        *self.circumstances.write().unwrap_or_else(PoisonError::into_inner) = circumstances;
    }

    /// Takes what was found of the knowledge; returns what was found before.
    pub(super) fn set_found(&self, found: Found) -> Found {
        std::mem::replace(&mut *self.found.write().unwrap_or_else(PoisonError::into_inner), found)
    }

    /// Takes what is wrong with the records of this box; whether that is new.
    pub(super) fn set_records(&self, wrong: Option<String>) -> bool {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        let new = wrong.is_some() && *records != wrong;
        *records = wrong;
        new
    }

    /// Takes why nothing can be written into the data folder.
    pub(super) fn set_unwritable(&self, why: Option<String>) {
        *self.unwritable.write().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The generation that answers.
    pub(super) fn answers(&self) -> Option<String> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).answers.clone()
    }

    /// Takes how little is left on the disk, where that is too little; whether it was enough until now.
    pub(super) fn set_space(&self, space: Option<Space>) -> bool {
        let before = std::mem::replace(&mut *self.space.write().unwrap_or_else(PoisonError::into_inner), space);
        before.is_none() && space.is_some()
    }

    /// Whether too little is left on the disk.
    pub(super) fn is_short_of_space(&self) -> bool {
        self.space.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Why nothing may answer, if so.
    pub(super) fn withheld(&self) -> Option<Error> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        (found.answers.is_none() && !found.altered.is_empty()).then(|| integrity::withheld(&found.altered))
    }

    /// When head office made the active knowledge.
    pub(super) fn issued_at(&self) -> Option<Timestamp> {
        self.circumstances.read().unwrap_or_else(PoisonError::into_inner).issued_at
    }

    /// Takes the list of questions that wait for a person; returns their forms, which settle no answer.
    pub(super) fn set_review(&self, review: Vec<Suspended>) -> Arc<HashSet<String>> {
        let forms = forms(&review);
        *self.review.write().unwrap_or_else(PoisonError::into_inner) = review;
        forms
    }

    /// The questions that wait for a person.
    pub(super) fn review(&self) -> Vec<Suspended> {
        self.review.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes one entry off the list; returns it, and the forms that still wait.
    ///
    /// # Errors
    /// `NOT_FOUND` when no such entry waits: another person was quicker, or the clause has changed once more.
    pub(super) fn accept(&self, folded: &str, fingerprint: &str) -> Result<(Suspended, Arc<HashSet<String>>)> {
        let mut review = self.review.write().unwrap_or_else(PoisonError::into_inner);
        let at = review.iter().position(|one| one.folded == folded && one.new_fingerprint == fingerprint);
        let accepted = at.map(|at| review.remove(at)).ok_or_else(|| {
            Error::new(Code::NotFound, "待复核清单里没有这一项,可能已由他人复核,或条款又有变化", "刷新清单后再看")
        })?;
        Ok((accepted, forms(&review)))
    }

    /// Everything there is to tell, gravest first, and the number of questions that wait. `blank`: nothing was imported yet.
    pub(super) fn notices(&self, reading: &Reading, blank: bool) -> (Vec<Notice>, u64) {
        let circumstances = self.circumstances.read().unwrap_or_else(PoisonError::into_inner);
        let waiting = forms(&self.review.read().unwrap_or_else(PoisonError::into_inner)).len() as u64;
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        out.extend(circumstances.active_corrupt.then(active_corrupt));
        out.extend((!found.altered.is_empty()).then(|| altered(&found)));
        out.extend(self.unwritable.read().unwrap_or_else(PoisonError::into_inner).as_deref().map(unwritable));
        out.extend(self.space.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(disk_low));
        out.extend(self.records.read().unwrap_or_else(PoisonError::into_inner).as_deref().map(records_altered));
        out.extend((blank && found.altered.is_empty()).then(no_knowledge));
        out.extend(found.unchecked.map(unchecked));
        out.extend(clock_notice(reading));
        out.extend(circumstances.stale_after.filter(|after| *after <= reading.passed).map(stale));
        out.extend(circumstances.newer.as_deref().map(newer));
        out.extend((waiting > 0).then(|| suspended(waiting)));
        (out, waiting)
    }
}

/// Each question once, whatever number of clauses it waits for.
fn forms(review: &[Suspended]) -> Arc<HashSet<String>> {
    Arc::new(review.iter().map(|one| one.folded.clone()).collect())
}

/// What the card says when the day by whose rules it answers rests on a clock that is in doubt.
pub(super) fn doubtful_day(reading: &Reading) -> Option<String> {
    reading.warning.map(|_| format!("本机时钟待核对,本次按 {} 有效的规定作答", reading.day))
}

/// What is wrong with the clock.
pub(super) fn clock_notice(reading: &Reading) -> Option<Notice> {
    reading.warning.map(|warning| clock(&warning, reading))
}

fn notice(code: NoticeCode, message: String, hint: &str) -> Notice {
    Notice { code, message, hint: hint.to_owned() }
}

fn clock(warning: &ClockWarning, reading: &Reading) -> Notice {
    let shown = |moment: Timestamp| in_china(moment).strftime("%Y-%m-%d %H:%M").to_string();
    let day = reading.day;
    match *warning {
        ClockWarning::BeforeFloor { floor, now } => notice(
            NoticeCode::ClockBeforeFloor,
            format!(
                "本机时钟是 {},早于总行已签发内容的时间 {},必定有误;现按 {day} 有效的规定作答",
                shown(now),
                shown(floor)
            ),
            "请科技人员校正本机时间",
        ),
        ClockWarning::SteppedBack { seen, now } => notice(
            NoticeCode::ClockSteppedBack,
            format!("本机时钟倒退过:曾到 {},现在是 {};现按 {day} 有效的规定作答", shown(seen), shown(now)),
            "请核对本机日期和时间:有误先校正,无误由管理员确认(guida data clock)",
        ),
        ClockWarning::SteppedForward { before, now } => notice(
            NoticeCode::ClockSteppedForward,
            format!("本机时钟突然走到了 {},按经过的时间最晚是 {};现按 {day} 有效的规定作答", shown(now), shown(before)),
            "请核对本机日期和时间:有误先校正,无误由管理员确认(guida data clock --confirm)",
        ),
    }
}

fn stale(after: Timestamp) -> Notice {
    notice(
        NoticeCode::KnowledgeStale,
        format!("知识包的有效期到 {} 为止,现有内容可能不是最新", in_china(after).date()),
        "请向总行领取新的知识包;在此之前照常使用,重要业务另行核对",
    )
}

fn newer(name: &str) -> Notice {
    notice(
        NoticeCode::NewerAnnounced,
        format!("总行已发布更新的知识包 {name},本机还没有导入"),
        "请取得带有该知识包的 U 盘并导入",
    )
}

fn active_corrupt() -> Notice {
    notice(
        NoticeCode::ActiveCorrupt,
        "本机的启用记录已损坏,正以最后一份完好的知识作答;修复之前不能导入".to_owned(),
        "请科技人员用 guida data status 查看并处理",
    )
}

fn altered(found: &Found) -> Notice {
    let which: Vec<String> = found.altered.iter().map(|one| format!("{}({})", one.gid, one.why)).collect();
    let (which, hint) = (which.join("、"), "请科技人员插上该知识包的 U 盘重新导入,就地修好;再次出现则检查磁盘并上报");
    let message = match &found.answers {
        Some(gid) => format!("本机的知识 {which} 与总行签发的不一致,已停用;现以上一代 {gid} 作答,内容可能较旧"),
        None => format!("本机的知识 {which} 与总行签发的不一致,已停用,任何问题都不回答"),
    };
    notice(NoticeCode::KnowledgeAltered, message, hint)
}

fn unwritable(why: &str) -> Notice {
    notice(
        NoticeCode::DataUnwritable,
        format!("本机的数据目录写不进去({why}),照常作答;导入、复核和操作记录暂不可用"),
        "请科技人员检查磁盘空间、挂载方式和权限(guida doctor),处理后重启服务",
    )
}

fn disk_low(space: &Space) -> Notice {
    let (free, reserve) = (amount(space.free), amount(space.reserve));
    let message = match space.files {
        true => "数据目录所在磁盘可建的文件数快用完了,写满后记录和导入会停".to_owned(),
        false => format!("数据目录所在磁盘只剩 {free},少于预留的 {reserve},写满后记录和导入会停"),
    };
    notice(NoticeCode::DiskLow, message, "请科技人员现在就清理磁盘(guida doctor 说明怎么清);不影响作答")
}

fn records_altered(wrong: &str) -> Notice {
    notice(
        NoticeCode::RecordsAltered,
        format!("本机的记录被改动或损坏:{wrong}"),
        "请科技人员用 guida doctor 查看,保留现场并上报总行;不影响按条款作答",
    )
}

fn unchecked(since: Timestamp) -> Notice {
    let since = in_china(since).strftime("%H:%M:%S");
    notice(
        NoticeCode::KnowledgeUnchecked,
        format!("正在逐字节核对知识与总行签发的是否一致({since} 开始),核对完之前请留意原文"),
        "一般几秒到一两分钟完成,不一致会立即停用并提示;长时间不消失请科技人员检查磁盘",
    )
}

fn no_knowledge() -> Notice {
    notice(
        NoticeCode::NoKnowledge,
        "本机还没有知识,任何问题都无法回答".to_owned(),
        "请科技人员导入第一个知识包:控制台按 3,或用 guida import",
    )
}

fn suspended(count: u64) -> Notice {
    notice(
        NoticeCode::CuratedSuspended,
        format!("有 {count} 个既定问法所依据的条款已变,复核之前只按检索作答"),
        "请业务管理人员复核(guida data review)",
    )
}

/// That one computer takes the connections of the others.
pub(super) fn crowding(crowd: Crowd) -> Notice {
    let Crowd { client, connections } = crowd;
    notice(
        NoticeCode::ClientCrowding,
        format!("电脑 {client} 占用了 {connections} 个连接,已关闭它空闲的连接;其他柜员不受影响"),
        "请科技人员查看这台电脑上运行的程序",
    )
}

impl NoticeCode {
    /// What a notice of this kind says, in English: one plain sentence. Its Chinese message knows more: since when, how many.
    pub fn meaning(self) -> &'static str {
        match self {
            NoticeCode::ActiveCorrupt => "The pointer to the knowledge in use is damaged; the last good one answers.",
            NoticeCode::KnowledgeAltered => {
                "The knowledge on this box is not what head office signed, and is not used."
            }
            NoticeCode::DataUnwritable => "Nothing can be written into the data folder; answers go on, imports do not.",
            NoticeCode::DiskLow => "The disk of the data folder is nearly full; answers go on.",
            NoticeCode::RecordsAltered => "The journal or another record of this box was changed or is damaged.",
            NoticeCode::KnowledgeUnchecked => "The knowledge is still being compared with what head office signed.",
            NoticeCode::NoKnowledge => "This box has no knowledge yet: every question is refused.",
            NoticeCode::ClockBeforeFloor => "The clock is wrong: it is before a time that head office has signed.",
            NoticeCode::ClockSteppedBack => "The clock has shown a later time before.",
            NoticeCode::ClockSteppedForward => "The clock shows a later time than can have passed.",
            NoticeCode::KnowledgeStale => "The knowledge has passed its date of expiry.",
            NoticeCode::NewerAnnounced => "Head office has announced newer knowledge.",
            NoticeCode::ClientCrowding => "One computer takes the connections of the others; its idle ones are closed.",
            NoticeCode::CuratedSuspended => "Prepared answers wait for review: their clauses have changed.",
        }
    }

    /// What to do about it, in English.
    pub fn remedy(self) -> &'static str {
        match self {
            NoticeCode::ActiveCorrupt => "Repair it with guida data recover; until then nothing can be imported.",
            NoticeCode::KnowledgeAltered => {
                "Import the pack again from its stick, which mends it; if it happens again, check the disk."
            }
            NoticeCode::DataUnwritable => "See to disk space, mount and rights, then restart the service.",
            NoticeCode::DiskLow => "Make room on the disk now; the doctor says how.",
            NoticeCode::RecordsAltered => "See what the doctor says, keep the files, and report it to head office.",
            NoticeCode::KnowledgeUnchecked => "Wait; if it does not end, check the disk.",
            NoticeCode::NoKnowledge => "Import the first pack: screen 3, or guida import.",
            NoticeCode::ClockBeforeFloor => "Set the clock of this box right.",
            NoticeCode::ClockSteppedBack => "Check date and time; if they are right, confirm: guida data clock.",
            NoticeCode::ClockSteppedForward => {
                "Check date and time; if they are right, confirm: guida data clock --confirm."
            }
            NoticeCode::KnowledgeStale => "Get a new pack from head office; until then it goes on answering.",
            NoticeCode::NewerAnnounced => "Get a stick with it and import it.",
            NoticeCode::ClientCrowding => {
                "Look at that computer: what runs there, and whether it belongs to the branch."
            }
            NoticeCode::CuratedSuspended => "Have them reviewed: guida data review.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Forgetful;

    fn entry(folded: &str, fingerprint: &str) -> Suspended {
        Suspended {
            question: folded.into(),
            folded: folded.into(),
            document: "某办法".into(),
            label: "第一条".into(),
            scene: None,
            old_text: "旧".into(),
            new_text: "新".into(),
            old_fingerprint: "0".into(),
            new_fingerprint: fingerprint.into(),
        }
    }

    fn codes(standing: &Standing) -> Vec<&'static str> {
        standing.notices(&standing.clock.read(), false).0.iter().map(|n| n.code.as_str()).collect()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn each_circumstance_is_told_with_its_code() {
        let clock = BoxClock::by(|| at("2026-02-01T00:00:00Z"), Some(at("2026-03-01T00:00:00Z")), Forgetful);
        let standing = Standing { clock: Arc::new(clock), ..Standing::default() };
        assert_eq!(codes(&standing), ["CLOCK_BEFORE_FLOOR"]);
        let stale_after = Some(at("2026-02-15T00:00:00Z"));
        let issued_at = None;
        standing.set_circumstances(Circumstances {
            issued_at,
            stale_after,
            newer: Some("1-43".into()),
            active_corrupt: true,
        });
        standing.set_review(vec![entry("甲", "1"), entry("甲", "2"), entry("乙", "1")]);
        let all = ["ACTIVE_CORRUPT", "CLOCK_BEFORE_FLOOR", "KNOWLEDGE_STALE", "NEWER_ANNOUNCED", "CURATED_SUSPENDED"];
        // The floor has passed the date of expiry, whatever the clock says.
        assert_eq!(codes(&standing), all);
        let (mut notices, waiting) = standing.notices(&standing.clock.read(), true);
        // After a damaged pointer, that there is no knowledge at all is the gravest.
        assert_eq!(notices.remove(1).code, NoticeCode::NoKnowledge);
        assert_eq!(waiting, 2);
        assert!(notices[1].message.contains("2026-02-01 08:00") && notices[1].message.contains("2026-03-01 08:00"));
        assert!(notices.iter().all(|n| !n.hint.is_empty()));
    }

    #[test]
    fn knowledge_is_stale_from_its_day_on_and_not_before() {
        for (after, told) in [("2026-05-01T00:00:01Z", false), ("2026-05-01T00:00:00Z", true)] {
            let clock = BoxClock::by(|| at("2026-05-01T00:00:00Z"), None, Forgetful);
            let standing = Standing { clock: Arc::new(clock), ..Standing::default() };
            standing.set_circumstances(Circumstances { stale_after: Some(at(after)), ..Circumstances::default() });
            assert_eq!(!codes(&standing).is_empty(), told);
        }
    }

    #[test]
    fn a_question_waits_until_its_last_clause_is_looked_at() {
        let standing = Standing::default();
        standing.set_review(vec![entry("甲", "1"), entry("甲", "2")]);
        assert_eq!(standing.accept("甲", "3").unwrap_err().code(), Code::NotFound);
        let (accepted, waiting) = standing.accept("甲", "1").unwrap();
        assert_eq!((accepted, waiting.contains("甲")), (entry("甲", "1"), true));
        assert!(standing.accept("甲", "2").unwrap().1.is_empty());
        assert!(standing.review().is_empty() && codes(&standing).is_empty());
    }
}
