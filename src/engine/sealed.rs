//! The files of a box that it makes itself and that decide something: the register of models, the list of questions to review, who the
//! box is. Their hashes are in the journal, see [`crate::store::sealed`]; what another hand has changed is told, and questions whose list
//! was changed settle no answer.

use crate::error::Result;
use crate::inference::{RegisterSeal, Registry};
use crate::store::generations::DataDir;
use crate::store::sealed::FileSeal;
use crate::store::state::StateDb;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The register of models, by its name in the data folder.
const REGISTER: &str = "models/registry.json";
/// Who the box is.
const BRANCH: &str = "branch.json";

/// The list of questions to review of a generation.
fn review(gid: &str) -> String {
    crate::import::review_name(gid)
}

/// What was changed by another hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// In words, a file each.
    pub(super) files: Vec<String>,
    /// The questions to review are among them.
    pub(super) reviews: bool,
}

/// The sealed files, with what to call them.
fn names(gid: Option<&str>) -> Vec<(String, &'static str)> {
    let fixed = [(REGISTER.to_owned(), "模型登记"), (BRANCH.to_owned(), "网点身份")];
    fixed.into_iter().chain(gid.map(|gid| (review(gid), "待复核清单"))).collect()
}

/// Where they lie.
pub(super) fn paths(data: &DataDir, gid: Option<&str>) -> Vec<PathBuf> {
    names(gid).iter().map(|(name, _)| data.root().join(name)).collect()
}

/// Looks whether they are as this box wrote them. `keep`: those that were never sealed are from now on, for a folder that an earlier program
/// has set up.
///
/// # Errors
/// `STATE_DB`.
pub(super) fn check(data: &DataDir, state: &StateDb, gid: Option<&str>, keep: bool) -> Result<Changed> {
    let mut changed = Changed::default();
    for (name, title) in names(gid) {
        // What cannot be read is not what was written.
        let content = std::fs::read(data.root().join(&name)).ok();
        match state.file_seal(&name, content.as_deref())? {
            FileSeal::Same => {}
            FileSeal::Unknown if keep => state.seal_file(&name, content.as_deref())?,
            FileSeal::Unknown => {}
            FileSeal::Other => {
                let what = if content.is_some() { "被改动" } else { "不见了或读不出" };
                changed.files.push(format!("{title} {name} {what}"));
                changed.reviews |= gid.is_some_and(|gid| name == review(gid));
            }
        }
    }
    Ok(changed)
}

/// Seals the register in the journal of the data folder.
#[derive(Debug)]
struct Journaled(PathBuf);

impl RegisterSeal for Journaled {
    fn before(&self, present: Option<&[u8]>, next: &[u8]) -> Result<()> {
        StateDb::open(&self.0)?.seal_change(REGISTER, present, Some(next))
    }

    fn after(&self, present: &[u8]) -> Result<()> {
        StateDb::open(&self.0)?.seal_file(REGISTER, Some(present))
    }
}

/// The register of a data folder for whoever changes it. A folder that only holds models has no journal.
pub fn registry(data: &Path) -> Registry {
    let folder = DataDir::at(data);
    let registry = Registry::of(data);
    match folder.branch_file().exists() {
        true => registry.sealed_by(Arc::new(Journaled(folder.state_db()))),
        false => registry,
    }
}
