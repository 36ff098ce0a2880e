//! The models that write, at run time: which there are, which serve, and loading, unloading and measuring them.

use super::models::{Measured, ModelList, ModelRole};
use super::reply::GeneratorStatus;
use crate::error::{Code, Error, ErrorBody, Result};
use crate::inference::Generator;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use crate::answer::Writers;

/// What can be asked of the models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelRequest {
    /// What there is, what serves, and how far the work is.
    List,
    /// Puts a registered model in a role's place; what served goes on until it is ready. The file is compared with its checksum
    /// first. Lasts as `Unload` does.
    Load {
        /// Its name.
        name: String,
        /// [`ModelRole::Large`] or [`ModelRole::Small`].
        role: ModelRole,
    },
    /// Ends the model in this role: answers are cards alone from then on, unless the other role's model writes. Lasts until one is
    /// loaded, also over a restart of the service, unless its command line or settings name a model.
    Unload {
        /// As in `Load`.
        role: ModelRole,
    },
    /// Measures a model on this box and keeps the fastest settings.
    Bench {
        /// Its name.
        name: String,
        /// Only the most promising settings.
        quick: bool,
    },
    /// Ends the measuring.
    Cancel,
}

/// The models.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelsReply {
    /// All that lie in the data folder.
    pub list: ModelList,
    /// Those that serve.
    pub serving: Vec<Serving>,
    /// What is being done, or was done last.
    pub work: ModelWork,
}

/// A model that serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Serving {
    /// Its role.
    pub role: ModelRole,
    /// Its name in the register, when it has one.
    pub name: Option<String>,
    /// How it does.
    pub status: GeneratorStatus,
}

/// How far work on models is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum ModelWork {
    /// Nothing was done yet.
    Idle,
    /// A model is being loaded.
    Loading {
        /// Which.
        name: String,
        /// For which role.
        role: ModelRole,
    },
    /// It serves.
    Loaded {
        /// Which.
        name: String,
        /// In which role.
        role: ModelRole,
    },
    /// A role was emptied; its model ends the answers that it has begun.
    Unloading {
        /// Which.
        role: ModelRole,
    },
    /// A role is empty, and the memory of its model is free.
    Unloaded {
        /// Which.
        role: ModelRole,
    },
    /// A model is being measured.
    Benching {
        /// Which.
        name: String,
        /// The runs so far.
        runs: Vec<Measured>,
    },
    /// It was measured; the best run's settings are kept.
    Benched {
        /// Which.
        name: String,
        /// All runs.
        runs: Vec<Measured>,
        /// The best.
        best: Measured,
    },
    /// It did not work; what served before goes on.
    Failed {
        /// Why.
        error: ErrorBody,
    },
}

/// A model in its place.
pub struct Served {
    /// Its role.
    pub role: ModelRole,
    /// Its file.
    pub file: PathBuf,
    /// How it does.
    pub status: GeneratorStatus,
}

/// Who runs the processes of the models. A call that loads may take minutes; the others return at once.
pub trait ModelHost: Send + Sync {
    /// The program that runs a model in a process of its own.
    fn program(&self) -> &Path;
    /// The models that write, as the place should hold them.
    fn writers(&self) -> Writers;
    /// What is in the places.
    fn serving(&self) -> Vec<Served>;
    /// Whether the start of the service names a model for this role, which a choice does not outlast.
    fn named_at_start(&self, role: ModelRole) -> bool;
    /// Memory that all models have now, in bytes.
    fn resident_bytes(&self) -> u64;
    /// Whether memory holds this model in this role, after the one that is there has gone.
    ///
    /// # Errors
    /// `MODEL_MEMORY` with figures; those of reading the file.
    fn check(&self, role: ModelRole, file: &Path) -> Result<()>;
    /// Puts a model in a place, and returns when it serves.
    ///
    /// # Errors
    /// Those of loading it, and `CANCELLED` once `stop` is set; what served before goes on.
    fn load(&self, role: ModelRole, file: &Path, stop: &AtomicBool) -> Result<()>;
    /// Empties a place and hands over what was there: its process ends when nobody holds it any more. `None` when it was empty.
    fn unload(&self, role: ModelRole) -> Option<Arc<dyn Generator>>;
}

/// There is nowhere for models to lie.
pub(super) fn no_folder() -> Error {
    Error::new(Code::DataFolder, "服务没有使用数据目录", "用 guida serve --data 目录 启动后再更换模型")
}
