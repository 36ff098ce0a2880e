//! Steps 9 to 12: the new knowledge gets its name, the pointer is switched, and what answers now is looked at once more.

use super::compare::{REVIEW, review_name};
use super::home::Home;
use super::progress::{Meter, Phase, Watch};
use super::steps::StepId;
use super::validate::knowledge_at;
use super::{Importer, Prepared, failed};
use crate::disk;
use crate::error::{Code, Error, Result};
use crate::store::generations::{Active, SeenPack};
use crate::store::review;
use crate::types::Serial;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was put to use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Committed {
    /// Name of the generation that answers now.
    pub gid: String,
    /// Its place in the order of packs.
    pub serial: Serial,
    /// The one before, to go back to.
    pub previous: Option<String>,
    /// The receipt lies on the stick; otherwise it waits for the next one.
    pub receipt_on_stick: bool,
    /// Curated questions that wait for somebody to look at them.
    pub suspended: usize,
}

impl Importer {
    /// Puts a prepared pack to use. `adopt` is told the new knowledge file once it is the active one, and makes a running service answer
    /// from it; when it fails, or the knowledge does not work in its place, everything is as before and the pack is held.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO` (nothing has changed), `PACK_QUALITY` and others of the self-test (switched back).
    pub fn commit(
        &self,
        prepared: Prepared,
        adopt: &mut dyn FnMut(&Path) -> Result<()>,
        watch: &mut dyn Watch,
    ) -> Result<Committed> {
        let gid = prepared.preview.gid.clone();
        let mut meter = Meter::new(watch);
        let committed = self.steps_after_confirmation(prepared, adopt, &mut meter).inspect_err(|e| meter.failed(e));
        match &committed {
            // It is in use, also where that cannot be written down any more.
            Ok(_) => {
                if let Err(journal) = self.note("commit", "OK", &gid) {
                    tracing::error!("{journal}");
                }
            }
            Err(e) => {
                self.free_after(e, &gid);
                if let Err(journal) = self.note("commit", e.code().as_str(), e.message()) {
                    tracing::error!("{journal}");
                }
            }
        }
        committed
    }

    fn steps_after_confirmation(
        &self,
        prepared: Prepared,
        adopt: &mut dyn FnMut(&Path) -> Result<()>,
        meter: &mut Meter<'_>,
    ) -> Result<Committed> {
        meter.step(StepId::Switch);
        meter.enter(Phase::Switching, 0)?;
        let gid = prepared.preview.gid.clone();
        // Nothing is switched that could not be written down.
        self.note("commit", "BEGIN", &gid)?;
        self.publish(&prepared)?;
        let old = prepared.active.clone();
        let repairs = prepared.preview.repairs;
        let (prev, hold) = if repairs { (old.prev.clone(), old.hold) } else { (old.active.clone(), None) };
        let new = Active {
            active: Some(gid.clone()),
            prev,
            hold,
            max_seen: Some(SeenPack {
                serial: prepared.manifest.serial(),
                manifest_sha256: prepared.manifest.sha256().to_owned(),
            }),
            root_ver: prepared.root.root().version,
            time_floor: Some(prepared.time_floor),
            announced: Some(prepared.announced),
            least: prepared.manifest.least().or(old.least),
        };
        self.point_to(&new, &old)?;
        self.remember(&new);
        meter.found(format!("现行 {gid}"), format!("in use: {gid}"));
        meter.step(StepId::SelfTest);
        let knowledge = self.data.knowledge(&gid);
        let works = self.self_test(&prepared).and_then(|found| adopt(&knowledge).map(|()| found));
        let (generation, asked) = match works {
            Ok(found) => found,
            // What was there before was damaged: there is nothing to switch back to.
            Err(e) if repairs => return Err(e),
            Err(e) => {
                meter.failed(&e);
                meter.step(StepId::Switch);
                self.switch_back(&new, &old, adopt)?;
                meter.found("已切回原来的知识,该包不再导入", "switched back; the pack is held");
                return Err(e);
            }
        };
        meter.found(
            format!("检验问题 {asked}/{asked} 答对,已用它作答"),
            format!("golden questions {asked} of {asked} right; it answers now"),
        );
        // The switch stands; what is left to do is done again by the next import if it fails now.
        self.keep_backup(&new);
        meter.step(StepId::Receipt);
        let receipt_on_stick = match self.receipt_after(&prepared, &new, &generation) {
            Ok(true) => {
                meter.found("已写到 U 盘,请带回总行", "on the stick, for head office");
                true
            }
            Ok(false) => {
                meter.found("U 盘不可写,留在本机,下次导入时写出", "the stick cannot be written; kept for the next one");
                false
            }
            Err(e) => {
                tracing::warn!("no receipt: {e}");
                meter.failed(&e);
                false
            }
        };
        for left in [self.sweep(&new), self.sweep_staging(None)] {
            if let Err(e) = left {
                tracing::warn!("garbage stays: {e}");
            }
        }
        // Whoever wants to stop now comes too late: it is done.
        let _ = meter.enter(Phase::Done, 0);
        Ok(Committed {
            gid,
            serial: prepared.manifest.serial(),
            previous: new.prev,
            receipt_on_stick,
            suspended: review::questions(&prepared.preview.suspended),
        })
    }

    /// Step 9: everything lasts, then it gets its name, then the name lasts.
    fn publish(&self, prepared: &Prepared) -> Result<()> {
        let disk = self.disk.as_ref();
        let root = self.data.root();
        disk.sync_file_system(root).map_err(|e| failed("写不了", root, e))?;
        let models = self.data.models();
        for model in &prepared.unpacked.models {
            let target = models.join(format!("{}.gguf", model.sha256));
            disk.rename(&model.file, &target).map_err(|e| failed("写不了", &target, e))?;
        }
        if !prepared.unpacked.models.is_empty() {
            disk.sync_dir(&models).map_err(|e| failed("写不了", &models, e))?;
        }
        let unfinished = &prepared.unpacked.folder;
        disk.sync_dir(unfinished).map_err(|e| failed("写不了", unfinished, e))?;
        let (named, folder) = (self.data.generation(&prepared.preview.gid), self.data.generations());
        // It is there already when the pointer that named it was lost.
        match prepared.preview.repairs || named.exists() {
            true => self.replace(unfinished, &named)?,
            false => {
                // First: a list that is not the sealed one settles no answer.
                let review = std::fs::read(unfinished.join(REVIEW)).ok();
                self.state.seal_file(&review_name(&prepared.preview.gid), review.as_deref())?;
                disk.rename(unfinished, &named).map_err(|e| failed("写不了", &named, e))?;
            }
        }
        disk.sync_dir(&folder).map_err(|e| failed("写不了", &folder, e))
    }

    /// Puts whole files in the place of damaged ones, each at a stroke; whoever has the old one open keeps it. The questions to review
    /// belong to the first import of the pack and stay.
    fn replace(&self, unfinished: &Path, named: &Path) -> Result<()> {
        let disk = self.disk.as_ref();
        disk.create_dir(named).map_err(|e| failed("建不了", named, e))?;
        for name in ["manifest.json.sig", "manifest.json", "knowledge.db"] {
            let target = named.join(name);
            disk.rename(&unfinished.join(name), &target).map_err(|e| failed("写不了", &target, e))?;
        }
        disk.sync_dir(named).map_err(|e| failed("写不了", named, e))
    }

    /// Step 10. When writing fails half way, the old pointer is put back: a disk that reports an error is not believed.
    pub(super) fn point_to(&self, new: &Active, old: &Active) -> Result<()> {
        let written = new.write(&self.data, self.disk.as_ref());
        if written.is_err() && Active::read(&self.data).is_ok_and(|now| now.active != old.active) {
            self.put_back(old);
        }
        written
    }

    /// Remembers the pointer as one that worked. If that fails, the one before is remembered, which is still here to go back to.
    pub(super) fn keep_backup(&self, new: &Active) {
        if let Err(e) = new.write_backup(&self.data, self.disk.as_ref()) {
            tracing::warn!("the pointer has no copy: {e}");
        }
    }

    fn put_back(&self, old: &Active) {
        let put = if old.active.is_none() && old.max_seen.is_none() {
            let file = self.data.active_file();
            self.disk.remove_file(&file).map_err(|e| failed("删不了", &file, e))
        } else {
            old.write(&self.data, self.disk.as_ref())
        };
        if let Err(e) = put {
            tracing::error!("the old pointer cannot be put back: {e}");
        }
    }

    /// Step 12: reads the pointer as any reader would and asks the golden questions of what it names. Returns the identity of that
    /// knowledge and how many questions were asked.
    fn self_test(&self, prepared: &Prepared) -> Result<(String, usize)> {
        let named = Active::read(&self.data)?.active;
        if named.as_deref() != Some(&prepared.preview.gid) {
            return Err(Error::new(Code::Internal, "切换后读到的不是新知识", "检查磁盘;请把本条信息报给软件维护方"));
        }
        let knowledge = knowledge_at(&self.data.knowledge(&prepared.preview.gid))?;
        let generation = knowledge.generation().0.clone();
        let asked = self.examine_again(knowledge, &prepared.manifest)?;
        Ok((generation, asked))
    }

    /// Back to the old knowledge, and the pack that did not work is held; counters stay.
    fn switch_back(&self, new: &Active, old: &Active, adopt: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
        let back = Active {
            active: old.active.clone(),
            prev: old.prev.clone(),
            hold: new.max_seen.as_ref().map(|seen| seen.serial),
            least: old.least,
            ..new.clone()
        };
        back.write(&self.data, self.disk.as_ref())?;
        match &back.active {
            Some(gid) => adopt(&self.data.knowledge(gid)),
            None => Ok(()),
        }
    }

    fn receipt_after(&self, prepared: &Prepared, active: &Active, generation: &str) -> Result<bool> {
        let home = Home::open(&self.data, self.verifier.as_ref())?;
        self.leave_receipt(&home, active, generation, &prepared.source)
    }
}

/// Makes the last pointer that worked the pointer again.
pub(super) fn restore(importer: &Importer) -> Result<Active> {
    let backup = Active::read_backup(&importer.data)?;
    let Some(gid) = &backup.active else {
        return Err(Error::new(Code::ActiveCorrupt, "没有可以恢复的指向", "重新导入最近的知识包"));
    };
    knowledge_at(&importer.data.knowledge(gid))?;
    let backup = importer.witnessed(backup)?;
    backup.write(&importer.data, importer.disk.as_ref())?;
    // What the damaged pointer named last may have been later than the backup; the file system keeps no more of it.
    disk::remove_all(importer.disk.as_ref(), &importer.data.staging())
        .and_then(|()| importer.disk.create_dir(&importer.data.staging()))
        .map_err(|e| failed("写不了", &importer.data.staging(), e))?;
    Ok(backup)
}
