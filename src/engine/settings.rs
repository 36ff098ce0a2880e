//! The settings, as requests: what counts and where it comes from; changes go into the file.

use crate::config::SettingRow;
use serde::{Deserialize, Serialize};

/// What can be asked of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum SettingsRequest {
    /// All of them.
    List,
    /// Writes a value into the file, after checking it.
    Set {
        /// Which.
        key: String,
        /// The value as it would be typed.
        value: String,
    },
    /// Takes it out of the file.
    Reset {
        /// Which.
        key: String,
    },
}

/// The settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingsReply {
    /// Every one, in the order of the table.
    pub rows: Vec<SettingRow>,
    /// The file; `None` when the service has no data folder.
    pub file: Option<String>,
    /// Something in the file takes effect only when the service is started anew.
    pub restart_needed: bool,
}
