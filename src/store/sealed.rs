//! Files of a box that head office does not sign, because the box makes them itself: their hashes stand among the journal's settings,
//! which are sealed, so that a change by another hand is noticed.

use super::state::StateDb;
use crate::error::Result;
use sha2::{Digest, Sha256};

/// What the settings of sealed files begin with.
const SEALED: &str = "sealed:";

/// What a file is against its seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSeal {
    /// It was never sealed: a program before this one made it.
    Unknown,
    /// As it was written.
    Same,
    /// Another hand has changed it.
    Other,
}

fn hash(content: Option<&[u8]>) -> String {
    match content {
        Some(content) => Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect(),
        None => "none".into(),
    }
}

impl StateDb {
    /// Notes what a file is from now on; `None` that it is not there.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn seal_file(&self, name: &str, content: Option<&[u8]>) -> Result<()> {
        self.set(&format!("{SEALED}{name}"), &hash(content))
    }

    /// Notes what a file is about to become. Until [`StateDb::seal_file`] both are right: a power cut may come between.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn seal_change(&self, name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Result<()> {
        self.set(&format!("{SEALED}{name}"), &format!("{} {}", hash(before), hash(after)))
    }

    /// What a file is against its seal.
    ///
    /// # Errors
    /// `STATE_DB`.
    pub fn file_seal(&self, name: &str, content: Option<&[u8]>) -> Result<FileSeal> {
        let Some(known) = self.setting(&format!("{SEALED}{name}"))? else { return Ok(FileSeal::Unknown) };
        let found = hash(content);
        Ok(if known.split(' ').any(|one| one == found) { FileSeal::Same } else { FileSeal::Other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_before_during_and_after_a_change() {
        let state = StateDb::volatile().unwrap();
        let seal = |content: Option<&str>| state.file_seal("a.json", content.map(str::as_bytes)).unwrap();
        assert_eq!(seal(Some("1")), FileSeal::Unknown);
        state.seal_file("a.json", None).unwrap();
        assert_eq!((seal(None), seal(Some("1"))), (FileSeal::Same, FileSeal::Other));
        state.seal_change("a.json", None, Some(b"1")).unwrap();
        assert_eq!((seal(None), seal(Some("1")), seal(Some("2"))), (FileSeal::Same, FileSeal::Same, FileSeal::Other));
        state.seal_file("a.json", Some(b"1")).unwrap();
        assert_eq!((seal(None), seal(Some("1")), seal(Some(""))), (FileSeal::Other, FileSeal::Same, FileSeal::Other));
        assert_eq!(state.verify().unwrap(), None);
    }
}
