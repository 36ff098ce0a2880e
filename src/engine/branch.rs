//! A box and its data folder: what is active, what could be gone back to, what waits for a person.

use super::following::CLOCK_CONFIRMED;
use crate::error::{Code, Error, Result};
use crate::import::{Branch, Home, manifest_of, to_review, unreviewed};
use crate::pack::keys::SoftwareVerifier;
use crate::pack::verify::spoken_code;
use crate::store::generations::{Active, DataDir};
use crate::store::review::Suspended;
use crate::store::state::StateDb;
use crate::types::{Date, Serial};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub use crate::store::review::questions;
pub use crate::store::state::Event;

/// Everything a person asks of a data folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BranchStatus {
    /// Who the box is.
    pub branch: Branch,
    /// Version of the trust root.
    pub root_version: u64,
    /// SHA-256 of the trust root.
    pub root_fingerprint: String,
    /// The key by which receipts are signed, hex.
    pub device: String,
    /// The pointer is damaged; what is told here is the last that worked.
    pub damaged: Option<String>,
    /// The generation that answers.
    pub active: Option<GenerationInfo>,
    /// The one that could be gone back to, or forward to when it is held.
    pub previous: Option<GenerationInfo>,
    /// The pack that is held.
    pub hold: Option<Serial>,
    /// The code that head office's notice reads out for the pack in use.
    pub spoken_code: Option<String>,
    /// The latest signed time.
    pub time_floor: Option<Timestamp>,
    /// The latest pack that head office has announced.
    pub announced: Option<Serial>,
    /// Curated questions that wait for a person.
    pub to_review: usize,
}

/// One generation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerationInfo {
    /// Its name.
    pub gid: String,
    /// When head office made it.
    pub issued_at: Option<Timestamp>,
    /// When it expires.
    pub stale_after: Option<Timestamp>,
    /// Documents and clauses, as the manifest says.
    pub clauses: u64,
    /// Size of the knowledge file in bytes.
    pub bytes: u64,
}

/// The pointer of a data folder, or the last one that worked, and why when it is that.
pub(super) fn pointer(data: &DataDir) -> Result<(Active, Option<Error>)> {
    match Active::read(data) {
        Ok(active) => Ok((active, None)),
        Err(e) if e.code() == Code::ActiveCorrupt => Ok((Active::read_backup(data)?, Some(e))),
        Err(e) => Err(e),
    }
}

/// Where the service of a data folder listens for its console.
pub fn socket_of(data: &Path) -> PathBuf {
    data.join("run").join("admin.sock")
}

/// Whether a data folder was set up for taking knowledge in. One that only holds models was not.
pub fn is_home(data: &Path) -> bool {
    DataDir::at(data).branch_file().exists()
}

/// What there is to say of a data folder.
///
/// # Errors
/// `DATA_FOLDER`, `TRUST_MISSING`, `KEY_FILE`, `ACTIVE_CORRUPT`, `STATE_DB`.
pub fn status(data: &Path) -> Result<BranchStatus> {
    let data = DataDir::at(data);
    let home = Home::open(&data, &SoftwareVerifier)?;
    let (active, damaged) = pointer(&data)?;
    let info = |gid: &Option<String>| gid.as_deref().map(|gid| generation(&data, gid));
    let in_use = active.max_seen.as_ref().filter(|seen| active.active.as_deref() == Some(seen.gid().as_str()));
    Ok(BranchStatus {
        root_version: home.root.root().version,
        root_fingerprint: home.root.fingerprint(),
        device: Home::device_key(&data)?.public().to_root_key("").public,
        branch: home.branch,
        damaged: damaged.map(|e| e.message().to_owned()),
        spoken_code: in_use.map(|seen| spoken_code(seen.serial, &seen.manifest_sha256)),
        to_review: questions(&open_reviews(&data, &active)?),
        active: info(&active.active),
        previous: info(&active.prev),
        hold: active.hold,
        time_floor: active.time_floor,
        announced: active.announced,
    })
}

fn generation(data: &DataDir, gid: &str) -> GenerationInfo {
    let manifest = manifest_of(data, gid);
    let bytes = std::fs::metadata(data.knowledge(gid)).map_or(0, |found| found.len());
    GenerationInfo {
        gid: gid.to_owned(),
        issued_at: manifest.as_ref().and_then(|m| m.issued_at.parse().ok()),
        stale_after: manifest.as_ref().and_then(|m| m.stale_after.as_ref()?.parse().ok()),
        clauses: manifest.map_or(0, |m| m.totals.clauses),
        bytes,
    }
}

/// The curated questions of the active knowledge that nobody has looked at since their clause changed.
///
/// # Errors
/// `DATA_FOLDER`, `STATE_DB`, `ACTIVE_CORRUPT`.
pub fn reviews(data: &Path) -> Result<Vec<Suspended>> {
    let data = DataDir::at(data);
    open_reviews(&data, &pointer(&data)?.0)
}

/// A list without entries needs no journal.
fn open_reviews(data: &DataDir, active: &Active) -> Result<Vec<Suspended>> {
    let Some(gid) = &active.active else { return Ok(Vec::new()) };
    let listed = to_review(data, gid)?;
    if listed.is_empty() { Ok(listed) } else { unreviewed(listed, &StateDb::open(&data.state_db())?) }
}

/// Lets a curated question answer again: somebody has read the clause as it is now. `question` is the question or its number in
/// [`reviews`], from 1.
///
/// # Errors
/// `NOT_FOUND` when it is not among them, and as [`reviews`].
pub fn accept(data: &Path, question: &str, actor: &str) -> Result<Suspended> {
    let open = reviews(data)?;
    let numbered = question.parse::<usize>().ok().and_then(|n| open.get(n.checked_sub(1)?));
    let found = numbered.or_else(|| open.iter().find(|one| one.question == question)).cloned().ok_or_else(|| {
        Error::new(Code::NotFound, format!("待复核清单里没有“{question}”"), "用 guida data review 查看清单和编号")
    })?;
    let state = StateDb::open(&DataDir::at(data).state_db())?;
    state.accept(&found.folded, &found.new_fingerprint, actor)?;
    state.record(actor, "review", "OK", &found.question)?;
    Ok(found)
}

/// The latest entries of the journal, newest first.
///
/// # Errors
/// `STATE_DB`.
pub fn events(data: &Path, limit: usize) -> Result<Vec<Event>> {
    StateDb::open(&DataDir::at(data).state_db())?.events(limit)
}

/// What the clock of a box shows, and what is wrong with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The machine's clock.
    pub now: Timestamp,
    /// The latest signed time.
    pub floor: Option<Timestamp>,
    /// The day by whose rules is answered.
    pub day: Date,
    /// What is wrong, in words.
    pub warning: Option<String>,
}

/// Reads the clock of a box. With `confirm`, somebody has looked at it and says that it is right; a running service hears of it.
///
/// # Errors
/// `ACTIVE_CORRUPT`, `STATE_DB`.
pub fn clock(data: &Path, confirm: bool, actor: &str) -> Result<ClockStatus> {
    let home = super::following::Home::open(DataDir::at(data))?;
    let clock = home.clock()?;
    let reading = if confirm { clock.confirm() } else { clock.read() };
    if confirm {
        home.state.record(actor, "clock", "OK", &reading.now.to_string())?;
        home.state.set(CLOCK_CONFIRMED, &reading.now.to_string())?;
    }
    Ok(ClockStatus {
        now: reading.now,
        floor: clock.floor(),
        day: reading.day,
        warning: super::standing::clock_notice(&reading).map(|notice| notice.message),
    })
}
