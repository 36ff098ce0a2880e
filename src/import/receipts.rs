//! Step 12: what this box runs now, signed, for head office. On the stick if it can be written, else kept for the next one.

use super::home::Home;
use super::{Importer, failed};
use crate::disk;
use crate::error::Result;
use crate::pack::receipt::{RECEIPT_FMT, Receipt};
use crate::pack::source::{Stick, names};
use crate::store::generations::Active;
use jiff::Timestamp;
use std::path::Path;

/// A receipt's name in the outbox.
const OUTBOX_NAME: &str = "receipt.json";

impl Importer {
    /// Writes the receipt; returns whether it lies on the stick.
    pub(super) fn leave_receipt(&self, home: &Home, active: &Active, knowledge: &str, stick: &Path) -> Result<bool> {
        let key = Home::device_key(&self.data)?;
        let now = Timestamp::now();
        let root = self.data.root();
        let seen = active.max_seen.as_ref().map(|seen| seen.serial).unwrap_or_default();
        let receipt = Receipt {
            fmt: RECEIPT_FMT.to_owned(),
            bank_id: home.branch.bank_id.clone(),
            branch: home.branch.branch.clone(),
            device: key.public().to_root_key("").public,
            gid: active.active.clone().unwrap_or_default(),
            generation: knowledge.to_owned(),
            epoch: seen.epoch,
            seq: seen.seq,
            root_version: home.root.root().version,
            clock: now.to_string(),
            clock_offset_s: active.time_floor.map_or(0, |floor| now.as_second() - floor.as_second()),
            free_bytes: self.disk.free_bytes(root).map_err(|e| failed("看不到剩余空间", root, e))?,
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let (bytes, signature) = receipt.signed(&key)?;
        let name = names::receipt(&home.branch.branch);
        let left = Stick::open(stick).and_then(|stick| {
            stick.leave(&names::signatures(&name), &signature)?;
            stick.leave(&name, &bytes)
        });
        if let Err(e) = left {
            tracing::info!("the receipt waits for the next stick: {e}");
            let folder = self.data.outbox();
            let (file, seal) = (folder.join(OUTBOX_NAME), folder.join(names::signatures(OUTBOX_NAME)));
            disk::replace(self.disk.as_ref(), &seal, &signature).map_err(|e| failed("写不了", &seal, e))?;
            disk::replace(self.disk.as_ref(), &file, &bytes).map_err(|e| failed("写不了", &file, e))?;
            return Ok(false);
        }
        // What waited for a stick is outdated now.
        for old in [OUTBOX_NAME.to_owned(), names::signatures(OUTBOX_NAME)] {
            let path = self.data.outbox().join(old);
            self.disk.remove_file(&path).map_err(|e| failed("删不了", &path, e))?;
        }
        Ok(true)
    }
}
