//! The settings of a box: every one of them with its kind, its limits and its default, and where the value that counts comes from.
//!
//! [`table`](SETTINGS) names them all, a line each; a new setting is a new line there. `value` knows what each kind may be. `file`
//! reads `guida.toml` and tells everything that is wrong in it at once, each with its line; `suggest` finds the known name that was
//! probably meant. [`Settings::resolve`] lays the layers over each other: default, file, environment, flag. [`edit`] changes one value in
//! the text of the file and leaves everything else as people wrote it.
//!
//! Nothing here reads or writes: bytes come in, text goes out. The file itself is the engine's business.

pub mod edit;
mod file;
mod settings;
mod suggest;
mod table;
mod value;

pub use file::{FileSettings, MAX_FILE_BYTES};
pub use settings::{Given, Problem, Settings, refusal, unknown};
pub use table::{Key, SETTINGS, Setting, Unset};
pub use value::{Kind, MAX_PATHS, MAX_TEXT_BYTES, Source, Value, adapter};

use crate::types::Bilingual;
use serde::{Deserialize, Serialize};

/// Name of the file in the data folder.
pub const FILE_NAME: &str = "guida.toml";
/// What a new file begins as: every setting with its default, explained, and out of use.
pub const NEW_FILE: &str = include_str!("../../assets/guida.toml");

/// A setting as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingRow {
    /// Its name in the file, with its table: `http.listen`.
    pub key: String,
    /// What it does.
    pub about: Bilingual,
    /// The value that counts; `None` when nothing is set and there is no default.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// What would count if nothing were set.
    pub default: Option<String>,
    /// What happens when nothing is set, where that is no fixed value.
    pub unset: Option<Bilingual>,
    /// What stands in the file, when anything does.
    pub in_file: Option<String>,
    /// What it may be.
    pub kind: SettingKind,
    /// The environment variable that sets it.
    pub env: Option<String>,
    /// The flag of `guida serve` that sets it.
    pub flag: Option<String>,
    /// A change counts at once; otherwise when the service is started anew.
    pub at_once: bool,
    /// The file says something that the running service does not do yet: it was changed since the start.
    pub pending: bool,
}

/// Where a value comes from; a later one goes before an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nothing was set.
    Default,
    /// `guida.toml`.
    File,
    /// An environment variable.
    Env,
    /// A flag.
    Flag,
}

/// What a setting may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettingKind {
    /// `true` or `false`.
    Switch,
    /// A whole number within limits.
    Number {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
        /// What it counts: `s`, `MiB`; empty for things.
        unit: String,
    },
    /// One of these.
    Choice {
        /// The words that may stand there.
        values: Vec<String>,
    },
    /// An address and a port.
    Address,
    /// A path.
    Path,
    /// Paths, with `:` between them when typed.
    Paths,
    /// Words.
    Text,
}
