//! Back to the generation before, forward again, and out of a damaged pointer. Counters never drop: an old stick does not become new.

use super::commit::restore;
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
    pub fn rollback(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Returned> {
        self.noted("rollback", || {
            let _lock = self.lock()?;
            let now = Active::read(&self.data)?;
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
            let back = Active {
                active: now.prev.clone(),
                prev: now.active.clone(),
                hold: now.hold.max(serial_of(active)),
                ..now.clone()
            };
            self.turn_to(&back, &now, adopt)
        })
    }

    /// Goes forward again to the pack that was taken back.
    ///
    /// # Errors
    /// `IMPORT_STATE` when none is held, and as [`Importer::rollback`].
    pub fn release(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Returned> {
        self.noted("release", || {
            let _lock = self.lock()?;
            let now = Active::read(&self.data)?;
            let (Some(active), Some(prev)) = (serial_of_some(&now.active), serial_of_some(&now.prev)) else {
                return Err(nothing_held());
            };
            if prev <= active {
                return Err(nothing_held());
            }
            // A later pack that did not work when it was tried is held on.
            let hold = now.hold.filter(|hold| *hold > prev);
            let forward = Active { active: now.prev.clone(), prev: now.active.clone(), hold, ..now.clone() };
            self.turn_to(&forward, &now, adopt)
        })
    }

    /// Makes the last pointer that worked the pointer again, when the present one is damaged.
    ///
    /// # Errors
    /// `IMPORT_STATE` when it is not damaged, `ACTIVE_CORRUPT` when there is nothing to go back to, and as [`Importer::rollback`].
    pub fn recover(&self, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Returned> {
        self.noted("recover", || {
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

    fn turn_to(&self, new: &Active, old: &Active, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<Returned> {
        let gid = new.active.clone().unwrap_or_default();
        let knowledge = self.data.knowledge(&gid);
        // Looked at before: it is no use going back to what does not read.
        knowledge_at(&knowledge)?;
        self.point_to(new, old)?;
        if let Err(e) = adopt(&knowledge) {
            old.write(&self.data, self.disk.as_ref())?;
            return Err(e);
        }
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

    fn noted(&self, event: &str, act: impl FnOnce() -> Result<Returned>) -> Result<Returned> {
        let done = act();
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
