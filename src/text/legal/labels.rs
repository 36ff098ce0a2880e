//! Labels that are unique within a document.

use crate::text::{address, numeral};
use crate::types::ClauseAddress;
use std::collections::HashSet;

/// The labels given out so far.
#[derive(Debug, Default)]
pub(super) struct Labels {
    taken: HashSet<String>,
}

impl Labels {
    /// A label like `wanted` that nobody has: itself, with the numbers of the headings above it (`第二编第一条`), or with a
    /// count (`第一条（2）`).
    pub(super) fn unique(&mut self, wanted: &str, parents: &str) -> String {
        let mut label = wanted.to_owned();
        if self.taken.contains(&label) && !parents.is_empty() && parents != wanted {
            label = format!("{parents}{wanted}");
        }
        let base = label.clone();
        let mut n = 2u32;
        while !self.taken.insert(label.clone()) {
            label = format!("{base}（{n}）");
            n += 1;
        }
        label
    }

    /// The address of an article. Of several with one number (a second part that counts anew, a misprint) the first keeps
    /// the plain address; the others are addressed by label alone.
    pub(super) fn article(&mut self, number: u32, insert: u32, parents: &str) -> ClauseAddress {
        let wanted = address::article_label(number, insert);
        let label = self.unique(&wanted, parents);
        if label == wanted { address::article(number, insert) } else { address::labelled(label) }
    }

    /// `第N段` for the n-th headless piece under `parents`.
    pub(super) fn piece(&mut self, n: usize, parents: &str) -> String {
        let number = u32::try_from(n).map_or_else(|_| n.to_string(), numeral::to_chinese);
        self.unique(&format!("{parents}第{number}段"), "")
    }
}
