//! Clauses that say the same in nearly the same words: a rule that two documents repeat.

use super::normalize::normalize;
use std::collections::HashSet;

/// Share of character pairs that two wordings of one rule have in common at least. Among the national laws, pairs above it differ
/// in marks, in 本法 for 本条例, or in the name of an authority; below it they begin to differ in what they rule.
const NEARLY_THE_SAME: f64 = 0.9;
/// Characters that decide what a rule says: two wordings that differ in one of them are two rules, however alike.
const DECISIVE: &str = "0123456789零〇一二三四五六七八九十百千万亿两半不非未无禁免除可应须必";

/// A text in the form in which it is compared.
#[derive(Debug)]
pub struct Wording {
    pairs: HashSet<[char; 2]>,
    decisive: String,
}

impl Wording {
    /// Prepares a text.
    pub fn of(text: &str) -> Wording {
        let bare: Vec<char> = normalize(text).chars().filter(|c| c.is_alphanumeric()).collect();
        let pairs = bare.windows(2).filter_map(|pair| <[char; 2]>::try_from(pair).ok()).collect();
        Wording { pairs, decisive: bare.into_iter().filter(|c| DECISIVE.contains(*c)).collect() }
    }

    /// Whether both say the same; Dice's coefficient over the pairs of neighbouring characters.
    pub fn says_the_same(&self, other: &Wording) -> bool {
        let all = self.pairs.len() + other.pairs.len();
        let shared = self.pairs.intersection(&other.pairs).count();
        all > 0 && 2.0 * shared as f64 >= NEARLY_THE_SAME * all as f64 && self.decisive == other.decisive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Wording::of(a).says_the_same(&Wording::of(b))
    }

    #[test]
    fn marks_and_a_word_make_no_other_rule() {
        let rule = "存款人丧失存单的,应当及时向开户网点申请挂失,网点核实身份后办理。";
        assert!(same(rule, "存款人丧失存单的，应当及时向开户网点申请挂失；网点核实身份后办理。"));
        assert!(same(rule, "存款人丧失存单的,应当及时向开户网点申请挂失,网点核实身份后予以办理。"));
        assert!(!same(rule, "存款人更换存单的,应当向开户网点提出申请。"));
        assert!(!same("", ""));
    }

    #[test]
    fn a_number_or_a_negation_makes_another_rule() {
        let rule = "单日累计取现超过5万元的,应当登记资金用途并经会计主管授权后办理,登记簿保存五年。";
        assert!(!same(rule, &rule.replace("5万", "8万")));
        assert!(!same(rule, &rule.replace("五年", "三年")));
        assert!(!same(
            "银行可以为未成年人开立该类账户并办理限额以内的业务",
            "银行不可以为未成年人开立该类账户并办理限额以内的业务"
        ));
    }
}
