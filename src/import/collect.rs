//! What broken or past imports left: found and removed, never what is active or could be gone back to.

use super::{Importer, failed};
use crate::disk;
use crate::error::{Code, Error, Result};
use crate::store::generations::Active;
use std::path::{Path, PathBuf};

impl Importer {
    /// Step 0: removes generations without a name and those that no pointer names.
    pub(super) fn sweep(&self, active: &Active) -> Result<()> {
        let kept: Vec<PathBuf> =
            [&active.active, &active.prev].into_iter().flatten().map(|gid| self.data.generation(gid)).collect();
        self.remove_but(&self.data.generations(), |path| kept.iter().any(|keep| keep == path))
    }

    /// Removes copied parts of other packs than this one.
    pub(super) fn sweep_staging(&self, gid: Option<&str>) -> Result<()> {
        let kept = gid.map(|gid| self.data.staging().join(gid));
        self.remove_but(&self.data.staging(), |path| kept.as_deref() == Some(path))
    }

    fn remove_but(&self, folder: &Path, keep: impl Fn(&Path) -> bool) -> Result<()> {
        let entries = match std::fs::read_dir(folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|e| failed("列不出", folder, e))?,
        };
        for entry in entries {
            let path = entry.map_err(|e| failed("列不出", folder, e))?.path();
            if !keep(&path) {
                disk::remove_all(self.disk.as_ref(), &path).map_err(|e| failed("删不了", &path, e))?;
            }
        }
        Ok(())
    }

    /// After a failed import: frees what is of no use, and keeps copied parts where a later try goes on with them.
    pub(super) fn free_after(&self, e: &Error, gid: &str) {
        let resumable = matches!(
            e.code(),
            Code::PackRemoved | Code::PackIncomplete | Code::Cancelled | Code::Io | Code::ImportBusy
        );
        let mut useless = vec![self.data.unfinished(gid)];
        if !resumable {
            useless.push(self.data.staging().join(gid));
            // It may have its name already; only what no pointer names is of no use.
            let named = |active: &Active| [&active.active, &active.prev].into_iter().flatten().any(|name| name == gid);
            if Active::read(&self.data).is_ok_and(|active| !named(&active)) {
                useless.push(self.data.generation(gid));
            }
        }
        for path in useless {
            // The next import sweeps again; the failure that led here is the one to report.
            if let Err(e) = disk::remove_all(self.disk.as_ref(), &path) {
                tracing::warn!("cannot remove {}: {e}", path.display());
            }
        }
    }
}
