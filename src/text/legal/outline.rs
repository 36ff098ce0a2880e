//! The chapter path: which 编, 章 and 节 a clause stands in.

use super::line::chapter_rank;

/// The open headings, outermost first.
#[derive(Debug, Default, Clone)]
pub(super) struct Outline {
    open: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Rank by wording (编 0 … 节 3).
    rank: Option<usize>,
    /// Outline depth as the reader saw it; `None` for a heading recognised by its wording alone.
    depth: Option<u8>,
    text: String,
}

impl Entry {
    /// `第三章` of `第三章 法律责任`; other headings in full.
    fn number(&self) -> &str {
        match self.text.split_once(' ') {
            Some((number, _)) if self.rank.is_some() => number,
            _ => self.text.as_str(),
        }
    }
}

impl Outline {
    /// Enters a heading: closes what it cannot stand in, and opens it.
    pub(super) fn enter(&mut self, text: &str, depth: Option<u8>) {
        let rank = chapter_rank(text);
        // A heading closes all at its own level and below. Wording decides before depth: readers may see 章 and 节 at one depth.
        let keep = self
            .open
            .iter()
            .take_while(|entry| match (entry.rank, rank, entry.depth, depth) {
                (Some(old), Some(new), _, _) => old < new,
                (_, _, Some(old), Some(new)) => old < new,
                (Some(_), None, _, _) => true,
                _ => false,
            })
            .count();
        self.open.truncate(keep);
        self.open.push(Entry { rank, depth, text: text.to_owned() });
    }

    /// The path, joined by spaces.
    pub(super) fn path(&self) -> String {
        self.open.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The path without the innermost heading.
    pub(super) fn parent_path(&self) -> String {
        let outer = self.open.len().saturating_sub(1);
        self.open.iter().take(outer).map(|entry| entry.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether a heading of this text is open.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.open.iter().any(|entry| entry.text == text)
    }

    /// The innermost heading.
    pub(super) fn innermost(&self) -> Option<&str> {
        self.open.last().map(|entry| entry.text.as_str())
    }

    /// Numbers of the open headings, outermost first (`第二编第三章`), to tell equal labels apart.
    pub(super) fn numbers(&self) -> String {
        self.open.iter().map(Entry::number).collect()
    }

    /// [`Outline::numbers`] without the innermost heading.
    pub(super) fn parent_numbers(&self) -> String {
        self.open.iter().take(self.open.len().saturating_sub(1)).map(Entry::number).collect()
    }

    /// Closes every heading of `depth` and below.
    pub(super) fn leave(&mut self, depth: u8) {
        let keep = self.open.iter().take_while(|entry| entry.depth.is_none_or(|d| d < depth)).count();
        self.open.truncate(keep);
    }

    /// Closes everything.
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wording_goes_before_depth() {
        let mut outline = Outline::default();
        outline.enter("第一编 总则", Some(2));
        outline.enter("第一章 任务", Some(2));
        outline.enter("第一节 一般", None);
        assert_eq!(outline.path(), "第一编 总则 第一章 任务 第一节 一般");
        outline.enter("第二章 犯罪", Some(3));
        assert_eq!(outline.path(), "第一编 总则 第二章 犯罪");
        assert_eq!(outline.numbers(), "第一编第二章");
        outline.enter("附则", Some(2));
        assert_eq!(outline.path(), "附则");
    }
}
