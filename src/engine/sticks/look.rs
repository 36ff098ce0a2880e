//! What one stick says of itself, read with the import's own reader: within limits, without following links, each file once.

use super::places::{Place, What, is_folder, names_in};
use super::{Stick, StickPack};
use crate::error::{Error, ErrorBody, Result};
use crate::pack::limits::shown;
use crate::pack::manifest::MAX_MANIFEST_BYTES;
use crate::pack::source::{self, names, reading_failed};
use crate::pack::{hex, json};
use crate::store::generations::gid;
use crate::types::Serial;
use rustix::fs::{Access, access};
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, Read};
use std::path::Path;

/// Packs of one stick that are told, latest first; head office leaves one or two on it.
const MAX_PACKS: usize = 16;
/// Bytes of manifests that are read from one stick; after them, further packs are not told.
const MAX_MANIFESTS_BYTES: u64 = 2 * MAX_MANIFEST_BYTES;
/// Where udev keeps what it knows of a block device.
const UDEV: &str = "/run/udev/data";
/// Largest file of udev that is read, in bytes.
const MAX_UDEV_BYTES: u64 = 64 << 10;

/// What a manifest says that is told here; another version may say more, or other things.
#[derive(Deserialize)]
struct Told {
    epoch: u64,
    seq: u64,
    #[serde(default)]
    issued_at: Value,
    #[serde(default)]
    files: Value,
}

/// The sticks at a place: one, or those in a folder that was named.
pub(super) fn look(place: &Place) -> Vec<Stick> {
    let path = &place.path;
    let What::Named { apart } = &place.what else { return vec![stick(place)] };
    match std::fs::symlink_metadata(path.join(names::HOME)) {
        Ok(_) => return vec![stick(place)],
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return vec![unread(place, &reading_failed(&path.display().to_string(), &e))],
    }
    match std::fs::read_dir(path) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(e) => return vec![unread(place, &reading_failed(&path.display().to_string(), &e))],
    }
    let inside = names_in(path).into_iter().filter(|path| !apart.contains(path) && is_folder(path));
    let laid_out = inside.filter(|path| is_folder(&path.join(names::HOME)));
    laid_out.map(|path| stick(&Place { path, what: What::Folder })).collect()
}

/// A stick of which nothing is known but why.
pub(super) fn unread(place: &Place, why: &Error) -> Stick {
    Stick {
        path: place.path.display().to_string(),
        label: name_of(&place.path),
        packs: Vec::new(),
        read_only: true,
        problem: Some(ErrorBody::from(why)),
    }
}

fn name_of(folder: &Path) -> String {
    shown(&folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy())
}

fn stick(place: &Place) -> Stick {
    let bare = match std::fs::symlink_metadata(place.path.join(names::HOME)) {
        Ok(_) => false,
        Err(e) if e.kind() == io::ErrorKind::NotFound => true,
        Err(e) => return unread(place, &reading_failed(&place.path.display().to_string(), &e)),
    };
    let packs = if bare { listed(&place.path) } else { packs(&place.path) };
    let packs = match packs {
        Ok(packs) => packs,
        Err(e) => return unread(place, &e),
    };
    let label = match &place.what {
        What::Mounted { device } => label_of(device),
        _ => None,
    };
    let home = if bare { place.path.clone() } else { place.path.join(names::HOME) };
    let all_bad = packs.iter().all(|pack| pack.problem.is_some());
    let problem = packs.iter().find_map(|pack| pack.problem.clone()).filter(|_| all_bad);
    Stick {
        path: place.path.display().to_string(),
        label: label.unwrap_or_else(|| name_of(&place.path)),
        packs,
        read_only: access(&home, Access::WRITE_OK).is_err(),
        problem,
    }
}

/// Something else's stick: no packs, if it can be read at all.
fn listed(path: &Path) -> Result<Vec<StickPack>> {
    let read = std::fs::read_dir(path).map(drop);
    read.map(|()| Vec::new()).map_err(|e| reading_failed(&path.display().to_string(), &e))
}

/// The packs, latest first; those that do not read come last.
fn packs(path: &Path) -> Result<Vec<StickPack>> {
    let stick = source::Stick::open(path)?;
    let mut found: Vec<(Option<Serial>, StickPack)> = Vec::new();
    let mut left = MAX_MANIFESTS_BYTES;
    for seq in stick.sequences()?.into_iter().rev().take(MAX_PACKS) {
        if left == 0 {
            break;
        }
        let bytes = stick.read(&names::manifest(seq), left.min(MAX_MANIFEST_BYTES));
        left = left.saturating_sub(bytes.as_ref().map_or(MAX_MANIFEST_BYTES, |bytes| bytes.len() as u64));
        found.push(match bytes.and_then(|bytes| pack(&bytes)) {
            Ok((serial, pack)) => (Some(serial), pack),
            Err(e) => (None, unreadable(seq, &e)),
        });
    }
    found.sort_by_key(|(serial, _)| std::cmp::Reverse(*serial));
    Ok(found.into_iter().map(|(_, pack)| pack).collect())
}

fn pack(bytes: &[u8]) -> Result<(Serial, StickPack)> {
    let told: Told = json::parse(bytes, "清单")?;
    let serial = Serial { epoch: told.epoch, seq: told.seq };
    let pack = StickPack {
        name: serial.to_string(),
        issued_at: told.issued_at.as_str().and_then(|text| text.parse().ok()),
        bytes: parts_of(&told.files),
        in_use: false,
        gid: Some(gid(serial, &hex::sha256(bytes))),
        problem: None,
    };
    Ok((serial, pack))
}

fn unreadable(seq: u64, why: &Error) -> StickPack {
    let problem = Some(ErrorBody::from(why));
    StickPack { name: seq.to_string(), issued_at: None, bytes: 0, in_use: false, gid: None, problem }
}

/// Bytes of all parts of all sources of all files.
fn parts_of(files: &Value) -> u64 {
    let sources = list(files).flat_map(|file| list(&file["sources"]));
    sources.filter_map(|source| source["parts"]["size"].as_u64()).fold(0, u64::saturating_add)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The name of a device's file system, as udev has found it.
fn label_of(device: &str) -> Option<String> {
    let mut text = Vec::new();
    let file = std::fs::File::open(format!("{UDEV}/b{device}")).ok()?;
    file.take(MAX_UDEV_BYTES).read_to_end(&mut text).ok()?;
    label_in(&String::from_utf8_lossy(&text))
}

fn label_in(text: &str) -> Option<String> {
    let label = text.lines().find_map(|line| line.strip_prefix("E:ID_FS_LABEL="))?;
    (!label.is_empty()).then(|| shown(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_udev_says() {
        assert_eq!(label_in("S:disk\nE:ID_FS_TYPE=vfat\nE:ID_FS_LABEL=KB_2026\n").as_deref(), Some("KB_2026"));
        assert_eq!(label_in("E:ID_FS_LABEL=\n"), None);
        assert_eq!(label_in("E:ID_FS_LABEL_ENC=x\n"), None);
    }

    #[test]
    fn a_pack_of_another_version_is_told_by_what_is_known() {
        let text = r#"{"fmt":"guida-pack/9","epoch":2,"seq":5,"issued_at":7,
            "files":[{"sources":[{"parts":{"size":10}},{"other":1}]},{"sources":{"parts":1}},{"sources":[{"parts":{"size":5}}]}]}"#;
        let (serial, pack) = pack(text.as_bytes()).unwrap();
        assert_eq!((serial, pack.bytes, pack.issued_at), (Serial { epoch: 2, seq: 5 }, 15, None));
        assert!(pack.gid.is_some_and(|gid| gid.starts_with("2-5-")));
    }
}
