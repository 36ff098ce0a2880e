//! What a check returns, and the words that several checks share.

use super::{Check, CheckState, Spec};
use crate::error::Error;
use crate::types::Bilingual;

/// What a check found. `Err` is a finding, too: it ends a check early.
pub(super) type Looked = std::result::Result<Finding, Finding>;

/// What one check found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) state: CheckState,
    found: Bilingual,
    remedy: Bilingual,
}

impl Finding {
    pub(super) fn of(looked: Looked) -> Finding {
        looked.unwrap_or_else(|early| early)
    }

    pub(super) fn ok(found: Bilingual) -> Finding {
        Finding { state: CheckState::Ok, found, remedy: Bilingual::default() }
    }

    pub(super) fn skipped(found: Bilingual) -> Finding {
        Finding { state: CheckState::Skipped, found, remedy: Bilingual::default() }
    }

    pub(super) fn warn(found: Bilingual, remedy: Bilingual) -> Finding {
        Finding { state: CheckState::Warn, found, remedy }
    }

    pub(super) fn fail(found: Bilingual, remedy: Bilingual) -> Finding {
        Finding { state: CheckState::Fail, found, remedy }
    }

    /// Found in a state that a threshold gave; the remedy is for what is not well.
    pub(super) fn judged(state: CheckState, found: Bilingual, remedy: Bilingual) -> Finding {
        let advised = matches!(state, CheckState::Fail | CheckState::Warn);
        Finding { state, found, remedy: if advised { remedy } else { Bilingual::default() } }
    }

    /// With its name and title.
    pub(super) fn told(self, Spec(id, zh, en, _): &Spec) -> Check {
        let Finding { state, found, remedy } = self;
        Check { id: (*id).to_owned(), state, title: say(*zh, *en), found, remedy }
    }
}

/// The same in both languages.
pub(super) fn say(zh: impl Into<String>, en: impl Into<String>) -> Bilingual {
    Bilingual::new(zh, en)
}

/// An error that a check met: its words in Chinese, its code in English.
pub(super) fn met(what: &str, error: &Error) -> Bilingual {
    say(error.message(), format!("{what} ({})", error.code().as_str()))
}

/// A failure of the file system.
pub(super) fn refused(path: &std::path::Path, error: &std::io::Error) -> Bilingual {
    say(format!("看不了 {}:{error}", path.display()), format!("cannot look at {}: {error}", path.display()))
}

/// Bytes for people.
pub(super) fn amount(bytes: u64) -> String {
    const STEPS: [(&str, f64); 3] = [("GiB", (1u64 << 30) as f64), ("MiB", (1u64 << 20) as f64), ("KiB", 1024.0)];
    let bytes = bytes as f64;
    match STEPS.iter().find(|(_, step)| bytes >= *step) {
        Some((unit, step)) => format!("{:.1} {unit}", bytes / step),
        None => format!("{bytes:.0} B"),
    }
}

/// Where to look when the disk is to blame.
pub(super) const DISK: (&str, &str) = (
    "检查磁盘:sudo dmesg | grep -iE 'i/o error|ata|nvme';有报错就换盘",
    "check the disk: sudo dmesg | grep -iE 'i/o error|ata|nvme'; replace it if there are errors",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_in_the_unit_that_people_read() {
        let said = [0, 999, 1536, 5 << 20, 3 << 30].map(amount);
        assert_eq!(said, ["0 B", "999 B", "1.5 KiB", "5.0 MiB", "3.0 GiB"]);
    }
}
