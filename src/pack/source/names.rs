//! Names on the stick. All are lower-case ASCII, three folders deep at most below `kbpack`.

/// The one folder on the stick that is ours.
pub const HOME: &str = "kbpack";
/// The trust roots.
pub const ROOTS: &str = "kbpack/root";
/// The packs, by number.
pub const PACKS: &str = "kbpack/packs";
/// What branches leave.
pub const OUT: &str = "kbpack/out";
/// The beacon.
pub const BEACON: &str = "kbpack/beacon.json";

/// A trust root.
pub fn root(version: u64) -> String {
    format!("{ROOTS}/{version:04}.json")
}

/// The manifest of a pack.
pub fn manifest(seq: u64) -> String {
    format!("{PACKS}/{seq}/manifest.json")
}

/// The signatures over a file.
pub fn signatures(of: &str) -> String {
    format!("{of}.sig")
}

/// A part of a source; `sha256` is that of all its parts together, in lower-case hex.
pub fn part(sha256: &str, index: usize) -> String {
    let shelf = sha256.get(..2).unwrap_or("00");
    format!("kbpack/blob/{shelf}/{sha256}.{index:03}")
}

/// The receipt of a branch.
pub fn receipt(branch: &str) -> String {
    format!("{OUT}/{branch}/receipt.json")
}

/// The number that a folder of packs is named by; `None` for other names and for other ways to write the number.
pub(super) fn sequence(name: &str) -> Option<u64> {
    name.parse().ok().filter(|seq: &u64| seq.to_string() == name)
}

/// The version that a trust root's file is named by; `None` for other names.
pub(super) fn root_version(name: &str) -> Option<u64> {
    let version = name.strip_suffix(".json")?.parse().ok()?;
    root(version).ends_with(&format!("/{name}")).then_some(version)
}

/// Whether a name could be one of ours if its letters were lower case.
pub(super) fn could_be_ours(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

/// Whether every folder and file on the way has a name of ours.
pub(super) fn is_path_of_ours(path: &str) -> bool {
    let mut steps = path.split('/');
    let lower = |step: &str| could_be_ours(step) && !step.bytes().any(|b| b.is_ascii_uppercase());
    steps.next() == Some(HOME) && steps.all(lower)
}
