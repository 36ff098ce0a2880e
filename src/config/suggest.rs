//! The known name that was probably meant.

/// One wrong letter in so many is still the same word.
const LETTERS_PER_SLIP: usize = 3;
/// Slips that even a short word may have.
const SLIPS: usize = 2;

/// The candidate nearest to `name`, when it is near enough to have been meant. A name whose last part is that of a candidate in another
/// table is near it.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = SLIPS.max(name.chars().count() / LETTERS_PER_SLIP);
    candidates
        .map(|candidate| {
            let elsewhere = distance(leaf(name), leaf(candidate)) + 1;
            (distance(name, candidate).min(elsewhere), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= slips)
        .map(|(_, candidate)| candidate)
}

fn leaf(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, leaf)| leaf)
}

/// Letters to add, remove or change to make `b` of `a` (Levenshtein's distance, row by row).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let &[diagonal, up] = above else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(x != *y)).min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_strangers_are_not() {
        let known = ["http.listen", "http.workers", "models.threads", "models.kv_type"];
        let nearest = |name| nearest(name, known.into_iter());
        assert_eq!(nearest("http.wrokers"), Some("http.workers"));
        assert_eq!(nearest("http.worker"), Some("http.workers"));
        assert_eq!(nearest("workers"), Some("http.workers"));
        assert_eq!(nearest("http.threads"), Some("models.threads"));
        assert_eq!(nearest("models.kv-type"), Some("models.kv_type"));
        assert_eq!(nearest("upstream.address"), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting"), distance("a", "a")), (3, 3, 0));
    }
}
