//! The models that write, at run time: which there are, which serve, and loading, unloading and measuring them.

use super::models::{Measured, ModelList, ModelRole};
use super::reply::GeneratorStatus;
use crate::error::ErrorBody;
use serde::{Deserialize, Serialize};

/// What can be asked of the models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelRequest {
    /// What there is, what serves, and how far the work is.
    List,
    /// Puts a registered model in a role's place; what served goes on until it is ready.
    Load {
        /// Its name.
        name: String,
        /// [`ModelRole::Large`] or [`ModelRole::Small`].
        role: ModelRole,
    },
    /// Ends the model in this role: answers are cards alone from then on. Lasts until one is loaded.
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
