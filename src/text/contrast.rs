//! Words that are told apart at the counter (取 and 存, 单位 and 个人, 挂失 and 解挂): whether two texts are on the same side.

use super::normalize::fold;
use std::sync::OnceLock;

/// The list, see its own comment.
const CONTRASTS: &str = include_str!("../../assets/contrasts.txt");

/// Sides that exclude each other, each with its words.
type Contrast = Vec<Vec<String>>;

fn contrasts() -> &'static [Contrast] {
    static READ: OnceLock<Vec<Contrast>> = OnceLock::new();
    READ.get_or_init(|| {
        let side = |side: &str| side.split_whitespace().map(fold).collect();
        let lines = CONTRASTS.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        lines.map(|line| line.split('|').map(side).collect()).collect()
    })
}

/// How often a text takes another side than the question, and how often the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides {
    /// Same side.
    pub same: usize,
    /// Another.
    pub other: usize,
}

/// Compares a question with a sentence in its document, all normalised; what the sentence does not say the document's title may.
pub fn compare(question: &str, sentence: &str, document: &str) -> Sides {
    let mut sides = Sides::default();
    for contrast in contrasts() {
        let taken = |text: &str| -> Vec<bool> {
            contrast.iter().map(|words| words.iter().any(|word| text.contains(word.as_str()))).collect()
        };
        let asked = taken(question);
        if asked.iter().filter(|side| **side).count() != 1 {
            continue;
        }
        let mut stated = taken(sentence);
        if !stated.contains(&true) {
            stated = taken(document);
        }
        let same = asked.iter().zip(&stated).any(|(asked, stated)| *asked && *stated);
        sides.same += usize::from(same);
        sides.other += usize::from(!same && stated.contains(&true));
    }
    sides
}

/// Whether two texts, both normalised, are about different things: of some contrast each takes sides, and none in common.
pub fn apart(one: &str, other: &str) -> bool {
    contrasts().iter().any(|contrast| {
        let taken = |text: &str| -> Vec<bool> {
            contrast.iter().map(|words| words.iter().any(|word| text.contains(word.as_str()))).collect()
        };
        let (one, other) = (taken(one), taken(other));
        let common = one.iter().zip(&other).any(|(one, other)| *one && *other);
        one.contains(&true) && other.contains(&true) && !common
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart() {
        assert_eq!(compare("公司要销户", "开立账户应当出示执照", "").other, 1);
        assert_eq!(compare("公司要销户", "撤销账户应当交回凭证", "").same, 1);
        assert_eq!(compare("卡丢了", "遗失银行卡的,应当挂失", ""), Sides { same: 1, other: 0 });
        assert_eq!(compare("公司要销户", "凭身份证办理", "单位结算账户管理办法").same, 1);
    }
}
