//! What models are called: by their files and by people.

use super::Entry;

/// Longest name of a model, in characters.
pub(super) const MAX_NAME_CHARS: usize = 64;

/// Whether a text is a SHA-256 in lower-case hex.
pub(super) fn is_checksum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A header's name as a name on the command line: no blanks, slashes or control characters.
pub(super) fn clean_name(name: &str) -> String {
    let parts: Vec<String> = name
        .split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\'))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let name: String = parts.join("-").trim_start_matches('-').chars().take(MAX_NAME_CHARS).collect();
    if name.is_empty() { "未命名".into() } else { name }
}

/// The name, or with a part of the checksum behind it when another model has it.
pub(super) fn free_name<'e>(name: &str, sha256: &str, mut others: impl Iterator<Item = &'e Entry>) -> String {
    match others.any(|entry| entry.name == name && entry.sha256 != sha256) {
        true => format!("{name}-{}", sha256.get(..8).unwrap_or(sha256)),
        false => name.to_owned(),
    }
}
