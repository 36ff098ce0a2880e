//! The properties at the beginning of a file: which of them mean something. A slip in `effective` would let an expired rule answer.

use crate::text::legal;

/// The properties that are used, beside the other names of those that say who a document is and when it applies.
const KNOWN: [&str; 10] =
    ["title", "doc_no", "issuer", "level", "published", "effective", "repealed", "classification", "sample", "history"];
/// What people write instead.
const MEANT: [(&str, &str); 3] = [("valid_from", "effective"), ("expiry", "repealed"), ("密级", "classification")];
/// Letters in which a slip may differ.
const MAX_SLIP: usize = 2;

/// What to say of properties that are not known; `None` when all are.
pub(super) fn unknown<'a>(keys: impl Iterator<Item = &'a String>) -> Option<String> {
    let said: Vec<String> = keys
        .filter(|key| !KNOWN.contains(&key.as_str()) && !legal::is_property(key))
        .map(|key| nearest(key).map_or_else(|| key.clone(), |known| format!("{key}(是否 {known}?)")))
        .collect();
    (!said.is_empty()).then(|| format!("文件开头的属性认不出,没有用上:{}", said.join("、")))
}

/// What to say of days that cannot be read; `None` when all can.
pub(super) fn unread<'a>(properties: impl Iterator<Item = (&'a String, &'a String)>) -> Option<String> {
    let said: Vec<String> = properties
        .filter(|(key, value)| legal::is_unread_day(key, value))
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    (!said.is_empty()).then(|| format!("文件开头的日期读不出,没有用上:{}", said.join("、")))
}

fn nearest(key: &str) -> Option<&'static str> {
    let lower = key.trim().to_lowercase();
    if let Some((_, known)) = MEANT.iter().find(|(word, _)| *word == lower) {
        return Some(known);
    }
    KNOWN
        .into_iter()
        .map(|known| (distance(&lower, known), known))
        .filter(|(d, _)| *d <= MAX_SLIP)
        .min()
        .map(|(_, known)| known)
}

/// How many letters must be changed, added or dropped.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (other, above) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(*other != c));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named_with_what_was_meant() {
        let said = |key: &str| unknown([key.to_owned()].iter());
        for (key, known) in [
            ("efective", "effective"),
            ("Effective ", "effective"),
            ("repeald", "repealed"),
            ("expiry", "repealed"),
            ("docno", "doc_no"),
        ] {
            assert!(said(key).is_some_and(|said| said.contains(&format!("是否 {known}?"))), "{key}");
        }
        assert!(said("自定").is_some_and(|said| !said.contains("是否")));
        let days = [("生效日期", "2026年13月1日"), ("repealed", "2027-02-30"), ("date", "2026-02-28"), ("title", "甲")];
        let days: Vec<(String, String)> = days.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let unread = unread(days.iter().map(|(key, value)| (key, value)));
        assert_eq!(
            unread.as_deref(),
            Some("文件开头的日期读不出,没有用上:生效日期: 2026年13月1日、repealed: 2027-02-30")
        );
        for used in ["effective", "effective_from", "生效日期", "失效日期"] {
            assert_eq!(said(used), None, "{used}");
        }
    }
}
