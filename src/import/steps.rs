//! What an import looks at, one after the other, for the person who waits: each step with what was found, in both languages. Going back
//! and forward have a few steps of their own.

use crate::error::ErrorBody;
use crate::types::Bilingual;
use serde::{Deserialize, Serialize};

/// A step. An import has all of them in this order; going back and forward have [`StepId::Home`], [`StepId::Earlier`],
/// [`StepId::Readable`], [`StepId::Switch`] and [`StepId::SelfTest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepId {
    /// The box itself: nobody else changes it, its pointer reads, it trusts somebody.
    Home,
    /// The stick opens and is laid out as it should be.
    Stick,
    /// The chain of trust roots, as far as the stick has it.
    Root,
    /// What head office has announced last.
    Beacon,
    /// The manifest is signed by enough people.
    Signatures,
    /// The pack is for this branch.
    Audience,
    /// This program can use it.
    Program,
    /// It is not older than what was seen here.
    Order,
    /// How its files come over.
    Plan,
    /// Room on the disk.
    Room,
    /// Parts come over, each against its SHA-256.
    Copy,
    /// Parts become files, each against its SHA-256 and SM3.
    Unpack,
    /// The knowledge has our tables and nothing else.
    Schema,
    /// SQLite's own check, and whether the counts agree.
    Database,
    /// The vectors are those of the encoder.
    Vectors,
    /// The golden questions.
    Golden,
    /// Old beside new.
    Compare,
    /// The generation to turn to, and whether head office still lets it answer.
    Earlier,
    /// That generation opens.
    Readable,
    /// The pointer.
    Switch,
    /// What answers now is looked at once more, and the service takes it up.
    SelfTest,
    /// The receipt for head office.
    Receipt,
}

impl StepId {
    /// Its name for people.
    pub fn title(self) -> Bilingual {
        let (zh, en) = match self {
            StepId::Home => ("本机状态", "This box"),
            StepId::Stick => ("U 盘", "Stick"),
            StepId::Root => ("信任根", "Trust root"),
            StepId::Beacon => ("总行公告", "Head office notice"),
            StepId::Signatures => ("清单签名", "Manifest signatures"),
            StepId::Audience => ("收件网点", "Audience"),
            StepId::Program => ("程序版本", "Program version"),
            StepId::Order => ("编号顺序(防回退)", "Order (no way back)"),
            StepId::Plan => ("文件与来源", "Files and sources"),
            StepId::Room => ("磁盘空间", "Disk space"),
            StepId::Copy => ("读取分卷,核对 SHA-256", "Copy parts, check SHA-256"),
            StepId::Unpack => ("解开文件", "Unpack files"),
            StepId::Schema => ("库结构", "Tables"),
            StepId::Database => ("库体检", "Database check"),
            StepId::Vectors => ("向量与编码模型", "Vectors and encoder"),
            StepId::Golden => ("检验问题", "Golden questions"),
            StepId::Compare => ("新旧比较", "Comparison"),
            StepId::Earlier => ("切换目标", "Generation to turn to"),
            StepId::Readable => ("目标知识可读", "It can be read"),
            StepId::Switch => ("切换", "Switch"),
            StepId::SelfTest => ("切换后自检", "Self-test"),
            StepId::Receipt => ("回执", "Receipt"),
        };
        Bilingual::new(zh, en)
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// At it.
    Running,
    /// In order.
    Ok,
    /// Not in order: everything ends here.
    Failed,
}

/// A step with what was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// Its name.
    pub title: Bilingual,
    /// What was found so far; empty while there is nothing to say. Of a failure, what happened.
    pub found: Bilingual,
    /// How it stands.
    pub state: StepState,
    /// Why it failed, with its code and what to do.
    pub error: Option<ErrorBody>,
}

impl Step {
    pub(super) fn new(id: StepId, found: Bilingual, state: StepState) -> Step {
        Step { id, title: id.title(), found, state, error: None }
    }
}

/// Puts what is told of a step in the place of what was told of it before; a new one comes last.
pub fn keep(steps: &mut Vec<Step>, told: &Step) {
    match steps.iter_mut().find(|step| step.id == told.id) {
        Some(step) => *step = told.clone(),
        None => steps.push(told.clone()),
    }
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..=1_048_575 => format!("{:.1} KiB", bytes as f64 / f64::from(1 << 10)),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_anew_in_its_place() {
        let mut steps = Vec::new();
        for (id, state) in [
            (StepId::Home, StepState::Running),
            (StepId::Stick, StepState::Running),
            (StepId::Home, StepState::Ok),
            (StepId::Stick, StepState::Failed),
        ] {
            keep(&mut steps, &Step::new(id, Bilingual::default(), state));
        }
        let seen: Vec<_> = steps.iter().map(|step| (step.id, step.state)).collect();
        assert_eq!(seen, [(StepId::Home, StepState::Ok), (StepId::Stick, StepState::Failed)]);
    }
}
