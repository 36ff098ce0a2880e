//! Back to the generation before, forward again, and out of a damaged pointer. Counters never drop: an old stick does not become new.

use super::commit::restore;
use super::lock::ChangeLock;
use super::progress::{Meter, Watch};
use super::steps::StepId;
use super::validate::knowledge_at;
use super::{Importer, Prepared};
use crate::error::{Code, Error, Result};
use crate::pack::json;
use crate::pack::manifest::Manifest;
use crate::store::generations::{Active, serial_of};
use crate::types::Serial;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What answers now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Returned {
    /// Name of the generation.
    pub gid: String,
    /// The pack that is held, after going back.
    pub hold: Option<Serial>,
}

fn nothing_held() -> Error {
    Error::new(Code::ImportState, "没有退回的知识包可以恢复", "等总行的新知识包")
}

fn serial_of_some(gid: &Option<String>) -> Option<Serial> {
    gid.as_deref().and_then(serial_of)
}

impl Importer {
    /// Goes back to the generation before. The pack that is left does not come in again until [`Importer::release`].
    ///
    /// # Errors
    /// `IMPORT_STATE` when there is none, `PACK_ROLLBACK` when head office has said that it must not answer any more, `IMPORT_BUSY`,
    /// the errors of a knowledge file that does not read, `NO_SPACE` or `IO`.
    pub fn rollback(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>, watch: &mut dyn Watch) -> Result<Returned> {
        self.noted("rollback", watch, |meter| {
            let (_lock, now) = self.begin(meter)?;
            let (Some(active), Some(prev)) = (&now.active, &now.prev) else {
                return Err(Error::new(Code::ImportState, "没有更早的知识可以退回", "本机只导入过一次知识包"));
            };
            if serial_of(prev) >= serial_of(active) {
                return Err(Error::new(
                    Code::ImportState,
                    "已经退回过一次,本机只保留前一代知识",
                    "要恢复用 guida data release,或等总行的新知识包",
                ));
            }
            self.may_still_answer(active, prev)?;
            meter.found(format!("退回到 {prev}"), format!("back to {prev}"));
            let back = Active {
                active: now.prev.clone(),
                prev: now.active.clone(),
                hold: now.hold.max(serial_of(active)),
                ..now.clone()
            };
            self.turn_to(&back, &now, adopt, meter)
        })
    }

    /// Goes forward again to the pack that was taken back.
    ///
    /// # Errors
    /// `IMPORT_STATE` when none is held, and as [`Importer::rollback`].
    pub fn release(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>, watch: &mut dyn Watch) -> Result<Returned> {
        self.noted("release", watch, |meter| {
            let (_lock, now) = self.begin(meter)?;
            let (Some(active), Some(prev)) = (serial_of_some(&now.active), serial_of_some(&now.prev)) else {
                return Err(nothing_held());
            };
            if prev <= active {
                return Err(nothing_held());
            }
            meter.found(format!("恢复到 {prev}"), format!("forward to {prev}"));
            // A later pack that did not work when it was tried is held on.
            let hold = now.hold.filter(|hold| *hold > prev);
            let forward = Active { active: now.prev.clone(), prev: now.active.clone(), hold, ..now.clone() };
            self.turn_to(&forward, &now, adopt, meter)
        })
    }

    /// Makes the last pointer that worked the pointer again, when the present one is damaged.
    ///
    /// # Errors
    /// `IMPORT_STATE` when it is not damaged, `ACTIVE_CORRUPT` when there is nothing to go back to, and as [`Importer::rollback`].
    pub fn recover(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Returned> {
        self.noted("recover", &mut (), |_| {
            let _lock = self.lock()?;
            if Active::read(&self.data).is_ok() {
                return Err(Error::new(Code::ImportState, "现行指向完好,不用恢复", ""));
            }
            let restored = restore(self)?;
            let gid = restored.active.clone().unwrap_or_default();
            adopt(&self.data.knowledge(&gid))?;
            Ok(Returned { gid, hold: restored.hold })
        })
    }

    /// Gives a prepared import up; the copied parts stay for the next time.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn decline(&self, prepared: Prepared) -> Result<()> {
        let gid = prepared.preview.gid.clone();
        self.free_after(&Error::new(Code::Cancelled, "", ""), &gid);
        self.note("import", "DECLINED", &gid)
    }

    /// The lock and the pointer. The step that follows is about where to turn to.
    fn begin(&self, meter: &mut Meter<'_>) -> Result<(ChangeLock, Active)> {
        meter.step(StepId::Home);
        let lock = self.lock()?;
        let now = self.witnessed(Active::read(&self.data)?)?;
        let in_use = |none: &str| now.active.clone().unwrap_or_else(|| none.to_owned());
        meter.found(format!("现行知识 {}", in_use("无")), format!("in use: {}", in_use("nothing")));
        if self.seen.is_some() && self.seen != now.active {
            let message = format!("现行知识已是 {},不是决定时看到的那一版", in_use("无"));
            return Err(Error::new(Code::ImportState, message, "重新查看现行知识再操作"));
        }
        meter.step(StepId::Earlier);
        Ok((lock, now))
    }

    fn turn_to(
        &self,
        new: &Active,
        old: &Active,
        adopt: &mut dyn FnMut(&Path) -> Result<()>,
        meter: &mut Meter<'_>,
    ) -> Result<Returned> {
        let gid = new.active.clone().unwrap_or_default();
        let knowledge = self.data.knowledge(&gid);
        // Looked at before: it is no use going back to what does not read.
        meter.step(StepId::Readable);
        let clauses = knowledge_at(&knowledge)?.clause_total();
        meter.found(format!("条款 {clauses} 条"), format!("{clauses} clauses"));
        meter.step(StepId::Switch);
        self.point_to(new, old)?;
        meter.found(format!("现行 {gid}"), format!("in use: {gid}"));
        meter.step(StepId::SelfTest);
        if let Err(e) = adopt(&knowledge) {
            meter.failed(&e);
            meter.step(StepId::Switch);
            old.write(&self.data, self.disk.as_ref())?;
            meter.found("已切回原来的知识", "switched back");
            return Err(e);
        }
        meter.found("已用它作答", "it answers now");
        self.keep_backup(new);
        Ok(Returned { gid, hold: new.hold })
    }

    /// Refuses to go back behind what head office has said is the least.
    fn may_still_answer(&self, active: &str, prev: &str) -> Result<()> {
        let path = self.data.generation(active).join("manifest.json");
        let bytes = std::fs::read(&path).map_err(|e| super::failed("读不出", &path, e))?;
        let manifest: Manifest = json::parse(&bytes, "manifest.json")?;
        let least = Serial { epoch: manifest.epoch, seq: manifest.min_seq };
        match serial_of(prev) {
            Some(serial) if serial < least => Err(Error::new(
                Code::PackRollback,
                format!("总行规定 {least} 号以前的知识不得再用,不能退回到 {serial}"),
                "如现行知识有误,联系总行下发新的知识包",
            )),
            _ => Ok(()),
        }
    }

    fn noted(
        &self,
        event: &str,
        watch: &mut dyn Watch,
        act: impl FnOnce(&mut Meter<'_>) -> Result<Returned>,
    ) -> Result<Returned> {
        let mut meter = Meter::new(watch);
        let done = act(&mut meter).inspect_err(|e| meter.failed(e));
        match &done {
            Ok(returned) => self.note(event, "OK", &returned.gid)?,
            Err(e) => {
                if let Err(journal) = self.note(event, e.code().as_str(), e.message()) {
                    tracing::error!("{journal}");
                }
            }
        }
        done
    }
}
