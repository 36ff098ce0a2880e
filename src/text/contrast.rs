//! Words that are told apart at the counter (取 and 存, 单位 and 个人, 挂失 and 解挂): whether two texts are on the same side.

use super::normalize::fold;
use super::quantity::{self, Measure, Quantity};
use std::cell::OnceCell;
use std::sync::OnceLock;

/// The list, see its own comment.
const CONTRASTS: &str = include_str!("../../assets/contrasts.txt");

/// Ends a word that an amount follows: 存#.
const AMOUNT: char = '#';

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
    let [question, sentence, document] = [question, sentence, document].map(Said::of);
    for contrast in contrasts() {
        let asked = question.sides(contrast);
        if asked.iter().filter(|side| **side).count() != 1 {
            continue;
        }
        let mut stated = sentence.sides(contrast);
        if !stated.contains(&true) {
            stated = document.sides(contrast);
        }
        let same = asked.iter().zip(&stated).any(|(asked, stated)| *asked && *stated);
        sides.same += usize::from(same);
        sides.other += usize::from(!same && stated.contains(&true));
    }
    sides
}

/// A text whose amounts of money are looked for once, when a word asks for one.
struct Said<'t> {
    text: &'t str,
    amounts: OnceCell<Vec<usize>>,
}

impl<'t> Said<'t> {
    fn of(text: &'t str) -> Said<'t> {
        Said { text, amounts: OnceCell::new() }
    }

    /// Which sides of a contrast it takes.
    fn sides(&self, contrast: &[Vec<String>]) -> Vec<bool> {
        contrast.iter().map(|words| words.iter().any(|word| self.has(word))).collect()
    }

    /// Whether it has a word, one that ends in [`AMOUNT`] with an amount of money behind it.
    fn has(&self, word: &str) -> bool {
        let Some(verb) = word.strip_suffix(AMOUNT) else { return self.text.contains(word) };
        let follows = |start: &usize| self.text.get(..*start).is_some_and(|before| before.ends_with(verb));
        self.text.contains(verb) && self.amounts().iter().any(follows)
    }

    /// Where amounts of money begin.
    fn amounts(&self) -> &[usize] {
        self.amounts.get_or_init(|| {
            let money = |found: &Quantity| matches!(found.measure, Measure::Money(_) | Measure::Number);
            quantity::find(self.text).into_iter().filter(money).map(|found| found.place.start).collect()
        })
    }
}

/// Whether two texts, both normalised, are about different things: of some contrast each takes sides, and none in common.
pub fn apart(one: &str, other: &str) -> bool {
    let (one, other) = (Said::of(one), Said::of(other));
    contrasts().iter().any(|contrast| {
        let (one, other) = (one.sides(contrast), other.sides(contrast));
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

    #[test]
    fn a_verb_before_an_amount_takes_a_side() {
        assert_eq!(compare("存30万提前多久说", "大额取现按照下表提前预约", "").other, 1);
        assert_eq!(compare("取30万提前多久说", "大额取现按照下表提前预约", ""), Sides { same: 1, other: 0 });
        assert_eq!(compare("资料保存10年够不够", "取款凭证保存15年", ""), Sides::default());
    }
}
