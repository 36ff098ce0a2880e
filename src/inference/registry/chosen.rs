//! Which models serve, as a person has chosen while the service ran: `chosen.json` beside the register. A role in the register says
//! what a model is fit for, and several may be fit for the same; this says which one it is, or that none is to serve.

use super::{ModelRole, Registry, is_checksum};
use crate::error::{Code, Error, Result};
use crate::inference::disk;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The file.
const FILE: &str = "chosen.json";
/// Version of its format.
const FORMAT: u32 = 1;
/// Largest file that is read, in bytes: it holds two checksums.
const MAX_BYTES: u64 = 4 << 10;
/// Stands for no model.
const NOTHING: &str = "none";

/// What was chosen for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Nobody has chosen, or what was chosen is no longer registered.
    Open,
    /// No model.
    Nothing,
    /// This file.
    Model(PathBuf),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    large: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    small: Option<String>,
}

impl Stored {
    fn role(&mut self, role: ModelRole) -> Option<&mut Option<String>> {
        match role {
            ModelRole::Large => Some(&mut self.large),
            ModelRole::Small => Some(&mut self.small),
            ModelRole::Embedder | ModelRole::Reranker | ModelRole::Adapter => None,
        }
    }
}

impl Registry {
    /// What was chosen for a role. A choice that cannot be read is none: the service starts without it.
    pub fn chosen(&self, role: ModelRole) -> Choice {
        let mut stored = self.read_chosen();
        let Some(chosen) = stored.role(role).and_then(Option::take) else { return Choice::Open };
        if chosen == NOTHING {
            return Choice::Nothing;
        }
        let known = is_checksum(&chosen)
            && self.read().is_ok_and(|register| register.models.iter().any(|entry| entry.sha256 == chosen));
        if known { Choice::Model(self.file_of(&chosen)) } else { Choice::Open }
    }

    /// Keeps a choice: the model of this checksum, or none. Roles that are not chosen stay as they are.
    ///
    /// # Errors
    /// `MODEL_REGISTRY` when it cannot be written.
    pub fn choose(&self, role: ModelRole, sha256: Option<&str>) -> Result<()> {
        let mut stored = Stored { version: FORMAT, ..self.read_chosen() };
        if let Some(place) = stored.role(role) {
            *place = Some(sha256.unwrap_or(NOTHING).to_owned());
        }
        let text = serde_json::to_vec_pretty(&stored)
            .map_err(|cause| Error::new(Code::Internal, "模型的选择无法转成 JSON", "请报告这个问题").because(cause))?;
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| disk::replace(&self.folder.join(FILE), &text))
            .map_err(|cause| self.failed("记下选用的模型", cause))
    }

    fn read_chosen(&self) -> Stored {
        let path = self.folder.join(FILE);
        let Ok(found) = std::fs::metadata(&path) else { return Stored::default() };
        let text = if found.len() <= MAX_BYTES { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        match serde_json::from_slice::<Stored>(&text) {
            Ok(stored) if stored.version == FORMAT => stored,
            Ok(_) | Err(_) => {
                tracing::warn!("{} cannot be used: nothing counts as chosen", path.display());
                Stored::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_kept_by_role_and_one_that_makes_no_sense_is_none() {
        let folder = tempfile::tempdir().expect("folder");
        let registry = Registry::of(folder.path());
        assert_eq!(registry.chosen(ModelRole::Large), Choice::Open);
        registry.choose(ModelRole::Small, None).expect("kept");
        let sha256 = "ab".repeat(32);
        registry.choose(ModelRole::Large, Some(&sha256)).expect("kept");
        assert_eq!(registry.chosen(ModelRole::Small), Choice::Nothing);
        assert_eq!(registry.chosen(ModelRole::Large), Choice::Open, "not registered");
        let register = format!(
            r#"{{"version":1,"models":[{{"sha256":"{sha256}","name":"m","role":"small","bytes":1,"added":"2026-01-01"}}]}}"#
        );
        std::fs::write(folder.path().join("models/registry.json"), register).expect("write");
        let file = folder.path().join(format!("models/{sha256}.gguf"));
        assert_eq!(registry.chosen(ModelRole::Large), Choice::Model(file));
        for damage in ["", "{", r#"{"version":9,"large":"none"}"#, r#"{"version":1,"large":"../../etc/passwd"}"#] {
            std::fs::write(folder.path().join("models").join(FILE), damage).expect("write");
            assert_eq!(registry.chosen(ModelRole::Large), Choice::Open, "{damage}");
        }
    }
}
