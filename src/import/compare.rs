//! What the new knowledge changes, and which curated questions rest on words that are no longer there.

use super::Importer;
use super::progress::{Meter, Phase};
use super::steps::StepId;
use super::unpack::Unpacked;
use crate::error::{Code, Error, Result};
use crate::retrieval::doubts;
use crate::store::Knowledge;
use crate::store::diff::{self, Diff};
use crate::store::generations::{Active, DataDir};
use crate::store::review::{self, Suspended};
use crate::store::state::StateDb;
use std::io;
use std::path::Path;

/// The file of a generation that names the questions to be looked at.
pub(super) const REVIEW: &str = "review.json";

/// Old beside new.
pub(super) struct Comparison {
    pub(super) diff: Option<Diff>,
    pub(super) suspended: Vec<Suspended>,
}

impl Importer {
    pub(super) fn compare(
        &self,
        active: &Active,
        new: &Knowledge,
        unpacked: &Unpacked,
        meter: &mut Meter<'_>,
    ) -> Result<Comparison> {
        meter.step(StepId::Compare);
        meter.enter(Phase::Comparing, 0)?;
        let comparison = match active.active.as_deref() {
            None => Comparison { diff: None, suspended: Vec::new() },
            Some(gid) => {
                let earlier = unreviewed(to_review(&self.data, gid).unwrap_or_default(), &self.state)?;
                match compared(&self.data.knowledge(gid), new, earlier.clone()) {
                    Ok(comparison) => comparison,
                    // Damaged knowledge, wherever in it the damage lies, or that of an older program: the new one is the remedy, and
                    // nothing can be compared. What waited for a person waits on.
                    Err(e) if matches!(e.code(), Code::KbOpen | Code::KbCorrupt | Code::KbSchema) => {
                        tracing::warn!("nothing to compare with: {e}");
                        Comparison { diff: None, suspended: earlier }
                    }
                    Err(e) => return Err(e),
                }
            }
        };
        let text = serde_json::to_vec(&comparison.suspended)
            .map_err(|e| Error::new(Code::Internal, "待复核清单无法写入", "请把本条信息报给软件维护方").because(e))?;
        self.write_small(&unpacked.folder.join(REVIEW), &text)?;
        let (zh, en) = about(&comparison);
        meter.found(zh, en);
        Ok(comparison)
    }
}

/// The old file beside the new knowledge; `earlier` waited for a person before.
fn compared(old: &Path, new: &Knowledge, earlier: Vec<Suspended>) -> Result<Comparison> {
    let old = Knowledge::open(old)?;
    let mut suspended = review::suspended(&old, new)?;
    let mut scenes = doubts::contradicted(&old, new)?;
    scenes.extend(doubts::still_waiting(&earlier, &scenes, &old, new)?);
    suspended.extend(review::carried(earlier, &suspended, &old, new)?);
    suspended.extend(scenes);
    Ok(Comparison { diff: Some(diff::diff(&old, new)?), suspended })
}

impl Comparison {
    /// Of knowledge that is mended with itself.
    pub(super) fn of_the_same(meter: &mut Meter<'_>) -> Result<Comparison> {
        meter.step(StepId::Compare);
        meter.enter(Phase::Comparing, 0)?;
        meter.found("与在用的是同一份,内容不变", "the one in use once more: its content stays");
        Ok(Comparison { diff: None, suspended: Vec::new() })
    }
}

fn about(comparison: &Comparison) -> (String, String) {
    let Some(diff) = &comparison.diff else {
        return (
            "没有可以比较的现行知识(第一次导入,或现行知识已损坏)".into(),
            "nothing to compare with: the first import, or the knowledge in use is damaged".into(),
        );
    };
    let (counts, waiting) = (diff.counts, review::questions(&comparison.suspended));
    let (added, changed, moved, gone) = (counts.added, counts.changed, counts.moved, counts.withdrawn);
    (
        format!("条款新增 {added}、修改 {changed}、移动 {moved}、撤回 {gone};待复核问法 {waiting}"),
        format!(
            "clauses: {added} new, {changed} changed, {moved} moved, {gone} withdrawn; {waiting} questions to review"
        ),
    )
}

/// The list of questions to review of a generation, by its name in the data folder.
pub fn review_name(gid: &str) -> String {
    format!("gen/{gid}/{REVIEW}")
}

/// The questions that a generation's import suspended, whether somebody has looked at them since or not.
///
/// # Errors
/// `DATA_FOLDER` when the list does not read.
pub fn to_review(data: &DataDir, gid: &str) -> Result<Vec<Suspended>> {
    let path = data.generation(gid).join(REVIEW);
    let bytes = match std::fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| unreadable(&path, e.into()))?,
    };
    serde_json::from_slice(&bytes).map_err(|e| unreadable(&path, e.into()))
}

/// Of these questions, those that nobody has looked at since.
///
/// # Errors
/// `STATE_DB`.
pub fn unreviewed(listed: Vec<Suspended>, state: &StateDb) -> Result<Vec<Suspended>> {
    let mut open = Vec::with_capacity(listed.len());
    for one in listed {
        if !state.is_accepted(&one.folded, &one.new_fingerprint)? {
            open.push(one);
        }
    }
    Ok(open)
}

fn unreadable(path: &Path, e: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let message = format!("待复核清单 {} 读不出来:{e}", path.display());
    Error::new(Code::DataFolder, message, "重新导入知识包").because(e)
}
