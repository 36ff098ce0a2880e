//! What the screens about knowledge have in common: answers that are waited for, texts in lines, the names of generations, the steps of
//! an import and what new knowledge changes.

mod changes;
mod entries;
mod fetched;
mod page;
mod steps;

pub(super) use changes::{Changes, counts};
pub(super) use fetched::{Fetched, Tags, settled};
pub(super) use page::Page;
pub(super) use steps::steps;

use crate::console::look::Look;
use crate::console::parts::when;
use crate::engine::branch::GenerationInfo;
use crate::engine::reply::BranchStatus;
use crate::types::{Level, Status};

/// The number of the pack that made a generation: `1-8` of `1-8-0f3a…`.
pub(super) fn serial_of(gid: &str) -> &str {
    gid.rsplit_once('-').map_or(gid, |(serial, _)| serial)
}

/// Its place in the order of packs; `None` for a name that tells none.
pub(super) fn order(gid: &str) -> Option<(u64, u64)> {
    let (epoch, seq) = serial_of(gid).split_once('-')?;
    Some((epoch.parse().ok()?, seq.parse().ok()?))
}

/// A generation by number and day.
pub(super) fn named(look: &Look, info: &GenerationInfo) -> String {
    let serial = serial_of(&info.gid);
    match info.issued_at.map(|at| when(at, "%Y-%m-%d")) {
        Some(day) => look.either(format!("{serial}({day} 制作)"), format!("{serial} (made {day})")),
        None => serial.to_owned(),
    }
}

/// Whether the generation beside the active one is the one to go forward to, because it was gone back from.
pub(super) fn is_held(branch: &BranchStatus) -> bool {
    match (&branch.active, &branch.previous) {
        (Some(active), Some(previous)) => branch.hold.is_some() && order(&previous.gid) > order(&active.gid),
        _ => false,
    }
}

/// Whether there is a generation to go back to.
pub(super) fn can_go_back(branch: &BranchStatus) -> bool {
    match (&branch.active, &branch.previous) {
        (Some(active), Some(previous)) => order(&previous.gid) < order(&active.gid),
        _ => false,
    }
}

/// The state of a text in a word.
pub(super) fn status_word<'a>(look: &Look, status: Status) -> &'a str {
    match status {
        Status::InForce => look.t("现行", "valid"),
        Status::NotYetInForce => look.t("未施行", "future"),
        Status::Superseded => look.t("旧版", "old"),
        Status::Repealed => look.t("废止", "void"),
    }
}

/// A rank by its name.
pub(super) fn level_word<'a>(look: &Look, level: Level) -> &'a str {
    let en = match level {
        Level::Law => "law",
        Level::AdministrativeRegulation => "regulation",
        Level::JudicialInterpretation => "judicial",
        Level::DepartmentRule => "ministry",
        Level::InternalRule => "internal",
        Level::Guide => "guide",
        Level::Faq => "FAQ",
        Level::Other => "other",
    };
    look.t(level.label(), en)
}
